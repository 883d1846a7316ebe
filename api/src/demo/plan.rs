//! Who comes on a day, to which hall, for what.

use super::DemoError;
use super::acts;
use super::arrivals;
use super::certificates;
use super::city::{self, CLERKS};
use super::dice::Dice;
use super::engine::Arrival;
use super::people::{self, Resident};
use super::script::{self, Way};
use super::sealing::Sealing;
use crate::vault::Keyring;
use chrono::NaiveDate;
use domain::actor::{Actor, Channel, Role};
use domain::case::Submit;
use domain::catalogue::ItemVersion;
use domain::event::case::{Consent, ConsentGiven};
use domain::event::item::{CaseKind, Level};
use domain::event::organisation::OrganisationKind;
use domain::ids::{CaseId, ItemId, OrganisationId, RegionCode, SubjectId};
use domain::reference::Reference;
use domain::zone::{Instant, instant};
use std::collections::BTreeMap;
use std::sync::Arc;
use ulid::Ulid;

/// The share of applicants who were here before.
const RETURNING: f64 = 0.22;
/// The share of those who apply outside their own township, where the item allows it.
const ACROSS: f64 = 0.09;
/// The share of residents who apply a second time elsewhere while the first application is still open.
const TWICE: f64 = 0.006;

/// What everybody writes into the form of an item.
const FORM: &str = r#"{"reason":"申请人基本情况属实,特此申请"}"#;

/// Items asked for more, or less, than others of their kind.
const POPULAR: [(&str, f64); 12] = [
    ("FZ-001", 6.0),
    ("FZ-003", 2.0),
    ("FZ-005", 7.0),
    ("FZ-009", 1.6),
    ("FZ-011", 1.5),
    ("FZ-013", 3.0),
    ("FZ-016", 3.0),
    ("FZ-021", 2.5),
    ("FZ-037", 1.6),
    ("FZ-046", 1.5),
    ("FZ-047", 0.5),
    ("FZ-063", 2.0),
];

/// A township, its hall and its stations.
struct Place {
    hall: OrganisationId,
    name: String,
    region: RegionCode,
    stations: Vec<OrganisationId>,
    every_day: bool,
    weight: f64,
}

/// Somebody who comes, before anything is sealed.
struct Visit {
    ordinal: u64,
    at: Instant,
    case: CaseId,
    resident: Resident,
    subject: SubjectId,
    item: Arc<ItemVersion>,
    way: Way,
    intake: OrganisationId,
    actor: Actor,
    channel: Channel,
    duplicate_of: Option<CaseId>,
    dice: Dice,
}

/// Plans days, one after the other.
pub(super) struct Planner<'a> {
    seed: u64,
    sealing: &'a Sealing<'a>,
    places: Vec<Place>,
    known: Vec<Resident>,
    last_applied: Option<(Resident, ItemId, CaseId)>,
    items: BTreeMap<(ItemId, u32), Arc<ItemVersion>>,
    ordinal: u64,
}

impl<'a> Planner<'a> {
    pub(super) fn new(seed: u64, sealing: &'a Sealing<'a>, reference: &Reference) -> Self {
        let mut dice = Dice::new(seed ^ 0x91ace, 0);
        let organisations = &reference.organisations;
        let places = organisations
            .iter()
            .filter(|organisation| organisation.kind() == OrganisationKind::Township)
            .map(|hall| Place {
                hall: hall.id().clone(),
                name: hall.name_zh().trim_end_matches("便民服务中心").to_owned(),
                region: hall.region().clone(),
                stations: organisations
                    .children(hall.id())
                    .filter(|id| organisations.get(id).is_some_and(|child| child.kind() == OrganisationKind::Village))
                    .cloned()
                    .collect(),
                every_day: hall.id().as_str().starts_with("361023"),
                weight: if hall.name_zh().contains("街道") { 3.0 } else { 0.6 + dice.between(0, 100) as f64 / 60.0 },
            })
            .collect();
        Self { seed, sealing, places, known: Vec::new(), last_applied: None, items: BTreeMap::new(), ordinal: 0 }
    }

    /// Returns the day's arrivals, each with its number; the keys of everybody who comes are durable by then.
    pub(super) async fn day(
        &mut self,
        reference: &Reference,
        day: NaiveDate,
        count: u64,
    ) -> Result<Vec<(u64, Arrival)>, DemoError> {
        let working = reference.calendar.is_working(day, None);
        let weights = self.item_weights(reference, day);
        let mut visits = Vec::new();
        for _ in 0..count {
            visits.extend(self.visit(day, working, &weights)?);
        }
        let keys = Arc::new(self.sealing.keys(visits.iter().map(|visit| visit.subject.clone())).await?);
        visits.into_iter().map(|visit| self.arrival(visit, reference, day, &keys)).collect()
    }

    fn item_weights(&mut self, reference: &Reference, day: NaiveDate) -> Vec<(Arc<ItemVersion>, f64)> {
        let mut weights = Vec::new();
        for (id, item) in reference.catalogue.items() {
            let Some(version) = item.in_force(day) else { continue };
            let shared =
                self.items.entry((id.clone(), version.version)).or_insert_with(|| Arc::new(version.clone())).clone();
            let kind = if version.definition.kind == CaseKind::Instant { 2.2 } else { 1.0 };
            let liked = POPULAR.iter().find(|(popular, _)| *popular == id.as_str()).map_or(1.0, |(_, weight)| *weight);
            let season = arrivals::season(&version.definition.department_zh, day);
            weights.push((shared, kind * liked * season));
        }
        weights
    }

    /// Throws who comes, when and for what.
    fn visit(
        &mut self,
        day: NaiveDate,
        working: bool,
        weights: &[(Arc<ItemVersion>, f64)],
    ) -> Result<Option<Visit>, DemoError> {
        self.ordinal += 1;
        let mut dice = Dice::new(self.seed, self.ordinal);
        let shares: Vec<f64> = weights.iter().map(|(_, weight)| *weight).collect();
        let Some((item, _)) = weights.get(dice.weighted(&shares)) else { return Ok(None) };
        let mut item = item.clone();
        let mut duplicate_of = None;
        let mut resident = self.resident(&mut dice, &item, day);
        if let Some((again, first, twice)) = self.applies_twice(&mut dice, weights) {
            (item, duplicate_of, resident) = (again, Some(first), twice);
        }
        let across = item.definition.cross_township && (duplicate_of.is_some() || dice.chance(ACROSS));
        let place = self.place(&mut dice, &resident, across, working);
        let way = way(&mut dice, &item, working, place.every_day);
        let online = way == Way::Online;
        let at = instant(day, if online { arrivals::from_home(&mut dice) } else { arrivals::at_the_hall(&mut dice) });
        let subject = self.sealing.subject(&resident);
        let (intake, actor, channel) = door(&mut dice, way, place, &subject)?;
        let millis = u64::try_from(at.timestamp_millis()).unwrap_or_default();
        let case = CaseId(Ulid::from_parts(millis, dice.bits() >> 48));
        if item.definition.kind == CaseKind::Promise && dice.chance(0.1) {
            self.last_applied = Some((resident.clone(), item.item.clone(), case));
        }
        Ok(Some(Visit {
            ordinal: self.ordinal,
            at,
            case,
            resident,
            subject,
            item,
            way,
            intake,
            actor,
            channel,
            duplicate_of,
            dice,
        }))
    }

    fn applies_twice(
        &mut self,
        dice: &mut Dice,
        weights: &[(Arc<ItemVersion>, f64)],
    ) -> Option<(Arc<ItemVersion>, CaseId, Resident)> {
        if !dice.chance(TWICE) {
            return None;
        }
        let (resident, item, first) = self.last_applied.take()?;
        let again = weights.iter().find(|(version, _)| version.item == item && version.definition.cross_township);
        again.map(|(again, _)| (again.clone(), first, resident))
    }

    /// Writes the application and throws what will happen to it.
    fn arrival(
        &self,
        visit: Visit,
        reference: &Reference,
        day: NaiveDate,
        keys: &Arc<Keyring>,
    ) -> Result<(u64, Arrival), DemoError> {
        let Visit { ordinal, at, case, resident, subject, item, way, intake, actor, channel, duplicate_of, mut dice } =
            visit;
        let form = item.definition.form.as_ref();
        let situations = acts::situations(&item, &mut dice);
        let spared = certificates::spared(&mut dice, &item, day);
        let submit = Submit {
            number: format!("{}{}{ordinal:06}", item.definition.basic_code, day.format("%Y%m%d")).parse()?,
            source: "own".parse()?,
            item: item.item.clone(),
            channel,
            applicant: self.sealing.party(keys, &subject, case, &resident, day)?,
            agent: None,
            beneficiaries: Vec::new(),
            consent: match way {
                Way::Village => Some(Consent {
                    number: format!("WT{}{ordinal:06}", day.format("%Y%m%d")).parse()?,
                    sha256: None,
                    how: ConsentGiven::Signed,
                    given_on: None,
                    scope: Vec::new(),
                    until: None,
                    helper: None,
                }),
                Way::Window | Way::Online => None,
            },
            form: form.map(|_| self.sealing.text(keys, &subject, case, FORM)).transpose()?,
            form_version: form.map(|form| form.version),
            intake,
            region: Some(resident.home.clone()),
            certificates: BTreeMap::new(),
            data_shares: BTreeMap::new(),
            materials: acts::materials(&item, &situations, &spared),
            situations,
            duplicate_of,
        };
        let known =
            certificates::known(self.sealing, keys, &subject, &resident, &item, &spared, (&reference.policies, day))?;
        let script = script::with_spared(script::throw(&mut dice, &item.definition, way), spared);
        let keys = Arc::clone(keys);
        Ok((ordinal, Arrival { at, id: case, subject, keys, submit, actor, item, script, dice, known }))
    }

    fn resident(&mut self, dice: &mut Dice, item: &ItemVersion, day: NaiveDate) -> Resident {
        if !self.known.is_empty() && dice.chance(RETURNING) {
            return dice.pick(&self.known).clone();
        }
        let weights: Vec<f64> = self.places.iter().map(|place| place.weight).collect();
        let place = &self.places[dice.weighted(&weights)];
        let ages = match item.item.as_str() {
            "FZ-005" => (80, 97),
            "FZ-012" | "FZ-013" | "FZ-022" | "FZ-026" | "FZ-054" => (60, 88),
            _ => (18, 78),
        };
        let resident = people::resident(dice, &place.region, &place.name, day, ages);
        self.known.push(resident.clone());
        resident
    }

    fn place(&self, dice: &mut Dice, resident: &Resident, across: bool, working: bool) -> &Place {
        if across {
            // On a rest day only the county that is open every day takes anybody in at a window.
            let weight = |place: &Place| if working || place.every_day { place.weight } else { 0.0 };
            let weights: Vec<f64> = self.places.iter().map(weight).collect();
            return &self.places[dice.weighted(&weights)];
        }
        self.places.iter().find(|place| place.region == resident.home).unwrap_or(&self.places[0])
    }
}

/// How somebody comes in: from home when the hall is closed.
fn way(dice: &mut Dice, item: &ItemVersion, working: bool, every_day: bool) -> Way {
    let levels = &item.definition.intake_levels;
    let village = levels.contains(&Level::Village);
    let township = levels.contains(&Level::Township);
    if !working && !every_day && township {
        return Way::Online;
    }
    match (village, township) {
        (true, false) => Way::Village,
        (false, _) => [Way::Window, Way::Online][dice.weighted(&[0.8, 0.2])],
        (true, true) => [Way::Window, Way::Village, Way::Online][dice.weighted(&[0.60, 0.22, 0.18])],
    }
}

fn door(
    dice: &mut Dice,
    way: Way,
    place: &Place,
    subject: &SubjectId,
) -> Result<(OrganisationId, Actor, Channel), DemoError> {
    match (way, place.stations.is_empty()) {
        (Way::Village, false) => {
            let station = dice.pick(&place.stations).clone();
            let actor = Actor {
                id: city::staff(&station, Role::VillageAgent, 1)?,
                role: Role::VillageAgent,
                organisation: station.clone(),
                window: None,
                acting_for: Some(subject.clone()),
                channel: Channel::Window,
            };
            Ok((station, actor, Channel::Window))
        }
        (Way::Online, _) => {
            let channel = if dice.chance(0.75) { Channel::Mobile } else { Channel::Web };
            let mut actor = acts::resident(subject, &place.hall)?;
            actor.channel = channel;
            Ok((place.hall.clone(), actor, channel))
        }
        (Way::Window | Way::Village, _) => {
            let ordinal = u32::try_from(dice.between(1, i64::from(CLERKS))).unwrap_or(1);
            let actor = Actor {
                id: city::staff(&place.hall, Role::Clerk, ordinal)?,
                role: Role::Clerk,
                organisation: place.hall.clone(),
                window: Some(city::window(ordinal)?),
                acting_for: None,
                channel: Channel::Window,
            };
            Ok((place.hall.clone(), actor, Channel::Window))
        }
    }
}
