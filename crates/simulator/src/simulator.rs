//! The traffic: who speaks next and what. No I/O, no clock; the same for the same seed, start and numbers.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashSet, VecDeque},
};

use fastrand::Rng;

use crate::{
    places::PLACES,
    station::{Role, Station},
    traffic::{self, Words},
};

/// What to simulate.
#[derive(Debug, Clone)]
pub struct SimulatorConfig {
    /// Same seed, same traffic.
    pub seed: u64,
    /// Stations, world-wide by population.
    pub stations: usize,
    /// Packets a second.
    pub rate: f64,
    /// When the traffic begins, microseconds since 1970 UTC.
    pub start_us: i64,
}

/// A line and when it is sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Microseconds since 1970 UTC.
    pub at_us: i64,
    /// Without line end.
    pub bytes: Vec<u8>,
    /// Degrees, for the server's filters; of the sender.
    pub position: (f64, f64),
}

/// An object that somebody announces for a while.
#[derive(Debug)]
struct Object {
    owner: usize,
    name: String,
    text: &'static str,
    place: (f64, f64),
    /// Announcements left, the last of which kills it.
    left: u32,
}

/// Makes traffic. Bound: the stations, one event each, and a short list of lines that follow from others.
#[derive(Debug)]
pub struct Simulator {
    random: Rng,
    stations: Vec<Station>,
    due: BinaryHeap<Reverse<(i64, usize)>>,
    following: VecDeque<Line>,
    objects: Vec<Object>,
    now_us: i64,
    step_us: f64,
    ahead_us: f64,
    rate: f64,
    weight: f64,
    made: u64,
}

/// Lines that wait to follow others (acknowledgements, copies) at most.
const FOLLOWING: usize = 256;

/// Objects alive at most, for each thousand stations.
const OBJECTS_PER_MILLE: usize = 15;

impl Simulator {
    /// Places the stations.
    #[must_use]
    pub fn new(config: &SimulatorConfig) -> Self {
        let mut random = Rng::with_seed(config.seed);
        let total: f64 = PLACES.iter().map(|place| place.weight).sum();
        let mut stations = Vec::with_capacity(config.stations);
        let mut calls = HashSet::new();
        // Every city has its digipeater and igate first, if there are stations enough.
        let infrastructure = config.stations.saturating_sub(1).min(PLACES.len() * 2);
        let mut index = 0;
        while stations.len() < config.stations {
            let place = if stations.len() < infrastructure {
                u16::try_from(stations.len() / 2).unwrap_or(0)
            } else {
                somewhere(&mut random, total)
            };
            let mut station = if stations.len() < infrastructure {
                let role = if stations.len() % 2 == 0 { Role::Digipeater } else { Role::Igate };
                let mut station = Station::new(&mut random, index, place, role);
                let (digi, igate) = traffic::infrastructure(place);
                station.call = if role == Role::Digipeater { digi } else { igate };
                station
            } else {
                let role = role(&mut random);
                Station::new(&mut random, index, place, role)
            };
            index += 1;
            // Short prefixes run out of letters; a later index gives another call.
            if calls.insert(station.call.clone()) {
                station.sequence = random.u32(..900);
                stations.push(station);
            }
        }
        let weight = stations.iter().map(Station::weight).sum();
        let mut simulator = Self {
            random,
            due: BinaryHeap::with_capacity(stations.len()),
            stations,
            following: VecDeque::new(),
            objects: Vec::new(),
            now_us: config.start_us,
            step_us: 1e6 / config.rate.max(0.001),
            ahead_us: 0.0,
            rate: config.rate.max(0.001),
            weight,
            made: 0,
        };
        for index in 0..simulator.stations.len() {
            // Moving ones speak first, so that a viewer sees movement at once.
            let interval = simulator.interval_us(index);
            let within = if simulator.stations[index].moves() { interval.min(20e6) } else { interval };
            let at_us = config.start_us + (simulator.random.f64() * within) as i64;
            simulator.due.push(Reverse((at_us, index)));
        }
        simulator
    }

    fn interval_us(&self, index: usize) -> f64 {
        self.weight / self.stations[index].weight() / self.rate * 1e6
    }

    /// The next line. Lines come at the configured rate exactly; who speaks is whoever is due longest.
    pub fn next_line(&mut self) -> Line {
        self.ahead_us += self.step_us;
        let whole = self.ahead_us.floor();
        self.ahead_us -= whole;
        self.now_us += whole as i64;
        self.made += 1;
        if self.following.front().is_some_and(|line| line.at_us <= self.now_us)
            && let Some(mut line) = self.following.pop_front()
        {
            line.at_us = self.now_us;
            return line;
        }
        let Some(Reverse((_, index))) = self.due.pop() else {
            return self.line(0, &Words::raw(">nobody here"), "");
        };
        let jitter = 0.9 + 0.2 * self.random.f64();
        // A mover's second fix comes soon in the first minute of its life.
        let interval = self.interval_us(index) * jitter;
        let interval =
            if self.stations[index].moves() && self.made < self.stations.len() as u64 / 2 { interval.min(8e6) } else { interval };
        self.due.push(Reverse((self.now_us + interval as i64, index)));
        self.speak(index)
    }

    /// What a station says; over the path that fits where it is, or a given one.
    fn line(&mut self, index: usize, words: &Words, path: &str) -> Line {
        let Self { stations, random, now_us, .. } = self;
        let fix = stations[index].at(random, *now_us);
        let bytes = if path.is_empty() {
            words.line(&stations[index].call, &traffic::path(random, &stations[index], &fix, false))
        } else {
            words.line(&stations[index].call, path)
        };
        Line { at_us: *now_us, bytes, position: (fix.latitude, fix.longitude) }
    }

    fn speak(&mut self, index: usize) -> Line {
        let dice = self.random.u32(..1000);
        if dice < 3 {
            let words = traffic::malformed(&mut self.random);
            return self.line(index, &words, "");
        }
        let fixed = !self.stations[index].moves();
        if dice < 40 && fixed {
            return self.about_object(index);
        }
        if dice < 60 {
            return self.talk(index);
        }
        if dice < 200 && fixed && self.stations[index].role != Role::Weather {
            let words = traffic::other(&mut self.random, &mut self.stations[index]);
            return self.line(index, &words, "");
        }
        let Self { stations, random, now_us, .. } = self;
        let fix = stations[index].at(random, *now_us);
        let words = traffic::position(random, &stations[index], &fix, *now_us);
        // A copy over another way, within the 30 s in which the network knows it again.
        let copy = (random.u8(..50) == 0 && !fixed).then(|| traffic::path(random, &stations[index], &fix, true));
        let line = self.line(index, &words, "");
        if let Some(path) = copy {
            let bytes = words.line(&self.stations[index].call, &path);
            self.follow(Line { at_us: self.now_us + 2_000_000, bytes, position: line.position });
        }
        line
    }

    /// A message to somebody in the same city, which is acknowledged after some seconds.
    fn talk(&mut self, index: usize) -> Line {
        const TEXTS: [&str; 5] = ["Hello, are you QRV?", "See you at the meeting", "Thanks for the igate", "Where are you now?", "QSL, 73"];
        let with = (index + 1 + self.random.usize(..40)) % self.stations.len();
        let text = TEXTS[self.random.usize(..TEXTS.len())];
        self.stations[index].sequence += 1;
        let id = (self.stations[index].sequence % 1000).to_string();
        let (message, ack) = traffic::message(&self.stations[index].call, &self.stations[with].call, text, &id);
        let mut answer = self.line(with, &ack, "");
        answer.at_us += 3_000_000;
        self.follow(answer);
        if self.random.u8(..10) == 0 {
            // Gated from the internet to radio and heard by another igate: third-party form.
            let inner = message.line(&self.stations[index].call, "TCPIP,GODWIT-S*");
            let (_, igate) = traffic::infrastructure(self.stations[index].place);
            let path = format!("qAR,{}-11", igate.split('-').next().unwrap_or_default());
            let bytes = Words::raw([b"}", &inner[..]].concat()).line(&igate, &path);
            return Line { at_us: self.now_us, bytes, position: self.stations[index].home };
        }
        self.line(index, &message, "")
    }

    /// Announces an object, moves it a little, in the end kills it.
    fn about_object(&mut self, index: usize) -> Line {
        let most = (self.stations.len() * OBJECTS_PER_MILLE / 1000).max(3);
        if self.objects.len() < most {
            const KINDS: [(&str, &str); 5] = [
                ("CAMP", "Field day, all welcome"),
                ("RACE", "Checkpoint"),
                ("R", "145.600MHz T123 -060 R30k"),
                ("NET", "Net on Sunday 20h"),
                ("<i>x", "Hostile <script>alert(1)</script>"),
            ];
            let (kind, text) = KINDS[self.random.usize(..KINDS.len())];
            let home = self.stations[index].home;
            let name = format!("{kind}{}", self.made % 10_000);
            self.objects.push(Object { owner: index, name, text, place: (home.0 + 0.01, home.1), left: 4 + self.random.u32(..40) });
        }
        let chosen = self.random.usize(..self.objects.len());
        let object = &mut self.objects[chosen];
        object.left -= 1;
        if object.text == "Checkpoint" {
            object.place.1 += 0.002;
        }
        let (owner, alive) = (object.owner, object.left > 0);
        let words = traffic::object(&object.name, alive, object.place, self.now_us, object.text);
        if !alive {
            self.objects.swap_remove(chosen);
        }
        self.line(owner, &words, "")
    }

    fn follow(&mut self, line: Line) {
        if self.following.len() < FOLLOWING {
            self.following.push_back(line);
        }
    }
}

fn somewhere(random: &mut Rng, total: f64) -> u16 {
    let mut left = random.f64() * total;
    let place = PLACES.iter().position(|place| {
        left -= place.weight;
        left <= 0.0
    });
    u16::try_from(place.unwrap_or(0)).unwrap_or(0)
}

fn role(random: &mut Rng) -> Role {
    match random.u32(..1000) {
        0..330 => Role::Car,
        330..370 => Role::Walker,
        370..400 => Role::Boat,
        400..425 => Role::Aircraft,
        425..430 => Role::Balloon,
        430..720 => Role::Home,
        720..900 => Role::Weather,
        900..950 => Role::Digipeater,
        _ => Role::Igate,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use godwit_packet::{Kind, parse};

    use super::*;
    use crate::station::distance_km;

    fn simulator(seed: u64) -> Simulator {
        Simulator::new(&SimulatorConfig { seed, stations: 3000, rate: 50.0, start_us: 1_795_435_200_000_000 })
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes_another_gives_others() {
        let lines = |seed| {
            let mut simulator = simulator(seed);
            (0..5000).map(|_| simulator.next_line()).collect::<Vec<_>>()
        };
        assert_eq!(lines(1), lines(1));
        assert_ne!(lines(1), lines(2));
    }

    #[test]
    fn traffic_is_believable() {
        let mut simulator = simulator(1);
        let mut kinds: HashMap<Kind, u32> = HashMap::new();
        let mut last: HashMap<String, (i64, f64, f64)> = HashMap::new();
        let (mut bad, mut killed, mut asked, mut acks, mut fast, mut weather) = (0, 0, 0, 0, 0, 0);
        let mut before = 0;
        for _ in 0..200_000 {
            let line = simulator.next_line();
            assert!(line.at_us >= before && line.bytes.len() <= 510);
            before = line.at_us;
            let Ok(packet) = parse(&line.bytes) else {
                bad += 1;
                continue;
            };
            *kinds.entry(packet.kind).or_default() += 1;
            weather += u32::from(packet.weather.is_some());
            killed += u32::from(packet.alive == Some(false));
            asked += u32::from(packet.message.is_some_and(|message| message.id.is_some()) && packet.kind == Kind::Message);
            acks += u32::from(packet.kind == Kind::Ack);
            if let (Some(position), true) = (packet.position, packet.name.is_none()) {
                if position.latitude == 0.0 {
                    continue;
                }
                let here = (line.at_us, position.latitude, position.longitude);
                if let Some(there) = last.insert(packet.source.as_str().to_owned(), here) {
                    let hours = ((here.0 - there.0) as f64 / 3.6e9).max(1e-9);
                    let km = distance_km((there.1, there.2), (here.1, here.2));
                    // Ambiguity and rounding aside, nothing is faster than an aircraft.
                    fast += u32::from(km > 3.0 && km / hours > 1200.0 && (here.2 - there.2).abs() < 300.0);
                }
            }
        }
        assert!((100..2000).contains(&bad), "about 0.25 % are malformed: {bad}");
        assert!(kinds[&Kind::Position] > 50_000 && kinds[&Kind::MicE] > 10_000 && weather > 5000, "{kinds:?}");
        assert!(killed > 20 && kinds[&Kind::Object] > 500 && kinds[&Kind::ThirdParty] > 20 && kinds[&Kind::Telemetry] > 500);
        assert!(asked > 500 && acks * 10 > asked * 8, "{asked} {acks}");
        assert_eq!(fast, 0);
    }
}
