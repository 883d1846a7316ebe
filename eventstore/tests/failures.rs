//! What goes wrong between a writer and the disk, and what the writer may believe then.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so")]

use eventstore::testing::{Fault, Faulty, conformance, frame};
use eventstore::{
    AppendError, CommandId, EventLog, EventStore, Expected, InMemory, Options, Position, ReadError, Selection, Sled,
    StreamVersion,
};
use std::process::Command;

#[tokio::test]
async fn a_repeated_command_settles_an_unknown_outcome() {
    let store = Faulty::new(InMemory::new());
    store.plan_appends([Fault::UnknownAfter, Fault::UnknownBefore, Fault::NotWritten]);
    let [first, second, third] = [1, 2, 3].map(|command| frame(command).write("a", Expected::Any, 1));
    for (frame, written) in [(&first, true), (&second, false)] {
        let outcome = store.append(frame.clone()).await;
        assert!(matches!(outcome, Err(AppendError::Unknown { .. })), "{outcome:?}");
        assert_eq!(store.answer(frame.command).await.unwrap().is_some(), written);
    }
    assert!(matches!(store.append(third).await, Err(AppendError::NotWritten { .. })));
    assert_eq!(conformance::append(&store, first).await.first, Position(1));
    assert_eq!(conformance::append(&store, second).await.first, Position(2));
    store.plan_reads([Fault::Unavailable]);
    assert!(matches!(store.head().await, Err(ReadError::Unavailable { .. })));
    assert_eq!(store.head().await.unwrap().position, Position(2));
}

const LOG: &str = "YICHUANG_TEST_FULL_LOG";

/// Runs itself again with a limit on the size of files, which is as good as a full disk.
#[test]
fn a_full_disk_refuses_what_does_not_fit_and_nothing_else() {
    if let Some(log) = std::env::var_os(LOG) {
        return write_until_full(log.as_ref());
    }
    let dir = tempfile::tempdir().unwrap();
    let limited = r#"trap "" XFSZ; ulimit -f 512; exec "$0" "$@""#;
    let output = Command::new("sh")
        .args(["-c", limited])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "a_full_disk_refuses_what_does_not_fit_and_nothing_else", "--nocapture"])
        .env(LOG, dir.path().join("log"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("the disk was full"), "{said}");
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn write_until_full(log: &std::path::Path) {
    let large = |command, version| {
        let mut frame = frame(command).write("a", Expected::Exactly(StreamVersion(version)), 1);
        frame.writes[0].events[0].body = vec![b' '; 20_000].into();
        frame
    };
    let store = Sled::open(log, Options::standard()).unwrap();
    let mut version = 0;
    let refused = loop {
        let command = u128::from(version) + 1;
        match store.append(large(command, version)).await {
            Ok(_) => version += 1,
            Err(refused) => break refused,
        }
    };
    assert!(matches!(refused, AppendError::NotWritten { .. }), "{refused:?}");
    println!("the disk was full");
    // As if it had never been: the version, the position and the command id are free.
    let small = frame(u128::from(version) + 1).write("a", Expected::Exactly(StreamVersion(version)), 1);
    let appended = conformance::append(&store, small.clone()).await;
    assert_eq!(appended.first, Position(version + 1));
    let refused = store.append(large(1 << 40, version + 1)).await;
    assert!(matches!(refused, Err(AppendError::NotWritten { .. })), "{refused:?}");
    assert_eq!(store.answer(CommandId(1 << 40)).await.unwrap(), None);
    drop(store);
    let store = Sled::open(log, Options::standard()).unwrap();
    assert_eq!(store.mended(), []);
    assert_eq!(conformance::append(&store, small).await, appended);
    assert_eq!(conformance::read(&store, &Selection::All, 100).await.len() as u64, version + 1);
}
