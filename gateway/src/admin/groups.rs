//! Certified lists of people whose contributions the state supports, as operators bring them.

use certs::digest::Sha256;
use schemas::proto::{
    Message as _,
    admin::{
        CertifyGroupRequest, CertifyGroupResponse, GroupMember, TakeBackGroupRequest,
        TakeBackGroupResponse,
    },
    insurance as contract,
};
use tonic::Status;

use super::{
    AdminParts,
    office::said_why,
    reviews::{asking, behind, said, soon},
};

pub(super) async fn certify(
    parts: &AdminParts,
    asked: CertifyGroupRequest,
) -> Result<CertifyGroupResponse, Status> {
    let (who, why) = said_why(asked.who, asked.why)?;
    let mut request = contract::CertifyGroupRequest {
        context: None,
        decision: asked.decision,
        group: asked.group,
        from: asked.from,
        to: asked.to,
        members: members(asked.members),
        who,
        why,
    };
    // the same list again is the same act
    let key = Sha256::new()
        .chain(b"group/")
        .chain(&request.encode_to_vec());
    request.context = Some(asking(parts, key.finish().to_vec()));
    let done = behind(parts)?.certify_group(soon(), request).await;
    let certified = done.map_err(said)?.certified;
    // a decision is free text, and may name somebody
    tracing::warn!(certified, "an operator brought a certified list");
    Ok(CertifyGroupResponse { certified })
}

pub(super) async fn take_back(
    parts: &AdminParts,
    asked: TakeBackGroupRequest,
) -> Result<TakeBackGroupResponse, Status> {
    let (who, why) = said_why(asked.who, asked.why)?;
    let mut request = contract::TakeBackGroupRequest {
        context: None,
        decision: asked.decision,
        group: asked.group,
        from: asked.from,
        by: asked.by,
        members: members(asked.members),
        who,
        why,
    };
    let key = Sha256::new()
        .chain(b"group/take-back/")
        .chain(&request.encode_to_vec());
    request.context = Some(asking(parts, key.finish().to_vec()));
    let done = behind(parts)?.take_back_group(soon(), request).await;
    let ended = done.map_err(said)?.ended;
    tracing::warn!(ended, "an operator took a certified list back");
    Ok(TakeBackGroupResponse { ended })
}

fn members(said: Vec<GroupMember>) -> Vec<contract::GroupMember> {
    let member = |one: GroupMember| contract::GroupMember {
        number: one.number,
        name: one.name,
    };
    said.into_iter().map(member).collect()
}
