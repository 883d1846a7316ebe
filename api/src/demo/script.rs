//! What will happen to one case, thrown when it is applied for: which acts, how far apart. The deciders have the last word.

use super::dice::Dice;
use domain::event::item::{Authority, CaseKind, ItemDefinition, Level};
use domain::event::rating::Satisfaction;
use domain::ids::{MaterialCode, StepCode};

/// How long after the act before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    /// So many minutes.
    Minutes(i64),
    /// So many working days, at a desk's hour; 0 means later the same day.
    Days(i64),
    /// So many natural days, at any hour of the day.
    NaturalDays(i64),
}

/// One act of the script.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Act {
    Receive,
    /// A certificate, or the city's data, stands for a paper.
    Spare(MaterialCode),
    /// A paper is brought after all.
    Bring(MaterialCode),
    Notice,
    Supplement,
    Accept,
    AcceptTolerantly,
    BringPromised,
    HandleAtOnce {
        granted: bool,
    },
    Route,
    Claim,
    StartStep(StepCode),
    FinishStep(StepCode),
    SendBack(StepCode),
    RequestPause {
        kind: String,
        with_notice: bool,
    },
    ApprovePause,
    ClosePause,
    RequestExtension,
    ApproveExtension,
    Forward,
    Decide {
        granted: bool,
        with_reason: bool,
    },
    MakeResult,
    Finish,
    Deliver,
    Archive,
    NotRequired,
    RefuseIntake,
    Return,
    Lapse,
    Withdraw {
        by_staff: bool,
    },
    RequestAbort,
    ApproveAbort,
    Urge,
    AnswerUrging,
    ReadWarning,
    AnswerWarning,
    Rate {
        level: Satisfaction,
    },
    /// The act before this one is keyed in so many natural days after it happened.
    KeyedInLater {
        days: i64,
        act: Box<Act>,
    },
}

/// The acts of a case, first act first.
pub(super) type Script = Vec<(After, Act)>;

/// How the case came in, as far as the script depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// At a hall's window.
    Window,
    /// Through the village agent.
    Village,
    /// From home.
    Online,
}

/// Puts in, right after the receipt, what stands for the papers that are spared.
pub(super) fn with_spared(script: Script, spared: impl IntoIterator<Item = MaterialCode>) -> Script {
    let is_receipt = |act: &Act| match act {
        Act::KeyedInLater { act, .. } => **act == Act::Receive,
        act => *act == Act::Receive,
    };
    let Some(receipt) = script.iter().position(|(_, act)| is_receipt(act)) else { return script };
    let mut with = script;
    let acts: Vec<_> = spared.into_iter().map(|code| (After::Minutes(1), Act::Spare(code))).collect();
    with.splice(receipt + 1..receipt + 1, acts);
    with
}

/// Throws the script of a case.
pub(super) fn throw(dice: &mut Dice, item: &ItemDefinition, way: Way) -> Script {
    let script = throw_at_a_hall(dice, item, way);
    if item.authority == Authority::VillageSelf {
        return script.into_iter().filter_map(|(after, act)| Some((after, in_the_village(act)?))).collect();
    }
    script
}

fn throw_at_a_hall(dice: &mut Dice, item: &ItemDefinition, way: Way) -> Script {
    let mut script = Script::new();
    if ends_before_receipt(dice, way, &mut script) {
        return script;
    }
    receive(dice, way, &mut script);
    if ends_at_intake(dice, &mut script) {
        return script;
    }
    if item.kind == CaseKind::Instant {
        instant(dice, &mut script);
    } else {
        promise(dice, item, &mut script);
    }
    script
}

/// The station keeps its own items from end to end: nobody routes, sends back or archives them there, and where a hall would
/// return or abort, the applicant withdraws.
fn in_the_village(act: Act) -> Option<Act> {
    match act {
        Act::Route | Act::SendBack(_) | Act::Archive | Act::ApproveAbort => None,
        Act::Return | Act::RequestAbort => Some(Act::Withdraw { by_staff: false }),
        other => Some(other),
    }
}

fn ends_before_receipt(dice: &mut Dice, way: Way, script: &mut Script) -> bool {
    let returned = way != Way::Window && dice.chance(0.012);
    if returned {
        script.push((After::Days(dice.between(0, 2)), Act::Return));
    }
    returned
}

fn receive(dice: &mut Dice, way: Way, script: &mut Script) {
    let after = match way {
        Way::Window => After::Minutes(dice.between(2, 25)),
        Way::Village => After::Days(dice.leaning(0, 2)),
        Way::Online => After::Days(dice.leaning(0, 1)),
    };
    // Some stations work on paper and key in days later (先办后录).
    if way == Way::Village && dice.chance(0.02) {
        let days = dice.between(1, 6);
        script.push((after, Act::KeyedInLater { days, act: Box::new(Act::Receive) }));
    } else {
        script.push((after, Act::Receive));
    }
}

fn ends_at_intake(dice: &mut Dice, script: &mut Script) -> bool {
    const NOT_REQUIRED: f64 = 0.008;
    const REFUSED: f64 = 0.006;
    const RETURNED_AFTER_RECEIPT: f64 = 0.004;
    let ending = match dice.weighted(&[NOT_REQUIRED, REFUSED, RETURNED_AFTER_RECEIPT, 1.0]) {
        0 => Act::NotRequired,
        1 => Act::RefuseIntake,
        2 => Act::Return,
        _ => return false,
    };
    script.push((After::Minutes(dice.between(10, 200)), ending));
    rate(dice, 0.05, true, script);
    true
}

fn instant(dice: &mut Dice, script: &mut Script) {
    let granted = dice.chance(0.985);
    // A few are left lying until the next day: late at once.
    let after = if dice.chance(0.008) { After::Days(1) } else { After::Minutes(dice.between(3, 22)) };
    script.push((after, Act::HandleAtOnce { granted }));
    if granted {
        script.push((After::Minutes(dice.between(1, 6)), Act::Deliver));
    }
    rate(dice, 0.18, !granted, script);
}

fn promise(dice: &mut Dice, item: &ItemDefinition, script: &mut Script) {
    if !acceptance(dice, item, script) {
        return;
    }
    let pace = pace(dice, item);
    handling(dice, item, &pace, script);
}

/// Returns whether the case goes on to be handled.
fn acceptance(dice: &mut Dice, item: &ItemDefinition, script: &mut Script) -> bool {
    if item.deemed_acceptance && dice.chance(0.04) {
        // Nobody moves until the law speaks: 视为受理 comes from the rule, and the work goes on after it.
        if dice.chance(0.25) {
            let days = dice.between(6, 9);
            script.push((After::Days(dice.between(1, 3)), Act::KeyedInLater { days, act: Box::new(Act::Notice) }));
            script.push((After::Days(dice.between(1, 4)), Act::Supplement));
            script.push((After::Days(0), Act::Accept));
        } else {
            script.push((After::Days(dice.between(7, 9)), Act::Claim));
        }
        return true;
    }
    if dice.chance(0.17) {
        let late = dice.chance(0.03);
        script.push((After::Days(if late { dice.between(6, 8) } else { dice.leaning(0, 3) }), Act::Notice));
        if dice.chance(0.05) {
            let way_out = if item.supplement_days.is_some() && dice.chance(0.6) {
                Act::Lapse
            } else {
                Act::Withdraw { by_staff: false }
            };
            script.push((After::Days(dice.between(16, 25)), way_out));
            return false;
        }
        script.push((After::Days(dice.leaning(0, 9)), Act::Supplement));
        if dice.chance(0.04) {
            script.push((After::Days(1), Act::Notice));
            script.push((After::Days(dice.leaning(0, 6)), Act::Supplement));
        }
        script.push((After::Minutes(dice.between(5, 90)), Act::Accept));
    } else if item.materials.iter().any(|material| material.tolerant) && dice.chance(0.05) {
        script.push((After::Minutes(dice.between(5, 60)), Act::AcceptTolerantly));
        if dice.chance(0.93) {
            script.push((After::NaturalDays(dice.between(1, 10)), Act::BringPromised));
        }
    } else if dice.chance(0.7) {
        script.push((After::Minutes(dice.between(3, 45)), Act::Accept));
    } else {
        script.push((After::Days(dice.leaning(0, 4)), Act::Accept));
    }
    true
}

/// Working days for each step after acceptance, so that their sum lies where this case's pace puts it.
fn pace(dice: &mut Dice, item: &ItemDefinition) -> Vec<(StepCode, i64)> {
    let promised = item.promised_limit.map_or(20, |limit| i64::from(limit.days));
    let share = if dice.chance(0.028) { dice.between(105, 150) } else { dice.between(25, 70) + dice.between(0, 24) };
    let total = promised * share / 100;
    let steps: Vec<_> = item.steps.iter().filter(|step| !step.before_acceptance).collect();
    let budget: i64 = steps.iter().map(|step| i64::from(step.budget_days)).sum::<i64>().max(1);
    let mut given = 0;
    let mut budget_so_far = 0;
    steps
        .iter()
        .map(|step| {
            budget_so_far += i64::from(step.budget_days);
            let until = total * budget_so_far / budget;
            let days = until - given;
            given = until;
            (step.code.clone(), days.max(0))
        })
        .collect()
}

fn handling(dice: &mut Dice, item: &ItemDefinition, pace: &[(StepCode, i64)], script: &mut Script) {
    script.push((After::Minutes(dice.between(10, 200)), Act::Route));
    script.push((After::Minutes(dice.between(10, 240)), Act::Claim));
    let withdrawn = dice.chance(0.018);
    let aborted = !withdrawn && dice.chance(0.004);
    let forward_before = forward_before(item, pace.len());
    let pause_at = dice.between(0, (pace.len() as i64 - 1).max(0));
    for (place, (step, days)) in pace.iter().enumerate() {
        if forward_before == Some(place) {
            script.push((After::Days(dice.leaning(0, 1)), Act::Forward));
            script.push((After::Days(dice.leaning(0, 2)), Act::Claim));
        }
        script.push((After::Minutes(dice.between(5, 60)), Act::StartStep(step.clone())));
        if place as i64 == pause_at {
            pause(dice, item, script);
        }
        if place == pace.len() / 2 && leaves_midway(dice, withdrawn, aborted, script) {
            return;
        }
        script.push((After::Days(*days), Act::FinishStep(step.clone())));
        if place > 0 && dice.chance(0.012) {
            send_back(dice, &pace[place - 1].0, step, script);
        }
    }
    if item.extension_days_max.is_some() && dice.chance(0.05) {
        script.push((After::Minutes(30), Act::RequestExtension));
        script.push((After::Days(0), Act::ApproveExtension));
    }
    if dice.chance(0.01) {
        script.push((After::Days(0), Act::Urge));
        script.push((After::Days(1), Act::AnswerUrging));
    }
    outcome(dice, script);
}

/// Forwarded items go up when the township's half is done.
fn forward_before(item: &ItemDefinition, steps: usize) -> Option<usize> {
    (item.authority == Authority::Forward && item.decided_at > Level::Township)
        .then_some((steps / 2).min(steps.saturating_sub(1)))
}

fn pause(dice: &mut Dice, item: &ItemDefinition, script: &mut Script) {
    let Some(rule) = item.special_procedures.first() else { return };
    if !dice.chance(0.6) {
        return;
    }
    let rule = if item.special_procedures.len() > 1 && dice.chance(0.5) { &item.special_procedures[1] } else { rule };
    let stated = i64::from(rule.limit.days);
    let days =
        if dice.chance(0.04) { stated + dice.between(1, 3) } else { dice.between((stated / 2).max(1), stated.max(1)) };
    let with_notice = dice.chance(0.97);
    script.push((After::Minutes(dice.between(20, 120)), Act::RequestPause { kind: rule.name_zh.clone(), with_notice }));
    script.push((After::Minutes(dice.between(10, 180)), Act::ApprovePause));
    let until = match rule.limit.unit {
        domain::clock::DayUnit::Working => After::Days(days),
        domain::clock::DayUnit::Natural => After::NaturalDays(days),
    };
    script.push((until, Act::ClosePause));
}

fn leaves_midway(dice: &mut Dice, withdrawn: bool, aborted: bool, script: &mut Script) -> bool {
    if withdrawn {
        let by_staff = dice.chance(0.2);
        script.push((After::Days(dice.between(0, 3)), Act::Withdraw { by_staff }));
        rate(dice, 0.03, true, script);
    } else if aborted {
        script.push((After::Days(dice.between(0, 2)), Act::RequestAbort));
        script.push((After::Days(0), Act::ApproveAbort));
    }
    withdrawn || aborted
}

fn send_back(dice: &mut Dice, to: &StepCode, again: &StepCode, script: &mut Script) {
    script.push((After::Minutes(30), Act::SendBack(to.clone())));
    for step in [to, again] {
        script.push((After::Minutes(40), Act::StartStep(step.clone())));
        script.push((After::Days(dice.leaning(0, 2)), Act::FinishStep(step.clone())));
    }
}

fn outcome(dice: &mut Dice, script: &mut Script) {
    let granted = dice.chance(0.94);
    let with_reason = granted || dice.chance(0.97);
    script.push((After::Minutes(dice.between(20, 200)), Act::Decide { granted, with_reason }));
    if granted {
        script.push((After::Days(dice.leaning(0, 1)), Act::MakeResult));
    }
    script.push((After::Minutes(dice.between(15, 180)), Act::Finish));
    let slowest = if dice.chance(0.03) { 14 } else { 4 };
    script.push((After::Days(dice.leaning(0, slowest)), Act::Deliver));
    rate(dice, 0.22, !granted, script);
    if dice.chance(0.5) {
        script.push((After::Days(dice.between(20, 40)), Act::Archive));
    }
}

/// Throws whether, when and how the applicant rates. Bad ratings are rare; a refusal makes them less so.
fn rate(dice: &mut Dice, active_share: f64, disappointed: bool, script: &mut Script) {
    if !dice.chance(active_share) {
        return;
    }
    let bad = if disappointed { 0.05 } else { 0.004 };
    let level = match dice.weighted(&[0.90 - bad, 0.075, 0.025, bad * 0.7, bad * 0.3]) {
        0 => Satisfaction::VerySatisfied,
        1 => Satisfaction::Satisfied,
        2 => Satisfaction::Fair,
        3 => Satisfaction::Dissatisfied,
        _ => Satisfaction::VeryDissatisfied,
    };
    let after =
        if dice.chance(0.6) { After::Minutes(dice.between(1, 30)) } else { After::NaturalDays(dice.leaning(0, 4)) };
    script.push((after, Act::Rate { level }));
}
