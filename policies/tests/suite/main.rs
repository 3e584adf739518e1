//! The policies as data: scenarios, and the golden matrix. Both are played in the city of `tests/city.toml`.

mod city;
mod matrix;
mod scenarios;
