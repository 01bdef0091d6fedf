use proptest::prelude::*;
use unicode_normalization::UnicodeNormalization;

use super::*;

fn name(text: &str) -> PersonName {
    PersonName::parse(text).unwrap()
}

fn refused(text: &str) -> NameError {
    PersonName::parse(text).unwrap_err()
}

fn same(one: &str, other: &str) -> bool {
    name(one).matches(&name(other))
}

#[test]
fn a_name_in_nfc_and_in_nfd_is_stored_the_same() {
    let nfd: String = "Nguyễn Thị Đặng Ngọc Hiệp".nfd().collect();
    assert_ne!(nfd, "Nguyễn Thị Đặng Ngọc Hiệp");
    assert_eq!(name(&nfd).as_str(), "Nguyễn Thị Đặng Ngọc Hiệp");
    assert_eq!(name(&nfd), name("Nguyễn Thị Đặng Ngọc Hiệp"));
}

#[test]
fn marks_in_either_order_and_half_composed_are_one_letter() {
    for text in [
        "Hi\u{0065}\u{0302}\u{0323}p",
        "Hi\u{0065}\u{0323}\u{0302}p",
        "Hi\u{00EA}\u{0323}p",
        "Hi\u{1EB9}\u{0302}p",
    ] {
        assert_eq!(name(text).as_str(), "Hi\u{1EC7}p");
    }
    for text in [
        "Tr\u{01B0}\u{01A1}\u{0300}ng",
        "Tru\u{031B}o\u{031B}\u{0300}ng",
        "Tru\u{031B}o\u{0300}\u{031B}ng",
    ] {
        assert_eq!(name(text), name("Trường"));
    }
}

#[test]
fn both_placements_of_a_tone_are_one_name() {
    for (old, new) in [
        ("Hòa", "Hoà"),
        ("Thúy", "Thuý"),
        ("Khỏe", "Khoẻ"),
        ("Lê Thị Hóa", "LÊ THỊ HOÁ"),
    ] {
        assert!(same(old, new), "{old} {new}");
        assert_ne!(name(old), name(new), "what is stored stays as written");
    }
}

#[test]
fn other_tones_marks_and_letters_are_other_names() {
    for (one, other) in [
        ("Hoa", "Hòa"),
        ("Hòa", "Hóa"),
        ("Hoa", "Hoă"),
        ("Thúy", "Thúi"),
        ("Lý", "Lí"),
        ("Dung", "Dũng"),
        ("Dức", "Đức"),
        ("Tuân", "Tuấn"),
        ("Van An", "Vân An"),
    ] {
        assert!(!same(one, other), "{one} {other}");
    }
}

#[test]
fn look_alikes_of_the_letter_d_are_folded_in_the_key_only() {
    for text in [
        "\u{0110}ức",
        "\u{00D0}ức",
        "\u{0189}ức",
        "\u{0111}ức",
        "\u{00F0}ỨC",
        "\u{0256}ức",
    ] {
        assert_eq!(name(text).match_key(), name("Đức").match_key(), "{text:?}");
    }
    assert_ne!(name("\u{00D0}ức"), name("\u{0110}ức"));
}

#[test]
fn case_and_spaces_do_not_make_another_name() {
    assert!(same("NGUYỄN   VĂN  ĐỨC", " Nguyễn Văn Đức "));
    assert!(same("Groß", "GROSS"));
    assert_eq!(name("  Lê  Lợi ").as_str(), "Lê  Lợi");
}

#[test]
fn names_of_minorities_and_foreigners_are_names() {
    for text in [
        "Y Bhăm Êban",
        "H'Hen Niê",
        "K\u{2019}Sor Nham",
        "Jean-Paul O'Neill Jr.",
        "Zoë Łukasz Ñandú Øst",
    ] {
        assert!(PersonName::parse(text).is_ok(), "{text}");
    }
    assert!(same("H'Hen Niê", "H\u{2019}HEN NIÊ"));
}

#[test]
fn look_alikes_of_other_scripts_are_refused() {
    for text in [
        "Nguy\u{0435}n",
        "\u{0410}n",
        "\u{0391}n",
        "L\u{0251}n",
        "\u{13AA}n",
        "阮文德",
    ] {
        assert_eq!(refused(text), NameError::NotLatin, "{text:?}");
    }
}

#[test]
fn invisible_and_directing_characters_are_refused() {
    for c in [
        '\u{200B}',
        '\u{200C}',
        '\u{200D}',
        '\u{2060}',
        '\u{FEFF}',
        '\u{00AD}',
        '\u{034F}',
        '\u{FE0F}',
        '\u{202A}',
        '\u{202E}',
        '\u{2066}',
        '\u{200E}',
        '\u{061C}',
        '\u{E0041}',
        '\0',
        '\n',
        '\t',
        '\u{1B}',
        '\u{00A0}',
        '\u{3000}',
        '\u{0336}',
        '\u{20DD}',
    ] {
        assert_eq!(
            refused(&format!("Lê{c} Lợi")),
            NameError::Character,
            "{c:?}"
        );
    }
}

#[test]
fn full_width_and_dressed_letters_are_refused() {
    for text in ["Ｌê", "𝐋ê", "ﬁn", "Ⅳ", "Lª", "Ⓛê"] {
        assert_eq!(refused(text), NameError::Character, "{text}");
    }
}

#[test]
fn digits_and_signs_are_refused() {
    for text in [
        "Lê 2",
        "Lê, Lợi",
        "Lê_Lợi",
        "<Lê>",
        "Lê;DROP",
        "=cmd",
        "Lê × Lợi",
    ] {
        assert_eq!(refused(text), NameError::Character, "{text}");
    }
}

#[test]
fn more_than_four_marks_on_a_letter_are_refused() {
    assert!(PersonName::parse("a\u{0302}\u{0323}\u{0301}\u{0308}n").is_ok());
    assert_eq!(
        refused("a\u{0302}\u{0323}\u{0301}\u{0308}\u{0307}n"),
        NameError::Marks
    );
    assert_eq!(
        refused("\u{1EAD}\u{0301}\u{0308}\u{0307}n"),
        NameError::Marks
    );
    assert_eq!(
        refused(&format!("a{}", "\u{0301}".repeat(1_000))),
        NameError::Marks
    );
}

#[test]
fn a_mark_without_a_letter_is_refused() {
    assert_eq!(refused("\u{0301}An"), NameError::Marks);
    assert_eq!(refused("An -\u{0301}"), NameError::Marks);
}

#[test]
fn empty_letterless_and_endless_names_are_refused() {
    assert_eq!(refused(""), NameError::Empty);
    assert_eq!(refused("   "), NameError::Empty);
    assert_eq!(refused("-.'"), NameError::NoLetter);
    assert!(PersonName::parse(&"ệ".repeat(255)).is_ok());
    assert_eq!(refused(&"ệ".repeat(256)), NameError::TooLong);
    assert_eq!(refused(&"x".repeat(10_000)), NameError::TooLong);
}

#[test]
fn a_name_never_prints() {
    assert_eq!(format!("{:?}", name("Lê Lợi")), "PersonName(***)");
    assert!(!format!("{:?} {}", refused("Lợi 2"), refused("Lợi 2")).contains("Lợi"));
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,40}") {
        if let Ok(name) = PersonName::parse(&text) {
            let _ = name.match_key();
        }
    }

    #[test]
    fn a_stored_name_parses_to_itself_and_keeps_its_key(text in "[A-ZĐƠƯa-zàáảãạăâđêôơưỳýỷỹỵ' .-]{1,40}") {
        if let Ok(name) = PersonName::parse(&text) {
            prop_assert_eq!(&PersonName::parse(name.as_str()).unwrap(), &name);
            let decomposed: String = name.as_str().nfd().collect();
            prop_assert_eq!(PersonName::parse(&decomposed).unwrap().match_key(), name.match_key());
            let upper = name.as_str().to_uppercase();
            prop_assert_eq!(PersonName::parse(&upper).unwrap().match_key(), name.match_key());
        }
    }
}
