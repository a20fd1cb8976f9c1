//! `resight keys`.

use std::time::Duration;

use clap::Subcommand;
use resight_app::config::Config;
use resight_app::keys::{Keys, NewKey, Scope};
use resight_server::wire::{KeyList, KeyMade, KeyPresented};
use resight_store::CollectionName;
use serde_json::json;

use crate::arguments::collection_name;
use crate::error::CliError;
use crate::output::{Output, counted};

const EXAMPLES: &str = "\
Examples:
  resight keys create 'web shop' --scope search
  resight keys create intake --scope read,add --in museum --lasts 90d
  resight keys create partner --scope search --per-minute 60 --at-once 2
  resight keys create me --scope admin
  resight keys list
  resight keys revoke 0a1b2c3d4e5f

A server asks for keys as soon as there is one, and notices new and revoked ones within a second.
Clients send a key as `Authorization: Bearer KEY`; people sign in with it on the page.";

/// Make, list and revoke API keys
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct KeysArgs {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List them, with what they allow and when they were last used
    List,
    /// Make one and print it; it is not shown again
    Create {
        /// What it is for
        name: String,
        /// What it allows: search, read, add, delete, or admin, which is all of them
        #[arg(long = "scope", required = true, value_delimiter = ',', value_parser = scope, value_name = "SCOPE")]
        scopes: Vec<Scope>,
        /// Only for this collection; may be given several times
        #[arg(long = "in", value_parser = collection_name, value_name = "COLLECTION")]
        collections: Vec<CollectionName>,
        /// How long it is good for, as in 12h, 90d or 1y
        #[arg(long, value_parser = humantime::parse_duration, value_name = "TIME")]
        lasts: Option<Duration>,
        /// Requests that it may make a minute
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
        per_minute: Option<u32>,
        /// Requests that it may make at once
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
        at_once: Option<u32>,
    },
    /// Refuse a key from now on
    Revoke {
        /// Its id, as `resight keys list` shows it
        id: String,
    },
}

fn scope(text: &str) -> Result<Scope, String> {
    let all = Scope::ALL.map(Scope::as_str).join(", ");
    Scope::parse(text).ok_or(format!("there are {all}"))
}

pub(crate) fn run(args: &KeysArgs, config: &Config, output: &mut Output) -> Result<(), CliError> {
    let keys = Keys::open(&config.root)?;
    match args.action.as_ref().unwrap_or(&Action::List) {
        Action::List => list(&keys, output),
        Action::Create {
            name,
            scopes,
            collections,
            lasts,
            per_minute,
            at_once,
        } => {
            let new = NewKey {
                name: name.clone(),
                scopes: scopes.clone(),
                collections: (!collections.is_empty()).then(|| collections.clone()),
                lasts: *lasts,
                per_minute: *per_minute,
                at_once: *at_once,
            };
            create(&keys, new, output)
        }
        Action::Revoke { id } => revoke(&keys, id, output),
    }
}

fn create(keys: &Keys, new: NewKey, output: &mut Output) -> Result<(), CliError> {
    let (key, secret) = keys.create(new)?;
    if output.is_json() {
        let key = KeyPresented::from(&key);
        return output.json(&KeyMade { secret, key });
    }
    output.remark(format_args!(
        "Made the key {} for {:?}. Keep what follows: it is not shown again.",
        key.id, key.name
    ));
    output.line(secret)
}

fn list(keys: &Keys, output: &mut Output) -> Result<(), CliError> {
    let found = keys.list()?;
    let presented: Vec<_> = found.iter().map(KeyPresented::from).collect();
    if output.is_json() {
        return output.json(&KeyList { keys: presented });
    }
    if found.is_empty() {
        return output.line("There are no keys.");
    }
    let rows: Vec<Vec<String>> = presented.iter().map(KeyPresented::row).collect();
    output.table(&KeyPresented::HEADINGS, &[], &rows)?;
    output.remark(counted(found.len() as u64, "key", "keys"));
    Ok(())
}

fn revoke(keys: &Keys, id: &str, output: &mut Output) -> Result<(), CliError> {
    let key = keys.revoke(id)?;
    if output.is_json() {
        return output.json(&json!({ "revoked": key.id }));
    }
    output.line(format_args!("Revoked {} ({:?}).", key.id, key.name))
}
