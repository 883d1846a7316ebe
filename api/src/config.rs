//! Everything that can be set, in one typed file, with the environment on top. A key nobody knows is refused.

use crate::telemetry::LogFormat;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The settings of one server.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where the log and everything beside it lies.
    pub data: PathBuf,
    /// Where to listen.
    pub listen: SocketAddr,
    /// Tokens.
    pub auth: Auth,
    /// Personal data.
    pub vault: Vault,
    /// HTTP.
    pub http: Http,
    /// How often one may ask.
    pub limits: Limits,
    /// The ticking of automatic facts.
    pub ticker: Ticker,
    /// 数据共享: the city's data service.
    pub data_share: DataShare,
    /// 证照库: the city's certificate libraries that can be read over the network, by name.
    pub libraries: BTreeMap<String, Library>,
    /// How logs are written: `pretty` for people, `json` for machines. `YICHUANG_LOG_FORMAT` wins.
    pub log_format: LogFormat,
}

/// How tokens are checked.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Auth {
    /// The secret that signs tokens (HS256), at least 32 bytes. `YICHUANG_JWT_SECRET` wins.
    pub jwt_secret: Option<Secret>,
}

/// How personal data are sealed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Vault {
    /// The file that holds the master key, 64 hex digits. Without it, and without `YICHUANG_MASTER_KEY`, it is
    /// `<data>/keys/master.key`, made at the first start.
    pub master_key_file: Option<PathBuf>,
    /// The master key itself, from the environment only.
    #[serde(skip)]
    pub master_key: Option<Secret>,
}

/// How HTTP is spoken.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Http {
    /// Threads that answer.
    pub workers: usize,
    /// The largest JSON body, in bytes.
    pub body_bytes_max: usize,
    /// The largest paper, in bytes.
    pub paper_bytes_max: usize,
    /// How long a client may take to send its headers, and an idle connection is kept, in seconds.
    pub keep_alive_seconds: u64,
    /// How long accepted requests may take to finish at a stop, in seconds.
    pub stop_seconds: u64,
    /// The most connections at once.
    pub connections_max: usize,
    /// How long a read waits for the views to reach its `min_position`, in seconds; then it is answered 503.
    pub min_position_seconds: u64,
}

/// How often one may ask.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Of each caller with a token.
    pub caller: Rate,
    /// Of each address that asks without one.
    pub address: Rate,
    /// Of single routes besides, for each caller or address: method and path as they are described.
    pub routes: BTreeMap<String, Rate>,
    /// A proxy of our own stands in front: the last entry of `X-Forwarded-For` is the address.
    pub forwarded: bool,
}

/// So many per minute, at an even pace, after so many at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// How many; 0 sets no limit.
    pub per_minute: u32,
    /// How many may come at once.
    pub burst: u32,
}

impl Rate {
    /// So many per minute, after so many at once.
    #[must_use]
    pub const fn new(per_minute: u32, burst: u32) -> Self {
        Self { per_minute, burst }
    }
}

/// Where the city's data are asked. Without address and file nobody answers.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DataShare {
    /// The service's name, as it stands in the log.
    pub name: String,
    /// Its address, `http://…`; questions go to `<url>/queries`.
    pub url: Option<String>,
    /// What it wants to be shown. `YICHUANG_DATA_SHARE_TOKEN` wins.
    pub token: Option<Secret>,
    /// A file of answers in its place, for demonstrations.
    pub file: Option<PathBuf>,
    /// How long an answer may take, in seconds.
    pub patience_seconds: u64,
    /// Which data speak of a material, where they have another name than its code.
    pub datasets: BTreeMap<String, String>,
}

/// A certificate library that can be read over the network.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Library {
    /// Its address, `http://…`; certificates are asked for at `<url>/certificates`.
    pub url: String,
    /// What it wants to be shown.
    #[serde(default)]
    pub token: Option<Secret>,
    /// How long a page may take, in seconds.
    #[serde(default = "patience_seconds")]
    pub patience_seconds: u64,
}

fn patience_seconds() -> u64 {
    5
}

impl Default for DataShare {
    fn default() -> Self {
        Self {
            name: "city-data".to_owned(),
            url: None,
            token: None,
            file: None,
            patience_seconds: patience_seconds(),
            datasets: BTreeMap::new(),
        }
    }
}

impl DataShare {
    /// How long an answer may take.
    #[must_use]
    pub fn patience(&self) -> Duration {
        Duration::from_secs(self.patience_seconds)
    }
}

/// When automatic facts are looked for.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ticker {
    /// Seconds between two looks; 0 never looks.
    pub seconds: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data: PathBuf::from("./data"),
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            auth: Auth::default(),
            vault: Vault::default(),
            http: Http::default(),
            limits: Limits::default(),
            ticker: Ticker::default(),
            data_share: DataShare::default(),
            libraries: BTreeMap::new(),
            log_format: LogFormat::default(),
        }
    }
}

impl Default for Http {
    fn default() -> Self {
        Self {
            workers: 2,
            body_bytes_max: 128 * 1024,
            paper_bytes_max: 20 * 1024 * 1024,
            keep_alive_seconds: 75,
            stop_seconds: 20,
            connections_max: 4096,
            min_position_seconds: 3,
        }
    }
}

impl Default for Limits {
    /// A program that works through a whole city with one token is not hindered; one that guesses without a token is.
    fn default() -> Self {
        Self {
            caller: Rate::new(12_000_000, 200_000),
            address: Rate::new(6_000, 2_000),
            routes: BTreeMap::new(),
            forwarded: false,
        }
    }
}

impl Default for Ticker {
    fn default() -> Self {
        Self { seconds: 30 }
    }
}

impl Http {
    /// How long a connection is kept without requests.
    #[must_use]
    pub fn keep_alive(&self) -> Duration {
        Duration::from_secs(self.keep_alive_seconds)
    }

    /// How long a read waits for its `min_position`.
    #[must_use]
    pub fn min_position_patience(&self) -> Duration {
        Duration::from_secs(self.min_position_seconds)
    }
}

/// Text that must not be printed.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    /// Returns the secret itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

/// The settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file is not there or cannot be read.
    #[error("cannot read the settings in {}; check the path given with --config", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file does not say what it should.
    #[error("the settings in {} are not usable: {reason}; see docs/configuration.md for the keys", path.display())]
    Invalid {
        /// Which file.
        path: PathBuf,
        /// What is wrong, with the key and the line.
        reason: String,
    },
    /// An environment variable does not say what it should.
    #[error("the environment variable {name} is not usable: {reason}")]
    Environment {
        /// Which.
        name: String,
        /// What is wrong.
        reason: String,
    },
}

impl Config {
    /// Reads the file, if one is named, and the environment on top of it.
    ///
    /// # Errors
    /// The file is missing or holds an unknown key or a wrong value; or a `YICHUANG_…` variable does.
    pub fn load(file: Option<&Path>, environment: impl Iterator<Item = (String, String)>) -> Result<Self, ConfigError> {
        let mut config = match file {
            None => Self::default(),
            Some(path) => {
                let text = std::fs::read_to_string(path)
                    .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
                toml::from_str(&text)
                    .map_err(|error| ConfigError::Invalid { path: path.to_owned(), reason: one_line(&error, &text) })?
            }
        };
        for (name, value) in environment.filter(|(name, _)| name.starts_with("YICHUANG_")) {
            config.set(&name, value)?;
        }
        Ok(config)
    }

    fn set(&mut self, name: &str, value: String) -> Result<(), ConfigError> {
        let refused = |reason: String| ConfigError::Environment { name: name.to_owned(), reason };
        match name {
            "YICHUANG_DATA" => self.data = value.into(),
            "YICHUANG_LISTEN" => {
                self.listen =
                    value.parse().map_err(|_| refused("it must be an address such as 127.0.0.1:8080".into()))?;
            }
            "YICHUANG_JWT_SECRET" => self.auth.jwt_secret = Some(Secret(value)),
            "YICHUANG_DATA_SHARE_TOKEN" => self.data_share.token = Some(Secret(value)),
            "YICHUANG_MASTER_KEY" => self.vault.master_key = Some(Secret(value)),
            "YICHUANG_MASTER_KEY_FILE" => self.vault.master_key_file = Some(value.into()),
            "YICHUANG_LOG_FORMAT" => {
                self.log_format = match value.as_str() {
                    "pretty" => LogFormat::Pretty,
                    "json" => LogFormat::Json,
                    _ => return Err(refused("it is either pretty or json".into())),
                };
            }
            "YICHUANG_LOG" => (),
            _ => return Err(refused("nobody knows this name; see docs/configuration.md".into())),
        }
        Ok(())
    }
}

fn one_line(error: &toml::de::Error, text: &str) -> String {
    let before = error.span().and_then(|span| text.get(..span.start));
    let line = before.map_or(1, |before| before.matches('\n').count() + 1);
    format!("line {line}: {}", error.message().replace('\n', " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Config, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("yichuang.toml");
        std::fs::write(&path, text).unwrap();
        Config::load(Some(&path), std::iter::empty())
    }

    #[test]
    fn an_unknown_key_is_refused_by_name() {
        let error = read("listen = \"127.0.0.1:1\"\n[http]\nworker = 3\n").unwrap_err().to_string();
        assert!(error.contains("worker") && error.contains("line 3"), "{error}");
    }

    #[test]
    fn a_limit_is_told_by_its_route() {
        let text = "[limits]\nforwarded = true\nroutes.\"POST /api/v1/ratings\" = { per_minute = 5, burst = 2 }";
        let limits = read(text).unwrap().limits;
        assert_eq!(limits.routes["POST /api/v1/ratings"], Rate::new(5, 2));
        assert!(limits.forwarded);
        let error = read("[limits]\ncaller = { per_minute = 5 }").unwrap_err().to_string();
        assert!(error.contains("burst"), "{error}");
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("yichuang.toml");
        std::fs::write(&path, "listen = \"127.0.0.1:1\"").unwrap();
        let environment = [("YICHUANG_LISTEN".to_owned(), "127.0.0.1:2".to_owned())];
        let config = Config::load(Some(&path), environment.into_iter()).unwrap();
        assert_eq!(config.listen.port(), 2);
    }

    #[test]
    fn an_unknown_variable_is_refused_by_name() {
        let environment = [("YICHUANG_LISTENING".to_owned(), "x".to_owned())];
        let error = Config::load(None, environment.into_iter()).unwrap_err().to_string();
        assert!(error.contains("YICHUANG_LISTENING"), "{error}");
    }

    #[test]
    fn a_secret_is_never_printed() {
        let config = read("[auth]\njwt_secret = \"do-not-tell\"").unwrap();
        assert!(!format!("{config:?}").contains("do-not-tell"));
    }
}
