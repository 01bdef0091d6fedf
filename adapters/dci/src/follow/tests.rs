use schemas::fault::FaultCode::{Conflict, Invalid, UnknownSubject};

use super::*;

const FOLLOW: Follow = Follow {
    births: true,
    deaths: false,
    length_seconds: 1_000,
    renew_seconds: 200,
    answer_seconds: 50,
    again_seconds: 30,
};

fn next(followed: &Followed, wanted: bool, now: i64) -> Option<Followed> {
    followed.next((wanted, &FOLLOW), now, || format!("t-{now}"))
}

fn begun(transaction: &str, said: Result<&str, &'static str>) -> Answered {
    Answered {
        transaction: transaction.to_owned(),
        correlation: "c-1".to_owned(),
        what: Said::Begun("live_birth".to_owned(), said.map(str::to_owned)),
    }
}

fn ended(transaction: &str, said: Result<&str, &'static str>) -> Answered {
    Answered {
        what: Said::Ended(said.map(str::to_owned)),
        ..begun(transaction, Err(""))
    }
}

fn told(followed: &Followed, answer: &Answered, by: &str, now: i64) -> Followed {
    let event = VitalEvent::LiveBirth;
    let told = followed.answered(answer, (event, by), None, now);
    told.unwrap().unwrap()
}

fn refused(followed: &Followed, answer: &Answered, by: &str) -> Fault {
    let event = VitalEvent::LiveBirth;
    followed.answered(answer, (event, by), None, 1).unwrap_err()
}

fn standing() -> Followed {
    let asked = next(&Followed::default(), true, 100).unwrap();
    told(&asked, &begun("t-100", Ok("sub-1")), "m-1", 101)
}

#[test]
fn a_subscription_is_asked_for_once_renewed_before_its_end_and_the_one_before_is_ended() {
    let asked = next(&Followed::default(), true, 100).unwrap();
    assert_eq!(asked.open.as_ref().unwrap().wish, Wish::Begin(1_100));
    assert_eq!(next(&asked, true, 149), None);
    let stands = standing();
    assert_eq!(next(&stands, true, 899), None);
    let renewed = next(&stands, true, 900).unwrap();
    assert_eq!(renewed.word(), "renewing");
    let both = told(&renewed, &begun("t-900", Ok("sub-2")), "m-2", 901);
    assert_eq!(both.stands.as_ref().unwrap().ends, 1_900);
    let ending = next(&both, true, 902).unwrap();
    let wish = &ending.open.as_ref().unwrap().wish;
    assert_eq!(*wish, Wish::End("sub-1".to_owned()));
    let rest = told(&ending, &ended("t-902", Ok("sub-1")), "m-3", 903);
    assert_eq!((rest.word(), rest.spent.len()), ("stands", 0));
    assert_eq!(Followed::read(&rest.write()), Some(rest));
}

#[test]
fn a_registry_that_has_one_of_each_kind_ends_it_before_the_next_begins() {
    let renewed = next(&standing(), true, 900).unwrap();
    let already = Err(Code::AlreadySubscribed.as_str());
    let spent = told(&renewed, &begun("t-900", already), "m-2", 901);
    let ending = next(&spent, true, 902).unwrap();
    let wish = &ending.open.as_ref().unwrap().wish;
    assert_eq!(*wish, Wish::End("sub-1".to_owned()));
    let gone = Err(Code::AlreadyUnsubscribed.as_str());
    let rest = told(&ending, &ended("t-902", gone), "m-3", 903);
    let again = next(&rest, true, 904).unwrap();
    assert_eq!(again.open.unwrap().wish, Wish::Begin(1_904));
}

#[test]
fn what_is_not_wanted_any_more_is_ended_and_what_is_past_needs_no_end() {
    let ending = next(&standing(), false, 200).unwrap();
    assert_eq!(ending.word(), "ending");
    let rest = told(&ending, &ended("t-200", Ok("sub-1")), "m-2", 201);
    assert_eq!(next(&rest, false, 300), None);
    // nobody answers until it is over by itself
    let late = next(&ending, false, 250).unwrap();
    assert_eq!(late.refused.as_ref().unwrap().code, NO_ANSWER);
    assert_eq!(next(&late, false, 279), None);
    assert!(next(&late, false, 280).unwrap().open.is_some());
    let over = next(&late, false, 1_100).unwrap();
    assert_eq!((over.word(), over.open), ("none", None));
}

#[test]
fn what_is_refused_is_asked_again_later() {
    let asked = next(&Followed::default(), true, 100).unwrap();
    let no = told(
        &asked,
        &begun("t-100", Err("rjct.filter.invalid")),
        "m-1",
        101,
    );
    assert_eq!(no.word(), "refused");
    assert_eq!(next(&no, true, 130), None);
    assert_eq!(
        next(&no, true, 131).unwrap().open.unwrap().transaction,
        "t-131"
    );
}

#[test]
fn an_answer_is_taken_once_and_what_is_not_asked_for_changes_nothing() {
    let asked = next(&Followed::default(), true, 100).unwrap();
    let event = VitalEvent::LiveBirth;
    let right = begun("t-100", Ok("sub-1"));
    let reason = |answer: &Answered| {
        let fault = refused(&asked, answer, "m-1");
        (fault.code(), fault.reason())
    };
    assert_eq!(
        reason(&begun("t-101", Ok("sub-1"))),
        (UnknownSubject, "no-such-exchange")
    );
    assert_eq!(
        reason(&ended("t-100", Ok("sub-1"))),
        (Invalid, "other-answer")
    );
    let other = Answered {
        what: Said::Begun("death".to_owned(), Ok("sub-1".to_owned())),
        ..right.clone()
    };
    assert_eq!(reason(&other), (Invalid, "other-reference"));
    let foreign = asked.answered(&right, (event, "m-1"), Some("c-2"), 101);
    let foreign = foreign.unwrap_err();
    assert_eq!(
        (foreign.code(), foreign.reason()),
        (Conflict, "other-correlation")
    );
    let pending = Answered {
        what: Said::Pending,
        ..right.clone()
    };
    assert_eq!(
        asked.answered(&pending, (event, "m-1"), None, 101).unwrap(),
        None
    );

    let stands = told(&asked, &right, "m-1", 101);
    // the same message again, and another that says the same
    assert_eq!(
        stands.answered(&right, (event, "m-1"), None, 102).unwrap(),
        None
    );
    assert_eq!(refused(&stands, &right, "m-2").reason(), "answered-already");
    let late = next(&asked, true, 150).unwrap();
    assert_eq!(refused(&late, &right, "m-1").reason(), "exchange-over");
    let ending = next(&stands, false, 200).unwrap();
    let fault = refused(&ending, &ended("t-200", Ok("sub-9")), "m-3");
    assert_eq!((fault.code(), fault.reason()), (Invalid, "other-code"));
}
