//! Synthetic people, deterministic from a seed.
