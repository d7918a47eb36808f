//! The same sheet and text give the same file, and somebody's text stays text in it.
#![allow(clippy::expect_used, reason = "tests")]

use jiff::Timestamp;
use plimsoll_documents::{Error, Sheet, docx, pdf};
use std::io::{Cursor, Read};

const TEXT: &str = "# Policy\n\nEvery *vulnerability* gets **one** class; see [the site](https://example.org/?a=1&b=2), `code` and ✓.\n\n\
    ### Deadlines\n\n| Class | Within | Why |\n| --- | ---: | :-: |\n| Critical | 30 days | `sha256:0123456789abcdef0123456789abcdef` |\n\
    | [High](https://example.org) | 60 days | |\n\n3. three\n4. four\n   - inner\n     1. innermost\n\n> A quote\n>\n> of two\n\n```\ncode\n\tmore\n```\n\n---\n\nLast line.\n";

fn sheet() -> Sheet<'static> {
    let at: Timestamp = "2026-11-01T10:20:30Z".parse().expect("as it should be");
    Sheet { title: "Policy & practice", imprint: "Version sha256:12ab, in force since 2026-11-01", at }
}

fn part(file: &[u8], name: &str) -> String {
    let mut zip = zip::ZipArchive::new(Cursor::new(file)).expect("as it should be");
    let mut text = String::new();
    zip.by_name(name).expect("as it should be").read_to_string(&mut text).expect("as it should be");
    text
}

fn has(file: &[u8], text: &str) -> bool {
    file.windows(text.len()).any(|window| window == text.as_bytes())
}

fn hostile() -> Vec<String> {
    vec![
        "#eval(\"1\") #panic() $x$ @ref <label> \\ \" ] } ``` #import \"@preview/x:1.0.0\"".to_owned(),
        "a\0b \u{202e}evil\u{202c} \u{7} \u{fffe} \u{e000} 中文 🙂 e\u{301} \u{200b}x".to_owned(),
        "> ".repeat(5000) + "deep",
        (0..200).map(|depth| " ".repeat(depth * 2) + "- x\n").collect(),
        "*".repeat(3000) + "x" + &"*".repeat(3000),
        "[".repeat(3000) + "x",
        format!("|{}\n|{}\n|{}\n", "a|".repeat(400), "-|".repeat(400), "b|".repeat(400)),
        "| a |\n| --- |\n".to_owned() + &"| x |\n".repeat(2000),
        "x".repeat(20_000),
        "`".to_owned() + &"x".repeat(2000) + "`",
        "# \n\n###### six\n\n# one\n\n> # in a quote\n\n- # in a list\n".to_owned(),
        "[x](javascript:alert(1)) [y](https://a\"b<c>/) ![z](http://example.org/i.png) <script>alert(1)</script>"
            .to_owned(),
        "<div>\n<b>html</b>\n</div>\n\n<w:p/>]]>&amp;".to_owned(),
        "| [a](https://example.org) |\n| --- |\n".to_owned() + &"| [b](https://example.org) |\n".repeat(200),
        "-\n-\n  | a |\n  | --- |\n  | b |\n\n1000000000. x\n\n0. y\n".to_owned(),
        "שלום **мир** *Ελλάδα* `→`".to_owned(),
        String::new(),
    ]
}

#[test]
fn a_pdf_is_tagged_and_for_the_archive() {
    let made = pdf(&sheet(), TEXT).expect("as it should be");
    assert!(made.starts_with(b"%PDF-1.7"));
    // The properties are never packed in a PDF for the archive.
    for sign in
        ["<pdfaid:part>2<", "<pdfaid:conformance>A<", "<pdfuaid:part>1<", "/StructTreeRoot", "2026-11-01T10:20:30"]
    {
        assert!(has(&made, sign), "{sign}");
    }
    assert!(has(&made, "Policy &amp; practice"));
}

#[test]
fn a_docx_has_the_things_of_word() {
    let made = docx(&sheet(), TEXT).expect("as it should be");
    let document = part(&made, "word/document.xml");
    for sign in [
        "<w:pStyle w:val=\"Title\"/>",
        "<w:pStyle w:val=\"Heading1\"/>",
        "<w:pStyle w:val=\"Heading2\"/>",
        "<w:cantSplit/><w:tblHeader/>",
        "<w:numPr><w:ilvl w:val=\"2\"/><w:numId w:val=\"3\"/></w:numPr>",
        "<w:hyperlink r:id=\"link1\" w:history=\"1\"><w:r><w:rPr><w:rStyle w:val=\"Hyperlink\"/>",
        "<w:pgSz w:w=\"11906\" w:h=\"16838\"/>",
    ] {
        assert!(document.contains(sign), "{sign}: {document}");
    }
    assert_eq!(document.matches("<w:tblHeader/>").count(), 1);
    let relations = part(&made, "word/_rels/document.xml.rels");
    assert!(relations.contains("Target=\"https://example.org/?a=1&amp;b=2\" TargetMode=\"External\""), "{relations}");
    let numbering = part(&made, "word/numbering.xml");
    assert!(numbering.contains("<w:lvlOverride w:ilvl=\"0\"><w:startOverride w:val=\"3\"/>"), "{numbering}");
    let properties = part(&made, "docProps/core.xml");
    for sign in ["<dc:title>Policy &amp; practice</dc:title>", ">2026-11-01T10:20:30Z<", "<dc:language>en-GB<"] {
        assert!(properties.contains(sign), "{sign}: {properties}");
    }
    assert!(part(&made, "word/header1.xml").contains("Policy &amp; practice"));
    assert!(part(&made, "word/footer1.xml").contains("NUMPAGES"));
}

#[test]
fn every_name_in_a_docx_is_known() {
    for text in hostile().into_iter().chain([TEXT.to_owned()]) {
        let made = docx(&sheet(), &text).expect("as it should be");
        let document = part(&made, "word/document.xml");
        for (before, name, known) in [
            ("<w:pStyle w:val=", "w:styleId=", "word/styles.xml"),
            ("<w:rStyle w:val=", "w:styleId=", "word/styles.xml"),
            ("<w:tblStyle w:val=", "w:styleId=", "word/styles.xml"),
            ("<w:numId w:val=", "w:numId=", "word/numbering.xml"),
            ("r:id=", " Id=", "word/_rels/document.xml.rels"),
        ] {
            let known = part(&made, known);
            for named in document.split(before).skip(1).filter_map(|rest| rest.split('"').nth(1)) {
                assert!(known.contains(&format!("{name}\"{named}\"")), "{before}{named}");
            }
        }
    }
}

#[test]
fn every_part_of_a_docx_is_there_and_has_a_kind() {
    let made = docx(&sheet(), TEXT).expect("as it should be");
    let zip = zip::ZipArchive::new(Cursor::new(&made)).expect("as it should be");
    let names = zip.file_names().map(|name| name.expect("as it should be").into_owned());
    let kinds = part(&made, "[Content_Types].xml");
    let names: Vec<String> = names.filter(|name| !name.ends_with(".rels") && !name.starts_with('[')).collect();
    assert_eq!(kinds.matches("PartName=").count(), names.len());
    for name in names {
        assert!(kinds.contains(&format!("PartName=\"/{name}\"")), "{name}");
    }
}

#[test]
fn a_list_that_word_cannot_count_has_its_numbers_written() {
    let made = docx(&sheet(), "999999999. x\n1. y\n\ntext\n\n32766. z\n").expect("as it should be");
    let document = part(&made, "word/document.xml");
    assert!(document.contains(">999999999.</w:t><w:tab/>") && document.contains(">1000000000.</w:t>"), "{document}");
    assert!(part(&made, "word/numbering.xml").contains("<w:startOverride w:val=\"32766\"/>"));
}

#[test]
fn the_same_text_gives_the_same_bytes() {
    let (first_pdf, first_docx) =
        (pdf(&sheet(), TEXT).expect("as it should be"), docx(&sheet(), TEXT).expect("as it should be"));
    let other = std::thread::spawn(|| {
        (pdf(&sheet(), TEXT).expect("as it should be"), docx(&sheet(), TEXT).expect("as it should be"))
    })
    .join()
    .expect("as it should be");
    let again = (pdf(&sheet(), TEXT).expect("as it should be"), docx(&sheet(), TEXT).expect("as it should be"));
    assert!(first_pdf == other.0 && first_pdf == again.0);
    assert!(first_docx == other.1 && first_docx == again.1);
}

#[test]
fn hostile_text_is_text_in_a_pdf() {
    for text in hostile() {
        let made = pdf(&sheet(), &text)
            .unwrap_or_else(|error| panic!("{error}: {}", text.chars().take(80).collect::<String>()));
        assert!(!has(&made, "/JavaScript") && !has(&made, "javascript:") && !has(&made, "/Launch"), "{text}");
    }
    let odd = Sheet { title: "]#panic(\"x\")[ \u{202e}\n", imprint: "", at: sheet().at };
    pdf(&odd, "x").expect("as it should be");
    pdf(&Sheet { title: " ", ..odd }, "x").expect("as it should be");
}

#[test]
fn hostile_text_is_text_in_a_docx() {
    for text in hostile() {
        let made = docx(&sheet(), &text).expect("as it should be");
        let document = part(&made, "word/document.xml");
        let is_allowed =
            |sign: char| matches!(sign, '\t' | '\n' | '\r' | ' '..) && !matches!(sign, '\u{fffe}' | '\u{ffff}');
        assert!(document.chars().all(is_allowed), "{text}");
        assert!(
            !document.contains("<script") && !part(&made, "word/_rels/document.xml.rels").contains("javascript"),
            "{document}"
        );
    }
    let made = docx(&sheet(), "\u{202e}a <w:tblHeader/> &lt;w:tbl&gt;").expect("as it should be");
    let document = part(&made, "word/document.xml");
    assert!(
        document.contains("[U+202E]a &lt;w:tblHeader/&gt; &lt;w:tbl&gt;") && !document.contains("<w:tbl"),
        "{document}"
    );
}

#[test]
fn a_text_without_end_is_refused() {
    let text = "x ".repeat(2 * 1024 * 1024);
    assert!(matches!(pdf(&sheet(), &text), Err(Error::TooLong { .. })));
    assert!(matches!(docx(&sheet(), &text), Err(Error::TooLong { .. })));
}

#[test]
fn a_year_that_no_file_can_name_is_refused() {
    let before = Sheet { at: "-000001-01-01T00:00:00Z".parse().expect("as it should be"), ..sheet() };
    assert!(matches!(pdf(&before, "x"), Err(Error::Date(_))));
    assert!(matches!(docx(&before, "x"), Err(Error::Date(_))));
}
