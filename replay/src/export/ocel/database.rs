//! OCEL 2.0 as an SQLite database, with the tables and keys that validators ask for.

use super::super::columns::{ColumnKind, Columns};
use super::super::stamp::Stamp;
use super::super::table::{Attribute, Case, Table, Value};
use super::super::{Form, WriteError};
use super::objects::Objects;
use super::{BEGINNING, CASE, OBJECT_TYPES, case_id, event_id, related, text};
use rusqlite::Connection;
use rusqlite::types::Value as Cell;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;

/// What an event relates to is written after it, so keys are declared and not watched meanwhile. The file has no name
/// yet and is synced when it is whole, so the database need not guard against a crash.
const FIXED: &str = "
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA foreign_keys = OFF;
BEGIN;
CREATE TABLE event_map_type(ocel_type TEXT, ocel_type_map TEXT, PRIMARY KEY(ocel_type));
CREATE TABLE object_map_type(ocel_type TEXT, ocel_type_map TEXT, PRIMARY KEY(ocel_type));
CREATE TABLE event(ocel_id TEXT, ocel_type TEXT, PRIMARY KEY(ocel_id),
  FOREIGN KEY(ocel_type) REFERENCES event_map_type(ocel_type));
CREATE TABLE object(ocel_id TEXT, ocel_type TEXT, PRIMARY KEY(ocel_id),
  FOREIGN KEY(ocel_type) REFERENCES object_map_type(ocel_type));
CREATE TABLE event_object(ocel_event_id TEXT, ocel_object_id TEXT, ocel_qualifier TEXT,
  PRIMARY KEY(ocel_event_id, ocel_object_id, ocel_qualifier),
  FOREIGN KEY(ocel_event_id) REFERENCES event(ocel_id), FOREIGN KEY(ocel_object_id) REFERENCES object(ocel_id));
CREATE TABLE object_object(ocel_source_id TEXT, ocel_target_id TEXT, ocel_qualifier TEXT,
  PRIMARY KEY(ocel_source_id, ocel_target_id, ocel_qualifier),
  FOREIGN KEY(ocel_source_id) REFERENCES object(ocel_id), FOREIGN KEY(ocel_target_id) REFERENCES object(ocel_id));
";

/// Statements kept prepared: one for each activity of any but the most varied logs.
const STATEMENTS_MAX: usize = 1_024;

/// A log in the making.
pub(in super::super) struct Database {
    connection: Connection,
    /// How a row of each activity is written: the statement, and the attributes in the order of its columns.
    events: BTreeMap<String, Insert>,
    cases: Insert,
    objects: Objects,
    stamp: Stamp,
    written: u64,
}

struct Insert {
    statement: String,
    columns: Vec<u16>,
}

impl Database {
    pub(in super::super) fn new(path: &Path, scratch: &Path, table: &Table) -> Result<Self, WriteError> {
        let connection = Connection::open(path)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
        connection.execute_batch(FIXED)?;
        let columns = &table.columns;
        let headers = columns.headers("", &["ocel_id", "ocel_time", "ocel_changed_field"]);
        let mut events = BTreeMap::new();
        for (number, (activity, of_event)) in table.by_activity.iter().enumerate() {
            // Names of tables stay ASCII and clear of the fixed ones, whatever the activity is called.
            let map = format!("{}_{}", ascii(activity), number + 1);
            connection.execute("INSERT INTO event_map_type VALUES(?1, ?2)", [activity, &map])?;
            let of_event: Vec<u16> = of_event.iter().copied().collect();
            let declared = declared(columns, &headers, &of_event);
            connection.execute_batch(&format!(
                "CREATE TABLE \"event_{map}\"(ocel_id TEXT, ocel_time TIMESTAMP{declared}, PRIMARY KEY(ocel_id), \
                 FOREIGN KEY(ocel_id) REFERENCES event(ocel_id));"
            ))?;
            events.insert(activity.clone(), Insert::new(&format!("event_{map}"), 2, of_event));
        }
        let of_cases: Vec<u16> = columns.listed(true).map(|(number, _)| number).collect();
        for (kind, map) in OBJECT_TYPES {
            connection.execute("INSERT INTO object_map_type VALUES(?1, ?2)", [kind, map])?;
            let declared = if kind == CASE { declared(columns, &headers, &of_cases) } else { String::new() };
            connection.execute_batch(&format!(
                "CREATE TABLE \"object_{map}\"(ocel_id TEXT, ocel_time TIMESTAMP, ocel_changed_field TEXT{declared}, \
                 FOREIGN KEY(ocel_id) REFERENCES object(ocel_id));"
            ))?;
        }
        let case_table = OBJECT_TYPES.iter().find(|(kind, _)| *kind == CASE).map_or("", |(_, map)| map);
        Ok(Self {
            connection,
            events,
            cases: Insert::new(&format!("object_{case_table}"), 3, of_cases),
            objects: Objects::new(scratch),
            stamp: Stamp::default(),
            written: 0,
        })
    }

    fn object(&self, id: &str, kind: &str) -> Result<(), WriteError> {
        self.connection.prepare_cached("INSERT INTO object VALUES(?1, ?2)")?.execute([id, kind])?;
        Ok(())
    }
}

impl Insert {
    fn new(table: &str, fixed: usize, columns: Vec<u16>) -> Self {
        let places: Vec<String> = (1..=fixed + columns.len()).map(|place| format!("?{place}")).collect();
        Self { statement: format!("INSERT INTO \"{table}\" VALUES({})", places.join(", ")), columns }
    }

    /// Writes a row: the fixed cells, then the attributes in their order.
    fn run(
        &self,
        connection: &Connection,
        fixed: &[Option<&str>],
        attributes: &[Attribute<'_>],
        stamp: &mut Stamp,
    ) -> Result<(), WriteError> {
        let fixed = fixed.iter().map(|cell| cell.map_or(Cell::Null, |text| Cell::Text(text.to_owned())));
        let told = self.columns.iter().map(|column| {
            let found = attributes.iter().find(|attribute| attribute.column == *column);
            found.map_or(Cell::Null, |attribute| cell(&attribute.value, stamp))
        });
        let cells: Vec<Cell> = fixed.chain(told).collect();
        connection.prepare_cached(&self.statement)?.execute(rusqlite::params_from_iter(cells))?;
        Ok(())
    }
}

impl Form for Database {
    fn case(&mut self, columns: &Columns, case: &Case<'_>) -> Result<(), WriteError> {
        let id = case_id(case);
        self.object(&id, CASE)?;
        self.cases.run(&self.connection, &[Some(&id), Some(BEGINNING), None], &case.attributes, &mut self.stamp)?;
        let mut about = None;
        for event in &case.events {
            self.written += 1;
            let event_id = event_id(self.written);
            let Some(insert) = self.events.get(event.activity) else {
                return Err(io::Error::other("an event of an activity that was not announced").into());
            };
            self.connection
                .prepare_cached("INSERT INTO event VALUES(?1, ?2)")?
                .execute([event_id.as_str(), event.activity])?;
            let at = utc(event.at);
            insert.run(&self.connection, &[Some(&event_id), Some(&at)], &event.attributes, &mut self.stamp)?;
            let mut relate = self.connection.prepare_cached("INSERT INTO event_object VALUES(?1, ?2, ?3)")?;
            relate.execute([event_id.as_str(), &id, "of"])?;
            for related in related(columns, case, event) {
                self.objects.note(&related)?;
                relate.execute([event_id.as_str(), &related.id, related.qualifier])?;
                if related.kind == "item" {
                    about = Some(related.id);
                }
            }
        }
        if let Some(item) = about {
            let mut relate = self.connection.prepare_cached("INSERT INTO object_object VALUES(?1, ?2, ?3)")?;
            relate.execute([id.as_str(), &item, "about"])?;
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<(), WriteError> {
        let Self { connection, objects, .. } = *self;
        objects.each(|kind, id| {
            connection.prepare_cached("INSERT INTO object VALUES(?1, ?2)")?.execute([id, kind])?;
            let Some((_, map)) = OBJECT_TYPES.iter().find(|(name, _)| *name == kind) else { return Ok(()) };
            let insert = format!("INSERT INTO \"object_{map}\" VALUES(?1, ?2, NULL)");
            connection.prepare_cached(&insert)?.execute([id, BEGINNING])?;
            Ok::<_, WriteError>(())
        })?;
        connection.execute_batch("COMMIT")?;
        connection.close().map_err(|(_, why)| why)?;
        Ok(())
    }
}

fn declared(columns: &Columns, headers: &[String], numbers: &[u16]) -> String {
    let declare = |number: &u16| {
        let kind = match columns.get(*number).kind {
            ColumnKind::Text => "TEXT",
            ColumnKind::Int => "INTEGER",
            ColumnKind::Float => "REAL",
            ColumnKind::Truth => "BOOLEAN",
            ColumnKind::Time => "TIMESTAMP",
        };
        format!(", \"{}\" {kind}", headers[usize::from(*number)].replace('"', "\"\""))
    };
    numbers.iter().map(declare).collect()
}

fn cell(value: &Value<'_>, stamp: &mut Stamp) -> Cell {
    match value {
        Value::Int(number) => Cell::Integer(*number),
        Value::Float(number, _) => Cell::Real(*number),
        Value::Truth(truth) => Cell::Integer(i64::from(*truth)),
        Value::Time(at) => Cell::Text(utc(*at)),
        Value::Text(_) | Value::Nested(_) => Cell::Text(text(value, stamp)),
    }
}

fn utc(at: eventstore::Micros) -> String {
    let at = chrono::DateTime::from_timestamp_micros(at).unwrap_or_default();
    at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
}

fn ascii(name: &str) -> String {
    let plain = name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' });
    plain.take(40).collect()
}
