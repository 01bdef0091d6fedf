//! Asks the payment platform what has to be asked: to take a payment, what became of it, its receipt, the statement of
//! a day. What it answers goes to the registry.
//!
//! The registry says what is due; each question is a parcel of the platform's lane under a name of its own, and each
//! answer is that parcel's receipt. So any number of replicas may look, before and after a restart: a question is put
//! in once, and what is told twice is done once.

mod wanted;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use certs::digest::sha256;
use gateway_core::{
    partner::Partners,
    ports::{Clock, Outbox, Parcel, ParcelState, Receipts},
};
use insurance::Insurance;
use jiff::{ToSpan as _, Zoned, civil::Date};
use portal::payment::desk::{self, Payee, Verb};
use schemas::{
    date::{in_viet_nam, portal_time},
    fault::{Fault, FaultCode},
    id::PartnerId,
    proto::insurance::{
        AskedPaymentRequest, BillPaymentRequest, ComparePaymentsRequest, ComparePaymentsResponse,
        Context, DuePayment, HeardBy, ListDuePaymentsRequest, NoteStatementRequest,
        OpenPaymentRequest, PaymentOrder, PaymentState, RecordPaymentRequest, Transaction,
    },
    wire::payment::{self, Account, CURRENCY, Paid},
};
use tokio::{sync::watch, time::Instant};

pub(crate) use wanted::PaymentOrders;

/// The worker of one platform.
pub(crate) struct PaymentWatch {
    /// The platform.
    pub(crate) partner: PartnerId,
    /// The contract.
    pub(crate) insurance: Insurance,
    /// Where questions go.
    pub(crate) outbox: Arc<dyn Outbox>,
    /// Where answers are.
    pub(crate) receipts: Arc<dyn Receipts>,
    /// Who we are.
    pub(crate) partners: Arc<ArcSwap<Partners>>,
    /// Now.
    pub(crate) clock: Arc<dyn Clock>,
    /// Whom the money must be for.
    pub(crate) payee: Payee,
    /// How long an open payment waits before it is asked about again, seconds.
    pub(crate) query_seconds: u32,
    /// Whether statements are asked for.
    pub(crate) statement: bool,
    /// How often the registry is asked what is due.
    pub(crate) idle: Duration,
}

/// How a parcel stands.
enum Stands {
    /// Nobody has put it in.
    Unknown,
    /// It is on its way, or a person has to look at it.
    Waits,
    /// Its receipt.
    Answered(bytes::Bytes),
}

impl PaymentWatch {
    /// Watches until `stop` turns true.
    pub(crate) async fn run(self, mut stop: watch::Receiver<bool>) {
        let mut told = BTreeSet::new();
        loop {
            if let Err(fault) = self.round(&mut told).await {
                tracing::warn!(%fault, "payments are not looked after; tried again");
            }
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                () = tokio::time::sleep(self.idle) => {}
            }
        }
    }

    /// One look at everything that is due.
    async fn round(&self, told: &mut BTreeSet<Date>) -> Result<(), Fault> {
        let request = ListDuePaymentsRequest {
            context: Some(self.context(String::new())),
        };
        let due = self.insurance.due_payments(soon(), request).await?.due;
        for one in &due {
            // what cannot be done of one payment holds up no other
            if let Err(fault) = self.tend(one).await {
                tracing::warn!(%fault, "a payment is not looked after; tried again");
            }
        }
        match self.statement {
            true => self.statement_of_yesterday(told).await,
            false => Ok(()),
        }
    }

    async fn tend(&self, due: &DuePayment) -> Result<(), Fault> {
        let (Some(order), Some(payer)) = (&due.order, &due.payer) else {
            return Ok(());
        };
        let ask = |verb| desk::ask(&self.partner, verb, &order.reference, order.asked);
        let parcel = match order.state() {
            PaymentState::Quoted => desk::init(&self.partner, order, payer),
            PaymentState::Open => ask(Verb::Query),
            PaymentState::Paid => ask(Verb::GetBill),
            PaymentState::Over | PaymentState::Unspecified => return Ok(()),
        };
        match self.stands(&parcel).await? {
            Stands::Unknown => self.put(parcel).await,
            Stands::Waits => Ok(()),
            Stands::Answered(receipt) => self.take(order, &receipt).await,
        }
    }

    async fn stands(&self, parcel: &Parcel) -> Result<Stands, Fault> {
        let heard = self.receipts.heard(&parcel.id).await.map_err(store)?;
        Ok(match heard {
            None => Stands::Unknown,
            Some(heard) => match (heard.story.state, heard.receipt) {
                (ParcelState::Done, Some(receipt)) => Stands::Answered(receipt),
                _ => Stands::Waits,
            },
        })
    }

    async fn put(&self, parcel: Parcel) -> Result<(), Fault> {
        let aside = self.outbox.put(vec![parcel]).await.map_err(store)?;
        if !aside.is_empty() {
            tracing::error!(parcels = ?aside, "a question about a payment is another one under its name");
        }
        Ok(())
    }

    async fn take(&self, order: &PaymentOrder, receipt: &[u8]) -> Result<(), Fault> {
        let unreadable = || Fault::new(FaultCode::Internal, "payment-receipt");
        let PaymentOrder {
            reference, asked, ..
        } = order;
        if order.state() == PaymentState::Quoted {
            let request = OpenPaymentRequest {
                context: Some(self.context(format!("payment/open/{reference}"))),
                reference: reference.clone(),
                url: desk::opened(receipt).ok_or_else(unreadable)?,
                ask_after: self.query_seconds,
            };
            return self.insurance.open_payment(soon(), request).await.map(drop);
        }
        let answer = desk::account(receipt).ok_or_else(unreadable)?;
        let answered = portal_time::parse(&answer.at).map_err(|_| unreadable())?;
        if order.state() == PaymentState::Paid && !answer.bill.is_empty() {
            let request = BillPaymentRequest {
                context: Some(self.context(format!("payment/bill/{reference}"))),
                reference: reference.clone(),
                bill: answer.bill,
            };
            return self.insurance.bill_payment(soon(), request).await.map(drop);
        }
        for paid in &answer.transactions {
            self.record(paid, HeardBy::Query).await?;
        }
        let state = order.state;
        let request = AskedPaymentRequest {
            context: Some(self.context(format!("payment/asked/{reference}/{state}/{asked}"))),
            reference: reference.clone(),
            asked: *asked,
            answered_at: answered.to_string(),
            ask_after: self.query_seconds,
        };
        self.insurance
            .asked_payment(soon(), request)
            .await
            .map(drop)
    }

    /// Records what the platform says was paid; what was not paid to us, or is no money of ours, is told and left.
    async fn record(&self, paid: &Paid, heard_by: HeardBy) -> Result<(), Fault> {
        let (id, reference) = (&nameable(&paid.id), openly(&paid.reference));
        let Some(transaction) = self.ours(paid) else {
            tracing::error!(
                id,
                reference,
                "the platform tells of a payment that is not to us"
            );
            return Ok(());
        };
        let request = RecordPaymentRequest {
            context: Some(self.context(format!("payment/record/{}/{id}", self.partner))),
            transaction: Some(transaction),
            heard_by: heard_by.into(),
        };
        match self.insurance.record_payment(soon(), request).await {
            Ok(recorded) => {
                if !recorded.again {
                    tracing::info!(id, reference, ?heard_by, "a payment was found by asking");
                }
                Ok(())
            }
            // it stays a difference of its day, by name
            Err(fault) if fault.is_final() => {
                tracing::error!(%fault, id, reference, "a payment could not be recorded");
                Ok(())
            }
            Err(fault) => Err(fault),
        }
    }

    fn ours(&self, paid: &Paid) -> Option<Transaction> {
        let is_ours = paid.currency == CURRENCY && paid.payee == self.payee.account;
        let at = portal_time::parse(&paid.at).ok().filter(|_| is_ours)?;
        Some(Transaction {
            id: nameable(&paid.id),
            reference: openly(&paid.reference).to_owned(),
            vnd: payment::amount(&paid.vnd)?,
            bank: paid.bank.clone(),
            paid_at: at.to_string(),
        })
    }

    /// Yesterday's statement, page by page; held against the ledger once it is whole.
    async fn statement_of_yesterday(&self, told: &mut BTreeSet<Date>) -> Result<(), Fault> {
        let now = in_viet_nam(self.clock.now());
        let Some(day) = day_to_state(&now).filter(|day| !told.contains(day)) else {
            return Ok(());
        };
        if !self.compare(day).await?.whole && !self.pages(day).await? {
            return Ok(());
        }
        let compared = self.compare(day).await?;
        for one in &compared.differences {
            let (kind, id, reference) = (&one.kind, &one.transaction, openly(&one.reference));
            tracing::error!(%day, kind, id, reference, "the statement, the ledger and what was booked differ");
        }
        let differences = compared.differences.len();
        tracing::info!(%day, differences, "a day's payments were reconciled");
        told.insert(day);
        Ok(())
    }

    /// Takes the pages that are there and asks for the next; true where the last one was taken.
    async fn pages(&self, day: Date) -> Result<bool, Fault> {
        for page in 1..=PAGES_MAX {
            let name = day.strftime("%Y%m%d").to_string();
            let reference = match page {
                1 => name,
                page => format!("{name}-{page}"),
            };
            let parcel = desk::ask(&self.partner, Verb::Statement, &reference, 0);
            let receipt = match self.stands(&parcel).await? {
                Stands::Unknown => {
                    self.put(parcel).await?;
                    return Ok(false);
                }
                Stands::Waits => return Ok(false),
                Stands::Answered(receipt) => receipt,
            };
            let unreadable = || Fault::new(FaultCode::Internal, "payment-receipt");
            let told = desk::account(&receipt).ok_or_else(unreadable)?;
            if self.note(day, page, &told).await? {
                return Ok(true);
            }
        }
        tracing::error!(%day, "a statement of more pages than are read");
        Ok(false)
    }

    async fn note(&self, day: Date, page: u32, told: &Account) -> Result<bool, Fault> {
        let whole = told.more != "1";
        // a payment without a callback, or after the order was paid, is found here at the latest
        for paid in &told.transactions {
            self.record(paid, HeardBy::Statement).await?;
        }
        let ours = told.transactions.iter().filter_map(|paid| self.ours(paid));
        let request = NoteStatementRequest {
            context: Some(self.context(format!("payment/statement/{}/{day}/{page}", self.partner))),
            day: day.to_string(),
            transactions: ours.collect(),
            whole,
        };
        self.insurance.note_statement(soon(), request).await?;
        Ok(whole)
    }

    async fn compare(&self, day: Date) -> Result<ComparePaymentsResponse, Fault> {
        let request = ComparePaymentsRequest {
            context: Some(self.context(String::new())),
            day: day.to_string(),
        };
        self.insurance.compare_payments(soon(), request).await
    }

    /// In our own name; a change under the key of what it is.
    fn context(&self, what: String) -> Context {
        context(&self.partners, what)
    }
}

/// In our own name; the key of what is changed, none where nothing is.
fn context(partners: &ArcSwap<Partners>, what: String) -> Context {
    Context {
        key: match what.as_str() {
            "" => Vec::new(),
            what => sha256(what.as_bytes()).to_vec(),
        },
        sender: partners.load().us().as_str().to_owned(),
        rule: "payment".to_owned(),
        purpose: portal::payment::PURPOSE.to_owned(),
        ..Context::default()
    }
}

/// The day whose statement is there: yesterday, an hour after midnight.
fn day_to_state(now: &Zoned) -> Option<Date> {
    (now.hour() >= 1).then(|| now.date().saturating_sub(1.day()))
}

fn store(error: gateway_core::ports::StoreError) -> Fault {
    Fault::new(FaultCode::InsuranceUnavailable, "store").log(error.to_string())
}

fn soon() -> Instant {
    Instant::now() + CALL_MAX
}

const CALL_MAX: Duration = Duration::from_secs(8);
const PAGES_MAX: u32 = 1_000;

/// A transaction's name where it is one word of at most 64 letters; its digest where the platform wrote anything else.
fn nameable(id: &str) -> String {
    match (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic()) {
        true => id.to_owned(),
        false => format!("sha256-{}", hex::encode(&sha256(id.as_bytes())[..16])),
    }
}

/// A reference as it may be said in the open: ours, or none. What a platform calls others may be anybody's name, and
/// must not keep a day's statement from being compared.
fn openly(reference: &str) -> &str {
    match payment::is_reference(reference) {
        true => reference,
        false => "not-ours",
    }
}
