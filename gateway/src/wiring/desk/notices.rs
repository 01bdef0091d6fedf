//! Which notices passed between the tax department and us, and those of ours that it wants again: by inbox and outbox.

use std::collections::BTreeSet;

use futures_util::future::BoxFuture;
use gateway_core::{
    Context,
    ports::{Pull, Resent, StoreError, Told, Window},
};
use jiff::Timestamp;
use schemas::{
    fault::{Fault, FaultCode},
    id::MessageId,
    wire::tax::{
        LookUpNotices, NOTICES_MAX, NoticeSent, NoticeTime, NoticesHeld, NoticesSent, ResendNotices,
    },
};
use tax::{NoticeBook, taxpayer};

use super::Desk;
use crate::reconcile::HEALED_MAX;

impl NoticeBook for Desk {
    fn look_up<'a>(
        &'a self,
        context: Context,
        ask: &'a LookUpNotices,
    ) -> BoxFuture<'a, Result<NoticesHeld, Fault>> {
        Box::pin(async move {
            let ids = ask.notices.iter().cloned().collect();
            let never_came = self.book.never_came(&context.sender, ids).await;
            let never_came: BTreeSet<MessageId> = never_came.map_err(store)?.into_iter().collect();
            let sent = match ask.sent_in {
                Some(time) => Some(self.sent(context, time).await?),
                None => None,
            };
            let held = ask.notices.difference(&never_came).cloned();
            Ok(NoticesHeld {
                held: held.collect(),
                sent,
            })
        })
    }

    fn resend<'a>(
        &'a self,
        context: Context,
        ask: &'a ResendNotices,
    ) -> BoxFuture<'a, Result<Timestamp, Fault>> {
        Box::pin(async move {
            let ids = ask.notices.iter().cloned().collect();
            let resent = self
                .book
                .resend(&context.sender, taxpayer::NOTICES, ids, HEALED_MAX);
            let refused = |code, reason| Err(Fault::new(code, reason).field("Notice"));
            match resent.await.map_err(store)? {
                Resent::Again(many) => {
                    let partner = context.sender.as_str();
                    tracing::info!(partner, many, "notices go again, as the partner asked");
                    Ok(self.clock.now())
                }
                Resent::Unknown(_) => refused(FaultCode::UnknownSubject, "unknown-notice"),
                Resent::TooOften(_) => refused(FaultCode::RuleRefused, "lost-too-often"),
                Resent::NotNow(reason) => refused(FaultCode::Overloaded, reason),
            }
        })
    }
}

impl Desk {
    /// What the sender receipted of our notices in this time, the oldest first.
    async fn sent(&self, context: Context, time: NoticeTime) -> Result<NoticesSent, Fault> {
        let none = || Fault::new(FaultCode::Invalid, "instant").field("Until");
        let window = Window::between(time.from().as_second(), time.until().as_second());
        let pull = Pull {
            partner: context.sender,
            window: window.ok_or_else(none)?,
        };
        let telling = self.book.telling(&pull, NOTICES_MAX).await.map_err(store)?;
        let is_one = |told: &Told| {
            taxpayer::NOTICES.contains(&told.kind.as_str()) && pull.window.holds(told.at)
        };
        let mut told: Vec<Told> = telling.told.into_iter().filter(is_one).collect();
        told.sort_by(|one, next| (one.at, &one.id).cmp(&(next.at, &next.id)));
        let at_least = told.len().saturating_add(usize::from(telling.more));
        let whole_second = |at: Timestamp| Timestamp::from_second(at.as_second()).unwrap_or(at);
        let sent = told.into_iter().take(NOTICES_MAX).filter_map(|told| {
            Some(NoticeSent {
                id: MessageId::parse(&told.id).ok()?,
                at: whole_second(told.at),
            })
        });
        Ok(NoticesSent {
            notices: sent.collect(),
            total: u32::try_from(at_least).unwrap_or(u32::MAX),
        })
    }
}

fn store(error: StoreError) -> Fault {
    Fault::new(FaultCode::JournalUnavailable, "store").log(error.to_string())
}
