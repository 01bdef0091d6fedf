//! The signature verifier: whatever is done to a signed document, what is proven is what was signed.
#![no_main]

use std::sync::OnceLock;

use certs::keys::{SigningKey, VerifyingKey};
use certs::pki::{Authority, IssueParams, Usage};
use certs::xmldsig::{Profile, sign_enveloped, verify};
use gateway_fuzz::{edited, now};
use libfuzzer_sys::fuzz_target;

const ROOT: &str = "<Message xmlns=\"urn:lienthong:tax:v1\" Id=\"m-1\"><Header><Sender>tax</Sender></Header>\
    <Body><Name>Nguy\u{1ec5}n V\u{103}n A</Name><Amount unit=\"VND\">1</Amount></Body></Message>";

struct Scene {
    key: VerifyingKey,
    signed: Vec<u8>,
}

fn scene() -> &'static Scene {
    static SCENE: OnceLock<Scene> = OnceLock::new();
    SCENE.get_or_init(|| {
        let authority = Authority::generate("sandbox", now()).expect("an authority");
        let issued = authority
            .issue(&IssueParams::new("sender", Usage::Signing, now()))
            .expect("a certificate");
        let key = SigningKey::from_pem(issued.key_pem.as_bytes(), None).expect("its key");
        let signed = sign_enveloped(ROOT.as_bytes(), "m-1", &key, None).expect("a signature");
        let key = VerifyingKey::from_certificate_pem(issued.chain_pem.as_bytes()).expect("its key");
        Scene { key, signed }
    })
}

fuzz_target!(|edits: &[u8]| {
    let scene = scene();
    let document = edited(&scene.signed, edits);
    if let Ok(proven) = verify(&document, &scene.key, &Profile::default()) {
        assert_eq!(proven.canonical(), ROOT.as_bytes());
    }
});
