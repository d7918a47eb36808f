//! The agent: it looks at its host, and reports what has changed. In a service of its own it carries out orders, as far as a file on
//! the host lets it.

#[cfg(unix)]
mod allowed;
#[cfg(unix)]
mod carry;
mod client;
mod cycle;
#[cfg(unix)]
mod health;
mod home;
mod look;
#[cfg(unix)]
mod orders;
#[cfg(unix)]
mod restart;
#[cfg(windows)]
mod service;
mod telling;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use telling::say;

/// Where the agent keeps its things, by default.
const STATE: &str = if cfg!(windows) { r"C:\ProgramData\plimsoll-agent" } else { "/var/lib/plimsoll-agent" };

/// Looks at this host, and reports what has changed to a Plimsoll server.
#[derive(Parser, Debug)]
#[command(name = "plimsoll-agent", version)]
struct Arguments {
    /// Where the agent keeps its key, its certificate and what it could not send yet
    #[arg(
        long,
        global = true,
        env = "PLIMSOLL_AGENT_STATE",
        value_name = "DIR",
        default_value = STATE
    )]
    state: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Enrol at a server, with a ticket that holds once
    Enrol {
        /// The server's address for agents (as in `https://plimsoll.example:8421`)
        server: String,
        /// The ticket; read from standard input if it is `-`
        ticket: String,
    },
    /// Look and report again and again
    Run,
    /// Look and report once
    Once,
    /// Print what would be reported, and report nothing
    Look {
        /// Look at a mounted image or chroot instead of this host
        #[arg(long, value_name = "DIR")]
        root: Option<PathBuf>,
    },
    /// Show how the agent stands
    Status,
    /// Print the systemd unit
    #[cfg(unix)]
    Unit {
        /// The unit of the service that carries out orders, as root
        #[arg(long)]
        orders: bool,
    },
    /// Ask for orders and carry them out, as far as this host's own file lets it
    #[cfg(unix)]
    Orders {
        /// What this host lets be done; nothing without it
        #[arg(long, value_name = "FILE", default_value = allowed::PATH)]
        allowed: PathBuf,
        /// Where orders wait until what came of them is heard
        #[arg(long, value_name = "DIR", default_value = orders::FOLDER)]
        orders: PathBuf,
        /// Ask once, and do not wait for an order
        #[arg(long)]
        once: bool,
        /// Trust the server of the enrolment that is there now, instead of the one that was trusted first
        #[arg(long)]
        trust_anew: bool,
    },
    /// Carry out one order, which is read from standard input
    #[cfg(unix)]
    CarryOut {
        /// What this host lets be done; nothing without it
        #[arg(long, value_name = "FILE", default_value = allowed::PATH)]
        allowed: PathBuf,
        /// A key that signs orders
        #[arg(long = "key", value_name = "KEY")]
        keys: Vec<String>,
        /// What may be done where this host has no file that says it: whoever reaches it as root lets it
        #[arg(long = "else-allow", value_name = "ACTION")]
        otherwise: Vec<String>,
        /// The order; read from standard input without it
        #[arg(long, value_name = "FILE")]
        order: Option<PathBuf>,
        /// A mounted root instead of this host
        #[arg(long, value_name = "DIR")]
        root: Option<PathBuf>,
    },
    /// The service of Windows: register it, take it away, or be it
    #[cfg(windows)]
    #[command(subcommand)]
    Service(service::Command),
}

fn main() -> ExitCode {
    // Asking twice is no error: the first answer stays.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Where even the message cannot be written there is nobody to tell.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 64 } else { 0 });
        }
    };
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("error: {error}"));
            error.chain().skip(1).for_each(|cause| say(&format!("  because: {cause}")));
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    let home = home::Home::new(&arguments.state);
    match &arguments.command {
        Command::Enrol { server, ticket } => cycle::enrol(&home, server, &ticket_of(ticket)?),
        Command::Run => cycle::run(&home),
        Command::Once => match cycle::once(&home)?.refused {
            None => Ok(()),
            Some(_) => anyhow::bail!("not all was taken"),
        },
        Command::Look { root } => print(&serde_json::to_vec(&look::here(root.as_deref())?)?),
        Command::Status => print(cycle::status(&home)?.as_bytes()),
        #[cfg(unix)]
        Command::Unit { orders: false } => print(include_bytes!("../plimsoll-agent.service")),
        #[cfg(unix)]
        Command::Unit { orders: true } => print(include_bytes!("../plimsoll-agent-orders.service")),
        #[cfg(unix)]
        Command::Orders { allowed, orders, once, trust_anew } => {
            let places = orders::Places { home, allowed: allowed.clone(), folder: orders.clone() };
            orders::make(orders)?;
            if *trust_anew {
                return places.trust_anew();
            }
            match once {
                true => orders::once(&places, std::time::Duration::ZERO).map(|_| ()),
                false => orders::run(&places),
            }
        }
        #[cfg(unix)]
        Command::CarryOut { allowed, keys, otherwise, order, root } => {
            let allowed = allowed::Allowed::or_else(allowed, otherwise)?;
            carry::run(&allowed, keys, (order.as_deref(), root.as_deref()))
        }
        #[cfg(windows)]
        Command::Service(command) => service::act(command, &arguments.state),
    }
}

fn ticket_of(given: &str) -> Result<String> {
    if given != "-" {
        return Ok(given.to_owned());
    }
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).context("failed to read the ticket")?;
    Ok(line.trim().to_owned())
}

fn print(bytes: &[u8]) -> Result<()> {
    std::io::stdout().write_all(bytes).context("failed to write")
}
