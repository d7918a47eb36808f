//! The advisories of the invented years: all of them are drawn before the first day, and each day shows what is out by then.

use crate::catalogue::{PLATFORMS, Platform, Project};
use crate::random::Random;
use advisories::index::{Builder, FeedState};
use advisories::{Advisory, Affected, Exploited, FixState, Record, Severity, Subject, Vulnerability};
use inventory::PackageType;
use jiff::{SignedDuration, Timestamp};

/// One publication: vulnerabilities in one project.
#[derive(Debug, Clone)]
pub(crate) struct Publication {
    pub(crate) project: usize,
    /// The day of its publication.
    pub(crate) day: u32,
    /// How many security fixes the project has had once this one is in.
    pub(crate) fixes: u32,
    /// By platform: the day on which the fix is there.
    pub(crate) fixed: Vec<u32>,
    pub(crate) vulnerabilities: Vec<Drawn>,
}

/// A vulnerability, as it was drawn.
#[derive(Debug, Clone)]
pub(crate) struct Drawn {
    pub(crate) id: String,
    vector: &'static str,
    epss: (f32, f32),
    /// The day on which it is listed as exploited.
    listed: Option<u32>,
}

/// Vectors of CVSS 3.1 (FIRST), from 9.8 down to 3.3.
const VECTORS: &[(&str, u32)] = &[
    ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 8),
    ("CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:U/C:H/I:H/A:H", 12),
    ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H", 22),
    ("CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H", 18),
    ("CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", 15),
    ("CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:N/I:N/A:H", 15),
    ("CVSS:3.1/AV:L/AC:L/PR:N/UI:R/S:U/C:N/I:N/A:L", 10),
];

/// All that is published in so many days.
#[derive(Debug)]
pub(crate) struct Publications {
    pub(crate) all: Vec<Publication>,
    /// By project: the places of its publications.
    of_project: Vec<Vec<usize>>,
    start: Timestamp,
}

impl Publications {
    /// Draws them; the days count from `start`.
    pub(crate) fn draw(projects: &[Project], days: u32, (start, seed): (Timestamp, u64)) -> Self {
        let mut random = Random::new(seed, 1);
        let lots: Vec<usize> = projects
            .iter()
            .enumerate()
            .flat_map(|(place, project)| std::iter::repeat_n(place, (project.weight * 10).max(1) as usize))
            .collect();
        let year = start.to_zoned(jiff::tz::TimeZone::UTC).year();
        let (mut all, mut fixes, mut number) = (Vec::new(), vec![0; projects.len()], 0);
        let days: Vec<u32> = (0..days).flat_map(|day| std::iter::repeat_n(day, random.below(4) as usize)).collect();
        for day in days {
            let project = *random.pick(&lots);
            fixes[project] += 1;
            let fixed = PLATFORMS.iter().map(|platform| draw_fix(&mut random, day, platform)).collect();
            let mut vulnerabilities = Vec::new();
            for _ in 0..1 + random.below(3) {
                number += 1;
                vulnerabilities.push(draw_one(&mut random, format!("DEMO-{year}-{number:04}"), day));
            }
            all.push(Publication { project, day, fixes: fixes[project], fixed, vulnerabilities });
        }
        let mut of_project = vec![Vec::new(); projects.len()];
        all.iter().enumerate().for_each(|(place, one): (usize, &Publication)| of_project[one.project].push(place));
        Self { all, of_project, start }
    }

    /// How many fixes of a project are out on a platform by a day.
    pub(crate) fn fixes(&self, project: usize, platform: usize, day: u32) -> u32 {
        let own = self.of_project[project].iter().map(|one| &self.all[*one]);
        own.filter(|one| one.fixed[platform] <= day).map(|one| one.fixes).max().unwrap_or(0)
    }

    /// Whether anything new is out on a day.
    pub(crate) fn has_news(&self, day: u32) -> bool {
        self.all.iter().any(|one| {
            one.day == day
                || one.fixed.contains(&day)
                || one.vulnerabilities.iter().any(|drawn| drawn.listed == Some(day))
        })
    }

    /// Whether a fix of something that is listed as exploited is out for a project by a day.
    pub(crate) fn is_urgent(&self, project: usize, platform: usize, (installed, day): (u32, u32)) -> bool {
        let own = self.of_project[project].iter().map(|one| &self.all[*one]).filter(|one| one.fixes > installed);
        own.filter(|one| one.fixed[platform] <= day)
            .any(|one| one.vulnerabilities.iter().any(|drawn| drawn.listed.is_some_and(|listed| listed <= day)))
    }

    fn at(&self, day: u32) -> Timestamp {
        self.start + SignedDuration::from_hours(24 * i64::from(day))
    }

    /// The compiled index of a day.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn index(&self, projects: &[Project], day: u32) -> Result<Vec<u8>, advisories::Error> {
        let mut builder = Builder::default();
        let (mut records, mut listed) = (0, 0);
        for (number, one) in self.all.iter().enumerate().filter(|(_, one)| one.day <= day) {
            for drawn in &one.vulnerabilities {
                listed += u64::from(drawn.listed.is_some_and(|at| at <= day));
                builder.add(Builder::prepare(self.vulnerability(drawn, &projects[one.project], (one.day, day))), 0);
            }
            builder.add(Builder::prepare(self.advisory((number, one), &projects[one.project], day)), 0);
            records += 1;
        }
        let newest = Some(self.at(day));
        let feed =
            |feed: &str, records: u64| FeedState { feed: feed.to_owned(), records, newest, ..FeedState::default() };
        builder.finish(&[feed("osv", records), feed("kev", listed.max(1))])
    }

    fn vulnerability(&self, drawn: &Drawn, project: &Project, (published, day): (u32, u32)) -> Record {
        let exploited = drawn.listed.filter(|at| *at <= day).map(|at| Exploited {
            asserter: "demonstration".to_owned(),
            listed: self.at(at),
            due: Some(self.at(at + 21)),
            ransomware: false,
            forensic_triage: false,
        });
        Record::Vulnerability(Box::new(Vulnerability {
            id: drawn.id.clone(),
            summary: format!("invented vulnerability in {}", project.name),
            published: Some(self.at(published)),
            severities: vec![Severity { source: "demonstration".to_owned(), value: drawn.vector.to_owned() }],
            epss: Some(drawn.epss),
            exploited: exploited.into_iter().collect(),
            ..Vulnerability::default()
        }))
    }

    fn advisory(&self, (number, one): (usize, &Publication), project: &Project, day: u32) -> Record {
        let on = |(place, platform): (usize, &Platform)| {
            let (ecosystem, subject) = (platform.ecosystem(), subject(platform));
            let of = |name: &str| match one.fixed[place] <= day {
                true => Affected::fixed_in(ecosystem, name, subject, &platform.version(project, one.fixes)),
                false => Affected::with_state(ecosystem, name, subject, FixState::NotFixedYet),
            };
            let names: Vec<String> = match subject {
                Subject::Binary => project.parts.iter().map(|part| format!("{}{part}", project.name)).collect(),
                _ => vec![project.name.clone()],
            };
            names.iter().map(|name| of(name)).collect::<Vec<_>>()
        };
        let platforms = PLATFORMS.iter().enumerate().filter(|(place, platform)| {
            project.language.map_or(platform.kind.language_ecosystem().is_none(), |language| language == *place)
        });
        Record::Advisory(Box::new(Advisory {
            id: format!("DEMO-SA-{:04}", number + 1),
            resolves: one.vulnerabilities.iter().map(|drawn| drawn.id.clone()).collect(),
            summary: format!("{}: invented security update", project.name),
            published: Some(self.at(one.day)),
            affected: platforms.flat_map(on).collect(),
            ..Advisory::default()
        }))
    }
}

/// What an advisory of a platform names: its sources, or its binary packages.
fn subject(platform: &Platform) -> Subject {
    match platform.kind {
        PackageType::Deb | PackageType::Apk => Subject::Source,
        PackageType::Rpm => Subject::Binary,
        _ => Subject::Either,
    }
}

/// The day on which a platform has the fix; some take weeks.
fn draw_fix(random: &mut Random, day: u32, platform: &Platform) -> u32 {
    let slow = if random.percent(8) { 10 + random.below(30) } else { 0 };
    day + random.below(platform.lag_days + 1) + slow
}

fn draw_one(random: &mut Random, id: String, day: u32) -> Drawn {
    let mut lot = random.below(VECTORS.iter().map(|(_, share)| share).sum());
    let mut vector = VECTORS[0].0;
    for (candidate, share) in VECTORS {
        vector = candidate;
        if lot < *share {
            break;
        }
        lot -= share;
    }
    let listed = random.percent(3).then(|| day + 1 + random.below(25));
    let score = if listed.is_some() { 60 + random.below(38) } else { random.below(20) * random.below(20) / 10 };
    let epss = (score as f32 / 100.0, (40 + random.below(60)) as f32 / 100.0);
    Drawn { id, vector, epss, listed }
}
