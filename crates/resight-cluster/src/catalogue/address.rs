//! From the address of a database to a pool of connections.

use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{
    Hook, HookError, Manager, ManagerConfig, Pool, QueueMode, RecyclingMethod, Runtime, Timeouts,
};
use resight_store::StoreError;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::runtime::spawn;

/// A catalogue has at most so many connections. A method takes one while it runs.
const CONNECTIONS: usize = 8;

/// How long to wait for a free connection, and for a new one.
const PATIENCE: Duration = Duration::from_secs(10);

/// A connection that nothing used for so long is closed.
const IDLE: Duration = Duration::from_secs(60);

/// How long a server that is gone may go unnoticed.
const SILENCE: Duration = Duration::from_secs(30);

/// A statement that takes longer is stopped, by the server.
pub(super) const LONGEST_STATEMENT: Duration = Duration::from_secs(120);

/// How long a change waits for that of another process.
const LOCK_PATIENCE: Duration = Duration::from_secs(10);

/// A database, without its password where it is shown.
pub(super) struct Address {
    config: Config,
    /// What errors call it.
    pub(super) location: String,
}

impl Address {
    /// Takes `postgresql://USER:PASSWORD@HOST:PORT/DATABASE?OPTIONS` and `key=value` pairs, as PostgreSQL's own
    /// programs do. A password that it lacks is that of the variable `PGPASSWORD`. Fails with `store_io` where it is
    /// neither.
    pub(super) fn parse(address: &str) -> Result<Self, StoreError> {
        // The certificate is checked whenever there is one, as these ask.
        let address = address
            .replace("sslmode=verify-full", "sslmode=require")
            .replace("sslmode=verify-ca", "sslmode=require");
        let mut config: Config = address.parse().map_err(|error| StoreError::Io {
            // The text may have a password in it.
            location: "the address of the PostgreSQL database".to_owned(),
            source: Box::new(error),
        })?;
        if config.get_password().is_none()
            && let Ok(password) = std::env::var("PGPASSWORD")
        {
            config.password(password);
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(PATIENCE);
        }
        if config.get_application_name().is_none() {
            config.application_name("resight");
        }
        config.keepalives_idle(SILENCE);
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(SILENCE);
        }
        let location = location_of(&config);
        Ok(Self { config, location })
    }

    /// The server and the database of an address that may stand where anybody reads it.
    pub(super) fn place(address: &str) -> Result<String, StoreError> {
        let bad = |detail: &str| StoreError::Address {
            what: "catalogue",
            detail: detail.to_owned(),
        };
        // What is wrong with it is left out: it may be a part of a password.
        let no_address = || {
            bad("it is no address of a PostgreSQL database, as in postgres://USER@HOST/DATABASE")
        };
        if !address.contains("://") && !address.contains('=') {
            return Err(no_address());
        }
        let config: Config = address.parse().map_err(|_| no_address())?;
        if config.get_password().is_some() {
            return Err(bad(
                "it has a password, which belongs into the variable PGPASSWORD",
            ));
        }
        let port = config.get_ports().first().copied().unwrap_or(5432);
        Ok(format!("{}, port {port}", location_of(&config)))
    }

    /// A pool whose sessions find the tables of `schema` and wait for nothing for ever. Nothing is connected yet.
    pub(super) fn pool(&self, schema: &str, is_read_only: bool) -> Result<Pool, StoreError> {
        let manager = Manager::from_config(
            self.config.clone(),
            self.tls()?,
            ManagerConfig {
                recycling_method: RecyclingMethod::Fast,
            },
        );
        let setup: Arc<str> = session_setup(schema, is_read_only).into();
        let prepare = Hook::async_fn(move |client: &mut deadpool_postgres::ClientWrapper, _| {
            let setup = Arc::clone(&setup);
            Box::pin(async move {
                let set = client.batch_execute(&setup).await;
                set.map_err(HookError::Backend)
            })
        });
        let pool = Pool::builder(manager)
            .max_size(CONNECTIONS)
            // Those that are needed no more are not used in turn, and go.
            .queue_mode(QueueMode::Lifo)
            .timeouts(Timeouts {
                wait: Some(PATIENCE),
                create: Some(PATIENCE),
                recycle: Some(PATIENCE),
            })
            .post_create(prepare)
            .runtime(Runtime::Tokio1)
            .build();
        let pool = pool.map_err(|error| StoreError::Failed {
            location: self.location.clone(),
            detail: error.to_string(),
        })?;
        close_idle(&pool);
        Ok(pool)
    }

    /// Encrypts as `sslmode` says: `disable` never, `prefer` where the server offers it, `require` always. Whenever it
    /// does, the server's certificate must be one that this machine trusts; `SSL_CERT_FILE` names further ones.
    fn tls(&self) -> Result<MakeRustlsConnect, StoreError> {
        let mut roots = RootCertStore::empty();
        if self.config.get_ssl_mode() != SslMode::Disable {
            // What cannot be read is left out: the handshake fails where a certificate of it is needed.
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| StoreError::Failed {
                location: self.location.clone(),
                detail: error.to_string(),
            })?;
        Ok(MakeRustlsConnect::new(
            config.with_root_certificates(roots).with_no_client_auth(),
        ))
    }
}

/// Closes connections that are not used, until the pool is gone.
fn close_idle(pool: &Pool) {
    let pool = pool.weak();
    spawn(async move {
        loop {
            tokio::time::sleep(IDLE / 2).await;
            let Some(pool) = pool.upgrade() else {
                return;
            };
            pool.retain(|_, used| used.last_used() < IDLE);
        }
    });
}

fn location_of(config: &Config) -> String {
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(name)) => name.clone(),
        #[cfg(unix)]
        Some(Host::Unix(path)) => path.display().to_string(),
        _ => match config.get_hostaddrs().first() {
            Some(address) => address.to_string(),
            None => "no host".to_owned(),
        },
    };
    let database = config.get_dbname().or(config.get_user());
    format!(
        "the PostgreSQL database {} at {host}",
        database.unwrap_or("without a name")
    )
}

fn session_setup(schema: &str, is_read_only: bool) -> String {
    let mut setup = format!(
        "SET search_path TO {};
         SET statement_timeout = {};
         SET lock_timeout = {};
         SET idle_in_transaction_session_timeout = {};
         SET client_encoding = 'UTF8';
         SELECT set_config('synchronous_commit', 'on', false)
            WHERE current_setting('synchronous_commit') = 'off';",
        quoted(schema),
        LONGEST_STATEMENT.as_millis(),
        LOCK_PATIENCE.as_millis(),
        LONGEST_STATEMENT.as_millis(),
    );
    if is_read_only {
        setup += "SET default_transaction_read_only = on;";
    }
    setup
}

/// A name as it stands in SQL.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_its_password() {
        for address in [
            "postgresql://me:secret@db.example:6432/pictures?sslmode=require",
            "host=db.example port=6432 user=me password=secret dbname=pictures sslmode=require",
        ] {
            let address = Address::parse(address).unwrap();
            assert_eq!(
                address.location,
                "the PostgreSQL database pictures at db.example"
            );
            assert_eq!(address.config.get_ssl_mode(), SslMode::Require);
        }
        let strict = Address::parse("postgresql://me@h/d?sslmode=verify-full").unwrap();
        assert_eq!(strict.config.get_ssl_mode(), SslMode::Require);
        let error = Address::parse("postgresql://me:secret@h/d?sslmode=often");
        let error = error.err().unwrap();
        assert_eq!(error.code(), "store_io");
        assert!(!error.to_string().contains("secret"), "{error}");
    }

    #[test]
    fn names_are_quoted() {
        assert_eq!(quoted("a\"b"), "\"a\"\"b\"");
    }
}
