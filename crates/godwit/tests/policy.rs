//! The road is the folder order: a crate may use only crates before it. And what comes from outside has a licence
//! that we allow and comes from the registry.

#![allow(missing_docs, reason = "tests")]

use std::{collections::BTreeMap, process::Command};

use serde_json::Value;

/// Who may use whom; nothing else. Dev-dependencies may also use the testkit.
const MAY_USE: &[(&str, &[&str])] = &[
    ("packet", &[]),
    ("flow", &[]),
    ("feed", &["flow"]),
    ("simulator", &["packet", "flow"]),
    ("pipeline", &["packet"]),
    ("store", &["packet", "pipeline"]),
    ("live", &["flow", "packet", "pipeline"]),
    ("web", &["flow", "packet", "pipeline", "store", "live"]),
    ("godwit", &["packet", "flow", "feed", "simulator", "pipeline", "store", "live", "web"]),
    ("testkit", &[]),
];

/// Licences that let everybody use, change and pass on the program; the last is that of the list of root certificates.
const LICENCES: &[&str] = &[
    "MIT",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Unicode-3.0",
    "Zlib",
    "CC0-1.0",
    "0BSD",
    "Unlicense",
    "BSL-1.0",
    "CDLA-Permissive-2.0",
];

fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--manifest-path"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml"))
        .output()
        .expect("cargo metadata");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn list<'a>(value: &'a Value, field: &str) -> impl Iterator<Item = &'a Value> {
    value[field].as_array().into_iter().flatten()
}

fn short(name: &str) -> &str {
    name.strip_prefix("godwit-").unwrap_or(name)
}

#[test]
fn crates_use_only_crates_before_them() {
    let metadata = metadata();
    let rules: BTreeMap<&str, &[&str]> = MAY_USE.iter().copied().collect();
    let mut seen = 0;
    for package in list(&metadata, "packages").filter(|package| package["source"].is_null()) {
        let name = short(package["name"].as_str().expect("name"));
        let allowed = rules.get(name).unwrap_or_else(|| panic!("crate {name} has no rule in MAY_USE"));
        seen += 1;
        for dependency in list(package, "dependencies").filter(|dependency| !dependency["path"].is_null()) {
            let used = short(dependency["name"].as_str().expect("name"));
            let for_tests = dependency["kind"] == "dev" && (used == "testkit" || rules.contains_key(used));
            assert!(allowed.contains(&used) || for_tests, "{name} must not use {used}");
        }
    }
    assert_eq!(seen, MAY_USE.len());
}

#[test]
fn dependencies_have_licences_we_allow_and_come_from_the_registry() {
    let metadata = metadata();
    let allowed = |expression: &str| {
        // SPDX: every AND part needs one allowed OR choice. `/` is the old spelling of OR.
        expression
            .replace('/', " OR ")
            .replace(['(', ')'], "")
            .split(" AND ")
            .all(|part| part.split(" OR ").any(|choice| LICENCES.contains(&choice.split(" WITH ").next().unwrap_or_default().trim())))
    };
    assert!(allowed("MIT OR GPL-3.0") && allowed("(MIT OR Apache-2.0) AND Unicode-3.0") && !allowed("MIT AND GPL-3.0"));
    for package in list(&metadata, "packages").filter(|package| !package["source"].is_null()) {
        let name = &package["name"];
        let licence = package["license"].as_str().unwrap_or_default();
        assert!(allowed(licence), "{name}: licence \"{licence}\" is not on the list");
        let source = package["source"].as_str().unwrap_or_default();
        assert!(source.starts_with("registry+"), "{name} comes from {source}");
    }
}

#[test]
fn the_default_build_has_no_way_to_break_tasks_on_purpose() {
    let metadata = metadata();
    let packages: Vec<&Value> = list(&metadata, "packages").filter(|package| package["source"].is_null()).collect();
    for package in packages {
        let default: Vec<&str> = list(&package["features"], "default").filter_map(Value::as_str).collect();
        assert!(!default.iter().any(|feature| feature.contains("faults")), "{}", package["name"]);
        for dependency in list(package, "dependencies") {
            assert!(!list(dependency, "features").any(|feature| feature == "faults"), "{}", package["name"]);
        }
    }
}
