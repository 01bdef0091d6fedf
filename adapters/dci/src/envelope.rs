//! Which operation an action at a path is; everything else about the envelope is the road's.

use schemas::wire::dci::Action;

use crate::{NOTIFY, SEARCH};

/// Where events are told.
pub(crate) const NOTIFY_PATH: &str = "/registry/notify";

/// Where a registry is asked and answers at once.
pub(crate) const SYNC_SEARCH_PATH: &str = "/registry/sync/search";

/// A signature for one action does not open the door of another.
pub(crate) fn operation(path: &str, action: Action) -> Option<&'static str> {
    match (path, action) {
        (NOTIFY_PATH, Action::Notify) => Some(NOTIFY.name),
        (SYNC_SEARCH_PATH, Action::Search) => Some(SEARCH.name),
        _ => None,
    }
}
