//! What a document says, in words: a pure function of the case before the act, the act, the reference data and what is
//! sealed. A template only places what stands here. Fields are added, never changed: documents of the past are printed
//! from them again.

use super::PrintError;
use crate::guide::limit_zh;
use crate::seal;
use crate::vault::{Vault, VaultError};
use chrono::{Datelike as _, NaiveDate};
use domain::actor::Actor;
use domain::case::Case;
use domain::clock::{Clocks, Deadline};
use domain::document::DocumentKind;
use domain::event::CaseEvent;
use domain::event::case::{
    AcceptanceKind, CaseAccepted, CaseDecided, CaseReceived, CaseRouted, DeadlineExtended, DecisionOutcome,
    DeliveryMethod, IntakeRefused, LegForwarded, MaterialPresented, NoticeStage, OneTimeNoticeIssued, Presented,
    ResultDelivered, SpecialProcedureOpened,
};
use domain::event::item::{Authority, ItemDefinition};
use domain::identity;
use domain::ids::{MaterialCode, OrganisationId};
use domain::reference::Reference;
use domain::sealed::{Party, Sealed};
use domain::zone::{Instant, day_of};
use serde::Serialize;
use std::collections::BTreeMap;

/// When and by whom the act was done, and what was known about the city.
#[derive(Clone, Copy)]
pub struct Act<'a> {
    /// The case's stream: what its texts were sealed for.
    pub context: &'a str,
    /// When it happened.
    pub occurred_at: Instant,
    /// The day on which it is printed: which template is in force.
    pub printed_on: NaiveDate,
    /// Who did it.
    pub by: &'a Actor,
    /// Catalogue, organisations and templates.
    pub reference: &'a Reference,
    /// The position of the last fact in them.
    pub reference_position: u64,
    /// What opens the case's texts.
    pub vault: &'a Vault,
}

/// Everything a document may say.
#[derive(Debug, Serialize)]
pub struct Facts {
    #[serde(skip)]
    pub(super) kind: DocumentKind,
    pub(super) number: String,
    pub(super) case_number: String,
    pub(super) item_id: String,
    pub(super) item_zh: String,
    pub(super) item_en: String,
    /// 发文单位.
    pub(super) office: String,
    pub(super) applicant: Who,
    pub(super) agent: Option<Who>,
    /// 日期, such as 2026年3月2日.
    pub(super) day: String,
    /// 经办人, by number.
    pub(super) clerk: String,
    pub(super) window: Option<String>,
    /// 咨询电话.
    pub(super) phone: Option<String>,
    pub(super) act: Told,
}

/// A person: the name in full, for the paper is theirs, and the number as far as others may see it.
#[derive(Debug, Serialize)]
pub(super) struct Who {
    pub(super) name: String,
    pub(super) id_number: String,
}

/// A line of a list.
#[derive(Debug, Serialize)]
pub(super) struct Line {
    pub(super) name: String,
    pub(super) note: String,
}

/// A limit and the day on which it ends.
#[derive(Debug, Serialize)]
pub(super) struct Term {
    pub(super) limit: String,
    pub(super) day: String,
}

/// What the act itself says.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Told {
    /// 收件.
    Receipt { received_on: String, notice_by: String, materials: Vec<Line>, outside_hours: bool, query_code: String },
    /// 不予受理.
    Refusal { reason: String, competent_organ: String },
    /// 一次性告知.
    OneTimeNotice { review: bool, missing: Vec<Line>, supplement_by: Option<String> },
    /// 受理.
    Acceptance {
        accepted_on: String,
        manner: Option<&'static str>,
        promised: Option<Term>,
        legal: Option<Term>,
        missing: Vec<String>,
        promised_materials_by: Option<String>,
    },
    /// 移交.
    HandOver { from: String, to: String, step: String, materials: Vec<Line> },
    /// 特别程序.
    SpecialProcedure {
        procedure: String,
        reason: Option<String>,
        from: String,
        until: String,
        stops_promised: bool,
        stops_legal: bool,
        basis: Option<String>,
    },
    /// 延期.
    Extension { days: u16, reason: Option<String>, promised: Option<Term>, legal: Option<Term> },
    /// 决定.
    Decision {
        outcome: &'static str,
        denied: bool,
        in_name_of: String,
        by_right: &'static str,
        reason: Option<String>,
        remedy: Option<String>,
        result: Option<String>,
        deliver_by: Option<String>,
    },
    /// 送达.
    Delivery {
        method: &'static str,
        recipient: Option<String>,
        decision_number: Option<String>,
        result: Option<String>,
        result_number: Option<String>,
    },
}

/// Returns what the document says that an event issues.
///
/// # Errors
/// The event issues none, the case does not hold what it is about, or something sealed cannot be opened.
pub fn facts(case: &Case, event: &CaseEvent, act: &Act<'_>) -> Result<Facts, PrintError> {
    let issued = event.document().ok_or(PrintError::Facts(DocumentKind::Receipt))?;
    let kind = issued.kind;
    let application = case.application.as_ref().ok_or(PrintError::Facts(kind))?;
    let version = act.reference.catalogue.version(&application.item, application.item_version);
    let item = &version.ok_or(PrintError::Facts(kind))?.definition;
    let desk = Desk { case, item, act };
    let told = desk.told(event)?.ok_or(PrintError::Facts(kind))?;
    Ok(Facts {
        kind,
        number: issued.number.to_string(),
        case_number: application.number.to_string(),
        item_id: application.item.to_string(),
        item_zh: item.name_zh.clone(),
        item_en: item.name_en.clone(),
        office: desk.organisation(desk.office(event)),
        applicant: desk.who(&application.applicant)?,
        agent: application.agent.as_ref().map(|agent| desk.who(agent)).transpose()?,
        day: day_zh(day_of(act.occurred_at)),
        clerk: act.by.id.to_string(),
        window: act.by.window.as_ref().map(ToString::to_string),
        phone: desk.phone(event),
        act: told,
    })
}

/// A case on the desk of whoever writes its document.
struct Desk<'a> {
    case: &'a Case,
    item: &'a ItemDefinition,
    act: &'a Act<'a>,
}

impl Desk<'_> {
    /// What the event says; nothing where it issues no document.
    fn told(&self, event: &CaseEvent) -> Result<Option<Told>, VaultError> {
        Ok(Some(match event {
            CaseEvent::CaseReceived(body) => self.receipt(body),
            CaseEvent::IntakeRefused(body) => self.refusal(body)?,
            CaseEvent::OneTimeNoticeIssued(body) => self.one_time_notice(body)?,
            CaseEvent::CaseAccepted(body) => self.acceptance(body),
            CaseEvent::CaseRouted(body) => self.hand_over(body),
            CaseEvent::LegForwarded(body) => self.hand_over_of_leg(body),
            CaseEvent::SpecialProcedureOpened(body) => self.special_procedure(body)?,
            CaseEvent::DeadlineExtended(body) => self.extension(body)?,
            CaseEvent::CaseDecided(body) => self.decision(body)?,
            CaseEvent::ResultDelivered(body) => self.delivery(body)?,
            // The domain's table of documents says which events issue one.
            _ => return Ok(None),
        }))
    }

    /// Whose paper it is: the organisation that the act names, or else who did it.
    fn office<'e>(&'e self, event: &'e CaseEvent) -> &'e OrganisationId {
        match event {
            CaseEvent::CaseReceived(body) => &body.organisation,
            CaseEvent::CaseAccepted(body) => &body.organisation,
            CaseEvent::CaseDecided(body) => &body.organisation,
            _ => &self.act.by.organisation,
        }
    }

    /// Whom to call: that organisation, or else whoever knows about the item.
    fn phone(&self, event: &CaseEvent) -> Option<String> {
        let own = self.act.reference.organisations.phone(self.office(event), day_of(self.act.occurred_at));
        own.map(str::to_owned).or_else(|| self.item.inquiry_phone.clone())
    }

    fn receipt(&self, body: &CaseReceived) -> Told {
        // As the case will hold them: what was handed in with the application, and what the window registered.
        let mut materials: BTreeMap<_, _> = self.case.materials.iter().collect();
        materials.extend(body.materials.iter().map(|material| (&material.code, material)));
        Told::Receipt {
            received_on: day_zh(body.materials_received_on),
            notice_by: day_zh(body.notice_due.date),
            materials: self.lines(materials.into_values()),
            outside_hours: body.outside_hours,
            query_code: seal::query_code(self.act.vault, self.act.context),
        }
    }

    fn refusal(&self, body: &IntakeRefused) -> Result<Told, VaultError> {
        Ok(Told::Refusal { reason: self.open(&body.reason)?, competent_organ: body.competent_organ.clone() })
    }

    fn one_time_notice(&self, body: &OneTimeNoticeIssued) -> Result<Told, VaultError> {
        let missing = body.missing.iter().map(|missing| {
            let note = self.open_optional(missing.defect.as_ref())?.unwrap_or_else(|| "未提交".to_owned());
            Ok(Line { name: self.material(&missing.code), note })
        });
        Ok(Told::OneTimeNotice {
            review: body.stage == NoticeStage::Review,
            missing: missing.collect::<Result<_, VaultError>>()?,
            supplement_by: body.supplement_by.map(day_zh),
        })
    }

    fn acceptance(&self, body: &CaseAccepted) -> Told {
        let (promised, legal) = terms(&body.clocks);
        Told::Acceptance {
            accepted_on: day_zh(body.effective_on),
            manner: match body.kind {
                AcceptanceKind::Normal | AcceptanceKind::Deemed => None,
                AcceptanceKind::Tolerant => Some("容缺受理"),
                AcceptanceKind::Commitment => Some("告知承诺"),
            },
            promised,
            legal,
            missing: body.missing.iter().map(|code| self.material(code)).collect(),
            promised_materials_by: body.promised_materials_by.map(day_zh),
        }
    }

    fn hand_over(&self, body: &CaseRouted) -> Told {
        let step = self.item.steps.iter().find(|step| step.code == body.step);
        Told::HandOver {
            from: self.organisation(self.case.at.as_ref().unwrap_or(&self.act.by.organisation)),
            to: self.organisation(&body.to),
            step: step.map_or_else(|| body.step.to_string(), |step| step.name_zh.clone()),
            materials: self.lines(self.case.materials.values()),
        }
    }

    /// What goes up with a forwarded case, for the step that is to be done there.
    fn hand_over_of_leg(&self, body: &LegForwarded) -> Told {
        let began = |code| self.case.passed.contains(code) || self.case.steps.iter().any(|step| step.code == *code);
        let ahead = self.item.steps.iter().find(|step| !step.before_acceptance && !began(&step.code));
        let named = body.package.iter().map(|code| Line {
            name: self.material(code),
            note: self.case.materials.get(code).map_or("未提交", |material| presented_zh(material.how)).to_owned(),
        });
        let materials = match body.package.is_empty() {
            true => self.lines(self.case.materials.values()),
            false => named.collect(),
        };
        Told::HandOver {
            from: self.organisation(&body.from),
            to: self.organisation(&body.to),
            step: ahead.or(self.item.steps.last()).map_or_else(|| "转报".to_owned(), |step| step.name_zh.clone()),
            materials,
        }
    }

    fn special_procedure(&self, body: &SpecialProcedureOpened) -> Result<Told, VaultError> {
        let requested = self.case.procedures.get(&body.procedure);
        Ok(Told::SpecialProcedure {
            procedure: body.kind.clone(),
            reason: self.open_optional(requested.and_then(|requested| requested.reason.as_ref()))?,
            from: day_zh(body.from),
            until: day_zh(body.due.date),
            stops_promised: body.stops_promised,
            stops_legal: body.stops_legal,
            basis: body.basis.clone(),
        })
    }

    fn extension(&self, body: &DeadlineExtended) -> Result<Told, VaultError> {
        let (promised, legal) = terms(&body.clocks);
        let requested = self.case.extension_request.as_ref();
        let reason = self.open_optional(requested.map(|requested| &requested.request.reason))?;
        Ok(Told::Extension { days: body.days, reason, promised, legal })
    }

    fn decision(&self, body: &CaseDecided) -> Result<Told, VaultError> {
        let denied = body.outcome == DecisionOutcome::Denied;
        Ok(Told::Decision {
            outcome: match body.outcome {
                DecisionOutcome::Granted => "准予",
                DecisionOutcome::PartlyGranted => "部分准予",
                DecisionOutcome::Denied => "不予",
            },
            denied,
            in_name_of: self.organisation(&body.in_name_of),
            by_right: match body.authority {
                Authority::OwnStatutory => "法定职权",
                Authority::Empowered => "赋权",
                Authority::Entrusted => "委托",
                Authority::Forward => "转报审批",
                Authority::VillageSelf => "村级办理",
            },
            reason: self.open_optional(body.reason.as_ref())?,
            remedy: body.remedy.clone(),
            result: body.yields_result.then(|| self.item.result_zh.clone()),
            deliver_by: body.delivery_due.as_ref().map(|due| day_zh(due.date)),
        })
    }

    fn delivery(&self, body: &ResultDelivered) -> Result<Told, VaultError> {
        let (decision, result) = (self.case.decision.as_ref(), self.case.result.as_ref());
        Ok(Told::Delivery {
            method: match body.method {
                DeliveryMethod::Direct => "直接送达",
                DeliveryMethod::Post => "邮寄送达",
                DeliveryMethod::Electronic => "电子送达",
                DeliveryMethod::Leaving => "留置送达",
                DeliveryMethod::PublicNotice => "公告送达",
            },
            recipient: self.open_optional(body.recipient.as_ref())?,
            decision_number: decision.map(|decision| decision.number.to_string()),
            result: result.map(|result| result.name.clone()),
            result_number: result.map(|result| result.number.to_string()),
        })
    }

    fn who(&self, party: &Party) -> Result<Who, VaultError> {
        let person = self.act.vault.person(party, self.act.context)?;
        Ok(Who { name: person.name.clone(), id_number: identity::mask_id_number(&person.id_number) })
    }

    fn open(&self, sealed: &Sealed) -> Result<String, VaultError> {
        self.act.vault.open_sealed(sealed, self.act.context).map(|text| text.to_string())
    }

    fn open_optional(&self, sealed: Option<&Sealed>) -> Result<Option<String>, VaultError> {
        sealed.map(|sealed| self.open(sealed)).transpose()
    }

    fn organisation(&self, id: &OrganisationId) -> String {
        self.act.reference.organisations.get(id).map_or_else(|| id.to_string(), |known| known.name_zh().to_owned())
    }

    fn material(&self, code: &MaterialCode) -> String {
        let known = self.item.materials.iter().find(|material| material.code == *code);
        known.map_or_else(|| code.to_string(), |material| material.name_zh.clone())
    }

    fn lines<'m>(&self, materials: impl Iterator<Item = &'m MaterialPresented>) -> Vec<Line> {
        let line = |material: &MaterialPresented| Line {
            name: self.material(&material.code),
            note: presented_zh(material.how).to_owned(),
        };
        materials.map(line).collect()
    }
}

fn terms(clocks: &Clocks) -> (Option<Term>, Option<Term>) {
    let term = |deadline: &Deadline| Term { limit: limit_zh(deadline.limit), day: day_zh(deadline.date) };
    (clocks.promised.as_ref().map(term), clocks.legal.as_ref().map(term))
}

fn day_zh(day: NaiveDate) -> String {
    format!("{}年{}月{}日", day.year(), day.month(), day.day())
}

fn presented_zh(how: Presented) -> &'static str {
    match how {
        Presented::Original => "原件",
        Presented::Copy => "复印件",
        Presented::Upload => "电子文件",
        Presented::ECert => "电子证照",
        Presented::DataShare => "数据共享",
        Presented::Commitment => "告知承诺",
        Presented::Generated => "系统生成",
    }
}
