//! Open files: each viewer's connection is one, and a system that gives too few must not end in refused connections.

use rlimit::Resource;

/// Files for all else: the store and its readers, the feed, the database, those who ask over HTTP.
const OTHERS: u64 = 512;

/// Raises the limit of open files to what the system allows and returns for how many viewers there is room, at most
/// `wanted`. Says so when it is fewer.
pub(crate) fn room_for_viewers(wanted: u32) -> u32 {
    let files = match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(files) => files,
        Err(error) => {
            tracing::warn!(%error, "the limit of open files cannot be raised");
            Resource::NOFILE.get_soft().unwrap_or(u64::MAX)
        }
    };
    let room = room(files, wanted);
    if room < wanted {
        tracing::warn!(
            "only {files} files may be open, which is room for {room} viewers and not for max-viewers = {wanted}: more are turned away. \
             Raise LimitNOFILE in the systemd unit (ulimit -Hn in a shell) to {}, or lower max-viewers",
            u64::from(wanted) + OTHERS
        );
    }
    room
}

/// Where files are very few, half of them are for viewers.
fn room(files: u64, wanted: u32) -> u32 {
    u32::try_from(files - OTHERS.min(files / 2)).map_or(wanted, |room| room.min(wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn viewers_take_what_the_others_leave() {
        assert_eq!(room(1_048_576, 20_000), 20_000);
        assert_eq!(room(u64::MAX, 20_000), 20_000);
        assert_eq!(room(20_000, 20_000), 19_488);
        assert_eq!(room(1024, 20_000), 512);
        assert_eq!(room(256, 20_000), 128);
        assert_eq!(room(1024, 100), 100);
    }

    #[test]
    fn the_soft_limit_is_raised_to_the_hard_one() {
        let (_, hard) = Resource::NOFILE.get().expect("a limit");
        Resource::NOFILE.set(hard.min(256), hard).expect("a lower one is allowed");
        room_for_viewers(100);
        assert_eq!(Resource::NOFILE.get_soft().expect("a limit"), hard);
    }
}
