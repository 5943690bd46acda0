//! `godwit serve`: the wiring, read top to bottom.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::Context as _;
use axum::Router;
use godwit_feed::{FeedStatus, Hint, Login, Timing};
use godwit_flow::{Health, Part, Stop, Tasks, now_us, steady_us};
use godwit_live::{Limits, Live};
use godwit_store::{Blocks, PostgresStore, SqliteStore, Store};
use godwit_web::{
    Answers, Audience, Bounds, Devices, FileMap, Limit, Panics, Proxies, Server, Site, Timing as ServerTiming, ViewerTiming, breaker_json,
};
use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    runtime::Handle,
    sync::{mpsc, watch},
};

use crate::{
    clock::{self, Clock},
    cluster::{self, Cluster},
    config::Settings,
    database,
    files::{self, Room},
    gauges::Queues,
    intake::{Counters, Figures, Intake, Plan, Ports, Standby},
    jobs::{self, Jobs, Upkeep},
    keeper::{self, Reports},
    leader::Role,
    process::{Asked, Ending, Signals, Stoppers},
    simulate,
};

pub(crate) fn serve(settings: &Settings, reload: &dyn Fn() -> anyhow::Result<Settings>) -> anyhow::Result<()> {
    // Strangers are answered by threads of their own: however busy those are, the system gives feed, storing, lease, tick
    // and the operators' address their share of the processor.
    let (runtime, web) = (runtime()?, runtime()?);
    let ended = runtime.block_on(serve_until_asked(settings, reload, web.handle()));
    // A disk or a name server that hangs in a thread must not hold up the end.
    web.shutdown_background();
    runtime.shutdown_background();
    ended
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

async fn serve_until_asked(settings: &Settings, reload: &dyn Fn() -> anyhow::Result<Settings>, web: &Handle) -> anyhow::Result<()> {
    let mut signals = Signals::new()?;
    let health = Health::default();
    let stoppers = Stoppers::new(Tasks::new(health.clone()));
    let program = tokio::select! {
        started = start(settings, health, &stoppers, web) => started?,
        () = signals.end() => {
            tracing::info!("ended before the start was complete: nothing was received yet");
            return Ok(());
        }
    };
    let mut present = settings.clone();
    let failure = loop {
        tokio::select! {
            asked = signals.next() => match asked {
                Asked::End => break None,
                Asked::Reload => program.reload(&mut present, reload),
            },
            failure = stoppers.watched.failure() => break Some(failure),
        }
    };
    let ended = tokio::select! {
        ended = program.end(settings, &stoppers, failure.is_some()) => ended,
        // A second signal ends at once.
        () = signals.end() => anyhow::bail!("ended before everything was stored, as told twice"),
    };
    if let Some(failure) = failure.or_else(|| stoppers.watched.failed()) {
        let also = ended.err().map(|error| format!("; {error:#}")).unwrap_or_default();
        anyhow::bail!("the task {} has failed ({}) and the program with it{also}", failure.task, failure.why);
    }
    ended
}

/// What was started, as far as the end needs it.
struct Program {
    live: Arc<Live>,
    store: Arc<dyn Upkeep>,
    cluster: Option<Arc<Cluster>>,
    counters: Arc<Counters>,
    draining: Arc<AtomicBool>,
    timing: ViewerTiming,
    logins: Option<Logins>,
}

async fn start(settings: &Settings, health: Health, stoppers: &Stoppers, web: &Handle) -> anyhow::Result<Program> {
    let address = settings.get("listen").unwrap_or("127.0.0.1:8080");
    // Without its connection to this runtime, for another one.
    let listener = listen(address).await?.into_std().context("the site cannot listen")?;
    let metrics = settings.get("metrics-listen");
    let operators = match metrics.filter(|metrics| *metrics != address) {
        Some(address) => Some(listen(address).await?),
        None => None,
    };

    // What is asked for is checked before a folder is made.
    let (plan, logins) = plan(settings, &health, stoppers).await?.unzip();
    let basemap_file = basemap_file(settings).await?;
    let queues = Queues::default();
    let cluster = Cluster::new(settings, plan.is_some(), &queues)?.map(Arc::new);
    let limit = cluster::limit(settings)?;
    let room = room(settings);
    let live = Live::new(limits(settings, room), now_us());
    let server = Server::new(bounds(settings, room), ServerTiming::default(), proxies(settings)?);
    let clock = Arc::new(Clock::new(health.clone()));
    let counters = Arc::new(Counters::default());
    let status = plan.as_ref().map(|plan| plan.status.clone()).unwrap_or_default();
    if plan.is_none() {
        tracing::warn!("no feed is configured: showing what is stored; see --demo, --callsign and --aprs-is");
    }
    let store: Arc<dyn Upkeep> = match &cluster {
        Some(cluster) => cluster.start(settings, plan, &live, (&counters, &health, &clock), stoppers).await?,
        None => start_alone(settings, plan, &live, (&counters, &queues, &health, &clock), stoppers).await?,
    };
    let tasks = &stoppers.tasks;
    tasks.essential("clock", clock::watch(clock.clone(), store.clone(), tasks.stop()));
    tasks.essential("tick", tick(live.clone(), tasks.stop()));
    let blocks = Arc::new(Blocks::new(
        store.clone() as Arc<dyn Store>,
        now_us,
        usize::try_from(settings.whole("history-memory-mb") << 20).unwrap_or(0),
    ));
    tasks.essential("history", keep_history_warm(blocks.clone(), tasks.stop()));
    let devices = Devices::default();
    let holder = cluster.as_ref().map_or_else(|| "this".to_owned(), |cluster| cluster.name().to_owned());
    let jobs = jobs::start(settings, &store, &devices, &clock, holder, tasks)?;

    let draining = Arc::new(AtomicBool::new(false));
    let parts = Parts {
        live: live.clone(),
        store: store.clone(),
        health,
        tasks: stoppers.watched.clone(),
        clock,
        blocks,
        devices,
        feed: status,
        counters: counters.clone(),
        queues,
        cluster: cluster.clone(),
        jobs,
        limit,
        server: server.clone(),
        basemap_file,
    };
    let site = Arc::new(site(settings, parts, &draining, stoppers.viewers.stop()));
    let timing = site.viewers;
    // Operators' numbers are on their own address, or on the site's if that is said to be theirs.
    let site_and = |for_operators: bool| {
        let router = |audience| godwit_web::router(site.clone(), audience);
        match for_operators {
            true => godwit_web::operators(site.clone()).merge(router(Audience::Operators)),
            false => router(Audience::Public),
        }
    };
    let public = web.spawn(answer_strangers(server.clone(), listener, site_and(metrics == Some(address)), tasks.stop()));
    tasks.essential("web", async move {
        if let Err(error) = public.await
            && error.is_panic()
        {
            std::panic::resume_unwind(error.into_panic());
        }
    });
    if let Some(listener) = operators {
        tasks.essential("operators", server.serve(listener, Audience::Operators, site_and(true), tasks.stop()));
    }
    tasks.errand("announce", announce(address.to_owned(), cluster.clone(), tasks.stop()));
    Ok(Program { live, store, cluster, counters, draining, timing, logins })
}

/// Serves the public address on the runtime that this is run by.
async fn answer_strangers(server: Arc<Server>, listener: std::net::TcpListener, router: Router, stop: Stop) {
    match TcpListener::from_std(listener) {
        Ok(listener) => server.serve(listener, Audience::Public, router, stop).await,
        Err(error) => tracing::error!(%error, "the site cannot listen"),
    }
}

impl Program {
    /// Ends everything before one deadline: viewers are asked to go elsewhere, the feed closes, what was received is
    /// stored, the lease is given back.
    async fn end(&self, settings: &Settings, stoppers: &Stoppers, failed: bool) -> anyhow::Result<()> {
        tracing::info!("ending: viewers are asked to go elsewhere, the feed closes, what was received is stored");
        let mut ending = Ending::begin(Duration::from_secs(settings.whole("end-seconds").max(1)));
        let lost_before = self.counters.lost();
        stoppers.watched.begin_end();
        self.draining.store(true, Ordering::Relaxed);
        stoppers.viewers.finish(Duration::ZERO).await;
        // Another replica takes over at once; viewers follow it here until they have moved. What has failed is not
        // waited with.
        let hand_over_first = failed || self.cluster.is_some();
        if hand_over_first {
            self.hand_over(&mut ending, stoppers).await;
        }
        let patience = (self.timing.drain + ViewerTiming::GRACE * 2).min(ending.left() / 2);
        let _ = tokio::time::timeout(patience, self.live.deserted()).await;
        if !hand_over_first {
            self.hand_over(&mut ending, stoppers).await;
        }
        // Connections of clients who do not read: five seconds are enough for honest ones.
        let part = 5.0 / ending.left().as_secs_f64().max(10.0);
        if !ending.group("connections and background tasks", part, &stoppers.tasks).await {
            tracing::warn!("some connections did not end in time");
        }
        let closed = ending.step("the store", 0.9, self.store.close()).await;
        ending.verdict((self.counters.lost() - lost_before).max(self.counters.lost_by_ending_now()))?;
        match closed {
            Some(closed) => Ok(closed?),
            // Everything is stored; only the connections or files were not closed.
            None => Ok(()),
        }
    }

    /// The feed closes, what was received is kept, the lease is given back.
    async fn hand_over(&self, ending: &mut Ending, stoppers: &Stoppers) {
        ending.storing("sources", 0.35, &stoppers.sources).await;
        ending.storing("keepers", 0.75, &stoppers.keepers).await;
        if let Some(cluster) = &self.cluster {
            ending.group("lease", 0.3, &stoppers.lease).await;
            ending.step("the return of the lease", 0.3, cluster.release()).await;
        }
    }

    /// Takes over what can change while the program runs: what is logged, and the filter of the feed. Says what else is
    /// different in the configuration.
    fn reload(&self, settings: &mut Settings, reload: &dyn Fn() -> anyhow::Result<Settings>) {
        let newer = match reload() {
            Ok(newer) => newer,
            Err(error) => {
                tracing::error!("SIGHUP: the configuration is left as it was: {error:#}");
                return;
            }
        };
        let (taken, waiting): (Vec<&str>, Vec<&str>) =
            settings.changed(&newer).into_iter().partition(|name| matches!(*name, "log" | "filter"));
        if taken.contains(&"filter")
            && !newer.on("demo")
            && let Some(Err(error)) = self.logins.as_ref().map(|logins| logins.set_filter(&newer))
        {
            tracing::error!("SIGHUP: the filter is left as it was: {error}");
            return;
        }
        let list = |names: &[&str]| if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
        tracing::info!(changed = list(&taken), changes_with_a_restart = list(&waiting), "SIGHUP: the configuration was read again");
        for name in taken {
            settings.take_over(name, &newer);
        }
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
    (counters, queues, health, clock): (&Arc<Counters>, &Queues, &Health, &Clock),
    stoppers: &Stoppers,
) -> anyhow::Result<Arc<dyn Upkeep>> {
    let store = SqliteStore::open(data(settings))?;
    let standing = empty_days(&store);
    if let Some(trouble) = &standing {
        tracing::warn!("{trouble}");
        health.report(Part::Disk, standing.clone(), now_us());
    }
    let store: Arc<dyn Upkeep> = Arc::new(store);
    // A store that cannot be read shows that in the next line.
    let _ = clock.look(&*store).await;
    let filled_us = clock.stored_now_us();
    live.fill(store.entities(filled_us - age_us(settings)).await?, filled_us);
    tracing::info!(entities = live.figures().entities, engine = store.engine(), "the live map is filled from the store");
    let Some(plan) = plan else { return Ok(store) };
    let (works, taken) = mpsc::channel(keeper::WORKS);
    let reports = Reports { counters: counters.clone(), health: health.clone(), standing };
    stoppers.keepers.essential("keeper", keeper::keep_alone(taken, store.clone(), reports, stoppers.keepers.stop()));
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
    stoppers.hold(ports.keeper.clone());
    let (intake, stop) = (Intake::new(plan, Standby::Cold, ports), stoppers.sources.stop());
    stoppers.sources.essential("intake", async move {
        intake.run(stop).await;
        drop(role);
    });
    Ok(store)
}

/// What to say of files of days that are empty.
fn empty_days(store: &SqliteStore) -> Option<String> {
    let (first, more) = store.empty_days().split_first()?;
    let others = if more.is_empty() { String::new() } else { format!(" and {} more files of days", more.len()) };
    Some(format!(
        "{}{others}: 0 bytes, so the packets of that day are not there; restore the file from a backup, or remove it",
        first.display()
    ))
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

pub(crate) fn age_us(settings: &Settings) -> i64 {
    i64::try_from(settings.whole("live-hours")).unwrap_or(24).saturating_mul(3_600_000_000)
}

/// Connections beside those of viewers, where `max-connections` does not say.
const OTHER_CONNECTIONS: u32 = 4000;

/// For how many connections and viewers there is room.
fn room(settings: &Settings) -> Room {
    let viewers = whole(settings, "max-viewers");
    let connections = match whole(settings, "max-connections") {
        0 => viewers.saturating_add(OTHER_CONNECTIONS),
        connections => connections,
    };
    files::room(Room { connections, viewers })
}

fn limits(settings: &Settings, room: Room) -> Limits {
    Limits { entities: usize::try_from(settings.whole("max-entities")).unwrap_or(500_000), age_us: age_us(settings), viewers: room.viewers }
}

/// However few places there are, one client alone never takes all.
fn bounds(settings: &Settings, room: Room) -> Bounds {
    Bounds {
        connections: room.connections,
        connections_per_client: whole(settings, "connections-per-address").min((room.connections / 4).max(1)),
        viewers_per_client: whole(settings, "viewers-per-address").min((room.viewers / 2).max(1)),
        operators: files::OPERATORS,
        answer_bytes: settings.whole("answer-memory-mb") << 20,
    }
}

/// The logins of the feed, as far as they can change while the program runs: their filters.
struct Logins {
    main: watch::Sender<Login>,
    standby: watch::Sender<Login>,
}

impl Logins {
    /// Sets the filter that the settings ask for, on the connection that there is too.
    fn set_filter(&self, settings: &Settings) -> anyhow::Result<()> {
        for login in [&self.main, &self.standby] {
            let newer = login.borrow().with_filter(filter(settings))?;
            login.send_if_modified(|login| std::mem::replace(login, newer.clone()) != newer);
        }
        Ok(())
    }
}

/// The filter of the feed; of the default servers it is everything unless another one is set.
fn filter(settings: &Settings) -> Option<&str> {
    settings.get("filter").or_else(|| settings.get("aprs-is").is_none().then_some("t/poimqstunw"))
}

fn whole(settings: &Settings, key: &str) -> u32 {
    u32::try_from(settings.whole(key)).unwrap_or(u32::MAX)
}

/// The web servers in front that are believed about who asks.
fn proxies(settings: &Settings) -> anyhow::Result<Proxies> {
    settings.get("trusted-proxies").unwrap_or_default().parse().map_err(anyhow::Error::msg).context("trusted-proxies")
}

/// The feed that the settings ask for: the simulator inside, or APRS-IS; `None` if neither.
async fn plan(settings: &Settings, health: &Health, stoppers: &Stoppers) -> anyhow::Result<Option<(Plan, Logins)>> {
    let timing = Timing { silence: Duration::from_secs(settings.whole("silence-seconds").max(5)), ..Timing::default() };
    let list = |servers: &str| servers.split(',').map(|server| server.trim().to_owned()).collect::<Vec<String>>();
    let (main, standby) = if settings.on("demo") {
        if settings.is_set("aprs-is") || settings.is_set("callsign") {
            anyhow::bail!(
                "--demo shows simulated traffic, --aprs-is and --callsign the real network: they do not go together\n\n  hint: leave one of them out"
            );
        }
        let server = simulate::start(settings, "127.0.0.1:0", &stoppers.sources).await?;
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
                let filter = filter(settings);
                let passcode = settings.get("passcode").and_then(|code| code.parse().ok());
                let servers = servers.unwrap_or("rotate.aprs2.net:14580");
                let main = (list(servers), Login::new(callsign, passcode, filter)?);
                if main.1.passcode_is_wrong() {
                    tracing::warn!("the passcode does not belong to {callsign}: the login to APRS-IS will be unverified");
                }
                // Read-only: a standby never needs to be believed.
                let login = Login::new(settings.get("standby-callsign").unwrap_or(callsign), None, filter)?;
                (main, (list(settings.get("standby-aprs-is").unwrap_or(servers)), login))
            }
        }
    };
    let (main_login, main_given) = watch::channel(main.1);
    let (standby_login, standby_given) = watch::channel(standby.1);
    let plan = Plan {
        main: (main.0, main_given),
        standby: (standby.0, standby_given),
        timing,
        status: FeedStatus::new(health.clone()),
        tasks: stoppers.watched.clone(),
    };
    Ok(Some((plan, Logins { main: main_login, standby: standby_login })))
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
        let warming = blocks.clone();
        // A task of its own: a block that makes it panic is left alone, and the site goes on.
        let pause = match tokio::spawn(async move { warming.warm_one().await }).await {
            Ok(Ok(Some(took))) => took * 9,
            Ok(Ok(None)) => Duration::from_secs(60),
            Ok(Err(error)) => {
                tracing::warn!(%error, "time blocks could not be made ahead");
                Duration::from_secs(60)
            }
            Err(error) => {
                tracing::error!("time blocks could not be made ahead: {error}");
                Duration::from_secs(600)
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
    tasks: Tasks,
    clock: Arc<Clock>,
    blocks: Arc<Blocks>,
    devices: Devices,
    feed: FeedStatus,
    counters: Arc<Counters>,
    queues: Queues,
    cluster: Option<Arc<Cluster>>,
    jobs: Jobs,
    limit: Option<Limit>,
    server: Arc<Server>,
    basemap_file: Option<Arc<FileMap>>,
}

fn site(settings: &Settings, parts: Parts, draining: &Arc<AtomicBool>, stop: Stop) -> Site {
    let Parts { live, store, health, tasks, clock, blocks, devices, feed, counters, queues, cluster, jobs, limit, server, basemap_file } =
        parts;
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
    let (draining, members, watched) = (draining.clone(), cluster.clone(), tasks.clone());
    let status = move || {
        let tasks = watched.failures().into_iter().map(|(task, failed)| (task.to_owned(), json!({ "failed": failed })));
        let mut status = json!({
            "role": members.as_ref().map_or(Role::Alone.as_str(), |cluster| cluster.role().as_str()),
            "tasks": Value::Object(tasks.collect()), "feed": feed_json(&feed), "packets": counters.json(), "jobs": jobs.board.json(),
            "store": counters.store.json(), "queues": queues.json(), "connections": server.json(), "clock": clock.json()
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
        tasks,
        panics: Panics::default(),
        image_hosts: image_hosts.unwrap_or_default().into(),
        basemap_file,
        clock: now_us,
        stop,
        limit,
        answers: Answers::new(
            settings.whole("hsts-seconds"),
            settings.get("allowed-origins").unwrap_or_default().parse().unwrap_or_default(),
        ),
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
        "hint": feed.hint.map(Hint::as_str),
        "trouble": feed.trouble(),
    })
}
