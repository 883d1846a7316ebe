//! 好差评: one rating of one service, and the order that a bad one opens. A bad rating is never closed in silence.

use crate::actor::Role;
use crate::clock::{DayUnit, Limit};
use crate::decider::{Context, Decider};
use crate::event::RatingEvent;
use crate::event::item::RatingStage;
use crate::event::policy::{DefaultRating, PolicyRules};
use crate::event::rating::{
    BadRatingOpened, Rated, RatedService, RaterKind, RatingChannel, RatingInvited, RatingNotAdopted, RatingOrigin,
    RatingRevised, RatingSubject, RatingTrace, Satisfaction, Verdict,
};
use crate::ids::{RatingId, SubjectId};
use crate::sealed::Sealed;
use crate::zone::{Instant, day_of};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

mod again;
mod command;
mod order;
pub use again::asked_again;
pub use command::{Opinion, OpinionOrigin, RatingCommand, RatingRejection, Standing, TICKET_CHARS_MAX};
pub use order::{Appeal, Assignment, CALL_BACK_ATTEMPTS_MAX, Order, OrderStep};

/// One rating's stream.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Rating {
    /// 邀评, the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invitation: Option<RatingInvited>,
    /// The rating as it counts now, or as it counted when it was not adopted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rated: Option<Rated>,
    /// Why it does not count, where it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_adopted: Option<Verdict>,
    /// 差评工单, where the rating was bad once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<Order>,
}

/// 邀评 of one service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitations {
    /// How many.
    pub times: u16,
    /// The last one.
    pub last_on: NaiveDate,
}

impl RatingId {
    /// Returns the one stream for the ratings of this subject at this stage, where it may be rated once only: a case
    /// once per stage (一事一评), a visit once (现场服务“一次一评”). Items, staff and halls have as many as people give.
    #[must_use]
    pub fn once(about: &RatingSubject, stage: RatingStage) -> Option<Self> {
        let stage = match stage {
            RatingStage::Accept => "accept",
            RatingStage::Finish => "finish",
        };
        let name = match about {
            RatingSubject::Case(case) => format!("case-{case}-{stage}"),
            RatingSubject::Ticket(ticket) => format!("ticket-{ticket}-{stage}"),
            RatingSubject::Item(_) | RatingSubject::Staff(_) | RatingSubject::Hall(_) => return None,
        };
        name.parse().ok()
    }
}

use RatingCommand as Command;
use RatingRejection as Rejection;

impl Decider for Rating {
    type Command = RatingCommand;
    type Event = RatingEvent;
    type Rejection = RatingRejection;

    fn decide(&self, command: &Command, context: &Context<'_>) -> Result<Vec<RatingEvent>, Rejection> {
        match (&self.rated, command) {
            (None, Command::Rate { about, stage, opinion, real_name, rater, service, standing }) => {
                check_standing(about, standing, rater.as_ref(), *real_name)?;
                let subject = Subject {
                    about,
                    stage: *stage,
                    service,
                    origin: RatingOrigin::Active,
                    real_name: *real_name,
                    rater,
                    by: rater_kind(about, standing, rater.as_ref(), context),
                    ended_at: standing.ended_at,
                };
                rate(&subject, opinion, context)
            }
            (Some(_), Command::Rate { .. }) => Err(Rejection::AlreadyRated),

            (None, Command::Invite { about, stage, service }) => self.invite(about, *stage, service, context),
            // Whoever has rated is not asked again.
            (Some(_), Command::Invite { .. }) => Ok(vec![]),

            (None, Command::RateByDefault { about, stage, service }) => {
                rate_by_default(about, *stage, service, context)
            }
            // Somebody rated, or the default stands already.
            (Some(_), Command::RateByDefault { .. }) => Ok(vec![]),

            (None, _) => Err(Rejection::NotRated),
            (Some(rated), Command::Revise { opinion, rater, code_verified }) => {
                self.revise(rated, opinion, rater.as_ref(), *code_verified, context)
            }
            (Some(rated), Command::NotAdopt { verdict, reason }) => self.not_adopt(rated, *verdict, reason, context),
            (Some(_), order_command) => match &self.order {
                Some(order) => order.decide(order_command, context),
                None => Err(Rejection::NoOrder),
            },
        }
    }

    fn evolve(&mut self, event: &RatingEvent) {
        match event {
            RatingEvent::RatingInvited(invited) => self.invitation = Some(invited.clone()),
            RatingEvent::Rated(rated) => self.rated = Some(rated.clone()),
            RatingEvent::RatingRevised(RatingRevised { new, .. }) => self.rated = Some((**new).clone()),
            RatingEvent::RatingNotAdopted(RatingNotAdopted { verdict, .. }) => self.not_adopted = Some(*verdict),
            RatingEvent::BadRatingOpened(opened) => self.order = Some(Order::opened(opened)),
            RatingEvent::OrderAssigned(_)
            | RatingEvent::OrderVerified(_)
            | RatingEvent::OrderRectified(_)
            | RatingEvent::OrderReplied(_)
            | RatingEvent::OrderCalledBack(_)
            | RatingEvent::OrderAppealed(_)
            | RatingEvent::AppealReviewed(_)
            | RatingEvent::OrderClosed(_) => {
                if let Some(order) = &mut self.order {
                    order.evolve(event);
                }
            }
        }
    }
}

/// What is rated, by whom.
struct Subject<'a> {
    about: &'a RatingSubject,
    stage: RatingStage,
    service: &'a RatedService,
    origin: RatingOrigin,
    real_name: bool,
    rater: &'a Option<SubjectId>,
    by: RaterKind,
    ended_at: Option<Instant>,
}

/// As what somebody rates: whoever works here does so, whatever else they show.
fn rater_kind(
    about: &RatingSubject,
    standing: &Standing,
    rater: Option<&SubjectId>,
    context: &Context<'_>,
) -> RaterKind {
    if context.actor.role != Role::Resident {
        return RaterKind::Staff;
    }
    if !matches!(about, RatingSubject::Case(_) | RatingSubject::Ticket(_)) {
        return RaterKind::Anybody;
    }
    match rater.and_then(|rater| standing.entitled.iter().position(|entitled| entitled == rater)) {
        Some(0) => RaterKind::Applicant,
        Some(_) => RaterKind::Agent,
        None => RaterKind::CodeHolder,
    }
}

fn check_standing(
    about: &RatingSubject,
    standing: &Standing,
    rater: Option<&SubjectId>,
    real_name: bool,
) -> Result<(), Rejection> {
    if let RatingSubject::Ticket(ticket) = about
        && (TICKET_CHARS_MAX < ticket.chars().count() || RatingId::once(about, RatingStage::Finish).is_none())
    {
        return Err(Rejection::TicketMalformed);
    }
    if !standing.stage_reached {
        return Err(Rejection::StageNotReached);
    }
    if real_name && rater.is_none() {
        return Err(Rejection::RealNameWithoutRater);
    }
    match about {
        RatingSubject::Case(_) | RatingSubject::Ticket(_) => {
            let entitled = rater.is_some_and(|rater| standing.entitled.contains(rater));
            if entitled || standing.code_verified { Ok(()) } else { Err(Rejection::NotTheirsToRate) }
        }
        // 综合点评: anybody may say what they think of an item, a member of staff or a hall.
        RatingSubject::Item(_) | RatingSubject::Staff(_) | RatingSubject::Hall(_) => Ok(()),
    }
}

fn check_opinion(opinion: &Opinion, service: &RatedService, context: &Context<'_>) -> Result<(), Rejection> {
    if service.staff.as_ref() == Some(&context.actor.id) {
        return Err(Rejection::RatesOwnWork);
    }
    let mut answered = BTreeSet::new();
    if !opinion.indicators.iter().all(|choice| answered.insert(&choice.indicator)) {
        return Err(Rejection::IndicatorTwice);
    }
    let known = &context.reference.policies.at(day_of(context.occurred_at)).rules.indicators;
    let is_known = |id: &str| known.is_empty() || known.iter().any(|rule| rule.indicator == id);
    match opinion.indicators.iter().find(|choice| !is_known(&choice.indicator)) {
        None => Ok(()),
        Some(unknown) => Err(Rejection::IndicatorUnknown(unknown.indicator.clone())),
    }
}

fn rate(subject: &Subject<'_>, opinion: &Opinion, context: &Context<'_>) -> Result<Vec<RatingEvent>, Rejection> {
    let day = day_of(context.occurred_at);
    check_opinion(opinion, subject.service, context)?;
    if day < subject.service.ended_on {
        return Err(Rejection::StageNotReached);
    }
    let rated = rated(subject, opinion, context);
    if rated.window_ends < day && subject.origin == RatingOrigin::Active {
        return Err(Rejection::WindowOver(rated.window_ends));
    }
    let opened = opened_by(&rated, context);
    Ok(std::iter::once(rated.into()).chain(opened).collect())
}

fn rate_by_default(
    about: &RatingSubject,
    stage: RatingStage,
    service: &RatedService,
    context: &Context<'_>,
) -> Result<Vec<RatingEvent>, Rejection> {
    let day = day_of(context.occurred_at);
    let level = match context.reference.policies.at(day).rules.default_rating {
        DefaultRating::None => return Err(Rejection::NoDefaultRating),
        DefaultRating::Fair => Satisfaction::Fair,
        DefaultRating::VerySatisfied => Satisfaction::VerySatisfied,
    };
    let origin = OpinionOrigin::default();
    let opinion = Opinion { level, indicators: Vec::new(), comment: None, channel: RatingChannel::System, origin };
    let subject = Subject {
        about,
        stage,
        service,
        origin: RatingOrigin::Default,
        real_name: false,
        rater: &None,
        by: RaterKind::Nobody,
        ended_at: None,
    };
    let rated = rated(&subject, &opinion, context);
    match rated.window_ends < day {
        true => Ok(vec![rated.into()]),
        false => Err(Rejection::WindowOpen(rated.window_ends)),
    }
}

fn rated(subject: &Subject<'_>, opinion: &Opinion, context: &Context<'_>) -> Rated {
    let counting = context.reference.counting(day_of(context.occurred_at), None);
    let rules = &counting.policy.rules;
    Rated {
        about: subject.about.clone(),
        stage: subject.stage,
        level: opinion.level,
        indicators: opinion.indicators.clone(),
        indicators_version: rules.indicators_version,
        comment: opinion.comment.clone(),
        channel: opinion.channel,
        origin: subject.origin,
        real_name: subject.real_name,
        rater: subject.rater.clone(),
        service: subject.service.clone(),
        window_ends: counting.deadline(subject.service.ended_on, window(rules), &[]).date,
        score: score(rules, opinion.level),
        policy: counting.policy.version,
        trace: trace(subject, opinion, context),
    }
}

/// For how long a service may be rated.
#[must_use]
pub fn window(rules: &PolicyRules) -> Limit {
    Limit { days: rules.rating_days, unit: rules.rating_unit }
}

/// What can be told of where a given rating came from.
fn trace(subject: &Subject<'_>, opinion: &Opinion, context: &Context<'_>) -> Option<RatingTrace> {
    if subject.origin == RatingOrigin::Default {
        return None;
    }
    let after = |ended_at: Instant| u32::try_from((context.occurred_at - ended_at).num_seconds()).ok();
    Some(RatingTrace {
        by: subject.by,
        seconds_after: subject.ended_at.and_then(after),
        device: opinion.origin.device.clone(),
        network: opinion.origin.network.clone(),
        text: opinion.origin.text.clone(),
    })
}

/// Returns the points that a rating of this level counts for.
#[must_use]
pub fn score(rules: &PolicyRules, level: Satisfaction) -> u16 {
    let place = Satisfaction::ALL.iter().position(|known| *known == level);
    place.and_then(|place| rules.scores.get(place)).copied().unwrap_or(0)
}

/// A bad rating opens its order in the same breath.
fn opened_by(rated: &Rated, context: &Context<'_>) -> Option<RatingEvent> {
    let day = day_of(context.occurred_at);
    let counting = context.reference.counting(day, None);
    let limit = Limit { days: counting.policy.rules.order_days.assign, unit: DayUnit::Working };
    rated.level.is_bad().then(|| {
        let service = rated.service.clone();
        let assign_due = counting.deadline(day, limit, &[]).date;
        BadRatingOpened { service, real_name: rated.real_name, assign_due }.into()
    })
}

impl Rating {
    /// 邀评: as often and as far apart as the policy says, while the service can still be rated.
    fn invite(
        &self,
        about: &RatingSubject,
        stage: RatingStage,
        service: &RatedService,
        context: &Context<'_>,
    ) -> Result<Vec<RatingEvent>, Rejection> {
        let day = day_of(context.occurred_at);
        let counting = context.reference.counting(day, None);
        let rules = counting.policy.rules.invitations.ok_or(Rejection::NoInvitation)?;
        let window_ends = counting.deadline(service.ended_on, window(&counting.policy.rules), &[]).date;
        if window_ends < day {
            return Err(Rejection::WindowOver(window_ends));
        }
        let times = self.invitation.as_ref().map_or(0, |invited| invited.time);
        if rules.times_max <= times {
            return Err(Rejection::NoInvitation);
        }
        let since = self.invitation.as_ref().map(|invited| (day - invited.on).num_days());
        if since.is_some_and(|days| days < i64::from(rules.again_after_days)) {
            return Ok(vec![]);
        }
        let (about, service, policy) = (about.clone(), service.clone(), counting.policy.version);
        Ok(vec![RatingInvited { about, stage, time: times + 1, on: day, service, window_ends, policy }.into()])
    }

    /// Returns the rating if it counts: the latest adopted one.
    #[must_use]
    pub fn counted(&self) -> Option<&Rated> {
        self.rated.as_ref().filter(|_| self.not_adopted.is_none())
    }

    fn revise(
        &self,
        old: &Rated,
        opinion: &Opinion,
        rater: Option<&SubjectId>,
        code_verified: bool,
        context: &Context<'_>,
    ) -> Result<Vec<RatingEvent>, Rejection> {
        let same_person = rater.is_some() && rater == old.rater.as_ref();
        // The code of a receipt stands for the person it was given to, who may have rated without a name.
        if !same_person && !(code_verified && (rater.is_none() || old.rater.is_none())) {
            return Err(Rejection::NotTheSameRater);
        }
        if self.not_adopted.is_some() {
            return Err(Rejection::NotAdopted);
        }
        if old.window_ends < day_of(context.occurred_at) {
            return Err(Rejection::WindowOver(old.window_ends));
        }
        check_opinion(opinion, &old.service, context)?;
        let subject = Subject {
            about: &old.about,
            stage: old.stage,
            service: &old.service,
            origin: RatingOrigin::Active,
            real_name: old.real_name,
            rater: &old.rater,
            by: old.trace.as_ref().map_or(RaterKind::Applicant, |trace| trace.by),
            ended_at: None,
        };
        let new = Rated { window_ends: old.window_ends, ..rated(&subject, opinion, context) };
        let said = |rated: &Rated| (rated.level, rated.indicators.clone(), rated.comment.clone());
        if said(&new) == said(old) {
            return Ok(vec![]);
        }
        let opened = if self.order.is_none() { opened_by(&new, context) } else { None };
        let revised = RatingRevised { old: Box::new(old.clone()), new: Box::new(new) };
        Ok(std::iter::once(revised.into()).chain(opened).collect())
    }

    fn not_adopt(
        &self,
        rated: &Rated,
        verdict: Verdict,
        reason: &Sealed,
        context: &Context<'_>,
    ) -> Result<Vec<RatingEvent>, Rejection> {
        match self.not_adopted {
            Some(known) if known == verdict => return Ok(vec![]),
            Some(_) => return Err(Rejection::NotAdopted),
            None => (),
        }
        if rated.service.staff.as_ref() == Some(&context.actor.id) {
            return Err(Rejection::PersonComplainedAbout);
        }
        // A bad rating must have been verified so by its order; other ratings have none to speak for them.
        let verified = self.order.as_ref().is_none_or(|order| order.verdict == Some(verdict));
        if !verified || !matches!(verdict, Verdict::Mistaken | Verdict::Malicious) {
            return Err(Rejection::NotVerifiedSo);
        }
        Ok(vec![RatingNotAdopted { rating: Box::new(rated.clone()), verdict, reason: reason.clone() }.into()])
    }
}

#[cfg(test)]
mod tests;
