//! A scenario in steps, played by a process of its own that may end at any moment.
//!
//! The process tells on its standard output what was acknowledged, line by line, before it goes on.

use super::{act, asset, day, person, push, register, staff};
use fleet::JudgedDocument;
use ledger::{KeyKind, Signer};
use lifecycle::{
    Attributes, CampaignId, Command, DecisionId, DecisionKind, DocumentId, Draft, FeedId, GroupId, Holder, Reach, Role,
    Source, TokenId, Transition, VersionId,
};
use plimsoll_store::{Committed, NewJob, Options, Plan, Store, WritePoint, digest};
use rustix::process::{Signal, getpid, kill_process};
use std::collections::BTreeSet;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// How many kinds of steps there are.
pub(crate) const KINDS: u64 = 15;
/// The most entries that one group of the scenario has.
pub(crate) const MOST_IN_GROUP: u64 = 12;
/// The variable that tells a process what to play.
const TASK: &str = "PLIMSOLL_TEST_TASK";

/// What a process is to play: a step that is acknowledged, and the one after it, in which it is killed.
#[derive(Debug, Clone)]
pub(crate) struct Task {
    pub(crate) url: String,
    /// The kind of the second step.
    pub(crate) kind: u64,
    /// The number of the first step: what it makes bears it in its name.
    pub(crate) serial: u64,
    /// How often the key was changed.
    pub(crate) keys: u64,
    /// At which write point of the second step the process is killed; never at 0.
    pub(crate) point: i64,
}

/// What a process told before it ended.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// One behind the last entry that was acknowledged.
    pub(crate) until: u64,
    /// The checkpoints that it was given.
    pub(crate) checkpoints: Vec<String>,
    /// How many jobs were acknowledged.
    pub(crate) jobs: u64,
    /// Whether it was killed.
    pub(crate) is_killed: bool,
    /// Whether it came to the end.
    pub(crate) is_done: bool,
    /// What it said otherwise.
    pub(crate) noise: String,
}

/// The key that signs after so many changes.
pub(crate) fn key(changes: u64) -> Signer {
    Signer::from_seed("plimsoll/test", KeyKind::Note, &[7 + changes as u8; 32]).expect("a key")
}

pub(crate) async fn open_with(url: &str, keys: u64, write_point: Option<WritePoint>) -> Store {
    let options = Options { write_point, ..Options::new(url, key(keys)) };
    Store::open(options, |_| {}).await.expect("opened")
}

/// What all steps need: people, an asset, and so many entries more.
pub(crate) async fn prepare(store: &Store, more: u64) {
    staff(store).await;
    let roles = [("boss", Role::Approver), ("lead", Role::SecurityLead)];
    for (who, role) in roles {
        act(store, "root", day(0), Command::SetRoles(person(who), BTreeSet::from([role]), BTreeSet::new()))
            .await
            .expect("a role");
    }
    register(store, "base", day(0)).await.expect("registered");
    let many = (0..more).map(|number| Command::RegisterAsset(asset(&format!("more-{number}")), Attributes::default()));
    let plan = Plan { commands: many.collect(), ..Plan::default() };
    store.commit(&person("root"), day(0), move |_| Ok(plan)).await.expect("registered");
}

/// Runs a task in a process of its own, by the ignored test `player` of the same file.
pub(crate) fn run(task: &Task, more: &[(&str, &str)]) -> Told {
    let Task { url, kind, serial, keys, point } = task;
    let mut player = std::process::Command::new(std::env::current_exe().expect("the program"));
    player.args(["player", "--exact", "--ignored", "--nocapture", "--test-threads=1"]);
    player.env(TASK, format!("{kind} {serial} {keys} {point} {url}")).envs(more.iter().copied());
    let output = player.output().expect("it ran");
    let text = String::from_utf8_lossy(&output.stdout);
    let mut told = Told { noise: String::from_utf8_lossy(&output.stderr).into_owned(), ..Told::default() };
    for line in text.lines() {
        // The first line comes behind what the harness says.
        let Some((_, line)) = line.split_once("TOLD ") else { continue };
        let mut words = line.splitn(2, ' ');
        match (words.next(), words.next()) {
            (Some("entries"), Some(until)) => told.until = until.parse().expect("a number"),
            (Some("checkpoint"), Some(text)) => told.checkpoints.push(serde_json::from_str(text).expect("a text")),
            (Some("job"), _) => told.jobs += 1,
            (Some("done"), _) => told.is_done = true,
            _ => panic!("`{line}` was not to be told"),
        }
    }
    told.is_killed = std::os::unix::process::ExitStatusExt::signal(&output.status) == Some(9);
    assert!(told.is_killed || told.is_done, "it was neither killed nor came to its end: {}{text}", told.noise);
    told
}

fn tell(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "TOLD {line}").and_then(|()| out.flush()).expect("told");
}

fn tell_committed(done: &Committed) {
    if done.events.is_empty() && done.checkpoint.is_empty() {
        return;
    }
    tell(&format!("checkpoint {}", serde_json::to_string(&done.checkpoint).expect("a text")));
    tell(&format!("entries {}", done.first + done.events.len() as u64));
}

pub(crate) fn kill_oneself() -> ! {
    kill_process(getpid(), Signal::KILL).expect("killed");
    loop {
        std::thread::park();
    }
}

/// The process: what it is told to play, if it is told.
pub(crate) fn play_task(before_second: impl FnOnce()) {
    let Ok(task) = std::env::var(TASK) else { return };
    let mut words = task.splitn(5, ' ');
    let mut number = || words.next().and_then(|word| word.parse::<u64>().ok()).expect("a number");
    let (kind, serial, keys, point) = (number(), number(), number(), number());
    let url = words.next().expect("an address");
    let left = Arc::new(AtomicI64::new(i64::MAX));
    let counted = Arc::clone(&left);
    let write_point: WritePoint = Arc::new(move |_| match counted.fetch_sub(1, Ordering::SeqCst) {
        1 => kill_oneself(),
        _ => Ok(()),
    });
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let store = open_with(url, keys, Some(write_point)).await;
        play(&store, (kind + KINDS - 1) % KINDS, serial, keys).await;
        let changes = u64::from((kind + KINDS - 1) % KINDS == KEY_CHANGE);
        left.store(if point == 0 { i64::MAX } else { point as i64 }, Ordering::SeqCst);
        before_second();
        play(&store, kind, serial + 1, keys + changes).await;
    });
    tell("done");
}

/// The kind of step that changes the key.
pub(crate) const KEY_CHANGE: u64 = 8;

/// Plays one step; what it makes bears its number in the name.
#[expect(clippy::too_many_lines, reason = "one kind after the other")]
async fn play(store: &Store, kind: u64, serial: u64, keys: u64) {
    let name = format!("step-{serial}");
    let at = day(1 + serial as i64 % 300);
    let commit = async |by: &str, plan: Plan| {
        let jobs = plan.jobs.len();
        let done = store.commit(&person(by), at, move |_| Ok(plan)).await.expect("kept");
        tell_committed(&done);
        (0..jobs).for_each(|_| tell("job"));
    };
    let one = |command| Plan { commands: vec![command], ..Plan::default() };
    let added = || Command::RegisterAsset(asset(&name), Attributes::default());
    let job = || NewJob { id: name.clone(), queue: "mail".to_owned(), body: "{}".to_owned(), not_before: at };
    // Where everything begins with this step, so does who acts in it.
    if store.record().await.expect("read").state.people.is_empty() {
        staff(store).await;
        tell("entries 1");
    }
    match kind {
        0 => commit("root", one(added())).await,
        1 => {
            let id = |number| asset(&format!("{name}-{number}"));
            let many = (0..MOST_IN_GROUP).map(|number| Command::RegisterAsset(id(number), Attributes::default()));
            commit("root", Plan { commands: many.collect(), ..Plan::default() }).await;
        }
        2 => {
            let mut handed_in = Vec::new();
            for number in 0..6 {
                let plan = one(Command::RegisterAsset(asset(&format!("{name}-{number}")), Attributes::default()));
                handed_in.push(store.submit(&person("root"), at, move |_| Ok(plan)).await.expect("handed in"));
            }
            for submitted in handed_in {
                let done = submitted.wait().await.expect("kept");
                tell(&format!("checkpoint {}", serde_json::to_string(&done.checkpoint).expect("a text")));
                tell(&format!("entries {}", done.first + 1));
            }
        }
        3 => tell_committed(&push(store, "base", at, &[("openssl", &name), ("nginx", "1")]).await.expect("kept")),
        4 => {
            commit("root", one(added())).await;
            commit("root", one(Command::RetireAsset(asset(&name), "sold".to_owned()))).await;
        }
        5 => {
            commit("root", one(Command::SetRoles(person(&name), BTreeSet::from([Role::Developer]), BTreeSet::new())))
                .await
        }
        6 => {
            let token = TokenId::new(&name).expect("an id");
            let (holder, digest, until) = (Holder::Person(person("lead")), digest(name.as_bytes()), day(310));
            commit(
                "root",
                one(Command::IssueToken { token: token.clone(), holder, digest, until, scopes: BTreeSet::new() }),
            )
            .await;
            commit("root", one(Command::RevokeToken(token))).await;
        }
        7 => {
            let (feed, digest) = (FeedId::new("debian").expect("an id"), digest(name.as_bytes()));
            commit("root", one(Command::UpdateFeed { feed, digest, records: serial, newest: None })).await;
        }
        KEY_CHANGE => {
            let done = store.change_key(&person("root"), at, key(keys + 1)).await.expect("kept");
            tell(&format!("checkpoint {}", serde_json::to_string(&done.checkpoint).expect("a text")));
            tell(&format!("entries {}", done.first + 1));
        }
        9 => {
            store.queue(&person("root"), at, vec![job()]).await.expect("kept");
            tell("job");
        }
        10 => {
            let decision = DecisionId::new(&name).expect("an id");
            let reach = Reach { vulnerability: "CVE-2026-1".to_owned(), package: None, assets: Vec::new() };
            let (kind, reason, until) = (DecisionKind::Exception, "not reachable".to_owned(), day(310));
            let asked = Command::RequestDecision {
                decision: decision.clone(),
                kind,
                reach,
                reason,
                until,
                renews: None,
                assessment: Default::default(),
            };
            commit("lead", one(asked)).await;
            commit("boss", one(Command::AnswerDecision(decision.clone(), true))).await;
            commit("lead", one(Command::RevokeDecision(decision))).await;
        }
        11 => {
            let bytes = JudgedDocument::default().write().expect("a document");
            let (index, document) = (digest(name.as_bytes()), digest(&bytes));
            let judge = Command::JudgeAdvisories { index, document, packages: 0, vulnerabilities: 0 };
            commit("root", Plan { commands: vec![judge], documents: vec![bytes], ..Plan::default() }).await;
        }
        12 => {
            let text = format!("{}\n# all of {name}\n", policy::PRESETS[1].text).into_bytes();
            let adopt = Command::AdoptPolicy {
                name: name.clone(),
                document: digest(&text),
                rule: lifecycle::PolicyRule::default(),
            };
            let commands = vec![added(), adopt];
            commit(
                "lead",
                Plan {
                    accounts: Vec::new(),
                    sessions: Vec::new(),
                    commands,
                    documents: vec![text],
                    jobs: vec![job()],
                    key: None,
                },
            )
            .await;
        }
        13 => {
            // What people read, and who approves it: every table of governance has a row of it.
            let (policy, group) = (DocumentId::policy(), GroupId::new(&name).expect("an id"));
            let members = [person("lead"), person("boss")].into();
            commit("root", one(Command::SetGroup(group, name.clone(), Source::Local, members))).await;
            // The days go round: on those before the policy there is nothing to read.
            let is_in_force = |known: &lifecycle::Document| known.in_force(at).is_some();
            if store.record().await.expect("read").state.documents.get(&policy).is_some_and(is_in_force) {
                let text = format!("{}\n# drafted {name}\n", policy::PRESETS[0].text).into_bytes();
                let version = VersionId::new(&name).expect("an id");
                let draft = Draft {
                    document: policy.clone(),
                    text: digest(&text),
                    rationale: "it must".to_owned(),
                    effective_at: None,
                    transition: Transition::Keep,
                };
                let commands = vec![Command::DraftVersion(version.clone(), draft)];
                commit("lead", Plan { commands, documents: vec![text], ..Plan::default() }).await;
                commit("lead", one(Command::WithdrawVersion(version))).await;
                let campaign = CampaignId::new(&name).expect("an id");
                let until = at + jiff::SignedDuration::from_hours(48);
                commit("lead", one(Command::OpenCampaign(campaign, policy.clone(), BTreeSet::new(), until))).await;
                let text = store.record().await.expect("read").state.policy.as_ref().expect("one").document.clone();
                commit("boss", one(Command::Acknowledge(policy, text))).await;
            }
        }
        // Last: what they put in force is read again at each opening, and there are many of them in the end.
        _ => {
            let text = format!("{}\n# {name}\n", policy::PRESETS[0].text).into_bytes();
            let adopt = Command::AdoptPolicy {
                name: name.clone(),
                document: digest(&text),
                rule: lifecycle::PolicyRule::default(),
            };
            commit("lead", Plan { commands: vec![adopt], documents: vec![text], ..Plan::default() }).await;
        }
    }
}
