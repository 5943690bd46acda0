//! The network's duplicate rule: within 30 s, the same source, destination without SSID and information field, the
//! path ignored. Compared in full, byte for byte. Beside each packet its usual mutilations are remembered (trailing
//! spaces cut; 8-bit bytes dropped, masked or made spaces; control bytes dropped or made spaces), so that a copy
//! that a gateway damaged is known again; the undamaged packet after a damaged copy is new, as in aprsc.
//!
//! Owner: one pipeline. Bound: [`DuplicateWindow::CAPACITY`] remembered keys; when full the oldest leave first.

use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
};

/// Remembers the packets of the last 30 s.
#[derive(Debug)]
pub struct DuplicateWindow {
    seen: HashSet<Arc<[u8]>>,
    order: VecDeque<(i64, Arc<[u8]>)>,
    capacity: usize,
}

impl Default for DuplicateWindow {
    fn default() -> Self {
        Self::with_capacity(Self::CAPACITY)
    }
}

impl DuplicateWindow {
    /// How long a packet is remembered: 30 s, in microseconds.
    pub const SPAN_US: i64 = 30_000_000;
    /// Keys remembered at most: 30 s of 30,000 packets a second, at about 200 bytes each.
    pub const CAPACITY: usize = 1_000_000;

    /// A window that remembers at most so many keys.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self { seen: HashSet::new(), order: VecDeque::new(), capacity }
    }

    /// Whether the packet was heard within the last 30 s; remembers it if not. A time before the last one (the clock
    /// was set back) counts by its distance.
    pub fn check(&mut self, now_us: i64, source: &[u8], destination: &[u8], info: &[u8]) -> bool {
        self.forget(now_us);
        let base = destination.split(|&byte| byte == b'-').next().unwrap_or_default();
        let key = |info: &mut dyn Iterator<Item = u8>| -> Arc<[u8]> {
            source.iter().copied().chain([b'>']).chain(base.iter().copied()).chain([b':']).chain(info).collect()
        };
        let exact = key(&mut info.iter().copied());
        if self.seen.contains(&exact) {
            return true;
        }
        self.remember(now_us, exact);
        let high = info.iter().any(|byte| *byte >= 0x80);
        let control = info.iter().any(|byte| is_control(*byte));
        let trimmed = info.trim_ascii_end();
        if trimmed.len() < info.len() {
            self.remember(now_us, key(&mut trimmed.iter().copied()));
        }
        if high {
            self.remember(now_us, key(&mut info.iter().copied().filter(|byte| *byte < 0x80)));
            self.remember(now_us, key(&mut info.iter().map(|byte| byte & 0x7f)));
            self.remember(now_us, key(&mut info.iter().map(|byte| if *byte < 0x80 { *byte } else { b' ' })));
        }
        if control {
            self.remember(now_us, key(&mut info.iter().copied().filter(|byte| !is_control(*byte))));
            self.remember(now_us, key(&mut info.iter().map(|byte| if is_control(*byte) { b' ' } else { *byte })));
        }
        false
    }

    /// How many keys are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.seen.len()
    }

    /// Whether nothing is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.seen.is_empty()
    }

    fn remember(&mut self, now_us: i64, key: Arc<[u8]>) {
        if self.seen.len() >= self.capacity
            && let Some((_, oldest)) = self.order.pop_front()
        {
            self.seen.remove(&oldest);
        }
        if self.seen.insert(key.clone()) {
            self.order.push_back((now_us, key));
        }
    }

    fn forget(&mut self, now_us: i64) {
        while let Some((at_us, _)) = self.order.front()
            && (now_us - at_us).abs() > Self::SPAN_US
        {
            if let Some((_, key)) = self.order.pop_front() {
                self.seen.remove(&key);
            }
        }
    }
}

fn is_control(byte: u8) -> bool {
    byte < 0x20 || byte == 0x7f
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: i64 = 1_000_000;

    #[test]
    fn the_path_and_the_ssid_of_the_destination_do_not_matter_the_rest_does() {
        let mut window = DuplicateWindow::default();
        assert!(!window.check(0, b"N0CALL-9", b"APRS-2", b">on the road"));
        assert!(window.check(S, b"N0CALL-9", b"APRS", b">on the road"));
        assert!(!window.check(S, b"N0CALL-8", b"APRS", b">on the road"));
        assert!(!window.check(S, b"N0CALL-9", b"APDR16", b">on the road"));
        assert!(!window.check(S, b"N0CALL-9", b"APRS", b">On the road"));
    }

    #[test]
    fn thirty_seconds_counted_from_the_first_copy() {
        let mut window = DuplicateWindow::default();
        assert!(!window.check(0, b"A", b"B", b">x"));
        assert!(window.check(20 * S, b"A", b"B", b">x"));
        assert!(window.check(30 * S, b"A", b"B", b">x"));
        assert!(!window.check(31 * S, b"A", b"B", b">x"));
    }

    #[test]
    fn a_damaged_copy_is_known_the_original_after_it_is_new() {
        let original = b">caf\xe9 \x1cbar  ";
        for damaged in
            [&b">caf\xe9 \x1cbar"[..], b">caf \x1cbar  ", b">cafi \x1cbar  ", b">caf  \x1cbar  ", b">caf\xe9 bar  ", b">caf\xe9  bar  "]
        {
            let mut window = DuplicateWindow::default();
            assert!(!window.check(0, b"A", b"B", original));
            assert!(window.check(S, b"A", b"B", damaged), "{}", damaged.escape_ascii());
            let mut window = DuplicateWindow::default();
            assert!(!window.check(0, b"A", b"B", damaged));
            assert!(!window.check(S, b"A", b"B", original), "{}", damaged.escape_ascii());
        }
    }

    #[test]
    fn it_stays_bounded_and_forgets_when_the_clock_is_set_back() {
        let mut window = DuplicateWindow::with_capacity(1000);
        for i in 0..5000 {
            assert!(!window.check(100 * S, b"A", b"B", format!(">{i}").as_bytes()));
        }
        assert_eq!(window.len(), 1000);
        assert!(window.check(100 * S, b"A", b"B", b">4999") && !window.check(100 * S, b"A", b"B", b">0"));
        assert!(!window.check(0, b"A", b"B", b">new"));
        assert_eq!(window.len(), 1);
    }
}
