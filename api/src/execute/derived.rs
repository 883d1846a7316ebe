//! Command ids that follow from what they are for, so that each happens at most once.

use domain::ids::CommandId;
use eventstore::CommandDigest;
use sha2::{Digest as _, Sha256};
use ulid::Ulid;

/// Returns the id and digest of the command that this text names; the id sorts by the moment, in milliseconds.
#[must_use]
pub fn derived(text: &str, millis: u64) -> (CommandId, CommandDigest) {
    let hash: [u8; 32] = Sha256::digest(text).into();
    let (mut chance, mut digest) = ([0; 16], [0; 16]);
    chance[6..].copy_from_slice(&hash[..10]);
    digest.copy_from_slice(&hash[16..]);
    (CommandId(Ulid::from_parts(millis, u128::from_be_bytes(chance))), CommandDigest(digest))
}
