//! Operators by their certificates: who gets in, what each role may, and what stands in the journal.

use std::{collections::BTreeSet, fs, path::PathBuf, sync::Mutex};

use certs::pki::{Authority, IssueParams, Usage};
use gateway_core::ports::{Act, Clock as _, Deed};
use schemas::proto::admin::{AccessRequest, ReadFileRequest};

use super::{
    super::{
        client::Target,
        operators::{NEEDED, Operators},
    },
    *,
};
use crate::{config::Config, revocation::Keeper};

/// Keeps every act and says that it is done.
#[derive(Default)]
struct Diary(Mutex<Vec<Act>>);

impl Office for Diary {
    fn list(&self, _: ParcelFilter) -> Answer<'_, Vec<ParcelStory>> {
        Box::pin(async { Ok(Vec::new()) })
    }
    fn show(&self, _: &str) -> Answer<'_, Option<ParcelFile>> {
        Box::pin(async { Ok(None) })
    }
    fn act(&self, act: Act) -> Answer<'_, Acted> {
        self.0.lock().unwrap().push(act);
        Box::pin(async { Ok(Acted::Done) })
    }
    fn orders(&self) -> Answer<'_, Orders> {
        Box::pin(async { Ok(Orders::default()) })
    }
    fn recovering(&self) -> Answer<'_, Option<Recovering>> {
        Box::pin(async { Ok(None) })
    }
    fn acts(&self, _: usize) -> Answer<'_, Vec<ActStory>> {
        Box::pin(async { Ok(Vec::new()) })
    }
    fn newest_act(&self, _: &'static str, _: &str) -> Answer<'_, Option<ActStory>> {
        Box::pin(async { Ok(None) })
    }
}

struct Desk {
    folder: tempfile::TempDir,
    address: std::net::SocketAddr,
    diary: Arc<Diary>,
    _stop: watch::Sender<bool>,
}

const ROLES: [&str; 3] = ["viewer", "operator", "security-officer"];

impl Desk {
    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = configured(folder.path());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let us = PartnerId::parse("vss").unwrap();
        let partners = Partners::new(Environment::Sandbox, us, Vec::new()).unwrap();
        let diary = Arc::<Diary>::default();
        let keeper = Keeper::open(&config, Arc::new(SystemClock), Arc::new(Metrics::new()));
        let keeper = keeper.unwrap();
        let parts = AdminParts {
            log: Arc::new(Remembered),
            office: Arc::<Diary>::clone(&diary),
            book: Arc::new(Quiet),
            notes: Arc::new(Quiet),
            ledger: Arc::new(Quiet),
            registrations: Arc::new(Quiet),
            insurance: None,
            asking: None,
            papers: None,
            population: None,
            operators: Operators::of(&config, &keeper).unwrap().map(Arc::new),
            metrics: Arc::new(Metrics::new()),
            partners: Arc::new(ArcSwap::from_pointee(partners)),
            clock: Arc::new(SystemClock),
            readiness: Readiness::new(),
            environment: Environment::Sandbox,
        };
        let (stop, stops) = watch::channel(false);
        tokio::spawn(accept(listener, parts, Scope::Operators, stops));
        Self {
            folder,
            address,
            diary,
            _stop: stop,
        }
    }

    /// The operator whose folder this is.
    fn as_(&self, who: &str) -> Target {
        let folder = self.folder.path().join(who);
        let target = Target::from(self.address);
        target.identified(&folder, "127.0.0.1".to_owned()).unwrap()
    }

    fn acts(&self) -> Vec<Act> {
        std::mem::take(&mut *self.diary.0.lock().unwrap())
    }
}

/// A config with one operator of each role, and the folders of two who are none.
fn configured(folder: &std::path::Path) -> Config {
    let now = SystemClock.now();
    let authority = Authority::generate("sandbox", now).unwrap();
    let other = Authority::generate("sandbox", now).unwrap();
    let write = |name: &str, authority: &Authority, uri: Option<String>| {
        let place = |file: &str| -> PathBuf { folder.join(name).join(file) };
        fs::create_dir_all(folder.join(name)).unwrap();
        let params = IssueParams {
            san_uri: uri,
            dns: vec!["localhost".to_owned()],
            ips: vec!["127.0.0.1".parse().unwrap()],
            ..IssueParams::new(name, Usage::Both, now)
        };
        let issued = authority.issue(&params).unwrap();
        certs::pki::write_public(&place("tls.pem"), &issued.chain_pem).unwrap();
        certs::pki::write_private(&place("tls.key"), &issued.key_pem).unwrap();
        fs::write(place("ca.pem"), authority.root_pem()).unwrap();
    };
    let uri = |name: &str| Some(format!("urn:lienthong:sandbox:operator:{name}"));
    let mut text = include_str!("../../../sample/gateway.toml").to_owned();
    for name in ROLES {
        write(name, &authority, uri(name));
        text += &format!(
            "\n[[operators]]\nname = \"the {name}\"\npeer = \"urn:lienthong:sandbox:operator:{name}\"\nrole = \"{name}\"\n"
        );
    }
    write("nobody", &authority, uri("nobody"));
    write("stranger", &other, uri("viewer"));
    // the stranger trusts us, and we do not trust the stranger's authority
    fs::copy(folder.join("viewer/ca.pem"), folder.join("stranger/ca.pem")).unwrap();
    write("us", &authority, None);
    text += "\n[admin.tls]\ncert = \"us/tls.pem\"\nkey = \"us/tls.key\"\nanchors = \"us/ca.pem\"\n";
    for (file, from) in [("tls.pem", "us/tls.pem"), ("tls.key", "us/tls.key")] {
        fs::copy(folder.join(from), folder.join(file)).unwrap();
    }
    fs::copy(folder.join("us/tls.pem"), folder.join("sign.pem")).unwrap();
    fs::copy(folder.join("us/tls.key"), folder.join("sign.key")).unwrap();
    fs::copy(folder.join("us/ca.pem"), folder.join("anchors.pem")).unwrap();
    fs::write(folder.join("gateway.toml"), text).unwrap();
    Config::load(&folder.join("gateway.toml")).unwrap()
}

fn deed(word: &str) -> ActRequest {
    ActRequest {
        deed: word.to_owned(),
        target: "change-9.sync".to_owned(),
        who: "somebody else".to_owned(),
        why: "a test".to_owned(),
        law: String::new(),
    }
}

#[tokio::test]
async fn what_an_operator_does_stands_under_the_name_of_its_certificate() {
    let desk = Desk::open().await;
    client::act(desk.as_("operator"), deed("replay"))
        .await
        .unwrap();
    let acts = desk.acts();
    assert_eq!(acts.len(), 1);
    assert_eq!(acts[0].who, "the operator");
    assert_eq!(acts[0].deed, Deed::Replay("change-9.sync".to_owned()));
}

#[tokio::test]
async fn a_role_that_does_not_suffice_is_refused_and_the_refusal_is_kept() {
    let desk = Desk::open().await;
    let refusal = client::act(desk.as_("viewer"), deed("cancel")).await;
    let refusal = refusal.unwrap_err().to_string();
    assert!(
        refusal.contains("a viewer may not: it needs a operator"),
        "{refusal}"
    );
    let asks = AccessRequest {
        person: "9900000001".to_owned(),
        why: "curious".to_owned(),
        ..AccessRequest::default()
    };
    assert!(
        client::accesses(desk.as_("operator"), asks.clone())
            .await
            .is_err()
    );
    assert!(client::explain(desk.as_("viewer"), "m-1").await.is_err());
    let file = ReadFileRequest {
        case_id: "H99.14-261120-000002".to_owned(),
        number: 1,
        why: "curious".to_owned(),
        ..ReadFileRequest::default()
    };
    assert!(client::file(desk.as_("viewer"), file).await.is_err());
    let unknown = client::act(desk.as_("security-officer"), deed("9900000001")).await;
    assert!(unknown.is_err());
    let told: Vec<(String, String)> = desk
        .acts()
        .into_iter()
        .map(|act| (act.who, act.deed.target()))
        .collect();
    let row = |who: &str, what: &str| (format!("the {who}"), what.to_owned());
    assert_eq!(
        told,
        [
            row("viewer", "cancel"),
            row("operator", "access"),
            row("viewer", "explain"),
            row("viewer", "read-file"),
            row("security-officer", "unknown"),
        ]
    );
    client::accesses(desk.as_("security-officer"), asks)
        .await
        .unwrap();
    for who in ROLES {
        client::status(desk.as_(who)).await.unwrap();
    }
    assert!(desk.acts().is_empty(), "what is allowed is no refusal");
}

#[tokio::test]
async fn nobody_else_gets_in() {
    let desk = Desk::open().await;
    for who in ["nobody", "stranger"] {
        assert!(client::status(desk.as_(who)).await.is_err(), "{who}");
    }
    assert!(client::status(desk.address).await.is_err(), "without TLS");
    assert!(desk.acts().is_empty());
}

#[test]
fn every_call_of_the_contract_has_its_least_role() {
    let proto = include_str!("../../../../schemas/proto/admin/v1/admin.proto");
    let named: BTreeSet<&str> = NEEDED.iter().map(|(call, _)| *call).collect();
    assert_eq!(named.len(), NEEDED.len());
    let mut calls: BTreeSet<String> = proto
        .lines()
        .filter_map(|line| line.trim().strip_prefix("rpc "))
        .map(|rest| kebab(rest.split('(').next().unwrap()))
        .collect();
    assert!(calls.remove("act"), "each deed by itself");
    for call in calls {
        assert!(named.contains(call.as_str()), "{call}");
    }
}

fn kebab(name: &str) -> String {
    let mut out = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !out.is_empty() {
            out.push('-');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}
