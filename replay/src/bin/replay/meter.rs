//! How far a long verb is, on the error output if somebody watches it.

use eventstore::Position;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{self, IsTerminal as _};

/// A line with count, rate and time left; hidden unless the error output is a terminal.
#[derive(Clone)]
pub(crate) struct Meter(ProgressBar);

impl Meter {
    /// Begins to count to `total` things of a kind, such as `events`.
    pub(crate) fn new(doing: &'static str, unit: &'static str, total: u64) -> Self {
        let target = match io::stderr().is_terminal() {
            true => ProgressDrawTarget::stderr(),
            false => ProgressDrawTarget::hidden(),
        };
        let bar = ProgressBar::with_draw_target(Some(total), target).with_message(doing).with_prefix(unit);
        let template = "{msg} {human_pos} of {human_len} {prefix} ({per_sec}), {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self(bar)
    }

    /// Tells how far it is.
    pub(crate) fn at(&self, done: u64) {
        self.0.set_position(done);
    }

    /// Tells how far it is, by a position.
    pub(crate) fn at_position(&self, position: Position) {
        self.at(position.0);
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
