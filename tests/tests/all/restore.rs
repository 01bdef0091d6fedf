//! Put back from a backup: what it answers and what it sends away, until a person has released it; and what
//! is refused before anything is touched.

use std::{fs, path::Path, sync::Arc};

use certs::seal::Vault;
use gateway::{
    admin::client,
    backup::{Asked, Backup, BackupError, PutBack, put_back, take},
    config::Config,
};
use gateway_core::ports::Clock;
use gateway_tests::{
    clock::TestClock,
    house::House,
    message::{Message, Tax, dossier},
};
use jiff::SignedDuration;
use schemas::{fault::FaultCode, proto::admin::ActRequest};

use super::papers;

async fn house() -> House {
    let plan = House::plan().with_portal(0);
    let marks = "path = \"registry.sqlite\"\nmarks = \"given\"";
    let plan = plan.replace("gateway.toml", "path = \"registry.sqlite\"", marks);
    plan.start().await
}

fn vault(house: &House) -> Arc<Vault> {
    Arc::new(Vault::open_file(&house.file("seal.key")).unwrap())
}

fn config(house: &House) -> Config {
    Config::load(&house.layout.config()).unwrap()
}

async fn back_up(house: &House, name: &str) -> Result<Backup, BackupError> {
    let (config, vault, to) = (config(house), vault(house), house.file(name));
    let clock = Arc::clone(&house.clock);
    let taken = tokio::task::spawn_blocking(move || take(&config, &*clock, &vault, &to));
    taken.await.unwrap()
}

async fn restore(house: &House, name: &str, replace: bool) -> Result<PutBack, BackupError> {
    let clock: Arc<dyn Clock> = Arc::<TestClock>::clone(&house.clock);
    let asked = Asked {
        who: "an.operator".to_owned(),
        why: "the disk died".to_owned(),
        replace,
        danger_without_marks: false,
        server: None,
        registry_stays: false,
    };
    let from = house.file(name);
    put_back(&config(house), &clock, &vault(house), &from, &asked).await
}

fn submission(house: &House, holder: usize) -> Message {
    let holder = &house.landmarks.card_holders[holder];
    let members = dossier::members(house.now(), holder, &holder.name);
    dossier::message(house.now(), &members).sign(&house.key("portal"))
}

/// The code that a dossier got.
async fn code(house: &House, message: &Message) -> String {
    let reply = house.wire("portal").send(message).await;
    reply.assert_ok().json()["MaHoSo"]
        .as_str()
        .unwrap()
        .to_owned()
}

async fn release(house: &House) -> String {
    let request = ActRequest {
        deed: "release".to_owned(),
        target: String::new(),
        who: "an.operator".to_owned(),
        why: "it was looked at".to_owned(),
        law: String::new(),
    };
    let acted = client::act(house.gateway().admin(), request).await;
    acted.unwrap().outcome
}

fn bytes_of(house: &House) -> Vec<Vec<u8>> {
    let files = ["store.sqlite", "store.sqlite.head", "registry.sqlite"];
    files
        .map(|file| fs::read(house.file(file)).unwrap())
        .to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_gateway_answers_reads_sends_changes_away_and_goes_on_when_it_is_released() {
    let mut house = house().await;
    let kept = submission(&house, 0);
    let kept_reply = house.wire("portal").send(&kept).await;
    kept_reply.assert_ok();
    let backup = back_up(&house, "backup").await.unwrap();
    let forgotten = submission(&house, 1);
    let forgotten_code = code(&house, &forgotten).await;
    house.kill().await;
    let refused = restore(&house, "backup", false).await.unwrap_err();
    assert!(matches!(refused, BackupError::Occupied(_)), "{refused}");
    let put = restore(&house, "backup", true).await.unwrap();
    assert_eq!(put.cut, backup.cut().unwrap());
    assert!(put.aside.len() >= 3 && put.aside.iter().all(|path| path.exists()));
    house.open().await;

    let admin = house.gateway().admin();
    let page = client::status(admin).await.unwrap();
    assert!(page.ready && page.recovery.as_ref().unwrap().cut == put.cut.to_string());
    let told = |what: &str| page.findings.iter().any(|f| f.what.contains(what));
    assert!(told("by an.operator: the disk died"), "{:?}", page.findings);
    assert!(page.lanes.iter().all(|lane| lane.state == "fenced"));
    let before = house.fingerprint().await;
    let sent_away = house.wire("portal").send(&forgotten).await;
    sent_away.assert_fault(FaultCode::Recovering, "put-back-from-a-backup");
    assert_eq!(house.fingerprint().await, before);
    let again = house.wire("portal").send(&kept).await;
    assert_eq!(again.body, kept_reply.body);
    let ping = Tax::ping(house.now(), "hello").sign(&house.key("tax"));
    house.wire("tax").send(&ping).await.assert_ok();
    let unknown = client::explain(admin, "no-such-message").await.unwrap();
    assert!(unknown.stories.is_empty() && unknown.recovery.is_some());

    // a person takes an hour: by then the message is too old for any window
    house.clock.advance(SignedDuration::from_hours(1));
    assert_eq!(release(&house).await, "done");
    assert_eq!(release(&house).await, "already-so");
    assert_eq!(code(&house, &forgotten).await, forgotten_code);
    let page = client::status(admin).await.unwrap();
    assert!(page.recovery.is_none());
    let acts = client::acts(admin, 9).await.unwrap().acts;
    let deeds: Vec<_> = acts.iter().map(|act| act.deed.as_str()).collect();
    assert_eq!(deeds, ["release", "restore"]);
    house.kill().await;
    gateway_store::verify(&house.file("store.sqlite"), &vault(&house)).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_that_is_refused_says_why_and_touches_nothing() {
    let mut house = house().await;
    code(&house, &submission(&house, 0)).await;
    back_up(&house, "backup").await.unwrap();
    let there = back_up(&house, "backup").await.unwrap_err();
    assert!(matches!(there, BackupError::There(_)), "{there}");
    let running = restore(&house, "backup", true).await.unwrap_err();
    assert!(running.to_string().contains("another process"), "{running}");
    house.kill().await;

    let before = bytes_of(&house);
    let said = |refused: &BackupError, what: &str| {
        assert!(refused.to_string().contains(what), "{refused}");
    };
    let spoilt = |name: &str, bend: &dyn Fn(&Path)| {
        bend(&house.file("backup").join(name));
    };
    let flip = |path: &Path| {
        let mut bytes = fs::read(path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(path, bytes).unwrap();
    };
    for (name, what) in [
        ("store.sqlite", "store.sqlite is not what"),
        ("store.sqlite.head", "store.sqlite.head is not what"),
        ("registry.sqlite", "registry.sqlite is not what"),
        ("manifest.json", "manifest does not open"),
    ] {
        spoilt(name, &flip);
        let refused = restore(&house, "backup", true).await.unwrap_err();
        said(&refused, what);
        spoilt(name, &flip);
    }
    let marks = fs::read(house.file("given")).unwrap();
    fs::remove_file(house.file("given")).unwrap();
    let refused = restore(&house, "backup", true).await.unwrap_err();
    said(&refused, "insurance.marks");
    fs::write(house.file("given"), marks).unwrap();
    assert!(bytes_of(&house) == before, "nothing may be touched");
    let left: Vec<_> = fs::read_dir(house.file(""))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains("restor") || name.contains(".part-"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
    restore(&house, "backup", true).await.unwrap();
    house.open().await;
    let page = client::status(house.gateway().admin()).await.unwrap();
    assert!(page.recovery.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_files_of_messages_come_back_with_what_names_them_and_nothing_is_overwritten() {
    let mut house = house().await;
    // numbers were given out, and noted outside
    code(&house, &submission(&house, 0)).await;
    let (file, other) = (papers::pdf(70_000), papers::pdf(30_000));
    let lines = [papers::line("a.pdf", &file), papers::line("b.pdf", &other)];
    let id = papers::announce(&house, &lines).await;
    papers::part(&house, &id, 1, &file).await.assert_ok();
    let taken = back_up(&house, "backup").await.unwrap();
    let listed = taken.manifest().files.iter();
    let copied: Vec<_> = listed
        .filter(|line| line.name.starts_with("papers/"))
        .collect();
    // a key, the bytes and what was found of them, and the announcement
    assert_eq!(copied.len(), 4, "{copied:?}");
    let names = serde_json::to_string(&copied.iter().map(|line| &line.name).collect::<Vec<_>>());
    assert!(!names.unwrap().contains(&certs::digest::sha256_hex(&file)));
    house.kill().await;

    // one lies there still, as it was; then all is lost
    let before = papers::kept(&house);
    let put = restore(&house, "backup", true).await.unwrap();
    assert_eq!((put.papers, papers::kept(&house)), (0, before.clone()));
    fs::remove_dir_all(house.file("papers")).unwrap();
    house.clock.advance(SignedDuration::from_mins(1));
    let put = restore(&house, "backup", true).await.unwrap();
    assert_eq!((put.papers, papers::kept(&house)), (1, before));
    house.open().await;
    release(&house).await;
    // the announcement still awaits the other file, and a dossier names the one that came back
    papers::part(&house, &id, 2, &other).await.assert_ok();
    let named = serde_json::json!({ "SHA256": certs::digest::sha256_hex(&file) });
    papers::submit(&house, named).await.assert_ok();
    assert_eq!(papers::kept(&house).len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_a_backup_that_was_changed_or_has_no_place_is_told_and_nothing_is_put_back() {
    let mut house = house().await;
    code(&house, &submission(&house, 0)).await;
    let file = papers::pdf(70_000);
    let id = papers::announce(&house, &[papers::line("a.pdf", &file)]).await;
    papers::part(&house, &id, 1, &file).await.assert_ok();
    let taken = back_up(&house, "backup").await.unwrap();
    house.kill().await;
    let before = bytes_of(&house);
    fs::remove_dir_all(house.file("papers")).unwrap();
    let line = taken.manifest().files.iter();
    let mut bytes = line.filter(|line| line.name.ends_with("/bytes"));
    let name = bytes.next().unwrap().name.clone();
    let path = house.file("backup").join(&name);
    let good = fs::read(&path).unwrap();
    let mut bent = good.clone();
    bent[9_000] ^= 1;
    fs::write(&path, bent).unwrap();
    let refused = restore(&house, "backup", true).await.unwrap_err();
    assert!(refused.to_string().starts_with(&name), "{refused}");
    fs::write(&path, good).unwrap();
    let config = house.file("gateway.toml");
    gateway_tests::house::replace(&config, "[papers]\npath = \"papers\"\n", "");
    let refused = restore(&house, "backup", true).await.unwrap_err();
    assert!(refused.to_string().contains("no [papers]"), "{refused}");
    assert!(bytes_of(&house) == before && !house.file("papers").exists());
}
