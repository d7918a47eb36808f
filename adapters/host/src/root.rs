//! Roots: where commands run and files lie, on this host or below the mounted root of another one.

use std::fs::File;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

/// Why a command did not do what it should.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// It could not be begun.
    #[error("failed to run `{}`", words.join(" "))]
    Begin {
        /// Its words.
        words: Vec<String>,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// It ended badly.
    #[error("`{}` ended with {status}: {said}", words.join(" "))]
    Ended {
        /// Its words.
        words: Vec<String>,
        /// How it ended.
        status: ExitStatus,
        /// The last of what it said.
        said: String,
    },
    /// It was not begun: it would do what nobody asked for.
    #[error("nothing was changed: {what}")]
    Refused {
        /// What it would do.
        what: String,
    },
    /// It ended well, and said that not all is.
    #[error("`{}` ended, and said: {said}", words.join(" "))]
    Said {
        /// Its words.
        words: Vec<String>,
        /// What it said.
        said: String,
    },
    /// A file cannot be read or written.
    #[error("failed to use `{}`", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// What it said could not be written down.
    #[error("failed to write the log")]
    Log {
        /// The cause.
        #[source]
        source: std::io::Error,
    },
}

/// Where commands run: this host's root, or one below which another system lies.
#[derive(Debug, Clone)]
pub struct Root {
    path: PathBuf,
}

/// So many bytes of the end of what a command said are told of it.
const MOST_SAID: usize = 2000;
/// Where programs are looked for, whatever the caller's own path is.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

impl Root {
    /// The root at this path; this host's own where there is none.
    #[must_use]
    pub fn at(path: Option<&Path>) -> Self {
        Self { path: path.unwrap_or(Path::new("/")).to_owned() }
    }

    /// A path inside it, as this host knows it.
    #[must_use]
    pub fn below(&self, inside: &str) -> PathBuf {
        self.path.join(inside.trim_start_matches('/'))
    }

    /// Whether it is this host's own.
    #[must_use]
    pub fn is_own(&self) -> bool {
        self.path == Path::new("/")
    }

    /// Runs a command in it by its words: no shell reads them. What it says goes to the log as well.
    ///
    /// # Errors
    /// If it cannot be begun, ends badly, or the log cannot be written.
    pub fn run(&self, words: &[&str], log: &mut File) -> Result<String, CommandError> {
        let (status, text, errors) = self.ask(words, log)?;
        if status.success() {
            return Ok(text);
        }
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        Err(CommandError::Ended { words, status, said: ending(&format!("{text}{errors}")) })
    }

    /// The same, however it ends: how it did, what it said, and what it complained of.
    ///
    /// # Errors
    /// If it cannot be begun, or the log cannot be written.
    pub fn ask(&self, words: &[&str], log: &mut File) -> Result<(ExitStatus, String, String), CommandError> {
        let all: Vec<&str> = match self.path.to_str().filter(|_| !self.is_own()) {
            Some(path) => ["chroot", path].into_iter().chain(words.iter().copied()).collect(),
            None => words.to_vec(),
        };
        let (program, arguments) = all.split_first().map_or(("", &[][..]), |(program, rest)| (*program, rest));
        let mut command = Command::new(program);
        // Nothing depends on where it was begun: `cp --parents` of an absolute path does, in some versions.
        command.current_dir("/");
        command.args(arguments).env_clear().env("PATH", PATH).env("LC_ALL", "C.UTF-8");
        command.env("DEBIAN_FRONTEND", "noninteractive").env("APT_LISTCHANGES_FRONTEND", "none");
        command.env("HOME", "/root").env("NEEDRESTART_MODE", "l").env("NEEDRESTART_SUSPEND", "1");
        // Who interrupts this program interrupts no package manager in the middle of its work.
        let output = command.stdin(Stdio::null()).process_group(0).output();
        let begin =
            |source| CommandError::Begin { words: words.iter().map(|word| (*word).to_owned()).collect(), source };
        let output = output.map_err(begin)?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        let noted = writeln!(log, "$ {}\n{text}{errors}", words.join(" "));
        noted.map_err(|source| CommandError::Log { source })?;
        Ok((output.status, text, errors))
    }
}

/// The last of what a command said.
pub(crate) fn ending(said: &str) -> String {
    let places = said.char_indices().rev().map(|(place, _)| place);
    let from = places.take_while(|place| said.len() - place <= MOST_SAID).last();
    said[from.unwrap_or(0)..].trim().to_owned()
}
