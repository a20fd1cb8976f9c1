//! Blobs in a real object store: the one at `RESIGHT_TEST_S3` (an address of blobs, with the usual variables for
//! credentials), else a SeaweedFS, the program at `RESIGHT_TEST_WEED` or `weed` on the path.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use resight_cluster::{S3Blobs, S3Credentials};
use resight_store::{BlobStore, CollectionName, StoreError};

use crate::seaweed::{KEY, SECRET, Seaweed, free_ports, program};

/// An object store for all tests of this process.
struct Shared {
    address: String,
    credentials: S3Credentials,
    /// Ends with this process.
    _server: Option<Seaweed>,
}

fn keys() -> S3Credentials {
    S3Credentials::Keys {
        id: KEY.into(),
        secret: SECRET.into(),
    }
}

fn shared() -> Option<&'static Shared> {
    static SHARED: OnceLock<Option<Shared>> = OnceLock::new();
    let shared = SHARED.get_or_init(|| {
        if let Ok(address) = std::env::var("RESIGHT_TEST_S3") {
            return Some(Shared {
                address,
                credentials: S3Credentials::Environment,
                _server: None,
            });
        }
        let folder = tempfile::tempdir().unwrap().keep();
        let server = Seaweed::start(&program()?, &folder, free_ports(), true);
        server.make_bucket("pictures");
        Some(Shared {
            address: format!("s3://pictures/tests?endpoint={}", server.endpoint),
            credentials: keys(),
            _server: Some(server),
        })
    });
    if shared.is_none() {
        println!(
            "SKIPPED: no object store (RESIGHT_TEST_S3 or RESIGHT_TEST_WEED, see docs/scaling.md)"
        );
    }
    shared.as_ref()
}

/// A name that no other test has, nor one of an earlier run.
fn new_collection() -> CollectionName {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let (now, process) = (resight_store::now_ms(), std::process::id());
    CollectionName::parse(&format!("t{now}-{process}-{number}")).unwrap()
}

fn open(shared: &Shared, collection: &CollectionName) -> S3Blobs {
    S3Blobs::open(&shared.address, collection, &shared.credentials).unwrap()
}

/// Each call makes an empty store.
fn stores(shared: &'static Shared) -> impl Fn() -> Box<dyn BlobStore> {
    move || Box::new(open(shared, &new_collection()))
}

mod in_s3 {
    resight_store::blob_conformance!({
        let Some(shared) = super::shared() else {
            return;
        };
        super::stores(shared)
    });
}

#[test]
fn an_empty_blob_has_parts_and_is_deleted() {
    let Some(shared) = shared() else { return };
    let blobs = open(shared, &new_collection());
    blobs.put("empty", b"").unwrap();
    assert_eq!(blobs.part("empty", 0..4).unwrap(), Some(Vec::new()));
    assert_eq!(blobs.part("empty", 0..0).unwrap(), Some(Vec::new()));
    assert!(blobs.delete("empty").unwrap());
    assert_eq!(blobs.get("empty").unwrap(), None);
}

#[test]
fn a_list_of_several_pages_is_whole() {
    let Some(shared) = shared() else { return };
    let blobs = open(shared, &new_collection());
    let threads = 8;
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let blobs = &blobs;
            scope.spawn(move || {
                for number in (thread..2050).step_by(threads) {
                    blobs.put(&format!("many/{number}"), b"x").unwrap();
                }
            });
        }
    });
    let mut names = blobs.names("many").unwrap();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 2050);
    blobs.delete_all().unwrap();
    assert_eq!(blobs.names("many").unwrap(), [""; 0]);
}

#[test]
fn large_bytes_come_back_as_they_were() {
    let Some(shared) = shared() else { return };
    let blobs = open(shared, &new_collection());
    let bytes: Vec<u8> = (0..20_000_000_u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    blobs.put("large", &bytes).unwrap();
    assert!(blobs.get("large").unwrap().unwrap() == bytes);
    let part = blobs.part("large", 9_999_000..10_001_000).unwrap().unwrap();
    assert!(part == bytes[9_999_000..10_001_000]);
}

#[test]
fn collections_share_nothing() {
    let Some(shared) = shared() else { return };
    let (one, other) = (new_collection(), new_collection());
    let (first, second) = (open(shared, &one), open(shared, &other));
    first.put("a/b", b"first").unwrap();
    assert_eq!(second.get("a/b").unwrap(), None);
    assert!(first.has_any().unwrap() && !second.has_any().unwrap());
    second.put("a/b", b"second").unwrap();
    first.delete_all().unwrap();
    assert_eq!(second.get("a/b").unwrap(), Some(b"second".to_vec()));
    second.delete_all().unwrap();
}

#[test]
fn a_writer_that_did_not_end_is_noticed() {
    let Some(shared) = shared() else { return };
    let name = new_collection();
    let killed = open(shared, &name);
    assert!(!killed.was_left_open());
    std::mem::forget(killed);
    let next = open(shared, &name);
    assert!(next.was_left_open());
    drop(next);
    assert!(!open(shared, &name).was_left_open());
}

#[test]
fn calls_come_from_many_threads_at_once() {
    let Some(shared) = shared() else { return };
    let blobs = open(shared, &new_collection());
    std::thread::scope(|scope| {
        for thread in 0..16 {
            let blobs = &blobs;
            scope.spawn(move || {
                for round in 0..20 {
                    let name = format!("t{thread}/{round}");
                    blobs.put(&name, name.as_bytes()).unwrap();
                    assert_eq!(blobs.get(&name).unwrap().unwrap(), name.as_bytes());
                    assert!(blobs.delete(&name).unwrap());
                }
            });
        }
    });
}

fn code<T>(result: Result<T, StoreError>) -> &'static str {
    match result {
        Ok(_) => "ok",
        Err(error) => {
            let text = error.to_string();
            assert!(!text.contains(SECRET) && !text.contains(KEY), "{text}");
            error.code()
        }
    }
}

#[test]
fn a_wrong_key_is_denied() {
    let Some(shared) = shared() else { return };
    let name = new_collection();
    for (id, secret) in [(KEY, "wrong"), ("nobody", SECRET)] {
        let wrong = S3Credentials::Keys {
            id: id.into(),
            secret: secret.into(),
        };
        assert_eq!(
            code(S3Blobs::open(&shared.address, &name, &wrong)),
            "store_denied"
        );
    }
}

#[test]
fn a_bucket_that_is_not_there_is_named() {
    let Some(shared) = shared() else { return };
    let (_, options) = shared.address.split_once('?').unwrap_or_default();
    let address = format!("s3://no-such-bucket-{}?{options}", resight_store::now_ms());
    let opened = S3Blobs::open(&address, &new_collection(), &shared.credentials);
    assert_eq!(code(opened), "store_absent");
}

#[test]
fn a_server_that_is_not_there_cannot_be_reached() {
    let [port] = free_ports();
    let address = format!("s3://pictures?endpoint=http://127.0.0.1:{port}&timeout=4");
    let begun = Instant::now();
    let opened = S3Blobs::open(&address, &new_collection(), &keys());
    assert_eq!(code(opened), "store_unreachable");
    // The limit with room for a busy machine: without one this would wait for minutes.
    assert!(begun.elapsed() < Duration::from_secs(60));
}

/// Calls that all fail while the server is away, each within the limit of time.
fn all_fail(blobs: &S3Blobs) {
    let begun = Instant::now();
    assert_eq!(code(blobs.put("a/new", b"x")), "store_unreachable");
    assert_eq!(code(blobs.get("a/b")), "store_unreachable");
    assert_eq!(code(blobs.part("a/b", 0..1)), "store_unreachable");
    assert_eq!(code(blobs.delete("a/b")), "store_unreachable");
    assert_eq!(code(blobs.names("a")), "store_unreachable");
    assert!(begun.elapsed() < Duration::from_secs(120));
}

#[test]
fn a_server_that_stops_and_comes_back_lost_nothing_that_was_acknowledged() {
    let Some(program) = program() else {
        println!("SKIPPED: no program of an object store (RESIGHT_TEST_WEED)");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let ports = free_ports();
    let server = Seaweed::start(&program, folder.path(), ports, false);
    server.make_bucket("pictures");
    let address = format!("s3://pictures?endpoint={}", server.endpoint);
    let name = CollectionName::default();
    // A young server takes its time for the first object.
    let patient = S3Blobs::open(&address, &name, &keys()).unwrap();
    patient.put("a/b", b"kept").unwrap();
    let blobs = S3Blobs::open(&format!("{address}&timeout=6"), &name, &keys()).unwrap();

    server.signal("STOP");
    all_fail(&blobs);
    server.signal("CONT");
    assert_eq!(blobs.get("a/b").unwrap(), Some(b"kept".to_vec()));

    // Killed, not asked to end.
    drop(server);
    all_fail(&blobs);
    let server = Seaweed::start(&program, folder.path(), ports, false);
    // The program's parts find each other again one after the other.
    let deadline = Instant::now() + Duration::from_secs(120);
    while blobs.get("a/b").is_err() {
        assert!(Instant::now() < deadline, "it never came back");
        std::thread::sleep(Duration::from_millis(200));
    }
    assert_eq!(blobs.get("a/b").unwrap(), Some(b"kept".to_vec()));
    blobs.put("a/new", b"again").unwrap();
    let mut names = blobs.names("a").unwrap();
    names.sort_unstable();
    assert_eq!(names, ["a/b", "a/new"]);
    drop((blobs, patient, server));
}
