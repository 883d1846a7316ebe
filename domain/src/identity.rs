//! Identity numbers of people (GB 11643) and firms (GB 32100): checking them, what they tell, and hiding them.
//!
//! The region in a number is where it was issued, perhaps sixty years ago; it is never checked against today's regions.

use crate::sealed::AgeBand;
use chrono::{Datelike, NaiveDate};

/// A resident identity number (居民身份证号) with a right check character, or an old one of 15 digits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct IdNumber {
    digits: Box<str>,
    born_on: NaiveDate,
}

/// Why a text is no resident identity number. It may still be the number of another document, or a slip of old.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdNumberFlaw {
    /// Neither 15 digits nor 18 characters.
    #[error("an identity number has 18 characters, or 15 if it is an old one")]
    Length,
    /// Something other than digits and a final X.
    #[error("an identity number consists of digits, and perhaps a final X")]
    Character,
    /// No such day.
    #[error("the birth date in the identity number does not exist")]
    BirthDate,
    /// The check character does not fit the others.
    #[error("the check character of the identity number does not fit")]
    CheckCharacter,
}

/// A number as somebody gave it: sound, or kept as it is with what is wrong. Old files hold both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GivenNumber {
    /// A resident identity number.
    Sound(IdNumber),
    /// Some other number: of a passport, of an officer, or a mistaken one.
    Doubtful(IdNumberFlaw),
}

impl GivenNumber {
    /// Looks at a number without refusing it.
    #[must_use]
    pub fn of(text: &str) -> Self {
        match IdNumber::parse(text) {
            Ok(number) => Self::Sound(number),
            Err(flaw) => Self::Doubtful(flaw),
        }
    }
}

const ID_WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
const ID_CHECKS: [char; 11] = ['1', '0', 'X', '9', '8', '7', '6', '5', '4', '3', '2'];

/// Returns the check character that follows these 17 digits (GB 11643); what is no digit counts as 0.
#[must_use]
pub fn check_character(body: &str) -> char {
    let sum: u32 = body.chars().zip(ID_WEIGHTS).map(|(digit, weight)| digit.to_digit(10).unwrap_or(0) * weight).sum();
    ID_CHECKS[sum as usize % ID_CHECKS.len()]
}

impl IdNumber {
    /// Reads a number: blanks around it are ignored, a lower-case x is taken for X.
    ///
    /// # Errors
    /// The first flaw found. Callers that take in old data keep the number all the same.
    pub fn parse(text: &str) -> Result<Self, IdNumberFlaw> {
        let digits = text.trim().to_ascii_uppercase();
        match digits.len() {
            18 => Self::parse_18(digits),
            15 => Self::parse_15(digits),
            _ => Err(IdNumberFlaw::Length),
        }
    }

    fn parse_18(digits: String) -> Result<Self, IdNumberFlaw> {
        let (body, check) = digits.split_at_checked(17).ok_or(IdNumberFlaw::Character)?;
        if !body.bytes().all(|c| c.is_ascii_digit()) {
            return Err(IdNumberFlaw::Character);
        }
        let check = match check.as_bytes() {
            [check] if check.is_ascii_digit() || *check == b'X' => *check,
            _ => return Err(IdNumberFlaw::Character),
        };
        let born_on = date(body.get(6..14).unwrap_or_default()).ok_or(IdNumberFlaw::BirthDate)?;
        if check_character(body) != char::from(check) {
            return Err(IdNumberFlaw::CheckCharacter);
        }
        Ok(Self { digits: digits.into(), born_on })
    }

    /// Numbers issued before 2000: the birth year without its century, no check character.
    fn parse_15(digits: String) -> Result<Self, IdNumberFlaw> {
        if !digits.bytes().all(|c| c.is_ascii_digit()) {
            return Err(IdNumberFlaw::Character);
        }
        let century_19 = format!("19{}", digits.get(6..12).unwrap_or_default());
        let born_on = date(&century_19).ok_or(IdNumberFlaw::BirthDate)?;
        Ok(Self { digits: digits.into(), born_on })
    }

    /// Returns the number, with an upper-case X.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.digits
    }

    /// Returns the number in 18 characters, so that a person's old and new number are one.
    #[must_use]
    pub fn in_18(&self) -> String {
        if self.digits.len() == 18 {
            return self.digits.to_string();
        }
        let (region, rest) = self.digits.split_at_checked(6).unwrap_or((&self.digits, ""));
        let body = format!("{region}19{rest}");
        let check = check_character(&body);
        format!("{body}{check}")
    }

    /// Returns the birth date.
    #[must_use]
    pub fn born_on(&self) -> NaiveDate {
        self.born_on
    }

    /// Returns how old the person is on this day, coarsely.
    #[must_use]
    pub fn age_band(&self, day: NaiveDate) -> AgeBand {
        age_band(self.born_on, day)
    }
}

/// Hides what it holds: numbers must not reach a log by accident.
impl std::fmt::Debug for IdNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("IdNumber(…)")
    }
}

fn date(yyyymmdd: &str) -> Option<NaiveDate> {
    let year = yyyymmdd.get(..4)?.parse().ok()?;
    let month = yyyymmdd.get(4..6)?.parse().ok()?;
    let day = yyyymmdd.get(6..8)?.parse().ok()?;
    NaiveDate::from_ymd_opt(year, month, day)
}

/// Returns how old a person born on `born_on` is on this day, coarsely. One is a year older from the birthday on.
#[must_use]
pub fn age_band(born_on: NaiveDate, day: NaiveDate) -> AgeBand {
    let birthday_to_come = (day.month(), day.day()) < (born_on.month(), born_on.day());
    let age = day.year() - born_on.year() - i32::from(birthday_to_come);
    match age {
        ..14 => AgeBand::Under14,
        14..18 => AgeBand::From14,
        18..60 => AgeBand::From18,
        60..80 => AgeBand::From60,
        80.. => AgeBand::From80,
    }
}

const CREDIT_ALPHABET: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
const CREDIT_WEIGHTS: [usize; 17] = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28];

/// Returns whether the text is a unified social credit code (统一社会信用代码) with a right check character.
#[must_use]
pub fn is_credit_code(text: &str) -> bool {
    let value = |character: u8| CREDIT_ALPHABET.iter().position(|known| *known == character.to_ascii_uppercase());
    let Some(values) = text.trim().bytes().map(value).collect::<Option<Vec<usize>>>() else { return false };
    let [body @ .., check] = values.as_slice() else { return false };
    let sum: usize = body.iter().zip(CREDIT_WEIGHTS).map(|(value, weight)| value * weight).sum();
    body.len() == CREDIT_WEIGHTS.len() && *check == (31 - sum % 31) % 31
}

/// Returns a name with all but its first character hidden: `张*`.
#[must_use]
pub fn mask_name(name: &str) -> String {
    // One star for any length: the number of characters would tell more of a rare name than it needs to.
    name.trim().chars().take(1).chain(['*']).collect()
}

/// Returns an identity number with its first 6 and last 4 characters showing.
#[must_use]
pub fn mask_id_number(number: &str) -> String {
    mask(number, 6, 4)
}

/// Returns a phone number with its first 3 and last 4 digits showing.
#[must_use]
pub fn mask_phone(phone: &str) -> String {
    mask(phone, 3, 4)
}

/// Returns a bank card's number with its last 4 digits showing.
#[must_use]
pub fn mask_bank_card(number: &str) -> String {
    mask(number, 0, 4)
}

/// Text too short to hide anything in shows nothing at all.
fn mask(text: &str, first: usize, last: usize) -> String {
    let length = text.trim().chars().count();
    let shown = |place: usize| first + last < length && (place < first || length - last <= place);
    text.trim().chars().enumerate().map(|(place, character)| if shown(place) { character } else { '*' }).collect()
}

#[cfg(test)]
mod tests;
