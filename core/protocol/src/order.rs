//! Orders: what one asset is to do of a change, signed.
//!
//! An order is a signed note (C2SP signed-note): its first line says what it is, its second is JSON. What an asset does of a plan is
//! its slip; all slips of a plan are the leaves of a Merkle tree (RFC 9162, section 2.1), so that a key which is kept away from every
//! server can sign a plan once, and each asset sees by a few hashes that its own slip is part of it.

use crate::error::Error;
use change::{Health, Hours, Plan, Upgrade};
use jiff::{SignedDuration, Timestamp};
use ledger::{Checkpoint, Frontier, Hash, Hashes, Note, Signer, Verifier};
use lifecycle::{AssetId, ChangeId};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashMap};

/// The first line of an order.
const ORDER: &str = "plimsoll/order/v1";
/// How the first line of a signed plan begins.
const PLAN: &str = "plimsoll/plan/v1/";
/// What an order may be late, and what the clocks of its asset and its server may differ by.
const GRACE: SignedDuration = SignedDuration::from_mins(2);

/// What an asset does of a change: it leaves nothing to choose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Slip {
    /// The change.
    pub change: ChangeId,
    /// The digest of its plan.
    pub plan: String,
    /// The asset.
    pub asset: AssetId,
    /// What goes from where to where.
    pub upgrades: Vec<Upgrade>,
    /// When it may begin.
    pub hours: Hours,
    /// Until when.
    pub until: Timestamp,
    /// How long it takes at most, in minutes.
    pub takes_minutes: i64,
    /// So many bytes are fetched, as far as that is known.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub size_bytes: u64,
    /// What holds before it begins and after, beside what the asset's own settings say.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub health: BTreeSet<Health>,
    /// How often it may be started again for it; as its own settings say where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restarts: Option<u32>,
}

/// What is not known is left out.
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// What is to be done with a slip.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Errand {
    /// To install what it says.
    Upgrade,
    /// To bring back what was there before.
    RollBack,
}

impl Errand {
    /// The same in words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Upgrade => "upgrade",
            Self::RollBack => "roll back",
        }
    }
}

/// An order to one asset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AssetOrder {
    /// What is to be done.
    pub errand: Errand,
    /// With what.
    pub slip: Slip,
    /// When the record says that the asset has begun: no two errands of an asset have begun at one instant.
    pub begun_at: Timestamp,
    /// What has not been begun by then never is.
    pub expires_at: Timestamp,
    /// That the plan was signed, where it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<SlipProof>,
}

/// That a slip is part of a plan which somebody signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SlipProof {
    /// The number of the slip.
    pub number: u64,
    /// The hashes beside its way to the root.
    pub hashes: Vec<String>,
    /// The signed plan.
    pub note: String,
}

impl Slip {
    /// What the assets of a plan do, in its order.
    pub fn of_plan<'p>(
        change: &'p ChangeId,
        plan: &'p Plan,
        digest: &'p str,
    ) -> impl Iterator<Item = Result<Self, Error>> + 'p {
        plan.members().map(move |(_, member)| Self::of(change, (plan, digest), member))
    }

    /// What one asset of a plan does.
    ///
    /// # Errors
    /// If the asset's name is none.
    pub fn of(change: &ChangeId, (plan, digest): (&Plan, &str), member: &change::Member) -> Result<Self, Error> {
        Ok(Self {
            change: change.clone(),
            plan: digest.to_owned(),
            asset: AssetId::new(member.asset.as_str()).map_err(|_| Error::Order { what: "it is to no asset" })?,
            upgrades: plan.upgrades_of(member).to_vec(),
            hours: plan.hours.get(member.hours).cloned().unwrap_or(Hours::Within(Vec::new())),
            until: plan.until,
            takes_minutes: plan.limits.takes_minutes,
            size_bytes: plan.needs_of(member).map_or(0, |needs| needs.size_bytes),
            health: plan.health.clone(),
            restarts: plan.limits.restarts,
        })
    }

    fn leaf(&self) -> Result<Hash, Error> {
        Ok(Hash::leaf(&serde_json::to_vec(self)?))
    }

    /// Says no to what may not begin at an instant: outside of its hours, or too late.
    ///
    /// # Errors
    /// In words.
    pub fn may_begin(&self, now: Timestamp) -> Result<(), &'static str> {
        // The record has let it begin a moment ago, by its own clock.
        let takes = SignedDuration::from_mins(self.takes_minutes) - GRACE;
        if now.checked_add(takes).unwrap_or(Timestamp::MAX) > self.until {
            return Err("its change is over");
        }
        let moments = [now.checked_sub(GRACE).unwrap_or(now), now, now.checked_add(GRACE).unwrap_or(now)];
        match moments.iter().any(|moment| self.hours.allow(*moment, takes)) {
            true => Ok(()),
            false => Err("its window is not open, or too little of it is left"),
        }
    }
}

impl AssetOrder {
    /// The order as it is sent.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn sign(&self, signer: &Signer) -> Result<String, Error> {
        let text = format!("{ORDER}\n{}\n", serde_json::to_string(self)?);
        Ok(Note::sign(&text, &[signer])?.to_string())
    }

    /// Reads an order that one of these keys has signed, and none that nobody of them has. Where there are keys that sign plans, its
    /// slip must be part of a plan that one of those has signed.
    ///
    /// # Errors
    /// If it is not signed, or not of its form.
    pub fn open(note: &str, servers: &[Verifier], planners: &[Verifier]) -> Result<Self, Error> {
        let note = Note::parse(note.as_bytes())?;
        note.verify(servers)?;
        let json = note.text.strip_prefix(ORDER).and_then(|rest| rest.strip_prefix('\n'));
        let order: Self = serde_json::from_str(json.ok_or(Error::Order { what: "its first line says so" })?)?;
        if !planners.is_empty() {
            let proof = order.proof.as_ref();
            let proof = proof.ok_or(Error::Order { what: "its plan is signed by no key that is kept offline" })?;
            proof.check(&order.slip, planners)?;
        }
        if !change::are_words(&order.slip.upgrades) {
            return Err(Error::Order { what: "its packages and versions are words that no package manager takes" });
        }
        // No plan brings what was never there; and none takes no time, or for ever.
        if order.slip.upgrades.iter().any(|upgrade| upgrade.from.is_none()) {
            return Err(Error::Order { what: "it would install what was never there" });
        }
        if !(1..=change::MOST_MINUTES).contains(&order.slip.takes_minutes) {
            return Err(Error::Order { what: "it takes no time, or for ever" });
        }
        Ok(order)
    }

    /// Says no to an order that has come too late, or from a time that is not yet.
    ///
    /// # Errors
    /// In words.
    pub fn is_in_time(&self, now: Timestamp) -> Result<(), &'static str> {
        if now > self.expires_at {
            return Err("it has expired");
        }
        match now.checked_add(GRACE).is_ok_and(|now| now < self.begun_at) {
            true => Err("it is of a time that is not yet: the clocks differ"),
            false => Ok(()),
        }
    }
}

impl SlipProof {
    fn check(&self, slip: &Slip, planners: &[Verifier]) -> Result<(), Error> {
        let note = Note::parse(self.note.as_bytes())?;
        note.verify(planners)?;
        let signed = Checkpoint::parse(&note.text)?;
        if signed.origin != format!("{PLAN}{}", slip.change) || signed.extensions != [slip.plan.clone()] {
            return Err(Error::Order { what: "the plan that was signed is another one" });
        }
        let hashes: Vec<Hash> = self.hashes.iter().map(|hash| Hash::parse(hash)).collect::<Result<_, _>>()?;
        Ok(ledger::verify_inclusion(slip.leaf()?, self.number, signed.size, signed.root, &hashes)?)
    }
}

/// The slips of a plan as a tree.
pub struct PlanTree {
    origin: String,
    digest: String,
    hashes: HashMap<(u8, u64), Hash>,
    frontier: Frontier,
}

impl PlanTree {
    /// The tree of a plan whose digest is that.
    ///
    /// # Errors
    /// If one of its assets is none.
    pub fn new(change: &ChangeId, plan: &Plan, digest: &str) -> Result<Self, Error> {
        let (mut hashes, mut frontier) = (HashMap::new(), Frontier::default());
        for slip in Slip::of_plan(change, plan, digest) {
            frontier.append(slip?.leaf()?, |level, index, hash| {
                hashes.insert((level, index), hash);
            });
        }
        Ok(Self { origin: format!("{PLAN}{change}"), digest: digest.to_owned(), hashes, frontier })
    }

    fn text(&self) -> String {
        let (size, root) = (self.frontier.size(), self.frontier.root());
        let extensions = vec![self.digest.clone()];
        Checkpoint { origin: self.origin.clone(), size, root, extensions }.to_string()
    }

    /// The plan, signed.
    ///
    /// # Errors
    /// If the key signs something else.
    pub fn sign(&self, signer: &Signer) -> Result<String, Error> {
        Ok(Note::sign(&self.text(), &[signer])?.to_string())
    }

    /// Says no to a note that is not of this plan. Who has signed it is for those to judge who do what it says.
    ///
    /// # Errors
    /// What differs.
    pub fn check(&self, note: &str) -> Result<(), Error> {
        match Note::parse(note.as_bytes())?.text == self.text() {
            true => Ok(()),
            false => Err(Error::Order { what: "the plan that was signed is another one" }),
        }
    }

    /// That the slip of this number is part of the plan.
    ///
    /// # Errors
    /// If there is none.
    pub fn prove(&mut self, number: u64, note: &str) -> Result<SlipProof, Error> {
        let size = self.frontier.size();
        let hashes = ledger::inclusion(number, size, self)?;
        Ok(SlipProof { number, hashes: hashes.iter().map(ToString::to_string).collect(), note: note.to_owned() })
    }
}

impl Hashes for PlanTree {
    fn get(&mut self, level: u8, index: u64) -> Result<Hash, ledger::Error> {
        self.hashes.get(&(level, index)).copied().ok_or(ledger::Error::Note { what: "its tree is incomplete" })
    }
}
