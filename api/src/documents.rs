//! 电子文书: printed in the same frame as the act that issues them, and printed again, byte for byte, whenever asked.
//!
//! Nothing of a document is stored but its number, its hash and what the bytes follow from: the template's version, the
//! case up to the act, the reference data up to a position, and what was sealed about the people in it. So the log stays
//! small, and erasing a person erases their documents too; the hash still stands.

mod facts;
mod press;
mod samples;

pub use facts::{Act, Facts, facts};
pub use press::{Press, PressError, flaw_of_template};

use crate::vault::{VaultError, hex};
use domain::case::Case;
use domain::document::DocumentKind;
use domain::event::CaseEvent;
use domain::event::case::Printed;
use domain::template::TemplateVersion;
use sha2::{Digest as _, Sha256};

/// Why a document cannot be printed.
#[derive(Debug, thiserror::Error)]
pub enum PrintError {
    /// Somebody's key is not there, or the key store does not answer.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The template does not take the facts.
    #[error("the template of a {0} does not print")]
    Template(DocumentKind, #[source] PressError),
    /// The case does not say what the document is about.
    #[error("the case does not hold what a {0} is about")]
    Facts(DocumentKind),
}

impl PrintError {
    /// Returns whether somebody in it was erased: their key is gone, or a later one took its place.
    #[must_use]
    pub fn is_loss(&self) -> bool {
        matches!(self, Self::Vault(VaultError::Erased | VaultError::Broken))
    }
}

/// Prints documents, and prints them again.
#[derive(Default)]
pub struct Printing(Press);

impl Printing {
    /// Prints the document that an event issues, where it issues one that is not made elsewhere, and notes in the event
    /// what the bytes follow from. `case` is as it stood before the event.
    ///
    /// Without a template in force, or without the key of a person in it, the number stands alone.
    ///
    /// # Errors
    /// The template does not print, or the vault does not answer.
    pub fn print(&self, case: &Case, event: &mut CaseEvent, act: &Act<'_>) -> Result<(), PrintError> {
        let Some(issued) = event.document().filter(|issued| issued.made_elsewhere.is_none()) else { return Ok(()) };
        let Some(template) = act.reference.templates.at(issued.kind, act.printed_on) else { return Ok(()) };
        let bytes = match self.bytes(case, event, act, template) {
            Ok(bytes) => bytes,
            Err(error) if error.is_loss() => return Ok(()),
            Err(error) => return Err(error),
        };
        let (template, reference) = (template.version, act.reference_position);
        event.print(Printed { template, reference, sha256: sha256(&bytes) });
        Ok(())
    }

    /// Returns the bytes of the document that an event issues, by this version of its template.
    ///
    /// # Errors
    /// As [`print`](Self::print); also, the key of a person in it is not there.
    pub fn bytes(
        &self,
        case: &Case,
        event: &CaseEvent,
        act: &Act<'_>,
        template: &TemplateVersion,
    ) -> Result<String, PrintError> {
        let facts = facts(case, event, act)?;
        let kind = facts.kind;
        self.0.print(kind, template, &facts).map_err(|error| PrintError::Template(kind, error))
    }
}

/// Returns the hash of a document's bytes, as the log keeps it.
#[must_use]
pub fn sha256(bytes: &str) -> String {
    hex(&Sha256::digest(bytes.as_bytes()))
}
