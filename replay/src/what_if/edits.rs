//! Events imagined otherwise: which acts are left out, moved or added.

use super::scenario::{Events, InsertedAct, Insertion, Moment, Scenario};
use chrono::TimeDelta;
use domain::actor::{Actor, Channel, Role};
use domain::case::{Case, CaseCommand};
use domain::event::case::{
    AcceptanceKind, DecisionOutcome, DeliveryMethod, MaterialPresented, Missing, Presented, StepOutcome,
};
use domain::event::{CaseEvent, Event};
use domain::fact::{Fact, Subject};
use domain::ids::{CaseId, ExternalNumber};
use domain::zone::Instant;
use std::collections::BTreeSet;

/// What one person or rule did at once: the facts of one command in one stream.
#[derive(Debug, Clone)]
pub(super) struct Act {
    pub(super) facts: Vec<Fact>,
    /// It did not happen.
    pub(super) omitted: bool,
    /// It happened at another time, by so much.
    pub(super) moved: TimeDelta,
}

impl Act {
    pub(super) fn recorded_at(&self) -> Instant {
        self.facts[0].recorded_at
    }

    /// When it is recorded in the imagined history.
    pub(super) fn imagined_at(&self) -> Instant {
        self.recorded_at() + self.moved
    }

    pub(super) fn position(&self) -> u64 {
        self.facts[0].position
    }

    pub(super) fn case_events(&self) -> Vec<&CaseEvent> {
        let events = self.facts.iter().filter_map(|fact| match &fact.event {
            Event::Case(event) => Some(event),
            _ => None,
        });
        events.collect()
    }
}

/// An act that took place besides.
#[derive(Debug, Clone)]
pub(super) struct Added {
    pub(super) at: Instant,
    pub(super) place: usize,
}

/// Takes one stream apart into acts, as the scenario has them.
pub(super) fn acts(facts: Vec<Fact>, scenario: &Scenario) -> Vec<Act> {
    let mut acts: Vec<Act> = Vec::new();
    for fact in facts {
        match acts.last_mut() {
            Some(act) if act.facts[0].command == fact.command && act.recorded_at() == fact.recorded_at => {
                act.facts.push(fact);
            }
            Some(_) | None => acts.push(Act { facts: vec![fact], omitted: false, moved: TimeDelta::zero() }),
        }
    }
    if scenario.edits_events() {
        let mut carried = TimeDelta::zero();
        for act in &mut acts {
            act.omitted = scenario.omit.iter().any(|events| events.get_ref().hold(act));
            // What a rule did by itself follows from the rest, and is no act that anybody could move.
            if act.facts[0].by.role == Role::System {
                continue;
            }
            act.moved = carried;
            for shift in scenario.shift.iter().map(toml::Spanned::get_ref) {
                if shift.events().hold(act) {
                    let by = TimeDelta::try_hours(shift.hours).unwrap_or_default();
                    act.moved += by;
                    if shift.following {
                        carried += by;
                    }
                }
            }
        }
    }
    acts
}

/// The acts that a scenario adds to a case.
pub(super) fn added(case: CaseId, acts: &[Act], scenario: &Scenario) -> Vec<Added> {
    let insertions = scenario.insert.iter().map(toml::Spanned::get_ref).enumerate();
    let here = insertions.filter(|(_, insertion)| insertion.case.is_none_or(|wanted| wanted == case));
    let at = |insertion: &Insertion| match (&insertion.at, &insertion.after) {
        (Some(Moment(at)), _) => Some(at.to_utc()),
        (None, Some(name)) => {
            let is_anchor = |act: &&Act| act.facts.iter().any(|fact| fact.event.schema().name == name.get_ref());
            let anchor = acts.iter().find(is_anchor)?;
            Some(anchor.imagined_at() + TimeDelta::hours(insertion.hours.into()))
        }
        (None, None) => None,
    };
    here.filter_map(|(place, insertion)| Some(Added { at: at(insertion)?, place })).collect()
}

impl Events {
    /// Whether one of the act's facts is meant.
    fn hold(&self, act: &Act) -> bool {
        act.facts.iter().any(|fact| self.holds(fact))
    }

    fn holds(&self, fact: &Fact) -> bool {
        let case = match &fact.subject {
            Subject::Case(case) => Some(*case),
            _ => None,
        };
        fact.event.schema().name == self.event.get_ref()
            && self.case.is_none_or(|wanted| case == Some(wanted))
            && self.step.as_ref().is_none_or(|wanted| step(&fact.event) == Some(wanted.as_str()))
            && self.kind.as_ref().is_none_or(|wanted| kind(&fact.event) == Some(wanted.as_str()))
    }
}

fn step(event: &Event) -> Option<&str> {
    match event {
        Event::Case(CaseEvent::StepStarted(body)) => Some(body.step.as_str()),
        Event::Case(CaseEvent::StepFinished(body)) => Some(body.step.as_str()),
        Event::Case(CaseEvent::StepSentBack(body)) => Some(body.to.as_str()),
        Event::Case(CaseEvent::CaseRouted(body)) => Some(body.step.as_str()),
        _ => None,
    }
}

fn kind(event: &Event) -> Option<&str> {
    match event {
        Event::Case(CaseEvent::SpecialProcedureRequested(body)) => Some(&body.kind),
        Event::Case(CaseEvent::SpecialProcedureOpened(body)) => Some(&body.kind),
        _ => None,
    }
}

impl Insertion {
    /// Whoever acts, where nothing is said for the organisation that has the case.
    pub(super) fn actor(&self, case: &Case) -> Option<Actor> {
        let application = case.application.as_ref()?;
        let organisation = self.org.clone().or_else(|| case.at.clone()).unwrap_or_else(|| application.intake.clone());
        let id = self.staff.clone().or_else(|| case.holder.clone()).or_else(|| "what-if".parse().ok())?;
        Some(Actor { id, role: self.role, organisation, window: None, acting_for: None, channel: Channel::Window })
    }

    /// What is asked for. Numbers of papers that were never printed say so.
    pub(super) fn command(&self) -> Option<CaseCommand> {
        let number = || "what-if".parse::<ExternalNumber>().ok();
        let presented = |codes: &[domain::ids::MaterialCode]| {
            let one = |code: &domain::ids::MaterialCode| MaterialPresented {
                code: code.clone(),
                how: Presented::Copy,
                paper: None,
            };
            codes.iter().map(one).collect::<Vec<_>>()
        };
        Some(match &self.act {
            InsertedAct::Accept {} => CaseCommand::Accept {
                number: number()?,
                kind: AcceptanceKind::Normal,
                missing: Vec::new(),
                promised_materials_by: None,
                commitment: None,
            },
            InsertedAct::IssueNotice { missing } => CaseCommand::IssueNotice {
                number: number()?,
                missing: missing.iter().map(|code| Missing { code: code.clone(), defect: None }).collect(),
                in_library: BTreeSet::new(),
                method: "hand".to_owned(),
            },
            InsertedAct::Supplement { materials } => CaseCommand::Supplement { materials: presented(materials) },
            InsertedAct::Route { to } => CaseCommand::Route { to: to.clone(), step: None, hand_over: number()? },
            InsertedAct::StartStep { step } => CaseCommand::StartStep { step: step.clone() },
            InsertedAct::FinishStep { step } => {
                CaseCommand::FinishStep { step: step.clone(), outcome: StepOutcome::Passed, opinion: None }
            }
            InsertedAct::Grant {} => {
                CaseCommand::Decide { outcome: DecisionOutcome::Granted, number: number()?, reason: None, remedy: None }
            }
            InsertedAct::Finish {} => CaseCommand::Finish { stamp: number()?, fee_fen: 0 },
            InsertedAct::Deliver {} => {
                CaseCommand::Deliver { method: DeliveryMethod::Direct, recipient: None, proof: None }
            }
        })
    }
}
