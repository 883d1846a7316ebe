//! Questions: every read of the public contract.

use actix_web::web::ServiceConfig;

/// Registers the reads below `/api/v1`.
pub fn configure(_config: &mut ServiceConfig) {}

/// Registers what stands beside the prefix: health, metrics, the description and its browser.
pub fn configure_outside(_config: &mut ServiceConfig) {}
