//! Governing documents: drafts with their texts, and what is put in force once its day has come.

use crate::error::Error;
use crate::organisation::Organisation;
use crate::policies::check_policy;
use jiff::Timestamp;
use lifecycle::{Command, DocumentId, Draft, PersonId, PolicyRule, SYSTEM, State, Transition, VersionId};
use policy::{Policy, Written};
use std::collections::BTreeSet;
use store::{Committed, Plan, digest};

/// The most bytes of a document's text.
const MOST_TEXT_BYTES: usize = 1 << 20;

/// What somebody drafts.
#[derive(Debug, Clone)]
pub struct Drafted {
    /// Of which document.
    pub document: DocumentId,
    /// Its text: of the policy, the file with its prose; of another document, Markdown.
    pub text: String,
    /// Why it is wanted.
    pub rationale: String,
    /// From when on it is to hold.
    pub effective_at: Option<Timestamp>,
    /// What holds for findings that are open then.
    pub transition: Transition,
}

impl Organisation {
    /// Drafts a version of a document, or revises one. A draft may have errors still.
    ///
    /// # Errors
    /// If it is larger than a megabyte, the rules refuse it, or it cannot be kept.
    pub async fn draft(
        &self,
        by: &PersonId,
        version: VersionId,
        drafted: Drafted,
        now: Timestamp,
    ) -> Result<Committed, Error> {
        let Drafted { document, text, rationale, effective_at, transition } = drafted;
        if text.len() > MOST_TEXT_BYTES {
            return Err(lifecycle::Refusal::TooLong { bytes: text.len(), most: MOST_TEXT_BYTES }.into());
        }
        let bytes = text.into_bytes();
        let draft = Draft { document, text: digest(&bytes), rationale, effective_at, transition };
        let commands = vec![Command::DraftVersion(version, draft)];
        let plan = Plan { commands, documents: vec![bytes], ..Plan::default() };
        Ok(self.store.commit(by, now, move |_| Ok(plan)).await?)
    }

    /// Hands a draft in for review, with whose input is waited for and until when.
    ///
    /// # Errors
    /// If its text has errors, the rules refuse it, or it cannot be kept.
    pub async fn submit_version(
        &self,
        by: &PersonId,
        version: VersionId,
        (stakeholders, until): (BTreeSet<PersonId>, Option<Timestamp>),
        now: Timestamp,
    ) -> Result<Committed, Error> {
        self.check_version(&version, now).await?;
        self.act(by, now, Command::SubmitVersion(version, stakeholders, until)).await
    }

    /// Publishes a version; a policy whose day has come is in force at once.
    ///
    /// # Errors
    /// If its text has errors by now, the rules refuse it, or it cannot be kept.
    pub async fn publish_version(&self, by: &PersonId, version: VersionId, now: Timestamp) -> Result<Committed, Error> {
        self.check_version(&version, now).await?;
        let published = self.act(by, now, Command::PublishVersion(version)).await?;
        self.put_due_in_force(now).await?;
        Ok(published)
    }

    /// Puts the published versions of the policy in force whose day has come, and says which.
    ///
    /// # Errors
    /// If one cannot be read any more, or it cannot be kept.
    pub async fn put_due_in_force(&self, now: Timestamp) -> Result<Vec<VersionId>, Error> {
        let due = due_versions(&self.store.record().await?.state, now);
        let system = PersonId::new(SYSTEM)?;
        for (version, text) in &due {
            let text = self.text(text).await?;
            let policy = Policy::parse(&text).map_err(|error| Error::Policy { first: error.to_string() })?;
            let (name, rule) = (policy.name.clone(), PolicyRule::of(&policy));
            let commands = vec![Command::PutInForce { version: version.clone(), name, rule }];
            // What the entry names lies beside it already; the facts follow from it anew.
            let plan = Plan { commands, documents: vec![text.into_bytes()], ..Plan::default() };
            self.store.commit(&system, now, move |_| Ok(plan)).await?;
        }
        Ok(due.into_iter().map(|(version, _)| version).collect())
    }

    /// The text of a document by its digest.
    ///
    /// # Errors
    /// If it is not there, or cannot be read.
    pub async fn text(&self, digest: &str) -> Result<String, Error> {
        Ok(String::from_utf8_lossy(&self.store.document(digest).await?).into_owned())
    }

    /// Says no to a version whose text has errors.
    async fn check_version(&self, version: &VersionId, now: Timestamp) -> Result<(), Error> {
        let known = self.store.record().await?.state.versions.get(version).map(|known| known.draft.clone());
        let unknown = || lifecycle::Refusal::Unknown { what: "version", id: version.to_string() };
        let draft = known.ok_or_else(unknown)?;
        let text = self.text(&draft.text).await?;
        if draft.document.is_policy() {
            return refuse_errors(&text, now);
        }
        let record = self.store.record().await?;
        fill_document(&text, record.facts.policies_by(None).last().map(|(_, policy, text)| (policy.as_ref(), *text)))
            .map(|_| ())
            .map_err(|first| Error::Document { first })
    }
}

/// Says no to the text of a policy that has errors.
pub(crate) fn refuse_errors(text: &str, now: Timestamp) -> Result<(), Error> {
    let checked = check_policy(text, now)?;
    let Some(first) = checked.problems.iter().find(|problem| problem.is_error) else { return Ok(()) };
    let line = first.line.map_or_else(String::new, |line| format!("on line {line}: "));
    Err(Error::Policy { first: format!("{line}{}", first.what) })
}

/// A document's Markdown, its figures filled in from the policy in force; without one it must name none.
///
/// # Errors
/// The first thing that cannot be filled in, with its line.
pub fn fill_document(text: &str, policy: Option<(&Policy, &str)>) -> Result<String, String> {
    let Some((policy, source)) = policy else {
        return if text.contains("{{") {
            Err("no policy is in force to fill it in from".to_owned())
        } else {
            Ok(text.to_owned())
        };
    };
    let written = Written::of(policy, source).map_err(|error| error.to_string())?;
    written.fill(text).map_err(|wrong| {
        let first = wrong.into_iter().next();
        first.map_or_else(String::new, |wrong| format!("on line {}: {}", wrong.line, wrong.what))
    })
}

fn due_versions(state: &State, now: Timestamp) -> Vec<(VersionId, String)> {
    let due = state.versions.iter().filter_map(|(id, known)| {
        let (.., effective_at) = known.published.as_ref()?;
        let is_due = *effective_at <= now && known.draft.document.is_policy() && state.is_ahead(id);
        is_due.then(|| (*effective_at, id.clone(), known.draft.text.clone()))
    });
    let mut due: Vec<_> = due.collect();
    due.sort();
    due.into_iter().map(|(_, id, text)| (id, text)).collect()
}
