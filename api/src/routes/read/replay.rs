//! Replay: history played again, and two moments compared.

pub(crate) mod diff;
pub(crate) mod stream;

use crate::problem::{FieldError, Kind, Problem, Text};
use crate::views::Views;
use domain::zone::Instant;
use replay::history::HistoryError;

/// A moment at which there was something to see: not in the future, and not before the first event.
pub(crate) async fn within_history(views: &Views, name: &str, at: Instant, now: Instant) -> Result<Instant, Problem> {
    let pointer = format!("/{name}");
    if now < at {
        let detail = Text::new(format!("{name} 在将来"), format!("{name} lies in the future"));
        return Err(Problem::new(Kind::FutureMoment).errors(vec![FieldError::new(pointer, detail)]));
    }
    let began_at = views.history().began_at().await.map_err(HistoryError::from)?;
    if began_at.is_none_or(|began_at| at < began_at) {
        let shown = began_at.map(crate::answer::shown).unwrap_or_default();
        let detail = Text::new(
            format!("{name} 早于第一条记录（{shown}）"),
            format!("{name} lies before the first event, which was recorded at {shown}"),
        );
        return Err(Problem::new(Kind::InvalidParameter).errors(vec![FieldError::new(pointer, detail)]));
    }
    Ok(at)
}
