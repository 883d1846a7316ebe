//! OCEL 2.0: cases, items, people, organisations and windows as objects that events relate to.

mod database;
mod json;
mod objects;

pub(super) use database::Database;
pub(super) use json::Json;

use super::columns::{ColumnKind, Columns};
use super::csv::text_of;
use super::stamp::Stamp;
use super::table::{Attribute, Case, CaseStep, Value};
use domain::actor::Role;

/// The kinds of objects, by name and by what they are called among tables.
const OBJECT_TYPES: [(&str, &str); 6] = [
    (CASE, "o_case"),
    ("item", "o_item"),
    ("applicant", "o_applicant"),
    ("clerk", "o_clerk"),
    ("organisation", "o_organisation"),
    ("window", "o_window"),
];
const CASE: &str = "case";
/// When what is known of an object from the beginning begins.
const BEGINNING: &str = "1970-01-01T00:00:00Z";

/// An object that an event relates to.
struct Related {
    kind: &'static str,
    id: String,
    qualifier: &'static str,
}

/// Returns what an event relates to beside its case.
fn related(columns: &Columns, case: &Case<'_>, event: &CaseStep<'_>) -> Vec<Related> {
    let mut related = Vec::with_capacity(4);
    if let Some(item) = attribute(columns, &case.attributes, "item") {
        related.push(Related { kind: "item", id: format!("item:{item}"), qualifier: "about" });
    }
    if let Some(resource) = event.resource {
        let is_applicant = event.role == Some(Role::Resident.as_str());
        let kind = if is_applicant { "applicant" } else { "clerk" };
        related.push(Related { kind, id: format!("{kind}:{resource}"), qualifier: "by" });
    }
    if let Some(group) = event.group {
        related.push(Related { kind: "organisation", id: format!("organisation:{group}"), qualifier: "at" });
        if let Some(window) = attribute(columns, &event.attributes, "window") {
            related.push(Related { kind: "window", id: format!("window:{group}/{window}"), qualifier: "at" });
        }
    }
    related
}

fn attribute<'a>(columns: &Columns, attributes: &[Attribute<'a>], name: &str) -> Option<&'a str> {
    let found = attributes.iter().find(|attribute| columns.get(attribute.column).name == name)?;
    match found.value {
        Value::Text(text) if !text.is_empty() => Some(text),
        _ => None,
    }
}

fn event_id(number: u64) -> String {
    // As wide as any log: readers that put events of one moment in order by their ids keep ours.
    format!("e{number:012}")
}

fn case_id(case: &Case<'_>) -> String {
    format!("case:{}", case.id)
}

fn type_name(kind: ColumnKind) -> &'static str {
    match kind {
        ColumnKind::Text => "string",
        ColumnKind::Int => "integer",
        ColumnKind::Float => "float",
        ColumnKind::Truth => "boolean",
        ColumnKind::Time => "time",
    }
}

fn text(value: &Value<'_>, stamp: &mut Stamp) -> String {
    let mut cell = String::new();
    text_of(value, stamp, &mut cell);
    cell
}
