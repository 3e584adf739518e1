//! The policies as data: scenarios, and the golden matrix. Both are played in the city of `tests/city.toml`.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its own data has failed")]

mod city;
mod matrix;
mod scenarios;
