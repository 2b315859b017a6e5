//! The `phonewatch` program.

fn main() {}
