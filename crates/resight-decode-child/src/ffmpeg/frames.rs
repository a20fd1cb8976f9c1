//! Samples of a video, one run of ffmpeg each.

use std::ffi::OsString;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::time::Instant;

use resight_decode::{Container, Page, Purpose, Refused, RefusedCode, VideoJob};
use resight_vision::Image;

use super::options::FfmpegOptions;
use super::probe::{About, reached};
use super::run::{Done, Task, failed, in_memory};

/// Samples of a video, at most…
const MOST: u64 = 32;
/// …and at most one for so much of its length.
const STEP_MS: u64 = 1000;
/// Address space by pixel of a frame: the frames that others are made of, and those on their way.
const BYTES_A_PIXEL: u64 = 160;
/// Memory of it that is used, as the budget counts it…
const USED_A_PIXEL: u64 = 48;
/// …and beside it.
const USED: u64 = 48 << 20;
/// Memory that is used to look at a video, in which a few frames of an unknown size are decoded…
const LOOK_USED: u64 = 256 << 20;
/// …and its address space, of which libraries take the larger part.
const LOOK_SPACE: u64 = 576 << 20;

/// A video that was looked at.
pub(super) struct Video<'a> {
    options: &'a FfmpegOptions,
    job: VideoJob<'a>,
    /// The video's bytes.
    file: File,
    about: About,
    samples: u32,
    /// When the time for all of it is over.
    until: Instant,
}

impl<'a> Video<'a> {
    /// Looks at a video.
    ///
    /// # Errors
    /// [`RefusedCode::NotAnImage`] where there is no video in it, [`RefusedCode::VideoUnreadable`] where it cannot be read,
    /// [`RefusedCode::TooManyPixels`], and [`RefusedCode::DecoderFailed`].
    pub(super) fn open(options: &'a FfmpegOptions, job: VideoJob<'a>) -> Result<Self, Refused> {
        // Given back before a frame is read: two files that are compared frame by frame would wait for each other.
        let memory = job.memory;
        let length = job.bytes.len() as u64;
        let needed = (LOOK_USED + length).min(memory.most(Purpose::Work));
        let _share = memory.take(needed.max(length))?;
        let file = in_memory("resight-video");
        let file = file.and_then(|file| file.write_all_at(job.bytes, 0).map(|()| file));
        let file = file.map_err(|error| failed(format!("no memory for ffmpeg: {error}")))?;
        let mut video = Self {
            options,
            job,
            file,
            about: About {
                size: [0; 2],
                duration_ms: None,
            },
            samples: 1,
            until: Instant::now() + options.all,
        };
        video.look()?;
        Ok(video)
    }

    pub(super) fn samples(&self) -> u32 {
        self.samples
    }

    fn look(&mut self) -> Result<(), Refused> {
        // A bound on pixels would hide the size, which is compared below.
        let done = self.run(self.reading(None, false), 0)?;
        let Some(about) = About::read(&done.log) else {
            // It names the container before it looks into it.
            let detail = match done.log.contains("Input #0, ") {
                true => return Err(no_video()),
                false => format!("ffmpeg cannot read it: {}", reason(&done)),
            };
            return Err(Refused::new(RefusedCode::VideoUnreadable, detail));
        };
        let pixels = u64::from(about.size[0]) * u64::from(about.size[1]);
        let most = self.job.max_pixels;
        if pixels > most {
            let [width, height] = about.size;
            let detail =
                format!("the video is {width} × {height} = {pixels} pixels, the limit is {most}");
            return Err(Refused::new(RefusedCode::TooManyPixels, detail));
        }
        self.about = about;
        let duration_ms = match about.duration_ms {
            Some(duration) => duration,
            None => self.measured()?,
        };
        self.about.duration_ms = Some(duration_ms);
        let samples = duration_ms.div_ceil(STEP_MS).clamp(1, MOST);
        self.samples = u32::try_from(samples).unwrap_or(1);
        Ok(())
    }

    /// The length of a video that does not say it, such as a browser's recording: all of it is gone through, without
    /// decoding.
    fn measured(&self) -> Result<u64, Refused> {
        let mut arguments = self.reading(None, false);
        arguments.extend(["-map", "0:V:0", "-c", "copy", "-f", "null", "pipe:1"].map(Into::into));
        let done = self.run(arguments, 0)?;
        Ok(reached(&done.log).unwrap_or(0))
    }

    /// When a sample is taken, by its number from 0.
    fn time_ms(&self, number: u32) -> u64 {
        let duration = self.about.duration_ms.unwrap_or(0);
        let at = u128::from(duration) * u128::from(number) / u128::from(self.samples.max(1));
        u64::try_from(at).unwrap_or(u64::MAX)
    }

    /// A sample, by its number from 0: the first frame at or after its time, upright.
    pub(super) fn frame(&self, number: u32) -> Result<Image, Refused> {
        let time = self.time_ms(number);
        let mut arguments = self.reading((time > 0).then_some(time), true);
        // Pixels of some videos are not square. The longer side of a pixel becomes the shorter one, so that no frame has
        // more pixels than memory was taken for.
        let square = "scale=w='max(1,trunc(iw*min(1,sar)+0.5))':h='max(1,trunc(ih/max(1,sar)+0.5))',setsar=1";
        let made = ["-map", "0:V:0", "-frames:v", "1", "-vf", square];
        let written = [
            "-c:v",
            "ppm",
            "-pix_fmt",
            "rgb24",
            "-f",
            "image2pipe",
            "pipe:1",
        ];
        arguments.extend(made.into_iter().chain(written).map(Into::into));
        let pixels = self.pixels();
        let length = self.job.bytes.len() as u64;
        let needed = pixels
            .saturating_mul(USED_A_PIXEL)
            .saturating_add(USED + length);
        let memory = self.job.memory;
        let least = pixels.saturating_mul(6);
        let _share = memory.take(needed.min(memory.most(Purpose::Work)).max(least))?;
        let most = self.job.max_pixels.saturating_mul(3).saturating_add(64);
        let done = self.run(arguments, most)?;
        frame_of(&done, self.job.max_pixels)
    }

    fn pixels(&self) -> u64 {
        u64::from(self.about.size[0]) * u64::from(self.about.size[1])
    }

    /// Arguments that name the input, where in it to begin, and whether larger frames than the limit are refused.
    fn reading(&self, time_ms: Option<u64>, is_bounded: bool) -> Vec<OsString> {
        let one_thread = ["-threads", "1", "-filter_threads", "1"];
        let beginning = ["-hide_banner", "-nostdin"].into_iter().chain(one_thread);
        let mut arguments: Vec<OsString> = beginning.map(Into::into).collect();
        if is_bounded {
            let pixels = self.job.max_pixels;
            let pixels = pixels.min(i32::MAX.unsigned_abs().into());
            arguments.extend(["-max_pixels".into(), pixels.to_string().into()]);
        }
        arguments.extend(["-protocol_whitelist", "file,pipe", "-f"].map(Into::into));
        arguments.push(demuxer(self.job.container).into());
        if let Some(time) = time_ms {
            arguments.push("-ss".into());
            arguments.push(format!("{}.{:03}", time / 1000, time % 1000).into());
        }
        arguments.extend(["-i", "file:/proc/self/fd/0"].map(Into::into));
        arguments
    }

    fn run(&self, arguments: Vec<OsString>, most: u64) -> Result<Done, Refused> {
        let memory = match self.pixels() {
            // It is looked at.
            0 => self.options.memory.min(LOOK_SPACE),
            pixels => {
                let beside = pixels.saturating_mul(BYTES_A_PIXEL);
                self.options.memory.saturating_add(beside)
            }
        };
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            let seconds = self.options.all.as_secs();
            let detail = format!("the frames of the video took longer than {seconds} seconds");
            return Err(failed(detail));
        }
        let task = Task {
            arguments,
            input: Some(&self.file),
            // What it says is bounded as well.
            most: most.max(1 << 20),
            memory,
            wall: self.options.wall.min(left),
        };
        task.run(self.options)
    }

    pub(super) fn into_frames(self) -> Frames<'a> {
        Frames {
            video: self,
            next: 0,
        }
    }
}

/// The samples of a video. One that cannot be read ends them not.
pub(super) struct Frames<'a> {
    video: Video<'a>,
    /// Number of the next, from 0.
    next: u32,
}

impl Iterator for Frames<'_> {
    type Item = Result<Page, Refused>;

    fn next(&mut self) -> Option<Self::Item> {
        self.nth(0)
    }

    fn nth(&mut self, skipped: usize) -> Option<Self::Item> {
        let skipped = u32::try_from(skipped).unwrap_or(u32::MAX);
        let number = self.next.saturating_add(skipped);
        self.next = number.saturating_add(1);
        if number >= self.video.samples {
            return None;
        }
        Some(self.video.frame(number).map(|image| Page {
            image,
            time_ms: Some(self.video.time_ms(number)),
        }))
    }
}

fn no_video() -> Refused {
    Refused::new(
        RefusedCode::NotAnImage,
        "there is no video in the file, such as in one of sound",
    )
}

/// Why ffmpeg gave nothing.
fn reason(done: &Done) -> String {
    let mut lines = done.log.lines().map(str::trim);
    // The last line of a run without an output says only that there is none.
    let said = lines.rfind(|line| line.starts_with("file:/proc/self/fd/0: "));
    match said {
        Some(line) => line
            .trim_start_matches("file:/proc/self/fd/0: ")
            .chars()
            .take(200)
            .collect(),
        None => done.last_words(),
    }
}

/// The name by which ffmpeg knows the reader of a container.
fn demuxer(container: Container) -> &'static str {
    match container {
        Container::Mp4 | Container::M4v | Container::ThreeGp | Container::QuickTime => "mov",
        Container::Matroska | Container::WebM => "matroska",
        Container::Avi => "avi",
    }
}

/// The one frame that ffmpeg wrote, as PPM.
fn frame_of(done: &Done, max_pixels: u64) -> Result<Image, Refused> {
    let damaged = |why: String| Refused::new(RefusedCode::VideoUnreadable, why);
    let head = done.head(64);
    if head.is_empty() {
        let why = reason(done);
        return Err(damaged(format!("ffmpeg finds no frame there: {why}")));
    }
    let (width, height, begin) =
        ppm_head(&head).ok_or_else(|| failed("ffmpeg wrote a frame that is none"))?;
    let pixels = u64::from(width) * u64::from(height);
    if pixels > max_pixels {
        let detail = format!("a frame has {pixels} pixels, the limit is {max_pixels}");
        return Err(Refused::new(RefusedCode::TooManyPixels, detail));
    }
    let length = usize::try_from(pixels * 3).map_err(|_| failed("a frame is too large"))?;
    let mut rgb = vec![0; length];
    let filled = done.fill(&mut rgb, begin);
    filled.map_err(|_| damaged("ffmpeg wrote a part of a frame".into()))?;
    Image::from_rgb(width, height, rgb).ok_or_else(|| failed("ffmpeg wrote an empty frame"))
}

/// Width, height and where the pixels begin, of a PPM as ffmpeg writes it.
fn ppm_head(head: &[u8]) -> Option<(u32, u32, u64)> {
    let mut lines = head.split_inclusive(|byte| *byte == b'\n');
    let [magic, size, depth] = [lines.next()?, lines.next()?, lines.next()?];
    if magic != b"P6\n" || depth != b"255\n" {
        return None;
    }
    let size = std::str::from_utf8(size).ok()?.trim_end();
    let (width, height) = size.split_once(' ')?;
    let begin = (magic.len() + size.len() + 1 + depth.len()) as u64;
    Some((width.parse().ok()?, height.parse().ok()?, begin))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_of_a_frame_is_read() {
        assert_eq!(ppm_head(b"P6\n640 360\n255\n\x01"), Some((640, 360, 15)));
        for wrong in [
            &b"P5\n1 1\n255\n"[..],
            b"P6\n1 1\n65535\n",
            b"P6\n-1 1\n255\n",
            b"P6\n1\n255\n",
            b"P6\n1 1",
            b"",
        ] {
            assert_eq!(ppm_head(wrong), None, "{wrong:?}");
        }
    }
}
