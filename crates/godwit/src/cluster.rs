//! A replica beside others: what makes it one, put together (docs/adr/0007).

use std::{
    sync::{Arc, atomic::AtomicI64},
    time::Duration,
};

use anyhow::Context as _;
use godwit_flow::{BreakerConfig, Health, now_us};
use godwit_live::{
    Live, RedisAddress, RedisLink,
    bus::{Bus, RedisBus, RedisBusConfig},
    limit::{Limiter, Rate},
};
use godwit_web::{Limit, breaker_json};
use serde_json::{Value, json};
use tokio::{
    sync::{mpsc, watch},
    time::sleep,
};

use crate::{
    clock::Clock,
    config::Settings,
    database::{self, Database},
    follower::{Follower, Progress},
    gauges::Queues,
    intake::{self, Counters, Intake, Plan, Ports, Standby},
    jobs::Upkeep,
    keeper::{self, Keeper, SpoolFigures},
    leader::{Leader, Role},
    process::Stoppers,
    run,
};

/// Batches on their way to the bus: one may take a second while Redis is dying.
const PUBLISHING: usize = 16;

/// How long a request waits for Redis to say whether it may be made; then this replica decides.
const LIMIT_DEADLINE: Duration = Duration::from_millis(100);

/// What makes it one of several.
pub(crate) struct Cluster {
    replica: String,
    database: Arc<Database>,
    leader: Arc<Leader>,
    /// `None`: never ingests.
    standby: Option<Standby>,
    bus: Option<Arc<dyn Bus>>,
    progress: Arc<Progress>,
    spool: Arc<SpoolFigures>,
    intake: Arc<intake::Figures>,
    queues: Queues,
}

impl Cluster {
    /// What the settings ask for; `None` with the embedded store. Nothing is connected yet.
    pub(crate) fn new(settings: &Settings, feed: bool, queues: &Queues) -> anyhow::Result<Option<Self>> {
        let bus = bus(settings)?;
        let Some(config) = database::config(settings) else {
            if bus.is_some() {
                anyhow::bail!(
                    "redis-url is set without database-url: replicas share a database first\n\n  hint: add --database-url, or leave redis-url out; one replica with the embedded store needs no Redis"
                );
            }
            return Ok(None);
        };
        let ttl = Duration::from_secs(settings.whole("lease-seconds").max(1));
        let replica = settings.get("replica").map_or_else(machine, str::to_owned);
        let holder = format!("{replica} {} {:x}", std::process::id(), now_us());
        let standby = match settings.get("standby") {
            _ if !feed => None,
            Some("off") => None,
            Some("warm") => Some(Standby::Warm),
            _ => Some(Standby::Cold),
        };
        Ok(Some(Self {
            replica,
            database: Arc::new(Database::new(config, database::breaker(settings), ttl)),
            leader: Arc::new(Leader::new(holder, ttl)),
            standby,
            progress: Arc::new(Progress::new(bus.is_some())),
            bus,
            spool: Arc::default(),
            intake: Arc::default(),
            queues: queues.clone(),
        }))
    }

    /// What this replica is called.
    pub(crate) fn name(&self) -> &str {
        &self.replica
    }

    /// Starts everything. With a database that does not answer the start goes on; with one that will not have us it
    /// does not.
    pub(crate) async fn start(
        &self,
        settings: &Settings,
        plan: Option<Plan>,
        live: &Arc<Live>,
        (counters, health, clock): (&Arc<Counters>, &Health, &Arc<Clock>),
        stoppers: &Stoppers,
    ) -> anyhow::Result<Arc<dyn Upkeep>> {
        let spool = (run::data(settings), settings.whole("spool-mb"));
        let keeper =
            Keeper::new(self.database.clone(), self.leader.clone(), spool, (counters.clone(), health.clone()), self.spool.clone())?;
        match self.database.open().await {
            // Before anything is received: it gets the time of the database. Without an answer the watch asks again.
            Ok(()) => drop(clock.look(&*self.database).await),
            Err(error) if error.is_temporary() => {
                tracing::error!("{error}");
                stoppers.tasks.errand("database", self.database.clone().open_when_it_answers(stoppers.tasks.stop()));
            }
            Err(error) => return Err(error.into()),
        }
        let heard_us = Arc::<AtomicI64>::default();
        self.follow(settings, live, (&heard_us, clock), stoppers);
        let (works, taken) = mpsc::channel(keeper::WORKS);
        stoppers.keepers.essential("keeper", keeper.run(taken));
        stoppers.hold(works.clone());
        // What the spool refuses is counted as refused; here everybody waits.
        self.queues.show_channel("keeper", &works, || 0);
        let feed = self.intake.clone();
        self.queues.show("feed", move || feed.feed());
        if let (Some(standby), Some(plan)) = (self.standby, plan) {
            stoppers.lease.essential("leader", self.leader.clone().run(self.database.clone(), stoppers.lease.stop()));
            let ports = Ports {
                live: live.clone(),
                role: self.leader.role(),
                leader: Some((self.leader.clone(), self.database.clone())),
                keeper: works,
                publisher: self.publisher(stoppers),
                heard_us,
                counters: counters.clone(),
                figures: self.intake.clone(),
            };
            stoppers.sources.essential("intake", Intake::new(plan, standby, ports).run(stoppers.sources.stop()));
        }
        // Without a plan nothing comes; the keeper empties a spool of an earlier run until the end.
        Ok(self.database.clone())
    }

    fn publisher(&self, stoppers: &Stoppers) -> Option<mpsc::Sender<Vec<godwit_live::bus::Message>>> {
        let bus = self.bus.clone()?;
        let (batches, taken) = mpsc::channel(PUBLISHING);
        stoppers.keepers.essential("publisher", intake::publish(bus, taken));
        stoppers.hold(batches.clone());
        self.queues.show_channel("publisher", &batches, || 0);
        Some(batches)
    }

    fn follow(&self, settings: &Settings, live: &Arc<Live>, (heard_us, clock): (&Arc<AtomicI64>, &Arc<Clock>), stoppers: &Stoppers) {
        let follower = Arc::new(Follower {
            database: self.database.clone(),
            live: live.clone(),
            role: self.leader.role(),
            progress: self.progress.clone(),
            age_us: run::age_us(settings),
            heard_us: heard_us.clone(),
            clock: clock.clone(),
        });
        let (subscribed, is_subscribed) = watch::channel(self.bus.is_none());
        if let Some(bus) = &self.bus {
            stoppers.tasks.essential("follower_bus", follower.clone().follow_bus(bus.clone(), subscribed, stoppers.tasks.stop()));
        }
        stoppers.tasks.essential("follower_store", follower.follow_store(is_subscribed, stoppers.tasks.stop()));
    }

    /// Whether this replica ingests.
    pub(crate) fn role(&self) -> Role {
        self.leader.role().borrow().clone()
    }

    /// Gives the lease back: everything is kept.
    pub(crate) async fn release(&self) {
        self.leader.release(&self.database).await;
    }

    /// Whether viewers see what there is to see.
    pub(crate) fn ready(&self) -> Result<(), String> {
        if self.progress.complete() {
            return Ok(());
        }
        Err(self.database.trouble().map_or_else(
            || "the live map is being filled".to_owned(),
            |trouble| format!("the live map cannot be filled from the database, only live packets show: {trouble}"),
        ))
    }

    /// Waits until it is ready, or it is clear that this takes longer.
    pub(crate) async fn wait_for_first_answer(&self) -> Result<(), String> {
        loop {
            match self.ready() {
                Err(why) if self.database.trouble().is_some() => return Err(why),
                Err(_) => sleep(Duration::from_millis(20)).await,
                Ok(()) => return Ok(()),
            }
        }
    }

    /// Waits until it is ready.
    pub(crate) async fn complete(&self) {
        while self.ready().is_err() {
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// What there is to know about it.
    pub(crate) fn json(&self) -> Value {
        let role = self.role();
        let token = if let Role::Leading(fence) = &role { Some(fence.token) } else { None };
        let ring = self.intake.ring();
        let mut json = json!({
            "replica": self.replica,
            "role": role.as_str(),
            "token": token,
            "lease_age_ms": self.leader.lease_age_ms(),
            "takeovers": self.leader.takeovers(),
            "absences": self.intake.absences(),
            "standby": match self.standby { Some(Standby::Warm) => "warm", Some(Standby::Cold) => "cold", None => "off" },
            "ring": ring.map(|(packets, since_us)| json!({ "packets": packets, "seconds": (now_us() - since_us) / 1_000_000 })),
            "spool": self.spool.json(),
            "world": self.progress.json(),
            "database": self.database_json(),
        });
        if let Some(bus) = &self.bus {
            let figures = bus.figures();
            json["bus"] = json!({
                "kind": bus.kind(), "published": figures.published, "failed": figures.failed, "taken": figures.taken, "gaps": figures.gaps,
                "lost": figures.lost, "breaker": figures.breaker.as_ref().map(breaker_json)
            });
        }
        json
    }

    fn database_json(&self) -> Value {
        let (pools, replica) = self.database.figures();
        let pools: serde_json::Map<String, Value> = pools
            .into_iter()
            .map(|pool| {
                let figures = json!({
                    "most": pool.most, "open": pool.open, "idle": pool.idle, "waiting": pool.waiting, "taken": pool.taken,
                    "saturated": pool.saturated, "wait_ms": pool.wait_us / 1000, "longest_wait_ms": pool.longest_wait_us / 1000
                });
                (pool.name.to_owned(), figures)
            })
            .collect();
        let replica = replica.map(|replica| {
            json!({
                "used": replica.used, "behind_ms": replica.behind_ms, "answered": replica.answered, "passed_on": replica.passed_on
            })
        });
        json!({
            "trouble": self.database.trouble(), "breaker": breaker_json(&self.database.reads()), "pools": pools, "replica": replica
        })
    }
}

fn bus(settings: &Settings) -> anyhow::Result<Option<Arc<dyn Bus>>> {
    let Some(address) = redis(settings)? else { return Ok(None) };
    let default = RedisBusConfig::default();
    let breaker = redis_breaker(settings);
    Ok(Some(Arc::new(RedisBus::new(address, RedisBusConfig { key: format!("{}:bus:1", redis_keys(settings)), breaker, ..default }))))
}

/// Where Redis is, if it is.
fn redis(settings: &Settings) -> anyhow::Result<Option<RedisAddress>> {
    let Some(url) = settings.get("redis-url") else { return Ok(None) };
    RedisAddress::parse(url, settings.get("redis-ca").map(AsRef::as_ref)).context("redis-url").map(Some)
}

/// What our keys begin with; the braces keep them together in a cluster.
fn redis_keys(settings: &Settings) -> String {
    format!("{{{}}}", settings.get("redis-prefix").unwrap_or("godwit"))
}

fn redis_breaker(settings: &Settings) -> BreakerConfig {
    let (ours, usual) = (database::breaker(settings), RedisBusConfig::default().breaker);
    BreakerConfig { longest_wait: ours.longest_wait.min(usual.longest_wait), failures: ours.failures, ..usual }
}

/// How much one client may ask; `None` when it is as much as it likes.
pub(crate) fn limit(settings: &Settings) -> anyhow::Result<Option<Limit>> {
    let units = u32::try_from(settings.whole("rate-limit")).unwrap_or(u32::MAX);
    if units == 0 {
        return Ok(None);
    }
    let keys = format!("{}:limit:2", redis_keys(settings));
    let redis = redis(settings)?.map(|address| (RedisLink::new(address, keys.clone(), LIMIT_DEADLINE, redis_breaker(settings)), keys));
    let burst = u32::try_from(settings.whole("rate-burst")).unwrap_or(u32::MAX);
    let rate = Rate { units, window: Duration::from_secs(60), burst };
    let light = Rate { units: units.saturating_mul(Limit::LIGHT), burst: burst.saturating_mul(Limit::LIGHT), ..rate };
    Ok(Some(Limit { limiter: Arc::new(Limiter::new(rate, redis)), light: Arc::new(Limiter::new(light, None)) }))
}

/// The name of the machine, as Linux tells it.
fn machine() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name: String = name.trim().chars().filter(char::is_ascii_graphic).take(60).collect();
    if name.is_empty() { "godwit".to_owned() } else { name }
}
