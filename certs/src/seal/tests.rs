//! What opens, what does not, and which key files are refused.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use super::*;
use crate::keys::KeyLock;

/// Sealed by the first version with the key below.
const OLD_WRAPPED_KEY: &str = concat!(
    "000102030405060708090a0b1880eb73190cdf4e7fbbef97ee5562f5f12d",
    "a49d0c7761260ed779a192ca731a523a3ab467d736726a21c803cc518aa3"
);
const OLD_CIPHERTEXT: &str =
    "0c0d0e0f1011121314151617d6991ca19ecd793d977a09f78cc383ec113db364e8a4b635";

fn vault() -> Vault {
    Vault::from_bytes([7; 32])
}

#[test]
fn a_record_opens_with_the_bytes_it_was_bound_to_and_no_others() {
    let sealed = vault().seal(b"seq 1", "Nguyễn".as_bytes());
    assert_eq!(
        vault().open(b"seq 1", &sealed).unwrap(),
        "Nguyễn".as_bytes()
    );
    assert_eq!(
        vault().open(b"seq 2", &sealed).unwrap_err().reason(),
        "record-does-not-open"
    );
}

#[test]
fn every_flipped_bit_of_a_record_is_noticed() {
    let sealed = vault().seal(b"a", b"plain");
    for at in 0..sealed.ciphertext.len() * 8 {
        let mut changed = sealed.clone();
        changed.ciphertext[at / 8] ^= 1 << (at % 8);
        assert_eq!(
            vault().open(b"a", &changed).unwrap_err().reason(),
            "record-does-not-open"
        );
    }
    for at in 0..sealed.wrapped_key.len() * 8 {
        let mut changed = sealed.clone();
        changed.wrapped_key[at / 8] ^= 1 << (at % 8);
        let reason = vault().open(b"a", &changed).unwrap_err().reason();
        assert_eq!(reason, "wrapped-key-does-not-open");
    }
}

#[test]
fn cut_short_records_and_erased_keys_are_refused() {
    let sealed = vault().seal(b"a", b"plain");
    for length in 0..sealed.ciphertext.len() {
        let mut cut = sealed.clone();
        cut.ciphertext.truncate(length);
        assert!(matches!(vault().open(b"a", &cut), Err(SealError::Record)));
    }
    let erased = Sealed {
        wrapped_key: Vec::new(),
        ..sealed
    };
    assert!(matches!(vault().open(b"a", &erased), Err(SealError::Key)));
}

#[test]
fn another_vault_and_another_records_key_open_nothing() {
    let (one, two) = (vault().seal(b"a", b"one"), vault().seal(b"a", b"two"));
    let other = Vault::from_bytes([8; 32]);
    assert!(matches!(other.open(b"a", &one), Err(SealError::Key)));
    let crossed = Sealed {
        wrapped_key: two.wrapped_key,
        ..one
    };
    assert!(matches!(
        vault().open(b"a", &crossed),
        Err(SealError::Record)
    ));
}

#[test]
fn the_same_record_sealed_twice_looks_different() {
    let (one, two) = (vault().seal(b"a", b"x"), vault().seal(b"a", b"x"));
    assert_ne!(one.ciphertext, two.ciphertext);
    assert_ne!(one.wrapped_key, two.wrapped_key);
}

#[test]
fn a_key_file_is_made_once_private_and_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("seal.key");
    let first = Vault::open_or_create(&path).unwrap();
    let again = Vault::open_or_create(&path).unwrap();
    assert_eq!(first.key_id(), again.key_id());
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let sealed = first.seal(b"", b"x");
    assert_eq!(again.open(b"", &sealed).unwrap(), b"x");
}

#[test]
fn an_exposed_or_malformed_key_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("seal.key");
    fs::write(&path, "00".repeat(32)).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(
        Vault::open_file(&path).unwrap_err().reason(),
        "vault-key-exposed"
    );
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(&path, "short").unwrap();
    assert_eq!(
        Vault::open_file(&path).unwrap_err().reason(),
        "vault-key-malformed"
    );
}

#[test]
fn a_key_file_may_be_read_by_its_group_and_by_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("seal.key");
    fs::write(&path, "00".repeat(32)).unwrap();
    for (mode, is_refused) in [
        (0o400, false),
        (0o600, false),
        (0o440, false),
        (0o640, false),
        (0o660, true),
        (0o620, true),
        (0o604, true),
        (0o444, true),
        (0o602, true),
        (0o601, true),
    ] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let refused = matches!(Vault::open_file(&path), Err(SealError::KeyFileExposed));
        assert_eq!(refused, is_refused, "{mode:o}");
    }
}

#[test]
fn a_key_file_is_made_in_the_folder_that_we_stand_in_too() {
    let name = format!("seal-{}.key", std::process::id());
    let made = Vault::open_or_create(Path::new(&name)).map(|vault| vault.key_id().to_owned());
    let _ = fs::remove_file(&name);
    assert_eq!(made.unwrap().len(), 16);
}

#[test]
fn a_record_of_the_first_version_still_opens() {
    let hex = |text| hex::decode(text).unwrap();
    let old = Sealed {
        wrapped_key: hex(OLD_WRAPPED_KEY),
        ciphertext: hex(OLD_CIPHERTEXT),
    };
    assert_eq!(vault().open(b"seq 1", &old).unwrap(), "Nguyễn".as_bytes());
    let mut changed = old;
    changed.wrapped_key[0] ^= 1;
    let refused = vault().open(b"seq 1", &changed).unwrap_err();
    assert_eq!(refused.reason(), "wrapped-key-does-not-open");
}

#[test]
fn no_two_wraps_share_a_salt_or_a_key() {
    let (vault, plain) = (vault(), [9; KEY_BYTES]);
    let salts: std::collections::HashSet<Vec<u8>> = (0..1_000)
        .map(|_| vault.newest().wrap_key(&Fresh::draw())[1..=SALT_BYTES].to_vec())
        .collect();
    assert_eq!(salts.len(), 1_000);
    // the same nonce under another salt gives other bytes: the salt makes the key
    let wrapped = [1_u8, 2].map(|salt| {
        let mut text = plain;
        let nonce = Nonce::assume_unique_for_key([0; NONCE_LEN]);
        vault
            .newest()
            .wrapping_key(&[salt; SALT_BYTES])
            .seal_in_place_separate_tag(nonce, Aad::empty(), &mut text)
            .map(drop)
            .unwrap();
        text
    });
    assert_ne!(wrapped[0], wrapped[1]);
}

#[test]
fn debug_shows_no_key() {
    let shown = format!("{:?}", vault());
    assert!(shown.contains("REDACTED") && !shown.contains("070707"));
}

#[test]
fn after_a_rotation_old_records_open_and_new_ones_are_sealed_under_the_newest_generation() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("seal.key");
    let before = Vault::open_or_create(&path).unwrap();
    let old = before.seal(b"a", b"plain");
    KeyFile::at(&path).add_generation().unwrap();
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let after = Vault::open_file(&path).unwrap();
    assert_eq!((before.generations(), after.generations()), (1, 2));
    assert_ne!(before.key_id(), after.key_id());
    assert_eq!(after.open(b"a", &old).unwrap(), b"plain");
    let new = after.seal(b"a", b"plain");
    assert!(matches!(before.open(b"a", &new), Err(SealError::Key)));
    let rewrapped = Sealed {
        wrapped_key: after.rewrap(&old.wrapped_key).unwrap().unwrap(),
        ciphertext: old.ciphertext.clone(),
    };
    assert_eq!(after.rewrap(&rewrapped.wrapped_key).unwrap(), None);
    KeyFile::at(&path).forget_older().unwrap();
    let alone = Vault::open_file(&path).unwrap();
    assert_eq!(alone.open(b"a", &rewrapped).unwrap(), b"plain");
    assert!(matches!(alone.open(b"a", &old), Err(SealError::Key)));
}

#[test]
fn an_erased_key_says_so_and_is_never_wrapped_again() {
    let mut sealed = vault().seal(b"a", b"plain");
    let shown = vault().data_key(&sealed.wrapped_key).unwrap();
    assert_eq!(shown.open(b"a", &sealed.ciphertext).unwrap(), b"plain");
    let read = DataKey::from_hex(&shown.to_hex()).unwrap();
    assert_eq!(read.open(b"a", &sealed.ciphertext).unwrap(), b"plain");
    assert_eq!(format!("{read:?}"), "DataKey(REDACTED)");
    sealed.wrapped_key.fill(0);
    assert!(is_erased(&sealed.wrapped_key) && !is_erased(&[]));
    assert!(matches!(
        vault().open(b"a", &sealed),
        Err(SealError::Erased)
    ));
    assert!(matches!(
        vault().rewrap(&sealed.wrapped_key),
        Err(SealError::Erased)
    ));
}

#[test]
fn an_index_is_the_same_for_the_same_number_under_one_vault_only() {
    let (one, other) = (Vault::from_bytes([1; 32]), Vault::from_bytes([2; 32]));
    let index = one.person("si:9900000001");
    // what builds before this one have indexed: HKDF and HMAC by hand
    assert_eq!(hex::encode(index), "0e37d0b35bed60df42ebf6b873b363c0");
    for different in [one.person("si:9900000002"), other.person("si:9900000001")] {
        assert_ne!(index, different);
    }
    let rotated = one.with_newer([2; 32]);
    let both = rotated.persons("si:9900000001");
    assert_eq!(both, [other.person("si:9900000001"), index]);
}

#[test]
fn who_was_indexed_under_a_forgotten_generation_is_found_and_nothing_of_it_opens() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("seal.key");
    let mut indexed = Vec::new();
    let mut sealed = Vec::new();
    for _ in 0..3 {
        let vault = Vault::open_or_create(&path).unwrap();
        indexed.insert(0, vault.person("si:9900000001"));
        sealed.push(vault.seal(b"a", b"plain"));
        KeyFile::at(&path).add_generation().unwrap();
        KeyFile::at(&path).forget_older().unwrap();
    }
    let vault = Vault::open_file(&path).unwrap();
    assert_eq!(vault.generations(), 1);
    indexed.insert(0, vault.person("si:9900000001"));
    assert_eq!(vault.persons("si:9900000001"), indexed);
    for old in &sealed {
        assert!(matches!(vault.open(b"a", old), Err(SealError::Key)));
    }
    // the lines of the indexes are no keys of records, and a bent one is refused
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(
        text.lines()
            .filter(|line| line.starts_with("person-index "))
            .count(),
        3
    );
    fs::write(&path, text.replacen("person-index ", "person-index x", 1)).unwrap();
    assert!(matches!(
        Vault::open_file(&path),
        Err(SealError::BadKeyFile)
    ));
}

/// A lock that anybody could open: what it is asked to do is what these tests look at.
#[derive(Debug)]
struct Padlock(u8);

impl KeyLock for Padlock {
    fn lock(&self, purpose: &[u8], plain: &[u8]) -> Result<Vec<u8>, KeyError> {
        let turned = plain.iter().map(|byte| byte ^ self.0);
        Ok([self.0]
            .into_iter()
            .chain(purpose.iter().copied())
            .chain(turned)
            .collect())
    }

    fn unlock(&self, purpose: &[u8], locked: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let rest = locked.strip_prefix(&[self.0]).ok_or(KeyError::OtherLock)?;
        let rest = rest.strip_prefix(purpose).ok_or(KeyError::OtherLock)?;
        Ok(Zeroizing::new(
            rest.iter().map(|byte| byte ^ self.0).collect(),
        ))
    }
}

#[test]
fn a_locked_key_file_opens_under_its_lock_alone_and_keeps_its_generations() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("seal.key");
    let plain = KeyFile::at(&path);
    let locked = KeyFile::at(&path).locked_by(Arc::new(Padlock(7)));
    let other = KeyFile::at(&path).locked_by(Arc::new(Padlock(8)));

    let before = plain.open_or_create().unwrap();
    let record = before.seal(b"bound", b"content");
    assert_eq!(locked.open().unwrap_err().reason(), "vault-key-not-locked");
    assert_eq!(
        locked.unlock().unwrap_err().reason(),
        "vault-key-not-locked"
    );
    let text = fs::read_to_string(&path).unwrap();
    assert!(locked.lock().unwrap());
    assert!(!locked.lock().unwrap(), "it is locked already");
    assert!(!fs::read_to_string(&path).unwrap().contains(text.trim_end()));
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    for refused in [plain.open(), plain.open_or_create()] {
        assert_eq!(refused.unwrap_err().reason(), "vault-key-locked");
    }
    for refused in [other.open().err(), other.lock().err(), other.unlock().err()] {
        assert_eq!(refused.unwrap().reason(), "token-other-lock");
    }
    locked.add_generation().unwrap();
    let after = locked.open().unwrap();
    assert_eq!(after.generations(), 2);
    assert_eq!(after.open(b"bound", &record).unwrap(), b"content");
    locked.forget_older().unwrap();
    assert_eq!(locked.open().unwrap().generations(), 1);
    assert_eq!(plain.open().unwrap_err().reason(), "vault-key-locked");

    locked.unlock().unwrap();
    assert_eq!(plain.open().unwrap().key_id(), after.key_id());
}

#[test]
fn a_key_file_that_is_made_under_a_lock_was_never_plain() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("seal.key");
    let locked = KeyFile::at(&path).locked_by(Arc::new(Padlock(7)));
    let made = locked.open_or_create().unwrap();
    assert!(fs::read_to_string(&path).unwrap().starts_with("locked "));
    assert_eq!(locked.open().unwrap().key_id(), made.key_id());
}
