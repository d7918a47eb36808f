//! Hosts of the tests' own: real Debian 12 systems without their security updates, each below a folder, with processes and, where it
//! is wanted, an address of its own. Made with mmdebstrap from the machine's own mirror; it takes root.

mod layered;
mod rpm;

pub use rpm::{RpmState, Spec};

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// A system of its own below a folder; gone when this is dropped.
#[derive(Debug)]
pub struct Host {
    /// The folder.
    pub root: PathBuf,
    /// The network that it is in, if it is in one.
    network: Option<String>,
    /// Where what is written to it lies, where its files are another host's.
    layer: Option<PathBuf>,
}

/// What is compared of a host before and after: packages with their versions and states, what is there for others alone, and every
/// file of the configuration with its bytes.
pub type State = (String, String, Vec<(PathBuf, Vec<u8>)>);

impl Drop for Host {
    fn drop(&mut self) {
        self.end_all();
        match &self.layer {
            Some(layer) => layered::forget(&self.root, layer),
            None => {
                let _ = fs::remove_dir_all(&self.root);
            }
        }
    }
}

/// The machine's own mirrors: of the release, and of its security updates.
#[must_use]
pub fn mirrors() -> Option<(String, String)> {
    let told = Command::new("apt-get").args(["indextargets", "--format", "$(REPO_URI) $(CODENAME)"]).output().ok()?;
    let told = String::from_utf8(told.stdout).ok()?;
    let of = |wanted: &str| told.lines().find_map(|line| line.strip_suffix(wanted).map(|uri| uri.trim().to_owned()));
    Some((of(" bookworm")?, of(" bookworm-security")?))
}

fn skip<T>(why: &str) -> Option<T> {
    eprintln!("SKIPPED: {why}");
    None
}

impl Host {
    /// A fresh Debian 12 that knows of its security updates and has none of them; `None`, said visibly, where it cannot be made.
    #[must_use]
    pub fn debian(name: &str) -> Option<Self> {
        Self::debian_with(name, &[])
    }

    /// The same with these packages.
    #[must_use]
    pub fn debian_with(name: &str, packages: &[&str]) -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            return skip("making hosts takes root");
        }
        let Some((main, security)) = mirrors() else { return skip("apt knows no mirror of Debian 12 here") };
        let root = std::env::temp_dir().join(format!("plimsoll-host-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        let path = root.display().to_string();
        let source = format!("deb {main} bookworm main");
        let include = format!("--include={}", packages.join(","));
        let mut command = Command::new("mmdebstrap");
        command.args(["--quiet", "--variant=apt"]).args((!packages.is_empty()).then_some(&include));
        let made = command.args(["bookworm", &path, &source]).output();
        match made {
            Ok(made) if made.status.success() => {}
            Ok(made) => return skip(&format!("mmdebstrap: {}", String::from_utf8_lossy(&made.stderr))),
            Err(error) => return skip(&format!("mmdebstrap: {error}")),
        }
        let host = Self { root, network: None, layer: None };
        host.write("etc/apt/sources.list.d/security.list", &format!("deb {security} bookworm-security main\n"));
        host.inside(&["apt-get", "-qq", "update"]);
        Some(host)
    }

    /// The same again, below a folder of its own.
    ///
    /// # Panics
    /// If it cannot be copied.
    #[must_use]
    pub fn again(&self, name: &str) -> Self {
        let root = std::env::temp_dir().join(format!("plimsoll-host-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        let copied = Command::new("cp").args(["--archive", "--reflink=auto"]).arg(&self.root).arg(&root).status();
        assert!(copied.is_ok_and(|copied| copied.success()), "failed to copy {}", self.root.display());
        Self { root, network: None, layer: None }
    }

    /// Fetches every update ahead, so that a host in a network without a way out can install them.
    ///
    /// # Panics
    /// If it cannot.
    pub fn fetch_updates(&self) {
        self.inside(&["apt-get", "-qq", "-y", "--download-only", "dist-upgrade"]);
        // What it fetched ahead is kept as its own mirror would have it.
        self.write(
            "etc/apt/apt.conf.d/90keep",
            "Binary::apt::APT::Keep-Downloaded-Packages \"1\";\nAPT::Keep-Downloaded-Packages \"1\";\n",
        );
    }

    /// Gives it an address in a network: the number of the host there.
    ///
    /// # Panics
    /// If it cannot.
    pub fn join(&mut self, network: &Network, number: u8) {
        self.network = Some(network.give(number));
    }

    /// Writes a file inside it.
    ///
    /// # Panics
    /// If it cannot.
    #[allow(clippy::expect_used, reason = "tests end where they cannot go on")]
    pub fn write(&self, path: &str, text: &str) {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, text).expect("written");
    }

    /// What a command says inside it; it has to end well.
    ///
    /// # Panics
    /// If it does not.
    #[allow(clippy::expect_used, reason = "tests end where they cannot go on")]
    pub fn inside(&self, words: &[&str]) -> String {
        let output =
            Command::new("chroot").arg(&self.root).args(words).env("LC_ALL", "C.UTF-8").output().expect("it runs");
        assert!(output.status.success(), "{words:?}: {output:?}");
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    /// A command inside it, with processes of its own, and in its own network if it has one: it sees no others.
    #[must_use]
    pub fn command(&self, words: &[&str]) -> Command {
        let mut all: Vec<String> = Vec::new();
        if let Some(network) = &self.network {
            all.extend(["ip", "netns", "exec", network].map(str::to_owned));
        }
        all.extend(["unshare", "--mount", "--pid", "--fork", "--kill-child"].map(str::to_owned));
        all.push(format!("--mount-proc={}", self.root.join("proc").display()));
        all.push("chroot".to_owned());
        all.push(self.root.display().to_string());
        all.extend(words.iter().map(|word| (*word).to_owned()));
        let mut command = Command::new(&all[0]);
        command.args(&all[1..]).stdin(Stdio::null()).env_clear();
        command.env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin").env("LC_ALL", "C.UTF-8");
        command
    }

    /// Runs such a command.
    ///
    /// # Panics
    /// If it cannot be begun.
    #[allow(clippy::expect_used, reason = "tests end where they cannot go on")]
    pub fn run(&self, words: &[&str]) -> Output {
        self.command(words).output().expect("it runs")
    }

    /// What is compared before and after.
    ///
    /// # Panics
    /// If it cannot be read.
    pub fn state(&self) -> State {
        if self.is_rpm() {
            let (packages, files) = self.rpm_state();
            return (packages.join("\n"), String::new(), files);
        }
        let format = "--showformat=${binary:Package} ${Version} ${db:Status-Status}\n";
        let packages = self.inside(&["dpkg-query", "--show", format]);
        let mut marks: Vec<String> = self.inside(&["apt-mark", "showauto"]).lines().map(str::to_owned).collect();
        marks.sort();
        (packages, marks.join("\n"), self.files(&[PathBuf::from("etc")]))
    }

    /// Every file below these folders with its bytes, in the order of their paths.
    fn files(&self, folders: &[PathBuf]) -> Vec<(PathBuf, Vec<u8>)> {
        let mut files = Vec::new();
        folders.iter().for_each(|folder| read_all(&self.root.join(folder), &mut files));
        let of_host =
            |(path, bytes): (PathBuf, Vec<u8>)| (path.strip_prefix(&self.root).unwrap_or(&path).to_owned(), bytes);
        let mut files: Vec<_> = files.into_iter().map(of_host).collect();
        files.sort();
        files
    }

    /// The version of a package that is installed; empty where it is not.
    #[must_use]
    pub fn version_of(&self, package: &str) -> String {
        let words: &[&str] = match self.is_rpm() {
            true => &["rpm", "--query", "--queryformat", "installed %{VERSION}", package],
            false => &["dpkg-query", "--show", "--showformat=${db:Status-Status} ${Version}", package],
        };
        let said = Command::new("chroot").arg(&self.root).args(words).output();
        let said = said.map(|said| String::from_utf8_lossy(&said.stdout).into_owned()).unwrap_or_default();
        said.strip_prefix("installed ").unwrap_or_default().to_owned()
    }

    /// The steps of its newest order, one a line; empty where there is none.
    #[must_use]
    pub fn newest_journal(&self) -> String {
        let folders = fs::read_dir(self.root.join("var/lib/plimsoll/patches")).into_iter().flatten().flatten();
        let newest = folders.filter(|entry| entry.path().is_dir()).map(|entry| entry.path()).max();
        newest.and_then(|folder| fs::read_to_string(folder.join("journal")).ok()).unwrap_or_default()
    }

    /// Ends everything that runs inside it, at once.
    pub fn end_all(&self) {
        self.signal("", rustix::process::Signal::KILL);
    }

    /// Sends a signal to what runs inside it by a name; to everything, if that is empty.
    fn signal(&self, name: &str, signal: rustix::process::Signal) {
        let root = self.root.canonicalize().unwrap_or_else(|_| self.root.clone());
        for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
            let is_inside = fs::read_link(entry.path().join("root")).is_ok_and(|at| at == root);
            let is_meant = is_inside
                && (name.is_empty()
                    || fs::read_to_string(entry.path().join("comm")).is_ok_and(|comm| comm.trim() == name));
            let id = entry.file_name().to_string_lossy().parse::<i32>().ok().and_then(rustix::process::Pid::from_raw);
            if let Some(id) = id.filter(|_| is_meant) {
                let _ = rustix::process::kill_process(id, signal);
            }
        }
    }

    /// Offers a version of the package `plimsoll-case` from a small repository of its own, whose script after installing says this.
    ///
    /// # Panics
    /// If it cannot be built.
    #[allow(clippy::expect_used, reason = "tests end where they cannot go on")]
    pub fn offer(&self, version: &str, postinst: &str) {
        let tree = self.root.join("tmp/build");
        let _ = fs::remove_dir_all(&tree);
        self.write("tmp/build/DEBIAN/control", &format!("Package: plimsoll-case\nVersion: {version}\nArchitecture: all\nMaintainer: nobody <nobody@example.org>\nDescription: a case\n"));
        self.write("tmp/build/DEBIAN/conffiles", "/etc/plimsoll-case.conf\n");
        self.write("tmp/build/DEBIAN/postinst", &format!("#!/bin/sh\n{postinst}\n"));
        self.write("tmp/build/etc/plimsoll-case.conf", &format!("of version {version}\n"));
        self.inside(&["chmod", "0755", "/tmp/build/DEBIAN/postinst"]);
        self.inside(&["mkdir", "-p", "/repository"]);
        self.inside(&["dpkg-deb", "--root-owner-group", "--build", "/tmp/build", "/repository/case.deb"]);
        let bytes = fs::read(self.root.join("repository/case.deb")).expect("built");
        let digest = self.inside(&["sha256sum", "/repository/case.deb"]);
        let digest = digest.split(' ').next().expect("a digest");
        let control = fs::read_to_string(tree.join("DEBIAN/control")).expect("read");
        self.write(
            "repository/Packages",
            &format!("{control}Filename: ./case.deb\nSize: {}\nSHA256: {digest}\n", bytes.len()),
        );
        let digest = self.inside(&["sha256sum", "/repository/Packages"]);
        let digest = digest.split(' ').next().expect("a digest");
        let size = fs::metadata(self.root.join("repository/Packages")).expect("written").len();
        let date = self.inside(&["date", "--utc", "+%a, %d %b %Y %H:%M:%S UTC"]);
        // To what looks at it, it is the security suite.
        let release = format!(
            "Origin: Debian\nLabel: Debian-Security\nSuite: bookworm-security\nCodename: bookworm-security\nDate: {date}SHA256:\n {digest} {size} Packages\n"
        );
        self.write("repository/Release", &release);
        // `copy` has apt keep what it fetches, as from a mirror.
        self.write("etc/apt/sources.list.d/case.list", "deb [trusted=yes] copy:/repository ./\n");
        self.inside(&["apt-get", "-qq", "update"]);
    }
}

#[allow(clippy::expect_used, reason = "tests end where they cannot go on")]
fn read_all(folder: &Path, files: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let kind = entry.file_type().expect("a kind");
        if kind.is_dir() {
            read_all(&entry.path(), files);
        } else if kind.is_file() {
            files.push((entry.path(), fs::read(entry.path()).expect("read")));
        }
    }
}

/// A network of the test's own: this machine has its first address, hosts have the others. It leads nowhere else.
#[derive(Debug)]
pub struct Network {
    number: u32,
}

impl Network {
    /// A new one; `None`, said visibly, where this process may not make one.
    #[must_use]
    pub fn new() -> Option<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        // Several in one process, and in several at once, are each another one.
        let number = std::process::id().wrapping_mul(8).wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % 25_600;
        let network = Self { number };
        let bridge = network.bridge();
        let address = format!("{}/24", network.address(1));
        let steps: [&[&str]; 3] = [
            &["link", "add", &bridge, "type", "bridge"],
            &["addr", "add", &address, "dev", &bridge],
            &["link", "set", &bridge, "up"],
        ];
        match steps.iter().find(|step| !ip(step)) {
            None => Some(network),
            Some(step) => skip(&format!("this process may not make a network (`ip {}`)", step.join(" "))),
        }
    }

    fn bridge(&self) -> String {
        format!("plb{}", self.number)
    }

    /// The address of a host in it; this machine's own is the first.
    #[must_use]
    pub fn address(&self, number: u8) -> String {
        format!("10.{}.{}.{number}", 128 + self.number / 256 % 100, self.number % 256)
    }

    /// Gives an address to a host that is to have processes in it; the name of its end.
    ///
    /// # Panics
    /// If it cannot.
    #[must_use]
    pub fn give(&self, number: u8) -> String {
        let name = format!("plimsoll-{}-{number}", self.number);
        let (bridge, near, far) =
            (self.bridge(), format!("pl{}-{number}", self.number), format!("plf{}-{number}", self.number));
        let address = format!("{}/24", self.address(number));
        let steps: [&[&str]; 7] = [
            &["netns", "add", &name],
            &["link", "add", &near, "type", "veth", "peer", "name", &far, "netns", &name],
            &["link", "set", &near, "master", &bridge],
            &["link", "set", &near, "up"],
            &["-n", &name, "addr", "add", &address, "dev", &far],
            &["-n", &name, "link", "set", &far, "up"],
            &["-n", &name, "link", "set", "lo", "up"],
        ];
        steps.iter().for_each(|step| assert!(ip(step), "ip {}", step.join(" ")));
        name
    }

    /// Cuts the wire to a host, or mends it.
    ///
    /// # Panics
    /// If it cannot.
    pub fn wire(&self, number: u8, is_up: bool) {
        let near = format!("pl{}-{number}", self.number);
        assert!(ip(&["link", "set", &near, if is_up { "up" } else { "down" }]), "the wire of {near}");
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for number in 2..20 {
            let name = format!("plimsoll-{}-{number}", self.number);
            if Path::new("/run/netns").join(&name).exists() {
                ip(&["link", "del", &format!("pl{}-{number}", self.number)]);
                ip(&["netns", "del", &name]);
            }
        }
        ip(&["link", "del", &self.bridge()]);
    }
}

fn ip(words: &[&str]) -> bool {
    Command::new("ip").args(words).output().is_ok_and(|made| made.status.success())
}
