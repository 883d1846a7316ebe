//! 文书模板: the templates of documents, in versions that are never changed.

use crate::decider::{Context, Decider};
use crate::document::DocumentKind;
use crate::event::TemplateEvent;
use crate::event::template::TemplatePublished;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The longest template, in bytes.
pub const SOURCE_BYTES_MAX: usize = 64 * 1024;

/// A version of a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateVersion {
    /// Counts versions, from 1.
    pub version: u32,
    /// The first day on which documents are printed by it.
    pub valid_from: NaiveDate,
    /// The day of publication.
    pub published_on: NaiveDate,
    /// HTML with places for facts.
    pub source: String,
}

/// The template of one kind of document, with all its versions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template {
    versions: Vec<TemplateVersion>,
}

impl Template {
    /// Returns its versions, oldest first.
    #[must_use]
    pub fn versions(&self) -> &[TemplateVersion] {
        &self.versions
    }

    /// Returns the version by which documents are printed on this day: of those valid by then, the one published last.
    #[must_use]
    pub fn at(&self, day: NaiveDate) -> Option<&TemplateVersion> {
        self.versions.iter().rev().find(|version| version.valid_from <= day)
    }
}

/// Every template.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Templates {
    kinds: BTreeMap<DocumentKind, Template>,
}

impl Templates {
    /// Returns the template of a kind.
    #[must_use]
    pub fn get(&self, kind: DocumentKind) -> Option<&Template> {
        self.kinds.get(&kind)
    }

    /// Returns the version by which documents of a kind are printed on this day.
    #[must_use]
    pub fn at(&self, kind: DocumentKind, day: NaiveDate) -> Option<&TemplateVersion> {
        self.kinds.get(&kind)?.at(day)
    }

    /// Returns a version by its number.
    #[must_use]
    pub fn version(&self, kind: DocumentKind, number: u32) -> Option<&TemplateVersion> {
        self.kinds.get(&kind)?.versions.iter().find(|version| version.version == number)
    }

    /// Returns every template, in the order of a case's life.
    pub fn iter(&self) -> impl Iterator<Item = (DocumentKind, &Template)> {
        self.kinds.iter().map(|(kind, template)| (*kind, template))
    }

    /// Takes in a publication.
    pub fn evolve(&mut self, event: &TemplateEvent) {
        let TemplateEvent::TemplatePublished(TemplatePublished { kind, .. }) = event;
        self.kinds.entry(*kind).or_default().evolve(event);
    }
}

/// What may be asked of a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case")]
pub enum TemplateCommand {
    /// Publish the next version.
    Publish {
        /// What it prints.
        kind: DocumentKind,
        /// The first day on which documents are printed by it.
        valid_from: NaiveDate,
        /// The day of publication.
        published_on: NaiveDate,
        /// HTML with places for facts.
        source: String,
    },
}

/// Why a template cannot be published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TemplateRejection {
    /// An earlier version already holds from a later day.
    #[error("a template must not hold from an earlier day than the version before it")]
    TemplateBeforePredecessor,
    /// A template prints something.
    #[error("a template must not be empty")]
    TemplateEmpty,
    /// A template is a page or two.
    #[error("a template must have at most {SOURCE_BYTES_MAX} bytes")]
    TemplateTooLong,
}

impl Decider for Template {
    type Command = TemplateCommand;
    type Event = TemplateEvent;
    type Rejection = TemplateRejection;

    fn decide(
        &self,
        command: &TemplateCommand,
        _context: &Context<'_>,
    ) -> Result<Vec<TemplateEvent>, TemplateRejection> {
        let TemplateCommand::Publish { kind, valid_from, published_on, source } = command.clone();
        let last = self.versions.last();
        if last.is_some_and(|last| {
            (last.valid_from, last.published_on, &last.source) == (valid_from, published_on, &source)
        }) {
            return Ok(vec![]);
        }
        if last.is_some_and(|last| valid_from < last.valid_from) {
            return Err(TemplateRejection::TemplateBeforePredecessor);
        }
        if source.trim().is_empty() {
            return Err(TemplateRejection::TemplateEmpty);
        }
        if SOURCE_BYTES_MAX < source.len() {
            return Err(TemplateRejection::TemplateTooLong);
        }
        let version = last.map_or(1, |last| last.version + 1);
        Ok(vec![TemplatePublished { kind, version, valid_from, published_on, source }.into()])
    }

    fn evolve(&mut self, event: &TemplateEvent) {
        let TemplateEvent::TemplatePublished(TemplatePublished { version, valid_from, published_on, source, .. }) =
            event.clone();
        self.versions.push(TemplateVersion { version, valid_from, published_on, source });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actor::Role;
    use crate::testing::{REFERENCE, actor, at, context, day};

    fn publish(valid_from: &str, source: &str) -> TemplateCommand {
        let (valid_from, published_on) = (day(valid_from), day("2026-01-01"));
        TemplateCommand::Publish { kind: DocumentKind::Receipt, valid_from, published_on, source: source.into() }
    }

    fn published(version: u32, valid_from: &str, source: &str) -> TemplateEvent {
        let (valid_from, published_on) = (day(valid_from), day("2026-01-01"));
        TemplatePublished { kind: DocumentKind::Receipt, version, valid_from, published_on, source: source.into() }
            .into()
    }

    fn after(given: &[TemplateEvent]) -> Template {
        let mut template = Template::default();
        given.iter().for_each(|event| template.evolve(event));
        template
    }

    #[track_caller]
    fn check(given: &[TemplateEvent], when: &TemplateCommand, then: Result<Vec<TemplateEvent>, TemplateRejection>) {
        let admin = actor("A1", Role::Admin);
        assert_eq!(after(given).decide(when, &context(at("2026-01-01", "09:00:00"), &admin, &REFERENCE)), then);
    }

    #[test]
    fn versions_follow_one_another_and_the_same_again_changes_nothing() {
        let first = published(1, "2026-01-01", "a");
        check(&[], &publish("2026-01-01", "a"), Ok(vec![first.clone()]));
        check(std::slice::from_ref(&first), &publish("2026-01-01", "a"), Ok(vec![]));
        check(std::slice::from_ref(&first), &publish("2026-02-01", "b"), Ok(vec![published(2, "2026-02-01", "b")]));
        check(&[first], &publish("2025-12-31", "b"), Err(TemplateRejection::TemplateBeforePredecessor));
    }

    #[test]
    fn a_template_says_something_and_has_an_end() {
        check(&[], &publish("2026-01-01", " \n"), Err(TemplateRejection::TemplateEmpty));
        let long = "a".repeat(SOURCE_BYTES_MAX + 1);
        check(&[], &publish("2026-01-01", &long), Err(TemplateRejection::TemplateTooLong));
    }

    #[test]
    fn documents_are_printed_by_the_version_valid_on_the_day() {
        let template = after(&[published(1, "2026-01-01", "a"), published(2, "2026-03-01", "b")]);
        let version_at = |text: &str| template.at(day(text)).map(|version| version.version);
        assert_eq!(version_at("2025-12-31"), None);
        assert_eq!(version_at("2026-02-28"), Some(1));
        assert_eq!(version_at("2026-03-01"), Some(2));
    }
}
