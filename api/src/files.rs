//! Case files as JSON, written once and kept for as long as nothing about them changes.

use crate::answer::shown;
use crate::bounded::Bounded;
use crate::reveal::{Eyes, Reveal};
use crate::rights::Concerned;
use crate::vault::Vault;
use bytes::Bytes;
use chrono::NaiveDate;
use domain::case::{Case, Phase};
use domain::clock::{Clocks, Deadline, Light};
use domain::ids::CaseId;
use domain::reference::Reference;
use domain::zone::Instant;
use projections::case_file::CaseFile;
use serde::Serialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// Written files that are kept.
const FILES_MAX: usize = 32_768;

/// Files already written.
pub struct Files {
    kept: Bounded<(CaseId, Eyes), Arc<Written>>,
}

impl Default for Files {
    fn default() -> Self {
        Self { kept: Bounded::new(FILES_MAX) }
    }
}

/// The file of a case as one kind of reader sees it, without the stamp.
#[derive(Debug)]
pub struct Written {
    /// The version of its stream.
    pub version: u64,
    /// The position of its last fact.
    pub position: u64,
    /// Version, and the light where one is shown.
    pub etag: String,
    /// The file.
    pub json: Bytes,
    /// Whom it concerns.
    pub concerned: Concerned,
    light: Option<Light>,
    day: NaiveDate,
    erasures: u64,
}

impl Files {
    /// Returns the file as last written for readers of this kind.
    pub fn kept(&self, case: CaseId, eyes: Eyes, vault: &Vault) -> Option<Arc<Written>> {
        self.kept.get(&(case, eyes)).filter(|written| written.erasures == vault.erasures())
    }

    /// Keeps a file.
    pub fn keep(&self, case: CaseId, eyes: Eyes, written: Arc<Written>) {
        self.kept.put((case, eyes), written);
    }
}

impl Written {
    /// Returns whether this is still the file of a case that stands at this version, on this day.
    #[must_use]
    pub fn is_of(&self, file: &CaseFile, day: NaiveDate) -> bool {
        self.version == file.version && self.light == light(&file.case, day)
    }

    /// Returns whether time alone cannot have changed it since: it shows no light, or was written on this day.
    #[must_use]
    pub fn holds_on(&self, day: NaiveDate) -> bool {
        self.light.is_none() || self.day == day
    }

    /// Writes a file for readers with these eyes.
    #[must_use]
    pub fn new(id: CaseId, file: &CaseFile, reference: &Reference, vault: &Vault, eyes: Eyes, day: NaiveDate) -> Self {
        let erasures = vault.erasures();
        let light = light(&file.case, day);
        let mut value = content(id, file, reference, light);
        let mut reveal = Reveal::new(vault, id, eyes);
        reveal.reveal(&mut value);
        let mut etag = file.version.to_string();
        if let Some(light) = light.and_then(|light| serde_json::to_value(light).ok()) {
            etag.push('-');
            etag.push_str(light.as_str().unwrap_or_default());
        }
        if reveal.met_erased() {
            etag.push_str("-erased");
        }
        // What was read from JSON values can be written as JSON.
        let json = serde_json::to_vec(&value).unwrap_or_default().into();
        let concerned = Concerned::by(&file.case);
        Self { version: file.version, position: file.position, etag, json, concerned, light, day, erasures }
    }
}

/// A closed case has no light.
fn light(case: &Case, day: NaiveDate) -> Option<Light> {
    case.phase.is_open().then(|| case.light(day))
}

/// A file as it goes out; persons and sealed words are still as in the log.
#[derive(Serialize)]
struct Content<'a> {
    id: CaseId,
    version: u64,
    number: Option<&'a domain::ids::ExternalNumber>,
    source: Option<&'a domain::ids::SourceName>,
    item: Option<ShownItem<'a>>,
    phase: Phase,
    phase_zh: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    light: Option<Light>,
    flags: domain::case::Flags,
    opened_at: Option<String>,
    updated_at: Option<String>,
    submitted_on: Option<NaiveDate>,
    at: Option<&'a domain::ids::OrganisationId>,
    at_since: Option<NaiveDate>,
    holder: Option<&'a domain::ids::StaffId>,
    held_since: Option<NaiveDate>,
    application: Option<&'a domain::event::case::CaseSubmitted>,
    receipt: &'a Option<domain::case::Receipt>,
    notice_due: Option<ShownDeadline<'a>>,
    acceptance: &'a Option<domain::case::Acceptance>,
    clocks: ShownClocks<'a>,
    notices: &'a [domain::case::Notice],
    outstanding: Value,
    legs: &'a [domain::case::Leg],
    steps: &'a [domain::case::Step],
    procedures: Value,
    extension_request: Value,
    abort_request: Value,
    corrections: Value,
    consultations: Value,
    urgings: Value,
    decision: &'a Option<domain::case::Decision>,
    delivery_due: Option<ShownDeadline<'a>>,
    result: &'a Option<domain::event::case::ResultMade>,
    finish: &'a Option<domain::case::Finish>,
    closing: &'a Option<domain::event::case::Closing>,
    #[serde(skip_serializing_if = "Option::is_none")]
    merged_into: Option<&'a domain::case::Merged>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    merged: &'a [domain::case::Merged],
    delivery: &'a Option<domain::case::Delivery>,
    revocations: &'a [domain::event::case::ResultRevoked],
    archive: &'a Option<domain::event::case::CaseArchived>,
    materials: Value,
    papers: Value,
    relied_on: Value,
    data_shares: Value,
    anomalies: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    legacy: Option<&'a domain::case::Legacy>,
}

#[derive(Serialize)]
struct ShownItem<'a> {
    id: &'a domain::ids::ItemId,
    version: u32,
    name_zh: Option<&'a str>,
    name_en: Option<&'a str>,
}

#[derive(Serialize)]
struct ShownClocks<'a> {
    promised: Option<ShownDeadline<'a>>,
    legal: Option<ShownDeadline<'a>>,
}

/// A date with what it was counted with, so that anybody can count it again.
#[derive(Serialize)]
struct ShownDeadline<'a> {
    #[serde(flatten)]
    deadline: &'a Deadline,
    running: bool,
}

impl<'a> ShownClocks<'a> {
    fn of(case: &'a Case, running: &Clocks) -> Self {
        let shown = |deadline: &'a Option<Deadline>, running: bool| {
            deadline.as_ref().map(|deadline| ShownDeadline { deadline, running })
        };
        Self {
            promised: shown(&case.clocks.promised, running.promised.is_some()),
            legal: shown(&case.clocks.legal, running.legal.is_some()),
        }
    }
}

fn content(id: CaseId, file: &CaseFile, reference: &Reference, light: Option<Light>) -> Value {
    let case = &file.case;
    let undelivered = case.delivery.is_none();
    let notice_runs = matches!(case.phase, Phase::Received);
    let moment = |at: Option<Instant>| at.map(shown);
    let content = Content {
        id,
        version: file.version,
        number: file.number(),
        source: file.source(),
        item: case.application.as_ref().map(|application| {
            let version = reference.catalogue.version(&application.item, application.item_version);
            ShownItem {
                id: &application.item,
                version: application.item_version,
                name_zh: version.map(|version| version.definition.name_zh.as_str()),
                name_en: version.map(|version| version.definition.name_en.as_str()),
            }
        }),
        phase: case.phase,
        phase_zh: case.phase.zh(),
        light,
        flags: case.flags,
        opened_at: moment(file.opened_at),
        updated_at: moment(file.updated_at),
        submitted_on: case.submitted_on,
        at: case.at.as_ref(),
        at_since: case.at_since,
        holder: case.holder.as_ref(),
        held_since: case.held_since,
        application: case.application.as_ref(),
        receipt: &case.receipt,
        notice_due: case.notice_due.as_ref().map(|deadline| ShownDeadline { deadline, running: notice_runs }),
        acceptance: &case.acceptance,
        clocks: ShownClocks::of(case, &case.running_clocks()),
        notices: &case.notices,
        outstanding: json!(case.outstanding.union(&case.promised_materials).collect::<Vec<_>>()),
        legs: &case.legs,
        steps: &case.steps,
        procedures: numbered(&case.procedures),
        extension_request: json!(case.extension_request),
        abort_request: json!(case.abort_request),
        corrections: numbered(&case.corrections),
        consultations: numbered(&case.consultations),
        urgings: numbered(&case.urgings),
        decision: &case.decision,
        delivery_due: case.delivery_due.as_ref().map(|deadline| ShownDeadline { deadline, running: undelivered }),
        result: &case.result,
        finish: &case.finish,
        closing: &case.closing,
        merged_into: case.merged_into.as_ref(),
        merged: &case.merged,
        delivery: &case.delivery,
        revocations: &case.revocations,
        archive: &case.archive,
        materials: json!(case.materials.values().collect::<Vec<_>>()),
        papers: json!(case.papers.values().collect::<Vec<_>>()),
        relied_on: json!(case.relied_on.values().collect::<Vec<_>>()),
        data_shares: numbered(&case.data_shares),
        anomalies: json!(case.anomalies),
        legacy: case.legacy.as_ref(),
    };
    // Every key is text and every number finite, which is all that JSON asks.
    let mut value = serde_json::to_value(&content).unwrap_or_default();
    if let Some(fields) = value.as_object_mut() {
        // An absent thing is left out, so that a file is as long as its case is old.
        fields.retain(|_, value| !value.is_null() && value.as_array().is_none_or(|values| !values.is_empty()));
    }
    value
}

/// Things that a case counts, as a list that names each one's number.
fn numbered<T: Serialize>(counted: &std::collections::BTreeMap<u16, T>) -> Value {
    let listed = counted.iter().map(|(number, one)| {
        let mut value = json!(one);
        if let Some(fields) = value.as_object_mut() {
            fields.insert("number".to_owned(), Value::from(*number));
        }
        value
    });
    Value::Array(listed.collect())
}

/// A case as a list shows it.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// Which.
    pub case: CaseId,
    /// 办件编号.
    pub number: Option<String>,
    /// 收件凭证 number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receipt: Option<String>,
    /// Whose history.
    pub source: Option<String>,
    /// 事项.
    pub item: Option<String>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item_name_zh: Option<String>,
    /// 申请人, masked; absent for who sees no persons.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub applicant_masked: Option<String>,
    /// 办理状态.
    pub phase: Phase,
    /// Which organisation has it.
    pub at: Option<String>,
    /// Who has taken it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holder: Option<String>,
    /// When it was opened.
    pub opened_at: Option<String>,
    /// How it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closing: Option<domain::event::case::ClosingKind>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed_on: Option<NaiveDate>,
    /// The last day under the promise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub promised_by: Option<NaiveDate>,
    /// The last day under the law.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statutory_by: Option<NaiveDate>,
    /// 灯, while it is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub light: Option<Light>,
    /// What to look at.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub anomalies: Vec<domain::event::case::Anomaly>,
    /// The version of its stream.
    pub version: u64,
}

impl Summary {
    /// Returns a case as a list shows it on this day.
    #[must_use]
    pub fn of(id: CaseId, file: &CaseFile, reference: &Reference, reveal: &mut Reveal<'_>, day: NaiveDate) -> Self {
        let case = &file.case;
        let version = case
            .application
            .as_ref()
            .and_then(|application| reference.catalogue.version(&application.item, application.item_version));
        Self {
            case: id,
            number: file.number().map(ToString::to_string),
            receipt: case.receipt.as_ref().map(|receipt| receipt.number.to_string()),
            source: file.source().map(ToString::to_string),
            item: file.item().map(ToString::to_string),
            item_name_zh: version.map(|version| version.definition.name_zh.clone()),
            applicant_masked: file.applicant().and_then(|party| reveal.name(party)),
            phase: case.phase,
            at: case.at.as_ref().map(ToString::to_string),
            holder: case.holder.as_ref().map(ToString::to_string),
            opened_at: file.opened_at.map(shown),
            closing: case.closing.as_ref().map(|closing| closing.kind),
            closed_on: case.closed_on(),
            promised_by: case.clocks.promised.as_ref().map(|deadline| deadline.date),
            statutory_by: case.clocks.legal.as_ref().map(|deadline| deadline.date),
            light: light(case, day),
            anomalies: case.anomalies.iter().copied().collect(),
            version: file.version,
        }
    }
}
