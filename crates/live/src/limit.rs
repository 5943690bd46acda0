//! How often a client may ask: a sliding window, one for all replicas in Redis, else one in memory.
//!
//! The window slides by weight: what was counted in the window before counts as far as the sliding one still covers it.
//! So a client costs two numbers, and the limit is off by little for traffic that is not made to deceive it.
//! When Redis does not answer, each replica limits by itself; when memory is full, who is new is let through, and counted.

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

/// Clients that the memory of one replica has room for; each takes about 100 bytes.
const CLIENTS: usize = 50_000;

/// So many in `window`.
#[derive(Debug, Clone, Copy)]
pub struct Rate {
    /// Requests; at least 1.
    pub requests: u32,
    /// In so long.
    pub window: Duration,
}

impl Rate {
    fn window_ms(&self) -> u64 {
        u64::try_from(self.window.as_millis()).unwrap_or(u64::MAX).max(1)
    }
}

/// Whether a client may ask now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It may, and it was counted.
    Allowed,
    /// It may not; after so long it may. It was not counted.
    Wait(Duration),
}

/// What a client has asked: the window it last asked in, by number, and the requests in it and in the one before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Count {
    window: u64,
    now: u32,
    before: u32,
}

impl Count {
    /// The rule. The script in Redis is the same, line by line.
    fn ask(&mut self, rate: Rate, now_ms: u64) -> Verdict {
        let window_ms = rate.window_ms();
        let window = now_ms / window_ms;
        if self.window != window {
            let before = if self.window + 1 == window { self.now } else { 0 };
            *self = Self { window, now: 0, before };
        }
        let into = now_ms - window * window_ms;
        let used = |into: u64| f64::from(self.before) * (window_ms - into) as f64 / window_ms as f64 + f64::from(self.now);
        if used(into) + 1.0 <= f64::from(rate.requests) {
            self.now += 1;
            return Verdict::Allowed;
        }
        // The weight of the window before must fall to what is left; if nothing is, ours must become the one before.
        let (from, count, left) = if self.now < rate.requests {
            (0, self.before, rate.requests - 1 - self.now)
        } else {
            (window_ms, self.now, rate.requests - 1)
        };
        let at = from as f64 + window_ms as f64 * (1.0 - f64::from(left) / f64::from(count));
        Verdict::Wait(Duration::from_millis((at.ceil() as u64).saturating_sub(into).max(1)))
    }
}

/// The same as [`Count::ask`] by the clock of Redis; 0, or milliseconds to wait.
const SCRIPT: &str = "
local limit, window_ms = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
local window = math.floor(now_ms / window_ms)
local kept = redis.call('HMGET', KEYS[1], 'w', 'n', 'b')
local last, now, before = tonumber(kept[1] or -1), tonumber(kept[2] or 0), tonumber(kept[3] or 0)
if last ~= window then
  if last + 1 == window then before = now else before = 0 end
  now = 0
end
local into = now_ms - window * window_ms
if before * (window_ms - into) / window_ms + now + 1 <= limit then
  redis.call('HSET', KEYS[1], 'w', window, 'n', now + 1, 'b', before)
  redis.call('PEXPIRE', KEYS[1], 2 * window_ms)
  return 0
end
local from, count, left = 0, before, limit - 1 - now
if now >= limit then from, count, left = window_ms, now, limit - 1 end
return math.max(math.ceil(from + window_ms * (1 - left / count)) - into, 1)
";

/// What can be read about a limiter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimiterFigures {
    /// Requests that were let through.
    pub allowed: u64,
    /// Requests that were refused.
    pub refused: u64,
    /// Of these, decided by this replica alone because Redis did not answer.
    pub alone: u64,
    /// Let through without being counted, because the memory for clients was full.
    pub uncounted: u64,
    /// The breaker before Redis, where there is one.
    pub breaker: Option<BreakerReading>,
}

/// The limiter.
#[derive(Debug)]
pub struct Limiter {
    rate: Rate,
    redis: Option<(RedisLink, String, Script)>,
    clients: Mutex<HashMap<IpAddr, Count>>,
    most: usize,
    allowed: AtomicU64,
    refused: AtomicU64,
    alone: AtomicU64,
    uncounted: AtomicU64,
}

impl Limiter {
    /// A limiter of this replica alone, or with Redis of all that use keys with this beginning.
    #[must_use]
    pub fn new(rate: Rate, redis: Option<(RedisLink, String)>) -> Self {
        Self {
            rate: Rate { requests: rate.requests.max(1), ..rate },
            redis: redis.map(|(link, keys)| (link, keys, Script::new(SCRIPT))),
            clients: Mutex::default(),
            most: CLIENTS,
            allowed: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            alone: AtomicU64::new(0),
            uncounted: AtomicU64::new(0),
        }
    }

    /// Asks for one request of a client. `now_us` is the time, microseconds since 1970 UTC; with Redis its clock counts.
    pub async fn ask(&self, client: IpAddr, now_us: i64) -> Verdict {
        let client = household(client);
        let verdict = match &self.redis {
            Some((link, keys, script)) => {
                let mut call = script.key(format!("{keys}:{client}"));
                call.arg(self.rate.requests).arg(self.rate.window_ms());
                let wait_ms: Result<u64, _> = link.call(|mut connection| async move { call.invoke_async(&mut connection).await }).await;
                match wait_ms {
                    Ok(0) => Verdict::Allowed,
                    Ok(wait_ms) => Verdict::Wait(Duration::from_millis(wait_ms)),
                    Err(_) => {
                        self.alone.fetch_add(1, Ordering::Relaxed);
                        self.ask_alone(client, now_us)
                    }
                }
            }
            None => self.ask_alone(client, now_us),
        };
        let counter = if verdict == Verdict::Allowed { &self.allowed } else { &self.refused };
        counter.fetch_add(1, Ordering::Relaxed);
        verdict
    }

    fn ask_alone(&self, client: IpAddr, now_us: i64) -> Verdict {
        let now_ms = u64::try_from(now_us / 1000).unwrap_or(0);
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if clients.len() >= self.most && !clients.contains_key(&client) {
            let window = now_ms / self.rate.window_ms();
            clients.retain(|_, count| count.window + 1 >= window);
            if clients.len() >= self.most {
                self.uncounted.fetch_add(1, Ordering::Relaxed);
                return Verdict::Allowed;
            }
        }
        clients.entry(client).or_default().ask(self.rate, now_ms)
    }

    /// What went through.
    #[must_use]
    pub fn figures(&self) -> LimiterFigures {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        LimiterFigures {
            allowed: read(&self.allowed),
            refused: read(&self.refused),
            alone: read(&self.alone),
            uncounted: read(&self.uncounted),
            breaker: self.redis.as_ref().map(|(link, ..)| link.breaker()),
        }
    }
}

/// Who counts as one client: an address; of IPv6 the network that one household gets.
fn household(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) & !u128::from(u64::MAX)).into()),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { requests: 10, window: Duration::from_secs(1) };

    /// Asks until refused; how many went through.
    fn burst(count: &mut Count, now_ms: u64) -> (u32, u64) {
        for asked in 0..1000 {
            if let Verdict::Wait(wait) = count.ask(RATE, now_ms) {
                return (asked, u64::try_from(wait.as_millis()).expect("small"));
            }
        }
        panic!("never refused");
    }

    #[test]
    fn the_window_slides_and_the_wait_is_what_it_takes() {
        let mut count = Count::default();
        let begin = 5_000;
        assert_eq!(burst(&mut count, begin).0, 10);
        // In the next window half of them still count at its half.
        assert_eq!(burst(&mut count, begin + 1500).0, 5);
        for offset in [0, 1, 250, 999] {
            let mut count = Count::default();
            let now = begin + offset;
            let (_, wait) = burst(&mut count, now);
            assert!(wait <= 2000, "{wait}");
            let mut early = count;
            assert_ne!(early.ask(RATE, now + wait - 2), Verdict::Allowed, "{offset}: {wait}");
            assert_eq!(count.ask(RATE, now + wait), Verdict::Allowed, "{offset}: {wait}");
        }
        // Long after, nothing counts any more; a clock that was set back refuses nobody for ever.
        assert_eq!(burst(&mut count, begin + 60_000).0, 10);
        assert_eq!(burst(&mut count, begin).0, 10);
    }

    #[tokio::test]
    async fn clients_have_limits_of_their_own_and_who_finds_no_room_is_let_through() {
        let limiter = Limiter { most: 3, ..Limiter::new(Rate { requests: 1, ..RATE }, None) };
        let client = |last: u8| IpAddr::from([192, 0, 2, last]);
        for last in 0..3 {
            assert_eq!(limiter.ask(client(last), 1_000_000).await, Verdict::Allowed);
            assert!(matches!(limiter.ask(client(last), 1_000_000).await, Verdict::Wait(_)));
        }
        assert_eq!(limiter.ask(client(9), 1_000_000).await, Verdict::Allowed);
        assert_eq!(limiter.ask(client(9), 1_000_000).await, Verdict::Allowed);
        let figures = limiter.figures();
        assert_eq!((figures.allowed, figures.refused, figures.uncounted, figures.alone), (5, 3, 2, 0));
        // Those who went away make room.
        assert_eq!(limiter.ask(client(9), 9_000_000).await, Verdict::Allowed);
        assert!(matches!(limiter.ask(client(9), 9_000_000).await, Verdict::Wait(_)));
    }

    #[test]
    fn a_household_is_one_client() {
        let address = |text: &str| household(text.parse().expect("an address"));
        assert_eq!(address("2001:db8:1:2:3:4:5:6"), address("2001:db8:1:2::9"));
        assert_ne!(address("2001:db8:1:2::9"), address("2001:db8:1:3::9"));
        assert_eq!(address("::ffff:192.0.2.1"), address("192.0.2.1"));
    }
}
