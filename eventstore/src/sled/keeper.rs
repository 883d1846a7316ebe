//! The background thread that makes, seals and mends volumes, so that the commit thread never waits.

use super::mending::{Mending, Part};
use super::recovery::RecoverError;
use super::volume::Volume;
use super::{Sealed, Shared};
use std::collections::VecDeque;
use std::sync::{Arc, mpsc};
use std::time::Duration;

/// Something to be done to a volume.
#[derive(Debug)]
pub(crate) enum Job {
    /// Makes the database of a new volume.
    MakeDatabase(Arc<Volume>),
    /// Seals a full volume.
    Seal(Arc<Volume>),
    /// Compares and mends a volume of which some part failed.
    Mend(Arc<Volume>, Part),
    /// Tells that everything before it is done.
    Flush(mpsc::SyncSender<()>),
    /// Ends the thread. What is not sealed yet is sealed when the store is opened again.
    Stop,
}

const SEAL_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Does the jobs in order until told to stop.
pub(crate) fn run(shared: &Arc<Shared>, jobs: &mpsc::Receiver<Job>) {
    let mut full = VecDeque::new();
    loop {
        let job = if full.is_empty() {
            jobs.recv().map_err(|_| mpsc::RecvTimeoutError::Disconnected)
        } else {
            jobs.recv_timeout(SEAL_AGAIN_AFTER)
        };
        match job {
            Ok(Job::MakeDatabase(volume)) => make_database(shared, &volume),
            Ok(Job::Seal(volume)) => full.push_back(volume),
            Ok(Job::Mend(volume, part)) => mend(shared, &volume, part),
            Ok(Job::Flush(done)) => {
                // Nobody waits any longer if this fails.
                let _ = done.send(());
            }
            Err(mpsc::RecvTimeoutError::Timeout) => (),
            Ok(Job::Stop) | Err(mpsc::RecvTimeoutError::Disconnected) => return,
        }
        // Volumes are sealed in their order; one that failed, for want of disk space perhaps, is tried again.
        while let Some(volume) = full.front() {
            if let Err(error) = seal(shared, volume) {
                shared.tell(Mending::failed(volume.first, Part::Index, format!("sealing: {error}")));
                break;
            }
            full.pop_front();
        }
    }
}

fn make_database(shared: &Shared, volume: &Volume) {
    if let Err(error) = volume.make_database() {
        shared.tell(Mending::failed(volume.first, Part::Database, error.to_string()));
    }
}

fn seal(shared: &Arc<Shared>, volume: &Arc<Volume>) -> Result<(), RecoverError> {
    let index = volume.seal()?;
    let summary = index.summary().map_err(|fault| RecoverError::Io(std::io::Error::other(fault)))?;
    // In this order, so that whoever counts this volume among the sealed also finds its versions and commands.
    shared.add_summary(summary);
    shared.add_sealed(Sealed { volume: Arc::clone(volume), index: Arc::clone(&index) });
    let has_database = volume.has_open_database();
    volume.retire(&index);
    if !has_database {
        shared.suspect(volume, Part::Database);
    }
    Ok(())
}

fn mend(shared: &Arc<Shared>, volume: &Arc<Volume>, part: Part) {
    let mut told = |mending| shared.tell(mending);
    let result = match (volume.sealed_index(), part) {
        // Which copy failed is told as it is mended; the index is written again whatever failed.
        (Some(_), Part::Index) => volume.mend_sealed(&mut told).inspect(|()| {
            told(Mending::done(volume.first, Part::Index, "written again: a read found it damaged"));
        }),
        (Some(_), _) => volume.mend_sealed(&mut told),
        (None, Part::Journal) => volume.mend_active_journal(&mut told),
        (None, Part::Database | Part::Index | Part::Format | Part::Last) => volume.remake_database().inspect(|()| {
            told(Mending::done(volume.first, Part::Database, "rebuilt from the journal: a read or write failed"));
        }),
    };
    match result {
        Ok(()) => volume.trusted_again(),
        // Left under suspicion, so that every further read does not try in vain.
        Err(error) => shared.tell(Mending::failed(volume.first, part, error.to_string())),
    }
}
