//! The catalogue on a real PostgreSQL.

mod changing;
mod damage;
mod lock;
#[cfg(unix)]
mod network;
mod opening;
mod server;
mod trouble;

use resight_store::Catalogue;

/// Makes catalogues in collections of their own, which go with it.
fn new_collections() -> impl Fn() -> Box<dyn Catalogue> {
    let collections = server::Collections::new();
    move || collections.new_one()
}

/// Opens one collection, which goes with it.
fn one_collection() -> impl Fn() -> Box<dyn Catalogue> {
    let collections = server::Collections::new();
    move || collections.same_one()
}

mod conformance {
    resight_store::catalogue_conformance!(super::new_collections());
}

mod durable {
    resight_store::durable_conformance!(super::one_collection());
}
