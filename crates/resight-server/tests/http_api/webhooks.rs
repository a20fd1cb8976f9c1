//! Webhooks: who may make them, what a receiver gets, and what happens where it takes nothing.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::HeaderMap;
use ipnet::IpNet;
use resight_app::keys::Scope;
use resight_app::webhooks::Webhooks;
use resight_server::{FetchSettings, Policy, Resolve, WebhookSettings};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::timeout;

use crate::access::with;
use crate::fixtures::{Answer, ask, post, request};
use crate::jobs::World;

/// Longer than anything here takes.
const NEVER: Duration = Duration::from_secs(120);

/// Everything is on this machine.
#[derive(Debug)]
struct Here;

impl Resolve for Here {
    fn resolve(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        Ok(vec!["127.0.0.1".parse().unwrap()])
    }
}

fn settings(world: &World, networks: &[&str]) -> WebhookSettings {
    let networks: Vec<IpNet> = networks.iter().map(|text| text.parse().unwrap()).collect();
    let targets = FetchSettings::public(&[]);
    let targets = targets.resolved_by(Arc::new(Here), &[], NEVER);
    WebhookSettings {
        hooks: Arc::new(Webhooks::open(&world.path("data")).unwrap()),
        targets: targets.with_networks(&networks),
        first_wait: Duration::from_millis(5),
    }
}

type Message = (HeaderMap, Vec<u8>);

/// A receiver that answers with these statuses, the last one from then on; gives its address and what comes.
async fn receiver(statuses: &[u16]) -> (String, UnboundedReceiver<Message>) {
    let (sent, received): (UnboundedSender<Message>, _) = unbounded_channel();
    let statuses = Arc::new(parking_lot::Mutex::new(statuses.to_vec()));
    let taken = move |headers: HeaderMap, body: axum::body::Bytes| {
        let mut statuses = statuses.lock();
        let status = if statuses.len() > 1 {
            statuses.remove(0)
        } else {
            statuses[0]
        };
        sent.send((headers, body.to_vec())).unwrap();
        async move { axum::http::StatusCode::from_u16(status).unwrap() }
    };
    let app = Router::new().route("/hook", axum::routing::post(taken));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    (format!("http://hooks.example:{port}/hook"), received)
}

async fn next(received: &mut UnboundedReceiver<Message>) -> Message {
    timeout(NEVER, received.recv()).await.unwrap().unwrap()
}

fn header(message: &Message, name: &str) -> String {
    message.0[name].to_str().unwrap().to_owned()
}

async fn registered(app: &Router, key: &str, url: &str) -> Answer {
    let body = json!({"url": url}).to_string();
    ask(
        app,
        with(post("/v1/webhooks", "application/json", body), key),
    )
    .await
}

async fn job(app: &Router, key: &str) -> u64 {
    let body = json!({"kind": "duplicates"}).to_string();
    let made = ask(app, with(post("/v1/jobs", "application/json", body), key)).await;
    made.json()["id"].as_u64().unwrap()
}

/// What the receiver computes by the specification.
fn is_signed(message: &Message, secret: &str) -> bool {
    let secret = secret.strip_prefix("whsec_").unwrap();
    let secret = data_encoding::BASE64.decode(secret.as_bytes()).unwrap();
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &secret);
    let (id, time) = (
        header(message, "webhook-id"),
        header(message, "webhook-timestamp"),
    );
    let signed = [format!("{id}.{time}.").into_bytes(), message.1.clone()].concat();
    let signature = header(message, "webhook-signature");
    let signature = signature.strip_prefix("v1,").unwrap();
    let signature = data_encoding::BASE64.decode(signature.as_bytes()).unwrap();
    ring::hmac::verify(&key, &signed, &signature).is_ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_is_told_of_a_job_until_it_takes_the_message_and_after_a_restart() {
    let mut world = World::new(Policy::Always);
    world.settings.webhooks = Some(settings(&world, &["127.0.0.0/8"]));
    let key = world.key(&[Scope::Admin], None);
    let app = world.app();
    let (url, mut received) = receiver(&[500, 503, 204]).await;
    let made = registered(&app, &key, &url).await;
    assert_eq!(made.status, 201);
    let secret = made.json()["secret"].as_str().unwrap().to_owned();
    let list = ask(&app, with(request("GET", "/v1/webhooks"), &key))
        .await
        .json();
    assert_eq!(list["webhooks"][0]["url"], url);
    assert!(!list.to_string().contains(&secret), "it is shown once");
    world.run();
    let first = job(&app, &key).await;
    let attempts = [
        next(&mut received).await,
        next(&mut received).await,
        next(&mut received).await,
    ];
    for message in &attempts {
        assert!(is_signed(message, &secret));
        assert_eq!(
            header(message, "webhook-id"),
            header(&attempts[0], "webhook-id")
        );
        let body: Value = serde_json::from_slice(&message.1).unwrap();
        assert_eq!(
            (&body["type"], &body["data"]["id"]),
            (&json!("job.done"), &json!(first))
        );
        let mut changed = message.clone();
        changed.1.push(b' ');
        assert!(!is_signed(&changed, &secret));
    }
    // It was taken, and the next message is about the next job.
    let second = job(&app, &key).await;
    let body: Value = serde_json::from_slice(&next(&mut received).await.1).unwrap();
    assert_eq!(body["data"]["id"], second);
    // What ended while nobody told it is told by the next server.
    let hooks = Webhooks::open(&world.path("data")).unwrap().list();
    assert_eq!(hooks.len(), 1);
    let metrics = ask(&app, with(request("GET", "/metrics"), &key)).await;
    let metrics = String::from_utf8(metrics.body).unwrap();
    crate::metrics::are_documented(&metrics);
    assert!(
        metrics.contains("resight_webhook_messages_failed_total 2"),
        "{metrics}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_does_not_answer_keeps_no_other_waiting() {
    let mut world = World::new(Policy::Always);
    world.settings.webhooks = Some(settings(&world, &["127.0.0.0/8"]));
    let key = world.key(&[Scope::Admin], None);
    let app = world.app();
    // It takes connections, and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let (url, mut received) = receiver(&[204]).await;
    for url in [&format!("http://hooks.example:{port}/hook"), &url] {
        assert_eq!(registered(&app, &key, url).await.status, 201);
    }
    world.run();
    for _ in 0..3 {
        let id = job(&app, &key).await;
        let body: Value = serde_json::from_slice(&next(&mut received).await.1).unwrap();
        assert_eq!(body["data"]["id"], id);
    }
    // The first message to the other one is still on its way.
    let metrics = ask(&app, with(request("GET", "/metrics"), &key)).await;
    let metrics = String::from_utf8(metrics.body).unwrap();
    assert!(
        metrics.contains("resight_webhook_messages_failed_total 0"),
        "{metrics}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_that_ended_without_a_server_are_told_by_the_next_one() {
    let mut world = World::new(Policy::Always);
    let key = world.key(&[Scope::Admin], None);
    let (url, mut received) = receiver(&[204]).await;
    Webhooks::open(&world.path("data"))
        .unwrap()
        .add(&url, None)
        .unwrap();
    world.run();
    let without = world.app();
    let id = job(&without, &key).await;
    loop {
        let address = format!("/v1/jobs/{id}");
        let job = ask(&without, with(request("GET", &address), &key))
            .await
            .json();
        if job["state"] == "done" {
            break;
        }
        assert_ne!(job["state"], "failed", "{job}");
    }
    world.settings.webhooks = Some(settings(&world, &["127.0.0.1/32"]));
    let _app = world.app();
    let body: Value = serde_json::from_slice(&next(&mut received).await.1).unwrap();
    assert_eq!(body["data"]["id"], id);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_within_the_servers_network_is_not_asked_unless_it_is_allowed() {
    let mut world = World::new(Policy::Always);
    let served = settings(&world, &[]);
    let hooks = served.hooks.clone();
    world.settings.webhooks = Some(served);
    let key = world.key(&[Scope::Admin], None);
    let app = world.app();
    let (url, mut received) = receiver(&[204]).await;
    assert_eq!(registered(&app, &key, &url).await.status, 201);
    world.run();
    job(&app, &key).await;
    // It is given up after the last attempt.
    let before = hooks.list()[0].told;
    timeout(NEVER, async {
        loop {
            let metrics = ask(&app, with(request("GET", "/metrics"), &key)).await;
            let text = String::from_utf8(metrics.body).unwrap();
            if !text.contains("resight_webhook_messages_failed_total 0") {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .unwrap();
    assert!(received.try_recv().is_err(), "it was asked");
    assert!(hooks.list()[0].told >= before);
}

#[tokio::test]
async fn webhooks_are_for_admins_and_for_addresses_that_can_be() {
    let mut world = World::new(Policy::Always);
    world.settings.webhooks = Some(settings(&world, &[]));
    let app = world.app();
    let admin = world.key(&[Scope::Admin], None);
    let other = world.key(
        &[Scope::Search, Scope::Read, Scope::Add, Scope::Delete],
        None,
    );
    let some = world.key(&[Scope::Admin], Some("museum"));
    for key in [&other, &some] {
        registered(&app, key, "https://a.example/")
            .await
            .problem(403, "key_not_allowed");
    }
    for url in [
        "ftp://a.example/",
        "a.example",
        "https://me:secret@a.example/",
        "",
    ] {
        registered(&app, &admin, url)
            .await
            .problem(422, "fetch_bad_address");
    }
    for host in [
        "127.0.0.1",
        "10.1.2.3",
        "169.254.169.254",
        "[::1]",
        "[::ffff:10.0.0.1]",
    ] {
        registered(&app, &admin, &format!("http://{host}/hook"))
            .await
            .problem(403, "fetch_forbidden_address");
    }
    let made = registered(&app, &admin, "https://a.example/").await.json();
    let id = made["webhook"]["id"].as_str().unwrap();
    let address = format!("/v1/webhooks/{id}");
    let removed = ask(&app, with(request("DELETE", &address), &admin)).await;
    assert_eq!(removed.status, 204);
    let again = ask(&app, with(request("DELETE", &address), &admin)).await;
    again.problem(404, "unknown_webhook");
    // An open server could be made to tell of its jobs by anyone.
    world.settings.access.policy = Policy::Open;
    let open = world.app();
    let body = json!({"url": "https://a.example/"}).to_string();
    let refused = ask(&open, post("/v1/webhooks", "application/json", body)).await;
    refused.problem(403, "key_not_allowed");
}
