//! Blobs as objects of a bucket.

mod address;
mod client;
mod errors;

use std::future::Future;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::aws::AmazonS3;
use object_store::list::{PaginatedListOptions, PaginatedListStore};
use object_store::path::Path;
use object_store::{GetOptions, GetRange, ObjectStore, ObjectStoreExt, PutPayload};
use resight_store::{BlobStore, CollectionName, StoreError, check_blob_name};

use crate::runtime::block_on;
use address::S3Address;
use errors::Failure;

/// Keys of one page of a list, the most that S3 gives.
const PAGE: usize = 1000;
/// Objects of one page that are deleted at once.
const DELETED_AT_ONCE: usize = 20;

/// An object that exists while a collection is open for writing. One that is found at opening was left by a process that
/// was killed, or by one in which a blob could not be stored or deleted. No blob's name has capitals.
const OPEN: &str = "OPEN";

/// Credentials of the client of an object store.
#[derive(Clone)]
pub enum S3Credentials {
    /// Those of the usual variables of AWS, or of the role that the machine has.
    Environment,
    /// A pair of keys.
    Keys {
        /// The access key's id.
        id: String,
        /// Its secret.
        secret: String,
    },
}

/// A [`BlobStore`] with one object for each blob, in a bucket of an object store that speaks S3.
///
/// An address is `s3://bucket/prefix?endpoint=http://host:port&region=eu-west-1&path_style=true&timeout=60`, of which all
/// but the bucket may be left out. Blobs of a collection lie below the prefix and the collection's name. One process at
/// a time may have a collection open for writing.
pub struct S3Blobs {
    store: AmazonS3,
    /// What every key begins with; ends with `/`.
    prefix: String,
    location: String,
    limit: Duration,
    is_writer: bool,
    was_left_open: bool,
    /// Whether a blob may be there whose caller got an error.
    has_failed: AtomicBool,
}

impl S3Blobs {
    /// What tells the place of an address from others. Fails with `store_address` where the address cannot be one. Asks
    /// nobody.
    pub fn location(address: &str) -> Result<String, StoreError> {
        let address = S3Address::parse(address)?;
        let mut place = format!("s3://{}/{}", address.bucket, address.prefix);
        if let Some(endpoint) = &address.endpoint {
            place = format!("{place} at {endpoint}");
        }
        Ok(place)
    }

    /// Opens the blobs of a collection for writing. Fails with `store_unreachable`, `store_denied` and `store_absent`
    /// where the bucket cannot be used.
    pub fn open(
        address: &str,
        collection: &CollectionName,
        credentials: &S3Credentials,
    ) -> Result<Self, StoreError> {
        let mut blobs = Self::for_reading(address, collection, credentials)?;
        blobs.was_left_open = blobs.read(OPEN, None)?.is_some();
        blobs.write(OPEN, Vec::new())?;
        blobs.is_writer = true;
        Ok(blobs)
    }

    /// The blobs of a collection as they are, for reading alone. Fails as [`S3Blobs::open`] does.
    pub fn for_reading(
        address: &str,
        collection: &CollectionName,
        credentials: &S3Credentials,
    ) -> Result<Self, StoreError> {
        let address = S3Address::parse(address)?;
        let mut prefix = address.prefix.clone();
        if !prefix.is_empty() {
            prefix.push('/');
        }
        prefix.push_str(collection.as_str());
        prefix.push('/');
        let location = format!("s3://{}/{prefix}", address.bucket);
        let blobs = Self {
            store: client::build(&address, credentials)?,
            prefix,
            location,
            limit: address.timeout,
            is_writer: false,
            was_left_open: false,
            has_failed: AtomicBool::new(false),
        };
        blobs.check()?;
        Ok(blobs)
    }

    /// Whether the process that had it open for writing before was killed, or could not store or delete a blob,
    /// so that there may be blobs which the catalogue does not know.
    pub fn was_left_open(&self) -> bool {
        self.was_left_open
    }

    /// Whether the collection has blobs.
    pub fn has_any(&self) -> Result<bool, StoreError> {
        let (keys, _) = self.page(&self.prefix, None, None, 2)?;
        Ok(keys.iter().any(|key| !key.ends_with(OPEN)))
    }

    /// Deletes all blobs of the collection.
    pub fn delete_all(&self) -> Result<(), StoreError> {
        loop {
            let (keys, _) = self.page(&self.prefix, None, None, PAGE)?;
            if keys.is_empty() {
                return Ok(());
            }
            self.ask(async {
                let paths = keys.into_iter().map(Path::from);
                let delete = |path| async move { self.store.delete(&path).await };
                let deletions = stream::iter(paths).map(delete);
                let mut deletions = deletions.buffer_unordered(DELETED_AT_ONCE);
                while deletions.try_next().await?.is_some() {}
                Ok(())
            })
            .map_err(|failure| failure.into_error(&self.location))?;
        }
    }

    /// Fails where there are no credentials, and where the bucket cannot be read.
    fn check(&self) -> Result<(), StoreError> {
        client::check_credentials(&self.store, &self.location, self.limit)?;
        self.page(&self.prefix, None, None, 1).map(|_| ())
    }

    /// Runs a request with all that is tried again within the limit of time.
    fn ask<T>(&self, request: impl Future<Output = object_store::Result<T>>) -> Result<T, Failure> {
        // The timer belongs to the runtime, which the thread enters only within.
        let within = async { tokio::time::timeout(self.limit, request).await };
        match block_on(within).map_err(Failure::Other)? {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(Failure::of(&error, &self.location)),
            Err(_) => Err(Failure::Other(errors::unreachable(
                self.location.clone(),
                "it did not answer in time",
            ))),
        }
    }

    fn key(&self, name: &str) -> Path {
        Path::from(format!("{}{name}", self.prefix))
    }

    fn write(&self, name: &str, bytes: Vec<u8>) -> Result<(), StoreError> {
        let key = self.key(name);
        let put = self.ask(self.store.put(&key, PutPayload::from(bytes)));
        match put {
            Ok(_) => Ok(()),
            Err(failure) => Err(failure.into_error(&self.location)),
        }
    }

    /// The bytes under a name, or the part of them that a range names, which is not empty.
    fn read(&self, name: &str, range: Option<GetRange>) -> Result<Option<Vec<u8>>, StoreError> {
        let key = self.key(name);
        let options = GetOptions {
            range,
            ..GetOptions::default()
        };
        let read = self.ask(async {
            let answer = self.store.get_opts(&key, options).await?;
            answer.bytes().await
        });
        match read {
            Ok(bytes) => Ok(Some(bytes.into())),
            Err(Failure::NoObject) => Ok(None),
            Err(Failure::BeyondEnd) => Ok(Some(Vec::new())),
            Err(Failure::Other(error)) => Err(error),
        }
    }

    fn exists(&self, name: &str) -> Result<bool, StoreError> {
        // Not HEAD, whose answer does not tell a missing object from a missing bucket.
        Ok(self.read(name, Some(GetRange::Bounded(0..1)))?.is_some())
    }

    fn remove(&self, name: &str) -> Result<(), StoreError> {
        match self.ask(self.store.delete(&self.key(name))) {
            Ok(()) | Err(Failure::NoObject) => Ok(()),
            Err(failure) => Err(failure.into_error(&self.location)),
        }
    }

    /// One page of the keys that begin with `prefix`, and what the next page follows.
    fn page(
        &self,
        prefix: &str,
        delimiter: Option<&'static str>,
        after: Option<String>,
        most: usize,
    ) -> Result<(Vec<String>, Option<String>), StoreError> {
        let options = PaginatedListOptions {
            delimiter: delimiter.map(Into::into),
            max_keys: Some(most),
            page_token: after,
            ..PaginatedListOptions::default()
        };
        let page = self.ask(self.store.list_paginated(Some(prefix), options));
        let page = page.map_err(|failure| failure.into_error(&self.location))?;
        let keys = page.result.objects.into_iter();
        let keys = keys.map(|object| object.location.to_string()).collect();
        Ok((keys, page.page_token))
    }
}

impl BlobStore for S3Blobs {
    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        check_blob_name(name)?;
        self.write(name, bytes.to_vec()).inspect_err(|_| {
            // It may be there, or come to be: a server may carry out a request that nobody waits for any more.
            self.has_failed.store(true, Ordering::Relaxed);
        })
    }

    fn get(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        check_blob_name(name)?;
        self.read(name, None)
    }

    fn part(&self, name: &str, range: Range<u64>) -> Result<Option<Vec<u8>>, StoreError> {
        check_blob_name(name)?;
        if range.is_empty() {
            return Ok(self.exists(name)?.then(Vec::new));
        }
        // Servers read signed numbers.
        let range = if i64::try_from(range.end).is_ok() {
            GetRange::Bounded(range)
        } else {
            GetRange::Offset(range.start)
        };
        self.read(name, Some(range))
    }

    fn delete(&self, name: &str) -> Result<bool, StoreError> {
        check_blob_name(name)?;
        // An object store does not say whether it had what it deleted.
        let delete = || {
            let existed = self.exists(name)?;
            if existed {
                self.remove(name)?;
            }
            Ok(existed)
        };
        delete().inspect_err(|_: &StoreError| self.has_failed.store(true, Ordering::Relaxed))
    }

    fn settle_deletions(&self) -> Result<(), StoreError> {
        // Each was durable when it was acknowledged.
        Ok(())
    }

    fn names(&self, folder: &str) -> Result<Vec<String>, StoreError> {
        check_blob_name(folder)?;
        let prefix = format!("{}{folder}/", self.prefix);
        let (mut names, mut after) = (Vec::new(), None);
        loop {
            let (keys, next) = self.page(&prefix, Some("/"), after, PAGE)?;
            let below = keys.iter().filter_map(|key| key.strip_prefix(&prefix));
            let parts = below.filter(|part| !part.contains('/') && check_blob_name(part).is_ok());
            names.extend(parts.map(|part| format!("{folder}/{part}")));
            after = next;
            if after.is_none() {
                return Ok(names);
            }
        }
    }
}

impl Drop for S3Blobs {
    fn drop(&mut self) {
        if self.is_writer && !*self.has_failed.get_mut() {
            // If it stays, the next opening looks for what a kill might have left.
            let _ = self.remove(OPEN);
        }
    }
}
