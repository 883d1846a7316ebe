//! The catalogue of service items.

use crate::event::ItemEvent;
use serde::{Deserialize, Serialize};

/// Every item with its versions.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Catalogue {}

impl Catalogue {
    /// Takes in a publication or withdrawal.
    pub fn evolve(&mut self, _event: &ItemEvent) {}
}
