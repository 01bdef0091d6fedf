//! What of a month is refused, by which reason, and that nothing came of it.

use gateway_tests::{house::Plan, message::fresh_id};
use schemas::fault::FaultCode::{
    self, BadSignature, Conflict, Forbidden, Invalid, Malformed, OutOfOrder, TooLarge,
    Unauthenticated, UnknownSubject, UnsupportedMediaType,
};

use super::*;

/// Path, bytes and headers of a chunk that is refused, and how.
type Bent<'a> = (
    &'a str,
    Vec<u8>,
    &'a [(&'a str, &'a str)],
    FaultCode,
    &'a str,
);

/// A chunk with its totals, its packing and provinces, and how it is refused.
type Content<'a> = (
    (Vec<u8>, u64, u64),
    Packing,
    &'a [&'a str],
    (FaultCode, &'a str),
);

/// A house whose agreement is of one province and of few records.
fn narrow() -> Plan {
    House::plan().replace(
        "partners/tax.toml",
        "lines = 25000000",
        "lines = 900\nprovinces = [\"01\"]",
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_against_its_agreement_or_itself_is_refused_and_takes_no_chunk() {
    let house = narrow().start().await;
    let department = Department::of(&house, Kind::Employer).await;
    let sending = department.cut("refused-manifest", Form::Xml, Packing::Plain, 4);
    let key = house.key("tax");
    let body = |provinces: &[&str]| sending.xml(Kind::Employer, &department.period, provinces);
    let good = body(&["01"]);
    let (_, amount) = good.split_once("<Amount>").unwrap();
    let amount = amount.split_once('<').unwrap().0;
    let period = format!("<Period>{}</Period>", department.period);
    let now = house.now().strftime("%Y-%m").to_string();
    let cases: [(String, FaultCode, &str); 9] = [
        (body(&["79"]), Forbidden, "province-not-agreed"),
        (body(&[]), Forbidden, "province-not-agreed"),
        (
            good.replacen("<Amount>", "<Amount>1", 1),
            Invalid,
            "totals-do-not-add-up",
        ),
        (
            good.replace(
                &format!(
                    "<Records>{}</Records><Amount>{amount}",
                    department.rows.len()
                ),
                "<Records>901</Records><Amount>0",
            ),
            Invalid,
            "totals-do-not-add-up",
        ),
        (
            good.replace(&period, "<Period>2999-01</Period>"),
            Invalid,
            "period-in-the-future",
        ),
        (
            good.replace(&period, &format!("<Period>{now}</Period>")),
            Invalid,
            "month-not-ended",
        ),
        (
            good.replace(&period, "<Period>1994-12</Period>"),
            Invalid,
            "period-before-1995",
        ),
        (
            good.replace(&period, "<Period>1996-01</Period>"),
            Invalid,
            "month-not-judged",
        ),
        (body(&["01", "01"]), Invalid, "province"),
    ];
    for (body, code, reason) in cases {
        let bent = Tax {
            id: fresh_id("tax"),
            ..message(
                &house,
                &sending,
                body.replace("refused-manifest", &fresh_id("m")),
            )
        };
        house.refuses("tax", &bent.sign(&key), code, reason).await;
    }
    let reply = put(&house, &sending, 1).await;
    reply.assert_fault(OutOfOrder, "manifest-unknown");
    let many = Department {
        rows: std::iter::repeat_n(department.rows[0].clone(), 901).collect(),
        ..department.clone()
    };
    let many = many.cut("many-records", Form::Xml, Packing::Plain, 1_000);
    let body = many.xml(Kind::Employer, &department.period, &["01"]);
    let more = message(&house, &many, body).sign(&key);
    house
        .refuses("tax", &more, Forbidden, "more-lines-than-agreed")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chunk_that_is_not_what_was_announced_is_refused_by_its_reason_and_changes_nothing() {
    let house = House::start().await;
    let department = Department::of(&house, Kind::Employer).await;
    let sending = department.cut("chunks-refused", Form::Xml, Packing::Plain, 4);
    let wire = house.wire("tax");
    let announced = manifest(&house, &department, &sending);
    wire.send(&announced.sign(&house.key("tax")))
        .await
        .assert_ok();
    let other = Tax {
        id: fresh_id("tax"),
        ..message(
            &house,
            &sending,
            sending.xml(Kind::Employer, &department.period, &["01"]),
        )
    };
    let other = other.sign(&house.key("tax"));
    house
        .refuses("tax", &other, Conflict, "same-id-other-content")
        .await;
    let good = chunk(&sending, 1);
    let mut flipped = good.clone();
    flipped[10] ^= 1;
    let mut longer = good.clone();
    longer.push(b'\n');
    let first = path(&sending, 1);
    let cases: [Bent<'_>; 9] = [
        (
            &path(&sending, 2),
            chunk(&sending, 2),
            &[],
            OutOfOrder,
            "chunk-out-of-order",
        ),
        (
            &path(&sending, 99),
            good.clone(),
            &[],
            BadSignature,
            "chunk-not-in-manifest",
        ),
        (&first, flipped, &[], BadSignature, "chunk-not-as-announced"),
        (
            &first,
            good[..good.len() - 1].to_vec(),
            &[],
            BadSignature,
            "chunk-not-as-announced",
        ),
        (&first, longer, &[], TooLarge, "chunk-longer-than-announced"),
        (
            &first,
            good.clone(),
            &[("lienthong-on-behalf-of", "dvclt")],
            Unauthenticated,
            "peer-may-not-carry-sender",
        ),
        (
            &first,
            good.clone(),
            &[("lienthong-on-behalf-of", "No One")],
            Malformed,
            "sender-header",
        ),
        (
            &first,
            good.clone(),
            &[("content-encoding", "gzip")],
            UnsupportedMediaType,
            "content-coding",
        ),
        (
            &first,
            good.clone(),
            &[("content-type", "text/xml")],
            UnsupportedMediaType,
            "media-type",
        ),
    ];
    for (path, bytes, headers, code, reason) in cases {
        wire.put(path, bytes, headers)
            .await
            .assert_fault(code, reason);
    }
    let unknown = house.wire("dvclt").put(&first, good.clone(), &[]).await;
    unknown.assert_fault(OutOfOrder, "manifest-unknown");
    let state = settled(&house, &sending, "receiving").await;
    assert_eq!(text_of(state.text(), "Progress"), Some("0"));
    // nothing of what was refused lies on the disk: the good one is taken as the first
    put(&house, &sending, 1).await.assert_ok();
    put(&house, &sending, 3)
        .await
        .assert_fault(OutOfOrder, "chunk-out-of-order");
    let stranger = ask(
        &house,
        &Sending {
            manifest: "nobody-s-month".into(),
            ..sending.clone()
        },
        0,
    );
    let stranger = stranger.sign(&house.key("tax"));
    house
        .refuses("tax", &stranger, UnknownSubject, "manifest-unknown")
        .await;
}

/// One manifest of one chunk of these bytes; the chunk is refused for good.
async fn refuses_content(
    house: &House,
    department: &Department,
    chunk: (Vec<u8>, u64, u64),
    packing: Packing,
    provinces: &[&str],
    (code, reason): (FaultCode, &str),
) {
    let sending = Sending {
        manifest: fresh_id("content"),
        form: Form::Ndjson,
        packing,
        chunks: vec![chunk],
    };
    let body = sending.xml(department.kind, &department.period, provinces);
    let announced = message(house, &sending, body).sign(&house.key("tax"));
    house.wire("tax").send(&announced).await.assert_ok();
    let before = house.fingerprint().await;
    let reply = put(house, &sending, 1).await;
    reply.assert_fault(code, reason);
    assert!(house.fingerprint().await == before);
    let again = put(house, &sending, 1).await;
    assert_eq!(again.body, reply.body, "{reason}: final, and stored");
    let state = settled(house, &sending, "receiving").await;
    assert_eq!(text_of(state.text(), "Progress"), Some("0"), "{reason}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chunk_whose_content_breaks_a_rule_is_refused_for_good_and_changes_nothing() {
    let house = House::start().await;
    let department = Department::of(&house, Kind::Person).await;
    let rows = &department.rows[..3];
    let (text, records, amount) = department.chunk(Form::Ndjson, Packing::Plain, rows);
    let twice = [rows, &rows[..1]].concat();
    let (twice, _, twice_amount) = department.chunk(Form::Ndjson, Packing::Plain, &twice);
    let not_utf8: Vec<u8> = [&text[..], &[0xC3, 0x28, b'\n']].concat();
    let bomb = vec![b' '; 60 << 20];
    let bomb = tax::unpack::pack(Packing::Gzip, &bomb).unwrap();
    let province: Vec<String> = (1..=99).map(|code| format!("{code:02}")).collect();
    let theirs = match &rows[0] {
        schemas::wire::tax_records::Record::Person(person) => format!("{:02}", person.province),
        schemas::wire::tax_records::Record::Employer(_) => unreachable!("persons were asked for"),
    };
    let others: Vec<&str> = province
        .iter()
        .map(String::as_str)
        .filter(|code| *code != theirs)
        .collect();
    let plain = Packing::Plain;
    let cases: [Content<'_>; 8] = [
        (
            (not_utf8, records, amount),
            plain,
            &[],
            (Invalid, "records-encoding"),
        ),
        (
            (twice, records + 1, twice_amount),
            plain,
            &[],
            (Invalid, "record-twice"),
        ),
        (
            (text.clone(), records + 1, amount),
            plain,
            &[],
            (Invalid, "totals-do-not-add-up"),
        ),
        (
            (text.clone(), records, amount + 1),
            plain,
            &[],
            (Invalid, "totals-do-not-add-up"),
        ),
        (
            (text.clone(), records, amount),
            plain,
            &others,
            (Invalid, "province-not-announced"),
        ),
        (
            (text.clone(), records, amount),
            Packing::Gzip,
            &[],
            (Invalid, "packing-damaged"),
        ),
        (
            (text.clone(), records, amount),
            Packing::Zstd,
            &[],
            (Invalid, "packing-damaged"),
        ),
        (
            (bomb, records, amount),
            Packing::Gzip,
            &[],
            (TooLarge, "chunk-unpacks-too-large"),
        ),
    ];
    for (chunk, packing, provinces, refusal) in cases {
        refuses_content(&house, &department, chunk, packing, provinces, refusal).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_stands_in_two_chunks_refuses_the_whole_month() {
    let house = House::start().await;
    let department = Department::of(&house, Kind::Person).await;
    let twice = Department {
        rows: [&department.rows[..4], &department.rows[..4]].concat(),
        ..department.clone()
    };
    let sending = twice.cut("twice-over-two", Form::Ndjson, Packing::Gzip, 4);
    let announced = manifest(&house, &twice, &sending).sign(&house.key("tax"));
    house.wire("tax").send(&announced).await.assert_ok();
    for number in 1..=2 {
        put(&house, &sending, number).await.assert_ok();
    }
    let state = settled(&house, &sending, "refused").await;
    assert_eq!(text_of(state.text(), "Reason"), Some("record-twice"));
    assert_eq!(text_of(state.text(), "Pages"), Some("0"));
}
