//! The instruments by which the counties let their townships decide: one empowerment of each county's government, and
//! one entrustment of each of its departments for what it handed down on one day.
//!
//! Numbers and bases are made up (示例); what was handed down, and when, follows from the catalogue.

use super::BuiltIn;
use crate::event::instrument::{InstrumentIssued, InstrumentKind};
use crate::event::item::ItemPublished;
use crate::event::organisation::{OrganisationKind, OrganisationRegistered};
use crate::event::{Event, ItemEvent, OrganisationEvent};
use crate::fact::Subject;
use crate::ids::{ItemId, OrganisationId};
use chrono::{Datelike as _, NaiveDate};
use std::collections::BTreeMap;

/// Returns the instruments that this tree and this catalogue need so that every township may decide what it decides.
pub(super) fn issued(organisations: &[BuiltIn], items: &[BuiltIn]) -> Vec<BuiltIn> {
    let tree: Vec<&OrganisationRegistered> = organisations.iter().filter_map(registered).collect();
    let counties = tree.iter().filter(|one| one.kind == OrganisationKind::County);
    let handed_down = handed_down(items);
    let issued = counties.flat_map(|county| {
        handed_down.iter().filter_map(|((kind, department, since), items)| {
            let from = giver(*kind, county, department, &tree)?;
            Some(instrument(*kind, county, from, *since, items.clone(), &tree))
        })
    });
    issued.flatten().collect()
}

/// What was handed down: how, by which department (a government empowers for all of them), and when first.
type HandedDown = BTreeMap<(InstrumentKind, String, NaiveDate), Vec<ItemId>>;

fn handed_down(items: &[BuiltIn]) -> HandedDown {
    let mut handed_down = HandedDown::new();
    for ItemPublished { item, valid_from, definition, .. } in items.iter().filter_map(published) {
        let Some(kind) = InstrumentKind::needed_for(definition.authority) else { continue };
        let department = match kind {
            InstrumentKind::Empowerment => String::new(),
            InstrumentKind::Entrustment => definition.department_zh.clone(),
        };
        let known = handed_down.iter().any(|((of, _, _), items)| *of == kind && items.contains(item));
        if !known {
            handed_down.entry((kind, department, *valid_from)).or_default().push(item.clone());
        }
    }
    handed_down
}

fn giver<'a>(
    kind: InstrumentKind,
    county: &'a OrganisationRegistered,
    department: &str,
    tree: &[&'a OrganisationRegistered],
) -> Option<&'a OrganisationId> {
    match kind {
        InstrumentKind::Empowerment => Some(&county.organisation),
        InstrumentKind::Entrustment => {
            let mut departments = tree.iter().filter(|one| one.kind == OrganisationKind::Department);
            let theirs = departments
                .find(|one| one.parent.as_ref() == Some(&county.organisation) && one.name_zh.contains(department));
            theirs.map(|one| &one.organisation)
        }
    }
}

fn instrument(
    kind: InstrumentKind,
    county: &OrganisationRegistered,
    from: &OrganisationId,
    since: NaiveDate,
    items: Vec<ItemId>,
    tree: &[&OrganisationRegistered],
) -> Option<BuiltIn> {
    let is_holder = |one: &&&OrganisationRegistered| {
        one.parent.as_ref() == Some(&county.organisation)
            && matches!(one.kind, OrganisationKind::Township | OrganisationKind::Zone)
    };
    let (letters, word, basis) = match kind {
        InstrumentKind::Empowerment => ("FQ", "赋权", "江西省乡镇（街道）行政权力指导目录（示例）"),
        InstrumentKind::Entrustment => ("WT", "委托", "行政许可法第二十四条及审批权限下沉的有关规定（示例）"),
    };
    let id = format!("{from}-{letters}-{}", since.format("%Y%m"));
    let issued = InstrumentIssued {
        instrument: id.parse().ok()?,
        kind,
        number: format!("示例{word}〔{}〕{from}-{}号", since.year(), since.format("%m")).parse().ok()?,
        from: from.clone(),
        to: tree.iter().filter(is_holder).map(|one| one.organisation.clone()).collect(),
        items,
        regions: vec![county.region.clone()],
        valid_from: since,
        valid_to: None,
        published_on: since,
        published_in: "县级政府门户网站（示例）".to_owned(),
        basis: basis.to_owned(),
    };
    let subject = Subject::Instrument(issued.instrument.clone());
    Some(BuiltIn { subject, published_on: since, event: Event::Instrument(issued.into()) })
}

fn registered(built_in: &BuiltIn) -> Option<&OrganisationRegistered> {
    match &built_in.event {
        Event::Organisation(OrganisationEvent::OrganisationRegistered(registered)) => Some(registered),
        _ => None,
    }
}

fn published(built_in: &BuiltIn) -> Option<&ItemPublished> {
    match &built_in.event {
        Event::Item(ItemEvent::ItemPublished(published)) => Some(published),
        _ => None,
    }
}
