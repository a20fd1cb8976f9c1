//! Addresses that are told of jobs that have ended, in a file of the data folder.
//!
//! Which jobs an address was told of is stored as the last of them, by the time at which they ended. So what is still
//! to be told are rows of jobs, and nothing is lost where a server ends meanwhile.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use resight_store::now_ms;
use serde::{Deserialize, Serialize};

use crate::AppError;
use crate::atomic_file::AtomicFile;

/// The file's name in the data folder.
pub(crate) const NAME: &str = "webhooks.json";
/// Addresses at most.
const MOST_WEBHOOKS: usize = 20;
/// Bytes of a secret.
const SECRET_BYTES: usize = 32;

/// Up to which job an address was told: by the end, and of those with one end by the number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Told {
    /// When the job ended, in milliseconds.
    pub ended_ms: i64,
    /// The job's number.
    pub job: u64,
}

/// An address that is told.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// Twelve hexadecimal digits.
    pub id: String,
    /// Where messages are sent.
    pub url: String,
    /// The id of the key that made it.
    pub made_by: Option<String>,
    /// When it was made, in milliseconds.
    pub made_ms: i64,
    /// What it was told.
    pub told: Told,
    /// What messages are signed with, as hexadecimal digits.
    secret: String,
}

impl fmt::Debug for Webhook {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("Webhook")
            .field("id", &self.id)
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

impl Webhook {
    /// The bytes that messages are signed with.
    pub fn secret(&self) -> Vec<u8> {
        hex::decode(&self.secret).unwrap_or_default()
    }
}

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    version: u32,
    webhooks: Vec<Webhook>,
}

/// The addresses of a data folder.
#[derive(Debug)]
pub struct Webhooks {
    path: PathBuf,
    all: Mutex<Vec<Webhook>>,
}

const VERSION: u32 = 1;

/// The bytes of the file, which can be read; `None` where there is none.
pub(crate) fn bytes_of(root: &Path) -> Result<Option<Vec<u8>>, AppError> {
    let path = root.join(NAME);
    // One that is damaged is told as such.
    Webhooks::open(root)?;
    match fs::read(&path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(AppError::WebhooksDamaged {
            why: error.to_string(),
            path,
        }),
    }
}

impl Webhooks {
    /// Those of the data folder whose root is `root`.
    ///
    /// # Errors
    /// `webhooks_damaged` where the file cannot be read.
    pub fn open(root: &Path) -> Result<Self, AppError> {
        let path = root.join(NAME);
        let damaged = |why: String| AppError::WebhooksDamaged {
            path: path.clone(),
            why,
        };
        let stored = match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|why| damaged(why.to_string()))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Stored {
                version: VERSION,
                webhooks: Vec::new(),
            },
            Err(error) => return Err(damaged(error.to_string())),
        };
        if stored.version != VERSION {
            return Err(damaged(format!("its version is {}", stored.version)));
        }
        let all = Mutex::new(stored.webhooks);
        Ok(Self { path, all })
    }

    /// All of them, the oldest first.
    pub fn list(&self) -> Vec<Webhook> {
        self.all.lock().clone()
    }

    /// Adds an address, to which the server reports jobs that end from now on. The secret is made here.
    ///
    /// # Errors
    /// `bad_webhook` where there are as many as may be, and where it cannot be stored.
    pub fn add(&self, url: &str, made_by: Option<&str>) -> Result<Webhook, AppError> {
        let now = now_ms();
        let mut secret = [0; SECRET_BYTES];
        let mut id = [0; 6];
        for bytes in [&mut secret[..], &mut id[..]] {
            getrandom::fill(bytes)
                .map_err(|error| AppError::unwritable(&self.path, io::Error::other(error)))?;
        }
        let webhook = Webhook {
            id: hex::encode(id),
            url: url.to_owned(),
            made_by: made_by.map(str::to_owned),
            made_ms: now,
            told: Told {
                ended_ms: now,
                job: 0,
            },
            secret: hex::encode(secret),
        };
        self.change(|all| {
            if all.len() >= MOST_WEBHOOKS {
                return Err(AppError::TooManyWebhooks {
                    most: MOST_WEBHOOKS,
                });
            }
            all.push(webhook.clone());
            Ok(())
        })?;
        Ok(webhook)
    }

    /// Forgets an address.
    ///
    /// # Errors
    /// `unknown_webhook` where there is none with this id, and where it cannot be stored.
    pub fn remove(&self, id: &str) -> Result<(), AppError> {
        self.change(|all| {
            let place = all.iter().position(|one| one.id == id);
            let place = place.ok_or_else(|| AppError::UnknownWebhook(id.to_owned()))?;
            all.remove(place);
            Ok(())
        })
    }

    /// Stores that an address was told of everything up to `told`. One that was forgotten meanwhile stays so.
    ///
    /// # Errors
    /// Where it cannot be stored; it is told again then.
    pub fn note(&self, id: &str, told: Told) -> Result<(), AppError> {
        let noted = self.change(|all| {
            let one = all.iter_mut().find(|one| one.id == id);
            one.ok_or_else(|| AppError::UnknownWebhook(id.to_owned()))?
                .told = told;
            Ok(())
        });
        match noted {
            Err(AppError::UnknownWebhook(_)) => Ok(()),
            noted => noted,
        }
    }

    /// Stores what `edit` makes of the addresses; where it or the disk fails, they stay as they were.
    fn change(
        &self,
        edit: impl FnOnce(&mut Vec<Webhook>) -> Result<(), AppError>,
    ) -> Result<(), AppError> {
        let mut all = self.all.lock();
        let mut wanted = all.clone();
        edit(&mut wanted)?;
        self.write(&wanted)?;
        *all = wanted;
        Ok(())
    }

    fn write(&self, webhooks: &[Webhook]) -> Result<(), AppError> {
        let stored = Stored {
            version: VERSION,
            webhooks: webhooks.to_vec(),
        };
        let text = serde_json::to_vec_pretty(&stored)
            .map_err(|error| AppError::unwritable(&self.path, io::Error::other(error)))?;
        AtomicFile::beside(&self.path)?.write(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Code;

    #[test]
    fn addresses_and_what_they_were_told_outlive_the_process() {
        let root = tempfile::tempdir().unwrap();
        let hooks = Webhooks::open(root.path()).unwrap();
        let one = hooks.add("https://a.example/x", Some("key")).unwrap();
        let other = hooks.add("https://b.example/", None).unwrap();
        assert_ne!(one.secret(), other.secret());
        assert_eq!(one.secret().len(), SECRET_BYTES);
        let told = Told {
            ended_ms: one.told.ended_ms + 5,
            job: 7,
        };
        hooks.note(&one.id, told).unwrap();
        hooks.remove(&other.id).unwrap();
        hooks.note(&other.id, told).unwrap();
        let again = Webhooks::open(root.path()).unwrap().list();
        assert_eq!(
            again,
            [Webhook {
                told,
                ..one.clone()
            }]
        );
        let unknown = hooks.remove(&other.id).unwrap_err();
        assert_eq!(unknown.code(), Code::UnknownWebhook);
        assert!(!format!("{one:?}").contains(&one.secret));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let file = fs::metadata(root.path().join(NAME)).unwrap();
            assert_eq!(file.permissions().mode() & 0o077, 0);
        }
    }

    #[test]
    fn there_are_not_more_than_may_be_and_a_damaged_file_is_told() {
        let root = tempfile::tempdir().unwrap();
        let hooks = Webhooks::open(root.path()).unwrap();
        for _ in 0..MOST_WEBHOOKS {
            hooks.add("https://a.example/", None).unwrap();
        }
        let error = hooks.add("https://a.example/", None).unwrap_err();
        assert_eq!(error.code(), Code::BadWebhook);
        fs::write(root.path().join(NAME), "{}").unwrap();
        let error = Webhooks::open(root.path()).unwrap_err();
        assert_eq!(error.code(), Code::WebhooksDamaged);
    }
}
