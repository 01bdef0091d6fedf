//! One side at work: the other's manifest and chunks, its own records, the join, signed pages.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use certs::{digest, jws, keys::Algorithm, seal::Vault};
use schemas::wire::tax_records::{Kind, Party};
use tax::{
    compare::Disclosed,
    country::Country,
    reconcile::{Agreed, Folder, Manifest, Reconciliation, Scope, Terms},
    unpack::Bounds,
};

use super::{
    Trouble,
    registry::Registry,
    seed::{self, Seeds},
};
use crate::bulk::Covered;

/// Signed pages of one kind, in order.
pub(super) struct Pages {
    pub(super) kind: Kind,
    pub(super) files: Vec<PathBuf>,
}

/// One side.
pub(super) struct Side<'a> {
    us: Party,
    country: &'a Country,
    seeds: &'a Seeds,
    registry: Option<&'a Registry>,
    dir: PathBuf,
}

impl<'a> Side<'a> {
    pub(super) fn new(
        us: Party,
        country: &'a Country,
        seeds: &'a Seeds,
        registry: Option<&'a Registry>,
        dir: &Path,
    ) -> Self {
        Self {
            us,
            country,
            seeds,
            registry: registry.filter(|_| us == Party::Si),
            dir: dir.join(us.as_str()),
        }
    }

    /// Employers, then persons.
    pub(super) fn run(&self) -> Result<[Pages; 2], Trouble> {
        Ok([
            self.reconcile(Kind::Employer)?,
            self.reconcile(Kind::Person)?,
        ])
    }

    fn reconcile(&self, kind: Kind) -> Result<Pages, Trouble> {
        let mut reconciliation = self.open(kind)?;
        let theirs = self.manifest(self.us.other(), kind)?;
        self.accept(&mut reconciliation, &theirs)?;
        match self.registry {
            Some(registry) => registry.give(kind, &mut reconciliation)?,
            None => self.accept(&mut reconciliation, &self.manifest(self.us, kind)?)?,
        }
        reconciliation.join(|_| true)?;
        self.sign(&reconciliation, kind)
    }

    fn open(&self, kind: Kind) -> Result<Reconciliation<Covered>, Trouble> {
        let dir = self.dir.join(kind.as_str());
        fs::create_dir_all(&dir)?;
        let vault = Vault::open_or_create(&dir.join("run.key"))?;
        let terms = Terms {
            us: self.us,
            kind,
            period: self.country.period(),
            rules: self.country.rules().clone(),
            disclosed: Disclosed::ALL,
            page_findings: PAGE_FINDINGS,
            checkpoint_every: CHECKPOINT_EVERY,
            records_max: u64::MAX,
            runs_max: 256,
        };
        let folder = Folder::open(dir.join("work"), Covered(Arc::new(vault)))?;
        Ok(Reconciliation::open(folder, terms)?)
    }

    /// Reads a manifest whose signature holds.
    fn manifest(&self, party: Party, kind: Kind) -> Result<Manifest, Trouble> {
        let file = self.seeds.manifest(party, kind);
        let (text, signature) = (
            fs::read(&file)?,
            fs::read_to_string(file.with_extension("jws"))?,
        );
        jws::parse(&signature)?.verify(self.seeds.verifying(party), Algorithm::Es256, &text)?;
        let agreed = Agreed {
            party,
            scope: Scope::COUNTRY,
            records_max: u64::MAX,
            running: self.country.period().next().ok_or("no month follows")?,
        };
        Ok(Manifest::parse(&text, &agreed)?)
    }

    fn accept(
        &self,
        reconciliation: &mut Reconciliation<Covered>,
        manifest: &Manifest,
    ) -> Result<(), Trouble> {
        let taken = reconciliation.chunks(manifest.party);
        for number in (1..)
            .take(manifest.chunks.len())
            .filter(|number| !taken.contains(number))
        {
            let bytes = fs::read(seed::file(
                &self.seeds.dir,
                manifest.party,
                manifest.kind,
                number,
            ))?;
            let digest = digest::sha256(&bytes);
            reconciliation.accept(manifest, number, &digest, &bytes, Bounds::default())?;
        }
        Ok(())
    }

    fn sign(&self, reconciliation: &Reconciliation<Covered>, kind: Kind) -> Result<Pages, Trouble> {
        let dir = self.dir.join(kind.as_str()).join("pages");
        fs::create_dir_all(&dir)?;
        let mut files = Vec::new();
        for number in 1..=reconciliation.pages() {
            let page = reconciliation.page(number)?;
            let header = seed::header(self.us, &format!("page-{number:06}"), "tax.reconcile-page");
            let file = dir.join(format!("{number:06}.ndjson"));
            fs::write(
                file.with_extension("jws"),
                jws::sign(&header, self.seeds.signing(self.us), &page)?,
            )?;
            fs::write(&file, page)?;
            files.push(file);
        }
        Ok(Pages { kind, files })
    }
}

const PAGE_FINDINGS: u64 = 10_000;
const CHECKPOINT_EVERY: u64 = 1_000_000;
