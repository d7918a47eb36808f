//! Hosts without an agent, as commands reach them.

use crate::arguments::{ReachArguments, WayArgument};
use crate::exit::Usage;
use anyhow::{Context, Result};
use jiff::Timestamp;
use lifecycle::AssetId;
use operations::Observed;
use rollout::{Ansible, Ssh, Way};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// How hosts are reached, with what is put there.
#[derive(Clone)]
pub(super) struct Reach {
    way: Arc<Way>,
    program: Arc<PathBuf>,
    targets: Arc<BTreeMap<String, String>>,
}

impl Reach {
    pub(super) fn new(arguments: &ReachArguments) -> Result<Self> {
        let way = match (arguments.over, &arguments.inventory) {
            (WayArgument::Ssh, _) => {
                Way::Ssh(Ssh { config: arguments.ssh_config.clone(), user: arguments.ssh_user.clone() })
            }
            (WayArgument::Ansible, Some(inventory)) => {
                Way::Ansible(Ansible { inventory: inventory.clone(), becomes: arguments.becomes })
            }
            (WayArgument::Ansible, None) => return Err(Usage("name Ansible's inventory".to_owned()).into()),
        };
        let target = |text: &String| {
            let (asset, host) = text.split_once('=').filter(|(asset, host)| !asset.is_empty() && !host.is_empty())?;
            Some((asset.to_owned(), host.to_owned()))
        };
        let wrong = |text: &String| Usage(format!("`{}` is not ASSET=HOST", text.escape_debug()));
        let targets = arguments.target.iter().map(|text| target(text).ok_or_else(|| wrong(text)));
        let targets = targets.collect::<Result<_, _>>()?;
        let beside = std::env::current_exe().ok().and_then(|own| Some(own.parent()?.join("plimsoll-agent")));
        let program = arguments.program.clone().or(beside).filter(|program| program.is_file());
        let program = program.ok_or_else(|| {
            Usage("name the agent's program with --program: the one that was built as one static file".to_owned())
        })?;
        Ok(Self { way: Arc::new(way), program: Arc::new(program), targets: Arc::new(targets) })
    }

    fn host(&self, asset: &AssetId) -> String {
        self.targets.get(asset.as_str()).cloned().unwrap_or_else(|| asset.to_string())
    }

    /// Puts the program on an asset.
    pub(super) async fn put(&self, asset: &AssetId) -> Result<()> {
        let (own, host) = (self.clone(), self.host(asset));
        Ok(tokio::task::spawn_blocking(move || own.way.put(&host, &own.program)).await??)
    }

    /// Runs the program on an asset.
    pub(super) async fn run(&self, asset: &AssetId, words: Vec<String>, order: Option<String>) -> Result<String> {
        let (own, host) = (self.clone(), self.host(asset));
        let run = move || {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            own.way.run(&host, &words, order.as_deref())
        };
        Ok(tokio::task::spawn_blocking(run).await??)
    }

    /// Looks at an asset on which the program is; by this machine's clock, as all that is recorded.
    pub(super) async fn look(&self, asset: &AssetId) -> Result<(Observed, Timestamp)> {
        let taken_at = Timestamp::now();
        let seen = self.run(asset, vec!["look".to_owned()], None).await?;
        let observed =
            Observed::read(seen.as_bytes()).with_context(|| format!("what {asset} answered is no inventory"))?;
        Ok((observed, taken_at))
    }
}
