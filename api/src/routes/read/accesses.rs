//! Who opened whose data, when, what for, and how much of it unmasked: the record of looking, folded into a list.

use crate::answer::{Stamp, shown};
use crate::auth::{Caller, Extent};
use crate::cursor::Page;
use crate::node::Node;
use crate::problem::{Kind, Problem, Text};
use crate::query::{FromParameters, Parameters, Query, invalid};
use crate::views::{Standing, When};
use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use chrono::TimeDelta;
use domain::actor::Role;
use domain::event::access::ExportMade;
use domain::event::{AccessEvent, Event};
use domain::fact::Fact;
use domain::ids::{CaseId, CertificateId, StaffId, SubjectId};
use eventstore::Position;
use replay::case_index::{Accesses, Looked};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// How far back one looks unless told.
const DAYS: u64 = 90;
/// How far back one may look.
const DAYS_MAX: u64 = 3_650;
/// The most looks that are read for one page; one that had to hide most of them ends early and says where to go on.
const LOOKS_PER_PAGE_MAX: usize = 5_000;

/// Which looks are asked for.
#[derive(Debug, Clone)]
struct AccessesQuestion {
    case: Option<CaseId>,
    subject: Option<SubjectId>,
    by: Option<StaffId>,
    days: u64,
}

impl FromParameters for AccessesQuestion {
    fn take(parameters: &mut Parameters) -> Result<Self, Problem> {
        let question = Self {
            case: parameters.one("case")?,
            subject: parameters.one("subject")?,
            by: parameters.one("by")?,
            days: parameters.number("days", 1, DAYS_MAX)?.unwrap_or(DAYS),
        };
        let asked = [question.case.is_some(), question.subject.is_some(), question.by.is_some()];
        if 1 < asked.into_iter().filter(|asked| *asked).count() {
            return Err(invalid("case", Text::new("case、subject、by 只能选一", "give one of case, subject and by")));
        }
        Ok(question)
    }
}

/// Whose looks a caller may see.
enum Sight {
    /// All that were found.
    All,
    /// Those of the caller's own subtree.
    Subtree,
    /// All that were found, but not the names of who looked: a person's own data.
    WithoutNames,
}

impl AccessesQuestion {
    /// What the index is asked, and how much of the answer the caller may see.
    async fn whose(&self, node: &Node, caller: &Caller) -> Result<(Looked, Sight), Problem> {
        if let Extent::Person(own) = &caller.scope.extent {
            let is_own = self.case.is_none() && self.by.is_none() && self.subject.as_ref().is_none_or(|it| it == own);
            return if is_own { Ok((Looked::Of(own.clone()), Sight::WithoutNames)) } else { Err(Problem::not_found()) };
        }
        if !matches!(caller.actor.role, Role::Supervisor | Role::Admin) {
            let is_own = self.case.is_none()
                && self.subject.is_none()
                && self.by.as_ref().is_none_or(|by| *by == caller.actor.id);
            // Whoever does not supervise sees what they opened themselves.
            let own = Looked::By(caller.actor.id.clone());
            return if is_own { Ok((own, Sight::Subtree)) } else { Err(Problem::new(Kind::Forbidden)) };
        }
        Ok(match (self.case, &self.subject, &self.by) {
            (Some(case), _, _) => {
                super::cases::visible(node, caller, case).await?;
                (Looked::At(case), Sight::All)
            }
            (None, Some(subject), _) => (Looked::Of(subject.clone()), Sight::Subtree),
            (None, None, Some(by)) => (Looked::By(by.clone()), Sight::Subtree),
            (None, None, None) => (Looked::Any, Sight::Subtree),
        })
    }
}

/// One look.
#[derive(Serialize)]
struct Look {
    at: String,
    position: u64,
    /// `person-unmasked`, `certificate-unmasked`, `paper-read`, `export-made`.
    what: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<StaffId>,
    role: Role,
    organisation: domain::ids::OrganisationId,
    #[serde(skip_serializing_if = "Option::is_none")]
    window: Option<domain::ids::WindowId>,
    #[serde(flatten)]
    seen: Seen,
}

/// What was seen, and what for.
#[derive(Default, Serialize)]
struct Seen {
    #[serde(skip_serializing_if = "Option::is_none")]
    case: Option<CaseId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate: Option<CertificateId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<SubjectId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    purpose: Option<String>,
    /// Something was seen that is masked otherwise.
    unmasked: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fields: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    paper: Option<domain::ids::PaperId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<domain::ids::MaterialCode>,
    /// What was taken out: `cases`, `log`.
    #[serde(skip_serializing_if = "Option::is_none")]
    exported: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    records: Option<u64>,
}

impl Look {
    fn of(fact: &Fact, sight: &Sight) -> Option<Self> {
        let Event::Access(event) = &fact.event else { return None };
        let by = match sight {
            Sight::All | Sight::Subtree => Some(fact.by.id.clone()),
            Sight::WithoutNames => None,
        };
        Some(Self {
            at: shown(fact.occurred_at),
            position: fact.position,
            what: fact.event.schema().name,
            by,
            role: fact.by.role,
            organisation: fact.by.organisation.clone(),
            window: fact.by.window.clone(),
            seen: Seen::of(event),
        })
    }
}

impl Seen {
    fn of(event: &AccessEvent) -> Self {
        match event.clone() {
            AccessEvent::PersonUnmasked(shown) => Self {
                case: Some(shown.case),
                subject: Some(shown.subject),
                purpose: Some(shown.purpose),
                unmasked: true,
                fields: shown.fields,
                ..Self::default()
            },
            AccessEvent::PaperRead(read) => Self {
                case: Some(read.case),
                subject: Some(read.subject),
                purpose: read.purpose,
                unmasked: true,
                paper: Some(read.paper),
                code: Some(read.code),
                ..Self::default()
            },
            AccessEvent::CertificateUnmasked(shown) => Self {
                certificate: Some(shown.certificate),
                subject: Some(shown.subject),
                purpose: Some(shown.purpose),
                unmasked: true,
                fields: shown.fields,
                ..Self::default()
            },
            AccessEvent::ExportMade(made) => {
                let ExportMade { what, filters: _, purpose, records } = made;
                Self { exported: Some(what), purpose: Some(purpose), records: Some(records), ..Self::default() }
            }
        }
    }
}

/// Where a list goes on, and in which history.
#[derive(Serialize, Deserialize)]
struct After {
    at: Standing,
    before: u64,
}

/// Who looked at what: persons and certificates shown in clear, papers read, data taken out; the latest first.
///
/// A supervisor sees every look at a case that they may see, and otherwise those of their own subtree; a resident those at
/// their own data, without names; anybody else their own.
#[utoipa::path(
    get, path = "/api/v1/accesses", tag = "cases", security(("token" = [])),
    params(
        ("case" = Option<String>, Query, description = "At something of this case"),
        ("subject" = Option<String>, Query, description = "At something of this person, by their reference"),
        ("by" = Option<String>, Query, description = "By this member of staff"),
        ("days" = Option<u32>, Query, description = "In the last so many days; 90 if absent", example = 90),
        crate::openapi::PageParameters, crate::openapi::WhenParameters,
    ),
    responses((status = 200, description = "A page; `unmasked` tells whether something was seen that is masked otherwise", body = Object,
        example = json!({
            "position": 612345, "as_of": "2026-02-13T09:00:00.000+08:00",
            "accesses": [{"at": "2026-02-12T15:04:00.000+08:00", "position": 611820, "what": "person-unmasked", "by": "clerk-361023100",
                "role": "clerk", "organisation": "361023100", "window": "3", "case": "01KH9Z6V0000000000000000AA", "subject": "9f3c…",
                "purpose": "verify-identity", "unmasked": true, "fields": ["name", "id_number"]}],
            "next_cursor": "eyJ…"
        })))
)]
#[get("/accesses")]
pub(crate) async fn list_accesses(
    node: Data<Node>,
    caller: Caller,
    Query((question, page, when)): Query<(AccessesQuestion, Page, When)>,
) -> Result<HttpResponse, Problem> {
    let reads = &node.reads;
    let resumed: Option<After> = page.resume(&reads.cursors)?;
    let at = match &resumed {
        Some(resumed) => resumed.at.again(&node.clock),
        None => reads.views.resolve(&when, &node.clock).await?,
    };
    let (whose, sight) = question.whose(&node, &caller).await?;
    let position = reads.views.position(&at);
    let days = TimeDelta::days(i64::try_from(question.days).unwrap_or(i64::MAX));
    let after = reads.views.history().position_at(at.at - days).await.map_err(replay::history::HistoryError::from)?;
    let through = resumed.map_or(position, |resumed| Position(resumed.before - 1));
    let mut scan =
        Scan { node: &node, caller: &caller, sight, asked: Accesses { whose, after, through }, found: Vec::new() };
    let next = scan.fill(page.limit).await?;
    let next = next.map(|before| page.next(&reads.cursors, &After { at, before }));
    Ok(Stamp::new(&at, position).page(&json!({ "accesses": scan.found }), next.as_ref()))
}

/// A list in the making.
struct Scan<'a> {
    node: &'a Node,
    caller: &'a Caller,
    sight: Sight,
    asked: Accesses,
    found: Vec<Look>,
}

impl Scan<'_> {
    /// Gathers up to `limit` looks, and returns before which position to go on, if more may follow.
    async fn fill(&mut self, limit: usize) -> Result<Option<u64>, Problem> {
        let mut read = 0;
        while self.found.len() < limit && read < LOOKS_PER_PAGE_MAX {
            let (index, asked) = (self.node.reads.views.live().index().clone(), self.asked.clone());
            let wanted = limit - self.found.len();
            let positions = tokio::task::spawn_blocking(move || index.accesses(&asked, wanted)).await;
            let positions = positions.map_err(|_| Problem::new(Kind::Internal))??;
            let Some(earliest) = positions.last().copied() else { return Ok(None) };
            for position in &positions {
                let before = Position(position.0 - 1);
                for fact in self.node.reads.views.history().page(before, 1).await?.facts {
                    self.take(&fact);
                }
            }
            read += positions.len();
            self.asked.through = Position(earliest.0 - 1);
            if positions.len() < wanted {
                return Ok(None);
            }
        }
        Ok(Some(self.asked.through.0 + 1))
    }

    fn take(&mut self, fact: &Fact) {
        let is_shown = match (&self.sight, &self.caller.scope.extent) {
            (Sight::All | Sight::WithoutNames, _) => true,
            (Sight::Subtree, Extent::Subtree(root)) => {
                let within = |tree: &domain::organisation::Organisations| tree.contains(root, &fact.by.organisation);
                let reads = &self.node.reads.views;
                // What a member of staff did themselves is theirs, wherever they were then.
                fact.by.id == self.caller.actor.id || reads.today(|reference| within(&reference.organisations))
            }
            (Sight::Subtree, Extent::Person(_)) => false,
        };
        if is_shown {
            self.found.extend(Look::of(fact, &self.sight));
        }
    }
}
