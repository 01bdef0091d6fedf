//! Tokens of an issuer with its own keys, and everything that somebody might try instead.

use openssl::pkey::{PKey, Private};

use super::*;
use crate::keys::SigningKey;

const NOW: i64 = 1_790_000_000;
const PEER: [u8; 32] = [7; 32];

struct Issuer {
    rsa: PKey<Private>,
    ec: PKey<Private>,
}

impl Issuer {
    fn new() -> Self {
        let curve = openssl::ec::EcGroup::from_curve_name(openssl::nid::Nid::X9_62_PRIME256V1);
        let ec = openssl::ec::EcKey::generate(&curve.unwrap()).unwrap();
        Self {
            rsa: PKey::from_rsa(openssl::rsa::Rsa::generate(2048).unwrap()).unwrap(),
            ec: PKey::from_ec_key(ec).unwrap(),
        }
    }

    fn jwks(&self) -> String {
        format!(
            "{{\"keys\":[{},{}]}}",
            rsa_jwk("rsa-1", &self.rsa),
            ec_jwk("ec-1", &self.ec)
        )
    }

    fn keys(&self) -> KeySet {
        KeySet::from_json(self.jwks().as_bytes()).unwrap()
    }

    fn sign(&self, header: &str, claims: &str) -> String {
        let algorithm = Algorithm::ALL
            .into_iter()
            .find(|known| header.contains(&format!("\"{}\"", known.jws_name())));
        let key = match algorithm {
            Some(Algorithm::Es256) => &self.ec,
            _ => &self.rsa,
        };
        let pem = key.private_key_to_pem_pkcs8().unwrap();
        let key = SigningKey::from_pem(&pem, algorithm).unwrap();
        let input = format!("{}.{}", b64(header.as_bytes()), b64(claims.as_bytes()));
        let signature = key.sign(input.as_bytes()).unwrap();
        format!("{input}.{}", b64(&signature))
    }
}

fn b64(bytes: &[u8]) -> String {
    jws::base64url(bytes)
}

fn rsa_jwk(kid: &str, key: &PKey<Private>) -> String {
    let rsa = key.rsa().unwrap();
    let (n, e) = (b64(&rsa.n().to_vec()), b64(&rsa.e().to_vec()));
    format!(r#"{{"kty":"RSA","use":"sig","kid":"{kid}","n":"{n}","e":"{e}"}}"#)
}

fn ec_jwk(kid: &str, key: &PKey<Private>) -> String {
    let ec = key.ec_key().unwrap();
    let (mut x, mut y) = (
        openssl::bn::BigNum::new().unwrap(),
        openssl::bn::BigNum::new().unwrap(),
    );
    let mut context = openssl::bn::BigNumContext::new().unwrap();
    ec.public_key()
        .affine_coordinates(ec.group(), &mut x, &mut y, &mut context)
        .unwrap();
    let (x, y) = (x.to_vec_padded(32).unwrap(), y.to_vec_padded(32).unwrap());
    let (x, y) = (b64(&x), b64(&y));
    format!(r#"{{"kty":"EC","crv":"P-256","alg":"ES256","kid":"{kid}","x":"{x}","y":"{y}"}}"#)
}

fn claims(more: &str) -> String {
    let bound = b64(&PEER);
    let end = NOW + 600;
    format!(
        r#"{{"iss":"https://as.example","aud":"vss","sub":"dvclt","exp":{end},"nbf":{NOW},"cnf":{{"x5t#S256":"{bound}"}}{more}}}"#
    )
}

const EC: &str = r#"{"alg":"ES256","kid":"ec-1","typ":"at+jwt"}"#;
const RSA: &str = r#"{"alg":"RS256","kid":"rsa-1","typ":"JWT"}"#;

fn expected() -> Expected<'static> {
    Expected {
        issuer: "https://as.example",
        audience: "vss",
        subject: Some("dvclt"),
        algorithms: &[Algorithm::Es256, Algorithm::Rs256],
        certificate: Some(&PEER),
        now: Timestamp::from_second(NOW).unwrap(),
        skew: SignedDuration::from_secs(30),
    }
}

fn judge_with(token: &str, keys: &KeySet, change: impl FnOnce(&mut Expected<'_>)) -> &'static str {
    let mut expected = expected();
    change(&mut expected);
    let proven = parse(token).and_then(|unproven| unproven.verify(keys, &expected));
    proven.map_or_else(|error| error.reason(), |_| "in")
}

fn judge(token: &str, keys: &KeySet) -> &'static str {
    judge_with(token, keys, |_| ())
}

#[test]
fn a_token_of_the_issuer_for_us_bound_to_the_peer_lets_in() {
    let issuer = Issuer::new();
    let keys = issuer.keys();
    assert!(keys.knows("rsa-1") && keys.knows("ec-1") && !keys.knows("rsa-2"));
    for header in [EC, RSA] {
        assert_eq!(judge(&issuer.sign(header, &claims("")), &keys), "in");
    }
    let several = claims("").replace(r#""aud":"vss""#, r#""aud":["other","vss"]"#);
    assert_eq!(judge(&issuer.sign(EC, &several), &keys), "in");
    let client = claims(r#","client_id":"dvclt""#).replace(r#""sub":"dvclt""#, r#""sub":"x""#);
    assert_eq!(judge(&issuer.sign(EC, &client), &keys), "in");
}

#[test]
fn each_claim_that_is_wrong_is_told_by_its_name() {
    let issuer = Issuer::new();
    let keys = issuer.keys();
    let end = format!(r#""exp":{}"#, NOW + 600);
    let begin = format!(r#""nbf":{NOW}"#);
    let bound = format!(r#","cnf":{{"x5t#S256":"{}"}}"#, b64(&PEER));
    let other = format!(r#","cnf":{{"x5t#S256":"{}"}}"#, b64(&[8; 32]));
    let ended = format!(r#""exp":{}"#, NOW - 30);
    let later = format!(r#""nbf":{}"#, NOW + 31);
    for (from, to, reason) in [
        ("https://as.example", "https://as.example/", "token-issuer"),
        (r#""aud":"vss""#, r#""aud":"other""#, "token-audience"),
        (r#""aud":"vss""#, r#""aud":["other"]"#, "token-audience"),
        (r#""aud":"vss","#, "", "token-claims"),
        (end.as_str(), r#""x":1"#, "token-without-exp"),
        (end.as_str(), ended.as_str(), "token-expired"),
        (end.as_str(), r#""exp":"soon""#, "token-claims"),
        (end.as_str(), r#""exp":99999999999999999"#, "token-claims"),
        (end.as_str(), r#""exp":1,"exp":1790000600"#, "token-claims"),
        (begin.as_str(), later.as_str(), "token-not-yet-valid"),
        (r#""sub":"dvclt""#, r#""sub":"tax""#, "token-subject"),
        (r#""sub":"dvclt","#, "", "token-subject"),
        (bound.as_str(), "", "token-not-bound"),
        (bound.as_str(), r#","cnf":{}"#, "token-not-bound"),
        (bound.as_str(), other.as_str(), "token-other-certificate"),
    ] {
        let whole = claims("");
        assert!(whole.contains(from), "{from}");
        let token = issuer.sign(EC, &whole.replace(from, to));
        assert_eq!(judge(&token, &keys), reason, "{to}");
    }
    let unbound = issuer.sign(EC, &claims("").replace(&bound, ""));
    assert_eq!(
        judge_with(&unbound, &keys, |expected| expected.certificate = None),
        "in"
    );
}

#[test]
fn the_skew_is_allowed_to_the_second() {
    let issuer = Issuer::new();
    let keys = issuer.keys();
    let token = issuer.sign(EC, &claims(""));
    let at = |seconds: i64| {
        let now = Timestamp::from_second(seconds).unwrap();
        judge_with(&token, &keys, |expected| expected.now = now)
    };
    assert_eq!(at(NOW + 629), "in");
    assert_eq!(at(NOW + 630), "token-expired");
    assert_eq!(at(NOW - 30), "in");
    assert_eq!(at(NOW - 31), "token-not-yet-valid");
}

#[test]
fn the_header_chooses_neither_algorithm_nor_key() {
    let issuer = Issuer::new();
    let keys = issuer.keys();
    let good = issuer.sign(RSA, &claims(""));
    let (_, rest) = good.split_once('.').unwrap();
    let (payload, _) = rest.split_once('.').unwrap();
    let bare = |header: &str, signature: &[u8]| {
        format!("{}.{payload}.{}", b64(header.as_bytes()), b64(signature))
    };
    // the public key as an HMAC secret: SPKI in PEM and DER, as an attacker would have it
    let hmac = |secret: &[u8]| {
        let header = r#"{"alg":"HS256","kid":"rsa-1"}"#;
        let input = format!("{}.{payload}", b64(header.as_bytes()));
        let key = PKey::hmac(secret).unwrap();
        let digest = openssl::hash::MessageDigest::sha256();
        let mut signer = openssl::sign::Signer::new(digest, &key).unwrap();
        bare(
            header,
            &signer.sign_oneshot_to_vec(input.as_bytes()).unwrap(),
        )
    };
    for (token, reason) in [
        (
            hmac(&issuer.rsa.public_key_to_pem().unwrap()),
            "alg-unknown",
        ),
        (
            hmac(&issuer.rsa.public_key_to_der().unwrap()),
            "alg-unknown",
        ),
        (bare(r#"{"alg":"none","kid":"rsa-1"}"#, b""), "alg-none"),
        (bare(r#"{"alg":"nOnE","kid":"rsa-1"}"#, b""), "alg-none"),
        (bare(r#"{"kid":"rsa-1"}"#, b""), "alg-missing"),
        (
            bare(r#"{"alg":"ES256","kid":"rsa-1"}"#, &[1; 64]),
            "token-algorithm",
        ),
        (
            bare(r#"{"alg":"PS256","kid":"rsa-1"}"#, &[1; 256]),
            "token-algorithm",
        ),
        (
            bare(r#"{"alg":"RS256","kid":"ec-1"}"#, &[1; 256]),
            "token-algorithm",
        ),
        (
            bare(r#"{"alg":"RS256","kid":"rsa-2"}"#, &[1; 256]),
            "token-unknown-kid",
        ),
        (
            bare(r#"{"alg":"RS256","kid":"rsa-1"}"#, &[1; 256]),
            "token-signature",
        ),
        (bare(r#"{"alg":"RS256"}"#, b""), "token-without-kid"),
        (
            bare(r#"{"alg":"RS256","kid":"a b"}"#, b""),
            "token-without-kid",
        ),
        (
            bare(r#"{"alg":"RS256","kid":"rsa-1","jku":"https://evil"}"#, b""),
            "embedded-key-refused",
        ),
        (
            bare(r#"{"alg":"RS256","kid":"rsa-1","crit":["exp"]}"#, b""),
            "crit-refused",
        ),
        (
            bare(r#"{"alg":"RS256","kid":"rsa-1","alg":"none"}"#, b""),
            "header-duplicate-member",
        ),
        (
            bare(r#"{"alg":"RS256","kid":"rsa-1","typ":"dpop+jwt"}"#, b""),
            "token-wrong-typ",
        ),
        (good.replace('.', ""), "jws-parts"),
        (format!("{good}="), "base64url-not-strict"),
        ("x".repeat(TOKEN_CHARS_MAX + 1), "token-too-large"),
    ] {
        assert_eq!(judge(&token, &keys), reason, "{token}");
    }
    let bent = good.replacen(payload, &b64(claims(r#","x":1"#).as_bytes()), 1);
    assert_eq!(judge(&bent, &keys), "token-signature");
    assert_eq!(judge(&good, &keys), "in");
}

#[test]
fn a_key_set_is_bounded_and_holds_only_what_may_be_used() {
    let issuer = Issuer::new();
    let reason = |json: &str| KeySet::from_json(json.as_bytes()).unwrap_err().reason();
    let rsa = rsa_jwk("a", &issuer.rsa);
    assert_eq!(
        reason(&format!("{{\"keys\":[{rsa},{rsa}]}}")),
        "key-set-duplicate-kid"
    );
    assert_eq!(reason("[]"), "key-set-malformed");
    assert_eq!(
        reason(&" ".repeat(KEY_SET_BYTES_MAX + 1)),
        "key-set-too-large"
    );
    let many = (0..33).map(|index| rsa_jwk(&index.to_string(), &issuer.rsa));
    let many: Vec<String> = many.collect();
    assert_eq!(
        reason(&format!("{{\"keys\":[{}]}}", many.join(","))),
        "key-set-too-large"
    );
    let short = PKey::from_rsa(openssl::rsa::Rsa::generate(1024).unwrap()).unwrap();
    for unusable in [
        rsa_jwk("a", &short),
        rsa.replace("\"sig\"", "\"enc\""),
        rsa.replace("\"kid\":\"a\"", "\"kid\":\"\""),
        rsa.replace("\"kid\":\"a\"", "\"alg\":\"HS256\",\"kid\":\"a\""),
        r#"{"kty":"oct","kid":"a","k":"c2VjcmV0"}"#.to_owned(),
        r#"{"kty":"AKP","kid":"a","pub":"AAAA"}"#.to_owned(),
    ] {
        assert_eq!(
            reason(&format!("{{\"keys\":[{unusable}]}}")),
            "key-set-empty",
            "{unusable}"
        );
        let beside = format!("{{\"keys\":[{unusable},{}]}}", ec_jwk("b", &issuer.ec));
        assert!(KeySet::from_json(beside.as_bytes()).unwrap().knows("b"));
    }
}

#[test]
fn a_token_that_names_no_key_is_by_one_of_the_pinned_or_by_nobody() {
    let (issuer, stranger) = (Issuer::new(), Issuer::new());
    let expected = Expected {
        algorithms: &[Algorithm::Rs256],
        certificate: None,
        ..expected()
    };
    let verify = |token: &str| {
        let unproven = parse_pinned(token)?;
        unproven.verify(&issuer.keys(), &expected).map(drop)
    };
    let rs256 = |kid: &str| format!(r#"{{"alg":"RS256","typ":"JWT"{kid}}}"#);
    assert_eq!(verify(&issuer.sign(&rs256(""), &claims(""))), Ok(()));
    let named = rs256(r#","kid":"rsa-1""#);
    assert_eq!(verify(&issuer.sign(&named, &claims(""))), Ok(()));
    for (token, refused) in [
        (
            stranger.sign(&rs256(""), &claims("")),
            TokenError::Signature,
        ),
        (
            issuer.sign(&rs256(r#","kid":"rsa-2""#), &claims("")),
            TokenError::UnknownKid,
        ),
        (
            issuer.sign(&rs256(r#","kid":"a b""#), &claims("")),
            TokenError::NoKid,
        ),
        // the set's other key holds, and is for another algorithm
        (
            issuer.sign(r#"{"alg":"ES256"}"#, &claims("")),
            TokenError::Algorithm,
        ),
    ] {
        assert_eq!(verify(&token), Err(refused));
    }
    // elsewhere a key is named
    let nameless = issuer.sign(&rs256(""), &claims(""));
    assert_eq!(parse(&nameless).map(drop).unwrap_err(), TokenError::NoKid);
}
