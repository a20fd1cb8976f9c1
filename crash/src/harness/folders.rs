//! A folder of pictures that `resight index` is run on, and killed.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use resight_test_support::Random;

use crate::harness::Result;
use crate::harness::check::{NUMBERS, id_of};
use crate::harness::figures::Figures;
use crate::harness::operations::UPLOADED;
use crate::harness::oracle::{DEFAULT, Labels, Oracle};
use crate::harness::pictures::sample;
use crate::harness::program::{Setup, run_traced};
use crate::harness::tracer::Plan;

/// Files of pictures, each at a path of its own.
pub(crate) struct Folder {
    path: PathBuf,
    /// Numbers of the pictures whose files are there.
    files: BTreeSet<u64>,
}

impl Folder {
    pub(crate) fn new(setup: &Setup) -> Self {
        Self {
            path: setup.root.join("pictures"),
            files: BTreeSet::new(),
        }
    }

    /// Writes some files and removes others.
    fn change(&mut self, random: &mut Random) -> Result<()> {
        fs::create_dir_all(&self.path)?;
        for _ in 0..1 + random.below(8) {
            let number = UPLOADED + random.below((NUMBERS - UPLOADED) as usize) as u64;
            let path = self.path.join(format!("f{number}.png"));
            if self.files.remove(&number) {
                fs::remove_file(path)?;
            } else {
                fs::write(path, &sample(number).file)?;
                self.files.insert(number);
            }
        }
        Ok(())
    }

    /// Changes the folder, indexes it with `--prune`, and notes what that means. With a plan the command may
    /// be killed; without one it must succeed.
    pub(crate) fn index(
        &mut self,
        setup: &Setup,
        oracle: &mut Oracle,
        random: &mut Random,
        figures: &mut Figures,
        plan: Option<Plan>,
    ) -> Result<()> {
        self.change(random)?;
        let path = self.path.to_string_lossy().into_owned();
        let ran = run_traced(setup, &["index", &path, "--prune"], plan)?;
        let was_killed = figures.struck(&ran.traced);
        figures.kills_at_calls += u64::from(was_killed);
        let is_done = ran.ended == "exit 0";
        figures.change("index", is_done);
        if !is_done && !was_killed {
            return Err(format!("index ended by itself: {}", ran.ended).into());
        }
        let acknowledged: BTreeSet<&str> = ran
            .lines
            .iter()
            .filter(|line| line["event"] == "indexed")
            .filter_map(|line| line["id"].as_str())
            .collect();
        for number in UPLOADED..NUMBERS {
            let possible = oracle.of(DEFAULT).of(number);
            let id = id_of(&sample(number).file);
            let wanted = self.files.contains(&number).then(Labels::default);
            possible.note(wanted, is_done || acknowledged.contains(id.as_str()));
        }
        Ok(())
    }
}
