//! What hosts are like.

use super::{Chance, Told};
use jiff::SignedDuration;

/// How often hosts are what, in ten thousand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults {
    /// The patch kills them: they are never heard of again.
    pub dies: u64,
    /// The package manager fails, and they bring themselves back.
    pub fails: u64,
    /// The same, and they cannot bring themselves back.
    pub breaks: u64,
    /// They say that they are done, and are not.
    pub lies: u64,
    /// They take longer than they may.
    pub slow: u64,
    /// Nobody hears of them for hours, and then what they have done meanwhile.
    pub cut_off: u64,
    /// Their clock says that no window is open.
    pub skewed: u64,
    /// They wait for somebody to restart them.
    pub unrestarted: u64,
    /// They are gone as soon as they are verified.
    pub vanishes: u64,
    /// They never ask for anything.
    pub away: u64,
}

/// What a host is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nature {
    /// As it should be.
    Well,
    /// See [`Faults`].
    Dies,
    /// See [`Faults`].
    Fails,
    /// See [`Faults`].
    Breaks,
    /// See [`Faults`].
    Lies,
    /// See [`Faults`].
    Slow,
    /// See [`Faults`].
    CutOff,
    /// See [`Faults`].
    Skewed,
    /// See [`Faults`].
    Unrestarted,
    /// See [`Faults`].
    Vanishes,
    /// See [`Faults`].
    Away,
}

impl Faults {
    /// What a host is like, by chance.
    pub fn nature(&self, chance: &mut Chance) -> Nature {
        let natures = [
            (self.dies, Nature::Dies),
            (self.fails, Nature::Fails),
            (self.breaks, Nature::Breaks),
            (self.lies, Nature::Lies),
            (self.slow, Nature::Slow),
            (self.cut_off, Nature::CutOff),
            (self.skewed, Nature::Skewed),
            (self.unrestarted, Nature::Unrestarted),
            (self.vanishes, Nature::Vanishes),
            (self.away, Nature::Away),
        ];
        let mut drawn = chance.below(10_000);
        for (times, nature) in natures {
            if drawn < times {
                return nature;
            }
            drawn -= times;
        }
        Nature::Well
    }
}

impl Nature {
    /// What a host tells after it has begun, and how long after.
    pub(super) fn course(self, takes_minutes: i64, chance: &mut Chance) -> Vec<(SignedDuration, Told)> {
        let minutes = |count: i64| SignedDuration::from_mins(count);
        let quick = 1 + i64::try_from(chance.below(20)).unwrap_or(0);
        match self {
            Self::Well | Self::Vanishes => {
                vec![(minutes(quick), Told::Installed), (minutes(quick + 1), Told::Shown(true))]
            }
            Self::Dies | Self::Away => Vec::new(),
            Self::Fails => vec![(minutes(quick), Told::Failed(true))],
            Self::Breaks => vec![(minutes(quick), Told::Failed(false))],
            // The inventory shows it.
            Self::Lies => vec![(minutes(quick), Told::Installed), (minutes(quick + 1), Told::Failed(false))],
            Self::Slow => {
                let slow = takes_minutes * 3 + quick;
                vec![(minutes(slow), Told::Installed), (minutes(slow + 1), Told::Shown(true))]
            }
            Self::CutOff => {
                let hours = 3 + i64::try_from(chance.below(200)).unwrap_or(0);
                let back = hours * 60;
                // Twice, because nobody had answered.
                vec![
                    (minutes(back), Told::Installed),
                    (minutes(back), Told::Installed),
                    (minutes(back + 1), Told::Shown(true)),
                    (minutes(back + 2), Told::Shown(true)),
                ]
            }
            Self::Skewed => vec![(minutes(1), Told::Refused)],
            Self::Unrestarted => {
                let hours = 1 + i64::try_from(chance.below(72)).unwrap_or(0);
                vec![
                    (minutes(quick), Told::Installed),
                    (minutes(quick + 1), Told::Shown(false)),
                    (minutes(quick + hours * 60), Told::Shown(true)),
                ]
            }
        }
    }
}
