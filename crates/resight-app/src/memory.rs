//! How much memory decoders may use by default: what the machine has, and the limits of this process.

use std::fs;

/// Where nothing is known.
const UNKNOWN: u64 = 4 << 30;
/// Enough for a picture of some megapixels.
const LEAST: u64 = 64 << 20;

/// Half of the memory that this process can have: the rest is for the index, for pictures that are decoded,
/// and for other programs.
pub(crate) fn for_decoding() -> u64 {
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

/// The limit of the control group, as a container has it.
fn container() -> Option<u64> {
    let limit = fs::read_to_string("/sys/fs/cgroup/memory.max");
    // Without a limit it is no number.
    limit.ok()?.trim().parse().ok()
}

/// What is left of the limit on the address space (`ulimit -v`), where there is one.
fn address_space() -> Option<u64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max address space"))?;
    let limit: u64 = line.split_whitespace().next()?.parse().ok()?;
    let used = kib(&fs::read_to_string("/proc/self/status").ok()?, "VmSize:");
    Some(limit.saturating_sub(used.unwrap_or(0)))
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
}
