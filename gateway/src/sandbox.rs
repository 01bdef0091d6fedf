//! Everything on one machine: a development authority, a seeded registry, the gateway, one simulated
//! agency per system over real sockets, and a flow of each played through all of it.

pub mod authority;
pub mod files;
pub mod layout;
mod table;

use std::{path::PathBuf, sync::Arc};

use certs::pki::KeyChoice;
use conformance::{
    dvclt::Registry as CivilRegistry,
    flow::FlowReport,
    hospital::Hospital,
    portal::{Portal, Serving},
    tax::Department,
    taxpayer::Register,
};
use gateway_core::ports::{Clock, SystemClock};
use indicatif::{ProgressBar, ProgressStyle};
use insurance::seed::Landmarks;
use tokio::net::TcpListener;

use crate::{
    config::Config,
    gateway::{Gateway, StartError},
    wiring,
};
use files::Settings;
use layout::{AGENCIES, HOSPITAL, Layout, LayoutError};

/// What `lienthong sandbox` was asked for.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder.
    pub dir: PathBuf,
    /// Port of the gateway; 0 for any.
    pub port: u16,
    /// Port of the admin listener; 0 for any.
    pub admin_port: u16,
    /// Synthetic people in a new registry.
    pub people: u32,
    /// Leave after the flows.
    pub once: bool,
    /// One JSON line per flow instead of the table.
    pub json: bool,
}

/// Why the sandbox could not run.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// Its folder could not be made ready.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// The gateway could not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// A simulated agency could not start.
    #[error("the simulated agency {0}: {1}")]
    Agency(&'static str, String),
    /// Facts about the seeded people could not be read or written.
    #[error("landmarks: {0}")]
    Landmarks(String),
}

/// How often a simulated office takes the next step of a dossier, milliseconds.
const STEP_MILLIS: u64 = 100;
/// The seed of the synthetic people.
const SEED: u64 = 20_261_122;

/// Runs the sandbox; true where every flow succeeded.
///
/// # Errors
/// [`SandboxError`]; a flow that fails is not one.
pub async fn run(options: Options) -> Result<bool, SandboxError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let layout = Layout::new(&options.dir);
    layout.make(clock.now(), KeyChoice::P256)?;
    let desk = authority::Desk::open(&layout, clock.now()).await?;
    // The portal's agency and the tax department are called as well: their places are taken before the gateway is told.
    let (listener, port) = place("portal").await?;
    let (asked, asked_port) = place("tax").await?;
    layout.write_config(&Settings {
        port: options.port,
        admin_port: options.admin_port,
        people: options.people,
        seed: SEED,
        portal: format!("https://localhost:{port}"),
        department: Some(format!(
            "https://localhost:{asked_port}{}",
            conformance::taxpayer::PATH
        )),
        algorithm: "ES256",
        step_millis: STEP_MILLIS,
        time_stamps: desk.time_stamps(),
    })?;
    let config = load(&layout)?;
    let landmarks = seed(&config, &clock, &layout, options.json).await?;
    let gateway = Gateway::start_with(config, clock).await?;
    let address = format!("https://localhost:{}", gateway.address().port());
    layout.write_identities(&address)?;
    let agencies = Agencies::open(&layout, listener, asked)?;
    let reports = agencies.play().await;
    table::print(&reports, options.json);
    let all = reports.iter().all(FlowReport::is_ok);
    if !options.once {
        table::invite(&layout, &gateway, &address, &reports, &landmarks);
        println!("\n{}", desk.told());
        crate::signals::stop().await;
    }
    gateway.drain().await;
    agencies.served.stop().await;
    agencies.asked.stop().await;
    desk.close().await;
    Ok(all)
}

/// One simulated agency per system, each with its own folder, keys and memory.
struct Agencies {
    tax: Department,
    civil: CivilRegistry,
    hospital: Hospital,
    portal: Arc<Portal>,
    served: Serving,
    /// The tax department as the one that is asked.
    asked: Serving,
}

impl Agencies {
    fn open(
        layout: &Layout,
        listener: TcpListener,
        asked: TcpListener,
    ) -> Result<Self, SandboxError> {
        let of = |name: &'static str| {
            move |error: conformance::call::Trouble| SandboxError::Agency(name, error.to_string())
        };
        let portal = Portal::open(&layout.agency("portal"), None).map_err(of("portal"))?;
        let register = Register::open(&layout.agency("tax")).map_err(of("tax"))?;
        register.learn_landmarks().map_err(of("tax"))?;
        Ok(Self {
            asked: register.serve(asked).map_err(of("tax"))?,
            tax: Department::open(&layout.agency("tax"), None).map_err(of("tax"))?,
            civil: CivilRegistry::open(&layout.agency("dvclt"), None).map_err(of("dvclt"))?,
            hospital: Hospital::open(&layout.agency(HOSPITAL), None).map_err(of("hospital"))?,
            served: portal.serve(listener).map_err(of("portal"))?,
            portal,
        })
    }

    /// The flows, each by its own agency.
    async fn play(&self) -> Vec<FlowReport> {
        vec![
            self.tax.play().await,
            self.civil.play().await,
            self.hospital.play().await,
            self.portal.play().await,
        ]
    }
}

/// A free place of this machine, and its port.
async fn place(agency: &'static str) -> Result<(TcpListener, u16), SandboxError> {
    let failed = |error: std::io::Error| SandboxError::Agency(agency, error.to_string());
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(failed)?;
    let port = listener.local_addr().map_err(failed)?.port();
    Ok((listener, port))
}

fn load(layout: &Layout) -> Result<Config, SandboxError> {
    Config::load(&layout.config()).map_err(|problems| StartError::Config(problems).into())
}

/// Seeds a new registry behind a progress bar, and tells the agencies whom they may speak about.
async fn seed(
    config: &Config,
    clock: &Arc<dyn Clock>,
    layout: &Layout,
    quiet: bool,
) -> Result<Landmarks, SandboxError> {
    let registry = wiring::open_registry(config, clock)?;
    let bar = if quiet {
        ProgressBar::hidden()
    } else {
        ProgressBar::no_length()
    };
    let style = "seeding synthetic people {bar:30} {pos}/{len} {elapsed}";
    if let Ok(style) = ProgressStyle::with_template(style) {
        bar.set_style(style);
    }
    let shown = bar.clone();
    wiring::seed_with(config, clock, &registry, move |done, total| {
        shown.set_length(total);
        shown.set_position(done);
    })
    .await?;
    bar.finish_and_clear();
    let read = tokio::task::spawn_blocking(move || insurance::seed::landmarks(&registry));
    let landmarks = match read.await {
        Ok(Ok(landmarks)) => landmarks,
        Ok(Err(error)) => return Err(SandboxError::Landmarks(error.to_string())),
        Err(error) => return Err(SandboxError::Landmarks(error.to_string())),
    };
    write_landmarks(layout, &landmarks)?;
    Ok(landmarks)
}

/// The agencies import nothing of ours: they read what they may speak about from a file.
fn write_landmarks(layout: &Layout, landmarks: &Landmarks) -> Result<(), SandboxError> {
    let people = |marks: &[insurance::seed::PersonMark]| -> Vec<serde_json::Value> {
        marks
            .iter()
            .map(|person| {
                serde_json::json!({
                    "name": person.name,
                    "pin": person.pin,
                    "birth_date": person.birth_date,
                    "si_number": person.si_number,
                    "card": person.card_number,
                    "commune": person.commune,
                })
            })
            .collect()
    };
    let text = serde_json::json!({
        "employers": [{ "mst": landmarks.employer.mst }],
        "employer_incomplete": landmarks.employer_incomplete.as_ref().map(|e| &e.mst),
        "unregistered_mst": landmarks.unregistered_mst,
        "employer_in_arrears": landmarks.employer_in_arrears.as_ref().map(|e| &e.mst),
        "branch": landmarks.branch.as_ref().map(|e| &e.mst),
        "household": landmarks.household.as_ref().map(|e| &e.mst),
        "ambiguous_mst": landmarks.ambiguous_mst,
        "period": landmarks.period,
        "mothers": people(&landmarks.mothers),
        "communes": landmarks.places.iter().map(|place| serde_json::json!({
            "code": place.commune, "province": place.province, "facility": place.facility,
        })).collect::<Vec<_>>(),
        "facilities": landmarks.places.iter().map(|place| &place.facility).collect::<Vec<_>>(),
        "holders": people(&landmarks.card_holders),
        "child_pin_serial_from": landmarks.child_pin_serial_from,
    })
    .to_string();
    for agency in AGENCIES {
        certs::pki::write_private(&layout.agency(agency).join("landmarks.json"), &text)
            .map_err(LayoutError::from)?;
    }
    Ok(())
}
