//! A seeded registry with a clock that stands still, and a client of it.

use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use certs::digest::sha256;
use insurance::registry::Clock;
use insurance::registry::migrate;
use insurance::seed::{self, Landmarks, SeedParams};
use insurance::sql::Address;
use insurance::{Insurance, Params, Place, Registry};
use jiff::{SignedDuration, Timestamp};
use schemas::fault::{Fault, FaultCode};
use schemas::proto::insurance::{
    Child, CivilRecord, Context, FingerprintRequest, Guardian, Parent, RegisterBirthRequest,
    SubmitReissueRequest,
};
use tempfile::TempDir;
use tokio::time::Instant;

use crate::pg::Cluster;
use crate::remote;

pub struct Scene {
    pub insurance: Insurance,
    pub registry: Registry,
    pub marks: Landmarks,
    pub time: Time,
    pub place: Place,
    pub folder: TempDir,
}

impl Scene {
    pub fn embedded() -> Self {
        Self::of(300)
    }

    pub fn of(people: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::File(folder.path().join("registry.sqlite"));
        let scene = Self::in_place(place, folder, |registry| seed(registry, people));
        scene.unwrap()
    }

    /// A registry in a database of its own, seeded as the embedded one; none where PostgreSQL is missing.
    pub fn on_postgresql() -> Option<Self> {
        static MODEL: OnceLock<Option<String>> = OnceLock::new();
        let model = MODEL.get_or_init(|| Cluster::shared().map(|cluster| model(cluster, 300)));
        let place = copy(Cluster::shared()?, model.as_ref()?);
        let folder = tempfile::tempdir().unwrap();
        Self::in_place(place, folder, |_| ())
    }

    fn in_place(place: Place, folder: TempDir, fill: impl FnOnce(&Registry)) -> Option<Self> {
        let time = Time::new();
        let registry = open(&place, &time);
        fill(&registry);
        let marks = seed::landmarks(&registry).unwrap();
        Some(Self {
            insurance: Insurance::embedded(registry.clone()),
            registry,
            marks,
            time,
            place,
            folder,
        })
    }

    /// The same registry, after its process has ended.
    pub fn reopened(self) -> Self {
        let Self {
            registry,
            insurance,
            marks,
            time,
            place,
            folder,
        } = self;
        drop((registry, insurance));
        let registry = open(&place, &time);
        Self {
            insurance: Insurance::embedded(registry.clone()),
            registry,
            marks,
            time,
            place,
            folder,
        }
    }

    /// What the world does to the data beside the contract; `?` in the text is the parameter.
    pub fn change(&self, sql: &str, parameter: &str) {
        let text = sql.replace('?', &format!("'{parameter}'"));
        match &self.place {
            Place::File(path) => {
                let file = rusqlite::Connection::open(path).unwrap();
                file.busy_timeout(Duration::from_secs(5)).unwrap();
                assert!(file.execute(&text, []).unwrap() > 0);
            }
            Place::Server(address) => {
                let shown = address.shown();
                let database = shown.rsplit('/').next().unwrap();
                let text = format!("SET search_path = registry; {text} RETURNING 1");
                assert!(!Cluster::shared().unwrap().psql(database, &text).is_empty());
            }
        }
    }

    pub async fn over_tls() -> Self {
        let mut scene = Self::embedded();
        let far = remote::serve(scene.registry.clone()).await;
        scene.insurance = Insurance::remote(far.params()).unwrap();
        scene
    }

    pub async fn fingerprint(&self) -> Vec<u8> {
        self.insurance
            .fingerprint(soon(), FingerprintRequest {})
            .await
            .unwrap()
            .sha256
    }

    /// Proves a refusal: its code, reason and field, and that nothing was changed by it.
    pub async fn refuses<T: std::fmt::Debug>(
        &self,
        call: impl Future<Output = Result<T, Fault>>,
        code: FaultCode,
        reason: &str,
        field: &str,
    ) {
        let before = self.fingerprint().await;
        let fault = call.await.unwrap_err();
        assert_eq!(
            (fault.code(), fault.reason(), fault.wrong_field()),
            (code, reason, Some(field))
        );
        assert!(fault.is_final());
        assert_eq!(
            self.fingerprint().await,
            before,
            "{reason} changed something"
        );
    }

    /// A birth that nothing stands against; `n` tells children and cases apart.
    pub fn birth(&self, n: u32) -> RegisterBirthRequest {
        let place = &self.marks.places[0];
        // no mother has two children of one name on one day
        let mother = &self.marks.mothers[n as usize / 4 % self.marks.mothers.len()];
        RegisterBirthRequest {
            context: Some(context("dvclt", &format!("birth-{n}"))),
            case_id: format!("G22.99.08-261120-{n:06}"),
            received_at: "2026-11-23T01:30:00Z".into(),
            child: Some(Child {
                pin: format!("099226{:06}", self.marks.child_pin_serial_from + n),
                name: format!(
                    "Nguyễn Hoà {}",
                    ["An", "Bình", "Cường", "Đạt"][n as usize % 4]
                ),
                sex: 1,
                birth_date: "2026-11-15".into(),
                ethnicity: "01".into(),
                nationality: "VN".into(),
                residence_commune: place.commune.clone(),
                residence_detail: "Thôn 1".into(),
                declaration_kind: 1,
            }),
            mother: Some(Parent {
                name: mother.name.clone(),
                birth_date: mother.birth_date.clone(),
                pin: mother.pin.clone(),
            }),
            father: None,
            guardian: Some(Guardian {
                name: mother.name.clone(),
                relation: "mother".into(),
                phone: "0900000000".into(),
            }),
            facility: place.facility.clone(),
            population: None,
            record: Some(CivilRecord {
                number: n.to_string(),
                book: "01/2026".into(),
                page: "12".into(),
                registered_on: "2026-11-20".into(),
                commune: place.commune.clone(),
            }),
            ..RegisterBirthRequest::default()
        }
    }

    /// An application to reissue the card of the first holder; `n` tells dossiers apart.
    pub fn reissue(&self, n: u32) -> SubmitReissueRequest {
        let holder = &self.marks.card_holders[0];
        SubmitReissueRequest {
            context: Some(context("portal", &format!("dossier-{n}"))),
            foreign_id: format!("NPSP-{n:08}"),
            procedure: "9.000001".into(),
            card_or_si_number: holder.card_number.clone(),
            applicant_name: holder.name.clone(),
            applicant_pin: holder.pin.clone(),
            applicant_birth_date: holder.birth_date.clone(),
            reason: 1,
            phone: "0900000000".into(),
            email: "a@example.vn".into(),
            submitted_at: "2026-11-23T01:50:00Z".into(),
            applicant_si_number: String::new(),
        }
    }
}

/// A clock that stands at Monday 2026-11-23 09:00 in Viet Nam until it is moved.
#[derive(Clone)]
pub struct Time(Arc<Mutex<Timestamp>>);

impl Time {
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(
            "2026-11-23T02:00:00Z".parse().unwrap(),
        )))
    }

    pub fn pass(&self, seconds: i64) {
        let mut now = self.0.lock().unwrap();
        *now += SignedDuration::from_secs(seconds);
    }

    /// From now on it stands at this instant.
    pub fn at(&self, instant: &str) {
        *self.0.lock().unwrap() = instant.parse().unwrap();
    }

    pub fn clock(&self) -> Clock {
        let time = self.clone();
        Arc::new(move || *time.0.lock().unwrap())
    }
}

/// Opens a registry, again and again if need be.
pub fn open(place: &Place, time: &Time) -> Registry {
    Registry::open(Params::synthetic_in(place.clone()), time.clock()).unwrap()
}

pub fn seed(registry: &Registry, people: usize) {
    let params = SeedParams {
        people,
        employers: 40,
        seed: 7,
        as_of: jiff::civil::date(2026, 11, 23),
    };
    seed::run(registry, params, &mut |_, _| ()).unwrap();
}

/// An empty database with the newest schema.
pub fn migrated(cluster: &Cluster) -> Place {
    let place = Place::Server(Address::parse(&cluster.database()).unwrap());
    migrate(&place, None).unwrap();
    place
}

/// The name of a seeded database that others are copied from.
fn model(cluster: &Cluster, people: usize) -> String {
    let place = migrated(cluster);
    let registry = open(&place, &Time::new());
    seed(&registry, people);
    name_of(&place)
}

pub fn name_of(place: &Place) -> String {
    match place {
        Place::Server(address) => address.shown().rsplit('/').next().unwrap().to_owned(),
        Place::File(path) => path.display().to_string(),
    }
}

/// A database that is a copy of another, as it stands; whoever still is in the other is sent away.
pub fn copy(cluster: &Cluster, of: &str) -> Place {
    static COPYING: Mutex<u32> = Mutex::new(0);
    let mut copies = COPYING.lock().unwrap();
    *copies += 1;
    let name = format!("copy{copies}");
    let away =
        format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{of}'");
    cluster.psql("postgres", &away);
    for _ in 0..100 {
        let there = format!("SELECT count(*) FROM pg_stat_activity WHERE datname = '{of}'");
        if cluster.psql("postgres", &there) == "0" {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    cluster.psql("postgres", &format!("CREATE DATABASE {name} TEMPLATE {of}"));
    Place::Server(Address::parse(&cluster.url(&name)).unwrap())
}

pub fn context(sender: &str, id: &str) -> Context {
    Context {
        key: sha256(format!("{sender}/{id}").as_bytes()).to_vec(),
        sender: sender.into(),
        rule: "AG-1".into(),
        purpose: "test".into(),
        ..Context::default()
    }
}

pub fn soon() -> Instant {
    Instant::now() + Duration::from_secs(20)
}
