//! The further pages and frames of a file, described one after another.

use std::sync::atomic::AtomicBool;

use resight_decode::{Page, Pages, is_animation, is_video, most_frames, pages, resized};
use resight_vision::{Fault, Image, LocalExtractor, LocalFeatures};

use crate::describe::{Described, describe_image};
use crate::error::EngineError;
use crate::options::{EngineOptions, MOST_VIEWS};
use crate::search::cancelling::go_on;

/// Side of the small copies by which frames are compared.
const SIDE: u32 = 32;
/// Mean difference in levels below which a frame shows what the one before shows.
const NEARLY_EQUAL: f64 = 2.0;

/// A page or frame with its features in pixels of the upright page.
pub(crate) struct DescribedView {
    /// From 1.
    pub(crate) number: u32,
    /// When the frame begins.
    pub(crate) time_ms: Option<u64>,
    pub(crate) size: [u32; 2],
    pub(crate) features: LocalFeatures,
}

/// The first page or frame of a file.
pub(crate) struct First<'a> {
    pub(crate) media_type: &'static str,
    /// Pages or frames of the file.
    pub(crate) pages: u32,
    pub(crate) image: &'a Image,
}

impl<'a> From<&'a Described> for First<'a> {
    fn from(described: &'a Described) -> Self {
        Self {
            media_type: described.media_type,
            pages: described.pages,
            image: &described.image,
        }
    }
}

/// Describes the further pages or frames of a file whose first is `first`, at most as many as
/// [`EngineOptions::most_views`] leaves beside it, evenly spread. One is in memory at a time, which `keep` gets.
/// Frames that look like the one before are left out, and so are pages without features. Returns the numbers of those
/// that could not be read or described. `cancel` ends it between two pages; while `retry` is not raised, a page waits for an extractor
/// that is away.
///
/// # Errors
/// `cancelled`, and those of an extractor that can describe nothing.
pub(crate) fn describe_views(
    bytes: &[u8],
    first: &First<'_>,
    options: &EngineOptions,
    extractor: &dyn LocalExtractor,
    [cancel, retry]: [Option<&AtomicBool>; 2],
    keep: &mut dyn FnMut(DescribedView),
) -> Result<Vec<u32>, EngineError> {
    let is_animation = is_animation(first.media_type);
    if first.pages <= 1 {
        return Ok(Vec::new());
    }
    let size = [first.image.width(), first.image.height()];
    let wanted = wanted(first.media_type, first.pages, size, options);
    let mut file = Turned {
        bytes,
        options,
        is_animation,
        opened: None,
    };
    let mut before = is_animation.then(|| Small::of(first.image)).flatten();
    let mut unread = Vec::new();
    let wanted: Vec<u32> = wanted.collect();
    for (at, &number) in wanted.iter().enumerate() {
        go_on(cancel)?;
        let page = match file.page(number) {
            Ok(page) => page,
            Err(Missing::This) => {
                unread.push(number);
                continue;
            }
            Err(Missing::Rest) => break,
            Err(Missing::All) => {
                unread.extend(&wanted[at..]);
                break;
            }
        };
        if let Some(last) = &before {
            let small = Small::of(&page.image);
            if small.as_ref().is_some_and(|small| small.is_like(last)) {
                continue;
            }
            before = small.or(before);
        }
        match describe_image(&page.image, options, extractor, retry) {
            Ok(features) if features.is_empty() => {}
            Ok(features) => keep(DescribedView {
                number,
                time_ms: page.time_ms,
                size: [page.image.width(), page.image.height()],
                features,
            }),
            Err(EngineError::Extract(error)) if error.fault != Fault::Picture => {
                return Err(error.into());
            }
            Err(EngineError::Cancelled) => return Err(EngineError::Cancelled),
            Err(error) => {
                tracing::debug!("page or frame {number} is not described: {error}");
                unread.push(number);
            }
        }
    }
    Ok(unread)
}

/// The numbers of the pages or frames of a file that are described beside the first, which has this size.
pub(crate) fn wanted(
    media_type: &str,
    mut count: u32,
    [width, height]: [u32; 2],
    options: &EngineOptions,
) -> impl Iterator<Item = u32> + use<> {
    let is_drawn_over = is_animation(media_type) && !is_video(media_type);
    if is_drawn_over {
        // Each frame is drawn over those before, so all up to the last one are gone through.
        count = count.min(most_frames(width, height));
    }
    // The first frame of a PNG need not be the picture that programs without animations show.
    let sampled = sampled(count, options.most_views.min(MOST_VIEWS));
    sampled.filter(move |number| *number > 1 || is_drawn_over)
}

/// The page or frame of a file with this number; `None` where it has none that can be read.
pub(crate) fn page(bytes: &[u8], number: u32, options: &EngineOptions) -> Option<Page> {
    let skipped = number.checked_sub(1)?;
    let mut all = pages(bytes, &options.decode).ok()?;
    all.nth(skipped as usize)?.ok()
}

/// At most `most` of the numbers from 1 to `count`, evenly spread, with the first and the last.
fn sampled(count: u32, most: u32) -> impl Iterator<Item = u32> + use<> {
    let taken = count.min(most).max(1);
    (0..taken).map(move |i| {
        let steps = u64::from(taken - 1).max(1);
        let at = u64::from(i) * u64::from(count.max(1) - 1) / steps;
        u32::try_from(at).unwrap_or(u32::MAX).saturating_add(1)
    })
}

/// Why there is no page.
enum Missing {
    /// It cannot be read.
    This,
    /// Neither it nor any after it is there: files may announce more than they have.
    Rest,
    /// The file cannot be opened for its pages, now or at all.
    All,
}

/// A file whose pages are asked for in ascending order.
struct Turned<'a> {
    bytes: &'a [u8],
    options: &'a EngineOptions,
    is_animation: bool,
    /// With the number of the next page.
    opened: Option<(Pages<'a>, u32)>,
}

impl Turned<'_> {
    /// A page that cannot be read costs that page alone; a frame costs also those that are drawn over it.
    fn page(&mut self, number: u32) -> Result<Page, Missing> {
        let (mut all, next) = match self.opened.take() {
            Some(opened) => opened,
            None => match pages(self.bytes, &self.options.decode) {
                Ok(all) => (all, 1),
                Err(refused) => {
                    tracing::debug!("further pages are not read: {refused}");
                    return Err(Missing::All);
                }
            },
        };
        match all.nth(number.saturating_sub(next) as usize) {
            Some(Ok(page)) => {
                self.opened = Some((all, number.saturating_add(1)));
                Ok(page)
            }
            Some(Err(_)) if !self.is_animation => Err(Missing::This),
            Some(Err(refused)) => {
                tracing::debug!("frames from {number} on are not read: {refused}");
                // The frames after it show what is left of it.
                self.opened = Some((all, number.saturating_add(1)));
                Err(Missing::This)
            }
            None => Err(Missing::Rest),
        }
    }
}

/// A small copy of a frame.
struct Small(Vec<u8>);

impl Small {
    fn of(image: &Image) -> Option<Self> {
        let small = resized(image, [SIDE, SIDE])?;
        Some(Self(small.rgb().to_vec()))
    }

    fn is_like(&self, other: &Self) -> bool {
        let pairs = self.0.iter().zip(&other.0);
        let sum: u64 = pairs.map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
        (sum as f64) < NEARLY_EQUAL * self.0.len() as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_sampled_evenly_with_the_first_and_the_last() {
        let numbers = |count, most| sampled(count, most).collect::<Vec<_>>();
        assert_eq!(numbers(5, 32), [1, 2, 3, 4, 5]);
        assert_eq!(numbers(32, 32), (1..=32).collect::<Vec<_>>());
        assert_eq!(numbers(100, 4), [1, 34, 67, 100]);
        assert_eq!(numbers(100, 1), [1]);
        assert_eq!(numbers(0, 32), [1]);
        let many = numbers(u32::MAX, 32);
        assert_eq!((many.len(), many[0], many[31]), (32, 1, u32::MAX));
        assert!(many.is_sorted_by(|a, b| a < b));
        assert_eq!(numbers(33, 32).len(), 32);
    }
}
