//! What agent and server say to each other.
//!
//! Nothing here opens a connection or reads a clock. What an agent sends is data, bounded and typed; it is never code.

mod error;
mod message;
mod observed;
mod ticket;

pub use error::Error;
pub use message::{
    AUTHORITY, CHECK_IN, Certified, CheckIn, ENROL, Enrol, INVENTORY, MOST_INVENTORY_BYTES, MOST_MESSAGE_BYTES, Noted,
    RENEW, Renew, TAKEN_AT,
};
pub use observed::Observed;
pub use ticket::{Ticket, hexadecimal, is_same};
