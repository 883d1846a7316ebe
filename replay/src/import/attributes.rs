//! Foreign attributes as JSON, from which they can be written again as they were.

use crate::format::{Attribute, Kind};
use serde_json::{Map, Number, Value, json};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// Returns attributes by key.
///
/// Text, and numbers and truth values that JSON writes just as the file did, stand as they are. Anything else names its
/// type: `{"date": "2011-12-06T13:41:31.788+01:00"}`, `{"float": "1.50"}`; a list is `{"list": [{key: value}, …]}`;
/// attributes of an attribute stand beside its value as `children`; several under one key are `{"all": [value, …]}`.
#[must_use]
pub fn to_json(attributes: Vec<Attribute>) -> BTreeMap<String, Value> {
    let mut map = BTreeMap::new();
    for mut attribute in attributes {
        match map.entry(std::mem::take(&mut attribute.key)) {
            Entry::Vacant(place) => {
                place.insert(value(attribute));
            }
            Entry::Occupied(mut place) => {
                let first: &mut Value = place.get_mut();
                match first.get_mut("all") {
                    Some(Value::Array(all)) => all.push(value(attribute)),
                    _ => *first = json!({ "all": [first.take(), value(attribute)] }),
                }
            }
        }
    }
    map
}

/// Returns the value of an attribute, whatever its key.
fn value(attribute: Attribute) -> Value {
    let Attribute { key: _, kind, value: text, children } = attribute;
    if kind == Kind::List {
        return json!({ "list": children.into_iter().map(member).collect::<Vec<_>>() });
    }
    if !children.is_empty() {
        let children: Map<String, Value> = to_json(children).into_iter().collect();
        return json!({ name(&kind): text, "children": children });
    }
    let natural = match &kind {
        Kind::String => return Value::String(text),
        Kind::Int => whole(&text),
        Kind::Float => fraction(&text),
        Kind::Boolean => truth(&text),
        Kind::Date | Kind::Id | Kind::List | Kind::Other(_) => None,
    };
    natural.unwrap_or_else(|| json!({ name(&kind): text }))
}

fn member(mut attribute: Attribute) -> Value {
    let key = std::mem::take(&mut attribute.key);
    json!({ key: value(attribute) })
}

fn name(kind: &Kind) -> &str {
    match kind {
        Kind::String => "string",
        Kind::Date => "date",
        Kind::Int => "int",
        Kind::Float => "float",
        Kind::Boolean => "boolean",
        Kind::Id => "id",
        Kind::List => "list",
        Kind::Other(name) => name,
    }
}

fn whole(text: &str) -> Option<Value> {
    let number: i64 = text.parse().ok()?;
    (number.to_string() == text).then(|| number.into())
}

fn fraction(text: &str) -> Option<Value> {
    let number = Number::from_f64(text.parse().ok()?)?;
    // Readers of JSON may miss a long fraction by its last bit; such a one is better kept as text.
    let read = serde_json::from_str(text).is_ok_and(|read: Number| read == number);
    (read && number.to_string() == text).then_some(Value::Number(number))
}

fn truth(text: &str) -> Option<Value> {
    match text {
        "true" => Some(true.into()),
        "false" => Some(false.into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(key: &str, kind: Kind, value: &str, children: Vec<Attribute>) -> Attribute {
        Attribute { key: key.into(), kind, value: value.into(), children }
    }

    #[track_caller]
    fn check(kind: Kind, value: &str, expected: Value) {
        assert_eq!(to_json(vec![attribute("k", kind, value, vec![])])["k"], expected);
    }

    #[test]
    fn what_json_writes_as_the_file_did_stands_as_it_is() {
        check(Kind::String, "35.0", json!("35.0"));
        check(Kind::Int, "-157", json!(-157));
        check(Kind::Float, "35.0", json!(35.0));
        check(Kind::Boolean, "false", json!(false));
    }

    #[test]
    fn anything_else_names_its_type_and_keeps_its_spelling() {
        check(Kind::Int, "007", json!({"int": "007"}));
        check(Kind::Int, "99999999999999999999", json!({"int": "99999999999999999999"}));
        check(Kind::Float, "35", json!({"float": "35"}));
        check(Kind::Float, "2.3832541524E7", json!({"float": "2.3832541524E7"}));
        check(Kind::Float, "NaN", json!({"float": "NaN"}));
        check(Kind::Boolean, "TRUE", json!({"boolean": "TRUE"}));
        check(Kind::Date, "2024-01-01", json!({"date": "2024-01-01"}));
        check(Kind::Id, "7", json!({"id": "7"}));
        check(Kind::Other("weird".into()), "y", json!({"weird": "y"}));
    }

    #[test]
    fn every_fraction_is_spelt_after_reading_as_before() {
        let mut bits: u64 = 1;
        for _ in 0..20_000 {
            bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let given = (f64::from(bits as u32) / f64::from((bits >> 32) as u32 | 1)).to_string();
            let written = to_json(vec![attribute("k", Kind::Float, &given, vec![])])["k"].to_string();
            let spelt = match serde_json::from_str(&written).unwrap() {
                Value::Object(tagged) => tagged["float"].as_str().unwrap().to_owned(),
                number => number.to_string(),
            };
            assert_eq!(spelt, given);
        }
    }

    #[test]
    fn nested_listed_and_repeated_attributes_are_kept() {
        let inner = || attribute("a", Kind::Int, "1", vec![]);
        let list = attribute("l", Kind::List, "", vec![inner(), inner()]);
        let nested = attribute("n", Kind::String, "v", vec![inner()]);
        let json = to_json(vec![list, nested, inner(), inner(), inner()]);
        assert_eq!(json["l"], json!({"list": [{"a": 1}, {"a": 1}]}));
        assert_eq!(json["n"], json!({"string": "v", "children": {"a": 1}}));
        assert_eq!(json["a"], json!({"all": [1, 1, 1]}));
    }
}
