//! The stores outside the data folder, as the settings name them.

use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;

use super::outside;
use crate::AppError;

/// What names the embedded stores where another setting has to be taken back.
pub(super) const EMBEDDED: &str = "embedded";

/// The stores outside the data folder. The default has none.
#[derive(Clone, Default)]
pub struct Stores {
    catalogue: Option<Arc<str>>,
    blobs: Option<Arc<str>>,
    /// What keeps other writers from the catalogue, while this process may change it.
    writer: Arc<Mutex<Option<Arc<outside::Writer>>>>,
}

impl Stores {
    /// Takes the addresses of the settings; `None` and `embedded` stand for the data folder. Asks no server.
    ///
    /// # Errors
    /// `store_address`, and `not_built_in` where this program was built without what an address names.
    pub(crate) fn new(catalogue: Option<String>, blobs: Option<String>) -> Result<Self, AppError> {
        let named = |text: Option<String>| {
            let text = text.filter(|text| !text.is_empty() && text != EMBEDDED);
            text.map(Arc::from)
        };
        let stores = Self {
            catalogue: named(catalogue),
            blobs: named(blobs),
            writer: Arc::default(),
        };
        if let Some(address) = &stores.catalogue {
            outside::check_catalogue(address)?;
        }
        if let Some(address) = &stores.blobs {
            outside::check_blobs(address)?;
        }
        Ok(stores)
    }

    /// Whether the catalogue or the blobs are outside the data folder.
    pub fn are_outside(&self) -> bool {
        self.catalogue.is_some() || self.blobs.is_some()
    }

    /// The address of the catalogue, where it is outside.
    pub(crate) fn catalogue(&self) -> Option<&str> {
        self.catalogue.as_deref()
    }

    /// The address of the blobs, where they are outside.
    pub(crate) fn blobs(&self) -> Option<&str> {
        self.blobs.as_deref()
    }

    /// Fails with `outside_store` where `what` cannot be done yet.
    pub(crate) fn refuse_outside(&self, what: &'static str) -> Result<(), AppError> {
        if self.are_outside() {
            return Err(AppError::OutsideStore { what });
        }
        Ok(())
    }

    /// What keeps other writers away, where this process has a catalogue outside open for changes.
    pub(super) fn writer(&self) -> Option<Arc<outside::Writer>> {
        self.writer.lock().clone()
    }

    /// Has catalogues outside changed as the one writer from now on, or by nobody.
    pub(super) fn set_writer(&self, writer: Option<outside::Writer>) {
        // The one before ends when nothing has it any more.
        *self.writer.lock() = writer.map(Arc::new);
    }
}

impl fmt::Debug for Stores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stores")
            .field("catalogue", &self.catalogue.is_some())
            .field("blobs", &self.blobs.is_some())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_named_is_embedded() {
        for nothing in [None, Some(String::new()), Some("embedded".to_owned())] {
            let stores = Stores::new(nothing.clone(), nothing).unwrap();
            assert!(!stores.are_outside());
            stores.refuse_outside("it").unwrap();
        }
    }

    #[cfg(not(feature = "cluster"))]
    #[test]
    fn a_program_without_the_clients_says_so() {
        for (catalogue, blobs) in [
            (Some("postgres://localhost/resight".to_owned()), None),
            (None, Some("s3://pictures".to_owned())),
        ] {
            let error = Stores::new(catalogue, blobs).unwrap_err();
            assert_eq!(error.code(), crate::Code::NotBuiltIn);
            assert!(error.next_step().contains("--features cluster"));
        }
    }

    #[cfg(feature = "cluster")]
    #[test]
    fn addresses_are_checked_and_never_repeated() {
        for (catalogue, blobs) in [
            ("secret", ""),
            ("mysql://secret", ""),
            ("postgres://me:secret@host/db", ""),
            ("postgres://host/db?password=secret", ""),
            ("", "secret"),
            ("", "s3://me:secret@bucket"),
        ] {
            let error = Stores::new(Some(catalogue.into()), Some(blobs.into())).unwrap_err();
            assert_eq!(
                error.code(),
                crate::Code::StoreAddress,
                "{catalogue}{blobs}"
            );
            assert!(error.is_wrong_setting());
            assert!(!format!("{error}{error:?}").contains("secret"), "{error}");
        }
        let stores = Stores::new(
            Some("postgres://me@host/db".into()),
            Some("s3://pictures/a".into()),
        );
        assert!(stores.unwrap().refuse_outside("it").is_err());
    }
}
