//! The parts of one server, put together, served, and stopped in order.

use crate::auth::{SecretTooShort, Tickets, TokenVerifier};
use crate::clock::Clock;
use crate::config::{Config, Secret};
use crate::data_share::DataShare;
use crate::execute::Executor;
use crate::exports::Exports;
use crate::forms::Forms;
use crate::limits::{Limits, NoSuchRoute};
use crate::papers::Papers;
use crate::problem::{self, Kind, Problem};
use crate::reads::Reads;
use crate::reference::{Following, ReferenceNow};
use crate::routes;
use crate::telemetry::{self, Metered, Metrics};
use crate::ticker::Ticker;
use crate::vault::{MasterKey, Vault, VaultError};
use actix_web::{App, HttpServer, web};
use domain::actor::{Actor, Channel, Role};
use domain::builtin;
use domain::fact::Subject;
use domain::ids::{CaseId, CommandId, EventId, ItemId, SubjectId};
use domain::zone::{Instant, start_of};
use eventstore::{
    AppendError, CommandDigest, EventStore, Expected, Head, OpenError, Options, Position, ReadError, Sled,
    StreamVersion,
};
use replay::case_index::{CaseFilter, CaseIndex, IndexError, Order, PageOfCases};
use replay::checkpoint::Checkpoints;
use replay::history::History;
use replay::journal::{Append, Journal, NewFact};
use replay::layout::Layout;
use replay::live::{Live, Sources};
use replay::moment::Slice;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use ulid::Ulid;

/// How long the threads that answered may take to let go of the node, in steps.
const LETTING_GO: Duration = Duration::from_millis(20);
/// How many such steps are waited for.
const LETTING_GO_ATTEMPTS: u32 = 250;

/// One running server's parts; every handler is given it.
pub struct Node {
    /// The settings.
    pub config: Config,
    /// Time and ids.
    pub clock: Arc<Clock>,
    /// The log.
    pub store: Arc<dyn EventStore>,
    /// Personal data.
    pub vault: Arc<Vault>,
    /// What was handed in.
    pub papers: Papers,
    /// What is on its way out.
    pub exports: Exports,
    /// The city's data.
    pub data_share: DataShare,
    /// The schemas of electronic forms.
    pub forms: Forms,
    /// The views at the end of the log.
    pub live: Arc<Live>,
    /// What decisions rely on.
    pub reference: Arc<ReferenceNow>,
    /// The only write path.
    pub executor: Executor,
    /// The past beside the live views, and what reads share.
    pub reads: Reads,
    /// Who may ask.
    pub tokens: TokenVerifier,
    /// Who may listen.
    pub tickets: Tickets,
    /// How often one may ask.
    pub limits: Limits,
    /// The turn of whoever issues an instrument, with the one that was issued before.
    pub issuing: tokio::sync::Mutex<Option<Subject>>,
    _following: Following,
}

/// The server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// There is nothing to check tokens with.
    #[error("no token secret: set YICHUANG_JWT_SECRET, or auth.jwt_secret in the settings, to at least 32 bytes")]
    NoSecret,
    /// What there is will not do.
    #[error(transparent)]
    SecretTooShort(#[from] SecretTooShort),
    /// A limit is set for what is not there.
    #[error(transparent)]
    Limits(#[from] NoSuchRoute),
    /// The log cannot be opened.
    #[error(transparent)]
    Log(#[from] OpenError),
    /// The log cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The built-in history cannot be recorded.
    #[error(
        "cannot record the built-in catalogue, organisations, calendar, policies and templates; start again to go on"
    )]
    BuiltIn(#[source] AppendError),
    /// Personal data cannot be sealed.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The case index cannot be opened.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// A folder cannot be used.
    #[error("cannot use the folder {0}; check its permissions and the space left")]
    Folder(String, #[source] io::Error),
    /// The city's data service cannot be set up.
    #[error("cannot set up data sharing; check [data_share] in the settings")]
    DataShare(#[source] io::Error),
    /// Nobody can be listened to there.
    #[error("cannot listen on {0}; is another server there?")]
    Listen(String, #[source] io::Error),
    /// The demo's data directory cannot be used.
    #[error("cannot start the demo: {0}")]
    Demo(String),
    /// The simulation stopped.
    #[error("could not simulate the city; remove the data directory and start again")]
    Simulation(#[source] Box<crate::demo::DemoError>),
    /// The server broke off.
    #[error("the server broke off")]
    Serve(#[source] io::Error),
}

impl Node {
    /// Opens everything under the data directory.
    ///
    /// # Errors
    /// A part cannot be opened; the message says which, and what to do.
    pub async fn open(config: Config, clock: Arc<Clock>) -> Result<Self, StartError> {
        // What is missing in the settings is told before anything is made.
        TokenVerifier::new(config.auth.jwt_secret.as_ref().ok_or(StartError::NoSecret)?)?;
        // The log first: its lock tells who else is here.
        let log = Layout::new(config.data.clone()).log();
        let opened = tokio::task::spawn_blocking(move || Sled::open(&log, Options::standard())).await;
        let store = opened.map_err(|error| StartError::Serve(io::Error::other(error)))??;
        let metrics = Metrics::new();
        store.set_observer(Arc::new(metrics.clone()));
        let vault = Arc::new(open_vault(&config)?);
        Self::measured(config, clock, Arc::new(store), vault, metrics).await
    }

    /// Puts a server together over a log that is open already.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn over(
        config: Config,
        clock: Arc<Clock>,
        store: Arc<dyn EventStore>,
        vault: Arc<Vault>,
    ) -> Result<Self, StartError> {
        Self::measured(config, clock, store, vault, Metrics::new()).await
    }

    async fn measured(
        config: Config,
        clock: Arc<Clock>,
        store: Arc<dyn EventStore>,
        vault: Arc<Vault>,
        metrics: Metrics,
    ) -> Result<Self, StartError> {
        let secret: &Secret = config.auth.jwt_secret.as_ref().ok_or(StartError::NoSecret)?;
        let tokens = TokenVerifier::new(secret)?;
        let limits = Limits::new(&config.limits)?;
        let layout = Layout::new(config.data.clone());
        let folder = layout.papers();
        let papers = Papers::open(&folder, config.http.paper_bytes_max)
            .map_err(|error| StartError::Folder(folder.display().to_string(), error))?;
        let folder = layout.exports();
        let exports =
            Exports::open(folder.clone()).map_err(|error| StartError::Folder(folder.display().to_string(), error))?;
        let data_share = DataShare::open(&config.data_share).map_err(StartError::DataShare)?;
        let store: Arc<dyn EventStore> = Arc::new(Metered::new(store, metrics.clone()));
        let journal = Journal::new(Arc::clone(&store));
        let history = History::new(store.clone());
        let index = CaseIndex::open(&layout.index())?;
        index.align(&history).await?;
        let checkpoints = Checkpoints::new(layout.checkpoints(), history.clone());
        let live = Arc::new(Live::start(Sources { history, checkpoints, index }).await?);
        catch_up(&live, store.head().await?.position).await;
        record_built_ins(&journal, &live, &clock).await?;
        // Decisions rely on the reference data; they must be here before the first one.
        catch_up(&live, store.head().await?.position).await;
        let (reference, following) = ReferenceNow::follow(Arc::clone(&live));
        let executor = Executor::new(journal, Arc::clone(&clock), Arc::clone(&reference), Arc::clone(&vault));
        let tickets = Tickets::default();
        let reads = Reads::new(Arc::clone(&live), secret, metrics, config.http.min_position_patience());
        Ok(Self {
            config,
            clock,
            store,
            vault,
            papers,
            exports,
            data_share,
            forms: Forms::default(),
            live,
            reference,
            executor,
            reads,
            tokens,
            tickets,
            limits,
            issuing: tokio::sync::Mutex::default(),
            _following: following,
        })
    }

    /// Returns cases of a person, the newest first, as far as the index knows.
    ///
    /// # Errors
    /// The index cannot be read.
    pub async fn cases_of(&self, subject: &SubjectId, limit: usize) -> Result<Vec<CaseId>, Problem> {
        self.find_cases(CaseFilter { subject: Some(subject.clone()), ..CaseFilter::default() }, limit).await
    }

    /// Returns the newest open case of a person for an item, as far as the index knows.
    ///
    /// # Errors
    /// The index cannot be read.
    pub async fn open_case_of(&self, subject: &SubjectId, item: &ItemId) -> Result<Option<CaseId>, Problem> {
        let (subject, item) = (Some(subject.clone()), Some(item.clone()));
        let filter = CaseFilter { subject, item, open: Some(true), ..CaseFilter::default() };
        Ok(self.find_cases(filter, 1).await?.first().copied())
    }

    /// Returns the newest cases with a case or receipt number that begins so, as far as the index knows.
    ///
    /// # Errors
    /// The index cannot be read.
    pub async fn cases_numbered(&self, number: &str, limit: usize) -> Result<Vec<CaseId>, Problem> {
        self.find_cases(CaseFilter { number_prefix: Some(number.to_owned()), ..CaseFilter::default() }, limit).await
    }

    /// Returns cases, the newest first, as far as the index knows.
    ///
    /// # Errors
    /// The index cannot be read.
    pub async fn find_cases(&self, filter: CaseFilter, limit: usize) -> Result<Vec<CaseId>, Problem> {
        let index = self.live.index().clone();
        let slice = Slice::through(self.live.position());
        let page = PageOfCases { after: None, limit, order: Order::Newest };
        let found = tokio::task::spawn_blocking(move || index.cases(&filter, &slice, &page)).await;
        Ok(found.map_err(|_| Problem::new(Kind::Internal))??.cases)
    }

    /// Ends what follows the log and keeps the views aside.
    pub async fn stop(self) {
        let Self { live, reference, executor, reads, _following, .. } = self;
        drop((_following, reference, executor, reads));
        match Arc::try_unwrap(live) {
            Ok(live) => {
                if let Err(error) = live.stop().await {
                    tracing::warn!("the views were not kept aside, the next start takes longer: {error}");
                }
            }
            Err(_) => tracing::warn!("the views are still in use and were not kept aside"),
        }
    }
}

async fn catch_up(live: &Live, head: Position) {
    while let Err(behind) = live.wait_for(head, Duration::from_secs(5)).await {
        tracing::info!("the views stand at {} of {}", behind.reached, behind.wanted);
        if live.lag().await.is_ok_and(|lags| lags.iter().any(|lag| lag.trouble.is_some())) {
            // Serving what can be served is better than waiting for ever; readiness tells the rest.
            return;
        }
    }
}

fn open_vault(config: &Config) -> Result<Vault, VaultError> {
    let folder = Layout::new(config.data.clone()).keys();
    let master = match (&config.vault.master_key, &config.vault.master_key_file) {
        (Some(key), _) => MasterKey::parse(key.expose())?,
        (None, Some(file)) => MasterKey::read(file)?,
        (None, None) => MasterKey::beside(&folder)?,
    };
    Vault::open(&folder, &master, None)
}

/// Who acts when nobody does: the rules, and the program with what it brought along.
#[must_use]
#[expect(clippy::expect_used, reason = "both names are well-formed codes")]
pub fn system_actor() -> Actor {
    Actor {
        id: "system".parse().expect("the name is a well-formed code"),
        role: Role::System,
        organisation: "361000".parse().expect("the city's code is a well-formed one"),
        window: None,
        acting_for: None,
        channel: Channel::System,
    }
}

/// Records what a log lacks of the built-in history, and goes on where an earlier start was interrupted.
///
/// A stream that has as many events is left alone: they are the same, or it went its own way meanwhile. Every event is a
/// command whose id follows from its content, and states the version of its stream.
async fn record_built_ins(journal: &Journal, live: &Live, clock: &Clock) -> Result<(), StartError> {
    let today = domain::zone::day_of(clock.now());
    let known = live.read(|views| views.reference.state.clone());
    let mut versions: BTreeMap<Subject, u64> = BTreeMap::new();
    let mut count: u64 = 0;
    for built_in in builtin::events().into_iter().filter(|built_in| built_in.published_on <= today) {
        let version = versions.entry(built_in.subject.clone()).or_default();
        let before = *version;
        *version += 1;
        if before < known.version(&built_in.subject) {
            continue;
        }
        let expected = Expected::at(StreamVersion(before));
        let append = built_in_append(&built_in, expected, clock.now(), EventId(clock.ulid()));
        match journal.append(append).await {
            Ok(_) => count += 1,
            Err(AppendError::Conflict { .. }) => (),
            Err(error) => return Err(StartError::BuiltIn(error)),
        }
    }
    if 0 < count {
        let Head { position, .. } = journal.history().head().await?;
        tracing::info!(%position, "recorded {count} built-in events");
    }
    Ok(())
}

fn built_in_command(built_in: &builtin::BuiltIn) -> (CommandId, CommandDigest) {
    let mut hash = Sha256::new();
    hash.update(built_in.subject.to_string());
    hash.update(built_in.event.schema().name);
    hash.update(built_in.event.encode().unwrap_or_default());
    let hash: [u8; 32] = hash.finalize().into();
    let (mut chance, mut digest) = ([0; 16], [0; 16]);
    chance[6..].copy_from_slice(&hash[..10]);
    digest.copy_from_slice(&hash[16..]);
    let millis = u64::try_from(start_of(built_in.published_on).timestamp_millis()).unwrap_or_default();
    (CommandId(Ulid::from_parts(millis, u128::from_be_bytes(chance))), CommandDigest(digest))
}

/// Returns the command that records a part of the built-in history; its id follows from its content.
pub(crate) fn built_in_append(built_in: &builtin::BuiltIn, expected: Expected, now: Instant, id: EventId) -> Append {
    let (command, digest) = built_in_command(built_in);
    let fact = NewFact {
        id,
        occurred_at: start_of(built_in.published_on),
        labels: vec![crate::labels::PUBLIC.to_owned()],
        event: built_in.event.clone(),
    };
    Append {
        command,
        digest,
        now,
        by: system_actor(),
        correlation: command.0,
        causation: None,
        guards: Vec::new(),
        writes: vec![(built_in.subject.clone(), expected, vec![fact])],
    }
}

/// Registers everything that can be asked of a node. [`problem::render`] must be wrapped around it.
pub fn configure(app: &mut web::ServiceConfig, node: &web::Data<Node>) {
    app.app_data(node.clone()).app_data(web::PayloadConfig::new(node.config.http.body_bytes_max));
    routes::configure(app);
}

/// Serves until SIGTERM or Ctrl-C, then stops in order: no new connections, what is accepted is answered, the views are
/// kept aside, the log is closed.
///
/// # Errors
/// Nobody can be listened to there, or the server broke off.
pub async fn serve(node: Node) -> Result<(), StartError> {
    let http = node.config.http.clone();
    let listen = node.config.listen;
    let node = web::Data::new(node);
    let ticker = Ticker::start(node.clone());
    let shared = node.clone();
    let server = HttpServer::new(move || {
        App::new()
            .wrap(actix_web::middleware::from_fn(problem::render))
            .wrap(actix_web::middleware::from_fn(telemetry::observe))
            .configure(|app| configure(app, &shared))
    })
    // Open streams must be told before requests under way are waited for.
    .disable_signals()
    .workers(http.workers)
    .max_connections(http.connections_max)
    .keep_alive(http.keep_alive())
    .client_request_timeout(http.keep_alive())
    .shutdown_timeout(http.stop_seconds)
    .bind(listen)
    .map_err(|error| StartError::Listen(listen.to_string(), error))?;
    tracing::info!(%listen, "listening on http://{listen}");
    let server = server.run();
    let stopping = tokio::spawn(stop_when_told(server.handle(), node.clone()));
    server.await.map_err(StartError::Serve)?;
    stopping.abort();
    // The task holds the node; only once it is gone can the views be kept aside.
    let _ended = stopping.await;
    ticker.stop().await;
    tracing::info!("stopped listening");
    stop_when_alone(node.into_inner()).await;
    Ok(())
}

/// The threads that answered let go of the node a moment after the server says that it stopped.
async fn stop_when_alone(mut node: Arc<Node>) {
    for _ in 0..LETTING_GO_ATTEMPTS {
        match Arc::try_unwrap(node) {
            Ok(node) => return node.stop().await,
            Err(shared) => node = shared,
        }
        tokio::time::sleep(LETTING_GO).await;
    }
    tracing::warn!("a request is still under way; the views are not kept aside");
}

/// Waits for SIGTERM or Ctrl-C, ends the open streams, and lets the server answer what it accepted.
async fn stop_when_told(server: actix_web::dev::ServerHandle, node: web::Data<Node>) {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminated) = signal(SignalKind::terminate()) else { return };
    tokio::select! {
        _ = terminated.recv() => (),
        _ = tokio::signal::ctrl_c() => (),
    }
    tracing::info!("stopping: answering what was accepted");
    node.reads.stop_streams();
    server.stop(true).await;
}
