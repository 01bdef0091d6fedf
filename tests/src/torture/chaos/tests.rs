//! Each manner does what it says, against a server that answers a line with a line.

use std::time::Duration;

use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    time::timeout,
};

use super::*;

/// Long enough for the slowest machine.
const LONG: Duration = Duration::from_secs(30);
/// Long enough to believe that nothing comes.
const NOTHING: Duration = Duration::from_millis(400);

/// Answers each line `n` with `n` letters and a new line.
async fn server() -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (from, mut to) = stream.into_split();
                let mut lines = BufReader::new(from).lines();
                while let Ok(Some(line)) = lines.next_line().await {
                    let length = line.parse().unwrap_or(0);
                    let answer = format!("{}\n", "x".repeat(length));
                    if to.write_all(answer.as_bytes()).await.is_err() {
                        return;
                    }
                }
                // a half-closed connection can still be spoken to
                let _ = to.write_all(b"bye\n").await;
            });
        }
    });
    address
}

async fn line() -> Chaos {
    Chaos::start(server().await, 42).await.unwrap()
}

async fn call(chaos: &Chaos) -> BufReader<TcpStream> {
    BufReader::new(TcpStream::connect(chaos.address()).await.unwrap())
}

async fn ask(stream: &mut BufReader<TcpStream>, letters: usize) -> std::io::Result<usize> {
    let asked = format!("{letters}\n");
    stream.write_all(asked.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_line(&mut answer).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fair_line_carries_everything_and_counts_it() {
    let chaos = line().await;
    let mut stream = call(&chaos).await;
    for letters in [0, 10, 100_000] {
        assert_eq!(ask(&mut stream, letters).await.unwrap(), letters + 1);
    }
    assert!(chaos.carried() > 100_000);
    assert_eq!((chaos.open(), chaos.came().len()), (1, 1));
    drop(stream);
    let gone = async {
        while chaos.open() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(LONG, gone).await.unwrap();
    assert_eq!((chaos.most_open(), chaos.most_open()), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn delay_jitter_and_loss_make_it_late_and_lose_nothing() {
    let chaos = line().await;
    let mut stream = call(&chaos).await;
    let way = |delay, jitter, loss| Way {
        delay: Duration::from_millis(delay),
        jitter: Duration::from_millis(jitter),
        loss,
        ..Way::FAIR
    };
    for (way, at_least) in [
        (way(150, 0, 0), 150),
        (way(0, 300, 0), 0),
        (way(0, 0, 100), 200),
    ] {
        chaos.behave(Manner::back(way));
        let asked = Instant::now();
        assert_eq!(ask(&mut stream, 20).await.unwrap(), 21);
        assert!(
            asked.elapsed() >= Duration::from_millis(at_least),
            "{way:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_is_not_exceeded_and_one_byte_a_second_is_one_byte_a_second() {
    let chaos = line().await;
    let mut stream = call(&chaos).await;
    chaos.behave(Manner::back(Way::at(20_000)));
    let asked = Instant::now();
    assert_eq!(ask(&mut stream, 10_000).await.unwrap(), 10_001);
    assert!(asked.elapsed() >= Duration::from_millis(400));
    chaos.behave(Manner::back(Way::at(1)));
    let asked = Instant::now();
    assert_eq!(ask(&mut stream, 1).await.unwrap(), 2);
    assert!(asked.elapsed() >= Duration::from_millis(950));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_line_keeps_everything_and_goes_on_when_it_thaws() {
    let chaos = line().await;
    let mut stream = call(&chaos).await;
    ask(&mut stream, 3).await.unwrap();
    chaos.behave(Manner::FROZEN);
    assert!(timeout(NOTHING, ask(&mut stream, 7)).await.is_err());
    assert_eq!(chaos.open(), 1);
    chaos.behave(Manner::FAIR);
    let mut answer = String::new();
    timeout(LONG, stream.read_line(&mut answer))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(answer.len(), 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_black_hole_takes_everything_and_says_nothing() {
    let chaos = line().await;
    chaos.behave(Manner::door(Door::Silent));
    let mut stream = call(&chaos).await;
    assert!(timeout(NOTHING, ask(&mut stream, 7)).await.is_err());
    assert_eq!((chaos.open(), chaos.carried()), (1, 0));
    chaos.cut();
    let ended = timeout(LONG, stream.read_u8()).await.unwrap();
    assert!(ended.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unanswered_door_lets_nobody_in_until_it_opens() {
    let chaos = line().await;
    chaos.behave(Manner::door(Door::Unanswered));
    // the one that the kernel hands over at this moment may still be taken
    let _first = call(&chaos).await;
    let mut second = call(&chaos).await;
    assert!(timeout(NOTHING, ask(&mut second, 7)).await.is_err());
    assert!(chaos.came().len() <= 1);
    chaos.behave(Manner::FAIR);
    let mut answer = String::new();
    timeout(LONG, second.read_line(&mut answer))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(answer.len(), 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_door_resets() {
    let chaos = line().await;
    chaos.behave(Manner::door(Door::Reset));
    let ended = match TcpStream::connect(chaos.address()).await {
        Ok(mut stream) => timeout(LONG, stream.read_u8()).await.unwrap().unwrap_err(),
        Err(error) => error,
    };
    assert_eq!(ended.kind(), std::io::ErrorKind::ConnectionReset);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_is_refused_by_an_alert() {
    let chaos = line().await;
    chaos.behave(Manner::door(Door::NoTls));
    let mut stream = call(&chaos).await;
    stream.write_all(&[22, 3, 1, 0, 1, 1]).await.unwrap();
    let mut said = Vec::new();
    timeout(LONG, stream.read_to_end(&mut said))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(said, HANDSHAKE_FAILURE);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_hangs_after_so_many_bytes_and_the_next_connection_does_the_same() {
    let chaos = line().await;
    chaos.behave(Manner::back(Way::ending(50, Ending::Hang)));
    for _ in 0..2 {
        let mut stream = call(&chaos).await;
        assert_eq!(
            ask(&mut stream, 9).await.unwrap(),
            10,
            "a short one is whole"
        );
        stream.write_all(b"1000\n").await.unwrap();
        let mut half = [0; 50];
        timeout(LONG, stream.read_exact(&mut half))
            .await
            .unwrap()
            .unwrap();
        assert!(timeout(NOTHING, stream.read_u8()).await.is_err());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_messages_of_a_connection_can_be_spared() {
    let chaos = line().await;
    chaos.behave(Manner::back(Way::ending_inside_tls(50, Ending::Reset)));
    let mut stream = call(&chaos).await;
    for _ in 0..2 {
        assert_eq!(ask(&mut stream, 1_000).await.unwrap(), 1_001);
    }
    assert!(
        timeout(LONG, ask(&mut stream, 1_000))
            .await
            .unwrap()
            .is_err()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_reset_in_the_middle() {
    let chaos = line().await;
    chaos.behave(Manner::back(Way::ending(50, Ending::Reset)));
    let mut stream = call(&chaos).await;
    stream.write_all(b"100000\n").await.unwrap();
    let mut half = Vec::new();
    let ended = timeout(LONG, stream.read_to_end(&mut half)).await.unwrap();
    assert_eq!(
        ended.unwrap_err().kind(),
        std::io::ErrorKind::ConnectionReset
    );
    assert!(half.len() <= 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_half_closed_line_ends_one_direction_only() {
    let chaos = line().await;
    chaos.behave(Manner::back(Way::ending(4, Ending::HalfClose)));
    let mut stream = call(&chaos).await;
    stream.write_all(b"1000\n").await.unwrap();
    let mut half = Vec::new();
    timeout(LONG, stream.read_to_end(&mut half))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(half, b"xxxx");
    let before = chaos.carried();
    stream.write_all(b"5\n").await.unwrap();
    let carried = async {
        while chaos.carried() == before {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(LONG, carried).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn whole_messages_of_two_connections_change_places() {
    let chaos = line().await;
    let (mut first, mut second) = (call(&chaos).await, call(&chaos).await);
    ask(&mut first, 1).await.unwrap();
    ask(&mut second, 1).await.unwrap();
    chaos.behave(Manner {
        reorder: Some(LONG),
        ..Manner::FAIR
    });
    let told = Arc::new(Mutex::new(Vec::new()));
    let order = Arc::clone(&told);
    let waits = tokio::spawn(async move {
        assert_eq!(ask(&mut first, 5).await.unwrap(), 6);
        lock(&order).push("first");
    });
    tokio::time::sleep(NOTHING).await;
    assert!(lock(&told).is_empty(), "it has not waited");
    assert_eq!(ask(&mut second, 5).await.unwrap(), 6);
    lock(&told).push("second");
    timeout(LONG, waits).await.unwrap().unwrap();
    assert_eq!(*lock(&told), ["second", "first"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_resets_what_is_open_and_nothing_later() {
    let chaos = line().await;
    let mut stream = call(&chaos).await;
    ask(&mut stream, 3).await.unwrap();
    chaos.cut();
    let ended = timeout(LONG, stream.read_u8()).await.unwrap();
    assert_eq!(
        ended.unwrap_err().kind(),
        std::io::ErrorKind::ConnectionReset
    );
    assert_eq!(ask(&mut call(&chaos).await, 3).await.unwrap(), 4);
}
