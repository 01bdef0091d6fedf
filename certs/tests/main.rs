//! What certs promises, shown with foreign tools, published vectors, generated documents and attacks.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test that cannot set up its scene should stop there"
)]

mod called;
mod interop;
mod never_panics;
mod staple;
mod support;
mod tls;
mod token;
mod wycheproof;
mod xml_attacks;
mod xml_foreign;
mod xml_oracle;
mod xml_profile;
mod xml_roundtrip;
mod xml_wrapping;
mod xml_xades;
mod zoo;
