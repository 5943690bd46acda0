//! One suite for both limiters, with a real Redis; then what happens when it goes away.

#![allow(missing_docs, reason = "tests")]

use std::{net::IpAddr, sync::Arc, time::Duration};

use godwit_flow::{BreakerConfig, now_us};
use godwit_live::{
    RedisAddress, RedisLink,
    limit::{Left, Limiter, Rate, Verdict},
};
use godwit_testkit::{Redis, RedisCluster};

const RATE: Rate = Rate { units: 20, window: Duration::from_secs(2), burst: 20 };

fn client(last: u8) -> IpAddr {
    [192, 0, 2, last].into()
}

fn with_redis(url: &str) -> Limiter {
    let keys = format!("{{test:{}:{}}}:limit", std::process::id(), now_us());
    shared(url, &keys)
}

fn shared(url: &str, keys: &str) -> Limiter {
    let address = RedisAddress::parse(url, None).expect("an address");
    let link = RedisLink::new(address, keys.to_owned(), Duration::from_millis(500), BreakerConfig::default());
    Limiter::new(RATE, Some((link, keys.to_owned())))
}

/// Asks until refused: how many went through, and how long to wait.
async fn burst(limiter: &Limiter, client: IpAddr) -> (u32, Duration) {
    for asked in 0..1000 {
        if let Verdict::Wait(wait) = limiter.ask(client, now_us()).await {
            return (asked, wait);
        }
    }
    panic!("never refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn both_let_through_what_the_rate_says_then_nothing_then_again() {
    let (url, _redis) = Redis::given_or_own();
    let cluster = RedisCluster::start();
    for (name, limiter) in [("local", Limiter::new(RATE, None)), ("redis", with_redis(&url)), ("a cluster", with_redis(&cluster.url()))] {
        let (first, wait) = burst(&limiter, client(1)).await;
        // What comes back while the requests are made is there for the last of them.
        assert!((20..=26).contains(&first), "{name}: {first}");
        assert!(wait <= RATE.window / 20, "{name}: {wait:?}");
        let (other, _) = burst(&limiter, client(2)).await;
        assert!((20..=26).contains(&other), "{name}: another client has a limit of its own: {other}");
        tokio::time::sleep(wait + Duration::from_millis(5)).await;
        assert!(matches!(limiter.ask(client(1), now_us()).await, Verdict::Allowed(_)), "{name}: after the wait it may");
        // An expensive answer is paid afterwards, and leaves a debt.
        let Verdict::Allowed(Left { units: 19, .. }) = limiter.ask(client(4), now_us()).await else { panic!("{name}: one is taken") };
        assert_eq!(limiter.charge(client(4), 24, now_us()).await.units, 0, "{name}");
        let Verdict::Wait(wait) = limiter.ask(client(4), now_us()).await else { panic!("{name}: it has a debt") };
        assert!((Duration::from_millis(300)..=Duration::from_millis(600)).contains(&wait), "{name}: {wait:?}");
        // A burst and then no more than the rate: ask all the time for three windows.
        let (began, mut allowed) = (std::time::Instant::now(), 0);
        while began.elapsed() < RATE.window * 3 {
            allowed += u32::from(matches!(limiter.ask(client(3), now_us()).await, Verdict::Allowed(_)));
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!((60..=86).contains(&allowed), "{name}: {allowed} in three windows");
        assert_eq!(limiter.figures().alone, 0, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_of_one_ipv6_site_share_a_larger_bucket() {
    let (url, _redis) = Redis::given_or_own();
    for (name, limiter) in [("local", Limiter::new(RATE, None)), ("redis", with_redis(&url))] {
        let mut allowed = 0;
        let began = std::time::Instant::now();
        for number in 0..2000_u32 {
            let client = format!("2001:db8:1:{number:x}::1").parse().expect("an address");
            allowed += u32::from(matches!(limiter.ask(client, now_us()).await, Verdict::Allowed(_)));
        }
        let came_back = (began.elapsed().as_secs_f64() * 160.0).ceil() as u32;
        assert!((320..=321 + came_back).contains(&allowed), "{name}: {allowed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_share_one_limit_and_no_two_requests_take_the_same_place() {
    let (url, _redis) = Redis::given_or_own();
    let keys = format!("{{test:{}:{}}}:limit", std::process::id(), now_us());
    let replicas: Vec<Arc<Limiter>> = (0..3).map(|_| Arc::new(shared(&url, &keys))).collect();
    let asking: Vec<_> = (0..90)
        .map(|at| {
            let limiter = replicas[at % 3].clone();
            tokio::spawn(async move { matches!(limiter.ask(client(1), now_us()).await, Verdict::Allowed(_)) })
        })
        .collect();
    let mut allowed = 0;
    for asked in asking {
        allowed += u32::from(asked.await.expect("task"));
    }
    assert!((20..=30).contains(&allowed), "{allowed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_each_limits_by_itself_and_counts_that() {
    let mut redis = Redis::start();
    let limiter = with_redis(&redis.url());
    assert!(matches!(limiter.ask(client(1), now_us()).await, Verdict::Allowed(_)));
    redis.kill();
    let (alone, _) = burst(&limiter, client(1)).await;
    assert!((20..=30).contains(&alone), "{alone}");
    assert!(limiter.figures().alone >= 21);
    redis.start_again();
    let before = limiter.figures().alone;
    for _ in 0..200 {
        limiter.ask(client(2), now_us()).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let after = limiter.figures();
    assert!(after.alone < before + 200, "Redis is asked again: {after:?}");
}
