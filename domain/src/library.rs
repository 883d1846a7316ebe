//! 证照库: how far a library of the city was read, so that reading goes on behind it and nothing is read for nothing.

use crate::decider::{Context, Decider};
use crate::event::LibraryEvent;
use crate::event::certificate::LibraryRead;
use serde::{Deserialize, Serialize};
use std::convert::Infallible;

/// One library's stream.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Library {
    /// Where reading goes on, in the library's own words; absent at its beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Certificates that were new here, ever.
    pub added: u64,
    /// Changes to them, ever.
    pub changed: u64,
    /// Rows refused, ever.
    pub rejected: u64,
}

/// What may be asked of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LibraryCommand {
    /// Note what was read.
    Note(LibraryRead),
}

impl Decider for Library {
    type Command = LibraryCommand;
    type Event = LibraryEvent;
    type Rejection = Infallible;

    fn decide(&self, command: &LibraryCommand, _: &Context<'_>) -> Result<Vec<LibraryEvent>, Infallible> {
        let LibraryCommand::Note(read) = command;
        let moved = read.cursor.is_some() && read.cursor != self.cursor;
        let told = 0 < read.added + read.changed;
        Ok(if moved || told { vec![read.clone().into()] } else { Vec::new() })
    }

    fn evolve(&mut self, event: &LibraryEvent) {
        match event {
            LibraryEvent::LibraryRead(read) => {
                if read.cursor.is_some() {
                    self.cursor.clone_from(&read.cursor);
                }
                self.added += read.added;
                self.changed += read.changed;
                self.rejected += read.rejected;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actor::Role;
    use crate::event::certificate::LibraryReading;
    use crate::testing::{REFERENCE, actor, at, context};

    fn read(cursor: Option<&str>, added: u64) -> LibraryRead {
        let cursor = cursor.map(str::to_owned);
        LibraryRead { reading: LibraryReading::Pulled, cursor, added, changed: 0, unchanged: 3, rejected: 1 }
    }

    #[test]
    fn what_brings_nothing_new_is_not_noted() {
        let admin = actor("A1", Role::Admin);
        let now = context(at("2026-03-02", "09:00:00"), &admin, &REFERENCE);
        let mut library = Library::default();
        let noted = library.decide(&LibraryCommand::Note(read(Some("c-1"), 2)), &now).unwrap();
        assert_eq!(noted, [read(Some("c-1"), 2).into()]);
        noted.iter().for_each(|event| library.evolve(event));
        assert_eq!(library.decide(&LibraryCommand::Note(read(Some("c-1"), 0)), &now), Ok(Vec::new()));
        assert_eq!(library.decide(&LibraryCommand::Note(read(None, 0)), &now), Ok(Vec::new()));
        assert_eq!((library.cursor.as_deref(), library.added, library.rejected), (Some("c-1"), 2, 1));
    }
}
