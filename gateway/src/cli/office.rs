//! `lienthong outbox` and `lienthong partner`: the way out and the partners' standing, over the
//! operators' listener. Whoever changes something says why; it stands in the journal.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use schemas::proto::admin::{
    ActLine, ActRequest, ListActsResponse, ListParcelsRequest, ParcelLine, ShowParcelResponse,
};

use super::{Ended, admin::Which};
use crate::admin::client;

/// The outbox.
#[derive(Debug, Subcommand)]
pub(super) enum Outbox {
    /// Parcels, the newest first; without --state those that are neither done nor cancelled.
    List(List),
    /// One parcel, and what persons did about it.
    Show(Show),
    /// Nothing more goes out to a partner; what it sends is still answered.
    Pause(OnPartner),
    /// Undoes a pause.
    Resume(OnPartner),
    /// Dead or quarantined parcels try again, from the beginning; waiting ones at once.
    Replay(OnParcels),
    /// Parcels are given up for ever; those behind them may go.
    Cancel(OnParcels),
    /// A message that recovery has given up is taken up again, by its evidence id.
    Recover(OnParcels),
    /// What is stopped now, and what persons did, the newest first.
    Acts(Acts),
}

/// Registered partners.
#[derive(Debug, Subcommand)]
pub(super) enum Partner {
    /// Writes a commented file for a new partner.
    New(super::partner::New),
    /// Shows what a proposed file changes beside what is in force, and whether it loosens.
    Diff(super::partner::Diff),
    /// Signs a file that loosens, in an officer's name, after showing what it changes.
    Sign(super::partner::Sign),
    /// Writes the line of a hospital's `md5_login.hash_file`: the slow hash of the MD5 (32 hex digits) on standard input.
    HashMd5(super::partner::HashMd5),
    /// Nothing goes out to it and nothing of it is taken in, on every replica within seconds.
    Suspend(OnPartner),
    /// Undoes a suspension.
    Resume(OnPartner),
    /// One operation of it is stopped, both ways, on every replica within seconds.
    SuspendOperation(OnOperation),
    /// Undoes that.
    ResumeOperation(OnOperation),
    /// Ends it for good: nothing goes out to it and nothing of it is taken in, and nobody undoes it.
    Retire(OnPartner),
}

#[derive(Debug, Clone, Args)]
pub(super) struct List {
    #[command(flatten)]
    which: Which,
    /// Of this partner.
    #[arg(long, default_value = "")]
    partner: String,
    /// waiting, leased, done, dead, poison or cancelled.
    #[arg(long, default_value = "")]
    state: String,
    /// Of this subject.
    #[arg(long, default_value = "")]
    subject: String,
    /// At most so many, at most 1,000.
    #[arg(long, default_value_t = 50)]
    max: u32,
    /// The next page: put in before the parcel of this id.
    #[arg(long, default_value = "")]
    before: String,
}

#[derive(Debug, Clone, Args)]
pub(super) struct Show {
    #[command(flatten)]
    which: Which,
    /// A parcel's id.
    id: String,
}

#[derive(Debug, Clone, Args)]
pub(super) struct Acts {
    #[command(flatten)]
    which: Which,
    /// At most so many, at most 1,000.
    #[arg(long, default_value_t = 50)]
    max: u32,
}

/// Who acts and why.
#[derive(Debug, Clone, Args)]
pub(super) struct Reason {
    /// Why; it is kept in the journal, sealed.
    #[arg(long)]
    pub(super) why: String,
    /// Who; by default the user of this machine.
    #[arg(long)]
    who: Option<String>,
}

#[derive(Debug, Clone, Args)]
pub(super) struct OnPartner {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    reason: Reason,
    /// The partner's id.
    partner: String,
}

#[derive(Debug, Clone, Args)]
pub(super) struct OnOperation {
    #[command(flatten)]
    on: OnPartner,
    /// The operation, such as tax.verify-employer.
    operation: String,
}

#[derive(Debug, Clone, Args)]
pub(super) struct OnParcels {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    reason: Reason,
    /// Their ids.
    #[arg(required = true)]
    ids: Vec<String>,
}

impl Outbox {
    pub(super) async fn run(self) -> Ended {
        match self {
            Self::List(list) => list.run().await,
            Self::Show(show) => show.run().await,
            Self::Pause(on) => on.act("pause-lane").await,
            Self::Resume(on) => on.act("resume-lane").await,
            Self::Replay(on) => on.act("replay").await,
            Self::Cancel(on) => on.act("cancel").await,
            Self::Recover(on) => on.act("recover").await,
            Self::Acts(acts) => acts.run().await,
        }
    }
}

impl Partner {
    pub(super) async fn run(self) -> Ended {
        match self {
            Self::New(new) => new.run(),
            Self::Diff(diff) => diff.run().await,
            Self::Sign(sign) => sign.run().await,
            Self::HashMd5(hash) => hash.run(),
            Self::Suspend(on) => on.act("suspend-partner").await,
            Self::Resume(on) => on.act("resume-partner").await,
            Self::SuspendOperation(one) => one.act("suspend-operation").await,
            Self::ResumeOperation(one) => one.act("resume-operation").await,
            Self::Retire(on) => on.act("retire-partner").await,
        }
    }
}

impl List {
    async fn run(self) -> Ended {
        let request = ListParcelsRequest {
            partner: self.partner,
            state: self.state,
            subject: self.subject,
            max: self.max,
            before: self.before,
        };
        let listed = client::parcels(self.which.address()?, request).await?;
        if listed.parcels.is_empty() {
            println!("no parcels");
        }
        for parcel in &listed.parcels {
            println!("{}", line_of(parcel));
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Show {
    async fn run(self) -> Ended {
        let shown = client::parcel(self.which.address()?, &self.id).await?;
        print!("{}", page_of(&shown));
        Ok(ExitCode::SUCCESS)
    }
}

impl Acts {
    async fn run(self) -> Ended {
        let acts = client::acts(self.which.address()?, self.max).await?;
        print!("{}", acts_of(&acts));
        Ok(ExitCode::SUCCESS)
    }
}

impl OnPartner {
    async fn act(self, deed: &str) -> Ended {
        let who = self.reason.who()?;
        one(&self.which, deed, &self.partner, &who, &self.reason.why).await?;
        Ok(ExitCode::SUCCESS)
    }
}

impl OnOperation {
    async fn act(self, deed: &str) -> Ended {
        let OnPartner { partner, .. } = &self.on;
        let target = format!("{partner}/{}", self.operation);
        let partner = target;
        OnPartner { partner, ..self.on }.act(deed).await
    }
}

impl OnParcels {
    /// Each by itself: one that cannot be done is told, and the others are done.
    async fn act(self, deed: &str) -> Ended {
        let who = self.reason.who()?;
        let mut all_done = ExitCode::SUCCESS;
        for id in &self.ids {
            if let Err(error) = one(&self.which, deed, id, &who, &self.reason.why).await {
                eprintln!("{deed} {id}: {error}");
                all_done = ExitCode::FAILURE;
            }
        }
        Ok(all_done)
    }
}

impl Reason {
    pub(super) fn who(&self) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
        who(self.who.as_ref())
    }
}

/// Whoever is named, else the user of this machine.
pub(super) fn who(
    named: Option<&String>,
) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    let of_machine = || {
        ["SUDO_USER", "USER", "LOGNAME"]
            .into_iter()
            .find_map(|name| std::env::var(name).ok().filter(|who| !who.is_empty()))
    };
    named
        .cloned()
        .or_else(of_machine)
        .ok_or_else(|| "this machine does not say who you are: give --who".into())
}

async fn one(
    which: &Which,
    deed: &str,
    target: &str,
    who: &str,
    why: &str,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let request = ActRequest {
        deed: deed.to_owned(),
        target: target.to_owned(),
        who: who.to_owned(),
        why: why.to_owned(),
        law: String::new(),
    };
    let acted = client::act(which.address()?, request).await?;
    println!("{deed} {target}: {}", acted.outcome);
    Ok(())
}

fn line_of(parcel: &ParcelLine) -> String {
    let line = format!(
        "{:<9} {:<7} {} to {} of {} #{} ({}), {} tries{}",
        parcel.state,
        parcel.class,
        parcel.id,
        parcel.partner,
        parcel.subject,
        parcel.sequence,
        parcel.kind,
        parcel.attempts,
        match parcel.reason.as_str() {
            "" => String::new(),
            reason => format!(", {reason}"),
        }
    );
    line
}

fn page_of(shown: &ShowParcelResponse) -> String {
    let Some(parcel) = &shown.parcel else {
        return "no such parcel\n".to_owned();
    };
    let mut out = format!("{}\nput in   {}\n", line_of(parcel), parcel.put_at);
    let due = match parcel.state.as_str() {
        "waiting" => "next try",
        "leased" => "leased until",
        _ => "since",
    };
    out.push_str(&format!("{due:<8} {}\n", parcel.due_at));
    for (name, value) in [
        ("limit", parcel.time_limit.clone()),
        ("owner", parcel.owner.clone()),
        ("cause", parcel.cause.clone()),
        ("sent", record(parcel.sending)),
        ("receipt", record(parcel.receipt)),
    ] {
        if !value.is_empty() {
            out.push_str(&format!("{name:<8} {value}\n"));
        }
    }
    if shown.behind > 0 {
        out.push_str(&format!("behind   {} of its subject wait\n", shown.behind));
    }
    for act in &shown.acts {
        out.push_str(&format!("act      {}\n", act_of(act)));
    }
    out
}

fn acts_of(acts: &ListActsResponse) -> String {
    let mut out = String::new();
    for act in &acts.standing {
        out.push_str(&format!("stands  {}\n", act_of(act)));
    }
    for act in &acts.acts {
        out.push_str(&format!("{}\n", act_of(act)));
    }
    if out.is_empty() {
        out.push_str("nothing is stopped and nobody has done anything\n");
    }
    out
}

/// One act on one line.
pub(super) fn act_of(act: &ActLine) -> String {
    format!(
        "{} {} {} by {}: {} (journal {})",
        act.at, act.deed, act.target, act.who, act.why, act.journal
    )
}

fn record(number: u64) -> String {
    match number {
        0 => String::new(),
        number => format!("journal {number}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn act() -> ActLine {
        ActLine {
            at: "2026-11-22T05:00:00Z".to_owned(),
            who: "an".to_owned(),
            why: "the portal was repaired".to_owned(),
            deed: "replay".to_owned(),
            target: "change-9.sync".to_owned(),
            journal: 44,
        }
    }

    #[test]
    fn a_parcel_is_told_with_its_cause_and_who_did_what_and_why() {
        let parcel = ParcelLine {
            id: "change-9.sync".to_owned(),
            partner: "portal".to_owned(),
            state: "poison".to_owned(),
            class: "normal".to_owned(),
            reason: "portal-refused".to_owned(),
            attempts: 5,
            sending: 43,
            ..ParcelLine::default()
        };
        let page = page_of(&ShowParcelResponse {
            parcel: Some(parcel),
            behind: 2,
            acts: vec![act()],
        });
        for words in [
            "poison    normal  change-9.sync to portal",
            "5 tries, portal-refused",
            "sent     journal 43",
            "2 of its subject wait",
            "replay change-9.sync by an: the portal was repaired (journal 44)",
        ] {
            assert!(page.contains(words), "{words}: {page}");
        }
        assert!(!page.contains("receipt"));
    }

    #[test]
    fn what_stands_is_told_before_what_was_done() {
        let acts = ListActsResponse {
            acts: vec![act()],
            standing: vec![act()],
        };
        assert!(acts_of(&acts).starts_with("stands  2026"));
        assert!(acts_of(&ListActsResponse::default()).contains("nothing is stopped"));
    }

    #[test]
    fn nobody_acts_without_a_name() {
        let reason = Reason {
            why: "because".to_owned(),
            who: Some("an".to_owned()),
        };
        assert_eq!(reason.who().unwrap(), "an");
    }
}
