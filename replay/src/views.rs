//! All projections that are kept live.

use crate::view::{AnyView, View};
use domain::fact::Fact;
use eventstore::Position;

/// Every live projection. A new one is a field here and a line in each of the two lists below it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Views {}

impl Views {
    /// Returns them all, to be looked at alike.
    #[must_use]
    pub fn all(&self) -> [&dyn AnyView; 0] {
        []
    }

    /// Returns them all, to be changed alike.
    pub fn all_mut(&mut self) -> [&mut dyn AnyView; 0] {
        []
    }

    /// Folds the facts that each view does not have yet.
    pub fn fold(&mut self, facts: &[Fact]) {
        self.all_mut().into_iter().for_each(|view| view.fold(facts));
    }

    /// Returns the position up to which every view has folded; `fallback` while there is no view.
    #[must_use]
    pub fn position(&self) -> Position {
        self.all().iter().map(|view| view.position()).min().unwrap_or_default()
    }

    /// Returns the view of this name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&dyn AnyView> {
        self.all().into_iter().find(|view| view.name() == name)
    }

    /// Returns the names of all projections.
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        self.all().iter().map(|view| view.name()).collect()
    }
}
