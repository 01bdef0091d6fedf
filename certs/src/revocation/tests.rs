use std::fs;
use std::path::Path;
use std::process::Command;

use jiff::SignedDuration;

use super::*;
use crate::pki::{Authority, IssueParams, Issued, Office, Usage};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

fn now() -> Timestamp {
    Timestamp::from_second(1_790_000_000).unwrap()
}

fn issuer_of(authority: &Authority) -> Arc<Issuer> {
    Arc::new(Issuer::from_pem(authority.issuing_pem().as_bytes()).unwrap())
}

fn watching(issuer: &Arc<Issuer>, has_list: bool, has_responder: bool) -> Revocations {
    Revocations::watching(vec![Source {
        issuer: Arc::clone(issuer),
        has_list,
        has_responder,
    }])
}

fn list(authority: &Authority, revoked: &[&[u8]], made: Timestamp) -> Vec<u8> {
    let pem = authority
        .revocation_list(revoked, made, made + HOUR * 2)
        .unwrap();
    pem.into_bytes()
}

fn issue(authority: &Authority) -> Issued {
    authority
        .issue(&IssueParams::new("x", Usage::Client, now()))
        .unwrap()
}

#[test]
fn a_watched_authority_that_has_said_nothing_lets_nobody_in() {
    let authority = Authority::generate("test", now()).unwrap();
    let other = Authority::generate("other", now()).unwrap();
    let issuer = issuer_of(&authority);
    let known = watching(&issuer, true, false);
    let (one, two, stranger) = (issue(&authority), issue(&authority), issue(&other));
    assert_eq!(known.judge(&one.der, now()), Err(Refused::Unknown));
    assert_eq!(known.judge(&stranger.der, now()), Ok(()));
    let list = CheckedList::read(&list(&authority, &[&two.serial], now()), &issuer, now()).unwrap();
    assert_eq!(known.put_list(&issuer, list), Ok(true));
    assert_eq!(known.judge(&one.der, now()), Ok(()));
    assert_eq!(known.judge(&two.der, now()), Err(Refused::Revoked));
    assert_eq!(
        known.judge(b"no certificate", now()),
        Err(Refused::Unreadable)
    );
    // the last good list holds until its end, then everybody is refused; who is on it stays revoked
    let last = now() + HOUR * 2 - SignedDuration::from_secs(1);
    assert_eq!(known.judge(&one.der, last), Ok(()));
    assert_eq!(
        known.judge(&one.der, now() + HOUR * 2),
        Err(Refused::ListExpired)
    );
    assert_eq!(
        known.judge(&two.der, now() + HOUR * 2),
        Err(Refused::Revoked)
    );
}

#[test]
fn what_is_known_of_an_authority_outlives_a_change_of_who_is_watched() {
    let authority = Authority::generate("test", now()).unwrap();
    let other = Authority::generate("other", now()).unwrap();
    let (issuer, new) = (issuer_of(&authority), issuer_of(&other));
    let known = watching(&issuer, true, false);
    let (one, stranger) = (issue(&authority), issue(&other));
    let text = list(&authority, &[&one.serial], now());
    let read = CheckedList::read(&text, &issuer, now()).unwrap();
    known.put_list(&issuer, read).unwrap();
    let source = |issuer: &Arc<Issuer>| Source {
        issuer: Arc::clone(issuer),
        has_list: true,
        has_responder: false,
    };
    let before = known.generation();
    known.watch(vec![source(&issuer), source(&new)]);
    assert_ne!(known.generation(), before);
    assert_eq!(known.judge(&one.der, now()), Err(Refused::Revoked));
    assert_eq!(known.judge(&stranger.der, now()), Err(Refused::Unknown));
    known.watch(Vec::new());
    assert!(known.watches_nobody());
    assert_eq!(known.judge(&one.der, now()), Ok(()));
    // who comes back begins anew: what was known may be too old
    known.watch(vec![source(&issuer)]);
    assert_eq!(known.judge(&one.der, now()), Err(Refused::Unknown));
}

#[test]
fn a_new_list_is_told_by_the_generation_and_an_old_one_does_not_come_back() {
    let authority = Authority::generate("test", now()).unwrap();
    let issuer = issuer_of(&authority);
    let known = watching(&issuer, true, false);
    let one = issue(&authority);
    let read = |bytes: &[u8]| CheckedList::read(bytes, &issuer, now() + HOUR).unwrap();
    let old = list(&authority, &[], now());
    let new = list(&authority, &[&one.serial], now() + HOUR);
    known.put_list(&issuer, read(&old)).unwrap();
    let before = known.generation();
    assert_eq!(known.put_list(&issuer, read(&old)), Ok(false));
    assert_eq!(known.generation(), before);
    assert_eq!(known.put_list(&issuer, read(&new)), Ok(true));
    assert_ne!(known.generation(), before);
    assert_eq!(known.put_list(&issuer, read(&old)), Err(ListError::Older));
    assert!(known.is_revoked(&one.der, now() + HOUR));
    let kept = known.list(&issuer).unwrap();
    assert_eq!((kept.len(), kept.life_percent(now() + HOUR * 2)), (1, 50));
    assert_eq!(kept.life_percent(now() + HOUR * 4), 150);
}

#[test]
fn every_list_that_is_not_whole_ours_and_current_is_refused_with_its_reason() {
    let authority = Authority::generate("test", now()).unwrap();
    // another authority of the same name: only its key tells it apart
    let twin = Authority::generate("test", now()).unwrap();
    let issuer = issuer_of(&authority);
    let good = list(&authority, &[&[0x51, 2]], now());
    let der = CheckedList::read(&good, &issuer, now())
        .unwrap()
        .der()
        .to_vec();
    let with = |at: usize, byte: u8| {
        let mut changed = der.clone();
        changed[at] ^= byte;
        changed
    };
    for (what, bytes, at, reason) in [
        (
            "too large",
            vec![0x30; CheckedList::BYTES_MAX + 1],
            now(),
            "crl-too-large",
        ),
        ("nothing", Vec::new(), now(), "crl-unreadable"),
        (
            "words",
            b"<html>404</html>".to_vec(),
            now(),
            "crl-unreadable",
        ),
        (
            "a certificate",
            authority.issuing_pem().as_bytes().to_vec(),
            now(),
            "crl-unreadable",
        ),
        (
            "cut",
            der[..der.len() - 1].to_vec(),
            now(),
            "crl-unreadable",
        ),
        (
            "more after it",
            [der.clone(), vec![0]].concat(),
            now(),
            "crl-unreadable",
        ),
        (
            "a twin's",
            list(&twin, &[], now()),
            now(),
            "crl-bad-signature",
        ),
        (
            "another's",
            list(&Authority::generate("b", now()).unwrap(), &[], now()),
            now(),
            "crl-wrong-issuer",
        ),
        (
            "signature changed",
            with(der.len() - 1, 1),
            now(),
            "crl-bad-signature",
        ),
        ("expired", good.clone(), now() + HOUR * 2, "crl-expired"),
        (
            "of tomorrow",
            good.clone(),
            now() - HOUR * 24,
            "crl-not-yet",
        ),
    ] {
        let refused = CheckedList::read(&bytes, &issuer, at).unwrap_err();
        assert_eq!(refused.reason(), reason, "{what}");
    }
    assert!(CheckedList::read_late(&good, &issuer, now() + HOUR * 24).is_ok());
}

/// Any byte of a list: changed, it is another list or none, never one of this authority's.
#[test]
fn no_changed_byte_of_a_list_passes() {
    let authority = Authority::generate("test", now()).unwrap();
    let issuer = issuer_of(&authority);
    let good = list(&authority, &[&[0x51, 2], &[0x52]], now());
    let der = CheckedList::read(&good, &issuer, now())
        .unwrap()
        .der()
        .to_vec();
    for at in 0..der.len() {
        let mut changed = der.clone();
        changed[at] ^= 0x11;
        assert!(
            CheckedList::read(&changed, &issuer, now()).is_err(),
            "byte {at}"
        );
    }
}

#[test]
fn only_an_authority_that_may_sign_lists_is_watched() {
    let authority = Authority::generate("test", now()).unwrap();
    let leaf = issue(&authority).chain_pem;
    for (pem, refused) in [
        ("nothing", BadIssuer::Unreadable),
        (leaf.as_str(), BadIssuer::NoAuthority),
    ] {
        assert_eq!(Issuer::from_pem(pem.as_bytes()).err(), Some(refused));
    }
}

/// The folder of an authority with services, or `None` with a word where openssl is missing. It lives now:
/// the command knows no other time.
fn with_openssl() -> Option<(tempfile::TempDir, Office, Timestamp)> {
    if Command::new("openssl").arg("version").output().is_err() {
        println!("not run: the openssl command is not installed");
        return None;
    }
    #[expect(clippy::disallowed_methods, reason = "openssl judges by the real time")]
    let now = Timestamp::now();
    let folder = tempfile::tempdir().unwrap();
    let office = Office::open_or_create(folder.path(), "test", now).unwrap();
    office.make_services(now).unwrap();
    Some((folder, office, now))
}

fn openssl(folder: &Path, words: &str) -> Vec<u8> {
    let mut command = Command::new("openssl");
    let ran = command
        .args(words.split(' '))
        .current_dir(folder)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "openssl {words}: {said}");
    ran.stdout
}

#[test]
fn lists_of_openssl_ca_are_read_and_a_delta_or_a_sha1_one_is_not() {
    let Some((folder, mut office, now)) = with_openssl() else {
        return;
    };
    let folder = folder.path();
    let issuer = issuer_of(office.authority());
    let params = IssueParams::new("x", Usage::Client, now);
    let (one, two) = (
        office.issue(&params).unwrap(),
        office.issue(&params).unwrap(),
    );
    fs::write(folder.join("two.pem"), &two.chain_pem).unwrap();
    fs::write(
        folder.join("ca.cnf"),
        "[ca]\ndefault_ca=c\n[c]\ndatabase=index.txt\ncertificate=issuing.pem\nprivate_key=issuing.key\n\
         crlnumber=number\ndefault_md=sha256\ndefault_crl_days=1\ncrl_extensions=x\n\
         [x]\nauthorityKeyIdentifier=keyid\n\
         [delta]\ndeltaCRL=critical,ASN1:INTEGER:1\n[partial]\nissuingDistributionPoint=critical,@p\n\
         [p]\nonlyuser=TRUE\n",
    )
    .unwrap();
    fs::write(folder.join("number"), "01\n").unwrap();
    openssl(
        folder,
        "ca -config ca.cnf -revoke two.pem -crl_reason keyCompromise",
    );
    let known = watching(&issuer, true, false);
    let good = openssl(folder, "ca -config ca.cnf -gencrl");
    let list = CheckedList::read(&good, &issuer, now + HOUR / 60).unwrap();
    known.put_list(&issuer, list).unwrap();
    assert_eq!(known.judge(&one.der, now), Ok(()));
    assert_eq!(known.judge(&two.der, now), Err(Refused::Revoked));
    // without a number and extensions openssl makes lists of version 1
    let plain = fs::read_to_string(folder.join("ca.cnf")).unwrap();
    let plain = plain
        .replace("crlnumber=number\n", "")
        .replace("crl_extensions=x\n", "");
    fs::write(folder.join("plain.cnf"), plain).unwrap();
    for (words, reason) in [
        ("ca -config plain.cnf -gencrl", "crl-incomplete"),
        ("ca -config ca.cnf -gencrl -md sha1", "crl-weak-algorithm"),
        ("ca -config ca.cnf -gencrl -crlexts partial", "crl-partial"),
        (
            "ca -config ca.cnf -gencrl -crl_hold holdInstructionNone",
            "",
        ),
    ] {
        let read = CheckedList::read(&openssl(folder, words), &issuer, now + HOUR / 60);
        assert_eq!(read.err().map_or("", ListError::reason), reason, "{words}");
    }
}

/// What `openssl ocsp` answers, as its own responder.
fn respond(folder: &Path, request: &[u8], more: &str) -> Vec<u8> {
    fs::write(folder.join("q"), request).unwrap();
    let words = format!(
        "ocsp -index index.txt -CA issuing.pem -reqin q -respout r -nmin 60 -rmd sha256 {more}"
    );
    openssl(folder, &words);
    fs::read(folder.join("r")).unwrap()
}

const DELEGATED: &str = "-rsigner ocsp.pem -rkey ocsp.key";

#[test]
fn a_real_responder_is_believed_about_what_it_was_asked_and_nothing_else() {
    let Some((folder, mut office, now)) = with_openssl() else {
        return;
    };
    let folder = folder.path();
    let issuer = issuer_of(office.authority());
    let params = IssueParams::new("x", Usage::Client, now);
    let (good, bad) = (
        office.issue(&params).unwrap(),
        office.issue(&params).unwrap(),
    );
    let foreign = office.authority().issue(&params).unwrap();
    office.revoke(&bad.serial, now).unwrap();
    let ask = |leaf: &[u8]| Question::about(leaf, Arc::clone(&issuer)).unwrap();
    for (leaf, state) in [
        (&good, State::Good),
        (&bad, State::Revoked),
        (&foreign, State::Unknown),
    ] {
        let question = ask(&leaf.der);
        let (request, nonce) = question.request().unwrap();
        for signer in [DELEGATED, "-rsigner issuing.pem -rkey issuing.key"] {
            let answer = respond(folder, &request, signer);
            let status = question.check(&answer, Some(&nonce), now).unwrap();
            assert_eq!(status.state, state);
            assert!(status.holds_at(now) && !status.holds_at(now + HOUR * 2));
        }
    }
    let question = ask(&good.der);
    let (request, nonce) = question.request().unwrap();
    let answer = respond(folder, &request, DELEGATED);
    let refused =
        |answer: &[u8], nonce, at| question.check(answer, nonce, at).unwrap_err().reason();
    assert_eq!(refused(&answer, Some(&[7; 32]), now), "ocsp-nonce");
    assert_eq!(refused(&answer, Some(&nonce), now + HOUR * 2), "ocsp-stale");
    assert_eq!(refused(&answer, Some(&nonce), now - HOUR / 6), "ocsp-stale");
    assert_eq!(refused(b"<html>", Some(&nonce), now), "ocsp-unreadable");
    assert_eq!(
        refused(&[0x30, 3, 0x0a, 1, 6], Some(&nonce), now),
        "ocsp-declined"
    );
    let elsewhere = ask(&bad.der).check(&answer, Some(&nonce), now).unwrap_err();
    assert_eq!(elsewhere.reason(), "ocsp-other-certificate");
    // a client's certificate of the same authority is no responder's
    fs::write(folder.join("x.pem"), &good.chain_pem).unwrap();
    fs::write(folder.join("x.key"), &good.key_pem).unwrap();
    let forged = respond(folder, &request, "-rsigner x.pem -rkey x.key");
    assert_eq!(refused(&forged, Some(&nonce), now), "ocsp-bad-signature");
    let mut changed = answer.clone();
    let middle = changed.len() / 3;
    for at in [middle, changed.len() - 5] {
        changed[at] ^= 1;
        assert!(question.check(&changed, None, now).is_err());
        changed[at] ^= 1;
    }
    // without a nonce: only where the caller takes that
    let bare = respond(folder, &request, &format!("{DELEGATED} -no_nonce"));
    assert!(question.check(&bare, None, now).is_ok());
}

#[test]
fn who_was_not_asked_about_is_asked_once_and_then_known() {
    let Some((folder, mut office, now)) = with_openssl() else {
        return;
    };
    let issuer = issuer_of(office.authority());
    let known = watching(&issuer, false, true);
    let one = office
        .issue(&IssueParams::new("x", Usage::Client, now))
        .unwrap();
    assert_eq!(known.judge(&one.der, now), Err(Refused::Unasked));
    let question = known.question(&one.der, now).unwrap();
    let hear = |at| {
        let (request, nonce) = question.request().unwrap();
        let answer = respond(folder.path(), &request, DELEGATED);
        let status = question.check(&answer, Some(&nonce), at).unwrap();
        known.put_status(&question, status, at);
    };
    hear(now);
    assert_eq!(known.judge(&one.der, now), Ok(()));
    assert!(known.question(&one.der, now).is_none());
    assert_eq!(known.asked(&issuer).len(), 1);
    assert_eq!(known.judge(&one.der, now + HOUR * 2), Err(Refused::Unknown));
    let before = known.generation();
    office.revoke(&one.serial, now).unwrap();
    hear(now);
    assert_eq!(known.judge(&one.der, now), Err(Refused::Revoked));
    assert_ne!(known.generation(), before);
}
