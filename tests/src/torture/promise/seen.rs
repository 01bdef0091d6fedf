//! What several promises measure in the same way.

use std::{
    fs,
    time::{Duration, Instant},
};

use certs::{
    keys::{Algorithm, SigningKey},
    pki::{self, Authority, IssueParams, Usage},
};
use jiff::Timestamp;

use crate::torture::{
    process::Process,
    report::{Line, Verdict},
    site::Site,
};

use super::Plan;

/// Notes a time that is beyond its bound.
pub(super) fn limit(late: &mut Vec<String>, what: &str, took: Duration, bound: Duration) {
    if took > bound {
        late.push(format!(
            "{what}: {} ms, allowed {} ms",
            took.as_millis(),
            bound.as_millis()
        ));
    }
}

/// What a gateway held before the trouble.
#[derive(Debug, Clone, Copy)]
pub(super) struct Before {
    pub(super) resident_kb: u64,
    pub(super) fds: usize,
    pub(super) cpu: Duration,
}

impl Before {
    pub(super) fn of(process: &Process) -> Self {
        Self {
            resident_kb: process.resident_kb(),
            fds: process.fds(),
            cpu: process.cpu(),
        }
    }

    /// How much more memory it holds now, KiB.
    pub(super) fn grown_kb(&self, process: &Process) -> u64 {
        process.resident_kb().saturating_sub(self.resident_kb)
    }

    /// Processor time since.
    pub(super) fn spent(&self, process: &Process) -> Duration {
        process.cpu().saturating_sub(self.cpu)
    }

    /// Waits until the descriptors are back, but not longer than this; how many are too many.
    pub(super) async fn settle(&self, process: &Process, spare: usize, within: Duration) -> usize {
        let begun = Instant::now();
        loop {
            let more = process.fds().saturating_sub(self.fds + spare);
            if more == 0 || begun.elapsed() > within {
                return more;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// The line of a promise that has no ledger to compare.
pub(super) fn line(
    plan: &Plan,
    id: &'static str,
    name: &str,
    figures: Vec<String>,
    limit: &str,
    wrong: Vec<String>,
) -> Line {
    Line {
        id,
        name: name.to_owned(),
        figures,
        limit: limit.to_owned(),
        verdict: match wrong.is_empty() {
            true => Verdict::Pass,
            false => Verdict::Fail(wrong),
        },
        seed: plan.seed,
        seconds: plan.began.elapsed().as_secs_f64(),
    }
}

/// The key that an agency signs with.
pub(super) fn key_of(site: &Site, agency: &str) -> SigningKey {
    let pem = fs::read(site.layout.agency(agency).join("sign.key")).unwrap();
    SigningKey::from_pem(&pem, Some(Algorithm::Es256)).unwrap()
}

/// A partner like this agency, under another name, with a certificate of its own, the agency's pen and
/// this quota.
pub(super) fn register(site: &Site, like: &str, name: &str, quota: &str) {
    let now = Timestamp::now();
    let authority = Authority::open_or_create(&site.layout.pki(), "sandbox", now).unwrap();
    let folder = site.layout.agency(name);
    fs::create_dir_all(&folder).unwrap();
    let anchors = site.layout.agency(like).join("ca.pem");
    fs::copy(anchors, folder.join("ca.pem")).unwrap();
    let tls = IssueParams {
        san_uri: Some(format!("urn:lienthong:sandbox:partner:{name}")),
        ..IssueParams::new(name, Usage::Client, now)
    };
    let (cert, key) = (folder.join("tls.pem"), folder.join("tls.key"));
    pki::read_or_issue(&authority, &cert, &key, &tls).unwrap();
    let file = fs::read_to_string(site.layout.gateway(&format!("partners/{like}.toml"))).unwrap();
    let usual = "[quota]\nper_minute = 6000000\nburst = 100000";
    let mine = format!("[quota]\n{quota}");
    let agreement = format!("number = \"SANDBOX-{}", name.to_uppercase());
    let mut text = file;
    for (from, to) in [
        (format!("id = \"{like}\""), format!("id = \"{name}\"")),
        (format!("partner:{like}\""), format!("partner:{name}\"")),
        ("number = \"SANDBOX".to_owned(), agreement),
        (usual.to_owned(), mine),
    ] {
        assert!(text.contains(&from), "{like} has no {from:?}");
        text = text.replacen(&from, &to, 1);
    }
    fs::write(site.layout.gateway(&format!("partners/{name}.toml")), text).unwrap();
}
