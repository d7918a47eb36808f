//! Questions about the fleet, for now or for a past instant.

use crate::error::Error;
use crate::organisation::Organisation;
use fleet::{Findings, Question};
use jiff::Timestamp;
use store::Record;

/// The findings of the fleet as of an instant, with the record that they follow from.
#[derive(Debug)]
pub struct View<'r> {
    /// The record.
    pub record: &'r Record,
    /// The findings.
    pub findings: &'r Findings,
    /// The instant against which due dates are held.
    pub now: Timestamp,
    /// The past instant that was asked about; none if it was now.
    pub at: Option<Timestamp>,
}

/// So many vulnerabilities of a past day are worked out at a time.
const PART: usize = 32;

impl Organisation {
    /// Answers a question from the findings as of an instant, or of now where there is none.
    ///
    /// # Errors
    /// If the record cannot be read, or no policy was in force then.
    pub async fn view<T>(
        &self,
        at: Option<Timestamp>,
        now: Timestamp,
        answer: impl FnOnce(&View<'_>) -> T,
    ) -> Result<T, Error> {
        let record = self.store.record_at(now).await?;
        // Where findings are kept up to date with every entry, those of now are at hand.
        if let Some(findings) = record.findings.as_ref().filter(|_| at.is_none()) {
            return Ok(answer(&View { record: &record, findings, now, at }));
        }
        let policy = record.facts.policy_at(at).ok_or(Error::NoPolicy { at })?;
        let as_of = at.unwrap_or(now);
        let decisions = record.state.decisions_at(as_of);
        let question = Question { policy, decisions, at };
        let (mut findings, mark) = (Findings::begin(&record.facts, question.clone()), record.facts.mark());
        let mut record = record;
        while findings.go_on(&record.facts, PART) {
            if at.is_some_and(|at| at < now) {
                // Who writes need not wait for the whole: what comes in changes nothing of a past day, as a rule.
                drop(record);
                record = self.store.record().await?;
            }
        }
        if record.facts.is_other_since(mark, as_of) {
            // An inventory was told late: the answer would be half of before it, and half of after it.
            findings = Findings::evaluate(&record.facts, question);
        }
        Ok(answer(&View { record: &record, findings: &findings, now: as_of, at }))
    }
}
