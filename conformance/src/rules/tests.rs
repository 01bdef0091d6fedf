use std::collections::HashSet;

use super::*;

#[test]
fn every_rule_has_its_own_number_a_sentence_and_a_citation() {
    let mut numbers = HashSet::new();
    for rule in ALL {
        let (number, name) = rule.id.split_at(4);
        assert!(numbers.insert(number) && !name.is_empty(), "{}", rule.id);
        assert!(
            !rule.title.is_empty() && !rule.title.ends_with('.'),
            "{}",
            rule.id
        );
        assert!(rule.citation.len() > 5, "{}", rule.id);
    }
    assert!(ALL.is_sorted_by_key(|rule| rule.id));
}

#[test]
fn every_file_of_a_rule_is_in_the_registry() {
    let files: HashSet<_> = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/rules"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter_map(|name| {
            Some(
                name.strip_prefix('r')?
                    .strip_suffix(".rs")?
                    .replace('_', "-"),
            )
        })
        .filter(|name| name.starts_with(|first: char| first.is_ascii_digit()))
        .collect();
    assert_eq!(files, ALL.iter().map(|rule| rule.id.to_owned()).collect());
}

#[test]
fn the_table_in_the_readme_is_the_registry() {
    let readme = include_str!("../../README.md");
    let rows: String = ALL
        .iter()
        .map(|rule| format!("| {} | {} | {} |\n", rule.id, rule.title, rule.citation))
        .collect();
    assert!(
        readme.contains(&rows),
        "README.md needs this table:\n{rows}"
    );
}

#[tokio::test]
async fn a_rule_without_its_gateway_is_not_run_and_never_passed() {
    let folder = tempfile::tempdir().unwrap();
    crate::identity::tests::write_agency(folder.path(), "tax");
    // the port is taken and closed again, so nobody listens there
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let target = crate::identity::Target {
        host: "127.0.0.1".into(),
        port,
    };
    let context = Context::open(folder.path(), Some(target)).unwrap();
    for rule in ALL {
        let verdict = rule.run(&context).await;
        assert!(
            matches!(verdict, Verdict::NotRun(_)),
            "{}: {verdict:?}",
            rule.id
        );
    }
}

/// What the TLS library, the HTTP library or an honest answer gives even there; each is proven to be able
/// to fail by the tests of the counterpart's checkers and of the raw client.
const HOLD_WITHOUT_A_GATEWAY: [&str; 12] = [
    "001-no-certificate",
    "002-unknown-ca-certificate",
    "003-expired-certificate",
    "004-wrong-usage-certificate",
    "005-not-yet-valid-certificate",
    "007-plaintext",
    "013-unequal-lengths",
    "060-xml-answer-is-bound",
    "061-json-answer-is-bound",
    "062-disclosure-by-field",
    // they look at what was called, and there nobody calls
    "097-xroad-hash",
    "098-xroad-forged-answer",
];

#[tokio::test]
async fn no_refusal_passes_against_a_gateway_that_says_yes_to_everything() {
    use crate::identity::{Identity, tests::write_agency_under};
    let folder = tempfile::tempdir().unwrap();
    let authority = certs::pki::Authority::generate("sandbox", crate::clock::now()).unwrap();
    let (tax, dvclt) = (folder.path().join("tax"), folder.path().join("dvclt"));
    let portal = folder.path().join("portal");
    write_agency_under(&authority, &portal, "portal");
    let server = crate::security_server::PARTNER;
    write_agency_under(&authority, &folder.path().join(server), server);
    std::fs::write(portal.join("landmarks.json"), LANDMARKS).unwrap();
    let hospital = folder.path().join(crate::hospital::PARTNER);
    write_agency_under(&authority, &hospital, crate::hospital::PARTNER);
    std::fs::write(hospital.join("landmarks.json"), LANDMARKS).unwrap();
    let crvs = folder.path().join(crate::crvs::PARTNER);
    write_agency_under(&authority, &crvs, crate::crvs::PARTNER);
    std::fs::write(crvs.join("landmarks.json"), LANDMARKS).unwrap();
    write_agency_under(&authority, &tax, "tax");
    write_agency_under(&authority, &dvclt, "dvclt");
    // a stranger's certificate is a good one to a gateway that knows nobody
    let hostile = folder.path().join("hostile");
    std::fs::create_dir(&hostile).unwrap();
    std::fs::copy(dvclt.join("tls.pem"), hostile.join("stranger.pem")).unwrap();
    std::fs::copy(dvclt.join("tls.key"), hostile.join("stranger.key")).unwrap();
    std::fs::write(dvclt.join("landmarks.json"), LANDMARKS).unwrap();
    let yes = yes::Yes {
        tax: Identity::load(&tax).unwrap(),
        dvclt: Identity::load(&dvclt).unwrap(),
    };
    let target = yes::serve(yes, &authority).await;
    let context = Context::open(folder.path(), Some(target)).unwrap();
    for rule in ALL {
        let verdict = rule.run(&context).await;
        let may_hold = HOLD_WITHOUT_A_GATEWAY.contains(&rule.id) || rule.id.starts_with("099");
        assert!(
            may_hold || matches!(verdict, Verdict::Failed(_)),
            "{}: {verdict:?}",
            rule.id
        );
        assert!(
            !rule.id.starts_with("099") || matches!(verdict, Verdict::NotRun(_)),
            "{verdict:?}"
        );
    }
}

const LANDMARKS: &str = r#"{"mothers":[{"name":"Trần Thị Mẫu","pin":"099193000001","birth_date":"1993-01-02"}],
    "communes":[{"code":"00004","province":"01"}],"facilities":["01001"],
    "holders":[{"name":"Lê Mẫu","pin":"099093000002","birth_date":"1993-02-01","card":"DN4019900000007"}]}"#;

mod yes;
