//! How every rule of the house is written: a decision over what has happened, and what follows from it.

use crate::actor::Actor;
use crate::reference::Reference;
use crate::zone::Instant;

/// A state machine whose transitions are facts.
///
/// `Self` is the state and `Default` is "nothing happened yet". [`decide`](Decider::decide) judges and never changes;
/// [`evolve`](Decider::evolve) changes and never judges: it believes history.
pub trait Decider: Default {
    /// What may be asked for.
    type Command;
    /// What may have happened.
    type Event;
    /// The rule that forbids it.
    type Rejection;

    /// Returns the events that follow from the command; none means that it is already so.
    ///
    /// # Errors
    /// The rule that refuses the command.
    fn decide(&self, command: &Self::Command, context: &Context<'_>) -> Result<Vec<Self::Event>, Self::Rejection>;

    /// Takes in what happened. Total: there is no history it refuses.
    fn evolve(&mut self, event: &Self::Event);
}

/// Everything a decision may depend on besides the history of its stream.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The moment of recording.
    pub now: Instant,
    /// When the act took place: `now`, or earlier when it is keyed in later (先办后录).
    pub occurred_at: Instant,
    /// Who acts.
    pub actor: &'a Actor,
    /// Catalogue, organisations, calendar and policy in force, folded up to a stated position.
    pub reference: &'a Reference,
}
