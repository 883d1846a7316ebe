use super::*;
use crate::decider::Decider;
use crate::sealed::Sealed;
use crate::testing::{REFERENCE, actor, at, context, day, organisation, sealed};

use OrganisationCommand as Command;
use OrganisationRejection as Rejection;

fn registered(id: &str, parent: Option<&str>, kind: OrganisationKind) -> OrganisationRegistered {
    OrganisationRegistered {
        organisation: organisation(id),
        parent: parent.map(organisation),
        kind,
        name_zh: "新站".into(),
        name_en: String::new(),
        region: "361023100".parse().unwrap(),
        credit_code: None,
        synthetic: true,
        valid_from: day("2021-01-01"),
    }
}

fn station() -> OrganisationRegistered {
    registered("361023100-XIN", Some("361023100"), OrganisationKind::Village)
}

fn window(name_zh: &str) -> WindowOpened {
    WindowOpened {
        organisation: organisation("361023100-XIN"),
        window: "C1".parse().unwrap(),
        name_zh: name_zh.into(),
        purpose: "comprehensive".into(),
    }
}

fn window_closed() -> WindowClosed {
    WindowClosed { organisation: organisation("361023100-XIN"), window: "C1".parse().unwrap() }
}

fn appointed(roles: &[Role], person: Option<Sealed>) -> StaffAppointed {
    StaffAppointed {
        organisation: organisation("361023100-XIN"),
        staff: "S1".parse().unwrap(),
        roles: roles.to_vec(),
        person,
        valid_from: day("2021-02-01"),
    }
}

fn relieved(last_day: &str) -> StaffRelieved {
    let last_day = day(last_day);
    StaffRelieved { organisation: organisation("361023100-XIN"), staff: "S1".parse().unwrap(), last_day }
}

fn dissolved(id: &str, last_day: &str) -> OrganisationDissolved {
    OrganisationDissolved { organisation: organisation(id), last_day: day(last_day) }
}

fn hours(opens: &str, closes: &str, after_hours_until: Option<&str>) -> OpeningDaysSet {
    OpeningDaysSet {
        organisation: organisation("361023100-XIN"),
        every_day: false,
        opens: opens.parse().unwrap(),
        closes: closes.parse().unwrap(),
        after_hours_until: after_hours_until.map(|time| time.parse().unwrap()),
        day_begins: None,
        valid_from: day("2021-02-01"),
    }
}

#[track_caller]
fn check(given: &[OrganisationEvent], when: Command, then: Result<Vec<OrganisationEvent>, Rejection>) {
    let mut state = OrganisationState::default();
    given.iter().for_each(|event| state.evolve(event));
    let admin = actor("A1", Role::Admin);
    assert_eq!(state.decide(&when, &context(at("2026-01-01", "09:00:00"), &admin, &REFERENCE)), then);
}

#[test]
fn an_organisation_is_registered_once_under_one_that_is_there() {
    check(&[], Command::Register(station()), Ok(vec![station().into()]));
    check(&[station().into()], Command::Register(station()), Ok(vec![]));
    let renamed = OrganisationRegistered { name_zh: "另站".into(), ..station() };
    check(&[station().into()], Command::Register(renamed), Err(Rejection::AlreadyRegistered));
    let orphan = registered("x", Some("999999"), OrganisationKind::Village);
    check(&[], Command::Register(orphan), Err(Rejection::ParentUnknown(organisation("999999"))));
    check(&[], Command::Register(registered("x", None, OrganisationKind::County)), Err(Rejection::ParentMissing));
    let misplaced = registered("x", Some("361000"), OrganisationKind::Village);
    let (child, parent) = (OrganisationKind::Village, OrganisationKind::City);
    check(&[], Command::Register(misplaced), Err(Rejection::ParentOfWrongKind { child, parent }));
}

#[test]
fn a_credit_code_and_a_name_are_checked() {
    let coded = |code: &str| OrganisationRegistered { credit_code: Some(code.into()), ..station() };
    let sound = coded("11361023MB1A00001P");
    check(&[], Command::Register(sound.clone()), Ok(vec![sound.into()]));
    check(&[], Command::Register(coded("11361023MB1A00001X")), Err(Rejection::CreditCodeInvalid));
    let nameless = OrganisationRegistered { name_zh: " ".into(), ..station() };
    check(&[], Command::Register(nameless), Err(Rejection::Nameless));
}

#[test]
fn nothing_happens_to_what_is_not_registered_or_no_more() {
    check(&[], Command::OpenWindow(window("综合窗口1")), Err(Rejection::NotRegistered));
    let gone = [station().into(), dissolved("361023100-XIN", "2022-01-01").into()];
    check(&gone, Command::OpenWindow(window("综合窗口1")), Err(Rejection::Dissolved));
    let elsewhere = Command::Dissolve(dissolved("361023100", "2022-01-01"));
    check(&[station().into()], elsewhere, Err(Rejection::OtherOrganisation(organisation("361023100"))));
}

#[test]
fn windows_open_and_close() {
    let open = [station().into(), window("综合窗口1").into()];
    check(&open[..1], Command::OpenWindow(window("综合窗口1")), Ok(vec![window("综合窗口1").into()]));
    check(&open, Command::OpenWindow(window("综合窗口1")), Ok(vec![]));
    let window_id = || "C1".parse().unwrap();
    check(&open, Command::OpenWindow(window("别名")), Err(Rejection::WindowAlreadyOpen(window_id())));
    check(&open, Command::OpenWindow(window(" ")), Err(Rejection::WindowNameless));
    check(&open, Command::CloseWindow(window_closed()), Ok(vec![window_closed().into()]));
    check(&open[..1], Command::CloseWindow(window_closed()), Err(Rejection::WindowUnknown(window_id())));
}

#[test]
fn staff_are_appointed_to_roles_and_relieved() {
    let clerk = [station().into(), appointed(&[Role::Clerk], None).into()];
    let appoint = |roles: &[Role]| Command::AppointStaff(appointed(roles, None));
    check(&clerk[..1], appoint(&[Role::Clerk]), Ok(vec![appointed(&[Role::Clerk], None).into()]));
    check(&clerk, appoint(&[Role::Clerk]), Ok(vec![]));
    let with_person = appointed(&[Role::Clerk], Some(sealed("name")));
    check(&clerk, Command::AppointStaff(with_person.clone()), Ok(vec![with_person.into()]));
    check(&clerk, appoint(&[]), Err(Rejection::NoRole));
    let early = StaffAppointed { valid_from: day("2020-12-31"), ..appointed(&[Role::Clerk], None) };
    check(&clerk, Command::AppointStaff(early), Err(Rejection::BeforeRegistration(day("2021-01-01"))));
    check(&clerk, appoint(&[Role::System]), Err(Rejection::RoleNotAppointed(Role::System)));
    check(&clerk, Command::RelieveStaff(relieved("2022-01-31")), Ok(vec![relieved("2022-01-31").into()]));
    check(&clerk, Command::RelieveStaff(relieved("2021-01-31")), Err(Rejection::EndsBeforeItBegins));
    let unknown = Rejection::StaffUnknown("S1".parse().unwrap());
    check(&clerk[..1], Command::RelieveStaff(relieved("2022-01-31")), Err(unknown));
}

#[test]
fn hours_run_forward() {
    let given = [station().into()];
    let fine = hours("08:30:00", "17:30:00", Some("18:30:00"));
    check(&given, Command::SetOpeningDays(fine.clone()), Ok(vec![fine.into()]));
    check(&given, Command::SetOpeningDays(hours("17:30:00", "08:30:00", None)), Err(Rejection::HoursReversed));
    let early = hours("08:30:00", "17:30:00", Some("17:00:00"));
    check(&given, Command::SetOpeningDays(early), Err(Rejection::HoursReversed));
}

#[test]
fn an_organisation_with_others_under_it_is_not_dissolved() {
    let town = REFERENCE.organisations.get(&organisation("361023100")).unwrap().registered.clone();
    let station = organisation("361023100-QINTAILU");
    let dissolve = Command::Dissolve(dissolved("361023100", "2022-01-01"));
    check(&[town.into()], dissolve, Err(Rejection::StillHasOthersUnderIt(station)));
}

#[test]
fn the_tree_is_walked_up_and_down() {
    let tree = &REFERENCE.organisations;
    let station = organisation("361023100-QINTAILU");
    assert_eq!(tree.path(&station), "/361000/361023/361023100/361023100-QINTAILU");
    let above: Vec<&str> = tree.ancestors(&station).map(OrganisationId::as_str).collect();
    assert_eq!(above, ["361023100", "361023", "361000"]);
    assert!(tree.contains(&organisation("361023"), &station));
    assert!(tree.contains(&station, &station));
    assert!(!tree.contains(&station, &organisation("361023")));
    assert!(!tree.contains(&organisation("361002"), &station));
    assert_eq!(tree.county_of(&station), Some(&organisation("361023")));
    assert_eq!(tree.township_of(&station), Some(&organisation("361023100")));
    assert_eq!(tree.township_of(&organisation("361023-MZ")), None);
    assert_eq!(tree.county_of(&organisation("361000")), None);
    assert_eq!(tree.subtree(&organisation("361000")).count(), tree.iter().count());
    assert_eq!(tree.subtree(&organisation("361023100")).count(), 2);
    assert_eq!(tree.subtree(&organisation("nowhere")).count(), 0);
}

#[test]
fn people_of_a_region_have_one_hall() {
    let hall = |code: &str| {
        let region: RegionCode = code.parse().unwrap();
        REFERENCE.organisations.hall_of_region(&region).map(OrganisationId::as_str)
    };
    assert_eq!(hall("361023100"), Some("361023100"));
    assert_eq!(hall("361023100005"), Some("361023100"));
    assert_eq!(hall("362524"), Some("361023"), "an old code leads to the county of today");
    assert_eq!(hall("361023999"), Some("361023"));
    assert_eq!(hall("110105"), None);
}

#[test]
fn an_item_is_decided_where_its_version_says() {
    let tree = &REFERENCE.organisations;
    let version = |item: &str, number| REFERENCE.catalogue.version(&item.parse().unwrap(), number).unwrap();
    let deciding = |item: &str, number, handling: &str| {
        tree.deciding_for(version(item, number), &organisation(handling)).to_string()
    };
    assert_eq!(deciding("FZ-001", 1, "361023100"), "361023-MZ");
    assert_eq!(deciding("FZ-001", 2, "361023100"), "361023100");
    assert_eq!(deciding("FZ-001", 2, "361023100-QINTAILU"), "361023100");
    assert_eq!(deciding("FZ-055", 1, "361023100-QINTAILU"), "361023100-QINTAILU");
    assert_eq!(deciding("FZ-008", 1, "361002004"), "361002-CL");

    let in_name_of = |item: &str, number, deciding: &str| {
        tree.in_name_of(version(item, number), &organisation(deciding)).to_string()
    };
    assert_eq!(in_name_of("FZ-001", 2, "361023100"), "361023-MZ", "entrusted");
    assert_eq!(in_name_of("FZ-005", 2, "361023100"), "361023100", "empowered");
}

#[test]
fn every_item_finds_its_department_in_every_county() {
    let tree = &REFERENCE.organisations;
    for (id, item) in REFERENCE.catalogue.items() {
        for county in tree.iter().filter(|organisation| organisation.kind() == OrganisationKind::County) {
            let version = item.latest().unwrap();
            let department = tree.department_for(version, county.id());
            assert!(department.is_some(), "{id} in {}", county.name_zh());
        }
    }
}

#[test]
fn hours_come_from_the_nearest_above_that_has_some() {
    let tree = &REFERENCE.organisations;
    let calendar = &REFERENCE.calendar;
    let open = |id: &str, date: &str, time: &str| tree.is_open(&organisation(id), at(date, time), calendar);
    let outside = |id: &str, date: &str, time: &str| tree.outside_hours(&organisation(id), at(date, time), calendar);
    // 2026-06-06 is a Saturday, 2026-05-09 a make-up Saturday.
    assert!(open("361023100-QINTAILU", "2026-06-06", "10:00:00"), "南丰 opens 365 days a year");
    assert!(!open("361002004-LIMIN", "2026-06-06", "10:00:00"));
    assert!(open("361002004-LIMIN", "2026-05-09", "10:00:00"));
    assert!(open("361002004", "2026-06-05", "18:00:00"), "after-hours service");
    assert!(!open("361002004", "2020-06-05", "18:00:00"), "not before 2021");
    assert!(!open("361002004", "2026-06-05", "19:00:00"));
    assert!(outside("361023100", "2026-06-06", "10:00:00"));
    assert!(outside("361002004", "2026-06-05", "18:00:00"));
    assert!(!outside("361002004", "2026-06-05", "17:30:00"));
    assert!(!open("nowhere", "2026-06-05", "10:00:00"));
}

#[test]
fn a_role_is_held_from_the_first_day_through_the_last() {
    let mut tree = REFERENCE.organisations.clone();
    for event in [station().into(), appointed(&[Role::Clerk], None).into(), relieved("2022-01-31").into()] {
        tree.evolve(&event);
    }
    let clerk_on = |text: &str| {
        let staff: StaffId = "S1".parse().unwrap();
        tree.has_role(&organisation("361023100-XIN"), &staff, Role::Clerk, day(text))
    };
    assert_eq!([clerk_on("2021-01-31"), clerk_on("2021-02-01")], [false, true]);
    assert_eq!([clerk_on("2022-01-31"), clerk_on("2022-02-01")], [true, false]);
}
