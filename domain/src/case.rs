//! One application 办件, from 申请 to 办结 and 送达.
//!
//! [`Case`] is what has happened, [`CaseCommand`] what may be asked, [`Rejection`] the rule that refuses it. The tables
//! stand in [`action`] (which acts there are, and in which phases) and [`mod@permits`] (who may do them); `decide` and
//! [`Case::actions`] read the same ones. What is waiting for somebody is [`mod@duties`].

pub mod action;
mod after;
mod again;
mod already;
mod anomaly;
mod command;
mod consent;
mod decide;
mod desk;
pub mod duties;
mod ending;
pub mod evidence;
mod evolve;
mod intake;
mod pauses;
pub mod permits;
mod phase;
mod rejection;
mod review;
mod service;
mod state;
#[cfg(test)]
mod tests;

pub use action::Action;
pub use again::Again;
pub use command::{CaseCommand, Submit, Survivor};
pub use decide::ActionOffer;
pub use duties::{Due, Duty, DutyKind, duties};
pub use evidence::DataShareAsked;
pub use permits::permits;
pub use phase::Phase;
pub use rejection::Rejection;
pub use state::{
    Acceptance, Case, Consultation, CorrectionState, Decision, Delivery, ExtensionRequest, Finish, Flags, Leg, Legacy,
    Merged, Notice, Pending, Procedure, ProcedureState, Receipt, Step, StepDone, Urging, Warning,
};
