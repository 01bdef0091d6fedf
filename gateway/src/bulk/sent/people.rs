//! Of whom a chunk of ours tells the department: read from the very bytes that are sent, for the ledger of accesses.

use gateway_core::{outbound::Crowd, ports::PersonNumber};
use schemas::wire::tax_records::{CHUNK_BYTES_MAX, Kind, Record, Records};
use tax::{
    taxpayer::sent::{NUMBER, required},
    unpack::{Bounds, unpack},
};

use super::Terms;

/// Everybody whom the chunk tells of, by each number that it gives, and what of them: of a month of persons the persons, of
/// one of employers the owners of household businesses, whose tax code is their own number. None where there are none; no
/// answer where it is no chunk of such a month.
pub(super) fn told(terms: &Terms, packed: &[u8]) -> Option<Option<Crowd>> {
    // what we packed ourselves may be packed well
    let bounds = Bounds {
        bytes_max: 4 * CHUNK_BYTES_MAX,
        ratio_max: usize::MAX,
    };
    let text = unpack(terms.packing, packed, bounds).ok()?;
    let mut records = Records::open(terms.form, &text).ok()?;
    let mut numbers = Vec::new();
    while let Some(record) = records.next_record().ok()? {
        match record {
            Record::Person(person) => {
                numbers.push(PersonNumber::parse(&person.person.text())?);
                let second = person.number.text();
                numbers.extend(second.and_then(|text| PersonNumber::parse(&text)));
            }
            Record::Employer(employer) => {
                // an enterprise's code is no number of a person
                let code = employer.mst.to_string();
                if code.len() == PIN_DIGITS {
                    numbers.push(PersonNumber::parse(&code)?);
                }
            }
        }
    }
    let number = (terms.kind == Kind::Person && terms.fields.contains(NUMBER)).then_some(NUMBER);
    let told = required(terms.kind).iter().copied().chain(number);
    Some((!numbers.is_empty()).then(|| Crowd {
        numbers,
        told: told.collect(),
    }))
}

const PIN_DIGITS: usize = 12;

#[cfg(test)]
mod tests {
    use std::{borrow::Cow, collections::BTreeSet};

    use schemas::{
        codes::province_set::ProvinceSet,
        id::{MessageId, PartnerId},
        wire::tax_records::{
            self as wire, Employer, Form, Head, NumberKey, Packing, Party, Person, PersonKey,
            Status, TaxKey,
        },
    };
    use tax::unpack::pack;

    use super::*;

    const PIN: &str = "099099000001";
    const OTHER: &str = "099199000002";

    fn terms(kind: Kind, form: Form, packing: Packing) -> Terms {
        Terms {
            partner: PartnerId::parse("tax").unwrap(),
            id: MessageId::parse("run.ours.2026-10.20261105T0800").unwrap(),
            kind,
            period: "2026-10".parse().unwrap(),
            provinces: ProvinceSet::of(&[1]),
            form,
            packing,
            fields: BTreeSet::from([NUMBER.to_owned()]),
            rule: "A-1/taxpayer.reconcile".to_owned(),
            purpose: "tax-compliance".to_owned(),
        }
    }

    fn chunk(terms: &Terms, records: &[Record<'_>]) -> Vec<u8> {
        let head = Head {
            party: Party::Si,
            kind: terms.kind,
            period: terms.period,
        };
        let mut text = Vec::new();
        wire::open(terms.form, head, &mut text);
        for record in records {
            wire::write(terms.form, Party::Si, record, &mut text);
        }
        wire::close(terms.form, &mut text);
        pack(terms.packing, &text).unwrap()
    }

    fn person(pin: &str, number: &str) -> Record<'static> {
        Record::Person(Person {
            person: PersonKey::parse(pin).unwrap(),
            number: NumberKey::parse(number).unwrap_or_default(),
            mst: TaxKey::parse("9900000016").unwrap(),
            province: 1,
            region: 4,
            name: Cow::Borrowed("Chuồn Chuồn Ớt"),
            born: 19_900_101,
            amount: 9_000_000,
            full: true,
        })
    }

    fn employer(code: &str) -> Record<'static> {
        Record::Employer(Employer {
            mst: TaxKey::parse(code).unwrap(),
            unit: "TA0001Z",
            province: 1,
            region: 4,
            status: Status::Active,
            name: Cow::Borrowed("Hợp tác xã Chuồn Chuồn Ớt"),
            address: Cow::Borrowed("12 ngõ Gạch"),
            count: 1,
            amount: 1,
            due: 1,
            paid: 1,
        })
    }

    fn indexed(crowd: Option<Crowd>) -> Vec<String> {
        let numbers = crowd.map(|crowd| crowd.numbers).unwrap_or_default();
        numbers.iter().map(PersonNumber::indexed).collect()
    }

    #[test]
    fn every_person_of_a_chunk_is_told_of_by_each_number_that_it_gives() {
        for form in [Form::Xml, Form::Ndjson] {
            for packing in [Packing::Plain, Packing::Gzip, Packing::Zstd] {
                let terms = terms(Kind::Person, form, packing);
                let packed = chunk(&terms, &[person(PIN, "9900000001"), person(OTHER, "")]);
                let crowd = told(&terms, &packed).unwrap();
                let fields = crowd.clone().unwrap().told;
                assert_eq!(fields.len(), required(Kind::Person).len() + 1);
                assert!(fields.contains(&"amount") && fields.contains(&NUMBER));
                let expected = [
                    format!("pin:{PIN}"),
                    "si:9900000001".to_owned(),
                    format!("pin:{OTHER}"),
                ];
                assert_eq!(indexed(crowd), expected);
            }
        }
    }

    #[test]
    fn of_employers_only_the_owner_of_a_household_is_a_person_and_of_enterprises_nobody() {
        let terms = terms(Kind::Employer, Form::Xml, Packing::Gzip);
        let packed = chunk(&terms, &[employer("9900000016"), employer(PIN)]);
        let crowd = told(&terms, &packed).unwrap();
        assert_eq!(crowd.clone().unwrap().told, required(Kind::Employer));
        assert_eq!(indexed(crowd), [format!("pin:{PIN}")]);
        let packed = chunk(&terms, &[employer("9900000016")]);
        assert_eq!(told(&terms, &packed), Some(None));
    }

    #[test]
    fn what_packs_far_better_than_a_chunk_of_strangers_may_is_read_and_what_is_no_chunk_is_not() {
        let terms = terms(Kind::Person, Form::Ndjson, Packing::Zstd);
        let same: Vec<_> = (0..20_000).map(|_| person(PIN, "")).collect();
        let packed = chunk(&terms, &same);
        assert!(unpack(Packing::Zstd, &packed, Bounds::default()).is_err());
        assert_eq!(indexed(told(&terms, &packed).unwrap()).len(), same.len());
        assert_eq!(told(&terms, &packed[..packed.len() - 9]), None);
        assert_eq!(told(&terms, b"no chunk"), None);
    }
}
