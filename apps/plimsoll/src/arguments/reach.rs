//! Arguments that say how hosts without an agent are reached.

use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// How hosts are reached.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WayArgument {
    /// With your own SSH configuration, keys and known hosts
    Ssh,
    /// With ansible-core, your own inventory and its credentials
    Ansible,
}

#[derive(Args, Debug, Clone)]
pub(crate) struct ReachArguments {
    /// How hosts are reached
    #[arg(long, value_enum)]
    pub(crate) over: WayArgument,
    /// An SSH configuration (`ssh -F`); yours without it
    #[arg(long, value_name = "FILE")]
    pub(crate) ssh_config: Option<PathBuf>,
    /// As whom SSH goes in; as its configuration says without it
    #[arg(long, value_name = "USER")]
    pub(crate) ssh_user: Option<String>,
    /// Ansible's inventory (`ansible -i`)
    #[arg(long, value_name = "FILE", required_if_eq("over", "ansible"))]
    pub(crate) inventory: Option<PathBuf>,
    /// Become root on the host (`ansible --become`)
    #[arg(long = "become")]
    pub(crate) becomes: bool,
    /// The host by which an asset is reached, where that has another name; can be given several times
    #[arg(long, value_name = "ASSET=HOST")]
    pub(crate) target: Vec<String>,
    /// The agent's program, as one static file, that is put on hosts; beside this one without it
    #[arg(long, value_name = "FILE", env = "PLIMSOLL_AGENT_PROGRAM")]
    pub(crate) program: Option<PathBuf>,
    /// So many hosts at once
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=200))]
    pub(crate) at_once: u16,
}
