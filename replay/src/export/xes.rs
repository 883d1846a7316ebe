//! XES (IEEE 1849-2016), as `import` and the usual miners read it.

use super::columns::Columns;
use super::stamp::Stamp;
use super::table::{Attribute, Case, CaseStep, Value};
use super::{Form, Sink, WriteError};
use serde_json::{Map, Value as Json};
use std::io::{self, Write as _};

const HEAD: &str = concat!(
    r#"<?xml version="1.0" encoding="UTF-8"?>
<log xes.version="1849.2016" xes.features="nested-attributes" xmlns="http://www.xes-standard.org/">
<extension name="Concept" prefix="concept" uri="http://www.xes-standard.org/concept.xesext"/>
<extension name="Lifecycle" prefix="lifecycle" uri="http://www.xes-standard.org/lifecycle.xesext"/>
<extension name="Organizational" prefix="org" uri="http://www.xes-standard.org/org.xesext"/>
<extension name="Time" prefix="time" uri="http://www.xes-standard.org/time.xesext"/>
<global scope="trace"><string key="concept:name" value="UNKNOWN"/></global>
<global scope="event"><string key="concept:name" value="UNKNOWN"/>"#,
    r#"<date key="time:timestamp" value="1970-01-01T00:00:00.000+00:00"/></global>
<classifier name="Activity" scope="event" keys="concept:name"/>
<string key="concept:name" value="一窗式办件事件日志"/>
<string key="lifecycle:model" value="standard"/>
"#
);

/// A log in the making.
pub(super) struct Xes {
    sink: Sink,
    stamp: Stamp,
    text: String,
}

impl Xes {
    pub(super) fn new(mut sink: Sink) -> io::Result<Self> {
        sink.write_all(HEAD.as_bytes())?;
        Ok(Self { sink, stamp: Stamp::default(), text: String::new() })
    }

    fn event(&mut self, columns: &Columns, event: &CaseStep<'_>) {
        self.text.push_str("<event>");
        self.element("string", "concept:name", event.activity);
        let at = self.stamp.of(event.at);
        element(&mut self.text, "date", "time:timestamp", at);
        let known = [
            ("lifecycle:transition", event.lifecycle),
            ("org:resource", event.resource),
            ("org:group", event.group),
            ("org:role", event.role),
        ];
        for (key, value) in known {
            if let Some(value) = value {
                self.element("string", key, value);
            }
        }
        self.attributes(columns, &event.attributes);
        self.text.push_str("</event>\n");
    }

    fn attributes(&mut self, columns: &Columns, attributes: &[Attribute<'_>]) {
        for Attribute { column, value } in attributes {
            let key = columns.get(*column).name.as_str();
            match value {
                Value::Text(text) => self.element("string", key, text),
                Value::Int(number) => self.element("int", key, &number.to_string()),
                Value::Float(_, written) => self.element("float", key, written),
                Value::Truth(truth) => self.element("boolean", key, if *truth { "true" } else { "false" }),
                Value::Time(at) => {
                    let at = self.stamp.of(*at);
                    element(&mut self.text, "date", key, at);
                }
                Value::Nested(json) => {
                    let value = serde_json::from_str(json).unwrap_or_else(|_| Json::from(*json));
                    nested(&mut self.text, key, &value);
                }
            }
        }
    }

    fn element(&mut self, kind: &str, key: &str, value: &str) {
        element(&mut self.text, kind, key, value);
    }
}

impl Form for Xes {
    fn case(&mut self, columns: &Columns, case: &Case<'_>) -> Result<(), WriteError> {
        self.text.clear();
        self.text.push_str("<trace>");
        self.element("string", "concept:name", &case.id);
        self.attributes(columns, &case.attributes);
        self.text.push('\n');
        for event in &case.events {
            self.event(columns, event);
        }
        self.text.push_str("</trace>\n");
        Ok(self.sink.write_all(self.text.as_bytes())?)
    }

    fn finish(mut self: Box<Self>) -> Result<(), WriteError> {
        self.sink.write_all(b"</log>\n")?;
        Ok(self.sink.finish()?)
    }
}

fn element(text: &mut String, kind: &str, key: &str, value: &str) {
    open(text, kind, key, value);
    text.push_str("/>");
}

fn open(text: &mut String, kind: &str, key: &str, value: &str) {
    text.push('<');
    text.push_str(kind);
    text.push_str(" key=\"");
    escape(text, key);
    text.push_str("\" value=\"");
    escape(text, value);
    text.push('"');
}

/// Writes what has more than one value under its key, or attributes of its own, as `import` understood it.
fn nested(text: &mut String, key: &str, value: &Json) {
    let Some(object) = value.as_object() else { return element(text, "string", key, &plain(value)) };
    if let Some(Json::Array(all)) = object.get("all") {
        return all.iter().for_each(|one| scalar(text, key, one));
    }
    if let Some(Json::Array(members)) = object.get("list") {
        text.push_str("<list key=\"");
        escape(text, key);
        text.push_str("\"><values>");
        for member in members.iter().filter_map(Json::as_object) {
            member.iter().for_each(|(key, value)| scalar(text, key, value));
        }
        return text.push_str("</values></list>");
    }
    let Some((kind, own)) = object.iter().find(|(name, _)| *name != "children") else { return };
    let kind = if KINDS.contains(&kind.as_str()) { kind } else { "string" };
    open(text, kind, key, &plain(own));
    let no_children = Map::new();
    let children = object.get("children").and_then(Json::as_object).unwrap_or(&no_children);
    if children.is_empty() {
        return text.push_str("/>");
    }
    text.push('>');
    children.iter().for_each(|(key, value)| scalar(text, key, value));
    text.push_str("</");
    text.push_str(kind);
    text.push('>');
}

const KINDS: [&str; 6] = ["string", "date", "int", "float", "boolean", "id"];

fn scalar(text: &mut String, key: &str, value: &Json) {
    match value {
        Json::Number(number) if number.is_f64() => element(text, "float", key, &number.to_string()),
        Json::Number(number) => element(text, "int", key, &number.to_string()),
        Json::Bool(truth) => element(text, "boolean", key, if *truth { "true" } else { "false" }),
        Json::Object(_) => nested(text, key, value),
        Json::String(_) | Json::Array(_) | Json::Null => element(text, "string", key, &plain(value)),
    }
}

fn plain(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// What XML cannot hold at all is left out.
fn escape(text: &mut String, value: &str) {
    let is_plain = |byte: u8| byte >= b' ' && !matches!(byte, b'&' | b'<' | b'>' | b'"') && byte != 0xef;
    if value.bytes().all(is_plain) {
        return text.push_str(value);
    }
    for c in value.chars() {
        match c {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '"' => text.push_str("&quot;"),
            '\t' => text.push_str("&#9;"),
            '\n' => text.push_str("&#10;"),
            '\r' => text.push_str("&#13;"),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => (),
            c => text.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn written(value: &Json) -> String {
        let mut text = String::new();
        scalar(&mut text, "k", value);
        text
    }

    #[test]
    fn what_has_a_meaning_in_xml_is_escaped_and_what_has_no_place_is_left_out() {
        let mut text = String::new();
        escape(&mut text, "高龄补贴&<发放>\"\u{0}\n\u{fffe}");
        assert_eq!(text, "高龄补贴&amp;&lt;发放&gt;&quot;&#10;");
    }

    #[test]
    fn attributes_within_attributes_come_back_as_elements() {
        assert_eq!(
            written(&json!({"string": "a", "children": {"n": 1}})),
            r#"<string key="k" value="a"><int key="n" value="1"/></string>"#
        );
        assert_eq!(
            written(&json!({"list": [{"m": {"date": "2024-01-01"}}]})),
            r#"<list key="k"><values><date key="m" value="2024-01-01"/></values></list>"#
        );
        assert_eq!(
            written(&json!({"all": [{"id": "1"}, {"id": "2"}]})),
            r#"<id key="k" value="1"/><id key="k" value="2"/>"#
        );
    }
}
