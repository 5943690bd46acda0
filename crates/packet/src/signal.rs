//! Marks and reception figures in free text: kept in the text, read on request.

use crate::{MicEMessage, Packet};

/// Reception figures a LoRa gateway added to the sender's text.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub struct Signal {
    /// Received strength, dBm.
    pub rssi_dbm: Option<f64>,
    /// Signal to noise ratio, dB.
    pub snr_db: Option<f64>,
    /// Frequency error, Hz.
    pub frequency_error_hz: Option<f64>,
}

/// Which of the ways to call for help a packet uses. None alone proves an emergency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Emergency {
    /// The Mic-E position comment is Emergency.
    MicE,
    /// The symbol is `\!`.
    Symbol,
    /// The text holds a mark such as `!EMERGENCY!`.
    Mark,
}

impl Emergency {
    /// The stable name, snake_case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MicE => "mic_e",
            Self::Symbol => "symbol",
            Self::Mark => "mark",
        }
    }
}

/// The marks of 1.2 that call for help; `!TESTALARM!` is left out on purpose.
const MARKS: [&[u8]; 6] = [b"!EMERGENCY!", b"!ALARM!", b"!ALERT!", b"!WARNING!", b"!WXALARM!", b"!EM!"];

/// Words in front of the figures of the usual gateways.
const RSSI: [&[u8]; 3] = [b"RSSI=", b"rssi: ", b"DP_RSSI: "];
const SNR: [&[u8]; 3] = [b"SNR=", b"snr: ", b"DP_SNR: "];

pub(crate) fn find(text: &[u8], needle: &[u8]) -> Option<usize> {
    memchr::memmem::find(text, needle)
}

/// The decimal number at the start of `bytes`.
pub(crate) fn number(bytes: &[u8]) -> Option<f64> {
    let len = bytes.iter().take(12).take_while(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'+' | b'-')).count();
    std::str::from_utf8(&bytes[..len]).ok()?.parse().ok()
}

/// True if a gateway's figures stand in the text. Cheap when they do not: all known forms end in `dB`, `dBm` or `Hz`.
#[inline(always)]
pub(crate) fn is_altered(text: &[u8]) -> bool {
    matches!(text.last(), Some(b'B' | b'b' | b'm' | b'z')) && has_figures(text)
}

fn has_figures(text: &[u8]) -> bool {
    matches!(text, [.., b'd', b'B' | b'b'] | [.., b'd', b'B', b'm'] | [.., b'H', b'z'])
        && text.windows(4).any(|word| matches!(word, b"RSSI" | b"rssi" | b"dBm "))
        && signal(text).is_some()
}

fn signal(text: &[u8]) -> Option<Signal> {
    let after = |words: &[&[u8]]| words.iter().find_map(|word| number(&text[find(text, word)? + word.len()..]));
    let mut signal = Signal { rssi_dbm: after(&RSSI), snr_db: after(&SNR), frequency_error_hz: after(&[b"err: "]) };
    // The form `/ -121dBm / -5.5dB` has no words.
    if signal.rssi_dbm.is_none()
        && let Some(unit) = find(text, b"dBm / ")
        && let Some(start) = text[..unit].iter().rposition(|&byte| byte == b' ')
    {
        signal.rssi_dbm = number(&text[start + 1..]);
        signal.snr_db = number(&text[unit + 6..]);
    }
    (signal != Signal::default()).then_some(signal)
}

impl Packet<'_> {
    /// The reception figures a LoRa gateway added to the comment, which also makes copies of a packet differ.
    #[must_use]
    pub fn signal(&self) -> Option<Signal> {
        signal(&self.comment.bytes())
    }

    /// True when the sender asks not to be archived (`!x!` or `x-no-archive`).
    #[must_use]
    pub fn no_archive(&self) -> bool {
        let text = self.comment.bytes();
        let status = self.status.as_ref().map_or(&[][..], |status| status.text.bytes());
        [text.as_ref(), status].into_iter().any(|text| find(text, b"!x!").is_some() || find(text, b"x-no-archive").is_some())
    }

    /// The ways this packet calls for help, by name.
    #[must_use]
    pub fn emergencies(&self) -> Vec<Emergency> {
        let text = self.comment.bytes();
        let mut found = Vec::new();
        if self.mic_e_message == Some(MicEMessage::Emergency) {
            found.push(Emergency::MicE);
        }
        if self.symbol.is_some_and(|symbol| (symbol.table, symbol.code) == ('\\', '!')) {
            found.push(Emergency::Symbol);
        }
        if MARKS.iter().any(|mark| find(&text, mark).is_some()) {
            found.push(Emergency::Mark);
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DiagnosticCode, parse};

    fn read(comment: &str) -> (Option<Signal>, bool) {
        let line = format!("OE9XXX>APRS:!4722.85N/00832.46E>{comment}");
        let packet = parse(line.as_bytes()).expect(comment);
        (packet.signal(), packet.diagnostics.has(DiagnosticCode::AlteredByGateway))
    }

    #[test]
    fn gateway_figures() {
        for (text, rssi, snr) in [
            ("x SNR=+8dB RSSI=-76db", -76.0, 8.0),
            ("x rssi: -117.25dBm, snr: -3.25dB, err: -5131Hz", -117.25, -3.25),
            ("x DP_RSSI: -118 dBm DP_SNR: -17.25 dB", -118.0, -17.25),
            ("x / -121dBm / -5.5dB", -121.0, -5.5),
        ] {
            let (signal, altered) = read(text);
            let signal = signal.expect(text);
            assert_eq!((signal.rssi_dbm, signal.snr_db, altered), (Some(rssi), Some(snr), true), "{text}");
        }
        assert_eq!(read("antenna 6dB gain"), (None, false));
    }

    #[test]
    fn marks() {
        let packet = parse(b"OE9XXX>APRS:!4722.85N\\00832.46E!!EMERGENCY! !x!").expect("good");
        assert_eq!(packet.emergencies(), [Emergency::Symbol, Emergency::Mark]);
        assert!(packet.no_archive());
        let calm = parse(b"OE9XXX>APRS:!4722.85N/00832.46E>!TESTALARM!").expect("good");
        assert!(calm.emergencies().is_empty() && !calm.no_archive());
    }
}
