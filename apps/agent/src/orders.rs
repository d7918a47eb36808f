//! Orders: asked for, carried out, and told. Every order is written down before it begins, and stays until the server has heard what
//! came of it: whoever comes after a crash goes on with it.

use crate::allowed::Allowed;
use crate::carry::STEP;
use crate::client::{Answer, Client};
use crate::home::{Home, Identity, private_write};
use crate::telling::say;
use crate::{cycle, look};
use anyhow::{Context, Result, bail};
use jiff::{SignedDuration, Timestamp};
use ledger::Note;
use protocol::{AssetOrder, Errand, OrderReport, Outcome};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Where orders wait until what came of them is heard.
pub(crate) const FOLDER: &str = "/var/lib/plimsoll/orders";
/// How long an order is waited for.
const WAIT: Duration = Duration::from_secs(50);
/// How long to wait after an order: what it has shown is taken in meanwhile.
const AFTER: Duration = Duration::from_secs(3);
/// The first wait after a failure; it doubles with each.
const FIRST_WAIT: Duration = Duration::from_secs(5);
const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// By what one boot of this host differs from another one.
fn boot_id() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default()
}

/// What came of an order, by the digest of that.
#[derive(Debug, Serialize, Deserialize)]
struct Ended {
    order: String,
    outcome: Outcome,
}

/// What this service has trusted first; in a folder that is root's alone.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Trust {
    server: String,
    authority: String,
    asset: lifecycle::AssetId,
    orders_key: String,
}

/// Where things lie.
pub(crate) struct Places {
    pub(crate) home: Home,
    pub(crate) allowed: PathBuf,
    pub(crate) folder: PathBuf,
}

impl Places {
    /// Who this host is, to the server that this service has trusted first: the account of the reporting agent, which reads what
    /// anybody may have written, cannot make it obey another one.
    fn identity(&self) -> Result<Identity> {
        let identity = self.home.identity()?;
        let found = Trust {
            server: identity.server.clone(),
            authority: identity.authority.clone(),
            asset: identity.asset.clone(),
            orders_key: identity.orders_key.clone(),
        };
        let path = self.folder.join("trust.json");
        match std::fs::read(&path) {
            Ok(bytes) => {
                let known: Trust =
                    serde_json::from_slice(&bytes).with_context(|| format!("`{}` is damaged", path.display()))?;
                if known != found {
                    bail!(
                        "the enrolment is another one than this service trusts (server, authority, asset or key): if that is right, run `plimsoll-agent orders --trust-anew`"
                    );
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                if found.orders_key.is_empty() {
                    bail!("the server has given no key that signs orders: it comes with the agent's next certificate");
                }
                private_write(&path, &serde_json::to_vec_pretty(&found)?)?;
            }
            Err(error) => return Err(error).with_context(|| format!("failed to read `{}`", path.display())),
        }
        Ok(identity)
    }

    /// Takes the folder: two services at once would tell each other's outcomes.
    fn lock(&self) -> Result<File> {
        let path = self.folder.join("lock");
        let file = File::options().create(true).append(true).open(&path);
        let file = file.with_context(|| format!("failed to open `{}`", path.display()))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(std::fs::TryLockError::WouldBlock) => bail!("another one carries out the orders of this folder"),
            Err(std::fs::TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("failed to lock `{}`", path.display()))
            }
        }
    }

    fn rebooting(&self) -> PathBuf {
        self.folder.join("rebooting")
    }

    /// Whether a reboot was asked for that has not come yet.
    fn is_rebooting(&self) -> bool {
        let Ok(before) = std::fs::read_to_string(self.rebooting()) else { return false };
        let waits = before == boot_id();
        if !waits {
            let _ = std::fs::remove_file(self.rebooting());
        }
        waits
    }

    /// Trusts the server of the enrolment that is there now.
    pub(crate) fn trust_anew(&self) -> Result<()> {
        let _ = std::fs::remove_file(self.folder.join("trust.json"));
        let identity = self.identity()?;
        say(&format!("orders of {} for `{}` are trusted from now on", identity.server, identity.asset));
        Ok(())
    }

    fn note(&self) -> PathBuf {
        self.folder.join("order.note")
    }

    fn outcome(&self) -> PathBuf {
        self.folder.join("outcome.json")
    }
}

/// Asks for orders and carries them out, again and again.
pub(crate) fn run(places: &Places) -> Result<()> {
    // Whoever has not enrolled is told at once, and so is whoever lets nothing be done.
    places.identity()?;
    if Allowed::read(&places.allowed)?.actions.is_empty() {
        bail!("`{}` lets nothing be done: name what this host lets be done in `actions`", places.allowed.display());
    }
    let mut failures = 0_u32;
    loop {
        let wait = match once(places, WAIT) {
            Ok(true) => AFTER,
            Ok(false) => Duration::from_millis(200),
            Err(error) => {
                say(&format!("no orders: {error:#}"));
                failures += 1;
                let wait = FIRST_WAIT.saturating_mul(1 << failures.min(10)).min(LONGEST_WAIT);
                std::thread::sleep(cycle::spread(wait, 50));
                continue;
            }
        };
        failures = 0;
        std::thread::sleep(wait);
    }
}

/// Carries out an order if there is one; whether there was.
pub(crate) fn once(places: &Places, wait: Duration) -> Result<bool> {
    let allowed = Allowed::read(&places.allowed)?;
    let _lock = places.lock()?;
    if places.is_rebooting() {
        std::thread::sleep(AFTER.min(wait));
        return Ok(false);
    }
    let path = places.note();
    let note = match std::fs::read(&path) {
        Ok(note) => String::from_utf8_lossy(&note).into_owned(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let Some(note) = ask(places, &allowed, wait)? else { return Ok(false) };
            if let Err(error) = private_write(&path, note.as_bytes()) {
                // What cannot be written down is not begun.
                return cannot(places, &note, &error).map(|()| true);
            }
            note
        }
        Err(error) => return Err(error).with_context(|| format!("failed to read `{}`", path.display())),
    };
    process(places, &allowed, &note)?;
    Ok(true)
}

/// Asks for an order. Outside of the host's own windows only what goes back is given.
fn ask(places: &Places, allowed: &Allowed, wait: Duration) -> Result<Option<String>> {
    let room = allowed.room(Timestamp::now())?;
    match Client::new(&places.identity()?)?.ask(wait, room)? {
        Answer::Taken(ordered) => Ok(ordered.order),
        Answer::Refused(why) | Answer::Unknown(why) => bail!("the server refused: {why}"),
        Answer::Later => bail!("the server asks to come back later"),
    }
}

/// Tells that an order could not even be written down.
fn cannot(places: &Places, note: &str, error: &anyhow::Error) -> Result<()> {
    let words = format!("{error:#}");
    say(&format!("an order cannot be written down: {words}"));
    let Some(order) = read(note) else { return Ok(()) };
    let (change, begun_at) = (order.slip.change, order.begun_at);
    let came = Some(if order.errand == Errand::Upgrade { change::Came::Failed } else { change::Came::Broken });
    let report = OrderReport { change, begun_at, came, words, log: String::new() };
    Client::new(&places.identity()?)?.report(&report).map(|_| ())
}

/// Carries an order out, unless what came of it is known; tells it, and shows it by a fresh look.
fn process(places: &Places, allowed: &Allowed, note: &str) -> Result<()> {
    let Some(order) = read(note) else {
        // Nobody can be told of what is of no change.
        say("what came is no order: it is thrown away");
        return forget(places);
    };
    let path = places.outcome();
    let digest = ledger::digest(note.as_bytes());
    let known = std::fs::read(&path).ok().and_then(|bytes| serde_json::from_slice::<Ended>(&bytes).ok());
    let outcome = match known.filter(|known| known.order == digest) {
        Some(known) => known.outcome,
        // What cannot be read, or is of another order, is found out again: what is done is known where it was done.
        None => {
            let outcome = carried_out(places, note, &order)?;
            let ended = Ended { order: digest, outcome: outcome.clone() };
            if let Err(error) = private_write(&path, &serde_json::to_vec(&ended)?) {
                say(&format!("what came of the order cannot be written down, and is told all the same: {error:#}"));
            }
            outcome
        }
    };
    let (change, words) = (&order.slip.change, &outcome.words);
    let came = outcome.came.map_or("rolled back", change::Came::word);
    let colon = if words.is_empty() { "" } else { ": " };
    say(&format!("{} of change {change}: {came}{colon}{words}", order.errand.words()));
    let client = Client::new(&places.identity()?)?;
    let report = OrderReport {
        change: change.clone(),
        begun_at: order.begun_at,
        came: outcome.came,
        words: words.clone(),
        log: outcome.log.clone(),
    };
    match client.report(&report)? {
        Answer::Taken(_) => {}
        // What it will never take is no reason to take no other order.
        Answer::Refused(why) => say(&format!("the server will not take what came of the order: {why}")),
        Answer::Unknown(why) => bail!("the server does not let this agent in: {why}"),
        Answer::Later => bail!("the server asks to come back later"),
    }
    show(&client, order.begun_at)?;
    if outcome.wants_reboot {
        reboot(places, allowed, &order)?;
    }
    forget(places)
}

/// Reboots the host, if it is still its time: what was begun in a window does not reboot it on the next working day.
fn reboot(places: &Places, allowed: &Allowed, order: &AssetOrder) -> Result<()> {
    let now = Timestamp::now();
    let takes = SignedDuration::from_mins(order.slip.takes_minutes);
    let is_its_time = now.duration_since(order.begun_at) < takes && allowed.room(now)? != Some(0);
    if !is_its_time {
        say("the host is not rebooted: the time of the order is over; it waits for a restart");
        return Ok(());
    }
    say("the host is rebooted in a minute: nothing else helps");
    // From here on nothing is begun that the reboot would cut short.
    private_write(&places.rebooting(), boot_id().as_bytes())?;
    crate::restart::reboot()
}

/// What an order says, before anybody believes it.
fn read(note: &str) -> Option<AssetOrder> {
    let note = Note::parse(note.as_bytes()).ok()?;
    serde_json::from_str(note.text.split_once('\n')?.1).ok()
}

/// Shows what there is now; it has to be newer than the order, by whatever clock.
fn show(client: &Client, begun_at: Timestamp) -> Result<()> {
    let late = begun_at.duration_since(Timestamp::now());
    if late > SignedDuration::ZERO {
        std::thread::sleep(late.min(SignedDuration::from_mins(2)).unsigned_abs() + Duration::from_millis(10));
    }
    // What it sees is at least as new as its beginning.
    let now = Timestamp::now();
    let observed = look::apart()?;
    match client.hand_in(now, &cycle::packed(&observed)?)? {
        Answer::Taken(_) => Ok(()),
        Answer::Refused(why) | Answer::Unknown(why) => bail!("the server will not take the inventory: {why}"),
        Answer::Later => bail!("the server asks to come back later"),
    }
}

fn forget(places: &Places) -> Result<()> {
    // The order goes first: an outcome is of one order, and of no use without it.
    for path in [places.note(), places.outcome()] {
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("failed to remove `{}`", path.display()));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Carries an order out in a process of its own, and tells the server each step.
fn carried_out(places: &Places, note: &str, order: &AssetOrder) -> Result<Outcome> {
    let identity = places.identity()?;
    if order.slip.asset != identity.asset {
        let words = format!("it is for {}, and this is {}", order.slip.asset, identity.asset);
        return Ok(Outcome { came: Some(change::Came::Refused), words, log: String::new(), wants_reboot: false });
    }
    let program = std::env::current_exe().context("failed to find the agent's own program")?;
    let mut command = Command::new(program);
    command.arg("carry-out").arg("--allowed").arg(&places.allowed).args(["--key", &identity.orders_key]);
    let process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut process = process.context("failed to begin to carry the order out")?;
    // INVARIANT: all three were asked for.
    let input = process.stdin.take().map(|mut input| input.write_all(note.as_bytes()));
    input.transpose().context("failed to hand the order on")?;
    let (steps, said) = (process.stderr.take(), process.stdout.take());
    let client = Client::new(&identity)?;
    let output = std::thread::scope(|scope| {
        let said = scope.spawn(|| said.map(std::io::read_to_string).transpose());
        for line in steps.map(std::io::BufReader::new).into_iter().flat_map(|lines| lines.lines().map_while(Result::ok))
        {
            match line.strip_prefix(STEP) {
                Some(step) => tell(&client, order, step),
                None => say(&line),
            }
        }
        said.join().ok()
    });
    let status = process.wait().context("failed to wait for the order's end")?;
    if !status.success() {
        bail!("the order of change {} was cut short ({status}): it is gone on with", order.slip.change);
    }
    let output =
        output.context("what came of the order was not read")?.context("failed to read what came of the order")?;
    serde_json::from_str(&output.unwrap_or_default()).context("failed to understand what came of the order")
}

/// Tells a step; who does not hear it hears the end.
fn tell(client: &Client, order: &AssetOrder, step: &str) {
    say(&format!("{} of change {}: {step}", order.errand.words(), order.slip.change));
    let (change, words) = (order.slip.change.clone(), step.to_owned());
    let report = OrderReport { change, begun_at: order.begun_at, came: None, words, log: String::new() };
    if let Err(error) = client.report(&report) {
        say(&format!("not told: {error:#}"));
    }
}

/// Makes the folder in which orders wait.
pub(crate) fn make(folder: &Path) -> Result<()> {
    crate::home::create_private(folder).with_context(|| format!("failed to make `{}`", folder.display()))
}
