//! The index on disk, table by table. Every row but those of `OPEN`, `TRACES` and `DAYS` is written once.
//!
//! A case is known here by its *entry*: the position of its first fact. Entries grow with the log, so they order the
//! lists and serve as cursors.

use super::changes::{Attribute, Change, Trace};
use domain::case::Phase;
use redb::TableDefinition;

/// Entry → case id.
pub(super) const CASES: TableDefinition<'_, u64, u128> = TableDefinition::new("cases");
/// Case id → entry.
pub(super) const ENTRIES: TableDefinition<'_, u128, u64> = TableDefinition::new("entries");
/// (entry, position) → what changed for lists at that position.
pub(super) const CHANGES: TableDefinition<'_, (u64, u64), &[u8]> = TableDefinition::new("changes");
/// Attribute, value, NUL, entry (big-endian) → the position from which the case has, or once had, the value.
pub(super) const POSTINGS: TableDefinition<'_, &[u8], u64> = TableDefinition::new("postings");
/// The entries of cases under way.
pub(super) const OPEN: TableDefinition<'_, u64, ()> = TableDefinition::new("open");
/// (position, entry) of every ending: with `OPEN`, what was under way at an earlier position.
pub(super) const ENDED: TableDefinition<'_, (u64, u64), ()> = TableDefinition::new("ended");
/// Entry → as much of the case as is needed to tell its next phase.
pub(super) const TRACES: TableDefinition<'_, u64, TraceRow> = TableDefinition::new("traces");
/// Day of opening (days of the common era) → the first and the last entry opened on it.
pub(super) const DAYS: TableDefinition<'_, i32, (u64, u64)> = TableDefinition::new("days");
/// (kind, day on which it counts, position) → whom a finding concerns, as JSON.
pub(super) const FINDINGS: TableDefinition<'_, (&str, i32, u64), &[u8]> = TableDefinition::new("findings");
/// (entry, position) of every deemed acceptance taken back.
pub(super) const TAKEN_BACK: TableDefinition<'_, (u64, u64), ()> = TableDefinition::new("taken-back");
/// Position of a fact that took effect before it was recorded → when it took effect, in microseconds.
pub(super) const LATE: TableDefinition<'_, u64, i64> = TableDefinition::new("late");
/// Whose and what (see `accesses.rs`), position → nothing: who looked at what, found by case, person, reader or time.
pub(super) const ACCESSES: TableDefinition<'_, (&[u8], u64), ()> = TableDefinition::new("accesses");
/// `format`, `position` and `recorded_at` of the last fact taken in.
pub(super) const META: TableDefinition<'_, &str, i64> = TableDefinition::new("meta");

/// Phase (its place in a life), open procedures, flags.
pub(super) type TraceRow = (u8, u64, u8);

const ROUTED: u8 = 1;
const NOTICED_IN_REVIEW: u8 = 2;
const HAS_RESULT: u8 = 4;
const HAS_ENDED: u8 = 8;

pub(super) fn trace_row(trace: Trace) -> TraceRow {
    let phase = Phase::ALL.iter().position(|phase| *phase == trace.phase).unwrap_or_default();
    let flag = |set: bool, flag: u8| if set { flag } else { 0 };
    let flags = flag(trace.routed, ROUTED)
        | flag(trace.noticed_in_review, NOTICED_IN_REVIEW)
        | flag(trace.has_result, HAS_RESULT)
        | flag(trace.has_ended, HAS_ENDED);
    (u8::try_from(phase).unwrap_or_default(), trace.procedures, flags)
}

pub(super) fn trace((phase, procedures, flags): TraceRow) -> Trace {
    Trace {
        phase: Phase::ALL.get(usize::from(phase)).copied().unwrap_or_default(),
        procedures,
        routed: flags & ROUTED != 0,
        noticed_in_review: flags & NOTICED_IN_REVIEW != 0,
        has_result: flags & HAS_RESULT != 0,
        has_ended: flags & HAS_ENDED != 0,
    }
}

/// Returns the bytes of a row of `CHANGES`: for each change its attribute, the length of its value (two bytes,
/// little-endian), and the value.
pub(super) fn change_bytes(changes: &[Change]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(changes.iter().map(|(_, value)| 3 + value.len()).sum());
    for (attribute, value) in changes {
        let value = cut(value);
        bytes.push(*attribute as u8);
        bytes.extend_from_slice(&u16::try_from(value.len()).unwrap_or(u16::MAX).to_le_bytes());
        bytes.extend_from_slice(value.as_bytes());
    }
    bytes
}

/// Calls `see` with each change of a row; a row that is not whole ends early, and then matches less.
pub(super) fn each_change(mut row: &[u8], mut see: impl FnMut(Attribute, &str)) {
    while let Some((&[code, low, high], rest)) = row.split_first_chunk::<3>() {
        let length = usize::from(u16::from_le_bytes([low, high]));
        let Some((value, rest)) = rest.split_at_checked(length) else { return };
        if let (Some(attribute), Ok(value)) = (Attribute::from_code(code), std::str::from_utf8(value)) {
            see(attribute, value);
        }
        row = rest;
    }
}

/// Returns the beginning of all keys of `POSTINGS` for a value, without the NUL that ends it.
pub(super) fn posting_prefix(attribute: Attribute, value: &str) -> Vec<u8> {
    let value = cut(value);
    let mut key = Vec::with_capacity(value.len() + 10);
    key.push(attribute as u8);
    key.extend_from_slice(value.as_bytes());
    key
}

/// Returns the key of `POSTINGS` for a value and an entry.
pub(super) fn posting_key(attribute: Attribute, value: &str, entry: u64) -> Vec<u8> {
    let mut key = posting_prefix(attribute, value);
    key.push(0);
    key.extend_from_slice(&entry.to_be_bytes());
    key
}

/// Returns the entry at the end of a key of `POSTINGS`.
pub(super) fn entry_of(key: &[u8]) -> u64 {
    key.last_chunk::<8>().map_or(0, |entry| u64::from_be_bytes(*entry))
}

/// Values of legacy systems may be of any length; beyond this they are found by their beginning.
fn cut(value: &str) -> &str {
    const VALUE_BYTES_MAX: usize = 256;
    &value[..value.floor_char_boundary(VALUE_BYTES_MAX)]
}
