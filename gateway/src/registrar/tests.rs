//! What files say, beside what is in force: signed, unsigned, signed for something else.

use std::{fs, path::PathBuf, sync::Mutex};

use certs::{
    jws::statement,
    keys::SigningKey,
    pki::{Authority, IssueParams, Usage},
};
use futures_util::future::{BoxFuture, ready};
use gateway_core::ports::{ActStory, StoreError, SystemClock};
use jiff::Timestamp;

use super::*;
use crate::{
    config::{Snapshot, Watched, officers::signature_file, watch::Reload},
    gateway::Gateway,
    wiring,
};

/// What is in force, in memory.
#[derive(Default)]
struct Memory {
    in_force: Mutex<Vec<InForce>>,
    acts: Mutex<u64>,
    /// Somebody else adopts first, this often.
    quicker: Mutex<u32>,
}

type Answer<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

impl Registrations for Memory {
    fn in_force(&self) -> Answer<'_, Vec<InForce>> {
        Box::pin(ready(Ok(self.in_force.lock().unwrap().clone())))
    }

    fn adopt(&self, adoption: Adoption, who: String, why: String) -> Answer<'_, Acted> {
        let mut quicker = self.quicker.lock().unwrap();
        if *quicker > 0 {
            *quicker -= 1;
            return Box::pin(ready(Ok(Acted::NotNow("replaced-meanwhile"))));
        }
        let (mut all, mut acts) = (self.in_force.lock().unwrap(), self.acts.lock().unwrap());
        *acts += 1;
        all.retain(|one| one.partner != adoption.partner);
        if let Some((digest, terms)) = adoption.becomes {
            let act = ActStory {
                at: Timestamp::UNIX_EPOCH,
                who,
                why,
                deed: "adopt-terms".into(),
                target: adoption.partner.as_str().into(),
                journal: *acts,
            };
            let partner = adoption.partner;
            all.push(InForce {
                partner,
                digest,
                terms,
                act,
            });
        }
        Box::pin(ready(Ok(Acted::Done)))
    }
}

/// A gateway's folder with three officers.
struct Scene {
    folder: tempfile::TempDir,
    store: Arc<Memory>,
}

const OFFICERS: [&str; 3] = ["an", "binh", "chi"];

impl Scene {
    fn new() -> Self {
        let scene = Self {
            folder: tempfile::tempdir().unwrap(),
            store: Arc::default(),
        };
        let now = SystemClock.now();
        let authority = Authority::generate("sandbox", now).unwrap();
        let mut config = include_str!("../../sample/gateway.toml").to_owned();
        fs::create_dir(scene.path("partners")).unwrap();
        let all = ["tls", "sign", "partners/tax-sign", "mallory"];
        for name in all.iter().chain(&OFFICERS) {
            let params = IssueParams::new(name, Usage::Both, now);
            let issued = authority.issue(&params).unwrap();
            let (cert, key) = (format!("{name}.pem"), format!("{name}.key"));
            certs::pki::write_public(&scene.path(&cert), &issued.chain_pem).unwrap();
            certs::pki::write_private(&scene.path(&key), &issued.key_pem).unwrap();
        }
        for name in OFFICERS {
            config += &format!(
                "\n[[officers]]\nname = \"{name}\"\nalgorithm = \"ES256\"\ncert = \"{name}.pem\"\n"
            );
        }
        fs::write(scene.path("anchors.pem"), authority.root_pem()).unwrap();
        fs::write(scene.path("gateway.toml"), config).unwrap();
        scene.write(TAX);
        scene
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, text: &str) {
        fs::write(self.path("partners/tax.toml"), text).unwrap();
    }

    fn config(&self) -> Config {
        Config::load(&self.path("gateway.toml")).unwrap()
    }

    fn registrar(&self) -> Registrar {
        let store: Arc<dyn Registrations> = Arc::<Memory>::clone(&self.store);
        Registrar::new(&self.config(), store, Arc::new(SystemClock))
    }

    fn sources(&self) -> Vec<Source> {
        Snapshot::load(&self.config(), &wiring::operations())
            .unwrap()
            .sources
    }

    /// What is refused, as one text.
    async fn admit(&self) -> Result<(), String> {
        let told = |problem: &Problem| format!("{} {}", problem.what, problem.cure);
        match self.registrar().admit(&self.sources()).await {
            Ok(()) => Ok(()),
            Err(Refused::Files(problems)) => Err(problems.iter().map(told).collect()),
            Err(Refused::Store(why)) => Err(why),
        }
    }

    fn text(&self) -> String {
        let sources = self.sources();
        let in_force = self.store.in_force.lock().unwrap();
        let one = in_force.iter().find(|one| one.partner.as_str() == "tax");
        let said = Statement {
            environment: self.config().environment,
            partner: &sources[0].partner,
            file: sources[0].sha256,
            terms: sources[0].terms.digest(),
            replaces: one.map(|one| (one.digest, one.act.journal)),
        };
        said.text()
    }

    /// A signature in the name of `officer` with the key of `holder`.
    fn sign_as(&self, officer: &str, holder: &str, text: &str) {
        let pem = fs::read(self.path(&format!("{holder}.key"))).unwrap();
        let key = SigningKey::from_pem(&pem, None).unwrap();
        let signed = statement::sign(officer, &key, text.as_bytes()).unwrap();
        let officer = PartnerId::parse(officer).unwrap();
        let file = signature_file(&self.path("partners/tax.toml"), &officer);
        fs::write(file, signed + "\n").unwrap();
    }

    fn sign(&self, officer: &str) {
        self.sign_as(officer, officer, &self.text());
    }

    fn unsign(&self) {
        for officer in OFFICERS {
            let officer = PartnerId::parse(officer).unwrap();
            let file = signature_file(&self.path("partners/tax.toml"), &officer);
            let _ = fs::remove_file(file); // there or not
        }
    }

    fn who(&self) -> String {
        self.store.in_force.lock().unwrap()[0].act.who.clone()
    }
}

const TAX: &str = include_str!("../../sample/partners/tax.toml");

fn more() -> String {
    TAX.replacen("\"participants\"]", "\"participants\", \"arrears\"]", 1)
}

fn less() -> String {
    TAX.replacen(", \"participants\"]", "]", 1)
}

#[tokio::test]
async fn a_new_partner_and_whatever_loosens_need_two_different_officers() {
    let scene = Scene::new();
    let refused = scene.admit().await.unwrap_err();
    assert!(
        refused.contains("`tax` is new, and 0 of 2 officers"),
        "{refused}"
    );
    scene.sign("an");
    assert!(scene.admit().await.unwrap_err().contains("1 of 2"));
    scene.sign("binh");
    scene.admit().await.unwrap();
    assert_eq!(scene.who(), "an, binh");
    scene.unsign();
    scene.admit().await.unwrap(); // what is in force is not judged again
    scene.write(&more());
    let refused = scene.admit().await.unwrap_err();
    assert!(refused.contains("tax.verify-employer/fields"), "{refused}");
    assert!(refused.contains("lienthong partner sign"), "{refused}");
    scene.sign("binh");
    scene.sign("chi");
    scene.admit().await.unwrap();
    assert_eq!(scene.who(), "binh, chi");
}

#[tokio::test]
async fn what_restricts_is_in_force_at_once_and_back_only_by_signatures() {
    let scene = Scene::new();
    scene.sign("an");
    scene.sign("binh");
    scene.admit().await.unwrap();
    scene.write(&less());
    scene.admit().await.unwrap();
    assert_eq!(scene.who(), "the gateway");
    scene.write(TAX);
    let refused = scene.admit().await.unwrap_err();
    assert!(
        refused.contains("0 of 2"),
        "the old file with its old signatures: {refused}"
    );
    fs::remove_file(scene.path("partners/tax.toml")).unwrap();
    scene.admit().await.unwrap();
    assert!(scene.store.in_force.lock().unwrap().is_empty());
    scene.write(&less());
    assert!(scene.admit().await.unwrap_err().contains("is new"));
}

#[tokio::test]
async fn signatures_for_something_else_count_for_nothing() {
    let scene = Scene::new();
    let text = scene.text();
    for (from, to) in [
        ("environment: sandbox", "environment: test"),
        ("partner: tax", "partner: civil"),
        ("file: sha256 ", "file: sha256 0"),
        ("terms: sha256 ", "terms: sha256 0"),
        ("replaces: nothing", "replaces: 00 of journal record 1"),
    ] {
        let other = text.replacen(from, to, 1);
        assert_ne!(other, text, "{from}");
        scene.sign("an");
        scene.sign_as("binh", "binh", &other);
        assert!(
            scene.admit().await.unwrap_err().contains("1 of 2"),
            "{from}"
        );
    }
    scene.sign_as("binh", "an", &text); // one officer under two names
    assert!(scene.admit().await.unwrap_err().contains("1 of 2"));
    scene.sign_as("binh", "mallory", &text); // a key of nobody's
    assert!(scene.admit().await.unwrap_err().contains("1 of 2"));
    assert!(scene.store.in_force.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_certificate_behind_the_same_file_is_part_of_what_was_signed() {
    let scene = Scene::new();
    scene.sign("an");
    scene.sign("binh");
    scene.admit().await.unwrap();
    fs::copy(
        scene.path("mallory.pem"),
        scene.path("partners/tax-sign.pem"),
    )
    .unwrap();
    let refused = scene.admit().await.unwrap_err();
    assert!(refused.contains("keys/tax-1/cert#sha256"), "{refused}");
}

#[tokio::test]
async fn whoever_was_not_quick_enough_judges_again() {
    let scene = Scene::new();
    scene.sign("an");
    scene.sign("binh");
    *scene.store.quicker.lock().unwrap() = 2;
    scene.admit().await.unwrap();
    scene.write(&less());
    *scene.store.quicker.lock().unwrap() = 9;
    assert!(scene.admit().await.unwrap_err().contains("other replicas"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_gateway_keeps_what_is_in_force_until_the_file_is_signed() {
    let scene = Scene::new();
    let watched = Watched::load(&scene.config(), &wiring::operations()).unwrap();
    assert!(
        watched.guarded(scene.registrar()).await.is_err(),
        "nor does one start"
    );
    scene.sign("an");
    scene.sign("binh");
    let watched = Watched::load(&scene.config(), &wiring::operations()).unwrap();
    let watched = Arc::new(watched.guarded(scene.registrar()).await.unwrap());
    let look = || {
        let watched = Arc::clone(&watched);
        async move {
            tokio::task::spawn_blocking(move || watched.look())
                .await
                .unwrap()
        }
    };
    scene.unsign();
    scene.write(&more());
    assert!(matches!(look().await, Reload::Kept(_)));
    let fields = || {
        let partners = watched.current();
        let tax = PartnerId::parse("tax").unwrap();
        let agreements = &partners.get(&tax).unwrap().agreements;
        agreements[0].operations["tax.verify-employer"].fields.len()
    };
    assert_eq!(fields(), 2);
    scene.sign("an");
    scene.sign("chi");
    assert!(matches!(look().await, Reload::Swapped));
    assert_eq!(fields(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_does_not_start_again_with_a_file_that_was_loosened_meanwhile() {
    let scene = Scene::new();
    let mut config = fs::read_to_string(scene.path("gateway.toml")).unwrap();
    for (from, to) in [
        ("port = 8443", "port = 0"),
        ("port = 9443", "port = 0"),
        ("people = 10000", "people = 0"),
    ] {
        assert!(config.contains(from), "{from}");
        config = config.replacen(from, to, 1);
    }
    fs::write(scene.path("gateway.toml"), config).unwrap();
    let start = || Gateway::start(scene.config());
    let refused = start().await.unwrap_err().to_string();
    assert!(refused.contains("`tax` is new"), "{refused}");
    scene.sign("an");
    scene.sign("binh");
    start().await.unwrap().drain().await;
    // the signatures that were good once stand beside the file still
    let quota = TAX.replacen("per_minute = 6000\n", "per_minute = 6001\n", 1);
    let peers = TAX.replacen(
        "peers = [",
        "peers = [\"spki:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\", ",
        1,
    );
    for (file, what) in [
        (more(), "tax.verify-employer/fields"),
        (quota, "tax.verify-employer/per_minute"),
        (peers, "peers"),
    ] {
        assert_ne!(file, TAX, "{what}");
        scene.write(&file);
        let refused = start().await.unwrap_err().to_string();
        let named = refused.contains("loosens") && refused.contains(what);
        assert!(named && refused.contains("partners/tax.toml"), "{refused}");
    }
    let (good, other) = (
        scene.path("partners/tax-sign.pem"),
        scene.path("mallory.pem"),
    );
    scene.write(TAX);
    let before = fs::read(&good).unwrap();
    fs::copy(other, &good).unwrap();
    let refused = start().await.unwrap_err().to_string();
    assert!(refused.contains("keys/tax-1/cert#sha256"), "{refused}");
    fs::write(&good, before).unwrap();
    start().await.unwrap().drain().await;
}
