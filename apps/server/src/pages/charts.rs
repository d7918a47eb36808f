//! Charts, drawn here as SVG: readable without scripts, in light and dark, on paper, and told in words beside.

use super::moment::Moment;
use super::text::{number, percent};
use super::trend::Point;
use fleet::{AGE_DAYS, Ages, Counts, DAYS_AHEAD};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use maud::{Markup, html};
use qrcodegen::{QrCode, QrCodeEcc};

/// A part of a bar, in user units.
fn share(part: u64, whole: u64, width: f64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 * width }
}

/// A text as a QR code (ISO/IEC 18004), dark on light whatever the page's colours, as cameras want it; nothing for one that is too long.
pub(super) fn picture_code(text: &str, label: &str) -> Markup {
    const QUIET: i32 = 4;
    let Ok(code) = QrCode::encode_text(text, QrCodeEcc::Medium) else { return html! {} };
    let size = code.size();
    let dark = (0..size).flat_map(|y| (0..size).map(move |x| (x, y))).filter(|(x, y)| code.get_module(*x, *y));
    let path: String = dark.map(|(x, y)| format!("M{} {}h1v1h-1z", x + QUIET, y + QUIET)).collect();
    let whole = size + 2 * QUIET;
    html! {
        svg.code viewBox=(format!("0 0 {whole} {whole}")) width="240" height="240" role="img" aria-label=(label) shape-rendering="crispEdges" {
            rect width=(whole) height=(whole) fill="#fff" {}
            path d=(path) fill="#000" {}
        }
    }
}

/// The load line: all that is owed is the ship's load; what is overdue lies above the line that the policy draws.
pub(super) fn load_line(counts: &Counts) -> Markup {
    let (all, late, soon) = (counts.findings, counts.overdue, counts.due_soon);
    let (width, late_width) = (720.0, share(late, all, 720.0));
    let soon_width = share(soon, all, width);
    let words = match all {
        0 => "Nothing is owed, as far as is known.".to_owned(),
        _ => format!(
            "{} of {} findings are overdue ({}); {} more fall due within seven days.",
            number(late),
            number(all),
            percent(late, all),
            number(soon)
        ),
    };
    html! {
        figure {
            figcaption { "The load line" }
            svg.chart viewBox="0 0 720 96" role="img" aria-label=(words) {
                rect.fill-soft x="0" y="26" width="720" height="44" rx="4" {}
                rect.fill-open x=(late_width + soon_width) y="26" width=((width - late_width - soon_width).max(0.0)) height="44" rx="2" {}
                rect.fill-soon x=(late_width) y="26" width=(soon_width) height="44" {}
                rect.fill-late x="0" y="26" width=(late_width) height="44" {}
                line.stroke-line x1=(late_width.clamp(2.0, 718.0)) x2=(late_width.clamp(2.0, 718.0)) y1="14" y2="82" {}
                text x=(late_width.clamp(2.0, 600.0)) y="10" { "overdue " (percent(late, all)) }
                text.faint x="0" y="92" { (number(all)) " findings owed" }
            }
            p { (words) }
            p { span.key.k-late { "overdue" } span.key.k-soon { "due within seven days" } span.key.k-open { "due later" } }
        }
    }
}

/// What is overdue, by class and by for how long it has been.
pub(super) fn ages(ages: &Ages, opened: Option<&Moment>) -> Markup {
    let heads: Vec<String> = std::iter::once(format!("up to {} days", AGE_DAYS[0]))
        .chain(AGE_DAYS.windows(2).map(|pair| format!("{} to {} days", pair[0], pair[1])))
        .chain([format!("over {} days", AGE_DAYS[2])])
        .collect();
    html! {
        div.scroll tabindex="0" role="region" aria-label="Overdue by class and age" {
            table {
                caption { "Overdue, by class and by for how long" }
                thead { tr { th scope="col" { "Class" } @for head in &heads { th.number scope="col" { (head) } } } }
                tbody {
                    @for (class, buckets) in &ages.overdue {
                        tr {
                            th scope="row" { @if let Some(moment) = opened { a href=(moment.link(&format!("/findings?class={}&overdue=true", super::encoded(class)))) { (class) } } @else { (class) } }
                            @for bucket in buckets { td.number { @if *bucket > 0 { span.late { (number(*bucket)) } } @else { "0" } } }
                        }
                    }
                }
            }
        }
    }
}

/// What falls due on the next days.
pub(super) fn ahead(ages: &Ages, opened: Option<&Moment>) -> Markup {
    let most = ages.ahead.iter().copied().max().unwrap_or(0).max(1);
    let week: u64 = ages.ahead.iter().take(7).sum();
    let month: u64 = ages.ahead.iter().sum();
    let words = format!("{} findings fall due within seven days, {} within {DAYS_AHEAD}.", number(week), number(month));
    html! {
        figure {
            figcaption { "What falls due next" }
            svg.chart viewBox="0 0 720 150" role="img" aria-label=(words) {
                line.stroke-axis x1="0" x2="720" y1="120" y2="120" {}
                @for (day, count) in ages.ahead.iter().enumerate() {
                    @let height = share(*count, most, 100.0);
                    rect class=(if day < 7 { "fill-soon" } else { "fill-open" }) x=(day as f64 * 24.0 + 2.0) y=(120.0 - height) width="20" height=(height) rx="2" {
                        title { "in " (day) " to " (day + 1) " days: " (number(*count)) }
                    }
                }
                text.faint x="0" y="138" { "today" }
                text.faint x="168" y="138" { "in 7 days" }
                text.faint x="660" y="138" { "in 30 days" }
                text.faint x="0" y="12" { "most on one day: " (number(if month == 0 { 0 } else { most })) }
            }
            p { (words) @if let Some(moment) = opened { " " a href=(moment.link("/findings?overdue=false&sort=due")) { "In their order" } } }
        }
    }
}

/// How much was owed and overdue at the end of each month.
pub(super) fn months(points: &[(Timestamp, Point)]) -> Markup {
    if points.is_empty() {
        return html! { p.faint { "The trend appears here as soon as a month has something to tell." } };
    }
    let most = points.iter().map(|(_, point)| point.findings).max().unwrap_or(0).max(1);
    let x = |place: usize| 30.0 + place as f64 * (660.0 / points.len().max(2).saturating_sub(1) as f64);
    let line = |pick: fn(&Point) -> u64| {
        let points = points
            .iter()
            .enumerate()
            .map(|(place, (_, point))| format!("{:.1},{:.1}", x(place), 120.0 - share(pick(point), most, 100.0)));
        points.collect::<Vec<_>>().join(" ")
    };
    html! {
        figure {
            figcaption { "Owed and overdue, at the end of each month" }
            svg.chart viewBox="0 0 720 150" role="img" aria-label="Owed and overdue, by month; the table below has the figures" {
                line.stroke-axis x1="0" x2="720" y1="120" y2="120" {}
                polyline.stroke-open points=(line(|point| point.findings)) {}
                polyline.stroke-late points=(line(|point| point.overdue)) {}
                @for (place, (at, _)) in points.iter().enumerate() {
                    text.faint x=(x(place)) y="138" text-anchor="middle" { (month(*at)) }
                }
                text.faint x="0" y="12" { (number(most)) }
            }
            p { span.key.k-open { "owed" } span.key.k-late { "overdue" } }
        }
        details {
            summary { "The figures, with the mean time to patch" }
            div.scroll tabindex="0" role="region" aria-label="Months in figures" {
                table {
                    thead { tr { th scope="col" { "Until" } th.number scope="col" { "Owed" } th.number scope="col" { "Overdue" } th.number scope="col" { "Patched" } th.number scope="col" { "Mean days to patch" } } }
                    tbody {
                        @for (at, point) in points.iter().rev() {
                            tr {
                                td.date { (super::text::day(*at)) }
                                td.number { (number(point.findings)) }
                                td.number { (number(point.overdue)) }
                                td.number { (number(point.pace.closed)) }
                                td.number { @if let Some(mean) = point.pace.mean() { (super::text::days(mean)) } @else { "–" } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Parts of a whole as one bar, each with its colour; what it says stands beside it.
pub(super) fn share_bar(parts: &[(u64, &str)]) -> Markup {
    let whole: u64 = parts.iter().map(|(part, _)| part).sum();
    let mut x = 0.0;
    let mut bars = Vec::new();
    for (part, colour) in parts {
        let width = share(*part, whole, 160.0);
        bars.push((x, width, format!("fill-{colour}")));
        x += width;
    }
    html! {
        svg.bar viewBox="0 0 160 12" width="160" height="12" aria-hidden="true" {
            rect.fill-soft x="0" y="0" width="160" height="12" rx="3" {}
            @for (x, width, class) in &bars { rect class=(class) x=(format!("{x:.1}")) y="0" width=(format!("{width:.1}")) height="12" {} }
        }
    }
}

/// Two numbers side by side for each of some days: as it is, and as it would be.
pub(super) fn pairs(days: &[(String, u64, u64)]) -> Markup {
    let most = days.iter().map(|(_, one, other)| *one.max(other)).max().unwrap_or(0).max(1);
    let step = 700.0 / days.len().max(1) as f64;
    let width = (step / 2.0 - 4.0).clamp(2.0, 40.0);
    html! {
        figure {
            svg.chart viewBox="0 0 720 150" role="img" aria-label="Overdue by the policy in force and by the draft; the table below has the figures" {
                line.stroke-axis x1="0" x2="720" y1="120" y2="120" {}
                @for (place, (day, one, other)) in days.iter().enumerate() {
                    @let (x, first, second) = (10.0 + place as f64 * step, share(*one, most, 100.0), share(*other, most, 100.0));
                    rect.fill-open x=(format!("{x:.1}")) y=(format!("{:.1}", 120.0 - first)) width=(format!("{width:.1}")) height=(format!("{first:.1}")) { title { (day) ": " (number(*one)) " in force" } }
                    rect.fill-soon x=(format!("{:.1}", x + width + 2.0)) y=(format!("{:.1}", 120.0 - second)) width=(format!("{width:.1}")) height=(format!("{second:.1}")) { title { (day) ": " (number(*other)) " by the draft" } }
                    text.faint x=(format!("{:.1}", x + width)) y="138" text-anchor="middle" { (day.get(2..7).unwrap_or(day)) }
                }
                text.faint x="0" y="12" { (number(most)) }
            }
            p { span.key.k-open { "in force" } span.key.k-soon { "draft" } }
        }
        details { summary { "The figures" }
            div.scroll tabindex="0" role="region" aria-label="Overdue in figures" { table {
                thead { tr { th scope="col" { "As of" } th.number scope="col" { "In force" } th.number scope="col" { "Draft" } } }
                tbody { @for (day, one, other) in days { tr { td.date { (day) } td.number { (number(*one)) } td.number { (number(*other)) } } } }
            } }
        }
    }
}

/// The month that ends at an instant.
fn month(end: Timestamp) -> String {
    let inside = end.checked_sub(jiff::SignedDuration::from_secs(1)).unwrap_or(end);
    inside.to_zoned(TimeZone::UTC).strftime("%b").to_string()
}
