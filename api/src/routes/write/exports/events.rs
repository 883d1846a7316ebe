//! The event log as `replay export` writes it, aside and in the same forms, and then sent.

use super::{ExportBody, Format, Profile};
use crate::exports::Turn;
use crate::node::Node;
use crate::problem::{FieldError, Kind, Problem, Text};
use domain::ids::CaseId;
use replay::export::{ExportError, ExportRequest, PseudonymKey, export_unnamed};
use replay::selection::LogSelection;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::watch;

/// When to come again if the disk is full, in seconds.
const RETRY_AFTER_SECONDS: u32 = 60;

/// Which events, and how they are written.
pub(super) struct Wanted<'a> {
    pub(super) selection: LogSelection,
    /// The cases that the caller may have, where that is not every one.
    pub(super) among: Option<Arc<BTreeSet<CaseId>>>,
    pub(super) body: &'a ExportBody,
    /// What the file is called where it arrives.
    pub(super) name: String,
    pub(super) key: PseudonymKey,
}

/// Writes the log aside, and returns the file and how many events are in it. Whoever drops this meanwhile leaves nothing
/// behind.
pub(super) async fn write(node: &Node, wanted: Wanted<'_>, turn: &Turn) -> Result<(File, u64), Problem> {
    let nobody_waits = Arc::new(AtomicBool::new(false));
    let _waiting = Waiting(Arc::clone(&nobody_waits));
    // The turn is over when the writing is, which a client that went away ends a moment later.
    let watched = Watched { nobody_waits, stopping: node.reads.stopping(), _turn: turn.clone() };
    let request = wanted.request(node);
    let written = export_unnamed(node.reads.views.history(), &request, Arc::new(move |_| watched.go_on())).await?;
    let of_cases = wanted.body.profile == Some(Profile::CelonisCases);
    let file = if of_cases { written.table_of_cases } else { Some(written.file) };
    Ok((file.ok_or_else(|| Problem::new(Kind::Internal))?, written.events))
}

impl Wanted<'_> {
    fn request(&self, node: &Node) -> ExportRequest {
        use replay::export::{Format as Form, Profile as Layout};
        ExportRequest {
            format: match self.body.format {
                Format::Csv => Form::Csv,
                Format::Jsonl => Form::Jsonl,
                Format::Xes => Form::Xes,
                Format::Ocel | Format::OcelSqlite => Form::Ocel,
                Format::Parquet => Form::Parquet,
            },
            out: node.exports.folder().join(&self.name),
            replace: false,
            selection: self.selection.clone(),
            among: self.among.clone(),
            profile: match self.body.profile.unwrap_or_default() {
                Profile::Pm4py => Layout::Pm4py,
                Profile::Disco => Layout::Disco,
                Profile::Celonis | Profile::CelonisCases => Layout::Celonis,
            },
            byte_order_mark: self.body.byte_order_mark,
            whole: false,
            key: self.key.clone(),
        }
    }
}

/// Tells whoever writes, once it is dropped, that nobody waits for it.
struct Waiting(Arc<AtomicBool>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

struct Watched {
    nobody_waits: Arc<AtomicBool>,
    stopping: watch::Receiver<bool>,
    _turn: Turn,
}

impl Watched {
    fn go_on(&self) -> Result<(), ExportError> {
        let ends = self.nobody_waits.load(Ordering::Relaxed) || *self.stopping.borrow();
        if ends { Err(ExportError::BrokenOff) } else { Ok(()) }
    }
}

impl From<ExportError> for Problem {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::History(why) => why.into(),
            ExportError::BrokenOff => Self::new(Kind::Stopping),
            ExportError::TooManyColumns => {
                let detail = Text::new("事件的属性过多，请限定事项或来源", error.to_string());
                Self::new(Kind::Invalid).errors(vec![FieldError::new("/filters", detail)])
            }
            ExportError::Write { source, .. } | ExportError::Scratch(source) => of_disk(&source),
            ExportError::Exists(_) | ExportError::Options(_) => {
                tracing::error!("an export could not be begun: {error}");
                Self::new(Kind::Internal)
            }
        }
    }
}

pub(super) fn of_disk(why: &io::Error) -> Problem {
    tracing::error!("an export could not be written aside: {why}");
    let detail = match why.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Text::new(
            "服务器磁盘空间不足，未导出任何内容；请腾出空间或缩小范围",
            "the server's disk is full and nothing went out; make room, or narrow the filters",
        ),
        _ => Text::new(
            "服务器无法暂存导出文件，未导出任何内容",
            "the server cannot keep the file aside and nothing went out",
        ),
    };
    Problem::new(Kind::Unavailable).detail(detail).retry_after(RETRY_AFTER_SECONDS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_as_such_wherever_it_was_met() {
        let full = || io::Error::from(ErrorKind::StorageFull);
        for error in [ExportError::Scratch(full()), ExportError::Write { file: "log.xes".into(), source: full() }] {
            let problem = Problem::from(error);
            assert_eq!(problem.kind(), Kind::Unavailable);
            assert!(format!("{problem:?}").contains("disk is full"));
        }
    }
}
