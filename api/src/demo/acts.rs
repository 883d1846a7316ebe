//! From an act of the script to who does it and what they ask for.

use super::DemoError;
use super::certificates;
use super::city::{self, CHIEFS, CLERKS, HANDLERS};
use super::dice::Dice;
use super::script::Act;
use super::sealing::Sealing;
use crate::node::system_actor;
use crate::vault::Keyring;
use chrono::{Days, NaiveDate};
use domain::actor::{Actor, Channel, Role};
use domain::case::evidence::would_stand_for;
use domain::case::{Case, CaseCommand, DataShareAsked, ProcedureState};
use domain::catalogue::ItemVersion;
use domain::certificate::Certificate;
use domain::event::case::{
    AcceptanceKind, DecisionOutcome, DeliveryMethod, DocumentRef, MaterialAttached, MaterialPresented, Missing,
    Presented, StepOutcome, TrustLevel,
};
use domain::event::evidence::DataShareOutcome;
use domain::event::item::{Authority, Replacement};
use domain::ids::{
    CaseId, CertificateId, ExternalNumber, IdError, MaterialCode, OrganisationId, PaperId, SituationCode, StaffId,
    SubjectId,
};
use domain::policy::Policies;
use domain::sealed::Sealed;
use domain::zone::{Instant, day_of};
use std::collections::{BTreeMap, BTreeSet};
use ulid::Ulid;

/// What an act needs to know of its case.
pub(super) struct Stage<'a> {
    pub(super) case: &'a Case,
    pub(super) item: &'a ItemVersion,
    pub(super) subject: &'a SubjectId,
    /// The applicant's key.
    pub(super) keys: &'a Keyring,
    pub(super) dice: &'a mut Dice,
    pub(super) sealing: &'a Sealing<'a>,
    /// Serial numbers for printed documents.
    pub(super) serial: &'a mut u64,
    pub(super) at: Instant,
    pub(super) id: CaseId,
    /// What the city's library has.
    pub(super) certificates: &'a BTreeMap<CertificateId, Certificate>,
    /// Which of them stand for what.
    pub(super) policies: &'a Policies,
}

/// Returns who does the act.
pub(super) fn actor(act: &Act, stage: &mut Stage<'_>) -> Result<Actor, IdError> {
    let application = stage.case.application.as_ref();
    let handling = application.map(|application| &application.handling);
    let holding = stage.case.at.as_ref().or(handling);
    let Some(holding) = holding.cloned() else { return Ok(system_actor()) };
    let hall = handling.cloned().unwrap_or_else(|| holding.clone());
    let deciding = application.map(|application| application.deciding.clone());
    let village = stage.item.definition.authority == Authority::VillageSelf;
    match act {
        _ if village && in_the_village(act) => post(&holding, Role::VillageAgent, 1, None),
        Act::Receive
        | Act::Notice
        | Act::Supplement
        | Act::Accept
        | Act::AcceptTolerantly
        | Act::NotRequired
        | Act::RefuseIntake
        | Act::Return
        | Act::Lapse
        | Act::Spare(_)
        | Act::Bring(_)
        | Act::BringPromised
        | Act::Route => clerk(&holding, stage),
        Act::Claim
        | Act::StartStep(_)
        | Act::FinishStep(_)
        | Act::SendBack(_)
        | Act::RequestPause { .. }
        | Act::ClosePause
        | Act::RequestExtension
        | Act::Forward
        | Act::RequestAbort
        | Act::AnswerUrging => handler(&holding, stage),
        Act::ReadWarning | Act::AnswerWarning => match stage.case.acceptance {
            Some(_) => handler(&holding, stage),
            None => clerk(&holding, stage),
        },
        // Whoever took it in elsewhere has no power to decide it; the hall of the applicant's own township has.
        Act::HandleAtOnce { .. } => clerk(&hall, stage),
        Act::Decide { .. } => chief(&deciding.unwrap_or(holding), stage),
        Act::ApprovePause | Act::ApproveAbort => chief(&holding, stage),
        Act::ApproveExtension => post(&holding, Role::OrganHead, 1, None),
        Act::MakeResult => post(&holding, Role::CertificateMaker, 1, None),
        Act::Finish | Act::Deliver | Act::Archive => post(&hall, Role::DeliveryClerk, 1, None),
        Act::Withdraw { by_staff: true } => clerk(&hall, stage),
        Act::Withdraw { by_staff: false } | Act::Rate { .. } => resident(stage.subject, &hall),
        Act::Urge => supervisor(&hall),
        Act::KeyedInLater { act, .. } => actor(act, stage),
    }
}

/// What the village's own items need no hall for.
fn in_the_village(act: &Act) -> bool {
    !matches!(
        act,
        Act::Withdraw { by_staff: false } | Act::Rate { .. } | Act::Urge | Act::ApproveAbort | Act::ApprovePause
    )
}

fn clerk(at: &OrganisationId, stage: &mut Stage<'_>) -> Result<Actor, IdError> {
    let received_by = stage.case.receipt.as_ref().and_then(|receipt| receipt.by.clone());
    let ordinal = stage.dice.between(1, i64::from(CLERKS)).unsigned_abs() as u32;
    let mut actor = post(at, Role::Clerk, ordinal, Some(ordinal))?;
    if let Some(by) = received_by.filter(|by| by.as_str().starts_with(&format!("{at}-{}", Role::Clerk))) {
        actor.id = by;
    }
    Ok(actor)
}

fn handler(at: &OrganisationId, stage: &mut Stage<'_>) -> Result<Actor, IdError> {
    let ordinal = stage.dice.between(1, i64::from(HANDLERS)).unsigned_abs() as u32;
    let mut actor = post(at, Role::Handler, ordinal, None)?;
    if let Some(holder) = stage.case.holder.clone().filter(|holder| works_at(holder, at, Role::Handler)) {
        actor.id = holder;
    }
    Ok(actor)
}

fn chief(at: &OrganisationId, stage: &mut Stage<'_>) -> Result<Actor, IdError> {
    let ordinal = stage.dice.between(1, i64::from(CHIEFS)).unsigned_abs() as u32;
    post(at, Role::Chief, ordinal, None)
}

fn works_at(staff: &StaffId, at: &OrganisationId, role: Role) -> bool {
    staff.as_str().strip_prefix(at.as_str()).is_some_and(|rest| rest.starts_with(&format!("-{role}")))
}

pub(super) fn post(at: &OrganisationId, role: Role, ordinal: u32, window: Option<u32>) -> Result<Actor, IdError> {
    Ok(Actor {
        id: city::staff(at, role, ordinal)?,
        role,
        organisation: at.clone(),
        window: window.map(city::window).transpose()?,
        acting_for: None,
        channel: Channel::Window,
    })
}

fn supervisor(near: &OrganisationId) -> Result<Actor, IdError> {
    let county: OrganisationId = near.as_str().chars().take(6).collect::<String>().parse()?;
    post(&county, Role::Supervisor, 1, None)
}

/// The applicant, from home or at the window.
pub(super) fn resident(subject: &SubjectId, at: &OrganisationId) -> Result<Actor, IdError> {
    Ok(Actor {
        id: subject.as_str().parse()?,
        role: Role::Resident,
        organisation: at.clone(),
        window: None,
        acting_for: None,
        channel: Channel::Mobile,
    })
}

/// Returns what is asked for; none where the act makes no sense any more.
pub(super) fn command(act: &Act, stage: &mut Stage<'_>) -> Result<Option<CaseCommand>, DemoError> {
    let command = match act {
        Act::Receive => CaseCommand::Receive {
            receipt: stage.number("SJ")?,
            materials_received_on: None,
            materials: stage.materials(),
            rating_code_digest: stage.sealing.digest("rating-code", stage.dice.bits()),
        },
        Act::Notice => CaseCommand::IssueNotice {
            number: stage.number("BZ")?,
            missing: stage.missing()?,
            in_library: stage.in_library(),
            method: "hand".to_owned(),
        },
        Act::Supplement => CaseCommand::Supplement { materials: stage.outstanding() },
        Act::Accept => stage.accept(AcceptanceKind::Normal)?,
        Act::AcceptTolerantly => stage.accept(AcceptanceKind::Tolerant)?,
        Act::HandleAtOnce { granted } => CaseCommand::HandleAtOnce {
            acceptance: stage.number("SL")?,
            decision: stage.number("JD")?,
            outcome: outcome(*granted),
            reason: (!granted).then(|| stage.text("经核实不符合规定条件")).transpose()?,
            remedy: (!granted).then(remedy),
            stamp: stage.number("CJ")?,
        },
        Act::Route => CaseCommand::Route { to: stage.holding()?, step: None, hand_over: stage.number("JJ")? },
        Act::Claim => CaseCommand::Claim,
        Act::StartStep(step) => CaseCommand::StartStep { step: step.clone() },
        Act::FinishStep(step) => CaseCommand::FinishStep {
            step: step.clone(),
            outcome: StepOutcome::Passed,
            opinion: stage.dice.chance(0.4).then(|| stage.text("情况属实,同意")).transpose()?,
        },
        Act::SendBack(step) => CaseCommand::SendBack {
            to: step.clone(),
            reason: stage.text("材料记载与入户情况不一致,请重新核实")?,
        },
        Act::RequestPause { kind, with_notice } => CaseCommand::RequestSpecialProcedure {
            kind: kind.clone(),
            reason: stage.text("按规定开展")?,
            limit: None,
            notice: if *with_notice { Some(stage.document("TB")?) } else { None },
        },
        Act::ApprovePause => match stage.procedure(ProcedureState::Requested) {
            Some(procedure) => CaseCommand::ApproveSpecialProcedure { procedure },
            None => return Ok(None),
        },
        Act::ClosePause => match stage.procedure(ProcedureState::Open) {
            Some(procedure) => {
                CaseCommand::CloseSpecialProcedure { procedure, result: stage.text("已完成,无异议")? }
            }
            None => return Ok(None),
        },
        Act::RequestExtension => {
            CaseCommand::RequestExtension { days: 10, reason: stage.text("情况复杂,需进一步核实")? }
        }
        Act::ApproveExtension => CaseCommand::ApproveExtension { notice: stage.document("YQ")? },
        Act::Forward => CaseCommand::Forward {
            to: None,
            package: stage.case.materials.keys().cloned().collect(),
            hand_over: Some(stage.number("JJ")?),
        },
        Act::Decide { granted, with_reason } => CaseCommand::Decide {
            outcome: outcome(*granted),
            number: stage.number("JD")?,
            reason: (!granted && *with_reason).then(|| stage.text("经审查不符合规定条件")).transpose()?,
            remedy: (!granted && *with_reason).then(remedy),
        },
        Act::MakeResult => CaseCommand::MakeResult {
            name: stage.item.definition.result_zh.clone(),
            number: stage.number("ZZ")?,
            valid_until: None,
            sha256: None,
        },
        Act::Finish => CaseCommand::Finish { stamp: stage.number("CJ")?, fee_fen: 0 },
        Act::Deliver => CaseCommand::Deliver {
            method: stage.delivery(),
            recipient: Some(stage.text("本人签收")?),
            proof: Some(stage.document("SD")?),
        },
        Act::Archive => CaseCommand::Archive {
            package: stage.number("DA")?,
            sha256: stage.sealing.digest("archive", stage.dice.bits()),
        },
        Act::NotRequired => CaseCommand::NotRequired {
            reason: stage.text("该事项无需申请")?,
            basis: "行政许可法第三十二条第一款第一项".to_owned(),
        },
        Act::RefuseIntake => CaseCommand::RefuseIntake {
            reason: stage.text("不属于本机关职权范围")?,
            competent_organ: "户籍所在地公安派出所".to_owned(),
            notice: stage.document("BY")?,
        },
        Act::Return => CaseCommand::Return { reason: stage.text("材料不清晰,请重新提交")? },
        Act::Lapse => CaseCommand::Lapse { reminders: vec!["短信提醒2次".to_owned()] },
        Act::Withdraw { by_staff } => CaseCommand::Withdraw {
            reason: stage.text("申请人自愿撤回")?,
            evidence: if *by_staff && stage.dice.chance(0.6) { None } else { Some(stage.document("CH")?) },
        },
        Act::RequestAbort => CaseCommand::RequestAbort { reason: stage.text("申请人已去世")? },
        Act::ApproveAbort => CaseCommand::ApproveAbort,
        Act::Urge => CaseCommand::Urge {
            organisation: None,
            rule: "JC-03".to_owned(),
            content: stage.text("请按承诺时限办结")?,
            due: stage.day() + Days::new(3),
        },
        Act::AnswerUrging => match stage.case.urgings.keys().next_back() {
            Some(urging) => CaseCommand::AnswerUrging { urging: *urging, answer: stage.text("已安排专人办理")? },
            None => return Ok(None),
        },
        Act::ReadWarning => CaseCommand::ReadWarning,
        Act::AnswerWarning => {
            CaseCommand::AnswerWarning { answer: stage.text("已督促经办人，将按期办结")? }
        }
        Act::Rate { .. } => return Ok(None),
        Act::BringPromised => match stage.case.promised_materials.first() {
            Some(code) => CaseCommand::AttachMaterial(stage.paper(code.clone())?),
            None => return Ok(None),
        },
        Act::Spare(code) => return stage.spare(code).map(Some),
        Act::Bring(code) => CaseCommand::AttachMaterial(stage.paper(code.clone())?),
        Act::KeyedInLater { act, .. } => return self::command(act, stage),
    };
    Ok(Some(command))
}

fn outcome(granted: bool) -> DecisionOutcome {
    if granted { DecisionOutcome::Granted } else { DecisionOutcome::Denied }
}

fn remedy() -> String {
    "可自收到决定之日起六十日内申请行政复议,或六个月内提起行政诉讼".to_owned()
}

/// Throws the situations of an item that hold for somebody who applies for oneself.
pub(super) fn situations(item: &ItemVersion, dice: &mut Dice) -> BTreeSet<SituationCode> {
    let possible = item.definition.situations.iter().filter(|situation| !situation.by_agent);
    possible.filter(|_| dice.chance(0.1)).map(|situation| situation.code.clone()).collect()
}

/// Returns how the materials of an item are handed in by somebody who has them all.
pub(super) fn materials(
    item: &ItemVersion,
    situations: &BTreeSet<SituationCode>,
    spared: &BTreeSet<MaterialCode>,
) -> Vec<MaterialPresented> {
    let asked = item.definition.materials.iter().filter(|material| material.is_needed_in(situations));
    asked
        .filter(|material| !spared.contains(&material.code))
        .map(|material| MaterialPresented {
            code: material.code.clone(),
            how: presented(material.replaceable_by),
            paper: None,
        })
        .collect()
}

fn presented(replacement: Replacement) -> Presented {
    match replacement {
        Replacement::Generated | Replacement::Internal => Presented::Generated,
        Replacement::ECert | Replacement::DataShare => Presented::Copy,
        Replacement::Commitment => Presented::Commitment,
        Replacement::Partial => Presented::Upload,
        Replacement::None => Presented::Original,
    }
}

impl Stage<'_> {
    fn day(&self) -> NaiveDate {
        day_of(self.at)
    }

    /// The resident's certificate stands for the paper if the library has it; else the city's data are asked.
    fn spare(&mut self, code: &MaterialCode) -> Result<CaseCommand, DemoError> {
        let id = self.sealing.certificate_id(self.subject, code);
        if let Some(certificate) = self.certificates.get(&id) {
            let reliance = Box::new(self.sealing.reliance(id, 1, certificate));
            return Ok(CaseCommand::ReplaceMaterial { code: code.clone(), reliance });
        }
        let outcome = certificates::answer(self.dice);
        let answered = !matches!(outcome, DataShareOutcome::TimedOut | DataShareOutcome::Refused);
        let said = format!("{{\"dataset\":\"{code}\",\"result\":\"{}\"}}", outcome.as_str());
        let snapshot = answered.then(|| self.text(&said)).transpose()?;
        let asked = DataShareAsked {
            service: certificates::DATA_SERVICE.parse()?,
            dataset: code.to_string(),
            about: self.subject.clone(),
            asked_at: self.at,
            answered_at: answered.then_some(self.at),
            outcome,
            receipt: if answered { Some(self.number("GX")?) } else { None },
            answer_sha256: answered.then(|| self.sealing.digest("data-share-answer", self.dice.bits())),
            snapshot,
        };
        Ok(CaseCommand::CheckDataShare { code: code.clone(), asked: Box::new(asked) })
    }

    /// Returns the next number of a kind of document, unique in the city.
    pub(super) fn number(&mut self, kind: &str) -> Result<ExternalNumber, IdError> {
        *self.serial += 1;
        format!("{kind}{}{:07}", self.day().format("%Y%m%d"), self.serial).parse()
    }

    /// Stores a small paper, as somebody would have brought it.
    fn paper(&mut self, code: MaterialCode) -> Result<MaterialAttached, DemoError> {
        let millis = u64::try_from(self.at.timestamp_millis()).unwrap_or_default();
        let paper = PaperId(Ulid::from_parts(millis, self.dice.bits() >> 48));
        let (bytes, sha256) = self.sealing.paper(self.keys, self.subject, self.id, paper)?;
        let media_type = "application/pdf".to_owned();
        Ok(MaterialAttached { paper, code, sha256, bytes, media_type, trust: TrustLevel::B })
    }

    fn document(&mut self, kind: &str) -> Result<DocumentRef, IdError> {
        Ok(DocumentRef { number: self.number(kind)?, sha256: None })
    }

    fn text(&self, words: &str) -> Result<Sealed, DemoError> {
        self.sealing.text(self.keys, self.subject, self.id, words)
    }

    fn holding(&self) -> Result<OrganisationId, IdError> {
        let application = self.case.application.as_ref();
        self.case
            .at
            .clone()
            .or_else(|| application.map(|application| application.handling.clone()))
            .map_or_else(|| "361000".parse(), Ok)
    }

    fn materials(&self) -> Vec<MaterialPresented> {
        self.case.application.as_ref().map(|application| application.materials.clone()).unwrap_or_default()
    }

    /// One or two of the item's materials that are never right the first time.
    fn missing(&mut self) -> Result<Vec<Missing>, DemoError> {
        let required: Vec<_> = self
            .item
            .definition
            .materials
            .iter()
            .filter(|material| material.required)
            .map(|material| material.code.clone())
            .collect();
        if required.is_empty() {
            return Ok(Vec::new());
        }
        let first = self.dice.pick(&required).clone();
        let defect = self.dice.chance(0.5).then(|| self.text("复印件不清晰")).transpose()?;
        Ok(vec![Missing { code: first, defect }])
    }

    /// The materials for which the library has something of the resident.
    fn in_library(&self) -> BTreeSet<MaterialCode> {
        let (materials, day) = (&self.item.definition.materials, self.day());
        let ids = materials.iter().map(|material| self.sealing.certificate_id(self.subject, &material.code));
        let held: Vec<Certificate> = ids.filter_map(|id| self.certificates.get(&id).cloned()).collect();
        would_stand_for(&held, materials, &self.policies.at(day).rules, day)
    }

    fn outstanding(&self) -> Vec<MaterialPresented> {
        self.case
            .outstanding
            .iter()
            .map(|code| MaterialPresented { code: code.clone(), how: Presented::Original, paper: None })
            .collect()
    }

    fn accept(&mut self, kind: AcceptanceKind) -> Result<CaseCommand, DemoError> {
        let tolerable: Vec<_> = self
            .item
            .definition
            .materials
            .iter()
            .filter(|material| material.tolerant)
            .map(|material| material.code.clone())
            .collect();
        let tolerant = kind == AcceptanceKind::Tolerant;
        Ok(CaseCommand::Accept {
            number: self.number("SL")?,
            kind,
            missing: if tolerant { tolerable.into_iter().take(1).collect() } else { Vec::new() },
            promised_materials_by: tolerant.then(|| self.day() + Days::new(14)),
            commitment: if tolerant { Some(self.document("CN")?) } else { None },
        })
    }

    fn procedure(&self, state: ProcedureState) -> Option<u16> {
        self.case.procedures.iter().rev().find(|(_, procedure)| procedure.state == state).map(|(number, _)| *number)
    }

    fn delivery(&mut self) -> DeliveryMethod {
        match self.dice.weighted(&[0.7, 0.18, 0.12]) {
            0 => DeliveryMethod::Direct,
            1 => DeliveryMethod::Electronic,
            _ => DeliveryMethod::Post,
        }
    }
}
