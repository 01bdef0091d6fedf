//! What was said can be shown to be what was said, to the bit.

use std::{fs, path::Path};

use certs::seal::Vault;
use gateway_tests::{
    house::House,
    message::{Birth, dossier},
};

/// Finds every place of a piece of bytes.
fn places(bytes: &[u8], piece: &[u8]) -> Vec<usize> {
    (0..bytes.len().saturating_sub(piece.len()))
        .filter(|at| bytes[*at..].starts_with(piece))
        .collect()
}

fn verify(house: &House) -> Result<gateway_store::Verified, gateway_store::Broken> {
    let vault = Vault::open_file(&house.file("seal.key")).unwrap();
    gateway_store::verify(&house.file("store.sqlite"), &vault)
}

/// Verifies the journal with one bit flipped at this place of the file, and puts it back.
fn with_flipped(file: &Path, good: &[u8], at: usize, house: &House) -> Option<u64> {
    let mut bent = good.to_vec();
    bent[at] ^= 1;
    fs::write(file, bent).unwrap();
    let verdict = verify(house);
    fs::write(file, good).unwrap();
    verdict.err().map(|broken| broken.seq)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_journal_of_all_flows_holds_and_one_flipped_bit_is_named() {
    let mut house = House::start().await;
    let birth = Birth::new(house.now(), &house.landmarks, 1).message(house.now());
    let holder = &house.landmarks.card_holders[0];
    let dossier = dossier::message(
        house.now(),
        &dossier::members(house.now(), holder, &holder.name),
    );
    let mut stories = Vec::new();
    for (partner, message) in [
        ("tax", house.verify(&["fund"]).sign(&house.key("tax"))),
        ("dvclt", birth.sign(&house.key("dvclt"))),
        ("portal", dossier.sign(&house.key("portal"))),
    ] {
        let reply = house.wire(partner).send(&message).await;
        let told = house
            .gateway()
            .log()
            .story(reply.assert_ok().evidence())
            .await
            .unwrap();
        assert_eq!(
            (told.len(), told[0].journal.len()),
            (1, 2),
            "{partner}: request and answer"
        );
        stories.push(told[0].clone());
    }
    assert!(
        verify(&house).unwrap().records >= 6,
        "beside the running writer"
    );
    house.drain().await;
    verify(&house).unwrap();

    let file = house.file("store.sqlite");
    let good = fs::read(&file).unwrap();
    for story in stories {
        let found = places(&good, story.evidence.as_bytes());
        let mut named = Vec::new();
        // in the name itself, and in what stands behind it: metadata, key, ciphertext
        for at in found
            .iter()
            .flat_map(|at| [0, 15, 40, 200, 400, 600].map(|more| at + more))
        {
            named.extend(
                (at < good.len())
                    .then(|| with_flipped(&file, &good, at, &house))
                    .flatten(),
            );
        }
        for seq in &story.journal {
            assert!(
                named.contains(seq),
                "no flipped bit of record {seq} was found: {named:?}"
            );
        }
    }
    verify(&house).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_whose_tail_was_cut_halts_the_gateway_and_is_told() {
    let mut house = House::start().await;
    let ask = |house: &House| house.verify(&["fund"]).sign(&house.key("tax"));
    house.wire("tax").send(&ask(&house)).await.assert_ok();
    house.drain().await;
    let older = fs::read(house.file("store.sqlite")).unwrap();
    house.open().await;
    house.wire("tax").send(&ask(&house)).await.assert_ok();
    house.drain().await;
    fs::write(house.file("store.sqlite"), older).unwrap();
    assert!(verify(&house).is_err());
    house.open().await;
    let reply = house.wire("tax").send(&ask(&house)).await;
    reply.assert_fault(schemas::fault::FaultCode::JournalUnavailable, "store");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_key_opens_nothing() {
    let mut house = House::start().await;
    house
        .wire("tax")
        .send(&house.verify(&["fund"]).sign(&house.key("tax")))
        .await
        .assert_ok();
    house.drain().await;
    let other = Vault::from_bytes([7; 32]);
    assert!(gateway_store::verify(&house.file("store.sqlite"), &other).is_err());
}
