//! The files of ops/proxy with the real nginx and HAProxy: who asks is the client and not the proxy, a client cannot say
//! it is somebody else, and WebSockets get through.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// Requests that a client has.
const BURST: usize = 5;

/// A program, killed when dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // nginx has workers, which end with their master when that is asked to end.
        let _ = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status();
        let _ = self.0.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn godwit(folder: &Path) -> (Running, u16) {
    let port = free_port();
    let mut child = Command::new(env!("CARGO_BIN_EXE_godwit"))
        .args(["serve", "--listen", &format!("127.0.0.1:{port}"), "--log", "warn"])
        .args(["--rate-limit", "1", "--rate-burst", &BURST.to_string(), "--viewers-per-address", "1", "--data"])
        .arg(folder.join("data"))
        .env_remove("GODWIT_CONFIG")
        .current_dir(folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("is ready on"), "{line}");
    (Running(child), port)
}

/// The file of ops/proxy for these ports.
fn config(name: &str, (listens, instead): (&str, &str), program: u16) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ops/proxy").join(name);
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.contains(listens) && text.contains("127.0.0.1:8080"), "{name}");
    text.replace("127.0.0.1:8080", &format!("127.0.0.1:{program}")).replace(listens, instead)
}

fn nginx(folder: &Path, program: u16) -> (Running, u16) {
    let port = free_port();
    std::fs::write(folder.join("godwit.conf"), config("nginx.conf", ("listen 80;", &format!("listen 127.0.0.1:{port};")), program))
        .unwrap();
    let here = folder.display();
    let temporary: String =
        ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].iter().map(|kind| format!("{kind}_temp_path {here}/{kind};\n")).collect();
    let main = format!(
        "daemon off; user root; worker_processes 1; pid {here}/nginx.pid; error_log {here}/error.log;\n\
         events {{ worker_connections 128; }}\nhttp {{ access_log off;\n{temporary}include {here}/godwit.conf; }}\n"
    );
    std::fs::write(folder.join("nginx.conf"), main).unwrap();
    let child = Command::new("nginx").arg("-p").arg(folder).arg("-c").arg(folder.join("nginx.conf")).stderr(Stdio::null()).spawn();
    (Running(child.expect("nginx is installed: scripts/need.sh proxies")), port)
}

fn haproxy(folder: &Path, program: u16) -> (Running, u16) {
    let port = free_port();
    let path = folder.join("haproxy.cfg");
    std::fs::write(&path, config("haproxy.cfg", ("bind :80\n", &format!("bind 127.0.0.1:{port}\n")), program)).unwrap();
    let child = Command::new("haproxy").arg("-db").arg("-f").arg(&path).stderr(Stdio::null()).spawn();
    (Running(child.expect("haproxy is installed: scripts/need.sh proxies")), port)
}

/// A connection from an address of this machine, as soon as somebody listens.
fn connect(from: &str, port: u16) -> TcpStream {
    let began = Instant::now();
    loop {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::new(from.parse().unwrap(), 0).into()).unwrap();
        if socket.connect(&SocketAddr::from(([127, 0, 0, 1], port)).into()).is_ok() {
            let stream = TcpStream::from(socket);
            stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
            return stream;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "nobody listens");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The status of an answer, and the connection if it is a WebSocket.
fn ask(from: &str, port: u16, path: &str, headers: &str) -> (u16, TcpStream) {
    let mut stream = connect(from, port);
    write!(stream, "GET {path} HTTP/1.1\r\nHost: aprs.example\r\n{headers}\r\n").unwrap();
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    (head[9..12].parse().unwrap(), stream)
}

const SOCKET: &str =
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

fn works_behind(proxy: fn(&Path, u16) -> (Running, u16)) {
    let folder = tempfile::tempdir().unwrap();
    let (_program, port) = godwit(folder.path());
    let (_proxy, front) = proxy(folder.path(), port);
    // One client: whatever it says it is, in whatever header, its requests are counted together.
    for number in 0..BURST {
        let said = [format!("X-Forwarded-For: 203.0.113.{number}\r\n"), "Forwarded: for=203.0.113.9\r\n".to_owned(), String::new()];
        assert_eq!(ask("127.0.0.2", front, "/api/v1", &said[number % 3]).0, 200, "{number}");
    }
    for said in ["", "X-Forwarded-For: 203.0.113.77\r\n", "X-Real-IP: 203.0.113.77\r\n", "X-Forwarded-For: 127.0.0.1\r\n"] {
        assert_eq!(ask("127.0.0.2", front, "/api/v1", said).0, 429, "{said}");
    }
    // Another client has requests of its own; who asks without the proxy is a program of this machine.
    assert_eq!(ask("127.0.0.3", front, "/api/v1", "").0, 200);
    assert_eq!(ask("127.0.0.1", port, "/api/v1", "").0, 200);
    // Viewers: the server speaks first, and one client has one place.
    let (status, mut viewer) = ask("127.0.0.2", front, "/live/v1/ws", SOCKET);
    assert_eq!(status, 101);
    let mut hello = [0; 3];
    viewer.read_exact(&mut hello).unwrap();
    assert_eq!(hello[0], 0x82, "a binary frame");
    assert_eq!(ask("127.0.0.2", front, "/live/v1/ws", SOCKET).0, 429);
    assert_eq!(ask("127.0.0.3", front, "/live/v1/ws", SOCKET).0, 101);
}

#[test]
fn clients_behind_nginx_are_told_apart() {
    works_behind(nginx);
}

#[test]
fn clients_behind_haproxy_are_told_apart() {
    works_behind(haproxy);
}
