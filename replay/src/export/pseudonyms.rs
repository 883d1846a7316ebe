//! Other names for cases and people: the same throughout one export, and unlike in the next unless a key is given.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use std::collections::HashMap;
use std::fmt;

/// How many bytes a key has.
pub const KEY_BYTES: usize = 32;
/// How many names are remembered; those of others are made again, which takes a moment longer.
const REMEMBERED_MAX: usize = 65_536;
/// Crockford's alphabet: no letter looks like a number.
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// 80 bits: among ten million names, no two are alike with all likelihood.
const NAME_LETTERS: usize = 16;

/// What makes pseudonyms. Who has it can tell whether two exports speak of one person, and no more.
#[derive(Clone)]
pub struct PseudonymKey([u8; KEY_BYTES]);

impl PseudonymKey {
    /// Returns the key.
    #[must_use]
    pub fn new(bytes: [u8; KEY_BYTES]) -> Self {
        Self(bytes)
    }

    /// Returns the key that a text of any length makes.
    #[must_use]
    pub fn of_text(text: &[u8]) -> Self {
        use sha2::Digest as _;
        Self(Sha256::digest(text).into())
    }
}

impl fmt::Debug for PseudonymKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PseudonymKey(…)")
    }
}

/// What is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Named {
    /// A case 办件.
    Case,
    /// A person: member of staff, applicant, or who did something in a legacy system.
    Person,
    /// Anything else that was given a name or number of its own.
    Thing,
}

impl Named {
    fn prefix(self) -> &'static str {
        match self {
            Self::Case => "c-",
            Self::Person => "p-",
            Self::Thing => "x-",
        }
    }
}

/// Gives pseudonyms.
pub(super) struct Pseudonyms {
    keyed: Hmac<Sha256>,
    people: HashMap<Box<str>, Box<str>>,
}

impl Pseudonyms {
    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
    pub(super) fn new(key: &PseudonymKey) -> Self {
        Self { keyed: Hmac::new_from_slice(&key.0).expect("a key of any length"), people: HashMap::new() }
    }

    /// Returns the pseudonym of something.
    pub(super) fn of(&self, named: Named, name: &str) -> String {
        let mut pseudonym = String::with_capacity(2 + NAME_LETTERS);
        pseudonym.push_str(named.prefix());
        let mut bits = u128::from_be_bytes(self.bytes(named, name));
        for _ in 0..NAME_LETTERS {
            pseudonym.push(char::from(LETTERS[(bits >> 123) as usize]));
            bits <<= 5;
        }
        pseudonym
    }

    /// Returns the pseudonym of a person. The same few are named again and again.
    pub(super) fn of_person(&mut self, name: &str) -> &str {
        if !self.people.contains_key(name) {
            let pseudonym = self.of(Named::Person, name).into();
            if REMEMBERED_MAX <= self.people.len() {
                self.people.clear();
            }
            self.people.insert(name.into(), pseudonym);
        }
        self.people.get(name).map_or("", |pseudonym| pseudonym)
    }

    /// Returns 128 bits that stand for a name and tell nothing of it.
    pub(super) fn bytes(&self, named: Named, name: &str) -> [u8; 16] {
        let mut hash = self.keyed.clone();
        hash.update(named.prefix().as_bytes());
        hash.update(name.as_bytes());
        let whole: [u8; 32] = hash.finalize().into_bytes().into();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&whole[..16]);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pseudonyms(key: &[u8]) -> Pseudonyms {
        Pseudonyms::new(&PseudonymKey::of_text(key))
    }

    #[test]
    fn a_pseudonym_is_stable_under_one_key_and_another_under_the_next() {
        let mut one = pseudonyms(b"one");
        let name = one.of(Named::Case, "01ARZ3NDEKTSV4RRFFQ69G5FAV");
        assert_eq!(name, pseudonyms(b"one").of(Named::Case, "01ARZ3NDEKTSV4RRFFQ69G5FAV"));
        assert_ne!(name, pseudonyms(b"two").of(Named::Case, "01ARZ3NDEKTSV4RRFFQ69G5FAV"));
        assert_ne!(name[2..], one.of(Named::Person, "01ARZ3NDEKTSV4RRFFQ69G5FAV")[2..]);
        let person = one.of(Named::Person, "wang");
        assert_eq!(one.of_person("wang"), person);
        assert_eq!(one.of_person("wang"), person, "also when it is remembered");
    }

    #[test]
    fn a_pseudonym_tells_nothing_of_the_name() {
        let name = pseudonyms(b"k").of(Named::Person, "wang");
        assert!(!name.contains("wang") && name.len() == 2 + NAME_LETTERS, "{name}");
    }
}
