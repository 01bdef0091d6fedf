//! Where replicas count their limits together: TLS, a Unix socket or this machine, the password by reference.

use std::{path::Path, time::Duration};

use certs::tls::Connector;
use gateway_core::partner::Environment;
use http::Uri;

use super::{
    Config, Secret, SharedLimits,
    registry::{Wrong, connector},
    secret,
};
use crate::tally::{Door, LineParams, TallyParams};

/// The count that `[limits.shared]` names, if it is there.
///
/// # Errors
/// What is wrong, at which key, and what to do.
pub(crate) fn tally(config: &Config) -> Result<Option<TallyParams>, Wrong> {
    let Some(shared) = &config.limits.shared else {
        return Ok(None);
    };
    let (door, user) = door(shared)?;
    let password = password(shared)?;
    if config.environment == Environment::Production {
        safe_enough(&door, password.as_ref())?;
    }
    if !shared.prefix.bytes().all(|byte| byte.is_ascii_graphic()) {
        let what = "`limits.shared.prefix` has a space or a letter beyond ASCII".to_owned();
        return Err(("limits.shared.prefix", what, "use letters, digits, - and :"));
    }
    Ok(Some(TallyParams {
        line: LineParams {
            door,
            user,
            password,
        },
        prefix: format!("{}:{}", shared.prefix, config.environment.as_str()),
        timeout: Duration::from_millis(shared.timeout_ms),
    }))
}

/// The server in a few words, without a secret.
pub(crate) fn shown(shared: Option<&SharedLimits>) -> String {
    match shared.map(door) {
        None => "each replica for itself".to_owned(),
        Some(Err((_, what, _))) => what,
        Some(Ok((Door::Unix(path), _))) => format!("together, redis at {}", path.display()),
        Some(Ok((Door::Clear(host, port), _))) => format!("together, redis at {host}:{port}"),
        Some(Ok((Door::Secured(host, port, _), _))) => {
            format!("together, redis at {host}:{port} (TLS)")
        }
    }
}

fn door(shared: &SharedLimits) -> Result<(Door, Option<String>), Wrong> {
    if let Some(path) = shared.redis.strip_prefix("unix://") {
        return match Path::new(path).is_absolute() {
            true => Ok((Door::Unix(path.into()), shared.user.clone())),
            false => Err(unclear("the socket's path is not absolute")),
        };
    }
    let uri: Uri = shared.redis.parse().map_err(|_| unclear("not a url"))?;
    let authority = uri.authority().ok_or_else(|| unclear("no host"))?;
    if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
        return Err(unclear("something stands behind the port"));
    }
    if shared.user.is_some() {
        return Err(unclear("the user stands beside the url"));
    }
    let host = authority.host();
    let host = host.trim_matches(['[', ']']).to_owned(); // as a socket wants an IPv6 address
    let port = authority.port_u16().unwrap_or(PORT);
    let user = match authority.as_str().rsplit_once('@') {
        Some((user, _)) if user.contains(':') => {
            return Err((
                KEY,
                "`limits.shared.redis` holds a password".to_owned(),
                "put the password into a file of mode 0600 and name it as `password_file`",
            ));
        }
        user => user.map(|(user, _)| user.to_owned()),
    };
    match uri.scheme_str() {
        Some("rediss") => Ok((Door::Secured(host, port, proven(shared)?), user)),
        Some("redis") if NEAR.contains(&host.as_str()) => Ok((Door::Clear(host, port), user)),
        Some("redis") => Err((
            KEY,
            "`limits.shared.redis` would be asked in clear over a network".to_owned(),
            "write rediss://, and name the server's authority as `anchors`",
        )),
        _ => Err(unclear("neither unix, rediss nor redis")),
    }
}

fn unclear(what: &str) -> Wrong {
    (KEY, format!("`limits.shared.redis`: {what}"), FORM)
}

fn safe_enough(door: &Door, password: Option<&Secret>) -> Result<(), Wrong> {
    if matches!(door, Door::Clear(..)) {
        return Err((
            KEY,
            "production counts over TLS or a Unix socket".to_owned(),
            FORM,
        ));
    }
    match password {
        Some(_) => Ok(()),
        None => Err((
            KEY,
            "production counts with a password: whoever reaches Redis could lift every limit"
                .to_owned(),
            "set requirepass or a user in Redis, and name its password as `password_file`",
        )),
    }
}

fn password(shared: &SharedLimits) -> Result<Option<Secret>, Wrong> {
    let read = match (&shared.password_file, &shared.password_env) {
        (None, None) => return Ok(None),
        (Some(file), None) => secret::first_line("limits.shared.password_file", file)?,
        (None, Some(name)) => std::env::var(name).map_err(|error| {
            let what = format!("`limits.shared.password_env`: {name}: {error}");
            ("limits.shared.password_env", what, "set the variable")
        })?,
        (Some(_), Some(_)) => {
            let what = "`password_file` and `password_env` are both there".to_owned();
            return Err(("limits.shared.password_env", what, "keep one of them"));
        }
    };
    Ok(Some(Secret::new(read)))
}

fn proven(shared: &SharedLimits) -> Result<Connector, Wrong> {
    let patience = Duration::from_millis(shared.timeout_ms.max(1_000));
    match &shared.anchors {
        Some(file) => connector("limits.shared.anchors", file, patience),
        None => Err((
            "limits.shared.anchors",
            "`limits.shared.anchors` is missing, and the url begins with rediss".to_owned(),
            "name the PEM file of the authority that issued the server's certificate",
        )),
    }
}

const KEY: &str = "limits.shared.redis";
const FORM: &str = "write unix:///path/to/socket or rediss://user@host:port";
const PORT: u16 = 6379;
const NEAR: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use super::*;

    fn shared(redis: &str) -> SharedLimits {
        SharedLimits {
            redis: redis.to_owned(),
            user: None,
            password_file: None,
            password_env: None,
            anchors: None,
            prefix: "lienthong".to_owned(),
            timeout_ms: 50,
        }
    }

    #[test]
    fn redis_is_a_socket_a_host_over_tls_or_this_machine() {
        let told = |url: &str| shown(Some(&shared(url)));
        assert_eq!(told("unix:///run/r.sock"), "together, redis at /run/r.sock");
        assert_eq!(
            told("redis://localhost"),
            "together, redis at localhost:6379"
        );
        assert_eq!(
            told("redis://me@127.0.0.1:1"),
            "together, redis at 127.0.0.1:1"
        );
        assert_eq!(shown(None), "each replica for itself");
        let (_, user) = door(&shared("redis://me@127.0.0.1:1")).unwrap();
        assert_eq!(user.as_deref(), Some("me"));
    }

    #[test]
    fn a_way_in_clear_a_password_in_the_url_and_an_unproven_server_are_refused() {
        for (url, why) in [
            ("redis://redis.example:6379", "in clear over a network"),
            ("redis://me:secret@localhost", "holds a password"),
            ("rediss://redis.example", "anchors"),
            ("unix://run/r.sock", "not absolute"),
            ("http://localhost", "neither"),
            ("redis://localhost/3", "behind the port"),
            ("localhost:6379", "`limits.shared.redis`"),
        ] {
            let (_, what, _) = door(&shared(url)).unwrap_err();
            assert!(what.contains(why), "{url}: {what}");
            assert!(!what.contains("secret"), "{what}");
        }
    }

    #[test]
    fn production_demands_a_safe_way_and_a_password() {
        let secret = Secret::new("s".to_owned());
        let socket = Door::Unix("/run/r.sock".into());
        let clear = Door::Clear("localhost".to_owned(), 6379);
        assert!(
            safe_enough(&clear, Some(&secret))
                .unwrap_err()
                .1
                .contains("TLS")
        );
        assert!(
            safe_enough(&socket, None)
                .unwrap_err()
                .1
                .contains("password")
        );
        safe_enough(&socket, Some(&secret)).unwrap();
    }

    #[test]
    fn a_password_file_that_others_can_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        fs::write(&file, "s3cret\n").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        let with = SharedLimits {
            password_file: Some(file.clone()),
            ..shared("redis://localhost")
        };
        assert!(password(&with).unwrap_err().1.contains("read by others"));
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(password(&with).unwrap().unwrap().reveal(), "s3cret");
        fs::write(&file, "\n").unwrap();
        assert!(password(&with).unwrap_err().1.contains("empty"));
    }
}
