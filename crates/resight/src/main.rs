//! The `resight` program. All of it is in the library, where tests reach it.

fn main() -> std::process::ExitCode {
    resight::cli::main()
}
