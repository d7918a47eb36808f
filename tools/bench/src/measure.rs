//! Times and memory of whole processes.

use anyhow::{Context, Result, bail};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::Instant;

/// Wall-clock seconds in order, and the highest peak of resident memory.
pub(super) struct Figures {
    pub(super) seconds: Vec<f64>,
    pub(super) peak_kib: u64,
}

/// Runs a command once to warm up, then so many times.
pub(super) fn measure(runs: usize, make: impl Fn() -> Command) -> Result<Figures> {
    let mut seconds = Vec::new();
    let mut peak_kib = 0;
    for run in 0..=runs {
        let mut command = make();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).arg0("plimsoll");
        let start = Instant::now();
        let mut child = command.spawn().context("failed to start the program")?;
        let status = child.wait()?;
        let elapsed = start.elapsed().as_secs_f64();
        // 3 is an answer: the feeds that are measured with are old, and the program says so.
        if !matches!(status.code(), Some(0 | 3)) {
            bail!("the program ended with {status}");
        }
        if run > 0 {
            seconds.push(elapsed);
        }
    }
    // GNU time asks the kernel for the peak; it is run apart, so that it does not lengthen the times.
    let command = make();
    let output = Command::new("/usr/bin/time")
        .args(["-f", "%M"])
        .arg(command.get_program())
        .args(command.get_args())
        .stdout(Stdio::null())
        .output();
    if let Ok(output) = output {
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        peak_kib = text.lines().last().and_then(|line| line.trim().parse().ok()).unwrap_or(0);
    }
    seconds.sort_by(f64::total_cmp);
    Ok(Figures { seconds, peak_kib })
}

/// The processor time that this process has used, in seconds, by the hundredth (proc(5), `stat`).
pub(super) fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = text.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace();
    fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

/// The middle value.
pub(super) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The processor's name.
pub(super) fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    line.map_or_else(|| "unknown processor".to_owned(), |(_, name)| name.to_owned())
}

/// How many cores there are.
pub(super) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// How much memory there is.
pub(super) fn memory() -> String {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib: u64 = text.split_whitespace().nth(1).and_then(|number| number.parse().ok()).unwrap_or(0);
    format!("{} GiB of memory", kib >> 20)
}
