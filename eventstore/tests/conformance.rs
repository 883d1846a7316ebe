//! Every backend and every decorator keeps every promise.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so")]

use async_trait::async_trait;
use eventstore::testing::Faulty;
use eventstore::testing::conformance::Subject;
use eventstore::{EventStore, InMemory, Options, Sled};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

struct Memory;

#[async_trait]
impl Subject for Memory {
    async fn empty(&self) -> Arc<dyn EventStore> {
        Arc::new(InMemory::new())
    }

    async fn reopened(&self, store: Arc<dyn EventStore>) -> Arc<dyn EventStore> {
        store
    }
}

struct Decorated;

#[async_trait]
impl Subject for Decorated {
    async fn empty(&self) -> Arc<dyn EventStore> {
        Arc::new(Faulty::new(InMemory::new()))
    }

    async fn reopened(&self, store: Arc<dyn EventStore>) -> Arc<dyn EventStore> {
        store
    }
}

/// A log on disk with volumes of this many events.
struct OnDisk {
    volume_events: u32,
    dir: Mutex<Option<TempDir>>,
}

impl OnDisk {
    fn new(volume_events: u32) -> Self {
        Self { volume_events, dir: Mutex::default() }
    }

    fn path(&self) -> PathBuf {
        self.dir.lock().unwrap().get_or_insert_with(|| TempDir::new().unwrap()).path().join("log")
    }

    fn open(&self) -> Arc<dyn EventStore> {
        let options = Options { volume_events: self.volume_events, ..Options::standard() };
        Arc::new(Sled::open(self.path(), options).unwrap())
    }
}

#[async_trait]
impl Subject for OnDisk {
    async fn empty(&self) -> Arc<dyn EventStore> {
        self.open()
    }

    async fn reopened(&self, store: Arc<dyn EventStore>) -> Arc<dyn EventStore> {
        assert_eq!(Arc::strong_count(&store), 1, "somebody else still holds the store");
        drop(store);
        self.open()
    }
}

eventstore::conformance!(in_memory, Memory);
eventstore::conformance!(decorated, Decorated);
eventstore::conformance!(sled_in_one_volume, OnDisk::new(eventstore::VOLUME_EVENTS));
eventstore::conformance!(sled_in_small_volumes, OnDisk::new(8));
