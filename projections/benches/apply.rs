//! What folding costs: every projection over the same made-up history, in nanoseconds a fact, and questions in
//! microseconds. `cargo bench -p projections`.
//!
//! Times are those of this thread on the processor where the system tells them (Linux), so that a busy machine does not
//! change the figures much; elsewhere they are those of the clock on the wall.

#![allow(missing_docs, clippy::unwrap_used, reason = "a program for developers")]

#[path = "../src/testing.rs"]
mod testing;

use domain::builtin;
use domain::fact::Fact;
use domain::reference::Reference;
use projections::Projection;
use projections::balance::{Balance, BalanceQuery};
use projections::certificate_free::{CertificateFree, CertificateFreeDimension, CertificateFreeQuery};
use projections::lights::LightsQuery;
use projections::oversight::{AnomaliesQuery, AnomalyDimension, Oversight, WarningDimension, WarningsQuery};
use projections::processing_times::{Cohort, Dimension, ProcessingTimes, ProcessingTimesQuery, RegionAs};
use projections::queues::{QueueQuery, Queues};
use projections::reference::ReferenceData;
use projections::satisfaction::{Satisfaction, SatisfactionDimension, SatisfactionQuery};
use projections::scope::{Attribution, Month, Period, Source};
use projections::supplements::{SupplementDimension, Supplements, SupplementsQuery};
use std::hint::black_box;
use std::time::Instant;

struct Stopwatch {
    wall: Instant,
    on_processor: Option<u128>,
}

impl Stopwatch {
    fn start() -> Self {
        Self { wall: Instant::now(), on_processor: nanoseconds_on_processor() }
    }

    fn nanoseconds(&self) -> u128 {
        let on_processor = nanoseconds_on_processor().zip(self.on_processor);
        on_processor.map_or_else(|| self.wall.elapsed().as_nanos(), |(now, start)| now - start)
    }
}

fn nanoseconds_on_processor() -> Option<u128> {
    // The scheduler brings the count up to date when the thread gives way.
    std::thread::yield_now();
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().next()?.parse().ok()
}

fn fold<P: Projection>(facts: &[Fact]) -> P {
    let mut state = P::default();
    let watch = Stopwatch::start();
    facts.iter().for_each(|fact| state.apply(fact));
    let nanoseconds = watch.nanoseconds() / facts.len() as u128;
    println!("{:>20} {nanoseconds:>6} ns a fact", P::NAME);
    state
}

fn ask<T>(name: &str, mut question: impl FnMut() -> T) {
    black_box(question());
    let mut times: Vec<u128> = (0..50)
        .map(|_| {
            let watch = Stopwatch::start();
            black_box(question());
            watch.nanoseconds() / 1000
        })
        .collect();
    times.sort_unstable();
    println!("{name:>40} p50 {:>6} µs, max {:>6} µs", times[25], times[49]);
}

/// What reads the most cells: everything of a year.
fn ask_of_a_year(
    oversight: &Oversight,
    certificate_free: &CertificateFree,
    supplements: &Supplements,
    balance: &Balance,
    reference: &Reference,
) {
    let period = Period { from: testing::day("2022-01-01"), to: testing::day("2023-01-01") };
    let (organisation, source) = (None, Source::Own);
    let marks = AnomaliesQuery {
        period,
        group_by: vec![AnomalyDimension::Kind],
        kinds: Vec::new(),
        item: None,
        organisation: organisation.clone(),
        person: None,
        source: source.clone(),
    };
    ask("marks, a year by kind", || oversight.anomalies(&marks, &reference.organisations));
    let warnings = WarningsQuery {
        period,
        group_by: vec![WarningDimension::Org],
        clock: None,
        threshold: None,
        organisation: organisation.clone(),
        person: None,
        source: source.clone(),
    };
    ask("warnings, a year by organisation", || oversight.warnings(&warnings, &reference.organisations));
    let rate = CertificateFreeQuery {
        period,
        group_by: vec![CertificateFreeDimension::Item],
        item: None,
        organisation: organisation.clone(),
        source: source.clone(),
    };
    ask("certificate-free, a year by item", || certificate_free.answer(&rate, reference));
    let materials = SupplementsQuery {
        period,
        group_by: vec![SupplementDimension::Material],
        item: None,
        organisation: organisation.clone(),
        source: source.clone(),
        top: None,
    };
    ask("supplements, a year by material", || supplements.answer(&materials, reference));
    let month =
        BalanceQuery { month: Month::of(period.from), organisation, attribution: Attribution::Deciding, source };
    ask("balance, one month", || balance.answer(&month, &reference.organisations));
}

fn main() {
    // Only `cargo bench` passes this; a test run of all targets need not wait for measurements.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let facts = testing::history(1, 40_000);
    println!("{} facts of 40,000 cases", facts.len());
    let balance: Balance = fold(&facts);
    let times: ProcessingTimes = fold(&facts);
    let satisfaction: Satisfaction = fold(&facts);
    let queues: Queues = fold(&facts);
    let oversight: Oversight = fold(&facts);
    let certificate_free: CertificateFree = fold(&facts);
    let supplements: Supplements = fold(&facts);
    let _: ReferenceData = fold(&facts);
    println!(
        "cells: balance {}, processing times {}, satisfaction {}, oversight {}, certificate-free {}, supplements {}, \
         open cases {}",
        balance.cells(),
        times.cells(),
        satisfaction.cells(),
        oversight.cells(),
        certificate_free.cells(),
        supplements.cells(),
        queues.cases().len()
    );
    let reference = builtin::reference();
    let today = testing::day("2022-05-10");
    let period = Period { from: testing::day("2022-03-01"), to: testing::day("2022-04-01") };
    let month = ProcessingTimesQuery {
        period,
        cohort: Cohort::Finished,
        group_by: vec![Dimension::Item, Dimension::Township],
        item: None,
        organisation: None,
        closing: None,
        attribution: Attribution::Intake,
        region_as: RegionAs::Now,
        source: Source::Own,
    };
    ask("processing times, one month", || times.answer(&month, &reference, today));
    let steps = ProcessingTimesQuery { group_by: vec![Dimension::Step], ..month.clone() };
    ask("processing times, one month by step", || times.answer(&steps, &reference, today));
    let rates = SatisfactionQuery {
        period,
        group_by: vec![SatisfactionDimension::Org],
        item: None,
        organisation: None,
        source: Source::Own,
    };
    ask("satisfaction, one month", || satisfaction.answer(&rates, &reference, today));
    ask_of_a_year(&oversight, &certificate_free, &supplements, &balance, &reference);
    let city = QueueQuery::default();
    let watch = Stopwatch::start();
    black_box(queues.page(&city, None, 50, &reference, today));
    println!("{:>40} {:>10} µs", "queues, first look", watch.nanoseconds() / 1000);
    ask("queues, the whole city, 50 rows", || queues.page(&city, None, 50, &reference, today));
    let hall = QueueQuery { organisation: Some(testing::id("361023100")), ..QueueQuery::default() };
    ask("queues, one hall, 50 rows", || queues.page(&hall, None, 50, &reference, today));
    ask("lights, the whole city, 50 rows", || queues.lights(&LightsQuery::default(), None, 50, &reference, today));
}
