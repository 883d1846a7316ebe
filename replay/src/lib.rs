//! The one loop: everything shown is a fold over a slice of history.
//!
//! Live, rebuild and as-of differ only in which slice of the log is fed to the same fold. In reading order:
//!
//! - [`history`]: typed, read-only facts; [`journal`]: the same, able to append; [`codec`]: bytes ⇄ facts, nowhere else
//! - [`moment`]: which slice is meant; [`effective`]: when a fact took effect
//! - [`view`]: a fold in progress; [`pages`]: facts read and decoded ahead of it; [`checkpoint`]: states kept aside
//! - [`views`]: all live projections; [`live`], [`rebuild`], [`as_of`], [`play`]: the modes; [`case_index`]: all cases ever;
//!   [`verify`]: whether all of it is whole
//! - [`question`]: what is asked of a view, [`difference`]: what differs between two answers, [`mod@diff`]: and why
//! - [`mod@what_if`]: the same fold over a history imagined otherwise
//! - [`remote`]: a running server's log, over HTTP
//! - [`layout`]: where things lie in a data directory
//! - [`mod@format`]: foreign logs; [`import`]: into the log with them; [`log_stats`]: the figures of a log;
//!   [`process_map`]: the process as it really runs
//! - [`selection`]: which cases of the log are meant; [`export`]: the log in forms that others read;
//!   [`cloud_events`]: single events for outsiders

pub mod as_of;
pub mod case_index;
pub mod checkpoint;
pub mod cloud_events;
pub mod codec;
pub mod diff;
pub mod difference;
pub mod effective;
pub mod export;
pub mod format;
pub mod history;
pub mod import;
pub mod journal;
pub mod layout;
pub mod live;
pub mod log_stats;
pub mod moment;
pub mod pages;
pub mod play;
pub mod process_map;
pub mod question;
pub mod rebuild;
pub mod remote;
mod runs;
pub mod selection;
mod show;
pub mod verify;
pub mod view;
pub mod views;
pub mod what_if;
