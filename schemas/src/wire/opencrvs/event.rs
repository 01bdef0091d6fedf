//! The trigger of OpenCRVS 2.0: the record as it stands when somebody asks for an action, and how that is confirmed later.
//!
//! What a declaration holds is the country's to say: [`DECLARATION`] is Viet Nam's (own profile).

use serde_json::{Map, Value};

use crate::json::{self, JsonError, Limits};
use crate::wire::object::{Fate, Field, wire_object};

/// The bounds of a trigger: a declaration has more members than any object of 1.x.
pub const EVENT_LIMITS: Limits = Limits {
    bytes_max: 1 << 20,
    depth_max: 16,
    members_max: 512,
    items_max: 500,
};

/// Reads a trigger strictly.
pub fn decode_event(bytes: &[u8]) -> Result<EventDocument, JsonError> {
    json::read(bytes, &EVENT_LIMITS)
}

wire_object! {
    /// A record: what it is of, and everything that was done with it.
    pub struct EventDocument as "EventDocument" {
        /// Its id.
        id: String = "id", Carried("judged: the token's; what is confirmed");
        /// What it is of: `birth` or `death`.
        kind: String = "type", Carried("judged: the path's; the operation");
        /// When it was begun.
        created_at: String = "createdAt", NotCarried("the day of registration counts");
        /// When it was changed last.
        updated_at: Option<String> = "updatedAt", NotCarried("the day of registration counts");
        /// Everything that was done with it, the oldest first.
        #[serde(default)]
        actions: Vec<Action> = "actions", Carried("a birth or a death: what those that were accepted declare, and the one that is asked for");
        /// By what people find it.
        tracking_id: String = "trackingId", Carried("record and case_id, where the action has no registration number");
    }
}

wire_object! {
    /// Something that was done with a record.
    pub struct Action as "action" {
        /// Its id.
        id: String = "id", Carried("the message id; what is confirmed");
        /// The id under which it was asked for.
        transaction_id: Option<String> = "transactionId", NotCarried("the registry's own: what we confirm has a transaction of ours");
        /// What it is, such as `REGISTER`.
        kind: String = "type", Carried("judged: REGISTER");
        /// `Requested`, `Accepted` or `Rejected`.
        status: String = "status", Carried("judged: Requested, of the one that is asked for; of others whether they count");
        /// When.
        created_at: String = "createdAt", Carried("record.registered_on, of the one that is asked for: the day in Viet Nam; the order of all");
        /// Who did it.
        created_by: Option<String> = "createdBy", NotCarried("the registry's own");
        /// What who did it is.
        created_by_user_type: Option<String> = "createdByUserType", NotCarried("the registry's own");
        /// As what.
        created_by_role: Option<String> = "createdByRole", NotCarried("the registry's own");
        /// Under which signature.
        created_by_signature: Option<String> = "createdBySignature", NotCarried("the registry's own");
        /// Where.
        created_at_location: Option<String> = "createdAtLocation", NotCarried("the registry's own");
        /// What it declares.
        declaration: Option<Map<String, Value>> = "declaration", Carried("what the record declares: a later one over an earlier one");
        /// Beside what is declared.
        annotation: Option<Map<String, Value>> = "annotation", NotCarried("for the registry's people");
        /// Of an answer: what it answers.
        original_action_id: Option<String> = "originalActionId", Carried("which action was accepted or rejected");
        /// The number in the register.
        registration_number: Option<String> = "registrationNumber", Carried("record and case_id");
        /// What the action says of itself.
        content: Option<Map<String, Value>> = "content", NotCarried("the registry's own");
        /// Which correction it answers.
        request_id: Option<String> = "requestId", NotCarried("nothing is corrected before it is registered");
        /// Who works on it.
        assigned_to: Option<String> = "assignedTo", NotCarried("the registry's own");
        /// The country's own name of it.
        custom_action_type: Option<String> = "customActionType", NotCarried("the registry's own");
    }
}

wire_object! {
    /// A person's name in a declaration.
    pub struct FullName as "fullname" {
        /// Given name.
        firstname: Option<String> = "firstname", Carried("the name, its last part");
        /// What stands between.
        middlename: Option<String> = "middlename", Carried("the name, its middle part");
        /// Family name.
        surname: Option<String> = "surname", Carried("the name, its first part");
    }
}

wire_object! {
    /// What is said to the core, as its calls have it.
    pub struct Call as "call" {
        /// What is said.
        json: Confirmation = "json", Carried("what became of the action");
    }
}

wire_object! {
    /// What became of an action.
    pub struct Confirmation as "confirmation" {
        /// The record.
        event_id: String = "eventId", Carried("the record's id");
        /// The action.
        action_id: String = "actionId", Carried("the action's id");
        /// Ours: the same each time that it is said.
        transaction_id: String = "transactionId", Carried("`vss-` and the action's id");
        /// The number under which it is registered; of a rejection none.
        registration_number: Option<String> = "registrationNumber", Carried("the number that the case has; only where it is accepted");
    }
}

wire_object! {
    /// What is answered to a call for a token.
    pub struct Granted as "access" {
        /// The token.
        access_token: String = "access_token", Carried("Authorization of what follows; forgotten with it");
        /// `Bearer`.
        token_type: String = "token_type", Carried("judged: Bearer");
        /// How long it lives.
        expires_in: Option<Value> = "expires_in", NotCarried("each is used once, at once");
    }
}

const fn told(wire: &'static str, to: &'static str) -> Field {
    Field {
        object: "declaration",
        wire,
        fate: Fate::Carried(to),
    }
}

/// What of a declaration is carried (own profile); everything else in it is the registry's own.
pub const DECLARATION: &[Field] = &[
    told("child.name", "child.name"),
    told("child.gender", "child.sex; male or female"),
    told("child.dob", "child.birth_date"),
    told("child.nid", "child.pin"),
    told("child.ethnicity", "child.ethnicity"),
    told("child.nationality", "child.nationality"),
    told("child.commune", "child.residence_commune, 5 digits"),
    told("child.addressLine", "child.residence_detail"),
    told("child.initialFacility", "facility"),
    told("child.birthNoticeCode", "birth_notice"),
    told("mother.name", "mother.name"),
    told("mother.dob", "mother.birth_date"),
    told("mother.nid", "mother.pin"),
    told("father.name", "father.name"),
    told("father.dob", "father.birth_date"),
    told("father.nid", "father.pin"),
    told(
        "informant.relation",
        "guardian.relation: MOTHER, FATHER or requester",
    ),
    told("informant.name", "guardian.name, of whoever is no parent"),
    told("deceased.name", "deceased.name"),
    told("deceased.gender", "deceased.sex"),
    told("deceased.dob", "deceased.birth_date"),
    told("deceased.nid", "deceased.pin"),
    told("deceased.deathNoticeCode", "death_notice"),
    told("eventDetails.date", "died_on"),
];
