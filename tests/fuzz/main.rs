//! Every parser of the product under mutated input. Failure: a panic; a stack that overflows; an input that takes seconds; an
//! accepted input that breaks what its target states; an error that is not one short line, that points outside of its file,
//! or that repeats what was written.
//!
//! Each target has a corpus: the files of `corpus/<target>/` (`*.lines` hold one input in each line, other files are one),
//! and what the product's own samples and tests hold already. `cargo test` replays all of it and then tries a few hundred
//! mutations, the same ones each time. With `HEYAN_FUZZ_SECONDS=60` (`tests/run --long`) each target tries new ones for so
//! long. What breaks a target is made small and written to `findings/`; once mended, it moves to the corpus and is tried ever
//! after.

#![expect(clippy::unwrap_used, reason = "what goes wrong here ends the test that it serves")]

mod cells;
mod certificates;
mod chance;
mod city;
mod claims;
mod declarations;
mod documents;
mod harness;
mod headers;
mod holds;
mod identifiers;
mod json;
mod leaves;
mod messages;
mod mutation;
mod policies;
mod spelling;
