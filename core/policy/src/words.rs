//! A policy in words: its conditions, and its sections as tables that documents are made of.

use crate::condition::Condition;
use crate::deadline::{Clock, Due};
use crate::facts::Exposure;
use crate::file::{Class, Policy};
use crate::promises::{Covered, Need, ScopeRule, Spanned};

/// A table of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// The heads of its columns.
    pub head: Vec<&'static str>,
    /// Its rows.
    pub rows: Vec<Vec<String>>,
}

/// The tables that a document can name.
pub const TABLES: &[&str] = &[
    "classes",
    "deadlines",
    "counting",
    "deployment",
    "scope",
    "definitions",
    "roles",
    "gates",
    "rings",
    "windows",
    "freezes",
    "owed",
    "records",
    "measures",
    "responses",
    "training",
];

impl Policy {
    /// A table of a document by its name; `None` if there is none of that name. A section that is not written has no rows.
    #[must_use]
    pub fn table(&self, name: &str) -> Option<Table> {
        Some(match name {
            "classes" => self.classes_table(),
            "deadlines" => Table {
                head: vec!["Class", "Remediated within"],
                rows: rows(&self.classes, |class| vec![class.title.clone(), within(class.due)]),
            },
            "counting" => self.counting_table(),
            "deployment" => self.deployment_table(),
            "scope" | "definitions" | "roles" => self.scope_tables(name),
            "gates" | "rings" | "windows" | "freezes" | "owed" => self.change_tables(name)?,
            "records" | "measures" | "responses" | "training" => self.monitoring_tables(name)?,
            _ => return None,
        })
    }

    fn classes_table(&self) -> Table {
        let row = |class: &Class| {
            let clock: Vec<&str> = class.clock.iter().map(|clock| clock.words()).collect();
            let also = if class.also.is_empty() { String::new() } else { format!("; also {}", class.also) };
            vec![class.title.clone(), class.when.words(), format!("{}{also}", within(class.due)), clock.join(" or ")]
        };
        let head = vec!["Class", "Which findings", "Remediated within", "Counted from (the earliest)"];
        Table { head, rows: rows(&self.classes, row) }
    }

    /// How dates come about, and what stands in for what nobody knows.
    fn counting_table(&self) -> Table {
        let holidays: Vec<String> = self.calendar.holidays().map(ToString::to_string).collect();
        let end = if self.calendar.is_end_of_day() { "at midnight" } else { "at the hour at which the clock began" };
        let cap = if self.is_capped_by_catalogue { "cap every deadline" } else { "are shown, and change no deadline" };
        let missing = &self.missing;
        let yes = |value: bool| if value { "yes" } else { "no" };
        let exposure = if missing.exposure == Exposure::Exposed { "reachable from the internet" } else { "internal" };
        let stand_in = format!(
            "CVSS {}, EPSS {}, exploitation {}, automatable {}, total impact {}, likely exploitable {}, {exposure}",
            missing.cvss,
            missing.epss,
            missing.exploitation,
            yes(missing.automatable),
            yes(missing.total_impact),
            yes(missing.likely_exploitable)
        );
        let row = |what: &str, how: String| vec![what.to_owned(), how];
        let rows = vec![
            row("Days are those of", self.calendar.zone_name().to_owned()),
            row("What falls due on a day does so", end.to_owned()),
            row("No business days, beside weekends", listed(&holidays)),
            row("Due dates of the catalogue of known exploited vulnerabilities", cap.to_owned()),
            row("What nobody knows of a finding counts as", stand_in),
        ];
        Table { head: vec!["What", "How"], rows }
    }

    /// What bounds a rollout, and who is told.
    fn deployment_table(&self) -> Table {
        let Some(deployment) = &self.promises.deployment else {
            return Table { head: vec!["What", "How"], rows: Vec::new() };
        };
        let automatic = deployment.automatic.as_ref().map(|automatic| {
            let of =
                |what: &str, words: &[String]| (!words.is_empty()).then(|| format!("{what} {}", joined(words, "or")));
            let of = [of("criticality", &automatic.criticality), of("environment", &automatic.environment)];
            let of: Vec<String> = of.into_iter().flatten().collect();
            if of.is_empty() { "nothing".to_owned() } else { format!("assets of {}", listed(&of)) }
        });
        let (reboot, notice) = (deployment.reboot.as_ref(), deployment.notice.clone().unwrap_or_default());
        let percent = |value: &Spanned<u32>| format!("{} percent", value.as_ref());
        let rows = [
            ("A ring stops where more of it fail than", Some(percent(&deployment.failure_threshold))),
            (
                "Assets under way at once, at the most",
                deployment.at_once.as_ref().map(|most| most.as_ref().to_string()),
            ),
            ("Under way or lost before the last ring, at the most", deployment.blast_radius.as_ref().map(percent)),
            ("Patched without anybody's word", automatic),
            ("Restarted, where a patch asks for it, within", reboot.map(|reboot| reboot.within.as_ref().to_string())),
            ("Started again by one change, at the most", reboot.map(|reboot| format!("{} times", reboot.most))),
            ("Customers are told before", notice.customers.map(|length| length.to_string())),
            ("The business is told before", notice.business.map(|length| length.to_string())),
        ];
        let rows = rows.into_iter().filter_map(|(what, how)| Some(vec![what.to_owned(), how?])).collect();
        Table { head: vec!["What", "How"], rows }
    }

    fn scope_tables(&self, name: &str) -> Table {
        let promises = &self.promises;
        match name {
            "scope" => {
                let all = promises.scope.as_ref().map_or(&[][..], |scope| &scope.rule);
                let row = |rule: &Spanned<ScopeRule>| {
                    let rule = rule.as_ref();
                    vec![rule.covered.words().to_owned(), selector(rule), rule.reason.clone()]
                };
                Table { head: vec!["Covered", "Which assets", "Why"], rows: rows(all, row) }
            }
            "definitions" => Table {
                head: vec!["Word", "Meaning"],
                rows: rows(&promises.definitions, |one| vec![one.term.as_ref().clone(), one.meaning.clone()]),
            },
            _ => Table {
                head: vec!["Role", "Answers for", "People", "Who is told where it does not act"],
                rows: rows(&promises.roles, |role| {
                    let to = role.escalates_to.as_ref().map(|to| self.title(to.as_ref()));
                    let after = role.escalates_after.map_or_else(String::new, |after| format!(" after {after}"));
                    let own = role.patches_own.then(|| "may patch what its own team has".to_owned());
                    let duties = role.duties.iter().cloned().chain(own).collect::<Vec<_>>().join("; ");
                    let people = format!("at least {}", role.people);
                    vec![role.title.clone(), duties, people, to.map_or_else(|| "nobody".to_owned(), |to| to + &after)]
                }),
            },
        }
    }

    fn change_tables(&self, name: &str) -> Option<Table> {
        let promises = &self.promises;
        let any = |words: &[String]| if words.is_empty() { "any".to_owned() } else { words.join(", ") };
        Some(match name {
            "gates" => Table {
                head: vec!["Change", "Needs", "Asked for by", "Approved by"],
                rows: rows(&promises.gates, |gate| {
                    let needs: Vec<&str> = gate.needs.iter().map(|need| need.words()).collect();
                    vec![
                        gate.change.as_ref().to_string(),
                        listed(&needs),
                        self.any_of(&gate.requested_by),
                        if gate.approved_by.is_empty() {
                            "the policy itself".to_owned()
                        } else {
                            self.titles(&gate.approved_by)
                        },
                    ]
                }),
            },
            "rings" => Table {
                head: vec!["Ring", "Environment", "Share of its assets", "Watched for"],
                rows: rows(&promises.rings, |ring| {
                    let share = ring
                        .share
                        .as_ref()
                        .map_or_else(|| "all that are left".to_owned(), |share| format!("{} %", share.as_ref()));
                    vec![ring.id.as_ref().clone(), any(&ring.environment), share, ring.soak.to_string()]
                }),
            },
            "windows" => Table {
                head: vec!["Window", "Environment", "First opens", "Then (RFC 5545)", "For", "Time zone"],
                rows: rows(&promises.windows, |window| {
                    let zone = window.time_zone.as_ref().map_or(self.calendar.zone_name(), |zone| zone.as_ref());
                    vec![
                        window.id.as_ref().clone(),
                        any(&window.environment),
                        window.starts.as_ref().replace('T', " "),
                        window.rule.as_ref().clone(),
                        window.lasts.to_string(),
                        zone.to_owned(),
                    ]
                }),
            },
            "freezes" => Table {
                head: vec!["No changes from", "Until", "Why", "Except"],
                rows: rows(&promises.freezes, |freeze| {
                    let except: Vec<String> = freeze.except.iter().map(ToString::to_string).collect();
                    let (from, until) = (freeze.from.as_ref().clone(), freeze.until.as_ref().clone());
                    vec![from, until, freeze.reason.clone(), listed(&except)]
                }),
            },
            "owed" => Table {
                head: vec!["What", "By whom", "Within"],
                rows: rows(promises.emergency.as_ref().map_or(&[][..], |emergency| &emergency.owes), |owed| {
                    vec![owed.what.clone(), self.title(owed.by.as_ref()), owed.within.to_string()]
                }),
            },
            _ => return None,
        })
    }

    fn monitoring_tables(&self, name: &str) -> Option<Table> {
        let promises = &self.promises;
        Some(match name {
            "records" => Table {
                head: vec!["Record", "Kept for"],
                rows: rows(&promises.records, |record| {
                    vec![record.kind.as_ref().words().to_owned(), record.keep.as_ref().to_string()]
                }),
            },
            "measures" => Table {
                head: vec!["Figure", "Of which class", "Target"],
                rows: rows(&promises.measures, |measure| {
                    let title = |id: &str| {
                        self.classes
                            .iter()
                            .find(|class| class.id == id)
                            .map_or(id, |class| class.title.as_str())
                            .to_owned()
                    };
                    let class = measure.class.as_ref().map_or_else(|| "all".to_owned(), |class| title(class.as_ref()));
                    let least = measure.at_least.as_ref().map(|least| format!("at least {} %", least.as_ref()));
                    let most = measure.at_most.as_ref().map(|most| format!("at most {}", most.as_ref()));
                    vec![measure.of.as_ref().words().to_owned(), class, least.or(most).unwrap_or_default()]
                }),
            },
            "responses" => Table {
                head: vec!["From violation", "Within", "What follows", "Who sees to it"],
                rows: rows(&promises.responses, |response| {
                    let (from, within) = (response.from.as_ref().to_string(), response.within.as_ref().to_string());
                    vec![from, within, response.step.words().to_owned(), self.title(response.by.as_ref())]
                }),
            },
            "training" => Table {
                head: vec!["Training", "For", "Within", "Again every"],
                rows: rows(&promises.training, |training| {
                    let all = || "everybody".to_owned();
                    let roles = if training.roles.is_empty() { all() } else { self.titles(&training.roles) };
                    vec![
                        training.title.clone(),
                        roles,
                        training.within.to_string(),
                        training.every.as_ref().to_string(),
                    ]
                }),
            },
            _ => return None,
        })
    }

    /// A role's title; its id where it has none.
    fn title(&self, role: &str) -> String {
        self.promises.role(role).map_or_else(|| role.to_owned(), |role| role.title.clone())
    }

    fn any_of(&self, roles: &[Spanned<String>]) -> String {
        joined(&roles.iter().map(|role| self.title(role.as_ref())).collect::<Vec<_>>(), "or")
    }

    fn titles(&self, roles: &[Spanned<String>]) -> String {
        listed(&counted(&roles.iter().map(|role| self.title(role.as_ref())).collect::<Vec<_>>()))
    }
}

fn rows<T>(all: &[T], row: impl Fn(&T) -> Vec<String>) -> Vec<Vec<String>> {
    all.iter().map(row).collect()
}

fn within(due: Due) -> String {
    match due {
        Due::EndOfQuarter => "the end of the quarter".to_owned(),
        Due::NextUpgrade => "the next upgrade".to_owned(),
        other => other.to_string(),
    }
}

/// Words, each once: what is there several times with how many people of it are meant.
pub(crate) fn counted(words: &[String]) -> Vec<String> {
    let mut all: Vec<(&String, usize)> = Vec::new();
    for word in words {
        match all.iter_mut().find(|(known, _)| *known == word) {
            Some((_, count)) => *count += 1,
            None => all.push((word, 1)),
        }
    }
    let said = |(word, count): (&String, usize)| match count {
        1 => word.clone(),
        count => format!("{count} people of: {word}"),
    };
    all.into_iter().map(said).collect()
}

/// Words one after the other, the last with "and"; a dash where there are none. Words with commas of their own are set apart by more.
pub(crate) fn listed(words: &[impl AsRef<str>]) -> String {
    joined(words, "and")
}

/// The same with another word before the last.
pub(crate) fn joined(words: &[impl AsRef<str>], word: &str) -> String {
    let between = if words.iter().any(|word| word.as_ref().contains(',')) { "; " } else { ", " };
    match words {
        [] => "–".to_owned(),
        [one] => one.as_ref().to_owned(),
        [first @ .., last] => {
            let first: Vec<&str> = first.iter().map(AsRef::as_ref).collect();
            let end = if between == "; " { ";" } else { "" };
            format!("{}{end} {word} {}", first.join(between), last.as_ref())
        }
    }
}

fn selector(rule: &ScopeRule) -> String {
    let mut words = Vec::new();
    for (name, all) in
        [("environment", &rule.environment), ("tag", &rule.tag), ("owner", &rule.owner), ("data", &rule.data_class)]
    {
        if !all.is_empty() {
            words.push(format!("{name} {}", all.join(" or ")));
        }
    }
    words.extend(rule.exposure.map(|exposure| exposure_word(exposure).to_owned()));
    words.join(", ")
}

fn exposure_word(exposure: Exposure) -> &'static str {
    match exposure {
        Exposure::Exposed => "exposed",
        Exposure::Internal => "internal",
    }
}

impl Covered {
    /// How an asset is covered, in words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Patched => "by us",
            Self::Attested => "by its vendor, who attests it",
            Self::Excluded => "no",
        }
    }
}

impl Need {
    fn words(self) -> &'static str {
        match self {
            Self::Tests => "tests",
            Self::Soak => "soak time",
            Self::RollbackPlan => "a rollback plan",
            Self::Notice => "notice",
        }
    }
}

impl Clock {
    fn words(self) -> &'static str {
        match self {
            Self::Published => "its publication",
            Self::PatchAvailable => "the patch",
            Self::Listed => "its listing as exploited",
            Self::FirstSeen => "the first sight",
        }
    }
}

impl Condition {
    /// What it asks for, in words.
    pub(crate) fn words(&self) -> String {
        let mut words = Vec::new();
        let mut flag = |value: Option<bool>, yes: &str, no: &str| {
            words.extend(value.map(|value| if value { yes } else { no }.to_owned()));
        };
        flag(self.exploited, "known to be exploited", "not known to be exploited");
        flag(self.ransomware, "used by ransomware", "not used by ransomware");
        flag(self.automatable, "attacks can be automated", "attacks cannot be automated");
        flag(self.total_impact, "total technical impact", "partial technical impact");
        flag(self.likely_exploitable, "likely exploitable", "not likely exploitable");
        flag(self.fix_available, "with a patch", "without a patch");
        flag(self.end_of_life, "out of support", "in support");
        let mut least =
            |name: &str, value: Option<f64>| words.extend(value.map(|value| format!("{name} of at least {value}")));
        least("CVSS", self.cvss_at_least);
        least("EPSS", self.epss_at_least);
        least("an EPSS percentile", self.epss_percentile_at_least);
        words.extend(self.exposure.map(|exposure| format!("on {} assets", exposure_word(exposure))));
        for (name, all) in [
            ("exploitation", &self.exploitation),
            ("environment", &self.environment),
            ("criticality", &self.criticality),
            ("impact", &self.impact),
            ("data", &self.data_class),
        ] {
            words.extend(all.iter().map(|all| format!("{name} {}", all.join(" or "))));
        }
        if let Some(any) = &self.any {
            let any: Vec<String> = any.iter().map(Self::words).collect();
            words.push(format!("any of: {}", any.join("; ")));
        }
        if words.is_empty() { "all others".to_owned() } else { words.join(", ") }
    }
}
