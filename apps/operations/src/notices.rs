//! Notices: what people are told of by mail, each thing once: what they owe and have missed, what waits for their word, alerts, and
//! changes of what is theirs.

use crate::alerts::{Alert, AlertKind};
use crate::changes::may_happen;
use crate::tasks::duty_words;
use change::{Came, Change, Happening, Stage};
use jiff::Timestamp;
use lifecycle::{ChangeId, Duty, PersonId, Progress, Role, SYSTEM, Seat, Standing, State};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use store::Record;

/// Something that somebody is told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The same for as long as it is the same thing: somebody is told of it once there is a key that they were not told under.
    pub keys: Vec<String>,
    /// What, in a sentence.
    pub words: String,
    /// The page on which something is done about it.
    pub page: String,
}

/// Word to the business that a change is coming, as it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    /// The change.
    pub change: ChangeId,
    /// When.
    pub at: Timestamp,
    /// What was said.
    pub words: String,
}

/// What each of some people is told of.
struct Gathered<'s> {
    state: &'s State,
    people: &'s BTreeSet<PersonId>,
    now: Timestamp,
    notices: BTreeMap<PersonId, Vec<Notice>>,
    /// Who has the roles that were asked for until now: looked up once each.
    seated: BTreeMap<String, Rc<Vec<PersonId>>>,
}

/// What each of these people is to be told of as of an instant, with these alerts and announcements; who is to be told of nothing is
/// left out.
#[must_use]
pub fn notices(
    record: &Record,
    people: &BTreeSet<PersonId>,
    (alerts, announcements): (&[Alert], &[Announcement]),
    now: Timestamp,
) -> BTreeMap<PersonId, Vec<Notice>> {
    // Who has gone is told of nothing.
    let is_here = |person: &&PersonId| record.state.people.get(*person).is_some_and(|known| !known.roles.is_empty());
    let people: &BTreeSet<PersonId> = &people.iter().filter(is_here).cloned().collect();
    let mut gathered =
        Gathered { state: &record.state, people, now, notices: BTreeMap::new(), seated: BTreeMap::new() };
    record.state.duties(now).iter().for_each(|duty| gathered.duty(duty));
    gathered.versions();
    gathered.decisions();
    record.state.changes.iter().filter(|(_, known)| !known.is_over()).for_each(|one| gathered.change(one));
    announcements.iter().for_each(|word| gathered.announced(record, word));
    alerts.iter().for_each(|alert| gathered.alert(alert));
    gathered.notices
}

impl Gathered<'_> {
    fn tell(&mut self, person: &PersonId, (key, words, page): (String, String, &str)) {
        self.tell_anew(person, (&[key], words, page));
    }

    fn tell_anew(&mut self, person: &PersonId, (keys, words, page): (&[String], String, &str)) {
        if self.people.contains(person) {
            let keys = keys.iter().map(|key| format!("{key}#{person}")).collect();
            let notice = Notice { keys, words, page: page.to_owned() };
            self.notices.entry(person.clone()).or_default().push(notice);
        }
    }

    fn people_of(&mut self, seat: &Seat) -> Rc<Vec<PersonId>> {
        let state = self.state;
        Rc::clone(self.seated.entry(seat.role.clone()).or_insert_with(|| Rc::new(state.people_of(seat))))
    }

    /// Who owes it is reminded, and told once it is missed; then those to whom it goes up.
    fn duty(&mut self, duty: &Duty) {
        let is_missed = duty.standing(self.now) == Standing::Missed;
        if !duty.is_reminded(self.now) && !is_missed {
            return;
        }
        let (what, day) = (duty_words(duty), duty.due.to_zoned(jiff::tz::TimeZone::UTC).date());
        let key = |kind: &str| format!("{kind}#{}#{}", duty.id, duty.due);
        for owner in &duty.owners {
            let (kind, words) = match is_missed {
                true => ("missed", format!("Missed: {what}. It was due on {day}")),
                false => ("due", format!("{what}, by {day}")),
            };
            self.tell(owner, (key(kind), words, "/tasks"));
        }
        let state = self.state;
        let above = if is_missed { state.escalated_to(duty, self.now) } else { Vec::new() };
        let told: BTreeSet<PersonId> = above.into_iter().flat_map(|seat| self.people_of(seat).to_vec()).collect();
        let by = duty.owners.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        for person in told.iter().filter(|person| !duty.owners.contains(person)) {
            let words = match by.is_empty() {
                true => format!("Missed, and nobody has the role for it: {what}. It was due on {day}"),
                false => format!("Missed by {by}: {what}. It was due on {day}"),
            };
            self.tell(person, (key("escalated"), words, "/tasks"));
        }
    }

    fn versions(&mut self) {
        let (state, people, now) = (self.state, self.people, self.now);
        for (id, version) in &state.versions {
            let has_reviewed =
                |person: &PersonId| version.reviewed_by().contains(&person) || version.objections().contains(&person);
            for person in people {
                let wanted = if state.may_review(version, person) && !has_reviewed(person) {
                    "review"
                } else if state.may_approve(version, person, now) {
                    "approval"
                } else if state.may_publish(id, person, now) {
                    "publication"
                } else {
                    continue;
                };
                let words = format!("Version {id} of a document waits for your {wanted}");
                self.tell(person, (format!("{wanted}#{id}#{}", version.terms()), words, &format!("/versions/{id}")));
            }
        }
    }

    fn decisions(&mut self) {
        let (state, now) = (self.state, self.now);
        let seats = state.oversight().exceptions.as_ref().map_or(&[][..], |rule| &rule.approved_by);
        let answers = |person: &&PersonId| state.may(person, Role::DECIDES).is_ok() || state.is_seated(person, seats);
        let answerers: Vec<&PersonId> = self.people.iter().filter(answers).collect();
        for (id, decision) in state.decisions.iter().filter(|(_, known)| matches!(known.progress, Progress::Requested))
        {
            for person in answerers.iter().filter(|person| state.may_decide(decision, person, now)) {
                let words = format!("Decision {id} on {} waits for your answer", decision.reach.vulnerability);
                self.tell(person, (format!("decide#{id}"), words, "/decisions"));
            }
        }
    }

    fn change(&mut self, (id, known): (&ChangeId, &Change)) {
        let (state, now) = (self.state, self.now);
        let (page, title) = (format!("/changes/{id}"), &known.planned.title);
        if known.stage == Stage::Stopped {
            let words = format!("The rollout of change {id} ({title}) has stopped: {}", known.reason);
            let left_out = known.came.get(&Came::LeftOut).copied().unwrap_or_default();
            // What began by itself is the affair of those who operate.
            let told = match (known.by.as_str() == SYSTEM, state.oversight().operations()) {
                (true, Some(seat)) => self.people_of(seat).to_vec(),
                _ => vec![known.by.clone()],
            };
            let key = format!("stopped#{id}#{}#{left_out}", known.bad());
            told.iter().for_each(|person| self.tell(person, (key.clone(), words.clone(), &page)));
        }
        let seats = state.change_seats_lacking(known);
        let asked: BTreeSet<PersonId> = seats.into_iter().flat_map(|seat| state.people_of(seat)).collect();
        // What takes the approvals with it asks for them anew.
        let tested = known.tests.values().map(|result| result.at).max().map(|at| at.to_string()).unwrap_or_default();
        let left_out = known.came.get(&Came::LeftOut).copied().unwrap_or_default();
        let approved = || Happening::Approved { plan: known.planned.plan.clone() };
        for person in asked.iter().filter(|person| may_happen(state, id, approved(), (person, now))) {
            let words = format!("Change {id} ({title}) waits for your approval");
            self.tell(person, (format!("approve#{id}#{tested}#{left_out}"), words, &page));
        }
    }

    /// The people of the teams whose assets a change is about.
    fn announced(&mut self, record: &Record, word: &Announcement) {
        let Some(rolled) = record.rollouts.get(&word.change) else { return };
        let assets = rolled.rollout.plan().members().map(|(_, member)| member.asset.as_str());
        let assets = assets.filter_map(|asset| lifecycle::AssetId::new(asset).ok());
        let owner = |asset: lifecycle::AssetId| self.state.assets.get(&asset)?.attributes.owner.clone();
        let teams: BTreeSet<String> = assets.filter_map(owner).collect();
        let is_theirs =
            |person: &&PersonId| self.state.people.get(*person).is_some_and(|known| !known.teams.is_disjoint(&teams));
        let told: Vec<PersonId> = self.people.iter().filter(is_theirs).cloned().collect();
        for person in told {
            let words = format!("Change {} of assets of your team: {}", word.change, word.words);
            let key = format!("announced#{}#{}", word.change, word.at);
            self.tell(&person, (key, words, &format!("/changes/{}", word.change)));
        }
    }

    fn alert(&mut self, alert: &Alert) {
        let state = self.state;
        let is_theirs = |person: &&PersonId| {
            let known = state.people.get(*person);
            alert.team.as_ref().is_some_and(|team| known.is_some_and(|known| known.teams.contains(team)))
        };
        let mut told: BTreeSet<PersonId> = self.people.iter().filter(is_theirs).cloned().collect();
        alert.told.iter().for_each(|seat| told.extend(self.people_of(seat).iter().cloned()));
        for person in &told {
            let own = alert.shown_to(state, person);
            // A feed is named by the words already.
            let is_named = own.subjects.is_empty() || alert.kind == AlertKind::FeedStale;
            let named = if is_named { String::new() } else { format!(" ({})", own.subjects.join(", ")) };
            let team = alert.team.as_deref().unwrap_or_default();
            let subject = if alert.kind == AlertKind::FeedStale { alert.subjects.join(",") } else { String::new() };
            // Once on each day on which something came to it, and again whenever it has doubled.
            let day = alert.last.map(|at| at.to_zoned(jiff::tz::TimeZone::UTC).date().to_string()).unwrap_or_default();
            let key = |size: u32| format!("{}#{team}#{subject}#{day}#{size}", alert.kind.word());
            let keys: Vec<String> = (0..=alert.count.max(1).ilog2()).map(key).collect();
            self.tell_anew(person, (&keys, format!("Alert: {}{named}", alert.words()), "/tasks"));
        }
    }
}
