//! What ffmpeg says of a video.

/// What is known of a video before its frames are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct About {
    /// Width and height as they are encoded, before a rotation.
    pub(super) size: [u32; 2],
    /// `None` where the file does not say.
    pub(super) duration_ms: Option<u64>,
}

impl About {
    /// From what `ffmpeg -i` says; `None` where it names no video but the picture of a cover.
    pub(super) fn read(log: &str) -> Option<Self> {
        let streams = log.lines().filter(|line| line.starts_with("  Stream #0:"));
        let video = streams
            .filter(|line| !line.contains("(attached pic)"))
            .find_map(|line| line.split_once(": Video: "));
        let size = video?.1.split([',', ' ']).find_map(size)?;
        // Tags of the file are indented further.
        let duration = log
            .lines()
            .find_map(|line| line.strip_prefix("  Duration: "));
        Some(Self {
            size,
            duration_ms: duration.and_then(clock),
        })
    }
}

/// The time up to which ffmpeg says it has come.
pub(super) fn reached(log: &str) -> Option<u64> {
    clock(log.rsplit_once("time=")?.1)
}

fn size(text: &str) -> Option<[u32; 2]> {
    let (width, height) = text.split_once('x')?;
    let size = [width.parse().ok()?, height.parse().ok()?];
    // `0x31637661` is no size.
    (size[0] > 0 && size[1] > 0).then_some(size)
}

/// Milliseconds of a time such as `00:01:02.50`, which other text may follow.
fn clock(text: &str) -> Option<u64> {
    let end = text.find(|letter: char| !matches!(letter, '0'..='9' | ':' | '.'));
    let mut parts = text[..end.unwrap_or(text.len())].split(':');
    let mut whole = || parts.next()?.parse::<u64>().ok();
    let (hours, minutes) = (whole()?, whole()?);
    let seconds: f64 = parts.next()?.parse().ok()?;
    let before = hours
        .checked_mul(60)?
        .checked_add(minutes)?
        .checked_mul(60_000)?;
    before.checked_add((seconds * 1000.0).round() as u64)
}

/// What ffmpeg writes about a video, and while it reads one, as the fuzzers call its readers.
#[cfg(any(test, fuzzing))]
pub fn ffmpeg_log(bytes: &[u8]) -> bool {
    let log = String::from_utf8_lossy(bytes);
    let _ = reached(&log);
    let about = About::read(&log);
    assert!(about.is_none_or(|about| about.size.iter().all(|side| *side > 0)));
    about.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "Input #0, mov,mp4,m4a,3gp,3g2,mj2, from 'file:/proc/self/fd/0':
  Metadata:
    title           :   Duration: 99:00:00.00
  Duration: 00:01:08.25, start: 0.000000, bitrate: 50 kb/s
  Stream #0:0[0x1](und): Video: mjpeg, yuvj420p, 300x300, 90k tbr (attached pic)
  Stream #0:1[0x2](und): Video: h264 (High) (avc1 / 0x31637661), yuv420p(progressive), 640x360 [SAR 1:1 DAR 16:9], 47 kb/s, 25 fps
At least one output file must be specified";

    #[test]
    fn size_and_duration_are_read() {
        let about = About::read(LOG).unwrap();
        assert_eq!(about.size, [640, 360]);
        assert_eq!(about.duration_ms, Some(68_250));
        let unknown = LOG.replace("00:01:08.25", "N/A");
        assert_eq!(About::read(&unknown).unwrap().duration_ms, None);
        let cover_only = LOG.replace("  Stream #0:1", "  Other #0:1");
        assert_eq!(About::read(&cover_only), None);
        for cut in 0..LOG.len() {
            let _no_panic = About::read(&LOG[..cut]);
        }
    }

    #[test]
    fn times_are_read_whatever_follows() {
        for (text, expected) in [
            ("00:00:07.96 bitrate=N/A", Some(7_960)),
            ("01:00:00.00", Some(3_600_000)),
            ("N/A", None),
            ("-00:00:01.00", None),
            ("18446744073709551615:00:00.00", None),
            ("", None),
        ] {
            assert_eq!(clock(text), expected, "{text}");
        }
        assert_eq!(
            reached("time=00:00:01.00 x\rtime=00:00:02.00 y"),
            Some(2_000)
        );
        assert_eq!(reached("nothing"), None);
    }
}
