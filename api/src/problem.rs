//! What is said when the answer is no: RFC 9457, in Chinese or English. No other file names a status of 400 or more.

mod rules;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCEPT_LANGUAGE, ALLOW, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE,
};
use actix_web::middleware::Next;
use actix_web::{HttpResponse, HttpResponseBuilder, ResponseError};
use serde::Serialize;
use std::fmt;

/// The same words in both languages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// 中文.
    pub zh: String,
    /// English.
    pub en: String,
}

impl Text {
    /// Both languages at once.
    pub fn new(zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self { zh: zh.into(), en: en.into() }
    }

    /// Returns the words of one language.
    #[must_use]
    pub fn in_language(&self, language: Language) -> &str {
        match language {
            Language::Chinese => &self.zh,
            Language::English => &self.en,
        }
    }
}

/// In which language to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// 中文, unless asked otherwise.
    Chinese,
    /// English.
    English,
}

impl Language {
    /// Reads `Accept-Language`: English where it is preferred to Chinese.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        let asked = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let mut best = (Self::Chinese, 0.0);
        for range in asked.split(',') {
            let mut parts = range.split(';');
            let tag = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
            let quality = parts.find_map(|part| part.trim().strip_prefix("q=")?.parse::<f32>().ok()).unwrap_or(1.0);
            let language = match tag.split('-').next() {
                Some("en") => Self::English,
                Some("zh" | "*") => Self::Chinese,
                Some(_) | None => continue,
            };
            if best.1 < quality {
                best = (language, quality);
            }
        }
        best.0
    }
}

/// One thing wrong with a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// Where, as a JSON pointer (RFC 6901).
    pub pointer: String,
    /// What.
    pub detail: Text,
}

impl FieldError {
    /// Something is wrong there.
    pub fn new(pointer: impl Into<String>, detail: Text) -> Self {
        Self { pointer: pointer.into(), detail }
    }
}

/// Every kind of no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The body or a parameter cannot be read.
    Malformed,
    /// A query parameter nobody knows.
    UnknownParameter,
    /// A query parameter has no valid value.
    InvalidParameter,
    /// A range ends before it begins.
    ReversedRange,
    /// A moment that has not come yet.
    FutureMoment,
    /// A cursor this server did not give.
    InvalidCursor,
    /// The idempotency key is not a ULID.
    InvalidKey,
    /// No valid token.
    Unauthenticated,
    /// A token past its time.
    Expired,
    /// The caller may see it, but not do that.
    Forbidden,
    /// It is not there, or not for the caller to see.
    NotFound,
    /// The person's data were erased.
    Gone,
    /// The path knows no such method.
    MethodNotAllowed,
    /// No representation the client would take.
    NotAcceptable,
    /// The client took too long to send.
    TimedOut,
    /// The same idempotency key is being worked on.
    InProgress,
    /// Others kept changing it.
    Contended,
    /// `If-Match` names an older version.
    Stale,
    /// Too many bytes.
    TooLarge,
    /// Not in a form we take.
    UnsupportedMedia,
    /// The content is not valid; `errors` says where.
    Invalid,
    /// A rule forbids it; `rule` says which.
    Rule,
    /// The idempotency key was used for another request.
    KeyReused,
    /// The bytes do not have the hash they were declared with.
    HashMismatch,
    /// Too many requests.
    TooMany,
    /// Something broke that should not.
    Internal,
    /// The log cannot be written or read for now.
    Unavailable,
    /// The outcome is not known; repeat with the same key.
    OutcomeUnknown,
    /// The views have not reached the asked position.
    NotCaughtUp,
    /// A stored paper is missing or damaged.
    PaperUnavailable,
    /// A document does not come out as it was printed.
    NotReproducible,
    /// The server is stopping.
    Stopping,
}

use Kind::*;

impl Kind {
    /// Every kind, for the description of the service.
    pub const ALL: &[Self] = &[
        Malformed,
        UnknownParameter,
        InvalidParameter,
        ReversedRange,
        FutureMoment,
        InvalidCursor,
        InvalidKey,
        Unauthenticated,
        Expired,
        Forbidden,
        NotFound,
        Gone,
        MethodNotAllowed,
        NotAcceptable,
        TimedOut,
        InProgress,
        Contended,
        Stale,
        TooLarge,
        UnsupportedMedia,
        Invalid,
        Rule,
        KeyReused,
        HashMismatch,
        TooMany,
        Internal,
        Unavailable,
        OutcomeUnknown,
        NotCaughtUp,
        PaperUnavailable,
        NotReproducible,
        Stopping,
    ];

    /// Returns the status, the permanent code, and the title in Chinese and in English.
    #[rustfmt::skip]
    fn row(self) -> (StatusCode, [&'static str; 3]) {
        use StatusCode as S;
        match self {
            Malformed => (S::BAD_REQUEST, ["malformed", "请求无法读取", "the request cannot be read"]),
            UnknownParameter => (S::BAD_REQUEST, ["unknown-parameter", "未知的查询参数", "unknown query parameter"]),
            InvalidParameter => (S::BAD_REQUEST, ["invalid-parameter", "查询参数无效", "invalid query parameter"]),
            ReversedRange => (S::BAD_REQUEST, ["reversed-range", "起止时间颠倒", "the range is reversed"]),
            FutureMoment => (S::BAD_REQUEST, ["future-moment", "时间尚未到来", "that moment has not come yet"]),
            InvalidCursor => (S::BAD_REQUEST, ["invalid-cursor", "游标无效", "invalid cursor"]),
            InvalidKey => (S::BAD_REQUEST, ["invalid-idempotency-key", "幂等键无效", "invalid idempotency key"]),
            Unauthenticated => (S::UNAUTHORIZED, ["unauthenticated", "请先登录", "authentication is required"]),
            Expired => (S::UNAUTHORIZED, ["token-expired", "登录已过期", "the token has expired"]),
            Forbidden => (S::FORBIDDEN, ["forbidden", "无权进行此操作", "not allowed"]),
            NotFound => (S::NOT_FOUND, ["not-found", "未找到", "not found"]),
            Gone => (S::GONE, ["erased", "个人信息已删除", "the person's data were erased"]),
            MethodNotAllowed => (S::METHOD_NOT_ALLOWED, ["method-not-allowed", "不支持该方法", "method not allowed"]),
            NotAcceptable => (S::NOT_ACCEPTABLE, ["not-acceptable", "无法按要求的格式提供", "no acceptable representation"]),
            TimedOut => (S::REQUEST_TIMEOUT, ["request-timeout", "请求超时", "the request took too long"]),
            InProgress => (S::CONFLICT, ["command-in-progress", "同一请求正在处理", "this command is in progress"]),
            Contended => (S::CONFLICT, ["contended", "多人同时操作，请重试", "too many others changed it, try again"]),
            Stale => (S::PRECONDITION_FAILED, ["stale-version", "内容已被更新", "it has changed meanwhile"]),
            TooLarge => (S::PAYLOAD_TOO_LARGE, ["too-large", "内容过大", "too large"]),
            UnsupportedMedia => (S::UNSUPPORTED_MEDIA_TYPE, ["unsupported-media-type", "不支持的内容格式", "unsupported media type"]),
            Invalid => (S::UNPROCESSABLE_ENTITY, ["invalid-content", "内容有误", "invalid content"]),
            Rule => (S::UNPROCESSABLE_ENTITY, ["rule", "不符合规则", "a rule forbids it"]),
            KeyReused => (S::UNPROCESSABLE_ENTITY, ["idempotency-key-reused", "幂等键已用于其他请求", "idempotency key already used for another request"]),
            HashMismatch => (S::UNPROCESSABLE_ENTITY, ["hash-mismatch", "文件校验值不符", "the declared hash does not match"]),
            TooMany => (S::TOO_MANY_REQUESTS, ["too-many-requests", "请求过于频繁", "too many requests"]),
            Internal => (S::INTERNAL_SERVER_ERROR, ["internal", "系统内部错误", "internal error"]),
            Unavailable => (S::SERVICE_UNAVAILABLE, ["unavailable", "系统暂不可用", "temporarily unavailable"]),
            OutcomeUnknown => (S::SERVICE_UNAVAILABLE, ["outcome-unknown", "处理结果未知，请用同一幂等键重试", "outcome unknown, repeat with the same key"]),
            NotCaughtUp => (S::SERVICE_UNAVAILABLE, ["not-caught-up", "数据尚未更新到位", "the views have not caught up yet"]),
            PaperUnavailable => (S::SERVICE_UNAVAILABLE, ["paper-unavailable", "材料文件缺失或损坏", "the stored paper is missing or damaged"]),
            NotReproducible => (S::INTERNAL_SERVER_ERROR, ["document-not-reproducible", "文书无法按原样再现", "the document does not come out as it was printed"]),
            Stopping => (S::SERVICE_UNAVAILABLE, ["stopping", "系统正在停止", "the server is stopping"]),
        }
    }

    /// Returns the HTTP status.
    #[must_use]
    pub fn status(self) -> StatusCode {
        self.row().0
    }

    /// Returns the permanent code.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.row().1[0]
    }

    fn title(self, language: Language) -> &'static str {
        let [_, zh, en] = self.row().1;
        match language {
            Language::Chinese => zh,
            Language::English => en,
        }
    }
}

/// One no, with what the caller needs to do better.
#[derive(Debug, Clone)]
pub struct Problem(Box<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    kind: Kind,
    detail: Option<Text>,
    errors: Vec<FieldError>,
    rule: Option<String>,
    current_version: Option<u64>,
    retry_after_seconds: Option<u32>,
    allow: Option<String>,
}

impl Problem {
    /// A no without further words.
    #[must_use]
    pub fn new(kind: Kind) -> Self {
        let retry_after_seconds = (kind.status() == StatusCode::SERVICE_UNAVAILABLE).then_some(1);
        Self(Box::new(Inner {
            kind,
            detail: None,
            errors: Vec::new(),
            rule: None,
            current_version: None,
            retry_after_seconds,
            allow: None,
        }))
    }

    /// Says more.
    #[must_use]
    pub fn detail(mut self, detail: Text) -> Self {
        self.0.detail = Some(detail);
        self
    }

    /// Says where.
    #[must_use]
    pub fn errors(mut self, errors: Vec<FieldError>) -> Self {
        self.0.errors = errors;
        self
    }

    /// Names the rule that forbids it.
    #[must_use]
    pub fn rule(mut self, rule: impl Into<String>) -> Self {
        self.0.rule = Some(rule.into());
        self
    }

    /// Names the version that is now current.
    #[must_use]
    pub fn current_version(mut self, version: u64) -> Self {
        self.0.current_version = Some(version);
        self
    }

    /// Says when to try again.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.0.retry_after_seconds = Some(seconds);
        self
    }

    /// Names the methods that the path knows.
    #[must_use]
    pub fn allow(mut self, methods: impl Into<String>) -> Self {
        self.0.allow = Some(methods.into());
        self
    }

    /// Returns its kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// It is not there, or not for the caller to see: the two are not told apart.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(Kind::NotFound)
    }

    /// A query parameter has no valid value.
    pub fn invalid_parameter(name: &str, detail: Text) -> Self {
        Self::new(Kind::InvalidParameter).errors(vec![FieldError::new(format!("/{name}"), detail)])
    }

    /// Returns it as the answer about one row of many: code, rule, and what is wrong where.
    #[must_use]
    pub fn of_row(&self, row: u64, language: Language) -> serde_json::Value {
        let Inner { kind, detail, errors, rule, .. } = &*self.0;
        let errors: Vec<_> = errors
            .iter()
            .map(|error| FieldErrorBody { pointer: &error.pointer, detail: error.detail.in_language(language) })
            .collect();
        let detail = detail.as_ref().map_or_else(|| kind.title(language), |text| text.in_language(language));
        serde_json::json!({ "row": row, "code": kind.code(), "rule": rule, "detail": detail, "errors": errors })
    }

    fn body(&self, language: Language, instance: &str) -> Vec<u8> {
        let Inner { kind, detail, errors, rule, current_version, .. } = &*self.0;
        let errors: Vec<_> = errors
            .iter()
            .map(|error| FieldErrorBody { pointer: &error.pointer, detail: error.detail.in_language(language) })
            .collect();
        let body = ProblemBody {
            r#type: format!("urn:yichuang:problem:{}", kind.code()),
            title: kind.title(language),
            status: kind.status().as_u16(),
            detail: detail.as_ref().map(|text| text.in_language(language)),
            instance,
            code: kind.code(),
            errors: &errors,
            rule: rule.as_deref(),
            current_version: *current_version,
        };
        serde_json::to_vec(&body).unwrap_or_default()
    }

    fn respond(&self, language: Language, instance: &str) -> HttpResponse {
        let inner = &*self.0;
        let mut response = HttpResponseBuilder::new(inner.kind.status());
        response.insert_header((CONTENT_TYPE, "application/problem+json"));
        if let Some(seconds) = inner.retry_after_seconds {
            response.insert_header((RETRY_AFTER, seconds));
        }
        if let Some(methods) = &inner.allow {
            response.insert_header((ALLOW, methods.as_str()));
        }
        if inner.kind.status() == StatusCode::UNAUTHORIZED {
            response.insert_header((WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")));
        }
        response.body(self.body(language, instance))
    }
}

/// The shape of every no.
#[derive(Debug, Serialize)]
struct ProblemBody<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    instance: &'a str,
    code: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldErrorBody<'a>],
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    current_version: Option<u64>,
}

#[derive(Debug, Serialize)]
struct FieldErrorBody<'a> {
    pointer: &'a str,
    detail: &'a str,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.kind.code())
    }
}

impl std::error::Error for Problem {}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.0.kind.status()
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        // `render` puts the same answer into the caller's language; without it there is still a whole answer.
        self.respond(Language::Chinese, "")
    }
}

/// Middleware: gives every no of handlers, extractors and the router the one shape, in the caller's language.
///
/// # Errors
/// None of its own; those of other middleware pass through.
pub async fn render(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let language = Language::of(request.headers());
    let instance = request.path().to_owned();
    // What handlers, extractors and the router refuse arrives as a response.
    let response = next.call(request).await?.map_into_boxed_body();
    if !response.status().is_client_error() && !response.status().is_server_error() {
        return Ok(response);
    }
    let told = response.response().error().and_then(|error| error.as_error::<Problem>()).cloned();
    let problem = told.unwrap_or_else(|| Problem::new(kind_of(response.status())));
    let (request, plain) = response.into_parts();
    let mut rendered = problem.respond(language, &instance);
    // Headers such as `Allow` that the router set stay.
    for (name, value) in plain.headers() {
        if !rendered.headers().contains_key(name) {
            rendered.headers_mut().insert(name.clone(), value.clone());
        }
    }
    Ok(ServiceResponse::new(request, rendered))
}

fn kind_of(status: StatusCode) -> Kind {
    match status {
        StatusCode::UNAUTHORIZED => Kind::Unauthenticated,
        StatusCode::FORBIDDEN => Kind::Forbidden,
        StatusCode::NOT_FOUND => Kind::NotFound,
        StatusCode::METHOD_NOT_ALLOWED => Kind::MethodNotAllowed,
        StatusCode::NOT_ACCEPTABLE => Kind::NotAcceptable,
        StatusCode::REQUEST_TIMEOUT => Kind::TimedOut,
        StatusCode::PAYLOAD_TOO_LARGE => Kind::TooLarge,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Kind::UnsupportedMedia,
        StatusCode::SERVICE_UNAVAILABLE => Kind::Unavailable,
        status if status.is_client_error() => Kind::Malformed,
        _ => Kind::Internal,
    }
}

impl From<crate::auth::TokenError> for Problem {
    fn from(error: crate::auth::TokenError) -> Self {
        use crate::auth::TokenError;
        match error {
            TokenError::Missing | TokenError::Invalid => Self::new(Kind::Unauthenticated),
            TokenError::Expired => Self::new(Kind::Expired),
        }
    }
}

impl Problem {
    /// Returns what is said of a body that did not come whole.
    #[must_use]
    pub fn from_body(error: actix_web::Error) -> Self {
        Self::new(kind_of(error.as_response_error().status_code()))
    }
}

impl From<crate::execute::Trouble> for Problem {
    fn from(trouble: crate::execute::Trouble) -> Self {
        use crate::execute::Trouble;
        match trouble {
            Trouble::InProgress => Self::new(InProgress),
            Trouble::KeyReused => Self::new(KeyReused),
            Trouble::TooLarge => Self::new(TooLarge),
            Trouble::Unknown => Self::new(OutcomeUnknown),
            Trouble::NotWritten(source) => {
                tracing::error!("a command was not written: {source}");
                Self::new(Unavailable)
            }
            Trouble::Read(error) => {
                tracing::error!("the log could not be read for a command: {error}");
                Self::new(Unavailable)
            }
            Trouble::Print(error) => {
                tracing::error!("a document could not be printed, so nothing was written: {error}");
                Self::new(Internal)
            }
        }
    }
}

impl<R: Into<Self>> From<crate::execute::ExecuteError<R>> for Problem {
    fn from(error: crate::execute::ExecuteError<R>) -> Self {
        use crate::execute::ExecuteError;
        match error {
            ExecuteError::Rejected(rejection) => rejection.into(),
            ExecuteError::Stale { current } => Self::new(Stale).current_version(current),
            ExecuteError::Contended => Self::new(Contended),
            ExecuteError::Trouble(trouble) => trouble.into(),
        }
    }
}

impl From<domain::case::Rejection> for Problem {
    fn from(rejection: domain::case::Rejection) -> Self {
        let kind = if rejection.is_about_rights() { Forbidden } else { Rule };
        Self::new(kind).rule(rejection.code()).detail(Text::new(rejection.zh(), rejection.en()))
    }
}

impl From<crate::vault::VaultError> for Problem {
    fn from(error: crate::vault::VaultError) -> Self {
        use crate::vault::VaultError;
        match error {
            VaultError::Erased => Self::new(Gone),
            VaultError::Open { .. } | VaultError::MasterKey(_) | VaultError::Store(_) | VaultError::Broken => {
                tracing::error!("the vault failed: {error}");
                Self::new(Unavailable)
            }
        }
    }
}

impl From<crate::papers::PaperError> for Problem {
    fn from(error: crate::papers::PaperError) -> Self {
        use crate::papers::PaperError;
        match error {
            PaperError::MediaType => Self::new(UnsupportedMedia).detail(Text::new(
                "只接受 PDF、JPEG、PNG 和 OFD 文件，且内容须与所声明的类型一致",
                "only PDF, JPEG, PNG and OFD are taken, and the bytes must be of the declared type",
            )),
            PaperError::TooLarge(bytes_max) => Self::new(TooLarge).detail(Text::new(
                format!("文件不得超过{bytes_max}字节"),
                format!("a paper has at most {bytes_max} bytes"),
            )),
            PaperError::Empty => {
                let detail = Text::new("文件为空", "is empty");
                Self::new(Invalid).errors(vec![FieldError::new("/file", detail)])
            }
            PaperError::Missing | PaperError::Damaged => {
                tracing::error!("a stored paper cannot be given back: {error}");
                Self::new(PaperUnavailable).retry_after(3600)
            }
            PaperError::Vault(error) => error.into(),
            PaperError::Io(error) => {
                tracing::error!("the folder of papers cannot be used: {error}");
                Self::new(Unavailable)
            }
        }
    }
}

impl From<replay::case_index::IndexError> for Problem {
    fn from(error: replay::case_index::IndexError) -> Self {
        tracing::error!("the case index cannot be read: {error}");
        Self::new(Unavailable)
    }
}
