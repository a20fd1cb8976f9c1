//! Memory and descendants of workers, read from `/proc`. Only Linux has it.

use std::fs;

use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};

/// The environment variable that marks a worker and its descendants.
pub(crate) const TOKEN: &str = "RESIGHT_PLUGIN_WORKER";

/// Memory and processes of a worker's process group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// Resident bytes, summed: memory that processes share counts once for each.
    pub(crate) resident: u64,
    pub(crate) processes: usize,
}

/// Usage of the group led by `pid`. Reads a single process where it has no children.
pub(crate) fn usage(pid: i32) -> Usage {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    let members = match children {
        Ok(text) if text.trim().is_empty() => vec![pid],
        _ => group(pid),
    };
    Usage {
        resident: members.iter().map(|p| resident(*p)).sum(),
        processes: members.len(),
    }
}

/// Resident bytes of the group, each shared page counted once. Slower than [`usage`].
pub(crate) fn proportional(pid: i32) -> Option<u64> {
    let of = |pid: i32| {
        let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
        let line = text.lines().find_map(|l| l.strip_prefix("Pss:"))?;
        line.trim().trim_end_matches(" kB").parse::<u64>().ok()
    };
    let members = group(pid);
    Some(members.into_iter().filter_map(of).sum::<u64>() * 1024).filter(|n| *n > 0)
}

fn resident(pid: i32) -> u64 {
    fs::read_to_string(format!("/proc/{pid}/statm"))
        .ok()
        .and_then(|text| text.split(' ').nth(1)?.parse::<u64>().ok())
        .map_or(0, |pages| pages * rustix::param::page_size() as u64)
}

fn all() -> impl Iterator<Item = i32> {
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|e| e.file_name().to_str()?.parse().ok())
}

/// All processes of the group led by `leader`.
pub(crate) fn group(leader: i32) -> Vec<i32> {
    all()
        .filter(|pid| {
            group_of(&fs::read(format!("/proc/{pid}/stat")).unwrap_or_default()) == Some(leader)
        })
        .collect()
}

/// The fifth field of `/proc/PID/stat`. The second, the name, may contain brackets.
fn group_of(stat: &[u8]) -> Option<i32> {
    let after = stat.iter().rposition(|b| *b == b')')? + 1;
    let text = std::str::from_utf8(stat.get(after..)?).ok()?;
    text.split_ascii_whitespace().nth(2)?.parse().ok()
}

/// Kills every process that carries `token`, whatever its group. Where the server is process 1, also
/// reaps these and `group`, which became its children.
pub(crate) fn sweep(token: &str, group: &[i32]) {
    let wanted = format!("{TOKEN}={token}");
    let mut found = group.to_vec();
    let mut rounds_without = 0;
    for _ in 0..20 {
        let escaped: Vec<i32> = all()
            .filter(|pid| {
                fs::read(format!("/proc/{pid}/environ"))
                    .is_ok_and(|e| e.split(|b| *b == 0).any(|v| v == wanted.as_bytes()))
            })
            .collect();
        // During `exec` a process has no environment for an instant, so one empty round is not enough.
        rounds_without = if escaped.is_empty() {
            rounds_without + 1
        } else {
            0
        };
        if rounds_without == 2 {
            break;
        }
        for pid in &escaped {
            if let Some(pid) = Pid::from_raw(*pid) {
                let _gone = kill_process(pid, Signal::KILL);
            }
        }
        found.extend(escaped);
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    if std::process::id() == 1 {
        for pid in found.into_iter().filter_map(Pid::from_raw) {
            let _not_ours = waitpid(Some(pid), WaitOptions::NOHANG);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_group_is_found_behind_any_name() {
        assert_eq!(group_of(b"12 (a) b)) S 1 77 77 0"), Some(77));
        assert_eq!(group_of(b""), None);
        assert_eq!(group_of(b"12 (a"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_that_left_its_group_is_found_by_its_token() {
        use std::os::unix::process::CommandExt;
        let token = format!("test-{}", std::process::id());
        let mut child = std::process::Command::new("sleep")
            .arg("100")
            .env(TOKEN, &token)
            .process_group(0)
            .spawn()
            .unwrap();
        let pid = child.id() as i32;
        assert_eq!(usage(pid).processes, 1);
        assert!(group(pid).contains(&pid));
        while fs::read(format!("/proc/{pid}/environ")).unwrap().is_empty() {
            std::thread::yield_now();
        }
        sweep(&token, &[]);
        use std::os::unix::process::ExitStatusExt;
        assert_eq!(child.wait().unwrap().signal(), Some(9));
    }
}
