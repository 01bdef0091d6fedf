//! An answer about a thousand is longer than a question may be; it is read up to what a lawful one can be, and no further.

use conformance::taxpayer::Employer;
use schemas::{proto::Message as _, wire::tax::taxpayer::BYTES_MAX};

use super::*;

const MANY: usize = 1_000;

fn code(nth: usize) -> String {
    format!("0993{nth:08}")
}

/// The department knows a thousand employers under the longest names, and we may ask about a thousand at once.
async fn start(form: &str) -> Scene {
    let way = format!("form = \"{form}\"\n");
    let plan = |port| plan(port, &way).replace("partners/tax.toml", "lines = 3", "lines = 1000");
    let (scene, _) = Scene::start_by(plan).await;
    let period = scene.house.landmarks.period.clone();
    let employer = |nth: usize| Employer {
        status: "00".into(),
        since: format!("{period}-01"),
        name: format!("{nth:03}{}", "𠬠".repeat(252)), // a Nôm character: four bytes each
        address: "Simulated address".into(),
        months: [(period.clone(), (3, 9_000_000))].into(),
    };
    scene.register.learn(Truth {
        employers: (0..MANY).map(|nth| (code(nth), employer(nth))).collect(),
        declared_to: period.clone(),
        ..Truth::default()
    });
    scene
}

impl Scene {
    fn all(&self, id: &str, many: usize) -> AskTaxRequest {
        let keys: Vec<String> = (0..many).map(code).collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        self.many(id, "employers", &keys, &["status", "name", "headcount"])
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_with_the_longest_names_are_told_whole_in_both_forms() {
    for form in ["xml", "json"] {
        let scene = start(form).await;
        let asked = scene.all("vss-long-0001", MANY);
        let told = scene.ask(asked.clone()).await.unwrap();
        assert_eq!(told.lines.len(), MANY, "{form}");
        for (nth, line) in told.lines.iter().enumerate() {
            assert_eq!((&*line.mst, &*line.result), (&*code(nth), "hasData"));
            let name = line.told.iter().find(|one| one.field == "name").unwrap();
            assert!(name.value.starts_with(&format!("{nth:03}𠬠")), "{form}");
        }
        let said = told.encoded_len();
        assert!(said > 1 << 20, "{said}");
        assert!(told.journal > 0, "the signed answer is kept whole");
        assert_eq!(scene.ask(asked).await.unwrap(), told, "and read again");
        assert_eq!(scene.register.times("vss-long-0001"), 1);
        assert_eq!(scene.register.violations(), Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_read_up_to_its_bound_and_not_a_byte_further() {
    let scene = start("xml").await;
    let one = |id: &str| scene.employer(id, &code(0), &["status"]);
    let cases = [
        ("vss-bound-01", scene.all("vss-bound-01", 2), BYTES_MAX),
        ("vss-bound-02", one("vss-bound-02"), 1 << 20),
    ];
    for (id, asked, bound) in cases {
        scene
            .register
            .misbehave(|knobs| knobs.at_least_bytes = bound + 1);
        let brief = AskTaxRequest {
            wait_ms: 1_000,
            ..asked.clone()
        };
        let refused = scene.ask(brief).await;
        assert!(
            refused.is_err_and(|error| error.contains("UNAVAILABLE")),
            "{id}"
        );
        scene.unanswered(id, "answer-too-large").await;
        scene
            .register
            .misbehave(|knobs| knobs.at_least_bytes = bound);
        // the same question, answered again: exactly as long as may be
        let told = scene.ask(asked).await.unwrap();
        assert!(told.journal > 0, "{id}");
        scene.register.misbehave(|knobs| knobs.at_least_bytes = 0);
    }
    assert_eq!(scene.register.violations(), Vec::<String>::new());
}
