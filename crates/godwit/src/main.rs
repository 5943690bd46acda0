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
mod retention;
mod ring;
mod run;
mod simulate;
mod slowest;

use std::process::ExitCode;

use clap::ArgMatches;
use config::Settings;

fn main() -> ExitCode {
    match dispatch(&cli::command().get_matches()) {
        Ok(()) => ExitCode::SUCCESS,
        // Somebody downstream (head, less) has seen enough.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

fn dispatch(matches: &ArgMatches) -> anyhow::Result<()> {
    match matches.subcommand() {
        Some(("decode", matches)) => decode::decode(matches),
        Some(("config", matches)) => {
            let shown = matches.subcommand_matches("show").map(cli::settings).transpose()?;
            if let Some(settings) = shown {
                use std::io::Write as _;
                write!(std::io::stdout().lock(), "{settings}")?;
            }
            Ok(())
        }
        Some((name, matches)) => {
            let settings = cli::settings(matches)?;
            log(&settings)?;
            if name == "backup" {
                return backup::backup(&settings, matches);
            }
            match name {
                "serve" => run::serve(&settings),
                "simulate" => simulate::simulate(&settings),
                #[cfg(feature = "archive")]
                "archive" => archive::archive(&settings, matches),
                #[cfg(feature = "archive")]
                "restore" => archive::restore(&settings, matches),
                "import" => import::import(&settings, matches),
                "retention" => retention::retention(&settings, matches),
                "slowest" => slowest::slowest(&settings),
                _ => run::migrate(&settings),
            }
        }
        None => Ok(()),
    }
}

fn log(settings: &Settings) -> anyhow::Result<()> {
    let text = settings.get("log").unwrap_or("info");
    let filter = tracing_subscriber::EnvFilter::try_new(text).map_err(|error| {
        anyhow::anyhow!(
            "log = \"{}\": {error}\n\n  hint: allowed is error, warn, info, debug, or a filter such as info,godwit_feed=debug",
            text.escape_debug()
        )
    })?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    if settings.get("log-format") == Some("json") {
        builder.json().init();
    } else {
        builder.init();
    }
    Ok(())
}
