//! What the options of the program are: those that are typed, else the environment's variables, else the file's, else
//! defaults.
//!
//! The file and the environment become defaults of the definition of the command line, which is then parsed again, so
//! that nothing behind it knows where a value comes from.

pub(crate) mod file;
pub(crate) mod problem;
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
use problem::{Place, Problem};
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
    /// How many options it sets.
    pub(crate) of_file: usize,
    pub(crate) all: Vec<Given>,
}

impl Effective {
    /// Gathers the values of `program` around what was typed.
    ///
    /// # Errors
    /// `bad_config` where the file or the environment has what cannot be used; it names all of it.
    pub(crate) fn gather(program: &Command, typed: &ArgMatches) -> Result<Self, CliError> {
        let (effective, problems) = Self::gather_usable(program, typed, file_for(typed));
        match problems.is_empty() {
            true => Ok(effective),
            false => Err(wrong(problem::lines(&problems))),
        }
    }

    /// Gathers the values that can be used, and what is wrong with the others. `file` is read, which somebody named
    /// or not.
    pub(crate) fn gather_usable(
        program: &Command,
        typed: &ArgMatches,
        file: Option<(PathBuf, bool)>,
    ) -> (Self, Vec<Problem>) {
        let settings = settings::all(program);
        let mut problems = Vec::new();
        let mut entries = Vec::new();
        let mut read = None;
        if let Some((path, is_named)) = file {
            let found = file_entries(&path, is_named, &settings, &mut problems);
            if let Some(found) = found {
                (entries, read) = (found, Some(path));
            }
        }
        let mut all = Vec::new();
        for (index, setting) in settings.into_iter().enumerate() {
            let entry = entries.iter().find(|one| one.setting == index);
            all.push(given(setting, typed, entry, &mut problems));
        }
        let mut effective = Self {
            file: read,
            of_file: entries.len(),
            all,
        };
        effective.settle(program, &mut problems);
        (effective, problems)
    }

    /// Where two options exclude each other, the one of the higher rank counts.
    fn settle(&mut self, program: &Command, problems: &mut Vec<Problem>) {
        let Some(serve) = program.find_subcommand(settings::SERVE) else {
            return;
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
                    let (first, second) = (one.setting.name(), other.setting.name());
                    let detail = format!("{first} and {second} exclude each other");
                    if !problems.iter().any(|known| known.detail == detail) {
                        problems.push(Problem::bad_config(self.place_of(one), None, detail));
                    }
                    beaten.push(other.setting.id.clone());
                    continue;
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
    }

    /// Where the value of an option is set.
    fn place_of(&self, given: &Given) -> Place {
        match (given.origin, &self.file) {
            (Origin::File(line), Some(file)) => Place::File {
                path: file.clone(),
                line: Some(line),
            },
            (Origin::Variable, _) => Place::Variable(given.setting.variable.clone()),
            (Origin::Flag, _) => Place::Flag(given.setting.flag()),
            (Origin::Default | Origin::File(_), _) => Place::Default,
        }
    }

    /// Where an option is set, and its name. Of several options the first that is set anywhere counts.
    pub(crate) fn place(&self, ids: &[&str]) -> (Place, Option<String>) {
        let mut named = ids
            .iter()
            .filter_map(|id| self.all.iter().find(|given| given.setting.id == *id));
        let first = named.clone().next();
        let set = named.find(|given| given.origin != Origin::Default);
        match set.or(first) {
            Some(given) => (self.place_of(given), Some(given.setting.name())),
            None => (Place::Default, None),
        }
    }

    /// The folder to which `serve` has files of duplicates moved.
    pub(crate) fn quarantine(&self) -> Option<&Path> {
        let mut all = self.all.iter();
        let given = all.find(|given| {
            given.setting.table == Some(settings::SERVE) && given.setting.id == "quarantine"
        })?;
        given.values.first().map(Path::new)
    }

    /// `program` with all values that are set as its defaults, so that any command reads them.
    pub(crate) fn all_as_defaults(&self, program: Command) -> Command {
        self.defaults_where(program, |origin| origin != Origin::Default)
    }

    /// `program` with the values of the file and of the environment as its defaults.
    pub(crate) fn defaults_of(&self, program: Command) -> Command {
        self.defaults_where(program, |origin| {
            matches!(origin, Origin::File(_) | Origin::Variable)
        })
    }

    fn defaults_where(&self, mut program: Command, counts: impl Fn(Origin) -> bool) -> Command {
        for given in self.all.iter().filter(|given| counts(given.origin)) {
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

/// What a file sets that can be used; `None` where it is not there or cannot be read.
fn file_entries(
    path: &Path,
    is_named: bool,
    settings: &[Setting],
    problems: &mut Vec<Problem>,
) -> Option<Vec<Entry>> {
    let of_file = |line| Place::File {
        path: path.to_owned(),
        line,
    };
    let text = match text_of(path, is_named) {
        Ok(text) => text?,
        Err(detail) => {
            problems.push(Problem::bad_config(of_file(None), None, detail));
            return None;
        }
    };
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let folder = absolute.parent().unwrap_or(&absolute);
    let (mut entries, mut found) = file::read(&text, folder, settings);
    if !is_named {
        entries.retain(|entry| {
            let is_data = settings[entry.setting].id == "data";
            if is_data {
                found.push(Mistake {
                    line: entry.line,
                    key: Some("data".to_owned()),
                    detail:
                        "a file in a data folder names no other one; name the file with --config"
                            .to_owned(),
                });
            }
            !is_data
        });
    }
    let found = found.into_iter();
    problems
        .extend(found.map(|one| Problem::bad_config(of_file(Some(one.line)), one.key, one.detail)));
    Some(entries)
}

fn text_of(path: &Path, is_named: bool) -> Result<Option<String>, String> {
    let failed = |error: &dyn std::fmt::Display| format!("it cannot be read: {error}");
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

fn given(
    setting: Setting,
    typed: &ArgMatches,
    entry: Option<&Entry>,
    problems: &mut Vec<Problem>,
) -> Given {
    let (mut values, mut origin) = (Vec::new(), Origin::Default);
    if let Some(found) = typed_values(&setting, typed) {
        (values, origin) = (found, Origin::Flag);
    } else if let Some(text) = variable(&setting.variable) {
        match variable_values(&setting, &text) {
            Ok(found) => (values, origin) = (found, Origin::Variable),
            Err(detail) => {
                let place = Place::Variable(setting.variable.clone());
                problems.push(Problem::bad_config(place, None, detail));
            }
        }
    } else if let Some(entry) = entry {
        let found = entry.values.iter().map(OsString::from);
        (values, origin) = (found.collect(), Origin::File(entry.line));
    }
    Given {
        setting,
        values,
        origin,
    }
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

fn variable_values(setting: &Setting, text: &OsStr) -> Result<Vec<OsString>, String> {
    let Some(utf8) = text.to_str() else {
        // Folders may have any name.
        return match setting.is_path("/") && !setting.kind.is_list() {
            true => Ok(vec![text.to_owned()]),
            false => Err("must be UTF-8".to_owned()),
        };
    };
    let parts: Vec<&str> = match setting.kind.is_list() {
        true => utf8.split(',').map(str::trim).collect(),
        false => vec![utf8],
    };
    let mut values = Vec::new();
    for part in parts.into_iter().filter(|part| !part.is_empty()) {
        if let Some(complaint) = setting.complaint(part) {
            return Err(complaint);
        }
        values.push(match settings::switch(part) {
            Some(is) if setting.kind == Kind::Switch => is.to_string().into(),
            _ => part.into(),
        });
    }
    Ok(values)
}
