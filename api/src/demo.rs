//! A city to look at: months of simulated work, through the real deciders into a real log.
//!
//! Two stretches of history: August 2021 to April 2022, when 低保 moved to the townships (32 working days before 1 November 2021,
//! 18 after), and the months up to the day asked for. Between them no new cases come, but old ones are finished and the
//! calendars of the years are published. Nobody in it exists.

mod acts;
mod arrivals;
mod certificates;
mod city;
mod dice;
mod engine;
mod orders;
mod people;
mod plan;
mod points;
mod ratings;
mod rosters;
mod run;
mod scores;
mod script;
mod sealing;

pub use engine::Tally;
pub use run::{Asked, run};

use crate::documents::PrintError;
use crate::papers::{PaperError, Papers};
use crate::vault::{Vault, VaultError};
use chrono::{Datelike as _, Days, Months, NaiveDate, TimeDelta};
use domain::ids::IdError;
use domain::zone::{Instant, start_of};
use engine::Engine;
use eventstore::AppendError;
use plan::Planner;
use replay::history::HistoryError;
use replay::journal::Journal;
use sealing::Sealing;

/// What to simulate.
#[derive(Debug, Clone)]
pub struct Options {
    /// About how many cases are applied for.
    pub cases: u64,
    /// The beginning of all chance.
    pub seed: u64,
    /// The last moment.
    pub until: Instant,
}

/// Why the simulation stopped.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The log did not take a frame.
    #[error("could not append the simulated history to the log")]
    Append(#[from] AppendError),
    /// The vault did not make or use a key.
    #[error("could not seal the simulated persons' data")]
    Vault(#[from] VaultError),
    /// A paper could not be stored.
    #[error("could not store a simulated paper")]
    Paper(#[from] PaperError),
    /// The log could not be read.
    #[error("could not read the simulated history back")]
    Read(#[from] HistoryError),
    /// A document does not print.
    #[error("could not print a simulated document")]
    Print(#[from] PrintError),
    /// A made-up code is not one.
    #[error("the simulation made a code that is none")]
    Id(#[from] IdError),
    /// A rule refused what the city itself begins with.
    #[error("the simulated city breaks a rule: {0}")]
    Rule(String),
    /// The last day leaves too little history.
    #[error("{day} is too early a last day; name {earliest} or later, so that there is history to show", earliest = date(UNTIL_MIN))]
    TooEarly {
        /// Which.
        day: NaiveDate,
    },
}

/// The first day of the first stretch.
const BEGIN: (i32, u32, u32) = (2021, 8, 1);
/// The last day of the first stretch.
const BREAK: (i32, u32, u32) = (2022, 4, 30);
/// Months before the month of the last day that count as recent: the second stretch, unless the last day lies in the first.
const RECENT_MONTHS: u32 = 4;
/// The first last day that leaves a whole month before its own.
const UNTIL_MIN: (i32, u32, u32) = (2021, 9, 1);

/// Simulates the city's work into a log that is empty, and tells how far it is: day, cases so far, cases in all.
///
/// # Errors
/// The log or the vault does not answer, or the options leave no history to simulate.
pub async fn simulate(
    journal: &Journal,
    vault: &Vault,
    papers: &Papers,
    options: &Options,
    mut progress: impl FnMut(NaiveDate, u64),
) -> Result<Tally, DemoError> {
    let until = domain::zone::day_of(options.until);
    check_last_day(until)?;
    let sealing = Sealing::new(vault, papers);
    let mut engine = Engine::new(journal, &sealing, options.seed, options.until);
    engine.begin(date(BEGIN)).await?;
    let days = days(until);
    engine.expect_rosters(date(BEGIN), &days);
    engine.expect_points(date(BEGIN))?;
    let mut planner = Planner::new(options.seed, &sealing, &engine.reference);
    let mut counts = Counts::new(options.cases, &days);
    for day in days {
        engine.run(start_of(day)).await?;
        let count = counts.on(day, engine.reference.calendar.is_working(day, None));
        for (ordinal, arrival) in planner.day(&engine.reference, day, count).await? {
            engine.expect(ordinal, arrival);
        }
        if recent_from(until) <= day {
            engine.expect_questions(day)?;
        }
        progress(day, engine.tally.cases);
    }
    engine.run(options.until).await?;
    engine.inspect_halls().await?;
    engine.settle().await?;
    Ok(engine.tally)
}

/// Tells whether a last day leaves history to show.
///
/// # Errors
/// It does not.
pub fn check_last_day(day: NaiveDate) -> Result<(), DemoError> {
    if day < date(UNTIL_MIN) { Err(DemoError::TooEarly { day }) } else { Ok(()) }
}

/// The days on which somebody may come.
fn days(until: NaiveDate) -> Vec<NaiveDate> {
    let first = (date(BEGIN), until.min(date(BREAK)));
    let second = (recent_from(until).max(after_break()), until);
    [first, second].into_iter().flat_map(|(from, to)| from.iter_days().take_while(move |day| *day <= to)).collect()
}

/// The first day that counts as recent.
fn recent_from(until: NaiveDate) -> NaiveDate {
    let recent = until.with_day(1).and_then(|first| first.checked_sub_months(Months::new(RECENT_MONTHS)));
    let earliest = if until < after_break() { date(BEGIN) } else { after_break() };
    recent.unwrap_or(until).max(earliest)
}

fn after_break() -> NaiveDate {
    date(BREAK) + Days::new(1)
}

/// How many come on a day, so that about the number asked for come in all.
struct Counts {
    per_weight: f64,
    carried: f64,
}

impl Counts {
    fn new(cases: u64, days: &[NaiveDate]) -> Self {
        // Weekends stand for rest days: close enough to hit the number asked for within a few percent.
        let weight: f64 =
            days.iter().map(|day| arrivals::weight_of_day(*day, day.weekday().num_days_from_monday() < 5)).sum();
        Self { per_weight: cases as f64 / weight.max(1.0), carried: 0.0 }
    }

    fn on(&mut self, day: NaiveDate, working: bool) -> u64 {
        self.carried += self.per_weight * arrivals::weight_of_day(day, working);
        let whole = self.carried.floor();
        self.carried -= whole;
        whole as u64
    }
}

fn date((year, month, day): (i32, u32, u32)) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).unwrap_or(NaiveDate::MIN)
}

/// Returns the last moment of a simulation that ends on this day: the evening, or now if the evening has not come.
#[must_use]
pub fn last_moment(day: NaiveDate, now: Instant) -> Instant {
    (start_of(day) + TimeDelta::hours(20)).min(now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::zone::Instant;
    use eventstore::{EventLog, EventStore, InMemory, Position, Selection};
    use std::sync::Arc;

    const EVENING: &str = "2026-11-20T12:00:00Z";

    async fn city(cases: u64, seed: u64) -> (Arc<InMemory>, Tally) {
        city_until(EVENING, cases, seed).await.expect("a history")
    }

    async fn city_until(until: &str, cases: u64, seed: u64) -> Result<(Arc<InMemory>, Tally), DemoError> {
        let until: Instant = until.parse().expect("a moment");
        let vault = Vault::in_memory(Some([7; 32])).expect("a vault in memory");
        let folder = tempfile::tempdir().expect("a folder");
        let papers = Papers::open(folder.path(), 10_000).expect("a folder of papers");
        let store = Arc::new(InMemory::new());
        let journal = Journal::new(Arc::clone(&store) as Arc<dyn EventStore>);
        let tally = simulate(&journal, &vault, &papers, &Options { cases, seed, until }, |_, _| ()).await?;
        Ok((store, tally))
    }

    #[tokio::test]
    async fn the_deciders_allow_nearly_everything_the_city_does() {
        let (_, tally) = city(1500, 1).await;
        let refused: u64 = tally.refused.values().sum();
        assert!(refused * 50 < tally.cases, "{refused} acts refused in {} cases: {:#?}", tally.cases, tally.refused);
        assert!((1300..1700).contains(&tally.cases), "{} cases", tally.cases);
    }

    #[tokio::test]
    async fn a_city_may_end_on_any_day_that_leaves_it_a_history() {
        for day in ["2021-09-01", "2022-01-31", "2022-04-30", "2022-05-01", "2022-06-01", "2022-10-01"] {
            let (_, tally) = city_until(&format!("{day}T12:00:00Z"), 60, 1).await.expect(day);
            assert!((40..80).contains(&tally.cases), "{} cases up to {day}", tally.cases);
        }
        let refused = city_until("2021-08-31T12:00:00Z", 60, 1).await.map(|(_, tally)| tally.cases);
        let told = refused.expect_err("there is no month to look back on").to_string();
        assert!(told.contains("2021-08-31") && told.contains("2021-09-01"), "{told}");
    }

    #[tokio::test]
    async fn the_same_seed_gives_the_same_log() {
        let mut logs = Vec::new();
        for _ in 0..2 {
            let (store, _) = city(60, 5).await;
            let page = store.read(&Selection::All, Position::START, 4096).await.expect("a page");
            let told: Vec<_> = page
                .events
                .into_iter()
                .map(|event| (event.id, event.stream().to_owned(), event.kind().to_owned(), event.recorded_at))
                .collect();
            logs.push(told);
        }
        assert_eq!(logs[0], logs[1]);
    }
}
