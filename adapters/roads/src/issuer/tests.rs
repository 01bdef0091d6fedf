//! An issuer's keys, fetched seldom and kept while it is silent.

use super::*;
use crate::testserver::{Server, json, serve};

const EC: &str = r#""kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0""#;

fn set(kid: &str) -> String {
    format!(r#"{{"keys":[{{{EC},"kid":"{kid}"}}]}}"#)
}

fn issuer() -> Issuer {
    Issuer {
        address: (String::new(), PathBuf::new(), true),
        kept: Mutex::default(),
        flight: tokio::sync::Mutex::default(),
    }
}

/// The issuer's memory with this set in it, fetched so long ago.
fn keeping(kid: &str, ago: Duration) -> Kept {
    let at = Instant::now() - ago;
    Kept {
        keys: Some((
            Arc::new(KeySet::from_json(set(kid).as_bytes()).unwrap()),
            at,
        )),
        tried: Some(at),
    }
}

#[test]
fn a_kept_set_is_good_while_it_is_fresh_and_knows_the_key() {
    let seconds = Duration::from_secs;
    let patience = Patience {
        fresh: seconds(20),
        between: seconds(10),
        last: seconds(40),
    };
    let fresh = keeping("a", seconds(12));
    assert!(fresh.good_for("a", patience).is_some());
    assert!(fresh.good_for("b", patience).is_none());
    assert!(fresh.may_try(patience));
    assert!(!keeping("a", seconds(0)).may_try(patience));
    let stale = keeping("a", seconds(21));
    assert!(stale.good_for("a", patience).is_none());
    assert!(stale.usable(patience).is_ok());
    assert!(keeping("a", seconds(41)).usable(patience).is_err());
    assert!(Kept::default().usable(patience).is_err());
}

#[tokio::test]
async fn an_unknown_key_makes_us_ask_once_and_a_silent_issuer_keeps_its_last_set() {
    let server: Server = serve(|number, _| async move {
        match number {
            0 => json(200, &set("a")),
            1 => json(200, &set("b")),
            _ => json(503, "{}"),
        }
    })
    .await;
    let fetch = |issuer: &Issuer| {
        let location = Location::parse(
            &format!("https://{}/jwks", server.endpoint.authority()),
            Reach::Private,
        );
        let tls = Some(server.tls.clone());
        let fetcher = Fetcher::new(location.unwrap(), tls, FetchLimits::default()).unwrap();
        issuer.kept().tried = Some(Instant::now());
        async move { read(fetcher.get(HeaderMap::new()).await) }
    };
    let issuer = issuer();
    for kid in ["a", "b"] {
        let keys = fetch(&issuer).await.unwrap();
        issuer.kept().keys = Some((Arc::new(keys), Instant::now()));
        assert!(issuer.kept().good_for(kid, Patience::default()).is_some());
    }
    assert_eq!(fetch(&issuer).await.unwrap_err(), "issuer-status");
    assert!(
        issuer
            .kept()
            .usable(Patience::default())
            .unwrap()
            .knows("b")
    );
}
