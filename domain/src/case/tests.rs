//! The rules of a case, one sentence each.

mod after;
mod consent;
mod ending;
mod evidence;
mod intake;
mod pauses;
mod powers;
mod properties;
mod review;
mod story;
mod supervision;
mod time;
