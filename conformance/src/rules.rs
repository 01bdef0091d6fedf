//! The black-box rules: one per file, each with its citation.
