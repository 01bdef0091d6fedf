//! The ASN.1 of RFC 3161 that OpenSSL's bindings do not read: TimeStampResp and TSTInfo.

use jiff::Timestamp;
use x509_parser::asn1_rs::{Any, Class, FromDer as _};
use x509_parser::extensions::GeneralName;

use super::TspError;

/// AlgorithmIdentifier of SHA-256 with NULL, as we write it.
pub(super) const SHA256: [u8; 15] = [
    0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00,
];
/// id-sha256.
const SHA256_OID: [u8; 9] = [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
/// id-signedData.
const SIGNED_DATA: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
/// id-ct-TSTInfo.
const TST_INFO: [u8; 11] = [
    0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x04,
];

/// TSTInfo (RFC 3161, 2.4.2), as far as we need it.
#[derive(Debug)]
pub(super) struct Info {
    pub(super) der: Vec<u8>,
    pub(super) imprint: [u8; 32],
    pub(super) serial: Vec<u8>,
    pub(super) at: Timestamp,
    pub(super) nonce: Option<Vec<u8>>,
    pub(super) authority: Option<String>,
}

/// The token of a TimeStampResp that says granted (0) or grantedWithMods (1).
pub(super) fn token_of(response: &[u8]) -> Result<Vec<u8>, TspError> {
    let mut response = Fields::of(response, "response")?;
    let mut status = response.next_fields("status")?;
    let code = status.next("status")?;
    let code = code.as_u32().map_err(|_| TspError::Malformed("status"))?;
    if code > 1 {
        return Err(TspError::Refused(code));
    }
    match response.rest {
        [] => Err(TspError::Malformed("no token")),
        token => Ok(token.to_vec()),
    }
}

impl Info {
    /// Reads it out of ContentInfo { SignedData { version, digests, { id-ct-TSTInfo, [0] OCTET STRING } … } }.
    pub(super) fn of_token(token: &[u8]) -> Result<Self, TspError> {
        let mut content = Fields::of(token, "token")?;
        content.oid(&SIGNED_DATA)?;
        let explicit = content.next("content")?;
        let mut signed = Fields::of(explicit.data, "SignedData")?;
        signed.next("version")?;
        signed.next("digestAlgorithms")?;
        let mut inside = signed.next_fields("encapContentInfo")?;
        inside.oid(&TST_INFO)?;
        let explicit = inside.next("eContent")?;
        let (_, octets) =
            Any::from_der(explicit.data).map_err(|_| TspError::Malformed("eContent"))?;
        if octets.tag().0 != 4 {
            return Err(TspError::Malformed("eContent"));
        }
        Self::read(octets.data)
    }

    fn read(der: &[u8]) -> Result<Self, TspError> {
        let mut info = Fields::of(der, "TSTInfo")?;
        info.next("version")?;
        info.next("policy")?;
        let mut imprint = info.next_fields("messageImprint")?;
        imprint.next_fields("hashAlgorithm")?.oid(&SHA256_OID)?;
        let imprint = imprint.next("hashedMessage")?;
        let serial = info.next("serialNumber")?;
        let at = info.next("genTime")?;
        let mut read = Self {
            der: der.to_vec(),
            imprint: imprint
                .data
                .try_into()
                .map_err(|_| TspError::Malformed("hashedMessage"))?,
            serial: serial.data.to_vec(),
            at: time(at.data).ok_or(TspError::Malformed("genTime"))?,
            nonce: None,
            authority: None,
        };
        // accuracy SEQUENCE, ordering BOOLEAN, nonce INTEGER, tsa [0], extensions [1]: all optional
        while !info.rest.is_empty() {
            let field = info.next("optional")?;
            match (field.class(), field.tag().0) {
                (Class::Universal, 2) => read.nonce = Some(field.data.to_vec()),
                (Class::ContextSpecific, 0) => read.authority = name(field.data),
                _ => {}
            }
        }
        Ok(read)
    }
}

/// The fields of a SEQUENCE, one after the other.
struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    /// A SEQUENCE and nothing behind it.
    fn of(der: &'a [u8], what: &'static str) -> Result<Self, TspError> {
        match Any::from_der(der) {
            Ok(([], any)) if any.tag().0 == 16 => Ok(Self { rest: any.data }),
            _ => Err(TspError::Malformed(what)),
        }
    }

    fn next(&mut self, what: &'static str) -> Result<Any<'a>, TspError> {
        let (rest, any) = Any::from_der(self.rest).map_err(|_| TspError::Malformed(what))?;
        self.rest = rest;
        Ok(any)
    }

    fn next_fields(&mut self, what: &'static str) -> Result<Self, TspError> {
        let any = self.next(what)?;
        match any.tag().0 {
            16 => Ok(Self { rest: any.data }),
            _ => Err(TspError::Malformed(what)),
        }
    }

    fn oid(&mut self, wanted: &[u8]) -> Result<(), TspError> {
        let any = self.next("object identifier")?;
        match any.tag().0 == 6 && any.data == wanted {
            true => Ok(()),
            false => Err(TspError::Malformed("object identifier")),
        }
    }
}

/// GeneralizedTime as RFC 3161 has it: YYYYMMDDhhmmss, a fraction or none, Z.
fn time(text: &[u8]) -> Option<Timestamp> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    if whole.len() != 14 || !text.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return None;
    }
    format!(
        "{}-{}-{}T{}:{}:{}.{fraction}Z",
        &whole[..4],
        &whole[4..6],
        &whole[6..8],
        &whole[8..10],
        &whole[10..12],
        &whole[12..]
    )
    .parse()
    .ok()
}

fn name(der: &[u8]) -> Option<String> {
    match GeneralName::from_der(der) {
        Ok((_, GeneralName::DirectoryName(name))) => Some(name.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_and_without_a_fraction_and_nothing_else_is() {
        let at = |text: &str| time(text.as_bytes()).map(|at| at.to_string());
        assert_eq!(at("20261122143000Z").unwrap(), "2026-11-22T14:30:00Z");
        assert_eq!(at("20261122143000.25Z").unwrap(), "2026-11-22T14:30:00.25Z");
        for wrong in [
            "",
            "Z",
            "20261122143000",
            "2026112214300Z",
            "20261122143000+0700",
            "20261322143000Z",
            "20261122143000.Z",
            "20261122143000.1.2Z",
        ] {
            assert_eq!(at(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_is_no_response_is_refused_and_so_is_one_that_says_no() {
        assert_eq!(
            token_of(&[0x30, 5, 0x30, 3, 2, 1, 2]),
            Err(TspError::Refused(2))
        );
        for wrong in [
            &[][..],
            &[0x30],
            &[0x30, 0],
            &[0x31, 0],
            &[0x30, 5, 0x30, 3, 2, 1, 0],
        ] {
            assert_eq!(token_of(wrong).unwrap_err().reason(), "timestamp-malformed");
        }
    }
}
