//! Lines in: the APRS-IS client and the file feed.
