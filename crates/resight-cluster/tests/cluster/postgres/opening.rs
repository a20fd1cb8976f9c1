//! Opening, listing and dropping collections.

use std::thread;

use resight_cluster::PostgresCatalogue;
use resight_store::conformance::fixtures::{added, upload};
use resight_store::{Changes, CollectionName, Pictures, Settings};

use super::server::{Collections, address, sql};

#[test]
fn a_collection_is_made_listed_renamed_and_dropped() {
    let Some(address) = address() else { return };
    let collections = Collections::new();
    let name = collections.name();
    assert!(!PostgresCatalogue::exists(address, &name).unwrap());
    let missing = PostgresCatalogue::open_read_only(address, &name);
    assert_eq!(missing.unwrap_err().code(), "store_missing");
    let catalogue = PostgresCatalogue::open(address, &name).unwrap();
    added(&catalogue, upload(1));
    assert!(PostgresCatalogue::exists(address, &name).unwrap());
    let listed = || PostgresCatalogue::collections(address).unwrap();
    assert!(listed().contains(&name));
    let other = collections.name();
    PostgresCatalogue::open(address, &other).unwrap();
    assert!(listed().is_sorted());
    // The name is taken.
    assert!(!PostgresCatalogue::rename_collection(address, &name, &other).unwrap());
    drop(catalogue);

    let long = CollectionName::parse(&format!("{name}{}", "x".repeat(63 - name.as_str().len())));
    let long = long.unwrap();
    assert!(PostgresCatalogue::rename_collection(address, &name, &long).unwrap());
    assert!(!PostgresCatalogue::rename_collection(address, &name, &long).unwrap());
    assert!(listed().contains(&long) && !listed().contains(&name));
    let renamed = PostgresCatalogue::open_read_only(address, &long).unwrap();
    assert_eq!(renamed.count().unwrap(), 1);

    assert!(PostgresCatalogue::drop_collection(address, &long).unwrap());
    assert!(!PostgresCatalogue::drop_collection(address, &long).unwrap());
    assert!(!listed().contains(&long));
    assert_eq!(renamed.count().unwrap_err().code(), "store_missing");
}

#[test]
fn one_that_is_open_for_reading_sees_changes_and_makes_none() {
    let Some(address) = address() else { return };
    let collections = Collections::new();
    let name = collections.name();
    let writer = PostgresCatalogue::open(address, &name).unwrap();
    let reader = PostgresCatalogue::open_read_only(address, &name).unwrap();
    added(&writer, upload(1));
    assert_eq!(reader.count().unwrap(), 1);
    for refused in [
        reader.commit(vec![upload(2)]).map(|_| ()),
        reader.commit(Vec::new()).map(|_| ()),
        reader.set_setting("a", "b"),
    ] {
        assert_eq!(refused.unwrap_err().code(), "store_read_only");
    }
}

#[test]
fn several_processes_make_one_collection() {
    let Some(address) = address() else { return };
    let collections = Collections::new();
    let name = collections.name();
    thread::scope(|scope| {
        for number in 0..6 {
            let name = &name;
            scope.spawn(move || {
                let catalogue = PostgresCatalogue::open(address, name).unwrap();
                added(&catalogue, upload(number));
            });
        }
    });
    let catalogue = PostgresCatalogue::open(address, &name).unwrap();
    assert_eq!(catalogue.count().unwrap(), 6);
}

#[test]
fn another_format_is_refused() {
    let Some(address) = address() else { return };
    let collections = Collections::new();
    let name = collections.name();
    PostgresCatalogue::open(address, &name).unwrap();
    for (format, code) in [("99", "store_newer"), ("many", "store_damaged")] {
        sql(
            address,
            &format!("UPDATE \"resight_{name}\".meta SET value = '{format}' WHERE name = 'format'"),
        );
        let opened = PostgresCatalogue::open(address, &name).unwrap_err();
        assert_eq!(opened.code(), code, "{opened}");
        let opened = PostgresCatalogue::open_read_only(address, &name).unwrap_err();
        assert_eq!(opened.code(), code, "{opened}");
    }
    sql(
        address,
        &format!("UPDATE \"resight_{name}\".meta SET value = '99' WHERE name = 'format'"),
    );
    assert!(PostgresCatalogue::exists(address, &name).unwrap());
}

#[test]
fn an_address_that_leads_nowhere_says_so() {
    let name = CollectionName::default();
    for (address, code) in [
        ("host=127.0.0.1 port=1 user=nobody", "store_unreachable"),
        ("host=/nowhere user=nobody", "store_unreachable"),
        ("http://127.0.0.1/", "store_io"),
        ("", "store_io"),
    ] {
        let error = PostgresCatalogue::open(address, &name).unwrap_err();
        assert_eq!(error.code(), code, "{address:?}: {error}");
    }
    let Some(address) = address() else { return };
    let absent = format!("{address} dbname=no-such-database");
    if address.contains("://") {
        eprintln!("SKIPPED: the address is no list of pairs");
        return;
    }
    let error = PostgresCatalogue::open(&absent, &name).unwrap_err();
    assert_eq!(error.code(), "store_absent", "{error}");
    assert!(error.to_string().contains("no-such-database"), "{error}");
}
