//! What formats share whose events are put in order by case, and whose attributes are JSON.

use super::{Attribute, FormatError, Kind};
use serde_json::{Map, Value};
use std::io;

pub(super) fn scratch(source: io::Error) -> FormatError {
    FormatError::Scratch { directory: std::env::temp_dir().display().to_string(), source }
}

/// Returns attributes from the JSON that `import` makes of them.
pub(super) fn attributes(fields: Map<String, Value>) -> Vec<Attribute> {
    let mut attributes = Vec::with_capacity(fields.len());
    for (key, value) in fields {
        match value {
            Value::Object(mut object) if object.contains_key("all") => {
                if let Some(Value::Array(all)) = object.remove("all") {
                    attributes.extend(all.into_iter().map(|value| attribute(key.clone(), value)));
                }
            }
            value => attributes.push(attribute(key, value)),
        }
    }
    attributes
}

fn attribute(key: String, value: Value) -> Attribute {
    let plain = |kind, value| Attribute { key: key.clone(), kind, value, children: Vec::new() };
    match value {
        Value::String(text) => plain(Kind::String, text),
        Value::Bool(truth) => plain(Kind::Boolean, truth.to_string()),
        Value::Number(number) if number.is_f64() => plain(Kind::Float, number.to_string()),
        Value::Number(number) => plain(Kind::Int, number.to_string()),
        Value::Null => plain(Kind::String, String::new()),
        Value::Array(_) => plain(Kind::String, value.to_string()),
        Value::Object(mut object) => {
            if let Some(Value::Array(members)) = object.remove("list") {
                let members = members.into_iter().filter_map(|member| match member {
                    Value::Object(member) => Some(attributes(member)),
                    _ => None,
                });
                return Attribute {
                    key,
                    kind: Kind::List,
                    value: String::new(),
                    children: members.flatten().collect(),
                };
            }
            let children = match object.remove("children") {
                Some(Value::Object(children)) => attributes(children),
                Some(_) | None => Vec::new(),
            };
            let Some((kind, value)) = object.into_iter().next() else {
                return Attribute { key, kind: Kind::String, value: String::new(), children };
            };
            let value = match value {
                Value::String(text) => text,
                other => other.to_string(),
            };
            Attribute { key, kind: kind_of(&kind), value, children }
        }
    }
}

/// Returns the type that a name means in XES, in OCEL, and in the JSON of `import`.
pub(super) fn kind_of(name: &str) -> Kind {
    match name {
        "string" => Kind::String,
        "date" | "time" => Kind::Date,
        "int" | "integer" => Kind::Int,
        "float" => Kind::Float,
        "boolean" => Kind::Boolean,
        "id" => Kind::Id,
        other => Kind::Other(other.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::to_json;
    use serde_json::json;

    #[test]
    fn attributes_come_back_as_import_wrote_them() {
        let Value::Object(fields) = json!({
            "a": "text", "b": 7, "c": 1.5, "d": true,
            "e": {"date": "2024-01-01T00:00:00Z"}, "f": {"float": "1.50"},
            "g": {"list": [{"x": 1}, {"x": "two"}]},
            "h": {"string": "v", "children": {"y": {"id": "i"}}},
            "i": {"all": [1, "two"]},
        }) else {
            panic!("an object was written above")
        };
        assert_eq!(serde_json::to_value(to_json(&attributes(fields.clone()))).unwrap(), Value::Object(fields));
    }
}
