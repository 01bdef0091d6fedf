//! What every rule says in the same words.

pub(super) use schemas::fault::FaultCode;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemas::wire::xroad;
use serde_json::Value;

pub(super) use super::{Context, Rule, Stop};
use crate::call::{self, Fault, Prepared, Trouble};
use crate::client::{Client, Error, Reply};
use crate::dvclt::Registry;
use crate::security_server::{
    self, Exchanged,
    soap::{self, Letter, SoapFault},
};
use crate::tax::Department;

/// A case that nobody has sent.
pub(super) const CASE: &str = "G22.99.08-260101-000001";

pub(super) fn holds(holds: bool, what: &str) -> Result<(), Stop> {
    if holds {
        Ok(())
    } else {
        Err(Stop::Failed(what.to_owned()))
    }
}

pub(super) fn not_run(why: String) -> Result<(), Stop> {
    Err(Stop::NotRun(why))
}

/// A fresh, good `tax.ping` that was not sent yet.
pub(super) fn ping(tax: &Department) -> Result<Prepared, Stop> {
    Ok(tax.prepare(
        "tax.ping",
        &[("nonce".to_owned(), "rule".to_owned())].into(),
    )?)
}

/// The same message is answered on a good connection: else a refusal would prove nothing.
pub(super) async fn control(tax: &Department) -> Result<(), Stop> {
    answered(tax, &ping(tax)?).await.map(drop)
}

/// Sends a message that must be answered, proves the answer and gives the reply.
pub(super) async fn answered(tax: &Department, sent: &Prepared) -> Result<Reply, Stop> {
    let reply = tax.client().send(sent.request()?).await?;
    tax.judge(sent, &reply)?;
    Ok(reply)
}

/// A client with a wrong certificate sends a good message and must not get one byte of HTTP.
pub(super) async fn turned_away(tax: &Department, client: &Client) -> Result<(), Stop> {
    match client.raw(&ping(tax)?.raw("Host: localhost\r\n")).await {
        Ok(seen) => match seen.reply {
            None => holds(seen.closed, "the connection stayed open"),
            Some(reply) => Err(Stop::Failed(format!(
                "answered with status {}",
                reply.status
            ))),
        },
        Err(Error::Handshake(_) | Error::Broken(_)) => Ok(()),
        Err(other) => Err(other.into()),
    }
}

/// The reply to a body that is signed as it is.
pub(super) async fn signed(tax: &Department, operation: &str, body: String) -> Result<Reply, Stop> {
    let draft = crate::tax::Draft::new(tax.identity(), operation, body);
    let sent = draft.sign(&tax.identity().sign)?;
    Ok(tax.client().send(sent.request()?).await?)
}

/// The reply to exact bytes.
pub(super) async fn raw(tax: &Department, bytes: &[u8]) -> Result<Reply, Stop> {
    let seen = tax.client().raw(bytes).await?;
    seen.reply
        .ok_or_else(|| Stop::Failed("the connection was closed without a reply".to_owned()))
}

/// The fault of a reply that must be one.
pub(super) fn fault_of(reply: &Reply) -> Result<Fault, Stop> {
    let none = || Stop::Failed("it was answered, not refused".to_owned());
    call::fault(reply)?.ok_or_else(none)
}

/// Demands this fault: its code in header and body, its HTTP status, one of these reasons, an evidence id.
pub(super) fn refused(reply: &Reply, code: FaultCode, reasons: &[&str]) -> Result<(), Stop> {
    let (told, row) = (fault_of(reply)?, code.row());
    if told.code == FaultCode::RateLimited.row().code && code != FaultCode::RateLimited {
        return Err(Stop::Limited);
    }
    let reason = told.reason.as_deref().unwrap_or_default();
    holds(
        told.code == row.code,
        &format!("fault {told} instead of {}", row.code),
    )?;
    holds(
        reasons.contains(&reason),
        &format!("reason {reason} instead of {}", reasons.join(" or ")),
    )?;
    holds(
        reply.status == row.http,
        &format!("status {} instead of {}", reply.status, row.http),
    )?;
    holds(call::evidence(reply).is_some(), "no Lienthong-Evidence")
}

/// Demands that a fault names this wire field.
pub(super) fn about(reply: &Reply, field: &str) -> Result<(), Stop> {
    let told = fault_of(reply)?;
    holds(
        told.field.as_deref() == Some(field),
        &format!("fault {told} does not name {field}"),
    )
}

/// A signed document changed after it was signed; nothing to change is a mistake of the rule.
pub(super) fn edited<T>(sent: Prepared, edit: impl FnOnce(String) -> T) -> Result<Prepared, Stop>
where
    T: Into<Option<String>>,
{
    let before = String::from_utf8_lossy(&sent.body).into_owned();
    let after: Option<String> = edit(before.clone()).into();
    match after {
        Some(after) if after != before => Ok(Prepared {
            body: after.into_bytes(),
            ..sent
        }),
        _ => Err(Stop::Failed(
            "the rule could not change the document".to_owned(),
        )),
    }
}

/// A hospital's form whose document was changed after it was signed.
pub(super) fn bent_notice(
    sent: Prepared,
    bend: impl FnOnce(&str) -> String,
) -> Result<Prepared, Stop> {
    let failed = || Stop::Failed("the rule could not change the document".to_owned());
    let mut form: Value = serde_json::from_slice(&sent.body).map_err(|_| failed())?;
    let file = form["fileBase64Str"].as_str().ok_or_else(failed)?;
    let document = STANDARD.decode(file).map_err(|_| failed())?;
    let before = String::from_utf8(document).map_err(|_| failed())?;
    let after = bend(&before);
    if after == before {
        return Err(failed());
    }
    form["fileBase64Str"] = STANDARD.encode(after).into();
    Ok(Prepared {
        body: form.to_string().into_bytes(),
        ..sent
    })
}

/// The document without its signature, and the signature.
pub(super) fn cut_signature(text: &str) -> Option<(String, String)> {
    let start = text.find("<ds:Signature ")?;
    let end = text.find("</ds:Signature>")? + "</ds:Signature>".len();
    let signature = text.get(start..end)?.to_owned();
    Some((
        format!("{}{}", text.get(..start)?, text.get(end..)?),
        signature,
    ))
}

/// Sends a synthetic birth whose form was changed before it was signed.
pub(super) async fn bent_birth(
    registry: &Registry,
    bend: impl FnOnce(&mut Value),
) -> Result<Reply, Stop> {
    let birth = registry.next_birth()?;
    let (mut form, mut envelope) = (birth.form(), birth.envelope());
    bend(&mut form);
    envelope["data"] = form.to_string().into();
    let mut draft = registry.birth_draft(&birth);
    draft.body = envelope.to_string().into_bytes();
    Ok(registry
        .client()
        .send(draft.sign(&registry.identity().sign)?.request()?)
        .await?)
}

/// An applicant who is in no database.
pub(super) fn applicant(card: &str, pin: &str, birth_date: &str) -> call::Params {
    [
        ("name", "Người Vô Danh"),
        ("card", card),
        ("pin", pin),
        ("birth_date", birth_date),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

/// A dossier by somebody who is not the holder of the card, signed by the portal: it changes nothing.
pub(super) fn others_dossier(context: &Context) -> Result<Prepared, Stop> {
    let portal = context.portal()?;
    let draft = portal.draft(&applicant("DN4019900000007", "099093999999", "1993-01-01"))?;
    Ok(draft.sign(&portal.identity().sign)?)
}

/// The reply to such a dossier through the security server, after `bend` has had its way with the request.
pub(super) async fn brought(
    context: &Context,
    bend: impl FnOnce(&mut http::Request<bytes::Bytes>) -> Result<(), Trouble>,
) -> Result<Reply, Stop> {
    let server = context.server()?;
    let mut request = server.bring(security_server::PORTAL, &others_dossier(context)?)?;
    bend(&mut request)?;
    Ok(server.send(request).await?)
}

/// Demands an error of the road: code in header, `X-Road-Error` and body, reason, status, no id.
pub(super) fn refused_on_the_road(
    reply: &Reply,
    code: FaultCode,
    reason: &str,
) -> Result<(), Stop> {
    let row = code.row();
    let told = reply.header("lienthong-fault").unwrap_or_default();
    if told == FaultCode::RateLimited.row().code {
        return Err(Stop::Limited);
    }
    holds(
        told == row.code,
        &format!("fault {told} instead of {}", row.code),
    )?;
    holds(
        reply.status == row.http,
        &format!("status {}", reply.status),
    )?;
    let body = xroad::ErrorBody::decode(&reply.body);
    let body = body.ok_or_else(|| Stop::Failed("no type, message and detail".to_owned()))?;
    let header = reply.header(xroad::ERROR).unwrap_or_default();
    holds(
        header == body.kind && xroad::canonical(header) == xroad::code_of(code),
        &format!("X-Road-Error {header}, type {}", body.kind),
    )?;
    holds(
        body.message.ends_with(&format!("({reason})")),
        &format!("{} instead of {reason}", body.message),
    )?;
    holds(
        reply.header(xroad::ID).is_none(),
        "an error bears X-Road-Id",
    )
}

/// Demands the service's own answer: a refusal by rule or by form, with no word of the road about an error.
pub(super) fn answered_by_the_service(reply: &Reply, id: &str) -> Result<(), Stop> {
    refused(reply, FaultCode::RuleRefused, &["not-the-holder"]).or_else(|stop| match stop {
        Stop::Limited => Err(Stop::Limited),
        // on a gateway with other people the card is nobody's
        _ => refused(reply, FaultCode::UnknownSubject, &["unknown-card"]),
    })?;
    holds(
        reply.header(xroad::ERROR).is_none(),
        "X-Road-Error on the service's own answer",
    )?;
    holds(
        reply.header(xroad::ID) == Some(id),
        "X-Road-Id is not the request's",
    )
}

/// What the gateway has called through the exchange before the portal, oldest first; nothing of it is a rule's doing.
pub(super) fn exchanged(context: &Context) -> Result<Vec<Exchanged>, Stop> {
    let seen = security_server::exchanged(&context.portal()?.identity().folder);
    match seen {
        Ok(seen) if !seen.is_empty() => Ok(seen),
        _ => Err(Stop::NotRun(
            "the gateway has called nobody through this exchange".to_owned(),
        )),
    }
}

/// An id that was never used.
pub(super) fn soap_id() -> String {
    uuid::Uuid::now_v7().to_string()
}

/// How a dossier stands that nobody has: what is answered leaves no trace.
pub(super) fn unknown_dossier() -> Letter {
    Letter::status(security_server::PORTAL, &soap_id(), "X99.01-260101-999998")
}

/// The reply to that question after `bend` has had its way with it.
pub(super) async fn brought_soap(
    context: &Context,
    bend: impl FnOnce(&mut Letter),
) -> Result<Reply, Stop> {
    let mut letter = unknown_dossier();
    bend(&mut letter);
    Ok(context.server()?.send(letter.request()?).await?)
}

/// Demands the answer to that question: its header block, and that nothing was found.
pub(super) fn found_nothing(letter: &Letter, reply: &Reply) -> Result<(), Stop> {
    if reply.header("lienthong-fault") == Some(FaultCode::RateLimited.row().code) {
        return Err(Stop::Limited);
    }
    let said = letter.judge(reply)?;
    let found = said.iter().find(|(name, _)| name == "TimThay");
    holds(
        found.is_some_and(|(_, found)| found == "0"),
        "a dossier that nobody has was found",
    )
}

/// Demands a SOAP 1.1 fault: code in header, status 200, reason, evidence id, no header field of REST's errors.
pub(super) fn soap_refused(
    reply: &Reply,
    code: FaultCode,
    reason: &str,
) -> Result<SoapFault, Stop> {
    let row = code.row();
    let told = reply.header("lienthong-fault").unwrap_or_default();
    if told == FaultCode::RateLimited.row().code && code != FaultCode::RateLimited {
        return Err(Stop::Limited);
    }
    holds(
        told == row.code,
        &format!("fault {told} instead of {}", row.code),
    )?;
    let fault = soap::fault(reply)?;
    holds(
        fault.said.ends_with(&format!("({reason})")),
        &format!("{} instead of {reason}", fault.said),
    )?;
    holds(
        call::evidence(reply).is_some_and(|id| id == fault.detail),
        "faultDetail is not the evidence id",
    )?;
    holds(
        reply.header(xroad::ERROR).is_none(),
        "X-Road-Error beside a SOAP fault",
    )?;
    Ok(fault)
}
