//! Revocation lists: an edited list is refused, or still keeps the revoked client out.
#![no_main]

use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certs::tls::{PeerCertificate, RevocationList};
use gateway_fuzz::{Door, edited};
use libfuzzer_sys::fuzz_target;

struct Scene {
    door: Door,
    peer: PeerCertificate,
    pem: String,
    der: Vec<u8>,
}

fn scene() -> &'static Scene {
    static SCENE: OnceLock<Scene> = OnceLock::new();
    SCENE.get_or_init(|| {
        let door = Door::new();
        let (peer, pem) = (door.peer(), door.list_with_the_client());
        let lines: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let der = STANDARD.decode(lines).expect("PEM");
        Scene {
            door,
            peer,
            pem,
            der,
        }
    })
}

fuzz_target!(|bytes: &[u8]| {
    let Some((road, bytes)) = bytes.split_first() else {
        return;
    };
    let scene = scene();
    let list = match road % 3 {
        0 => RevocationList::from_pem(bytes).ok(),
        1 => RevocationList::from_pem(&edited(scene.pem.as_bytes(), bytes)).ok(),
        _ => Some(RevocationList::from_der(&edited(&scene.der, bytes))),
    };
    let Some(list) = list else {
        return;
    };
    if let Ok(acceptor) = scene.door.acceptor(vec![list]) {
        assert!(
            acceptor.judge(&scene.peer).is_err(),
            "a revoked client got in"
        );
    }
});
