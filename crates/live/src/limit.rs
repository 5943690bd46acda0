//! How much a client may ask: a bucket of units that fills again at a steady rate, shared by all replicas in Redis, else
//! kept in the memory of this one.
//!
//! A request takes one unit; an answer that was expensive takes more afterwards and may leave a debt. Of a bucket only one
//! number is kept, the time at which it is full again (the generic cell rate algorithm), so that a bucket that is full is
//! the same as one that is not there. Each request is counted twice: for its client (an IPv4 address, an IPv6 /64) and for
//! the wider network (/24, /48), which has a larger bucket. When Redis does not answer, each replica limits by itself.
//! Bound: [`CLIENTS`] buckets of each kind; when there is no room for one more, the fullest of a few is dropped, and
//! counted.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use godwit_flow::BreakerReading;
use redis::Script;

use crate::RedisLink;

/// Buckets of clients, and as many of networks, that the memory of one replica has room for; each takes about 50 bytes.
const CLIENTS: usize = 50_000;

/// An IPv4 /24 has so many times the units of one client: mobile networks put thousands of people behind few addresses.
const UNITS_OF_A_24: u64 = 64;

/// An IPv6 /48 has so many times the units of one client. One site can have one, so it must not be 65,536 clients.
const UNITS_OF_A_48: u64 = 16;

/// Buckets that are looked at for the fullest when one must go.
const LOOKED_AT: usize = 16;

/// Buckets that have filled up are removed at most once in this time, microseconds.
const BETWEEN_SWEEPS_US: u64 = 100_000;

/// How much a client may ask.
#[derive(Debug, Clone, Copy)]
pub struct Rate {
    /// Units that come back in `window`; at least 1.
    pub units: u32,
    /// See `units`.
    pub window: Duration,
    /// Units that a client may use at once; at least 1.
    pub burst: u32,
}

impl Rate {
    /// How long one unit of a client takes to come back, microseconds.
    fn unit_us(&self) -> u64 {
        (micros(self.window) / u64::from(self.units.max(1))).max(1)
    }

    /// How long an empty bucket takes to fill.
    #[must_use]
    pub fn fill(&self) -> Duration {
        Duration::from_micros(self.room_us())
    }

    fn room_us(&self) -> u64 {
        self.unit_us() * u64::from(self.burst.max(1))
    }

    /// The most that a bucket's time may be ahead: empty, and a debt of one window. More would lock a client out for long
    /// after one expensive answer, or after the clock was set back.
    fn ahead_us(&self) -> u64 {
        self.room_us() + micros(self.window)
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX / 4).min(u64::MAX / 4)
}

/// What a client has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    /// Units that it may use at once.
    pub units: u32,
    /// After this time it has all of them again.
    pub full_in: Duration,
}

/// Whether a client may ask now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It may, and one unit was taken.
    Allowed(Left),
    /// It may not; after this time it may. Nothing was taken.
    Wait(Duration),
}

/// What is asked of two buckets, the client's and its network's.
#[derive(Debug, Clone, Copy)]
struct Ask {
    /// What is taken of each, microseconds.
    costs_us: [u64; 2],
    room_us: u64,
    ahead_us: u64,
    /// Taken whatever is left.
    charged: bool,
}

/// The answer: microseconds to wait (0: it was taken), and how far the client's bucket is from full, microseconds.
type Answer = (u64, u64);

impl Ask {
    /// The rule, on the times at which the buckets are full. The script in Redis is the same, line by line.
    fn of(self, full_at_us: &mut [u64; 2], now_us: u64) -> Answer {
        let mut wait_us = 0;
        let mut after_us = [0; 2];
        for at in 0..2 {
            let full_us = full_at_us[at].clamp(now_us, now_us + self.ahead_us);
            after_us[at] = full_us + self.costs_us[at];
            wait_us = wait_us.max(after_us[at].saturating_sub(now_us + self.room_us));
        }
        if wait_us > 0 && !self.charged {
            return (wait_us, after_us[0] - self.costs_us[0] - now_us);
        }
        for at in 0..2 {
            full_at_us[at] = after_us[at].min(now_us + self.ahead_us);
        }
        (0, full_at_us[0] - now_us)
    }
}

/// The same as [`Ask::of`] by the clock of Redis.
const SCRIPT: &str = "
local costs = {tonumber(ARGV[1]), tonumber(ARGV[2])}
local room, ahead, charged = tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5] == '1'
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local wait, after = 0, {}
for at = 1, 2 do
  local full = tonumber(redis.call('GET', KEYS[at]) or now)
  full = math.min(math.max(full, now), now + ahead)
  after[at] = full + costs[at]
  wait = math.max(wait, after[at] - now - room)
end
if wait > 0 and not charged then return {wait, after[1] - costs[1] - now} end
for at = 1, 2 do
  after[at] = math.min(after[at], now + ahead)
  redis.call('SET', KEYS[at], string.format('%.0f', after[at]), 'PX', math.floor((after[at] - now) / 1000) + 1)
end
return {0, after[1] - now}
";

/// When buckets are full again; those that are not there are full.
#[derive(Debug, Default)]
struct Buckets {
    full_at_us: HashMap<IpAddr, u64>,
    swept_us: u64,
}

impl Buckets {
    fn full_at_us(&self, key: IpAddr, now_us: u64) -> u64 {
        self.full_at_us.get(&key).copied().unwrap_or(now_us)
    }

    /// Keeps the time of a bucket, with room for `most`; whether another one that was not full had to go.
    fn keep(&mut self, key: IpAddr, full_at_us: u64, (most, now_us): (usize, u64)) -> bool {
        let mut dropped = false;
        if self.full_at_us.len() >= most && !self.full_at_us.contains_key(&key) {
            if now_us.abs_diff(self.swept_us) >= BETWEEN_SWEEPS_US {
                self.swept_us = now_us;
                self.full_at_us.retain(|_, full_at_us| *full_at_us > now_us);
            }
            if self.full_at_us.len() >= most
                && let Some((&fullest, &at_us)) = self.full_at_us.iter().take(LOOKED_AT).min_by_key(|(_, full_at_us)| **full_at_us)
            {
                self.full_at_us.remove(&fullest);
                dropped = at_us > now_us;
            }
        }
        self.full_at_us.insert(key, full_at_us);
        dropped
    }
}

/// What can be read about a limiter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimiterFigures {
    /// Requests that were let through.
    pub allowed: u64,
    /// Requests that were refused.
    pub refused: u64,
    /// Units that were taken after expensive answers.
    pub charged: u64,
    /// Decisions that this replica made alone because Redis did not answer.
    pub alone: u64,
    /// Clients that were forgotten before their bucket was full, because there was no room for more.
    pub forgotten: u64,
    /// Clients that the memory of this replica holds.
    pub clients: usize,
    /// The breaker before Redis, where there is one.
    pub breaker: Option<BreakerReading>,
}

/// The limiter.
#[derive(Debug)]
pub struct Limiter {
    rate: Rate,
    redis: Option<(RedisLink, String, Script)>,
    /// Of clients, and of networks.
    buckets: Mutex<[Buckets; 2]>,
    most: usize,
    allowed: AtomicU64,
    refused: AtomicU64,
    charged: AtomicU64,
    alone: AtomicU64,
    forgotten: AtomicU64,
}

impl Limiter {
    /// A limiter of this replica alone, or with Redis of all that use keys with this beginning.
    #[must_use]
    pub fn new(rate: Rate, redis: Option<(RedisLink, String)>) -> Self {
        Self {
            rate,
            redis: redis.map(|(link, keys)| (link, keys, Script::new(SCRIPT))),
            buckets: Mutex::default(),
            most: CLIENTS,
            allowed: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            charged: AtomicU64::new(0),
            alone: AtomicU64::new(0),
            forgotten: AtomicU64::new(0),
        }
    }

    /// How much a client may ask.
    #[must_use]
    pub fn rate(&self) -> Rate {
        self.rate
    }

    /// Takes one unit for a request of a client, if there is one. `now_us` is the time, microseconds since 1970 UTC; with
    /// Redis its clock counts.
    pub async fn ask(&self, client: IpAddr, now_us: i64) -> Verdict {
        let (wait_us, used_us) = self.decide(client, 1, false, now_us).await;
        if wait_us > 0 {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return Verdict::Wait(Duration::from_micros(wait_us));
        }
        self.allowed.fetch_add(1, Ordering::Relaxed);
        Verdict::Allowed(self.left(used_us))
    }

    /// Takes units of a client for an answer that was expensive, also those that it does not have: it then waits longer.
    pub async fn charge(&self, client: IpAddr, units: u32, now_us: i64) -> Left {
        self.charged.fetch_add(u64::from(units), Ordering::Relaxed);
        let (_, used_us) = self.decide(client, units, true, now_us).await;
        self.left(used_us)
    }

    fn left(&self, used_us: u64) -> Left {
        let units = self.rate.room_us().saturating_sub(used_us) / self.rate.unit_us();
        Left { units: u32::try_from(units).unwrap_or(u32::MAX), full_in: Duration::from_micros(used_us) }
    }

    async fn decide(&self, client: IpAddr, units: u32, charged: bool, now_us: i64) -> Answer {
        let client = one_client(client);
        let (network, share) = network(client);
        let cost_us = self.rate.unit_us().saturating_mul(u64::from(units)).min(self.rate.ahead_us());
        let ask =
            Ask { costs_us: [cost_us, (cost_us / share).max(1)], room_us: self.rate.room_us(), ahead_us: self.rate.ahead_us(), charged };
        if let Some((link, keys, script)) = &self.redis {
            let mut call = script.key(format!("{keys}:{client}"));
            call.key(format!("{keys}:net:{network}"));
            call.arg(&ask.costs_us).arg(ask.room_us).arg(ask.ahead_us).arg(u8::from(ask.charged));
            if let Ok(answer) = link.call(|mut connection| async move { call.invoke_async::<Answer>(&mut connection).await }).await {
                return answer;
            }
            self.alone.fetch_add(1, Ordering::Relaxed);
        }
        self.decide_alone([client, network], ask, u64::try_from(now_us).unwrap_or(0))
    }

    fn decide_alone(&self, keys: [IpAddr; 2], ask: Ask, now_us: u64) -> Answer {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let mut full_at_us = [buckets[0].full_at_us(keys[0], now_us), buckets[1].full_at_us(keys[1], now_us)];
        let answer = ask.of(&mut full_at_us, now_us);
        if answer.0 == 0 {
            for at in 0..2 {
                let forgotten = buckets[at].keep(keys[at], full_at_us[at], (self.most, now_us));
                self.forgotten.fetch_add(u64::from(forgotten), Ordering::Relaxed);
            }
        }
        answer
    }

    /// What went through.
    #[must_use]
    pub fn figures(&self) -> LimiterFigures {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        LimiterFigures {
            allowed: read(&self.allowed),
            refused: read(&self.refused),
            charged: read(&self.charged),
            alone: read(&self.alone),
            forgotten: read(&self.forgotten),
            clients: self.buckets.lock().unwrap_or_else(PoisonError::into_inner)[0].full_at_us.len(),
            breaker: self.redis.as_ref().map(|(link, ..)| link.breaker()),
        }
    }
}

/// What counts as one client: an IPv4 address; of IPv6 the /64 that one household gets.
#[must_use]
pub fn one_client(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) & !u128::from(u64::MAX)).into()),
        address => address,
    }
}

/// The network around a client, and how many times the units of one client it has.
fn network(client: IpAddr) -> (IpAddr, u64) {
    match client {
        IpAddr::V4(address) => (IpAddr::V4((u32::from(address) & !0xff).into()), UNITS_OF_A_24),
        IpAddr::V6(address) => (IpAddr::V6((u128::from(address) & !(u128::MAX >> 48)).into()), UNITS_OF_A_48),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten units a second, twenty at once.
    const RATE: Rate = Rate { units: 10, window: Duration::from_secs(1), burst: 20 };
    const UNIT_US: u64 = 100_000;

    fn ask(units: u64, charged: bool) -> Ask {
        let cost_us = units * UNIT_US;
        Ask { costs_us: [cost_us, cost_us / 16], room_us: RATE.room_us(), ahead_us: RATE.ahead_us(), charged }
    }

    /// Asks until refused: how many went through, and the wait.
    fn burst(full_at_us: &mut [u64; 2], now_us: u64) -> (u32, u64) {
        for asked in 0..1000 {
            let (wait_us, _) = ask(1, false).of(full_at_us, now_us);
            if wait_us > 0 {
                return (asked, wait_us);
            }
        }
        panic!("never refused");
    }

    #[test]
    fn a_burst_then_the_rate_and_the_wait_is_what_it_takes() {
        let mut full_at_us = [0; 2];
        let now_us = 5_000_000;
        assert_eq!(burst(&mut full_at_us, now_us), (20, UNIT_US));
        assert_eq!(ask(1, false).of(&mut full_at_us, now_us + UNIT_US - 1), (1, 2_000_000 - UNIT_US + 1), "a microsecond early");
        assert_eq!(ask(1, false).of(&mut full_at_us, now_us + UNIT_US).0, 0);
        // After a second there are the ten units of a second.
        assert_eq!(burst(&mut full_at_us, now_us + UNIT_US + 1_000_000).0, 10);
        // Long after, all of them; and a clock that was set back refuses nobody for longer than a debt lasts.
        assert_eq!(burst(&mut full_at_us, now_us + 60_000_000).0, 20);
        assert_eq!(burst(&mut full_at_us, now_us), (0, 1_000_000 + UNIT_US));
    }

    #[test]
    fn an_expensive_answer_is_paid_afterwards_and_a_debt_has_a_bound() {
        let mut full_at_us = [0; 2];
        let now_us = 5_000_000;
        assert_eq!(ask(1, false).of(&mut full_at_us, now_us), (0, UNIT_US));
        assert_eq!(ask(24, true).of(&mut full_at_us, now_us), (0, 25 * UNIT_US), "five units of debt");
        assert_eq!(ask(1, false).of(&mut full_at_us, now_us), (6 * UNIT_US, 25 * UNIT_US));
        assert_eq!(ask(1_000_000, true).of(&mut full_at_us, now_us), (0, 3_000_000), "empty, and one window");
    }

    #[test]
    fn a_network_has_more_than_a_client_and_not_without_end() {
        let limiter = Limiter::new(RATE, None);
        let clock = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        for (of, units) in [("2001:db8:1:", 16 * 20), ("198.51.100.", 64 * 20)] {
            let mut allowed = 0;
            for number in 0..5000_u32 {
                let client = if of.contains(':') { format!("{of}{number:x}::1") } else { format!("{of}{}", number % 256) };
                let verdict = clock.block_on(limiter.ask(client.parse().expect("an address"), 1_000_000));
                allowed += u32::from(matches!(verdict, Verdict::Allowed(_)));
            }
            assert_eq!(allowed, units, "{of}");
        }
    }

    #[tokio::test]
    async fn a_full_table_forgets_the_fullest_and_a_new_client_is_counted() {
        let limiter = Limiter { most: 100, ..Limiter::new(RATE, None) };
        let client = |number: u32| IpAddr::from((0x0a00_0000 + (number << 8)).to_be_bytes());
        for number in 0..5000 {
            assert!(matches!(limiter.ask(client(number), 1_000_000).await, Verdict::Allowed(_)));
        }
        let mut allowed = 0;
        for _ in 0..1000 {
            allowed += u32::from(matches!(limiter.ask(client(9000), 1_000_000).await, Verdict::Allowed(_)));
        }
        assert_eq!(allowed, 20);
        let figures = limiter.figures();
        assert_eq!((figures.clients, figures.allowed, figures.refused), (100, 5020, 980));
        assert!(figures.forgotten >= 4901, "{figures:?}");
        // Those whose bucket is full again make room without anything being lost.
        assert!(matches!(limiter.ask(client(20_000), 9_000_000).await, Verdict::Allowed(Left { units: 19, .. })));
        assert_eq!((limiter.figures().clients, limiter.figures().forgotten), (1, figures.forgotten));
    }

    #[test]
    fn what_is_one_client_and_one_network() {
        let address = |text: &str| one_client(text.parse().expect("an address"));
        assert_eq!(address("2001:db8:1:2:3:4:5:6"), address("2001:db8:1:2::9"));
        assert_ne!(address("2001:db8:1:2::9"), address("2001:db8:1:3::9"));
        assert_eq!(address("::ffff:192.0.2.1"), address("192.0.2.1"));
        assert_eq!(network(address("2001:db8:1:2::9")), network(address("2001:db8:1:ffff::9")));
        assert_ne!(network(address("2001:db8:1:2::9")), network(address("2001:db8:2:2::9")));
        assert_eq!(network(address("192.0.2.1")), (address("192.0.2.0"), UNITS_OF_A_24));
    }
}
