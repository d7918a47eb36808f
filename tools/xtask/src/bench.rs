//! Measurements, as whole processes of the release program; the table goes to `docs/benchmarks.md`.

mod generate;
mod measure;

use anyhow::{Context, Result, bail};
use measure::{Figures, measure};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

const ADVISORIES: usize = 500_000;
const PACKAGES: usize = 20_000;

/// Runs the measurements and writes `docs/benchmarks.md`.
pub(crate) fn run(root: &Path) -> Result<()> {
    super::cargo(root, &["build", "--release", "--locked", "-p", "plimsoll"])?;
    let program = root.join("target/release/plimsoll");
    let work = root.join("target/bench");
    let _ = std::fs::remove_dir_all(&work);
    std::fs::create_dir_all(&work).context("failed to create the working folder")?;
    let mut rows = Vec::new();
    scan_of_reference_host(&program, &work, &mut rows)?;
    compile_of_generated(&program, &work, &mut rows)?;
    per_package(&mut rows);
    instructions(&mut rows)?;
    write_page(root, &rows)
}

/// A row of the page: what, figures, the limit asked for.
type Row = (String, String, String);

fn scan_of_reference_host(program: &Path, work: &Path, rows: &mut Vec<Row>) -> Result<()> {
    let feeds = ["debian", "osv", "kev", "epss", "cve", "lifecycle"];
    let paths: Vec<PathBuf> = feeds.iter().filter_map(|name| testkit::reference::path(name)).collect();
    let Some(host) = testkit::reference::bytes("debian/host-bookworm/dpkg-status.zst") else {
        println!("SKIPPED: the reference data is not present, so the host's scan is not measured");
        return Ok(());
    };
    let data = work.join("reference");
    let status = Command::new(program)
        .arg("--quiet")
        .arg("--data")
        .arg(&data)
        .args(["feeds", "import"])
        .args(&paths)
        .stdout(std::process::Stdio::null())
        .status()?;
    // Files that are no feeds are listed and give 2; the index is compiled all the same.
    if !matches!(status.code(), Some(0 | 2)) {
        bail!("the reference feeds could not be imported");
    }
    let file = work.join("status");
    std::fs::write(&file, &host)?;
    std::fs::write(
        work.join("os-release"),
        testkit::reference::bytes("debian/host-bookworm/os-release").unwrap_or_default(),
    )?;
    let scan = |format: &str| {
        let mut command = Command::new(program);
        command.arg("--data").arg(&data).arg("scan").arg(&file).args(["--format", format, "--fail-on", "none"]);
        command
    };
    let figures = measure(21, || scan("json"))?;
    rows.push((
        "scan, 709 packages, all reference feeds, JSON".to_owned(),
        figures.to_string(),
        "10 ms, 24 MiB".to_owned(),
    ));
    let figures = measure(21, || scan("table"))?;
    rows.push(("the same, as a table".to_owned(), figures.to_string(), "10 ms, 24 MiB".to_owned()));
    let index = std::fs::read_dir(data.join("index"))?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "index"));
    if let Some(index) = index {
        open_index("opening the reference index", &index, rows)?;
    }
    Ok(())
}

fn compile_of_generated(program: &Path, work: &Path, rows: &mut Vec<Row>) -> Result<()> {
    let (data, file) = (work.join("generated"), work.join("generated.osv.jsonl"));
    println!("generating {ADVISORIES} advisories");
    generate::advisories(&file, ADVISORIES)?;
    let size = std::fs::metadata(&file)?.len() >> 20;
    let import = Command::new(program)
        .arg("--quiet")
        .arg("--data")
        .arg(&data)
        .args(["feeds", "import"])
        .arg(&file)
        .stdout(std::process::Stdio::null())
        .status()?;
    if !import.success() {
        bail!("the generated advisories could not be imported");
    }
    let digest = || std::fs::read_to_string(data.join("index/current")).context("no index was made");
    let first = digest()?;
    let figures = measure(3, || {
        let mut command = Command::new(program);
        command.arg("--quiet").arg("--data").arg(&data).args(["feeds", "compile"]);
        command
    })?;
    let index = data.join("index").join(format!("{first}.index"));
    let bytes = std::fs::metadata(&index).with_context(|| "compiling again gave another index")?.len();
    rows.push((
        format!("compiling {ADVISORIES} advisories ({size} MiB of OSV records)"),
        figures.to_string(),
        "8 s, 512 MiB".to_owned(),
    ));
    rows.push((
        "the file it gives, the same bytes each time".to_owned(),
        format!("{} MiB", bytes.div_ceil(1 << 20)),
        "120 MiB".to_owned(),
    ));
    open_index("opening it", &index, rows)?;
    let sbom = work.join("generated.cdx.json");
    generate::inventory(&sbom, PACKAGES)?;
    for format in ["table", "json"] {
        let figures = measure(11, || {
            let mut command = Command::new(program);
            command.arg("--quiet").arg("--data").arg(&data).arg("scan").arg(&sbom);
            command.args(["--format", format, "--fail-on", "none", "--output"]).arg(work.join("out"));
            command
        })?;
        let what = format!("scan of {PACKAGES} generated packages against it, {format}");
        rows.push((what, figures.to_string(), "40 ms".to_owned()));
    }
    Ok(())
}

fn open_index(what: &str, path: &Path, rows: &mut Vec<Row>) -> Result<()> {
    let bytes = std::fs::read(path)?;
    let times: Vec<f64> = (0..1001)
        .map(|_| {
            let start = std::time::Instant::now();
            let opened = advisories::index::Index::open(std::hint::black_box(&bytes));
            let micros = start.elapsed().as_secs_f64() * 1e6;
            assert!(opened.is_ok());
            micros
        })
        .collect();
    rows.push((what.to_owned(), format!("{:.1} µs (median of 1,001)", measure::median(times)), "1 ms".to_owned()));
    Ok(())
}

/// The pairs of a table of real Debian versions.
fn pairs_of(table: &str) -> Vec<(&str, &str)> {
    let pair = |line: &'_ str| -> Option<(usize, usize, usize)> {
        let first = line.find('\t')?;
        let second = first + 1 + line[first + 1..].find('\t')? + 1;
        let end = line[second..].find('\t').map_or(line.len(), |at| second + at);
        Some((first, second, end))
    };
    table
        .lines()
        .skip(1)
        .filter_map(|line| pair(line).map(|(first, second, end)| (&line[..first], &line[second..end])))
        .collect()
}

/// `xtask compare ROUNDS`: compares all pairs so often; [`instructions`] counts what that takes.
pub(crate) fn compare(rounds: Option<&str>) -> Result<()> {
    let rounds: usize = rounds.and_then(|text| text.parse().ok()).context("usage: xtask compare ROUNDS")?;
    let table = testkit::reference::text("versions/debian-dpkg-answers.tsv.zst").context("no reference data")?;
    let pairs = pairs_of(&table);
    for _ in 0..rounds {
        for (a, b) in &pairs {
            std::hint::black_box(
                versions::Scheme::Debian.compare(std::hint::black_box(a), std::hint::black_box(b)).ok(),
            );
        }
    }
    println!("{}", pairs.len());
    Ok(())
}

/// Instructions of one comparison, counted by valgrind: the difference of two runs, so that starting up does not count.
fn instructions(rows: &mut Vec<Row>) -> Result<()> {
    let count = |rounds: &str| -> Result<(f64, f64)> {
        let program = std::env::current_exe()?;
        let output = Command::new("valgrind")
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
            .arg(program)
            .args(["compare", rounds])
            .output();
        let Ok(output) = output else { bail!("valgrind is not installed") };
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        let collected = told.lines().find_map(|line| line.split("Collected : ").nth(1)).context("no count")?;
        let pairs = String::from_utf8_lossy(&output.stdout).trim().parse()?;
        Ok((collected.trim().parse()?, pairs))
    };
    let limit = "1 µs".to_owned();
    match (count("1"), count("11")) {
        (Ok((one, pairs)), Ok((eleven, _))) => {
            let each = (eleven - one) / 10.0 / pairs;
            rows.push(("the same, instructions of a comparison".to_owned(), format!("{each:.0} (valgrind)"), limit));
        }
        (Err(why), _) | (_, Err(why)) => println!("SKIPPED: instructions are not counted: {why}"),
    }
    Ok(())
}

/// Comparison of real Debian versions, one pair a call.
fn per_package(rows: &mut Vec<Row>) {
    let Some(table) = testkit::reference::text("versions/debian-dpkg-answers.tsv.zst") else { return };
    let pairs = pairs_of(&table);
    let times: Vec<f64> = (0..51)
        .map(|_| {
            let start = std::time::Instant::now();
            for (a, b) in &pairs {
                std::hint::black_box(
                    versions::Scheme::Debian.compare(std::hint::black_box(a), std::hint::black_box(b)).ok(),
                );
            }
            start.elapsed().as_secs_f64() * 1e9 / pairs.len() as f64
        })
        .collect();
    rows.push((
        format!("comparing two Debian versions ({} real pairs)", pairs.len()),
        format!("{:.0} ns (median of 51 rounds)", measure::median(times)),
        "1 µs".to_owned(),
    ));
}

fn write_page(root: &Path, rows: &[Row]) -> Result<()> {
    let mut page = String::from(
        "# Benchmarks\n\nGenerated by `cargo xtask bench`. Whole processes, from start to exit: median (lowest to highest), and the\npeak of resident memory, mapped file pages included. Limits are those the project set itself.\n\n",
    );
    writeln!(page, "Machine: {}, {} cores, {}.\n", measure::processor(), measure::cores(), measure::memory())?;
    writeln!(page, "| what | measured | limit |\n| --- | --- | --- |")?;
    for (what, figures, limit) in rows {
        writeln!(page, "| {what} | {figures} | {limit} |")?;
    }
    page.push_str("\nCompared with another scanner: Trivy 0.76 took 0.50 s and 131 MiB for the same host's bill of materials with the same\nadvisories, on another day's run of a machine of this size; it is not run here.\n");
    print!("{page}");
    std::fs::write(root.join("docs/benchmarks.md"), page).context("failed to write the page")
}

impl std::fmt::Display for Figures {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let unit =
            |seconds: f64| if seconds < 1.0 { format!("{:.1} ms", seconds * 1e3) } else { format!("{seconds:.2} s") };
        let (low, middle, high) =
            (self.seconds[0], measure::median(self.seconds.clone()), self.seconds[self.seconds.len() - 1]);
        write!(
            formatter,
            "{} ({} to {}), {:.1} MiB",
            unit(middle),
            unit(low),
            unit(high),
            self.peak_kib as f64 / 1024.0
        )
    }
}
