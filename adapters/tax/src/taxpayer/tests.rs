use std::sync::Mutex;
use std::{future::ready, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use gateway_core::{
    Road,
    outbound::Courier as _,
    partner::{Environment, Partner},
    ports::{Delivery, Leased},
    sign::{Letter, SignError},
};
use http::HeaderMap;
use jiff::Timestamp;
use roads::client::Answer as Response;
use schemas::{
    id::{MessageId, PartnerId},
    wire::tax::{
        Amount, Direction, Header, Refused, ResultKind, TaxpayerField,
        taxpayer::{Answer, Body, EmployerTold, ManyLine, ManyTold, Message, Question, read},
    },
};

use super::answer::{Asked, Said, Unfit, fitting};
use super::*;

mod notices;
mod persons;
mod sent;

fn words() -> Words {
    Words {
        about: "employer".into(),
        mst: "9900000016".into(),
        keys: Vec::new(),
        from: "2026-10".into(),
        to: "2026-10".into(),
        fields: ["status".to_owned(), "headcount".to_owned()].into(),
    }
}

fn tax() -> PartnerId {
    PartnerId::parse("tax").unwrap()
}

fn id() -> MessageId {
    MessageId::parse("vss-00000001").unwrap()
}

/// A house whose signature is a mark at the end, and a road that nobody takes.
struct Scene(Mutex<u32>);

impl House for Scene {
    fn us(&self) -> PartnerId {
        PartnerId::parse("vss").unwrap()
    }
    fn environment(&self) -> Environment {
        Environment::Sandbox
    }
    fn partner(&self) -> Option<Arc<Partner>> {
        None
    }
    fn now(&self) -> Timestamp {
        "2026-11-22T05:00:00.7Z".parse().unwrap()
    }
    fn sign(
        &self,
        canonical: Bytes,
        root_id: String,
        at: Timestamp,
    ) -> BoxFuture<'_, Result<Bytes, SignError>> {
        assert_eq!(root_id, "m-vss-00000001");
        assert_eq!(at, "2026-11-22T05:00:00Z".parse().unwrap());
        let mut signatures = self.0.lock().unwrap();
        *signatures += 1;
        let signed = match *signatures {
            1 => Ok([&canonical[..], b"<!signed>"].concat().into()),
            _ => Err(SignError::Full),
        };
        Box::pin(ready(signed))
    }

    fn seal(&self, letter: Letter, body: Bytes) -> BoxFuture<'_, Result<String, SignError>> {
        assert_eq!(letter.id, id());
        let text = String::from_utf8(body.to_vec()).unwrap();
        Box::pin(ready(Ok(format!("{} {text}", letter.operation))))
    }
}

impl Exchange for Scene {
    fn road(&self) -> Road {
        Road::Direct
    }

    fn post<'a>(
        &'a self,
        _: &'a MessageId,
        _: HeaderMap,
        _: Bytes,
    ) -> BoxFuture<'a, Result<Response, Failed>> {
        Box::pin(ready(Err(closed())))
    }

    fn put<'a>(
        &'a self,
        _: &'a MessageId,
        _: &'a str,
        _: HeaderMap,
        _: Bytes,
    ) -> BoxFuture<'a, Result<Response, Failed>> {
        Box::pin(ready(Err(closed())))
    }
}

fn closed() -> Failed {
    Failed {
        reason: "closed",
        is_unsent: false,
        again_after: None,
    }
}

fn desk() -> Desk {
    desk_in(Form::Xml)
}

fn desk_in(form: Form) -> Desk {
    let scene = Arc::new(Scene(Mutex::default()));
    let config = DeskConfig {
        retry_after: Duration::from_secs(1),
        retry_after_refusal: Duration::from_secs(60),
        timeout: Duration::from_secs(10),
        form,
    };
    Desk::new(config, tax(), Arc::<Scene>::clone(&scene), scene)
}

fn leased(words: &Words) -> Leased {
    let parcel = parcel(&tax(), &id(), words, None);
    Leased {
        id: parcel.id,
        subject: parcel.subject,
        sequence: parcel.sequence,
        kind: parcel.kind.to_owned(),
        content: parcel.content,
        class: parcel.class,
        due: None,
        attempts: 0,
        refusals: 0,
        lost: 0,
        reason: None,
        said: None,
        put_at: Timestamp::UNIX_EPOCH,
    }
}

#[test]
fn what_is_no_question_is_refused_by_its_word() {
    type Bend = fn(&mut Words);
    let cases: [(Bend, &str); 18] = [
        (|words| words.mst = "9900000017".into(), "tax-code"),
        (|words| words.from = "2026-13".into(), "month"),
        (|words| words.to = "2026-11".into(), "one-month"),
        (|words| words.fields.clear(), "fields"),
        (|words| words.fields.extend(["fund".to_owned()]), "field"),
        (|words| words.about = "everybody".into(), "about"),
        (|words| words.about = "individual".into(), "pin"),
        (|words| person(words, "2026-11"), "span-backwards"),
        (|words| person(words, "2020-01"), "span-too-long"),
        (|words| words.keys.push("9900000016".into()), "one-subject"),
        (|words| many(words, &["9900000017"]), "tax-code"),
        (
            |words| many(words, &["9900000016", "9900000016"]),
            "key-twice",
        ),
        (|words| many(words, &[]), "lines"),
        (
            |words| {
                many(words, &[]);
                words.keys = (0..1_001).map(|nth| nth.to_string()).collect();
            },
            "lines",
        ),
        (
            |words| {
                many(words, &["9900000016"]);
                words.mst = "9900000016".into();
            },
            "several-subjects",
        ),
        (
            |words| {
                many(words, &["9900000016"]);
                words.to = "2026-11".into();
            },
            "one-month",
        ),
        (
            |words| {
                people(words);
                words.keys.push("9900000016".into());
            },
            "pin",
        ),
        (
            |words| {
                people(words);
                words.fields = ["payers".to_owned()].into();
            },
            "field",
        ),
    ];
    for (bend, reason) in cases {
        let mut bent = words();
        bend(&mut bent);
        assert_eq!(bent.question(), Err(reason));
    }
    assert!(words().question().is_ok());
    let mut several = words();
    many(&mut several, &["9900000016", "9900000016-001"]);
    assert_eq!(several.question().unwrap().lines(), 2);
    people(&mut several);
    assert_eq!(several.question().unwrap().lines(), 1);
}

fn many(words: &mut Words, keys: &[&str]) {
    words.about = "employers".into();
    words.mst.clear();
    words.keys = keys.iter().map(|&key| key.to_owned()).collect();
}

fn people(words: &mut Words) {
    person(words, "2026-10");
    words.about = "individuals".into();
    words.keys = vec![std::mem::take(&mut words.mst)];
}

fn person(words: &mut Words, from: &str) {
    words.about = "individual".into();
    words.mst = "099300123456".into();
    words.from = from.into();
    words.fields = ["months".to_owned()].into();
}

#[test]
fn the_same_words_under_one_id_are_one_parcel_and_others_are_not() {
    let (first, again) = (
        parcel(&tax(), &id(), &words(), None),
        parcel(&tax(), &id(), &words(), None),
    );
    assert_eq!(first, again);
    let mut other = words();
    other.from = "2026-09".into();
    let other = parcel(&tax(), &id(), &other, None);
    assert_eq!(first.id, other.id);
    assert_ne!(first.subject, other.subject);
}

#[tokio::test]
async fn a_parcel_becomes_one_question_that_is_signed_as_it_stands_and_only_once() {
    let desk = desk();
    let (shipments, unsayable) = desk.pack(&[leased(&words())]);
    assert!(unsayable.is_empty());
    let shipment = shipments.into_iter().next().unwrap();
    assert_eq!(shipment.fields, ["headcount", "status"].into());
    let (message, _) = read(&shipment.body).unwrap();
    assert_eq!(message.header.message_id, id());
    assert_eq!(message.body, Body::Question(words().question().unwrap()));
    let plain = shipment.body.clone();
    let sealed = desk.seal(shipment.clone()).await.unwrap();
    assert!(sealed.body.starts_with(&plain) && sealed.body.ends_with(b"<!signed>"));
    let full = desk.seal(shipment).await.unwrap_err();
    assert!(matches!(
        full,
        Delivery::Retry {
            reason: "signing",
            ..
        }
    ));
}

#[tokio::test]
async fn in_json_the_same_question_is_sealed_under_its_operation() {
    let desk = desk_in(Form::Json);
    let (shipments, _) = desk.pack(&[leased(&words())]);
    let sealed = desk.seal(shipments[0].clone()).await.unwrap();
    let text = String::from_utf8(sealed.body.to_vec()).unwrap();
    let (operation, body) = text.split_once(' ').unwrap();
    assert_eq!(operation, "taxpayer.verify-employer");
    let said = schemas::wire::tax::taxpayer::json::decode_question(body.as_bytes());
    assert_eq!(said.unwrap(), words().question().unwrap());
}

#[test]
fn a_parcel_of_other_making_has_no_words() {
    let desk = desk();
    let good = leased(&words());
    for (bent, reason) in [
        (
            Leased {
                kind: "portal.sync".into(),
                ..good.clone()
            },
            "unknown-kind",
        ),
        (
            Leased {
                content: Bytes::from_static(b"{}"),
                ..good.clone()
            },
            "unreadable-content",
        ),
        (
            Leased {
                id: "ask.portal.vss-00000001".into(),
                ..good.clone()
            },
            "unreadable-id",
        ),
    ] {
        let (shipments, unsayable) = desk.pack(std::slice::from_ref(&bent));
        assert!(shipments.is_empty());
        assert_eq!(unsayable, [(bent.id, reason)]);
    }
}

fn asked() -> Asked {
    let (shipments, _) = desk().pack(&[leased(&words())]);
    let (message, _) = read(&shipments[0].body).unwrap();
    let Body::Question(question) = message.body else {
        unreachable!("a question was packed")
    };
    Asked {
        header: message.header,
        digest: [7; 32],
        said: Said::Question(question),
        is_json: false,
    }
}

fn told() -> EmployerTold {
    let Said::Question(Question::Employer(ask)) = asked().said else {
        unreachable!("an employer was asked about")
    };
    EmployerTold {
        result: ResultKind::HasData,
        mst: ask.mst,
        period: ask.period,
        status: None,
        name: None,
        address: None,
        headcount: Some(3),
        income_paid: None,
        not_disclosed: [TaxpayerField::Status].into(),
    }
}

fn answer(told: EmployerTold) -> Message {
    let asked = asked();
    let mut header = asked.header.clone();
    header.direction = Direction::Answer;
    (header.sender, header.receiver) = (header.receiver, header.sender);
    header.reply = Some(schemas::wire::tax::Reply {
        to: asked.header.message_id,
        digest: asked.digest,
    });
    Message {
        header,
        body: Body::Answer(Answer::Employer(Box::new(told))),
    }
}

#[test]
fn an_answer_counts_where_it_is_bound_to_the_question_and_to_nothing_else() {
    assert!(fitting(&asked(), answer(told())).is_ok());
    type Bend = fn(&mut Message);
    let cases: [(Bend, &str); 8] = [
        (|one| one.header.direction = Direction::Request, "no-answer"),
        (
            |one| one.body = Body::Question(words().question().unwrap()),
            "no-answer",
        ),
        (
            |one| one.header.environment = schemas::wire::tax::Environment::Test,
            "answer-of-another-environment",
        ),
        (
            |one| one.header.sender = PartnerId::parse("portal").unwrap(),
            "answer-of-another-sender",
        ),
        (
            |one| one.header.receiver = PartnerId::parse("portal").unwrap(),
            "answer-to-another-receiver",
        ),
        (
            |one| one.header.operation = "taxpayer.verify-individual".into(),
            "answer-of-another-operation",
        ),
        (|one| one.header.reply = None, "answer-of-another-question"),
        (
            |one| one.header.reply.as_mut().unwrap().digest = [8; 32],
            "answer-of-another-question",
        ),
    ];
    for (bend, reason) in cases {
        let mut bent = answer(told());
        bend(&mut bent);
        assert_eq!(fitting(&asked(), bent), Err(Unfit::Elsewhere(reason)));
    }
}

#[test]
fn an_answer_about_somebody_else_or_that_tells_more_is_not_taken() {
    type Bend = fn(&mut EmployerTold);
    let cases: [(Bend, &str); 5] = [
        (
            |told| told.mst = schemas::id::TaxId::parse("099300123456").unwrap(),
            "answer-of-another-subject",
        ),
        (
            |told| told.period = schemas::id::Period::parse("2026-09").unwrap(),
            "answer-of-another-subject",
        ),
        (|told| told.name = Some("An".into()), "answer-tells-more"),
        (
            |told| told.income_paid = Amount::new(1),
            "answer-tells-more",
        ),
        (
            |told| told.not_disclosed.extend([TaxpayerField::Headcount]),
            "answer-tells-more",
        ),
    ];
    for (bend, reason) in cases {
        let mut bent = told();
        bend(&mut bent);
        assert_eq!(fitting(&asked(), answer(bent)), Err(Unfit::Content(reason)));
    }
}

/// A question about two employers, and the answer to it.
fn two() -> (Asked, Vec<ManyLine>) {
    let mut words = words();
    many(&mut words, &["9900000016", "9900000016-001"]);
    let question = words.question().unwrap();
    let of = |mst: &str| EmployerTold {
        mst: schemas::id::TaxId::parse(mst).unwrap(),
        ..told()
    };
    let lines = ["9900000016", "9900000016-001"].map(|mst| ManyLine::Employer(Box::new(of(mst))));
    let mut asked = asked();
    asked.header.operation = question.operation().to_owned();
    let said = Said::Question(question);
    (Asked { said, ..asked }, lines.into())
}

#[test]
fn many_are_answered_line_by_line_each_about_its_own_number_and_no_more() {
    let message = |lines: Vec<ManyLine>| Message {
        header: Header {
            operation: "taxpayer.verify-many".into(),
            ..answer(told()).header
        },
        body: Body::Answer(Answer::Many(ManyTold { lines })),
    };
    let (asked, good) = two();
    assert!(fitting(&asked, message(good.clone())).is_ok());
    let refused = |key: &str| {
        ManyLine::Refused(Refused {
            key: key.to_owned(),
            code: schemas::fault::FaultCode::AmbiguousSubject,
            reason: "several-taxpayers".to_owned(),
        })
    };
    let partly = vec![good[0].clone(), refused("9900000016-001")];
    assert!(fitting(&asked, message(partly)).is_ok());
    let more = EmployerTold {
        name: Some("An".into()),
        ..told()
    };
    let cases = [
        (
            vec![good[1].clone(), good[0].clone()],
            "answer-of-another-subject",
        ),
        (vec![good[0].clone()], "answer-of-another-subject"),
        (
            [good.clone(), vec![good[0].clone()]].concat(),
            "answer-of-another-subject",
        ),
        (
            vec![good[0].clone(), refused("9900000016")],
            "answer-of-another-subject",
        ),
        (
            vec![ManyLine::Employer(Box::new(more)), good[1].clone()],
            "answer-tells-more",
        ),
    ];
    for (lines, reason) in cases {
        let judged = fitting(&asked, message(lines));
        assert_eq!(judged, Err(Unfit::Content(reason)));
    }
}

#[test]
fn a_question_about_many_asks_for_as_many_lines_and_its_own_fields() {
    let mut words = words();
    many(&mut words, &["9900000016", "9900000016-001"]);
    let (shipments, unsayable) = desk().pack(&[leased(&words)]);
    assert!(unsayable.is_empty());
    assert_eq!(shipments[0].lines, 2);
    assert_eq!(shipments[0].operation.name, "taxpayer.verify-many");
    assert_eq!(shipments[0].fields, ["headcount", "status"].into());
}
