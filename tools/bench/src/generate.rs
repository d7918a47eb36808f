//! Generated advisories and inventories with the skew of the real ones: few packages have many, most have one.

use anyhow::Result;
use serde_json::json;
use std::io::{BufWriter, Write};
use std::path::Path;
use testkit::fuzz::Random;

/// Shares of the real OSV export, in per mille: distributions first, then languages.
const ECOSYSTEMS: &[(&str, u64)] = &[
    ("Debian:12", 170),
    ("Ubuntu:22.04:LTS", 160),
    ("Alpine:v3.20", 60),
    ("AlmaLinux:9", 60),
    ("npm", 300),
    ("PyPI", 80),
    ("Maven", 60),
    ("Go", 50),
    ("crates.io", 20),
    ("RubyGems", 20),
    ("Packagist", 20),
];
/// How many package names an ecosystem has.
const NAMES: u64 = 40_000;

fn ecosystem(random: &mut Random) -> &'static str {
    let mut at = random.next_u64() % 1000;
    for (name, share) in ECOSYSTEMS {
        if at < *share {
            return name;
        }
        at -= share;
    }
    "npm"
}

/// A package's number, skewed: the cube pulls most draws to the first names.
fn package(random: &mut Random) -> u64 {
    let unit = (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
    (unit * unit * unit * NAMES as f64) as u64
}

/// A version whose first number is `major` or up to five more.
fn version(random: &mut Random, ecosystem: &str, major: usize) -> String {
    let plain = format!("{}.{}.{}", major + random.below(6), random.below(30), random.below(40));
    match ecosystem.split(':').next().unwrap_or_default() {
        "Debian" => format!("{plain}-{}+deb12u{}", random.below(9) + 1, random.below(9) + 1),
        "Ubuntu" => format!("{plain}-{}ubuntu0.{}", random.below(9) + 1, random.below(9) + 1),
        "Alpine" => format!("{plain}-r{}", random.below(9)),
        "AlmaLinux" => format!("{plain}-{}.el9", random.below(90) + 1),
        _ => plain,
    }
}

/// Writes OSV records, one a line, with texts of the usual length.
pub(super) fn advisories(path: &Path, count: usize) -> Result<()> {
    let mut out = BufWriter::new(std::fs::File::create(path)?);
    let mut random = Random::new(1);
    let details = "A flaw was found in the way the component handles crafted input, which allows a remote attacker to cause a denial of service. ".repeat(6);
    for number in 0..count {
        let ecosystem = ecosystem(&mut random);
        let affected: Vec<_> = (0..=random.below(3)).map(|_| {
            // As in the real records, nearly all listed versions lie before the fixed one.
            let listed: Vec<String> = (0..random.below(30)).map(|_| version(&mut random, ecosystem, 0)).collect();
            json!({ "package": { "ecosystem": ecosystem, "name": format!("package-{}", package(&mut random)) },
                "ranges": [{ "type": "ECOSYSTEM", "events": [{ "introduced": "0" }, { "fixed": version(&mut random, ecosystem, 6) }] }], "versions": listed })
        }).collect();
        let (year, month, day) = (2015 + random.below(11), random.below(12) + 1, random.below(28) + 1);
        let record = json!({
            "schema_version": "1.7.0", "id": format!("GEN-{number:07}"), "modified": format!("{year}-{month:02}-{day:02}T00:00:00Z"), "published": format!("{year}-{month:02}-{day:02}T00:00:00Z"),
            "aliases": [format!("CVE-{year}-{}", 10_000 + number)], "summary": format!("Denial of service in component {number} by crafted input"), "details": details,
            "severity": [{ "type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H" }],
            "references": [{ "type": "WEB", "url": format!("https://example.org/{number}") }, { "type": "ADVISORY", "url": format!("https://example.org/advisory/{number}") }],
            "affected": affected,
        });
        serde_json::to_writer(&mut out, &record)?;
        out.write_all(b"\n")?;
    }
    out.flush()?;
    Ok(())
}

/// Writes a bill of materials with packages of all these ecosystems.
pub(super) fn inventory(path: &Path, count: usize) -> Result<()> {
    let mut random = Random::new(2);
    let components: Vec<_> = (0..count)
        .map(|number| {
            let ecosystem = ecosystem(&mut random);
            // A system that is mostly kept up: one package in forty is older than some fix.
            let major = if number % 40 == 0 { 6 } else { 20 };
            let (name, version) = (
                format!("package-{}", random.next_u64() % NAMES),
                version(&mut random, ecosystem, major).replace('+', "%2B"),
            );
            // As in real documents: libraries bear other names than their sources, and say those.
            let (binary, upstream) = match number % 3 {
                0 => (format!("lib{name}"), format!("&upstream={name}")),
                _ => (name.clone(), String::new()),
            };
            let purl = match ecosystem {
                "Debian:12" => format!("pkg:deb/debian/{binary}@{version}?arch=amd64&distro=debian-12{upstream}"),
                "Ubuntu:22.04:LTS" => {
                    format!("pkg:deb/ubuntu/{binary}@{version}?arch=amd64&distro=ubuntu-22.04{upstream}")
                }
                "Alpine:v3.20" => {
                    format!("pkg:apk/alpine/{binary}@{version}?arch=x86_64&distro=alpine-3.20.1{upstream}")
                }
                "AlmaLinux:9" => format!("pkg:rpm/almalinux/{name}@{version}?arch=x86_64&distro=almalinux-9.4"),
                "crates.io" => format!("pkg:cargo/{name}@{version}"),
                "Go" => format!("pkg:golang/{name}@{version}"),
                "RubyGems" => format!("pkg:gem/{name}@{version}"),
                "Packagist" => format!("pkg:composer/{name}@{version}"),
                other => format!("pkg:{}/{name}@{version}", other.to_lowercase()),
            };
            json!({ "type": "library", "name": name, "version": version, "purl": purl })
        })
        .collect();
    let document = json!({ "bomFormat": "CycloneDX", "specVersion": "1.6", "components": components });
    std::fs::write(path, serde_json::to_vec(&document)?)?;
    Ok(())
}
