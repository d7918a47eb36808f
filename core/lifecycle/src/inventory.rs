//! Inventories: what was found on an asset, and when it was looked at.

use crate::event::Event;
use crate::{Refusal, State};
use jiff::{SignedDuration, Timestamp};
use rules::{AssetId, PersonId};
use serde::{Deserialize, Serialize};

/// An inventory as it stands; the packages lie beside the ledger, under their digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inventory {
    /// The digest of what was found.
    pub digest: String,
    /// When it was looked at first with this result.
    pub taken_at: Timestamp,
    /// The digest of the document that tells what changed.
    pub document: String,
    /// How many packages there are.
    pub packages: u64,
    /// How many files or entries could not be read: then it says less than there may be.
    pub unread: u64,
}

/// An inventory as it comes in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// Whose it is.
    pub asset: AssetId,
    /// The digest of what was found.
    pub digest: String,
    /// The digest of the document that tells what changed against the inventory before; kept beside the ledger.
    pub document: String,
    /// When it was looked at, by the asset's clock.
    pub taken_at: Timestamp,
    /// How many packages there are.
    pub packages: u64,
    /// How many files or entries could not be read.
    pub unread: u64,
}

/// How far an asset's clock may be ahead.
const MOST_AHEAD: SignedDuration = SignedDuration::from_mins(5);

/// Takes an inventory in. The same one twice is nothing; one that was taken before the newest is kept, and changes nothing;
/// an unchanged one says that the asset was looked at.
pub(crate) fn push(state: &State, pushed: &Pushed, by: &PersonId, now: Timestamp) -> Result<Vec<Event>, Refusal> {
    state.may_report(by, &pushed.asset)?;
    let asset = state.active_asset(&pushed.asset)?;
    if pushed.packages == 0 {
        return Err(Refusal::Empty);
    }
    if pushed.taken_at.duration_since(now) > MOST_AHEAD {
        return Err(Refusal::Ahead { at: pushed.taken_at, now });
    }
    // What a clock that is ahead says must not stand in the way of what comes next.
    let (id, at) = (pushed.asset.clone(), pushed.taken_at.min(now));
    let is_same = asset.inventory.as_ref().is_some_and(|known| known.digest == pushed.digest);
    // A look that lies ahead was told by a clock that was wrong: it is older than whatever comes now.
    let is_late = asset.scanned_at.is_some_and(|last| at < last && last.duration_since(now) <= MOST_AHEAD);
    Ok(match (is_same, asset.scanned_at == Some(at)) {
        (true, true) => Vec::new(),
        (true, false) if is_late => Vec::new(),
        (false, _) if asset.late_inventories.contains(&at) => Vec::new(),
        (true, false) => vec![Event::AssetScanned { asset: id, at }],
        (false, _) => vec![Event::InventoryTaken {
            asset: id,
            digest: pushed.digest.clone(),
            document: pushed.document.clone(),
            at,
            packages: pushed.packages,
            unread: pushed.unread,
            is_late,
        }],
    })
}
