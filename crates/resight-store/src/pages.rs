//! Going through all pages of a listing.

/// Entries to ask for at a time where each takes a few bytes, as keys do.
pub const PAGE: usize = 50_000;

/// All pages of a listing, one after another. `page` returns at most `limit` entries after a cursor, as
/// the paged methods of a [`crate::Catalogue`] do; `cursor` is the cursor that follows an entry. Ends
/// after a page shorter than `limit`, or after an error.
pub fn pages<T, C, E>(
    limit: usize,
    cursor: impl Fn(&T) -> C,
    page: impl FnMut(Option<C>, usize) -> Result<Vec<T>, E>,
) -> impl Iterator<Item = Result<Vec<T>, E>> {
    // A limit of 0 would ask for ever.
    let limit = limit.max(1);
    let mut page = page;
    let mut after = None;
    let mut at_end = false;
    std::iter::from_fn(move || {
        if at_end {
            return None;
        }
        let read = page(after.take(), limit);
        let entries = read.as_deref().unwrap_or_default();
        at_end = entries.len() < limit;
        after = entries.last().map(&cursor);
        let is_empty = read.as_ref().is_ok_and(Vec::is_empty);
        (!is_empty).then_some(read)
    })
}

/// All entries of a listing of small entries, read in pages of [`PAGE`].
pub fn read_all<T, C, E>(
    cursor: impl Fn(&T) -> C,
    page: impl FnMut(Option<C>, usize) -> Result<Vec<T>, E>,
) -> Result<Vec<T>, E> {
    let mut all = Vec::new();
    for entries in pages(PAGE, cursor, page) {
        all.append(&mut entries?);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::pages;

    /// Keys 1 to `last`, of which the page after `fails_after` cannot be read.
    fn read(last: u64, limit: usize, fails_after: Option<u64>) -> (Vec<Result<Vec<u64>, ()>>, u32) {
        let mut calls = 0;
        let page = |after: Option<u64>, limit: usize| {
            calls += 1;
            let first = after.unwrap_or(0) + 1;
            let keys = (first..=last).take(limit).collect();
            if after.is_some() && after == fails_after {
                Err(())
            } else {
                Ok(keys)
            }
        };
        let read = pages(limit, |key| *key, page).collect();
        (read, calls)
    }

    #[test]
    fn pages_end_with_the_first_short_one() {
        let cases: [(u64, usize, &[&[u64]], u32); 5] = [
            (0, 2, &[], 1),
            (1, 2, &[&[1]], 1),
            (2, 2, &[&[1, 2]], 2),
            (5, 2, &[&[1, 2], &[3, 4], &[5]], 3),
            (2, 0, &[&[1], &[2]], 3),
        ];
        for (last, limit, expected, calls) in cases {
            let expected: Vec<_> = expected.iter().map(|page| Ok(page.to_vec())).collect();
            assert_eq!(
                read(last, limit, None),
                (expected, calls),
                "{last} by {limit}"
            );
        }
    }

    #[test]
    fn an_error_ends_the_pages() {
        let (read, calls) = read(9, 2, Some(2));
        assert_eq!(read, [Ok(vec![1, 2]), Err(())]);
        assert_eq!(calls, 2);
    }
}
