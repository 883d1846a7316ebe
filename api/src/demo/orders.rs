//! What becomes of a bad rating: assigned, verified, put right, answered, called back, some of it late.

use super::DemoError;
use super::acts::post;
use super::dice::Dice;
use super::script::After;
use super::sealing::Sealing;
use crate::vault::Keyring;
use domain::actor::{Actor, Role};
use domain::event::rating::{CallBackResult, Rectification, Verdict};
use domain::ids::{OrganisationId, RatingId, SubjectId};
use domain::rating::{OrderStep, Rating, RatingCommand};
use std::sync::Arc;

/// A rating whose order is under way.
pub(super) struct OrderUnderWay {
    pub(super) id: RatingId,
    pub(super) rating: Rating,
    pub(super) version: u64,
    pub(super) subject: SubjectId,
    pub(super) keys: Arc<Keyring>,
    pub(super) labels: Vec<String>,
    pub(super) dice: Dice,
}

impl OrderUnderWay {
    /// Returns how long until the next act, if the order still wants one.
    pub(super) fn after(&mut self) -> Option<After> {
        let slow = self.dice.chance(0.08);
        let days = match self.rating.order.as_ref()?.step() {
            OrderStep::Assign => self.dice.between(0, 1) + if slow { 2 } else { 0 },
            OrderStep::Verify => self.dice.between(1, 3),
            OrderStep::Rectify => self.dice.between(1, 12) + if slow { 8 } else { 0 },
            OrderStep::Reply => self.dice.between(0, 1),
            OrderStep::CallBack => self.dice.between(1, 4) + if slow { 3 } else { 0 },
            OrderStep::Review | OrderStep::Closed => return None,
        };
        Some(After::Days(days))
    }

    /// Returns who does what next; nothing once the order is done.
    pub(super) fn next(&mut self, sealing: &Sealing<'_>) -> Result<Option<(Actor, RatingCommand)>, DemoError> {
        let Some(order) = &self.rating.order else { return Ok(None) };
        let hall = order.service.organisation.clone();
        let county: OrganisationId = hall.as_str().chars().take(6).collect::<String>().parse()?;
        let words = |text: &str| sealing.text_in(&self.keys, &self.subject, &format!("rating-{}", self.id), text);
        let chief = post(&hall, Role::Chief, 1, None)?;
        let supervisor = post(&county, Role::Supervisor, 1, None)?;
        let next = match order.step() {
            OrderStep::Assign => (supervisor, RatingCommand::AssignOrder { organisation: hall, staff: chief.id }),
            OrderStep::Verify => {
                let verdict = [Verdict::True, Verdict::Mistaken, Verdict::Malicious, Verdict::OutOfScope]
                    [self.dice.weighted(&[0.86, 0.07, 0.02, 0.05])];
                (chief, RatingCommand::VerifyOrder { verdict, finding: words("已与当事人和窗口人员核实")? })
            }
            OrderStep::Rectify => {
                let how = [Rectification::AtOnce, Rectification::ByDate, Rectification::Explained]
                    [self.dice.weighted(&[0.5, 0.35, 0.15])];
                (chief, RatingCommand::RectifyOrder { how, measures: words("已培训窗口人员并更新告知单")? })
            }
            OrderStep::Reply => (chief, RatingCommand::ReplyOrder { reply: words("感谢您的意见,问题已整改")? }),
            OrderStep::CallBack => {
                let result = [
                    CallBackResult::Satisfied,
                    CallBackResult::Fair,
                    CallBackResult::Dissatisfied,
                    CallBackResult::NotReached,
                ][self.dice.weighted(&[0.6, 0.2, 0.05, 0.15])];
                (supervisor, RatingCommand::CallBack { result, notes: None })
            }
            OrderStep::Review | OrderStep::Closed => return Ok(None),
        };
        Ok(Some(next))
    }
}
