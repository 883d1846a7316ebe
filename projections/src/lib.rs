//! Ways of seeing: each module folds the facts of the domain into one view.
//!
//! No IO, no clock: a question about "now" takes the moment as an argument.

mod projection;

pub use projection::Projection;
