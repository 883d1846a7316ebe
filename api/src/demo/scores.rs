//! 标杆大厅: at the end of the simulated months halls are inspected and scored, and each county chooses three of them.

use super::DemoError;
use super::acts;
use super::dice::Dice;
use super::engine::Engine;
use crate::figures::Drawing;
use crate::labels;
use crate::vault::Keyring;
use chrono::{Days, NaiveDate};
use domain::actor::{Actor, Role};
use domain::campaign::{Campaign, CampaignCommand};
use domain::checklist::{Checklist, ChecklistCommand};
use domain::decider::{Context, Decider};
use domain::event::Event;
use domain::event::checklist::{ChecklistPublished, Part, Source};
use domain::event::inspection::{InspectionPhotoTaken, InspectionScored};
use domain::event::organisation::OrganisationKind;
use domain::fact::Subject;
use domain::ids::{ChecklistId, InspectionId, OrganisationId, PaperId, SubjectId};
use domain::inspection::{Inspection, InspectionCommand};
use domain::month::Month;
use domain::zone::day_of;
use eventstore::Position;
use projections::scope::Period;
use replay::views::Views;
use ulid::Ulid;

/// The checklist by which the halls are scored; its weights are illustrative.
const CARD: &str = include_str!("../../assets/model-hall.json");
/// Halls inspected in each county, and how many of them it may choose.
const INSPECTED_PER_COUNTY: usize = 4;
const CHOSEN_PER_COUNTY: u16 = 3;
/// The campaign begins so many days before the last day, and lasts so many more.
const CAMPAIGN_DAYS: (u64, u64) = (20, 40);
/// Facts folded at a time.
const PAGE_EVENTS_MAX: usize = 4096;

/// An inspection under way.
struct Visit<'a> {
    inspector: &'a Actor,
    subject: Subject,
    keeper: SubjectId,
    keys: Keyring,
    dice: Dice,
    state: Inspection,
    labels: Vec<String>,
}

impl Engine<'_> {
    /// Inspects halls and lets every county choose.
    pub(super) async fn inspect_halls(&mut self) -> Result<(), DemoError> {
        self.settle().await?;
        let views = self.folded().await?;
        let inspector = acts::post(&self.city()?, Role::Supervisor, 1, None)?;
        let checklist = self.publish_checklist(&inspector).await?;
        let mut campaign = Campaign::default();
        let year = day_of(self.until).format("%Y").to_string();
        let subject = Subject::Campaign(format!("model-halls-{year}").parse()?);
        let open = self.campaign(&year, &checklist.checklist)?;
        self.decided(&mut campaign, &open, &subject, &inspector, vec![labels::PUBLIC.to_owned()]).await?;
        for (county, halls) in self.halls_by_county() {
            let mut scores = Vec::new();
            for hall in halls {
                scores.extend(self.inspect(&hall, &checklist, &inspector, &views).await?);
            }
            scores.sort_by(|a, b| b.hundredths.cmp(&a.hundredths).then_with(|| a.hall.cmp(&b.hall)));
            let chooser = acts::post(&county, Role::Supervisor, 1, None)?;
            for scored in scores.into_iter().take(usize::from(CHOSEN_PER_COUNTY)) {
                let choose = CampaignCommand::Choose { inspection: scored.inspection, scored: Some(Box::new(scored)) };
                self.decided(&mut campaign, &choose, &subject, &chooser, vec![labels::PUBLIC.to_owned()]).await?;
            }
        }
        Ok(())
    }

    /// Every view of what was simulated so far.
    async fn folded(&self) -> Result<Views, DemoError> {
        let mut views = Views::default();
        let mut after = Position::START;
        loop {
            let page = self.journal.history().page(after, PAGE_EVENTS_MAX).await?;
            views.fold(&page.facts);
            after = page.through;
            if page.end {
                return Ok(views);
            }
        }
    }

    fn city(&self) -> Result<OrganisationId, DemoError> {
        let city = self.reference.organisations.root();
        city.map(|city| city.id().clone()).ok_or_else(|| DemoError::Rule("there is no city".to_owned()))
    }

    async fn publish_checklist(&mut self, by: &Actor) -> Result<ChecklistPublished, DemoError> {
        let publish: ChecklistCommand =
            serde_json::from_str(CARD).map_err(|error| DemoError::Rule(error.to_string()))?;
        let ChecklistCommand::Publish { checklist, .. } = &publish;
        let subject = Subject::Checklist(checklist.clone());
        let mut state = Checklist::default();
        self.decided(&mut state, &publish, &subject, by, vec![labels::PUBLIC.to_owned()]).await?;
        let published = state.versions().last().cloned();
        published.ok_or_else(|| DemoError::Rule("the checklist was not published".to_owned()))
    }

    fn campaign(&self, year: &str, checklist: &ChecklistId) -> Result<CampaignCommand, DemoError> {
        let today = day_of(self.until);
        let (before, after) = CAMPAIGN_DAYS;
        Ok(CampaignCommand::Open {
            campaign: format!("model-halls-{year}").parse()?,
            name_zh: format!("{year}年度标杆大厅（示例）"),
            checklist: Some(checklist.clone()),
            halls_per_county: CHOSEN_PER_COUNTY,
            from: today - Days::new(before),
            through: today + Days::new(after),
        })
    }

    fn halls_by_county(&self) -> Vec<(OrganisationId, Vec<OrganisationId>)> {
        let organisations = &self.reference.organisations;
        let counties = organisations.iter().filter(|organisation| organisation.kind() == OrganisationKind::County);
        let townships = |county: &OrganisationId| {
            let children = organisations.children(county).filter_map(|id| organisations.get(id));
            let townships = children.filter(|child| child.kind() == OrganisationKind::Township);
            townships.map(|township| township.id().clone()).take(INSPECTED_PER_COUNTY).collect()
        };
        counties.map(|county| (county.id().clone(), townships(county.id()))).collect()
    }

    async fn inspect(
        &mut self,
        hall: &OrganisationId,
        checklist: &ChecklistPublished,
        inspector: &Actor,
        views: &Views,
    ) -> Result<Option<InspectionScored>, DemoError> {
        let mut dice =
            Dice::new(self.seed ^ 0x5c02e, hall.as_str().bytes().map(u64::from).fold(7, |sum, byte| sum * 31 + byte));
        let id = InspectionId(self.ulid(&mut dice));
        let keeper = self.sealing.keeper(&format!("inspection {id}"));
        let keys = self.sealing.keys([keeper.clone()]).await?;
        let labels = vec![labels::of_organisation(hall, &self.reference)];
        let (subject, state) = (Subject::Inspection(id), Inspection::default());
        let mut visit = Visit { inspector, subject, keeper, keys, dice, state, labels };
        let period = last_month(day_of(self.until));
        let open = InspectionCommand::Open {
            inspection: id,
            hall: hall.clone(),
            checklist: Some(Box::new(checklist.clone())),
            inspected_on: day_of(self.until),
            from: period.from,
            to: period.to,
        };
        self.go_on_inspecting(&mut visit, &open).await?;
        for part in &checklist.card.parts {
            if let Source::Inspected { photo } = part.source {
                self.look_at(&mut visit, part, photo).await?;
            }
        }
        let drawing = Drawing { hall: hall.clone(), period, asked_on: day_of(self.until) };
        let data = &views.reference.state;
        let mut measured = drawing.of_times(&views.processing_times.state, data);
        measured.extend(drawing.of_satisfaction(&views.satisfaction.state, data));
        measured.extend(drawing.of_staffing(&views.staffing.state, data));
        measured.extend(drawing.of_certificates(&views.certificate_free.state, data));
        measured.extend(drawing.of_supplements(&views.supplements.state, data));
        measured.extend(drawing.of_coverage(&views.coverage.state, data));
        let score = InspectionCommand::Score { position: views.position().0, measured };
        self.go_on_inspecting(&mut visit, &score).await?;
        Ok(visit.state.scored)
    }

    async fn look_at(&mut self, visit: &mut Visit<'_>, part: &Part, photo: bool) -> Result<(), DemoError> {
        let mut photos = Vec::new();
        if photo {
            let paper = PaperId(self.ulid(&mut visit.dice));
            let context = visit.subject.to_string();
            let (bytes, sha256) = self.sealing.photo(&visit.keys, &visit.keeper, &context, paper)?;
            let media_type = "image/png".to_owned();
            let taken = InspectionPhotoTaken { paper, part: part.part.clone(), sha256, bytes, media_type };
            self.go_on_inspecting(visit, &InspectionCommand::TakePhoto(taken)).await?;
            photos.push(paper);
        }
        // Most of what is looked at is in order; halves of a point are given.
        let lost = visit.dice.leaning(0, i64::from(part.points)) * 50;
        let hundredths = (u32::from(part.points) * 100).saturating_sub(u32::try_from(lost).unwrap_or(0));
        let (part, note) = (part.part.clone(), None);
        self.go_on_inspecting(visit, &InspectionCommand::Inspect { part, hundredths, photos, note }).await
    }

    async fn go_on_inspecting(&mut self, visit: &mut Visit<'_>, command: &InspectionCommand) -> Result<(), DemoError> {
        let (subject, labels) = (visit.subject.clone(), visit.labels.clone());
        self.decided(&mut visit.state, command, &subject, visit.inspector, labels).await
    }

    /// Decides at the last moment, evolves and appends; what the end of the history begins with breaks no rule.
    async fn decided<D>(
        &mut self,
        state: &mut D,
        command: &D::Command,
        subject: &Subject,
        actor: &Actor,
        labels: Vec<String>,
    ) -> Result<(), DemoError>
    where
        D: Decider<Event: Into<Event>, Rejection: std::fmt::Display>,
    {
        let at = self.until;
        let context = Context { now: at, occurred_at: at, actor, reference: &self.reference };
        let events = state.decide(command, &context).map_err(|rule| DemoError::Rule(rule.to_string()))?;
        events.iter().for_each(|event| state.evolve(event));
        let events = events.into_iter().map(Into::into).collect();
        self.append(subject.clone(), events, actor.clone(), at, at, labels).await
    }

    fn ulid(&self, dice: &mut Dice) -> Ulid {
        let millis = u64::try_from(self.until.timestamp_millis()).unwrap_or_default();
        Ulid::from_parts(millis, dice.bits() >> 48)
    }
}

/// The month before the one in which the day lies.
fn last_month(day: NaiveDate) -> Period {
    let to = Month::of(day).first_day();
    let from = to.pred_opt().map_or(to, |before| Month::of(before).first_day());
    Period { from, to }
}
