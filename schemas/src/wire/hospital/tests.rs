use proptest::prelude::*;

use super::*;

fn birth() -> BirthPaper {
    BirthPaper {
        id: "Id-1".into(),
        code: Some("GCS.01001.1".into()),
        carer_name: Some("Trần Thị Mẫu".into()),
        child_sex: Some("2".into()),
        first_issue: Some("1".into()),
        ..BirthPaper::default()
    }
}

#[test]
fn a_paper_survives_being_written() {
    let written = birth().write();
    assert!(written.starts_with(b"<GIAYCHUNGSINH Id=\"Id-1\"><MA_GCS>"));
    assert_eq!(BirthPaper::read(&written).unwrap(), birth());
    let death = DeathPaper {
        id: "Id-2".into(),
        code: Some("GBT.1".into()),
        disease_name: Some("A & B".into()),
        ..DeathPaper::default()
    };
    assert_eq!(DeathPaper::read(&death.write()).unwrap(), death);
    let file = |kind: &str| PacketFile {
        kind: kind.into(),
        content: birth().write(),
    };
    let packet = Packet {
        id: "Id-9".into(),
        cases: vec![vec![file("61"), file("61")], vec![file("60")]],
    };
    assert_eq!(Packet::read(&packet.write()).unwrap(), packet);
}

#[test]
fn empty_elements_and_white_space_are_nothing() {
    let read = BirthPaper::read(
        b"<GIAYCHUNGSINH Id=\"a\">\n  <MA_GCS> x </MA_GCS><MA_BN/></GIAYCHUNGSINH>",
    );
    let read = read.unwrap();
    assert_eq!((read.code.as_deref(), read.patient), (Some("x"), None));
}

#[test]
fn what_no_table_names_is_refused_by_its_place() {
    for (inside, field, reason) in [
        ("<X>1</X>", "GIAYCHUNGSINH", "element-unexpected"),
        (
            "<MA_BN>1</MA_BN><MA_GCS>1</MA_GCS>",
            "GIAYCHUNGSINH",
            "element-unexpected",
        ),
        (
            "<MA_GCS>1</MA_GCS><MA_GCS>1</MA_GCS>",
            "GIAYCHUNGSINH",
            "element-unexpected",
        ),
        (
            "<MA_GCS a=\"1\">1</MA_GCS>",
            "MA_GCS",
            "attribute-unexpected",
        ),
        (
            "<MA_GCS xmlns=\"urn:x\">1</MA_GCS>",
            "GIAYCHUNGSINH",
            "element-unexpected",
        ),
        (
            "<GIOI_TINH_CON>12</GIOI_TINH_CON>",
            "GIOI_TINH_CON",
            "text-too-long",
        ),
        ("text", "MA_GCS", "text-unexpected"),
    ] {
        let text = format!("<GIAYCHUNGSINH Id=\"a\">{inside}</GIAYCHUNGSINH>");
        let refused = BirthPaper::read(text.as_bytes()).unwrap_err();
        assert_eq!((refused.field, refused.reason), (field, reason), "{inside}");
        assert!(!refused.is_limit);
    }
    let long = "<a>".repeat(9);
    let refused =
        BirthPaper::read(format!("<GIAYCHUNGSINH Id=\"a\">{long}").as_bytes()).unwrap_err();
    assert_eq!(refused.reason, "element-unexpected");
}

#[test]
fn a_packet_that_counts_wrongly_or_holds_too_much_is_refused() {
    let case =
        "<HOSO><FILEHOSO><LOAIHOSO>61</LOAIHOSO><NOIDUNGFILE>YQ==</NOIDUNGFILE></FILEHOSO></HOSO>";
    let packet = |told: usize, cases: String| {
        let text = format!(
            "<THONGTINHOSO Id=\"a\"><SOLUONGHOSO>{told}</SOLUONGHOSO><DANHSACHHOSO>{cases}</DANHSACHHOSO></THONGTINHOSO>"
        );
        Packet::read(text.as_bytes())
    };
    assert_eq!(packet(2, case.repeat(2)).unwrap().cases.len(), 2);
    for (told, cases, field, reason) in [
        (1, case.repeat(2), "SOLUONGHOSO", "count-differs"),
        (0, String::new(), "SOLUONGHOSO", "count-differs"),
        (21, case.repeat(21), "FILEHOSO", "too-many-files"),
        (1, "<HOSO></HOSO>".to_owned(), "FILEHOSO", "element-missing"),
        (1, case.replace("YQ==", "YQ"), "NOIDUNGFILE", "bad-base64"),
    ] {
        let refused = packet(told, cases).unwrap_err();
        assert_eq!((refused.field, refused.reason), (field, reason));
    }
}

#[test]
fn debug_shows_nothing_of_anybody() {
    let paper = birth();
    assert_eq!(format!("{paper:?}"), "BirthPaper(***)");
}

proptest! {
    #[test]
    fn no_bytes_make_the_readers_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = BirthPaper::read(&bytes);
        let _ = DeathPaper::read(&bytes);
        let _ = Packet::read(&bytes);
        let _ = decode::<Form>(&bytes);
    }

    #[test]
    fn no_text_in_an_element_makes_the_readers_panic(text in "\\PC{0,60}") {
        let paper = BirthPaper { child_name: Some(text.clone()), ..birth() };
        let read = BirthPaper::read(&paper.write());
        if let Ok(read) = read {
            let kept = Some(text.trim().to_owned()).filter(|text| !text.is_empty());
            prop_assert_eq!(read.child_name, kept);
        }
        let text = format!("<THONGTINHOSO Id=\"a\">{text}</THONGTINHOSO>");
        let _ = Packet::read(text.as_bytes());
    }
}
