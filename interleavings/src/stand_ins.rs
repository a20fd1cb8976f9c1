//! What the copied files import and the models do not need.

pub(crate) mod refused {
    #[derive(Debug)]
    pub(crate) enum RefusedCode {
        TooManyPixels,
    }

    #[derive(Debug)]
    pub(crate) struct Refused {
        _code: RefusedCode,
        _detail: String,
    }

    impl Refused {
        pub(crate) fn new(code: RefusedCode, detail: String) -> Self {
            Self {
                _code: code,
                _detail: detail,
            }
        }
    }
}

pub(crate) mod call {
    #[derive(Default)]
    pub(crate) struct Call<'a>(std::marker::PhantomData<&'a ()>);
}

pub(crate) mod error {
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) enum PluginError {
        Cancelled,
        Died,
    }
}

pub(crate) mod reply {
    pub(crate) type Outcome = Result<u32, super::error::PluginError>;
}

pub(crate) mod worker {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Where workers end.
    #[derive(Default)]
    pub(crate) struct Pool {
        pub(crate) returned: AtomicUsize,
        pub(crate) lost: AtomicUsize,
    }

    /// A worker that its owner returns to the pool.
    pub(crate) struct Worker {
        pool: Arc<Pool>,
        is_returned: bool,
    }

    impl Worker {
        pub(crate) fn of(pool: &Arc<Pool>) -> Self {
            Self {
                pool: pool.clone(),
                is_returned: false,
            }
        }

        pub(crate) fn put_back(mut self) {
            self.is_returned = true;
        }
    }

    impl Drop for Worker {
        fn drop(&mut self) {
            let count = match self.is_returned {
                true => &self.pool.returned,
                false => &self.pool.lost,
            };
            count.fetch_add(1, Ordering::SeqCst);
        }
    }
}

/// What stands in the files of the index that are not copied.
pub(crate) mod index {
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub(crate) struct Key(pub(crate) u64);

    pub(crate) mod place {
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) struct Place(pub(crate) u32);
    }

    pub(crate) mod vocabulary {
        pub(crate) struct Vocabulary {
            pub(crate) words: usize,
        }

        impl Vocabulary {
            pub(crate) fn id(&self) -> &str {
                "a vocabulary"
            }

            pub(crate) fn len(&self) -> usize {
                self.words
            }
        }
    }
}
