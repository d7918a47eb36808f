//! Breaches: promises that were broken, by one party, of one kind, on one day.

use crate::State;
use crate::asset::Asset;
use jiff::{Timestamp, civil::Date};
use obligations::{Breach, BreachKind, Party, day_of};
use rules::{DocumentId, PersonId};
use std::collections::BTreeMap;

impl State {
    /// The days that are over and not told yet: from the first of them to the last. Telling begins with the day before it is first
    /// asked for, if a policy was in force all that day: no promise is broken before it was made.
    #[must_use]
    pub fn days_to_tell(&self, now: Timestamp) -> Option<(Date, Date)> {
        // Whatever policy was in force: one that takes the place of another breaks no chain.
        let first = self.documents.get(&DocumentId::policy()).and_then(|known| known.texts.first());
        let since = day_of(first.map_or(self.policy.as_ref()?.since, |first| first.since));
        let last = day_of(now).yesterday().ok()?;
        let first = match self.told_until {
            Some(told) => told.tomorrow().ok()?,
            None if since < last => last,
            None => return None,
        };
        (first <= last).then_some((first, last))
    }

    /// Whether what was broken is somebody's own: they are that person, of that team, or have that role; or were and had on that day.
    #[must_use]
    pub fn is_party(&self, breach: &Breach, person: &PersonId) -> bool {
        let Some(known) = self.people.get(person) else { return breach.party == Party::Person(person.clone()) };
        let until = |left: Option<&Timestamp>| left.is_some_and(|at| day_of(*at) >= breach.day);
        match &breach.party {
            Party::Person(party) => party == person,
            Party::Team(team) => known.teams.contains(team) || until(known.left_teams.get(team)),
            Party::Role(role) => self.seat_called(role).is_some_and(|seat| {
                self.holds(person, seat) || seat.holds.iter().any(|role| until(known.left_roles.get(role)))
            }),
            Party::Nobody => false,
        }
    }

    /// What a breach was of, by ids, where that is known here: assets that were not looked at, and duties. Which findings passed their
    /// deadlines the fleet knows.
    #[must_use]
    pub fn broken_by(&self, breach: &Breach) -> Vec<String> {
        let is_of = |due: &Timestamp| day_of(*due) == breach.day;
        match breach.kind {
            BreachKind::Deadline => Vec::new(),
            BreachKind::Scan => {
                let own = self.assets.iter().filter(|(_, asset)| team_of(asset) == breach.party);
                own.filter(|(_, asset)| asset.missed_scans.iter().any(is_of)).map(|(id, _)| id.to_string()).collect()
            }
            BreachKind::Duty => {
                let own = self.missed.iter().filter(|(_, told)| told.iter().any(is_of));
                let own = own.filter(|(duty, _)| self.party_of(duty).as_ref() == Some(&breach.party));
                own.map(|(duty, _)| duty.clone()).collect()
            }
        }
    }

    /// What was broken on some days beside deadlines: scans by the teams that own the assets, duties by who owed them.
    pub(crate) fn broken(&self, (first, last): (Date, Date)) -> BTreeMap<(Date, BreachKind, Party), u64> {
        let mut broken = BTreeMap::new();
        let is_of = |due: &&Timestamp| (first..=last).contains(&day_of(**due));
        let mut note = |due: &Timestamp, kind: BreachKind, party: Party| {
            *broken.entry((day_of(*due), kind, party)).or_default() += 1;
        };
        for asset in self.assets.values() {
            asset.missed_scans.iter().filter(is_of).for_each(|due| note(due, BreachKind::Scan, team_of(asset)));
        }
        for (duty, told) in &self.missed {
            if let Some(party) = self.party_of(duty) {
                told.iter().filter(is_of).for_each(|due| note(due, BreachKind::Duty, party.clone()));
            }
        }
        broken
    }

    /// Who broke a promise by missing a duty: what is one person's is theirs, the rest is of the role whose people could have done it.
    /// Not to answer a violation opens no other one: it would never end.
    fn party_of(&self, duty: &str) -> Option<Party> {
        let role = |role: &str| Some(Party::Role(role.to_owned()));
        let (kind, rest) = duty.split_once('#')?;
        let governance = self.governance();
        let found = match kind {
            "respond" => return None,
            "settle" => self.party_that_settles(rest),
            "attest" => self.oversight().operations().and_then(|seat| role(&seat.role)),
            "exception" => {
                let rule = self.oversight().exceptions.as_ref();
                rule.and_then(|rule| rule.approved_by.first()).and_then(|seat| role(&seat.role))
            }
            "review" => {
                let document = DocumentId::new(rest).ok()?;
                let rule = governance.review.as_ref().filter(|_| document.is_policy());
                let owner = || self.documents.get(&document).map(|known| Party::Person(known.described.owner.clone()));
                rule.map(|rule| Party::Role(rule.owner.role.clone())).or_else(owner)
            }
            _ => rest.rsplit('#').next().and_then(|id| PersonId::new(id).ok()).map(Party::Person),
        };
        Some(found.unwrap_or(Party::Nobody))
    }
}

fn team_of(asset: &Asset) -> Party {
    asset.attributes.owner.clone().map_or(Party::Nobody, Party::Team)
}
