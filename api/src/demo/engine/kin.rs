//! 近亲属备案: now and then an applicant for 低保 is a close relative of somebody who works at the township. Most say so when
//! they hand in their papers; of some, an inspection finds it out when all is done.

use super::super::DemoError;
use super::super::acts::post;
use super::super::city;
use super::super::dice::Dice;
use super::super::script::Act;
use super::{Agent, Engine};
use domain::actor::{Actor, Role};
use domain::decider::{Context, Decider as _};
use domain::event::Event;
use domain::event::kin::{DeclaredBy, HomeVisit, KinRelation};
use domain::fact::Subject;
use domain::kin::{Kin, KinCommand};
use domain::zone::{Instant, day_of};

/// 最低生活保障审核确认.
const DIBAO: &str = "FZ-001";
/// The share of relatives, and of these the share that is found out only afterwards.
const RELATIVES: f64 = 0.03;
const FOUND_OUT: f64 = 0.2;
/// The share of homes that are visited, and that the county looks at once more.
const VISITED: f64 = 0.85;
const SPOT_VISITED: f64 = 0.35;

impl Engine<'_> {
    /// Registers what is to be registered when this act is done.
    pub(super) async fn tell_of_kin(
        &mut self,
        ordinal: u64,
        agent: &Agent,
        act: &Act,
        at: Instant,
    ) -> Result<(), DemoError> {
        let Some(application) = agent.case.application.as_ref().filter(|it| it.item.as_str() == DIBAO) else {
            return Ok(());
        };
        let mut dice = Dice::new(self.seed ^ 0x61c, ordinal);
        let (is_relative, found_out) = (dice.chance(RELATIVES), dice.chance(FOUND_OUT));
        let told = if found_out { matches!(act, Act::Deliver) } else { matches!(act, Act::Receive) };
        if !is_relative || !told {
            return Ok(());
        }
        let relations = [KinRelation::Parent, KinRelation::Sibling, KinRelation::Spouse, KinRelation::Other];
        let hall = &application.handling;
        let register = KinCommand::Register {
            case: agent.id,
            item: application.item.clone(),
            handling: hall.clone(),
            decided_on: agent.case.decision.as_ref().and_then(|decision| decision.on),
            staff: city::staff(hall, Role::Clerk, 2)?,
            relation: relations[dice.weighted(&[0.5, 0.3, 0.1, 0.1])],
            declared_by: if found_out { DeclaredBy::Inspection } else { DeclaredBy::Applicant },
        };
        let (handler, county) = (post(hall, Role::Handler, 1, None)?, self.supervisor_of(hall)?);
        let visitors = [&handler.id, &city::staff(hall, Role::Handler, 2)?].map(Clone::clone).to_vec();
        let visit = |visit| KinCommand::Visit { visit, visited_on: day_of(at), visitors: visitors.clone() };
        let mut told = vec![(&handler, register)];
        if dice.chance(VISITED) {
            told.push((&handler, visit(HomeVisit::Full)));
        }
        if dice.chance(SPOT_VISITED) {
            told.push((&county, visit(HomeVisit::Spot)));
        }
        let mut kin = Kin::default();
        for (actor, command) in told {
            let context = Context { now: at, occurred_at: at, actor, reference: &self.reference };
            match kin.decide(&command, &context) {
                Ok(events) => {
                    events.iter().for_each(|event| kin.evolve(event));
                    let events = events.into_iter().map(Event::Kin).collect();
                    self.append(Subject::Kin(agent.id), events, actor.clone(), at, at, Vec::new()).await?;
                }
                Err(rule) => *self.tally.refused.entry(format!("kin: {rule:?}")).or_default() += 1,
            }
        }
        Ok(())
    }

    fn supervisor_of(&self, hall: &domain::ids::OrganisationId) -> Result<Actor, DemoError> {
        let county = self.reference.organisations.county_of(hall).unwrap_or(hall);
        Ok(post(county, Role::Supervisor, 1, None)?)
    }
}
