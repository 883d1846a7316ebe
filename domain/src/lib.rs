//! What may happen in a one-window public service (“一窗式”政务服务), and what it means.
//!
//! No IO, no clock, no randomness: time, ids and sealed text come in from outside, so that every rule here can be run
//! again over any slice of history and gives the same answer.

pub mod actor;
pub mod appointment;
pub mod builtin;
pub mod calendar;
pub mod campaign;
pub mod case;
pub mod catalogue;
pub mod certificate;
pub mod checklist;
pub mod clock;
pub mod decider;
pub mod document;
pub mod due;
pub mod event;
pub mod fact;
pub mod hall_day;
pub mod identity;
pub mod ids;
pub mod inspection;
pub mod instrument;
pub mod kin;
pub mod library;
pub mod month;
pub mod organisation;
pub mod policy;
pub mod rating;
pub mod reference;
pub mod region;
pub mod roster;
pub mod sealed;
pub mod service_point;
pub mod template;
pub mod ticket;
pub mod zone;

#[cfg(test)]
mod testing;
