//! Elements of an implementation list that residents read and applications are checked by.

use crate::ids::SituationCode;
use serde::{Deserialize, Serialize};

/// A sentence in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wording {
    /// 中文.
    pub zh: String,
    /// English; empty where there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub en: String,
}

/// A situation in which the item asks for more, chosen by the applicant or plain from the application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Situation {
    /// Its code, unique in the item version.
    pub code: SituationCode,
    /// 情形.
    pub name_zh: String,
    /// It in English.
    pub name_en: String,
    /// It is given whenever an agent applies.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_agent: bool,
}

/// The form of an item, as JSON Schema (2020-12). Its answers are about people, and sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ElectronicForm {
    /// Counts the item's forms, from 1; a changed schema is another version.
    pub version: u32,
    /// What answers must be like, with titles in Chinese.
    pub schema: serde_json::Value,
}

/// One fee.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fee {
    /// 收费项目.
    pub name_zh: String,
    /// How much, in fen.
    pub amount_fen: u32,
    /// 收费依据.
    pub basis: String,
}

/// A question that residents often ask.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// 问.
    pub question_zh: String,
    /// 答.
    pub answer_zh: String,
}
