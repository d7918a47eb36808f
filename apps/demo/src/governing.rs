//! What the invented people do with documents: a standard comes to be, and most of them read and learn what they are asked to.

use crate::play::person;
use jiff::{SignedDuration, Timestamp};
use lifecycle::{
    Command, Completion, Described, DocumentId, DutyKind, GroupId, Level, Source, Transition, Verdict, VersionId, Word,
};
use operations::{Drafted, Error, Organisation};
use policy::{Length, Unit};
use std::collections::BTreeSet;

/// Who reads the policy, so many days after it is in force; who is not named has not read it.
const READERS: &[(&str, u32)] = &[
    ("silas.security-lead", 0),
    ("edda.approver", 3),
    ("edgar.approver", 9),
    ("olaf.operator", 2),
    ("dina.developer", 20),
    ("aino.auditor", 5),
    ("freya.administrator", 12),
];
/// Who has done which course, so many days after the policy is in force.
const LEARNERS: &[(&str, &str, u32)] = &[
    ("olaf.operator", "patch-operations", 11),
    ("dina.developer", "secure-dependencies", 14),
    ("emil.employee", "security-awareness", 6),
    ("aino.auditor", "security-awareness", 8),
];
/// The day of the standard, after the policy is in force.
const STANDARD_DAY: u32 = 4;

const STANDARD: &str = "# Hosts that are easy to patch

Every host is registered with an owner, an environment and whether it can be reached from the internet, before it serves anybody.

- Hosts that can be reached are looked at every {{ scanning.exposed }}, the others every {{ scanning.internal }}.
- A restart that a patch asks for comes within {{ deployment.reboot.within }}.
- Nothing is installed beside the package manager: what it does not know nobody patches.

{{ table deadlines }}
";

/// What happens so many days after the whole policy came into force.
pub(crate) async fn live(organisation: &Organisation, days: u32, at: Timestamp) -> Result<(), Error> {
    let policy = DocumentId::policy();
    let text = organisation.store.record().await?.state.policy.as_ref().map(|policy| policy.document.clone());
    for (who, _) in READERS.iter().filter(|(_, day)| *day == days) {
        let command = Command::Acknowledge(policy.clone(), text.clone().unwrap_or_default());
        organisation.act(&person(who)?, at, command).await?;
    }
    for (who, course, _) in LEARNERS.iter().filter(|(.., day)| *day == days) {
        let (who, course) = (person(who)?, (*course).to_owned());
        let completion = Completion { person: who, course, at, word: Word::Csv, evidence: None };
        organisation.act(&person("freya.administrator")?, at, Command::CompleteTraining(completion)).await?;
    }
    if days == 1 {
        let members: BTreeSet<_> = [person("olaf.operator")?, person("dina.developer")?].into();
        let command = Command::SetGroup(GroupId::new("on-call")?, "On call".to_owned(), Source::Local, members);
        organisation.act(&person("freya.administrator")?, at, command).await?;
    }
    if days == STANDARD_DAY { standard(organisation, at).await } else { Ok(()) }
}

/// For so long nobody gets round to a violation.
const PATIENCE: SignedDuration = SignedDuration::from_hours(3 * 24);

/// One violation that has waited for long is answered: by the first who may, in the end.
pub(crate) async fn answer(organisation: &Organisation, at: Timestamp) -> Result<(), Error> {
    let waiting = {
        let record = organisation.store.record().await?;
        let duties = record.state.duties(at).into_iter().filter(|duty| duty.kind == DutyKind::Respond);
        let mut waiting = duties.filter(|duty| at.duration_since(duty.since) >= PATIENCE);
        waiting.find_map(|duty| Some((duty.owners.first()?.clone(), duty.subject)))
    };
    let Some((who, violation)) = waiting else { return Ok(()) };
    let words = "we went through what delayed it; the next one is planned ahead of its deadline".to_owned();
    organisation.act(&who, at, Command::AnswerViolation(violation, words, false)).await?;
    Ok(())
}

/// A standard below the policy, from its draft to its publication.
async fn standard(organisation: &Organisation, at: Timestamp) -> Result<(), Error> {
    let (id, version) = (DocumentId::new("host-standard")?, VersionId::new("host-standard-1")?);
    let (lead, operator) = (person("silas.security-lead")?, person("olaf.operator")?);
    let described = Described {
        level: Level::Standard,
        title: "Hosts that are easy to patch".to_owned(),
        owner: operator.clone(),
        implements: Some(DocumentId::policy()),
        review_every: Length { count: 6, unit: Unit::Months },
    };
    organisation.act(&lead, at, Command::DescribeDocument(id.clone(), described)).await?;
    let drafted = Drafted {
        document: id,
        text: STANDARD.to_owned(),
        rationale: "what the policy asks of hosts was told by word of mouth".to_owned(),
        effective_at: None,
        transition: Transition::Recount,
    };
    organisation.draft(&operator, version.clone(), drafted, at).await?;
    organisation.submit_version(&operator, version.clone(), (BTreeSet::new(), None), at).await?;
    for (who, verdict) in [
        ("silas.security-lead", Verdict::Sound),
        ("edda.approver", Verdict::Approved),
        ("edgar.approver", Verdict::Approved),
    ] {
        let terms = organisation.store.record().await?.state.versions.get(&version).map(|known| known.terms());
        let (version, words) = (version.clone(), String::new());
        let note = Command::NoteVersion { version, verdict, words, terms: terms.unwrap_or_default() };
        organisation.act(&person(who)?, at, note).await?;
    }
    organisation.publish_version(&operator, version, at).await?;
    Ok(())
}
