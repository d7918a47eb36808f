//! A mutation fuzzer that runs as a plain test: real documents, changed at random, for a bounded time.
//!
//! Its seeds are the kept corpus; the same seed number gives the same inputs. A target fails by panicking.

use std::time::{Duration, Instant};

/// A small deterministic generator (SplitMix64); not for secrets.
pub struct Random(u64);

impl Random {
    /// Starts from a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `limit`, or zero if the limit is zero.
    pub fn below(&mut self, limit: usize) -> usize {
        if limit == 0 { 0 } else { (self.next_u64() % limit as u64) as usize }
    }
}

const TOKENS: &[&str] = &[
    "\0",
    "\u{1b}[31m",
    "99999999999999999999",
    "-1",
    "{",
    "}",
    "[",
    "]",
    "\"",
    "\\",
    "<",
    ">",
    "&x;",
    "\n",
    "\n\n",
    ":",
    "=",
    "é",
    "~",
    "^",
    "null",
    "true",
    "[[[[[[[[",
    "{\"a\":{\"a\":{\"a\":",
    "<a><a><a>",
    "../../",
    "\r",
    "\t",
];

/// Changes an input in one to four random places.
#[must_use]
pub fn mutate(random: &mut Random, seeds: &[Vec<u8>]) -> Vec<u8> {
    let mut input = seeds[random.below(seeds.len())].clone();
    for _ in 0..=random.below(4) {
        let at = random.below(input.len() + 1);
        match random.below(7) {
            0 => input.truncate(at),
            1 if at < input.len() => input[at] ^= 1 << random.below(8),
            2 if at < input.len() => input[at] = random.below(256) as u8,
            3 => drop(input.splice(at..at, TOKENS[random.below(TOKENS.len())].bytes())),
            4 => {
                let end = (at + random.below(64)).min(input.len());
                input.drain(at..end);
            }
            5 => {
                let other = &seeds[random.below(seeds.len())];
                let from = random.below(other.len() + 1);
                let until = (from + random.below(256)).min(other.len());
                input.splice(at..at, other[from..until].iter().copied());
            }
            _ => {
                let end = (at + random.below(32)).min(input.len());
                let copy = input[at..end].to_vec();
                for _ in 0..random.below(8) {
                    input.splice(at..at, copy.iter().copied());
                }
            }
        }
    }
    input
}

/// Feeds `target` with mutated seeds for `PLIMSOLL_FUZZ_SECONDS` (default 1), and at least 200 times.
///
/// # Panics
/// If the target panics; the input that did it is printed as an escaped string.
pub fn run(seeds: &[Vec<u8>], target: impl Fn(&[u8]) + std::panic::RefUnwindSafe) {
    run_for(1.0, seeds, target);
}

/// The same for a target of which there are many, or few: `share` of that time.
///
/// # Panics
/// If the target panics.
pub fn run_for(share: f64, seeds: &[Vec<u8>], target: impl Fn(&[u8]) + std::panic::RefUnwindSafe) {
    assert!(!seeds.is_empty(), "a fuzz target needs seeds");
    let seconds: f64 = std::env::var("PLIMSOLL_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(1.0);
    let (start, mut random) = (Instant::now(), Random::new(seeds.len() as u64));
    let mut runs = 0_u64;
    for seed in seeds {
        target(seed);
    }
    while runs < 200 || start.elapsed() < Duration::from_secs_f64(seconds * share) {
        let input = mutate(&mut random, seeds);
        if std::panic::catch_unwind(|| target(&input)).is_err() {
            panic!("the target panicked on b\"{}\"", input.escape_ascii());
        }
        runs += 1;
    }
}
