//! Our TLS identity and keys, where they lie, and which authorities are asked about others'.

use std::path::PathBuf;

use certs::keys::Algorithm;

use super::read::section;

section! {
    /// Our TLS identity and whom we let connect.
    pub Tls {
        /// Our certificate chain, leaf first, PEM.
        cert: PathBuf,
        /// Its private key, PKCS#8 PEM, mode 0600 or, for a group, 0640.
        key: PathBuf,
        /// Authorities that client certificates must lead to, PEM files; with more than one every partner
        /// must be pinned, since each of them could issue any partner's URI.
        anchors: Vec<PathBuf>,
        /// Revocation lists, PEM files; with any, an issuer without a current list is refused.
        crls: Vec<PathBuf> = Vec::new(),
        /// Whether TLS 1.2 with AEAD suites is allowed beside 1.3.
        tls12: bool = false,
    }
}

section! {
    /// Which authorities are asked what they have taken back, while running. From a change to our refusal
    /// it takes `every_seconds` and `timeout_ms` together at most.
    pub Revocation {
        /// Folder in which the last good lists are kept; needed where lists are fetched.
        folder: Option<PathBuf>,
        /// How often lists are fetched and responders asked again, seconds.
        every_seconds: u64 = 20 => 1..=40,
        /// How long one fetch may take, milliseconds.
        timeout_ms: u64 = 5_000 => 100..=15_000,
        /// The authorities; the certificates of one that is named here are refused while it is silent.
        sources: Vec<RevocationSource> = Vec::new(),
    }
}

section! {
    /// One authority that takes certificates back.
    pub RevocationSource {
        /// Its certificate, PEM; it must be allowed to sign lists.
        issuer: PathBuf,
        /// Where its revocation list stands, `http://` or `https://`, DER or PEM.
        crl: Option<String>,
        /// Where its OCSP responder is asked, by POST.
        ocsp: Option<String>,
        /// Whether these hosts may have addresses of a private network or of this machine.
        private: bool = false,
        /// Authorities of these servers' certificates, PEM; needed for `https://`.
        anchors: Option<PathBuf>,
    }
}

section! {
    /// The key sets of token issuers, each fetched from its registered address alone.
    pub TokenKeys {
        /// A set is fetched anew when it is older, seconds: so long a key that its issuer has taken back is
        /// still believed.
        fresh_seconds: u64 = 900 => 1..=86_400,
        /// Between two fetches at least, seconds: so long a key that the issuer has just added may be unknown.
        between_seconds: u64 = 30 => 1..=3_600,
    }
}

section! {
    /// The key that signs our answers: `key`, `[sign.pkcs12]` or `[sign.pkcs11]`.
    pub Sign {
        /// Private key, PKCS#8 PEM, mode 0600 or, for a group, 0640.
        key: Option<PathBuf>,
        /// Its certificate chain, leaf first, PEM.
        cert: PathBuf,
        /// The name by which partners know it.
        kid: String,
        /// Algorithm; by default the usual one of the key's kind.
        algorithm: Option<Algorithm>,
        /// A key in a PKCS#12 file.
        pkcs12: Option<Pkcs12Key>,
        /// A key that stays in its token.
        pkcs11: Option<Pkcs11Key>,
        /// RSA keys in files: threads that sign with them. P-256 signs where it is asked.
        threads: usize = 2 => 1..=64,
        /// RSA keys and tokens: signatures that may wait; above it messages are shed.
        queue: usize = 256 => 1..=65_536,
        /// Public keys that are shown beside it: those of before and the next.
        shown: Vec<ShownKey> = Vec::new(),
    }
}

section! {
    /// A key of ours that signs nothing now, and that partners know all the same: what was signed with it is told again as it
    /// was, or what comes next is to be known before it signs.
    pub ShownKey {
        /// Its certificate, PEM.
        cert: PathBuf,
        /// The name by which partners know it; no other key of ours has it.
        kid: String,
        /// What it signs, or signed, with.
        algorithm: Algorithm,
    }
}

section! {
    /// A key in a PKCS#12 file.
    pub Pkcs12Key {
        /// The file, mode 0600 or, for a group, 0640.
        file: PathBuf,
        /// File with its passphrase on the first line; mode 0600 or, for a group, 0640.
        passphrase_file: Option<PathBuf>,
        /// Environment variable with the passphrase.
        passphrase_env: Option<String>,
    }
}

section! {
    /// A key in a PKCS#11 token (HSM). While the token is away what needs a signature is answered with
    /// SIGNING-UNAVAILABLE, and the token is used again when it is back.
    pub Pkcs11Key {
        /// The vendor's library.
        module: PathBuf,
        /// The token's label.
        token: String,
        /// The key's label; P-256 or RSA.
        label: String,
        /// File with the user's PIN on its first line; mode 0600 or, for a group, 0640.
        pin_file: Option<PathBuf>,
        /// Environment variable with the PIN.
        pin_env: Option<String>,
        /// Sessions, and as many threads that sign.
        sessions: usize = 4 => 1..=64,
    }
}

section! {
    /// A secret key in a PKCS#11 token (AES, 256 bits) that locks the file of the sealing key. It is asked once, at
    /// the start: a gateway does not start without its token, and goes on when it goes.
    pub SealToken {
        /// The vendor's library.
        module: PathBuf,
        /// The token's label.
        token: String,
        /// The secret key's label; `lienthong journal lock` makes the key where there is none.
        label: String,
        /// File with the user's PIN on its first line; mode 0600 or, for a group, 0640.
        pin_file: Option<PathBuf>,
        /// Environment variable with the PIN.
        pin_env: Option<String>,
    }
}
