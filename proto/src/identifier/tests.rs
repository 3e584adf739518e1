//! The vectors of the standards and of published samples as tables, and properties that hold for all numbers. Numbers of
//! people are samples of standards or invented.

mod division;
mod properties;
mod vectors;
