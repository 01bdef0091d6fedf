//! Says what a container proves, with nothing but the container and the authorities that the reader trusts.

use bytes::Bytes;
use certs::{
    asic, dci,
    digest::sha256,
    evidence, jws,
    keys::VerifyingKey,
    merkle,
    seal::DataKey,
    tsp::{Authorities, Token},
    xmldsig,
};
use gateway_store::{SignedCheckpoint, bound_to, chained_hash, told};
use jiff::Timestamp;

use super::{
    archive::Archive,
    proof::{self, Proof, Record},
    words::Finding,
};
use crate::evidence::{checkpoint_name, manifest_name, stamped, token_name};

/// Whom the reader trusts, PEM; what is missing is said as not shown.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// Roots of the certificates that sign evidence, requests and answers.
    pub authorities: Option<Vec<u8>>,
    /// Roots of the time-stamping authorities.
    pub time_stamps: Option<Vec<u8>>,
}

/// Everything that the container proves and does not prove.
#[must_use]
pub fn judge(archive: &Archive, trust: &Trust) -> Vec<Finding> {
    let mut findings = vec![container(archive, trust), list(archive)];
    let proof = archive.get(proof::NAME);
    let proof: Option<Proof> = proof.and_then(|text| serde_json::from_slice(text).ok());
    let Some(proof) = proof.filter(|proof| proof.form == proof::FORM) else {
        findings.push(Finding::broken(
            "không đọc được bằng chứng của nhật ký",
            "the journal's proof cannot be read",
        ));
        return findings;
    };
    let judge = Judge { archive, trust };
    for record in &proof.records {
        findings.extend(judge.record(record));
    }
    if !proof.records.iter().any(|record| record.kind == "request") {
        findings.push(Finding::broken("không có yêu cầu", "there is no request"));
    }
    let mut checkpoints: Vec<u64> = proof
        .records
        .iter()
        .filter_map(|record| Some(record.covered.as_ref()?.checkpoint))
        .collect();
    checkpoints.dedup();
    for last in checkpoints {
        findings.extend(judge.checkpoint(last));
    }
    findings.push(Finding::open(
        "không chứng minh: không có thông điệp nào khác; hiệu lực của chứng thư tại thời điểm ký, ngoài những gì có trong certificates/",
        "not proven: that nothing else was said; whether a signer's certificate was revoked then, beyond what stands in certificates/",
    ));
    findings
}

/// Who signed the container as a whole.
fn container(archive: &Archive, trust: &Trust) -> Finding {
    let document = archive.get(asic::SIGNATURES).unwrap_or_default();
    let signed = match asic::verify(&archive.signed_parts(), document) {
        Ok(signed) => signed,
        Err(error) => {
            return Finding::broken(
                format!(
                    "chữ ký của tệp không đúng ({}): nội dung đã bị thay đổi",
                    error.reason()
                ),
                format!("the file's signature does not hold: {error}"),
            );
        }
    };
    let (who, fingerprint) = named(&signed.certificate);
    let chain = archive.get("certificates/evidence.pem").unwrap_or_default();
    let at = signed.at;
    match vouched(&signed.certificate, chain, trust, at) {
        Some(true) => Finding::proven(
            format!(
                "tệp còn nguyên như {who} đã ký lúc {at} (theo người ký), chứng thư do cơ quan bạn tin cấp"
            ),
            format!(
                "the file is as {who} signed it at {at} (the signer's word), by a certificate of an authority you trust"
            ),
        ),
        Some(false) => Finding::broken(
            format!("chứng thư của {who} không thuộc cơ quan bạn tin"),
            format!("the certificate of {who} does not lead to the authorities you trust"),
        ),
        None => Finding::open(
            format!(
                "tệp còn nguyên như {who} đã ký lúc {at}; hãy so vân tay chứng thư {fingerprint}, hoặc cho --anchors"
            ),
            format!(
                "the file is as {who} signed it at {at}; compare the certificate's fingerprint {fingerprint}, or give --anchors"
            ),
        ),
    }
}

fn list(archive: &Archive) -> Finding {
    let others: Vec<&str> = archive.names().filter(|name| *name != asic::LIST).collect();
    match archive.get(asic::LIST) == Some(&asic::list(&others)) {
        true => Finding::proven("danh sách tệp đầy đủ", "the list of files is whole"),
        false => Finding::broken(
            "danh sách tệp không khớp",
            "the list of files is not of these files",
        ),
    }
}

struct Judge<'a> {
    archive: &'a Archive,
    trust: &'a Trust,
}

impl Judge<'_> {
    fn record(&self, record: &Record) -> Vec<Finding> {
        let Some(read) = Read::of(self.archive, record) else {
            return vec![changed(record, "its fields cannot be read")];
        };
        let digest = sha256(read.sealed);
        let place = (record.seq, record.at, record.code);
        let hash = chained_hash(read.before, place, &read.evidence, &read.metadata, &digest);
        if hash != read.hash {
            return vec![changed(record, "its hash is not of its fields")];
        }
        let mut findings = vec![self.content(record, &read), self.covered(record, &read)];
        findings.extend(self.signature(record));
        findings
    }

    /// The exact bytes are those that were sealed.
    fn content(&self, record: &Record, read: &Read<'_>) -> Finding {
        let (seq, kind) = (record.seq, record.kind.as_str());
        if let Some(erased) = &record.erased {
            let (law, act) = (&erased.law, erased.act);
            return Finding::open(
                format!(
                    "bản ghi {seq} ({kind}) đã bị xóa theo {law} (hành vi {act}); chuỗi còn nguyên"
                ),
                format!(
                    "record {seq} ({kind}) was erased under {law} (act {act}); the chain is whole"
                ),
            );
        }
        let file = record
            .file
            .as_deref()
            .and_then(|name| self.archive.get(name));
        let opened = record
            .key
            .as_deref()
            .and_then(|key| DataKey::from_hex(key).ok())
            .zip(bound_to(record.code, &read.evidence, &read.metadata))
            .and_then(|(key, bound)| key.open(&bound, read.sealed).ok());
        if opened.is_none() || opened.as_deref() != file {
            return changed(record, "its bytes are not those that were sealed");
        }
        let who: Vec<String> = told(&read.metadata)
            .into_iter()
            .filter(|(name, _)| ["sender", "message-id", "operation", "partner"].contains(name))
            .map(|(name, text)| format!("{name} {text}"))
            .collect();
        let at = Timestamp::from_microsecond(record.at)
            .map_or_else(|_| "?".to_owned(), |at| at.to_string());
        let who = who.join(", ");
        Finding::proven(
            format!(
                "bản ghi {seq} ({kind}; {who}) đúng từng byte như nhật ký đã niêm phong lúc {at}"
            ),
            format!("record {seq} ({kind}; {who}) is to the byte what the journal sealed at {at}"),
        )
    }

    /// The record is one of those that its checkpoint covers.
    fn covered(&self, record: &Record, read: &Read<'_>) -> Finding {
        let seq = record.seq;
        let Some(covered) = &record.covered else {
            return Finding::open(
                format!("bản ghi {seq} chưa có điểm kiểm tra nào bao gồm"),
                format!("no checkpoint covers record {seq} yet"),
            );
        };
        let shown = || {
            let said = self.signed(covered.checkpoint)?.proven()?;
            let path: Option<Vec<[u8; 32]>> = covered.path.iter().map(|text| array(text)).collect();
            let index = usize::try_from(seq.checked_sub(said.first)?).ok()?;
            let size = usize::try_from(said.last.checked_sub(said.first)? + 1).ok()?;
            let root = merkle::root_from(&read.hash, index, size, &path?)?;
            (root == said.root).then_some(said)
        };
        match shown() {
            Some(said) => Finding::proven(
                format!(
                    "bản ghi {seq} thuộc điểm kiểm tra {} của {}",
                    said.last, said.writer
                ),
                format!(
                    "record {seq} is under checkpoint {} of {}",
                    said.last, said.writer
                ),
            ),
            None => Finding::broken(
                format!("bản ghi {seq} không thuộc điểm kiểm tra được nêu"),
                format!("record {seq} is not under the checkpoint that is named"),
            ),
        }
    }

    /// What sender or we signed, by a certificate of the container.
    fn signature(&self, record: &Record) -> Option<Finding> {
        let bytes = self.archive.get(record.file.as_deref()?)?;
        let at = Timestamp::from_microsecond(record.at).ok()?;
        let detached = record
            .signature
            .as_deref()
            .and_then(|name| self.archive.get(name))
            .and_then(|text| std::str::from_utf8(text).ok());
        let from = match record.kind.as_str() {
            "request" | "receipt" => "certificates/sender-",
            _ => "certificates/answers",
        };
        let certificates = self.archive.names().filter(|name| name.starts_with(from));
        let seq = record.seq;
        for name in certificates {
            let pem = self.archive.get(name)?;
            let Ok(key) = VerifyingKey::from_certificate_pem(pem) else {
                continue;
            };
            let is_of_dci = || dci::is_signed_by(bytes, detached, &key, at.as_second());
            if !is_signed(bytes, detached, &key) && !is_of_dci() {
                continue;
            }
            let certificate = key.certificate_der().unwrap_or_default();
            let (who, fingerprint) = named(certificate);
            // who stands between it and a root may stand in the chains of others
            let chain = ["certificates/evidence.pem", "certificates/answers.pem"];
            let chain = chain.map(|name| self.archive.get(name).unwrap_or_default());
            let chain = [pem, chain[0], chain[1]].concat();
            return Some(match vouched(certificate, &chain, self.trust, at) {
                Some(true) => Finding::proven(
                    format!("{who} đã ký bản ghi {seq}, chứng thư do cơ quan bạn tin cấp"),
                    format!(
                        "{who} signed record {seq}, by a certificate of an authority you trust"
                    ),
                ),
                Some(false) => Finding::open(
                    format!(
                        "{who} đã ký bản ghi {seq}; chứng thư ({fingerprint}) không dẫn tới cơ quan bạn tin"
                    ),
                    format!(
                        "{who} signed record {seq}; the certificate ({fingerprint}) does not lead to the authorities you trust"
                    ),
                ),
                None => Finding::open(
                    format!("{who} đã ký bản ghi {seq}; hãy so vân tay chứng thư {fingerprint}"),
                    format!(
                        "{who} signed record {seq}; compare the certificate's fingerprint {fingerprint}"
                    ),
                ),
            });
        }
        Some(Finding::open(
            format!(
                "bản ghi {seq} ({}) không mang chữ ký nào khớp chứng thư trong tệp",
                record.kind
            ),
            format!(
                "record {seq} ({}) bears no signature that fits a certificate in the file",
                record.kind
            ),
        ))
    }

    fn signed(&self, last: u64) -> Option<SignedCheckpoint> {
        let name = checkpoint_name(last);
        let stem = name.trim_end_matches(".txt");
        Some(SignedCheckpoint {
            signature: self.archive.get(&format!("{stem}.sig"))?.to_vec(),
            certificate: evidence::first_certificate(self.archive.get(&format!("{stem}.pem"))?)?,
            text: self.archive.get(&name)?.to_vec(),
        })
    }

    /// Who signed a checkpoint, and who stamped its time.
    fn checkpoint(&self, last: u64) -> Vec<Finding> {
        let proven = self.signed(last).and_then(|signed| {
            let said = signed.proven()?;
            Some((signed, said))
        });
        let Some((signed, said)) = proven else {
            return vec![Finding::broken(
                format!("chữ ký của điểm kiểm tra {last} không đúng"),
                format!("the signature of checkpoint {last} does not hold"),
            )];
        };
        let (who, fingerprint) = named(&signed.certificate);
        let chain = self
            .archive
            .get("certificates/evidence.pem")
            .unwrap_or_default();
        let at = said.at;
        let signer = match vouched(&signed.certificate, chain, self.trust, at) {
            Some(true) => Finding::proven(
                format!("{who} đã ký điểm kiểm tra {last} lúc {at} (theo người ký)"),
                format!("{who} signed checkpoint {last} at {at} (the signer's word)"),
            ),
            Some(false) => Finding::broken(
                format!("chứng thư ký điểm kiểm tra {last} không thuộc cơ quan bạn tin"),
                format!(
                    "the certificate under checkpoint {last} does not lead to the authorities you trust"
                ),
            ),
            None => Finding::open(
                format!("{who} đã ký điểm kiểm tra {last}; hãy so vân tay chứng thư {fingerprint}"),
                format!(
                    "{who} signed checkpoint {last}; compare the certificate's fingerprint {fingerprint}"
                ),
            ),
        };
        vec![signer, self.time(&signed, last)]
    }

    fn time(&self, signed: &SignedCheckpoint, last: u64) -> Finding {
        let Some(token) = self.archive.get(&token_name(last)) else {
            return Finding::open(
                format!(
                    "điểm kiểm tra {last} chưa có dấu thời gian: thời điểm chỉ là lời của cổng"
                ),
                format!("checkpoint {last} has no time-stamp: the time is the gateway's word only"),
            );
        };
        let stamped = stamped(signed, last);
        if self.archive.get(&manifest_name(last)) != Some(&stamped) {
            return Finding::broken(
                format!("bản kê của dấu thời gian {last} không khớp"),
                format!("the manifest under time-stamp {last} is not of its checkpoint"),
            );
        }
        let trusted = self.trust.time_stamps.as_deref();
        let authorities = trusted.and_then(|pem| Authorities::from_pem(pem).ok());
        let token = Token::from_der(token.to_vec());
        match (
            token.verify(&sha256(&stamped), authorities.as_ref()),
            &authorities,
        ) {
            (Ok(stamped), Some(_)) => Finding::proven(
                format!(
                    "điểm kiểm tra {last} có trước {}, theo cơ quan cấp dấu thời gian bạn tin",
                    stamped.at
                ),
                format!(
                    "checkpoint {last} was there before {}, says a time-stamping authority you trust",
                    stamped.at
                ),
            ),
            (Ok(stamped), None) => Finding::open(
                format!(
                    "dấu thời gian nói điểm kiểm tra {last} có trước {}; cho --tsa-anchors để kiểm tra ai nói",
                    stamped.at
                ),
                format!(
                    "a time-stamp says that checkpoint {last} was there before {}; give --tsa-anchors to check who says so",
                    stamped.at
                ),
            ),
            (Err(error), _) => Finding::broken(
                format!(
                    "dấu thời gian của điểm kiểm tra {last} không đúng ({})",
                    error.reason()
                ),
                format!("the time-stamp of checkpoint {last} does not hold: {error}"),
            ),
        }
    }
}

/// A record's bytes out of their hex.
struct Read<'a> {
    evidence: [u8; 16],
    metadata: Vec<u8>,
    before: [u8; 32],
    hash: [u8; 32],
    sealed: &'a [u8],
}

impl<'a> Read<'a> {
    fn of(archive: &'a Archive, record: &Record) -> Option<Self> {
        Some(Self {
            evidence: hex::decode(&record.evidence).ok()?.try_into().ok()?,
            metadata: hex::decode(&record.metadata).ok()?,
            before: array(&record.before)?,
            hash: array(&record.hash)?,
            sealed: archive.get(&record.sealed)?,
        })
    }
}

fn changed(record: &Record, why: &str) -> Finding {
    Finding::broken(
        format!("bản ghi {} đã bị thay đổi", record.seq),
        format!("record {} was changed: {why}", record.seq),
    )
}

fn is_signed(bytes: &[u8], detached: Option<&str>, key: &VerifyingKey) -> bool {
    if let Some(detached) = detached {
        return jws::parse(detached).is_ok_and(|read| {
            let algorithm = read.header().alg;
            read.verify(key, algorithm, bytes).is_ok()
        });
    }
    // a message in JSON that was kept whole
    if let Some(compact) = std::str::from_utf8(bytes)
        .ok()
        .filter(|text| !text.starts_with('<'))
        && let Ok((read, payload)) = jws::parse_compact(compact)
    {
        let algorithm = read.header().alg;
        return read.verify(key, algorithm, &payload).is_ok();
    }
    // a form carries its signed document; any other message is one
    let (document, signed) = match roads::egw::carried(bytes) {
        Some((document, signed)) => (document, signed),
        None => (Bytes::copy_from_slice(bytes), xmldsig::Signed::Root),
    };
    let profile = xmldsig::Profile {
        signed,
        ..xmldsig::Profile::default()
    };
    xmldsig::verify(&document, key, &profile).is_ok()
}

/// Whether it leads to what the reader trusts; nothing where the reader named nobody.
fn vouched(certificate: &[u8], chain: &[u8], trust: &Trust, at: Timestamp) -> Option<bool> {
    let authorities = trust.authorities.as_deref()?;
    Some(evidence::leads_to(certificate, chain, authorities, at).is_ok())
}

fn named(certificate: &[u8]) -> (String, String) {
    match evidence::named(certificate) {
        Some((subject, digest)) => (subject, hex::encode(digest)),
        None => ("?".to_owned(), "?".to_owned()),
    }
}

fn array(text: &str) -> Option<[u8; 32]> {
    hex::decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use certs::{
        keys::SigningKey,
        pki::{Authority, IssueParams, Usage},
    };

    use super::*;

    fn keys<const N: usize>(names: [&str; N]) -> [(SigningKey, VerifyingKey); N] {
        let now = Timestamp::from_second(1_795_000_000).unwrap();
        let authority = Authority::generate("sandbox", now).unwrap();
        names.map(|name| {
            let issued = authority.issue(&IssueParams::new(name, Usage::Signing, now));
            let issued = issued.unwrap();
            (
                SigningKey::from_pem(issued.key_pem.as_bytes(), None).unwrap(),
                VerifyingKey::from_certificate_der(&issued.der).unwrap(),
            )
        })
    }

    #[test]
    fn a_body_bears_the_jws_beside_it_and_one_that_was_kept_whole_its_own() {
        let [(signing, verifying), (_, other)] = keys(["tax", "other"]);
        let header = jws::Header {
            alg: signing.algorithm(),
            kid: "tax-1".to_owned(),
            iss: "tax".to_owned(),
            aud: "vss".to_owned(),
            jti: "manifest-1".to_owned(),
            iat: 1_795_000_000,
            env: "sandbox".to_owned(),
            dir: jws::Direction::Request,
            op: "tax.reconcile".to_owned(),
            irt: None,
            dig: None,
        };
        let body = br#"{"Reconcile":{"Manifest":"manifest-1"}}"#;
        let changed = br#"{"Reconcile":{"Manifest":"manifest-2"}}"#;
        let detached = jws::sign(&header, &signing, body).unwrap();
        let beside = Some(detached.as_str());
        assert!(is_signed(body, beside, &verifying));
        assert!(!is_signed(body, beside, &other));
        assert!(!is_signed(changed, beside, &verifying));
        assert!(!is_signed(body, None, &verifying));
        let whole = jws::sign_compact(&header, &signing, body).unwrap();
        assert!(is_signed(whole.as_bytes(), None, &verifying));
        assert!(!is_signed(whole.as_bytes(), None, &other));
        let (protected, signature) = detached.split_once("..").unwrap();
        let forged = base64::Engine::encode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, changed);
        let forged = format!("{protected}.{forged}.{signature}");
        assert!(!is_signed(forged.as_bytes(), None, &verifying));
    }

    #[test]
    fn a_hospitals_form_bears_its_units_signature() {
        let [(signing, verifying), (_, other)] = keys(["hospital", "other"]);
        let paper = "<GIAYBAOTU Id=\"Id-1\"><MA_GBT>GBT.1</MA_GBT></GIAYBAOTU>";
        let signature = xmldsig::sign_beside(paper.as_bytes(), "Id-1", &signing, None).unwrap();
        let signature = String::from_utf8(signature).unwrap();
        let form = |paper: &str| {
            let document =
                format!("<HSDLGBT>{paper}<CHUKYDONVI>{signature}</CHUKYDONVI></HSDLGBT>");
            let file = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, document);
            format!(r#"{{"maCskcb":"01001","loaiHs":"60","fileBase64Str":"{file}"}}"#)
        };
        assert!(is_signed(form(paper).as_bytes(), None, &verifying));
        assert!(!is_signed(form(paper).as_bytes(), None, &other));
        let changed = paper.replace("GBT.1", "GBT.2");
        assert!(!is_signed(form(&changed).as_bytes(), None, &verifying));
    }
}
