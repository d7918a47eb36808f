//! What is somebody's text stays text, whatever it looks like.

use plimsoll_documents::{html, page};

#[test]
fn tables_and_headings_become_html() {
    let made = html("# Deadlines\n\n| Class | Within |\n| --- | --- |\n| Critical | 30 days |\n");
    assert!(made.contains("<table>") && made.contains("<td>30 days</td>") && made.contains("Deadlines"), "{made}");
}

#[test]
fn nothing_in_a_text_is_markup_or_acts() {
    let hostile = [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "![x](javascript:alert(1))",
        "<a href=\"javascript:alert(1)\">x</a>",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "| a |\n| --- |\n| <svg/onload=alert(1)> |\n",
        "<style>body{display:none}</style>",
        "<!-- --><iframe src=//evil></iframe>",
        "[x](vbscript:x)",
    ];
    for text in hostile {
        let made = html(text).to_lowercase();
        for sign in [
            "<script",
            "<img src=x",
            "<svg",
            "<style",
            "<iframe",
            "href=\"javascript:",
            "src=\"javascript:",
            "href=\"data:",
            "href=\"vbscript:",
        ] {
            assert!(!made.contains(sign), "{text}: {made}");
        }
    }
    let whole = page("</title><script>", "x");
    assert!(!whole.contains("<script"), "{whole}");
}
