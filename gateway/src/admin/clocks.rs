//! The law's time for births, by province.

use schemas::proto::{
    admin::{LawfulTimesRequest, LawfulTimesResponse, ProvinceTimes},
    insurance as contract,
};
use tonic::Status;

use super::{
    AdminParts,
    reviews::{asking, behind, said, soon},
};

pub(super) async fn times(
    parts: &AdminParts,
    asked: LawfulTimesRequest,
) -> Result<LawfulTimesResponse, Status> {
    let request = contract::LawfulTimesRequest {
        context: Some(asking(parts, Vec::new())),
        month: asked.month,
    };
    let told = behind(parts)?.lawful_times(soon(), request).await;
    let provinces = told.map_err(said)?.provinces.into_iter().map(line);
    Ok(LawfulTimesResponse {
        provinces: provinces.collect(),
    })
}

fn line(one: contract::ProvinceTimes) -> ProvinceTimes {
    ProvinceTimes {
        code: one.code,
        name: one.name,
        received: one.received,
        in_time: one.in_time,
        late: one.late,
        open: one.open,
        overdue: one.overdue,
    }
}
