//! The checker of our answers: whose signature, bound to what, and whether the result follows its own logic.

mod person;

use std::collections::BTreeSet;

use certs::xmldsig;

use super::message::NAMESPACE;
use crate::call::{Params, Prepared, Trouble};
use crate::client::Reply;
use crate::clock;
use crate::identity::Identity;
use crate::jws::SKEW_SECONDS_MAX;
use crate::xml::{self, Element};

/// Proves that a reply is the gateway's signed answer to `sent` and gives the body's members.
pub(super) fn proven(
    identity: &Identity,
    sent: &Prepared,
    reply: &Reply,
) -> Result<Params, Trouble> {
    let body = bound_body(identity, sent, reply)?;
    let expected = match sent.operation.as_str() {
        "tax.ping" => "Pong",
        "tax.verify-individual" => "VerifyIndividualResult",
        "tax.verify-many" => "VerifyManyResult",
        "tax.change-notice" => "ChangeNoticeReceipt",
        "tax.dispute" => "DisputeReceipt",
        _ => "VerifyEmployerResult",
    };
    if body.name != expected {
        return Err(Trouble::answer(format!("body element {}", body.name)));
    }
    if expected == "VerifyManyResult" {
        return lines(sent, &body);
    }
    let answer = members(&body)?;
    match expected {
        "VerifyEmployerResult" => follows_its_logic(sent, &answer)?,
        "VerifyIndividualResult" => person::follows_its_logic(sent, &answer)?,
        "DisputeReceipt" => of_what_was_disputed(sent, &answer)?,
        _ => {}
    }
    Ok(answer)
}

/// The receipt names the discrepancy that was disputed.
fn of_what_was_disputed(sent: &Prepared, answer: &Params) -> Result<(), Trouble> {
    let named = answer.get("Discrepancy").map(String::as_str);
    let named = format!("<Discrepancy>{}</Discrepancy>", named.unwrap_or_default());
    let asked = String::from_utf8_lossy(&sent.body);
    match asked.contains(&named) && answer.contains_key("DisputedAt") {
        true => Ok(()),
        false => Err(Trouble::answer("a receipt of another discrepancy")),
    }
}

/// Proves that a fault is signed by the gateway and bound to `sent`: so it is from the permit room on.
pub(crate) fn bound_fault(
    identity: &Identity,
    sent: &Prepared,
    reply: &Reply,
) -> Result<(), Trouble> {
    match bound_body(identity, sent, reply)?.name.as_str() {
        "Fault" => Ok(()),
        other => Err(Trouble::answer(format!("body element {other}"))),
    }
}

/// The body element of a signed answer to `sent`.
fn bound_body(identity: &Identity, sent: &Prepared, reply: &Reply) -> Result<Element, Trouble> {
    let profile = xmldsig::Profile {
        algorithms: vec![identity.gateway_algorithm],
        ..xmldsig::Profile::default()
    };
    let proven = xmldsig::verify(&reply.body, &identity.gateway_key, &profile)
        .map_err(|error| Trouble::answer(error.reason()))?;
    let canonical =
        std::str::from_utf8(proven.canonical()).map_err(|_| Trouble::answer("utf-8"))?;
    let mut root = xml::read(canonical).ok_or_else(|| Trouble::answer("not canonical XML"))?;
    bound(identity, sent, &root)?;
    match (root.children.pop(), root.children.as_slice()) {
        (Some(body), [header]) if header.name == "Header" => Ok(body),
        _ => Err(Trouble::answer(
            "an answer has a header and one body element",
        )),
    }
}

/// Every header element says what it must, and the binding is to this message and content.
fn bound(identity: &Identity, sent: &Prepared, root: &Element) -> Result<(), Trouble> {
    let header = root
        .child("Header")
        .ok_or_else(|| Trouble::answer("no Header"))?;
    let says = |name: &str, text: &str| header.text_of(name) == Some(text);
    let id = header.text_of("MessageId").unwrap_or_default();
    for (holds, what) in [
        (root.name == "TaxMessage", "root"),
        (root.attribute("xmlns") == Some(NAMESPACE), "namespace"),
        (root.attribute("Id") == Some(&format!("m-{id}")), "root-id"),
        (says("Direction", "answer"), "direction"),
        (says("Environment", &identity.environment), "environment"),
        (says("Sender", identity.receiver.as_str()), "sender"),
        (says("Receiver", identity.partner.as_str()), "receiver"),
        (says("Operation", &sent.operation), "operation"),
        (says("InReplyTo", &sent.id), "message-id-binding"),
        (
            says("RequestDigest", &hex::encode(sent.digest)),
            "digest-binding",
        ),
        (
            header.text_of("SentAt").is_some_and(not_from_the_future),
            "time",
        ),
    ] {
        if !holds {
            return Err(Trouble::answer(what));
        }
    }
    Ok(())
}

/// An old answer may be the stored one, for it is bound to id and content.
fn not_from_the_future(at: &str) -> bool {
    let ahead = |at: jiff::Timestamp| at.as_second() - clock::now().as_second();
    at.parse().is_ok_and(|at| ahead(at) <= SKEW_SECONDS_MAX)
}

fn members(body: &Element) -> Result<Params, Trouble> {
    let mut answer = Params::new();
    for child in &body.children {
        let text = match child.children.as_slice() {
            [] => child.text.clone(),
            items => items
                .iter()
                .map(|item| item.text.as_str())
                .collect::<Vec<_>>()
                .join(","),
        };
        if answer.insert(child.name.clone(), text).is_some() {
            return Err(Trouble::answer(format!("{} stands twice", child.name)));
        }
    }
    Ok(answer)
}

/// One line for each key, in the order asked; gives each line's result or code, joined by commas.
fn lines(sent: &Prepared, body: &Element) -> Result<Params, Trouble> {
    let text = String::from_utf8_lossy(&sent.body);
    let end = text.find("<Purpose>").unwrap_or(text.len());
    let asked = text.get(..end).unwrap_or_default();
    let keys = ["<Mst>", "<Pin>", "<SiNumber>"]
        .iter()
        .flat_map(|tag| asked.match_indices(tag).map(move |(at, _)| at + tag.len()))
        .collect::<BTreeSet<_>>();
    let key = |at: &usize| asked.get(*at..)?.split('<').next();
    let keys: Vec<&str> = keys.iter().filter_map(key).collect();
    let (mut told, mut results) = (Vec::new(), Vec::new());
    for line in &body.children {
        let result = line
            .children
            .first()
            .ok_or_else(|| Trouble::answer("an empty line"))?;
        let of = |name: &str| result.text_of(name).map(str::to_owned);
        let subject = result.child("Subject").and_then(|one| one.children.first());
        told.push(
            of("Key")
                .or(of("Mst"))
                .or(subject.map(|one| one.text.clone())),
        );
        results.push(of("Code").or(of("Result")).unwrap_or_default());
    }
    let same = told.len() == keys.len()
        && told
            .iter()
            .zip(&keys)
            .all(|(told, key)| told.as_deref() == Some(*key));
    match same {
        true => Ok([("Lines".to_owned(), results.join(","))].into()),
        false => Err(Trouble::answer("other lines than were asked")),
    }
}

/// The four results of Circular 13/2017/TT-BTTTT and the disclosure by field.
fn follows_its_logic(sent: &Prepared, answer: &Params) -> Result<(), Trouble> {
    follows(&Asked::read(sent)?, answer)
}

/// The same in whatever words it was asked.
pub(super) fn follows(asked: &Asked, answer: &Params) -> Result<(), Trouble> {
    let result = answer.get("Result").map(String::as_str).unwrap_or_default();
    let withheld: BTreeSet<_> = answer
        .get("NotDisclosed")
        .map(|list| list.split(',').map(str::to_owned).collect())
        .unwrap_or_default();
    let disclosed: BTreeSet<_> = super::FIELDS
        .iter()
        .filter(|field| answer.contains_key(&element_of(field)))
        .map(|field| (*field).to_owned())
        .collect();
    let told: BTreeSet<_> = withheld.union(&disclosed).cloned().collect();
    let figures = FIGURES.iter().any(|field| disclosed.contains(*field));
    for (holds, what) in [
        (answer.get("Mst") == Some(&asked.mst), "another Mst"),
        (
            answer.get("Period") == Some(&asked.period),
            "another Period",
        ),
        (RESULTS.contains(&result), "an unknown Result"),
        (
            told.is_subset(&asked.fields),
            "a field that was not asked for",
        ),
        (
            withheld.is_disjoint(&disclosed),
            "a field both disclosed and withheld",
        ),
        (
            // an employer may never have declared a change
            result != "hasData"
                || asked
                    .fields
                    .difference(&told)
                    .all(|field| field == "lastD02"),
            "a field asked for and neither told nor withheld",
        ),
        (
            result != "hasData" || !disclosed.is_empty(),
            "hasData without data",
        ),
        (
            result != "incomplete" || !figures,
            "figures of a month that is not closed",
        ),
        (
            !["noData", "notPermitted"].contains(&result) || disclosed.is_empty(),
            "data beside no data",
        ),
        (adds_up(answer), "bands of arrears that do not add up"),
    ] {
        if !holds {
            return Err(Trouble::answer(what));
        }
    }
    Ok(())
}

/// The age of the arrears explains all of them.
fn adds_up(answer: &Params) -> bool {
    let (Some(bands), Some(arrears)) = (answer.get("Ageing"), answer.get("Arrears")) else {
        return true;
    };
    let bands: Result<Vec<i64>, _> = bands.split(',').map(str::parse).collect();
    let owed: Result<i64, _> = arrears.parse();
    matches!((bands, owed), (Ok(bands), Ok(owed)) if bands.iter().sum::<i64>() == owed.max(0))
}

/// What the message asked, read back from the bytes that went out.
pub(super) struct Asked {
    pub(super) mst: String,
    pub(super) period: String,
    pub(super) fields: BTreeSet<String>,
}

impl Asked {
    fn read(sent: &Prepared) -> Result<Self, Trouble> {
        let text = String::from_utf8_lossy(&sent.body);
        let body = text
            .find("<VerifyEmployer>")
            .zip(text.find("</VerifyEmployer>"))
            .and_then(|(start, end)| text.get(start..end + "</VerifyEmployer>".len()))
            .and_then(xml::read)
            .ok_or_else(|| Trouble::answer("the request cannot be read back"))?;
        let text_of = |name: &str| body.text_of(name).unwrap_or_default().to_owned();
        let fields = body
            .child("Fields")
            .into_iter()
            .flat_map(|fields| fields.all("Field"));
        Ok(Self {
            mst: text_of("Mst"),
            period: text_of("Period"),
            fields: fields.map(|field| field.text.clone()).collect(),
        })
    }
}

/// `participationState` is asked for, `ParticipationState` is told.
fn element_of(field: &str) -> String {
    let mut letters = field.chars();
    letters
        .next()
        .map(|first| first.to_ascii_uppercase())
        .into_iter()
        .chain(letters)
        .collect()
}

const RESULTS: [&str; 4] = ["hasData", "noData", "notPermitted", "incomplete"];

const FIGURES: [&str; 6] = ["participants", "fund", "due", "paid", "arrears", "ageing"];

/// What the insurance database says about an employer; absent means not disclosed or not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmployerFacts {
    /// One of the four results.
    pub result: String,
    /// `active`, `suspended` or `closed`.
    pub participation: Option<String>,
    /// People insured in the month.
    pub participants: Option<u32>,
    /// Contribution salary fund, VND.
    pub fund: Option<i64>,
    /// Due for the month, VND.
    pub due: Option<i64>,
    /// Paid in the month, VND.
    pub paid: Option<i64>,
    /// Owed at the end of the month, VND; negative is overpaid.
    pub arrears: Option<i64>,
    /// Fields that were asked for and not agreed.
    pub not_disclosed: Vec<String>,
}

impl EmployerFacts {
    /// Reads the members of a proven answer.
    pub fn read(answer: &Params) -> Result<Self, Trouble> {
        let list = answer
            .get("NotDisclosed")
            .map(String::as_str)
            .unwrap_or_default();
        Ok(Self {
            result: answer.get("Result").cloned().unwrap_or_default(),
            participation: answer.get("ParticipationState").cloned(),
            participants: number(answer, "Participants")?,
            fund: number(answer, "Fund")?,
            due: number(answer, "Due")?,
            paid: number(answer, "Paid")?,
            arrears: number(answer, "Arrears")?,
            not_disclosed: list
                .split(',')
                .filter(|name| !name.is_empty())
                .map(str::to_owned)
                .collect(),
        })
    }

    /// One line for people: figures of an employer, nobody's personal data.
    pub fn summary(&self) -> String {
        let shown = |value: Option<i64>| value.map_or("-".to_owned(), |value| value.to_string());
        format!(
            "{}, {} participants, fund {} VND, arrears {} VND, not disclosed: {}",
            self.participation.as_deref().unwrap_or("-"),
            shown(self.participants.map(i64::from)),
            shown(self.fund),
            shown(self.arrears),
            self.not_disclosed.len()
        )
    }
}

fn number<T: std::str::FromStr>(answer: &Params, name: &str) -> Result<Option<T>, Trouble> {
    answer
        .get(name)
        .map(|text| {
            text.parse()
                .map_err(|_| Trouble::answer(format!("{name} is no number")))
        })
        .transpose()
}

/// The digest that an answer must name, for a document of whatever body.
#[cfg(test)]
fn digest_of(body: &str) -> [u8; 32] {
    certs::digest::content_digest("tax.verify-employer", "tax", "vss", body.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::super::message::{self, Draft};
    use super::*;
    use crate::identity::tests::write_agency;

    const RESULT: &str = "<VerifyEmployerResult><Result>hasData</Result><Mst>9999999997</Mst>\
        <Period>2026-09</Period><Fund>120</Fund><NotDisclosed><Field>arrears</Field></NotDisclosed></VerifyEmployerResult>";

    struct Scene {
        _folder: tempfile::TempDir,
        identity: Identity,
        sent: Prepared,
    }

    fn scene() -> Scene {
        let folder = tempfile::tempdir().unwrap();
        write_agency(folder.path(), "tax");
        let identity = Identity::load(folder.path()).unwrap();
        let body = message::verify_employer("9999999997", "2026-09", "fund,arrears", "x");
        let sent = Draft::new(&identity, "tax.verify-employer", body)
            .sign(&identity.sign)
            .unwrap();
        Scene {
            _folder: folder,
            identity,
            sent,
        }
    }

    /// The test's gateway signs with the agency's own key, which stands in gateway-sign.pem.
    fn answer(scene: &Scene, bend: impl Fn(String) -> String) -> Reply {
        let canonical = format!(
            "<TaxMessage xmlns=\"{NAMESPACE}\" Id=\"m-answer-01\"><Header><MessageId>answer-01</MessageId>\
             <SentAt>2026-11-22T05:00:00Z</SentAt><Environment>sandbox</Environment><Direction>answer</Direction>\
             <Sender>vss</Sender><Receiver>tax</Receiver><Operation>tax.verify-employer</Operation>\
             <InReplyTo>{}</InReplyTo><RequestDigest>{}</RequestDigest></Header>{RESULT}</TaxMessage>",
            scene.sent.id,
            hex::encode(scene.sent.digest),
        );
        let canonical = bend(canonical);
        let key = &scene.identity.sign;
        let body = xmldsig::sign_enveloped(canonical.as_bytes(), "m-answer-01", key, None).unwrap();
        Reply {
            status: 200,
            headers: http::HeaderMap::new(),
            body: body.into(),
        }
    }

    #[test]
    fn the_request_digest_is_over_the_body_element_as_it_stands() {
        let scene = scene();
        let body = message::verify_employer("9999999997", "2026-09", "fund,arrears", "x");
        assert_eq!(scene.sent.digest, digest_of(&body));
    }

    #[test]
    fn a_proven_answer_gives_its_facts() {
        let scene = scene();
        let answer = proven(&scene.identity, &scene.sent, &answer(&scene, |text| text)).unwrap();
        let facts = EmployerFacts::read(&answer).unwrap();
        assert_eq!(
            (facts.fund, facts.not_disclosed),
            (Some(120), vec!["arrears".to_owned()])
        );
    }

    #[test]
    fn an_answer_bound_to_something_else_or_without_logic_is_refused_by_name() {
        let scene = scene();
        for (from, to, why) in [
            ("<Direction>answer<", "<Direction>request<", "direction"),
            ("<Environment>sandbox<", "<Environment>test<", "environment"),
            ("<SentAt>2026-", "<SentAt>2126-", "time"),
            ("<InReplyTo>", "<InReplyTo>x", "message-id-binding"),
            ("<RequestDigest>", "<RequestDigest>0", "digest-binding"),
            ("<Receiver>tax<", "<Receiver>portal<", "receiver"),
            ("<Mst>9999999997<", "<Mst>9999999972<", "another Mst"),
            (
                "<Fund>120</Fund>",
                "<Paid>1</Paid>",
                "a field that was not asked for",
            ),
            (
                "<Fund>120</Fund>",
                "",
                "a field asked for and neither told nor withheld",
            ),
            ("hasData", "noData", "data beside no data"),
            (
                "hasData",
                "incomplete",
                "figures of a month that is not closed",
            ),
            (
                "<Field>arrears<",
                "<Field>fund<",
                "a field both disclosed and withheld",
            ),
        ] {
            let bent = answer(&scene, |text| text.replacen(from, to, 1));
            let refused = proven(&scene.identity, &scene.sent, &bent);
            assert!(
                matches!(&refused, Err(Trouble::Answer(word)) if word == why),
                "{why}: {refused:?}"
            );
        }
    }

    #[test]
    fn an_answer_that_was_changed_after_signing_is_refused() {
        let scene = scene();
        let mut reply = answer(&scene, |text| text);
        let text = String::from_utf8(reply.body.to_vec())
            .unwrap()
            .replace("<Fund>120<", "<Fund>121<");
        reply.body = text.into();
        let refused = proven(&scene.identity, &scene.sent, &reply);
        assert!(
            matches!(&refused, Err(Trouble::Answer(word)) if word == "digest-mismatch"),
            "{refused:?}"
        );
    }
}
