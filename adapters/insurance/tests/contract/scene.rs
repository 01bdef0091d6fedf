//! A seeded registry with a clock that stands still, and a client of it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use certs::digest::sha256;
use insurance::registry::Clock;
use insurance::seed::{self, Landmarks, SeedParams};
use insurance::{Insurance, Params, Registry};
use jiff::{SignedDuration, Timestamp};
use schemas::fault::{Fault, FaultCode};
use schemas::proto::insurance::{
    Child, CivilRecord, Context, FingerprintRequest, Guardian, Parent, RegisterBirthRequest,
    SubmitReissueRequest,
};
use tempfile::TempDir;
use tokio::time::Instant;

use crate::remote;

pub struct Scene {
    pub insurance: Insurance,
    pub registry: Registry,
    pub marks: Landmarks,
    pub time: Time,
    pub folder: TempDir,
}

impl Scene {
    pub fn embedded() -> Self {
        Self::of(300)
    }

    pub fn of(people: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let time = Time::new();
        let registry = open(&folder, &time);
        let params = SeedParams {
            people,
            employers: 40,
            seed: 7,
            as_of: jiff::civil::date(2026, 11, 23),
        };
        seed::run(&registry, params, &mut |_, _| ()).unwrap();
        let marks = seed::landmarks(&registry).unwrap();
        Self {
            insurance: Insurance::embedded(registry.clone()),
            registry,
            marks,
            time,
            folder,
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
        let mother = &self.marks.mothers[0];
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
        }
    }
}

/// A clock that stands at Monday 2026-11-23 09:00 in Viet Nam until it is moved.
#[derive(Clone)]
pub struct Time(Arc<Mutex<Timestamp>>);

impl Time {
    fn new() -> Self {
        Self(Arc::new(Mutex::new(
            "2026-11-23T02:00:00Z".parse().unwrap(),
        )))
    }

    pub fn pass(&self, seconds: i64) {
        let mut now = self.0.lock().unwrap();
        *now += SignedDuration::from_secs(seconds);
    }

    fn clock(&self) -> Clock {
        let time = self.clone();
        Arc::new(move || *time.0.lock().unwrap())
    }
}

/// Opens the registry of a folder, again and again if need be.
pub fn open(folder: &TempDir, time: &Time) -> Registry {
    Registry::open(
        Params::synthetic(folder.path().join("registry.sqlite")),
        time.clock(),
    )
    .unwrap()
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
