//! How often one caller, or one address without a token, may ask: beyond it the answer is 429 and when to come again.
//!
//! An allowance is a bucket that fills at a steady rate and holds a burst (the generic cell rate algorithm: one moment
//! per bucket says all). Kept here in a few lines because the two things that matter, a bound on memory and our own
//! clock, are what the libraries for it leave to their users.

use crate::bounded::Bounded;
use crate::config::{Limits as Settings, Rate};
use crate::node::Node;
use crate::openapi;
use crate::problem::{Kind, Problem, Text};
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::HeaderMap;
use actix_web::middleware::Next;
use actix_web::web::Data;
use domain::zone::Instant;
use std::hash::{BuildHasher as _, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// Buckets that are remembered; whoever is forgotten begins with a full one.
const BUCKETS_MAX: usize = 65_536;
/// How many bits of an IPv6 address tell one customer of a provider from another.
const IPV6_PREFIX_BITS: u32 = 64;

/// Routes with an allowance of their own, besides the common ones: method and path as they are described, per minute,
/// burst. What the settings say of a route wins.
pub const ROUTES: &[(&str, u32, u32)] = &[
    // Open to whoever holds a receipt: a hall's visitors share an address, a guesser of codes needs many more tries.
    ("POST /api/v1/ratings", 120, 60),
    // How far a case is, by a code of the same kind.
    ("POST /api/v1/progress", 30, 10),
];

/// The allowances of one server, and how much of each is used.
pub struct Limits {
    caller: Option<Allowance>,
    address: Option<Allowance>,
    routes: Vec<RouteLimit>,
    forwarded: bool,
    buckets: Bounded<u64, Arc<AtomicI64>>,
    hasher: RandomState,
}

/// A setting names a route that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("limits.routes names {0:?}, which is no route; write it as in /openapi.json, such as \"POST /api/v1/ratings\"")]
pub struct NoSuchRoute(String);

struct RouteLimit {
    method: String,
    /// The path's parts; nothing where any will do.
    parts: Vec<Option<String>>,
    name: String,
    allowance: Option<Allowance>,
}

/// So many per minute, and so many at once.
#[derive(Debug, Clone, Copy)]
struct Allowance {
    /// How long one request takes to be forgotten.
    interval_nanos: i64,
    /// How far ahead of time a bucket may be.
    ahead_nanos: i64,
}

/// Whose bucket.
#[derive(Hash)]
enum Who<'a> {
    Caller(&'a str),
    Address(Option<IpAddr>),
}

impl Limits {
    /// Reads the settings.
    ///
    /// # Errors
    /// They name a route that does not exist.
    pub fn new(settings: &Settings) -> Result<Self, NoSuchRoute> {
        let mut rates: Vec<(String, Rate)> = ROUTES
            .iter()
            .map(|(route, per_minute, burst)| ((*route).to_owned(), Rate::new(*per_minute, *burst)))
            .collect();
        for (route, rate) in &settings.routes {
            match rates.iter_mut().find(|(known, _)| known == route) {
                Some((_, known)) => *known = *rate,
                None => rates.push((route.clone(), *rate)),
            }
        }
        let routes = rates.into_iter().map(|(route, rate)| RouteLimit::new(&route, rate)).collect::<Result<_, _>>()?;
        Ok(Self {
            caller: Allowance::of(settings.caller),
            address: Allowance::of(settings.address),
            routes,
            forwarded: settings.forwarded,
            buckets: Bounded::new(BUCKETS_MAX),
            hasher: RandomState::new(),
        })
    }

    /// Counts a request, or says which allowance is used up and in how many seconds there is some again.
    fn admit(&self, method: &str, path: &str, who: &Who<'_>, now: Instant) -> Result<(), (&str, u32)> {
        let now = now.timestamp_nanos_opt().unwrap_or(i64::MAX);
        for (nth, route) in self.routes.iter().enumerate() {
            if let Some(allowance) = route.allowance.filter(|_| route.is_of(method, path)) {
                self.take(allowance, self.hasher.hash_one((nth, who)), now)
                    .map_err(|wait| (route.name.as_str(), wait))?;
            }
        }
        let (name, allowance) = match who {
            Who::Caller(_) => ("caller", self.caller),
            Who::Address(_) => ("address", self.address),
        };
        let Some(allowance) = allowance else { return Ok(()) };
        self.take(allowance, self.hasher.hash_one(who), now).map_err(|wait| (name, wait))
    }

    fn take(&self, allowance: Allowance, bucket: u64, now: i64) -> Result<(), u32> {
        let full_at = self.buckets.get(&bucket).unwrap_or_else(|| {
            let full_at = Arc::new(AtomicI64::new(i64::MIN));
            self.buckets.put(bucket, Arc::clone(&full_at));
            full_at
        });
        let mut seen = full_at.load(Ordering::Relaxed);
        loop {
            let next = allowance.after(seen, now)?;
            match full_at.compare_exchange_weak(seen, next, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Ok(()),
                Err(other) => seen = other,
            }
        }
    }

    /// Whose address counts: the peer's, or what our own proxy says of it.
    fn address(&self, peer: Option<IpAddr>, headers: &HeaderMap) -> Option<IpAddr> {
        // The last entry is our proxy's own; whatever stands before it the client may have written.
        let told = || headers.get("x-forwarded-for")?.to_str().ok()?.rsplit(',').next()?.trim().parse().ok();
        let address = if self.forwarded { told().or(peer) } else { peer };
        address.map(|address| match address.to_canonical() {
            IpAddr::V4(address) => IpAddr::V4(address),
            IpAddr::V6(address) => {
                IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !(u128::MAX >> IPV6_PREFIX_BITS)))
            }
        })
    }
}

impl RouteLimit {
    fn new(route: &str, rate: Rate) -> Result<Self, NoSuchRoute> {
        let unknown = || NoSuchRoute(route.to_owned());
        let (method, path) = route.split_once(' ').ok_or_else(unknown)?;
        if !openapi::methods_of(path).split(", ").any(|known| known == method) {
            return Err(unknown());
        }
        let part = |part: &str| if part.starts_with('{') { None } else { Some(part.to_owned()) };
        Ok(Self {
            method: method.to_owned(),
            parts: path.split('/').map(part).collect(),
            name: route.to_owned(),
            allowance: Allowance::of(rate),
        })
    }

    fn is_of(&self, method: &str, path: &str) -> bool {
        let mut parts = path.split('/');
        let fits =
            |known: &Option<String>| parts.next().is_some_and(|part| known.as_ref().is_none_or(|known| known == part));
        self.method == method && self.parts.iter().all(fits) && parts.next().is_none()
    }
}

impl Allowance {
    /// Nothing where there is no limit.
    fn of(rate: Rate) -> Option<Self> {
        const MINUTE_NANOS: i64 = 60_000_000_000;
        let interval_nanos = MINUTE_NANOS.checked_div(i64::from(rate.per_minute))?;
        Some(Self { interval_nanos, ahead_nanos: interval_nanos * i64::from(rate.burst.saturating_sub(1)) })
    }

    /// Returns when the bucket will be full after one more request; or in how many seconds it has room for one.
    fn after(self, full_at: i64, now: i64) -> Result<i64, u32> {
        let full_at = full_at.max(now);
        let wait = full_at - now - self.ahead_nanos;
        if 0 < wait {
            const SECOND_NANOS: i64 = 1_000_000_000;
            return Err(u32::try_from((wait + SECOND_NANOS - 1) / SECOND_NANOS).unwrap_or(u32::MAX));
        }
        Ok(full_at + self.interval_nanos)
    }
}

/// Middleware: counts every request below the prefix against its caller's allowance, or its address's.
///
/// A token that does not hold is none, so that guessing tokens is counted as well.
///
/// # Errors
/// None of its own.
pub async fn enforce(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    if let Some(node) = request.app_data::<Data<Node>>() {
        let caller = crate::auth::caller_of(node, request.headers()).ok();
        let who = match &caller {
            Some(caller) => Who::Caller(caller.actor.id.as_str()),
            None => Who::Address(node.limits.address(request.peer_addr().map(|peer| peer.ip()), request.headers())),
        };
        let now = node.clock.now();
        if let Err((name, wait)) = node.limits.admit(request.method().as_str(), request.path(), &who, now) {
            node.reads.metrics.limited(name);
            return Ok(request.error_response(too_many(wait)));
        }
    }
    Ok(next.call(request).await?.map_into_boxed_body())
}

fn too_many(wait: u32) -> Problem {
    let detail = Text::new(format!("请在{wait}秒后再试"), format!("try again in {wait} s"));
    Problem::new(Kind::TooMany).detail(detail).retry_after(wait)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{DateTime, TimeDelta};

    fn limits(per_minute: u32, burst: u32) -> Limits {
        Limits::new(&Settings { caller: Rate::new(per_minute, burst), ..Settings::default() }).unwrap()
    }

    fn noon() -> Instant {
        DateTime::from_timestamp(1_770_000_000, 0).unwrap()
    }

    fn ask(limits: &Limits, who: &str, at: Instant) -> Result<(), u32> {
        limits.admit("GET", "/api/v1/cases", &Who::Caller(who), at).map_err(|(_, wait)| wait)
    }

    #[test]
    fn after_a_burst_requests_come_at_the_steady_rate() {
        let limits = limits(60, 3);
        for _ in 0..3 {
            assert_eq!(ask(&limits, "zhang", noon()), Ok(()));
        }
        assert_eq!(ask(&limits, "zhang", noon()), Err(1));
        let later = noon() + TimeDelta::seconds(1);
        assert_eq!(ask(&limits, "zhang", later), Ok(()));
        assert_eq!(ask(&limits, "zhang", later), Err(1));
        let rested = noon() + TimeDelta::hours(1);
        for _ in 0..3 {
            assert_eq!(ask(&limits, "zhang", rested), Ok(()));
        }
        assert_eq!(ask(&limits, "zhang", rested), Err(1));
    }

    #[test]
    fn one_caller_does_not_use_up_the_allowance_of_another() {
        let limits = limits(1, 1);
        assert_eq!(ask(&limits, "zhang", noon()), Ok(()));
        assert_eq!(ask(&limits, "zhang", noon()), Err(60));
        assert_eq!(ask(&limits, "li", noon()), Ok(()));
    }

    #[test]
    fn none_per_minute_means_no_limit() {
        let limits = limits(0, 1);
        for _ in 0..10_000 {
            assert_eq!(ask(&limits, "zhang", noon()), Ok(()));
        }
    }

    #[test]
    fn a_route_may_have_a_stricter_limit_than_the_rest() {
        let routes = [("POST /api/v1/cases/{id}/unmask".to_owned(), Rate::new(1, 2))].into();
        let limits = Limits::new(&Settings { routes, ..Settings::default() }).unwrap();
        let who = Who::Caller("zhang");
        let ask = |path: &str| limits.admit("POST", path, &who, noon()).map_err(|(name, _)| name.to_owned());
        assert_eq!(ask("/api/v1/cases/A/unmask"), Ok(()));
        assert_eq!(ask("/api/v1/cases/B/unmask"), Ok(()));
        assert_eq!(ask("/api/v1/cases/C/unmask"), Err("POST /api/v1/cases/{id}/unmask".to_owned()));
        assert_eq!(ask("/api/v1/cases/C/materials"), Ok(()));
    }

    #[test]
    fn a_limit_for_a_route_that_is_not_there_is_refused() {
        let routes = [("GET /api/v1/nothing".to_owned(), Rate::new(1, 1))].into();
        let refused = Limits::new(&Settings { routes, ..Settings::default() }).err();
        assert_eq!(refused, Some(NoSuchRoute("GET /api/v1/nothing".to_owned())));
    }

    #[test]
    fn an_address_is_the_peers_unless_our_own_proxy_tells_another() {
        let mut headers = HeaderMap::new();
        let forwarded = "203.0.113.9, 198.51.100.7".parse().unwrap();
        headers.insert(actix_web::http::header::HeaderName::from_static("x-forwarded-for"), forwarded);
        let peer: Option<IpAddr> = "10.0.0.1".parse().ok();
        let direct = Limits::new(&Settings::default()).unwrap();
        assert_eq!(direct.address(peer, &headers), peer);
        let proxied = Limits::new(&Settings { forwarded: true, ..Settings::default() }).unwrap();
        assert_eq!(proxied.address(peer, &headers), "198.51.100.7".parse().ok());
        assert_eq!(proxied.address(peer, &HeaderMap::new()), peer);
    }

    #[test]
    fn the_addresses_of_one_ipv6_customer_share_a_bucket() {
        let limits = Limits::new(&Settings::default()).unwrap();
        let of = |text: &str| limits.address(text.parse().ok(), &HeaderMap::new());
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
    }
}
