//! Drawing of what is nested: each level is a call.

use std::thread;

use crate::Refused;

/// Enough for the deepest nesting that the parsers of drawings allow.
const STACK: usize = 64 << 20;

/// Runs `work` on a thread with a deep stack. A panic goes on in the caller.
pub(crate) fn on_a_deep_stack<T: Send>(
    work: impl FnOnce() -> Result<T, Refused> + Send,
) -> Result<T, Refused> {
    thread::scope(|scope| {
        let builder = thread::Builder::new().stack_size(STACK);
        let working = builder.spawn_scoped(scope, work);
        let working = working
            .map_err(|error| Refused::broken(format!("no thread could be started: {error}")))?;
        match working.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}
