//! The words on every record by which feeds are filtered without looking anything up.
//!
//! `c:<case>`, `i:<item>`, `s:<person>` for everybody whose case it is, and `o:<path>` (ids from the city down, joined by `/`) for
//! every organisation involved. Reference data carry `p:` instead: everybody may know them.

use domain::case::Case;
use domain::ids::{CaseId, OrganisationId, SubjectId};
use domain::reference::Reference;
use std::collections::BTreeSet;

/// On what everybody may know: catalogue, organisations, calendar and policy.
pub const PUBLIC: &str = "p:";

/// Returns the labels of a case's events, given the case as it stands after them.
#[must_use]
pub fn of_case(id: CaseId, case: &Case, reference: &Reference) -> Vec<String> {
    let mut labels = vec![format!("c:{id}")];
    let Some(application) = &case.application else { return labels };
    labels.push(format!("i:{}", application.item));
    let persons = [Some(&application.applicant), application.agent.as_ref()];
    labels.extend(persons.into_iter().flatten().map(|party| of_person(&party.subject)));
    let mut organisations = BTreeSet::from([&application.intake, &application.handling, &application.deciding]);
    organisations.extend(&case.at);
    organisations.extend(case.helper());
    organisations.extend(case.consultations.values().flat_map(|consultation| &consultation.organisations));
    labels.extend(organisations.into_iter().map(|organisation| of_organisation(organisation, reference)));
    labels
}

/// Returns the labels of a certificate's events: its holder, and who issued it or took it in.
#[must_use]
pub fn of_certificate(holder: &SubjectId, organisation: &OrganisationId, reference: &Reference) -> Vec<String> {
    vec![of_person(holder), of_organisation(organisation, reference)]
}

/// Returns the label of a person.
#[must_use]
pub fn of_person(subject: &SubjectId) -> String {
    format!("s:{subject}")
}

/// Returns the label of an organisation: its place in the tree as it is now.
#[must_use]
pub fn of_organisation(organisation: &OrganisationId, reference: &Reference) -> String {
    format!("o:{}", reference.organisations.path(organisation).trim_start_matches('/'))
}
