//! What is taken out: so many at once, written aside where there is room, sent piece by piece, and gone.

use crate::problem::{Kind, Problem, Text};
use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// How many exports are written and sent at once.
const UNDER_WAY_MAX: usize = 2;
/// When to come again, in seconds, if there are as many already.
const RETRY_AFTER_SECONDS: u32 = 30;
/// How much is read and sent at once.
const PIECE_BYTES: u64 = 256 * 1024;
/// How many pieces wait for a client that is slower than the disk.
const PIECES_AHEAD_MAX: usize = 2;
/// How long a client may take for one piece: what it does not fetch takes room and somebody else's turn.
const PATIENCE: Duration = Duration::from_secs(60);

/// Some bytes of what goes out. A fault breaks the answer off, so that nobody takes a part for the whole.
pub type Piece = Result<Bytes, io::Error>;

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

/// Sends what is read or made piece by piece. All of it is dropped, and the turn over, with the last piece or a fault, or
/// once nobody takes them.
pub fn sent<S>(pieces: S, turn: Turn) -> impl Stream<Item = Piece>
where
    S: Stream<Item = Piece> + Send + 'static,
{
    sent_with(pieces, turn, PATIENCE)
}

fn sent_with<S>(pieces: S, turn: Turn, patience: Duration) -> impl Stream<Item = Piece>
where
    S: Stream<Item = Piece> + Send + 'static,
{
    let (out, taken) = mpsc::channel(PIECES_AHEAD_MAX);
    // A client that stands still asks for nothing, so that only a task of its own can lose patience.
    tokio::spawn(async move {
        let (_turn, mut pieces) = (turn, pin!(pieces));
        while let Some(piece) = pieces.next().await {
            let is_last = piece.is_err();
            match tokio::time::timeout(patience, out.send(piece)).await {
                Ok(Ok(())) if is_last => return,
                Ok(Ok(())) => (),
                Ok(Err(_)) => return tracing::info!("an export was not fetched to its end"),
                Err(_) => return tracing::info!("an export was fetched too slowly and is broken off"),
            }
        }
    });
    futures::stream::unfold(taken, |mut taken| async move { Some((taken.recv().await?, taken)) })
}

/// Reads a file piece by piece.
pub fn pieces_of(file: File) -> impl Stream<Item = Piece> + Send {
    futures::stream::try_unfold(file, |mut file| async move {
        let reading = tokio::task::spawn_blocking(move || {
            let mut piece = Vec::with_capacity(usize::try_from(PIECE_BYTES).unwrap_or_default());
            file.by_ref().take(PIECE_BYTES).read_to_end(&mut piece)?;
            Ok((!piece.is_empty()).then(|| (Bytes::from(piece), file)))
        });
        reading.await.map_err(io::Error::other)?
    })
}

#[cfg(test)]
mod tests {
    use super::*;
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
        for length in [0, 1, PIECE_BYTES, 3 * PIECE_BYTES + 7] {
            let bytes: Vec<u8> = (0..length).map(|n| (n % 251) as u8).collect();
            let pieces: Vec<_> = sent(pieces_of(file(&bytes)), exports(&folder).turn().unwrap()).collect().await;
            let whole: Vec<u8> = pieces.into_iter().flat_map(|piece| piece.unwrap().to_vec()).collect();
            assert_eq!(whole, bytes);
        }
    }

    #[tokio::test]
    async fn a_turn_is_over_when_the_client_is_gone_or_stands_still() {
        let folder = tempfile::tempdir().unwrap();
        let exports = exports(&folder);
        let long = vec![7; 20 * usize::try_from(PIECE_BYTES).unwrap()];
        let gone = sent(pieces_of(file(&long)), exports.turn().unwrap());
        let still = sent_with(pieces_of(file(&long)), exports.turn().unwrap(), Duration::from_millis(1));
        let again = || Arc::clone(&exports.turns).acquire_owned();
        let _first = again().await.unwrap();
        assert_eq!(exports.turn().unwrap_err().kind(), Kind::TooMany, "only patience was lost");
        drop(gone);
        let _second = again().await.unwrap();
        assert_eq!(still.count().await, PIECES_AHEAD_MAX, "what was on its way, and no more");
    }

    #[tokio::test]
    async fn a_fault_is_the_last_that_is_heard_of_an_export() {
        let folder = tempfile::tempdir().unwrap();
        let exports = exports(&folder);
        let broken = || Err(io::Error::other("broken"));
        let pieces = futures::stream::iter([Ok(Bytes::from_static(b"a")), broken(), Ok(Bytes::from_static(b"b"))]);
        let heard: Vec<bool> = sent(pieces, exports.turn().unwrap()).map(|piece| piece.is_ok()).collect().await;
        assert_eq!(heard, [true, false]);
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
