//! Cases: lists over all there ever were, one file, one story.

use crate::answer::{Stamp, shown};
use crate::answers;
use crate::auth::{Caller, Extent};
use crate::cursor::Page;
use crate::files::{Summary, Written};
use crate::node::Node;
use crate::problem::{FieldError, Kind, Problem, Text};
use crate::query::{FromParameters, Parameters, Query, invalid};
use crate::reveal::{Eyes, Reveal};
use crate::rights::{self, Concerned};
use crate::vault::hex;
use crate::views::{Standing, When, file_of};
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get};
use chrono::NaiveDate;
use domain::case::Phase;
use domain::clock::Light;
use domain::event::case::ClosingKind;
use domain::event::{CaseEvent, Event};
use domain::fact::{Fact, Subject};
use domain::ids::{CaseId, ItemId, OrganisationId, SubjectId};
use eventstore::Position;
use projections::Projection as _;
use projections::case_file::CaseFile;
use projections::queues::Queues;
use projections::scope::Source;
use projections::timeline::Timeline;
use replay::case_index::{CaseCursor, CaseFilter, CaseIndex, Order, PageOfCases, Whose};
use replay::moment::Slice;
use replay::selection::LogSelection;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::sync::Arc;

/// The most files that are read for one page; one that had to hide most of them ends early and says where to go on.
const FILES_PER_PAGE_MAX: usize = 2_000;
/// How many files are read from the log at once.
const FILES_AT_ONCE: usize = 16;
/// The longest number that is looked for, in characters.
const NUMBER_CHARS_MAX: usize = 64;

/// Which cases are asked for.
#[derive(Debug, Clone)]
pub(crate) struct CasesQuestion {
    item: Option<ItemId>,
    organisation: Option<OrganisationId>,
    phase: Option<Phase>,
    closing: Option<ClosingKind>,
    light: Option<Light>,
    subject: Option<SubjectId>,
    opened_from: Option<NaiveDate>,
    opened_to: Option<NaiveDate>,
    number: Option<String>,
    source: Source,
    order: Order,
}

impl FromParameters for CasesQuestion {
    fn take(parameters: &mut Parameters) -> Result<Self, Problem> {
        let (opened_from, opened_to) = (parameters.day("opened_from")?, parameters.day("opened_to")?);
        if let (Some(from), Some(to)) = (opened_from, opened_to)
            && to < from
        {
            let detail = Text::new("opened_to 早于 opened_from", "opened_to lies before opened_from");
            return Err(Problem::new(Kind::ReversedRange).errors(vec![FieldError::new("/opened_to", detail)]));
        }
        let number = parameters.text("q")?;
        if number.as_ref().is_some_and(|number| NUMBER_CHARS_MAX < number.chars().count()) {
            return Err(invalid("q", Text::new("编号过长", "no number is that long")));
        }
        Ok(Self {
            item: parameters.one("item")?,
            organisation: parameters.one("org")?,
            phase: parameters.one("phase")?,
            closing: parameters.word("closing")?,
            light: parameters.word("light")?,
            subject: parameters.one("subject")?,
            opened_from,
            opened_to,
            number,
            source: parameters.one("source")?.unwrap_or_default(),
            order: order(parameters)?,
        })
    }
}

pub(super) fn order(parameters: &mut Parameters) -> Result<Order, Problem> {
    match parameters.text("sort")?.as_deref() {
        None | Some("newest" | "-opened") => Ok(Order::Newest),
        Some("oldest" | "opened") => Ok(Order::Oldest),
        Some(_) => Err(invalid("sort", Text::new("应为 newest 或 oldest", "it is either newest or oldest"))),
    }
}

impl CasesQuestion {
    /// What the index is asked, within what the caller may see.
    pub(crate) fn filter(&self, caller: &Caller, node: &Node, today: NaiveDate) -> Result<CaseFilter, Problem> {
        let ahead = [("opened_from", self.opened_from)].into_iter().find(|(_, day)| day.is_some_and(|day| today < day));
        if let Some((name, _)) = ahead {
            let detail = Text::new(format!("{name} 在将来"), format!("{name} lies in the future"));
            return Err(Problem::new(Kind::FutureMoment).errors(vec![FieldError::new(format!("/{name}"), detail)]));
        }
        let mut filter = CaseFilter {
            whose: match &self.source {
                Source::Own => Whose::Source(self.own()?),
                Source::All => Whose::Anyone,
                Source::Named(name) => Whose::Source(name.clone()),
            },
            item: self.item.clone(),
            organisations: None,
            phase: self.phase,
            // Only what is under way has a light.
            open: self.light.map(|_| true),
            closing: self.closing,
            subject: self.subject.clone(),
            opened_from: self.opened_from,
            opened_to: self.opened_to,
            number_prefix: self.number.clone(),
            among: None,
        };
        match &caller.scope.extent {
            Extent::Person(subject) => {
                if self.subject.as_ref().is_some_and(|asked| asked != subject) || self.organisation.is_some() {
                    return Err(Problem::not_found());
                }
                filter.subject = Some(subject.clone());
            }
            Extent::Subtree(_) => {
                if self.subject.is_some() && !caller.scope.sees_persons() {
                    return Err(Problem::new(Kind::Forbidden));
                }
                filter.organisations = node.reads.views.today(|reference| {
                    let tree = &reference.organisations;
                    let root = rights::asked_organisation(caller, self.organisation.as_ref(), tree)?;
                    // The whole city is everybody, histories taken in included.
                    let is_city =
                        self.organisation.is_none() && tree.get(&root).is_some_and(|it| it.parent().is_none());
                    Ok::<_, Problem>((!is_city).then(|| tree.subtree(&root).cloned().chain([root.clone()]).collect()))
                })?;
            }
        }
        Ok(filter)
    }

    /// Returns the same question as the log's own; where cases lie is asked of the index alone.
    pub(crate) fn selection(&self, through: Position) -> Result<LogSelection, Problem> {
        Ok(LogSelection {
            source: match &self.source {
                Source::Own => Some(self.own()?),
                Source::All => None,
                Source::Named(name) => Some(name.clone()),
            },
            item: self.item.clone(),
            opened_from: self.opened_from,
            opened_to: self.opened_to,
            ..LogSelection::through(through)
        })
    }

    fn own(&self) -> Result<domain::ids::SourceName, Problem> {
        projections::scope::OWN.parse().map_err(|_| Problem::new(Kind::Internal))
    }
}

/// Where a list of cases goes on, and in which history.
#[derive(Serialize, Deserialize)]
struct After {
    at: Standing,
    entry: u64,
}

/// Cases that the caller may see, of all there ever were.
#[utoipa::path(
    get, path = "/api/v1/cases", tag = "cases", security(("token" = [])),
    params(
        ("item" = Option<String>, Query, description = "For this item", example = "FZ-001"),
        ("org" = Option<String>, Query, description = "Taken in, handled, decided, consulted or handed out here or below", example = "361023"),
        ("phase" = Option<String>, Query, description = "办理状态", example = "in-review"),
        ("closing" = Option<String>, Query, description = "办结方式", example = "granted"),
        ("light" = Option<String>, Query, description = "`green, yellow, red, red-statutory, paused`: of cases under way"),
        ("subject" = Option<String>, Query, description = "A person's reference, never their number"),
        ("opened_from" = Option<String>, Query, description = "Applied for on this day or later", example = "2022-01-01"),
        ("opened_to" = Option<String>, Query, description = "Applied for before this day", example = "2022-02-01"),
        ("q" = Option<String>, Query, description = "The beginning of a case or receipt number"),
        ("sort" = Option<String>, Query, description = "`newest` (default) or `oldest` entry in the log first"),
        ("source" = Option<String>, Query, description = "`own` (default), a legacy system, or `all`"),
        crate::openapi::PageParameters, crate::openapi::WhenParameters,
    ),
    responses((status = 200, description = "A page; `next_cursor` where more may follow", body = Object, example = json!({
        "position": 612345, "as_of": "2026-02-13T09:00:00.000+08:00",
        "cases": [{"case": "01KH9Z6V0000000000000000AA", "number": "361023100-2026-000123", "source": "own", "item": "FZ-001",
            "item_name_zh": "最低生活保障对象认定", "applicant_masked": "张*", "phase": "in-review", "at": "361023100",
            "opened_at": "2026-02-03T09:12:00.000+08:00", "promised_by": "2026-03-05", "light": "green", "version": 6}],
        "next_cursor": "eyJ…"
    })))
)]
#[get("/cases")]
pub(crate) async fn list_cases(
    node: Data<Node>,
    caller: Caller,
    Query((question, page, when)): Query<(CasesQuestion, Page, When)>,
) -> Result<HttpResponse, Problem> {
    rights::sees_cases(&caller)?;
    let reads = &node.reads;
    let resumed: Option<After> = page.resume(&reads.cursors)?;
    let at = match &resumed {
        Some(resumed) => resumed.at.again(&node.clock),
        None => reads.views.resolve(&when, &node.clock).await?,
    };
    let mut filter = question.filter(&caller, &node, domain::zone::day_of(node.clock.now()))?;
    if let Some(light) = question.light {
        // The index knows nothing of lights, which change by time alone; what is under way is at hand.
        let shown = reads.views.look::<Queues, _>(&at, |queues| queues.under_light(light, at.day())).await?;
        filter.among = Some(Arc::new(shown.value));
    }
    let position = reads.views.position(&at);
    let slice = at.slice().unwrap_or(Slice::through(position));
    let mut search = Listing {
        node: &node,
        caller: &caller,
        at: &at,
        light: question.light,
        index: reads.views.live().index().clone(),
        filter: Arc::new(filter),
        slice,
        order: question.order,
        after: resumed.map(|resumed| CaseCursor(resumed.entry)),
        found: Vec::new(),
    };
    search.fill(page.limit).await?;
    let next = search.after.map(|cursor| page.next(&reads.cursors, &After { at, entry: cursor.0 }));
    Ok(Stamp::new(&at, position).page(&json!({ "cases": search.found }), next.as_ref()))
}

/// A list in the making.
struct Listing<'a> {
    node: &'a Node,
    caller: &'a Caller,
    at: &'a Standing,
    light: Option<Light>,
    index: CaseIndex,
    filter: Arc<CaseFilter>,
    slice: Slice,
    order: Order,
    after: Option<CaseCursor>,
    found: Vec<Summary>,
}

impl Listing<'_> {
    /// Gathers up to `limit` cases, and fewer only where no more follow, or so many are hidden that the work is bounded.
    async fn fill(&mut self, limit: usize) -> Result<(), Problem> {
        let mut examined = 0;
        loop {
            let wanted = limit - self.found.len();
            let page = PageOfCases { after: self.after, limit: wanted, order: self.order };
            let (index, filter, slice) = (self.index.clone(), self.filter.clone(), self.slice);
            let searched = tokio::task::spawn_blocking(move || index.cases(&filter, &slice, &page)).await;
            let found = searched.map_err(|_| Problem::new(Kind::Internal))??;
            examined += found.cases.len().max(1);
            for some in found.cases.chunks(FILES_AT_ONCE) {
                let files = some.iter().map(|case| self.node.reads.views.case_file(self.at, *case));
                for (case, file) in some.iter().zip(futures::future::join_all(files).await) {
                    self.take(*case, file?.as_deref());
                }
            }
            self.after = found.next;
            if self.after.is_none() || limit <= self.found.len() || FILES_PER_PAGE_MAX <= examined {
                return Ok(());
            }
        }
    }

    fn take(&mut self, case: CaseId, file: Option<&CaseFile>) {
        let Some(file) = file else { return };
        let mut reveal = Reveal::to(self.caller, &self.node.vault, case);
        let summary = self.node.reads.views.today(|reference| {
            let concerned = Concerned::by(&file.case);
            concerned
                .is_visible_to(self.caller, &reference.organisations)
                .then(|| Summary::of(case, file, reference, &mut reveal, self.at.day()))
        });
        let wanted = summary.filter(|summary| self.light.is_none() || self.light == summary.light);
        self.found.extend(wanted);
    }
}

/// The file of one case.
#[utoipa::path(
    get, path = "/api/v1/cases/{id}", tag = "cases", security(("token" = [])),
    params(("id" = String, Path, description = "The case", example = "01KH9Z6V0000000000000000AA"), crate::openapi::WhenParameters),
    responses((status = 200, description = "Everything that is known of it; persons masked, `ETag` = version and light", body = Object, example = json!({
        "position": 612345, "as_of": "2026-02-13T09:00:00.000+08:00", "id": "01KH9Z6V0000000000000000AA", "version": 6,
        "number": "361023100-2026-000123", "source": "own",
        "item": {"id": "FZ-001", "version": 2, "name_zh": "最低生活保障对象认定", "name_en": "Minimum living allowance"},
        "phase": "in-review", "phase_zh": "审查中", "light": "green", "flags": {"deemed_accepted": false, "tolerant": false},
        "application": {"applicant": {"kind": "natural-person", "age_band": "from-60", "subject": "9f3c…", "name": "张*",
            "id_number": "362524********0018"}, "intake": "361023100", "deciding": "361023100"},
        "clocks": {"promised": {"start": "2026-02-04", "limit": {"days": 18, "unit": "working"}, "date": "2026-03-05",
            "calendar": 8, "policy": 1, "running": true}},
        "anomalies": []
    })), (status = 304, description = "Unchanged since the given `ETag`"))
)]
#[get("/cases/{id}")]
pub(crate) async fn get_case(
    node: Data<Node>,
    caller: Caller,
    id: Path<String>,
    Query(when): Query<When>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    rights::sees_cases(&caller)?;
    let id: CaseId = id.parse().map_err(|_| Problem::not_found())?;
    let at = node.reads.views.resolve(&when, &node.clock).await?;
    let (position, written) = match at.slice() {
        Some(slice) => (slice.through, past_file(&node, &caller, id, &at).await?),
        None => present_file(&node, &caller, id, &at).await?,
    };
    Ok(Stamp::new(&at, position).written_resource(request.headers(), &written.etag, &written.json))
}

/// What is at hand of a case that is not done with.
enum AtHand {
    Written(Arc<Written>),
    File(Box<CaseFile>),
    Hidden,
}

async fn present_file(
    node: &Node,
    caller: &Caller,
    id: CaseId,
    at: &Standing,
) -> Result<(Position, Arc<Written>), Problem> {
    let reads = &node.reads;
    let eyes = Eyes::of(caller);
    let kept = reads.files.kept(id, eyes, &node.vault);
    let day = at.day();
    let (position, at_hand) = reads.views.live().read(|views| {
        let open = views.queues.state.case(id).map(|file| match &kept {
            Some(kept) if kept.is_of(file, day) => {
                let tree = &views.reference.state.reference.organisations;
                if kept.concerned.is_visible_to(caller, tree) { AtHand::Written(kept.clone()) } else { AtHand::Hidden }
            }
            Some(_) | None => AtHand::File(Box::new(file.clone())),
        });
        (views.queues.position, open)
    });
    match at_hand {
        Some(AtHand::Written(written)) => Ok((position, written)),
        Some(AtHand::Hidden) => Err(Problem::not_found()),
        Some(AtHand::File(file)) => Ok((position, write(node, caller, id, &file, day)?)),
        None => {
            // The log may be ahead of the views by a case that was just opened.
            let written = closed_file(node, caller, id, day, kept).await?;
            Ok((position.max(Position(written.position)), written))
        }
    }
}

/// A closed case is read from the log; if nothing was added since it was last written, that still stands.
async fn closed_file(
    node: &Node,
    caller: &Caller,
    id: CaseId,
    day: NaiveDate,
    kept: Option<Arc<Written>>,
) -> Result<Arc<Written>, Problem> {
    let (history, subject) = (node.reads.views.history(), Subject::Case(id));
    if let Some(kept) = kept.filter(|kept| kept.holds_on(day))
        && history.stream_after(&subject, Position(kept.position)).await?.is_empty()
    {
        let tree_shows = |kept: &Written| {
            node.reads.views.today(|reference| kept.concerned.is_visible_to(caller, &reference.organisations))
        };
        return if tree_shows(&kept) { Ok(kept) } else { Err(Problem::not_found()) };
    }
    let file = file_of(&history.stream(&subject).await?).ok_or_else(Problem::not_found)?;
    write(node, caller, id, &file, day)
}

fn write(node: &Node, caller: &Caller, id: CaseId, file: &CaseFile, day: NaiveDate) -> Result<Arc<Written>, Problem> {
    let eyes = Eyes::of(caller);
    let written = node.reads.views.today(|reference| {
        let concerned = Concerned::by(&file.case);
        concerned
            .is_visible_to(caller, &reference.organisations)
            .then(|| Arc::new(Written::new(id, file, reference, &node.vault, eyes, day)))
    });
    let written = written.ok_or_else(Problem::not_found)?;
    node.reads.files.keep(id, eyes, written.clone());
    Ok(written)
}

/// Rights go by the case as it is today: the past shows no more than the present.
async fn past_file(node: &Node, caller: &Caller, id: CaseId, at: &Standing) -> Result<Arc<Written>, Problem> {
    visible(node, caller, id).await?;
    let file = node.reads.views.case_file(at, id).await?.ok_or_else(Problem::not_found)?;
    let eyes = Eyes::of(caller);
    let written = node.reads.views.today(|reference| Written::new(id, &file, reference, &node.vault, eyes, at.day()));
    Ok(Arc::new(written))
}

/// # Errors
/// There is no such case, or the caller may not know of it.
pub(crate) async fn visible(node: &Node, caller: &Caller, id: CaseId) -> Result<(), Problem> {
    rights::sees_cases(caller)?;
    let views = &node.reads.views;
    let open = views.live().read(|views| views.queues.state.case(id).map(|file| Concerned::by(&file.case)));
    let concerned = match open {
        Some(concerned) => concerned,
        None => {
            let facts = views.history().stream(&Subject::Case(id)).await?;
            let file = file_of(&facts).ok_or_else(Problem::not_found)?;
            Concerned::by(&file.case)
        }
    };
    let shows = views.today(|reference| concerned.is_visible_to(caller, &reference.organisations));
    if shows { Ok(()) } else { Err(Problem::not_found()) }
}

/// The story of one case: who, when, where, in whose name, with what papers, recorded late or not.
#[utoipa::path(
    get, path = "/api/v1/cases/{id}/timeline", tag = "cases", security(("token" = [])),
    params(("id" = String, Path, description = "The case"), crate::openapi::WhenParameters),
    responses((status = 200, description = "What happened, in the order of recording", body = Object, example = json!({
        "position": 612345, "as_of": "2026-02-13T09:00:00.000+08:00", "id": "01KH9Z6V0000000000000000AA", "version": 6,
        "entries": [{"version": 2, "position": 4711, "kind": "case-received", "label_zh": "收件", "label_en": "Received",
            "occurred_at": "2026-02-03T09:12:00.000+08:00", "recorded_at": "2026-02-03T09:12:00.000+08:00",
            "recorded_late": false, "recorded_days_later": 0,
            "actor": {"id": "z-204", "role": "clerk", "organisation": "361023100", "organisation_name_zh": "琴城镇便民服务中心",
                "window": "C1", "channel": "window"},
            "documents": [{"name_zh": "收件凭证", "number": "R-361023100-2026-000123"}]}]
    })), (status = 304, description = "Unchanged since the given `ETag`"))
)]
#[get("/cases/{id}/timeline")]
pub(crate) async fn get_timeline(
    node: Data<Node>,
    caller: Caller,
    id: Path<String>,
    Query(when): Query<When>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    rights::sees_cases(&caller)?;
    let id: CaseId = id.parse().map_err(|_| Problem::not_found())?;
    let views = &node.reads.views;
    let at = views.resolve(&when, &node.clock).await?;
    visible(&node, &caller, id).await?;
    let position = views.position(&at);
    let facts = views.stream(&at, &Subject::Case(id)).await?;
    let mut timeline = Timeline::default();
    facts.iter().for_each(|fact| timeline.apply(fact));
    if timeline.entries.is_empty() {
        return Err(Problem::not_found());
    }
    let mut reveal = Reveal::to(&caller, &node.vault, id);
    let mut entries = views.today(|reference| shown_entries(&timeline, &reference.organisations, &mut reveal));
    if let Some(other) = duplicate_of(&facts)
        && visible(&node, &caller, other).await.is_err()
    {
        entries.iter_mut().for_each(hide_duplicate);
    }
    let body = json!({ "id": id, "version": timeline.version, "entries": entries });
    let told = answers::json(&body)?;
    let etag = tag_of(timeline.version, &told);
    Ok(Stamp::new(&at, position).written_resource(request.headers(), &etag, &told))
}

/// Returns the tag of a story as it is told: two readers who are told different things never have the same.
fn tag_of(version: u64, told: &[u8]) -> String {
    let digest = Sha256::digest(told);
    format!("{version}-{}", hex(&digest[..8]))
}

/// The other open case that the same person had when this one was applied for.
fn duplicate_of(facts: &[Fact]) -> Option<CaseId> {
    facts.iter().find_map(|fact| match &fact.event {
        Event::Case(CaseEvent::CaseSubmitted(submitted)) => submitted.duplicate_of,
        _ => None,
    })
}

/// That there is another case is a mark on this one; which, only those learn who may see it.
fn hide_duplicate(entry: &mut Value) {
    if let Some(details) = entry.get_mut("details").and_then(Value::as_array_mut) {
        details.retain(|detail| detail["name"] != "duplicate_of");
    }
}

fn shown_entries(
    timeline: &Timeline,
    organisations: &domain::organisation::Organisations,
    reveal: &mut Reveal<'_>,
) -> Vec<Value> {
    let entries = timeline.entries.iter().map(|entry| {
        let mut value = json!(entry);
        reveal.reveal(&mut value);
        if let Some(fields) = value.as_object_mut() {
            fields.insert("occurred_at".to_owned(), Value::from(shown(entry.occurred_at)));
            fields.insert("recorded_at".to_owned(), Value::from(shown(entry.recorded_at)));
            fields.retain(|_, value| !value.is_null() && value.as_array().is_none_or(|values| !values.is_empty()));
            let name = organisations.get(&entry.actor.organisation).map(|known| known.name_zh());
            if let (Some(name), Some(actor)) = (name, fields.get_mut("actor").and_then(Value::as_object_mut)) {
                actor.insert("organisation_name_zh".to_owned(), Value::from(name));
            }
        }
        value
    });
    entries.collect()
}
