//! Payments against the simulated platform, over sockets: one payment, one contribution, one card each.

mod by_hand;
mod callbacks;
mod ended;
mod groups;
mod statement;
mod told;

use std::{sync::Arc, time::Duration};

use conformance::client::Reply as Told;
use conformance::payment::{
    ACCOUNT, PARTNER, PAYEE, Payment, Platform, SECRET, Serving, closed_notice,
};
use gateway::admin::client;
use gateway_tests::{
    client::Reply,
    house::{House, Plan},
    message::dossier,
};
use schemas::{
    fault::FaultCode,
    proto::admin::{
        ListPaymentsRequest, PaymentLine, RefundPaymentRequest, ShowPaymentRequest,
        ShowPaymentResponse,
    },
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, time::Instant};

/// A running gateway, the portal and the platform.
struct Scene {
    house: House,
    platform: Arc<Platform>,
    serving: Serving,
}

/// A house that knows the platform at this port, beside what the plan has.
pub(super) fn with_platform(plan: Plan, port: u16, query_seconds: u32) -> Plan {
    let partner = format!(
        "id = \"{PARTNER}\"\nname = \"Simulated payment platform\"\nenvironment = \"sandbox\"\n\
         peers = [\"urn:lienthong:sandbox:partner:{PARTNER}\"]\n[quota]\n\
         [[agreements]]\nnumber = \"TT-1\"\nlegal_basis = \"Decree 61/2018\"\npurposes = [\"contribution\"]\n\
         roads = [\"direct\"]\nvalid_from = 2026-01-01\n\
         [agreements.operations.\"payment.notice\"]\n[agreements.operations.\"payment.init\"]\n\
         [agreements.operations.\"payment.query\"]\n[agreements.operations.\"payment.get-bill\"]\n\
         [agreements.operations.\"payment.statement\"]\n\
         [payment]\naccount = \"{ACCOUNT}\"\nsecret_file = \"payment.secret\"\nunit = \"G99.00.01\"\n\
         payee_account = \"{PAYEE}\"\npayee_bank = \"99999999\"\npayee_name = \"Bao hiem xa hoi (mau)\"\n\
         address = \"192.0.2.1\"\nquery_seconds = {query_seconds}\n\
         [delivery]\nwords = \"payments\"\nuri = \"https://localhost:{port}/payment/v1/messages\"\nprivate = true\n\
         anchors = \"../ca.pem\"\nbreaker_failures = 1000\nper_minute = 60000\nconcurrency = 8\n"
    );
    plan.write("partners/payment.toml", partner)
        .secret("partners/payment.secret", SECRET)
}

impl Scene {
    async fn start() -> Self {
        Self::asking_every(1).await
    }

    async fn asking_every(query_seconds: u32) -> Self {
        Self::of(|plan| plan, query_seconds).await
    }

    /// A scene in a house that differs.
    async fn of(change: impl FnOnce(Plan) -> Plan, query_seconds: u32) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let plan = with_platform(House::plan().with_portal(20), port, query_seconds);
        let house = change(plan).start().await;
        let platform = Platform::open(&house.layout.agency(PARTNER)).unwrap();
        Self {
            serving: platform.serve(listener).unwrap(),
            platform,
            house,
        }
    }

    fn gateway(&self) -> String {
        format!("https://localhost:{}", self.house.address().port())
    }

    /// Submits voluntary insurance of one month and gives the dossier's code.
    async fn submit(&self, holder: usize, month: &str) -> String {
        let holder = &self.house.landmarks.card_holders[holder];
        let form = json!({"MaBHXH": holder.si_number, "MucThuNhap": 3_000_000, "TuThang": month, "SoThang": 1});
        self.submit_form("9.000003", holder, &form, None).await
    }

    async fn submit_form(
        &self,
        procedure: &str,
        holder: &insurance::seed::PersonMark,
        form: &Value,
        tax_code: Option<&str>,
    ) -> String {
        let mut members = dossier::members(self.house.now(), holder, &holder.name);
        let object = members.as_object_mut().unwrap();
        object.remove("MaThe");
        object.remove("LyDoCapLai");
        object.insert("MaTTHC".into(), procedure.into());
        object.insert("ToKhai".into(), form.clone());
        if let Some(code) = tax_code {
            object["ChuHoSo"]["MaSoThue"] = code.into();
        }
        let message = dossier::message(self.house.now(), &members);
        let signed = message.sign(&self.house.key("portal"));
        let reply = self.house.wire("portal").send(&signed).await;
        reply.assert_ok().json()["MaHoSo"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    async fn shown(&self, name: &str) -> Option<ShowPaymentResponse> {
        let request = ShowPaymentRequest {
            reference: name.to_owned(),
            ..ShowPaymentRequest::default()
        };
        client::payment(self.house.gateway().admin(), request)
            .await
            .ok()
    }

    /// The payment once it stands so.
    async fn stands(&self, code: &str, state: &str) -> ShowPaymentResponse {
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            let shown = self.shown(code).await;
            let line = shown.as_ref().and_then(|shown| shown.payment.clone());
            if line.as_ref().is_some_and(|line| line.state == state) {
                return shown.unwrap();
            }
            assert!(Instant::now() < until, "{line:?} instead of {state}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn opened(&self, holder: usize, month: &str) -> PaymentLine {
        let code = self.submit(holder, month).await;
        self.stands(&code, "open").await.payment.unwrap()
    }

    async fn call_back(&self, paid: &Payment) -> Told {
        let notice = self.platform.notice(paid);
        self.platform
            .call_back(&self.gateway(), &notice)
            .await
            .unwrap()
    }

    /// A callback is refused so, and nothing changes.
    async fn refuses(&self, notice: &Value, code: FaultCode, reason: &str) {
        let body = notice.to_string().into_bytes();
        self.refuses_bytes("application/json", body, code, reason)
            .await;
    }

    async fn refuses_bytes(&self, kind: &str, body: Vec<u8>, code: FaultCode, reason: &str) {
        let before = self.ledger().await;
        let reply = self
            .platform
            .post(&self.gateway(), kind, body)
            .await
            .unwrap();
        let told: Value = serde_json::from_slice(&reply.body).unwrap();
        let row = code.row();
        assert_eq!(
            (reply.header("lienthong-fault"), reply.status),
            (Some(row.code), row.http),
            "{told}"
        );
        assert_eq!(told["reason"], reason);
        assert_eq!(self.ledger().await, before);
    }

    /// Every payment with its transactions and bookings.
    async fn ledger(&self) -> Vec<String> {
        let mut all = Vec::new();
        for line in self.payments(false).await {
            let shown = self.shown(&line.reference).await.unwrap();
            // a receipt and the last step come by themselves
            let PaymentLine { reference, vnd, .. } = line;
            all.push(format!(
                "{reference} {vnd} {:?} {:?}",
                shown.entries, shown.bookings
            ));
        }
        all
    }

    async fn payments(&self, to_refund: bool) -> Vec<PaymentLine> {
        let request = ListPaymentsRequest {
            to_refund,
            max: 500,
            ..ListPaymentsRequest::default()
        };
        let listed = client::payments(self.house.gateway().admin(), request).await;
        listed.unwrap().payments
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callback_books_once_is_answered_closed_and_the_portal_hears_every_step() {
    let scene = Scene::start().await;
    let order = scene.opened(0, "01/2027").await;
    assert_eq!(order.dossier_state, 6);
    let paid = scene.platform.pay(&order.reference).unwrap().unwrap();
    for _ in 0..3 {
        let reply = scene.call_back(&paid).await;
        assert_eq!(Platform::proven_state(&reply).as_deref(), Some("1"));
    }
    let shown = scene.stands(&order.reference, "paid").await;
    assert_eq!((shown.entries.len(), shown.bookings.len()), (1, 1));
    let portal = scene.house.portal.clone().unwrap();
    let steps = [1, 2, 4, 6, 4, 9, 10];
    portal
        .wait_for(&order.dossier, &steps, Duration::from_secs(60))
        .await
        .unwrap();
    assert_eq!(portal.dossier(&order.dossier).unwrap().states(), steps);
    // the platform's receipt comes by GET_BILL
    let until = Instant::now() + Duration::from_secs(30);
    while scene
        .shown(&order.reference)
        .await
        .unwrap()
        .payment
        .unwrap()
        .bill
        .is_empty()
    {
        assert!(Instant::now() < until, "no receipt");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(scene.platform.violations(), Vec::<String>::new());
    assert_eq!(portal.violations(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_without_a_callback_is_found_by_asking_whatever_is_lost() {
    let scene = Scene::start().await;
    scene.platform.misbehave(|knobs| {
        knobs.drop_replies = 2;
        knobs.server_errors = 1;
    });
    let order = scene.opened(0, "01/2027").await;
    scene.platform.misbehave(|knobs| {
        knobs.wrong_hash = 1;
        knobs.another_reference = 1;
        knobs.drop_replies = 1;
    });
    scene.platform.pay(&order.reference).unwrap().unwrap();
    let shown = scene.stands(&order.reference, "paid").await;
    assert!(
        shown.entries[0].contains("by query: booked"),
        "{:?}",
        shown.entries
    );
    assert_eq!(scene.platform.violations(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn money_that_no_contribution_is_due_for_is_a_refund_case_that_a_person_ends() {
    let scene = Scene::start().await;
    let order = scene.opened(0, "01/2027").await;
    let less = scene
        .platform
        .pay_amount(&order.reference, order.vnd - 1)
        .unwrap();
    let reply = scene.call_back(&less).await;
    assert_eq!(Platform::proven_state(&reply).as_deref(), Some("2"));
    let first = scene.platform.pay(&order.reference).unwrap().unwrap();
    let twice = scene.platform.pay(&order.reference).unwrap().unwrap();
    // out of order: the second one is heard of first
    assert_eq!(
        Platform::proven_state(&scene.call_back(&twice).await).as_deref(),
        Some("1")
    );
    assert_eq!(
        Platform::proven_state(&scene.call_back(&first).await).as_deref(),
        Some("2")
    );
    let shown = scene.stands(&order.reference, "paid").await;
    let text = shown.entries.join("\n");
    assert!(
        text.contains("TO REFUND (amount-differs)") && text.contains("TO REFUND (paid-twice)"),
        "{text}"
    );
    assert_eq!(shown.bookings.len(), 1);
    for (id, key) in [(&less.id, "CK1"), (&first.id, "CK2")] {
        let request = RefundPaymentRequest {
            transaction: id.clone(),
            refunded: key.into(),
            who: "an.officer".into(),
            why: "transferred back".into(),
        };
        let done = client::refund_payment(scene.house.gateway().admin(), request).await;
        assert!(
            done.unwrap()
                .entry
                .contains("by an.officer: transferred back")
        );
    }
    assert!(scene.payments(true).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callback_that_is_not_right_is_refused_and_changes_nothing() {
    let scene = Scene::start().await;
    let order = scene.opened(0, "01/2027").await;
    // paid so that only a callback could tell: asked about it is found, so nothing is paid at the platform
    let paid = Payment {
        id: "GD9999999999".into(),
        reference: order.reference.clone(),
        vnd: order.vnd,
        at: "20261123100000".into(),
    };
    let right = scene.platform.notice(&paid);
    let with = |name: &str, value: &str| {
        let mut notice = right.clone();
        notice[name] = value.into();
        closed_notice(notice)
    };
    let mut wrong = right.clone();
    let mac = wrong["MaXacThuc"].as_str().unwrap();
    let last = if mac.ends_with('0') { "1" } else { "0" };
    wrong["MaXacThuc"] = format!("{}{last}", &mac[..63]).into();
    scene
        .refuses(&wrong, FaultCode::BadSignature, "keyed-hash")
        .await;
    let mut bent = right.clone();
    bent["SoTien"] = "1".into();
    scene
        .refuses(&bent, FaultCode::BadSignature, "keyed-hash")
        .await;
    for amount in ["0", "-594000", "999999999999999999", "1e6", "0594000", ""] {
        scene
            .refuses(&with("SoTien", amount), FaultCode::Invalid, "bad-amount")
            .await;
    }
    scene
        .refuses(&with("MaTienTe", "USD"), FaultCode::Invalid, "bad-currency")
        .await;
    scene
        .refuses(
            &with("ThoiGianGD", "2026112310"),
            FaultCode::Invalid,
            "bad-date",
        )
        .await;
    scene
        .refuses(
            &with("MaDoiTac", "VSS98"),
            FaultCode::WrongEnvironment,
            "receiver",
        )
        .await;
    let nobodys = with("MaThamChieu", "dvcG990001261123999999");
    scene
        .refuses(&nobodys, FaultCode::UnknownSubject, "unknown-payment")
        .await;
    for foreign in [
        "",
        "099174461014",
        "Nguyen Thi A",
        "dvcG99",
        "dvcG 90001261123999999",
    ] {
        scene
            .refuses(
                &with("MaThamChieu", foreign),
                FaultCode::Malformed,
                "bad-reference",
            )
            .await;
    }
    scene
        .refuses(
            &with("MaGiaoDich", "a|b"),
            FaultCode::Malformed,
            "separator-in-field",
        )
        .await;
    scene
        .refuses(&with("MaGiaoDich", "a b"), FaultCode::Malformed, "bad-id")
        .await;
    let xml = b"<callback><SoTien>594000</SoTien></callback>".to_vec();
    scene
        .refuses_bytes(
            "application/xml",
            xml.clone(),
            FaultCode::UnsupportedMediaType,
            "media-type",
        )
        .await;
    scene
        .refuses_bytes("application/json", xml, FaultCode::Malformed, "json-syntax")
        .await;
    // somebody else with the right hash is not the platform
    let tax = scene.house.wire("tax");
    let reply = tax
        .knock(&tax_post(&right, scene.house.address().port()))
        .await
        .1
        .unwrap();
    assert_refused(&reply);
    // what did not go through at the bank is no payment
    let reply = scene
        .platform
        .call_back(&scene.gateway(), &with("MaLoi", "24"))
        .await
        .unwrap();
    assert_eq!(Platform::proven_state(&reply).as_deref(), Some("0"));
    assert!(
        scene
            .shown(&order.reference)
            .await
            .unwrap()
            .entries
            .is_empty()
    );
    let reply = scene
        .platform
        .call_back(&scene.gateway(), &right)
        .await
        .unwrap();
    assert_eq!(Platform::proven_state(&reply).as_deref(), Some("1"));
    // the same transaction with another amount, though its hash holds
    scene
        .refuses(
            &with("SoTien", "594001"),
            FaultCode::Conflict,
            "same-id-other-content",
        )
        .await;
}

fn tax_post(notice: &Value, port: u16) -> Vec<u8> {
    let body = notice.to_string();
    format!(
        "POST /payment/v1/callback HTTP/1.1\r\nHost: localhost:{port}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

fn assert_refused(reply: &Reply) {
    reply.assert_fault(FaultCode::BadSignature, "no-keyed-secret");
}
