//! Files of a dossier that are too large for it: announced in a signed message, sent as upload parts, named by their
//! SHA-256 in the dossier. Own profile, version 1.

use crate::wire::object::wire_object;

wire_object! {
    /// The files that follow. The message id is the JWS member `jti`; the parts' paths name it.
    pub struct Upload as "upload" {
        /// Each file, in the order of the parts' numbers, which begin at 1.
        #[serde(default)]
        files: Vec<UploadedFile> = "TepDinhKem", Carried("one upload part each");
    }
}

wire_object! {
    /// One file that follows.
    pub struct UploadedFile as "TepDinhKem" {
        /// The file's name, never a path; its ending says which type it is.
        file_name: String = "TenTepDinhKem", NotCarried("held against the type of the bytes; the dossier names the file");
        /// SHA-256 of its bytes, 64 hexadecimal digits.
        sha256: String = "SHA256", Carried("held against the part that comes");
        /// How many bytes it has.
        bytes: i64 = "DungLuong", Carried("held against the part that comes");
    }
}

wire_object! {
    /// That files are awaited.
    pub struct UploadTaken as "result of upload" {
        /// The message that announced them.
        id: String = "MaThongDiep", Carried("JWS jti of the announcement");
        /// How many.
        files: i64 = "SoTep", Carried("how many were announced");
        /// Until when parts and the dossier that names them are waited for, `yyyyMMddHHmmss` at +07:00.
        until: String = "HanGui", Carried("our clock and config");
    }
}

wire_object! {
    /// That a part is kept.
    pub struct PartTaken as "result of part" {
        /// The message that announced it.
        id: String = "MaThongDiep", Carried("the part's path");
        /// Which part.
        number: i64 = "SoThuTu", Carried("the part's path");
        /// SHA-256 of its bytes.
        sha256: String = "SHA256", Carried("as it came");
        /// How many bytes.
        bytes: i64 = "DungLuong", Carried("as it came");
        /// Media type of the bytes.
        media_type: String = "LoaiTep", Carried("as it was found");
    }
}
