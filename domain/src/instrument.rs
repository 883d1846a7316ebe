//! Where decisions live: which organ may decide which item, in whose name, under which instrument, on which day.

use crate::event::InstrumentEvent;
use crate::event::instrument::{InstrumentIssued, InstrumentKind, InstrumentRef, InstrumentRevoked};
use crate::ids::{InstrumentId, ItemId, OrganisationId, RegionCode};
use crate::region;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

mod decide;
pub use decide::{InstrumentCommand, InstrumentRejection};

/// One instrument as it stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Instrument {
    issued: Option<InstrumentIssued>,
    revoked: Option<InstrumentRevoked>,
}

impl Instrument {
    /// Returns it as issued.
    #[must_use]
    pub fn issued(&self) -> Option<&InstrumentIssued> {
        self.issued.as_ref()
    }

    /// Returns how it ended before its time, if it did.
    #[must_use]
    pub fn revoked(&self) -> Option<&InstrumentRevoked> {
        self.revoked.as_ref()
    }

    /// Returns the last day on which one may decide under it, where there is one.
    #[must_use]
    pub fn last_day(&self) -> Option<NaiveDate> {
        let fixed = self.issued.as_ref().and_then(|issued| issued.valid_to);
        let revoked = self.revoked.as_ref().map(|revoked| revoked.last_day);
        [fixed, revoked].into_iter().flatten().min()
    }

    /// Returns whether one may decide under it on this day.
    #[must_use]
    pub fn is_in_force(&self, day: NaiveDate) -> bool {
        let begun = self.issued.as_ref().is_some_and(|issued| issued.valid_from <= day);
        begun && self.last_day().is_none_or(|last| day <= last)
    }

    fn take_in(&mut self, event: &InstrumentEvent) {
        match event {
            InstrumentEvent::InstrumentIssued(issued) => self.issued = Some(issued.clone()),
            InstrumentEvent::InstrumentRevoked(revoked) => self.revoked = Some(revoked.clone()),
        }
    }
}

/// A power that somebody wants to use.
#[derive(Debug, Clone, Copy)]
pub struct Exercise<'a> {
    /// By what kind of instrument it must have been given.
    pub kind: InstrumentKind,
    /// For which item.
    pub item: &'a ItemId,
    /// Who decides.
    pub organ: &'a OrganisationId,
    /// Where the case is handled.
    pub region: Option<&'a RegionCode>,
    /// When.
    pub on: NaiveDate,
}

/// Why there is no such power; what comes closer to it is greater, and tells more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PowerMissing {
    /// The organ holds no instrument of that kind.
    NoInstrument,
    /// It holds some; none is about this item here.
    OutsideScope,
    /// One is about this item here, on other days.
    NotInForce,
}

/// A power that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Power {
    /// The instrument it comes from.
    pub instrument: InstrumentRef,
    /// In whose name its holder decides.
    pub in_name_of: OrganisationId,
}

/// Every instrument there is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Instruments {
    all: BTreeMap<InstrumentId, Instrument>,
    held: BTreeMap<OrganisationId, BTreeSet<InstrumentId>>,
}

impl Instruments {
    /// Returns the instrument.
    #[must_use]
    pub fn get(&self, id: &InstrumentId) -> Option<&Instrument> {
        self.all.get(id)
    }

    /// Returns every instrument, by its id.
    pub fn iter(&self) -> impl Iterator<Item = (&InstrumentId, &Instrument)> {
        self.all.iter()
    }

    /// Returns the instruments under which this organisation may decide something, on whatever day.
    pub fn held_by(&self, organ: &OrganisationId) -> impl Iterator<Item = (&InstrumentId, &Instrument)> {
        self.held.get(organ).into_iter().flatten().filter_map(|id| self.all.get_key_value(id))
    }

    /// Finds the instrument that gives a power.
    ///
    /// # Errors
    /// What is missing: the instrument, its scope, or its validity on the day.
    pub fn power(&self, wanted: &Exercise<'_>) -> Result<Power, PowerMissing> {
        let mut missing = PowerMissing::NoInstrument;
        for (_, instrument) in self.held_by(wanted.organ) {
            let Some(issued) = instrument.issued().filter(|issued| issued.kind == wanted.kind) else { continue };
            if !covers(issued, wanted) {
                missing = missing.max(PowerMissing::OutsideScope);
            } else if !instrument.is_in_force(wanted.on) {
                missing = missing.max(PowerMissing::NotInForce);
            } else {
                return Ok(Power::under(issued, wanted.organ));
            }
        }
        Err(missing)
    }

    /// Takes in what happened to an instrument.
    pub fn evolve(&mut self, event: &InstrumentEvent) {
        let id = instrument_of(event);
        if let InstrumentEvent::InstrumentIssued(issued) = event {
            for organ in &issued.to {
                self.held.entry(organ.clone()).or_default().insert(id.clone());
            }
        }
        self.all.entry(id.clone()).or_default().take_in(event);
    }
}

impl Power {
    fn under(issued: &InstrumentIssued, holder: &OrganisationId) -> Self {
        let InstrumentIssued { instrument, kind, number, from, .. } = issued;
        let in_name_of = match kind {
            InstrumentKind::Empowerment => holder.clone(),
            InstrumentKind::Entrustment => from.clone(),
        };
        let instrument = InstrumentRef { instrument: instrument.clone(), kind: *kind, number: number.clone() };
        Self { instrument, in_name_of }
    }
}

fn covers(issued: &InstrumentIssued, wanted: &Exercise<'_>) -> bool {
    let within = |region: &RegionCode| issued.regions.iter().any(|wide| region::lies_in(region, wide));
    issued.items.contains(wanted.item) && (issued.regions.is_empty() || wanted.region.is_some_and(within))
}

/// Returns the instrument that an event is about.
#[must_use]
pub fn instrument_of(event: &InstrumentEvent) -> &InstrumentId {
    match event {
        InstrumentEvent::InstrumentIssued(body) => &body.instrument,
        InstrumentEvent::InstrumentRevoked(body) => &body.instrument,
    }
}

#[cfg(test)]
mod tests;
