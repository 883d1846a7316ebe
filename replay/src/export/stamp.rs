//! Moments as text: Fuzhou's, with offset, three digits of a second unless a moment is finer.

use crate::format::timestamp::MICROS_PER_DAY;
use chrono::DateTime;
use domain::zone::fuzhou;
use eventstore::Micros;

const MICROS_PER_HOUR: i64 = 3_600_000_000;
const MICROS_PER_MINUTE: i64 = 60_000_000;
const MICROS_PER_SECOND: i64 = 1_000_000;

/// Writes moments; the day written last is remembered, because neighbours mostly share it.
pub(super) struct Stamp {
    day: i64,
    date: String,
    text: String,
}

impl Default for Stamp {
    fn default() -> Self {
        Self { day: i64::MIN, date: String::new(), text: String::new() }
    }
}

impl Stamp {
    /// Returns a moment, such as `2021-11-01T09:00:00.000+08:00`.
    pub(super) fn of(&mut self, at: Micros) -> &str {
        let local = at + i64::from(fuzhou().local_minus_utc()) * MICROS_PER_SECOND;
        let (day, rest) = (local.div_euclid(MICROS_PER_DAY), local.rem_euclid(MICROS_PER_DAY));
        if day != self.day {
            let date = DateTime::from_timestamp(day * 86_400, 0).unwrap_or_default();
            self.date = date.format("%Y-%m-%dT").to_string();
            self.day = day;
        }
        self.text.clear();
        self.text.push_str(&self.date);
        self.digits(rest / MICROS_PER_HOUR, 2);
        self.text.push(':');
        self.digits(rest % MICROS_PER_HOUR / MICROS_PER_MINUTE, 2);
        self.text.push(':');
        self.digits(rest % MICROS_PER_MINUTE / MICROS_PER_SECOND, 2);
        self.text.push('.');
        let micros = rest % MICROS_PER_SECOND;
        if micros % 1_000 == 0 {
            self.digits(micros / 1_000, 3)
        } else {
            self.digits(micros, 6)
        }
        self.text.push_str("+08:00");
        &self.text
    }

    fn digits(&mut self, number: i64, count: u32) {
        for place in (0..count).rev() {
            let digit = number / 10_i64.pow(place) % 10;
            self.text.push(char::from(b'0' + digit as u8));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::timestamp;

    #[test]
    fn a_moment_is_fuzhous_and_as_fine_as_it_must_be() {
        let mut stamp = Stamp::default();
        for (given, written) in [
            ("2021-11-01T01:00:00Z", "2021-11-01T09:00:00.000+08:00"),
            ("2021-10-31T16:00:00.5Z", "2021-11-01T00:00:00.500+08:00"),
            ("1969-12-31T15:59:59.999999Z", "1969-12-31T23:59:59.999999+08:00"),
            ("2024-02-29T15:00:00.000001Z", "2024-02-29T23:00:00.000001+08:00"),
        ] {
            let at = timestamp::parse(given).unwrap();
            assert_eq!(stamp.of(at), written);
            assert_eq!(timestamp::parse(written), Some(at));
        }
    }
}
