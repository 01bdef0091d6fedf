//! What both sides will send: chunks on disk, a manifest for each side and kind, and the keys that sign them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use certs::{
    digest,
    jws::{self, Direction, Header},
    keys::{Algorithm, SigningKey, VerifyingKey},
    pki::{self, Authority, IssueParams, Usage},
};
use gateway_core::ports::{Clock as _, SystemClock};
use schemas::{
    id::{MessageId, Period},
    wire::tax_records::{
        self as wire, CHUNK_BYTES_MAX, Form, Head, Kind, Party, RECORD_BYTES_MAX, Record,
    },
};
use tax::{
    country::Country,
    reconcile::{Announced, Manifest, Scope, Totals},
    unpack::Packing,
};

use super::Trouble;

/// Where everything lies, and who signs.
pub(super) struct Seeds {
    pub(super) dir: PathBuf,
    form: Form,
    keys: [(SigningKey, VerifyingKey); 2],
}

impl Seeds {
    /// Writes what is not there yet; a marker tells that all of it is.
    pub(super) fn plant(country: &Country, form: Form, dir: &Path) -> Result<Self, Trouble> {
        fs::create_dir_all(dir)?;
        let seeds = Self {
            dir: dir.to_owned(),
            form,
            keys: [key(dir, Party::Si)?, key(dir, Party::Tax)?],
        };
        let marker = dir.join("planted");
        if !marker.exists() {
            for party in [Party::Si, Party::Tax] {
                for kind in [Kind::Employer, Kind::Person] {
                    seeds.write(country, party, kind)?;
                }
            }
            fs::write(marker, "")?;
        }
        Ok(seeds)
    }

    pub(super) fn signing(&self, party: Party) -> &SigningKey {
        &self.keys[party as usize].0
    }

    pub(super) fn verifying(&self, party: Party) -> &VerifyingKey {
        &self.keys[party as usize].1
    }

    pub(super) fn manifest(&self, party: Party, kind: Kind) -> PathBuf {
        self.dir
            .join(format!("{}-{}.json", party.as_str(), kind.as_str()))
    }

    fn write(&self, country: &Country, party: Party, kind: Kind) -> Result<(), Trouble> {
        let mut writer = Chunks::new(self, party, kind, country.period());
        match kind {
            Kind::Employer => {
                for nth in 0..country.employers() {
                    for employer in country.employer(party, nth).into_iter().flatten() {
                        writer.push(&Record::Employer(employer))?;
                    }
                }
            }
            Kind::Person => {
                for nth in 0..country.people() {
                    for person in country.person(party, nth).into_iter().flatten() {
                        writer.push(&Record::Person(person))?;
                    }
                }
            }
        }
        let manifest = writer.finish()?;
        let text = manifest.text();
        let signature = jws::sign(
            &header(party, manifest.id.as_str(), "tax.reconcile"),
            self.signing(party),
            &text,
        )?;
        fs::write(self.manifest(party, kind), text)?;
        fs::write(self.manifest(party, kind).with_extension("jws"), signature)?;
        Ok(())
    }
}

/// The protected header of a manifest or page.
pub(super) fn header(from: Party, id: &str, operation: &str) -> Header {
    let name = |party| match party {
        Party::Si => "vss",
        Party::Tax => "tax",
    };
    Header {
        alg: Algorithm::Es256,
        kid: format!("{}-bench", name(from)),
        iss: name(from).to_owned(),
        aud: name(from.other()).to_owned(),
        jti: id.to_owned(),
        iat: SystemClock.now().as_second(),
        env: "sandbox".to_owned(),
        dir: Direction::Request,
        op: operation.to_owned(),
        irt: None,
        dig: None,
    }
}

/// The file of a chunk.
pub(super) fn file(dir: &Path, party: Party, kind: Kind, number: u32) -> PathBuf {
    dir.join(format!(
        "{}-{}-{number:05}.records",
        party.as_str(),
        kind.as_str()
    ))
}

fn key(dir: &Path, party: Party) -> Result<(SigningKey, VerifyingKey), Trouble> {
    let now = SystemClock.now();
    let authority = Authority::open_or_create(&dir.join("pki"), "sandbox", now)?;
    let [chain, private] =
        ["pem", "key"].map(|end| dir.join(format!("sign-{}.{end}", party.as_str())));
    let params = IssueParams::new("bench signing", Usage::Signing, now);
    pki::read_or_issue(&authority, &chain, &private, &params)?;
    Ok((
        SigningKey::from_pem(&fs::read(private)?, None)?,
        VerifyingKey::from_certificate_pem(&fs::read(chain)?)?,
    ))
}

/// Records into chunks of at most 16 MiB.
struct Chunks<'a> {
    dir: &'a Path,
    form: Form,
    head: Head,
    text: Vec<u8>,
    open: Totals,
    announced: Vec<Announced>,
    totals: Totals,
}

impl<'a> Chunks<'a> {
    fn new(seeds: &'a Seeds, party: Party, kind: Kind, period: Period) -> Self {
        Self {
            dir: &seeds.dir,
            form: seeds.form,
            head: Head {
                party,
                kind,
                period,
            },
            text: Vec::with_capacity(CHUNK_BYTES_MAX),
            open: Totals::default(),
            announced: Vec::new(),
            totals: Totals::default(),
        }
    }

    fn push(&mut self, record: &Record<'_>) -> Result<(), Trouble> {
        if self.text.is_empty() {
            wire::open(self.form, self.head, &mut self.text);
        }
        wire::write(self.form, self.head.party, record, &mut self.text);
        self.open.add(record);
        match self.text.len() + 2 * RECORD_BYTES_MAX > CHUNK_BYTES_MAX {
            true => self.close(),
            false => Ok(()),
        }
    }

    fn close(&mut self) -> Result<(), Trouble> {
        wire::close(self.form, &mut self.text);
        let number = u32::try_from(self.announced.len() + 1)?;
        fs::write(
            file(self.dir, self.head.party, self.head.kind, number),
            &self.text,
        )?;
        self.announced.push(Announced {
            digest: digest::sha256(&self.text),
            bytes: u64::try_from(self.text.len())?,
            totals: self.open,
        });
        self.totals.records += self.open.records;
        self.totals.amount += self.open.amount;
        self.open = Totals::default();
        self.text.clear();
        Ok(())
    }

    fn finish(mut self) -> Result<Manifest, Trouble> {
        if !self.text.is_empty() {
            self.close()?;
        }
        Ok(Manifest {
            id: MessageId::parse(&format!(
                "bench-{}-{}",
                self.head.party.as_str(),
                self.head.kind.as_str()
            ))?,
            party: self.head.party,
            kind: self.head.kind,
            period: self.head.period,
            scope: Scope::COUNTRY,
            form: self.form,
            packing: Packing::Plain,
            chunks: self.announced,
            totals: self.totals,
        })
    }
}
