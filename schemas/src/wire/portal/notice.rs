//! `ThongBaoCongDan`: what is otherwise now of a citizen whom a dossier of the portal's is about.
//!
//! **Own profile**, version 1: the portal has no public words for it. The names are those of `ChuHoSo` where it has one. A
//! member that is not agreed, or stayed as it was, is absent. It stays in this module so that it can be replaced.

use crate::wire::object::wire_object;

wire_object! {
    /// One notice of `ThongBaoCongDan`: a correction, or a child's card that ends soon.
    pub struct CitizenNotice as "ThongBaoCongDan" {
        /// Its id, ours; told again it is the same notice.
        id: String = "MaThongBao", Carried("Change.id");
        /// The number under which the portal knows the citizen.
        pin: String = "SoDinhDanh", Carried("PersonChange.pin");
        /// The number that took its place.
        new_pin: Option<String> = "SoDinhDanhMoi", Carried("PersonChange.new_pin");
        /// The corrected name.
        name: Option<String> = "HoVaTen", Carried("PersonChange.name");
        /// The corrected day of birth, `dd/MM/yyyy`.
        born: Option<String> = "NgayThangNamSinh", Carried("PersonChange.birth_date");
        /// The corrected sex: 1, 2 or 3.
        sex: Option<String> = "GioiTinh", Carried("PersonChange.sex");
        /// `"1"` where the mother or father on record is another now; who they are is not told.
        parents: Option<String> = "ThayDoiChaMe", Carried("PersonChange.parents");
        /// The day of the correction, `dd/MM/yyyy`.
        corrected_on: Option<String> = "NgayDinhChinh", Carried("PersonChange.corrected_on");
        /// The last day of a child's card that ends soon, `dd/MM/yyyy`.
        card_ends_on: Option<String> = "NgayTheHetHan", Carried("PersonChange.card_ends_on");
    }
}
