//! WebSocket frames of a client: the same is read however the bytes come, within the bound of a message.
#![no_main]
#[allow(dead_code, reason = "the target reads and does not write")]
#[path = "../../crates/web/src/live/frames.rs"]
mod frames;

use frames::{Fault, Incoming, Said};
use godwit_live::Viewer;

libfuzzer_sys::fuzz_target!(|input: (u8, &[u8])| {
    let (step, bytes) = input;
    let (whole, parts) = (read(bytes, bytes.len().max(1)), read(bytes, usize::from(step).max(1)));
    assert_eq!(whole, parts, "in one piece and in steps of {step}");
    for said in &whole.0 {
        if let Said::Text(text) = said {
            assert!(text.len() <= Viewer::MOST_BYTES);
        }
    }
});

/// What is said, and the fault that ended it.
fn read(bytes: &[u8], step: usize) -> (Vec<Said>, Option<Fault>) {
    let (mut incoming, mut all) = (Incoming::default(), Vec::new());
    for chunk in bytes.chunks(step) {
        incoming.push(chunk);
        loop {
            match incoming.next() {
                Ok(Some(said)) => all.push(said),
                Ok(None) => break,
                Err(fault) => return (all, Some(fault)),
            }
        }
    }
    (all, None)
}
