//! The seeded people against their own rules.

use std::collections::HashSet;
use std::sync::Arc;

use jiff::civil::date;
use schemas::codes::{communes, household};
use schemas::id::{CardNumber, FacilityCode, Mst, Pin, Sex, SiNumber, TaxId, UnitCode};
use schemas::name::PersonName;
use schemas::proto::insurance::{Context, FindRequest};
use tempfile::TempDir;

use super::*;
use crate::Params;
use crate::registry::fingerprint;
use crate::sql::Row;

const AS_OF: Date = date(2026, 11, 22);

fn seeded(people: usize, seed: u64) -> (Registry, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(|| "2026-11-22T05:00:00Z".parse().unwrap());
    let registry =
        Registry::open(Params::synthetic(folder.path().join("r.sqlite")), clock).unwrap();
    run(
        &registry,
        SeedParams {
            people,
            employers: 60,
            seed,
            as_of: AS_OF,
        },
        &mut |_, _| (),
    )
    .unwrap();
    (registry, folder)
}

fn hash(registry: &Registry) -> [u8; 32] {
    registry.aside(fingerprint).unwrap()
}

/// Every row of a query of text columns.
fn rows<const N: usize>(registry: &Registry, query: &str) -> Vec<[String; N]> {
    let row = |row: &Row<'_>| {
        let texts: Result<Vec<String>, _> = (0..N).map(|column| row.get(column)).collect();
        Ok(texts?.try_into().unwrap())
    };
    registry
        .aside(|sql| Ok::<_, Error>(sql.query(query, &[], row)?))
        .unwrap()
}

fn count(registry: &Registry, query: &str) -> i64 {
    registry
        .aside(|sql| Ok::<_, Error>(sql.query_one(query, &[], |row| row.get(0))?))
        .unwrap()
}

#[test]
fn the_same_seed_makes_the_same_people_and_another_seed_makes_others() {
    let (one, _a) = seeded(400, 1);
    let (same, _b) = seeded(400, 1);
    let (other, _c) = seeded(400, 2);
    assert_eq!(hash(&one), hash(&same));
    assert_ne!(hash(&one), hash(&other));
}

#[test]
fn every_identifier_passes_its_own_rule_and_lies_in_a_reserved_range() {
    let (registry, _folder) = seeded(1_500, 3);
    for [number] in rows(&registry, "SELECT number FROM numbers WHERE scheme = 'si'") {
        assert!(SiNumber::parse(&number).unwrap().is_synthetic());
    }
    let people = "SELECT n.number, p.birth_date, CAST(p.sex AS TEXT), p.name FROM numbers n JOIN people p ON p.id = n.person WHERE scheme = 'pin'";
    for [pin, birth, sex, name] in rows(&registry, people) {
        let pin = Pin::parse(&pin).unwrap();
        let birth: Date = birth.parse().unwrap();
        assert!(pin.is_synthetic() && pin.agrees_with(Sex::parse(&sex).unwrap(), birth.year()));
        assert!(birth <= AS_OF && birth.year() > 1915);
        assert_eq!(PersonName::parse(&name).unwrap().as_str(), name);
    }
    for [mst, unit] in rows(&registry, "SELECT mst, unit_code FROM employers") {
        assert!(TaxId::parse(&mst).unwrap().is_synthetic());
        assert!(UnitCode::parse(&unit).is_ok());
    }
    for [card, facility] in rows(&registry, "SELECT number, facility FROM cards") {
        let card = CardNumber::parse(&card).unwrap();
        assert!(card.is_synthetic());
        assert_eq!(
            FacilityCode::parse(&facility).unwrap().province(),
            card.province()
        );
    }
    for [commune, before] in rows(
        &registry,
        "SELECT commune, coalesce(commune_before, '') FROM households",
    ) {
        assert!(communes::find(&commune, AS_OF).is_some());
        assert!(before.is_empty() || communes::find(&before, date(2025, 6, 30)).is_some());
    }
    for [relation] in rows(&registry, "SELECT DISTINCT relation FROM people") {
        assert!(household::RELATIONS.holds(&relation, AS_OF), "{relation}");
    }
}

#[test]
fn the_people_look_like_people() {
    let (registry, _folder) = seeded(3_000, 4);
    assert_eq!(count(&registry, "SELECT count(*) FROM people"), 3_000);
    let share = |which: &str| {
        count(
            &registry,
            &format!("SELECT count(*) * 100 / 3000 FROM people WHERE {which}"),
        )
    };
    assert!((45..56).contains(&share("sex = 1")), "men");
    assert!((30..46).contains(&share("name LIKE 'Nguyễn %'")), "Nguyễn");
    assert!(
        (4..12).contains(&share("birth_date > '2020-11-22'")),
        "children under six"
    );
    assert!(
        (8..32).contains(&share("birth_date < '1966-11-22'")),
        "over sixty"
    );
    assert_eq!(
        count(
            &registry,
            "SELECT max(size) FROM (SELECT count(*) AS size FROM people GROUP BY household)"
        ),
        7
    );
    let heads = count(
        &registry,
        "SELECT count(*) FROM people WHERE relation = '00'",
    );
    assert_eq!(heads, count(&registry, "SELECT count(*) FROM households"));
    let too_young = "SELECT count(*) FROM people c JOIN people m ON m.household = c.household AND m.sex = 2
        AND m.relation IN ('00', '01') WHERE c.relation = '08' AND c.birth_date < date(m.birth_date, '+18 year')";
    assert_eq!(count(&registry, too_young), 0, "mothers under eighteen");
}

#[test]
fn cards_follow_age_and_work_and_none_is_valid_after_death() {
    let (registry, _folder) = seeded(3_000, 5);
    let te = "SELECT count(*) FROM cards c JOIN people p ON p.id = c.person
        WHERE c.number LIKE 'TE1%' AND (p.birth_date < '2020-01-01' OR c.valid_from <> p.birth_date)";
    assert_eq!(count(&registry, te), 0);
    let kinds: HashSet<String> = rows(&registry, "SELECT DISTINCT substr(number, 1, 3) FROM cards")
        .into_iter()
        .map(|[kind]| kind)
        .collect();
    for kind in ["TE1", "DN4", "GD4", "HT3", "HS4", "HN2"] {
        assert!(kinds.contains(kind), "no {kind}");
    }
    assert!(
        count(
            &registry,
            "SELECT count(*) FROM people WHERE died_on IS NOT NULL"
        ) > 0
    );
    let dead = "SELECT count(*) FROM cards c JOIN people p ON p.id = c.person WHERE p.died_on IS NOT NULL AND c.state = 1";
    assert_eq!(count(&registry, dead), 0);
}

#[test]
fn contributions_add_up_month_by_month() {
    let (registry, _folder) = seeded(3_000, 6);
    let wrong = "SELECT count(*) FROM (SELECT arrears_vnd - lag(arrears_vnd, 1, 0) OVER (PARTITION BY employer ORDER BY period)
        - due_vnd + paid_vnd AS gap FROM contributions) WHERE gap <> 0";
    assert_eq!(count(&registry, wrong), 0);
    assert_eq!(
        count(
            &registry,
            "SELECT count(DISTINCT period) FROM contributions WHERE closed = 1"
        ),
        24
    );
    assert_eq!(
        count(
            &registry,
            "SELECT max(period) = '2026-09' FROM contributions WHERE closed = 1"
        ),
        1
    );
    let counted = "SELECT count(*) FROM contributions c WHERE c.participants <> (SELECT count(*) FROM employments e
        WHERE e.employer = c.employer AND e.from_period <= c.period AND (e.to_period IS NULL OR e.to_period >= c.period))";
    assert_eq!(count(&registry, counted), 0);
    assert!(
        count(
            &registry,
            "SELECT count(*) FROM contributions WHERE arrears_vnd > 0"
        ) > 0
    );
    assert_eq!(
        count(&registry, "SELECT count(DISTINCT state) FROM employers"),
        3
    );
    let skew = "SELECT max(participants) > 8 * avg(participants) FROM contributions WHERE period = '2026-09'";
    assert_eq!(count(&registry, skew), 1, "sizes are not skewed");
}

#[tokio::test]
async fn a_corrected_pin_still_finds_its_person() {
    let (registry, _folder) = seeded(2_000, 7);
    let corrected = "SELECT old.number, new.number FROM numbers old JOIN numbers new ON new.person = old.person
        AND new.scheme = 'pin' AND new.valid_to IS NULL WHERE old.scheme = 'pin' AND old.valid_to IS NOT NULL";
    let [old, new] = rows(&registry, corrected).swap_remove(0);
    let context = Some(Context {
        sender: "tax".into(),
        ..Context::default()
    });
    let found = registry
        .find(FindRequest {
            context,
            number: old,
            ..FindRequest::default()
        })
        .await
        .unwrap();
    assert_eq!(found.people[0].pin, new);
}

#[test]
fn a_registry_is_seeded_once_and_progress_reaches_its_total() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(|| "2026-11-22T05:00:00Z".parse().unwrap());
    let registry =
        Registry::open(Params::synthetic(folder.path().join("r.sqlite")), clock).unwrap();
    let params = SeedParams {
        people: 250,
        employers: 10,
        seed: 1,
        as_of: AS_OF,
    };
    assert!(!is_seeded(&registry).unwrap());
    let mut told = Vec::new();
    run(&registry, params, &mut |done, total| {
        told.push((done, total))
    })
    .unwrap();
    assert_eq!(told.last(), Some(&(500, 500)));
    assert!(told.is_sorted());
    assert!(is_seeded(&registry).unwrap());
    assert!(landmarks(&registry).unwrap().employer_incomplete.is_some());
    assert!(matches!(
        run(&registry, params, &mut |_, _| ()),
        Err(SeedError::NotEmpty)
    ));
}

#[test]
fn the_landmarks_are_what_they_say() {
    let (registry, _folder) = seeded(1_000, 8);
    let marks = landmarks(&registry).unwrap();
    assert_eq!(
        (marks.as_of.as_str(), marks.period.as_str()),
        ("2026-11-22", "2026-09")
    );
    assert!(Mst::parse(&marks.unregistered_mst).is_ok());
    assert!(marks.card_holders.len() >= 5 && marks.mothers.len() >= 5 && marks.places.len() == 10);
    assert!(
        marks.employer_incomplete.is_some()
            && marks.employer_in_arrears.is_some()
            && marks.branch.is_some()
    );
    let taken = "SELECT count(*) FROM numbers WHERE scheme = 'pin' AND CAST(substr(number, 7) AS INTEGER) >= 500000";
    assert_eq!(count(&registry, taken), 0);
}
