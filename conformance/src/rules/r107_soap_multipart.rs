//! A multipart body has the envelope first, an end, and nothing that two readers would cut in two ways.

use super::prelude::*;
use crate::security_server::soap;

pub(super) const RULE: Rule = Rule {
    id: "107-soap-multipart",
    title: "A multipart body that is broken, empty or without an envelope is refused",
    citation: "RFC 2046 §5.1.1; RFC 2387; W3C Note SOAP with Attachments",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let server = context.server()?;
    let mut letter = unknown_dossier();
    letter.files = vec![("file@rules".to_owned(), b"%PDF".to_vec())];
    let (kind, whole) = letter.written();
    let text = String::from_utf8_lossy(&whole).into_owned();
    let file = "--part-1\r\nContent-ID: <file@rules>\r\n\r\n%PDF\r\n--part-1--\r\n";
    let cut = text.strip_suffix("--part-1--\r\n").unwrap_or_default();
    let fault = "--part-1\r\nContent-Type: text/xml\r\nContent-ID: <root@server>\r\n\r\n\
        <s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body><s:Fault/></s:Body></s:Envelope>\r\n\
        --part-1--\r\n";
    for (body, code, reason) in [
        (cut, FaultCode::Malformed, "mime-truncated"),
        ("--part-1--\r\n", FaultCode::Malformed, "mime-empty"),
        ("", FaultCode::Malformed, "empty-body"),
        (file, FaultCode::UnsupportedMediaType, "mime-root-type"),
        (fault, FaultCode::Malformed, "soap-header-missing"),
        (
            &format!("x\r\n{text}"),
            FaultCode::Malformed,
            "mime-boundary",
        ),
        (
            &text.replace("<root@server>", "<other>"),
            FaultCode::Malformed,
            "mime-start",
        ),
        // a file that this service has no place for
        (&text, FaultCode::Invalid, "attachment-unexpected"),
    ] {
        let request = soap::request(&kind, body.as_bytes().to_vec())?;
        soap_refused(&server.send(request).await?, code, reason)?;
    }
    Ok(())
}
