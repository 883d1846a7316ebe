//! Ids that follow from what they name.

use crate::format::{Attribute, ForeignEvent};
use domain::ids::{CaseId, CommandId, EventId, SourceName};
use eventstore::CommandDigest;
use sha2::{Digest, Sha256};
use ulid::Ulid;

/// Makes ids of what it is fed. Texts are fed with their lengths, so that no two sequences run into the same bytes.
pub(crate) struct Derived(Sha256);

impl Derived {
    /// Returns the id of a foreign case: the same for the same id at the same source, whatever the file.
    pub(crate) fn case(source: &SourceName, external_id: &str) -> CaseId {
        let mut hash = Self::of("case");
        hash.text(source.as_str());
        hash.text(external_id);
        CaseId(hash.ulid())
    }

    /// Returns what groups all imports of a source.
    pub(crate) fn correlation(source: &SourceName) -> Ulid {
        let mut hash = Self::of("source");
        hash.text(source.as_str());
        hash.ulid()
    }

    /// Returns the id of the event that opens a case.
    pub(crate) fn opening(case: CaseId) -> EventId {
        let mut hash = Self::of("opening");
        hash.number(case.0.into());
        EventId(hash.ulid())
    }

    /// Returns the id of an event: it follows from what the event says, not from where it stands, so that a later
    /// export with more events names the old ones alike.
    ///
    /// `trace` tells the traces of one case apart, `twin` the events of one trace that say the same.
    pub(crate) fn event(case: CaseId, trace: u32, event: &ForeignEvent, twin: u32) -> EventId {
        let mut hash = Self::of("event");
        hash.number(case.0.into());
        hash.number(trace.into());
        hash.number(twin.into());
        hash.number(u128::from(event.occurred_at.cast_unsigned()));
        hash.text(&event.activity);
        for optional in [&event.lifecycle, &event.resource, &event.group, &event.role] {
            match optional {
                Some(text) => hash.text(text),
                None => hash.number(u128::MAX),
            }
        }
        hash.attributes(&event.attributes);
        EventId(hash.ulid())
    }

    /// Returns the id and digest of a frame that holds these events.
    pub(crate) fn command(events: impl Iterator<Item = EventId>) -> (CommandId, CommandDigest) {
        let mut hash = Self::of("frame");
        events.for_each(|event| hash.number(event.0.into()));
        let (id, digest) = hash.halves();
        (CommandId(u128::from_be_bytes(id).into()), CommandDigest(digest))
    }

    fn of(what: &str) -> Self {
        let mut hash = Self(Sha256::new());
        hash.text("yichuang import 1");
        hash.text(what);
        hash
    }

    fn attributes(&mut self, attributes: &[Attribute]) {
        self.number(attributes.len() as u128);
        for attribute in attributes {
            self.text(&attribute.key);
            self.text(&attribute.value);
            self.attributes(&attribute.children);
        }
    }

    fn text(&mut self, text: &str) {
        self.0.update((text.len() as u64).to_be_bytes());
        self.0.update(text.as_bytes());
    }

    fn number(&mut self, number: u128) {
        self.0.update(number.to_be_bytes());
    }

    fn ulid(self) -> Ulid {
        u128::from_be_bytes(self.halves().0).into()
    }

    fn halves(self) -> ([u8; 16], [u8; 16]) {
        let whole: [u8; 32] = self.0.finalize().into();
        let (mut first, mut second) = ([0; 16], [0; 16]);
        first.copy_from_slice(&whole[..16]);
        second.copy_from_slice(&whole[16..]);
        (first, second)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(activity: &str) -> ForeignEvent {
        ForeignEvent {
            activity: activity.into(),
            occurred_at: 0,
            lifecycle: None,
            resource: None,
            group: None,
            role: None,
            attributes: Vec::new(),
        }
    }

    #[test]
    fn the_same_is_named_the_same_for_ever() {
        // Written down: were these to change, importing a file again would add it a second time.
        let case = Derived::case(&"receipt".parse().unwrap(), "case-10011");
        assert_eq!(case.to_string(), "413MD442P8H9H2QG7ZMYV61ANZ");
        let id = Derived::event(case, 0, &event("T02 Check confirmation of receipt"), 0);
        assert_eq!(id.to_string(), "2A003WC6X4HP23N7VMSR9XD3D9");
    }

    #[test]
    fn what_differs_in_anything_is_named_differently() {
        let case = Derived::case(&"a".parse().unwrap(), "1");
        assert_ne!(case, Derived::case(&"b".parse().unwrap(), "1"));
        assert_ne!(case, Derived::case(&"a".parse().unwrap(), "2"));
        let first = Derived::event(case, 0, &event("x"), 0);
        assert_ne!(first, Derived::event(case, 1, &event("x"), 0));
        assert_ne!(first, Derived::event(case, 0, &event("x"), 1));
        assert_ne!(first, Derived::event(case, 0, &event("y"), 0));
        let resource = ForeignEvent { resource: Some(String::new()), ..event("x") };
        assert_ne!(first, Derived::event(case, 0, &resource, 0));
        let group = ForeignEvent { group: Some(String::new()), ..event("x") };
        assert_ne!(Derived::event(case, 0, &resource, 0), Derived::event(case, 0, &group, 0));
    }
}
