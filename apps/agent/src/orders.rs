//! Orders: asked for, carried out, and told. Every order is written down before it begins, and stays until the server has heard what
//! came of it: whoever comes after a crash goes on with it.

use crate::allowed::Allowed;
use crate::carry::STEP;
use crate::client::{Answer, Client};
use crate::home::{Home, private_write};
use crate::telling::say;
use crate::{cycle, look};
use anyhow::{Context, Result, bail};
use jiff::{SignedDuration, Timestamp};
use ledger::{Note, Verifier};
use protocol::{AssetOrder, OrderReport, Outcome};
use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Where orders wait until what came of them is heard.
pub(crate) const FOLDER: &str = "/var/lib/plimsoll/orders";
/// How long an order is waited for.
const WAIT: Duration = Duration::from_secs(50);
/// How long to wait where nothing may begin now.
const CLOSED: Duration = Duration::from_secs(30);
/// The first wait after a failure; it doubles with each.
const FIRST_WAIT: Duration = Duration::from_secs(5);
const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// Where things lie.
pub(crate) struct Places {
    pub(crate) home: Home,
    pub(crate) allowed: PathBuf,
    pub(crate) folder: PathBuf,
}

impl Places {
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
    places.home.identity()?;
    if Allowed::read(&places.allowed)?.actions.is_empty() {
        bail!("`{}` lets nothing be done: name what this host lets be done in `actions`", places.allowed.display());
    }
    let mut failures = 0_u32;
    loop {
        let wait = match once(places, WAIT) {
            Ok(true) => Duration::ZERO,
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
    let path = places.note();
    let note = match std::fs::read_to_string(&path) {
        Ok(note) => note,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            if !allowed.is_open(Timestamp::now(), SignedDuration::ZERO)? {
                std::thread::sleep(CLOSED.min(wait));
                return Ok(false);
            }
            let Some(note) = ask(places, wait)? else { return Ok(false) };
            private_write(&path, note.as_bytes())?;
            note
        }
        Err(error) => return Err(error).with_context(|| format!("failed to read `{}`", path.display())),
    };
    process(places, &note)?;
    Ok(true)
}

fn ask(places: &Places, wait: Duration) -> Result<Option<String>> {
    match Client::new(&places.home.identity()?)?.ask(wait)? {
        Answer::Taken(ordered) => Ok(ordered.order),
        Answer::Refused(why) | Answer::Unknown(why) => bail!("the server refused: {why}"),
        Answer::Later => bail!("the server asks to come back later"),
    }
}

/// Carries an order out, unless what came of it is known; tells it, and shows it by a fresh look.
fn process(places: &Places, note: &str) -> Result<()> {
    let Some(order) = read(note) else {
        // Nobody can be told of what is of no change.
        say("what came is no order: it is thrown away");
        return forget(places);
    };
    let path = places.outcome();
    let outcome: Outcome = match std::fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes).with_context(|| format!("`{}` is damaged", path.display()))?,
        Err(_) => {
            let outcome = carried_out(places, note, &order)?;
            private_write(&path, &serde_json::to_vec(&outcome)?)?;
            outcome
        }
    };
    let (change, words) = (&order.slip.change, &outcome.words);
    let came = outcome.came.map_or("rolled back", change::Came::word);
    say(&format!(
        "{} of change {change}: {came}{}{words}",
        order.errand.words(),
        if words.is_empty() { "" } else { ": " }
    ));
    let client = Client::new(&places.home.identity()?)?;
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
    forget(places)?;
    if outcome.wants_reboot {
        say("the host is rebooted in a minute: nothing else helps");
        crate::restart::reboot()?;
    }
    Ok(())
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
    let (observed, now) = (look::apart()?, Timestamp::now());
    match client.hand_in(now, &cycle::packed(&observed)?)? {
        Answer::Taken(_) => Ok(()),
        Answer::Refused(why) | Answer::Unknown(why) => bail!("the server will not take the inventory: {why}"),
        Answer::Later => bail!("the server asks to come back later"),
    }
}

fn forget(places: &Places) -> Result<()> {
    // The order goes last: an outcome without one is thrown away.
    for path in [places.outcome(), places.note()] {
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
    let identity = places.home.identity()?;
    // A server that gives no orders has given no key.
    let keys = Some(&identity.orders_key).filter(|key| !key.is_empty());
    let keys: Vec<String> =
        keys.map(|key| Verifier::parse(key).map(|key| key.to_string())).transpose()?.into_iter().collect();
    if order.slip.asset != identity.asset {
        let words = format!("it is for {}, and this is {}", order.slip.asset, identity.asset);
        return Ok(Outcome { came: Some(change::Came::Refused), words, log: String::new(), wants_reboot: false });
    }
    let program = std::env::current_exe().context("failed to find the agent's own program")?;
    let mut command = Command::new(program);
    command.arg("carry-out").arg("--allowed").arg(&places.allowed);
    keys.iter().for_each(|key| {
        command.arg("--key").arg(key);
    });
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
