//! Packed chunks: gzip and zstd, never further than agreed.
//!
//! What a chunk becomes is bounded in bytes and in proportion, and both are held while it is unpacked: a bomb costs as
//! much as what it was allowed to become. One stream, nothing behind it.

use std::io::{self, BufRead, Read};

use schemas::wire::tax_records::CHUNK_BYTES_MAX;
pub use schemas::wire::tax_records::Packing;

/// How far a chunk may be unpacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Most bytes unpacked.
    pub bytes_max: usize,
    /// Most bytes unpacked for each packed byte.
    pub ratio_max: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            bytes_max: 4 * CHUNK_BYTES_MAX,
            ratio_max: 40,
        }
    }
}

/// Why a chunk can't be unpacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnpackError {
    /// The packed chunk is longer than a chunk may be.
    #[error("the chunk is longer than 16 MiB")]
    TooLarge,
    /// It would become longer than agreed.
    #[error("the chunk unpacks to more than agreed")]
    Bomb,
    /// It is no stream of its kind, is damaged, or has something behind its end.
    #[error("the chunk is not what its packing says")]
    Damaged,
}

/// Unpacks a chunk.
///
/// # Errors
/// See [`UnpackError`].
pub fn unpack(packing: Packing, chunk: &[u8], bounds: Bounds) -> Result<Vec<u8>, UnpackError> {
    if chunk.len() > CHUNK_BYTES_MAX {
        return Err(UnpackError::TooLarge);
    }
    let most = bounds
        .bytes_max
        .min(chunk.len().saturating_mul(bounds.ratio_max));
    match packing {
        Packing::Plain => Ok(chunk.to_vec()),
        Packing::Gzip => {
            let mut stream = flate2::bufread::GzDecoder::new(chunk);
            let plain = bounded(&mut stream, most)?;
            at_end(stream.into_inner(), plain)
        }
        Packing::Zstd => {
            if window(chunk).is_none_or(|bytes| bytes > WINDOW_BYTES_MAX) {
                return Err(UnpackError::Damaged);
            }
            let mut rest = chunk;
            let mut stream = ruzstd::decoding::StreamingDecoder::new(&mut rest)
                .map_err(|_| UnpackError::Damaged)?;
            let plain = bounded(&mut stream, most)?;
            let done = stream.decoder.is_finished();
            drop(stream);
            match done {
                true => at_end(rest, plain),
                false => Err(UnpackError::Damaged),
            }
        }
    }
}

fn bounded(stream: &mut impl Read, most: usize) -> Result<Vec<u8>, UnpackError> {
    let mut plain = Vec::new();
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    let read = stream.take(limit).read_to_end(&mut plain);
    match read {
        Ok(_) if plain.len() > most => Err(UnpackError::Bomb),
        Ok(_) => Ok(plain),
        Err(_) => Err(UnpackError::Damaged),
    }
}

fn at_end(mut rest: impl BufRead, plain: Vec<u8>) -> Result<Vec<u8>, UnpackError> {
    match rest.fill_buf().map(<[u8]>::is_empty) {
        Ok(true) => Ok(plain),
        Ok(false) | Err(_) => Err(UnpackError::Damaged),
    }
}

/// The window that a zstd frame asks for (RFC 8878, 3.1.1.1), which the decoder would allocate.
fn window(chunk: &[u8]) -> Option<u64> {
    let rest = chunk.strip_prefix(&[0x28, 0xB5, 0x2F, 0xFD])?;
    let (descriptor, rest) = rest.split_first()?;
    if descriptor & 0x20 == 0 {
        let byte = *rest.first()?;
        let base = 1_u64 << (10 + (byte >> 3));
        return Some(base + base / 8 * u64::from(byte & 7));
    }
    let dictionary = [0, 1, 2, 4][usize::from(descriptor & 3)];
    let length = [1, 2, 4, 8][usize::from(descriptor >> 6)];
    let field = rest.get(dictionary..dictionary + length)?;
    let size = field
        .iter()
        .rev()
        .fold(0, |size: u64, byte| size << 8 | u64::from(*byte));
    Some(if length == 2 { size + 256 } else { size })
}

/// Packs a chunk, for what we send and for tests.
///
/// # Errors
/// None that a vector gives; the writer's own.
pub fn pack(packing: Packing, plain: &[u8]) -> io::Result<Vec<u8>> {
    match packing {
        Packing::Plain => Ok(plain.to_vec()),
        Packing::Gzip => {
            let mut encoder =
                flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            io::Write::write_all(&mut encoder, plain)?;
            encoder.finish()
        }
        Packing::Zstd => Ok(ruzstd::encoding::compress_to_vec(
            plain,
            ruzstd::encoding::CompressionLevel::Fastest,
        )),
    }
}

/// What RFC 8878 asks every decoder to take.
const WINDOW_BYTES_MAX: u64 = 8 << 20;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PACKED: [Packing; 2] = [Packing::Gzip, Packing::Zstd];

    #[test]
    fn a_bomb_is_refused_at_the_bound_in_proportion_and_in_bytes() {
        let zeros = vec![0; 1 << 20];
        for packing in PACKED {
            let bomb = pack(packing, &zeros).unwrap();
            assert!(bomb.len() * 40 < zeros.len());
            assert_eq!(
                unpack(packing, &bomb, Bounds::default()),
                Err(UnpackError::Bomb),
                "{packing:?}"
            );
            let wide = Bounds {
                bytes_max: zeros.len() - 1,
                ratio_max: usize::MAX,
            };
            assert_eq!(
                unpack(packing, &bomb, wide),
                Err(UnpackError::Bomb),
                "{packing:?}"
            );
            let enough = Bounds {
                bytes_max: zeros.len(),
                ratio_max: usize::MAX,
            };
            assert_eq!(
                unpack(packing, &bomb, enough).unwrap(),
                zeros,
                "{packing:?}"
            );
        }
    }

    #[test]
    fn what_is_cut_damaged_or_has_something_behind_it_is_refused() {
        let plain = b"mot hai ba bon nam sau bay tam chin muoi".repeat(3);
        for packing in PACKED {
            let good = pack(packing, &plain).unwrap();
            let refused = |bytes: &[u8]| unpack(packing, bytes, Bounds::default()).unwrap_err();
            for cut in 0..good.len() {
                assert_eq!(
                    refused(&good[..cut]),
                    UnpackError::Damaged,
                    "{packing:?} cut at {cut}"
                );
            }
            assert_eq!(
                refused(&[good.as_slice(), b"x"].concat()),
                UnpackError::Damaged,
                "{packing:?}"
            );
            assert_eq!(refused(&plain), UnpackError::Damaged, "{packing:?}");
        }
    }

    #[test]
    fn a_chunk_longer_than_a_chunk_may_be_is_refused_unread() {
        let long = vec![0; CHUNK_BYTES_MAX + 1];
        for (packing, _) in Packing::WORDS {
            assert_eq!(
                unpack(packing, &long, Bounds::default()),
                Err(UnpackError::TooLarge)
            );
        }
    }

    #[test]
    fn a_window_larger_than_decoders_need_is_refused_before_it_is_allocated() {
        let frame = [0x28, 0xB5, 0x2F, 0xFD, 0x00, 0xF8, 0, 0, 0];
        assert_eq!(window(&frame), Some(1 << 41));
        assert_eq!(
            unpack(Packing::Zstd, &frame, Bounds::default()),
            Err(UnpackError::Damaged)
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn what_is_packed_is_unpacked(plain in prop::collection::vec(any::<u8>(), 0..4_000)) {
            for (packing, _) in Packing::WORDS {
                let packed = pack(packing, &plain).unwrap();
                prop_assert_eq!(unpack(packing, &packed, Bounds::default()).unwrap(), plain.as_slice());
            }
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            for packing in PACKED {
                let _ = unpack(packing, &bytes, Bounds::default());
                let framed = [&[0x28, 0xB5, 0x2F, 0xFD], bytes.as_slice()].concat();
                let _ = unpack(packing, &framed, Bounds::default());
            }
        }
    }
}
