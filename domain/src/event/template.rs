//! The library of document templates, in versions. What was printed by one is printed by it for ever.

use crate::document::DocumentKind;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// A version of a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplatePublished {
    /// What it prints.
    pub kind: DocumentKind,
    /// Counts versions of this kind, from 1, without gaps.
    pub version: u32,
    /// The first day on which documents are printed by it.
    pub valid_from: NaiveDate,
    /// The day of publication.
    pub published_on: NaiveDate,
    /// HTML with places for facts.
    pub source: String,
}
