//! What each event is called where people read it.

use domain::event::CaseEvent;
use domain::event::case::AcceptanceKind;
use domain::event::evidence::DataShareOutcome;

/// Returns the event's name in Chinese and in English.
#[must_use]
pub fn label(event: &CaseEvent) -> (&'static str, &'static str) {
    match event {
        CaseEvent::CaseSubmitted(_) => ("申请", "Applied"),
        CaseEvent::MaterialAttached(_) => ("提交材料", "Paper handed in"),
        CaseEvent::MaterialReplacedByCertificate(_) => ("电子证照免交材料", "Certificate in place of a paper"),
        CaseEvent::DataShareChecked(checked) => match checked.outcome {
            DataShareOutcome::Confirmed => ("数据共享核验通过", "Confirmed by the city's data"),
            DataShareOutcome::NotFound
            | DataShareOutcome::Mismatch
            | DataShareOutcome::Refused
            | DataShareOutcome::TimedOut
            | DataShareOutcome::Unreachable
            | DataShareOutcome::Unreadable => ("数据共享核验未通过", "Not confirmed by the city's data"),
        },
        CaseEvent::CaseReceived(_) => ("收件", "Received"),
        CaseEvent::NotRequiredTold(_) => ("即时告知不受理", "Told that no application is needed"),
        CaseEvent::IntakeRefused(_) => ("不予受理", "Intake refused"),
        CaseEvent::CorrectedOnTheSpot(_) => ("当场更正", "Corrected on the spot"),
        CaseEvent::OneTimeNoticeIssued(_) => ("一次性告知补正", "One-time notice of what is missing"),
        CaseEvent::SupplementProvided(_) => ("补正材料", "Supplement handed in"),
        CaseEvent::SupplementLapsed(_) => ("逾期未补正", "Supplement never came"),
        CaseEvent::CaseAccepted(accepted) => match accepted.kind {
            AcceptanceKind::Normal => ("受理", "Accepted"),
            AcceptanceKind::Deemed => ("视为受理", "Deemed accepted"),
            AcceptanceKind::Tolerant => ("容缺受理", "Accepted with papers to follow"),
            AcceptanceKind::Commitment => ("告知承诺受理", "Accepted on a commitment"),
        },
        CaseEvent::DeemedAcceptanceReversed(_) => ("撤销视为受理", "Deemed acceptance taken back"),
        CaseEvent::CaseRouted(_) => ("分派", "Routed to a back office"),
        CaseEvent::WorkClaimed(_) => ("签收", "Work taken"),
        CaseEvent::WorkReleased(_) => ("退回待办", "Work given back"),
        CaseEvent::WorkReassigned(_) => ("改派", "Work given to another handler"),
        CaseEvent::StepStarted(_) => ("环节开始", "Step begun"),
        CaseEvent::StepFinished(_) => ("环节完成", "Step finished"),
        CaseEvent::StepSentBack(_) => ("退回上一环节", "Sent back to an earlier step"),
        CaseEvent::ConsultationOpened(_) => ("发起会签", "Other organisations consulted"),
        CaseEvent::ConsultationAnswered(_) => ("会签答复", "Consultation answered"),
        CaseEvent::SpecialProcedureRequested(_) => ("申请特别程序", "Special procedure requested"),
        CaseEvent::SpecialProcedureOpened(_) => ("特别程序开始", "Special procedure begun"),
        CaseEvent::SpecialProcedureRejected(_) => ("特别程序未获批准", "Special procedure not approved"),
        CaseEvent::SpecialProcedureClosed(_) => ("特别程序结束", "Special procedure ended"),
        CaseEvent::ExtensionRequested(_) => ("申请延期", "Extension requested"),
        CaseEvent::DeadlineExtended(_) => ("批准延期", "Extension approved"),
        CaseEvent::ExtensionRejected(_) => ("延期未获批准", "Extension not approved"),
        CaseEvent::DeadlineRecomputed(_) => ("时限重算", "Deadlines counted anew"),
        CaseEvent::CaseDecided(_) => ("决定", "Decided"),
        CaseEvent::ResultMade(_) => ("制证", "Result made"),
        CaseEvent::CaseFinished(_) => ("出件办结", "Finished"),
        CaseEvent::ResultDelivered(_) => ("送达", "Delivered"),
        CaseEvent::CaseWithdrawn(_) => ("撤回申请", "Withdrawn"),
        CaseEvent::CaseReturned(_) => ("退件", "Returned"),
        CaseEvent::AbortRequested(_) => ("申请终止", "Ending requested"),
        CaseEvent::CaseAborted(_) => ("异常终止", "Aborted"),
        CaseEvent::CaseMerged(_) => ("并件", "Merged into another case"),
        CaseEvent::DuplicateMerged(_) => ("并入重复办件", "A duplicate was merged in"),
        CaseEvent::AbortRejected(_) => ("终止未获批准", "Ending not approved"),
        CaseEvent::LegForwarded(_) => ("转报", "Forwarded"),
        CaseEvent::CaseUrged(_) => ("督办", "Urged"),
        CaseEvent::UrgingAnswered(_) => ("督办答复", "Urging answered"),
        CaseEvent::CorrectionRequested(_) => ("申请更正记录", "Correction of the record requested"),
        CaseEvent::RecordCorrected(_) => ("更正记录", "Record corrected"),
        CaseEvent::CorrectionRejected(_) => ("更正未获批准", "Correction not approved"),
        CaseEvent::ResultRevoked(_) => ("撤销、变更或注销结果", "Result revoked, changed or cancelled"),
        CaseEvent::ConsentRecorded(_) => ("登记帮办代办同意", "Consent to being helped recorded"),
        CaseEvent::ConsentWithdrawn(_) => ("撤回帮办代办同意", "Consent to being helped taken back"),
        CaseEvent::CaseArchived(_) => ("归档", "Archived"),
        CaseEvent::LateEntryExplained(_) => ("补录说明", "Late entry explained"),
        CaseEvent::WarningRaised(_) => ("预警", "Warning raised"),
        CaseEvent::WarningRead(_) => ("已阅预警", "Warning read"),
        CaseEvent::WarningAnswered(_) => ("预警答复", "Warning answered"),
        CaseEvent::LegacyCaseOpened(_) => ("历史办件", "Case of a legacy system"),
        CaseEvent::LegacyActivityRecorded(_) => ("历史环节", "Activity of a legacy system"),
    }
}
