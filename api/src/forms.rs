//! Electronic forms, checked by their item's schema at the door: every error at once, each by its JSON pointer, and
//! without quoting what was filled in, for that is about people.

use crate::bounded::Bounded;
use crate::problem::{FieldError, Text};
use crate::seal::Flaws;
use domain::event::item::ElectronicForm;
use domain::ids::ItemId;
use jsonschema::Validator;
use jsonschema::error::ValidationErrorKind;
use serde_json::Value;
use std::sync::Arc;

/// Compiled schemas that are remembered: more than any catalogue has.
const COMPILED_MAX: usize = 1024;
/// The most errors of one form that are told.
const ERRORS_MAX: usize = 50;
/// The longest schema, in bytes of its JSON.
const SCHEMA_BYTES_MAX: usize = 64 * 1024;

/// The schemas in use, compiled. A form's version never changes its schema, so what was compiled once stays right.
pub struct Forms(Bounded<(ItemId, u32), Arc<Validator>>);

impl Default for Forms {
    fn default() -> Self {
        Self(Bounded::new(COMPILED_MAX))
    }
}

impl Forms {
    /// Looks for everything that is wrong with an answer to an item's form.
    pub fn check(&self, item: &ItemId, form: &ElectronicForm, answer: &Value, flaws: &mut Flaws) {
        let Some(validator) = self.compiled(item, form) else {
            // Publication refuses such a schema; a log written elsewhere may still hold one.
            flaws.add("/form", "该事项的电子表单有误，请联系管理员", "cannot be checked: the item's form is broken");
            return;
        };
        for error in validator.iter_errors(answer).take(ERRORS_MAX) {
            let at = format!("/form{}", error.instance_path());
            match error.kind() {
                ValidationErrorKind::Required { property } => {
                    let name = property.as_str().unwrap_or_default();
                    flaws.add(format!("{at}/{}", escaped(name)), "必填", "is required");
                }
                ValidationErrorKind::AdditionalProperties { unexpected }
                | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
                    for name in unexpected.iter().take(ERRORS_MAX) {
                        flaws.add(format!("{at}/{}", escaped(name)), "表单没有这一项", "is not part of the form");
                    }
                }
                kind => {
                    let Text { zh, en } = said(kind);
                    flaws.add(at, zh, en);
                }
            }
        }
    }

    fn compiled(&self, item: &ItemId, form: &ElectronicForm) -> Option<Arc<Validator>> {
        let key = (item.clone(), form.version);
        if let Some(known) = self.0.get(&key) {
            return Some(known);
        }
        let validator = Arc::new(compile(&form.schema).ok()?);
        self.0.put(key, Arc::clone(&validator));
        Some(validator)
    }
}

/// Looks at a schema that is to be published; `None` if forms can be checked by it.
#[must_use]
pub fn flaw_of_schema(schema: &Value) -> Option<FieldError> {
    let at = "/definition/form/schema";
    if !schema.is_object() {
        return Some(FieldError::new(at, Text::new("须为 JSON Schema 对象", "must be a JSON Schema object")));
    }
    let bytes = serde_json::to_vec(schema).map_or(0, |schema| schema.len());
    if SCHEMA_BYTES_MAX < bytes {
        let (zh, en) =
            (format!("不得超过{SCHEMA_BYTES_MAX}字节"), format!("must have at most {SCHEMA_BYTES_MAX} bytes"));
        return Some(FieldError::new(at, Text::new(zh, en)));
    }
    let error = compile(schema).err()?;
    let detail =
        Text::new("不是有效的 JSON Schema", format!("is not a valid JSON Schema ({})", error.kind().keyword()));
    Some(FieldError::new(format!("{at}{}", error.instance_path()), detail))
}

/// Nothing outside the schema is ever fetched.
fn compile(schema: &Value) -> Result<Validator, jsonschema::ValidationError<'static>> {
    jsonschema::options().offline().should_validate_formats(true).build(schema)
}

fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// What is wrong, from what the form asks for; never from what was filled in.
fn said(kind: &ValidationErrorKind) -> Text {
    use ValidationErrorKind as K;
    match kind {
        K::Type { .. } => Text::new("类型不符", "is not of the right type"),
        K::Enum { options } => Text::new(format!("须为下列之一：{options}"), format!("must be one of {options}")),
        K::Constant { expected_value } => {
            Text::new(format!("须为{expected_value}"), format!("must be {expected_value}"))
        }
        K::MinLength { limit } => Text::new(format!("至少{limit}字"), format!("must have at least {limit} characters")),
        K::MaxLength { limit } => {
            Text::new(format!("不得超过{limit}字"), format!("must have at most {limit} characters"))
        }
        K::Minimum { limit } => Text::new(format!("不得小于{limit}"), format!("must be at least {limit}")),
        K::Maximum { limit } => Text::new(format!("不得大于{limit}"), format!("must be at most {limit}")),
        K::ExclusiveMinimum { limit } => Text::new(format!("须大于{limit}"), format!("must be more than {limit}")),
        K::ExclusiveMaximum { limit } => Text::new(format!("须小于{limit}"), format!("must be less than {limit}")),
        K::MinItems { limit } => Text::new(format!("至少{limit}项"), format!("must have at least {limit} entries")),
        K::MaxItems { limit } => Text::new(format!("不得超过{limit}项"), format!("must have at most {limit} entries")),
        K::UniqueItems => Text::new("不得重复", "must not say anything twice"),
        K::Format { format } if format == "date" => {
            Text::new("须为日期，如 2026-03-02", "must be a date such as 2026-03-02")
        }
        K::Pattern { .. } | K::Format { .. } => Text::new("格式不符", "is not written as the form asks"),
        kind => Text::new(
            format!("不符合表单要求（{}）", kind.keyword()),
            format!("does not fit the form ({})", kind.keyword()),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::builtin;
    use serde_json::json;

    fn dibao() -> ElectronicForm {
        let catalogue = builtin::reference().catalogue;
        let version = catalogue.get(&"FZ-001".parse().unwrap()).unwrap().latest().unwrap();
        version.definition.form.clone().unwrap()
    }

    fn flaws(answer: &Value) -> Vec<(String, String)> {
        let mut flaws = Flaws::default();
        Forms::default().check(&"FZ-001".parse().unwrap(), &dibao(), answer, &mut flaws);
        flaws.0.into_iter().map(|flaw| (flaw.pointer, flaw.detail.en)).collect()
    }

    #[test]
    fn every_error_is_told_at_once_by_its_place() {
        let answer = json!({
            "household_size": 0, "causes": ["illness", "laziness"], "members": [{"name": "王小明"}, {"name": "", "relation": "子"}],
            "a/b": 1
        });
        let mut told: Vec<_> = flaws(&answer).into_iter().map(|(pointer, _)| pointer).collect();
        told.sort_unstable();
        let places = ["/form/a~1b", "/form/causes/1", "/form/household_size", "/form/members/0/relation"];
        assert_eq!(told, [&places[..], &["/form/members/1/name", "/form/reason"]].concat());
    }

    #[test]
    fn what_was_filled_in_is_not_quoted() {
        let told = format!("{:?}", flaws(&json!({"reason": "因病", "housing": "王小明家"})));
        assert!(told.contains("/form/housing") && !told.contains("王小明"), "{told}");
    }

    #[test]
    fn an_answer_that_fits_passes() {
        let answer = json!({"reason": "因病致贫", "household_size": 3, "causes": ["illness"], "housing": "own"});
        assert_eq!(flaws(&answer), []);
    }

    #[test]
    fn every_built_in_form_can_be_checked_by() {
        for (id, item) in builtin::reference().catalogue.items() {
            for form in item.versions().iter().filter_map(|version| version.definition.form.as_ref()) {
                assert_eq!(flaw_of_schema(&form.schema), None, "{id}");
            }
        }
    }

    #[test]
    fn a_broken_schema_is_named_by_its_place() {
        let broken = json!({"type": "object", "properties": {"reason": {"type": "words"}}});
        assert_eq!(flaw_of_schema(&broken).unwrap().pointer, "/definition/form/schema/properties/reason/type");
        let outside = json!({"$ref": "https://example.org/form.json"});
        assert!(flaw_of_schema(&outside).is_some());
        assert_eq!(flaw_of_schema(&json!(true)).unwrap().pointer, "/definition/form/schema");
    }
}
