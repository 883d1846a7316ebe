//! When people come: by day of the week, by quarter of an hour, by season.

use super::dice::Dice;
use chrono::{Datelike as _, NaiveDate, NaiveTime, Weekday};

/// How busy a day is against an ordinary Wednesday.
pub(super) fn weight_of_day(day: NaiveDate, working: bool) -> f64 {
    if !working {
        return 0.10;
    }
    let weekday = match day.weekday() {
        Weekday::Mon => 1.35,
        Weekday::Tue => 1.15,
        Weekday::Wed => 1.0,
        Weekday::Thu => 0.95,
        Weekday::Fri => 0.9,
        // A make-up day is quiet: few people know that the hall is open.
        Weekday::Sat | Weekday::Sun => 0.6,
    };
    // Market days 赶集 fall on days ending in 1, 4 and 7.
    let market = if [1, 4, 7].contains(&(day.day() % 10)) { 1.15 } else { 1.0 };
    weekday * market
}

/// Medical insurance is paid from October to December.
pub(super) fn season(department_zh: &str, day: NaiveDate) -> f64 {
    match (department_zh, day.month()) {
        ("医保", 10..=12) => 2.5,
        ("教育", 7..=8) => 6.0,
        ("教育", _) => 0.3,
        _ => 1.0,
    }
}

/// Arrivals per quarter of an hour from 08:30 to 17:30, in proportion.
const QUARTERS: [f64; 36] = [
    1.6, 2.2, 2.6, 2.8, 2.7, 2.5, 2.2, 2.0, 1.8, 1.6, 1.4, 1.1, 0.7, 0.5, 0.2, 0.1, 0.1, 0.1, 0.1, 0.2, 0.4, 0.8, 1.4,
    1.8, 2.0, 1.9, 1.7, 1.5, 1.3, 1.1, 0.9, 0.7, 0.6, 0.5, 0.3, 0.2,
];

/// Returns a time of day at which somebody comes to a hall.
pub(super) fn at_the_hall(dice: &mut Dice) -> NaiveTime {
    let quarter = dice.weighted(&QUARTERS) as i64;
    seconds(8 * 3600 + 1800 + quarter * 900 + dice.between(0, 899))
}

/// Returns a time of day at which somebody applies from home.
pub(super) fn from_home(dice: &mut Dice) -> NaiveTime {
    let evening = dice.chance(0.45);
    let (from, to) = if evening { (18, 23) } else { (7, 18) };
    seconds(dice.between(from * 3600, to * 3600 - 1))
}

/// Returns a time of day at which somebody in an office gets to it, not before `earliest`.
pub(super) fn at_the_desk(dice: &mut Dice) -> NaiveTime {
    let morning = dice.chance(0.55);
    let (from, to) = if morning { (8 * 3600 + 2400, 11 * 3600 + 2700) } else { (14 * 3600, 17 * 3600 + 1200) };
    seconds(dice.between(from, to))
}

fn seconds(of_day: i64) -> NaiveTime {
    let of_day = u32::try_from(of_day.clamp(0, 86_399)).unwrap_or(0);
    NaiveTime::from_num_seconds_from_midnight_opt(of_day, 0).unwrap_or(NaiveTime::MIN)
}
