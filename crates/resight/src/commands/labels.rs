//! `resight tag`.

use std::ffi::OsString;

use resight_app::Code;
use resight_app::config::Config;
use resight_engine::{LabelPatch, PictureId, Update};
use resight_server::wire;
use serde_json::json;

use super::changer::Changer;
use crate::error::CliError;
use crate::filters::{bad_label, tags};
use crate::naming::{find, not_stored, text_of};
use crate::output::{Output, counted};

const EXAMPLES: &str = "\
Examples:
  resight tag ~/Pictures/vase.jpg --add blue --add vase
  resight tag 0123456789abcdef0123456789abcdef --remove blue --object 'vase 7'
  resight tag ~/Pictures/vase.jpg --metadata '{\"year\": 1890, \"room\": \"west\"}'
  resight list --tag vase --meta year=1890

Every picture named is changed, or none of them.";

/// Label pictures: tags, the object they belong to, metadata
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct TagArgs {
    /// Ids, or paths of indexed files
    #[arg(required = true, value_name = "ID|PATH")]
    pictures: Vec<OsString>,
    /// A tag that they get; may be given several times
    #[arg(long, value_name = "TAG")]
    add: Vec<String>,
    /// A tag that they lose; may be given several times
    #[arg(long, value_name = "TAG")]
    remove: Vec<String>,
    /// The object they belong to
    #[arg(long, value_name = "ID")]
    object: Option<String>,
    /// Let them belong to no object
    #[arg(long, conflicts_with = "object")]
    no_object: bool,
    /// Metadata, a JSON object, in place of what there is
    #[arg(long, value_name = "JSON")]
    metadata: Option<String>,
    /// Forget their metadata
    #[arg(long, conflicts_with = "metadata")]
    no_metadata: bool,
}

impl TagArgs {
    fn patch(&self) -> Result<LabelPatch, CliError> {
        let patch = LabelPatch {
            add_tags: tags(&self.add)?,
            remove_tags: tags(&self.remove)?,
            object: match &self.object {
                Some(text) => Update::Set(wire::object_id(text).map_err(bad_label)?),
                None if self.no_object => Update::Clear,
                None => Update::Keep,
            },
            metadata: match &self.metadata {
                Some(text) => Update::Set(wire::metadata_of(text).map_err(bad_label)?),
                None if self.no_metadata => Update::Clear,
                None => Update::Keep,
            },
            ..LabelPatch::default()
        };
        match patch.is_empty() {
            true => Err(CliError::Usage {
                code: Code::NothingToSay,
                detail: "no change of labels is asked for".into(),
                next_step: "Give --add, --remove, --object or --metadata.".into(),
            }),
            false => Ok(patch),
        }
    }
}

pub(crate) fn run(args: &TagArgs, config: &Config, output: &mut Output) -> Result<(), CliError> {
    let patch = args.patch()?;
    let changer = Changer::open(config)?;
    let library = changer.library();
    let mut ids: Vec<PictureId> = Vec::new();
    let mut unknown: Vec<String> = Vec::new();
    for named in &args.pictures {
        match find(library, named)? {
            Some(id) if library.picture(&id).is_ok() => ids.push(id),
            _ => unknown.push(text_of(named.as_ref())),
        }
    }
    if !unknown.is_empty() {
        return Err(not_stored(&unknown));
    }
    let patches = ids.iter().map(|id| (id.clone(), patch.clone()));
    changer.label(patches.collect())?;
    if output.is_json() {
        let ids: Vec<&str> = ids.iter().map(PictureId::as_str).collect();
        return output.json(&json!({ "changed": ids }));
    }
    let changed = counted(ids.len() as u64, "picture", "pictures");
    output.line(format_args!("Changed {changed}."))
}
