//! `resight keys`, and `resight serve` with them.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Stdio};

use serde_json::Value;

use crate::support::{first_line, json, json_error, resight, run};

/// A server that is killed when it is dropped.
struct Server {
    child: Child,
    port: String,
}

impl Server {
    fn start(data: &Path, arguments: &[&str]) -> Self {
        let mut command = resight(data);
        command.arg("serve").args(arguments);
        let command = command.arg("--json").stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::null()).spawn().unwrap();
        let line: Value = serde_json::from_str(&first_line(&mut child)).unwrap();
        let url = line["url"].as_str().unwrap();
        let port = url.rsplit_once(':').unwrap().1.to_owned();
        Self { child, port }
    }

    /// The status and the rest of what it answers.
    fn ask(&self, request: &str, key: Option<&str>) -> (u16, String) {
        let address = format!("127.0.0.1:{}", self.port);
        let mut stream = TcpStream::connect(&address).unwrap();
        let key = key.map_or(String::new(), |key| {
            format!("Authorization: Bearer {key}\r\n")
        });
        write!(
            stream,
            "{request} HTTP/1.1\r\nHost: {address}\r\n{key}Connection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        (status, answer)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn others_are_served_by_keys_or_by_an_explicit_wish() {
    let root = tempfile::tempdir().unwrap();
    let data = root.path().join("data");
    let refused = json_error(&data, &["serve", "--listen", "0.0.0.0:0"], 2);
    assert_eq!(refused["code"], "keys_needed");
    let open = Server::start(&data, &["--listen", "0.0.0.0:0", "--open"]);
    assert_eq!(open.ask("GET /v1/count", None).0, 200);
    drop(open);

    let made = json(&data, &["keys", "create", "me", "--scope", "read,search"]);
    let key = made[0]["secret"].as_str().unwrap();
    let server = Server::start(&data, &["--listen", "0.0.0.0:0"]);
    let (status, answer) = server.ask("GET /v1/count", None);
    assert!(status == 401 && answer.contains("key_missing"), "{answer}");
    assert_eq!(server.ask("GET /v1/count", Some(key)).0, 200);
    assert_eq!(
        server
            .ask(
                "DELETE /v1/images/00000000000000000000000000000000",
                Some(key)
            )
            .0,
        403
    );
    let id = made[0]["id"].as_str().unwrap();
    json(&data, &["keys", "revoke", id]);
    // Noticed within a second.
    std::thread::sleep(std::time::Duration::from_millis(1200));
    assert_eq!(server.ask("GET /v1/count", Some(key)).0, 401);
}

#[test]
fn keys_are_asked_for_on_this_machine_once_there_is_one() {
    let root = tempfile::tempdir().unwrap();
    let data = root.path().join("data");
    let server = Server::start(&data, &["--listen", "127.0.0.1:0"]);
    assert_eq!(server.ask("GET /v1/count", None).0, 200);
    let made = json(&data, &["keys", "create", "me", "--scope", "admin"]);
    std::thread::sleep(std::time::Duration::from_millis(1200));
    assert_eq!(server.ask("GET /v1/count", None).0, 401);
    let key = made[0]["secret"].as_str();
    assert_eq!(server.ask("GET /v1/keys", key).0, 200);
    drop(server);
    let refused = json_error(
        &root.path().join("other"),
        &["serve", "--listen", "127.0.0.1:0", "--require-keys"],
        2,
    );
    assert_eq!(refused["code"], "keys_needed");
    // Others may reach it through the proxy.
    let behind = [
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--trusted-proxy",
        "127.0.0.1",
    ];
    let refused = json_error(&root.path().join("other"), &behind, 2);
    assert_eq!(refused["code"], "keys_needed");
}

#[test]
fn people_make_list_and_revoke_keys() {
    let root = tempfile::tempdir().unwrap();
    let data = root.path().join("data");
    let text = |arguments: &[&str]| {
        let output = run(&data, arguments);
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(text(&["keys"]).contains("no keys"));
    let secret = text(&[
        "keys", "create", "web shop", "--scope", "search", "--in", "museum", "--lasts", "90d",
    ]);
    // Alone on standard output, for scripts.
    assert!(
        secret.starts_with("resight_") && secret.trim().len() == 85,
        "{secret}"
    );
    let table = text(&["keys", "list"]);
    for part in ["web shop", "search", "museum", "never"] {
        assert!(table.contains(part), "{table}");
    }
    assert!(!table.contains(secret.trim()));
    let id = table
        .lines()
        .nth(1)
        .unwrap()
        .split_whitespace()
        .next()
        .unwrap();
    assert!(text(&["keys", "revoke", id]).contains("web shop"));
    let gone = json_error(&data, &["keys", "revoke", id], 2);
    assert_eq!(gone["code"], "unknown_key");
    for wrong in [
        &["keys", "create", "a"][..],
        &["keys", "create", "a", "--scope", "write"],
        &["keys", "create", "", "--scope", "read"],
        &["keys", "create", "a", "--scope", "read", "--lasts", "soon"],
    ] {
        assert_eq!(run(&data, wrong).status.code(), Some(2), "{wrong:?}");
    }
}
