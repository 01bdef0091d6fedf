//! What a partner's file may say.

use super::*;

#[test]
fn what_an_agreement_misspells_is_told_with_the_nearest_word() {
    let scene = Scene::new();
    let problems = scene
        .partners(&[
            ("operations.\"tax.ping\"", "operations.\"tax.pong\""),
            ("\"participants\"]", "\"participant\"]"),
        ])
        .unwrap_err();
    let told: Vec<(usize, &str, &str)> = problems
        .iter()
        .map(|problem| (problem.line, problem.what.as_str(), problem.cure.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (
                line_of(TAX, "tax.ping"),
                "there is no operation `tax.pong`",
                "did you mean `tax.ping`?"
            ),
            (
                line_of(TAX, "fields = "),
                "`tax.verify-employer` has no field `participant`",
                "did you mean `participants`?"
            ),
        ]
    );
}

#[test]
fn a_partners_file_is_held_to_its_rules() {
    let scene = Scene::new();
    let cases: &[(&str, &str, &str)] = &[
        (
            "environment = \"sandbox\"",
            "environment = \"test\"",
            "registered for test, but this gateway is sandbox",
        ),
        (
            "algorithm = \"ES256\"",
            "algorithm = \"RS256\"",
            "RS256 does not fit",
        ),
        ("cert = \"tax-sign.pem\"", "cert = \"none.pem\"", "none.pem"),
        (
            "valid_to = 2030-12-31",
            "valid_to = 2020-12-31",
            "ends before it begins",
        ),
        (
            "valid_from = 2026-01-01",
            "valid_from = \"soon\"",
            "must be a date",
        ),
        (
            "roads = [\"direct\"]",
            "roads = [\"pigeon\"]",
            "`agreements.0.roads.0` must be one of",
        ),
        (
            "relays = []",
            "relays = [{ road = \"ngsp\", relay = \"ngsp\" }]",
            "no partner `ngsp` is registered",
        ),
    ];
    for (from, to, what) in cases {
        let problem = only(scene.partners(&[(from, to)]).unwrap_err());
        assert!(problem.what.contains(what), "{to}: {}", problem.what);
        assert_eq!(problem.line, line_of(TAX, from), "{to}");
        assert!(problem.file.ends_with("tax.toml"));
    }
}

#[test]
fn no_partner_has_our_own_id() {
    let changes = [
        ("id = \"tax\"", "id = \"vss\""),
        (URI, "urn:lienthong:sandbox:partner:vss"),
    ];
    let problem = only(Scene::new().partners(&changes).unwrap_err());
    assert!(problem.what.contains("this gateway's own id"));
    assert_eq!(problem.line, line_of(TAX, "id = \"tax\""));
}

#[test]
fn a_peer_is_the_partners_own_uri_in_this_environment_or_a_whole_pin() {
    let scene = Scene::new();
    let pin = format!("spki:{}", "0f".repeat(32));
    scene.partners(&[(URI, &pin)]).unwrap();
    for peer in [
        "tax",
        "urn:lienthong:sandbox:partner:dvclt",
        "urn:lienthong:sandbox:partner:taxx",
        "urn:lienthong:test:partner:tax",
        "urn:lienthong:sandbox:gateway:tax",
        "URN:lienthong:sandbox:partner:tax",
        " urn:lienthong:sandbox:partner:tax",
        "https://tax.example",
        "spki:abcd",
        &pin[..pin.len() - 1],
        &format!("{pin}00"),
        &format!("SPKI:{}", "0f".repeat(32)),
    ] {
        let problem = only(scene.partners(&[(URI, peer)]).unwrap_err());
        assert_eq!(
            problem.what, "neither the URI of this partner here nor a pin",
            "{peer}"
        );
        assert_eq!(problem.line, line_of(TAX, URI), "{peer}");
        assert!(problem.cure.contains(URI) && problem.cure.contains("spki:"));
    }
}

#[test]
fn with_several_authorities_a_partner_is_pinned() {
    let scene = Scene::new();
    let other = Authority::generate("sandbox", Timestamp::from_second(1_790_000_000).unwrap());
    let other = other.unwrap().root_pem().to_owned();
    let own = scene.authority.root_pem().to_owned();
    let pin = format!("spki:{}", "0f".repeat(32));
    let in_two_files = [("[\"anchors.pem\"]", "[\"anchors.pem\", \"other.pem\"]")];
    scene.write("other.pem", &other);
    for (anchors, changes) in [
        (format!("{own}{other}"), [].as_slice()),
        (own.clone(), in_two_files.as_slice()),
    ] {
        scene.write("anchors.pem", &anchors);
        let load = |peer: &str| {
            scene.write("partners/tax.toml", &changed(TAX, &[(URI, peer)]));
            Snapshot::load(&scene.with(changes).unwrap(), &OPERATIONS)
        };
        let problem = only(load(URI).unwrap_err());
        assert!(problem.what.contains("each of the 2 authorities"));
        assert!(problem.cure.contains("spki:") && problem.cure.contains("one anchor"));
        assert_eq!(problem.line, line_of(TAX, URI));
        load(&pin).unwrap();
    }
    // anchors that change while the gateway runs are held to it too
    let beside = |peer: &str| {
        scene.write("anchors.pem", &own);
        let snapshot = scene.partners(&[(URI, peer)]).unwrap();
        let config = scene.config();
        assert_eq!(anchors_beside(&config, &snapshot.partners), None);
        scene.write("anchors.pem", &format!("{own}{other}"));
        anchors_beside(&config, &snapshot.partners)
    };
    assert!(beside(URI).unwrap().contains("`tax` is known by its URI"));
    assert_eq!(beside(&pin), None);
    // one authority that stands twice is one
    scene.write("anchors.pem", &own.repeat(2));
    scene.partners(&[]).unwrap();
}

#[test]
fn a_kid_or_an_identity_that_stands_twice_is_refused() {
    let scene = Scene::new();
    let again = "[[keys]]\nkid = \"tax-1\"\nalgorithm = \"ES256\"\ncert = \"tax-sign.pem\"\n\n[[agreements]]";
    let problem = only(scene.partners(&[("[[agreements]]", again)]).unwrap_err());
    assert_eq!(problem.what, "the kid `tax-1` stands twice");
    let pin = format!("spki:{}", "0f".repeat(32));
    scene.write(
        "partners/tax2.toml",
        &changed(TAX, &[("id = \"tax\"", "id = \"tax2\""), (URI, &pin)]),
    );
    let problem = only(scene.partners(&[(URI, &pin)]).unwrap_err());
    assert!(
        problem.what.contains("a peer identity is registered twice"),
        "{}",
        problem.what
    );
}

#[test]
fn a_login_is_read_from_its_file_and_never_shown() {
    let scene = Scene::new();
    let delivery = "[delivery]\nuri = \"https://localhost:1/x\"\nprivate = true\nanchors = \"../anchors.pem\"\n\
        username = \"vss\"\npassword_file = \"tax.password\"\n";
    let text = format!("{}{delivery}", TAX.split("# [delivery]").next().unwrap());
    scene.write("partners/tax.toml", &text);
    let problem = only(Snapshot::load(&scene.config(), &OPERATIONS).unwrap_err());
    assert!(problem.what.contains("tax.password"), "{}", problem.what);
    scene.write("partners/tax.password", "s3cret\n");
    let snapshot = Snapshot::load(&scene.config(), &OPERATIONS).unwrap();
    let login = snapshot
        .deliveries
        .values()
        .next()
        .unwrap()
        .login
        .clone()
        .unwrap();
    assert_eq!(login.password.reveal(), "s3cret");
    assert!(
        !format!("{snapshot:?}").contains("s3cret") && format!("{login:?}").contains("REDACTED")
    );
}

#[test]
fn callbacks_to_a_private_address_need_a_word_for_that_very_host() {
    let scene = Scene::new();
    let with = |lines: &str| {
        let delivery = format!("[delivery]\n{lines}\nanchors = \"../anchors.pem\"\n");
        let text = format!("{}{delivery}", TAX.split("# [delivery]").next().unwrap());
        scene.write("partners/tax.toml", &text);
        Snapshot::load(&scene.config(), &OPERATIONS)
    };
    for (uri, what, cure) in [
        (
            "https://10.1.2.3/x",
            "of a private network",
            "private = true",
        ),
        ("https://localhost/x", "of this machine", "private = true"),
        (
            "https://169.254.169.254/x",
            "of the link only",
            "https://host:port",
        ),
        (
            "https://2130706433/x",
            "a number in another form",
            "https://host:port",
        ),
        (
            "http://tax.example/x",
            "the scheme is not https",
            "https://host:port",
        ),
    ] {
        let problem = only(with(&format!("uri = \"{uri}\"")).unwrap_err());
        assert!(problem.what.contains(what), "{}", problem.what);
        assert!(problem.cure.contains(cure), "{}", problem.cure);
    }
    let allowed = with("uri = \"https://10.1.2.3/x\"\nprivate = true").unwrap();
    let delivery = allowed.deliveries.values().next().unwrap();
    assert_eq!(delivery.endpoint.to_string(), "https://10.1.2.3:443/x");
}

#[test]
fn a_schedule_that_would_leave_times_out_is_refused_at_its_key() {
    let scene = Scene::new();
    let with = |schedule: &str| {
        let delivery = "[delivery]\nuri = \"https://localhost:1/x\"\nprivate = true\nanchors = \"../anchors.pem\"\n";
        let text = TAX.split("# [delivery]").next().unwrap();
        let text = format!("{text}{delivery}\n[delivery.reconcile]\n{schedule}");
        scene.write("partners/tax.toml", &text);
        Snapshot::load(&scene.config(), &OPERATIONS)
    };
    let good = with("").unwrap();
    let schedule = good.deliveries.values().next().unwrap().reconcile.clone();
    let schedule = schedule.unwrap();
    assert_eq!(
        (
            schedule.every_seconds,
            schedule.window_seconds,
            schedule.lag_seconds
        ),
        (3_600, 3_600, 300)
    );
    let problem = only(with("every_seconds = 600\nwindow_seconds = 599\n").unwrap_err());
    assert!(
        problem.what.contains("599 s every 600 s leaves times"),
        "{}",
        problem.what
    );
    let line = fs::read_to_string(scene.folder.path().join("partners/tax.toml")).unwrap();
    let line = line
        .lines()
        .position(|line| line.starts_with("window_seconds = 599"));
    assert_eq!(problem.line, line.unwrap() + 1);
    assert!(with("every_seconds = 0\n").is_err());
}

#[test]
fn a_way_through_the_platform_is_read_whole_or_refused_with_its_key() {
    let scene = Scene::new();
    let with = |words: &str, section: &str| {
        let delivery = "[delivery]\nuri = \"https://localhost:1\"\nprivate = true\nanchors = \"../anchors.pem\"\n";
        let text = TAX.split("# [delivery]").next().unwrap();
        scene.write(
            "partners/tax.toml",
            &format!("{text}{delivery}words = \"{words}\"\n[delivery.ngsp]\n{section}"),
        );
        Snapshot::load(&scene.config(), &OPERATIONS)
    };
    let secret = scene.folder.path().join("partners/ngsp.secret");
    certs::pki::write_private(&secret, "s3cret\n").unwrap();
    let good = "token = \"https://localhost:1/token\"\nclient = \"vss\"\nsecret_file = \"ngsp.secret\"\n\
                api = \"/TraCuuThue/1.0\"\nresource = \"/hoi\"\n";
    let read = with("taxpayer", good).unwrap();
    let access = read
        .deliveries
        .values()
        .next()
        .unwrap()
        .ngsp
        .clone()
        .unwrap();
    assert_eq!(
        (access.api.to_string(), access.resource.as_str()),
        ("/TraCuuThue/1.0".to_owned(), "/hoi")
    );
    assert!(!format!("{access:?}").contains("s3cret"));
    assert!(with("civil", good).is_ok());
    for (from, to, told) in [
        (
            "https://localhost:1/token",
            "http://localhost:1/token",
            "unencrypted",
        ),
        ("https://localhost:1/token", "localhost", "not an address"),
        ("secret_file = \"ngsp.secret\"\n", "", "one place"),
        ("ngsp.secret", "nowhere", "could not be read"),
        ("/TraCuuThue/1.0", "/TraCuuThue", "/<api>/<version>"),
        ("/hoi", "hoi", "no resource"),
        ("/hoi", "/../x", "no resource"),
        ("/hoi", "/x?y=1", "no resource"),
    ] {
        let problem = only(with("taxpayer", &good.replace(from, to)).unwrap_err());
        let words = format!("{problem:?}");
        assert!(words.contains(told), "{to}: {words}");
    }
    let problem = only(with("portal", good).unwrap_err());
    assert!(
        problem.what.contains("by its exchange or by X-Road"),
        "{}",
        problem.what
    );
}

#[test]
fn a_tax_departments_lane_has_nothing_of_a_portals() {
    let scene = Scene::new();
    let with = |lines: &str| {
        let delivery = "[delivery]\nuri = \"https://localhost:1/x\"\nprivate = true\nanchors = \"../anchors.pem\"\n";
        let text = TAX.split("# [delivery]").next().unwrap();
        scene.write("partners/tax.toml", &format!("{text}{delivery}{lines}"));
        Snapshot::load(&scene.config(), &OPERATIONS)
    };
    let words = |lines: &str| {
        let read = with(lines).unwrap();
        read.deliveries.values().next().unwrap().words
    };
    assert_eq!(words(""), OutwardWords::Portal);
    assert_eq!(words("words = \"taxpayer\"\n"), OutwardWords::Taxpayer);
    assert_eq!(words("words = \"civil\"\n"), OutwardWords::Civil);
    scene.write("partners/tax.password", "synthetic\n");
    for (section, key) in [
        (
            "username = \"vss\"\npassword_file = \"tax.password\"\n",
            "delivery.username",
        ),
        (
            "[delivery.xroad]\nclient = \"VN/GOV/a/vss\"\nservice = \"VN/GOV/b/tax/ask\"\n",
            "delivery.xroad",
        ),
    ] {
        assert!(with(section).is_ok(), "{key} of a portal");
        for (words, who) in [
            ("taxpayer", "a tax department"),
            ("civil", "the civil registry"),
        ] {
            let lines = format!("words = \"{words}\"\n{section}");
            let problem = only(with(&lines).unwrap_err());
            let told = format!("{who} has no use for it");
            assert_eq!(problem.what, told, "{key}");
        }
    }
    assert!(with("words = \"hospital\"\n").is_err());
    assert!(with("words = \"taxpayer\"\n[delivery.reconcile]\n").is_ok());
    let noticed = with("words = \"taxpayer\"\n[delivery.notices]\nstep_people = 3\n").unwrap();
    let notices = noticed.deliveries.values().next().unwrap().notices.clone();
    let notices = notices.unwrap();
    assert_eq!((notices.step_people, notices.step_percent), (3, 10));
    let problem = only(with("[delivery.notices]\n").unwrap_err());
    assert!(problem.what.contains("the portal is not told of employers"));
    for (section, told) in [
        ("[delivery.notices]\n", "is not told of employers"),
        ("[delivery.reconcile]\n", "is not asked what it holds"),
    ] {
        let lines = format!("words = \"civil\"\n{section}");
        let problem = only(with(&lines).unwrap_err());
        let wanted = format!("the civil registry {told}");
        assert_eq!(problem.what, wanted);
    }
}

#[test]
fn a_payment_platforms_secret_comes_by_reference_and_everything_that_is_hashed_can_be() {
    let scene = Scene::new();
    let section = "[payment]\naccount = \"VSS\"\nsecret_file = \"p.secret\"\nunit = \"G99\"\npayee_account = \"1\"\n\
                   payee_bank = \"99999999\"\npayee_name = \"BHXH\"\naddress = \"192.0.2.1\"\n";
    let with = |secret: &str, from: &str, to: &str| {
        scene.write("partners/p.secret", secret);
        let file = scene.folder.path().join("partners/p.secret");
        std::fs::set_permissions(file, std::os::unix::fs::PermissionsExt::from_mode(0o600))
            .unwrap();
        let text = TAX.split("# [delivery]").next().unwrap();
        let delivery = "[delivery]\nwords = \"payments\"\nuri = \"https://pay.example:8443/p\"\nanchors = \"../anchors.pem\"\n";
        let lines = format!("{section}{delivery}").replace(from, to);
        scene.write("partners/tax.toml", &format!("{text}{lines}"));
        Snapshot::load(&scene.config(), &OPERATIONS)
    };
    let secret = "0123456789abcdef\n";
    let read = with(secret, "", "").unwrap();
    let delivery = read.deliveries.values().next().unwrap();
    assert_eq!(delivery.words, OutwardWords::Payments);
    let keyed = &delivery.payment.as_ref().unwrap().keyed;
    assert_eq!(keyed.account(), "VSS");
    assert!(!format!("{read:?}").contains("0123456789abcdef"));
    for (secret, from, to, words) in [
        ("short\n", "", "", "fewer than 16 bytes"),
        (
            secret,
            "secret_file = \"p.secret\"\n",
            "",
            "either secret_file or secret_env",
        ),
        (
            secret,
            "\"VSS\"",
            "\"V|SS\"",
            "`payment.account` is empty or holds a `|`",
        ),
        (secret, "\"99999999\"", "\"9999\"", "8 digits"),
        (
            secret,
            "words = \"payments\"\n",
            "",
            "a payment platform has a section [payment]",
        ),
    ] {
        let problem = only(with(secret, from, to).unwrap_err());
        assert!(problem.what.contains(words), "{words}: {}", problem.what);
    }
}

/// The sample's partner behind this relay, whose own file has this section.
fn behind(relays: &str, section: &str) -> Result<Snapshot, Vec<Problem>> {
    let scene = Scene::new();
    let server = format!(
        "id = \"ss\"\nname = \"SS\"\nenvironment = \"sandbox\"\n\
         peers = [\"urn:lienthong:sandbox:partner:ss\"]\n[quota]\n{section}"
    );
    scene.write("partners/ss.toml", &server);
    scene.partners(&[("relays = []", relays)])
}

#[test]
fn an_x_road_relay_is_a_security_server_that_knows_the_partner_by_a_name() {
    const ON: &str = "relays = [{ road = \"xroad\", relay = \"ss\", client = \"VN/GOV/a/tax\" }]";
    const NAMED: &str = "[xroad]\nname = \"VN/GOV/a/vss\"\n";
    let snapshot = behind(ON, &format!("{NAMED}errors = \"old\"\n")).unwrap();
    let server = PartnerId::parse("ss").unwrap();
    let client = schemas::id::XRoadClient::parse("VN/GOV/a/tax").unwrap();
    let known = snapshot.partners.by_client(&server, &client);
    assert_eq!(known.map(PartnerId::as_str), Some("tax"));
    let registered = snapshot.partners.security_server(&server).unwrap();
    assert_eq!(registered.errors, schemas::wire::xroad::Spelling::Old);
    assert_eq!(registered.us.to_string(), "VN/GOV/a/vss");
    for (relays, section, what) in [
        (ON, "", "`ss` is no security server"),
        (
            "relays = [{ road = \"ngsp\", relay = \"ss\" }]",
            NAMED,
            "`ss` is a security server",
        ),
        (
            "relays = [{ road = \"xroad\", relay = \"ss\" }]",
            NAMED,
            "knows every partner by a name",
        ),
        (
            "relays = [{ road = \"ngsp\", relay = \"ss\", client = \"VN/GOV/a\" }]",
            "",
            "only a security server knows",
        ),
        (
            "relays = [{ road = \"xroad\", relay = \"ss\", client = \"VN/GOV\" }]",
            NAMED,
            "an X-Road client",
        ),
    ] {
        let problem = only(behind(relays, section).unwrap_err());
        assert!(problem.what.contains(what), "{relays}: {}", problem.what);
    }
    // who we are there is said, and well
    for (section, what) in [
        ("[xroad]\n", "`xroad.name` is missing"),
        ("[xroad]\nname = \"VN/GOV\"\n", "an X-Road client"),
    ] {
        let problems = behind(ON, section).unwrap_err();
        let told = problems.iter().any(|problem| problem.what.contains(what));
        assert!(told, "{section}: {problems:?}");
    }
}

#[test]
fn what_bears_no_signature_is_granted_by_an_attested_agreement_alone() {
    const PING: &str = "[agreements.operations.\"tax.ping\"]";
    let granted = format!("[agreements.operations.\"portal.dossier-status\"]\n{PING}");
    let scene = Scene::new();
    let load = |changes: &[(&str, &str)]| {
        scene.write("partners/tax.toml", &changed(TAX, changes));
        Snapshot::load(&scene.config(), &crate::wiring::operations())
    };
    let problem = only(load(&[(PING, &granted)]).unwrap_err());
    assert!(problem.what.contains("has no proof"), "{}", problem.what);
    let attested = ("# attested = false ", "attested = true #");
    assert!(load(&[(PING, &granted), attested]).is_ok());
}

#[test]
fn the_sample_of_a_hospital_is_a_partner_as_it_stands() {
    let scene = Scene::new();
    scene.issue("partners/hospital-sign", KeyChoice::P256, Usage::Signing);
    let sample = include_str!("../../../sample/partners/hospital.toml");
    scene.write("partners/hospital.toml", sample);
    let snapshot = Snapshot::load(&scene.config(), &crate::wiring::operations()).unwrap();
    let partners = snapshot.partners;
    let hospital = partners.get(&schemas::id::PartnerId::parse("cskcb-01001").unwrap());
    assert_eq!(hospital.unwrap().agreements[0].operations.len(), 3);
}

/// The sample of a registry that speaks DCI, with changes; and its key.
fn crvs(scene: &Scene, changes: &[(&str, &str)]) -> Result<Snapshot, Vec<Problem>> {
    scene.issue("partners/crvs-sign", KeyChoice::Ed25519, Usage::Signing);
    let sample = include_str!("../../../sample/partners/crvs.toml");
    scene.write("partners/crvs.toml", &changed(sample, changes));
    Snapshot::load(&scene.config(), &crate::wiring::operations())
}

#[test]
fn the_sample_of_a_registry_that_speaks_dci_is_a_partner_as_it_stands() {
    let scene = Scene::new();
    let partners = crvs(&scene, &[]).unwrap().partners;
    let (id, terms) = partners.by_dci("https://crvs.example").unwrap();
    assert_eq!(
        (id.as_str(), terms.receiver_id.as_str()),
        ("crvs", "https://vss.example")
    );
    assert_eq!(terms.dialect, certs::dci::Dialect::CavageJcs);
    assert!(partners.by_dci("https://vss.example").is_none());
}

#[test]
fn a_registry_is_called_back_where_it_has_an_address_for_it_and_speaks_dci() {
    let scene = Scene::new();
    let address = "[delivery]\nwords = \"dci\"\nuri = \"https://crvs.example:8443/dci\"\nanchors = \"../anchors.pem\"\n# [delivery]";
    let read = crvs(&scene, &[("# [delivery]", address)]).unwrap();
    let delivery = read.deliveries.values().next().unwrap();
    assert_eq!(delivery.words, OutwardWords::Dci);
    let is_called_back = |read: &Snapshot| {
        let (_, terms) = read.partners.by_dci("https://crvs.example").unwrap();
        terms.is_called_back
    };
    assert!(is_called_back(&read));
    assert!(!is_called_back(&crvs(&scene, &[]).unwrap()));
    let civil = address.replace("\"dci\"", "\"civil\"");
    assert!(!is_called_back(
        &crvs(&scene, &[("# [delivery]", &civil)]).unwrap()
    ));
    for (lines, told) in [
        ("[delivery.reconcile]\n", "is not asked what it holds"),
        ("[delivery.notices]\n", "is not told of employers"),
    ] {
        let lines = address.replace("# [delivery]", lines);
        let problem = only(crvs(&scene, &[("# [delivery]", &lines)]).unwrap_err());
        assert_eq!(problem.what, format!("whoever speaks DCI {told}"));
    }
    let text = TAX.split("# [delivery]").next().unwrap();
    scene.write("partners/tax.toml", &format!("{text}{address}\n"));
    let problems = Snapshot::load(&scene.config(), &crate::wiring::operations()).unwrap_err();
    let told = "callbacks in DCI's words go to a partner with [dci]";
    assert!(
        problems.iter().any(|problem| problem.what == told),
        "{problems:?}"
    );
}

#[test]
fn a_registry_is_followed_where_there_is_a_way_to_it_and_an_end_to_renew_before() {
    let scene = Scene::new();
    let address = "[delivery]\nwords = \"dci\"\nuri = \"https://crvs.example:8443/dci\"\nanchors = \"../anchors.pem\"\n# [delivery]";
    let follow = ("# [dci.follow]", "[dci.follow]");
    let read = crvs(&scene, &[follow, ("# [delivery]", address)]).unwrap();
    let (_, terms) = read.partners.by_dci("https://crvs.example").unwrap();
    let followed = terms.follow.unwrap();
    assert!(followed.births && followed.deaths);
    assert_eq!(
        (followed.length_seconds, followed.renew_seconds),
        (2_592_000, 604_800)
    );
    let problem = only(crvs(&scene, &[follow]).unwrap_err());
    assert_eq!(
        problem.what,
        "nothing goes out to this partner in DCI's words"
    );
    let late = ("# [dci.follow]", "[dci.follow]\nrenew_seconds = 2592000");
    let problem = only(crvs(&scene, &[late, ("# [delivery]", address)]).unwrap_err());
    assert_eq!(
        problem.what,
        "a subscription would be renewed before it begins"
    );
}

#[test]
fn a_registry_is_looked_into_where_there_is_a_way_to_it_and_its_answers_can_be_kept() {
    let scene = Scene::new();
    let address = "[delivery]\nwords = \"dci\"\nuri = \"https://crvs.example:8443/dci\"\nanchors = \"../anchors.pem\"\n# [delivery]";
    let way = ("# [delivery]", address);
    let pull = (
        "# [dci.pull]",
        "[dci.pull]\nsince = 2026-02-01\ndeaths = false\n#",
    );
    let read = crvs(&scene, &[pull, way]).unwrap();
    let (_, terms) = read.partners.by_dci("https://crvs.example").unwrap();
    let pulled = terms.pull.unwrap();
    assert!(pulled.births && !pulled.deaths);
    assert_eq!(pulled.since, Some(jiff::civil::date(2026, 2, 1)));
    assert_eq!(
        (pulled.overlap_days, pulled.page_size, pulled.pages_max),
        (7, 100, 100)
    );
    let problem = only(crvs(&scene, &[pull]).unwrap_err());
    assert_eq!(
        problem.what,
        "nothing goes out to this partner in DCI's words"
    );
    let many = ("# [dci.pull]", "[dci.pull]\npage_size = 101\n#");
    let problem = only(crvs(&scene, &[many, way]).unwrap_err());
    assert!(problem.what.contains("page_size"), "{}", problem.what);
    let key = "signature = \"cavage-jcs\"";
    let beside = (key, "signature = \"jws-detached\"");
    let problem = only(crvs(&scene, &[pull, way, beside]).unwrap_err());
    assert_eq!(
        problem.what,
        "`jws-detached` signs beside the body, and what is found is kept with its signature in it"
    );
}

#[test]
fn how_a_registry_signs_must_fit_its_keys_and_its_secret() {
    let scene = Scene::new();
    certs::pki::write_private(
        &scene.folder.path().join("partners/long.secret"),
        "0123456789abcdef",
    )
    .unwrap();
    certs::pki::write_private(
        &scene.folder.path().join("partners/short.secret"),
        "0123456789abcde",
    )
    .unwrap();
    let secret = "# secret_file = \"crvs.secret\"";
    let signature = "signature = \"cavage-jcs\"";
    let hmac = (signature, "signature = \"hmac-x\"");
    let cases: &[(&[(&str, &str)], &str)] = &[
        (
            &[(signature, "signature = \"unsigned\"")],
            "no dialect `unsigned`",
        ),
        (
            &[(signature, "signature = \"\"")],
            "must be a text that is not empty",
        ),
        (
            &[(
                "sender_id = \"https://crvs.example\"",
                "sender_id = \"a|b\"",
            )],
            "a character that a signature cannot name",
        ),
        (
            &[(
                "receiver_id = \"https://vss.example\"",
                "receiver_id = \"\"",
            )],
            "empty",
        ),
        (&[hmac], "hmac-x has a secret"),
        (
            &[hmac, (secret, "secret_file = \"none.secret\"")],
            "No such file",
        ),
        (
            &[hmac, (secret, "secret_file = \"short.secret\"")],
            "can be guessed",
        ),
        (
            &[(secret, "secret_file = \"long.secret\"")],
            "of hmac-x alone",
        ),
    ];
    for (changes, what) in cases {
        let problem = only(crvs(&scene, changes).unwrap_err());
        assert!(problem.what.contains(what), "{what}: {}", problem.what);
        assert!(problem.file.ends_with("crvs.toml"));
    }
    crvs(&scene, &[hmac, (secret, "secret_file = \"long.secret\"")]).unwrap();
    // a key of another kind cannot sign so
    scene.issue("partners/tax-sign", KeyChoice::P256, Usage::Signing);
    let other = [
        ("algorithm = \"EdDSA\"", "algorithm = \"ES256\""),
        ("cert = \"crvs-sign.pem\"", "cert = \"tax-sign.pem\""),
    ];
    let problem = only(crvs(&scene, &other).unwrap_err());
    assert!(
        problem
            .what
            .contains("none of its keys can sign as `cavage-jcs`"),
        "{}",
        problem.what
    );
}

#[test]
fn a_sender_id_is_of_one_partner() {
    let scene = Scene::new();
    let sample = include_str!("../../../sample/partners/crvs.toml");
    let other = changed(
        sample,
        &[
            ("id = \"crvs\"", "id = \"crvs-2\""),
            ("partner:crvs\"", "partner:crvs-2\""),
        ],
    );
    scene.write("partners/crvs-2.toml", &other);
    let problem = only(crvs(&scene, &[]).unwrap_err());
    assert!(
        problem.what.contains("a DCI sender_id is registered twice"),
        "{}",
        problem.what
    );
}
