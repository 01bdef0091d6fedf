//! What must hold between the keys of `gateway.toml`, and what production never allows.

use std::collections::BTreeSet;

use gateway_core::partner::Environment;

use schemas::codes::province_set::ProvinceSet;

use super::{Config, InsuranceMode, Problem, keys};

/// Every broken rule.
pub(super) fn check(config: &Config) -> Vec<Problem> {
    let mut problems = Vec::new();
    admin(config, &mut problems);
    operators(config, &mut problems);
    super::officers::check(config, &mut problems);
    insurance(config, &mut problems);
    schedules(config, &mut problems);
    tolerances(config, &mut problems);
    bodies(config, &mut problems);
    lease(config, &mut problems);
    let store = super::store_engine(config).err();
    problems.extend(store.map(|(key, what, cure)| config.place().error(key, what, cure)));
    let tally = super::shared_tally(config).err();
    problems.extend(tally.map(|(key, what, cure)| config.place().error(key, what, cure)));
    let evidence = [
        super::stampers(config).err(),
        super::tsa_authorities(config).err(),
        super::retention(config).err(),
    ];
    let evidence = evidence.into_iter().flatten();
    problems.extend(evidence.map(|(key, what, cure)| config.place().error(key, what, cure)));
    let points = super::revocation_points(config).err();
    problems.extend(points.map(|(key, what, cure)| config.place().error(&key, what, cure)));
    problems.extend(super::population::check(config));
    keys::check_own(config, &mut problems);
    if config.environment == Environment::Production {
        production(config, &mut problems);
    }
    problems
}

fn admin(config: &Config, problems: &mut Vec<Problem>) {
    let place = config.place();
    let open = config.admin.tls.is_none() && !config.danger.admin_beyond_loopback;
    if !config.admin.address.is_loopback() && open {
        problems.push(place.error(
            "admin.address",
            "the admin listener has no TLS and would be open to others",
            "use 127.0.0.1 or ::1, or add [admin.tls]; for probes and metrics from elsewhere add [health]",
        ));
    }
    let ports = [
        Some(("admin.port", config.admin.socket())),
        config
            .health
            .as_ref()
            .map(|health| ("health.port", health.socket())),
    ];
    for (path, socket) in ports.into_iter().flatten() {
        if socket.port() != 0 && socket == config.listen.socket() {
            problems.push(place.error(
                path,
                format!("{socket} is the partners' listener"),
                "give each listener its own port",
            ));
        }
    }
}

/// Names and certificates are each one operator's; somebody must be there.
fn operators(config: &Config, problems: &mut Vec<Problem>) {
    let place = config.place();
    let mut note =
        |path: &str, what: &str, cure: &str| problems.push(place.error(path, what, cure));
    match (&config.admin.tls, config.operators.is_empty()) {
        (Some(_), true) => note(
            "admin.tls",
            "nobody could connect: there are no operators",
            "add [[operators]] with name, peer and role",
        ),
        (None, false) => note(
            "operators",
            "without TLS nobody shows who they are",
            "add [admin.tls]",
        ),
        _ => {}
    }
    let (mut names, mut peers) = (BTreeSet::new(), BTreeSet::new());
    for (index, operator) in config.operators.iter().enumerate() {
        let at = |key: &str| format!("operators.{index}.{key}");
        if operator.name.len() > NAME_BYTES_MAX || !names.insert(&operator.name) {
            let cure = "give each operator a name of its own of at most 200 bytes";
            note(&at("name"), "this name stands twice or is too long", cure);
        }
        if crate::admin::operators::peer(&operator.peer).is_none() {
            let cure = "write a URI such as \"urn:lienthong:sandbox:operator:an\", or \"spki:\" and 64 hex digits";
            note(&at("peer"), "this names no certificate", cure);
        }
        if !peers.insert(&operator.peer) {
            let cure = "each operator has a certificate of its own";
            note(&at("peer"), "two operators would share a certificate", cure);
        }
    }
}

/// A schedule's name is its own, since what it begins is named by it; provinces are ones, and once.
fn schedules(config: &Config, problems: &mut Vec<Problem>) {
    let place = config.place();
    let mut names = BTreeSet::new();
    for (index, line) in config.schedules.iter().enumerate() {
        let at = |key: &str| format!("schedules.{index}.{key}");
        if !names.insert(&line.name) {
            let cure = "give each schedule a name of its own";
            problems.push(place.error(&at("name"), "this name stands twice", cure));
        }
        if ProvinceSet::parse(&line.provinces).is_none() {
            let cure = "write two digits each, such as \"01\"";
            problems.push(place.error(&at("provinces"), "these are no provinces", cure));
        }
        if line.kind().is_some() && config.bulk.is_none() {
            let cure = "add [bulk]";
            let what = "a month could neither be taken nor sent";
            problems.push(place.error(&at("what"), what, cure));
        }
    }
}

/// A row is for whole months, and of one month there is one.
fn tolerances(config: &Config, problems: &mut Vec<Problem>) {
    let rows = config.bulk.iter().flat_map(|bulk| &bulk.tolerances);
    let mut days = BTreeSet::new();
    for (index, row) in rows.enumerate() {
        let wrong = match row.valid_from {
            day if day.day() != 1 => Some((
                "a month would have two tolerances",
                "begin with the first day of a month",
            )),
            day if !days.insert(day) => Some((
                "two rows begin on this day",
                "give each row a month of its own",
            )),
            _ => None,
        };
        let key = format!("bulk.tolerances.{index}.valid_from");
        problems.extend(wrong.map(|(what, cure)| config.place().error(&key, what, cure)));
    }
}

fn bodies(config: &Config, problems: &mut Vec<Problem>) {
    let limits = &config.limits;
    if limits.body_bytes_in_flight_max < limits.body_bytes_max {
        problems.push(config.place().error(
            "limits.body_bytes_in_flight_max",
            "`limits.body_bytes_in_flight_max` is less than one body may have",
            "raise it, or lower body_bytes_max",
        ));
    }
}

fn insurance(config: &Config, problems: &mut Vec<Problem>) {
    let place = config.place();
    let insurance = &config.insurance;
    match insurance.mode {
        InsuranceMode::Embedded if insurance.path.is_none() => problems.push(place.error(
            "insurance.path",
            "`insurance.path` is missing, and the mode is embedded",
            "add `path = \"registry.sqlite\"`, or set mode = \"postgres\" or \"remote\"",
        )),
        InsuranceMode::Remote => remote(config, problems),
        InsuranceMode::Postgres => {
            let wrong = super::registry_address(insurance).err();
            problems.extend(wrong.map(|(key, what, cure)| place.error(key, what, cure)));
        }
        InsuranceMode::Embedded => {}
    }
    if schemas::id::OrganId::parse(&insurance.organ_id).is_err() {
        problems.push(place.error(
            "insurance.organ_id",
            "`insurance.organ_id` is not an organisation code",
            "use groups of at most three characters such as \"G99.00.01\"",
        ));
    }
}

/// Whoever takes a message over must find nobody who still acts upon it.
fn lease(config: &Config, problems: &mut Vec<Problem>) {
    let (lease, deadline) = (
        config.store.lease_seconds.saturating_mul(1_000),
        config.limits.deadline_ms,
    );
    if lease <= deadline {
        problems.push(config.place().error(
            "store.lease_seconds",
            format!("a claim is held for {lease} ms, and its message may take {deadline} ms"),
            "make `store.lease_seconds` longer than `limits.deadline_ms`",
        ));
    }
}

fn remote(config: &Config, problems: &mut Vec<Problem>) {
    let place = config.place();
    let insurance = &config.insurance;
    if !insurance
        .uri
        .as_ref()
        .is_some_and(|uri| uri.starts_with("https://"))
    {
        problems.push(place.error(
            "insurance.uri",
            "`insurance.uri` must be there and begin with https://, as the mode is remote",
            "add `uri = \"https://host:port\"`",
        ));
    }
    if insurance.anchors.is_none() {
        problems.push(place.error(
            "insurance.anchors",
            "`insurance.anchors` is missing, and the mode is remote",
            "name the PEM file of the authority that issued the server's certificate",
        ));
    }
}

fn production(config: &Config, problems: &mut Vec<Problem>) {
    let place = config.place();
    if config.admin.tls.is_none() {
        problems.push(place.error(
            "admin.tls",
            "production knows its operators by their certificates",
            "add [admin.tls] and [[operators]]",
        ));
    }
    if config.danger.admin_beyond_loopback {
        problems.push(place.error(
            "danger.admin_beyond_loopback",
            "production refuses every danger option",
            "remove it",
        ));
    }
    if config.danger.store_without_tls {
        problems.push(place.error(
            "danger.store_without_tls",
            "production refuses every danger option",
            "remove it, and name the server's authority as `store.anchors`",
        ));
    }
    if !config.danger.sha1_signatures_of.is_empty() {
        problems.push(place.error(
            "danger.sha1_signatures_of",
            "production refuses every danger option",
            "remove it, and have those partners sign with SHA-2",
        ));
    }
    if !config.danger.md5_tokens_of.is_empty() {
        problems.push(place.error(
            "danger.md5_tokens_of",
            "production refuses every danger option",
            "remove it, and have those facilities sign their notices",
        ));
    }
    if config.insurance.mode == InsuranceMode::Postgres
        && super::registry_address(&config.insurance).is_ok_and(|address| address.is_exposed())
    {
        problems.push(place.error(
            "insurance.url",
            "the registry would be asked in clear over a network",
            "name the server's authority as `insurance.anchors`, or use a Unix socket",
        ));
    }
    if config.insurance.mode != InsuranceMode::Remote && config.insurance.marks.is_none() {
        let unmarked = place.error(
            "insurance.mode",
            "a registry restored from a backup could give a number a second time",
            "name a file outside every backup as `insurance.marks`",
        );
        problems.push(unmarked.warning());
    }
    if config.insurance.people > 0 {
        problems.push(place.error(
            "insurance.people",
            "production refuses synthetic people",
            "set people = 0 or remove the key",
        ));
    }
    if config.insurance.step_millis > 0 {
        problems.push(place.error(
            "insurance.step_millis",
            "production refuses the simulated office",
            "set step_millis = 0 or remove the key",
        ));
    }
    keys::refuse_development(config, problems);
}

/// An operator's name stands in acts.
const NAME_BYTES_MAX: usize = 200;
