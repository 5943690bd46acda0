//! What every stage needs to move and to wait: bounded queues, clock, back-off, stop.
