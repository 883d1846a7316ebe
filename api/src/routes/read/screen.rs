//! What a case's screen looked like to somebody then: the file, and what they could do with it.

use super::cases;
use crate::answer::Stamp;
use crate::auth::Caller;
use crate::files::Written;
use crate::node::Node;
use crate::problem::{Kind, Problem, Text};
use crate::query::{FromParameters, Parameters, Query, invalid};
use crate::reveal::Eyes;
use crate::rights;
use crate::routes::write::cases::{Offer, Refusal, offers};
use crate::views::When;
use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, get};
use domain::actor::{Actor, Channel, Role};
use domain::decider::Context;
use domain::ids::{CaseId, OrganisationId, StaffId};
use projections::case_file::CaseFile;
use projections::reference::ReferenceData;
use serde_json::{Value, json};

/// Whose screen is meant; the caller's own if nothing is said.
#[derive(Debug, Clone)]
struct Whose {
    role: Option<Role>,
    organisation: Option<OrganisationId>,
    staff: Option<StaffId>,
}

impl FromParameters for Whose {
    fn take(parameters: &mut Parameters) -> Result<Self, Problem> {
        Ok(Self {
            role: parameters.word("role")?,
            organisation: parameters.one("org")?,
            staff: parameters.one("staff")?,
        })
    }
}

impl Whose {
    fn actor(&self, node: &Node, caller: &Caller, file: &CaseFile) -> Result<Actor, Problem> {
        let others = self.role.is_some_and(|role| role != caller.actor.role)
            || self.organisation.as_ref().is_some_and(|organisation| *organisation != caller.actor.organisation)
            || self.staff.as_ref().is_some_and(|staff| *staff != caller.actor.id);
        if !others {
            return Ok(caller.actor.clone());
        }
        match caller.actor.role {
            Role::Supervisor | Role::Chief | Role::OrganHead | Role::Admin => (),
            _ => return Err(Problem::new(Kind::Forbidden)),
        }
        let role = self.role.unwrap_or(caller.actor.role);
        if matches!(role, Role::Resident | Role::System | Role::Import) {
            let detail = Text::new("只能查看工作人员的界面", "only the screens of staff can be looked at");
            return Err(invalid("role", detail));
        }
        let organisation = match &self.organisation {
            Some(asked) => node
                .reads
                .views
                .today(|reference| rights::asked_organisation(caller, Some(asked), &reference.organisations))?,
            None => file.organisation().unwrap_or(&caller.actor.organisation).clone(),
        };
        // Who has the case sees it as theirs; whoever is named sees it as their own.
        let id = self.staff.clone().or_else(|| file.case.holder.clone()).unwrap_or_else(|| caller.actor.id.clone());
        Ok(Actor { id, role, organisation, window: None, acting_for: None, channel: Channel::Window })
    }
}

/// The screen of one case: the file, masked as today's rights allow, and which acts were allowed, and which refused by
/// which rule, at that moment and under the rules of that moment.
#[utoipa::path(
    get, path = "/api/v1/cases/{id}/screen", tag = "cases", security(("token" = [])),
    params(
        ("id" = String, Path, description = "The case", example = "01KH9Z6V0000000000000000AA"),
        ("role" = Option<String>, Query, description = "As somebody in this role saw it, for those who lead or supervise; the caller's own if absent", example = "clerk"),
        ("org" = Option<String>, Query, description = "Of this organisation; of the one that had the case if absent", example = "361023100"),
        ("staff" = Option<String>, Query, description = "As this person; whoever had taken the case if absent"),
        crate::openapi::WhenParameters,
    ),
    responses((status = 200, description = "The file as `GET /cases/{id}` has it, and the acts as `GET /cases/{id}/actions` has them, without their bodies", body = Object, example = json!({
        "position": 401222, "as_of": "2022-03-03T10:15:00.000+08:00", "id": "01KH9Z6V0000000000000000AA", "version": 6,
        "seen_as": {"role": "clerk", "organisation": "361023100"},
        "file": {"phase": "received", "phase_zh": "已收件", "light": "green"},
        "actions": [{"action": "accept", "label_zh": "受理", "label_en": "Accept"}],
        "refused": [{"action": "decide", "label_zh": "决定", "label_en": "Decide", "rule": "not-accepted", "detail_zh": "尚未受理", "detail_en": "not accepted yet"}]
    })))
)]
#[get("/cases/{id}/screen")]
pub(crate) async fn get_screen(
    node: Data<Node>,
    caller: Caller,
    id: Path<String>,
    Query((whose, when)): Query<(Whose, When)>,
) -> Result<HttpResponse, Problem> {
    rights::sees_cases(&caller)?;
    let id: CaseId = id.parse().map_err(|_| Problem::not_found())?;
    let views = &node.reads.views;
    let at = views.resolve(&when, &node.clock).await?;
    cases::visible(&node, &caller, id).await?;
    let file = views.case_file(&at, id).await?.ok_or_else(Problem::not_found)?;
    let actor = whose.actor(&node, &caller, &file)?;
    let moment = at.at.max(file.updated_at.unwrap_or(at.at));
    let told = views
        .look::<ReferenceData, (Vec<Offer>, Vec<Refusal>)>(&at, |data| {
            let context = Context { now: moment, occurred_at: moment, actor: &actor, reference: &data.reference };
            offers(&file.case, &context)
        })
        .await?;
    let (allowed, refused) = told.value;
    // Nothing can be done in the past, so nobody needs to know what the act would have said.
    let told_of =
        |offer: &Offer| json!({ "action": offer.action, "label_zh": offer.label_zh, "label_en": offer.label_en });
    let actions: Vec<Value> = allowed.iter().map(told_of).collect();
    let eyes = Eyes::of(&caller);
    let written = views.today(|reference| Written::new(id, &file, reference, &node.vault, eyes, at.day()));
    let shown: Value = serde_json::from_slice(&written.json).map_err(|_| Problem::new(Kind::Internal))?;
    let body = json!({
        "id": id, "version": file.version,
        "seen_as": {"role": actor.role, "organisation": actor.organisation},
        "file": shown, "actions": actions, "refused": refused,
    });
    Ok(Stamp::new(&at, told.position).json(&body))
}
