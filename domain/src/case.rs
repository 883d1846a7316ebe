//! One application 办件, from 申请 to 办结 and 送达.

mod command;

pub use command::{CaseCommand, Submit};
