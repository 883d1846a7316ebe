//! Histories as CloudEvents, one a line: what `export --format jsonl` writes, and any feed of the same shape.
//!
//! The lines of one case may stand anywhere, so they are put in order by case first, within a fixed memory.

use super::{
    CASE_BYTES_MAX, ELEMENT_BYTES_MAX, EVENTS_PER_CASE_MAX, Entries, Entry, ForeignCase, ForeignEvent, FormatError,
    LeftOut, Place, Reason, by_time, gathered, input::Input, timestamp,
};
use crate::runs::{Records, Runs, Sorted, key_of};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::collections::VecDeque;
use std::io::{self, BufRead as _, Read as _};

/// What counts of a CloudEvent.
#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    r#type: Cow<'a, str>,
    #[serde(borrow, default)]
    subject: Cow<'a, str>,
    #[serde(borrow, default)]
    time: Cow<'a, str>,
    #[serde(borrow, default)]
    partitionkey: Cow<'a, str>,
    #[serde(default)]
    actor: Option<String>,
    #[serde(default)]
    actorrole: Option<String>,
    #[serde(default)]
    organisation: Option<String>,
    #[serde(default)]
    data: Map<String, Value>,
}

/// A file line by line, empty ones left out.
pub(crate) struct PlainLines {
    input: Input,
    number: u64,
}

impl PlainLines {
    pub(super) fn new(input: Input) -> Self {
        Self { input, number: 0 }
    }

    /// Returns the next line; nothing after the last.
    pub(crate) fn next_line(&mut self) -> Result<Option<Vec<u8>>, FormatError> {
        loop {
            let mut bytes = Vec::new();
            self.input.allow("a line", ELEMENT_BYTES_MAX);
            let read = self.input.by_ref().take(2 * ELEMENT_BYTES_MAX).read_until(b'\n', &mut bytes);
            read.map_err(|why| FormatError::of_input(&why, self.input.line(), self.input.byte()))?;
            if bytes.is_empty() {
                return Ok(None);
            }
            self.number += 1;
            let line = bytes.trim_ascii();
            if !line.is_empty() {
                return Ok(Some(line.to_vec()));
            }
        }
    }

    /// Returns what is wrong with the line read last.
    pub(crate) fn broken(&self, detail: String) -> FormatError {
        FormatError::Broken { line: self.number, byte: self.input.byte(), detail }
    }
}

/// Reads all lines and puts them in order.
pub(super) fn read(input: Input) -> Result<Entries, FormatError> {
    let mut runs = Runs::new(std::env::temp_dir());
    let mut ready = VecDeque::new();
    let mut lines = PlainLines::new(input);
    while let Some(bytes) = lines.next_line()? {
        let number = lines.number;
        let line: Line<'_> =
            serde_json::from_slice(&bytes).map_err(|why| lines.broken(format!("no CloudEvent: {why}")))?;
        // Streams that are no case's: reference data, ratings.
        let is_case = line.partitionkey.is_empty() || line.partitionkey.starts_with("case-");
        if !is_case {
            continue;
        }
        if line.subject.is_empty() {
            ready.push_back(Entry::LeftOut(LeftOut { place: Place::Line(number), reason: Reason::NoCaseId }));
            continue;
        }
        let pushed = runs.push(key_of(&line.subject), |record| {
            record.extend_from_slice(&number.to_le_bytes());
            record.extend_from_slice(&bytes);
            Ok::<_, io::Error>(())
        });
        pushed.map_err(gathered::scratch)?;
    }
    let sorted = runs.sorted().map_err(gathered::scratch)?;
    Ok(Box::new(Cases { sorted, records: Records::default(), ready }))
}

struct Cases {
    sorted: Sorted,
    records: Records,
    ready: VecDeque<Entry>,
}

impl Cases {
    fn read_case(&mut self) -> Result<bool, FormatError> {
        if self.sorted.next_group(&mut self.records).map_err(gathered::scratch)?.is_none() {
            return Ok(false);
        }
        let mut case = ForeignCase { id: String::new(), attributes: Vec::new(), events: Vec::new() };
        let (mut first, mut bytes) = (0, 0);
        for record in self.records.iter() {
            let Some((number, line)) = record.split_first_chunk() else { continue };
            let number = u64::from_le_bytes(*number);
            bytes += line.len() as u64;
            if case.events.len() == EVENTS_PER_CASE_MAX || CASE_BYTES_MAX < bytes {
                let detail = format!("a case has more than {EVENTS_PER_CASE_MAX} events or {CASE_BYTES_MAX} bytes");
                return Err(FormatError::TooLarge { line: number, byte: 0, detail });
            }
            // It could be read a moment ago.
            let Ok(line) = serde_json::from_slice::<Line<'_>>(line) else { continue };
            if case.id.is_empty() {
                case.id = line.subject.to_string();
                first = number;
            }
            take(line, number, &mut case, &mut self.ready);
        }
        by_time(&mut case.events);
        self.ready.push_back(if case.events.is_empty() {
            Entry::LeftOut(LeftOut { place: Place::Line(first), reason: Reason::NoEvents })
        } else {
            Entry::Case(case)
        });
        Ok(true)
    }
}

impl Iterator for Cases {
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

/// Adds what a line says to its case.
fn take(line: Line<'_>, number: u64, case: &mut ForeignCase, ready: &mut VecDeque<Entry>) {
    let mut data = line.data;
    let event = match &*line.r#type {
        "legacy-case-opened" => {
            if let Some(Value::Object(attributes)) = data.remove("attributes") {
                case.attributes.extend(gathered::attributes(attributes));
            }
            return;
        }
        "legacy-activity-recorded" => legacy_activity(data),
        own => own_event(own, &line.time, line.actor, line.organisation, line.actorrole, data),
    };
    match event {
        Ok(event) => case.events.push(event),
        Err(reason) => ready.push_back(Entry::LeftOut(LeftOut { place: Place::Line(number), reason })),
    }
}

fn legacy_activity(mut data: Map<String, Value>) -> Result<ForeignEvent, Reason> {
    let mut text = |name: &str| match data.remove(name) {
        Some(Value::String(text)) if !text.is_empty() => Some(text),
        Some(_) | None => None,
    };
    let activity = text("activity").ok_or(Reason::NoActivity)?;
    let at = text("at").ok_or(Reason::NoTime)?;
    let (lifecycle, resource) = (text("lifecycle"), text("resource"));
    let (group, role) = (text("group"), text("role"));
    let attributes = match data.remove("attributes") {
        Some(Value::Object(attributes)) => gathered::attributes(attributes),
        Some(_) | None => Vec::new(),
    };
    let Some(occurred_at) = timestamp::parse(&at) else { return Err(Reason::NotATime(at)) };
    Ok(ForeignEvent { activity, occurred_at, lifecycle, resource, group, role, attributes })
}

fn own_event(
    activity: &str,
    time: &str,
    resource: Option<String>,
    group: Option<String>,
    role: Option<String>,
    data: Map<String, Value>,
) -> Result<ForeignEvent, Reason> {
    if activity.is_empty() {
        return Err(Reason::NoActivity);
    }
    if time.is_empty() {
        return Err(Reason::NoTime);
    }
    let Some(occurred_at) = timestamp::parse(time) else { return Err(Reason::NotATime(time.to_owned())) };
    // What is nested in an event's body means nothing outside its own system.
    let plain = data.into_iter().filter(|(_, value)| !value.is_object() && !value.is_array()).collect();
    Ok(ForeignEvent {
        activity: activity.to_owned(),
        occurred_at,
        lifecycle: Some("complete".to_owned()),
        resource,
        group,
        role,
        attributes: gathered::attributes(plain),
    })
}
