//! A web server with TLS that does as it is told, in threads of its own.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use tokio::sync::Notify;

type Tls = StreamOwned<ServerConnection, TcpStream>;

/// What the server does with a request.
pub(super) enum Reply {
    /// Sends this, and ends the connection in order.
    Send(Vec<u8>),
    /// Sends this, and cuts the connection.
    Cut(Vec<u8>),
    /// Sends this, and then one byte after the other without end.
    Drip(Vec<u8>),
    /// Sends nothing, and keeps the connection.
    Hang,
}

/// A running server. Dropping it lets all connections go.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    /// Is told of each request, before it is answered.
    requested: Arc<Notify>,
    is_stopped: Arc<AtomicBool>,
    _stop: Sender<()>,
}

/// Returns an answer with a content type.
pub(super) fn ok(content_type: &str, body: &str) -> Reply {
    head("200 OK", &format!("content-type: {content_type}\r\n"), body)
}

/// Returns an answer with these headers.
pub(super) fn head(status: &str, headers: &str, body: &str) -> Reply {
    let length = body.len();
    let text =
        format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}");
    Reply::Send(text.into_bytes())
}

impl Server {
    /// Starts a server that answers each request, head and body, with a reply.
    pub(super) fn start(reply: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (requests, requested) = (Arc::<Mutex<Vec<_>>>::default(), Arc::new(Notify::new()));
        let (stop, stopped) = channel();
        let (stopped, reply, config) = (Arc::new(Mutex::new(stopped)), Arc::new(reply), Arc::new(config()));
        let (seen, told) = (Arc::clone(&requests), Arc::clone(&requested));
        let is_stopped = Arc::new(AtomicBool::new(false));
        let stops = Arc::clone(&is_stopped);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if stops.load(SeqCst) {
                    return;
                }
                let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
                let mut tls = StreamOwned::new(connection, stream.unwrap());
                let (seen, told, reply, stopped) =
                    (Arc::clone(&seen), Arc::clone(&told), Arc::clone(&reply), Arc::clone(&stopped));
                thread::spawn(move || {
                    let Some(request) = read(&mut tls) else { return };
                    seen.lock().unwrap().push(request.clone());
                    told.notify_one();
                    answer(tls, reply(&request), &stopped);
                });
            }
        });
        Self { address, requests, requested, is_stopped, _stop: stop }
    }

    /// Stops listening, before it returns.
    pub(super) fn stop(self) {
        self.is_stopped.store(true, SeqCst);
        // The thread sees it at its next connection, and listens no more when a further one fails.
        while TcpStream::connect(self.address).is_ok() {}
    }

    pub(super) fn url(&self, path: &str) -> reqwest::Url {
        format!("https://lists.test:{}{path}", self.address.port()).parse().unwrap()
    }

    pub(super) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    /// Waits until a request has come.
    pub(super) async fn requested(&self) {
        self.requested.notified().await;
    }
}

fn config() -> ServerConfig {
    let certificate = CertificateDer::from_pem_slice(include_bytes!("data/server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("data/server.key")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    config.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap()
}

/// Reads a head, and the body that it announces.
fn read(tls: &mut Tls) -> Option<String> {
    let (mut request, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let text = String::from_utf8_lossy(&request).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let lower = head.to_ascii_lowercase();
            let length =
                lower.split_once("content-length: ").and_then(|(_, rest)| rest.lines().next()?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return Some(text);
            }
        }
        match tls.read(&mut buffer) {
            Ok(read) if read > 0 => request.extend_from_slice(&buffer[..read]),
            Ok(_) | Err(_) => return None,
        }
    }
}

fn answer(mut tls: Tls, reply: Reply, stopped: &Mutex<Receiver<()>>) {
    // Whoever has heard enough leaves: that is no failure here.
    match reply {
        Reply::Send(bytes) => {
            let _ = tls.write_all(&bytes);
            tls.conn.send_close_notify();
            let _ = tls.flush();
            // What the client still says is read, so that its kernel does not throw our answer away.
            let _ = tls.read(&mut [0; 16]);
        }
        Reply::Cut(bytes) => {
            let _ = tls.write_all(&bytes);
        }
        Reply::Drip(bytes) => {
            let _ = tls.write_all(&bytes);
            while tls.write_all(b"\n").is_ok() {
                if stopped.lock().unwrap().recv_timeout(Duration::from_millis(1)) == Err(DISCONNECTED) {
                    return;
                }
            }
        }
        Reply::Hang => {
            let _ = stopped.lock().unwrap().recv();
        }
    }
}

const DISCONNECTED: std::sync::mpsc::RecvTimeoutError = std::sync::mpsc::RecvTimeoutError::Disconnected;
