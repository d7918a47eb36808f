//! The schema that editors complete from names what the reader knows, and nothing else.
#![allow(clippy::expect_used, reason = "tests")]

use plimsoll_policy::{PRESETS, PROFILES, Policy, SCHEMA};
use serde_json::Value;
use std::collections::BTreeSet;

fn schema() -> Value {
    serde_json::from_str(SCHEMA).expect("JSON")
}

/// The keys of an object of the schema.
fn keys(object: &Value) -> BTreeSet<String> {
    object["properties"].as_object().expect("an object").keys().cloned().collect()
}

/// The keys that the reader would have taken in a place where it met one that it does not know.
fn expected(text: &str) -> BTreeSet<String> {
    let error = Policy::parse(text).expect_err("a key that nothing knows").to_string();
    let (_, list) = error.split_once("expected ").unwrap_or_else(|| panic!("{text}: {error}"));
    list.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn every_section_has_the_keys_that_the_reader_knows() {
    let schema = schema();
    let root = &schema["properties"];
    let sections: Vec<(&str, &Value)> = vec![
        ("zzz = 1", &schema),
        ("[missing]\nzzz = 1", &root["missing"]),
        ("[[class]]\nzzz = 1", &root["class"]["items"]),
        ("[[class]]\nwhen = { zzz = 1 }", &schema["$defs"]["condition"]),
        ("[[scope.rule]]\nzzz = 1", &root["scope"]["properties"]["rule"]["items"]),
        ("[scope]\nzzz = 1", &root["scope"]),
        ("[[definition]]\nzzz = 1", &root["definition"]["items"]),
        ("[[role]]\nzzz = 1", &root["role"]["items"]),
        ("[scanning]\nzzz = 1", &root["scanning"]),
        ("[testing]\nzzz = 1", &root["testing"]),
        ("[[gate]]\nzzz = 1", &root["gate"]["items"]),
        ("[deployment]\nzzz = 1", &root["deployment"]),
        ("[deployment.automatic]\nzzz = 1", &root["deployment"]["properties"]["automatic"]),
        ("[deployment.reboot]\nzzz = 1", &root["deployment"]["properties"]["reboot"]),
        ("[deployment.notice]\nzzz = 1", &root["deployment"]["properties"]["notice"]),
        ("[[ring]]\nzzz = 1", &root["ring"]["items"]),
        ("[[window]]\nzzz = 1", &root["window"]["items"]),
        ("[[freeze]]\nzzz = 1", &root["freeze"]["items"]),
        ("[emergency]\nzzz = 1", &root["emergency"]),
        ("[[emergency.owes]]\nzzz = 1", &root["emergency"]["properties"]["owes"]["items"]),
        ("[[record]]\nzzz = 1", &root["record"]["items"]),
        ("[[measure]]\nzzz = 1", &root["measure"]["items"]),
        ("[alerts]\nzzz = 1", &root["alerts"]),
        ("[[response]]\nzzz = 1", &root["response"]["items"]),
        ("[review]\nzzz = 1", &root["review"]),
        ("[exceptions]\nzzz = 1", &root["exceptions"]),
        ("[vendors]\nzzz = 1", &root["vendors"]),
        ("[[training]]\nzzz = 1", &root["training"]["items"]),
        ("[acknowledgement]\nzzz = 1", &root["acknowledgement"]),
    ];
    for (text, object) in sections {
        assert_eq!(keys(object), expected(text), "{text}");
    }
}

/// Whether a value has only keys, words and types that the schema allows.
fn allows(schema: &Value, whole: &Value, value: &Value, place: &str) {
    let schema = match schema["$ref"].as_str() {
        Some(name) => &whole["$defs"][name.rsplit('/').next().unwrap_or_default()],
        None => schema,
    };
    if let Some(words) = schema["enum"].as_array() {
        assert!(words.contains(value), "{place}: {value} is none of {words:?}");
    }
    match (schema["type"].as_str(), value) {
        (Some("object"), Value::Object(map)) => {
            for key in schema["required"].as_array().into_iter().flatten() {
                assert!(map.contains_key(key.as_str().unwrap_or_default()), "{place}: {key} is missing");
            }
            for (key, value) in map {
                let known = schema["properties"].get(key).unwrap_or(&schema["additionalProperties"]);
                assert!(known.is_object(), "{place}: {key}");
                allows(known, whole, value, &format!("{place}.{key}"));
            }
        }
        (Some("array"), Value::Array(all)) => all.iter().for_each(|one| allows(&schema["items"], whole, one, place)),
        (Some("string"), Value::String(_)) | (Some("boolean"), Value::Bool(_)) | (None, _) => {}
        (Some("number" | "integer"), Value::Number(_)) => {}
        (wanted, value) => panic!("{place}: {value} is no {wanted:?}"),
    }
}

#[test]
fn every_policy_that_ships_is_one_that_the_schema_allows() {
    let schema = schema();
    let profiles = PROFILES.iter().map(|profile| profile.whole().expect("it is written"));
    for text in profiles.chain(PRESETS.iter().map(|preset| preset.text.to_owned())) {
        let value: toml::Table = toml::from_str(&text).expect("TOML");
        allows(&schema, &schema, &serde_json::to_value(value).expect("JSON"), "policy");
    }
}
