//! Keys in a PKCS#11 token (SoftHSM2): what is signed there verifies here; a token that goes comes back; a
//! wrong PIN is shown once. The library reads its settings from the environment, so that each scene
//! plays in a process of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use certs::keys::{
    Algorithm, KeyError, KeyLock as _, KeyStore, SecretPlace, SigningKey, TokenLock, TokenStore,
    VerifyingKey,
};
use certs::pki::{Authority, IssueParams, Issued, KeyChoice, Usage};
use certs::seal::KeyFile;

const PIN: &str = "271828";
const LABEL: &str = "sign";
const PATIENCE: Duration = Duration::from_secs(60);
const SCENE: &str = "LIENTHONG_TEST_TOKEN_SCENE";
const FOLDER: &str = "LIENTHONG_TEST_TOKEN_FOLDER";

const MODULES: [&str; 3] = [
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
];

#[test]
fn what_a_token_signs_verifies_under_the_certificate() {
    play("signs");
}

#[test]
fn a_token_that_went_is_told_and_used_again_when_it_is_back() {
    play("comes-back");
}

#[test]
fn a_wrong_pin_is_shown_to_the_token_once() {
    play("wrong-pin");
}

#[test]
fn a_key_that_is_not_the_certificates_signs_nothing() {
    play("other-key");
}

#[test]
fn a_key_file_locked_by_a_token_is_nothing_without_it() {
    play("locks");
}

#[test]
#[ignore = "a scene: the tests beside it start it in a process of its own"]
fn scene() {
    let Ok(name) = std::env::var(SCENE) else {
        return;
    };
    let stage = Stage(PathBuf::from(std::env::var(FOLDER).unwrap()));
    match name.as_str() {
        "signs" => signs(&stage),
        "comes-back" => comes_back(&stage),
        "wrong-pin" => wrong_pin(&stage),
        "other-key" => other_key(&stage),
        "locks" => locks(&stage),
        "change-pin" => change_pin(),
        _ => panic!("no scene {name}"),
    }
}

fn signs(stage: &Stage) {
    use Algorithm::{Es256, Es384, Ps256, Ps384, Ps512, Rs256, Rs384, Rs512};
    let rsa = [Rs256, Ps256, Rs384, Ps384, Rs512, Ps512];
    let keys = [
        (KeyChoice::P256, [Es256].as_slice()),
        (KeyChoice::P384, &[Es384]),
        (KeyChoice::Rsa2048, &rsa),
    ];
    // All are there before the first is used: a library that has been started sees no new token.
    let kept = keys
        .into_iter()
        .enumerate()
        .map(|(index, (choice, algorithms))| {
            let label = format!("key-{index}");
            let issued = stage.keep(&format!("token-{index}"), &label, choice);
            (index, label, issued, algorithms)
        });
    for (index, label, issued, algorithms) in kept.collect::<Vec<_>>() {
        let store = TokenStore {
            label,
            ..stage.store(&format!("token-{index}"), &issued)
        };
        for algorithm in algorithms {
            signs_by(&store, &issued, *algorithm);
        }
        assert!(!format!("{store:?}").contains(PIN));
    }
}

fn signs_by(store: &TokenStore, issued: &Issued, algorithm: Algorithm) {
    let key = store.open(Some(algorithm)).unwrap();
    assert_eq!(key.algorithm(), algorithm);
    assert!(!key.is_light());
    let public = VerifyingKey::from_certificate_der(&issued.der).unwrap();
    assert_eq!(key.public_spki(), public.spki());
    for message in [b"".as_slice(), b"one", &[7; 100_000]] {
        let signature = key.sign(message).unwrap();
        assert_eq!(public.verify(algorithm, message, &signature), Ok(()));
    }
    let shown = format!("SigningKey({algorithm}, REDACTED)");
    assert_eq!(format!("{key:?}"), shown);
}

fn comes_back(stage: &Stage) {
    let issued = stage.keep("token", LABEL, KeyChoice::P256);
    let key = stage.store("token", &issued).open(None).unwrap();
    assert_eq!(key.sign(b"before").map(|signature| signature.len()), Ok(64));
    let (tokens, away) = (stage.0.join("tokens"), stage.0.join("away"));
    fs::rename(&tokens, &away).unwrap();
    fs::create_dir(&tokens).unwrap();
    until("the token is missed", || {
        key.sign(b"x") == Err(KeyError::TokenGone)
    });
    fs::remove_dir(&tokens).unwrap();
    fs::rename(&away, &tokens).unwrap();
    let back = Instant::now();
    until("the token is used again", || key.sign(b"x").is_ok());
    println!(
        "token: used again {} ms after its return",
        back.elapsed().as_millis()
    );
}

fn wrong_pin(stage: &Stage) {
    let issued = stage.keep("token", LABEL, KeyChoice::P256);
    stage.write_pin("314159");
    let key = stage.store("token", &issued).open(None).unwrap();
    assert_eq!(key.sign(b"x"), Err(KeyError::PinRefused));
    // from now on the token would take it: whoever shows it again is found out
    run_scene("change-pin", &stage.0);
    let again: SigningKey = stage.store("token", &issued).open(None).unwrap();
    for key in [&key, &again] {
        assert_eq!(key.sign(b"x"), Err(KeyError::PinRefused));
    }
    stage.write_pin("000000");
    until("another PIN is tried, and refused", || {
        key.sign(b"x") == Err(KeyError::PinRefused)
    });
    // another PIN than the last refused one is tried
    stage.write_pin("314159");
    until("the right PIN opens it", || key.sign(b"x").is_ok());
    fs::remove_file(stage.pin()).unwrap();
    assert!(key.sign(b"x").is_ok(), "the session is open");
}

fn other_key(stage: &Stage) {
    let issued = stage.keep("token", LABEL, KeyChoice::P256);
    let other = issue(KeyChoice::P256);
    let key = |issued: &Issued, label: &str| {
        let store = TokenStore {
            label: label.to_owned(),
            ..stage.store("token", issued)
        };
        store.open(None).unwrap()
    };
    assert_eq!(key(&other, LABEL).sign(b"x"), Err(KeyError::OtherKey));
    assert_eq!(key(&issued, "absent").sign(b"x"), Err(KeyError::TokenGone));
    assert!(key(&issued, LABEL).sign(b"x").is_ok());
    let elsewhere = TokenStore {
        module: PathBuf::from("/nonexistent/module.so"),
        ..stage.store("token", &issued)
    };
    assert_eq!(
        elsewhere.open(None).unwrap().sign(b"x"),
        Err(KeyError::BadModule)
    );
    let ill_fitting = stage.store("token", &issued).open(Some(Algorithm::Ps256));
    assert_eq!(ill_fitting.err(), Some(KeyError::WrongAlgorithm));
}

fn locks(stage: &Stage) {
    stage.keep("token", LABEL, KeyChoice::P256);
    stage.keep("other", LABEL, KeyChoice::P256);
    let module = module().unwrap();
    let pin = SecretPlace::File(stage.pin());
    let lock = |token: &str, label: &str| TokenLock::new(&module, token, label, &pin);
    let ours = lock("token", "vault");
    assert_eq!(
        ours.lock(b"why", b"x"),
        Err(KeyError::TokenGone),
        "no such key yet"
    );
    assert_eq!(ours.make_key(), Ok(true));
    assert_eq!(ours.make_key(), Ok(false), "it is there");
    assert_eq!(lock("other", "vault").make_key(), Ok(true));

    let plain = [b'k'; 4_000];
    let locked = ours.lock(b"why", &plain).unwrap();
    assert_ne!(ours.lock(b"why", &plain).unwrap(), locked, "no nonce twice");
    assert_eq!(**ours.unlock(b"why", &locked).unwrap(), plain);
    let mut turned = locked.clone();
    turned[100] ^= 1;
    for (lock, purpose, locked) in [
        (&ours, b"why", turned.as_slice()),
        (&ours, b"who", &locked),
        (&lock("other", "vault"), b"why", &locked),
        (&ours, b"why", &locked[..11]),
        (&ours, b"why", b""),
    ] {
        assert_eq!(lock.unlock(purpose, locked), Err(KeyError::OtherLock));
    }

    let path = stage.0.join("seal.key");
    let file = KeyFile::at(&path).locked_by(Arc::new(lock("token", "vault")));
    let vault = file.open_or_create().unwrap();
    let record = vault.seal(b"bound", b"content");
    let (tokens, away) = (stage.0.join("tokens"), stage.0.join("away"));
    fs::rename(&tokens, &away).unwrap();
    fs::create_dir(&tokens).unwrap();
    until("the token is missed", || {
        file.open()
            .is_err_and(|error| error.reason() == "token-gone")
    });
    fs::remove_dir(&tokens).unwrap();
    fs::rename(&away, &tokens).unwrap();
    until("the token opens it again", || file.open().is_ok());
    assert_eq!(
        file.open().unwrap().open(b"bound", &record).unwrap(),
        b"content"
    );
}

/// Somebody at the token: its PIN becomes what the file wrongly says.
fn change_pin() {
    use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
    use cryptoki::{session::UserType, types::AuthPin};
    let context = Pkcs11::new(module().unwrap()).unwrap();
    let args = CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK);
    context.initialize(args).unwrap();
    let slot = context.get_slots_with_initialized_token().unwrap()[0];
    let session = context.open_rw_session(slot).unwrap();
    let pin = |text: &str| AuthPin::new(text.into());
    session.login(UserType::User, Some(&pin(PIN))).unwrap();
    session.set_pin(&pin(PIN), &pin("314159")).unwrap();
}

/// Folder of one scene: `tokens/` (SoftHSM's), `pin`.
struct Stage(PathBuf);

impl Stage {
    /// A new token with one key, whose certificate is given.
    fn keep(&self, token: &str, label: &str, choice: KeyChoice) -> Issued {
        let issued = issue(choice);
        let pem = self.0.join("import.key");
        fs::write(&pem, issued.key_pem.as_bytes()).unwrap();
        self.util(&[
            "--init-token",
            "--free",
            "--label",
            token,
            "--so-pin",
            "12345678",
            "--pin",
            PIN,
        ]);
        let pem_path = pem.to_str().unwrap();
        self.util(&[
            "--import", pem_path, "--token", token, "--label", label, "--id", "01", "--pin", PIN,
        ]);
        fs::remove_file(pem).unwrap();
        self.write_pin(PIN);
        issued
    }

    fn util(&self, arguments: &[&str]) {
        let done = Command::new("softhsm2-util")
            .args(arguments)
            .output()
            .unwrap();
        assert!(
            done.status.success(),
            "{}",
            String::from_utf8_lossy(&done.stderr)
        );
    }

    fn pin(&self) -> PathBuf {
        self.0.join("pin")
    }

    fn write_pin(&self, pin: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        fs::write(self.pin(), pin).unwrap();
        fs::set_permissions(self.pin(), fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn store(&self, token: &str, issued: &Issued) -> TokenStore {
        TokenStore {
            module: module().unwrap(),
            token: token.to_owned(),
            label: LABEL.to_owned(),
            pin: SecretPlace::File(self.pin()),
            sessions: 2,
            certificate_pem: issued.chain_pem.clone().into_bytes(),
        }
    }
}

fn issue(choice: KeyChoice) -> Issued {
    let now = jiff::Timestamp::from_second(1_790_000_000).unwrap();
    let authority = Authority::generate("test", now).unwrap();
    let params = IssueParams {
        key: choice,
        ..IssueParams::new("a", Usage::Signing, now)
    };
    authority.issue(&params).unwrap()
}

fn module() -> Option<PathBuf> {
    MODULES
        .map(PathBuf::from)
        .into_iter()
        .find(|path| path.exists())
}

fn play(name: &str) {
    if module().is_none()
        || Command::new("softhsm2-util")
            .arg("--version")
            .output()
            .is_err()
    {
        println!("not run: softhsm2 is not installed");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("tokens")).unwrap();
    let settings = format!(
        "directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n",
        folder.path().join("tokens").display()
    );
    fs::write(folder.path().join("softhsm2.conf"), settings).unwrap();
    run_scene(name, folder.path());
}

fn run_scene(name: &str, folder: &Path) {
    let done = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "token::scene", "--ignored", "--nocapture"])
        .env("SOFTHSM2_CONF", folder.join("softhsm2.conf"))
        .env(SCENE, name)
        .env(FOLDER, folder)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(
        said.contains("1 passed"),
        "{said}\n{}",
        String::from_utf8_lossy(&done.stderr)
    );
    said.lines()
        .filter(|line| line.starts_with("token: "))
        .for_each(|line| println!("{line}"));
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let from = Instant::now();
    while !holds() {
        assert!(from.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}");
        std::thread::park_timeout(Duration::from_millis(50));
    }
}
