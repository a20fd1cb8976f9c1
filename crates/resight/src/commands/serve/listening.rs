//! The address that a server listens at.

use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};

use resight_app::Code;

use crate::error::CliError;

pub(super) fn listen(address: &str) -> Result<(TcpListener, SocketAddr), CliError> {
    let listener = TcpListener::bind(address).map_err(|error| refused(address, &error))?;
    let bound = || {
        listener.set_nonblocking(true)?;
        listener.local_addr()
    };
    let bound = bound().map_err(|error| failed("the port could not be set up", &error))?;
    Ok((listener, bound))
}

/// The address that a server would listen at. One that a program listens at already can be used: it may be the
/// server that runs.
pub(super) fn address_of(address: &str) -> Result<SocketAddr, CliError> {
    match TcpListener::bind(address).and_then(|listener| listener.local_addr()) {
        Ok(bound) => Ok(bound),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            let first = address.to_socket_addrs().map(|mut all| all.next());
            let none = || io::Error::from(io::ErrorKind::AddrNotAvailable);
            first
                .and_then(|first| first.ok_or_else(none))
                .map_err(|error| refused(address, &error))
        }
        Err(error) => Err(refused(address, &error)),
    }
}

fn refused(address: &str, error: &io::Error) -> CliError {
    match error.kind() {
        io::ErrorKind::AddrInUse => CliError::Failure {
            code: Code::PortInUse,
            detail: format!("another program listens at {address} already"),
            next_step: "Choose another port, for example --listen 127.0.0.1:7778, or port 0 for any free one.".into(),
        },
        io::ErrorKind::InvalidInput => CliError::Usage {
            code: Code::ListenAddress,
            detail: format!("{address:?} is not an address with a port: {error}"),
            next_step: "Write it as in --listen 127.0.0.1:7777 or --listen [::1]:7777.".into(),
        },
        _ => CliError::Failure {
            code: Code::CannotListen,
            detail: format!("cannot listen at {address}: {error}"),
            next_step: "Choose an address of this machine and a port from 1024 upwards with --listen.".into(),
        },
    }
}

/// The server could not go on.
pub(super) fn failed(what: &str, error: &io::Error) -> CliError {
    CliError::Failure {
        code: Code::ServerFailed,
        detail: format!("{what}: {error}"),
        next_step: "Nothing that was acknowledged is lost; start it again, with -v for more."
            .into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_listened_at_is_told_apart() {
        let (holder, address) = listen("127.0.0.1:0").unwrap();
        let taken = listen(&address.to_string()).unwrap_err();
        assert_eq!((taken.code(), taken.exit_code(1)), (Code::PortInUse, 1));
        assert!(taken.next_step().contains("--listen"));
        assert_eq!(address_of(&address.to_string()).unwrap(), address);
        drop(holder);
        let wrong = listen("7777").unwrap_err();
        assert_eq!((wrong.code(), wrong.exit_code(1)), (Code::ListenAddress, 2));
    }
}
