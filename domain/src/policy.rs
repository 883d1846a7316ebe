//! The rules in force.

use crate::event::PolicyEvent;
use serde::{Deserialize, Serialize};

/// Every version of the rules.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Policies {}

impl Policies {
    /// Takes in a publication.
    pub fn evolve(&mut self, _event: &PolicyEvent) {}
}
