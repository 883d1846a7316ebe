//! Recorded events as CloudEvents 1.0, with nothing in them that the reader may not see: for the feed and for files.

use chrono::{DateTime, SecondsFormat};
use domain::zone::fuzhou;
use eventstore::RecordedEvent;
use serde::Serialize;
use serde_json::{Map, Value};
use ulid::Ulid;

/// The media type of several of them in one array.
pub const BATCH_MEDIA_TYPE: &str = "application/cloudevents-batch+json";

/// Fields that open something elsewhere, and so are for no reader.
const SECRET_FIELDS: [&str; 1] = ["rating_code_digest"];

/// What of persons is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Persons {
    /// Nothing: no reference to one either.
    Hidden,
    /// References, by which a person's cases are found; texts about them stay sealed, and not even that is handed out.
    Referred,
    /// References, and texts as they stand in the log: sealed.
    Sealed,
}

/// One event as outsiders read it. Extension names are lower case without separators, as the standard demands.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CloudEvent {
    pub(crate) specversion: &'static str,
    pub(crate) id: String,
    pub(crate) source: &'static str,
    pub(crate) r#type: String,
    pub(crate) subject: String,
    pub(crate) time: String,
    pub(crate) datacontenttype: &'static str,
    pub(crate) dataschema: String,
    pub(crate) sequence: String,
    pub(crate) partitionkey: String,
    pub(crate) recordedtime: String,
    pub(crate) streamversion: String,
    pub(crate) command: String,
    pub(crate) correlation: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) causation: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) actor: Option<String>,
    pub(crate) actorrole: String,
    pub(crate) organisation: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) window: String,
    pub(crate) channel: String,
    pub(crate) data: Value,
}

/// Returns the event for a reader who is shown this much of persons.
#[must_use]
pub fn cloud_event(recorded: &RecordedEvent, persons: Persons) -> CloudEvent {
    let stream = recorded.stream();
    let subject = stream.strip_prefix("case-").unwrap_or(stream);
    let by = recorded.by();
    let resident = by.role == "resident";
    CloudEvent {
        specversion: "1.0",
        id: Ulid::from(recorded.id.0).to_string(),
        source: "urn:yichuang:log",
        r#type: recorded.kind().to_owned(),
        subject: subject.to_owned(),
        time: shown(recorded.occurred_at),
        datacontenttype: "application/json",
        dataschema: format!("urn:yichuang:event:{}:{}", recorded.kind(), recorded.schema),
        sequence: recorded.position.to_string(),
        partitionkey: stream.to_owned(),
        recordedtime: shown(recorded.recorded_at),
        streamversion: recorded.version.to_string(),
        command: Ulid::from(recorded.command.0).to_string(),
        correlation: Ulid::from(recorded.correlation).to_string(),
        causation: recorded.causation.map(|id| Ulid::from(id.0).to_string()),
        actor: (persons != Persons::Hidden || !resident).then(|| by.id.to_owned()),
        actorrole: by.role.to_owned(),
        organisation: by.organisation.to_owned(),
        window: by.window.to_owned(),
        channel: by.channel.to_owned(),
        data: data(recorded.body(), persons),
    }
}

pub(crate) fn shown(micros: i64) -> String {
    let at = DateTime::from_timestamp_micros(micros).unwrap_or_default();
    at.with_timezone(&fuzhou()).to_rfc3339_opts(SecondsFormat::AutoSi, false)
}

impl CloudEvent {
    /// Returns it without a field of its data.
    #[must_use]
    pub fn without(mut self, field: &str) -> Self {
        if let Value::Object(fields) = &mut self.data {
            fields.remove(field);
        }
        self
    }
}

fn data(body: &[u8], persons: Persons) -> Value {
    let mut data = serde_json::from_slice(body).unwrap_or(Value::Null);
    if persons != Persons::Sealed {
        redact(&mut data, persons);
    }
    data
}

/// Sealed text is not handed out, and who sees no persons sees no reference to one either.
fn redact(value: &mut Value, persons: Persons) {
    match value {
        Value::Object(fields) if is_sealed(fields) => {
            fields.remove("cipher");
            fields.insert("sealed".to_owned(), Value::Bool(true));
            if persons == Persons::Hidden {
                fields.remove("subject");
            }
        }
        Value::Object(fields) => {
            for secret in SECRET_FIELDS {
                fields.remove(secret);
            }
            if persons == Persons::Hidden {
                fields.remove("visitor");
                // Whatever is called a subject is a person's reference.
                if fields.get("subject").is_some_and(Value::is_string) {
                    fields.remove("subject");
                }
            }
            fields.values_mut().for_each(|value| redact(value, persons));
        }
        Value::Array(values) => values.iter_mut().for_each(|value| redact(value, persons)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => (),
    }
}

fn is_sealed(fields: &Map<String, Value>) -> bool {
    fields.contains_key("cipher") && fields.contains_key("subject")
}

#[cfg(test)]
mod tests {
    use super::*;
    use eventstore::{
        By, CommandDigest, CommandId, EventId, Expected, Frame, NewEvent, Position, StreamName, StreamVersion, Write,
    };
    use serde_json::json;

    fn recorded(body: &Value) -> RecordedEvent {
        let event = NewEvent {
            id: EventId(1),
            kind: "case-submitted".into(),
            schema: 1,
            occurred_at: 1_770_944_400_000_000,
            labels: Vec::new(),
            body: serde_json::to_vec(body).unwrap().into(),
        };
        let stream = StreamName::try_from("case-01ARZ3NDEKTSV4RRFFQ69G5FAV").unwrap();
        let write = Write { stream, expected: Expected::Empty, events: vec![event.clone()] };
        let frame = Frame {
            command: CommandId(2),
            digest: CommandDigest([0; 16]),
            now: 1_770_948_000_000_000,
            by: By { id: "3f2a".into(), role: "resident".into(), organisation: "361023".into(), ..By::default() },
            correlation: 3,
            causation: None,
            guards: Vec::new(),
            writes: Vec::new(),
        };
        RecordedEvent::of(&frame, &write, &event, Position(12), StreamVersion(1), frame.now)
    }

    fn party() -> Value {
        json!({"applicant": {"subject": "3f2a", "kind": "natural-person",
            "person": {"subject": "3f2a", "cipher": "a1.AAAA"}}, "rating_code_digest": "00"})
    }

    #[test]
    fn what_is_sealed_stays_so_for_everybody() {
        for persons in [Persons::Hidden, Persons::Referred] {
            let text = serde_json::to_string(&cloud_event(&recorded(&party()), persons)).unwrap();
            assert!(!text.contains("a1.AAAA") && !text.contains("rating_code_digest"), "{text}");
        }
    }

    #[test]
    fn an_analyst_sees_no_reference_to_a_person() {
        let text = serde_json::to_string(&cloud_event(&recorded(&party()), Persons::Hidden)).unwrap();
        assert!(!text.contains("3f2a"), "{text}");
    }

    #[test]
    fn the_required_attributes_are_there_and_times_are_fuzhous() {
        let event = serde_json::to_value(cloud_event(&recorded(&json!({})), Persons::Referred)).unwrap();
        assert_eq!(event["specversion"], "1.0");
        assert_eq!(event["type"], "case-submitted");
        assert_eq!(event["subject"], "01ARZ3NDEKTSV4RRFFQ69G5FAV");
        assert_eq!(event["sequence"], "12");
        assert_eq!(event["time"], "2026-02-13T09:00:00+08:00");
        assert_eq!(event["recordedtime"], "2026-02-13T10:00:00+08:00");
    }
}
