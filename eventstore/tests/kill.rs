//! A writer is killed at random moments, also while it opens its log, and loses nothing that was acknowledged.
//!
//! The test runs itself again as the writer. The writer prints each acknowledged frame; whatever it managed to print
//! must be in the log after any number of kills, whole and in its place.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so")]

use eventstore::testing::{conformance, frame};
use eventstore::{CommandId, EventStore, Expected, Options, Position, RecordedEvent, Selection, Sled, StreamVersion};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

const ROUNDS: u64 = 60;
const WRITERS: u64 = 8;
const VOLUME_EVENTS: u32 = 200;
const LOG: &str = "YICHUANG_TEST_LOG";
const ROUND: &str = "YICHUANG_TEST_ROUND";

#[test]
fn nothing_acknowledged_is_lost_to_sixty_kills() {
    if let Some(log) = std::env::var_os(LOG) {
        return write_until_killed(Path::new(&log));
    }
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    let mut acknowledged: BTreeMap<u128, (u64, u64)> = BTreeMap::new();
    let mut moments = Moments(0x5eed);
    for round in 0..ROUNDS {
        let before = acknowledged.len();
        run_and_kill(&log, round, moments.next(), &mut acknowledged);
        if round % 10 == 9 {
            check(&log, &acknowledged);
        }
        // Kills during opening acknowledge nothing; over ten rounds some frames must have come through.
        assert!(before <= acknowledged.len());
    }
    assert!(ROUNDS < acknowledged.len() as u64, "hardly anything was written: {}", acknowledged.len());
    let volumes = std::fs::read_dir(log.join("volumes")).unwrap().count();
    assert!(4 < volumes, "no volume was sealed: {volumes}");
}

/// Milliseconds after which to kill: as often while opening as while writing.
struct Moments(u64);

impl Moments {
    fn next(&mut self) -> Duration {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        Duration::from_millis(if self.0.is_multiple_of(3) { self.0 % 30 } else { 30 + self.0 % 400 })
    }
}

fn run_and_kill(log: &Path, round: u64, after: Duration, acknowledged: &mut BTreeMap<u128, (u64, u64)>) {
    let program = std::env::current_exe().unwrap();
    let mut child = Command::new(program)
        .args(["--exact", "nothing_acknowledged_is_lost_to_sixty_kills", "--nocapture"])
        .env(LOG, log)
        .env(ROUND, round.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let reader = std::thread::spawn(move || lines.map_while(Result::ok).filter_map(|line| parse(&line)).collect());
    let killed = std::thread::spawn(move || {
        // Not a wait for something to happen: the kill is to come at any moment whatever.
        std::thread::park_timeout(after);
        child.kill().unwrap();
        child.wait().unwrap()
    });
    let said: Vec<(u128, (u64, u64))> = reader.join().unwrap();
    killed.join().unwrap();
    acknowledged.extend(said);
}

/// Reads a line of the writer; one that was cut short by the kill does not count.
fn parse(line: &str) -> Option<(u128, (u64, u64))> {
    let words: Vec<&str> = line.strip_prefix("ack ")?.strip_suffix(" .")?.split(' ').collect();
    let [command, first, last] = words.as_slice() else { return None };
    Some((command.parse().ok()?, (first.parse().ok()?, last.parse().ok()?)))
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn write_until_killed(log: &Path) {
    let round: u64 = std::env::var(ROUND).unwrap().parse().unwrap();
    let options = Options { volume_events: VOLUME_EVENTS, ..Options::standard() };
    let store = Arc::new(Sled::open(log, options).unwrap());
    let writers = (0..WRITERS).map(|writer| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            for nth in 0.. {
                let command = u128::from(((round * WRITERS) + writer) << 32 | nth) + 1;
                let mut frame = frame(command);
                for stream in 0..1 + nth % 3 {
                    frame = frame.write(&format!("s/{writer}/{stream}"), Expected::Any, 1 + (nth % 5) as usize);
                }
                let appended = store.append(frame).await.unwrap();
                let line = format!("ack {command} {} {} .\n", appended.first, appended.last);
                std::io::stdout().write_all(line.as_bytes()).unwrap();
            }
        })
    });
    futures::future::join_all(writers).await;
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn check(log: &Path, acknowledged: &BTreeMap<u128, (u64, u64)>) {
    let options = Options { volume_events: VOLUME_EVENTS, ..Options::standard() };
    let store = Sled::open(log, options).unwrap();
    let events = conformance::read(&store, &Selection::All, 1000).await;
    let mut versions = BTreeMap::new();
    let mut frames: BTreeMap<u128, Vec<&RecordedEvent>> = BTreeMap::new();
    for (position, event) in (1..).zip(&events) {
        assert_eq!(event.position, Position(position), "a hole, or a position twice");
        let version: &mut u64 = versions.entry(event.stream()).or_default();
        *version += 1;
        assert_eq!(event.version, StreamVersion(*version), "{}", event.stream());
        frames.entry(event.command.0).or_default().push(event);
    }
    for (command, (first, last)) in acknowledged {
        let found = frames.get(command).map(|events| (events[0].position.0, events[events.len() - 1].position.0));
        assert_eq!(found, Some((*first, *last)), "acknowledged command {command:x}");
    }
    for (command, events) in frames {
        // What the writer would have written under this id, so a torn frame shows.
        let nth = (command - 1) & 0xffff_ffff;
        assert_eq!(events.len() as u128, (1 + nth % 3) * (1 + nth % 5), "command {command:x} is torn");
        let answer = store.answer(CommandId(command)).await.unwrap().unwrap();
        assert_eq!(answer.appended.first, events[0].position);
    }
    let verified = store.verify(&mut |_| ()).unwrap();
    assert_eq!(verified.findings, [], "both copies and the indexes agree");
}
