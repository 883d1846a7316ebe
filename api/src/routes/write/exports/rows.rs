//! One row per case, read and written a few at a time while they are sent.

use crate::answer::shown;
use crate::exports::Piece;
use crate::node::Node;
use crate::vault::hex;
use crate::views::Standing;
use actix_web::web;
use bytes::Bytes;
use chrono::NaiveDate;
use domain::event::case::ClosingKind;
use domain::ids::{CaseId, CommandId, SubjectId};
use domain::sealed::{AgeBand, PartyKind};
use futures::Stream;
use futures::future::join_all;
use projections::case_file::CaseFile;
use serde::Serialize;
use std::io;

/// How many cases are read and written before they are sent.
const CASES_PER_CHUNK: usize = 64;

/// The rows of cases on their way out.
pub(super) struct Rows {
    pub(super) node: web::Data<Node>,
    pub(super) at: Standing,
    pub(super) command: CommandId,
    pub(super) written: Written,
    pub(super) cases: std::vec::IntoIter<CaseId>,
    pub(super) begun: bool,
}

/// How a row is written.
#[derive(Debug, Clone, Copy)]
pub(super) enum Written {
    Csv,
    Lines,
}

impl Rows {
    /// Makes them as they are asked for, some at a time.
    pub(super) fn pieces(self) -> impl Stream<Item = Piece> + Send {
        futures::stream::unfold(self, |mut rows| async move {
            let chunk = rows.next().await?;
            Some((chunk, rows))
        })
    }

    /// Returns the next rows.
    async fn next(&mut self) -> Option<Piece> {
        let some: Vec<CaseId> = self.cases.by_ref().take(CASES_PER_CHUNK).collect();
        if some.is_empty() && self.begun {
            return None;
        }
        let first = !std::mem::replace(&mut self.begun, true);
        let files = join_all(some.iter().map(|case| self.node.reads.views.case_file(&self.at, *case))).await;
        let mut rows = Vec::with_capacity(files.len());
        for (case, file) in some.into_iter().zip(files) {
            match file {
                Ok(Some(file)) => rows.push(self.row(case, &file)),
                Ok(None) => (),
                Err(problem) => return Some(Err(io::Error::other(problem))),
            }
        }
        Some(written(self.written, &rows, first))
    }

    fn row(&self, case: CaseId, file: &CaseFile) -> Row {
        let CaseFile { case: stands, .. } = file;
        let application = stands.application.as_ref();
        let closing = stands.closing.as_ref();
        Row {
            case: case.to_string(),
            source: file.source().map(ToString::to_string),
            item: file.item().map(ToString::to_string),
            item_version: application.map(|application| application.item_version),
            phase: stands.phase.as_str(),
            closing: closing.map(|closing| closing.kind),
            channel: application.map(|application| application.channel),
            intake: application.map(|application| application.intake.to_string()),
            handling: application.map(|application| application.handling.to_string()),
            deciding: application.map(|application| application.deciding.to_string()),
            applicant: application.map(|application| self.pseudonym(&application.applicant.subject)),
            applicant_kind: application.map(|application| application.applicant.kind),
            age_band: application.and_then(|application| application.applicant.age_band),
            opened_at: file.opened_at.map(shown),
            received_on: stands.receipt.as_ref().map(|receipt| receipt.materials_received_on),
            accepted_on: stands.accepted_on(),
            decided_on: stands.decided_on(),
            closed_on: stands.closed_on(),
            promised_by: stands.clocks.promised.as_ref().map(|deadline| deadline.date),
            legal_by: stands.clocks.legal.as_ref().map(|deadline| deadline.date),
            working_days: closing.and_then(|closing| closing.working_days),
            gross_days: closing.map(|closing| closing.gross_days),
            notices: stands.notices.len(),
            deemed_accepted: stands.flags.deemed_accepted,
            extended: stands.flags.extended,
        }
    }

    /// The same person in the same export has the same name, and in every other another one.
    fn pseudonym(&self, subject: &SubjectId) -> String {
        let command = self.command.to_string();
        let digest = self.node.vault.digest("export", &[command.as_bytes(), b"\0", subject.as_str().as_bytes()]);
        hex(&digest[..8])
    }
}

/// A case as it goes out: nothing that names anybody, no number that stands on a paper.
#[derive(Debug, Serialize)]
struct Row {
    case: String,
    source: Option<String>,
    item: Option<String>,
    item_version: Option<u32>,
    phase: &'static str,
    closing: Option<ClosingKind>,
    channel: Option<domain::actor::Channel>,
    intake: Option<String>,
    handling: Option<String>,
    deciding: Option<String>,
    applicant: Option<String>,
    applicant_kind: Option<PartyKind>,
    age_band: Option<AgeBand>,
    opened_at: Option<String>,
    received_on: Option<NaiveDate>,
    accepted_on: Option<NaiveDate>,
    decided_on: Option<NaiveDate>,
    closed_on: Option<NaiveDate>,
    promised_by: Option<NaiveDate>,
    legal_by: Option<NaiveDate>,
    working_days: Option<u16>,
    gross_days: Option<u16>,
    notices: usize,
    deemed_accepted: bool,
    extended: bool,
}

/// The names of a row's fields, in order: an export of nothing still has its header.
const COLUMNS: [&str; 25] = [
    "case",
    "source",
    "item",
    "item_version",
    "phase",
    "closing",
    "channel",
    "intake",
    "handling",
    "deciding",
    "applicant",
    "applicant_kind",
    "age_band",
    "opened_at",
    "received_on",
    "accepted_on",
    "decided_on",
    "closed_on",
    "promised_by",
    "legal_by",
    "working_days",
    "gross_days",
    "notices",
    "deemed_accepted",
    "extended",
];

fn written(how: Written, rows: &[Row], first: bool) -> Result<Bytes, io::Error> {
    match how {
        Written::Csv => {
            let mut csv = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
            if first {
                csv.write_record(COLUMNS)?;
            }
            for row in rows {
                csv.serialize(row)?;
            }
            csv.into_inner().map(Bytes::from).map_err(|error| io::Error::other(error.to_string()))
        }
        Written::Lines => {
            let mut lines = Vec::new();
            for row in rows {
                serde_json::to_writer(&mut lines, row)?;
                lines.push(b'\n');
            }
            Ok(lines.into())
        }
    }
}
