//! What is fed to the readers of what children and ffmpeg say by the tests and by the fuzzers of `fuzz`. Each function
//! returns whether something was read, and panics where a reader is wrong.

use resight_decode::Refused;

pub use crate::ffmpeg::ffmpeg_log;
use crate::wire::FromChild;

/// Messages of a child, one after another.
pub fn child_messages(mut bytes: &[u8]) -> bool {
    let mut read = false;
    while let Ok(message) = FromChild::receive(&mut bytes) {
        let mut written = Vec::new();
        assert!(message.send(&mut written).is_ok());
        let again = FromChild::receive(&written[..]).ok();
        // Long sentences are cut.
        let is_long =
            matches!(&message, FromChild::Refused(Refused { detail, .. }) if detail.len() > 4096);
        assert!(is_long || again == Some(message));
        read = true;
    }
    read
}

#[cfg(test)]
mod tests {
    use resight_decode::RefusedCode;
    use resight_test_support::fuzz_reader;

    use super::*;

    #[test]
    fn changed_messages_of_children_are_read_or_refused() {
        let mut made = Vec::new();
        let picture = FromChild::Picture {
            width: 3,
            height: 2,
            pages: 1,
            depth: 8,
            time_ms: None,
        };
        let refused = FromChild::Refused(Refused::new(RefusedCode::Broken, "zwei\nZeilen"));
        for message in [FromChild::Need(7), picture, refused, FromChild::End] {
            message.send(&mut made).unwrap();
        }
        let (read, refused) = fuzz_reader("child_messages", 20_000, vec![made], child_messages);
        assert!(read > 50 && refused > 50, "{read} {refused}");
    }

    #[test]
    fn changed_words_of_ffmpeg_are_understood_or_not() {
        let made = "  Duration: 00:01:08.25, start: 0.000000\n  Stream #0:0: Video: h264 (avc1 / 0x31637661), 640x360, 25 fps\ntime=00:00:07.96 bitrate=N/A";
        let made = vec![made.as_bytes().to_vec()];
        let (read, refused) = fuzz_reader("ffmpeg_log", 20_000, made, ffmpeg_log);
        assert!(read > 50 && refused > 50, "{read} {refused}");
    }
}
