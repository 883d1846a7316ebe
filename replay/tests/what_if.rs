//! A what-if with no change is reality; with a change it is what the deciders make of it; and it never writes.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed, and says where")]

mod random_history;

use chrono::{DateTime, TimeDelta, Utc};
use domain::actor::{Actor, Channel, Role};
use domain::builtin;
use domain::case::{Case, CaseCommand, Submit};
use domain::decider::{Context, Decider};
use domain::event::case::{AcceptanceKind, DecisionOutcome, MaterialPresented, Presented, StepOutcome};
use domain::event::item::Level;
use domain::event::{CaseEvent, Event};
use domain::fact::{Fact, Subject};
use domain::reference::Reference;
use domain::sealed::{Party, PartyKind, Sealed};
use projections::reference::ReferenceData;
use proptest::prelude::*;
use random_history::{BEGINNING, Log, Looking, Step, case, facts, histories, run};
use replay::as_of::as_of;
use replay::diff::End;
use replay::moment::{Basis, Moment};
use replay::question::{Asked, Question, ViewKind};
use replay::view::View;
use replay::what_if::{Comparison, Kept, Progress, Scenario, ScenarioError, Shown, Wanted, WhatIfError, what_if};
use std::str::FromStr;
use std::sync::LazyLock;

static REFERENCE: LazyLock<Reference> = LazyLock::new(builtin::reference);

impl Looking {
    async fn imagine(&self, scenario: &str, shown: Shown, at: DateTime<Utc>) -> Result<Comparison, WhatIfError> {
        let slice = self.log.history().slice(Moment::At(at, Basis::Recorded)).await.unwrap();
        let scenario = Scenario::read(scenario)?;
        let wanted = Wanted { scenario, shown, end: End { at, slice }, within: None, cases_max: 10_000 };
        what_if(&self.past, &wanted, &Progress::default()).await
    }
}

async fn nothing_changes(steps: &[Step]) {
    let looking = Looking::at(Log::with(steps).await).await;
    let head = looking.log.history().head().await.unwrap();
    let at = BEGINNING + TimeDelta::days(400);
    for view in ViewKind::ALL {
        let question = Question::of(view);
        let compared = looking.imagine("", Shown::View(question.clone()), at).await.unwrap();
        assert_eq!((compared.cells, compared.report.changed), (vec![], 0), "{view:?}");
        assert_eq!(compared.actual, compared.imagined);
        assert_eq!(compared.report.decided_otherwise + compared.report.refused, 0);
        assert!(compared.report.rules.is_empty());
        // Ratings of visits, halls and staff belong to no case, and so to none that is touched.
        let is_legacy = |fact: &Fact| matches!(&fact.event, Event::Case(CaseEvent::LegacyCaseOpened(_)));
        let own = !facts(looking.log.history()).await.iter().any(is_legacy);
        if own && matches!(view, ViewKind::ProcessingTimes | ViewKind::Balance) {
            let slice = looking.log.history().slice(Moment::At(at, Basis::Recorded)).await.unwrap();
            let reference: View<ReferenceData> = as_of(looking.log.history(), None, None, &slice).await.unwrap();
            let real = Asked::at(view, &looking.past, &slice).await.unwrap();
            let real = real.answer(&question, &reference.state.reference, at).unwrap();
            assert_eq!(compared.actual, real, "{view:?}");
        }
    }
    assert_eq!(looking.log.history().head().await.unwrap(), head);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_what_if_with_no_change_equals_reality(steps in histories(80)) {
        run(nothing_changes(&steps));
    }
}

const HALL: &str = "361023100";

fn id<T: FromStr<Err = domain::ids::IdError>>(text: &str) -> T {
    text.parse().unwrap()
}

fn actor(role: Role, organisation: &str) -> Actor {
    Actor {
        id: id(&format!("{role}-{organisation}")),
        role,
        organisation: id(organisation),
        window: None,
        acting_for: None,
        channel: Channel::Window,
    }
}

/// A moment of spring 2022.
fn on(day: &str) -> DateTime<Utc> {
    format!("2022-{day}:00+08:00").parse().unwrap()
}

/// A log that begins with the built-in reference data, and cases that are decided by the rules themselves.
struct Town {
    log: Log,
    /// What people will do: when, in which case, who, and what.
    plan: Vec<(DateTime<Utc>, u8, Actor, CaseCommand)>,
}

impl Town {
    async fn new() -> Self {
        let mut log = Log::empty();
        log.set_now("2021-07-01T00:00:00Z".parse().unwrap());
        for known in builtin::events() {
            log.append(known.subject, known.event, "2021-07-01T00:00:00Z".parse().unwrap()).await;
        }
        Self { log, plan: Vec::new() }
    }

    /// Somebody will do this at that moment.
    fn act(&mut self, number: u8, at: &str, by: &Actor, command: CaseCommand) {
        self.plan.push((on(at), number, by.clone(), command));
    }

    /// Everybody does what they will do, in the order of time.
    async fn lived(mut self) -> Looking {
        self.plan.sort_by_key(|(at, number, ..)| (*at, *number));
        for (at, number, by, command) in self.plan {
            let subject = Subject::Case(case(number));
            let mut state = Case::default();
            for fact in self.log.history().stream(&subject).await.unwrap() {
                state.evolve_fact(&fact);
            }
            let context = Context { now: at, occurred_at: at, actor: &by, reference: &REFERENCE };
            let events = state.decide(&command, &context).unwrap();
            self.log.set_now(at);
            for event in events {
                self.log.append_by(subject.clone(), Event::Case(event), at, &by).await;
            }
        }
        Looking::at(self.log).await
    }

    /// 低保, from application to closing; the home visit ends on `visited`, everything is closed on `closed`.
    fn dibao(&mut self, number: u8, visited: &str, closed: &str) {
        let (clerk, handler) = (actor(Role::Clerk, HALL), actor(Role::Handler, HALL));
        let step = |code: &str| CaseCommand::StartStep { step: id(code) };
        let done = |code: &str| CaseCommand::FinishStep { step: id(code), outcome: StepOutcome::Passed, opinion: None };
        let steps = REFERENCE.catalogue.version(&id("FZ-001"), 2).unwrap().definition.steps.clone();
        let ahead: Vec<String> =
            steps.iter().filter(|step| !step.before_acceptance).map(|step| step.code.to_string()).collect();
        self.act(number, "03-01 09:00", &clerk, CaseCommand::Submit(application()));
        let receive = CaseCommand::Receive {
            receipt: id(&format!("R-{number}")),
            materials_received_on: None,
            materials: Vec::new(),
            rating_code_digest: String::new(),
        };
        self.act(number, "03-01 09:10", &clerk, receive);
        let accept = CaseCommand::Accept {
            number: id(&format!("S-{number}")),
            kind: AcceptanceKind::Normal,
            missing: Vec::new(),
            promised_materials_by: None,
            commitment: None,
        };
        self.act(number, "03-01 09:20", &clerk, accept);
        self.act(number, "03-02 09:00", &handler, step(&ahead[0]));
        self.act(number, visited, &handler, done(&ahead[0]));
        let decide = CaseCommand::Decide {
            outcome: DecisionOutcome::Granted,
            number: id(&format!("J-{number}")),
            reason: None,
            remedy: None,
        };
        self.act(number, closed, &actor(Role::Chief, HALL), decide);
        let finish = CaseCommand::Finish { stamp: id(&format!("C-{number}")), fee_fen: 0 };
        self.act(number, closed, &actor(Role::DeliveryClerk, HALL), finish);
    }
}

fn application() -> Submit {
    let person = Sealed { subject: id("p-1"), cipher: "a1.x".into() };
    let party = Party { subject: id("p-1"), kind: PartyKind::NaturalPerson, age_band: None, person };
    let codes = ["FORM", "ID", "HK", "AUTH", "INC", "BANK"];
    Submit {
        number: id("BJ-1"),
        source: id("own"),
        item: id("FZ-001"),
        channel: Channel::Window,
        applicant: party,
        agent: None,
        beneficiaries: Vec::new(),
        consent: None,
        form: None,
        form_version: None,
        situations: std::collections::BTreeSet::new(),
        certificates: std::collections::BTreeMap::new(),
        data_shares: std::collections::BTreeMap::new(),
        intake: id(HALL),
        region: Some(id(HALL)),
        materials: codes
            .iter()
            .map(|code| MaterialPresented { code: id(code), how: Presented::Copy, paper: None })
            .collect(),
        duplicate_of: None,
    }
}

/// One closed after 14 working days, one after 17.
async fn two_cases() -> Looking {
    let mut town = Town::new().await;
    town.dibao(1, "03-10 10:00", "03-21 10:00");
    town.dibao(2, "03-23 10:00", "03-24 10:00");
    town.lived().await
}

fn times() -> Shown {
    Shown::View(Question { group_by: vec!["item_version".to_owned()], ..Question::of(ViewKind::ProcessingTimes) })
}

#[test]
fn a_shorter_promise_tells_how_many_would_have_been_late_and_at_which_step() {
    run(async {
        let looking = two_cases().await;
        let head = looking.log.history().head().await.unwrap();
        let scenario = "[[item]]\nid = \"FZ-001\"\npromised_limit = 15\n";
        let compared = looking.imagine(scenario, times(), on("04-01 09:00")).await.unwrap();
        let report = &compared.report;
        assert_eq!(report.outcomes.actual.promise.get(&Kept::Late), None);
        // The date is another in both, and too early for one of them.
        assert_eq!((report.outcomes.imagined.promise[&Kept::Late], report.changed), (1, 2), "{report:?}");
        assert_eq!(report.outcomes.imagined.late_at.len(), 1);
        let late = report.changed_cases.iter().find(|changed| changed.imagined.promise == Kept::Late).unwrap();
        assert_eq!((late.case, late.actual.promise), (case(2), Kept::InTime));
        let late = compared.cells.iter().find(|change| change.cell.ends_with("/on_time_promised/numerator")).unwrap();
        assert_eq!((late.before.clone().unwrap(), late.after.clone().unwrap()), (2.into(), 1.into()));
        assert_eq!((report.refused, report.not_redecided), (0, 0));
        // Warnings that nobody had raised are raised by the rules.
        assert!(0 < report.rules["warning"]);
        assert_eq!(looking.log.history().head().await.unwrap(), head, "a what-if writes nothing");
    });
}

#[test]
fn what_belongs_to_no_case_is_named_where_it_is_asked_for() {
    run(async {
        let looking = two_cases().await;
        let scenario = "[policy]\ndefault_rating = \"fair\"\n";
        for (view, named) in [(ViewKind::Satisfaction, 1), (ViewKind::Queues, 1), (ViewKind::Balance, 0)] {
            let compared = looking.imagine(scenario, Shown::View(Question::of(view)), on("04-01 09:00")).await.unwrap();
            let notes = compared.notes.iter().filter(|note| note.contains("ratings of visits"));
            assert_eq!(notes.count(), named, "{view:?}");
        }
    });
}

#[test]
fn a_promise_for_some_period_touches_no_case_applied_for_outside_it() {
    run(async {
        let looking = two_cases().await;
        let scenario = "[[item]]\nid = \"FZ-001\"\nfrom = 2022-03-02\npromised_limit = 15\n";
        let compared = looking.imagine(scenario, times(), on("04-01 09:00")).await.unwrap();
        assert_eq!((compared.report.changed, compared.report.decided_otherwise), (0, 0));
    });
}

#[test]
fn days_off_move_the_deadline() {
    run(async {
        let looking = two_cases().await;
        let scenario = "[[item]]\nid = \"FZ-001\"\npromised_limit = 15\n[[calendar]]\noff = [2022-03-14, 2022-03-15]\n";
        let compared = looking.imagine(scenario, times(), on("04-01 09:00")).await.unwrap();
        assert_eq!(
            compared.report.outcomes.imagined.promise.get(&Kept::Late),
            None,
            "{:?}",
            compared.report.changed_cases
        );
    });
}

#[test]
fn an_act_left_out_takes_with_it_what_needs_it() {
    run(async {
        let looking = two_cases().await;
        let scenario = format!("[[omit]]\nevent = \"case-decided\"\ncase = \"{}\"\n", case(1));
        let compared = looking.imagine(&scenario, times(), on("04-01 09:00")).await.unwrap();
        assert_eq!((compared.report.omitted, compared.report.refused), (1, 1));
        assert_eq!(compared.report.refused_acts[0].events, ["case-finished"]);
        assert_eq!(compared.report.outcomes.imagined.open, 1);
        assert_eq!(compared.report.outcomes.imagined.promise[&Kept::Overdue], 1);
    });
}

#[test]
fn everything_after_a_moved_act_moves_along() {
    run(async {
        let looking = two_cases().await;
        let scenario = format!(
            "[[item]]\nid = \"FZ-001\"\npromised_limit = 15\n[[shift]]\nevent = \"step-finished\"\ncase = \"{}\"\nhours = -120\n",
            case(2)
        );
        let compared = looking.imagine(&scenario, times(), on("04-01 09:00")).await.unwrap();
        assert_eq!(compared.report.outcomes.imagined.promise.get(&Kept::Late), None, "{:?}", compared.report);
        assert_eq!(compared.report.moved, 3);
    });
}

#[test]
fn an_added_act_is_decided_like_any_other() {
    run(async {
        let looking = two_cases().await;
        let scenario = format!(
            "[[insert]]\ncase = \"{}\"\nat = 2022-03-08T10:00:00+08:00\nrole = \"chief\"\nact = {{ action = \"grant\" }}\n",
            case(1)
        );
        let compared = looking.imagine(&scenario, Shown::Case(case(1)), on("04-01 09:00")).await.unwrap();
        let refused = &compared.report.refused_acts;
        assert_eq!(compared.report.added, 1);
        assert!(refused.iter().any(|act| act.events == ["case-decided"]), "{refused:?}");
        assert!(compared.cells.iter().any(|change| change.cell == "/case/decision/number"));
    });
}

#[test]
fn a_shorter_notice_window_accepts_by_silence() {
    run(async {
        let mut town = Town::new().await;
        let clerk = actor(Role::Clerk, HALL);
        let deems = |item: &domain::catalogue::Item| {
            item.in_force(on("03-01 09:00").date_naive()).is_some_and(|version| {
                version.definition.deemed_acceptance && version.definition.intake_levels.contains(&Level::Township)
            })
        };
        let (item, _) = REFERENCE.catalogue.items().find(|(_, item)| deems(item)).unwrap();
        let mut submit = application();
        submit.item = item.clone();
        submit.materials.clear();
        town.act(1, "03-01 09:00", &clerk, CaseCommand::Submit(submit));
        let receive = CaseCommand::Receive {
            receipt: id("R-1"),
            materials_received_on: None,
            materials: Vec::new(),
            rating_code_digest: String::new(),
        };
        town.act(1, "03-01 09:10", &clerk, receive);
        let looking = town.lived().await;
        let imagine = |days: u16| {
            let scenario = format!("[policy]\nnotice_days = {days}\n");
            let looking = &looking;
            async move { looking.imagine(&scenario, times(), on("03-05 09:00")).await.unwrap().report }
        };
        assert_eq!(imagine(5).await.outcomes.imagined.deemed, 0);
        let shorter = imagine(2).await;
        assert_eq!((shorter.outcomes.actual.deemed, shorter.outcomes.imagined.deemed), (0, 1));
        assert_eq!(shorter.rules["deemed-acceptance"], 1);
    });
}

#[track_caller]
fn refused(scenario: &str, line: usize, word: &str) {
    let told = run(async {
        let looking = Looking::at(Town::new().await.log).await;
        match looking.imagine(scenario, times(), on("04-01 09:00")).await {
            Err(WhatIfError::Scenario(error)) => error,
            Ok(_) => panic!("{scenario} is taken"),
            Err(other) => panic!("{scenario}: {other}"),
        }
    });
    let ScenarioError { line: told_line, zh, en } = told;
    assert_eq!(told_line, line, "{scenario}: {en}");
    assert!(en.contains(word), "{scenario}: {en}");
    assert!(!zh.is_empty());
}

#[test]
fn what_is_wrong_with_a_scenario_is_told_with_its_line() {
    refused("name = \"x\"\ncolour = \"red\"\n", 2, "colour");
    refused("[[item]]\nid = \"FZ-001\"\npromissed_limit = 15\n", 3, "promissed_limit");
    refused("[[item]]\nid = \"FZ-999\"\npromised_limit = 15\n", 2, "FZ-999");
    refused("[[item]]\nid = \"FZ-001\"\nversions = [7]\n", 3, "version 7");
    refused("\n[[item]]\nid = \"FZ-001\"\npromised_limit = 400\n", 2, "longer than the legal");
    refused("[[item]]\nid = \"FZ-001\"\nfrom = 2022-03-01\nto = 2022-03-01\n", 1, "after");
    refused("[[item]]\nid = \"FZ-001\"\n[[item]]\nid = \"FZ-001\"\nversions = [2]\n", 3, "overlaps");
    refused("[[item]]\nid = \"FZ-001\"\nsteps = { nonsense = 3 }\n", 1, "nonsense");
    refused("[[item]]\nid = \"FZ-001\"\n[[item.pause]]\nkind = \"占卜\"\n", 3, "占卜");
    refused("[policy]\nscores = [0, 10, 20, 30, 40]\n", 1, "scores");
    refused("[policy]\nyellow_remaining_percent = 101\n", 1, "100 percent");
    refused("[[calendar]]\noff = [2022-03-14]\nworked = [2022-03-14]\n", 1, "both");
    refused("[[calendar]]\noff = [2199-03-14]\n", 1, "not published");
    refused("[[omit]]\nevent = \"case-exploded\"\n", 2, "case-exploded");
    refused("[[omit]]\nevent = \"case-urged\"\n[[shift]]\nevent = \"case-urged\"\nhours = 1\n", 3, "omits the same");
    refused("[[insert]]\nrole = \"chief\"\nact = { action = \"grant\" }\n", 1, "either");
    refused("[scope]\norg = \"nowhere\"\n", 2, "nowhere");
    refused("[scope\n", 1, "");
}

#[test]
fn the_documented_scenarios_can_be_read() {
    let page = include_str!("../../docs/scenarios.md");
    let examples: Vec<&str> = page.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(!examples.is_empty());
    for example in examples {
        Scenario::read(example).unwrap();
    }
}
