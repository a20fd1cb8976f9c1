//! Connections that are lost, servers that stop.

use std::thread;
use std::time::Duration;

use resight_cluster::PostgresCatalogue;
use resight_store::conformance::fixtures::{added, features, upload};
use resight_store::{Changes, CollectionName, EncodedFeatures, Pictures};

use super::server::{Beside, Collections, Server, address, sql};

/// Ends the sessions that wait for a lock, or all that the program has.
fn terminate(address: &str, only_waiting: bool) -> usize {
    let condition = match only_waiting {
        true => "AND wait_event_type = 'Lock'",
        false => "",
    };
    sql(
        address,
        &format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE application_name = 'resight-of-this-test' {condition}"
        ),
    )
    .len()
}

fn named(address: &str) -> Option<String> {
    if address.contains("://") {
        eprintln!("SKIPPED: the address is no list of pairs");
        return None;
    }
    Some(format!("{address} application_name=resight-of-this-test"))
}

#[test]
fn lost_connections_are_replaced() {
    let Some(shared) = address() else { return };
    // Its sessions have a name of their own, so that no other test loses any.
    let Some(address) = named(shared) else { return };
    let collections = Collections::new();
    let name = collections.name();
    let catalogue = PostgresCatalogue::open(&address, &name).unwrap();
    let key = added(&catalogue, upload(1));
    for number in 2..6 {
        assert!(terminate(shared, false) > 0);
        assert_eq!(catalogue.count().unwrap(), number - 1);
        assert!(terminate(shared, false) > 0);
        catalogue.commit(vec![upload(number)]).unwrap();
    }

    // In the middle of a change: nothing of it is stored, and the next one is.
    let beside = Beside::connect(shared);
    beside.run(&format!(
        "BEGIN; LOCK TABLE \"resight_{name}\".features IN SHARE MODE"
    ));
    thread::scope(|scope| {
        let change = scope.spawn(|| catalogue.commit(vec![upload(7)]));
        while terminate(shared, true) == 0 {
            thread::sleep(Duration::from_millis(10));
        }
        let error = change.join().unwrap().unwrap_err();
        assert_eq!(error.code(), "store_unreachable", "{error}");
    });
    beside.run("ROLLBACK");
    assert_eq!(catalogue.count().unwrap(), 5);
    let next = added(&catalogue, upload(7));
    assert_eq!(next, key + 5);
}

#[test]
fn any_thread_may_call() {
    let Some(address) = address() else { return };
    let collections = Collections::new();
    let catalogue = PostgresCatalogue::open(address, &collections.name()).unwrap();
    let catalogue = std::sync::Arc::new(catalogue);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        for number in 0..3 {
            let one = std::sync::Arc::clone(&catalogue);
            let blocking = tokio::task::spawn_blocking(move || added(&*one, upload(number)));
            blocking.await.unwrap();
            let one = std::sync::Arc::clone(&catalogue);
            let task = tokio::spawn(async move {
                // More calls than a task takes steps in one turn.
                (0..200).map(|_| one.count().unwrap()).max()
            });
            assert_eq!(task.await.unwrap(), Some(number + 1));
            assert_eq!(catalogue.count().unwrap(), number + 1);
        }
    });
    thread::spawn(move || assert_eq!(catalogue.count().unwrap(), 3))
        .join()
        .unwrap();
}

#[test]
fn what_was_committed_outlasts_a_crash_of_the_server() {
    // Others use the shared server meanwhile.
    let Some(mut server) = Server::start(&[], false) else {
        super::server::skip();
        return;
    };
    let name = CollectionName::default();
    let catalogue = PostgresCatalogue::open(&server.address, &name).unwrap();
    let keys: Vec<u64> = (0..5)
        .map(|number| added(&catalogue, upload(number)))
        .collect();
    server.crash();
    let error = catalogue.count().unwrap_err();
    assert_eq!(error.code(), "store_unreachable", "{error}");
    let error = catalogue.commit(vec![upload(9)]).unwrap_err();
    assert_eq!(error.code(), "store_unreachable", "{error}");
    server.run();
    let found = catalogue.features(&keys).unwrap();
    let expected: Vec<_> = (0..5).map(|number| Some(features(number))).collect();
    assert_eq!(found, expected);
    assert!(added(&catalogue, upload(9)) > keys[4]);

    // Text needs a database of the right encoding.
    sql(
        &server.address,
        "CREATE DATABASE plain ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' LOCALE_PROVIDER libc TEMPLATE template0",
    );
    let plain = format!("{} dbname=plain", server.address);
    let error = PostgresCatalogue::open(&plain, &name).unwrap_err();
    assert_eq!(error.code(), "store_io", "{error}");
    assert!(error.to_string().contains("SQL_ASCII"), "{error}");
}
