//! What the tax department tells us: what never came is found by asking and taken once; what it has lost of ours it asks for.

use gateway_tests::message::{Tax, tax::text_of};
use jiff::Timestamp;
use schemas::fault::FaultCode;

use super::*;

/// Both look one another's notices up, and ask for them again.
fn agreed() -> String {
    let inwards = ["tax.look-up-notices", "tax.resend-notices"].map(|operation| {
        format!("[agreements.operations.\"{operation}\"]\nper_minute = 600\nburst = 60\n")
    });
    format!(
        "{AGREED}[agreements.operations.\"taxpayer.resend-notices\"]\n{}",
        inwards.concat()
    )
}

/// It is told of employers, and never asked.
const TOLD_ONLY: &str = "[delivery.notices]\nstep_people = 2\nstep_percent = 5\n";

impl Scene {
    /// A change that the department tells.
    fn theirs(&self, status: &str, kind: &str) -> Tax {
        let body = format!(
            "<ChangeNotice><Mst>{}</Mst><Kind>{kind}</Kind><EffectiveOn>2026-11-01</EffectiveOn>\
             <Status>{status}</Status><Purpose>tax-compliance</Purpose></ChangeNotice>",
            self.house.landmarks.employer.mst
        );
        Tax::new(self.house.now(), "tax.change-notice", body)
    }

    /// What the registry kept of the department's notices.
    async fn kept(&self) -> usize {
        let mst = &self.house.landmarks.employer.mst;
        let listed = client::notices(self.house.gateway().admin(), mst).await;
        listed.unwrap().notices.len()
    }

    async fn wants(&self, id: &str) {
        let started = Instant::now();
        while !self.register.wanted().iter().any(|one| one == id) {
            assert!(started.elapsed() < AT_MOST, "{id} was never asked for");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn look_up(&self, inside: &str) -> Tax {
        let body =
            format!("<LookUpNotices>{inside}<Purpose>tax-compliance</Purpose></LookUpNotices>");
        Tax::new(self.house.now(), "tax.look-up-notices", body)
    }

    fn resend(&self, ids: &[&str]) -> Tax {
        let ids: String = ids
            .iter()
            .map(|id| format!("<Notice>{id}</Notice>"))
            .collect();
        let body = format!("<ResendNotices>{ids}<Purpose>tax-compliance</Purpose></ResendNotices>");
        Tax::new(self.house.now(), "tax.resend-notices", body)
    }

    /// The gateway's signed answer to this, as text.
    async fn answer(&self, asked: &Tax) -> String {
        let signed = asked.sign(&self.house.key("tax"));
        let reply = self.house.wire("tax").send(&signed).await;
        self.house.assert_answers(asked, reply.assert_ok());
        reply.text().to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_of_theirs_that_never_came_is_asked_for_and_taken_once() {
    let mut scene = Scene::with(&agreed(), WATCHES).await;
    let (came, lost) = (
        scene.theirs("05", "suspended"),
        scene.theirs("00", "resumed"),
    );
    scene.answer(&came).await;
    scene.register.has_sent(&came.id, came.sent_at);
    // sent, as the department believes
    scene.register.has_sent(&lost.id, lost.sent_at);
    scene.wants(&lost.id).await;
    assert_eq!(scene.kept().await, 1, "asking takes nothing");
    let missing: u64 = scene.pulls().await.iter().map(|pull| pull.never_came).sum();
    assert!(missing > 0, "an operator sees it, too");
    scene.house.kill().await;
    scene.house.open().await;
    // said anew under its id, and then once more as it was
    let again = Tax {
        sent_at: scene.house.now(),
        ..lost.clone()
    };
    let receipt = scene.answer(&again).await;
    assert_eq!(scene.answer(&again).await, receipt);
    assert_eq!(scene.kept().await, 2, "taken once");
    scene.asked_anew().await;
    let wanted = scene.register.wanted();
    scene.asked_anew().await;
    assert_eq!(scene.register.wanted(), wanted, "asked for no more");
    assert!(wanted.iter().all(|id| *id == lost.id), "{wanted:?}");
    assert_eq!(scene.kept().await, 2);
    assert_eq!(scene.register.violations(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_never_came_is_named_and_not_asked_for_where_that_is_not_agreed() {
    let scene = Scene::with(AGREED, WATCHES).await;
    let lost = scene.theirs("05", "suspended");
    scene.register.has_sent(&lost.id, lost.sent_at);
    let started = Instant::now();
    let pull = loop {
        let all = scene.pulls().await;
        if let Some(pull) = all.into_iter().find(|pull| pull.never_came > 0) {
            break pull;
        }
        assert!(started.elapsed() < AT_MOST, "never missed");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let parcel = pull.id.replacen("pull.", "want.", 1);
    loop {
        let shown = client::parcel(scene.house.gateway().admin(), &parcel).await;
        match shown.ok().and_then(|shown| shown.parcel) {
            Some(parcel) if parcel.reason == "operation-not-agreed" => break,
            other => assert!(started.elapsed() < AT_MOST, "never refused: {other:?}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    scene.asked_anew().await;
    assert_eq!(scene.register.wanted(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_department_asks_what_we_hold_and_sent_and_is_told_what_it_lost_again_once() {
    let scene = Scene::with(&agreed(), TOLD_ONLY).await;
    scene.watched().await;
    scene.record(scene.said("suspended", "2026-11-02")).await;
    scene.record(scene.said("resumed", "2026-11-09")).await;
    let before = scene.held(3).await;
    let ids: Vec<&str> = before.iter().map(|(id, _)| id.as_str()).collect();
    let theirs = scene.theirs("05", "suspended");
    scene.answer(&theirs).await;
    // the last one's receipt is written down
    let started = Instant::now();
    loop {
        let shown = client::parcel(scene.house.gateway().admin(), ids[2]).await;
        if shown.unwrap().parcel.unwrap().state == "done" {
            break;
        }
        assert!(started.elapsed() < AT_MOST, "no receipt");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let second = scene.house.now().as_second();
    let at = |second: i64| Timestamp::from_second(second).unwrap().to_string();
    let time = |from: i64, until: i64| {
        format!(
            "<From>{}</From><Until>{}</Until>",
            at(second + from),
            at(second + until)
        )
    };
    let named = format!(
        "<Notice>{}</Notice><Notice>tax-nobody-0001</Notice>",
        theirs.id
    );
    let told = scene
        .answer(&scene.look_up(&format!("{named}{}", time(-600, 60))))
        .await;
    assert_eq!(told.matches("<Held>").count(), 1);
    assert_eq!(text_of(&told, "Held"), Some(theirs.id.as_str()));
    let sent: Vec<&str> = told
        .split("<Sent>")
        .skip(1)
        .filter_map(|one| text_of(one, "Notice"))
        .collect();
    assert_eq!(sent, ids, "in the order in which it receipted them");
    assert_eq!(text_of(&told, "SentTotal"), Some("3"));
    let told = scene.answer(&scene.look_up(&time(-6_000, -600))).await;
    assert_eq!(
        (text_of(&told, "SentTotal"), told.contains("<Sent>")),
        (Some("0"), false)
    );
    let told = scene.answer(&scene.look_up("")).await;
    assert!(
        !told.contains("SentTotal"),
        "what was not asked about is not told"
    );

    let lost = ids[1];
    assert!(scene.register.forget_notice(lost));
    let asked = scene.resend(&[lost]);
    let receipt = scene.answer(&asked).await;
    assert!(text_of(&receipt, "ReceivedAt").is_some());
    let after = scene.held(3).await;
    assert!(after.iter().any(|(id, _)| id == lost), "the same id");
    assert_eq!(scene.answer(&asked).await, receipt, "the stored receipt");
    let acts = client::acts(scene.house.gateway().admin(), 1_000)
        .await
        .unwrap();
    let heals: Vec<&str> = acts
        .acts
        .iter()
        .filter(|act| act.deed == "heal")
        .map(|act| act.target.as_str())
        .collect();
    assert_eq!(heals.len(), 2, "it and what followed it, once: {heals:?}");
    assert_eq!(scene.register.violations(), Vec::<String>::new());

    let print = scene.house.fingerprint().await;
    let key = scene.house.key("tax");
    for (asked, code, reason) in [
        (
            scene.resend(&[lost, "tax-nobody-0001"]),
            FaultCode::UnknownSubject,
            "unknown-notice",
        ),
        // its own notice is none of ours
        (
            scene.resend(&[&theirs.id]),
            FaultCode::UnknownSubject,
            "unknown-notice",
        ),
        (
            scene.look_up(&time(0, 0)),
            FaultCode::Invalid,
            "until-not-after-from",
        ),
    ] {
        scene
            .house
            .refuses("tax", &asked.sign(&key), code, reason)
            .await;
    }
    assert!(scene.house.fingerprint().await == print);
    let acts = client::acts(scene.house.gateway().admin(), 1_000)
        .await
        .unwrap();
    assert_eq!(
        acts.acts.iter().filter(|act| act.deed == "heal").count(),
        2,
        "nothing went again"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_not_agreed_to_looking_up_or_resending_is_refused() {
    let scene = Scene::with(AGREED, TOLD_ONLY).await;
    let key = scene.house.key("tax");
    for asked in [scene.look_up(""), scene.resend(&["employer.none.tax.1"])] {
        let signed = asked.sign(&key);
        scene
            .house
            .refuses("tax", &signed, FaultCode::Forbidden, "operation-not-agreed")
            .await;
    }
}
