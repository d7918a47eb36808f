//! Breaches: promises that were broken, by one party, of one kind, on one day.

use crate::State;
use crate::asset::Asset;
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use rules::{DocumentId, PersonId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Which promise was broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BreachKind {
    /// Findings were not remediated by their deadline.
    Deadline,
    /// Assets were not looked at in time.
    Scan,
    /// Something that people owe was not done in time.
    Duty,
}

impl BreachKind {
    /// The kind as it is written.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Deadline => "deadline",
            Self::Scan => "scan",
            Self::Duty => "duty",
        }
    }

    /// What was broken, in words, so many times.
    #[must_use]
    pub fn words(self, count: u64) -> String {
        let (one, many) = match self {
            Self::Deadline => ("finding passed its deadline", "findings passed their deadlines"),
            Self::Scan => ("asset was not looked at in time", "assets were not looked at in time"),
            Self::Duty => ("duty was not done in time", "duties were not done in time"),
        };
        format!("{count} {}", if count == 1 { one } else { many })
    }
}

/// Whose promise it was.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Party {
    /// A person.
    Person(PersonId),
    /// The team that owns the assets.
    Team(String),
    /// The people of a role of the policy, by its id: what any of them could have done.
    Role(String),
    /// Assets that nobody owns, and duties that nobody has the role for.
    Nobody,
}

impl std::fmt::Display for Party {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Person(person) => write!(formatter, "{person}"),
            Self::Team(team) => write!(formatter, "team {team}"),
            Self::Role(role) => write!(formatter, "role {role}"),
            Self::Nobody => formatter.write_str("nobody"),
        }
    }
}

/// What was broken by one party on one day.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Breach {
    /// The day, in UTC.
    pub day: Date,
    /// Which promise.
    pub kind: BreachKind,
    /// Whose.
    pub party: Party,
    /// How many times.
    pub count: u64,
}

impl Breach {
    /// The id of its violation.
    #[must_use]
    pub fn id(&self) -> String {
        let party = match &self.party {
            Party::Person(person) => format!("person/{person}"),
            Party::Team(team) => format!("team/{team}"),
            Party::Role(role) => format!("role/{role}"),
            Party::Nobody => "nobody".to_owned(),
        };
        format!("{}#{}#{party}", self.day, self.kind.word())
    }
}

/// The day of an instant, in UTC.
#[must_use]
pub fn day_of(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

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

    /// Whether what a party broke is somebody's own: they are that person, of that team, or have that role.
    #[must_use]
    pub fn is_party(&self, party: &Party, person: &PersonId) -> bool {
        match party {
            Party::Person(party) => party == person,
            Party::Team(team) => self.people.get(person).is_some_and(|known| known.teams.contains(team)),
            Party::Role(role) => self.seat_called(role).is_some_and(|seat| self.holds(person, seat)),
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
