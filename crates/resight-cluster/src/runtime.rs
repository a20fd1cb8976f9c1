//! The clients of databases and object stores are asynchronous, the traits of the store are not.
//!
//! Connections and timers live on the threads of one runtime. A method polls its own future on the thread that
//! called it, and parks that thread in between, so it may borrow what the caller has. It works on any thread, also
//! on one of another runtime, which it blocks as any other call of the store does.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use resight_store::StoreError;
use tokio::runtime::{Builder, Runtime};
use tokio::task::unconstrained;

/// Enough to move the bytes of many connections: the work on them is done by the calling threads.
const THREADS: usize = 2;

static RUNTIME: LazyLock<Result<Runtime, String>> = LazyLock::new(|| {
    let built = Builder::new_multi_thread()
        .worker_threads(THREADS)
        .thread_name("resight-cluster")
        .enable_all()
        .build();
    built.map_err(|error| error.to_string())
});

/// Runs a future to its end. What needs the runtime to be made, such as a timer, is made within an `async` block. Fails with `store_io` where the system gives no threads for the runtime.
pub(crate) fn block_on<F: Future>(future: F) -> Result<F::Output, StoreError> {
    let runtime = RUNTIME.as_ref().map_err(|reason| StoreError::Io {
        location: "the threads for connections".to_owned(),
        source: reason.clone().into(),
    })?;
    let _inside = runtime.enter();
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    // Otherwise tokio would count the polls against the task of another runtime that this thread may be running,
    // and make the future wait for a turn of that task that never ends.
    let mut future = pin!(unconstrained(future));
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return Ok(output),
            Poll::Pending => thread::park(),
        }
    }
}

/// Lets a future run beside everything else. It ends with the process at the latest.
pub(crate) fn spawn(future: impl Future<Output = ()> + Send + 'static) {
    // Without threads nothing else works either, and says so.
    if let Ok(runtime) = RUNTIME.as_ref() {
        runtime.spawn(future);
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::{sleep, timeout};

    use super::*;

    /// More steps than tokio gives a task at a time.
    async fn many_steps() -> usize {
        let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
        tokio::spawn(async move {
            for number in 0..1000 {
                let _ = sender.send(number);
                tokio::task::yield_now().await;
            }
        });
        let mut count = 0;
        while receiver.recv().await.is_some() {
            count += 1;
        }
        count
    }

    #[test]
    fn a_future_runs_on_any_thread() {
        assert_eq!(block_on(many_steps()).unwrap(), 1000);
        let late = block_on(async {
            timeout(Duration::from_millis(1), sleep(Duration::from_secs(60))).await
        });
        assert!(late.unwrap().is_err());

        let other = Runtime::new().unwrap();
        // In a task, where a runtime's own way to block panics, and on a thread for blocking work.
        let in_task = other.block_on(async { block_on(many_steps()).unwrap() });
        assert_eq!(in_task, 1000);
        let spawned = other.spawn(async { block_on(many_steps()).unwrap() });
        assert_eq!(other.block_on(spawned).unwrap(), 1000);
        let blocking = other.spawn_blocking(|| block_on(many_steps()).unwrap());
        assert_eq!(other.block_on(blocking).unwrap(), 1000);
    }
}
