//! Duties: what people owe by a date: to read, to learn, to review, to say what they think. Nothing of it is kept: it follows from
//! the state, and what was missed is told by an entry, as for every other obligation.

use crate::campaign::Campaign;
use crate::document::Document;
use crate::event::Event;
use crate::person::{Person, SYSTEM};
use crate::version::{Stage, Version};
use crate::{Refusal, State};
use ::policy::Length;
use jiff::Timestamp;
use obligations::{Duty, DutyKind, Standing, reminded};
use rules::{
    AcknowledgementRule, AssetId, CampaignId, Course, DecisionId, DocumentId, PersonId, Role, Seat, USUAL, after,
};

impl State {
    /// Everything that people owe or have done, as of an instant.
    #[must_use]
    pub fn duties(&self, now: Timestamp) -> Vec<Duty> {
        let people = self.people.iter().filter(|(_, person)| !person.roles.is_empty());
        let own = people.flat_map(|one| self.own_duties(one, now));
        own.chain(self.shared_duties(now)).map(|duty| self.excused(duty)).collect()
    }

    /// One of them, by its id.
    #[must_use]
    pub fn duty(&self, id: &str, now: Timestamp) -> Option<Duty> {
        // No id has this sign.
        let (kind, rest) = id.split_once('#')?;
        let found = match kind {
            "attest" => AssetId::new(rest).ok().and_then(|asset| self.attestation_of(&asset)),
            "exception" => DecisionId::new(rest).ok().and_then(|decision| self.exception_of(&decision, now)),
            "respond" => self.response_of(rest),
            "settle" => self.settlement_of(rest),
            "review" | "input" => {
                let mut shared = self.reviews_owed(now).into_iter().chain(self.inputs_owed());
                shared.find(|duty| duty.id == id)
            }
            _ => {
                let person = rest.rsplit('#').next().and_then(|person| PersonId::new(person).ok())?;
                let known = self.people.get_key_value(&person).filter(|(_, known)| !known.roles.is_empty());
                known.into_iter().flat_map(|one| self.own_duties(one, now)).find(|duty| duty.id == id)
            }
        };
        found.map(|duty| self.excused(duty))
    }

    /// What is no single person's affair.
    fn shared_duties(&self, now: Timestamp) -> impl Iterator<Item = Duty> {
        let documents = self.reviews_owed(now).into_iter().chain(self.inputs_owed());
        let looks = documents.chain(self.exceptions_owed(now)).chain(self.attestations_owed());
        looks.chain(self.responses_owed()).chain(self.settlements_owed())
    }

    /// What one person owes or has done of what is theirs alone: to read and to learn.
    #[must_use]
    pub fn own_duties_of(&self, person: &PersonId, now: Timestamp) -> Vec<Duty> {
        let known = self.people.get_key_value(person).filter(|(_, known)| !known.roles.is_empty());
        let own = known.into_iter().flat_map(|one| self.own_duties(one, now));
        own.map(|duty| self.excused(duty)).collect()
    }

    /// What one person owes or has done.
    #[must_use]
    pub fn duties_of(&self, person: &PersonId, now: Timestamp) -> Vec<Duty> {
        let shared = self.shared_duties(now).filter(|duty| duty.owners.contains(person));
        self.own_duties_of(person, now).into_iter().chain(shared.map(|duty| self.excused(duty))).collect()
    }

    fn own_duties(&self, one: (&PersonId, &Person), now: Timestamp) -> Vec<Duty> {
        let governance = self.governance();
        let rule = governance.acknowledgement.as_ref();
        let policy = rule.and_then(|rule| self.policy_to_read(one, rule));
        let campaigns = self.campaigns.iter().filter(|(_, campaign)| self.goes_on(campaign, now));
        let campaigns = campaigns.filter_map(|(id, _)| self.campaign_to_read(one, (id, rule)));
        let courses = governance.courses.iter().filter_map(|course| self.course_to_do(one, course));
        policy.into_iter().chain(campaigns).chain(courses).collect()
    }

    fn policy_to_read(&self, (id, person): (&PersonId, &Person), rule: &AcknowledgementRule) -> Option<Duty> {
        let policy = self.policy.as_ref()?;
        let done_at = person.acknowledged.get(&policy.document).copied();
        // The same text that is put in force again was read already.
        let since = self.text_since(&policy.document).unwrap_or(policy.since).max(person.joined_at()?);
        let due = again(since, rule.within, done_at.map(|done| (done, rule.every)));
        Some(Duty {
            id: format!("acknowledge#policy#{id}"),
            kind: DutyKind::Acknowledge,
            subject: DocumentId::policy().to_string(),
            title: policy.name.clone(),
            text: Some(policy.document.clone()),
            owners: vec![id.clone()],
            since,
            due,
            done_at,
            remind_at: reminded(done_at.unwrap_or(since), due, rule.remind.unwrap_or(rule.within)),
            owed_by: None,
            escalates_to: rule.escalates_to.clone(),
            campaign: None,
            excused: None,
        })
    }

    /// Since when a text of the policy is in force without a break.
    fn text_since(&self, text: &str) -> Option<Timestamp> {
        let texts = &self.documents.get(&DocumentId::policy())?.texts;
        texts.iter().rev().take_while(|put| put.text == text).last().map(|put| put.since)
    }

    /// Whether a campaign is not ended, and its text is in force still: people are not asked to read what holds no longer.
    #[must_use]
    pub fn goes_on(&self, campaign: &Campaign, now: Timestamp) -> bool {
        let document = self.documents.get(&campaign.document).filter(|document| document.is_active());
        let in_force = document.and_then(|document| document.in_force(now));
        campaign.closed_at.is_none() && in_force.is_some_and(|text| text.text == campaign.text)
    }

    /// What came of a campaign, also of one that is over: what each of its people owed or has done.
    #[must_use]
    pub fn campaign_results(&self, name: &CampaignId) -> Vec<Duty> {
        let rule = self.governance().acknowledgement.as_ref();
        let here = self.people.iter().filter(|(_, person)| !person.roles.is_empty());
        here.filter_map(|one| self.campaign_to_read(one, (name, rule))).map(|duty| self.excused(duty)).collect()
    }

    fn campaign_to_read(
        &self,
        (id, person): (&PersonId, &Person),
        (name, rule): (&CampaignId, Option<&AcknowledgementRule>),
    ) -> Option<Duty> {
        let campaign = self.campaigns.get(name)?;
        let joined = self.joined(id, person, campaign.groups.iter())?;
        let since = campaign.since.max(joined);
        let within = rule.map_or(USUAL, |rule| rule.within);
        let due = if joined > campaign.since { campaign.due.max(after(joined, within)) } else { campaign.due };
        let until = campaign.closed_at.unwrap_or(Timestamp::MAX);
        let counts = |done: &Timestamp| *done >= campaign.since && *done <= until;
        let done_at = person.acknowledged.get(&campaign.text).copied().filter(counts);
        let document = self.documents.get(&campaign.document)?;
        let remind = rule.and_then(|rule| rule.remind).unwrap_or(within);
        Some(Duty {
            id: format!("acknowledge#campaign {name}#{id}"),
            kind: DutyKind::Acknowledge,
            subject: campaign.document.to_string(),
            title: document.described.title.clone(),
            text: Some(campaign.text.clone()),
            owners: vec![id.clone()],
            since,
            // What is read once is read.
            due: if done_at.is_some() { Timestamp::MAX } else { due },
            done_at,
            remind_at: if done_at.is_some() { Timestamp::MAX } else { reminded(since, due, remind) },
            owed_by: None,
            escalates_to: rule.and_then(|rule| rule.escalates_to.clone()),
            campaign: Some(name.to_string()),
            excused: None,
        })
    }

    /// Since when somebody is in one of these groups; where none is named, since when they are here.
    fn joined<'g>(
        &self,
        id: &PersonId,
        person: &Person,
        groups: impl ExactSizeIterator<Item = &'g rules::GroupId>,
    ) -> Option<Timestamp> {
        if groups.len() == 0 {
            return person.joined_at();
        }
        groups.filter_map(|group| self.joined_group(group, id)).min()
    }

    fn course_to_do(&self, (id, person): (&PersonId, &Person), course: &Course) -> Option<Duty> {
        let joined = self.seated(id, person, &course.seats)?;
        let asked = self.asked_since.get(&course.id).copied();
        let since = joined.max(asked.unwrap_or(joined));
        let done_at = person.completed.get(&course.id).copied();
        let due = again(since, course.within, done_at.map(|done| (done, course.every)));
        let rule = self.governance().acknowledgement.as_ref();
        Some(Duty {
            id: format!("train#{}#{id}", course.id),
            kind: DutyKind::Train,
            subject: course.id.clone(),
            title: course.title.clone(),
            text: None,
            owners: vec![id.clone()],
            since,
            due,
            done_at,
            remind_at: reminded(done_at.unwrap_or(since), due, course.within),
            owed_by: None,
            escalates_to: rule.and_then(|rule| rule.escalates_to.clone()),
            campaign: None,
            excused: None,
        })
    }

    /// Since when somebody has one of these roles; where none is named, since when they are here.
    fn seated(&self, id: &PersonId, person: &Person, seats: &[Seat]) -> Option<Timestamp> {
        if seats.is_empty() {
            return person.joined_at();
        }
        let by_role = seats.iter().flat_map(|seat| &seat.holds).filter(|role| person.roles.contains(role));
        let by_role = by_role.filter_map(|role| person.since.get(role).copied());
        let groups = seats.iter().filter_map(|seat| {
            let group = rules::GroupId::new(seat.role.as_str()).ok()?;
            self.joined_group(&group, id)
        });
        by_role.chain(groups).min()
    }

    fn reviews_owed(&self, now: Timestamp) -> Vec<Duty> {
        let active = self.documents.iter().filter(|(_, document)| document.is_active());
        active.filter_map(|(id, document)| self.review_owed((id, document), now)).collect()
    }

    /// How often a document is looked at again: the policy as it says itself, where it says so.
    #[must_use]
    pub fn review_every(&self, id: &DocumentId, document: &Document) -> Length {
        let own = self.governance().review.as_ref().filter(|_| id.is_policy()).map(|rule| rule.every);
        own.unwrap_or(document.described.review_every)
    }

    fn review_owed(&self, (id, document): (&DocumentId, &Document), now: Timestamp) -> Option<Duty> {
        document.in_force(now)?;
        let every = self.review_every(id, document);
        let due = document.review_due(every);
        let seat = self.governance().review.as_ref().filter(|_| id.is_policy()).map(|rule| &rule.owner);
        let named = [document.described.owner.clone()].into_iter().filter(|owner| self.active_person(owner).is_ok());
        let owners = match seat {
            Some(seat) => self.people_of(seat),
            None => named.collect(),
        };
        let since = document.reviewed_at.unwrap_or(document.registered_at);
        Some(Duty {
            id: format!("review#{id}"),
            kind: DutyKind::Review,
            subject: id.to_string(),
            title: document.described.title.clone(),
            text: None,
            owners,
            since,
            due,
            done_at: Some(since),
            remind_at: reminded(since, due, REVIEW_AHEAD),
            owed_by: seat.cloned(),
            escalates_to: self.governance().acknowledgement.as_ref().and_then(|rule| rule.escalates_to.clone()),
            campaign: None,
            excused: None,
        })
    }

    fn inputs_owed(&self) -> Vec<Duty> {
        let is_there = |version: &Version| self.active_document(&version.draft.document).is_ok();
        let open = self.versions.iter().filter(|(_, version)| version.stage == Stage::Review && is_there(version));
        let owed = open.filter_map(|(id, version)| Some((id, version, version.input?)));
        owed.flat_map(|(id, version, (since, until))| {
            let title = self.documents.get(&version.draft.document);
            let title = title.map_or_else(String::new, |document| document.described.title.clone());
            version.unheard().into_iter().map(move |person| Duty {
                id: format!("input#{id}#{person}"),
                kind: DutyKind::Input,
                subject: id.to_string(),
                title: title.clone(),
                text: None,
                owners: vec![person.clone()],
                since,
                due: until,
                done_at: None,
                remind_at: since,
                owed_by: None,
                escalates_to: None,
                campaign: None,
                excused: None,
            })
        })
        .collect()
    }

    /// Who has a role of the policy.
    #[must_use]
    pub fn people_of(&self, seat: &Seat) -> Vec<PersonId> {
        self.seated_people(std::slice::from_ref(seat))
    }
}

/// By when something is due: within a length of the day since when it is asked for; where it is done, once so much time has passed.
/// What was done long before it was asked for leaves that time all the same.
fn again(since: Timestamp, within: Length, done: Option<(Timestamp, Length)>) -> Timestamp {
    let first = after(since, within);
    done.map_or(first, |(done, every)| after(done, every).max(first))
}

/// How long before its day a review is brought to mind.
const REVIEW_AHEAD: Length = Length { count: 30, unit: ::policy::Unit::Days };

/// What was missed as of now and was not told yet.
pub(crate) fn miss(state: &State, (by, now): (&PersonId, Timestamp)) -> Result<Vec<Event>, Refusal> {
    if by.as_str() != SYSTEM {
        state.may(by, Role::OPERATES)?;
    }
    let missed = state.duties(now).into_iter().filter(|duty| duty.standing(now) == Standing::Missed);
    let is_new = |duty: &Duty| state.missed.get(&duty.id).is_none_or(|told| !told.contains(&duty.due));
    Ok(missed.filter(is_new).map(|duty| Event::DutyMissed { duty: duty.id, due: duty.due }).collect())
}
