//! `plimsoll change key`, `sign` and `signed`: plans that a key signs which lies on no server.

use crate::exit::{self, Usage};
use crate::progress::say;
use crate::record::Opened;
use anyhow::{Context, Result};
use ledger::{KeyKind, Signer};
use lifecycle::ChangeId;
use protocol::PlanTree;
use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// So many upgrades are told of a plan that is signed.
const MOST_TOLD: usize = 40;
/// The most bytes of a plan or a note that is read.
const MOST_BYTES: u64 = 64 << 20;

/// Makes a key that signs plans, and prints its public half.
pub(super) fn key(name: &str, path: &Path) -> Result<u8> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).context("the system gives no random numbers")?;
    let signer = Signer::from_seed(name, KeyKind::Note, &seed).map_err(|error| Usage(error.to_string()))?;
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let mut file = file.with_context(|| format!("failed to make `{}`", path.display()))?;
    writeln!(file, "{}", signer.secret_text()).and_then(|()| file.sync_all())?;
    say(&format!(
        "`{}` signs plans: keep it away from every server. Agents know it by the line below.",
        path.display()
    ));
    crate::pager::print(format!("{}\n", signer.verifier()).as_bytes())?;
    Ok(exit::WITHIN_POLICY)
}

/// Signs a plan, without any record.
pub(super) fn sign(id: &ChangeId, plan_path: &Path, key_path: &Path) -> Result<u8> {
    let bytes = read(plan_path)?;
    let plan: change::Plan =
        serde_json::from_slice(&bytes).with_context(|| format!("`{}` is no plan", plan_path.display()))?;
    plan.check()?;
    let text = String::from_utf8(read(key_path)?).with_context(|| format!("`{}` is no key", key_path.display()))?;
    let signer = Signer::parse(text.trim()).with_context(|| format!("`{}` is no key", key_path.display()))?;
    let note = PlanTree::new(id, &plan, &ledger::digest(&bytes))?.sign(&signer)?;
    let rings = plan.rings.iter().map(|ring| format!("{} ({})", ring.id, ring.members.len())).collect::<Vec<_>>();
    let upgrades: BTreeSet<&change::Upgrade> = plan.upgrades.iter().flatten().collect();
    for upgrade in upgrades.iter().take(MOST_TOLD) {
        let from = upgrade.from.as_deref().unwrap_or("nothing");
        say(&format!("  {} from {from} to {}", upgrade.package, upgrade.to));
    }
    if upgrades.len() > MOST_TOLD {
        say(&format!("  … and {} more", upgrades.len() - MOST_TOLD));
    }
    say(&format!(
        "Signed for change `{id}`: {} for {} assets, in the rings {}.",
        plan.title,
        plan.assets(),
        rings.join(", ")
    ));
    crate::pager::print(note.as_bytes())?;
    Ok(exit::WITHIN_POLICY)
}

/// Hands a signed plan in.
pub(super) async fn signed(opened: &Opened, id: &ChangeId, path: &Path) -> Result<()> {
    let note = String::from_utf8(read(path)?).with_context(|| format!("`{}` is no note", path.display()))?;
    opened.organisation.sign_change(&opened.person, id, note, opened.now).await?;
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>> {
    let read = || {
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut std::io::Read::take(std::fs::File::open(path)?, MOST_BYTES + 1), &mut bytes)?;
        Ok::<_, std::io::Error>(bytes)
    };
    let bytes = read().with_context(|| format!("failed to read `{}`", path.display()))?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(Usage(format!("`{}` has more than {} MiB", path.display(), MOST_BYTES >> 20)).into());
    }
    Ok(bytes)
}
