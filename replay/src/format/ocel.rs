//! Histories as OCEL 2.0, in JSON or as an SQLite database: the events of one kind of object, which is taken for the case.
//!
//! JSON is read three times, for types, objects and events may stand in any order; memory holds 16 bytes for each case.

mod database;

pub(super) use database::MAGIC;

use super::{
    Attribute, EVENTS_PER_CASE_MAX, Entries, Entry, ForeignCase, ForeignEvent, FormatError, Kind, LeftOut, Place,
    Reason, by_time, gathered, input::Input, timestamp,
};
use crate::runs::{Records, Runs, Sorted, key_of};
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::error::Category;
use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::fmt;
use std::io::{self, BufRead as _};
use std::marker::PhantomData;
use std::path::Path;

/// What a case is called, most telling first; without any of these, the only kind of object there is.
const CASE_TYPES: [&str; 4] = ["case", "办件", "Case", "application"];
/// More objects of the kind that is taken for the case are refused.
const CASES_MAX: usize = 50_000_000;

#[derive(Deserialize)]
struct Type {
    name: String,
    #[serde(default)]
    attributes: Vec<TypeAttribute>,
}

#[derive(Clone, Deserialize)]
struct TypeAttribute {
    name: String,
    r#type: String,
}

#[derive(Deserialize, Serialize)]
struct Told {
    name: String,
    value: Value,
}

#[derive(Deserialize, Serialize)]
struct Object {
    id: String,
    r#type: String,
    #[serde(default)]
    attributes: Vec<Told>,
}

#[derive(Deserialize, Serialize)]
struct Event {
    id: String,
    r#type: String,
    time: String,
    #[serde(default)]
    attributes: Vec<Told>,
    #[serde(default)]
    relationships: Vec<Relationship>,
}

#[derive(Deserialize, Serialize)]
struct Relationship {
    #[serde(rename = "objectId")]
    object: String,
    #[serde(default)]
    qualifier: String,
}

/// What is put in order by case.
#[derive(Deserialize, Serialize)]
enum Record {
    Object(Object),
    Event(Event),
}

/// Reads the whole file, `input` being the first look at it, and puts its events in order by case.
pub(super) fn read(path: &Path, input: Input) -> Result<Entries, FormatError> {
    let mut log = Walk::new();
    walk(input, &mut log)?;
    log.choose_case_type()?;
    for pass in [Pass::Objects, Pass::Events] {
        log.pass = pass;
        walk(Input::open(path)?.0, &mut log)?;
        log.check()?;
    }
    log.ordered()
}

/// Reads the whole database, and puts its events in order by case.
pub(super) fn read_database(path: &Path) -> Result<Entries, FormatError> {
    let mut log = Walk::new();
    database::walk(path, &mut log)?;
    log.check()?;
    log.ordered()
}

/// What is looked for: the file is gone through once for each.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pass {
    Types,
    Objects,
    Events,
}

/// What was found.
struct Walk {
    pass: Pass,
    object_types: BTreeSet<String>,
    /// The declared type of each attribute, by the type of event or object and its name.
    kinds: BTreeMap<(String, String), Kind>,
    case_type: String,
    cases: HashSet<u128>,
    runs: Runs,
    ready: VecDeque<Entry>,
    failed: Option<io::Error>,
}

impl Walk {
    fn new() -> Self {
        Self {
            pass: Pass::Types,
            object_types: BTreeSet::new(),
            kinds: BTreeMap::new(),
            case_type: String::new(),
            cases: HashSet::new(),
            runs: Runs::new(std::env::temp_dir()),
            ready: VecDeque::new(),
            failed: None,
        }
    }

    fn choose_case_type(&mut self) -> Result<(), FormatError> {
        let called_so = CASE_TYPES.into_iter().find(|name| self.object_types.contains(*name));
        let only = (self.object_types.len() == 1).then(|| self.object_types.first().map(String::as_str)).flatten();
        match called_so.or(only) {
            Some(name) => {
                self.case_type = name.to_owned();
                Ok(())
            }
            None => {
                let types = self.object_types.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
                Err(FormatError::NotALog {
                    found: format!("OCEL without objects of type {} (its types: {types})", CASE_TYPES.join(" or ")),
                })
            }
        }
    }

    fn declared(&mut self, declared: Type) {
        for attribute in declared.attributes {
            let kind = gathered::kind_of(&attribute.r#type);
            self.kinds.insert((declared.name.clone(), attribute.name), kind);
        }
    }

    fn object(&mut self, object: Object) {
        if object.r#type != self.case_type || self.failed.is_some() {
            return;
        }
        let key = key_of(&object.id);
        if self.cases.insert(key) {
            if CASES_MAX < self.cases.len() {
                self.failed = Some(io::Error::other(format!("more than {CASES_MAX} cases")));
            }
            self.put(key, &Record::Object(object));
        }
    }

    fn event(&mut self, event: Event) {
        let mut keys: Vec<u128> = event.relationships.iter().map(|related| key_of(&related.object)).collect();
        keys.sort_unstable();
        keys.dedup();
        keys.retain(|key| self.cases.contains(key));
        if keys.is_empty() {
            self.ready.push_back(left_out(&event.id, Reason::OutsideACase));
        }
        let record = Record::Event(event);
        keys.into_iter().for_each(|key| self.put(key, &record));
    }

    /// Tells whether everything could be put in order so far.
    fn check(&mut self) -> Result<(), FormatError> {
        self.failed.take().map_or(Ok(()), |why| Err(gathered::scratch(why)))
    }

    fn ordered(self) -> Result<Entries, FormatError> {
        let sorted = self.runs.sorted().map_err(gathered::scratch)?;
        Ok(Box::new(Ordered { sorted, records: Records::default(), kinds: self.kinds, ready: self.ready }))
    }

    fn put(&mut self, key: u128, record: &Record) {
        let put = self.runs.push(key, |bytes| rmp_serde::encode::write(bytes, record).map_err(io::Error::other));
        if let Err(why) = put {
            self.failed = self.failed.take().or(Some(why));
        }
    }
}

fn walk(mut input: Input, walk: &mut Walk) -> Result<(), FormatError> {
    let starts_with_mark = input.peek().is_ok_and(|start| start.starts_with(b"\xef\xbb\xbf"));
    if starts_with_mark {
        input.consume(3);
    }
    let mut json = serde_json::Deserializer::from_reader(&mut input);
    let read = Parts(walk).deserialize(&mut json).and_then(|()| json.end());
    read.map_err(|why| {
        let (line, byte) = (why.line() as u64, input.byte());
        match why.classify() {
            Category::Eof => FormatError::Truncated { line, byte, detail: why.to_string() },
            Category::Syntax | Category::Data => FormatError::Broken { line, byte, detail: why.to_string() },
            Category::Io => FormatError::of_input(&why.into(), line, byte),
        }
    })
}

/// The log as a whole: four lists, in any order.
struct Parts<'a>(&'a mut Walk);

impl<'de> DeserializeSeed<'de> for Parts<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Parts<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an OCEL 2.0 log: eventTypes, objectTypes, events, objects")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<(), M::Error> {
        let (mut has_types, mut has_events) = (false, false);
        while let Some(key) = map.next_key::<String>()? {
            let pass = self.0.pass;
            has_types |= key == "objectTypes";
            has_events |= key == "events";
            match (key.as_str(), pass) {
                ("eventTypes", Pass::Types) => {
                    map.next_value_seed(Each(|declared| self.0.declared(declared), PhantomData))?
                }
                ("objectTypes", Pass::Types) => map.next_value_seed(Each(
                    |declared: Type| {
                        self.0.object_types.insert(declared.name.clone());
                        self.0.declared(declared);
                    },
                    PhantomData,
                ))?,
                ("objects", Pass::Objects) => map.next_value_seed(Each(|object| self.0.object(object), PhantomData))?,
                ("events", Pass::Events) => map.next_value_seed(Each(|event| self.0.event(event), PhantomData))?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        if has_types && has_events { Ok(()) } else { Err(M::Error::custom("objectTypes or events is missing")) }
    }
}

/// A list, its elements handed over one at a time.
struct Each<T, F: FnMut(T)>(F, PhantomData<T>);

impl<'de, T: Deserialize<'de>, F: FnMut(T)> DeserializeSeed<'de> for Each<T, F> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, T: Deserialize<'de>, F: FnMut(T)> Visitor<'de> for Each<T, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<S: SeqAccess<'de>>(mut self, mut list: S) -> Result<(), S::Error> {
        while let Some(element) = list.next_element()? {
            (self.0)(element);
        }
        Ok(())
    }
}

/// Cases in the making.
struct Ordered {
    sorted: Sorted,
    records: Records,
    kinds: BTreeMap<(String, String), Kind>,
    ready: VecDeque<Entry>,
}

impl Ordered {
    fn read_case(&mut self) -> Result<bool, FormatError> {
        if self.sorted.next_group(&mut self.records).map_err(gathered::scratch)?.is_none() {
            return Ok(false);
        }
        let mut case = ForeignCase { id: String::new(), attributes: Vec::new(), events: Vec::new() };
        for record in self.records.iter() {
            let record = rmp_serde::from_slice(record).map_err(|why| gathered::scratch(io::Error::other(why)))?;
            match record {
                Record::Object(object) => {
                    case.attributes = attributes(object.attributes, &object.r#type, &self.kinds);
                    case.id = object.id;
                }
                Record::Event(event) => {
                    let id = event.id.clone();
                    match event_of(event, &self.kinds) {
                        Ok(event) => case.events.push(event),
                        Err(reason) => self.ready.push_back(left_out(&id, reason)),
                    }
                }
            }
            if EVENTS_PER_CASE_MAX < case.events.len() {
                let detail = format!("a case has more than {EVENTS_PER_CASE_MAX} events: {}", case.id);
                return Err(FormatError::TooLarge { line: 0, byte: 0, detail });
            }
        }
        by_time(&mut case.events);
        self.ready.push_back(if case.events.is_empty() {
            left_out(&case.id, Reason::NoEvents)
        } else {
            Entry::Case(case)
        });
        Ok(true)
    }
}

impl Iterator for Ordered {
    type Item = Result<Entry, FormatError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(entry) = self.ready.pop_front() {
                return Some(Ok(entry));
            }
            match self.read_case() {
                Ok(true) => (),
                Ok(false) => return None,
                Err(why) => return Some(Err(why)),
            }
        }
    }
}

fn left_out(id: &str, reason: Reason) -> Entry {
    Entry::LeftOut(LeftOut { place: Place::Id(id.chars().take(64).collect()), reason })
}

fn event_of(event: Event, kinds: &BTreeMap<(String, String), Kind>) -> Result<ForeignEvent, Reason> {
    if event.r#type.is_empty() {
        return Err(Reason::NoActivity);
    }
    if event.time.is_empty() {
        return Err(Reason::NoTime);
    }
    let Some(occurred_at) = timestamp::parse(&event.time) else { return Err(Reason::NotATime(event.time)) };
    // Who did it and where, as our own logs say it.
    let related = |prefix: &str| {
        let ids = event.relationships.iter().map(|related| related.object.as_str());
        ids.filter_map(|id| id.strip_prefix(prefix)).next().map(str::to_owned)
    };
    let (resource, group) = (related("clerk:").or_else(|| related("applicant:")), related("organisation:"));
    Ok(ForeignEvent {
        attributes: attributes(event.attributes, &event.r#type, kinds),
        activity: event.r#type,
        occurred_at,
        lifecycle: None,
        resource,
        group,
        role: None,
    })
}

/// The first value of each attribute: of what changed later, a case of events has no place.
fn attributes(told: Vec<Told>, of: &str, kinds: &BTreeMap<(String, String), Kind>) -> Vec<Attribute> {
    let mut attributes: Vec<Attribute> = Vec::with_capacity(told.len());
    for Told { name, value } in told {
        if attributes.iter().any(|known| known.key == name) {
            continue;
        }
        let value = match value {
            Value::String(text) => text,
            other => other.to_string(),
        };
        let kind = kinds.get(&(of.to_owned(), name.clone())).cloned().unwrap_or(Kind::String);
        attributes.push(Attribute { key: name, kind, value, children: Vec::new() });
    }
    attributes
}
