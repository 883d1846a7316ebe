//! The rules of a case, one sentence each.

mod after;
mod ending;
mod intake;
mod pauses;
mod properties;
mod review;
mod story;
mod supervision;
mod time;
