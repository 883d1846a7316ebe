//! A disk of which the power is cut: what a recorded run may have left behind.
//!
//! What a file had at its last fsync is kept. Of the bytes written since, each 4 KiB page is kept or not by chance, so
//! writes are torn and reordered. Of the names made, moved and removed since the last fsync of anything, a random
//! number of the first is kept, as by a file system with a journal of its metadata.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

const PAGE: u64 = 4096;
const O_TRUNC: u64 = 0o1000;
const O_DIRECTORY: u64 = 0o200_000;

/// One thing that the recorded program did.
#[derive(Debug, Clone)]
pub(crate) enum Operation {
    Open { file: u32, flags: u64, path: String },
    Write { file: u32, offset: u64, bytes: Vec<u8> },
    SetLength { file: u32, length: u64 },
    Sync { file: u32 },
    MakeDirectory { path: String },
    Rename { from: String, to: String },
    Remove { path: String },
    Mark { bytes: Vec<u8> },
}

/// Reads a trace, ignoring an entry that was cut short when the program ended.
pub(crate) fn read_trace(path: &Path) -> Vec<Operation> {
    let data = fs::read(path).expect("the recorder wrote a trace");
    let mut rest = data.as_slice();
    let mut operations = Vec::new();
    while let Some((entry, after)) = rest.split_at_checked(17) {
        let number =
            |from: usize, to: usize| entry[from..to].iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        let (file, offset, length) = (number(1, 5) as u32, number(5, 13), number(13, 17) as usize);
        let Some((bytes, next)) = after.split_at_checked(length) else { break };
        rest = next;
        let text = || String::from_utf8_lossy(bytes).into_owned();
        operations.push(match entry[0] {
            b'O' => Operation::Open { file, flags: offset, path: text() },
            b'W' => Operation::Write { file, offset, bytes: bytes.to_vec() },
            b'T' => Operation::SetLength { file, length: offset },
            b'S' => Operation::Sync { file },
            b'D' => Operation::MakeDirectory { path: text() },
            b'U' => Operation::Remove { path: text() },
            b'M' => Operation::Mark { bytes: bytes.to_vec() },
            b'N' => {
                let both = text();
                let mut names = both.split('\0').map(str::to_owned);
                Operation::Rename { from: names.next().unwrap_or_default(), to: names.next().unwrap_or_default() }
            }
            other => panic!("an entry of kind {other}"),
        });
    }
    operations
}

#[derive(Debug, Clone)]
enum Change {
    Bytes { offset: u64, bytes: Vec<u8> },
    Length(u64),
}

#[derive(Debug, Default, Clone)]
struct Inode {
    durable: Vec<u8>,
    pending: Vec<Change>,
}

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Named {
    Directory,
    File(usize),
}

#[derive(Debug, Clone)]
enum NameChange {
    Make(String, Named),
    Move(String, String),
    Remove(String),
}

/// The state of the disk after some of the operations.
#[derive(Debug, Default)]
pub(crate) struct Disk {
    inodes: Vec<Inode>,
    names: BTreeMap<String, Named>,
    durable_names: BTreeMap<String, Named>,
    name_changes: Vec<NameChange>,
    open: BTreeMap<u32, Named>,
}

impl Disk {
    /// Starts from a directory as it is, all of it durable.
    pub(crate) fn holding(dir: &Path) -> Self {
        let mut disk = Self::default();
        disk.load(dir, String::new());
        disk.durable_names = disk.names.clone();
        disk
    }

    fn load(&mut self, dir: &Path, prefix: String) {
        self.names.insert(prefix.clone(), Named::Directory);
        for entry in fs::read_dir(dir).expect("an image can be read") {
            let entry = entry.expect("an image can be read");
            let name = format!("{prefix}/{}", entry.file_name().to_string_lossy());
            if entry.path().is_dir() {
                self.load(&entry.path(), name);
            } else {
                let durable = fs::read(entry.path()).expect("an image can be read");
                self.names.insert(name, Named::File(self.inodes.len()));
                self.inodes.push(Inode { durable, pending: Vec::new() });
            }
        }
    }

    /// Does what the program did.
    pub(crate) fn perform(&mut self, operation: &Operation) {
        match operation {
            Operation::Open { file, flags, path } => self.open(*file, *flags, path),
            Operation::Write { file, offset, bytes } => {
                self.change(*file, Change::Bytes { offset: *offset, bytes: bytes.clone() });
            }
            Operation::SetLength { file, length } => self.change(*file, Change::Length(*length)),
            Operation::Sync { file } => self.sync(*file),
            Operation::MakeDirectory { path } => self.change_name(NameChange::Make(path.clone(), Named::Directory)),
            Operation::Rename { from, to } => self.change_name(NameChange::Move(from.clone(), to.clone())),
            Operation::Remove { path } => self.change_name(NameChange::Remove(path.clone())),
            Operation::Mark { .. } => (),
        }
    }

    fn open(&mut self, file: u32, flags: u64, path: &str) {
        let named = self.names.get(path).copied().unwrap_or_else(|| {
            let made = if flags & O_DIRECTORY != 0 {
                Named::Directory
            } else {
                self.inodes.push(Inode::default());
                Named::File(self.inodes.len() - 1)
            };
            self.change_name(NameChange::Make(path.to_owned(), made));
            made
        });
        self.open.insert(file, named);
        if flags & O_TRUNC != 0 {
            self.change(file, Change::Length(0));
        }
    }

    fn change(&mut self, file: u32, change: Change) {
        if let Some(Named::File(inode)) = self.open.get(&file) {
            self.inodes[*inode].pending.push(change);
        }
    }

    fn sync(&mut self, file: u32) {
        if let Some(Named::File(inode)) = self.open.get(&file) {
            let inode = &mut self.inodes[*inode];
            for change in std::mem::take(&mut inode.pending) {
                apply(&mut inode.durable, &change);
            }
        }
        for change in std::mem::take(&mut self.name_changes) {
            apply_name(&mut self.durable_names, &change);
        }
    }

    fn change_name(&mut self, change: NameChange) {
        apply_name(&mut self.names, &change);
        self.name_changes.push(change);
    }

    /// Writes what a power cut at this moment might leave.
    pub(crate) fn cut(&self, chance: &mut Chance, image: &Path) {
        let mut names = self.durable_names.clone();
        let kept = chance.below(self.name_changes.len() as u64 + 1) as usize;
        for change in &self.name_changes[..kept] {
            apply_name(&mut names, change);
        }
        let keep_per_mille = [0, 200, 500, 500, 800, 1000][chance.below(6) as usize];
        fs::create_dir_all(image).expect("an image can be written");
        for (name, named) in names {
            let path = image.join(name.trim_start_matches('/'));
            match named {
                Named::Directory => fs::create_dir_all(path).expect("an image can be written"),
                Named::File(inode) => {
                    fs::create_dir_all(path.parent().expect("below the image")).expect("an image can be written");
                    fs::write(path, self.inodes[inode].survivors(keep_per_mille, chance))
                        .expect("an image can be written");
                }
            }
        }
    }
}

impl Inode {
    fn survivors(&self, keep_per_mille: u64, chance: &mut Chance) -> Vec<u8> {
        let mut content = self.durable.clone();
        for change in &self.pending {
            match change {
                Change::Length(_) => {
                    if chance.below(1000) < keep_per_mille {
                        apply(&mut content, change);
                    }
                }
                Change::Bytes { offset, bytes } => {
                    let mut at = 0;
                    while at < bytes.len() {
                        let to_page_end = (PAGE - (offset + at as u64) % PAGE) as usize;
                        let end = bytes.len().min(at + to_page_end);
                        if chance.below(1000) < keep_per_mille {
                            let page = Change::Bytes { offset: offset + at as u64, bytes: bytes[at..end].to_vec() };
                            apply(&mut content, &page);
                        }
                        at = end;
                    }
                }
            }
        }
        content
    }
}

fn apply(content: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Length(length) => content.resize(*length as usize, 0),
        Change::Bytes { offset, bytes } => {
            let start = *offset as usize;
            let end = start + bytes.len();
            if content.len() < end {
                content.resize(end, 0);
            }
            content[start..end].copy_from_slice(bytes);
        }
    }
}

fn apply_name(names: &mut BTreeMap<String, Named>, change: &NameChange) {
    match change {
        NameChange::Make(path, named) => {
            names.insert(path.clone(), *named);
        }
        NameChange::Remove(path) => {
            names.remove(path);
        }
        NameChange::Move(from, to) => {
            let below = format!("{from}/");
            let moved: Vec<String> =
                names.keys().filter(|name| *name == from || name.starts_with(&below)).cloned().collect();
            for name in moved {
                if let Some(named) = names.remove(&name) {
                    names.insert(format!("{to}{}", &name[from.len()..]), named);
                }
            }
        }
    }
}

/// A repeatable source of chance.
#[derive(Debug)]
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    /// Returns a number below `limit`.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }
}
