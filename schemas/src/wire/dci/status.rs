//! `txn-status` and its answer: what became of an exchange that was begun before.

use crate::wire::object::wire_object;

wire_object! {
    /// The message of `txn-status`.
    pub struct TxnStatus as "txn-status" {
        /// The sender's name of this exchange; of a list of references, of the exchange that they were asked in.
        transaction_id: String = "transaction_id", Carried("repeated in the answer; where references are named, the exchange that is asked about");
        /// What is asked.
        request: TxnStatusRequest = "txnstatus_request", Carried("the question");
    }
}

wire_object! {
    /// Which exchange is asked about.
    pub struct TxnStatusRequest as "txnstatus_request" {
        /// The sender's name of the question.
        reference_id: String = "reference_id", Carried("judged for its form");
        /// What was begun: search, subscribe or unsubscribe.
        txn_type: String = "txn_type", Carried("what was begun");
        /// By what it is named.
        attribute_type: String = "attribute_type", Carried("by what the exchange is named");
        /// Its name: a text, or a list of references.
        attribute_value: serde_json::Value = "attribute_value", Carried("the exchange, or which of its questions or subscriptions");
        /// Language of the answer.
        locale: Option<String> = "locale", NotCarried("there are no words in the answer");
    }
}

wire_object! {
    /// The message of the answer.
    pub struct TxnStatusTold as "txn-on-status" {
        /// As in the question.
        transaction_id: String = "transaction_id", Carried("the question's");
        /// Our name for the exchange of the question.
        correlation_id: String = "correlation_id", Carried("the evidence id");
        /// The answer.
        response: TxnStatusResponse = "txnstatus_response", Carried("the answer");
    }
}

wire_object! {
    /// What became of the exchange that was asked about.
    pub struct TxnStatusResponse as "txnstatus_response" {
        /// As in the question.
        txn_type: String = "txn_type", Carried("the question's");
        /// The message of its callback, each part with its status and without what was found.
        txn_status: serde_json::Value = "txn_status", Carried("the exchange's own ids, and pdng, succ or rjct of each part; what was found is told in on-search alone");
    }
}
