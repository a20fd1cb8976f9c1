//! Pictures through a pool of children: the same pixels as in this process, and decoders that go wrong.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "helpers of tests may fail loudly too")]

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use image::{ImageFormat, RgbImage};
use resight_decode::{
    Counts, DecodeLimits, Elsewhere, Formats, MemoryBudget, Place, Refused, RefusedCode, decode,
    pages,
};
use resight_decode_child::{Pool, PoolOptions};
use resight_test_support::{
    animated_gif, animated_png, animated_webp, dng, encode, fuzz, textured, tiff_pages,
};

/// Files of other encoders.
const FILES: &[&[u8]] = &[
    include_bytes!("../../resight-decode/tests/pictures/files/alpha.jxl"),
    include_bytes!("../../resight-decode/tests/pictures/files/bilevel.tif"),
    include_bytes!("../../resight-decode/tests/pictures/files/grey.j2k"),
    include_bytes!("../../resight-decode/tests/pictures/files/group3.tif"),
    include_bytes!("../../resight-decode/tests/pictures/files/group4.tif"),
    include_bytes!("../../resight-decode/tests/pictures/files/lossless.jp2"),
    include_bytes!("../../resight-decode/tests/pictures/files/lossless.jxl"),
    include_bytes!("../../resight-decode/tests/pictures/files/lossy.jxl"),
    include_bytes!("../../resight-decode/tests/pictures/files/owner.pdf"),
    include_bytes!("../../resight-decode/tests/pictures/files/photo.heic"),
    include_bytes!("../../resight-decode/tests/pictures/files/progressive.jpg"),
];

const SVG: &str = r##"<svg xmlns="http://www.w3.org/2000/svg" width="90" height="60">
    <rect width="45" height="60" fill="#c03020"/><circle cx="60" cy="30" r="20" fill="#204080"/></svg>"##;

fn options() -> PoolOptions {
    PoolOptions {
        program: env!("CARGO_BIN_EXE_faulty-decoder").into(),
        processor: Duration::from_secs(5),
        wall: Duration::from_secs(60),
        or_here: false,
        ..PoolOptions::of_this_program(vec![], 2)
    }
}

fn elsewhere(pool: &Pool) -> DecodeLimits {
    DecodeLimits {
        place: Place::elsewhere(Arc::new(pool.clone()), Formats::Every),
        ..DecodeLimits::default()
    }
}

/// A picture at whose end a wish stands, which the faulty decoder fulfils.
fn wishing(wish: &str) -> Vec<u8> {
    let mut bytes = encode(&textured(40, 30, 1), ImageFormat::Bmp);
    bytes.extend(format!("please {wish}").bytes());
    bytes
}

fn refused(limits: &DecodeLimits, wish: &str) -> Refused {
    decode(&wishing(wish), limits).unwrap_err()
}

fn corpus() -> Vec<Vec<u8>> {
    let picture = textured(61, 37, 9);
    let frames: Vec<RgbImage> = (0..3).map(|seed| textured(40, 28, seed)).collect();
    let formats = [
        ImageFormat::Jpeg,
        ImageFormat::Png,
        ImageFormat::WebP,
        ImageFormat::Gif,
        ImageFormat::Tiff,
        ImageFormat::Bmp,
        ImageFormat::Pnm,
        ImageFormat::Ico,
        ImageFormat::Qoi,
        ImageFormat::Tga,
    ];
    let mut half = encode(&picture, ImageFormat::Gif);
    half.truncate(half.len() / 2);
    let mut files: Vec<Vec<u8>> = formats.map(|format| encode(&picture, format)).into();
    files.extend(FILES.iter().map(|bytes| bytes.to_vec()));
    files.extend([
        SVG.as_bytes().to_vec(),
        tiff_pages(&frames),
        animated_gif(&frames),
        animated_webp(&frames),
        animated_png(&frames),
        dng(&frames[0], [400, 300], Some(&textured(64, 48, 4))),
        b"no picture".to_vec(),
        half,
    ]);
    files
}

/// Whether there is such a process, as a zombie at least.
fn is_running(id: u32) -> bool {
    Path::new(&format!("/proc/{id}")).exists()
}

fn kill(id: u32) {
    let id = rustix::process::Pid::from_raw(i32::try_from(id).unwrap()).unwrap();
    rustix::process::kill_process(id, rustix::process::Signal::KILL).unwrap();
}

/// Waits until something holds: what other processes do takes as long as it takes.
fn until(what: &str, holds: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(120);
    while !holds() {
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn every_format_has_the_same_pixels_in_a_child() {
    let pool = Pool::new(options());
    let (here, there) = (DecodeLimits::default(), elsewhere(&pool));
    let (mut decoded, mut paged) = (0, 0);
    for bytes in corpus() {
        let (expected, found) = (decode(&bytes, &here), decode(&bytes, &there));
        assert_eq!(found, expected);
        decoded += usize::from(found.is_ok());
        let all = |limits| match pages(&bytes, limits) {
            Ok(pages) => pages.collect(),
            Err(refused) => vec![Err(refused)],
        };
        let (expected, found) = (all(&here), all(&there));
        assert_eq!(found, expected);
        paged += usize::from(found.len() == 3);
    }
    assert!(decoded >= 17 && paged == 4, "{decoded} {paged}");
    assert_eq!(pool.counts().started, 1);
}

#[test]
fn a_decoder_that_goes_wrong_costs_one_picture() {
    let pool = Pool::new(options());
    let limits = elsewhere(&pool);
    let sound = encode(&textured(40, 30, 1), ImageFormat::Bmp);
    let mut lost = 0;
    for (wish, why) in [
        ("abort", "gave up"),
        ("exit", "ended"),
        ("allocate", "memory"),
        ("overflow", "its stack"),
        ("loop", "seconds of the processor"),
        // Where the signal is ignored, the write fails.
        ("write", "ended"),
        ("garble", "an answer that is none"),
    ] {
        let refused = refused(&limits, wish);
        assert_eq!(refused.code, RefusedCode::DecoderFailed, "{wish}");
        assert!(refused.detail.contains(why), "{wish}: {}", refused.detail);
        assert!(refused.detail.starts_with("the BMP decoder "), "{wish}");
        lost += 1;
        // The next picture has a fresh child.
        assert!(decode(&sound, &limits).is_ok(), "{wish}");
        assert_eq!(pool.counts().lost, lost, "{wish}");
        assert_eq!(pool.counts().started, lost + 1, "{wish}");
    }
}

#[test]
fn a_decoder_that_sleeps_is_given_up() {
    let pool = Pool::new(PoolOptions {
        wall: Duration::from_secs(1),
        ..options()
    });
    // One that asks for memory for ever has no more time than one that does nothing.
    for wish in ["sleep", "beg", "beg deafly"] {
        let refused = refused(&elsewhere(&pool), wish);
        assert_eq!(refused.code, RefusedCode::DecoderFailed);
        assert!(refused.detail.contains("took longer"), "{}", refused.detail);
    }
}

#[test]
fn a_child_reaches_nothing_but_its_picture() {
    let pool = Pool::new(options());
    if pool.check() != Ok(true) {
        eprintln!("this kernel filters no calls");
        return;
    }
    let refused = refused(&elsewhere(&pool), "reach out");
    assert_eq!(refused.code, RefusedCode::Broken);
    assert_eq!(refused.detail, "");
}

#[test]
fn a_child_inherits_no_descriptors_and_no_variables() {
    // One that is not closed when another program begins.
    let file = fs::File::open("/proc/self/status").unwrap();
    let flags = rustix::io::FdFlags::empty();
    rustix::io::fcntl_setfd(&file, flags).unwrap();
    let pool = Pool::new(options());
    assert!(pool.check().is_ok());
    let id = pool.idle_ids()[0];
    let open = fs::read_dir(format!("/proc/{id}/fd")).unwrap();
    let targets: Vec<_> = open
        .map(|entry| fs::read_link(entry.unwrap().path()).unwrap())
        .collect();
    for target in &targets {
        let target = target.to_string_lossy();
        let own = ["socket:", "/memfd:resight-picture", "/dev/null"];
        assert!(own.iter().any(|own| target.starts_with(own)), "{target}");
    }
    assert!(targets.len() >= 3);
    assert_eq!(fs::read(format!("/proc/{id}/environ")).unwrap(), b"");
}

#[test]
fn children_are_replaced_and_ended_and_leave_no_zombies() {
    let pool = Pool::new(PoolOptions {
        pictures: 3,
        idle: Duration::from_secs(3),
        ..options()
    });
    let limits = elsewhere(&pool);
    let sound = encode(&textured(40, 30, 1), ImageFormat::Bmp);
    for _ in 0..7 {
        assert!(decode(&sound, &limits).is_ok());
    }
    assert_eq!(pool.counts().started, 3);
    let last = pool.idle_ids()[0];
    until("idle children are ended", || !is_running(last));
    assert_eq!(pool.counts().idle, 0);
    assert!(decode(&sound, &limits).is_ok());
    assert_eq!(pool.counts().started, 4);
}

#[test]
fn a_pool_that_is_dropped_ends_its_children() {
    let pool = Pool::new(options());
    assert!(pool.check().is_ok());
    let id = pool.idle_ids()[0];
    assert!(is_running(id));
    drop(pool);
    assert!(!is_running(id));
}

#[test]
fn a_child_ends_with_its_parent_whatever_its_decoder_does() {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};
    let folder = std::env::temp_dir();
    for (wish, signal) in [("loop", "-KILL"), ("sleep", "-KILL"), ("loop", "-TERM")] {
        let path = folder.join(format!(
            "resight-wishing-{}-{wish}{signal}",
            std::process::id()
        ));
        fs::write(&path, wishing(wish)).unwrap();
        let mut parent = Command::new(env!("CARGO_BIN_EXE_faulty-decoder"))
            .arg(&path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut said = BufReader::new(parent.stdout.take().unwrap());
        said.read_line(&mut line).unwrap();
        let child: u32 = line.trim().parse().unwrap();
        assert!(is_running(child));
        let sent = Command::new("kill")
            .args([signal, &parent.id().to_string()])
            .status();
        assert!(sent.unwrap().success());
        parent.wait().unwrap();
        fs::remove_file(&path).unwrap();
        until("the child is gone", || !is_running(child));
    }
}

#[test]
fn pictures_are_tried_again_when_children_are_killed_from_outside() {
    let pool = Pool::new(options());
    let limits = elsewhere(&pool);
    let sound = encode(&textured(40, 30, 1), ImageFormat::Bmp);
    let expected = decode(&sound, &DecodeLimits::default()).unwrap();
    assert!(decode(&sound, &limits).is_ok());
    for _ in 0..3 {
        let id = pool.idle_ids()[0];
        kill(id);
        assert_eq!(decode(&sound, &limits).unwrap(), expected);
        assert!(!is_running(id), "it is no zombie");
    }
    assert_eq!(pool.counts().killed, 3);
    // While it decodes: the first child and the two that take its place.
    let killer = std::thread::spawn({
        let pool = pool.clone();
        move || {
            let (mut killed, end) = (0, Instant::now() + Duration::from_secs(120));
            while killed < 3 && Instant::now() < end {
                for id in pool.busy_ids() {
                    kill(id);
                    killed += 1;
                    until("it is gone", || !is_running(id));
                }
            }
        }
    });
    let refused = refused(&limits, "sleep");
    killer.join().unwrap();
    assert_eq!(refused.code, RefusedCode::DecoderFailed);
    assert!(
        refused.detail.contains("from outside"),
        "{}",
        refused.detail
    );
    assert!(decode(&sound, &limits).is_ok());
}

#[test]
fn memory_is_that_of_the_one_budget() {
    let pool = Pool::new(options());
    let picture = encode(&textured(2000, 1500, 1), ImageFormat::Bmp);
    for total in [8 << 20, 256 << 20, 1 << 30] {
        let limits = |place| DecodeLimits {
            memory: MemoryBudget::new(total),
            place,
            ..DecodeLimits::default()
        };
        let (here, there) = (limits(Place::default()), limits(elsewhere(&pool).place));
        let (expected, found) = (decode(&picture, &here), decode(&picture, &there));
        assert_eq!(expected.is_ok(), found.is_ok(), "{total}");
        if let Err(refused) = found {
            assert_eq!(refused.code, RefusedCode::TooManyPixels);
        }
        let used = there.memory.in_use();
        assert_eq!((used.work, used.waiting), (0, 0));
        assert!(used.most_work >= here.memory.in_use().most_work);
    }
    // What a lost child had is given back.
    let limits = elsewhere(&pool);
    assert!(decode(&wishing("abort"), &limits).is_err());
    assert_eq!(limits.memory.in_use().work, 0);
}

#[test]
fn pages_of_two_files_are_turned_together_and_left_early() {
    let pool = Pool::new(PoolOptions {
        most: 1,
        ..options()
    });
    let limits = elsewhere(&pool);
    let frames: Vec<RgbImage> = (0..3).map(|seed| textured(40, 28, seed)).collect();
    let (gif, tiff) = (animated_gif(&frames), tiff_pages(&frames));
    let mut a = pages(&gif, &limits).unwrap();
    let mut b = pages(&tiff, &limits).unwrap();
    assert!(a.next().unwrap().is_ok() && b.next().unwrap().is_ok());
    // A picture beside them.
    assert!(decode(&gif, &limits).is_ok());
    assert!(a.next().unwrap().is_ok());
    drop((a, b));
    assert!(decode(&tiff, &limits).is_ok());
    assert_eq!(
        pool.counts(),
        Counts {
            lost: 0,
            killed: 0,
            ..pool.counts()
        }
    );
}

#[test]
fn documents_that_are_compared_page_by_page_do_not_wait_for_each_other() {
    let pool = Pool::new(options());
    // Enough for one that is opened, and not for two.
    let limits = DecodeLimits {
        memory: MemoryBudget::new(512 << 20),
        ..elsewhere(&pool)
    };
    let document = include_bytes!("../../resight-decode/tests/pictures/files/owner.pdf");
    let opened = pages(document, &limits);
    if matches!(&opened, Err(why) if why.code == RefusedCode::FormatNotSupported) {
        eprintln!("SKIPPED: built without PDF");
        return;
    }
    let mut a = opened.unwrap();
    let mut b = pages(document, &limits).unwrap();
    assert!(a.next().unwrap().is_ok() && b.next().unwrap().is_ok());
    drop((a, b));
    assert_eq!(limits.memory.in_use().work, 0);
}

#[test]
fn where_no_child_starts_this_process_decodes_or_refuses() {
    let sound = encode(&textured(40, 30, 1), ImageFormat::Bmp);
    for (program, or_here) in [
        ("/bin/false", true),
        ("/nowhere", true),
        ("/bin/false", false),
    ] {
        let pool = Pool::new(PoolOptions {
            program: program.into(),
            or_here,
            ..options()
        });
        let decoded = decode(&sound, &elsewhere(&pool));
        assert_eq!(decoded.is_ok(), or_here, "{program}: {decoded:?}");
        assert!(pool.check().is_err());
        if let Err(refused) = decoded {
            assert_eq!(refused.code, RefusedCode::DecoderFailed);
        }
    }
}

/// `RESIGHT_FUZZ_FACTOR=20` tries 3,000, as `just fuzz 20` does.
#[test]
fn mutated_files_are_answered_as_in_this_process() {
    let pool = Pool::new(options());
    let small = |place| DecodeLimits {
        max_pixels: 200_000,
        memory: MemoryBudget::new(64 << 20),
        place,
        ..DecodeLimits::default()
    };
    let (here, there) = (small(Place::default()), small(elsewhere(&pool).place));
    let (mut decoded, mut refused) = (0, 0);
    let count = fuzz("children", 150, &corpus(), |bytes| {
        let (expected, found) = (decode(bytes, &here), decode(bytes, &there));
        match &found {
            Ok(_) => decoded += 1,
            Err(_) => refused += 1,
        }
        assert_eq!(found, expected);
    });
    assert!(decoded > 5 && refused > 5, "{decoded} {refused}");
    let counts = pool.counts();
    assert_eq!((counts.lost, counts.killed), (0, 0), "of {count} files");
}
