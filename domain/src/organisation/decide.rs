//! What may be asked of an organisation, and why it is refused.

use super::{Organisation, Organisations};
use crate::actor::Role;
use crate::decider::{Context, Decider};
use crate::event::OrganisationEvent;
use crate::event::organisation::{
    ContactSet, OpeningDaysSet, OrganisationDissolved, OrganisationKind, OrganisationRegistered, StaffAppointed,
    StaffRelieved, WindowClosed, WindowOpened,
};
use crate::identity;
use crate::ids::{OrganisationId, StaffId, WindowId};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// The state of one organisation's stream.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct OrganisationState {
    /// The organisation, once it is registered.
    pub organisation: Option<Organisation>,
}

/// What may be asked of an organisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case")]
pub enum OrganisationCommand {
    /// Register it.
    Register(OrganisationRegistered),
    /// Set when it is open.
    SetOpeningDays(OpeningDaysSet),
    /// Say how it is reached.
    SetContact(ContactSet),
    /// Open a window.
    OpenWindow(WindowOpened),
    /// Close a window.
    CloseWindow(WindowClosed),
    /// Appoint a member of staff.
    AppointStaff(StaffAppointed),
    /// Relieve a member of staff.
    RelieveStaff(StaffRelieved),
    /// Dissolve it.
    Dissolve(OrganisationDissolved),
}

/// Why an organisation stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OrganisationRejection {
    /// It is registered, with other particulars.
    #[error("this organisation is registered already")]
    AlreadyRegistered,
    /// It is not registered.
    #[error("this organisation is not registered")]
    NotRegistered,
    /// It is dissolved.
    #[error("this organisation is dissolved")]
    Dissolved,
    /// Nobody knows its parent.
    #[error("the organisation above, {0}, is not registered")]
    ParentUnknown(OrganisationId),
    /// Only a city stands under nobody.
    #[error("only a city's organisation may stand under nobody")]
    ParentMissing,
    /// An organisation of this kind cannot stand under one of that kind.
    #[error("a {child:?} cannot stand under a {parent:?}")]
    ParentOfWrongKind {
        /// The organisation's kind.
        child: OrganisationKind,
        /// The kind of the one above.
        parent: OrganisationKind,
    },
    /// It has no name.
    #[error("an organisation needs a name")]
    Nameless,
    /// The code is not one of GB 32100.
    #[error("the credit code has a wrong check character or shape")]
    CreditCodeInvalid,
    /// It closes after it opens.
    #[error("an organisation must close after it opens, and after-hours service ends after that")]
    HoursReversed,
    /// A phone is digits, and few signs between them.
    #[error("a phone has 3 to 20 digits, and nothing else but blanks, hyphens and a plus sign")]
    PhoneMalformed,
    /// The window is there, under another name or for another purpose.
    #[error("window {0} is there already")]
    WindowAlreadyOpen(WindowId),
    /// There is no such window.
    #[error("there is no window {0}")]
    WindowUnknown(WindowId),
    /// A window has a name and a purpose.
    #[error("a window needs a name and a purpose")]
    WindowNameless,
    /// Nobody with this number works here.
    #[error("{0} does not work here")]
    StaffUnknown(StaffId),
    /// Somebody who works here has a role.
    #[error("an appointment needs at least one role")]
    NoRole,
    /// Nobody is appointed to this role.
    #[error("nobody is appointed as {0}")]
    RoleNotAppointed(Role),
    /// Nobody works somewhere before it exists.
    #[error("the organisation exists since {0} only")]
    BeforeRegistration(NaiveDate),
    /// An act cannot end before it began.
    #[error("the last day lies before the first")]
    EndsBeforeItBegins,
    /// Others still stand under it.
    #[error("{0} still stands under it")]
    StillHasOthersUnderIt(OrganisationId),
    /// The command names another organisation than its stream.
    #[error("the command is about {0}, another organisation")]
    OtherOrganisation(OrganisationId),
}

use OrganisationCommand as Command;
use OrganisationRejection as Rejection;

impl OrganisationCommand {
    /// Returns the organisation it is about.
    #[must_use]
    pub fn organisation(&self) -> &OrganisationId {
        match self {
            Self::Register(body) => &body.organisation,
            Self::SetOpeningDays(body) => &body.organisation,
            Self::SetContact(body) => &body.organisation,
            Self::OpenWindow(body) => &body.organisation,
            Self::CloseWindow(body) => &body.organisation,
            Self::AppointStaff(body) => &body.organisation,
            Self::RelieveStaff(body) => &body.organisation,
            Self::Dissolve(body) => &body.organisation,
        }
    }
}

impl Decider for OrganisationState {
    type Command = OrganisationCommand;
    type Event = OrganisationEvent;
    type Rejection = OrganisationRejection;

    fn decide(&self, command: &Command, context: &Context<'_>) -> Result<Vec<OrganisationEvent>, Rejection> {
        let others = &context.reference.organisations;
        match (&self.organisation, command) {
            (None, Command::Register(new)) => register(new, others),
            (Some(known), Command::Register(new)) if known.registered == *new => Ok(vec![]),
            (Some(_), Command::Register(_)) => Err(Rejection::AlreadyRegistered),

            (None, _) => Err(Rejection::NotRegistered),
            (Some(known), other) if known.id() != other.organisation() => {
                Err(Rejection::OtherOrganisation(other.organisation().clone()))
            }
            (Some(known), Command::Dissolve(dissolved)) => dissolve(known, dissolved, others),
            (Some(known), _) if known.dissolved_after.is_some() => Err(Rejection::Dissolved),
            (Some(known), Command::SetOpeningDays(set)) => set_opening_days(known, set),
            (Some(known), Command::SetContact(set)) => set_contact(known, set),
            (Some(known), Command::OpenWindow(opened)) => open_window(known, opened),
            (Some(known), Command::CloseWindow(closed)) => close_window(known, closed),
            (Some(known), Command::AppointStaff(appointed)) => appoint(known, appointed),
            (Some(known), Command::RelieveStaff(relieved)) => relieve(known, relieved),
        }
    }

    fn evolve(&mut self, event: &OrganisationEvent) {
        match (&mut self.organisation, event) {
            (None, OrganisationEvent::OrganisationRegistered(registered)) => {
                self.organisation = Some(Organisation::new(registered.clone()));
            }
            (Some(organisation), event) => organisation.evolve(event),
            // A stream begins with its registration; without one there is nothing that could change.
            (None, _) => (),
        }
    }
}

/// 110 is a phone too.
const PHONE_DIGITS_MIN: usize = 3;
/// The longest an international number gets, with an extension.
const PHONE_DIGITS_MAX: usize = 20;

/// Which kinds may stand directly under which.
fn may_stand_under(child: OrganisationKind, parent: OrganisationKind) -> bool {
    use OrganisationKind::{City, County, Department, Township, Village, Zone};
    match (child, parent) {
        (County, City) | (Township, County | Zone) | (Village, Township | Zone) => true,
        (Zone | Department, City | County) | (Department, Township | Zone) => true,
        (City | County | Township | Village | Zone | Department, _) => false,
    }
}

fn register(new: &OrganisationRegistered, others: &Organisations) -> Result<Vec<OrganisationEvent>, Rejection> {
    if new.name_zh.trim().is_empty() {
        return Err(Rejection::Nameless);
    }
    if new.credit_code.as_deref().is_some_and(|code| !identity::is_credit_code(code)) {
        return Err(Rejection::CreditCodeInvalid);
    }
    match (&new.parent, new.kind) {
        (None, OrganisationKind::City) => (),
        (None, _) => return Err(Rejection::ParentMissing),
        (Some(parent), kind) => {
            let Some(above) = others.get(parent) else { return Err(Rejection::ParentUnknown(parent.clone())) };
            if !may_stand_under(kind, above.kind()) {
                return Err(Rejection::ParentOfWrongKind { child: kind, parent: above.kind() });
            }
        }
    }
    Ok(vec![new.clone().into()])
}

fn dissolve(
    known: &Organisation,
    dissolved: &OrganisationDissolved,
    others: &Organisations,
) -> Result<Vec<OrganisationEvent>, Rejection> {
    match known.dissolved_after {
        Some(last_day) if last_day == dissolved.last_day => return Ok(vec![]),
        Some(_) => return Err(Rejection::Dissolved),
        None => (),
    }
    if dissolved.last_day < known.registered.valid_from {
        return Err(Rejection::EndsBeforeItBegins);
    }
    let after = dissolved.last_day.succ_opt().unwrap_or(dissolved.last_day);
    let mut under = others.children(known.id());
    match under.find(|id| others.get(id).is_some_and(|child| child.exists_on(after))) {
        Some(child) => Err(Rejection::StillHasOthersUnderIt(child.clone())),
        None => Ok(vec![dissolved.clone().into()]),
    }
}

fn set_opening_days(known: &Organisation, set: &OpeningDaysSet) -> Result<Vec<OrganisationEvent>, Rejection> {
    let day_begins_too_late = set.day_begins.is_some_and(|begins| set.opens < begins);
    if set.closes <= set.opens || day_begins_too_late || set.after_hours_until.is_some_and(|until| until <= set.closes)
    {
        return Err(Rejection::HoursReversed);
    }
    if known.hours(set.valid_from) == Some(set) {
        return Ok(vec![]);
    }
    Ok(vec![set.clone().into()])
}

fn set_contact(known: &Organisation, set: &ContactSet) -> Result<Vec<OrganisationEvent>, Rejection> {
    let digits = set.phone.bytes().filter(u8::is_ascii_digit).count();
    let others = set.phone.bytes().any(|byte| !byte.is_ascii_digit() && !b"+- ".contains(&byte));
    if others || !(PHONE_DIGITS_MIN..=PHONE_DIGITS_MAX).contains(&digits) {
        return Err(Rejection::PhoneMalformed);
    }
    if known.phone(set.valid_from) == Some(set.phone.as_str()) {
        return Ok(vec![]);
    }
    Ok(vec![set.clone().into()])
}

fn open_window(known: &Organisation, opened: &WindowOpened) -> Result<Vec<OrganisationEvent>, Rejection> {
    if opened.name_zh.trim().is_empty() || opened.purpose.trim().is_empty() {
        return Err(Rejection::WindowNameless);
    }
    match known.windows.get(&opened.window) {
        None => Ok(vec![opened.clone().into()]),
        Some(window) if window.name_zh == opened.name_zh && window.purpose == opened.purpose => Ok(vec![]),
        Some(_) => Err(Rejection::WindowAlreadyOpen(opened.window.clone())),
    }
}

fn close_window(known: &Organisation, closed: &WindowClosed) -> Result<Vec<OrganisationEvent>, Rejection> {
    match known.windows.get(&closed.window) {
        Some(_) => Ok(vec![closed.clone().into()]),
        None => Err(Rejection::WindowUnknown(closed.window.clone())),
    }
}

fn appoint(known: &Organisation, appointed: &StaffAppointed) -> Result<Vec<OrganisationEvent>, Rejection> {
    if appointed.roles.is_empty() {
        return Err(Rejection::NoRole);
    }
    let nobody = |role: &&Role| matches!(role, Role::Resident | Role::System | Role::Import);
    if let Some(role) = appointed.roles.iter().find(nobody) {
        return Err(Rejection::RoleNotAppointed(*role));
    }
    if appointed.valid_from < known.registered.valid_from {
        return Err(Rejection::BeforeRegistration(known.registered.valid_from));
    }
    let present = known.staff.get(&appointed.staff).filter(|appointment| appointment.last_day.is_none());
    let same = present.is_some_and(|appointment| {
        appointment.roles == appointed.roles && appointment.valid_from == appointed.valid_from
    });
    // New particulars of the person are news even where the roles are not.
    if same && appointed.person.is_none() { Ok(vec![]) } else { Ok(vec![appointed.clone().into()]) }
}

fn relieve(known: &Organisation, relieved: &StaffRelieved) -> Result<Vec<OrganisationEvent>, Rejection> {
    match known.staff.get(&relieved.staff) {
        None => Err(Rejection::StaffUnknown(relieved.staff.clone())),
        Some(appointment) if appointment.last_day == Some(relieved.last_day) => Ok(vec![]),
        Some(appointment) if relieved.last_day < appointment.valid_from => Err(Rejection::EndsBeforeItBegins),
        Some(_) => Ok(vec![relieved.clone().into()]),
    }
}
