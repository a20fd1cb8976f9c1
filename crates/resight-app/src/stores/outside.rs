//! The stores on servers, as far as they are linked in.

#[cfg(feature = "cluster")]
pub(super) use super::in_postgres::{
    Writer, catalogue_location, check_catalogue, collections, drop_catalogue, has_catalogue,
    open_catalogue, read_catalogue,
};
#[cfg(feature = "cluster")]
pub(super) use super::in_s3::{
    blobs_location, check_blobs, drop_blobs, has_blobs, open_blobs, read_blobs,
};
#[cfg(not(feature = "cluster"))]
pub(super) use super::no_postgres::{
    Writer, catalogue_location, check_catalogue, collections, drop_catalogue, has_catalogue,
    open_catalogue, read_catalogue,
};
#[cfg(not(feature = "cluster"))]
pub(super) use super::no_s3::{
    blobs_location, check_blobs, drop_blobs, has_blobs, open_blobs, read_blobs,
};
