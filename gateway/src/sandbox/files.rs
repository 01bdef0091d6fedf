//! The sandbox's config files, written anew at each start, since ports may differ.

use std::collections::BTreeSet;

use certs::pki;
use conformance::{
    crvs,
    security_server::{PORTAL, US},
};
use schemas::procedure::Catalog;

use super::layout::{
    CRVS, HOSPITAL, Layout, LayoutError, PAYMENT_PLATFORM, POPULATION, RELAY, SECURITY_SERVER,
};

/// What differs from one start to the next.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Port of the gateway; 0 for any.
    pub port: u16,
    /// Port of the admin listener; 0 for any.
    pub admin_port: u16,
    /// Synthetic people in a new registry.
    pub people: u32,
    /// The seed they grow from.
    pub seed: u64,
    /// Where the simulated portal listens, `https://localhost:port`.
    pub portal: String,
    /// Where the simulated tax department is asked, `https://localhost:port/path`; it is not where absent.
    pub department: Option<String>,
    /// The algorithm of all signing keys: `ES256` or `RS256`.
    pub algorithm: &'static str,
    /// Milliseconds between two steps of a dossier.
    pub step_millis: u64,
    /// The time-stamping authority of this machine, an URL; none leaves the journal without time-stamps.
    pub time_stamps: Option<String>,
}

/// The login that the simulated portal expects of the gateway; made up.
pub const PORTAL_LOGIN: (&str, &str) = ("vss-sandbox", "made-up-for-the-sandbox");

impl Layout {
    /// Writes `gateway.toml` and `partners/*.toml`.
    ///
    /// # Errors
    /// Where a file cannot be written.
    pub fn write_config(&self, settings: &Settings) -> Result<(), LayoutError> {
        let file = |name: &str| self.gateway(name);
        pki::write_public(&self.config(), &gateway(settings))?;
        pki::write_private(&file("portal.password"), PORTAL_LOGIN.1)?;
        let partners = [
            ("tax", tax_file(settings)),
            ("dvclt", dvclt(settings)),
            ("portal", portal_file(settings)),
            (HOSPITAL, hospital_file(settings)),
            (CRVS, crvs_file(settings)),
            (RELAY, relay()),
            (SECURITY_SERVER, security_server()),
        ];
        for (name, text) in partners {
            pki::write_public(&file(&format!("partners/{name}.toml")), &text)?;
        }
        Ok(())
    }

    /// Writes each agency's `identity.toml`, now that the gateway's address is known.
    ///
    /// # Errors
    /// Where a file cannot be written.
    pub fn write_identities(&self, gateway: &str) -> Result<(), LayoutError> {
        for partner in super::layout::AGENCIES.into_iter().chain([
            RELAY,
            SECURITY_SERVER,
            PAYMENT_PLATFORM,
            POPULATION,
        ]) {
            let text = identity(partner, gateway);
            pki::write_public(&self.agency(partner).join("identity.toml"), &text)?;
        }
        Ok(())
    }
}

fn gateway(settings: &Settings) -> String {
    let Settings {
        port,
        admin_port,
        people,
        seed,
        step_millis,
        algorithm,
        ..
    } = settings;
    let journal = journal(settings.time_stamps.as_deref());
    format!(
        r#"# Written by `lienthong sandbox`. Synthetic people, made-up keys.
environment = "sandbox"
us = "vss"
partners = "partners"

[listen]
port = {port}

[admin]
port = {admin_port}

[tls]
cert = "tls.pem"
key = "tls.key"
anchors = ["ca.pem"]

[sign]
key = "sign.key"
cert = "sign.pem"
kid = "vss-1"
algorithm = "{algorithm}"

[store]
path = "store.sqlite"
seal_key = "seal.key"
{journal}
[bulk]
path = "bulk"

[papers]
path = "papers"

[insurance]
mode = "embedded"
path = "registry.sqlite"
people = {people}
seed = {seed}
step_millis = {step_millis}

[limits]

[delivery]
poll_ms = 100

[log]

[danger]
"#
    )
}

/// Checkpoints come quickly here, so that whoever tries the sandbox sees them stamped.
fn journal(time_stamps: Option<&str>) -> String {
    time_stamps.map_or_else(String::new, |url| {
        format!(
            r#"
[journal]
checkpoint_seconds = 2
tsa = ["{url}"]
tsa_private = true
tsa_anchors = "ca.pem"
"#
        )
    })
}

fn head(id: &str, name: &str) -> String {
    format!(
        r#"# Written by `lienthong sandbox`.
id = "{id}"
name = "{name}"
environment = "sandbox"
peers = ["urn:lienthong:sandbox:partner:{id}"]

[quota]
per_minute = 6000000
burst = 100000
"#
    )
}

fn key(id: &str, algorithm: &str) -> String {
    format!(
        r#"
[[keys]]
kid = "{id}-1"
algorithm = "{algorithm}"
cert = "../../agencies/{id}/sign.pem"
"#
    )
}

fn agreement(number: &str, basis: &str, purposes: &str, roads: &str) -> String {
    format!(
        r#"
[[agreements]]
number = "{number}"
legal_basis = "{basis}"
purposes = [{purposes}]
roads = [{roads}]
valid_from = 2026-01-01
"#
    )
}

fn tax_file(settings: &Settings) -> String {
    let basis = "Law on Tax Administration 38/2019; coordination regulation 5423/QCPH-BHXH-TCT";
    [
        head("tax", "Simulated tax department"),
        key("tax", settings.algorithm),
        agreement(
            "SANDBOX-TAX-01",
            basis,
            r#""tax-compliance""#,
            r#""direct", "ngsp""#,
        ),
        r#"
[agreements.operations."tax.verify-employer"]
fields = ["participationState", "participants", "fund", "due", "paid", "arrears", "registeredFrom", "units", "ageing", "lastD02"]
per_minute = 6000000
burst = 100000

[agreements.operations."tax.verify-individual"]
fields = ["name", "birthDate", "employers", "months", "base"]
per_minute = 6000000
burst = 100000

[agreements.operations."tax.verify-many"]
fields = ["participationState", "participants", "arrears", "months", "base"]
per_minute = 6000
burst = 1000
lines = 500

[agreements.operations."tax.change-notice"]
per_minute = 6000
burst = 1000

[agreements.operations."tax.dispute"]
per_minute = 6000
burst = 1000

[agreements.operations."tax.reconcile"]
per_minute = 600
burst = 100
lines = 25000000

[agreements.operations."tax.reconcile-chunk"]
per_minute = 60000
burst = 2000

[agreements.operations."tax.reconcile-result"]
fields = ["mst", "unit", "person", "province", "status", "name", "count", "amount", "due", "paid", "full"]
per_minute = 60000
burst = 2000

[agreements.operations."tax.ping"]
per_minute = 600
burst = 60
"#
        .to_owned(),
        settings.department.as_deref().map_or_else(String::new, asked_file),
    ]
    .concat()
}

/// What we may ask the department, and where.
fn asked_file(uri: &str) -> String {
    format!(
        r#"
[agreements.operations."taxpayer.verify-employer"]
fields = ["status", "name", "address", "headcount", "incomePaid"]

[agreements.operations."taxpayer.verify-individual"]
fields = ["name", "months", "income", "payers"]

[agreements.operations."taxpayer.verify-many"]
fields = ["status", "name", "address", "headcount", "incomePaid", "months", "income"]

[delivery]
words = "taxpayer"
uri = "{uri}"
private = true
anchors = "../ca.pem"
"#
    )
}

fn dvclt(settings: &Settings) -> String {
    let basis = "Decree 63/2024; Law on Health Insurance art. 16";
    [
        head("dvclt", "Simulated inter-linked public service software"),
        key("dvclt", settings.algorithm),
        format!("\n[[relays]]\nroad = \"ngsp\"\nrelay = \"{RELAY}\"\n"),
        agreement(
            "SANDBOX-CIVIL-01",
            basis,
            &format!(
                "\"{}\", \"{}\", \"{}\"",
                civil::PURPOSE,
                civil::DEATH_PURPOSE,
                civil::FACTS_PURPOSE
            ),
            r#""direct", "ngsp""#,
        ),
        r#"
[agreements.operations."civil.birth"]
[agreements.operations."civil.death"]
[agreements.operations."civil.correction"]

[agreements.operations."civil.birth-facts"]
fields = ["sex", "birthDate", "children", "issuedOn"]

[agreements.operations."civil.result"]
"#
        .to_owned(),
    ]
    .concat()
}

fn hospital_file(settings: &Settings) -> String {
    let basis = "Circular 25/2025/TT-BYT; Law on Health Insurance art. 16";
    [
        head(HOSPITAL, "Simulated hospital"),
        key(HOSPITAL, settings.algorithm),
        format!("\n[[relays]]\nroad = \"ngsp\"\nrelay = \"{RELAY}\"\n"),
        agreement(
            "SANDBOX-HOSPITAL-01",
            basis,
            &format!("\"{}\", \"{}\"", hospital::PURPOSE, hospital::DEATH_PURPOSE),
            r#""direct", "ngsp""#,
        ),
        r#"
[agreements.operations."hospital.birth-notice"]
fields = ["siNumber", "card"]

[agreements.operations."hospital.death-notice"]

[agreements.operations."hospital.packet"]
fields = ["siNumber", "card"]
"#
        .to_owned(),
    ]
    .concat()
}

fn crvs_file(settings: &Settings) -> String {
    let basis = "Decree 194/2025; Law on Health Insurance art. 16";
    let (theirs, ours) = (crvs::SENDER_ID, crvs::RECEIVER_ID);
    [
        head(CRVS, "Simulated civil registry (DCI)"),
        key(CRVS, settings.algorithm),
        format!("\n[[relays]]\nroad = \"ngsp\"\nrelay = \"{RELAY}\"\n"),
        format!(
            r#"
[dci]
sender_id = "{theirs}"
receiver_id = "{ours}"
signature = "jws-compact"
"#
        ),
        agreement(
            "SANDBOX-DCI-01",
            basis,
            &format!("\"{}\", \"{}\"", dci::PURPOSE, dci::DEATH_PURPOSE),
            r#""direct", "ngsp""#,
        ),
        r#"
[agreements.operations."dci.notify"]

[agreements.operations."dci.search"]
fields = ["name", "sex", "birthDate", "deathDate", "registration"]

[agreements.operations."dci.search-async"]
fields = ["name", "sex", "birthDate", "deathDate", "registration"]

[agreements.operations."dci.subscribe"]
fields = ["name", "sex", "birthDate", "deathDate", "registration"]

[agreements.operations."dci.unsubscribe"]

[agreements.operations."dci.follow"]

[agreements.operations."dci.pull"]

[agreements.operations."dci.txn-status"]

[agreements.operations."dci.txn-status-async"]
"#
        .to_owned(),
    ]
    .concat()
}

/// Those of all procedures, each once.
fn portal_purposes() -> String {
    let rows = Catalog::embedded().rows().map(|row| row.purpose);
    let purposes: BTreeSet<&str> = rows
        .chain([portal::PURPOSE, portal::PAPERS_PURPOSE])
        .collect();
    let quoted: Vec<String> = purposes.iter().map(|word| format!("\"{word}\"")).collect();
    quoted.join(", ")
}

fn portal_file(settings: &Settings) -> String {
    let basis = "Decree 61/2018; QĐ 411/QĐ-TTg";
    let (username, _) = PORTAL_LOGIN;
    let uri = &settings.portal;
    // through X-Road as SOAP, which bears no signature of the portal's
    let asked = [
        &agreement(
            "SANDBOX-PORTAL-02",
            basis,
            &format!("\"{}\"", portal::PURPOSE),
            r#""xroad""#,
        ),
        "attested = true\n\n[agreements.operations.\"portal.dossier-status\"]\n",
    ]
    .concat();
    [
        head("portal", "Simulated National Public Service Portal"),
        key("portal", settings.algorithm),
        format!(
            "\n[[relays]]\nroad = \"xroad\"\nrelay = \"{SECURITY_SERVER}\"\nclient = \"{PORTAL}\"\n"
        ),
        agreement(
            "SANDBOX-PORTAL-01",
            basis,
            &portal_purposes(),
            r#""direct", "vdxp", "xroad""#,
        ),
        format!(
            r#"
[agreements.operations."portal.submit-dossier"]
[agreements.operations."portal.supplement-dossier"]
[agreements.operations."portal.withdraw-dossier"]
[agreements.operations."portal.announce-files"]
[agreements.operations."portal.upload-file"]
[agreements.operations."portal.sync-dossier"]
[agreements.operations."portal.update-progress"]
[agreements.operations."portal.look-up-dossiers"]
[agreements.operations."portal.citizen-notice"]
fields = ["pin", "name", "birthDate", "sex", "parents", "cardEnd"]
{asked}
[delivery]
uri = "{uri}"
private = true
anchors = "../ca.pem"
username = "{username}"
password_file = "../portal.password"
"#
        ),
    ]
    .concat()
}

fn security_server() -> String {
    let mut text = head(SECURITY_SERVER, "Simulated X-Road security server");
    text += &format!("\n[xroad]\nname = \"{US}\"\nerrors = \"new\"\n");
    text
}

fn relay() -> String {
    head(RELAY, "Simulated national integration platform (relay)")
}

fn identity(partner: &str, gateway: &str) -> String {
    let mut text = format!(
        r#"# Written by `lienthong sandbox`.
partner = "{partner}"
environment = "sandbox"
receiver = "vss"
gateway = "{gateway}"
kid = "{partner}-1"
gateway_kid = "vss-1"
ca = "ca.pem"
tls_cert = "tls.pem"
tls_key = "tls.key"
sign_cert = "sign.pem"
sign_key = "sign.key"
gateway_sign_cert = "gateway-sign.pem"
"#
    );
    if partner == "portal" {
        let (username, password) = PORTAL_LOGIN;
        text += &format!("\n[login]\nusername = \"{username}\"\npassword = \"{password}\"\n");
    }
    text
}
