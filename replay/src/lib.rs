//! To be filled.

pub mod format;
pub mod log_stats;
