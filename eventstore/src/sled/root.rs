//! The directory of a store: who may use it, and in which format it is.

use super::journal::sync_dir;
use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

/// The format that this version reads and writes.
pub const FORMAT: u32 = 1;
const FORMAT_WORDS: &str = "yichuang event log ";

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process, or another part of this one, has it open.
    #[error("the event log in {path} is in use by {holder}")]
    Locked {
        /// The store's directory.
        path: PathBuf,
        /// Who holds it, in its own words.
        holder: String,
    },
    /// It was written by a newer version of this software.
    #[error("the event log in {path} has format {found}; this version knows formats up to {FORMAT}")]
    Newer {
        /// The store's directory.
        path: PathBuf,
        /// The format found.
        found: u32,
    },
    /// There is something else in the directory.
    #[error("{path} is not an event log: {detail}")]
    NotALog {
        /// The directory.
        path: PathBuf,
        /// What was found instead.
        detail: String,
    },
    /// Events are damaged or missing in both copies.
    #[error("the event log in {path} is damaged at position {position}: {detail}")]
    Corrupt {
        /// The store's directory.
        path: PathBuf,
        /// The first bad position.
        position: crate::Position,
        /// What was found.
        detail: String,
    },
    /// The directory cannot be read or written.
    #[error("cannot open the event log in {path}")]
    Io {
        /// The store's directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl OpenError {
    pub(crate) fn io(path: &Path) -> impl Fn(io::Error) -> Self {
        move |source| Self::Io { path: path.to_owned(), source }
    }
}

/// Takes the store's lock and leaves a word about who holds it. The lock goes with the file, or with the process.
pub(crate) fn lock(root: &Path) -> Result<File, OpenError> {
    let io = OpenError::io(root);
    fs::create_dir_all(root).map_err(&io)?;
    let path = root.join("LOCK");
    let mut file = File::options().read(true).write(true).create(true).truncate(false).open(path).map_err(&io)?;
    match file.try_lock() {
        Ok(()) => (),
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            file.read_to_string(&mut holder).map_err(&io)?;
            let holder = if holder.trim().is_empty() { "somebody unknown".into() } else { holder.trim().to_owned() };
            return Err(OpenError::Locked { path: root.to_owned(), holder });
        }
        Err(TryLockError::Error(source)) => return Err(io(source)),
    }
    let program = std::env::current_exe().ok();
    let program = program.as_deref().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    file.set_len(0).and_then(|()| file.rewind()).map_err(&io)?;
    let name = program.unwrap_or_else(|| "unknown program".into());
    writeln!(file, "process {} ({name})", std::process::id()).map_err(&io)?;
    Ok(file)
}

/// What the format file said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FormatFile {
    Fine,
    /// It was missing or damaged beside volumes that name their format themselves, and is written again.
    Mended,
}

/// Checks the format of the store, or notes it if there is no store yet.
pub(crate) fn check_format(root: &Path) -> Result<FormatFile, OpenError> {
    let io = OpenError::io(root);
    let path = root.join("FORMAT");
    let not_a_log = |detail: String| OpenError::NotALog { path: root.to_owned(), detail };
    let has_volumes = volumes_dir(root).is_dir();
    match fs::read(&path) {
        Ok(bytes) => {
            let text = String::from_utf8_lossy(&bytes);
            match text.trim().strip_prefix(FORMAT_WORDS).and_then(|format| format.parse::<u32>().ok()) {
                Some(FORMAT) => return Ok(FormatFile::Fine),
                Some(found) if FORMAT < found => return Err(OpenError::Newer { path: root.to_owned(), found }),
                Some(_) | None if has_volumes => (),
                Some(_) | None => return Err(not_a_log("its FORMAT file says something else".into())),
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let mut others = fs::read_dir(root).map_err(&io)?.filter_map(Result::ok);
            let known = ["LOCK", "FORMAT.new", "LAST", "LAST.new", "volumes"];
            if let Some(other) = others.find(|entry| !known.iter().any(|known| entry.file_name() == *known)) {
                return Err(not_a_log(format!("it holds {}", other.path().display())));
            }
        }
        Err(error) => return Err(io(error)),
    }
    replace(root, "FORMAT", &format!("{FORMAT_WORDS}{FORMAT}\n")).map_err(&io)?;
    Ok(if has_volumes { FormatFile::Mended } else { FormatFile::Fine })
}

/// What `LAST` said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LastMark {
    /// The last volume that was begun is the one that begins at this position.
    Of(u64),
    /// There is none: nothing was begun yet, or the log is older than the mark, or the file was lost.
    Missing,
    /// It does not say what it was written with.
    Damaged,
}

/// Reads which volume was begun last.
pub(crate) fn last_mark(root: &Path) -> Result<LastMark, OpenError> {
    let bytes = match fs::read(root.join(LAST)) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(LastMark::Missing),
        Err(error) => return Err(OpenError::io(root)(error)),
    };
    let text = String::from_utf8_lossy(&bytes);
    let first = text.strip_prefix(LAST_WORDS).and_then(|rest| rest.split_whitespace().next()?.parse().ok());
    // Written again and compared: so the check sum is checked along with every other byte.
    Ok(first.filter(|first| last_words(*first) == text).map_or(LastMark::Damaged, LastMark::Of))
}

/// Notes, durably, that the volume at `first` was begun; before anything is committed to it.
pub(crate) fn mark_last(root: &Path, first: u64) -> io::Result<()> {
    replace(root, LAST, &last_words(first))
}

const LAST: &str = "LAST";
const LAST_WORDS: &str = "yichuang event log last volume ";

fn last_words(first: u64) -> String {
    let words = format!("{LAST_WORDS}{first:020}");
    format!("{words} {:08x}\n", crc32c::crc32c(words.as_bytes()))
}

/// Puts a small file in place of another, whole or not at all.
fn replace(root: &Path, name: &str, text: &str) -> io::Result<()> {
    let unfinished = root.join(format!("{name}.new"));
    fs::write(&unfinished, text)?;
    File::open(&unfinished).and_then(|file| file.sync_all())?;
    fs::rename(&unfinished, root.join(name))?;
    sync_dir(root)
}

/// Returns where the volumes of a store are.
pub(crate) fn volumes_dir(root: &Path) -> PathBuf {
    root.join("volumes")
}

/// Returns the directory of the volume that begins at `first`.
pub(crate) fn volume_dir(root: &Path, first: u64) -> PathBuf {
    volumes_dir(root).join(format!("{first:020}"))
}

/// Returns the first position of every volume, in order.
pub(crate) fn volumes(root: &Path) -> Result<Vec<u64>, OpenError> {
    let io = OpenError::io(root);
    let dir = volumes_dir(root);
    fs::create_dir_all(&dir).map_err(&io)?;
    sync_dir(root).map_err(&io)?;
    let mut firsts = Vec::new();
    for entry in fs::read_dir(&dir).map_err(&io)? {
        let name = entry.map_err(&io)?.file_name();
        let first = name.to_str().filter(|name| name.len() == 20).and_then(|name| name.parse().ok());
        let Some(first) = first.filter(|first| 0 < *first) else {
            let detail = format!("volumes/{} is not a volume", name.to_string_lossy());
            return Err(OpenError::NotALog { path: root.to_owned(), detail });
        };
        firsts.push(first);
    }
    firsts.sort_unstable();
    Ok(firsts)
}
