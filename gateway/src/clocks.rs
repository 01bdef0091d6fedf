//! Watches the law's time for births and for requests of data subjects: half, nine tenths and all of it over, each told once in the log.
//!
//! The registry keeps what was told and counts, so that any number of replicas may look, before and after a
//! restart. A process that dies between the registry's word and its own log line loses that line, never the count.

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use gateway_core::partner::Partners;
use insurance::Insurance;
use schemas::{
    fault::Fault,
    proto::insurance::{ClockMark, Context, JudgeClocksRequest, JudgeClocksResponse, RequestMark},
};
use tokio::{sync::watch, time::Instant};

use crate::metrics::Metrics;

/// The watch on births and requests.
pub(crate) struct Clocks {
    /// The contract.
    pub(crate) insurance: Insurance,
    /// Who we are.
    pub(crate) partners: Arc<ArcSwap<Partners>>,
    /// Gauges.
    pub(crate) metrics: Arc<Metrics>,
}

impl Clocks {
    /// Watches until `stop` turns true.
    pub(crate) async fn run(self, mut stop: watch::Receiver<bool>) {
        loop {
            if let Err(fault) = self.round().await {
                tracing::warn!(%fault, "the law's time is not watched; tried again");
            }
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                () = tokio::time::sleep(EVERY) => {}
            }
        }
    }

    /// Tells whatever has passed since the last look, by whomever.
    ///
    /// # Errors
    /// Where the insurance database does not answer; nothing is told twice for it.
    pub(crate) async fn round(&self) -> Result<(), Fault> {
        loop {
            let judged = self.judge().await?;
            judged.marks.iter().for_each(tell);
            judged.requests.iter().for_each(tell_request);
            self.metrics.births_stand(&judged);
            self.metrics.requests_stand(&judged.request_times);
            if judged.marks.len().max(judged.requests.len()) < AT_ONCE as usize {
                return Ok(());
            }
        }
    }

    async fn judge(&self) -> Result<JudgeClocksResponse, Fault> {
        let context = Context {
            sender: self.partners.load().us().as_str().to_owned(),
            rule: "clock".to_owned(),
            purpose: "lawful-time".to_owned(),
            ..Context::default()
        };
        let request = JudgeClocksRequest {
            context: Some(context),
            max: AT_ONCE,
        };
        self.insurance
            .judge_clocks(Instant::now() + CALL_MAX, request)
            .await
    }
}

fn tell(mark: &ClockMark) {
    let ClockMark {
        sender,
        case_id: case,
        province,
        percent,
        due_at,
    } = mark;
    match percent {
        100.. => {
            tracing::error!(target: "lienthong::clock", event = "breach", case, sender, province, due_at, "the law's time for a birth is over");
        }
        _ => {
            tracing::warn!(target: "lienthong::clock", event = "warning", percent, case, sender, province, due_at, "the law's time for a birth runs out");
        }
    }
}

fn tell_request(mark: &RequestMark) {
    let RequestMark {
        dossier,
        clock,
        percent,
        due_at,
    } = mark;
    match percent {
        100.. => {
            tracing::error!(target: "lienthong::clock", event = "breach", dossier, clock, due_at, "the law's time for a request is over");
        }
        _ => {
            tracing::warn!(target: "lienthong::clock", event = "warning", percent, dossier, clock, due_at, "the law's time for a request runs out");
        }
    }
}

/// How often the clock is looked at.
const EVERY: Duration = Duration::from_secs(15);
const CALL_MAX: Duration = Duration::from_secs(8);
/// Marks in one answer.
const AT_ONCE: u32 = 500;

#[cfg(test)]
mod tests {
    use certs::digest::sha256;
    use gateway_core::partner::Environment;
    use insurance::{
        Params, Place, Registry,
        seed::{self, Landmarks, SeedParams},
    };
    use jiff::{SignedDuration, Timestamp};
    use schemas::{
        id::PartnerId,
        proto::insurance::{
            Child, CivilRecord, Guardian, Parent, RegisterBirthRequest, SubmitDossierRequest,
        },
    };
    use std::sync::Mutex;

    use super::*;

    /// A registry in which one birth waits for a person, and the watch on it.
    struct Scene {
        clocks: Clocks,
        time: Arc<Mutex<Timestamp>>,
        _folder: tempfile::TempDir,
    }

    async fn scene() -> Scene {
        let folder = tempfile::tempdir().unwrap();
        let start: Timestamp = "2026-11-23T02:00:00Z".parse().unwrap();
        let time = Arc::new(Mutex::new(start));
        let now = Arc::clone(&time);
        let place = Place::File(folder.path().join("registry.sqlite"));
        let registry = Registry::open(
            Params::synthetic_in(place),
            Arc::new(move || *now.lock().unwrap()),
        )
        .unwrap();
        let params = SeedParams {
            people: 50,
            employers: 10,
            seed: 7,
            as_of: jiff::civil::date(2026, 11, 23),
        };
        seed::run(&registry, params, &mut |_, _| ()).unwrap();
        let marks = seed::landmarks(&registry).unwrap();
        let insurance = Insurance::embedded(registry);
        for n in 1..3 {
            let request = birth(&marks, n);
            let by = Instant::now() + Duration::from_secs(20);
            insurance.register_birth(by, request).await.unwrap();
        }
        let by = Instant::now() + Duration::from_secs(20);
        insurance.submit_dossier(by, request(&marks)).await.unwrap();
        let us = PartnerId::parse("vss").unwrap();
        let partners = Partners::new(Environment::Sandbox, us, Vec::new()).unwrap();
        Scene {
            clocks: Clocks {
                insurance,
                partners: Arc::new(ArcSwap::from_pointee(partners)),
                metrics: Arc::new(Metrics::new()),
            },
            time,
            _folder: folder,
        }
    }

    /// Somebody asks who has looked; nobody takes it in.
    fn request(marks: &Landmarks) -> SubmitDossierRequest {
        let holder = &marks.card_holders[0];
        SubmitDossierRequest {
            context: Some(Context {
                key: sha256(b"request").to_vec(),
                sender: "portal".into(),
                ..Context::default()
            }),
            foreign_id: "DVC-1".into(),
            procedure: "9.000013".into(),
            applicant_name: holder.name.clone(),
            applicant_pin: holder.pin.clone(),
            applicant_birth_date: holder.birth_date.clone(),
            submitted_at: "2026-11-23T01:30:00Z".into(),
            form: format!(
                r#"{{"MaBHXH":"{}","LoaiYeuCau":"XEM","NoiDung":"Ai đã xem"}}"#,
                holder.si_number
            ),
            ..SubmitDossierRequest::default()
        }
    }

    /// The same child under another PIN each time.
    fn birth(marks: &Landmarks, n: u32) -> RegisterBirthRequest {
        let (place, mother) = (&marks.places[0], &marks.mothers[0]);
        RegisterBirthRequest {
            context: Some(Context {
                key: sha256(&n.to_be_bytes()).to_vec(),
                sender: "dvclt".into(),
                ..Context::default()
            }),
            case_id: format!("G22.99.08-261120-{n:06}"),
            received_at: "2026-11-23T01:30:00Z".into(),
            child: Some(Child {
                pin: format!("099226{:06}", marks.child_pin_serial_from + n),
                name: "Nguyễn Hoà An".into(),
                sex: 1,
                birth_date: "2026-11-15".into(),
                residence_commune: place.commune.clone(),
                ..Child::default()
            }),
            mother: Some(Parent {
                name: mother.name.clone(),
                birth_date: mother.birth_date.clone(),
                pin: mother.pin.clone(),
            }),
            guardian: Some(Guardian::default()),
            facility: place.facility.clone(),
            population: None,
            record: Some(CivilRecord {
                registered_on: "2026-11-20".into(),
                commune: place.commune.clone(),
                ..CivilRecord::default()
            }),
            ..RegisterBirthRequest::default()
        }
    }

    #[tokio::test]
    async fn a_breach_is_told_once_however_often_it_is_looked_at_and_by_whom() {
        let scene = scene().await;
        let told = |line: &str| {
            let text = scene.clocks.metrics.text();
            assert!(text.contains(line), "{line} is not in\n{text}");
        };
        scene.clocks.round().await.unwrap();
        told("lienthong_civil_births_open{stage=\"in-time\"} 1");
        told("lienthong_civil_births_breached 0");
        told("lienthong_data_requests_open{clock=\"acknowledge\",stage=\"in-time\"} 1");
        told("lienthong_data_requests_breached{clock=\"acknowledge\"} 0");
        *scene.time.lock().unwrap() += SignedDuration::from_hours(24 * 4);
        let judged = scene.clocks.judge().await.unwrap();
        let [mark] = judged.marks.as_slice() else {
            panic!("{:?}", judged.marks)
        };
        assert_eq!(mark.percent, 100);
        let [request] = judged.requests.as_slice() else {
            panic!("{:?}", judged.requests)
        };
        assert_eq!((&*request.clock, request.percent), ("acknowledge", 100));
        let other = Clocks {
            insurance: scene.clocks.insurance.clone(),
            partners: Arc::clone(&scene.clocks.partners),
            metrics: Arc::clone(&scene.clocks.metrics),
        };
        for clocks in [&scene.clocks, &other] {
            let again = clocks.judge().await.unwrap();
            assert!(again.marks.is_empty() && again.requests.is_empty());
            clocks.round().await.unwrap();
        }
        told("lienthong_civil_births_open{stage=\"in-time\"} 0");
        told("lienthong_civil_births_open{stage=\"late\"} 1");
        told("lienthong_civil_births_breached 1");
        told("lienthong_data_requests_open{clock=\"acknowledge\",stage=\"late\"} 1");
        told("lienthong_data_requests_open{clock=\"answer\",stage=\"in-time\"} 1");
        told("lienthong_data_requests_breached{clock=\"acknowledge\"} 1");
    }
}
