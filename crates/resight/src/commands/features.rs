//! `resight features`.

use std::path::PathBuf;

use resight_app::atomic_file::AtomicFile;
use resight_app::config::Config;
use resight_app::data_folder;
use resight_app::plugins::Plugins;
use resight_engine::{features_blob, read_bounded};

use crate::arguments::PluginArgs;
use crate::error::CliError;
use crate::output::Output;

const EXAMPLES: &str = "\
Examples:
  resight features photo.jpg --out photo.features
  resight search photo.features
  curl --data-binary @photo.features -H 'content-type: application/vnd.resight.features' \\
      http://127.0.0.1:7777/v1/search

Searching with features gives what searching with the picture gives; the picture need not be sent.";

/// Write a picture's local features into a file to search with
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct FeaturesArgs {
    /// The picture
    picture: PathBuf,
    /// The file to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    plugins: PluginArgs,
}

pub(crate) fn run(
    args: &FeaturesArgs,
    config: &Config,
    output: &mut Output,
) -> Result<(), CliError> {
    let file = AtomicFile::beside(&args.out)?;
    let limit = config.decode_limits().max_bytes;
    let refused = |why| CliError::refused(&args.picture, why);
    let bytes = read_bounded(&args.picture, limit).map_err(refused)?;
    let plugins = Plugins::for_describing(&args.plugins.settings(), 1)?;
    let extractor = data_folder::extractor(config, &plugins)?;
    let options = config.engine_options();
    let (blob, features) = features_blob(&bytes, &*extractor, &options)?;
    file.write(&blob)?;
    if output.is_json() {
        return output.json(&serde_json::json!({
            "features": features,
            "bytes": blob.len(),
            "out": args.out,
        }));
    }
    output.line(format_args!(
        "{features} features, {} bytes in {}",
        blob.len(),
        args.out.display()
    ))
}
