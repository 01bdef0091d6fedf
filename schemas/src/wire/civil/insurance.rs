//! The insurance block `baoHiem` inside `data`: what the form TK1-TS asks and the civil form does not.

use super::Address;
use crate::wire::object::wire_object;

wire_object! {
    /// The health insurance part of the electronic form; the member names are ours.
    pub struct InsuranceBlock as "baoHiem" {
        /// Initial facility (nơi KCB ban đầu), 5 characters; demanded.
        facility: Option<String> = "noiKCBBanDau", Carried("RegisterBirthRequest.facility");
        /// Guardian shown on the card: `cha`, `me` or `nyc`.
        guardian: Option<String> = "nguoiGiamHo", Carried("Guardian.relation and Guardian.name");
        /// Poor-household certificate number.
        poor_household_certificate: Option<String> = "soGiayChungNhanHoNgheo", Carried("RegisterBirthRequest.poor_household_certificate");
        /// Day of the poor-household certificate, `dd/MM/yyyy`.
        poor_household_on: Option<String> = "ngayCapGiayChungNhanHoNgheo", NotCarried("takes effect only when TE ends; the journal keeps it");
        /// Residence of the child (TK1-TS); a parent's or the requester's where absent.
        residence: Option<Address> = "noiCuTru", Carried("Child.residence_commune and Child.residence_detail");
        /// Telephone for the card (TK1-TS).
        phone: Option<String> = "soDienThoai", Carried("Guardian.phone");
        /// Address to send papers to (TK1-TS).
        mail_to: Option<String> = "diaChiNhanHoSo", NotCarried("cards are electronic; the journal keeps it");
    }
}
