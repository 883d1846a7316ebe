//! Where the events of a map come from: the whole log, or the streams of some cases.

use super::ProcessMap;
use crate::codec;
use crate::history::{History, HistoryError};
use crate::moment::Slice;
use domain::fact::Subject;
use domain::ids::CaseId;
use eventstore::{PAGE_EVENTS_MAX, Page, Position, RecordedEvent};
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
    let mut page = Page::default();
    while !page.end && page.through < through {
        // The next page is on its way while this one is gathered.
        let next = history.raw_page(page.through, PAGE_EVENTS_MAX);
        let (next, gathered) = tokio::join!(next, async { add_page(&page, through, maps) });
        gathered?;
        progress(page.through);
        page = next?;
    }
    add_page(&page, through, maps)
}

fn add_page(page: &Page, through: Position, maps: &mut [ProcessMap]) -> Result<(), HistoryError> {
    for event in page.events.iter().take_while(|event| event.position <= through) {
        maps.iter_mut().try_for_each(|map| observe(map, event))?;
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
