//! Taking facts in: one transaction for many.

use super::accesses;
use super::changes::{Attribute, Change, Trace};
use super::findings::{Findings, Words};
use super::tables::{
    ACCESSES, CASES, CHANGES, DAYS, ENDED, ENTRIES, LATE, META, OPEN, POSTINGS, TRACES, change_bytes, posting_key,
    trace, trace_row,
};
use crate::codec;
use crate::effective;
use chrono::{Datelike, NaiveDate};
use domain::event::{CaseEvent, Event};
use domain::fact::{Fact, Subject};
use redb::{ReadableTable, WriteTransaction};
use std::collections::BTreeMap;

/// What a run of facts adds to the index. Rows are gathered first and written in the order of their keys, which a
/// tree on disk takes several times faster.
#[derive(Default)]
pub(super) struct Batch {
    cases: BTreeMap<u128, Known>,
    changes: Vec<((u64, u64), Vec<u8>)>,
    postings: Vec<(Vec<u8>, u64)>,
    ended: Vec<(u64, u64)>,
    days: BTreeMap<i32, (u64, u64)>,
    late: Vec<(u64, i64)>,
    findings: Findings,
    accesses: Vec<(Vec<u8>, u64)>,
}

struct Known {
    entry: u64,
    new: bool,
    stored: Trace,
    trace: Trace,
    /// Read back only for what is looked for again.
    words: Option<Words>,
}

impl Batch {
    pub(super) fn take_in(&mut self, write: &WriteTransaction, facts: &[Fact]) -> Result<(), redb::Error> {
        let entries = write.open_table(ENTRIES)?;
        let traces = write.open_table(TRACES)?;
        let earlier = write.open_table(CHANGES)?;
        for fact in facts {
            if effective::is_late(fact) {
                self.late.push((fact.position, codec::micros(effective::effective_at(fact))));
            }
            if let (Subject::Rating(_), Event::Rating(event)) = (&fact.subject, &fact.event) {
                self.findings.of_rating(fact, event);
            }
            if let Event::Access(event) = &fact.event {
                self.accesses.extend(accesses::keys(fact, event).into_iter().map(|key| (key, fact.position)));
            }
            let (Subject::Case(case), Event::Case(event)) = (&fact.subject, &fact.event) else { continue };
            // A legacy history is long, and nothing but its beginning concerns a list.
            if matches!(event, CaseEvent::LegacyActivityRecorded(_)) && 1 < fact.version {
                continue;
            }
            let id: u128 = case.0.into();
            let known = match self.cases.entry(id) {
                std::collections::btree_map::Entry::Occupied(known) => known.into_mut(),
                std::collections::btree_map::Entry::Vacant(vacant) => {
                    let entry = entries.get(id)?.map(|entry| entry.value());
                    let stored = match entry {
                        Some(entry) => traces.get(entry)?.map(|row| trace(row.value())).unwrap_or_default(),
                        None => Trace::default(),
                    };
                    let new = entry.is_none();
                    vacant.insert(Known {
                        entry: entry.unwrap_or(fact.position),
                        new,
                        stored,
                        trace: stored,
                        words: None,
                    })
                }
            };
            let was_open = known.trace.phase.is_open();
            let changes = known.trace.take_in(fact, event);
            let entry = known.entry;
            // What opens a case is not in the tables yet when the same batch asks for it.
            known.words = Words::told(event).or(known.words.take());
            if Findings::concerns(event) {
                if known.words.is_none() {
                    known.words = Some(Words::stored(&earlier, entry)?);
                }
                if let Some(words) = &known.words {
                    self.findings.of_case(fact, event, entry, words);
                }
            }
            if was_open && !known.trace.phase.is_open() {
                self.ended.push((fact.position, entry));
            }
            self.note(entry, fact.position, &changes);
        }
        Ok(())
    }

    fn note(&mut self, entry: u64, position: u64, changes: &[Change]) {
        if changes.is_empty() {
            return;
        }
        for (attribute, value) in changes {
            if attribute.is_posted() {
                self.postings.push((posting_key(*attribute, value, entry), position));
            }
            if *attribute == Attribute::OpenedOn
                && let Ok(day) = value.parse::<NaiveDate>()
            {
                let span = self.days.entry(day.num_days_from_ce()).or_insert((entry, entry));
                *span = (span.0.min(entry), span.1.max(entry));
            }
        }
        self.changes.push(((entry, position), change_bytes(changes)));
    }

    /// Writes everything, and how far the index has come.
    pub(super) fn write(mut self, write: &WriteTransaction, last: &Fact) -> Result<(), redb::Error> {
        self.write_cases(write)?;
        let mut table = write.open_table(CHANGES)?;
        self.changes.sort_unstable();
        for (key, row) in &self.changes {
            table.insert(key, row.as_slice())?;
        }
        let mut table = write.open_table(POSTINGS)?;
        self.postings.sort_unstable();
        // The first of equal keys is the earliest; one that is there already is earlier still.
        self.postings.dedup_by(|later, first| later.0 == first.0);
        for (key, position) in &self.postings {
            let earlier = table.insert(key.as_slice(), position)?.map(|earlier| earlier.value());
            if let Some(earlier) = earlier {
                table.insert(key.as_slice(), earlier)?;
            }
        }
        let mut table = write.open_table(ENDED)?;
        for key in &self.ended {
            table.insert(key, ())?;
        }
        let mut table = write.open_table(LATE)?;
        for (position, effective_at) in &self.late {
            table.insert(position, effective_at)?;
        }
        let mut table = write.open_table(ACCESSES)?;
        self.accesses.sort_unstable();
        for (key, position) in &self.accesses {
            table.insert((key.as_slice(), *position), ())?;
        }
        let mut table = write.open_table(DAYS)?;
        for (day, (first, last)) in &self.days {
            let known = table.get(day)?.map(|known| known.value());
            let (known_first, known_last) = known.unwrap_or((*first, *last));
            table.insert(day, (known_first.min(*first), known_last.max(*last)))?;
        }
        self.findings.write(write)?;
        let mut table = write.open_table(META)?;
        table.insert("position", i64::try_from(last.position).unwrap_or(i64::MAX))?;
        table.insert("recorded_at", codec::micros(last.recorded_at))?;
        Ok(())
    }

    fn write_cases(&self, write: &WriteTransaction) -> Result<(), redb::Error> {
        let mut cases = write.open_table(CASES)?;
        let mut entries = write.open_table(ENTRIES)?;
        let mut traces = write.open_table(TRACES)?;
        let mut open = write.open_table(OPEN)?;
        let mut by_entry: Vec<_> = self.cases.iter().map(|(id, known)| (known.entry, *id, known)).collect();
        by_entry.sort_unstable_by_key(|(entry, _, _)| *entry);
        for (entry, id, known) in by_entry {
            if known.new {
                cases.insert(entry, id)?;
                entries.insert(id, entry)?;
            }
            if known.new || known.stored != known.trace {
                traces.insert(entry, trace_row(known.trace))?;
            }
            match (known.stored.phase.is_open(), known.trace.phase.is_open()) {
                (false, true) => drop(open.insert(entry, ())?),
                (true, false) => drop(open.remove(entry)?),
                (true, true) | (false, false) => (),
            }
        }
        Ok(())
    }
}
