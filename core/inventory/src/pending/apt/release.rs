//! A repository's Release file: what pins and security decisions go by.

use super::list_prefix;
use super::sources::is_true;
use crate::changelog::rfc2822;
use crate::control::paragraphs;
use crate::directory::Directory;
use crate::model::Inventory;

/// The release that a list belongs to.
#[derive(Debug, Default, Clone)]
pub(super) struct Release {
    pub(super) origin: String,
    pub(super) label: String,
    pub(super) suite: String,
    pub(super) codename: String,
    pub(super) version: String,
    pub(super) component: String,
    /// The publisher's host, without its port.
    pub(super) host: String,
    /// The architecture of the list.
    pub(super) architecture: String,
    /// Whether this is no release but dpkg's own record of what is installed.
    pub(super) is_status: bool,
    pub(super) is_not_automatic: bool,
    pub(super) but_upgrades: bool,
    /// Seconds since 1970.
    pub(super) published_at: Option<i64>,
    /// Seconds since 1970.
    pub(super) valid_until: Option<i64>,
    /// How large the list is, by the release's own table; none if it is not there.
    pub(super) list_bytes: Option<u64>,
}

impl Release {
    /// dpkg's own record of what is installed, which apt counts as a release of the name `now`.
    pub(super) fn status() -> Self {
        Self { suite: "now".to_owned(), is_status: true, ..Self::default() }
    }

    /// Whether the publisher calls it a security suite.
    pub(super) fn is_security(&self) -> bool {
        let security = |text: &str| text.to_ascii_lowercase().contains("security");
        security(&self.suite)
            || security(&self.codename)
            || security(&self.label)
            || self.origin.starts_with("UbuntuESM")
    }
}

/// Finds and reads the release file of a list; without one the list counts with apt's defaults.
pub(super) fn of_list(
    root: &Directory,
    folder: &str,
    list: &str,
    files: &[String],
    inventory: &mut Inventory,
) -> Release {
    let prefix = list_prefix(list);
    let base = |name: &str| name.strip_suffix("InRelease").or_else(|| name.strip_suffix("Release")).map(str::to_owned);
    let found = files
        .iter()
        .filter_map(|name| Some((base(name)?, name)))
        .filter(|(base, _)| prefix.starts_with(base.as_str()) || format!("{prefix}_").starts_with(base.as_str()));
    let Some((base, name)) = found.max_by_key(|(base, name)| (base.len(), name.ends_with("InRelease"))) else {
        return Release { host: host_of(prefix), ..Release::default() };
    };
    let path = format!("{folder}/{name}");
    let Some(bytes) = crate::pending::read_unpacked(root, &path, inventory) else { return Release::default() };
    let (mut release, is_dated) = parse(&bytes);
    if !is_dated {
        inventory.unreadable(path, "its date cannot be read, so the age of its lists is not known");
    }
    let rest = prefix.get(base.len()..).unwrap_or_default();
    release.list_bytes = size_of(&bytes, &format!("{}/Packages", rest.replace('_', "/")));
    let (component, architecture) = rest.split_once("_binary-").unwrap_or_default();
    release.component = component.replace('_', "/");
    release.architecture = architecture.to_owned();
    release.host = host_of(prefix);
    release
}

fn host_of(prefix: &str) -> String {
    let host = prefix.split('_').next().unwrap_or_default();
    host.split(':').next().unwrap_or_default().to_owned()
}

/// The size of a list, from a line ` digest size main/binary-amd64/Packages` of the release's tables.
fn size_of(bytes: &[u8], list: &str) -> Option<u64> {
    let text = String::from_utf8_lossy(bytes);
    let line = text.lines().find(|line| {
        line.starts_with(' ') && line.trim_end().strip_suffix(list).is_some_and(|rest| rest.ends_with(' '))
    })?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Reads a Release file, signed in line or not; with it, whether its date can be read if it has one.
fn parse(bytes: &[u8]) -> (Release, bool) {
    let mut release = Release::default();
    let mut is_dated = true;
    for paragraph in paragraphs(bytes) {
        for (name, value) in paragraph.fields() {
            let value = || String::from_utf8_lossy(value).into_owned();
            match name {
                b"Origin" => release.origin = value(),
                b"Label" => release.label = value(),
                b"Suite" => release.suite = value(),
                b"Codename" => release.codename = value(),
                b"Version" => release.version = value(),
                b"Date" => {
                    release.published_at = rfc2822(&value());
                    is_dated = release.published_at.is_some();
                }
                b"Valid-Until" => release.valid_until = rfc2822(&value()),
                b"NotAutomatic" => release.is_not_automatic = is_true(&value()).unwrap_or(false),
                b"ButAutomaticUpgrades" => release.but_upgrades = is_true(&value()).unwrap_or(false),
                _ => {}
            }
        }
    }
    if release.suite.is_empty() {
        release.suite.clone_from(&release.codename);
    }
    (release, is_dated)
}
