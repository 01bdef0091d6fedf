//! SOAP bears no signature of the sender's, so it goes as far as an agreement takes the server's word and no further.

use super::prelude::*;
use crate::security_server::{self, soap::Letter};

pub(super) const RULE: Rule = Rule {
    id: "110-soap-no-signature",
    title: "A dossier as SOAP is refused where the agreement demands a signature",
    citation: "design §5: relayed senders",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let body = "<por:MaThamChieu>RULE-110</por:MaThamChieu><por:MaTTHC>9.000001</por:MaTTHC><por:ChuHoSo>\
        <por:HoVaTen>Người Vô Danh</por:HoVaTen><por:SoDinhDanh>099093999999</por:SoDinhDanh>\
        <por:NgayThangNamSinh>01/01/1993</por:NgayThangNamSinh></por:ChuHoSo><por:ToKhai>\
        <por:MaThe>DN4019900000007</por:MaThe><por:LyDoCapLai>MAT</por:LyDoCapLai></por:ToKhai>\
        <por:NgayNopHoSo>20261122115959</por:NgayNopHoSo>";
    let letter = Letter::new(
        security_server::PORTAL,
        "NopHoSo",
        &soap_id(),
        body.to_owned(),
    );
    let reply = context.server()?.send(letter.request()?).await?;
    soap_refused(&reply, FaultCode::Forbidden, "body-signature-demanded").map(drop)
}
