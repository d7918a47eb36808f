//! Notes, keys and checkpoints against published examples.
#![allow(clippy::expect_used, reason = "tests")]

mod memory;

use plimsoll_ledger::{Checkpoint, Entry, KeyKind, Note, Signer, Verifier};

/// The example of golang.org/x/mod/sumdb/note, which signed notes come from.
const PETER: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const PETERS_SECRET: &str = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
const PETERS_TEXT: &str =
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
const PETERS_SIGNATURE: &str =
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

/// The checkpoint with a witness's cosignature that C2SP tlog-cosignature shows.
const COSIGNED: &str = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\
— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n\
— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n";

#[test]
fn a_published_note_is_signed_and_verified_byte_by_byte() {
    let signer = Signer::parse(PETERS_SECRET).expect("a key");
    let note = Note::sign(PETERS_TEXT, &[&signer]).expect("signed");
    let published = format!("{PETERS_TEXT}\n{PETERS_SIGNATURE}");
    assert_eq!(note.to_string(), published);
    assert_eq!(signer.secret_text(), PETERS_SECRET);
    assert!(!format!("{signer:?}").contains("AYEKFALVFGy"), "a secret must not be shown");
    let key = Verifier::parse(PETER).expect("a key");
    assert_eq!((key.to_string().as_str(), &signer.verifier()), (PETER, &key));
    let read = Note::parse(published.as_bytes()).expect("a note");
    assert_eq!(read.verify(std::slice::from_ref(&key)).expect("verified"), [(&key, None)]);
    // Another text, another key, and nobody.
    let other = Note { text: PETERS_TEXT.replace("answer", "question"), ..read.clone() };
    assert!(other.verify(std::slice::from_ref(&key)).is_err());
    assert!(read.verify(&[memory::signer(1).verifier()]).is_err() && read.verify(&[]).is_err());
}

#[test]
fn published_keys_are_read_and_written_back() {
    for (text, kind) in [
        ("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", KeyKind::Note),
        ("EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop", KeyKind::Note),
        ("TEST+7997405c+AQcC+FTVKf0jlTdHDY3rbevmnKxxPjigCXlVtGe6RIr6", KeyKind::Note),
        ("remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2", KeyKind::Cosignature),
    ] {
        let key = Verifier::parse(text).expect("a key");
        assert_eq!((key.to_string().as_str(), key.kind), (text, kind));
    }
    for wrong in [
        "example.com/foo",
        "example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530D903A+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "a b+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903a+Aeky",
    ] {
        assert!(Verifier::parse(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn the_published_checkpoint_reads_and_is_written_back() {
    let note = Note::parse(COSIGNED.as_bytes()).expect("a note");
    assert_eq!(note.to_string(), COSIGNED);
    let checkpoint = Checkpoint::parse(&note.text).expect("a checkpoint");
    assert_eq!((checkpoint.origin.as_str(), checkpoint.size), ("example.com/behind-the-sofa", 20_852_163));
    assert_eq!(checkpoint.to_string(), note.text);
    let names: Vec<&str> = note.signatures.iter().map(|signature| signature.name.as_str()).collect();
    assert_eq!(names, ["example.com/behind-the-sofa", "witness.example.com/w1"]);
    // The instant that the specification's message shows: `time 1679315147`.
    assert_eq!(note.signatures[1].bytes[..8], 1_679_315_147_u64.to_be_bytes());
    for wrong in ["", "o\n1\n", "o\n01\nAAAA\n", "o\n-1\nAAAA\n", "\n1\nAAAA\n", "o\n1\nAAAA\n"] {
        assert!(Checkpoint::parse(wrong).is_err(), "{wrong:?}");
    }
    assert!(Checkpoint::parse(&format!("{}\n", checkpoint)).is_err(), "an empty extension line");
}

#[test]
fn witnesses_sign_with_an_instant() {
    let witness = Signer::from_seed("witness.example.com/w", KeyKind::Cosignature, &[9; 32]).expect("a key");
    let at = "2026-11-24T12:00:00Z".parse().expect("an instant");
    let log = memory::signer(1);
    let mut note = Note::parse(&memory::Memory::of(3, 1).checkpoint(&[&log])).expect("a note");
    note.cosign(&witness, at).expect("cosigned");
    let known = [log.verifier(), witness.verifier()];
    let note = Note::parse(note.to_string().as_bytes()).expect("read back");
    assert_eq!(note.verify(&known).expect("verified"), [(&known[0], None), (&known[1], Some(at))]);
    let mut later = note.clone();
    later.signatures[1].bytes[7] ^= 1;
    assert!(later.verify(&known).is_err(), "the instant is signed too");
    assert!(Note::sign("x\n", &[&witness]).is_err() && later.cosign(&log, at).is_err());
}

#[test]
fn what_is_no_note_is_refused() {
    for wrong in [
        "text\n",
        "text\n\nsignature\n",
        "text\n\n— name\n",
        "text\n\n— name AAAA\n",
        "text\n\n— na+me AAAAAAA=\n",
        "te\txt\n\n— name AAAAAAA=\n",
        "text\n\n— name AAAAAAA=",
    ] {
        assert!(Note::parse(wrong.as_bytes()).is_err(), "{wrong:?}");
    }
    assert!(Note::parse("text\n\n— name AAAAAAA=\n".as_bytes()).is_ok());
    assert!(Note::parse(format!("text\n\n{}", "— name AAAAAAA=\n".repeat(101)).as_bytes()).is_err());
}

#[test]
fn an_entry_has_one_form() {
    let entry = memory::entry(7);
    let bytes = entry.canonical().expect("canonical");
    let text = String::from_utf8(bytes.clone()).expect("text");
    let expected = r#"{"actor":"system","at":"2026-09-21T14:13:27Z","body":{"n":7},"kind":"asset/registered","subject":"asset-7","version":1}"#;
    assert_eq!(text, expected);
    assert_eq!(Entry::parse(&bytes).expect("read"), entry);
    for other in [
        text.replace(':', ": "),
        text.replace("\"version\":1", "\"version\":2"),
        text.replace("\"n\":7", "\"n\":7.0"),
        text.replace("2026-09-21T14:13:27Z", "2026-09-21T14:13:27.000Z"),
        text.replace("\"version\"", "\"more\":1,\"version\""),
        format!("{text} "),
    ] {
        assert!(Entry::parse(other.as_bytes()).is_err(), "{other}");
    }
    let large = Entry { body: serde_json::json!("x".repeat(70_000)), ..entry };
    assert!(large.canonical().is_err());
}

/// Every reader of bytes, fed with changed ones: an answer or an error, never a panic; what reads is written back as it was.
#[test]
fn fuzz_notes_keys_and_entries() {
    let seeds = [
        COSIGNED.as_bytes().to_vec(),
        memory::Memory::of(3, 1).checkpoint(&[&memory::signer(1)]),
        PETER.as_bytes().to_vec(),
        PETERS_SECRET.as_bytes().to_vec(),
        memory::entry(1).canonical().expect("canonical"),
    ];
    testkit::fuzz::run(&seeds, |input| {
        if let Ok(note) = Note::parse(input) {
            assert_eq!(note.to_string().as_bytes(), input);
            if let Ok(checkpoint) = Checkpoint::parse(&note.text) {
                assert_eq!(checkpoint.to_string(), note.text);
            }
        }
        if let Ok(entry) = Entry::parse(input) {
            assert_eq!(entry.canonical().expect("canonical"), input);
        }
        if let Ok(text) = std::str::from_utf8(input) {
            let _ = Verifier::parse(text).map(|key| key.to_string());
            let _ = Signer::parse(text).map(|key| key.secret_text());
        }
    });
}
