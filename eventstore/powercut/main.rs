//! Cuts the power of a log at random moments of its life, also while it recovers from an earlier cut.
//!
//! `eventstore/powercut/run IMAGES [SEED]` builds the recorder and runs this program as
//! `powercut simulate RECORDER IMAGES SEED`. It records itself as `powercut write DIR MARKS`, appending from several
//! writers and noting each acknowledgement as a mark. At each cut it writes the image that the disk might hold, and
//! runs itself as `powercut check IMAGE ACKNOWLEDGED`. At every other cut, the opening of the image is recorded as
//! `powercut open`, the power is cut once more during that, and the second image is checked.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a simulation that cannot go on says so")]

mod disk;

use disk::{Chance, Disk, Operation, read_trace};
use eventstore::testing::{conformance, frame};
use eventstore::{CommandId, EventStore, Expected, Options, Position, RecordedEvent, Selection, Sled, StreamVersion};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::time::{Duration, Instant};

const WRITERS: u128 = 6;
const FRAMES_PER_WRITER: u128 = 50;
const VOLUME_EVENTS: u32 = 150;
const CHECK_DEADLINE: Duration = Duration::from_secs(120);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["simulate", recorder, images, seed] => {
            simulate(Path::new(recorder), images.parse().unwrap(), seed.parse().unwrap())
        }
        ["write", dir, marks] => in_runtime(write(Path::new(dir), Path::new(marks))),
        ["open", dir] => in_runtime(reopen(Path::new(dir))),
        ["check", dir, acknowledged] => in_runtime(check(Path::new(dir), Path::new(acknowledged))),
        _ => {
            eprintln!("usage: powercut simulate RECORDER IMAGES SEED");
            ExitCode::from(2)
        }
    }
}

fn in_runtime(work: impl Future<Output = ()>) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(work);
    ExitCode::SUCCESS
}

fn open(dir: &Path) -> Sled {
    let database_deadline = Duration::from_secs(20);
    Sled::open(dir, Options { volume_events: VOLUME_EVENTS, database_deadline, ..Options::standard() }).unwrap()
}

// The recorded program.

async fn write(dir: &Path, marks: &Path) {
    let store = Arc::new(open(dir));
    let marks = Arc::new(fs::File::options().create(true).append(true).open(marks).unwrap());
    let writers = (0..WRITERS).map(|writer| {
        let (store, marks) = (Arc::clone(&store), Arc::clone(&marks));
        tokio::spawn(async move {
            for nth in 0..FRAMES_PER_WRITER {
                let command = 1 + writer * FRAMES_PER_WRITER + nth;
                conformance::append(&*store, frame_of(command)).await;
                marks.as_ref().write_all(&(command as u64).to_le_bytes()).unwrap();
            }
        })
    });
    for writer in futures::future::join_all(writers).await {
        writer.unwrap();
    }
    // No closing: the power goes first.
    std::process::abort();
}

/// What is written under a command id, so that a torn frame can be told from a whole one.
fn frame_of(command: u128) -> eventstore::Frame {
    let streams = (0..1 + command % 3).map(|stream| format!("s/{}/{stream}", command % 17));
    streams.fold(frame(command), |frame, name| frame.write(&name, Expected::Any, 1 + (command % 4) as usize))
}

async fn reopen(dir: &Path) {
    let store = open(dir);
    let volumes = store.verify(&mut |_| ()).unwrap().volumes;
    eprintln!("opened {volumes} volumes");
    std::process::abort();
}

async fn check(dir: &Path, acknowledged: &Path) {
    let acknowledged: BTreeSet<u128> = fs::read(acknowledged)
        .unwrap()
        .chunks_exact(8)
        .map(|id| u64::from_le_bytes(id.try_into().unwrap()).into())
        .collect();
    let store = open(dir);
    let events = conformance::read(&store, &Selection::All, 500).await;
    let mut versions = BTreeMap::new();
    let mut frames: BTreeMap<u128, Vec<&RecordedEvent>> = BTreeMap::new();
    for (position, event) in (1..).zip(&events) {
        assert_eq!(event.position, Position(position), "a hole");
        let version: &mut u64 = versions.entry(event.stream()).or_default();
        *version += 1;
        assert_eq!(event.version, StreamVersion(*version));
        frames.entry(event.command.0).or_default().push(event);
    }
    for command in &acknowledged {
        assert!(frames.contains_key(command), "command {command} was acknowledged and is gone");
    }
    for (command, events) in frames {
        let expected = frame_of(command).writes.into_iter().flat_map(|write| write.events);
        assert!(expected.map(|event| event.body).eq(events.iter().map(|event| event.body())), "{command} is torn");
        assert!(store.answer(CommandId(command)).await.unwrap().is_some(), "no answer to {command}");
    }
    assert_eq!(store.verify(&mut |_| ()).unwrap().events, events.len() as u64);
    conformance::append(&store, frame(1 << 40).write("after", Expected::Empty, 1)).await;
}

// The simulation.

fn simulate(recorder: &Path, images: u64, seed: u64) -> ExitCode {
    let memory = Path::new("/dev/shm");
    let base = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    let work = tempfile::Builder::new().prefix("powercut").tempdir_in(base).unwrap();
    let mut chance = Chance(seed);
    let log = work.path().join("log");
    fs::create_dir(&log).unwrap();
    let marks = work.path().join("marks");
    let trace = record(recorder, work.path(), &log, &["write", log.to_str().unwrap(), marks.to_str().unwrap()])
        .expect("the recorded run ends by itself");
    let operations = read_trace(&trace);
    println!("recorded {} operations, {} acknowledged frames", operations.len(), marks_of(&operations).len() / 8);
    let mut cuts: Vec<usize> = (0..images).map(|_| chance.below(operations.len() as u64) as usize).collect();
    cuts.sort_unstable();
    let mut failures = 0;
    let mut twice = 0;
    let mut disk = Disk::default();
    let mut done = 0;
    for (nth, cut) in cuts.into_iter().enumerate() {
        for operation in &operations[done..cut] {
            disk.perform(operation);
        }
        done = cut;
        let acknowledged = work.path().join("acknowledged");
        fs::write(&acknowledged, marks_of(&operations[..cut])).unwrap();
        let image = work.path().join(format!("image-{nth}"));
        disk.cut(&mut chance, &image);
        let opened = if nth % 2 == 0 {
            Ok(())
        } else {
            twice += 1;
            cut_again(recorder, work.path(), &image, &mut chance)
        };
        if let Err(said) = opened.and_then(|()| run_check(&image, &acknowledged)) {
            failures += 1;
            println!("image {nth}, cut after operation {cut}: {said}");
        }
        fs::remove_dir_all(&image).unwrap();
    }
    println!("{} of {images} images survived, {twice} of them cut again while opening", images - failures);
    if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Opens an image, cuts the power during that, and leaves in its place what is left.
fn cut_again(recorder: &Path, work: &Path, image: &Path, chance: &mut Chance) -> Result<(), String> {
    let mut disk = Disk::holding(image);
    let trace = record(recorder, work, image, &["open", image.to_str().unwrap()])?;
    let operations = read_trace(&trace);
    assert!(!operations.is_empty(), "opening an image does nothing to it");
    let cut = chance.below(operations.len() as u64 + 1) as usize;
    for operation in &operations[..cut] {
        disk.perform(operation);
    }
    fs::remove_dir_all(image).unwrap();
    disk.cut(chance, image);
    Ok(())
}

fn record(recorder: &Path, work: &Path, root: &Path, arguments: &[&str]) -> Result<PathBuf, String> {
    let trace = work.join("trace");
    let output = Command::new(std::env::current_exe().unwrap())
        .args(arguments)
        .env("LD_PRELOAD", recorder)
        .env("POWERCUT_ROOT", root)
        .env("POWERCUT_TRACE", &trace)
        .env("POWERCUT_MARKS", work.join("marks"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    if said.contains("panicked") {
        return Err(format!("{}: {}", arguments[0], said.lines().take(4).collect::<Vec<_>>().join(" ")));
    }
    Ok(trace)
}

fn marks_of(operations: &[Operation]) -> Vec<u8> {
    let marks = operations.iter().filter_map(|operation| match operation {
        Operation::Mark { bytes } => Some(bytes.as_slice()),
        _ => None,
    });
    marks.flatten().copied().collect()
}

fn run_check(image: &Path, acknowledged: &Path) -> Result<(), String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["check".as_ref(), image.as_os_str(), acknowledged.as_os_str()])
        .stderr(fs::File::create(image.with_extension("said")).unwrap())
        .spawn()
        .unwrap();
    let began = Instant::now();
    let outcome = loop {
        match child.try_wait().unwrap() {
            Some(status) if status.success() => break Ok(()),
            Some(status) => break Err(status.to_string()),
            None if CHECK_DEADLINE < began.elapsed() => {
                child.kill().unwrap();
                child.wait().unwrap();
                break Err(format!("no end after {CHECK_DEADLINE:?}"));
            }
            None => std::thread::park_timeout(Duration::from_millis(5)),
        }
    };
    let said = fs::read_to_string(image.with_extension("said")).unwrap();
    fs::remove_file(image.with_extension("said")).unwrap();
    outcome.map_err(|status| format!("{status}: {}", said.lines().take(4).collect::<Vec<_>>().join(" ")))
}
