//! What a program may be built with or without: traces of OpenTelemetry, and certificates by ACME.

use crate::support::json_error;

#[cfg(not(feature = "otel"))]
#[test]
fn a_program_without_opentelemetry_says_so() {
    let data = tempfile::tempdir().unwrap();
    let ask = ["--otlp-endpoint", "http://127.0.0.1:4318", "count"];
    let error = json_error(data.path(), &ask, 2);
    assert_eq!(error["code"], "bad_parameter");
    assert!(
        error["detail"]
            .as_str()
            .unwrap()
            .contains("--features otel")
    );
}

#[cfg(not(feature = "acme"))]
#[test]
fn a_program_without_acme_says_so() {
    let data = tempfile::tempdir().unwrap();
    let ask = [
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--acme-domain",
        "pics.example",
    ];
    let error = json_error(data.path(), &ask, 2);
    assert_eq!(error["code"], "bad_certificate");
    assert!(
        error["detail"]
            .as_str()
            .unwrap()
            .contains("--features acme")
    );
}

#[cfg(feature = "acme")]
#[test]
fn what_no_certificate_is_obtained_for_is_refused() {
    let data = tempfile::tempdir().unwrap();
    for (more, said) in [
        (&["--acme-domain", "192.168.1.5"][..], "is not a domain"),
        (&["--acme-domain", "*.pics.example"], "is not a domain"),
        (&["--acme-contact", "me@pics.example"], "no --acme-domain"),
        (
            &["--acme-domain", "a.example", "--acme-contact", "me"],
            "electronic mail",
        ),
        (
            &["--acme-domain", "a.example", "--acme-directory", "http://a"],
            "https://",
        ),
        (
            &[
                "--acme-domain",
                "a.example",
                "--tls-cert",
                "c",
                "--tls-key",
                "k",
            ],
            "not both",
        ),
    ] {
        let ask = [&["serve", "--listen", "127.0.0.1:0"][..], more].concat();
        let error = json_error(data.path(), &ask, 2);
        assert_eq!(error["code"], "bad_certificate");
        assert!(error["detail"].as_str().unwrap().contains(said), "{error}");
    }
    assert!(!data.path().join("acme").exists());
}

#[cfg(all(unix, feature = "otel"))]
#[test]
fn a_collector_gets_the_traces_of_requests() {
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::process::Stdio;

    /// The body of one request, which is answered.
    fn body(mut stream: TcpStream) -> Vec<u8> {
        let mut read = Vec::new();
        let (mut head, mut length) = (None, 0);
        let mut part = [0; 4096];
        while head.is_none_or(|head| read.len() < head + length) {
            let n = stream.read(&mut part).unwrap();
            assert!(n > 0, "ended early");
            read.extend_from_slice(&part[..n]);
            if let Some(at) = read.windows(4).position(|four| four == b"\r\n\r\n") {
                let text = String::from_utf8_lossy(&read[..at]).to_ascii_lowercase();
                assert!(text.starts_with("post /v1/traces http/1.1"), "{text}");
                let line = text
                    .lines()
                    .find_map(|line| line.strip_prefix("content-length:"));
                length = line.unwrap().trim().parse().unwrap();
                head = Some(at + 4);
            }
        }
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        stream.write_all(answer.as_bytes()).unwrap();
        read.split_off(head.unwrap())
    }

    let data = tempfile::tempdir().unwrap();
    let collector = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", collector.local_addr().unwrap());
    let mut child = crate::support::resight(data.path())
        .args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--json",
            "--otlp-endpoint",
            &endpoint,
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .env_remove("OTEL_TRACES_SAMPLER")
        .env_remove("OTEL_RESOURCE_ATTRIBUTES")
        .env("NO_PROXY", "127.0.0.1")
        .spawn()
        .unwrap();
    let line = crate::support::first_line(&mut child);
    let serving: serde_json::Value = serde_json::from_str(&line).unwrap();
    let address = serving["url"]
        .as_str()
        .unwrap()
        .strip_prefix("http://")
        .unwrap();
    let address = address.trim_end_matches('/').to_owned();
    let mut stream = TcpStream::connect(&address).unwrap();
    let trace = "0af7651916cd43dd8448eb211c80319c";
    write!(
        stream,
        "GET /v1/stats?private=1 HTTP/1.1\r\nHost: {address}\r\ntraceparent: 00-{trace}-b7ad6b7169203331-01\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    // What waits is sent at the end.
    crate::serve::signal(&child, "-TERM");
    let sent = body(collector.accept().unwrap().0);
    let has = |what: &[u8]| sent.windows(what.len()).any(|part| part == what);
    let id: Vec<u8> = (0..16)
        .map(|at| u8::from_str_radix(&trace[2 * at..2 * at + 2], 16).unwrap())
        .collect();
    assert!(has(&id), "the client's trace goes on");
    for part in ["resight", "/v1/stats", "http.response.status_code"] {
        assert!(has(part.as_bytes()), "{part}");
    }
    assert!(!has(b"private"), "the query stays out");
    assert!(child.wait().unwrap().success());
}
