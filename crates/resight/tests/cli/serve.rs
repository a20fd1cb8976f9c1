//! `resight serve` from start to graceful end, and an interrupted `resight index`.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use crate::support::{
    count, events, fill, first_line, json, json_error, lines, resight, save, textured,
};
use serde_json::Value;

pub(crate) fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill")
        .args([name, &child.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
}

pub(crate) fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_folder_is_served_until_it_is_asked_to_stop() {
    let root = tempfile::tempdir().unwrap();
    let (data, pictures) = (root.path().join("data"), root.path().join("pictures"));
    std::fs::create_dir(&pictures).unwrap();
    for seed in 0..3 {
        save(
            &textured(200, 160, seed),
            &pictures.join(format!("{seed}.png")),
        );
    }
    let dir = pictures.to_str().unwrap();
    let mut child = resight(&data)
        .args(["serve", dir, "--listen", "127.0.0.1:0", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let serving: Value = loop {
        let mut line = String::new();
        assert!(stdout.read_line(&mut line).unwrap() > 0, "ended early");
        let line: Value = serde_json::from_str(&line).unwrap();
        if line["event"] == "serving" {
            break line;
        }
    };
    // The folder is indexed meanwhile.
    assert!(serving["pictures"].as_u64().unwrap() <= 3);
    let address = serving["url"]
        .as_str()
        .unwrap()
        .trim_start_matches("http://");
    while !get(address, "/v1/count").contains(r#"{"count":3}"#) {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }

    // Beside it: reading works, writing and the port are taken.
    assert_eq!(count(&data), 3);
    let query = pictures.join("1.png");
    let answer = &json(&data, &["search", query.to_str().unwrap()])[0];
    assert_eq!(answer["hits"][0]["verified"], true);
    // Indexing goes through the server, and other changes have to wait.
    save(&textured(200, 160, 9), &pictures.join("9.png"));
    let done = json(&data, &["index", dir, "--tag", "new"]);
    assert_eq!(done.last().unwrap()["job"]["state"], "done", "{done:?}");
    assert_eq!(count(&data), 4);
    assert_eq!(json(&data, &["count", "--tag", "new"])[0]["count"], 4);
    json(&data, &["tag", query.to_str().unwrap(), "--add", "a"]);
    assert_eq!(json(&data, &["count", "--tag", "a"])[0]["count"], 1);
    let other = root.path().join("other");
    let taken = json_error(&other, &["serve", "--listen", address], 1);
    assert_eq!(taken["code"], "port_in_use");
    assert!(taken["next_step"].as_str().unwrap().contains("--listen"));

    signal(&child, "-TERM");
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(json(&data, &["index", dir]).last().unwrap()["unchanged"], 4);
}

#[test]
fn stopping_says_what_it_waits_for_and_a_second_request_ends_it() {
    let root = tempfile::tempdir().unwrap();
    let data = root.path().join("data");
    let mut child = resight(&data)
        .args(["serve", "--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let said = first_line(&mut child);
    let address = said.trim().rsplit("http://").next().unwrap();

    // An upload that stops in its middle.
    let mut slow = TcpStream::connect(address).unwrap();
    write!(
        slow,
        "POST /v1/search HTTP/1.1\r\nHost: {address}\r\nContent-Type: image/png\r\n\
         Content-Length: 1000\r\nExpect: 100-continue\r\n\r\n"
    )
    .unwrap();
    // Its body is waited for now.
    let mut answer = [0; 12];
    slow.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 100");

    signal(&child, "-INT");
    let told = BufReader::new(child.stderr.as_mut().unwrap())
        .lines()
        .map(Result::unwrap)
        .find(|line| line.contains("requests in progress"))
        .unwrap();
    assert!(told.contains("Ctrl-C again stops at once"), "{told}");
    signal(&child, "-INT");
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn an_interrupted_run_keeps_what_it_did() {
    const PICTURES: u64 = 48;
    let root = tempfile::tempdir().unwrap();
    let (data, pictures) = (root.path().join("data"), root.path().join("pictures"));
    fill(&pictures, PICTURES);
    let dir = pictures.to_str().unwrap();
    let mut child = resight(&data)
        .args(["index", dir, "--json", "--threads", "1"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut said = Vec::new();
    while events(&lines(&said), "indexed").is_empty() {
        assert!(
            stdout.read_until(b'\n', &mut said).unwrap() > 0,
            "ended early"
        );
    }
    signal(&child, "-INT");
    stdout.read_to_end(&mut said).unwrap();
    let ended = child.wait_with_output().unwrap();
    let said = lines(&said);
    let done = said.last().unwrap();
    assert_eq!(done["event"], "done");
    let held = count(&data);
    assert_eq!(events(&said, "indexed").len() as u64, held);
    if done["cancelled"] == true {
        assert_eq!(ended.status.code(), Some(130));
        let error = lines(&ended.stderr);
        assert_eq!(error[0]["error"]["code"], "interrupted");
    } else {
        eprintln!("SKIPPED: everything was indexed before the interrupt came");
    }
    let rest = json(&data, &["index", dir]);
    assert_eq!(rest.last().unwrap()["indexed"], PICTURES - held);
    assert_eq!(count(&data), PICTURES);
}

#[test]
fn a_base_path_comes_from_the_flag_or_the_environment_and_nonsense_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let data = root.path().join("data");
    for (variable, flag) in [(Some("photos/"), None), (Some("/other"), Some("/photos"))] {
        let mut command = resight(&data);
        command.args(["serve", "--listen", "127.0.0.1:0", "--json"]);
        command.args(flag.map(|path| format!("--base-path={path}")));
        command.envs(variable.map(|path| ("RESIGHT_BASE_PATH", path)));
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let serving: Value = serde_json::from_str(&first_line(&mut child)).unwrap();
        let url = serving["url"].as_str().unwrap();
        let address = url.strip_prefix("http://").unwrap();
        let address = address
            .strip_suffix("/photos")
            .unwrap_or_else(|| panic!("{url}"));
        for path in ["/photos/v1/count", "/v1/count", "/photos/errors"] {
            let answer = get(address, path);
            assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
        }
        assert!(get(address, "/photos").contains("location: /photos/\r\n"));
        signal(&child, "-INT");
        assert_eq!(child.wait().unwrap().code(), Some(0));
    }
    for (arguments, code) in [
        (["serve", "--base-path", "/a/../b"], "base_path"),
        (["serve", "--base-path", "/v1"], "base_path"),
        (["serve", "--trusted-proxy", "10.0.0.0/33"], "trusted_proxy"),
    ] {
        assert_eq!(json_error(&data, &arguments, 2)["code"], code);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn systemd_is_told_when_a_server_is_ready_and_when_it_stops() {
    let root = tempfile::tempdir().unwrap();
    let socket = root.path().join("notify");
    let systemd = std::os::unix::net::UnixDatagram::bind(&socket).unwrap();
    // Ends a test that would wait for ever.
    let patience = Some(std::time::Duration::from_secs(120));
    systemd.set_read_timeout(patience).unwrap();
    let mut child = resight(&root.path().join("data"))
        .args(["serve", "--listen", "127.0.0.1:0"])
        .env("NOTIFY_SOCKET", &socket)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let said = first_line(&mut child);
    let address = said.trim().rsplit("http://").next().unwrap();
    let told = || {
        let mut message = [0; 512];
        let length = systemd.recv(&mut message).unwrap();
        String::from_utf8(message[..length].to_vec()).unwrap()
    };
    let ready = told();
    let status = format!("STATUS=Serving at http://{address}");
    assert!(ready.lines().any(|line| line == "READY=1"), "{ready}");
    assert!(ready.lines().any(|line| line == status), "{ready}");
    assert!(get(address, "/healthz").starts_with("HTTP/1.1 200"));
    signal(&child, "-TERM");
    assert_eq!(told().trim(), "STOPPING=1");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
