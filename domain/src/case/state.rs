//! What has happened to a case, as far as rules and the case file need it.

use super::Phase;
use crate::clock::{Clocks, Deadline, Freeze, Light, Limit, Pauses};
use crate::event::case::{
    AcceptanceKind, Anomaly, CaseArchived, CaseSubmitted, Closing, Consent, Correction, DecisionOutcome,
    DeliveryMethod, DocumentRef, MaterialAttached, MaterialPresented, NoticeStage, ResultMade, ResultRevoked,
    StepOutcome, Threshold, WarnedClock,
};
use crate::event::evidence::{DataShareChecked, MaterialReplacedByCertificate};
use crate::event::instrument::InstrumentRef;
use crate::event::item::Authority;
use crate::ids::{
    CaseId, EventId, ExternalNumber, MaterialCode, OrganisationId, PaperId, SourceName, StaffId, StepCode, WindowId,
};
use crate::sealed::Sealed;
use crate::zone::Instant;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A case. `Default` is "nothing happened yet"; days are Fuzhou's.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Case {
    /// 办理状态.
    pub phase: Phase,
    /// Marks that are neither phase nor ending.
    pub flags: Flags,
    /// The application, as corrected since.
    pub application: Option<CaseSubmitted>,
    /// 帮办代办: the consent given last.
    pub consent: Option<Consent>,
    /// Since when nobody may help any more.
    pub consent_withdrawn_on: Option<NaiveDate>,
    /// Papers that a helper handed in, by whose station: a helper sees no others.
    pub helpers_papers: BTreeMap<PaperId, OrganisationId>,
    /// 申请之日.
    pub submitted_on: Option<NaiveDate>,
    /// Who keyed the application in.
    pub submitted_by: Option<StaffId>,
    /// Which organisation has the case now.
    pub at: Option<OrganisationId>,
    /// Since when it has it.
    pub at_since: Option<NaiveDate>,
    /// Who has taken the work.
    pub holder: Option<StaffId>,
    /// Since when.
    pub held_since: Option<NaiveDate>,
    /// The organisations that carried the case after a forwarding; the first leg is the intake's, and not listed.
    pub legs: Vec<Leg>,
    /// 收件.
    pub receipt: Option<Receipt>,
    /// By when a notice must be given.
    pub notice_due: Option<Deadline>,
    /// 受理.
    pub acceptance: Option<Acceptance>,
    /// The two limits.
    pub clocks: Clocks,
    /// 一次性告知, in order.
    pub notices: Vec<Notice>,
    /// What notices asked for and nobody brought yet.
    pub outstanding: BTreeSet<MaterialCode>,
    /// What was promised with a tolerant acceptance and nobody brought yet.
    pub promised_materials: BTreeSet<MaterialCode>,
    /// The step that a routing asked for.
    pub routed_step: Option<StepCode>,
    /// When the case went to a back office.
    pub routed_on: Option<NaiveDate>,
    /// 交接单, the last one.
    pub hand_over: Option<ExternalNumber>,
    /// 环节, in order of their beginning.
    pub steps: Vec<Step>,
    /// Steps passed and not sent back since.
    pub passed: BTreeSet<StepCode>,
    /// How often it was sent back inside.
    pub sent_back: u16,
    /// The last reason for it, until the next step begins.
    pub sent_back_reason: Option<Sealed>,
    /// 特别程序, by number.
    pub procedures: BTreeMap<u16, Procedure>,
    /// 延期, asked for and not yet answered.
    pub extension_request: Option<ExtensionRequest>,
    /// Working days of the extension given.
    pub extended_by: Option<u16>,
    /// 更正, by number.
    pub corrections: BTreeMap<u16, CorrectionState>,
    /// 当场更正: the last wording of each field.
    pub corrected_fields: BTreeMap<String, Sealed>,
    /// 异常终止, asked for and not yet answered.
    pub abort_request: Option<Pending>,
    /// 会签, by number.
    pub consultations: BTreeMap<u16, Consultation>,
    /// 督办, by number.
    pub urgings: BTreeMap<u16, Urging>,
    /// 决定.
    pub decision: Option<Decision>,
    /// To be delivered by.
    pub delivery_due: Option<Deadline>,
    /// 制证.
    pub result: Option<ResultMade>,
    /// 出件.
    pub finish: Option<Finish>,
    /// How it ended, as corrected since.
    pub closing: Option<Closing>,
    /// The moment it ended, as recorded then.
    pub closed_at: Option<Instant>,
    /// 并件: the case that goes on in place of this one.
    pub merged_into: Option<Merged>,
    /// 并件: the duplicates that ended for this one.
    pub merged: Vec<Merged>,
    /// 送达.
    pub delivery: Option<Delivery>,
    /// 撤销、变更、注销.
    pub revocations: Vec<ResultRevoked>,
    /// 归档.
    pub archive: Option<CaseArchived>,
    /// What lies in the file, by code; the last way in which it was presented.
    pub materials: BTreeMap<MaterialCode, MaterialPresented>,
    /// Stored papers.
    pub papers: BTreeMap<PaperId, MaterialAttached>,
    /// 免证: the certificates that were relied on, by the material for which each stands.
    pub relied_on: BTreeMap<MaterialCode, MaterialReplacedByCertificate>,
    /// 数据共享: what the city's data were asked, by number.
    pub data_shares: BTreeMap<u16, DataShareChecked>,
    /// Keyed digest of the one-time rating code.
    pub rating_code_digest: Option<String>,
    /// What to look at.
    pub anomalies: BTreeSet<Anomaly>,
    /// 预警 already raised.
    pub warnings: BTreeSet<Warning>,
    /// Of these, the ones somebody took note of.
    pub warnings_read: BTreeSet<Warning>,
    /// Of these, the ones somebody answered.
    pub warnings_answered: BTreeSet<Warning>,
    /// A history taken in from elsewhere.
    pub legacy: Option<Legacy>,
    /// When the last act of a person took place: nothing may be keyed in before it. What the rules did by themselves
    /// does not count, for evidence may overtake it.
    pub last_occurred_at: Option<Instant>,
    /// The recorded events, and the day on which each took effect: what a correction may name.
    pub facts: BTreeMap<EventId, NaiveDate>,
}

/// Marks that are neither phase nor ending.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Flags {
    /// 视为受理.
    pub deemed_accepted: bool,
    /// A deemed acceptance was taken back.
    pub deemed_reversed: bool,
    /// 容缺受理.
    pub tolerant: bool,
    /// 告知承诺.
    pub commitment: bool,
    /// 延期.
    pub extended: bool,
    /// 督办: urged, now or before.
    pub urged: bool,
    /// 归档.
    pub archived: bool,
}

/// A leg of a forwarded case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leg {
    /// Counts legs; the first forwarding opens leg 2.
    pub leg: u16,
    /// Who sent it.
    pub from: OrganisationId,
    /// Who has it.
    pub to: OrganisationId,
    /// Since when.
    pub since: Option<NaiveDate>,
    /// Its own date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Deadline>,
    /// Somebody there took it up.
    pub taken_up: bool,
}

/// 收件.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// 收件凭证 number.
    pub number: ExternalNumber,
    /// Where.
    pub organisation: OrganisationId,
    /// By whom.
    pub by: Option<StaffId>,
    /// At which window.
    pub window: Option<WindowId>,
    /// 收到材料之日.
    pub materials_received_on: NaiveDate,
    /// Without a notice it will count as accepted.
    pub deems: bool,
    /// On a rest day or after hours.
    pub outside_hours: bool,
}

/// 受理.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acceptance {
    /// 受理文书编号.
    pub number: Option<ExternalNumber>,
    /// How.
    pub kind: AcceptanceKind,
    /// 受理之日.
    pub effective_on: NaiveDate,
    /// Where.
    pub organisation: OrganisationId,
    /// By whom; a deemed acceptance is nobody's act.
    pub by: Option<StaffId>,
    /// Accepted without these.
    pub missing: Vec<MaterialCode>,
    /// They are promised for.
    pub promised_materials_by: Option<NaiveDate>,
    /// Working days from receipt.
    pub lag_days: u16,
    /// The steps of the item version after acceptance, in order.
    pub steps: Vec<StepCode>,
}

/// 一次性告知.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// 告知书 number.
    pub number: ExternalNumber,
    /// In which stage.
    pub stage: NoticeStage,
    /// What was missing.
    pub missing: Vec<MaterialCode>,
    /// How it was handed over.
    pub method: String,
    /// When.
    pub on: Option<NaiveDate>,
    /// The case lapses after this day.
    pub supplement_by: Option<NaiveDate>,
    /// The promised clock stands still meanwhile.
    pub pauses_promised: bool,
    /// The day on which all of it was there.
    pub completed_on: Option<NaiveDate>,
}

/// 环节, once: a step that was sent back and done again stands here twice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Which.
    pub code: StepCode,
    /// Where.
    pub organisation: OrganisationId,
    /// By whom.
    pub holder: StaffId,
    /// Day 0.
    pub started_on: NaiveDate,
    /// Its own date.
    pub due: Deadline,
    /// How it ended, if it did.
    pub done: Option<StepDone>,
}

/// The end of a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepDone {
    /// With what outcome; absent where it was sent back unfinished.
    pub outcome: Option<StepOutcome>,
    /// By whom.
    pub by: Option<StaffId>,
    /// When.
    pub on: Option<NaiveDate>,
    /// Working days it took.
    pub working_days: u16,
}

/// How far a special procedure has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProcedureState {
    /// Asked for.
    Requested,
    /// Approved and running.
    Open,
    /// Not approved.
    Rejected,
    /// Ended.
    Closed,
}

/// 特别程序.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Procedure {
    /// Its kind.
    pub kind: String,
    /// How far it has come.
    pub state: ProcedureState,
    /// Who asked for it.
    pub requested_by: Option<StaffId>,
    /// When.
    pub requested_on: Option<NaiveDate>,
    /// Why.
    pub reason: Option<Sealed>,
    /// How long it is stated to take.
    pub limit: Option<Limit>,
    /// Its first day, once open.
    pub from: Option<NaiveDate>,
    /// Its last day, once closed.
    pub to: Option<NaiveDate>,
    /// To end by.
    pub due: Option<Deadline>,
    /// The promised clock stands still.
    pub stops_promised: bool,
    /// The legal clock stands still.
    pub stops_legal: bool,
    /// The legal basis.
    pub basis: Option<String>,
    /// 特别程序告知书.
    pub notice: Option<DocumentRef>,
}

/// 延期, asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExtensionRequest {
    /// Working days.
    pub days: u16,
    /// By whom, when and why.
    pub request: Pending,
}

/// A first act that waits for its second.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// Who asked.
    pub by: Option<StaffId>,
    /// When.
    pub on: Option<NaiveDate>,
    /// Why.
    pub reason: Sealed,
}

/// 更正.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CorrectionState {
    /// The event that is wrong.
    pub corrects: EventId,
    /// What and how.
    pub change: Correction,
    /// The first act; absent if only the second is known.
    pub request: Option<Pending>,
    /// Approved or rejected; absent while it waits.
    pub approved: Option<bool>,
}

/// 会签.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consultation {
    /// Who is asked.
    pub organisations: Vec<OrganisationId>,
    /// What.
    pub question: Option<Sealed>,
    /// To be answered by.
    pub due: NaiveDate,
    /// Since when.
    pub on: Option<NaiveDate>,
    /// What came back.
    pub answers: BTreeMap<OrganisationId, Sealed>,
}

/// 督办.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Urging {
    /// Who must answer.
    pub organisation: OrganisationId,
    /// 监察规则编号.
    pub rule: String,
    /// What.
    pub content: Sealed,
    /// Since when.
    pub on: Option<NaiveDate>,
    /// To be answered by.
    pub due: NaiveDate,
    /// The answer, once there.
    pub answer: Option<Sealed>,
}

/// 决定.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// What.
    pub outcome: DecisionOutcome,
    /// 决定书 number.
    pub number: ExternalNumber,
    /// By which organisation.
    pub organisation: OrganisationId,
    /// In whose name.
    pub in_name_of: OrganisationId,
    /// By what right.
    pub authority: Authority,
    /// The instrument that gives the right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instrument: Option<InstrumentRef>,
    /// By whom.
    pub by: Option<StaffId>,
    /// When.
    pub on: Option<NaiveDate>,
    /// Why.
    pub reason: Option<Sealed>,
    /// How to challenge it.
    pub remedy: Option<String>,
    /// The promised clock stopped here, and will not wait for closing.
    pub stops_promise: bool,
    /// A certificate or document is to be made of it.
    pub yields_result: bool,
}

/// 出件.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finish {
    /// 出件章 number.
    pub stamp: ExternalNumber,
    /// Where.
    pub organisation: OrganisationId,
    /// 收费, in fen.
    pub fee_fen: u32,
    /// By whom.
    pub by: Option<StaffId>,
}

/// 送达.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// How.
    pub method: DeliveryMethod,
    /// Who took it.
    pub recipient: Option<Sealed>,
    /// 送达回证.
    pub proof: Option<DocumentRef>,
    /// When.
    pub on: Option<NaiveDate>,
    /// Working days since the decision.
    pub days_after_decision: u16,
}

/// 并件: the other case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Merged {
    /// Which.
    pub case: CaseId,
    /// 办件编号.
    pub number: ExternalNumber,
}

/// 预警, raised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Warning {
    /// Which clock.
    pub clock: WarnedClock,
    /// Which threshold.
    pub threshold: Threshold,
    /// The date it is about: a deadline that moves can be missed again.
    pub due: NaiveDate,
    /// The policy version whose threshold it is.
    pub policy: u32,
}

/// A history taken in from elsewhere.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Legacy {
    /// Whose history.
    pub source: SourceName,
    /// Its id there.
    pub external_id: String,
    /// Its attributes, as given.
    pub attributes: BTreeMap<String, serde_json::Value>,
    /// How many activities it has.
    pub activities: u64,
    /// The earliest of them.
    pub first_at: Option<Instant>,
    /// The latest of them.
    pub last_at: Option<Instant>,
}

impl Case {
    /// Returns the step that is open, the one due first if several are.
    #[must_use]
    pub fn open_step(&self) -> Option<&Step> {
        self.steps.iter().filter(|step| step.done.is_none()).min_by_key(|step| step.due.date)
    }

    /// Returns the special procedures that run, by number.
    pub fn open_procedures(&self) -> impl Iterator<Item = (u16, &Procedure)> {
        let open = self.procedures.iter().filter(|(_, procedure)| procedure.state == ProcedureState::Open);
        open.map(|(number, procedure)| (*number, procedure))
    }

    /// Returns the notice that waits for its supplement.
    #[must_use]
    pub fn open_notice(&self) -> Option<&Notice> {
        self.notices.last().filter(|notice| notice.completed_on.is_none() && self.phase == Phase::SupplementPending)
    }

    /// Returns since when each clock stands still, where it does.
    #[must_use]
    pub fn pauses(&self) -> Pauses {
        let (promised, legal) = self.running_freezes();
        Pauses { promised: promised.min(), legal: legal.min() }
    }

    /// Returns the limits that still run: the legal one until the decision, the promised one until the decision or until
    /// closing, as the item says.
    #[must_use]
    pub fn running_clocks(&self) -> Clocks {
        let promise_stopped = self.decision.as_ref().is_some_and(|decision| decision.stops_promise);
        let Clocks { promised, legal } = if self.phase.is_open() { self.clocks.clone() } else { Clocks::default() };
        Clocks { promised: promised.filter(|_| !promise_stopped), legal: legal.filter(|_| self.decision.is_none()) }
    }

    /// Returns the light on this day.
    #[must_use]
    pub fn light(&self, day: NaiveDate) -> Light {
        self.running_clocks().light(day, &self.pauses())
    }

    /// Returns where the result is handed out.
    #[must_use]
    pub fn delivering(&self) -> Option<&OrganisationId> {
        let finished = self.finish.as_ref().map(|finish| &finish.organisation);
        finished.or_else(|| self.application.as_ref().map(|application| &application.intake))
    }

    /// Returns 受理之日.
    #[must_use]
    pub fn accepted_on(&self) -> Option<NaiveDate> {
        self.acceptance.as_ref().map(|acceptance| acceptance.effective_on)
    }

    /// Returns 决定之日.
    #[must_use]
    pub fn decided_on(&self) -> Option<NaiveDate> {
        self.decision.as_ref().and_then(|decision| decision.on)
    }

    /// Returns 办结之日.
    #[must_use]
    pub fn closed_on(&self) -> Option<NaiveDate> {
        self.closing.as_ref().map(|closing| closing.closed_on)
    }

    /// Returns the freezes of both clocks as they stand on `day`: those that ended, and those that run, up to that day.
    pub(super) fn freezes_on(&self, day: NaiveDate) -> (Vec<Freeze>, Vec<Freeze>) {
        let until_now = |from: NaiveDate| Freeze { from, to: day.max(from) };
        let ended = |deadline: &Option<Deadline>| deadline.as_ref().map_or_else(Vec::new, |d| d.freezes.clone());
        let (promised, legal) = self.running_freezes();
        let promised = ended(&self.clocks.promised).into_iter().chain(promised.map(until_now)).collect();
        let legal = ended(&self.clocks.legal).into_iter().chain(legal.map(until_now)).collect();
        (promised, legal)
    }

    /// The first days of what stops each clock now: open procedures, and a review notice that pauses the promise.
    fn running_freezes(&self) -> (impl Iterator<Item = NaiveDate>, impl Iterator<Item = NaiveDate>) {
        let stopping_promised = self.open_procedures().filter(|(_, procedure)| procedure.stops_promised);
        let stopping_legal = self.open_procedures().filter(|(_, procedure)| procedure.stops_legal);
        let notice = self.open_notice().filter(|notice| notice.pauses_promised).and_then(|notice| notice.on);
        let promised = stopping_promised.filter_map(|(_, procedure)| procedure.from).chain(notice);
        (promised, stopping_legal.filter_map(|(_, procedure)| procedure.from))
    }
}
