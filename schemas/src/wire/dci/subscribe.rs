//! `subscribe` and `unsubscribe` with their answers: who is told of which events from now on.

use super::Authorize;
use crate::wire::object::wire_object;

/// Most subscriptions of one message, wished for or ended.
pub const SUBSCRIPTIONS_MAX: usize = 20;

wire_object! {
    /// The message of `subscribe`.
    pub struct Subscribe as "subscribe" {
        /// The sender's name of the exchange.
        transaction_id: String = "transaction_id", Carried("repeated in the answer");
        /// The subscriptions that are wished for.
        #[serde(default)]
        requests: Vec<SubscribeRequest> = "subscribe_request", Carried("one subscription each");
    }
}

wire_object! {
    /// One subscription that is wished for.
    pub struct SubscribeRequest as "subscribe_request" {
        /// The sender's name of it, unique in the message.
        reference_id: String = "reference_id", Carried("repeated in the answer");
        /// When it was asked for, ISO 8601 with an offset.
        timestamp: String = "timestamp", NotCarried("judged for its form; the message's own time counts");
        /// Of what it is.
        criteria: SubscribeCriteria = "subscribe_criteria", Carried("the subscription");
        /// Language of the notices.
        locale: Option<String> = "locale", NotCarried("names are told as they are registered");
    }
}

wire_object! {
    /// Of what a subscription is.
    pub struct SubscribeCriteria as "subscribe_criteria" {
        /// Version of the criteria.
        version: Option<String> = "version", NotCarried("the message's version counts");
        /// The registry's kind.
        reg_type: Option<String> = "reg_type", NotCarried("this registry is one");
        /// Births or deaths.
        event_type: Option<String> = "reg_event_type", Carried("SubscribeVitalEventsRequest.kind");
        /// From when until when, and how often.
        frequency: Option<Frequency> = "frequency", Carried("begins_at and ends_at");
        /// How the filter is put.
        filter_type: Option<String> = "filter_type", Carried("judged: idtype-value, where it is there");
        /// Of whom.
        filter: Option<serde_json::Value> = "filter", Carried("SubscribeVitalEventsRequest.pin, of {\"type\":\"UIN\",\"value\":…}; everybody where it is absent or both are *");
        /// The records' kind.
        record_type: Option<String> = "notify_record_type", Carried("judged: CRVSPerson, where it is there");
        /// What for.
        authorize: Option<Authorize> = "authorize", Carried("the purpose, which the agreement must name");
    }
}

wire_object! {
    /// From when until when, and how often.
    pub struct Frequency as "frequency" {
        /// The beginning, ISO 8601 with an offset.
        start_time: Option<String> = "start_time", Carried("begins_at");
        /// The end, ISO 8601 with an offset.
        end_time: Option<String> = "end_time", Carried("ends_at");
        /// A cron expression.
        frequency: Option<String> = "frequency", NotCarried("every event is told as it comes; another wish is refused with rjct.notify_details.invalid");
    }
}

wire_object! {
    /// The message of `on-subscribe`.
    pub struct Subscribed as "on-subscribe" {
        /// As it was asked.
        transaction_id: String = "transaction_id", Carried("the question's");
        /// The answerer's name for the exchange.
        correlation_id: String = "correlation_id", Carried("the evidence id");
        /// An answer per wish, in their order.
        #[serde(default)]
        responses: Vec<SubscribeResponse> = "subscribe_response", Carried("one answer each");
    }
}

wire_object! {
    /// The answer to one wish.
    pub struct SubscribeResponse as "subscribe_response" {
        /// As it was asked.
        reference_id: String = "reference_id", Carried("the wish's");
        /// When it was answered.
        timestamp: String = "timestamp", Carried("the time of the answer");
        /// succ or rjct.
        status: String = "status", Carried("whether there is a subscription");
        /// Why not.
        reason_code: Option<String> = "status_reason_code", Carried("a code of the standard");
        /// In words.
        reason_message: Option<String> = "status_reason_message", Carried("the field that is wrong");
        /// The subscription.
        #[serde(default)]
        subscriptions: Vec<Subscription> = "subscriptions", Carried("VitalSubscription");
        /// Language.
        locale: Option<String> = "locale", NotCarried("never written");
    }
}

wire_object! {
    /// How one subscription stands.
    pub struct Subscription as "subscription" {
        /// The answerer's name of it.
        code: String = "code", Carried("VitalSubscription.code");
        /// subscribe or unsubscribe.
        status: String = "status", Carried("whether it was begun or ended");
        /// When.
        timestamp: Option<String> = "timestamp", Carried("begins_at or ended_at");
    }
}

wire_object! {
    /// The message of `unsubscribe`.
    pub struct Unsubscribe as "unsubscribe" {
        /// The sender's name of the exchange.
        transaction_id: String = "transaction_id", Carried("repeated in the answer");
        /// When it was asked for, ISO 8601 with an offset.
        timestamp: String = "timestamp", NotCarried("judged for its form; the message's own time counts");
        /// The subscriptions that are to end.
        #[serde(default)]
        codes: Vec<String> = "subscription_codes", Carried("UnsubscribeVitalEventsRequest.code");
    }
}

wire_object! {
    /// The message of `on-unsubscribe`.
    pub struct Unsubscribed as "on-unsubscribe" {
        /// As it was asked.
        transaction_id: String = "transaction_id", Carried("the question's");
        /// The answerer's name for the exchange.
        correlation_id: String = "correlation_id", Carried("the evidence id");
        /// When it was answered.
        timestamp: String = "timestamp", Carried("the time of the answer");
        /// succ; rjct where none was ended.
        status: String = "status", Carried("whether any was ended");
        /// Why not.
        reason_code: Option<String> = "status_reason_code", Carried("the code of the first one that was not ended");
        /// In words.
        reason_message: Option<String> = "status_reason_message", Carried("the place of each one that was not ended, and its code");
        /// Those that were ended.
        #[serde(default)]
        subscriptions: Vec<Subscription> = "subscription_status", Carried("those that were ended");
    }
}
