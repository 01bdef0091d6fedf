//! An officer reads a file that a dossier names: as it came, with who and why in the ledger of accesses; and nothing else.

use gateway_tests::tape::tape;
use schemas::proto::admin::{AccessRequest, PaperHead, ReadPaperRequest, paper_part::Part};

use super::*;

fn asked(code: &str, number: u32, why: &str) -> ReadPaperRequest {
    ReadPaperRequest {
        code: code.to_owned(),
        number,
        who: "an-officer".to_owned(),
        why: why.to_owned(),
    }
}

/// The file, or what the gateway says in its place; an error in the middle is one, whatever came before it.
async fn read(house: &House, asked: ReadPaperRequest) -> Result<(PaperHead, Vec<u8>), String> {
    let parts = client::paper(house.gateway().admin(), asked).await;
    let mut parts = parts.map_err(|error| error.to_string())?;
    let (mut head, mut file) = (None, Vec::new());
    loop {
        match parts.message().await {
            Ok(Some(part)) => match part.part.unwrap() {
                Part::Head(told) => head = Some(told),
                Part::Data(bytes) => {
                    assert!(bytes.len() <= 64 << 10, "{} bytes at once", bytes.len());
                    file.extend(bytes);
                }
            },
            Ok(None) => return Ok((head.unwrap(), file)),
            Err(status) => return Err(status.message().to_owned()),
        }
    }
}

/// A dossier with a file of so many bytes in a part.
async fn dossier_with(house: &House, file: &[u8]) -> String {
    let id = announce(house, &[line("khai-sinh.pdf", file)]).await;
    part(house, &id, 1, file).await.assert_ok();
    let reply = submit(house, json!({"SHA256": digest::sha256_hex(file)})).await;
    let told = reply.assert_ok().json();
    told["MaHoSo"].as_str().unwrap().to_owned()
}

/// How often the applicant's ledger says that somebody looked for this reason.
async fn looks(house: &House, why: &str) -> usize {
    looks_of(house, &house.landmarks.card_holders[0].pin, why).await
}

/// The same of whoever has this number.
pub(super) async fn looks_of(house: &House, pin: &str, why: &str) -> usize {
    let request = AccessRequest {
        person: pin.to_owned(),
        who: "the-test".to_owned(),
        why: "to count".to_owned(),
        ..AccessRequest::default()
    };
    let told = client::accesses(house.gateway().admin(), request)
        .await
        .unwrap();
    let lines = told.accesses.iter().map(|line| format!("{line:?}"));
    lines.filter(|line| line.contains(why)).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_officer_reads_the_file_as_it_came_and_is_in_the_ledger() {
    let mut house = House::start().await;
    let file = pdf(300_000);
    let code = dossier_with(&house, &file).await;
    let (head, bytes) = read(&house, asked(&code, 1, "to see the name"))
        .await
        .unwrap();
    assert!(bytes == file, "other bytes");
    assert_eq!(
        (
            &*head.file_name,
            &*head.media_type,
            head.bytes,
            &*head.sha256
        ),
        (
            "khai-sinh.pdf",
            "application/pdf",
            300_000,
            &*digest::sha256_hex(&file)
        )
    );
    assert_eq!(looks(&house, "to see the name").await, 1);
    // after a death of the gateway it is there as before
    house.kill().await;
    house.open().await;
    let (_, again) = read(&house, asked(&code, 1, "once more")).await.unwrap();
    assert!(again == file, "other bytes");
    let log = tape().everything();
    assert!(!log.contains("khai-sinh"), "the log names the file");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_and_what_nobody_gives_a_reason_for_is_not_read() {
    let house = House::start().await;
    let code = dossier_with(&house, &pdf(1_000)).await;
    let before = house.fingerprint().await;
    for (asked, says) in [
        (
            asked(&code, 0, "why-not"),
            "it has 1 papers, numbered from 1",
        ),
        (
            asked(&code, 2, "why-not"),
            "it has 1 papers, numbered from 1",
        ),
        (asked(&code, 1, ""), "why"),
        (asked("G99.00.01-261123-999999", 1, "why-not"), "dossier"),
    ] {
        let said = read(&house, asked).await.unwrap_err();
        assert!(said.contains(says), "{said}");
    }
    assert_eq!(looks(&house, "why-not").await, 0);
    assert!(before == house.fingerprint().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_were_changed_on_the_disk_are_never_a_whole_file() {
    let house = House::start().await;
    let file = pdf(200_000);
    let code = dossier_with(&house, &file).await;
    let lies = kept(&house).remove(0);
    let mut on_disk = fs::read(&lies).unwrap();
    let middle = on_disk.len() / 2;
    on_disk[middle] ^= 1;
    fs::write(&lies, &on_disk).unwrap();
    let said = read(&house, asked(&code, 1, "to see")).await.unwrap_err();
    assert!(said.starts_with("the file cannot be read"), "{said}");
    // the end cut away at a block's border is missed by no block, but by the digest
    on_disk[middle] ^= 1;
    let first = u32::from_be_bytes(on_disk[..4].try_into().unwrap()) as usize;
    fs::write(&lies, &on_disk[..4 + first]).unwrap();
    let said = read(&house, asked(&code, 1, "to see")).await.unwrap_err();
    assert!(said.starts_with("the file cannot be read"), "{said}");
    // and what was erased is gone
    fs::remove_file(lies.with_file_name("key")).unwrap();
    let said = read(&house, asked(&code, 1, "to see")).await.unwrap_err();
    assert_eq!(said, "the gateway refused: the file is not kept any more");
}
