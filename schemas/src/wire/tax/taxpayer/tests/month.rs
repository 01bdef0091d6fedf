//! A month of ours: its manifest, and the pages of what was found in it.

use super::*;

pub(super) fn manifest() -> MessageId {
    MessageId::parse("run.ours.2026-10.20261105T0800").unwrap()
}

pub(super) fn our_month() -> Message {
    let chunk = Chunk {
        sha256: [0x5a; 32],
        bytes: 16 << 20,
        records: 50_000,
        amount: 500_000_000_000,
    };
    question(Question::Reconcile(Box::new(Reconcile {
        manifest: manifest(),
        kind: Kind::Person,
        period: period("2026-10"),
        provinces: ProvinceSet::of(&[1, 79]),
        form: Form::Ndjson,
        packing: Packing::Zstd,
        records: 100_000,
        amount: 1_000_000_000_000,
        chunks: vec![chunk; 2],
        purpose: "tax-compliance".to_owned(),
    })))
}

pub(super) fn found_in_it(page: u32) -> Message {
    question(Question::Result(ReconcileResult {
        manifest: manifest(),
        page,
        purpose: "tax-compliance".to_owned(),
    }))
}

pub(super) fn finding() -> FindingLine {
    FindingLine {
        category: "P-BASE".to_owned(),
        field: "amount".to_owned(),
        mst: "9900000016".to_owned(),
        person: Some("099300123456".to_owned()),
        province: "01".to_owned(),
        ours: Some("5000000".to_owned()),
        theirs: None,
        expected: Some(7_000_000),
        score: None,
        why: vec!["capped".to_owned()],
    }
}

pub(super) fn page(page: u32, state: ReconcileState) -> Message {
    let done = state == ReconcileState::Done;
    let row = SummaryRow {
        category: "P-BASE".to_owned(),
        province: "01".to_owned(),
        count: 1,
    };
    let told = ReconcileResultPage {
        manifest: manifest(),
        state,
        reason: (state == ReconcileState::Refused).then(|| "record-twice".to_owned()),
        progress: 100,
        page,
        pages: if done { 3 } else { 0 },
        found: u64::from(done),
        summary: if done && page == 0 { vec![row] } else { vec![] },
        findings: if page > 0 { vec![finding()] } else { vec![] },
        not_disclosed: vec!["name".to_owned()],
    };
    let chain = done.then_some([0xc4; 32]);
    let told = SentPage { told, chain };
    answer(RECONCILE_RESULT, Answer::Page(Box::new(told)))
}

#[test]
fn a_page_has_its_chain_when_it_is_done_and_not_before() {
    let done = text(&page(3, ReconcileState::Done));
    for bent in [
        done.replace("<State>done", "<State>comparing"),
        done.split("<Chain>").next().unwrap().to_owned()
            + "</ReconcileResultPage></TaxpayerMessage>",
    ] {
        let refused = wrong("Chain", "chain-of-another-state");
        assert_eq!(read(bent.as_bytes()), refused, "{bent}");
    }
    let upper = done.replace("c4c4", "C4C4");
    assert!(read(upper.as_bytes()).is_err());
}

#[test]
fn a_chain_is_of_every_part_of_every_finding_and_of_their_order() {
    let start = [7; 32];
    let two = [finding(), FindingLine::default()];
    let whole = chained(&start, &two);
    assert_eq!(whole.get(..32), Some(&start[..]));
    let bends: [fn(&mut FindingLine); 10] = [
        |one| one.category.push('X'),
        |one| one.field.push('x'),
        |one| one.mst.push('0'),
        |one| one.person = None,
        |one| one.province = "02".to_owned(),
        |one| one.ours = None,
        |one| one.theirs = Some("1".to_owned()),
        |one| one.expected = Some(7),
        |one| one.score = Some(7),
        |one| one.why.clear(),
    ];
    for bend in bends {
        let mut bent = two.clone();
        bend(&mut bent[0]);
        assert_ne!(chained(&start, &bent), whole);
    }
    let mut moved = two.clone();
    moved.reverse();
    assert_ne!(chained(&start, &moved), whole);
    // a part cannot be taken for the one beside it
    let mut shifted = two.clone();
    shifted[0].theirs = shifted[0].ours.take();
    assert_ne!(chained(&start, &shifted), whole);
}
