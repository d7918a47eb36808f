//! 100,000 generated pairs against the real `dpkg --compare-versions` and the real `rpm`.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "tests touch the world"
)]

use plimsoll_versions::Scheme;
use std::cmp::Ordering;
use std::io::Write;
use std::process::Command;
use testkit::fuzz::Random;

const PAIRS: usize = 100_000;

/// A version of awkward pieces; the second of a pair is often a small change of the first.
fn version(random: &mut Random, pieces: &[&str], before: Option<&str>) -> String {
    let mut text = before.map_or_else(|| random.below(20).to_string(), str::to_owned);
    for _ in 0..random.below(if before.is_some() { 3 } else { 7 }) {
        let piece = pieces[random.below(pieces.len())];
        let at = if before.is_some() { random.below(text.len()) } else { text.len() };
        text.insert_str(at, piece);
        if before.is_some() && random.below(3) == 0 {
            text.truncate(text.len() - 1);
        }
    }
    if text.starts_with(|c: char| c.is_ascii_digit()) { text } else { format!("1{text}") }
}

fn pairs(pieces: &[&str]) -> Vec<(String, String)> {
    let mut random = Random::new(7);
    (0..PAIRS)
        .map(|_| {
            let a = version(&mut random, pieces, None);
            let b = if random.below(2) == 0 {
                version(&mut random, pieces, Some(&a))
            } else {
                version(&mut random, pieces, None)
            };
            (a, b)
        })
        .collect()
}

#[test]
fn debian_order_is_the_real_dpkgs() {
    let pieces = [
        ".", ".0", "~", "+", "0", "00", "a", "z", "rc1", "-1", "-0", "~bpo12+1", "+deb12u1", "10", "9", "1:", "+b1",
        ".",
    ];
    let pairs = pairs(&pieces);
    let dpkg = |operator: &str, a: &str, b: &str| {
        Command::new("dpkg")
            .args(["--compare-versions", a, operator, b])
            .stderr(std::process::Stdio::null())
            .status()
            .map(|status| status.success())
    };
    if dpkg("eq", "1", "1").is_err() {
        eprintln!("SKIPPED: dpkg is not on this machine");
        return;
    }
    let workers = std::thread::available_parallelism().map_or(2, usize::from);
    let checked: usize = std::thread::scope(|scope| {
        let handles: Vec<_> = pairs
            .chunks(PAIRS.div_ceil(workers))
            .map(|part| {
                scope.spawn(move || {
                    let comparable = part.iter().filter_map(|(a, b)| Some((a, b, Scheme::Debian.compare(a, b).ok()?)));
                    comparable
                        .map(|(a, b, order)| {
                            let operator = match order {
                                Ordering::Less => "lt-nl",
                                Ordering::Equal => "eq",
                                Ordering::Greater => "gt-nl",
                            };
                            assert!(
                                dpkg(operator, a, b).expect("dpkg runs"),
                                "dpkg does not say `{a}` {operator} `{b}`"
                            );
                        })
                        .count()
                })
            })
            .collect();
        handles.into_iter().map(|handle| handle.join().expect("no pair differs")).sum()
    });
    println!("{checked} of {PAIRS} pairs could be compared, all as dpkg does");
    assert!(checked > PAIRS * 8 / 10, "only {checked} of {PAIRS} pairs were comparable");
}

#[test]
fn rpm_order_is_the_real_rpms() {
    let pieces = [".", "_", "~", "^", "0", "00", "a", "z", "rc1", "-1", "-0", ".el9", "10", "9", "git", "+", "."];
    let pairs = pairs(&pieces);
    let folder = std::env::temp_dir().join(format!("plimsoll-rpm-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join("pairs.tsv");
    let mut text = std::io::BufWriter::new(std::fs::File::create(&file).expect("a file"));
    for (a, b) in &pairs {
        writeln!(text, "{a}\t{b}").expect("written");
    }
    drop(text);
    let script = format!(
        "%{{lua: for line in io.lines('{}') do local a, b = line:match('([^\\t]*)\\t([^\\t]*)') print(rpm.vercmp(a, b) .. ' ') end}}",
        file.display()
    );
    let Ok(output) = Command::new("rpm").args(["--eval", &script]).output() else {
        eprintln!("SKIPPED: rpm is not on this machine");
        return;
    };
    let answers: Vec<i32> = String::from_utf8_lossy(&output.stdout)
        .split_whitespace()
        .map(|word| word.parse().expect("a number"))
        .collect();
    assert_eq!(answers.len(), PAIRS, "{}", String::from_utf8_lossy(&output.stderr));
    for ((a, b), answer) in pairs.iter().zip(answers) {
        let order = Scheme::Rpm.compare(a, b).expect("readable");
        assert_eq!(order as i32, answer, "rpm orders `{a}` and `{b}` otherwise");
    }
    std::fs::remove_dir_all(&folder).expect("removed");
}
