//! The bytes of a foreign file: unpacked, counted and bounded before any parser sees them.

use super::FormatError;
use flate2::bufread::MultiGzDecoder;
use std::cell::Cell;
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The most text a packed file may unpack to, in bytes.
pub const UNPACKED_BYTES_MAX: u64 = 64 << 30;
/// The most a packed file may grow while unpacking. Real logs, repetitive as they are, reach 60 to 100; a bomb 1,000.
pub const UNPACKED_RATIO_MAX: u64 = 400;
/// Below this size, in bytes, unpacked text is harmless whatever its ratio.
const UNPACKED_RATIO_FREE_BYTES: u64 = 16 << 20;

const BUFFER_BYTES: usize = 128 * 1024;
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// How far a file has been read, in bytes of the file itself; may be looked at from another thread.
#[derive(Debug, Clone)]
pub struct Progress {
    read: Arc<AtomicU64>,
    total: u64,
}

impl Progress {
    /// Returns the bytes read so far.
    #[must_use]
    pub fn read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// Returns the size of the file.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.total
    }
}

/// Text on its way to a parser. Counts lines and bytes, and refuses to feed one element or case for ever.
pub(crate) struct Input {
    text: Box<dyn Read + Send>,
    packed: Option<Progress>,
    /// The text at hand; what lies before `start` is consumed.
    chunk: Box<[u8]>,
    start: usize,
    end: usize,
    /// Bytes and line ends before the chunk.
    bytes_before: u64,
    lines_before: u64,
    /// How far lines of the chunk are counted, and how many they are: few callers ask, but some ask often.
    counted: Cell<(usize, u64)>,
    allowance: Allowance,
}

/// What the parser is busy with, and up to which byte it may be.
struct Allowance {
    what: &'static str,
    bytes: u64,
    until: u64,
}

/// A bound that the input broke; travels through parsers as the inside of an [`io::Error`].
#[derive(Debug, Clone)]
pub(crate) enum Limit {
    Large { what: &'static str, bytes: u64 },
    Bomb { packed: u64, unpacked: u64 },
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Large { what, bytes } => write!(f, "{what} is larger than {bytes} bytes"),
            Self::Bomb { packed, unpacked } => write!(f, "{packed} bytes unpack to more than {unpacked}"),
        }
    }
}

impl std::error::Error for Limit {}

impl Input {
    /// Whether the file is packed.
    pub(crate) fn is_packed(&self) -> bool {
        self.packed.is_some()
    }

    /// Opens a file, packed or not: gzip is recognised by its first bytes, whatever the name says.
    pub(crate) fn open(path: &Path) -> Result<(Self, Progress), FormatError> {
        let unreadable = |source| FormatError::Unreadable { source };
        let file = File::open(path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        if metadata.is_dir() {
            return Err(unreadable(io::Error::from(io::ErrorKind::IsADirectory)));
        }
        let progress = Progress { read: Arc::default(), total: metadata.len() };
        let mut raw = BufReader::with_capacity(BUFFER_BYTES, Counted { file, read: progress.read.clone() });
        let is_packed = raw.fill_buf().map_err(unreadable)?.starts_with(&GZIP_MAGIC);
        let input = if is_packed {
            Self::new(Box::new(MultiGzDecoder::new(raw)), Some(progress.clone()))
        } else {
            Self::new(Box::new(raw), None)
        };
        Ok((input, progress))
    }

    pub(crate) fn new(text: Box<dyn Read + Send>, packed: Option<Progress>) -> Self {
        Self {
            text,
            packed,
            chunk: vec![0; BUFFER_BYTES].into(),
            start: 0,
            end: 0,
            bytes_before: 0,
            lines_before: 0,
            counted: Cell::new((0, 0)),
            allowance: Allowance { what: "the file", bytes: u64::MAX, until: u64::MAX },
        }
    }

    /// Lets the parser read this many bytes more for what it is about to read.
    pub(crate) fn allow(&mut self, what: &'static str, bytes: u64) {
        self.allowance = Allowance { what, bytes, until: self.byte().saturating_add(bytes) };
    }

    /// Returns the line the parser has come to, from 1.
    pub(crate) fn line(&self) -> u64 {
        self.lines_before + self.lines_to(self.start) + 1
    }

    /// Returns how many bytes of text the parser has consumed.
    pub(crate) fn byte(&self) -> u64 {
        self.bytes_before + self.start as u64
    }

    /// Returns the first bytes of the text, without consuming them.
    pub(crate) fn peek(&mut self) -> io::Result<&[u8]> {
        self.fill_buf()
    }

    fn next_chunk(&mut self) -> io::Result<()> {
        self.check()?;
        self.bytes_before += self.end as u64;
        self.lines_before += self.lines_to(self.end);
        self.counted.set((0, 0));
        (self.start, self.end) = (0, 0);
        self.end = loop {
            match self.text.read(&mut self.chunk) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
                result => break result?,
            }
        };
        Ok(())
    }

    fn lines_to(&self, end: usize) -> u64 {
        let (counted, lines) = self.counted.get();
        let more = self.chunk[counted..end].iter().filter(|byte| **byte == b'\n').count() as u64;
        self.counted.set((end, lines + more));
        lines + more
    }

    fn check(&self) -> io::Result<()> {
        let bytes = self.byte();
        if bytes >= self.allowance.until {
            let Allowance { what, bytes, .. } = self.allowance;
            return Err(io::Error::other(Limit::Large { what, bytes }));
        }
        let Some(progress) = &self.packed else { return Ok(()) };
        let grown = bytes > UNPACKED_RATIO_FREE_BYTES && bytes / UNPACKED_RATIO_MAX > progress.read();
        if grown || bytes > UNPACKED_BYTES_MAX {
            return Err(io::Error::other(Limit::Bomb { packed: progress.read(), unpacked: bytes }));
        }
        Ok(())
    }
}

impl BufRead for Input {
    #[inline]
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.start == self.end {
            self.next_chunk()?;
        }
        Ok(&self.chunk[self.start..self.end])
    }

    #[inline]
    fn consume(&mut self, amount: usize) {
        self.start = self.end.min(self.start + amount);
    }
}

impl Read for Input {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let amount = available.len().min(target.len());
        target[..amount].copy_from_slice(&available[..amount]);
        self.consume(amount);
        Ok(amount)
    }
}

struct Counted {
    file: File,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        let amount = self.file.read(target)?;
        self.read.fetch_add(amount as u64, Ordering::Relaxed);
        Ok(amount)
    }
}
