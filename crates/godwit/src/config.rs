//! Configuration: flag > environment > file > default, one name in all four.
//!
//! [`KEYS`] is the list of everything that can be set. A key `retention-days` is the flag `--retention-days`, the
//! variable `GODWIT_RETENTION_DAYS` and the line `retention-days = 30` of the TOML file. The reference page
//! docs/configuration.md is made from the same list (a test compares).

use std::{collections::BTreeMap, fmt, path::PathBuf};

/// The sub-commands. What is not in [`Command::ALL`] is not on the command line; `main` says for each what it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Command {
    /// `godwit serve`
    Serve,
    /// `godwit simulate`
    Simulate,
    /// `godwit import`
    Import,
    /// `godwit migrate`
    Migrate,
    /// `godwit backup`
    Backup,
    /// `godwit archive`
    Archive,
    /// `godwit restore`
    Restore,
    /// `godwit slowest`
    Slowest,
    /// `godwit retention`
    Retention,
    /// `godwit decode`
    Decode,
    /// `godwit config`
    Config,
}

impl Command {
    /// Every sub-command of this build, in the order of the help.
    pub(crate) const ALL: &[Self] = &[
        Self::Serve,
        Self::Simulate,
        Self::Import,
        Self::Decode,
        Self::Migrate,
        Self::Retention,
        Self::Slowest,
        Self::Backup,
        Self::Config,
        #[cfg(feature = "archive")]
        Self::Archive,
        #[cfg(feature = "archive")]
        Self::Restore,
    ];

    /// Its name on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Serve => "serve",
            Self::Simulate => "simulate",
            Self::Import => "import",
            Self::Migrate => "migrate",
            Self::Backup => "backup",
            Self::Archive => "archive",
            Self::Restore => "restore",
            Self::Retention => "retention",
            Self::Slowest => "slowest",
            Self::Decode => "decode",
            Self::Config => "config",
        }
    }
}

/// One thing that can be set.
pub(crate) struct Key {
    /// Its name: the flag without dashes, the TOML key, and in capitals the variable.
    pub(crate) name: &'static str,
    /// What stands for the value in the help; empty for a switch.
    pub(crate) value: &'static str,
    /// One sentence.
    pub(crate) help: &'static str,
    /// The value when nothing sets it; empty: not set.
    pub(crate) default: &'static str,
    /// The commands it is for.
    pub(crate) commands: &'static [Command],
    /// Never printed; may also be given as the name of a file that holds it.
    pub(crate) secret: bool,
    /// The key that names that file; empty if it is no secret.
    pub(crate) file: &'static str,
    /// What is allowed, and the check.
    pub(crate) allowed: Allowed,
}

/// What a value may be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Allowed {
    /// `true` or `false`.
    Switch,
    /// `HOST:PORT` to listen on.
    Address,
    /// `HOST:PORT[,HOST:PORT...]`.
    Servers,
    /// Anything printable up to so many bytes.
    Text(usize),
    /// A path.
    Path,
    /// A whole number in a range.
    Whole(u64, u64),
    /// A number in a range.
    Number(f64, f64),
    /// One of these words.
    Word(&'static [&'static str]),
    /// A callsign with optional SSID.
    Callsign,
    /// `LATITUDE,LONGITUDE,ZOOM`.
    View,
    /// An address such as `https://HOST/{z}/{x}/{y}.png`.
    TileUrl,
    /// `https://HOST/...`.
    WebUrl,
    /// `ADDRESS[/BITS][,...]`.
    Networks,
    /// Origins of web pages.
    OriginList,
}

use Allowed::{Address, Callsign, Networks, Number, OriginList, Path, Servers, Switch, Text, TileUrl, View, WebUrl, Whole, Word};
use Command::{Archive, Backup, Import, Migrate, Restore, Retention, Serve, Simulate, Slowest};

macro_rules! key {
    ($name:literal, $value:literal, $default:literal, $commands:expr, $allowed:expr, $help:literal) => {
        Key { name: $name, value: $value, default: $default, commands: &$commands, allowed: $allowed, help: $help, secret: false, file: "" }
    };
    ($name:literal, $value:literal, $default:literal, $commands:expr, $allowed:expr, $help:literal, secret) => {
        Key {
            name: $name,
            value: $value,
            default: $default,
            commands: &$commands,
            allowed: $allowed,
            help: $help,
            secret: true,
            file: concat!($name, "-file"),
        }
    };
}

/// Everything that can be set, in the order of the help.
pub(crate) const KEYS: &[Key] = &[
    key!(
        "listen",
        "HOST:PORT",
        "127.0.0.1:8080",
        [Serve, Simulate],
        Address,
        "Where to answer: the site (serve; default 127.0.0.1:8080) or APRS-IS clients (simulate; default 127.0.0.1:14580)"
    ),
    key!(
        "data",
        "DIR",
        "data",
        [Serve, Import, Migrate, Backup, Archive, Restore, Retention],
        Path,
        "Folder of the embedded store; made if missing"
    ),
    key!("demo", "", "false", [Serve], Switch, "Run the simulator inside and show its traffic"),
    key!("aprs-is", "HOST:PORT,..", "", [Serve], Servers, "APRS-IS servers, tried in turn; with a callsign alone: rotate.aprs2.net:14580"),
    key!("callsign", "CALL", "", [Serve], Callsign, "Callsign to log in to APRS-IS with: your own"),
    key!("passcode", "N", "", [Serve], Whole(0, 32767), "APRS-IS passcode; without it the login is read-only (pass -1)", secret),
    key!(
        "filter",
        "FILTER",
        "",
        [Serve],
        Text(400),
        "APRS-IS filter, such as r/47.4/8.5/200; with the default servers: t/poimqstunw (everything)"
    ),
    key!("silence-seconds", "N", "60", [Serve], Whole(5, 3600), "Reconnect when the server sent nothing for so long"),
    key!("rate", "N", "200", [Serve, Simulate], Number(1.0, 100_000.0), "Simulated packets a second"),
    key!("stations", "N", "20000", [Serve, Simulate], Whole(1, 200_000), "Simulated stations"),
    key!("seed", "N", "1", [Serve, Simulate], Whole(0, u64::MAX), "Same seed, same simulated traffic"),
    key!("retention-days", "N", "30", [Serve, Import, Retention], Whole(0, 36_500), "Days of packets kept; 0 keeps them for ever"),
    key!(
        "retention-bad-days",
        "N",
        "0",
        [Serve, Retention],
        Whole(0, 36_500),
        "Days that lines are kept that are no packets; 0 keeps them as long as packets"
    ),
    key!(
        "retention-track-days",
        "N",
        "0",
        [Serve, Retention],
        Whole(0, 36_500),
        "Days that thinned tracks are kept when the packets go; 0 keeps none beyond them"
    ),
    key!("track-seconds", "N", "300", [Serve, Retention], Whole(1, 86_400), "A thinned track has one position in so many seconds"),
    key!(
        "retention-aggregate-days",
        "N",
        "3650",
        [Serve, Retention],
        Whole(0, 36_500),
        "Days that packets an hour, stations a day and who heard whom are kept; 0 keeps them for ever"
    ),
    key!(
        "archive",
        "WHERE",
        "",
        [Serve, Archive, Restore, Retention],
        Text(500),
        "Closed days go there as Parquet, and no day is dropped before: a folder, or s3://BUCKET/PREFIX (docs/archive.md)"
    ),
    key!(
        "devices-url",
        "URL",
        "",
        [Serve],
        WebUrl,
        "Where a newer table of devices is fetched from once a week, such as the tocalls.pretty.json of aprs-deviceid; without it nothing is fetched"
    ),
    key!("live-hours", "N", "24", [Serve], Whole(1, 8760), "Hours after which a silent station leaves the live map"),
    key!("max-entities", "N", "500000", [Serve], Whole(100, 10_000_000), "Most entities on the live map; the longest silent leave first"),
    key!("history-memory-mb", "N", "192", [Serve], Whole(8, 65_536), "Memory for time travel: a day of the whole network takes about 192"),
    key!("max-viewers", "N", "20000", [Serve], Whole(1, 1_000_000), "Most live viewers at a time"),
    key!(
        "viewers-per-address",
        "N",
        "100",
        [Serve],
        Whole(1, 1_000_000),
        "Most live viewers of one client at a time (an IPv4 address, an IPv6 /64), and never more than half of all"
    ),
    key!(
        "max-connections",
        "N",
        "0",
        [Serve],
        Whole(0, 2_000_000),
        "Most connections to the site at a time, those of viewers among them; 0: max-viewers and 4000 more"
    ),
    key!(
        "connections-per-address",
        "N",
        "256",
        [Serve],
        Whole(4, 1_000_000),
        "Most connections of one client at a time, and never more than a quarter of all; behind a web server: requests of one client"
    ),
    key!(
        "answer-memory-mb",
        "N",
        "64",
        [Serve],
        Whole(8, 65_536),
        "Memory for answers that clients have not read yet; when it is full, long answers are refused (503)"
    ),
    key!("drain-seconds", "N", "4", [Serve], Whole(0, 600), "At the end, viewers are asked to go elsewhere, spread over this time"),
    key!(
        "end-seconds",
        "N",
        "30",
        [Serve],
        Whole(10, 3600),
        "The whole end of the program, asking viewers and storing what was received included, takes at most so long, whatever hangs"
    ),
    key!("view", "LAT,LON,ZOOM", "49.5,11,6", [Serve], View, "What the map shows to a first visitor"),
    key!(
        "tiles-url",
        "URL",
        "",
        [Serve],
        TileUrl,
        "Online raster base map offered beside the embedded one, as https://HOST/{z}/{x}/{y}.png"
    ),
    key!("tiles-name", "TEXT", "Online map", [Serve], Text(40), "Its name in the layer menu"),
    key!("tiles-attribution", "TEXT", "", [Serve], Text(200), "Its credit line; most providers ask for one"),
    key!(
        "basemap-file",
        "FILE.pmtiles",
        "",
        [Serve],
        Path,
        "PMTiles archive of images or vector tiles offered as a base map, such as an extract of Protomaps; name and credit line are those in it"
    ),
    key!(
        "database-url",
        "URL",
        "",
        [Serve, Import, Migrate, Backup, Archive, Restore, Slowest, Retention],
        Text(2000),
        "PostgreSQL 15 or newer with PostGIS instead of the embedded store: postgresql://USER:PASSWORD@HOST:PORT/DATABASE, with ?sslmode=verify-full&sslrootcert=FILE for TLS that is checked",
        secret
    ),
    key!("database-read-url", "URL", "", [Serve], Text(2000), "A replica of that database, for reading history", secret),
    key!(
        "database-read-lag-seconds",
        "N",
        "5",
        [Serve],
        Whole(1, 3600),
        "How far that replica may be behind; if it is further, history is read from the primary"
    ),
    key!(
        "database-write-pool",
        "N",
        "4",
        [Serve, Import, Migrate, Archive, Restore, Retention],
        Whole(2, 100),
        "Connections for writing at most"
    ),
    key!("database-read-pool", "N", "8", [Serve, Import, Archive, Restore, Retention], Whole(1, 500), "Connections for reading at most"),
    key!(
        "database-timeout-seconds",
        "N",
        "10",
        [Serve, Import, Migrate, Archive, Restore, Slowest, Retention],
        Whole(1, 25),
        "How long a statement, or the whole of a batch, may take"
    ),
    key!(
        "auto-migrate",
        "",
        "true",
        [Serve],
        Switch,
        "Bring the database's schema up to date at the start; otherwise `godwit migrate` does it"
    ),
    key!(
        "redis-url",
        "URL",
        "",
        [Serve],
        Text(2000),
        "Redis between replicas: redis://HOST:PORT/DB, rediss://USER:PASSWORD@HOST:PORT (TLS), unix:///PATH, redis+sentinel://HOST,HOST/NAME or redis+cluster://HOST,HOST; without it replicas follow the database",
        secret
    ),
    key!("redis-ca", "FILE", "", [Serve], Path, "PEM file with the authority of a rediss:// server; default: those of the system"),
    key!(
        "redis-prefix",
        "TEXT",
        "godwit",
        [Serve],
        Text(60),
        "What our keys in Redis begin with; sites that share a Redis need different ones"
    ),
    key!("replica", "NAME", "", [Serve], Text(60), "What this replica is called in status and lease; default: the name of the machine"),
    key!(
        "standby",
        "MODE",
        "cold",
        [Serve],
        Word(&["warm", "cold", "off"]),
        "What a replica does while another one ingests: warm holds a connection to APRS-IS of its own, so that a takeover loses nothing; cold connects at the takeover; off never takes over"
    ),
    key!("standby-callsign", "CALL", "", [Serve], Callsign, "Callsign of the connection of a warm standby; default: that of --callsign"),
    key!(
        "standby-aprs-is",
        "HOST:PORT,..",
        "",
        [Serve],
        Servers,
        "Servers of the connection of a warm standby; default: those of --aprs-is"
    ),
    key!("lease-seconds", "N", "3", [Serve], Whole(1, 60), "The right to ingest is renewed at a third of this, and lost after it"),
    key!(
        "spool-mb",
        "N",
        "1024",
        [Serve],
        Whole(1, 1_000_000),
        "Packets kept on disk (--data) while the database is away, MB; then new ones are refused"
    ),
    key!(
        "breaker-failures",
        "N",
        "3",
        [Serve],
        Whole(1, 1000),
        "Failures in a row after which the database or Redis is left alone for a while"
    ),
    key!("breaker-wait-seconds", "N", "15", [Serve], Whole(1, 600), "The longest such while"),
    key!(
        "metrics-listen",
        "HOST:PORT",
        "",
        [Serve],
        Address,
        "A second address for operators: /metrics for Prometheus, and the status in full, beside all that the site has; the same as --listen: there"
    ),
    key!(
        "hsts-seconds",
        "N",
        "0",
        [Serve],
        Whole(0, 63_072_000),
        "Behind a web server that ends TLS: browsers are told to come over TLS alone for so long (Strict-Transport-Security); 0: they are not told"
    ),
    key!(
        "allowed-origins",
        "ORIGIN,..",
        "",
        [Serve],
        OriginList,
        "Origins whose pages may open a live stream here, beside this site's own (which is known by Host), such as https://map.example.org"
    ),
    key!(
        "log",
        "FILTER",
        "info",
        [Serve, Simulate, Import, Migrate, Backup, Archive, Restore, Slowest, Retention],
        Text(400),
        "What to log: error, warn, info, debug, or a filter such as info,godwit_feed=debug"
    ),
    key!(
        "log-format",
        "FORMAT",
        "text",
        [Serve, Simulate, Import, Migrate, Backup, Archive, Restore, Slowest, Retention],
        Word(&["text", "json"]),
        "Log lines as text or JSON"
    ),
    key!(
        "rate-limit",
        "N",
        "600",
        [Serve],
        Whole(0, 1_000_000),
        "Requests to the API and the past that one client may make in a minute, on all replicas together with Redis; an expensive answer counts as several; 0: as many as it likes. Programs of this machine always may"
    ),
    key!("rate-burst", "N", "150", [Serve], Whole(1, 1_000_000), "How many of these it may make at once"),
    key!(
        "trusted-proxies",
        "NETWORK,..",
        "127.0.0.1,::1",
        [Serve],
        Networks,
        "Addresses and networks of web servers in front, which are believed about who asks (X-Forwarded-For, which they must set)"
    ),
];

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Nobody set it.
    Default,
    /// The file.
    File(PathBuf),
    /// `GODWIT_...`.
    Environment,
    /// `--...`.
    Flag,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Environment => f.write_str("environment"),
            Self::Flag => f.write_str("flag"),
        }
    }
}

/// A value that may not stand: which key, which value, from where, and what is allowed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// The value is wrong.
    #[error("{name} = \"{value}\" ({origin}): {why}\n\n  hint: allowed is {allowed}; see `godwit serve --help`")]
    Value {
        /// The key.
        name: &'static str,
        /// What was given; `***` for secrets.
        value: String,
        /// Who gave it.
        origin: Origin,
        /// What is wrong with it.
        why: String,
        /// What would be right.
        allowed: String,
    },
    /// The file has a key that does not exist.
    #[error("{file}: unknown key `{key}`{suggestion}\n\n  hint: `godwit config show` lists every key")]
    UnknownKey {
        /// The file.
        file: String,
        /// What it says.
        key: String,
        /// `; did you mean ...?`
        suggestion: String,
    },
    /// The file cannot be used.
    #[error("{file}: {why}")]
    File {
        /// The file.
        file: String,
        /// What went wrong.
        why: String,
    },
}

/// Every key with its effective value (checked, as text) and where that came from.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    values: BTreeMap<&'static str, (String, Origin)>,
}

impl Settings {
    /// Merges the four sources. `flags` are those given, by key; `environment` all variables; `file` the path that
    /// must be read (`required`) or may be missing.
    ///
    /// # Errors
    /// The first value that may not stand, a file that cannot be read, or a key in it that does not exist.
    pub(crate) fn merge(
        flags: &BTreeMap<&'static str, String>,
        environment: impl Iterator<Item = (String, String)>,
        file: Option<(PathBuf, bool)>,
    ) -> Result<Self, ConfigError> {
        let environment: BTreeMap<String, String> = environment.filter(|(name, _)| name.starts_with("GODWIT_")).collect();
        let (path, from_file) = match file {
            Some((path, required)) => read_file(path, required)?,
            None => (PathBuf::new(), BTreeMap::new()),
        };
        let mut values = BTreeMap::new();
        for key in KEYS {
            let mut found = (key.default.to_owned(), Origin::Default);
            for origin in [Origin::Flag, Origin::Environment, Origin::File(path.clone())] {
                let source = |name: &str| match origin {
                    Origin::Flag => flags.get(name).cloned(),
                    Origin::Environment => environment.get(&variable(name)).cloned(),
                    Origin::File(_) => from_file.get(name).cloned(),
                    Origin::Default => None,
                };
                if let Some(value) = source(key.name) {
                    found = (value, origin);
                    break;
                }
                if let Some(file) = Some(key.file).filter(|file| !file.is_empty()).and_then(source) {
                    found = (read_secret(&file)?, origin);
                    break;
                }
            }
            let (value, origin) = found;
            if origin != Origin::Default || !value.is_empty() {
                key.check(&value, &origin)?;
            }
            values.insert(key.name, (value, origin));
        }
        Ok(Self { values })
    }

    /// Takes the value of one key from other settings.
    pub(crate) fn take_over(&mut self, name: &'static str, newer: &Self) {
        if let Some(value) = newer.values.get(name) {
            self.values.insert(name, value.clone());
        }
    }

    /// The names of the keys whose values differ.
    pub(crate) fn changed(&self, newer: &Self) -> Vec<&'static str> {
        KEYS.iter().map(|key| key.name).filter(|name| self.get(name) != newer.get(name)).collect()
    }

    /// The value of a key of [`KEYS`]; `None` when it is not set.
    #[must_use]
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let (value, _) = self.values.get(name)?;
        (!value.is_empty()).then_some(value.as_str())
    }

    /// Whether anybody set it.
    #[must_use]
    pub(crate) fn is_set(&self, name: &str) -> bool {
        self.values.get(name).is_some_and(|(value, origin)| *origin != Origin::Default && !value.is_empty())
    }

    /// A whole number that was checked by [`Settings::merge`]; 0 when not set.
    #[must_use]
    pub(crate) fn whole(&self, name: &str) -> u64 {
        self.get(name).and_then(|value| value.parse().ok()).unwrap_or(0)
    }

    /// A number that was checked by [`Settings::merge`]; 0 when not set.
    #[must_use]
    pub(crate) fn number(&self, name: &str) -> f64 {
        self.get(name).and_then(|value| value.parse().ok()).unwrap_or(0.0)
    }

    /// A switch.
    #[must_use]
    pub(crate) fn on(&self, name: &str) -> bool {
        self.get(name) == Some("true")
    }

    /// `view` as latitude, longitude, zoom.
    #[must_use]
    pub(crate) fn view(&self) -> (f64, f64, f64) {
        let mut parts = self.get("view").unwrap_or_default().split(',').map(|part| part.trim().parse().unwrap_or(0.0));
        (parts.next().unwrap_or(0.0), parts.next().unwrap_or(0.0), parts.next().unwrap_or(2.0))
    }
}

/// The TOML lines of `godwit config show`: every key, its effective value, where it came from.
impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for key in KEYS {
            let Some((value, origin)) = self.values.get(key.name) else {
                continue;
            };
            let shown = match (value.is_empty(), key.secret, key.allowed) {
                (true, ..) => {
                    writeln!(f, "# {:<20} not set", key.name)?;
                    continue;
                }
                (_, true, _) => "\"***\"".to_owned(),
                (.., Switch | Whole(..) | Number(..)) => value.clone(),
                _ => toml::Value::String(value.clone()).to_string(),
            };
            writeln!(f, "{:<22} = {shown:<24} # {origin}", key.name)?;
        }
        Ok(())
    }
}

/// A secret from a file, without the line's end.
fn read_secret(path: &str) -> Result<String, ConfigError> {
    let failed = |why: String| ConfigError::File { file: path.to_owned(), why };
    let text = std::fs::read_to_string(path).map_err(|error| failed(format!("the secret cannot be read: {error}")))?;
    if text.len() > 10_000 {
        return Err(failed("is too long for a secret".to_owned()));
    }
    Ok(text.trim().to_owned())
}

fn variable(name: &str) -> String {
    format!("GODWIT_{}", name.to_uppercase().replace('-', "_"))
}

fn read_file(path: PathBuf, required: bool) -> Result<(PathBuf, BTreeMap<String, String>), ConfigError> {
    let failed = |why: String| ConfigError::File { file: path.display().to_string(), why };
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if !required && error.kind() == std::io::ErrorKind::NotFound => {
            return Ok((path, BTreeMap::new()));
        }
        Err(error) => return Err(failed(format!("cannot be read: {error}"))),
    };
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| failed(error.to_string()))?;
    let mut values = BTreeMap::new();
    for (name, value) in table {
        if !KEYS.iter().any(|key| key.name == name || key.file == name) {
            return Err(ConfigError::UnknownKey { file: path.display().to_string(), suggestion: suggestion(&name), key: name });
        }
        let value = match value {
            toml::Value::String(text) => text,
            toml::Value::Integer(number) => number.to_string(),
            toml::Value::Float(number) => number.to_string(),
            toml::Value::Boolean(on) => on.to_string(),
            toml::Value::Array(list) if list.iter().all(toml::Value::is_str) => {
                list.iter().filter_map(toml::Value::as_str).collect::<Vec<_>>().join(",")
            }
            _ => {
                return Err(failed(format!("`{name}` must be a text, a number, true or false")));
            }
        };
        values.insert(name, value);
    }
    Ok((path, values))
}

/// `; did you mean ...?` for the nearest key, if one is near.
fn suggestion(name: &str) -> String {
    let plain = |text: &str| text.to_lowercase().replace(['_', '-'], "");
    KEYS.iter()
        .map(|key| (edits(&plain(key.name), &plain(name)), key.name))
        .min()
        .filter(|(distance, _)| *distance <= 3)
        .map_or_else(String::new, |(_, near)| format!("; did you mean `{near}`?"))
}

/// Levenshtein distance of two short names.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(40).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[b.len()]
}

impl Key {
    /// Checks a value.
    ///
    /// # Errors
    /// [`ConfigError::Value`].
    pub(crate) fn check(&self, value: &str, origin: &Origin) -> Result<(), ConfigError> {
        self.allowed.check(value).map_err(|why| ConfigError::Value {
            name: self.name,
            value: if self.secret { "***".to_owned() } else { value.chars().take(200).flat_map(char::escape_debug).collect() },
            origin: origin.clone(),
            why,
            allowed: self.allowed.to_string(),
        })
    }
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Switch => f.write_str("true or false"),
            Address => f.write_str("HOST:PORT, such as 127.0.0.1:8080, 0.0.0.0:80 or [::1]:8080"),
            Servers => f.write_str("HOST:PORT, or several with commas between, such as euro.aprs2.net:14580"),
            Text(most) => write!(f, "printable text of up to {most} bytes"),
            Path => f.write_str("a path"),
            Whole(low, high) if *high == u64::MAX => write!(f, "a whole number from {low}"),
            Whole(low, high) => write!(f, "a whole number from {low} to {high}"),
            Number(low, high) => write!(f, "a number from {low} to {high}"),
            Word(words) => f.write_str(&words.join(" or ")),
            Callsign => f.write_str("3 to 9 letters and digits with an optional SSID, such as N0CALL-1"),
            View => f.write_str("latitude,longitude,zoom, such as 47.4,8.5,8"),
            WebUrl => {
                f.write_str("https:// without a user, or http:// to this machine only, such as https://example.org/tocalls.pretty.json")
            }
            OriginList => f.write_str("origins with commas between, such as https://map.example.org"),
            Networks => f.write_str("addresses and networks with commas between, such as 10.0.0.0/8,::1"),
            TileUrl => f.write_str("http:// or https:// with {z}, {x} and {y}, such as https://tile.example.org/{z}/{x}/{y}.png"),
        }
    }
}

impl Allowed {
    fn check(self, value: &str) -> Result<(), String> {
        if value.chars().any(char::is_control) {
            return Err("control characters are not allowed".to_owned());
        }
        match self {
            Switch if value == "true" || value == "false" => Ok(()),
            Switch => Err("is neither true nor false".to_owned()),
            Address => host_and_port(value),
            Servers if value.split(',').count() > 16 => Err("are more than 16 servers".to_owned()),
            Servers => value.split(',').try_for_each(|server| godwit_feed::check_server(server.trim()).map_err(|e| e.to_string())),
            Text(most) if value.len() > most => Err(format!("is {} bytes long", value.len())),
            Path if value.is_empty() => Err("is empty".to_owned()),
            Text(_) | Path => Ok(()),
            Whole(low, high) => match value.parse::<u64>() {
                Ok(number) if (low..=high).contains(&number) => Ok(()),
                Ok(_) => Err("is out of range".to_owned()),
                Err(_) => Err("is not a whole number".to_owned()),
            },
            Number(low, high) => match value.parse::<f64>() {
                Ok(number) if (low..=high).contains(&number) => Ok(()),
                Ok(_) => Err("is out of range".to_owned()),
                Err(_) => Err("is not a number".to_owned()),
            },
            Word(words) if words.contains(&value) => Ok(()),
            Word(_) => Err("is not one of the words".to_owned()),
            Callsign => godwit_feed::check_callsign(value).map_err(|e| e.to_string()),
            View => view(value),
            WebUrl => crate::outbound::check(value).map(drop),
            Networks => value.parse::<godwit_web::Proxies>().map(drop),
            OriginList => value.parse::<godwit_web::Origins>().map(drop),
            TileUrl => tile_url(value),
        }
    }
}

fn host_and_port(value: &str) -> Result<(), String> {
    let (host, port) = value.rsplit_once(':').ok_or("has no port")?;
    if port.parse::<u16>().is_err() {
        return Err("has no port from 0 to 65535 after the last colon".to_owned());
    }
    let bracketed = host.starts_with('[') && host.ends_with(']');
    if host.is_empty() || (host.contains(':') && !bracketed) || host.contains(char::is_whitespace) {
        return Err("has no usable host before the last colon (write IPv6 in brackets)".to_owned());
    }
    Ok(())
}

fn view(value: &str) -> Result<(), String> {
    let parts: Vec<f64> = value.split(',').filter_map(|part| part.trim().parse().ok()).collect();
    match parts[..] {
        [latitude, longitude, zoom]
            if value.split(',').count() == 3
                && (-85.0..=85.0).contains(&latitude)
                && (-180.0..=180.0).contains(&longitude)
                && (0.0..=18.0).contains(&zoom) =>
        {
            Ok(())
        }
        _ => Err("is not latitude -85..85, longitude -180..180 and zoom 0..18".to_owned()),
    }
}

fn tile_url(value: &str) -> Result<(), String> {
    let rest = value.strip_prefix("https://").or_else(|| value.strip_prefix("http://")).ok_or("is not a web address")?;
    let host = rest.split('/').next().unwrap_or_default();
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':');
    if host.is_empty() || !host.chars().all(good) {
        return Err("has no plain host name (letters, digits, dots, a port)".to_owned());
    }
    if ["{z}", "{x}", "{y}"].iter().any(|part| !rest.contains(part)) || value.len() > 500 {
        return Err("lacks {z}, {x} or {y}, or is over 500 bytes".to_owned());
    }
    Ok(())
}

#[cfg(test)]
#[path = "config_test.rs"]
mod tests;
