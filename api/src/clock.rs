//! The only place where time and chance come in. Everything else takes a moment or an id as an argument.

use chrono::{DateTime, SubsecRound as _};
use domain::zone::Instant;
use rand::{Rng as _, SeedableRng as _, TryRng as _};
use rand_chacha::ChaCha8Rng;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use ulid::Ulid;

/// How long is slept at most before the machine's time is looked at again: it may have been set, or have stood still.
const NAP_MAX: Duration = Duration::from_secs(60);

/// Time of day and fresh ids.
#[derive(Debug)]
pub struct Clock {
    time: Time,
    ids: Mutex<Ids>,
}

#[derive(Debug)]
enum Time {
    System,
    /// Microseconds since 1970, set from outside.
    Simulated(watch::Sender<i64>),
}

#[derive(Debug)]
struct Ids {
    last: Ulid,
    chance: ChaCha8Rng,
}

impl Clock {
    /// The machine's clock, and ids nobody can guess.
    #[must_use]
    pub fn system() -> Self {
        Self::new(Time::System, ChaCha8Rng::from_seed(secret()))
    }

    /// A clock that stands still until it is set, and ids that follow from the seed.
    #[must_use]
    pub fn simulated(start: Instant, seed: u64) -> Self {
        Self::new(Time::Simulated(watch::Sender::new(start.timestamp_micros())), ChaCha8Rng::seed_from_u64(seed))
    }

    fn new(time: Time, chance: ChaCha8Rng) -> Self {
        Self { time, ids: Mutex::new(Ids { last: Ulid::nil(), chance }) }
    }

    /// Returns the moment, in whole microseconds, as the log keeps it.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is where time comes in")]
    pub fn now(&self) -> Instant {
        match &self.time {
            Time::System => chrono::Utc::now().trunc_subsecs(6),
            Time::Simulated(micros) => DateTime::from_timestamp_micros(*micros.borrow()).unwrap_or_default(),
        }
    }

    /// Moves a simulated clock; the machine's own cannot be moved.
    pub fn set(&self, moment: Instant) {
        match &self.time {
            Time::System => (),
            Time::Simulated(micros) => {
                micros.send_replace(moment.timestamp_micros());
            }
        }
    }

    /// Ends once so much time has gone by from now on; setting the machine's clock makes it neither longer nor shorter.
    pub fn after(&self, pause: Duration) -> impl Future<Output = ()> + use<'_> {
        let (from, moment) = (tokio::time::Instant::now(), self.now() + pause);
        async move {
            match &self.time {
                Time::System => tokio::time::sleep_until(from + pause).await,
                Time::Simulated(_) => self.until(moment).await,
            }
        }
    }

    /// Ends once it is that moment.
    pub async fn until(&self, moment: Instant) {
        match &self.time {
            Time::System => {
                while let Some(left) = (moment - self.now()).to_std().ok().filter(|left| !left.is_zero()) {
                    tokio::time::sleep(left.min(NAP_MAX)).await;
                }
            }
            Time::Simulated(micros) => {
                let wanted = moment.timestamp_micros();
                // The sender is our own: it outlives the wait.
                let _ = micros.subscribe().wait_for(|now| wanted <= *now).await;
            }
        }
    }

    /// Returns a fresh id, greater than all before it.
    #[must_use]
    pub fn ulid(&self) -> Ulid {
        let millis = u64::try_from(self.now().timestamp_millis()).unwrap_or_default();
        let mut ids = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
        let next = if ids.last.timestamp_ms() < millis {
            // The top bit stays free, so that the ids of one millisecond can be counted upwards.
            let chance = (u128::from(ids.chance.next_u64()) << 64 | u128::from(ids.chance.next_u64())) >> 49;
            Ulid::from_parts(millis, chance)
        } else {
            // A clock that stands or runs back still gives ids in order.
            ids.last.increment().unwrap_or_else(|_| Ulid::from_parts(ids.last.timestamp_ms() + 1, 0))
        };
        ids.last = next;
        next
    }
}

/// Returns bytes for keys and nonces, from the operating system.
#[must_use]
#[expect(clippy::expect_used, reason = "without the system's randomness no key is safe, and nothing may go on")]
pub fn secret<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::rngs::SysRng.try_fill_bytes(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_grow_even_while_the_clock_stands_still() {
        let clock = Clock::simulated(DateTime::UNIX_EPOCH, 1);
        let ids: Vec<Ulid> = (0..1000).map(|_| clock.ulid()).collect();
        assert!(ids.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn the_same_seed_gives_the_same_ids() {
        let (one, other) = (Clock::simulated(DateTime::UNIX_EPOCH, 7), Clock::simulated(DateTime::UNIX_EPOCH, 7));
        assert_eq!(one.ulid(), other.ulid());
    }
}
