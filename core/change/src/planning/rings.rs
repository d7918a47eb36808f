//! Which assets come into which ring.

use crate::plan::{Member, RingPlan};
use policy::Policy;
use policy::promises::{ChangeType, Need, Ring};
use std::collections::BTreeSet;

/// An asset, and its environment in small letters if it is known.
pub(super) struct Placed {
    pub(super) environment: Option<String>,
    pub(super) member: Member,
}

/// Where a policy names no rings, so many percent go first, and are watched for so many hours.
const CANARY_PERCENT: u32 = 5;
const CANARY_HOURS: i64 = 24;

/// Whether an environment is one of those that patches are tested in.
pub(super) fn is_tested(policy: &Policy, environment: &str) -> bool {
    policy.promises.testing.as_ref().is_some_and(|testing| testing.is_in(environment))
}

/// Puts assets into the policy's rings: each into the first whose environment is its own and whose share has room.
pub(super) fn rings_of(policy: &Policy, (kind, title): (ChangeType, &str), mut members: Vec<Placed>) -> Vec<RingPlan> {
    // An emergency that need not soak is not watched between its rings either: it still goes ring by ring.
    let skips = policy.promises.emergency.as_ref().map_or(&[][..], |emergency| &emergency.skips);
    let is_watched = kind != ChangeType::Emergency || !skips.contains(&Need::Soak);
    let watched = |hours: i64| if is_watched { hours } else { 0 };
    // The same assets must not always be the first ones.
    members.sort_by_cached_key(|placed| (mixed(title, &placed.member.asset), placed.member.asset.clone()));
    if policy.promises.rings.is_empty() {
        let (first, rest) = shared(members, CANARY_PERCENT);
        let ring = |id: &str, members: Vec<Placed>| ring_plan(id, watched(CANARY_HOURS), members);
        return vec![ring("canary", first), ring("rest", rest)];
    }
    let mut is_first = true;
    let mut rings = Vec::new();
    for ring in &policy.promises.rings {
        let (own, others): (Vec<Placed>, Vec<Placed>) = members.into_iter().partition(|placed| is_in(ring, placed));
        let (own, rest) = match &ring.share {
            Some(percent) => shared(own, *percent.as_ref()),
            None => (own, Vec::new()),
        };
        members = others;
        members.extend(rest);
        is_first &= policy.promises.testing.as_ref().is_some_and(|testing| testing.has_ring(ring));
        let planned = ring_plan(ring.id.as_ref(), watched(ring.soak.longest_hours()), own);
        rings.push(RingPlan { is_test: is_first, ..planned });
    }
    // A checked policy has a last ring that takes in every asset that is left.
    if !members.is_empty() {
        rings.push(ring_plan("rest", 0, members));
    }
    rings
}

fn is_in(ring: &Ring, placed: &Placed) -> bool {
    let is_own = |own: &String| placed.environment.as_ref().is_some_and(|known| known.eq_ignore_ascii_case(own));
    ring.environment.is_empty() || ring.environment.iter().any(is_own)
}

/// A share of some assets, one at least, with no two of a group; and the others.
fn shared(members: Vec<Placed>, percent: u32) -> (Vec<Placed>, Vec<Placed>) {
    let most = (members.len() * percent as usize).div_ceil(100);
    let mut groups = BTreeSet::new();
    let mut taken = 0;
    members.into_iter().partition(|placed| {
        let is_new = placed.member.group.as_ref().is_none_or(|group| groups.insert(group.clone()));
        let is_taken = taken < most && is_new;
        taken += usize::from(is_taken);
        is_taken
    })
}

fn ring_plan(id: &str, soak_hours: i64, members: Vec<Placed>) -> RingPlan {
    let members = members.into_iter().map(|placed| placed.member).collect();
    RingPlan { id: id.to_owned(), is_test: false, soak_hours, members }
}

/// A number that looks like chance, and is the same everywhere: FNV-1a, its bits mixed once more.
fn mixed(title: &str, asset: &str) -> u64 {
    let bytes = title.bytes().chain([0]).chain(asset.bytes());
    let hash =
        bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd)
}
