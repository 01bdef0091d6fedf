//! `search` and its answer: one person each, by the person's own number.

use super::Person;
use crate::wire::object::wire_object;

/// Most questions of one message.
pub const SEARCHES_MAX: usize = 20;

wire_object! {
    /// The message of `search`.
    pub struct Search as "search" {
        /// The sender's name of the exchange.
        transaction_id: String = "transaction_id", Carried("repeated in the answer");
        /// The questions.
        #[serde(default)]
        requests: Vec<SearchRequest> = "search_request", Carried("one question each");
    }
}

wire_object! {
    /// One question.
    pub struct SearchRequest as "search_request" {
        /// The sender's name of it, unique in the message.
        reference_id: String = "reference_id", Carried("repeated in the answer");
        /// When it was asked, ISO 8601 with an offset.
        timestamp: String = "timestamp", NotCarried("judged for its form; the message's own time counts");
        /// What is asked.
        criteria: Criteria = "search_criteria", Carried("the question");
        /// Language of the answer.
        locale: Option<String> = "locale", NotCarried("names are told as they are registered");
    }
}

wire_object! {
    /// What is asked.
    pub struct Criteria as "search_criteria" {
        /// Version of the criteria.
        version: Option<String> = "version", NotCarried("the message's version counts");
        /// The registry's kind.
        reg_type: Option<String> = "reg_type", NotCarried("this registry is one");
        /// A birth or a death.
        event_type: Option<String> = "reg_event_type", Carried("FindVitalEventRequest.kind");
        /// The records' kind.
        record_type: Option<String> = "reg_record_type", NotCarried("every record is a CRVSPerson");
        /// How the question is put.
        query_type: String = "query_type", Carried("idtype-value; others are answered with rjct.search_criteria.invalid");
        /// The question in the form of its type.
        query: serde_json::Value = "query", Carried("FindVitalEventRequest.pin, of {\"type\":\"UIN\",\"value\":…}");
        /// In which order.
        #[serde(default)]
        sort: Vec<Sort> = "sort", NotCarried("at most one record is found; refused with rjct.sort.invalid");
        /// Which page.
        pagination: Option<Pagination> = "pagination", Carried("judged: at most one record is found");
        /// What the person has agreed to.
        consent: Option<serde_json::Map<String, serde_json::Value>> = "consent", NotCarried("kept in the journal; the agreement decides");
        /// What for.
        authorize: Option<Authorize> = "authorize", Carried("the purpose, which the agreement must name");
    }
}

wire_object! {
    /// An order of records.
    pub struct Sort as "sort" {
        /// By what.
        attribute: String = "attribute_name", NotCarried("at most one record is found");
        /// asc or desc.
        order: Option<String> = "sort_order", NotCarried("at most one record is found");
    }
}

wire_object! {
    /// A page of records.
    pub struct Pagination as "pagination" {
        /// Records on a page.
        page_size: i64 = "page_size", Carried("judged: 1 or more");
        /// Which page, from 1.
        page_number: Option<i64> = "page_number", Carried("the record stands on page 1");
        /// Records in all.
        total_count: Option<i64> = "total_count", Carried("0 or 1 in the answer");
    }
}

wire_object! {
    /// On whose word something may be asked.
    pub struct Authorize as "authorize" {
        /// When it was given.
        ts: Option<String> = "ts", NotCarried("kept in the journal only");
        /// What for.
        purpose: Option<Purpose> = "purpose", Carried("the purpose");
    }
}

wire_object! {
    /// What for.
    pub struct Purpose as "purpose" {
        /// In words.
        text: Option<String> = "text", NotCarried("kept in the journal only");
        /// As the agreement names it (own profile).
        code: String = "code", Carried("the purpose");
        /// Where it is explained.
        reference: Option<String> = "ref_uri", NotCarried("kept in the journal only; nothing is fetched");
    }
}

wire_object! {
    /// `MsgCallbackHeader`: the header of an answer.
    pub struct CallbackHeader as "header of an answer" {
        /// 1.0.0.
        #[serde(default)]
        version: String = "version", Carried("1.0.0");
        /// The answerer's id of the answer.
        message_id: String = "message_id", Carried("the answer's own id");
        /// When it was made.
        message_ts: String = "message_ts", Carried("the time of the answer");
        /// on-search, on-subscribe, on-unsubscribe or txn-on-status.
        action: String = "action", Carried("the operation");
        /// succ; rjct where no question was answered; pdng where an exchange that was asked about is not over.
        status: String = "status", Carried("whether any question was answered, or an exchange is over");
        /// Why not.
        reason_code: Option<String> = "status_reason_code", Carried("the code of the first question that was not");
        /// In words.
        reason_message: Option<String> = "status_reason_message", NotCarried("each question says it for itself");
        /// How many questions.
        total_count: i64 = "total_count", Carried("how many questions there were");
        /// How many of them were answered.
        #[serde(default)]
        completed_count: i64 = "completed_count", Carried("how many were answered");
        /// The answerer, as the receiver calls it.
        sender_id: String = "sender_id", Carried("receiver_id of the question");
        /// The receiver, as it calls itself.
        receiver_id: String = "receiver_id", Carried("sender_id of the question");
        /// Whether the message is encrypted.
        #[serde(default)]
        is_msg_encrypted: bool = "is_msg_encrypted", Carried("false");
        /// Anything the sender likes.
        meta: Option<serde_json::Map<String, serde_json::Value>> = "meta", NotCarried("never written");
    }
}

wire_object! {
    /// The message of the answer.
    pub struct Found as "on-search" {
        /// As in the question.
        transaction_id: String = "transaction_id", Carried("the question's");
        /// Our name for the exchange.
        correlation_id: String = "correlation_id", Carried("the evidence id");
        /// An answer per question, in their order.
        #[serde(default)]
        responses: Vec<SearchResponse> = "search_response", Carried("one answer each");
    }
}

wire_object! {
    /// The answer to one question.
    pub struct SearchResponse as "search_response" {
        /// As in the question.
        reference_id: String = "reference_id", Carried("the question's");
        /// When it was answered.
        timestamp: String = "timestamp", Carried("the time of the answer");
        /// succ or rjct; in the status of an exchange pdng as well.
        status: String = "status", Carried("whether the question was answered");
        /// Why not.
        reason_code: Option<String> = "status_reason_code", Carried("a code of the standard");
        /// In words.
        reason_message: Option<String> = "status_reason_message", Carried("the field that is wrong");
        /// What was found.
        data: Option<FoundData> = "data", Carried("VitalEvent, as far as the agreement grants its fields");
        /// Which page it is.
        pagination: Option<Pagination> = "pagination", Carried("page 1, and how many records there are");
        /// Language.
        locale: Option<String> = "locale", NotCarried("never written");
    }
}

wire_object! {
    /// What was found.
    pub struct FoundData as "data of an answer" {
        /// The registry's kind.
        reg_type: Option<String> = "reg_type", NotCarried("never written; what we ask is asked of one");
        /// The event; the standard's own answer does not say it.
        #[serde(default)]
        event_type: String = "reg_event_type", Carried("the question's");
        /// CRVSPerson.
        record_type: String = "reg_record_type", Carried("CRVSPerson");
        /// None or one.
        records: Option<Vec<Person>> = "reg_records", Carried("VitalEvent, as far as the agreement grants its fields");
    }
}
