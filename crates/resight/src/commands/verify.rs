//! `resight verify`.

use resight_app::Code;
use resight_app::config::Config;
use resight_app::data_folder;
use resight_engine::Verification;
use serde_json::json;

use crate::error::CliError;
use crate::interrupt::Interrupt;
use crate::output::{Output, counted, printable};
use crate::progress;

const EXAMPLES: &str = "\
Examples:
  resight verify
  resight verify --collection museum
  resight verify --json | jq -r '.findings[] | .kind + \" \" + .thing'

It reads everything and changes nothing. It works beside a server, where a picture that is being added may be
reported as a file without a record.";

/// Check the catalogue, uploaded files, thumbnails and the index, and change nothing
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct VerifyArgs {}

pub(crate) fn run(config: &Config, output: &mut Output) -> Result<(), CliError> {
    let interrupt = Interrupt::listen()?;
    let bar = progress::bar(output.shows_progress(), 0, "Verifying");
    let verified = data_folder::verify(config, interrupt.flag(), &mut |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    });
    bar.finish_and_clear();
    let checked = match verified {
        Err(error) if error.code() == Code::Cancelled => return Err(CliError::Interrupted),
        verified => verified?,
    };
    if output.is_json() {
        output.json(&to_json(&checked))?;
    } else {
        tell(&checked, output)?;
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

fn to_json(checked: &Verification) -> serde_json::Value {
    let findings = checked.findings.iter().map(|finding| {
        json!({
            "kind": finding.kind.as_str(),
            "thing": finding.thing,
            "detail": finding.detail,
            "next_step": finding.kind.next_step(),
        })
    });
    json!({
        "pictures": checked.pictures,
        "originals": checked.originals,
        "thumbnails": checked.thumbnails,
        "sources": checked.sources,
        "sources_away": checked.sources_away,
        "without_checksums": checked.without_checksums,
        "findings": findings.collect::<Vec<_>>(),
    })
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
