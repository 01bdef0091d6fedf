//! What people do about dossiers, each when its dossier has come so far: officers decide, applicants add and take back,
//! somebody pays.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use conformance::payment::Payment;
use gateway::admin::client;
use schemas::{date::portal_time, proto::admin::DecideDossierRequest};
use serde_json::json;
use tokio::time::Instant;

use super::{
    country::{Dossier, Fate},
    weather::Scene,
};

/// How a dossier stands at the registry.
struct Standing {
    state: u8,
    step: u32,
    /// The reference of its payment, once the platform knows of it.
    open: Option<String>,
}

/// The next thing that somebody does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    /// An officer's word.
    Decide(&'static str),
    Supplement,
    Withdraw,
    Pay,
}

impl Scene {
    /// Everybody acts until nothing is left to do about these dossiers.
    pub(super) async fn act(&mut self, dossiers: &[Dossier], codes: &[String], patience: Duration) {
        let started = Instant::now();
        // of whose end the registry alone decides nothing is to do
        let mut left: BTreeSet<usize> = (0..dossiers.len())
            .filter(|nth| dossiers[*nth].fate != Fate::Rule)
            .collect();
        while !left.is_empty() {
            let stand = self.standing();
            let mut said = Vec::new();
            for nth in left.clone() {
                let (dossier, code) = (&dossiers[nth], &codes[nth]);
                let standing = &stand[code];
                let Some((act, last)) = next(dossier, standing) else {
                    continue;
                };
                match act {
                    Act::Decide(word) => self.decide(code, standing.step, word).await,
                    Act::Pay => {
                        let reference = standing.open.as_deref().unwrap();
                        self.pay(reference, dossier.fate).await;
                    }
                    Act::Supplement | Act::Withdraw => {
                        said.push(self.later(act, dossier, code));
                    }
                }
                if last {
                    left.remove(&nth);
                }
            }
            for reply in self.say(said).await {
                reply.assert_ok();
            }
            assert!(
                started.elapsed() < patience,
                "{:?} {:?} has not come so far",
                left.first()
                    .map(|nth| (dossiers[*nth].kind, dossiers[*nth].fate)),
                left.first()
                    .map(|nth| (stand[&codes[*nth]].state, &codes[*nth])),
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn standing(&self) -> BTreeMap<String, Standing> {
        let file = self.registry();
        let text = "SELECT d.code, d.state, d.step, d.awaits, o.reference FROM dossiers d
                    LEFT JOIN payment_orders o ON o.dossier = d.code AND o.state = 2 WHERE d.awaits = 1 OR d.state >= 6";
        let all = "SELECT code FROM dossiers";
        let mut stand: BTreeMap<String, Standing> = BTreeMap::new();
        let mut rows = file.prepare(all).unwrap();
        let codes = rows.query_map([], |row| row.get::<_, String>(0)).unwrap();
        for code in codes.map(Result::unwrap) {
            let moving = Standing {
                state: 0,
                step: 0,
                open: None,
            };
            stand.insert(code, moving);
        }
        let mut rows = file.prepare(text).unwrap();
        let found = rows.query_map([], |row| {
            let standing = Standing {
                state: row.get(1)?,
                step: row.get(2)?,
                open: row.get(4)?,
            };
            Ok((row.get::<_, String>(0)?, standing))
        });
        stand.extend(found.unwrap().map(Result::unwrap));
        stand
    }

    /// An officer's word.
    async fn decide(&self, code: &str, step: u32, decision: &str) {
        let said = DecideDossierRequest {
            code: code.to_owned(),
            step,
            decision: decision.to_owned(),
            told: "Thiếu bản sao giấy khai sinh".to_owned(),
            days: 5,
            who: "an.operator".to_owned(),
            why: "the papers were read".to_owned(),
            ..DecideDossierRequest::default()
        };
        let decided = client::decide_dossier(self.house.gateway().admin(), said).await;
        decided.unwrap_or_else(|error| panic!("{code} {decision}: {error}"));
    }

    /// What the applicant says later.
    fn later(
        &self,
        act: Act,
        dossier: &Dossier,
        code: &str,
    ) -> (&'static str, &'static str, Vec<u8>) {
        let now = portal_time::format(self.house.now());
        let mut said = json!({"MaHoSo": code, "MaTTHC": dossier.members["MaTTHC"],
            "SoDinhDanh": dossier.members["ChuHoSo"]["SoDinhDanh"]});
        if act == Act::Withdraw {
            said["LyDo"] = "Không còn nhu cầu".into();
            said["NgayYeuCau"] = now.into();
            let body = said.to_string().into_bytes();
            return ("portal.withdraw-dossier", "/portal/v1/withdrawals", body);
        }
        said["HoSoBoSungId"] = "BS-1".into();
        said["NgayBoSung"] = now.into();
        said["DanhSachGiayToBoSung"] = json!([{"MaThanhPhanHoSo": dossier.paper, "TepDinhKemId": "tep-2",
            "TenTepDinhKem": "bo-sung.pdf", "DuLieuTepDinhKem": STANDARD.encode(b"%PDF-1.7\nbo sung")}]);
        let body = said.to_string().into_bytes();
        ("portal.supplement-dossier", "/portal/v1/supplements", body)
    }

    /// Somebody pays, and the platform says so, as its fate is.
    async fn pay(&self, reference: &str, fate: Fate) {
        let pay = || self.platform.pay(reference).unwrap().unwrap();
        match fate {
            Fate::Repeated => {
                let paid = pay();
                for _ in 0..3 {
                    self.call_back(&paid).await;
                }
            }
            Fate::Twice => {
                let (first, second) = (pay(), pay());
                self.call_back(&second).await;
                self.call_back(&first).await;
            }
            Fate::Less => {
                let due = self.platform.orders()[reference].vnd;
                let less = self.platform.pay_amount(reference, due - 1).unwrap();
                self.call_back(&less).await;
                self.call_back(&pay()).await;
            }
            // nobody is called back
            _ => drop(pay()),
        }
    }

    async fn call_back(&self, paid: &Payment) {
        let gateway = format!("https://localhost:{}", self.house.address().port());
        let notice = self.platform.notice(paid);
        let reply = self.platform.call_back(&gateway, &notice).await.unwrap();
        assert_eq!(
            reply.status,
            200,
            "{}",
            String::from_utf8_lossy(&reply.body)
        );
    }
}

/// What is next to do about a dossier that stands so, and whether it is the last thing; none where it has to come further.
fn next(dossier: &Dossier, standing: &Standing) -> Option<(Act, bool)> {
    let (was_asked, open) = (standing.step > 3, standing.open.is_some());
    Some(match (dossier.fate, standing.state) {
        (Fate::Approved, 4) => (Act::Decide("approve"), true),
        (Fate::Stopped, 4) => (Act::Decide("stop"), true),
        (Fate::Withdrawn, 4) => (Act::Withdraw, true),
        (Fate::Supplemented, 4) if was_asked => (Act::Decide("approve"), true),
        (Fate::Supplemented, 4) => (Act::Decide("supplement"), false),
        (Fate::Supplemented, 5) if dossier.paper.is_some() => (Act::Supplement, false),
        (Fate::Supplemented, 5) => (Act::Decide("resume"), false),
        (Fate::PaidTooLate, 6) if open => (Act::Withdraw, false),
        (Fate::PaidTooLate, 7) if open => (Act::Pay, true),
        (Fate::Unheard | Fate::Repeated | Fate::Twice | Fate::Less, 6) if open => (Act::Pay, true),
        _ => return None,
    })
}
