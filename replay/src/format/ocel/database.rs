//! OCEL 2.0 as an SQLite database: what stands apart in its tables, brought together again.
//!
//! Every event is listed in one table, told in that of its type, and related to objects in a third. Each is read in the
//! order of the list, so that row meets row and memory holds one event of each type.

use super::{Event, Object, Relationship, Told, Type, TypeAttribute, Walk};
use crate::format::FormatError;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, Row, Rows, Statement};
use serde_json::{Number, Value};
use std::collections::BTreeMap;
use std::path::Path;

/// The first bytes of every such database.
pub(in super::super) const MAGIC: &[u8] = b"SQLite format 3\0";

/// What the columns are called that are no attributes.
const OWN_COLUMNS: [&str; 3] = ["ocel_id", "ocel_time", "ocel_changed_field"];

/// Goes through the whole database.
pub(super) fn walk(path: &Path, log: &mut Walk) -> Result<(), FormatError> {
    let connection = open(path).map_err(Fault::Database)?;
    let tables = Tables::of(&connection)?;
    for of_type in tables.events.iter().chain(&tables.objects) {
        log.declared(of_type.declaration());
    }
    log.object_types.extend(tables.objects.iter().map(|of_type| of_type.name.clone()));
    log.choose_case_type()?;
    if let Some(cases) = tables.objects.iter().find(|of_type| of_type.name == log.case_type) {
        objects(&connection, cases, log).map_err(Fault::Database)?;
    }
    events(&connection, &tables.events, log).map_err(Fault::Database)?;
    Ok(())
}

/// A database that cannot be read as a log.
enum Fault {
    Database(rusqlite::Error),
    Lacks(String),
}

impl From<rusqlite::Error> for Fault {
    fn from(why: rusqlite::Error) -> Self {
        Self::Database(why)
    }
}

impl From<Fault> for FormatError {
    fn from(fault: Fault) -> Self {
        let detail = match fault {
            Fault::Database(why) => why.to_string(),
            Fault::Lacks(what) => what,
        };
        Self::NotALog { found: format!("an SQLite database that is no whole OCEL 2.0: {detail}") }
    }
}

/// Opens it to be read: nothing that a foreign schema may call runs, and nothing is written.
fn open(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.execute_batch("PRAGMA trusted_schema = OFF; PRAGMA query_only = ON;")?;
    Ok(connection)
}

/// The tables of all types.
struct Tables {
    events: Vec<OfType>,
    objects: Vec<OfType>,
}

/// A type, and where what has it is told.
struct OfType {
    name: String,
    table: String,
    attributes: Vec<TypeAttribute>,
}

impl Tables {
    fn of(connection: &Connection) -> Result<Self, Fault> {
        for (table, columns) in [
            ("event_map_type", ["ocel_type", "ocel_type_map"].as_slice()),
            ("object_map_type", &["ocel_type", "ocel_type_map"]),
            ("event", &["ocel_id", "ocel_type"]),
            ("object", &["ocel_id", "ocel_type"]),
            ("event_object", &["ocel_event_id", "ocel_object_id", "ocel_qualifier"]),
        ] {
            has(&columns_of(connection, table)?, table, columns)?;
        }
        let tables = Self { events: types(connection, "event")?, objects: types(connection, "object")? };
        let mut strange = connection.prepare(
            "SELECT ocel_id FROM event WHERE ocel_type IS NULL OR ocel_type NOT IN \
             (SELECT ocel_type FROM event_map_type WHERE ocel_type IS NOT NULL) LIMIT 1",
        )?;
        if let Some(row) = strange.query([])?.next()? {
            let id = text(row.get_ref(0)?);
            return Err(Fault::Lacks(format!("event_map_type does not name the type of the event {id:?}")));
        }
        Ok(tables)
    }
}

fn types(connection: &Connection, kind: &str) -> Result<Vec<OfType>, Fault> {
    let mut listed = connection.prepare(&format!("SELECT ocel_type, ocel_type_map FROM {kind}_map_type"))?;
    let mut rows = listed.query([])?;
    let mut types: Vec<OfType> = Vec::new();
    while let Some(row) = rows.next()? {
        let (name, map) = (text(row.get_ref(0)?), text(row.get_ref(1)?));
        if types.iter().any(|known| known.name == name) {
            return Err(Fault::Lacks(format!("{kind}_map_type names {name:?} twice")));
        }
        let table = format!("{kind}_{map}");
        let mut attributes = columns_of(connection, &table)?;
        has(&attributes, &table, if kind == "event" { &["ocel_id", "ocel_time"] } else { &["ocel_id"] })?;
        attributes.retain(|column| !OWN_COLUMNS.contains(&column.name.as_str()));
        types.push(OfType { name, table, attributes });
    }
    Ok(types)
}

/// Returns the columns of a table with their types as OCEL calls them; none, if there is no such table.
fn columns_of(connection: &Connection, table: &str) -> rusqlite::Result<Vec<TypeAttribute>> {
    // A view could be anything, and without end.
    let mut listed = connection.prepare(
        "SELECT info.name, info.type FROM sqlite_schema AS kept, pragma_table_info(kept.name) AS info \
         WHERE kept.type = 'table' AND kept.name = ?1 COLLATE NOCASE ORDER BY info.cid",
    )?;
    let columns = listed.query_map([table], |row| {
        Ok(TypeAttribute { name: text(row.get_ref(0)?), r#type: type_of(&text(row.get_ref(1)?)).to_owned() })
    })?;
    columns.collect()
}

fn has(columns: &[TypeAttribute], table: &str, wanted: &[&str]) -> Result<(), Fault> {
    if columns.is_empty() {
        return Err(Fault::Lacks(format!("there is no table {table}")));
    }
    match wanted.iter().find(|wanted| !columns.iter().any(|column| column.name == **wanted)) {
        Some(missing) => Err(Fault::Lacks(format!("the table {table} has no column {missing}"))),
        None => Ok(()),
    }
}

/// Returns what OCEL calls the type that a column was declared with.
fn type_of(declared: &str) -> &'static str {
    let declared = declared.to_ascii_uppercase();
    let says = |words: &[&str]| words.iter().any(|word| declared.contains(word));
    if says(&["BOOL"]) {
        "boolean"
    } else if says(&["TIME", "DATE"]) {
        "time"
    } else if says(&["INT"]) {
        "integer"
    } else if says(&["REAL", "FLOA", "DOUB"]) {
        "float"
    } else {
        "string"
    }
}

impl OfType {
    fn declaration(&self) -> Type {
        Type { name: self.name.clone(), attributes: self.attributes.clone() }
    }

    /// Returns the columns of its attributes, each behind a comma.
    fn columns(&self) -> String {
        self.attributes.iter().map(|attribute| format!(", told.{}", quoted(&attribute.name))).collect()
    }

    /// Returns what a row says of the attributes, whose columns begin at a place.
    fn told(&self, row: &Row<'_>, from: usize) -> rusqlite::Result<Vec<Told>> {
        let mut all = Vec::with_capacity(self.attributes.len());
        for (place, attribute) in self.attributes.iter().enumerate() {
            if let Some(value) = value(row.get_ref(from + place)?, &attribute.r#type) {
                all.push(Told { name: attribute.name.clone(), value });
            }
        }
        Ok(all)
    }
}

/// Hands over the objects of a type in the order of the list, each with all that is told of it.
fn objects(connection: &Connection, of_type: &OfType, log: &mut Walk) -> rusqlite::Result<()> {
    let mut listed = connection.prepare(&format!(
        "SELECT listed.ocel_id{} FROM object AS listed LEFT JOIN {} AS told ON told.ocel_id = listed.ocel_id \
         WHERE listed.ocel_type = ?1 ORDER BY listed.rowid, told.rowid",
        of_type.columns(),
        quoted(&of_type.table)
    ))?;
    let mut rows = listed.query([&of_type.name])?;
    let mut object: Option<Object> = None;
    while let Some(row) = rows.next()? {
        let (id, told) = (text(row.get_ref(0)?), of_type.told(row, 1)?);
        match object.as_mut().filter(|object| object.id == id) {
            Some(object) => object.attributes.extend(told),
            None => {
                let next = Object { id, r#type: of_type.name.clone(), attributes: told };
                object.replace(next).into_iter().for_each(|whole| log.object(whole));
            }
        }
    }
    object.into_iter().for_each(|whole| log.object(whole));
    Ok(())
}

/// Hands over all events in the order of the list.
fn events(connection: &Connection, types: &[OfType], log: &mut Walk) -> rusqlite::Result<()> {
    let mut of_types = Vec::with_capacity(types.len());
    for of_type in types {
        let statement = connection.prepare(&format!(
            "SELECT listed.rowid, listed.ocel_id, told.ocel_time{} FROM event AS listed LEFT JOIN {} AS told \
             ON told.ocel_id = listed.ocel_id WHERE listed.ocel_type = ?1 ORDER BY listed.rowid",
            of_type.columns(),
            quoted(&of_type.table)
        ))?;
        of_types.push((of_type, statement));
    }
    let mut cursors = Vec::with_capacity(of_types.len());
    for (of_type, statement) in &mut of_types {
        cursors.push(Cursor { of_type, rows: statement.query([&of_type.name])?, last: None });
    }
    let mut related = related(connection)?;
    let mut related = Related { rows: related.query([])?, next: None };
    related.advance()?;
    // The next event of each type; the first of them all is the next of the list.
    let mut waiting = BTreeMap::new();
    for (number, cursor) in cursors.iter_mut().enumerate() {
        waiting.extend(cursor.next()?.map(|(place, event)| (place, (number, event))));
    }
    while let Some((place, (number, mut event))) = waiting.pop_first() {
        event.relationships = related.of(place)?;
        log.event(event);
        if let Some(cursor) = cursors.get_mut(number) {
            waiting.extend(cursor.next()?.map(|(place, event)| (place, (number, event))));
        }
    }
    Ok(())
}

/// The events of one type.
struct Cursor<'a, 'b> {
    of_type: &'a OfType,
    rows: Rows<'b>,
    last: Option<i64>,
}

impl Cursor<'_, '_> {
    /// Returns the next event and its place in the list; what is told of it a second time is passed over.
    fn next(&mut self) -> rusqlite::Result<Option<(i64, Event)>> {
        while let Some(row) = self.rows.next()? {
            let place = row.get(0)?;
            if self.last.replace(place) == Some(place) {
                continue;
            }
            let event = Event {
                id: text(row.get_ref(1)?),
                r#type: self.of_type.name.clone(),
                time: text(row.get_ref(2)?),
                attributes: self.of_type.told(row, 3)?,
                relationships: Vec::new(),
            };
            return Ok(Some((place, event)));
        }
        Ok(None)
    }
}

fn related(connection: &Connection) -> rusqlite::Result<Statement<'_>> {
    connection.prepare(
        "SELECT listed.rowid, related.ocel_object_id, related.ocel_qualifier FROM event_object AS related \
         JOIN event AS listed ON listed.ocel_id = related.ocel_event_id ORDER BY listed.rowid, related.rowid",
    )
}

/// What events relate to, in the order of their list.
struct Related<'b> {
    rows: Rows<'b>,
    next: Option<(i64, Relationship)>,
}

impl Related<'_> {
    fn advance(&mut self) -> rusqlite::Result<()> {
        self.next = match self.rows.next()? {
            None => None,
            Some(row) => {
                let relationship = Relationship { object: text(row.get_ref(1)?), qualifier: text(row.get_ref(2)?) };
                Some((row.get(0)?, relationship))
            }
        };
        Ok(())
    }

    /// Returns what the event at a place relates to.
    fn of(&mut self, place: i64) -> rusqlite::Result<Vec<Relationship>> {
        let mut all = Vec::new();
        while let Some((of, relationship)) = self.next.take_if(|(of, _)| *of <= place) {
            if of == place {
                all.push(relationship);
            }
            self.advance()?;
        }
        Ok(all)
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn text(cell: ValueRef<'_>) -> String {
    match cell {
        ValueRef::Null => String::new(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// Returns the value of an attribute, if it has one.
fn value(cell: ValueRef<'_>, of_type: &str) -> Option<Value> {
    Some(match cell {
        ValueRef::Null => return None,
        ValueRef::Integer(number) if of_type == "boolean" => Value::Bool(number != 0),
        ValueRef::Integer(number) => Value::from(number),
        ValueRef::Real(number) => {
            Number::from_f64(number).map_or_else(|| Value::from(number.to_string()), Value::Number)
        }
        ValueRef::Text(_) | ValueRef::Blob(_) => Value::from(text(cell)),
    })
}
