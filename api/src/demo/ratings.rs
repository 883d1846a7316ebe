//! What an applicant says of a case that ended.

use super::DemoError;
use super::dice::Dice;
use super::sealing::Sealing;
use crate::vault::Keyring;
use domain::case::Case;
use domain::event::item::RatingStage;
use domain::event::rating::{IndicatorChoice, RatingChannel, RatingSubject, Satisfaction};
use domain::ids::{CaseId, RatingId, SubjectId};
use domain::rating::{Opinion, OpinionOrigin, RatingCommand, Standing};

/// Returns the rating's stream and what is asked of it; none while the case has not ended.
pub(super) fn rate(
    id: CaseId,
    case: &Case,
    subject: &SubjectId,
    level: Satisfaction,
    dice: &mut Dice,
    sealing: &Sealing<'_>,
    keys: &Keyring,
) -> Result<Option<(RatingId, RatingCommand)>, DemoError> {
    let Some(service) = case.rated_service(RatingStage::Finish) else { return Ok(None) };
    let about = RatingSubject::Case(id);
    let Some(rating) = RatingId::once(&about, RatingStage::Finish) else { return Ok(None) };
    let comment = (level.is_bad() || dice.chance(0.06)).then(|| {
        let words = if level.is_bad() {
            "跑了两趟才办好,希望一次说清"
        } else {
            "很方便,在家门口就办好了"
        };
        sealing.text_in(keys, subject, &format!("rating-{rating}"), words)
    });
    let comment = comment.transpose()?;
    let opinion = Opinion {
        level,
        indicators: vec![IndicatorChoice { indicator: "service-attitude".to_owned(), level }],
        comment,
        channel: channel(dice),
        origin: OpinionOrigin::default(),
    };
    let standing =
        Standing { stage_reached: true, entitled: vec![subject.clone()], code_verified: false, ended_at: None };
    Ok(Some((
        rating,
        RatingCommand::Rate {
            about,
            stage: RatingStage::Finish,
            opinion,
            real_name: true,
            rater: Some(subject.clone()),
            service,
            standing,
        },
    )))
}

fn channel(dice: &mut Dice) -> RatingChannel {
    const CHANNELS: [RatingChannel; 6] = [
        RatingChannel::Tablet,
        RatingChannel::Sms,
        RatingChannel::QrCode,
        RatingChannel::Mobile,
        RatingChannel::Web,
        RatingChannel::Phone,
    ];
    CHANNELS[dice.weighted(&[0.46, 0.16, 0.16, 0.14, 0.05, 0.03])]
}
