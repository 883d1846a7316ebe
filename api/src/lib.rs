//! The one-window service over HTTP: the composition root, where clock, chance, secrets and sockets come in.
//!
//! Reading order: [`cli`] parses a command line, [`config`] a file, [`node`] puts the parts together and serves.
//! A write goes through [`routes::write`] → [`seal`] → [`execute`]; a read through [`routes::read`] → [`views`].

pub mod answer;
pub mod answers;
pub mod auth;
pub mod bounded;
pub mod certificates;
pub mod cli;
pub mod clock;
pub mod config;
pub mod cursor;
pub mod data_share;
pub mod demo;
pub mod documents;
pub mod execute;
pub mod exports;
pub mod figures;
pub mod files;
pub mod forms;
pub mod guide;
pub mod jobs;
pub mod labels;
mod lane;
pub mod libraries;
pub mod limits;
pub mod maps;
pub mod node;
pub mod openapi;
pub mod papers;
pub mod pinyin;
pub mod problem;
pub mod progress;
pub mod query;
pub mod reads;
pub mod reference;
pub mod remembered;
pub mod reveal;
pub mod rights;
pub mod routes;
pub mod seal;
pub mod sse;
pub mod table;
pub mod telemetry;
pub mod ticker;
pub mod vault;
pub mod views;
