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
use projections::Projection;
use projections::balance::Balance;
use projections::lights::LightsQuery;
use projections::oversight::Oversight;
use projections::processing_times::{Cohort, Dimension, ProcessingTimes, ProcessingTimesQuery, RegionAs};
use projections::queues::{QueueQuery, Queues};
use projections::reference::ReferenceData;
use projections::satisfaction::{Satisfaction, SatisfactionDimension, SatisfactionQuery};
use projections::scope::{Attribution, Period, Source};
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
    let _: ReferenceData = fold(&facts);
    println!(
        "cells: balance {}, processing times {}, satisfaction {}, oversight {}, open cases {}",
        balance.cells(),
        times.cells(),
        satisfaction.cells(),
        oversight.cells(),
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
    let city = QueueQuery::default();
    let watch = Stopwatch::start();
    black_box(queues.page(&city, None, 50, &reference, today));
    println!("{:>40} {:>10} µs", "queues, first look", watch.nanoseconds() / 1000);
    ask("queues, the whole city, 50 rows", || queues.page(&city, None, 50, &reference, today));
    let hall = QueueQuery { organisation: Some(testing::id("361023100")), ..QueueQuery::default() };
    ask("queues, one hall, 50 rows", || queues.page(&hall, None, 50, &reference, today));
    ask("lights, the whole city, 50 rows", || queues.lights(&LightsQuery::default(), None, 50, &reference, today));
}
