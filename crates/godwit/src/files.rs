//! Open files: each connection is one, and strangers must leave enough of them for all else.

use rlimit::Resource;

/// Files kept back for all but the public address: the store and its readers, the feed, the database, jobs, and
/// [`OPERATORS`].
const OTHERS: u64 = 512;

/// Connections to the operators' address.
pub(crate) const OPERATORS: u32 = 32;

/// For what there is room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Room {
    /// Connections to the public address, those of viewers among them.
    pub(crate) connections: u32,
    /// Viewers.
    pub(crate) viewers: u32,
}

/// Raises the limit of open files to what the system allows and returns for what there is room, at most what is wanted.
/// Says so when it is less.
pub(crate) fn room(wanted: Room) -> Room {
    let files = match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(files) => files,
        Err(error) => {
            tracing::warn!(%error, "the limit of open files cannot be raised");
            Resource::NOFILE.get_soft().unwrap_or(u64::MAX)
        }
    };
    let room = room_of(files, wanted);
    if room.connections < wanted.connections {
        tracing::warn!(
            "only {files} files may be open, which is room for {} connections and {} viewers and not for max-connections = {} and \
             max-viewers = {}: more are turned away. Raise LimitNOFILE in the systemd unit (ulimit -Hn in a shell) to {}, or lower \
             max-viewers and max-connections",
            room.connections,
            room.viewers,
            wanted.connections,
            wanted.viewers,
            u64::from(wanted.connections) + OTHERS
        );
    }
    room
}

/// Where files are very few, half of them are for the public. An eighth of its connections is not for viewers, so that
/// pages and API answer while all viewers' places are taken.
fn room_of(files: u64, wanted: Room) -> Room {
    let left = files - OTHERS.min(files / 2);
    let connections = u32::try_from(left).map_or(wanted.connections, |left| left.min(wanted.connections));
    Room { connections, viewers: wanted.viewers.min(connections - connections / 8) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_takes_what_the_others_leave() {
        let room = |files, connections, viewers| {
            let room = room_of(files, Room { connections, viewers });
            (room.connections, room.viewers)
        };
        assert_eq!(room(1_048_576, 24_000, 20_000), (24_000, 20_000));
        assert_eq!(room(u64::MAX, 24_000, 20_000), (24_000, 20_000));
        assert_eq!(room(20_000, 24_000, 20_000), (19_488, 17_052));
        assert_eq!(room(1024, 24_000, 20_000), (512, 448));
        assert_eq!(room(400, 24_000, 20_000), (200, 175));
        assert_eq!(room(1024, 400, 100), (400, 100));
    }

    #[test]
    fn the_soft_limit_is_raised_to_the_hard_one() {
        let (_, hard) = Resource::NOFILE.get().expect("a limit");
        Resource::NOFILE.set(hard.min(256), hard).expect("a lower one is allowed");
        room(Room { connections: 100, viewers: 100 });
        assert_eq!(Resource::NOFILE.get_soft().expect("a limit"), hard);
    }
}
