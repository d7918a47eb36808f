//! Timestamps of checkpoints by an authority outside (RFC 3161): asked for with two files, and looked at beside a kept checkpoint.

use crate::files::{self, MOST_TEXT_BYTES};
use crate::progress::say;
use crate::record::Opened;
use anyhow::{Context, Result, bail};
use ledger::{Checkpoint, Note, TimestampRequest, TrustedCertificate, verify_timestamp};
use std::path::{Path, PathBuf};

/// Writes the newest checkpoint into a file, and beside it what an authority is to be asked.
pub(super) async fn request(opened: &Opened, path: &Path, is_quiet: bool) -> Result<u8> {
    let checkpoint = opened.organisation.store.checkpoint().await?;
    let mut nonce = [0; 8];
    getrandom::fill(&mut nonce).context("the system gives no random numbers")?;
    let text = Note::parse(checkpoint.as_bytes()).context("there is no checkpoint yet")?.text;
    let request = TimestampRequest::new(&text, u64::from_be_bytes(nonce))?;
    let beside = ending(path, "tsq");
    for (path, bytes) in [(path, checkpoint.as_bytes()), (&beside, request.der())] {
        let mut open = std::fs::OpenOptions::new();
        let file = open.write(true).create_new(true).open(path);
        let written = file.and_then(|mut file| std::io::Write::write_all(&mut file, bytes));
        written.with_context(|| format!("failed to write `{}`", path.display()))?;
    }
    if !is_quiet {
        let (query, reply) = (beside.display(), ending(path, "tsr"));
        say(&format!("`{}` is the checkpoint, `{query}` what to ask an authority. For example:", path.display()));
        say(&format!(
            "  curl -H 'Content-Type: application/timestamp-query' --data-binary @{query} -o {} https://AUTHORITY",
            reply.display()
        ));
        say("Keep the checkpoint and the answer together, where nobody who can write the record can reach them.");
    }
    Ok(crate::exit::WITHIN_POLICY)
}

/// What the timestamp beside a kept checkpoint proves, in words; none if there is none. `false` where it proves nothing.
pub(super) fn beside(path: &Path, kept: &[u8], certificates: Option<&Path>) -> Result<Option<(bool, String)>> {
    let reply = ending(path, "tsr");
    if !reply.exists() {
        let words = format!("there is no answer of an authority for `{}` (`{}`)", path.display(), reply.display());
        return Ok(certificates.map(|_| (false, words)));
    }
    let Some(certificates) = certificates else {
        bail!("`{}` is a timestamp: name the authority's certificate with --authority", reply.display());
    };
    let read = |path: &Path| {
        files::read(path, MOST_TEXT_BYTES).with_context(|| format!("failed to read `{}`", path.display()))
    };
    let trusted = TrustedCertificate::parse(&read(certificates)?)
        .with_context(|| format!("`{}` holds no certificates", certificates.display()))?;
    let text = Note::parse(kept).with_context(|| format!("`{}` is no checkpoint", path.display()))?.text;
    let size = Checkpoint::parse(&text)?.size;
    Ok(Some(match verify_timestamp(&read(&reply)?, &text, &trusted, None) {
        Ok(proof) => {
            (true, format!("the checkpoint of {size} entries was there at {}, says {}", proof.at, proof.authority))
        }
        Err(error) => (false, format!("the timestamp in `{}` proves nothing: {error}", reply.display())),
    }))
}

/// `FILE.tsq` for `FILE`.
fn ending(path: &Path, ending: &str) -> PathBuf {
    PathBuf::from(format!("{}.{ending}", path.display()))
}
