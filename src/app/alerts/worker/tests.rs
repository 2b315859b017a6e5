//! The task, with a receiver that is down or answers; the alerts' thread is the test.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};

use super::*;
use crate::config::Config;
use crate::delivery::{Client, test_message};

fn sender(address: SocketAddr) -> Sender {
    let text =
        format!("[[alert.receiver]]\nname = 'hook'\nkind = 'webhook'\nurl = 'http://{address}/'\n");
    let settings = Config::parse("test", &text).unwrap().alert;
    let client = Client::new().unwrap();
    Sender::prepare(&settings.receiver[0], &settings, &client).unwrap()
}

/// What the task says became of this message, up to its next question; it has ended then. Meanwhile the bell rings.
async fn settled(address: SocketAddr, attempts: u32) -> (Vec<Settled>, bool) {
    let (commands, received) = mpsc::channel();
    let (bell, rung) = watch::channel(0);
    let counts = Arc::new(Counts::default());
    let task = tokio::spawn(work(sender(address), commands, rung, counts));
    let alerts = tokio::task::spawn_blocking(move || {
        let mut bell = Some(bell);
        let mut message = Some(Pending {
            number: 1,
            attempts,
            notification: test_message("hook", clock::now()),
        });
        let (mut settled, mut asks_again) = (Vec::new(), false);
        while let Ok(command) = received.recv() {
            match command {
                Command::Next(_, answer) => {
                    asks_again |= message.is_none();
                    let next = message.take().map(Box::new);
                    // The task may have ended.
                    answer.send(next.map_or(Next::Nothing, Next::Message)).ok();
                }
                Command::Settle(what) => {
                    settled.push(what);
                    // Once it has no more to do it ends.
                    if let Some(bell) = bell.take() {
                        bell.send_modify(|rings| *rings += 1);
                    }
                }
                Command::Happened(_)
                | Command::Reconfigure(..)
                | Command::Standing(..)
                | Command::Change(..)
                | Command::Stop(_) => panic!("a webhook is asked for nothing else"),
            }
        }
        (settled, asks_again)
    });
    task.await.unwrap();
    alerts.await.unwrap()
}

#[tokio::test]
async fn a_receiver_that_is_down_is_not_tried_by_the_next_message() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let before = clock::now();
    let (settled, asks_again) = settled(address, 0).await;
    let [Settled::Later(1, again_at)] = settled.as_slice() else {
        panic!("it is tried again later");
    };
    assert!(again_at.since(before) >= Duration::from_secs(5));
    assert!(!asks_again, "others wait behind it");
}

#[tokio::test]
async fn a_receiver_that_is_back_is_sent_all_that_waits() {
    for (attempts, wakes) in [(0, false), (3, true)] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let (mut line, mut length) = (String::new(), 0);
            while reader.read_line(&mut line).unwrap() > 2 {
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                line.clear();
            }
            reader.read_exact(&mut vec![0; length]).unwrap();
            let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
            stream.write_all(answer).unwrap();
        });
        let (settled, asks_again) = settled(address, attempts).await;
        server.join().unwrap();
        let woken = settled
            .iter()
            .filter(|it| matches!(it, Settled::Answered(receiver) if receiver == "hook"));
        assert_eq!(woken.count(), usize::from(wakes), "{attempts}");
        assert!(matches!(settled.last(), Some(Settled::Delivered { .. })));
        assert!(asks_again);
    }
}
