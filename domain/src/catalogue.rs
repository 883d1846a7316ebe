//! The catalogue of service items 事项. An item's versions follow one another without gaps, and none is ever changed.

use crate::decider::Decider;
use crate::event::ItemEvent;
use crate::event::item::{ItemDefinition, ItemPublished, ItemWithdrawn, MaterialRequirement, StepRule};
use crate::ids::{ItemId, StepCode};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

mod decide;
pub use decide::{ItemCommand, ItemRejection};

/// A version of an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemVersion {
    /// The item.
    pub item: ItemId,
    /// Counts versions, from 1.
    pub version: u32,
    /// The first day on which one may apply under it.
    pub valid_from: NaiveDate,
    /// The last such day, where one is fixed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_to: Option<NaiveDate>,
    /// Its elements.
    pub definition: ItemDefinition,
}

impl ItemVersion {
    /// Returns the step with this code.
    #[must_use]
    pub fn step(&self, code: &StepCode) -> Option<&StepRule> {
        self.definition.steps.iter().find(|step| step.code == *code)
    }

    fn is_in_force(&self, day: NaiveDate) -> bool {
        self.valid_from <= day && self.valid_to.is_none_or(|last| day <= last)
    }
}

/// One item with all its versions.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Item {
    versions: Vec<ItemVersion>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    withdrawn_after: Option<NaiveDate>,
}

impl Item {
    /// Returns its versions, oldest first.
    #[must_use]
    pub fn versions(&self) -> &[ItemVersion] {
        &self.versions
    }

    /// Returns the version published last.
    #[must_use]
    pub fn latest(&self) -> Option<&ItemVersion> {
        self.versions.last()
    }

    /// Returns the last day on which one may apply, where the item was withdrawn.
    #[must_use]
    pub fn withdrawn_after(&self) -> Option<NaiveDate> {
        self.withdrawn_after
    }

    /// Returns the version under which one applies on this day.
    #[must_use]
    pub fn in_force(&self, day: NaiveDate) -> Option<&ItemVersion> {
        if self.withdrawn_after.is_some_and(|last| last < day) {
            return None;
        }
        self.versions.iter().rev().find(|version| version.valid_from <= day).filter(|version| version.is_in_force(day))
    }

    /// Returns the version with this number.
    #[must_use]
    pub fn version(&self, number: u32) -> Option<&ItemVersion> {
        self.versions.iter().find(|version| version.version == number)
    }
}

/// Every item with its versions.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Catalogue {
    items: BTreeMap<ItemId, Item>,
}

impl Catalogue {
    /// Returns the item.
    #[must_use]
    pub fn get(&self, item: &ItemId) -> Option<&Item> {
        self.items.get(item)
    }

    /// Returns the version of the item under which one applies on this day.
    #[must_use]
    pub fn in_force(&self, item: &ItemId, day: NaiveDate) -> Option<&ItemVersion> {
        self.items.get(item)?.in_force(day)
    }

    /// Returns a version of the item by its number.
    #[must_use]
    pub fn version(&self, item: &ItemId, version: u32) -> Option<&ItemVersion> {
        self.items.get(item)?.version(version)
    }

    /// Returns what a version of the item asks for; nothing, if there is no such version.
    #[must_use]
    pub fn materials(&self, item: &ItemId, version: u32) -> &[MaterialRequirement] {
        self.version(item, version).map_or(&[], |version| &version.definition.materials)
    }

    /// Returns every item, by its id.
    pub fn items(&self) -> impl Iterator<Item = (&ItemId, &Item)> {
        self.items.iter()
    }

    /// Takes in a publication or withdrawal.
    pub fn evolve(&mut self, event: &ItemEvent) {
        let (ItemEvent::ItemPublished(ItemPublished { item, .. })
        | ItemEvent::ItemWithdrawn(ItemWithdrawn { item, .. })) = event;
        self.items.entry(item.clone()).or_default().evolve(event);
    }
}

#[cfg(test)]
mod tests;
