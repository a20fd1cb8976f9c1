//! `resight verify`.

use resight_app::Code;
use resight_app::config::Config;
use resight_app::data_folder::{self, RepairPhase, Repaired};
use resight_app::plugins::Plugins;
use resight_engine::{Finding, Verification};
use serde_json::json;

use crate::arguments::PluginArgs;
use crate::error::CliError;
use crate::interrupt::Interrupt;
use crate::output::{Output, counted, printable};
use crate::progress;

const EXAMPLES: &str = "\
Examples:
  resight verify
  resight verify --collection museum
  resight verify --repair
  resight verify --json | jq -r '.findings[] | .kind + \" \" + .thing'

It reads everything and, without --repair, changes nothing. Without --repair it works beside a server, where a picture
that is being added may be reported as a file without a record.";

/// Check the catalogue, uploaded files, thumbnails and the index, and repair what can be rebuilt
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct VerifyArgs {
    /// Rebuild what is damaged from what is whole, and add checksums where an earlier version wrote none
    #[arg(long)]
    repair: bool,
    #[command(flatten)]
    plugins: PluginArgs,
}

pub(crate) fn run(args: &VerifyArgs, config: &Config, output: &mut Output) -> Result<(), CliError> {
    let interrupt = Interrupt::listen()?;
    let bar = progress::bar(output.shows_progress(), 0, "Verifying");
    let result = if args.repair {
        let threads = config.thread_count();
        let plugins = Plugins::for_describing(&args.plugins.settings(), threads)?;
        data_folder::repair(
            config,
            &plugins,
            interrupt.flag(),
            &mut |phase, done, total| {
                bar.set_message(match phase {
                    RepairPhase::Checking => "Verifying",
                    RepairPhase::Repairing => "Repairing",
                    RepairPhase::CheckingAgain => "Verifying again",
                });
                bar.set_length(total);
                bar.set_position(done);
            },
        )
    } else {
        let verified = data_folder::verify(config, interrupt.flag(), &mut |done, total| {
            bar.set_length(total);
            bar.set_position(done);
        });
        verified.map(|left| Repaired {
            left,
            ..Repaired::default()
        })
    };
    bar.finish_and_clear();
    let result = match result {
        Err(error) if error.code() == Code::Cancelled => return Err(CliError::Interrupted),
        result => result?,
    };
    let checked = &result.left;
    if output.is_json() {
        output.json(&to_json(&result, args.repair))?;
    } else {
        if args.repair {
            tell_repaired(&result, output)?;
        }
        tell(checked, output)?;
    }
    if checked.findings.is_empty() {
        return Ok(());
    }
    Err(CliError::Failure {
        code: Code::VerifyFailed,
        detail: counted(
            checked.findings.len() as u64,
            "thing is wrong",
            "things are wrong",
        ),
        next_step: Code::VerifyFailed.next_step().into(),
    })
}

fn to_json(result: &Repaired, repairs: bool) -> serde_json::Value {
    let checked = &result.left;
    let findings = |all: &[Finding]| -> Vec<serde_json::Value> {
        let each = all.iter().map(|finding| {
            json!({
                "kind": finding.kind.as_str(),
                "thing": finding.thing,
                "detail": finding.detail,
                "next_step": finding.kind.next_step(),
            })
        });
        each.collect()
    };
    let mut value = json!({
        "pictures": checked.pictures,
        "originals": checked.originals,
        "thumbnails": checked.thumbnails,
        "sources": checked.sources,
        "sources_away": checked.sources_away,
        "without_checksums": checked.without_checksums,
        "findings": findings(&checked.findings),
    });
    if repairs {
        value["repaired"] = findings(&result.repaired).into();
        value["checksums_added"] = result.checksums_added.into();
    }
    value
}

fn tell_repaired(result: &Repaired, output: &mut Output) -> Result<(), CliError> {
    for finding in &result.repaired {
        let thing = printable(&finding.thing);
        output.line(format_args!("repaired: {}: {thing}", finding.kind.as_str()))?;
    }
    if result.checksums_added > 0 {
        output.remark(format_args!(
            "checksums added to {}",
            counted(result.checksums_added, "picture", "pictures")
        ));
    }
    Ok(())
}

fn tell(checked: &Verification, output: &mut Output) -> Result<(), CliError> {
    for finding in &checked.findings {
        output.line(format_args!(
            "{}: {}: {}",
            finding.kind.as_str(),
            printable(&finding.thing),
            printable(&finding.detail)
        ))?;
    }
    let mut told = Vec::new();
    for finding in &checked.findings {
        if !told.contains(&finding.kind) {
            told.push(finding.kind);
            output.remark(format_args!(
                "{}: {}",
                finding.kind.as_str(),
                finding.kind.next_step()
            ));
        }
    }
    output.line(format_args!(
        "{}, {}, {} and {} checked",
        counted(checked.pictures, "picture", "pictures"),
        counted(checked.originals, "uploaded file", "uploaded files"),
        counted(checked.thumbnails, "thumbnail", "thumbnails"),
        counted(checked.sources, "file of folders", "files of folders"),
    ))?;
    if checked.sources_away > 0 {
        output.remark(format_args!(
            "{} not where they were indexed; their pictures stay",
            counted(checked.sources_away, "file is", "files are")
        ));
    }
    if checked.without_checksums > 0 {
        output.remark(format_args!(
            "{} stored by an earlier version without checksums",
            counted(checked.without_checksums, "picture was", "pictures were")
        ));
    }
    Ok(())
}
