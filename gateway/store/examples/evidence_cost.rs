//! What evidence costs a message on the request path, beside the digests that cannot be spared, in one run:
//! `cargo run --release -p gateway-store --example evidence_cost`.
//!
//! A message is a request and an answer of 2 KB each: sealed under a key of its own, digested, chained. The
//! tree under a checkpoint is built off the path and shown apart. Signing and stamping are shared by all
//! messages of a checkpoint.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measuring program prints, and reads the clock"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use gateway_core::seal::{Vault, merkle, sha256};

const ROUNDS: u32 = 20_000;
const BODY: [u8; 2_048] = [b'x'; 2_048];
const METADATA: [u8; 300] = [b'm'; 300];

fn main() {
    let vault = Vault::from_bytes([3; 32]);
    let bare = per_message(|| {
        black_box(sha256(black_box(&BODY)));
    });
    let mut head = [0; 32];
    let evidence = per_message(|| {
        let sealed = vault.seal(black_box(&METADATA), black_box(&BODY));
        let digest = sha256(&sealed.ciphertext);
        head = gateway_store::chained_hash(head, (1, 1, 1), &[7; 16], &METADATA, &digest);
    });
    let leaves = vec![[7; 32]; 1_000];
    let begun = Instant::now();
    for _ in 0..100 {
        black_box(merkle::root(black_box(&leaves)));
    }
    let tree = micros(begun.elapsed()) / 100.0 / 500.0;
    println!("two digests of 2 KB, for comparison   {bare:7.2} us per message");
    println!("sealing, digesting, chaining          {evidence:7.2} us per message (mark 15)");
    println!("its share of a checkpoint's tree      {tree:7.2} us per message, off the path");
}

/// Request and answer.
fn per_message(mut record: impl FnMut()) -> f64 {
    let begun = Instant::now();
    for _ in 0..ROUNDS {
        record();
        record();
    }
    micros(begun.elapsed()) / f64::from(ROUNDS)
}

fn micros(spent: Duration) -> f64 {
    spent.as_secs_f64() * 1e6
}
