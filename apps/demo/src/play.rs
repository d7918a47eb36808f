//! Playing: day after day, through the same operations that the command line uses.

use crate::ORIGIN;
use crate::advisories::Publications;
use crate::asset::Asset;
use crate::catalogue::{Project, ROLES, Role, projects};
use crate::error::Error;
use crate::governing;
use crate::random::Random;
use jiff::{SignedDuration, Timestamp};
use ledger::{KeyKind, Signer};
use lifecycle::{
    Assessment, AssetId, Command, DecisionId, DecisionKind, Holder, PersonId, Reach, Role as PersonRole, TokenId,
};
use operations::{Advisories, Observed, Organisation, Taken};
use std::collections::{BTreeMap, BTreeSet};

/// What is to be played.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// How many assets there are at the end, about.
    pub assets: u32,
    /// How many days are played.
    pub days: u32,
    /// The same seed plays the same organisation.
    pub seed: u64,
    /// The end.
    pub until: Timestamp,
}

/// What was played.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Played {
    /// How many assets were registered in all.
    pub assets: u64,
    /// How many inventories were taken in that said something new.
    pub inventories: u64,
    /// How many looks found nothing new.
    pub unchanged: u64,
    /// How many vulnerabilities were published.
    pub vulnerabilities: u64,
    /// How many entries the ledger has.
    pub entries: u64,
}

/// The key of a demonstration: everybody can know it, since nothing that it signs is meant to be believed.
///
/// # Errors
/// If the name is none.
pub fn signer(seed: u64) -> Result<Signer, Error> {
    let mut bytes = [0x44; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    Ok(Signer::from_seed(&format!("{ORIGIN}harbour-and-quay/{seed}"), KeyKind::Note, &bytes)?)
}

/// What happens at which hour of a day.
const ADVISORIES_HOUR: i64 = 5;
const PATCHES_HOUR: i64 = 9;
const DECISIONS_HOUR: i64 = 14;
const SCANS_HOUR: i64 = 22;
/// For so many days at the end it is told what was broken on them: each takes a look at the fleet as it was.
const TOLD_DAYS: u32 = 14;

/// Plays an organisation into an empty record. `progress` is told the day and how many there are.
///
/// # Errors
/// If the record is not empty, or fails.
pub async fn play(
    organisation: &Organisation,
    settings: Settings,
    mut progress: impl FnMut(u32, u32),
) -> Result<Played, Error> {
    if !(1..=3660).contains(&settings.days) || settings.assets == 0 {
        return Err(Error::Settings(
            "a demonstration has at least one asset, and between one day and ten years".to_owned(),
        ));
    }
    if organisation.store.record().await?.state.entries > 0 {
        return Err(Error::NotEmpty);
    }
    let mut year = Year::new(organisation, settings);
    for day in 0..settings.days {
        let date = year.at(day, 0).to_zoned(jiff::tz::TimeZone::UTC).date();
        year.play(day).await.map_err(|source| Error::Day { day: date, source })?;
        progress(day + 1, settings.days);
    }
    let mut played = year.played;
    played.entries = organisation.store.record().await?.state.entries;
    Ok(played)
}

struct Year<'o> {
    organisation: &'o Organisation,
    settings: Settings,
    start: Timestamp,
    projects: Vec<Project>,
    publications: Publications,
    assets: Vec<Asset>,
    advisories: Option<Advisories>,
    random: Random,
    /// Decisions that wait for an answer, with the day of it.
    waiting: Vec<(DecisionId, DecisionKind, u32)>,
    decisions: u32,
    played: Played,
}

pub(crate) fn person(id: &str) -> Result<PersonId, operations::Error> {
    Ok(PersonId::new(id)?)
}

impl<'o> Year<'o> {
    fn new(organisation: &'o Organisation, settings: Settings) -> Self {
        let midnight = settings.until.as_second().div_euclid(86_400) * 86_400;
        let until = Timestamp::from_second(midnight).unwrap_or(settings.until);
        let start = until - SignedDuration::from_hours(24 * i64::from(settings.days - 1));
        let projects = projects();
        // Before the first day there was a world already.
        let publications = Publications::draw(&projects, settings.days, (start, settings.seed));
        let vulnerabilities = publications.all.iter().map(|one| one.vulnerabilities.len() as u64).sum();
        let mut year = Self {
            organisation,
            settings,
            start,
            publications,
            assets: Vec::new(),
            advisories: None,
            random: Random::new(settings.seed, 2),
            waiting: Vec::new(),
            decisions: 0,
            played: Played { vulnerabilities, ..Played::default() },
            projects,
        };
        year.draw_assets();
        year
    }

    /// Nine in ten are there from the beginning; some go, and as many come.
    fn draw_assets(&mut self) {
        let Settings { assets, days, seed, .. } = self.settings;
        let mut random = Random::new(seed, 3);
        let total = assets + assets / 12;
        let shares: u32 = ROLES.iter().map(|role| role.share).sum();
        for number in 0..total {
            // The first of each kind come in turn, so that a small organisation has all kinds.
            let role =
                if (number as usize) < ROLES.len() { &ROLES[number as usize] } else { role_of(random.below(shares)) };
            let born = if number < assets * 9 / 10 { 0 } else { random.below(days) };
            let gone = (number >= ROLES.len() as u32 && random.percent(7)).then(|| born + 1 + random.below(days));
            let Ok(id) = AssetId::new(format!("{}-{:0width$}", role.name, number + 1, width = total.to_string().len()))
            else {
                continue;
            };
            let asset = Asset::new((number, id, role), (born, gone), (&self.projects, &self.publications), seed);
            self.assets.push(asset);
        }
    }

    fn at(&self, day: u32, hour: i64) -> Timestamp {
        self.start + SignedDuration::from_hours(24 * i64::from(day) + hour)
    }

    async fn play(&mut self, day: u32) -> Result<(), operations::Error> {
        if day == 0 {
            self.begin().await?;
        }
        if day == 0 || self.publications.has_news(day) {
            self.judge(day).await?;
        }
        for asset in self.assets.iter_mut().filter(|asset| asset.is_there(day)) {
            asset.live(&self.projects, &self.publications, day);
        }
        self.register(day).await?;
        if day == self.settings.days / 2 {
            // The organisation outgrows the baseline.
            let at = self.at(day, DECISIONS_HOUR);
            self.adopt_whole(at).await?;
        }
        self.decide(day).await?;
        if let Some(days) = day.checked_sub(self.settings.days / 2) {
            governing::live(self.organisation, days, self.at(day, DECISIONS_HOUR + 1)).await?;
        }
        self.scan(day).await?;
        let (system, at) = (person(lifecycle::SYSTEM)?, self.at(day, SCANS_HOUR + 1));
        if self.settings.days - day > TOLD_DAYS {
            self.organisation.act(&system, at, Command::TellMissedScans).await?;
            self.organisation.act(&system, at, Command::TellMissedDuties).await?;
            return Ok(());
        }
        self.organisation.tell_missed(&system, at).await?;
        governing::answer(self.organisation, self.at(day, SCANS_HOUR + 2)).await
    }

    async fn begin(&self) -> Result<(), operations::Error> {
        let (at, founder) = (self.at(0, 0), person("freya.administrator")?);
        let roles = BTreeSet::from([PersonRole::Administrator]);
        self.organisation.act(&founder, at, Command::SetRoles(founder.clone(), roles, BTreeSet::new())).await?;
        for (who, role) in [
            ("silas.security-lead", PersonRole::SecurityLead),
            ("edda.approver", PersonRole::Approver),
            ("edgar.approver", PersonRole::Approver),
            ("olaf.operator", PersonRole::Operator),
            ("dina.developer", PersonRole::Developer),
            ("aino.auditor", PersonRole::Auditor),
            ("emil.employee", PersonRole::Employee),
        ] {
            let teams = if role == PersonRole::Developer { DEVELOPERS_TEAMS } else { &[] };
            let teams = teams.iter().map(|team| (*team).to_owned()).collect();
            let command = Command::SetRoles(person(who)?, BTreeSet::from([role]), teams);
            self.organisation.act(&founder, at, command).await?;
        }
        self.adopt("baseline", at).await
    }

    async fn adopt(&self, preset: &str, at: Timestamp) -> Result<(), operations::Error> {
        if let Some(preset) = policy::PRESETS.iter().find(|one| one.id == preset) {
            self.organisation.adopt(&person("silas.security-lead")?, (preset.id, preset.text), at).await?;
        }
        Ok(())
    }

    /// Puts a whole policy in force, with every section and its prose.
    async fn adopt_whole(&self, at: Timestamp) -> Result<(), operations::Error> {
        let Some(profile) = policy::PROFILES.iter().find(|profile| profile.id == "defense") else { return Ok(()) };
        let text = profile.whole().map_err(|error| operations::Error::Policy { first: error.to_string() })?;
        self.organisation.adopt(&person("silas.security-lead")?, ("Patch management policy", &text), at).await?;
        Ok(())
    }

    async fn judge(&mut self, day: u32) -> Result<(), operations::Error> {
        let (at, feeds) = (self.at(day, ADVISORIES_HOUR), person(lifecycle::SYSTEM)?);
        let advisories = Advisories::new(self.publications.index(&self.projects, day)?)?;
        self.organisation.note_feeds(&feeds, &advisories, at).await?;
        self.organisation.judge(&feeds, &advisories, at, |_, _| {}).await?;
        self.advisories = Some(advisories);
        Ok(())
    }

    /// Its agent enrols, as soon as the asset is there.
    async fn enrol(&self, asset: &Asset, (operator, at): (&PersonId, Timestamp)) -> Result<(), operations::Error> {
        // An id of its own for each, and the same in every play; nobody has the secret.
        let id: String = asset.id.as_str().bytes().map(|byte| format!("{byte:02x}")).collect();
        let Ok(token) = TokenId::new(id) else { return Ok(()) };
        let issue = Command::IssueToken {
            token: token.clone(),
            holder: Holder::Asset(asset.id.clone()),
            digest: "demonstration".to_owned(),
            until: at + SignedDuration::from_hours(1),
            scopes: BTreeSet::new(),
        };
        self.organisation.act(operator, at, issue).await?;
        self.organisation
            .act(&person(lifecycle::SYSTEM)?, at, Command::EnrolAgent(token, "demonstration".to_owned()))
            .await?;
        Ok(())
    }

    async fn register(&mut self, day: u32) -> Result<(), operations::Error> {
        let (at, operator) = (self.at(day, PATCHES_HOUR), person("olaf.operator")?);
        for asset in &self.assets {
            if asset.born == day {
                let name = format!("{} of team {}", asset.role.name, asset.role.owner);
                let command = Command::RegisterAsset(asset.id.clone(), asset.role.attributes(name));
                self.organisation.act(&operator, at, command).await?;
                self.enrol(asset, (&operator, at)).await?;
                self.played.assets += 1;
            }
            if asset.gone == Some(day) {
                let command = Command::RetireAsset(asset.id.clone(), "replaced by a newer one".to_owned());
                self.organisation.act(&operator, at, command).await?;
            }
        }
        Ok(())
    }

    /// Everybody who is looked at on this day, all at once, as agents do.
    async fn scan(&mut self, day: u32) -> Result<(), operations::Error> {
        let at = self.at(day, SCANS_HOUR);
        let mut pushes = Vec::new();
        for asset in self.assets.iter_mut().filter(|asset| asset.is_there(day)) {
            if !asset.is_scanned(day) {
                continue;
            }
            let observed = Observed::of(&asset.inventory(&self.projects), &[])?;
            let agent = person(&format!("{}{}", lifecycle::AGENT, asset.id))?;
            let input = (observed, at);
            // What is handed in first comes into the ledger first, and many share one transaction.
            pushes
                .push(self.organisation.submit(&agent, asset.id.clone(), input, (self.advisories.as_ref(), at)).await?);
        }
        for push in pushes {
            match self.organisation.taken(push).await? {
                Taken::Changed { .. } => self.played.inventories += 1,
                _ => self.played.unchanged += 1,
            }
        }
        Ok(())
    }

    /// Now and then somebody asks for an exception, or says that a finding is none, and days later it is answered.
    async fn decide(&mut self, day: u32) -> Result<(), operations::Error> {
        let at = self.at(day, DECISIONS_HOUR);
        let due: Vec<_> = self.waiting.extract_if(.., |(.., answer)| *answer <= day).collect();
        for (id, kind, _) in due {
            let by = if kind == DecisionKind::Exception { "edda.approver" } else { "silas.security-lead" };
            let is_approved = self.random.percent(80);
            self.organisation.act(&person(by)?, at, Command::AnswerDecision(id, is_approved)).await?;
        }
        let known: Vec<_> = self.publications.all.iter().filter(|one| one.day + 5 <= day).collect();
        if known.is_empty() || !self.random.percent(12) {
            return Ok(());
        }
        let publication = *self.random.pick(&known);
        let vulnerability = self.random.pick(&publication.vulnerabilities).id.clone();
        let is_exception = self.random.percent(70);
        let kind = if is_exception { DecisionKind::Exception } else { DecisionKind::FalsePositive };
        let there: Vec<&Asset> = self.assets.iter().filter(|asset| asset.is_there(day)).collect();
        let picked: BTreeMap<AssetId, &str> = match (is_exception, there.is_empty()) {
            (true, false) => (0..3)
                .map(|_| {
                    let asset = self.random.pick(&there);
                    (asset.id.clone(), asset.role.owner)
                })
                .collect(),
            _ => BTreeMap::new(),
        };
        let is_developers = !picked.is_empty() && picked.values().all(|owner| DEVELOPERS_TEAMS.contains(owner));
        let by = if is_developers { "dina.developer" } else { "olaf.operator" };
        let assets = picked.into_keys().collect();
        self.decisions += 1;
        let Ok(decision) = DecisionId::new(format!("D-{:04}", self.decisions)) else { return Ok(()) };
        let reason = if is_exception {
            "the vendor certifies the new version next month; segmented until then"
        } else {
            "the vulnerable function is not built in"
        };
        let request = Command::RequestDecision {
            decision: decision.clone(),
            kind,
            reach: Reach { vulnerability, package: None, assets },
            reason: reason.to_owned(),
            until: at + SignedDuration::from_hours(24 * i64::from(20 + self.random.below(70))),
            renews: None,
            assessment: if is_exception { assessment() } else { Assessment::default() },
        };
        self.organisation.act(&person(by)?, at, request).await?;
        self.waiting.push((decision, kind, day + 1 + self.random.below(6)));
        Ok(())
    }
}

/// What comes with the exceptions of this organisation.
fn assessment() -> Assessment {
    Assessment {
        risk: "only the office network reaches it; whoever is in there could stop the service, and read nothing"
            .to_owned(),
        controls: ["segmentation".to_owned()].into(),
        plan: "the vendor's new version is tested and rolled out as soon as it is certified".to_owned(),
    }
}

/// The teams whose assets are the developer's.
const DEVELOPERS_TEAMS: &[&str] = &["web", "payments"];

fn role_of(mut lot: u32) -> &'static Role {
    for role in ROLES {
        if lot < role.share {
            return role;
        }
        lot -= role.share;
    }
    &ROLES[0]
}
