//! Attestations: what the vendor of a managed service says of its patching, and when it must say so again.

use crate::asset::Asset;
use crate::error::{MOST_NAME_BYTES, name, reason};
use crate::event::Event;
use crate::{Error, Refusal, State};
use ::policy::promises::{Covered, coverage};
use ::policy::{Length, Unit};
use jiff::Timestamp;
use obligations::{Duty, DutyKind, reminded};
use rules::{AssetId, PersonId, Role, USUAL, after};
use serde::{Deserialize, Serialize};

/// What a vendor has said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Attestation {
    /// Who.
    pub vendor: String,
    /// What.
    pub statement: String,
    /// The digest of what was handed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
}

/// What the vendor of a managed service has told of a vulnerability of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct VendorNotice {
    /// Which: a CVE, or what the vendor calls it.
    pub vulnerability: String,
    /// Since when it knew of it, as it says itself.
    pub known_since: Timestamp,
    /// What it said.
    pub said: Attestation,
}

/// A notice that was noted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Noticed {
    /// When.
    pub at: Timestamp,
    /// What.
    pub notice: VendorNotice,
    /// By when it had to come, as the policy in force then asked.
    pub due: Option<Timestamp>,
}

impl Noticed {
    /// Whether it came in time; nobody can say it where the policy asked for nothing.
    #[must_use]
    pub fn is_in_time(&self) -> Option<bool> {
        self.due.map(|due| self.at <= due)
    }
}

/// Under this name it is kept since when the policy asks for attestations; no course is called so.
pub(crate) const ATTESTATION: &str = "#attestation";

/// How long before its day an attestation is brought to mind.
const AHEAD: Length = Length { count: 30, unit: Unit::Days };

impl State {
    /// Whether the policy in force leaves an asset to its vendor, who must attest.
    #[must_use]
    pub fn is_attested(&self, asset: &Asset) -> bool {
        let scope = self.policy.as_ref().map_or(&[][..], |policy| &policy.rule.scope);
        asset.is_active() && coverage(scope, asset.attributes.subject()).covered == Covered::Attested
    }

    /// Keeps a notice, held against what the policy in force asks.
    pub(crate) fn note_notice(&mut self, id: &AssetId, notice: VendorNotice, at: Timestamp) -> Result<(), Error> {
        let due = self.oversight().notify.map(|within| after(notice.known_since, within));
        self.asset(id)?.notices.push(Noticed { at, notice, due });
        Ok(())
    }

    pub(crate) fn attestations_owed(&self) -> Vec<Duty> {
        let Some(every) = self.oversight().attest else { return Vec::new() };
        let owners = self.oversight().operations().map(|seat| self.people_of(seat)).unwrap_or_default();
        let owed = self.assets.iter().filter(|(_, asset)| self.is_attested(asset));
        owed.filter_map(|one| self.attestation_owed(one, every, &owners)).collect()
    }

    /// What is owed for one asset.
    pub(crate) fn attestation_of(&self, id: &AssetId) -> Option<Duty> {
        let known = self.assets.get_key_value(id).filter(|(_, asset)| self.is_attested(asset))?;
        let owners = self.oversight().operations().map(|seat| self.people_of(seat)).unwrap_or_default();
        self.attestation_owed(known, self.oversight().attest?, &owners)
    }

    fn attestation_owed(&self, (id, asset): (&AssetId, &Asset), every: Length, owners: &[PersonId]) -> Option<Duty> {
        let oversight = self.oversight();
        let registered = asset.registrations.last().copied()?;
        let asked = self.asked_since.get(ATTESTATION).copied()?;
        let since = registered.max(asked).max(asset.left_to_vendor.unwrap_or(registered));
        let done_at = asset.attested.as_ref().map(|(at, _)| *at).filter(|at| *at >= registered);
        let due = done_at.map_or_else(|| after(since, USUAL), |done| after(done, every));
        let seat = oversight.operations();
        Some(Duty {
            id: format!("attest#{id}"),
            kind: DutyKind::Attest,
            subject: id.to_string(),
            title: asset.attributes.name.clone().unwrap_or_else(|| id.to_string()),
            text: None,
            owners: owners.to_vec(),
            since: done_at.unwrap_or(since),
            due,
            done_at,
            remind_at: reminded(done_at.unwrap_or(since), due, AHEAD),
            owed_by: seat.cloned(),
            escalates_to: seat.and_then(|seat| self.above(seat)).cloned(),
            campaign: None,
            excused: None,
        })
    }
}

/// Notes what the vendor of an asset says.
pub(crate) fn attest(
    state: &State,
    (id, said): (&AssetId, &Attestation),
    by: &PersonId,
) -> Result<Vec<Event>, Refusal> {
    let said = told(state, (id, said), by)?;
    Ok(vec![Event::AssetAttested { asset: id.clone(), said }])
}

/// Notes what the vendor of an asset tells of a vulnerability of its own.
pub(crate) fn notice(
    state: &State,
    (id, notice): (&AssetId, &VendorNotice),
    (by, now): (&PersonId, Timestamp),
) -> Result<Vec<Event>, Refusal> {
    let said = told(state, (id, &notice.said), by)?;
    if notice.known_since > now {
        return Err(Refusal::State { found: "known from a day on that is not yet", wanted: "known by now" });
    }
    let vulnerability = name(&notice.vulnerability, MOST_NAME_BYTES)?;
    let notice = VendorNotice { vulnerability, known_since: notice.known_since, said };
    Ok(vec![Event::VendorNotified { asset: id.clone(), notice }])
}

fn told(state: &State, (id, said): (&AssetId, &Attestation), by: &PersonId) -> Result<Attestation, Refusal> {
    state.may(by, Role::OPERATES)?;
    if !state.is_attested(state.active_asset(id)?) {
        return Err(Refusal::State {
            found: "not left to its vendor by the policy",
            wanted: "one that its vendor attests",
        });
    }
    let (vendor, statement) = (name(&said.vendor, MOST_NAME_BYTES)?, reason(&said.statement)?);
    Ok(Attestation { vendor, statement, evidence: said.evidence.clone() })
}
