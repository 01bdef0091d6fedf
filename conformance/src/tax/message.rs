//! The emitter: exclusive-canonical by construction, so that the signature is over exactly these bytes.

use certs::digest::content_digest;
use certs::keys::SigningKey;

use super::{PERSON_FIELDS, PURPOSE};
use crate::call::{Params, Prepared, Trouble};
use crate::clock;
use crate::identity::Identity;
use crate::jws::fresh_id;
use crate::xml::escape;

/// The route of every message of these words.
pub(crate) const PATH: &str = "/tax/v1/messages";

/// The namespace of the schema.
pub(crate) const NAMESPACE: &str = "urn:vn:lienthong:tax:v1";

/// A message before it is signed; the rules bend its parts.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) id: String,
    pub(crate) sent_at: String,
    pub(crate) environment: String,
    pub(crate) direction: &'static str,
    pub(crate) sender: String,
    pub(crate) receiver: String,
    pub(crate) operation: String,
    /// The body element, canonical.
    pub(crate) body: String,
}

impl Draft {
    pub(crate) fn new(identity: &Identity, operation: &str, body: String) -> Self {
        Self {
            id: fresh_id(identity),
            sent_at: clock::rfc3339(clock::now()),
            environment: identity.environment.clone(),
            direction: "request",
            sender: identity.partner.to_string(),
            receiver: identity.receiver.to_string(),
            operation: operation.to_owned(),
            body,
        }
    }

    /// The canonical root without its signature.
    pub(crate) fn canonical(&self) -> String {
        let header: String = [
            ("MessageId", self.id.as_str()),
            ("SentAt", &self.sent_at),
            ("Environment", &self.environment),
            ("Direction", self.direction),
            ("Sender", &self.sender),
            ("Receiver", &self.receiver),
            ("Operation", &self.operation),
        ]
        .iter()
        .map(|(name, text)| element(name, text))
        .collect();
        format!(
            "<TaxMessage xmlns=\"{NAMESPACE}\" Id=\"{}\"><Header>{header}</Header>{}</TaxMessage>",
            self.root_id(),
            self.body
        )
    }

    pub(crate) fn root_id(&self) -> String {
        format!("m-{}", self.id)
    }

    pub(crate) fn sign(&self, key: &SigningKey) -> Result<Prepared, Trouble> {
        let canonical = self.canonical();
        let signed =
            certs::xmldsig::sign_enveloped(canonical.as_bytes(), &self.root_id(), key, None)
                .map_err(|error| Trouble::Sign(error.to_string()))?;
        Ok(self.prepared(signed))
    }

    /// This message with a document that somebody else made.
    pub(crate) fn prepared(&self, document: Vec<u8>) -> Prepared {
        Prepared {
            operation: self.operation.clone(),
            id: self.id.clone(),
            answers_to: self.id.clone(),
            digest: content_digest(
                &self.operation,
                &self.sender,
                &self.receiver,
                self.body.as_bytes(),
            ),
            path: PATH,
            content_type: "application/xml; charset=utf-8",
            signature: None,
            body: document,
        }
    }
}

/// `Ping`, with a nonce that comes back.
pub(crate) fn ping(nonce: Option<&str>) -> String {
    format!(
        "<Ping>{}</Ping>",
        nonce
            .map(|nonce| element("Nonce", nonce))
            .unwrap_or_default()
    )
}

/// `VerifyEmployer`; `fields` joined by commas.
pub(crate) fn verify_employer(mst: &str, period: &str, fields: &str, purpose: &str) -> String {
    verify_branch(mst, None, period, fields, purpose)
}

/// The same with the enterprise under which the branch is kept.
pub(crate) fn verify_branch(
    mst: &str,
    parent: Option<&str>,
    period: &str,
    fields: &str,
    purpose: &str,
) -> String {
    let parent = parent.map(|parent| element("Parent", parent));
    format!(
        "<VerifyEmployer>{}{}{}{}{}</VerifyEmployer>",
        element("Mst", mst),
        parent.unwrap_or_default(),
        element("Period", period),
        list(fields),
        element("Purpose", purpose)
    )
}

/// `VerifyIndividual` from the parameters of the operation.
pub(super) fn verify_individual(params: &Params) -> String {
    let of = |element_name: &str, key: &str| {
        let text = params.get(key).map(|text| element(element_name, text));
        text.unwrap_or_default()
    };
    let subject = of("Pin", "pin") + &of("Mst", "mst") + &of("SiNumber", "si_number");
    let claim = [
        of("Name", "name"),
        of("BirthDate", "birth_date"),
        of("MonthsContributed", "months"),
        of("BaseTotal", "base"),
    ]
    .concat();
    let asked = match claim.as_str() {
        "" => list(
            params
                .get("fields")
                .map_or(&*PERSON_FIELDS.join(","), |fields| fields),
        ),
        claim => format!("<Claim>{claim}</Claim>"),
    };
    format!(
        "<VerifyIndividual><Subject>{subject}</Subject>{}{}{}{asked}{}</VerifyIndividual>",
        of("Year", "year"),
        of("From", "from"),
        of("To", "to"),
        element(
            "Purpose",
            params.get("purpose").map_or(PURPOSE, |text| text)
        ),
    )
}

/// `VerifyMany` of employers; keys and fields joined by commas.
pub(crate) fn verify_many(keys: &str, period: &str, fields: &str) -> String {
    let keys: String = keys.split(',').map(|key| element("Mst", key)).collect();
    format!(
        "<VerifyMany><Employers>{}{}{keys}</Employers>{}</VerifyMany>",
        element("Period", period),
        list(fields),
        element("Purpose", PURPOSE),
    )
}

/// `VerifyMany` of persons by PIN, over one month.
pub(super) fn verify_many_people(pins: &str, period: &str, fields: &str) -> String {
    let keys: String = pins.split(',').map(|pin| element("Pin", pin)).collect();
    format!(
        "<VerifyMany><Individuals>{}{}{}{keys}</Individuals>{}</VerifyMany>",
        element("From", period),
        element("To", period),
        list(fields),
        element("Purpose", PURPOSE),
    )
}

/// What a change notice tells.
pub(super) struct Notice<'a> {
    pub(super) mst: &'a str,
    pub(super) kind: &'a str,
    pub(super) effective_on: &'a str,
    pub(super) status: &'a str,
    /// Before and now; told with a headcount only.
    pub(super) headcount: (&'a str, &'a str),
}

/// `ChangeNotice` of a status or a headcount.
pub(super) fn change_notice(notice: &Notice<'_>) -> String {
    let (before, now) = notice.headcount;
    let counts = match notice.kind {
        "headcount" => element("HeadcountBefore", before) + &element("Headcount", now),
        _ => String::new(),
    };
    format!(
        "<ChangeNotice>{}{}{}{}{counts}{}</ChangeNotice>",
        element("Mst", notice.mst),
        element("Kind", notice.kind),
        element("EffectiveOn", notice.effective_on),
        element("Status", notice.status),
        element("Purpose", PURPOSE),
    )
}

/// `Dispute` of one discrepancy.
pub(super) fn dispute(discrepancy: &str, reason: &str) -> String {
    format!(
        "<Dispute>{}{}{}</Dispute>",
        element("Discrepancy", discrepancy),
        element("Reason", reason),
        element("Purpose", PURPOSE),
    )
}

fn list(fields: &str) -> String {
    let fields: String = fields
        .split(',')
        .map(|field| element("Field", field.trim()))
        .collect();
    format!("<Fields>{fields}</Fields>")
}

fn element(name: &str, text: &str) -> String {
    format!("<{name}>{}</{name}>", escape(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::tests::write_agency;

    #[test]
    fn what_is_signed_here_verifies_and_gives_the_same_canonical_bytes_back() {
        let folder = tempfile::tempdir().unwrap();
        write_agency(folder.path(), "tax");
        let identity = Identity::load(folder.path()).unwrap();
        let body = verify_employer("9999999997", "2026-09", "fund,arrears", "a&b");
        let draft = Draft::new(&identity, "tax.verify-employer", body);
        let sent = draft.sign(&identity.sign).unwrap();
        let profile = certs::xmldsig::Profile::default();
        let proven = certs::xmldsig::verify(&sent.body, &identity.gateway_key, &profile).unwrap();
        assert_eq!(proven.canonical(), draft.canonical().as_bytes());
        let root = crate::xml::read(&draft.canonical()).unwrap();
        let request = root.child("VerifyEmployer").unwrap();
        assert_eq!(request.text_of("Purpose"), Some("a&b"));
        assert_eq!(request.child("Fields").unwrap().all("Field").count(), 2);
    }
}
