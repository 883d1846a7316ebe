//! A case told in a test: who does what when, and what the rules say to it.

use crate::actor::{Actor, Channel, Role};
use crate::builtin;
use crate::case::{Case, CaseCommand, Rejection, Submit, Survivor};
use crate::decider::{Context, Decider};
use crate::event::CaseEvent;
use crate::event::case::*;
use crate::ids::{CaseId, EventId, MaterialCode};
use crate::reference::Reference;
use crate::sealed::{AgeBand, Party, PartyKind, Sealed};
use crate::zone::{Instant, fuzhou};
use chrono::{NaiveDate, NaiveDateTime};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;
use ulid::Ulid;

/// The city as built in.
pub(super) static CITY: LazyLock<Reference> = LazyLock::new(|| {
    let mut city = Reference::default();
    for built_in in builtin::events() {
        city.evolve(&built_in.event);
    }
    city
});

/// A township hall of 南丰县, one of its villages, and another township of the county.
pub(super) const HALL: &str = "361023100";
pub(super) const VILLAGE: &str = "361023100-QINTAILU";
pub(super) const OTHER_HALL: &str = "361023101";
pub(super) const COUNTY: &str = "361023";
pub(super) const CITY_HALL: &str = "361000";

/// 宅基地审批: a licence decided by the township, 15 promised of 20 legal days.
pub(super) const LICENCE: &str = "FZ-021";
/// 检疫申报: a licence decided by the county, with a procedure of Art. 45.
pub(super) const FORWARDED: &str = "FZ-067";
/// 失业登记.
pub(super) const INSTANT: &str = "FZ-009";
/// 低保.
pub(super) const DIBAO: &str = "FZ-001";

pub(super) fn id<T: std::str::FromStr>(text: &str) -> T
where
    T::Err: std::fmt::Debug,
{
    text.parse().unwrap()
}

pub(super) fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// A moment of Fuzhou's day, such as `2026-03-02 09:00`.
pub(super) fn at(text: &str) -> Instant {
    let local = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap();
    (local - fuzhou()).and_utc()
}

pub(super) fn sealed(text: &str) -> Sealed {
    Sealed { subject: id("s-applicant"), cipher: format!("a1.{text}").into() }
}

/// Merges case 1 into case 2, which is the same applicant's.
pub(super) fn merge() -> CaseCommand {
    let into = Survivor {
        case: CaseId(Ulid(2)),
        number: id("BJ-2"),
        applicant: party("s-applicant").subject,
        item: id(LICENCE),
        open: true,
    };
    CaseCommand::Merge { from: CaseId(Ulid(1)), into, reason: sealed("applied for twice") }
}

pub(super) fn document(number: &str) -> DocumentRef {
    DocumentRef { number: id(number), sha256: None }
}

pub(super) fn consent(number: &str) -> Consent {
    Consent {
        number: id(number),
        sha256: None,
        how: ConsentGiven::Signed,
        given_on: None,
        scope: Vec::new(),
        until: None,
        helper: None,
    }
}

pub(super) fn party(subject: &str) -> Party {
    Party {
        subject: id(subject),
        kind: PartyKind::NaturalPerson,
        age_band: Some(AgeBand::From18),
        person: Sealed { subject: id(subject), cipher: "a1.person".into() },
    }
}

pub(super) fn presented(codes: &[&str]) -> Vec<MaterialPresented> {
    let one = |code: &&str| MaterialPresented { code: id::<MaterialCode>(code), how: Presented::Copy, paper: None };
    codes.iter().map(one).collect()
}

pub(super) fn missing(codes: &[&str]) -> Vec<Missing> {
    codes.iter().map(|code| Missing { code: id(code), defect: None }).collect()
}

pub(super) fn actor(role: Role, name: &str, organisation: &str) -> Actor {
    Actor {
        id: id(name),
        role,
        organisation: id(organisation),
        window: None,
        acting_for: None,
        channel: Channel::Window,
    }
}

pub(super) fn clerk() -> Actor {
    Actor { window: Some(id("C1")), ..actor(Role::Clerk, "clerk", HALL) }
}

pub(super) fn handler() -> Actor {
    actor(Role::Handler, "handler", HALL)
}

pub(super) fn chief() -> Actor {
    actor(Role::Chief, "chief", HALL)
}

pub(super) fn head() -> Actor {
    actor(Role::OrganHead, "head", HALL)
}

pub(super) fn resident() -> Actor {
    actor(Role::Resident, "s-applicant", HALL)
}

pub(super) fn system() -> Actor {
    actor(Role::System, "system", HALL)
}

pub(super) fn output() -> Actor {
    actor(Role::DeliveryClerk, "output", HALL)
}

pub(super) fn application(item: &str, materials: &[&str]) -> Submit {
    Submit {
        number: id(&format!("{item}-1")),
        source: id("own"),
        item: id(item),
        channel: Channel::Window,
        applicant: party("s-applicant"),
        agent: None,
        beneficiaries: Vec::new(),
        consent: None,
        form: None,
        form_version: None,
        situations: BTreeSet::new(),
        intake: id(HALL),
        region: Some(id("361023100001")),
        certificates: BTreeMap::new(),
        data_shares: BTreeMap::new(),
        materials: presented(materials),
        duplicate_of: None,
    }
}

pub(super) fn receive() -> CaseCommand {
    CaseCommand::Receive {
        receipt: id("R-1"),
        materials_received_on: None,
        materials: Vec::new(),
        rating_code_digest: "digest".into(),
    }
}

pub(super) fn accept() -> CaseCommand {
    accept_as(AcceptanceKind::Normal, None, None)
}

pub(super) fn accept_as(kind: AcceptanceKind, by: Option<NaiveDate>, commitment: Option<DocumentRef>) -> CaseCommand {
    CaseCommand::Accept { number: id("A-1"), kind, missing: Vec::new(), promised_materials_by: by, commitment }
}

pub(super) fn notice(number: &str, codes: &[&str]) -> CaseCommand {
    let in_library = BTreeSet::new();
    CaseCommand::IssueNotice { number: id(number), missing: missing(codes), in_library, method: "hand".into() }
}

pub(super) fn supplement(codes: &[&str]) -> CaseCommand {
    CaseCommand::Supplement { materials: presented(codes) }
}

pub(super) fn route(to: &str) -> CaseCommand {
    CaseCommand::Route { to: id(to), step: None, hand_over: id("H-1") }
}

pub(super) fn decide(outcome: DecisionOutcome) -> CaseCommand {
    CaseCommand::Decide {
        outcome,
        number: id("D-1"),
        reason: Some(sealed("because")),
        remedy: Some("六十日内申请行政复议".into()),
    }
}

pub(super) fn finish() -> CaseCommand {
    CaseCommand::Finish { stamp: id("F-1"), fee_fen: 0 }
}

pub(super) fn deliver() -> CaseCommand {
    CaseCommand::Deliver { method: DeliveryMethod::Direct, recipient: None, proof: Some(document("P-1")) }
}

pub(super) fn withdraw(evidence: Option<DocumentRef>) -> CaseCommand {
    CaseCommand::Withdraw { reason: sealed("changed my mind"), evidence }
}

pub(super) fn at_once() -> CaseCommand {
    CaseCommand::HandleAtOnce {
        acceptance: id("A-1"),
        decision: id("D-1"),
        outcome: DecisionOutcome::Granted,
        reason: None,
        remedy: None,
        stamp: id("F-1"),
    }
}

/// A case, its city, and the moment at which the next act is recorded.
#[derive(Clone)]
pub(super) struct Story {
    pub(super) case: Case,
    pub(super) city: Reference,
    now: Instant,
    events: u128,
}

impl Story {
    pub(super) fn begins(moment: &str) -> Self {
        Self { case: Case::default(), city: CITY.clone(), now: at(moment), events: 0 }
    }

    /// An application with these materials, by the resident.
    pub(super) fn submitted(item: &str, materials: &[&str], moment: &str) -> Self {
        Self::begins(moment).then(&resident(), CaseCommand::Submit(application(item, materials)))
    }

    pub(super) fn received(item: &str, materials: &[&str], moment: &str) -> Self {
        Self::submitted(item, materials, moment).then(&clerk(), receive())
    }

    /// The licence with everything it needs, accepted on the day.
    pub(super) fn licence_accepted(moment: &str) -> Self {
        Self::received(LICENCE, &["FORM", "ID", "HK", "SITE"], moment).then(&clerk(), accept())
    }

    pub(super) fn licence_in_review(moment: &str) -> Self {
        Self::licence_accepted(moment).then(&clerk(), route(HALL))
    }

    pub(super) fn on(self, moment: &str) -> Self {
        self.at_moment(at(moment))
    }

    pub(super) fn at_moment(mut self, now: Instant) -> Self {
        self.now = now;
        self
    }

    /// What the rules say to an act now.
    pub(super) fn asked(&self, by: &Actor, command: &CaseCommand) -> Result<Vec<CaseEvent>, Rejection> {
        self.asked_of(self.now, by, command)
    }

    /// What the rules say to an act that took place earlier and is keyed in now.
    pub(super) fn asked_of(
        &self,
        occurred_at: Instant,
        by: &Actor,
        command: &CaseCommand,
    ) -> Result<Vec<CaseEvent>, Rejection> {
        self.case.decide(command, &self.context(occurred_at, by))
    }

    pub(super) fn context<'a>(&'a self, occurred_at: Instant, actor: &'a Actor) -> Context<'a> {
        Context { now: self.now, occurred_at, actor, reference: &self.city }
    }

    #[track_caller]
    pub(super) fn then(self, by: &Actor, command: CaseCommand) -> Self {
        let now = self.now;
        self.then_of(now, by, command)
    }

    #[track_caller]
    pub(super) fn then_of(mut self, occurred_at: Instant, by: &Actor, command: CaseCommand) -> Self {
        let events = self.asked_of(occurred_at, by, &command).unwrap_or_else(|no| panic!("{command:?}: {no}"));
        assert!(!events.is_empty(), "{command:?} changed nothing");
        for event in &events {
            self.take(event, occurred_at, by);
        }
        self
    }

    pub(super) fn take(&mut self, event: &CaseEvent, occurred_at: Instant, by: &Actor) {
        self.events += 1;
        self.case.evolve_at(event, occurred_at, by, EventId(Ulid(self.events)));
    }

    pub(super) fn moment(&self) -> Instant {
        self.now
    }

    #[track_caller]
    pub(super) fn refuses(self, by: &Actor, command: CaseCommand, rule: Rejection) -> Self {
        assert_eq!(self.asked(by, &command), Err(rule));
        self
    }

    #[track_caller]
    pub(super) fn changes_nothing(self, by: &Actor, command: CaseCommand) -> Self {
        assert_eq!(self.asked(by, &command), Ok(Vec::new()));
        self
    }

    #[track_caller]
    pub(super) fn marks(self, anomaly: Anomaly) -> Self {
        assert!(self.case.anomalies.contains(&anomaly), "{anomaly:?} is not among {:?}", self.case.anomalies);
        self
    }

    #[track_caller]
    pub(super) fn marks_nothing(self) -> Self {
        assert!(self.case.anomalies.is_empty(), "marked {:?}", self.case.anomalies);
        self
    }
}
