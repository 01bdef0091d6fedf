//! Many files in flight at once: half of each is sent, and then the gateway's memory is looked at.

use std::{error::Error, time::Duration};

use bytes::Bytes;
use certs::tls::ClientStream;
use futures_util::future::try_join_all;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{
    super::{
        clients::{connect, dial, exchange},
        scene::Scene,
        server::Server,
    },
    stock::Dossiers,
};

type Trouble = Box<dyn Error + Send + Sync>;

/// The gateway's resident memory, KiB.
#[derive(Debug, Clone, Copy)]
pub(super) struct Memory {
    /// Before any of the files came.
    pub(super) before_kb: u64,
    /// The most that was seen while all were half sent.
    pub(super) most_kb: u64,
}

/// What is in flight.
pub(super) struct Held<'a> {
    pub(super) scene: &'a Scene,
    pub(super) server: &'a Server,
    pub(super) dossiers: &'a Dossiers,
    pub(super) files: u16,
    /// Of each file.
    pub(super) bytes: usize,
}

impl Held<'_> {
    /// Sends half of each file and looks; afterwards each is whole and taken.
    pub(super) async fn in_flight(&self) -> Result<Memory, Trouble> {
        let socket = self.scene.config.listen.socket();
        let mut line = connect(socket, self.dossiers.identity()).await?;
        let files: Vec<Bytes> = (0..self.files)
            .map(|_| self.dossiers.file(self.bytes))
            .collect();
        let before_kb = self.server.memory()?.resident_kb;
        let mut uploads = Vec::new();
        for some in files.chunks(ANNOUNCED_AT_ONCE) {
            let (letter, ways) = self.dossiers.announced(some)?;
            exchange(&mut line, letter).await?;
            for (way, file) in ways.into_iter().zip(some) {
                let stream = dial(socket, self.dossiers.identity()).await?;
                uploads.push((stream, way, file.clone()));
            }
        }
        let half = self.bytes / 2;
        let begun = uploads.into_iter().map(|(mut stream, way, file)| async move {
            let head = format!(
                "PUT {way} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/octet-stream\r\n\
                 Content-Length: {}\r\nConnection: close\r\n\r\n",
                file.len()
            );
            stream.write_all(head.as_bytes()).await?;
            stream.write_all(&file[..half]).await?;
            stream.flush().await?;
            Ok::<_, Trouble>((stream, file.slice(half..)))
        });
        let begun = try_join_all(begun).await?;
        let mut most_kb = 0;
        for _ in 0..LOOKS {
            most_kb = most_kb.max(self.server.memory()?.resident_kb);
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
        try_join_all(begun.into_iter().map(|(stream, rest)| end(stream, rest))).await?;
        Ok(Memory { before_kb, most_kb })
    }
}

async fn end(mut stream: ClientStream<TcpStream>, rest: Bytes) -> Result<(), Trouble> {
    stream.write_all(&rest).await?;
    stream.flush().await?;
    let mut answer = Vec::new();
    // the gateway closes after its answer; whether TLS was closed in form does not matter here
    let closed = stream.read_to_end(&mut answer).await;
    match answer.starts_with(b"HTTP/1.1 200") {
        true => Ok(()),
        false => Err(format!("{closed:?}: {}", String::from_utf8_lossy(&answer)).into()),
    }
}

/// As many as one announcement may name.
const ANNOUNCED_AT_ONCE: usize = 20;
const LOOKS: u32 = 20;
const BETWEEN_LOOKS: Duration = Duration::from_millis(25);
