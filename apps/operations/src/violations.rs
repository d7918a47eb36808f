//! What is not kept, and who says that it is: the days that are over are told, with the deadlines that were missed on them; and
//! what vendors attest.

use crate::error::Error;
use crate::organisation::Organisation;
use crate::questions::View;
use fleet::{Findings, Question};
use jiff::{SignedDuration, Span, Timestamp, civil::Date, tz::TimeZone};
use lifecycle::{AssetId, Attestation, Breach, BreachKind, Command, Event, Party, PersonId, VendorNotice};
use store::{Committed, Plan, digest};

/// The most bytes of what a vendor hands in.
const MOST_EVIDENCE_BYTES: usize = 1 << 20;

/// What telling the days that are over came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DaysTold {
    /// How many scans were missed that nobody had told yet.
    pub scans: usize,
    /// The same of what people owe.
    pub duties: usize,
    /// How many violations the days had that were told.
    pub violations: u64,
}

/// The first instant of a day, in UTC; where there is no such day, the end of all times.
fn start(day: Date) -> Timestamp {
    day.to_zoned(TimeZone::UTC).map_or(Timestamp::MAX, |day| day.timestamp())
}

/// The last instant of a day, in UTC: what comes in on the day counts.
fn end(day: Date) -> Timestamp {
    day.tomorrow().map_or(Timestamp::MAX, start).checked_sub(SignedDuration::from_millis(1)).unwrap_or(Timestamp::MAX)
}

impl View<'_> {
    /// The deadlines that were missed on a day, where this is the fleet as of its end: what is overdue that was not at the end of the
    /// day before. Nothing was missed before there was a policy.
    #[must_use]
    pub fn deadlines_missed(&self, day: Date) -> Vec<Breach> {
        let Some(at) = day.yesterday().ok().map(end) else { return Vec::new() };
        let facts = &self.record.facts;
        let Some(policy) = facts.policy_at(Some(at)) else { return Vec::new() };
        let decisions = self.record.state.decisions_at(at);
        let before = Findings::evaluate(facts, Question { policy, decisions, at: Some(at) });
        let missed = self.findings.missed(facts, &before).into_iter();
        let breach = |missed: fleet::Missed| Breach {
            day,
            kind: BreachKind::Deadline,
            party: missed.owner.map_or(Party::Nobody, Party::Team),
            count: missed.findings,
        };
        missed.map(breach).collect()
    }
}

impl Organisation {
    /// Notes what the vendor of an asset says of its patching, with what it has handed in.
    ///
    /// # Errors
    /// If that is larger than a megabyte, the rules refuse it, or it cannot be kept.
    pub async fn attest(
        &self,
        by: &PersonId,
        asset: AssetId,
        told: (String, String, Option<Vec<u8>>),
        now: Timestamp,
    ) -> Result<Committed, Error> {
        self.vendor_says(by, told, |said| Command::AttestAsset(asset, said), now).await
    }

    /// Notes what the vendor of an asset tells of a vulnerability of its own, and since when it knew of it.
    ///
    /// # Errors
    /// If what it has handed in is larger than a megabyte, the rules refuse it, or it cannot be kept.
    pub async fn note_vendor_notice(
        &self,
        by: &PersonId,
        (asset, vulnerability, known_since): (AssetId, String, Timestamp),
        told: (String, String, Option<Vec<u8>>),
        now: Timestamp,
    ) -> Result<Committed, Error> {
        let notice = |said| Command::NoteVendorNotice(asset, VendorNotice { vulnerability, known_since, said });
        self.vendor_says(by, told, notice, now).await
    }

    async fn vendor_says(
        &self,
        by: &PersonId,
        (vendor, statement, evidence): (String, String, Option<Vec<u8>>),
        command: impl FnOnce(Attestation) -> Command,
        now: Timestamp,
    ) -> Result<Committed, Error> {
        let bytes = evidence.filter(|bytes| !bytes.trim_ascii().is_empty());
        if let Some(bytes) = bytes.as_ref().filter(|bytes| bytes.len() > MOST_EVIDENCE_BYTES) {
            return Err(lifecycle::Refusal::TooLong { bytes: bytes.len(), most: MOST_EVIDENCE_BYTES }.into());
        }
        let evidence = bytes.as_ref().map(|bytes| digest(bytes));
        let commands = vec![command(Attestation { vendor, statement, evidence })];
        let plan = Plan { commands, documents: bytes.into_iter().collect(), ..Plan::default() };
        Ok(self.store.commit(by, now, move |_| Ok(plan)).await?)
    }

    /// Tells the scans and duties that were missed, and what was broken on the days that are over and were not told yet: each as the
    /// fleet, the policy and the decisions were at its end. What goes wrong with one of these hinders none of the others, but days
    /// are told once scans and duties are.
    ///
    /// # Errors
    /// If the record cannot be read, the rules refuse it, or it cannot be kept.
    pub async fn tell_missed(&self, by: &PersonId, now: Timestamp) -> Result<DaysTold, Error> {
        let scans = self.act(by, now, Command::TellMissedScans).await.map(|told| told.events.len());
        let duties = self.act(by, now, Command::TellMissedDuties).await.map(|told| told.events.len());
        let (scans, duties) = (scans?, duties?);
        let days = self.store.record().await?.state.days_to_tell(now);
        let Some((first, last)) = days else { return Ok(DaysTold { scans, duties, violations: 0 }) };
        let mut deadlines = Vec::new();
        for day in first.series(Span::new().days(1)).take_while(|day| *day <= last) {
            let missed = self.view(Some(end(day)), now, |view| view.deadlines_missed(day)).await;
            match missed {
                Ok(missed) => deadlines.extend(missed),
                // Nothing was promised then.
                Err(Error::NoPolicy { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        let told = self.act(by, now, Command::TellViolations(first, last, deadlines)).await?;
        let violations = told.events.last().map_or(0, |event| match event {
            Event::ViolationsTold { violations, .. } => *violations,
            _ => 0,
        });
        Ok(DaysTold { scans, duties, violations })
    }
}
