//! Where a volume's streams and commands are: in memory while it is active, a file of its own once sealed.
//!
//! The file is derived from the records and can be rebuilt from either copy, to the byte. It consists of blocks of
//! 4,096 bytes, each with its CRC-32C in the last four; `docs/event-log.md` lists its tables.

use super::journal::{LENGTH_BYTES, StoredFrame};
use super::sieve::{self, Sieve};
use super::tag::{BuildHashed, Tag, command_key};
use crate::record::{RecordFault, RecordView, array};
use crate::{Answer, CommandDigest, CommandId};
use smallvec::SmallVec;
use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::{PoisonError, RwLock};

/// Where something is in a volume: an event's place in order, from 0, and an offset in the journal.
///
/// The offset is that of the record's length for an event, and that of the frame for a command or a signpost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) nth: u32,
    pub(crate) offset: u32,
}

/// Where an event's frame and record begin in the journal.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Offsets {
    pub(crate) frame: u32,
    pub(crate) record: u32,
}

/// Where a stream stands in one volume.
#[derive(Debug)]
pub(crate) struct ActiveStream {
    /// Its version before the volume.
    pub(crate) before: u64,
    /// Most streams get a few events in one volume; the first two need nothing allocated.
    pub(crate) places: SmallVec<[Place; 2]>,
}

impl ActiveStream {
    pub(crate) fn version(&self) -> u64 {
        self.before + self.places.len() as u64
    }
}

/// A command whose frame stands in this volume.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ActiveCommand {
    pub(crate) place: Place,
    pub(crate) digest: CommandDigest,
}

/// The index of a volume that is still being written.
#[derive(Debug, Default)]
pub(crate) struct ActiveIndex {
    streams: HashMap<Tag, ActiveStream, BuildHashed>,
    commands: HashMap<CommandId, ActiveCommand, BuildHashed>,
    /// The offset of the frame of each event.
    offsets: Vec<u32>,
    /// The checksum of all records' checksums so far.
    digest: u32,
}

impl ActiveIndex {
    /// Returns an empty index with room for so many commands: a table that grew on the way would hold up the commits
    /// for milliseconds each time. Pages that are not used yet take no memory.
    pub(crate) fn for_commands(commands: usize) -> Self {
        let commands = HashMap::with_capacity_and_hasher(commands, BuildHashed::default());
        Self { commands, ..Self::default() }
    }

    pub(crate) fn events(&self) -> u32 {
        self.offsets.len() as u32
    }

    pub(crate) fn digest(&self) -> u32 {
        self.digest
    }

    pub(crate) fn stream(&self, tag: Tag) -> Option<&ActiveStream> {
        self.streams.get(&tag)
    }

    pub(crate) fn command(&self, command: CommandId) -> Option<ActiveCommand> {
        self.commands.get(&command).copied()
    }

    /// Returns the offset of the frame that holds the `nth` event.
    pub(crate) fn offset(&self, nth: u32) -> Option<u32> {
        self.offsets.get(nth as usize).copied()
    }

    pub(crate) fn add_command(&mut self, command: CommandId, digest: CommandDigest, offset: u32) {
        let place = Place { nth: self.events(), offset };
        self.commands.insert(command, ActiveCommand { place, digest });
    }

    /// Adds the next event, whose stream had `before` events when the volume began, if this is its first here.
    pub(crate) fn add_event(&mut self, tag: Tag, before: impl FnOnce() -> u64, at: Offsets, checksum: u32) {
        let place = Place { nth: self.events(), offset: at.record };
        let stream = self.streams.entry(tag);
        stream.or_insert_with(|| ActiveStream { before: before(), places: SmallVec::new() }).places.push(place);
        self.offsets.push(at.frame);
        self.digest = crc32c::crc32c_append(self.digest, &checksum.to_le_bytes());
    }

    /// Adds a frame read back from the journal.
    pub(crate) fn add_stored(&mut self, frame: &StoredFrame) -> Result<(), RecordFault> {
        // A volume ends long before its journal reaches the four gigabytes of an offset.
        let offset = frame.offset as u32;
        for (nth, record) in frame.records().enumerate() {
            let (record, start) = record?;
            if nth == 0 {
                self.add_command(record.command(), record.digest(), offset);
            }
            let tag = Tag::of_name(record.stream()?);
            let at = Offsets { frame: offset, record: offset + start as u32 - LENGTH_BYTES };
            self.add_event(tag, || record.version().0 - 1, at, record.checksum());
        }
        Ok(())
    }

    /// Takes back the last `events` events and their command, which did not reach the journal.
    pub(crate) fn take_back(&mut self, command: CommandId, tags: &[(Tag, u32)], digest: u32) {
        self.commands.remove(&command);
        for (tag, events) in tags {
            if let Some(stream) = self.streams.get_mut(tag) {
                let kept = stream.places.len() - *events as usize;
                stream.places.truncate(kept);
                if kept == 0 {
                    self.streams.remove(tag);
                }
            }
            self.offsets.truncate(self.offsets.len() - *events as usize);
        }
        self.digest = digest;
    }

    /// Returns the last version of every stream in the volume.
    pub(crate) fn last_versions(&self) -> impl Iterator<Item = (Tag, u64)> {
        self.streams.iter().map(|(tag, stream)| (*tag, stream.version()))
    }

    /// Returns the index as the bytes of the file that a sealed volume has.
    pub(crate) fn to_file(&self, first: u64) -> Vec<u8> {
        let mut streams: Vec<_> = self.streams.iter().collect();
        streams.sort_unstable_by_key(|(tag, _)| **tag);
        let mut commands: Vec<_> = self.commands.iter().collect();
        commands.sort_unstable_by_key(|(command, _)| **command);

        let mut file = IndexWriter::new(first, self.events());
        let sieves = [
            Sieve::of(commands.iter().map(|(command, _)| command_key(**command))),
            Sieve::of(streams.iter().map(|(tag, _)| tag.short())),
        ];
        for sieve in &sieves {
            file.table(sieve::BLOCK_BYTES, sieve.to_entries());
        }
        file.table(
            STREAM_BYTES,
            streams.iter().scan(0u32, |list, (tag, stream)| {
                let mut entry = [0; STREAM_BYTES];
                entry[..16].copy_from_slice(&tag.0.to_le_bytes());
                entry[16..24].copy_from_slice(&stream.version().to_le_bytes());
                entry[24..28].copy_from_slice(&list.to_le_bytes());
                entry[28..].copy_from_slice(&(stream.places.len() as u32).to_le_bytes());
                *list += stream.places.len() as u32;
                Some(entry)
            }),
        );
        file.table(PLACE_BYTES, streams.iter().flat_map(|(_, stream)| &stream.places).map(|place| place.to_bytes()));
        file.table(
            COMMAND_BYTES,
            commands.iter().map(|(command, found)| {
                let mut entry = [0; COMMAND_BYTES];
                entry[..16].copy_from_slice(&command.0.to_le_bytes());
                entry[16..].copy_from_slice(&found.place.to_bytes());
                entry
            }),
        );
        file.table(PLACE_BYTES, self.signposts().map(Place::to_bytes));
        file.fences(STREAM_BYTES, streams.iter().map(|(tag, _)| tag.0));
        file.fences(COMMAND_BYTES, commands.iter().map(|(command, _)| command.0));
        file.finish()
    }

    /// Returns the first place of every frame that begins at least [`SIGNPOST_EVENTS`] after the one before.
    fn signposts(&self) -> impl Iterator<Item = Place> {
        let mut next = 0;
        let frames = self.offsets.iter().enumerate().scan(None, |previous, (nth, offset)| {
            let begins = *previous != Some(offset);
            *previous = Some(offset);
            Some((begins, Place { nth: nth as u32, offset: *offset }))
        });
        frames
            .filter(move |(begins, place)| {
                let chosen = *begins && next <= place.nth;
                if chosen {
                    next = place.nth + SIGNPOST_EVENTS;
                }
                chosen
            })
            .map(|(_, place)| place)
    }
}

impl Place {
    fn to_bytes(self) -> [u8; PLACE_BYTES] {
        let mut bytes = [0; PLACE_BYTES];
        bytes[..4].copy_from_slice(&self.nth.to_le_bytes());
        bytes[4..].copy_from_slice(&self.offset.to_le_bytes());
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Self {
        Self { nth: u32::from_le_bytes(array(&bytes[..4])), offset: u32::from_le_bytes(array(&bytes[4..8])) }
    }
}

const INDEX_MAGIC: [u8; 8] = *b"YCINDEX1";
const BLOCK: usize = 4096;
const BLOCK_DATA: usize = BLOCK - 4;
const TABLES: usize = 8;
const STREAM_BYTES: usize = 32;
const COMMAND_BYTES: usize = 24;
const PLACE_BYTES: usize = 8;
const FENCE_BYTES: usize = 16;
/// At most this many events lie between two places of the journal that a sealed volume keeps in memory.
const SIGNPOST_EVENTS: u32 = 64;

const COMMAND_SIEVE: usize = 0;
const STREAM_SIEVE: usize = 1;
const STREAMS: usize = 2;
const PLACES: usize = 3;
const COMMANDS: usize = 4;
const SIGNPOSTS: usize = 5;
const STREAM_FENCES: usize = 6;
const COMMAND_FENCES: usize = 7;

/// One table of an index file: entries of one size, none across two blocks.
#[derive(Debug, Clone, Copy, Default)]
struct Table {
    block: u32,
    entries: u32,
    entry_bytes: u32,
}

struct IndexWriter {
    bytes: Vec<u8>,
    header: Vec<u8>,
    tables: Vec<Table>,
}

impl IndexWriter {
    fn new(first: u64, events: u32) -> Self {
        let mut header = INDEX_MAGIC.to_vec();
        header.extend_from_slice(&first.to_le_bytes());
        header.extend_from_slice(&events.to_le_bytes());
        // The first block is the header's, filled in at the end.
        Self { bytes: vec![0; BLOCK], header, tables: Vec::new() }
    }

    fn table<const N: usize>(&mut self, entry_bytes: usize, entries: impl Iterator<Item = [u8; N]>) {
        let block = (self.bytes.len() / BLOCK) as u32;
        let mut count = 0;
        for entry in entries {
            let left = BLOCK_DATA - self.bytes.len() % BLOCK;
            if left < entry_bytes {
                self.close_block();
            }
            self.bytes.extend_from_slice(&entry);
            count += 1;
        }
        if !self.bytes.len().is_multiple_of(BLOCK) {
            self.close_block();
        }
        self.tables.push(Table { block, entries: count, entry_bytes: entry_bytes as u32 });
    }

    /// Notes the first key of every block of a sorted table, so that finding a key takes one block.
    fn fences(&mut self, entry_bytes: usize, keys: impl Iterator<Item = u128>) {
        let firsts = keys.step_by(BLOCK_DATA / entry_bytes);
        self.table(FENCE_BYTES, firsts.map(u128::to_le_bytes));
    }

    fn close_block(&mut self) {
        let start = self.bytes.len() / BLOCK * BLOCK;
        self.bytes.resize(start + BLOCK_DATA, 0);
        let crc = crc32c::crc32c(&self.bytes[start..]);
        self.bytes.extend_from_slice(&crc.to_le_bytes());
    }

    fn finish(mut self) -> Vec<u8> {
        let blocks = (self.bytes.len() / BLOCK) as u32;
        self.header.extend_from_slice(&blocks.to_le_bytes());
        for table in &self.tables {
            for word in [table.block, table.entries, table.entry_bytes] {
                self.header.extend_from_slice(&word.to_le_bytes());
            }
        }
        self.bytes[..self.header.len()].copy_from_slice(&self.header);
        let crc = crc32c::crc32c(&self.bytes[..BLOCK_DATA]);
        self.bytes[BLOCK_DATA..BLOCK].copy_from_slice(&crc.to_le_bytes());
        self.bytes
    }
}

/// Why an index file cannot be used; it is rebuilt then.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IndexFault {
    #[error("the index cannot be read")]
    Io(#[from] io::Error),
    #[error("the checksum of block {0} of the index does not match")]
    Block(u32),
    #[error("the index is not that of this volume")]
    Header,
}

/// What a sealed volume adds to what is known of all of them.
#[derive(Debug)]
pub(crate) struct Summary {
    pub(crate) commands: Sieve,
    /// The last version of every stream of the volume.
    pub(crate) versions: Vec<(Tag, u64)>,
}

/// The index of a sealed volume. Stream sieve, signposts and fences are in memory, entries on disk.
#[derive(Debug)]
pub(crate) struct SealedIndex {
    file: File,
    events: u32,
    tables: [Table; TABLES],
    streams: Sieve,
    signposts: Vec<Place>,
    stream_fences: Vec<u128>,
    command_fences: Vec<u128>,
}

impl SealedIndex {
    /// Opens the index of the volume at `first`, verifying what it keeps in memory.
    pub(crate) fn open(file: File, first: u64) -> Result<Self, IndexFault> {
        let header = read_block(&file, 0)?;
        let mut words = Words(&header);
        if words.take::<8>() != INDEX_MAGIC || u64::from_le_bytes(words.take()) != first {
            return Err(IndexFault::Header);
        }
        let events = words.u32();
        let blocks = words.u32();
        if file.metadata()?.len() != u64::from(blocks) * BLOCK as u64 {
            return Err(IndexFault::Header);
        }
        let tables: [Table; TABLES] =
            std::array::from_fn(|_| Table { block: words.u32(), entries: words.u32(), entry_bytes: words.u32() });
        let mut index = Self {
            file,
            events,
            tables,
            streams: Sieve::from_entries(&[]),
            signposts: Vec::new(),
            stream_fences: Vec::new(),
            command_fences: Vec::new(),
        };
        index.streams = index.sieve(STREAM_SIEVE)?;
        let signposts = index.entries(SIGNPOSTS, 0, index.tables[SIGNPOSTS].entries)?;
        index.signposts = signposts.chunks_exact(PLACE_BYTES).map(Place::from_bytes).collect();
        index.stream_fences = index.fences(STREAM_FENCES)?;
        index.command_fences = index.fences(COMMAND_FENCES)?;
        Ok(index)
    }

    pub(crate) fn events(&self) -> u32 {
        self.events
    }

    /// Reads what is kept of all sealed volumes together, because nobody asks one of them alone.
    pub(crate) fn summary(&self) -> Result<Summary, IndexFault> {
        Ok(Summary { commands: self.sieve(COMMAND_SIEVE)?, versions: self.last_versions()? })
    }

    /// Returns where the command's frame is, if it is here.
    pub(crate) fn command(&self, command: CommandId) -> Result<Option<Place>, IndexFault> {
        let found = self.find(COMMANDS, &self.command_fences, command.0)?;
        Ok(found.map(|entry| Place::from_bytes(&entry[16..])))
    }

    /// Returns where the stream's events are.
    pub(crate) fn stream(&self, tag: Tag) -> Result<Vec<Place>, IndexFault> {
        if !self.streams.may_hold(tag.short()) {
            return Ok(Vec::new());
        }
        let Some(entry) = self.find(STREAMS, &self.stream_fences, tag.0)? else { return Ok(Vec::new()) };
        let (list, events) = (u32::from_le_bytes(array(&entry[24..28])), u32::from_le_bytes(array(&entry[28..32])));
        Ok(self.entries(PLACES, list, events)?.chunks_exact(PLACE_BYTES).map(Place::from_bytes).collect())
    }

    /// Returns a frame that begins at or before the `nth` event, and near it.
    pub(crate) fn signpost(&self, nth: u32) -> Place {
        let later = self.signposts.partition_point(|post| post.nth <= nth);
        later
            .checked_sub(1)
            .and_then(|at| self.signposts.get(at).copied())
            .unwrap_or(Place { nth: 0, offset: super::journal::FRAMES_AT as u32 })
    }

    /// Returns the first frame known here that begins after the `nth` event.
    pub(crate) fn signpost_after(&self, nth: u32) -> Option<Place> {
        self.signposts.get(self.signposts.partition_point(|post| post.nth <= nth)).copied()
    }

    /// Returns the last version of every stream of the volume.
    fn last_versions(&self) -> Result<Vec<(Tag, u64)>, IndexFault> {
        let entries = self.entries(STREAMS, 0, self.tables[STREAMS].entries)?;
        let tagged = entries
            .chunks_exact(STREAM_BYTES)
            .map(|entry| (Tag(u128::from_le_bytes(array(&entry[..16]))), u64::from_le_bytes(array(&entry[16..24]))));
        Ok(tagged.collect())
    }

    fn sieve(&self, table: usize) -> Result<Sieve, IndexFault> {
        Ok(Sieve::from_entries(&self.entries(table, 0, self.tables[table].entries)?))
    }

    fn fences(&self, table: usize) -> Result<Vec<u128>, IndexFault> {
        let keys = self.entries(table, 0, self.tables[table].entries)?;
        Ok(keys.chunks_exact(FENCE_BYTES).map(|key| u128::from_le_bytes(array(key))).collect())
    }

    /// Finds the entry whose first 16 bytes are `key` in a table sorted by them.
    fn find(&self, table: usize, fences: &[u128], key: u128) -> Result<Option<Vec<u8>>, IndexFault> {
        let Table { block, entries, entry_bytes } = self.tables[table];
        let later = fences.partition_point(|first| *first <= key);
        let Some(nth) = later.checked_sub(1) else { return Ok(None) };
        let entry_bytes = entry_bytes as usize;
        let per_block = BLOCK_DATA / entry_bytes;
        let here = per_block.min((entries as usize).saturating_sub(nth * per_block));
        let data = read_block(&self.file, block + nth as u32)?;
        let found: Vec<&[u8]> = data.chunks_exact(entry_bytes).take(here).collect();
        let at = found.binary_search_by_key(&key, |entry| u128::from_le_bytes(array(&entry[..16])));
        Ok(at.ok().and_then(|at| found.get(at)).map(|entry| entry.to_vec()))
    }

    fn entries(&self, table: usize, from: u32, count: u32) -> Result<Vec<u8>, IndexFault> {
        let Table { block, entries, entry_bytes } = self.tables[table];
        if entries < from.saturating_add(count) || entry_bytes == 0 {
            return Err(IndexFault::Header);
        }
        if count == 0 {
            return Ok(Vec::new());
        }
        let per_block = BLOCK_DATA as u32 / entry_bytes;
        let (first_block, last_block) = (from / per_block, (from + count - 1) / per_block);
        let mut raw = vec![0; (last_block - first_block + 1) as usize * BLOCK];
        self.file.read_exact_at(&mut raw, u64::from(block + first_block) * BLOCK as u64)?;
        let mut out = Vec::with_capacity((count * entry_bytes) as usize);
        let (mut skip, mut left) = ((from % per_block) as usize, count as usize);
        for (nth, data) in raw.chunks_exact(BLOCK).enumerate() {
            let data = verified(data, block + first_block + nth as u32)?;
            let here = (per_block as usize - skip).min(left);
            let entry_bytes = entry_bytes as usize;
            out.extend_from_slice(&data[skip * entry_bytes..(skip + here) * entry_bytes]);
            left -= here;
            skip = 0;
        }
        Ok(out)
    }
}

fn read_block(file: &File, block: u32) -> Result<Vec<u8>, IndexFault> {
    let mut raw = vec![0; BLOCK];
    file.read_exact_at(&mut raw, u64::from(block) * BLOCK as u64)?;
    verified(&raw, block)?;
    raw.truncate(BLOCK_DATA);
    Ok(raw)
}

fn verified(raw: &[u8], block: u32) -> Result<&[u8], IndexFault> {
    let (data, crc) = raw.split_at(BLOCK_DATA);
    if crc32c::crc32c(data).to_le_bytes() == crc { Ok(data) } else { Err(IndexFault::Block(block)) }
}

struct Words<'a>(&'a [u8]);

impl Words<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let (word, rest) = self.0.split_at(N);
        self.0 = rest;
        array(word)
    }

    fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.take())
    }
}

/// The version that every stream of the sealed volumes has reached: the one lookup that every append needs.
///
/// Sixteen bytes a stream and the slack of a hash table; split, so that growing a part holds nobody up for long.
#[derive(Debug)]
pub(crate) struct LastVersions {
    parts: Vec<RwLock<HashMap<ShortTag, u32, BuildHashed>>>,
}

/// 96 bits of a tag: still one chance in 10^15 among ten million streams. Words of 32 bits, so that with its version it
/// takes 16 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct ShortTag([u32; 3]);

impl std::hash::Hash for ShortTag {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        // The rest of a key whose first 64 bits are hash enough need not be hashed.
        state.write_u64(u64::from(self.0[0]) | u64::from(self.0[1]) << 32);
    }
}

impl LastVersions {
    const PARTS: usize = 64;

    pub(crate) fn new() -> Self {
        Self { parts: (0..Self::PARTS).map(|_| RwLock::default()).collect() }
    }

    pub(crate) fn get(&self, tag: Tag) -> u64 {
        let (part, key) = Self::split(tag);
        let part = self.parts[part].read().unwrap_or_else(PoisonError::into_inner);
        part.get(&key).copied().map_or(0, u64::from)
    }

    pub(crate) fn add(&self, versions: impl Iterator<Item = (Tag, u64)>) {
        let mut sorted: Vec<Vec<(ShortTag, u32)>> = vec![Vec::new(); Self::PARTS];
        for (tag, version) in versions {
            let (part, key) = Self::split(tag);
            // Four thousand million events in one stream are more than any log holds.
            sorted[part].push((key, u32::try_from(version).unwrap_or(u32::MAX)));
        }
        for (part, versions) in self.parts.iter().zip(sorted) {
            part.write().unwrap_or_else(PoisonError::into_inner).extend(versions);
        }
    }

    fn split(tag: Tag) -> (usize, ShortTag) {
        let upper = (tag.0 >> 64) as u64;
        let short = tag.short();
        ((upper >> 58) as usize, ShortTag([short as u32, (short >> 32) as u32, upper as u32]))
    }
}

/// Puts the answer together from the frame that a command wrote.
pub(crate) fn answer_of<'a>(records: impl Iterator<Item = RecordView<'a>>) -> Result<Option<Answer>, RecordFault> {
    let mut answer: Option<Answer> = None;
    for record in records {
        let stream = crate::StreamName::try_from(record.stream()?).map_err(|_| RecordFault::Shape)?;
        let answer = answer.get_or_insert_with(|| Answer {
            digest: record.digest(),
            appended: crate::Appended {
                first: record.position(),
                last: record.position(),
                recorded_at: record.recorded_at(),
                versions: Vec::new(),
            },
        });
        answer.appended.last = record.position();
        match answer.appended.versions.last_mut() {
            Some((last, version)) if *last == stream => *version = record.version(),
            Some(_) | None => answer.appended.versions.push((stream, record.version())),
        }
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    /// Seals an index of this many commands, each with one event in a stream of three.
    fn sealed(commands: u32) -> SealedIndex {
        let mut index = ActiveIndex::default();
        for nth in 0..commands {
            index.add_command(CommandId(u128::from(nth) + 1), CommandDigest([0; 16]), 32 + nth * 100);
            index.add_event(
                Tag::of_name(&format!("s/{}", nth / 3)),
                || 5,
                Offsets { frame: 32 + nth * 100, record: 32 + nth * 100 },
                nth,
            );
        }
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&index.to_file(1)).unwrap();
        SealedIndex::open(file, 1).unwrap()
    }

    #[test]
    fn a_sealed_index_finds_all_that_was_added_and_nothing_else() {
        for commands in (1..40).chain([170, 171, 340, 1000, 5000]) {
            let index = sealed(commands);
            let summary = index.summary().unwrap();
            for nth in 0..commands {
                let command = CommandId(u128::from(nth) + 1);
                assert!(summary.commands.may_hold(command_key(command)), "filter: {nth} of {commands}");
                let found = index.command(command).unwrap();
                assert_eq!(found, Some(Place { nth, offset: 32 + nth * 100 }), "{nth} of {commands}");
                let places = index.stream(Tag::of_name(&format!("s/{}", nth / 3))).unwrap();
                assert!(places.contains(&Place { nth, offset: 32 + nth * 100 }), "{nth} of {commands}");
            }
            assert_eq!(index.command(CommandId(0)).unwrap(), None);
            assert_eq!(index.command(CommandId(u128::MAX)).unwrap(), None);
            assert_eq!(index.stream(Tag::of_name("t")).unwrap(), []);
            assert_eq!(summary.versions.len(), commands.div_ceil(3) as usize);
        }
    }
}
