//! An officer reads a file of a birth's case, with `lienthong civil file`: as it came, with who and why in the child's ledger first; and nothing else.

use std::{os::unix::fs::PermissionsExt as _, process::ExitCode};

use gateway_tests::message::Birth;
use schemas::proto::admin::{PaperHead, ReadFileRequest, paper_part::Part};

use super::{
    cases::{attached, birth},
    read::looks_of,
    *,
};
use crate::civil::{correction, page, polled, say, send};

fn asked(birth: &Birth, number: u32, why: &str) -> ReadFileRequest {
    ReadFileRequest {
        case_id: birth.case_id.clone(),
        sender: String::new(),
        number,
        who: "an-officer".to_owned(),
        why: why.to_owned(),
    }
}

/// The file, or what the gateway says in its place.
async fn read(house: &House, asked: ReadFileRequest) -> Result<(PaperHead, Vec<u8>), String> {
    let parts = client::file(house.gateway().admin(), asked).await;
    let mut parts = parts.map_err(|error| error.to_string())?;
    let (mut head, mut file) = (None, Vec::new());
    loop {
        match parts.message().await {
            Ok(Some(part)) => match part.part.unwrap() {
                Part::Head(told) => head = Some(told),
                Part::Data(bytes) => file.extend(bytes),
            },
            Ok(None) => return Ok((head.unwrap(), file)),
            Err(status) => return Err(status.message().to_owned()),
        }
    }
}

/// `lienthong civil file`, as an officer says it; how it ended, and the file that it wrote.
async fn command(house: &House, birth: &Birth, number: u32) -> (ExitCode, PathBuf) {
    let to = house.file(&format!("read-{number}.pdf"));
    let words = ["lienthong", "civil", "file", &birth.case_id, "--number"];
    let mut line: Vec<String> = words.map(str::to_owned).to_vec();
    let admin = house.gateway().admin().to_string();
    line.extend([number.to_string(), "--to".to_owned()]);
    line.extend([to.display().to_string(), "--admin".to_owned(), admin]);
    line.extend(["--who", "an-officer", "--why", "to-see"].map(str::to_owned));
    let cli = gateway::cli::Cli::of(line).unwrap();
    let ended = tokio::task::spawn_blocking(|| cli.run()).await.unwrap();
    (ended, to)
}

/// Which of the files that the birth's page shows is so long, from 1.
async fn number_of(house: &House, birth: &Birth, bytes: usize) -> u32 {
    let files = page(house, birth).await.files;
    let at = files.iter().position(|file| file.bytes == bytes as u64);
    u32::try_from(at.unwrap()).unwrap() + 1
}

/// A done birth with these files.
async fn done(house: &House, number: u32, files: &[(&str, &[u8])]) -> Birth {
    let birth = birth(house, number, files);
    send(house, &birth).await;
    assert_eq!(polled(house, &birth).await["trangThai"], 4);
    birth
}

#[tokio::test(flavor = "multi_thread")]
async fn an_officer_reads_a_file_of_a_case_as_it_came_and_is_in_the_ledger() {
    let mut house = House::start().await;
    let (notice, form) = (pdf(300_000), pdf(20_000));
    let birth = done(&house, 0, &[("1", &notice), ("2", &form)]).await;
    // the page's numbers are those of the files, also of one that came with a correction, which stands behind them
    house.clock.advance(jiff::SignedDuration::from_secs(5));
    let later = pdf(1_000);
    let mut corrected = birth.clone();
    corrected.envelope["fileDinhKem"] = attached(&[("3", &later)]);
    let facts = json!({ "nksHoTen": "Trần Hoà Giang" });
    let case = "G22.99.10-261123-000001";
    say(&house, correction(&house, &corrected, case, facts))
        .await
        .assert_ok();
    assert_eq!(number_of(&house, &birth, 1_000).await, 3);
    house.kill().await;
    house.open().await;
    for file in [&notice, &form, &later] {
        let number = number_of(&house, &birth, file.len()).await;
        let (ended, to) = command(&house, &birth, number).await;
        assert_eq!(ended, ExitCode::SUCCESS);
        assert!(fs::read(&to).unwrap() == *file, "other bytes");
        assert_eq!(
            fs::metadata(&to).unwrap().permissions().mode() & 0o777,
            0o600
        );
        // what is there already is nobody's to write over
        let (ended, _) = command(&house, &birth, number).await;
        assert_eq!(ended, ExitCode::FAILURE);
        assert!(fs::read(&to).unwrap() == *file, "other bytes");
        let (head, bytes) = read(&house, asked(&birth, number, "again")).await.unwrap();
        assert!(bytes == *file, "other bytes");
        assert_eq!(
            (&*head.file_name, &*head.media_type),
            ("", "application/pdf")
        );
        assert_eq!(head.bytes, file.len() as u64);
        assert_eq!(head.sha256, digest::sha256_hex(file));
    }
    assert_eq!(looks_of(&house, &birth.pin, "to-see").await, 6);
    assert_eq!(looks_of(&house, &birth.pin, "again").await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_another_case_or_number_is_not_read_and_whoever_tried_is_in_the_ledger() {
    let house = House::start().await;
    let (one, other) = (pdf(1_000), pdf(2_000));
    let first = done(&house, 0, &[("1", &one)]).await;
    let second = done(&house, 1, &[("1", &other)]).await;
    for number in [0, 2, u32::MAX] {
        let said = read(&house, asked(&first, number, "counting")).await;
        let words = "it has 1 files, numbered from 1";
        assert!(said.unwrap_err().contains(words));
    }
    assert_eq!(looks_of(&house, &first.pin, "counting").await, 3);
    // one's own file, never the other's
    let (_, bytes) = read(&house, asked(&second, 1, "mine")).await.unwrap();
    assert!(bytes == other, "other bytes");
    assert_eq!(looks_of(&house, &first.pin, "mine").await, 0);
    // neither without a reason nor of a case that is none
    let before = house.fingerprint().await;
    let mut nobody = first.clone();
    nobody.case_id = "G22.99.10-261123-999999".to_owned();
    for (asked, says) in [
        (asked(&first, 1, ""), "why"),
        (asked(&nobody, 1, "nobody"), "case"),
    ] {
        let said = read(&house, asked).await.unwrap_err();
        assert!(said.contains(says), "{said}");
    }
    let mut not_theirs = asked(&first, 1, "not-theirs");
    not_theirs.sender = "ngsp".to_owned();
    assert!(read(&house, not_theirs).await.is_err());
    assert_eq!(looks_of(&house, &first.pin, "not-theirs").await, 0);
    assert!(before == house.fingerprint().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_a_case_that_was_changed_on_the_disk_leaves_no_byte_and_the_look_in_the_ledger() {
    let house = House::start().await;
    let birth = done(&house, 0, &[("1", &pdf(200_000))]).await;
    let lies = kept(&house).remove(0);
    let whole = fs::read(&lies).unwrap();
    let mut bent = whole.clone();
    bent[whole.len() / 2] ^= 1;
    // the end cut away at a block's border is missed by no block, but by the digest
    let first = u32::from_be_bytes(whole[..4].try_into().unwrap()) as usize;
    for damaged in [&bent[..], &whole[..4 + first]] {
        fs::write(&lies, damaged).unwrap();
        let said = read(&house, asked(&birth, 1, "damaged")).await.unwrap_err();
        assert!(said.contains("the file cannot be read"), "{said}");
        let (ended, to) = command(&house, &birth, 1).await;
        assert_eq!(ended, ExitCode::FAILURE);
        assert!(!to.exists(), "half a file");
    }
    assert_eq!(looks_of(&house, &birth.pin, "damaged").await, 2);
    assert_eq!(looks_of(&house, &birth.pin, "to-see").await, 2);
    // what was erased is listed no more
    fs::remove_file(lies.with_file_name("key")).unwrap();
    let said = read(&house, asked(&birth, 1, "gone")).await.unwrap_err();
    assert!(said.contains("it has 0 files"), "{said}");
    assert_eq!(looks_of(&house, &birth.pin, "gone").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_no_room_is_named_there_is_no_file_of_a_case_to_read() {
    let plan = House::plan().replace("gateway.toml", "[papers]\npath = \"papers\"\n", "");
    let house = plan.start().await;
    let birth = done(&house, 0, &[("1", &pdf(1_000))]).await;
    let said = read(&house, asked(&birth, 1, "to see")).await.unwrap_err();
    assert!(said.contains("no files are kept here"), "{said}");
}
