//! Which operation an action at a path is; everything else about the envelope is the road's.

use schemas::wire::dci::Action;

use crate::{
    FOLLOW, NOTIFY, SEARCH, SEARCH_ASYNC, SUBSCRIBE, TXN_STATUS, TXN_STATUS_ASYNC, UNSUBSCRIBE,
};

/// Where events are told.
pub(crate) const NOTIFY_PATH: &str = "/registry/notify";

/// Where a registry is asked and answers at once.
pub(crate) const SYNC_SEARCH_PATH: &str = "/registry/sync/search";

/// Where a registry is asked and answers by a callback.
pub(crate) const SEARCH_PATH: &str = "/registry/search";

/// Where it says at once what became of an exchange.
pub(crate) const SYNC_STATUS_PATH: &str = "/registry/sync/txn/status";

/// Where it says so by a callback.
pub(crate) const STATUS_PATH: &str = "/registry/txn/status";

/// Where somebody wishes to be told of events.
pub(crate) const SUBSCRIBE_PATH: &str = "/registry/subscribe";

/// Where somebody ends that.
pub(crate) const UNSUBSCRIBE_PATH: &str = "/registry/unsubscribe";

/// Where it is said what became of a wish of ours to be told.
pub(crate) const ON_SUBSCRIBE_PATH: &str = "/registry/on-subscribe";

/// Where it is said what became of its end.
pub(crate) const ON_UNSUBSCRIBE_PATH: &str = "/registry/on-unsubscribe";

/// A signature for one action does not open the door of another.
pub(crate) fn operation(path: &str, action: Action) -> Option<&'static str> {
    match (path, action) {
        (NOTIFY_PATH, Action::Notify) => Some(NOTIFY.name),
        (SYNC_SEARCH_PATH, Action::Search) => Some(SEARCH.name),
        (SEARCH_PATH, Action::Search) => Some(SEARCH_ASYNC.name),
        (SYNC_STATUS_PATH, Action::TxnStatus) => Some(TXN_STATUS.name),
        (STATUS_PATH, Action::TxnStatus) => Some(TXN_STATUS_ASYNC.name),
        (SUBSCRIBE_PATH, Action::Subscribe) => Some(SUBSCRIBE.name),
        (UNSUBSCRIBE_PATH, Action::Unsubscribe) => Some(UNSUBSCRIBE.name),
        (ON_SUBSCRIBE_PATH, Action::OnSubscribe) => Some(FOLLOW.name),
        (ON_UNSUBSCRIBE_PATH, Action::OnUnsubscribe) => Some(FOLLOW.name),
        _ => None,
    }
}
