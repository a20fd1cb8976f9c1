//! Requests changed at random: addresses, parameters, JSON and forms. `RESIGHT_FUZZ_FACTOR` multiplies their
//! number. Each is answered, and none with a failure of ours.

use axum::body::Body;
use axum::http::{Request, Uri, header};
use resight_test_support::fuzz;

use crate::fixtures::{Bench, ask, png, textured};

/// A request as bytes that can be changed: the method's number, the address, the kind of the body, the body.
fn packed(method: &str, address: &str, kind: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("{method}\n{address}\n{kind}\n");
    [head.as_bytes(), body].concat()
}

fn unpacked(bytes: &[u8]) -> Option<Request<Body>> {
    let mut parts = bytes.splitn(4, |byte| *byte == b'\n');
    let mut text = || std::str::from_utf8(parts.next()?).ok();
    let (method, address, kind) = (text()?, text()?, text()?);
    let body = parts.next()?.to_vec();
    let address: Uri = address.parse().ok()?;
    // Other forms of a target never reach a route.
    address.path().starts_with('/').then_some(())?;
    let request = Request::builder().method(method).uri(address);
    let request = request.header(header::CONTENT_TYPE, kind);
    request.body(Body::from(body)).ok()
}

fn corpus(id: &str) -> Vec<Vec<u8>> {
    let picture = png(&textured(60, 44, 3));
    let form = "multipart/form-data; boundary=xyz";
    let part = |name: &str, file: &str, bytes: &[u8]| {
        let head =
            format!("--xyz\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n");
        [head.as_bytes(), bytes, b"\r\n"].concat()
    };
    let file = part("file", "; filename=\"a.png\"", &picture);
    let upload = [
        file.clone(),
        part("tag", "", b"vase"),
        b"--xyz--\r\n".to_vec(),
    ]
    .concat();
    let two = [
        part("a", "; filename=\"a.png\"", &picture),
        part("b", "; filename=\"b.png\"", &picture),
        b"--xyz--\r\n".to_vec(),
    ];
    let json = "application/json";
    let get = |address: &str| packed("GET", address, "text/plain", b"");
    let mut all = vec![
        packed("POST", "/v1/images?tag=a&object=o&metadata=%7B%22k%22%3A1%7D", form, &upload),
        packed("POST", "/v1/search?limit=2&region=pct:1,2,30,40&tag=a", "image/png", &picture),
        packed("POST", "/v1/search", form, &upload),
        packed("POST", "/v1/compare", form, &two.concat()),
        packed("POST", "/v1/search", json, format!("{{\"image_id\":\"{id}\"}}").as_bytes()),
        packed("POST", "/v1/not-a-match", json, format!("{{\"a\":\"{id}\",\"b\":\"{id}\"}}").as_bytes()),
        packed(
            "PATCH",
            &format!("/v1/images/{id}"),
            json,
            b"{\"tags\":[\"a\",\"b\"],\"add_tags\":[],\"object\":null,\"metadata\":{\"k\":[1,{\"x\":2}]}}",
        ),
    ];
    all.extend(
        [
            "/v1/images?offset=0&limit=3&tag=a&not_tag=b&object=o&meta.k=1&weak=true",
            "/v1/count?meta.a.b=%20x&tag=%C3%A9",
            "/v1/duplicates?kind=edited&min_size=2&offset=0&limit=1",
            "/v1/objects?limit=2",
            "/v1/collections",
        ]
        .map(get),
    );
    all.push(get(&format!("/v1/images/{id}/file")));
    all.push(get(&format!(
        "/v1/search?image_id={id}&region=0,0,10.5,9&mode=exact"
    )));
    all
}

#[test]
fn a_changed_request_is_answered_and_never_with_a_failure_of_ours() {
    let bench = Bench::new();
    let app = bench.app();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let indexer = resight_engine::Indexer::new(bench.engine.clone());
    let added = indexer.add(&png(&textured(90, 70, 1)), "a.png").unwrap();
    let corpus = corpus(added.picture.id.as_str());
    let (mut good, mut refused) = (0, 0);
    fuzz("requests", 500, &corpus, |bytes| {
        let Some(request) = unpacked(bytes) else {
            return;
        };
        let answer = runtime.block_on(ask(&app, request));
        let status = answer.status.as_u16();
        assert!(
            status < 500,
            "{status}: {}",
            String::from_utf8_lossy(&answer.body)
        );
        if status < 400 {
            good += 1;
            return;
        }
        refused += 1;
        // HEAD has no body.
        if !answer.body.is_empty() {
            let code = answer.json()["code"]
                .as_str()
                .unwrap_or_default()
                .to_owned();
            answer.problem(status, &code);
        }
    });
    assert!(good > 5 && refused > 50, "{good} {refused}");
}
