//! Ways of seeing: each module folds the facts of the domain into one view.
//!
//! No IO, no clock: a question about "now" takes the moment as an argument.

pub mod balance;
pub mod case_file;
pub mod certificate_free;
pub mod coverage;
pub mod documents;
mod gather;
pub mod halls;
pub mod kin;
pub mod lights;
pub mod names;
pub mod oversight;
#[cfg(test)]
mod pinned;
pub mod processing_times;
mod projection;
pub mod queues;
pub mod rating_signs;
pub mod rating_windows;
pub mod reference;
pub mod satisfaction;
pub mod scope;
pub mod scores;
pub mod staffing;
pub mod supplements;
pub mod tally;
#[cfg(test)]
mod testing;
pub mod timeline;

pub use projection::Projection;
