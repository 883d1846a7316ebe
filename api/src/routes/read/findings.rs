//! Lists of what supervisors look for: marks of wrong paths, and warnings, each with its case and its act.

use crate::answer::Stamp;
use crate::auth::Caller;
use crate::cursor::Page;
use crate::node::Node;
use crate::problem::{FieldError, Kind, Problem, Text};
use crate::query::{FromParameters, Parameters, Query};
use crate::rights;
use crate::views::{Standing, When};
use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use chrono::NaiveDate;
use domain::actor::Role;
use domain::event::case::{
    Anomaly, CaseWithdrawn, SpecialProcedureClosed, SpecialProcedureOpened, Threshold, WarnedClock,
};
use domain::event::{CaseEvent, Event};
use domain::fact::{Fact, Subject};
use domain::ids::{CaseId, ItemId, OrganisationId, StaffId};
use domain::zone::day_of;
use eventstore::Position;
use projections::case_file::CaseFile;
use projections::scope::{OWN, Source};
use replay::case_index::{
    CaseFilter, CaseIndex, Finding, FindingCursor, FindingFilter, FindingKind, Order, PageOfCases, PageOfFindings,
    Whose,
};
use replay::moment::Slice;
use serde::{Deserialize, Serialize, Serializer};

/// How many rows are filled from the log at once.
const ROWS_AT_ONCE: usize = 16;
/// How many later cases of a person are looked at to tell whether a returned one came back.
const RETURNS_MAX: usize = 20;

/// What every list of findings is limited to.
#[derive(Debug, Clone)]
pub(super) struct Limits {
    organisation: Option<OrganisationId>,
    person: Option<StaffId>,
    item: Option<ItemId>,
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
    source: Source,
    order: Order,
}

impl FromParameters for Limits {
    fn take(parameters: &mut Parameters) -> Result<Self, Problem> {
        let (from, to) = (parameters.day("from")?, parameters.day("to")?);
        if let (Some(first), Some(last)) = (from, to)
            && last < first
        {
            let detail = Text::new("to 早于 from", "to lies before from");
            return Err(Problem::new(Kind::ReversedRange).errors(vec![FieldError::new("/to", detail)]));
        }
        Ok(Self {
            organisation: parameters.one("org")?,
            person: parameters.one("clerk")?,
            item: parameters.one("item")?,
            from,
            to,
            source: parameters.one("source")?.unwrap_or_default(),
            order: super::cases::order(parameters)?,
        })
    }
}

impl Limits {
    /// What the index is asked, within what the caller may see: who only serves sees what concerns themselves.
    pub(super) fn filter(
        self,
        kinds: Vec<FindingKind>,
        caller: &Caller,
        node: &Node,
        today: NaiveDate,
    ) -> Result<FindingFilter, Problem> {
        if let Some(from) = self.from.filter(|from| today < *from) {
            let detail = Text::new(format!("{from} 在将来"), format!("{from} lies in the future"));
            return Err(Problem::new(Kind::FutureMoment).errors(vec![FieldError::new("/from", detail)]));
        }
        let person = rights::whose_work(caller, self.person)?;
        let organisations = node.reads.views.today(|reference| {
            let tree = &reference.organisations;
            let root = rights::asked_organisation(caller, self.organisation.as_ref(), tree)?;
            let is_city = rights::is_city(&root, tree);
            Ok::<_, Problem>((!is_city).then(|| tree.subtree(&root).cloned().chain([root.clone()]).collect()))
        })?;
        let whose = match self.source {
            Source::Own => Whose::Source(OWN.parse().map_err(|_| Problem::new(Kind::Internal))?),
            Source::All => Whose::Anyone,
            Source::Named(name) => Whose::Source(name),
        };
        Ok(FindingFilter { kinds, whose, organisations, person, item: self.item, from: self.from, to: self.to })
    }
}

/// Where a list of findings goes on, and in which history.
#[derive(Serialize, Deserialize)]
struct After {
    at: Standing,
    found: FindingCursor,
}

/// One page of findings, with the history it was read from.
pub(super) struct Found {
    pub(super) at: Standing,
    pub(super) position: Position,
    pub(super) findings: Vec<Finding>,
    next: Option<FindingCursor>,
}

impl Found {
    /// Looks for a page.
    pub(super) async fn page(
        node: &Node,
        caller: &Caller,
        kinds: Vec<FindingKind>,
        limits: Limits,
        page: &Page,
        when: &When,
    ) -> Result<Self, Problem> {
        rights::sees_cases(caller)?;
        let reads = &node.reads;
        let resumed: Option<After> = page.resume(&reads.cursors)?;
        let at = match &resumed {
            Some(resumed) => resumed.at.again(&node.clock),
            None => reads.views.resolve(when, &node.clock).await?,
        };
        let order = limits.order;
        let filter = limits.filter(kinds, caller, node, day_of(node.clock.now()))?;
        let position = reads.views.position(&at);
        let slice = at.slice().unwrap_or(Slice::through(position));
        let index = reads.views.live().index().clone();
        let wanted = PageOfFindings { after: resumed.map(|resumed| resumed.found), limit: page.limit, order };
        let searched = tokio::task::spawn_blocking(move || index.findings(&filter, &slice, &wanted)).await;
        let found = searched.map_err(|_| Problem::new(Kind::Internal))??;
        Ok(Self { at, position, findings: found.findings, next: found.next })
    }

    /// Answers with the rows made of it.
    pub(super) fn respond<T: Serialize>(&self, node: &Node, page: &Page, name: &str, rows: &[T]) -> HttpResponse {
        let after = |found| After { at: self.at, found };
        let next = self.next.map(|found| page.next(&node.reads.cursors, &after(found)));
        Stamp::new(&self.at, self.position).page(&Named(name, rows), next.as_ref())
    }
}

/// Rows under the name of their list.
struct Named<'a, T>(&'a str, &'a [T]);

impl<T: Serialize> Serialize for Named<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map([(self.0, self.1)])
    }
}

/// Which marks are asked for.
#[derive(Debug, Clone)]
struct Kinds(Vec<Anomaly>);

impl FromParameters for Kinds {
    fn take(parameters: &mut Parameters) -> Result<Self, Problem> {
        parameters.words("kind").map(Self)
    }
}

/// A mark as it goes out.
#[derive(Serialize)]
struct ShownMark {
    kind: Anomaly,
    label_zh: &'static str,
    label_en: &'static str,
    on: NaiveDate,
    recorded_on: NaiveDate,
    position: u64,
    #[serde(flatten)]
    case: ShownCase,
    act: &'static str,
    #[serde(flatten)]
    detail: Detail,
}

/// The case that a finding is about.
#[derive(Serialize)]
struct ShownCase {
    case: CaseId,
    number: Option<String>,
    item: Option<ItemId>,
    item_name_zh: Option<String>,
    organisation: OrganisationId,
    organisation_name_zh: Option<String>,
    clerk: Option<StaffId>,
    phase: Option<domain::case::Phase>,
}

impl ShownCase {
    fn of(node: &Node, case: CaseId, finding: Finding, file: Option<&CaseFile>) -> Self {
        let (item_name_zh, organisation_name_zh) = node.reads.views.today(|reference| {
            let item = finding.item.as_ref().and_then(|item| reference.catalogue.get(item)?.latest());
            let organisation = reference.organisations.get(&finding.organisation);
            (
                item.map(|version| version.definition.name_zh.clone()),
                organisation.map(|organisation| organisation.name_zh().to_owned()),
            )
        });
        Self {
            case,
            number: file.and_then(CaseFile::number).map(ToString::to_string),
            item: finding.item,
            item_name_zh,
            organisation: finding.organisation,
            organisation_name_zh,
            clerk: finding.person,
            phase: file.map(|file| file.case.phase),
        }
    }
}

/// What a mark says beyond its kind, where it does.
#[derive(Default, Serialize)]
struct Detail {
    /// Of a withdrawal: the applicant's own act.
    #[serde(skip_serializing_if = "Option::is_none")]
    applicants_act: Option<bool>,
    /// Of a withdrawal recorded by staff: the number of the paper that shows it was the applicant's wish.
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<String>,
    /// 特别程序: its kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    procedure: Option<String>,
    /// Working days that it hid, once it has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    hidden_working_days: Option<u16>,
    /// The last day under the law, pauses left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    legal_by: Option<NaiveDate>,
    /// Of a case returned after receipt: the same person's later case for the same item, accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    came_back: Option<CameBack>,
}

#[derive(Serialize)]
struct CameBack {
    case: CaseId,
    accepted_on: NaiveDate,
}

/// Marks of wrong paths (异常): never a verdict, always with the act they stand on.
#[utoipa::path(
    get, path = "/api/v1/anomalies", tag = "supervision", security(("token" = [])),
    params(
        ("kind" = Option<String>, Query, description = "Comma-separated kinds; every kind if absent", example = "hidden-refusal,late-pause"),
        ("org" = Option<String>, Query, description = "Concerning this organisation or one under it", example = "361023"),
        ("clerk" = Option<String>, Query, description = "Concerning this person; who neither leads nor supervises sees only what concerns themselves"),
        ("item" = Option<String>, Query, description = "Only this item", example = "FZ-001"),
        ("from" = Option<String>, Query, description = "The act took place on this day or later", example = "2022-01-01"),
        ("to" = Option<String>, Query, description = "The act took place before this day", example = "2022-02-01"),
        ("sort" = Option<String>, Query, description = "`newest` (default) or `oldest` first"),
        ("source" = Option<String>, Query, description = "`own` (default), a legacy system, or `all`"),
        crate::openapi::PageParameters, crate::openapi::WhenParameters,
    ),
    responses((status = 200, description = "A page; it may be shorter than `limit` and still have a next", body = Object, example = json!({
        "position": 612345, "as_of": "2026-02-13T09:00:00.000+08:00",
        "anomalies": [{"kind": "hidden-refusal", "label_zh": "收件后退件", "label_en": "Returned after receipt",
            "on": "2026-01-12", "recorded_on": "2026-01-12", "position": 598311, "case": "01KH9Z6V0000000000000000AA",
            "number": "361023100-2026-000123", "item": "FZ-001", "item_name_zh": "最低生活保障审核确认",
            "organisation": "361023100", "organisation_name_zh": "琴城镇便民服务中心", "clerk": "z-204", "phase": "finished",
            "act": "case-returned", "came_back": {"case": "01KHB3M10000000000000000BB", "accepted_on": "2026-01-20"}}],
        "next_cursor": "eyJ…"
    })))
)]
#[get("/anomalies")]
pub(crate) async fn list_anomalies(
    node: Data<Node>,
    caller: Caller,
    Query((Kinds(kinds), limits, (page, when))): Query<(Kinds, Limits, (Page, When))>,
) -> Result<HttpResponse, Problem> {
    let kinds = if kinds.is_empty() { Anomaly::ALL.to_vec() } else { kinds };
    let kinds = kinds.into_iter().map(FindingKind::Anomaly).collect();
    let mut found = Found::page(&node, &caller, kinds, limits, &page, &when).await?;
    let findings = std::mem::take(&mut found.findings);
    let mut rows = Vec::with_capacity(findings.len());
    for some in findings.chunks(ROWS_AT_ONCE) {
        let shown = some.iter().map(|finding| shown_mark(&node, &found.at, finding.clone()));
        for row in futures::future::join_all(shown).await {
            rows.extend(row?);
        }
    }
    Ok(found.respond(&node, &page, "anomalies", &rows))
}

async fn shown_mark(node: &Node, at: &Standing, finding: Finding) -> Result<Option<ShownMark>, Problem> {
    let (Subject::Case(case), FindingKind::Anomaly(kind)) = (finding.about.clone(), finding.kind) else {
        return Ok(None);
    };
    let fact = node.reads.views.fact(finding.position).await?;
    let file = node.reads.views.case_file(at, case).await?;
    let detail = detail(node, at, kind, &fact, file.as_deref()).await?;
    Ok(Some(ShownMark {
        kind,
        label_zh: kind.label_zh(),
        label_en: kind.label_en(),
        on: finding.on,
        recorded_on: day_of(fact.recorded_at),
        position: finding.position,
        act: fact.event.schema().name,
        case: ShownCase::of(node, case, finding, file.as_deref()),
        detail,
    }))
}

async fn detail(
    node: &Node,
    at: &Standing,
    kind: Anomaly,
    fact: &Fact,
    file: Option<&CaseFile>,
) -> Result<Detail, Problem> {
    let mut detail = Detail::default();
    let procedure = |number: u16| file.and_then(|file| Some(file.case.procedures.get(&number)?.kind.clone()));
    if let Event::Case(CaseEvent::CaseWithdrawn(CaseWithdrawn { evidence, .. })) = &fact.event {
        detail.applicants_act = Some(fact.by.role == Role::Resident);
        detail.evidence = evidence.as_ref().map(|paper| paper.number.to_string());
    }
    if let Event::Case(CaseEvent::SpecialProcedureOpened(SpecialProcedureOpened { procedure: number, .. })) =
        &fact.event
    {
        detail.procedure = procedure(*number);
    }
    if let Event::Case(CaseEvent::SpecialProcedureClosed(closed)) = &fact.event {
        let SpecialProcedureClosed { procedure: number, hidden_days, .. } = closed;
        detail.procedure = procedure(*number);
        detail.hidden_working_days = *hidden_days;
    }
    if matches!(kind, Anomaly::InTimeByPauses | Anomaly::OverStatute) {
        detail.legal_by = file.and_then(|file| Some(file.case.clocks.legal.as_ref()?.date));
    }
    if let (Anomaly::HiddenRefusal, Some(file)) = (kind, file) {
        detail.came_back = came_back(node, at, file).await?;
    }
    Ok(detail)
}

/// The first case that the same person opened later for the same item and that was accepted.
async fn came_back(node: &Node, at: &Standing, returned: &CaseFile) -> Result<Option<CameBack>, Problem> {
    let (Some(id), Some(application)) = (returned.id, &returned.case.application) else { return Ok(None) };
    let filter = CaseFilter {
        item: Some(application.item.clone()),
        subject: Some(application.applicant.subject.clone()),
        ..CaseFilter::default()
    };
    let position = node.reads.views.position(at);
    let slice = at.slice().unwrap_or(Slice::through(position));
    let index: CaseIndex = node.reads.views.live().index().clone();
    let page = PageOfCases { after: None, limit: RETURNS_MAX, order: Order::Newest };
    let searched = tokio::task::spawn_blocking(move || index.cases(&filter, &slice, &page)).await;
    let found = searched.map_err(|_| Problem::new(Kind::Internal))??;
    let mut first = None;
    // Newest first, and the returned one ends it: what is older did not come back.
    for case in found.cases.into_iter().take_while(|case| *case != id) {
        let file = node.reads.views.case_file(at, case).await?;
        let accepted_on = file.and_then(|file| file.case.accepted_on());
        first = accepted_on.map(|accepted_on| CameBack { case, accepted_on }).or(first);
    }
    Ok(first)
}

/// Which warnings are asked for.
#[derive(Debug, Clone)]
struct WarningKinds {
    threshold: Option<Threshold>,
    clock: Option<WarnedClock>,
}

impl FromParameters for WarningKinds {
    fn take(parameters: &mut Parameters) -> Result<Self, Problem> {
        Ok(Self { threshold: parameters.word("threshold")?, clock: parameters.word("clock")? })
    }
}

/// A warning as it goes out.
#[derive(Serialize)]
struct ShownWarning {
    threshold: Threshold,
    clock: WarnedClock,
    raised_at: String,
    due: NaiveDate,
    policy: u32,
    position: u64,
    #[serde(flatten)]
    case: ShownCase,
    read: bool,
    answered: bool,
}

/// Warnings (预警): who was warned of which limit, and whether they read and answered it.
#[utoipa::path(
    get, path = "/api/v1/warnings", tag = "supervision", security(("token" = [])),
    params(
        ("threshold" = Option<String>, Query, description = "`yellow` or `red`; both if absent"),
        ("clock" = Option<String>, Query, description = "`notice, promised, legal, step, procedure, delivery`"),
        ("org" = Option<String>, Query, description = "To this organisation or one under it", example = "361023"),
        ("clerk" = Option<String>, Query, description = "To this person; who neither leads nor supervises sees only their own"),
        ("item" = Option<String>, Query, description = "Only this item", example = "FZ-001"),
        ("from" = Option<String>, Query, description = "Raised on this day or later", example = "2022-01-01"),
        ("to" = Option<String>, Query, description = "Raised before this day", example = "2022-02-01"),
        ("sort" = Option<String>, Query, description = "`newest` (default) or `oldest` first"),
        ("source" = Option<String>, Query, description = "`own` (default), a legacy system, or `all`"),
        crate::openapi::PageParameters, crate::openapi::WhenParameters,
    ),
    responses((status = 200, description = "A page; it may be shorter than `limit` and still have a next", body = Object, example = json!({
        "position": 612345, "as_of": "2026-02-13T09:00:00.000+08:00",
        "warnings": [{"threshold": "yellow", "clock": "promised", "raised_at": "2026-02-12T00:00:31.000+08:00",
            "due": "2026-02-13", "policy": 1, "position": 611200, "case": "01KH9Z6V0000000000000000AA",
            "number": "361023100-2026-000123", "item": "FZ-001", "item_name_zh": "最低生活保障审核确认",
            "organisation": "361023100", "organisation_name_zh": "琴城镇便民服务中心", "clerk": "h-101", "phase": "in-review",
            "read": true, "answered": false}],
        "next_cursor": "eyJ…"
    })))
)]
#[get("/warnings")]
pub(crate) async fn list_warnings(
    node: Data<Node>,
    caller: Caller,
    Query((asked, limits, (page, when))): Query<(WarningKinds, Limits, (Page, When))>,
) -> Result<HttpResponse, Problem> {
    let thresholds = asked.threshold.map_or_else(|| vec![Threshold::Yellow, Threshold::Red], |one| vec![one]);
    let kinds = thresholds.into_iter().map(FindingKind::Warning).collect();
    let mut found = Found::page(&node, &caller, kinds, limits, &page, &when).await?;
    let findings = std::mem::take(&mut found.findings);
    let mut rows = Vec::with_capacity(findings.len());
    for some in findings.chunks(ROWS_AT_ONCE) {
        let shown = some.iter().map(|finding| shown_warning(&node, &found.at, finding.clone()));
        for row in futures::future::join_all(shown).await {
            rows.extend(row?.filter(|row| asked.clock.is_none_or(|clock| clock == row.clock)));
        }
    }
    Ok(found.respond(&node, &page, "warnings", &rows))
}

async fn shown_warning(node: &Node, at: &Standing, finding: Finding) -> Result<Option<ShownWarning>, Problem> {
    let Subject::Case(case) = finding.about else { return Ok(None) };
    let fact = node.reads.views.fact(finding.position).await?;
    let Event::Case(CaseEvent::WarningRaised(raised)) = &fact.event else { return Ok(None) };
    let file = node.reads.views.case_file(at, case).await?;
    let warning = domain::case::Warning {
        clock: raised.clock,
        threshold: raised.threshold,
        due: raised.due,
        policy: raised.policy,
    };
    let among = |of: fn(&domain::case::Case) -> &std::collections::BTreeSet<domain::case::Warning>| {
        file.as_ref().is_some_and(|file| of(&file.case).contains(&warning))
    };
    Ok(Some(ShownWarning {
        threshold: raised.threshold,
        clock: raised.clock,
        raised_at: crate::answer::shown(fact.occurred_at),
        due: raised.due,
        policy: raised.policy,
        position: finding.position,
        read: among(|case| &case.warnings_read),
        answered: among(|case| &case.warnings_answered),
        case: ShownCase::of(node, case, finding, file.as_deref()),
    }))
}
