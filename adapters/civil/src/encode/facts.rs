//! What the insurance database knows of a birth notice, member by member as the agreement allows.

use std::collections::BTreeSet;

use gateway_core::{
    Encoded, Unsigned,
    ports::{Person, PersonNumber},
};
use jiff::civil::Date;
use schemas::{
    date::format_dotted,
    fault::Fault,
    id::{Pin, SiNumber},
    proto::insurance::BirthFacts,
    wire::civil::{self, FactsAnswer, FactsRow},
};

use super::unsayable;

/// Name of each field in agreements, and its member on the wire.
const MEMBERS: [(&str, &str); 5] = [
    ("name", "nksHoTen"),
    ("sex", "nksGioiTinh"),
    ("birthDate", "nksNgaySinh"),
    ("children", "soCon"),
    ("issuedOn", "ngayCapGCS"),
];

/// What may be told, and what was asked for and may not.
type Fields<'a> = (&'a BTreeSet<&'static str>, &'a BTreeSet<&'static str>);

pub(crate) fn encode(
    (allowed, withheld): Fields<'_>,
    mother: &Pin,
    children: &[BirthFacts],
) -> Result<Encoded, Fault> {
    let withheld: Vec<String> = MEMBERS
        .iter()
        .filter(|(field, _)| withheld.contains(field))
        .map(|(_, member)| (*member).to_owned())
        .collect();
    let answer = FactsAnswer {
        status: 1,
        status_description: match children.len() {
            0 => "Không có dữ liệu".to_owned(),
            many => format!("Tìm thấy {many} trẻ"),
        },
        withheld: (!withheld.is_empty()).then_some(withheld),
        children: children
            .iter()
            .map(|child| row(child, allowed))
            .collect::<Result<_, Fault>>()?,
    };
    Ok(Encoded {
        unsigned: Unsigned::Json(civil::encode(&answer)),
        callbacks: Vec::new(),
        persons: persons(mother, children, allowed),
    })
}

fn row(child: &BirthFacts, allowed: &BTreeSet<&'static str>) -> Result<FactsRow, Fault> {
    let may = |field: &str| allowed.contains(field);
    let day = |text: &str, what| {
        let day: Date = text.parse().map_err(|_| unsayable(what))?;
        Ok::<_, Fault>(format_dotted(day))
    };
    let sex = u8::try_from(child.sex).map_err(|_| unsayable("sex"))?;
    let children = u8::try_from(child.children).map_err(|_| unsayable("children"))?;
    Ok(FactsRow {
        name: (may("name") && !child.name.is_empty()).then(|| child.name.clone()),
        sex: may("sex").then_some(sex),
        born: may("birthDate")
            .then(|| day(&child.birth_date, "birth_date"))
            .transpose()?,
        children: may("children").then_some(children),
        issued_on: may("issuedOn")
            .then(|| day(&child.issued_on, "issued_on"))
            .transpose()?,
    })
}

/// Children who have a number, and the mother whose they are: nobody is told of where nothing is known.
fn persons(mother: &Pin, children: &[BirthFacts], allowed: &BTreeSet<&'static str>) -> Vec<Person> {
    let of = |number| Person {
        numbers: vec![number],
        told: allowed.iter().copied().collect(),
    };
    let numbers = children
        .iter()
        .filter_map(|child| SiNumber::parse(&child.si_number).ok());
    let mother = (!children.is_empty()).then(|| of(PersonNumber::Pin(mother.clone())));
    mother
        .into_iter()
        .chain(numbers.map(|number| of(PersonNumber::Si(number))))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn child() -> BirthFacts {
        BirthFacts {
            children: 1,
            name: "Nguyễn Gia An".into(),
            sex: 1,
            birth_date: "2026-11-20".into(),
            issued_on: "2026-11-21".into(),
            si_number: "9900000001".into(),
            ..BirthFacts::default()
        }
    }

    fn said(
        allowed: &[&'static str],
        children: &[BirthFacts],
    ) -> Result<(FactsAnswer, Vec<Person>), Fault> {
        let all: BTreeSet<_> = crate::FACTS.fields.iter().copied().collect();
        let allowed: BTreeSet<_> = allowed.iter().copied().collect();
        let withheld = all.difference(&allowed).copied().collect();
        let mother = Pin::parse("099193000001").unwrap();
        let encoded = encode((&allowed, &withheld), &mother, children)?;
        let Unsigned::Json(body) = encoded.unsigned else {
            panic!("not JSON")
        };
        Ok((civil::decode(&body).unwrap(), encoded.persons))
    }

    #[test]
    fn the_members_are_the_fields_of_agreements() {
        let fields: Vec<_> = MEMBERS.iter().map(|(field, _)| *field).collect();
        assert_eq!(fields, crate::FACTS.fields);
        let members: Vec<_> = FactsRow::FIELDS.iter().map(|field| field.wire).collect();
        let told: Vec<_> = MEMBERS.iter().map(|(_, member)| *member).collect();
        assert_eq!(told, members);
    }

    #[test]
    fn only_what_is_agreed_is_told_and_the_rest_named() {
        let (answer, persons) = said(&["sex", "birthDate"], &[child()]).unwrap();
        assert_eq!(answer.status_description, "Tìm thấy 1 trẻ");
        assert_eq!(
            answer.withheld.unwrap(),
            ["nksHoTen", "soCon", "ngayCapGCS"]
        );
        let row = FactsRow {
            sex: Some(1),
            born: Some("20.11.2026".into()),
            ..FactsRow::default()
        };
        assert_eq!(answer.children, [row]);
        let told: Vec<_> = persons.iter().map(|one| one.told.clone()).collect();
        assert_eq!(told, vec![vec!["birthDate", "sex"]; 2], "mother and child");
    }

    #[test]
    fn a_child_without_a_name_has_none_and_one_without_a_number_is_in_no_ledger() {
        let unnamed = BirthFacts {
            name: String::new(),
            si_number: String::new(),
            ..child()
        };
        let (answer, persons) = said(crate::FACTS.fields, &[unnamed]).unwrap();
        let row = FactsRow {
            name: None,
            sex: Some(1),
            born: Some("20.11.2026".into()),
            children: Some(1),
            issued_on: Some("21.11.2026".into()),
        };
        assert_eq!((answer.children, answer.withheld), (vec![row], None));
        assert_eq!(persons.len(), 1, "the mother: {persons:?}");
    }

    #[test]
    fn where_nothing_is_known_nobody_is_told_of() {
        let (answer, persons) = said(crate::FACTS.fields, &[]).unwrap();
        assert_eq!(answer.status_description, "Không có dữ liệu");
        assert!(persons.is_empty(), "{persons:?}");
    }

    #[test]
    fn nothing_is_told_of_nobody() {
        let (answer, persons) = said(crate::FACTS.fields, &[]).unwrap();
        assert_eq!(
            (answer.status, answer.status_description.as_str()),
            (1, "Không có dữ liệu")
        );
        assert!(answer.children.is_empty());
        assert!(persons.is_empty());
    }

    #[test]
    fn what_the_contract_forbids_is_our_fault() {
        let wrong = BirthFacts {
            birth_date: "soon".into(),
            ..child()
        };
        let fault = said(crate::FACTS.fields, &[wrong]).unwrap_err();
        assert_eq!(fault.reason(), "registry-answer");
    }
}
