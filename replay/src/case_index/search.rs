//! Answering a question: candidates from the narrowest list, each checked as it stood.

use super::changes::{Attribute, closing_name};
use super::matcher::{Matcher, Seen};
use super::tables::{
    CASES, CHANGES, DAYS, ENDED, ENTRIES, LATE, OPEN, POSTINGS, each_change, entry_of, posting_key, posting_prefix,
};
use super::{CaseCursor, CaseFilter, CasePage, Order, PageOfCases, Whose};
use crate::codec;
use crate::moment::Slice;
use chrono::{Datelike, NaiveDate};
use domain::case::Phase;
use domain::ids::CaseId;
use redb::{ReadOnlyTable, ReadTransaction, StorageError};
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

/// The most candidates examined for one page; a page that ends early says where to go on.
pub(super) const CANDIDATES_PER_PAGE_MAX: usize = 8_000;
/// Lists are compared by their length up to this; beyond it any list is as good as another.
const LENGTH_COMPARED_MAX: usize = 1_000;
/// More organisations than these are checked, not looked up one by one.
const ORGANISATIONS_LOOKED_UP_MAX: usize = 64;

pub(super) type Candidates<'a> = Box<dyn Iterator<Item = Result<u64, StorageError>> + 'a>;

pub(super) struct Search {
    cases: ReadOnlyTable<u64, u128>,
    entries: ReadOnlyTable<u128, u64>,
    changes: ReadOnlyTable<(u64, u64), &'static [u8]>,
    postings: ReadOnlyTable<&'static [u8], u64>,
    open: ReadOnlyTable<u64, ()>,
    ended: ReadOnlyTable<(u64, u64), ()>,
    days: ReadOnlyTable<i32, (u64, u64)>,
    late: ReadOnlyTable<u64, i64>,
    slice: Slice,
}

impl Search {
    pub(super) fn new(read: &ReadTransaction, slice: Slice) -> Result<Self, redb::Error> {
        Ok(Self {
            cases: read.open_table(CASES)?,
            entries: read.open_table(ENTRIES)?,
            changes: read.open_table(CHANGES)?,
            postings: read.open_table(POSTINGS)?,
            open: read.open_table(OPEN)?,
            ended: read.open_table(ENDED)?,
            days: read.open_table(DAYS)?,
            late: read.open_table(LATE)?,
            slice,
        })
    }

    pub(super) fn page(&self, filter: &CaseFilter, wanted: &PageOfCases) -> Result<CasePage, redb::Error> {
        let Some(span) = self.span(filter, wanted)? else { return Ok(CasePage::default()) };
        let matcher = Matcher::new(filter);
        let mut page = CasePage::default();
        for (examined, entry) in self.candidates(filter, &span, wanted.order)?.enumerate() {
            let entry = entry?;
            if examined == CANDIDATES_PER_PAGE_MAX || page.cases.len() == wanted.limit {
                return Ok(page);
            }
            let case = self.cases.get(entry)?.map(|case| CaseId(case.value().into()));
            let case = case.filter(|case| filter.among.as_ref().is_none_or(|among| among.contains(case)));
            if let Some(case) = case
                && self.matches(&matcher, entry)?
            {
                page.cases.push(case);
            }
            // Kept only if something may follow.
            page.next = Some(CaseCursor(entry));
        }
        page.next = None;
        Ok(page)
    }

    /// The entries among which the answer lies, both ends included; `None` if there are none.
    fn span(&self, filter: &CaseFilter, wanted: &PageOfCases) -> Result<Option<RangeInclusive<u64>>, redb::Error> {
        let known = self.slice.late.map_or(self.slice.through, |late| late.known.max(self.slice.through));
        let (mut first, mut last) = (1, known.0);
        if filter.opened_from.is_some() || filter.opened_to.is_some() {
            let day = |day: Option<NaiveDate>, none: i32| day.map_or(none, |day| day.num_days_from_ce());
            let (from, to) = (day(filter.opened_from, i32::MIN), day(filter.opened_to, i32::MAX));
            if to <= from {
                return Ok(None);
            }
            let (mut opened_first, mut opened_last) = (u64::MAX, 0);
            for row in self.days.range(from..to)? {
                let (of_day_first, of_day_last) = row?.1.value();
                opened_first = opened_first.min(of_day_first);
                opened_last = opened_last.max(of_day_last);
            }
            (first, last) = (first.max(opened_first), last.min(opened_last));
        }
        match (wanted.after, wanted.order) {
            (Some(CaseCursor(entry)), Order::Newest) => last = last.min(entry.saturating_sub(1)),
            (Some(CaseCursor(entry)), Order::Oldest) => first = first.max(entry.saturating_add(1)),
            (None, _) => (),
        }
        Ok((first <= last).then_some(first..=last))
    }

    fn candidates<'a>(
        &'a self,
        filter: &CaseFilter,
        span: &RangeInclusive<u64>,
        order: Order,
    ) -> Result<Candidates<'a>, redb::Error> {
        if let Some(found) = self.numbered(filter, span)? {
            return Ok(in_order(found, order));
        }
        if let Some(among) = filter.among.as_ref().filter(|among| among.len() <= LENGTH_COMPARED_MAX) {
            return Ok(in_order(self.entered(among, span)?, order));
        }
        if let Some(subject) = &filter.subject {
            return Ok(self.posted(Attribute::Subject, &subject.to_string(), span, order)?);
        }
        let under_way = filter.open == Some(true) || filter.phase.is_some_and(Phase::is_open);
        if under_way && let Some(found) = self.under_way(span)? {
            return Ok(in_order(found, order));
        }
        let Some(narrowest) = self.narrowest(filter, span)? else {
            let rows = self.cases.range(span.clone())?.map(|row| row.map(|(entry, _)| entry.value()));
            return Ok(match order {
                Order::Newest => Box::new(rows.rev()),
                Order::Oldest => Box::new(rows),
            });
        };
        let mut lists = Vec::with_capacity(narrowest.len());
        for (attribute, value) in &narrowest {
            lists.push(self.posted(*attribute, value, span, order)?);
        }
        Ok(merged(lists, order))
    }

    /// Cases with a number that begins as asked, unless there are too many to gather.
    fn numbered(&self, filter: &CaseFilter, span: &RangeInclusive<u64>) -> Result<Option<BTreeSet<u64>>, redb::Error> {
        let Some(prefix) = &filter.number_prefix else { return Ok(None) };
        let first = posting_prefix(Attribute::Number, prefix);
        let mut found = BTreeSet::new();
        for row in self.postings.range(first.as_slice()..)? {
            let (key, _) = row?;
            if !key.value().starts_with(&first) {
                break;
            }
            if CANDIDATES_PER_PAGE_MAX <= found.len() {
                return Ok(None);
            }
            found.insert(entry_of(key.value()));
        }
        found.retain(|entry| span.contains(entry));
        Ok(Some(found))
    }

    fn entered(&self, among: &BTreeSet<CaseId>, span: &RangeInclusive<u64>) -> Result<BTreeSet<u64>, StorageError> {
        let mut found = BTreeSet::new();
        for case in among {
            let entry = self.entries.get(u128::from(case.0))?.map(|entry| entry.value());
            found.extend(entry.filter(|entry| span.contains(entry)));
        }
        Ok(found)
    }

    /// Cases that were under way at the end of the slice: those that still are, and those that ended since.
    fn under_way(&self, span: &RangeInclusive<u64>) -> Result<Option<BTreeSet<u64>>, redb::Error> {
        if self.slice.late.is_some() {
            return Ok(None);
        }
        let mut found = BTreeSet::new();
        for row in self.ended.range((self.slice.through.0 + 1, 0)..)?.take(CANDIDATES_PER_PAGE_MAX) {
            found.insert(row?.0.value().1);
        }
        if CANDIDATES_PER_PAGE_MAX <= found.len() {
            return Ok(None);
        }
        for row in self.open.range(span.clone())? {
            found.insert(row?.0.value());
        }
        found.retain(|entry| span.contains(entry));
        Ok(Some(found))
    }

    /// The shortest of the lists by which the answer can be found; none, if every case must be looked at.
    fn narrowest(
        &self,
        filter: &CaseFilter,
        span: &RangeInclusive<u64>,
    ) -> Result<Option<Vec<(Attribute, String)>>, redb::Error> {
        let mut lists: Vec<Vec<(Attribute, String)>> = Vec::new();
        if let Some(closing) = filter.closing {
            lists.push(vec![(Attribute::Closing, closing_name(closing))]);
        }
        if let Some(item) = &filter.item {
            lists.push(vec![(Attribute::Item, item.to_string())]);
        }
        if let Some(organisations) = &filter.organisations
            && organisations.len() <= ORGANISATIONS_LOOKED_UP_MAX
        {
            let each = organisations.iter().map(|organisation| (Attribute::Organisation, organisation.to_string()));
            lists.push(each.collect());
        }
        if let Whose::Source(source) = &filter.whose {
            lists.push(vec![(Attribute::Source, source.to_string())]);
        }
        let mut narrowest = None;
        for list in lists {
            let mut length = 0;
            for (attribute, value) in &list {
                length += self.posted(*attribute, value, span, Order::Oldest)?.take(LENGTH_COMPARED_MAX).count();
            }
            if narrowest.as_ref().is_none_or(|(shortest, _)| length < *shortest) {
                narrowest = Some((length, list));
            }
        }
        Ok(narrowest.map(|(_, list)| list))
    }

    fn posted<'a>(
        &'a self,
        attribute: Attribute,
        value: &str,
        span: &RangeInclusive<u64>,
        order: Order,
    ) -> Result<Candidates<'a>, StorageError> {
        let first = posting_key(attribute, value, *span.start());
        let last = posting_key(attribute, value, *span.end());
        let rows = self.postings.range(first.as_slice()..=last.as_slice())?;
        let entries = rows.map(|row| row.map(|(key, _)| entry_of(key.value())));
        Ok(match order {
            Order::Newest => Box::new(entries.rev()),
            Order::Oldest => Box::new(entries),
        })
    }

    fn matches(&self, matcher: &Matcher, entry: u64) -> Result<bool, redb::Error> {
        if !self.holds(entry)? {
            return Ok(false);
        }
        let mut seen = Seen::default();
        for row in self.changes.range((entry, 0)..=(entry, u64::MAX))? {
            let (key, changes) = row?;
            if self.holds(key.value().1)? {
                each_change(changes.value(), |attribute, value| matcher.see(&mut seen, attribute, value));
            }
        }
        Ok(matcher.accepts(&seen))
    }

    /// Tells whether the fact at a position belongs to the slice.
    fn holds(&self, position: u64) -> Result<bool, StorageError> {
        holds(&self.late, &self.slice, position)
    }
}

/// Tells whether the fact at a position belongs to a slice.
pub(super) fn holds(late: &ReadOnlyTable<u64, i64>, slice: &Slice, position: u64) -> Result<bool, StorageError> {
    if position <= slice.through.0 {
        return Ok(true);
    }
    let Some(until) = slice.late.filter(|late| position <= late.known.0).map(|late| late.until) else {
        return Ok(false);
    };
    let effective_at = late.get(position)?;
    Ok(effective_at.is_some_and(|effective_at| effective_at.value() <= codec::micros(until)))
}

fn in_order<'a>(entries: BTreeSet<u64>, order: Order) -> Candidates<'a> {
    match order {
        Order::Newest => Box::new(entries.into_iter().rev().map(Ok)),
        Order::Oldest => Box::new(entries.into_iter().map(Ok)),
    }
}

/// Merges lists that are each in order, leaving out what comes twice.
pub(super) fn merged<'a>(lists: Vec<Candidates<'a>>, order: Order) -> Candidates<'a> {
    let mut lists: Vec<_> = lists.into_iter().map(Iterator::peekable).collect();
    let mut last = None;
    Box::new(std::iter::from_fn(move || {
        loop {
            // An error comes first, so that it is not lost.
            let rank = |head: &Result<u64, StorageError>| match (head, order) {
                (Err(_), _) => 0,
                (Ok(entry), Order::Newest) => u64::MAX - entry,
                (Ok(entry), Order::Oldest) => *entry,
            };
            let (_, list) =
                lists.iter_mut().filter_map(|list| Some((rank(list.peek()?), list))).min_by_key(|(rank, _)| *rank)?;
            let next = list.next()?;
            let same = matches!((&next, last), (Ok(entry), Some(last)) if *entry == last);
            if !same {
                last = next.as_ref().ok().copied();
                return Some(next);
            }
        }
    }))
}
