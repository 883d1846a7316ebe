//! The city's time: a day, a month and the end of a day are Fuzhou's.

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveTime, Offset as _, Utc};

/// A moment.
pub type Instant = DateTime<Utc>;

/// China Standard Time, all year (+08:00).
#[must_use]
pub fn fuzhou() -> FixedOffset {
    const SECONDS_EAST: i32 = 8 * 3600;
    // 28,800 seconds lie within a day, so the constructor cannot refuse them.
    FixedOffset::east_opt(SECONDS_EAST).unwrap_or_else(|| Utc.fix())
}

/// Returns the day in Fuzhou at this moment.
#[must_use]
pub fn day_of(at: Instant) -> NaiveDate {
    at.with_timezone(&fuzhou()).date_naive()
}

/// Returns the time of day in Fuzhou at this moment.
#[must_use]
pub fn time_of(at: Instant) -> NaiveTime {
    at.with_timezone(&fuzhou()).time()
}

/// Returns the moment at which this time of this day comes in Fuzhou.
#[must_use]
pub fn instant(day: NaiveDate, time: NaiveTime) -> Instant {
    (day.and_time(time) - fuzhou()).and_utc()
}

/// Returns the first moment of the day in Fuzhou.
#[must_use]
pub fn start_of(day: NaiveDate) -> Instant {
    instant(day, NaiveTime::MIN)
}

/// A day in an event's body: `2026-02-13`, as chrono writes it, and read without its general parser, which takes longer
/// than the rest of a short body.
pub mod day {
    use chrono::NaiveDate;
    use serde::de::{Deserializer, Error, Visitor};
    use serde::{Serialize, Serializer};
    use std::fmt;

    /// Writes a day.
    ///
    /// # Errors
    /// The serializer's.
    pub fn serialize<S: Serializer>(day: &NaiveDate, serializer: S) -> Result<S::Ok, S::Error> {
        day.serialize(serializer)
    }

    /// Reads a day.
    ///
    /// # Errors
    /// The text is no day.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NaiveDate, D::Error> {
        deserializer.deserialize_str(Day)
    }

    struct Day;

    impl Visitor<'_> for Day {
        type Value = NaiveDate;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a day as 2026-02-13")
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<NaiveDate, E> {
            match plain(text) {
                Some(day) => Ok(day),
                // Years of other lengths, and whatever is wrong, are chrono's to tell.
                None => text.parse().map_err(E::custom),
            }
        }
    }

    fn plain(text: &str) -> Option<NaiveDate> {
        let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = text.as_bytes() else { return None };
        let number = |digits: &[&u8]| {
            let digits = digits.iter().map(|digit| digit.is_ascii_digit().then(|| u32::from(**digit - b'0')));
            digits.into_iter().try_fold(0, |number, digit| Some(number * 10 + digit?))
        };
        NaiveDate::from_ymd_opt(number(&[y1, y2, y3, y4])?.cast_signed(), number(&[m1, m2])?, number(&[d1, d2])?)
    }

    /// The same, where the day may be absent.
    pub mod option {
        use super::{Day, Error, NaiveDate, Visitor};
        use serde::{Deserializer, Serialize, Serializer};
        use std::fmt;

        /// Writes a day, or that there is none.
        ///
        /// # Errors
        /// The serializer's.
        pub fn serialize<S: Serializer>(day: &Option<NaiveDate>, serializer: S) -> Result<S::Ok, S::Error> {
            day.serialize(serializer)
        }

        /// Reads a day, or that there is none.
        ///
        /// # Errors
        /// The text is no day.
        pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<NaiveDate>, D::Error> {
            deserializer.deserialize_option(MaybeDay)
        }

        struct MaybeDay;

        impl<'de> Visitor<'de> for MaybeDay {
            type Value = Option<NaiveDate>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a day as 2026-02-13, or nothing")
            }

            fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
                Ok(None)
            }

            fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
                Ok(None)
            }

            fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
                deserializer.deserialize_str(Day).map(Some)
            }
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use serde::Deserialize;

        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        struct Days {
            #[serde(with = "super")]
            on: NaiveDate,
            #[serde(default, with = "super::option", skip_serializing_if = "Option::is_none")]
            until: Option<NaiveDate>,
        }

        #[test]
        fn a_day_reads_as_chrono_reads_it() {
            let texts =
                ["2024-02-29", "2023-02-29", "0000-01-01", "+12345-01-01", "2024-2-9", "2024-13-01", "20x4-01-01", ""];
            for text in texts {
                let read: Result<Days, _> = serde_json::from_str(&format!(r#"{{"on": "{text}"}}"#));
                assert_eq!(read.ok().map(|days| days.on), text.parse().ok(), "{text}");
            }
        }

        #[test]
        fn an_absent_day_stays_absent() {
            for text in [r#"{"on":"2026-02-13"}"#, r#"{"on":"2026-02-13","until":"2026-02-14"}"#] {
                let days: Days = serde_json::from_str(text).unwrap();
                assert_eq!(serde_json::to_string(&days).unwrap(), text);
            }
            let null: Days = serde_json::from_str(r#"{"on":"2026-02-13","until":null}"#).unwrap();
            assert_eq!(null.until, None);
        }
    }
}
