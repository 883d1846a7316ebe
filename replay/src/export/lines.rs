//! CloudEvents 1.0, one a line, as the feed gives them.
//!
//! Everything comes in the order of the log; what is limited to some cases comes case by case. Persons and cases go by
//! pseudonyms. What is kept *whole* instead has ids, labels and sealed texts as they stand, in the order of the log: of
//! that, `import` makes the same log again.

use super::pseudonyms::{Named, Pseudonyms};
use super::table::Chosen;
use super::{Aside, ExportError, ExportProgress, ExportRequest, Sink, WriteError, Written, is_packed, off_the_runtime};
use crate::cloud_events::{CloudEvent, Persons, cloud_event};
use crate::history::{History, HistoryError};
use crate::pages::RawPages;
use crate::runs::{Records, Runs};
use crate::selection::{Opening, case_of};
use domain::actor::Role;
use eventstore::{Page, RecordedEvent};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::{self, Write as _};
use std::path::PathBuf;
use ulid::Ulid;

/// Streams of reference data, places and days, whose names say nothing of anybody.
const PUBLIC_STREAMS: [&str; 10] =
    ["item-", "organisation-", "calendar", "policy", "point-", "roster-", "instrument-", "hall-", "slots-", "library-"];
/// Who looked at what, and who is whose relative, is nobody's but the city's.
const CITYS_OWN_STREAMS: [&str; 2] = ["access-", "kin-"];
/// Fields that name a person.
const PERSON_FIELDS: [&str; 10] =
    ["clerk", "decider", "holder", "off", "rater", "resource", "staff", "subject", "verified_by", "visitor"];
/// Fields that name a case.
const CASE_FIELDS: [&str; 4] = ["case", "duplicate_of", "external_id", "into"];
/// Fields whose text goes out as it stands, in order: dates, codes, the names of things and of places. The text of every
/// other field, and so of any that a new event brings, goes by a pseudonym.
const PLAIN_FIELDS: [&str; 142] = [
    "accepted_on",
    "activity",
    "address_zh",
    "after_hours_until",
    "age_band",
    "anomalies",
    "answered_at",
    "asked_at",
    "assign_due",
    "at",
    "authority",
    "basic_code",
    "basis",
    "by",
    "call_back_due",
    "called_at",
    "case_kind",
    "channel",
    "clock",
    "clock_stop",
    "closed_on",
    "closes",
    "closing_time",
    "code",
    "competent_organ",
    "completed_on",
    "credit_code",
    "dataset",
    "date",
    "day",
    "decided_at",
    "decided_on",
    "deciding",
    "default_rating",
    "delivering",
    "department_en",
    "department_zh",
    "due",
    "effective_on",
    "ended_on",
    "evidence_on",
    "field",
    "fields",
    "finished_at",
    "freeze",
    "from",
    "given_on",
    "group",
    "handling",
    "held_since",
    "helper",
    "holidays",
    "how",
    "in_name_of",
    "indicator",
    "instrument",
    "intake",
    "intake_levels",
    "issued_at",
    "issued_on",
    "issuer",
    "item",
    "item_type",
    "items",
    "kind",
    "last_day",
    "left_at",
    "legal_by",
    "level",
    "library",
    "lifecycle",
    "materials_received_on",
    "media_type",
    "method",
    "missing",
    "month",
    "name_en",
    "name_zh",
    "notice",
    "old_valid_until",
    "on",
    "opens",
    "organisation",
    "organisations",
    "origin",
    "outcome",
    "parent",
    "priority",
    "promise_stopped_on",
    "promised_by",
    "promised_materials_by",
    "published_in",
    "published_on",
    "purpose",
    "rank_at",
    "rating_stages",
    "reading",
    "ready_at",
    "reason",
    "recorded_on",
    "rectify_due",
    "region",
    "regions",
    "replaceable_by",
    "replacement_zh",
    "result",
    "result_zh",
    "retention",
    "role",
    "roles",
    "rule",
    "rules_source",
    "scope",
    "service",
    "service_time",
    "setting",
    "since",
    "source",
    "stage",
    "start",
    "started_on",
    "step",
    "steps",
    "submitted_on",
    "supplement_by",
    "surveyed_on",
    "threshold",
    "through",
    "to",
    "trust",
    "unit",
    "until",
    "valid_from",
    "valid_to",
    "valid_until",
    "verdict",
    "verify_due",
    "what",
    "window",
    "window_ends",
    "workdays",
    "yellow_from",
];

/// What a line that is kept whole has beside the event.
#[derive(Serialize)]
struct Whole {
    #[serde(flatten)]
    event: CloudEvent,
    /// Also for which person or organisation one acted.
    #[serde(skip_serializing_if = "String::is_empty")]
    actingfor: String,
    labels: String,
    commanddigest: String,
}

pub(super) async fn write(
    history: &History,
    request: &ExportRequest,
    aside: &Aside,
    progress: ExportProgress,
) -> Result<Written, ExportError> {
    let mut pages = RawPages::up_to(history, request.selection.through);
    let failed = |why: io::Error| ExportError::Write { file: request.out.clone(), source: why };
    let sink = Sink::open(&aside.path, is_packed(&request.out)).map_err(failed)?;
    let mut lines = Lines::new(request.clone(), aside.directory.clone(), sink);
    let writing = move || {
        while let Some(page) = pages.blocking_next() {
            let page = page?;
            lines.add_page(&page)?;
            progress(page.through)?;
        }
        lines.finish()
    };
    off_the_runtime(writing).await
}

struct Lines {
    request: ExportRequest,
    writer: Writer,
    /// Where only some cases are meant: which may be, and their lines so far.
    chosen: Option<(Chosen, Runs)>,
}

impl Lines {
    fn new(request: ExportRequest, scratch: PathBuf, sink: Sink) -> Self {
        let selection = &request.selection;
        let everything = selection.is_open_to_all() && selection.organisation.is_none() && request.among.is_none();
        let chosen = (!everything).then(|| (Chosen::default(), Runs::new(scratch)));
        let pseudonyms = (!request.whole).then(|| Pseudonyms::new(&request.key));
        Self {
            request,
            writer: Writer { sink, pseudonyms, staff: BTreeSet::new(), line: Vec::new(), events: 0 },
            chosen,
        }
    }

    fn add_page(&mut self, page: &Page) -> Result<(), ExportError> {
        page.events.iter().try_for_each(|event| self.add(event))
    }

    fn add(&mut self, recorded: &RecordedEvent) -> Result<(), ExportError> {
        if !self.request.whole && CITYS_OWN_STREAMS.iter().any(|own| recorded.stream().starts_with(own)) {
            return Ok(());
        }
        self.writer.learn(recorded).map_err(|why| ExportError::Scratch(why.into_io()))?;
        let Some((chosen, runs)) = &mut self.chosen else {
            let line = self.writer.line(recorded).map_err(|why| ExportError::Scratch(why.into_io()))?;
            return self.writer.put(&line).map_err(|why| self.failed(why));
        };
        let unreadable = |source| ExportError::from(HistoryError::Decode { position: recorded.position, source });
        let Some(case) = case_of(recorded).map_err(unreadable)? else { return Ok(()) };
        if self.request.among.as_ref().is_some_and(|among| !among.contains(&case)) {
            return Ok(());
        }
        let selection = &self.request.selection;
        let opening = if recorded.version.0 == 1 { Opening::of(recorded).map_err(unreadable)? } else { None };
        let opens = opening.is_some_and(|opening| selection.holds(&opening));
        if opens {
            chosen.choose(case);
        }
        if !chosen.may_hold(case) {
            return Ok(());
        }
        let line = self.writer.line(recorded).map_err(|why| ExportError::Scratch(why.into_io()))?;
        let flags = u8::from(opens) | u8::from(selection.concerns(recorded)) << 1;
        let pushed = runs.push(case.0.into(), |bytes| {
            bytes.push(flags);
            bytes.extend_from_slice(&line);
            Ok::<_, io::Error>(())
        });
        pushed.map_err(ExportError::Scratch)
    }

    fn finish(mut self) -> Result<Written, ExportError> {
        if let Some((_, runs)) = self.chosen.take() {
            let mut sorted = runs.sorted().map_err(ExportError::Scratch)?;
            let mut records = Records::default();
            while sorted.next_group(&mut records).map_err(ExportError::Scratch)?.is_some() {
                let flags = records.iter().filter_map(|record| record.first()).fold(0, |all, flags| all | flags);
                // It began as asked, and something of it lies where it was asked for.
                if flags != 0b11 {
                    continue;
                }
                for line in records.iter().filter_map(|record| record.get(1..)) {
                    self.writer.put(line).map_err(|why| self.failed(why))?;
                }
            }
        }
        let events = self.writer.events;
        let out = self.request.out.clone();
        self.writer.sink.finish().map_err(|source| ExportError::Write { file: out, source })?;
        Ok(Written { cases: None, events })
    }

    fn failed(&self, why: io::Error) -> ExportError {
        ExportError::Write { file: self.request.out.clone(), source: why }
    }
}

struct Writer {
    sink: Sink,
    /// None for what is kept whole.
    pseudonyms: Option<Pseudonyms>,
    /// Numbers of staff met so far: wherever one stands, it goes by its pseudonym.
    staff: BTreeSet<String>,
    line: Vec<u8>,
    events: u64,
}

impl Writer {
    fn put(&mut self, line: &[u8]) -> io::Result<()> {
        self.events += 1;
        self.sink.write_all(line)?;
        self.sink.write_all(b"\n")
    }

    /// Notes who of the staff an event tells of: also of one that does not go out, for the next may name them.
    fn learn(&mut self, recorded: &RecordedEvent) -> Result<(), WriteError> {
        if self.pseudonyms.is_none() {
            return Ok(());
        }
        let by = recorded.by();
        if is_person(recorded) && by.role != Role::Resident.as_str() && !self.staff.contains(by.id) {
            self.staff.insert(by.id.to_owned());
        }
        if recorded.kind() == "staff-appointed" {
            let body: Value = serde_json::from_slice(recorded.body())?;
            self.staff.extend(body.get("staff").and_then(Value::as_str).map(str::to_owned));
        }
        Ok(())
    }

    fn line(&mut self, recorded: &RecordedEvent) -> Result<Vec<u8>, WriteError> {
        let mut line = std::mem::take(&mut self.line);
        line.clear();
        let Some(pseudonyms) = &mut self.pseudonyms else {
            let whole = Whole {
                event: cloud_event(recorded, Persons::Sealed),
                actingfor: recorded.by().acting_for.to_owned(),
                labels: recorded.labels().collect::<Vec<_>>().join(" "),
                commanddigest: recorded.digest.0.iter().map(|byte| format!("{byte:02x}")).collect(),
            };
            serde_json::to_writer(&mut line, &whole)?;
            return Ok(line);
        };
        let mut event = cloud_event(recorded, Persons::Hidden);
        let is_person = is_person(recorded);
        conceal_event(pseudonyms, &self.staff, is_person, &mut event);
        serde_json::to_writer(&mut line, &event)?;
        Ok(line)
    }
}

fn is_person(recorded: &RecordedEvent) -> bool {
    ![Role::System, Role::Import].iter().any(|role| role.as_str() == recorded.by().role)
}

fn conceal_event(pseudonyms: &mut Pseudonyms, staff: &BTreeSet<String>, is_person: bool, event: &mut CloudEvent) {
    let thing = |pseudonyms: &Pseudonyms, id: &str| pseudonyms.of(Named::Thing, id);
    event.id = thing(pseudonyms, &event.id);
    event.command = thing(pseudonyms, &event.command);
    event.correlation = thing(pseudonyms, &event.correlation);
    event.causation = event.causation.take().map(|id| thing(pseudonyms, &id));
    if is_person {
        event.actor = event.actor.take().map(|id| pseudonyms.of_person(&id).to_owned());
    }
    let stream = event.partitionkey.clone();
    if let Some(case) = stream.strip_prefix("case-") {
        event.subject = pseudonyms.of(Named::Case, case);
        event.partitionkey = format!("case-{}", event.subject);
    } else if !PUBLIC_STREAMS.iter().any(|public| stream.starts_with(public)) {
        let (kind, id) = stream.split_once('-').unwrap_or(("", &stream));
        event.partitionkey = format!("{kind}-{}", thing(pseudonyms, id));
        event.subject = event.partitionkey.clone();
    }
    let mut concealing = Concealing { pseudonyms, staff, kind: &event.r#type };
    concealing.value("", &mut event.data);
}

/// Puts pseudonyms in place of whatever names a person, a case or a paper.
struct Concealing<'a> {
    pseudonyms: &'a mut Pseudonyms,
    staff: &'a BTreeSet<String>,
    /// The event's type: a few fields name something else in one event than in all others.
    kind: &'a str,
}

impl Concealing<'_> {
    fn value(&mut self, field: &str, value: &mut Value) {
        match value {
            Value::Object(fields) => {
                // What a rating is about: `{"kind": "case", "id": …}`.
                let kind = fields.get("kind").and_then(Value::as_str).map(str::to_owned);
                for (name, value) in fields.iter_mut() {
                    let name = match (name.as_str(), kind.as_deref()) {
                        // A legacy system's own: taken in without persons, and given as it came.
                        ("attributes", _) if self.kind.starts_with("legacy-") => continue,
                        ("id", Some(about @ ("case" | "staff" | "item" | "hall"))) => match about {
                            "hall" => "organisation",
                            about => about,
                        },
                        (name, _) => name,
                    };
                    self.value(name, value);
                }
            }
            Value::Array(values) => values.iter_mut().for_each(|value| self.value(field, value)),
            Value::String(text) => {
                if let Some(pseudonym) = self.pseudonym(field, text) {
                    *text = pseudonym;
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => (),
        }
    }

    fn pseudonym(&mut self, field: &str, text: &str) -> Option<String> {
        let is_person = PERSON_FIELDS.contains(&field)
            || (self.kind == "work-reassigned" && matches!(field, "from" | "to"))
            || self.staff.contains(text);
        if is_person {
            return Some(self.pseudonyms.of_person(text).to_owned());
        }
        if CASE_FIELDS.contains(&field) || (self.kind == "duplicate-merged" && field == "from") {
            return Some(self.pseudonyms.of(Named::Case, text));
        }
        let is_thing = PLAIN_FIELDS.binary_search(&field).is_err() || is_id(text);
        is_thing.then(|| self.pseudonyms.of(Named::Thing, text))
    }
}

fn is_id(text: &str) -> bool {
    text.len() == ulid::ULID_LEN && Ulid::from_string(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::PseudonymKey;
    use domain::event::{Event, SCHEMAS};
    use serde_json::json;

    fn concealed(kind: &str, mut data: Value) -> Value {
        let mut pseudonyms = Pseudonyms::new(&PseudonymKey::of_text(b"k"));
        let staff = BTreeSet::from(["s-known".to_owned()]);
        let mut concealing = Concealing { pseudonyms: &mut pseudonyms, staff: &staff, kind };
        concealing.value("", &mut data);
        data
    }

    #[test]
    fn people_cases_and_papers_go_by_pseudonyms_and_the_rest_stays() {
        let told = concealed(
            "case-finished",
            json!({"holder": "s-1", "number": "N-7", "basis": "行政许可法", "to": "361023100", "day": "2021-11-01",
                   "on": "01ARZ3NDEKTSV4RRFFQ69G5FAV", "in_name_of": "s-known", "a_field_nobody_has_heard_of": "text"}),
        );
        assert_eq!((told["basis"].as_str(), told["to"].as_str()), (Some("行政许可法"), Some("361023100")));
        for field in ["holder", "in_name_of"] {
            assert!(told[field].as_str().unwrap().starts_with("p-"), "{told}");
        }
        for field in ["number", "on", "a_field_nobody_has_heard_of"] {
            assert!(told[field].as_str().unwrap().starts_with("x-"), "{told}");
        }
        assert!(concealed("work-reassigned", json!({"to": "s-2"}))["to"].as_str().unwrap().starts_with("p-"));
        let rated = concealed("rated", json!({"about": {"kind": "case", "id": "01ARZ3NDEKTSV4RRFFQ69G5FAV"}}));
        assert!(rated["about"]["id"].as_str().unwrap().starts_with("c-"));
        assert_eq!(concealed("rated", json!({"about": {"kind": "item", "id": "FZ-001"}}))["about"]["id"], "FZ-001");
        let merged = concealed("duplicate-merged", json!({"from": "01ARZ3NDEKTSV4RRFFQ69G5FAV"}));
        assert!(merged["from"].as_str().unwrap().starts_with("c-"));
        let legacy = json!({"attributes": {"REG_DATE": "2011-10-01", "amount": {"float": "1.50"}}});
        assert_eq!(concealed("legacy-activity-recorded", legacy.clone()), legacy);
    }

    #[test]
    fn plain_fields_are_in_order_and_name_nobody() {
        assert!(PLAIN_FIELDS.is_sorted());
        assert!(!PLAIN_FIELDS.iter().any(|field| PERSON_FIELDS.contains(field) || CASE_FIELDS.contains(field)));
    }

    /// Looks for what has the shape of a person's or a case's id in what is told of every event there is.
    #[test]
    fn no_field_of_any_event_that_could_name_somebody_is_forgotten() {
        let fixtures = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../domain/fixtures/events");
        for schema in SCHEMAS {
            let file = fixtures.join(format!("{}.{}.json", schema.name, schema.version));
            let data: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
            Event::decode(schema.name, schema.version, data.to_string().as_bytes()).unwrap();
            let told = concealed(schema.name, data.clone()).to_string();
            let mut secrets = Vec::new();
            gather(&data, &mut secrets);
            for secret in secrets {
                assert!(!told.contains(&format!("\"{secret}\"")), "{} tells {secret}: {told}", schema.name);
            }
        }
    }

    /// A fixture's names of people and ids are told by their shape.
    fn gather(value: &Value, secrets: &mut Vec<String>) {
        match value {
            Value::Object(fields) => fields.values().for_each(|value| gather(value, secrets)),
            Value::Array(values) => values.iter().for_each(|value| gather(value, secrets)),
            Value::String(text)
                if is_id(text) || ["S-", "s-", "clerk-"].iter().any(|start| text.starts_with(start)) =>
            {
                secrets.push(text.clone())
            }
            Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => (),
        }
    }
}
