//! What is published under version 1 is only added to: whoever wrote by it yesterday writes by it today.
//!
//! `published/` holds each schema as it was first frozen. The present one may have more (optional elements, further
//! words of a list that we send, documentation); an element, attribute, property or word that goes away, one that becomes
//! required, and a type whose rule changes fail here. An intended break makes a new namespace (v2) instead.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test stops where it fails"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// Every published schema of the tax exchange.
const PUBLISHED: [&str; 8] = [
    "xsd/tax/v1/tax.xsd",
    "xsd/taxpayer/v1/taxpayer.xsd",
    "xsd/tax-records/v1/records.xsd",
    "json/tax/v1/tax.schema.json",
    "json/taxpayer/v1/taxpayer.schema.json",
    "json/tax-records/v1/finding.schema.json",
    "json/tax-records/v1/manifest.schema.json",
    "json/tax-records/v1/records.schema.json",
];

fn here() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn frozen(schema: &str) -> PathBuf {
    here()
        .join("tests/published")
        .join(schema.replace('/', "-"))
}

/// What a schema demands, by a name for each demand: gone or changed is a break, more is none unless it is required.
fn demands(path: &Path, text: &str) -> BTreeMap<String, String> {
    match path.extension().and_then(|end| end.to_str()) {
        Some("json") => of_json(text),
        _ => of_xsd(text),
    }
}

/// Each element, attribute, facet and word below its named type, with its attributes.
fn of_xsd(text: &str) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    let mut around: Vec<String> = Vec::new();
    let plain = without(text, "<!--", "-->");
    let plain = without(&plain, "<xs:annotation>", "</xs:annotation>");
    for tag in plain.split('<').skip(1) {
        let (tag, _) = tag.split_once('>').unwrap();
        if tag.starts_with(['?', '!']) {
            continue;
        }
        if tag.starts_with('/') {
            around.pop();
            continue;
        }
        let (alone, tag) = match tag.strip_suffix('/') {
            Some(tag) => (true, tag),
            None => (false, tag),
        };
        let name = tag.split_whitespace().next().unwrap();
        let attributes: BTreeMap<&str, &str> = tag
            .split("=\"")
            .collect::<Vec<_>>()
            .windows(2)
            .filter_map(|pair| {
                let key = pair[0].rsplit(char::is_whitespace).next()?;
                Some((key, pair[1].split('"').next()?))
            })
            .collect();
        let own = ["name", "value", "xpath", "ref"];
        let own = own.iter().find_map(|key| attributes.get(key)).copied();
        let step = match (name, own) {
            // words and elements are known by themselves, a pattern by its place
            ("xs:pattern" | "xs:sequence" | "xs:choice" | "xs:restriction", _) | (_, None) => {
                name.to_owned()
            }
            (_, Some(own)) => format!("{name} {own}"),
        };
        let path = format!("{}/{step}", around.join("/"));
        all.insert(path, format!("{attributes:?}"));
        if !alone {
            around.push(step);
        }
    }
    all
}

fn without(text: &str, from: &str, to: &str) -> String {
    let mut parts = text.split(from);
    let mut out = parts.next().unwrap_or_default().to_owned();
    out.extend(parts.map(|part| part.split_once(to).map_or("", |(_, rest)| rest)));
    out
}

/// Each keyword by its place; words of an `enum` and names of `required` one by one.
fn of_json(text: &str) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    walk(&serde_json::from_str(text).unwrap(), "", &mut all);
    all
}

fn walk(value: &Value, path: &str, all: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                if !["description", "title", "$comment", "examples"].contains(&key.as_str()) {
                    walk(value, &format!("{path}/{key}"), all);
                }
            }
        }
        Value::Array(items) if path.ends_with("/enum") || path.ends_with("/required") => {
            for item in items {
                all.insert(format!("{path} {item}"), String::new());
            }
        }
        Value::Array(items) => {
            for item in items {
                // alternatives are known by what they name, not by their number
                let key = item.get("$ref").or_else(|| item.get("required"));
                let key = key
                    .map(Value::to_string)
                    .unwrap_or_else(|| item.to_string());
                walk(item, &format!("{path}[{key}]"), all);
            }
        }
        other => {
            all.insert(path.to_owned(), other.to_string());
        }
    }
}

/// What of the present schema breaks whoever keeps to the frozen one.
fn breaks(before: &BTreeMap<String, String>, now: &BTreeMap<String, String>) -> Vec<String> {
    let mut breaks = Vec::new();
    for (place, demand) in before {
        match now.get(place) {
            None => breaks.push(format!("gone: {place}")),
            Some(other) if other != demand => {
                breaks.push(format!("changed: {place}: {demand} -> {other}"));
            }
            Some(_) => {}
        }
    }
    for place in now.keys().filter(|place| !before.contains_key(*place)) {
        // a new required member of something that was there before
        if let Some((object, _)) = place.split_once("/required ")
            && before
                .keys()
                .any(|known| known.starts_with(&format!("{object}/")))
        {
            breaks.push(format!("required now: {place}"));
        }
        if let Some((parent, element)) = place.rsplit_once("/xs:element ") {
            let known = before.contains_key(parent);
            let in_a_choice = parent.ends_with("xs:choice");
            let optional = now[place].contains("\"minOccurs\": \"0\"");
            let below_optional = now
                .get(parent)
                .is_some_and(|of| of.contains("\"minOccurs\": \"0\""));
            if known && !in_a_choice && !optional && !below_optional {
                breaks.push(format!("required now: {element} in {parent}"));
            }
        }
    }
    breaks
}

#[test]
fn what_is_published_is_only_added_to() {
    for schema in PUBLISHED {
        let path = here().join(schema);
        let now = fs::read_to_string(&path).unwrap();
        let before = fs::read_to_string(frozen(schema)).unwrap();
        let (before, now) = (demands(&path, &before), demands(&path, &now));
        assert!(before.len() > 20, "{schema}: only {} demands", before.len());
        assert_eq!(breaks(&before, &now), Vec::<String>::new(), "{schema}");
    }
}

#[test]
fn every_kind_of_break_is_seen() {
    let before = fs::read_to_string(frozen("xsd/taxpayer/v1/taxpayer.xsd")).unwrap();
    let path = Path::new("taxpayer.xsd");
    for (from, to, told) in [
        // a word goes away
        ("<xs:enumeration value=\"test\"/>", "", "gone"),
        // an element goes away, or becomes another
        (
            "<xs:element name=\"Since\" type=\"DayType\"",
            "<xs:element name=\"From\" type=\"DayType\"",
            "gone",
        ),
        // an optional element becomes required
        (
            "<xs:element name=\"Headcount\" type=\"CountType\" minOccurs=\"0\">",
            "<xs:element name=\"Headcount\" type=\"CountType\">",
            "changed",
        ),
        // a shape becomes narrower
        (
            "[0-9]{4}-[0-9]{2}-[0-9]{2}\"",
            "20[0-9]{2}-[0-9]{2}-[0-9]{2}\"",
            "changed",
        ),
        // something new is demanded
        (
            "<xs:element name=\"Since\"",
            "<xs:element name=\"More\" type=\"DayType\"/><xs:element name=\"Since\"",
            "required now",
        ),
    ] {
        let bent = before.replacen(from, to, 1);
        assert_ne!(bent, before, "{from}");
        let found = breaks(&demands(path, &before), &demands(path, &bent));
        assert!(
            found.iter().any(|one| one.starts_with(told)),
            "{from}: {found:?}"
        );
    }
    let more = before.replacen(
        "<xs:enumeration value=\"test\"/>",
        "<xs:enumeration value=\"test\"/><xs:enumeration value=\"other\"/>",
        1,
    );
    assert_eq!(
        breaks(&demands(path, &before), &demands(path, &more)),
        Vec::<String>::new()
    );

    let before = fs::read_to_string(frozen("json/tax-records/v1/manifest.schema.json")).unwrap();
    let path = Path::new("manifest.json");
    let mut bent: Value = serde_json::from_str(&before).unwrap();
    let required = bent["required"].as_array_mut().unwrap();
    required.push(Value::from("more"));
    let found = breaks(&demands(path, &before), &demands(path, &bent.to_string()));
    assert!(
        found.iter().any(|one| one.starts_with("required now")),
        "{found:?}"
    );
    bent["properties"]
        .as_object_mut()
        .unwrap()
        .remove("kind")
        .unwrap();
    let found = breaks(&demands(path, &before), &demands(path, &bent.to_string()));
    assert!(found.iter().any(|one| one.starts_with("gone")), "{found:?}");
}
