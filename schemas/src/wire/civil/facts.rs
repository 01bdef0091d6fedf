//! The facts of a birth, asked by its notice: what the inter-linked e-form takes from the insurance database.
//!
//! That it is asked by `maGCS` and the mother's number is known; the message is not. **Own profile.**

use crate::wire::object::wire_object;

wire_object! {
    /// Asks for the children of one birth notice.
    pub struct FactsQuery as "TraCuuGCS" {
        /// Code of the hospital's birth notice.
        code: String = "maGCS", Carried("GetBirthFactsRequest.code");
        /// PIN of the mother, 12 digits.
        mother_pin: String = "meSoDDCN", Carried("GetBirthFactsRequest.mother_pin");
    }
}

wire_object! {
    /// The answer to `TraCuuGCS`.
    pub struct FactsAnswer as "TraCuuGCS answer" {
        /// 1 answered, 0 refused.
        status: u8 = "status", Carried("whether the question was answered");
        /// What happened, in Vietnamese.
        status_description: String = "statusDescription", Carried("whether there is such a notice of this mother");
        /// Members that the agreement withholds, by name.
        withheld: Option<Vec<String>> = "khongDuocCungCap", Carried("fields that the permit withholds");
        /// One row per child; none where there is no such notice, or it is another mother's.
        #[serde(default)]
        children: Vec<FactsRow> = "value", Carried("children of the answer");
    }
}

wire_object! {
    /// What a hospital told of one child.
    pub struct FactsRow as "value of TraCuuGCS" {
        /// Name; absent where the hospital gave none.
        name: Option<String> = "nksHoTen", Carried("BirthFacts.name");
        /// 1 male, 2 female, 3 undetermined.
        sex: Option<u8> = "nksGioiTinh", Carried("BirthFacts.sex");
        /// Day of birth, `dd.MM.yyyy`.
        born: Option<String> = "nksNgaySinh", Carried("BirthFacts.birth_date");
        /// How many children were born.
        children: Option<u8> = "soCon", Carried("BirthFacts.children");
        /// Day of the notice, `dd.MM.yyyy`.
        issued_on: Option<String> = "ngayCapGCS", Carried("BirthFacts.issued_on");
    }
}
