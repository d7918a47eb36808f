//! An entry has one form: what is read is what the library would write, whichever way it was looked at.
#![allow(clippy::expect_used, reason = "tests")]

use jiff::Timestamp;
use plimsoll_ledger::Entry;
use proptest::prelude::*;
use serde_json::Value;

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(|number| Value::from(number % (1 << 53))),
        (-1_000_i64..1_000).prop_map(Value::from),
        (-1e9_f64..1e9).prop_map(Value::from),
        "[a-zé\"\\\\\n\u{1F600}]{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-c\u{E000}\u{1F600}]{0,3}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Whether bytes are an entry in its one form, the long way.
fn is_entry(bytes: &[u8]) -> bool {
    let entry: Option<Entry> = serde_json::from_slice(bytes).ok();
    entry.is_some_and(|entry| entry.version == 1 && entry.canonical().is_ok_and(|written| written == bytes))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn an_entry_is_read_in_its_one_form_alone(
        seconds in 0_i64..4_000_000_000,
        nanoseconds in prop_oneof![Just(0), Just(1_000_000), 0_i32..1_000_000_000],
        actor in "[a-z\"é]{1,4}",
        body in value(),
        (place, byte) in (any::<prop::sample::Index>(), prop_oneof![Just(b' '), Just(b'0'), Just(b'"'), any::<u8>()]),
    ) {
        let at = Timestamp::new(seconds, nanoseconds).expect("an instant");
        let written = Entry::new(at, &actor, "asset/registered", "web-1", body).canonical().expect("it is written");
        prop_assert!(Entry::parse(&written).is_ok());
        let mut changed = written.clone();
        changed[place.index(written.len())] = byte;
        let mut longer = written;
        longer.insert(place.index(longer.len()), byte);
        for other in [changed, longer] {
            prop_assert_eq!(Entry::parse(&other).is_ok(), is_entry(&other), "{}", String::from_utf8_lossy(&other));
        }
    }
}

#[test]
fn other_ways_to_write_the_same_are_refused() {
    let written = r#"{"actor":"ada","at":"2026-01-01T00:00:00Z","body":{"a":1,"at":"2026-01-01T00:00:00Z"},"kind":"k","subject":"s","version":1}"#;
    assert!(Entry::parse(written.as_bytes()).is_ok());
    let others = [
        ("00Z\",\"body", "00.000Z\",\"body"),
        ("00Z\",\"body", "00+00:00\",\"body"),
        ("\"a\":1", "\"a\":1.0"),
        ("\"a\":1", "\"a\":10e-1"),
        ("\"a\":1,", "\"a\": 1,"),
        ("{\"a\":1,\"at\":\"2026-01-01T00:00:00Z\"}", "{\"$serde_json::private::RawValue\":\"[1.0,2]\"}"),
        ("\"a\":1", "\"a\":{\"$serde_json::private::RawValue\":\"1\"}"),
        ("\"k\"", "\"\\u006b\""),
        ("\"version\":1", "\"version\":1 "),
    ];
    for (own, other) in others {
        let text = written.replacen(own, other, 1);
        assert_ne!(text, written, "{own}");
        assert!(Entry::parse(text.as_bytes()).is_err(), "{text}");
    }
}
