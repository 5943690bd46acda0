//! The scene of an attack: the program on free ports with stations in its store, an APRS-IS server that keeps sending,
//! and honest clients whose delays are measured.

use std::{
    io::{BufRead as _, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use serde_json::Value;

/// An answer over HTTP.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: String,
}

impl Answer {
    fn read(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        Self { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

/// What the program is started with.
pub(crate) struct Plan {
    folder: tempfile::TempDir,
    files: Option<u32>,
}

/// The running program.
pub(crate) struct Scene {
    child: Child,
    pub(crate) address: String,
    operators: String,
    pub(crate) feed_address: String,
    pub(crate) folder: tempfile::TempDir,
    _feed: Feed,
}

impl Scene {
    /// A store with so many stations near 47.5 N 7.5 E, each heard a moment ago.
    pub(crate) fn with_stations(count: u32) -> Plan {
        let folder = tempfile::tempdir().unwrap();
        let lines: String = (0..count)
            .map(|station| {
                let (latitude, longitude) = (station % 6000, station / 6000 * 100 % 6000);
                format!(
                    "S{station}>APRS,TCPIP*,qAC,T2TEST:!47{:02}.{:02}N/007{:02}.{:02}E>station {station} of an attack's scene\n",
                    latitude / 100,
                    latitude % 100,
                    longitude / 100,
                    longitude % 100
                )
            })
            .collect();
        let mut import = program().args(["import", "-", "--data"]).arg(folder.path()).stdin(Stdio::piped()).spawn().unwrap();
        import.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
        assert!(import.wait().unwrap().success());
        Plan { folder, files: None }
    }

    /// Asks once over a connection of its own.
    pub(crate) fn ask(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send(&request(path, headers, "close"))
    }

    /// Sends bytes and reads until the end; an answer of status 0 if there was none.
    pub(crate) fn send(&self, bytes: &str) -> Answer {
        let mut socket = self.connect();
        let mut answer = Vec::new();
        // Whoever is turned away at once may be reset while he still writes.
        let _ = socket.write_all(bytes.as_bytes());
        let _ = socket.read_to_end(&mut answer);
        Answer::read(&answer)
    }

    pub(crate) fn connect(&self) -> TcpStream {
        connect(&self.address)
    }

    /// A WebSocket, or the status it was refused with.
    pub(crate) fn handshake(&self, headers: &[(&str, &str)]) -> Result<TcpStream, u16> {
        let mut socket = self.connect();
        let upgrade = [("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")];
        let _ = socket.write_all(request("/live/v1/ws", &[&upgrade[..], headers].concat(), "Upgrade").as_bytes());
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") && socket.read(&mut byte).is_ok_and(|read| read == 1) {
            head.push(byte[0]);
        }
        match Answer::read(&head).status {
            101 => Ok(socket),
            status => Err(status),
        }
    }

    /// A viewer of the tile that all stations are in; it counts the time between the messages it gets.
    pub(crate) fn viewer(&self) -> Viewer {
        let mut socket = self.handshake(&[("X-Forwarded-For", "198.51.100.77")]).unwrap();
        let text = br#"{"tiles":[[7,66,44]]}"#;
        let masked: Vec<u8> = text.iter().map(|byte| byte ^ 7).collect();
        socket.write_all(&[&[0x81, 0x80 | u8::try_from(text.len()).unwrap(), 7, 7, 7, 7][..], &masked].concat()).unwrap();
        // The hello, the snapshot, and the first news: from here on gaps count.
        let mut buffer = vec![0; 1 << 20];
        for _ in 0..3 {
            assert!(socket.read(&mut buffer).unwrap() > 0);
        }
        Viewer(watch(move || socket.read(&mut buffer).is_ok_and(|read| read > 0)))
    }

    /// Somebody who asks the same question again and again on new connections.
    pub(crate) fn probe(&self, path: &'static str) -> Viewer {
        let address = self.address.clone();
        Viewer(watch(move || {
            let mut socket = connect(&address);
            let mut answer = String::new();
            let asked = socket.write_all(request(path, &[], "close").as_bytes()).and_then(|()| socket.read_to_string(&mut answer));
            assert!(asked.is_ok() && answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
            true
        }))
    }

    /// What operators are told.
    pub(crate) fn operators_status(&self) -> Value {
        let mut socket = connect(&self.operators);
        socket.write_all(request("/api/v1/status", &[], "close").as_bytes()).unwrap();
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer).unwrap();
        serde_json::from_str(&Answer::read(&answer).body).unwrap()
    }

    /// Resident memory of the program, KiB.
    pub(crate) fn memory_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().split(' ').next().unwrap().parse().unwrap()
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Plan {
    /// The most files that the program may have open.
    pub(crate) fn files(self, files: u32) -> Self {
        Self { files: Some(files), ..self }
    }

    /// Starts the program and waits until it is ready and packets come.
    pub(crate) fn serve(self, more: &[&str]) -> Scene {
        let feed = Feed::start();
        let (address, operators) = (free(), free());
        let mut command = match self.files {
            // Of a shell: the program inherits what it may open.
            Some(files) => {
                let mut shell = Command::new("sh");
                shell.args(["-c", &format!("ulimit -n {files}; exec \"$0\" \"$@\"")]).arg(binary());
                shell
            }
            None => Command::new(binary()),
        };
        command.args(["serve", "--listen", &address, "--metrics-listen", &operators, "--callsign", "N0CALL-1", "--log", "warn"]);
        command.args(["--aprs-is", &feed.address, "--filter", "r/47/7/100", "--data"]).arg(self.folder.path()).args(more);
        quiet(&mut command);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.contains("is ready on"), "{line}");
        let feed_address = feed.address.clone();
        let scene = Scene { child, address, operators, feed_address, folder: self.folder, _feed: feed };
        until("packets come", || (scene.operators_status()["packets"]["received"].as_u64()? > 0).then_some(()));
        scene
    }
}

/// A thread that does something again and again and keeps the longest time that it took.
pub(crate) struct Viewer((Arc<AtomicBool>, Arc<AtomicU64>, JoinHandle<()>));

impl Viewer {
    /// The longest time between two messages, the one under way counted; ends it.
    pub(crate) fn longest_gap(self) -> Duration {
        let (stop, longest, task) = self.0;
        stop.store(true, Ordering::SeqCst);
        task.join().unwrap();
        Duration::from_micros(longest.load(Ordering::SeqCst))
    }

    /// The slowest answer; ends it.
    pub(crate) fn slowest(self) -> Duration {
        self.longest_gap()
    }
}

fn watch(mut once: impl FnMut() -> bool + Send + 'static) -> (Arc<AtomicBool>, Arc<AtomicU64>, JoinHandle<()>) {
    let (stop, longest) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
    let (until, most) = (stop.clone(), longest.clone());
    let task = thread::spawn(move || {
        while !until.load(Ordering::SeqCst) {
            let began = Instant::now();
            assert!(once(), "an honest client was cut off");
            most.fetch_max(u64::try_from(began.elapsed().as_micros()).unwrap(), Ordering::SeqCst);
        }
    });
    (stop, longest, task)
}

/// An APRS-IS server that sends a position ten times a second, of five stations in turn, to everybody who logs in.
struct Feed {
    address: String,
    stop: Arc<AtomicBool>,
}

impl Feed {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, stop) = (listener.local_addr().unwrap().to_string(), Arc::<AtomicBool>::default());
        let ended = stop.clone();
        thread::spawn(move || {
            while let Ok((socket, _)) = listener.accept() {
                let ended = ended.clone();
                thread::spawn(move || feed(socket, &ended));
            }
        });
        Self { address, stop }
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
    }
}

fn feed(mut socket: TcpStream, ended: &AtomicBool) -> Option<()> {
    socket.write_all(b"# testkit 1.0\r\n").ok()?;
    BufReader::new(socket.try_clone().ok()?).read_line(&mut String::new()).ok()?;
    socket.write_all(b"# logresp N0CALL-1 unverified, server TEST\r\n").ok()?;
    for number in 0_u32.. {
        if ended.load(Ordering::SeqCst) {
            return None;
        }
        // Each of them moves by 0.01' twice a second: at 130 km/h.
        let (station, minutes) = (number % 5, number / 5 % 6000);
        let line = format!(
            "M{station}>APRS,TCPIP*,qAC,T2TEST:!48{:02}.{:02}N/0073{station}.00E>moving {number}\r\n",
            minutes / 100,
            minutes % 100
        );
        socket.write_all(line.as_bytes()).ok()?;
        thread::sleep(Duration::from_millis(100));
    }
    None
}

/// The program under attack: the one that `GODWIT` names (`make chaos`: the release binary), or what cargo built for the tests.
fn binary() -> PathBuf {
    std::env::var_os("GODWIT").map_or_else(|| env!("CARGO_BIN_EXE_godwit").into(), PathBuf::from)
}

/// Whether that is the release binary.
pub(crate) fn is_release() -> bool {
    std::env::var_os("GODWIT").is_some()
}

fn program() -> Command {
    let mut command = Command::new(binary());
    quiet(&mut command);
    command
}

fn quiet(command: &mut Command) {
    command.env_remove("GODWIT_CONFIG").current_dir(std::env::temp_dir()).stdin(Stdio::null());
}

/// An address with a port that was free a moment ago.
fn free() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

fn connect(address: &str) -> TcpStream {
    let socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    socket
}

fn request(path: &str, headers: &[(&str, &str)], connection: &str) -> String {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: {connection}\r\n{headers}\r\n")
}

/// Whether the other side keeps a connection: after what it sent is read, there is neither an end nor a reset.
pub(crate) fn still_open(socket: &mut TcpStream) -> bool {
    socket.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let mut bytes = vec![0; 1 << 16];
    loop {
        match socket.read(&mut bytes) {
            Ok(0) => return false,
            Ok(_) => {}
            Err(error) => return matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut),
        }
    }
}

/// Waits until something is so.
pub(crate) fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "not within a minute: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}
