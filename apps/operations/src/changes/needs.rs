//! What a plan needs beside its packages, in words.

use change::Plan;

/// So many names are said; the others are counted.
const MOST_NAMES: usize = 5;

/// What a plan needs and asks of its assets, each with what it is about.
#[must_use]
pub fn needs_words(plan: &Plan) -> Vec<(&'static str, String)> {
    let mut words: Vec<_> = plan.trigger.iter().map(|trigger| ("Emergency", trigger.clone())).collect();
    if let Some((bytes, of_no_size, reboots)) = plan.needs_together() {
        words.push(("Download", download(bytes, of_no_size.into_iter().collect())));
        words.push(("Restarts", restarts(plan, reboots)));
    }
    let own = "what each host's own settings name";
    let health = match plan.health.is_empty() {
        true => own.to_owned(),
        false => format!("{}, and {own}", plan.health.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
    };
    words.push(("Health", format!("before and after: {health}")));
    words
}

fn download(bytes: u64, of_no_size: Vec<&str>) -> String {
    // One decimal is enough to plan with.
    let (whole, tenth) = (bytes / 1_000_000, bytes % 1_000_000 / 100_000);
    let known = format!("{whole}.{tenth} MB over all assets");
    match (bytes, of_no_size.is_empty()) {
        (_, true) => known,
        (0, false) => "nobody says how much: the repositories do not name the sizes".to_owned(),
        (_, false) => format!("{known}, and {}, whose size the repositories do not name", names(&of_no_size)),
    }
}

fn restarts(plan: &Plan, reboots: usize) -> String {
    let packages: std::collections::BTreeSet<&str> =
        plan.needs.iter().flat_map(|needs| needs.reboots.iter().map(String::as_str)).collect();
    let all = plan.assets();
    let expected = match reboots {
        0 => "no reboot is to be expected".to_owned(),
        _ => format!(
            "{reboots} of {all} assets run on with what was before until they are rebooted ({})",
            names(&packages.into_iter().collect::<Vec<_>>())
        ),
    };
    let services = "services that still run what is replaced are restarted where a host's own settings let it";
    match plan.limits.restarts {
        Some(0) => format!("{expected}, and none is rebooted by an order; {services}"),
        _ => format!("{expected}; {services}"),
    }
}

fn names(all: &[&str]) -> String {
    let named = all.iter().take(MOST_NAMES).copied().collect::<Vec<_>>().join(", ");
    match all.len().saturating_sub(MOST_NAMES) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}
