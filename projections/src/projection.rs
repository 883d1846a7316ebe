//! What every way of seeing has in common.

use domain::fact::Fact;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A fold over facts. There are no modes: live, rebuild, as-of and what-if feed different slices to the same `apply`.
///
/// `Default` is the view of an empty history. The state is bounded by open work and by the number of statistic cells.
pub trait Projection: Default + Clone + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The name under which checkpoints are kept and verbs address it.
    const NAME: &'static str;
    /// Grows whenever `apply` would give another state for the same facts; older checkpoints are then left alone.
    const REVISION: u32;

    /// Takes in one fact. Total: there is no history it refuses.
    fn apply(&mut self, fact: &Fact);
}
