//! 刷好评: signs that ratings were farmed. A sign is something to look at, never a verdict, and no rating is left out for
//! one.
//!
//! Single ratings bring along who gave them, how soon after the service and through what; this fold counts them by the
//! day they were given. What repeats (one device, network or person on a day, the same words in a month) is compared
//! within the last days and months only, so what is remembered of single ratings stays small.

mod query;

pub use query::{Evidence, Sign, SignKind, SignsAnswer, SignsQuery, SignsRow};

use crate::names::{Code, Names};
use crate::projection::Projection;
use crate::scope::Month;
use crate::tally::Daily;
use chrono::NaiveDate;
use domain::event::rating::{Rated, RaterKind, RatingChannel, RatingOrigin, RatingTrace, Satisfaction as Level};
use domain::event::{Event, RatingEvent};
use domain::fact::Fact;
use domain::ids::{OrganisationId, SourceName, WindowId};
use domain::zone::day_of;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Days within which repetitions of a day are still noticed: an evening's ratings may be recorded after midnight.
const DAYS_COMPARED: usize = 2;
/// Months within which repeated words are still noticed.
const MONTHS_COMPARED: usize = 2;
/// Seconds beyond this are not told apart.
const SECONDS_TOLD: u32 = 600;
/// So much of a digest tells one device from another, and no more is shown.
const MARK_CHARS: usize = 8;

/// The state behind the signs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RatingSigns {
    sources: Names<SourceName>,
    organisations: Names<OrganisationId>,
    windows: Names<WindowId>,
    /// Given ratings, by the day they were given.
    given: Daily<Given>,
    /// What came twice or more, by the day (of words, the first day of the month).
    repeated: Daily<Repeated>,
    #[serde(with = "pairs")]
    days: BTreeMap<NaiveDate, BTreeMap<Trail, u32>>,
    #[serde(with = "pairs")]
    months: BTreeMap<NaiveDate, BTreeMap<Trail, u32>>,
}

/// Where ratings are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Place {
    source: Code,
    organisation: Code,
    window: Option<Code>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Given {
    place: Place,
    channel: RatingChannel,
    level: Level,
    by: Option<RaterKind>,
    /// Seconds after the service, where they are known and few.
    seconds: Option<u16>,
    /// It is known how many seconds there were.
    timed: bool,
}

/// What ratings may have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum What {
    Device,
    Network,
    Person,
    Words,
}

/// What a rating has, by which another may be known to belong to it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Trail {
    what: What,
    place: Place,
    digest: String,
}

/// The same trail, so many times.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Repeated {
    what: What,
    place: Place,
    times: u32,
    /// The beginning of the digest; of a person nothing.
    mark: Option<String>,
}

impl Projection for RatingSigns {
    const NAME: &'static str = "rating-signs";
    const REVISION: u32 = 1;

    fn apply(&mut self, fact: &Fact) {
        match &fact.event {
            Event::Rating(event) => self.apply_rating(event, day_of(fact.occurred_at)),
            Event::Case(_)
            | Event::Certificate(_)
            | Event::Library(_)
            | Event::Item(_)
            | Event::Organisation(_)
            | Event::Calendar(_)
            | Event::Policy(_)
            | Event::Template(_)
            | Event::Roster(_)
            | Event::Ticket(_)
            | Event::Appointment(_)
            | Event::Kin(_)
            | Event::Checklist(_)
            | Event::Inspection(_)
            | Event::Campaign(_)
            | Event::ServicePoint(_)
            | Event::Instrument(_)
            | Event::Access(_) => (),
        }
    }
}

impl RatingSigns {
    fn apply_rating(&mut self, event: &RatingEvent, day: NaiveDate) {
        match event {
            RatingEvent::Rated(rated) => match rated.origin {
                RatingOrigin::Active => self.take_in(rated, day),
                RatingOrigin::Default => (),
            },
            // What counts is how a rating came about; a revision is the same person's second thought.
            RatingEvent::RatingInvited(_)
            | RatingEvent::RatingRevised(_)
            | RatingEvent::RatingNotAdopted(_)
            | RatingEvent::BadRatingOpened(_)
            | RatingEvent::OrderAssigned(_)
            | RatingEvent::OrderVerified(_)
            | RatingEvent::OrderRectified(_)
            | RatingEvent::OrderReplied(_)
            | RatingEvent::OrderCalledBack(_)
            | RatingEvent::OrderAppealed(_)
            | RatingEvent::AppealReviewed(_)
            | RatingEvent::OrderClosed(_) => (),
        }
    }

    fn take_in(&mut self, rated: &Rated, day: NaiveDate) {
        let service = &rated.service;
        let place = Place {
            source: self.sources.code(&service.source),
            organisation: self.organisations.code(&service.organisation),
            window: service.window.as_ref().map(|window| self.windows.code(window)),
        };
        let seconds = rated.trace.as_ref().and_then(|trace| trace.seconds_after);
        let given = Given {
            place,
            channel: rated.channel,
            level: rated.level,
            by: rated.trace.as_ref().map(|trace| trace.by),
            seconds: seconds.filter(|seconds| *seconds <= SECONDS_TOLD).and_then(|seconds| u16::try_from(seconds).ok()),
            timed: seconds.is_some(),
        };
        self.given.add(day, given);
        let person = rated.rater.as_ref().map(|rater| rater.as_str().to_owned());
        self.compare(What::Person, place, person, day);
        let Some(RatingTrace { device, network, text, .. }) = &rated.trace else { return };
        // The hall's own devices are everybody's.
        if !matches!(rated.channel, RatingChannel::Tablet | RatingChannel::HallTerminal) {
            self.compare(What::Device, place, device.clone(), day);
            self.compare(What::Network, place, network.clone(), day);
        }
        let hall = Place { window: None, ..place };
        self.compare(What::Words, hall, text.clone(), Month::of(day).first_day());
    }

    /// Counts a trail, and what came more than once.
    fn compare(&mut self, what: What, place: Place, digest: Option<String>, when: NaiveDate) {
        let Some(digest) = digest else { return };
        let mark = (what != What::Person).then(|| digest.chars().take(MARK_CHARS).collect::<String>());
        let (seen, kept) = match what {
            What::Device | What::Network | What::Person => (&mut self.days, DAYS_COMPARED),
            What::Words => (&mut self.months, MONTHS_COMPARED),
        };
        let times = seen.entry(when).or_default().entry(Trail { what, place, digest }).or_default();
        *times += 1;
        let times = *times;
        while kept < seen.len() {
            seen.pop_first();
        }
        let repeated = |times: u32| Repeated { what, place, times, mark: mark.clone() };
        if 2 < times {
            self.repeated.take(when, repeated(times - 1));
        }
        if 1 < times {
            self.repeated.add(when, repeated(times));
        }
    }
}

/// Maps whose keys are no texts, as lists of pairs.
mod pairs {
    use super::Trail;
    use chrono::NaiveDate;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use std::collections::BTreeMap;

    type Seen = BTreeMap<NaiveDate, BTreeMap<Trail, u32>>;

    pub(super) fn serialize<S: Serializer>(seen: &Seen, serializer: S) -> Result<S::Ok, S::Error> {
        let pairs: Vec<(&NaiveDate, Vec<(&Trail, &u32)>)> =
            seen.iter().map(|(when, trails)| (when, trails.iter().collect())).collect();
        pairs.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Seen, D::Error> {
        let pairs: Vec<(NaiveDate, Vec<(Trail, u32)>)> = Deserialize::deserialize(deserializer)?;
        Ok(pairs.into_iter().map(|(when, trails)| (when, trails.into_iter().collect())).collect())
    }
}

#[cfg(test)]
mod tests;
