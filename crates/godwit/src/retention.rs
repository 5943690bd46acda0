//! `godwit retention`: days that are over their time, by hand.

use clap::ArgMatches;
use godwit_flow::{Health, local_us};

use crate::{
    clock::{Clock, DAY_US},
    config::Settings,
    jobs::retention::{self, Rules},
    run,
};

/// `godwit retention [--force]`.
pub(crate) fn retention(settings: &Settings, matches: &ArgMatches) -> anyhow::Result<()> {
    let rules = Rules::new(settings);
    run::runtime()?.block_on(async {
        let store = run::open(settings).await?;
        let said = if matches.get_flag("force") {
            retention::change(&*store, rules, local_us().div_euclid(DAY_US), usize::MAX).await
        } else {
            retention::run(&*store, rules, &Clock::new(Health::default())).await
        };
        store.close().await?;
        println!("{}", said?);
        Ok(())
    })
}
