//! WebSocket frames (RFC 6455, section 5). What clients send is read byte by byte as it comes, without I/O; what we send
//! is a header before pieces that are shared.
//!
//! Bound: a client's message is at most [`Viewer::MOST_BYTES`], in however many frames.

use bytes::Bytes;
use godwit_live::Viewer;

/// What a client sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// A text; whether it is UTF-8 is for the reader to find out.
    Text(Vec<u8>),
    /// To be answered with the same bytes.
    Ping(Vec<u8>),
    /// It goes.
    Close,
}

/// Why a client is closed: a code of section 7.4 and a reason.
pub(super) type Fault = (u16, &'static str);

const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// Bytes of a client not yet read to the end of a frame, and the text of a message not yet at its end.
#[derive(Debug, Default)]
pub(super) struct Incoming {
    bytes: Vec<u8>,
    text: Option<Vec<u8>>,
}

impl Incoming {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next thing said, once it is there as a whole.
    pub(super) fn next(&mut self) -> Result<Option<Said>, Fault> {
        while let Some((end, opcode, payload)) = frame(&self.bytes)? {
            self.bytes.drain(..end);
            if self.bytes.is_empty() {
                // Nothing is held for a viewer that says nothing.
                self.bytes = Vec::new();
            }
            let last = opcode & 0x80 != 0;
            match (opcode & 0x0f, self.text.take()) {
                (CLOSE, _) => return Ok(Some(Said::Close)),
                (PING, text) => {
                    self.text = text;
                    return Ok(Some(Said::Ping(payload)));
                }
                (PONG, text) => self.text = text,
                (BINARY, None) => return Err((1003, "send JSON texts")),
                (TEXT, None) if last => return Ok(Some(Said::Text(payload))),
                (TEXT, None) => self.text = Some(payload),
                (CONTINUATION, Some(mut text)) => {
                    text.extend_from_slice(&payload);
                    if text.len() > Viewer::MOST_BYTES {
                        return Err(LONG);
                    }
                    if last {
                        return Ok(Some(Said::Text(text)));
                    }
                    self.text = Some(text);
                }
                _ => return Err((1002, "frames out of order")),
            }
        }
        Ok(None)
    }
}

const LONG: Fault = (1008, "the text is over 8192 bytes");

/// The first frame: where it ends, its first byte and its payload. `None` while it is not there as a whole.
fn frame(bytes: &[u8]) -> Result<Option<(usize, u8, Vec<u8>)>, Fault> {
    let &[first, second, ref rest @ ..] = bytes else {
        return Ok(None);
    };
    if first & 0x70 != 0 {
        return Err((1002, "no extension was agreed on"));
    }
    if second & 0x80 == 0 {
        return Err((1002, "a client masks its frames"));
    }
    let short = usize::from(second & 0x7f);
    if first & 0x08 != 0 && (short > 125 || first & 0x80 == 0) {
        return Err((1002, "a control frame is short and whole"));
    }
    let (length, rest) = match (short, rest) {
        (127, _) => return Err(LONG),
        (126, &[high, low, ref rest @ ..]) => (usize::from(u16::from_be_bytes([high, low])), rest),
        (126, _) => return Ok(None),
        _ => (short, rest),
    };
    if length > Viewer::MOST_BYTES {
        return Err(LONG);
    }
    let Some((mask, rest)) = rest.split_first_chunk::<4>() else {
        return Ok(None);
    };
    let Some(masked) = rest.get(..length) else {
        return Ok(None);
    };
    let payload = masked.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
    Ok(Some((bytes.len() - rest.len() + length, first, payload)))
}

/// The header of a binary message of so many bytes.
pub(super) fn binary(length: usize) -> Bytes {
    header(BINARY, length)
}

/// A whole pong.
pub(super) fn pong(payload: &[u8]) -> Bytes {
    [&header(PONG, payload.len())[..], payload].concat().into()
}

/// A whole close frame; the reason is cut to what fits.
pub(super) fn close(code: u16, reason: &str) -> Bytes {
    let mut end = reason.len().min(120);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    [&header(CLOSE, end + 2)[..], &code.to_be_bytes(), &reason.as_bytes()[..end]].concat().into()
}

fn header(opcode: u8, length: usize) -> Bytes {
    let first = 0x80 | opcode;
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(length @ ..=125), _) => vec![first, length],
        (_, Ok(length)) => [&[first, 126][..], &length.to_be_bytes()].concat(),
        _ => [&[first, 127][..], &(length as u64).to_be_bytes()].concat(),
    }
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
        let mask = [1, 2, 3, 250];
        let mut out = header(first & 0x0f, payload.len()).to_vec();
        out[0] = first;
        out[1] |= 0x80;
        out.extend_from_slice(&mask);
        out.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        out
    }

    fn all(incoming: &mut Incoming) -> Result<Vec<Said>, Fault> {
        let mut said = Vec::new();
        while let Some(one) = incoming.next()? {
            said.push(one);
        }
        Ok(said)
    }

    #[test]
    fn messages_are_the_same_however_the_bytes_come() {
        let long = vec![b'x'; 8192];
        let stream = [
            masked(0x81, b"first"),
            masked(0x01, b"in "),
            masked(0x89, b"are you there"),
            masked(0x00, b"three "),
            masked(0x8a, b""),
            masked(0x80, b"parts"),
            masked(0x81, &long),
            masked(0x81, b""),
            masked(0x88, &[3, 232]),
        ]
        .concat();
        let expected = [
            Said::Text(b"first".to_vec()),
            Said::Ping(b"are you there".to_vec()),
            Said::Text(b"in three parts".to_vec()),
            Said::Text(long),
            Said::Text(Vec::new()),
            Said::Close,
        ];
        for step in [1, 2, 7, 1000, stream.len()] {
            let mut incoming = Incoming::default();
            let mut said = Vec::new();
            for bytes in stream.chunks(step) {
                incoming.push(bytes);
                said.extend(all(&mut incoming).expect("no fault"));
            }
            assert_eq!(said, expected, "in steps of {step}");
            assert_eq!(incoming.bytes.capacity(), 0, "nothing is kept");
        }
    }

    #[test]
    fn what_a_client_must_not_send_closes_it() {
        let fault = |bytes: &[u8]| {
            let mut incoming = Incoming::default();
            incoming.push(bytes);
            all(&mut incoming).expect_err("a fault").0
        };
        assert_eq!(fault(&[0x81, 1, b'x']), 1002, "not masked");
        assert_eq!(fault(&masked(0xc1, b"x")), 1002, "compressed without agreement");
        assert_eq!(fault(&masked(0x82, b"x")), 1003, "binary");
        assert_eq!(fault(&masked(0x83, b"x")), 1002, "unknown kind");
        assert_eq!(fault(&masked(0x80, b"x")), 1002, "continues nothing");
        assert_eq!(fault(&[masked(0x01, b"x"), masked(0x81, b"y")].concat()), 1002, "a message within a message");
        assert_eq!(fault(&masked(0x09, b"x")), 1002, "a ping in parts");
        assert_eq!(fault(&masked(0x89, &[0; 126])), 1002, "a long ping");
        assert_eq!(fault(&masked(0x81, &[b'x'; 8193])), 1008);
        assert_eq!(fault(&[0x81, 0xff, 0, 0, 0, 0, 0, 0, 0, 1]), 1008, "64 bits of length");
        assert_eq!(fault(&[masked(0x01, &[b'x'; 8000]), masked(0x00, &[b'x'; 8000])].concat()), 1008);
    }

    #[test]
    fn headers_have_the_shortest_form() {
        assert_eq!(&binary(125)[..], [0x82, 125]);
        assert_eq!(&binary(126)[..], [0x82, 126, 0, 126]);
        assert_eq!(&binary(65_535)[..], [0x82, 126, 255, 255]);
        assert_eq!(&binary(65_536)[..], [0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
        assert_eq!(&close(1001, "going")[..], [&[0x88, 7, 3, 233][..], b"going"].concat());
        assert_eq!(close(1008, &"é".repeat(100)).len(), 124, "cut between characters");
        assert_eq!(&pong(b"x")[..], [0x8a, 1, b'x']);
    }
}
