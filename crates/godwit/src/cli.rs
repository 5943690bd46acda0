//! The command line, made from [`crate::config::KEYS`]: help, flags and configuration cannot disagree.

use std::{collections::BTreeMap, path::PathBuf};

use clap::{Arg, ArgAction, ArgMatches, Command as Clap};

use crate::config::{Allowed, Command, ConfigError, KEYS, Settings};

/// The whole command line.
#[must_use]
pub(crate) fn command() -> Clap {
    let program = Clap::new("godwit")
        .version(env!("CARGO_PKG_VERSION"))
        .about("A live map, archive and API of APRS, amateur radio's packet network")
        .after_help(
            "Every option can also stand in the environment (--retention-days: GODWIT_RETENTION_DAYS) or in a TOML \
             file (retention-days = 30); a flag wins over the environment, that over the file.\n\n\
             Start with:  godwit serve --demo",
        )
        .subcommand_required(true)
        .arg_required_else_help(true);
    Command::ALL.iter().fold(program, |program, command| program.subcommand(subcommand(*command)))
}

/// The sub-command that was given, with its arguments.
pub(crate) fn given(matches: &ArgMatches) -> Option<(Command, &ArgMatches)> {
    let (name, matches) = matches.subcommand()?;
    Command::ALL.iter().find(|command| command.name() == name).map(|command| (*command, matches))
}

fn subcommand(which: Command) -> Clap {
    let named = Clap::new(which.name());
    match which {
        Command::Serve => with_keys(
            named.about("Take packets in, keep them, show them").long_about(
                "Take packets in from APRS-IS (or the simulator), keep them, and show them on the live map.\n\
                     Without --demo, --aprs-is or --callsign it shows what is stored.",
            ),
            which,
        ),
        Command::Simulate => {
            with_keys(named.about("A small APRS-IS server with believable traffic; any APRS-IS client can connect"), which)
        }
        Command::Import => with_keys(
            named
                .about("Read packets from files into the store; importing twice adds nothing")
                .long_about(
                    "Read packets from files into the store: one packet a line, with or without a time in front \
                     (RFC 3339, or seconds since 1970). Lines without a time count as received now. A broken-off \
                     import goes on where it stopped; importing a file twice adds nothing.",
                )
                .arg(
                    Arg::new("files")
                        .value_name("FILE")
                        .num_args(1..)
                        .required(true)
                        .value_parser(clap::value_parser!(PathBuf))
                        .help("Files to read; - for standard input"),
                ),
            which,
        ),
        Command::Decode => decode(named),
        Command::Migrate => with_keys(named.about("Bring the store's layout up to this version (serve does it by itself)"), which),
        Command::Retention => with_keys(
            named
                .about("Drop or thin one day that is over its time, as serve does once an hour")
                .long_about(
                    "Drop or thin one day that is over its time, as serve does once an hour: the oldest one, and only if the clocks \
                     and the stored packets agree on what day it is. With the embedded store serve must not run meanwhile.",
                )
                .arg(Arg::new("force").long("force").action(ArgAction::SetTrue).help(
                    "Every day that is over its time by the local clock, whatever else disagrees; the newest day with packets stays",
                )),
            which,
        ),
        Command::Slowest => {
            with_keys(named.about("Show what PostgreSQL spends its time on (where its extension pg_stat_statements is loaded)"), which)
        }
        Command::Backup => with_keys(
            named
                .about("Copy the embedded store, also while serve runs; the copy is a folder that --data may name")
                .long_about(
                    "Copy the embedded store into a new folder, also while serve runs. The copy is of one moment, is \
                     checked after it was written, and is itself a store: --data may name it. Nothing is ever \
                     overwritten. PostgreSQL has its own tool for this, pg_dump.",
                )
                .arg(
                    Arg::new("target")
                        .value_name("FOLDER")
                        .required(true)
                        .value_parser(clap::value_parser!(PathBuf))
                        .help("Where the copy goes; must not be there yet"),
                ),
            which,
        ),
        Command::Archive => with_keys(
            named.about("Write closed days into the archive (Parquet, a folder or S3) and read them back to compare").arg(
                Arg::new("day").value_name("DAY").help("A day, as 2026-11-23 (UTC); without it all that are closed and not yet archived"),
            ),
            which,
        ),
        Command::Restore => with_keys(
            named
                .about("Bring a day back from the archive; doing it twice adds nothing")
                .arg(Arg::new("day").value_name("DAY").required(true).help("The day, as 2026-11-23 (UTC)")),
            which,
        ),
        Command::Config => named
            .about("Configuration")
            .subcommand_required(true)
            .arg_required_else_help(true)
            .subcommand(all_keys(Clap::new("show").about("Print the effective values and where each came from; secrets stay hidden"))),
    }
}

fn decode(named: Clap) -> Clap {
    named
        .about("Explain packets: what every line means")
        .arg(
            Arg::new("file")
                .value_name("FILE")
                .default_value("-")
                .value_parser(clap::value_parser!(PathBuf))
                .help("File with one packet a line; - for standard input"),
        )
        .arg(
            Arg::new("format")
                .long("format")
                .value_name("FORMAT")
                .value_parser(["json", "text"])
                .default_value("text")
                .help("json: one object a line (docs/decode.md); text: for people"),
        )
        .arg(
            Arg::new("received-at")
                .long("received-at")
                .value_name("TIME")
                .value_parser(|text: &str| text.parse::<jiff::Timestamp>().map_err(|_| "not a time such as 2026-11-23T10:15:00Z"))
                .help("When the lines were received, to date their timestamps by (RFC 3339) [default: now]"),
        )
        .arg(Arg::new("explain").long("explain").action(ArgAction::SetTrue).help("Text for people with every byte explained"))
}

fn with_keys(command: Clap, which: Command) -> Clap {
    KEYS.iter().filter(|key| key.commands.contains(&which)).fold(command.arg(config_arg()), |command, key| command.args(args(key)))
}

fn all_keys(command: Clap) -> Clap {
    KEYS.iter().fold(command.arg(config_arg()), |command, key| command.args(args(key)))
}

fn config_arg() -> Arg {
    Arg::new("config")
        .long("config")
        .value_name("FILE")
        .value_parser(clap::value_parser!(PathBuf))
        .help("TOML file (GODWIT_CONFIG) [default: godwit.toml, if it is there]")
}

/// The flag of a key, and for a secret the one that names its file.
fn args(key: &'static crate::config::Key) -> impl Iterator<Item = Arg> {
    let file =
        (!key.file.is_empty()).then(|| Arg::new(key.file).long(key.file).value_name("FILE").help(format!("File that holds {}", key.name)));
    std::iter::once(arg(key)).chain(file)
}

fn arg(key: &'static crate::config::Key) -> Arg {
    let mut help = key.help.to_owned();
    if !key.default.is_empty() && key.name != "listen" && !matches!(key.allowed, Allowed::Switch) {
        help = format!("{help} [default: {}]", key.default);
    }
    let arg = Arg::new(key.name).long(key.name).help(help);
    if matches!(key.allowed, Allowed::Switch) {
        arg.num_args(0..=1).require_equals(true).default_missing_value("true").value_name("true|false").hide_possible_values(true)
    } else {
        arg.value_name(key.value).allow_hyphen_values(true)
    }
}

/// The settings of a command: its flags over the environment over the file over the defaults.
///
/// # Errors
/// A value that may not stand, or a file that cannot be used.
pub(crate) fn settings(matches: &ArgMatches) -> Result<Settings, ConfigError> {
    let mut flags = BTreeMap::new();
    for key in KEYS {
        for name in [key.name, key.file] {
            if let Ok(Some(value)) = matches.try_get_one::<String>(name) {
                flags.insert(name, value.clone());
            }
        }
    }
    let named = matches.get_one::<PathBuf>("config").cloned().or_else(|| std::env::var_os("GODWIT_CONFIG").map(PathBuf::from));
    let file = named.map_or_else(|| Some((PathBuf::from("godwit.toml"), false)), |path| Some((path, true)));
    // A variable that is not UTF-8 is read lossily: the checks then refuse it by name.
    let environment = std::env::vars_os().map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()));
    Settings::merge(&flags, environment, file)
}
