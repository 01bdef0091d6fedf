//! What the tests of this package have in common: a registry in ten lines, a permit, an answer's head.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Mutex,
    time::Duration,
};

use futures_util::future::BoxFuture;
use gateway_core::{
    AnswerHead, Context, Evidence, Operation, Road,
    bulk::Ticket,
    partner::{Agreement, Environment, Grant, Partner, Quota},
    policy::{self, Permit, Question as PolicyQuestion},
};
use jiff::{Timestamp, civil::date};
use schemas::{
    codes::province_set::ProvinceSet,
    fault::{Fault, FaultCode},
    id::{MessageId, PartnerId, Period, Pin, TaxId},
    proto::insurance::{
        ArrearsAge, D02Change, Discrepancy, GetContributionsRequest, GetContributionsResponse,
        GetParticipationRequest, GetParticipationResponse, MoveDiscrepancyRequest, Notice,
        ParticipationState, RecordNoticeResponse, Stretch, Unit, Units,
    },
    wire::tax::{
        Asked, FieldName, Key, LookUpNotices, NoticesHeld, PersonField, Ping, Question,
        ResendNotices, Span, Subject, VerifyEmployer, VerifyIndividual, VerifyMany,
    },
};

use crate::{
    Contributors, Disputes, Employers, NoticeBook, Notices, Reconciliations, Told, VERIFY_EMPLOYER,
    VERIFY_INDIVIDUAL, VERIFY_MANY,
    reconcile::{Manifest, Totals},
};

/// Answers always the same and remembers what it was asked.
pub(crate) struct Registry {
    answer: Result<GetParticipationResponse, Fault>,
    person: Result<GetContributionsResponse, Fault>,
    asked: Mutex<Vec<GetParticipationRequest>>,
    asked_of_people: Mutex<Vec<GetContributionsRequest>>,
    told: Mutex<Vec<Notice>>,
    disputed: Mutex<Vec<MoveDiscrepancyRequest>>,
}

impl Registry {
    pub(crate) fn answering(answer: Result<GetParticipationResponse, Fault>) -> Self {
        Self {
            answer,
            person: Ok(contributed()),
            asked: Mutex::new(Vec::new()),
            disputed: Mutex::new(Vec::new()),
            asked_of_people: Mutex::new(Vec::new()),
            told: Mutex::new(Vec::new()),
        }
    }

    pub(crate) fn telling(person: Result<GetContributionsResponse, Fault>) -> Self {
        Self {
            person,
            ..Self::answering(Ok(response()))
        }
    }

    pub(crate) fn disputed(&self) -> Vec<MoveDiscrepancyRequest> {
        self.disputed.lock().unwrap().clone()
    }

    pub(crate) fn told(&self) -> Vec<Notice> {
        self.told.lock().unwrap().clone()
    }

    pub(crate) fn asked_of_people(&self) -> Vec<GetContributionsRequest> {
        self.asked_of_people.lock().unwrap().clone()
    }

    pub(crate) fn asked(&self) -> Vec<GetParticipationRequest> {
        self.asked.lock().unwrap().clone()
    }
}

impl Employers for Registry {
    fn participation(
        &self,
        _: Context,
        request: GetParticipationRequest,
    ) -> BoxFuture<'_, Result<GetParticipationResponse, Fault>> {
        self.asked.lock().unwrap().push(request);
        Box::pin(std::future::ready(self.answer.clone()))
    }
}

impl Contributors for Registry {
    fn contributions(
        &self,
        _: Context,
        request: GetContributionsRequest,
    ) -> BoxFuture<'_, Result<GetContributionsResponse, Fault>> {
        self.asked_of_people.lock().unwrap().push(request);
        Box::pin(std::future::ready(self.person.clone()))
    }
}

/// Nothing in bulk is kept here.
impl Reconciliations for Registry {
    fn announce(&self, _: Context, _: Manifest) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn take(&self, _: Context, _: &Ticket) -> BoxFuture<'_, Result<Totals, Fault>> {
        Box::pin(std::future::ready(Ok(Totals::default())))
    }

    fn result(&self, _: Context, _: &MessageId, _: u32) -> BoxFuture<'_, Result<Told, Fault>> {
        let fault = Fault::new(FaultCode::UnknownSubject, "manifest-unknown");
        Box::pin(std::future::ready(Err(fault)))
    }
}

impl Notices for Registry {
    fn record(
        &self,
        _: Context,
        notice: Notice,
    ) -> BoxFuture<'_, Result<RecordNoticeResponse, Fault>> {
        self.told.lock().unwrap().push(notice);
        let received_at = "2026-11-22T05:00:01Z".to_owned();
        Box::pin(std::future::ready(Ok(RecordNoticeResponse { received_at })))
    }
}

impl NoticeBook for Registry {
    fn look_up<'a>(
        &'a self,
        _: Context,
        ask: &'a LookUpNotices,
    ) -> BoxFuture<'a, Result<NoticesHeld, Fault>> {
        let held = NoticesHeld {
            held: ask.notices.clone(),
            sent: None,
        };
        Box::pin(std::future::ready(Ok(held)))
    }

    fn resend<'a>(
        &'a self,
        _: Context,
        _: &'a ResendNotices,
    ) -> BoxFuture<'a, Result<Timestamp, Fault>> {
        Box::pin(std::future::ready(Ok(Timestamp::UNIX_EPOCH)))
    }
}

impl Disputes for Registry {
    fn dispute(
        &self,
        _: Context,
        dispute: MoveDiscrepancyRequest,
    ) -> BoxFuture<'_, Result<Discrepancy, Fault>> {
        let answer = Discrepancy {
            id: dispute.id.clone(),
            moved_at: "2026-11-22T05:00:01Z".to_owned(),
            ..Discrepancy::default()
        };
        self.disputed.lock().unwrap().push(dispute);
        Box::pin(std::future::ready(Ok(answer)))
    }
}

/// Nine months by one employer, with a rise.
pub(crate) fn contributed() -> GetContributionsResponse {
    let stretch = |from: &str, to: &str, base_vnd| Stretch {
        tax_code: "9900000016".into(),
        from: from.into(),
        to: to.into(),
        base_vnd,
    };
    GetContributionsResponse {
        found: true,
        incomplete: false,
        name: "Nguyễn Thị Hoà".into(),
        birth_date: "1990-02-03".into(),
        pin: "099190000001".into(),
        si_number: "9900000001".into(),
        months: 9,
        base_total_vnd: 96_000_000,
        stretches: vec![
            stretch("2026-01", "2026-06", 10_000_000),
            stretch("2026-07", "2026-09", 12_000_000),
        ],
    }
}

/// A question about that person from January to September.
pub(crate) fn about(question: Question) -> VerifyIndividual {
    let month = |text| Period::parse(text).unwrap();
    VerifyIndividual {
        subject: Subject::Pin(Pin::parse("099190000001").unwrap()),
        span: Span::months(month("2026-01"), month("2026-09")).unwrap(),
        question,
        purpose: "tax-compliance".into(),
    }
}

pub(crate) fn facts(fields: &[&str]) -> Question {
    let parse = |one: &&str| PersonField::parse(one).unwrap();
    Question::Fields(fields.iter().map(parse).collect())
}

/// Many employers, keyed by these texts.
pub(crate) fn many(fields: &[&str], keys: &[&str]) -> VerifyMany {
    let parse = |_: &str, text: &str| TaxId::parse(text).map_err(|_| "mst-check-digit");
    let key = |text: &&str| Key::of("Mst", text, parse).unwrap();
    VerifyMany {
        asked: Asked::Employers {
            period: Period::parse("2026-09").unwrap(),
            fields: ask(fields).fields,
            keys: keys.iter().map(key).collect(),
        },
        purpose: "tax-compliance".into(),
    }
}

pub(crate) fn response() -> GetParticipationResponse {
    GetParticipationResponse {
        found: true,
        incomplete: false,
        state: ParticipationState::Active.into(),
        name: "Công ty Thử <Nghiệm> & Con".into(),
        unit_code: "TZ0000L".into(),
        participants: 12,
        fund_vnd: 100_000_000,
        due_vnd: 32_000_000,
        paid_vnd: 30_000_000,
        arrears_vnd: 2_000_000,
        units: Some(Units {
            count: 1,
            units: vec![Unit {
                tax_code: "9900000016-001".into(),
                unit_code: "TA0001B".into(),
                state: ParticipationState::Suspended.into(),
            }],
        }),
        ageing: Some(ArrearsAge {
            current_vnd: 1_500_000,
            months_1_vnd: 500_000,
            ..ArrearsAge::default()
        }),
        last_d02: Some(D02Change {
            period: "2026-08".into(),
            submitted_on: "2026-08-14".into(),
            plan: "TM".into(),
            joined: 2,
            gone: 1,
        }),
        registered_from: "2019-03".into(),
    }
}

pub(crate) fn ask(fields: &[&str]) -> VerifyEmployer {
    VerifyEmployer {
        mst: TaxId::parse("9900000016").unwrap(),
        parent: None,
        period: Period::parse("2026-10").unwrap(),
        fields: fields
            .iter()
            .map(|one| FieldName::parse(one).unwrap())
            .collect(),
        purpose: "tax-compliance".into(),
    }
}

pub(crate) fn ping() -> Ping {
    Ping {
        nonce: Some("n-1".into()),
    }
}

/// The permit of an agreement that grants `granted` to somebody who asks for `asked`.
pub(crate) fn permit(granted: &[&str], asked: &[&str]) -> Permit {
    permit_of(&VERIFY_EMPLOYER, granted, asked)
}

/// The same of questions about a person.
pub(crate) fn person_permit(granted: &[&str], asked: &[&str]) -> Permit {
    permit_of(&VERIFY_INDIVIDUAL, granted, asked)
}

/// The same of many; three lines are agreed.
pub(crate) fn many_permit(granted: &[&str], asked: &[&str]) -> Permit {
    permit_of(&VERIFY_MANY, granted, asked)
}

fn permit_of(operation: &'static Operation, granted: &[&str], asked: &[&str]) -> Permit {
    let grant = Grant {
        fields: granted.iter().map(|one| (*one).to_owned()).collect(),
        quota: QUOTA,
        lines_max: 3,
        provinces: ProvinceSet::COUNTRY,
    };
    let partner = partner(operation, grant);
    let asked: BTreeSet<&'static str> = operation
        .fields
        .iter()
        .copied()
        .filter(|field| asked.contains(field))
        .collect();
    policy::decide(&PolicyQuestion {
        partner: &partner,
        road: Road::Direct,
        proof: gateway_core::adapter::ProofKind::Jws,
        operation,
        purpose: "tax-compliance",
        asked: &asked,
        lines: 1,
        provinces: None,
        on: date(2026, 11, 22),
    })
    .unwrap()
}

fn partner(operation: &'static Operation, grant: Grant) -> Partner {
    let agreement = Agreement {
        number: "T-1".into(),
        legal_basis: "test".into(),
        purposes: ["tax-compliance".to_owned()].into(),
        operations: BTreeMap::from([(operation.name.to_owned(), grant)]),
        roads: [Road::Direct].into(),
        valid_from: date(2026, 1, 1),
        valid_to: None,
        attested: false,
    };
    Partner {
        id: PartnerId::parse("tax").unwrap(),
        name: "Tax".into(),
        active: true,
        stopped: std::collections::BTreeSet::new(),
        peers: Vec::new(),
        relays: Vec::new(),
        keys: Vec::new(),
        agreements: vec![agreement],
        window: Duration::from_secs(300),
        peer_quota: QUOTA,
        token: None,
        security_server: None,
        keyed: None,
        login: None,
        dci: None,
        hub: None,
        triggers: None,
    }
}

pub(crate) fn answer_head() -> AnswerHead {
    AnswerHead {
        id: MessageId::parse("vss-00000001").unwrap(),
        in_reply_to: MessageId::parse("tax-00000001").unwrap(),
        request_digest: [0xab; 32],
        sent_at: "2026-11-22T05:00:00.75Z".parse().unwrap(),
        environment: Environment::Sandbox,
        sender: PartnerId::parse("vss").unwrap(),
        receiver: PartnerId::parse("tax").unwrap(),
        operation: VERIFY_EMPLOYER.name.into(),
        evidence: Evidence::fresh(),
    }
}

pub(crate) fn context() -> Context {
    Context {
        key: [1; 32],
        sender: PartnerId::parse("tax").unwrap(),
        rule: "T-1/tax.verify-employer".into(),
        purpose: "tax-compliance".into(),
        deadline: tokio::time::Instant::now() + Duration::from_secs(5),
    }
}

const QUOTA: Quota = Quota {
    per_minute: 1,
    burst: 1,
};
