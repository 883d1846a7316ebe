//! `yichuang demo`: simulate once, then serve, and say what to open.

use super::{Options, Tally, last_moment, simulate};
use crate::auth::{Claims, TokenVerifier};
use crate::clock::{self, Clock};
use crate::config::{Config, Secret};
use crate::node::{self, Node, StartError};
use crate::papers::Papers;
use crate::vault::{MasterKey, Vault, hex};
use chrono::{NaiveDate, TimeDelta};
use domain::actor::Role;
use domain::zone::day_of;
use eventstore::EventStore;
use eventstore::{Options as LogOptions, Sled};
use indicatif::{ProgressBar, ProgressStyle};
use replay::journal::Journal;
use replay::layout::Layout;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// The file that says which city lies in a data directory.
const MARK: &str = "demo.json";
/// The file that stands in for the city's data service.
const ANSWERS: &str = "data-share.json";
/// Of whom it knows besides the residents who came last: the applicant of the README.
const README_APPLICANT: &str = "11010519491231002X";
/// How long the printed tokens hold, in days.
const TOKEN_DAYS: i64 = 30;
/// Without a terminal, one line of progress per this many cases.
const CASES_PER_LINE: u64 = 5_000;

/// What was asked for on the command line.
#[derive(Debug, Clone)]
pub struct Asked {
    /// About how many cases.
    pub cases: u64,
    /// The beginning of all chance.
    pub seed: u64,
    /// The last day; today if absent.
    pub until: Option<NaiveDate>,
    /// Settings, with the data directory and the address.
    pub config: Config,
}

/// Which city lies in a data directory, and whether it is whole.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Mark {
    cases: u64,
    seed: u64,
    until: NaiveDate,
    whole: bool,
    jwt_secret: String,
}

/// Simulates unless that was done before, then serves until it is told to stop.
///
/// # Errors
/// The data directory holds something else, or a part of the server cannot start.
pub async fn run(asked: Asked) -> Result<(), StartError> {
    let clock = Arc::new(Clock::system());
    let until = asked.until.unwrap_or_else(|| day_of(clock.now()));
    let mut config = asked.config;
    let mark = match read_mark(&config.data)? {
        Some(mark) if asked.until.is_none() && same_city(&mark, asked.cases, asked.seed, mark.until) => mark,
        Some(mark) if same_city(&mark, asked.cases, asked.seed, until) => mark,
        Some(mark) => return Err(other_city(&config.data, &mark)),
        None if has_a_log(&config.data) => {
            return Err(StartError::Demo(format!(
                "{} holds a log that is no demo; choose another --data",
                config.data.display()
            )));
        }
        None => {
            super::check_last_day(until).map_err(|error| StartError::Demo(error.to_string()))?;
            begin(&config.data, asked.cases, asked.seed, until)?
        }
    };
    config.auth.jwt_secret = Some(Secret::new(mark.jwt_secret.clone()));
    let vault = Arc::new(open_vault(&config, mark.seed)?);
    let log = Layout::new(config.data.clone()).log();
    let opened = tokio::task::spawn_blocking(move || Sled::open(&log, LogOptions::standard())).await;
    let store: Arc<dyn EventStore> = Arc::new(opened.map_err(|error| StartError::Demo(error.to_string()))??);
    if !mark.whole {
        let options = Options { cases: mark.cases, seed: mark.seed, until: last_moment(mark.until, clock.now()) };
        let folder = Layout::new(config.data.clone()).papers();
        let papers = Papers::open(&folder, config.http.paper_bytes_max)
            .map_err(|error| StartError::Folder(folder.display().to_string(), error))?;
        let tally = tell_progress(&Journal::new(Arc::clone(&store)), &vault, &papers, &options).await?;
        say_what_came_of_it(&tally);
        write_answers(&config.data, &vault, &tally)?;
        write_mark(&config.data, &Mark { whole: true, ..mark })?;
    }
    let answers = config.data.join(ANSWERS);
    if config.data_share.url.is_none() && config.data_share.file.is_none() && answers.exists() {
        config.data_share.file = Some(answers);
    }
    let node = Node::over(config, Arc::clone(&clock), store, vault).await?;
    say_what_to_open(&node, &clock)?;
    node::serve(node).await
}

fn same_city(mark: &Mark, cases: u64, seed: u64, until: NaiveDate) -> bool {
    mark.whole && (mark.cases, mark.seed, mark.until) == (cases, seed, until)
}

fn other_city(data: &Path, mark: &Mark) -> StartError {
    let Mark { cases, seed, until, whole, .. } = mark;
    let state = if *whole { "another demo" } else { "an unfinished demo" };
    let asked = format!("--cases {cases} --seed {seed} --until {until}");
    StartError::Demo(format!("{} holds {state} ({asked}); remove it, or choose another --data", data.display()))
}

fn has_a_log(data: &Path) -> bool {
    Layout::new(data.to_owned()).log().exists()
}

fn begin(data: &Path, cases: u64, seed: u64, until: NaiveDate) -> Result<Mark, StartError> {
    let jwt_secret = hex(&clock::secret::<32>());
    let mark = Mark { cases, seed, until, whole: false, jwt_secret };
    std::fs::create_dir_all(data).map_err(|error| StartError::Folder(data.display().to_string(), error))?;
    write_mark(data, &mark)?;
    Ok(mark)
}

fn read_mark(data: &Path) -> Result<Option<Mark>, StartError> {
    let path = data.join(MARK);
    match std::fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|error| {
            StartError::Demo(format!("{} cannot be read ({error}); remove {}", path.display(), data.display()))
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StartError::Folder(path.display().to_string(), error)),
    }
}

fn write_mark(data: &Path, mark: &Mark) -> Result<(), StartError> {
    let path: PathBuf = data.join(MARK);
    let failed = |error| StartError::Folder(path.display().to_string(), error);
    let text = serde_json::to_vec_pretty(mark).map_err(|error| StartError::Demo(error.to_string()))?;
    let aside = data.join("demo.json.new");
    crate::vault::write_private(&aside, &text).map_err(failed)?;
    std::fs::rename(&aside, &path).map_err(failed)
}

/// Writes what the city's data say of the residents who came last, for each set of data that could stand for a paper.
fn write_answers(data: &Path, vault: &Vault, tally: &Tally) -> Result<(), StartError> {
    let path = data.join(ANSWERS);
    let known = tally.residents.iter().cloned().chain([vault.subject(README_APPLICANT)]);
    let of_each: BTreeMap<String, Value> =
        known.map(|subject| (subject.to_string(), json!({ "registered": true }))).collect();
    let answers: BTreeMap<&str, _> = DATASETS.into_iter().map(|dataset| (dataset, &of_each)).collect();
    let text = serde_json::to_vec(&answers).map_err(|error| StartError::Demo(error.to_string()))?;
    std::fs::write(&path, text).map_err(|error| StartError::Folder(path.display().to_string(), error))
}

/// The sets of data that the stand-in knows.
const DATASETS: [&str; 7] = ["ID", "HK", "BANK", "DIB", "DIS", "ENROL", "LANDC"];

/// The demo's person references follow from the seed, so that the same city has the same people.
fn open_vault(config: &Config, seed: u64) -> Result<Vault, StartError> {
    let folder = Layout::new(config.data.clone()).keys();
    let master = MasterKey::beside(&folder)?;
    let lookup: [u8; 32] = Sha256::digest(format!("yichuang demo {seed}")).into();
    Ok(Vault::open(&folder, &master, Some(lookup))?)
}

async fn tell_progress(
    journal: &Journal,
    vault: &Vault,
    papers: &Papers,
    options: &Options,
) -> Result<Tally, StartError> {
    let terminal = std::io::stderr().is_terminal();
    let bar = if terminal { ProgressBar::new(options.cases) } else { ProgressBar::hidden() };
    if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} cases, {per_sec}, {eta} left") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    let mut told = 0;
    let tally = simulate(journal, vault, papers, options, |day, cases| {
        bar.set_message(day.to_string());
        bar.set_position(cases.min(options.cases));
        if !terminal && told + CASES_PER_LINE <= cases {
            told = cases;
            tracing::info!("simulated {cases} of about {} cases, up to {day}", options.cases);
        }
    })
    .await
    .map_err(|error| StartError::Simulation(Box::new(error)))?;
    bar.finish_and_clear();
    Ok(tally)
}

fn say_what_came_of_it(tally: &Tally) {
    tracing::info!("simulated {} cases in {} events", tally.cases, tally.events);
    for (rule, times) in &tally.refused {
        tracing::debug!("refused {times} times: {rule}");
    }
}

/// For whom tokens are printed: role, organisation, member of staff.
const CALLERS: [(Role, &str, &str); 12] = [
    (Role::VillageAgent, "361023100901", "361023100901-village-agent-1"),
    (Role::Receptionist, "361023100", "361023100-receptionist-1"),
    (Role::Clerk, "361023100", "361023100-clerk-1"),
    (Role::Handler, "361023100", "361023100-handler-1"),
    (Role::Chief, "361023100", "361023100-chief-1"),
    (Role::OrganHead, "361023100", "361023100-organ-head-1"),
    (Role::CertificateMaker, "361023100", "361023100-certificate-maker-1"),
    (Role::DeliveryClerk, "361023100", "361023100-delivery-clerk-1"),
    (Role::Supervisor, "361000", "361000-supervisor-1"),
    (Role::Analyst, "361000", "361000-analyst-1"),
    (Role::Screen, "361023100", "361023100-screen-1"),
    (Role::Admin, "361000", "361000-admin-1"),
];

fn say_what_to_open(node: &Node, clock: &Clock) -> Result<(), StartError> {
    let mut out = std::io::stdout().lock();
    let mut say = |line: String| writeln!(out, "{line}").map_err(StartError::Serve);
    let at = node.config.listen;
    say(format!("open    http://{at}/docs"))?;
    for path in ["queues", "statistics/processing-times?group_by=item", "statistics/satisfaction?group_by=channel"] {
        say(format!("        http://{at}/api/v1/{path}"))?;
    }
    say("tokens  send one as `Authorization: Bearer …`".to_owned())?;
    for (role, organisation, staff) in CALLERS {
        say(format!("{:18}{}", role.as_str(), token(&node.tokens, clock, role, organisation, staff)?))?;
    }
    Ok(())
}

fn token(
    tokens: &TokenVerifier,
    clock: &Clock,
    role: Role,
    organisation: &str,
    staff: &str,
) -> Result<String, StartError> {
    let exp = (clock.now() + TimeDelta::days(TOKEN_DAYS)).timestamp();
    let claims =
        Claims { sub: staff.to_owned(), role: role.to_string(), org: organisation.to_owned(), exp, window: None };
    tokens.issue(&claims).map_err(|error| StartError::Demo(error.to_string()))
}
