//! T1 to T11: from the application to acceptance.

use super::action::Action;
use super::consent;
use super::decide::Decided;
use super::desk::Desk;
use super::permits::acts_for;
use super::state::Case;
use super::{CaseCommand, Phase, Rejection, Submit};
use crate::actor::Role;
use crate::catalogue::ItemVersion;
use crate::decider::Context;
use crate::event::CaseEvent;
use crate::event::case::*;
use crate::event::item::{Authority, Level, MaterialRequirement, Replacement};
use crate::ids::{ExternalNumber, MaterialCode, OrganisationId, RegionCode, SituationCode};
use crate::organisation::Organisations;
use crate::region;
use crate::sealed::Sealed;
use crate::service_point::takes_in;
use crate::zone::day_of;
use chrono::NaiveDate;
use std::collections::BTreeSet;

impl Case {
    /// T1 申请.
    pub(super) fn submit(&self, submit: &Submit, context: &Context<'_>) -> Decided {
        let command = CaseCommand::Submit(submit.clone());
        super::permits::permits(context.actor, &command)?;
        if self.has_done(&command, context) {
            return Ok(Vec::new());
        }
        if self.phase != Phase::Unopened {
            return Err(Rejection::AlreadySubmitted);
        }
        if context.now < context.occurred_at {
            return Err(Rejection::OccurredInFuture);
        }
        let version = version_in_force(submit, context)?;
        may_apply(submit, version, context)?;
        let submitted = submitted(submit, version, context).map(CaseEvent::from)?;
        let relied_on = self.relied_on(submit, &submitted, context)?;
        Ok(std::iter::once(submitted).chain(relied_on).collect())
    }
}

impl Case {
    /// 免证 from the first click: what stands for a paper of the application, judged on the case that it opens. What the
    /// city's data said goes on record, whatever it was, and the case goes on.
    fn relied_on(&self, submit: &Submit, submitted: &CaseEvent, context: &Context<'_>) -> Decided {
        let certified = claimed(&submit.materials, Presented::ECert);
        let shared = claimed(&submit.materials, Presented::DataShare);
        if certified.is_empty() && shared.is_empty() {
            return Ok(Vec::new());
        }
        let mut opened = self.clone();
        opened.evolve_by(submitted, context.occurred_at, context.actor);
        let desk = opened.on_desk(context)?;
        let mut relied_on = Vec::new();
        for code in certified {
            let named = submit.certificates.get(code);
            let reliance = named.ok_or_else(|| Rejection::CertificateNotNamed(code.clone()))?;
            relied_on.extend(desk.replace_material(code, reliance)?);
        }
        for code in shared {
            let asked = submit.data_shares.get(code).ok_or_else(|| Rejection::DataShareNotAsked(code.clone()))?;
            let check = CaseCommand::CheckDataShare { code: code.clone(), asked: Box::new(asked.clone()) };
            super::permits::permits(context.actor, &check)?;
            let checked = opened.on_desk(context)?.check_data_share(code, asked)?;
            checked.iter().for_each(|event| opened.evolve_by(event, context.occurred_at, context.actor));
            relied_on.extend(checked);
        }
        Ok(relied_on)
    }
}

fn claimed(materials: &[MaterialPresented], how: Presented) -> BTreeSet<&MaterialCode> {
    materials.iter().filter(|material| material.how == how).map(|material| &material.code).collect()
}

fn version_in_force<'a>(submit: &Submit, context: &Context<'a>) -> Result<&'a ItemVersion, Rejection> {
    let item = context.reference.catalogue.get(&submit.item).ok_or(Rejection::UnknownItem)?;
    item.in_force(day_of(context.occurred_at)).ok_or(Rejection::ItemNotInForce)
}

fn may_apply(submit: &Submit, version: &ItemVersion, context: &Context<'_>) -> Result<(), Rejection> {
    let Context { actor, reference, .. } = context;
    let organisations = &reference.organisations;
    let kind = organisations
        .get(&submit.intake)
        .filter(|intake| intake.exists_on(day_of(context.occurred_at)))
        .map(crate::organisation::Organisation::kind)
        .ok_or(Rejection::UnknownOrganisation)?;
    if !takes_in(kind, &version.definition) {
        return Err(Rejection::IntakeLevelNotAllowed);
    }
    if !version.definition.is_for(submit.applicant.kind) {
        return Err(Rejection::ApplicantKindNotAllowed);
    }
    for material in &submit.materials {
        requirement(version, &material.code)?;
    }
    let definition = &version.definition;
    let is_known = |code: &SituationCode| definition.situations.iter().any(|situation| situation.code == *code);
    if let Some(unknown) = submit.situations.iter().find(|code| !is_known(code)) {
        return Err(Rejection::UnknownSituation(unknown.clone()));
    }
    // The form was checked at the door, by the catalogue as it stood then; a case keeps the form in force.
    match (submit.form_version, &definition.form) {
        (Some(_), None) => return Err(Rejection::NoForm),
        (Some(checked), Some(form)) if checked != form.version => return Err(Rejection::FormOutdated(form.version)),
        (Some(_) | None, Some(_) | None) => (),
    }
    let parties = std::iter::once(&submit.applicant).chain(&submit.agent);
    let is_party = |subject| parties.into_iter().any(|party| party.subject == subject);
    match actor.role {
        Role::Resident if !actor.subject().is_some_and(is_party) => Err(Rejection::NotOwnCase),
        Role::Resident => Ok(()),
        _ if !acts_for(organisations, &actor.organisation, &submit.intake) => Err(Rejection::OrganisationDoesNotHold),
        Role::VillageAgent if version.definition.authority != Authority::VillageSelf => {
            consent::covers(submit.consent.as_ref(), Action::Submit, day_of(context.occurred_at))
        }
        _ => Ok(()),
    }
}

fn submitted(submit: &Submit, version: &ItemVersion, context: &Context<'_>) -> Result<CaseSubmitted, Rejection> {
    let organisations = &context.reference.organisations;
    let handling = handling(submit, version, organisations)?;
    let anomalies = Vec::from_iter(submit.duplicate_of.map(|_| Anomaly::DuplicateApplication));
    Ok(CaseSubmitted {
        number: submit.number.clone(),
        source: submit.source.clone(),
        item: submit.item.clone(),
        item_version: version.version,
        kind: version.definition.kind,
        authority: version.definition.authority,
        channel: submit.channel,
        applicant: submit.applicant.clone(),
        agent: submit.agent.clone(),
        beneficiaries: submit.beneficiaries.clone(),
        consent: submit.consent.clone(),
        form: submit.form.clone(),
        form_version: submit.form_version,
        situations: situations(submit, version),
        intake: submit.intake.clone(),
        deciding: organisations.deciding_for(version, &handling),
        handling,
        region: submit.region.clone(),
        // What the city's data stand for is told by their answer, beside.
        materials: submit.materials.iter().filter(|it| it.how != Presented::DataShare).cloned().collect(),
        duplicate_of: submit.duplicate_of,
        anomalies,
    })
}

/// What the applicant chose, and what is plain from the application.
fn situations(submit: &Submit, version: &ItemVersion) -> BTreeSet<SituationCode> {
    let plain = version.definition.situations.iter().filter(|situation| situation.by_agent && submit.agent.is_some());
    submit.situations.iter().chain(plain.map(|situation| &situation.code)).cloned().collect()
}

/// Who handles the case: the station where it handles its own items, else the hall of the applicant's own township.
fn handling(
    submit: &Submit,
    version: &ItemVersion,
    organisations: &Organisations,
) -> Result<OrganisationId, Rejection> {
    let intake = &submit.intake;
    let here = organisations.township_of(intake).unwrap_or(intake);
    let home = submit.region.as_ref().and_then(|region| home_hall(region, organisations)).unwrap_or(here);
    // A centre above the applicant's township is theirs too.
    if home != here && !version.definition.cross_township && !organisations.contains(intake, home) {
        return Err(Rejection::OutsideIntakeRange);
    }
    if version.definition.decided_at == Level::Village {
        return Ok(intake.clone());
    }
    Ok(home.clone())
}

/// The hall of the township in which the applicant lives, where that is one of ours.
fn home_hall<'a>(region: &RegionCode, organisations: &'a Organisations) -> Option<&'a OrganisationId> {
    let township = region::township_of(region)?;
    let hall = organisations.hall_of_region(&township)?;
    organisations.township_of(hall)
}

pub(super) fn requirement<'a>(
    version: &'a ItemVersion,
    code: &MaterialCode,
) -> Result<&'a MaterialRequirement, Rejection> {
    let mut materials = version.definition.materials.iter();
    materials.find(|material| material.code == *code).ok_or_else(|| Rejection::UnknownMaterial(code.clone()))
}

impl Desk<'_> {
    pub(super) fn attach(&self, paper: &MaterialAttached) -> Decided {
        requirement(self.version, &paper.code)?;
        Ok(vec![paper.clone().into()])
    }

    /// T2 收件.
    pub(super) fn receive(
        &self,
        receipt: &ExternalNumber,
        materials_received_on: Option<NaiveDate>,
        materials: &[MaterialPresented],
        rating_code_digest: &str,
    ) -> Decided {
        let organisation = self.receiving_organisation()?;
        self.over_the_counter(materials)?;
        let received_on = materials_received_on.unwrap_or(self.day);
        if self.day < received_on {
            return Err(Rejection::OccurredInFuture);
        }
        if self.case.submitted_on.is_some_and(|submitted_on| received_on < submitted_on) {
            return Err(Rejection::OccurredBeforePredecessor);
        }
        let notice_days = self.counting.policy.rules.notice_days;
        let limit = self.due_in_working_days(notice_days).limit;
        let waited = self.case.submitted_on.map(|on| self.counting.working_days_between(on, self.day));
        let late = waited.is_some_and(|days| notice_days < days);
        let organisations = &self.reference.organisations;
        Ok(vec![
            CaseReceived {
                receipt: receipt.clone(),
                outside_hours: organisations.outside_hours(&organisation, self.occurred_at, &self.reference.calendar),
                organisation,
                materials_received_on: received_on,
                materials: materials.to_vec(),
                notice_due: self.counting.deadline(received_on, limit, &[]),
                deems: self.rules.deemed_acceptance,
                rating_code_digest: rating_code_digest.to_owned(),
                anomalies: Vec::from_iter(late.then_some(Anomaly::LateReceipt)),
                printed: None,
            }
            .into(),
        ])
    }

    /// Papers over the counter; a certificate stands for one by being named, so that it is relied on as it is, and the
    /// city's data by having confirmed it in this case.
    fn over_the_counter(&self, materials: &[MaterialPresented]) -> Result<(), Rejection> {
        for MaterialPresented { code, how, .. } in materials {
            requirement(self.version, code)?;
            match how {
                Presented::ECert => return Err(Rejection::CertificateNotNamed(code.clone())),
                Presented::DataShare if !self.case.is_confirmed_by_data(code) => {
                    return Err(Rejection::DataShareNotAsked(code.clone()));
                }
                Presented::DataShare
                | Presented::Original
                | Presented::Copy
                | Presented::Upload
                | Presented::Commitment
                | Presented::Generated => (),
            }
        }
        Ok(())
    }

    /// The clerk's own organisation, if the item is taken in at its level; a higher one receives for the intake.
    fn receiving_organisation(&self) -> Result<OrganisationId, Rejection> {
        let own = &self.actor.organisation;
        let kind = self.reference.organisations.get(own).map(crate::organisation::Organisation::kind);
        let kind = kind.ok_or(Rejection::UnknownOrganisation)?;
        if takes_in(kind, self.rules) {
            return Ok(own.clone());
        }
        match kind.level() {
            Level::Village | Level::Township => Err(Rejection::IntakeLevelNotAllowed),
            Level::County | Level::City => Ok(self.application.intake.clone()),
        }
    }

    /// T3 即时告知不受理.
    pub(super) fn not_required(&self, reason: &Sealed, basis: &str) -> Decided {
        let closing = self.closing(ClosingKind::NotRequired, &self.application.intake);
        Ok(vec![NotRequiredTold { reason: reason.clone(), basis: basis.to_owned(), closing }.into()])
    }

    /// T4 不予受理.
    pub(super) fn refuse_intake(&self, reason: &Sealed, competent_organ: &str, notice: &DocumentRef) -> Decided {
        let closing = self.closing(ClosingKind::RefusedIntake, &self.application.intake);
        let competent_organ = competent_organ.to_owned();
        let (reason, notice) = (reason.clone(), notice.clone());
        Ok(vec![IntakeRefused { reason, competent_organ, notice, closing, printed: None }.into()])
    }

    /// T5 当场更正.
    pub(super) fn correct_on_the_spot(&self, field: &str, old: &Sealed, new: &Sealed) -> Decided {
        Ok(vec![CorrectedOnTheSpot { field: field.to_owned(), old: old.clone(), new: new.clone() }.into()])
    }

    /// T6 and T16 一次性告知.
    pub(super) fn issue_notice(
        &self,
        number: &ExternalNumber,
        missing: &[Missing],
        in_library: &BTreeSet<MaterialCode>,
        method: &str,
    ) -> Decided {
        if missing.is_empty() {
            return Err(Rejection::NothingMissing);
        }
        for material in missing {
            requirement(self.version, &material.code)?;
        }
        let asked_for: BTreeSet<&MaterialCode> = missing.iter().map(|missing| &missing.code).collect();
        let stage = self.notice_stage();
        let review = stage == NoticeStage::Review;
        let late = !review && self.case.notice_due.as_ref().is_some_and(|due| due.is_over(self.day));
        let anomalies = [
            (!self.case.notices.is_empty()).then_some(Anomaly::SecondNotice),
            late.then_some(Anomaly::LateNotice),
            (review && !self.rules.review_notice_pauses).then_some(Anomaly::ReviewNoticeWithoutBasis),
        ];
        Ok(vec![
            OneTimeNoticeIssued {
                number: number.clone(),
                stage,
                missing: missing.to_vec(),
                in_library: asked_for.into_iter().filter(|code| in_library.contains(*code)).cloned().collect(),
                method: method.to_owned(),
                supplement_by: self.rules.supplement_days.map(|days| self.due_in_working_days(days).date),
                pauses_promised: review && self.rules.review_notice_pauses,
                anomalies: anomalies.into_iter().flatten().collect(),
                printed: None,
            }
            .into(),
        ])
    }

    /// Before acceptance, or during review.
    fn notice_stage(&self) -> NoticeStage {
        if self.case.acceptance.is_some() { NoticeStage::Review } else { NoticeStage::Intake }
    }

    /// T7 补正.
    pub(super) fn supplement(&self, materials: &[MaterialPresented]) -> Decided {
        if materials.is_empty() {
            return Err(Rejection::NothingSupplied);
        }
        self.over_the_counter(materials)?;
        self.supplemented(materials)
    }

    /// What a notice asked for is there, on paper or otherwise.
    pub(super) fn supplemented(&self, materials: &[MaterialPresented]) -> Decided {
        let brought: BTreeSet<&MaterialCode> = materials.iter().map(|material| &material.code).collect();
        let complete = self.case.outstanding.iter().all(|code| brought.contains(code));
        let open = self.case.open_notice().ok_or(Rejection::NoNoticeOpen)?;
        let intake = open.stage == NoticeStage::Intake;
        let notice_days = self.counting.policy.rules.notice_days;
        Ok(vec![
            SupplementProvided {
                materials: materials.to_vec(),
                completed_on: complete.then_some(self.day),
                notice_due: (complete && intake).then(|| self.due_in_working_days(notice_days)),
                clocks: (complete && open.pauses_promised).then(|| self.clocks_on(self.day)),
            }
            .into(),
        ])
    }

    /// T8 逾期未补正.
    pub(super) fn lapse(&self, reminders: &[String]) -> Decided {
        let supplement_by = self.case.open_notice().and_then(|notice| notice.supplement_by);
        let supplement_by = supplement_by.ok_or(Rejection::NeverLapses)?;
        let closing = self.closing(ClosingKind::SupplementLapsed, &self.application.intake);
        Ok(vec![SupplementLapsed { supplement_by, reminders: reminders.to_vec(), closing }.into()])
    }

    /// T9 受理, T11 容缺受理 and 告知承诺.
    pub(super) fn accept(
        &self,
        number: &ExternalNumber,
        kind: AcceptanceKind,
        named: &[MaterialCode],
        promised_materials_by: Option<NaiveDate>,
        commitment: Option<&DocumentRef>,
    ) -> Decided {
        let missing = self.missing_materials(named)?;
        match kind {
            AcceptanceKind::Deemed => return Err(Rejection::DeemedByRuleOnly),
            AcceptanceKind::Normal if !missing.is_empty() => return Err(Rejection::MaterialsIncomplete(missing)),
            AcceptanceKind::Normal => (),
            AcceptanceKind::Tolerant => {
                self.can_wait_for(&missing, |material| material.tolerant)?;
                commitment.and(promised_materials_by).ok_or(Rejection::CommitmentMissing)?;
            }
            AcceptanceKind::Commitment => {
                if !self.rules.commitment_allowed {
                    return Err(Rejection::CommitmentNotAllowed);
                }
                commitment.ok_or(Rejection::CommitmentMissing)?;
                self.can_wait_for(&missing, |material| {
                    material.tolerant || material.replaceable_by == Replacement::Commitment
                })?;
            }
        }
        let supplemented_on = self.case.notices.iter().filter_map(|notice| notice.completed_on).max();
        let effective_on = supplemented_on.unwrap_or(self.day);
        let accepted = self.acceptance(kind, effective_on, &self.accepting_organisation());
        let late = self.case.notice_due.as_ref().is_some_and(|due| due.is_over(self.day));
        Ok(vec![
            CaseAccepted {
                number: Some(number.clone()),
                missing,
                promised_materials_by,
                commitment: commitment.cloned(),
                anomalies: Vec::from_iter(late.then_some(Anomaly::LateAcceptance)),
                ..accepted
            }
            .into(),
        ])
    }

    /// A hall above the one that has the case accepts for it, in its place.
    fn accepting_organisation(&self) -> OrganisationId {
        let own = &self.actor.organisation;
        let above = self.reference.organisations.contains(own, self.at());
        let kind = self.reference.organisations.get(own).map(crate::organisation::Organisation::kind);
        let takes = kind.is_some_and(|kind| takes_in(kind, self.rules));
        if above && !takes { self.at().clone() } else { own.clone() }
    }

    /// What the item demands and nobody brought, and what the clerk names as missing besides.
    fn missing_materials(&self, named: &[MaterialCode]) -> Result<Vec<MaterialCode>, Rejection> {
        let asked_of_applicant = |material: &&MaterialRequirement| {
            material.is_needed_in(&self.application.situations)
                && !matches!(material.replaceable_by, Replacement::Internal | Replacement::Generated)
                && !self.case.materials.contains_key(&material.code)
        };
        let demanded = self.rules.materials.iter().filter(asked_of_applicant).map(|material| material.code.clone());
        let mut missing: BTreeSet<MaterialCode> = demanded.collect();
        for code in named {
            missing.insert(requirement(self.version, code)?.code.clone());
        }
        Ok(missing.into_iter().collect())
    }

    fn can_wait_for(
        &self,
        missing: &[MaterialCode],
        can_wait: impl Fn(&MaterialRequirement) -> bool,
    ) -> Result<(), Rejection> {
        if missing.is_empty() {
            return Err(Rejection::NothingToTolerate);
        }
        let waits = |code: &MaterialCode| requirement(self.version, code).is_ok_and(&can_wait);
        let key: Vec<MaterialCode> = missing.iter().filter(|code| !waits(code)).cloned().collect();
        if key.is_empty() { Ok(()) } else { Err(Rejection::NotTolerable(key)) }
    }

    /// Whether the window passed without a notice, and the law then takes the case as accepted (Art. 32(4)).
    ///
    /// Where the calendar was amended since the receipt, the later of both dates counts.
    pub(super) fn is_deemable(&self) -> bool {
        let deems = self.case.receipt.as_ref().is_some_and(|receipt| receipt.deems);
        let over = self
            .case
            .notice_due
            .as_ref()
            .is_some_and(|due| due.is_over(self.day) && self.counting.recount(due).is_over(self.day));
        self.case.phase == Phase::Received && deems && over
    }

    /// T10 视为受理: from the day of receipt, or the day all supplements were there.
    pub(super) fn deemed_acceptance(&self) -> CaseEvent {
        let receipt_day = self.case.notice_due.as_ref().map_or(self.day, |due| due.start);
        let accepted = self.acceptance(AcceptanceKind::Deemed, receipt_day, self.at());
        CaseAccepted { anomalies: vec![Anomaly::DeemedAcceptance], ..accepted }.into()
    }

    fn acceptance(&self, kind: AcceptanceKind, effective_on: NaiveDate, organisation: &OrganisationId) -> CaseAccepted {
        let received_on = self.case.receipt.as_ref().map_or(effective_on, |receipt| receipt.materials_received_on);
        let ahead = self.rules.steps.iter().filter(|step| !step.before_acceptance);
        CaseAccepted {
            number: None,
            kind,
            effective_on,
            organisation: organisation.clone(),
            missing: Vec::new(),
            promised_materials_by: None,
            commitment: None,
            clocks: self.clocks_from(effective_on),
            lag_days: self.counting.working_days_between(received_on, effective_on),
            steps: ahead.map(|step| step.code.clone()).collect(),
            dimensions: self.dimensions(),
            anomalies: Vec::new(),
            printed: None,
        }
    }

    /// Timely evidence, keyed in later, takes a deemed acceptance back.
    pub(super) fn reversal(&self, evidence: Action, effective_on: NaiveDate) -> CaseEvent {
        DeemedAcceptanceReversed {
            evidence: evidence.as_str().to_owned(),
            evidence_on: self.day,
            dimensions: self.dimensions(),
            effective_on,
        }
        .into()
    }
}
