//! A server under a limit of its address space.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use image::{DynamicImage, ImageFormat, RgbImage};
use resight_test_support::{encode, png};
use serde_json::Value;

use crate::support::{resight, textured};

/// Ended with the test, however that ends.
struct Server {
    child: Child,
    address: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _status = self.child.wait();
    }
}

/// A server that may have this much address space.
fn server(data: &std::path::Path, kib: u32) -> Server {
    let program = resight(data);
    let mut child = Command::new("sh")
        .args(["-c", "ulimit -v $0 && exec \"$@\"", &kib.to_string()])
        .arg(program.get_program())
        .args(program.get_args())
        .args(["serve", "--listen", "127.0.0.1:0", "--json"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    assert!(stdout.read_line(&mut line).unwrap() > 0, "it ended early");
    let serving: Value = serde_json::from_str(&line).unwrap();
    let url = serving["url"].as_str().unwrap();
    let address = url.trim_start_matches("http://").to_owned();
    Server { child, address }
}

/// The status and the body of an answer.
fn ask(address: &str, head: &str, body: &[u8]) -> (u16, Value) {
    let mut stream = TcpStream::connect(address).unwrap();
    let length = body.len();
    write!(
        stream,
        "{head} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: image/png\r\n\
         Content-Length: {length}\r\n\r\n"
    )
    .unwrap();
    stream.write_all(body).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap())
}

#[test]
fn huge_pictures_do_not_end_a_server_of_little_address_space() {
    let root = tempfile::tempdir().unwrap();
    let server = server(&root.path().join("data"), 1_500_000);
    let address = &*server.address;
    let search = |picture: &[u8]| ask(address, "POST /v1/search", picture);
    let (_, ready) = ask(address, "GET /readyz", b"");
    let budget = ready["memory"]["budget"].as_u64().unwrap();
    assert!(budget < 800_000 << 10, "{ready}");

    // It needs more than there is: a header that says so is enough.
    let mut huge = encode(&RgbImage::new(32, 32), ImageFormat::Gif);
    huge[6..10].copy_from_slice(&[0x10, 0x27, 0x10, 0x27]);
    let (status, refused) = search(&huge);
    assert_eq!((status, &refused["code"]), (422, &"too_many_pixels".into()));
    assert!(
        refused["detail"].to_string().contains("MiB of memory"),
        "{refused}"
    );

    // Each fits, and not all of them at once.
    let large = DynamicImage::from(RgbImage::new(4000, 4000)).into_rgba16();
    let large = png(&large);
    let jpeg = encode(&RgbImage::new(9000, 6000), ImageFormat::Jpeg);
    let answers: Vec<(u16, Value)> = std::thread::scope(|scope| {
        let pictures = [&large, &jpeg].into_iter().cycle().take(12);
        let asking: Vec<_> = pictures.map(|p| scope.spawn(|| search(p))).collect();
        asking
            .into_iter()
            .map(|asked| asked.join().unwrap())
            .collect()
    });
    for (status, answer) in answers {
        assert!(matches!(status, 200 | 503), "{status}: {answer}");
    }
    let (status, answer) = search(&png(&textured(200, 150, 1)));
    assert_eq!(status, 200, "{answer}");
    let (_, ready) = ask(address, "GET /readyz", b"");
    for used in ["bodies", "work", "waiting"] {
        assert_eq!(ready["memory"][used], 0, "{ready}");
    }
}
