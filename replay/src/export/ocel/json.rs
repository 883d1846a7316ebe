//! OCEL 2.0 as JSON, written in a stream: types, events, objects.

use super::super::columns::Columns;
use super::super::stamp::Stamp;
use super::super::table::{Attribute, Case, Table};
use super::super::{Form, Sink, WriteError};
use super::objects::Objects;
use super::{BEGINNING, CASE, OBJECT_TYPES, case_id, event_id, related, text, type_name};
use serde_json::{Value, json};
use std::fs::File;
use std::io::{self, BufWriter, Seek as _, Write as _};
use std::path::Path;

/// A log in the making.
pub(in super::super) struct Json {
    sink: Sink,
    /// The cases as objects: they come after all events, and are written aside until then.
    cases: BufWriter<File>,
    objects: Objects,
    stamp: Stamp,
    events: u64,
    cases_written: u64,
}

impl Json {
    pub(in super::super) fn new(mut sink: Sink, scratch: &Path, table: &Table) -> Result<Self, WriteError> {
        let columns = &table.columns;
        let declared = |numbers: &mut dyn Iterator<Item = u16>| -> Vec<Value> {
            numbers
                .map(|number| {
                    let column = columns.get(number);
                    json!({ "name": column.name, "type": type_name(column.kind) })
                })
                .collect()
        };
        let event_types: Vec<Value> = table
            .by_activity
            .iter()
            .map(|(name, numbers)| json!({ "name": name, "attributes": declared(&mut numbers.iter().copied()) }))
            .collect();
        let object_types: Vec<Value> = OBJECT_TYPES
            .iter()
            .map(|(name, _)| {
                let of_case = declared(&mut columns.listed(true).map(|(number, _)| number));
                json!({ "name": name, "attributes": if *name == CASE { of_case } else { Vec::new() } })
            })
            .collect();
        sink.write_all(b"{\"eventTypes\":")?;
        serde_json::to_writer(&mut sink, &event_types)?;
        sink.write_all(b",\n\"objectTypes\":")?;
        serde_json::to_writer(&mut sink, &object_types)?;
        sink.write_all(b",\n\"events\":[")?;
        Ok(Self {
            sink,
            cases: BufWriter::new(tempfile::tempfile_in(scratch)?),
            objects: Objects::new(scratch),
            stamp: Stamp::default(),
            events: 0,
            cases_written: 0,
        })
    }

    fn attributes(&mut self, columns: &Columns, attributes: &[Attribute<'_>]) -> Vec<Value> {
        let told = attributes.iter().map(|attribute| {
            let name = &columns.get(attribute.column).name;
            // The schema that validators go by wants text, whatever the declared type.
            json!({ "name": name, "value": text(&attribute.value, &mut self.stamp) })
        });
        told.collect()
    }
}

impl Form for Json {
    fn case(&mut self, columns: &Columns, case: &Case<'_>) -> Result<(), WriteError> {
        let id = case_id(case);
        let mut about = None;
        for event in &case.events {
            self.events += 1;
            let mut relationships = vec![json!({ "objectId": id, "qualifier": "of" })];
            for related in related(columns, case, event) {
                self.objects.note(&related)?;
                relationships.push(json!({ "objectId": related.id, "qualifier": related.qualifier }));
                if related.kind == "item" {
                    about = Some(related.id);
                }
            }
            let written = json!({
                "id": event_id(self.events),
                "type": event.activity,
                "time": self.stamp.of(event.at),
                "attributes": self.attributes(columns, &event.attributes),
                "relationships": relationships,
            });
            self.sink.write_all(if self.events == 1 { b"\n" } else { b",\n" })?;
            serde_json::to_writer(&mut self.sink, &written)?;
        }
        let mut attributes = self.attributes(columns, &case.attributes);
        attributes.iter_mut().for_each(|attribute| attribute["time"] = BEGINNING.into());
        let relationships: Vec<Value> =
            about.iter().map(|item| json!({ "objectId": item, "qualifier": "about" })).collect();
        let object = json!({ "id": id, "type": CASE, "attributes": attributes, "relationships": relationships });
        self.cases.write_all(if self.cases_written == 0 { b"\n" } else { b",\n" })?;
        self.cases_written += 1;
        Ok(serde_json::to_writer(&mut self.cases, &object)?)
    }

    fn finish(mut self: Box<Self>) -> Result<(), WriteError> {
        self.sink.write_all(b"\n],\n\"objects\":[")?;
        let mut cases = self.cases.into_inner().map_err(io::IntoInnerError::into_error)?;
        cases.rewind()?;
        io::copy(&mut cases, &mut self.sink)?;
        let mut separator: &[u8] = if self.cases_written == 0 { b"\n" } else { b",\n" };
        let sink = &mut self.sink;
        self.objects.each(|kind, id| {
            sink.write_all(separator)?;
            separator = b",\n";
            let object = json!({ "id": id, "type": kind, "attributes": [], "relationships": [] });
            Ok::<_, WriteError>(serde_json::to_writer(&mut *sink, &object)?)
        })?;
        self.sink.write_all(b"\n]}\n")?;
        Ok(self.sink.finish()?)
    }
}
