//! The client of the object store.

use std::sync::Once;
use std::time::Duration;

use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey};
use object_store::{BackoffConfig, ClientOptions, RetryConfig};
use resight_store::StoreError;

use super::S3Credentials;
use super::address::{S3Address, endpoint};
use crate::runtime::block_on;

/// How often a request is sent again that found the server overloaded or away.
const RETRIES: usize = 6;
/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(5);

/// Makes the client. Asks nobody.
pub(super) fn build(
    address: &S3Address,
    credentials: &S3Credentials,
) -> Result<AmazonS3, StoreError> {
    let builder = match credentials {
        S3Credentials::Environment => AmazonS3Builder::from_env(),
        S3Credentials::Keys { id, secret } => AmazonS3Builder::new()
            .with_access_key_id(id)
            .with_secret_access_key(secret),
    };
    let mut builder = builder
        .with_bucket_name(&address.bucket)
        .with_virtual_hosted_style_request(!address.path_style)
        // Not all that speak S3 delete several objects by one request.
        .with_disable_bulk_delete(true)
        .with_retry(retries(address.timeout));
    if let Some(region) = &address.region {
        builder = builder.with_region(region);
    }
    let named = |key| builder.get_config_value(&key);
    let from_env =
        named(AmazonS3ConfigKey::S3Endpoint).or_else(|| named(AmazonS3ConfigKey::Endpoint));
    let server = match (&address.endpoint, from_env) {
        (Some(named), _) => Some(named.clone()),
        (None, Some(named)) => Some(endpoint(&named)?),
        (None, None) => None,
    };
    let mut plain = false;
    if let Some(server) = server {
        plain = server.starts_with("http://");
        // Where the bucket is part of the host's name, the endpoint has to have it.
        let server = if address.path_style {
            server
        } else {
            with_bucket(&server, &address.bucket)
        };
        builder = builder
            .with_config(AmazonS3ConfigKey::S3Endpoint, server.clone())
            .with_endpoint(server);
    }
    install_cryptography();
    builder
        .with_client_options(times(address.timeout).with_allow_http(plain))
        .build()
        .map_err(|error| refused(&error))
}

fn times(limit: Duration) -> ClientOptions {
    ClientOptions::new()
        .with_timeout(limit)
        // A server that says nothing is asked again while there is time.
        .with_read_timeout((limit / 3).max(Duration::from_secs(1)))
        .with_connect_timeout(CONNECT.min(limit))
}

fn retries(limit: Duration) -> RetryConfig {
    RetryConfig {
        // Each pause is drawn by chance up to a bound that grows.
        backoff: BackoffConfig {
            init_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(2),
            base: 2.0,
        },
        max_retries: RETRIES,
        retry_timeout: limit / 2,
    }
}

fn with_bucket(server: &str, bucket: &str) -> String {
    match server.split_once("://") {
        Some((scheme, host)) => format!("{scheme}://{bucket}.{host}"),
        None => server.to_owned(),
    }
}

/// The text of an error may repeat a value of the environment.
fn refused(error: &object_store::Error) -> StoreError {
    let text = error.to_string();
    let detail = if text.contains("AccessKeyId") {
        "AWS_SECRET_ACCESS_KEY is set, and AWS_ACCESS_KEY_ID is not"
    } else if text.contains("SecretAccessKey") {
        "AWS_ACCESS_KEY_ID is set, and AWS_SECRET_ACCESS_KEY is not"
    } else {
        "it and the variables that begin with AWS_ do not go together"
    };
    StoreError::Address {
        what: "blobs",
        detail: detail.to_owned(),
    }
}

/// Fails with `store_denied` where neither the environment nor the machine names credentials.
pub(super) fn check_credentials(
    store: &AmazonS3,
    location: &str,
    limit: Duration,
) -> Result<(), StoreError> {
    let provider = store.credentials();
    let asked = block_on(async { tokio::time::timeout(limit, provider.get_credential()).await })?;
    match asked {
        Ok(Ok(_)) => Ok(()),
        _ => Err(StoreError::Denied {
            location: location.to_owned(),
            detail: "no credentials: neither AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are set nor does this machine have a role".to_owned(),
        }),
    }
}

/// Gives the clients of this process the implementation of TLS that is linked in.
fn install_cryptography() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        // Fails where another part of the process was quicker, which has the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}
