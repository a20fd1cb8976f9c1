//! Descriptors that a child inherited by a library's fault.

#![allow(unsafe_code)]

/// Closes all descriptors but standard input, output and error. To be called before anything else was opened.
pub(crate) fn close_all_but_standard() {
    let (first, last, flags) = (3u32, u32::MAX, 0u32);
    // SAFETY: the call takes three numbers and no pointer. The process has just begun, so nothing in it has a
    // descriptor beyond the standard ones that it would use later: what is open was inherited. On a kernel without
    // the call (before 5.9) it fails, and what was inherited stays open.
    let _is_unknown = unsafe { libc::syscall(libc::SYS_close_range, first, last, flags) };
}
