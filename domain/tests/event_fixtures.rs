//! Every schema ever written is still read, and what is read is written back the same.
//!
//! `fixtures/events/<name>.<version>.json` holds one body per schema, with every optional field filled in. A fixture is
//! never changed: a body of another shape is another version.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use domain::event::{Event, SCHEMAS, Schema};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/events")
}

fn file_name(schema: &Schema) -> String {
    format!("{}.{}.json", schema.name, schema.version)
}

fn check(schema: &Schema) {
    let name = file_name(schema);
    let text = std::fs::read(folder().join(&name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    let event = Event::decode(schema.name, schema.version, &text).unwrap_or_else(|error| panic!("{name}: {error:?}"));
    if event.schema() != *schema {
        // A superseded body is read into the current form, which has a fixture of its own.
        return;
    }
    let written: Value = serde_json::from_slice(&event.encode().unwrap()).unwrap();
    let fixture: Value = serde_json::from_slice(&text).unwrap();
    assert_eq!(written, fixture, "{name} is written back differently");
}

#[test]
fn every_schema_has_a_fixture_that_is_read_and_written_back() {
    SCHEMAS.iter().for_each(check);
}

#[test]
fn every_fixture_belongs_to_a_schema() {
    let known: BTreeSet<String> = SCHEMAS.iter().map(file_name).collect();
    let present: BTreeSet<String> =
        std::fs::read_dir(folder()).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(present, known);
}

#[test]
fn an_unknown_schema_is_an_error_and_never_skipped() {
    let unknown = Event::decode("case-teleported", 1, b"{}").unwrap_err();
    insta::assert_snapshot!(
        unknown,
        @r#"unknown event type "case-teleported" version 1; a newer program wrote it, use that one"#
    );
    assert!(Event::decode("rated", 1, b"{}").is_err());
    assert!(Event::decode("rated", 2, b"{}").is_err());
}
