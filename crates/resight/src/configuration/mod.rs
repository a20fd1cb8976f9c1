//! What the options of the program are: those that are typed, else the environment's variables, else the file's, else
//! defaults.
//!
//! The file and the environment become defaults of the definition of the command line, which is then parsed again, so
//! that nothing behind it knows where a value comes from.

pub(crate) mod file;
pub(crate) mod reference;
pub(crate) mod settings;

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::parser::ValueSource;
use clap::{ArgMatches, Command};
use resight_app::Code;
use resight_app::config::data_folder;

use crate::error::CliError;
use file::{Entry, Mistake};
use settings::{Kind, Setting};

/// Names the file.
const CONFIG_VARIABLE: &str = "RESIGHT_CONFIG";
const DATA_VARIABLE: &str = "RESIGHT_DATA";
/// The file's name in a data folder.
const FILE: &str = "resight.toml";
/// The largest file read, in bytes.
const MOST_BYTES: u64 = 1 << 20;

/// Where an option's value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Default,
    /// In this line.
    File(usize),
    Variable,
    Flag,
}

/// An option and what it is set to.
#[derive(Clone, Debug)]
pub(crate) struct Given {
    pub(crate) setting: Setting,
    /// As they would be typed; none where nothing sets the option.
    pub(crate) values: Vec<OsString>,
    pub(crate) origin: Origin,
}

/// All options with their values.
#[derive(Clone, Debug)]
pub(crate) struct Effective {
    /// The file that was read; `None` where there is none.
    pub(crate) file: Option<PathBuf>,
    pub(crate) all: Vec<Given>,
}

impl Effective {
    /// Gathers the values of `program` around what was typed.
    ///
    /// # Errors
    /// `bad_config` where the file or the environment has what cannot be used.
    pub(crate) fn gather(program: &Command, typed: &ArgMatches) -> Result<Self, CliError> {
        let settings = settings::all(program);
        let file = match file_for(typed) {
            Some((path, is_named)) => entries(&path, is_named, &settings)?.map(|all| (path, all)),
            None => None,
        };
        let (file, entries) = file.map_or((None, Vec::new()), |(path, all)| (Some(path), all));
        let mut all = Vec::new();
        for (index, setting) in settings.into_iter().enumerate() {
            let entry = entries.iter().find(|one| one.setting == index);
            all.push(given(setting, typed, entry)?);
        }
        let mut effective = Self { file, all };
        effective.settle(program)?;
        Ok(effective)
    }

    /// Where two options exclude each other, the one of the higher rank counts.
    fn settle(&mut self, program: &Command) -> Result<(), CliError> {
        let Some(serve) = program.find_subcommand(settings::SERVE) else {
            return Ok(());
        };
        let rank = |given: &Given| match given.origin {
            Origin::Default => 0,
            Origin::File(_) => 1,
            Origin::Variable => 2,
            Origin::Flag => 3,
        };
        let is_on = |given: &Given| {
            given.origin != Origin::Default && given.values.iter().any(|value| value != "false")
        };
        let mut beaten = Vec::new();
        for one in self.all.iter().filter(|one| is_on(one)) {
            if one.setting.table.is_none() {
                continue;
            }
            for other in serve.get_arg_conflicts_with(&one.setting.arg) {
                let ids = |given: &&Given| other.get_id().as_str() == given.setting.id;
                let Some(other) = self.all.iter().find(ids).filter(|other| is_on(other)) else {
                    continue;
                };
                if rank(one) == rank(other) && one.origin != Origin::Flag {
                    let (one, other) = (one.setting.name(), other.setting.name());
                    return Err(wrong(format!("{one} and {other} exclude each other")));
                }
                let lower = if rank(one) < rank(other) { one } else { other };
                beaten.push(lower.setting.id.clone());
            }
        }
        for given in &mut self.all {
            if given.origin != Origin::Flag && beaten.contains(&given.setting.id) {
                (given.origin, given.values) = (Origin::Default, Vec::new());
            }
        }
        Ok(())
    }

    /// `program` with the values of the file and of the environment as its defaults.
    pub(crate) fn defaults_of(&self, mut program: Command) -> Command {
        for given in &self.all {
            if !matches!(given.origin, Origin::File(_) | Origin::Variable) {
                continue;
            }
            let (id, values) = (given.setting.id.clone(), given.values.clone());
            let set = |arg: clap::Arg| arg.default_values(values);
            program = match given.setting.table {
                None => program.mut_arg(id, set),
                Some(table) => program.mut_subcommand(table, |command| command.mut_arg(id, set)),
            };
        }
        program
    }

    /// Takes over the values of those options of `other` for which `which` holds.
    pub(crate) fn adopt(&mut self, other: &Self, which: impl Fn(&Setting) -> bool) {
        for (own, new) in self.all.iter_mut().zip(&other.all) {
            if which(&own.setting) {
                *own = new.clone();
            }
        }
    }

    /// The options whose values differ.
    pub(crate) fn changed<'a>(&'a self, before: &Self) -> Vec<&'a Setting> {
        let pairs = self.all.iter().zip(&before.all);
        pairs
            .filter(|(now, then)| now.values != then.values)
            .map(|(now, _)| &now.setting)
            .collect()
    }
}

fn wrong(detail: String) -> CliError {
    CliError::Usage {
        code: Code::BadConfig,
        detail,
        next_step: Code::BadConfig.next_step().into(),
    }
}

/// What is typed of a command, whichever it is.
fn innermost(typed: &ArgMatches) -> &ArgMatches {
    let mut inner = typed;
    while let Some((_, below)) = inner.subcommand() {
        inner = below;
    }
    inner
}

/// The value of an option that every command takes.
fn typed_path(typed: &ArgMatches, id: &str) -> Option<PathBuf> {
    let mut values = innermost(typed).get_raw(id)?;
    values.next().map(PathBuf::from)
}

fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// The file to read, and whether somebody named it.
pub(crate) fn file_for(typed: &ArgMatches) -> Option<(PathBuf, bool)> {
    let named = typed_path(typed, "config").or_else(|| variable(CONFIG_VARIABLE).map(Into::into));
    if let Some(named) = named {
        return Some((named, true));
    }
    let data = typed_path(typed, "data").or_else(|| variable(DATA_VARIABLE).map(Into::into));
    // Without a folder the command says so itself.
    let data = data_folder(data).ok()?;
    Some((data.join(FILE), false))
}

/// What a file sets; `None` where nobody named it and it is not there.
pub(crate) fn entries(
    path: &Path,
    is_named: bool,
    settings: &[Setting],
) -> Result<Option<Vec<Entry>>, CliError> {
    let Some(text) = text_of(path, is_named)? else {
        return Ok(None);
    };
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let folder = absolute.parent().unwrap_or(&absolute);
    match file::read(&text, folder, settings) {
        Ok(entries) => {
            let data = entries.iter().find(|e| settings[e.setting].id == "data");
            match data {
                Some(data) if !is_named => Err(mistakes(
                    path,
                    &[Mistake {
                        line: data.line,
                        key: Some("data".to_owned()),
                        detail: "a file in a data folder names no other one; name the file with --config".to_owned(),
                    }],
                )),
                _ => Ok(Some(entries)),
            }
        }
        Err(found) => Err(mistakes(path, &found)),
    }
}

fn mistakes(path: &Path, found: &[Mistake]) -> CliError {
    let all = found
        .iter()
        .map(|one| format!("{}, {one}", path.display()))
        .collect::<Vec<_>>();
    wrong(all.join("\n"))
}

fn text_of(path: &Path, is_named: bool) -> Result<Option<String>, CliError> {
    let failed = |error: &dyn std::fmt::Display| {
        wrong(format!("{} cannot be read: {error}", path.display()))
    };
    let length = match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && !is_named => return Ok(None),
        found => found.map_err(|error| failed(&error))?.len(),
    };
    if length > MOST_BYTES {
        return Err(failed(&"it is larger than a configuration can be"));
    }
    let text = fs::read_to_string(path).map_err(|error| failed(&error))?;
    Ok(Some(text))
}

fn given(setting: Setting, typed: &ArgMatches, entry: Option<&Entry>) -> Result<Given, CliError> {
    let (values, origin) = if let Some(values) = typed_values(&setting, typed) {
        (values, Origin::Flag)
    } else if let Some(text) = variable(&setting.variable) {
        (variable_values(&setting, &text)?, Origin::Variable)
    } else if let Some(entry) = entry {
        let values = entry.values.iter().map(OsString::from);
        (values.collect(), Origin::File(entry.line))
    } else {
        (Vec::new(), Origin::Default)
    };
    Ok(Given {
        setting,
        values,
        origin,
    })
}

fn typed_values(setting: &Setting, typed: &ArgMatches) -> Option<Vec<OsString>> {
    if setting
        .table
        .is_some_and(|table| typed.subcommand_name() != Some(table))
    {
        return None;
    }
    let inner = innermost(typed);
    // Asked of another command it would panic.
    inner.try_contains_id(&setting.id).ok()?;
    if inner.value_source(&setting.id) != Some(ValueSource::CommandLine) {
        return None;
    }
    if setting.kind == Kind::Switch {
        return Some(vec!["true".into()]);
    }
    let values = inner.get_raw(&setting.id)?;
    Some(values.map(OsString::from).collect())
}

fn variable_values(setting: &Setting, text: &OsStr) -> Result<Vec<OsString>, CliError> {
    let refused = |why: &str| wrong(format!("the variable {}: {why}", setting.variable));
    let Some(utf8) = text.to_str() else {
        // Folders may have any name.
        return match setting.is_path("/") && !setting.kind.is_list() {
            true => Ok(vec![text.to_owned()]),
            false => Err(refused("must be UTF-8")),
        };
    };
    let parts: Vec<&str> = match setting.kind.is_list() {
        true => utf8.split(',').map(str::trim).collect(),
        false => vec![utf8],
    };
    let mut values = Vec::new();
    for part in parts.into_iter().filter(|part| !part.is_empty()) {
        if let Some(complaint) = setting.complaint(part) {
            return Err(refused(&complaint));
        }
        values.push(match settings::switch(part) {
            Some(is) if setting.kind == Kind::Switch => is.to_string().into(),
            _ => part.into(),
        });
    }
    Ok(values)
}
