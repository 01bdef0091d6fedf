//! `lienthong payment`: what dossiers cost, what was paid, and what became of the money, over the operators' listener.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use jiff::civil::Date;
use schemas::proto::admin::{
    ListPaymentsRequest, PaymentLine, ReconcilePaymentsRequest, ReconcilePaymentsResponse,
    RefundPaymentRequest, ShowPaymentRequest, ShowPaymentResponse,
};

use super::{
    Ended,
    admin::Which,
    office::{Reason, who},
};
use crate::admin::client;

/// Payments.
#[derive(Debug, Subcommand)]
pub(super) enum Payment {
    /// Payments, the newest first; tells nothing of who pays.
    List(List),
    /// One: how its amount came about, its transactions and what was booked.
    Show(Show),
    /// Says that the money of a refund case was given back; kept with who and why.
    Refund(Refund),
    /// Holds a day's statement against the ledger and against what was booked; fails where they differ.
    Reconcile(Reconcile),
}

#[derive(Debug, Clone, Args)]
pub(super) struct List {
    #[command(flatten)]
    which: Which,
    /// quoted, open, paid or over; any where absent.
    #[arg(long, default_value = "")]
    state: String,
    /// Only those with money to give back.
    #[arg(long)]
    to_refund: bool,
    /// Only older ones than this reference.
    #[arg(long, default_value = "")]
    before: String,
    /// At most so many, 1 to 500.
    #[arg(long, default_value_t = 50)]
    max: u32,
}

#[derive(Debug, Clone, Args)]
pub(super) struct Show {
    #[command(flatten)]
    which: Which,
    /// Its reference, or its dossier's code.
    reference: String,
    /// Why the page is looked at, where it tells a group that the state supports; in the ledger of accesses of those people.
    #[arg(long)]
    why: Option<String>,
    /// Who; by default the user of this machine.
    #[arg(long)]
    who: Option<String>,
}

#[derive(Debug, Clone, Args)]
pub(super) struct Refund {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    reason: Reason,
    /// The transaction that was given back.
    transaction: String,
    /// Reference of the transfer that gave it back.
    #[arg(long = "as")]
    refunded: String,
}

#[derive(Debug, Clone, Args)]
pub(super) struct Reconcile {
    #[command(flatten)]
    which: Which,
    /// The day in Viet Nam, yyyy-MM-dd.
    day: Date,
}

impl Payment {
    pub(super) async fn run(self) -> Ended {
        match self {
            Self::List(list) => list.run().await,
            Self::Show(show) => show.run().await,
            Self::Refund(refund) => refund.run().await,
            Self::Reconcile(reconcile) => reconcile.run().await,
        }
    }
}

impl List {
    async fn run(self) -> Ended {
        let request = ListPaymentsRequest {
            state: self.state,
            to_refund: self.to_refund,
            before: self.before,
            max: self.max,
        };
        let listed = client::payments(self.which.address()?, request).await?;
        if listed.payments.is_empty() {
            println!("no payments");
        }
        for payment in &listed.payments {
            println!("{}", line_of(payment));
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Show {
    async fn run(self) -> Ended {
        let request = ShowPaymentRequest {
            reference: self.reference,
            who: match self.why {
                Some(_) => who(self.who.as_ref())?,
                None => String::new(),
            },
            why: self.why.unwrap_or_default(),
        };
        let shown = client::payment(self.which.address()?, request).await?;
        print!("{}", page_of(&shown));
        Ok(ExitCode::SUCCESS)
    }
}

impl Refund {
    async fn run(self) -> Ended {
        let request = RefundPaymentRequest {
            transaction: self.transaction,
            refunded: self.refunded,
            who: self.reason.who()?,
            why: self.reason.why.clone(),
        };
        let done = client::refund_payment(self.which.address()?, request).await?;
        println!("{}", done.entry);
        Ok(ExitCode::SUCCESS)
    }
}

impl Reconcile {
    async fn run(self) -> Ended {
        let request = ReconcilePaymentsRequest {
            day: self.day.to_string(),
        };
        let compared = client::reconcile_payments(self.which.address()?, request).await?;
        print!("{}", sides_of(&compared));
        match compared.whole && compared.differences.is_empty() {
            true => Ok(ExitCode::SUCCESS),
            false => Ok(ExitCode::FAILURE),
        }
    }
}

fn line_of(payment: &PaymentLine) -> String {
    format!(
        "{} {} {} {} đ, dossier {} in state {}, quoted {}, until {}",
        payment.reference,
        payment.procedure,
        payment.state,
        payment.vnd,
        payment.dossier,
        payment.dossier_state,
        payment.quoted_at,
        payment.valid_until
    )
}

fn page_of(shown: &ShowPaymentResponse) -> String {
    let mut out = String::new();
    if let Some(payment) = &shown.payment {
        out.push_str(&format!("{}\n", line_of(payment)));
        if !payment.bill.is_empty() {
            out.push_str(&format!("receipt     {}\n", payment.bill));
        }
    }
    for (name, lines) in [("payment", &shown.entries), ("booked", &shown.bookings)] {
        for line in lines {
            out.push_str(&format!("{name:<12}{line}\n"));
        }
    }
    match shown.page.as_str() {
        "" => {
            out.push_str("\nthe page tells a group that the state supports: say --why to see it\n")
        }
        page => out.push_str(&format!("\n{page}")),
    }
    out
}

fn sides_of(compared: &ReconcilePaymentsResponse) -> String {
    let mut out = String::new();
    if !compared.whole {
        out.push_str("the platform's statement of that day is not here, or not whole\n");
    }
    for line in compared.sides.iter().chain(&compared.differences) {
        out.push_str(&format!("{line}\n"));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_tells_the_payment_its_transactions_and_how_the_amount_came_about() {
        let page = page_of(&ShowPaymentResponse {
            payment: Some(PaymentLine {
                reference: "dvcG99000126112300000120261123090000".to_owned(),
                dossier: "G99.00.01-261123-000001".to_owned(),
                state: "paid".to_owned(),
                vnd: 580_635,
                bill: "BL1".to_owned(),
                ..PaymentLine::default()
            }),
            entries: vec!["GD1 580635 đ: booked".to_owned()],
            bookings: vec!["household 341550 đ".to_owned()],
            page: "Phải nộp: 580.635 đ\n".to_owned(),
        });
        for words in [
            "paid 580635 đ, dossier G99.00.01-261123-000001",
            "receipt     BL1",
            "payment     GD1 580635 đ: booked",
            "booked      household 341550 đ",
            "\nPhải nộp: 580.635 đ\n",
        ] {
            assert!(page.contains(words), "{words}: {page}");
        }
        let unseen = page_of(&ShowPaymentResponse::default());
        assert!(unseen.contains("say --why"), "{unseen}");
    }

    #[test]
    fn a_day_without_its_statement_says_so() {
        let told = sides_of(&ReconcilePaymentsResponse {
            sides: vec!["ledger: 1 payments, 5 đ".to_owned()],
            ..ReconcilePaymentsResponse::default()
        });
        assert!(told.starts_with("the platform's statement of that day is not here"));
        assert!(told.ends_with("ledger: 1 payments, 5 đ\n"));
    }
}
