//! The certificate policy: raw bytes never panic; an edited certificate that gets in is still the same client.
#![no_main]

use std::sync::OnceLock;

use certs::keys::VerifyingKey;
use certs::tls::{Acceptor, PeerCertificate};
use gateway_fuzz::{Door, edited};
use libfuzzer_sys::fuzz_target;

fn scene() -> &'static (Acceptor, PeerCertificate) {
    static SCENE: OnceLock<(Acceptor, PeerCertificate)> = OnceLock::new();
    SCENE.get_or_init(|| {
        let door = Door::new();
        let acceptor = door.acceptor(Vec::new()).expect("a door");
        let peer = door.peer();
        acceptor.judge(&peer).expect("the client gets in");
        (acceptor, peer)
    })
}

fuzz_target!(|bytes: &[u8]| {
    let Some((road, bytes)) = bytes.split_first() else {
        return;
    };
    let (acceptor, original) = scene();
    let der = match road % 3 {
        0 => bytes.to_vec(),
        1 => edited(&original.der, bytes),
        _ => {
            let mut peer = original.clone();
            peer.intermediates = vec![edited(&original.intermediates[0], bytes)];
            // Its own certificate is whole; whether the path holds is the library's to say, without a panic.
            drop(acceptor.judge(&peer));
            return;
        }
    };
    drop(VerifyingKey::from_certificate_der(&der));
    let Ok(mut peer) = PeerCertificate::from_der(&der) else {
        return;
    };
    peer.intermediates.clone_from(&original.intermediates);
    if acceptor.judge(&peer).is_ok() {
        assert_eq!(peer.spki_sha256, original.spki_sha256);
        assert_eq!(peer.san_uris, original.san_uris);
        assert_eq!(peer.not_after, original.not_after);
        assert_eq!(peer.serial_hex, original.serial_hex);
    }
});
