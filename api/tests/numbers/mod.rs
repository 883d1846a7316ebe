//! A stream that gives numbers: the least that many at once can fight over.

use api::clock::Clock;
use api::config::{Config, Secret};
use api::execute::{Asked, Begun, Done, ExecuteError, Stream};
use api::node::{Node, system_actor};
use api::vault::Vault;
use domain::decider::{Context, Decider};
use domain::event::access::ExportMade;
use domain::event::{AccessEvent, Event};
use domain::fact::{Fact, Subject};
use domain::ids::CommandId;
use domain::reference::Reference;
use eventstore::{CommandDigest, EventStore};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// 取号: every call gives the next number, up to a last one.
#[derive(Debug, Clone, Default)]
pub struct Numbers(u64);

/// One call.
#[derive(Debug, Clone, Copy)]
pub struct Take {
    last: u64,
}

/// The last number is out.
#[derive(Debug, PartialEq, Eq)]
pub struct AllTaken;

impl Decider for Numbers {
    type Command = Take;
    type Event = AccessEvent;
    type Rejection = AllTaken;

    fn decide(&self, Take { last }: &Take, _: &Context<'_>) -> Result<Vec<AccessEvent>, AllTaken> {
        if *last <= self.0 {
            return Err(AllTaken);
        }
        let (what, filters, purpose) = ("number".into(), String::new(), "test".into());
        Ok(vec![ExportMade { what, filters, purpose, records: self.0 + 1 }.into()])
    }

    fn evolve(&mut self, _: &AccessEvent) {
        self.0 += 1;
    }
}

impl Stream for Numbers {
    fn take_in(&mut self, fact: &Fact) {
        if let Event::Access(event) = &fact.event {
            self.evolve(event);
        }
    }

    fn labels(&self, _: &Subject, _: &Reference) -> Vec<String> {
        Vec::new()
    }
}

fn stream() -> Subject {
    Subject::Access("361023100".parse().unwrap())
}

/// A hall whose clerks call at once.
pub struct Hall {
    node: Node,
    _folder: tempfile::TempDir,
    commands: AtomicU64,
}

/// What came of one call.
pub type Taken = Result<Done, ExecuteError<AllTaken>>;

impl Hall {
    /// A hall over a log.
    pub async fn over(store: Arc<dyn EventStore>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config { data: folder.path().to_owned(), ..Config::default() };
        config.auth.jwt_secret = Some(Secret::new("a secret for tests, of thirty-two bytes and more"));
        let clock = Arc::new(Clock::simulated("2026-03-02T10:00:00+08:00".parse().unwrap(), 1));
        let vault = Arc::new(Vault::in_memory(Some([3; 32])).unwrap());
        let node = Node::over(config, clock, store, vault).await.unwrap();
        Self { node, _folder: folder, commands: AtomicU64::new(1) }
    }

    /// Takes the next number.
    pub fn take(&self, last: u64) -> BoxFuture<'_, Taken> {
        self.take_if(last, None)
    }

    /// Takes the next number, insisting on a version.
    pub fn take_if(&self, last: u64, if_match: Option<u64>) -> BoxFuture<'_, Taken> {
        let nth = self.commands.fetch_add(1, Ordering::Relaxed);
        let command = CommandId(ulid::Ulid::from_parts(1, nth.into()));
        let digest = CommandDigest([7; 16]);
        async move {
            let Begun::Fresh(under_way) = self.node.executor.begin(command, digest).await? else { panic!("repeated") };
            let asked = Asked { command, digest, actor: system_actor(), if_match, late: None };
            self.node.executor.execute::<Numbers>(&under_way, &asked, &stream(), &Take { last }, &[]).await
        }
        .boxed()
    }
}

/// Returns the number that was taken.
#[track_caller]
pub fn number(taken: &Taken) -> u64 {
    match &taken.as_ref().unwrap().facts[0].event {
        Event::Access(AccessEvent::ExportMade(made)) => made.records,
        other => panic!("{other:?}"),
    }
}
