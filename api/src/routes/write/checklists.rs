//! 考评表 and 标杆大厅: what halls are scored by, and which of them counties choose.

use super::plain::{carry_out, carry_out_with};
use super::reference::command;
use super::request::Incoming;
use crate::auth::Caller;
use crate::node::Node;
use crate::problem::{Kind, Problem};
use actix_web::{HttpResponse, web};
use chrono::NaiveDate;
use domain::actor::Role;
use domain::campaign::{Campaign, CampaignCommand};
use domain::checklist::{Checklist, ChecklistCommand};
use domain::fact::Subject;
use domain::ids::{CampaignId, ChecklistId, InspectionId, OrganisationId};
use domain::inspection::Inspection;
use serde::Deserialize;
use utoipa::ToSchema;

/// What is for the whole city is for these roles of the city.
fn of_the_city(node: &Node, caller: &Caller) -> Result<(), Problem> {
    let reference = node.reference.now();
    let city = reference.reference.organisations.root();
    let at_the_city = city.is_some_and(|city| *city.id() == caller.actor.organisation);
    match at_the_city && matches!(caller.actor.role, Role::Admin | Role::Supervisor) {
        true => Ok(()),
        false => Err(Problem::new(Kind::Forbidden)),
    }
}

/// `POST /checklists`: the first version of a checklist, or the next one.
///
/// # Errors
/// The caller may not, the body is flawed, or a rule forbids it.
pub async fn publish(node: web::Data<Node>, caller: Caller, incoming: Incoming) -> Result<HttpResponse, Problem> {
    of_the_city(&node, &caller)?;
    let publish: ChecklistCommand = command("publish", incoming.object()?)?;
    let ChecklistCommand::Publish { checklist, .. } = &publish;
    let (subject, id) = (Subject::Checklist(checklist.clone()), checklist.to_string());
    carry_out::<Checklist>(&node, &caller, &incoming, &subject, &id, &publish).await
}

/// 开展标杆大厅评选.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"campaign": "model-halls-2026", "name_zh": "2026年度标杆大厅", "checklist": "model-hall",
    "halls_per_county": 3, "from": "2026-11-01", "through": "2026-12-31"}))]
pub struct CampaignBody {
    /// Which.
    #[schema(value_type = String)]
    pub campaign: CampaignId,
    /// 名称.
    pub name_zh: String,
    /// By which checklist halls are scored.
    #[schema(value_type = String)]
    pub checklist: ChecklistId,
    /// How many halls each county may choose.
    pub halls_per_county: u16,
    /// The first day.
    pub from: NaiveDate,
    /// The last day.
    pub through: NaiveDate,
}

/// `POST /campaigns`
///
/// # Errors
/// The caller may not, the body is flawed, or a rule forbids it.
pub async fn open_campaign(node: web::Data<Node>, caller: Caller, incoming: Incoming) -> Result<HttpResponse, Problem> {
    of_the_city(&node, &caller)?;
    let CampaignBody { campaign, name_zh, checklist, halls_per_county, from, through } = incoming.read()?;
    let known = node.executor.load::<Checklist>(&Subject::Checklist(checklist.clone())).await?;
    let checklist = (0 < known.version).then_some(checklist);
    let (subject, id) = (Subject::Campaign(campaign.clone()), campaign.to_string());
    let command = CampaignCommand::Open { campaign, name_zh, checklist, halls_per_county, from, through };
    carry_out::<Campaign>(&node, &caller, &incoming, &subject, &id, &command).await
}

/// 推荐.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"inspection": "01KH9Z6V0000000000000000AA"}))]
pub struct ChooseBody {
    /// On the strength of which inspection; it names the hall.
    #[schema(value_type = String)]
    pub inspection: InspectionId,
}

/// 撤回推荐.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"hall": "361023100"}))]
pub struct WithdrawChoiceBody {
    /// Which hall.
    #[schema(value_type = String)]
    pub hall: OrganisationId,
}

/// `POST /campaigns/{id}/actions/{action}`: `choose` or `withdraw`.
///
/// # Errors
/// There is no such campaign or action, the caller may not, the body is flawed, or a rule forbids it.
pub async fn act_on_campaign(
    node: web::Data<Node>,
    caller: Caller,
    path: web::Path<(String, String)>,
    incoming: Incoming,
) -> Result<HttpResponse, Problem> {
    if !matches!(caller.actor.role, Role::Supervisor | Role::Admin) {
        return Err(Problem::new(Kind::Forbidden));
    }
    let (id, action) = path.into_inner();
    let campaign: CampaignId = id.parse().map_err(|_| Problem::not_found())?;
    let subject = Subject::Campaign(campaign);
    node.executor.load::<Campaign>(&subject).await?.state.opened.as_ref().ok_or_else(Problem::not_found)?;
    match action.as_str() {
        "choose" => {
            let ChooseBody { inspection } = incoming.read()?;
            let relied_on = Subject::Inspection(inspection);
            let loaded = node.executor.load::<Inspection>(&relied_on).await?;
            loaded.state.opened.as_ref().ok_or_else(Problem::not_found)?;
            let scored = loaded.state.scored.clone().map(Box::new);
            let command = CampaignCommand::Choose { inspection, scored };
            let also = [(relied_on, loaded.version)];
            carry_out_with::<Campaign>(&node, &caller, &incoming, &subject, &id, &command, &also).await
        }
        "withdraw" => {
            let WithdrawChoiceBody { hall } = incoming.read()?;
            let command = CampaignCommand::Withdraw { hall };
            carry_out::<Campaign>(&node, &caller, &incoming, &subject, &id, &command).await
        }
        _ => Err(Problem::not_found()),
    }
}
