//! The attributes that an export has: their names, and the type that holds every value found.

use super::ExportError;
use std::collections::{BTreeMap, BTreeSet};

/// The most different attributes of one export. Real logs have a few dozen.
pub const COLUMNS_MAX: usize = 1_900;

/// One attribute of cases or of events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    /// Its name, as the log has it.
    pub(super) name: String,
    /// It is told of the case, not of the event.
    pub(super) of_case: bool,
    /// What every value of it is.
    pub(super) kind: ColumnKind,
}

/// A type that holds every value of an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ColumnKind {
    /// Text, or values of more than one type.
    Text,
    /// Whole numbers.
    Int,
    /// Numbers.
    Float,
    /// Truth values.
    Truth,
    /// Moments.
    Time,
}

impl ColumnKind {
    fn with(self, other: Self) -> Self {
        match (self, other) {
            (one, other) if one == other => one,
            (Self::Int | Self::Float, Self::Int | Self::Float) => Self::Float,
            (_, _) => Self::Text,
        }
    }
}

/// All attributes found so far, by number.
#[derive(Debug, Clone, Default)]
pub(super) struct Columns {
    listed: Vec<Column>,
    of_cases: BTreeMap<String, u16>,
    of_events: BTreeMap<String, u16>,
}

impl Columns {
    /// Returns the number of an attribute, which is from now on known to have a value of this type.
    pub(super) fn number(&mut self, name: &str, of_case: bool, kind: ColumnKind) -> Result<u16, ExportError> {
        let numbers = if of_case { &mut self.of_cases } else { &mut self.of_events };
        if let Some(number) = numbers.get(name) {
            let column = &mut self.listed[usize::from(*number)];
            column.kind = column.kind.with(kind);
            return Ok(*number);
        }
        if COLUMNS_MAX <= self.listed.len() {
            return Err(ExportError::TooManyColumns);
        }
        // The bound is far below what the number can hold.
        let number = self.listed.len() as u16;
        numbers.insert(name.to_owned(), number);
        self.listed.push(Column { name: name.to_owned(), of_case, kind });
        Ok(number)
    }

    /// Returns an attribute.
    pub(super) fn get(&self, number: u16) -> &Column {
        &self.listed[usize::from(number)]
    }

    /// Returns the attributes of events or of cases by name, with their numbers.
    pub(super) fn listed(&self, of_case: bool) -> impl Iterator<Item = (u16, &Column)> {
        let numbers = if of_case { &self.of_cases } else { &self.of_events };
        numbers.values().map(|number| (*number, self.get(*number)))
    }

    /// Returns a header for every attribute by its number: the name, for attributes of cases with `prefix`, and told
    /// apart from those that are taken and from one another, whatever their case.
    pub(super) fn headers(&self, prefix: &str, taken: &[&str]) -> Vec<String> {
        let mut taken: BTreeSet<String> = taken.iter().map(|name| name.to_lowercase()).collect();
        let mut headers = Vec::with_capacity(self.listed.len());
        for column in &self.listed {
            let name = if column.of_case { format!("{prefix}{}", column.name) } else { column.name.clone() };
            let mut header = name.clone();
            let mut number = 1;
            while !taken.insert(header.to_lowercase()) {
                number += 1;
                header = format!("{name} {number}");
            }
            headers.push(header);
        }
        headers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_has_the_type_that_holds_all_its_values() {
        let mut columns = Columns::default();
        for (name, kinds, expected) in [
            ("n", vec![ColumnKind::Int, ColumnKind::Int], ColumnKind::Int),
            ("x", vec![ColumnKind::Int, ColumnKind::Float, ColumnKind::Int], ColumnKind::Float),
            ("t", vec![ColumnKind::Time, ColumnKind::Text], ColumnKind::Text),
            ("b", vec![ColumnKind::Truth, ColumnKind::Int], ColumnKind::Text),
        ] {
            let mut number = 0;
            for kind in kinds {
                number = columns.number(name, false, kind).unwrap();
            }
            assert_eq!(columns.get(number).kind, expected, "{name}");
        }
    }

    #[test]
    fn an_event_and_its_case_may_have_attributes_of_one_name() {
        let mut columns = Columns::default();
        let of_case = columns.number("org", true, ColumnKind::Text).unwrap();
        assert_ne!(of_case, columns.number("org", false, ColumnKind::Text).unwrap());
    }

    #[test]
    fn no_two_headers_are_alike() {
        let mut columns = Columns::default();
        for (name, of_case) in [("Org", false), ("org", false), ("seq", false), ("x", true), ("case:x", false)] {
            columns.number(name, of_case, ColumnKind::Text).unwrap();
        }
        assert_eq!(columns.headers("case:", &["seq"]), ["Org", "org 2", "seq 2", "case:x", "case:x 2"]);
    }

    #[test]
    fn attributes_without_end_are_refused() {
        let mut columns = Columns::default();
        for n in 0..COLUMNS_MAX {
            columns.number(&n.to_string(), false, ColumnKind::Text).unwrap();
        }
        assert!(columns.number("0", false, ColumnKind::Text).is_ok());
        assert!(columns.number("one more", false, ColumnKind::Text).is_err());
    }
}
