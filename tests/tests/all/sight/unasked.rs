//! Marked people in what we say unasked, and in money: the portal, the civil registry and the payment platform are
//! told of them, and first refuse in words that repeat all that they were told.

use std::{sync::Arc, time::Duration};

use conformance::{
    client::Reply,
    dvclt::inbox::{self, Inbox},
    payment::{self, PARTNER, Payment, Platform, closed_notice},
};
use gateway::admin::client;
use gateway_tests::{
    house::{House, Plan},
    message::{Birth, dossier},
};
use schemas::proto::admin::{ReconcilePaymentsRequest, RefundPaymentRequest, ShowPaymentRequest};
use serde_json::{Value, json};
use tokio::{net::TcpListener, time::Instant};

use super::{ADDRESS, WHY};
use crate::{
    civil::{death, say},
    payment::with_platform,
    told::with_inbox,
};

/// Where the two counterparts will be found.
pub(super) struct Doors {
    platform: TcpListener,
    inbox: TcpListener,
}

impl Doors {
    pub(super) async fn open() -> Self {
        Self {
            platform: TcpListener::bind("127.0.0.1:0").await.unwrap(),
            inbox: TcpListener::bind("127.0.0.1:0").await.unwrap(),
        }
    }

    /// The plan with both of them.
    pub(super) fn plan(&self, plan: Plan) -> Plan {
        let port = |door: &TcpListener| door.local_addr().unwrap().port();
        let uri = format!("https://localhost:{}{}", port(&self.inbox), inbox::PATH);
        with_inbox(with_platform(plan, port(&self.platform), 1), &uri, "", true)
    }

    /// Both of them at work, the portal too; each refuses twice and says what it was told.
    pub(super) fn staff(self, house: &House) -> Sides {
        let platform = Platform::open(&house.layout.agency(PARTNER)).unwrap();
        let inbox = Inbox::open(&house.layout.agency("dvclt")).unwrap();
        platform.misbehave(|knobs| knobs.echoes = 2);
        inbox.misbehave(|knobs| knobs.echoes = 2);
        let portal = house.portal.as_ref().unwrap();
        portal.misbehave(|knobs| knobs.echoes = 2);
        Sides {
            _serving: (
                platform.serve(self.platform).unwrap(),
                inbox.serve(self.inbox).unwrap(),
            ),
            platform,
            inbox,
        }
    }
}

/// The two counterparts.
pub(super) struct Sides {
    platform: Arc<Platform>,
    inbox: Arc<Inbox>,
    _serving: (payment::Serving, inbox::Serving),
}

impl Sides {
    /// One dossier is paid, once too often; one birth is told, and a death. What was answered to callbacks.
    pub(super) async fn play(&self, house: &House, birth: &Birth) -> Vec<(String, String)> {
        let holder = &house.landmarks.card_holders[0];
        let mut members = dossier::members(house.now(), holder, &holder.name);
        let object = members.as_object_mut().unwrap();
        object.remove("MaThe");
        object.remove("LyDoCapLai");
        object.insert("MaTTHC".into(), "9.000003".into());
        object.insert(
            "ToKhai".into(),
            json!({"MaBHXH": holder.si_number, "MucThuNhap": 3_000_000, "TuThang": "01/2027", "SoThang": 1}),
        );
        let signed = dossier::message(house.now(), &members).sign(&house.key("portal"));
        let reply = house.wire("portal").send(&signed).await;
        let code = reply.assert_ok().json()["MaHoSo"]
            .as_str()
            .unwrap()
            .to_owned();
        let reference = self.asked(house, &code).await;

        let paid = self.platform.pay(&reference).unwrap().unwrap();
        let right = self.platform.notice(&paid);
        let with = |name: &str, value: &str| {
            let mut notice = right.clone();
            notice[name] = value.into();
            closed_notice(notice)
        };
        let mut told = Vec::new();
        // a number in MaGiaoDich would be the platform's name of a payment
        told.push(self.refused(house, &with("MaGiaoDich", &holder.name)).await);
        for name in ["MaThamChieu", "SoTien", "MaTienTe", "ThoiGianGD"] {
            for value in [&holder.name, &holder.pin, &holder.card_number] {
                told.push(self.refused(house, &with(name, value)).await);
            }
        }
        let mut unproven = right.clone();
        unproven["MaXacThuc"] = holder.name.clone().into();
        told.push(self.refused(house, &unproven).await);
        // what the bank writes about a payment is free text
        let reply = self.call(house, &with("ThongTinGiaoDich", ADDRESS)).await;
        assert_eq!(Platform::proven_state(&reply).as_deref(), Some("1"));
        told.push(place(&reply));

        let twice = self.platform.pay(&reference).unwrap().unwrap();
        let reply = self.call(house, &self.platform.notice(&twice)).await;
        assert_eq!(Platform::proven_state(&reply).as_deref(), Some("2"));
        told.push(place(&reply));
        self.refund(house, &twice, &holder.name).await;

        let portal = house.portal.as_ref().unwrap();
        let ended = portal
            .wait_for(&code, &[1, 2, 4, 6, 4, 9, 10], Duration::from_secs(90))
            .await;
        ended.unwrap();
        say(house, death(house, birth)).await.assert_ok();
        for module in ["LTKS", "LTKT"] {
            let until = Instant::now() + Duration::from_secs(60);
            while self.inbox.dossier(module, &birth.case_id).is_none() {
                assert!(Instant::now() < until, "{module} was never told");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        let none = Vec::<String>::new();
        assert_eq!(self.platform.violations(), none);
        assert_eq!(self.inbox.violations(), none);
        told
    }

    /// The next day's statement tells of a payment under somebody's name, and of one under a number.
    pub(super) async fn next_day(&self, house: &House) {
        let holder = &house.landmarks.card_holders[0];
        for reference in [&holder.name, &holder.pin] {
            self.platform.pay_amount(reference, 594_000).unwrap();
        }
        let day = schemas::date::day_in_viet_nam(jiff::Timestamp::now());
        house.clock.advance(jiff::SignedDuration::from_hours(25));
        let request = ReconcilePaymentsRequest {
            day: day.to_string(),
        };
        let until = Instant::now() + Duration::from_secs(90);
        let compared = loop {
            let admin = house.gateway().admin();
            let compared = client::reconcile_payments(admin, request.clone())
                .await
                .unwrap();
            if compared.whole {
                break compared;
            }
            assert!(Instant::now() < until, "no statement: {compared:?}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        };
        assert_eq!(compared.differences.len(), 2, "{compared:?}");
    }

    /// The reference under which the dossier's money was asked for. What the platform refused waits for a minute, and nothing
    /// else asks it before the day's statement is due at one o'clock.
    async fn asked(&self, house: &House, code: &str) -> String {
        let until = Instant::now() + Duration::from_secs(60);
        let mut minute = Instant::now() + Duration::from_secs(1);
        loop {
            let orders = self.platform.orders();
            if let Some((reference, _)) = orders.iter().find(|(_, order)| order.dossier == code) {
                return reference.clone();
            }
            assert!(Instant::now() < until, "nobody asked for {code}'s money");
            if Instant::now() > minute {
                house.clock.advance(jiff::SignedDuration::from_secs(61));
                minute += Duration::from_secs(1);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// A person pays it back, after having mistaken a name for a transaction.
    async fn refund(&self, house: &House, paid: &Payment, name: &str) {
        for (transaction, known) in [(name, false), (&*paid.id, true)] {
            let request = RefundPaymentRequest {
                transaction: transaction.to_owned(),
                refunded: "CK1".into(),
                who: "an".into(),
                why: WHY.into(),
            };
            let done = client::refund_payment(house.gateway().admin(), request).await;
            assert_eq!(done.is_ok(), known);
            let error = done.err().map(|error| error.to_string());
            assert!(!error.unwrap_or_default().contains(name));
        }
        let request = ShowPaymentRequest {
            reference: name.to_owned(),
            ..ShowPaymentRequest::default()
        };
        let shown = client::payment(house.gateway().admin(), request).await;
        assert!(!shown.unwrap_err().to_string().contains(name));
    }

    async fn call(&self, house: &House, notice: &Value) -> Reply {
        let gateway = format!("https://localhost:{}", house.address().port());
        self.platform.call_back(&gateway, notice).await.unwrap()
    }

    async fn refused(&self, house: &House, notice: &Value) -> (String, String) {
        let reply = self.call(house, notice).await;
        assert_ne!(reply.status, 200);
        place(&reply)
    }
}

/// All that an answer to a callback says.
fn place(reply: &Reply) -> (String, String) {
    let said = String::from_utf8_lossy(&reply.body);
    (
        "a callback's answer".to_owned(),
        format!("{:?} {said}", reply.headers),
    )
}
