//! VitalEvents.Subscribe: births and deaths are told as they come to stand, in the fields of the subscription, once, to nobody
//! whose subscription is over and not to whoever told them.

use insurance::Insurance;
use schemas::fault::FaultCode::{Invalid, RuleRefused, UnknownSubject};
use schemas::proto::insurance::{
    AckRequest, Change, Deceased, GetVitalSubscriptionRequest, LeaseRequest, RegisterBirthRequest,
    RegisterDeathRequest, SubscribeVitalEventsRequest, UnsubscribeVitalEventsRequest,
    VitalEventKind::{self, Birth, Death},
    VitalNotice, VitalSubscription, WithdrawDeathRequest,
    change::What,
};

use crate::over_both;
use crate::scene::{Scene, context, soon};

over_both! {
    a_birth_is_told_once_and_in_the_fields_of_the_subscription
    a_death_is_told_each_time_it_comes_to_stand_and_only_then
    what_is_over_or_not_begun_is_told_nothing
    of_one_person_alone_nobody_else_is_told
    what_cannot_be_subscribed_to_is_refused_with_its_reason
    a_subscription_is_its_partners_alone
}

pub fn wish(key: &str, kind: VitalEventKind) -> SubscribeVitalEventsRequest {
    SubscribeVitalEventsRequest {
        context: Some(context("crvs", key)),
        kind: kind.into(),
        fields: ["name", "birthDate", "deathDate", "registration"]
            .map(str::to_owned)
            .to_vec(),
        ..SubscribeVitalEventsRequest::default()
    }
}

async fn subscribe(scene: &Scene, wish: SubscribeVitalEventsRequest) -> VitalSubscription {
    let said = scene.insurance.subscribe_vital_events(soon(), wish).await;
    said.unwrap().subscription.unwrap()
}

async fn born(scene: &Scene, number: u32) -> RegisterBirthRequest {
    let birth = scene.birth(number);
    let said = scene.insurance.register_birth(soon(), birth.clone()).await;
    said.unwrap();
    birth
}

fn death_of(birth: &RegisterBirthRequest, sender: &str, case_id: &str) -> RegisterDeathRequest {
    let child = birth.child.clone().unwrap();
    RegisterDeathRequest {
        context: Some(context(sender, case_id)),
        case_id: case_id.to_owned(),
        received_at: birth.received_at.clone(),
        deceased: Some(Deceased {
            pin: child.pin,
            name: child.name,
            ..Deceased::default()
        }),
        died_on: birth.record.clone().unwrap().registered_on,
        record: birth.record.clone(),
        ..RegisterDeathRequest::default()
    }
}

/// What the feed has for subscribers, in its order; acknowledged.
async fn told(insurance: &Insurance) -> Vec<(Change, VitalNotice)> {
    let request = LeaseRequest {
        owner: "g".to_owned(),
        max: 500,
        lease_seconds: 60,
    };
    let changes = insurance.lease(soon(), request).await.unwrap().changes;
    let request = AckRequest {
        owner: "g".to_owned(),
        ids: changes.iter().map(|change| change.id.clone()).collect(),
    };
    insurance.ack(soon(), request).await.unwrap();
    let vital = |change: Change| match change.what.clone() {
        Some(What::Vital(notice)) => Some((change, notice)),
        _ => None,
    };
    changes.into_iter().filter_map(vital).collect()
}

async fn a_birth_is_told_once_and_in_the_fields_of_the_subscription(scene: Scene) {
    born(&scene, 1).await;
    let wish = wish("births", Birth);
    let subscription = subscribe(&scene, wish.clone()).await;
    assert!(subscription.stands && subscription.code.len() == 36);
    // the same call again is the same subscription
    assert_eq!(subscribe(&scene, wish).await.code, subscription.code);
    let birth = born(&scene, 2).await;
    let all = told(&scene.insurance).await;
    let [(change, notice)] = &all[..] else {
        panic!("{all:?}")
    };
    assert_eq!(
        (change.partner.as_str(), change.subject_sequence),
        ("crvs", 1)
    );
    assert_eq!(
        (&notice.code, notice.kind(), notice.purpose.as_str()),
        (&subscription.code, Birth, "test")
    );
    assert_eq!(notice.told, ["name", "birthDate", "registration"]);
    let (event, child) = (notice.event.clone().unwrap(), birth.child.clone().unwrap());
    assert_eq!((&event.pin, &event.name), (&child.pin, &child.name));
    assert_eq!(event.record, birth.record);
    assert_eq!(
        (event.sex, event.mother, event.residence_commune.as_str()),
        (0, None, "")
    );
    for clear in [&change.id, &change.subject] {
        assert!(!clear.contains(&child.pin), "{clear}");
    }
    // told by another office too, it is the same birth
    let again = RegisterBirthRequest {
        context: Some(context("other", "again")),
        case_id: "other-2".to_owned(),
        ..birth
    };
    scene.insurance.register_birth(soon(), again).await.unwrap();
    assert_eq!(told(&scene.insurance).await, []);
}

async fn a_death_is_told_each_time_it_comes_to_stand_and_only_then(scene: Scene) {
    let birth = born(&scene, 3).await;
    subscribe(&scene, wish("deaths", Death)).await;
    told(&scene.insurance).await;
    let insurance = &scene.insurance;
    for (sender, case_id, is_told) in [("dvclt", "D-1", true), ("other", "D-2", false)] {
        let death = death_of(&birth, sender, case_id);
        insurance
            .register_death(soon(), death.clone())
            .await
            .unwrap();
        let all = told(insurance).await;
        assert_eq!(all.len(), usize::from(is_told), "{case_id}");
        for (_, notice) in all {
            let event = notice.event.unwrap();
            assert_eq!(
                (notice.kind, event.died_on),
                (Death.into(), death.died_on.clone())
            );
        }
    }
    for (sender, case_id) in [("dvclt", "D-1"), ("other", "D-2")] {
        let withdrawal = WithdrawDeathRequest {
            context: Some(context(sender, &format!("W-{case_id}"))),
            case_id: format!("W-{case_id}"),
            withdraws: case_id.to_owned(),
            reason: String::new(),
        };
        insurance.withdraw_death(soon(), withdrawal).await.unwrap();
    }
    assert_eq!(told(insurance).await, []);
    let death = death_of(&birth, "dvclt", "D-3");
    insurance.register_death(soon(), death).await.unwrap();
    assert_eq!(told(insurance).await.len(), 1);
    // of whom nobody is insured under the PIN it is told too; what waits is not told again when the birth comes
    let unborn = scene.birth(4);
    let mut death = death_of(&unborn, "dvclt", "D-4");
    death.deceased.as_mut().unwrap().birth_date = String::new();
    insurance.register_death(soon(), death).await.unwrap();
    assert_eq!(told(insurance).await.len(), 1);
    insurance.register_birth(soon(), unborn).await.unwrap();
    assert_eq!(told(insurance).await, []);
    // whoever told it here is not told it back
    let echo = born(&scene, 5).await;
    let death = death_of(&echo, "crvs", "D-5");
    insurance.register_death(soon(), death).await.unwrap();
    assert_eq!(told(insurance).await, []);
}

async fn what_is_over_or_not_begun_is_told_nothing(scene: Scene) {
    let now = (scene.time.clock())();
    let after = |seconds: i64| (now + jiff::SignedDuration::from_secs(seconds)).to_string();
    let span = SubscribeVitalEventsRequest {
        begins_at: after(60),
        ends_at: after(120),
        ..wish("span", Birth)
    };
    let subscription = subscribe(&scene, span).await;
    assert!(!subscription.stands);
    born(&scene, 6).await;
    assert_eq!(told(&scene.insurance).await, []);
    scene.time.pass(60);
    born(&scene, 7).await;
    assert_eq!(told(&scene.insurance).await.len(), 1);
    assert!(of(&scene, "crvs", &subscription.code).await.unwrap().stands);
    scene.time.pass(60);
    born(&scene, 8).await;
    assert_eq!(told(&scene.insurance).await, []);
    assert!(!of(&scene, "crvs", &subscription.code).await.unwrap().stands);
    // one that is over stands in nobody's way
    let next = subscribe(&scene, wish("next", Birth)).await;
    end(&scene, "crvs", &next.code).await.unwrap();
    born(&scene, 9).await;
    assert_eq!(told(&scene.insurance).await, []);
    let ended = of(&scene, "crvs", &next.code).await.unwrap();
    assert!(!ended.stands && !ended.ended_at.is_empty());
}

async fn of(scene: &Scene, partner: &str, code: &str) -> Option<VitalSubscription> {
    let request = GetVitalSubscriptionRequest {
        context: Some(context(partner, "")),
        code: code.to_owned(),
    };
    let said = scene.insurance.vital_subscription(soon(), request).await;
    said.unwrap().subscription
}

async fn end(
    scene: &Scene,
    partner: &str,
    code: &str,
) -> Result<VitalSubscription, schemas::fault::Fault> {
    let request = UnsubscribeVitalEventsRequest {
        context: Some(context(partner, &format!("end-{code}"))),
        code: code.to_owned(),
    };
    let said = scene
        .insurance
        .unsubscribe_vital_events(soon(), request)
        .await;
    said.map(|said| said.subscription.unwrap())
}

async fn of_one_person_alone_nobody_else_is_told(scene: Scene) {
    let (one, other) = (scene.birth(10), scene.birth(11));
    let only = SubscribeVitalEventsRequest {
        pin: one.child.clone().unwrap().pin,
        ..wish("one", Birth)
    };
    let only = subscribe(&scene, only).await;
    for birth in [other, one] {
        scene.insurance.register_birth(soon(), birth).await.unwrap();
    }
    let all = told(&scene.insurance).await;
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].1.code, only.code);
    // whom two subscriptions fit is told of once, under the oldest
    let twelfth = scene.birth(12);
    let person = SubscribeVitalEventsRequest {
        pin: twelfth.child.clone().unwrap().pin,
        ..wish("person", Birth)
    };
    let person = subscribe(&scene, person).await;
    scene.time.pass(1);
    subscribe(&scene, wish("all", Birth)).await;
    scene
        .insurance
        .register_birth(soon(), twelfth)
        .await
        .unwrap();
    let all = told(&scene.insurance).await;
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].1.code, person.code);
}

async fn what_cannot_be_subscribed_to_is_refused_with_its_reason(scene: Scene) {
    subscribe(&scene, wish("first", Birth)).await;
    let now = (scene.time.clock())();
    let days = |days: i64| (now + jiff::SignedDuration::from_hours(24 * days)).to_string();
    let base = || wish("wrong", Death);
    let with = |change: fn(&mut SubscribeVitalEventsRequest)| {
        let mut wish = base();
        change(&mut wish);
        wish
    };
    let spanning = |from: String, to: String| SubscribeVitalEventsRequest {
        begins_at: from,
        ends_at: to,
        ..base()
    };
    for (wrong, code, reason, field) in [
        (with(|wish| wish.kind = 0), Invalid, "unknown-code", "kind"),
        (
            with(|wish| wish.pin = "1".into()),
            Invalid,
            "malformed-pin",
            "pin",
        ),
        (
            with(|wish| wish.fields.push("salary".into())),
            Invalid,
            "unknown-code",
            "fields",
        ),
        (
            with(|wish| wish.begins_at = "soon".into()),
            Invalid,
            "malformed-instant",
            "begins_at",
        ),
        (
            spanning(days(2), days(1)),
            Invalid,
            "span-backwards",
            "ends_at",
        ),
        (
            spanning(String::new(), days(-1)),
            Invalid,
            "span-backwards",
            "ends_at",
        ),
        (
            spanning(days(1), days(368)),
            Invalid,
            "span-too-long",
            "ends_at",
        ),
        (
            wish("second", Birth),
            RuleRefused,
            "subscribed-already",
            "kind",
        ),
    ] {
        let call = scene.insurance.subscribe_vital_events(soon(), wrong);
        scene.refuses(call, code, reason, field).await;
    }
    for number in 0..99 {
        let one = SubscribeVitalEventsRequest {
            pin: scene.birth(20 + number).child.unwrap().pin,
            ..wish(&format!("n-{number}"), Death)
        };
        subscribe(&scene, one).await;
    }
    let call = scene.insurance.subscribe_vital_events(soon(), base());
    scene
        .refuses(call, RuleRefused, "too-many-subscriptions", "kind")
        .await;
}

async fn a_subscription_is_its_partners_alone(scene: Scene) {
    let code = subscribe(&scene, wish("births", Birth)).await.code;
    assert_eq!(of(&scene, "other", &code).await, None);
    for (partner, code) in [("other", code.as_str()), ("crvs", "sub-1")] {
        let call = end(&scene, partner, code);
        scene
            .refuses(call, UnknownSubject, "unknown-subscription", "code")
            .await;
    }
    assert!(end(&scene, "crvs", &code).await.unwrap().ended_at.len() > 10);
    let request = UnsubscribeVitalEventsRequest {
        context: Some(context("crvs", "again")),
        code,
    };
    let call = scene.insurance.unsubscribe_vital_events(soon(), request);
    scene
        .refuses(call, RuleRefused, "ended-already", "code")
        .await;
}

/// Every statement once, for the plans; before births and deaths are told.
pub async fn ask_everything(scene: &Insurance) {
    let said = scene
        .subscribe_vital_events(soon(), wish("plans", Birth))
        .await;
    let code = said.unwrap().subscription.unwrap().code;
    scene
        .subscribe_vital_events(soon(), wish("plans-deaths", Death))
        .await
        .unwrap();
    let request = GetVitalSubscriptionRequest {
        context: Some(context("crvs", "")),
        code,
    };
    scene.vital_subscription(soon(), request).await.unwrap();
    let other = SubscribeVitalEventsRequest {
        context: Some(context("other", "plans")),
        ..wish("plans", Birth)
    };
    let said = scene.subscribe_vital_events(soon(), other).await.unwrap();
    let request = UnsubscribeVitalEventsRequest {
        context: Some(context("other", "plans-end")),
        code: said.subscription.unwrap().code,
    };
    scene
        .unsubscribe_vital_events(soon(), request)
        .await
        .unwrap();
}
