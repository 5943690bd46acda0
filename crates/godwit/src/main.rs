//! The program: command line, configuration, wiring. What it does is in the crates before it.

#[cfg(feature = "archive")]
mod archive;
mod backup;
mod cli;
mod clock;
mod cluster;
mod config;
mod database;
mod decode;
mod files;
mod follower;
mod gauges;
mod import;
mod intake;
mod jobs;
mod keeper;
mod leader;
mod outbound;
mod process;
mod retention;
mod ring;
mod run;
mod simulate;
mod slowest;
mod terminal;

use std::{io::IsTerminal as _, process::ExitCode};

use clap::ArgMatches;
use config::{Command, Settings};

fn main() -> ExitCode {
    match dispatch(&cli::command().get_matches()) {
        Ok(()) => ExitCode::SUCCESS,
        // Somebody downstream (head, less) has seen enough.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}", terminal::shown_lines(&format!("error: {error:#}")));
            ExitCode::FAILURE
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

fn dispatch(matches: &ArgMatches) -> anyhow::Result<()> {
    let Some((command, matches)) = cli::given(matches) else { return Ok(()) };
    // These two neither log nor need settings of their own.
    match command {
        Command::Decode => return decode::decode(matches),
        Command::Config => return show_config(matches),
        _ => {}
    }
    let settings = cli::settings(matches)?;
    let set_level = log(&settings)?;
    process::log_panics();
    // What SIGHUP does: the settings as they are now, and the log as they want it.
    let reload = || {
        let newer = cli::settings(matches)?;
        set_level(&newer)?;
        anyhow::Ok(newer)
    };
    match command {
        Command::Serve => run::serve(&settings, &reload),
        Command::Simulate => simulate::simulate(&settings, &reload),
        Command::Import => import::import(&settings, matches),
        Command::Migrate => run::migrate(&settings),
        Command::Backup => backup::backup(&settings, matches),
        Command::Retention => retention::retention(&settings, matches),
        Command::Slowest => slowest::slowest(&settings),
        #[cfg(feature = "archive")]
        Command::Archive => archive::archive(&settings, matches),
        #[cfg(feature = "archive")]
        Command::Restore => archive::restore(&settings, matches),
        #[cfg(not(feature = "archive"))]
        Command::Archive | Command::Restore => anyhow::bail!("this program was built without the feature archive"),
        Command::Decode | Command::Config => Ok(()),
    }
}

fn show_config(matches: &ArgMatches) -> anyhow::Result<()> {
    if let Some(settings) = matches.subcommand_matches("show").map(cli::settings).transpose()? {
        use std::io::Write as _;
        write!(std::io::stdout().lock(), "{settings}")?;
    }
    Ok(())
}

/// Sets what is logged to what other settings ask for.
type SetLevel = Box<dyn Fn(&Settings) -> anyhow::Result<()>>;

fn log(settings: &Settings) -> anyhow::Result<SetLevel> {
    let level_now = level(settings)?;
    // The filter comes last: its handle is for the subscriber as it is then.
    let builder = tracing_subscriber::fmt().with_target(false);
    if settings.get("log-format") == Some("json") {
        let builder = builder.with_writer(std::io::stderr).json().with_env_filter(level_now).with_filter_reloading();
        let handle = builder.reload_handle();
        builder.init();
        Ok(Box::new(move |settings| Ok(handle.reload(level(settings)?)?)))
    } else {
        let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let builder = builder.with_ansi(colours).with_writer(move || terminal::OneLine { out: std::io::stderr(), colours });
        let builder = builder.with_env_filter(level_now).with_filter_reloading();
        let handle = builder.reload_handle();
        builder.init();
        Ok(Box::new(move |settings| Ok(handle.reload(level(settings)?)?)))
    }
}

fn level(settings: &Settings) -> anyhow::Result<tracing_subscriber::EnvFilter> {
    let text = settings.get("log").unwrap_or("info");
    tracing_subscriber::EnvFilter::try_new(text).map_err(|error| {
        anyhow::anyhow!(
            "log = \"{}\": {error}\n\n  hint: allowed is error, warn, info, debug, or a filter such as info,godwit_feed=debug",
            text.escape_debug()
        )
    })
}
