use super::check::Status;
use super::table::{Said, Table, Told};

fn status(nth: u64, state: u8, moment: i64) -> Status {
    Status {
        dossier: "LTKS-G22.99.08-261120-000001".to_owned(),
        nth,
        fresh: true,
        told: Told {
            id: format!("LTKS-G22.99.08-261120-000001.{nth}"),
            state,
            at: String::new(),
            moment,
            result: None,
            note: None,
            supplement_by: None,
        },
    }
}

#[test]
fn each_state_is_taken_once_and_the_same_again_is_known_whatever_came_meanwhile() {
    let mut table = Table::default();
    let said: Vec<Said> = [(1, 3, 10), (2, 4, 20), (1, 3, 10), (2, 4, 20), (3, 4, 20)]
        .into_iter()
        .map(|(nth, state, at)| table.take(status(nth, state, at)))
        .collect();
    assert_eq!(
        said,
        [
            Said::Taken,
            Said::Taken,
            Said::Known,
            Said::Known,
            Said::Taken
        ]
    );
    let dossier = table.dossiers.values().next().unwrap();
    assert_eq!((dossier.states(), dossier.repeats), (vec![3, 4, 4], 2));
    assert!(table.violations.is_empty());
}

#[test]
fn what_is_not_in_its_turn_is_refused_by_name_and_not_taken() {
    /// Place, state and moment of each.
    type Steps = &'static [(u64, u8, i64)];
    let cases: [(Steps, &str); 6] = [
        (&[(2, 4, 10)], "not in its place"),
        (&[(1, 1, 10)], "no first state"),
        (&[(1, 6, 10), (2, 4, 20)], "cannot follow"),
        (&[(1, 4, 10), (2, 3, 20)], "cannot follow"),
        (&[(1, 4, 20), (2, 4, 10)], "before the last"),
        (&[(1, 4, 20), (1, 4, 10)], "another content"),
    ];
    for (told, why) in cases {
        let mut table = Table::default();
        let said: Vec<Said> = told
            .iter()
            .map(|&(nth, state, at)| table.take(status(nth, state, at)))
            .collect();
        assert_eq!(said.last(), Some(&Said::NotInTurn), "{why}");
        assert!(table.violations[0].contains(why), "{:?}", table.violations);
        let taken = table.dossiers.values().next().unwrap().told.len();
        assert_eq!(taken, told.len() - 1, "{why}");
    }
    let mut stale = Table::default();
    let old = Status {
        fresh: false,
        ..status(1, 4, 10)
    };
    assert_eq!(stale.take(old), Said::NotInTurn);
}

#[test]
fn what_was_handed_out_is_closed() {
    let mut table = Table::default();
    assert_eq!(table.take(status(1, 4, 10)), Said::Taken);
    table.dossiers.values_mut().next().unwrap().handed_out = true;
    assert_eq!(table.take(status(1, 4, 10)), Said::Known);
    assert_eq!(table.take(status(2, 4, 20)), Said::HandedOut);
}
