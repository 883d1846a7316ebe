//! Each text once: folds keep small numbers in their cells and the texts in one list.

use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::hash::Hash;
use std::num::NonZeroU32;

/// Stands for one entry of a [`Names`] list: the place at which it first appeared, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Code(NonZeroU32);

impl Code {
    /// The code of the first entry: no code is less.
    pub(crate) const FIRST: Self = Self(NonZeroU32::MIN);

    /// Returns the place, from 1.
    pub(crate) fn number(self) -> u32 {
        self.0.get()
    }

    /// Returns the code of a place; 0 is none.
    pub(crate) fn of_number(number: u32) -> Option<Self> {
        NonZeroU32::new(number).map(Self)
    }
}

/// A list in which every entry appears once, in the order of first appearance; the same history gives the same codes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    from = "Vec<T>",
    into = "Vec<T>",
    bound(serialize = "T: Eq + Hash + Clone + Serialize", deserialize = "T: Eq + Hash + Clone + Deserialize<'de>")
)]
pub struct Names<T: Eq + Hash + Clone> {
    list: Vec<T>,
    // Follows from the list and is only ever looked things up in, so that its order shows nowhere.
    codes: HashMap<T, Code>,
}

impl<T: Eq + Hash + Clone> Default for Names<T> {
    fn default() -> Self {
        Self { list: Vec::new(), codes: HashMap::new() }
    }
}

impl<T: Eq + Hash + Clone> Names<T> {
    /// Returns the entry's code, entering it if it is new.
    pub fn code(&mut self, name: &T) -> Code {
        if let Some(code) = self.codes.get(name) {
            return *code;
        }
        self.list.push(name.clone());
        let count = u32::try_from(self.list.len()).ok().and_then(NonZeroU32::new);
        // A list of four thousand million different names does not fit in memory; the last code is shared from there on.
        let code = Code(count.unwrap_or(NonZeroU32::MAX));
        self.codes.insert(name.clone(), code);
        code
    }

    /// Returns the code of an entry that is there.
    #[must_use]
    pub fn find(&self, name: &T) -> Option<Code> {
        self.codes.get(name).copied()
    }

    /// Returns the entry behind a code.
    #[must_use]
    pub fn name(&self, code: Code) -> Option<&T> {
        let place = usize::try_from(code.0.get()).ok()?;
        self.list.get(place - 1)
    }

    /// Returns how many entries there are.
    pub(crate) fn count(&self) -> usize {
        self.list.len()
    }

    /// Returns every entry with its code, in the order of first appearance.
    pub fn iter(&self) -> impl Iterator<Item = (Code, &T)> {
        (1..).map_while(NonZeroU32::new).map(Code).zip(&self.list)
    }
}

impl<T: Eq + Hash + Clone> From<Vec<T>> for Names<T> {
    fn from(list: Vec<T>) -> Self {
        let mut names = Self::default();
        for name in &list {
            names.code(name);
        }
        names
    }
}

impl<T: Eq + Hash + Clone> From<Names<T>> for Vec<T> {
    fn from(names: Names<T>) -> Self {
        names.list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_its_code_and_comes_back_by_it() {
        let mut names = Names::<String>::default();
        let first = names.code(&"b".to_owned());
        let second = names.code(&"a".to_owned());
        assert_eq!(names.code(&"b".to_owned()), first);
        assert_eq!(names.name(second).map(String::as_str), Some("a"));
        assert_eq!(names.find(&"c".to_owned()), None);
        assert_eq!(
            names.iter().map(|(code, name)| (code, name.as_str())).collect::<Vec<_>>(),
            [(first, "b"), (second, "a")]
        );
    }

    #[test]
    fn names_come_back_from_json_with_the_same_codes() {
        let mut names = Names::<String>::default();
        names.code(&"b".to_owned());
        names.code(&"a".to_owned());
        let json = serde_json::to_string(&names).unwrap();
        assert_eq!(json, r#"["b","a"]"#);
        assert_eq!(serde_json::from_str::<Names<String>>(&json).unwrap(), names);
    }
}
