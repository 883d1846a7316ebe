//! Histories made by dice: plausible enough to reach every corner of a fold, the same for the same seed.

use chrono::{Datelike as _, Days, NaiveDate, NaiveTime, TimeDelta};
use domain::actor::{Actor, Channel, Role};
use domain::clock::{Clocks, DayUnit, Deadline, Limit};
use domain::event::case::*;
use domain::event::item::{Authority, CaseKind, RatingStage};
use domain::event::rating::*;
use domain::event::{CaseEvent, Event, RatingEvent};
use domain::fact::{Fact, Subject};
use domain::ids::*;
use domain::sealed::{Party, PartyKind, Sealed};
use domain::zone::{Instant, instant};
use std::collections::BTreeMap;
use std::str::FromStr;
use ulid::Ulid;

/// Dice with a memory: the same seed throws the same numbers.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % bound
    }

    pub(crate) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize]
    }
}

pub(crate) fn id<T: FromStr<Err = IdError>>(text: &str) -> T {
    text.parse().unwrap()
}

pub(crate) fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

pub(crate) fn case_id(number: u64) -> CaseId {
    CaseId(Ulid::from(u128::from(number) + 1))
}

pub(crate) fn noon(day: NaiveDate) -> Instant {
    instant(day, NaiveTime::from_hms_opt(12, 0, 0).unwrap())
}

pub(crate) fn sealed(text: &str) -> Sealed {
    Sealed { subject: id("p-1"), cipher: format!("a1.{text}").into() }
}

pub(crate) fn actor(name: &str, role: Role, organisation: &str) -> Actor {
    Actor {
        id: id(name),
        role,
        organisation: id(organisation),
        window: (role == Role::Clerk).then(|| id("w-1")),
        acting_for: None,
        channel: Channel::Window,
    }
}

pub(crate) fn party(name: &str) -> Party {
    Party { subject: id(name), kind: PartyKind::NaturalPerson, age_band: None, person: sealed(name) }
}

pub(crate) fn deadline(start: NaiveDate, days: u16) -> Deadline {
    let date = start + Days::new(u64::from(days));
    Deadline {
        start,
        limit: Limit { days, unit: DayUnit::Working },
        date,
        yellow_from: (0 < days).then(|| date - Days::new(1)),
        provisional: false,
        calendar: 1,
        policy: 1,
        freezes: Vec::new(),
    }
}

/// A fact before the log gave it its place.
struct Draft {
    recorded_at: Instant,
    occurred_at: Instant,
    subject: Subject,
    by: Actor,
    event: Event,
}

/// A history in the making.
#[derive(Default)]
pub(crate) struct Story {
    drafts: Vec<Draft>,
}

impl Story {
    /// Adds something that was recorded when it happened.
    pub(crate) fn tell(&mut self, at: Instant, subject: Subject, by: &Actor, event: impl Into<Event>) {
        self.tell_late(at, at, subject, by, event);
    }

    /// Adds something that was recorded later than it happened.
    pub(crate) fn tell_late(
        &mut self,
        occurred_at: Instant,
        recorded_at: Instant,
        subject: Subject,
        by: &Actor,
        event: impl Into<Event>,
    ) {
        let event = event.into();
        self.drafts.push(Draft { recorded_at, occurred_at, subject, by: by.clone(), event });
    }

    /// Returns the log: in the order of recording, with positions and versions.
    pub(crate) fn facts(mut self) -> Vec<Fact> {
        self.drafts.sort_by_key(|draft| draft.recorded_at);
        let mut versions: BTreeMap<Subject, u64> = BTreeMap::new();
        let numbered = (1..).zip(self.drafts);
        let place = |(position, draft): (u64, Draft)| {
            let version = versions.entry(draft.subject.clone()).or_default();
            *version += 1;
            Fact {
                position,
                version: *version,
                subject: draft.subject,
                id: EventId(Ulid::from(u128::from(position))),
                recorded_at: draft.recorded_at,
                occurred_at: draft.occurred_at,
                by: draft.by,
                command: CommandId(Ulid::from(u128::from(position))),
                event: draft.event,
            }
        };
        numbered.map(place).collect()
    }
}

const ITEMS: [(&str, u32, Authority, u16, u16); 4] = [
    ("FZ-001", 1, Authority::Forward, 32, 45),
    ("FZ-001", 2, Authority::Entrusted, 18, 30),
    ("FZ-005", 1, Authority::Empowered, 3, 20),
    ("FZ-009", 1, Authority::Empowered, 0, 10),
];
const TOWNSHIPS: [&str; 4] = ["361023100", "361002004", "361003102", "361021100"];
const STEPS: [&str; 3] = ["review", "home-visit", "announcement"];

/// One case in the making.
struct Life<'a> {
    dice: &'a mut Dice,
    story: &'a mut Story,
    case: CaseId,
    now: Instant,
    clerk: Actor,
    handler: Actor,
    item: (&'static str, u32, Authority, u16, u16),
    intake: OrganisationId,
    deciding: OrganisationId,
    submitted_on: NaiveDate,
    accepted_on: Option<NaiveDate>,
    decided_on: Option<NaiveDate>,
    clocks: Clocks,
}

/// Returns a history of this many cases and their ratings.
pub(crate) fn history(seed: u64, cases: u64) -> Vec<Fact> {
    let mut dice = Dice::new(seed);
    let mut story = Story::default();
    for number in 0..cases {
        let start = day("2022-01-04") + Days::new(dice.below(120));
        live(&mut dice, &mut story, case_id(number), start, number);
    }
    legacy(&mut dice, &mut story, cases);
    story.facts()
}

fn live(dice: &mut Dice, story: &mut Story, case: CaseId, start: NaiveDate, number: u64) {
    let item = dice.one(&ITEMS);
    let township = dice.one(&TOWNSHIPS);
    let forwarded = item.2 == Authority::Forward;
    let county = &township[..6];
    let clerk = actor(dice.one(&["c-1", "c-2", "c-3"]), Role::Clerk, township);
    let handler = actor(dice.one(&["h-1", "h-2"]), Role::Handler, township);
    let life = Life {
        now: noon(start) + TimeDelta::minutes(dice.below(240) as i64),
        dice,
        story,
        case,
        clerk,
        handler,
        item,
        intake: id(township),
        deciding: id(if forwarded { county } else { township }),
        submitted_on: start,
        accepted_on: None,
        decided_on: None,
        clocks: Clocks::default(),
    };
    life.run(number);
}

impl Life<'_> {
    fn run(mut self, number: u64) {
        self.submit(number);
        if self.dice.chance(4) {
            let closing = self.closing(ClosingKind::Returned);
            self.tell(CaseReturned { reason: sealed("r"), closing: closing.clone(), anomalies: vec![] });
            return self.afterwards(closing);
        }
        self.receive(number);
        if let Some(closing) = self.end_before_acceptance() {
            return self.afterwards(closing);
        }
        if self.dice.chance(25) {
            self.notice_and_supplement();
        }
        self.accept();
        if self.dice.chance(12) {
            return;
        }
        self.review();
        if self.dice.chance(6) {
            let closing = self.closing(ClosingKind::Withdrawn);
            let withdrawn =
                CaseWithdrawn { reason: sealed("r"), evidence: None, closing: closing.clone(), anomalies: vec![] };
            self.tell(withdrawn);
            return self.afterwards(closing);
        }
        self.decide_and_finish();
    }

    fn tell(&mut self, event: impl Into<CaseEvent>) {
        self.tell_by(&self.clerk.clone(), event);
    }

    fn tell_by(&mut self, by: &Actor, event: impl Into<CaseEvent>) {
        self.story.tell(self.now, Subject::Case(self.case), by, event.into());
        self.now += TimeDelta::minutes(3);
    }

    fn wait(&mut self, days_max: u64) {
        self.now += TimeDelta::days(self.dice.below(days_max + 1) as i64);
    }

    fn today(&self) -> NaiveDate {
        domain::zone::day_of(self.now)
    }

    fn submit(&mut self, number: u64) {
        let (item, item_version, authority, ..) = self.item;
        let submitted = CaseSubmitted {
            number: id(&format!("361023-{number:06}")),
            source: id("own"),
            item: id(item),
            item_version,
            kind: CaseKind::Promise,
            authority,
            channel: Channel::Window,
            applicant: party(&format!("p-{}", number % 40)),
            agent: None,
            beneficiaries: vec![],
            consent: None,
            form: None,
            form_version: None,
            situations: std::collections::BTreeSet::new(),
            intake: self.intake.clone(),
            handling: self.handled_elsewhere().unwrap_or_else(|| self.intake.clone()),
            deciding: self.deciding.clone(),
            region: Some(id("361023100")),
            materials: vec![],
            duplicate_of: None,
            anomalies: vec![],
        };
        self.tell(submitted);
    }

    fn receive(&mut self, number: u64) {
        self.wait(2);
        let received = CaseReceived {
            printed: None,
            receipt: id(&format!("r-{number}")),
            organisation: self.intake.clone(),
            materials_received_on: self.today(),
            materials: vec![],
            notice_due: deadline(self.today(), 5),
            deems: true,
            rating_code_digest: "d".to_owned(),
            outside_hours: false,
            anomalies: vec![],
        };
        self.tell(received);
    }

    fn end_before_acceptance(&mut self) -> Option<Closing> {
        match self.dice.below(30) {
            0 => {
                let closing = self.closing(ClosingKind::NotRequired);
                let told =
                    NotRequiredTold { reason: sealed("r"), basis: "Art. 32".to_owned(), closing: closing.clone() };
                self.tell(told);
                Some(closing)
            }
            1 => {
                let closing = self.closing(ClosingKind::RefusedIntake);
                self.tell(IntakeRefused {
                    printed: None,
                    reason: sealed("r"),
                    competent_organ: "民政局".to_owned(),
                    notice: DocumentRef { number: id("n-1"), sha256: None },
                    closing: closing.clone(),
                });
                Some(closing)
            }
            _ => None,
        }
    }

    fn notice_and_supplement(&mut self) {
        self.wait(4);
        self.tell(OneTimeNoticeIssued {
            in_library: vec![],
            printed: None,
            number: id("n-1"),
            stage: NoticeStage::Intake,
            missing: vec![Missing { code: id("ID"), defect: None }],
            method: "sms".to_owned(),
            supplement_by: Some(self.today() + Days::new(20)),
            pauses_promised: false,
            anomalies: vec![],
        });
        self.wait(10);
        self.tell(SupplementProvided {
            materials: vec![],
            completed_on: Some(self.today()),
            notice_due: Some(deadline(self.today(), 5)),
            clocks: None,
        });
    }

    fn accept(&mut self) {
        self.wait(3);
        if self.dice.chance(5) {
            self.accept_as(AcceptanceKind::Deemed, self.today() - Days::new(5));
            self.wait(2);
            let reversed = DeemedAcceptanceReversed {
                evidence: "notice".to_owned(),
                evidence_on: self.today(),
                dimensions: self.dimensions(),
                effective_on: self.accepted_on.unwrap(),
            };
            self.tell(reversed);
        }
        self.accept_as(AcceptanceKind::Normal, self.today());
    }

    fn accept_as(&mut self, kind: AcceptanceKind, effective_on: NaiveDate) {
        let (.., promised, legal) = self.item;
        self.accepted_on = Some(effective_on);
        self.clocks = Clocks {
            promised: Some(deadline(effective_on, promised)),
            legal: self.dice.chance(80).then(|| deadline(effective_on, legal)),
        };
        let accepted = CaseAccepted {
            printed: None,
            number: Some(id("a-1")),
            kind,
            effective_on,
            organisation: self.intake.clone(),
            missing: vec![],
            promised_materials_by: None,
            commitment: None,
            clocks: self.clocks.clone(),
            lag_days: 1,
            steps: STEPS.map(id).to_vec(),
            dimensions: self.dimensions(),
            anomalies: vec![],
        };
        self.tell(accepted);
    }

    fn review(&mut self) {
        let handler = self.handler.clone();
        self.tell_by(&handler, WorkClaimed { holder: handler.id.clone() });
        for step in STEPS.into_iter().take(self.dice.below(4) as usize) {
            self.step(&handler, step);
        }
        if self.item.2 == Authority::Forward {
            let forwarded = LegForwarded {
                leg: 2,
                from: self.intake.clone(),
                to: self.deciding.clone(),
                package: vec![],
                held_since: self.submitted_on,
                held_days: self.dice.below(9) as u16,
                due: Some(deadline(self.today(), 10)),
                dimensions: self.dimensions(),
                hand_over: None,
                printed: None,
            };
            self.tell_by(&handler, forwarded);
        }
        if self.dice.chance(20) {
            self.special_procedure(&handler);
        }
        if self.dice.chance(10) {
            self.tell_by(
                &actor("s-1", Role::Supervisor, "361000"),
                CaseUrged {
                    urging: 1,
                    organisation: self.intake.clone(),
                    rule: "R-1".to_owned(),
                    content: sealed("u"),
                    due: self.today() + Days::new(3),
                },
            );
        }
    }

    fn step(&mut self, handler: &Actor, step: &str) {
        let started_on = self.today();
        self.tell_by(
            handler,
            StepStarted {
                step: id(step),
                organisation: self.intake.clone(),
                holder: handler.id.clone(),
                due: deadline(started_on, 4),
            },
        );
        self.wait(6);
        let working_days = (self.today() - started_on).num_days() as u16;
        let finished = StepFinished {
            step: id(step),
            organisation: self.intake.clone(),
            holder: handler.id.clone(),
            outcome: StepOutcome::Passed,
            opinion: None,
            started_on,
            working_days,
            budget_days: 4,
            dimensions: self.dimensions(),
            anomalies: vec![],
        };
        self.tell_by(handler, finished);
    }

    fn special_procedure(&mut self, handler: &Actor) {
        let from = self.today();
        self.tell_by(
            handler,
            SpecialProcedureOpened {
                printed: None,
                procedure: 1,
                kind: "公示".to_owned(),
                from,
                due: deadline(from, 7),
                stops_promised: true,
                stops_legal: from.day().is_multiple_of(2),
                basis: None,
                notice: None,
                anomalies: vec![],
            },
        );
        if self.dice.chance(30) {
            return;
        }
        self.wait(9);
        let pause = Days::new((self.today() - from).num_days() as u64);
        for deadline in self.clocks.promised.iter_mut().chain(&mut self.clocks.legal) {
            deadline.date = deadline.date + pause;
        }
        let closed = SpecialProcedureClosed {
            procedure: 1,
            to: self.today(),
            hidden_days: None,
            result: sealed("r"),
            clocks: self.clocks.clone(),
            anomalies: vec![],
        };
        self.tell_by(handler, closed);
    }

    fn decide_and_finish(&mut self) {
        self.wait(12);
        let granted = self.dice.chance(92);
        self.decided_on = Some(self.today());
        let decided = CaseDecided {
            printed: None,
            outcome: if granted { DecisionOutcome::Granted } else { DecisionOutcome::Denied },
            number: id("d-1"),
            organisation: self.deciding.clone(),
            in_name_of: self.deciding.clone(),
            authority: self.item.2,
            instrument: None,
            reason: None,
            remedy: None,
            delivery_due: Some(deadline(self.today(), 10)),
            stops_promise: self.item.2 == Authority::Entrusted,
            yields_result: false,
            leg: None,
            anomalies: vec![],
        };
        self.tell_by(&actor("chief-1", Role::Chief, "361023"), decided);
        if self.dice.chance(8) {
            return;
        }
        self.wait(2);
        let closing = self.closing(if granted { ClosingKind::Granted } else { ClosingKind::Denied });
        let finished = CaseFinished {
            stamp: id("s-1"),
            organisation: self.intake.clone(),
            fee_fen: 0,
            closing: closing.clone(),
            anomalies: vec![],
        };
        let recorded_at = self.now + TimeDelta::days(i64::from(closing.recorded_on != closing.closed_on) * 2);
        self.story.tell_late(self.now, recorded_at, Subject::Case(self.case), &self.clerk, CaseEvent::from(finished));
        self.now = recorded_at + TimeDelta::minutes(3);
        if self.dice.chance(85) {
            self.wait(5);
            self.tell(ResultDelivered {
                printed: None,
                method: DeliveryMethod::Direct,
                recipient: None,
                proof: None,
                days_after_decision: 2,
                anomalies: vec![],
            });
        }
        self.afterwards(closing);
    }

    /// Ratings and corrections that follow an ending.
    fn afterwards(&mut self, closing: Closing) {
        if self.dice.chance(12) {
            let old = closing.closed_on;
            let new = (old - Days::new(self.dice.below(40))).max(self.accepted_on.unwrap_or(self.submitted_on));
            let changed = Closing { closed_on: new, promise_stopped_on: new, ..closing.clone() };
            self.tell(CorrectionRequested {
                correction: 1,
                corrects: EventId(Ulid::from(1)),
                change: Correction::ClosedOn { old, new },
                reason: sealed("r"),
            });
            self.wait(2);
            if self.dice.chance(70) {
                self.tell(RecordCorrected {
                    correction: 1,
                    corrects: EventId(Ulid::from(1)),
                    effective_on: old,
                    change: Correction::ClosedOn { old, new },
                    clocks: None,
                    closing: Some(Box::new(ClosingChange { old: closing.clone(), new: changed })),
                });
            }
        }
        if self.dice.chance(40) {
            self.rate(&closing);
        }
    }

    fn rate(&mut self, closing: &Closing) {
        let level = self.dice.one(&[
            Satisfaction::VerySatisfied,
            Satisfaction::Satisfied,
            Satisfaction::Fair,
            Satisfaction::Dissatisfied,
            Satisfaction::VeryDissatisfied,
        ]);
        let origin = if self.dice.chance(30) && !level.is_bad() { RatingOrigin::Default } else { RatingOrigin::Active };
        let rated = rated(self.case, level, origin, service_of(closing));
        let rating = RatingId::once(&rated.about, RatingStage::Finish).unwrap();
        self.tell_rating(&rating, rated.clone());
        if level.is_bad() {
            self.order(&rating, &rated);
        } else if self.dice.chance(10) {
            let new = Rated { level: Satisfaction::Fair, score: 60, ..rated.clone() };
            self.tell_rating(&rating, RatingRevised { old: Box::new(rated), new: Box::new(new) });
        }
    }

    fn tell_rating(&mut self, rating: &RatingId, event: impl Into<RatingEvent>) {
        self.now += TimeDelta::minutes(3);
        self.story.tell(self.now, Subject::Rating(rating.clone()), &self.clerk, event.into());
    }

    fn order(&mut self, rating: &RatingId, rated: &Rated) {
        let service = rated.service.clone();
        let real_name = rated.real_name;
        let due = self.today() + Days::new(5);
        self.tell_rating(rating, BadRatingOpened { service: service.clone(), real_name, assign_due: due });
        if self.dice.chance(20) {
            return;
        }
        let assigned = OrderAssigned { organisation: service.organisation.clone(), staff: id("m-1"), verify_due: due };
        self.tell_rating(rating, assigned);
        let verdict = self.dice.one(&[Verdict::True, Verdict::True, Verdict::Mistaken, Verdict::Malicious]);
        let rectify_due = (verdict == Verdict::True).then_some(due + Days::new(self.dice.below(60)));
        self.tell_rating(
            rating,
            OrderVerified { verdict, finding: sealed("f"), rectify_due, reply_due: None, service: service.clone() },
        );
        if verdict != Verdict::True {
            let not_adopted = RatingNotAdopted { rating: Box::new(rated.clone()), verdict, reason: sealed("r") };
            return self.tell_rating(rating, not_adopted);
        }
        if self.dice.chance(25) {
            return;
        }
        let in_time = self.dice.chance(70);
        self.tell_rating(
            rating,
            OrderRectified {
                how: Rectification::AtOnce,
                measures: sealed("m"),
                in_time,
                call_back_due: due,
                service: service.clone(),
            },
        );
        self.tell_rating(
            rating,
            OrderReplied { reply: sealed("r"), in_time, call_back_due: None, service: service.clone() },
        );
        let result =
            self.dice.one(&[CallBackResult::Satisfied, CallBackResult::NotReached, CallBackResult::Dissatisfied]);
        self.tell_rating(rating, OrderCalledBack { result, attempt: 1, notes: None, service: service.clone() });
        if result != CallBackResult::NotReached {
            self.tell_rating(rating, OrderClosed { reached: true, service });
        }
    }

    /// Who comes to the third clerk lives in another township.
    fn handled_elsewhere(&self) -> Option<OrganisationId> {
        let home = id(if self.intake.as_str() == TOWNSHIPS[0] { TOWNSHIPS[1] } else { TOWNSHIPS[0] });
        (self.clerk.id.as_str() == "c-3").then_some(home)
    }

    fn dimensions(&self) -> Dimensions {
        let (item, item_version, authority, ..) = self.item;
        Dimensions {
            source: id("own"),
            item: id(item),
            item_version,
            authority,
            intake: self.intake.clone(),
            handling: self.handled_elsewhere(),
            deciding: self.deciding.clone(),
            delivering: self.intake.clone(),
            clerk: Some(self.clerk.id.clone()),
        }
    }

    fn closing(&mut self, kind: ClosingKind) -> Closing {
        let (item, item_version, authority, promised_days, legal_days) = self.item;
        let closed_on = self.today();
        let accepted_on = self.accepted_on;
        let late = accepted_on.is_some() && self.dice.chance(10);
        let days = |from: NaiveDate| (closed_on - from).num_days() as u16;
        Closing {
            kind,
            source: id("own"),
            item: id(item),
            item_version,
            authority,
            case_kind: CaseKind::Promise,
            intake: self.intake.clone(),
            received_at: None,
            handling: self.handled_elsewhere(),
            deciding: self.deciding.clone(),
            delivering: self.intake.clone(),
            clerk: Some(self.clerk.id.clone()),
            window: self.clerk.window.clone(),
            decider: None,
            region: Some(id("361023100")),
            submitted_on: self.submitted_on,
            accepted_on,
            decided_on: self.decided_on,
            closed_on,
            recorded_on: closed_on + Days::new(if late { 2 } else { 0 }),
            promise_stopped_on: self.decided_on.filter(|_| authority == Authority::Entrusted).unwrap_or(closed_on),
            promised_by: accepted_on.and(self.clocks.promised.as_ref()).map(|deadline| deadline.date),
            legal_by: accepted_on.and(self.clocks.legal.as_ref()).map(|deadline| deadline.date),
            promised_days: Some(promised_days),
            legal_days: Some(legal_days),
            working_days: accepted_on.map(days),
            gross_days: days(self.submitted_on),
            acceptance_lag_days: accepted_on.map(|_| 1),
            paused_days: 0,
            cross_township: self.handled_elsewhere().is_some(),
            paperless: false,
        }
    }
}

/// The service that ended with this closing.
pub(crate) fn service_of(closing: &Closing) -> RatedService {
    RatedService {
        source: closing.source.clone(),
        item: Some(closing.item.clone()),
        organisation: closing.received_at.as_ref().unwrap_or(&closing.intake).clone(),
        window: closing.window.clone(),
        staff: closing.clerk.clone(),
        ended_on: closing.closed_on,
        visit: false,
    }
}

/// A rating of a case at its end.
pub(crate) fn rated(case: CaseId, level: Satisfaction, origin: RatingOrigin, service: RatedService) -> Rated {
    let score = match level {
        Satisfaction::VerySatisfied => 100,
        Satisfaction::Satisfied => 80,
        Satisfaction::Fair => 60,
        Satisfaction::Dissatisfied => 30,
        Satisfaction::VeryDissatisfied => 0,
    };
    Rated {
        about: RatingSubject::Case(case),
        stage: RatingStage::Finish,
        level,
        indicators: vec![],
        indicators_version: 1,
        comment: None,
        channel: if origin == RatingOrigin::Default { RatingChannel::System } else { RatingChannel::Sms },
        origin,
        real_name: level.is_bad(),
        rater: None,
        window_ends: service.ended_on + Days::new(7),
        service,
        score,
        policy: 1,
        trace: None,
    }
}

fn legacy(dice: &mut Dice, story: &mut Story, first: u64) {
    let import = actor("import", Role::Import, "361000");
    for number in first..first + 3 {
        let at = noon(day("2022-06-01")) + TimeDelta::hours(number as i64);
        let subject = Subject::Case(case_id(number));
        let source: SourceName = id("bpic15");
        let opened = LegacyCaseOpened {
            source: source.clone(),
            external_id: number.to_string(),
            attributes: BTreeMap::from([("responsible".to_owned(), serde_json::Value::from("560"))]),
        };
        story.tell_late(noon(day("2011-03-01")), at, subject.clone(), &import, CaseEvent::from(opened));
        for _ in 0..=dice.below(3) {
            let when = noon(day("2011-03-02") + Days::new(dice.below(90)));
            let activity = LegacyActivityRecorded {
                source: source.clone(),
                activity: "01_HOOFD_010".to_owned(),
                at: when,
                lifecycle: Some("complete".to_owned()),
                resource: None,
                group: None,
                role: None,
                attributes: BTreeMap::new(),
            };
            story.tell_late(when, at, subject.clone(), &import, CaseEvent::from(activity));
        }
    }
}
