//! The templates that the program brings along.

use super::BuiltIn;
use crate::document::DocumentKind;
use crate::event::TemplateEvent;
use crate::event::template::TemplatePublished;
use crate::fact::Subject;
use crate::policy;

/// Returns the first version of every template, published together with the first rules.
pub(super) fn published() -> impl Iterator<Item = BuiltIn> {
    let rules = policy::first_published();
    DocumentKind::ALL.into_iter().map(move |kind| {
        let (valid_from, published_on) = (rules.valid_from, rules.published_on);
        let source = source(kind).to_owned();
        let published = TemplatePublished { kind, version: 1, valid_from, published_on, source };
        BuiltIn { subject: Subject::Template(kind), published_on, event: TemplateEvent::from(published).into() }
    })
}

fn source(kind: DocumentKind) -> &'static str {
    match kind {
        DocumentKind::Receipt => include_str!("../../data/templates/receipt.html"),
        DocumentKind::Refusal => include_str!("../../data/templates/refusal.html"),
        DocumentKind::OneTimeNotice => include_str!("../../data/templates/one-time-notice.html"),
        DocumentKind::Acceptance => include_str!("../../data/templates/acceptance.html"),
        DocumentKind::HandOver => include_str!("../../data/templates/hand-over.html"),
        DocumentKind::SpecialProcedure => include_str!("../../data/templates/special-procedure.html"),
        DocumentKind::Extension => include_str!("../../data/templates/extension.html"),
        DocumentKind::Decision => include_str!("../../data/templates/decision.html"),
        DocumentKind::Delivery => include_str!("../../data/templates/delivery.html"),
    }
}
