//! Files come beside the envelope as parts of their own, never inside it, and SOAP 1.2 is not spoken.

use super::prelude::*;
use crate::security_server::soap;

pub(super) const RULE: Rule = Rule {
    id: "106-soap-mtom",
    title: "MTOM and other forms are refused by their names",
    citation: "W3C Note SOAP with Attachments; W3C XOP; SOAP 1.1 §6",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let server = context.server()?;
    for (kind, reason) in [
        ("application/xop+xml; type=\"text/xml\"", "mtom"),
        (
            "multipart/related; boundary=b; type=\"application/xop+xml\"",
            "mtom",
        ),
        (
            "multipart/related; boundary=b; start-info=\"text/xml\"",
            "mtom",
        ),
        ("application/soap+xml", "soap-12"),
        ("application/json", "media-type"),
    ] {
        let body = unknown_dossier().envelope().into_bytes();
        let reply = server.send(soap::request(kind, body)?).await?;
        soap_refused(&reply, FaultCode::UnsupportedMediaType, reason)?;
    }
    let reply = brought_soap(context, |letter| {
        letter.body = "<por:MaHoSo><x:Include xmlns:x=\"http://www.w3.org/2004/08/xop/include\" href=\"cid:a\"/></por:MaHoSo>".to_owned();
    })
    .await?;
    soap_refused(&reply, FaultCode::Malformed, "soap-xop").map(drop)
}
