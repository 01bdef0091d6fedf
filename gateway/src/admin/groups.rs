//! Certified lists of people whose contributions the state supports, as operators bring them.

use certs::digest::Sha256;
use schemas::proto::{
    Message as _,
    admin::{CertifyGroupRequest, CertifyGroupResponse},
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
    let member = |one: schemas::proto::admin::GroupMember| contract::GroupMember {
        number: one.number,
        name: one.name,
    };
    let mut request = contract::CertifyGroupRequest {
        context: None,
        decision: asked.decision,
        group: asked.group,
        from: asked.from,
        to: asked.to,
        members: asked.members.into_iter().map(member).collect(),
        who,
        why,
    };
    // the same list again is the same act
    let key = Sha256::new()
        .chain(b"group/")
        .chain(&request.encode_to_vec());
    request.context = Some(asking(parts, key.finish().to_vec()));
    let (decision, group) = (request.decision.clone(), request.group.clone());
    let done = behind(parts)?.certify_group(soon(), request).await;
    let certified = done.map_err(said)?.certified;
    tracing::warn!(
        decision,
        group,
        certified,
        "an operator brought a certified list"
    );
    Ok(CertifyGroupResponse { certified })
}
