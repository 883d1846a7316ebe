//! Where the events of a map come from: the whole log, or the streams of some cases.

use super::ProcessMap;
use crate::codec;
use crate::history::{History, HistoryError};
use crate::moment::Slice;
use crate::pages::RawPages;
use domain::fact::Subject;
use domain::ids::CaseId;
use eventstore::{Position, RecordedEvent};
use futures::{StreamExt as _, stream};

/// How many streams are read at once.
const STREAMS_AT_ONCE: usize = 16;

/// Gathers maps out of the log up to a position, in one go.
///
/// # Errors
/// The log cannot be read, or holds something unknown.
pub async fn of_history(
    history: &History,
    through: Position,
    maps: &mut [ProcessMap],
    mut progress: impl FnMut(Position),
) -> Result<(), HistoryError> {
    let mut pages = RawPages::up_to(history, through);
    while let Some(page) = pages.next().await {
        let page = page?;
        for event in &page.events {
            maps.iter_mut().try_for_each(|map| observe(map, event))?;
        }
        progress(page.through);
    }
    Ok(())
}

fn observe(map: &mut ProcessMap, event: &RecordedEvent) -> Result<(), HistoryError> {
    map.observe(event).map_err(|source| HistoryError::Decode { position: event.position, source })
}

/// Gathers a map out of some cases' own streams, as far as they belong to a slice.
///
/// # Errors
/// The log cannot be read, or holds something unknown.
pub async fn of_cases(
    history: &History,
    cases: &[CaseId],
    slice: &Slice,
    map: &mut ProcessMap,
) -> Result<(), HistoryError> {
    let reads = cases.iter().map(|case| async move { history.raw_stream(&Subject::Case(*case)).await });
    let mut streams = stream::iter(reads).buffered(STREAMS_AT_ONCE);
    while let Some(events) = streams.next().await {
        for event in events? {
            let belongs = event.position <= slice.through
                || (slice.late.is_some() && {
                    let fact = codec::fact(&event);
                    let position = event.position;
                    slice.holds(&fact.map_err(|source| HistoryError::Decode { position, source })?)
                });
            if belongs {
                observe(map, &event)?;
            }
        }
    }
    Ok(())
}
