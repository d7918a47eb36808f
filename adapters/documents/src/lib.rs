//! Documents as files: Markdown as HTML, PDF and DOCX.

mod blocks;
mod docx;
mod error;
mod pdf;
mod sheet;
mod table;

use comrak::Options;

pub use docx::docx;
pub use error::Error;
pub use pdf::pdf;
pub use sheet::Sheet;
pub use table::csv;

/// How a page by itself looks, on a screen and on paper.
const STYLE: &str = include_str!("page.css");

/// Markdown (`CommonMark` with tables) as a piece of HTML. Raw HTML in it is shown as text; addresses that could do something are left out.
#[must_use]
pub fn html(markdown: &str) -> String {
    let mut options = Options::default();
    options.extension.table = true;
    options.extension.header_id_prefix = Some(String::new());
    // What is not escaped is left out: the text is somebody's, and the page is ours.
    options.render.r#unsafe = false;
    options.render.escape = true;
    comrak::markdown_to_html(markdown, &options)
}

/// A whole page by itself: nothing in it is fetched from anywhere.
#[must_use]
pub fn page(title: &str, markdown: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n{}</main>\n</body>\n</html>\n",
        text(title),
        html(markdown)
    )
}

/// A text in HTML.
fn text(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
