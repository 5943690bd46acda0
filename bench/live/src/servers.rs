//! The servers under test, each alone in a process: ours, and two that do without tiles.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{
        State,
        ws::{Message, WebSocket, WebSocketUpgrade},
    },
    http::header,
    response::IntoResponse,
    routing::get,
    serve::ListenerExt as _,
};
use bytes::{Bytes, BytesMut};
use godwit_flow::{Stopper, now_us};
use godwit_live::{Limits, Live, TileAddress, wire};
use godwit_pipeline::{BeaconInterval, EntityState, Pipeline};
use godwit_simulator::{Simulator, SimulatorConfig};
use godwit_store::{Blocks, SqliteStore};
use godwit_web::{Audience, Bounds, Devices, Proxies, Server, Site, Timing, ViewerTiming};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, stdin},
    net::{TcpListener, TcpStream},
    sync::{broadcast, watch},
    time::{MissedTickBehavior, interval},
};

use crate::traffic;

/// Packets that a viewer of the plain broadcast may be behind.
const BEHIND: usize = 4096;

/// Serves one kind until its input ends. Commands: `rate N`, `sent`, `dropped`, `fill N`, `status`.
pub async fn run(kind: &str) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    println!("{}", listener.local_addr().expect("an address"));
    let (rate, rates) = watch::channel(0);
    let (sent, sents) = watch::channel(0);
    let (dropped, drops) = watch::channel(0_u64);
    let mut live = None;
    match kind {
        "godwit" => live = Some(godwit(listener, rates, sent)),
        "axum" | "axum-nodelay" => {
            tokio::spawn(each(listener, kind == "axum-nodelay", rates, sent, dropped));
        }
        "windowed" => {
            tokio::spawn(windowed(listener, rates, sent, dropped));
        }
        other => panic!("no server {other}"),
    }
    let mut lines = BufReader::new(stdin()).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let mut words = line.split(' ');
        let command = words.next().unwrap_or_default();
        let number: u32 = words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
        match (command, &live) {
            ("rate", _) => {
                rate.send_replace(number);
                println!("ok");
            }
            ("sent", _) => println!("{}", *sents.borrow()),
            ("dropped", _) => println!("{}", *drops.borrow()),
            ("fill", Some(live)) => {
                fill(live, number);
                println!("ok");
            }
            (other, _) => panic!("no command {other}"),
        }
    }
}

/// The real thing: the router with the live socket, the world, its tick.
fn godwit(listener: TcpListener, rates: watch::Receiver<u32>, sent: watch::Sender<u32>) -> Arc<Live> {
    let live = Live::new(Limits { entities: 500_000, age_us: 86_400_000_000, viewers: 100_000 }, now_us());
    let folder = tempfile::tempdir().expect("a folder");
    let store = Arc::new(SqliteStore::open(folder.path()).expect("a store"));
    let ending = Stopper::default();
    let site = Site {
        live: live.clone(),
        blocks: Arc::new(Blocks::new(store.clone(), now_us, 1 << 20)),
        store,
        devices: Devices::default(),
        page: Arc::default(),
        status: Arc::new(|| serde_json::json!({})),
        ready: Arc::new(|| (true, serde_json::json!({}))),
        health: godwit_flow::Health::default(),
        tasks: godwit_flow::Tasks::default(),
        panics: godwit_web::Panics::default(),
        image_hosts: "".into(),
        basemap_file: None,
        clock: now_us,
        stop: ending.stop(),
        viewers: ViewerTiming::default(),
        limit: None,
        answers: godwit_web::Answers::default(),
    };
    let site = Arc::new(site);
    // In the same site: the same bytes again and again.
    let constant = godwit_web::guarded(site.clone(), Router::new().route("/constant/{bytes}", get(constant)));
    let server = Server::new(Bounds { connections: 110_000, ..Bounds::default() }, Timing::default(), Proxies::default());
    tokio::spawn(async move {
        let _held = folder;
        server.serve(listener, Audience::Public, godwit_web::router(site, Audience::Public).merge(constant), ending.stop()).await;
    });
    tokio::spawn({
        let live = live.clone();
        async move {
            let mut clock = interval(Duration::from_millis(u64::from(Live::TICK_MS)));
            clock.set_missed_tick_behavior(MissedTickBehavior::Skip);
            for number in 1.. {
                clock.tick().await;
                live.tick(now_us(), now_us(), number);
            }
        }
    });
    tokio::spawn({
        let live = live.clone();
        traffic::run(rates, sent, move |outcome| live.apply(&outcome.changes))
    });
    live
}

/// So many bytes that are made once for each size.
async fn constant(axum::extract::Path(bytes): axum::extract::Path<usize>) -> impl IntoResponse {
    static ONES: [u8; 1 << 20] = [7; 1 << 20];
    ([(header::CONTENT_TYPE, "application/octet-stream")], Bytes::from_static(&ONES[..bytes.min(ONES.len())]))
}

/// Fills the world with stations as they are spread over the earth.
fn fill(live: &Live, stations: u32) {
    let start_us = now_us() - 3_600_000_000;
    let config = SimulatorConfig { seed: 1, stations: stations as usize, rate: f64::from(stations) / 1200.0, start_us };
    let (mut simulator, mut pipeline) = (Simulator::new(&config), Pipeline::default());
    for _ in 0..stations * 3 {
        let line = simulator.next_line();
        live.apply(&pipeline.accept(line.at_us, &line.bytes).changes);
    }
}

/// One packet as the plain servers send it: a delta of one entity, encoded once, and where that is.
#[derive(Clone)]
struct One {
    latitude: f64,
    longitude: f64,
    message: Bytes,
}

/// Encodes each packet and hands it on.
async fn ones(rates: watch::Receiver<u32>, sent: watch::Sender<u32>, mut sink: impl FnMut(One)) {
    let (level, x, y) = traffic::TILES[0];
    let tile = TileAddress::new(level, x, y).expect("a tile");
    let mut seq = 0;
    traffic::run(rates, sent, |outcome| {
        for change in &outcome.changes {
            let Some(fix) = change.fix else { continue };
            let row = wire::Row::new(seq % traffic::STATIONS, &EntityState::new(change), &fix, (1, 2), BeaconInterval::default());
            let delta = wire::delta(tile, seq, seq + 1, &wire::batch(now_us(), &[row], &[]));
            seq += 1;
            let message = [&[wire::VERSION], &delta[..]].concat().into();
            sink(One { latitude: fix.latitude, longitude: fix.longitude, message });
        }
    })
    .await;
}

#[derive(Clone)]
struct Plain {
    packets: broadcast::Sender<One>,
    dropped: watch::Sender<u64>,
}

/// axum's WebSockets over a broadcast channel: each viewer asks of each packet whether it lies in its box, and writes it.
async fn each(listener: TcpListener, nodelay: bool, rates: watch::Receiver<u32>, sent: watch::Sender<u32>, dropped: watch::Sender<u64>) {
    let plain = Plain { packets: broadcast::Sender::new(BEHIND), dropped };
    let packets = plain.packets.clone();
    tokio::spawn(ones(rates, sent, move |one| drop(packets.send(one))));
    let listener = listener.tap_io(move |socket: &mut TcpStream| drop(socket.set_nodelay(nodelay)));
    let upgrade =
        async |State(plain): State<Plain>, upgrade: WebSocketUpgrade| upgrade.on_upgrade(move |socket| each_viewer(socket, plain));
    axum::serve(listener, Router::new().route("/live/v1/ws", get(upgrade)).with_state(plain)).await.expect("serving");
}

async fn each_viewer(mut socket: WebSocket, plain: Plain) {
    let Some(Ok(Message::Text(_wish))) = socket.recv().await else { return };
    let [west, south, east, north] = traffic::BOX;
    let mut packets = plain.packets.subscribe();
    loop {
        tokio::select! {
            heard = socket.recv() => if heard.is_none_or(|heard| heard.is_err()) { return },
            packet = packets.recv() => match packet {
                Ok(one) => {
                    if (west..=east).contains(&one.longitude)
                        && (south..=north).contains(&one.latitude)
                        && socket.send(Message::Binary(one.message)).await.is_err()
                    {
                        return;
                    }
                }
                Err(broadcast::error::RecvError::Lagged(packets)) => plain.dropped.send_modify(|dropped| *dropped += packets),
                Err(broadcast::error::RecvError::Closed) => return,
            },
        }
    }
}

/// The limit: no filter, no WebSocket library; the frames of 50 ms are one shared buffer that each viewer writes.
async fn windowed(listener: TcpListener, rates: watch::Receiver<u32>, sent: watch::Sender<u32>, dropped: watch::Sender<u64>) {
    let windows = broadcast::Sender::<Bytes>::new(64);
    let (to, mut packets) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(ones(rates, sent, move |one| drop(to.send(one))));
    tokio::spawn({
        let windows = windows.clone();
        async move {
            let mut clock = interval(Duration::from_millis(50));
            loop {
                clock.tick().await;
                let mut window = BytesMut::new();
                while let Ok(one) = packets.try_recv() {
                    let length = u8::try_from(one.message.len()).expect("a short message");
                    window.extend_from_slice(&[0x82, length]);
                    window.extend_from_slice(&one.message);
                }
                if !window.is_empty() {
                    let _ = windows.send(window.freeze());
                }
            }
        }
    });
    while let Ok((socket, _)) = listener.accept().await {
        let (windows, dropped) = (windows.subscribe(), dropped.clone());
        tokio::spawn(windowed_viewer(socket, windows, dropped));
    }
}

async fn windowed_viewer(mut socket: TcpStream, mut windows: broadcast::Receiver<Bytes>, dropped: watch::Sender<u64>) {
    let _ = socket.set_nodelay(true);
    let mut asked = [0; 2048];
    if socket.read(&mut asked).await.is_err() || socket.write_all(b"HTTP/1.1 101 Switching Protocols\r\n\r\n").await.is_err() {
        return;
    }
    loop {
        match windows.recv().await {
            Ok(window) => {
                if socket.write_all(&window).await.is_err() {
                    return;
                }
            }
            Err(broadcast::error::RecvError::Lagged(windows)) => dropped.send_modify(|dropped| *dropped += windows),
            Err(broadcast::error::RecvError::Closed) => return,
        }
    }
}
