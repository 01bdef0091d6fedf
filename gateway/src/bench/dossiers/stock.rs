//! Dossiers of made-up people, each with its own reference, signed by the simulated portal's key; and files of 1 MB.

use std::{
    error::Error,
    fs,
    io::Write as _,
    sync::atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;
use certs::digest::sha256_hex;
use conformance::identity::Identity;
use gateway_core::ports::{Clock as _, SystemClock};
use http::Method;
use insurance::seed::PersonMark;
use jiff::civil::Date;
use schemas::date::{format_slash, portal_time};
use serde_json::{Value, json};

use super::super::{
    clients::{Letter, fresh_id, signed, signed_as},
    load::Stock,
    primitives::Meter,
    scene::Scene,
};

type Trouble = Box<dyn Error + Send + Sync>;

/// Dossiers, each made once.
pub(super) struct Dossiers {
    identity: Identity,
    holders: Vec<PersonMark>,
    next: AtomicUsize,
}

impl Dossiers {
    /// None yet; the limits on what the portal says are lifted in its partner's file.
    pub(super) fn make(scene: &Scene) -> Result<Self, Trouble> {
        let file = scene.layout.gateway("partners/portal.toml");
        let mut text = fs::read_to_string(&file)?;
        for operation in ["submit-dossier", "announce-files", "upload-file"] {
            let name = format!("[agreements.operations.\"portal.{operation}\"]");
            let lifted = format!("{name}\nper_minute = 6000000\nburst = 100000");
            text = text.replacen(&name, &lifted, 1);
        }
        fs::write(&file, text)?;
        Ok(Self {
            identity: Identity::load(&scene.layout.agency("portal"))?,
            holders: scene.landmarks.card_holders.clone(),
            next: AtomicUsize::new(0),
        })
    }

    pub(super) fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Announces files under a fresh id: the letter, and the way of each part.
    pub(super) fn announced(&self, files: &[Bytes]) -> Result<(Letter, Vec<String>), Trouble> {
        let line = |file: &Bytes| json!({ "TenTepDinhKem": "giay-to.pdf", "SHA256": sha256_hex(file), "DungLuong": file.len() });
        let id = fresh_id();
        let body = json!({ "TepDinhKem": files.iter().map(line).collect::<Vec<_>>() });
        let to = ("portal.announce-files", "/portal/v1/uploads");
        let way = |number| format!("/portal/v1/uploads/{id}/files/{number}");
        let ways = (1..=files.len()).map(way).collect();
        Ok((signed_as(&self.identity, to, &body, id.clone())?, ways))
    }

    /// A PDF of its own of so many bytes, as far as its head says.
    pub(super) fn file(&self, bytes: usize) -> Bytes {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let mut file = format!("%PDF-1.7\n% {number}\n").into_bytes();
        file.resize(bytes, b'x');
        Bytes::from(file)
    }

    fn submission(&self, sha256: Option<&str>) -> Result<Letter, Trouble> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let holder = self
            .holders
            .get(number % self.holders.len())
            .ok_or("no holders")?;
        let to = ("portal.submit-dossier", "/portal/v1/dossiers");
        signed(&self.identity, to, &body(number, holder, sha256)?)
    }
}

/// A certificate of coverage; or, with a file, a change of the record that the file proves.
fn body(number: usize, holder: &PersonMark, sha256: Option<&str>) -> Result<Value, Trouble> {
    let born: Date = holder.birth_date.parse()?;
    let mut body = json!({
        "MaThamChieu": format!("DVC-BENCH-{number:08}"),
        "MaTTHC": "9.000010",
        "ChuHoSo": { "HoVaTen": holder.name, "SoDinhDanh": holder.pin, "NgayThangNamSinh": format_slash(born) },
        "ToKhai": { "MaBHXH": holder.si_number, "MucDich": "Vay vốn" },
        "NgayNopHoSo": portal_time::format(SystemClock.now()),
    });
    if let Some(sha256) = sha256 {
        body["MaTTHC"] = "9.000007".into();
        body["ToKhai"] =
            json!({ "MaBHXH": holder.si_number, "HoVaTen": "Lê Văn Mới", "LyDo": "Sai tên" });
        body["TaiLieuNop"] = json!([{ "MaThanhPhanHoSo": "GIAY-TO", "TepDinhKemId": "tep-1",
            "TenTepDinhKem": "giay-to.pdf", "SHA256": sha256 }]);
    }
    Ok(body)
}

/// Dossiers whose papers stay at the portal.
pub(super) fn without_files(dossiers: &Dossiers) -> impl Stock + '_ {
    Plain(dossiers)
}

/// Dossiers with a file: its announcement, its bytes, and the dossier that names it.
pub(super) fn with_files(dossiers: &Dossiers) -> impl Stock + '_ {
    Filed(dossiers)
}

struct Plain<'a>(&'a Dossiers);

impl Stock for Plain<'_> {
    fn identity(&self) -> &Identity {
        &self.0.identity
    }

    fn next(&self) -> Result<Vec<Letter>, Trouble> {
        Ok(vec![self.0.submission(None)?])
    }
}

struct Filed<'a>(&'a Dossiers);

impl Stock for Filed<'_> {
    fn identity(&self) -> &Identity {
        &self.0.identity
    }

    fn next(&self) -> Result<Vec<Letter>, Trouble> {
        let file = self.0.file(FILE_BYTES);
        let (announcement, ways) = self.0.announced(std::slice::from_ref(&file))?;
        let submission = self.0.submission(Some(&sha256_hex(&file)))?;
        let way = ways.into_iter().next().ok_or("no way")?;
        let part = Letter {
            method: Method::PUT,
            path: way.into(),
            content_type: "application/octet-stream",
            signature: None,
            body: file,
        };
        Ok(vec![announcement, part, submission])
    }
}

/// SHA-256 of a file and one durable write of it, CPU microseconds.
pub(super) fn one_file_us(scene: &Scene) -> Result<f64, Trouble> {
    let path = scene.layout.root().join("primitive");
    let file = vec![b'x'; FILE_BYTES];
    let meter = Meter::start()?;
    for _ in 0..WRITES {
        std::hint::black_box(sha256_hex(&file));
        let mut written = fs::File::create(&path)?;
        written.write_all(&file)?;
        written.sync_all()?;
    }
    let spent = meter.per_piece_us(WRITES)?;
    fs::remove_file(path)?;
    Ok(spent)
}

/// Length of a file.
pub(super) const FILE_BYTES: usize = 1 << 20;
const WRITES: usize = 200;
