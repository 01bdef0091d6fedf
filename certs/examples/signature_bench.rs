//! How fast XML messages are verified and signed, beside their raw parts and foreign tools in the same
//! run: `cargo run --release -p certs --example signature_bench`. It takes about half a minute, on one core;
//! another program on the machine spoils the figures.
//!
//! The marks: verify (P-256) at most 1.3 times raw verify + SHA-256 + C14N + parse; sign (P-256, a message
//! of 2 KB that we emit) at most 25 us.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measuring program prints, and stops where it fails"
)]

use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use bergshamra::c14n::{C14nMode, canonicalize_doc};
use certs::digest::sha256;
use certs::keys::{Algorithm, SigningKey, VerifyingKey};
use certs::pki::{Authority, IssueParams, Issued, KeyChoice, Usage};
use certs::xmldsig::{
    Canonicalization, Profile, SigningCertificate, canonical_form, sign_enveloped, sign_xades,
    verify,
};

const SPELL: Duration = Duration::from_millis(600);
const ROUNDS: usize = 3;
const ID: &str = "m-bench-00000001";
const VERIFY_RATIO_MAX: f64 = 1.3;
const SIGN_US_MAX: f64 = 25.0;

struct Signer {
    issued: Issued,
    signing: SigningKey,
    verifying: VerifyingKey,
}

fn main() {
    let authority = Authority::generate("sandbox", jiff::Timestamp::now()).unwrap();
    for (kind, algorithm) in [
        (KeyChoice::P256, Algorithm::Es256),
        (KeyChoice::Rsa2048, Algorithm::Ps256),
        (KeyChoice::Rsa2048, Algorithm::Rs256),
    ] {
        let signer = signer(&authority, kind, algorithm);
        for bytes in [2_000, 200_000] {
            measure(&signer, &document(bytes));
        }
    }
    tool(
        "openssl",
        &["speed", "-seconds", "1", "ecdsap256", "rsa2048"],
    );
}

fn signer(authority: &Authority, kind: KeyChoice, algorithm: Algorithm) -> Signer {
    let params = IssueParams {
        key: kind,
        ..IssueParams::new("bench", Usage::Signing, jiff::Timestamp::now())
    };
    let issued = authority.issue(&params).unwrap();
    Signer {
        signing: SigningKey::from_pem(issued.key_pem.as_bytes(), Some(algorithm)).unwrap(),
        verifying: VerifyingKey::from_certificate_der(&issued.der).unwrap(),
        issued,
    }
}

/// A message in our emitted form of about this size.
fn document(bytes: usize) -> String {
    let line = "<Item><Mst>9900000016</Mst><Name>Công ty Cổ phần Ví dụ số một</Name><Due>12345678</Due></Item>";
    format!(
        "<TaxMessage xmlns=\"urn:vn:lienthong:tax:v1\" Id=\"{ID}\"><Header><Sender>tax</Sender></Header>\
         <Body>{}</Body></TaxMessage>",
        line.repeat(bytes / line.len())
    )
}

fn measure(signer: &Signer, document: &str) {
    let (algorithm, profile) = (signer.signing.algorithm(), Profile::default());
    let certificate = SigningCertificate::new(&signer.issued.der);
    let now = jiff::Timestamp::now();
    let plain = sign_enveloped(document.as_bytes(), ID, &signer.signing, None).unwrap();
    let xades = sign_xades(document.as_bytes(), ID, &signer.signing, &certificate, now).unwrap();
    println!(
        "\n{algorithm}, {} bytes, {} signed, {} as XAdES-B",
        document.len(),
        plain.len(),
        xades.len()
    );
    let raw = parts(signer, document, &plain);
    let verified = timed("verify", || {
        verify(&plain, &signer.verifying, &profile).unwrap()
    });
    let verified_xades = timed("verify, XAdES-B", || {
        verify(&xades, &signer.verifying, &profile).unwrap()
    });
    let ratio = verified / raw;
    println!(
        "  verify is {ratio:.2} of its parts (XAdES-B {:.2})",
        verified_xades / raw
    );
    timed("sign", || {
        sign_enveloped(document.as_bytes(), ID, &signer.signing, None).unwrap()
    });
    let signed = timed("sign, XAdES-B", || {
        sign_xades(document.as_bytes(), ID, &signer.signing, &certificate, now).unwrap()
    });
    if algorithm == Algorithm::Es256 {
        verdict("verify", ratio, VERIFY_RATIO_MAX);
        if document.len() < 3_000 {
            verdict("sign us", signed, SIGN_US_MAX);
        }
    }
    foreign(signer, &plain);
}

fn verdict(what: &str, measured: f64, most: f64) {
    let word = if measured <= most { "kept" } else { "MISSED" };
    println!("  mark: {what} {measured:.2}, at most {most}: {word}");
}

/// The parts that no verifier can avoid, in microseconds together.
fn parts(signer: &Signer, document: &str, signed: &[u8]) -> f64 {
    let message = &document.as_bytes()[..document.len().min(900)];
    let signature = signer.signing.sign(message).unwrap();
    let algorithm = signer.signing.algorithm();
    timed("raw sign", || signer.signing.sign(message).unwrap());
    let raw = timed("raw verify", || {
        signer
            .verifying
            .verify(algorithm, message, &signature)
            .unwrap()
    });
    let hash = timed("SHA-256", || sha256(document.as_bytes()));
    let text = std::str::from_utf8(signed).unwrap();
    let parse = timed("parse", || uppsala::parse(text).unwrap());
    let form = Canonicalization::Exclusive(Vec::new());
    let both = timed("scan + parse + C14N", || {
        canonical_form(signed, &form, &Profile::default()).unwrap()
    });
    let tree = uppsala::parse(text).unwrap();
    let library = timed("the library's C14N", || {
        canonicalize_doc::<&str>(&tree, C14nMode::Exclusive, None, &[]).unwrap()
    });
    let parts = raw + hash + both;
    println!(
        "  parts {parts:.1} us with our C14N, {:.1} us with the library's",
        raw + hash + parse + library
    );
    parts
}

/// Microseconds of one piece of work: the best of some rounds, since a neighbour only ever adds.
fn timed<T>(what: &str, work: impl Fn() -> T) -> f64 {
    let best = (0..ROUNDS)
        .map(|_| round(&work))
        .fold(f64::INFINITY, f64::min);
    println!("  {what:<20} {best:>10.2} us");
    best
}

fn round<T>(work: &impl Fn() -> T) -> f64 {
    let start = Instant::now();
    let mut done = 0_u32;
    while start.elapsed() < SPELL / ROUNDS as u32 {
        for _ in 0..8 {
            black_box(work());
        }
        done += 8;
    }
    start.elapsed().as_secs_f64() * 1e6 / f64::from(done)
}

/// The same document through `xmlsec1 --repeat`.
fn foreign(signer: &Signer, signed: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, content: &[u8]| fs::write(folder.path().join(name), content).unwrap();
    put("signed.xml", signed);
    put("chain.pem", signer.issued.chain_pem.as_bytes());
    let id = ["--id-attr:Id", "urn:vn:lienthong:tax:v1:TaxMessage"];
    let verify = [
        "--verify",
        "--repeat",
        "500",
        "--pubkey-cert-pem",
        "chain.pem",
    ];
    run_in(
        folder.path(),
        "xmlsec1",
        &[&verify[..], &id, &["signed.xml"]].concat(),
    );
}

fn tool(program: &str, arguments: &[&str]) {
    println!();
    run_in(Path::new("."), program, arguments);
}

/// Runs a foreign tool and shows the last lines it says.
fn run_in(folder: &Path, program: &str, arguments: &[&str]) {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .output();
    let Ok(output) = output else {
        println!("  not run: {program} missing");
        return;
    };
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    let telling = |line: &&str| {
        [
            "Executed",
            "sign",
            "256 bits",
            "2048 bits",
            "unknown",
            "rror",
        ]
        .iter()
        .any(|word| line.contains(word))
    };
    for line in said.lines().filter(telling).take(8) {
        println!("  {program}: {line}");
    }
}
