//! Where things lie in a data directory.

use std::path::PathBuf;

/// The data directory of one city. Only `log`, `keys` and `papers` hold what cannot be made again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    root: PathBuf,
}

impl Layout {
    /// Returns the layout under a directory, which need not exist.
    #[must_use]
    pub fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// The event log.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.root.join("log")
    }

    /// States kept aside; may be deleted at any time.
    #[must_use]
    pub fn checkpoints(&self) -> PathBuf {
        self.root.join("checkpoints")
    }

    /// The index over all cases; may be deleted while no server runs.
    #[must_use]
    pub fn index(&self) -> PathBuf {
        self.root.join("index")
    }

    /// What is on its way out; nothing in it outlives the server.
    #[must_use]
    pub fn exports(&self) -> PathBuf {
        self.root.join("exports")
    }

    /// The keys of persons.
    #[must_use]
    pub fn keys(&self) -> PathBuf {
        self.root.join("keys")
    }

    /// Sealed papers.
    #[must_use]
    pub fn papers(&self) -> PathBuf {
        self.root.join("papers")
    }
}
