//! One application 办件, from 申请 to 办结 and 送达.
//!
//! [`Case`] is what has happened, [`CaseCommand`] what may be asked, [`Rejection`] the rule that refuses it. The tables
//! stand in [`action`] (which acts there are, and in which phases) and [`permits`] (who may do them); `decide` and
//! [`Case::actions`] read the same ones. What is waiting for somebody is [`duties`].

pub mod action;
mod command;
pub mod duties;
mod evolve;
mod phase;
mod rejection;
mod service;
mod state;

pub use action::Action;
pub use command::{CaseCommand, Submit};
pub use duties::{Due, Duty, DutyKind, duties};
pub use phase::Phase;
pub use rejection::Rejection;
pub use state::{
    Acceptance, Case, Consultation, CorrectionState, Decision, Delivery, ExtensionRequest, Finish, Flags, Leg, Legacy,
    Notice, Pending, Procedure, ProcedureState, Receipt, Step, StepDone, Urging, Warning,
};
