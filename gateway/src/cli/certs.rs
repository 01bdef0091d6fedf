//! `lienthong certs`: a development authority at work, and every certificate in words.
//!
//! Production keys come from the state's authorities: there only `csr`, `inspect` and `check` have a use.

use std::{
    fs,
    net::IpAddr,
    path::{Path, PathBuf},
    process::ExitCode,
};

use ::certs::{
    pki::{self, IssueParams, KeyChoice, Office, Usage},
    tls::{Identity, PeerCertificate},
};
use clap::{Args, Subcommand, ValueEnum};
use gateway_core::ports::{Clock as _, SystemClock};

use super::{ConfigFile, Ended};
use crate::{config::Config, ends};

#[derive(Debug, Subcommand)]
pub(super) enum Certs {
    /// A development authority: root, issuing authority, time-stamps, OCSP, revocation list.
    Init(Folder),
    /// A new key, and a request that an authority makes a certificate of.
    Csr(Csr),
    /// A certificate of the development authority, for a request or with a new key.
    Issue(Issue),
    /// What stands in a certificate file: names, use, validity, pin.
    Inspect(Inspect),
    /// The next certificate with the same names and a new key, in the place of the old one.
    Renew(Renew),
    /// Takes a certificate back and publishes the list that says so.
    Revoke(Revoke),
    /// When every certificate of a config ends; fails where one ends within 7 days.
    Check(ConfigFile),
    /// The authority's time-stamps, OCSP and list over HTTP on this machine, by the openssl command.
    #[cfg(feature = "sandbox")]
    Serve(Serve),
}

#[derive(Debug, Args)]
pub(super) struct Folder {
    /// The authority's folder.
    #[arg(long, default_value = "pki")]
    dir: PathBuf,
    /// The environment in the authority's name.
    #[arg(long, default_value = "test")]
    environment: String,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    P256,
    Rsa2048,
    Ed25519,
}

#[derive(Debug, Args)]
struct Names {
    /// Common name.
    #[arg(long)]
    name: String,
    /// URI of the holder, such as urn:lienthong:test:partner:tax.
    #[arg(long)]
    uri: Option<String>,
    /// DNS name; may be given again.
    #[arg(long)]
    dns: Vec<String>,
    /// Address; may be given again.
    #[arg(long)]
    ip: Vec<IpAddr>,
    /// Kind of key.
    #[arg(long, value_enum, default_value = "p256")]
    kind: Kind,
}

#[derive(Debug, Args)]
pub(super) struct Csr {
    #[command(flatten)]
    names: Names,
    /// Where the request goes.
    #[arg(long)]
    out: PathBuf,
    /// Where the private key goes, mode 0600; it must not be there yet.
    #[arg(long)]
    key: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct Issue {
    #[command(flatten)]
    folder: Folder,
    #[command(flatten)]
    names: Names,
    /// client, server, both, signing, time-stamps or ocsp.
    #[arg(long, value_parser = usage)]
    usage: Usage,
    /// Days of validity.
    #[arg(long, default_value_t = 398, value_parser = clap::value_parser!(i64).range(1..=1_825))]
    days: i64,
    /// The request (PKCS#10, PEM): its names and key are taken.
    #[arg(long)]
    csr: Option<PathBuf>,
    /// Where the chain goes.
    #[arg(long)]
    out: PathBuf,
    /// Where the private key goes where no request is given; it must not be there yet.
    #[arg(long, required_unless_present = "csr")]
    key: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct Inspect {
    /// Certificates, PEM.
    file: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct Renew {
    #[command(flatten)]
    folder: Folder,
    /// The chain to renew; the new one takes its place.
    #[arg(long)]
    cert: PathBuf,
    /// Its key; the new one takes its place.
    #[arg(long)]
    key: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct Revoke {
    #[command(flatten)]
    folder: Folder,
    /// The certificate.
    #[arg(long, conflicts_with = "serial", required_unless_present = "serial")]
    cert: Option<PathBuf>,
    /// Its serial number, hex.
    #[arg(long)]
    serial: Option<String>,
}

#[cfg(feature = "sandbox")]
#[derive(Debug, Args)]
pub(super) struct Serve {
    #[command(flatten)]
    folder: Folder,
    /// Port on 127.0.0.1; 0 takes any free one.
    #[arg(long, default_value_t = 8480)]
    port: u16,
}

impl Certs {
    pub(super) fn run(self) -> Ended {
        match self {
            Self::Init(folder) => init(&folder),
            Self::Csr(arguments) => arguments.run(),
            Self::Issue(arguments) => arguments.run(),
            Self::Inspect(arguments) => inspect(&arguments.file),
            Self::Renew(arguments) => arguments.run(),
            Self::Revoke(arguments) => arguments.run(),
            Self::Check(file) => check(&file.config),
            #[cfg(feature = "sandbox")]
            Self::Serve(arguments) => super::on_runtime(arguments.run()),
        }
    }
}

impl Folder {
    fn open(&self) -> Result<Office, pki::PkiError> {
        Office::open_or_create(&self.dir, &self.environment, SystemClock.now())
    }
}

impl Names {
    fn params(&self, usage: Usage) -> IssueParams {
        IssueParams {
            san_uri: self.uri.clone(),
            dns: self.dns.clone(),
            ips: self.ip.clone(),
            key: match self.kind {
                Kind::P256 => KeyChoice::P256,
                Kind::Rsa2048 => KeyChoice::Rsa2048,
                Kind::Ed25519 => KeyChoice::Ed25519,
            },
            ..IssueParams::new(&self.name, usage, SystemClock.now())
        }
    }
}

fn usage(word: &str) -> Result<Usage, String> {
    Usage::parse(word)
        .ok_or_else(|| "use client, server, both, signing, time-stamps or ocsp".to_owned())
}

fn init(folder: &Folder) -> Ended {
    folder.open()?.make_services(SystemClock.now())?;
    println!("root.pem      what relying parties trust");
    println!("issuing.pem   what signs certificates and issuing.crl");
    println!(
        "tsa.pem       time-stamps; ocsp.pem: answers about revocation; `lienthong certs serve` runs both"
    );
    println!(
        "written to {}: for development only, production refuses it",
        folder.dir.display()
    );
    Ok(ExitCode::SUCCESS)
}

/// A key that is there belongs to somebody.
fn refuse_existing(key: &Path) -> Result<(), String> {
    match key.exists() {
        true => Err(format!(
            "{} is there: name another file, or use `certs renew`",
            key.display()
        )),
        false => Ok(()),
    }
}

impl Csr {
    fn run(self) -> Ended {
        refuse_existing(&self.key)?;
        let (request, key) = pki::request(&self.names.params(Usage::Client))?;
        pki::write_private(&self.key, &key)?;
        pki::write_public(&self.out, &request)?;
        println!(
            "{}: send it to the authority; {} stays here",
            self.out.display(),
            self.key.display()
        );
        Ok(ExitCode::SUCCESS)
    }
}

impl Issue {
    fn run(self) -> Ended {
        let mut office = self.folder.open()?;
        let now = SystemClock.now();
        let params = IssueParams {
            not_after: now + jiff::SignedDuration::from_hours(self.days * 24),
            ..self.names.params(self.usage)
        };
        let issued = match (&self.csr, &self.key) {
            (Some(request), _) => office.sign_request(&fs::read_to_string(request)?, &params)?,
            (None, Some(key)) => {
                refuse_existing(key)?;
                let issued = office.issue(&params)?;
                pki::write_private(key, &issued.key_pem)?;
                issued
            }
            (None, None) => return Err("--key is missing".into()),
        };
        pki::write_public(&self.out, &issued.chain_pem)?;
        inspect(&self.out)
    }
}

fn inspect(file: &Path) -> Ended {
    match pki::describe(&fs::read(file)?) {
        Some(text) => {
            print!("{text}");
            Ok(ExitCode::SUCCESS)
        }
        None => Err(format!("{}: no certificate in PEM", file.display()).into()),
    }
}

impl Renew {
    fn run(self) -> Ended {
        let mut office = self.folder.open()?;
        let params = IssueParams::renewing(&fs::read(&self.cert)?, SystemClock.now())?;
        let issued = office.issue(&params)?;
        Identity::from_pem(issued.chain_pem.as_bytes(), issued.key_pem.as_bytes())?;
        // a gateway that looks between the two finds that they do not belong together, and waits
        pki::write_private(&self.key, &issued.key_pem)?;
        pki::write_public(&self.cert, &issued.chain_pem)?;
        println!(
            "a running gateway takes it up within `reload_seconds`; revoke the old one when it has\n"
        );
        inspect(&self.cert)
    }
}

impl Revoke {
    fn run(self) -> Ended {
        let mut office = self.folder.open()?;
        let serial = match (&self.cert, &self.serial) {
            (Some(file), _) => serial_of(file)?,
            (None, Some(serial)) => hex::decode(serial.trim())?,
            (None, None) => return Err("--cert or --serial is missing".into()),
        };
        office.revoke(&serial, SystemClock.now())?;
        println!("{}: revoked; issuing.crl says so", hex::encode(&serial));
        Ok(ExitCode::SUCCESS)
    }
}

fn serial_of(file: &Path) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
    let key = ::certs::keys::VerifyingKey::from_certificate_pem(&fs::read(file)?)?;
    let leaf = key.certificate_der().ok_or("no certificate")?;
    Ok(hex::decode(PeerCertificate::from_der(leaf)?.serial_hex)?)
}

/// What ends first stands first.
fn check(file: &Path) -> Ended {
    let config = Config::load(file).map_err(|problems| {
        let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
        told.join("\n")
    })?;
    let snapshot = crate::config::Snapshot::load(&config, &crate::wiring::operations()).map_err(
        |problems| {
            problems
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("\n")
        },
    )?;
    let mut all: Vec<_> = ends::of_all(&config, &snapshot.partners)
        .into_iter()
        .collect();
    all.sort_by_key(|(_, end)| *end);
    let now = SystemClock.now();
    let mut is_urgent = false;
    for (place, end) in all {
        let near = ends::Nearness::of(end, now);
        is_urgent |= near >= Some(ends::Nearness::Week);
        let days = end.duration_since(now).as_hours() / 24;
        println!(
            "{place:<40} {end}  {days:>5} days  {}",
            near.map_or("", ends::Nearness::words)
        );
    }
    Ok(if is_urgent {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

#[cfg(feature = "sandbox")]
impl Serve {
    async fn run(self) -> Ended {
        use conformance::authority::{LIST_PATH, OCSP_PATH, Services, TSA_PATH};
        self.folder.open()?.make_services(SystemClock.now())?;
        let services = Services::open(&self.folder.dir)?;
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", self.port)).await?;
        let served = services.serve(listener)?;
        for (name, path) in [
            ("time-stamps", TSA_PATH),
            ("ocsp", OCSP_PATH),
            ("list", LIST_PATH),
        ] {
            println!("{name:<12}{}", served.url(path));
        }
        crate::signals::stop().await;
        served.stop().await;
        Ok(ExitCode::SUCCESS)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::super::Cli;
    use super::*;

    fn run(words: &str) -> Result<ExitCode, String> {
        let words = std::iter::once("lienthong").chain(words.split(' '));
        let cli = Cli::try_parse_from(words).map_err(|error| error.to_string())?;
        cli.command.run().map_err(|error| error.to_string())
    }

    #[test]
    fn a_key_is_made_certified_renewed_and_revoked_by_commands() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).display().to_string();
        let dir = format!("--dir {}", at("pki"));
        run(&format!("certs init {dir}")).unwrap();
        let names = "--name tax --uri urn:lienthong:test:partner:tax --dns localhost";
        let (request, key, chain) = (at("tax.csr"), at("tax.key"), at("tax.pem"));
        run(&format!("certs csr {names} --out {request} --key {key}")).unwrap();
        let twice = run(&format!("certs csr {names} --out {request} --key {key}")).unwrap_err();
        assert!(twice.contains("is there"), "{twice}");
        run(&format!(
            "certs issue {dir} {names} --usage both --csr {request} --out {chain}"
        ))
        .unwrap();
        Identity::from_files(Path::new(&chain), Path::new(&key)).unwrap();
        let first = serial_of(Path::new(&chain)).unwrap();
        run(&format!("certs inspect {chain}")).unwrap();
        run(&format!("certs renew {dir} --cert {chain} --key {key}")).unwrap();
        Identity::from_files(Path::new(&chain), Path::new(&key)).unwrap();
        assert_ne!(serial_of(Path::new(&chain)).unwrap(), first);
        run(&format!(
            "certs revoke {dir} --serial {}",
            hex::encode(&first)
        ))
        .unwrap();
        run(&format!("certs revoke {dir} --cert {chain}")).unwrap();
        assert!(run(&format!("certs revoke {dir} --cert {chain}")).is_err());
        let office = Folder {
            dir: at("pki").into(),
            environment: "test".to_owned(),
        }
        .open()
        .unwrap();
        assert!(
            office
                .register()
                .entries()
                .iter()
                .all(|entry| entry.revoked_at.is_some())
        );
        assert!(run(&format!("certs inspect {request}")).is_err());
        assert!(
            run(&format!(
                "certs issue {dir} {names} --usage any --out x --key y"
            ))
            .is_err()
        );
    }
}
