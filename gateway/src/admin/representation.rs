//! Who represents whom, as operators record it from a paper. Both persons have a row in the ledger of accesses with who
//! and why: after a record or its end, and before a list is shown.

use certs::digest::Sha256;
use schemas::proto::{
    Message as _,
    admin::{
        EndRepresentationRequest, GroupMember, ListRepresentationsRequest,
        ListRepresentationsResponse, RecordRepresentationRequest, RepresentationLine,
        RepresentationResponse,
    },
    insurance::{self as contract, NamedPerson, Person, Representation},
};
use tonic::Status;

use super::{
    AdminParts,
    dossiers::enter,
    office::said_why,
    reviews::{self, behind, said, soon},
};

pub(super) async fn record(
    parts: &AdminParts,
    asked: RecordRepresentationRequest,
) -> Result<RepresentationResponse, Status> {
    let (who, why) = said_why(asked.who, asked.why)?;
    let mut request = contract::RecordRepresentationRequest {
        context: None,
        kind: asked.kind,
        basis: asked.basis,
        document: asked.document,
        representative: asked.representative.map(named),
        person: asked.person.map(named),
        tax_code: asked.tax_code,
        from: asked.from,
        to: asked.to,
        procedures: asked.procedures,
        who: who.clone(),
        why: why.clone(),
    };
    let key = Sha256::new()
        .chain(b"representation/")
        .chain(&request.encode_to_vec());
    request.context = Some(asking(parts, key.finish().to_vec()));
    let done = behind(parts)?.record_representation(soon(), request).await;
    let kept = done.map_err(said)?.representation.unwrap_or_default();
    tracing::warn!(
        id = kept.id,
        kind = kept.kind,
        "an operator recorded who represents somebody"
    );
    told(parts, kept, &who, &why).await
}

pub(super) async fn end(
    parts: &AdminParts,
    asked: EndRepresentationRequest,
) -> Result<RepresentationResponse, Status> {
    let (who, why) = said_why(asked.who, asked.why)?;
    let mut request = contract::EndRepresentationRequest {
        context: None,
        id: asked.id,
        from: asked.from,
        by: asked.by,
        who: who.clone(),
        why: why.clone(),
    };
    let key = Sha256::new()
        .chain(b"representation/end/")
        .chain(&request.encode_to_vec());
    request.context = Some(asking(parts, key.finish().to_vec()));
    let done = behind(parts)?.end_representation(soon(), request).await;
    let ended = done.map_err(said)?.representation.unwrap_or_default();
    tracing::warn!(id = ended.id, "an operator ended a representation");
    told(parts, ended, &who, &why).await
}

pub(super) async fn list(
    parts: &AdminParts,
    asked: ListRepresentationsRequest,
) -> Result<ListRepresentationsResponse, Status> {
    let (who, why) = said_why(asked.who, asked.why)?;
    let request = contract::ListRepresentationsRequest {
        context: Some(asking(parts, Vec::new())),
        number: asked.number.clone(),
        tax_code: asked.tax_code,
    };
    let listed = behind(parts)?.representations(soon(), request).await;
    let listed = listed.map_err(said)?.representations;
    let named = listed
        .iter()
        .flat_map(|one| one.representative.iter().chain(&one.person))
        .map(|person| person.si_number.clone());
    let mut named: Vec<String> = named.collect();
    named.sort();
    named.dedup();
    // of nobody with a row the look is kept all the same
    if named.is_empty() {
        named.push(asked.number);
    }
    for number in &named {
        enter(parts, number, who.clone(), why.clone()).await?;
    }
    Ok(ListRepresentationsResponse {
        representations: listed.into_iter().map(line).collect(),
    })
}

/// What was done, once it is in the ledger of everybody who is named.
async fn told(
    parts: &AdminParts,
    kept: Representation,
    who: &str,
    why: &str,
) -> Result<RepresentationResponse, Status> {
    for person in kept.representative.iter().chain(&kept.person) {
        enter(parts, &person.si_number, who.to_owned(), why.to_owned()).await?;
    }
    Ok(RepresentationResponse {
        representation: Some(line(kept)),
    })
}

/// In our own name: an operator is no partner.
fn asking(parts: &AdminParts, key: Vec<u8>) -> contract::Context {
    contract::Context {
        rule: "representation".to_owned(),
        purpose: "representation".to_owned(),
        ..reviews::asking(parts, key)
    }
}

fn named(said: GroupMember) -> NamedPerson {
    NamedPerson {
        number: said.number,
        name: said.name,
    }
}

fn member(person: Person) -> GroupMember {
    GroupMember {
        number: match person.pin.is_empty() {
            true => person.si_number,
            false => person.pin,
        },
        name: person.name,
    }
}

fn line(one: Representation) -> RepresentationLine {
    let ended = match one.ended_on.is_empty() {
        true => String::new(),
        false => format!(
            "from {} by {}, says {}: {}",
            one.ended_on, one.ended_by, one.ended_who, one.ended_why
        ),
    };
    RepresentationLine {
        id: one.id,
        kind: one.kind,
        basis: one.basis,
        document: one.document,
        representative: one.representative.map(member),
        person: one.person.map(member),
        tax_code: one.tax_code,
        from: one.from,
        to: one.to,
        procedures: one.procedures,
        recorded: format!("{} by {}: {}", one.at, one.who, one.why),
        ended,
    }
}
