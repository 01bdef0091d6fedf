//! No document type, so no entity: neither a file nor a thousand millions of laughs.

use super::prelude::*;
use crate::security_server::soap;

pub(super) const RULE: Rule = Rule {
    id: "108-soap-entities",
    title: "An envelope with a document type is refused and nothing is fetched",
    citation: "SOAP 1.1 §3: no DTD; OWASP XXE; CVE-2003-1564",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let server = context.server()?;
    for (document_type, said) in [
        (
            "<!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/hostname\">]>",
            "&b;",
        ),
        ("<!DOCTYPE a SYSTEM \"http://127.0.0.1:9/a.dtd\">", "x"),
        (
            "<!DOCTYPE a [<!ENTITY b \"bb\"><!ENTITY c \"&b;&b;\">]>",
            "&c;",
        ),
    ] {
        let mut letter = unknown_dossier();
        letter.body = format!("<por:MaHoSo>{said}</por:MaHoSo>");
        let text = letter
            .envelope()
            .replacen("?>\n", &format!("?>\n{document_type}"), 1);
        let request = soap::request("text/xml", text.into_bytes())?;
        soap_refused(
            &server.send(request).await?,
            FaultCode::Malformed,
            "xml-doctype",
        )?;
    }
    Ok(())
}
