//! Where updates stand: what is missing, once what others supersede is set aside.

use super::Update;
use std::collections::{BTreeMap, HashMap, HashSet};

/// An update that is missing, and that no other missing one supersedes.
pub(super) struct Missing<'u> {
    pub(super) update: &'u Update,
    /// What people call the missing ones that it supersedes, in order.
    pub(super) folded: Vec<String>,
    /// What it and those mend, each with when the first of them that does was published, in seconds since 1970.
    pub(super) vulnerabilities: BTreeMap<String, Option<i64>>,
    /// Whether it or one of those is of security: a later update without a mark holds the earlier fix all the same.
    pub(super) holds_security_fix: bool,
    /// When the first of those that are of security was published, in seconds since 1970.
    pub(super) since: Option<i64>,
}

/// What is missing: updates that are not installed and neither is any that supersedes them, step by step, also where one in between was
/// hidden. Of those the last of each line stands for the others.
pub(super) fn missing(updates: &[Update]) -> Vec<Missing<'_>> {
    let lines = Lines::of(updates);
    let is_missing: Vec<bool> = (0..updates.len())
        .map(|at| !updates[at].is_installed && !lines.later(at).iter().any(|later| updates[*later].is_installed))
        .collect();
    let mut found: BTreeMap<usize, Missing<'_>> = BTreeMap::new();
    for at in (0..updates.len()).filter(|at| is_missing[*at]) {
        let later: Vec<usize> = lines.later(at).into_iter().filter(|later| is_missing[*later]).collect();
        // Where two supersede each other neither stands behind the other.
        // Whatever order they are told in, the same one stands for it.
        let last = later.iter().copied().filter(|last| lines.is_last(*last, &is_missing));
        let last = last.min_by(|a, b| updates[*a].id.cmp(&updates[*b].id));
        let place = last.unwrap_or(at);
        let entry = found.entry(place).or_insert_with(|| Missing::new(&updates[place]));
        entry.take_in(&updates[at]);
    }
    found.into_values().collect()
}

impl<'u> Missing<'u> {
    fn new(update: &'u Update) -> Self {
        Self { update, folded: Vec::new(), vulnerabilities: BTreeMap::new(), holds_security_fix: false, since: None }
    }

    fn take_in(&mut self, other: &Update) {
        if other.label() != self.update.label() && !self.folded.contains(&other.label()) {
            self.folded.push(other.label());
            self.folded.sort();
        }
        if other.is_of_security() {
            self.holds_security_fix = true;
            self.since = earlier(self.since, other.published_at);
        }
        for id in &other.vulnerabilities {
            let at = self.vulnerabilities.entry(id.clone()).or_insert(other.published_at);
            *at = earlier(*at, other.published_at);
        }
    }
}

fn earlier(a: Option<i64>, b: Option<i64>) -> Option<i64> {
    a.into_iter().chain(b).min()
}

/// Which update supersedes which, by their places.
struct Lines(Vec<Vec<usize>>);

impl Lines {
    fn of(updates: &[Update]) -> Self {
        let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
        for (at, update) in updates.iter().enumerate() {
            places.entry(&update.id).or_default().push(at);
        }
        let mut next = vec![Vec::new(); updates.len()];
        for (at, update) in updates.iter().enumerate() {
            for earlier in update.supersedes.iter().flat_map(|id| places.get(id.as_str()).into_iter().flatten()) {
                if *earlier != at {
                    next[*earlier].push(at);
                }
            }
        }
        Self(next)
    }

    /// All that supersede one, step by step; without itself.
    fn later(&self, at: usize) -> Vec<usize> {
        let (mut seen, mut waiting, mut found) = (HashSet::from([at]), vec![at], Vec::new());
        while let Some(here) = waiting.pop() {
            for next in self.0[here].iter().filter(|next| seen.insert(**next)) {
                found.push(*next);
                waiting.push(*next);
            }
        }
        found
    }

    /// Whether no missing one supersedes it.
    fn is_last(&self, at: usize, is_missing: &[bool]) -> bool {
        !self.later(at).iter().any(|later| is_missing[*later])
    }
}
