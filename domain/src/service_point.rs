//! 服务点: a centre or station goes live on a day, with the items it takes; and how far its people have to go is measured.

use crate::decider::{Context, Decider};
use crate::event::ServicePointEvent;
use crate::event::item::{ItemDefinition, Level};
use crate::event::organisation::OrganisationKind;
use crate::event::service_point::{
    ItemsDisabled, ItemsEnabled, PlaceSet, ServiceLaunched, TravelSurveyed, VillageWays, Way,
};
use crate::ids::{ItemId, OrganisationId, RegionCode};
use crate::organisation::Organisation;
use crate::region;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// No village is farther from anything that serves it, in minutes.
pub const MINUTES_MAX: u16 = 600;
/// No township has more villages.
pub const VILLAGES_MAX: usize = 256;

/// Days on which an item can be applied for somewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enabled {
    /// The first.
    pub since: NaiveDate,
    /// The last, once it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_day: Option<NaiveDate>,
}

impl Enabled {
    /// Returns whether it can be applied for on this day.
    #[must_use]
    pub fn holds_on(self, day: NaiveDate) -> bool {
        self.since <= day && self.last_day.is_none_or(|last| day <= last)
    }
}

/// A centre or station, as a service point.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ServicePoint {
    /// Where it stands.
    pub place: Option<PlaceSet>,
    /// Live since.
    pub live_since: Option<NaiveDate>,
    /// What can be applied for here.
    pub items: BTreeMap<ItemId, Enabled>,
    /// The ways from the villages of its township.
    pub survey: Option<TravelSurveyed>,
}

/// What may be asked of a service point.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case")]
pub enum ServicePointCommand {
    /// Say where it stands.
    SetPlace(PlaceSet),
    /// Go live.
    Launch(ServiceLaunched),
    /// Take more.
    EnableItems(ItemsEnabled),
    /// Take less.
    DisableItems(ItemsDisabled),
    /// Say how far people have to go.
    SurveyTravel(TravelSurveyed),
}

/// Why a service point stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ServicePointRejection {
    /// Only centres and stations serve residents at windows.
    #[error("{0} is neither a centre nor a station")]
    NotAServicePoint(OrganisationId),
    /// A building has an address.
    #[error("a place needs an address")]
    AddressMissing,
    /// The place lies nowhere on the map.
    #[error("the point lies outside the map")]
    PointOffTheMap,
    /// It is live since another day.
    #[error("it is live since {0} already")]
    LiveAlready(NaiveDate),
    /// It is not live.
    #[error("it is not live yet")]
    NotLive,
    /// It did not exist then.
    #[error("it exists since {0} only")]
    LiveBeforeRegistration(NaiveDate),
    /// Something can be applied for wherever the service is.
    #[error("at least one item must be named")]
    NoItemNamed,
    /// Nobody knows the item.
    #[error("item {0} is not published")]
    ItemUnknown(ItemId),
    /// The item is taken in at other levels.
    #[error("item {0} is not taken in at this level")]
    ItemOfOtherLevel(ItemId),
    /// It was not live then.
    #[error("it is live since {0} only")]
    EnabledBeforeLive(NaiveDate),
    /// The item cannot be applied for here.
    #[error("item {0} is not enabled here")]
    ItemNotEnabled(ItemId),
    /// It ends after it begins.
    #[error("item {0} is enabled since a later day")]
    DisabledBeforeEnabled(ItemId),
    /// Only townships have villages.
    #[error("travel is surveyed by townships")]
    NotATownship,
    /// A survey speaks of villages.
    #[error("a survey names between 1 and {VILLAGES_MAX} villages")]
    VillagesOutOfRange,
    /// The village lies elsewhere, or is none.
    #[error("{0} is no village of this township")]
    VillageElsewhere(RegionCode),
    /// It is named twice.
    #[error("village {0} is named twice")]
    VillageTwice(RegionCode),
    /// A figure says where it comes from.
    #[error("a survey says who measured how")]
    SurveySourceMissing,
    /// Nobody knows where the way leads.
    #[error("there is no centre or station {0}")]
    WayToNowhere(OrganisationId),
    /// Two ways lead to the same place.
    #[error("two ways lead from {0} to the same place")]
    WayTwice(RegionCode),
    /// A way has an end.
    #[error("a way takes at most {MINUTES_MAX} minutes")]
    WayTooLong,
    /// The command names another organisation than its stream.
    #[error("the command is about another service point")]
    OtherServicePoint,
}

use ServicePointCommand as Command;
use ServicePointRejection as Rejection;

impl ServicePointCommand {
    /// Returns the centre or station it is about.
    #[must_use]
    pub fn organisation(&self) -> &OrganisationId {
        match self {
            Self::SetPlace(body) => &body.organisation,
            Self::Launch(body) => &body.organisation,
            Self::EnableItems(body) => &body.organisation,
            Self::DisableItems(body) => &body.organisation,
            Self::SurveyTravel(body) => &body.organisation,
        }
    }
}

/// Returns at which level a centre or station of this kind takes applications in; none if it is no such thing.
#[must_use]
pub fn level_of(kind: OrganisationKind) -> Option<Level> {
    (kind != OrganisationKind::Department).then(|| kind.level())
}

/// Returns whether an item can be applied for at a level: where the catalogue says so, and where it is decided. A centre's
/// front desk takes everything in for the organs behind it (前台综合受理、后台分类审批), and an organ turns away nothing that is
/// its own to decide (行政许可法 Art. 32); for what was given down or belongs elsewhere it is not the place.
#[must_use]
pub fn takes(level: Level, item: &ItemDefinition) -> bool {
    item.intake_levels.contains(&level) || item.decided_at == level
}

/// Returns whether an item can be applied for at an organisation of this kind; a back office has no front desk.
#[must_use]
pub fn takes_in(kind: OrganisationKind, item: &ItemDefinition) -> bool {
    level_of(kind).is_some_and(|level| takes(level, item))
}

fn point<'a>(id: &OrganisationId, context: &'a Context<'_>) -> Result<(&'a Organisation, Level), Rejection> {
    let organisation = context.reference.organisations.get(id);
    let point = organisation.and_then(|organisation| Some((organisation, level_of(organisation.kind())?)));
    point.ok_or_else(|| Rejection::NotAServicePoint(id.clone()))
}

fn check_items(items: &[ItemId], level: Level, context: &Context<'_>) -> Result<(), Rejection> {
    if items.is_empty() {
        return Err(Rejection::NoItemNamed);
    }
    for item in items {
        let known = context.reference.catalogue.get(item);
        let version = known.and_then(|known| known.latest()).ok_or_else(|| Rejection::ItemUnknown(item.clone()))?;
        if !takes(level, &version.definition) {
            return Err(Rejection::ItemOfOtherLevel(item.clone()));
        }
    }
    Ok(())
}

fn set_place(known: Option<&PlaceSet>, place: &PlaceSet) -> Result<Vec<ServicePointEvent>, Rejection> {
    if place.address_zh.trim().is_empty() {
        return Err(Rejection::AddressMissing);
    }
    let on_the_map = |point: &crate::event::service_point::MapPoint| {
        (-180_000_000..=180_000_000).contains(&point.longitude) && (-90_000_000..=90_000_000).contains(&point.latitude)
    };
    if !place.point.as_ref().is_none_or(on_the_map) {
        return Err(Rejection::PointOffTheMap);
    }
    if known == Some(place) { Ok(vec![]) } else { Ok(vec![place.clone().into()]) }
}

impl ServicePoint {
    fn launch(&self, launched: &ServiceLaunched, context: &Context<'_>) -> Result<Vec<ServicePointEvent>, Rejection> {
        let (organisation, level) = point(&launched.organisation, context)?;
        if let Some(since) = self.live_since {
            let same = since == launched.since && launched.items.iter().all(|item| self.items.contains_key(item));
            return if same { Ok(vec![]) } else { Err(Rejection::LiveAlready(since)) };
        }
        if launched.since < organisation.registered.valid_from {
            return Err(Rejection::LiveBeforeRegistration(organisation.registered.valid_from));
        }
        check_items(&launched.items, level, context)?;
        Ok(vec![launched.clone().into()])
    }

    fn enable(&self, enabled: &ItemsEnabled, context: &Context<'_>) -> Result<Vec<ServicePointEvent>, Rejection> {
        let (_, level) = point(&enabled.organisation, context)?;
        let live_since = self.live_since.ok_or(Rejection::NotLive)?;
        if enabled.since < live_since {
            return Err(Rejection::EnabledBeforeLive(live_since));
        }
        check_items(&enabled.items, level, context)?;
        let is_new = |item: &&ItemId| self.items.get(*item).is_none_or(|known| known.last_day.is_some());
        let items: Vec<ItemId> = enabled.items.iter().filter(is_new).cloned().collect();
        match items.is_empty() {
            true => Ok(vec![]),
            false => Ok(vec![ItemsEnabled { items, ..enabled.clone() }.into()]),
        }
    }

    fn disable(&self, disabled: &ItemsDisabled) -> Result<Vec<ServicePointEvent>, Rejection> {
        if disabled.items.is_empty() {
            return Err(Rejection::NoItemNamed);
        }
        for item in &disabled.items {
            let known = self.items.get(item).filter(|known| known.last_day.is_none());
            let known = known.ok_or_else(|| Rejection::ItemNotEnabled(item.clone()))?;
            if disabled.last_day < known.since {
                return Err(Rejection::DisabledBeforeEnabled(item.clone()));
            }
        }
        Ok(vec![disabled.clone().into()])
    }

    fn survey(&self, survey: &TravelSurveyed, context: &Context<'_>) -> Result<Vec<ServicePointEvent>, Rejection> {
        let (township, level) = point(&survey.organisation, context)?;
        if level != Level::Township {
            return Err(Rejection::NotATownship);
        }
        if survey.source.trim().is_empty() {
            return Err(Rejection::SurveySourceMissing);
        }
        if !(1..=VILLAGES_MAX).contains(&survey.villages.len()) {
            return Err(Rejection::VillagesOutOfRange);
        }
        let mut named = BTreeSet::new();
        for VillageWays { region, ways, .. } in &survey.villages {
            if region.as_str().len() != RegionCode::CHARS_MAX || !region::lies_in(region, township.region()) {
                return Err(Rejection::VillageElsewhere(region.clone()));
            }
            if !named.insert(region) {
                return Err(Rejection::VillageTwice(region.clone()));
            }
            check_ways(region, ways, context)?;
        }
        if self.survey.as_ref() == Some(survey) { Ok(vec![]) } else { Ok(vec![survey.clone().into()]) }
    }
}

fn check_ways(from: &RegionCode, ways: &[Way], context: &Context<'_>) -> Result<(), Rejection> {
    let mut known = BTreeSet::new();
    for Way { to, minutes } in ways {
        point(to, context).map_err(|_| Rejection::WayToNowhere(to.clone()))?;
        if MINUTES_MAX < *minutes {
            return Err(Rejection::WayTooLong);
        }
        if !known.insert(to) {
            return Err(Rejection::WayTwice(from.clone()));
        }
    }
    Ok(())
}

/// The state of one service point's stream.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ServicePointState {
    /// Which centre or station, once anything is known of it.
    pub organisation: Option<OrganisationId>,
    /// What is known.
    pub point: ServicePoint,
}

impl Decider for ServicePointState {
    type Command = ServicePointCommand;
    type Event = ServicePointEvent;
    type Rejection = ServicePointRejection;

    fn decide(&self, command: &Command, context: &Context<'_>) -> Result<Vec<ServicePointEvent>, Rejection> {
        if self.organisation.as_ref().is_some_and(|known| known != command.organisation()) {
            return Err(Rejection::OtherServicePoint);
        }
        point(command.organisation(), context)?;
        match command {
            Command::SetPlace(place) => set_place(self.point.place.as_ref(), place),
            Command::Launch(launched) => self.point.launch(launched, context),
            Command::EnableItems(enabled) => self.point.enable(enabled, context),
            Command::DisableItems(disabled) => self.point.disable(disabled),
            Command::SurveyTravel(survey) => self.point.survey(survey, context),
        }
    }

    fn evolve(&mut self, event: &ServicePointEvent) {
        self.organisation = Some(organisation_of(event).clone());
        self.point.evolve(event);
    }
}

impl ServicePoint {
    /// Takes in what happened.
    pub fn evolve(&mut self, event: &ServicePointEvent) {
        match event {
            ServicePointEvent::PlaceSet(place) => self.place = Some(place.clone()),
            ServicePointEvent::ServiceLaunched(ServiceLaunched { since, items, .. }) => {
                self.live_since = Some(*since);
                self.take(items, *since);
            }
            ServicePointEvent::ItemsEnabled(ItemsEnabled { items, since, .. }) => self.take(items, *since),
            ServicePointEvent::ItemsDisabled(ItemsDisabled { items, last_day, .. }) => {
                for item in items {
                    if let Some(enabled) = self.items.get_mut(item) {
                        enabled.last_day = Some(*last_day);
                    }
                }
            }
            ServicePointEvent::TravelSurveyed(survey) => self.survey = Some(survey.clone()),
        }
    }

    fn take(&mut self, items: &[ItemId], since: NaiveDate) {
        self.items.extend(items.iter().map(|item| (item.clone(), Enabled { since, last_day: None })));
    }
}

/// Returns the centre or station that an event is about.
#[must_use]
pub fn organisation_of(event: &ServicePointEvent) -> &OrganisationId {
    match event {
        ServicePointEvent::PlaceSet(body) => &body.organisation,
        ServicePointEvent::ServiceLaunched(body) => &body.organisation,
        ServicePointEvent::ItemsEnabled(body) => &body.organisation,
        ServicePointEvent::ItemsDisabled(body) => &body.organisation,
        ServicePointEvent::TravelSurveyed(body) => &body.organisation,
    }
}

#[cfg(test)]
mod tests;
