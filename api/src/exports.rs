//! What is taken out: so many at once, written aside where there is room, sent piece by piece, and gone.

use crate::problem::{Kind, Problem, Text};
use bytes::Bytes;
use futures::Stream;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// How many exports are written and sent at once.
const UNDER_WAY_MAX: usize = 2;
/// When to come again, in seconds, if there are as many already.
const RETRY_AFTER_SECONDS: u32 = 30;
/// How much is read and sent at once.
const CHUNK_BYTES: u64 = 256 * 1024;
/// How many chunks wait for a client that is slower than the disk.
const CHUNKS_AHEAD_MAX: usize = 2;
/// How long a client may take for one chunk: what it does not fetch takes room and somebody else's turn.
const PATIENCE: Duration = Duration::from_secs(60);

/// The place where exports are written before they are sent, and the turns to do so.
#[derive(Debug, Clone)]
pub struct Exports {
    folder: PathBuf,
    turns: Arc<Semaphore>,
}

/// Leave to take something out, until it is dropped. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Turn {
    _permit: Arc<OwnedSemaphorePermit>,
}

impl Exports {
    /// Opens the folder, or makes it; what a crash left is cleared away.
    ///
    /// # Errors
    /// The folder cannot be made or read.
    pub fn open(folder: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        for left in fs::read_dir(&folder)? {
            fs::remove_file(left?.path())?;
        }
        Ok(Self { folder, turns: Arc::new(Semaphore::new(UNDER_WAY_MAX)) })
    }

    /// Returns where to write.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns leave to take something out.
    ///
    /// # Errors
    /// As many exports as may be are under way.
    pub fn turn(&self) -> Result<Turn, Problem> {
        let permit = Arc::clone(&self.turns).try_acquire_owned().map_err(|_| {
            let detail = Text::new(
                format!("已有{UNDER_WAY_MAX}项导出正在进行，请稍后再试"),
                format!("{UNDER_WAY_MAX} exports are under way; try again later"),
            );
            Problem::new(Kind::TooMany).detail(detail).retry_after(RETRY_AFTER_SECONDS)
        })?;
        Ok(Turn { _permit: Arc::new(permit) })
    }
}

/// Sends a file that has no name. It is closed, and the turn over, with the last byte, or once nobody takes them.
pub fn sent(file: File, turn: Turn) -> impl Stream<Item = Result<Bytes, io::Error>> {
    sent_with(file, turn, PATIENCE)
}

fn sent_with(file: File, turn: Turn, patience: Duration) -> impl Stream<Item = Result<Bytes, io::Error>> {
    let (out, chunks) = mpsc::channel(CHUNKS_AHEAD_MAX);
    // A client that stands still asks for nothing, so that only a task of its own can lose patience.
    tokio::spawn(async move {
        let _turn = turn;
        let mut next = chunk_of(file).await;
        while let Some((chunk, rest)) = next {
            let taken = tokio::time::timeout(patience, out.send(chunk)).await;
            match (taken, rest) {
                (Ok(Ok(())), Some(file)) => next = chunk_of(file).await,
                (Ok(Ok(())), None) => return,
                (Ok(Err(_)), _) => return tracing::info!("an export was not fetched to its end"),
                (Err(_), _) => return tracing::info!("an export was fetched too slowly and is broken off"),
            }
        }
    });
    futures::stream::unfold(chunks, |mut chunks| async move { Some((chunks.recv().await?, chunks)) })
}

/// Returns the next bytes and the file to go on with; nothing at its end, and no file after a fault.
async fn chunk_of(mut file: File) -> Option<(Result<Bytes, io::Error>, Option<File>)> {
    let reading = tokio::task::spawn_blocking(move || {
        let mut chunk = Vec::with_capacity(usize::try_from(CHUNK_BYTES).unwrap_or_default());
        (file.by_ref().take(CHUNK_BYTES).read_to_end(&mut chunk).map(|_| Bytes::from(chunk)), file)
    });
    match reading.await {
        Ok((Ok(chunk), _)) if chunk.is_empty() => None,
        Ok((Ok(chunk), file)) => Some((Ok(chunk), Some(file))),
        Ok((Err(why), _)) => Some((Err(why), None)),
        Err(why) => Some((Err(io::Error::other(why)), None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::StreamExt as _;
    use std::io::{Seek as _, Write as _};

    fn exports(folder: &tempfile::TempDir) -> Exports {
        Exports::open(folder.path().join("exports")).unwrap()
    }

    fn file(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file.rewind().unwrap();
        file
    }

    #[tokio::test]
    async fn a_file_is_sent_as_it_is_however_long() {
        let folder = tempfile::tempdir().unwrap();
        for length in [0, 1, CHUNK_BYTES, 3 * CHUNK_BYTES + 7] {
            let bytes: Vec<u8> = (0..length).map(|n| (n % 251) as u8).collect();
            let chunks: Vec<_> = sent(file(&bytes), exports(&folder).turn().unwrap()).collect().await;
            let whole: Vec<u8> = chunks.into_iter().flat_map(|chunk| chunk.unwrap().to_vec()).collect();
            assert_eq!(whole, bytes);
        }
    }

    #[tokio::test]
    async fn a_turn_is_over_when_the_client_is_gone_or_stands_still() {
        let folder = tempfile::tempdir().unwrap();
        let exports = exports(&folder);
        let long = vec![7; 20 * usize::try_from(CHUNK_BYTES).unwrap()];
        let gone = sent(file(&long), exports.turn().unwrap());
        let still = sent_with(file(&long), exports.turn().unwrap(), Duration::from_millis(1));
        let again = || Arc::clone(&exports.turns).acquire_owned();
        let _first = again().await.unwrap();
        assert_eq!(exports.turn().unwrap_err().kind(), Kind::TooMany, "only patience was lost");
        drop(gone);
        let _second = again().await.unwrap();
        assert_eq!(still.count().await, CHUNKS_AHEAD_MAX, "what was on its way, and no more");
    }

    #[test]
    fn what_a_crash_left_is_cleared_away() {
        let folder = tempfile::tempdir().unwrap();
        let left = exports(&folder).folder().join(".export-left.part");
        fs::write(&left, "bytes").unwrap();
        exports(&folder);
        assert!(!left.exists());
    }
}
