//! What holds for every history that people can make.

use super::story::*;
use crate::actor::{Actor, Role};
use crate::case::{Again, Case, CaseCommand, Phase, duties};
use crate::decider::Decider;
use crate::due::{due, next_due};
use crate::event::CaseEvent;
use crate::event::case::*;
use crate::ids::EventId;
use crate::zone::{day_of, start_of};
use chrono::Duration;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use ulid::Ulid;

const CODES: &[&str] = &["FORM", "ID", "HK", "SITE", "AUTH", "INC", "BANK", "LEASE"];
const PLACES: &[&str] = &[HALL, VILLAGE, OTHER_HALL, COUNTY, CITY_HALL, "361023-NY", "361023-MZ", "nowhere"];
const ITEMS: &[&str] = &[LICENCE, FORWARDED, INSTANT, DIBAO, "FZ-051", "FZ-060"];
const STEPS: &[&str] = &["accept", "review", "forward", "decide", "make-result", "handle", "township-review", "none"];

fn actors() -> Vec<Actor> {
    let hall = Role::ALL.into_iter().map(|role| actor(role, role.as_str(), HALL));
    let county =
        [Role::Handler, Role::Chief, Role::OrganHead].into_iter().map(|role| actor(role, "county", "361023-NY"));
    let village = [actor(Role::VillageAgent, "agent", VILLAGE), actor(Role::Clerk, "there", OTHER_HALL)];
    hall.chain(county).chain(village).chain([resident(), head(), chief()]).collect()
}

fn days_of_2026() -> impl Strategy<Value = chrono::NaiveDate> {
    (0..400_i64).prop_map(|days| day("2026-01-01") + Duration::days(days))
}

fn outcomes() -> impl Strategy<Value = DecisionOutcome> {
    select(vec![DecisionOutcome::Granted, DecisionOutcome::PartlyGranted, DecisionOutcome::Denied])
}

fn intake_commands() -> impl Strategy<Value = CaseCommand> {
    let some = || proptest::sample::subsequence(CODES, 0..=CODES.len());
    // What every item here asks for; the rest mostly gives a refusal.
    let common = || proptest::sample::subsequence(vec!["FORM", "ID"], 0..=2);
    let kinds = [AcceptanceKind::Normal, AcceptanceKind::Deemed, AcceptanceKind::Tolerant, AcceptanceKind::Commitment];
    prop_oneof![
        (select(ITEMS), some(), select(PLACES)).prop_map(|(item, codes, intake)| {
            let mut apply = application(item, &codes);
            apply.intake = id(intake);
            CaseCommand::Submit(apply)
        }),
        Just(receive()),
        Just(accept()),
        (select(kinds.to_vec()), some(), proptest::option::of(days_of_2026())).prop_map(|(kind, codes, by)| {
            let missing = codes.iter().map(|code| id(code)).collect();
            let number = id("A-2");
            CaseCommand::Accept { number, kind, missing, promised_materials_by: by, commitment: Some(document("P-1")) }
        }),
        (0..3_u8, common()).prop_map(|(number, codes)| notice(&format!("N-{number}"), &codes)),
        common().prop_map(|codes| supplement(&codes)),
        Just(CaseCommand::Lapse { reminders: Vec::new() }),
        Just(CaseCommand::DeemAccepted),
        Just(CaseCommand::NotRequired { reason: sealed("no"), basis: "Art. 32".into() }),
        Just(CaseCommand::CorrectOnTheSpot { field: "phone".into(), old: sealed("1"), new: sealed("2") }),
        Just(CaseCommand::RefuseIntake { reason: sealed("no"), competent_organ: "x".into(), notice: document("N-9") }),
    ]
}

fn review_commands() -> impl Strategy<Value = CaseCommand> {
    prop_oneof![
        select(PLACES).prop_map(route),
        Just(CaseCommand::Claim),
        Just(CaseCommand::Release { reason: None }),
        Just(CaseCommand::Reassign { to: id("handler"), reason: None }),
        select(STEPS).prop_map(|step| CaseCommand::StartStep { step: id(step) }),
        select(STEPS).prop_map(|step| CaseCommand::FinishStep {
            step: id(step),
            outcome: StepOutcome::Passed,
            opinion: None
        }),
        select(STEPS).prop_map(|step| CaseCommand::SendBack { to: id(step), reason: sealed("again") }),
        (select(PLACES), days_of_2026()).prop_map(|(place, due)| CaseCommand::Consult {
            organisations: vec![id(place)],
            question: sealed("?"),
            due
        }),
        (1..3_u16).prop_map(|consultation| CaseCommand::AnswerConsultation { consultation, answer: sealed("!") }),
        select(vec!["实地踏勘", "公示", "检疫", "听证"]).prop_map(|kind| CaseCommand::RequestSpecialProcedure {
            kind: kind.into(),
            reason: sealed("needed"),
            limit: None,
            notice: None,
        }),
        (1..3_u16).prop_map(|procedure| CaseCommand::ApproveSpecialProcedure { procedure }),
        (1..3_u16).prop_map(|procedure| CaseCommand::RejectSpecialProcedure { procedure, reason: sealed("no") }),
        (1..3_u16).prop_map(|procedure| CaseCommand::CloseSpecialProcedure { procedure, result: sealed("done") }),
        (0..12_u16).prop_map(|days| CaseCommand::RequestExtension { days, reason: sealed("hard") }),
        Just(CaseCommand::ApproveExtension { notice: document("E-1") }),
        Just(CaseCommand::RejectExtension { reason: sealed("no") }),
        Just(CaseCommand::RecomputeDeadlines),
        Just(CaseCommand::Forward { to: None, package: Vec::new(), hand_over: Some(id("H-2")) }),
    ]
}

fn ending_commands() -> impl Strategy<Value = CaseCommand> {
    prop_oneof![
        outcomes().prop_map(decide),
        Just(finish()),
        Just(at_once()),
        Just(deliver()),
        Just(CaseCommand::MakeResult { name: "证".into(), number: id("Z-1"), valid_until: None, sha256: None }),
        Just(withdraw(None)),
        Just(CaseCommand::Return { reason: sealed("back") }),
        Just(CaseCommand::RequestAbort { reason: sealed("gone") }),
        Just(CaseCommand::ApproveAbort),
        Just(CaseCommand::RejectAbort { reason: sealed("stays") }),
        Just(merge()),
        (days_of_2026(), days_of_2026()).prop_map(|(old, new)| CaseCommand::RequestCorrection {
            corrects: EventId(Ulid(3)),
            change: Correction::AcceptedOn { old, new },
            reason: sealed("wrong"),
        }),
        Just(CaseCommand::RequestCorrection {
            corrects: EventId(Ulid(1)),
            change: Correction::Text { name: "opinion".into(), old: sealed("a"), new: sealed("b") },
            reason: sealed("wrong"),
        }),
        (1..3_u16).prop_map(|correction| CaseCommand::ApproveCorrection { correction }),
        (1..3_u16).prop_map(|correction| CaseCommand::RejectCorrection { correction, reason: sealed("right") }),
        days_of_2026().prop_map(|due| CaseCommand::Urge {
            organisation: None,
            rule: "JC".into(),
            content: sealed("hurry"),
            due
        }),
        (1..3_u16).prop_map(|urging| CaseCommand::AnswerUrging { urging, answer: sealed("we do") }),
        Just(CaseCommand::Archive { package: id("K-1"), sha256: "00".into() }),
    ]
}

/// What somebody tries: how many hours after the act before, how many hours before its recording, what, and who.
#[derive(Debug, Clone)]
struct Try {
    hours: i64,
    late: i64,
    command: CaseCommand,
    who: Who,
}

#[derive(Debug, Clone)]
enum Who {
    /// This person, whatever the rules say to it.
    Anybody(Box<Actor>),
    /// Of everybody, counted from the n-th, the first whom the rules let do it.
    SomebodyWhoMay(usize),
}

fn tries() -> impl Strategy<Value = Vec<Try>> {
    let command = prop_oneof![4 => intake_commands(), 8 => review_commands(), 1 => ending_commands()];
    let late = prop_oneof![5 => Just(0_i64), 1 => 0..200_i64];
    let who = prop_oneof![
        1 => select(actors()).prop_map(|actor| Who::Anybody(Box::new(actor))),
        4 => (0..actors().len()).prop_map(Who::SomebodyWhoMay),
    ];
    let one = (0..30_i64, late, command, who).prop_map(|(hours, late, command, who)| Try { hours, late, command, who });
    vec(one, 0..120)
}

/// The usual way, so that chance need not find it, cut off somewhere.
fn usual_way(length: usize) -> Vec<Try> {
    let apply = CaseCommand::Submit(application(LICENCE, &["FORM", "ID", "HK", "SITE"]));
    let way = [
        (resident(), 1, apply),
        (clerk(), 1, receive()),
        (clerk(), 1, accept()),
        (clerk(), 1, route(HALL)),
        (chief(), 30, decide(DecisionOutcome::Granted)),
        (output(), 5, finish()),
        (output(), 5, deliver()),
    ];
    let tries = way.into_iter().take(length);
    tries.map(|(who, hours, command)| Try { hours, late: 0, command, who: Who::Anybody(Box::new(who)) }).collect()
}

/// Mostly up to review, where there is most to do.
fn lengths() -> impl Strategy<Value = usize> {
    prop_oneof![3 => Just(2), 4 => Just(4), 1 => 0..8_usize]
}

/// What people did of what they tried, with every event in the order of the log.
struct History {
    story: Story,
    events: Vec<(CaseEvent, crate::zone::Instant, Actor)>,
}

fn live(tries: &[Try]) -> Result<History, TestCaseError> {
    let everybody = actors();
    let mut story = Story::begins("2026-01-05 09:00");
    let mut events = Vec::new();
    let mut now = story.moment();
    for Try { hours, late, command, who } in tries {
        now += Duration::hours(*hours);
        story = story.at_moment(now);
        let occurred_at = now - Duration::hours(*late);
        let may =
            |actor: &&Actor| matches!(story.asked_of(occurred_at, actor, command), Ok(events) if !events.is_empty());
        let by = match who {
            Who::Anybody(actor) => actor,
            Who::SomebodyWhoMay(from) => match everybody.iter().cycle().skip(*from).take(everybody.len()).find(may) {
                Some(actor) => actor,
                None => continue,
            },
        };
        let offers = story.case.actions(&story.context(occurred_at, by));
        let offered = offers.iter().find(|offer| offer.action == command.action());
        let Ok(decided) = story.asked_of(occurred_at, by, command) else { continue };
        if let Some(Err(rule)) = offered.map(|offer| &offer.allowed) {
            // What is refused in the offer is refused when asked for, unless the law itself moves the case first.
            let moved =
                matches!(decided.first(), Some(CaseEvent::DeemedAcceptanceReversed(_) | CaseEvent::CaseAccepted(_)));
            prop_assert!(decided.is_empty() || moved || story.case.phase == Phase::Unopened, "{command:?}: {rule}");
        }
        let told: Vec<&CaseEvent> = decided.iter().collect();
        if let Again::Act(again) | Again::Rule(again) = story.case.again(&told, by) {
            prop_assert_eq!(story.asked_of(occurred_at, by, &again), Ok(decided.clone()), "read back as {:?}", again);
        } else {
            prop_assert!(decided.is_empty(), "{command:?} is not read back from {decided:?}");
        }
        for event in decided {
            story.take(&event, occurred_at, by);
            events.push((event, occurred_at, by.clone()));
        }
        if let Ok(again) = story.asked_of(occurred_at, by, command) {
            prop_assert!(again.is_empty(), "{command:?} done twice gives {again:?}");
        }
    }
    Ok(History { story, events })
}

fn fold(events: &[(CaseEvent, crate::zone::Instant, Actor)]) -> Case {
    let mut case = Case::default();
    for (number, (event, occurred_at, by)) in events.iter().enumerate() {
        case.evolve_at(event, *occurred_at, by, EventId(Ulid(number as u128 + 1)));
    }
    case
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn whatever_people_try_folds_the_same_and_is_done_once(tried in tries(), usual in lengths()) {
        let tries: Vec<Try> = usual_way(usual).into_iter().chain(tried).collect();
        let History { story, events } = live(&tries)?;

        prop_assert_eq!(&fold(&events), &story.case);
        let text = serde_json::to_string(&story.case).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Case>(&text).unwrap(), &story.case);

        for end in 0..=events.len() {
            let prefix = fold(&events[..end]);
            let _ = duties(&prefix);
            for asked in due(&prefix, &story.city, story.moment()) {
                let context = story.context(story.moment(), &events[0].2);
                let system = system();
                let context = crate::decider::Context { actor: &system, ..context };
                prop_assert!(prefix.decide(&asked.command, &context).is_ok());
            }
            let _ = next_due(&prefix, &story.city, story.moment());
        }
        let next = next_due(&story.case, &story.city, story.moment());
        let later = (1..90).map(|days| start_of(day_of(story.moment()) + Duration::days(days)));
        let first = later.into_iter().find(|moment| !due(&story.case, &story.city, *moment).is_empty());
        prop_assert!(first.is_none_or(|first| next.is_some_and(|next| next <= first)), "{next:?} comes after {first:?}");

        let closings = events.iter().filter(|(event, ..)| matches!(event,
            CaseEvent::NotRequiredTold(_) | CaseEvent::IntakeRefused(_) | CaseEvent::SupplementLapsed(_)
            | CaseEvent::CaseFinished(_) | CaseEvent::CaseWithdrawn(_) | CaseEvent::CaseReturned(_)
            | CaseEvent::CaseAborted(_) | CaseEvent::CaseMerged(_)));
        prop_assert!(closings.count() <= 1, "a case ends once");
    }

    #[test]
    fn every_order_of_events_folds(tried in tries(), shuffle in any::<u64>()) {
        let tries: Vec<Try> = usual_way(7).into_iter().chain(tried).collect();
        let History { events, .. } = live(&tries)?;
        let mut disordered: Vec<_> = events.iter().enumerate().collect();
        disordered.sort_by_key(|(number, _)| (*number as u64).wrapping_mul(shuffle | 1).rotate_left(17));
        let mut case = Case::default();
        let mut alone = Case::default();
        for (number, (event, occurred_at, by)) in disordered {
            case.evolve_at(event, *occurred_at, by, EventId(Ulid(number as u128)));
            alone.evolve(event);
            let _ = (duties(&case), duties(&alone));
        }
    }
}
