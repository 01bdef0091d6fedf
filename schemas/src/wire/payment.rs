//! The payment platform's words (PaymentPlatform of the portal): INIT, QUERY, GET_BILL and the callback.
//!
//! Members and the hashes of INIT, QUERY and GET_BILL are the platform's, as integrators use them. **Own profile**:
//! the order of the callback's hash, the answers to QUERY and GET_BILL, the codes of `TrangThaiGD`, and the whole of
//! `DOISOAT`, by which the statement of a day is asked for. Each hash is SHA-256 over the fields and a secret, joined
//! by `|`, in lower-case hex; a field that holds a `|` has no hash here. The secret is never here: a text is made
//! ready, whoever has the secret closes it.
//!
//! Amounts are whole đồng in digits; times are `yyyyMMddHHmmss` at +07:00 on a 24-hour clock.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::json::{self, JsonError, Limits};
use crate::wire::object::{Field, wire_object};

/// `PhienBan` that is spoken.
pub const VERSION: &str = "1.0.6";
/// `MaTienTe`: the one currency.
pub const CURRENCY: &str = "VND";
/// `MaLoi` of what went well.
pub const OK: &str = "00";
/// Where the platform takes every call, below its address. Own profile.
pub const PATH: &str = "/payment/v1/messages";
/// Transactions in one answer.
pub const TRANSACTIONS_MAX: usize = 500;

wire_object! {
    /// INIT: the platform is asked to take a payment.
    pub struct Init as "INIT" {
        /// `INIT`.
        kind: String = "LoaiBanTin", Carried("always INIT");
        /// [`VERSION`].
        version: String = "PhienBan", Carried("always 1.0.6");
        /// Our code at the platform.
        account: String = "MaDoiTac", Carried("config: account");
        /// The payment.
        reference: String = "MaThamChieu", Carried("PaymentOrder.reference");
        /// The amount.
        vnd: String = "SoTien", Carried("PaymentOrder.vnd");
        /// `PAY`.
        sort: String = "LoaiHinhThanhToan", Carried("always PAY");
        /// `1`.
        channel: String = "MaKenhThanhToan", Carried("always 1");
        /// `1`.
        device: String = "MaThietBi", Carried("always 1");
        /// `vi-VN`.
        language: String = "NgonNgu", Carried("always vi-VN");
        /// [`CURRENCY`].
        currency: String = "MaTienTe", Carried("always VND");
        /// `PAYMENT`.
        bank: String = "MaNganHang", Carried("always PAYMENT");
        /// What it is for.
        text: String = "ThongTinGiaoDich", Carried("PaymentOrder.dossier");
        /// When it is said.
        at: String = "ThoiGianGD", Carried("our clock, 24 hours");
        /// Our address.
        address: String = "Ip", Carried("config: address");
        /// The hash over the fourteen before it.
        mac: String = "MaXacThuc", Carried("keyed SHA-256");
        /// What the platform writes on its receipt.
        receipt: ReceiptTerms = "ThongTinBienLai", Carried("PaymentOrder, config: payee");
    }
}

wire_object! {
    /// Who is paid, for what, by whom.
    pub struct ReceiptTerms as "ThongTinBienLai" {
        /// `2`.
        service: String = "MaDichVu", Carried("always 2");
        /// `MaTTHC` and `.01`.
        online_service: String = "MaDVC", Carried("PaymentOrder.procedure and .01");
        /// Its name.
        online_service_name: String = "TenDVC", Carried("the procedure's row: its name");
        /// The procedure.
        procedure: String = "MaTTHC", Carried("PaymentOrder.procedure");
        /// Its name.
        procedure_name: String = "TenTTHC", Carried("the procedure's row: its name");
        /// Our unit.
        unit: String = "MaDonVi", Carried("config: unit");
        /// Its name.
        unit_name: String = "TenDonVi", Carried("config: payee's name");
        /// The dossier.
        dossier: String = "MaHoSo", Carried("PaymentOrder.dossier");
        /// The payee's account.
        payee: String = "TKThuHuong", Carried("config: payee's account");
        /// The payee's bank, 8 digits.
        payee_bank: String = "MaNHThuHuong", Carried("config: payee's bank");
        /// The payee's name.
        payee_name: String = "TenTKThuHuong", Carried("config: payee's name");
        /// What it is for.
        text: String = "NoiDungThanhToan", Carried("PaymentOrder.dossier");
        /// Who pays.
        payer_name: String = "HoTenNguoiNop", Carried("Payer.name");
        /// Their number.
        payer_number: String = "SoCMNDNguoiNop", Carried("Payer.pin");
        /// What is paid.
        items: Vec<Item> = "DSKhoanNop", Carried("PaymentOrder.vnd, one item");
    }
    never written {
        "MaLoaiHinhThuPhat": "no fine is paid here";
        "TenLoaiHinhThuPhat": "no fine is paid here";
        "MaCoQuanQD": "no decision of another office is paid here";
        "TenCoQuanQD": "no decision of another office is paid here";
        "KhoBac": "contributions go to the fund, not to the treasury";
        "NgayQD": "no decision of another office is paid here";
        "SoQD": "no decision of another office is paid here";
        "ThoiGianViPham": "no fine is paid here";
        "DiaDiemViPham": "no fine is paid here";
        "TenNguoiViPham": "no fine is paid here";
        "TaiKhoanThuNSNN": "contributions go to the fund, not to the budget";
        "DiaChiNguoiNop": "the platform has no need of the address";
        "HuyenNguoiNop": "the platform has no need of the address";
        "TinhNguoiNop": "the platform has no need of the address";
        "PhiLePhi": "contributions are not fees";
    }
}

wire_object! {
    /// One thing that is paid.
    pub struct Item as "DSKhoanNop" {
        /// What.
        text: String = "NoiDung", Carried("the procedure's row: its name");
        /// How much.
        vnd: String = "SoTien", Carried("PaymentOrder.vnd");
    }
}

wire_object! {
    /// QUERY, GET_BILL and, own profile, DOISOAT: what is known of a payment or a day.
    pub struct Ask as "QUERY" {
        /// `QUERY`, `GET_BILL` or `DOISOAT`.
        kind: String = "LoaiBanTin", Carried("what is asked");
        /// [`VERSION`].
        version: String = "PhienBan", Carried("always 1.0.6");
        /// Our code at the platform.
        account: String = "MaDoiTac", Carried("config: account");
        /// The payment; of DOISOAT the day, `yyyyMMdd` and, from the second page on, `-` and the page.
        reference: String = "MaThamChieu", Carried("PaymentOrder.reference, or the day");
        /// When it is said.
        at: String = "ThoiGianGD", Carried("our clock, 24 hours");
        /// The hash over the five before it.
        mac: String = "MaXacThuc", Carried("keyed SHA-256");
    }
}

wire_object! {
    /// The answer to [`Ask`]. Own profile.
    pub struct Account as "result of QUERY" {
        /// The question's.
        kind: String = "LoaiBanTin", Carried("compared with the question");
        /// [`OK`], or why there is no answer.
        code: String = "MaLoi", Carried("whether it is an answer");
        /// The same in words.
        text: String = "MoTaLoi", NotCarried("for people; the journal keeps it");
        /// Our code at the platform.
        account: String = "MaDoiTac", Carried("compared with config");
        /// The question's.
        reference: String = "MaThamChieu", Carried("compared with the question");
        /// When it was answered.
        at: String = "ThoiGianGD", Carried("AskedPaymentRequest.answered_at");
        /// Number of the receipt, where there is one.
        #[serde(default)]
        bill: String = "SoBienLai", Carried("BillPaymentRequest.bill");
        /// `1` where another page follows.
        #[serde(default)]
        more: String = "ConNua", Carried("the next page is asked for");
        /// What was paid.
        #[serde(default)]
        transactions: Vec<Paid> = "GiaoDich", Carried("Transaction");
        /// The hash over all before it.
        mac: String = "MaXacThuc", Carried("keyed SHA-256");
    }
}

wire_object! {
    /// One transaction. Own profile.
    pub struct Paid as "GiaoDich" {
        /// The transaction.
        id: String = "MaGiaoDich", Carried("Transaction.id");
        /// The payment.
        reference: String = "MaThamChieu", Carried("Transaction.reference");
        /// The amount.
        vnd: String = "SoTien", Carried("Transaction.vnd");
        /// [`CURRENCY`].
        currency: String = "MaTienTe", Carried("must be VND");
        /// The payer's bank.
        bank: String = "MaNganHang", Carried("Transaction.bank");
        /// The payee's account.
        payee: String = "TKThuHuong", Carried("must be the payee of config");
        /// When it was paid.
        at: String = "ThoiGianGD", Carried("Transaction.paid_at");
    }
}

wire_object! {
    /// The callback: a payment was made, or was not.
    pub struct Notice as "callback" {
        /// The platform's word for it.
        kind: String = "LoaiBanTin", NotCarried("the path says what it is");
        /// [`OK`]: paid.
        code: String = "MaLoi", Carried("whether anything was paid");
        /// Our code at the platform.
        account: String = "MaDoiTac", Carried("must be the account of config");
        /// The payment.
        reference: String = "MaThamChieu", Carried("Transaction.reference");
        /// The amount.
        vnd: String = "SoTien", Carried("Transaction.vnd");
        /// [`CURRENCY`].
        currency: String = "MaTienTe", Carried("must be VND");
        /// The transaction.
        id: String = "MaGiaoDich", Carried("Transaction.id");
        /// The payer's bank.
        bank: String = "MaNganHang", Carried("Transaction.bank");
        /// When it was paid.
        at: String = "ThoiGianGD", Carried("Transaction.paid_at");
        /// What it was for.
        text: String = "ThongTinGiaoDich", NotCarried("what INIT said, back again");
        /// The hash over all before it.
        mac: String = "MaXacThuc", Carried("keyed SHA-256");
    }
}

wire_object! {
    /// Our answer to a callback.
    pub struct NoticeAnswer as "result of callback" {
        /// [`OK`].
        code: String = "MaLoi", Carried("always 00: a fault has the words of faults");
        /// In words.
        text: String = "MoTaLoi", Carried("always the words of 00");
        /// Our code at the platform.
        account: String = "MaDoiTac", Carried("the callback's");
        /// The payment.
        reference: String = "MaThamChieu", Carried("the callback's");
        /// When it is answered.
        at: String = "ThoiGianGD", Carried("our clock, 24 hours");
        /// `1` booked, `2` to be given back, `0` nothing was paid. Own profile.
        state: String = "TrangThaiGD", Carried("LedgerEntry.booked");
        /// The hash over `MaLoi`, `MaDoiTac`, `MaThamChieu`, `ThoiGianGD` and `TrangThaiGD`.
        mac: String = "MaXacThuc", Carried("keyed SHA-256");
    }
}

/// The answer to INIT; it bears no hash, so that only who can be reached at the platform's address gives it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Opened {
    /// `0`: taken.
    pub error_code: String,
    /// Where the applicant pays; else why not.
    pub message: String,
}

impl Init {
    /// What its hash covers but for the secret: the fourteen fields; none where one of them holds a `|`.
    pub fn covered(&self) -> Option<String> {
        joined(&[
            &self.kind,
            &self.version,
            &self.account,
            &self.reference,
            &self.vnd,
            &self.sort,
            &self.channel,
            &self.device,
            &self.language,
            &self.currency,
            &self.bank,
            &self.text,
            &self.at,
            &self.address,
        ])
    }
}

impl Ask {
    /// What its hash covers but for the secret.
    pub fn covered(&self) -> Option<String> {
        joined(&[
            &self.kind,
            &self.version,
            &self.account,
            &self.reference,
            &self.at,
        ])
    }
}

impl Account {
    /// What its hash covers but for the secret: every member in order, and every transaction's.
    pub fn covered(&self) -> Option<String> {
        let mut fields = vec![
            &self.kind,
            &self.code,
            &self.text,
            &self.account,
            &self.reference,
            &self.at,
            &self.bill,
            &self.more,
        ];
        for one in &self.transactions {
            fields.extend([
                &one.id,
                &one.reference,
                &one.vnd,
                &one.currency,
                &one.bank,
                &one.payee,
                &one.at,
            ]);
        }
        joined(&fields)
    }
}

impl Notice {
    /// What its hash covers but for the secret.
    pub fn covered(&self) -> Option<String> {
        joined(&[
            &self.kind,
            &self.code,
            &self.account,
            &self.reference,
            &self.vnd,
            &self.currency,
            &self.id,
            &self.bank,
            &self.at,
            &self.text,
        ])
    }

    /// The callback whose hash covers this text; `mac` is the hash that came with it.
    pub fn of_covered(text: &str, mac: &str) -> Option<Self> {
        let mut fields = text.split('|').map(str::to_owned);
        let mut next = || fields.next();
        let notice = Self {
            kind: next()?,
            code: next()?,
            account: next()?,
            reference: next()?,
            vnd: next()?,
            currency: next()?,
            id: next()?,
            bank: next()?,
            at: next()?,
            text: next()?,
            mac: mac.to_owned(),
        };
        next().is_none().then_some(notice)
    }
}

impl NoticeAnswer {
    /// What its hash covers but for the secret.
    pub fn covered(&self) -> Option<String> {
        joined(&[
            &self.code,
            &self.account,
            &self.reference,
            &self.at,
            &self.state,
        ])
    }
}

/// An amount in digits, without a sign, a point or a leading zero: 1 to a thousand billion.
pub fn amount(text: &str) -> Option<i64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    let vnd = digits.then(|| text.parse::<i64>().ok()).flatten()?;
    (1..=VND_MAX).contains(&vnd).then_some(vnd)
}

/// Whether a text has the form of a reference of ours: "dvc", letters and digits, 14 digits of a time; 18 to 64 in all.
///
/// What has it may be said in the open, in logs and as a part of a message's id; any other text may be anybody's name.
#[must_use]
pub fn is_reference(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("dvc") else {
        return false;
    };
    let bytes = rest.as_bytes();
    let time = bytes
        .len()
        .checked_sub(14)
        .and_then(|from| bytes.get(from..));
    (18..=64).contains(&text.len())
        && bytes.iter().all(u8::is_ascii_alphanumeric)
        && time.is_some_and(|time| time.iter().all(u8::is_ascii_digit))
}

/// Reads one object of this profile strictly.
///
/// # Errors
/// As [`json::read`].
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, JsonError> {
    json::read(bytes, &LIMITS)
}

/// Writes one object of this profile.
pub fn encode<T: Serialize>(object: &T) -> Vec<u8> {
    serde_json::to_vec(object).expect("wire objects hold only texts and lists of them")
}

/// Every member of every object of this profile, in the order of the mapping document.
pub fn fields() -> Vec<Field> {
    [
        Init::FIELDS,
        ReceiptTerms::FIELDS,
        Item::FIELDS,
        Ask::FIELDS,
        Account::FIELDS,
        Paid::FIELDS,
        Notice::FIELDS,
        NoticeAnswer::FIELDS,
    ]
    .concat()
}

/// A text with the separator in a field could be cut in two ways.
fn joined(fields: &[&String]) -> Option<String> {
    let mut text = String::new();
    for (nth, field) in fields.iter().enumerate() {
        if field.contains('|') || field.chars().any(char::is_control) {
            return None;
        }
        if nth > 0 {
            text.push('|');
        }
        text.push_str(field);
    }
    Some(text)
}

const VND_MAX: i64 = 1_000_000_000_000;
const LIMITS: Limits = Limits {
    bytes_max: 1 << 20,
    depth_max: 4,
    members_max: 32,
    items_max: TRANSACTIONS_MAX,
};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire::object::samples::{Sample as _, Words};

    #[test]
    fn a_reference_of_ours_has_its_form_and_nobodys_name_or_number_has_it() {
        for ours in ["dvcG9900012611230000012026112309000", "dvcX20261123090000"] {
            assert!(is_reference(ours), "{ours}");
        }
        let long = format!("dvc{}20261123090000", "A".repeat(48));
        for other in [
            "",
            "dvc",
            "dvc20261123090000",
            "099174461014",
            "GD4999900000001",
            "Nguyễn Thị Dvc",
            "dvcNguyễn20261123090000",
            "dvcG99 20261123090000",
            "dvcG99.20261123090000",
            "dvcG992026112309000x",
            "DVCX20261123090000",
            &long,
        ] {
            assert!(!is_reference(other), "{other}");
        }
    }

    #[test]
    fn the_hash_of_init_covers_fourteen_fields_in_the_integrators_order() {
        let field = |n: u8| char::from(b'a' + n).to_string();
        let init = Init {
            kind: field(0),
            version: field(1),
            account: field(2),
            reference: field(3),
            vnd: field(4),
            sort: field(5),
            channel: field(6),
            device: field(7),
            language: field(8),
            currency: field(9),
            bank: field(10),
            text: field(11),
            at: field(12),
            address: field(13),
            ..Init::default()
        };
        assert_eq!(init.covered().unwrap(), "a|b|c|d|e|f|g|h|i|j|k|l|m|n");
        let split = Init {
            text: "x|y".into(),
            ..init
        };
        assert_eq!(split.covered(), None);
    }

    #[test]
    fn an_amount_is_digits_and_nothing_else() {
        assert_eq!(amount("580635"), Some(580_635));
        assert_eq!(amount("1000000000000"), Some(1_000_000_000_000));
        for text in [
            "",
            "0",
            "00",
            "-1",
            "+1",
            "1.0",
            "1e3",
            "01",
            " 1",
            "1000000000001",
            "99999999999999999999",
            "１",
        ] {
            assert_eq!(amount(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again_and_a_callback_from_what_its_hash_covers(
            words in prop::collection::vec(any::<u32>(), 0..60),
        ) {
            let mut from = Words(words.iter());
            let notice = Notice::sample(&mut from);
            prop_assert_eq!(&decode::<Notice>(&encode(&notice)).unwrap(), &notice);
            if let Some(text) = notice.covered() {
                prop_assert_eq!(Notice::of_covered(&text, &notice.mac).unwrap(), notice);
            }
            let account = Account::sample(&mut from);
            let read: Account = decode(&encode(&account)).unwrap();
            prop_assert_eq!(read, account);
        }
    }
}
