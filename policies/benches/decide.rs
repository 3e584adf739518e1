//! How much a decision costs.

fn main() {}
