//! Videos through an ffmpeg: samples of those it makes itself, files that are none, and programs that go wrong.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "helpers of tests may fail loudly too")]

use std::ffi::OsStr;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use image::RgbImage;
use resight_decode::{DecodeLimits, RefusedCode, Videos, decode, is_animation, pages};
use resight_decode_child::{Ffmpeg, FfmpegOptions, find_program};
use resight_test_support::{png, textured};
use resight_vision::Image;
use tempfile::TempDir;

/// The ffmpeg of this machine.
fn ffmpeg() -> Option<PathBuf> {
    let found = find_program(OsStr::new("ffmpeg"));
    if found.is_none() {
        println!("SKIPPED: ffmpeg is not installed, so no video is made or read");
    }
    found
}

fn options(ffmpeg: &Path) -> FfmpegOptions {
    let arguments = vec!["video-worker".into()];
    FfmpegOptions {
        program: env!("CARGO_BIN_EXE_faulty-decoder").into(),
        ..FfmpegOptions::of_this_program(ffmpeg.to_owned(), arguments)
    }
}

fn reading(options: FfmpegOptions) -> DecodeLimits {
    DecodeLimits {
        videos: Videos::read_by(Arc::new(Ffmpeg::new(options))),
        ..DecodeLimits::default()
    }
}

/// A folder in which videos are made of generated pictures, one a second.
struct Studio {
    ffmpeg: PathBuf,
    folder: TempDir,
    pictures: Vec<RgbImage>,
}

impl Studio {
    fn open(seconds: u64) -> Option<Self> {
        let studio = Self {
            ffmpeg: ffmpeg()?,
            folder: tempfile::tempdir().unwrap(),
            pictures: (0..seconds).map(|seed| textured(320, 240, seed)).collect(),
        };
        for (number, picture) in studio.pictures.iter().enumerate() {
            let file = studio.folder.path().join(format!("{number}.png"));
            fs::write(file, png(picture)).unwrap();
        }
        Some(studio)
    }

    /// A video by this encoder; `None` where this ffmpeg lacks it.
    fn video(&self, name: &str, encoder: &str, more: &[&str]) -> Option<Vec<u8>> {
        let made = Command::new(&self.ffmpeg)
            .args(["-v", "error", "-y", "-framerate", "1", "-i"])
            .arg(self.folder.path().join("%d.png"))
            .args(["-r", "10", "-pix_fmt", "yuv420p", "-c:v", encoder])
            .args(["-q:v", "3", "-b:v", "4M"])
            .args(more)
            .arg(self.folder.path().join(name))
            .output()
            .unwrap();
        if !made.status.success() {
            println!("SKIPPED: {name} by {encoder}, which this ffmpeg lacks");
            return None;
        }
        Some(fs::read(self.folder.path().join(name)).unwrap())
    }
}

fn difference(image: &Image, expected: &RgbImage) -> f64 {
    assert_eq!((image.width(), image.height()), expected.dimensions());
    let pairs = image.rgb().iter().zip(expected.as_raw());
    let sum: u64 = pairs.map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    sum as f64 / image.rgb().len() as f64
}

#[test]
fn samples_of_each_container_are_the_pictures_with_their_times() {
    let Some(studio) = Studio::open(6) else {
        return;
    };
    let limits = reading(options(&studio.ffmpeg));
    for (name, encoder, media_type) in [
        ("a.mp4", "mpeg4", "video/mp4"),
        ("a.mov", "mpeg4", "video/quicktime"),
        ("a.m4v", "libx264", "video/x-m4v"),
        ("a.mkv", "mpeg4", "video/x-matroska"),
        ("a.avi", "mpeg4", "video/x-msvideo"),
        ("a.webm", "libvpx", "video/webm"),
        ("b.mp4", "libx264", "video/mp4"),
        ("a.3gp", "mpeg4", "video/3gpp"),
    ] {
        let Some(video) = studio.video(name, encoder, &[]) else {
            continue;
        };
        let first = decode(&video, &limits).unwrap();
        assert_eq!((first.media_type, first.pages), (media_type, 6), "{name}");
        assert!(is_animation(first.media_type));
        assert!(
            difference(&first.image, &studio.pictures[0]) < 12.0,
            "{name}"
        );
        let all = pages(&video, &limits).unwrap();
        for (number, page) in all.enumerate() {
            let page = page.unwrap();
            // Some containers end with the last frame and not after its second.
            let time = page.time_ms.unwrap();
            let last = number as u64 * 1000;
            assert!((last * 8 / 10..=last).contains(&time), "{name}: {time}");
            // The first frame at or after this time, which some encoders write ten times a second and others once.
            let shown = [time / 1000, (time + 100) / 1000, time.div_ceil(1000)];
            let off = shown.map(|second| {
                let picture = &studio.pictures[second.min(5) as usize];
                difference(&page.image, picture)
            });
            let least = off.into_iter().fold(f64::MAX, f64::min);
            assert!(least < 12.0, "{name} {number}: {off:?}");
        }
        let fifth = pages(&video, &limits).unwrap().nth(4).unwrap().unwrap();
        let all = pages(&video, &limits).unwrap().map(Result::unwrap);
        assert_eq!(all.collect::<Vec<_>>()[4], fifth);
        assert!(pages(&video, &limits).unwrap().nth(6).is_none());
    }
}

#[test]
fn a_long_video_has_thirty_two_samples_and_a_turned_one_is_upright() {
    let Some(studio) = Studio::open(3) else {
        return;
    };
    let limits = reading(options(&studio.ffmpeg));
    let Some(long) = studio.video("long.mkv", "mpeg4", &["-vf", "setpts=PTS*40"]) else {
        return;
    };
    let all = pages(&long, &limits).unwrap().map(Result::unwrap);
    let times: Vec<u64> = all.map(|page| page.time_ms.unwrap()).collect();
    assert_eq!((times.len(), times[0]), (32, 0));
    let steps: Vec<u64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(
        steps.iter().all(|step| step.abs_diff(steps[0]) <= 1),
        "{steps:?}"
    );
    assert!(steps[0] > 2000, "{steps:?}");

    let Some(_) = studio.video("lying.mp4", "mpeg4", &[]) else {
        return;
    };
    let turned = studio.folder.path().join("turned.mp4");
    let made = Command::new(&studio.ffmpeg)
        .args(["-v", "error", "-y", "-i"])
        .arg(studio.folder.path().join("lying.mp4"))
        .args(["-c", "copy", "-metadata:s:v:0", "rotate=90"])
        .arg(&turned)
        .status()
        .unwrap();
    let first = decode(&fs::read(&turned).unwrap(), &limits).unwrap();
    match (made.success(), first.image.width()) {
        (true, 240) => assert_eq!(first.image.height(), 320),
        _ => println!("SKIPPED: this ffmpeg writes no rotation this way"),
    }
}

#[test]
fn what_is_no_whole_video_is_refused() {
    let Some(studio) = Studio::open(4) else {
        return;
    };
    let limits = reading(options(&studio.ffmpeg));
    let Some(video) = studio.video("a.mp4", "mpeg4", &[]) else {
        return;
    };
    // The list of its frames stands at its end.
    let refused = decode(&video[..video.len() / 2], &limits).unwrap_err();
    assert_eq!(refused.code, RefusedCode::VideoUnreadable, "{refused}");
    assert!(!refused.detail.contains("/proc"), "{refused}");
    let mut noise = video.clone();
    for (at, byte) in noise.iter_mut().enumerate().skip(64) {
        *byte = ((at * 7919) >> 3) as u8;
    }
    let refused = decode(&noise, &limits).unwrap_err();
    assert_eq!(refused.code, RefusedCode::VideoUnreadable, "{refused}");
    // Without a list at its end, what is there is read.
    let matroska = studio.video("a.mkv", "mpeg4", &[]).unwrap();
    let cut = &matroska[..matroska.len() * 6 / 10];
    let first = decode(cut, &limits).unwrap();
    assert!(difference(&first.image, &studio.pictures[0]) < 12.0);
    let read: Vec<bool> = pages(cut, &limits)
        .unwrap()
        .map(|page| page.is_ok())
        .collect();
    assert!(read[0] && read[1] && !read[3], "{read:?}");

    let sound = studio.folder.path().join("sound.mkv");
    let made = Command::new(&studio.ffmpeg)
        .args(["-v", "error", "-f", "lavfi", "-i", "sine=duration=1"])
        .arg(&sound)
        .status()
        .unwrap();
    assert!(made.success());
    let refused = decode(&fs::read(sound).unwrap(), &limits).unwrap_err();
    assert_eq!(refused.code, RefusedCode::NotAnImage, "{refused}");

    let small = DecodeLimits {
        max_pixels: 320 * 240 - 1,
        ..limits.clone()
    };
    let refused = decode(&video, &small).unwrap_err();
    assert_eq!(refused.code, RefusedCode::TooManyPixels, "{refused}");
}

#[test]
fn lists_of_other_files_are_never_followed() {
    let Some(studio) = Studio::open(1) else {
        return;
    };
    let limits = reading(options(&studio.ffmpeg));
    let secret = studio.folder.path().join("0.png");
    let shown = secret.display();
    let lists = [
        format!("#EXTM3U\n#EXTINF:1,\nfile://{shown}\n#EXT-X-ENDLIST\n"),
        format!("ffconcat version 1.0\nfile 'file:{shown}'\n"),
        format!("file '{shown}'\n"),
        "v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n".to_owned(),
    ];
    for list in &lists {
        let refused = decode(list.as_bytes(), &limits).unwrap_err();
        assert_eq!(refused.code, RefusedCode::NotAnImage, "{list}");
        // With the first bytes of a video it gets as far as ffmpeg, which takes it for none.
        for head in [
            &b"\0\0\0\x10ftypisom\0\0\0\0"[..],
            b"\x1a\x45\xdf\xa3\x93\x42\x82\x88matroska",
            b"RIFF\0\x10\0\0AVI ",
        ] {
            let refused = decode(&[head, list.as_bytes()].concat(), &limits).unwrap_err();
            let codes = [RefusedCode::VideoUnreadable, RefusedCode::NotAnImage];
            assert!(codes.contains(&refused.code), "{refused}");
        }
    }
}

/// A program in the place of ffmpeg.
fn script(folder: &Path, text: &str) -> PathBuf {
    let file = folder.join("ffmpeg");
    fs::write(&file, text).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    file
}

/// The first bytes of a video.
const VIDEO: &[u8] = b"\0\0\0\x10ftypisom\0\0\0\0";

#[test]
fn an_ffmpeg_that_does_not_end_is_ended() {
    let folder = tempfile::tempdir().unwrap();
    for (text, said) in [
        (
            "while :; do :; done",
            "needed more than 1 seconds of the processor",
        ),
        ("exec sleep 1000", "took longer than 2 seconds"),
        (
            "while :; do echo 0123456789; done",
            "wrote more than a frame may have",
        ),
        ("kill -9 $$; exit 3", "does not say its version"),
        ("exit 3", "does not say its version"),
    ] {
        let program = script(folder.path(), &format!("#!/bin/bash\n{text}\n"));
        let mut options = options(&program);
        options.processor = Duration::from_secs(1);
        // Long where another limit is to end it, also while other programs use the processor.
        options.wall = Duration::from_secs(if text.contains("sleep") { 2 } else { 120 });
        let error = Ffmpeg::new(options.clone()).check().unwrap_err();
        assert!(error.contains(said), "{text}: {error}");
        let refused = decode(VIDEO, &reading(options)).unwrap_err();
        let codes = [RefusedCode::DecoderFailed, RefusedCode::VideoUnreadable];
        assert!(codes.contains(&refused.code), "{text}: {refused}");
    }
    let missing = Ffmpeg::new(options(Path::new("/nowhere/ffmpeg")));
    let error = missing.check().unwrap_err();
    assert!(error.contains("was not started"), "{error}");
}

#[test]
fn ffmpeg_reaches_no_network_no_process_and_no_file_to_write() {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let written = folder.path().join("written");
    let text = format!(
        r#"#!/bin/bash
wrote=no; reached=no; forked=no
{{ echo x > "{}"; }} 2>/dev/null && wrote=yes
{{ exec 3<>/dev/tcp/127.0.0.1/{port}; }} 2>/dev/null && reached=yes
{{ forked=$(echo yes); }} 2>/dev/null
echo "version wrote=$wrote reached=$reached forked=${{forked:-no}} home=${{HOME-none}} cargo=${{CARGO_MANIFEST_DIR-none}}" "$@"
"#,
        written.display()
    );
    let program = script(folder.path(), &text);
    let told = Ffmpeg::new(options(&program)).check().unwrap();
    let expected =
        "version wrote=no reached=no forked=no home=none cargo=none -hide_banner -version";
    assert_eq!(told, expected);
    assert!(!written.exists());
    // It could, were it not confined.
    let free = Command::new(&program).output().unwrap();
    let free = String::from_utf8(free.stdout).unwrap();
    assert!(
        free.starts_with("version wrote=yes reached=yes forked=yes"),
        "{free}"
    );
}

/// Tries calls by their numbers, and says which are not refused.
const ATTEMPTS: &str = r#"
import ctypes, os, platform
libc = ctypes.CDLL(None, use_errno=True)
x86 = platform.machine() == "x86_64"
parent, own = os.getppid(), os.getpid()
text = lambda name: ctypes.create_string_buffer(name.encode())
room = ctypes.create_string_buffer(128)
numbers = lambda on_x86, else_: on_x86 if x86 else else_
tries = {
    "tgkill": (numbers(234, 131), parent, parent, 0),
    "kill": (numbers(62, 129), parent, 0),
    "setpriority": (numbers(141, 140), 0, parent, 0),
    "prlimit64": (numbers(302, 261), parent, 1, 0, room),
    "sched_setaffinity": (numbers(203, 122), parent, 0, 0),
    "memfd_create": (numbers(319, 279), text("x"), 0),
    "setpgid": (numbers(109, 154), 0, 0),
    "setsid": (numbers(112, 157),),
    "F_SETOWN": (numbers(72, 25), 0, 8, parent),
    "PR_SET_PDEATHSIG": (numbers(157, 167), 1, 0),
    "TIOCSTI": (numbers(16, 29), 0, 0x5412, text("x")),
    "fchmodat2": (452, -100, text("/nowhere"), 0o600, 0),
    "open_tree": (428, -100, text("/nowhere"), 0),
    "fsopen": (430, text("none"), 0),
    "shmctl": (numbers(31, 195), 0, 2, room),
    "reboot": (numbers(169, 142), 0, 0, 0, 0),
    "socket": (numbers(41, 198), 1, 1, 0),
    "beyond all": (1000,),
}
could = []
for name, call in tries.items():
    ctypes.set_errno(0)
    if libc.syscall(*call) != -1 or ctypes.get_errno() != 1:
        could.append(name)
print("version could", could)
"#;

#[test]
fn ffmpeg_reaches_nothing_by_other_calls() {
    // Itself, and not a script that starts it.
    let named = ["-c", "import sys; print(sys.executable)"];
    let python = match Command::new("python3").args(named).output() {
        Ok(output) if output.status.success() => output.stdout,
        _ => {
            println!("SKIPPED: python3 is not installed, so no calls are tried by their numbers");
            return;
        }
    };
    let folder = tempfile::tempdir().unwrap();
    let text = format!("#!{}{ATTEMPTS}", String::from_utf8(python).unwrap());
    let program = script(folder.path(), &text);
    let told = Ffmpeg::new(options(&program)).check().unwrap();
    assert_eq!(told, "version could []");
    // It could, were it not confined.
    let free = Command::new(&program).output().unwrap();
    let free = String::from_utf8(free.stdout).unwrap();
    for call in ["tgkill", "memfd_create", "F_SETOWN", "prlimit64"] {
        assert!(free.contains(call), "{call}: {free}");
    }
}

#[test]
fn frames_of_pixels_that_are_not_square_do_not_grow() {
    let Some(studio) = Studio::open(2) else {
        return;
    };
    let limits = reading(options(&studio.ffmpeg));
    for (ratio, size) in [("4/1", (320, 60)), ("1/4", (80, 240))] {
        let filter = format!("setsar={ratio}");
        let Some(video) = studio.video("a.mkv", "mpeg4", &["-vf", &filter]) else {
            return;
        };
        let first = decode(&video, &limits).unwrap();
        assert_eq!((first.image.width(), first.image.height()), size, "{ratio}");
    }
}

#[test]
fn without_an_ffmpeg_a_video_is_not_supported() {
    let refused = decode(VIDEO, &DecodeLimits::default()).unwrap_err();
    assert_eq!(refused.code, RefusedCode::FormatNotSupported);
    assert!(refused.detail.contains("ffmpeg"), "{refused}");
    assert!(pages(VIDEO, &DecodeLimits::default()).is_err());
}
