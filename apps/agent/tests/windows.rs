//! The agent as it is built for Windows, under Wine: it enrols, looks and reports as it does elsewhere. Wine has a registry and no
//! Update Agent, so that what is missing is not known there, and that is said.
#![allow(clippy::expect_used, clippy::print_stderr, reason = "tests")]

extern crate server as plimsoll_server;

#[path = "../../server/tests/world/mod.rs"]
mod world;

mod home;

use home::{Folder, built_for, done, run, ticket};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use world::{World, asset};

/// A Windows of our own making.
struct Wine {
    folder: Folder,
    program: PathBuf,
}

impl Wine {
    async fn new(name: &str) -> Option<Self> {
        let program = built_for("x86_64-pc-windows-gnu", "plimsoll-agent.exe")?;
        let folder = Folder::new(name);
        std::fs::create_dir_all(folder.0.join("programs")).expect("a folder");
        let own = folder.0.join("programs/plimsoll-agent.exe");
        std::fs::copy(program, &own).expect("copied");
        let wine = Self { folder, program: own };
        // It stays until it is told to go: each program would begin it anew.
        let _ = wine.server("-p").status();
        let mut begun = wine.command("wineboot");
        // What it begins goes on, and must hold nothing of ours open.
        begun.arg("--init").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let begun = tokio::task::spawn_blocking(move || begun.status()).await.expect("run");
        if !begun.is_ok_and(|status| status.success()) {
            eprintln!("SKIPPED: Wine is not installed (./test installs it)");
            return None;
        }
        wine.fill_in().await;
        Some(wine)
    }

    /// Wine 8 lacks a library that every program of Rust asks for randomness; Windows has it, and this stands in for it.
    async fn fill_in(&self) {
        const SOURCE: &str = "#include <windows.h>\n\
            BOOLEAN NTAPI SystemFunction036(PVOID data, ULONG size);\n\
            __declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T size) {\n\
                return SystemFunction036(data, (ULONG)size);\n\
            }\n";
        let folder = self.folder.0.join("programs");
        std::fs::write(folder.join("stand-in.c"), SOURCE).expect("written");
        let mut compiler = Command::new("x86_64-w64-mingw32-gcc");
        compiler.args(["-shared", "-o", "bcryptprimitives.dll", "stand-in.c", "-ladvapi32"]).current_dir(folder);
        done(compiler).await;
    }

    /// A program of Wine's own, or one that it is given.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new("/usr/lib/wine/wine64");
        command.arg(program).env("WINEPREFIX", &self.folder.0).env("WINEDEBUG", "-all");
        // Neither a browser nor a framework is needed, and nobody is asked whether to install them.
        command.env("WINEDLLOVERRIDES", "mscoree,mshtml=");
        command
    }

    fn server(&self, argument: &str) -> Command {
        let mut command = Command::new("/usr/lib/wine/wineserver64");
        // It goes on when this command has ended, and must hold nothing of ours open.
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.arg(argument).env("WINEPREFIX", &self.folder.0);
        command
    }

    fn agent(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(&self.program.display().to_string());
        command.args(["--state", r"C:\plimsoll"]).args(arguments);
        command
    }

    async fn install(&self, name: &str, version: &str) {
        let key = format!(r"HKLM\Software\Microsoft\Windows\CurrentVersion\Uninstall\{name}");
        for (value, data) in [("DisplayName", name), ("DisplayVersion", version), ("Publisher", "Example GmbH")] {
            let mut command = self.command("reg");
            command.args(["add", &key, "/v", value, "/d", data, "/f"]);
            done(command).await;
        }
    }
}

impl Drop for Wine {
    fn drop(&mut self) {
        let _ = self.server("-k").status();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_agent_reports_a_windows_host_and_says_what_it_could_not_learn() {
    let Some(wine) = Wine::new("wine").await else { return };
    let early = run(wine.agent(&["service", "install"])).await;
    let words = String::from_utf8_lossy(&early.stderr).into_owned();
    assert!(!early.status.success() && words.contains("enrol first"), "{words}");
    let world = World::new("wine").await;
    world.set_clock(jiff::Timestamp::now());
    wine.install("Editor", "1.2.3").await;
    done(wine.agent(&["enrol", &world.agents, &ticket(&world, "desk-1").await])).await;
    done(wine.agent(&["once"])).await;
    let record = world.organisation.store.record().await.expect("read");
    let things: Vec<fleet::Thing> =
        record.facts.things_of(&asset("desk-1")).filter_map(|number| record.facts.thing(number).cloned()).collect();
    let editor = things.iter().find(|thing| thing.name == "Editor").expect("the program");
    assert_eq!((editor.version.as_str(), editor.vendor.as_deref()), ("1.2.3", Some("Example GmbH")));
    let own = things.iter().find(|thing| thing.source.as_ref().is_some_and(|(name, _)| name == "windows"));
    let own = own.expect("Windows itself");
    assert!(own.name.contains("Windows") && own.version.split('.').count() >= 3, "{own:?}");
    assert!(record.state.assets[&asset("desk-1")].inventory.as_ref().is_some_and(|known| known.unread > 0));
    drop(record);
    let looked: protocol::Observed = serde_json::from_str(&done(wine.agent(&["look"])).await).expect("an inventory");
    let why = looked.problems.iter().find(|problem| problem.contains("which updates are missing is not known"));
    assert!(why.is_some(), "{:?}", looked.problems);
    // What has not changed is not sent again, and what has is.
    let before = entries(&world).await;
    done(wine.agent(&["once"])).await;
    assert_eq!(entries(&world).await, before);
    wine.install("Editor", "1.2.4").await;
    done(wine.agent(&["once"])).await;
    assert_eq!(entries(&world).await, before + 1);
    // A Windows that is begun anew has a service manager that has begun nothing yet.
    let _ = wine.server("-k").status();
    serve(&wine, &world).await;
}

/// How many entries speak of the host: others, of what was missed meanwhile, come when the service gets to them.
async fn entries(world: &World) -> usize {
    let store = &world.organisation.store;
    let all = store.record().await.expect("read").state.entries;
    let read = store.entries(0, all).await.expect("read");
    read.iter().filter(|entry| String::from_utf8_lossy(entry).contains("\"desk-1\"")).count()
}

/// The service manager begins the agent, and it reports by itself; then it is taken away.
async fn serve(wine: &Wine, world: &World) {
    wine.install("Editor", "1.2.5").await;
    let before = entries(world).await;
    done(wine.agent(&["service", "install"])).await;
    let mut query = wine.command("reg");
    query.args(["query", r"HKLM\System\CurrentControlSet\Services\plimsoll-agent", "/v", "ImagePath"]);
    let shown = done(query).await;
    assert!(shown.contains("service run") && shown.contains("plimsoll-agent.exe"), "{shown}");
    let mut found = before;
    for _ in 0..300 {
        found = entries(world).await;
        if found > before {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(found, before + 1, "the service has not reported");
    done(wine.agent(&["service", "remove"])).await;
}
