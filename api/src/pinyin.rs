//! Finding Chinese names by what people type: characters, pinyin, or the initials of pinyin (`dbbz` for 低保补助).

use pinyin::ToPinyinMulti as _;

/// What is looked for, in the three ways in which it may be meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sought {
    lower: String,
    /// Letters and digits alone, where there is nothing else: it may be pinyin.
    letters: Option<String>,
}

impl Sought {
    /// Looks for this text; nothing if it is blank.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let lower = text.trim().to_lowercase();
        let letters: String = lower.chars().filter(|c| !c.is_whitespace() && *c != '\'').collect();
        let typed_as_pinyin = letters.bytes().all(|byte| byte.is_ascii_alphanumeric());
        (!lower.is_empty()).then(|| Self { lower, letters: typed_as_pinyin.then_some(letters) })
    }

    /// Tells whether a name in any language contains it.
    #[must_use]
    pub fn is_in(&self, name: &str) -> bool {
        name.to_lowercase().contains(&self.lower)
    }

    /// Tells whether a Chinese name contains it, as characters, as pinyin from the beginning of a character on, or as
    /// initials. A character with several readings is found by each of them.
    #[must_use]
    pub fn is_in_chinese(&self, name: &str) -> bool {
        if self.is_in(name) {
            return true;
        }
        let Some(letters) = &self.letters else { return false };
        let characters: Vec<Vec<&str>> = name.chars().map(readings).filter(|readings| !readings.is_empty()).collect();
        (0..characters.len()).any(|from| begins_with(&characters[from..], letters))
    }
}

/// The readings of a character without their tones; a letter or digit has none.
fn readings(character: char) -> Vec<&'static str> {
    let mut readings: Vec<_> = character.to_pinyin_multi().into_iter().flatten().map(pinyin::Pinyin::plain).collect();
    readings.sort_unstable();
    readings.dedup();
    readings
}

/// Tells whether what is typed can be read off these characters in order, each by its initial or as a whole; the last
/// one may be unfinished.
fn begins_with(characters: &[Vec<&str>], typed: &str) -> bool {
    let Some((first, rest)) = characters.split_first() else { return false };
    first.iter().any(|reading| {
        let parts = [*reading, reading.get(..1).unwrap_or_default()];
        let goes_on = |part: &str| typed.strip_prefix(part).is_some_and(|typed| begins_with(rest, typed));
        reading.starts_with(typed) || parts.into_iter().any(|part| !part.is_empty() && goes_on(part))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finds(typed: &str, name: &str) -> bool {
        Sought::new(typed).is_some_and(|sought| sought.is_in_chinese(name))
    }

    #[test]
    fn a_name_is_found_by_characters_pinyin_and_initials() {
        for typed in ["低保", "dbbz", "DBBZ", "dibaobuzhu", "dibao", "dibbz", "bz", "di bao", " 补助 ", "dibaob"] {
            assert!(finds(typed, "低保补助"), "{typed}");
        }
        for typed in ["dbzb", "保低", "ibao", "dbbzz", "低保证"] {
            assert!(!finds(typed, "低保补助"), "{typed}");
        }
    }

    #[test]
    fn a_character_is_found_by_each_of_its_readings() {
        assert!(finds("chongfu", "重复") && finds("zhongdu", "重度") && finds("cf", "重复"));
    }

    #[test]
    fn digits_stand_as_they_are_and_do_not_hinder() {
        assert!(finds("60", "60周岁以上") && finds("zsys", "60周岁以上"));
    }

    #[test]
    fn nothing_is_looked_for_in_nothing() {
        assert_eq!(Sought::new("  "), None);
    }
}
