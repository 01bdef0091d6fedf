use std::collections::BTreeSet;

use proptest::prelude::*;

use super::super::tests::verify;
use super::super::{Body, FIELDS, Message};
use super::*;

const ASK: &str = r#"{"VerifyEmployer":{"Mst":"9900000016","Period":"2026-10","Fields":["fund","arrears"],"Purpose":"tax-audit"}}"#;

fn refusal(text: &str) -> (&'static str, &'static str) {
    match decode_request(text.as_bytes()).unwrap_err() {
        BodyError::Wire(error) => (error.field, error.reason),
        BodyError::Json(error) => ("", error.code()),
    }
}

#[test]
fn members_stand_in_any_order_and_mean_the_same() {
    let one = decode_request(ASK.as_bytes()).unwrap();
    let other = r#"{"VerifyEmployer":{"Purpose":"tax-audit","Fields":["arrears","fund"],"Period":"2026-10","Mst":"9900000016"}}"#;
    assert_eq!(decode_request(other.as_bytes()).unwrap(), one);
}

#[test]
fn each_wrong_body_is_refused_by_the_name_and_reason_that_xml_gives() {
    let cases = [
        ("9900000016", "9900000017", "Mst", "mst-check-digit"),
        ("2026-10", "1994-12", "Period", "period-before-1995"),
        ("\"arrears\"", "\"fund\"", "Field", "field-twice"),
        ("tax-audit", "Tax audit", "Purpose", "purpose"),
        (
            "\"Period\":\"2026-10\",",
            "",
            "Period",
            "element-unexpected",
        ),
    ];
    for (from, to, field, reason) in cases {
        assert_eq!(refusal(&ASK.replace(from, to)), (field, reason), "{to}");
    }
}

#[test]
fn what_only_json_can_get_wrong_is_refused() {
    let cases = [
        (
            ASK.replace("\"Mst\"", "\"mst\""),
            "VerifyEmployer",
            "member-unexpected",
        ),
        (
            ASK.replace("\"2026-10\"", "202610"),
            "Period",
            "member-type",
        ),
        (
            ASK.replace("[\"fund\",\"arrears\"]", "\"fund\""),
            "Fields",
            "member-type",
        ),
        (
            ASK.replace("tax-audit", "\\u0001"),
            "Purpose",
            "text-characters",
        ),
        (
            ASK.replace("VerifyEmployer", "DropTable"),
            "body",
            "body-unknown",
        ),
        (ASK.replace("}}", "},\"Ping\":{}}"), "body", "body-unknown"),
        ("[]".to_owned(), "body", "body-unknown"),
        (
            ASK.replace("\"Mst\"", "\"Mst\":\"1\",\"Mst\""),
            "",
            "json-duplicate-key",
        ),
        (format!("{ASK}x"), "", "json-trailing"),
    ];
    for (text, field, reason) in cases {
        assert_eq!(refusal(&text), (field, reason), "{text}");
    }
    let latin = [&ASK.as_bytes()[..20], b"\xe1", &ASK.as_bytes()[20..]].concat();
    let refused = decode_request(&latin).unwrap_err();
    assert!(matches!(refused, BodyError::Json(error) if error.code() == "json-encoding"));
}

#[test]
fn keys_of_several_kinds_keep_their_order() {
    let text = r#"{"VerifyMany":{"Individuals":{"Fields":["months"],"Keys":[{"SiNumber":"9900000001"},{"Pin":"099190000001"},{"SiNumber":"9900000002"}],"Year":2026},"Purpose":"tax-audit"}}"#;
    let request = decode_request(text.as_bytes()).unwrap();
    assert_eq!(encode_request(&request), text.as_bytes());
}

/// Every member of every shape, below the shapes of a list of bodies.
fn leaves(shapes: &[&'static Shape], found: &mut BTreeSet<&'static str>) {
    for shape in shapes {
        for part in shape.parts {
            match part {
                Part::Object(inner) | Part::Objects(inner) => leaves(&[inner], found),
                Part::Keys(names) => found.extend(*names),
                part => drop(found.insert(part.member())),
            }
        }
    }
}

#[test]
fn the_table_has_every_element_that_the_mapping_names() {
    let mut table = BTreeSet::new();
    leaves(REQUESTS, &mut table);
    leaves(ANSWERS, &mut table);
    let mapped: BTreeSet<&str> = FIELDS
        .iter()
        .filter(|field| !field.wire.starts_with("Header/"))
        .filter_map(|field| field.wire.rsplit('/').next())
        .filter(|leaf| *leaf != "Subject")
        .collect();
    assert_eq!(table, mapped);
}

#[test]
fn the_published_schema_has_the_members_of_the_table_and_no_other() {
    let schema: Value = serde_json::from_str(TAX_V1).unwrap();
    let mut seen = BTreeSet::new();
    for shape in REQUESTS.iter().chain(ANSWERS) {
        compare(&schema, shape, &mut seen);
    }
    let declared = schema["$defs"].as_object().unwrap();
    let shapes = declared
        .keys()
        .filter(|name| declared[*name]["type"] == "object");
    assert_eq!(shapes.map(String::as_str).collect::<BTreeSet<_>>(), seen);
}

fn compare(schema: &Value, shape: &'static Shape, seen: &mut BTreeSet<&'static str>) {
    seen.insert(shape.element);
    let declared = &schema["$defs"][shape.element];
    assert_eq!(declared["additionalProperties"], false, "{}", shape.element);
    let properties = declared["properties"].as_object().unwrap();
    let members: BTreeSet<&str> = shape.parts.iter().map(Part::member).collect();
    let published: BTreeSet<&str> = properties.keys().map(String::as_str).collect();
    assert_eq!(published, members, "{}", shape.element);
    for part in shape.parts {
        let property = &properties[part.member()];
        let kind = match property.get("$ref").and_then(Value::as_str) {
            Some(target) => {
                let name = target.rsplit('/').next().unwrap();
                schema["$defs"][name]["type"].as_str()
            }
            None => property["type"].as_str(),
        };
        let expected = match part {
            Part::Text(_) => "string",
            Part::Number(_) => "integer",
            Part::Object(inner) => {
                compare(schema, inner, seen);
                "object"
            }
            Part::Objects(inner) => {
                compare(schema, inner, seen);
                "array"
            }
            Part::Texts(_) | Part::Fields(_) | Part::Keys(_) => "array",
        };
        assert_eq!(kind, Some(expected), "{}/{}", shape.element, part.member());
    }
}

fn any_body() -> impl Strategy<Value = Message> {
    prop_oneof![
        super::super::tests::any_result(),
        verify::any_individual(),
        verify::any_individual_answer(),
        verify::any_many(),
        verify::any_many_answer(),
        verify::any_notice(),
        verify::any_receipt(),
        verify::any_dispute(),
        verify::any_dispute_receipt(),
        super::super::tests::any_request(),
        super::super::tests::any_ping(),
    ]
}

proptest! {
    #[test]
    fn decode_gives_back_what_encode_wrote(message in any_body()) {
        match message.body {
            Body::Request(request) => {
                prop_assert_eq!(decode_request(&encode_request(&request)), Ok(request));
            }
            Body::Answer(answer) => {
                prop_assert_eq!(decode_answer(&encode_answer(&answer)), Ok(answer));
            }
        }
    }

    #[test]
    fn no_change_of_bytes_makes_the_reader_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut bytes = ASK.as_bytes().to_vec();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let _ = decode_request(&bytes);
    }
}

#[test]
fn an_answer_longer_than_a_question_may_be_is_written_whole() {
    use super::super::{Amount, Line, ResultKind, VerifyEmployerResult, VerifyManyResult};
    use crate::id::{Period, TaxId};

    let mut told = VerifyEmployerResult::bare(
        ResultKind::HasData,
        TaxId::parse("9900000016").unwrap(),
        Period::parse("2026-10").unwrap(),
    );
    told.name = Some("𠬠".repeat(255)); // a Nôm character: four bytes each
    let most = Amount::new(i64::MAX);
    (told.fund, told.due, told.paid, told.arrears) = (most, most, most, Some(i64::MIN));
    let lines = vec![Line::Employer(Box::new(told)); 1_000];
    let written = encode_answer(&Answer::VerifyManyResult(VerifyManyResult { lines }));
    assert!(written.len() > 1_048_576, "{}", written.len());
    let value: Value = serde_json::from_slice(&written).unwrap();
    assert_eq!(
        value["VerifyManyResult"]["Line"].as_array().map(Vec::len),
        Some(1_000)
    );
}
