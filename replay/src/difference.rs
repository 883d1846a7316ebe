//! What differs between two answers, cell by cell.
//!
//! A cell is a single value with its address: the fields that lead to it, as a JSON pointer. Rows of a table are
//! addressed by what they are about and not by their place, so that a row more moves no other.

use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Fields that say what a row is about, where it has no `key`.
const IDENTIFYING: [&str; 9] = ["case", "rating", "kind", "which", "organisation", "code", "leg", "number", "person"];

/// An answer taken apart into cells, by address.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Cells(BTreeMap<String, Value>);

/// One cell that differs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// Its address.
    pub cell: String,
    /// What stood there; nothing if there was no such cell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// What stands there; nothing if there is no such cell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}

impl Cells {
    /// Takes an answer apart.
    #[must_use]
    pub fn of(answer: &Value) -> Self {
        let mut cells = Self::default();
        cells.enter(String::new(), answer);
        cells
    }

    /// Returns the cells as one flat object.
    #[must_use]
    pub fn to_value(&self) -> Value {
        Value::Object(self.0.clone().into_iter().collect())
    }

    /// Returns the same cells without those under an address.
    #[must_use]
    pub fn without(mut self, address: &str) -> Self {
        let is_under =
            |cell: &str| cell.strip_prefix(address).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        self.0.retain(|cell, _| !is_under(cell));
        self
    }

    /// Returns what must change for these cells to become others.
    #[must_use]
    pub fn changes_to(&self, other: &Self) -> Vec<Change> {
        let cells: BTreeSet<&String> = self.0.keys().chain(other.0.keys()).collect();
        let differing = cells.into_iter().filter(|cell| self.0.get(*cell) != other.0.get(*cell));
        differing
            .map(|cell| Change {
                cell: cell.clone(),
                before: self.0.get(cell).cloned(),
                after: other.0.get(cell).cloned(),
            })
            .collect()
    }

    /// Makes changes.
    pub fn apply(&mut self, changes: &[Change]) {
        for Change { cell, before: _, after } in changes {
            match after {
                Some(value) => self.0.insert(cell.clone(), value.clone()),
                None => self.0.remove(cell),
            };
        }
    }

    fn enter(&mut self, at: String, value: &Value) {
        match value {
            Value::Object(fields) if !fields.is_empty() => {
                for (name, value) in fields {
                    self.enter(format!("{at}/{}", escaped(name)), value);
                }
            }
            Value::Array(rows) if !rows.is_empty() => {
                for (name, row) in names(rows).into_iter().zip(rows) {
                    let at = format!("{at}/{}", escaped(&name));
                    match row {
                        // What a row is about stands in its address.
                        Value::Object(fields) if fields.contains_key("key") => {
                            let rest = fields.iter().filter(|(name, _)| *name != "key");
                            rest.for_each(|(name, value)| self.enter(format!("{at}/{}", escaped(name)), value));
                        }
                        _ => self.enter(at, row),
                    }
                }
            }
            // An empty table is a value too, and so is nothing.
            _ => {
                self.0.insert(at, value.clone());
            }
        }
    }
}

fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// What each row is about, if that tells all of them apart; else their places.
fn names(rows: &[Value]) -> Vec<String> {
    let told: Option<Vec<String>> = rows.iter().map(|row| row.as_object().and_then(identity)).collect();
    if let Some(names) = told
        && names.iter().collect::<BTreeSet<_>>().len() == names.len()
    {
        return names;
    }
    (0..rows.len()).map(|place| place.to_string()).collect()
}

fn identity(row: &Map<String, Value>) -> Option<String> {
    let parts: Vec<String> = match row.get("key") {
        Some(Value::Object(key)) => key.iter().map(|(name, value)| told(name, value)).collect(),
        Some(_) | None => {
            let fields = IDENTIFYING.iter().filter_map(|name| row.get(*name).map(|value| (name, value)));
            let plain = fields.filter(|(_, value)| value.is_string() || value.is_number());
            plain.map(|(name, value)| told(name, value)).collect()
        }
    };
    (!parts.is_empty()).then(|| parts.join(","))
}

fn told(name: &str, value: &Value) -> String {
    match value {
        Value::String(text) => format!("{name}={text}"),
        other => format!("{name}={other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(before: &Value, after: &Value, expected: &[(&str, Value, Value)]) {
        let (before, after) = (Cells::of(before), Cells::of(after));
        let changes = before.changes_to(&after);
        let told: Vec<_> = changes
            .iter()
            .map(|change| {
                let value = |value: &Option<Value>| value.clone().unwrap_or(Value::from("–"));
                (change.cell.as_str(), value(&change.before), value(&change.after))
            })
            .collect();
        assert_eq!(told, expected);
        let mut applied = before;
        applied.apply(&changes);
        assert_eq!(applied, after);
    }

    #[test]
    fn a_row_more_moves_no_other() {
        let row = |month: &str, n: u32| json!({"key": {"month": month}, "n": n});
        check(
            &json!({"rows": [row("2022-02", 3)]}),
            &json!({"rows": [row("2022-01", 1), row("2022-02", 4)]}),
            &[("/rows/month=2022-01/n", "–".into(), 1.into()), ("/rows/month=2022-02/n", 3.into(), 4.into())],
        );
    }

    #[test]
    fn rows_that_nothing_tells_apart_are_told_by_their_place() {
        check(
            &json!([{"code": "a"}, {"code": "a"}]),
            &json!([{"code": "a"}, {"code": "b", "n": 1}, {"code": "b", "n": 2}]),
            &[
                ("/1/code", "a".into(), "b".into()),
                ("/1/n", "–".into(), 1.into()),
                ("/2/code", "–".into(), "b".into()),
                ("/2/n", "–".into(), 2.into()),
            ],
        );
    }

    #[test]
    fn an_empty_table_is_a_value() {
        check(
            &json!({"rows": []}),
            &json!({"rows": [1]}),
            &[("/rows", json!([]), "–".into()), ("/rows/0", "–".into(), 1.into())],
        );
    }
}
