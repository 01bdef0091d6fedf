//! Many are asked in one question.

use super::*;

fn numbers(many: usize) -> Vec<TaxId> {
    let number = |nth: usize| TaxId::parse(&format!("0993{nth:08}")).unwrap();
    (0..many).map(number).collect()
}

pub(super) fn many(keys: usize) -> Message {
    question(Question::Many(Box::new(AskMany {
        asked: Many::Individuals {
            from: period("2026-01"),
            to: period("2026-10"),
            fields: [IncomeField::Months, IncomeField::Income].into(),
            keys: numbers(keys),
        },
        purpose: "tax-compliance".to_owned(),
    })))
}

/// One of each that we say.
pub(super) fn each() -> Message {
    let refused = Refused {
        key: "9900000016".to_owned(),
        code: FaultCode::AmbiguousSubject,
        reason: "several-taxpayers".to_owned(),
    };
    let person = IndividualTold {
        payers: None,
        ..individual()
    };
    let lines = vec![
        ManyLine::Employer(Box::new(employer())),
        ManyLine::Refused(refused),
        ManyLine::Individual(Box::new(person)),
    ];
    answer(VERIFY_MANY, Answer::Many(ManyTold { lines }))
}

#[test]
fn many_are_asked_and_answered_in_their_order() {
    let employers = question(Question::Many(Box::new(AskMany {
        asked: Many::Employers {
            period: period("2026-10"),
            fields: [TaxpayerField::Status, TaxpayerField::Headcount].into(),
            keys: ["9900000016", "9900000016-001", "099300123456"]
                .map(|key| TaxId::parse(key).unwrap())
                .into(),
        },
        purpose: "tax-compliance".to_owned(),
    })));
    for message in [employers, many(1), many(1_000), each()] {
        let (bytes, range) = encode(&message);
        assert_eq!(xsd::validate_taxpayer_v1(&bytes), Ok(()));
        assert_eq!(read(&bytes), Ok((message, range)));
    }
}

#[test]
fn too_many_lines_a_number_twice_none_or_payers_are_no_question_about_many() {
    let whole = text(&many(2));
    let first = "<Mst>099300000000</Mst>";
    for (from, to, field, reason) in [
        (first.to_owned(), first.repeat(2), "Mst", "key-twice"),
        (
            text(&many(2))
                .split_once("<Mst>")
                .map(|(_, rest)| format!("<Mst>{}", rest.split("</Individuals>").next().unwrap()))
                .unwrap(),
            String::new(),
            "VerifyMany",
            "no-lines",
        ),
        (
            first.to_owned(),
            "<Mst>9900000016-001</Mst>".to_owned(),
            "Mst",
            "mst-branch",
        ),
        (
            "<Field>months</Field>".to_owned(),
            "<Field>payers</Field>".to_owned(),
            "Field",
            "field-not-in-many",
        ),
    ] {
        assert!(whole.contains(&from), "{from}");
        let bent = whole.replacen(&from, &to, 1);
        assert_eq!(read(bent.as_bytes()), wrong(field, reason), "{reason}");
    }
    let long = text(&many(1_001));
    assert_eq!(read(long.as_bytes()), wrong("Mst", "too-many-lines"));
    let line = text(&each());
    let (head, rest) = line.split_once("<Line>").unwrap();
    let (one, _) = rest.split_once("</Line>").unwrap();
    let end = "</VerifyManyResult></TaxpayerMessage>";
    let lines = format!("<Line>{one}</Line>").repeat(1_001);
    let long = format!("{head}{lines}{end}");
    assert_eq!(read(long.as_bytes()), wrong("Line", "too-many-lines"));
    let empty = format!("{head}{end}");
    assert_eq!(
        read(empty.as_bytes()),
        wrong("VerifyManyResult", "no-lines")
    );
}
