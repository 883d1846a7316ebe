//! What a reader sees of persons: masked, or nothing; sealed words opened, or marked as erased. Never an error.

use crate::auth::Caller;
use crate::vault::{Person, Vault};
use domain::actor::Role;
use domain::fact::Subject;
use domain::ids::CaseId;
use domain::sealed::{Party, Sealed};
use serde_json::{Map, Value, json};

/// Sealed words that the work on a case needs, by the name of their field. All others, such as the form, are shown by
/// unmasking only.
const OPENED: [&str; 8] = ["reason", "question", "answer", "answers", "content", "defect", "opinion", "result"];

/// Sealed words that are somebody's data, shown masked.
const PERSONS: [&str; 3] = ["applicant", "agent", "beneficiary"];

/// Of those, what a helper tells the person who is helped: everything else is between those who work on the case.
const HELPING: [&str; 1] = ["defect"];

/// With whose eyes a case is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Eyes {
    /// Sees no person.
    Figures,
    /// Helps the applicant: sees persons masked, and of what is written only what is missing.
    Helper,
    /// Works on the case, or it is their own: sees persons masked, and what the work needs.
    File,
}

impl Eyes {
    /// Returns how this caller looks at cases.
    #[must_use]
    pub fn of(caller: &Caller) -> Self {
        match caller.actor.role {
            _ if !caller.scope.sees_persons() => Self::Figures,
            Role::VillageAgent => Self::Helper,
            _ => Self::File,
        }
    }

    fn see_persons(self) -> bool {
        self != Self::Figures
    }

    fn read(self, name: &str) -> bool {
        match self {
            Self::Figures => false,
            Self::Helper => HELPING.contains(&name),
            Self::File => OPENED.contains(&name),
        }
    }
}

/// Turns what the log holds of one case into what one reader may see.
pub struct Reveal<'a> {
    vault: &'a Vault,
    context: String,
    eyes: Eyes,
    erased: bool,
}

impl<'a> Reveal<'a> {
    /// For a case, and a reader with these eyes.
    #[must_use]
    pub fn new(vault: &'a Vault, case: CaseId, eyes: Eyes) -> Self {
        Self::of(vault, &Subject::Case(case), eyes)
    }

    /// For any stream, likewise.
    #[must_use]
    pub fn of(vault: &'a Vault, stream: &Subject, eyes: Eyes) -> Self {
        Self { vault, context: stream.to_string(), eyes, erased: false }
    }

    /// For a case and a caller.
    #[must_use]
    pub fn to(caller: &Caller, vault: &'a Vault, case: CaseId) -> Self {
        Self::new(vault, case, Eyes::of(caller))
    }

    /// Returns whether anybody's key was gone.
    #[must_use]
    pub fn met_erased(&self) -> bool {
        self.erased
    }

    /// Returns the name of a party as a list shows it; nothing to who may not see persons.
    pub fn name(&mut self, party: &Party) -> Option<String> {
        self.eyes.see_persons().then(|| self.masked(party).0)
    }

    /// Replaces persons by their masked form, and sealed words by what they say.
    pub fn reveal(&mut self, value: &mut Value) {
        self.reveal_named("", value);
    }

    fn reveal_named(&mut self, name: &str, value: &mut Value) {
        match value {
            Value::Object(fields) => match (sealed(fields), party(fields)) {
                (Some(sealed), _) => *value = self.opened(name, &sealed),
                (None, Some(party)) => *value = self.shown_party(&party, fields),
                (None, None) => self.reveal_fields(name, fields),
            },
            Value::Array(values) => values.iter_mut().for_each(|value| self.reveal_named(name, value)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => (),
        }
    }

    fn reveal_fields(&mut self, name: &str, fields: &mut Map<String, Value>) {
        if !self.eyes.see_persons() {
            fields.remove("acting_for");
            // What stood for a paper names whose it was.
            if fields.get("subject").is_some_and(Value::is_string) {
                fields.remove("subject");
            }
            if fields.get("role").and_then(Value::as_str) == Some("resident") {
                fields.remove("id");
            }
        }
        // A text of the timeline stands beside its name; answers stand under who gave them.
        let beside = fields.get("name").and_then(Value::as_str).map(str::to_owned);
        for (field, value) in fields.iter_mut() {
            let known_as = match (field.as_str(), &beside) {
                ("text", Some(beside)) => beside,
                _ if name == "answers" => name,
                (field, _) => field,
            };
            self.reveal_named(known_as, value);
        }
    }

    fn opened(&mut self, name: &str, sealed: &Sealed) -> Value {
        let is_person = PERSONS.contains(&name);
        if !self.eyes.see_persons() || !(is_person || self.eyes.read(name)) {
            return json!({ "sealed": true });
        }
        match self.vault.open_sealed(sealed, &self.context) {
            Ok(text) if is_person => {
                let person = serde_json::from_str::<Person>(&text);
                person.map_or_else(|_| json!({ "sealed": true }), |person| json!(person.masked()))
            }
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
        if self.eyes.see_persons() {
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
    Some(Sealed { subject: subject.parse().ok()?, cipher: cipher.into() })
}

fn party(fields: &Map<String, Value>) -> Option<Party> {
    if !fields.contains_key("person") || !fields.contains_key("subject") {
        return None;
    }
    serde_json::from_value(Value::Object(fields.clone())).ok()
}
