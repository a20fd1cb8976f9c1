//! The store's conformance suites on real systems.
