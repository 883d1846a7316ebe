//! What can be asked, by path.

pub mod read;
pub mod write;

use crate::limits;
use crate::openapi;
use crate::problem::{Kind, Problem};
use actix_web::HttpRequest;
use actix_web::middleware::from_fn;
use actix_web::web::{self, ServiceConfig};

/// Registers everything below `/api/v1`, and what stands beside it.
pub fn configure(config: &mut ServiceConfig) {
    // Paths are tried in this order, and reads are asked most.
    let below = web::scope("/api/v1").configure(read::configure).configure(write::configure);
    let below = below.default_service(web::to(unmatched)).wrap(from_fn(limits::enforce));
    config.service(below);
    config.configure(read::configure_outside);
    config.default_service(web::to(unmatched));
}

/// Reads and writes of one path are registered apart, so a method that neither knows arrives here.
async fn unmatched(request: HttpRequest) -> Result<&'static str, Problem> {
    match request.resource_map().match_pattern(request.path()) {
        Some(pattern) => Err(Problem::new(Kind::MethodNotAllowed).allow(openapi::methods_of(&pattern))),
        None => Err(Problem::new(Kind::NotFound)),
    }
}
