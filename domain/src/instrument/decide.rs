//! What may be asked of an instrument, and why it is refused.

use super::Instrument;
use crate::decider::{Context, Decider};
use crate::event::InstrumentEvent;
use crate::event::instrument::{InstrumentIssued, InstrumentKind, InstrumentRevoked};
use crate::event::item::Level;
use crate::event::organisation::OrganisationKind;
use crate::ids::{InstrumentId, ItemId, OrganisationId};
use crate::organisation::Organisations;
use crate::reference::Reference;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// What may be asked of an instrument.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case")]
pub enum InstrumentCommand {
    /// Issue and publish it.
    Issue(InstrumentIssued),
    /// End it before its time.
    Revoke(InstrumentRevoked),
}

/// Why an instrument stays as it is, or does not come to be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InstrumentRejection {
    /// It is issued, with another content; what changes is another instrument.
    #[error("this instrument was issued already, with another content")]
    AlreadyIssued,
    /// It is not issued.
    #[error("this instrument was not issued")]
    NotIssued,
    /// It names nobody, or nothing.
    #[error("an instrument names at least one holder and one item")]
    InstrumentEmpty,
    /// It says nowhere where it was published, or on which basis.
    #[error("an instrument says where it was published and on which legal basis")]
    InstrumentUnpublished,
    /// Nobody decides under a paper that nobody could read yet.
    #[error("an instrument is valid from its publication at the earliest")]
    ValidBeforePublication,
    /// It ends before it begins.
    #[error("the last day lies before the first")]
    InstrumentEndsBeforeItBegins,
    /// Nobody knows this organisation, or it is no more.
    #[error("{0} is not an organisation on that day")]
    InstrumentPartyUnknown(OrganisationId),
    /// No item has this id.
    #[error("there is no item {0}")]
    InstrumentItemUnknown(ItemId),
    /// Who holds a power under an instrument cannot hand it on (行政许可法 Art. 24).
    #[error("{0} decides under an instrument itself, or is no organ that could delegate: no sub-delegation")]
    NoSubDelegation(OrganisationId),
    /// The power is not that organ's: its items are others', or its holders do not stand under it.
    #[error("the power for {0} is not this organ's to give")]
    NotTheirPower(ItemId),
    /// A holder stands outside the organ's territory.
    #[error("{0} does not stand under the organ that issues the instrument")]
    HolderOutsideTerritory(OrganisationId),
    /// No version of the item is decided so.
    #[error("no version of {0} is decided under an instrument of this kind")]
    InstrumentKindMismatch(ItemId),
    /// It has ended, on another day.
    #[error("this instrument was revoked already, as of another day")]
    AlreadyRevoked,
    /// The command names another instrument than its stream.
    #[error("the command is about {0}, another instrument")]
    OtherInstrument(InstrumentId),
}

use InstrumentCommand as Command;
use InstrumentRejection as Rejection;

impl InstrumentCommand {
    /// Returns the instrument it is about.
    #[must_use]
    pub fn instrument(&self) -> &InstrumentId {
        match self {
            Self::Issue(body) => &body.instrument,
            Self::Revoke(body) => &body.instrument,
        }
    }
}

impl Decider for Instrument {
    type Command = InstrumentCommand;
    type Event = InstrumentEvent;
    type Rejection = InstrumentRejection;

    fn decide(&self, command: &Command, context: &Context<'_>) -> Result<Vec<InstrumentEvent>, Rejection> {
        match (self.issued(), command) {
            (None, Command::Issue(new)) => issue(new, context.reference),
            (Some(known), Command::Issue(new)) if known == new => Ok(vec![]),
            (Some(_), Command::Issue(_)) => Err(Rejection::AlreadyIssued),
            (None, Command::Revoke(_)) => Err(Rejection::NotIssued),
            (Some(known), Command::Revoke(revoked)) if known.instrument != revoked.instrument => {
                Err(Rejection::OtherInstrument(revoked.instrument.clone()))
            }
            (Some(known), Command::Revoke(revoked)) => match self.revoked() {
                Some(before) if before.last_day == revoked.last_day => Ok(vec![]),
                Some(_) => Err(Rejection::AlreadyRevoked),
                // Revoked before its first day, it was never in force.
                None if known.valid_to.is_some_and(|last| last < revoked.last_day) => {
                    Err(Rejection::InstrumentEndsBeforeItBegins)
                }
                None => Ok(vec![revoked.clone().into()]),
            },
        }
    }

    fn evolve(&mut self, event: &InstrumentEvent) {
        self.take_in(event);
    }
}

fn issue(new: &InstrumentIssued, reference: &Reference) -> Result<Vec<InstrumentEvent>, Rejection> {
    if new.to.is_empty() || new.items.is_empty() {
        return Err(Rejection::InstrumentEmpty);
    }
    if new.published_in.trim().is_empty() || new.basis.trim().is_empty() {
        return Err(Rejection::InstrumentUnpublished);
    }
    if new.valid_from < new.published_on {
        return Err(Rejection::ValidBeforePublication);
    }
    if new.valid_to.is_some_and(|last| last < new.valid_from) {
        return Err(Rejection::InstrumentEndsBeforeItBegins);
    }
    let organisations = &reference.organisations;
    for party in std::iter::once(&new.from).chain(&new.to) {
        let known = organisations.get(party).filter(|known| known.exists_on(new.valid_from));
        known.ok_or_else(|| Rejection::InstrumentPartyUnknown(party.clone()))?;
    }
    for item in &new.items {
        may_delegate(new, item, reference)?;
    }
    let territory = territory_of(organisations, &new.from);
    match new.to.iter().find(|holder| **holder == new.from || !organisations.contains(territory, holder)) {
        Some(holder) => Err(Rejection::HolderOutsideTerritory(holder.clone())),
        None => Ok(vec![new.clone().into()]),
    }
}

/// Whether the organ has a power of its own for the item that it can let others use.
fn may_delegate(new: &InstrumentIssued, item: &ItemId, reference: &Reference) -> Result<(), Rejection> {
    let Some(known) = reference.catalogue.get(item) else {
        return Err(Rejection::InstrumentItemUnknown(item.clone()));
    };
    let organisations = &reference.organisations;
    let level = organisations.get(&new.from).map(|organ| organ.kind().level());
    let is_organ = level.is_some_and(|level| Level::County <= level);
    let borrows = |day: NaiveDate| {
        let mut held = reference.instruments.held_by(&new.from);
        held.any(|(_, held)| held.is_in_force(day) && held.issued().is_some_and(|held| held.items.contains(item)))
    };
    if !is_organ || borrows(new.valid_from) {
        return Err(Rejection::NoSubDelegation(new.from.clone()));
    }
    let authority = new.kind.authority();
    let Some(version) = known.versions().iter().rev().find(|version| version.definition.authority == authority) else {
        return Err(Rejection::InstrumentKindMismatch(item.clone()));
    };
    let competent = match new.kind {
        // A government gives its township powers of any of its departments; an entrustment comes from the department itself.
        InstrumentKind::Empowerment => {
            !is_department(organisations, &new.from) || is_competent(new, version, organisations)
        }
        InstrumentKind::Entrustment => is_competent(new, version, organisations),
    };
    if competent { Ok(()) } else { Err(Rejection::NotTheirPower(item.clone())) }
}

fn is_department(organisations: &Organisations, id: &OrganisationId) -> bool {
    organisations.get(id).is_some_and(|organ| organ.kind() == OrganisationKind::Department)
}

/// The department that is responsible for the item, or where a county has none, its government.
fn is_competent(
    new: &InstrumentIssued,
    version: &crate::catalogue::ItemVersion,
    organisations: &Organisations,
) -> bool {
    let department = organisations.department_for(version, &new.from);
    department.or_else(|| organisations.county_of(&new.from)).unwrap_or(&new.from) == &new.from
}

/// A department's territory is that of the government it belongs to.
fn territory_of<'a>(organisations: &'a Organisations, organ: &'a OrganisationId) -> &'a OrganisationId {
    let above = organisations.parent(organ).filter(|_| is_department(organisations, organ));
    above.unwrap_or(organ)
}
