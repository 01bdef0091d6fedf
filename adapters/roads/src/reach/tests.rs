use super::*;

const NEVER: [Kind; 5] = [
    Kind::Unspecified,
    Kind::LinkLocal,
    Kind::Multicast,
    Kind::Embedded,
    Kind::Reserved,
];

/// Hosts that stand for an address of the kind, in every spelling that is an address to us.
const ADDRESSES: &[(Kind, &[&str])] = &[
    (
        Kind::Loopback,
        &[
            "127.0.0.1",
            "127.0.0.2",
            "127.1.2.3",
            "127.255.255.255",
            "localhost",
            "LOCALHOST",
            "a.localhost",
            "LocalHost",
            "[::1]",
            "[0:0:0:0:0:0:0:1]",
            "[0000::0001]",
            "[::0.0.0.1]",
        ],
    ),
    (
        Kind::Private,
        &[
            "10.0.0.1",
            "10.255.255.255",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.0.1",
            "192.168.255.254",
            "[fc00::1]",
            "[fd00::1]",
            "[fdff:ffff::1]",
            "[fd00:ec2::254]",
        ],
    ),
    (
        Kind::Shared,
        &["100.64.0.1", "100.100.100.200", "100.127.255.255"],
    ),
    (
        Kind::Unspecified,
        &[
            "0.0.0.0",
            "0.0.0.1",
            "0.1.2.3",
            "0.255.255.255",
            "[::]",
            "[0:0:0:0:0:0:0:0]",
            "[::0.0.0.0]",
        ],
    ),
    (
        Kind::LinkLocal,
        &[
            "169.254.169.254",
            "169.254.0.1",
            "169.254.170.2",
            "169.254.255.255",
            "[fe80::1]",
            "[fe80::a9fe:a9fe]",
            "[febf::1]",
        ],
    ),
    (
        Kind::Multicast,
        &[
            "224.0.0.1",
            "239.255.255.250",
            "[ff02::1]",
            "[ff05::2]",
            "[ff0e::1]",
        ],
    ),
    (
        Kind::Embedded,
        &[
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "[::FFFF:127.0.0.1]",
            "[0:0:0:0:0:ffff:7f00:1]",
            "[::ffff:169.254.169.254]",
            "[::ffff:a9fe:a9fe]",
            "[::ffff:10.0.0.1]",
            "[::ffff:8.8.8.8]",
            "[::127.0.0.1]",
            "[::7f00:1]",
            "[::a9fe:a9fe]",
            "[::ffff:0:127.0.0.1]",
            "[64:ff9b::127.0.0.1]",
            "[64:ff9b::a9fe:a9fe]",
            "[64:ff9b:1::7f00:1]",
            "[2002:7f00:1::]",
            "[2002:a9fe:a9fe::1]",
            "[2002:0a00:0001::]",
            "[2001::1]",
            "[2001:0:4136:e378:8000:63bf:80ff:fffe]",
        ],
    ),
    (
        Kind::Reserved,
        &[
            "192.0.0.1",
            "192.0.0.192",
            "192.0.2.1",
            "192.88.99.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.7",
            "240.0.0.1",
            "255.255.255.255",
            "[100::1]",
            "[2001:db8::1]",
            "[2001:20::1]",
            "[3fff::1]",
            "[fec0::1]",
            "[4000::1]",
            "[1::]",
            "[5f00::1]",
        ],
    ),
];

/// Texts that lead elsewhere, or that two parsers read differently.
const TEXTS: &[(BadLocation, &[&str])] = &[
    (
        BadLocation::Obscured,
        &[
            "http://2130706433/",
            "http://0/",
            "http://1/",
            "http://017700000001/",
            "http://0x7f000001/",
            "http://0X7F000001/",
            "http://0x7f.1/",
            "http://0x7f.0x0.0x0.0x1/",
            "http://0177.0.0.1/",
            "http://0177.0.0.01/",
            "http://127.1/",
            "http://127.0.1/",
            "http://127.0.0.01/",
            "http://127.0.0.1.1/",
            "http://010.0.0.1/",
            "http://00.0.0.0/",
            "http://256.256.256.256/",
            "http://4294967295/",
            "http://2852039166/",
            "http://0xa9fea9fe/",
            "http://0251.0376.0251.0376/",
            "http://169.254.43518/",
            "http://169.16689662/",
            "http://0xa9.0xfe.0xa9.0xfe/",
            "http://0x/",
            "http://a.0x1/",
            "http://1.2.3.4.5/",
            "http://999.1.1.1/",
            "http://127.000.000.001/",
            "http://3232235521/",
            "http://00000000000000000000000000177.1/",
        ],
    ),
    (
        BadLocation::Credentials,
        &[
            "http://user@a.example/",
            "http://user:pw@a.example/",
            "https://a.example@127.0.0.1/",
            "https://a.example:443@169.254.169.254/",
            "https://a.example%40b@127.0.0.1/",
            "http://@127.0.0.1/",
            "http://:@127.0.0.1/",
            "http://a@b@127.0.0.1/",
            "http://a.example\\@127.0.0.1/x",
            "http://127.0.0.1:80@a.example/",
        ],
    ),
    (
        BadLocation::Scheme,
        &[
            "file:///etc/passwd",
            "file://localhost/etc/passwd",
            "gopher://127.0.0.1:6379/_x",
            "dict://127.0.0.1:11211/",
            "ftp://a.example/",
            "ldap://a.example/",
            "HTTP://a.example/",
            "Https://a.example/",
            "ws://a.example/",
            "jar:http://a.example!/",
            "netdoc:///etc/passwd",
            "unix:///run/x.sock",
            "://a.example/",
            " http://a.example/",
            "h\tttp://a.example/",
            "data://x",
            "javascript://x/%0aalert(1)",
            "http+unix://x/",
        ],
    ),
    (
        BadLocation::Shape,
        &[
            "",
            "a.example",
            "//a.example/",
            "/path",
            "http:a.example",
            "http:/a.example",
            "https:\\\\a.example",
            "javascript:alert(1)",
            "data:text/plain,x",
            "http://a.example/a b",
            "http://a.example/\r\nHost: b",
            "http://a.example/\\..",
            "http://a.example/é",
            "http://a.example/\u{0}",
            "http://a.example/?a=\u{7f}",
            "http://a.example/\tb",
        ],
    ),
    (
        BadLocation::Host,
        &[
            "http:///",
            "http://",
            "http://:80/",
            "http://./",
            "http://a..b/",
            "http://.a.example/",
            "http://a.example./",
            "http://127.0.0.1./",
            "http://localhost./",
            "http://a_b.example/",
            "http://-a.example/",
            "http://a-.example/",
            "http://a%2eexample/",
            "http://%6cocalhost/",
            "http://127%2e0%2e0%2e1/",
            "http://1\u{2460}7.0.0.1/",
            "http://\u{ff11}27.0.0.1/",
            "http://127\u{3002}0\u{3002}0\u{3002}1/",
            "http://\u{24db}ocalhost/",
            "http://a\u{ad}.example/",
            "http://a.example\\.b/",
            "http://a.example;b/",
            "http://a b/",
            "http://a\tb/",
            "http://a\r\nb/",
            "http://a\u{0}.example/",
            "http://[::1/",
            "http://[]/",
            "http://[::1%25eth0]/",
            "http://[fe80::1%eth0]/",
            "http://[fe80::1%25lo]/",
            "http://[127.0.0.1]/",
            "http://[v1.x]/",
            "http://[::1]x/",
            "http://[::1].a.example/",
            "http://[::ffff:127.1]/",
            "http://[:::1]/",
            "http://::1/",
            "http://[::g]/",
            "http://[0x0::1]/",
            "http://*/",
            "http://a,b/",
            "http://{a}/",
            "http://$HOST/",
            "http://[[::1]]/",
        ],
    ),
    (
        BadLocation::Port,
        &[
            "http://a.example:/",
            "http://a.example:0/",
            "http://a.example:65536/",
            "http://a.example:080/",
            "http://a.example:+80/",
            "http://a.example:-1/",
            "http://a.example:80:90/",
            "http://a.example:0x50/",
            "http://a.example: 80/",
            "http://a.example:http/",
            "http://[::1]:99999/",
            "http://fe80::1/",
        ],
    ),
    (
        BadLocation::Fragment,
        &[
            "http://a.example/#b",
            "http://a.example#@127.0.0.1/",
            "https://127.0.0.1#.a.example/",
        ],
    ),
];

fn location(host: &str, reach: Reach) -> Result<Location, BadLocation> {
    Location::parse(&format!("http://{host}:8080/x"), reach)
}

#[test]
fn every_form_that_could_lead_elsewhere_is_refused_with_its_reason() {
    let mut forms = 0;
    for (reason, texts) in TEXTS {
        for text in *texts {
            for reach in [Reach::Public, Reach::Private] {
                let refused = Location::parse(text, reach);
                assert_eq!(refused, Err(*reason), "{text:?}");
            }
            forms += 1;
        }
    }
    for (kind, hosts) in ADDRESSES {
        for host in *hosts {
            let refused = location(host, Reach::Public);
            assert_eq!(refused, Err(BadLocation::Address(*kind)), "{host}");
            let registered = location(host, Reach::Private);
            assert_eq!(registered.is_err(), NEVER.contains(kind), "{host}");
            forms += 1;
        }
    }
    assert!(forms >= 200, "{forms} forms");
}

#[test]
fn hosts_of_the_internet_are_taken_as_they_are_written() {
    for (text, host, port, target) in [
        ("http://a.example", "a.example", 80, "/"),
        ("https://A.Example/x?y=z", "a.example", 443, "/x?y=z"),
        (
            "https://xn--vit-8sa.example:8443/",
            "xn--vit-8sa.example",
            8443,
            "/",
        ),
        ("http://8.8.8.8:1/a", "8.8.8.8", 1, "/a"),
        ("http://172.32.0.1", "172.32.0.1", 80, "/"),
        ("http://100.128.0.1", "100.128.0.1", 80, "/"),
        ("http://[2606:4700::1111]?q", "2606:4700::1111", 80, "/?q"),
        ("https://1a.vn:65535/%2e%2e/x", "1a.vn", 65535, "/%2e%2e/x"),
        (
            "http://127.0.0.1.nip.example",
            "127.0.0.1.nip.example",
            80,
            "/",
        ),
    ] {
        let location = Location::parse(text, Reach::Public).unwrap();
        assert_eq!(
            (location.host(), location.port(), location.target()),
            (host, port, target)
        );
        assert!(
            Location::parse(&location.to_string(), Reach::Public) == Ok(location),
            "{text}"
        );
    }
}

/// DNS rebinding: whatever the name, the addresses decide, and one bad address spoils the answer.
#[test]
fn an_answer_with_one_forbidden_address_is_refused_whole() {
    let public = location("a.example", Reach::Public).unwrap();
    let private = location("a.example", Reach::Private).unwrap();
    let answer = |ips: &[&str]| -> Vec<SocketAddr> {
        let ips = ips.iter().map(|ip| ip.parse::<IpAddr>().unwrap());
        ips.map(|ip| SocketAddr::new(ip, 8080)).collect()
    };
    let good = answer(&["8.8.8.8", "2606:4700::1111"]);
    assert_eq!(public.judge(good.clone()), Ok(good));
    for (kind, hosts) in ADDRESSES {
        let hosts = hosts
            .iter()
            .filter(|host| !host.to_ascii_lowercase().ends_with("localhost"));
        for host in hosts {
            let mixed = answer(&["8.8.8.8", host.trim_matches(['[', ']'])]);
            assert_eq!(public.judge(mixed.clone()), Err(*kind), "{host}");
            assert_eq!(
                private.judge(mixed).is_err(),
                NEVER.contains(kind),
                "{host}"
            );
        }
    }
}
