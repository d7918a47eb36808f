//! An asset of the invented organisation: what it has installed, and how its team treats it.

use crate::advisories::Publications;
use crate::catalogue::{PLATFORMS, Project, Role};
use crate::random::Random;
use inventory::{Inventory, Offered, Package, SourcePackage};
use lifecycle::AssetId;

/// An asset while it is played.
#[derive(Debug, Clone)]
pub(crate) struct Asset {
    pub(crate) id: AssetId,
    pub(crate) role: &'static Role,
    pub(crate) platform: usize,
    /// The day on which it is registered.
    pub(crate) born: u32,
    /// The day on which it is taken out of service.
    pub(crate) gone: Option<u32>,
    /// Projects with how many fixes are installed of each.
    installed: Vec<(usize, u32)>,
    /// Old versions that still run until a day.
    running: Vec<(usize, u32, u32)>,
    pub(crate) random: Random,
    /// How far its patch days and scans are from the first day.
    offset: u32,
}

impl Asset {
    pub(crate) fn new(
        (number, id, role): (u32, AssetId, &'static Role),
        (born, gone): (u32, Option<u32>),
        (projects, publications): (&[Project], &Publications),
        seed: u64,
    ) -> Self {
        let mut random = Random::new(seed, 1000 + u64::from(number));
        let platform = *random.pick(role.platforms);
        let every_system = 12;
        let is_there = |place: usize, project: &Project, random: &mut Random| match project.language {
            Some(language) => role.language == Some(language) && random.percent(70),
            None if project.weight == 0 => random.percent(60),
            None => {
                place < every_system && !is_server(&project.name)
                    || role.projects.contains(&project.name.as_str())
                    || (project.is_library && random.percent(50))
            }
        };
        let mut installed = Vec::new();
        for (place, project) in projects.iter().enumerate() {
            if is_there(place, project, &mut random) {
                let platform = project.language.unwrap_or(platform);
                installed.push((place, publications.fixes(place, platform, born)));
            }
        }
        let offset = random.below(role.patch_days);
        Self { id, role, platform, born, gone, installed, running: Vec::new(), random, offset }
    }

    /// Whether it is in service on a day.
    pub(crate) fn is_there(&self, day: u32) -> bool {
        self.born <= day && self.gone.is_none_or(|gone| day < gone)
    }

    /// What its team does on a day.
    pub(crate) fn live(&mut self, projects: &[Project], publications: &Publications, day: u32) {
        self.running.retain(|(_, _, until)| *until > day);
        let is_patch_day =
            (day + self.offset).is_multiple_of(self.role.patch_days) && !self.random.percent(self.role.skipped);
        for place in 0..self.installed.len() {
            let (project, fixes) = self.installed[place];
            let platform = projects[project].language.unwrap_or(self.platform);
            if publications.fixes(project, platform, day) <= fixes {
                continue;
            }
            let is_urgent = || publications.is_urgent(project, platform, (fixes, day));
            let is_time = is_patch_day || (is_urgent() && self.random.percent(30));
            if !is_time {
                continue;
            }
            let target = publications.fixes(project, platform, day);
            if target <= fixes || self.random.percent(6) {
                continue;
            }
            self.installed[place].1 = target;
            if projects[project].is_library && self.random.percent(15) {
                self.running.push((project, fixes, day + 1 + self.random.below(9)));
            }
        }
        // Now and then an image of old is put back.
        if self.random.below(4000) == 0 {
            let lot = self.random.below(self.installed.len().max(1) as u32) as usize;
            if let Some((_, fixes)) = self.installed.get_mut(lot) {
                *fixes = fixes.saturating_sub(1);
            }
        }
    }

    /// Whether it is looked at on a day: now and then a look is forgotten, and then it is for weeks.
    pub(crate) fn is_scanned(&mut self, day: u32) -> bool {
        let is_day = (day + self.offset).is_multiple_of(self.role.scan_days) || day == self.born;
        is_day && !self.random.percent(4)
    }

    /// What somebody sees who looks.
    pub(crate) fn inventory(&self, projects: &[Project]) -> Inventory {
        let mut packages = Vec::with_capacity(self.installed.len() * 2);
        for (place, fixes) in &self.installed {
            self.packages(&projects[*place], *fixes, None, &mut packages);
        }
        for (place, fixes, _) in &self.running {
            self.packages(&projects[*place], *fixes, Some("a service that was not restarted"), &mut packages);
        }
        Inventory { subject: self.id.to_string(), os: PLATFORMS[self.platform].os(), packages, ..Inventory::default() }
    }

    fn packages(&self, project: &Project, fixes: u32, still_runs: Option<&str>, packages: &mut Vec<Package>) {
        let platform = &PLATFORMS[project.language.unwrap_or(self.platform)];
        let version = platform.version(project, fixes);
        let ecosystem = platform.ecosystem();
        for part in project.parts {
            let name = format!("{}{part}", project.name);
            let mut package = Package::new(platform.kind, ecosystem, name, version.as_str(), "demonstration");
            if project.language.is_none() {
                package.architecture = "amd64".into();
                package.source =
                    Some(SourcePackage { name: project.name.as_str().into(), version: version.as_str().into() });
                package.offered = Offered::Marked;
            }
            package.still_runs = still_runs.map(Into::into);
            packages.push(package);
        }
    }
}

/// What only some assets have although it is among the first of the catalogue.
fn is_server(name: &str) -> bool {
    matches!(name, "nginx" | "apache2" | "postgresql" | "mariadb")
}
