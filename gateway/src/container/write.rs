//! Makes the container of one message.

use std::path::PathBuf;

use certs::{asic, evidence};
use gateway_core::{
    partner::Partners,
    ports::{Clock as _, SystemClock},
};
use gateway_store::{Dossier, Exported};
use jiff::Timestamp;

use super::{
    archive::Archive,
    proof::{self, Covered, Erased, Proof, Record},
};
use crate::{
    config::{Config, Snapshot},
    evidence::{Seal, checkpoint_name, manifest_name, stamped, token_name},
    gateway::StartError,
};

/// Makes the container of one message out of the store that the config names, which may be in use. Whoever asks
/// has been written down before.
///
/// # Errors
/// Where a file cannot be read or the evidence key does not sign, in words.
pub fn export(config: &Config, dossier: &Dossier) -> Result<Vec<u8>, String> {
    let read = |path: &PathBuf| {
        std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))
    };
    let snapshot = Snapshot::load(config, &crate::wiring::operations())
        .map_err(|problems| StartError::Config(problems).to_string())?;
    let beside = Beside {
        partners: &snapshot.partners,
        answers: read(&config.sign.cert)?,
        lists: config.tls.crls.iter().map(read).collect::<Result<_, _>>()?,
        tsa: config.journal.tsa_anchors.as_ref().map(read).transpose()?,
    };
    let seal = Seal::load(config).map_err(|error| error.to_string())?;
    write(dossier, &beside, &seal, SystemClock.now())
}

/// What goes in beside the records.
struct Beside<'a> {
    /// Whose keys prove requests.
    partners: &'a Partners,
    /// The chain that signs our answers, PEM.
    answers: Vec<u8>,
    /// Revocation lists, PEM, as they are now.
    lists: Vec<Vec<u8>>,
    /// Roots of the time-stamping authorities, PEM.
    tsa: Option<Vec<u8>>,
}

/// The file's bytes, signed with the evidence key.
fn write(
    dossier: &Dossier,
    beside: &Beside<'_>,
    seal: &Seal,
    now: Timestamp,
) -> Result<Vec<u8>, String> {
    let mut archive = Archive::default();
    let mut records = Vec::new();
    for record in &dossier.records {
        records.push(add_record(&mut archive, record));
    }
    for record in &dossier.records {
        add_checkpoint(&mut archive, record);
    }
    let proof = Proof {
        form: proof::FORM.to_owned(),
        evidence: dossier.evidence.to_string(),
        records,
    };
    let text = serde_json::to_vec_pretty(&proof).map_err(|error| error.to_string())?;
    archive.add(proof::NAME, text);
    add_certificates(&mut archive, dossier, beside, seal);
    let parts = archive.signed_parts();
    let signature = asic::sign(&parts, &seal.key, &seal.certificate, now);
    let signature = signature.map_err(|error| format!("the evidence key: {error}"))?;
    archive.add(asic::SIGNATURES, signature);
    let names: Vec<&str> = archive.names().collect();
    let list = asic::list(&names);
    archive.add(asic::LIST, list);
    archive.bytes().map_err(|error| error.to_string())
}

/// The exact bytes, the sealed bytes and the detached signature of one record; gives what the proof says of it.
fn add_record(archive: &mut Archive, record: &Exported) -> Record {
    let stem = match record.kind {
        "request" | "answer" if archive.names().all(|name| !name.starts_with(record.kind)) => {
            record.kind.to_owned()
        }
        kind => format!("{kind}-{}", record.seq),
    };
    let sealed = format!("journal/record-{}.bin", record.seq);
    archive.add(sealed.clone(), record.ciphertext.as_slice());
    let mut told = Record {
        seq: record.seq,
        kind: record.kind.to_owned(),
        code: record.code,
        at: record.at,
        evidence: hex::encode(record.evidence),
        metadata: hex::encode(&record.metadata),
        before: hex::encode(record.before),
        hash: hex::encode(record.hash),
        sealed,
        file: None,
        key: None,
        signature: None,
        erased: None,
        covered: record.covered.as_ref().and_then(|covered| {
            Some(Covered {
                checkpoint: covered.checkpoint.proven()?.last,
                path: covered.path.iter().map(hex::encode).collect(),
            })
        }),
    };
    match &record.content {
        Ok((bytes, key)) => {
            let kind = record.content_type.as_deref();
            let name = format!("{stem}.{}", ending(kind, bytes));
            archive.add(name.clone(), bytes.as_slice());
            told.file = Some(name);
            told.key = Some(key.to_hex().to_string());
        }
        Err(gone) => {
            told.erased = Some(Erased {
                law: gone.law.clone(),
                act: gone.act,
                at: gone.at.map(|at| at.to_string()),
            });
        }
    }
    if let Some(signature) = &record.signature {
        let name = format!("{stem}.jws");
        archive.add(name.clone(), signature.as_bytes());
        told.signature = Some(name);
    }
    told
}

/// The checkpoint over a record, and its time-stamp with the manifest that this is of.
fn add_checkpoint(archive: &mut Archive, record: &Exported) {
    let Some(covered) = &record.covered else {
        return;
    };
    let signed = &covered.checkpoint;
    let Some(said) = signed.proven() else { return };
    let name = checkpoint_name(said.last);
    if archive.get(&name).is_some() {
        return;
    }
    let stem = name.trim_end_matches(".txt");
    archive.add(format!("{stem}.sig"), signed.signature.as_slice());
    let pem = evidence::to_pem(&signed.certificate).unwrap_or_default();
    archive.add(format!("{stem}.pem"), pem);
    if let Some(token) = &covered.token {
        archive.add(manifest_name(said.last), stamped(signed, said.last));
        archive.add(token_name(said.last), token.as_slice());
    }
    archive.add(name, signed.text.as_slice());
}

fn add_certificates(archive: &mut Archive, dossier: &Dossier, beside: &Beside<'_>, seal: &Seal) {
    archive.add("certificates/evidence.pem", seal.chain.as_slice());
    archive.add("certificates/answers.pem", beside.answers.as_slice());
    let named = dossier
        .records
        .iter()
        .flat_map(|record| gateway_store::told(&record.metadata));
    let mut names: Vec<String> = named
        .filter(|(name, _)| ["sender", "partner"].contains(name))
        .map(|(_, id)| id)
        .collect();
    names.sort();
    names.dedup();
    let keys = beside
        .partners
        .iter()
        .filter(|partner| names.iter().any(|name| name == partner.id.as_str()))
        .flat_map(|partner| partner.keys.iter());
    for (number, key) in keys.enumerate() {
        if let Some(pem) = key.key.certificate_der().and_then(evidence::to_pem) {
            archive.add(format!("certificates/sender-{number}.pem"), pem);
        }
    }
    for (number, list) in beside.lists.iter().enumerate() {
        archive.add(
            format!("certificates/revoked-{number}.pem"),
            list.as_slice(),
        );
    }
    if let Some(tsa) = &beside.tsa {
        archive.add("certificates/time-stamps.pem", tsa.as_slice());
    }
}

fn ending(content_type: Option<&str>, bytes: &[u8]) -> &'static str {
    match content_type {
        Some(kind) if kind.contains("xml") => "xml",
        Some(kind) if kind.contains("json") => "json",
        None if bytes.starts_with(b"{") || bytes.starts_with(b"[") => "json",
        None if bytes.starts_with(b"<") => "xml",
        _ => "bin",
    }
}
