//! What agent and server say to each other.
//!
//! Nothing here opens a connection or reads a clock. What an agent sends is data, bounded and typed; it is never code.

mod error;
mod message;
mod observed;
mod order;
mod ticket;

pub use error::Error;
pub use message::{
    AUTHORITY, AskOrder, CHECK_IN, Certified, CheckIn, ENROL, Enrol, INVENTORY, MOST_INVENTORY_BYTES, MOST_LOG_BYTES,
    MOST_MESSAGE_BYTES, MOST_REPORT_BYTES, Noted, ORDERS, OrderReport, Ordered, Outcome, RENEW, REPORT, Renew, SENT_AT,
    TAKEN_AT,
};
pub use observed::Observed;
pub use order::{AssetOrder, Errand, PlanTree, Slip, SlipProof};
pub use ticket::{Ticket, hexadecimal, is_same};
