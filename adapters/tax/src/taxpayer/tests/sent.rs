//! Our own month: what its parcels say, and which answers are theirs.

use std::collections::BTreeSet;

use gateway_core::{bulk::Ticket, outbound::Courier as _, ports::Parcel};
use schemas::{
    codes::province_set::ProvinceSet,
    wire::{
        tax::{
            FindingLine, ReconcileChunkReceipt, ReconcileReceipt, ReconcileResultPage,
            ReconcileState, SummaryRow,
            taxpayer::{Answer, Body, Message, Question, SentPage, read},
        },
        tax_records::{Form, Kind, Packing, Party},
    },
};

use super::super::{
    answer::{Asked, Said, Unfit, fitting},
    sent::{NUMBER, chunk_parcel, manifest_parcel, page_parcel, required},
    *,
};
use super::{asked, desk, leased, tax, words};
use crate::reconcile::{Announced, Manifest, Totals};

fn manifest() -> Manifest {
    let totals = |records| Totals {
        records,
        amount: records * 5_000_000,
    };
    let chunk = |byte, records| Announced {
        digest: [byte; 32],
        bytes: 1_000,
        totals: totals(records),
    };
    Manifest {
        id: "run.ours.2026-10.20261105T0800".parse_id(),
        party: Party::Si,
        kind: Kind::Person,
        period: "2026-10".parse().unwrap(),
        scope: ProvinceSet::of(&[1, 79]),
        form: Form::Ndjson,
        packing: Packing::Zstd,
        chunks: vec![chunk(1, 2), chunk(2, 3)],
        totals: totals(5),
    }
}

trait ParseId {
    fn parse_id(&self) -> schemas::id::MessageId;
}

impl ParseId for str {
    fn parse_id(&self) -> schemas::id::MessageId {
        schemas::id::MessageId::parse(self).unwrap()
    }
}

fn granted() -> BTreeSet<String> {
    let all = required(Kind::Person).iter().chain([&NUMBER]);
    all.map(|&field| field.to_owned()).collect()
}

fn lease(parcel: Parcel) -> gateway_core::ports::Leased {
    gateway_core::ports::Leased {
        id: parcel.id,
        subject: parcel.subject,
        sequence: parcel.sequence,
        kind: parcel.kind.to_owned(),
        content: parcel.content,
        ..leased(&words())
    }
}

#[test]
fn a_month_goes_in_its_order_with_what_has_to_be_granted_for_it() {
    let (partner, manifest, fields) = (tax(), manifest(), granted());
    let first = manifest_parcel(&partner, &manifest, &fields);
    assert_eq!(first.id, sent::manifest_parcel_id(&partner, &manifest.id));
    let second = chunk_parcel(&partner, &manifest, 2, &fields).unwrap();
    assert_eq!(first.subject, second.subject);
    assert!(first.sequence < second.sequence);
    assert_eq!(chunk_parcel(&partner, &manifest, 3, &fields), None);
    assert_eq!(chunk_parcel(&partner, &manifest, 0, &fields), None);

    let all = [lease(first), lease(second)];
    let (shipments, unsayable) = desk().pack(&all);
    assert_eq!(unsayable, []);
    let wanted: BTreeSet<&str> = fields.iter().map(String::as_str).collect();
    for shipment in &shipments {
        assert_eq!(shipment.operation.name, wire::RECONCILE);
        assert_eq!(shipment.fields, wanted);
        assert_eq!(shipment.provinces, Some(manifest.scope));
    }
    let (message, _) = read(&shipments[0].body).unwrap();
    let Body::Question(Question::Reconcile(said)) = message.body else {
        panic!("a manifest");
    };
    assert_eq!(message.header.message_id, manifest.id);
    assert_eq!((said.records, said.chunks.len()), (5, 2));
    // no byte of a chunk stands in what is recorded
    let ticket = Ticket::parse(&shipments[1].body).unwrap();
    assert_eq!((ticket.chunk.number, ticket.sha256), (2, [2; 32]));
    assert_eq!(ticket.sender.as_str(), "vss");
}

#[test]
fn each_question_for_a_page_is_one_of_its_own() {
    let (partner, id) = (tax(), manifest().id);
    let parcels = [(0, 1), (0, 2), (1, 1), (2, 1)].map(|(page, nth)| {
        let parcel = page_parcel(&partner, &id, page, nth);
        (parcel.sequence, parcel.id.clone(), lease(parcel))
    });
    assert!(parcels.is_sorted_by_key(|(sequence, ..)| *sequence));
    let leases = parcels.map(|(_, _, leased)| leased);
    let (shipments, _) = desk().pack(&leases);
    let ids: BTreeSet<String> = shipments
        .iter()
        .map(|shipment| {
            read(&shipment.body)
                .unwrap()
                .0
                .header
                .message_id
                .to_string()
        })
        .collect();
    assert_eq!(ids.len(), 4);
}

#[test]
fn a_parcel_of_a_month_that_says_something_else_is_unsayable() {
    let (partner, manifest) = (tax(), manifest());
    let theirs = Manifest {
        party: Party::Tax,
        ..manifest.clone()
    };
    let stranger: BTreeSet<String> = ["colour".to_owned()].into();
    for parcel in [
        manifest_parcel(&partner, &theirs, &granted()),
        manifest_parcel(&partner, &manifest, &stranger),
        chunk_parcel(&partner, &manifest, 1, &stranger).unwrap(),
    ] {
        let bent = lease(parcel);
        let (shipments, unsayable) = desk().pack(std::slice::from_ref(&bent));
        assert!(shipments.is_empty());
        assert_eq!(unsayable, [(bent.id, "unreadable-content")]);
    }
}

/// An answer to something that we said, bound to it.
fn bound(said: Said, operation: &str, answer: Answer) -> (Asked, Message) {
    let mut asked = Asked { said, ..asked() };
    operation.clone_into(&mut asked.header.operation);
    let mut header = asked.header.clone();
    header.direction = schemas::wire::tax::Direction::Answer;
    (header.sender, header.receiver) = (header.receiver, header.sender);
    header.reply = Some(schemas::wire::tax::Reply {
        to: asked.header.message_id.clone(),
        digest: asked.digest,
    });
    let body = Body::Answer(answer);
    (asked, Message { header, body })
}

fn page(number: u32) -> SentPage {
    let row = SummaryRow {
        category: "P-BASE".to_owned(),
        province: "01".to_owned(),
        count: 1,
    };
    SentPage {
        told: ReconcileResultPage {
            manifest: manifest().id,
            state: ReconcileState::Done,
            reason: None,
            progress: 100,
            page: number,
            pages: 2,
            found: 1,
            summary: if number == 0 { vec![row] } else { Vec::new() },
            findings: match number {
                0 => Vec::new(),
                _ => vec![FindingLine::default()],
            },
            not_disclosed: Vec::new(),
        },
        chain: Some([7; 32]),
    }
}

#[test]
fn a_page_is_of_the_month_and_of_the_number_that_was_asked_for_and_no_larger() {
    let fits = |asked: u32, page: SentPage| {
        let question = Question::Result(schemas::wire::tax::ReconcileResult {
            manifest: manifest().id,
            page: asked,
            purpose: PURPOSE.to_owned(),
        });
        let answer = Answer::Page(Box::new(page));
        let (asked, message) = bound(Said::Question(question), wire::RECONCILE_RESULT, answer);
        fitting(&asked, message).map(drop)
    };
    for number in 0..=2 {
        assert_eq!(fits(number, page(number)), Ok(()));
    }
    type Bend = fn(&mut ReconcileResultPage);
    let cases: [(u32, Bend, &str); 7] = [
        (
            1,
            |told| told.manifest = "run.ours.2026-09.20261005T0800".parse_id(),
            "answer-of-another-subject",
        ),
        (1, |told| told.page = 2, "answer-of-another-page"),
        (1, |told| told.pages = 0, "answer-of-another-page"),
        (
            1,
            |told| told.findings = vec![FindingLine::default(); 501],
            "page-too-large",
        ),
        (
            0,
            |told| told.findings = vec![FindingLine::default()],
            "answer-tells-more",
        ),
        (
            1,
            |told| told.state = ReconcileState::Comparing,
            "answer-tells-more",
        ),
        (
            1,
            |told| told.summary = page(0).told.summary,
            "answer-tells-more",
        ),
    ];
    for (number, bend, reason) in cases {
        let mut bent = page(number);
        bend(&mut bent.told);
        assert_eq!(fits(number, bent), Err(Unfit::Content(reason)), "{reason}");
    }
}

#[test]
fn a_receipt_is_of_all_that_was_announced() {
    let wanted = ReconcileChunkReceipt {
        manifest: manifest().id,
        number: 2,
        records: 3,
        amount: 15_000_000,
    };
    let fits = |told: ReconcileChunkReceipt| {
        let said = Said::Chunk(wanted.clone());
        let (asked, message) = bound(said, wire::RECONCILE_CHUNK, Answer::Chunk(told));
        fitting(&asked, message).map(drop)
    };
    assert_eq!(fits(wanted.clone()), Ok(()));
    for bent in [
        ReconcileChunkReceipt {
            number: 1,
            ..wanted.clone()
        },
        ReconcileChunkReceipt {
            records: 2,
            ..wanted.clone()
        },
        ReconcileChunkReceipt {
            amount: 1,
            ..wanted.clone()
        },
    ] {
        let refused = Unfit::Content("answer-of-another-subject");
        assert_eq!(fits(bent), Err(refused));
    }
    let (shipments, _) = desk().pack(&[lease(manifest_parcel(&tax(), &manifest(), &granted()))]);
    let Body::Question(question) = read(&shipments[0].body).unwrap().0.body else {
        panic!("a manifest");
    };
    for (chunks, verdict) in [
        (2, Ok(())),
        (1, Err(Unfit::Content("answer-of-another-subject"))),
    ] {
        let manifest = manifest().id;
        let answer = Answer::Taken(ReconcileReceipt { manifest, chunks });
        let said = Said::Question(question.clone());
        let (asked, message) = bound(said, wire::RECONCILE, answer);
        assert_eq!(fitting(&asked, message).map(drop), verdict);
    }
}

#[test]
fn what_one_chunk_lacks_holds_back_nothing_else_and_what_the_department_lacks_does() {
    let desk = desk();
    for own in ["chunk-unread", "chunk-bytes-lost", "unwritable"] {
        assert!(desk.is_of_parcel(own), "{own}");
    }
    for theirs in [
        "department-busy",
        "http-status",
        "signing",
        "answer-not-proven",
    ] {
        assert!(!desk.is_of_parcel(theirs), "{theirs}");
    }
}
