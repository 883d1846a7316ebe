//! Names shortened to 128 bits, so that indexes have entries of one size.
//!
//! SipHash-2-4 with its 128-bit output and an all-zero key, written out here because tags are stored on disk and the
//! standard library promises nothing about its hash. Among ten million streams the chance that any two share a tag is
//! below 10^-24, so a tag counts as the name.

use crate::{CommandId, StreamName};
use std::hash::{BuildHasherDefault, Hasher};

/// A stream name's 128-bit stand-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Tag(pub(crate) u128);

impl Tag {
    pub(crate) fn of(stream: &StreamName) -> Self {
        Self::of_name(stream.as_str())
    }

    pub(crate) fn of_name(name: &str) -> Self {
        Self(siphash_128([0, 0], name.as_bytes()))
    }

    /// Returns the half that filters and hash tables go by.
    pub(crate) fn short(self) -> u64 {
        self.0 as u64
    }
}

/// Returns the 64 bits of a command id that filters go by.
pub(crate) fn command_key(command: CommandId) -> u64 {
    let [low, high] = [command.0 as u64, (command.0 >> 64) as u64];
    // Odd multipliers spread ids whose bits are anything but random, such as 1, 2, 3.
    low.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ high.wrapping_mul(0xc2b2_ae3d_27d4_eb4f).rotate_left(32)
}

/// Hashes keys that are hashes already.
#[derive(Debug, Default)]
pub(crate) struct Hashed(u64);

/// Builds [`Hashed`].
pub(crate) type BuildHashed = BuildHasherDefault<Hashed>;

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }

    fn write_u128(&mut self, key: u128) {
        self.0 = (key as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (key >> 64) as u64;
    }
}

fn siphash_128(key: [u64; 2], bytes: &[u8]) -> u128 {
    let mut state = Sip {
        v0: 0x736f_6d65_7073_6575 ^ key[0],
        v1: 0x646f_7261_6e64_6f6d ^ key[1] ^ 0xee,
        v2: 0x6c79_6765_6e65_7261 ^ key[0],
        v3: 0x7465_6462_7974_6573 ^ key[1],
    };
    let mut words = bytes.chunks_exact(8);
    for word in &mut words {
        state.absorb(u64::from_le_bytes(crate::record::array(word)));
    }
    let mut last = (bytes.len() as u64) << 56;
    for (nth, byte) in words.remainder().iter().enumerate() {
        last |= u64::from(*byte) << (8 * nth);
    }
    state.absorb(last);
    state.v2 ^= 0xee;
    let low = state.finish();
    state.v1 ^= 0xdd;
    let high = state.finish();
    u128::from(low) | u128::from(high) << 64
}

struct Sip {
    v0: u64,
    v1: u64,
    v2: u64,
    v3: u64,
}

impl Sip {
    fn absorb(&mut self, word: u64) {
        self.v3 ^= word;
        self.round();
        self.round();
        self.v0 ^= word;
    }

    fn finish(&mut self) -> u64 {
        for _ in 0..4 {
            self.round();
        }
        self.v0 ^ self.v1 ^ self.v2 ^ self.v3
    }

    fn round(&mut self) {
        self.v0 = self.v0.wrapping_add(self.v1);
        self.v1 = self.v1.rotate_left(13) ^ self.v0;
        self.v0 = self.v0.rotate_left(32);
        self.v2 = self.v2.wrapping_add(self.v3);
        self.v3 = self.v3.rotate_left(16) ^ self.v2;
        self.v0 = self.v0.wrapping_add(self.v3);
        self.v3 = self.v3.rotate_left(21) ^ self.v0;
        self.v2 = self.v2.wrapping_add(self.v1);
        self.v1 = self.v1.rotate_left(17) ^ self.v2;
        self.v2 = self.v2.rotate_left(32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors that the authors of SipHash publish.
    #[test]
    fn the_hash_is_siphash_2_4_with_128_bits() {
        let key = [0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908];
        let input: Vec<u8> = (0..63).collect();
        for (len, expected) in [
            (0, 0x9302_55c7_1472_f66d_e6a8_25ba_047f_81a3),
            (1, 0x45fc_229b_1159_7634_44af_996b_d8c1_87da),
            (63, 0x7cbd_3f97_9a06_3e50_4a83_502f_77d1_5051_u128),
        ] {
            assert_eq!(siphash_128(key, &input[..len]), expected, "{len} bytes");
        }
    }

    #[test]
    fn tags_are_those_of_every_earlier_version() {
        assert_eq!(Tag::of_name("case/01JABCDEFGHJKMNPQRSTVWXYZ0").0, 202678692049951717504381656425315542135);
    }
}
