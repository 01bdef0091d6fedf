//! How a webhook is subscribed to: a token, the wish, the challenge, and the list of what stands.

use serde_json::{Map, Value};

use crate::wire::object::wire_object;

wire_object! {
    /// What a token is asked for with (`/authenticateSystemClient`).
    pub struct Login as "login" {
        /// Our system's id there.
        client_id: String = "client_id", Carried("[opencrvs.subscribe] client_id");
        /// Its secret.
        client_secret: String = "client_secret", Carried("[opencrvs.subscribe] client_secret_file or client_secret_env");
    }
}

wire_object! {
    /// What is answered to it.
    pub struct LoggedIn as "token" {
        /// The token.
        token: String = "token", Carried("Authorization of what follows; forgotten with it");
    }
}

wire_object! {
    /// A wish to be told.
    pub struct Subscribe as "subscribe" {
        /// The wish.
        hub: Wish = "hub", Carried("the wish");
    }
}

wire_object! {
    /// What is wished, and by what it is proven later.
    pub struct Wish as "wish" {
        /// Where webhooks are called.
        callback: String = "callback", Carried("[opencrvs.subscribe] callback");
        /// `subscribe`.
        mode: String = "mode", Carried("always subscribe");
        /// The topic.
        topic: String = "topic", Carried("BIRTH_REGISTERED or DEATH_REGISTERED");
        /// The SHA secret of our system there.
        secret: String = "secret", Carried("[opencrvs] secret_file or secret_env");
    }
}

wire_object! {
    /// What stands.
    pub struct Subscriptions as "subscriptions" {
        /// Each.
        #[serde(default)]
        entries: Vec<Subscription> = "entries", Carried("which topics stand");
    }
}

wire_object! {
    /// One that stands.
    pub struct Subscription as "subscription" {
        /// Its id.
        id: Option<String> = "id", NotCarried("the registry's own");
        /// Where it calls.
        callback: Option<String> = "callback", Carried("judged: ours");
        /// Since when.
        created_at: Option<String> = "createdAt", NotCarried("the registry's own");
        /// Whose.
        created_by: Option<Map<String, Value>> = "createdBy", NotCarried("the registry shows our own alone");
        /// The topic.
        topic: Option<String> = "topic", Carried("judged: which topic stands");
    }
}

wire_object! {
    /// What is answered to a challenge.
    pub struct Challenged as "challenge" {
        /// The challenge.
        challenge: String = "challenge", Carried("as it was asked");
    }
}
