//! `resight collections`.

use clap::Subcommand;
use resight_app::config::Config;
use resight_app::data_folder;
use resight_app::jobs::Jobs;
use resight_app::local::Served;
use resight_app::renaming;
use resight_app::stores::{CollectionPlaces, WriteLock};
use resight_app::{AppError, Code};
use resight_server::wire::{Collection, CollectionList};
use resight_store::CollectionName;
use serde_json::json;

use crate::arguments::collection_name;
use crate::consent::consent;
use crate::error::CliError;
use crate::output::{Output, counted};

const EXAMPLES: &str = "\
Examples:
  resight collections
  resight collections create museum
  resight index ~/Museum --collection museum
  resight search photo.jpg --collection museum
  resight collections rename museum archive
  resight collections delete archive         asks; --yes does not

A collection has pictures of its own; commands without --collection use the default one.";

/// List, create and delete collections of pictures
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CollectionsArgs {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List them, with the number of pictures of each
    List,
    /// Make an empty one; one that is there stays as it is
    Create {
        /// 1 to 63 of a-z, 0-9, _ and -
        #[arg(value_parser = collection_name)]
        name: CollectionName,
    },
    /// Give a collection another name, which its jobs, registered folders and keys follow
    Rename {
        /// The one that there is
        #[arg(value_parser = collection_name, value_name = "OLD")]
        from: CollectionName,
        /// Its new name
        #[arg(value_parser = collection_name, value_name = "NEW")]
        to: CollectionName,
    },
    /// Forget a collection with all its pictures; indexed files are never touched
    Delete {
        /// Which
        #[arg(value_parser = collection_name)]
        name: CollectionName,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

pub(crate) fn run(
    args: &CollectionsArgs,
    config: &Config,
    output: &mut Output,
) -> Result<(), CliError> {
    match args.action.as_ref().unwrap_or(&Action::List) {
        Action::List => list(config, output),
        Action::Create { name } => create(name, config, output),
        Action::Rename { from, to } => rename(from, to, config, output),
        Action::Delete { name, yes } => delete(name, *yes, config, output),
    }
}

fn list(config: &Config, output: &mut Output) -> Result<(), CliError> {
    let mut found = Vec::new();
    for name in CollectionPlaces::of(config).names()? {
        let pictures = match data_folder::count_in(config, &name) {
            Ok(pictures) => Some(pictures.unwrap_or(0)),
            // One that is damaged must not hide the others.
            Err(error) => {
                output.remark(format_args!("{name} cannot be read: {error}"));
                None
            }
        };
        let name = name.to_string();
        found.push(Collection { name, pictures });
    }
    if output.is_json() {
        return output.json(&CollectionList { collections: found });
    }
    let pictures = |one: &Collection| one.pictures.map_or("-".to_owned(), |n| n.to_string());
    let row = |one: &Collection| vec![one.name.clone(), pictures(one)];
    let rows: Vec<Vec<String>> = found.iter().map(row).collect();
    output.table(&["collection", "pictures"], &[1], &rows)
}

/// Who makes and removes collections: this process, which has the data folder locked, or a server that has.
enum Keeper {
    Own(WriteLock, CollectionPlaces),
    Server(Served),
}

impl Keeper {
    fn find(config: &Config) -> Result<Self, CliError> {
        match data_folder::lock_collections(config) {
            Err(error) if error.code() == Code::StoreLocked => match Served::find(&config.root) {
                Some(server) => Ok(Self::Server(server)),
                None => Err(error.into()),
            },
            locked => {
                let (lock, places) = locked?;
                Ok(Self::Own(lock, places))
            }
        }
    }
}

fn create(name: &CollectionName, config: &Config, output: &mut Output) -> Result<(), CliError> {
    let created = match Keeper::find(config)? {
        Keeper::Own(_lock, places) => places.create(name)?,
        Keeper::Server(server) => server.create_collection(name)?,
    };
    if output.is_json() {
        return output.json(&json!({ "name": name.as_str(), "created": created }));
    }
    if created {
        output.line(format_args!("Created {name}."))
    } else {
        output.line(format_args!("{name} exists already."))
    }
}

fn rename(
    from: &CollectionName,
    to: &CollectionName,
    config: &Config,
    output: &mut Output,
) -> Result<(), CliError> {
    renaming::check(config, from, to)?;
    match Keeper::find(config)? {
        Keeper::Own(_lock, _) => renaming::rename(config, from, to)?,
        Keeper::Server(server) => server.rename_collection(from, to)?,
    }
    if output.is_json() {
        return output.json(&json!({ "from": from.as_str(), "to": to.as_str() }));
    }
    output.line(format_args!("{from} is named {to} now."))
}

fn delete(
    name: &CollectionName,
    yes: bool,
    config: &Config,
    output: &mut Output,
) -> Result<(), CliError> {
    if name.is_default() {
        return Err(AppError::DefaultCollection.into());
    }
    let keeper = Keeper::find(config)?;
    if !CollectionPlaces::of(config).has(name)? {
        return Err(AppError::UnknownCollection(name.clone()).into());
    }
    // An empty one loses nothing. One that cannot be read may have had any number.
    let pictures = data_folder::count_in(config, name);
    if !matches!(pictures, Ok(None | Some(0))) {
        let count = pictures.ok().flatten();
        let what = count.map_or("all its pictures".to_owned(), |n| {
            counted(n, "picture", "pictures")
        });
        let question =
            format!("Forget the collection {name} with {what}, their tags and decisions?");
        consent(&question, "nothing was deleted", yes)?;
    }
    match keeper {
        Keeper::Own(_lock, places) => {
            // First, so that none is left where this ends between the two: a later collection may get the name.
            Jobs::open(config)?.forget_collection(name)?;
            data_folder::forget_answers(config, name);
            if !places.remove(name)? {
                return Err(AppError::UnknownCollection(name.clone()).into());
            }
        }
        Keeper::Server(server) => server.remove_collection(name)?,
    }
    if output.is_json() {
        return output.json(&json!({ "deleted": name.as_str() }));
    }
    output.line(format_args!("Deleted {name}."))
}
