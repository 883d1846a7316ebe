//! Organisations, their windows and staff.

use crate::event::OrganisationEvent;
use serde::{Deserialize, Serialize};

/// The tree of organisations.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Organisations {}

impl Organisations {
    /// Takes in what happened to an organisation.
    pub fn evolve(&mut self, _event: &OrganisationEvent) {}
}
