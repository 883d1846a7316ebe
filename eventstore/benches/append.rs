//! Durable appends: the bare volume layout and the store, side by side.
//!
//! `cargo bench -p eventstore --bench append -- [--events N] [--seconds S] [--rounds R] [--dir DIR]`
//!
//! *Raw* is what the layout itself costs: a journal write, an `fdatasync` and a sled batch for all that waits, with
//! volumes of the same size and no checks, lookups or index. The store appends to random streams of its sealed volumes.
//! Every cell runs in a process of its own, so that memory is that of the cell alone; the rounds take turns, and
//! the quickest of each is told, because whatever else the machine does can only slow a cell down.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark that cannot go on says so")]

use eventstore::{
    By, CommandDigest, CommandId, EventId, EventLog, EventStore, Expected, Frame, NewEvent, Options, Position,
    Selection, Sled, StreamName, StreamVersion, VOLUME_EVENTS, Write,
};
use std::collections::VecDeque;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};

const WRITERS: [usize; 4] = [1, 16, 64, 256];
const EVENTS_PER_STREAM: u64 = 15;
/// So many streams are written in turn, which spreads each over two volumes at most.
const STREAMS_AT_ONCE: u64 = 10_000;
const NOW: i64 = 1_700_000_000_000_000;
const RECORD_BYTES: usize = 420;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let option = |name: &str| arguments.iter().position(|found| found == name).and_then(|at| arguments.get(at + 1));
    let seconds: u64 = option("--seconds").map_or(3, |text| text.parse().expect("--seconds takes a number"));
    let rounds = option("--rounds").map_or(3, |text| text.parse().expect("--rounds takes a number"));
    let events: u64 = option("--events").map_or(300_000, |text| text.parse().expect("--events takes a number"));
    let parent = option("--dir").map_or_else(std::env::temp_dir, PathBuf::from);
    if let Some(cell) = option("--cell") {
        return run_cell(cell, &arguments);
    }
    let dir = tempfile::Builder::new().prefix("append-bench").tempdir_in(parent).expect("a directory to write to");
    let filled = dir.path().join("filled");
    print!("{}", cell(&["fill", filled.to_str().unwrap(), &events.to_string(), "0"]));
    println!(
        "| writers | raw/s | at none/s | of raw | at {events}/s | of raw | p50 | p99 | RSS at none | RSS at {events} |"
    );
    println!("|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
    for writers in WRITERS {
        let mut rows: [Vec<Cell>; 3] = Default::default();
        for round in 0..rounds {
            let fresh = |name: &str| dir.path().join(format!("{name}-{writers}-{round}"));
            let (raw, none) = (fresh("raw"), fresh("none"));
            for (row, (kind, at)) in rows.iter_mut().zip([("raw", &raw), ("store", &none), ("store", &filled)]) {
                row.push(Cell::run(kind, at, writers, seconds));
            }
            std::fs::remove_dir_all(raw).unwrap();
            std::fs::remove_dir_all(none).unwrap();
        }
        let [raw, none, full] = rows.map(Cell::best);
        println!(
            "| {writers} | {:.0} | {:.0} | {:.0} % | {:.0} | {:.0} % | {:.0} µs | {:.0} µs | {:.0} MiB | {:.0} MiB | {:.1}, {:.1}, {:.1} |",
            raw.rate,
            none.rate,
            none.rate / raw.rate * 100.0,
            full.rate,
            full.rate / raw.rate * 100.0,
            full.p50,
            full.p99,
            none.memory,
            full.memory,
            raw.cpu,
            none.cpu,
            full.cpu,
        );
    }
    print!("{}", cell(&["read", filled.to_str().unwrap(), "0", "0"]));
}

/// What one cell measured.
#[derive(Clone, Copy)]
struct Cell {
    rate: f64,
    p50: f64,
    p99: f64,
    memory: f64,
    cpu: f64,
}

impl Cell {
    fn run(kind: &str, dir: &Path, writers: usize, seconds: u64) -> Self {
        let line = cell(&[kind, dir.to_str().unwrap(), &writers.to_string(), &seconds.to_string()]);
        let mut words = line.split_whitespace().map(|word| word.parse().expect("a number"));
        let mut next = || words.next().expect("another number");
        Self { rate: next(), p50: next(), p99: next(), memory: next(), cpu: next() }
    }

    /// Returns the quickest of the rounds, with the most memory that any of them took.
    fn best(cells: Vec<Self>) -> Self {
        let memory = cells.iter().map(|cell| cell.memory).fold(0.0, f64::max);
        let best = cells.into_iter().max_by(|one, other| one.rate.total_cmp(&other.rate)).expect("one round");
        Self { memory, ..best }
    }
}

fn cell(arguments: &[&str]) -> String {
    let program = std::env::current_exe().unwrap();
    let output = Command::new(program).arg("--cell").args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn run_cell(cell: &str, arguments: &[String]) {
    let at = arguments.iter().position(|found| found == "--cell").unwrap();
    let [dir, count, seconds] = [2, 3, 4].map(|offset| arguments[at + offset].clone());
    let (dir, count) = (PathBuf::from(dir), count.parse::<u64>().unwrap());
    let duration = Duration::from_secs(seconds.parse().unwrap());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        match cell {
            "fill" => fill(&dir, count).await,
            "raw" => raw(&dir, count as usize, duration).await,
            "store" => store(&dir, count as usize, duration).await,
            "read" => read(&dir).await,
            other => panic!("no cell {other}"),
        }
    });
}

fn stream_name(stream: u64) -> StreamName {
    StreamName::try_from(format!("case/01JC{stream:022}").as_str()).unwrap()
}

fn event(id: u128) -> NewEvent {
    NewEvent {
        id: EventId(id),
        kind: "case-accepted".into(),
        schema: 2,
        occurred_at: NOW - 1,
        labels: vec!["organisation:350102".into()],
        body: vec![b'x'; 170].into(),
    }
}

fn frame(command: u128, writes: Vec<Write>) -> Frame {
    Frame {
        command: CommandId(command),
        digest: CommandDigest([7; 16]),
        now: NOW,
        by: By {
            id: "clerk-350102-0007".into(),
            role: "clerk".into(),
            organisation: "350102".into(),
            window: "12".into(),
            acting_for: "".into(),
            channel: "window".into(),
        },
        correlation: command,
        causation: None,
        guards: Vec::new(),
        writes,
    }
}

/// A command id that no other run has used, as random in its low bits as a ULID.
fn command_id(run: u64, nth: u64) -> u128 {
    let mixed = (nth.wrapping_add(run << 40)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    u128::from(NOW as u64 + run) << 80 | u128::from(mixed)
}

/// Which stream the `nth` of all events belongs to.
fn stream_of(nth: u64) -> u64 {
    nth / (EVENTS_PER_STREAM * STREAMS_AT_ONCE) * STREAMS_AT_ONCE + nth % STREAMS_AT_ONCE
}

async fn fill(dir: &Path, events: u64) {
    const EVENTS_PER_FRAME: u64 = 64;
    let store = Sled::open(dir, Options::standard()).unwrap();
    let memory = PeakMemory::watch();
    let began = Instant::now();
    let mut pending = VecDeque::new();
    let mut nth = 0;
    while nth < events {
        let writes = (nth..events.min(nth + EVENTS_PER_FRAME)).map(|nth| Write {
            stream: stream_name(stream_of(nth)),
            expected: Expected::Exactly(StreamVersion(nth / STREAMS_AT_ONCE % EVENTS_PER_STREAM)),
            events: vec![event(u128::from(nth))],
        });
        let frame = frame(command_id(0, nth), writes.collect());
        nth += EVENTS_PER_FRAME;
        let mut append = store.append(frame);
        // The first poll hands the frame in; the answer is looked at later.
        if let Some(done) = futures::FutureExt::now_or_never(&mut append) {
            done.unwrap();
        } else {
            pending.push_back(append);
        }
        if 256 < pending.len() {
            pending.pop_front().unwrap().await.unwrap();
        }
    }
    for append in pending {
        append.await.unwrap();
    }
    let rate = events as f64 / began.elapsed().as_secs_f64();
    store.close();
    println!("filled with {events} events at {rate:.0}/s, at most {} MiB resident\n", memory.peak_mib());
}

async fn store(dir: &Path, writers: usize, duration: Duration) {
    let store = Arc::new(Sled::open(dir, Options::standard()).unwrap());
    let head = store.head().await.unwrap().position.0;
    let memory = PeakMemory::watch();
    let existing = head / (EVENTS_PER_STREAM * STREAMS_AT_ONCE) * STREAMS_AT_ONCE;
    let cpu_before = cpu_seconds();
    let stop = Arc::new(AtomicBool::new(false));
    let run = 1 + head;
    let tasks: Vec<_> = (0..writers as u64)
        .map(|writer| {
            let (store, stop) = (Arc::clone(&store), Arc::clone(&stop));
            tokio::spawn(async move {
                let mut latencies = Vec::new();
                let mut nth = 0;
                while !stop.load(Ordering::Relaxed) {
                    let id = command_id(run, nth * 1024 + writer);
                    let (stream, expected) = pick(existing, writer, writers as u64, id, nth);
                    let write = Write { stream, expected, events: vec![event(id)] };
                    let began = Instant::now();
                    store.append(frame(id, vec![write])).await.unwrap();
                    latencies.push(began.elapsed().as_micros() as u32);
                    nth += 1;
                }
                latencies
            })
        })
        .collect();
    report(tasks, &stop, duration, &memory, cpu_before).await;
}

/// Picks a stream that no other writer picks, and what is known of it.
fn pick(existing: u64, writer: u64, writers: u64, id: u128, nth: u64) -> (StreamName, Expected) {
    if existing == 0 {
        return (stream_name(1_000_000_000 + writer * 10_000_000 + nth), Expected::Empty);
    }
    let share = existing / writers;
    let mixed = ((id as u64) ^ (id as u64 >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 20;
    // Earlier runs may have added to it, so its version is not known beforehand; the store looks it up all the same.
    (stream_name(writer * share + mixed % share), Expected::Any)
}

async fn raw(dir: &Path, writers: usize, duration: Duration) {
    let (sender, queue) = mpsc::channel::<(Vec<u8>, oneshot::Sender<u64>)>(4096);
    let dir = dir.to_owned();
    let committer = std::thread::spawn(move || raw_commits(&dir, queue));
    let memory = PeakMemory::watch();
    let stop = Arc::new(AtomicBool::new(false));
    let tasks: Vec<_> = (0..writers)
        .map(|_| {
            let (sender, stop) = (sender.clone(), Arc::clone(&stop));
            tokio::spawn(async move {
                let mut latencies = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    let (reply, done) = oneshot::channel();
                    let began = Instant::now();
                    sender.send((vec![b'x'; RECORD_BYTES], reply)).await.unwrap();
                    done.await.unwrap();
                    latencies.push(began.elapsed().as_micros() as u32);
                }
                latencies
            })
        })
        .collect();
    drop(sender);
    report(tasks, &stop, duration, &memory, cpu_seconds()).await;
    committer.join().unwrap();
}

fn raw_commits(dir: &Path, mut queue: mpsc::Receiver<(Vec<u8>, oneshot::Sender<u64>)>) {
    let mut position = 0_u64;
    let mut closers = Vec::new();
    let mut volume = RawVolume::create(dir, 1);
    let mut next = Some(prepare(dir, 2));
    while let Some(first) = queue.blocking_recv() {
        let mut group = vec![first];
        while group.len() < 1024
            && let Ok(more) = queue.try_recv()
        {
            group.push(more);
        }
        let mut bytes = Vec::with_capacity(group.len() * (RECORD_BYTES + 8));
        let mut batch = sled::Batch::default();
        for (nth, (record, _)) in group.iter().enumerate() {
            bytes.extend_from_slice(&(record.len() as u32).to_le_bytes());
            bytes.extend_from_slice(&crc32c::crc32c(record).to_le_bytes());
            bytes.extend_from_slice(record);
            batch.insert((position + 1 + nth as u64).to_be_bytes(), record.as_slice());
        }
        volume.journal.write_all(&bytes).unwrap();
        volume.journal.sync_data().unwrap();
        volume.records.apply_batch(batch).unwrap();
        position += group.len() as u64;
        volume.events += group.len() as u64;
        for (_, reply) in group {
            let _ = reply.send(position);
        }
        if u64::from(VOLUME_EVENTS) <= volume.events {
            let number = volume.number + 1;
            let full = std::mem::replace(&mut volume, next.take().unwrap().join().unwrap());
            closers.push(std::thread::spawn(move || drop(full)));
            next = Some(prepare(dir, number + 1));
        }
    }
    drop(volume);
    for closer in closers {
        closer.join().unwrap();
    }
    drop(next.map(|next| next.join().unwrap()));
}

struct RawVolume {
    number: u64,
    events: u64,
    journal: File,
    records: sled::Tree<64>,
    _db: sled::Db<64>,
}

impl RawVolume {
    fn create(dir: &Path, number: u64) -> Self {
        let dir = dir.join(number.to_string());
        std::fs::create_dir_all(&dir).unwrap();
        let config = sled::Config::new().path(dir.join("sled")).cache_capacity_bytes(8 << 20);
        let db: sled::Db<64> = config.flush_every_ms(Some(1000)).zstd_compression_level(1).open().unwrap();
        let records = db.open_tree("records").unwrap();
        Self { number, events: 0, journal: File::create(dir.join("journal")).unwrap(), records, _db: db }
    }
}

fn prepare(dir: &Path, number: u64) -> std::thread::JoinHandle<RawVolume> {
    let dir = dir.to_owned();
    std::thread::spawn(move || RawVolume::create(&dir, number))
}

async fn report(
    tasks: Vec<tokio::task::JoinHandle<Vec<u32>>>,
    stop: &AtomicBool,
    duration: Duration,
    memory: &PeakMemory,
    cpu_before: f64,
) {
    let began = Instant::now();
    tokio::time::sleep(duration).await;
    stop.store(true, Ordering::Relaxed);
    let mut latencies = Vec::new();
    for task in tasks {
        latencies.extend(task.await.unwrap());
    }
    let rate = latencies.len() as f64 / began.elapsed().as_secs_f64();
    latencies.sort_unstable();
    let at = |share: f64| latencies[((latencies.len() - 1) as f64 * share) as usize];
    let cpu = (cpu_seconds() - cpu_before) / latencies.len() as f64 * 1e6;
    println!("{rate:.0} {} {} {} {cpu:.1}", at(0.5), at(0.99), memory.peak_mib());
}

async fn read(dir: &Path) {
    let began = Instant::now();
    let store = Sled::open(dir, Options::standard()).unwrap();
    println!("\nopened in {:?}, {:.2} s of processor time", began.elapsed(), cpu_seconds());
    let head = store.head().await.unwrap().position;
    let (began, cpu_before) = (Instant::now(), cpu_seconds());
    let mut after = Position::START;
    let mut events = 0;
    while after < head {
        let page = store.read(&Selection::All, after, 4096).await.unwrap();
        events += page.events.len();
        after = page.through;
    }
    let cpu = cpu_seconds() - cpu_before;
    let (rate, of_cpu) = (events as f64 / began.elapsed().as_secs_f64(), events as f64 / cpu);
    println!("read all: {rate:.0} events/s; {of_cpu:.0} per second of processor time");

    let streams = head.0 / (EVENTS_PER_STREAM * STREAMS_AT_ONCE) * STREAMS_AT_ONCE;
    for round in ["cold", "warm", "warmer"] {
        let (began, cpu_before) = (Instant::now(), cpu_seconds());
        let mut events = 0;
        const READS: u64 = 5000;
        for nth in 0..READS {
            let stream =
                nth.wrapping_mul(0x9e37_79b9_7f4a_7c15) % streams.min(4 * u64::from(VOLUME_EVENTS) / 15).max(1);
            events +=
                store.read(&Selection::Stream(stream_name(stream)), Position::START, 100).await.unwrap().events.len();
        }
        let each = began.elapsed() / READS as u32;
        let cpu = (cpu_seconds() - cpu_before) / READS as f64 * 1e6;
        println!(
            "read a sealed stream of {} events, {round}: {each:?}; {cpu:.0} µs of processor time",
            events as u64 / READS,
        );
    }
    let active = stream_name(5_000_000_000);
    for nth in 0..15 {
        let write = Write { stream: active.clone(), expected: Expected::Any, events: vec![event(nth)] };
        store.append(frame(command_id(head.0 + 1, 1 << 30) + nth, vec![write])).await.unwrap();
    }
    let (began, cpu_before) = (Instant::now(), cpu_seconds());
    for _ in 0..10_000 {
        store.read(&Selection::Stream(active.clone()), Position::START, 100).await.unwrap();
    }
    let cpu = (cpu_seconds() - cpu_before) * 100.0;
    println!("read an active stream of 15 events: {:?}; {cpu:.0} µs of processor time", began.elapsed() / 10_000);
}

/// Samples the process's resident memory.
struct PeakMemory(Arc<AtomicU64>);

impl PeakMemory {
    fn watch() -> Self {
        let peak = Arc::new(AtomicU64::new(0));
        let watched = Arc::downgrade(&peak);
        std::thread::spawn(move || {
            while let Some(peak) = watched.upgrade() {
                peak.fetch_max(resident_bytes(), Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        Self(peak)
    }

    fn peak_mib(&self) -> u64 {
        self.0.fetch_max(resident_bytes(), Ordering::Relaxed);
        self.0.load(Ordering::Relaxed) >> 20
    }
}

/// Returns the processor time that the process has used, which other processes disturb less than the clock.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields).split_whitespace();
    fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4096
}
