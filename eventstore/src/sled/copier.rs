//! The thread that copies what is durable in the journal into the database, so that no writer waits for it.

use super::volume::Volume;
use super::{Part, Shared};
use std::sync::{Arc, mpsc};

/// Copies for every volume it is told of, until nobody can tell it of another.
pub(crate) fn run(shared: &Shared, volumes: &mpsc::Receiver<Arc<Volume>>) {
    for volume in volumes {
        catch_up(shared, &volume);
    }
}

/// Copies all that waits; a database that takes no more is made again from the journal.
pub(crate) fn catch_up(shared: &Shared, volume: &Arc<Volume>) {
    if volume.catch_up().is_err() {
        shared.suspect(volume, Part::Database);
    }
}
