//! Who asks, in which role, for whom, and how much of the city they may see.

use crate::bounded::Bounded;
use crate::clock::{self, Clock};
use crate::config::Secret;
use crate::node::Node;
use crate::problem::{Kind, Problem};
use actix_web::dev::Payload;
use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use actix_web::{FromRequest, HttpRequest, web};
use chrono::TimeDelta;
use domain::actor::{Actor, Channel, Role};
use domain::ids::{OrganisationId, StaffId, SubjectId, WindowId};
use domain::zone::Instant;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use replay::cloud_events::Persons;
use serde::{Deserialize, Serialize};
use std::future::{Ready, ready};
use std::sync::Arc;

/// The shortest secret that signs tokens.
pub const SECRET_BYTES_MIN: usize = 32;
/// Verified tokens that are remembered.
const TOKENS_MAX: usize = 16_384;
/// Stream tickets that are remembered.
const TICKETS_MAX: usize = 16_384;
/// How long a stream ticket opens streams.
const TICKET_SECONDS: i64 = 60;
/// The longest token that is looked at.
const TOKEN_BYTES_MAX: usize = 4096;

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// The member of staff, or a resident's person reference.
    pub sub: String,
    /// The role.
    pub role: String,
    /// The organisation (or region code) they act for.
    pub org: String,
    /// Not valid from this moment on, in seconds since 1970.
    pub exp: i64,
    /// The window they sit at, where they sit at one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<String>,
}

/// Who asks; the only reader of `Authorization`.
#[derive(Debug, Clone)]
pub struct Caller {
    /// As it will stand in the log.
    pub actor: Actor,
    /// What they may see.
    pub scope: Scope,
}

/// What one may see, always by today's rights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// Of whom.
    pub extent: Extent,
    /// How much of it.
    pub sight: Sight,
}

/// Of whom one may see something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Extent {
    /// An organisation and everything below it.
    Subtree(OrganisationId),
    /// One person's own cases.
    Person(SubjectId),
}

/// How much one may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sight {
    /// Counts only: screens and reception.
    Counts,
    /// Cases without any person: analysts.
    Figures,
    /// Cases with masked persons.
    Files,
}

impl Sight {
    /// Returns how much of persons stands in the events that are shown.
    #[must_use]
    pub fn persons(self) -> Persons {
        match self {
            Self::Counts | Self::Figures => Persons::Hidden,
            Self::Files => Persons::Referred,
        }
    }
}

impl Scope {
    /// Returns what this role sees.
    #[must_use]
    pub fn of(actor: &Actor) -> Self {
        let extent = match actor.subject() {
            Some(subject) => Extent::Person(subject),
            None => Extent::Subtree(actor.organisation.clone()),
        };
        let sight = match actor.role {
            Role::Screen | Role::Receptionist => Sight::Counts,
            Role::Analyst => Sight::Figures,
            Role::Resident
            | Role::VillageAgent
            | Role::Clerk
            | Role::Handler
            | Role::Chief
            | Role::OrganHead
            | Role::CertificateMaker
            | Role::DeliveryClerk
            | Role::Supervisor
            | Role::Admin
            | Role::System
            | Role::Import => Sight::Files,
        };
        Self { extent, sight }
    }

    /// Tells whether something with these visibility labels lies within the scope: `o:<path>` for every organisation
    /// involved (its ids from the root down, joined by `/`) and `s:<subject>` for every person.
    pub fn covers<'a>(&self, labels: impl IntoIterator<Item = &'a str>) -> bool {
        labels.into_iter().any(|label| match &self.extent {
            Extent::Subtree(root) => {
                label.strip_prefix("o:").is_some_and(|path| path.split('/').any(|id| id == root.as_str()))
            }
            Extent::Person(subject) => label.strip_prefix("s:") == Some(subject.as_str()),
        })
    }

    /// Tells whether single cases may be seen at all.
    #[must_use]
    pub fn sees_cases(&self) -> bool {
        Sight::Figures <= self.sight
    }

    /// Tells whether persons may be seen, masked.
    #[must_use]
    pub fn sees_persons(&self) -> bool {
        Sight::Files <= self.sight
    }
}

/// The token says nothing that can be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// None came, or not in the form `Bearer …`.
    #[error("no bearer token")]
    Missing,
    /// Not signed by us, or not for a role that may ask.
    #[error("the token is not valid")]
    Invalid,
    /// It was valid once.
    #[error("the token has expired")]
    Expired,
}

/// Signs and verifies tokens (JWT, HS256).
pub struct TokenVerifier {
    signing: EncodingKey,
    verifying: DecodingKey,
    validation: Validation,
    verified: Bounded<String, Arc<Verified>>,
}

#[derive(Debug)]
struct Verified {
    caller: Caller,
    expires: i64,
}

/// The secret is too short to sign with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the token secret has fewer than {SECRET_BYTES_MIN} bytes; set YICHUANG_JWT_SECRET to a longer one")]
pub struct SecretTooShort;

impl TokenVerifier {
    /// A verifier of tokens signed with this secret.
    ///
    /// # Errors
    /// The secret is shorter than [`SECRET_BYTES_MIN`].
    pub fn new(secret: &Secret) -> Result<Self, SecretTooShort> {
        let secret = secret.expose().as_bytes();
        if secret.len() < SECRET_BYTES_MIN {
            return Err(SecretTooShort);
        }
        let mut validation = Validation::new(Algorithm::HS256);
        // Expiry is judged by our own clock, below.
        validation.validate_exp = false;
        validation.set_required_spec_claims(&["exp", "sub"]);
        Ok(Self {
            signing: EncodingKey::from_secret(secret),
            verifying: DecodingKey::from_secret(secret),
            validation,
            verified: Bounded::new(TOKENS_MAX),
        })
    }

    /// Signs a token.
    ///
    /// # Errors
    /// The claims cannot be written as JSON, which claims of text and numbers always can.
    pub fn issue(&self, claims: &Claims) -> Result<String, jsonwebtoken::errors::Error> {
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &self.signing)
    }

    /// Returns who presents this token.
    ///
    /// # Errors
    /// The token is not ours, not well formed, for no role that may ask, or past its time.
    pub fn verify(&self, token: &str, now: Instant) -> Result<Caller, TokenError> {
        if TOKEN_BYTES_MAX < token.len() {
            return Err(TokenError::Invalid);
        }
        let verified = match self.verified.get(token) {
            Some(verified) => verified,
            None => {
                let claims = jsonwebtoken::decode::<Claims>(token, &self.verifying, &self.validation)
                    .map_err(|_| TokenError::Invalid)?
                    .claims;
                let verified = Arc::new(Verified { caller: Caller::of(&claims)?, expires: claims.exp });
                self.verified.put(token.to_owned(), Arc::clone(&verified));
                verified
            }
        };
        if verified.expires <= now.timestamp() {
            return Err(TokenError::Expired);
        }
        Ok(verified.caller.clone())
    }
}

impl Caller {
    /// Returns whom verified claims speak of.
    ///
    /// # Errors
    /// A code is malformed, or the role is not one of people.
    pub fn of(claims: &Claims) -> Result<Self, TokenError> {
        let role: Role = claims.role.parse().map_err(|_| TokenError::Invalid)?;
        if matches!(role, Role::System | Role::Import) {
            return Err(TokenError::Invalid);
        }
        let id: StaffId = claims.sub.parse().map_err(|_| TokenError::Invalid)?;
        let organisation: OrganisationId = claims.org.parse().map_err(|_| TokenError::Invalid)?;
        let window: Option<WindowId> =
            claims.window.as_deref().map(str::parse).transpose().map_err(|_| TokenError::Invalid)?;
        let channel = if role == Role::Resident { Channel::Web } else { Channel::Window };
        let actor = Actor { id, role, organisation, window, acting_for: None, channel };
        let scope = Scope::of(&actor);
        Ok(Self { actor, scope })
    }
}

/// Short-lived words that open a stream for a browser's `EventSource`, which cannot send a token.
#[derive(Debug)]
pub struct Tickets {
    given: Bounded<String, (Caller, Instant)>,
}

impl Default for Tickets {
    fn default() -> Self {
        Self { given: Bounded::new(TICKETS_MAX) }
    }
}

impl Tickets {
    /// Gives a ticket, and says until when it opens streams.
    pub fn give(&self, caller: &Caller, clock: &Clock) -> (String, Instant) {
        let ticket = clock::secret::<24>().iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let until = clock.now() + TimeDelta::seconds(TICKET_SECONDS);
        self.given.put(ticket.clone(), (caller.clone(), until));
        (ticket, until)
    }

    /// Returns whose ticket it is, while it holds. An `EventSource` may come back with it until then.
    #[must_use]
    pub fn holder(&self, ticket: &str, now: Instant) -> Option<Caller> {
        let (caller, until) = self.given.get(ticket)?;
        (now < until).then_some(caller)
    }
}

impl FromRequest for Caller {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(authenticate(request))
    }
}

/// Who asks for a stream: by token, or by a ticket in the query.
#[derive(Debug, Clone)]
pub struct StreamCaller(pub Caller);

impl FromRequest for StreamCaller {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        #[derive(Deserialize)]
        struct Ticket {
            ticket: String,
        }
        let query = web::Query::<Ticket>::from_query(request.query_string());
        let holder = match (query, request.app_data::<web::Data<Node>>()) {
            (Ok(query), Some(node)) => node.tickets.holder(&query.ticket, node.clock.now()),
            (Ok(_), None) | (Err(_), _) => None,
        };
        ready(holder.map_or_else(|| authenticate(request), Ok).map(Self))
    }
}

fn authenticate(request: &HttpRequest) -> Result<Caller, Problem> {
    let node = request.app_data::<web::Data<Node>>().ok_or_else(|| Problem::new(Kind::Internal))?;
    Ok(caller_of(node, request.headers())?)
}

/// Returns who presents the token in these headers.
///
/// # Errors
/// There is none, or it cannot be relied on.
pub fn caller_of(node: &Node, headers: &HeaderMap) -> Result<Caller, TokenError> {
    let header = headers.get(AUTHORIZATION).ok_or(TokenError::Missing)?;
    let (scheme, token) = header.to_str().ok().and_then(|text| text.split_once(' ')).ok_or(TokenError::Missing)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(TokenError::Missing);
    }
    node.tokens.verify(token.trim(), node.clock.now())
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;

    fn verifier() -> TokenVerifier {
        TokenVerifier::new(&Secret::new("a secret of at least thirty-two bytes")).unwrap()
    }

    fn claims(role: &str) -> Claims {
        Claims { sub: "zhang".into(), role: role.into(), org: "361023100".into(), exp: 1_000, window: None }
    }

    fn at(seconds: i64) -> Instant {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    #[test]
    fn a_token_says_who_asks_until_it_expires() {
        let verifier = verifier();
        let token = verifier.issue(&claims("clerk")).unwrap();
        let caller = verifier.verify(&token, at(999)).unwrap();
        assert_eq!(caller.actor.role, Role::Clerk);
        assert_eq!(verifier.verify(&token, at(1_000)).unwrap_err(), TokenError::Expired);
    }

    #[test]
    fn a_token_signed_by_another_is_refused() {
        let other = TokenVerifier::new(&Secret::new("another secret of thirty-two bytes!!")).unwrap();
        let token = other.issue(&claims("clerk")).unwrap();
        assert_eq!(verifier().verify(&token, at(0)).unwrap_err(), TokenError::Invalid);
    }

    #[test]
    fn nobody_is_the_system_by_token() {
        let verifier = verifier();
        let token = verifier.issue(&claims("system")).unwrap();
        assert_eq!(verifier.verify(&token, at(0)).unwrap_err(), TokenError::Invalid);
    }

    #[test]
    fn an_unsigned_token_is_refused() {
        // {"alg":"none","typ":"JWT"} . {"sub":"zhang","role":"admin","org":"361000","exp":1000}
        let token = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.\
                     eyJzdWIiOiJ6aGFuZyIsInJvbGUiOiJhZG1pbiIsIm9yZyI6IjM2MTAwMCIsImV4cCI6MTAwMH0.";
        assert_eq!(verifier().verify(token, at(0)).unwrap_err(), TokenError::Invalid);
    }

    #[test]
    fn a_subtree_covers_what_lies_below_and_nothing_beside() {
        let verifier = verifier();
        let token = verifier.issue(&claims("clerk")).unwrap();
        let scope = verifier.verify(&token, at(0)).unwrap().scope;
        assert!(scope.covers(["c:1", "o:361000000/361023000/361023100/361023100001"]));
        assert!(!scope.covers(["o:361000000/361023000/361023101", "s:zhang"]));
    }
}
