//! 办事指南: an item version in words that residents read before they come.

use chrono::NaiveDate;
use domain::catalogue::{Item, ItemVersion};
use domain::clock::{DayUnit, Limit};
use domain::event::item::{
    Authority, CaseKind, ElectronicForm, ItemDefinition, Level, MaterialRequirement, Question, Replacement, Situation,
    SpecialProcedureRule, Wording,
};
use domain::ids::{ItemId, MaterialCode, SituationCode};
use domain::sealed::PartyKind;
use domain::service_point::takes;
use serde::Serialize;
use std::collections::BTreeSet;

/// A guide to one version of an item, for somebody in certain situations.
#[derive(Debug, Serialize)]
pub struct Guide<'a> {
    id: &'a ItemId,
    version: u32,
    valid_from: NaiveDate,
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_to: Option<NaiveDate>,
    /// One may apply under it today.
    in_force: bool,
    name_zh: &'a str,
    name_en: &'a str,
    aliases: &'a [String],
    department_zh: &'a str,
    department_en: &'a str,
    legal_basis: &'a [String],
    joint_departments: &'a [String],
    applicants_zh: Vec<&'static str>,
    conditions: &'a [Wording],
    kind_zh: &'static str,
    place: Place,
    time: Time,
    /// What must be brought, in the situations asked about.
    bring: Vec<Paper<'a>>,
    /// What nobody asks the applicant for, and why not.
    need_not_bring: Vec<Paper<'a>>,
    /// What is needed in other situations.
    only_in_situations: Vec<Paper<'a>>,
    situations: &'a [Situation],
    special_procedures: Vec<Procedure<'a>>,
    steps: Vec<Step<'a>>,
    fees_zh: String,
    result_zh: &'a str,
    by_post: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    visits: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    inquiry_phone: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    complaint_phone: Option<&'a str>,
    questions: &'a [Question],
    #[serde(skip_serializing_if = "Option::is_none")]
    form: Option<&'a ElectronicForm>,
    rules_source: &'a str,
}

/// Where one may apply, and who decides.
#[derive(Debug, Serialize)]
struct Place {
    intake_zh: Vec<&'static str>,
    cross_township: bool,
    cross_township_zh: &'static str,
    online: bool,
    appointment: bool,
    after_hours: bool,
    decided_at_zh: &'static str,
    authority_zh: &'static str,
}

/// How long it takes.
#[derive(Debug, Serialize)]
struct Time {
    promised: Option<Limit>,
    promised_zh: String,
    legal: Option<Limit>,
    legal_zh: String,
}

/// One material as a resident reads of it.
#[derive(Debug, Serialize)]
struct Paper<'a> {
    code: &'a MaterialCode,
    name_zh: &'a str,
    name_en: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    issuer_zh: &'a str,
    originals: u8,
    copies: u8,
    #[serde(skip_serializing_if = "str::is_empty")]
    note_zh: &'a str,
    /// It may be brought later, against a promise.
    tolerant: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    instead_zh: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    situation: Option<&'a Situation>,
}

/// A special procedure as a resident reads of it.
#[derive(Debug, Serialize)]
struct Procedure<'a> {
    name_zh: &'a str,
    name_en: &'a str,
    limit_zh: String,
    /// 是否计算在法定办结时限内.
    counts_in_legal_limit: bool,
    counts_in_promised_limit: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    basis: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct Step<'a> {
    name_zh: &'a str,
    name_en: &'a str,
    budget_days: u16,
    before_acceptance: bool,
}

impl<'a> Guide<'a> {
    /// Tells what somebody in these situations needs to know.
    #[must_use]
    pub fn to(item: &Item, version: &'a ItemVersion, situations: &BTreeSet<SituationCode>, day: NaiveDate) -> Self {
        let definition = &version.definition;
        let needed = |material: &&MaterialRequirement| material.is_needed_in(situations);
        let elsewhere = |material: &&MaterialRequirement| !material.is_needed_in(situations);
        let papers = |of: &dyn Fn(&&'a MaterialRequirement) -> bool| -> Vec<Paper<'a>> {
            definition.materials.iter().filter(of).map(|material| Paper::of(material, definition)).collect()
        };
        Self {
            id: &version.item,
            version: version.version,
            valid_from: version.valid_from,
            valid_to: version.valid_to,
            in_force: item.in_force(day).is_some_and(|now| now.version == version.version),
            name_zh: &definition.name_zh,
            name_en: &definition.name_en,
            aliases: &definition.aliases,
            department_zh: &definition.department_zh,
            department_en: &definition.department_en,
            legal_basis: &definition.legal_basis,
            joint_departments: &definition.joint_departments,
            applicants_zh: definition.applicant_kinds.iter().copied().map(applicant_zh).collect(),
            conditions: &definition.conditions,
            kind_zh: kind_zh(definition.kind),
            place: Place::of(definition, day),
            time: Time::of(definition),
            bring: papers(&|material| needed(material) && !need_not_be_brought(material.replaceable_by)),
            need_not_bring: papers(&|material| needed(material) && need_not_be_brought(material.replaceable_by)),
            only_in_situations: papers(&elsewhere),
            situations: &definition.situations,
            special_procedures: definition.special_procedures.iter().map(Procedure::of).collect(),
            steps: definition
                .steps
                .iter()
                .map(|step| Step {
                    name_zh: &step.name_zh,
                    name_en: &step.name_en,
                    budget_days: step.budget_days,
                    before_acceptance: step.before_acceptance,
                })
                .collect(),
            fees_zh: fees_zh(definition),
            result_zh: &definition.result_zh,
            by_post: definition.by_post,
            visits: definition.visits,
            inquiry_phone: definition.inquiry_phone.as_deref(),
            complaint_phone: definition.complaint_phone.as_deref(),
            questions: &definition.questions,
            form: definition.form.as_ref(),
            rules_source: &definition.rules_source,
        }
    }

    /// Returns what changes by the day alone.
    #[must_use]
    pub fn etag(&self) -> String {
        let Place { appointment, after_hours, .. } = self.place;
        [self.in_force, appointment, after_hours].map(|so| if so { 'y' } else { 'n' }).iter().collect()
    }
}

impl<'a> Paper<'a> {
    fn of(material: &'a MaterialRequirement, definition: &'a ItemDefinition) -> Self {
        let situation = material.situation.as_ref();
        Self {
            code: &material.code,
            name_zh: &material.name_zh,
            name_en: &material.name_en,
            issuer_zh: &material.issuer_zh,
            originals: material.originals,
            copies: material.copies,
            note_zh: &material.note_zh,
            tolerant: material.tolerant,
            instead_zh: (material.replaceable_by != Replacement::None).then_some(&*material.replacement_zh),
            situation: definition.situations.iter().find(|known| Some(&known.code) == situation),
        }
    }
}

impl Place {
    fn of(definition: &ItemDefinition, day: NaiveDate) -> Self {
        Self {
            intake_zh: Level::ALL.into_iter().filter(|level| takes(*level, definition)).map(level_zh).collect(),
            cross_township: definition.cross_township,
            cross_township_zh: match definition.cross_township {
                true => "全市任一乡镇（街道）均可申请",
                false => "在申请人所在乡镇（街道）申请",
            },
            online: definition.online,
            appointment: definition.takes_appointments(day),
            after_hours: definition.is_served_after_hours(day),
            decided_at_zh: level_zh(definition.decided_at),
            authority_zh: authority_zh(definition.authority),
        }
    }
}

impl Time {
    fn of(definition: &ItemDefinition) -> Self {
        let (promised, legal) = (definition.promised_limit, definition.legal_limit);
        Self {
            promised,
            promised_zh: promised.map_or_else(|| "未作承诺".to_owned(), limit_zh),
            legal,
            legal_zh: legal.map_or_else(|| "法律未作规定".to_owned(), limit_zh),
        }
    }
}

impl<'a> Procedure<'a> {
    fn of(rule: &'a SpecialProcedureRule) -> Self {
        Self {
            name_zh: &rule.name_zh,
            name_en: &rule.name_en,
            limit_zh: limit_zh(rule.limit),
            counts_in_legal_limit: !rule.stops_legal,
            counts_in_promised_limit: !rule.stops_promised,
            basis: rule.basis.as_deref(),
        }
    }
}

/// What the window gets by itself, or the form says already.
fn need_not_be_brought(replacement: Replacement) -> bool {
    match replacement {
        Replacement::Generated
        | Replacement::ECert
        | Replacement::DataShare
        | Replacement::Commitment
        | Replacement::Internal => true,
        Replacement::Partial | Replacement::None => false,
    }
}

fn fees_zh(definition: &ItemDefinition) -> String {
    if definition.fees.is_empty() {
        return "不收费".to_owned();
    }
    let fee = |fee: &domain::event::item::Fee| {
        format!("{}{}.{:02}元（{}）", fee.name_zh, fee.amount_fen / 100, fee.amount_fen % 100, fee.basis)
    };
    definition.fees.iter().map(fee).collect::<Vec<_>>().join("；")
}

/// Returns a limit in words.
#[must_use]
pub fn limit_zh(limit: Limit) -> String {
    match (limit.days, limit.unit) {
        (0, _) => "当日办结".to_owned(),
        (days, DayUnit::Working) => format!("{days}个工作日"),
        (days, DayUnit::Natural) => format!("{days}日"),
    }
}

fn kind_zh(kind: CaseKind) -> &'static str {
    match kind {
        CaseKind::Instant => "即办件",
        CaseKind::Promise => "承诺件",
        CaseKind::Other => "其他",
    }
}

fn level_zh(level: Level) -> &'static str {
    match level {
        Level::Village => "村（社区）便民服务站",
        Level::Township => "乡镇（街道）便民服务中心",
        Level::County => "县（区）政务服务中心",
        Level::City => "市政务服务中心",
    }
}

fn authority_zh(authority: Authority) -> &'static str {
    match authority {
        Authority::OwnStatutory => "法定本级行使",
        Authority::Empowered => "赋权",
        Authority::Entrusted => "委托",
        Authority::Forward => "受理转报",
        Authority::VillageSelf => "村级直接办理",
    }
}

fn applicant_zh(kind: PartyKind) -> &'static str {
    match kind {
        PartyKind::NaturalPerson => "自然人",
        PartyKind::Enterprise => "企业法人",
        PartyKind::PublicInstitution => "事业法人",
        PartyKind::SocialOrganisation => "社会组织法人",
        PartyKind::AdministrativeOrgan => "行政机关",
        PartyKind::Other => "其他组织",
    }
}
