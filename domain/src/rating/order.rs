//! 差评工单: assigned, verified, rectified, answered, called back, closed; perhaps appealed against.

use super::{RatingCommand as Command, RatingRejection as Rejection};
use crate::clock::{DayUnit, Limit};
use crate::decider::Context;
use crate::event::RatingEvent;
use crate::event::rating::{
    AppealReviewed, BadRatingOpened, CallBackResult, OrderAppealed, OrderAssigned, OrderCalledBack, OrderClosed,
    OrderRectified, OrderReplied, OrderVerified, RatedService, Rectification, Verdict,
};
use crate::ids::{OrganisationId, StaffId};
use crate::sealed::Sealed;
use crate::zone::day_of;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// After this many attempts that reached nobody the order may close.
pub const CALL_BACK_ATTEMPTS_MAX: u16 = 3;

/// The order that a bad rating opened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// The rated service.
    pub service: RatedService,
    /// 实名: must be called back.
    pub real_name: bool,
    /// To be assigned by.
    pub assign_due: NaiveDate,
    /// Who answers for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignment: Option<Assignment>,
    /// What verification, or the review of an appeal, found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// To be rectified by, where it was true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rectify_due: Option<NaiveDate>,
    /// It was rectified.
    #[serde(default)]
    pub rectified: bool,
    /// To be answered by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_due: Option<NaiveDate>,
    /// To be called back by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call_back_due: Option<NaiveDate>,
    /// The rater was told.
    pub replied: bool,
    /// Call-backs so far.
    pub attempts: u16,
    /// One of them reached the rater.
    pub reached: bool,
    /// 申诉.
    pub appeal: Appeal,
    /// To be reviewed by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review_due: Option<NaiveDate>,
    /// It is done.
    pub closed: bool,
}

/// Who answers for an order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Assignment {
    /// Which organisation.
    pub organisation: OrganisationId,
    /// Who.
    pub staff: StaffId,
    /// To be verified by.
    pub verify_due: NaiveDate,
}

/// How an appeal stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Appeal {
    /// There was none.
    None,
    /// It waits for its review.
    Pending,
    /// It was reviewed.
    Reviewed,
}

/// What an order waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OrderStep {
    /// Somebody to answer for it.
    Assign,
    /// 核实.
    Verify,
    /// 整改.
    Rectify,
    /// 回复.
    Reply,
    /// 回访.
    CallBack,
    /// 复核 of an appeal; all else is done.
    Review,
    /// Nothing.
    Closed,
}

impl Order {
    pub(super) fn opened(opened: &BadRatingOpened) -> Self {
        Self {
            service: opened.service.clone(),
            real_name: opened.real_name,
            assign_due: opened.assign_due,
            assignment: None,
            verdict: None,
            rectify_due: None,
            rectified: false,
            reply_due: None,
            call_back_due: None,
            replied: false,
            attempts: 0,
            reached: false,
            appeal: Appeal::None,
            review_due: None,
            closed: false,
        }
    }

    /// Returns what the order waits for.
    #[must_use]
    pub fn step(&self) -> OrderStep {
        match self.verdict {
            _ if self.closed => OrderStep::Closed,
            None if self.assignment.is_none() => OrderStep::Assign,
            None => OrderStep::Verify,
            Some(Verdict::True) if !self.rectified => OrderStep::Rectify,
            Some(_) if !self.replied => OrderStep::Reply,
            Some(_) if self.is_call_back_owed() => OrderStep::CallBack,
            Some(_) => OrderStep::Review,
        }
    }

    /// Returns the day by which what it waits for is due, where a limit was set.
    #[must_use]
    pub fn due(&self) -> Option<NaiveDate> {
        match self.step() {
            OrderStep::Assign => Some(self.assign_due),
            OrderStep::Verify => self.assignment.as_ref().map(|assignment| assignment.verify_due),
            OrderStep::Rectify => self.rectify_due,
            OrderStep::Reply => self.reply_due,
            OrderStep::CallBack => self.call_back_due,
            OrderStep::Review => self.review_due,
            OrderStep::Closed => None,
        }
    }

    /// Who rated without a name cannot be called; who was reached, or not three times, need not be called again.
    fn is_call_back_owed(&self) -> bool {
        self.real_name && !self.reached && self.attempts < CALL_BACK_ATTEMPTS_MAX
    }

    pub(super) fn decide(&self, command: &Command, context: &Context<'_>) -> Result<Vec<RatingEvent>, Rejection> {
        match command {
            _ if self.closed => Err(Rejection::OrderClosed),
            Command::AssignOrder { organisation, staff } => self.assign(organisation, staff, context),
            Command::VerifyOrder { verdict, finding } => self.verify(*verdict, finding, context),
            Command::RectifyOrder { how, measures } => self.rectify(*how, measures, context),
            Command::ReplyOrder { reply } => self.reply(reply, context),
            Command::CallBack { result, notes } => self.call_back(*result, notes.clone(), context),
            Command::Appeal { grounds } => self.appeal(grounds, context),
            Command::ReviewAppeal { upheld, verdict, reason } => self.review(*upheld, *verdict, reason, context),
            Command::Invite { .. } | Command::Rate { .. } | Command::RateByDefault { .. } => {
                Err(Rejection::AlreadyRated)
            }
            // The rating itself answers these before its order is asked.
            Command::Revise { .. } | Command::NotAdopt { .. } => Ok(vec![]),
        }
    }

    fn assign(
        &self,
        organisation: &OrganisationId,
        staff: &StaffId,
        context: &Context<'_>,
    ) -> Result<Vec<RatingEvent>, Rejection> {
        if self.verdict.is_some() {
            return Err(Rejection::AlreadyVerified);
        }
        if self.concerns(staff) {
            return Err(Rejection::PersonComplainedAbout);
        }
        if context.reference.organisations.get(organisation).is_none() {
            return Err(Rejection::NoSuchOrganisation);
        }
        let known = self.assignment.as_ref();
        if known.is_some_and(|known| known.organisation == *organisation && known.staff == *staff) {
            return Ok(vec![]);
        }
        let verify_due = due(context, |days| days.verify);
        Ok(vec![OrderAssigned { organisation: organisation.clone(), staff: staff.clone(), verify_due }.into()])
    }

    fn verify(&self, verdict: Verdict, finding: &Sealed, context: &Context<'_>) -> Result<Vec<RatingEvent>, Rejection> {
        let Some(assignment) = &self.assignment else { return Err(Rejection::NotAssigned) };
        if self.verdict.is_some() {
            return Err(Rejection::AlreadyVerified);
        }
        if self.concerns(&context.actor.id) {
            return Err(Rejection::PersonComplainedAbout);
        }
        if assignment.staff != context.actor.id {
            return Err(Rejection::AssignedToSomebodyElse);
        }
        let is_true = verdict == Verdict::True;
        let rectify_due = is_true.then(|| due(context, |days| days.rectify));
        let reply_due = (!is_true).then(|| due(context, |days| days.call_back));
        let service = self.service.clone();
        Ok(vec![OrderVerified { verdict, finding: finding.clone(), rectify_due, reply_due, service }.into()])
    }

    fn rectify(
        &self,
        how: Rectification,
        measures: &Sealed,
        context: &Context<'_>,
    ) -> Result<Vec<RatingEvent>, Rejection> {
        match self.verdict {
            None => return Err(Rejection::NotVerified),
            Some(Verdict::True) => (),
            Some(Verdict::Mistaken | Verdict::Malicious | Verdict::OutOfScope) => {
                return Err(Rejection::NothingToRectify);
            }
        }
        if self.rectified {
            return Err(Rejection::AlreadyRectified);
        }
        let today = day_of(context.occurred_at);
        let rectified = OrderRectified {
            how,
            measures: measures.clone(),
            in_time: self.rectify_due.is_none_or(|last| today <= last),
            call_back_due: due(context, |days| days.call_back),
            service: self.service.clone(),
        };
        // A finding that became true only by a review may have been answered, and called back about, before.
        let done = self.replied && !self.is_call_back_owed() && self.appeal != Appeal::Pending;
        Ok(std::iter::once(rectified.into()).chain(done.then(|| self.closing(self.reached))).collect())
    }

    fn reply(&self, reply: &Sealed, context: &Context<'_>) -> Result<Vec<RatingEvent>, Rejection> {
        match self.step() {
            OrderStep::Assign | OrderStep::Verify => return Err(Rejection::NotVerified),
            OrderStep::Rectify => return Err(Rejection::NotRectified),
            OrderStep::Reply => (),
            OrderStep::CallBack | OrderStep::Review | OrderStep::Closed => return Err(Rejection::AlreadyReplied),
        }
        let in_time = self.reply_due.is_none_or(|last| day_of(context.occurred_at) <= last);
        let to_call_back = self.real_name && self.call_back_due.is_none();
        let call_back_due = to_call_back.then(|| due(context, |days| days.call_back));
        let replied = OrderReplied { reply: reply.clone(), in_time, call_back_due, service: self.service.clone() };
        // Nobody can be called where nobody is named, so the answer ends it.
        let done = !self.real_name && self.appeal != Appeal::Pending;
        Ok(std::iter::once(replied.into()).chain(done.then(|| self.closing(false))).collect())
    }

    fn call_back(
        &self,
        result: CallBackResult,
        notes: Option<Sealed>,
        context: &Context<'_>,
    ) -> Result<Vec<RatingEvent>, Rejection> {
        if self.concerns(&context.actor.id) {
            return Err(Rejection::PersonComplainedAbout);
        }
        match self.step() {
            OrderStep::Assign | OrderStep::Verify => return Err(Rejection::NotVerified),
            OrderStep::Rectify => return Err(Rejection::NotRectified),
            OrderStep::Reply => return Err(Rejection::NotReplied),
            OrderStep::CallBack => (),
            OrderStep::Review | OrderStep::Closed => return Err(Rejection::CallBackDone),
        }
        let attempt = self.attempts + 1;
        let reached = result != CallBackResult::NotReached;
        let called = OrderCalledBack { result, attempt, notes, service: self.service.clone() };
        let enough = reached || CALL_BACK_ATTEMPTS_MAX <= attempt;
        let done = enough && self.appeal != Appeal::Pending;
        Ok(std::iter::once(called.into()).chain(done.then(|| self.closing(reached))).collect())
    }

    fn appeal(&self, grounds: &Sealed, context: &Context<'_>) -> Result<Vec<RatingEvent>, Rejection> {
        if !self.concerns(&context.actor.id) {
            return Err(Rejection::NotConcerned);
        }
        match (self.verdict, self.appeal) {
            (None, _) => Err(Rejection::NotVerified),
            (Some(_), Appeal::Pending | Appeal::Reviewed) => Err(Rejection::AlreadyAppealed),
            (Some(_), Appeal::None) => {
                let review_due = Some(due(context, |days| days.review));
                Ok(vec![OrderAppealed { grounds: grounds.clone(), review_due }.into()])
            }
        }
    }

    fn review(
        &self,
        upheld: bool,
        verdict: Verdict,
        reason: &Sealed,
        context: &Context<'_>,
    ) -> Result<Vec<RatingEvent>, Rejection> {
        if self.appeal != Appeal::Pending {
            return Err(Rejection::NoAppealPending);
        }
        if self.concerns(&context.actor.id) {
            return Err(Rejection::PersonComplainedAbout);
        }
        if self.assignment.as_ref().is_some_and(|assignment| assignment.staff == context.actor.id) {
            return Err(Rejection::ReviewsOwnFinding);
        }
        if upheld == (self.verdict == Some(verdict)) {
            return Err(Rejection::VerdictContradictsReview);
        }
        let service = self.service.clone();
        let to_rectify = verdict == Verdict::True && !self.rectified;
        let late = to_rectify && self.rectify_due.is_none();
        let rectify_due = late.then(|| due(context, |days| days.rectify));
        let reviewed = AppealReviewed { upheld, verdict, rectify_due, reason: reason.clone(), service };
        let done = !to_rectify && self.replied && !self.is_call_back_owed();
        Ok(std::iter::once(reviewed.into()).chain(done.then(|| self.closing(self.reached))).collect())
    }

    fn closing(&self, reached: bool) -> RatingEvent {
        OrderClosed { reached, service: self.service.clone() }.into()
    }

    fn concerns(&self, staff: &StaffId) -> bool {
        self.service.staff.as_ref() == Some(staff)
    }

    pub(super) fn evolve(&mut self, event: &RatingEvent) {
        match event {
            RatingEvent::OrderAssigned(OrderAssigned { organisation, staff, verify_due }) => {
                let (organisation, staff) = (organisation.clone(), staff.clone());
                self.assignment = Some(Assignment { organisation, staff, verify_due: *verify_due });
            }
            RatingEvent::OrderVerified(OrderVerified { verdict, rectify_due, reply_due, .. }) => {
                self.verdict = Some(*verdict);
                self.rectify_due = *rectify_due;
                self.reply_due = *reply_due;
            }
            RatingEvent::OrderRectified(OrderRectified { call_back_due, .. }) => {
                self.rectified = true;
                self.reply_due = Some(*call_back_due);
                self.call_back_due = Some(*call_back_due);
            }
            RatingEvent::OrderReplied(OrderReplied { call_back_due, .. }) => {
                self.replied = true;
                self.call_back_due = call_back_due.or(self.call_back_due);
            }
            RatingEvent::OrderCalledBack(OrderCalledBack { result, attempt, .. }) => {
                self.attempts = *attempt;
                self.reached |= *result != CallBackResult::NotReached;
            }
            RatingEvent::OrderAppealed(OrderAppealed { review_due, .. }) => {
                self.appeal = Appeal::Pending;
                self.review_due = *review_due;
            }
            RatingEvent::AppealReviewed(AppealReviewed { verdict, rectify_due, .. }) => {
                self.appeal = Appeal::Reviewed;
                self.verdict = Some(*verdict);
                self.rectify_due = rectify_due.or(self.rectify_due);
            }
            RatingEvent::OrderClosed(_) => self.closed = true,
            // These are the rating's own.
            RatingEvent::RatingInvited(_)
            | RatingEvent::Rated(_)
            | RatingEvent::RatingRevised(_)
            | RatingEvent::RatingNotAdopted(_)
            | RatingEvent::BadRatingOpened(_) => (),
        }
    }
}

/// The date of an order's step that begins today.
fn due(context: &Context<'_>, days: impl Fn(&crate::event::policy::OrderDays) -> u16) -> NaiveDate {
    let today = day_of(context.occurred_at);
    let counting = context.reference.counting(today, None);
    let limit = Limit { days: days(&counting.policy.rules.order_days), unit: DayUnit::Working };
    counting.deadline(today, limit, &[]).date
}
