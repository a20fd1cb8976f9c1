//! Random rounds: a server is started on what the round before left, compared with the oracle, changed, and
//! killed, at a system call or at any instant.

use std::time::Duration;

use nix::libc;
use nix::sys::signal::Signal;
use resight_test_support::Random;

use crate::harness::Result;
use crate::harness::check::check;
use crate::harness::figures::{Figures, started};
use crate::harness::folders::Folder;
use crate::harness::operations::{Change, Outcome};
use crate::harness::oracle::Oracle;
use crate::harness::program::{Server, Setup, Start, serve};
use crate::harness::tracer::{Action, CHANGES, Disk, Kind, Plan};

/// Pictures searched for in each collection after each start.
const SEARCHED: usize = 3;
/// Changes in a round, at most.
const CHANGES_A_ROUND: usize = 14;
/// Errors that calls are made to fail with.
const ERRORS: [i32; 5] = [
    libc::EIO,
    libc::ENOSPC,
    libc::EMFILE,
    libc::EACCES,
    libc::EROFS,
];

/// One sequence of rounds on one data folder.
pub(crate) struct Rounds<'a> {
    setup: &'a Setup,
    random: Random,
    oracle: Oracle,
    figures: &'a mut Figures,
    folder: Folder,
    turn: usize,
    /// What the last rounds did, for the report of a failure.
    story: Vec<String>,
}

/// Lines of a story that are told.
const TOLD: usize = 30;

impl<'a> Rounds<'a> {
    pub(crate) fn new(setup: &'a Setup, seed: u64, figures: &'a mut Figures) -> Self {
        Self {
            setup,
            random: Random::new(seed),
            oracle: Oracle::new(),
            figures,
            folder: Folder::new(setup),
            turn: 0,
            story: Vec::new(),
        }
    }

    /// One round.
    pub(crate) fn round(&mut self) -> Result<()> {
        self.story.push(format!("round {}", self.turn));
        let done = self.kill_and_compare();
        done.map_err(|error| {
            let from = self.story.len().saturating_sub(TOLD);
            format!("{error}; before it:\n  {}", self.story[from..].join("\n  ")).into()
        })
    }

    fn kill_and_compare(&mut self) -> Result<()> {
        self.figures.rounds += 1;
        self.turn += 1;
        match self.random.below(10) {
            0 => self.killed_start()?,
            1 | 2 => {
                let plan = self.plan(60);
                self.story.push(format!("index with {plan:?}"));
                let Self {
                    setup,
                    folder,
                    oracle,
                    random,
                    figures,
                    ..
                } = self;
                folder.index(setup, oracle, random, figures, Some(plan))?;
            }
            _ => {}
        }
        let mut server = self.start()?;
        let is_cut = self.random.below(3) == 0;
        if is_cut {
            // All that the starts and the checks have left is on the disk.
            server.traced.watch_disk(&self.setup.data)?;
        }
        let disk = self.changes(&mut server)?;
        if is_cut {
            self.cut_power(disk)?;
        }
        Ok(())
    }

    /// Replaces the data folder by what a power cut leaves of it.
    fn cut_power(&mut self, disk: Option<Disk>) -> Result<()> {
        let mut disk = disk.ok_or("nothing watched the disk")?;
        let cut = self.setup.root.join("cut");
        disk.cut(&mut self.random, &cut)?;
        std::fs::remove_dir_all(&self.setup.data)?;
        std::fs::rename(&cut, &self.setup.data)?;
        self.story.push("the power was cut".into());
        self.figures.power_cuts += 1;
        Ok(())
    }

    /// Starts the server, which must serve, and compares what it has.
    fn start(&mut self) -> Result<Box<Server>> {
        let server = started(self.setup, self.figures)?;
        let checked = check(
            self.setup,
            server.address,
            &mut self.oracle,
            SEARCHED,
            self.turn,
        )?;
        self.figures.add(checked);
        Ok(server)
    }

    /// Kills the server while it starts.
    fn killed_start(&mut self) -> Result<()> {
        let plan = self.plan(12);
        self.story.push(format!("start with {plan:?}"));
        match serve(self.setup, Some(plan))? {
            Start::Serves(server) => server.kill(),
            Start::Ended(how, traced) => {
                if !self.figures.struck(&traced) {
                    return Err(format!("the server ended by itself: {how}").into());
                }
                self.figures.kills_at_calls += 1;
            }
        }
        Ok(())
    }

    /// Kills at one of the next `most` calls, sometimes within the call.
    fn plan(&mut self, most: usize) -> Plan {
        let action = match self.random.below(3) {
            0 => Action::Tear,
            _ => Action::Kill,
        };
        Plan::at(action, self.random.below(most) as u64)
    }

    fn fault(&mut self) -> Plan {
        let errno = ERRORS[self.random.below(ERRORS.len())];
        let times = [1, 1, 2, 8][self.random.below(4)];
        let mut plan = Plan::at(Action::Fail { errno, times }, self.random.below(20) as u64);
        plan.kinds = match self.random.below(5) {
            0 => vec![Kind::Read],
            1 => vec![Kind::Sync],
            2 => vec![Kind::Write],
            3 => vec![Kind::Entry, Kind::Resize],
            _ => CHANGES.to_vec(),
        };
        plan
    }

    /// Changes until the server is killed, at a call, at an instant, or, seldom, stopped.
    /// Returns what was durable, where that was watched.
    fn changes(&mut self, server: &mut Server) -> Result<Option<Disk>> {
        let manner = self.random.below(8);
        let most = 1 + self.random.below(CHANGES_A_ROUND);
        match manner {
            0..4 => {
                let plan = self.plan(most * 12);
                self.story.push(format!("armed {plan:?}"));
                server.traced.arm(Some(plan));
            }
            4 | 5 => {
                let plan = self.fault();
                self.story.push(format!("armed {plan:?}"));
                server.traced.arm(Some(plan));
            }
            _ => {}
        }
        for _ in 0..most {
            let change = Change::random(&mut self.random, &self.oracle);
            let outcome = change.make(server.address, &mut self.oracle)?;
            self.story.push(format!("{change:?}: {outcome:?}"));
            self.figures.change(change.name(), outcome == Outcome::Done);
            if server.traced.has_ended() {
                break;
            }
            if let Outcome::Unknown(why) = &outcome
                && manner != 4
                && manner != 5
                && !killed_soon(server)
            {
                return Err(format!("{change:?} was refused without a fault: {why}").into());
            }
        }
        if self.figures.struck(&server.traced) {
            self.story
                .push(format!("struck {:?}", server.traced.struck()));
            if manner < 4 {
                self.figures.kills_at_calls += 1;
            } else {
                self.figures.faults += server.traced.struck().len() as u64;
                self.after_faults(server)?;
            }
        }
        self.end(server)
    }

    /// The faults are over: the server must not have ended, and what it acknowledged must be there.
    fn after_faults(&mut self, server: &Server) -> Result<()> {
        server.traced.arm(None);
        if server.traced.has_ended() {
            let struck = server.traced.struck();
            return Err(format!("a failing call ended the server: {struck:?}").into());
        }
        Ok(())
    }

    /// Kills the server at an instant in a last change, or stops it.
    fn end(&mut self, server: &mut Server) -> Result<Option<Disk>> {
        if server.traced.has_ended() {
            server.traced.wait();
            return Ok(server.traced.take_disk());
        }
        if self.random.below(6) == 0 {
            server.traced.arm(None);
            server.traced.signal(Signal::SIGTERM);
            let ended = server.traced.wait();
            return match ended.as_str() {
                "exit 0" => Ok(server.traced.take_disk()),
                other => Err(format!("the server was asked to stop: {other}").into()),
            };
        }
        let wait = Duration::from_micros(self.random.below(120_000) as u64);
        let change = Change::random(&mut self.random, &self.oracle);
        let outcome = std::thread::scope(|scope| {
            let traced = &server.traced;
            scope.spawn(move || {
                std::thread::sleep(wait);
                traced.signal(Signal::SIGKILL);
            });
            change.make(server.address, &mut self.oracle)
        })?;
        self.story
            .push(format!("killed at an instant in {change:?}: {outcome:?}"));
        self.figures.kills_at_instants += 1;
        self.figures.change(change.name(), outcome == Outcome::Done);
        server.traced.signal(Signal::SIGKILL);
        server.traced.wait();
        Ok(server.traced.take_disk())
    }
}

/// Whether the process is seen to end within a moment: its connection breaks before its last thread is gone.
pub(crate) fn killed_soon(server: &Server) -> bool {
    (0..200).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        server.traced.has_ended()
    })
}
