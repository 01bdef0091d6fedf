//! The files of civil status cases (`fileDinhKem`): in the same room as those of dossiers, under the same bounds.

use gateway_tests::message::Birth;
use schemas::fault::FaultCode::{Conflict, TooLarge};

use super::*;
use crate::civil::{correction, page, polled, say, send};

/// Attached papers with these files, by the names that their ids are.
pub(super) fn attached(files: &[(&str, &[u8])]) -> Value {
    let paper = |(id, file): &(&str, &[u8])| {
        json!({"id": id, "loaiGiayTo": "01", "tenGiayTo": "Giấy chứng sinh", "tenTepDinhKem": "gcs.pdf",
            "huyGiayTo": 0, "duLieuTepDinhKem": STANDARD.encode(file)})
    };
    files.iter().map(paper).collect()
}

pub(super) fn birth(house: &House, number: u32, files: &[(&str, &[u8])]) -> Birth {
    let mut birth = Birth::new(house.now(), &house.landmarks, number);
    birth.envelope["fileDinhKem"] = attached(files);
    birth
}

async fn told(house: &House, birth: &Birth) -> Reply {
    let message = birth.message(house.now()).sign(&house.key("dvclt"));
    house.wire("dvclt").send(&message).await
}

fn kept_line(id: &str, file: &[u8]) -> Value {
    json!({"id": id, "sha256": digest::sha256_hex(file), "dungLuong": file.len()})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_a_case_is_kept_encrypted_once_and_its_digest_is_in_the_signed_answer() {
    let mut house = House::start().await;
    let (notice, form) = (pdf(30_000), pdf(20_000));
    let first = birth(&house, 0, &[("1", &notice), ("2", &form)]);
    let reply = told(&house, &first).await;
    let lines = json!([kept_line("1", &notice), kept_line("2", &form)]);
    assert_eq!(reply.assert_ok().json()["tepDaLuu"], lines);
    assert_eq!(polled(&house, &first).await["trangThai"], 4);
    assert_eq!(kept(&house).len(), 2);
    let shown = page(&house, &first).await.files;
    let shown: Vec<_> = shown
        .iter()
        .map(|one| (&*one.media_type, one.bytes))
        .collect();
    for file in [&notice, &form] {
        let line = ("application/pdf", file.len() as u64);
        assert!(shown.contains(&line), "{shown:?}");
    }
    assert_eq!(shown.len(), 2);
    for path in kept(&house) {
        let on_disk = fs::read(path).unwrap();
        for plain in [&notice[..9], &notice[10_000..10_032]] {
            assert!(!on_disk.windows(plain.len()).any(|window| window == plain));
        }
    }
    // the same case again, also by whoever starts next: the stored answer, and nothing twice
    assert_eq!(told(&house, &first).await.body, reply.body);
    house.kill().await;
    house.open().await;
    assert_eq!(told(&house, &first).await.body, reply.body);
    // another child's case and a correction with the same file: it lies there once
    let second = birth(&house, 1, &[("9", &notice)]);
    let reply = told(&house, &second).await;
    assert_eq!(
        reply.assert_ok().json()["tepDaLuu"],
        json!([kept_line("9", &notice)])
    );
    let mut bent = second.clone();
    bent.envelope["fileDinhKem"] = attached(&[("9", &form)]);
    let facts = json!({ "nksHoTen": "Trần Hoà Giang" });
    let case = "G22.99.10-261123-000001";
    let reply = say(&house, correction(&house, &bent, case, facts)).await;
    assert_eq!(
        reply.assert_ok().json()["tepDaLuu"],
        json!([kept_line("9", &form)])
    );
    assert_eq!(kept(&house).len(), 2);
    let names: Vec<String> = lying(&house)
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    for secret in [
        digest::sha256_hex(&notice),
        "gcs".to_owned(),
        first.case_id.clone(),
    ] {
        assert!(
            !names.iter().any(|name| name.contains(&secret)),
            "{names:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_file_of_a_case_that_is_refused_goes_and_that_of_one_that_stands_stays() {
    let house = House::start().await;
    let (good, other) = (pdf(4_000), pdf(5_000));
    let first = birth(&house, 0, &[("1", &good)]);
    told(&house, &first).await.assert_ok();
    let before = house.fingerprint().await;
    // the child's PIN under another name, sex or day is another person's
    let mut bent = birth(&house, 1, &[("1", &other)]);
    bent.form["ketQuaXuLy"]["soDinhDanh"] = first.pin.clone().into();
    bent.form["ketQuaXuLy"]["nksHoTen"] = "Lê Thị Khác".into();
    bent.form["nksHoTen"] = "Lê Thị Khác".into();
    let reply = told(&house, &bent).await;
    reply.assert_fault(
        schemas::fault::FaultCode::AmbiguousSubject,
        "pin-of-another-person",
    );
    assert!(before == house.fingerprint().await);
    // the same maHoSo with another file is another message under its id
    let mut bent = first.clone();
    bent.envelope["fileDinhKem"] = attached(&[("1", &other)]);
    let reply = told(&house, &bent).await;
    reply.assert_fault(Conflict, "same-id-other-content");
    house.clock.advance(jiff::SignedDuration::from_hours(25));
    wait_for(&house, 1).await;
    assert_eq!(polled(&house, &first).await["trangThai"], 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_advertised_of_files_is_what_the_route_takes_and_no_byte_more() {
    let house = House::start().await;
    let before = house.fingerprint().await;
    let (one, all, route) = (5 << 20, 5_760 << 10, 8 << 20);
    let file = pdf(one);
    let rest = |bytes: usize| pdf(all - one + bytes);
    // one byte more than all files may have, one more than one may have, one file too many
    let over = rest(1);
    let reply = told(&house, &birth(&house, 0, &[("1", &file), ("2", &over)])).await;
    reply.assert_fault(TooLarge, "files-too-large");
    let over = pdf(one + 1);
    let reply = told(&house, &birth(&house, 0, &[("1", &over)])).await;
    reply.assert_fault(TooLarge, "file-too-large");
    let small = pdf(100);
    let many: Vec<(&str, &[u8])> = (0..21).map(|_| ("1", &small[..])).collect();
    let reply = told(&house, &birth(&house, 0, &many)).await;
    reply.assert_fault(TooLarge, "too-many-files");
    // a message that is longer than its route takes, whatever is in it: refused before it is sent
    let long = birth(&house, 0, &[]).message(house.now());
    let mut long = long.sign(&house.key("dvclt"));
    long.body.clear();
    let length = route + 1;
    let head = long.exact(&format!("Host: localhost\r\nContent-Length: {length}\r\n"));
    let raw = house.wire("dvclt").raw(&head).await;
    raw.reply.unwrap().assert_fault(TooLarge, "body-bytes");
    assert_nothing_kept(&house, before).await;
    // as many as there may be, and as much
    let rest = rest(0);
    let mut most: Vec<(&str, &[u8])> = vec![("1", &file), ("2", &rest[..rest.len() - 1_800])];
    most.extend((0..18).map(|_| ("3", &small[..])));
    let most = birth(&house, 0, &most);
    let reply = told(&house, &most).await;
    let lines = reply.assert_ok().json()["tepDaLuu"].clone();
    assert_eq!(lines.as_array().unwrap().len(), 20);
    assert_eq!(kept(&house).len(), 3, "the small ones are one file");
    assert_eq!(polled(&house, &most).await["trangThai"], 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_room_a_case_is_taken_and_its_files_stay_with_the_message() {
    let plan = House::plan().replace("gateway.toml", "[papers]\npath = \"papers\"\n", "");
    let house = plan.start().await;
    let file = pdf(4_000);
    let birth = birth(&house, 0, &[("1", &file)]);
    send(&house, &birth).await;
    assert_eq!(polled(&house, &birth).await["trangThai"], 4);
    assert_eq!(told(&house, &birth).await.json().get("tepDaLuu"), None);
    assert_eq!(lying(&house), Vec::<PathBuf>::new());
}
