//! The scanner is the real clamd, with a signature of one line.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
};

use super::*;

/// The string that scanners agree to find, EICAR's, as the signature and the file have it.
const EICAR: &[u8] = br"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*";

/// clamd in a folder of its own; it ends with this.
struct Clamd(Child);

impl Drop for Clamd {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// clamd at a socket of this folder, once it listens; none where it is not installed.
async fn clamd(folder: &Path, stream_max: &str) -> Option<Clamd> {
    let program = ["/usr/sbin/clamd", "/usr/local/sbin/clamd"]
        .into_iter()
        .find(|program| Path::new(program).exists())?;
    let signatures = folder.join("signatures");
    fs::create_dir_all(&signatures).unwrap();
    let line = format!("Test.Eicar:0:*:{}\n", hex::encode(EICAR));
    fs::write(signatures.join("one.ndb"), line).unwrap();
    let socket = folder.join("clamd.ctl");
    let _ = fs::remove_file(&socket);
    let config = format!(
        "DatabaseDirectory {}\nLocalSocket {}\nForeground yes\nStreamMaxLength {stream_max}\nMaxThreads 4\n",
        signatures.display(),
        socket.display(),
    );
    fs::write(folder.join("clamd.conf"), config).unwrap();
    let child = Command::new(program)
        .arg(format!(
            "--config-file={}",
            folder.join("clamd.conf").display()
        ))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let clamd = Clamd(child);
    for _ in 0..600 {
        if std::os::unix::net::UnixStream::connect(&socket).is_ok() {
            return Some(clamd);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("clamd does not listen");
}

/// A house whose files are searched by the clamd of this folder.
async fn searched(folder: &Path) -> House {
    let scanner = format!(
        "path = \"papers\"\nscanner = \"unix:{}\"\n",
        folder.join("clamd.ctl").display()
    );
    let plan = House::plan().replace("gateway.toml", "path = \"papers\"\n", scanner);
    plan.start().await
}

/// A PDF with the string in it, far from its beginning.
fn infected() -> Vec<u8> {
    let mut file = pdf(90_000);
    file.extend_from_slice(EICAR);
    file.extend_from_slice(b"\n%%EOF\n");
    file
}

#[tokio::test(flavor = "multi_thread")]
async fn malware_is_refused_for_good_and_nothing_of_it_stays() {
    let folder = tempfile::tempdir().unwrap();
    let Some(_clamd) = clamd(folder.path(), "25M").await else {
        println!("not run: clamd is not installed");
        return;
    };
    let house = searched(folder.path()).await;
    let before = house.fingerprint().await;
    let (good, bad) = (pdf(200_000), infected());
    let id = announce(&house, &[line("that.pdf", &good), line("xau.pdf", &bad)]).await;
    part(&house, &id, 1, &good).await.assert_ok();
    let reply = part(&house, &id, 2, &bad).await;
    reply.assert_fault(FaultCode::Invalid, "malware-found");
    assert_eq!(kept(&house).len(), 1);
    let named = submit(&house, json!({"SHA256": digest::sha256_hex(&bad)})).await;
    named.assert_fault(FaultCode::Invalid, "file-not-there");
    let small = [b"%PDF-1.4\n".as_slice(), EICAR].concat();
    let inline = submit(&house, json!({"DuLieuTepDinhKem": STANDARD.encode(small)})).await;
    inline.assert_fault(FaultCode::Invalid, "malware-found");
    assert_eq!(kept(&house).len(), 1);
    assert!(before == house.fingerprint().await);
    let named = submit(&house, json!({"SHA256": digest::sha256_hex(&good)})).await;
    named.assert_ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_whose_file_has_malware_is_refused_for_good_and_its_number_is_free() {
    let folder = tempfile::tempdir().unwrap();
    let Some(_clamd) = clamd(folder.path(), "25M").await else {
        println!("not run: clamd is not installed");
        return;
    };
    let house = searched(folder.path()).await;
    let before = house.fingerprint().await;
    let bad = infected();
    let birth = super::cases::birth(&house, 0, &[("1", &pdf(9_000)), ("2", &bad)]);
    let message = birth.message(house.now()).sign(&house.key("dvclt"));
    let reply = house.wire("dvclt").send(&message).await;
    reply.assert_fault(FaultCode::Invalid, "malware-found");
    assert_eq!(kept(&house).len(), 1, "the other file, which nobody claims");
    assert!(before == house.fingerprint().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_scanner_is_away_nothing_is_taken_and_the_same_part_is_taken_when_it_is_back() {
    let folder = tempfile::tempdir().unwrap();
    let house = searched(folder.path()).await;
    let before = house.fingerprint().await;
    let file = pdf(200_000);
    let id = announce(&house, &[line("that.pdf", &file)]).await;
    let away = part(&house, &id, 1, &file).await;
    away.assert_fault(FaultCode::ScannerUnavailable, "scanner-down");
    assert!(!away.header("retry-after").is_empty());
    let inline = json!({"DuLieuTepDinhKem": STANDARD.encode(pdf(3_000))});
    let away = submit(&house, inline).await;
    away.assert_fault(FaultCode::ScannerUnavailable, "scanner-down");
    let named = submit(&house, json!({"SHA256": digest::sha256_hex(&file)})).await;
    named.assert_fault(FaultCode::Invalid, "file-not-there");
    assert!(before == house.fingerprint().await);
    let Some(_clamd) = clamd(folder.path(), "25M").await else {
        println!("not run: clamd is not installed, so it does not come back");
        return;
    };
    let mut last = part(&house, &id, 1, &file).await;
    // recovery may be at it
    for _ in 0..60 {
        if last.status == 200 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
        last = part(&house, &id, 1, &file).await;
    }
    last.assert_ok();
    let named = submit(&house, json!({"SHA256": digest::sha256_hex(&file)})).await;
    named.assert_ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_longer_than_the_scanner_takes_is_not_taken() {
    let folder = tempfile::tempdir().unwrap();
    let Some(_clamd) = clamd(folder.path(), "100K").await else {
        println!("not run: clamd is not installed");
        return;
    };
    let house = searched(folder.path()).await;
    let file = pdf(900_000);
    let id = announce(&house, &[line("dai.pdf", &file)]).await;
    let reply = part(&house, &id, 1, &file).await;
    reply.assert_fault(FaultCode::ScannerUnavailable, "scanner-down");
}
