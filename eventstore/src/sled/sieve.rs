//! A filter that says "certainly not here" for the price of one cache line.
//!
//! An append asks every sealed volume whether it holds the command, and nearly always the answer is no. So what counts
//! is how little memory a "no" touches: here eight bits, one in each word of one line (a split-block Bloom filter).
//! With 16 bits a key it says "perhaps" wrongly about once in a thousand times, which costs one look into the index.

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
        let mut sieve = Self { blocks: vec![Block::default(); keys.len().div_ceil(KEYS_PER_BLOCK)] };
        for key in keys {
            let mixed = mix(key);
            let at = sieve.block_of(mixed);
            for (word, salt) in sieve.blocks[at].0.iter_mut().zip(SALTS) {
                *word |= bit(mixed, salt);
            }
        }
        sieve
    }

    pub(crate) fn may_hold(&self, key: u64) -> bool {
        let mixed = mix(key);
        let block = self.blocks.get(self.block_of(mixed));
        block.is_some_and(|block| block.0.iter().zip(SALTS).all(|(word, salt)| word & bit(mixed, salt) != 0))
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

    fn block_of(&self, mixed: u64) -> usize {
        ((u128::from(mixed) * self.blocks.len() as u128) >> 64) as usize
    }
}

/// Picks one bit of a word, by the upper bits of a product, which depend on all lower ones.
fn bit(mixed: u64, salt: u64) -> u64 {
    1 << ((mixed as u32 as u64).wrapping_mul(salt) >> 58)
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
}
