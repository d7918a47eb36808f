//! Following: how the state becomes another with each entry of the ledger.

use crate::agent::Agent;
use crate::asset::Asset;
use crate::attestation::ATTESTATION;
use crate::campaign::Campaign;
use crate::decision::{Decision, EXCEPTION, Look, Progress};
use crate::document::{Described, Document, InForce, Level};
use crate::error::Error;
use crate::event::{Adoption, Event};
use crate::feed::Feed;
use crate::inventory::Inventory;
use crate::person::Person;
use crate::state::{PolicyInForce, State};
use crate::token::Token;
use crate::training::Completion;
use crate::version::{Note, Stage, Verdict, Version};
use crate::violation::{Answer, Violation};
use ::policy::{Length, Unit};
use ledger::{Entry, KeyChange};
use obligations::Excuse;
use rules::{AssetId, DecisionId, DocumentId, PersonId, VersionId};
use std::collections::btree_map::Entry::{Occupied, Vacant};
use std::collections::{BTreeMap, BTreeSet};

impl State {
    /// Takes the next entry of the ledger in.
    ///
    /// # Errors
    /// If it is not understood, or speaks of something that is not there. The state stays as it was.
    pub fn apply(&mut self, entry: &Entry) -> Result<(), Error> {
        let is_own = entry.kind == KeyChange::KIND;
        let event = (!is_own).then(|| Event::from_entry(self.entries, entry)).transpose()?;
        self.follow(event.as_ref(), entry)
    }

    /// The same, where the event that the entry tells is at hand; a change of the ledger's key is none.
    ///
    /// # Errors
    /// If it speaks of something that is not there. The state stays as it was.
    pub fn follow(&mut self, event: Option<&Event>, entry: &Entry) -> Result<(), Error> {
        match event {
            None => self.key_changes.push(self.entries),
            Some(event) => self.take(event.clone(), entry)?,
        }
        self.entries += 1;
        Ok(())
    }

    fn take(&mut self, event: Event, entry: &Entry) -> Result<(), Error> {
        match event {
            Event::AssetRegistered { asset, attributes } => match self.assets.get_mut(&asset) {
                Some(known) => known.come_back(attributes, entry.at),
                None => drop(self.assets.insert(asset, Asset::new(attributes, entry.at))),
            },
            Event::AssetChanged { asset, attributes } => {
                let was_left = self.assets.get(&asset).is_some_and(|known| self.is_attested(known));
                self.asset(&asset)?.attributes = attributes;
                let is_left = self.assets.get(&asset).is_some_and(|known| self.is_attested(known));
                if is_left && !was_left {
                    self.asset(&asset)?.left_to_vendor = Some(entry.at);
                }
            }
            Event::AssetRetired { asset, reason } => self.asset(&asset)?.retired = Some((entry.at, reason)),
            Event::InventoryTaken { is_late: true, asset, at, .. } => {
                self.asset(&asset)?.late_inventories.insert(at);
            }
            Event::InventoryTaken { asset, digest, document, at, packages, unread, .. } => {
                let told = entry.at;
                let known = self.asset(&asset)?;
                known.note_look(at, told);
                known.inventory = Some(Inventory { digest, document, taken_at: at, packages, unread });
            }
            Event::AssetScanned { asset, at } => self.asset(&asset)?.note_look(at, entry.at),
            Event::ScanMissed { asset, due } => self.asset(&asset)?.missed_scans.push(due),
            Event::AssetAttested { asset, said } => self.asset(&asset)?.attested = Some((entry.at, said)),
            Event::VendorNotified { asset, notice } => self.note_notice(&asset, notice, entry.at)?,
            Event::RolesGiven { person, roles, teams } => {
                let known = self.people.entry(person).or_default();
                known.take((roles, teams), entry.at);
            }
            Event::CredentialChanged { .. } => {}
            Event::PersonErased { person } => {
                self.people.entry(person).or_default().erase();
            }
            Event::TokenIssued { token, holder, digest, until, scopes } => {
                self.tokens
                    .insert(token, Token { holder, digest, until, scopes, is_revoked: false, is_used_up: false });
            }
            Event::TokenRevoked { token } => {
                let known = self.tokens.get_mut(&token);
                known.ok_or_else(|| missing(self.entries, "token", token.as_str()))?.is_revoked = true;
            }
            Event::AgentEnrolled { asset, token, key } => {
                let number = self.entries;
                let known = self.tokens.get_mut(&token).ok_or_else(|| missing(number, "token", token.as_str()))?;
                known.is_used_up = true;
                self.asset(&asset)?.agent = Some(Agent { token, key, since: entry.at });
            }
            Event::AgentRevoked { asset, .. } => self.asset(&asset)?.agent = None,
            Event::FeedUpdated { feed, digest, records, newest } => {
                self.feeds.insert(feed, Feed { digest, records, newest, since: entry.at });
            }
            Event::AdvisoriesJudged { index, .. } => self.index = Some(index),
            Event::PolicyAdopted { name, document, rule, change } => {
                self.take_policy(PolicyInForce { name, document, since: entry.at, rule }, change, entry)?;
            }
            Event::Change { change, what } => {
                let by =
                    PersonId::new(entry.actor.as_str()).map_err(|_| missing(self.entries, "person", &entry.actor))?;
                if !self.take_change(change.clone(), &what, (entry.at, &by)) {
                    return Err(missing(self.entries, "change", change.as_str()));
                }
            }
            governing => self.take_governing(governing, entry)?,
        }
        Ok(())
    }

    fn take_policy(&mut self, policy: PolicyInForce, change: Option<Adoption>, entry: &Entry) -> Result<(), Error> {
        let put = InForce {
            since: policy.since,
            text: policy.document.clone(),
            version: change.map(|change| change.version),
        };
        let known = self.documents.entry(DocumentId::policy());
        match known {
            Occupied(mut known) => {
                let known = known.get_mut();
                known.described.title.clone_from(&policy.name);
                known.texts.push(put);
                // Whatever asked for a look was answered by another text.
                known.called = None;
            }
            Vacant(place) => {
                let owner = PersonId::new(entry.actor.as_str());
                let owner = owner.map_err(|_| missing(self.entries, "person", &entry.actor))?;
                let described = Described {
                    level: Level::Policy,
                    title: policy.name.clone(),
                    owner,
                    implements: None,
                    review_every: Length { count: 12, unit: Unit::Months },
                };
                let (registered_at, texts) = (entry.at, vec![put]);
                let (reviewed_at, called, retired) = (None, None, None);
                place.insert(Document { described, registered_at, texts, reviewed_at, called, retired });
            }
        }
        let governance = &policy.rule.governance;
        let asked = governance.courses.iter().map(|course| course.id.as_str());
        let asked = asked.chain(governance.oversight.attest.is_some().then_some(ATTESTATION));
        let asked = asked.chain(governance.oversight.exceptions.is_some().then_some(EXCEPTION));
        let since = |id: &str| (id.to_owned(), self.asked_since.get(id).copied().unwrap_or(policy.since));
        self.asked_since = asked.map(since).collect();
        self.policy = Some(policy);
        Ok(())
    }

    fn take_governing(&mut self, event: Event, entry: &Entry) -> Result<(), Error> {
        let at = entry.at;
        match event {
            Event::DocumentDescribed { document, described } => match self.documents.get_mut(&document) {
                Some(known) => (known.described, known.retired) = (described, None),
                None => {
                    let (texts, reviewed_at, called, retired) = (Vec::new(), None, None, None);
                    let new = Document { described, registered_at: at, texts, reviewed_at, called, retired };
                    self.documents.insert(document, new);
                }
            },
            Event::DocumentRetired { document, reason } => self.document(&document)?.retired = Some((at, reason)),
            Event::DocumentReviewed { document, .. } => {
                let known = self.document(&document)?;
                (known.reviewed_at, known.called) = (Some(at), None);
            }
            Event::ReviewCalled { document, reason } => {
                let known = self.document(&document)?;
                known.called = known.called.take().or(Some((at, reason)));
            }
            Event::GroupChanged { group, title, source, joined, left } => {
                self.change_group((group, title, source), (joined, &left), (&entry.actor, at));
            }
            Event::GroupRemoved { group } => {
                let number = self.entries;
                let known = self.groups.get_mut(&group).ok_or_else(|| missing(number, "group", group.as_str()))?;
                (known.members, known.is_gone) = (BTreeMap::new(), true);
                known.by_themselves.clear();
            }
            Event::CampaignOpened { campaign, document, text, groups, due } => {
                let new = Campaign { document, text, groups, since: at, due, closed_at: None };
                self.campaigns.insert(campaign, new);
            }
            Event::CampaignClosed { campaign } => {
                let number = self.entries;
                let known = self.campaigns.get_mut(&campaign);
                known.ok_or_else(|| missing(number, "campaign", campaign.as_str()))?.closed_at = Some(at);
            }
            Event::Acknowledged { person, text, .. } => {
                self.person(&person)?.acknowledged.insert(text, at);
            }
            Event::TrainingCompleted(Completion { person, course, at, .. }) => {
                self.person(&person)?.completed.insert(course, at);
            }
            Event::DutyMissed { duty, due } => {
                self.missed.entry(duty).or_default().insert(due);
            }
            Event::DutyExcused { duty, until, reason } => {
                let by = self.actor(entry)?;
                self.excused.insert(duty, Excuse { at, until, by, reason });
            }
            Event::ViolationOpened(opened) => {
                self.violations.open(Violation { opened, at, answer: None });
            }
            Event::ViolationsTold { until, .. } => self.told_until = Some(until),
            Event::ViolationAnswered { violation, words, is_excused } => {
                let (number, by) = (self.entries, self.actor(entry)?);
                let known = self.violations.get_mut(&violation);
                let known = known.ok_or_else(|| missing(number, "violation", &violation))?;
                known.answer = Some(Answer { at, by, words, is_excused });
            }
            other => self.take_version(other, entry)?,
        }
        Ok(())
    }

    fn take_version(&mut self, event: Event, entry: &Entry) -> Result<(), Error> {
        let at = entry.at;
        match event {
            Event::VersionDrafted { version, draft } => {
                let base = self.base(&draft.document);
                let authors = BTreeSet::from([self.actor(entry)?]);
                let (stakeholders, input, notes, published) = (BTreeSet::new(), None, Vec::new(), None);
                let stage = Stage::Draft;
                let new =
                    Version { draft, base, authors, drafted_at: at, stage, stakeholders, input, notes, published };
                self.versions.insert(version, new);
            }
            Event::VersionRevised { version, draft } => {
                let (base, by) = (self.base(&draft.document), self.actor(entry)?);
                let known = self.known_version(&version)?;
                known.authors.insert(by);
                (known.draft, known.base, known.stage) = (draft, base, Stage::Draft);
            }
            Event::VersionSubmitted { version, stakeholders, input_until } => {
                let known = self.known_version(&version)?;
                (known.stage, known.stakeholders) = (Stage::Review, stakeholders);
                known.input = input_until.map(|until| (at, until));
            }
            Event::VersionNoted { version, verdict, words, terms } => {
                let by = self.actor(entry)?;
                let known = self.known_version(&version)?;
                known.notes.push(Note { at, by, verdict, words, terms });
                if verdict == Verdict::Declined {
                    known.stage = Stage::Declined;
                }
            }
            Event::VersionWithdrawn { version } => {
                let known = self.known_version(&version)?;
                known.stage = Stage::Withdrawn;
                let document = known.draft.document.clone();
                // One whose day had not come was never in force.
                self.document(&document)?.texts.retain(|text| text.version.as_ref() != Some(&version));
            }
            Event::VersionPublished { version, effective_at, .. } => {
                let by = self.actor(entry)?;
                let known = self.known_version(&version)?;
                (known.stage, known.published) = (Stage::Published, Some((at, by, effective_at)));
                let (id, text) = (known.draft.document.clone(), known.draft.text.clone());
                // The policy is in force once an entry of its own says so: deadlines rest on it.
                if !id.is_policy() {
                    let document = self.document(&id)?;
                    document.texts.push(InForce { since: effective_at, text, version: Some(version) });
                    document.called = None;
                }
            }
            decision => self.take_decision(decision, entry)?,
        }
        Ok(())
    }

    fn take_decision(&mut self, event: Event, entry: &Entry) -> Result<(), Error> {
        match event {
            Event::DecisionRequested { decision, kind, reach, reason, until, renews, assessment } => {
                let requested_by = self.actor(entry)?;
                let (approved_by, progress) = (None, Progress::Requested);
                let (approved_before, approved_at, reviewed) = (Vec::new(), BTreeMap::new(), None);
                self.decisions.insert(
                    decision,
                    Decision {
                        kind,
                        reach,
                        reason,
                        until,
                        requested_by,
                        assessment,
                        approved_by,
                        approved_before,
                        approved_at,
                        reviewed,
                        progress,
                        renews,
                    },
                );
            }
            Event::DecisionApproved { decision, .. } => {
                let by = self.actor(entry)?;
                let known = self.decision(&decision)?;
                known.approved_before.extend(known.approved_by.take());
                // Whoever says it again says the last word, and is one person still.
                known.approved_before.retain(|before| *before != by);
                known.approved_at.insert(by.clone(), entry.at);
                known.approved_by = Some(by);
                let is_enough =
                    self.decisions.get(&decision).is_some_and(|known| self.approvals_missing(known).is_empty());
                if is_enough {
                    self.decision(&decision)?.progress = Progress::Approved { since: entry.at, revoked_at: None };
                }
            }
            Event::DecisionReviewed { decision, words } => {
                let by = self.actor(entry)?;
                self.decision(&decision)?.reviewed = Some(Look { at: entry.at, by, words });
            }
            Event::DecisionDeclined { decision } => self.decision(&decision)?.progress = Progress::Declined,
            Event::DecisionRevoked { decision } => {
                let known = self.decision(&decision)?;
                known.progress = match known.progress {
                    Progress::Approved { since, .. } => Progress::Approved { since, revoked_at: Some(entry.at) },
                    _ => Progress::Declined,
                };
            }
            _ => {}
        }
        Ok(())
    }

    fn actor(&self, entry: &Entry) -> Result<PersonId, Error> {
        PersonId::new(entry.actor.as_str()).map_err(|_| missing(self.entries, "person", &entry.actor))
    }

    pub(crate) fn asset(&mut self, asset: &AssetId) -> Result<&mut Asset, Error> {
        let number = self.entries;
        self.assets.get_mut(asset).ok_or_else(|| missing(number, "asset", asset.as_str()))
    }

    fn decision(&mut self, decision: &DecisionId) -> Result<&mut Decision, Error> {
        let number = self.entries;
        self.decisions.get_mut(decision).ok_or_else(|| missing(number, "decision", decision.as_str()))
    }

    fn document(&mut self, document: &DocumentId) -> Result<&mut Document, Error> {
        let number = self.entries;
        self.documents.get_mut(document).ok_or_else(|| missing(number, "document", document.as_str()))
    }

    fn known_version(&mut self, version: &VersionId) -> Result<&mut Version, Error> {
        let number = self.entries;
        self.versions.get_mut(version).ok_or_else(|| missing(number, "version", version.as_str()))
    }

    fn person(&mut self, person: &PersonId) -> Result<&mut Person, Error> {
        let number = self.entries;
        self.people.get_mut(person).ok_or_else(|| missing(number, "person", person.as_str()))
    }
}

fn missing(number: u64, what: &'static str, id: &str) -> Error {
    Error::Missing { number, what, id: id.to_owned() }
}
