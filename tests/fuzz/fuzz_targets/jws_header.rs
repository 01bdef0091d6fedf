//! The JWS header reader: raw text never panics; an edited signature proves nothing but what was signed.
#![no_main]

use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use certs::jws;
use certs::keys::{Algorithm, SigningKey, VerifyingKey};
use certs::pki::{Authority, IssueParams, Usage};
use gateway_fuzz::{edited, now};
use libfuzzer_sys::fuzz_target;

const PAYLOAD: &[u8] = b"{\"maHoSo\":\"1\"}";

struct Scene {
    key: VerifyingKey,
    header: jws::Header,
    signed: String,
}

fn scene() -> &'static Scene {
    static SCENE: OnceLock<Scene> = OnceLock::new();
    SCENE.get_or_init(|| {
        let authority = Authority::generate("sandbox", now()).expect("an authority");
        let issued = authority
            .issue(&IssueParams::new("sender", Usage::Signing, now()))
            .expect("a certificate");
        let key = SigningKey::from_pem(issued.key_pem.as_bytes(), None).expect("its key");
        let header = jws::Header {
            alg: Algorithm::Es256,
            kid: "civil-1".into(),
            iss: "civil".into(),
            aud: "vss".into(),
            jti: "01a2b3c4-0000".into(),
            iat: 1_790_000_000,
            env: "sandbox".into(),
            dir: jws::Direction::Request,
            op: "civil.birth".into(),
            irt: None,
            dig: None,
        };
        let signed = jws::sign(&header, &key, PAYLOAD).expect("a signature");
        let key = VerifyingKey::from_certificate_pem(issued.chain_pem.as_bytes()).expect("its key");
        Scene {
            key,
            header,
            signed,
        }
    })
}

fuzz_target!(|bytes: &[u8]| {
    let Some((road, bytes)) = bytes.split_first() else {
        return;
    };
    let scene = scene();
    let (protected, signature) = scene.signed.split_once("..").expect("a detached signature");
    let text = match road % 3 {
        // Anything at all.
        0 => String::from_utf8_lossy(bytes).into_owned(),
        // The text that was signed, edited.
        1 => String::from_utf8_lossy(&edited(scene.signed.as_bytes(), bytes)).into_owned(),
        // The header under its base64, edited, so that the reader behind it is reached.
        _ => {
            let header = URL_SAFE_NO_PAD.decode(protected).expect("our own base64");
            let header = URL_SAFE_NO_PAD.encode(edited(&header, bytes));
            format!("{header}..{signature}")
        }
    };
    let Ok(unproven) = jws::parse(&text) else {
        return;
    };
    if let Ok(proof) = unproven.verify(&scene.key, Algorithm::Es256, PAYLOAD) {
        assert_eq!(proof.header(), &scene.header);
        assert_eq!(text, scene.signed, "another text was proven");
    }
});
