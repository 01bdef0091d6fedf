//! A payment platform: who we are to it, the secret between us by reference, and whom the money is for.

use std::{path::PathBuf, sync::Arc};

use gateway_core::keyed::Keyed;
use portal::payment::desk::Payee;

use super::{read::section, registry::Wrong, secret};

section! {
    /// How a payment platform is spoken with.
    pub(crate) PaymentLine {
        /// Our code there (MaDoiTac).
        account: String,
        /// File with the secret between us on its first line.
        secret_file: Option<PathBuf>,
        /// Environment variable with the secret.
        secret_env: Option<String>,
        /// Our unit's code (MaDonVi).
        unit: String,
        /// The account that is paid into (TKThuHuong).
        payee_account: String,
        /// Its bank, 8 digits (MaNHThuHuong).
        payee_bank: String,
        /// Its name (TenTKThuHuong).
        payee_name: String,
        /// Our address, as INIT tells it (Ip).
        address: String,
        /// How long an open payment waits before it is asked about again, seconds.
        query_seconds: u32 = 60 => 1..=86_400,
        /// Whether the statement of each day is asked for on the next one.
        statement: bool = true,
    }
}

/// The same, read and checked.
#[derive(Debug, Clone)]
pub struct PaymentAccess {
    /// Our code there, and the secret.
    pub keyed: Arc<Keyed>,
    /// Whom the money is for.
    pub payee: Payee,
    /// How long an open payment waits before it is asked about again, seconds.
    pub query_seconds: u32,
    /// Whether the statement of each day is asked for.
    pub statement: bool,
}

impl PartialEq for PaymentAccess {
    /// Secrets are compared as hashes of one text.
    fn eq(&self, other: &Self) -> bool {
        let same = |keyed: &Keyed| (keyed.account().to_owned(), keyed.mac("same"));
        self.payee == other.payee
            && self.query_seconds == other.query_seconds
            && self.statement == other.statement
            && same(&self.keyed) == same(&other.keyed)
    }
}

/// Reads a section, or tells the key, what is wrong and the cure.
pub(super) fn access(line: &PaymentLine) -> Result<PaymentAccess, Wrong> {
    let secret = match (&line.secret_file, &line.secret_env) {
        (Some(file), None) => secret::first_line("payment.secret_file", file)?,
        (None, Some(name)) => std::env::var(name)
            .ok()
            .filter(|secret| !secret.is_empty())
            .ok_or_else(|| {
                let what = format!("the environment has no {name}");
                ("payment.secret_env", what, "set it, or name a secret_file")
            })?,
        _ => {
            let what = "either secret_file or secret_env".to_owned();
            return Err(("payment.secret_file", what, "name one of the two"));
        }
    };
    if secret.len() < SECRET_BYTES_MIN {
        let what = format!("a secret of fewer than {SECRET_BYTES_MIN} bytes can be guessed");
        return Err(("payment.secret_file", what, "agree on a longer one"));
    }
    let words = [
        ("payment.account", &line.account),
        ("payment.unit", &line.unit),
        ("payment.payee_account", &line.payee_account),
        ("payment.payee_name", &line.payee_name),
        ("payment.address", &line.address),
    ];
    for (key, text) in words {
        if text.is_empty() || text.contains('|') || text.chars().any(char::is_control) {
            let what = format!("`{key}` is empty or holds a `|`: no hash could cover it");
            return Err((key, what, "write it without"));
        }
    }
    if line.payee_bank.len() != 8 || !line.payee_bank.bytes().all(|one| one.is_ascii_digit()) {
        let what = "a bank's code has 8 digits".to_owned();
        return Err(("payment.payee_bank", what, "write all eight"));
    }
    Ok(PaymentAccess {
        keyed: Arc::new(Keyed::new(&line.account, &secret)),
        payee: Payee {
            unit: line.unit.clone(),
            account: line.payee_account.clone(),
            bank: line.payee_bank.clone(),
            name: line.payee_name.clone(),
            address: line.address.clone(),
        },
        query_seconds: line.query_seconds,
        statement: line.statement,
    })
}

const SECRET_BYTES_MIN: usize = 16;
