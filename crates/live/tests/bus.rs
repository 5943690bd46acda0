//! One suite for both buses, with a real Redis; then what only a Redis can do to us.

#![allow(missing_docs, reason = "tests")]

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use godwit_flow::{BreakerConfig, BreakerState};
use godwit_live::{
    RedisAddress,
    bus::{Bus, BusId, Event, GapReason, MemoryBus, Message, RedisBus, RedisBusConfig, Subscription},
};
use godwit_testkit::{Authority, Redis, RedisCluster, Sentinel};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(30);

/// Batches that the small buses of these tests keep; Redis trims whole blocks of about a hundred.
const KEEP: usize = 20;
const SURELY_TRIMMED: u64 = 400;

fn message(number: u64) -> Message {
    let raw = format!("A{}B>APRS,TCPIP*:>message {number}", number % 10);
    Message {
        received_at_us: 1_000_000 + i64::try_from(number).expect("small"),
        raw: raw.into_bytes().into(),
        fix_counts: !number.is_multiple_of(3),
    }
}

fn messages(numbers: std::ops::Range<u64>) -> Vec<Message> {
    numbers.map(message).collect()
}

fn redis_bus(url: &str, key: &str) -> RedisBus {
    let config = RedisBusConfig {
        key: key.to_owned(),
        keep_batches: KEEP,
        deadline: Duration::from_millis(500),
        breaker: BreakerConfig {
            first_wait: Duration::from_millis(50),
            longest_wait: Duration::from_millis(200),
            ..BreakerConfig::default()
        },
        reconnect: (Duration::from_millis(10), Duration::from_millis(100)),
    };
    RedisBus::new(RedisAddress::parse(url, None).expect("an address"), config)
}

/// A key that no other test and no earlier run has.
fn key(test: &str) -> String {
    format!("godwit:test:{test}:{}:{}", std::process::id(), godwit_flow::now_us())
}

/// Both buses, and what keeps them alive.
fn buses(test: &str) -> (Vec<Arc<dyn Bus>>, Option<Redis>) {
    let (url, own) = Redis::given_or_own();
    (vec![Arc::new(MemoryBus::new(KEEP, godwit_flow::now_us())), Arc::new(redis_bus(&url, &key(test)))], own)
}

async fn next(subscription: &mut dyn Subscription) -> Event {
    timeout(PATIENCE, subscription.next()).await.expect("an event in time")
}

/// The next batch; gaps that a new publisher begins with are passed over.
async fn batch(subscription: &mut dyn Subscription) -> (BusId, Vec<Message>) {
    loop {
        match next(subscription).await {
            Event::Batch(id, messages) => return (id, messages),
            Event::Gap(GapReason::NotPublished) => {}
            other => panic!("not a batch: {other:?}"),
        }
    }
}

/// Takes until this many messages came.
async fn take(subscription: &mut dyn Subscription, count: usize) -> (BusId, Vec<Message>) {
    let mut taken = Vec::new();
    loop {
        let (id, mut messages) = batch(subscription).await;
        taken.append(&mut messages);
        if taken.len() >= count {
            return (id, taken);
        }
    }
}

async fn until(subscription: &mut dyn Subscription, what: &str, wanted: impl Fn(&Event) -> bool) -> Event {
    for _ in 0..10_000 {
        let event = next(subscription).await;
        if wanted(&event) {
            return event;
        }
    }
    panic!("{what} did not come");
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_hears_everything_in_order() {
    let (buses, _redis) = buses("order");
    for bus in buses {
        let mut early = bus.subscribe(None).await;
        let publisher = bus.clone();
        let publishing = tokio::spawn(async move {
            for number in 0..15 {
                publisher.publish(&messages(number * 7..number * 7 + 7)).await.expect("published");
            }
        });
        assert_eq!(take(&mut *early, 105).await.1, messages(0..105), "{}", bus.kind());
        publishing.await.expect("publishing");
        let mut late = bus.subscribe(None).await;
        assert_eq!(take(&mut *late, 105).await.1, messages(0..105), "{}: the oldest that it has", bus.kind());
        let figures = bus.figures();
        assert_eq!((figures.published, figures.messages, figures.taken, figures.failed), (15, 105, 30, 0), "{}", bus.kind());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_over_the_bound_of_a_part_arrives_whole() {
    let (buses, _redis) = buses("parts");
    for bus in buses {
        let long: Vec<Message> = (0..40)
            .map(|number| Message { received_at_us: number, raw: vec![b'x'; Message::MOST_BYTES - 100].into(), fix_counts: true })
            .collect();
        let mut subscription = bus.subscribe(None).await;
        bus.publish(&long).await.expect("published");
        assert!(take(&mut *subscription, 40).await.1 == long, "{}", bus.kind());
        assert!(bus.figures().published > 1, "{}", bus.kind());
        bus.publish(&[]).await.expect("nothing to publish");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_that_comes_back_resumes_after_its_id() {
    let (buses, _redis) = buses("resume");
    for bus in buses {
        let mut subscription = bus.subscribe(None).await;
        for number in 0..5 {
            bus.publish(&[message(number)]).await.expect("published");
        }
        let (id, _) = take(&mut *subscription, 3).await;
        drop(subscription);
        bus.publish(&[message(5)]).await.expect("published");
        let mut subscription = bus.subscribe(Some(id)).await;
        let (last, rest) = take(&mut *subscription, 3).await;
        assert_eq!(rest, messages(3..6), "{}", bus.kind());
        assert!(last > id);
        // Giving up waiting loses nothing.
        assert!(timeout(Duration::from_millis(50), subscription.next()).await.is_err(), "{}: nothing was published", bus.kind());
        bus.publish(&[message(6)]).await.expect("published");
        assert_eq!(batch(&mut *subscription).await.1, [message(6)], "{}", bus.kind());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_subscriber_learns_of_the_gap_and_costs_nobody_else() {
    let (buses, _redis) = buses("slow");
    for bus in buses {
        let mut slow = bus.subscribe(None).await;
        let mut quick = bus.subscribe(None).await;
        bus.publish(&[message(0)]).await.expect("published");
        assert_eq!(batch(&mut *slow).await.1, [message(0)]);
        for number in 1..=SURELY_TRIMMED {
            bus.publish(&[message(number)]).await.expect("published");
            take(&mut *quick, 1).await;
        }
        assert_eq!(batch(&mut *quick).await.1, [message(SURELY_TRIMMED)], "{}: the quick one missed nothing", bus.kind());
        assert_eq!(next(&mut *slow).await, Event::Gap(GapReason::Forgotten), "{}", bus.kind());
        let (_, first) = batch(&mut *slow).await;
        let oldest = u64::try_from(first[0].received_at_us - 1_000_000).expect("a number");
        assert!(oldest > 1 && oldest + KEEP as u64 <= SURELY_TRIMMED + 1, "{}: the oldest kept, {oldest}", bus.kind());
        let rest = usize::try_from(SURELY_TRIMMED - oldest).expect("small");
        assert_eq!(take(&mut *slow, rest).await.1, messages(oldest + 1..SURELY_TRIMMED + 1), "{}: and all after it", bus.kind());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_the_bus_does_not_know_is_a_gap() {
    let (buses, _redis) = buses("unknown");
    let (others, _redis) = self::buses("others");
    for (bus, other) in buses.iter().zip(&others) {
        let mut elsewhere = other.subscribe(None).await;
        other.publish(&[message(0)]).await.expect("published");
        let (foreign, _) = batch(&mut *elsewhere).await;
        let mut subscription = bus.subscribe(Some(foreign)).await;
        assert_eq!(next(&mut *subscription).await, Event::Gap(GapReason::Forgotten), "{}", bus.kind());
        bus.publish(&[message(1)]).await.expect("published");
        assert_eq!(batch(&mut *subscription).await.1, [message(1)], "{}", bus.kind());
        assert_eq!(bus.figures().gaps, if bus.kind() == "redis" { 2 } else { 1 }, "the first batch of a publisher says so, too");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_restarted_with_its_data_loses_nothing() {
    let mut redis = Redis::start();
    let bus = redis_bus(&redis.url(), "kept");
    let mut subscription = bus.subscribe(None).await;
    bus.publish(&[message(0)]).await.expect("published");
    batch(&mut *subscription).await;
    bus.publish(&[message(1)]).await.expect("published");
    redis.stop();
    let down = until(&mut *subscription, "down", |event| !matches!(event, Event::Batch(..))).await;
    assert!(matches!(&down, Event::Down(why) if why.contains("redis://127.0.0.1")), "{down:?}");
    redis.start_again();
    let mut events = Vec::new();
    loop {
        let event = next(&mut *subscription).await;
        let ended = matches!(&event, Event::Up);
        events.push(event);
        if ended {
            break;
        }
    }
    assert_eq!(events, [Event::Up], "no gap");
    published_again(&bus, 2).await;
    let (_, last) = until_batch(&mut *subscription).await;
    assert!(last == [message(1)] || last == [message(2)], "{last:?}");
}

/// The next batch, whatever comes before it.
async fn until_batch(subscription: &mut dyn Subscription) -> (BusId, Vec<Message>) {
    match until(subscription, "a batch", |event| matches!(event, Event::Batch(..))).await {
        Event::Batch(id, messages) => (id, messages),
        _ => unreachable!("asked for"),
    }
}

/// Publishes until it works, as the breaker and the connection need their time.
async fn published_again(bus: &RedisBus, number: u64) {
    let began = Instant::now();
    while let Err(error) = bus.publish(&[message(number)]).await {
        assert!(began.elapsed() < PATIENCE, "{error}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_restarted_without_its_data_is_a_gap_and_then_goes_on() {
    let mut redis = Redis::start();
    let bus = redis_bus(&redis.url(), "lost");
    let mut subscription = bus.subscribe(None).await;
    bus.publish(&[message(0)]).await.expect("published");
    batch(&mut *subscription).await;
    redis.kill();
    redis.forget();
    redis.start_again();
    published_again(&bus, 1).await;
    let gap = until(&mut *subscription, "gap", |event| !matches!(event, Event::Down(_) | Event::Up)).await;
    assert_eq!(gap, Event::Gap(GapReason::Forgotten));
    assert_eq!(until_batch(&mut *subscription).await.1, [message(1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn publishing_through_a_kill_never_waits_long_says_that_it_failed_and_others_learn_of_it() {
    let mut redis = Redis::start();
    let bus = Arc::new(redis_bus(&redis.url(), "killed"));
    let mut subscription = bus.subscribe(None).await;
    bus.publish(&[message(0)]).await.expect("published");
    let (publisher, began) = (bus.clone(), Instant::now());
    let publishing = tokio::spawn(async move {
        let (mut failed, mut succeeded, mut longest) = (Vec::new(), Vec::new(), Duration::ZERO);
        for number in 1.. {
            let started = Instant::now();
            let published = publisher.publish(&[message(number)]).await;
            longest = longest.max(started.elapsed());
            if published.is_ok() {
                succeeded.push(number);
            } else {
                failed.push(number);
            }
            let back = failed.last().is_some_and(|last| succeeded.iter().filter(|number| *number > last).count() >= 3);
            if back && began.elapsed() > Duration::from_secs(3) || began.elapsed() > PATIENCE {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        (failed, succeeded, longest)
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    redis.kill();
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_ne!(bus.figures().breaker.expect("a breaker").state, BreakerState::Closed);
    redis.start_again();
    let (failed, succeeded, longest) = publishing.await.expect("publishing");
    assert!(!failed.is_empty() && failed.len() as u64 == bus.figures().failed);
    assert!(bus.figures().breaker.expect("a breaker").refused > 0, "most are refused without waiting");
    // The bound is a promise of the trait; the allowance is for a machine that is busy.
    assert!(longest <= bus.longest_publish() + Duration::from_secs(2), "{longest:?}");
    let last = *succeeded.last().expect("some");
    assert!(last > *failed.last().expect("some"), "it came back");

    // The follower got all that was published, in order (what failed may have arrived all the same), and before the
    // first batch after the failures it was told.
    let (mut heard, mut gap_before) = (Vec::new(), None);
    let mut pending_gap = false;
    while heard.last() != Some(&last) {
        match next(&mut *subscription).await {
            Event::Batch(_, messages) => {
                let number = u64::try_from(messages[0].received_at_us - 1_000_000).expect("a number");
                if std::mem::take(&mut pending_gap) {
                    gap_before = Some(number);
                }
                heard.push(number);
            }
            Event::Gap(reason) => {
                assert_eq!(reason, GapReason::NotPublished);
                pending_gap = true;
            }
            Event::Down(_) | Event::Up => {}
        }
    }
    assert!(heard.is_sorted() && succeeded.iter().all(|number| heard.contains(number)), "{heard:?}");
    let first_after = succeeded.iter().find(|number| *number > failed.last().expect("some")).copied();
    assert_eq!(gap_before, first_after);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_hangs_costs_a_publisher_its_deadline_and_no_more() {
    let redis = Redis::start();
    let bus = redis_bus(&redis.url(), "hung");
    bus.publish(&[message(0)]).await.expect("published");
    redis.pause();
    let error = bus.publish(&[message(1)]).await.expect_err("nobody answers").to_string();
    assert!(error.contains("did not answer within 500 ms") && error.contains("follow the store"), "{error}");
    for number in 2..4 {
        bus.publish(&[message(number)]).await.expect_err("nobody answers");
    }
    let error = bus.publish(&[message(4)]).await.expect_err("the breaker is open").to_string();
    assert!(error.contains("asked again in"), "{error}");
    redis.resume();
    published_again(&bus, 5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_begun_without_redis_says_so_and_begins_with_a_gap() {
    let mut redis = Redis::start();
    redis.stop();
    let bus = redis_bus(&redis.url(), "late");
    let mut subscription = bus.subscribe(None).await;
    assert!(matches!(next(&mut *subscription).await, Event::Down(_)));
    assert_eq!(next(&mut *subscription).await, Event::Gap(GapReason::Forgotten));
    redis.start_again();
    assert_eq!(next(&mut *subscription).await, Event::Up);
    published_again(&bus, 0).await;
    assert_eq!(until_batch(&mut *subscription).await.1, [message(0)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_batch_on_the_stream_is_a_gap_and_is_passed_over() {
    let redis = Redis::start();
    let bus = redis_bus(&redis.url(), "odd");
    let mut subscription = bus.subscribe(None).await;
    redis.command(&["XADD", "odd", "*", "b", "\u{2}of a newer version"]).expect("added");
    redis.command(&["XADD", "odd", "*", "another", "field"]).expect("added");
    bus.publish(&[message(0)]).await.expect("published");
    assert_eq!(next(&mut *subscription).await, Event::Gap(GapReason::Unreadable));
    assert_eq!(batch(&mut *subscription).await.1, [message(0)]);
}

/// A bus on a server with TLS whose certificate is by an authority of ours.
fn secure_bus(url: &str, authority: &Authority) -> RedisBus {
    RedisBus::new(RedisAddress::parse(url, Some(&authority.certificate())).expect("an address"), RedisBusConfig::default())
}

#[tokio::test(flavor = "multi_thread")]
async fn over_tls_the_certificate_counts_and_what_is_wrong_with_it_is_said() {
    let (ours, other) = (Authority::new(), Authority::new());
    let redis = Redis::start_tls(&ours, "DNS:localhost");
    let bus = secure_bus(&redis.url(), &ours);
    let mut subscription = bus.subscribe(None).await;
    bus.publish(&messages(0..5)).await.expect("published");
    assert_eq!(take(&mut *subscription, 5).await.1, messages(0..5));
    let by_number = redis.url().replace("localhost", "127.0.0.1");
    for (url, authority, said) in [
        (redis.url(), &other, "UnknownIssuer"),
        (by_number, &ours, "not valid for name"),
        (redis.url().replace("rediss", "redis"), &ours, "redis://"),
    ] {
        let error = secure_bus(&url, authority).publish(&messages(0..1)).await.expect_err(said).to_string();
        assert!(error.contains(said), "{url}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sentinels_lead_to_the_primary_and_to_the_next_one_when_it_dies() {
    let mut all = Sentinel::start();
    let (publisher, other) = (redis_bus(&all.url(), &key("sentinel")), redis_bus(&all.url(), "unused"));
    let mut subscription = publisher.subscribe(None).await;
    publisher.publish(&messages(0..5)).await.expect("published");
    take(&mut *subscription, 5).await;
    other.publish(&messages(0..1)).await.expect("the second connection finds it too");
    all.servers[0].kill();
    let began = Instant::now();
    while publisher.publish(&messages(5..6)).await.is_err() {
        assert!(began.elapsed() < PATIENCE, "no primary");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(all.servers[1].command(&["ROLE"]).expect("an answer").contains("master"));
    until(&mut *subscription, "the batch after the fail-over", |event| matches!(event, Event::Batch(_, some) if *some == messages(5..6)))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_is_asked_where_the_key_is() {
    let cluster = RedisCluster::start();
    // Each key is on one of the three: several keys meet all of them.
    for number in 0..12 {
        let bus = redis_bus(&cluster.url(), &format!("{{key{number}}}:bus"));
        let mut subscription = bus.subscribe(None).await;
        bus.publish(&messages(0..5)).await.unwrap_or_else(|error| panic!("{number}: {error}"));
        assert_eq!(take(&mut *subscription, 5).await.1, messages(0..5));
    }
    let used = cluster.servers.iter().filter(|server| !server.command(&["DBSIZE"]).expect("an answer").starts_with(":0"));
    assert_eq!(used.count(), 3);
}
