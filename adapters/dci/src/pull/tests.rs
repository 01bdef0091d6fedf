use jiff::civil::date;

use super::*;

const PULL: Pull = Pull {
    births: true,
    deaths: true,
    since: None,
    overlap_days: 7,
    window_days: 4,
    page_size: 100,
    pages_max: 10,
    every_seconds: 60,
    again_seconds: 10,
};

const TODAY: Date = date(2026, 11, 24);

fn next(pulled: &Pulled, now: i64, today: Date) -> Option<Pulled> {
    let name = || format!("pull-live_birth-{now}");
    pulled.next((true, &PULL), (now, today), name)
}

fn page(total: i64) -> Page {
    Page {
        sent_at: jiff::Timestamp::UNIX_EPOCH,
        size: 100,
        total,
        records: Vec::new(),
    }
}

/// Looks at everything that is due; the days of each question.
fn look(mut pulled: Pulled, now: i64, today: Date) -> (Pulled, Vec<(Date, Date)>) {
    let mut asked = Vec::new();
    while let Some(next) = next(&pulled, now, today) {
        let span = next.span.as_ref().unwrap();
        asked.push((span.from.0, span.until.0));
        pulled = next.counted(1).taken(&page(1), (0, 0), now);
        assert_eq!(Pulled::read(&pulled.write()), Some(pulled.clone()));
    }
    (pulled, asked)
}

#[test]
fn days_are_looked_at_without_a_gap_and_some_of_them_again() {
    let (pulled, asked) = look(Pulled::default(), 1_000, TODAY);
    assert_eq!(
        asked,
        [
            (date(2026, 11, 17), date(2026, 11, 21)),
            (date(2026, 11, 21), date(2026, 11, 25)),
        ]
    );
    // today is not over
    assert_eq!(pulled.mark, Some(Day(TODAY)));
    assert_eq!((pulled.found, pulled.word()), (2, "done"));
    assert_eq!(next(&pulled, 1_059, TODAY), None);
    let (pulled, asked) = look(pulled, 1_060, date(2026, 11, 25));
    assert_eq!(asked[0].0, date(2026, 11, 17));
    assert_eq!(asked[2], (date(2026, 11, 25), date(2026, 11, 26)));
    assert_eq!(pulled.mark, Some(Day(date(2026, 11, 25))));
    // a clock that goes back moves no mark back
    let (pulled, _) = look(pulled, 1_200, date(2026, 11, 20));
    assert_eq!(pulled.mark, Some(Day(date(2026, 11, 25))));
}

#[test]
fn the_first_look_begins_where_the_file_says_and_ends_where_it_says_nothing() {
    let since = Pull {
        since: Some(date(2026, 11, 23)),
        ..PULL
    };
    let pulled = Pulled::default();
    let name = || "pull-live_birth-1".to_owned();
    let begun = pulled.next((true, &since), (1, TODAY), name).unwrap();
    let span = begun.span.clone().unwrap();
    assert_eq!(
        (span.from.0, span.until.0),
        (date(2026, 11, 23), date(2026, 11, 25))
    );
    assert_eq!(begun.next((true, &since), (1, TODAY), name), None);
    let ended = begun.next((false, &since), (1, TODAY), name).unwrap();
    assert_eq!((ended.span, ended.look), (None, None));
}

#[test]
fn too_much_is_asked_for_by_halves_down_to_a_day() {
    let mut pulled = next(&Pulled::default(), 1, TODAY).unwrap();
    for days in [2, 1] {
        let narrowed = pulled.narrowed(1);
        assert_eq!(narrowed.mark, None);
        pulled = next(&narrowed, 1, TODAY).unwrap();
        let span = pulled.span.as_ref().unwrap();
        assert_eq!(span.from.0, date(2026, 11, 17));
        assert_eq!(span.from.to(span.until), days);
    }
    let refused = pulled.narrowed(1);
    assert_eq!(refused.refused.as_ref().unwrap().code, TOO_MANY);
    assert_eq!((refused.word(), refused.mark), ("refused", None));
    assert_eq!(next(&refused, 10, TODAY), None);
    let again = next(&refused, 11, TODAY).unwrap();
    assert_eq!(again.span.unwrap().from.0, date(2026, 11, 17));
}

#[test]
fn what_does_not_fit_is_begun_anew_under_another_name_and_not_for_ever() {
    let mut pulled = next(&Pulled::default(), 1, TODAY).unwrap();
    pulled = pulled.counted(3).taken(&page(250), (0, 1), 2);
    let span = pulled.span.clone().unwrap();
    assert_eq!((span.page, span.total, span.missing), (2, Some(250), None));
    assert_eq!((pulled.found, pulled.mark), (2, None));
    for again in 1..=3 {
        pulled = pulled.anew("other-total", 3, || format!("anew-{again}"));
        let span = pulled.span.clone().unwrap();
        assert_eq!((span.page, span.total), (1, None));
        assert_eq!(span.name, format!("anew-{again}"));
    }
    let refused = pulled.anew("other-total", 4, || "anew-4".to_owned());
    assert_eq!(refused.refused.unwrap().code, "other-total");
    assert_eq!((refused.span, refused.mark), (None, None));
}
