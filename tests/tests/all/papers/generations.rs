//! The store's key is changed and its older generations forgotten while files are awaited and a month is under way.

use gateway_tests::department::Department;
use schemas::wire::tax_records::{Form, Kind, Packing};

use super::*;
use crate::bulk::{manifest, put, settled};

/// `lienthong journal …` on the house's config.
async fn journal(house: &House, words: &[&str]) -> std::process::ExitCode {
    let mut line = vec!["lienthong".to_owned(), "journal".to_owned()];
    line.extend(words.iter().map(|&word| word.to_owned()));
    line.push("--config".to_owned());
    line.push(house.file("gateway.toml").display().to_string());
    let cli = gateway::cli::Cli::of(line).unwrap();
    tokio::task::spawn_blocking(|| cli.run()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_the_rest_of_it_outlives_the_generation_it_was_taken_under() {
    use std::process::ExitCode;
    let mut house = House::start().await;
    let (first, second) = (pdf(90_000), pdf(120_000));
    let files = [line("don.pdf", &first), line("khai-sinh.pdf", &second)];
    let id = announce(&house, &files).await;
    part(&house, &id, 1, &first).await.assert_ok();
    let department = Department::of(&house, Kind::Employer).await;
    let sending = department.cut("month-of-two-keys", Form::Xml, Packing::Plain, 3);
    assert!(sending.chunks.len() > 1);
    let announced = manifest(&house, &department, &sending).sign(&house.key("tax"));
    house.wire("tax").send(&announced).await.assert_ok();
    put(&house, &sending, 1).await.assert_ok();

    house.drain().await;
    assert_eq!(journal(&house, &["rotate"]).await, ExitCode::SUCCESS);
    house.open().await;
    // the first time changes something, so nothing is forgotten yet
    let forget = ["rewrap", "--forget"];
    assert_eq!(journal(&house, &forget).await, ExitCode::FAILURE);
    assert_eq!(journal(&house, &forget).await, ExitCode::SUCCESS);
    house.drain().await;
    house.open().await;

    part(&house, &id, 2, &second).await.assert_ok();
    for number in 2..=sending.chunks.len() {
        put(&house, &sending, number).await.assert_ok();
    }
    settled(&house, &sending, "done").await;
    let reply = submit(&house, json!({"SHA256": digest::sha256_hex(&first)})).await;
    reply.assert_ok();
}
