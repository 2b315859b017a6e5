use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::{JoinHandle, spawn_blocking};

use super::*;
use crate::config::PerPhone;
use crate::metrics::{AlertState, EvidenceState, ReloadState};
use crate::net::DeviceName;
use crate::phone::Device;
use crate::time::Timestamp;

const SHORT: Duration = Duration::from_millis(200);
const LONG: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_finish_its_request_is_cut_off() {
    let server = Server::start(Bounds {
        head: SHORT,
        ..Bounds::default()
    })
    .await;
    let mut stream = server.connect();
    spawn_blocking(move || {
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost:").unwrap();
        assert_eq!(answer_to(stream), "");
    })
    .await
    .unwrap();
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_without_end_is_refused() {
    let server = Server::start(Bounds::default()).await;
    let mut stream = server.connect();
    spawn_blocking(move || {
        let line = format!("X-Long: {}\r\n", "a".repeat(20_000));
        stream.write_all(b"GET /metrics HTTP/1.1\r\n").unwrap();
        // The server may have closed it before all of this is sent.
        stream.write_all(line.as_bytes()).ok();
        let mut status = [0; 12];
        stream.read_exact(&mut status).unwrap();
        assert_eq!(&status, b"HTTP/1.1 431");
    })
    .await
    .unwrap();
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_too_many_waits_until_another_one_ends() {
    let server = Server::start(Bounds {
        connections: 1,
        lifetime: LONG,
        head: LONG,
        ..Bounds::default()
    })
    .await;
    let idle = server.connect();
    let mut waiting = server.connect();
    spawn_blocking(move || {
        let request = b"GET /-/healthy HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        waiting.write_all(request).unwrap();
        waiting.set_read_timeout(Some(SHORT)).unwrap();
        let error = waiting.read(&mut [0; 1]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);

        drop(idle);
        waiting.set_read_timeout(None).unwrap();
        assert!(answer_to(waiting).ends_with("phonewatch is healthy\n"));
    })
    .await
    .unwrap();
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_nobody_takes_keeps_its_place_until_its_connection_is_cut() {
    let server = Server::start(Bounds {
        lifetime: LONG,
        grace: SHORT,
        ..Bounds::default()
    })
    .await;
    let mut stream = server.connect();
    stream
        .write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        .unwrap();
    let scrapes = Arc::clone(&server.scrapes);
    let stream = spawn_blocking(move || {
        // The first byte tells that the page is made; the others do not fit into what the kernel holds.
        stream.read_exact(&mut [0]).unwrap();
        stream
    })
    .await
    .unwrap();
    assert_eq!(scrapes.available_permits(), page::SCRAPES - 1);
    server.stop().await;
    assert_eq!(scrapes.available_permits(), page::SCRAPES);
    drop(stream);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_was_taken_gives_its_place_back() {
    let server = Server::start(Bounds::default()).await;
    for _ in 0..=page::SCRAPES {
        let mut stream = server.connect();
        let page = spawn_blocking(move || {
            let request = b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
            stream.write_all(request).unwrap();
            answer_to(stream)
        });
        let page = page.await.unwrap();
        assert!(page.starts_with("HTTP/1.1 200 OK\r\n"));
        assert_eq!(page.matches("\nphonewatch_phone_up{").count(), PHONES);
    }
    let scrapes = Arc::clone(&server.scrapes);
    server.stop().await;
    assert_eq!(scrapes.available_permits(), page::SCRAPES);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_in_gzip_is_the_same_page() {
    let server = Server::start(Bounds::default()).await;
    let mut stream = server.connect();
    let answer = spawn_blocking(move || {
        let request = b"GET /metrics HTTP/1.0\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n";
        stream.write_all(request).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        answer
    });
    let answer = answer.await.unwrap();
    let head_ends = answer.windows(4).position(|four| four == b"\r\n\r\n");
    let (head, body) = answer.split_at(head_ends.unwrap() + 4);
    let head = String::from_utf8_lossy(head).to_lowercase();
    assert!(head.contains("\r\ncontent-encoding: gzip\r\n"), "{head}");
    let mut page = String::new();
    flate2::read::GzDecoder::new(body)
        .read_to_string(&mut page)
        .unwrap();
    assert_eq!(page.matches("\nphonewatch_phone_up{").count(), PHONES);
    assert!(page.len() > 10 * body.len());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scrape_too_many_is_told_so() {
    let server = Server::start(Bounds::default()).await;
    // Nobody gets a turn any more, as where none comes free in time.
    server.scrapes.close();
    let mut stream = server.connect();
    let answer = spawn_blocking(move || {
        let request = b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        stream.write_all(request).unwrap();
        answer_to(stream)
    });
    let answer = answer.await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(answer.contains("\r\nretry-after: 5\r\n"), "{answer}");
    server.stop().await;
}

/// So many that their page is larger than what the kernel holds for a client that does not read.
const PHONES: usize = 10_000;

struct Server {
    address: SocketAddr,
    scrapes: Arc<Semaphore>,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<io::Result<()>>,
}

impl Server {
    async fn start(bounds: Bounds) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let settings = MetricsSettings {
            per_phone: PerPhone::All,
            per_phone_limit: PHONES,
        };
        let state = WebState::new(
            Arc::new(ArcSwap::from_pointee(fleet())),
            || SensorState {
                interfaces: Vec::new(),
                ring_used_ratio: 0.0,
                lag: Duration::ZERO,
                published: None,
                started: Timestamp::EPOCH,
                reload: ReloadState {
                    succeeded: true,
                    last_success: Timestamp::EPOCH,
                },
                alerts: AlertState::default(),
                evidence: EvidenceState::default(),
            },
            Arc::new(ArcSwap::from_pointee(settings)),
        );
        let scrapes = Arc::clone(&state.scrapes);
        let (stop, stopped) = oneshot::channel();
        let shutdown = async { stopped.await.unwrap() };
        let serving = tokio::spawn(server::serve(
            listener,
            router(state),
            Arc::default(),
            bounds,
            shutdown,
        ));
        Self {
            address,
            scrapes,
            stop,
            serving,
        }
    }

    fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).unwrap()
    }

    async fn stop(self) {
        self.stop.send(()).unwrap();
        let ended = tokio::time::timeout(Duration::from_secs(15), self.serving).await;
        ended.expect("it ends").unwrap().unwrap();
    }
}

fn answer_to(mut stream: TcpStream) -> String {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn fleet() -> Snapshot {
    let mut snapshot = Snapshot::default();
    for number in (0..).take(PHONES) {
        let device = Device {
            name: DeviceName::from_wire(format!("SEP{number:012}").as_bytes()),
            is_proven: true,
            looks_like_a_phone: true,
            load: Some("x".repeat(64).into()),
            ..Device::default()
        };
        snapshot.devices.insert(number, device);
    }
    snapshot
}
