//! What may be asked of an item, and why it is refused.

use super::{Item, ItemVersion};
use crate::clock::{DayUnit, Limit};
use crate::decider::{Context, Decider};
use crate::event::ItemEvent;
use crate::event::item::{ItemDefinition, ItemPublished, ItemWithdrawn};
use crate::ids::{ItemId, MaterialCode, SituationCode, StepCode};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What may be asked of an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case")]
#[expect(clippy::large_enum_variant, reason = "commands live briefly, one at a time")]
pub enum ItemCommand {
    /// Publish the next version.
    Publish {
        /// The item.
        item: ItemId,
        /// Its number, where the caller states it: the next one, or it is refused.
        #[serde(default)]
        version: Option<u32>,
        /// The first day on which one may apply under it.
        valid_from: NaiveDate,
        /// The last such day, where one is fixed.
        #[serde(default)]
        valid_to: Option<NaiveDate>,
        /// Its elements.
        definition: ItemDefinition,
    },
    /// Withdraw the item.
    Withdraw {
        /// The item.
        item: ItemId,
        /// The last day on which one may apply.
        last_day: NaiveDate,
        /// The instrument that withdraws it.
        basis: String,
    },
}

/// Why an item cannot be published or withdrawn.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ItemRejection {
    /// Versions are counted without gaps.
    #[error("the next version of this item is {expected}, not {stated}")]
    VersionNotNext {
        /// The next number.
        expected: u32,
        /// The number given.
        stated: u32,
    },
    /// A version begins after its predecessor began.
    #[error("a version must begin after {predecessor}, when the one before it began")]
    NotAfterPredecessor {
        /// The predecessor's first day.
        predecessor: NaiveDate,
    },
    /// A version with a fixed last day is still in force then.
    #[error("the version before it holds through {last_day}")]
    OverlapsPredecessor {
        /// The predecessor's last day.
        last_day: NaiveDate,
    },
    /// A validity ends after it begins.
    #[error("a version must not end before it begins")]
    EndsBeforeItBegins,
    /// Nothing is published after withdrawal.
    #[error("this item is withdrawn")]
    Withdrawn,
    /// Nothing was ever published.
    #[error("this item is not published")]
    NotPublished,
    /// A promise is never longer than the law allows.
    #[error("the promised limit must not be longer than the legal one")]
    PromiseLongerThanLaw,
    /// An item has a name in both languages.
    #[error("an item needs a name in Chinese and in English")]
    Nameless,
    /// Two steps share a code.
    #[error("the step code {0} is used twice")]
    StepCodeTwice(StepCode),
    /// Two materials share a code.
    #[error("the material code {0} is used twice")]
    MaterialCodeTwice(MaterialCode),
    /// Two situations share a code.
    #[error("the situation {0} is listed twice")]
    SituationTwice(SituationCode),
    /// A material is needed in a situation that the item does not list.
    #[error("the material {0} belongs to a situation that the item does not list")]
    MaterialWithoutSituation(MaterialCode),
    /// What every situation needs belongs to none.
    #[error("the material {0} is required always, so it belongs to no situation")]
    RequiredAlwaysAndSometimes(MaterialCode),
    /// Forms are counted from 1, and a changed one is another version.
    #[error("the form has changed and becomes version {expected}, not {stated}")]
    FormVersionNotNext {
        /// The next number.
        expected: u32,
        /// The number given.
        stated: u32,
    },
    /// Two special procedures share a name.
    #[error("the special procedure {0} is listed twice")]
    ProcedureTwice(String),
    /// A procedure that stops the legal clock names its basis (行政许可法 Art. 45).
    #[error("the special procedure {0} stops the legal clock and needs a basis")]
    LegalPauseWithoutBasis(String),
    /// The steps' budgets fit into the promise.
    #[error("the steps take {budget} working days, more than the {promised} promised")]
    StepsLongerThanPromise {
        /// What the steps after acceptance take together.
        budget: u32,
        /// What is promised.
        promised: u16,
    },
    /// An item can be applied for somewhere.
    #[error("an item needs at least one level where one may apply")]
    NoIntakeLevel,
    /// An extension or a delivery limit of no days says nothing.
    #[error("a limit of 0 days for {0} says nothing; leave it out")]
    EmptyLimit(&'static str),
}

/// Returns the first rule that an item's elements break.
fn flaw(definition: &ItemDefinition) -> Option<ItemRejection> {
    if definition.name_zh.trim().is_empty() || definition.name_en.trim().is_empty() {
        return Some(ItemRejection::Nameless);
    }
    if definition.intake_levels.is_empty() {
        return Some(ItemRejection::NoIntakeLevel);
    }
    limit_flaw(definition).or_else(|| code_flaw(definition)).or_else(|| procedure_flaw(definition))
}

fn limit_flaw(definition: &ItemDefinition) -> Option<ItemRejection> {
    if let (Some(promised), Some(legal)) = (definition.promised_limit, definition.legal_limit)
        && is_longer(promised, legal)
    {
        return Some(ItemRejection::PromiseLongerThanLaw);
    }
    let empty_limits = [
        (definition.extension_days_max, "an extension"),
        (definition.delivery_days, "delivery"),
        (definition.supplement_days, "supplements"),
    ];
    if let Some((_, name)) = empty_limits.into_iter().find(|(days, _)| *days == Some(0)) {
        return Some(ItemRejection::EmptyLimit(name));
    }
    let running = definition.steps.iter().filter(|step| !step.before_acceptance);
    let budget: u32 = running.map(|step| u32::from(step.budget_days)).sum();
    let promised = definition.promised_limit?;
    (u32::from(promised.days) < budget)
        .then_some(ItemRejection::StepsLongerThanPromise { budget, promised: promised.days })
}

/// Days of one kind are compared as they are. Of two kinds, by ordinary weeks: five working days are seven natural ones.
fn is_longer(promised: Limit, legal: Limit) -> bool {
    let sevenths_of_a_working_week = |limit: Limit| match limit.unit {
        DayUnit::Working => u32::from(limit.days) * 7,
        DayUnit::Natural => u32::from(limit.days) * 5,
    };
    sevenths_of_a_working_week(legal) < sevenths_of_a_working_week(promised)
}

fn code_flaw(definition: &ItemDefinition) -> Option<ItemRejection> {
    let mut steps = BTreeSet::new();
    if let Some(twice) = definition.steps.iter().find(|step| !steps.insert(&step.code)) {
        return Some(ItemRejection::StepCodeTwice(twice.code.clone()));
    }
    let mut materials = BTreeSet::new();
    if let Some(twice) = definition.materials.iter().find(|material| !materials.insert(&material.code)) {
        return Some(ItemRejection::MaterialCodeTwice(twice.code.clone()));
    }
    situation_flaw(definition)
}

fn situation_flaw(definition: &ItemDefinition) -> Option<ItemRejection> {
    let mut situations = BTreeSet::new();
    if let Some(twice) = definition.situations.iter().find(|situation| !situations.insert(&situation.code)) {
        return Some(ItemRejection::SituationTwice(twice.code.clone()));
    }
    definition.materials.iter().find_map(|material| match &material.situation {
        Some(situation) if !situations.contains(situation) => {
            Some(ItemRejection::MaterialWithoutSituation(material.code.clone()))
        }
        Some(_) if material.required => Some(ItemRejection::RequiredAlwaysAndSometimes(material.code.clone())),
        Some(_) | None => None,
    })
}

fn procedure_flaw(definition: &ItemDefinition) -> Option<ItemRejection> {
    let mut names = BTreeSet::new();
    for procedure in &definition.special_procedures {
        let basis = procedure.basis.as_deref().unwrap_or_default();
        if procedure.stops_legal && basis.trim().is_empty() {
            return Some(ItemRejection::LegalPauseWithoutBasis(procedure.name_zh.clone()));
        }
        if !names.insert(&procedure.name_zh) {
            return Some(ItemRejection::ProcedureTwice(procedure.name_zh.clone()));
        }
    }
    None
}

impl Item {
    fn publish(&self, next: &ItemVersion, stated: Option<u32>) -> Result<Vec<ItemEvent>, ItemRejection> {
        if let Some(last) = self.versions.last()
            && stated.is_none_or(|stated| stated == last.version)
            && (last.valid_from, last.valid_to) == (next.valid_from, next.valid_to)
            && last.definition == next.definition
        {
            return Ok(vec![]);
        }
        if self.withdrawn_after.is_some() {
            return Err(ItemRejection::Withdrawn);
        }
        if let Some(stated) = stated.filter(|stated| *stated != next.version) {
            return Err(ItemRejection::VersionNotNext { expected: next.version, stated });
        }
        if next.valid_to.is_some_and(|last| last < next.valid_from) {
            return Err(ItemRejection::EndsBeforeItBegins);
        }
        if let Some(last) = self.versions.last() {
            if next.valid_from <= last.valid_from {
                return Err(ItemRejection::NotAfterPredecessor { predecessor: last.valid_from });
            }
            if let Some(last_day) = last.valid_to.filter(|last_day| next.valid_from <= *last_day) {
                return Err(ItemRejection::OverlapsPredecessor { last_day });
            }
        }
        match flaw(&next.definition).or_else(|| self.form_flaw(&next.definition)) {
            Some(flaw) => Err(flaw),
            None => Ok(vec![
                ItemPublished {
                    item: next.item.clone(),
                    version: next.version,
                    valid_from: next.valid_from,
                    valid_to: next.valid_to,
                    definition: next.definition.clone(),
                }
                .into(),
            ]),
        }
    }

    /// An unchanged form keeps its version, a changed one gets the next: an answer names the form it was given to.
    fn form_flaw(&self, definition: &ItemDefinition) -> Option<ItemRejection> {
        let form = definition.form.as_ref()?;
        let last = self.versions.iter().rev().find_map(|version| version.definition.form.as_ref());
        let expected = match last {
            None => 1,
            Some(last) if last.schema == form.schema => last.version,
            Some(last) => last.version + 1,
        };
        let stated = form.version;
        (stated != expected).then_some(ItemRejection::FormVersionNotNext { expected, stated })
    }

    fn withdraw(&self, withdrawn: ItemWithdrawn) -> Result<Vec<ItemEvent>, ItemRejection> {
        match (self.versions.first(), self.withdrawn_after) {
            (None, _) => Err(ItemRejection::NotPublished),
            (Some(_), Some(last)) if last == withdrawn.last_day => Ok(vec![]),
            (Some(_), Some(_)) => Err(ItemRejection::Withdrawn),
            (Some(first), None) if withdrawn.last_day < first.valid_from => Err(ItemRejection::EndsBeforeItBegins),
            (Some(_), None) => Ok(vec![withdrawn.into()]),
        }
    }
}

impl Decider for Item {
    type Command = ItemCommand;
    type Event = ItemEvent;
    type Rejection = ItemRejection;

    fn decide(&self, command: &ItemCommand, _context: &Context<'_>) -> Result<Vec<ItemEvent>, ItemRejection> {
        match command.clone() {
            ItemCommand::Publish { item, version: stated, valid_from, valid_to, definition } => {
                let version = self.versions.last().map_or(1, |last| last.version + 1);
                self.publish(&ItemVersion { item, version, valid_from, valid_to, definition }, stated)
            }
            ItemCommand::Withdraw { item, last_day, basis } => self.withdraw(ItemWithdrawn { item, last_day, basis }),
        }
    }

    fn evolve(&mut self, event: &ItemEvent) {
        match event.clone() {
            ItemEvent::ItemPublished(ItemPublished { item, version, valid_from, valid_to, definition }) => {
                // A version holds until its successor begins, unless it was to end before.
                if let Some(last) = self.versions.last_mut() {
                    let eve = valid_from.pred_opt();
                    last.valid_to = last.valid_to.into_iter().chain(eve).min();
                }
                self.versions.push(ItemVersion { item, version, valid_from, valid_to, definition });
            }
            ItemEvent::ItemWithdrawn(ItemWithdrawn { last_day, .. }) => self.withdrawn_after = Some(last_day),
        }
    }
}
