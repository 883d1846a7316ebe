//! The rules in force: what no law fixes is published in versions, and a decision names the version it used.

use crate::decider::{Context, Decider};
use crate::event::PolicyEvent;
use crate::event::policy::{CertificateRule, HallRules, HallThreshold, InvitationRules, PolicyPublished, PolicyRules};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// A version of the rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyVersion {
    /// Counts versions, from 1; 0 is what holds before anything is published.
    pub version: u32,
    /// The first day on which it holds.
    pub valid_from: NaiveDate,
    /// The day of publication.
    pub published_on: NaiveDate,
    /// The rules.
    pub rules: PolicyRules,
}

/// Every version of the rules, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Policies {
    versions: Vec<PolicyVersion>,
}

/// The rules as first published, with which an empty log is read too.
static PINNED: LazyLock<PolicyVersion> = LazyLock::new(|| {
    let published = first_published();
    PolicyVersion {
        version: 0,
        valid_from: NaiveDate::MIN,
        published_on: published.published_on,
        rules: published.rules,
    }
});

#[expect(clippy::expect_used, reason = "the text is part of the program; a test reads it")]
pub(crate) fn first_published() -> PolicyPublished {
    serde_json::from_str(include_str!("../data/policy.json")).expect("data/policy.json holds a policy")
}

impl Policies {
    /// Returns the version that holds on this day: of those valid by then, the one published last.
    ///
    /// Before the first version's own day it is the first; in an empty log it is version 0, the pinned defaults.
    #[must_use]
    pub fn at(&self, day: NaiveDate) -> &PolicyVersion {
        let valid = self.versions.iter().rev().find(|version| version.valid_from <= day);
        valid.or(self.versions.first()).unwrap_or(&PINNED)
    }

    /// Returns the version with this number; 0 is the pinned defaults.
    #[must_use]
    pub fn version(&self, number: u32) -> Option<&PolicyVersion> {
        match number {
            0 => Some(&PINNED),
            _ => self.versions.iter().find(|version| version.version == number),
        }
    }

    /// Returns the version published last.
    #[must_use]
    pub fn latest(&self) -> &PolicyVersion {
        self.versions.last().unwrap_or(&PINNED)
    }

    /// Returns every version published, oldest first.
    #[must_use]
    pub fn versions(&self) -> &[PolicyVersion] {
        &self.versions
    }
}

/// What may be asked of the rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case")]
pub enum PolicyCommand {
    /// Publish the next version.
    Publish {
        /// The first day on which it holds.
        valid_from: NaiveDate,
        /// The day of publication.
        published_on: NaiveDate,
        /// The rules.
        rules: PolicyRules,
    },
}

/// Why rules cannot be published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PolicyRejection {
    /// An earlier version already holds from a later day.
    #[error("a policy must not hold from an earlier day than the version before it")]
    ValidBeforePredecessor,
    /// A better rating must never count less than a worse one.
    #[error("scores must not rise from very satisfied to very dissatisfied")]
    ScoresNotDescending,
    /// A share of a limit lies between 0 and 100.
    #[error("a share of a limit must be at most 100 percent")]
    PercentOverHundred,
    /// Nobody could ever rate.
    #[error("a rating must be possible for at least one working day")]
    NoRatingWindow,
    /// Nobody could ever give a notice in time.
    #[error("a notice must be possible for at least one working day")]
    NoNoticeWindow,
    /// An order's step needs time.
    #[error("each step of a bad-rating order needs at least one working day")]
    OrderStepWithoutTime,
    /// A standard of nothing is none.
    #[error("each standard of the halls is at least 1")]
    StandardZero,
    /// Versions of the indicators count from 1.
    #[error("versions of the rating indicators count from 1")]
    IndicatorsVersionZero,
    /// An indicator is listed once, under an id that a rating can name.
    #[error("each rating indicator needs an id of its own")]
    IndicatorNotNamedOnce,
    /// What was answered to must stay what it was.
    #[error("the rating indicators change with their version, and only then")]
    IndicatorsWithoutNewVersion,
    /// Whoever is invited is invited at least once.
    #[error("invitations need at least one time, and at least one day from one to the next")]
    InvitationWithoutTime,
    /// A card has one colour.
    #[error("a mark must be either a yellow or a red card, and be listed once")]
    CardTwice,
    /// Nothing could ever be booked, or estimated.
    #[error("a slot and a visit each take at least one minute, and a slot at most one day")]
    SlotWithoutTime,
    /// Warnings are told apart by the name of their threshold.
    #[error("each threshold of a queue needs a name of its own")]
    ThresholdNotNamedOnce,
    /// It would be crossed by an empty hall.
    #[error("a threshold of a queue needs something to exceed")]
    ThresholdWithoutMeasure,
    /// A kind of certificate is described once, and an item makes one kind.
    #[error("a kind of certificate, and the item that makes one, may be listed once only")]
    CertificateKindTwice,
}

/// Returns the first rule that the rules themselves break.
fn flaw(rules: &PolicyRules) -> Option<PolicyRejection> {
    let order = &rules.order_days;
    if !rules.scores.is_sorted_by(|better, worse| worse <= better) {
        return Some(PolicyRejection::ScoresNotDescending);
    }
    if rules.yellow_remaining_percent > 100 {
        return Some(PolicyRejection::PercentOverHundred);
    }
    if rules.rating_days == 0 {
        return Some(PolicyRejection::NoRatingWindow);
    }
    if rules.notice_days == 0 {
        return Some(PolicyRejection::NoNoticeWindow);
    }
    if [order.assign, order.verify, order.rectify, order.call_back, order.review].contains(&0) {
        return Some(PolicyRejection::OrderStepWithoutTime);
    }
    let standards = rules.standards();
    if [standards.assistance_staff, standards.town_minutes, standards.country_minutes].contains(&0) {
        return Some(PolicyRejection::StandardZero);
    }
    if rules.indicators_version == 0 {
        return Some(PolicyRejection::IndicatorsVersionZero);
    }
    let mut indicators = BTreeSet::new();
    if !rules.indicators.iter().all(|rule| !rule.indicator.trim().is_empty() && indicators.insert(&rule.indicator)) {
        return Some(PolicyRejection::IndicatorNotNamedOnce);
    }
    let timeless = |rules: &InvitationRules| rules.times_max == 0 || rules.again_after_days == 0;
    if rules.invitations.as_ref().is_some_and(timeless) {
        return Some(PolicyRejection::InvitationWithoutTime);
    }
    let signs = &rules.rating_signs;
    if [signs.quick_percent, signs.month_end_percent, signs.jump_percent, signs.tablet_percent]
        .into_iter()
        .any(|p| 100 < p)
    {
        return Some(PolicyRejection::PercentOverHundred);
    }
    let mut cards = BTreeSet::new();
    if !rules.cards.yellow.iter().chain(&rules.cards.red).all(|kind| cards.insert(*kind)) {
        return Some(PolicyRejection::CardTwice);
    }
    let mut kinds = BTreeSet::new();
    let mut makers = BTreeSet::new();
    let once = |rule: &CertificateRule| {
        kinds.insert(rule.kind.clone()) && rule.made_by.iter().all(|item| makers.insert(item.clone()))
    };
    if !rules.certificates.iter().all(once) {
        return Some(PolicyRejection::CertificateKindTwice);
    }
    hall_flaw(&rules.hall)
}

fn hall_flaw(rules: &HallRules) -> Option<PolicyRejection> {
    if !(1..=MINUTES_OF_A_DAY).contains(&rules.slot_minutes) || rules.expected_service_minutes == 0 {
        return Some(PolicyRejection::SlotWithoutTime);
    }
    if rules.slot_share_percent > 100 {
        return Some(PolicyRejection::PercentOverHundred);
    }
    let mut names = BTreeSet::new();
    if !rules.warnings.iter().all(|threshold| !threshold.name.trim().is_empty() && names.insert(&threshold.name)) {
        return Some(PolicyRejection::ThresholdNotNamedOnce);
    }
    let measures = |threshold: &HallThreshold| {
        [threshold.waiting_over, threshold.mean_wait_over_minutes, threshold.longest_wait_over_minutes]
    };
    let unmeasured = rules.warnings.iter().any(|threshold| measures(threshold).iter().all(Option::is_none));
    unmeasured.then_some(PolicyRejection::ThresholdWithoutMeasure)
}

const MINUTES_OF_A_DAY: u16 = 24 * 60;

impl Decider for Policies {
    type Command = PolicyCommand;
    type Event = PolicyEvent;
    type Rejection = PolicyRejection;

    fn decide(&self, command: &PolicyCommand, _context: &Context<'_>) -> Result<Vec<PolicyEvent>, PolicyRejection> {
        let PolicyCommand::Publish { valid_from, published_on, rules } = command;
        if let Some(flaw) = flaw(rules) {
            return Err(flaw);
        }
        // A list that was never given may be given later; one that was given stands for its version.
        let other = |known: &&PolicyVersion| {
            known.rules.indicators_version == rules.indicators_version
                && !known.rules.indicators.is_empty()
                && known.rules.indicators != rules.indicators
        };
        if self.versions.iter().any(|known| other(&known)) {
            return Err(PolicyRejection::IndicatorsWithoutNewVersion);
        }
        let version = match self.versions.last() {
            None => 1,
            Some(last) if last.valid_from == *valid_from && last.rules == *rules => return Ok(vec![]),
            Some(last) if *valid_from < last.valid_from => return Err(PolicyRejection::ValidBeforePredecessor),
            Some(last) => last.version + 1,
        };
        let published =
            PolicyPublished { version, valid_from: *valid_from, published_on: *published_on, rules: rules.clone() };
        Ok(vec![published.into()])
    }

    fn evolve(&mut self, event: &PolicyEvent) {
        match event {
            PolicyEvent::PolicyPublished(published) => self.versions.push(PolicyVersion {
                version: published.version,
                valid_from: published.valid_from,
                published_on: published.published_on,
                rules: published.rules.clone(),
            }),
        }
    }
}

#[cfg(test)]
mod tests;
