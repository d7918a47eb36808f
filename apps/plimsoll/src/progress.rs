//! Progress bars and messages for people, on standard error.

use crate::printable::printable;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::collections::HashMap;
use std::io::Write;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Bars on a terminal, nothing elsewhere.
pub(crate) struct Bars {
    all: MultiProgress,
    bars: Mutex<HashMap<String, ProgressBar>>,
}

impl Bars {
    pub(crate) fn new() -> Self {
        Self { all: MultiProgress::new(), bars: Mutex::new(HashMap::new()) }
    }

    fn with(&self, name: &str, act: impl FnOnce(&ProgressBar)) {
        if let Ok(bars) = self.bars.lock()
            && let Some(bar) = bars.get(name)
        {
            act(bar);
        }
    }
}

impl feeds::Progress for Bars {
    fn begin(&self, name: &str, total: Option<u64>) {
        let bar = self.all.add(total.map_or_else(ProgressBar::no_length, ProgressBar::new));
        let style = ProgressStyle::with_template("{bar:24} {bytes:>10} of {total_bytes:<10} {msg}");
        if let Ok(style) = style {
            bar.set_style(style);
        }
        bar.set_message(name.to_owned());
        if let Ok(mut bars) = self.bars.lock() {
            bars.insert(name.to_owned(), bar);
        }
    }

    fn advance(&self, name: &str, done: u64) {
        self.with(name, |bar| bar.set_position(done));
    }

    fn end(&self, name: &str, _word: &str) {
        self.with(name, ProgressBar::finish_and_clear);
    }
}

/// A line that tells how far a walk through folders has come, on a terminal and once it has taken a while.
pub(crate) struct Walked {
    since: Instant,
    is_quiet: bool,
    files: u64,
    line: Option<ProgressBar>,
}

impl Walked {
    /// How long a person waits without wondering.
    const PATIENCE: Duration = Duration::from_millis(500);

    pub(crate) fn new(is_quiet: bool) -> Self {
        Self { since: Instant::now(), is_quiet, files: 0, line: None }
    }

    /// Notes that a file is looked at.
    pub(crate) fn file(&mut self, path: &str) {
        self.files += 1;
        if self.is_quiet || !self.files.is_multiple_of(64) || self.since.elapsed() < Self::PATIENCE {
            return;
        }
        let line = self.line.get_or_insert_with(|| {
            let style = ProgressStyle::with_template("{spinner} {wide_msg}").ok();
            style.into_iter().fold(ProgressBar::new_spinner(), ProgressBar::with_style)
        });
        line.set_message(format!("looked at {} files, now {}", self.files, printable(path)));
        line.tick();
    }
}

impl Drop for Walked {
    fn drop(&mut self) {
        if let Some(line) = &self.line {
            line.finish_and_clear();
        }
    }
}

/// A bar that counts something, on a terminal and once it has taken a while.
pub(crate) struct Counter {
    since: Instant,
    what: &'static str,
    unit: &'static str,
    is_quiet: bool,
    bar: Option<ProgressBar>,
}

impl Counter {
    pub(crate) fn new(what: &'static str, unit: &'static str, is_quiet: bool) -> Self {
        Self { since: Instant::now(), what, unit, is_quiet, bar: None }
    }

    /// Notes how many of how many are done.
    pub(crate) fn at(&mut self, done: u64, total: Option<u64>) {
        if self.is_quiet || self.since.elapsed() < Walked::PATIENCE {
            return;
        }
        let (what, unit) = (self.what, self.unit);
        let bar = self.bar.get_or_insert_with(|| {
            let bar = total.map_or_else(ProgressBar::no_length, ProgressBar::new);
            let form = if total.is_some() {
                "{bar:24} {human_pos} of {human_len} {msg}"
            } else {
                "{spinner} {human_pos} {msg}"
            };
            let style = ProgressStyle::with_template(form).ok();
            style.into_iter().fold(bar, ProgressBar::with_style).with_message(format!("{unit}: {what}"))
        });
        bar.set_position(done);
    }

    pub(crate) fn end(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

/// Tells an error with its causes.
pub(crate) fn say_error(error: &anyhow::Error) {
    say(&format!("error: {}", printable(&error.to_string())));
    for cause in error.chain().skip(1) {
        say(&format!("  because: {}", printable(&cause.to_string())));
    }
}

/// Tells something that a person should know. Where nothing can be told the exit code still says it.
pub(crate) fn say(text: &str) {
    let _ = writeln!(anstream::stderr(), "{text}");
}
