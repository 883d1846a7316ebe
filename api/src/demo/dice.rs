//! Chance that repeats: every case throws its own dice, so that one more case changes no other.

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

/// A source of chance with a fixed beginning.
pub(super) struct Dice(ChaCha8Rng);

impl Dice {
    /// Returns the dice of one purpose (`stream`) under the run's seed.
    pub(super) fn new(seed: u64, stream: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(stream);
        Self(rng)
    }

    /// Returns true with this probability.
    pub(super) fn chance(&mut self, probability: f64) -> bool {
        self.0.random::<f64>() < probability
    }

    /// Returns a whole number from `low` to `high`, both included.
    pub(super) fn between(&mut self, low: i64, high: i64) -> i64 {
        if low >= high { low } else { self.0.random_range(low..=high) }
    }

    /// Returns a number from `low` to `high` that leans towards `low`: most things are quick, some are not.
    pub(super) fn leaning(&mut self, low: i64, high: i64) -> i64 {
        let share = self.0.random::<f64>().powi(2);
        low + ((high - low) as f64 * share).round() as i64
    }

    /// Returns one of them; the slice must not be empty.
    pub(super) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.0.random_range(0..from.len())]
    }

    /// Returns the place of one of these weights, in proportion; 0 if all are 0.
    pub(super) fn weighted(&mut self, weights: &[f64]) -> usize {
        let sum: f64 = weights.iter().sum();
        let mut left = self.0.random::<f64>() * sum;
        for (place, weight) in weights.iter().enumerate() {
            left -= weight;
            if left < 0.0 {
                return place;
            }
        }
        weights.len().saturating_sub(1)
    }

    /// Returns 128 bits, for ids.
    pub(super) fn bits(&mut self) -> u128 {
        self.0.random()
    }
}
