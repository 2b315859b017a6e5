//! A webhook behind TLS, with certificates that are good and with those that are not.

use std::fs;
use std::io::{BufRead, BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use super::certificates::{Authority, Issued};
use super::is_missing;

/// Takes one message after the other, and says its port and then the line of each request.
const SERVER: &str = r#"
import http.server, ssl, sys
class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        print(self.requestline, self.connection.version(), flush=True)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"taken")
    def log_message(self, *arguments):
        pass
context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain(*sys.argv[1:])
class Server(http.server.HTTPServer):
    def handle_error(self, request, client_address):
        pass
server = Server(("127.0.0.1", 0), Hook)
server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_address[1], flush=True)
server.serve_forever()
"#;

struct Server {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
    port: u16,
}

impl Server {
    fn start(issued: &Issued) -> Option<Self> {
        let process = Command::new("/usr/bin/python3")
            .args(["-c", SERVER])
            .args([&issued.certificate, &issued.key])
            .stdout(Stdio::piped())
            .spawn();
        let Ok(mut process) = process else {
            is_missing("python3");
            return None;
        };
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let port = lines.next().unwrap().unwrap().parse().unwrap();
        Some(Self {
            process,
            lines,
            port,
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// Sends a test message; the exit status and what was said.
fn attempt(folder: &Path, url: &str, trusted: &Path) -> (Option<i32>, String) {
    let config = folder.join("phonewatch.toml");
    let text = format!("[[alert.receiver]]\nname = 'it'\nkind = 'webhook'\nurl = '{url}'\n");
    fs::write(&config, text).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_phonewatch"))
        .args(["alert", "test", "it", "--config"])
        .arg(config)
        .env("SSL_CERT_FILE", trusted)
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

#[test]
fn a_webhook_behind_tls_is_trusted_by_its_authority() {
    let Some(authority) = Authority::new() else {
        is_missing("openssl");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let Some(mut server) = Server::start(&authority.issue("DNS:localhost")) else {
        return;
    };
    let url = format!("https://localhost:{}/hook?key=secret", server.port);
    let (status, said) = attempt(folder.path(), &url, &authority.certificate());
    assert_eq!(status, Some(0), "{said}");
    assert_eq!(said, "delivered: localhost answered 200 OK: taken\n");
    let request = server.lines.next().unwrap().unwrap();
    assert_eq!(request, "POST /hook?key=secret HTTP/1.1 TLSv1.3");

    let stranger = Authority::new().unwrap();
    let elsewhere = format!("https://127.0.0.1:{}/secret", server.port);
    for (url, trusted) in [
        (&url, stranger.certificate()),
        (&url, "/etc/ssl/certs/ca-certificates.crt".into()),
    ] {
        let (status, said) = attempt(folder.path(), url, &trusted);
        assert_eq!(status, Some(1), "{said}");
        for part in [
            "localhost: TLS failed",
            "nobody that is trusted here",
            "SSL_CERT_FILE",
            "would try again",
        ] {
            assert!(said.contains(part), "{part} is not in {said}");
        }
        assert!(!said.contains("secret"), "{said}");
    }
    let (status, said) = attempt(folder.path(), &elsewhere, &authority.certificate());
    assert!(
        status == Some(1) && said.contains("its certificate is for another name"),
        "{said}"
    );
}

#[test]
fn a_certificate_that_has_expired_is_told() {
    let Some(authority) = Authority::new() else {
        is_missing("openssl");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let expired = authority.issue_until("DNS:localhost", "20200201000000Z");
    let Some(server) = Server::start(&expired) else {
        return;
    };
    let url = format!("https://localhost:{}/", server.port);
    let (status, said) = attempt(folder.path(), &url, &authority.certificate());
    assert!(
        status == Some(1) && said.contains("has expired: renew it"),
        "{said}"
    );
}

#[test]
fn a_server_without_tls_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!(
        "https://localhost:{}/",
        listener.local_addr().unwrap().port()
    );
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        std::io::Read::read(&mut stream, &mut [0; 16]).unwrap();
        std::io::Write::write_all(&mut stream, b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
    });
    let (status, said) = attempt(
        folder.path(),
        &url,
        Path::new("/etc/ssl/certs/ca-certificates.crt"),
    );
    server.join().unwrap();
    assert!(
        status == Some(1) && said.contains("that is not TLS: is the port right"),
        "{said}"
    );
}
