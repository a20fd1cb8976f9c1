//! Asks a server the same thing over and over:
//!
//! ```console
//! cargo run --release -p resight --example http_load -- 127.0.0.1:7777 /healthz 4 2 [FILE TYPE]
//! ```
//!
//! Four connections that are kept, for two seconds; with a file, its bytes are posted as TYPE.
//! Writes one line of JSON: `calls` answered with 200 and their number a second, `failed` others,
//! `p50_us` and `p99_us` of the time from request to answer. An answer that does not come within
//! five seconds ends its connection. It knows just as much of HTTP/1.1 as benches need.

use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(5);

fn main() -> Result<(), Box<dyn Error>> {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let [host, path, connections, seconds, body @ ..] = &given[..] else {
        return Err("give HOST:PORT PATH CONNECTIONS SECONDS [FILE TYPE]".into());
    };
    let request = match body {
        [file, content_type] => {
            let body = std::fs::read(file)?;
            let mut request = format!(
                "POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\r\n",
                body.len()
            )
            .into_bytes();
            request.extend(body);
            request
        }
        _ => format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n").into_bytes(),
    };
    let wanted = Duration::from_secs_f64(seconds.parse()?);
    let connections: usize = connections.parse()?;
    let begun = Instant::now();
    let outcomes: Vec<(Vec<Duration>, usize)> = std::thread::scope(|scope| {
        let ask = || {
            let mut times = Vec::new();
            let mut failed = 0;
            if ask(host, &request, begun + wanted, &mut times, &mut failed).is_err() {
                failed += 1;
            }
            (times, failed)
        };
        let threads: Vec<_> = (0..connections).map(|_| scope.spawn(ask)).collect();
        threads.into_iter().flat_map(|t| t.join()).collect()
    });
    let took = begun.elapsed().max(wanted).as_secs_f64();
    let failed: usize = outcomes.iter().map(|(_, failed)| failed).sum();
    let mut times: Vec<Duration> = outcomes.into_iter().flat_map(|(times, _)| times).collect();
    times.sort_unstable();
    let at = |share: f64| {
        let i = (times.len() as f64 * share) as usize;
        times.get(i).map_or(0.0, |time| time.as_secs_f64() * 1e6)
    };
    println!(
        "{{\"calls\": {}, \"calls_per_second\": {:.1}, \"failed\": {failed}, \"p50_us\": {:.1}, \"p99_us\": {:.1}}}",
        times.len(),
        times.len() as f64 / took,
        at(0.5),
        at(0.99)
    );
    Ok(())
}

fn ask(
    host: &str,
    request: &[u8],
    until: Instant,
    times: &mut Vec<Duration>,
    failed: &mut usize,
) -> Result<(), Box<dyn Error>> {
    let mut stream = TcpStream::connect(host)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut answers = BufReader::new(stream.try_clone()?);
    while Instant::now() < until {
        let begun = Instant::now();
        stream.write_all(request)?;
        let mut line = String::new();
        answers.read_line(&mut line)?;
        let fine = line.split(' ').nth(1) == Some("200");
        let mut length = None;
        loop {
            line.clear();
            if answers.read_line(&mut line)? == 0 {
                return Err("the connection was closed".into());
            }
            match line.trim().split_once(':') {
                None => break,
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                    length = Some(value.trim().parse::<u64>()?);
                }
                Some(_) => {}
            }
        }
        let length = length.ok_or("an answer without Content-Length")?;
        std::io::copy(&mut (&mut answers).take(length), &mut std::io::sink())?;
        match fine {
            true => times.push(begun.elapsed()),
            false => *failed += 1,
        }
    }
    Ok(())
}
