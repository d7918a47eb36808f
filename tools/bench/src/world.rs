//! The measured fleet: which host has which versions follows from numbers alone, so that it is the same each time.

use advisories::index::{Builder, FeedState};
use advisories::{Advisory, Affected, Record, Subject};
use anyhow::{Context, Result};
use fleet::{Facts, Fix, InventoryDocument, JudgedDocument, Judgement, Signals, Standing, Statement, Thing};
use jiff::{SignedDuration, Timestamp};
use lifecycle::{AssetId, Attributes, Event, Exposure};
use std::collections::BTreeMap;

pub(super) const HOSTS: u32 = 100_000;
/// Packages on each host.
const PACKAGES: u32 = 700;
/// What every host has, and the long tail of which each has some.
const COMMON: u32 = 450;
const PROJECTS: u32 = 30_000;
/// Versions of each project.
const VERSIONS: u32 = 6;
const VULNERABILITIES: u32 = 12_000;

pub(super) struct World {
    hosts: u32,
}

fn mix(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

/// A number below a bound, by two others.
fn draw(one: u32, other: u32, bound: u32) -> u32 {
    (mix(u64::from(one) << 32 | u64::from(other)) % u64::from(bound)) as u32
}

impl World {
    pub(super) fn new(hosts: u32) -> Self {
        Self { hosts }
    }

    pub(super) fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * 20_780)
    }

    /// The things of a host, in rising order; every project's versions are numbered one after the other.
    pub(super) fn things(&self, host: u32) -> Vec<u32> {
        let mut projects: Vec<u32> = (0..COMMON).collect();
        let mut lot = 0;
        while (projects.len() as u32) < PACKAGES {
            // The square of a number below one: a few projects are on many hosts, many on a few.
            let share = f64::from(draw(host, lot, 1 << 20)) / f64::from(1 << 20);
            projects.push(COMMON + (share * share * share * f64::from(PROJECTS - COMMON)) as u32);
            lot += 1;
            if projects.len() as u32 == PACKAGES {
                projects.sort_unstable();
                projects.dedup();
            }
        }
        // Most hosts are nearly up to date; whoever is behind is so in most of it.
        let behind = match draw(host, u32::MAX, 100) {
            0..60 => 8,
            60..85 => 25,
            _ => 70,
        };
        let version = |project: &u32| {
            let steps = if draw(host, *project, 100) < behind { 1 + draw(*project, host, VERSIONS - 1) } else { 0 };
            project * VERSIONS + (VERSIONS - 1 - steps)
        };
        projects.iter().map(version).collect()
    }

    pub(super) fn thing(number: u32) -> Thing {
        let (project, version) = (number / VERSIONS, number % VERSIONS);
        package(format!("project-{project}"), format!("1.{}.{version}-1", project % 20))
    }

    /// What is said of a thing: each vulnerability is in the versions before its fix.
    fn judgement(number: u32, round: u32) -> Judgement {
        let (project, version) = (number / VERSIONS, number % VERSIONS);
        let mut statements = Vec::new();
        for vulnerability in Self::vulnerabilities_of(project) {
            let fixed = 1 + draw(vulnerability, 1, VERSIONS);
            if version < fixed.min(VERSIONS - 1) {
                statements.push(Statement {
                    vulnerability: Self::id(vulnerability),
                    standing: Standing::Affected,
                    remark: String::new(),
                    fix: Fix::Available(format!("1.{}.{}-1", project % 20, fixed.min(VERSIONS - 1))),
                    patch_available: Timestamp::from_second(1_767_000_000 + i64::from(vulnerability % 300) * 86_400)
                        .ok(),
                    urgency: None,
                    cvss: None,
                    published: None,
                    because: format!("before 1.{}.{fixed}, round {round}", project % 20),
                });
            }
        }
        statements.sort_by(|a, b| a.vulnerability.cmp(&b.vulnerability));
        Judgement { statements, undetermined: None }
    }

    /// The projects at the head have most of the vulnerabilities.
    fn vulnerabilities_of(project: u32) -> impl Iterator<Item = u32> {
        let count = match project {
            0..COMMON => 1 + u32::from(draw(project, 9, 5) < 3),
            _ => u32::from(draw(project, 9, 4) == 0),
        };
        (0..count).map(move |one| draw(project, 100 + one, VULNERABILITIES))
    }

    fn id(number: u32) -> String {
        format!("CVE-2026-{}", 10_000 + number)
    }

    fn signals(number: u32) -> Signals {
        let score = [9.8, 8.8, 7.5, 7.5, 6.1, 5.5, 3.3][draw(number, 3, 7) as usize];
        Signals {
            id: Self::id(number),
            subject: fleet::Subject::Vulnerability,
            title: format!("a vulnerability of number {number}"),
            cvss: Some((score, "CVSS:3.1".to_owned())),
            epss: Some((f64::from(draw(number, 4, 100)) / 100.0, 0.5)),
            listed: (draw(number, 5, 50) == 0).then(|| Timestamp::from_second(1_780_000_000).ok()).flatten(),
            published: Timestamp::from_second(1_767_000_000 + i64::from(number % 300) * 86_400).ok(),
            ..Signals::default()
        }
    }

    pub(super) fn policy(&self, preset: &str) -> Result<(Event, Vec<u8>)> {
        let preset = policy::PRESETS.iter().find(|one| one.id == preset).context("no such preset")?;
        let event = Event::PolicyAdopted {
            name: preset.id.to_owned(),
            document: String::new(),
            rule: lifecycle::PolicyRule::default(),
            change: None,
        };
        Ok((event, preset.text.as_bytes().to_vec()))
    }

    pub(super) fn asset(host: u32) -> Result<AssetId> {
        Ok(AssetId::new(format!("host-{host:06}"))?)
    }

    pub(super) fn attributes(host: u32) -> Attributes {
        let exposures = [Some(Exposure::Exposed), Some(Exposure::Internal), Some(Exposure::Internal), None];
        Attributes {
            exposure: exposures[draw(host, 11, 4) as usize],
            environment: Some(["production", "production", "test", "office"][draw(host, 12, 4) as usize].to_owned()),
            criticality: Some(["high", "medium", "low"][draw(host, 13, 3) as usize].to_owned()),
            owner: Some(format!("team-{}", draw(host, 14, 20))),
            ..Attributes::default()
        }
    }

    /// The index that says of every version what [`World::judgement`] does; in later rounds it names other fixes for some projects.
    pub(super) fn index(round: u32) -> Result<Vec<u8>> {
        let mut affected: BTreeMap<u32, Vec<Affected>> = BTreeMap::new();
        for project in 0..PROJECTS {
            // Of the first projects all hosts have one version or another.
            let revision = if project < 350 { format!("0.{round}") } else { "1".to_owned() };
            for vulnerability in Self::vulnerabilities_of(project) {
                let fixed = (1 + draw(vulnerability, 1, VERSIONS)).min(VERSIONS - 1);
                let version = format!("1.{}.{fixed}-{revision}", project % 20);
                let name = format!("project-{project}");
                let one = Affected::fixed_in("Debian:12", &name, Subject::Source, &version);
                affected.entry(vulnerability).or_default().push(one);
            }
        }
        let mut builder = Builder::default();
        let mut records = 0;
        for (vulnerability, affected) in affected {
            let published = Timestamp::from_second(1_767_000_000 + i64::from(vulnerability % 90) * 86_400).ok();
            let (id, resolves) = (format!("DSA-{vulnerability}"), vec![Self::id(vulnerability)]);
            let advisory = Advisory { id, resolves, affected, published, ..Advisory::default() };
            builder.add(Builder::prepare(Record::Advisory(Box::new(advisory))), 0);
            records += 1;
        }
        let feed = |feed: &str| FeedState { feed: feed.to_owned(), records, ..FeedState::default() };
        Ok(builder.finish(&[feed("debian_lists"), feed("kev")])?)
    }

    /// All facts: the policy, every host with its inventory, and what is said of every package.
    pub(super) fn facts(&self) -> Result<Facts> {
        let mut facts = Facts::default();
        let mut numbers = vec![u32::MAX; (PROJECTS * VERSIONS) as usize];
        let mut order = Vec::new();
        let (event, bytes) = self.policy("baseline")?;
        facts.apply(&event, Timestamp::UNIX_EPOCH, Some(&bytes))?;
        for host in 0..self.hosts {
            let (asset, attributes) = (Self::asset(host)?, Self::attributes(host));
            let at = Timestamp::from_second(1_775_000_000 + i64::from(host % 5000) * 3600)?;
            facts.apply(&Event::AssetRegistered { asset: asset.clone(), attributes }, at, None)?;
            let mut document =
                InventoryDocument { platform: "Debian GNU/Linux 12".to_owned(), ..InventoryDocument::default() };
            for thing in self.things(host) {
                if numbers[thing as usize] == u32::MAX {
                    numbers[thing as usize] = order.len() as u32;
                    order.push(thing);
                    document.new.push(Self::thing(thing));
                }
                document.added.push(numbers[thing as usize]);
            }
            document.added.sort_unstable();
            facts.apply(&taken(asset, at), at, Some(&document.write()?))?;
        }
        let judgements = order.iter().enumerate().map(|(number, thing)| (number as u32, Self::judgement(*thing, 0)));
        let signals = (0..VULNERABILITIES).map(Self::signals).collect();
        let document = JudgedDocument {
            has_catalogue: true,
            judgements: judgements.collect(),
            signals,
            ..JudgedDocument::default()
        };
        facts.apply(&judged(), Timestamp::from_second(1_775_000_000)?, Some(&document.write()?))?;
        Ok(facts)
    }

    /// Something else is said of 1,200 versions, those of the most common projects among them.
    pub(super) fn feed_update(&self, facts: &Facts, round: u32) -> Result<(Event, Vec<u8>)> {
        let mut judgements = Vec::new();
        let mut project = round;
        while judgements.len() < 1200 {
            for version in 0..VERSIONS {
                let thing = project * VERSIONS + version;
                if let Some(number) = facts.number_of(&Self::thing(thing)) {
                    judgements.push((number, Self::judgement(thing, round + 1)));
                }
            }
            project += 5;
        }
        judgements.truncate(1200);
        judgements.sort_by_key(|(number, _)| *number);
        let document = JudgedDocument { has_catalogue: true, judgements, ..JudgedDocument::default() };
        Ok((judged(), document.write()?))
    }

    /// A host upgrades what it is behind in, 20 packages at the most.
    pub(super) fn upgrade(&self, facts: &Facts, host: u32) -> Result<(Event, Vec<u8>)> {
        let asset = Self::asset(host)?;
        let mut document =
            InventoryDocument { platform: "Debian GNU/Linux 12".to_owned(), ..InventoryDocument::default() };
        for thing in self.things(host).into_iter().filter(|thing| thing % VERSIONS < VERSIONS - 1).take(20) {
            let newest = thing / VERSIONS * VERSIONS + VERSIONS - 1;
            let (old, new) = (facts.number_of(&Self::thing(thing)), facts.number_of(&Self::thing(newest)));
            if let (Some(old), Some(new)) = (old, new) {
                document.removed.push(old);
                document.added.push(new);
            }
        }
        document.added.sort_unstable();
        document.removed.sort_unstable();
        Ok((taken(asset, self.now()), document.write()?))
    }
}

/// A package of Debian 12.
pub(super) fn package(name: String, version: String) -> Thing {
    Thing {
        kind: "deb".to_owned(),
        ecosystem: "Debian:12".to_owned(),
        source: Some((name.clone(), version.clone())),
        architecture: "amd64".to_owned(),
        name,
        version,
        ..Thing::default()
    }
}

fn taken(asset: AssetId, at: Timestamp) -> Event {
    let (digest, document) = (String::new(), String::new());
    Event::InventoryTaken { asset, digest, document, at, packages: u64::from(PACKAGES), unread: 0, is_late: false }
}

fn judged() -> Event {
    let (index, document) = (String::new(), String::new());
    Event::AdvisoriesJudged { index, document, packages: 0, vulnerabilities: 0 }
}
