//! What stands above every figure: as of when it is, to which all links of the page lead on, and what is not known.

use super::encoded;
use super::text::{instant, plain};
use crate::api::{day, instant as instant_of};
use crate::app::App;
use crate::problem::Answer;
use jiff::Timestamp;
use maud::{Markup, html};
use operations::Gaps;

/// The moment that a page is about: now, or another that somebody asked for.
#[derive(Debug, Clone)]
pub(super) struct Moment {
    /// The instant against which due dates are held.
    pub(super) now: Timestamp,
    /// The instant that was asked for; none for now.
    pub(super) at: Option<Timestamp>,
    /// How somebody wrote it.
    said: String,
}

impl Moment {
    /// The moment that somebody asks for.
    pub(super) fn of(app: &App, said: Option<&str>) -> Answer<Self> {
        let at = instant_of(said)?;
        Ok(Self { now: at.unwrap_or_else(|| app.now()), at, said: said.unwrap_or_default().to_owned() })
    }

    /// An address of this service, as of the same moment.
    pub(super) fn link(&self, address: &str) -> String {
        let (address, fragment) = address.split_once('#').unwrap_or((address, ""));
        let mut whole = address.to_owned();
        if self.at.is_some() {
            whole.push(if address.contains('?') { '&' } else { '?' });
            whole.push_str(&format!("at={}", encoded(&self.said)));
        }
        if !fragment.is_empty() {
            whole.push_str(&format!("#{fragment}"));
        }
        whole
    }

    /// Says that what is shown is not of now, and leads back with all else that was asked for.
    pub(super) fn notice(&self, app: &App, raw: Option<&str>) -> Markup {
        let Some(at) = self.at else { return html! {} };
        let words = if at > app.now() { "if nothing happens until then" } else { "as it was known then" };
        html! { div.notice role="note" { p { "As of " (instant(at)) ", " (words) ". " a href=(format!("?{}", without(raw, &["at", "page_token"]))) { "As of now" } } } }
    }

    /// The field in which somebody says as of when.
    pub(super) fn field(&self) -> Markup {
        let is_day = self.said.is_empty() || day(&self.said).is_some();
        html! { div { label for="at" { "As of" } input id="at" name="at" type=(if is_day { "date" } else { "text" }) value=(self.said); } }
    }
}

/// What stands after an address's question mark, without some of it.
pub(super) fn without(raw: Option<&str>, names: &[&str]) -> String {
    let is_kept = |pair: &&str| !pair.is_empty() && !names.contains(&pair.split('=').next().unwrap_or(pair));
    raw.unwrap_or("").split('&').filter(is_kept).collect::<Vec<_>>().join("&")
}

/// What is not known, with links to it for who may follow them.
pub(super) fn gaps(gaps: &Gaps, moment: Option<&Moment>) -> Markup {
    let words = gaps.words();
    let link =
        |to: &str, text: &str| html! { @if let Some(moment) = moment { " " a href=(moment.link(to)) { (text) } } };
    html! {
        @if !words.is_empty() {
            div.notice.unsure role="note" {
                p { strong { "Not enough data to say that all is well." } }
                ul { @for word in &words { li { (plain(word))
                    @if word.contains("scan is overdue") { (link("/assets?scan=overdue", "which")) }
                    @if word.contains("could not be judged") { (link("/undetermined", "which, and why")) }
                } } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Moment, without};
    use jiff::Timestamp;

    #[test]
    fn links_lead_to_the_same_day() {
        let at = "2026-11-01T23:59:59Z".parse::<Timestamp>().ok();
        let past = Moment { now: Timestamp::UNIX_EPOCH, at, said: "2026-11-01".to_owned() };
        let now = Moment { now: Timestamp::UNIX_EPOCH, at: None, said: String::new() };
        assert_eq!(past.link("/findings"), "/findings?at=2026-11-01");
        assert_eq!(past.link("/findings?owner=a#list"), "/findings?owner=a&at=2026-11-01#list");
        assert_eq!(now.link("/findings?owner=a"), "/findings?owner=a");
    }

    #[test]
    fn what_else_was_asked_for_is_kept() {
        assert_eq!(
            without(Some("at=2026-11-01&owner=a&page_token=x&atlas=1"), &["at", "page_token"]),
            "owner=a&atlas=1"
        );
        assert_eq!(without(None, &["at"]), "");
    }
}
