//! Every change, killed at every one of its calls: before the call, and within it where it writes.

use std::fs;
use std::path::{Path, PathBuf};

use nix::libc;

use crate::harness::Result;
use crate::harness::cases::{Act, Case, FOLDER, add, cases};
use crate::harness::check::{check, check_after_failure};
use crate::harness::figures::{Figures, started};
use crate::harness::operations::Outcome;
use crate::harness::oracle::{DEFAULT, Oracle};
use crate::harness::pictures::sample;
use crate::harness::program::{Server, Setup, Start, run_traced, serve};
use crate::harness::rounds::killed_soon;
use crate::harness::tracer::{Action, CHANGES, Call, Kind, Plan, Traced};

/// Chunks of the reserve are 128 writes alike; so many of its points are passed over after each.
const RESERVE_STEP: u64 = 31;

/// How many calls on from this one the next point is.
fn stride(call: &Call, step: u64) -> u64 {
    match call.file.starts_with("reserve") {
        true => RESERVE_STEP,
        false => step,
    }
}

/// All cases, killed at every `step`-th of their calls.
pub(crate) fn kills(setup: &Setup, only: &str, step: u64, figures: &mut Figures) -> Result<()> {
    prepare(setup)?;
    let chosen = cases(setup)
        .into_iter()
        .filter(|case| case.name.contains(only));
    for (case, number) in chosen.zip(0u64..) {
        let before = figures.kills_at_calls;
        let base = Base::of(setup, &case, figures)?;
        // With a step, each case begins at another point.
        let mut after = number % step;
        let named = |error| format!("{}: {error}", case.name);
        while let Some(call) = base
            .strike(Plan::at(Action::Kill, after), figures)
            .map_err(named)?
        {
            if call.kind == Kind::Write {
                base.strike(Plan::at(Action::Tear, after), figures)
                    .map_err(named)?;
            }
            after += stride(&call, step);
        }
        println!(
            "{}: killed at {} calls",
            case.name,
            figures.kills_at_calls - before
        );
    }
    Ok(())
}

/// All cases, with an error at every `step`-th of their calls, reads as well.
pub(crate) fn failures(setup: &Setup, only: &str, step: u64, figures: &mut Figures) -> Result<()> {
    prepare(setup)?;
    let chosen = cases(setup)
        .into_iter()
        .filter(|case| case.name.contains(only));
    for (case, number) in chosen.zip(0u64..) {
        let before = figures.faults;
        let base = Base::of(setup, &case, figures)?;
        let named = |error| format!("{}: {error}", case.name);
        for (errno, kinds) in FAILURES {
            let mut after = number % step;
            loop {
                let mut plan = Plan::at(Action::Fail { errno, times: 1 }, after);
                plan.kinds = kinds.to_vec();
                let Some(call) = base.strike(plan, figures).map_err(named)? else {
                    break;
                };
                after += stride(&call, step);
            }
        }
        println!("{}: {} calls failed", case.name, figures.faults - before);
    }
    Ok(())
}

/// Errors of disks, of full ones, and of a process without descriptors left.
const FAILURES: [(i32, &[Kind]); 4] = [
    (libc::EIO, &CHANGES),
    (libc::ENOSPC, &[Kind::Write, Kind::Resize, Kind::Entry]),
    (libc::EMFILE, &[Kind::Entry]),
    (libc::EIO, &[Kind::Read]),
];

/// Writes the pictures of the folder.
fn prepare(setup: &Setup) -> Result<()> {
    let pictures = setup.root.join("pictures");
    fs::create_dir_all(&pictures)?;
    for number in FOLDER {
        fs::write(
            pictures.join(format!("f{number}.png")),
            &sample(number).file,
        )?;
    }
    Ok(())
}

/// A case, and the data folder that it begins with.
struct Base<'a> {
    setup: &'a Setup,
    case: &'a Case,
    /// A copy of the folder; does not exist where it is empty.
    folder: PathBuf,
    oracle: Oracle,
}

impl<'a> Base<'a> {
    fn of(setup: &'a Setup, case: &'a Case, figures: &mut Figures) -> Result<Self> {
        let folder = setup.root.join("base");
        for folder in [&folder, &setup.data] {
            if folder.exists() {
                fs::remove_dir_all(folder)?;
            }
        }
        let mut oracle = Oracle::new();
        if !case.before.is_empty() {
            let server = started(setup, figures)?;
            for change in &case.before {
                if let Outcome::Unknown(why) = change.make(server.address, &mut oracle)? {
                    return Err(format!("before {}: {change:?}: {why}", case.name).into());
                }
            }
            match case.was_stopped {
                true => drop(server.stop()),
                false => server.kill(),
            }
            copy(&setup.data, &folder)?;
        }
        Ok(Self {
            setup,
            case,
            folder,
            oracle,
        })
    }

    /// Carries the case out with the plan, starts the server again, and checks what it has. Returns the call at
    /// which the plan acted; `None` where the case has fewer calls.
    fn strike(&self, plan: Plan, figures: &mut Figures) -> Result<Option<Call>> {
        let setup = self.setup;
        if setup.data.exists() {
            fs::remove_dir_all(&setup.data)?;
        }
        if self.folder.exists() {
            copy(&self.folder, &setup.data)?;
        }
        let told = format!("{:?} after {} calls", plan.action, plan.after);
        let is_kill = matches!(plan.action, Action::Kill | Action::Tear);
        let mut oracle = self.oracle.clone();
        let traced = act(setup, self.case, plan, &mut oracle, figures)
            .map_err(|error| format!("{told}: {error}"))?;
        let struck = traced.struck();
        let was_struck = figures.struck(&traced);
        match is_kill {
            true => figures.kills_at_calls += u64::from(was_struck),
            false => figures.faults += struck.len() as u64,
        }
        let at = struck.first().map(Call::class).unwrap_or_default();
        let wrong = |error| format!("{told}, at {at}: {error}");
        let server = started(setup, figures).map_err(wrong)?;
        let checked = check(setup, server.address, &mut oracle, usize::MAX, 0).map_err(wrong)?;
        figures.add(checked);
        server.kill();
        Ok(struck.into_iter().next())
    }
}

/// Does what is to be killed, with the plan. Returns the process, which has ended.
fn act(
    setup: &Setup,
    case: &Case,
    plan: Plan,
    oracle: &mut Oracle,
    figures: &mut Figures,
) -> Result<Traced> {
    let is_failure = matches!(plan.action, Action::Fail { .. });
    match &case.act {
        Act::Start => match serve(setup, Some(plan))? {
            Start::Ended(how, _) if is_failure && how != "exit 1" => {
                Err(format!("the start with a failing call: {how}").into())
            }
            Start::Ended(_, traced) => Ok(traced),
            Start::Serves(mut server) => {
                server.traced.signal(nix::sys::signal::Signal::SIGKILL);
                server.traced.wait();
                Ok(server.traced)
            }
        },
        Act::Stop => {
            let mut server = started(setup, figures)?;
            server.traced.arm(Some(plan));
            server.traced.signal(nix::sys::signal::Signal::SIGTERM);
            server.traced.wait();
            Ok(server.traced)
        }
        Act::Changes(changes) => {
            let mut server = started(setup, figures)?;
            server.traced.arm(Some(plan));
            for change in changes {
                let outcome = change.make(server.address, oracle)?;
                figures.change(change.name(), outcome == Outcome::Done);
                match outcome {
                    Outcome::Unknown(why) if !is_failure => {
                        if !killed_soon(&server) {
                            return Err(format!("{change:?}: {why}").into());
                        }
                        break;
                    }
                    _ => {}
                }
            }
            if is_failure {
                lives_on(&server, oracle, figures)?;
            }
            server.traced.signal(nix::sys::signal::Signal::SIGKILL);
            server.traced.wait();
            Ok(server.traced)
        }
        Act::Command(words, means) => {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let ran = run_traced(setup, &words, Some(plan))?;
            let is_done = ran.ended == "exit 0";
            if is_failure && !matches!(ran.ended.as_str(), "exit 0" | "exit 1") {
                return Err(format!("{words:?} with a failing call: {}", ran.ended).into());
            }
            if !is_done && ran.traced.struck().is_empty() {
                return Err(format!("{words:?} ended by itself: {}", ran.ended).into());
            }
            figures.change(words[0], is_done);
            means(oracle, is_done);
            Ok(ran.traced)
        }
    }
}

/// After a failing call the server goes on: it has what it acknowledged, and takes another picture.
fn lives_on(server: &Server, oracle: &mut Oracle, figures: &mut Figures) -> Result<()> {
    server.traced.arm(None);
    if server.traced.has_ended() {
        return Err("a failing call ended the server".into());
    }
    let checked = check_after_failure(server.address, oracle)
        .map_err(|error| format!("before a restart: {error}"))?;
    figures.add(checked);
    let add = add(DEFAULT, LATER);
    for _ in 0..PATIENT {
        match add.make(server.address, oracle)? {
            Outcome::Done => return Ok(()),
            // It asks its disk once a second whether there is space again.
            Outcome::Unknown(why) if why.contains("store_full") => {
                std::thread::sleep(std::time::Duration::from_millis(300));
            }
            Outcome::Unknown(why) => {
                return Err(format!("after a failing call: {add:?}: {why}").into());
            }
        }
    }
    Err("it stays full after a failing call".into())
}

/// A picture that is added after a failure.
const LATER: u64 = 30;
/// Attempts to add it while the disk counts as full.
const PATIENT: usize = 40;

/// Copies a folder with all files in it. The socket of a server that was killed means nothing elsewhere.
fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (kind, target) = (entry.file_type()?, to.join(entry.file_name()));
        if kind.is_dir() {
            copy(&entry.path(), &target)?;
        } else if kind.is_file() {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
