//! The log's vocabulary: every event ever written, declared once.

pub mod access;
pub mod appointment;
pub mod calendar;
pub mod campaign;
pub mod case;
pub mod certificate;
pub mod checklist;
pub mod evidence;
pub mod inspection;
pub mod instrument;
pub mod item;
pub mod kin;
pub mod organisation;
pub mod policy;
pub mod rating;
pub mod roster;
mod schema;
pub mod service_point;
pub mod template;
pub mod ticket;

use access::*;
use appointment::*;
use calendar::*;
use campaign::{CampaignOpened, ChoiceWithdrawn, HallChosen};
use case::*;
use certificate::*;
use checklist::ChecklistPublished;
use evidence::*;
use inspection::{InspectionOpened, InspectionPhotoTaken, InspectionScored, PartInspected};
use instrument::*;
use item::*;
use kin::{KinHomeVisited, KinRegistered};
use organisation::*;
use policy::*;
use rating::*;
use roster::*;
use schema::events;
pub use schema::{DecodeError, Schema};
use service_point::*;
use std::collections::HashMap;
use std::sync::LazyLock;
use template::*;
use ticket::*;

events! {
    /// One application from 申请 to 办结 and 送达.
    Case: CaseEvent {
        /// T1 申请: somebody applied.
        CaseSubmitted = "case-submitted" { 1 }
        /// A paper came in; its sealed bytes lie outside the log, durable before this event.
        MaterialAttached = "material-attached" { 1 }
        /// 免证: a certificate stands for a paper that was not handed in; what was relied on is part of the fact.
        MaterialReplacedByCertificate = "material-replaced-by-certificate" { 1 }
        /// 数据共享: the city's data were asked instead of the applicant, whatever came of it.
        DataShareChecked = "data-share-checked" { 1 }
        /// T2 收件: materials registered, receipt issued, the notice window runs.
        CaseReceived = "case-received" { 1 }
        /// T3 即时告知不受理: the matter needs no application here.
        NotRequiredTold = "not-required-told" { 1 }
        /// T4 不予受理: another organ is competent, told in writing.
        IntakeRefused = "intake-refused" { 1 }
        /// T5 当场更正.
        CorrectedOnTheSpot = "corrected-on-the-spot" { 1 }
        /// T6, T16 一次性告知: what is missing, all of it.
        OneTimeNoticeIssued = "one-time-notice-issued" { 1 }
        /// T7 补正: materials handed in after a notice.
        SupplementProvided = "supplement-provided" { 1 }
        /// T8 逾期未补正.
        SupplementLapsed = "supplement-lapsed" { 1 }
        /// T9, T10, T11 受理: both clocks start; deadlines and the calendar they rest on are part of the fact.
        CaseAccepted = "case-accepted" { 1 }
        /// Timely evidence, keyed in later, took a deemed acceptance back.
        DeemedAcceptanceReversed = "deemed-acceptance-reversed" { 1 }
        /// T12 分派: handed to a back office.
        CaseRouted = "case-routed" { 1 }
        /// T12 签收: a handler took the work.
        WorkClaimed = "work-claimed" { 1 }
        /// T12: a handler gave the work back to the queue.
        WorkReleased = "work-released" { 1 }
        /// T12 改派: the work went to another handler.
        WorkReassigned = "work-reassigned" { 1 }
        /// T13 环节开始.
        StepStarted = "step-started" { 1 }
        /// T13 环节完成.
        StepFinished = "step-finished" { 1 }
        /// T14 退回上一环节.
        StepSentBack = "step-sent-back" { 1 }
        /// T15 会签: other organisations were asked.
        ConsultationOpened = "consultation-opened" { 1 }
        /// T15: one of them answered.
        ConsultationAnswered = "consultation-answered" { 1 }
        /// T17, first act: a special procedure was asked for.
        SpecialProcedureRequested = "special-procedure-requested" { 1 }
        /// T17, second act 特别程序开始: approved; clocks stop as its flags say.
        SpecialProcedureOpened = "special-procedure-opened" { 1 }
        /// T17, second act: not approved.
        SpecialProcedureRejected = "special-procedure-rejected" { 1 }
        /// T18 特别程序结束: deadlines counted anew.
        SpecialProcedureClosed = "special-procedure-closed" { 1 }
        /// T19, first act: an extension was asked for.
        ExtensionRequested = "extension-requested" { 1 }
        /// T19, second act 延期: approved by the head of the organ.
        DeadlineExtended = "deadline-extended" { 1 }
        /// T19, second act: not approved.
        ExtensionRejected = "extension-rejected" { 1 }
        /// A calendar was published or amended, and running deadlines moved.
        DeadlineRecomputed = "deadline-recomputed" { 1 }
        /// T20 决定: the legal clock stops.
        CaseDecided = "case-decided" { 1 }
        /// T21 制证.
        ResultMade = "result-made" { 1 }
        /// T22 出件 and 办结.
        CaseFinished = "case-finished" { 1 }
        /// T23 送达.
        ResultDelivered = "result-delivered" { 1 }
        /// T24 撤回.
        CaseWithdrawn = "case-withdrawn" { 1 }
        /// T25 退件.
        CaseReturned = "case-returned" { 1 }
        /// T26, first act: ending was asked for.
        AbortRequested = "abort-requested" { 1 }
        /// T26, second act 异常终止.
        CaseAborted = "case-aborted" { 1 }
        /// 并件: a duplicate ended, because another case of the same person for the same item goes on.
        CaseMerged = "case-merged" { 1 }
        /// 并件: a duplicate was merged into this case.
        DuplicateMerged = "duplicate-merged" { 1 }
        /// T26, second act: not approved.
        AbortRejected = "abort-rejected" { 1 }
        /// T27 转报: one leg closes as forwarded, another opens; phase and clocks untouched.
        LegForwarded = "leg-forwarded" { 1 }
        /// T28 督办: a supervisor urged.
        CaseUrged = "case-urged" { 1 }
        /// T28: the urged organisation answered.
        UrgingAnswered = "urging-answered" { 1 }
        /// T29, first act: a correction of the record was asked for.
        CorrectionRequested = "correction-requested" { 1 }
        /// T29, second act 更正: the old fact stays, its correction stands beside it.
        RecordCorrected = "record-corrected" { 1 }
        /// T29, second act: not approved.
        CorrectionRejected = "correction-rejected" { 1 }
        /// T30 撤销、变更、注销.
        ResultRevoked = "result-revoked" { 1 }
        /// 帮办代办: the applicant agreed to being helped, or anew.
        ConsentRecorded = "consent-recorded" { 1 }
        /// 帮办代办: the applicant took the consent back.
        ConsentWithdrawn = "consent-withdrawn" { 1 }
        /// T32 归档.
        CaseArchived = "case-archived" { 1 }
        /// 先办后录: why the acts beside it were keyed in later, and the paper that shows when they took place.
        LateEntryExplained = "late-entry-explained" { 1 }
        /// 预警: a threshold was crossed; once per clock, threshold and rule version.
        WarningRaised = "warning-raised" { 1 }
        /// 已阅: somebody took note of it.
        WarningRead = "warning-read" { 1 }
        /// 预警答复: somebody said what is done about it.
        WarningAnswered = "warning-answered" { 1 }
        /// A case of a legacy system, taken in.
        LegacyCaseOpened = "legacy-case-opened" { 1 }
        /// One activity of a legacy system's history, as given.
        LegacyActivityRecorded = "legacy-activity-recorded" { 1 }
    }

    /// 好差评: one rating, and the order that a bad one opens.
    Rating: RatingEvent {
        /// 邀评: somebody was invited to rate.
        RatingInvited = "rating-invited" { 1 }
        /// T31 评价.
        Rated = "rated" { 1 }
        /// The same rater changed the rating within the window.
        RatingRevised = "rating-revised" { 1 }
        /// 不予采纳: verified as mistaken or malicious; kept and marked.
        RatingNotAdopted = "rating-not-adopted" { 1 }
        /// 差评工单: a bad rating opened an order.
        BadRatingOpened = "bad-rating-opened" { 1 }
        /// The order has somebody to answer for it.
        OrderAssigned = "order-assigned" { 1 }
        /// 核实.
        OrderVerified = "order-verified" { 1 }
        /// 整改.
        OrderRectified = "order-rectified" { 1 }
        /// 回复.
        OrderReplied = "order-replied" { 1 }
        /// 回访, reached or not.
        OrderCalledBack = "order-called-back" { 1 }
        /// 申诉 by the staff concerned.
        OrderAppealed = "order-appealed" { 1 }
        /// 复核.
        AppealReviewed = "appeal-reviewed" { 1 }
        /// The order is done.
        OrderClosed = "order-closed" { 1 }
    }

    /// 取号叫号: one hall's day, its tickets and windows.
    Ticket: TicketEvent {
        /// 取号: a ticket was given.
        TicketIssued = "ticket-issued" { 1 }
        /// 叫号: it was called to a window.
        TicketCalled = "ticket-called" { 1 }
        /// 重呼: called again.
        TicketRecalled = "ticket-recalled" { 1 }
        /// 过号: nobody came.
        TicketMissed = "ticket-missed" { 1 }
        /// 挂起: set aside for a while.
        TicketParked = "ticket-parked" { 1 }
        /// 重新排队: a missed or parked one waits again.
        TicketRequeued = "ticket-requeued" { 1 }
        /// 转号: it waits for another window.
        TicketTransferred = "ticket-transferred" { 1 }
        /// Its holder is at the window.
        ServiceStarted = "service-started" { 1 }
        /// The visit is over.
        ServiceFinished = "service-finished" { 1 }
        /// 弃号: given up.
        TicketAbandoned = "ticket-abandoned" { 1 }
        /// What the visit was about.
        TicketLinked = "ticket-linked" { 1 }
        /// Somebody sits at a window, ready to call.
        WindowStaffed = "window-staffed" { 1 }
        /// Nobody sits there any more.
        WindowLeft = "window-left" { 1 }
        /// 排队预警: a threshold was crossed; once per crossing.
        HallWarningRaised = "hall-warning-raised" { 1 }
        /// It lies below again.
        HallWarningEnded = "hall-warning-ended" { 1 }
        /// The hall's day is over.
        HallDayClosed = "hall-day-closed" { 1 }
    }

    /// 预约: the slots of one hall's day.
    Appointment: AppointmentEvent {
        /// A slot was booked.
        AppointmentBooked = "appointment-booked" { 1 }
        /// 改约: moved to another slot.
        AppointmentMoved = "appointment-moved" { 1 }
        /// 取消: given back.
        AppointmentCancelled = "appointment-cancelled" { 1 }
        /// 履约: who booked came.
        AppointmentKept = "appointment-kept" { 1 }
        /// 爽约: who booked did not come.
        AppointmentMissed = "appointment-missed" { 1 }
    }

    /// 电子证照: one certificate, from issue to revocation.
    Certificate: CertificateEvent {
        /// 签发: made here, of a case that was granted.
        CertificateIssued = "certificate-issued" { 1 }
        /// 归集: taken in from a library, at a window, or from its holder.
        CertificateTakenIn = "certificate-taken-in" { 1 }
        /// 核验: compared with the original at a window.
        CertificateVerified = "certificate-verified" { 1 }
        /// 延续、换发: it is valid for another time.
        CertificateRenewed = "certificate-renewed" { 1 }
        /// 撤销、变更、注销: it no longer stands.
        CertificateRevoked = "certificate-revoked" { 1 }
    }

    /// 证照库: how far a library of the city was read.
    Library: LibraryEvent {
        /// A part of it was read; whoever reads on begins behind it.
        LibraryRead = "library-read" { 1 }
    }

    /// 事项: what can be applied for, in versions.
    Item: ItemEvent {
        /// A version was published.
        ItemPublished = "item-published" { 1 }
        /// The item can no longer be applied for from a day on.
        ItemWithdrawn = "item-withdrawn" { 1 }
    }

    /// Governments, halls, stations, departments, their windows and staff.
    Organisation: OrganisationEvent {
        /// An organisation exists.
        OrganisationRegistered = "organisation-registered" { 1 }
        /// When it is open.
        OpeningDaysSet = "opening-days-set" { 1 }
        /// 咨询电话: how it is reached.
        ContactSet = "contact-set" { 1 }
        /// A window is there.
        WindowOpened = "window-opened" { 1 }
        /// A window is no longer there.
        WindowClosed = "window-closed" { 1 }
        /// Somebody works here, in these roles.
        StaffAppointed = "staff-appointed" { 1 }
        /// Somebody no longer works here.
        StaffRelieved = "staff-relieved" { 1 }
        /// It is no more.
        OrganisationDissolved = "organisation-dissolved" { 1 }
    }

    /// 值班: a hall's roster for one month.
    Roster: RosterEvent {
        /// Who is on duty at which window on which day.
        RosterPosted = "roster-posted" { 1 }
        /// On one day somebody else, one more or one fewer.
        DutyChanged = "duty-changed" { 1 }
        /// What stands in it up to a day is what took place.
        RosterConfirmed = "roster-confirmed" { 1 }
    }

    /// 服务点: a centre or station as a place that serves.
    ServicePoint: ServicePointEvent {
        /// Where it stands.
        PlaceSet = "place-set" { 1 }
        /// 上线: the one-window service began here.
        ServiceLaunched = "service-launched" { 1 }
        /// More can be applied for here.
        ItemsEnabled = "items-enabled" { 1 }
        /// Less can be applied for here.
        ItemsDisabled = "items-disabled" { 1 }
        /// The ways from a township's villages were measured.
        TravelSurveyed = "travel-surveyed" { 1 }
    }

    /// 赋权、委托: by what paper an organ lets others decide.
    Instrument: InstrumentEvent {
        /// It was issued and published.
        InstrumentIssued = "instrument-issued" { 1 }
        /// It ended before its time.
        InstrumentRevoked = "instrument-revoked" { 1 }
    }

    /// 近亲属备案: who is whose relative, apart from the case.
    Kin: KinEvent {
        /// It was registered.
        KinRegistered = "kin-registered" { 1 }
        /// The home was visited.
        KinHomeVisited = "kin-home-visited" { 1 }
    }

    /// 考评表: what halls are scored by.
    Checklist: ChecklistEvent {
        /// A version was published.
        ChecklistPublished = "checklist-published" { 1 }
    }

    /// 考评: one inspection of one hall.
    Inspection: InspectionEvent {
        /// It began.
        InspectionOpened = "inspection-opened" { 1 }
        /// A photo was taken; its sealed bytes lie outside the log, durable before this event.
        InspectionPhotoTaken = "inspection-photo-taken" { 1 }
        /// A part was looked at.
        PartInspected = "part-inspected" { 1 }
        /// The score was drawn, from what was seen and from the views at a named position.
        InspectionScored = "inspection-scored" { 1 }
    }

    /// 标杆大厅: a campaign in which counties choose halls.
    Campaign: CampaignEvent {
        /// It was opened.
        CampaignOpened = "campaign-opened" { 1 }
        /// A county chose a hall.
        HallChosen = "hall-chosen" { 1 }
        /// A county took a choice back.
        ChoiceWithdrawn = "choice-withdrawn" { 1 }
    }

    /// The working-day calendar.
    Calendar: CalendarEvent {
        /// A year's holidays and make-up days were published.
        CalendarPublished = "calendar-published" { 1 }
        /// They were changed afterwards.
        CalendarAmended = "calendar-amended" { 1 }
    }

    /// Thresholds, scores, conventions.
    Policy: PolicyEvent {
        /// A version of the rules was published.
        PolicyPublished = "policy-published" { 1 }
    }

    /// Templates of documents, in versions.
    Template: TemplateEvent {
        /// A version was published.
        TemplatePublished = "template-published" { 1 }
    }

    /// Who looked at what.
    Access: AccessEvent {
        /// Somebody saw a person's data in clear.
        PersonUnmasked = "person-unmasked" { 1 }
        /// Somebody saw a stored paper.
        PaperRead = "paper-read" { 1 }
        /// Somebody saw a certificate in clear.
        CertificateUnmasked = "certificate-unmasked" { 1 }
        /// Somebody took data out.
        ExportMade = "export-made" { 1 }
    }
}
