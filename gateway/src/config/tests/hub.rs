use certs::hub::HubForm;

use super::*;
use crate::config::Snapshot;

/// The sample of an OpenCRVS, with changes; and a secret of this length.
fn opencrvs(secret: &str, changes: &[(&str, &str)]) -> Result<Snapshot, Vec<Problem>> {
    let scene = Scene::new();
    let file = scene.folder.path().join("partners/opencrvs.secret");
    certs::pki::write_private(&file, secret).unwrap();
    let sample = include_str!("../../../sample/partners/opencrvs.toml");
    scene.write("partners/opencrvs.toml", &changed(sample, changes));
    Snapshot::load(&scene.config(), &crate::wiring::operations())
}

const LONG: &str = "0123456789abcdef";

#[test]
fn the_sample_of_an_opencrvs_is_a_partner_as_it_stands() {
    let sha1 = ("signature = \"sha256\"", "signature = \"sha1\"");
    for (changes, form) in [(&[][..], HubForm::Sha256), (&[sha1], HubForm::Sha1)] {
        let partners = opencrvs(LONG, changes).unwrap().partners;
        let id = schemas::id::PartnerId::parse("opencrvs").unwrap();
        let partner = partners.get(&id).unwrap();
        assert_eq!(partner.hub.as_ref().unwrap().secret.form(), form);
        assert_eq!(partner.agreements[0].operations.len(), 2);
    }
}

#[test]
fn its_form_is_said_and_its_secret_is_one_that_nobody_guesses() {
    let file = "secret_file = \"opencrvs.secret\"";
    let both = "secret_file = \"opencrvs.secret\"\nsecret_env = \"X\"";
    for (secret, change, what) in [
        (LONG, ("\"sha256\"", "\"md5\""), "no form `md5`"),
        (LONG, ("signature = \"sha256\"", ""), "signature"),
        (LONG, (file, ""), "either secret_file or secret_env"),
        (LONG, (file, both), "either secret_file or secret_env"),
        (LONG, (file, "secret_file = \"none\""), "No such file"),
        (
            LONG,
            (file, "secret_env = \"LIENTHONG_TEST_NOBODY_SET_THIS\""),
            "the environment has no",
        ),
        ("0123456789abcde", (file, file), "can be guessed"),
    ] {
        let problems = opencrvs(secret, &[change]).unwrap_err();
        assert_eq!(problems.len(), 1, "{what}: {problems:?}");
        assert!(
            problems[0].what.contains(what),
            "{what}: {}",
            problems[0].what
        );
        assert!(problems[0].file.ends_with("opencrvs.toml"));
        assert!(!format!("{problems:?}").contains(secret));
    }
}

#[test]
fn how_we_subscribe_is_read_and_what_would_lead_astray_is_not() {
    let file = "secret_file = \"opencrvs.secret\"   # the SHA";
    let lines = "login = \"https://a.example/authenticateSystemClient\"\nwebhooks = \"https://b.example/webhooks\"\n\
        callback = \"https://vss.example:8443/opencrvs/webhook\"\nclient_id = \"us\"\n\
        client_secret_file = \"opencrvs.secret\"\nanchors = \"../anchors.pem\"\n";
    let with = |from: &str, to: &str| {
        assert!(lines.contains(from), "{from}");
        let lines = lines.replacen(from, to, 1);
        let section =
            format!("secret_file = \"opencrvs.secret\"\n[opencrvs.subscribe]\n{lines}# the SHA");
        opencrvs(LONG, &[(file, &section)])
    };
    let snapshot = with("us", "us").unwrap();
    let access = snapshot.webhooks.values().next().unwrap();
    assert_eq!((access.client.as_str(), access.every_seconds), ("us", 300));
    assert!(opencrvs(LONG, &[]).unwrap().webhooks.is_empty());
    for (from, to, what) in [
        ("https://a.", "http://a.", "unencrypted"),
        ("https://b.", "http://b.", "unencrypted"),
        ("https://vss.", "http://vss.", "unencrypted"),
        ("https://b.example", "https://10.0.0.1", "private"),
        ("/opencrvs/webhook", "/elsewhere", "/opencrvs/webhook alone"),
        (
            "client_secret_file = \"opencrvs.secret\"\n",
            "",
            "no secret in one place",
        ),
        (
            "client_secret_file = \"opencrvs",
            "client_secret_file = \"none",
            "no secret in one place",
        ),
        ("../anchors.pem", "none.pem", "none.pem"),
    ] {
        let problems = with(from, to).unwrap_err();
        assert_eq!(problems.len(), 1, "{what}: {problems:?}");
        assert!(
            problems[0].what.contains(what),
            "{what}: {}",
            problems[0].what
        );
        assert!(!format!("{problems:?}").contains(LONG));
    }
}

/// The sample as an OpenCRVS 2.0, its keys in this file, with a change of its sections.
fn triggers(jwks: &str, (from, to): (&str, &str)) -> Result<Snapshot, Vec<Problem>> {
    let scene = Scene::new();
    let beside = |name: &str| scene.folder.path().join("partners").join(name);
    certs::pki::write_private(&beside("opencrvs.secret"), LONG).unwrap();
    certs::pki::write_private(&beside("system.secret"), LONG).unwrap();
    std::fs::write(beside("opencrvs.jwks.json"), jwks).unwrap();
    let sample = include_str!("../../../sample/partners/opencrvs.toml");
    let webhooks = [
        ("signature = \"sha256\"", "# "),
        ("secret_file = \"opencrvs.secret\"", "# "),
    ];
    let sections = "[opencrvs.triggers]\njwks = \"opencrvs.jwks.json\"\ntoken = \"https://a.example/token\"\n\
        client_id = \"us\"\nclient_secret_file = \"system.secret\"\n\n\
        [delivery]\nwords = \"opencrvs\"\nuri = \"https://a.example/events\"\nanchors = \"../anchors.pem\"\n\n[[agreements]]";
    assert!(sections.contains(from), "{from}");
    let sections = sections.replacen(from, to, 1);
    let text = changed(
        &changed(sample, &webhooks),
        &[("[[agreements]]", &sections)],
    );
    scene.write("partners/opencrvs.toml", &text);
    Snapshot::load(&scene.config(), &crate::wiring::operations())
}

#[test]
fn how_triggers_are_proven_and_answered_is_read_and_what_would_lead_astray_is_not() {
    let now = jiff::Timestamp::UNIX_EPOCH;
    let key = conformance::opencrvs::core::AuthKey::make("auth-1", now).unwrap();
    let jwks = key.jwks().unwrap();
    let good = jwks.to_string();
    let same = ("client_id", "client_id");
    let snapshot = triggers(&good, same).unwrap();
    let id = schemas::id::PartnerId::parse("opencrvs").unwrap();
    let partner = snapshot.partners.get(&id).unwrap();
    let terms = partner.triggers.as_ref().unwrap();
    assert!(terms.keys.knows("auth-1") && partner.hub.is_none());
    assert_eq!(terms.issuer, "opencrvs:auth-service");
    assert_eq!(terms.audience, "opencrvs:countryconfig-user");
    let core = snapshot.deliveries[&id].core.as_ref().unwrap();
    assert_eq!((core.client.as_str(), core.ask_seconds), ("us", 30));

    let mut many = jwks.clone();
    let all = many["keys"].as_array_mut().unwrap();
    for number in 2..=5 {
        let mut another = all[0].clone();
        another["kid"] = format!("auth-{number}").into();
        all.push(another);
    }
    let secret = "{\"keys\":[{\"kty\":\"oct\",\"kid\":\"s\",\"k\":\"AAAA\"}]}";
    for (jwks, change, what) in [
        (&*many.to_string(), same, "more than 4 keys"),
        (secret, same, "no key that we could use"),
        ("x", same, "cannot be read"),
        (
            &*good,
            ("jwks = \"opencrvs", "jwks = \"none"),
            "none.jwks.json",
        ),
        (
            &*good,
            ("https://a.example/token", "http://a.example/token"),
            "unencrypted",
        ),
        (
            &*good,
            ("https://a.example/token", "https://10.0.0.1/token"),
            "private",
        ),
        (
            &*good,
            ("\"system.secret", "\"none.secret"),
            "no secret in one place",
        ),
        (
            &*good,
            ("client_id", "issuer = \"\"\nclient_id"),
            "not empty",
        ),
        (
            &*good,
            ("words = \"opencrvs\"", "words = \"civil\""),
            "nobody else",
        ),
        (
            &*good,
            ("client_id", "ask_seconds = 0\nclient_id"),
            "out of its bounds",
        ),
    ] {
        let problems = triggers(jwks, change).unwrap_err();
        assert_eq!(problems.len(), 1, "{what}: {problems:?}");
        let told = &problems[0].what;
        assert!(told.contains(what), "{what}: {told}");
        assert!(!format!("{problems:?}").contains(LONG));
    }
    // told where nobody asks, and asked where nobody is told
    let plain = [(
        "[[agreements]]",
        "[delivery]\nwords = \"opencrvs\"\nuri = \"https://a.example/events\"\nanchors = \"../anchors.pem\"\n\n[[agreements]]",
    )];
    let problems = opencrvs(LONG, &plain).unwrap_err();
    assert!(problems[0].what.contains("nobody else"), "{problems:?}");
}
