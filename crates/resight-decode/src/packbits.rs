//! Runs of bytes, as TIFF and Photoshop store them.

/// Runs of bytes (TIFF 6.0, section 9).
pub(crate) fn packbits(mut data: &[u8], needed: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(needed);
    while let Some((&head, rest)) = data.split_first() {
        if out.len() >= needed {
            break;
        }
        let head = head as i8;
        let count = usize::from(head.unsigned_abs()) + 1;
        match (head, rest.split_first()) {
            (-128, _) => data = rest,
            (0.., _) => {
                let count = count.min(rest.len());
                out.extend(&rest[..count]);
                data = &rest[count..];
            }
            (_, Some((&value, after))) => {
                out.resize(out.len() + count, value);
                data = after;
            }
            (_, None) => break,
        }
    }
    out.truncate(needed);
    out
}
