//! Excuses: that somebody need not do something before an instant, on somebody else's word.

use jiff::Timestamp;
use rules::PersonId;
use serde::{Deserialize, Serialize};

/// That somebody need not do something before an instant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Excuse {
    /// Since when.
    pub at: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// On whose word.
    pub by: PersonId,
    /// Why.
    pub reason: String,
}
