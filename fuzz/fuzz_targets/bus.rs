//! Entries of the bus between replicas: whatever is read is written and read again as the same, and takes no more memory
//! than its bytes justify.
#![no_main]
#[path = "../../crates/live/src/bus/wire.rs"]
mod wire;

use godwit_live::bus::{Message, PART_BYTES};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(batch) = wire::decode(bytes) else { return };
    assert!(batch.messages.iter().map(|message| message.raw.len()).sum::<usize>() <= bytes.len());
    let written = wire::encode(&batch.messages, batch.after_failure);
    assert_eq!(wire::decode(&written).as_ref(), Ok(&batch));
    assert!(written.len() <= bytes.len() + wire::MESSAGE_OVERHEAD);
});
