//! A batch as bytes, version 1:
//!
//! | bytes | what |
//! |---|---|
//! | 1 | version, 1 |
//! | 1 | flags: 1 = batches before this one may not have been published; others are 0 |
//! | 8 | time of the first message, microseconds since 1970 UTC, little endian |
//! | varint | number of messages |
//! | each: varint | microseconds since the message before it, zigzag (a clock may be set back) |
//! | each: varint | length of the line times 2, plus 1 if its position counts |
//! | each: length | the line |

use super::{Message, PART_BYTES};

const VERSION: u8 = 1;
const AFTER_FAILURE: u8 = 1;

/// Bytes that a message takes beside its line, at most: two varints.
pub(super) const MESSAGE_OVERHEAD: usize = 20;

/// A batch as read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Batch {
    /// Batches before this one may not have been published.
    pub(super) after_failure: bool,
    pub(super) messages: Vec<Message>,
}

/// Why bytes are not a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unreadable {
    #[error("a batch of version {0}, which this program does not know: run the same version everywhere")]
    Version(u8),
    #[error("not a batch: {0}")]
    Damaged(&'static str),
}

pub(super) fn encode(messages: &[Message], after_failure: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(16 + messages.iter().map(|message| message.raw.len() + 6).sum::<usize>());
    let mut before_us = messages.first().map_or(0, |message| message.received_at_us);
    out.extend_from_slice(&[VERSION, if after_failure { AFTER_FAILURE } else { 0 }]);
    out.extend_from_slice(&before_us.to_le_bytes());
    varint(&mut out, messages.len() as u64);
    for message in messages {
        let step = message.received_at_us.wrapping_sub(before_us);
        before_us = message.received_at_us;
        varint(&mut out, (step << 1 ^ step >> 63) as u64);
        varint(&mut out, (message.raw.len() as u64) << 1 | u64::from(message.fix_counts));
        out.extend_from_slice(&message.raw);
    }
    out
}

pub(super) fn decode(bytes: &[u8]) -> Result<Batch, Unreadable> {
    use Unreadable::Damaged;
    // One message of the longest line may be over the bound of a part by itself; nothing else is.
    if bytes.len() > PART_BYTES + Message::MOST_BYTES {
        return Err(Damaged("too long"));
    }
    let mut rest = Bytes(bytes);
    let version = rest.take(1).ok_or(Damaged("empty"))?[0];
    if version != VERSION {
        return Err(Unreadable::Version(version));
    }
    let flags = rest.take(1).ok_or(Damaged("cut off"))?[0];
    let first = rest.take(8).and_then(|bytes| bytes.try_into().ok()).ok_or(Damaged("cut off"))?;
    let mut before_us = i64::from_le_bytes(first);
    let count = rest.varint().and_then(|count| usize::try_from(count).ok()).ok_or(Damaged("cut off"))?;
    // A message takes two bytes at least: the number cannot make us reserve more than the bytes justify.
    if count > rest.0.len() / 2 {
        return Err(Damaged("more messages than bytes"));
    }
    let mut messages = Vec::with_capacity(count);
    for _ in 0..count {
        let step = rest.varint().ok_or(Damaged("cut off"))?;
        let length = rest.varint().ok_or(Damaged("cut off"))?;
        let raw = usize::try_from(length >> 1).ok().filter(|length| *length <= Message::MOST_BYTES).ok_or(Damaged("a line too long"))?;
        let raw = rest.take(raw).ok_or(Damaged("cut off"))?;
        before_us = before_us.wrapping_add((step >> 1) as i64 ^ -((step & 1) as i64));
        messages.push(Message { received_at_us: before_us, raw: raw.into(), fix_counts: length & 1 == 1 });
    }
    if rest.0.is_empty() {
        Ok(Batch { after_failure: flags & AFTER_FAILURE != 0, messages })
    } else {
        Err(Damaged("more bytes than messages"))
    }
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?[0];
            value |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn message() -> impl Strategy<Value = Message> {
        (any::<i64>(), proptest::collection::vec(any::<u8>(), 0..300), any::<bool>())
            .prop_map(|(received_at_us, raw, fix_counts)| Message { received_at_us, raw: raw.into(), fix_counts })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(messages in proptest::collection::vec(message(), 0..40), after_failure: bool) {
            prop_assert_eq!(decode(&encode(&messages, after_failure)), Ok(Batch { after_failure, messages }));
        }

        #[test]
        fn hostile_bytes_are_refused_or_bounded(
            bytes in proptest::collection::vec(any::<u8>(), 0..200),
            messages in proptest::collection::vec(message(), 1..5), cut in any::<usize>(), spoil in any::<(usize, u8)>(),
        ) {
            let _ = decode(&bytes);
            let good = encode(&messages, false);
            prop_assert!(decode(&good[..cut % good.len()]).is_err());
            let mut spoiled = good;
            let at = spoil.0 % spoiled.len();
            spoiled[at] = spoil.1;
            if let Ok(batch) = decode(&spoiled) {
                prop_assert!(batch.messages.iter().map(|message| message.raw.len()).sum::<usize>() <= spoiled.len());
            }
        }

        #[test]
        fn parts_hold_everything_in_order_within_their_bound(lengths in proptest::collection::vec(0_usize..Message::MOST_BYTES, 0..40)) {
            let messages: Vec<Message> =
                lengths.iter().map(|length| Message { received_at_us: 0, raw: vec![b'x'; *length].into(), fix_counts: true }).collect();
            let parts: Vec<&[Message]> = super::super::parts(&messages).collect();
            prop_assert_eq!(parts.concat(), messages.clone());
            for part in parts {
                prop_assert!(encode(part, true).len() <= PART_BYTES + 32);
            }
        }
    }

    #[test]
    fn the_layout_stays() {
        let messages = [(10, &b"A>B:hi"[..], true), (8, b"C>D:", false)].map(|(received_at_us, raw, fix_counts)| Message {
            received_at_us,
            raw: raw.into(),
            fix_counts,
        });
        assert_eq!(encode(&messages, true), b"\x01\x01\x0a\0\0\0\0\0\0\0\x02\x00\x0dA>B:hi\x03\x08C>D:");
        assert_eq!(decode(b"\x02"), Err(Unreadable::Version(2)));
    }
}
