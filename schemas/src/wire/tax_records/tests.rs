use proptest::prelude::*;

use super::fields::{Carried, FIELDS, Shape};
use super::*;

const SI_PERSONS: &str = r#"<TaxRecords xmlns="urn:vn:lienthong:tax:records:v1" party="si" kind="person" period="2026-10">
<Person mst="9900000016" person="099300123456" number="9912345678" province="01" region="1" name="Nguyễn Thị Hoà" born="1990-02-28" amount="12000000" full="true"/>
</TaxRecords>
"#;

const TAX_PERSONS: &str = r#"{"records":"v1","party":"tax","kind":"person","period":"2026-10"}
{"mst":"9900000016","person":"099300123456","province":"01","region":1,"name":"Nguyễn Thị Hoà","born":"1990","amount":12000000,"full":true}
"#;

fn read(form: Form, chunk: &[u8]) -> Result<usize, RecordError> {
    let mut records = Records::open(form, chunk)?;
    let mut count = 0;
    while records.next_record()?.is_some() {
        count += 1;
    }
    Ok(count)
}

fn refused(form: Form, chunk: &str) -> (Reason, Option<Field>) {
    let error = read(form, chunk.as_bytes()).unwrap_err();
    (error.reason, error.field)
}

fn xml_with(from: &str, to: &str) -> (Reason, Option<Field>) {
    assert!(SI_PERSONS.contains(from));
    refused(Form::Xml, &SI_PERSONS.replacen(from, to, 1))
}

fn ndjson_with(from: &str, to: &str) -> (Reason, Option<Field>) {
    assert!(TAX_PERSONS.contains(from));
    refused(Form::Ndjson, &TAX_PERSONS.replacen(from, to, 1))
}

#[test]
fn a_person_is_read_from_both_forms() {
    let mut records = Records::open(Form::Xml, SI_PERSONS.as_bytes()).unwrap();
    let Some(Record::Person(person)) = records.next_record().unwrap() else {
        panic!("no person");
    };
    assert_eq!(
        (person.mst.to_string().as_str(), person.born, person.amount),
        ("9900000016", 19_900_228, 12_000_000)
    );
    assert_eq!((person.province, person.region, person.full), (1, 1, true));
    assert!(matches!(person.name, Cow::Borrowed("Nguyễn Thị Hoà")));
    assert_eq!(records.next_record(), Ok(None));
    assert_eq!(read(Form::Ndjson, TAX_PERSONS.as_bytes()), Ok(1));
}

#[test]
fn what_xml_is_not_of_the_profile_is_refused_by_its_reason() {
    use Reason::{Encoding, Head, Malformed, Structure, Truncated, Twice, Unknown};
    for (from, to, reason) in [
        (
            "<TaxRecords",
            "<?xml version=\"1.0\" encoding=\"UTF-16\"?><TaxRecords",
            Encoding,
        ),
        ("<TaxRecords", "<!DOCTYPE a><TaxRecords", Malformed),
        ("<Person", "<!-- --><Person", Malformed),
        ("<Person", "<?a?><Person", Malformed),
        ("<Person", "<![CDATA[ ]]><Person", Malformed),
        ("<Person", "text<Person", Structure),
        ("<Person", "&amp;<Person", Malformed),
        ("<Person", "<Employer", Structure),
        ("<Person ", "<Persons ", Malformed),
        (
            "full=\"true\"/>",
            "full=\"true\"><Person/></Person>",
            Structure,
        ),
        ("</TaxRecords>", "", Truncated),
        ("</TaxRecords>", "</TaxRecords><TaxRecords/>", Structure),
        ("</TaxRecords>", "</TaxRecord>", Malformed),
        ("records:v1", "records:v2", Head),
        ("party=\"si\"", "party=\"us\"", Head),
        ("party=\"si\"", "party=\"si\" party=\"si\"", Twice),
        ("2026-10", "1994-12", Head),
        ("region=\"1\"", "region=\"1\" xmlns:a=\"b\"", Unknown),
        ("region=\"1\"", "region=\"1\"colour=\"red\"", Malformed),
        ("region=\"1\"", "region=1", Malformed),
        ("name=\"", "name=\"<", Malformed),
        ("name=\"", "name=\"\t", Malformed),
    ] {
        assert_eq!(xml_with(from, to), (reason, None), "{to}");
    }
    assert_eq!(
        refused(Form::Xml, &format!("\u{FEFF}{SI_PERSONS}")).0,
        Reason::ByteOrderMark
    );
    assert_eq!(refused(Form::Xml, "").0, Truncated);
}

#[test]
fn bytes_other_than_utf_8_are_refused_in_both_forms() {
    for (form, chunk) in [(Form::Xml, SI_PERSONS), (Form::Ndjson, TAX_PERSONS)] {
        let mut bytes = chunk.as_bytes().to_vec();
        let at = bytes.iter().position(|byte| *byte > 0x7F).unwrap();
        bytes[at] = 0xFF;
        assert_eq!(read(form, &bytes).unwrap_err().reason, Reason::Encoding);
    }
}

#[test]
fn what_json_is_not_of_the_profile_is_refused_by_its_reason() {
    use Reason::{Head, Malformed, Truncated, Twice, Unknown, Value};
    for (from, to, reason, field) in [
        (
            "\"region\":1",
            "\"region\":1,\"region\":1",
            Twice,
            Some(Field::Region),
        ),
        ("\"region\"", "\"regi\\u006fn\"", Unknown, None),
        (
            "\"region\":1",
            "\"region\":\"1\"",
            Value,
            Some(Field::Region),
        ),
        ("\"region\":1", "\"region\":1.0", Value, Some(Field::Region)),
        ("\"region\":1", "\"region\":-1", Malformed, None),
        ("\"region\":1", "\"region\":null", Malformed, None),
        ("\"region\":1", "\"region\":[1]", Malformed, None),
        ("\"region\":1", "\"colour\":1", Unknown, None),
        ("true}", "yes}", Malformed, None),
        ("true}", "true} {}", Malformed, None),
        ("true}", "true,}", Malformed, None),
        ("true}\n", "true}\r\n", Malformed, None),
        ("true}\n", "true}\n\n", Malformed, None),
        ("true}\n", "true}", Truncated, None),
        ("Hoà\"", "Ho\\ud83d\"", Value, Some(Field::Name)),
        ("\"v1\"", "\"v2\"", Head, None),
    ] {
        assert_eq!(ndjson_with(from, to), (reason, field), "{to}");
    }
}

#[test]
fn a_value_against_its_rule_is_refused_by_its_field() {
    for (from, to, field) in [
        ("9900000016", "9900000017", Field::Mst),
        ("099300123456", "09930012345", Field::Person),
        ("9912345678", "991234567X", Field::Number),
        ("province=\"01\"", "province=\"02\"", Field::Province),
        ("region=\"1\"", "region=\"5\"", Field::Region),
        ("name=\"Nguyễn", "name=\"Nguyễn 2", Field::Name),
        ("name=\"Nguyễn", "name=\"&nbsp;Nguyễn", Field::Name),
        ("1990-02-28", "1990-02-29", Field::Born),
        ("amount=\"12000000\"", "amount=\"012000000\"", Field::Amount),
        (
            "amount=\"12000000\"",
            "amount=\"1000000000000001\"",
            Field::Amount,
        ),
        ("amount=\"12000000\"", "amount=\"1&#50;\"", Field::Amount),
        ("full=\"true\"", "full=\"1\"", Field::Full),
    ] {
        assert_eq!(xml_with(from, to), (Reason::Value, Some(field)), "{to}");
    }
    assert_eq!(
        xml_with(" region=\"1\"", ""),
        (Reason::Missing, Some(Field::Region))
    );
    assert_eq!(
        xml_with(" region=\"1\"", " region=\"1\" due=\"1\""),
        (Reason::Unknown, Some(Field::Due))
    );
    assert_eq!(
        xml_with(" region=\"1\"", " region=\"1\" region=\"1\""),
        (Reason::Twice, Some(Field::Region))
    );
}

#[test]
fn the_status_of_a_taxpayer_is_judged_by_the_list_of_the_month() {
    let employer = |period: &str, status: &str| {
        let chunk = format!(
            "<TaxRecords xmlns=\"{NAMESPACE}\" party=\"tax\" kind=\"employer\" period=\"{period}\"><Employer mst=\"9900000016\" \
             province=\"01\" region=\"1\" status=\"{status}\" name=\"A &amp; B\" address=\"1 Lê Lợi\" count=\"0\" amount=\"0\"/></TaxRecords>"
        );
        read(Form::Xml, chunk.as_bytes()).map_err(|error| error.field)
    };
    assert_eq!(employer("2026-06", "04"), Ok(1));
    assert_eq!(employer("2026-07", "04"), Err(Some(Field::Status)));
    assert_eq!(employer("2026-07", "10"), Ok(1));
    assert_eq!(employer("2026-07", "active"), Err(Some(Field::Status)));
}

#[test]
fn a_record_longer_than_its_bound_is_refused_and_the_bound_itself_is_not() {
    let long = "A".repeat(RECORD_BYTES_MAX);
    assert_eq!(xml_with("Nguyễn", &long).0, Reason::TooLong);
    assert_eq!(ndjson_with("Nguyễn", &long).0, Reason::TooLong);
    let fits =
        " ".repeat(RECORD_BYTES_MAX - SI_PERSONS.lines().nth(1).unwrap().len() + "</>".len());
    let padded = SI_PERSONS.replacen(" full", &format!("{fits} full"), 1);
    assert_eq!(read(Form::Xml, padded.as_bytes()), Ok(1));
}

#[test]
fn an_error_names_the_place_and_never_the_content() {
    let error = read(
        Form::Xml,
        SI_PERSONS.replace("9912345678", "secret").as_bytes(),
    )
    .unwrap_err();
    assert_eq!(error.to_string(), "records-value at record 1, field number");
    assert!(!format!("{error:?}").contains("secret"));
}

#[test]
fn the_published_schemas_name_the_fields_of_the_table() {
    let xsd = include_str!("../../../xsd/tax-records/v1/records.xsd");
    let json = include_str!("../../../json/tax-records/v1/records.schema.json");
    let readme = include_str!("../../../xsd/tax-records/v1/README.md");
    let schema: serde_json::Value = serde_json::from_str(json).unwrap();
    for (kind, definition, element) in [
        (Kind::Employer, "employer", "EmployerType"),
        (Kind::Person, "person", "PersonType"),
    ] {
        let properties = schema["$defs"][definition]["properties"]
            .as_object()
            .unwrap();
        let required: Vec<&str> = schema["$defs"][definition]["required"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|word| word.as_str())
            .collect();
        let (_, block) = xsd
            .split_once(&format!("complexType name=\"{element}\""))
            .unwrap();
        let (block, _) = block.split_once("</xs:complexType>").unwrap();
        let rows = FIELDS.iter().map(|row| match kind {
            Kind::Employer => (row, row.employer),
            Kind::Person => (row, row.person),
        });
        let mut count = 0;
        for (row, carried) in rows.filter(|(_, carried)| *carried != Carried::Never) {
            count += 1;
            let shape = match row.shape {
                Shape::Text => "string",
                Shape::Number => "integer",
                Shape::Flag => "boolean",
            };
            assert_eq!(properties[row.word]["type"], shape, "{}", row.word);
            assert_eq!(
                required.contains(&row.word),
                carried == Carried::Always,
                "{}",
                row.word
            );
            let attribute = format!("<xs:attribute name=\"{}\"", row.word);
            let line = block
                .lines()
                .find(|line| line.contains(&attribute))
                .unwrap();
            assert_eq!(
                line.contains("use=\"required\""),
                carried == Carried::Always,
                "{}",
                row.word
            );
            assert!(
                readme.contains(&format!("| `{}` |", row.word)),
                "{}",
                row.word
            );
        }
        assert_eq!(properties.len(), count, "{definition}");
        assert_eq!(block.matches("<xs:attribute ").count(), count, "{element}");
    }
}

#[test]
fn the_other_published_schemas_are_json() {
    for text in [
        include_str!("../../../json/tax-records/v1/finding.schema.json"),
        include_str!("../../../json/tax-records/v1/manifest.schema.json"),
    ] {
        let schema: serde_json::Value = serde_json::from_str(text).unwrap();
        assert_eq!(schema["additionalProperties"], false);
    }
}

fn text() -> impl Strategy<Value = String> {
    // between À and ỹ there is a space, too, of a script of long ago
    "[A-ZÀ-ỹa-z0-9&<>\"'\\\\/,.][A-ZÀ-ỹa-z0-9&<>\"'\\\\/,. ]{0,30}[a-z&\"]"
        .prop_filter("nothing around it", |text| super::text::is_line(text))
}

fn name() -> impl Strategy<Value = String> {
    "[A-ZĐ][a-zàảãáạăâêôơưỳỹỷýỵ'. -]{0,30}[a-zà]"
}

fn person() -> impl Strategy<Value = Person<'static>> {
    (
        0_u64..1_000_000_000,
        0_u64..10_000_000_000,
        name(),
        1900_u32..2100,
        0_u32..13,
        0..VND,
        any::<bool>(),
        1_u8..5,
    )
        .prop_map(
            |(person, number, name, year, month, amount, full, region)| Person {
                person: PersonKey::from_raw(99_000_000_000 + person),
                number: NumberKey::from_raw(number),
                mst: TaxKey::parse("9900000016-007").unwrap(),
                province: 79,
                region,
                name: name.into(),
                born: year * 10_000 + month * 100 + u32::from(month > 0) * 28,
                amount,
                full,
            },
        )
}

fn employer(party: Party) -> impl Strategy<Value = Employer<'static>> {
    (
        text(),
        text(),
        any::<u32>(),
        0..VND,
        0..VND,
        0..VND,
        0_usize..3,
    )
        .prop_map(move |(name, address, count, amount, due, paid, status)| {
            let si = party == Party::Si;
            Employer {
                mst: TaxKey::parse("099300123456").unwrap(),
                unit: if si { "TZ0000L" } else { "" },
                province: 1,
                region: 4,
                status: match si {
                    true => [Status::Active, Status::Suspended, Status::Closed][status],
                    false => [
                        Status::Taxpayer(0),
                        Status::Taxpayer(3),
                        Status::Taxpayer(10),
                    ][status],
                },
                name: name.into(),
                address: address.into(),
                count,
                amount,
                due: if si { due } else { 0 },
                paid: if si { paid } else { 0 },
            }
        })
}

const VND: u64 = 1_000_000_000_000_001;

fn round_trip(kind: Kind, party: Party, record: &Record<'_>) -> Result<(), TestCaseError> {
    let head = Head {
        party,
        kind,
        period: Period::new(2026, 10).unwrap(),
    };
    for form in [Form::Xml, Form::Ndjson] {
        let mut chunk = Vec::new();
        open(form, head, &mut chunk);
        write(form, party, record, &mut chunk);
        close(form, &mut chunk);
        let mut records = Records::open(form, &chunk).unwrap();
        prop_assert_eq!(records.head(), head);
        let read = records.next_record();
        prop_assert!(
            read.as_ref()
                .is_ok_and(|read| read.as_ref() == Some(record)),
            "{:?}",
            read
        );
        prop_assert_eq!(records.next_record(), Ok(None));
        if form == Form::Xml {
            prop_assert_eq!(crate::xsd::validate_tax_records_v1(&chunk), Ok(()));
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_of_a_person_is_read_back(person in person()) {
        round_trip(Kind::Person, Party::Tax, &Record::Person(person))?;
    }

    #[test]
    fn what_is_written_of_an_employer_is_read_back(
        (party, employer) in prop_oneof![Just(Party::Si), Just(Party::Tax)].prop_flat_map(|party| (Just(party), employer(party)))
    ) {
        round_trip(Kind::Employer, party, &Record::Employer(employer))?;
    }

    #[test]
    fn a_flipped_byte_never_makes_the_reader_panic(at in 0_usize..400, byte: u8) {
        for (form, chunk) in [(Form::Xml, SI_PERSONS), (Form::Ndjson, TAX_PERSONS)] {
            let mut bytes = chunk.as_bytes().to_vec();
            let at = at % bytes.len();
            bytes[at] = byte;
            let _ = read(form, &bytes);
        }
    }
}
