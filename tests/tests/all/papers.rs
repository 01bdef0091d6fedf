//! The files of dossiers: announced, sent in parts, judged by their bytes, searched, kept encrypted, named by a dossier.

mod cases;
mod files;
mod generations;
mod read;
mod scanned;

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use certs::digest;
use gateway::admin::client;
use gateway_tests::{
    client::Reply,
    house::House,
    message::{Json, dossier},
};
use schemas::{fault::FaultCode, proto::admin::ShowDossierRequest};
use serde_json::{Value, json};

/// A PDF of so many bytes, as far as its head says.
pub(super) fn pdf(bytes: usize) -> Vec<u8> {
    let mut file = b"%PDF-1.7\n".to_vec();
    file.extend((0..bytes).map(|at| (at % 251) as u8));
    file.truncate(bytes);
    file
}

/// What is announced of a file.
pub(super) fn line(name: &str, file: &[u8]) -> Value {
    json!({"TenTepDinhKem": name, "SHA256": digest::sha256_hex(file), "DungLuong": file.len()})
}

fn announcement(house: &House, files: &[Value]) -> Json {
    let body = json!({ "TepDinhKem": files }).to_string().into_bytes();
    let path = "/portal/v1/uploads";
    Json::new(house.now(), "portal", "portal.announce-files", path, body)
}

/// Announces files and gives the announcement's id.
pub(super) async fn announce(house: &House, files: &[Value]) -> String {
    let asked = announcement(house, files);
    let message = asked.sign(&house.key("portal"));
    let reply = house.wire("portal").send(&message).await;
    assert_eq!(reply.assert_ok().json()["SoTep"], json!(files.len()));
    let again = house.wire("portal").send(&message).await;
    assert_eq!(again.body, reply.body, "the stored answer");
    asked.text("jti").to_owned()
}

pub(super) async fn part(house: &House, id: &str, number: usize, file: &[u8]) -> Reply {
    let path = format!("/portal/v1/uploads/{id}/files/{number}");
    house.wire("portal").put(&path, file.to_vec(), &[]).await
}

/// A dossier that asks for another name, with this paper.
fn change(house: &House, paper: Value) -> Json {
    change_of(house, &house.landmarks.card_holders[0].si_number, paper)
}

/// The same about whoever has this number.
fn change_of(house: &House, number: &str, paper: Value) -> Json {
    let holder = &house.landmarks.card_holders[0];
    let mut members = dossier::members(house.now(), holder, &holder.name);
    let whole = members.as_object_mut().unwrap();
    whole.retain(|name, _| name != "MaThe" && name != "LyDoCapLai");
    members["MaTTHC"] = "9.000007".into();
    members["ToKhai"] = json!({"MaBHXH": number, "HoVaTen": "Lê Văn Mới", "LyDo": "Sai tên"});
    let mut whole = json!({"MaThanhPhanHoSo": "GIAY-TO", "TepDinhKemId": "tep-1",
        "TenTepDinhKem": "khai-sinh.pdf"});
    for (name, value) in paper.as_object().unwrap() {
        whole[name] = value.clone();
    }
    members["TaiLieuNop"] = json!([whole]);
    dossier::message(house.now(), &members)
}

pub(super) async fn submit(house: &House, paper: Value) -> Reply {
    let message = change(house, paper).sign(&house.key("portal"));
    house.wire("portal").send(&message).await
}

/// Every file below the folder of papers.
fn lying(house: &House) -> Vec<PathBuf> {
    fn below(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.path() {
                path if path.is_dir() => below(&path, found),
                path => found.push(path),
            }
        }
    }
    let mut found = Vec::new();
    below(&house.file("papers"), &mut found);
    found
}

/// The bytes of files among what lies there.
pub(super) fn kept(house: &House) -> Vec<PathBuf> {
    let mut all = lying(house);
    all.retain(|path| path.ends_with("bytes"));
    all
}

async fn shown(house: &House, code: &str) -> Vec<String> {
    let request = ShowDossierRequest {
        code: code.to_owned(),
        who: "an-officer".to_owned(),
        why: "a file came".to_owned(),
    };
    let admin = house.gateway().admin();
    client::dossier(admin, request).await.unwrap().papers
}

/// Nothing came of it: no file lies there, and the registry is as it was.
async fn assert_nothing_kept(house: &House, before: Vec<u8>) {
    assert_eq!(kept(house), Vec::<PathBuf>::new());
    assert!(before == house.fingerprint().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_in_a_part_is_kept_encrypted_and_told_with_the_dossier_that_names_it() {
    let mut house = House::start().await;
    let file = pdf(300_000);
    let id = announce(&house, &[line("khai-sinh.pdf", &file)]).await;
    let receipt = part(&house, &id, 1, &file).await;
    let told = receipt.assert_ok().json();
    assert_eq!(told["LoaiTep"], "application/pdf");
    assert_eq!(told["SHA256"], json!(digest::sha256_hex(&file)));
    assert_eq!(part(&house, &id, 1, &file).await.body, receipt.body);
    house.kill().await;
    house.open().await;
    let reply = submit(&house, json!({"SHA256": digest::sha256_hex(&file)})).await;
    let code = reply.assert_ok().json()["MaHoSo"]
        .as_str()
        .unwrap()
        .to_owned();
    let papers = shown(&house, &code).await;
    assert!(papers[0].contains(&digest::sha256_hex(&file)), "{papers:?}");
    assert!(
        papers[0].contains("application/pdf, 300000 bytes"),
        "{papers:?}"
    );
    let on_disk = fs::read(&kept(&house)[0]).unwrap();
    assert!(on_disk.len() > file.len());
    for plain in [&file[..9], &file[100_000..100_032]] {
        assert!(!on_disk.windows(plain.len()).any(|window| window == plain));
    }
    let names: Vec<String> = lying(&house)
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    for told in [digest::sha256_hex(&file), "khai-sinh".to_owned()] {
        assert!(!names.iter().any(|name| name.contains(&told)), "{names:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_file_comes_in_the_dossier_itself_and_one_that_differs_changes_nothing() {
    let house = House::start().await;
    let before = house.fingerprint().await;
    let file = pdf(20_000);
    let inline = STANDARD.encode(&file);
    let other = digest::sha256_hex(b"another file");
    for (paper, reason) in [
        (
            json!({"DuLieuTepDinhKem": inline, "SHA256": other}),
            "file-hash-differs",
        ),
        (json!({"DuLieuTepDinhKem": "%%%"}), "bad-base64"),
        (
            json!({"DuLieuTepDinhKem": STANDARD.encode(b"PK\x03\x04bomb")}),
            "file-type-not-taken",
        ),
        (
            json!({"DuLieuTepDinhKem": inline, "TenTepDinhKem": "anh.png"}),
            "file-type-differs-from-name",
        ),
        (
            json!({"DuLieuTepDinhKem": inline, "TenTepDinhKem": "../x.pdf"}),
            "bad-file-name",
        ),
        (json!({"SHA256": other}), "file-not-there"),
        (json!({"SHA256": "0x"}), "bad-digest"),
    ] {
        let reply = submit(&house, paper).await;
        reply.assert_fault(FaultCode::Invalid, reason);
    }
    assert_nothing_kept(&house, before).await;
    let reply = submit(&house, json!({"DuLieuTepDinhKem": inline})).await;
    let code = reply.assert_ok().json()["MaHoSo"]
        .as_str()
        .unwrap()
        .to_owned();
    let papers = shown(&house, &code).await;
    assert!(papers[0].contains(&digest::sha256_hex(&file)), "{papers:?}");
    let large = STANDARD.encode(pdf(70_000));
    let too_large = submit(&house, json!({ "DuLieuTepDinhKem": large })).await;
    too_large.assert_fault(FaultCode::TooLarge, "body-bytes");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_not_be_announced_is_refused_before_a_byte_comes() {
    let house = House::start().await;
    let file = pdf(1_000);
    let of = |name: &str, bytes: u64| json!({"TenTepDinhKem": name, "SHA256": digest::sha256_hex(&file), "DungLuong": bytes});
    let many: Vec<Value> = (0..21).map(|_| of("a.pdf", 10)).collect();
    for (files, code, reason) in [
        (
            vec![of("bom.zip", 10)],
            FaultCode::Invalid,
            "file-type-not-taken",
        ),
        (
            vec![of("/etc/passwd.pdf", 10)],
            FaultCode::Invalid,
            "bad-file-name",
        ),
        (vec![of("a.pdf", 0)], FaultCode::Invalid, "bad-number"),
        (
            vec![of("a.pdf", 20_971_521)],
            FaultCode::TooLarge,
            "file-bytes",
        ),
        (many, FaultCode::Invalid, "too-many-papers"),
        (vec![], FaultCode::Invalid, "missing-field"),
    ] {
        let message = announcement(&house, &files).sign(&house.key("portal"));
        let reply = house.wire("portal").send(&message).await;
        reply.assert_fault(code, reason);
    }
    let stray = part(&house, "never-announced-1", 1, &file).await;
    stray.assert_fault(FaultCode::OutOfOrder, "manifest-unknown");
    assert_eq!(lying(&house), Vec::<PathBuf>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_not_those_announced_or_lie_about_their_type_are_gone_at_once() {
    let house = House::start().await;
    let before = house.fingerprint().await;
    let good = pdf(100_000);
    let bomb = [b"PK\x03\x04".as_slice(), &[0; 50_000]].concat();
    let page = b"<html>%PDF-1.7</html>".to_vec();
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x01".to_vec();
    let files = [
        line("that.pdf", &good),
        line("bom.pdf", &bomb),
        line("trang.pdf", &page),
        line("anh.pdf", &png),
    ];
    let id = announce(&house, &files).await;
    let mut edited = good.clone();
    edited[70_000] ^= 1;
    let not_as_announced = (FaultCode::BadSignature, "chunk-not-as-announced");
    for (number, bytes, (code, reason)) in [
        (1, &edited, not_as_announced),
        (1, &good[..99_999].to_vec(), not_as_announced),
        (
            1,
            &[&good[..], b"x"].concat(),
            (FaultCode::TooLarge, "chunk-longer-than-announced"),
        ),
        (5, &good, (FaultCode::BadSignature, "chunk-not-in-manifest")),
        (2, &bomb, (FaultCode::Invalid, "file-type-not-taken")),
        (3, &page, (FaultCode::Invalid, "file-type-not-taken")),
        (4, &png, (FaultCode::Invalid, "file-type-differs-from-name")),
    ] {
        let reply = part(&house, &id, number, bytes).await;
        reply.assert_fault(code, reason);
        assert_eq!(kept(&house), Vec::<PathBuf>::new(), "{number} {reason}");
    }
    // the refusal is an answer: the same part again has it, and is not kept either
    let again = part(&house, &id, 2, &bomb).await;
    again.assert_fault(FaultCode::Invalid, "file-type-not-taken");
    let named = submit(&house, json!({"SHA256": digest::sha256_hex(&bomb)})).await;
    named.assert_fault(FaultCode::Invalid, "file-not-there");
    assert!(before == house.fingerprint().await);
    part(&house, &id, 1, &good).await.assert_ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn another_partner_neither_sends_a_part_nor_names_a_file_of_the_portals() {
    let house = House::start().await;
    let file = pdf(5_000);
    let id = announce(&house, &[line("a.pdf", &file)]).await;
    let path = format!("/portal/v1/uploads/{id}/files/1");
    let other = house.wire("tax").put(&path, file.clone(), &[]).await;
    other.assert_fault(FaultCode::OutOfOrder, "manifest-unknown");
    let behalf = [("lienthong-on-behalf-of", "portal")];
    let other = house.wire("tax").put(&path, file, &behalf).await;
    other.assert_fault(FaultCode::Unauthenticated, "peer-may-not-carry-sender");
    assert_eq!(kept(&house), Vec::<PathBuf>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_dossier_claims_is_erased_and_what_one_claims_stays_for_its_time() {
    let plan = House::plan().replace(
        "gateway.toml",
        "path = \"papers\"\n",
        "path = \"papers\"\nkeep_days = 30\n",
    );
    let house = plan.start().await;
    let (claimed, refused, unclaimed) = (pdf(4_000), pdf(5_000), pdf(6_000));
    let files = [
        line("a.pdf", &claimed),
        line("b.pdf", &refused),
        line("c.pdf", &unclaimed),
    ];
    let id = announce(&house, &files).await;
    for (number, file) in [&claimed, &refused, &unclaimed].into_iter().enumerate() {
        part(&house, &id, number + 1, file).await.assert_ok();
    }
    submit(&house, json!({"SHA256": digest::sha256_hex(&claimed)}))
        .await
        .assert_ok();
    let paper = json!({"SHA256": digest::sha256_hex(&refused)});
    let other = &house.landmarks.card_holders[1].si_number;
    let message = change_of(&house, other, paper).sign(&house.key("portal"));
    let reply = house.wire("portal").send(&message).await;
    reply.assert_fault(FaultCode::RuleRefused, "not-the-holder");
    assert_eq!(kept(&house).len(), 3);
    house.clock.advance(jiff::SignedDuration::from_hours(25));
    wait_for(&house, 1).await;
    let late = part(&house, &id, 2, &refused).await;
    late.assert_fault(FaultCode::OutOfOrder, "manifest-unknown");
    house
        .clock
        .advance(jiff::SignedDuration::from_hours(30 * 24));
    wait_for(&house, 0).await;
}

async fn wait_for(house: &House, files: usize) {
    for _ in 0..600 {
        if kept(house).len() == files {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{:?}", kept(house));
}
