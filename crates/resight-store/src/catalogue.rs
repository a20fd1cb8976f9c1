//! The catalogue as a whole.

use crate::changes::Changes;
use crate::decisions::Decisions;
use crate::encoded::{EncodedFeatures, EncodedWords, StagedWords};
use crate::integrity::Integrity;
use crate::label_queries::LabelQueries;
use crate::pairs::Pairs;
use crate::picture::Pictures;
use crate::repairs::Repairs;
use crate::settings::{RemovedPictures, Settings};
use crate::sources::{Refusals, Sources};
use crate::vectors::Vectors;
use crate::views::Views;

/// Durable records of pictures and of everything known about them: the sum of the traits by concern.
/// Whatever implements all of them is a catalogue. On a `dyn Catalogue` their methods are called
/// without importing the traits.
///
/// What every implementation promises, beyond the contract on each trait (`conformance` tests it):
///
/// - **Threads.** Any method may be called from any thread.
/// - **Reading.** One call reads one committed state; two calls may read two. A read does not wait
///   for a commit in progress, and a read that begins after a change has returned sees that change.
/// - **Durability.** When a method that changes something has returned `Ok`, the change survives a
///   crash and a power cut. When it has returned an error, nothing of it was stored, except with
///   `store_io`, where the outcome may be unknown.
/// - **Pages.** A method with `after` and `limit` returns the next `limit` entries, and fewer only at
///   the end: [`crate::pages()`] reads them all. Pages are read one after another, not from one state:
///   an entry added or removed meanwhile may or may not appear, every other entry appears exactly
///   once.
/// - **Batches.** Slices may have any length; an implementation splits them into the queries that its
///   database takes. Callers bound them by the memory that the answer takes.
/// - **Text** compares byte for byte, and sorts by its bytes (`COLLATE "C"` in PostgreSQL).
/// - **Checksums.** Features, words, vectors and records carry checksums, which every read compares: bytes
///   that have changed since they were written fail with `picture_damaged` and are never returned.
/// - **Errors.** Any method may fail with `store_io`, `store_busy`, `store_unreachable` or `store_damaged`; one
///   that changes something also with `store_full`, `store_read_only` and `data_folder_gone`.
pub trait Catalogue:
    Changes
    + Pictures
    + LabelQueries
    + EncodedFeatures
    + EncodedWords
    + StagedWords
    + Sources
    + Refusals
    + Vectors
    + Pairs
    + Decisions
    + Settings
    + RemovedPictures
    + Integrity
    + Repairs
    + Views
{
}

impl<T> Catalogue for T where
    T: Changes
        + Pictures
        + LabelQueries
        + EncodedFeatures
        + EncodedWords
        + StagedWords
        + Sources
        + Refusals
        + Vectors
        + Pairs
        + Decisions
        + Settings
        + RemovedPictures
        + Integrity
        + Repairs
        + Views
        + ?Sized
{
}
