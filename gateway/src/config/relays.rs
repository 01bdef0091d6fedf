//! Who may carry whose messages: every relay is registered, and those of X-Road are security servers that
//! know the partner by a name.

use std::collections::BTreeMap;

use gateway_core::{
    Road,
    partner::{Partner, Relay},
};
use schemas::id::PartnerId;

use super::{problem::Problem, read::Place};

/// What is wrong: which key, why, and what to do.
type Slip = (&'static str, String, &'static str);

/// Every slip in what the files say about relays.
pub(super) fn check(partners: &[Partner], places: &BTreeMap<PartnerId, Place>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for partner in partners {
        for (index, relay) in partner.relays.iter().enumerate() {
            let carrier = partners.iter().find(|one| one.id == relay.relay);
            let slip = places.get(&partner.id).zip(slip(relay, carrier));
            problems.extend(slip.map(|(place, (key, what, cure))| {
                place.error(&format!("relays.{index}.{key}"), what, cure)
            }));
        }
    }
    problems
}

fn slip(relay: &Relay, carrier: Option<&Partner>) -> Option<Slip> {
    let Some(carrier) = carrier else {
        let what = format!("no partner `{}` is registered", relay.relay);
        return Some(("relay", what, "register the relay with a file of its own"));
    };
    let is_server = carrier.security_server.is_some();
    match (relay.road == Road::XRoad, is_server, &relay.client) {
        (true, false, _) => {
            let what = format!("`{}` is no security server", relay.relay);
            Some(("relay", what, "give its file an [xroad] section"))
        }
        (false, true, _) => {
            let what = format!("`{}` is a security server", relay.relay);
            Some(("road", what, "its road is \"xroad\""))
        }
        (true, true, None) => {
            let what = "the security server knows every partner by a name".to_owned();
            let cure = "add client = \"instance/class/member/subsystem\"";
            Some(("relay", what, cure))
        }
        (false, false, Some(_)) => {
            let what = "only a security server knows partners as clients".to_owned();
            Some(("client", what, "take it out, or correct the road"))
        }
        (true, true, Some(_)) | (false, false, None) => None,
    }
}
