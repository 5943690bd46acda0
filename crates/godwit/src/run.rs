//! `godwit serve`: the wiring, read top to bottom.

use std::{
    net::SocketAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::Context as _;
use axum::serve::ListenerExt as _;
use godwit_feed::{FeedStatus, Login, Timing};
use godwit_flow::{Health, Stop, Stopper, now_us, steady_us};
use godwit_live::{Limits, Live};
use godwit_store::{Blocks, PostgresStore, SqliteStore, Store};
use godwit_web::{Devices, FileMap, Limit, Site, ViewerTiming, breaker_json};
use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::{mpsc, watch},
};

use crate::{
    clock::{self, Clock},
    cluster::{self, Cluster},
    config::Settings,
    database, files,
    gauges::Queues,
    intake::{Counters, Figures, Intake, Plan, Ports, Standby},
    jobs::{self, Jobs, Upkeep},
    keeper,
    leader::Role,
    simulate,
};

/// How long everything may take to end.
const DEADLINE: Duration = Duration::from_secs(15);

pub(crate) fn serve(settings: &Settings) -> anyhow::Result<()> {
    runtime()?.block_on(serve_until_told(settings))
}

pub(crate) fn migrate(settings: &Settings) -> anyhow::Result<()> {
    let store = runtime()?.block_on(async {
        let store = open(settings).await?;
        store.close().await?;
        anyhow::Ok(store)
    })?;
    let what = if store.engine() == "sqlite" { data(settings).display().to_string() } else { "the database".to_owned() };
    println!("{what}: the layout is up to date");
    Ok(())
}

pub(crate) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("the runtime cannot be started")
}

async fn serve_until_told(settings: &Settings) -> anyhow::Result<()> {
    let mut signals = Signals::new()?;
    let address = settings.get("listen").unwrap_or("127.0.0.1:8080");
    let listener = listen(address).await?;
    let metrics = settings.get("metrics-listen");
    let operators = match metrics.filter(|metrics| *metrics != address) {
        Some(address) => Some(listen(address).await?),
        None => None,
    };

    let stoppers = Stoppers::default();
    // What is asked for is checked before a folder is made.
    let plan = plan(settings, &stoppers.sources).await?;
    let basemap_file = basemap_file(settings).await?;
    let queues = Queues::default();
    let cluster = Cluster::new(settings, plan.is_some(), &queues)?.map(Arc::new);
    let limit = cluster::limit(settings)?;
    let live = Live::new(limits(settings), now_us());
    let health = Health::default();
    let clock = Arc::new(Clock::new(health.clone()));
    let counters = Arc::new(Counters::default());
    let status = plan.as_ref().map(|plan| plan.status.clone()).unwrap_or_default();
    if plan.is_none() {
        tracing::warn!("no feed is configured: showing what is stored; see --demo, --callsign and --aprs-is");
    }
    let store: Arc<dyn Upkeep> = match &cluster {
        Some(cluster) => cluster.start(settings, plan, &live, (&counters, &clock), &stoppers).await?,
        None => start_alone(settings, plan, &live, (&counters, &queues, &clock), &stoppers).await?,
    };
    let tasks = &stoppers.tasks;
    tasks.spawn(clock::watch(clock.clone(), store.clone(), tasks.stop()));
    tasks.spawn(tick(live.clone(), tasks.stop()));
    let blocks = Arc::new(Blocks::new(
        store.clone() as Arc<dyn Store>,
        now_us,
        usize::try_from(settings.whole("history-memory-mb") << 20).unwrap_or(0),
    ));
    tasks.spawn(keep_history_warm(blocks.clone(), tasks.stop()));
    let devices = Devices::default();
    let holder = cluster.as_ref().map_or_else(|| "this".to_owned(), |cluster| cluster.name().to_owned());
    let jobs = jobs::start(settings, &store, &devices, &clock, holder, tasks)?;

    let draining = Arc::new(AtomicBool::new(false));
    let parts = Parts {
        live: live.clone(),
        store: store.clone(),
        health,
        clock,
        blocks,
        devices,
        feed: status,
        counters,
        queues,
        cluster: cluster.clone(),
        jobs,
        limit,
        basemap_file,
    };
    let site = Arc::new(site(settings, parts, &draining, stoppers.viewers.stop()));
    let timing = site.viewers;
    // Operators' numbers are on their own address, or on the site's if that is said to be theirs.
    let site_and = |for_operators: bool| {
        let router = godwit_web::router(site.clone());
        if for_operators { godwit_web::operators(site.clone()).merge(router) } else { router }
    };
    let listeners = [Some((listener, metrics == Some(address))), operators.map(|listener| (listener, true))];
    for (listener, for_operators) in listeners.into_iter().flatten() {
        // Answers are written whole: waiting for more would only delay their last part.
        let listener = listener.tap_io(|socket| drop(socket.set_nodelay(true)));
        let (service, stop) = (site_and(for_operators).into_make_service_with_connect_info::<SocketAddr>(), tasks.stop());
        tasks.spawn(async move {
            let served = axum::serve(listener, service).with_graceful_shutdown(async move { stop.wanted().await }).await;
            if let Err(error) = served {
                tracing::error!(%error, "the web server ended");
            }
        });
    }
    tasks.spawn(announce(address.to_owned(), cluster.clone(), tasks.stop()));

    signals.wanted().await;
    tracing::info!("ending: viewers are asked to go elsewhere, the feed closes, what was received is stored");
    draining.store(true, Ordering::Relaxed);
    // A second signal ends at once.
    tokio::select! {
        ended = async {
            stoppers.viewers.finish(Duration::ZERO).await;
            // Another replica takes over at once; viewers follow it here until they have moved.
            let handed_over = match &cluster {
                Some(cluster) => stoppers.hand_over(cluster).await,
                None => true,
            };
            let _ = tokio::time::timeout(timing.drain + ViewerTiming::GRACE * 2, live.deserted()).await;
            let ended = stoppers.finish().await & handed_over;
            store.close().await.map(|()| ended)
        } => {
            if !ended? {
                tracing::warn!("some connections did not end in time");
            }
        }
        () = signals.wanted() => anyhow::bail!("ended before everything was stored, as told twice"),
    }
    Ok(())
}

/// What ends one after the other.
#[derive(Debug, Default)]
pub(crate) struct Stoppers {
    /// Viewers, who may go elsewhere while everything goes on.
    pub(crate) viewers: Stopper,
    /// Feed and intake.
    pub(crate) sources: Stopper,
    /// Who takes from the intake: ends by itself when that is gone.
    pub(crate) keepers: Stopper,
    /// The lease, given back when everything is kept.
    pub(crate) lease: Stopper,
    /// The rest: the site and what it shows.
    pub(crate) tasks: Stopper,
}

impl Stoppers {
    /// The feed closes, what was received is kept, the lease is given back.
    async fn hand_over(&self, cluster: &Cluster) -> bool {
        let kept = self.sources.finish(DEADLINE).await & self.keepers.finish(DEADLINE).await & self.lease.finish(DEADLINE).await;
        cluster.release().await;
        kept
    }

    async fn finish(&self) -> bool {
        let kept = self.sources.finish(DEADLINE).await & self.keepers.finish(DEADLINE).await;
        kept & self.tasks.finish(Duration::from_secs(5)).await
    }
}

/// The data folder.
pub(crate) fn data(settings: &Settings) -> &Path {
    Path::new(settings.get("data").unwrap_or("data"))
}

/// The store that the settings ask for, for commands that cannot go on without it.
pub(crate) async fn open(settings: &Settings) -> anyhow::Result<Arc<dyn Upkeep>> {
    Ok(match database::config(settings) {
        Some(config) => Arc::new(PostgresStore::open(&config).await?),
        None => Arc::new(SqliteStore::open(data(settings))?),
    })
}

/// The only replica, with the embedded store: no lease, no spool, no bus.
async fn start_alone(
    settings: &Settings,
    plan: Option<Plan>,
    live: &Arc<Live>,
    (counters, queues, clock): (&Arc<Counters>, &Queues, &Clock),
    stoppers: &Stoppers,
) -> anyhow::Result<Arc<dyn Upkeep>> {
    let store: Arc<dyn Upkeep> = Arc::new(SqliteStore::open(data(settings))?);
    // A store that cannot be read shows that in the next line.
    let _ = clock.look(&*store).await;
    let filled_us = clock.stored_now_us();
    live.fill(store.entities(filled_us - age_us(settings)).await?, filled_us);
    tracing::info!(entities = live.figures().entities, engine = store.engine(), "the live map is filled from the store");
    let Some(plan) = plan else { return Ok(store) };
    let (works, taken) = mpsc::channel(keeper::WORKS);
    stoppers.keepers.spawn(keeper::keep_alone(taken, store.clone(), counters.clone(), stoppers.keepers.stop()));
    let (lost, figures) = (counters.clone(), Arc::<Figures>::default());
    queues.show_channel("keeper", &works, move || lost.lost());
    let feed = figures.clone();
    queues.show("feed", move || feed.feed());
    let (role, watched) = watch::channel(Role::Alone);
    let ports = Ports {
        live: live.clone(),
        role: watched,
        leader: None,
        keeper: works,
        publisher: None,
        heard_us: Arc::default(),
        counters: counters.clone(),
        figures,
    };
    let (intake, stop) = (Intake::new(plan, Standby::Cold, ports), stoppers.sources.stop());
    stoppers.sources.spawn(async move {
        intake.run(stop).await;
        drop(role);
    });
    Ok(store)
}

/// People read this line; so do scripts that wait for the start.
async fn announce(address: String, cluster: Option<Arc<Cluster>>, stop: Stop) {
    let version = env!("CARGO_PKG_VERSION");
    if let Some(cluster) = cluster
        && let Err(why) = cluster.wait_for_first_answer().await
    {
        println!("godwit {version} answers on http://{address} and is not ready: {why}");
        if stop.or(cluster.complete()).await.is_none() {
            return;
        }
    }
    println!("godwit {version} is ready on http://{address}");
}

async fn listen(address: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!("cannot listen on {address}\n\n  hint: is another godwit running? choose another address with --listen HOST:PORT")
    })
}

/// Ctrl-C and SIGTERM.
pub(crate) struct Signals(tokio::signal::unix::Signal, tokio::signal::unix::Signal);

impl Signals {
    pub(crate) fn new() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("signals cannot be received");
        Ok(Self(listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?))
    }

    pub(crate) async fn wanted(&mut self) {
        tokio::select! { _ = self.0.recv() => {}, _ = self.1.recv() => {} }
    }
}

pub(crate) fn age_us(settings: &Settings) -> i64 {
    i64::try_from(settings.whole("live-hours")).unwrap_or(24).saturating_mul(3_600_000_000)
}

fn limits(settings: &Settings) -> Limits {
    Limits {
        entities: usize::try_from(settings.whole("max-entities")).unwrap_or(500_000),
        age_us: age_us(settings),
        viewers: files::room_for_viewers(u32::try_from(settings.whole("max-viewers")).unwrap_or(u32::MAX)),
    }
}

/// The feed that the settings ask for: the simulator inside, or APRS-IS; `None` if neither.
async fn plan(settings: &Settings, sources: &Stopper) -> anyhow::Result<Option<Plan>> {
    let timing = Timing { silence: Duration::from_secs(settings.whole("silence-seconds").max(5)), ..Timing::default() };
    let list = |servers: &str| servers.split(',').map(|server| server.trim().to_owned()).collect::<Vec<String>>();
    let (main, standby) = if settings.on("demo") {
        if settings.is_set("aprs-is") || settings.is_set("callsign") {
            anyhow::bail!(
                "--demo shows simulated traffic, --aprs-is and --callsign the real network: they do not go together\n\n  hint: leave one of them out"
            );
        }
        let server = simulate::start(settings, "127.0.0.1:0", sources).await?;
        let main = (vec![server.to_string()], Login::new("N0CALL-1", None, Some("t/poimqstunw"))?);
        (main.clone(), main)
    } else {
        match (settings.get("callsign"), settings.get("aprs-is")) {
            (None, None) => return Ok(None),
            (None, Some(servers)) => {
                anyhow::bail!(
                    "aprs-is = \"{servers}\" needs a callsign to log in with\n\n  hint: add --callsign with your own callsign, such as N0CALL-1"
                );
            }
            (Some(callsign), servers) => {
                let filter = settings.get("filter").or_else(|| servers.is_none().then_some("t/poimqstunw"));
                let passcode = settings.get("passcode").and_then(|code| code.parse().ok());
                let servers = servers.unwrap_or("rotate.aprs2.net:14580");
                let main = (list(servers), Login::new(callsign, passcode, filter)?);
                // Read-only: a standby never needs to be believed.
                let login = Login::new(settings.get("standby-callsign").unwrap_or(callsign), None, filter)?;
                (main, (list(settings.get("standby-aprs-is").unwrap_or(servers)), login))
            }
        }
    };
    Ok(Some(Plan { main, standby, timing, status: FeedStatus::default() }))
}

/// Encodes deltas and wakes viewers, four times a second.
async fn tick(live: Arc<Live>, stop: Stop) {
    let mut interval = tokio::time::interval(Duration::from_millis(u64::from(Live::TICK_MS)));
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    let began_us = i64::try_from(live.epoch()).unwrap_or(0) - steady_us();
    for number in 1.. {
        if stop.or(interval.tick()).await.is_none() {
            return;
        }
        live.tick(now_us(), began_us + steady_us(), number);
    }
}

/// Makes the time blocks of the last day before somebody asks, in a tenth of the time of one core.
async fn keep_history_warm(blocks: Arc<Blocks>, stop: Stop) {
    loop {
        let pause = match blocks.warm_one().await {
            Ok(Some(took)) => took * 9,
            Ok(None) => Duration::from_secs(60),
            Err(error) => {
                tracing::warn!(%error, "time blocks could not be made ahead");
                Duration::from_secs(60)
            }
        };
        if stop.or(tokio::time::sleep(pause)).await.is_none() {
            return;
        }
    }
}

/// The operator's own base map, opened.
async fn basemap_file(settings: &Settings) -> anyhow::Result<Option<Arc<FileMap>>> {
    let Some(path) = settings.get("basemap-file") else {
        return Ok(None);
    };
    let map = FileMap::open(path.as_ref()).await;
    map.map(|map| Some(Arc::new(map))).map_err(|why| {
        anyhow::anyhow!(
            "basemap-file = \"{path}\": {why}\n\n  hint: give a PMTiles archive of version 3 that can be read, or leave the key out"
        )
    })
}

/// What runs, for the site to show.
struct Parts {
    live: Arc<Live>,
    store: Arc<dyn Store>,
    health: Health,
    clock: Arc<Clock>,
    blocks: Arc<Blocks>,
    devices: Devices,
    feed: FeedStatus,
    counters: Arc<Counters>,
    queues: Queues,
    cluster: Option<Arc<Cluster>>,
    jobs: Jobs,
    limit: Option<Limit>,
    basemap_file: Option<Arc<FileMap>>,
}

fn site(settings: &Settings, parts: Parts, draining: &Arc<AtomicBool>, stop: Stop) -> Site {
    let Parts { live, store, health, clock, blocks, devices, feed, counters, queues, cluster, jobs, limit, basemap_file } = parts;
    let (latitude, longitude, zoom) = settings.view();
    let basemaps: Vec<Value> = settings
        .get("tiles-url")
        .map(|url| json!({ "id": "online", "name": settings.get("tiles-name"), "kind": "raster", "url": url, "attribution": settings.get("tiles-attribution").unwrap_or_default(), "max_zoom": 19 }))
        .into_iter()
        .chain(basemap_file.as_ref().map(|map| map.json()))
        .collect();
    let image_hosts = settings.get("tiles-url").and_then(|url| {
        let (scheme, rest) = url.split_once("://")?;
        Some(format!(" {scheme}://{}", rest.split('/').next()?))
    });
    let page = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "view": { "latitude": latitude, "longitude": longitude, "zoom": zoom },
        "demo": settings.on("demo"),
        "feed": if settings.on("demo") { "simulator" } else if settings.get("callsign").is_some() { "aprs-is" } else { "none" },
        "basemaps": basemaps,
    });
    let (draining, members) = (draining.clone(), cluster.clone());
    let status = move || {
        let mut status = json!({
            "feed": feed_json(&feed), "packets": counters.json(), "jobs": jobs.board.json(), "store": counters.store.json(), "queues": queues.json(),
            "clock": clock.json()
        });
        if let Some(fetch) = &jobs.fetch {
            status["devices_fetch"] = breaker_json(&fetch());
        }
        if let Some(cluster) = &members {
            status["cluster"] = cluster.json();
        }
        status
    };
    Site {
        live,
        store,
        blocks,
        devices,
        page: Arc::new(page),
        status: Arc::new(status),
        ready: Arc::new(move || ready(draining.load(Ordering::Relaxed), cluster.as_deref())),
        health,
        image_hosts: image_hosts.unwrap_or_default().into(),
        basemap_file,
        clock: now_us,
        stop,
        limit,
        viewers: ViewerTiming { drain: Duration::from_secs(settings.whole("drain-seconds")), ..ViewerTiming::default() },
    }
}

/// Whether visitors may be sent here, and what there is to know about it.
fn ready(draining: bool, cluster: Option<&Cluster>) -> (bool, Value) {
    let filled = cluster.map_or(Ok(()), Cluster::ready);
    let why = if draining { Some("this replica is ending".to_owned()) } else { filled.err() };
    let mut answer = json!({ "ready": why.is_none() });
    if let Some(cluster) = cluster {
        answer["cluster"] = cluster.json();
    }
    let ready = why.is_none();
    if let Some(why) = why {
        answer["why"] = why.into();
    }
    (ready, answer)
}

fn feed_json(feed: &FeedStatus) -> Value {
    let feed = feed.snapshot();
    let time = |us: Option<i64>| {
        us.and_then(|us| Timestamp::from_microsecond(us).ok())
            .map(|at| at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string())
    };
    json!({
        "state": feed.state.as_str(),
        "server": feed.server,
        "server_software": feed.server_software,
        "server_id": feed.server_id,
        "login": feed.login,
        "connected_at": time(feed.connected_at_us),
        "last_packet_at": time(feed.last_packet_at_us),
        "reconnects": feed.reconnects,
        "lines": feed.lines,
        "oversize_lines": feed.oversize,
        "last_error": feed.last_error,
    })
}
