//! Pages or frames of a file that a child decodes one by one.

use resight_decode::{Job, Page, Refused};

use crate::child::{Answer, Child};
use crate::death::Death;
use crate::pool::Pool;

/// The pages of a file. The child goes back to its pool when no more are wanted.
pub(crate) struct Turned<'a> {
    pool: Pool,
    /// `None` after the last page.
    child: Option<Child>,
    job: Job<'a>,
}

impl<'a> Turned<'a> {
    pub(crate) fn new(pool: Pool, child: Child, job: Job<'a>) -> Self {
        Self {
            pool,
            child: Some(child),
            job,
        }
    }
}

impl Iterator for Turned<'_> {
    type Item = Result<Page, Refused>;

    fn next(&mut self) -> Option<Self::Item> {
        self.nth(0)
    }

    fn nth(&mut self, skipped: usize) -> Option<Self::Item> {
        let mut child = self.child.take()?;
        let skipped = u32::try_from(skipped).unwrap_or(u32::MAX);
        let death = match child.next_page(self.job, skipped) {
            Ok(Answer::Pixels(pixels)) => {
                self.child = Some(child);
                return Some(Ok(Page {
                    image: pixels.image,
                    time_ms: pixels.time_ms,
                }));
            }
            Ok(Answer::End) => {
                self.pool.put_back(child);
                return None;
            }
            Ok(Answer::Refused(refused)) => {
                self.pool.put_back(child);
                return Some(Err(refused));
            }
            Ok(Answer::Opened) => Death::Garbled,
            Err(death) => death,
        };
        self.pool.lost(&child, &death);
        Some(Err(death.refusal(self.job.format, &child.allowed())))
    }
}

impl Drop for Turned<'_> {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take()
            && child.stop_pages()
        {
            self.pool.put_back(child);
        }
    }
}
