//! The `heyan` command: parses and dispatches, nothing else.

use std::process::ExitCode;

/// A call makes hundreds of small allocations, and frees many of them on other threads: the system's allocator is slow at that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    heyan::cli::run()
}
