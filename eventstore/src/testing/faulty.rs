//! A store that fails when told to.

use crate::{
    Answer, AppendError, Appended, CommandId, EventLog, EventStore, Frame, Head, Page, Position, ReadError, Selection,
};
use async_trait::async_trait;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

/// What goes wrong with one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing: the call goes through.
    None,
    /// An append fails and says so.
    NotWritten,
    /// An append fails without anybody knowing.
    UnknownBefore,
    /// An append succeeds without anybody knowing.
    UnknownAfter,
    /// A read, or any other question, finds the store unavailable.
    Unavailable,
}

/// Decorates a store with failures planned ahead.
#[derive(Debug)]
pub struct Faulty<S> {
    store: S,
    appends: Mutex<VecDeque<Fault>>,
    reads: Mutex<VecDeque<Fault>>,
}

impl<S> Faulty<S> {
    /// Decorates a store; without a plan nothing goes wrong.
    pub fn new(store: S) -> Self {
        Self { store, appends: Mutex::default(), reads: Mutex::default() }
    }

    /// Plans what becomes of the next appends, one fault each.
    pub fn plan_appends(&self, faults: impl IntoIterator<Item = Fault>) {
        self.appends.lock().unwrap_or_else(PoisonError::into_inner).extend(faults);
    }

    /// Plans what becomes of the next reads and questions, one fault each.
    pub fn plan_reads(&self, faults: impl IntoIterator<Item = Fault>) {
        self.reads.lock().unwrap_or_else(PoisonError::into_inner).extend(faults);
    }

    /// Returns the store itself.
    pub fn store(&self) -> &S {
        &self.store
    }

    fn check_read(&self) -> Result<(), ReadError> {
        match next(&self.reads) {
            Fault::Unavailable => Err(ReadError::Unavailable { source: "as planned".into() }),
            Fault::None | Fault::NotWritten | Fault::UnknownBefore | Fault::UnknownAfter => Ok(()),
        }
    }
}

fn next(plan: &Mutex<VecDeque<Fault>>) -> Fault {
    plan.lock().unwrap_or_else(PoisonError::into_inner).pop_front().unwrap_or(Fault::None)
}

#[async_trait]
impl<S: EventStore> EventStore for Faulty<S> {
    async fn append(&self, frame: Frame) -> Result<Appended, AppendError> {
        match next(&self.appends) {
            Fault::None => self.store.append(frame).await,
            Fault::NotWritten | Fault::Unavailable => Err(AppendError::NotWritten { source: "as planned".into() }),
            Fault::UnknownBefore => Err(AppendError::Unknown { source: "as planned".into() }),
            Fault::UnknownAfter => {
                self.store.append(frame).await?;
                Err(AppendError::Unknown { source: "as planned".into() })
            }
        }
    }

    async fn answer(&self, command: CommandId) -> Result<Option<Answer>, ReadError> {
        self.check_read()?;
        self.store.answer(command).await
    }
}

#[async_trait]
impl<S: EventStore> EventLog for Faulty<S> {
    async fn read(&self, selection: &Selection, after: Position, limit: usize) -> Result<Page, ReadError> {
        self.check_read()?;
        self.store.read(selection, after, limit).await
    }

    async fn head(&self) -> Result<Head, ReadError> {
        self.check_read()?;
        self.store.head().await
    }

    async fn grown_past(&self, position: Position) -> Result<Position, ReadError> {
        self.check_read()?;
        self.store.grown_past(position).await
    }
}
