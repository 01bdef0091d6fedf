//! Key and certificate files, and where the keys stand.

use super::*;

#[test]
fn missing_and_mismatched_key_files_are_told_where_they_are_named() {
    let scene = Scene::new();
    let problems = scene
        .with(&[("cert = \"tls.pem\"", "cert = \"sign.pem\"")])
        .unwrap_err();
    let problem = only(problems);
    assert_eq!(problem.line, line_of(GATEWAY, "cert = \"tls.pem\""));
    assert!(problem.what.contains("does not belong"), "{}", problem.what);
    let problems = scene
        .with(&[("anchors = [\"anchors.pem\"]", "anchors = [\"none.pem\"]")])
        .unwrap_err();
    assert!(only(problems).what.contains("none.pem"));
}

#[test]
fn a_key_that_others_can_read_is_refused_and_one_that_its_group_can_read_is_not() {
    use std::os::unix::fs::PermissionsExt as _;
    let scene = Scene::new();
    let key = scene.folder.path().join("sign.key");
    for (mode, shown) in [(0o644, "mode 0644"), (0o660, "mode 0660")] {
        fs::set_permissions(&key, fs::Permissions::from_mode(mode)).unwrap();
        let problem = only(scene.with(&[]).unwrap_err());
        assert_eq!(problem.line, line_of(GATEWAY, "key = \"sign.key\""));
        assert!(problem.what.contains(shown), "{}", problem.what);
        assert!(problem.cure.contains("chmod 0600"));
    }
    for mode in [0o400, 0o440, 0o640] {
        fs::set_permissions(&key, fs::Permissions::from_mode(mode)).unwrap();
        scene.with(&[]).unwrap();
    }
    scene.write("seal.key", &"00".repeat(32));
    let seal_key = scene.folder.path().join("seal.key");
    fs::set_permissions(seal_key, fs::Permissions::from_mode(0o604)).unwrap();
    let problem = only(scene.with(&[]).unwrap_err());
    assert_eq!(problem.line, line_of(GATEWAY, "seal_key = "));
}

#[test]
fn weak_and_unfit_signing_keys_are_refused() {
    let scene = Scene::new();
    scene.issue("sign", KeyChoice::DangerRsa1024, Usage::Signing);
    let problems = scene.with(&[]).unwrap_err();
    assert!(
        problems
            .iter()
            .any(|problem| problem.what.contains("shorter than 2048")),
        "{problems:#?}"
    );
    scene.issue("sign", KeyChoice::Ed25519, Usage::Signing);
    assert!(scene.with(&[]).is_ok());
    scene.issue("sign", KeyChoice::Rsa2048, Usage::Signing);
    let xml_only = [("kid = \"vss-1\"", "algorithm = \"RS512\"\nkid = \"vss-1\"")];
    let problem = only(scene.with(&xml_only).unwrap_err());
    assert_eq!(problem.what, "RS512 cannot sign JSON answers");
}

#[test]
fn a_key_that_is_shown_has_a_certificate_an_algorithm_and_a_name_of_its_own() {
    let scene = Scene::new();
    scene.issue("next", KeyChoice::Ed25519, Usage::Signing);
    scene.write("none.pem", "no certificate");
    let sign = "key = \"sign.key\"\n";
    let shown = |cert: &str, kid: &str, algorithm: &str| {
        let line = format!("{{ cert = \"{cert}\", kid = \"{kid}\", algorithm = \"{algorithm}\" }}");
        format!("{sign}shown = [{line}]\n")
    };
    let good = shown("next.pem", "vss-2", "EdDSA");
    let config = scene.with(&[(sign, good.as_str())]).unwrap();
    let keys = keys_shown(&config.sign).unwrap();
    assert_eq!(keys.len(), 1);
    assert_eq!(
        (&keys[0]["kid"], &keys[0]["crv"], &keys[0]["d"]),
        (&"vss-2".into(), &"Ed25519".into(), &serde_json::Value::Null)
    );
    assert!(signing_files(&config.sign).any(|file| file.ends_with("next.pem")));
    for (line, what) in [
        (
            shown("next.pem", "vss-1", "EdDSA"),
            "two keys are named `vss-1`",
        ),
        (
            shown("next.pem", "vss-2", "ES256"),
            "does not sign JSON with ES256",
        ),
        (shown("none.pem", "vss-2", "ES256"), "none.pem"),
        (shown("gone.pem", "vss-2", "ES256"), "gone.pem"),
    ] {
        let problem = only(scene.with(&[(sign, line.as_str())]).unwrap_err());
        assert!(problem.what.contains(what), "{}", problem.what);
    }
    scene.issue("other", KeyChoice::Rsa2048, Usage::Signing);
    let unfit = shown("other.pem", "vss-2", "RS512");
    let problem = only(scene.with(&[(sign, unfit.as_str())]).unwrap_err());
    assert!(problem.what.contains("does not sign JSON with RS512"));
}

#[test]
fn production_refuses_development_keys_danger_options_and_synthetic_people() {
    let problems = Scene::new()
        .with(&[
            ("environment = \"sandbox\"", "environment = \"production\""),
            (
                "admin_beyond_loopback = false",
                "admin_beyond_loopback = true",
            ),
            ("sha1_signatures_of = []", "sha1_signatures_of = [\"tax\"]"),
            ("md5_tokens_of = []", "md5_tokens_of = [\"cskcb-01001\"]"),
        ])
        .unwrap_err();
    let sha1 = problems.iter().find(|one| one.cure.contains("SHA-2"));
    assert!(sha1.is_some(), "{problems:#?}");
    let md5 = problems
        .iter()
        .find(|one| one.cure.contains("sign their notices"));
    assert!(md5.is_some(), "{problems:#?}");
    let whats: Vec<&str> = problems
        .iter()
        .map(|problem| problem.what.as_str())
        .collect();
    let development = whats
        .iter()
        .filter(|what| what.contains("development authority"))
        .count();
    assert_eq!(development, 3, "TLS, signing and anchors: {whats:#?}");
    for part in [
        "every danger option",
        "synthetic people",
        "simulated office",
        "two officers must be able to sign",
        "knows its operators by their certificates",
    ] {
        assert!(whats.iter().any(|what| what.contains(part)), "{part}");
    }
}

#[test]
fn the_signing_key_stands_in_exactly_one_place() {
    let scene = Scene::new();
    let key = "key = \"sign.key\"\n";
    let problem = only(scene.with(&[(key, "")]).unwrap_err());
    assert_eq!(problem.what, "nothing says where the signing key is");
    let token =
        "[sign.pkcs11]\nmodule = \"/nonexistent/module.so\"\ntoken = \"vss\"\nlabel = \"sign\"\n";
    let with = |pin: &str| format!("{token}{pin}\n[store]\n");
    let both = with("pin_file = \"sign.pin\"\n");
    let problem = only(scene.with(&[("[store]\n", &both)]).unwrap_err());
    assert_eq!(problem.what, "the signing key stands in two places");
    let no_pin = with("");
    let problem = only(
        scene
            .with(&[(key, ""), ("[store]\n", &no_pin)])
            .unwrap_err(),
    );
    assert!(problem.what.contains("one of the two"), "{}", problem.what);
    let config = scene.with(&[(key, ""), ("[store]\n", &both)]).unwrap();
    let (signs, _) = signing_key(&config).unwrap();
    assert_eq!(signs.sign(b"x").unwrap_err().reason(), "pkcs11-module");
    assert_eq!(
        signing_shown(&config.sign),
        "key sign in token vss (PKCS#11)"
    );
    let files: Vec<_> = signing_files(&config.sign).collect();
    assert!(files.iter().any(|file| file.ends_with("sign.pin")));
}

#[test]
fn the_token_that_locks_the_sealing_key_has_one_place_for_its_pin() {
    let scene = Scene::new();
    let with = |pins: &str| {
        let section = format!(
            "[store.seal_token]\nmodule = \"/nonexistent/module.so\"\ntoken = \"vss\"\nlabel = \"vault\"\n{pins}\n[journal]"
        );
        scene.with(&[("[journal]", &section)])
    };
    for pins in ["", "pin_file = \"pin\"\npin_env = \"PIN\"\n"] {
        let problem = only(with(pins).unwrap_err());
        assert!(problem.what.contains("one of the two"), "{}", problem.what);
    }
    let plain = key_file(&scene.config()).unwrap();
    plain.open_or_create().unwrap();
    let config = with("pin_file = \"pin\"\n").unwrap();
    let opened = key_file(&config).unwrap().open();
    assert_eq!(opened.unwrap_err().reason(), "vault-key-not-locked");
}

#[test]
fn a_signing_certificate_of_another_key_is_refused() {
    let scene = Scene::new();
    let problem = only(
        scene
            .with(&[("cert = \"sign.pem\"", "cert = \"partners/tax-sign.pem\"")])
            .unwrap_err(),
    );
    assert!(
        problem.what.contains("do not belong together"),
        "{}",
        problem.what
    );
}
