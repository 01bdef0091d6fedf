//! One question and one answer over the simulated network, each with its length before it.

use std::{future::Future, io, sync::Arc, time::Duration};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use turmoil::net::{TcpListener, TcpStream};

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The other side surely has not heard it.
    Unsent,
    /// Nobody knows.
    Unanswered,
}

/// Asks a host.
pub(super) async fn ask(host: &str, port: u16, question: &[u8]) -> Result<Vec<u8>, Trouble> {
    let connected = tokio::time::timeout(PATIENCE, TcpStream::connect((host, port))).await;
    let Ok(Ok(mut stream)) = connected else {
        return Err(Trouble::Unsent);
    };
    let asked = async {
        write(&mut stream, question).await?;
        read(&mut stream).await
    };
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(Ok(answer)) => Ok(answer),
        _ => Err(Trouble::Unanswered),
    }
}

/// Answers whoever asks; where there is no answer the connection just ends.
pub(super) async fn serve<F, Fut>(port: u16, answer: F) -> turmoil::Result
where
    F: Fn(Vec<u8>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Option<Vec<u8>>> + Send + 'static,
{
    let listener = TcpListener::bind(("0.0.0.0", port)).await?;
    let answer = Arc::new(answer);
    loop {
        let (mut stream, _) = listener.accept().await?;
        let answer = Arc::clone(&answer);
        tokio::spawn(async move {
            let Ok(Ok(question)) = tokio::time::timeout(PATIENCE, read(&mut stream)).await else {
                return;
            };
            // acted upon in a task of its own: a caller that hangs up does not undo it
            let acted = tokio::spawn(answer(question)).await;
            if let Ok(Some(answer)) = acted {
                let _ = tokio::time::timeout(PATIENCE, write(&mut stream, &answer)).await;
            }
        });
    }
}

async fn write(stream: &mut TcpStream, bytes: &[u8]) -> io::Result<()> {
    let mut whole = u32::try_from(bytes.len()).unwrap().to_be_bytes().to_vec();
    whole.extend_from_slice(bytes);
    stream.write_all(&whole).await
}

async fn read(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let length = stream.read_u32().await?;
    let mut bytes = vec![0; length as usize];
    stream.read_exact(&mut bytes).await?;
    Ok(bytes)
}

/// How long one side waits for the other.
const PATIENCE: Duration = Duration::from_secs(3);
