//! Measurements, as whole processes of the release program; the table goes to `docs/benchmarks.md`.

mod agent;
mod changes;
mod fleet;
mod generate;
mod ledger;
mod measure;
mod policy;
mod record;
mod scale;
mod server;
mod world;

use anyhow::{Context, Result, bail};
use measure::{Figures, measure};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

const ADVISORIES: usize = 500_000;
const PACKAGES: usize = 20_000;

/// How cargo makes the programs that are measured.
const PROGRAMS: &[&str] = &["build", "--release", "--locked", "-p", "plimsoll", "-p", "plimsoll-agent"];

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    match arguments.first().map(String::as_str) {
        // What is measured inside this program must be optimised like the product.
        _ if cfg!(debug_assertions) => bail!("measure with cargo xtask bench, which builds all for release"),
        None => all(&root),
        Some("compare") => compare(arguments.get(1).map(String::as_str)),
        // A process of its own, begun by another part in the folder of that run.
        Some("ready") => self::scale::ready(Path::new(arguments.get(1).context("the folder")?)),
        Some(part) => one_part(&root, part),
    }
}

/// Makes the programs that are measured.
fn build(root: &Path) -> Result<()> {
    let status = Command::new(env!("CARGO")).args(PROGRAMS).current_dir(root).status();
    match status.context("failed to run cargo")?.success() {
        true => Ok(()),
        false => bail!("cargo {} failed", PROGRAMS.join(" ")),
    }
}

/// Runs the measurements and writes `docs/benchmarks.md`.
fn all(root: &Path) -> Result<()> {
    build(root)?;
    let program = root.join("target/release/plimsoll");
    let work = root.join("target/bench");
    let _ = std::fs::remove_dir_all(&work);
    std::fs::create_dir_all(&work).context("failed to create the working folder")?;
    let mut rows = Vec::new();
    scan_of_reference_host(&program, &work, &mut rows)?;
    compile_of_generated(&program, &work, &mut rows)?;
    per_package(&mut rows);
    instructions(&mut rows)?;
    self::policy::run(&mut rows)?;
    self::changes::run(&work, &mut rows)?;
    self::ledger::proofs(&mut rows)?;
    self::ledger::verification(&work, &mut rows)?;
    self::record::run(&work, &mut rows)?;
    self::fleet::run(&mut rows)?;
    self::scale::run(&work, &mut rows)?;
    self::server::run(&program, &work, &mut rows)?;
    self::agent::run(&program.with_file_name("plimsoll-agent"), &work, &mut rows)?;
    write_page(root, &rows)
}

/// One part alone, to look at; the page stays as it is.
fn one_part(root: &Path, part: &str) -> Result<()> {
    let mut rows = Vec::new();
    match part {
        "fleet" => self::fleet::run(&mut rows)?,
        "policy" => self::policy::run(&mut rows)?,
        "changes" => self::changes::run(&std::env::temp_dir().join("plimsoll-bench"), &mut rows)?,
        "ledger" => {
            let work = std::env::temp_dir().join("plimsoll-bench");
            std::fs::create_dir_all(&work)?;
            self::ledger::proofs(&mut rows)?;
            self::ledger::verification(&work, &mut rows)?;
        }
        "record" => self::record::run(&std::env::temp_dir().join("plimsoll-bench"), &mut rows)?,
        "scale" => self::scale::run(&std::env::temp_dir().join("plimsoll-bench"), &mut rows)?,
        "agent" => {
            build(root)?;
            let work = std::env::temp_dir().join("plimsoll-bench");
            self::agent::run(&root.join("target/release/plimsoll-agent"), &work, &mut rows)?;
        }
        "server" | "pages" | "orders" => {
            build(root)?;
            let work = std::env::temp_dir().join("plimsoll-bench");
            let measure = match part {
                "server" => self::server::run,
                "orders" => self::server::orders,
                _ => self::server::large,
            };
            measure(&root.join("target/release/plimsoll"), &work, &mut rows)?;
        }
        // What opens the record that was made, as a process of its own.
        _ => bail!(
            "no part is called `{part}`: fleet, record, scale, server, orders, pages (of what scale has made), agent"
        ),
    }
    for Row { what, figures, limit, is_over } in rows {
        println!("{what}: {figures} (limit {limit}){}", if is_over { " OVER THE LIMIT" } else { "" });
    }
    Ok(())
}

/// A row of the page.
struct Row {
    what: String,
    figures: String,
    /// The limit that the project set itself; may be empty.
    limit: String,
    is_over: bool,
}

impl Row {
    /// A whole process against its limits; no limit of memory where `most_mib` is none.
    fn of(what: impl Into<String>, figures: &Figures, most_seconds: f64, most_mib: Option<u64>) -> Self {
        let time = match most_seconds < 1.0 {
            true => format!("{:.0} ms", most_seconds * 1e3),
            false => format!("{most_seconds:.0} s"),
        };
        let limit = most_mib.map_or_else(|| time.clone(), |mib| format!("{time}, {mib} MiB"));
        let is_over = measure::median(figures.seconds.clone()) > most_seconds
            || most_mib.is_some_and(|mib| figures.peak_kib > mib * 1024);
        Self { what: what.into(), figures: figures.to_string(), limit, is_over }
    }

    fn plain(what: impl Into<String>, figures: String, limit: &str, is_over: bool) -> Self {
        Self { what: what.into(), figures, limit: limit.to_owned(), is_over }
    }
}

fn scan_of_reference_host(program: &Path, work: &Path, rows: &mut Vec<Row>) -> Result<()> {
    let feeds = ["debian", "osv", "kev", "epss", "cve", "lifecycle"];
    let paths: Vec<PathBuf> = feeds.iter().filter_map(|name| testkit::reference::path(name)).collect();
    let Some(host) = testkit::reference::bytes("debian/host-bookworm/dpkg-status.zst") else {
        bail!("the reference data is not present: a page without its rows would say less than the one there is");
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
    rows.push(Row::of("scan, 709 packages, all reference feeds, JSON", &figures, 0.010, Some(24)));
    let figures = measure(21, || scan("table"))?;
    rows.push(Row::of("the same, as a table", &figures, 0.010, Some(24)));
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
    let what = format!("compiling {ADVISORIES} advisories ({size} MiB of OSV records)");
    rows.push(Row::of(what, &figures, 8.0, Some(512)));
    let mib = bytes.div_ceil(1 << 20);
    rows.push(Row::plain("the file it gives, the same bytes each time", format!("{mib} MiB"), "120 MiB", mib > 120));
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
        rows.push(Row::of(what, &figures, 0.040, None));
    }
    judging(&index, &sbom, rows)
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
    let micros = measure::median(times);
    rows.push(Row::plain(what, format!("{micros:.1} µs (median of 1,001)"), "1 ms", micros > 1000.0));
    Ok(())
}

/// What judging costs for each package: looking up all that is said of it, comparing, deciding.
fn judging(index: &Path, sbom: &Path, rows: &mut Vec<Row>) -> Result<()> {
    let (index, sbom) = (std::fs::read(index)?, std::fs::read(sbom)?);
    let index = advisories::index::Index::open(&index)?;
    let mut inventory = inventory::Inventory::default();
    let document = inventory::readers::Document { name: "generated.cdx.json", bytes: &sbom };
    inventory::readers::read_document(&document, &mut inventory).context("the inventory is not read")?;
    inventory.packages.sort_by(|a, b| a.name.cmp(&b.name));
    let mut times = Vec::new();
    for _ in 0..21 {
        let start = std::time::Instant::now();
        let found = matching::find(std::hint::black_box(&inventory), &index)?;
        times.push(start.elapsed().as_secs_f64() * 1e9 / inventory.packages.len() as f64);
        std::hint::black_box(found);
    }
    let nanos = measure::median(times);
    let what = format!("judging one of {} packages", inventory.packages.len());
    rows.push(Row::plain(what, format!("{nanos:.0} ns (median of 21 rounds, all cores)"), "1 µs", nanos > 1000.0));
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

/// `bench compare ROUNDS`: compares all pairs so often; [`instructions`] counts what that takes.
fn compare(rounds: Option<&str>) -> Result<()> {
    let rounds: usize = rounds.and_then(|text| text.parse().ok()).context("usage: bench compare ROUNDS")?;
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
    match (count("1"), count("11")) {
        (Ok((one, pairs)), Ok((eleven, _))) => {
            let each = (eleven - one) / 10.0 / pairs;
            rows.push(Row::plain("the same, in instructions", format!("{each:.0} (valgrind)"), "", false));
        }
        (Err(why), _) | (_, Err(why)) => return Err(why.context("instructions cannot be counted")),
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
    let nanos = measure::median(times);
    let what = format!("comparing two Debian versions ({} real pairs)", pairs.len());
    rows.push(Row::plain(what, format!("{nanos:.0} ns (median of 51 rounds)"), "1 µs", nanos > 1000.0));
}

fn write_page(root: &Path, rows: &[Row]) -> Result<()> {
    let mut page = String::from(
        "# Benchmarks\n\nGenerated by `cargo xtask bench`. Whole processes, from start to exit: median (lowest to highest), and the\npeak of resident memory, mapped file pages included. Limits are those the project set itself.\n\n",
    );
    writeln!(page, "Machine: {}, {} cores, {}.\n", measure::processor(), measure::cores(), measure::memory())?;
    writeln!(page, "| what | measured | limit |\n| --- | --- | --- |")?;
    for Row { what, figures, limit, is_over } in rows {
        let over = if *is_over { " **over the limit**" } else { "" };
        writeln!(page, "| {what} | {figures} | {limit}{over} |")?;
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
