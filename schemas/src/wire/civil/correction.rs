//! A correction inside `data` of module LTCC: a new message that names the one it corrects or takes back.
//!
//! **Own profile**, module and members: nothing of the kind is public.

use crate::wire::object::wire_object;

wire_object! {
    /// A case is taken back.
    pub struct CorrectionForm as "caiChinh" {
        /// [`CORRECTS`] or [`WITHDRAWS`].
        kind: String = "loai", Carried("the operation that is called");
        /// Module of the case that is named.
        module: String = "moduleGoc", Carried("the operation that is called");
        /// The sender's case that is named.
        case_id: String = "maHoSoGoc", Carried("WithdrawDeathRequest.withdraws");
        /// Why.
        reason: Option<String> = "lyDo", Carried("WithdrawDeathRequest.reason");
    }
}

/// `loai` of a message that corrects facts.
pub const CORRECTS: &str = "1";

/// `loai` of a message that takes a case back.
pub const WITHDRAWS: &str = "2";
