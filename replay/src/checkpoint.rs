//! States kept aside, so that a start and a look at the past need not fold from the first event.
//!
//! A checkpoint is never the truth: any of them may be deleted, damaged or lost at any time, which costs time only.
//! One file holds one state of one projection at one position, under `<name>/<revision>/<position>`:
//!
//! | bytes | what |
//! |---|---|
//! | 8 | `YCCHECK2` |
//! | 4 | length of the header, little-endian |
//! | … | header: JSON with `name`, `revision`, `position`, `recorded_at` (microseconds) and `digest` of the state |
//! | … | the state, MessagePack with field names, compressed (Zstandard) |
//! | 4 | CRC-32C of everything before it, little-endian |
//!
//! It is written aside, flushed, and renamed into place. Of each projection at most [`KEPT_MAX`] are kept: when one
//! more arrives, that one goes whose neighbours lie closest together, so that the kept ones spread over the history. One is
//! written every hundred thousand events, so none goes before ten million: up to there a look at any moment folds no more
//! than these hundred thousand.

use crate::codec;
use crate::history::History;
use crate::view::{AnyView, Digest, StateError};
use eventstore::{Micros, Position};
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use tokio::runtime::Handle;
use tracing::{info, warn};

/// The most checkpoints kept of one revision of one projection.
pub const KEPT_MAX: usize = 100;

const MAGIC: &[u8; 8] = b"YCCHECK2";
const CRC_BYTES: usize = 4;
/// The fastest: field names repeat, so that even it leaves a tenth.
const COMPRESSION: i32 = 1;

/// Why a checkpoint could not be written.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The directory or a file in it.
    #[error("cannot write a checkpoint under {path}")]
    Io {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The state cannot be written at all.
    #[error(transparent)]
    State(#[from] StateError),
}

/// The directory of checkpoints that belongs to one log. Its methods block.
#[derive(Clone)]
pub struct Checkpoints {
    directory: PathBuf,
    history: History,
}

#[derive(Serialize, Deserialize)]
struct Header {
    name: String,
    revision: u32,
    position: u64,
    recorded_at: Micros,
    digest: String,
}

impl Checkpoints {
    /// Returns the checkpoints of a log kept in a directory, which need not exist yet.
    #[must_use]
    pub fn new(directory: PathBuf, history: History) -> Self {
        Self { directory, history }
    }

    /// Writes a view's state, durably, and returns its digest. A view that has folded nothing is not written.
    ///
    /// # Errors
    /// The disk refuses, or the state cannot be written.
    pub fn save(&self, view: &dyn AnyView) -> Result<Digest, CheckpointError> {
        let state = view.encode()?;
        let digest = Digest::of(&state);
        if view.position() == Position::START {
            return Ok(digest);
        }
        let directory = self.of(view);
        let path = directory.join(file_name(view.position()));
        let write = || {
            fs::create_dir_all(&directory)?;
            write_aside(&path, &file_bytes(view, &digest, &state)?)?;
            thin(&directory)
        };
        write().map_err(|source| CheckpointError::Io { path: path.clone(), source })?;
        Ok(digest)
    }

    /// Restores a view from the nearest usable checkpoint not after a position, and tells whether there was one.
    ///
    /// Damaged files, files of another log and files ahead of this one are passed over with a line in the log.
    /// Must be called where blocking is allowed, within a tokio runtime.
    pub fn restore(&self, view: &mut dyn AnyView, not_after: Position) -> bool {
        let directory = self.of(view);
        let mut kept = positions(&directory);
        kept.retain(|position| *position <= not_after);
        for position in kept.into_iter().rev() {
            let path = directory.join(file_name(position));
            match self.try_restore(&path, view, position) {
                Ok(()) => return true,
                Err(why) => warn!(path = %path.display(), "passed over the checkpoint {}: {why}", path.display()),
            }
        }
        false
    }

    /// Returns the digest that was kept for a view's projection, revision and position, if a sound file is there.
    #[must_use]
    pub fn digest(&self, view: &dyn AnyView) -> Option<String> {
        let (header, _) = read(&self.of(view).join(file_name(view.position()))).ok()?;
        Some(header.digest)
    }

    /// Returns the positions at which a view's projection and revision is kept, in order.
    #[must_use]
    pub fn positions(&self, view: &dyn AnyView) -> Vec<Position> {
        positions(&self.of(view))
    }

    fn of(&self, view: &dyn AnyView) -> PathBuf {
        self.directory.join(view.name()).join(view.revision().to_string())
    }

    fn try_restore(&self, path: &Path, view: &mut dyn AnyView, position: Position) -> Result<(), Unusable> {
        let (header, state) = read(path)?;
        let named = header.name == view.name() && header.revision == view.revision();
        if !named || header.position != position.0 {
            return Err(Unusable::Foreign);
        }
        // Another log has something else at this position, recorded at another moment.
        let recorded_at = Handle::current().block_on(self.history.recorded_at(position));
        if recorded_at.ok() != Some(header.recorded_at) {
            return Err(Unusable::Foreign);
        }
        let recorded_at = codec::instant(header.recorded_at).map_err(|_| Unusable::Damaged)?;
        let state = zstd::stream::decode_all(state.as_slice())?;
        view.restore(&state, position, recorded_at).map_err(|error| Unusable::Unreadable(error.to_string()))?;
        info!(position = %position, "restored {} at {position}", view.name());
        Ok(())
    }
}

#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("it is damaged")]
    Damaged,
    #[error("it belongs to another log, projection or revision")]
    Foreign,
    #[error("{0}")]
    Unreadable(String),
}

fn file_name(position: Position) -> String {
    format!("{:020}", position.0)
}

fn positions(directory: &Path) -> Vec<Position> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let mut positions: Vec<Position> =
        entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok().map(Position)).collect();
    positions.sort_unstable();
    positions
}

fn file_bytes(view: &dyn AnyView, digest: &Digest, state: &[u8]) -> io::Result<Vec<u8>> {
    let header = serde_json::to_vec(&Header {
        name: view.name().to_owned(),
        revision: view.revision(),
        position: view.position().0,
        recorded_at: codec::micros(view.recorded_at()),
        digest: digest.to_string(),
    })?;
    let header_bytes = u32::try_from(header.len()).map_err(io::Error::other)?;
    let mut bytes = Vec::with_capacity(MAGIC.len() + 4 + header.len() + state.len() / 8 + CRC_BYTES);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&header_bytes.to_le_bytes());
    bytes.extend_from_slice(&header);
    zstd::stream::copy_encode(state, &mut bytes, COMPRESSION)?;
    bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
    Ok(bytes)
}

/// Reads a file and returns what it says of itself, and the state as it lies there.
fn read(path: &Path) -> Result<(Header, Vec<u8>), Unusable> {
    let bytes = fs::read(path)?;
    let (content, crc) = bytes.split_last_chunk::<CRC_BYTES>().ok_or(Unusable::Damaged)?;
    if crc32c::crc32c(content) != u32::from_le_bytes(*crc) {
        return Err(Unusable::Damaged);
    }
    let rest = content.strip_prefix(MAGIC).ok_or(Unusable::Foreign)?;
    let (header_bytes, rest) = rest.split_first_chunk::<4>().ok_or(Unusable::Damaged)?;
    let header_bytes = usize::try_from(u32::from_le_bytes(*header_bytes)).map_err(|_| Unusable::Damaged)?;
    let (header, state) = rest.split_at_checked(header_bytes).ok_or(Unusable::Damaged)?;
    let header = serde_json::from_slice(header).map_err(|_| Unusable::Damaged)?;
    Ok((header, state.to_vec()))
}

fn write_aside(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let aside = path.with_extension("new");
    let mut file = File::create(&aside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&aside, path)?;
    // The rename is durable once the directory is.
    match path.parent() {
        Some(directory) => File::open(directory)?.sync_all(),
        None => Ok(()),
    }
}

fn thin(directory: &Path) -> io::Result<()> {
    let mut kept = positions(directory);
    while KEPT_MAX < kept.len() {
        let spans = kept.windows(3).enumerate();
        let Some((first, _)) = spans.min_by_key(|(_, span)| span[2].0 - span[0].0) else { return Ok(()) };
        let crowded = kept.remove(first + 1);
        fs::remove_file(directory.join(file_name(crowded)))?;
    }
    Ok(())
}
