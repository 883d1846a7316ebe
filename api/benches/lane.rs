//! Many at once on one stream: durable commands a second, and how long each waits.
//!
//! `cargo bench -p api --bench lane`, with `-- --writers 64 --commands 200` as it is.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark prints what it measured"
)]

#[expect(unreachable_pub, reason = "shared with the tests")]
#[path = "../tests/numbers/mod.rs"]
mod numbers;

use eventstore::{Options, Sled};
use numbers::{Hall, number};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let given = |name: &str| {
        let value = arguments.iter().position(|argument| argument == name).and_then(|at| arguments.get(at + 1));
        value.and_then(|value| value.parse::<u64>().ok())
    };
    let (writers, commands) = (given("--writers").unwrap_or(64), given("--commands").unwrap_or(200));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(measure(writers, commands));
}

async fn measure(writers: u64, commands: u64) {
    let folder = tempfile::tempdir().unwrap();
    let log = Arc::new(Sled::open(folder.path(), Options::standard()).unwrap());
    let hall = Arc::new(Hall::over(log).await);
    let began = Instant::now();
    let clerks: Vec<_> = (0..writers).map(|_| tokio::spawn(clerk(hall.clone(), commands))).collect();
    let mut taken = Vec::new();
    for clerk in clerks {
        taken.extend(clerk.await.unwrap());
    }
    let seconds = began.elapsed().as_secs_f64();
    let numbers: BTreeSet<u64> = taken.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, (1..=writers * commands).collect(), "a number was given twice, or left out");
    let mut waits: Vec<Duration> = taken.into_iter().map(|(_, wait)| wait).collect();
    waits.sort_unstable();
    let at = |per_mille: usize| waits[(waits.len() - 1) * per_mille / 1000].as_secs_f64() * 1000.0;
    println!(
        "{writers} writers on one stream: {:.0} durable commands/s, p50 {:.2} ms, p99 {:.2} ms, longest {:.2} ms",
        waits.len() as f64 / seconds,
        at(500),
        at(990),
        at(1000)
    );
}

async fn clerk(hall: Arc<Hall>, commands: u64) -> Vec<(u64, Duration)> {
    let mut taken = Vec::new();
    for _ in 0..commands {
        let began = Instant::now();
        let number = number(&hall.take(u64::MAX).await);
        taken.push((number, began.elapsed()));
    }
    taken
}
