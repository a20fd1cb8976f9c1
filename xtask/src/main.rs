//! Checks of the repository that no other tool makes: `cargo xtask tidy`, and counts of its lines:
//! `cargo xtask lines`.

mod circles;
mod functions;
mod line_counts;
mod links;
mod named_tests;
mod prose;
mod rust_text;
mod tidy;

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    match std::env::args().nth(1).as_deref() {
        Some("tidy") => tidy(&root),
        Some("lines") => {
            print!("{}", line_counts::report(&root));
            ExitCode::SUCCESS
        }
        _ => {
            eprintln!("usage: cargo xtask tidy | lines");
            ExitCode::from(2)
        }
    }
}

fn tidy(root: &Path) -> ExitCode {
    let problems = tidy::check(root);
    for problem in &problems {
        eprintln!("tidy: {problem}");
    }
    if problems.is_empty() {
        println!("tidy: nothing to complain about");
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
