//! A SeaweedFS of one's own, which speaks S3.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use object_store::aws::AmazonS3Builder;
use object_store::path::Path;
use object_store::signer::Signer;

pub(crate) const KEY: &str = "resight-test";
pub(crate) const SECRET: &str = "resight-test-secret";

/// Ends the server when this process ends, however it does: its end of the pipe is closed then.
const SCRIPT: &str = r#"
"$@" >"$RESIGHT_LOG" 2>&1 &
pid=$!
echo $pid
read -r _
kill -CONT $pid
kill -KILL $pid
wait $pid 2>/dev/null
[ -z "$RESIGHT_REMOVE" ] || rm -rf "$RESIGHT_REMOVE"
for port in $RESIGHT_PORTS; do rm -f /tmp/seaweedfs-*-"$port".sock; done
"#;

/// A running server. Dropping it ends it.
pub(crate) struct Seaweed {
    /// As in `http://127.0.0.1:1234`.
    pub(crate) endpoint: String,
    pub(crate) pid: u32,
    shell: Child,
}

/// The server's program; `None` where there is none.
pub(crate) fn program() -> Option<PathBuf> {
    let named = std::env::var_os("RESIGHT_TEST_WEED").map(PathBuf::from);
    let on_path = || {
        let folders = std::env::var_os("PATH")?;
        let mut found = std::env::split_paths(&folders).map(|folder| folder.join("weed"));
        found.find(|program| program.is_file())
    };
    named.filter(|program| program.is_file()).or_else(on_path)
}

/// Ports that are free at this moment.
pub(crate) fn free_ports<const N: usize>() -> [u16; N] {
    let held = [(); N].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    held.map(|listener| listener.local_addr().unwrap().port())
}

impl Seaweed {
    /// Starts a server on a folder and these ports, and waits until it answers. `remove`: the folder goes with it.
    pub(crate) fn start(
        program: &std::path::Path,
        folder: &std::path::Path,
        ports: [u16; 8],
        remove: bool,
    ) -> Self {
        let data = folder.join("data");
        std::fs::create_dir_all(&data).unwrap();
        let rights = folder.join("s3.json");
        let actions = r#"["Admin","Read","Write","List"]"#;
        let identity = format!(
            r#"{{"identities":[{{"name":"test","credentials":[{{"accessKey":"{KEY}","secretKey":"{SECRET}"}}],"actions":{actions}}}]}}"#
        );
        std::fs::write(&rights, identity).unwrap();
        let names = [
            "master.port",
            "master.port.grpc",
            "volume.port",
            "volume.port.grpc",
            "filer.port",
            "filer.port.grpc",
            "s3.port",
            "s3.port.grpc",
        ];
        let options = names.iter().zip(ports);
        let mut command = Command::new("sh");
        command.args(["-c", SCRIPT, "sh"]).arg(program);
        command.args([
            "server",
            "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1",
            "-filer",
            "-s3",
        ]);
        command.args([
            "-master.telemetry=false",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
        ]);
        command.args(["-master.volumeSizeLimitMB=64", "-volume.max=500"]);
        command.arg(format!("-dir={}", data.display()));
        command.arg(format!("-s3.config={}", rights.display()));
        command.args(options.map(|(name, port)| format!("-{name}={port}")));
        let removed = if remove {
            folder.to_path_buf()
        } else {
            PathBuf::new()
        };
        let mut shell = command
            .current_dir(folder)
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", folder)
            .env("RESIGHT_LOG", folder.join("log"))
            .env("RESIGHT_REMOVE", removed)
            .env(
                "RESIGHT_PORTS",
                ports.map(|port| port.to_string()).join(" "),
            )
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut output = BufReader::new(shell.stdout.take().unwrap());
        output.read_line(&mut line).unwrap();
        let server = Self {
            endpoint: format!("http://127.0.0.1:{}", ports[6]),
            pid: line.trim().parse().unwrap(),
            shell,
        };
        server.make_bucket("ready");
        server
    }

    /// Makes a bucket, once the server is ready to.
    pub(crate) fn make_bucket(&self, bucket: &str) {
        let deadline = Instant::now() + Duration::from_secs(120);
        loop {
            let status = put_bucket(&self.endpoint, bucket);
            // It may have been made by a request whose answer was lost, or before the server was started again.
            let has = |status: &str| status.contains(" 200 ") || status.contains(" 409 ");
            if status.as_deref().is_ok_and(has) {
                return;
            }
            assert!(Instant::now() < deadline, "no bucket was made: {status:?}");
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Sends the server a signal, as in `STOP`.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .arg(format!("-{name}"))
            .arg(self.pid.to_string())
            .status();
        assert!(sent.unwrap().success());
    }
}

impl Drop for Seaweed {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}

/// Makes a bucket by a signed request, and returns the first line of the answer.
fn put_bucket(endpoint: &str, bucket: &str) -> std::io::Result<String> {
    // The store under test does so too; whichever is first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let store = AmazonS3Builder::new()
        .with_endpoint(endpoint)
        .with_allow_http(true)
        .with_bucket_name(bucket)
        .with_access_key_id(KEY)
        .with_secret_access_key(SECRET)
        .build()
        .unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let minute = Duration::from_secs(60);
    let url = runtime
        .block_on(store.signed_url("PUT".parse().unwrap(), &Path::default(), minute))
        .unwrap();
    let host = endpoint.trim_start_matches("http://");
    let target = url.as_str().trim_start_matches(endpoint);
    let mut stream = TcpStream::connect(host)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(
        stream,
        "PUT {target} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer.lines().next().unwrap_or_default().to_owned())
}
