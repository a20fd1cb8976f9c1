//! Where a data folder's catalogue and blobs are: in the folder itself, or on servers that the settings name.
//!
//! Invariant: a data folder that was used with one pair of stores is not opened with another.

pub mod addresses;
mod derived;
#[cfg(feature = "cluster")]
mod in_postgres;
#[cfg(feature = "cluster")]
mod in_s3;
mod lock;
#[cfg(not(feature = "cluster"))]
mod no_postgres;
#[cfg(not(feature = "cluster"))]
mod no_s3;
mod opening;
mod outside;
mod places;
mod record;

pub(crate) use derived::{claim_index, with_index_of};
pub use lock::WriteLock;
pub use opening::count_in;
pub(crate) use opening::{
    BLOBS, catalogue_of, has_catalogue, identity_in, lost_catalogue, no_catalogue, open_blobs,
    open_catalogue, read_blobs, read_catalogue, stored_in,
};
pub use places::CollectionPlaces;
pub(crate) use record::check;
