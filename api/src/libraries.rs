//! 证照库: the city's certificate libraries taken in, from a file or over the network. Each row is a command of its own, whose
//! id follows from what it says: a row is taken in whole or not at all, and taking it in again adds nothing.

mod client;
mod rows;

pub use client::{LibraryClient, PageOfRows, PullError};
pub use rows::{RowFormat, RowsError, Splitter};

use crate::certificates::{CertificateBody, Coming, ulid_of};
use crate::execute::{Asked, Begun, Done, Trouble};
use crate::node::Node;
use crate::problem::{Kind, Language, Problem, Text};
use crate::routes::write::request::{flawless, read};
use crate::seal::{Flaws, IdType, PersonBody, PersonKind};
use chrono::NaiveDate;
use domain::actor::Actor;
use domain::certificate::{Certificate, CertificateCommand};
use domain::event::case::{RevocationKind, TrustLevel};
use domain::event::certificate::{CertificateOrigin, CertificateRevoked};
use domain::fact::Subject;
use domain::ids::{CertificateKind, CommandId, SourceName};
use domain::zone::day_of;
use eventstore::CommandDigest;
use futures::stream::{self, StreamExt as _};
use serde::Deserialize;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

/// How many rows are under way at once: enough that they share the log's syncs.
const ROWS_AT_ONCE: usize = 64;
/// The most rejections that are told; a file with more is not the file it is taken for, and reading ends.
pub const REJECTED_MAX: usize = 1_000;

/// One row of a library, in clear.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RowBody {
    kind: CertificateKind,
    number: String,
    holder_name: String,
    holder_id_number: String,
    #[serde(default)]
    holder_kind: PersonKind,
    #[serde(default)]
    holder_id_type: IdType,
    issuer: String,
    #[serde(default)]
    name_zh: Option<String>,
    #[serde(default)]
    issued_on: Option<NaiveDate>,
    #[serde(default)]
    valid_from: Option<NaiveDate>,
    #[serde(default)]
    valid_until: Option<NaiveDate>,
    #[serde(default)]
    trust: Option<TrustLevel>,
    #[serde(default)]
    sha256: Option<String>,
    /// `valid` if absent.
    #[serde(default)]
    status: RowStatus,
    /// Since when it no longer stands; needed where it does not.
    #[serde(default)]
    status_on: Option<NaiveDate>,
}

/// The columns of a row, as a table names them.
pub const COLUMNS: [&str; 15] = [
    "kind",
    "number",
    "holder_name",
    "holder_id_number",
    "holder_kind",
    "holder_id_type",
    "issuer",
    "name_zh",
    "issued_on",
    "valid_from",
    "valid_until",
    "trust",
    "sha256",
    "status",
    "status_on",
];

/// Whether the library says that a certificate stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum RowStatus {
    #[default]
    Valid,
    Revoked,
    Changed,
    Cancelled,
}

impl RowBody {
    fn revoked(&self, library: &SourceName, flaws: &mut Flaws) -> Option<CertificateRevoked> {
        let kind = match self.status {
            RowStatus::Valid => return None,
            RowStatus::Revoked => RevocationKind::Revoked,
            RowStatus::Changed => RevocationKind::Changed,
            RowStatus::Cancelled => RevocationKind::Cancelled,
        };
        let Some(on) = self.status_on else {
            flaws.add("/status_on", "须写明失效日期", "is needed where the certificate no longer stands");
            return None;
        };
        Some(CertificateRevoked { kind, basis: format!("证照库 {library}"), on, reason: None })
    }

    fn certificate(self) -> CertificateBody {
        let (kind, id_type) = (self.holder_kind, self.holder_id_type);
        let (name, id_number) = (self.holder_name, self.holder_id_number);
        let holder = PersonBody { kind, name, id_number, id_type, phone: None, address: None, bank_card: None };
        CertificateBody {
            kind: self.kind,
            name_zh: self.name_zh,
            number: self.number,
            holder,
            issuer: self.issuer,
            issued_on: self.issued_on,
            valid_from: self.valid_from,
            valid_until: self.valid_until,
            trust: self.trust,
            sha256: self.sha256,
        }
    }
}

/// What came of one row.
enum Outcome {
    Added,
    Changed,
    Unchanged,
    Rejected(Value),
}

/// A row as it came, with its number, from 1.
#[derive(Debug)]
pub struct Row {
    /// The line it began on, of a file; of a page its place.
    pub number: u64,
    /// What it says, where it could be read at all.
    pub fields: Result<Map<String, Value>, Text>,
}

/// Takes rows of one library in.
pub struct Intake<'a> {
    node: &'a Node,
    actor: &'a Actor,
    library: &'a SourceName,
    language: Language,
    /// What came of the rows so far.
    pub counts: Counts,
    /// The rows refused, in order.
    pub rejections: Vec<Value>,
}

/// What came of some rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Certificates that were new here.
    pub added: u64,
    /// Certificates that had changed.
    pub changed: u64,
    /// Certificates that were here as they are.
    pub unchanged: u64,
    /// Rows that were refused.
    pub rejected: u64,
}

impl Counts {
    /// Returns what was counted since.
    #[must_use]
    pub fn since(self, before: Self) -> Self {
        Self {
            added: self.added - before.added,
            changed: self.changed - before.changed,
            unchanged: self.unchanged - before.unchanged,
            rejected: self.rejected - before.rejected,
        }
    }
}

impl<'a> Intake<'a> {
    /// Begins to take in what this library says, on this person's word.
    #[must_use]
    pub fn new(node: &'a Node, actor: &'a Actor, library: &'a SourceName, language: Language) -> Self {
        Self { node, actor, library, language, counts: Counts::default(), rejections: Vec::new() }
    }

    /// Takes rows in, many at once; tells whether reading may go on.
    ///
    /// # Errors
    /// The log or the vault are in trouble; what was taken in until then stays.
    pub async fn take(&mut self, rows: Vec<Row>) -> Result<bool, Problem> {
        let taken =
            stream::iter(rows.into_iter().map(|row| one(self.node, self.actor, self.library, self.language, row)));
        let outcomes: Vec<_> = taken.buffered(ROWS_AT_ONCE).collect().await;
        for outcome in outcomes {
            match outcome? {
                Outcome::Added => self.counts.added += 1,
                Outcome::Changed => self.counts.changed += 1,
                Outcome::Unchanged => self.counts.unchanged += 1,
                Outcome::Rejected(told) => {
                    self.counts.rejected += 1;
                    self.rejections.push(told);
                }
            }
        }
        Ok(self.rejections.len() < REJECTED_MAX)
    }
}

async fn one(
    node: &Node,
    actor: &Actor,
    library: &SourceName,
    language: Language,
    row: Row,
) -> Result<Outcome, Problem> {
    let number = row.number;
    match take_in(node, actor, library, row).await {
        Ok(outcome) => Ok(outcome),
        // What is wrong with a row is the row's own matter; what is wrong with the log is everybody's.
        Err(problem) if matches!(problem.kind(), Kind::Malformed | Kind::Invalid | Kind::Rule | Kind::Contended) => {
            Ok(Outcome::Rejected(problem.of_row(number, language)))
        }
        Err(problem) => Err(problem),
    }
}

async fn take_in(node: &Node, actor: &Actor, library: &SourceName, row: Row) -> Result<Outcome, Problem> {
    let fields = row.fields.map_err(|detail| Problem::new(Kind::Malformed).detail(detail))?;
    let said = Zeroizing::new(Value::Object(fields.clone()).to_string());
    let body: RowBody = read(Value::Object(fields))?;
    let mut flaws = Flaws::default();
    let revoked = body.revoked(library, &mut flaws);
    let body = body.certificate();
    body.check(&mut flaws);
    flawless(flaws)?;

    let origin = CertificateOrigin::Library { library: library.clone() };
    let id = body.id(&node.vault, &origin);
    let stream = Subject::Certificate(id);
    let asked = asked(node, actor, &[library.as_str(), &said]);
    let under_way = match node.executor.begin(asked.command, asked.digest).await {
        Ok(Begun::Fresh(under_way)) => under_way,
        // The same row stands twice in one file, and the other one is being taken in.
        Ok(Begun::Repeated(_)) | Err(Trouble::InProgress) => return Ok(Outcome::Unchanged),
        Err(trouble) => return Err(trouble.into()),
    };
    let keyring = node.vault.keyring([body.holder.subject(&node.vault)]).await?;
    let reference = node.reference.now();
    let coming = Coming {
        vault: &node.vault,
        keyring: &keyring,
        context: &stream.to_string(),
        origin: &origin,
        organisation: &actor.organisation,
        by: &actor.id,
        reference: &reference.reference,
        day: day_of(node.clock.now()),
    };
    let command = CertificateCommand::TakeIn(Box::new(body.sealed(&coming, revoked)?));
    let done: Done = node.executor.execute::<Certificate>(&under_way, &asked, &stream, &command, &[]).await?;
    Ok(match done.facts.first() {
        None => Outcome::Unchanged,
        Some(first) if first.version == 1 => Outcome::Added,
        Some(_) => Outcome::Changed,
    })
}

/// Returns a command whose id follows from what it says, so that saying it again is saying it once.
pub(crate) fn asked(node: &Node, actor: &Actor, said: &[&str]) -> Asked {
    let parts: Vec<&[u8]> = said.iter().flat_map(|part| [part.as_bytes(), b"\0"]).collect();
    let command = CommandId(ulid_of(&node.vault.digest("library-command", &parts)));
    let mut digest = [0; 16];
    digest.copy_from_slice(&node.vault.digest("library-digest", &parts)[..16]);
    Asked { command, digest: CommandDigest(digest), actor: actor.clone(), if_match: None, late: None }
}
