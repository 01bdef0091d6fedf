//! All partners' files as one consistent snapshot, or every reason why not.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use certs::keys::VerifyingKey;
use gateway_core::{
    Operation,
    adapter::ProofKind,
    dci::DciTerms,
    hub::HubTerms,
    login::LoginRule,
    partner::{
        Agreement, Environment, Grant, Partner, Partners, PeerId, Quota, Relay, SecurityServer,
        SenderKey, TokenRule,
    },
    trigger::TriggerTerms,
};
use roads::{
    client::{BadEndpoint, Endpoint},
    reach::{BadLocation, Location, Reach, Scheme},
};
use schemas::{codes::province_set::ProvinceSet, id::PartnerId};

use super::{
    Config, Delivery, Login, Problem, Secret, dci,
    hub::{self, HubAccess},
    keys, login,
    ngsp::{self, NgspAccess},
    officers,
    partner::{
        AgreementLine, DeliveryLine, KeyLine, OutwardWords, PartnerFile, QuestionForm, TokenLine,
    },
    payment::{self, PaymentAccess, PaymentLine},
    peers, promotion,
    read::{Outcome, Place, nearest, read_file},
    relays,
    stamp::Stamps,
    terms::Terms,
    triggers,
};

/// Everything that the partners' files say.
#[derive(Debug)]
pub struct Snapshot {
    /// The registrations.
    pub partners: Arc<Partners>,
    /// Where callbacks go, by partner.
    pub deliveries: BTreeMap<PartnerId, Delivery>,
    /// Where we subscribe to webhooks, by partner.
    pub webhooks: BTreeMap<PartnerId, HubAccess>,
    /// How long what each agreement permits is kept, by its number; of two with one number the longer.
    pub kept: Arc<BTreeMap<String, Duration>>,
    /// Which file each partner's registration stands in, with the lines of its keys.
    pub(crate) places: BTreeMap<PartnerId, Place>,
    /// What each file grants, where officers sign for it.
    pub(crate) sources: Vec<Source>,
    /// Every file that it depends on, to notice when one changes.
    pub(crate) stamps: Stamps,
}

/// One partner's file as terms that can be compared and signed.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    /// Whose.
    pub(crate) partner: PartnerId,
    /// Where it stands.
    pub(crate) place: Place,
    /// SHA-256 of the file.
    pub(crate) sha256: [u8; 32],
    /// What it grants.
    pub(crate) terms: Terms,
}

impl Snapshot {
    /// Reads every `*.toml` of the partners' folder; agreements may only name known operations.
    ///
    /// # Errors
    /// Every problem of every file.
    pub fn load(config: &Config, operations: &[&Operation]) -> Result<Self, Vec<Problem>> {
        Self::read(config, operations).map_err(|(problems, _)| problems)
    }

    /// The same; beside the problems it gives the files whose change may cure them, there or not.
    pub(super) fn read(
        config: &Config,
        operations: &[&Operation],
    ) -> Result<Self, (Vec<Problem>, Stamps)> {
        let mut loader = Loader::new(config, operations);
        let files = loader.files();
        let read: Vec<(PartnerFile, Place)> =
            files.iter().filter_map(|file| loader.read(file)).collect();
        let mut partners = Vec::new();
        let mut deliveries = BTreeMap::new();
        let mut webhooks = BTreeMap::new();
        let mut places = BTreeMap::new();
        let mut sources = Vec::new();
        let mut kept = BTreeMap::new();
        for (file, place) in read {
            for (number, time) in file.agreements.iter().filter_map(AgreementLine::kept) {
                let longest: &mut Duration = kept.entry(number).or_default();
                *longest = time.max(*longest);
            }
            sources.extend(loader.source(&file.id, &place));
            loader.environment(&file, &place);
            loader.promotion(&file, &place);
            if let Some(line) = &file.delivery {
                let payment = file.payment.as_ref();
                let delivery = loader.delivery(&file.id, (line, payment), &place);
                deliveries.extend(delivery.map(|(id, delivery)| {
                    // what is wrong with it is told when the partner is read
                    let core = file.opencrvs.as_ref();
                    let core = core.and_then(|line| triggers::access(line).ok().flatten());
                    (id, Delivery { core, ..delivery })
                }));
            }
            let access = loader.subscription(&file, &place);
            webhooks.extend(access.map(|access| (file.id.clone(), access)));
            places.insert(file.id.clone(), place.clone());
            partners.push(loader.partner(file, &place));
        }
        loader.problems.extend(relays::check(&partners, &places));
        let lane = super::population::has_its_lane(config, &deliveries);
        loader.problems.extend(lane);
        let partners = loader.together(partners);
        match partners {
            Some(partners) if loader.problems.is_empty() => Ok(Self {
                partners: Arc::new(partners),
                deliveries,
                webhooks,
                kept: Arc::new(kept),
                places,
                sources,
                stamps: loader.stamps,
            }),
            _ => Err((loader.problems, loader.stamps)),
        }
    }
}

struct Loader<'c> {
    config: &'c Config,
    operations: &'c [&'c Operation],
    problems: Vec<Problem>,
    stamps: Stamps,
    /// How many authorities partners' certificates may lead to.
    authorities: usize,
}

impl<'c> Loader<'c> {
    fn new(config: &'c Config, operations: &'c [&'c Operation]) -> Self {
        let mut stamps = Stamps::default();
        for file in &config.tls.anchors {
            stamps.note(file);
        }
        Self {
            config,
            operations,
            problems: Vec::new(),
            stamps,
            authorities: keys::authorities(config),
        }
    }

    /// The files in the order of their names.
    fn files(&mut self) -> Vec<PathBuf> {
        let folder = &self.config.partners;
        match partner_files(folder) {
            Ok(files) => files,
            Err(error) => {
                self.problems.push(self.config.place().error(
                    "partners",
                    format!("{}: {error}", folder.display()),
                    "name the folder that holds one TOML file per partner",
                ));
                Vec::new()
            }
        }
    }

    fn read(&mut self, file: &Path) -> Option<(PartnerFile, Place)> {
        self.stamps.note(file);
        let Outcome {
            value,
            place,
            problems,
        } = read_file(file);
        self.problems.extend(problems);
        Some((value?, place))
    }

    /// The terms of a file, and where their signatures may stand; none where nobody signs.
    fn source(&mut self, partner: &PartnerId, place: &Place) -> Option<Source> {
        if self.config.officers.is_empty() {
            return None;
        }
        for officer in &self.config.officers {
            let signature = officers::signature_file(&place.file, &officer.name);
            self.stamps.note(&signature);
            self.stamps.note(&officer.cert);
        }
        let source = Source::read(partner, place);
        source
            .map_err(|what| {
                let cure = "check the file and those that it names";
                self.problems.push(place.error("", what, cure));
            })
            .ok()
    }

    fn environment(&mut self, file: &PartnerFile, place: &Place) {
        let ours = self.config.environment;
        if file.environment != ours {
            self.problems.push(place.error(
                "environment",
                format!(
                    "registered for {}, but this gateway is {}",
                    file.environment.as_str(),
                    ours.as_str()
                ),
                "register the partner anew for this environment, with its keys of this environment",
            ));
        }
        if file.id == self.config.us {
            self.problems.push(place.error(
                "id",
                format!("`{}` is this gateway's own id", file.id),
                "give the partner another id",
            ));
        }
    }

    /// Production takes nobody who has not passed the conformance run, and no agreement with blanks.
    fn promotion(&mut self, file: &PartnerFile, place: &Place) {
        if let Some(line) = &file.conformance {
            self.stamps.note(&line.report);
        }
        let found = promotion::check(file, self.config.environment, place);
        self.problems.extend(found);
    }

    fn partner(&mut self, file: PartnerFile, place: &Place) -> Partner {
        let peers = self.peers(&file, place);
        let keys = self.keys(&file.keys, place);
        let token = file.token.as_ref().map(|line| self.token(line, place));
        let keyed = self
            .payment(file.payment.as_ref(), place)
            .map(|access| access.keyed);
        let dci = self.dci(&file, place);
        let hub = self.hub(&file, place);
        let triggers = self.triggers(&file, place);
        let login = self.md5_login(&file, place);
        let agreements = file.agreements.iter().enumerate();
        let agreements = agreements
            .map(|(index, line)| self.agreement(index, line, place))
            .collect();
        Partner {
            id: file.id,
            name: file.name,
            active: file.active,
            stopped: BTreeSet::new(),
            peers,
            relays: file
                .relays
                .into_iter()
                .map(|line| Relay {
                    road: line.road,
                    relay: line.relay,
                    client: line.client,
                })
                .collect(),
            keys,
            agreements,
            window: Duration::from_secs(file.window_seconds),
            peer_quota: Quota {
                per_minute: file.quota.per_minute,
                burst: file.quota.burst,
            },
            token: token.map(Arc::new),
            security_server: file.xroad.map(|line| SecurityServer {
                us: line.name,
                errors: line.errors,
            }),
            keyed,
            dci: dci.map(Arc::new),
            hub: hub.map(Arc::new),
            triggers: triggers.map(Arc::new),
            login,
        }
    }

    fn token(&mut self, line: &TokenLine, place: &Place) -> TokenRule {
        let mut note = |key: &str, what: String, cure: &str| {
            let path = format!("token.{key}");
            self.problems.push(place.error(&path, what, cure));
        };
        match Location::parse(&line.keys, Reach::private(line.private)) {
            Err(error) => note("keys", error.to_string(), "write https://host:port/path"),
            Ok(location) if location.scheme() != Scheme::Https => note(
                "keys",
                "key sets are fetched over TLS only".to_owned(),
                "write https://host:port/path",
            ),
            Ok(_) => {}
        }
        if let Err(error) = certs::tls::Anchors::from_file(&line.anchors) {
            let cure = "name the PEM file of the authority that issued the issuer's certificate";
            note("anchors", error.to_string(), cure);
        }
        if line.algorithms.is_empty() {
            note(
                "algorithms",
                "no algorithm: no token could hold".to_owned(),
                "such as [\"ES256\"]",
            );
        }
        if !line.bound && line.subject.is_none() {
            let what = "a token bound to nobody would let in whoever the issuer knows".to_owned();
            note(
                "subject",
                what,
                "say whose token it must be, or leave `bound` true",
            );
        }
        self.stamps.note(&line.anchors);
        TokenRule {
            issuer: line.issuer.clone(),
            audience: line.audience.clone(),
            subject: line.subject.clone(),
            algorithms: line.algorithms.clone(),
            is_bound: line.bound,
            keys: line.keys.clone(),
            anchors: line.anchors.clone(),
            is_private: line.private,
        }
    }

    fn peers(&mut self, file: &PartnerFile, place: &Place) -> Vec<PeerId> {
        let environment = self.config.environment;
        let mut read = Vec::new();
        for (index, text) in file.peers.iter().enumerate() {
            let problem = match peers::peer(text, environment, &file.id) {
                Some(peer) => {
                    let is_anybodys = self.authorities > 1 && matches!(peer, PeerId::Uri(_));
                    read.push(peer);
                    is_anybodys.then(|| self.anybodys())
                }
                None => Some((
                    "neither the URI of this partner here nor a pin".to_owned(),
                    peers::cure(environment, &file.id),
                )),
            };
            let path = format!("peers.{index}");
            self.problems
                .extend(problem.map(|(what, cure)| place.error(&path, what, cure)));
        }
        read
    }

    /// An authority of one partner must not be able to issue the name of another.
    fn anybodys(&self) -> (String, String) {
        let what = format!(
            "each of the {} authorities in `tls.anchors` could issue this URI to somebody else",
            self.authorities
        );
        let cure = "pin its key with \"spki:\" and 64 hex digits, or use one anchor";
        (what, cure.to_owned())
    }

    fn keys(&mut self, lines: &[KeyLine], place: &Place) -> Vec<Arc<SenderKey>> {
        let mut seen = BTreeSet::new();
        let mut keys = Vec::new();
        for (index, line) in lines.iter().enumerate() {
            if !seen.insert(&line.kid) {
                self.problems.push(place.error(
                    &format!("keys.{index}.kid"),
                    format!("the kid `{}` stands twice", line.kid),
                    "give each key its own kid",
                ));
            }
            keys.extend(self.key(index, line, place).map(Arc::new));
        }
        keys
    }

    fn key(&mut self, index: usize, line: &KeyLine, place: &Place) -> Option<SenderKey> {
        let path = format!("keys.{index}.cert");
        self.stamps.note(&line.cert);
        let read = fs::read(&line.cert)
            .map_err(|error| error.to_string())
            .and_then(|pem| {
                VerifyingKey::from_certificate_pem(&pem).map_err(|error| error.to_string())
            });
        let key = match read {
            Ok(key) => key,
            Err(error) => {
                let what = format!("{}: {error}", line.cert.display());
                let cure = "name a PEM certificate with a P-256, P-384, Ed25519 or RSA (2048 bits or more) key";
                self.problems.push(place.error(&path, what, cure));
                return None;
            }
        };
        if line.algorithm.key_kind() != key.kind() {
            self.problems.push(place.error(
                &format!("keys.{index}.algorithm"),
                format!("{} does not fit the certificate's key", line.algorithm),
                format!("use {}", key.kind().preferred()),
            ));
        }
        if self.config.environment == Environment::Production && keys::is_development(&line.cert) {
            self.problems.push(place.error(
                &path,
                "production refuses keys of the development authority",
                "register the partner's certificate of the state's authority",
            ));
        }
        Some(SenderKey {
            kid: line.kid.clone(),
            algorithm: line.algorithm,
            key,
        })
    }

    fn agreement(&mut self, index: usize, line: &AgreementLine, place: &Place) -> Agreement {
        if line.valid_to.is_some_and(|end| end < line.valid_from) {
            self.problems.push(place.error(
                &format!("agreements.{index}.valid_to"),
                "the agreement ends before it begins",
                "correct valid_from or valid_to",
            ));
        }
        let mut operations = BTreeMap::new();
        for (name, grant) in &line.operations.0 {
            let path = format!("agreements.{index}.operations.{name}");
            self.operation(&path, name, &grant.fields, place);
            self.proof(&path, name, line.attested, place);
            let grant = Grant {
                fields: grant.fields.iter().cloned().collect(),
                quota: Quota {
                    per_minute: grant.per_minute,
                    burst: grant.burst,
                },
                lines_max: grant.lines,
                provinces: self.provinces(&path, &grant.provinces, place),
            };
            operations.insert(name.clone(), grant);
        }
        Agreement {
            number: line.number.clone(),
            legal_basis: line.legal_basis.clone(),
            purposes: line.purposes.iter().cloned().collect(),
            operations,
            roads: line.roads.iter().copied().collect(),
            valid_from: line.valid_from,
            valid_to: line.valid_to,
            attested: line.attested,
        }
    }

    /// A province is two digits of a list that was ever in force.
    fn provinces(&mut self, path: &str, words: &[String], place: &Place) -> ProvinceSet {
        ProvinceSet::parse(words).unwrap_or_else(|| {
            self.problems.push(place.error(
                &format!("{path}.provinces"),
                "a province is two digits, and none stands twice",
                "write them as [\"01\", \"79\"]",
            ));
            ProvinceSet::of(&[])
        })
    }

    /// An agreement about an operation or a field that does not exist is a slip of the pen.
    fn operation(&mut self, path: &str, name: &str, fields: &[String], place: &Place) {
        let names: Vec<&str> = self.operations.iter().map(|known| known.name).collect();
        let Some(operation) = self.operations.iter().find(|known| known.name == name) else {
            let what = format!("there is no operation `{name}`");
            self.problems
                .push(place.error(path, what, one_of(name, &names)));
            return;
        };
        for (index, field) in fields.iter().enumerate() {
            if !operation.fields.contains(&field.as_str()) {
                self.problems.push(place.error(
                    &format!("{path}.fields.{index}"),
                    format!("`{name}` has no field `{field}`"),
                    one_of(field, operation.fields),
                ));
            }
        }
    }

    /// What has no signature of its sender's is granted by an agreement that takes the security server's word, or never.
    fn proof(&mut self, path: &str, name: &str, attested: bool, place: &Place) {
        let by_word =
            |known: &&Operation| known.name == name && known.proof == ProofKind::XRoadRelay;
        if !attested && self.operations.iter().copied().any(|known| by_word(&known)) {
            self.problems.push(place.error(
                path,
                format!("`{name}` has no proof but the word of the partner's security server"),
                "add attested = true to its agreement, or move it into one that has it",
            ));
        }
    }

    fn delivery(
        &mut self,
        partner: &PartnerId,
        (line, platform): (&DeliveryLine, Option<&PaymentLine>),
        place: &Place,
    ) -> Option<(PartnerId, Delivery)> {
        let endpoint = self.endpoint(line, place);
        self.stamps.note(&line.anchors);
        if let Err(error) = certs::tls::Anchors::from_file(&line.anchors) {
            let cure = "name the PEM file of the authority that issued the server's certificate";
            self.problems
                .push(place.error("delivery.anchors", error.to_string(), cure));
        }
        self.schedule(line, place);
        self.fits_its_words(line, place);
        let login = self.login(line, place)?;
        let ngsp = self.ngsp(line, place)?;
        // what is wrong with it was told when the partner was read
        let payment = platform.and_then(|line| payment::access(line).ok());
        if (line.words == OutwardWords::Payments) != platform.is_some() {
            let told = "a payment platform has a section [payment], and nobody else".to_owned();
            let cure = "write both words = \"payments\" and [payment], or neither";
            self.problems
                .push(place.error("delivery.words", told, cure));
            return None;
        }
        let delivery = Delivery {
            partner: partner.clone(),
            words: line.words,
            form: line.form,
            endpoint: endpoint?,
            anchors: line.anchors.clone(),
            destination: line.destination.clone(),
            xroad: line.xroad.clone(),
            ngsp,
            payment,
            core: None,
            login,
            batch: line.batch,
            timeout_ms: line.timeout_ms,
            per_minute: line.per_minute,
            concurrency: line.concurrency,
            breaker_failures: line.breaker_failures,
            breaker_seconds: line.breaker_seconds,
            reconcile: line.reconcile.clone(),
            notices: line.notices.clone(),
        };
        Some((partner.clone(), delivery))
    }

    fn endpoint(&mut self, line: &DeliveryLine, place: &Place) -> Option<Endpoint> {
        let read = Endpoint::parse(&line.uri, Reach::private(line.private));
        let cure = match read {
            Err(BadEndpoint::Location(BadLocation::Address(kind))) if kind.is_for_private() => {
                "where the partner really is there, add `private = true`"
            }
            _ => "write https://host:port/path",
        };
        read.inspect_err(|refused| {
            let told = place.error("delivery.uri", format!("callbacks: {refused}"), cure);
            self.problems.push(told);
        })
        .ok()
    }

    /// None where it is no payment platform, or a problem was told.
    fn payment(&mut self, line: Option<&PaymentLine>, place: &Place) -> Option<PaymentAccess> {
        let line = line?;
        if let Some(file) = &line.secret_file {
            self.stamps.note(file);
        }
        let read = payment::access(line);
        read.map_err(|(key, what, cure)| self.problems.push(place.error(key, what, cure)))
            .ok()
    }

    /// None where it has no such login, or a problem was told.
    fn md5_login(&mut self, file: &PartnerFile, place: &Place) -> Option<Arc<LoginRule>> {
        let line = file.md5_login.as_ref()?;
        self.stamps.note(&line.hash_file);
        let is_allowed = self.config.danger.md5_tokens_of.contains(&file.id);
        let read = login::rule(line, file, is_allowed);
        read.map_err(|(key, what, cure)| self.problems.push(place.error(key, what, cure)))
            .ok()
    }

    /// None where it does not speak DCI, or a problem was told.
    fn dci(&mut self, file: &PartnerFile, place: &Place) -> Option<DciTerms> {
        let way = file.delivery.as_ref();
        let is_called_back = way.is_some_and(|way| way.words == OutwardWords::Dci);
        if is_called_back && file.dci.is_none() {
            let told = "callbacks in DCI's words go to a partner with [dci]".to_owned();
            let cure = "add [dci], or write other words";
            self.problems
                .push(place.error("delivery.words", told, cure));
        }
        let line = file.dci.as_ref()?;
        if let Some(file) = &line.secret_file {
            self.stamps.note(file);
        }
        let read = dci::terms(line, &file.keys, is_called_back);
        read.map_err(|(key, what, cure)| self.problems.push(place.error(key, what, cure)))
            .ok()
    }

    /// None where we subscribe to none of its webhooks, or a problem was told.
    fn subscription(&mut self, file: &PartnerFile, place: &Place) -> Option<HubAccess> {
        let line = file.opencrvs.as_ref()?;
        if let Some(ours) = &line.subscribe {
            self.stamps.note(&ours.anchors);
            if let Some(file) = &ours.client_secret_file {
                self.stamps.note(file);
            }
        }
        let read = hub::access(line);
        read.map_err(|(key, what, cure)| self.problems.push(place.error(key, what, cure)))
            .ok()
            .flatten()
    }

    /// None where it tells by no webhooks, or a problem was told.
    fn hub(&mut self, file: &PartnerFile, place: &Place) -> Option<HubTerms> {
        let line = file.opencrvs.as_ref()?;
        if let Some(file) = &line.secret_file {
            self.stamps.note(file);
        }
        let read = hub::terms(line);
        read.map_err(|(key, what, cure)| self.problems.push(place.error(key, what, cure)))
            .ok()
            .flatten()
    }

    /// None where it asks by no triggers, or a problem was told.
    fn triggers(&mut self, file: &PartnerFile, place: &Place) -> Option<TriggerTerms> {
        let way = file.delivery.as_ref();
        let is_told = way.is_some_and(|way| way.words == OutwardWords::OpenCrvs);
        let asks = file
            .opencrvs
            .as_ref()
            .and_then(|line| line.triggers.as_ref());
        if is_told != asks.is_some() {
            let told = "whoever asks by triggers is told what became of them, and nobody else";
            let cure = "write both words = \"opencrvs\" and [opencrvs.triggers], or neither";
            self.problems
                .push(place.error("delivery.words", told.to_owned(), cure));
        }
        let (line, asks) = (file.opencrvs.as_ref()?, asks?);
        self.stamps.note(&asks.jwks);
        if let Some(file) = &asks.client_secret_file {
            self.stamps.note(file);
        }
        let read = triggers::access(line).and_then(|_| triggers::terms(line));
        read.map_err(|(key, what, cure)| self.problems.push(place.error(key, what, cure)))
            .ok()
            .flatten()
    }

    /// The outer `None` is a problem already told; the inner one a partner that is not behind the platform.
    fn ngsp(&mut self, line: &DeliveryLine, place: &Place) -> Option<Option<NgspAccess>> {
        let Some(behind) = &line.ngsp else {
            return Some(None);
        };
        if let Some(file) = &behind.secret_file {
            self.stamps.note(file);
        }
        let read = ngsp::access(behind, line.private);
        let read = read.map_err(|(key, what, cure)| {
            let key = format!("delivery.ngsp.{key}");
            self.problems.push(place.error(&key, what, cure));
        });
        read.ok().map(Some)
    }

    /// A session and an exchange are the portal's alone; the civil registry is not asked what it holds, and only a tax
    /// department is told of employers.
    fn fits_its_words(&mut self, line: &DeliveryLine, place: &Place) {
        let of_the_portal = [
            ("delivery.username", line.username.is_some()),
            ("delivery.xroad", line.xroad.is_some()),
        ];
        for (key, is_there) in of_the_portal {
            if is_there && line.words != OutwardWords::Portal {
                let told = format!("{} has no use for it", whom(line.words));
                let cure = "leave it out, or write words = \"portal\"";
                self.problems.push(place.error(key, told, cure));
            }
        }
        let holds_nothing = [
            OutwardWords::Civil,
            OutwardWords::Population,
            OutwardWords::Dci,
            OutwardWords::OpenCrvs,
        ]
        .contains(&line.words);
        if line.reconcile.is_some() && holds_nothing {
            let told = format!("{} is not asked what it holds", whom(line.words));
            let cure = "leave it out";
            self.problems
                .push(place.error("delivery.reconcile", told, cure));
        }
        if line.notices.is_some() && line.words != OutwardWords::Taxpayer {
            let told = format!("{} is not told of employers", whom(line.words));
            let cure = "leave it out, or write words = \"taxpayer\"";
            self.problems
                .push(place.error("delivery.notices", told, cure));
        }
        if line.form == QuestionForm::Json && line.words != OutwardWords::Taxpayer {
            let told = format!("{} has one form alone", whom(line.words));
            let cure = "leave it out, or write words = \"taxpayer\"";
            self.problems.push(place.error("delivery.form", told, cure));
        }
        if line.reconcile.is_some() && line.words == OutwardWords::Payments {
            let told = "a payment platform has no use for it".to_owned();
            let cure = "leave it out: [payment] says when it is asked";
            self.problems
                .push(place.error("delivery.reconcile", told, cure));
        }
        let direct_alone = match line.words {
            OutwardWords::Payments => Some("a payment platform is reached directly"),
            OutwardWords::Portal => Some("the portal is reached by its exchange or by X-Road"),
            OutwardWords::Dci => Some("whoever speaks DCI is reached directly"),
            OutwardWords::OpenCrvs => Some("the core of an OpenCRVS is reached directly"),
            OutwardWords::Taxpayer | OutwardWords::Civil | OutwardWords::Population => None,
        };
        if let (true, Some(told)) = (line.ngsp.is_some(), direct_alone) {
            let told = told.to_owned();
            let cure = "leave it out, or write words = \"taxpayer\", \"civil\" or \"population\"";
            self.problems.push(place.error("delivery.ngsp", told, cure));
        }
    }

    /// Windows that leave a time out would call what was lost in it told.
    fn schedule(&mut self, line: &DeliveryLine, place: &Place) {
        let short = line
            .reconcile
            .as_ref()
            .filter(|schedule| schedule.window_seconds < schedule.every_seconds);
        if let Some(schedule) = short {
            let (window, every) = (schedule.window_seconds, schedule.every_seconds);
            self.problems.push(place.error(
                "delivery.reconcile.window_seconds",
                format!(
                    "a window of {window} s every {every} s leaves times that nobody asks about"
                ),
                "make window_seconds at least every_seconds",
            ));
        }
    }

    /// The outer `None` is a problem already told; the inner one a partner without a login.
    fn login(&mut self, line: &DeliveryLine, place: &Place) -> Option<Option<Login>> {
        if let Some(file) = &line.password_file {
            self.stamps.note(file);
        }
        let (path, read) = match (&line.username, &line.password_file, &line.password_env) {
            (None, None, None) => return Some(None),
            (Some(_), Some(file), None) => ("delivery.password_file", first_line(file)),
            (Some(_), None, Some(name)) => (
                "delivery.password_env",
                std::env::var(name).map_err(|error| format!("{name}: {error}")),
            ),
            _ => (
                "delivery.username",
                Err("a login is a username and either password_file or password_env".to_owned()),
            ),
        };
        match (read, &line.username) {
            (Ok(password), Some(username)) => Some(Some(Login {
                username: username.clone(),
                password: Secret::new(password),
            })),
            (read, _) => {
                let what = read
                    .err()
                    .unwrap_or_else(|| "the login has no name".to_owned());
                let cure =
                    "put the password into a file with mode 0600, or into an environment variable";
                self.problems.push(place.error(path, what, cure));
                None
            }
        }
    }

    fn together(&mut self, partners: Vec<Partner>) -> Option<Partners> {
        let config = self.config;
        match Partners::new(config.environment, config.us.clone(), partners) {
            Ok(partners) => {
                let named = config.danger.sha1_signatures_of.iter().cloned().collect();
                Some(partners.danger_accepting_sha1_of(named))
            }
            Err(clash) => {
                self.problems.push(config.place().error(
                    "partners",
                    clash.to_string(),
                    "keep it in one of the two files",
                ));
                None
            }
        }
    }
}

impl Source {
    /// Reads a file's terms.
    pub(crate) fn read(partner: &PartnerId, place: &Place) -> Result<Self, String> {
        let text = fs::read_to_string(&place.file).map_err(|error| error.to_string())?;
        Ok(Self {
            partner: partner.clone(),
            place: place.clone(),
            sha256: certs::digest::sha256(text.as_bytes()),
            terms: Terms::of(&place.file, &text)?,
        })
    }
}

/// Who is spoken to in these words.
fn whom(words: OutwardWords) -> &'static str {
    match words {
        OutwardWords::Portal => "the portal",
        OutwardWords::Taxpayer => "a tax department",
        OutwardWords::Payments => "a payment platform",
        OutwardWords::Civil => "the civil registry",
        OutwardWords::Population => "the population database",
        OutwardWords::Dci => "whoever speaks DCI",
        OutwardWords::OpenCrvs => "the core of an OpenCRVS",
    }
}

/// The partners' files of a folder, in the order of their names.
pub(super) fn partner_files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)?
        .map(|entry| Ok(entry?.path()))
        .collect::<std::io::Result<_>>()?;
    files.retain(|file| file.extension().is_some_and(|ext| ext == "toml"));
    files.sort();
    Ok(files)
}

fn first_line(file: &Path) -> Result<String, String> {
    let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    match text.lines().next() {
        Some(line) if !line.is_empty() => Ok(line.to_owned()),
        _ => Err(format!("{}: the first line is empty", file.display())),
    }
}

fn one_of(word: &str, known: &[&str]) -> String {
    match nearest(word, known) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => "remove it; nothing can be named here".to_owned(),
        None => format!("use one of {}", known.join(", ")),
    }
}
