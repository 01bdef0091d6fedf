//! The folder of one run: keys, people, config, and the program under test.

use std::{
    fs,
    net::{SocketAddr, TcpListener},
    ops::Range,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

use gateway::sandbox::{files::Settings, layout::Layout};
use insurance::seed::Landmarks;
use tempfile::TempDir;

use crate::house::{self, replace};

/// One run's folder. It is gone when this is dropped, unless `LIENTHONG_TORTURE_KEEP` is set.
pub struct Site {
    folder: Option<TempDir>,
    /// Where each file is.
    pub layout: Layout,
    /// People and employers to speak about.
    pub landmarks: Landmarks,
    /// Where partners connect.
    pub address: SocketAddr,
    /// Where operators connect.
    pub admin: SocketAddr,
}

impl Site {
    /// A seeded folder; `portal` is where the simulated agency listens, `step_millis` how often
    /// dossiers move.
    #[must_use]
    pub fn make(portal: SocketAddr, step_millis: u64) -> Self {
        let (folder, landmarks) = house::folder();
        let layout = Layout::new(folder.path());
        let (address, admin) = (free_port(), free_port());
        layout
            .write_config(&Settings {
                port: address.port(),
                admin_port: admin.port(),
                people: 300,
                seed: 20_261_122,
                portal: format!("https://localhost:{}", portal.port()),
                algorithm: "ES256",
                step_millis,
                department: None,
                time_stamps: None,
            })
            .unwrap();
        let site = Self {
            folder: Some(folder),
            layout,
            landmarks,
            address,
            admin,
        };
        site.loosen();
        site
    }

    /// Limits are another promise's: here they must not get in the way. A claim of a killed gateway
    /// is taken over after 5 seconds.
    fn loosen(&self) {
        self.edit(
            "gateway.toml",
            "seal_key = \"seal.key\"",
            "seal_key = \"seal.key\"\nlease_seconds = 5\nqueue = 4096",
        );
        self.edit(
            "gateway.toml",
            "[limits]\n",
            "[limits]\ndeadline_ms = 4500\n",
        );
        self.edit(
            "gateway.toml",
            "poll_ms = 100",
            "poll_ms = 50\nlease_seconds = 5\nbackoff_ms = 100\nbackoff_seconds_max = 2",
        );
        let much = "per_minute = 6000000\nburst = 100000\n";
        for (file, operation) in [
            ("partners/dvclt.toml", "civil.birth"),
            ("partners/dvclt.toml", "civil.result"),
            ("partners/portal.toml", "portal.submit-dossier"),
            ("partners/portal.toml", "portal.sync-dossier"),
            ("partners/portal.toml", "portal.update-progress"),
        ] {
            let head = format!("[agreements.operations.\"{operation}\"]\n");
            self.edit(file, &head, &format!("{head}{much}"));
        }
        self.edit(
            "partners/portal.toml",
            "[delivery]\n",
            "[delivery]\nper_minute = 1000000\ntimeout_ms = 1500\nbreaker_seconds = 1\n",
        );
    }

    /// Replaces a piece of text in a file of the gateway's; the piece must be there.
    pub fn edit(&self, file: &str, from: &str, to: &str) {
        replace(&self.layout.gateway(file), from, to);
    }

    /// The site's own folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        self.layout.root()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if std::env::var_os("LIENTHONG_TORTURE_KEEP").is_some()
            && let Some(folder) = self.folder.take()
        {
            eprintln!("kept: {}", folder.keep().display());
        }
    }
}

/// A port of the loopback that nobody has at this moment and that this process gives once.
///
/// It lies below those that the system hands out: whoever dials a gateway that is down must not be given
/// the gateway's own port to dial from.
#[must_use]
pub fn free_port() -> SocketAddr {
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    let first = std::process::id().wrapping_mul(89);
    loop {
        let step = first.wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed));
        let port = u16::try_from(PORTS.start + step % (PORTS.end - PORTS.start)).unwrap();
        if let Ok(listener) = TcpListener::bind(("127.0.0.1", port)) {
            return listener.local_addr().unwrap();
        }
    }
}

const PORTS: Range<u32> = 12_000..32_000;

/// The program under test: named by `LIENTHONG_BIN`, else beside this one.
///
/// # Errors
/// What to do where it is not there.
pub fn binary() -> Result<PathBuf, String> {
    if let Some(named) = std::env::var_os("LIENTHONG_BIN") {
        return Ok(PathBuf::from(named));
    }
    beside("lienthong")?
        .ok_or_else(|| "lienthong is not beside this program: cargo build -p gateway".to_owned())
}

/// The bench's own program, beside this one or this one itself.
///
/// # Errors
/// What to do where it is not there.
pub fn bench() -> Result<PathBuf, String> {
    beside("torture")?.ok_or_else(|| {
        "torture is not beside this program: cargo build --workspace --bins".to_owned()
    })
}

/// A program of this name in this one's folder or, as it is for tests, the one above.
fn beside(name: &str) -> Result<Option<PathBuf>, String> {
    let me = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut folders = me.ancestors().skip(1).take(2);
    Ok(
        folders
            .find_map(|folder| Some(folder.join(name)).filter(|file| fs::metadata(file).is_ok())),
    )
}
