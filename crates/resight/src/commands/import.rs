//! `resight import`.

use std::path::PathBuf;

use clap::Subcommand;
use resight_app::config::Config;
use resight_app::import;
use resight_engine::{LabelPatch, PictureId, Update};
use resight_server::wire;
use serde_json::{Map, Value, json};

use super::changer::Changer;
use crate::error::CliError;
use crate::filters::tags;
use crate::output::{Output, counted, printable};

const EXAMPLES: &str = "\
Examples:
  resight index ~/vise/projects/books/image
  resight import vise ~/vise/projects/books/data --pictures ~/vise/projects/books/image --tag books

Index the pictures first: what is imported are the attributes of files and regions, as metadata beside what is there.";

/// Pictures that are labelled together.
const TOGETHER: usize = 500;
/// Names of files that are shown.
const SHOWN: usize = 20;

/// Take over what another search engine knows of pictures, as labels
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ImportArgs {
    #[command(subcommand)]
    from: Source,
}

#[derive(Debug, Subcommand)]
enum Source {
    /// From a project of VISE 2: its list of files, and their attributes
    Vise {
        /// The project's folder with filelist.txt and metadata_db.sqlite
        #[arg(value_name = "DATA_DIR")]
        project: PathBuf,
        /// The folder that names of files are relative to
        #[arg(long, value_name = "DIR")]
        pictures: PathBuf,
        /// A tag for each picture of the project; may be given several times
        #[arg(long, value_name = "TAG")]
        tag: Vec<String>,
    },
}

pub(crate) fn run(args: &ImportArgs, config: &Config, output: &mut Output) -> Result<(), CliError> {
    let Source::Vise {
        project,
        pictures,
        tag,
    } = &args.from;
    let changer = Changer::open(config)?;
    let mut run = Run {
        changer: &changer,
        given: LabelPatch {
            add_tags: tags(tag)?,
            ..LabelPatch::default()
        },
        waiting: Vec::new(),
        labelled: 0,
        unknown: Vec::new(),
        refused: Vec::new(),
    };
    import::vise(project, &mut |file| {
        let path = pictures.join(&file.name);
        match changer.library().find_by_path(&path)? {
            Some(id) => run.label(id, file.name, file.attributes),
            None => {
                run.unknown.push(file.name);
                Ok(())
            }
        }
    })?;
    run.settle()?;
    run.tell(output)
}

struct Run<'a> {
    changer: &'a Changer,
    /// What every picture gets.
    given: LabelPatch,
    waiting: Vec<(PictureId, LabelPatch)>,
    labelled: u64,
    /// Files that are not indexed.
    unknown: Vec<String>,
    /// Files whose attributes cannot be metadata, with the reason.
    refused: Vec<(String, String)>,
}

impl Run<'_> {
    fn label(
        &mut self,
        id: PictureId,
        name: String,
        attributes: Map<String, Value>,
    ) -> Result<(), CliError> {
        let mut patch = self.given.clone();
        if !attributes.is_empty() {
            let stored = self.changer.library().picture(&id)?.labels.metadata;
            // It was stored from JSON.
            let mut all: Map<String, Value> = stored
                .and_then(|text| serde_json::from_str(&text).ok())
                .unwrap_or_default();
            all.extend(attributes);
            match wire::metadata_of(&Value::Object(all).to_string()) {
                Ok(metadata) => patch.metadata = Update::Set(metadata),
                Err(why) => {
                    self.refused.push((name, why));
                    return Ok(());
                }
            }
        }
        if patch.is_empty() {
            return Ok(());
        }
        self.waiting.push((id, patch));
        match self.waiting.len() < TOGETHER {
            true => Ok(()),
            false => self.settle(),
        }
    }

    /// Stores what waits.
    fn settle(&mut self) -> Result<(), CliError> {
        let waiting = std::mem::take(&mut self.waiting);
        self.labelled += waiting.len() as u64;
        match waiting.is_empty() {
            true => Ok(()),
            false => self.changer.label(waiting),
        }
    }

    fn tell(&self, output: &mut Output) -> Result<(), CliError> {
        if output.is_json() {
            let refused = self.refused.iter();
            let refused = refused.map(|(file, detail)| json!({"file": file, "detail": detail}));
            return output.json(&json!({
                "labelled": self.labelled,
                "not_indexed": self.unknown,
                "refused": refused.collect::<Vec<_>>(),
            }));
        }
        for (file, why) in &self.refused {
            output.line(format_args!("{}: {why}", printable(file)))?;
        }
        output.line(format_args!(
            "Labelled {}; {} not indexed, {} with attributes that cannot be stored.",
            counted(self.labelled, "picture", "pictures"),
            counted(self.unknown.len() as u64, "file is", "files are"),
            counted(self.refused.len() as u64, "file", "files"),
        ))?;
        for name in self.unknown.iter().take(SHOWN) {
            output.remark(format_args!("not indexed: {}", printable(name)));
        }
        Ok(())
    }
}
