//! The HTTP API as a client sees it, mostly called without a port.

mod errors;
mod fixtures;
mod guard;
mod load;
mod pages;
mod pictures;
mod searching;
mod serving;
