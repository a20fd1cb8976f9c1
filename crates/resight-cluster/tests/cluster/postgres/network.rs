//! What goes over the connection to the server, with a relay of the test between the two.

use std::io::{self, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use parking_lot::Mutex;
use resight_cluster::PostgresCatalogue;
use resight_store::conformance::fixtures::{added, file, label, picture, tags, upload};
use resight_store::{Change, Changes, LabelPatch, NewPicture, Pictures};

use super::server::{Collections, address};

/// The server's file in the folder of an address.
const SOCKET: &str = ".s.PGSQL.5432";

/// A client that sends nothing for so long waits for an answer.
const QUIET: Duration = Duration::from_millis(50);

/// What the client sends to have its changes stored.
const COMMIT: &[u8] = b"COMMIT\0";

/// When to end the connection.
#[derive(Clone, Copy, PartialEq)]
enum Cut {
    Never,
    /// Once, in place of passing a commit on.
    BeforeCommit,
    /// Once, in place of the answer to a commit.
    AfterCommit,
}

/// Passes everything on between clients and the server.
struct Between {
    folder: tempfile::TempDir,
    address: String,
    state: Arc<State>,
}

struct State {
    server: PathBuf,
    /// How often clients waited for an answer.
    waits: AtomicUsize,
    cut: Mutex<Cut>,
}

impl Between {
    /// `None` where the server has no file in a folder.
    fn start() -> Option<Self> {
        let address = address()?;
        let host = address
            .split(' ')
            .find_map(|pair| pair.strip_prefix("host="));
        let Some(host) = host.filter(|host| host.starts_with('/')) else {
            eprintln!("SKIPPED: the address names no folder with the server's file");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join(SOCKET)).unwrap();
        let state = Arc::new(State {
            server: Path::new(host).join(SOCKET),
            waits: AtomicUsize::new(0),
            cut: Mutex::new(Cut::Never),
        });
        let own = Arc::clone(&state);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let state = Arc::clone(&own);
                thread::spawn(move || state.pass_on(client));
            }
        });
        Some(Self {
            address: address.replace(host, &folder.path().display().to_string()),
            folder,
            state,
        })
    }

    fn open(&self, collections: &Collections) -> PostgresCatalogue {
        assert!(self.folder.path().exists());
        PostgresCatalogue::open(&self.address, &collections.name()).unwrap()
    }
}

impl State {
    /// Passes on what a client sends, and once it waits, what the server answers.
    fn pass_on(&self, mut client: UnixStream) -> io::Result<()> {
        let mut server = UnixStream::connect(&self.server)?;
        let mut bytes = vec![0; 1 << 20];
        client.set_read_timeout(Some(QUIET))?;
        // Answers come while the client still sends, and must not fill the server's side.
        server.set_nonblocking(true)?;
        let mut answers = Vec::new();
        let mut is_answered = true;
        loop {
            match client.read(&mut bytes) {
                Ok(0) => return Ok(()),
                Ok(length) => {
                    let sent = &bytes[..length];
                    let is_commit = sent.windows(COMMIT.len()).any(|part| part == COMMIT);
                    let cut = match is_commit {
                        true => std::mem::replace(&mut *self.cut.lock(), Cut::Never),
                        false => Cut::Never,
                    };
                    if cut == Cut::BeforeCommit {
                        return Ok(());
                    }
                    send_all(&mut server, sent, &mut answers);
                    if cut == Cut::AfterCommit {
                        while !read_all(&mut server, &mut answers) {
                            thread::sleep(QUIET);
                        }
                        return Ok(());
                    }
                    is_answered = false;
                }
                Err(_) => {
                    read_all(&mut server, &mut answers);
                    if !answers.is_empty() {
                        self.waits
                            .fetch_add(usize::from(!is_answered), Ordering::Relaxed);
                        is_answered = true;
                        client.write_all(&std::mem::take(&mut answers))?;
                    }
                }
            }
        }
    }
}

fn send_all(server: &mut UnixStream, mut bytes: &[u8], answers: &mut Vec<u8>) {
    while !bytes.is_empty() {
        match server.write(bytes) {
            Ok(sent) => bytes = &bytes[sent..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            // The next read finds that it is gone.
            Err(_) => return,
        }
        read_all(server, answers);
    }
}

/// Reads what is there. Returns whether there was anything.
fn read_all(server: &mut UnixStream, answers: &mut Vec<u8>) -> bool {
    let before = answers.len();
    let mut bytes = [0; 65536];
    while let Ok(length @ 1..) = server.read(&mut bytes) {
        answers.extend_from_slice(&bytes[..length]);
    }
    answers.len() > before
}

#[test]
fn a_batch_does_not_wait_for_each_of_its_rows() {
    let Some(between) = Between::start() else {
        return;
    };
    let collections = Collections::new();
    let catalogue = between.open(&collections);
    let batch = |first: u64| -> Vec<Change> {
        let numbers = first..first + 32;
        let changes = numbers.flat_map(|number| {
            let new = NewPicture {
                features: vec![1; 150_000],
                source: Some(file(&format!("/{number}"))),
                ..picture(number)
            };
            let patch = LabelPatch {
                add_tags: tags(&["a", "b"]),
                ..LabelPatch::default()
            };
            [Change::Add(new), label(number, patch)]
        });
        changes.collect()
    };
    // The first one also has the server prepare the statements.
    catalogue.commit(batch(0)).unwrap();
    let waits = || between.state.waits.load(Ordering::Relaxed);
    let before = waits();
    catalogue.commit(batch(100)).unwrap();
    let waited = waits() - before;
    assert_eq!(catalogue.count().unwrap(), 64);
    assert!((3..20).contains(&waited), "{waited}");
}

#[test]
fn a_commit_without_an_answer_may_or_may_not_be_stored() {
    let Some(between) = Between::start() else {
        return;
    };
    let collections = Collections::new();
    let catalogue = between.open(&collections);
    let mut count = 0;
    for (cut, stored) in [(Cut::BeforeCommit, 0), (Cut::AfterCommit, 1)] {
        let number = 10 * (1 + count);
        *between.state.cut.lock() = cut;
        let error = catalogue.commit(vec![upload(number)]).unwrap_err();
        assert_eq!(error.code(), "store_io", "{error}");
        assert!(
            error.to_string().contains("may or may not be stored"),
            "{error}"
        );
        count += stored;
        assert_eq!(catalogue.count().unwrap(), count);
        added(&catalogue, upload(number + 1));
        count += 1;
    }
    assert_eq!(catalogue.count().unwrap(), 3);
}
