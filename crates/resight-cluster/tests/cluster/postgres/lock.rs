//! The lock of the one process that changes the catalogues of a database.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use resight_cluster::{PostgresCatalogue, WriterLock};
use resight_store::conformance::fixtures::{added, upload};
use resight_store::{Changes, CollectionName, Pictures, Settings};

use super::server::{Server, skip, sql};

const HELD: &str = "SELECT pid::TEXT FROM pg_locks WHERE locktype = 'advisory' AND granted";
const CUT: &str =
    "SELECT pg_terminate_backend(pid)::TEXT FROM pg_locks WHERE locktype = 'advisory'";

fn refusal(address: &str) -> &'static str {
    WriterLock::acquire(address).unwrap_err().code()
}

#[test]
fn one_process_at_a_time_changes_the_catalogues() {
    let Some(server) = Server::start(&["fsync=off"], false) else {
        skip();
        return;
    };
    let (address, name) = (server.address.as_str(), CollectionName::default());
    let first = WriterLock::acquire(address).unwrap();
    assert_eq!(refusal(address), "store_locked");
    let catalogue = PostgresCatalogue::open_as(address, &name, Arc::new(first)).unwrap();
    added(&catalogue, upload(0));

    // Its connection is cut, and nobody else takes it: it is taken again, and changes go on meanwhile.
    let before = sql(address, HELD);
    sql(address, CUT);
    added(&catalogue, upload(1));
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let now = sql(address, HELD);
        if !now.is_empty() && now != before {
            break;
        }
        assert!(Instant::now() < deadline, "the lock is not taken again");
        thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(refusal(address), "store_locked");
    added(&catalogue, upload(2));

    // Another one takes it in between: the first changes nothing any more, whatever its connections are.
    sql(address, CUT);
    let second = WriterLock::acquire(address).unwrap();
    let error = catalogue.commit(vec![upload(3)]).unwrap_err();
    assert_eq!(error.code(), "store_locked", "{error}");
    let error = catalogue.set_setting("a", "b").unwrap_err();
    assert_eq!(error.code(), "store_locked", "{error}");
    assert_eq!(catalogue.count().unwrap(), 3);

    let next = PostgresCatalogue::open_as(address, &name, Arc::new(second)).unwrap();
    added(&next, upload(3));
    assert_eq!(catalogue.count().unwrap(), 4);
    drop(next);
    let third = WriterLock::acquire(address).unwrap();
    let error = catalogue.commit(vec![upload(4)]).unwrap_err();
    assert_eq!(error.code(), "store_locked", "{error}");
    drop(third);
}

#[test]
fn a_password_in_an_address_is_refused_and_not_repeated() {
    for address in [
        "postgres://me:secret@host/db",
        "host=host password=secret",
        "postgres://host/db?secret=1",
        "secret",
        "mysql://secret",
    ] {
        let error = PostgresCatalogue::location(address).unwrap_err();
        assert_eq!(error.code(), "store_address");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
    let places = [
        "postgres://me@host/db",
        "host=host user=other dbname=db port=5432",
    ]
    .map(|address| PostgresCatalogue::location(address).unwrap());
    assert_eq!(places[0], places[1]);
    assert_ne!(
        PostgresCatalogue::location("postgres://me@host:1/db").unwrap(),
        places[0]
    );
}
