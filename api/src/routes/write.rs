//! Acts: every write of the public contract.

pub mod acts;

use actix_web::web::ServiceConfig;

/// Registers the writes below `/api/v1`.
pub fn configure(_config: &mut ServiceConfig) {}
