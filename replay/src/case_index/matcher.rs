//! Whether one case, as it stood, is among those asked for.

use super::changes::{Attribute, closing_name};
use super::{CaseFilter, Whose};
use domain::case::Phase;

/// A filter in the index's own words, made once per question.
pub(super) struct Matcher {
    source: Option<String>,
    item: Option<String>,
    organisations: Option<Vec<String>>,
    subject: Option<String>,
    phase: Option<&'static str>,
    open: Option<bool>,
    closing: Option<String>,
    number: Option<String>,
    opened_from: Option<String>,
    opened_to: Option<String>,
}

/// What was seen of one case so far.
#[derive(Default)]
pub(super) struct Seen {
    source: bool,
    item: bool,
    organisation: bool,
    subject: bool,
    phase: bool,
    open: bool,
    closing: bool,
    number: bool,
    opened: bool,
}

impl Matcher {
    pub(super) fn new(filter: &CaseFilter) -> Self {
        Self {
            source: match &filter.whose {
                Whose::Anyone => None,
                Whose::Source(source) => Some(source.to_string()),
            },
            item: filter.item.as_ref().map(ToString::to_string),
            // Sorted, because the set was.
            organisations: filter.organisations.as_ref().map(|set| set.iter().map(ToString::to_string).collect()),
            subject: filter.subject.as_ref().map(ToString::to_string),
            phase: filter.phase.map(Phase::as_str),
            open: filter.open,
            closing: filter.closing.map(closing_name),
            number: filter.number_prefix.clone(),
            opened_from: filter.opened_from.map(|day| day.to_string()),
            opened_to: filter.opened_to.map(|day| day.to_string()),
        }
    }

    pub(super) fn see(&self, seen: &mut Seen, attribute: Attribute, value: &str) {
        let is = |wanted: &Option<String>| wanted.as_deref() == Some(value);
        match attribute {
            Attribute::Source => seen.source |= is(&self.source),
            Attribute::Item => seen.item |= is(&self.item),
            Attribute::Organisation => {
                seen.organisation |= self
                    .organisations
                    .as_ref()
                    .is_some_and(|set| set.binary_search_by(|organisation| organisation.as_str().cmp(value)).is_ok());
            }
            Attribute::Subject => seen.subject |= is(&self.subject),
            Attribute::Number => {
                seen.number |= self.number.as_deref().is_some_and(|prefix| value.starts_with(prefix));
            }
            Attribute::Phase => {
                seen.phase = self.phase == Some(value);
                seen.open = value.parse().is_ok_and(Phase::is_open);
            }
            Attribute::Closing => seen.closing = is(&self.closing),
            Attribute::OpenedOn => {
                let begun = self.opened_from.as_deref().is_none_or(|from| from <= value);
                seen.opened = begun && self.opened_to.as_deref().is_none_or(|to| value < to);
            }
        }
    }

    pub(super) fn accepts(&self, seen: &Seen) -> bool {
        (self.source.is_none() || seen.source)
            && (self.item.is_none() || seen.item)
            && (self.organisations.is_none() || seen.organisation)
            && (self.subject.is_none() || seen.subject)
            && (self.phase.is_none() || seen.phase)
            && self.open.is_none_or(|open| open == seen.open)
            && (self.closing.is_none() || seen.closing)
            && (self.number.is_none() || seen.number)
            && ((self.opened_from.is_none() && self.opened_to.is_none()) || seen.opened)
    }
}
