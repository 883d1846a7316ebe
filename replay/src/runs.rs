//! Records gathered by a key, such as their case, within a fixed memory: what does not fit is sorted and put aside in runs, which are merged
//! at the end.

use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};
use std::path::PathBuf;

/// How much is held before a run is put aside, in bytes of records.
const RUN_BYTES_MAX: usize = 48 * 1024 * 1024;
/// How much of each run is read at once.
const READ_BYTES: usize = 128 * 1024;

/// Takes records in any order of their keys.
pub(crate) struct Runs {
    directory: PathBuf,
    bytes_max: usize,
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    aside: Vec<File>,
    taken: u64,
}

#[derive(Clone, Copy)]
struct Entry {
    key: u128,
    taken: u64,
    start: u32,
    length: u32,
}

impl Runs {
    /// Puts runs aside in files without a name in a directory.
    pub(crate) fn new(directory: PathBuf) -> Self {
        Self::bounded(directory, RUN_BYTES_MAX)
    }

    fn bounded(directory: PathBuf, bytes_max: usize) -> Self {
        Self { directory, bytes_max, bytes: Vec::new(), entries: Vec::new(), aside: Vec::new(), taken: 0 }
    }

    /// Takes a record in, as `write` appends it to the bytes that it is given.
    pub(crate) fn push<E>(&mut self, key: u128, write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>) -> Result<(), E>
    where
        E: From<io::Error>,
    {
        let start = self.bytes.len();
        if let Err(why) = write(&mut self.bytes) {
            self.bytes.truncate(start);
            return Err(why);
        }
        let length = self.bytes.len() - start;
        let (Ok(start), Ok(length)) = (u32::try_from(start), u32::try_from(length)) else {
            return Err(io::Error::other("a record is larger than four gigabytes").into());
        };
        self.entries.push(Entry { key, taken: self.taken, start, length });
        self.taken += 1;
        if self.bytes_max <= self.bytes.len() + self.entries.len() * size_of::<Entry>() {
            self.put_aside()?;
        }
        Ok(())
    }

    fn sort(&mut self) {
        if !self.entries.is_sorted_by_key(|entry| entry.key) {
            self.entries.sort_unstable_by_key(|entry| (entry.key, entry.taken));
        }
    }

    fn put_aside(&mut self) -> io::Result<()> {
        self.sort();
        let mut run = BufWriter::with_capacity(READ_BYTES, tempfile::tempfile_in(&self.directory)?);
        for entry in &self.entries {
            run.write_all(&entry.key.to_le_bytes())?;
            run.write_all(&entry.length.to_le_bytes())?;
            run.write_all(&self.bytes[entry.start as usize..][..entry.length as usize])?;
        }
        self.aside.push(run.into_inner().map_err(io::IntoInnerError::into_error)?);
        self.entries.clear();
        self.bytes.clear();
        Ok(())
    }

    /// Returns the records by key, and of one key in the order in which they came.
    pub(crate) fn sorted(mut self) -> io::Result<Sorted> {
        self.sort();
        let mut runs = Vec::with_capacity(self.aside.len());
        for mut run in self.aside {
            run.rewind()?;
            runs.push(Run { file: BufReader::with_capacity(READ_BYTES, run), key: None, record: Vec::new() });
        }
        for run in &mut runs {
            run.advance()?;
        }
        Ok(Sorted { runs, bytes: self.bytes, entries: self.entries, next: 0 })
    }
}

/// Returns a key by which what belongs to one id is brought together.
pub(crate) fn key_of(id: &str) -> u128 {
    let whole: [u8; 32] = Sha256::digest(id.as_bytes()).into();
    let mut half = [0; 16];
    half.copy_from_slice(&whole[..16]);
    u128::from_be_bytes(half)
}

struct Run {
    file: BufReader<File>,
    /// The key of `record`; `None` after the last.
    key: Option<u128>,
    record: Vec<u8>,
}

impl Run {
    fn advance(&mut self) -> io::Result<()> {
        let mut head = [0; 20];
        match self.file.read_exact(&mut head) {
            Err(why) if why.kind() == io::ErrorKind::UnexpectedEof => {
                self.key = None;
                return Ok(());
            }
            read => read?,
        }
        let (mut key, mut length) = ([0; 16], [0; 4]);
        key.copy_from_slice(&head[..16]);
        length.copy_from_slice(&head[16..]);
        self.record.resize(u32::from_le_bytes(length) as usize, 0);
        self.file.read_exact(&mut self.record)?;
        self.key = Some(u128::from_le_bytes(key));
        Ok(())
    }
}

/// Records by key. What was put aside came before what is in memory.
pub(crate) struct Sorted {
    runs: Vec<Run>,
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    next: usize,
}

impl Sorted {
    /// Hands over all records of the next key; returns the key, or nothing after the last.
    pub(crate) fn next_group(&mut self, records: &mut Records) -> io::Result<Option<u128>> {
        records.clear();
        let aside = self.runs.iter().filter_map(|run| run.key).min();
        let here = self.entries.get(self.next).map(|entry| entry.key);
        let Some(key) = aside.into_iter().chain(here).min() else { return Ok(None) };
        for run in &mut self.runs {
            while run.key == Some(key) {
                records.push(&run.record);
                run.advance()?;
            }
        }
        while let Some(entry) = self.entries.get(self.next).filter(|entry| entry.key == key) {
            records.push(&self.bytes[entry.start as usize..][..entry.length as usize]);
            self.next += 1;
        }
        Ok(Some(key))
    }
}

/// Some records, in one buffer that is used again.
#[derive(Default)]
pub(crate) struct Records {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Records {
    fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    fn push(&mut self, record: &[u8]) {
        self.bytes.extend_from_slice(record);
        self.ends.push(self.bytes.len());
    }

    /// Returns the records in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| &self.bytes[start..*end])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(records: &[(u128, u8)], bytes_max: usize) -> Vec<(u128, Vec<u8>)> {
        let mut runs = Runs::bounded(std::env::temp_dir(), bytes_max);
        for (key, record) in records {
            runs.push(*key, |bytes| {
                bytes.push(*record);
                Ok::<_, io::Error>(())
            })
            .unwrap();
        }
        let mut sorted = runs.sorted().unwrap();
        let (mut groups, mut records) = (Vec::new(), Records::default());
        while let Some(key) = sorted.next_group(&mut records).unwrap() {
            groups.push((key, records.iter().map(|record| record[0]).collect()));
        }
        groups
    }

    #[test]
    fn records_come_by_key_and_then_as_they_came_however_little_is_held() {
        let records: Vec<(u128, u8)> = (0..200).map(|n: u8| (u128::from(n) * 7 % 11, n)).collect();
        let mut expected: Vec<(u128, Vec<u8>)> = (0..11).map(|key| (key, Vec::new())).collect();
        records.iter().for_each(|(key, record)| expected[*key as usize].1.push(*record));
        for bytes_max in [1, 100, 1_000, usize::MAX] {
            assert_eq!(sorted(&records, bytes_max), expected, "{bytes_max} bytes held");
        }
    }

    #[test]
    fn nothing_in_gives_nothing_out() {
        assert!(sorted(&[], 100).is_empty());
    }
}
