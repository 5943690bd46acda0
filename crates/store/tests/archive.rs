//! A day goes into the archive and comes back as it was; what is damaged or would lose something is refused.

#![cfg(feature = "archive")]
#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

mod common;

use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use godwit_pipeline::Verdict;
use godwit_store::{
    DayState, Days, PostgresConfig, PostgresStore, SqliteStore, StoredPacket,
    archive::{Archive, ArchiveError, columns_page},
};
use godwit_testkit::TestDatabase;

use serde_json::Value;

use common::{DAY, NOON, S, batch};

const TODAY: i64 = NOON / DAY;

fn lines() -> Vec<(i64, Vec<u8>)> {
    let all: [&[u8]; 12] = [
        b"A1B-9>APRS,WIDE1-1*,qAR,IGATE:!4722.85N/00832.46E>147/064Z\xfcrich\0 /A=001234",
        b"A1B-9>APRS,qAR,OTHER:!4722.85N/00832.46E>147/064Z\xfcrich\0 /A=001234",
        b"nonsense <script>\xff",
        b"A1B-9>APRS,qAR,IGATE:;CAMP     *231200z4722.85N/00832.46E;tents",
        b"W1X>APRS,qAR,IGATE:!4722.85N/00832.46E_220/004g005t077r000p000P000h50b09900",
        b"A1B>APRS,qAR,I::B2C      :hello{12",
        b"A1B>APRS,qAR,I:>status \xe2\x82\xac",
        b"A1B>APRS,qAR,I:!1200.00N/00600.00E>far away",
        b"A1B>APRS,qAR,I:}C3D>APRS,TCPIP,A1B*:!4722.85N/00832.46E>inside",
        b"A1B>APRS,qAR,I:)ITEM!4722.85N/00832.46E>",
        b"A1B>APRS,qAR,I:",
        b"",
    ];
    // Three packets of one microsecond among them, and enough for several parts.
    let mut lines: Vec<(i64, Vec<u8>)> =
        all.iter().enumerate().map(|(at, line)| (NOON + i64::try_from(at).unwrap() / 3 * S, line.to_vec())).collect();
    lines.extend((0..500).map(|i| (NOON + 60 * S + i, format!("A{}B>APRS,qAR,I:!4722.85N/00832.46E>number {i}", i % 40).into_bytes())));
    lines
}

async fn fill(store: &dyn Days, lines: &[(i64, Vec<u8>)]) {
    let lines: Vec<(i64, &[u8])> = lines.iter().map(|(at_us, line)| (*at_us, &line[..])).collect();
    let mut batch = batch(&lines);
    for record in batch.records.iter_mut().filter(|record| record.raw.ends_with(b"far away")) {
        (record.verdict, record.position) = (Verdict::Implausible("far_away"), None);
    }
    store.append(batch).await.unwrap();
}

async fn one(store: &dyn Days) -> DayState {
    store.days().await.unwrap().into_iter().find(|state| state.day == TODAY).unwrap_or_default()
}

async fn all(store: &dyn Days) -> Vec<StoredPacket> {
    store.scan(0, i64::MAX, 10_000).await.unwrap()
}

async fn there_and_back(store: Arc<dyn Days>) {
    let folder = tempfile::tempdir().unwrap();
    let archive = Archive::open(folder.path().join("archive").to_str().unwrap(), folder.path()).unwrap();
    fill(&*store, &lines()).await;
    let (before, state) = (all(&*store).await, one(&*store).await);
    assert_eq!(before.len(), 512);
    for verdict in ["accepted", "duplicate", "implausible", "bad"] {
        assert!(before.iter().any(|packet| packet.verdict == verdict), "no {verdict}");
    }
    let done = archive.store(&*store, &state).await.unwrap();
    assert_eq!(done.rows, 512);
    assert!(Path::new(&done.at).ends_with("packets/2026/packets-2026-11-23.parquet") && Path::new(&done.at).is_file(), "{}", done.at);
    assert_eq!(one(&*store).await.archived, Some(512));
    // Again: the same values, the same sums.
    assert_eq!(archive.store(&*store, &one(&*store).await).await.unwrap().checksum, done.checksum);
    assert!(store.drop_day(TODAY, 512).await.unwrap());
    assert!(all(&*store).await.is_empty());
    assert_eq!(archive.restore(&*store, TODAY).await.unwrap(), (512, 512));
    let mut after = all(&*store).await;
    for (packet, was) in after.iter_mut().zip(&before) {
        // Why is read from the line again; the parser may say it better by then.
        assert_eq!(packet.reason.is_some(), was.reason.is_some());
        packet.reason.clone_from(&was.reason);
    }
    assert_eq!(after, before);
    assert!(one(&*store).await.keep);
    assert_eq!(archive.restore(&*store, TODAY).await.unwrap(), (512, 0), "nothing twice");
    // A part of it is there, and a packet that came late has the id of another.
    assert!(store.drop_day(TODAY, 512).await.unwrap());
    fill(&*store, &lines()[100..300]).await;
    fill(&*store, &[(NOON + 60 * S, b"A1B>APRS,qAR,I:>late".to_vec())]).await;
    assert_eq!(archive.restore(&*store, TODAY).await.unwrap(), (512, 312));
    assert_eq!(archive.restore(&*store, TODAY).await.unwrap(), (512, 0));
    let mut raws: Vec<Vec<u8>> = all(&*store).await.iter().map(|packet| packet.raw.to_vec()).collect();
    let mut wanted: Vec<Vec<u8>> = lines().into_iter().map(|(_, line)| line).chain([b"A1B>APRS,qAR,I:>late".to_vec()]).collect();
    raws.sort();
    wanted.sort();
    assert_eq!(raws, wanted);
    assert!(fs::read_dir(folder.path().join("archive.unfinished")).unwrap().next().is_none(), "nothing is left behind");
}

#[tokio::test]
async fn there_and_back_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    there_and_back(Arc::new(SqliteStore::open(folder.path()).unwrap())).await;
}

#[tokio::test]
async fn there_and_back_postgres() {
    let database = TestDatabase::create();
    there_and_back(Arc::new(PostgresStore::open(&PostgresConfig::new(&database.url)).await.unwrap())).await;
}

#[tokio::test]
async fn what_would_lose_something_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("data")).unwrap();
    let archive = Archive::open(folder.path().join("archive").to_str().unwrap(), folder.path()).unwrap();
    assert!(matches!(archive.restore(&store, TODAY).await, Err(ArchiveError::Missing(_))));
    fill(&store, &lines()).await;
    let state = one(&store).await;
    let error = archive.store(&store, &DayState { packets: 511, ..state }).await.unwrap_err();
    assert!(matches!(error, ArchiveError::Changed(_)), "{error}");
    assert_eq!(one(&store).await.archived, None);
    let done = archive.store(&store, &state).await.unwrap();
    // Fewer packets never take the place of more, whether or not the store knows of them.
    store.thin_day(TODAY, 512, godwit_store::Thin::Tracks(60)).await.unwrap().unwrap();
    let thin = one(&store).await;
    for archived in [Some(512), None] {
        let error = archive.store(&store, &DayState { archived, ..thin }).await.unwrap_err();
        assert!(matches!(error, ArchiveError::Fuller { archived: 512, .. }), "{error}");
    }
    // A damaged file is refused, or the damage is where no value is (statistics, say) and it comes back as it was.
    let good = fs::read(&done.at).unwrap();
    assert!(store.drop_day(TODAY, thin.packets).await.unwrap());
    let mut refused = 0;
    for at in (4..good.len()).step_by(good.len() / 150) {
        let mut bad = good.clone();
        bad[at] ^= 0x10;
        fs::write(&done.at, &bad).unwrap();
        match archive.restore(&store, TODAY).await {
            Err(error) => {
                assert!(matches!(error, ArchiveError::Differs { .. }), "byte {at}: {error}");
                assert!(all(&store).await.is_empty(), "nothing of a damaged file was kept");
                refused += 1;
            }
            Ok(_) => {
                let mut raws: Vec<Vec<u8>> = all(&store).await.iter().map(|packet| packet.raw.to_vec()).collect();
                let mut wanted: Vec<Vec<u8>> = lines().into_iter().map(|(_, line)| line).collect();
                raws.sort();
                wanted.sort();
                assert_eq!(raws, wanted, "byte {at}");
                assert!(store.drop_day(TODAY, 512).await.unwrap());
            }
        }
    }
    assert!(refused > 75, "{refused}");
    fs::write(&done.at, &good[..good.len() / 2]).unwrap();
    assert!(matches!(archive.restore(&store, TODAY).await, Err(ArchiveError::Differs { .. })));
    assert!(all(&store).await.is_empty());
}

/// The Python of `scripts/need.sh python`.
fn python() -> Command {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/python/bin/python");
    assert!(program.exists(), "DuckDB and moto are not installed: run scripts/need.sh python");
    Command::new(program)
}

/// Every packet as JSON, bytes in hexadecimal and times in microseconds; then names and types of the columns.
const READ: &str = "
import duckdb, json, sys
db = duckdb.connect()
db.execute(\"SET TimeZone = 'UTC'\")
rows = db.execute('SELECT * EXCLUDE (received_at, raw), epoch_us(received_at) AS received_us, hex(raw) AS raw FROM read_parquet(?) ORDER BY id', [sys.argv[1]])
names = [column[0] for column in rows.description]
print(json.dumps([dict(zip(names, row)) for row in rows.fetchall()]))
print(json.dumps([[row[0], row[1]] for row in db.execute('DESCRIBE SELECT * FROM read_parquet(?)', [sys.argv[1]]).fetchall()]))
";

#[tokio::test]
async fn duckdb_reads_what_we_wrote() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("data")).unwrap();
    let archive = Archive::open(folder.path().join("archive").to_str().unwrap(), folder.path()).unwrap();
    fill(&store, &lines()).await;
    let done = archive.store(&store, &one(&store).await).await.unwrap();
    let output = python().args(["-c", READ, &done.at]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let (rows, columns) = text.split_once('\n').unwrap();
    let rows: Vec<Value> = serde_json::from_str(rows).unwrap();
    let packets = all(&store).await;
    assert_eq!(rows.len(), 512);
    let hex = |bytes: &[u8]| {
        bytes.iter().fold(String::new(), |mut text, byte| {
            let _ = std::fmt::Write::write_fmt(&mut text, format_args!("{byte:02X}"));
            text
        })
    };
    for (row, packet) in rows.iter().zip(&packets) {
        assert_eq!(
            (row["id"].as_i64(), row["received_us"].as_i64(), row["verdict"].as_str(), row["raw"].as_str()),
            (Some(packet.id), Some(packet.received_at_us), Some(packet.verdict), Some(&*hex(&packet.raw))),
            "{row}"
        );
        assert_eq!(row["reason"].is_string(), packet.reason.is_some(), "{row}");
    }
    let with = |part: &str| rows.iter().find(|row| row["raw"].as_str().unwrap().contains(&hex(part.as_bytes()))).unwrap();
    let says = |row: &Value, column: &str, value: f64| {
        let found = row[column].as_f64().unwrap_or(f64::NAN);
        assert!((found - value).abs() < 1e-6, "{column} is {found}: {row}");
    };
    let moving = with("WIDE1-1*");
    for (column, value) in [
        ("kind", "position"),
        ("entity_kind", "station"),
        ("source", "A1B-9"),
        ("name", "A1B-9"),
        ("path", "WIDE1-1*,qAR,IGATE"),
        ("igate", "IGATE"),
        ("symbol", "/>"),
    ] {
        assert_eq!(moving[column], value, "{moving}");
    }
    says(moving, "latitude", 47.0 + 22.85 / 60.0);
    says(moving, "longitude", 8.0 + 32.46 / 60.0);
    says(moving, "altitude_m", 1234.0 * 0.3048);
    says(moving, "speed_kmh", 64.0 * 1.852);
    says(moving, "course_deg", 147.0);
    assert_eq!((&moving["status"], &moving["temperature_c"]), (&Value::Null, &Value::Null));
    let weather = with("h50b09900");
    says(weather, "humidity_percent", 50.0);
    says(weather, "pressure_hpa", 990.0);
    says(weather, "temperature_c", 25.0);
    says(weather, "wind_direction_deg", 220.0);
    let message = with(":hello{12");
    assert_eq!((&message["addressee"], &message["message"], &message["message_id"]), (&"B2C".into(), &"hello".into(), &"12".into()));
    assert_eq!((&with("CAMP")["entity_kind"], &with("CAMP")["name"]), (&"object".into(), &"CAMP".into()));
    assert_eq!(with("status ")["status"], "status €");
    // Names and types are those of docs/archive.md.
    let columns: Vec<(String, String)> = serde_json::from_str(columns).unwrap();
    let page = columns_page();
    let documented = page.lines().skip(2).map(|line| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let kind = match cells[2].split(' ').next().unwrap() {
            "INT64" => "BIGINT",
            "TIMESTAMP" => "TIMESTAMP WITH TIME ZONE",
            "STRING" => "VARCHAR",
            "BYTE_ARRAY" => "BLOB",
            other => other,
        };
        (cells[1].trim_matches('`').to_owned(), kind.to_owned())
    });
    assert_eq!(columns, documented.collect::<Vec<_>>());
}

/// moto: a server of the S3 protocol; ends with the test.
struct S3(Child, String);

impl S3 {
    fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
        let mut command = python();
        command.args(["-m", "moto.server", "-H", "127.0.0.1", "-p", &port]).stdout(Stdio::null()).stderr(Stdio::null());
        let server = Self(command.spawn().unwrap(), format!("127.0.0.1:{port}"));
        let began = Instant::now();
        while TcpStream::connect(&server.1).is_err() {
            assert!(began.elapsed() < Duration::from_secs(60), "moto does not start");
            std::thread::sleep(Duration::from_millis(50));
        }
        server
    }

    /// The answer to a request without a body.
    fn ask(&self, method: &str, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.1).unwrap();
        write!(stream, "{method} {path} HTTP/1.1\r\nHost: {}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", self.1).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }
}

impl Drop for S3 {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Keys and endpoint come from the environment, which belongs to a process: the test runs itself again with them.
#[tokio::test]
async fn there_and_back_by_s3() {
    if std::env::var_os("GODWIT_TEST_S3").is_none() {
        let server = S3::start();
        assert!(server.ask("PUT", "/days").contains(" 200 "), "a bucket");
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "there_and_back_by_s3", "--nocapture"])
            .envs([("GODWIT_TEST_S3", "1"), ("AWS_ENDPOINT_URL", &format!("http://{}", server.1)), ("AWS_ALLOW_HTTP", "true")])
            .envs([("AWS_ACCESS_KEY_ID", "key"), ("AWS_SECRET_ACCESS_KEY", "secret"), ("AWS_REGION", "us-east-1")])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let listing = server.ask("GET", "/days?list-type=2");
        assert!(listing.contains("aprs/packets/2026/packets-2026-11-23.parquet"), "{listing}");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("data")).unwrap();
    let archive = Archive::open("s3://days/aprs", folder.path()).unwrap();
    assert!(matches!(archive.restore(&store, TODAY).await, Err(ArchiveError::Missing(_))));
    fill(&store, &lines()).await;
    let raws = async || all(&store).await.into_iter().map(|packet| packet.raw).collect::<Vec<_>>();
    let before = raws().await;
    let done = archive.store(&store, &one(&store).await).await.unwrap();
    assert_eq!((done.rows, &*done.at), (512, "s3://days/aprs/packets/2026/packets-2026-11-23.parquet"));
    assert!(store.drop_day(TODAY, 512).await.unwrap());
    assert_eq!(archive.restore(&store, TODAY).await.unwrap(), (512, 512));
    assert_eq!(raws().await, before);
    let nowhere = Archive::open("s3://nowhere/aprs", folder.path()).unwrap();
    let error = nowhere.store(&store, &DayState { archived: None, ..one(&store).await }).await.unwrap_err().to_string();
    assert!(error.contains("s3://nowhere"), "{error}");
}

#[test]
fn addresses_are_checked() {
    let folder = tempfile::tempdir().unwrap();
    for address in ["http://host/x", "/proc/nowhere/archive", "ftp://a"] {
        assert!(matches!(Archive::open(address, folder.path()), Err(ArchiveError::Address(..))), "{address}");
    }
    let archive = Archive::open("s3://bucket/some/prefix/", folder.path()).unwrap();
    assert_eq!(archive.address(TODAY), "s3://bucket/some/prefix/packets/2026/packets-2026-11-23.parquet");
}

/// docs/archive.md holds the table of columns: `make bless` writes it, this compares it.
#[test]
fn the_columns_are_documented_bless() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/archive.md");
    let page = fs::read_to_string(path).unwrap();
    let (begin, rest) = page.split_once("<!-- columns -->\n").unwrap();
    let (found, end) = rest.split_once("<!-- end of columns -->").unwrap();
    if std::env::var_os("BLESS").is_some() {
        fs::write(path, format!("{begin}<!-- columns -->\n{}<!-- end of columns -->{end}", columns_page())).unwrap();
        return;
    }
    assert_eq!(found, columns_page(), "run `make bless`");
}
