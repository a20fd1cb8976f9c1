//! The socket by which commands reach a server.

use std::fs;
use std::os::unix::fs::MetadataExt;

use resight_app::local::{LocalServer, Served};

use crate::jobs::Service;
use crate::support::World;

#[test]
fn a_command_that_takes_its_time_keeps_no_other_waiting() {
    use std::io::{BufRead, BufReader, Write};
    use std::os::unix::net::UnixStream;

    let world = World::new();
    let service = Service::of(&world);
    let root = world.config().root.clone();
    let server = LocalServer::begin(&root, &service.collections, &service.jobs).unwrap();
    let slow = UnixStream::connect(root.join("local/socket")).unwrap();
    let quick = Served::find(&root).unwrap();
    assert!(
        quick
            .create_collection(&crate::support::named("one"))
            .unwrap()
    );
    // Had the other one waited for its end, this would be over.
    let mut line = String::new();
    (&slow)
        .write_all(b"{\"want\":\"create_collection\",\"name\":\"two\"}\n")
        .unwrap();
    BufReader::new(&slow).read_line(&mut line).unwrap();
    assert!(line.contains("true"), "{line}");
    drop(server);
}

#[test]
fn a_server_whose_folder_was_replaced_ends_and_leaves_the_other_s_socket() {
    let (world, other) = (World::new(), World::new());
    let (service, beside) = (Service::of(&world), Service::of(&other));
    let begin = |service: &Service, root: &std::path::Path| {
        LocalServer::begin(root, &service.collections, &service.jobs).unwrap()
    };
    let root = world.config().root.clone();
    let first = begin(&service, &root);
    fs::rename(&root, world.path("away")).unwrap();
    fs::create_dir(&root).unwrap();
    let second = begin(&beside, &root);
    let socket = root.join("local/socket");
    let number = fs::metadata(&socket).unwrap().ino();
    drop(first);
    assert_eq!(fs::metadata(&socket).unwrap().ino(), number);
    drop(second);
    assert!(!socket.exists());
}
