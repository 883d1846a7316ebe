//! What can be asked, by path.

pub mod read;
pub mod write;

use actix_web::web::{self, ServiceConfig};

/// Registers everything below `/api/v1`, and what stands beside it.
pub fn configure(config: &mut ServiceConfig) {
    config.service(web::scope("/api/v1").configure(write::configure).configure(read::configure));
    config.configure(read::configure_outside);
}
