//! How far a case is, in the words that one says to the person at the counter: what is done, what comes next, by when,
//! and whom to call. Nothing else of the case: neither whose it is nor what it is for.

use chrono::NaiveDate;
use domain::case::{Case, Phase};
use domain::clock::Deadline;
use domain::event::case::ClosingKind;
use domain::ids::OrganisationId;
use domain::reference::Reference;
use serde::Serialize;

/// Plain words about a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// Where it stands.
    pub stage_zh: &'static str,
    /// The same in English.
    pub stage_en: &'static str,
    /// What comes next; absent where nothing does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_zh: Option<&'static str>,
    /// The same in English.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_en: Option<&'static str>,
    /// By which day, where a limit says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<NaiveDate>,
    /// That day is over: a reason to call.
    pub overdue: bool,
    /// Whom to call.
    pub call: Call,
}

/// Whom to call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Call {
    /// Who has the case.
    pub organisation_zh: String,
    /// Its phone, or that of the nearest above it that has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
}

/// What is said at one point of the way: where it stands, what comes next, and by when.
struct Said {
    stage: [&'static str; 2],
    next: Option<[&'static str; 2]>,
    by: Option<NaiveDate>,
}

impl Progress {
    /// Tells how far a case is; nothing of one that was taken in from elsewhere.
    #[must_use]
    pub fn of(case: &Case, reference: &Reference, today: NaiveDate) -> Option<Self> {
        let Said { stage: [stage_zh, stage_en], next, by } = said(case)?;
        let organisation = whom_to_call(case)?;
        let organisations = &reference.organisations;
        let name = organisations.get(organisation).map_or("", |known| known.name_zh());
        Some(Self {
            stage_zh,
            stage_en,
            next_zh: next.map(|[zh, _]| zh),
            next_en: next.map(|[_, en]| en),
            overdue: by.is_some_and(|by| by < today),
            by,
            call: Call {
                organisation_zh: name.to_owned(),
                phone: organisations.phone(organisation, today).map(str::to_owned),
            },
        })
    }
}

/// Whoever has it; once it is done, where the result is handed out.
fn whom_to_call(case: &Case) -> Option<&OrganisationId> {
    let delivering = case.delivering().filter(|_| case.closing.is_some());
    delivering.or(case.at.as_ref()).or_else(|| case.application.as_ref().map(|application| &application.intake))
}

fn said(case: &Case) -> Option<Said> {
    let decision = Some(["作出决定", "The decision"]);
    let said = match case.phase {
        Phase::Unopened | Phase::Legacy => return None,
        Phase::Submitted => Said {
            stage: [
                "申请已提交，等待窗口收件。",
                "Your application has arrived; the window has not taken the papers in yet.",
            ],
            next: Some(["窗口登记材料", "The window takes the papers in"]),
            by: None,
        },
        Phase::Received => Said {
            stage: ["材料已收到，正在核对。", "The papers are here and are being checked."],
            next: Some(["受理，或一次告知所缺材料", "Acceptance, or one notice of everything that is missing"]),
            by: case.notice_due.as_ref().map(|due| due.date),
        },
        Phase::SupplementPending => Said {
            stage: ["还缺材料，缺什么见一次性告知书。", "Something is missing; the one-time notice says what."],
            next: Some(["请您补交材料", "Please bring what is missing"]),
            by: case.open_notice().and_then(|notice| notice.supplement_by),
        },
        Phase::Accepted | Phase::InReview => Said {
            stage: ["已受理，正在办理。", "Your application has been accepted and is being handled."],
            next: decision,
            by: due(case),
        },
        Phase::Suspended => Said {
            stage: ["已受理，正在公示、核查或鉴定。", "A notice, survey or assessment is under way."],
            next: Some(["上述程序结束后继续办理", "Handling goes on when it ends"]),
            by: case.open_procedures().filter_map(|(_, procedure)| procedure.due.as_ref()).map(|due| due.date).max(),
        },
        Phase::Decided | Phase::ResultReady => Said {
            stage: ["已作出决定，正在准备结果。", "A decision has been made; the result is being prepared."],
            next: Some(["出件窗口出件", "The output window stamps it"]),
            by: due(case),
        },
        Phase::Finished => ended(case),
    };
    Some(said)
}

/// The nearest date that still runs: the promised one, else the legal one.
fn due(case: &Case) -> Option<NaiveDate> {
    let clocks = case.running_clocks();
    let date = |deadline: Option<Deadline>| deadline.map(|deadline| deadline.date);
    date(clocks.promised).or(date(clocks.legal))
}

fn ended(case: &Case) -> Said {
    let over = |zh: &'static str, en: &'static str| Said { stage: [zh, en], next: None, by: None };
    match case.closing.as_ref().map(|closing| closing.kind) {
        Some(ClosingKind::Granted | ClosingKind::Denied) if case.delivery.is_some() => {
            over("已办结，结果已送达。", "Done; you have the result.")
        }
        Some(ClosingKind::Granted | ClosingKind::Denied) | None => Said {
            stage: ["已办结，结果待领取或送达。", "Done; the result waits to be collected or delivered."],
            next: Some(["领取或送达结果", "Collecting or delivering the result"]),
            by: case.delivery_due.as_ref().map(|due| due.date),
        },
        Some(ClosingKind::NotRequired) => {
            over("该事项无需申请，已当场告知。", "No application is needed; you were told why.")
        }
        Some(ClosingKind::RefusedIntake) => {
            over("不予受理，应向哪个机关申请见告知书。", "Not taken in; the notice names the organ to turn to.")
        }
        Some(ClosingKind::Withdrawn) => over("申请已撤回。", "The application was withdrawn."),
        Some(ClosingKind::Returned) => over("材料已退回，未受理。", "The papers were sent back; nothing was accepted."),
        Some(ClosingKind::SupplementLapsed) => over(
            "逾期未补正，申请已终止，可重新申请。",
            "The missing papers did not come in time; you may apply again.",
        ),
        Some(ClosingKind::Aborted) => over("办理已终止。", "Handling was ended."),
        Some(ClosingKind::Merged) => over("与另一申请合并办理。", "Merged with another application of yours."),
    }
}
