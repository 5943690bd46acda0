//! Faults on purpose, for tests of the whole program: `GODWIT_FAULT=panic:TASK:FILE` panics in the task of that name when
//! the file is there.

use std::{future::Future, path::PathBuf, time::Duration};

/// The task, broken when the test says so.
pub(crate) async fn breakable(name: &'static str, task: impl Future<Output = ()>) {
    let fault = std::env::var("GODWIT_FAULT").unwrap_or_default();
    let words: Vec<&str> = fault.splitn(3, ':').collect();
    match words[..] {
        ["panic", of, file] if of == name => {
            let file = PathBuf::from(file);
            tokio::select! {
                () = task => {}
                () = there(file) => panic!("on purpose"),
            }
        }
        _ => task.await,
    }
}

async fn there(file: PathBuf) {
    while !file.exists() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
