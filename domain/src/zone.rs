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
