//! Every object once, however many events relate to it, within a fixed memory.

use super::{OBJECT_TYPES, Related};
use crate::runs::{Records, Runs, key_of};
use std::collections::HashSet;
use std::io;
use std::path::Path;

/// How many objects are remembered as seen; those of others may be put aside again, and are told once all the same.
const REMEMBERED_MAX: usize = 65_536;

/// The objects beside the cases.
pub(super) struct Objects {
    runs: Runs,
    seen: HashSet<u128>,
}

impl Objects {
    pub(super) fn new(scratch: &Path) -> Self {
        Self { runs: Runs::new(scratch.to_owned()), seen: HashSet::new() }
    }

    pub(super) fn note(&mut self, related: &Related) -> io::Result<()> {
        let Some(kind) = OBJECT_TYPES.iter().position(|(name, _)| *name == related.kind) else { return Ok(()) };
        let key = key_of(&related.id);
        if !self.seen.insert(key) {
            return Ok(());
        }
        if REMEMBERED_MAX < self.seen.len() {
            self.seen.clear();
        }
        self.runs.push(key, |bytes| {
            // Six kinds fit a byte.
            bytes.push(kind as u8);
            bytes.extend_from_slice(related.id.as_bytes());
            Ok(())
        })
    }

    /// Hands every object over once.
    pub(super) fn each<E: From<io::Error>>(
        self,
        mut take: impl FnMut(&'static str, &str) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut sorted = self.runs.sorted()?;
        let mut records = Records::default();
        while sorted.next_group(&mut records)?.is_some() {
            let Some((kind, id)) = records.iter().next().and_then(|record| record.split_first()) else { continue };
            let Some((kind, _)) = OBJECT_TYPES.get(usize::from(*kind)) else { continue };
            take(kind, &String::from_utf8_lossy(id))?;
        }
        Ok(())
    }
}
