//! What a reader sees of persons: masked, or nothing; sealed words opened, or marked as erased. Never an error.

use crate::auth::Caller;
use crate::vault::Vault;
use domain::fact::Subject;
use domain::ids::CaseId;
use domain::sealed::{Party, Sealed};
use serde_json::{Map, Value, json};

/// Sealed words that say more of a person than the work on the case needs; they are shown by unmasking only.
const KEPT_SEALED: [&str; 5] = ["form", "old", "new", "recipient", "corrected_fields"];

/// Turns what the log holds of one case into what one reader may see.
pub struct Reveal<'a> {
    vault: &'a Vault,
    context: String,
    persons: bool,
    erased: bool,
}

impl<'a> Reveal<'a> {
    /// For a case, and a reader who may see persons masked, or not at all.
    #[must_use]
    pub fn new(vault: &'a Vault, case: CaseId, persons: bool) -> Self {
        Self { vault, context: Subject::Case(case).to_string(), persons, erased: false }
    }

    /// For a case and a caller.
    #[must_use]
    pub fn to(caller: &Caller, vault: &'a Vault, case: CaseId) -> Self {
        Self::new(vault, case, caller.scope.sees_persons())
    }

    /// Returns whether anybody's key was gone.
    #[must_use]
    pub fn met_erased(&self) -> bool {
        self.erased
    }

    /// Returns the name of a party as a list shows it; nothing to who may not see persons.
    pub fn name(&mut self, party: &Party) -> Option<String> {
        self.persons.then(|| self.masked(party).0)
    }

    /// Replaces persons by their masked form, and sealed words by what they say.
    pub fn reveal(&mut self, value: &mut Value) {
        match value {
            Value::Object(fields) => match (sealed(fields), party(fields)) {
                (Some(sealed), _) => *value = self.opened(&sealed),
                (None, Some(party)) => *value = self.shown_party(&party, fields),
                (None, None) => self.reveal_fields(fields),
            },
            Value::Array(values) => values.iter_mut().for_each(|value| self.reveal(value)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => (),
        }
    }

    fn reveal_fields(&mut self, fields: &mut Map<String, Value>) {
        for kept in KEPT_SEALED {
            if fields.get(kept).is_some_and(|value| value.as_object().is_some_and(|inner| sealed(inner).is_some())) {
                fields.insert(kept.to_owned(), json!({ "sealed": true }));
            }
        }
        // A text of the timeline stands beside its name.
        let is_kept = fields.get("name").and_then(Value::as_str).is_some_and(|name| KEPT_SEALED.contains(&name));
        if is_kept && fields.contains_key("text") {
            fields.insert("text".to_owned(), json!({ "sealed": true }));
        }
        if !self.persons {
            fields.remove("acting_for");
            if fields.get("role").and_then(Value::as_str) == Some("resident") {
                fields.remove("id");
            }
        }
        fields.values_mut().for_each(|value| self.reveal(value));
    }

    fn opened(&mut self, sealed: &Sealed) -> Value {
        if !self.persons {
            return json!({ "sealed": true });
        }
        match self.vault.open_sealed(sealed, &self.context) {
            Ok(text) => Value::from(text.as_str()),
            Err(_) => {
                self.erased = true;
                json!({ "erased": true })
            }
        }
    }

    fn shown_party(&mut self, party: &Party, fields: &Map<String, Value>) -> Value {
        let mut shown = Map::new();
        for plain in ["kind", "age_band"] {
            if let Some(value) = fields.get(plain) {
                shown.insert(plain.to_owned(), value.clone());
            }
        }
        if self.persons {
            shown.insert("subject".to_owned(), Value::from(party.subject.as_str()));
            let (_, person) = self.masked(party);
            shown.extend(person);
        }
        Value::Object(shown)
    }

    fn masked(&mut self, party: &Party) -> (String, Map<String, Value>) {
        match self.vault.person(party, &self.context) {
            Ok(person) => {
                let masked = person.masked();
                let fields = serde_json::to_value(&masked).ok().and_then(|value| value.as_object().cloned());
                (masked.name, fields.unwrap_or_default())
            }
            Err(_) => {
                self.erased = true;
                let fields = Map::from_iter([("erased".to_owned(), Value::Bool(true))]);
                ("*".to_owned(), fields)
            }
        }
    }
}

fn sealed(fields: &Map<String, Value>) -> Option<Sealed> {
    let (Some(Value::String(subject)), Some(Value::String(cipher))) = (fields.get("subject"), fields.get("cipher"))
    else {
        return None;
    };
    Some(Sealed { subject: subject.parse().ok()?, cipher: cipher.clone() })
}

fn party(fields: &Map<String, Value>) -> Option<Party> {
    if !fields.contains_key("person") || !fields.contains_key("subject") {
        return None;
    }
    serde_json::from_value(Value::Object(fields.clone())).ok()
}
