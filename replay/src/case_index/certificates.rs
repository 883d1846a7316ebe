//! All certificates ever, beside the cases and kept by the same rules: whose, of which kind, at which organisation. These
//! never change; whether a certificate stands is a matter of the day, and read from its stream.

use super::search::{CANDIDATES_PER_PAGE_MAX, Candidates, holds, merged};
use super::{CaseIndex, IndexError, Order};
use crate::moment::Slice;
use domain::event::{CertificateEvent, Event};
use domain::fact::{Fact, Subject};
use domain::ids::{CertificateId, CertificateKind, OrganisationId, SubjectId};
use redb::{ReadOnlyTable, ReadTransaction, ReadableDatabase as _, TableDefinition, WriteTransaction};
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

/// Entry (the position of the first fact) → certificate id, kind, organisation, holder.
pub(super) const CERTIFICATES: TableDefinition<'_, u64, (u128, &str, &str, &str)> =
    TableDefinition::new("certificates");
/// Attribute, value, entry → nothing: the lists by which certificates are found.
pub(super) const CERTIFICATE_LISTS: TableDefinition<'_, (u8, &str, u64), ()> =
    TableDefinition::new("certificate_lists");

const BY_HOLDER: u8 = 1;
const BY_KIND: u8 = 2;
const BY_ORGANISATION: u8 = 3;

/// More organisations than these are checked, not looked up one by one.
const ORGANISATIONS_LOOKED_UP_MAX: usize = 8;

/// Which certificates are asked for: all that meet every condition given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CertificateFilter {
    /// Of this holder.
    pub holder: Option<SubjectId>,
    /// Of this kind.
    pub kind: Option<CertificateKind>,
    /// Issued or taken in by one of these; an empty set finds nothing.
    pub organisations: Option<BTreeSet<OrganisationId>>,
}

/// Where a page of certificates ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CertificateCursor(pub u64);

/// Some certificates in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CertificatePage {
    /// The certificates with their entries; possibly fewer than asked for, even where more follow.
    pub certificates: Vec<(CertificateId, CertificateCursor)>,
    /// Where to go on, if anything may follow.
    pub next: Option<CertificateCursor>,
}

/// Takes in the beginnings of certificates.
pub(super) fn take_in(write: &WriteTransaction, facts: &[Fact]) -> Result<(), redb::Error> {
    let first = facts.iter().filter_map(|fact| Some((fact, beginning(fact)?)));
    let mut tables = None;
    for (fact, (id, kind, organisation, holder)) in first {
        // Nearly every page has none, and opening a table costs more than looking.
        let (rows, lists) = match &mut tables {
            Some(tables) => tables,
            None => tables.insert((write.open_table(CERTIFICATES)?, write.open_table(CERTIFICATE_LISTS)?)),
        };
        let entry = fact.position;
        rows.insert(entry, (u128::from(id.0), kind.as_str(), organisation.as_str(), holder.as_str()))?;
        lists.insert((BY_HOLDER, holder.as_str(), entry), ())?;
        lists.insert((BY_KIND, kind.as_str(), entry), ())?;
        lists.insert((BY_ORGANISATION, organisation.as_str(), entry), ())?;
    }
    Ok(())
}

type Beginning<'a> = (CertificateId, &'a CertificateKind, &'a OrganisationId, &'a SubjectId);

fn beginning(fact: &Fact) -> Option<Beginning<'_>> {
    let (Subject::Certificate(id), Event::Certificate(event), 1) = (&fact.subject, &fact.event, fact.version) else {
        return None;
    };
    match event {
        CertificateEvent::CertificateIssued(body) => Some((*id, &body.kind, &body.issuer, &body.holder.subject)),
        CertificateEvent::CertificateTakenIn(body) => Some((*id, &body.kind, &body.organisation, &body.holder.subject)),
        CertificateEvent::CertificateVerified(_)
        | CertificateEvent::CertificateRenewed(_)
        | CertificateEvent::CertificateRevoked(_) => None,
    }
}

impl CaseIndex {
    /// Returns a page of the certificates that a filter finds, as they were on record at the end of a slice.
    ///
    /// # Errors
    /// The disk refuses, or the index is damaged.
    pub fn certificates(
        &self,
        filter: &CertificateFilter,
        slice: &Slice,
        after: Option<CertificateCursor>,
        limit: usize,
        order: Order,
    ) -> Result<CertificatePage, IndexError> {
        let find = || -> Result<CertificatePage, redb::Error> {
            let read = self.inner.database.begin_read()?;
            page(&read, filter, slice, after, limit, order)
        };
        Ok(find()?)
    }
}

fn page(
    read: &ReadTransaction,
    filter: &CertificateFilter,
    slice: &Slice,
    after: Option<CertificateCursor>,
    limit: usize,
    order: Order,
) -> Result<CertificatePage, redb::Error> {
    let rows = read.open_table(CERTIFICATES)?;
    let lists = read.open_table(CERTIFICATE_LISTS)?;
    let late = read.open_table(super::tables::LATE)?;
    let known = slice.late.map_or(slice.through, |late| late.known.max(slice.through)).0;
    let (first, last) = match (after, order) {
        (Some(CertificateCursor(entry)), Order::Newest) => (1, known.min(entry.saturating_sub(1))),
        (Some(CertificateCursor(entry)), Order::Oldest) => (entry.saturating_add(1), known),
        (None, _) => (1, known),
    };
    let mut found = CertificatePage::default();
    if last < first {
        return Ok(found);
    }
    for (examined, entry) in candidates(&rows, &lists, filter, first..=last, order)?.enumerate() {
        let entry = entry?;
        if examined == CANDIDATES_PER_PAGE_MAX || found.certificates.len() == limit {
            return Ok(found);
        }
        if holds(&late, slice, entry)?
            && let Some(row) = rows.get(entry)?
        {
            let (id, kind, organisation, holder) = row.value();
            if filter.accepts(kind, organisation, holder) {
                found.certificates.push((CertificateId(id.into()), CertificateCursor(entry)));
            }
        }
        // Kept only if something may follow.
        found.next = Some(CertificateCursor(entry));
    }
    found.next = None;
    Ok(found)
}

fn candidates(
    rows: &ReadOnlyTable<u64, (u128, &'static str, &'static str, &'static str)>,
    lists: &ReadOnlyTable<(u8, &'static str, u64), ()>,
    filter: &CertificateFilter,
    span: RangeInclusive<u64>,
    order: Order,
) -> Result<Candidates<'static>, redb::Error> {
    let mut wanted: Vec<(u8, String)> = Vec::new();
    match (&filter.holder, &filter.kind, &filter.organisations) {
        (Some(holder), _, _) => wanted.push((BY_HOLDER, holder.to_string())),
        (None, _, Some(few)) if few.len() <= ORGANISATIONS_LOOKED_UP_MAX => {
            wanted.extend(few.iter().map(|organisation| (BY_ORGANISATION, organisation.to_string())));
        }
        (None, Some(kind), _) => wanted.push((BY_KIND, kind.to_string())),
        (None, None, _) => {
            let all = rows.range(span)?.map(|row| row.map(|(entry, _)| entry.value()));
            return Ok(match order {
                Order::Newest => Box::new(all.rev()),
                Order::Oldest => Box::new(all),
            });
        }
    }
    let mut each: Vec<Candidates<'static>> = Vec::with_capacity(wanted.len());
    for (attribute, value) in &wanted {
        let range = (*attribute, value.as_str(), *span.start())..=(*attribute, value.as_str(), *span.end());
        let entries = lists.range(range)?.map(|row| row.map(|(key, _)| key.value().2));
        each.push(match order {
            Order::Newest => Box::new(entries.rev()),
            Order::Oldest => Box::new(entries),
        });
    }
    Ok(merged(each, order))
}

impl CertificateFilter {
    fn accepts(&self, kind: &str, organisation: &str, holder: &str) -> bool {
        self.holder.as_ref().is_none_or(|wanted| wanted.as_str() == holder)
            && self.kind.as_ref().is_none_or(|wanted| wanted.as_str() == kind)
            && self
                .organisations
                .as_ref()
                .is_none_or(|wanted| wanted.iter().any(|wanted| wanted.as_str() == organisation))
    }
}
