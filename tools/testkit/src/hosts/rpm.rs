//! Hosts whose packages are rpm's: Debian's programs below, `dnf` and `zypper` among them, and a small repository of the test's own.

use super::{Host, skip};
use std::fs;
use std::path::PathBuf;

/// A package that a repository offers.
#[derive(Debug, Clone, Copy)]
pub struct Spec<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its version, with its release: `2.0-1`.
    pub version: &'a str,
    /// What it needs, one line each: `Requires: case-a >= 2`.
    pub needs: &'a str,
    /// Its script after installing.
    pub post: &'a str,
}

/// What is compared of such a host before and after: packages with their versions, and every file that a package or somebody wrote.
pub type RpmState = (Vec<String>, Vec<(PathBuf, Vec<u8>)>);

impl Host {
    /// A host that knows of no package yet; `None`, said visibly, where it cannot be made.
    #[must_use]
    pub fn rpm(name: &str) -> Option<Self> {
        Self::rpm_beside(name, &[])
    }

    /// The same with these of Debian's packages below.
    #[must_use]
    pub fn rpm_beside(name: &str, packages: &[&str]) -> Option<Self> {
        let own = ["dnf", "zypper", "rpm", "createrepo-c"];
        let host = Self::debian_with(name, &[&own[..], packages].concat())?;
        if !host.root.join("usr/bin/dnf-3").exists() || !host.root.join("usr/bin/zypper").exists() {
            return skip("Debian has no dnf 4 or no zypper here");
        }
        // From here on it is none of Debian's.
        fs::remove_dir_all(host.root.join("var/lib/dpkg")).ok()?;
        fs::remove_file(host.root.join("usr/bin/apt-get")).ok()?;
        host.write("etc/rpm/macros.path", "%_dbpath /var/lib/rpm\n");
        host.write("etc/dnf/vars/releasever", "9\n");
        let _ = fs::remove_file(host.root.join("etc/os-release"));
        host.write("etc/os-release", "NAME=\"AlmaLinux\"\nID=\"almalinux\"\nID_LIKE=\"rhel centos fedora\"\nVERSION_ID=\"9.4\"\nPRETTY_NAME=\"AlmaLinux 9.4\"\n");
        host.inside(&["rpm", "--initdb"]);
        // What scripts are run by is there, and rpm knows of it.
        host.build_rpm(&Spec { name: "base", version: "1-1", needs: "Provides: /bin/sh", post: "" });
        host.inside(&["rpm", "--install", "/repository/base-1-1.noarch.rpm"]);
        Some(host)
    }

    /// The same again, with one of the two programs alone.
    ///
    /// # Panics
    /// If it cannot be copied.
    #[must_use]
    pub fn rpm_with(&self, program: &str, name: &str) -> Self {
        let host = self.again(name);
        let others: &[&str] = if program == "zypper" { &["dnf-3", "dnf"] } else { &["zypper"] };
        for other in others {
            let _ = fs::remove_file(host.root.join("usr/bin").join(other));
        }
        host
    }

    /// Offers these packages beside those that are offered, the newest of each as an update of security; what is cached of
    /// repositories is as the programs themselves would have it.
    ///
    /// # Panics
    /// If they cannot be built.
    pub fn offer_rpms(&self, specs: &[Spec<'_>]) {
        for spec in specs {
            self.build_rpm(spec);
        }
        self.inside(&["createrepo_c", "--quiet", "/repository"]);
        let notices: String = specs.iter().map(notice).collect();
        let all = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<updates>{notices}</updates>\n");
        self.write("repository/updateinfo.xml", &all);
        self.inside(&["modifyrepo_c", "/repository/updateinfo.xml", "/repository/repodata"]);
        let repository = "[case]\nname=case\nbaseurl=file:///repository\nenabled=1\ngpgcheck=0\n";
        self.write("etc/yum.repos.d/case.repo", repository);
        self.write("etc/zypp/repos.d/case.repo", &format!("{repository}type=rpm-md\nautorefresh=0\nkeeppackages=1\n"));
        self.refresh();
    }

    /// Asks the repository anew, by whichever program there is.
    ///
    /// # Panics
    /// If that fails.
    pub fn refresh(&self) {
        if self.root.join("usr/bin/dnf-3").exists() {
            self.inside(&["dnf-3", "--quiet", "makecache", "--refresh"]);
        }
        if self.root.join("usr/bin/zypper").exists() {
            self.inside(&["zypper", "--non-interactive", "--no-gpg-checks", "refresh", "--force"]);
        }
    }

    /// Offers nothing any more but these files, and forgets what was fetched: there is neither cache nor archive of what is older.
    ///
    /// # Panics
    /// If that fails.
    #[allow(clippy::expect_used, reason = "tests end where they cannot go on")]
    pub fn forget_rpms(&self, is_offered: impl Fn(&str) -> bool) {
        for entry in fs::read_dir(self.root.join("repository")).expect("a folder").flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.ends_with(".rpm") && !is_offered(&name) {
                fs::remove_file(entry.path()).expect("removed");
            }
        }
        self.inside(&["createrepo_c", "--quiet", "/repository"]);
        self.inside(&["modifyrepo_c", "/repository/updateinfo.xml", "/repository/repodata"]);
        for folder in ["var/cache/dnf", "var/cache/zypp"] {
            let _ = fs::remove_dir_all(self.root.join(folder));
        }
        self.refresh();
    }

    fn build_rpm(&self, spec: &Spec<'_>) {
        let Spec { name, version, needs, post } = spec;
        let (plain, release) = version.rsplit_once('-').unwrap_or((version, "1"));
        let script = if post.is_empty() { String::new() } else { format!("%post\n{post}\n") };
        let text = format!(
            "Name: {name}\nVersion: {plain}\nRelease: {release}\nSummary: a case\nLicense: none\nBuildArch: noarch\n{needs}\n\
             %description\na case\n%install\nmkdir -p %{{buildroot}}/etc %{{buildroot}}/usr/share/{name}\n\
             echo of {plain} > %{{buildroot}}/etc/{name}.conf\necho {version} > %{{buildroot}}/usr/share/{name}/data\n\
             echo {version} > %{{buildroot}}/usr/share/{name}/only-{plain}\n\
             {script}%files\n%config(noreplace) /etc/{name}.conf\n/usr/share/{name}\n"
        );
        self.write(&format!("tmp/rpm/{name}.spec"), &text);
        let spec = format!("/tmp/rpm/{name}.spec");
        let define = ["--define", "_topdir /tmp/rpm", "--define", "_rpmdir /repository"];
        let file = ["--define", "_rpmfilename %{name}-%{version}-%{release}.%{arch}.rpm"];
        self.inside(&[&["mkdir", "-p", "/repository"][..]].concat());
        self.inside(&[&["rpmbuild", "-bb", "--quiet"], &define[..], &file, &[&spec]].concat());
    }

    /// What is compared of it.
    ///
    /// # Panics
    /// If it cannot be read.
    #[must_use]
    pub fn rpm_state(&self) -> RpmState {
        let told = self.inside(&["rpm", "--query", "--all", "--queryformat", "%{NAME}-%{VERSION}-%{RELEASE}\n"]);
        let mut packages: Vec<String> = told.lines().map(str::to_owned).collect();
        packages.sort();
        let names = packages.iter().filter_map(|package| package.rsplitn(3, '-').nth(2));
        let own = names.map(|name| PathBuf::from("usr/share").join(name));
        let folders: Vec<PathBuf> = [PathBuf::from("etc")].into_iter().chain(own).collect();
        let mut files = self.files(&folders);
        // What ldconfig makes is made anew by anything.
        files.retain(|(path, _)| path.as_os_str() != "etc/ld.so.cache");
        (packages, files)
    }

    /// Whether its packages are rpm's.
    pub(super) fn is_rpm(&self) -> bool {
        !self.root.join("var/lib/dpkg").exists()
    }
}

fn notice(spec: &Spec<'_>) -> String {
    let Spec { name, version, .. } = spec;
    let (plain, release) = version.rsplit_once('-').unwrap_or((version, "1"));
    format!(
        "<update from=\"nobody@example.org\" status=\"final\" type=\"security\" version=\"1\"><id>CASE-{name}-{plain}</id>\
         <title>{name}</title><issued date=\"2026-01-01 00:00:00\"/><severity>Important</severity><references>\
         <reference href=\"https://example.org/\" id=\"CVE-2026-0001\" type=\"cve\" title=\"CVE-2026-0001\"/></references>\
         <pkglist><collection short=\"case\"><name>case</name><package name=\"{name}\" version=\"{plain}\" release=\"{release}\" \
         epoch=\"0\" arch=\"noarch\"><filename>{name}-{version}.noarch.rpm</filename></package></collection></pkglist></update>"
    )
}
