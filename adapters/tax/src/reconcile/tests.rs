use std::{cell::Cell, collections::BTreeMap};

use proptest::prelude::*;
use schemas::{
    id::Period,
    wire::tax_records::{self as wire, Head, Reason, Record},
};

use super::*;
use crate::country::{Country, Size};

fn country(people: u64) -> Country {
    let size = Size {
        employees: people * 3 / 4,
        payees: people,
        employers: people / 20,
    };
    Country::new(size, Period::parse("2026-10").unwrap()).unwrap()
}

fn terms(country: &Country, us: Party, kind: Kind) -> Terms {
    Terms {
        us,
        kind,
        period: country.period(),
        rules: country.rules().clone(),
        disclosed: Disclosed::ALL,
        page_findings: 40,
        checkpoint_every: 70,
        records_max: 1_000_000,
        runs_max: 8,
    }
}

fn records(country: &Country, party: Party, kind: Kind) -> Vec<Record<'_>> {
    match kind {
        Kind::Employer => (0..country.employers())
            .flat_map(|nth| country.employer(party, nth))
            .flatten()
            .map(Record::Employer)
            .collect(),
        Kind::Person => (0..country.people())
            .flat_map(|nth| country.person(party, nth))
            .flatten()
            .map(Record::Person)
            .collect(),
    }
}

fn chunk(
    country: &Country,
    party: Party,
    kind: Kind,
    form: Form,
    records: &[Record<'_>],
) -> Vec<u8> {
    let mut out = Vec::new();
    wire::open(
        form,
        Head {
            party,
            kind,
            period: country.period(),
        },
        &mut out,
    );
    for record in records {
        wire::write(form, party, record, &mut out);
    }
    wire::close(form, &mut out);
    out
}

fn totals(records: &[Record<'_>]) -> Totals {
    let mut totals = Totals::default();
    for record in records {
        totals.add(record);
    }
    totals
}

fn opened<C: Cover>(
    dir: &tempfile::TempDir,
    cover: C,
    terms: Terms,
) -> Result<Reconciliation<C>, Refusal> {
    Reconciliation::open(Folder::open(dir.path(), cover)?, terms)
}

/// Sends both sides in chunks of `size`, in the order of `order`, seals and joins.
fn run<C: Cover>(
    reconciliation: &mut Reconciliation<C>,
    country: &Country,
    (size, form): (usize, Form),
    order: impl Fn(usize) -> usize,
) -> Result<(), Refusal> {
    let kind = reconciliation.terms.kind;
    for party in [Party::Si, Party::Tax] {
        let records = records(country, party, kind);
        let parts: Vec<&[Record<'_>]> = records.chunks(size).collect();
        let mut places: Vec<usize> = (0..parts.len()).collect();
        places.sort_by_key(|place| order(*place));
        for place in places {
            let bytes = chunk(country, party, kind, form, parts[place]);
            let number = u32::try_from(place + 1).unwrap();
            reconciliation.take(party, number, form, &bytes)?;
        }
        reconciliation.seal(party, u32::try_from(parts.len()).unwrap(), totals(&records))?;
    }
    assert_eq!(reconciliation.join(|_| true)?, Progress::Done);
    Ok(())
}

fn pages<C: Cover>(reconciliation: &Reconciliation<C>) -> Vec<String> {
    (1..=reconciliation.pages())
        .map(|number| String::from_utf8(reconciliation.page(number).unwrap()).unwrap())
        .collect()
}

fn whole(
    country: &Country,
    us: Party,
    kind: Kind,
    size: usize,
    form: Form,
    order: impl Fn(usize) -> usize,
) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let mut reconciliation = opened(&dir, Plain, terms(country, us, kind)).unwrap();
    run(&mut reconciliation, country, (size, form), order).unwrap();
    pages(&reconciliation)
}

/// Category, employer and person of each line.
fn told(pages: &[String]) -> Vec<(String, String, Option<String>)> {
    let lines = pages.iter().flat_map(|page| page.lines());
    lines
        .map(|line| {
            let value: serde_json::Value = serde_json::from_str(line).unwrap();
            let word = |name: &str| value[name].as_str().map(str::to_owned);
            (
                word("category").unwrap(),
                word("mst").unwrap(),
                word("person"),
            )
        })
        .collect()
}

fn seeded(country: &Country, kind: Kind) -> Vec<(String, String, Option<String>)> {
    let row = |seed: crate::country::Seeded, person| {
        (
            seed.category.code().to_owned(),
            seed.mst.to_string(),
            person,
        )
    };
    match kind {
        Kind::Employer => (0..country.employers())
            .filter_map(|nth| Some(row(country.employer_findings(nth)?, None)))
            .collect(),
        Kind::Person => (0..country.people())
            .filter_map(|nth| {
                Some(row(
                    country.person_findings(nth)?,
                    Some(country.pin(nth).text()),
                ))
            })
            .collect(),
    }
}

#[test]
fn what_is_found_is_what_was_seeded_in_both_forms_and_directions() {
    let country = country(4_000);
    for kind in [Kind::Employer, Kind::Person] {
        for (us, form) in [(Party::Si, Form::Xml), (Party::Tax, Form::Ndjson)] {
            let pages = whole(&country, us, kind, 333, form, |place| place);
            assert_eq!(
                told(&pages),
                seeded(&country, kind),
                "{kind:?} {us:?} {form:?}"
            );
        }
    }
}

#[test]
fn the_summary_counts_what_the_pages_tell_by_category_and_province() {
    let country = country(2_000);
    let dir = tempfile::tempdir().unwrap();
    let mut reconciliation = opened(&dir, Plain, terms(&country, Party::Si, Kind::Person)).unwrap();
    run(&mut reconciliation, &country, (500, Form::Xml), |place| {
        place
    })
    .unwrap();
    let mut counted: BTreeMap<(String, u8), u64> = BTreeMap::new();
    for line in pages(&reconciliation).iter().flat_map(|page| page.lines()) {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        let province = value["province"].as_str().unwrap().parse().unwrap();
        *counted
            .entry((value["category"].as_str().unwrap().to_owned(), province))
            .or_default() += 1;
    }
    let summary: BTreeMap<_, _> = reconciliation
        .summary()
        .rows()
        .map(|(code, province, count)| ((code.to_owned(), province), count))
        .collect();
    assert_eq!(summary, counted);
    assert_eq!(
        reconciliation.summary().total(),
        counted.values().sum::<u64>()
    );
    assert!(reconciliation.count(Category::Uninsured) > 400);
}

#[test]
fn no_page_but_the_last_is_shorter_than_agreed_and_none_is_longer() {
    let country = country(2_000);
    let pages = whole(&country, Party::Si, Kind::Person, 500, Form::Xml, |place| {
        place
    });
    let (last, full) = pages.split_last().unwrap();
    assert!(full.len() > 10 && full.iter().all(|page| page.lines().count() == 40));
    assert!((1..=40).contains(&last.lines().count()));
}

#[test]
fn more_runs_than_can_be_read_side_by_side_give_the_same_pages() {
    let country = country(300);
    let expected = whole(
        &country,
        Party::Si,
        Kind::Person,
        5_000,
        Form::Xml,
        |place| place,
    );
    let scattered = whole(
        &country,
        Party::Si,
        Kind::Person,
        3,
        Form::Ndjson,
        |place| place * 7_919 % 1_009,
    );
    assert_eq!(scattered, expected);
}

/// A disk that fails at the nth block and ever after, as for a process that was killed there.
struct Dying {
    blocks_left: Cell<u32>,
}

impl Cover for Dying {
    fn seal(&self, _file: &str, _at: u64, plain: &[u8]) -> io::Result<Vec<u8>> {
        let left = self
            .blocks_left
            .get()
            .checked_sub(1)
            .ok_or(io::ErrorKind::StorageFull)?;
        self.blocks_left.set(left);
        Ok(plain.to_vec())
    }

    fn open(&self, _file: &str, _at: u64, sealed: Vec<u8>) -> io::Result<Vec<u8>> {
        Ok(sealed)
    }
}

#[test]
fn killed_at_every_single_write_it_goes_on_and_tells_the_same_bytes() {
    let country = country(900);
    for (kind, size) in [(Kind::Employer, 4), (Kind::Person, 100)] {
        let expected = whole(&country, Party::Tax, kind, size, Form::Xml, |place| place);
        let dir = tempfile::tempdir().unwrap();
        let mut deaths = 0;
        // One block and one state file are what must fit between two deaths; the number of blocks changes so that
        // every write is once the last one.
        for blocks in (3..9).cycle() {
            std::fs::write(dir.path().join("page-000999.ndjson"), "left over").unwrap();
            let dying = Dying {
                blocks_left: Cell::new(blocks),
            };
            let mut reconciliation =
                opened(&dir, dying, terms(&country, Party::Tax, kind)).unwrap();
            match run(&mut reconciliation, &country, (size, Form::Xml), |place| {
                place
            }) {
                Ok(()) => break,
                Err(Refusal::Io(_)) => deaths += 1,
                Err(other) => panic!("{other}"),
            }
            assert!(deaths < 1_000, "it never ends");
        }
        let reconciliation = opened(&dir, Plain, terms(&country, Party::Tax, kind)).unwrap();
        assert_eq!(pages(&reconciliation), expected);
        assert!(deaths > 3, "{kind:?}: {deaths}");
    }
}

#[test]
fn a_join_that_is_paused_goes_on_where_it_stood() {
    let country = country(900);
    let expected = whole(&country, Party::Si, Kind::Person, 100, Form::Xml, |place| {
        place
    });
    let dir = tempfile::tempdir().unwrap();
    let terms = terms(&country, Party::Si, Kind::Person);
    let mut reconciliation = opened(&dir, Plain, terms.clone()).unwrap();
    for party in [Party::Si, Party::Tax] {
        let records = records(&country, party, Kind::Person);
        let bytes = chunk(&country, party, Kind::Person, Form::Xml, &records);
        reconciliation.take(party, 1, Form::Xml, &bytes).unwrap();
        reconciliation.seal(party, 1, totals(&records)).unwrap();
    }
    let mut steps = Vec::new();
    while reconciliation
        .join(|done| {
            steps.push(done);
            false
        })
        .unwrap()
        == Progress::Paused
    {
        reconciliation = opened(&dir, Plain, terms.clone()).unwrap();
    }
    assert_eq!(steps, (1..=12).map(|step| step * 70).collect::<Vec<_>>());
    assert_eq!(pages(&reconciliation), expected);
    assert_eq!(
        reconciliation.join(|_| panic!("done is done")).unwrap(),
        Progress::Done
    );
}

fn nothing_taken(reconciliation: &Reconciliation<Plain>) {
    for party in [Party::Si, Party::Tax] {
        assert_eq!(reconciliation.taken(party), Totals::default());
        assert!(reconciliation.chunks(party).is_empty());
    }
}

#[test]
fn a_chunk_that_is_not_what_was_agreed_is_refused_and_changes_nothing() {
    let country = country(100);
    let dir = tempfile::tempdir().unwrap();
    let small = Terms {
        records_max: 50,
        ..terms(&country, Party::Si, Kind::Person)
    };
    let mut reconciliation = opened(&dir, Plain, small).unwrap();
    let all = records(&country, Party::Tax, Kind::Person);
    let few = chunk(&country, Party::Tax, Kind::Person, Form::Xml, &all[..3]);
    let mut take =
        |party, bytes: &[u8]| reconciliation.take(party, 1, Form::Xml, bytes).unwrap_err();
    assert!(matches!(take(Party::Si, &few), Refusal::Head));
    let employers = chunk(&country, Party::Tax, Kind::Employer, Form::Xml, &[]);
    assert!(matches!(take(Party::Tax, &employers), Refusal::Head));
    let twice = chunk(
        &country,
        Party::Tax,
        Kind::Person,
        Form::Xml,
        &[all[0].clone(), all[1].clone(), all[0].clone()],
    );
    assert!(matches!(take(Party::Tax, &twice), Refusal::RecordTwice));
    let many = chunk(&country, Party::Tax, Kind::Person, Form::Xml, &all[..51]);
    assert!(matches!(take(Party::Tax, &many), Refusal::TooMany));
    let refused = take(Party::Tax, &few[..few.len() - 5]);
    assert!(
        matches!(refused, Refusal::Records(error) if error.reason == Reason::Malformed || error.reason == Reason::Truncated)
    );
    nothing_taken(&reconciliation);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn another_month_than_agreed_is_refused() {
    let country = country(100);
    let dir = tempfile::tempdir().unwrap();
    let mut reconciliation = opened(&dir, Plain, terms(&country, Party::Si, Kind::Person)).unwrap();
    let mut bytes = chunk(&country, Party::Tax, Kind::Person, Form::Xml, &[]);
    let at = bytes
        .windows(7)
        .position(|window| window == b"2026-10")
        .unwrap();
    bytes[at + 6] = b'1';
    let refused = reconciliation.take(Party::Tax, 1, Form::Xml, &bytes);
    assert!(matches!(refused, Err(Refusal::Head)));
    nothing_taken(&reconciliation);
}

#[test]
fn a_chunk_sent_again_is_told_again_and_taken_once() {
    let country = country(100);
    let dir = tempfile::tempdir().unwrap();
    let mut reconciliation = opened(&dir, Plain, terms(&country, Party::Si, Kind::Person)).unwrap();
    let all = records(&country, Party::Tax, Kind::Person);
    let bytes = chunk(&country, Party::Tax, Kind::Person, Form::Ndjson, &all);
    let first = reconciliation
        .take(Party::Tax, 1, Form::Ndjson, &bytes)
        .unwrap();
    assert_eq!(
        reconciliation
            .take(Party::Tax, 1, Form::Ndjson, &bytes)
            .unwrap(),
        first
    );
    assert_eq!(reconciliation.taken(Party::Tax), totals(&all));
    reconciliation.seal(Party::Tax, 1, totals(&all)).unwrap();
    let late = reconciliation.take(Party::Tax, 2, Form::Ndjson, &bytes);
    assert!(matches!(late, Err(Refusal::Sealed)));
}

#[test]
fn records_of_our_own_are_taken_as_chunks_are() {
    let country = country(400);
    let expected = whole(&country, Party::Si, Kind::Person, 100, Form::Xml, |place| {
        place
    });
    let dir = tempfile::tempdir().unwrap();
    let mut reconciliation = opened(&dir, Plain, terms(&country, Party::Si, Kind::Person)).unwrap();
    for party in [Party::Si, Party::Tax] {
        let records = records(&country, party, Kind::Person);
        for (number, part) in (1..).zip(records.chunks(150)) {
            for _ in 0..2 {
                let taken = reconciliation
                    .take_records(party, number, part.iter().cloned())
                    .unwrap();
                assert_eq!(taken, totals(part));
            }
        }
        let chunks = u32::try_from(records.len().div_ceil(150)).unwrap();
        reconciliation
            .seal(party, chunks, totals(&records))
            .unwrap();
        let late = reconciliation.take_records(party, 99, []);
        assert!(matches!(late, Err(Refusal::Sealed)));
    }
    reconciliation.join(|_| true).unwrap();
    assert_eq!(pages(&reconciliation), expected);
}

#[test]
fn totals_that_do_not_add_up_are_refused_and_the_side_stays_open() {
    let country = country(100);
    let dir = tempfile::tempdir().unwrap();
    let mut reconciliation = opened(&dir, Plain, terms(&country, Party::Si, Kind::Person)).unwrap();
    let all = records(&country, Party::Tax, Kind::Person);
    let bytes = chunk(&country, Party::Tax, Kind::Person, Form::Xml, &all);
    reconciliation
        .take(Party::Tax, 1, Form::Xml, &bytes)
        .unwrap();
    let right = totals(&all);
    for (chunks, announced) in [
        (2, right),
        (0, right),
        (
            1,
            Totals {
                records: right.records + 1,
                ..right
            },
        ),
        (
            1,
            Totals {
                amount: right.amount - 1,
                ..right
            },
        ),
    ] {
        assert!(matches!(
            reconciliation.seal(Party::Tax, chunks, announced),
            Err(Refusal::Totals)
        ));
    }
    assert!(matches!(
        reconciliation.join(|_| true),
        Err(Refusal::NotSealed)
    ));
    reconciliation.seal(Party::Tax, 1, right).unwrap();
    reconciliation.seal(Party::Tax, 1, right).unwrap();
}

#[test]
fn a_record_in_two_chunks_is_refused_when_they_meet() {
    let country = country(100);
    let dir = tempfile::tempdir().unwrap();
    let mut reconciliation = opened(&dir, Plain, terms(&country, Party::Si, Kind::Person)).unwrap();
    let all = records(&country, Party::Tax, Kind::Person);
    let bytes = chunk(&country, Party::Tax, Kind::Person, Form::Xml, &all[..2]);
    for number in [1, 2] {
        reconciliation
            .take(Party::Tax, number, Form::Xml, &bytes)
            .unwrap();
    }
    let announced = reconciliation.taken(Party::Tax);
    reconciliation.seal(Party::Tax, 2, announced).unwrap();
    reconciliation
        .seal(Party::Si, 0, Totals::default())
        .unwrap();
    assert!(matches!(
        reconciliation.join(|_| true),
        Err(Refusal::RecordTwice)
    ));
    assert_eq!(reconciliation.pages(), 0);
}

#[test]
fn a_folder_of_other_terms_or_with_a_damaged_state_is_refused() {
    let country = country(100);
    let dir = tempfile::tempdir().unwrap();
    let mut reconciliation = opened(&dir, Plain, terms(&country, Party::Si, Kind::Person)).unwrap();
    reconciliation
        .seal(Party::Si, 0, Totals::default())
        .unwrap();
    let other = |us, kind| opened(&dir, Plain, terms(&country, us, kind)).map(|_| ());
    assert!(matches!(
        other(Party::Tax, Kind::Person),
        Err(Refusal::Folder)
    ));
    assert!(matches!(
        other(Party::Si, Kind::Employer),
        Err(Refusal::Folder)
    ));
    assert!(other(Party::Si, Kind::Person).is_ok());
    std::fs::write(dir.path().join("state.json"), "{}").unwrap();
    assert!(matches!(
        other(Party::Si, Kind::Person),
        Err(Refusal::Folder)
    ));
}

#[test]
fn values_are_on_the_pages_only_where_they_may_be_shown() {
    let country = country(2_000);
    let dir = tempfile::tempdir().unwrap();
    let hidden = Terms {
        disclosed: Disclosed::NONE,
        ..terms(&country, Party::Si, Kind::Person)
    };
    let mut reconciliation = opened(&dir, Plain, hidden).unwrap();
    run(&mut reconciliation, &country, (500, Form::Xml), |place| {
        place
    })
    .unwrap();
    let pages = pages(&reconciliation);
    assert_eq!(told(&pages), seeded(&country, Kind::Person));
    let text = pages.concat();
    assert!(
        !["ours", "theirs", "expected"]
            .iter()
            .any(|word| text.contains(word))
    );
    assert!(text.contains("\"field\":\"name\"") && text.contains("\"why\":["));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn however_a_side_is_split_and_in_whatever_order_it_comes_the_pages_are_the_same(
        size in 20_usize..200, salt in 1_usize..1_000, xml: bool
    ) {
        let country = country(400);
        let form = if xml { Form::Xml } else { Form::Ndjson };
        for kind in [Kind::Employer, Kind::Person] {
            let expected = whole(&country, Party::Si, kind, 10_000, Form::Xml, |place| place);
            let split = whole(&country, Party::Si, kind, size, form, |place| place * salt % 997);
            prop_assert_eq!(split, expected);
        }
    }
}
