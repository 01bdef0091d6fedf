//! The same words as JSON: one object with one member, the body element by its name, as in the tax profile
//! ([`super::super::json`]). Who says it to whom stands in the protected header of the JWS beside it. Published as
//! `schemas/json/taxpayer/v1/taxpayer.schema.json`.

use super::super::json::{
    BodyError, CHANGE_NOTICE_RECEIPT, FINDING, LOOK_UP_NOTICES, LOOK_UP_NOTICES_RESULT,
    Part::{Fields, Number, Object, Objects, Text, Texts},
    RECONCILE, RECONCILE_CHUNK_RECEIPT, RECONCILE_RECEIPT, RECONCILE_RESULT, RESEND_NOTICES,
    RESEND_NOTICES_RECEIPT, SUMMARY, Shape, Spelling, shape,
};
use super::{Answer, BYTES_MAX, NAMESPACE, Question, limits};

/// Reads a question.
///
/// # Errors
/// The first thing that is not as it must be.
pub fn decode_question(bytes: &[u8]) -> Result<Question, BodyError> {
    OF_QUESTIONS.decode(bytes, Question::read)
}

/// Reads an answer.
///
/// # Errors
/// As [`decode_question`].
pub fn decode_answer(bytes: &[u8]) -> Result<Answer, BodyError> {
    OF_ANSWERS.decode(bytes, Answer::read)
}

/// Writes a question.
#[must_use]
pub fn encode_question(question: &Question) -> Vec<u8> {
    OF_QUESTIONS.encode(|writer| question.write(writer))
}

/// Writes an answer.
#[must_use]
pub fn encode_answer(answer: &Answer) -> Vec<u8> {
    OF_ANSWERS.encode(|writer| answer.write(writer))
}

const OF_QUESTIONS: Spelling = Spelling {
    namespace: NAMESPACE,
    bodies: QUESTIONS,
    bytes_max: BYTES_MAX,
    limits,
};
const OF_ANSWERS: Spelling = Spelling {
    namespace: NAMESPACE,
    bodies: ANSWERS,
    bytes_max: BYTES_MAX,
    limits,
};

/// This profile as JSON Schema, as published.
pub const TAXPAYER_V1: &str = include_str!("../../../../json/taxpayer/v1/taxpayer.schema.json");

/// The bodies of questions and of what is told.
pub const QUESTIONS: &[&Shape] = &[
    &VERIFY_EMPLOYER,
    &VERIFY_INDIVIDUAL,
    &VERIFY_MANY,
    &CHANGE_NOTICE,
    &PERSON_NOTICE,
    &LOOK_UP_NOTICES,
    &RESEND_NOTICES,
    &REQUEST_MONTH,
    &RECONCILE,
    &RECONCILE_RESULT,
];

/// The bodies of answers.
pub const ANSWERS: &[&Shape] = &[
    &VERIFY_EMPLOYER_RESULT,
    &VERIFY_INDIVIDUAL_RESULT,
    &VERIFY_MANY_RESULT,
    &CHANGE_NOTICE_RECEIPT,
    &PERSON_NOTICE_RECEIPT,
    &LOOK_UP_NOTICES_RESULT,
    &RESEND_NOTICES_RECEIPT,
    &REQUEST_MONTH_RECEIPT,
    &RECONCILE_RECEIPT,
    &RECONCILE_CHUNK_RECEIPT,
    &RECONCILE_RESULT_PAGE,
    &FAULT,
];

shape!(VERIFY_EMPLOYER = "VerifyEmployer" [
    Text("Mst"), Text("Period"), Fields("Fields"), Text("Purpose"),
]);
shape!(VERIFY_INDIVIDUAL = "VerifyIndividual" [
    Text("Mst"), Text("From"), Text("To"), Fields("Fields"), Text("Purpose"),
]);
shape!(EMPLOYERS = "Employers" [Text("Period"), Fields("Fields"), Texts("Mst")]);
shape!(INDIVIDUALS = "Individuals" [Text("From"), Text("To"), Fields("Fields"), Texts("Mst")]);
shape!(VERIFY_MANY = "VerifyMany" [Object(&EMPLOYERS), Object(&INDIVIDUALS), Text("Purpose")]);
shape!(CHANGE_NOTICE = "ChangeNotice" [
    Text("Mst"), Text("UnitCode"), Text("Kind"), Text("EffectiveOn"), Text("State"), Text("Name"),
    Text("Address"), Text("MergedInto"), Text("Period"), Number("ParticipantsBefore"),
    Number("Participants"), Text("Purpose"),
]);
shape!(PERSON_NOTICE = "PersonNotice" [
    Text("Mst"), Text("NewMst"), Text("Name"), Text("BirthDate"), Text("Sex"), Text("CorrectedOn"), Text("Purpose"),
]);
shape!(PERSON_NOTICE_RECEIPT = "PersonNoticeReceipt"[Text("ReceivedAt")]);
shape!(REQUEST_MONTH = "RequestMonth" [
    Text("Manifest"), Text("RecordKind"), Text("Period"), Texts("Province"), Text("Purpose"),
]);
shape!(STATUS = "Status" [Text("Code"), Text("Reason"), Text("Since")]);
shape!(VERIFY_EMPLOYER_RESULT = "VerifyEmployerResult" [
    Text("Result"), Text("Mst"), Text("Period"), Object(&STATUS), Text("Name"), Text("Address"),
    Number("Headcount"), Number("IncomePaid"), Fields("NotDisclosed"),
]);
shape!(PAYER = "Payer" [Text("Mst"), Number("Months"), Number("Income")]);
shape!(PAYERS = "Payers"[Objects(&PAYER)]);
shape!(VERIFY_INDIVIDUAL_RESULT = "VerifyIndividualResult" [
    Text("Result"), Text("Mst"), Text("From"), Text("To"), Text("Name"), Number("MonthsPaid"),
    Number("IncomeTotal"), Object(&PAYERS), Fields("NotDisclosed"),
]);
shape!(REFUSED = "Refused" [Text("Key"), Text("Code"), Text("Reason")]);
shape!(LINE = "Line" [
    Object(&VERIFY_EMPLOYER_RESULT), Object(&VERIFY_INDIVIDUAL_RESULT), Object(&REFUSED),
]);
shape!(VERIFY_MANY_RESULT = "VerifyManyResult"[Objects(&LINE)]);
shape!(REQUEST_MONTH_RECEIPT = "RequestMonthReceipt"[Text("ReceivedAt")]);
shape!(RECONCILE_RESULT_PAGE = "ReconcileResultPage" [
    Text("Manifest"), Text("State"), Text("Reason"), Number("Progress"), Number("Page"), Number("Pages"),
    Number("Found"), Objects(&SUMMARY), Objects(&FINDING), Fields("NotDisclosed"), Text("Chain"),
]);
shape!(FAULT = "Fault" [
    Text("Code"), Text("Reason"), Text("Field"), Text("Blame"), Text("Retry"), Number("RetryAfter"),
    Text("TextVi"), Text("TextEn"),
]);

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::super::tests::{answers, questions};
    use super::super::{Body, FIELDS};
    use super::*;
    use crate::wire::tax::json::Part;

    fn leaves(shapes: &[&'static Shape], found: &mut BTreeSet<&'static str>) {
        for shape in shapes {
            for part in shape.parts {
                match part {
                    Part::Object(inner) | Part::Objects(inner) => leaves(&[inner], found),
                    part => drop(found.insert(part.member())),
                }
            }
        }
    }

    #[test]
    fn the_table_has_every_element_that_the_mapping_names() {
        let mut table = BTreeSet::new();
        leaves(QUESTIONS, &mut table);
        leaves(ANSWERS, &mut table);
        let mapped: BTreeSet<&str> = FIELDS
            .iter()
            .filter(|field| !field.wire.starts_with("Header/"))
            .filter_map(|field| field.wire.rsplit('/').next())
            .filter(|leaf| !["VerifyEmployerResult", "VerifyIndividualResult"].contains(leaf))
            .collect();
        assert_eq!(table, mapped);
    }

    #[test]
    fn what_is_said_in_json_means_what_it_means_in_xml() {
        for message in questions() {
            let Body::Question(question) = message.body else {
                panic!("a question");
            };
            let text = encode_question(&question);
            assert_eq!(decode_question(&text).unwrap(), question);
        }
        for message in answers() {
            let Body::Answer(answer) = message.body else {
                panic!("an answer");
            };
            let text = encode_answer(&answer);
            assert_eq!(decode_answer(&text).unwrap(), answer);
        }
    }

    #[test]
    fn what_is_wrong_is_refused_by_the_words_of_xml() {
        let ask = r#"{"VerifyMany":{"Employers":{"Period":"2026-10","Fields":["status"],"Mst":["9900000016"]},"Purpose":"tax-compliance"}}"#;
        assert!(decode_question(ask.as_bytes()).is_ok());
        for (from, to, field, reason) in [
            ("9900000016", "9900000017", "Mst", "mst-check-digit"),
            (
                "[\"9900000016\"]",
                "[\"9900000016\",\"9900000016\"]",
                "Mst",
                "key-twice",
            ),
            ("[\"9900000016\"]", "\"9900000016\"", "Mst", "member-type"),
            ("2026-10", "1994-12", "Period", "period-before-1995"),
            ("\"Fields\"", "\"fields\"", "Employers", "member-unexpected"),
            ("VerifyMany", "DropTable", "body", "body-unknown"),
        ] {
            let refused = decode_question(ask.replacen(from, to, 1).as_bytes()).unwrap_err();
            let BodyError::Wire(wire) = refused else {
                panic!("{refused}");
            };
            assert_eq!((wire.field, wire.reason), (field, reason), "{to}");
        }
    }

    /// Every member of an object of the schema, with what holds it.
    fn members(schema: &Value, name: &str) -> BTreeSet<String> {
        let properties = schema["$defs"][name]["properties"].as_object();
        let keys = properties.unwrap_or_else(|| panic!("no {name}")).keys();
        keys.cloned().collect()
    }

    fn hold(schema: &Value, shape: &'static Shape) {
        let ours: BTreeSet<String> = shape
            .parts
            .iter()
            .map(|part| part.member().to_owned())
            .collect();
        assert_eq!(members(schema, shape.element), ours, "{}", shape.element);
        for part in shape.parts {
            if let Part::Object(inner) | Part::Objects(inner) = part {
                hold(schema, inner);
            }
        }
    }

    #[test]
    fn the_published_schema_has_every_body_and_every_member() {
        let schema: Value = serde_json::from_str(TAXPAYER_V1).unwrap();
        let bodies: BTreeSet<&str> = schema["oneOf"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|one| one["required"][0].as_str())
            .collect();
        let all = QUESTIONS.iter().chain(ANSWERS);
        let ours: BTreeSet<&str> = all.clone().map(|shape| shape.element).collect();
        assert_eq!(bodies, ours);
        all.for_each(|shape| hold(&schema, shape));
    }
}
