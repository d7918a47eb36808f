//! Limits: how often somebody may ask. Whoever asks more often is told when to come back.

use crate::problem::Problem;
use axum::http::StatusCode;
use governor::{DefaultKeyedRateLimiter, Quota};
use lifecycle::AssetId;
use std::net::IpAddr;
use std::num::NonZeroU32;

/// How often somebody may ask, by what they ask and who they are.
pub(crate) struct Limits {
    /// Requests of one address.
    requests: DefaultKeyedRateLimiter<IpAddr>,
    /// Attempts to sign in, of one address: whatever account it tries.
    sign_in_address: DefaultKeyedRateLimiter<IpAddr>,
    /// Attempts to sign in to one account, from wherever.
    sign_in_account: DefaultKeyedRateLimiter<String>,
    /// Messages of one agent.
    agents: DefaultKeyedRateLimiter<AssetId>,
}

const fn number(number: u32) -> NonZeroU32 {
    match NonZeroU32::new(number) {
        Some(number) => number,
        None => NonZeroU32::MIN,
    }
}

impl Limits {
    pub(crate) fn new() -> Self {
        Self {
            requests: DefaultKeyedRateLimiter::keyed(Quota::per_second(number(200)).allow_burst(number(2000))),
            sign_in_address: DefaultKeyedRateLimiter::keyed(Quota::per_minute(number(30))),
            sign_in_account: DefaultKeyedRateLimiter::keyed(Quota::per_minute(number(6))),
            agents: DefaultKeyedRateLimiter::keyed(Quota::per_minute(number(60))),
        }
    }

    /// Counts a request of an address.
    pub(crate) fn request(&self, address: IpAddr) -> Result<(), Problem> {
        self.requests.check_key(&address).map_err(|_| too_many("requests from your address"))
    }

    /// Counts an attempt to sign in.
    pub(crate) fn sign_in(&self, address: IpAddr, account: &str) -> Result<(), Problem> {
        // Long names are no names; what is counted must not grow with them.
        let account: String = account.chars().take(128).collect();
        self.sign_in_address.check_key(&address).map_err(|_| too_many("attempts to sign in from your address"))?;
        self.sign_in_account.check_key(&account).map_err(|_| too_many("attempts to sign in to this account"))
    }

    /// Counts a message of an agent.
    pub(crate) fn agent(&self, asset: &AssetId) -> Result<(), Problem> {
        self.agents.check_key(asset).map_err(|_| too_many("messages of this agent"))
    }

    /// Counts an attempt to guess a link, or to come back from a provider.
    pub(crate) fn attempt(&self, address: IpAddr) -> Result<(), Problem> {
        self.sign_in_address.check_key(&address).map_err(|_| too_many("attempts from your address"))
    }

    /// Counts an attempt to guess a code or a password of somebody who is signed in.
    pub(crate) fn account(&self, person: &str) -> Result<(), Problem> {
        self.sign_in_account.check_key(&person.to_owned()).map_err(|_| too_many("attempts on this account"))
    }

    /// Forgets who has not asked for long.
    pub(crate) fn sweep(&self) {
        self.requests.retain_recent();
        self.sign_in_address.retain_recent();
        self.sign_in_account.retain_recent();
        self.agents.retain_recent();
    }
}

fn too_many(what: &str) -> Problem {
    let words = format!("too many {what}; wait a minute");
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "access/too-many-requests", words)
}
