//! The configuration's file and environment: which value counts, what is refused, and SIGHUP.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::serve::{get, signal};
use crate::support::{bare, first_line, json, json_error, resight};

/// The value of an option, and where it comes from.
fn shown(output: &Output, option: &str) -> (Vec<String>, String) {
    assert!(output.status.success(), "{}", said(&output.stderr));
    let all: Value = serde_json::from_slice(&output.stdout).unwrap();
    let options = all["options"].as_array().unwrap();
    let one = options.iter().find(|one| one["option"] == option);
    let one = one.unwrap_or_else(|| panic!("{option} is not listed"));
    let values = one["values"].as_array().unwrap().iter();
    let values = values.map(|value| value.as_str().unwrap().to_owned());
    (values.collect(), one["from"].as_str().unwrap().to_owned())
}

fn said(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn with_file(data: &Path, text: &str) {
    fs::create_dir_all(data).unwrap();
    fs::write(data.join("resight.toml"), text).unwrap();
}

#[test]
fn flags_count_before_the_environment_and_that_before_the_file() {
    let root = tempfile::tempdir().unwrap();
    let data = root.path().join("data");
    with_file(&data, "memory = 512\nmodels = \"m\"\n");
    let show = |variable: Option<&str>, flag: Option<&str>| {
        let mut command = resight(&data);
        command.args(["config", "show", "--json"]);
        command.envs(variable.map(|value| ("RESIGHT_MEMORY", value)));
        command.args(flag.map(|value| format!("--memory={value}")));
        command.output().unwrap()
    };
    for (variable, flag, value, from) in [
        (None, None, "512", "file"),
        (Some(""), None, "512", "file"),
        (Some("600"), None, "600", "variable"),
        (Some("600"), Some("700"), "700", "flag"),
        (None, Some("700"), "700", "flag"),
    ] {
        let output = show(variable, flag);
        let expected = (vec![value.to_owned()], from.to_owned());
        assert_eq!(shown(&output, "memory"), expected);
    }
    let output = show(None, None);
    // Relative to the file.
    let models = data.join("m").to_str().unwrap().to_owned();
    assert_eq!(shown(&output, "models").0, [models]);
    assert_eq!(shown(&output, "threads").1, "default");
    // Every command is told.
    let counted = json_error(&data, &["count"], 1);
    assert_eq!(counted["code"], "nothing_indexed");
    with_file(&data, "memory = 1\n");
    assert_eq!(json_error(&data, &["count"], 2)["code"], "bad_config");
}

#[test]
fn a_mistake_in_the_file_names_file_line_and_key() {
    let root = tempfile::tempdir().unwrap();
    let data = root.path().join("data");
    for (text, line, key, words) in [
        ("\nmemroy = 512\n", 2, "memroy", "no such option"),
        ("listen = \"a:1\"\n", 1, "listen", "[serve]"),
        (
            "[serve]\nmemory = 512\n",
            2,
            "serve.memory",
            "above all tables",
        ),
        (
            "[serve]\ncors_origin = []\n",
            2,
            "serve.cors_origin",
            "cors-origin",
        ),
        ("memory = \"512\"\n", 1, "memory", "a whole number"),
        ("memory = 1\n", 1, "memory", "256"),
        (
            "memory = 0x10_0\nmodel = \"a\"\n",
            2,
            "model",
            "a list of texts",
        ),
        ("[serve]\nopen = 1\n", 2, "serve.open", "true or false"),
        (
            "[serve]\nfollow = \"never\"\n",
            2,
            "serve.follow",
            "auto, poll, off",
        ),
        (
            "[serve]\ncors-origin = [\n\"https://a.example\",\n\"b\"]\n",
            4,
            "serve.cors-origin",
            "origin",
        ),
        ("log = \"resight=loud\"\n", 1, "log", "resight=loud"),
        ("data = \"elsewhere\"\n", 1, "data", "--config"),
        ("[webhook]\n", 1, "webhook", "no such option"),
        ("json = true\n", 1, "json", "no such option"),
    ] {
        with_file(&data, text);
        for (arguments, exit) in [(&["config", "check"][..], 1), (&["count"], 2)] {
            let error = json_error(&data, arguments, exit);
            assert_eq!(error["code"], "bad_config", "{text}");
            let detail = error["detail"].as_str().unwrap();
            let place = format!("resight.toml, line {line}: {key}: ");
            assert!(detail.contains(&place), "{text}: {detail}");
            assert!(detail.contains(words), "{text}: {detail}");
        }
    }
    with_file(&data, "memory = \n");
    let error = json_error(&data, &["config", "check"], 1);
    assert!(error["detail"].as_str().unwrap().contains("line 1: "));
    // All at once.
    with_file(&data, "a = 1\nb = 2\n");
    let error = json_error(&data, &["config", "check"], 1);
    assert_eq!(error["detail"].as_str().unwrap().lines().count(), 2);
}

// Long because it is one list of cases.
#[test]
fn the_check_refuses_what_serve_refuses() {
    let root = tempfile::tempdir().unwrap();
    let data = root.path().join("data");
    let text_file = root.path().join("text.txt");
    fs::write(&text_file, "no vocabulary").unwrap();
    let text_file = text_file.to_str().unwrap();
    let pictures = root.path().join("pictures");
    fs::create_dir(&pictures).unwrap();
    let quarantine = pictures.join("quarantine");
    // (above the tables, in the table, code, line, key)
    for (above, serve, code, line, key) in [
        (
            "",
            "listen = \"127.0.0.1:99999\"",
            "listen_address",
            2,
            "serve.listen",
        ),
        (
            "",
            "listen = \"203.0.113.7:7777\"",
            "cannot_listen",
            2,
            "serve.listen",
        ),
        (
            "",
            "listen = \"0.0.0.0:0\"",
            "keys_needed",
            2,
            "serve.listen",
        ),
        (
            "",
            "require-keys = true",
            "keys_needed",
            2,
            "serve.require-keys",
        ),
        (
            "",
            "trusted-proxy = [\"127.0.0.1\"]",
            "keys_needed",
            2,
            "serve.trusted-proxy",
        ),
        (
            "",
            "trusted-proxy = [\"here\"]\nopen = true",
            "trusted_proxy",
            2,
            "serve.trusted-proxy",
        ),
        (
            "",
            "tls-cert = \"none.pem\"\ntls-key = \"none.pem\"",
            "bad_certificate",
            2,
            "serve.tls-cert",
        ),
        (
            "",
            "tls-key = \"none.pem\"",
            "bad_certificate",
            2,
            "serve.tls-key",
        ),
        ("", "base-path = \"a b\"", "base_path", 2, "serve.base-path"),
        (
            "",
            "allow-fetch-port = [8080]",
            "usage",
            2,
            "serve.allow-fetch-port",
        ),
        ("", "exclude = [\"raw[0-9\"]", "usage", 2, "serve.exclude"),
        (
            "",
            "folders = [\"none\"]",
            "not_a_folder",
            2,
            "serve.folders",
        ),
        (
            "",
            "folders = [\".\"]",
            "data_inside_pictures",
            2,
            "serve.folders",
        ),
        (
            "",
            &format!("folders = [{pictures:?}]\nquarantine = {quarantine:?}"),
            "quarantine_among_pictures",
            2,
            "serve.folders",
        ),
        (
            "",
            "plugin = [\"none.py\"]",
            "plugin_config",
            2,
            "serve.plugin",
        ),
        (
            "",
            "extractor = \"none\"",
            "extractor_unknown",
            2,
            "serve.extractor",
        ),
        (
            "models = \"m\"\nmodel = [\"none\"]",
            "",
            "model_not_installed",
            2,
            "model",
        ),
        (
            "model = [\"plugin:none\"]",
            "",
            "extractor_unknown",
            1,
            "model",
        ),
        ("vocabulary = \"none\"", "", "unreadable", 1, "vocabulary"),
        #[cfg(target_os = "linux")]
        ("ffmpeg = \"/none\"", "", "ffmpeg_not_found", 1, "ffmpeg"),
        (
            &format!("vocabulary = {text_file:?}"),
            "",
            "not_a_vocabulary",
            1,
            "vocabulary",
        ),
    ] {
        with_file(&data, format!("{above}\n[serve]\n{serve}\n").trim_start());
        let arguments = ["config", "check", "--json"];
        let output = resight(&data).args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{serve}{above}");
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        let problems = told["problems"].as_array().unwrap();
        assert_eq!(problems.len(), 1, "{serve}{above}: {told}");
        assert_eq!(problems[0]["code"], code, "{serve}{above}: {told}");
        assert_eq!(problems[0]["line"], line, "{serve}{above}: {told}");
        assert_eq!(problems[0]["option"], key, "{serve}{above}: {told}");
        let arguments = ["serve", "--json"];
        let output = resight(&data).args(arguments).output().unwrap();
        assert!(!output.status.success(), "{serve}{above}");
        let refused = said(&output.stderr);
        assert!(
            refused.contains(&format!("\"{code}\"")),
            "{serve}{above}: {refused}"
        );
        assert!(!data.join("catalogue.sqlite3").exists());
    }
    // What neither refuses, though a program listens at the port.
    let held = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = held.local_addr().unwrap();
    with_file(&data, &format!("[serve]\nlisten = \"{address}\"\n"));
    let checked = json(&data, &["config", "check"]);
    assert_eq!(checked[0]["problems"].as_array().unwrap().len(), 0);
}

#[test]
fn the_check_lists_everything_at_once_with_its_place() {
    let root = tempfile::tempdir().unwrap();
    let data = root.path().join("data");
    with_file(
        &data,
        "memroy = 1\nmodel = [\"none\", \"other\"]\n[serve]\nlisten = \"127.0.0.1:99999\"\ntls-cert = \"a\"\ncors-origin = [\"b\"]\n",
    );
    let mut command = resight(&data);
    command.args(["config", "check", "--vocabulary", "none"]);
    command.env("RESIGHT_BASE_PATH", "//");
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let lines = said(&output.stderr);
    for part in [
        "resight.toml, line 1: memroy: ",
        "resight.toml, line 2: model: no model named \"none\"",
        "resight.toml, line 2: model: no model named \"other\"",
        "resight.toml, line 4: serve.listen: ",
        "resight.toml, line 5: serve.tls-cert: ",
        "resight.toml, line 6: serve.cors-origin: ",
        "the variable RESIGHT_BASE_PATH: ",
        "--vocabulary: ",
    ] {
        assert_eq!(lines.matches(part).count(), 1, "{part}: {lines}");
    }
}

#[test]
fn a_file_that_is_named_has_to_be_there_and_may_name_the_data_folder() {
    let root = tempfile::tempdir().unwrap();
    let (data, file) = (root.path().join("data"), root.path().join("own.toml"));
    let named = |arguments: &[&str], variable: bool| {
        let mut command = bare();
        match variable {
            true => command.env("RESIGHT_CONFIG", &file),
            false => command.arg("--config").arg(&file),
        };
        command.args(arguments).output().unwrap()
    };
    for variable in [false, true] {
        let missing = named(&["count", "--json"], variable);
        assert_eq!(missing.status.code(), Some(2));
        assert!(said(&missing.stderr).contains("bad_config"));
    }
    fs::write(&file, "data = \"data\"\n").unwrap();
    with_file(&data, "memory = 1\n");
    for variable in [false, true] {
        let show = named(&["config", "show", "--json"], variable);
        let here = data.to_str().unwrap().to_owned();
        assert_eq!(shown(&show, "data"), (vec![here], "file".to_owned()));
    }
    let checked = json(&data, &["config", "check", file.to_str().unwrap()]);
    assert_eq!(checked[0]["options"], 1);
}

#[test]
fn switches_lists_and_options_that_exclude_each_other_follow_the_same_order() {
    let root = tempfile::tempdir().unwrap();
    let data = root.path().join("data");
    with_file(
        &data,
        "[serve]\nopen = true\ncors-origin = [\"https://a.example\", \"https://b.example\"]\n",
    );
    let show = |variables: &[(&str, &str)]| {
        let mut command = resight(&data);
        command.args(["config", "show", "--json"]);
        command.envs(variables.iter().copied());
        command.output().unwrap()
    };
    let open = |output: &Output| shown(output, "serve.open");
    assert_eq!(open(&show(&[])).0, ["true"]);
    assert_eq!(open(&show(&[("RESIGHT_OPEN", "no")])).0, ["false"]);
    // The file's `open` gives way.
    let output = show(&[("RESIGHT_REQUIRE_KEYS", "1")]);
    assert_eq!(open(&output).1, "default");
    assert_eq!(shown(&output, "serve.require-keys").0, ["true"]);
    let origins = |output: &Output| shown(output, "serve.cors-origin").0;
    assert_eq!(origins(&show(&[])).len(), 2);
    let one = [("RESIGHT_CORS_ORIGIN", "https://c.example")];
    assert_eq!(origins(&show(&one)), ["https://c.example"]);
    let wrong = show(&[
        ("RESIGHT_LISTEN", "127.0.0.1:0"),
        ("RESIGHT_OPEN", "perhaps"),
    ]);
    assert!(said(&wrong.stderr).contains("RESIGHT_OPEN"));
    with_file(&data, "[serve]\nopen = true\nrequire-keys = true\n");
    let both = said(&show(&[]).stderr);
    assert!(both.contains("exclude each other"), "{both}");
    // A typed option counts before a file's that excludes it: no key, so that the server refuses.
    with_file(&data, "[serve]\nopen = true\n");
    let arguments = ["serve", "--require-keys", "--listen", "127.0.0.1:0"];
    assert_eq!(json_error(&data, &arguments, 2)["code"], "keys_needed");
}

#[cfg(unix)]
#[test]
fn a_hang_up_reads_the_file_again_and_a_broken_one_changes_nothing() {
    let root = tempfile::tempdir().unwrap();
    let data = root.path().join("data");
    let hosts = |list: &str| {
        format!("memory = 300\n[serve]\nlisten = \"127.0.0.1:0\"\nallow-host = [{list}]\n")
    };
    with_file(&data, &hosts(""));
    let mut child = resight(&data)
        .args(["serve", "--log-format", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let serving = first_line(&mut child);
    let address = serving.trim().rsplit("http://").next().unwrap().to_owned();
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
    // Reads lines of the log up to one with these words.
    let mut logged = |words: &str| {
        let mut lines = Vec::new();
        loop {
            let line = log.next().expect("the server ended").unwrap();
            let line: Value = serde_json::from_str(&line).unwrap();
            lines.push(line.to_string());
            if lines.last().unwrap().contains(words) {
                return lines;
            }
        }
    };
    let asked_as = |host: &str| {
        let path = format!("http://{host}/healthz");
        get(&address, &path).starts_with("HTTP/1.1 200")
    };
    assert!(!asked_as("pics.example"));
    let file = hosts("\"pics.example\"").replace("300", "400");
    with_file(&data, &file);
    signal(&child, "-HUP");
    let lines = logged("was read again").join("\n");
    assert!(lines.contains("serve.allow-host"), "{lines}");
    // It cannot change while the server runs.
    assert!(lines.contains("\"memory\""), "{lines}");
    assert!(asked_as("pics.example"));
    with_file(&data, "[serve]\nallow-host = 1\n");
    signal(&child, "-HUP");
    let lines = logged("stays as it was").join("\n");
    assert!(lines.contains("line 2: serve.allow-host"), "{lines}");
    assert!(asked_as("pics.example"));
    // What is well written and cannot be served by changes nothing either: no host, and not what is logged.
    let file = hosts("").replace("[serve]", "log = \"error\"\n[serve]\nfolders = [\"none\"]");
    with_file(&data, &file);
    signal(&child, "-HUP");
    let lines = logged("stays as it was").join("\n");
    assert!(lines.contains("no folder"), "{lines}");
    assert!(asked_as("pics.example"));
    with_file(&data, &hosts("\"pics.example\", \"b.example\""));
    signal(&child, "-HUP");
    // A warning: with the file's `log` it would be left out.
    logged("was read again");
    assert!(asked_as("b.example"));
    signal(&child, "-TERM");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn help_and_man_pages_are_the_same_whatever_is_configured() {
    let help = |variable: Option<(&str, &str)>| -> Vec<u8> {
        let mut command: Command = bare();
        command.args(["serve", "--help"]).envs(variable);
        command.output().unwrap().stdout
    };
    assert_eq!(help(None), help(Some(("RESIGHT_LISTEN", "[::1]:1"))));
}
