//! Runs the rules and prints what came of it.
