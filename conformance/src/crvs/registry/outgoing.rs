//! One message that the registry has to send: under one id, signed anew each time.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::call::{Prepared, Trouble};
use crate::clock;
use crate::crvs::Draft;
use crate::identity::Identity;
use crate::jws;

/// What it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Place {
    Notify,
    OnSubscribe,
    OnUnsubscribe,
}

impl Place {
    pub(super) fn action(self) -> &'static str {
        match self {
            Self::Notify => "notify",
            Self::OnSubscribe => "on-subscribe",
            Self::OnUnsubscribe => "on-unsubscribe",
        }
    }

    fn path(self) -> (&'static str, &'static str) {
        match self {
            Self::Notify => ("/registry/notify", "dci.notify"),
            Self::OnSubscribe => ("/registry/on-subscribe", "dci.follow"),
            Self::OnUnsubscribe => ("/registry/on-unsubscribe", "dci.follow"),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Outgoing {
    pub(super) id: String,
    pub(super) place: Place,
    status: String,
    pub(super) message: Value,
}

impl Outgoing {
    pub(super) fn new(place: Place, id: &str, status: &str, message: Value) -> Self {
        Self {
            id: id.to_owned(),
            place,
            status: status.to_owned(),
            message,
        }
    }

    pub(super) fn is_callback(&self) -> bool {
        self.place != Place::Notify
    }

    pub(super) fn transaction(&self) -> &str {
        self.message["transaction_id"].as_str().unwrap_or_default()
    }

    /// The same under another id.
    pub(super) fn anew(&self) -> Self {
        Self {
            id: format!("{}-anew", self.id),
            ..self.clone()
        }
    }

    /// The same of an exchange that nobody began.
    pub(super) fn foreign(&self) -> Self {
        let mut other = self.anew();
        other.id = format!("{}-foreign", self.id);
        other.message["transaction_id"] = format!("{}-x", self.transaction()).into();
        other
    }

    /// Signed now; with a signature of something else where it is `forged`.
    pub(super) fn prepare(&self, identity: &Identity, forged: bool) -> Result<Prepared, Trouble> {
        let draft = match self.is_callback() {
            true => Draft::callback(
                (self.place.path(), self.place.action()),
                &self.id,
                &self.status,
                self.message.clone(),
            ),
            false => {
                let mut draft = Draft::notify(identity, &[]);
                draft.header["message_id"] = self.id.clone().into();
                draft.header["total_count"] = 1.into();
                draft.message = self.message.clone();
                draft
            }
        };
        let signed = match forged {
            false => draft.signature(identity)?,
            true => {
                let other = draft
                    .clone()
                    .set("message_ts", clock::rfc3339(clock::now()));
                other
                    .set("message_id", jws::fresh_id(identity))
                    .signature(identity)?
            }
        };
        Ok(draft.carrying(identity, Some(&signed)))
    }
}
