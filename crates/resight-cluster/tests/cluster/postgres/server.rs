//! A server of its own for the tests, or the one that `RESIGHT_TEST_POSTGRES` names.

use std::cell::RefCell;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use resight_cluster::PostgresCatalogue;
use resight_store::{Catalogue, CollectionName, SqliteCatalogue};
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

/// The address of a database for tests.
const ADDRESS: &str = "RESIGHT_TEST_POSTGRES";
/// The folder of a server's programs.
const PROGRAMS: &str = "RESIGHT_TEST_POSTGRES_BIN";

static SHARED: LazyLock<Option<(String, Option<Server>)>> = LazyLock::new(|| {
    if let Ok(address) = env::var(ADDRESS) {
        return Some((address, None));
    }
    let server = Server::start(&["fsync=off"], true)?;
    Some((server.address.clone(), Some(server)))
});

/// The address of the database, or a line that says why the test does nothing.
pub(super) fn address() -> Option<&'static str> {
    let shared = SHARED.as_ref();
    if shared.is_none() {
        skip();
    }
    shared.map(|(address, _)| address.as_str())
}

/// Says that a test does nothing.
pub(super) fn skip() {
    eprintln!(
        "SKIPPED: no PostgreSQL; set {ADDRESS} to the address of a database, or {PROGRAMS} to the folder of its programs"
    );
}

/// Collections of one test.
pub(super) struct Collections {
    names: RefCell<Vec<CollectionName>>,
    /// Stands in where there is no server.
    folder: tempfile::TempDir,
}

impl Collections {
    pub(super) fn new() -> Self {
        Self {
            names: RefCell::default(),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// A name that no other test has.
    pub(super) fn name(&self) -> CollectionName {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("test-{}-{number}", std::process::id());
        let name = CollectionName::parse(&name).unwrap();
        self.names.borrow_mut().push(name.clone());
        name
    }

    /// A new, empty catalogue.
    pub(super) fn new_one(&self) -> Box<dyn Catalogue> {
        match address() {
            Some(address) => Box::new(PostgresCatalogue::open(address, &self.name()).unwrap()),
            None => Box::new(SqliteCatalogue::in_memory().unwrap()),
        }
    }

    /// The same catalogue each time.
    pub(super) fn same_one(&self) -> Box<dyn Catalogue> {
        let Some(address) = address() else {
            return Box::new(SqliteCatalogue::open(self.folder.path()).unwrap());
        };
        let first = self.names.borrow().first().cloned();
        let name = first.unwrap_or_else(|| self.name());
        Box::new(PostgresCatalogue::open(address, &name).unwrap())
    }
}

impl Drop for Collections {
    fn drop(&mut self) {
        for name in self.names.take() {
            if let Some((address, _)) = SHARED.as_ref() {
                // What is left goes with the server.
                let _ = PostgresCatalogue::drop_collection(address, &name);
            }
        }
    }
}

/// A running server. It stops when this is dropped, and when this process ends in any way.
pub(super) struct Server {
    programs: PathBuf,
    folder: tempfile::TempDir,
    settings: Vec<String>,
    is_never_dropped: bool,
    child: Option<Child>,
    pub(super) address: String,
}

/// Runs a program in the background until its standard input ends, then stops it, and removes a folder if one is named.
const UNTIL_INPUT_ENDS: &str = "folder=$1; shift; \"$@\" & server=$!; cat > /dev/null
    kill -INT $server; wait $server; [ -z \"$folder\" ] || rm -rf \"$folder\"";

impl Server {
    /// `None` where there are no programs to start. A server that nothing drops takes its folder with it when this
    /// process ends.
    pub(super) fn start(settings: &[&str], is_never_dropped: bool) -> Option<Self> {
        let programs = programs()?;
        let folder = tempfile::Builder::new()
            .prefix("resight-postgres-")
            .tempdir()
            .unwrap();
        open_to_all(folder.path());
        let mut server = Self {
            programs,
            address: format!("host={} user=postgres", folder.path().display()),
            folder,
            settings: settings.iter().map(ToString::to_string).collect(),
            is_never_dropped,
            child: None,
        };
        server.make_cluster();
        server.run();
        Some(server)
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn make_cluster(&self) {
        let basic = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"];
        // An order of words, as most servers have it; not all are built with one.
        let words = ["--locale=C", "--locale-provider=icu", "--icu-locale=en-US"];
        let made = [&words[..], &["--locale=C"]].iter().any(|locale| {
            let _ = fs::remove_dir_all(self.data());
            let mut initdb = as_other_user(&self.programs.join("initdb"));
            initdb.args(basic).args(*locale).arg("-D").arg(self.data());
            let made = initdb.stdin(Stdio::null()).output().unwrap();
            made.status.success()
        });
        assert!(made, "initdb failed");
    }

    /// Starts the server, and waits until it answers.
    pub(super) fn run(&mut self) {
        let server = as_other_user(&self.programs.join("postgres"));
        let mut command = Command::new("sh");
        command.args(["-c", UNTIL_INPUT_ENDS, "sh"]);
        match self.is_never_dropped {
            true => command.arg(self.folder.path()),
            false => command.arg(""),
        };
        command.arg(server.get_program()).args(server.get_args());
        command.arg("-D").arg(self.data());
        command.arg("-k").arg(self.folder.path());
        for setting in ["listen_addresses=", "max_connections=300"] {
            command.args(["-c", setting]);
        }
        for setting in &self.settings {
            command.args(["-c", setting]);
        }
        let log = fs::File::create(self.folder.path().join("log")).unwrap();
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(log);
        self.child = Some(command.spawn().unwrap());
        let until = Instant::now() + Duration::from_secs(60);
        while let Err(error) = PostgresCatalogue::collections(&self.address) {
            let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            assert!(Instant::now() < until, "{error}\n{log}");
            // It does not start while a process of the one before is there.
            let child = self.child.as_mut().unwrap();
            if child.try_wait().unwrap().is_some() {
                thread::sleep(Duration::from_millis(500));
                self.child = Some(command.spawn().unwrap());
            }
            thread::sleep(Duration::from_millis(100));
        }
    }

    /// Stops the server at once, as a crash does.
    pub(super) fn crash(&mut self) {
        let pid = fs::read_to_string(self.data().join("postmaster.pid")).unwrap();
        let pid = pid.lines().next().unwrap().to_owned();
        let killed = Command::new("kill").args(["-KILL", &pid]).status();
        assert!(killed.unwrap().success());
        self.stop();
        // Its processes notice that they are alone, and go.
        let until = Instant::now() + Duration::from_secs(60);
        let locks = || fs::read_dir(self.folder.path()).unwrap().flatten();
        thread::sleep(Duration::from_millis(500));
        for lock in locks().filter(|file| file.file_name().to_string_lossy().starts_with(".s.")) {
            assert!(Instant::now() < until);
            let _ = fs::remove_file(lock.path());
        }
    }

    fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            drop(child.stdin.take());
            let _ = child.wait();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The first folder that has a server.
fn programs() -> Option<PathBuf> {
    if let Some(named) = env::var_os(PROGRAMS) {
        return Some(PathBuf::from(named));
    }
    if !cfg!(unix) {
        return None;
    }
    if is_root() && Command::new("setpriv").arg("--version").output().is_err() {
        return None;
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = env::split_paths(&path).collect();
    let installed = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    folders.extend(installed.flatten().map(|entry| entry.path().join("bin")));
    folders.into_iter().find(|folder| {
        let has = |program: &str| folder.join(program).is_file();
        has("postgres") && has("initdb")
    })
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout.trim_ascii() == b"0"
}

/// PostgreSQL refuses to run as root.
fn as_other_user(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
    command.arg(program);
    command
}

#[cfg(unix)]
fn open_to_all(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o777)).unwrap();
}

#[cfg(not(unix))]
fn open_to_all(_: &Path) {}

/// A connection beside those of a catalogue.
pub(super) struct Beside {
    runtime: Runtime,
    client: Client,
}

impl Beside {
    pub(super) fn connect(address: &str) -> Self {
        let runtime = Builder::new_multi_thread().enable_all().build().unwrap();
        let client = runtime.block_on(async {
            let (client, connection) = tokio_postgres::connect(address, NoTls).await.unwrap();
            tokio::spawn(connection);
            client
        });
        Self { runtime, client }
    }

    /// Runs statements, and returns the first column of their rows.
    pub(super) fn run(&self, statements: &str) -> Vec<String> {
        let messages = self.runtime.block_on(self.client.simple_query(statements));
        let first = |message| match message {
            SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        };
        messages.unwrap().into_iter().filter_map(first).collect()
    }
}

/// Runs statements on a connection of their own.
pub(super) fn sql(address: &str, statements: &str) -> Vec<String> {
    Beside::connect(address).run(statements)
}
