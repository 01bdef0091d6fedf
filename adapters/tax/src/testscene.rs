//! What the tests of this package have in common: a registry in ten lines, a permit, an answer's head.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Mutex,
    time::Duration,
};

use futures_util::future::BoxFuture;
use gateway_core::{
    AnswerHead, Context, Evidence, Road,
    partner::{Agreement, Environment, Grant, Partner, Quota},
    policy::{self, Permit, Question},
};
use jiff::civil::date;
use schemas::{
    fault::Fault,
    id::{MessageId, Mst, PartnerId, Period},
    proto::insurance::{GetParticipationRequest, GetParticipationResponse, ParticipationState},
    wire::tax::{FieldName, Ping, VerifyEmployer},
};

use crate::{Employers, VERIFY_EMPLOYER};

/// Answers always the same and remembers what it was asked.
pub(crate) struct Registry {
    answer: Result<GetParticipationResponse, Fault>,
    asked: Mutex<Vec<GetParticipationRequest>>,
}

impl Registry {
    pub(crate) fn answering(answer: Result<GetParticipationResponse, Fault>) -> Self {
        Self {
            answer,
            asked: Mutex::new(Vec::new()),
        }
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
    }
}

pub(crate) fn ask(fields: &[&str]) -> VerifyEmployer {
    VerifyEmployer {
        mst: Mst::parse("9900000016").unwrap(),
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
    let grant = Grant {
        fields: granted.iter().map(|one| (*one).to_owned()).collect(),
        quota: QUOTA,
    };
    let partner = partner(grant);
    let asked: BTreeSet<&'static str> = VERIFY_EMPLOYER
        .fields
        .iter()
        .copied()
        .filter(|field| asked.contains(field))
        .collect();
    policy::decide(&Question {
        partner: &partner,
        road: Road::Direct,
        operation: &VERIFY_EMPLOYER,
        purpose: "tax-compliance",
        asked: &asked,
        on: date(2026, 11, 22),
    })
    .unwrap()
}

fn partner(grant: Grant) -> Partner {
    let agreement = Agreement {
        number: "T-1".into(),
        legal_basis: "test".into(),
        purposes: ["tax-compliance".to_owned()].into(),
        operations: BTreeMap::from([(VERIFY_EMPLOYER.name.to_owned(), grant)]),
        roads: [Road::Direct].into(),
        valid_from: date(2026, 1, 1),
        valid_to: None,
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
