//! What was asked for, read back from what happened to a rating: so that history can be decided again under other rules.

use super::{Opinion, OpinionOrigin, RatingCommand, Standing};
use crate::event::RatingEvent;
use crate::event::rating::{Rated, RaterKind, RatingOrigin};
use crate::ids::SubjectId;
use crate::zone::Instant;
use chrono::TimeDelta;

/// Returns what was asked for by an act, given its first event; nothing where the event only follows from another.
#[must_use]
pub fn asked_again(event: &RatingEvent, occurred_at: Instant) -> Option<RatingCommand> {
    Some(match event {
        RatingEvent::RatingInvited(body) => {
            RatingCommand::Invite { about: body.about.clone(), stage: body.stage, service: body.service.clone() }
        }
        RatingEvent::Rated(body) if body.origin == RatingOrigin::Default => {
            RatingCommand::RateByDefault { about: body.about.clone(), stage: body.stage, service: body.service.clone() }
        }
        RatingEvent::Rated(body) => RatingCommand::Rate {
            about: body.about.clone(),
            stage: body.stage,
            opinion: opinion(body),
            real_name: body.real_name,
            rater: body.rater.clone(),
            service: body.service.clone(),
            standing: standing(body, occurred_at),
        },
        RatingEvent::RatingRevised(body) => {
            RatingCommand::Revise { opinion: opinion(&body.new), rater: body.new.rater.clone(), code_verified: true }
        }
        RatingEvent::RatingNotAdopted(body) => {
            RatingCommand::NotAdopt { verdict: body.verdict, reason: body.reason.clone() }
        }
        RatingEvent::OrderAssigned(body) => {
            RatingCommand::AssignOrder { organisation: body.organisation.clone(), staff: body.staff.clone() }
        }
        RatingEvent::OrderVerified(body) => {
            RatingCommand::VerifyOrder { verdict: body.verdict, finding: body.finding.clone() }
        }
        RatingEvent::OrderRectified(body) => {
            RatingCommand::RectifyOrder { how: body.how, measures: body.measures.clone() }
        }
        RatingEvent::OrderReplied(body) => RatingCommand::ReplyOrder { reply: body.reply.clone() },
        RatingEvent::OrderCalledBack(body) => {
            RatingCommand::CallBack { result: body.result, notes: body.notes.clone() }
        }
        RatingEvent::OrderAppealed(body) => RatingCommand::Appeal { grounds: body.grounds.clone() },
        RatingEvent::AppealReviewed(body) => {
            RatingCommand::ReviewAppeal { upheld: body.upheld, verdict: body.verdict, reason: body.reason.clone() }
        }
        RatingEvent::BadRatingOpened(_) | RatingEvent::OrderClosed(_) => return None,
    })
}

fn opinion(rated: &Rated) -> Opinion {
    let trace = rated.trace.clone();
    let origin = trace.map(|trace| OpinionOrigin { device: trace.device, network: trace.network, text: trace.text });
    Opinion {
        level: rated.level,
        indicators: rated.indicators.clone(),
        comment: rated.comment.clone(),
        channel: rated.channel,
        origin: origin.unwrap_or_default(),
    }
}

/// Whoever rated had the right to it; as what they rated is on record.
fn standing(rated: &Rated, occurred_at: Instant) -> Standing {
    let by = rated.trace.as_ref().map(|trace| trace.by);
    let rater = rated.rater.clone();
    let entitled = match by {
        Some(RaterKind::Applicant) => Vec::from_iter(rater),
        // Somebody else stands before the agent.
        Some(RaterKind::Agent) => somebody().into_iter().chain(rater).collect(),
        Some(RaterKind::CodeHolder | RaterKind::Staff | RaterKind::Anybody | RaterKind::Nobody) | None => Vec::new(),
    };
    let seconds = rated.trace.as_ref().and_then(|trace| trace.seconds_after);
    let ended_at = seconds.map(|seconds| occurred_at - TimeDelta::seconds(seconds.into()));
    Standing { stage_reached: true, entitled, code_verified: true, ended_at }
}

fn somebody() -> Option<SubjectId> {
    "somebody".parse().ok()
}
