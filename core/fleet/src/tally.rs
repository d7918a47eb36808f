//! Tallies: how much is overdue as of an instant under each of some policies, without the findings themselves. What is known of each
//! finding is gathered once for all of them.

use crate::evaluate::{Findings, Question};
use crate::facts::Facts;
use crate::keys::Keys;
use crate::slot::{EMPTY, Profiles, Scratch};
use jiff::Timestamp;
use policy::Policy;
use rayon::prelude::*;
use std::sync::Arc;

impl Findings {
    /// How many findings are overdue as of an instant by each of two policies, as if each had always been there: as many as
    /// [`Findings::counts`] tells of findings that were evaluated for it.
    #[must_use]
    pub fn overdue_by(facts: &Facts, policies: [&Arc<Policy>; 2], (question, at): (&Question, Timestamp)) -> [u64; 2] {
        let of = |policy: &Arc<Policy>| {
            let question = Question { policy: Arc::clone(policy), at: Some(at), ..question.clone() };
            Self::begin_after(facts, question, Vec::new())
        };
        let sides = policies.map(of);
        let [one, other] = &sides;
        let due = at.as_millisecond();
        let tally = |scratch: &mut Scratch, number: usize| {
            let profiles = Profiles::of(facts, &facts.vulnerabilities[number].claims);
            one.gather(facts, (number, &profiles), None, scratch);
            let mut keys = [Keys::new(one, facts, number, &profiles), Keys::new(other, facts, number, &profiles)];
            let mut overdue = [0, 0];
            for asset in scratch.touched.drain(..) {
                let slot = std::mem::replace(&mut scratch.slots[asset as usize], EMPTY);
                // What was seen of it before it was registered counts from then on.
                let Some(standing) = slot.standing.filter(|_| one.facets.there.contains(asset)) else { continue };
                for (place, side) in sides.iter().enumerate() {
                    let group = side.groups.of_asset[asset as usize];
                    let is_owed = || side.groups.state(standing, group).counts();
                    let mut is_late = || keys[place].derived(profiles.deciding(&slot), group, slot.start).0 < due;
                    overdue[place] += u64::from(is_owed() && is_late());
                }
            }
            overdue
        };
        let numbers = (0..facts.vulnerabilities.len()).into_par_iter().with_min_len(16);
        let all = numbers.map_init(|| Scratch::new(facts.assets.len()), tally);
        all.reduce(|| [0, 0], |[one, other], [more, yet]| [one + more, other + yet])
    }
}
