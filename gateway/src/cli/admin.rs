//! `lienthong status` and `lienthong explain`: ask the operators' listener, or the store's own file.

use std::{
    net::{SocketAddr, ToSocketAddrs as _},
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
};

use clap::Args;
use gateway_core::ports::{Clock, MessageLog as _, SystemClock};
use gateway_store::{Engine, Store};
use schemas::proto::admin::{MessageStory, StatusResponse};

use super::{ConfigFile, Ended};
use crate::{
    admin::{
        client::{self, Target},
        explain::explain,
    },
    config::{self, Config},
    gateway::{StartError, key_file},
};

/// Which gateway to ask.
#[derive(Debug, Clone, Args)]
pub(super) struct Which {
    /// The operators' listener, such as 127.0.0.1:9443; by default the config's.
    #[arg(long)]
    admin: Option<String>,
    /// An operator's folder with tls.pem, tls.key and ca.pem, where the listener has TLS.
    #[arg(long, env = "LIENTHONG_IDENTITY")]
    identity: Option<PathBuf>,
    #[command(flatten)]
    file: ConfigFile,
}

impl Which {
    /// The config file, for what is read beside the gateway.
    pub(super) fn file(&self) -> &ConfigFile {
        &self.file
    }

    /// Where to ask, and as whom.
    pub(super) fn address(&self) -> Result<Target, Box<dyn std::error::Error + Send + Sync>> {
        let address = self.socket()?;
        let Some(folder) = &self.identity else {
            return Ok(address.into());
        };
        let named = self.admin.as_deref().and_then(|text| text.rsplit_once(':'));
        let host = named.map_or_else(|| address.ip().to_string(), |(host, _)| host.to_owned());
        let host = host.trim_start_matches("https://").trim_matches(['[', ']']);
        Ok(Target::from(address).identified(folder, host.to_owned())?)
    }

    fn socket(&self) -> Result<SocketAddr, Box<dyn std::error::Error + Send + Sync>> {
        let Some(text) = &self.admin else {
            let config = Config::load(&self.file.config).map_err(StartError::Config)?;
            return Ok(config.admin.socket());
        };
        let host = text
            .trim_start_matches("https://")
            .trim_start_matches("http://")
            .trim_end_matches('/');
        let mut found = host
            .to_socket_addrs()
            .map_err(|error| format!("{text}: {error}"))?;
        found
            .next()
            .ok_or_else(|| format!("{text}: no such address").into())
    }
}

#[derive(Debug, Clone, Args)]
pub(super) struct StatusArguments {
    #[command(flatten)]
    which: Which,
    /// Prints nothing and exits 0 where messages are taken: for a probe that runs a command.
    #[arg(long)]
    quiet: bool,
}

impl StatusArguments {
    pub(super) async fn run(self) -> Ended {
        let admin = self.which.address()?;
        let page = match client::status(admin).await {
            Ok(page) => page,
            Err(_) if self.quiet => return Ok(ExitCode::FAILURE),
            Err(error) => return Err(error.into()),
        };
        if !self.quiet {
            print!("{}", page_of(&page));
        }
        let is_wrong = page
            .findings
            .iter()
            .any(|finding| finding.severity == "error");
        let good = page.ready && (self.quiet || !is_wrong);
        Ok(if good {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }
}

#[derive(Debug, Clone, Args)]
pub(super) struct ExplainArguments {
    #[command(flatten)]
    which: Which,
    /// An evidence id, or a message id.
    id: String,
}

impl ExplainArguments {
    pub(super) async fn run(self) -> Ended {
        let (stories, recovery) = match client::explain(self.which.address()?, &self.id).await {
            Ok(response) => (response.stories, response.recovery),
            Err(client::Error::Down(address)) => {
                eprintln!(
                    "no gateway answers on {address}; reading the store of {}",
                    self.which.file.config.display()
                );
                (self.read_the_file().await?, None)
            }
            Err(error) => return Err(error.into()),
        };
        if stories.is_empty() && recovery.is_some() {
            println!(
                "nothing is kept about {}: it never came past the receive room here, or it came after the backup that was put back",
                self.id
            );
            return Ok(ExitCode::FAILURE);
        }
        if stories.is_empty() {
            println!(
                "nothing is kept about {}: it never came past the receive room here",
                self.id
            );
            return Ok(ExitCode::FAILURE);
        }
        for story in &stories {
            println!("{}", story_of(story));
        }
        Ok(ExitCode::SUCCESS)
    }

    /// The same words from the file alone; the store takes its lock, so nobody else has it open.
    async fn read_the_file(
        &self,
    ) -> Result<Vec<MessageStory>, Box<dyn std::error::Error + Send + Sync>> {
        let config = Config::load(&self.which.file.config).map_err(StartError::Config)?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let vault = Arc::new(key_file(&config)?.open()?);
        let mut params = config::store_params(&config, vault, Arc::clone(&clock))
            .map_err(|(_, what, _)| what)?;
        if matches!(params.engine, Engine::Postgres(_)) {
            // Beside the gateways, and no chain of theirs.
            params.writer = "explain".into();
        }
        let store = Store::open(params)?;
        let stories = store.story(&self.id).await?;
        Ok(stories
            .iter()
            .map(|story| explain(story, clock.now()))
            .collect())
    }
}

fn page_of(page: &StatusResponse) -> String {
    let state = if page.ready {
        "takes messages"
    } else {
        "takes no messages"
    };
    let mut out = format!(
        "lienthong {} ({}) {state}, up {}\njournal {} records, {} in progress\n",
        page.version,
        page.environment,
        span(page.uptime_seconds),
        page.journal_records,
        page.inbox_in_progress
    );
    if page.findings.is_empty() {
        out.push_str("nothing is wrong\n");
    }
    for finding in &page.findings {
        out.push_str(&format!(
            "{}: {}\n    do: {}\n",
            finding.severity, finding.what, finding.cure
        ));
    }
    for partner in &page.partners {
        out.push_str(&format!(
            "partner {:<12} {:<10} {} answered, {} refused\n",
            partner.id, partner.state, partner.accepted, partner.refused
        ));
    }
    for lane in &page.lanes {
        out.push_str(&format!(
            "lane    {:<12} {:<10} {} waiting (oldest {}), {} dead, {} in quarantine\n",
            lane.partner,
            lane.state,
            lane.waiting,
            span(lane.oldest_seconds),
            lane.dead,
            lane.poison
        ));
    }
    for one in &page.followed {
        out.push_str(&format!(
            "follow  {:<12} {:<10} {} {} until {}\n",
            one.partner,
            one.event,
            one.state,
            or_dash(&one.code),
            or_dash(&one.ends)
        ));
    }
    for one in &page.pulled {
        out.push_str(&format!(
            "pull    {:<12} {:<10} {} before {}, last {} to {} ({} records), {} found, {} rejected: {}\n",
            one.partner,
            one.event,
            one.state,
            or_dash(&one.mark),
            or_dash(&one.from),
            or_dash(&one.until),
            one.records,
            one.found,
            one.rejected,
            or_dash(&one.reason)
        ));
    }
    out
}

fn story_of(story: &MessageStory) -> String {
    let mut out = format!(
        "evidence {}\nmessage  {} of {} ({})\n",
        story.evidence,
        or_dash(&story.message_id),
        or_dash(&story.sender),
        or_dash(&story.operation)
    );
    for (number, line) in story.rooms.iter().enumerate() {
        let line = format!(
            "  {} {:<8} {:<12} {}",
            number + 1,
            line.room,
            line.outcome,
            line.detail
        );
        out.push_str(line.trim_end());
        out.push('\n');
    }
    for act in &story.acts {
        out.push_str(&format!("act      {}\n", super::office::act_of(act)));
    }
    let replay = if story.replay_safe {
        "safe (same id, same content)"
    } else {
        "not now"
    };
    out.push_str(&format!(
        "verdict  {}\nnext     {}\nreplay   {replay}\n",
        story.verdict, story.next_step
    ));
    out
}

fn or_dash(text: &str) -> &str {
    if text.is_empty() { "-" } else { text }
}

fn span(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        _ => format!("{} h", seconds / 3_600),
    }
}

#[cfg(test)]
mod tests {
    use schemas::proto::admin::{Finding, RoomLine};

    use super::*;

    #[test]
    fn the_page_says_that_nothing_is_wrong_or_what_and_what_to_do() {
        let mut page = StatusResponse {
            ready: true,
            version: "0.1.0".to_owned(),
            environment: "sandbox".to_owned(),
            uptime_seconds: 7_300,
            ..StatusResponse::default()
        };
        assert!(page_of(&page).contains("takes messages, up 2 h"));
        assert!(page_of(&page).contains("nothing is wrong"));
        page.findings.push(Finding {
            severity: "error".to_owned(),
            what: "the disk is full".to_owned(),
            cure: "make room".to_owned(),
        });
        assert!(page_of(&page).contains("error: the disk is full\n    do: make room\n"));
    }

    #[test]
    fn a_story_is_printed_room_by_room() {
        let story = MessageStory {
            evidence: "e".to_owned(),
            rooms: vec![RoomLine {
                room: "accept".to_owned(),
                outcome: "ok".to_owned(),
                detail: String::new(),
            }],
            verdict: "done".to_owned(),
            replay_safe: true,
            ..MessageStory::default()
        };
        let text = story_of(&story);
        assert!(text.contains("  1 accept   ok\n"), "{text}");
        assert!(text.contains("message  - of - (-)") && text.contains("replay   safe"));
    }

    #[test]
    fn an_address_may_be_written_as_a_url() {
        let file = ConfigFile {
            config: "none.toml".into(),
        };
        for text in [
            "127.0.0.1:9443",
            "http://127.0.0.1:9443",
            "http://127.0.0.1:9443/",
        ] {
            let which = Which {
                admin: Some(text.to_owned()),
                identity: None,
                file: file.clone(),
            };
            assert_eq!(which.socket().unwrap().to_string(), "127.0.0.1:9443");
        }
        let which = Which {
            admin: Some("nowhere".to_owned()),
            identity: None,
            file,
        };
        assert!(which.address().is_err());
    }
}
