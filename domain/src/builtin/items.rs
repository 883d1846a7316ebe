//! The catalogue's data, and how an item's elements follow from them.

use super::{BuiltIn, read};
use crate::clock::{DayUnit, Limit};
use crate::event::item::{
    Authority, CaseKind, ClockStop, ElectronicForm, ItemDefinition, ItemPublished, Level, MaterialRequirement,
    Question, RatingStage, Replacement, Situation, SpecialProcedureRule, StepRule, Wording,
};
use crate::event::{Event, ItemEvent};
use crate::fact::Subject;
use crate::ids::{ItemId, MaterialCode, SituationCode, StepCode};
use crate::sealed::PartyKind;
use chrono::NaiveDate;
use serde::Deserialize;

#[derive(Deserialize)]
struct CatalogueData {
    departments: Vec<Department>,
    materials: Vec<Material>,
    items: Vec<ItemData>,
}

/// A line department that every county has.
#[derive(Deserialize)]
pub(super) struct Department {
    /// Its letters in organisation ids.
    pub(super) code: String,
    /// 主管部门, as items name it.
    name_zh: String,
    /// Its English name.
    pub(super) name_en: String,
    /// The name of the county's office, without the county's.
    pub(super) office_zh: String,
}

#[derive(Deserialize)]
struct Material {
    code: MaterialCode,
    name_zh: String,
    name_en: String,
    replaceable_by: Replacement,
    replacement_zh: String,
    #[serde(default)]
    tolerant: bool,
}

#[derive(Deserialize)]
struct ItemData {
    item: ItemId,
    name_zh: String,
    name_en: String,
    department: String,
    item_type: String,
    applicant_kinds: Vec<PartyKind>,
    basic_code: String,
    kind: CaseKind,
    batch: u8,
    retention: String,
    certificate_free: bool,
    same_person_allowed: bool,
    appointment: bool,
    after_hours: bool,
    deemed_acceptance: bool,
    extension_days_max: Option<u16>,
    delivery_days: Option<u16>,
    /// Codes; in brackets where only some situations need them.
    materials: Vec<String>,
    special_procedures: Vec<SpecialProcedureRule>,
    rating_stages: Vec<RatingStage>,
    result_zh: String,
    rules_source: String,
    versions: Vec<VersionData>,
}

/// What may differ between the versions of an item.
#[derive(Deserialize)]
struct VersionData {
    version: u32,
    valid_from: NaiveDate,
    legal_days: Option<u16>,
    promised_days: Option<u16>,
    intake_levels: Vec<Level>,
    decided_at: Level,
    authority: Authority,
    cross_township: bool,
    #[serde(default)]
    steps: Vec<StepRule>,
}

/// What residents read of the items, and what forms they fill in.
#[derive(Deserialize)]
struct Elements {
    situations: Vec<Situation>,
    materials: Vec<MaterialElements>,
    forms: Vec<Form>,
    /// 咨询 and 监督: one number for the city.
    hotline: String,
    /// Since when the city has its lists of appointment and after-hours items.
    lists_since: NaiveDate,
    items: Vec<ItemElements>,
}

#[derive(Deserialize)]
struct MaterialElements {
    code: MaterialCode,
    issuer_zh: String,
    originals: u8,
    copies: u8,
    note_zh: String,
    /// The situation in which it is needed, where it is not needed always.
    #[serde(default)]
    situation: Option<SituationCode>,
}

#[derive(Deserialize)]
struct Form {
    code: String,
    schema: serde_json::Value,
}

#[derive(Deserialize)]
struct ItemElements {
    item: ItemId,
    aliases: Vec<String>,
    conditions: Vec<Wording>,
    #[serde(default)]
    legal_basis: Vec<String>,
    #[serde(default)]
    form: Option<String>,
    online: bool,
    by_post: bool,
    visits: u8,
    #[serde(default)]
    questions: Vec<Question>,
}

/// 行政许可: items of this type fall under the Licensing Law.
const LICENCE: &str = "01";

fn catalogue() -> CatalogueData {
    read(include_str!("../../data/catalogue.json"))
}

/// Returns the departments that every county has.
pub(super) fn departments() -> Vec<Department> {
    catalogue().departments
}

/// Returns every version of every item, as published on the day it came into force.
pub(super) fn published() -> Vec<BuiltIn> {
    let CatalogueData { departments, materials, items } = catalogue();
    let elements: Elements = read(include_str!("../../data/elements.json"));
    let versions = items.iter().flat_map(|item| item.versions.iter().map(move |version| (item, version)));
    let published = versions.map(|(item, version)| ItemPublished {
        item: item.item.clone(),
        version: version.version,
        valid_from: version.valid_from,
        valid_to: None,
        definition: elements.added_to(definition(item, version, &departments, &materials), &item.item),
    });
    let built_in = published.map(|published| BuiltIn {
        subject: Subject::Item(published.item.clone()),
        published_on: published.valid_from,
        event: Event::Item(ItemEvent::ItemPublished(published)),
    });
    built_in.collect()
}

fn definition(
    item: &ItemData,
    version: &VersionData,
    departments: &[Department],
    known: &[Material],
) -> ItemDefinition {
    let department = departments.iter().find(|department| department.code == item.department);
    let materials: Vec<MaterialRequirement> = item.materials.iter().filter_map(|code| material(code, known)).collect();
    let commitment_allowed = materials.iter().any(|material| material.replaceable_by == Replacement::Commitment);
    ItemDefinition {
        name_zh: item.name_zh.clone(),
        name_en: item.name_en.clone(),
        aliases: Vec::new(),
        department_zh: department.map_or_else(String::new, |department| department.name_zh.clone()),
        department_en: department.map_or_else(String::new, |department| department.name_en.clone()),
        item_type: item.item_type.clone(),
        basic_code: item.basic_code.clone(),
        legal_basis: Vec::new(),
        joint_departments: Vec::new(),
        applicant_kinds: item.applicant_kinds.clone(),
        conditions: Vec::new(),
        kind: item.kind,
        legal_limit: version.legal_days.map(working),
        promised_limit: version.promised_days.map(working),
        batch: item.batch,
        intake_levels: version.intake_levels.clone(),
        decided_at: version.decided_at,
        authority: version.authority,
        cross_township: version.cross_township,
        certificate_free: item.certificate_free,
        situations: Vec::new(),
        materials,
        form: None,
        special_procedures: item.special_procedures.clone(),
        steps: if version.steps.is_empty() { usual_steps(item.kind, version) } else { version.steps.clone() },
        rating_stages: item.rating_stages.clone(),
        result_zh: item.result_zh.clone(),
        clock_stop: if item.item_type == LICENCE { ClockStop::Decision } else { ClockStop::Finish },
        deemed_acceptance: item.deemed_acceptance,
        extension_days_max: item.extension_days_max,
        delivery_days: item.delivery_days,
        supplement_days: None,
        review_notice_pauses: false,
        same_person_allowed: item.same_person_allowed,
        commitment_allowed,
        appointment: item.appointment,
        appointment_since: None,
        after_hours: item.after_hours,
        after_hours_since: None,
        online: false,
        by_post: false,
        visits: None,
        fees: Vec::new(),
        inquiry_phone: None,
        complaint_phone: None,
        questions: Vec::new(),
        retention: item.retention.clone(),
        rules_source: item.rules_source.clone(),
    }
}

fn working(days: u16) -> Limit {
    Limit { days, unit: DayUnit::Working }
}

fn material(code: &str, known: &[Material]) -> Option<MaterialRequirement> {
    let bare = code.trim_start_matches('(').trim_end_matches(')');
    let material = known.iter().find(|material| material.code.as_str() == bare)?;
    Some(MaterialRequirement {
        code: material.code.clone(),
        name_zh: material.name_zh.clone(),
        name_en: material.name_en.clone(),
        required: bare == code,
        situation: None,
        tolerant: material.tolerant,
        replaceable_by: material.replaceable_by,
        replacement_zh: material.replacement_zh.clone(),
        issuer_zh: String::new(),
        originals: 0,
        copies: 0,
        note_zh: String::new(),
    })
}

impl Elements {
    /// Adds to an item's rules what residents read of it.
    fn added_to(&self, rules: ItemDefinition, item: &ItemId) -> ItemDefinition {
        let Some(own) = self.items.iter().find(|own| own.item == *item) else { return rules };
        let materials: Vec<_> = rules.materials.into_iter().map(|material| self.material(material)).collect();
        let arises = |situation: &&Situation| {
            materials.iter().any(|material| material.situation.as_ref() == Some(&situation.code))
        };
        let form = own.form.as_ref().and_then(|code| self.forms.iter().find(|form| form.code == *code));
        let hotline = Some(self.hotline.clone());
        ItemDefinition {
            aliases: own.aliases.clone(),
            legal_basis: own.legal_basis.clone(),
            conditions: own.conditions.clone(),
            situations: self.situations.iter().filter(arises).cloned().collect(),
            materials,
            form: form.map(|form| ElectronicForm { version: 1, schema: form.schema.clone() }),
            appointment_since: rules.appointment.then_some(self.lists_since),
            after_hours_since: rules.after_hours.then_some(self.lists_since),
            online: own.online,
            by_post: own.by_post,
            visits: Some(own.visits),
            inquiry_phone: hotline.clone(),
            complaint_phone: hotline,
            questions: own.questions.clone(),
            ..rules
        }
    }

    fn material(&self, rules: MaterialRequirement) -> MaterialRequirement {
        let Some(own) = self.materials.iter().find(|own| own.code == rules.code) else { return rules };
        MaterialRequirement {
            situation: own.situation.clone().filter(|_| !rules.required),
            issuer_zh: own.issuer_zh.clone(),
            originals: own.originals,
            copies: own.copies,
            note_zh: own.note_zh.clone(),
            ..rules
        }
    }
}

/// The usual way of an item without a step model of its own. The budgets add up to what is promised.
///
/// Making the result and sending up take a day each as far as the promise leaves room; of the rest, forwarding items
/// spend a third on the first review, others all but the day of the decision.
fn usual_steps(kind: CaseKind, version: &VersionData) -> Vec<StepRule> {
    if kind == CaseKind::Instant {
        return step("handle", "当场办理", "handling on the spot", 0).into_iter().collect();
    }
    let promised = version.promised_days.unwrap_or(0);
    let make_result = u16::from(3 <= promised);
    let steps = match version.authority {
        Authority::Forward => {
            let forward = u16::from(4 <= promised);
            let rest = promised - make_result - forward;
            let review = rest.div_ceil(3);
            vec![
                step("review", "乡镇初审", "first review", review),
                step("forward", "转报", "sending up", forward),
                step("decide", "县级审批", "decision of the county", rest - review),
                step("make-result", "制证", "making the result", make_result),
            ]
        }
        Authority::OwnStatutory | Authority::Empowered | Authority::Entrusted | Authority::VillageSelf => {
            let rest = promised - make_result;
            let decide = u16::from(2 <= rest);
            vec![
                step("review", "审查", "review", rest - decide),
                step("decide", "决定", "decision", decide),
                step("make-result", "制证", "making the result", make_result),
            ]
        }
    };
    let accept = step("accept", "受理", "acceptance", 1).map(|accept| StepRule { before_acceptance: true, ..accept });
    std::iter::once(accept).chain(steps).flatten().collect()
}

fn step(code: &str, name_zh: &str, name_en: &str, budget_days: u16) -> Option<StepRule> {
    let code = code.parse::<StepCode>().ok()?;
    Some(StepRule { code, name_zh: name_zh.into(), name_en: name_en.into(), budget_days, before_acceptance: false })
}
