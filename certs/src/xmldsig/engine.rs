//! The library underneath, behind a trait.
