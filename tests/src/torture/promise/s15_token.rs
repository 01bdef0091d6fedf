//! S15: the key that signs our answers is in a token. The token is taken away under load: whatever needs
//! a signature is sent away with a fault, nothing unsigned leaves, and it goes on when the token is back.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use certs::{keys::VerifyingKey, xmldsig};
use schemas::fault::FaultCode;

use super::{Plan, seen::limit};
use crate::{
    client::Reply,
    torture::{
        kit::{FINISH_MAX, Kit},
        letter::{Kind, Scribe},
        load::{Load, Shape},
        process::Process,
        random::Random,
        report::Line,
        site::Site,
    },
};

const NAME: &str = "the signing key in a token (SoftHSM2)";
const PIN: &str = "271828";
/// How long after the token's return answers must come again.
const AGAIN_MAX: Duration = Duration::from_secs(5);
const AWAY: Duration = Duration::from_secs(2);

pub(super) async fn run(plan: Plan) -> Vec<Line> {
    let mut kit = Kit::make(plan.seed).await;
    let token = match Token::keep_key_of(&kit.site) {
        Ok(token) => token,
        Err(why) => return vec![Line::not_run("S15", NAME, why, plan.seed)],
    };
    let settings = token.settings.display().to_string();
    kit.launch.env.push(("SOFTHSM2_CONF".to_owned(), settings));
    lock_sealing_key(&kit);
    let process = kit.serve().await;
    let mut seen = Seen::default();
    seen.wrong.extend(dumps_core(&process));
    let reply = ask(&kit, 1).await;
    seen.wrong.extend(does_not_verify(&kit.site, &reply));
    let load = kit.load(Shape {
        senders: 16,
        ..Shape::USUAL
    });
    for round in 0..plan.n.unwrap_or(2) {
        if round > 0 && !plan.has_time() {
            break;
        }
        seen.take_away(&kit, &token, &load, round).await;
    }
    let mut closed = kit.close(load, process).await;
    closed.wrong.append(&mut seen.wrong);
    let late = plan.judge(seen.late, &mut closed.wrong);
    let first = format!(
        "taken away {} times, {} messages told to come later, {} answers while it was away, again after {} ms (limit 5,000){late}",
        seen.times,
        seen.sent_away,
        seen.while_away,
        seen.again.as_millis()
    );
    vec![kit.line("S15", NAME, first, closed)]
}

/// The file of the sealing key too is nothing without the token.
fn lock_sealing_key(kit: &Kit) {
    let config = kit.site.layout.gateway("gateway.toml");
    let config = config.display().to_string();
    let lock = ["journal", "lock", "--config", &config];
    let output = kit.launch.command(&lock).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "journal lock: {said}");
    let file = kit.site.layout.gateway("seal.key");
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.starts_with("locked "), "the sealing key stands open");
    let opened = certs::seal::Vault::open_file(&file);
    assert_eq!(
        opened.err().map(|error| error.reason()),
        Some("vault-key-locked")
    );
}

#[derive(Default)]
struct Seen {
    times: u64,
    sent_away: u64,
    while_away: u64,
    again: Duration,
    wrong: Vec<String>,
    late: Vec<String>,
}

impl Seen {
    async fn take_away(&mut self, kit: &Kit, token: &Token, load: &Load, round: u64) {
        let acked = || load.seen.acked.load(Ordering::Relaxed);
        let flowing = acked();
        if !until(|| acked() > flowing + 20).await {
            return self.wrong.push("nothing flowed before it".to_owned());
        }
        let before = sent_away(load);
        token.take_away();
        self.times += 1;
        if !until(|| sent_away(load) > before).await {
            return self.wrong.push("the token was never missed".to_owned());
        }
        // what was signed before may still be committed and said
        tokio::time::sleep(Duration::from_millis(500)).await;
        let still = acked();
        let refused = ask(kit, 100 + round).await;
        self.wrong.extend(is_said_otherwise(&refused));
        tokio::time::sleep(AWAY).await;
        self.while_away += acked() - still;
        self.sent_away += sent_away(load) - before;
        // an answer that was stored before and not heard may be repeated
        if acked() - still > 16 {
            self.wrong
                .push("answers went on without the key".to_owned());
        }
        token.bring_back();
        let (back, still) = (Instant::now(), acked());
        if !until(|| acked() > still + 5).await {
            return self
                .wrong
                .push("the token came back and nothing was signed".to_owned());
        }
        self.again = self.again.max(back.elapsed());
        limit(
            &mut self.late,
            "answers after the token's return",
            back.elapsed(),
            AGAIN_MAX,
        );
    }
}

fn sent_away(load: &Load) -> u64 {
    let causes = load.seen.causes.lock().unwrap();
    let code = FaultCode::SigningUnavailable.row().code;
    causes.get(code).copied().unwrap_or_default()
}

async fn until(holds: impl Fn() -> bool) -> bool {
    let begun = Instant::now();
    while !holds() {
        if begun.elapsed() > FINISH_MAX {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    true
}

/// One verification by the tax department.
async fn ask(kit: &Kit, salt: u64) -> Result<Reply, String> {
    let scribe = Scribe::new(&kit.site.layout.agencies(), kit.site.landmarks.clone());
    let mut random = Random::of(kit.seed, &[15, salt]);
    let letter = scribe.write(Kind::Verify, &mut random);
    let mut line = kit.caller("tax").line();
    line.exchange(&letter.message)
        .await
        .map_err(|broken| format!("the line broke: {}", broken.0))
}

fn is_said_otherwise(reply: &Result<Reply, String>) -> Option<String> {
    let reply = match reply {
        Ok(reply) => reply,
        Err(why) => return Some(why.clone()),
    };
    let code = FaultCode::SigningUnavailable.row().code;
    let is_bare = !String::from_utf8_lossy(&reply.body).contains("Signature");
    let is_told = reply.status == 503 && reply.header("lienthong-fault") == code;
    (!is_bare || !is_told).then(|| {
        let fault = reply.header("lienthong-fault");
        format!(
            "without the token: {} {fault}, unsigned: {is_bare}",
            reply.status
        )
    })
}

/// What the token signed must verify under the certificate, here and with xmlsec1.
fn does_not_verify(site: &Site, reply: &Result<Reply, String>) -> Option<String> {
    let reply = match reply {
        Ok(reply) => reply,
        Err(why) => return Some(why.clone()),
    };
    let certificate = site.layout.gateway("sign.pem");
    let key = VerifyingKey::from_certificate_pem(&fs::read(&certificate).unwrap()).unwrap();
    if let Err(error) = xmldsig::verify(&reply.body, &key, &xmldsig::Profile::default()) {
        return Some(format!("the token's signature: {}", error.reason()));
    }
    let file = site.root().join("answer.xml");
    fs::write(&file, &reply.body).unwrap();
    let verified = Command::new("xmlsec1")
        .args(["--verify", "--pubkey-cert-pem"])
        .arg(&certificate)
        .args(["--id-attr:Id", "urn:vn:lienthong:tax:v1:TaxMessage"])
        .arg(&file)
        .output();
    match verified {
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(format!(
            "xmlsec1: {}",
            String::from_utf8_lossy(&output.stderr)
        )),
        Err(_) => {
            println!("not run: xmlsec1 missing");
            None
        }
    }
}

/// S13: a core dump would hold what a token does not give out.
fn dumps_core(process: &Process) -> Option<String> {
    let limits = fs::read_to_string(format!("/proc/{}/limits", process.id())).ok()?;
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"))?;
    let words: Vec<&str> = core.split_whitespace().collect();
    (words.get(4..6) != Some(&["0", "0"])).then(|| format!("core dumps are on: {core}"))
}

/// A SoftHSM2 of this site's own, with the gateway's key in it.
struct Token {
    folder: PathBuf,
    settings: PathBuf,
}

impl Token {
    /// Moves the gateway's key into a token; its file is gone then.
    fn keep_key_of(site: &Site) -> Result<Self, String> {
        let module = MODULES
            .iter()
            .find(|module| Path::new(module).exists())
            .ok_or("softhsm2 is not installed")?;
        let folder = site.root().join("hsm");
        fs::create_dir_all(folder.join("tokens")).unwrap();
        let settings = folder.join("softhsm2.conf");
        let tokens = folder.join("tokens").display().to_string();
        let text = format!(
            "directories.tokendir = {tokens}\nobjectstore.backend = file\nlog.level = ERROR\n"
        );
        fs::write(&settings, text).unwrap();
        let token = Self { folder, settings };
        let key = site.layout.gateway("sign.key");
        let pem = key.display().to_string();
        token.util(&[
            "--init-token",
            "--free",
            "--label",
            "vss",
            "--so-pin",
            "12345678",
            "--pin",
            PIN,
        ])?;
        token.util(&[
            "--import", &pem, "--token", "vss", "--label", "sign", "--id", "01", "--pin", PIN,
        ])?;
        fs::remove_file(&key).unwrap();
        let pin = site.layout.gateway("sign.pin");
        fs::write(&pin, PIN).unwrap();
        fs::set_permissions(&pin, fs::Permissions::from_mode(0o600)).unwrap();
        site.edit("gateway.toml", "key = \"sign.key\"\n", "");
        let lines = format!(
            "[sign.pkcs11]\nmodule = \"{module}\"\ntoken = \"vss\"\nlabel = \"sign\"\npin_file = \"sign.pin\"\n\n\
             [store.seal_token]\nmodule = \"{module}\"\ntoken = \"vss\"\nlabel = \"vault\"\npin_file = \"sign.pin\"\n\n[store]\n"
        );
        site.edit("gateway.toml", "[store]\n", &lines);
        Ok(token)
    }

    fn util(&self, arguments: &[&str]) -> Result<(), String> {
        let output = Command::new("softhsm2-util")
            .args(arguments)
            .env("SOFTHSM2_CONF", &self.settings)
            .output()
            .map_err(|_| "softhsm2 is not installed")?;
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "softhsm2-util: {said}");
        Ok(())
    }

    fn take_away(&self) {
        let (tokens, away) = (self.folder.join("tokens"), self.folder.join("away"));
        fs::rename(&tokens, away).unwrap();
        fs::create_dir(tokens).unwrap();
    }

    fn bring_back(&self) {
        let (tokens, away) = (self.folder.join("tokens"), self.folder.join("away"));
        fs::remove_dir_all(&tokens).unwrap();
        fs::rename(away, tokens).unwrap();
    }
}

const MODULES: [&str; 2] = [
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
];
