//! Cells gathered into the groups of an answer. A question may read tens of thousands of cells and answers with a few rows:
//! a group is told by small numbers while cells are read, and by texts once it has become a row.

use crate::names::{Code, Names};
use crate::scope::Month;
use chrono::{Datelike as _, NaiveDate};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hash, Hasher};

/// What tells one group from another: one number for each dimension, 0 where it was not asked for or there is nothing.
pub(crate) type Slots<const N: usize> = [u32; N];

/// Groups in the order in which they were met. The map only finds them again and is never walked through, so the same cells give
/// the same groups in the same order.
pub(crate) struct Gathered<const N: usize, T> {
    groups: Vec<(Slots<N>, T)>,
    places: HashMap<Slots<N>, usize, BuildHasherDefault<Mixer>>,
}

impl<const N: usize, T> Default for Gathered<N, T> {
    fn default() -> Self {
        Self { groups: Vec::new(), places: HashMap::default() }
    }
}

impl<const N: usize, T: Default> Gathered<N, T> {
    /// Returns the group with these slots.
    pub(crate) fn group(&mut self, slots: Slots<N>) -> &mut T {
        let Self { groups, places } = self;
        let place = *places.entry(slots).or_insert_with(|| {
            groups.push((slots, T::default()));
            groups.len() - 1
        });
        &mut groups[place].1
    }

    /// Returns the group with these slots, if there is one.
    pub(crate) fn get(&self, slots: &Slots<N>) -> Option<&T> {
        self.places.get(slots).map(|place| &self.groups[*place].1)
    }

    /// Returns every group with its slots.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &(Slots<N>, T)> {
        self.groups.iter()
    }
}

/// Mixes a few small numbers quickly. They are codes of our own, not anybody's input, so nobody can make them collide.
#[derive(Default)]
pub(crate) struct Mixer(u64);

impl Hasher for Mixer {
    fn finish(&self) -> u64 {
        // What a product mixes well stands in its upper half, and a table looks at the lower one as well.
        self.0 ^ self.0 >> 32
    }

    fn write(&mut self, bytes: &[u8]) {
        for some in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..some.len()].copy_from_slice(some);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u64(&mut self, word: u64) {
        // The golden ratio of 2^64: it spreads numbers that follow each other.
        self.0 = (self.0.rotate_left(26) ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }

    fn write_usize(&mut self, word: usize) {
        self.write_u64(word as u64);
    }
}

/// Returns the slot of a name that may be absent.
pub(crate) fn name_slot(name: Option<Code>) -> u32 {
    name.map_or(0, Code::number)
}

/// Returns the name behind a slot.
pub(crate) fn name_of<T: Eq + Hash + Clone>(names: &Names<T>, slot: u32) -> Option<&T> {
    names.name(Code::of_number(slot)?)
}

/// Returns the name behind a slot, as it is written.
pub(crate) fn name_text<T: Eq + Hash + Clone + ToString>(names: &Names<T>, slot: u32) -> Option<String> {
    name_of(names, slot).map(ToString::to_string)
}

/// Returns the slot of the month in which a day lies: months since the year 0, from 1. Days before it do not occur, and share a slot.
pub(crate) fn month_slot(day: NaiveDate) -> u32 {
    u32::try_from(day.year()).unwrap_or(0) * 12 + day.month()
}

/// Returns the month behind a slot, as it is written.
pub(crate) fn month_text(slot: u32) -> Option<String> {
    let months = slot.checked_sub(1)?;
    let first = NaiveDate::from_ymd_opt(i32::try_from(months / 12).ok()?, months % 12 + 1, 1)?;
    Some(Month::of(first).to_string())
}

/// Which of a list of names are wanted, by their codes.
pub(crate) struct Wanted(Vec<bool>);

impl Wanted {
    /// Of so many names, those whose codes are given.
    pub(crate) fn only(names: usize, codes: impl IntoIterator<Item = Code>) -> Self {
        let mut wanted = vec![false; names];
        for code in codes {
            if let Some(flag) = wanted.get_mut(code.number() as usize - 1) {
                *flag = true;
            }
        }
        Self(wanted)
    }

    pub(crate) fn contains(&self, code: Code) -> bool {
        self.0.get(code.number() as usize - 1).copied().unwrap_or(false)
    }
}

/// The one name that is asked for, if any is: one that never occurred finds nothing.
pub(crate) struct Named(Option<Option<Code>>);

impl Named {
    /// Of these names, the one that is asked for.
    pub(crate) fn of<T: Eq + Hash + Clone>(asked: Option<&T>, names: &Names<T>) -> Self {
        Self(asked.map(|asked| names.find(asked)))
    }

    /// Tells whether something with this name is wanted.
    pub(crate) fn wants(&self, name: Option<Code>) -> bool {
        self.0.is_none_or(|asked| asked.is_some() && name == asked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_come_in_the_order_in_which_they_were_met() {
        let mut gathered = Gathered::<2, i64>::default();
        for slots in [[7, 1], [3, 0], [7, 1], [1, 7]] {
            *gathered.group(slots) += 1;
        }
        let found: Vec<_> = gathered.iter().copied().collect();
        assert_eq!(found, [([7, 1], 2), ([3, 0], 1), ([1, 7], 1)]);
        assert_eq!((gathered.get(&[3, 0]), gathered.get(&[0, 3])), (Some(&1), None));
    }

    #[test]
    fn a_month_comes_back_from_its_slot() {
        let day = NaiveDate::from_ymd_opt(2025, 12, 31).unwrap();
        assert_eq!(month_text(month_slot(day)).as_deref(), Some("2025-12"));
        assert_eq!(month_slot(day) + 1, month_slot(day.succ_opt().unwrap()));
        assert_eq!(month_text(0), None);
    }

    #[test]
    fn only_what_is_wanted_is_wanted() {
        let mut names = Names::<String>::default();
        let codes = ["a", "b", "c"].map(|name| names.code(&name.to_owned()));
        let wanted = Wanted::only(2, [codes[1]]);
        assert_eq!(codes.map(|code| wanted.contains(code)), [false, true, false]);
    }
}
