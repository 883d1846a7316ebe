//! The story of one case, for people: who did what, when, where, in whose name, with what papers, and what it did to
//! the clocks. A fold over one stream; texts about people stay sealed until the reader's rights are known.

mod body;
mod labels;

pub use labels::label;

use crate::projection::Projection;
use chrono::NaiveDate;
use domain::actor::{Channel, Role};
use domain::event::Event;
use domain::event::case::{Anomaly, MaterialPresented};
use domain::fact::{Fact, Subject};
use domain::ids::{CaseId, EventId, ExternalNumber, OrganisationId, PaperId, StaffId, SubjectId, WindowId};
use domain::sealed::Sealed;
use domain::zone::{Instant, day_of};
use serde::{Deserialize, Serialize};

/// The story of one case.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Timeline {
    /// Which case; absent before its first fact.
    pub case: Option<CaseId>,
    /// The version of its stream.
    pub version: u64,
    /// What happened, in the order of recording.
    pub entries: Vec<TimelineEntry>,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TimelineEntry {
    /// Its place in the stream.
    pub version: u64,
    /// Its place in the log.
    pub position: u64,
    /// The event's id, by which a correction names it.
    pub event: EventId,
    /// The event's wire name.
    pub kind: String,
    /// What happened, in Chinese; of a legacy activity, its own name.
    pub label_zh: String,
    /// What happened, in English; of a legacy activity, its own name.
    pub label_en: String,
    /// When it happened.
    pub occurred_at: Instant,
    /// When it was recorded.
    pub recorded_at: Instant,
    /// Recorded on a later day than it happened (先办后录, or a fact that took effect before anybody noticed).
    pub recorded_late: bool,
    /// By how many natural days.
    pub recorded_days_later: i64,
    /// Who did it.
    pub actor: TimelineActor,
    /// In whose name it was decided, where that is another organisation's or its own.
    pub in_name_of: Option<OrganisationId>,
    /// Particulars, by name.
    pub details: Vec<Detail>,
    /// Materials that lay there.
    pub materials: Vec<MaterialPresented>,
    /// The stored paper that came in.
    pub paper: Option<PaperId>,
    /// Printed documents.
    pub documents: Vec<TimelineDocument>,
    /// What it did to the clocks.
    pub clock: Option<ClockEffect>,
    /// What to look at.
    pub anomalies: Vec<Anomaly>,
    /// Texts about people, sealed.
    pub sealed: Vec<SealedText>,
    /// The version of the correction that says what should have been recorded.
    pub corrected_by: Option<u64>,
}

/// Who acted, where, and for whom.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TimelineActor {
    /// The person or process.
    pub id: StaffId,
    /// In which role.
    pub role: Role,
    /// For which organisation.
    pub organisation: OrganisationId,
    /// At which window.
    pub window: Option<WindowId>,
    /// On whose behalf.
    pub acting_for: Option<SubjectId>,
    /// Through which channel.
    pub channel: Channel,
}

/// A particular.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detail {
    /// Its name, as in the event.
    pub name: String,
    /// What it says.
    pub value: String,
}

/// A printed document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimelineDocument {
    /// Its name: 收件凭证, 受理通知书 …
    pub name_zh: String,
    /// Its number.
    pub number: ExternalNumber,
    /// SHA-256 of its bytes, where they are kept.
    pub sha256: Option<String>,
}

/// A text about people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedText {
    /// Its name, as in the event.
    pub name: String,
    /// The text, sealed.
    pub text: Sealed,
}

/// What something did to the clocks, and when they end since.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockEffect {
    /// What it did.
    pub effect: ClockChange,
    /// The last day of the notice window, where it is about that.
    pub notice_by: Option<NaiveDate>,
    /// The last day under the promise.
    pub promised_by: Option<NaiveDate>,
    /// The last day under the law.
    pub statutory_by: Option<NaiveDate>,
}

/// What can be done to clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClockChange {
    /// The notice window runs.
    NoticeWindowStarted,
    /// The notice window was kept.
    NoticeWindowEnded,
    /// Both clocks run.
    Started,
    /// Both clocks never ran.
    Reversed,
    /// The promised clock stands still.
    PromisePaused,
    /// The legal clock stands still.
    LegalPaused,
    /// Both clocks stand still.
    Paused,
    /// What stood still runs again.
    Resumed,
    /// There is more time.
    Extended,
    /// The dates were counted anew.
    Recounted,
    /// The legal clock stopped.
    LegalStopped,
    /// Every clock of handling stopped.
    Ended,
    /// The clock of delivery stopped.
    Delivered,
}

impl Projection for Timeline {
    const NAME: &'static str = "timeline";
    const REVISION: u32 = 3;

    fn apply(&mut self, fact: &Fact) {
        let (Event::Case(event), Subject::Case(case)) = (&fact.event, &fact.subject) else { return };
        if *self.case.get_or_insert(*case) != *case {
            return;
        }
        self.version = fact.version;
        let mut entry = TimelineEntry::new(fact, label(event));
        entry.tell(event);
        // The hash of what was printed stands beside its number.
        if let Some((number, printed)) = event.document().and_then(|issued| Some((issued.number, issued.printed?)))
            && let Some(document) = entry.documents.iter_mut().find(|document| document.number == *number)
        {
            document.sha256 = Some(printed.sha256.clone());
        }
        if let Some(corrected) = body::corrects(event)
            && let Some(wrong) = self.entries.iter_mut().find(|entry| entry.event == corrected)
        {
            wrong.corrected_by = Some(fact.version);
        }
        self.entries.push(entry);
    }
}

impl TimelineEntry {
    fn new(fact: &Fact, (label_zh, label_en): (&str, &str)) -> Self {
        let later = day_of(fact.recorded_at).signed_duration_since(day_of(fact.occurred_at)).num_days();
        Self {
            version: fact.version,
            position: fact.position,
            event: fact.id,
            kind: fact.event.schema().name.to_owned(),
            label_zh: label_zh.to_owned(),
            label_en: label_en.to_owned(),
            occurred_at: fact.occurred_at,
            recorded_at: fact.recorded_at,
            recorded_late: 0 < later,
            recorded_days_later: later.max(0),
            actor: TimelineActor {
                id: fact.by.id.clone(),
                role: fact.by.role,
                organisation: fact.by.organisation.clone(),
                window: fact.by.window.clone(),
                acting_for: fact.by.acting_for.clone(),
                channel: fact.by.channel,
            },
            in_name_of: None,
            details: Vec::new(),
            materials: Vec::new(),
            paper: None,
            documents: Vec::new(),
            clock: None,
            anomalies: Vec::new(),
            sealed: Vec::new(),
            corrected_by: None,
        }
    }
}

#[cfg(test)]
mod tests;
