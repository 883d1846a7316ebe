//! Moments as foreign logs write them.

/// Parses an `xs:dateTime` (or its cousins in tables) to microseconds since 1970 in UTC.
///
/// Read are `T` or a space between date and time, seconds and their fraction left out, a fraction of any length (cut
/// after microseconds), `Z`, `+hh:mm`, `+hhmm`, `+hh`, a date alone (its midnight), and `24:00:00` (the next midnight).
/// Without a zone a moment counts as UTC, which is what the usual tools make of it.
#[must_use]
pub fn parse(raw: &str) -> Option<i64> {
    let mut text = Cursor(raw.trim().as_bytes());
    let year = text.number(4)?;
    text.literal(b'-')?;
    let month = text.number(2)?;
    text.literal(b'-')?;
    let day = text.number(2)?;
    if !(1..=12).contains(&month) || day < 1 || day > days_of_month(year, month) {
        return None;
    }
    let midnight = days_since_1970(year, month, day) * MICROS_PER_DAY;
    if text.0.is_empty() {
        return Some(midnight);
    }

    text.literal(b'T').or_else(|| text.literal(b't')).or_else(|| text.literal(b' '))?;
    let since_midnight = time_of_day(&mut text)?;
    let offset = offset(&mut text)?;
    text.0.is_empty().then_some(midnight + since_midnight - offset)
}

const MICROS_PER_SECOND: i64 = 1_000_000;
const MICROS_PER_MINUTE: i64 = 60 * MICROS_PER_SECOND;
const MICROS_PER_HOUR: i64 = 60 * MICROS_PER_MINUTE;
pub(crate) const MICROS_PER_DAY: i64 = 24 * MICROS_PER_HOUR;

struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    fn number(&mut self, digits: usize) -> Option<i64> {
        let (head, tail) = self.0.split_at_checked(digits)?;
        let mut value = 0;
        for byte in head {
            value = value * 10 + i64::from(byte.is_ascii_digit().then(|| byte - b'0')?);
        }
        self.0 = tail;
        Some(value)
    }

    fn literal(&mut self, byte: u8) -> Option<()> {
        let (first, tail) = self.0.split_first()?;
        (*first == byte).then(|| self.0 = tail)
    }
}

fn time_of_day(text: &mut Cursor) -> Option<i64> {
    let hour = text.number(2)?;
    text.literal(b':')?;
    let minute = text.number(2)?;
    let second = if text.literal(b':').is_some() { text.number(2)? } else { 0 };
    let micros = if text.literal(b'.').is_some() || text.literal(b',').is_some() { fraction(text)? } else { 0 };

    let in_day = hour < 24 && minute < 60 && second < 60;
    let end_of_day = hour == 24 && minute == 0 && second == 0 && micros == 0;
    (in_day || end_of_day)
        .then_some(hour * MICROS_PER_HOUR + minute * MICROS_PER_MINUTE + second * MICROS_PER_SECOND + micros)
}

fn fraction(text: &mut Cursor) -> Option<i64> {
    let digits = text.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (head, tail) = text.0.split_at(digits);
    let mut micros = 0;
    let mut unit = MICROS_PER_SECOND / 10;
    for byte in head {
        micros += i64::from(byte - b'0') * unit;
        unit /= 10;
    }
    text.0 = tail;
    (digits > 0).then_some(micros)
}

fn offset(text: &mut Cursor) -> Option<i64> {
    // Some tables leave a space before the zone.
    while text.literal(b' ').is_some() {}
    let sign = match text.0.first() {
        None => return Some(0),
        Some(b'Z' | b'z') => {
            text.0 = &text.0[1..];
            return Some(0);
        }
        Some(b'+') => 1,
        Some(b'-') => -1,
        Some(_) => return None,
    };
    text.0 = &text.0[1..];
    let hours = text.number(2)?;
    let colon = text.literal(b':').is_some();
    let minutes = if colon || !text.0.is_empty() { text.number(2)? } else { 0 };
    (hours <= 23 && minutes <= 59).then_some(sign * (hours * MICROS_PER_HOUR + minutes * MICROS_PER_MINUTE))
}

fn days_of_month(year: i64, month: i64) -> i64 {
    let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Counts days in the proleptic Gregorian calendar, years starting in March so that the leap day comes last.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    const DAYS_FROM_0000_03_01_TO_1970: i64 = 719_468;
    let year = if month <= 2 { year - 1 } else { year };
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + day_of_year
        - DAYS_FROM_0000_03_01_TO_1970
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;

    #[track_caller]
    fn check(raw: &str, same_as: &str) {
        let expected = DateTime::parse_from_rfc3339(same_as).unwrap().timestamp_micros();
        assert_eq!(parse(raw), Some(expected), "{raw}");
    }

    #[test]
    fn an_offset_moves_the_moment_to_utc() {
        check("2010-12-30T14:32:00.000+01:00", "2010-12-30T13:32:00Z");
        check("2021-03-01T00:15:00+08:00", "2021-02-28T16:15:00Z");
        check("2021-02-28T20:15:00-0330", "2021-02-28T23:45:00Z");
        check("2021-02-28T20:15:00+02", "2021-02-28T18:15:00Z");
    }

    #[test]
    fn a_moment_without_a_zone_is_utc() {
        check("2024-02-29T23:59:59", "2024-02-29T23:59:59Z");
        check("2024-02-29 23:59", "2024-02-29T23:59:00Z");
        check("2024-02-29", "2024-02-29T00:00:00Z");
        check("1969-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999Z");
    }

    #[test]
    fn a_fraction_may_have_any_length() {
        check("2024-01-01T00:00:00.5Z", "2024-01-01T00:00:00.5Z");
        check("2024-01-01T00:00:00.123456789Z", "2024-01-01T00:00:00.123456Z");
    }

    #[test]
    fn the_end_of_a_day_is_the_next_midnight() {
        check("2023-12-31T24:00:00Z", "2024-01-01T00:00:00Z");
    }

    #[test]
    fn every_day_of_four_centuries_agrees_with_chrono() {
        let mut day = chrono::NaiveDate::from_ymd_opt(1800, 1, 1).unwrap();
        while day < chrono::NaiveDate::from_ymd_opt(2201, 1, 1).unwrap() {
            let expected = day.and_hms_opt(0, 0, 0).unwrap().and_utc().timestamp_micros();
            assert_eq!(parse(&day.to_string()), Some(expected), "{day}");
            day = day.succ_opt().unwrap();
        }
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for raw in [
            "",
            "yesterday",
            "2023-02-29",
            "2023-13-01",
            "2023-00-10",
            "2023-01-01T25:00:00",
            "2023-01-01T24:00:01",
            "2023-01-01T10:60:00",
            "2023-01-01T10:00:00.",
            "2023-01-01T10:00:00+",
            "2023-01-01T10:00:00+1:00",
            "2023-01-01T10:00:00 CET",
            "23-01-01",
            "１999-01-01",
        ] {
            assert_eq!(parse(raw), None, "{raw}");
        }
    }
}
