//! Refusals in gRPC: the fault's own status, and beside it the code, the reason and the field.

use schemas::fault::{Fault, FaultCode};
use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::{Code, Status};

use crate::registry::Error;

/// The trailer that carries the fault's code.
pub(crate) const FAULT: &str = "lienthong-fault";
/// The trailer that carries the stable word for what was wrong.
pub(crate) const REASON: &str = "lienthong-reason";
/// The trailer that names the contract's field that was wrong.
pub(crate) const FIELD: &str = "lienthong-field";

/// The status of a failed call; what went wrong inside stays inside.
pub(super) fn of(error: Error) -> Status {
    say(&error.into_fault())
}

/// The status of a call whose time ran out: the outcome is unknown.
pub(super) fn too_late() -> Status {
    say(&Fault::new(
        FaultCode::DeadlineExceeded,
        "registry-deadline",
    ))
}

fn say(fault: &Fault) -> Status {
    let row = fault.code().row();
    let mut metadata = MetadataMap::new();
    metadata.insert(FAULT, MetadataValue::from_static(row.code));
    metadata.insert(REASON, MetadataValue::from_static(fault.reason()));
    if let Some(field) = fault.wrong_field() {
        metadata.insert(FIELD, MetadataValue::from_static(field));
    }
    Status::with_metadata(Code::from_i32(row.grpc), row.en, metadata)
}
