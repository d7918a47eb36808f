//! Security updates that repositories offer: what they fix, where no advisory says so.

use super::signals::signals_of;
use super::things::package_of;
use crate::assess::Error;
use ::fleet::{Fix as FleetFix, Judgement, Offer, Signals, Standing, Statement, Subject, Thing};
use advisories::index::{Index, VulnerabilityRef};
use inventory::{Inventory, Package};
use jiff::Timestamp;
use matching::{Fix, Match, Verdict};
use std::collections::{BTreeMap, HashSet};

/// Judges the offers among things: what an advisory says of the installed package is said there and not here.
pub(super) fn judge(
    things: &[&Thing],
    index: &Index<'_>,
    judgements: &mut [Judgement],
    signals: &mut BTreeMap<String, Signals>,
) -> Result<(), Error> {
    let offered = |(place, thing): (usize, &&Thing)| Some((place, package_of(thing)?, thing.offer.is_some()));
    let offered = things.iter().enumerate().filter_map(offered).filter(|(.., is_offer)| *is_offer);
    let (places, packages): (Vec<usize>, Vec<Package>) = offered.map(|(place, package, _)| (place, package)).unzip();
    if places.is_empty() {
        return Ok(());
    }
    let inventory = Inventory { packages, ..Inventory::default() };
    let matching = matching::find(&inventory, index)?;
    let mut matched: Vec<Vec<&Match>> = vec![Vec::new(); places.len()];
    for found in &matching.matches {
        matched[found.package].push(found);
    }
    for (place, matched) in places.iter().zip(&matched) {
        if let Some(offer) = &things[*place].offer {
            judgements[*place].statements = statements(things[*place], offer, (matched, index), signals)?;
        }
    }
    Ok(())
}

fn statements(
    thing: &Thing,
    offer: &Offer,
    (matched, index): (&[&Match], &Index<'_>),
    signals: &mut BTreeMap<String, Signals>,
) -> Result<Vec<Statement>, Error> {
    let known: HashSet<&str> =
        matched.iter().map(|found| Ok(index.vulnerability(found.vulnerability)?.id)).collect::<Result<_, Error>>()?;
    let statement = |vulnerability: &str, patch_available: Option<i64>, because: String| Statement {
        vulnerability: vulnerability.to_owned(),
        standing: Standing::Affected,
        remark: String::new(),
        fix: FleetFix::Available(offer.version.clone()),
        patch_available: patch_available.and_then(|at| Timestamp::from_second(at).ok()),
        urgency: None,
        cvss: None,
        published: None,
        because,
    };
    let mut statements = Vec::new();
    for (id, at) in &offer.fixes {
        let number = index.vulnerability_number(id)?;
        let named = match number {
            Some(number) => index.vulnerability(number)?,
            None => VulnerabilityRef { id, ..Default::default() },
        };
        if known.contains(named.id) {
            continue;
        }
        let because = format!("what {} publishes of {} {} names it", offer.suite, offer.source.0, offer.source.1);
        let mut own = statement(named.id, *at, because);
        if named.rejected.is_some() {
            (own.standing, own.remark) = (Standing::Suppressed, format!("the CVE list: {} was rejected", named.id));
        }
        signals.entry(named.id.to_owned()).or_insert_with(|| signals_of(&named, String::new(), Timestamp::MAX));
        statements.push(own);
    }
    if statements.is_empty() && !matched.iter().any(|found| explains(found)) {
        let named = match offer.advisories.is_empty() {
            true => String::new(),
            false => format!(" ({})", offer.advisories.join(", ")),
        };
        let (source, version) = &offer.source;
        let title = format!(
            "security update of {source} to {version}{named}; which vulnerabilities it fixes is not known here"
        );
        let id = format!("UPDATE-{source}-{version}");
        let because = format!("{} offers {} as a security update", offer.suite, offer.version);
        statements.push(statement(&id, thing.since, because));
        signals.insert(id.clone(), Signals { id, subject: Subject::SecurityUpdate, title, ..Signals::default() });
    }
    Ok(statements)
}

/// Whether a match says what an update fixes. One that is suppressed explains nothing: the update may bring more.
fn explains(found: &Match) -> bool {
    matches!(found.fix, Fix::Available(_)) && !matches!(found.verdict, Verdict::Suppressed(_))
}
