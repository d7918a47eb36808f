//! The facts of a finding, as the policy wants them.

use crate::assess::Input;
use crate::findings::{Carrier, Signals};
use advisories::Ssvc;
use advisories::index::VulnerabilityRef;
use jiff::Timestamp;
use matching::Fix;
use policy::Facts;

/// The facts of a vulnerability on packages.
pub(crate) fn of_vulnerability(
    input: Input<'_>,
    vulnerability: &VulnerabilityRef<'_>,
    signals: &Signals,
    carriers: &[Carrier],
) -> Facts {
    let ssvc = vulnerability.ssvc.as_ref();
    Facts {
        cvss: signals.cvss.as_ref().map(|(score, _)| *score),
        epss: signals.epss,
        is_exploited: signals.listed.is_some(),
        is_used_by_ransomware: signals.is_used_by_ransomware,
        lacks_catalogue: !input.has_catalogue,
        exploitation: ssvc.and_then(|points| exploitation(&points.exploitation)),
        automatable: ssvc.and_then(|points| points.automatable),
        total_impact: ssvc.and_then(|points| points.total_impact),
        is_fix_available: carriers.iter().any(|carrier| matches!(carrier.fix, Fix::Available(_))),
        asset: input.asset.clone(),
        published: signals.published,
        patch_available: signals.patch_available,
        listed: signals.listed,
        catalogue_due: vulnerability.exploited.iter().filter_map(|entry| entry.due).min(),
        now: input.now,
        ..Facts::default()
    }
}

/// A vulnerability's other ids; Debian's own name for a CVE says nothing more.
pub(crate) fn aliases(vulnerability: &VulnerabilityRef<'_>) -> Vec<String> {
    let aliases = vulnerability.aliases.iter().filter(|alias| !alias.starts_with("DEBIAN-"));
    aliases.map(|alias| (*alias).to_owned()).collect()
}

/// SSVC's word for exploitation; what is none of its words says nothing.
pub(crate) fn exploitation(word: &str) -> Option<String> {
    let word = word.to_ascii_lowercase();
    // `public poc` is an older spelling.
    let word = word.strip_prefix("public ").unwrap_or(&word);
    policy::EXPLOITATION.contains(&word).then(|| word.to_owned())
}

/// The facts of something out of support: its end is both the publication and the day from which it could be replaced.
pub(crate) fn of_end_of_life(input: Input<'_>, ended: Timestamp) -> Facts {
    Facts {
        is_end_of_life: true,
        is_fix_available: true,
        asset: input.asset.clone(),
        published: Some(ended),
        patch_available: Some(ended),
        now: input.now,
        ..Facts::default()
    }
}

/// The facts of an update that no advisory explains.
pub(crate) fn of_unexplained(input: Input<'_>, patch_available: Option<Timestamp>) -> Facts {
    Facts {
        is_unexplained_update: true,
        is_fix_available: true,
        asset: input.asset.clone(),
        patch_available,
        now: input.now,
        ..Facts::default()
    }
}

/// `exploitation active, automatable yes, impact total`.
pub(crate) fn ssvc_in_words(points: &Ssvc) -> String {
    let word = |value: Option<bool>, yes: &'static str, no: &'static str| match value {
        Some(true) => yes,
        Some(false) => no,
        None => "not stated",
    };
    format!(
        "exploitation {}, automatable {}, technical impact {}",
        if points.exploitation.is_empty() { "not stated" } else { &points.exploitation },
        word(points.automatable, "yes", "no"),
        word(points.total_impact, "total", "partial")
    )
}
