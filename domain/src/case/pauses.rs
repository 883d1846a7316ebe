//! T17 to T19 and the calendar: what stops a clock, and what gives it more time.

use super::Rejection;
use super::decide::Decided;
use super::desk::Desk;
use super::review::next_number;
use super::state::{Procedure, ProcedureState};
use crate::clock::{Clocks, Counting, Deadline, Freeze, Limit};
use crate::event::case::*;
use crate::event::item::SpecialProcedureRule;
use crate::sealed::Sealed;

impl Desk<'_> {
    fn procedure_rule(&self, kind: &str) -> Option<&SpecialProcedureRule> {
        self.rules.special_procedures.iter().find(|rule| rule.name_zh == kind || rule.name_en == kind)
    }

    /// T17, first act.
    pub(super) fn request_procedure(
        &self,
        kind: &str,
        reason: &Sealed,
        limit: Option<Limit>,
        notice: Option<&DocumentRef>,
    ) -> Decided {
        let rule = self.procedure_rule(kind);
        let kind = rule.map_or(kind, |rule| rule.name_zh.as_str());
        let limit = limit.or(rule.map(|rule| rule.limit)).ok_or(Rejection::ProcedureLimitMissing)?;
        let too_long = |rule: &SpecialProcedureRule| rule.limit.unit == limit.unit && rule.limit.days < limit.days;
        if rule.is_some_and(too_long) {
            return Err(Rejection::ProcedureLimitTooLong);
        }
        let waits_or_runs = |procedure: &Procedure| {
            procedure.kind == kind && matches!(procedure.state, ProcedureState::Requested | ProcedureState::Open)
        };
        if self.case.procedures.values().any(waits_or_runs) {
            return Err(Rejection::ProcedureAlreadyRequested);
        }
        Ok(vec![
            SpecialProcedureRequested {
                procedure: next_number(self.case.procedures.keys()),
                kind: kind.to_owned(),
                reason: reason.clone(),
                limit,
                from: self.day,
                notice: notice.cloned(),
            }
            .into(),
        ])
    }

    /// The request that waits, if this person may answer it.
    fn requested_procedure(&self, number: u16) -> Result<&Procedure, Rejection> {
        let procedure = self.case.procedures.get(&number).ok_or(Rejection::NoSuchProcedure)?;
        if procedure.state != ProcedureState::Requested {
            return Err(Rejection::ProcedureNotRequested);
        }
        self.second_person(procedure.requested_by.as_ref())?;
        Ok(procedure)
    }

    /// T17, second act: begins on the day of approval, and stops what the item version says it stops.
    pub(super) fn approve_procedure(&self, number: u16) -> Decided {
        let requested = self.requested_procedure(number)?;
        let rule = self.procedure_rule(&requested.kind);
        let limit = requested.limit.ok_or(Rejection::ProcedureLimitMissing)?;
        let stops_promised = rule.is_some_and(|rule| rule.stops_promised);
        let stops_legal = rule.is_some_and(|rule| rule.stops_legal);
        let basis = rule.and_then(|rule| rule.basis.clone());
        let without_basis = rule.is_none() || (stops_legal && basis.is_none());
        let anomalies = [
            self.is_late_pause(stops_promised, stops_legal).then_some(Anomaly::LatePause),
            without_basis.then_some(Anomaly::PauseWithoutBasis),
            requested.notice.is_none().then_some(Anomaly::PauseWithoutNotice),
        ];
        Ok(vec![
            SpecialProcedureOpened {
                procedure: number,
                kind: requested.kind.clone(),
                from: self.day,
                due: self.due_in(limit),
                stops_promised,
                stops_legal,
                basis,
                notice: requested.notice.clone(),
                anomalies: anomalies.into_iter().flatten().collect(),
                printed: None,
            }
            .into(),
        ])
    }

    /// Opened on the last days of a clock that it stops.
    fn is_late_pause(&self, stops_promised: bool, stops_legal: bool) -> bool {
        let stopped = |clocks: &Clocks| -> Vec<Deadline> {
            let promised = clocks.promised.clone().filter(|_| stops_promised);
            let legal = clocks.legal.clone().filter(|_| stops_legal);
            promised.into_iter().chain(legal).collect()
        };
        self.is_close(self.counting.policy.rules.late_pause_days, stopped)
    }

    /// T17, second act: not approved.
    pub(super) fn reject_procedure(&self, number: u16, reason: &Sealed) -> Decided {
        self.requested_procedure(number)?;
        Ok(vec![SpecialProcedureRejected { procedure: number, reason: reason.clone() }.into()])
    }

    /// T18 特别程序结束: its days are left out of the clocks that it stopped.
    pub(super) fn close_procedure(&self, number: u16, result: &Sealed) -> Decided {
        let procedure = self.case.procedures.get(&number).ok_or(Rejection::NoSuchProcedure)?;
        if procedure.state != ProcedureState::Open {
            return Err(Rejection::ProcedureNotOpen);
        }
        let from = procedure.from.unwrap_or(self.day);
        let freeze = Freeze { from, to: self.day.max(from) };
        let frozen = |deadline: &Option<Deadline>, stops: bool| {
            let deadline = deadline.as_ref()?;
            if !stops {
                return Some(deadline.clone());
            }
            let freezes: Vec<Freeze> = deadline.freezes.iter().copied().chain([freeze]).collect();
            Some(self.counting.deadline(deadline.start, deadline.limit, &freezes))
        };
        let clocks = Clocks {
            promised: frozen(&self.case.clocks.promised, procedure.stops_promised),
            legal: frozen(&self.case.clocks.legal, procedure.stops_legal),
        };
        let over_limit = procedure.due.as_ref().is_some_and(|due| due.is_over(self.day));
        let anomalies = Vec::from_iter(over_limit.then_some(Anomaly::PauseOverLimit));
        let (result, to) = (result.clone(), freeze.to);
        let before = from.pred_opt().unwrap_or(from);
        let stops = procedure.stops_promised || procedure.stops_legal;
        let hidden_days = stops.then(|| self.counting.frozen_days(before, to, &[freeze]));
        Ok(vec![SpecialProcedureClosed { procedure: number, to, hidden_days, result, clocks, anomalies }.into()])
    }

    /// T19, first act.
    pub(super) fn request_extension(&self, days: u16, reason: &Sealed) -> Decided {
        let days_max = self.rules.extension_days_max.ok_or(Rejection::ExtensionNotAllowed)?;
        if !(1..=days_max).contains(&days) {
            return Err(Rejection::ExtensionTooLong(days_max));
        }
        Ok(vec![ExtensionRequested { days, reason: reason.clone() }.into()])
    }

    /// T19, second act 延期: adds to the limit, freezes nothing.
    pub(super) fn approve_extension(&self, notice: &DocumentRef) -> Decided {
        let request = self.case.extension_request.as_ref().ok_or(Rejection::ExtensionNotRequested)?;
        let longer = |deadline: &Deadline| {
            let limit = Limit { days: deadline.limit.days.saturating_add(request.days), unit: deadline.limit.unit };
            self.counting.deadline(deadline.start, limit, &deadline.freezes)
        };
        let clocks = &self.case.clocks;
        let promised = match self.counting.policy.rules.extension_moves_promise {
            true => clocks.promised.as_ref().map(longer),
            false => clocks.promised.clone(),
        };
        let clocks = Clocks { promised, legal: clocks.legal.as_ref().map(longer) };
        Ok(vec![DeadlineExtended { days: request.days, notice: notice.clone(), clocks, printed: None }.into()])
    }

    /// T19, second act: not approved.
    pub(super) fn reject_extension(&self, reason: &Sealed) -> Decided {
        Ok(vec![ExtensionRejected { reason: reason.clone() }.into()])
    }

    /// A calendar was published or amended: the same limits under the same rules, counted with the new days.
    pub(super) fn recompute_deadlines(&self) -> Decided {
        let old = self.case.clocks.clone();
        let running = self.case.running_clocks();
        // What has stopped keeps the date by which it was judged.
        let new = Clocks {
            promised: running.promised.map(|deadline| self.recounted(&deadline)).or(old.promised.clone()),
            legal: running.legal.map(|deadline| self.recounted(&deadline)).or(old.legal.clone()),
        };
        let moved = |old: &Option<Deadline>, new: &Option<Deadline>| {
            let told = |deadline: &Deadline| (deadline.date, deadline.yellow_from, deadline.provisional);
            old.as_ref().map(told) != new.as_ref().map(told)
        };
        if !moved(&old.promised, &new.promised) && !moved(&old.legal, &new.legal) {
            return Ok(Vec::new());
        }
        Ok(vec![DeadlineRecomputed { old, new, calendar: self.reference.calendar.version() }.into()])
    }

    fn recounted(&self, deadline: &Deadline) -> Deadline {
        let policy = self.reference.policies.version(deadline.policy).unwrap_or(self.counting.policy);
        Counting { policy, ..self.counting }.recount(deadline)
    }
}
