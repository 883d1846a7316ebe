//! The parts of one server, put together, served, and stopped in order.

use crate::auth::{Tickets, TokenVerifier};
use crate::clock::Clock;
use crate::config::Config;
use eventstore::EventStore;
use std::sync::Arc;

/// One running server's parts; every handler is given it.
pub struct Node {
    /// The settings.
    pub config: Config,
    /// Time and ids.
    pub clock: Arc<Clock>,
    /// The log.
    pub store: Arc<dyn EventStore>,
    /// Who may ask.
    pub tokens: TokenVerifier,
    /// Who may listen.
    pub tickets: Tickets,
}
