//! A certificate library asked over the network, page by page: bounded, patient, and told where it stopped.

use crate::config::Library as Settings;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::time::Duration;

/// How often a page is asked for before it is given up.
const ATTEMPTS_MAX: u32 = 4;
/// The wait before the second attempt; it doubles with each.
const FIRST_WAIT: Duration = Duration::from_millis(200);
/// The longest page that is taken, in bytes.
const PAGE_BYTES_MAX: usize = 8 * 1024 * 1024;
/// How many certificates are asked for at once.
const PAGE_ROWS: usize = 200;

/// Why a page did not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PullError {
    /// No answer came in time.
    #[error("the library gave no answer in time")]
    TimedOut,
    /// Nobody was there to ask, or the library is in trouble itself.
    #[error("the library cannot be reached")]
    Unreachable,
    /// The library does not let us.
    #[error("the library refuses us ({0}); check its token in the settings")]
    Refused(u16),
    /// An answer came that means nothing.
    #[error("the library's answer cannot be read")]
    Unreadable,
}

impl PullError {
    /// Tells whether asking again may help.
    fn passes(self) -> bool {
        matches!(self, Self::TimedOut | Self::Unreachable)
    }

    /// Returns its permanent name.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::TimedOut => "timed-out",
            Self::Unreachable => "unreachable",
            Self::Refused(_) => "refused",
            Self::Unreadable => "unreadable",
        }
    }

    /// Returns it in Chinese.
    #[must_use]
    pub fn zh(self) -> &'static str {
        match self {
            Self::TimedOut => "证照库未在限时内答复",
            Self::Unreachable => "证照库无法连接",
            Self::Refused(_) => "证照库拒绝访问，请检查配置中的令牌",
            Self::Unreadable => "证照库的答复无法识别",
        }
    }
}

/// Some rows, and where to go on.
#[derive(Debug, Deserialize)]
pub struct PageOfRows {
    /// The rows.
    pub certificates: Vec<Map<String, Value>>,
    /// Where to go on, in the library's own words; absent where nothing follows.
    #[serde(default)]
    pub next: Option<String>,
}

/// Asks one library.
pub struct LibraryClient {
    client: reqwest::Client,
    url: String,
    token: Option<String>,
}

impl LibraryClient {
    /// For the library that the settings name.
    ///
    /// # Errors
    /// A client cannot be made.
    pub fn new(settings: &Settings) -> Result<Self, PullError> {
        let patience = Duration::from_secs(settings.patience_seconds);
        let client = reqwest::Client::builder().timeout(patience).connect_timeout(patience).no_proxy().build();
        let client = client.map_err(|_| PullError::Unreachable)?;
        let url = format!("{}/certificates", settings.url.trim_end_matches('/'));
        Ok(Self { client, url, token: settings.token.as_ref().map(|token| token.expose().to_owned()) })
    }

    /// Returns the page behind a cursor; what may pass is waited for, a bounded number of times.
    ///
    /// # Errors
    /// The page did not come.
    pub async fn page(&self, after: Option<&str>) -> Result<PageOfRows, PullError> {
        let mut wait = FIRST_WAIT;
        for _ in 1..ATTEMPTS_MAX {
            match self.ask(after).await {
                Err(error) if error.passes() => tokio::time::sleep(wait).await,
                asked => return asked,
            }
            wait *= 2;
        }
        self.ask(after).await
    }

    async fn ask(&self, after: Option<&str>) -> Result<PageOfRows, PullError> {
        let mut query = vec![("limit", PAGE_ROWS.to_string())];
        query.extend(after.map(|after| ("after", after.to_owned())));
        let mut request = self.client.get(&self.url).query(&query);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let failed = |error: reqwest::Error| match error.is_timeout() {
            true => PullError::TimedOut,
            false => PullError::Unreachable,
        };
        let mut response = request.send().await.map_err(failed)?;
        let status = response.status();
        if status.is_client_error() {
            return Err(PullError::Refused(status.as_u16()));
        }
        if !status.is_success() {
            return Err(PullError::Unreachable);
        }
        let mut body = Vec::new();
        while let Some(bytes) = response.chunk().await.map_err(failed)? {
            if PAGE_BYTES_MAX < body.len() + bytes.len() {
                return Err(PullError::Unreadable);
            }
            body.extend_from_slice(&bytes);
        }
        serde_json::from_slice(&body).map_err(|_| PullError::Unreadable)
    }
}
