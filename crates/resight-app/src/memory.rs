//! The default budget of memory: by what the machine has, and the limits of this process.

use std::fs;
use std::path::{Path, PathBuf};

/// Where nothing is known.
const UNKNOWN: u64 = 4 << 30;
/// Enough for a picture of some megapixels beside bodies and caches.
const LEAST: u64 = 256 << 20;

/// Address space that the threads of a server take which are not there yet: allocators reserve it for each.
const THREADS: u64 = 256 << 20;

/// Half of the memory that this process can have: the rest is for the index, for pictures that are decoded,
/// and for other programs.
pub(crate) fn budget() -> u64 {
    half_of_the_least(&[machine(), container(), address_space()])
}

fn half_of_the_least(bounds: &[Option<u64>]) -> u64 {
    let least = bounds.iter().flatten().min();
    least.map_or(UNKNOWN, |bytes| (bytes / 2).max(LEAST))
}

/// The machine's memory.
fn machine() -> Option<u64> {
    kib(&fs::read_to_string("/proc/meminfo").ok()?, "MemTotal:")
}

/// The tightest limit of the control groups that this process is in, as a container or a service has it.
fn container() -> Option<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let limits = limit_files(&groups).into_iter().filter_map(|file| {
        let limit = fs::read_to_string(file);
        // Without a limit it is no number.
        limit.ok()?.trim().parse().ok()
    });
    limits.min()
}

/// The files that may have a limit, by the lines of `/proc/self/cgroup`: of each group and of those that it
/// is in. Inside a container the groups outside are not there.
fn limit_files(groups: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for line in groups.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else {
            continue;
        };
        let (root, name) = match controllers {
            "" => ("/sys/fs/cgroup", "memory.max"),
            _ if controllers.split(',').any(|c| c == "memory") => {
                ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
            }
            _ => continue,
        };
        let path = Path::new(path.trim_start_matches('/'));
        files.extend(
            path.ancestors()
                .map(|group| Path::new(root).join(group).join(name)),
        );
    }
    files
}

/// The limit on the address space of this process in bytes (`ulimit -v`), where there is one.
pub fn address_space_limit() -> Option<u64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max address space"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// What is left of it.
fn address_space() -> Option<u64> {
    let limit = address_space_limit()?;
    let used = kib(&fs::read_to_string("/proc/self/status").ok()?, "VmSize:");
    let taken = used.unwrap_or(0).saturating_add(THREADS);
    Some(limit.saturating_sub(taken))
}

/// The number of KiB on the line that begins with `name`, in bytes.
fn kib(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let number: u64 = line.split_whitespace().next()?.parse().ok()?;
    number.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tightest_bound_counts() {
        let gib = |n: u64| Some(n << 30);
        for (bounds, bytes) in [
            ([gib(16), None, None], 8 << 30),
            ([gib(16), gib(2), None], 1 << 30),
            ([gib(16), gib(8), gib(1)], 512 << 20),
            ([gib(16), Some(5), None], LEAST),
            ([None, None, None], UNKNOWN),
        ] {
            assert_eq!(half_of_the_least(&bounds), bytes, "{bounds:?}");
        }
        let text = "MemTotal:        2097152 kB\nMemFree: 5 kB\n";
        assert_eq!(kib(text, "MemTotal:"), gib(2));
        assert_eq!(kib(text, "VmSize:"), None);
    }

    #[test]
    fn limits_are_looked_for_in_all_groups_around_this_process() {
        let files = limit_files("12:cpu,memory:/a\n3:cpu:/b\n0::/user.slice/x.service\n");
        let wanted = [
            "/sys/fs/cgroup/memory/a/memory.limit_in_bytes",
            "/sys/fs/cgroup/memory/memory.limit_in_bytes",
            "/sys/fs/cgroup/user.slice/x.service/memory.max",
            "/sys/fs/cgroup/user.slice/memory.max",
            "/sys/fs/cgroup/memory.max",
        ];
        assert_eq!(files, wanted.map(PathBuf::from));
        assert!(limit_files("").is_empty() && limit_files("nothing").is_empty());
    }
}
