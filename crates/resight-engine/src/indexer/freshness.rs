//! Whether a file is as it was when it was read, as far as the system tells without reading it.

use std::fs::Metadata;
use std::time::UNIX_EPOCH;

use resight_store::SourceFile;

/// The facts of a file that change with its content.
pub(super) fn source_of(path: String, metadata: &Metadata) -> SourceFile {
    let modified = metadata.modified().ok();
    let modified = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let (changed_ns, file_number) = identity(metadata);
    SourceFile {
        path,
        byte_len: metadata.len(),
        modified_ns: modified.map_or(0, |d| d.as_nanos() as i64),
        changed_ns,
        file_number,
    }
}

#[cfg(unix)]
fn identity(metadata: &Metadata) -> (Option<i64>, Option<u64>) {
    use std::os::unix::fs::MetadataExt;

    let seconds = metadata.ctime().checked_mul(1_000_000_000);
    let changed = seconds.and_then(|ns| ns.checked_add(metadata.ctime_nsec()));
    (changed, Some(metadata.ino()))
}

#[cfg(not(unix))]
fn identity(_: &Metadata) -> (Option<i64>, Option<u64>) {
    (None, None)
}

/// A file beside what is recorded of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Freshness {
    /// As it was.
    Same,
    /// As it was, as far as an earlier version recorded it.
    SameToRecord,
    /// Its bytes must be compared: something of it has changed.
    Changed,
}

/// Compares what was recorded with what is there now.
///
/// Programs set the length and the time of modification of a file back to what they were; none sets its time of
/// change. That one changes with a file's rights and links as well, so a file of another time is not taken for
/// another file: its bytes tell. File systems that keep no such time tell the time of modification in its place.
/// They also give files other numbers each time they are mounted, so there the number tells nothing.
pub(super) fn compare(before: &SourceFile, now: &SourceFile) -> Freshness {
    if (before.byte_len, before.modified_ns) != (now.byte_len, now.modified_ns) {
        return Freshness::Changed;
    }
    match (before.changed_ns, now.changed_ns) {
        (None, Some(_)) => Freshness::SameToRecord,
        (Some(before), Some(now)) if before != now => Freshness::Changed,
        (Some(changed), Some(_))
            if changed != now.modified_ns && before.file_number != now.file_number =>
        {
            Freshness::Changed
        }
        _ => Freshness::Same,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_of_length_times_or_number_is_noticed() {
        let file = SourceFile {
            path: "/a".into(),
            byte_len: 3,
            modified_ns: 7,
            changed_ns: Some(9),
            file_number: Some(5),
        };
        let with = |change: fn(&mut SourceFile)| {
            let mut changed = file.clone();
            change(&mut changed);
            changed
        };
        assert_eq!(compare(&file, &file), Freshness::Same);
        let changes: [fn(&mut SourceFile); 4] = [
            |file| file.byte_len = 4,
            |file| file.modified_ns = 8,
            |file| file.changed_ns = Some(10),
            |file| file.file_number = Some(6),
        ];
        for change in changes {
            assert_eq!(compare(&file, &with(change)), Freshness::Changed);
        }
        let earlier = with(|file| (file.changed_ns, file.file_number) = (None, None));
        assert_eq!(compare(&earlier, &file), Freshness::SameToRecord);
        assert_eq!(compare(&earlier, &earlier), Freshness::Same);
        // The record comes from a system that tells more.
        assert_eq!(compare(&file, &earlier), Freshness::Same);
        // A file system without a time of change of its own.
        let mounted = with(|file| file.changed_ns = Some(7));
        let again = SourceFile {
            file_number: Some(6),
            ..mounted.clone()
        };
        assert_eq!(compare(&mounted, &again), Freshness::Same);
    }
}
