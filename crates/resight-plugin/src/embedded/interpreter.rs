//! The interpreter in this process: loads the Python package and an author's file, and makes calls.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use pyo3::buffer::PyBuffer;
use pyo3::prelude::*;
use pyo3::types::{PyCFunction, PyList, PyTuple};

use super::lent::LentBytes;
use crate::call::Call;
use crate::error::PluginError;
use crate::manifest::Manifest;
use crate::worker::Served;
use crate::worker::decode::{self, BadReply};
use crate::worker::output::TARGET;
use crate::worker::spawn::{MODULES, SourceFile};
use crate::worker::wire::{self, Kind, ReplyMeta};

const EMBEDDED: (&str, &str) = (
    "resight._embedded",
    include_str!("../../../../python/resight/_embedded.py"),
);

/// A loaded version of the author's file.
pub(super) struct Loaded {
    instance: Py<PyAny>,
    pub(super) manifest: Arc<Manifest>,
    file: String,
}

/// Loads the Python package into the interpreter, once in a process, and adds the packages that
/// `python` has.
fn prepare(python: &Path) -> Result<(), PluginError> {
    static DONE: Mutex<bool> = Mutex::new(false);
    // No thread takes this lock while it holds the interpreter's.
    let mut done = DONE.lock();
    if !*done {
        let found = look_up(python)?;
        Python::attach(|py| set_up(py, python, found))?;
        *done = true;
    }
    Ok(())
}

fn set_up(py: Python<'_>, python: &Path, found: Option<Interpreter>) -> Result<(), PluginError> {
    let version = py.version_info();
    let own = format!("{}.{}", version.major, version.minor);
    if let Some(version) = found.as_ref().map(|f| &f.version).filter(|v| **v != own) {
        return Err(PluginError::Config {
            detail: format!(
                "{} is Python {version}, and this program runs Python {own} in its own process; \
                 give an interpreter of that version, or leave --in-process out",
                python.display()
            ),
        });
    }
    let put = || -> PyResult<()> {
        let modules = py.import("sys")?.getattr("modules")?;
        for (name, text) in MODULES.iter().chain([&EMBEDDED]) {
            // A package must be one before its modules are run.
            let module = PyModule::new(py, name)?;
            let file = format!("<resight>/{}.py", name.replace('.', "/"));
            module.setattr("__file__", &file)?;
            let (package, own) = name.split_once('.').unwrap_or((name, ""));
            module.setattr("__package__", package)?;
            if own.is_empty() {
                module.setattr("__path__", PyList::empty(py))?;
            }
            modules.set_item(name, &module)?;
            let dict = module.dict();
            let builtins = py.import("builtins")?;
            dict.set_item("__builtins__", &builtins)?;
            let code = builtins.call_method1("compile", (*text, &file, "exec"))?;
            builtins.call_method1("exec", (code, &dict))?;
            if !own.is_empty() {
                modules.get_item(package)?.setattr(own, &module)?;
            }
        }
        let (folders, executable) =
            found.map_or_else(Default::default, |f| (f.folders, f.executable));
        let log = PyCFunction::new_closure(py, None, None, |arguments, _| log(arguments))?;
        modules
            .get_item(EMBEDDED.0)?
            .call_method1("prepare", (folders, MODULES.to_vec(), executable, log))?;
        Ok(())
    };
    put().map_err(|e| PluginError::Io {
        detail: format!("Python cannot be set up in this process: {e}"),
    })
}

/// Writes a line that a plug-in printed.
fn log(arguments: &Bound<'_, PyTuple>) -> PyResult<()> {
    let (plugin, function, stream, line): (String, String, String, String) = arguments.extract()?;
    // A reader of the log may be slow, and other threads want the interpreter.
    arguments.py().detach(|| {
        tracing::info!(target: TARGET, plugin, function, stream, "{line}");
    });
    Ok(())
}

/// The interpreter that the settings name.
#[derive(Default)]
struct Interpreter {
    /// Its first two numbers.
    version: String,
    executable: String,
    /// Where its packages are.
    folders: Vec<String>,
}

/// What there is to know of an interpreter; none when it cannot be run.
fn look_up(python: &Path) -> Result<Option<Interpreter>, PluginError> {
    let tell = "import sys, site, sysconfig; print('%d.%d' % sys.version_info[:2]); \
                print(sys.executable); print(sysconfig.get_path('purelib')); print(sysconfig.get_path('platlib'))";
    let Ok(output) = Command::new(python).args(["-c", tell]).output() else {
        return Ok(None);
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut lines = text.lines().map(str::to_owned);
    match (lines.next(), lines.next()) {
        (Some(version), Some(executable)) if output.status.success() => {
            let mut folders: Vec<String> = lines.collect();
            folders.dedup();
            Ok(Some(Interpreter {
                version,
                executable,
                folders,
            }))
        }
        _ => Err(PluginError::Config {
            detail: format!(
                "{} does not report the folders of its packages",
                python.display()
            ),
        }),
    }
}

/// Loads the file and warms it up. Waits as long as the file's code runs.
pub(super) fn load(file: &Path, python: &Path, source: &SourceFile) -> Result<Loaded, PluginError> {
    prepare(python)?;
    let path = file.to_string_lossy().into_owned();
    Python::attach(|py| {
        let run = || -> PyResult<(Py<PyAny>, bool, String)> {
            let instance = py
                .import(EMBEDDED.0)?
                .getattr("Embedded")?
                .call1((&path,))?;
            let (fine, told) = instance
                .call_method1("load", (&source.bytes[..],))?
                .extract()?;
            Ok((instance.unbind(), fine, told))
        };
        let refuse =
            |reason: String, traceback: String| PluginError::StartFailed { reason, traceback };
        let (instance, fine, told) = run().map_err(|e| refuse(e.to_string(), String::new()))?;
        if !fine {
            let raised: ReplyMeta =
                serde_json::from_str(&told).map_err(|e| refuse(e.to_string(), String::new()))?;
            return Err(decode::not_loaded(raised, &path));
        }
        let manifest = Manifest::read(told.as_bytes(), &source.hash, source.generation)
            .map_err(|words| refuse(words, String::new()))?;
        Ok(Loaded {
            instance,
            manifest: Arc::new(manifest),
            file: path,
        })
    })
}

/// Makes one call, or several of one batched function. `unwanted` is set when nobody waits any longer;
/// `limit` is the most bytes of the results.
pub(super) fn answer(
    py: Python<'_>,
    loaded: &Loaded,
    calls: &[&Call<'_>],
    unwanted: &Arc<AtomicBool>,
    limit: u64,
) -> Result<Served, PluginError> {
    let function = calls.first().map_or("", |call| &*call.function);
    let internal = |detail: String| PluginError::Io { detail };
    let meta = wire::call_meta(calls, Vec::new(), false, false)
        .and_then(|meta| String::from_utf8(meta).map_err(serde::de::Error::custom))
        .map_err(|e| internal(e.to_string()))?;
    let ask = || -> PyResult<(u8, ReplyMeta, Vec<Vec<u8>>)> {
        let attachments = calls.iter().flat_map(|call| &call.attachments);
        let parts = attachments.map(|a| Py::new(py, LentBytes::new(a.content.data())));
        let parts: Vec<Py<LentBytes>> = parts.collect::<PyResult<_>>()?;
        let unwanted = unwanted.clone();
        let cancelled =
            PyCFunction::new_closure(py, None, None, move |_, _| unwanted.load(Ordering::Relaxed))?;
        let (kind, told, data): (u8, String, Vec<Bound<'_, PyAny>>) = loaded
            .instance
            .bind(py)
            .call_method1("answer", (meta, parts, cancelled))?
            .extract()?;
        let meta = serde_json::from_str(&told)
            .map_err(|e| pyo3::exceptions::PyValueError::new_err(e.to_string()))?;
        let data = data
            .iter()
            .map(|part| PyBuffer::<u8>::get(part)?.to_vec(py))
            .collect::<PyResult<_>>()?;
        Ok((kind, meta, data))
    };
    let bad = |detail: String| PluginError::BadResult {
        function: function.to_owned(),
        detail,
    };
    // Python itself raises here only when `stop` ended the call.
    let (kind, meta, data) = ask().map_err(|e| internal(format!("{function} was ended: {e}")))?;
    let bytes: u64 = data.iter().map(|part| part.len() as u64).sum();
    if bytes > limit {
        let function = function.to_owned();
        return Err(PluginError::TooLarge {
            function,
            bytes,
            limit,
        });
    }
    match Kind::from_worker(kind) {
        Some(Kind::Result) => {}
        Some(Kind::Raised) => return Err(decode::raised(meta, function, &loaded.file)),
        Some(Kind::BadArgument) => {
            return Err(PluginError::BadArgument {
                function: function.to_owned(),
                detail: meta.message,
            });
        }
        Some(Kind::Answered) => {
            return Err(match decode::answered(meta, data, function) {
                Ok(answer) => answer,
                Err(BadReply::Author(detail) | BadReply::Protocol(detail)) => internal(detail),
            });
        }
        _ => return Err(bad(meta.message)),
    }
    let spent = Duration::from_micros(meta.us);
    match decode::replies(&meta, data, calls) {
        Ok(replies) => Ok((replies, spent)),
        Err(BadReply::Author(detail)) => Err(bad(detail)),
        Err(BadReply::Protocol(detail)) => Err(internal(detail)),
    }
}

/// Python's number of the current thread.
pub(super) fn thread_number(py: Python<'_>) -> u64 {
    let number = py
        .import("threading")
        .and_then(|threading| threading.call_method0("get_ident")?.extract());
    number.unwrap_or_default()
}

/// Raises an exception in Python code that runs on another thread. May never return, when code in C
/// keeps the interpreter's lock.
pub(super) fn stop(thread: u64) {
    Python::attach(|py| {
        let told = py
            .import(EMBEDDED.0)
            .and_then(|module| module.call_method1("stop", (thread,)));
        if let Err(e) = told {
            tracing::warn!("a plug-in's thread cannot be told to stop: {e}");
        }
    });
}
