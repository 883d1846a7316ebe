//! Filters that say "certainly not here" for the price of a cache line or a few.
//!
//! An append asks whether any sealed volume holds the command, and nearly always the answer is no. So what counts is how
//! little memory a "no" touches: in one volume's [`Sieve`] eight bits, one in each word of one line (a split-block Bloom
//! filter); in [`Sieves`] the same eight bits of 64 volumes at once. With 16 bits a key or more, a volume says
//! "perhaps" wrongly about once in a thousand times, which costs one look into its index.

use super::lock;
use arc_swap::ArcSwap;
use smallvec::SmallVec;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

const KEYS_PER_BLOCK: usize = 32;
/// The size of a block when stored.
pub(crate) const BLOCK_BYTES: usize = 64;
/// One odd number for each word, to pick that word's bit.
const SALTS: [u64; 8] = [
    0x9e37_79b9_7f4a_7c15,
    0xbf58_476d_1ce4_e5b9,
    0x94d0_49bb_1331_11eb,
    0xc2b2_ae3d_27d4_eb4f,
    0x1656_67b1_9e37_79f9,
    0x27d4_eb2f_1656_67c5,
    0xff51_afd7_ed55_8ccd,
    0xc4ce_b9fe_1a85_ec53,
];

#[derive(Debug, Clone, Copy, Default)]
#[repr(align(64))]
struct Block([u64; 8]);

/// A set of 64-bit keys that never denies having one it was given.
#[derive(Debug)]
pub(crate) struct Sieve {
    blocks: Vec<Block>,
}

impl Sieve {
    /// Makes a sieve of these keys, the same whatever their order.
    pub(crate) fn of(keys: impl ExactSizeIterator<Item = u64>) -> Self {
        // Of a power of two, so that sieves of different sizes can stand side by side.
        let mut sieve =
            Self { blocks: vec![Block::default(); keys.len().div_ceil(KEYS_PER_BLOCK).next_power_of_two()] };
        for key in keys {
            let mixed = mix(key);
            let at = block_of(mixed, sieve.blocks.len());
            for (word, salt) in sieve.blocks[at].0.iter_mut().zip(SALTS) {
                *word |= 1 << bit(mixed, salt);
            }
        }
        sieve
    }

    pub(crate) fn may_hold(&self, key: u64) -> bool {
        let mixed = mix(key);
        let block = self.blocks.get(block_of(mixed, self.blocks.len()));
        block.is_some_and(|block| block.0.iter().zip(SALTS).all(|(word, salt)| word >> bit(mixed, salt) & 1 == 1))
    }

    /// Returns the blocks as they are stored.
    pub(crate) fn to_entries(&self) -> impl Iterator<Item = [u8; BLOCK_BYTES]> {
        self.blocks.iter().map(|block| {
            let mut entry = [0; BLOCK_BYTES];
            for (bytes, word) in entry.chunks_exact_mut(8).zip(block.0) {
                bytes.copy_from_slice(&word.to_le_bytes());
            }
            entry
        })
    }

    /// Takes blocks as they were stored.
    pub(crate) fn from_entries(bytes: &[u8]) -> Self {
        let word = |bytes: &[u8], nth: usize| u64::from_le_bytes(crate::record::array(&bytes[8 * nth..8 * nth + 8]));
        let blocks = bytes.chunks_exact(BLOCK_BYTES);
        Self { blocks: blocks.map(|entry| Block(std::array::from_fn(|nth| word(entry, nth)))).collect() }
    }
}

/// The sieves of a row of volumes, turned so that one look asks 64 of them.
#[derive(Debug, Default)]
pub(crate) struct Sieves {
    parts: ArcSwap<Vec<Arc<Part>>>,
    /// How many volumes there are; held while another is added.
    volumes: Mutex<usize>,
}

const WORDS: usize = SALTS.len();
const COLUMNS: usize = u64::BITS as usize;

/// For each bit that a sieve may have, in which of 64 sieves it is set.
///
/// Bits are only ever set. Whoever counts a volume among the sealed also sees its bits, because that count is
/// published after them.
#[derive(Debug)]
struct Part {
    blocks: usize,
    bits: Vec<AtomicU64>,
}

impl Sieves {
    /// Adds the sieve of the next volume.
    pub(crate) fn add(&self, sieve: &Sieve) {
        let mut volumes = lock(&self.volumes);
        let (nth, column) = (*volumes / COLUMNS, *volumes % COLUMNS);
        let blocks = sieve.blocks.len().next_power_of_two();
        let parts = self.parts.load_full();
        let part = match parts.get(nth) {
            Some(part) if blocks <= part.blocks => Arc::clone(part),
            Some(part) => Arc::new(part.enlarged(blocks)),
            None => Arc::new(Part::empty(blocks)),
        };
        part.set(column, sieve);
        self.parts.store(Arc::new(parts.iter().take(nth).cloned().chain([part]).collect()));
        *volumes += 1;
    }

    /// Returns which of the volumes from the `from`th on may hold the key, by their places in the row.
    pub(crate) fn may_hold(&self, key: u64, from: usize) -> SmallVec<[usize; 2]> {
        let mixed = mix(key);
        let mut found = SmallVec::new();
        for (nth, part) in self.parts.load().iter().enumerate().skip(from / COLUMNS) {
            let mut columns = part.columns_of(mixed);
            while columns != 0 {
                found.push(nth * COLUMNS + columns.trailing_zeros() as usize);
                columns &= columns - 1;
            }
        }
        found.retain(|volume| from <= *volume);
        found
    }
}

impl Part {
    fn empty(blocks: usize) -> Self {
        Self { blocks, bits: (0..blocks * WORDS * COLUMNS).map(|_| AtomicU64::new(0)).collect() }
    }

    /// Spreads the same sieves over more blocks, each of which repeats the smaller one it belongs to.
    fn enlarged(&self, blocks: usize) -> Self {
        let row = WORDS * COLUMNS;
        let bit = |at: usize| &self.bits[at / row * self.blocks / blocks * row + at % row];
        let bits = (0..blocks * row).map(|at| AtomicU64::new(bit(at).load(Ordering::Relaxed)));
        Self { blocks, bits: bits.collect() }
    }

    fn set(&self, column: usize, sieve: &Sieve) {
        let of = sieve.blocks.len();
        for at in 0..self.blocks {
            // One block of the sieve; two where their numbers don't divide, as older versions made them.
            for block in sieve.blocks.iter().take(((at + 1) * of).div_ceil(self.blocks)).skip(at * of / self.blocks) {
                for (word, bits) in block.0.iter().enumerate() {
                    let mut left = *bits;
                    while left != 0 {
                        let bit = &self.bits[(at * WORDS + word) * COLUMNS + left.trailing_zeros() as usize];
                        bit.fetch_or(1 << column, Ordering::Relaxed);
                        left &= left - 1;
                    }
                }
            }
        }
    }

    /// Returns the sieves that have all bits of a key, as bits.
    fn columns_of(&self, mixed: u64) -> u64 {
        let at = block_of(mixed, self.blocks) * WORDS;
        let mut columns = u64::MAX;
        for (word, salt) in SALTS.iter().enumerate() {
            columns &= self.bits[(at + word) * COLUMNS + bit(mixed, *salt)].load(Ordering::Relaxed);
            if columns == 0 {
                break;
            }
        }
        columns
    }
}

fn block_of(mixed: u64, blocks: usize) -> usize {
    ((u128::from(mixed) * blocks as u128) >> 64) as usize
}

/// Picks one bit of a word, by the upper bits of a product, which depend on all lower ones.
fn bit(mixed: u64, salt: u64) -> usize {
    ((mixed as u32 as u64).wrapping_mul(salt) >> 58) as usize
}

fn mix(key: u64) -> u64 {
    let key = (key ^ (key >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let key = (key ^ (key >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    key ^ (key >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sieve_never_denies_what_it_holds_and_seldom_claims_more() {
        for keys in [0_u64, 1, 31, 33, 1000, 262_144] {
            let sieve = Sieve::of((0..keys as usize).map(|key| key as u64));
            let sieve = Sieve::from_entries(&sieve.to_entries().flatten().collect::<Vec<_>>());
            assert!((0..keys).all(|key| sieve.may_hold(key)), "of {keys} keys");
            let wrong = (keys..keys + 100_000).filter(|key| sieve.may_hold(*key)).count();
            assert!(wrong < 300, "{wrong} of 100,000 strangers taken for one of {keys} keys");
        }
    }

    #[test]
    fn sieves_of_any_number_and_size_answer_as_each_of_them_would() {
        let sizes = [1_u64, 40, 33, 5_000, 12, 3_000, 64];
        let volumes: Vec<Vec<u64>> = (0..150)
            .map(|volume| (0..sizes[volume % sizes.len()]).map(|key| key << 20 | volume as u64).collect())
            .collect();
        let sieves = Sieves::default();
        let each: Vec<Sieve> = volumes.iter().map(|keys| Sieve::of(keys.iter().copied())).collect();
        for sieve in &each {
            sieves.add(sieve);
        }
        for (volume, keys) in volumes.iter().enumerate() {
            for key in keys.iter().take(50) {
                let found = sieves.may_hold(*key, 0);
                assert!(found.contains(&volume), "key {key:x} of volume {volume}");
                let alone: Vec<usize> = (0..each.len()).filter(|nth| each[*nth].may_hold(*key)).collect();
                assert_eq!(found.as_slice(), alone, "key {key:x}");
                assert!(sieves.may_hold(*key, volume + 1).iter().all(|later| volume < *later));
            }
        }
    }

    #[test]
    fn sieves_take_one_whose_size_is_no_power_of_two() {
        let keys = 0..100_u64;
        let odd = {
            let mut sieve = Sieve { blocks: vec![Block::default(); 3] };
            for key in keys.clone() {
                let mixed = mix(key);
                for (word, salt) in sieve.blocks[block_of(mixed, 3)].0.iter_mut().zip(SALTS) {
                    *word |= 1 << bit(mixed, salt);
                }
            }
            sieve
        };
        let sieves = Sieves::default();
        sieves.add(&odd);
        assert!(keys.clone().all(|key| sieves.may_hold(key, 0).as_slice() == [0]));
    }
}
