//! Which notices passed between the tax department and us, and those of ours that it wants again: by inbox and outbox.

use std::collections::BTreeSet;

use futures_util::future::BoxFuture;
use gateway_core::{
    Context,
    ports::{Pull, Resent, StoreError, Window, Wish},
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
            let wish = Wish {
                key: context.key,
                partner: context.sender.clone(),
                kinds: taxpayer::NOTICES,
                ids: ask.notices.iter().cloned().collect(),
            };
            let resent = self.book.resend(wish, HEALED_MAX);
            let refused = |code, reason| Err(Fault::new(code, reason).field("Notice"));
            match resent.await.map_err(store)? {
                Resent::Again(many) => {
                    let partner = context.sender.as_str();
                    tracing::info!(partner, many, "notices go again, as the partner asked");
                    Ok(self.clock.now())
                }
                // by whoever carried this message out before, and did not live to answer it
                Resent::Already => Ok(self.clock.now()),
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
        let found = self
            .book
            .receipted(&pull, taxpayer::NOTICES, NOTICES_MAX)
            .await
            .map_err(store)?;
        let whole_second = |at: Timestamp| Timestamp::from_second(at.as_second()).unwrap_or(at);
        let sent = found.parcels.into_iter().filter_map(|(id, at)| {
            Some(NoticeSent {
                id: MessageId::parse(&id).ok()?,
                at: whole_second(at),
            })
        });
        Ok(NoticesSent {
            notices: sent.collect(),
            total: u32::try_from(found.total).unwrap_or(u32::MAX),
        })
    }
}

fn store(error: StoreError) -> Fault {
    Fault::new(FaultCode::JournalUnavailable, "store").log(error.to_string())
}
