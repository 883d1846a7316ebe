//! Words in events are permanent: each one ever written is still read, and written back the same.
//!
//! `fixtures/words.json` lists them by type. Words are added to it and never taken away.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use domain::actor::{Channel, Role};
use domain::clock::{DayUnit, Light};
use domain::document::DocumentKind;
use domain::event::case::{
    AcceptanceKind, Anomaly, ClosingKind, ConsentGiven, DecisionOutcome, DeliveryMethod, HelpScope, NoticeStage,
    Presented, RevocationKind, StepOutcome, Threshold, TrustLevel, WarnedClock,
};
use domain::event::certificate::LibraryReading;
use domain::event::checklist::{Criterion, Figure};
use domain::event::evidence::DataShareOutcome;
use domain::event::instrument::InstrumentKind;
use domain::event::item::{Authority, CaseKind, ClockStop, Level, RatingStage, Replacement};
use domain::event::kin::{DeclaredBy, HomeVisit, KinRelation};
use domain::event::organisation::OrganisationKind;
use domain::event::policy::{DefaultRating, FreezeConvention};
use domain::event::rating::{CallBackResult, RatingChannel, RatingOrigin, Rectification, Satisfaction, Verdict};
use domain::event::roster::DutyChangeReason;
use domain::sealed::{AgeBand, PartyKind};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;

type Words = BTreeMap<String, Vec<String>>;

#[track_caller]
fn check<T: Serialize + DeserializeOwned>(words: &Words, name: &str) {
    for word in &words[name] {
        let read: T = serde_json::from_value(word.as_str().into()).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(serde_json::to_value(read).unwrap(), word.as_str(), "{name}");
    }
}

#[test]
fn every_word_is_read_and_written_back() {
    let words: Words = serde_json::from_str(include_str!("../fixtures/words.json")).unwrap();
    check::<AcceptanceKind>(&words, "AcceptanceKind");
    check::<AgeBand>(&words, "AgeBand");
    check::<Anomaly>(&words, "Anomaly");
    check::<Authority>(&words, "Authority");
    check::<CallBackResult>(&words, "CallBackResult");
    check::<CaseKind>(&words, "CaseKind");
    check::<Channel>(&words, "Channel");
    check::<ClockStop>(&words, "ClockStop");
    check::<ClosingKind>(&words, "ClosingKind");
    check::<ConsentGiven>(&words, "ConsentGiven");
    check::<DataShareOutcome>(&words, "DataShareOutcome");
    check::<Criterion>(&words, "Criterion");
    check::<DayUnit>(&words, "DayUnit");
    check::<DecisionOutcome>(&words, "DecisionOutcome");
    check::<DefaultRating>(&words, "DefaultRating");
    check::<DeliveryMethod>(&words, "DeliveryMethod");
    check::<DocumentKind>(&words, "DocumentKind");
    check::<Figure>(&words, "Figure");
    check::<FreezeConvention>(&words, "FreezeConvention");
    check::<DutyChangeReason>(&words, "DutyChangeReason");
    check::<HelpScope>(&words, "HelpScope");
    check::<InstrumentKind>(&words, "InstrumentKind");
    check::<KinRelation>(&words, "KinRelation");
    check::<DeclaredBy>(&words, "DeclaredBy");
    check::<HomeVisit>(&words, "HomeVisit");
    check::<Level>(&words, "Level");
    check::<LibraryReading>(&words, "LibraryReading");
    check::<Light>(&words, "Light");
    check::<NoticeStage>(&words, "NoticeStage");
    check::<OrganisationKind>(&words, "OrganisationKind");
    check::<PartyKind>(&words, "PartyKind");
    check::<Presented>(&words, "Presented");
    check::<RatingChannel>(&words, "RatingChannel");
    check::<RatingOrigin>(&words, "RatingOrigin");
    check::<RatingStage>(&words, "RatingStage");
    check::<Rectification>(&words, "Rectification");
    check::<Replacement>(&words, "Replacement");
    check::<RevocationKind>(&words, "RevocationKind");
    check::<Role>(&words, "Role");
    check::<Satisfaction>(&words, "Satisfaction");
    check::<StepOutcome>(&words, "StepOutcome");
    check::<Threshold>(&words, "Threshold");
    check::<TrustLevel>(&words, "TrustLevel");
    check::<Verdict>(&words, "Verdict");
    check::<WarnedClock>(&words, "WarnedClock");
}
