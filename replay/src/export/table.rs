//! The events of the selected cases, case by case and each case in order, whatever the order of the log.

use super::columns::{ColumnKind, Columns};
use super::pseudonyms::{Named, Pseudonyms};
use super::told::{Telling, Told};
use super::{ExportError, ExportProgress, ExportRequest};
use crate::codec::CodecError;
use crate::format::timestamp;
use crate::history::{History, HistoryError};
use crate::pages::RawPages;
use crate::runs::{Records, Runs, Sorted};
use crate::selection::{LogSelection, Opening, case_of, decode};
use domain::actor::Role;
use domain::event::{CaseEvent, DecodeError, Event};
use domain::ids::CaseId;
use eventstore::{Micros, Page, RecordedEvent};
use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use ulid::Ulid;

/// Bits of the filter that tells which cases may be meant: 8 MiB, whatever the log.
const CHOSEN_BITS: usize = 1 << 26;

/// An attribute as it goes out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Attribute<'a> {
    /// Its column.
    pub(super) column: u16,
    #[serde(borrow)]
    pub(super) value: Value<'a>,
}

/// A value; text stays as it was given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Value<'a> {
    #[serde(rename = "t")]
    Text(&'a str),
    #[serde(rename = "i")]
    Int(i64),
    #[serde(rename = "f")]
    Float(f64, &'a str),
    #[serde(rename = "b")]
    Truth(bool),
    #[serde(rename = "m")]
    Time(Micros),
    /// Lists, and values with attributes of their own: the JSON that `import` made of them.
    #[serde(rename = "n")]
    Nested(&'a str),
}

impl Value<'_> {
    fn kind(&self) -> ColumnKind {
        match self {
            Self::Text(_) | Self::Nested(_) => ColumnKind::Text,
            Self::Int(_) => ColumnKind::Int,
            Self::Float(..) => ColumnKind::Float,
            Self::Truth(_) => ColumnKind::Truth,
            Self::Time(_) => ColumnKind::Time,
        }
    }
}

/// One event of a case, or what opened a legacy system's case, which is no activity.
#[derive(Debug, Serialize, Deserialize)]
struct Row<'a> {
    at: Micros,
    opens: bool,
    concerns: bool,
    #[serde(borrow)]
    activity: Option<&'a str>,
    #[serde(borrow)]
    lifecycle: Option<&'a str>,
    #[serde(borrow)]
    resource: Option<&'a str>,
    #[serde(borrow)]
    group: Option<&'a str>,
    #[serde(borrow)]
    role: Option<&'a str>,
    #[serde(borrow)]
    of_event: Vec<Attribute<'a>>,
    #[serde(borrow)]
    of_case: Vec<Attribute<'a>>,
}

/// A case as it goes out.
pub(super) struct Case<'a> {
    pub(super) id: String,
    pub(super) attributes: Vec<Attribute<'a>>,
    /// By time, ties in the order of the log.
    pub(super) events: Vec<CaseStep<'a>>,
}

/// An event of a case as it goes out.
pub(super) struct CaseStep<'a> {
    pub(super) at: Micros,
    pub(super) activity: &'a str,
    pub(super) lifecycle: Option<&'a str>,
    pub(super) resource: Option<&'a str>,
    pub(super) group: Option<&'a str>,
    pub(super) role: Option<&'a str>,
    pub(super) attributes: Vec<Attribute<'a>>,
}

/// Everything selected, sorted, to be gone through once.
pub(super) struct Table {
    pub(super) columns: Columns,
    /// Which attributes the events of each activity have; asked for by formats that declare them.
    pub(super) by_activity: BTreeMap<String, BTreeSet<u16>>,
    pseudonyms: Pseudonyms,
    sorted: Sorted,
    /// The beginning of a case decides whether it is meant.
    must_open: bool,
    of_organisation: bool,
}

impl Table {
    /// Gathers what is selected. Rows are put aside in files without a name in `scratch`.
    pub(super) async fn gather(
        history: &History,
        request: &ExportRequest,
        scratch: &Path,
        progress: ExportProgress,
    ) -> Result<Self, ExportError> {
        let mut pages = RawPages::up_to(history, request.selection.through);
        let mut gathering = Gathering::new(request, scratch);
        let gathered = tokio::task::spawn_blocking(move || {
            while let Some(page) = pages.blocking_next() {
                let page = page?;
                gathering.add_page(&page)?;
                progress(page.through)?;
            }
            gathering.finish()
        });
        gathered.await.unwrap_or_else(|why| std::panic::resume_unwind(why.into_panic()))
    }

    /// Returns the next case, written into a buffer that is used again.
    pub(super) fn next_case<'a>(&mut self, records: &'a mut Records) -> Result<Option<Case<'a>>, ExportError> {
        // The borrow of the records must not begin before the last look for a case that is meant.
        let key = loop {
            let Some(key) = self.sorted.next_group(records).map_err(ExportError::Scratch)? else { return Ok(None) };
            if self.is_meant(records)? {
                break key;
            }
        };
        let mut case = Case {
            id: self.pseudonyms.of(Named::Case, &Ulid::from(key).to_string()),
            attributes: Vec::new(),
            events: Vec::new(),
        };
        for record in records.iter() {
            let row = row(record)?;
            for attribute in row.of_case {
                // What was said last holds.
                case.attributes.retain(|known: &Attribute<'_>| known.column != attribute.column);
                case.attributes.push(attribute);
            }
            if let Some(activity) = row.activity {
                case.events.push(CaseStep {
                    at: row.at,
                    activity,
                    lifecycle: row.lifecycle,
                    resource: row.resource,
                    group: row.group,
                    role: row.role,
                    attributes: row.of_event,
                });
            }
        }
        if !case.events.is_sorted_by_key(|event| event.at) {
            case.events.sort_by_key(|event| event.at);
        }
        Ok(Some(case))
    }

    fn is_meant(&self, records: &Records) -> Result<bool, ExportError> {
        let (mut opens, mut concerns, mut happens) = (false, false, false);
        for record in records.iter() {
            let row = row(record)?;
            opens |= row.opens;
            concerns |= row.concerns;
            happens |= row.activity.is_some();
            if opens && concerns && happens {
                return Ok(true);
            }
        }
        Ok(happens && (opens || !self.must_open) && (concerns || !self.of_organisation))
    }
}

fn row(record: &[u8]) -> Result<Row<'_>, ExportError> {
    rmp_serde::from_slice(record).map_err(|why| ExportError::Scratch(std::io::Error::other(why)))
}

/// Rows in the making.
struct Gathering {
    selection: LogSelection,
    among: Option<Arc<BTreeSet<CaseId>>>,
    chosen: Option<Chosen>,
    columns: Columns,
    by_activity: BTreeMap<String, BTreeSet<u16>>,
    pseudonyms: Pseudonyms,
    runs: Runs,
}

impl Gathering {
    fn new(request: &ExportRequest, scratch: &Path) -> Self {
        Self {
            chosen: (!request.selection.is_open_to_all()).then(Chosen::default),
            selection: request.selection.clone(),
            among: request.among.clone(),
            columns: Columns::default(),
            by_activity: BTreeMap::new(),
            pseudonyms: Pseudonyms::new(&request.key),
            runs: Runs::new(scratch.to_owned()),
        }
    }

    fn finish(self) -> Result<Table, ExportError> {
        Ok(Table {
            columns: self.columns,
            by_activity: self.by_activity,
            pseudonyms: self.pseudonyms,
            sorted: self.runs.sorted().map_err(ExportError::Scratch)?,
            must_open: self.chosen.is_some(),
            of_organisation: self.selection.organisation.is_some(),
        })
    }

    fn add_page(&mut self, page: &Page) -> Result<(), ExportError> {
        for event in &page.events {
            self.add(event).map_err(|why| match why {
                Refused::Unreadable(source) => HistoryError::Decode { position: event.position, source }.into(),
                Refused::Failed(why) => why,
            })?;
        }
        Ok(())
    }

    fn add(&mut self, recorded: &RecordedEvent) -> Result<(), Refused> {
        let Some(case) = case_of(recorded)? else { return Ok(()) };
        if self.among.as_ref().is_some_and(|among| !among.contains(&case)) {
            return Ok(());
        }
        let is_first = recorded.version.0 == 1;
        if let Some(chosen) = &mut self.chosen {
            if is_first && Opening::of(recorded)?.is_some_and(|opening| self.selection.holds(&opening)) {
                chosen.choose(case);
            }
            if !chosen.may_hold(case) {
                return Ok(());
            }
        }
        match (recorded.kind(), recorded.schema) {
            ("legacy-activity-recorded", 1) => self.add_legacy_activity(case, recorded),
            ("legacy-case-opened", 1) => self.add_legacy_opening(case, recorded),
            _ => self.add_own(case, recorded),
        }
    }

    fn add_own(&mut self, case: CaseId, recorded: &RecordedEvent) -> Result<(), Refused> {
        let Event::Case(event) = decode(recorded)? else { return Ok(()) };
        if matches!(event, CaseEvent::LegacyActivityRecorded(_) | CaseEvent::LegacyCaseOpened(_)) {
            // Of a version this program's fast path does not know: there is none yet.
            return Err(DecodeError::UnknownSchema { kind: recorded.kind().to_owned(), schema: recorded.schema }.into());
        }
        let telling = Telling::of(&event);
        let activity = event.schema().name;
        let mut of_event = Vec::with_capacity(telling.of_event.len() + 3);
        let by = recorded.by();
        let window = present(by.window).map(|window| ("window", Value::Text(window)));
        let channel = ("channel", Value::Text(by.channel));
        let late =
            (recorded.occurred_at < recorded.recorded_at).then_some(("recorded_at", Value::Time(recorded.recorded_at)));
        for (name, value) in window.into_iter().chain([channel]).chain(late) {
            self.attribute(&mut of_event, name, false, value)?;
        }
        for (name, told) in &telling.of_event {
            self.attribute(&mut of_event, name, false, value(told))?;
        }
        let mut of_case = Vec::with_capacity(telling.of_case.len());
        for (name, told) in &telling.of_case {
            self.attribute(&mut of_case, name, true, value(told))?;
        }
        self.note(activity, &of_event);
        let is_person = by.role != Role::System.as_str() && by.role != Role::Import.as_str();
        let resource = if is_person { self.pseudonyms.of_person(by.id) } else { by.role };
        let row = Row {
            at: recorded.occurred_at,
            opens: recorded.version.0 == 1,
            concerns: self.selection.concerns(recorded),
            activity: Some(activity),
            lifecycle: Some("complete"),
            resource: Some(resource),
            group: Some(by.organisation),
            role: Some(by.role),
            of_event,
            of_case,
        };
        push(&mut self.runs, case, &row)
    }

    fn add_legacy_opening(&mut self, case: CaseId, recorded: &RecordedEvent) -> Result<(), Refused> {
        let body: LegacyOpening<'_> = read(recorded)?;
        let mut of_case = Vec::with_capacity(body.attributes.0.len() + 1);
        self.attribute(&mut of_case, "source", true, Value::Text(&body.source))?;
        for (name, cell) in &body.attributes.0 {
            self.attribute(&mut of_case, name, true, cell.value())?;
        }
        let row = Row {
            at: recorded.occurred_at,
            opens: true,
            concerns: self.selection.concerns(recorded),
            activity: None,
            lifecycle: None,
            resource: None,
            group: None,
            role: None,
            of_event: Vec::new(),
            of_case,
        };
        push(&mut self.runs, case, &row)
    }

    fn add_legacy_activity(&mut self, case: CaseId, recorded: &RecordedEvent) -> Result<(), Refused> {
        let body: LegacyActivity<'_> = read(recorded)?;
        let mut of_event = Vec::with_capacity(body.attributes.0.len());
        for (name, cell) in &body.attributes.0 {
            self.attribute(&mut of_event, name, false, cell.value())?;
        }
        self.note(&body.activity, &of_event);
        let resource = body.resource.as_ref().map(|resource| self.pseudonyms.of_person(&resource.0));
        let row = Row {
            at: body.at.timestamp_micros(),
            opens: false,
            concerns: self.selection.concerns(recorded),
            activity: Some(&body.activity),
            lifecycle: body.lifecycle.as_ref().map(|text| &*text.0),
            resource,
            group: body.group.as_ref().map(|text| &*text.0),
            role: body.role.as_ref().map(|text| &*text.0),
            of_event,
            of_case: Vec::new(),
        };
        push(&mut self.runs, case, &row)
    }

    fn attribute<'a>(
        &mut self,
        attributes: &mut Vec<Attribute<'a>>,
        name: &str,
        of_case: bool,
        value: Value<'a>,
    ) -> Result<(), Refused> {
        let column = self.columns.number(name, of_case, value.kind())?;
        attributes.push(Attribute { column, value });
        Ok(())
    }

    fn note(&mut self, activity: &str, attributes: &[Attribute<'_>]) {
        let known = match self.by_activity.get_mut(activity) {
            Some(known) => known,
            None => self.by_activity.entry(activity.to_owned()).or_default(),
        };
        for attribute in attributes {
            if !known.contains(&attribute.column) {
                known.insert(attribute.column);
            }
        }
    }
}

fn push(runs: &mut Runs, case: CaseId, row: &Row<'_>) -> Result<(), Refused> {
    let pushed = runs.push(case.0.into(), |bytes| rmp_serde::encode::write(bytes, row).map_err(std::io::Error::other));
    Ok(pushed.map_err(ExportError::Scratch)?)
}

fn read<'a, T: Deserialize<'a>>(recorded: &'a RecordedEvent) -> Result<T, CodecError> {
    serde_json::from_slice(recorded.body()).map_err(|source| {
        CodecError::Event(DecodeError::Body { kind: recorded.kind().to_owned(), schema: recorded.schema, source })
    })
}

fn value(told: &Told) -> Value<'_> {
    match told {
        Told::Text(text) => Value::Text(text),
        Told::Int(number) => Value::Int(*number),
        Told::Truth(truth) => Value::Truth(*truth),
    }
}

fn present(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

/// Why an event makes no row.
enum Refused {
    Unreadable(CodecError),
    Failed(ExportError),
}

impl<E: Into<CodecError>> From<E> for Refused {
    fn from(why: E) -> Self {
        Self::Unreadable(why.into())
    }
}

impl From<ExportError> for Refused {
    fn from(why: ExportError) -> Self {
        Self::Failed(why)
    }
}

/// Which cases may be meant: never forgets one, and takes few others for one. What it takes wrongly is left out when
/// the case is whole and its beginning is missing.
pub(super) struct Chosen(Vec<u64>);

impl Default for Chosen {
    fn default() -> Self {
        Self(vec![0; CHOSEN_BITS / 64])
    }
}

impl Chosen {
    pub(super) fn choose(&mut self, case: CaseId) {
        for bit in Self::bits(case) {
            self.0[bit / 64] |= 1 << (bit % 64);
        }
    }

    pub(super) fn may_hold(&self, case: CaseId) -> bool {
        Self::bits(case).into_iter().all(|bit| self.0[bit / 64] & (1 << (bit % 64)) != 0)
    }

    /// The low bits of an id are random, or a hash.
    fn bits(case: CaseId) -> [usize; 2] {
        let id = u128::from(case.0);
        let low = id as u64;
        [low as usize % CHOSEN_BITS, (low >> 32) as usize % CHOSEN_BITS]
    }
}

/// A `legacy-case-opened`, version 1, borrowed from the page.
#[derive(Deserialize)]
struct LegacyOpening<'a> {
    #[serde(borrow)]
    source: Cow<'a, str>,
    #[serde(borrow, default)]
    attributes: Cells<'a>,
}

/// A `legacy-activity-recorded`, version 1, borrowed from the page.
#[derive(Deserialize)]
struct LegacyActivity<'a> {
    #[serde(borrow)]
    activity: Cow<'a, str>,
    at: domain::zone::Instant,
    #[serde(borrow, default)]
    lifecycle: Option<Text<'a>>,
    #[serde(borrow, default)]
    resource: Option<Text<'a>>,
    #[serde(borrow, default)]
    group: Option<Text<'a>>,
    #[serde(borrow, default)]
    role: Option<Text<'a>>,
    #[serde(borrow, default)]
    attributes: Cells<'a>,
}

#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// Foreign attributes in the JSON that `import` made of them.
#[derive(Default)]
struct Cells<'a>(Vec<(Cow<'a, str>, Cell<'a>)>);

enum Cell<'a> {
    Text(Cow<'a, str>),
    Int(i64),
    Float(f64, String),
    Truth(bool),
    Time(Micros),
    Nested(String),
}

impl Cell<'_> {
    fn value(&self) -> Value<'_> {
        match self {
            Self::Text(text) => Value::Text(text),
            Self::Int(number) => Value::Int(*number),
            Self::Float(number, written) => Value::Float(*number, written),
            Self::Truth(truth) => Value::Truth(*truth),
            Self::Time(at) => Value::Time(*at),
            Self::Nested(json) => Value::Nested(json),
        }
    }

    /// Reads a value that names its type: `{"date": …}`, `{"float": "1.50"}`, lists, children.
    fn typed(value: &serde_json::Value) -> Self {
        let one = value.as_object().filter(|object| object.len() == 1).and_then(|object| object.iter().next());
        let plain = one.and_then(|(kind, text)| Some((kind.as_str(), text.as_str()?)));
        let found = match plain {
            Some(("date", text)) => timestamp::parse(text).map(Self::Time),
            Some(("float", text)) => text.parse().ok().map(|number| Self::Float(number, text.to_owned())),
            Some(("int" | "id" | "string" | "boolean", text)) => Some(Self::Text(text.to_owned().into())),
            Some(_) | None => None,
        };
        found.unwrap_or_else(|| Self::Nested(value.to_string()))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Cells<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct CellsVisitor;
        impl<'de> Visitor<'de> for CellsVisitor {
            type Value = Cells<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("attributes by key")
            }
            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Cells<'de>, M::Error> {
                let mut cells = Vec::new();
                while let Some((Text(key), cell)) = map.next_entry::<Text<'de>, Cell<'de>>()? {
                    cells.push((key, cell));
                }
                Ok(Cells(cells))
            }
        }
        deserializer.deserialize_map(CellsVisitor)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Cell<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct CellVisitor;
        impl<'de> Visitor<'de> for CellVisitor {
            type Value = Cell<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Cell<'de>, E> {
                Ok(Cell::Text(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Cell<'de>, E> {
                Ok(Cell::Text(Cow::Owned(text.to_owned())))
            }
            fn visit_i64<E>(self, number: i64) -> Result<Cell<'de>, E> {
                Ok(Cell::Int(number))
            }
            fn visit_u64<E>(self, number: u64) -> Result<Cell<'de>, E> {
                Ok(i64::try_from(number).map_or_else(|_| Cell::Text(number.to_string().into()), Cell::Int))
            }
            fn visit_f64<E>(self, number: f64) -> Result<Cell<'de>, E> {
                // As `import` found it: it kept as numbers only those that are written the same way again.
                let written = serde_json::Number::from_f64(number).map(|number| number.to_string());
                Ok(Cell::Float(number, written.unwrap_or_default()))
            }
            fn visit_bool<E>(self, truth: bool) -> Result<Cell<'de>, E> {
                Ok(Cell::Truth(truth))
            }
            fn visit_unit<E>(self) -> Result<Cell<'de>, E> {
                Ok(Cell::Nested("null".to_owned()))
            }
            fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<Cell<'de>, M::Error> {
                let value = serde_json::Value::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
                Ok(Cell::typed(&value))
            }
            fn visit_seq<S: serde::de::SeqAccess<'de>>(self, seq: S) -> Result<Cell<'de>, S::Error> {
                let value = serde_json::Value::deserialize(serde::de::value::SeqAccessDeserializer::new(seq))?;
                Ok(Cell::Nested(value.to_string()))
            }
        }
        deserializer.deserialize_any(CellVisitor)
    }
}
