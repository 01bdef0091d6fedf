//! What this gateway keeps: messages, the journal, months in bulk, files of dossiers.

use std::path::PathBuf;

use jiff::civil::Date;

use super::{SealToken, read::section, value::words};
use crate::papers::Scanner;

words! {
    /// What keeps messages, journal and outbox.
    StoreEngine {
        /// SQLite in a file of this gateway's own.
        Sqlite = "sqlite",
        /// PostgreSQL 15 or newer, shared by every replica.
        Postgres = "postgres",
    }
}

section! {
    /// Messages, journal and outbox.
    pub Store {
        /// `sqlite` or `postgres`.
        engine: StoreEngine = StoreEngine::Sqlite,
        /// Sqlite: the file.
        path: Option<PathBuf>,
        /// Postgres: `postgresql://user@host[,host]/database`, without a password. Of several hosts the one
        /// that takes writes is used.
        url: Option<String>,
        /// Postgres: file with the url on its first line, a password included; mode 0600 or, for a group, 0640.
        url_file: Option<PathBuf>,
        /// Postgres: authorities that the server's certificate must lead to, PEM; needed over a network.
        anchors: Option<PathBuf>,
        /// Postgres: sessions that read; one more writes.
        pool: usize = 2 => 1..=64,
        /// Postgres: how long a connection may take to be made, milliseconds.
        connect_timeout_ms: u64 = 500 => 50..=60_000,
        /// Postgres: how long a batch or a look-up may take, milliseconds; then its callers are told that
        /// the store is unavailable.
        timeout_ms: u64 = 800 => 50..=60_000,
        /// Postgres: weeks of the journal that stay attached; for ever where absent.
        keep_weeks: Option<u32>,
        /// The name of this gateway's journal chain; each replica needs one of its own and must keep it.
        /// By default `gateway` for a file, the host's name in a database.
        writer: Option<String>,
        /// The key that seals stored content: 64 hex digits, mode 0600 or, for a group, 0640.
        seal_key: PathBuf,
        /// What locks that file: without this token nobody opens it. `lienthong journal lock` locks one that is there.
        seal_token: Option<SealToken>,
        /// How long a claim is held before another worker may take it over, seconds; longer than
        /// `limits.deadline_ms`.
        lease_seconds: u64 = 30 => 5..=600,
        /// Commands that may wait for the writer.
        queue: usize = 1024 => 16..=65_536,
    }
}

section! {
    /// Whole months in bulk: where chunks lie, encrypted, until they are compared and told.
    pub Bulk {
        /// The folder; replicas need one that they all see.
        path: PathBuf,
        /// Most bytes in it, the comparison's own included.
        bytes_max: u64 = 17_179_869_184 => 1_048_576..=1_125_899_906_842_624,
        /// Hours for which all chunks of a manifest are waited for; then the reconciliation is over, and refused.
        wait_hours: u32 = 168 => 1..=8_760,
        /// Days for which a finished reconciliation is kept and told.
        keep_days: u32 = 30 => 1..=3_650,
        /// Days after which a discrepancy in the ledger that nobody settled expires.
        due_days: u32 = 60 => 1..=3_650,
        /// Reconciliations of one sender that may be under way.
        open: usize = 16 => 1..=1_000,
        /// Records of one chunk of a month of ours that is sent.
        chunk_records: usize = 50_000 => 1..=50_000,
        /// How far the two sides may differ before it is a finding, by date; nothing but rounding to 1,000 VND is
        /// overlooked before the first row.
        tolerances: Vec<ToleranceLine> = Vec::new(),
    }
}

section! {
    /// One row of tolerances. A figure differs where it does by more than its fixed part and by more than its share of
    /// the larger figure. What is changed here counts for months announced afterwards; each keeps its own.
    pub ToleranceLine {
        /// The first day of the first month that it is for.
        valid_from: Date,
        /// Participants: so many people,
        count: u32 = 0 => 0..=1_000_000,
        /// and basis points (hundredths of a per cent).
        count_bp: u32 = 0 => 0..=10_000,
        /// Fund, due and paid: VND,
        fund_vnd: u64 = 1_000 => 0..=1_000_000_000_000,
        /// and basis points.
        fund_bp: u32 = 0 => 0..=10_000,
        /// A person's base: VND,
        base_vnd: u64 = 1_000 => 0..=1_000_000_000,
        /// and basis points.
        base_bp: u32 = 0 => 0..=10_000,
        /// The lowest score of a name that is no finding; 100 is the same name.
        name_score: u8 = 100 => 1..=100,
        /// The lowest score of an address that is no finding.
        address_score: u8 = 100 => 1..=100,
    }
}

section! {
    /// Files of dossiers and of civil status cases: where they lie, encrypted, and what searches them.
    pub Papers {
        /// The folder; replicas need one that they all see.
        path: PathBuf,
        /// Most bytes in it.
        bytes_max: u64 = 68_719_476_736 => 1_048_576..=1_125_899_906_842_624,
        /// Largest file, bytes.
        file_bytes_max: u64 = 20_971_520 => 1_024..=67_108_864,
        /// Announcements of one sender whose time has not ended.
        open: usize = 10_000 => 1..=1_000_000,
        /// Hours for which parts are awaited, and files wait for a dossier that names them; then they are erased.
        wait_hours: u32 = 24 => 1..=720,
        /// Days for which a file that a dossier names is kept.
        keep_days: u32 = 3_650 => 1..=36_500,
        /// clamd, which searches each file before it is taken; none are searched where absent.
        scanner: Option<Scanner>,
        /// How long one search may take, milliseconds.
        scan_timeout_ms: u64 = 10_000 => 100..=60_000,
        /// Files that are searched at a time.
        scans: usize = 4 => 1..=64,
    }
}

section! {
    /// Evidence: checkpoints, time-stamps, retention.
    pub Journal {
        /// A checkpoint is signed after so many records,
        checkpoint_records: u64 = 1_000 => 1..=65_536,
        /// and after this time where there is a new one, seconds.
        checkpoint_seconds: u64 = 60 => 1..=86_400,
        /// Folder, away from the store, where a copy of every checkpoint is written; `journal verify` holds the
        /// store against it. No copies where absent.
        checkpoints_to: Option<PathBuf>,
        /// The key that signs checkpoints and exports, PEM, mode 0600 or, for a group, 0640; [sign]'s where absent.
        key: Option<PathBuf>,
        /// Its certificate chain, leaf first, PEM.
        cert: Option<PathBuf>,
        /// Time-stamping authorities (RFC 3161), `http://` or `https://`; the first that answers stamps. With none
        /// there are no time-stamps.
        tsa: Vec<String> = Vec::new(),
        /// Roots that their tokens' certificates must lead to, PEM.
        tsa_anchors: Option<PathBuf>,
        /// Roots that their servers' certificates must lead to, PEM; needed for `https://`.
        tsa_tls_anchors: Option<PathBuf>,
        /// Whether they may have addresses of private networks or of this machine.
        tsa_private: bool = false,
        /// How long one of them may take, milliseconds.
        tsa_timeout_ms: u64 = 5_000 => 100..=60_000,
        /// How many days content is kept where nothing else says how long; for ever where absent.
        retention_days: Option<u32>,
        /// Operations that are kept for another time: `"tax.ping = 30"`, days.
        retention: Vec<String> = Vec::new(),
        /// The article under which content is destroyed; needed with either of the two.
        retention_law: Option<String>,
    }
}
