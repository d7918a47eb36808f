//! The messages, each with the address that it is sent to. All are JSON; an inventory may be compressed.

use jiff::Timestamp;
use lifecycle::{AssetId, ChangeId};
use serde::{Deserialize, Serialize};

/// Where the certificate stands that vouches for the server; whoever asks does not know the server yet, and holds it against the
/// digest in the ticket.
pub const AUTHORITY: &str = "/agent/v1/authority";
/// Where an agent enrols: it has no certificate yet.
pub const ENROL: &str = "/agent/v1/enrol";
/// Where an agent gets its next certificate.
pub const RENEW: &str = "/agent/v1/renew";
/// Where an agent says what it found by its digest alone.
pub const CHECK_IN: &str = "/agent/v1/check-in";
/// Where an agent hands in an inventory; the instant stands in the header [`TAKEN_AT`].
pub const INVENTORY: &str = "/agent/v1/inventory";
/// The header that says when an inventory was taken, in RFC 3339.
pub const TAKEN_AT: &str = "plimsoll-taken-at";
/// The header that says when something was sent, in RFC 3339 and by the clock of whoever sent it.
pub const SENT_AT: &str = "plimsoll-sent-at";
/// Where an agent asks for an order, and waits for one.
pub const ORDERS: &str = "/agent/v1/orders";
/// Where an agent says how far an order has come.
pub const REPORT: &str = "/agent/v1/report";
/// The most bytes of an inventory, unpacked.
pub const MOST_INVENTORY_BYTES: usize = 64 << 20;
/// The most bytes of any other message.
pub const MOST_MESSAGE_BYTES: usize = 64 << 10;

/// The most bytes of what an agent says of an order.
pub const MOST_REPORT_BYTES: usize = 2 << 20;
/// The most bytes of the log in it: of longer ones the end is sent.
pub const MOST_LOG_BYTES: usize = 512 << 10;

/// An agent asks to be enrolled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Enrol {
    /// The ticket that it was given.
    pub ticket: String,
    /// A request for a certificate (PKCS #10, PEM); what name it asks for is not looked at.
    pub request: String,
}

/// An agent asks for its next certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Renew {
    /// A request for a certificate (PKCS #10, PEM).
    pub request: String,
}

/// The certificate of an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Certified {
    /// The asset that it speaks for.
    pub asset: AssetId,
    /// The certificate (PEM).
    pub certificate: String,
    /// The certificate that vouches for it, and for the server (PEM).
    pub authority: String,
    /// When to ask for the next one.
    pub renew_at: Timestamp,
    /// The key that signs orders, in the text form of a note's key; empty from a server that gives none.
    #[serde(default)]
    pub orders_key: String,
}

/// An agent has looked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct CheckIn {
    /// The digest of what it found.
    pub digest: String,
    /// When it looked, by its own clock.
    pub taken_at: Timestamp,
    /// The agent's version.
    pub version: String,
}

/// An agent asks what it is to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct AskOrder {
    /// How long it waits for an answer at most, in seconds.
    pub wait_seconds: u64,
    /// For how long the host's own windows are open still, in minutes; none where it has none. What goes back does so at any hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room_minutes: Option<i64>,
    /// The agent's version.
    pub version: String,
}

/// What an agent is to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Ordered {
    /// The order, signed; none where nothing is to be done now.
    pub order: Option<String>,
}

/// What came of an order, as whoever carried it out says it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Outcome {
    /// How far the asset has come; none where it is back, which an inventory shows.
    pub came: Option<change::Came>,
    /// In words: what went wrong, or what else there is to say.
    pub words: String,
    /// What the package manager said.
    pub log: String,
    /// Whether only a reboot helps, and the host lets itself be rebooted.
    pub wants_reboot: bool,
}

/// How far an order has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct OrderReport {
    /// The change that it is of.
    pub change: ChangeId,
    /// When the record says that it was begun: by that it is known.
    pub begun_at: Timestamp,
    /// What came of it; none while it is carried out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub came: Option<change::Came>,
    /// In words: the step that it is at, or what went wrong.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub words: String,
    /// What the package manager said; empty while it is carried out.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub log: String,
}

/// What the server answers to a look or an inventory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Noted {
    /// Whether the inventory itself is wanted: the server has another one, or none.
    pub wants_inventory: bool,
    /// When to look next, in seconds from now; whoever is told so adds a random part of its own.
    pub next_seconds: u64,
}
