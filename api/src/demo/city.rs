//! Who works in the simulated city: village stations that do not exist (示例), and staff by number for every hall and bureau.

use chrono::{NaiveDate, NaiveTime};
use domain::actor::Role;
use domain::event::organisation::{OpeningDaysSet, OrganisationKind, OrganisationRegistered, StaffAppointed};
use domain::ids::{IdError, OrganisationId, RegionCode, StaffId, WindowId};
use domain::organisation::{OrganisationCommand, Organisations};

/// Stations made up for each township outside 南丰.
const STATIONS_PER_TOWNSHIP: u32 = 2;

/// The county whose stations are open every day of the year (南丰, 365天服务).
const EVERY_DAY_COUNTY: &str = "361023";

/// Returns what must be asked of the deciders so that somebody works everywhere, organisation by organisation.
///
/// # Errors
/// A code made here is not a valid id; only a mistake in this file could cause it.
pub(super) fn commands(
    organisations: &Organisations,
    since: NaiveDate,
) -> Result<Vec<(OrganisationId, Vec<OrganisationCommand>)>, IdError> {
    let mut all = Vec::new();
    for organisation in organisations.iter() {
        let staff = staff_commands(organisation.id(), organisation.kind(), since)?;
        if !staff.is_empty() {
            all.push((organisation.id().clone(), staff));
        }
        if organisation.kind() == OrganisationKind::Township {
            for ordinal in 1..=stations(organisation.id()) {
                all.push(station(organisation.id(), organisation.name_zh(), ordinal, since)?);
            }
        }
    }
    Ok(all)
}

/// In 南丰 every village and community has a station, 185 of them with the one that is real; elsewhere a few stand for all.
fn stations(township: &OrganisationId) -> u32 {
    match township.as_str() {
        "361023100" | "361023101" => 15,
        id if id.starts_with(EVERY_DAY_COUNTY) => 14,
        _ => STATIONS_PER_TOWNSHIP,
    }
}

/// Returns a number up to 19 in Chinese.
fn numeral(ordinal: u32) -> String {
    const DIGITS: [&str; 10] = ["", "一", "二", "三", "四", "五", "六", "七", "八", "九"];
    let tens = if 10 <= ordinal { "十" } else { "" };
    format!("{tens}{}", DIGITS[(ordinal % 10) as usize])
}

fn station(
    township: &OrganisationId,
    township_name: &str,
    ordinal: u32,
    since: NaiveDate,
) -> Result<(OrganisationId, Vec<OrganisationCommand>), IdError> {
    let code = format!("{township}9{ordinal:02}");
    let id: OrganisationId = code.parse()?;
    let region: RegionCode = code.parse()?;
    let place = township_name.trim_end_matches("便民服务中心");
    let mut commands = vec![
        OrganisationCommand::Register(OrganisationRegistered {
            organisation: id.clone(),
            parent: Some(township.clone()),
            kind: OrganisationKind::Village,
            name_zh: format!("{place}示例{}村便民服务站(示例)", numeral(ordinal)),
            name_en: String::new(),
            region,
            credit_code: None,
            synthetic: true,
            valid_from: since,
        }),
        OrganisationCommand::SetOpeningDays(OpeningDaysSet {
            organisation: id.clone(),
            every_day: township.as_str().starts_with(EVERY_DAY_COUNTY),
            opens: time(8, 30),
            closes: time(17, 30),
            after_hours_until: Some(time(20, 0)),
            day_begins: None,
            valid_from: since,
        }),
    ];
    commands.extend(staff_commands(&id, OrganisationKind::Village, since)?);
    Ok((id, commands))
}

fn staff_commands(
    organisation: &OrganisationId,
    kind: OrganisationKind,
    since: NaiveDate,
) -> Result<Vec<OrganisationCommand>, IdError> {
    posts(kind)
        .iter()
        .flat_map(|(role, count)| (1..=*count).map(move |ordinal| (*role, ordinal)))
        .map(|(role, ordinal)| {
            Ok(OrganisationCommand::AppointStaff(StaffAppointed {
                organisation: organisation.clone(),
                staff: staff(organisation, role, ordinal)?,
                roles: vec![role],
                person: None,
                valid_from: since,
            }))
        })
        .collect()
}

/// How many of each role an organisation of this kind has.
fn posts(kind: OrganisationKind) -> &'static [(Role, u32)] {
    match kind {
        OrganisationKind::Village => &[(Role::VillageAgent, 1)],
        OrganisationKind::Township => &[
            (Role::Clerk, CLERKS + ASSISTANTS),
            (Role::Handler, HANDLERS),
            (Role::Chief, CHIEFS),
            (Role::OrganHead, 1),
            (Role::CertificateMaker, 1),
            (Role::DeliveryClerk, 1),
        ],
        OrganisationKind::Department => {
            &[(Role::Handler, HANDLERS), (Role::Chief, CHIEFS), (Role::OrganHead, 1), (Role::CertificateMaker, 1)]
        }
        OrganisationKind::County => &[(Role::Clerk, CLERKS), (Role::DeliveryClerk, 1), (Role::Supervisor, 1)],
        OrganisationKind::City => &[(Role::Supervisor, 2), (Role::Analyst, 1), (Role::Admin, 1)],
        OrganisationKind::Zone => &[],
    }
}

/// Clerks of a township who do nothing but social assistance: a crew for working days, another for rest days.
const ASSISTANTS: u32 = 4;
/// Clerks at a hall's windows.
pub(super) const CLERKS: u32 = 3;
/// Handlers in a back office.
pub(super) const HANDLERS: u32 = 3;
/// Comprehensive windows of a hall.
const WINDOWS: u32 = 2;
/// Those who decide.
pub(super) const CHIEFS: u32 = 2;

/// Returns the number of a member of staff.
///
/// # Errors
/// The organisation's code is too long to stand in a staff number.
pub(super) fn staff(organisation: &OrganisationId, role: Role, ordinal: u32) -> Result<StaffId, IdError> {
    format!("{organisation}-{role}-{ordinal}").parse()
}

/// Returns the window at which a clerk sits.
pub(super) fn window(ordinal: u32) -> Result<WindowId, IdError> {
    format!("C{}", (ordinal - 1) % WINDOWS + 1).parse()
}

fn time(hour: u32, minute: u32) -> NaiveTime {
    NaiveTime::from_hms_opt(hour, minute, 0).unwrap_or(NaiveTime::MIN)
}
