//! What leaves for other systems: mail, and webhooks. One file each.
//!
//! What is sent may arrive twice: whoever receives it knows it by its id.

mod address;
mod error;
mod mail;
mod webhook;

pub use error::Error;
pub use mail::{Letter, Mail, MailServer};
pub use webhook::Webhook;
