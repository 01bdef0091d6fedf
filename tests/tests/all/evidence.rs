//! What was said can be shown to a stranger: with unzip, xmlsec1 and openssl, without a gateway.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use certs::seal::Vault;
use gateway::{
    config::Config,
    container::{self, Finding, Trust, Verdict},
    evidence, sandbox,
};
use gateway_store::{Engine, PostgresParams, What, Witnesses};
use gateway_tests::{
    house::{self, House, Plan},
    message::Tax,
    pg,
    tool::{has, run},
};

use super::{bulk::announced_in_json, database::on};

/// How long anything that is waited for may take.
const AT_MOST: Duration = Duration::from_secs(60);

const TSA: &str = "[tsa]\ndefault_tsa = t\n[t]\nserial = serial\nsigner_digest = sha256\n\
    default_policy = 1.2.3.4\ndigests = sha256\ness_cert_id_alg = sha256\n\
    [ts]\nextendedKeyUsage = critical,timeStamping\n";

/// A time-stamping authority: the openssl command behind HTTP, and whether it answers.
struct Stamper {
    folder: tempfile::TempDir,
    address: SocketAddr,
    is_up: Arc<AtomicBool>,
}

impl Stamper {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().to_owned();
        fs::write(at.join("tsa.cnf"), TSA).unwrap();
        fs::write(at.join("serial"), "01\n").unwrap();
        for line in [
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=root -keyout root.key -out root.pem",
            "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=stamper -keyout tsa.key -out tsa.csr",
            "x509 -req -in tsa.csr -CA root.pem -CAkey root.key -days 20 -extfile tsa.cnf -extensions ts -out tsa.pem",
        ] {
            openssl(&at, line);
        }
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let is_up = Arc::new(AtomicBool::new(false));
        let up = Arc::clone(&is_up);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                answer(&at, stream, up.load(Ordering::SeqCst));
            }
        });
        Self {
            folder,
            address,
            is_up,
        }
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("root.pem")
    }
}

/// One request, one answer: a stamp, or 503.
fn answer(folder: &Path, mut stream: TcpStream, is_up: bool) {
    let mut asked = Vec::new();
    let mut piece = [0; 4096];
    let body = loop {
        let Ok(read @ 1..) = stream.read(&mut piece) else {
            return;
        };
        asked.extend_from_slice(&piece[..read]);
        let Some(at) = asked.windows(4).position(|four| four == b"\r\n\r\n") else {
            continue;
        };
        let head = String::from_utf8_lossy(&asked[..at]).to_lowercase();
        let length = head.split("content-length:").nth(1).unwrap();
        let length: usize = length.lines().next().unwrap().trim().parse().unwrap();
        if asked.len() >= at + 4 + length {
            break asked[at + 4..].to_vec();
        }
    };
    let (status, reply) = if is_up {
        fs::write(folder.join("query.tsq"), body).unwrap();
        openssl(
            folder,
            "ts -reply -config tsa.cnf -section t -queryfile query.tsq -signer tsa.pem -inkey tsa.key -out reply.tsr",
        );
        ("200 OK", fs::read(folder.join("reply.tsr")).unwrap())
    } else {
        ("503 Service Unavailable", Vec::new())
    };
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/timestamp-reply\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        reply.len()
    );
    let _ = stream.write_all(&[head.as_bytes(), &reply].concat());
}

fn openssl(folder: &Path, arguments: &str) -> String {
    let mut command = Command::new("openssl");
    command.args(arguments.split(' ')).current_dir(folder);
    String::from_utf8_lossy(&run(&mut command, b"")).into_owned()
}

/// A house that signs a checkpoint each second and keeps copies beside its folder.
fn plan(more: &str) -> Plan {
    let journal = format!(
        "[journal]\ncheckpoint_seconds = 1\ncheckpoints_to = \"../elsewhere\"\n{more}\n\n[insurance]"
    );
    House::plan().replace("gateway.toml", "[insurance]", journal)
}

async fn say(house: &House) -> String {
    let asked = house.verify(&["fund"]).sign(&house.key("tax"));
    let reply = house.wire("tax").send(&asked).await;
    reply.assert_ok().evidence().to_owned()
}

fn exported(house: &House, id: &str) -> Vec<u8> {
    exported_from(&Engine::Sqlite(house.file("store.sqlite")), house, id)
}

fn exported_from(engine: &Engine, house: &House, id: &str) -> Vec<u8> {
    let config = Config::load(&house.file("gateway.toml")).unwrap();
    let vault = Vault::open_file(&house.file("seal.key")).unwrap();
    let dossier = gateway_store::dossier(engine, &vault, id).unwrap();
    container::export(&config, &dossier.unwrap()).unwrap()
}

fn says(findings: &[Finding], verdict: Verdict, words: &str) -> bool {
    findings
        .iter()
        .any(|found| found.verdict == verdict && found.en.contains(words))
}

fn all(findings: &[Finding]) -> String {
    let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_proves_itself_to_us_and_to_foreign_tools_and_a_changed_one_does_not() {
    if !(has("openssl") && has("xmlsec1") && has("unzip")) {
        return;
    }
    let tsa = Stamper::start();
    let gone = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let plan = plan(&format!(
        "tsa = [\"http://{gone}/\", \"http://{}/tsa\"]\ntsa_private = true\ntsa_anchors = \"tsa-root.pem\"",
        tsa.address
    ));
    let root = fs::read_to_string(tsa.root()).unwrap();
    let house = plan.write("tsa-root.pem", root).start().await;
    // neither authority answers: told, and no exchange waits for it
    let id = say(&house).await;
    let started = Instant::now();
    let degraded = || house.gateway().metrics().degraded();
    while degraded().is_none_or(|waiting| waiting == 0) {
        assert!(started.elapsed() < AT_MOST, "never degraded");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    say(&house).await;
    // the second one answers again, and what waited is stamped
    tsa.is_up.store(true, Ordering::SeqCst);
    let trust = Trust {
        authorities: Some(fs::read(house.file("ca.pem")).unwrap()),
        time_stamps: Some(fs::read(tsa.root()).unwrap()),
    };
    let (bytes, findings) = loop {
        let bytes = exported(&house, &id);
        let findings = container::judge(&container::read(&bytes).unwrap(), &trust);
        if says(
            &findings,
            Verdict::Proven,
            "time-stamping authority you trust",
        ) {
            break (bytes, findings);
        }
        assert!(started.elapsed() < AT_MOST, "{}", all(&findings));
        tokio::time::sleep(Duration::from_millis(500)).await;
    };
    while degraded().is_some() {
        assert!(started.elapsed() < AT_MOST, "still degraded");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(!says(&findings, Verdict::Broken, ""), "{}", all(&findings));
    for words in [
        "(request;",
        "(answer;",
        "signed record 1",
        "signed record 2",
    ] {
        let shown = says(&findings, Verdict::Proven, words);
        assert!(shown, "{words}: {}", all(&findings));
    }
    by_foreign_tools(&bytes, &tsa);
    every_changed_entry_is_found(&bytes, &trust);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_in_json_is_proven_by_the_jws_beside_it_in_its_container() {
    let mut house = plan("").start().await;
    let id = announced_in_json(&house, "container-jws-1").await;
    house.drain().await;
    let trust = Trust {
        authorities: Some(fs::read(house.file("ca.pem")).unwrap()),
        time_stamps: None,
    };
    let bytes = exported(&house, &id);
    let archive = container::read(&bytes).unwrap();
    let judged = |archive| container::judge(archive, &trust);
    let findings = judged(&archive);
    assert!(!says(&findings, Verdict::Broken, ""), "{}", all(&findings));
    for words in ["signed record 1", "signed record 2"] {
        let shown = says(&findings, Verdict::Proven, words);
        assert!(shown, "{words}: {}", all(&findings));
    }
    let names = ["request.json", "request.jws", "answer.json", "answer.jws"];
    for name in names {
        assert!(archive.get(name).is_some(), "{name}");
    }
    assert!(
        std::str::from_utf8(archive.get("request.json").unwrap())
            .unwrap()
            .contains("container-jws-1")
    );
    // the signature of the one is none of the other
    let theirs = archive.get("answer.jws").unwrap().to_vec();
    let swapped = archive.with("request.jws", |content| *content = theirs.clone());
    let findings = judged(&swapped);
    assert!(
        !says(&findings, Verdict::Proven, "signed record 1"),
        "{}",
        all(&findings)
    );
    every_changed_entry_is_found(&bytes, &trust);
}

/// unzip, xmlsec1 and openssl over the same file.
fn by_foreign_tools(bytes: &[u8], tsa: &Stamper) {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    fs::write(at.join("export.asice"), bytes).unwrap();
    let mut unzip = Command::new("unzip");
    let _ = run(unzip.args(["-q", "export.asice"]).current_dir(at), b"");
    let mime = fs::read_to_string(at.join("mimetype")).unwrap();
    assert_eq!(mime, "application/vnd.etsi.asic-e+zip");
    let message = "urn:vn:lienthong:tax:v1:TaxMessage";
    let properties = "http://uri.etsi.org/01903/v1.3.2#:SignedProperties";
    for (file, certificate) in [
        ("request.xml", "certificates/sender-0.pem"),
        ("answer.xml", "certificates/answers.pem"),
        ("META-INF/signatures.xml", "certificates/evidence.pem"),
    ] {
        let mut xmlsec1 = Command::new("xmlsec1");
        xmlsec1
            .args(["--verify", "--pubkey-cert-pem", certificate])
            .args(["--id-attr:Id", message])
            .args(["--id-attr:Id", properties])
            .arg(file)
            .current_dir(at);
        let _ = run(&mut xmlsec1, b"");
    }
    let mut stamped = 0;
    for entry in fs::read_dir(at.join("META-INF")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let last = name.strip_prefix("timestamp-");
        let Some(last) = last.and_then(|last| last.strip_suffix(".tst")) else {
            continue;
        };
        let root = tsa.root().display().to_string();
        // it ends with another code than 0 where it does not verify
        openssl(
            at,
            &format!(
                "ts -verify -token_in -in META-INF/{name} -data META-INF/ASiCManifest-{last}.xml -CAfile {root}"
            ),
        );
        let stem = format!("journal/checkpoint-{last}");
        let key = openssl(at, &format!("x509 -in {stem}.pem -noout -pubkey"));
        fs::write(at.join("evidence.pub"), key).unwrap();
        let told = openssl(
            at,
            &format!("dgst -sha256 -verify evidence.pub -signature {stem}.sig {stem}.txt"),
        );
        assert!(told.contains("Verified OK"), "{told}");
        stamped += 1;
    }
    assert!(stamped > 0);
}

/// How many messages are exported and checked; R12 wants 1,000, which takes some minutes.
const EXPORTS: (&str, usize) = ("LIENTHONG_EXPORTS", 3);

#[tokio::test(flavor = "multi_thread")]
async fn every_sampled_message_exports_and_holds_for_unzip_xmlsec1_and_openssl() {
    if !(has("openssl") && has("xmlsec1") && has("unzip")) {
        return;
    }
    let (variable, usual) = EXPORTS;
    let count = std::env::var(variable).map_or(usual, |text| text.parse().unwrap());
    let tsa = Stamper::start();
    tsa.is_up.store(true, Ordering::SeqCst);
    let plan = plan(&format!(
        "tsa = [\"http://{}/tsa\"]\ntsa_private = true\ntsa_anchors = \"tsa-root.pem\"",
        tsa.address
    ));
    let root = fs::read_to_string(tsa.root()).unwrap();
    let mut house = plan.write("tsa-root.pem", root).start().await;
    let wire = house.wire("tax");
    let mut all = Vec::new();
    for number in 0..count {
        // few of those that are allowed ten times a second
        let asked = match number % 50 {
            1 => Tax::ping(house.now(), &format!("sample {number}")),
            _ => house.verify(&["fund"]),
        };
        let reply = wire.send(&asked.sign(&house.key("tax"))).await;
        all.push(reply.assert_ok().evidence().to_owned());
    }
    // it ends under a checkpoint, and asks for its time-stamp
    house.drain().await;
    for id in &all {
        let bytes = exported(&house, id);
        by_foreign_tools(&bytes, &tsa);
    }
    println!("{count} of {count} sampled messages hold for foreign tools");
}

/// One bit in the middle of each entry, with and without the archive's own check sums mended.
fn every_changed_entry_is_found(bytes: &[u8], trust: &Trust) {
    let archive = container::read(bytes).unwrap();
    for name in archive.names() {
        let content = archive.get(name).unwrap();
        let middle = content.len() / 2;
        let place = bytes
            .windows(content.len())
            .position(|part| part == content);
        let mut bent = bytes.to_vec();
        bent[place.unwrap() + middle] ^= 1;
        assert!(container::read(&bent).is_err(), "{name}");
        let mended = archive.with(name, |content| content[middle] ^= 1);
        let findings = container::judge(&mended, trust);
        let found = says(&findings, Verdict::Broken, "");
        assert!(found, "{name}: {}", all(&findings));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sandboxs_journal_bears_the_time_stamps_of_its_own_authority() {
    if !has("openssl") {
        return;
    }
    let (folder, _) = house::folder();
    let options = sandbox::Options {
        dir: folder.path().to_owned(),
        port: 0,
        admin_port: 0,
        people: 300,
        once: true,
        json: true,
    };
    assert!(sandbox::run(options).await.unwrap(), "a flow failed");
    let at = |name: &str| folder.path().join("gateway").join(name);
    let store = rusqlite::Connection::open(at("store.sqlite")).unwrap();
    let ask = |sql: &str| {
        store
            .query_row(sql, [], |row| row.get::<_, i64>(0))
            .unwrap()
    };
    assert_eq!(
        ask("SELECT count(*) FROM checkpoint WHERE token IS NULL"),
        0
    );
    assert_ne!(ask("SELECT count(*) FROM checkpoint"), 0);
    let first = "SELECT lower(hex(evidence)) FROM journal WHERE kind = 1 ORDER BY seq LIMIT 1";
    let id: String = store.query_row(first, [], |row| row.get(0)).unwrap();
    let (config, vault) = (
        Config::load(&at("gateway.toml")),
        Vault::open_file(&at("seal.key")),
    );
    let engine = Engine::Sqlite(at("store.sqlite"));
    let dossier = gateway_store::dossier(&engine, &vault.unwrap(), &id).unwrap();
    let bytes = container::export(&config.unwrap(), &dossier.unwrap()).unwrap();
    let root = Some(fs::read(at("ca.pem")).unwrap());
    let trust = Trust {
        authorities: root.clone(),
        time_stamps: root,
    };
    let findings = container::judge(&container::read(&bytes).unwrap(), &trust);
    let words = "time-stamping authority you trust";
    assert!(
        says(&findings, Verdict::Proven, words),
        "{}",
        all(&findings)
    );
    assert!(!says(&findings, Verdict::Broken, ""), "{}", all(&findings));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_was_put_back_whole_is_found_by_the_copies_and_only_by_them() {
    let mut house = plan("").start().await;
    say(&house).await;
    house.drain().await;
    let files = ["store.sqlite", "store.sqlite.head"].map(|name| house.file(name));
    let older = files.clone().map(|file| fs::read(file).unwrap());
    house.open().await;
    say(&house).await;
    house.drain().await;
    let vault = Vault::open_file(&house.file("seal.key")).unwrap();
    let engine = Engine::Sqlite(house.file("store.sqlite"));
    let copies = || Witnesses {
        checkpoints: evidence::kept(&house.file("../elsewhere")).unwrap(),
    };
    let whole = gateway_store::verify_beside(&engine, &vault, &copies()).unwrap();
    assert!(whole[0].checkpoints >= 2, "{whole:?}");
    for (file, bytes) in files.iter().zip(older) {
        fs::write(file, bytes).unwrap();
    }
    gateway_store::verify_all(&engine, &vault).unwrap();
    let broken = gateway_store::verify_beside(&engine, &vault, &copies()).unwrap_err();
    assert_eq!((broken.seq, broken.what), (3, What::Witness));
    // and a copy that was bent is no witness
    let folder = house.file("../elsewhere");
    let text = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|ending| ending == "txt"))
        .unwrap();
    let said = fs::read_to_string(&text).unwrap();
    fs::write(&text, said.replace("writer gateway", "writer gatewaY")).unwrap();
    let refused = evidence::kept(&folder).unwrap_err();
    assert!(refused.contains("does not hold"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_that_was_changed_in_the_store_is_found() {
    let mut house = plan("").start().await;
    say(&house).await;
    house.drain().await;
    house.open().await;
    say(&house).await;
    house.drain().await;
    let path = house.file("store.sqlite");
    let good = fs::read(&path).unwrap();
    let vault = Vault::open_file(&house.file("seal.key")).unwrap();
    let verify = || gateway_store::verify(&path, &vault);
    assert!(verify().unwrap().checkpoints >= 2);
    for edit in [
        "UPDATE checkpoint SET signature = zeroblob(70) WHERE last = (SELECT min(last) FROM checkpoint)",
        "UPDATE checkpoint SET text = zeroblob(9) WHERE last = (SELECT max(last) FROM checkpoint)",
        "DELETE FROM checkpoint WHERE last = (SELECT min(last) FROM checkpoint)",
        "UPDATE checkpoint SET (text, signature) = \
            (SELECT text, signature FROM checkpoint ORDER BY last DESC LIMIT 1) \
            WHERE last = (SELECT min(last) FROM checkpoint)",
        "INSERT INTO checkpoint (last, writer, text, signature, certificate) \
            SELECT last + 1000, writer, text, signature, certificate FROM checkpoint \
            ORDER BY last DESC LIMIT 1",
    ] {
        let conn = rusqlite::Connection::open(&path).unwrap();
        assert_ne!(conn.execute(edit, []).unwrap(), 0, "{edit}");
        drop(conn);
        assert_eq!(verify().unwrap_err().what, What::Checkpoint, "{edit}");
        fs::write(&path, &good).unwrap();
    }
    verify().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgresql_checkpoints_are_signed_stamped_exported_and_held_against_the_chain() {
    let Some(cluster) = pg::Cluster::shared().filter(|_| has("openssl")) else {
        return;
    };
    let url = cluster.database();
    let tsa = Stamper::start();
    tsa.is_up.store(true, Ordering::SeqCst);
    let plan = plan(&format!(
        "tsa = [\"http://{}/tsa\"]\ntsa_private = true\ntsa_anchors = \"tsa-root.pem\"",
        tsa.address
    ));
    let root = fs::read_to_string(tsa.root()).unwrap();
    let plan = on(plan.write("tsa-root.pem", root), &url, "one");
    let mut house = plan.start().await;
    let engine = Engine::Postgres(PostgresParams::new(&url));
    let trust = Trust {
        authorities: Some(fs::read(house.file("ca.pem")).unwrap()),
        time_stamps: Some(fs::read(tsa.root()).unwrap()),
    };
    let id = say(&house).await;
    let started = Instant::now();
    loop {
        let bytes = exported_from(&engine, &house, &id);
        let findings = container::judge(&container::read(&bytes).unwrap(), &trust);
        assert!(!says(&findings, Verdict::Broken, ""), "{}", all(&findings));
        if says(
            &findings,
            Verdict::Proven,
            "time-stamping authority you trust",
        ) {
            break;
        }
        assert!(started.elapsed() < AT_MOST, "{}", all(&findings));
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    say(&house).await;
    house.drain().await;
    let vault = Vault::open_file(&house.file("seal.key")).unwrap();
    let copies = Witnesses {
        checkpoints: evidence::kept(&house.file("../elsewhere")).unwrap(),
    };
    let whole = gateway_store::verify_beside(&engine, &vault, &copies).unwrap();
    assert!(whole[0].checkpoints >= 2, "{whole:?}");
    let name = url
        .strip_prefix("postgresql:///")
        .unwrap()
        .split('?')
        .next()
        .unwrap();
    let said = |sql: &str| cluster.psql(name, &format!("SET search_path = lienthong_store; {sql}"));
    assert_eq!(
        said("SELECT count(*) FROM checkpoint WHERE token IS NULL").trim(),
        "0"
    );
    for edit in [
        "UPDATE checkpoint SET signature = '\\x00' WHERE last = (SELECT min(last) FROM checkpoint)",
        "DELETE FROM checkpoint WHERE last = (SELECT min(last) FROM checkpoint)",
    ] {
        said("CREATE TABLE kept AS TABLE checkpoint");
        said(edit);
        let broken = gateway_store::verify_all(&engine, &vault).unwrap_err();
        assert_eq!(broken.what, What::Checkpoint, "{edit}");
        said("DELETE FROM checkpoint; INSERT INTO checkpoint TABLE kept; DROP TABLE kept");
    }
    gateway_store::verify_beside(&engine, &vault, &copies).unwrap();
}
