//! The population database: a section, a partner, and a lane that belong together.

use super::*;

const SECTION: &str = "[population]\npartner = \"tax\"\nintegration = \"VSS-99\"\nservice = \"2.000986\"\n\
                       officer = \"LIEN-THONG-99\"\n\n[limits]\n";

/// The sample with this section, and the one partner's lane for these words.
fn read(scene: &Scene, section: &str, words: &str) -> Result<Snapshot, Vec<Problem>> {
    let config = scene.with(&[("[limits]\n", section)])?;
    let text = TAX.split("# [delivery]").next().unwrap();
    let delivery = format!(
        "[delivery]\nwords = \"{words}\"\nuri = \"https://localhost:1/x\"\nprivate = true\nanchors = \"../anchors.pem\"\n"
    );
    scene.write("partners/tax.toml", &format!("{text}{delivery}"));
    Snapshot::load(&config, &OPERATIONS)
}

#[test]
fn whoever_is_asked_has_a_lane_and_whoever_has_the_lane_is_asked() {
    let scene = Scene::new();
    let snapshot = read(&scene, SECTION, "population").unwrap();
    let delivery = snapshot.deliveries.values().next().unwrap();
    assert_eq!(delivery.words, OutwardWords::Population);
    let problem = only(read(&scene, SECTION, "civil").unwrap_err());
    assert!(
        problem.what.contains("`tax` has no lane"),
        "{}",
        problem.what
    );
    let problem = only(read(&scene, "[limits]\n", "population").unwrap_err());
    assert!(problem.what.contains("and is not"), "{}", problem.what);
    let other = SECTION.replace("partner = \"tax\"", "partner = \"nobody\"");
    let problem = only(read(&scene, &other, "population").unwrap_err());
    assert!(
        problem.what.contains("`nobody` has no lane"),
        "{}",
        problem.what
    );
}

#[test]
fn who_we_are_to_it_can_be_written_into_a_question_and_the_wait_is_bounded() {
    let scene = Scene::new();
    let long = format!("\"{}\"", "V".repeat(65));
    for (from, to, key) in [
        ("\"VSS-99\"", long.as_str(), "population.integration"),
        ("\"2.000986\"", "\"2 000986\"", "population.service"),
        ("\"LIEN-THONG-99\"", "\"Nguyễn\"", "population.officer"),
    ] {
        let problem = only(read(&scene, &SECTION.replace(from, to), "population").unwrap_err());
        assert!(problem.what.contains("1 to 64"), "{key}: {}", problem.what);
    }
    let patient = SECTION.replace("[limits]", "wait_ms = 60000\n\n[limits]");
    assert!(read(&scene, &patient, "population").is_err());
}

#[test]
fn it_is_reached_as_the_civil_registry_is_and_holds_nothing() {
    let scene = Scene::new();
    read(&scene, SECTION, "population").unwrap();
    let file = std::fs::read_to_string(scene.folder.path().join("partners/tax.toml")).unwrap();
    scene.write(
        "partners/tax.toml",
        &format!("{file}[delivery.reconcile]\n"),
    );
    let config = scene.with(&[("[limits]\n", SECTION)]).unwrap();
    let problem = only(Snapshot::load(&config, &OPERATIONS).unwrap_err());
    assert_eq!(
        problem.what,
        "the population database is not asked what it holds"
    );
}
