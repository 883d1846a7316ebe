//! Facts to try a template with: all that a document may say, with names that are markup, and as little as it may say.

use super::facts::{Facts, Line, Term, Told, Who};
use crate::seal;
use domain::document::DocumentKind;

/// Markup that must not come through.
pub(super) const MARKUP: &str = "<i id=x>";
/// The number that must be printed.
pub(super) const NUMBER: &str = "SJ361023100-20260302-7Q2M4X9K";

const HOSTILE: &str = "\"'&<i id=x>王{{ number }}";

/// Returns facts of this kind: the fullest, and the barest.
pub(super) fn of(kind: DocumentKind) -> [Facts; 2] {
    [full(kind), bare(kind)]
}

fn full(kind: DocumentKind) -> Facts {
    let who = || Who { name: HOSTILE.to_owned(), id_number: HOSTILE.to_owned() };
    Facts { applicant: who(), agent: Some(who()), window: text(), phone: text(), ..with(kind, told(kind, true)) }
}

fn bare(kind: DocumentKind) -> Facts {
    with(kind, told(kind, false))
}

fn with(kind: DocumentKind, act: Told) -> Facts {
    Facts {
        kind,
        number: NUMBER.to_owned(),
        case_number: HOSTILE.to_owned(),
        item_id: "FZ-001".to_owned(),
        item_zh: HOSTILE.to_owned(),
        item_en: HOSTILE.to_owned(),
        office: HOSTILE.to_owned(),
        applicant: Who { name: "王某".to_owned(), id_number: "361023********0018".to_owned() },
        agent: None,
        day: "2026年3月2日".to_owned(),
        clerk: HOSTILE.to_owned(),
        window: None,
        phone: None,
        act,
    }
}

fn text() -> Option<String> {
    Some(HOSTILE.to_owned())
}

fn told(kind: DocumentKind, full: bool) -> Told {
    let words = || HOSTILE.to_owned();
    let optional = || full.then(words);
    let term = || full.then(|| Term { limit: words(), day: words() });
    let lines = || -> Vec<Line> {
        let count = if full { seal::LIST_MAX } else { 0 };
        std::iter::repeat_with(|| Line { name: words(), note: words() }).take(count).collect()
    };
    match kind {
        DocumentKind::Receipt => Told::Receipt {
            received_on: words(),
            notice_by: words(),
            materials: lines(),
            outside_hours: full,
            query_code: words(),
        },
        DocumentKind::Refusal => Told::Refusal { reason: words(), competent_organ: words() },
        DocumentKind::OneTimeNotice => {
            Told::OneTimeNotice { review: full, missing: lines(), supplement_by: optional() }
        }
        DocumentKind::Acceptance => Told::Acceptance {
            accepted_on: words(),
            manner: full.then_some("容缺受理"),
            promised: term(),
            legal: term(),
            missing: if full { vec![words()] } else { Vec::new() },
            promised_materials_by: optional(),
        },
        DocumentKind::HandOver => Told::HandOver { from: words(), to: words(), step: words(), materials: lines() },
        DocumentKind::SpecialProcedure => Told::SpecialProcedure {
            procedure: words(),
            reason: optional(),
            from: words(),
            until: words(),
            stops_promised: full,
            stops_legal: full,
            basis: optional(),
        },
        DocumentKind::Extension => Told::Extension { days: 10, reason: optional(), promised: term(), legal: term() },
        DocumentKind::Decision => Told::Decision {
            outcome: "准予",
            denied: full,
            in_name_of: words(),
            by_right: "委托",
            reason: optional(),
            remedy: optional(),
            result: optional(),
            deliver_by: optional(),
        },
        DocumentKind::Delivery => Told::Delivery {
            method: "直接送达",
            recipient: optional(),
            decision_number: optional(),
            result: optional(),
            result_number: optional(),
        },
    }
}
