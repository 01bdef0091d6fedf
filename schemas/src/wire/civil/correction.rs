//! A correction inside `data` of module LTCC: a new message that names the one it corrects, takes back or completes.
//! What it corrects or completes stands in `noiDung`: a member that is absent stays as it is.
//!
//! **Own profile**, module and members: nothing of the kind is public.

use crate::wire::object::wire_object;

wire_object! {
    /// A case is corrected, taken back, or given what was asked for.
    pub struct CorrectionForm as "caiChinh" {
        /// [`CORRECTS`], [`WITHDRAWS`] or [`SUPPLEMENTS`].
        kind: String = "loai", Carried("the operation that is called");
        /// Module of the case that is named.
        module: String = "moduleGoc", Carried("the operation that is called");
        /// The sender's case that is named.
        case_id: String = "maHoSoGoc", Carried("CorrectBirthRequest.corrects, WithdrawDeathRequest.withdraws or SupplementBirthRequest.supplements");
        /// Why.
        reason: Option<String> = "lyDo", Carried("reason of the request");
        /// What is true now, of a message that corrects facts or completes them.
        facts: Option<CorrectedFacts> = "noiDung", Carried("changes of the request, member by member");
    }
}

wire_object! {
    /// Facts of a birth as they are true now.
    pub struct CorrectedFacts as "noiDung" {
        /// Another PIN.
        pin: Option<String> = "soDinhDanh", Carried("BirthChanges.pin");
        /// Name of the child.
        name: Option<String> = "nksHoTen", Carried("BirthChanges.name");
        /// 1 male, 2 female, 3 undetermined.
        sex: Option<u8> = "nksGioiTinh", Carried("BirthChanges.sex");
        /// Day of birth, `dd.MM.yyyy`.
        born: Option<String> = "nksNgaySinh", Carried("BirthChanges.birth_date");
        /// Name of the mother.
        mother_name: Option<String> = "meHoTen", Carried("BirthChanges.mother.name");
        /// Day of birth of the mother, may be partial.
        mother_born: Option<String> = "meNgaySinh", Carried("BirthChanges.mother.birth_date");
        /// PIN of the mother.
        mother_pin: Option<String> = "meSoDDCN", Carried("BirthChanges.mother.pin");
        /// Name of the father.
        father_name: Option<String> = "chaHoTen", Carried("BirthChanges.father.name");
        /// Day of birth of the father, may be partial.
        father_born: Option<String> = "chaNgaySinh", Carried("BirthChanges.father.birth_date");
        /// PIN of the father.
        father_pin: Option<String> = "chaSoDDCN", Carried("BirthChanges.father.pin");
        /// Code of the hospital's birth notice; of a supplement alone.
        birth_notice: Option<String> = "maGCS", Carried("SupplementBirthRequest.birth_notice");
    }
}

/// `loai` of a message that corrects facts.
pub const CORRECTS: &str = "1";

/// `loai` of a message with what was asked for (`hanBoSungHoSo`).
pub const SUPPLEMENTS: &str = "3";

/// `loai` of a message that takes a case back.
pub const WITHDRAWS: &str = "2";
