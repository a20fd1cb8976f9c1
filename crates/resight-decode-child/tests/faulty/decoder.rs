//! A child that does what its picture says at its end: decoders that go wrong, for the tests of the pool. No part of
//! the program.

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    if arguments
        .next()
        .is_some_and(|first| first == "video-worker")
    {
        return resight_decode_child::launch(arguments);
    }
    // A picture on the command line: a parent, whose child decodes it.
    if let Some(picture) = std::env::args_os().nth(1) {
        return parent(std::path::Path::new(&picture));
    }
    resight_decode_child::serve_with(faults::look)
}

/// Says the number of its child, which decodes a picture meanwhile.
#[cfg(target_os = "linux")]
fn parent(picture: &std::path::Path) -> std::process::ExitCode {
    use resight_decode::{DecodeLimits, Formats, Place, decode};
    use resight_decode_child::{Pool, PoolOptions};
    let Ok(bytes) = std::fs::read(picture) else {
        return std::process::ExitCode::FAILURE;
    };
    let pool = Pool::new(PoolOptions::of_this_program(vec![], 1));
    let decoding = pool.clone();
    std::thread::spawn(move || {
        let limits = DecodeLimits {
            place: Place::elsewhere(std::sync::Arc::new(decoding), Formats::Every),
            ..DecodeLimits::default()
        };
        decode(&bytes, &limits)
    });
    loop {
        if let Some(id) = pool.busy_ids().first() {
            println!("{id}");
            std::thread::sleep(std::time::Duration::from_secs(1000));
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
}

#[cfg(not(target_os = "linux"))]
fn main() {}

#[cfg(target_os = "linux")]
mod faults {
    use std::hint::black_box;
    use std::net::{TcpListener, UdpSocket};
    use std::process::Command;
    use std::time::Duration;

    use resight_decode::{Refused, RefusedCode};

    /// Does what a picture asks for.
    pub(super) fn look(bytes: &[u8]) -> Option<Refused> {
        let tail = &bytes[bytes.len().saturating_sub(40)..];
        let text = String::from_utf8_lossy(tail);
        let (_, wish) = text.rsplit_once("please ")?;
        match wish {
            "abort" => std::process::abort(),
            "exit" => std::process::exit(0),
            "loop" => loop {
                black_box(());
            },
            "sleep" => std::thread::sleep(Duration::from_secs(1000)),
            "allocate" => allocate(),
            "overflow" => {
                black_box(deeper(black_box(1)));
            }
            "write" => {
                use std::io::Write;
                let part = vec![0; 1 << 20];
                for _ in 0..400 {
                    if std::io::stdout().write_all(&part).is_err() {
                        std::process::exit(3);
                    }
                }
            }
            "beg" => beg(true),
            "beg deafly" => beg(false),
            "garble" => {
                use std::os::fd::AsFd;
                let message = [9, 0, 0, 0, 99];
                let flags = rustix::net::SendFlags::empty();
                let _ = rustix::net::send(std::io::stdin().as_fd(), &message, flags);
            }
            "reach out" => return Some(reach_out()),
            _ => return None,
        }
        None
    }

    /// Asks for memory again and again, and reads the answers or not.
    fn beg(listens: bool) {
        use std::os::fd::AsFd;
        let (input, mut answer) = (std::io::stdin(), [0; 5]);
        let message = [9, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0];
        loop {
            let flags = rustix::net::SendFlags::empty();
            if rustix::net::send(input.as_fd(), &message, flags).is_err() {
                return;
            }
            if listens {
                let flags = rustix::net::RecvFlags::empty();
                let _ = rustix::net::recv(input.as_fd(), &mut answer, flags);
            }
        }
    }

    fn allocate() {
        let mut all = Vec::new();
        loop {
            all.push(vec![1u8; 16 << 20]);
            black_box(&all);
        }
    }

    #[allow(unconditional_recursion, reason = "that is its purpose")]
    fn deeper(depth: u64) -> u64 {
        let space = black_box([depth; 512]);
        deeper(depth + 1) + black_box(space)[3]
    }

    /// Tries what a child must not, and refuses the picture with a list of what it could.
    fn reach_out() -> Refused {
        let mut could = Vec::new();
        let mut tried = |what: &str, worked: bool| {
            if worked {
                could.push(what.to_owned());
            }
        };
        tried("read a file", std::fs::read("/proc/self/status").is_ok());
        tried(
            "write a file",
            std::fs::write("/tmp/resight-child-wrote", "x").is_ok(),
        );
        tried("list a folder", std::fs::read_dir("/").is_ok());
        tried("listen", TcpListener::bind("127.0.0.1:0").is_ok());
        tried("use the network", UdpSocket::bind("127.0.0.1:0").is_ok());
        tried("run a program", Command::new("/bin/true").status().is_ok());
        tried("see variables", std::env::vars_os().next().is_some());
        tried("see a folder's name", std::env::current_dir().is_ok());
        // Threads are its own.
        let thread = std::thread::Builder::new().spawn(|| 1).map(|t| t.join());
        if !matches!(thread, Ok(Ok(1))) {
            could.push("not start a thread".to_owned());
        }
        Refused::new(RefusedCode::Broken, could.join(", "))
    }
}
