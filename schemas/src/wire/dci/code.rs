//! The closed lists of actions and of codes.

/// What a message is for (`action`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// A registry tells of events that were subscribed to.
    Notify,
    /// A registry is asked.
    Search,
    /// Whoever asked before wants to know what became of it.
    TxnStatus,
    /// Somebody wants to be told of events.
    Subscribe,
    /// Somebody does not want to be told any more.
    Unsubscribe,
    /// A registry tells its subscriber what became of a wish.
    OnSubscribe,
    /// The same of a subscription that was to end.
    OnUnsubscribe,
}

impl Action {
    /// Reads `action`; none where it is not one that is taken here.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [
            Self::Notify,
            Self::Search,
            Self::TxnStatus,
            Self::Subscribe,
            Self::Unsubscribe,
            Self::OnSubscribe,
            Self::OnUnsubscribe,
        ]
        .into_iter()
        .find(|one| one.as_str() == word)
    }

    /// Whether it answers what was asked before: its header has a status.
    #[must_use]
    pub fn is_callback(self) -> bool {
        matches!(self, Self::OnSubscribe | Self::OnUnsubscribe)
    }

    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Notify => "notify",
            Self::Search => "search",
            Self::TxnStatus => "txn-status",
            Self::Subscribe => "subscribe",
            Self::Unsubscribe => "unsubscribe",
            Self::OnSubscribe => "on-subscribe",
            Self::OnUnsubscribe => "on-unsubscribe",
        }
    }
}

macro_rules! codes {
    ($($variant:ident = $code:literal;)*) => {
        /// A code of the standard: why a request is refused as a whole (`err.`) or why a part of it is (`rjct.`).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code {
            $(#[doc = $code] $variant,)*
        }

        impl Code {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The code on the wire.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $code,)*
                }
            }
        }
    };
}

codes! {
    RequestBad = "err.request.bad";
    RequestUnauthorized = "err.request.unauthorized";
    RequestForbidden = "err.request.forbidden";
    RequestNotFound = "err.request.not_found";
    RequestTimeout = "err.request.timeout";
    TooManyRequests = "err.request.too_many_requests";
    VersionNotSupported = "err.version.not_supported";
    SenderId = "err.sender_id.invalid";
    SenderUri = "err.sender_uri.invalid";
    ReceiverId = "err.receiver_id.invalid";
    SignatureMissing = "err.signature.missing";
    SignatureInvalid = "err.signature.invalid";
    Encryption = "err.encryption.invalid";
    ServiceUnavailable = "err.service.unavailable";
    MessageIdDuplicate = "rjct.message_id.duplicate";
    MessageTs = "rjct.message_ts.invalid";
    ActionInvalid = "rjct.action.invalid";
    ActionNotSupported = "rjct.action.not_supported";
    TotalCount = "rjct.total_count.invalid";
    TotalCountLimit = "rjct.total_count.limit_exceeded";
    TooManyErrors = "rjct.errors.too_many";
    ReferenceId = "rjct.reference_id.invalid";
    ReferenceIdDuplicate = "rjct.reference_id.duplicate";
    Timestamp = "rjct.timestamp.invalid";
    Criteria = "rjct.search_criteria.invalid";
    Sort = "rjct.sort.invalid";
    Pagination = "rjct.pagination.invalid";
    Filter = "rjct.filter.invalid";
    TooManyRecords = "rjct.search.too_many_records_found";
    NotifyTypes = "rjct.notify_types.invalid";
    NotifyDetails = "rjct.notify_details.invalid";
    PersonId = "rjct.person_id.invalid";
    AlreadySubscribed = "rjct.event.already_subscribed";
    SubscriptionCode = "rjct.subscription_code.invalid";
    AlreadyUnsubscribed = "rjct.event.already_unsubscribed";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_code_stands_twice() {
        let mut codes: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
        codes.sort_unstable();
        let all = codes.len();
        codes.dedup();
        assert_eq!(codes.len(), all);
    }
}
