//! Region codes 行政区划代码 with their validity in time: 6 digits for a county, 9 for a township, 12 for a village.
//!
//! Codes change: people born in 南丰 before 2000 carry 362524, while the county is 361023 today. Statistics may be asked
//! for "as of then" or "as of now"; the latter goes through [`as_now`].

use crate::ids::RegionCode;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// A region during the years its code was in use.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Region {
    /// Its code.
    pub code: RegionCode,
    /// 名称.
    pub name: String,
    /// Its English name, where it has a usual one.
    #[serde(default)]
    pub name_en: Option<String>,
    /// The first year of the code, where known.
    #[serde(default)]
    pub from: Option<i32>,
    /// The year in which the code was given up, where it was.
    #[serde(default)]
    pub to: Option<i32>,
    /// The code that took its place.
    #[serde(default)]
    pub successor: Option<RegionCode>,
}

static REGIONS: LazyLock<BTreeMap<RegionCode, Region>> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "the text is part of the program; a test reads it")]
    let regions: Vec<Region> =
        serde_json::from_str(include_str!("../data/regions.json")).expect("data/regions.json holds regions");
    regions.into_iter().map(|region| (region.code.clone(), region)).collect()
});

/// Returns every region known, old ones included, by code.
pub fn all() -> impl Iterator<Item = &'static Region> {
    REGIONS.values()
}

/// Returns what is known of a code.
#[must_use]
pub fn get(code: &RegionCode) -> Option<&'static Region> {
    REGIONS.get(code)
}

/// Returns the region's name; villages without an entry of their own have none.
#[must_use]
pub fn name(code: &RegionCode) -> Option<&'static str> {
    REGIONS.get(code).map(|region| region.name.as_str())
}

/// Returns the code of the county in which the region lies, or the code itself if it is no longer than a county's.
#[must_use]
pub fn county_of(code: &RegionCode) -> RegionCode {
    cut(code, COUNTY_DIGITS)
}

/// Returns the code of the township in which the region lies, if it is at least as narrow as a township.
#[must_use]
pub fn township_of(code: &RegionCode) -> Option<RegionCode> {
    (TOWNSHIP_DIGITS <= code.as_str().len()).then(|| cut(code, TOWNSHIP_DIGITS))
}

/// Returns the code under which the region is known today: successors are followed, for townships and villages too.
#[must_use]
pub fn as_now(code: &RegionCode) -> RegionCode {
    let mut county = county_of(code);
    // The table has no cycles; the bound keeps a faulty table from hanging the program.
    for _ in 0..SUCCESSIONS_MAX {
        match REGIONS.get(&county).and_then(|region| region.successor.as_ref()) {
            Some(successor) => county = successor.clone(),
            None => break,
        }
    }
    let within_county = code.as_str().get(COUNTY_DIGITS..).unwrap_or_default();
    format!("{county}{within_county}").parse().unwrap_or_else(|_| code.clone())
}

/// Returns whether `inner` is `outer` or lies in it. Both as of the same time.
#[must_use]
pub fn lies_in(inner: &RegionCode, outer: &RegionCode) -> bool {
    inner.as_str().starts_with(significant(outer))
}

const COUNTY_DIGITS: usize = 6;
const TOWNSHIP_DIGITS: usize = 9;
const SUCCESSIONS_MAX: usize = 8;

/// A code without the zeros that only fill it up, two or three at a time: `36` for `360000`, `361023100` for
/// `361023100000`.
pub(crate) fn significant(code: &RegionCode) -> &str {
    let mut digits = code.as_str();
    for (length, filler) in [(12, "000"), (9, "000"), (6, "00"), (4, "00")] {
        if digits.len() == length {
            digits = digits.strip_suffix(filler).unwrap_or(digits);
        }
    }
    digits
}

fn cut(code: &RegionCode, digits: usize) -> RegionCode {
    let shorter = code.as_str().get(..digits).and_then(|prefix| prefix.parse().ok());
    shorter.unwrap_or_else(|| code.clone())
}

#[cfg(test)]
mod tests;
