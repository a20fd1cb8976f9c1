//! Data folders in bad places: a full disk, a folder that goes away.

use std::fs;
use std::path::Path;

use nix::mount::{MntFlags, MsFlags, mount, umount2};

use crate::harness::Result;
use crate::harness::cases::{add, remove};
use crate::harness::check::{check, get};
use crate::harness::figures::{Figures, started};
use crate::harness::operations::{Change, Outcome, UPLOADED};
use crate::harness::oracle::{DEFAULT, Oracle};
use crate::harness::program::{Server, Setup};

/// Size of the small disk: the reserve, what must be free beside it, and little else.
const SMALL_DISK: &str = "size=26m";

pub(crate) fn all(setup: &Setup, figures: &mut Figures) -> Result<()> {
    folder_that_goes_away(setup, figures).map_err(|e| format!("a folder that goes away: {e}"))?;
    println!("a folder that goes away: nothing lost");
    fs::remove_dir_all(&setup.data)?;
    full_disk(setup, figures).map_err(|e| format!("a full disk: {e}"))?;
    Ok(())
}

/// Makes the change; the code that it is refused with, if it is.
fn refusal(change: &Change, server: &Server, oracle: &mut Oracle) -> Result<Option<String>> {
    Ok(match change.make(server.address, oracle)? {
        Outcome::Done => None,
        Outcome::Unknown(why) => Some(why),
    })
}

/// While the folder is away, additions are refused; once it is back, everything is there.
fn folder_that_goes_away(setup: &Setup, figures: &mut Figures) -> Result<()> {
    let mut oracle = Oracle::new();
    let server = started(setup, figures)?;
    for number in 0..3 {
        if let Some(why) = refusal(&add(DEFAULT, number), &server, &mut oracle)? {
            return Err(why.into());
        }
    }
    let away = setup.root.join("away");
    fs::rename(&setup.data, &away)?;
    for change in [add(DEFAULT, 4), remove(DEFAULT, 1)] {
        match refusal(&change, &server, &mut oracle.clone())? {
            Some(why) if why.contains("data_folder_gone") => {}
            other => return Err(format!("{change:?} is answered {other:?}").into()),
        }
    }
    let ready = get(server.address, "/readyz")?;
    if ready.is_success() {
        return Err("it says that it is ready".into());
    }
    server.kill();
    if setup.data.exists() {
        return Err("a part of the folder came back".into());
    }
    fs::rename(&away, &setup.data)?;
    let server = started(setup, figures)?;
    figures.add(check(setup, server.address, &mut oracle, usize::MAX, 0)?);
    server.kill();
    Ok(())
}

/// A disk that fills up: removals go on, the server starts, and additions go on once there is space.
fn full_disk(setup: &Setup, figures: &mut Figures) -> Result<()> {
    fs::create_dir_all(&setup.data)?;
    let none: Option<&Path> = None;
    let mounted = mount(
        none,
        &setup.data,
        Some("tmpfs"),
        MsFlags::empty(),
        Some(SMALL_DISK),
    );
    if let Err(why) = mounted {
        println!("SKIPPED: a full disk (no file system can be mounted here: {why})");
        return Ok(());
    }
    let done = on_small_disk(setup, figures);
    let _ = umount2(&setup.data, MntFlags::MNT_DETACH);
    done?;
    println!("a full disk: nothing lost");
    Ok(())
}

fn on_small_disk(setup: &Setup, figures: &mut Figures) -> Result<()> {
    let mut oracle = Oracle::new();
    let server = started(setup, figures)?;
    for number in 0..4 {
        if let Some(why) = refusal(&add(DEFAULT, number), &server, &mut oracle)? {
            return Err(why.into());
        }
    }
    // Somebody else fills the disk.
    let filler = setup.data.join("filler");
    fill(&filler)?;
    let mut refused = None;
    for number in 4..UPLOADED {
        refused = refusal(&add(DEFAULT, number), &server, &mut oracle)?;
        if refused.is_some() {
            break;
        }
    }
    match refused {
        Some(why) if why.contains("store_full") => {}
        other => return Err(format!("on a full disk an addition is answered {other:?}").into()),
    }
    if let Some(why) = refusal(&remove(DEFAULT, 2), &server, &mut oracle)? {
        return Err(format!("on a full disk a removal is answered {why}").into());
    }
    server.kill();
    fill(&filler)?;
    let server = started(setup, figures)?;
    if let Some(why) = refusal(&remove(DEFAULT, 3), &server, &mut oracle)? {
        return Err(format!("after a restart a removal is answered {why}").into());
    }
    figures.add(check(setup, server.address, &mut oracle, usize::MAX, 0)?);
    fs::remove_file(&filler)?;
    let until = std::time::Instant::now() + crate::harness::http::PATIENCE;
    while let Some(why) = refusal(&add(DEFAULT, 20), &server, &mut oracle)? {
        if std::time::Instant::now() > until || !why.contains("store_full") {
            return Err(format!("with space again an addition is answered {why}").into());
        }
        std::thread::sleep(std::time::Duration::from_millis(300));
    }
    figures.add(check(setup, server.address, &mut oracle, usize::MAX, 0)?);
    server.kill();
    Ok(())
}

/// Writes to the file until there is no space.
fn fill(path: &Path) -> Result<()> {
    use std::io::Write;
    let mut file = fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)?;
    let chunk = [7; 4096];
    while file.write(&chunk).is_ok_and(|written| written > 0) {}
    Ok(())
}
