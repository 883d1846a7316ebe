//! Damage to either copy of any volume loses nothing, and the store says what it mended.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so")]

use eventstore::testing::{conformance, frame, stream};
use eventstore::{
    Answer, CommandId, EventLog, EventStore, Expected, OpenError, Options, Outcome, Part, Position, ReadError,
    RecordedEvent, Selection, Sled,
};
use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

const FRAMES: u128 = 70;
const STREAMS: u128 = 5;

fn open(log: &Path) -> Result<Sled, OpenError> {
    let database_deadline = Duration::from_secs(3);
    Sled::open(log, Options { volume_events: 64, database_deadline, ..Options::standard() })
}

/// A closed log of a few volumes, and what it holds.
struct Original {
    dir: tempfile::TempDir,
    contents: Contents,
}

#[derive(Debug, PartialEq)]
struct Contents {
    all: Vec<RecordedEvent>,
    streams: Vec<Vec<RecordedEvent>>,
    answers: Vec<Option<Answer>>,
}

impl Original {
    async fn make() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = open(&dir.path().join("log")).unwrap();
        for command in 1..=FRAMES {
            let frame = frame(command).write(&format!("s/{}", command % STREAMS), Expected::Any, 2);
            conformance::append(&store, frame.write("all", Expected::Any, 1)).await;
        }
        let contents = Contents::of(&store).await;
        store.verify(&mut |_| ()).unwrap();
        Self { dir, contents }
    }

    fn log(&self) -> PathBuf {
        self.dir.path().join("log")
    }

    fn copy(&self) -> (tempfile::TempDir, PathBuf) {
        let copy = tempfile::tempdir().unwrap();
        let log = copy.path().join("log");
        copy_all(&self.log(), &log);
        (copy, log)
    }

    /// Opens the log after `damage`, looks at everything, and returns what was mended.
    async fn check(&self, damage: impl Fn(&Path), what: &str) -> Vec<Part> {
        let (_copy, log) = self.copy();
        damage(&log);
        let store = open(&log).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert!(Contents::of(&store).await == self.contents, "{what}: something is lost");
        store.verify(&mut |_| ()).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert!(Contents::of(&store).await == self.contents, "{what}: something is lost after mending");
        let again = store.verify(&mut |_| ()).unwrap();
        assert_eq!(again.findings, [], "{what}: still damaged after mending");
        conformance::append(&store, frame(FRAMES + 1).write("more", Expected::Empty, 1)).await;
        let mended = store.mended();
        assert!(mended.iter().all(|mending| mending.outcome == Outcome::Mended), "{what}: {mended:?}");
        store.close();
        let store = open(&log).unwrap();
        assert_eq!(store.head().await.unwrap().position.0, self.contents.all.len() as u64 + 1, "{what}");
        assert_eq!(store.mended(), [], "{what}: mended only once");
        mended.into_iter().map(|mending| mending.part).collect()
    }
}

impl Contents {
    async fn of(store: &Sled) -> Self {
        let all = conformance::read(store, &Selection::All, 50).await;
        let mut streams = Vec::new();
        for name in (0..STREAMS).map(|nth| format!("s/{nth}")).chain(["all".into(), "none".into()]) {
            streams.push(conformance::read(store, &Selection::Stream(stream(&name)), 50).await);
        }
        let mut answers = Vec::new();
        for command in 1..=FRAMES {
            answers.push(store.answer(CommandId(command)).await.unwrap());
        }
        Self { all, streams, answers }
    }
}

fn copy_all(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_all(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Returns the files below `dir` that hold anything, relative to it.
fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut dirs = vec![dir.to_owned()];
    while let Some(next) = dirs.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let entry = entry.unwrap();
            let metadata = entry.metadata().unwrap();
            if metadata.is_dir() {
                dirs.push(entry.path());
            } else if 0 < metadata.len() && entry.file_name() != "LOCK" {
                found.push(entry.path().strip_prefix(dir).unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

fn flip(file: &Path, per_mille: u64) {
    let file = fs::File::options().read(true).write(true).open(file).unwrap();
    let at = (file.metadata().unwrap().len() - 1) * per_mille / 1000;
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 0x10], at).unwrap();
}

/// The files of the first volume, which is sealed, of the last, which is active, and of the store itself.
fn files_of_interest(original: &Original) -> Vec<PathBuf> {
    let all = files(&original.log());
    let volumes: Vec<_> =
        fs::read_dir(original.log().join("volumes")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(3 < volumes.len(), "too few volumes to tell them apart");
    let (first, last) = (volumes.iter().min().unwrap(), volumes.iter().max().unwrap());
    let of = |volume: &Path, file: &Path| original.log().join(file).starts_with(volume);
    all.into_iter().filter(|file| !file.starts_with("volumes") || of(first, file) || of(last, file)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_any_file_loses_nothing() {
    let original = Original::make().await;
    for file in files_of_interest(&original) {
        let what = format!("without {}", file.display());
        let mended = original.check(|log| fs::remove_file(log.join(&file)).unwrap(), &what).await;
        let name = file.file_name().unwrap().to_str().unwrap();
        let expected = match name {
            "journal" => Some(Part::Journal),
            "index" => Some(Part::Index),
            "FORMAT" => Some(Part::Format),
            "LAST" => Some(Part::Last),
            // Sled has files that it can do without.
            _ => None,
        };
        assert!(expected.is_none_or(|part| mended.contains(&part)), "{what}: mended {mended:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_any_database_loses_nothing() {
    let original = Original::make().await;
    for volume in fs::read_dir(original.log().join("volumes")).unwrap() {
        let database = Path::new("volumes").join(volume.unwrap().file_name()).join("sled");
        let what = format!("without {}", database.display());
        let mended = original.check(|log| fs::remove_dir_all(log.join(&database)).unwrap(), &what).await;
        assert!(mended.contains(&Part::Database), "{what}: mended {mended:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn flipping_a_bit_of_any_file_loses_nothing() {
    let original = Original::make().await;
    for file in files_of_interest(&original) {
        let ours = !file.components().any(|part| part.as_os_str() == "sled");
        let places: &[u64] = if ours { &[0, 300, 999] } else { &[300] };
        for &per_mille in places {
            let what = format!("with a bit flipped in {} at {per_mille}/1000", file.display());
            let mended = original.check(|log| flip(&log.join(&file), per_mille), &what).await;
            let journal = file.ends_with("journal");
            assert!(!journal || mended.contains(&Part::Journal), "{what}: mended {mended:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn flipping_a_bit_of_any_block_of_an_index_loses_nothing() {
    const BLOCK: u64 = 4096;
    let original = Original::make().await;
    let index = files_of_interest(&original).into_iter().find(|file| file.ends_with("index")).unwrap();
    let blocks = fs::metadata(original.log().join(&index)).unwrap().len() / BLOCK;
    assert!(8 < blocks, "an index has a header and eight tables");
    for block in 0..blocks {
        let what = format!("with a bit flipped in block {block} of {}", index.display());
        let middle = (2 * block + 1) * 500 / blocks;
        let mended = original.check(|log| flip(&log.join(&index), middle), &what).await;
        assert!(mended.contains(&Part::Index), "{what}: mended {mended:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_that_appears_while_the_log_is_open_is_mended_when_it_is_read() {
    let original = Original::make().await;
    let store = open(&original.log()).unwrap();
    let volumes = fs::read_dir(original.log().join("volumes")).unwrap();
    let mut volumes: Vec<_> = volumes.map(|entry| entry.unwrap().path()).collect();
    volumes.sort();
    for volume in &volumes {
        flip(&volume.join("journal"), 500);
    }
    assert!(Contents::of(&store).await == original.contents, "something is lost");
    let verified = store.verify(&mut |_| ()).unwrap();
    assert_eq!(verified.events, original.contents.all.len() as u64);
    assert_eq!(store.verify(&mut |_| ()).unwrap().findings, []);
    let journals = store.mended().into_iter().filter(|mending| mending.part == Part::Journal).count();
    assert!(volumes.len() <= journals, "{:?}", store.mended());
    assert!(Contents::of(&store).await == original.contents, "something is lost after mending");
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_to_both_copies_is_said_not_hidden() {
    let original = Original::make().await;
    let (_copy, log) = original.copy();
    let first = log.join("volumes/00000000000000000001");
    flip(&first.join("journal"), 500);
    fs::remove_dir_all(first.join("sled")).unwrap();
    // Found at the opening, because the missing database makes the volume be looked through.
    let outcome = open(&log);
    let Err(OpenError::Corrupt { position, .. }) = outcome else { panic!("opened: {outcome:?}") };
    assert!(Position(1) < position && position < Position(64), "{position}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_volume_is_said_not_hidden() {
    let original = Original::make().await;
    let (_copy, log) = original.copy();
    let mut volumes: Vec<_> = fs::read_dir(log.join("volumes")).unwrap().map(|entry| entry.unwrap().path()).collect();
    volumes.sort();
    fs::remove_dir_all(&volumes[1]).unwrap();
    assert!(matches!(open(&log), Err(OpenError::Corrupt { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_last_volume_is_said_not_hidden() {
    let original = Original::make().await;
    let (_copy, log) = original.copy();
    let mut volumes: Vec<_> = fs::read_dir(log.join("volumes")).unwrap().map(|entry| entry.unwrap().path()).collect();
    volumes.sort();
    let last = volumes.pop().unwrap();
    fs::remove_dir_all(&last).unwrap();
    let Err(OpenError::Corrupt { position, detail, .. }) = open(&log) else { panic!("opened without {last:?}") };
    let name = last.file_name().unwrap().to_str().unwrap();
    assert_eq!(position.0, name.parse::<u64>().unwrap());
    assert!(detail.contains(name), "{detail}");

    // Whoever says so goes on without it; from then on the log ends one volume earlier.
    fs::remove_file(log.join("LAST")).unwrap();
    let store = open(&log).unwrap();
    assert_eq!(store.head().await.unwrap().position.0, position.0 - 1);
    conformance::append(&store, frame(FRAMES + 1).write("more", Expected::Empty, 1)).await;
    store.close();

    for volume in volumes {
        fs::remove_dir_all(volume).unwrap();
    }
    assert!(matches!(open(&log), Err(OpenError::Corrupt { .. })), "a log without volumes passed for a new one");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_in_use_or_newer_or_something_else_is_refused() {
    let original = Original::make().await;
    let store = open(&original.log()).unwrap();
    let Err(OpenError::Locked { holder, .. }) = open(&original.log()) else { panic!("opened twice") };
    assert!(holder.contains(&std::process::id().to_string()), "{holder}");
    store.close();
    let closed = store.read(&Selection::All, Position::START, 1).await;
    assert!(matches!(closed, Err(ReadError::Unavailable { .. })));
    fs::write(original.log().join("FORMAT"), "yichuang event log 2\n").unwrap();
    assert!(matches!(open(&original.log()), Err(OpenError::Newer { found: 2, .. })));

    // Without the file, the journals themselves say that they are of another format.
    fs::remove_file(original.log().join("FORMAT")).unwrap();
    let journal = original.log().join("volumes/00000000000000000001/journal");
    let mut bytes = fs::read(&journal).unwrap();
    bytes[8] = 7;
    let crc = crc32c::crc32c(&bytes[..28]);
    bytes[28..32].copy_from_slice(&crc.to_le_bytes());
    fs::write(&journal, bytes).unwrap();
    assert!(matches!(open(&original.log()), Err(OpenError::Newer { found: 7, .. })));

    let other = tempfile::tempdir().unwrap();
    fs::write(other.path().join("holiday.jpg"), "x").unwrap();
    assert!(matches!(open(other.path()), Err(OpenError::NotALog { .. })));
}
