//! What the table of error codes declares.

/// Declares [`Code`] and its rows from one list.
macro_rules! codes {
    ($($variant:ident = $text:literal, $status:expr, $title:literal, $next_step:literal;)*) => {
        /// A stable identifier of an error, for programs.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code {
            $(#[doc = $title] $variant,)*
        }

        impl Code {
            /// Every code, in the order of `docs/errors.md`.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            pub(super) const fn row(self) -> Row {
                match self {
                    $(Self::$variant => Row {
                        text: $text,
                        status: $status,
                        title: $title,
                        next_step: $next_step,
                    },)*
                }
            }
        }
    };
}

pub(super) use codes;
