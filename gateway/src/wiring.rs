//! Where the packages meet: the insurance contract behind the adapters' small traits, the adapters
//! in the stack, the workers and what they need.

mod asking;
mod caller;
mod confirm;
mod desk;
mod registry;
mod watching;

use std::{collections::BTreeSet, future::Future, pin::Pin, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use certs::tls::Alpn;
use civil::{Civil, population};
use dci::Dci;
use gateway_core::{
    Evidence, Operation,
    bulk::{Bulk, NoBulk},
    files::Files,
    limits::Tally,
    outbound::Courier,
    partner::{Partners, Quota},
    policy,
    ports::{Clock, Notes, Office, Orders, Outbox, Parcel, PullBook, Receipts},
    sign::Signer,
    stage::{Gate, Parts, today},
};
use hospital::{Here, Hospital};
use insurance::Insurance;
use opencrvs::{
    OpenCrvs,
    trigger::{self, Triggers, outbound as confirming},
};
use portal::{
    Portal,
    payment::{PaymentPlatform, desk as payment_desk},
    soap::PortalSoap,
};
use roads::{
    client::{Client, ClientConfig, ClientLimits},
    direct::Direct,
    fetch::{FetchLimits, Fetcher},
    reach::Location,
    vdxp::{self, Vdxp, VdxpConfig},
    xroad::Consumer,
};
use schemas::{
    id::PartnerId,
    proto::insurance::{self as contract, change::What},
};
use tax::{Tax, TaxJson, taxpayer};
use tokio::sync::watch;

use crate::{
    bulk::{Bulks, Job, Post, SentJob},
    clocks::Clocks,
    config::{Config, Delivery, HubAccess, OutwardWords, QuestionForm},
    deliver::{self, Lane, LaneParts},
    feed::{Feed, ToParcels},
    follow::Follower,
    gateway::StartError,
    metrics::Metrics,
    papers::Papers,
    payments::{PaymentOrders, PaymentWatch},
    population::Population,
    pull::Puller,
    reconcile::Reconcile,
    revocation::Keeper,
    stack::{Stack, stack},
    subscriptions::Subscriptions,
    webhooks::{Pending, Subscriber},
};
pub use registry::{Contract, open_registry, registry_place, seed_if_new, seed_with};

pub(crate) use caller::Caller;
use caller::{through_the_platform, way};
use desk::Desk;
use watching::{Watch, Watched};

/// Every operation that agreements can name, inwards and outwards.
#[must_use]
pub fn operations() -> Vec<&'static Operation> {
    vec![
        &tax::VERIFY_EMPLOYER,
        &tax::VERIFY_INDIVIDUAL,
        &tax::VERIFY_MANY,
        &tax::CHANGE_NOTICE,
        &tax::LOOK_UP_NOTICES,
        &tax::RESEND_NOTICES,
        &tax::DISPUTE,
        &tax::RECONCILE,
        &tax::RECONCILE_CHUNK,
        &tax::RECONCILE_RESULT,
        &tax::PING,
        &tax::taxpayer::VERIFY_EMPLOYER,
        &tax::taxpayer::VERIFY_INDIVIDUAL,
        &tax::taxpayer::VERIFY_MANY,
        &tax::taxpayer::CHANGE_NOTICE,
        &tax::taxpayer::PERSON_NOTICE,
        &tax::taxpayer::LOOK_UP_NOTICES,
        &tax::taxpayer::RESEND_NOTICES,
        &tax::taxpayer::REQUEST_MONTH,
        &tax::taxpayer::RECONCILE,
        &tax::taxpayer::RECONCILE_RESULT,
        &civil::BIRTH,
        &civil::DEATH,
        &civil::CORRECTION,
        &civil::RESULT,
        &civil::FACTS,
        &civil::outbound::STATUS,
        &civil::population::VERIFY,
        &hospital::BIRTH_NOTICE,
        &hospital::DEATH_NOTICE,
        &hospital::PACKET,
        &dci::NOTIFY,
        &dci::SEARCH,
        &dci::SEARCH_ASYNC,
        &dci::TXN_STATUS,
        &dci::TXN_STATUS_ASYNC,
        &dci::SUBSCRIBE,
        &dci::UNSUBSCRIBE,
        &dci::FOLLOW,
        &dci::PULL,
        &opencrvs::BIRTH,
        &opencrvs::DEATH,
        &trigger::TRIGGER_BIRTH,
        &trigger::TRIGGER_DEATH,
        &trigger::TRIGGER_OTHER,
        &trigger::CONFIRM,
        &portal::SUBMIT,
        &portal::SUPPLEMENT,
        &portal::WITHDRAW,
        &portal::ANNOUNCE,
        &portal::UPLOAD,
        &portal::STATUS,
        &portal::outbound::SYNC,
        &portal::outbound::PROGRESS,
        &portal::outbound::LOOK_UP,
        &portal::outbound::CITIZEN_NOTICE,
        &portal::payment::NOTICE,
        &portal::payment::desk::INIT,
        &portal::payment::desk::QUERY,
        &portal::payment::desk::GET_BILL,
        &portal::payment::desk::STATEMENT,
    ]
}

/// One stack per system, all alike.
pub(crate) fn stacks(
    contract: &Insurance,
    call_timeout: Duration,
    (book, receipts): (&Arc<dyn PullBook>, &Arc<dyn Receipts>),
    notes: &Arc<dyn Notes>,
    (bulks, papers, population): (Option<Bulks>, Option<Papers>, Option<Population>),
    parts: &Parts,
    gate: &Arc<Gate>,
) -> Vec<Stack> {
    let desk = Arc::new(Desk {
        insurance: contract.clone(),
        timeout: call_timeout,
        bulks,
        book: Arc::clone(book),
        clock: Arc::clone(&parts.clock),
        population,
    });
    let partners = parts.partners.load();
    let here = Here {
        us: partners.us().clone(),
        environment: partners.environment(),
    };
    let files = papers
        .clone()
        .map(|papers| Arc::new(papers) as Arc<dyn Files>);
    let [portal, portal_soap] = portal_stacks(Arc::<Desk>::clone(&desk), papers, parts, gate);
    vec![
        stack(Tax::new(Arc::<Desk>::clone(&desk)), parts, gate),
        stack(TaxJson::new(Arc::<Desk>::clone(&desk)), parts, gate),
        stack(Civil::new(Arc::<Desk>::clone(&desk), files), parts, gate),
        stack(Hospital::new(Arc::<Desk>::clone(&desk), here), parts, gate),
        stack(
            Dci::new(
                Arc::<Desk>::clone(&desk),
                (Arc::clone(receipts), Arc::clone(notes)),
                Arc::clone(&parts.clock),
            ),
            parts,
            gate,
        ),
        stack(OpenCrvs::new(Arc::<Desk>::clone(&desk)), parts, gate),
        stack(Triggers::new(Arc::<Desk>::clone(&desk)), parts, gate),
        portal,
        portal_soap,
        stack(PaymentPlatform::new(desk, secrets(parts)), parts, gate),
    ]
}

/// The portal's upload parts go to the place of its papers, and not to that of months. Its words in JSON and in SOAP.
fn portal_stacks(
    desk: Arc<Desk>,
    papers: Option<Papers>,
    parts: &Parts,
    gate: &Arc<Gate>,
) -> [Stack; 2] {
    let (bulk, papers): (Arc<dyn Bulk>, Arc<dyn portal::papers::Papers>) = match papers {
        Some(papers) => (Arc::new(papers.clone()), Arc::new(papers)),
        None => (Arc::new(NoBulk), Arc::new(portal::papers::NoFiles)),
    };
    let parts = Parts {
        bulk,
        ..parts.clone()
    };
    let portal = Portal::new(desk, papers);
    [
        stack(portal.clone(), &parts, gate),
        stack(PortalSoap::new(portal), &parts, gate),
    ]
}

/// The secrets of payment platforms, as they are registered when they are looked for.
fn secrets(parts: &Parts) -> portal::payment::Secrets {
    let partners = Arc::clone(&parts.partners);
    Arc::new(move |partner| partners.load().get(partner)?.keyed.clone())
}

/// A background worker, to be spawned.
pub(crate) type Worker = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What every worker needs.
pub(crate) struct Hands<'a> {
    pub(crate) config: &'a Config,
    pub(crate) contract: &'a Contract,
    pub(crate) partners: &'a Arc<ArcSwap<Partners>>,
    pub(crate) signer: &'a Arc<ArcSwap<Signer>>,
    pub(crate) outbox: &'a Arc<dyn Outbox>,
    pub(crate) book: &'a Arc<dyn PullBook>,
    pub(crate) parcels: &'a Arc<dyn Office>,
    pub(crate) receipts: Arc<dyn Receipts>,
    pub(crate) notes: &'a Arc<dyn Notes>,
    pub(crate) orders: &'a watch::Receiver<Orders>,
    pub(crate) clock: &'a Arc<dyn Clock>,
    pub(crate) metrics: &'a Arc<Metrics>,
    pub(crate) keeper: &'a Keeper,
    pub(crate) tally: Option<Arc<dyn Tally>>,
    pub(crate) bulks: Option<Bulks>,
    pub(crate) pending: &'a Pending,
    pub(crate) population: Option<Population>,
    pub(crate) call_timeout: Duration,
    pub(crate) stop: &'a watch::Receiver<bool>,
}

impl Hands<'_> {
    /// The change feed, the watch on the law's time, the embedded registry's office, and one lane per partner with a desk; beside
    /// them the connections that they make.
    pub(crate) fn workers<'d>(
        &self,
        deliveries: impl Iterator<Item = &'d Delivery> + Clone,
    ) -> Result<(Vec<Worker>, Vec<Caller>), StartError> {
        let told = deliveries
            .clone()
            .filter(|one| one.words == OutwardWords::Civil);
        let told = told.map(|one| one.partner.clone()).collect();
        let portals = deliveries.clone();
        let portals = portals.filter(|one| one.words == OutwardWords::Portal);
        let portals = portals.map(|one| one.partner.clone()).collect();
        let mut workers = vec![self.feed(told, portals), self.clocks()];
        workers.extend(self.office());
        if let Some(bulks) = &self.bulks {
            workers.push(Box::pin(Job(bulks.clone()).run(self.stop.clone())));
            let post = Post {
                outbox: Arc::clone(self.outbox),
                receipts: Arc::clone(&self.receipts),
                office: Arc::clone(self.parcels),
            };
            workers.push(Box::pin(
                SentJob(bulks.clone(), post).run(self.stop.clone()),
            ));
        }
        let mut callers: Vec<Caller> = self.contract.caller.iter().cloned().collect();
        for delivery in deliveries {
            let alpn = vec![Alpn::Http1];
            let caller = Caller::new(self.config, &delivery.anchors, alpn, self.keeper)?;
            let (subscriptions, sweep) = Subscriptions::new(
                self.contract.client.clone(),
                delivery.partner.clone(),
                Arc::clone(self.parcels),
            );
            let lane = self.lane(delivery, &caller, subscriptions)?;
            workers.push(Box::pin(lane.run(self.stop.clone())));
            if delivery.words == OutwardWords::Dci {
                workers.push(Box::pin(sweep.run(self.stop.clone())));
                workers.push(self.follower(delivery));
                workers.push(self.puller(delivery));
            }
            callers.push(caller);
            workers.extend(self.reconcile(delivery));
            workers.extend(self.watch(delivery));
            workers.extend(self.payments(delivery));
        }
        Ok((workers, callers))
    }

    /// Looks after our subscriptions at one OpenCRVS.
    pub(crate) fn webhooks(
        &self,
        partner: &PartnerId,
        access: &HubAccess,
    ) -> Result<(Worker, Caller), StartError> {
        let alpn = vec![Alpn::Http1];
        let caller = Caller::new(self.config, &access.anchors, alpn, self.keeper)?;
        let fetcher = |location: &Location| {
            let tls = Some(caller.connector.clone());
            Fetcher::new(location.clone(), tls, FetchLimits::default())
                .map_err(|error| StartError::Key(access.anchors.clone(), error.to_string()))
        };
        let subscriber = Subscriber {
            partner: partner.clone(),
            login: fetcher(&access.login)?,
            webhooks: fetcher(&access.webhooks)?,
            callback: access.callback.clone(),
            client: access.client.clone(),
            client_secret: access.client_secret.clone(),
            secret: access.secret.clone(),
            every: Duration::from_secs(access.every_seconds),
            pending: self.pending.clone(),
        };
        Ok((Box::pin(subscriber.run(self.stop.clone())), caller))
    }

    /// `told`: the partners that are told of their cases unasked; `portals`: those that hear of persons in a portal's words.
    fn feed(&self, told: BTreeSet<PartnerId>, portals: BTreeSet<PartnerId>) -> Worker {
        let feed = Feed {
            changes: Arc::new(self.contract.client.clone()),
            outbox: Arc::clone(self.outbox),
            // one of its own per process: a replica must not acknowledge what another has leased
            owner: format!("gateway-{}", Evidence::fresh()),
            metrics: Arc::clone(self.metrics),
            idle: Duration::from_millis(self.config.delivery.poll_ms),
            words: vec![
                Box::new(dossier_words),
                citizen_words(portals),
                Box::new(employer_words),
                vital_words(Arc::clone(self.partners)),
                case_words(told),
            ],
        };
        Box::pin(feed.run(self.stop.clone()))
    }

    /// The watch on the law's time.
    fn clocks(&self) -> Worker {
        let clocks = Clocks {
            insurance: self.contract.client.clone(),
            partners: Arc::clone(self.partners),
            metrics: Arc::clone(self.metrics),
        };
        Box::pin(clocks.run(self.stop.clone()))
    }

    /// The simulated office that moves dossiers by rule, where the registry is embedded.
    fn office(&self) -> Option<Worker> {
        let registry = self.contract.registry.clone()?;
        let every = Duration::from_millis(self.config.insurance.step_millis);
        let mut stop = self.stop.clone();
        (!every.is_zero()).then(|| -> Worker {
            Box::pin(async move {
                let stopped = async move {
                    let _ = stop.wait_for(|stop| *stop).await;
                };
                registry.run_steps(every, stopped).await;
            })
        })
    }

    /// What a department or a portal is told of unasked is said once at the start.
    fn watch(&self, delivery: &Delivery) -> Option<Worker> {
        let fields = |operation, purpose| self.agreed_fields(delivery, operation, purpose);
        let watched = match delivery.words {
            OutwardWords::Taxpayer => Watched::Employers {
                step: delivery.notices.clone(),
                person_fields: fields(&taxpayer::PERSON_NOTICE, taxpayer::PURPOSE),
            },
            OutwardWords::Portal => {
                Watched::Persons(fields(&portal::outbound::CITIZEN_NOTICE, portal::PURPOSE))
            }
            _ => return None,
        };
        let watch = Watch {
            insurance: self.contract.client.clone(),
            partner: delivery.partner.clone(),
            watched,
        };
        Some(Box::pin(watch.run(self.stop.clone())))
    }

    /// What the agreement in force lets a partner be told by an operation, as its lane will ask it.
    fn agreed_fields(
        &self,
        delivery: &Delivery,
        operation: &'static Operation,
        purpose: &str,
    ) -> Vec<String> {
        let partners = self.partners.load();
        let Some(partner) = partners.get(&delivery.partner) else {
            return Vec::new();
        };
        let permit = policy::decide(&policy::Question {
            partner,
            road: crate::gateway::road(delivery),
            proof: operation.proof,
            operation,
            purpose,
            asked: &operation.fields.iter().copied().collect(),
            lines: 1,
            provinces: None,
            on: today(self.clock.now()),
        });
        let fields = permit.map(|permit| {
            permit
                .disclosed()
                .iter()
                .map(|&field| field.to_owned())
                .collect()
        });
        fields.unwrap_or_default()
    }

    /// What we subscribe to at a registry, and no longer do.
    fn follower(&self, delivery: &Delivery) -> Worker {
        let follower = Follower {
            partner: delivery.partner.clone(),
            partners: Arc::clone(self.partners),
            notes: Arc::clone(self.notes),
            outbox: Arc::clone(self.outbox),
            receipts: Arc::clone(&self.receipts),
            clock: Arc::clone(self.clock),
            idle: Duration::from_millis(self.config.delivery.poll_ms.saturating_mul(10))
                .clamp(FOLLOWED_EVERY.0, FOLLOWED_EVERY.1),
        };
        Box::pin(follower.run(self.stop.clone()))
    }

    /// What a registry told and never came.
    fn puller(&self, delivery: &Delivery) -> Worker {
        let poll = Duration::from_millis(self.config.delivery.poll_ms);
        let puller = Puller {
            partner: delivery.partner.clone(),
            partners: Arc::clone(self.partners),
            notes: Arc::clone(self.notes),
            outbox: Arc::clone(self.outbox),
            receipts: Arc::clone(&self.receipts),
            registrar: Arc::new(Desk {
                insurance: self.contract.client.clone(),
                timeout: self.call_timeout,
                bulks: None,
                book: Arc::clone(self.book),
                clock: Arc::clone(self.clock),
                population: self.population.clone(),
            }),
            insurance: self.contract.client.clone(),
            metrics: Arc::clone(self.metrics),
            clock: Arc::clone(self.clock),
            timeout: self.call_timeout,
            idle: (
                poll.max(PULLED_EVERY_MIN),
                poll.saturating_mul(10)
                    .clamp(FOLLOWED_EVERY.0, FOLLOWED_EVERY.1),
            ),
        };
        Box::pin(puller.run(self.stop.clone()))
    }

    /// Where the partner's file has a schedule for it.
    fn reconcile(&self, delivery: &Delivery) -> Option<Worker> {
        let reconcile = Reconcile {
            partner: delivery.partner.clone(),
            schedule: delivery.reconcile.clone()?,
            words: match delivery.words {
                OutwardWords::Portal => Arc::new(portal::outbound::Reconciler),
                OutwardWords::Taxpayer => Arc::new(taxpayer::Reconciler),
                // by its statements, which its own worker asks for
                OutwardWords::Payments => return None,
                OutwardWords::Civil
                | OutwardWords::Population
                | OutwardWords::Dci
                | OutwardWords::OpenCrvs => return None,
            },
            book: Arc::clone(self.book),
            clock: Arc::clone(self.clock),
            metrics: Arc::clone(self.metrics),
        };
        Some(Box::pin(reconcile.run(self.stop.clone())))
    }

    /// Where the partner is a payment platform.
    fn payments(&self, delivery: &Delivery) -> Option<Worker> {
        let access = delivery.payment.as_ref()?;
        let watch = PaymentWatch {
            partner: delivery.partner.clone(),
            insurance: self.contract.client.clone(),
            outbox: Arc::clone(self.outbox),
            receipts: Arc::clone(&self.receipts),
            partners: Arc::clone(self.partners),
            clock: Arc::clone(self.clock),
            payee: access.payee.clone(),
            query_seconds: access.query_seconds,
            statement: access.statement,
            idle: Duration::from_millis(self.config.delivery.poll_ms.max(100)),
        };
        Some(Box::pin(watch.run(self.stop.clone())))
    }

    fn lane(
        &self,
        delivery: &Delivery,
        caller: &Caller,
        subscriptions: Arc<Subscriptions>,
    ) -> Result<Lane, StartError> {
        let client = Client::new(ClientConfig {
            endpoint: delivery.endpoint.clone(),
            tls: caller.connector.clone(),
            limits: ClientLimits {
                call_deadline: Duration::from_millis(delivery.timeout_ms),
                connections_max: delivery.concurrency,
                answer_bytes_max: match delivery.words {
                    OutwardWords::Taxpayer => taxpayer::ANSWER_BYTES_MAX,
                    _ => ClientLimits::default().answer_bytes_max,
                },
                ..ClientLimits::default()
            },
        });
        Ok(Lane::new(LaneParts {
            partner: delivery.partner.clone(),
            courier: match delivery.words {
                OutwardWords::Portal => Arc::new(self.portal(delivery, client)) as Arc<dyn Courier>,
                OutwardWords::Taxpayer => Arc::new(self.department(delivery, caller, client)?),
                OutwardWords::Payments => Arc::new(self.platform(delivery, client)?),
                OutwardWords::Civil => Arc::new(self.registry_office(delivery, caller, client)?),
                OutwardWords::Population => Arc::new(self.database(delivery, caller, client)?),
                OutwardWords::Dci => Arc::new(self.subscriber(delivery, client, subscriptions)),
                OutwardWords::OpenCrvs => Arc::new(self.core(delivery, caller, client)?),
            },
            outbox: Arc::clone(self.outbox),
            partners: Arc::clone(self.partners),
            orders: self.orders.clone(),
            clock: Arc::clone(self.clock),
            metrics: Arc::clone(self.metrics),
            outgoing: self.config.delivery.clone(),
            quota: Quota {
                per_minute: delivery.per_minute,
                burst: delivery.per_minute.div_ceil(10),
            },
            breaker: (
                delivery.breaker_failures,
                Duration::from_secs(delivery.breaker_seconds),
            ),
            tally: self.tally.clone(),
            dice: deliver::fair_dice(),
            concurrency: delivery.concurrency,
            call_max: Duration::from_millis(delivery.timeout_ms),
        }))
    }

    fn department(
        &self,
        delivery: &Delivery,
        caller: &Caller,
        client: Client,
    ) -> Result<taxpayer::Desk, StartError> {
        let config = taxpayer::DeskConfig {
            retry_after: Duration::from_millis(self.config.delivery.backoff_ms),
            retry_after_refusal: Duration::from_secs(60),
            timeout: Duration::from_millis(delivery.timeout_ms),
            form: match delivery.form {
                QuestionForm::Xml => taxpayer::Form::Xml,
                QuestionForm::Json => taxpayer::Form::Json,
            },
        };
        let house = self.house(delivery);
        let road = match &delivery.ngsp {
            None => Arc::new(Direct::new(client)) as Arc<dyn taxpayer::Exchange>,
            Some(behind) => Arc::new(through_the_platform(behind, caller, client)?),
        };
        let partner = delivery.partner.clone();
        let desk = taxpayer::Desk::new(config, partner, Arc::new(house), road);
        Ok(match &self.bulks {
            Some(bulks) => desk.with_months(Arc::new(bulks.clone())),
            None => desk,
        })
    }

    fn platform(
        &self,
        delivery: &Delivery,
        client: Client,
    ) -> Result<payment_desk::Desk, StartError> {
        let no = || StartError::Insurance("a payment platform without [payment]".to_owned());
        let access = delivery.payment.as_ref().ok_or_else(no)?;
        let config = payment_desk::DeskConfig {
            keyed: Arc::clone(&access.keyed),
            payee: access.payee.clone(),
            retry_after: Duration::from_millis(self.config.delivery.backoff_ms),
            retry_after_refusal: Duration::from_secs(60),
            procedures: schemas::procedure::Catalog::embedded(),
        };
        let clock = Arc::clone(self.clock);
        let orders = Arc::new(PaymentOrders {
            insurance: self.contract.client.clone(),
            partners: Arc::clone(self.partners),
        });
        let road = Direct::new(client);
        Ok(payment_desk::Desk::new(config, orders, road, clock))
    }

    fn registry_office(
        &self,
        delivery: &Delivery,
        caller: &Caller,
        client: Client,
    ) -> Result<civil::outbound::Desk, StartError> {
        let config = civil::outbound::DeskConfig {
            retry_after: Duration::from_millis(self.config.delivery.backoff_ms),
            retry_after_refusal: Duration::from_secs(60),
        };
        let way = way(delivery, caller, client)?;
        let house = Arc::new(self.house(delivery));
        Ok(civil::outbound::Desk::new(config, house, Arc::new(way)))
    }

    fn subscriber(
        &self,
        delivery: &Delivery,
        client: Client,
        subscriptions: Arc<Subscriptions>,
    ) -> dci::outbound::Desk {
        let config = dci::outbound::DeskConfig {
            retry_after: Duration::from_millis(self.config.delivery.backoff_ms),
            retry_after_refusal: Duration::from_secs(60),
        };
        let house = Arc::new(self.house(delivery));
        let road = Arc::new(Direct::new(client));
        dci::outbound::Desk::new(config, house, subscriptions, road)
    }

    fn core(
        &self,
        delivery: &Delivery,
        caller: &Caller,
        client: Client,
    ) -> Result<confirming::Desk, StartError> {
        let no = || StartError::Insurance("a core without [opencrvs.triggers]".to_owned());
        let access = delivery.core.as_ref().ok_or_else(no)?;
        let limits = FetchLimits {
            deadline: Duration::from_millis(delivery.timeout_ms),
            ..FetchLimits::default()
        };
        let tls = Some(caller.connector.clone());
        let fetcher = Fetcher::new(access.token.clone(), tls, limits)
            .map_err(|error| StartError::Key(delivery.anchors.clone(), error.to_string()))?;
        let config = confirming::DeskConfig {
            ask_again: Duration::from_secs(access.ask_seconds),
            retry_after: Duration::from_millis(self.config.delivery.backoff_ms),
            retry_after_refusal: Duration::from_secs(60),
        };
        let cases = confirm::Decided {
            partner: delivery.partner.clone(),
            insurance: self.contract.client.clone(),
            timeout: self.call_timeout,
        };
        let access = confirming::TokenAccess {
            fetcher,
            client: access.client.clone(),
            secret: access.secret.clone(),
        };
        let road = confirming::Core::new(Direct::new(client), access);
        Ok(confirming::Desk::new(
            config,
            Arc::new(cases),
            Arc::new(road),
        ))
    }

    fn database(
        &self,
        delivery: &Delivery,
        caller: &Caller,
        client: Client,
    ) -> Result<population::Desk, StartError> {
        let no = || StartError::Insurance("a population database without [population]".to_owned());
        let section = self.config.population.as_ref().ok_or_else(no)?;
        let config = population::DeskConfig {
            terms: population::Terms {
                integration: section.integration.clone(),
                service: section.service.clone(),
                officer: section.officer.clone(),
            },
            retry_after: Duration::from_millis(self.config.delivery.backoff_ms),
            retry_after_refusal: Duration::from_secs(60),
        };
        let way = way(delivery, caller, client)?;
        let house = Arc::new(self.house(delivery));
        let partner = delivery.partner.clone();
        Ok(population::Desk::new(config, partner, house, Arc::new(way)))
    }

    /// This gateway, as one partner's courier sees it.
    fn house(&self, delivery: &Delivery) -> asking::AskingHouse {
        asking::AskingHouse {
            partner: delivery.partner.clone(),
            partners: Arc::clone(self.partners),
            signer: Arc::clone(self.signer),
            clock: Arc::clone(self.clock),
            patience: Duration::from_millis(delivery.timeout_ms),
        }
    }

    fn portal(&self, delivery: &Delivery, client: Client) -> portal::outbound::Desk {
        let (username, password) = match &delivery.login {
            Some(login) => (login.username.clone(), login.password.reveal().to_owned()),
            None => (String::new(), String::new()),
        };
        let way = match &delivery.xroad {
            Some(on) => {
                vdxp::Way::XRoad(Consumer::new(client, on.client.clone()), on.service.clone())
            }
            None => vdxp::Way::Adapter(client, delivery.destination.to_string()),
        };
        let road = Vdxp::new(VdxpConfig { username, password }, way);
        let desk = portal::outbound::DeskConfig {
            unit: self.config.insurance.organ_id.clone(),
            domain: None,
            result_code: None,
            retry_after: Duration::from_millis(self.config.delivery.backoff_ms),
            retry_after_refusal: Duration::from_secs(60),
            batch_max: delivery.batch,
            procedures: schemas::procedure::Catalog::embedded(),
        };
        portal::outbound::Desk::new(desk, road)
    }
}

/// A dossier's change in the portal's words; none of another change.
#[must_use]
pub fn dossier_words(change: &contract::Change) -> Option<Vec<Parcel>> {
    match &change.what {
        Some(What::Dossier(_)) => words(change, portal::outbound::parcels),
        _ => None,
    }
}

/// An employer's or a person's change in the tax department's words; none of another change.
#[must_use]
pub fn employer_words(change: &contract::Change) -> Option<Vec<Parcel>> {
    match &change.what {
        Some(What::Employer(_)) => words(change, taxpayer::notices),
        Some(What::Person(_)) => words(change, taxpayer::persons),
        _ => None,
    }
}

fn words(
    change: &contract::Change,
    say: fn(&PartnerId, &contract::Change) -> Result<Vec<Parcel>, &'static str>,
) -> Option<Vec<Parcel>> {
    let partner = PartnerId::parse(&change.partner).ok()?;
    let parcels = say(&partner, change);
    parcels
        .inspect_err(|reason| {
            tracing::warn!(change = change.id, reason, "a change without words");
        })
        .ok()
}

/// A person's change in the words of a portal, for those partners that are one; the others are departments.
fn citizen_words(portals: BTreeSet<PartnerId>) -> ToParcels {
    Box::new(move |change| {
        let is_person = matches!(change.what, Some(What::Person(_)));
        let portal = portals.iter().any(|one| one.as_str() == change.partner);
        (is_person && portal).then(|| words(change, portal::outbound::citizens))?
    })
}

/// A birth or a death that was subscribed to in DCI's words; none of another change, and none for whom nobody knows how it is
/// called any more.
fn vital_words(partners: Arc<ArcSwap<Partners>>) -> ToParcels {
    Box::new(move |change| {
        let partner = PartnerId::parse(&change.partner).ok()?;
        let partners = partners.load();
        let terms = partners.get(&partner)?.dci.as_deref()?;
        dci::outbound::parcel(&partner, terms, change).map(|parcel| vec![parcel])
    })
}

/// The shortest wait for an answer.
const PULLED_EVERY_MIN: Duration = Duration::from_millis(20);

/// The shortest and the longest wait between two looks at subscriptions of ours.
const FOLLOWED_EVERY: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(10));

/// A case's change in the civil registry's words, for those partners that have a lane for them; the others poll.
fn case_words(told: BTreeSet<PartnerId>) -> ToParcels {
    Box::new(move |change| {
        let partner = PartnerId::parse(&change.partner).ok()?;
        let parcel = civil::outbound::parcel(&partner, change)?;
        Some(match told.contains(&partner) {
            true => vec![parcel],
            false => Vec::new(),
        })
    })
}
