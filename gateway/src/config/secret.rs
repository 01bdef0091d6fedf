//! A file that holds a secret on its first line: private, or refused.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use super::registry::Wrong;

/// The first line of a file that only its owner writes and at most its group reads; `key` is where the
/// config names it.
///
/// # Errors
/// Where it is missing, can be read by others, or begins with nothing.
pub(super) fn first_line(key: &'static str, file: &Path) -> Result<String, Wrong> {
    let unread =
        |error: std::io::Error| (key, format!("`{key}`: {error}"), "make the file, mode 0600");
    let mode = fs::metadata(file).map_err(unread)?.permissions().mode();
    if mode & 0o037 != 0 {
        let what = format!("`{key}` can be read by others: mode {:04o}", mode & 0o7777);
        return Err((key, what, "chmod 0600 the file, or 0640 for a group"));
    }
    let text = fs::read_to_string(file).map_err(unread)?;
    match text.lines().next().map(str::trim_end) {
        Some(line) if !line.is_empty() => Ok(line.to_owned()),
        _ => Err((
            key,
            format!("`{key}`: its first line is empty"),
            "write the secret there",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_the_first_line_of_a_file_that_others_cannot_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret");
        let refused = || first_line("store.url_file", &file).unwrap_err();
        assert_eq!(refused().0, "store.url_file");
        fs::write(&file, "s3cret \nnot this\n").unwrap();
        for (mode, refusal) in [
            (0o600, None),
            (0o640, None),
            (0o644, Some("can be read by others: mode 0644")),
            (0o660, Some("can be read by others: mode 0660")),
        ] {
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
            match (first_line("store.url_file", &file), refusal) {
                (Ok(line), None) => assert_eq!(line, "s3cret"),
                (Err(wrong), Some(words)) => {
                    assert!(wrong.1.contains(words), "{}", wrong.1);
                    assert!(!wrong.1.contains("s3cret"));
                }
                (other, _) => panic!("{mode:o}: {other:?}"),
            }
        }
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&file, "\ns3cret\n").unwrap();
        assert!(refused().1.contains("first line is empty"));
    }
}
