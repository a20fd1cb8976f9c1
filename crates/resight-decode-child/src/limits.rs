//! What the system lets a child have. The parent sets it from outside, before each picture.

use std::fs;
use std::process::Child;
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};

/// What a process has used so far.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Used {
    pub(crate) processor: Duration,
    pub(crate) address_space: u64,
}

impl Used {
    /// That of a child; `None` where the system does not say.
    pub(crate) fn of(child: &Child) -> Option<Self> {
        let text = fs::read_to_string(format!("/proc/{}/stat", child.id())).ok()?;
        Self::read(&text, rustix::param::clock_ticks_per_second())
    }

    /// From the line that the system gives.
    fn read(text: &str, ticks_per_second: u64) -> Option<Self> {
        // The name, in brackets, may hold anything.
        let (_, rest) = text.rsplit_once(") ")?;
        let mut fields = rest.split_ascii_whitespace().skip(11);
        let mut number = || fields.next()?.parse::<u64>().ok();
        let ticks = number()?.checked_add(number()?)?;
        let mut fields = rest.split_ascii_whitespace().skip(20);
        let address_space = fields.next()?.parse().ok()?;
        Some(Self {
            processor: Duration::from_secs(ticks.div_ceil(ticks_per_second.max(1))),
            address_space,
        })
    }
}

/// Limits of one picture.
pub(crate) struct Bounds {
    pub(crate) processor: Duration,
    /// What may be mapped in all.
    pub(crate) address_space: u64,
    /// Longest file that may be written: the shared memory.
    pub(crate) file: u64,
}

/// Sets the limits of a child; `false` where the system refuses one of them.
pub(crate) fn set(child: &Child, bounds: &Bounds) -> bool {
    let pid = Pid::from_child(child);
    let all = [
        (Resource::Cpu, bounds.processor.as_secs()),
        (Resource::As, bounds.address_space),
        (Resource::Fsize, bounds.file),
    ];
    all.into_iter().all(|(resource, most)| {
        // A limit of our own, such as that of `ulimit -v`, stays where it is lower.
        let own = getrlimit(resource).maximum;
        let limit = Rlimit {
            current: Some(own.map_or(most, |own| most.min(own))),
            maximum: own,
        };
        prlimit(Some(pid), resource, limit).is_ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_a_process_is_read_whatever_its_name_is() {
        let line = "12 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 150 51 0 0 20 0 1 0 99 4096000 300 18";
        let used = Used::read(line, 100).unwrap();
        assert_eq!(used.processor, Duration::from_secs(3));
        assert_eq!(used.address_space, 4_096_000);
        assert!(Used::read("12 (a) S 1", 100).is_none());
    }

    #[test]
    fn a_process_has_used_something_and_is_bounded() {
        let mut child = std::process::Command::new("sleep")
            .arg("1000")
            .spawn()
            .unwrap();
        let used = Used::of(&child).unwrap();
        assert!(used.address_space > 0);
        let bounds = Bounds {
            processor: Duration::from_secs(7),
            address_space: 1 << 30,
            file: 4096,
        };
        let is_set = set(&child, &bounds);
        let text = fs::read_to_string(format!("/proc/{}/limits", child.id())).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(is_set);
        let line = |name: &str| text.lines().find(|line| line.starts_with(name)).unwrap();
        assert!(line("Max cpu time").contains(" 7 "), "{text}");
        assert!(line("Max address space").contains(" 1073741824 "), "{text}");
        assert!(line("Max file size").contains(" 4096 "), "{text}");
    }
}
