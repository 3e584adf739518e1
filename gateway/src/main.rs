//! The `heyan` command: parses and dispatches, nothing else.

use std::process::ExitCode;

fn main() -> ExitCode {
    heyan::cli::run()
}
