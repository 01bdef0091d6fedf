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
