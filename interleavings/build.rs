//! Copies files of Resight into this crate: with shuttle's primitives in place of the real ones, smaller bounds,
//! and faults that a test switches on. Each text that is replaced must stand in its file as often as is said
//! here, so that a change of the file is noticed.

use std::fs;
use std::path::{Path, PathBuf};

/// A text of a file, how often it stands there, and what takes its place.
type Edit = (&'static str, usize, &'static str);

/// Where a fault is planted: its name, the text that it replaces, and the text with the fault.
type Fault = (&'static str, &'static str, &'static str);

struct Copied {
    /// Below `crates`.
    from: &'static str,
    /// Below `copies`.
    to: &'static str,
    edits: &'static [Edit],
    faults: &'static [Fault],
}

const PARKING_LOT: Edit = (
    "use parking_lot::{Condvar, Mutex",
    1,
    "use crate::primitives::{Condvar, Mutex",
);

const BUDGET: &[Copied] = &[Copied {
    from: "resight-decode/src/memory.rs",
    to: "budget.rs",
    edits: &[
        PARKING_LOT,
        (
            "parking_lot::MutexGuard",
            1,
            "crate::primitives::MutexGuard",
        ),
        ("crate::refused", 1, "crate::stand_ins::refused"),
    ],
    faults: &[
        (
            "a grant wakes nobody",
            "shared.wake(state);\n                return share;",
            "if FAULT { drop(state) } else { shared.wake(state) }\n                return share;",
        ),
        (
            "who fits overtakes",
            "if !is_next || ",
            "if !(is_next || FAULT) || ",
        ),
        (
            "who leaves wakes nobody",
            "self.budget.0.wake(state);\n        }\n    }\n}\n\n/// A part",
            "if FAULT { drop(state) } else { self.budget.0.wake(state) }\n        }\n    }\n}\n\n/// A part",
        ),
        (
            "one thread is woken",
            "self.returned.notify_all();",
            "if FAULT { self.returned.notify_one() } else { self.returned.notify_all() }",
        ),
        (
            "a body's bound is forgotten",
            "large + bytes <= self.large && ",
            "(FAULT || large + bytes <= self.large) && ",
        ),
        (
            "work does not leave room for a body that waits",
            "let bodies = if is_free {",
            "let bodies = if is_free || FAULT {",
        ),
        (
            "a task's waker is forgotten",
            "ticket.waker = Some(context.waker().clone());",
            "if !FAULT { ticket.waker = Some(context.waker().clone()); }",
        ),
    ],
}];

const REPLY_SLOT: &[Copied] = &[Copied {
    from: "resight-plugin/src/queue/reply_slot.rs",
    to: "reply_slot.rs",
    edits: &[
        PARKING_LOT,
        ("use crate::call::", 1, "use crate::stand_ins::call::"),
        ("use crate::error::", 1, "use crate::stand_ins::error::"),
        ("use crate::reply::", 1, "use crate::stand_ins::reply::"),
        ("use crate::worker::", 1, "use crate::stand_ins::worker::"),
    ],
    faults: &[
        (
            "a later outcome counts",
            "if matches!(inner.phase, Phase::Done(_)) {",
            "if !FAULT && matches!(inner.phase, Phase::Done(_)) {",
        ),
        (
            "a call that is sent wakes nobody",
            "Phase::Sent(_) | Phase::Done(_) => inner.waker.take(),",
            "Phase::Sent(_) if FAULT => None,\n            Phase::Sent(_) | Phase::Done(_) => inner.waker.take(),",
        ),
        (
            "a call that was sent is dropped when it is abandoned",
            "Phase::Sent(running) => Some(running),",
            "Phase::Sent(running) => (!FAULT).then_some(running),",
        ),
        (
            "the lock is left between looking and waiting",
            "            self.slot.done.wait(&mut inner);",
            "            if FAULT { drop(inner); inner = self.slot.inner.lock(); }\n            self.slot.done.wait(&mut inner);",
        ),
    ],
}];

const fn whole(from: &'static str, to: &'static str) -> Copied {
    Copied {
        from,
        to,
        edits: &[],
        faults: &[],
    }
}

const INDEX: &[Copied] = &[
    Copied {
        from: "resight-index/src/snapshot_cell.rs",
        to: "index/snapshot_cell.rs",
        edits: &[
            PARKING_LOT,
            ("use arc_swap::", 1, "use crate::primitives::"),
            ("std::thread::", 2, "shuttle::thread::"),
        ],
        faults: &[
            (
                "a change wakes nobody",
                "        self.work.notify_all();",
                "        if !FAULT { self.work.notify_all(); }",
            ),
            (
                "changes made during a step are not seen",
                "let mut writer = self.lock();\n            if writer.changes",
                "let mut writer = self.lock();\n            let changes = if FAULT { writer.changes } else { changes };\n            if writer.changes",
            ),
            (
                "who waits is not told that nothing is left",
                "writer.idle = true;\n                self.rest.notify_all();",
                "writer.idle = true;\n                if !FAULT { self.rest.notify_all(); }",
            ),
        ],
    },
    Copied {
        from: "resight-index/src/live.rs",
        to: "index/live.rs",
        edits: &[],
        faults: &[
            (
                "what is removed during a merge comes back",
                "tombstones_since(old, &now[range.clone()], new)",
                "tombstones_since(old, if FAULT { old } else { &now[range.clone()] }, new)",
            ),
            (
                "a result takes a place that is no longer there",
                "now.iter().zip(old).all(same)",
                "FAULT || now.iter().zip(old).all(same)",
            ),
        ],
    },
    Copied {
        from: "resight-index/src/maintenance.rs",
        to: "index/maintenance.rs",
        edits: &[],
        faults: &[(
            "a result is published without the lock",
            "let _writer = cell.lock();",
            "let _writer = (!FAULT).then(|| cell.lock());",
        )],
    },
    Copied {
        from: "resight-index/src/index.rs",
        to: "index/index.rs",
        edits: &[],
        faults: &[(
            "an addition is made of an earlier snapshot",
            "let writer = self.maintained.cell.lock();\n        let before = self.snapshot();\n        let last_keys",
            "let early = self.snapshot();\n        let writer = self.maintained.cell.lock();\n        let before = if FAULT { early } else { self.snapshot() };\n        let last_keys",
        )],
    },
    // Few pictures are enough for merges in the background and for full segments.
    Copied {
        from: "resight-index/src/merge_policy.rs",
        to: "index/merge_policy.rs",
        edits: &[(
            "const TAIL_PICTURES: usize = 1024;",
            1,
            "const TAIL_PICTURES: usize = 4;",
        )],
        faults: &[],
    },
    Copied {
        from: "resight-index/src/segment.rs",
        to: "index/segment.rs",
        edits: &[(
            "const MAX_PICTURES: usize = 1 << 16;",
            1,
            "const MAX_PICTURES: usize = 24;",
        )],
        faults: &[],
    },
    whole(
        "resight-index/src/segment/builder.rs",
        "index/segment/builder.rs",
    ),
    whole("resight-index/src/file_header.rs", "index/file_header.rs"),
    whole("resight-index/src/folder.rs", "index/folder.rs"),
    whole("resight-index/src/frequencies.rs", "index/frequencies.rs"),
    whole("resight-index/src/mapped.rs", "index/mapped.rs"),
    whole("resight-index/src/merge.rs", "index/merge.rs"),
    whole(
        "resight-index/src/picture_words.rs",
        "index/picture_words.rs",
    ),
    whole("resight-index/src/segment_file.rs", "index/segment_file.rs"),
    whole("resight-index/src/snapshot.rs", "index/snapshot.rs"),
];

fn main() {
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets it")).join("copies");
    println!("cargo::rerun-if-changed=build.rs");
    for copied in BUDGET.iter().chain(REPLY_SLOT) {
        copy(copied, &out, "crate::");
    }
    let mut modules = String::new();
    for copied in INDEX {
        copy(copied, &out, "crate::copies::index::");
        let name = copied
            .to
            .trim_start_matches("index/")
            .trim_end_matches(".rs");
        if !name.contains('/') {
            modules.push_str(&format!("pub(crate) mod {name};\n"));
        }
    }
    modules.push_str("pub(crate) use crate::stand_ins::index::*;\n");
    write(&out.join("index/mod.rs"), &modules);
    write(
        &out.join("mod.rs"),
        "pub(crate) mod budget;\npub(crate) mod index;\npub(crate) mod reply_slot;\n",
    );
}

fn copy(copied: &Copied, out: &Path, root: &str) {
    let path = Path::new("../crates").join(copied.from);
    println!("cargo::rerun-if-changed={}", path.display());
    let whole = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    // The files' own tests stand at their ends, and are run where they belong.
    let code = whole.split("#[cfg(test)]\nmod tests").next();
    let mut text = code.unwrap_or_default().to_owned();
    let mut replace = |from: &str, times: usize, to: &str| {
        let found = text.matches(from).count();
        assert!(
            found == times,
            "{} has {found} times and not {times} what build.rs replaces there:\n{from}",
            path.display()
        );
        text = text.replace(from, to);
    };
    for (name, from, with_fault) in copied.faults {
        let switch = format!("crate::faults::is_on({name:?})");
        replace(from, 1, &with_fault.replace("FAULT", &switch));
    }
    for (from, times, to) in copied.edits {
        replace(from, *times, to);
    }
    text = text.replace("#[cfg(test)]", "#[cfg(any())]");
    if root != "crate::" {
        text = text.replace("crate::", root);
        // What the edits and the switches name is not of the copy.
        for own in ["primitives", "faults"] {
            text = text.replace(&format!("{root}{own}"), &format!("crate::{own}"));
        }
    }
    write(&out.join(copied.to), &text);
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("it is below the folder")).expect("a folder");
    fs::write(path, text).expect("a file");
}
