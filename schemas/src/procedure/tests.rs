use jiff::civil::date;
use serde_json::json;

use super::*;
use crate::codes::procedures;
use crate::date::in_viet_nam;

fn procedure(code: &str) -> &'static Procedure {
    let code = ProcedureCode::parse(code).unwrap();
    Catalog::embedded()
        .find(&code, date(2026, 11, 23))
        .unwrap_or_else(|| panic!("no {code}"))
}

fn why(code: &str, said: &serde_json::Value) -> (&'static str, &'static str) {
    let wrong = procedure(code)
        .form
        .fill(said.as_object().unwrap())
        .unwrap_err();
    assert!(REASONS.contains(&wrong.reason), "{}", wrong.reason);
    (wrong.reason, wrong.field)
}

fn d02() -> serde_json::Value {
    json!({
        "Masothue": "9900000016", "Madonvi": "TZ0000L", "Tendonvi": "Công ty Mẫu",
        "DanhSach": [{"pa": "TM", "Hoten": "Lê Văn Mẫu", "Masobhxh": "9912345678", "tienLuong": 6_000_000,
            "tuThang": "11/2026"}],
    })
}

/// The same with one member of the first line, or of the form, set otherwise.
fn bent(line: bool, name: &str, value: serde_json::Value) -> serde_json::Value {
    let mut said = d02();
    match line {
        true => said["DanhSach"][0][name] = value,
        false => said[name] = value,
    }
    said
}

#[test]
fn every_file_is_a_row_whose_code_no_other_list_has() {
    let catalog = Catalog::of(Catalog::texts()).unwrap();
    assert!(catalog.rows.len() >= 13);
    for row in &catalog.rows {
        assert!(
            row.code.starts_with("9.") && row.term.certainty == Certainty::OwnProfile,
            "{}: no official code of a VSS procedure is public",
            row.code
        );
        assert!(row.term.source.starts_with("own profile"), "{}", row.code);
        assert!(!row.limit.source.is_empty() && row.limit.days > 0);
        let day = date(2026, 11, 23);
        assert!(!procedures::LIST.holds(row.code, day), "{} twice", row.code);
    }
}

#[test]
fn a_row_that_contradicts_itself_or_another_is_refused() {
    let first = Catalog::texts()[0];
    let changed = |from: &str, to: &str| -> &'static str { first.replacen(from, to, 1).leak() };
    assert!(Catalog::of(&[first, first]).is_err(), "twice");
    for (from, to) in [
        ("\"9.000001\"", "\"9.1\""),
        ("\"9.000001\"", "\"9.000001.H56\""),
        ("2019-12-09", "9/12/2019"),
        ("\"decides\"", "\"pays\": \"household\",\n  \"decides\""),
        ("\"reissue-card\"", "\"whoever\""),
        ("\"kind\": \"card\"", "\"kind\": \"code\""),
        (
            "\"kind\": \"card\"",
            "\"kind\": \"card\", \"role\": \"holder\"",
        ),
        ("\"code\"", "\"code\": \"9.000001\", \"code\""),
        ("\"code\"", "\"surprise\": 1, \"code\""),
        ("\"applicant\": \"person\"", "\"applicant\": \"employer\""),
        (
            "\"decides\"",
            "\"acknowledge\": {\"days\": 3, \"count\": \"working\", \"source\": \"x\"}, \"decides\"",
        ),
        (
            "\"decides\"",
            "\"acknowledge\": {\"days\": 1, \"count\": \"calendar\", \"source\": \"x\"}, \"decides\"",
        ),
    ] {
        let text = changed(from, to);
        assert_ne!(text, first, "{from}");
        assert!(Catalog::of(&[text]).is_err(), "{to}");
    }
}

#[test]
fn one_more_procedure_is_one_more_text() {
    let more: &'static str = Catalog::texts()[0]
        .replacen("9.000001", "9.000099", 1)
        .leak();
    let mut texts = Catalog::texts().to_vec();
    texts.push(more);
    let catalog: &'static Catalog = Box::leak(Box::new(Catalog::of(&texts).unwrap()));
    let code = ProcedureCode::parse("9.000099.H56").unwrap();
    assert!(catalog.find(&code, date(2026, 11, 23)).is_some());
    assert!(
        Catalog::embedded()
            .find(&code, date(2026, 11, 23))
            .is_none()
    );
}

#[test]
fn a_form_is_read_and_written_in_one_order() {
    let form = &procedure("9.000009").form;
    let filled = form.fill(d02().as_object().unwrap()).unwrap();
    assert_eq!((filled.lines(), filled.is_synthetic()), (1, true));
    let read: serde_json::Value = serde_json::from_str(&filled.to_json()).unwrap();
    assert_eq!(read, d02());
    assert_eq!(form.fill(read.as_object().unwrap()).unwrap(), filled);
    let named: Vec<_> = filled
        .named()
        .iter()
        .map(|one| (one.role, one.number, one.name))
        .collect();
    assert_eq!(named, [(Role::Insured, "9912345678", Some("Lê Văn Mẫu"))]);
    assert_eq!(filled.of_role(Role::Unit).collect::<Vec<_>>(), ["TZ0000L"]);
    assert_eq!(format!("{filled:?}"), "Filled(D02-TS, 1 lines)");
}

#[test]
fn a_field_that_is_unknown_missing_or_of_the_wrong_kind_is_refused_by_its_name() {
    for (line, name, value, reason, field) in [
        (false, "Mabimat", json!("x"), "unknown-field", "D02-TS"),
        (true, "Mabimat", json!("x"), "unknown-field", "DanhSach"),
        (true, "pa", json!("XX"), "unknown-code", "pa"),
        (true, "pa", json!(1), "wrong-kind", "pa"),
        (true, "Hoten", json!(" "), "missing-field", "Hoten"),
        (true, "Hoten", json!("Lê 9"), "bad-name", "Hoten"),
        (true, "Masobhxh", json!("99"), "bad-number", "Masobhxh"),
        (
            true,
            "tienLuong",
            json!("6000000"),
            "wrong-kind",
            "tienLuong",
        ),
        (true, "tienLuong", json!(0), "bad-amount", "tienLuong"),
        (true, "tienLuong", json!(-1), "bad-amount", "tienLuong"),
        (true, "tienLuong", json!(1.5), "bad-amount", "tienLuong"),
        (
            true,
            "tienLuong",
            json!(1_000_000_000_001_u64),
            "bad-amount",
            "tienLuong",
        ),
        (true, "tuThang", json!("13/2026"), "bad-date", "tuThang"),
        (true, "ghiChu", json!("a\nb"), "control-character", "ghiChu"),
        (
            true,
            "ghiChu",
            json!("x".repeat(201)),
            "text-too-long",
            "ghiChu",
        ),
        (
            false,
            "Masothue",
            json!("9900000015"),
            "bad-number",
            "Masothue",
        ),
        (false, "DanhSach", json!([]), "missing-field", "DanhSach"),
        (false, "DanhSach", json!({}), "wrong-kind", "DanhSach"),
        (false, "DanhSach", json!([1]), "wrong-kind", "DanhSach"),
        (
            false,
            "DanhSach",
            json!(vec![json!({}); 501]),
            "too-many-lines",
            "DanhSach",
        ),
    ] {
        assert_eq!(why("9.000009", &bent(line, name, value)), (reason, field));
    }
    let mut without = d02();
    without.as_object_mut().unwrap().remove("Madonvi");
    assert_eq!(why("9.000009", &without), ("missing-field", "Madonvi"));
    let card = json!({"MaThe": "DN1019912345678", "LyDoCapLai": "MAT"});
    assert_eq!(why("9.000001", &card), ("bad-card", "MaThe"));
}

#[test]
fn a_paper_that_is_missing_or_unknown_is_refused() {
    let change = procedure("9.000007");
    let wrong = |named: &[&str]| change.papers_suffice(named).unwrap_err().reason;
    assert_eq!(wrong(&[]), "missing-paper");
    assert_eq!(wrong(&["SO-BHXH"]), "missing-paper");
    assert_eq!(wrong(&["GIAY-TO", "ANH"]), "unknown-paper");
    assert!(change.papers_suffice(&["GIAY-TO"]).is_ok());
    assert!(change.papers_suffice(&["SO-BHXH", "GIAY-TO"]).is_ok());
}

#[test]
fn a_limit_is_counted_in_working_days_to_the_end_of_working_hours() {
    let received = in_viet_nam("2026-11-23T08:01:00Z".parse().unwrap()); // 15:01, and the 24th is a holiday
    let due = procedure("9.000001").due(&received);
    assert_eq!(due.to_string(), "2026-11-27T10:00:00Z");
    let due = procedure("9.000013").due(&received);
    assert_eq!(due.to_string(), "2026-12-09T10:00:00Z");
}
