//! What may be asked of a rating, and why it is refused.

use crate::event::item::RatingStage;
use crate::event::rating::{
    CallBackResult, IndicatorChoice, RatedService, RatingChannel, RatingSubject, Rectification, Satisfaction, Verdict,
};
use crate::ids::{OrganisationId, StaffId, SubjectId};
use crate::sealed::Sealed;
use crate::zone::Instant;
use chrono::NaiveDate;

/// What the rated stream says of the right to rate it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The case or visit has come to the stage that is rated.
    pub stage_reached: bool,
    /// The applicant and the agent shown on the case or ticket.
    pub entitled: Vec<SubjectId>,
    /// The one-time code printed on the receipt was given.
    pub code_verified: bool,
    /// When the service ended, where that is known to the moment.
    pub ended_at: Option<Instant>,
}

/// What somebody says of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opinion {
    /// 满意度.
    pub level: Satisfaction,
    /// Answers to the indicators.
    pub indicators: Vec<IndicatorChoice>,
    /// 文字评价, sealed.
    pub comment: Option<Sealed>,
    /// Through which channel.
    pub channel: RatingChannel,
    /// Where it came from, as keyed digests.
    pub origin: OpinionOrigin,
}

/// Where an opinion came from: keyed digests, made at the door.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OpinionOrigin {
    /// Of the device.
    pub device: Option<String>,
    /// Of the network.
    pub network: Option<String>,
    /// Of the words.
    pub text: Option<String>,
}

/// What may be asked of a rating.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "a command lives once, for as long as it is decided")]
pub enum RatingCommand {
    /// 邀评, by the rule.
    Invite {
        /// About what.
        about: RatingSubject,
        /// At which stage.
        stage: RatingStage,
        /// The service to be rated.
        service: RatedService,
    },
    /// T31 评价.
    Rate {
        /// About what.
        about: RatingSubject,
        /// At which stage.
        stage: RatingStage,
        /// What is said.
        opinion: Opinion,
        /// 实名.
        real_name: bool,
        /// Who, where known.
        rater: Option<SubjectId>,
        /// The service that is rated.
        service: RatedService,
        /// The right to rate it.
        standing: Standing,
    },
    /// Nobody rated within the window, and the policy then speaks.
    RateByDefault {
        /// About what.
        about: RatingSubject,
        /// At which stage.
        stage: RatingStage,
        /// The service that was not rated.
        service: RatedService,
    },
    /// The same rater thought again.
    Revise {
        /// What is said now.
        opinion: Opinion,
        /// Who, where known.
        rater: Option<SubjectId>,
        /// The one-time code printed on the receipt was given.
        code_verified: bool,
    },
    /// 不予采纳.
    NotAdopt {
        /// Why: mistaken or malicious.
        verdict: Verdict,
        /// In words, sealed.
        reason: Sealed,
    },
    /// Somebody is to answer for the order (谁办理谁负责).
    AssignOrder {
        /// Which organisation.
        organisation: OrganisationId,
        /// Who.
        staff: StaffId,
    },
    /// 核实.
    VerifyOrder {
        /// The finding.
        verdict: Verdict,
        /// In words, sealed.
        finding: Sealed,
    },
    /// 整改.
    RectifyOrder {
        /// How.
        how: Rectification,
        /// In words, sealed.
        measures: Sealed,
    },
    /// 回复.
    ReplyOrder {
        /// What, sealed.
        reply: Sealed,
    },
    /// 回访.
    CallBack {
        /// How it went.
        result: CallBackResult,
        /// In words, sealed.
        notes: Option<Sealed>,
    },
    /// 申诉 by the staff concerned.
    Appeal {
        /// Why, sealed.
        grounds: Sealed,
    },
    /// 复核.
    ReviewAppeal {
        /// The appeal was right.
        upheld: bool,
        /// The finding that holds now.
        verdict: Verdict,
        /// In words, sealed.
        reason: Sealed,
    },
}

/// Why a rating stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RatingRejection {
    /// Each service is rated once; within the window the same rater may revise.
    #[error("this service is rated already; revise the rating instead")]
    AlreadyRated,
    /// Nobody rated it yet.
    #[error("there is no rating yet")]
    NotRated,
    /// The service has not come that far.
    #[error("the stage to be rated is not reached")]
    StageNotReached,
    /// Only those shown on the case or ticket rate it, or who holds the code of its receipt.
    #[error("only the applicant, the agent or the holder of the receipt's code may rate this")]
    NotTheirsToRate,
    /// Nobody rates their own work.
    #[error("nobody may rate their own work")]
    RatesOwnWork,
    /// A real name needs a person.
    #[error("a rating under a real name needs to say whose")]
    RealNameWithoutRater,
    /// Too late.
    #[error("the window for rating this service ended on {0}")]
    WindowOver(NaiveDate),
    /// Too early for a default.
    #[error("this service can be rated until {0}")]
    WindowOpen(NaiveDate),
    /// Nobody is invited.
    #[error("the policy knows no invitations, or all of them were made")]
    NoInvitation,
    /// An order is answered for by an organisation that exists.
    #[error("there is no such organisation")]
    NoSuchOrganisation,
    /// Nothing is supposed of those who say nothing.
    #[error("the policy knows no default rating")]
    NoDefaultRating,
    /// An indicator is answered once.
    #[error("an indicator is answered twice")]
    IndicatorTwice,
    /// An indicator belongs to the version of the indicators in force.
    #[error("the indicators of today have no {0}")]
    IndicatorUnknown(String),
    /// A ticket's number must fit into a name.
    #[error("the ticket number must have at most {TICKET_CHARS_MAX} characters, and no blanks")]
    TicketMalformed,
    /// Only the same rater may revise.
    #[error("only the person who rated may revise the rating")]
    NotTheSameRater,
    /// It does not count any more.
    #[error("this rating was not adopted")]
    NotAdopted,
    /// Only what was verified as mistaken or malicious is not adopted.
    #[error("only a rating verified as mistaken or malicious may be left out")]
    NotVerifiedSo,
    /// There is no order.
    #[error("this rating opened no order")]
    NoOrder,
    /// The order is done.
    #[error("this order is closed")]
    OrderClosed,
    /// Nobody answers for the order yet.
    #[error("this order is not assigned")]
    NotAssigned,
    /// The person complained about neither handles, verifies, calls back nor judges.
    #[error("the person complained about must not handle, verify, call back or review this order")]
    PersonComplainedAbout,
    /// Somebody else answers for the order.
    #[error("this order is assigned to somebody else")]
    AssignedToSomebodyElse,
    /// It was verified before.
    #[error("this order is verified already")]
    AlreadyVerified,
    /// It was not verified yet.
    #[error("this order is not verified")]
    NotVerified,
    /// What was not true needs no rectification.
    #[error("the complaint was not found true, so there is nothing to rectify")]
    NothingToRectify,
    /// It was rectified before.
    #[error("this order is rectified already")]
    AlreadyRectified,
    /// A complaint found true is rectified before the reply.
    #[error("the complaint was found true; rectify before replying")]
    NotRectified,
    /// The rater was told before.
    #[error("this order is answered already")]
    AlreadyReplied,
    /// The rater is told before being called back.
    #[error("reply to the rater before calling back")]
    NotReplied,
    /// The rater was reached, or three attempts are on record.
    #[error("this order needs no further call-back")]
    CallBackDone,
    /// Only the staff concerned appeal.
    #[error("only the staff concerned may appeal")]
    NotConcerned,
    /// One appeal.
    #[error("there was an appeal already")]
    AlreadyAppealed,
    /// Nothing to review.
    #[error("no appeal is pending")]
    NoAppealPending,
    /// Who verified does not review the appeal against it.
    #[error("the person who verified must not review the appeal")]
    ReviewsOwnFinding,
    /// Upholding an appeal changes the finding, dismissing it does not.
    #[error("an upheld appeal changes the finding, a dismissed one leaves it")]
    VerdictContradictsReview,
}

/// The longest ticket number that may be rated.
pub const TICKET_CHARS_MAX: usize = 80;
