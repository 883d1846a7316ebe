//! Query strings, read strictly: a misspelt filter is answered with 400 and never with a wrong figure.

use crate::problem::{FieldError, Kind, Problem, Text};
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use chrono::{DateTime, NaiveDate};
use domain::zone::{Instant, start_of};
use projections::scope::Period;
use serde::de::DeserializeOwned;
use std::future::{Ready, ready};
use std::str::FromStr;

/// The longest query string that is looked at, in bytes.
pub const QUERY_BYTES_MAX: usize = 8 * 1024;
/// The most values of a parameter that may repeat.
pub const REPEATS_MAX: usize = 64;
/// The first year a query may speak of; the calendar keeps none before it.
const YEAR_MIN: i32 = 1949;
/// The last year a query may speak of.
const YEAR_MAX: i32 = 2199;

/// A query string, taken apart; what is asked for is taken out, and what remains is unknown.
#[derive(Debug, Clone, Default)]
pub struct Parameters {
    pairs: Vec<(String, String)>,
    path: String,
}

/// What a route can make of its query.
pub trait FromParameters: Sized {
    /// Takes what it knows out of the parameters.
    ///
    /// # Errors
    /// A value that means nothing.
    fn take(parameters: &mut Parameters) -> Result<Self, Problem>;
}

impl Parameters {
    /// Takes a query string apart.
    ///
    /// # Errors
    /// It is longer than [`QUERY_BYTES_MAX`], or not text.
    pub fn parse(path: &str, query: &str) -> Result<Self, Problem> {
        if QUERY_BYTES_MAX < query.len() {
            let detail = Text::new("查询字符串过长", "the query string is too long");
            return Err(Problem::new(Kind::Malformed).detail(detail));
        }
        let pairs =
            web::Query::<Vec<(String, String)>>::from_query(query).map_err(|_| Problem::new(Kind::Malformed))?;
        Ok(Self { pairs: pairs.into_inner(), path: path.to_owned() })
    }

    /// Takes what is given by name, each once.
    #[must_use]
    pub fn of(named: &std::collections::BTreeMap<String, String>) -> Self {
        Self { pairs: named.clone().into_iter().collect(), path: String::new() }
    }

    /// Returns the path that was asked.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the parameters not yet taken.
    #[must_use]
    pub fn pairs(&self) -> &[(String, String)] {
        &self.pairs
    }

    /// Takes every value of a parameter out.
    ///
    /// # Errors
    /// There are more than [`REPEATS_MAX`].
    pub fn texts(&mut self, name: &str) -> Result<Vec<String>, Problem> {
        let (taken, left) = std::mem::take(&mut self.pairs).into_iter().partition(|(known, _)| known == name);
        self.pairs = left;
        let taken: Vec<(String, String)> = taken;
        if REPEATS_MAX < taken.len() {
            return Err(invalid(name, Text::new("重复次数过多", "it is repeated too often")));
        }
        Ok(taken.into_iter().map(|(_, value)| value).collect())
    }

    /// Takes a parameter out that stands at most once; an empty value is as none.
    ///
    /// # Errors
    /// It stands there twice.
    pub fn text(&mut self, name: &str) -> Result<Option<String>, Problem> {
        let mut values = self.texts(name)?;
        match values.len() {
            0 | 1 => Ok(values.pop().filter(|value| !value.is_empty())),
            _ => Err(invalid(name, Text::new("只能出现一次", "it may stand there once only"))),
        }
    }

    /// Takes a parameter of a type that is read from text.
    ///
    /// # Errors
    /// The value is not of this type.
    pub fn one<T: FromStr>(&mut self, name: &str) -> Result<Option<T>, Problem> {
        self.text(name)?.map(|value| value.parse().map_err(|_| meaningless(name, &value))).transpose()
    }

    /// Takes a parameter that is one of an enumeration's words.
    ///
    /// # Errors
    /// No such word; the answer lists them.
    pub fn word<T: DeserializeOwned>(&mut self, name: &str) -> Result<Option<T>, Problem> {
        self.text(name)?.map(|value| word(name, &value)).transpose()
    }

    /// Takes a parameter that lists words of an enumeration, separated by commas.
    ///
    /// # Errors
    /// One of them is no such word.
    pub fn words<T: DeserializeOwned>(&mut self, name: &str) -> Result<Vec<T>, Problem> {
        let listed = self.text(name)?.unwrap_or_default();
        listed.split(',').filter(|value| !value.is_empty()).map(|value| word(name, value)).collect()
    }

    /// Takes a whole number between two bounds.
    ///
    /// # Errors
    /// It is not a number, or lies outside.
    pub fn number(&mut self, name: &str, min: u64, max: u64) -> Result<Option<u64>, Problem> {
        let Some(value) = self.text(name)? else { return Ok(None) };
        match value.parse::<u64>() {
            Ok(number) if (min..=max).contains(&number) => Ok(Some(number)),
            Ok(_) | Err(_) => Err(invalid(
                name,
                Text::new(
                    format!("应为 {min} 至 {max} 的整数"),
                    format!("it must be a whole number from {min} to {max}"),
                ),
            )),
        }
    }

    /// Takes a yes or no.
    ///
    /// # Errors
    /// It is neither `true` nor `false`.
    pub fn yes_or_no(&mut self, name: &str) -> Result<Option<bool>, Problem> {
        self.one::<bool>(name)
    }

    /// Takes a day.
    ///
    /// # Errors
    /// It is not a date written `2026-02-13`, or lies outside the years that the calendar keeps.
    pub fn day(&mut self, name: &str) -> Result<Option<NaiveDate>, Problem> {
        self.text(name)?.map(|value| day(name, &value)).transpose()
    }

    /// Takes `from` and `to`, half-open and both or either given as days or as moments of Fuzhou.
    ///
    /// # Errors
    /// One is not a day, the range is reversed, or it begins in the future.
    pub fn period(&mut self, from: &str, to: &str, today: NaiveDate) -> Result<Option<Period>, Problem> {
        let (first, last) = (self.day(from)?, self.day(to)?);
        if first.is_none() && last.is_none() {
            return Ok(None);
        }
        let first = first.unwrap_or_else(start_of_calendar);
        let last = last.unwrap_or_else(|| today.succ_opt().unwrap_or(today));
        checked_period(from, first, to, last, today).map(Some)
    }

    /// Takes a moment (RFC 3339 with offset).
    ///
    /// # Errors
    /// It is not one.
    pub fn moment(&mut self, name: &str) -> Result<Option<Instant>, Problem> {
        self.text(name)?.map(|value| moment(name, &value)).transpose()
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// Parameters are left that nobody asked for; the answer names them.
    pub fn finish(self) -> Result<(), Problem> {
        if self.pairs.is_empty() {
            return Ok(());
        }
        let detail = Text::new("没有这个查询参数", "there is no such query parameter");
        let errors = self.pairs.iter().map(|(name, _)| FieldError::new(pointer(name), detail.clone()));
        Err(Problem::new(Kind::UnknownParameter).errors(errors.collect()))
    }
}

/// Returns a period of the past.
///
/// # Errors
/// It is reversed, or reaches beyond today.
pub fn checked_period(
    from_name: &str,
    from: NaiveDate,
    to_name: &str,
    to: NaiveDate,
    today: NaiveDate,
) -> Result<Period, Problem> {
    if to < from {
        return Err(Problem::new(Kind::ReversedRange).errors(vec![FieldError::new(
            pointer(to_name),
            Text::new(format!("{to_name} 早于 {from_name}"), format!("{to_name} lies before {from_name}")),
        )]));
    }
    // `to` is the first day after the range, so tomorrow still means "until today".
    let tomorrow = today.succ_opt().unwrap_or(today);
    let ahead = if today < from { Some(from_name) } else { (tomorrow < to).then_some(to_name) };
    match ahead {
        None => Ok(Period { from, to }),
        Some(name) => Err(Problem::new(Kind::FutureMoment).errors(vec![FieldError::new(
            pointer(name),
            Text::new(format!("{name} 在将来"), format!("{name} lies in the future")),
        )])),
    }
}

fn start_of_calendar() -> NaiveDate {
    NaiveDate::from_ymd_opt(YEAR_MIN, 1, 1).unwrap_or(NaiveDate::MIN)
}

/// Returns the 400 for a parameter without a usable value.
#[must_use]
pub fn invalid(name: &str, detail: Text) -> Problem {
    Problem::new(Kind::InvalidParameter).errors(vec![FieldError::new(pointer(name), detail)])
}

fn pointer(name: &str) -> String {
    let shown: String = name.chars().take(64).collect();
    format!("/{}", shown.replace('~', "~0").replace('/', "~1"))
}

fn meaningless(name: &str, value: &str) -> Problem {
    let shown: String = value.chars().take(64).collect();
    invalid(name, Text::new(format!("无法识别 {shown:?}"), format!("{shown:?} cannot be read")))
}

fn word<T: DeserializeOwned>(name: &str, value: &str) -> Result<T, Problem> {
    serde_json::from_value(serde_json::Value::from(value)).map_err(|error| {
        let shown: String = value.chars().take(64).collect();
        invalid(name, Text::new(format!("无法识别 {shown:?}"), error.to_string()))
    })
}

fn day(name: &str, value: &str) -> Result<NaiveDate, Problem> {
    use chrono::Datelike as _;
    let parsed = match NaiveDate::parse_from_str(value, "%Y-%m-%d") {
        Ok(day) => Some(day),
        Err(_) => moment(name, value).ok().map(domain::zone::day_of),
    };
    parsed.filter(|day| (YEAR_MIN..=YEAR_MAX).contains(&day.year())).ok_or_else(|| {
        invalid(
            name,
            Text::new(
                format!("应为 {YEAR_MIN} 至 {YEAR_MAX} 年间的日期，如 2026-02-13"),
                format!("it must be a date such as 2026-02-13, from {YEAR_MIN} to {YEAR_MAX}"),
            ),
        )
    })
}

fn moment(name: &str, value: &str) -> Result<Instant, Problem> {
    // In a query an unescaped `+` of the offset arrives as a space.
    let parsed =
        DateTime::parse_from_rfc3339(value).or_else(|_| DateTime::parse_from_rfc3339(&value.replace(' ', "+")));
    let from_1949 = |at: &Instant| start_of(start_of_calendar()) <= *at;
    parsed.ok().map(|at| at.to_utc()).filter(from_1949).ok_or_else(|| {
        invalid(
            name,
            Text::new(
                "应为带时区的时间，如 2026-02-13T10:15:00+08:00",
                "it must be a time with offset, such as 2026-02-13T10:15:00+08:00",
            ),
        )
    })
}

/// A whole query string, nothing of it unread.
#[derive(Debug, Clone)]
pub struct Query<T>(pub T);

impl<T: FromParameters> FromRequest for Query<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(read(request.path(), request.query_string()).map(Self))
    }
}

fn read<T: FromParameters>(path: &str, query: &str) -> Result<T, Problem> {
    let mut parameters = Parameters::parse(path, query)?;
    let asked = T::take(&mut parameters)?;
    parameters.finish()?;
    Ok(asked)
}

impl FromParameters for () {
    fn take(_: &mut Parameters) -> Result<Self, Problem> {
        Ok(())
    }
}

impl<A: FromParameters, B: FromParameters> FromParameters for (A, B) {
    fn take(parameters: &mut Parameters) -> Result<Self, Problem> {
        Ok((A::take(parameters)?, B::take(parameters)?))
    }
}

impl<A: FromParameters, B: FromParameters, C: FromParameters> FromParameters for (A, B, C) {
    fn take(parameters: &mut Parameters) -> Result<Self, Problem> {
        Ok((A::take(parameters)?, B::take(parameters)?, C::take(parameters)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::clock::Light;

    #[track_caller]
    fn parameters(query: &str) -> Parameters {
        Parameters::parse("/api/v1/cases", query).unwrap()
    }

    #[track_caller]
    fn refused<T: std::fmt::Debug>(result: Result<T, Problem>, kind: Kind) {
        assert_eq!(result.unwrap_err().kind(), kind);
    }

    fn today() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 2, 13).unwrap()
    }

    #[test]
    fn what_nobody_takes_is_unknown() {
        let mut query = parameters("light=red&lihgt=red");
        assert_eq!(query.word::<Light>("light").unwrap(), Some(Light::Red));
        refused(query.finish(), Kind::UnknownParameter);
    }

    #[test]
    fn a_word_must_be_one_of_its_list_and_stand_there_once() {
        refused(parameters("light=purple").word::<Light>("light"), Kind::InvalidParameter);
        refused(parameters("light=red&light=red").word::<Light>("light"), Kind::InvalidParameter);
        assert_eq!(parameters("light=").word::<Light>("light").unwrap(), None);
        assert_eq!(parameters("light=red,green").words::<Light>("light").unwrap(), [Light::Red, Light::Green]);
    }

    #[test]
    fn a_number_keeps_to_its_bounds() {
        for absurd in ["0", "501", "-1", "1e3", "99999999999999999999", "五"] {
            refused(parameters(&format!("limit={absurd}")).number("limit", 1, 500), Kind::InvalidParameter);
        }
        assert_eq!(parameters("limit=500").number("limit", 1, 500).unwrap(), Some(500));
    }

    #[test]
    fn a_range_is_neither_reversed_nor_in_the_future() {
        let period = |query: &str| parameters(query).period("from", "to", today());
        refused(period("from=2026-02-02&to=2026-02-01"), Kind::ReversedRange);
        refused(period("from=2026-02-14"), Kind::FutureMoment);
        refused(period("from=2026-02-01&to=2026-02-15"), Kind::FutureMoment);
        refused(period("from=2026-02-30"), Kind::InvalidParameter);
        refused(period("from=0001-01-01"), Kind::InvalidParameter);
        let until_today = period("from=2026-02-01&to=2026-02-14").unwrap().unwrap();
        assert!(until_today.contains(today()));
        assert_eq!(period("").unwrap(), None);
    }

    #[test]
    fn an_offset_survives_an_unescaped_plus() {
        let escaped = parameters("as_of=2026-02-13T10:15:00%2B08:00").moment("as_of").unwrap();
        assert_eq!(parameters("as_of=2026-02-13T10:15:00+08:00").moment("as_of").unwrap(), escaped);
        assert_eq!(parameters("as_of=2026-02-13T02:15:00Z").moment("as_of").unwrap(), escaped);
        refused(parameters("as_of=2026-02-13T10:15:00").moment("as_of"), Kind::InvalidParameter);
    }

    #[test]
    fn a_query_string_has_an_end() {
        let long = "a".repeat(QUERY_BYTES_MAX + 1);
        refused(Parameters::parse("/", &long), Kind::Malformed);
    }
}
