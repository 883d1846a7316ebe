//! To be filled.

pub mod format;
