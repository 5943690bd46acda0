//! APRS packets: bytes to typed values, with a reason for every byte, and back.
