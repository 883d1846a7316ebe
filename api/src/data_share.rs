//! 数据共享: the city's data service, asked instead of the applicant. A port: over HTTP, from a file, or nobody.
//!
//! An answer that does not come, or means nothing, is an outcome like any other: it goes on record, and the case goes on.

use crate::config::{DataShare as Settings, Secret};
use crate::vault::Person;
use async_trait::async_trait;
use domain::event::evidence::DataShareOutcome;
use domain::ids::{CaseId, CommandId, ExternalNumber, ItemId, MaterialCode, SourceName, SubjectId};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

/// The longest answer that is taken, in bytes.
pub const ANSWER_BYTES_MAX: usize = 16 * 1024;

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// Its id; asking again with the same id is asking once.
    pub request: CommandId,
    /// For which data.
    pub dataset: &'a str,
    /// About whom.
    pub about: &'a SubjectId,
    /// Who that is, in clear: the service knows nobody by reference.
    pub person: &'a Person,
    /// For which item: the purpose.
    pub item: &'a ItemId,
    /// For which case.
    pub case: CaseId,
}

/// What came of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    /// What it means.
    pub outcome: DataShareOutcome,
    /// The service's own number for the question.
    pub receipt: Option<ExternalNumber>,
    /// What it said, word for word, where it said something.
    pub said: Option<Zeroizing<String>>,
}

impl Answer {
    fn silent(outcome: DataShareOutcome) -> Self {
        Self { outcome, receipt: None, said: None }
    }
}

/// Who answers for the city's data.
#[async_trait]
pub trait Data: Send + Sync {
    /// Asks. Ends within bounded time, and never fails: whatever happens is an outcome.
    async fn ask(&self, question: &Question<'_>) -> Answer;
}

/// The city's data service as configured.
pub struct DataShare {
    name: SourceName,
    datasets: BTreeMap<String, String>,
    data: Arc<dyn Data>,
}

impl DataShare {
    /// Sets up what the settings name.
    ///
    /// # Errors
    /// The file cannot be read.
    #[expect(clippy::expect_used, reason = "the name is a well-formed source")]
    pub fn open(settings: &Settings) -> io::Result<Self> {
        let data: Arc<dyn Data> = match (&settings.url, &settings.file) {
            (Some(url), _) => Arc::new(Http::new(url.clone(), settings.token.clone(), settings.patience())?),
            (None, Some(file)) => Arc::new(FromFile::read(file)?),
            (None, None) => Arc::new(Nobody),
        };
        let name = settings.name.parse().or_else(|_| "city-data".parse()).expect("the name is a well-formed source");
        Ok(Self { name, datasets: settings.datasets.clone(), data })
    }

    /// Returns the service's name, as it stands in the log.
    #[must_use]
    pub fn name(&self) -> &SourceName {
        &self.name
    }

    /// Returns which data speak of a material: those that the settings name, or those of its own name.
    #[must_use]
    pub fn dataset(&self, code: &MaterialCode) -> String {
        self.datasets.get(code.as_str()).cloned().unwrap_or_else(|| code.to_string())
    }

    /// Asks.
    pub async fn ask(&self, question: &Question<'_>) -> Answer {
        self.data.ask(question).await
    }
}

/// Nobody was set up to answer.
struct Nobody;

#[async_trait]
impl Data for Nobody {
    async fn ask(&self, _: &Question<'_>) -> Answer {
        Answer::silent(DataShareOutcome::Unreachable)
    }
}

/// A file of answers: for each set of data, what it says about whom, by reference. For demonstrations, and for places
/// without a line to the city.
struct FromFile(BTreeMap<String, BTreeMap<String, Value>>);

impl FromFile {
    fn read(path: &Path) -> io::Result<Self> {
        serde_json::from_slice(&std::fs::read(path)?).map(Self).map_err(io::Error::other)
    }
}

#[async_trait]
impl Data for FromFile {
    async fn ask(&self, question: &Question<'_>) -> Answer {
        let Some(known) = self.0.get(question.dataset) else { return Answer::silent(DataShareOutcome::Refused) };
        match known.get(question.about.as_str()) {
            Some(data) => Answer {
                outcome: DataShareOutcome::Confirmed,
                receipt: question.request.to_string().parse().ok(),
                said: Some(Zeroizing::new(data.to_string())),
            },
            None => Answer::silent(DataShareOutcome::NotFound),
        }
    }
}

/// A service over HTTP: `POST <url>/queries`.
struct Http {
    client: reqwest::Client,
    url: String,
    token: Option<Secret>,
}

/// What a service answers.
#[derive(Deserialize)]
struct Told {
    result: Verdict,
    #[serde(default)]
    receipt: Option<ExternalNumber>,
}

/// What its data say.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Verdict {
    Match,
    Mismatch,
    NotFound,
}

impl Http {
    fn new(url: String, token: Option<Secret>, patience: Duration) -> io::Result<Self> {
        let client = reqwest::Client::builder().timeout(patience).connect_timeout(patience).no_proxy().build();
        let client = client.map_err(io::Error::other)?;
        Ok(Self { client, url: url.trim_end_matches('/').to_owned(), token })
    }

    async fn answered(&self, question: &Question<'_>) -> Result<Answer, reqwest::Error> {
        let body = json!({
            "request": question.request.to_string(), "dataset": question.dataset,
            "name": question.person.name, "id_number": question.person.id_number,
            "item": question.item, "case": question.case,
        });
        let mut request = self.client.post(format!("{}/queries", self.url)).json(&body);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.expose());
        }
        let mut response = request.send().await?;
        let status = response.status();
        if status.is_client_error() {
            return Ok(Answer::silent(DataShareOutcome::Refused));
        }
        if !status.is_success() {
            return Ok(Answer::silent(DataShareOutcome::Unreachable));
        }
        let mut said = Zeroizing::new(Vec::new());
        while let Some(bytes) = response.chunk().await? {
            if ANSWER_BYTES_MAX < said.len() + bytes.len() {
                return Ok(Answer::silent(DataShareOutcome::Unreadable));
            }
            said.extend_from_slice(&bytes);
        }
        Ok(understood(&said))
    }
}

/// An answer is kept word for word, also where it means nothing.
fn understood(said: &[u8]) -> Answer {
    let Ok(text) = std::str::from_utf8(said) else { return Answer::silent(DataShareOutcome::Unreadable) };
    let said = Some(Zeroizing::new(text.to_owned()));
    match serde_json::from_str::<Told>(text) {
        Ok(Told { result, receipt }) => {
            let outcome = match result {
                Verdict::Match => DataShareOutcome::Confirmed,
                Verdict::Mismatch => DataShareOutcome::Mismatch,
                Verdict::NotFound => DataShareOutcome::NotFound,
            };
            Answer { outcome, receipt, said }
        }
        Err(_) => Answer { outcome: DataShareOutcome::Unreadable, receipt: None, said },
    }
}

#[async_trait]
impl Data for Http {
    async fn ask(&self, question: &Question<'_>) -> Answer {
        self.answered(question).await.unwrap_or_else(|error| {
            // What failed, and never what was asked: that is about somebody.
            let outcome = if error.is_timeout() { DataShareOutcome::TimedOut } else { DataShareOutcome::Unreachable };
            tracing::warn!("the city's data service gave no answer: {}", outcome.as_str());
            Answer::silent(outcome)
        })
    }
}
