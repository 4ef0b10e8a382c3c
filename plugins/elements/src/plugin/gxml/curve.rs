//! `curve_data`: base64 of a block of points, kept as it is once it has proved whole.
//!
//! The block, little endian, as found in all blocks of the one public real file: 26 bytes of unknown meaning, a uint32 n, n
//! points of three float64, n normals of three float32, one byte.

use super::{Fault, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

const HEADER: usize = 26;
const COUNT: usize = 4;
const TAIL: usize = 1;
const POINT: usize = 24;
const NORMAL: usize = 12;

/// The base64 in `text` without white space, and the number of its points. `block` is room to work in.
pub fn check(text: &mut String, block: &mut Vec<u8>) -> Result<u32> {
    text.retain(|character| !character.is_ascii_whitespace());
    block.clear();
    STANDARD
        .decode_vec(text.as_bytes(), block)
        .map_err(|error| Fault::Content(format!("the curve data is no base64: {error}")))?;
    let count =
        block.get(HEADER..).and_then(|rest| rest.first_chunk::<COUNT>()).map(|bytes| u32::from_le_bytes(*bytes));
    let expected = count.map(|count| (HEADER + COUNT + TAIL) as u64 + (POINT + NORMAL) as u64 * u64::from(count));
    match (count, expected) {
        (Some(count), Some(expected)) if expected == block.len() as u64 => {
            finite(block, count as usize)?;
            Ok(count)
        }
        (Some(count), Some(expected)) => Err(Fault::Content(format!(
            "the curve data has {} bytes, expected {expected} for its {count} points",
            block.len()
        ))),
        _ => Err(Fault::Content(format!(
            "the curve data has {} bytes, expected at least {}",
            block.len(),
            HEADER + COUNT + TAIL
        ))),
    }
}

fn finite(block: &[u8], count: usize) -> Result<()> {
    let points = &block[HEADER + COUNT..][..count * POINT];
    let (numbers, _) = points.as_chunks::<8>();
    match numbers.iter().position(|bytes| !f64::from_le_bytes(*bytes).is_finite()) {
        Some(at) => Err(Fault::Content(format!("point {} of the curve data is not finite", at / 3))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(count: u32, points: usize) -> String {
        let mut bytes = vec![0; HEADER];
        bytes.extend(count.to_le_bytes());
        bytes.extend(vec![0; points * (POINT + NORMAL) + TAIL]);
        STANDARD.encode(bytes)
    }

    #[test]
    fn a_block_is_as_long_as_its_points() {
        assert_eq!(check(&mut block(3, 3), &mut Vec::new()).unwrap(), 3);
        assert_eq!(check(&mut format!(" {}\n", block(0, 0)), &mut Vec::new()).unwrap(), 0);
        for mut bad in
            [block(3, 2), block(2, 3), block(u32::MAX, 1), String::new(), "AAAA".into(), "A".into(), "?".into()]
        {
            let fault = check(&mut bad, &mut Vec::new()).unwrap_err();
            assert!(matches!(&fault, Fault::Content(text) if text.starts_with("the curve data ")), "{fault:?}");
        }
    }

    #[test]
    fn points_are_finite() {
        let mut bytes = STANDARD.decode(block(2, 2)).unwrap();
        bytes[HEADER + COUNT + POINT..][..8].copy_from_slice(&f64::NAN.to_le_bytes());
        let fault = check(&mut STANDARD.encode(bytes), &mut Vec::new()).unwrap_err();
        assert!(
            matches!(&fault, Fault::Content(text) if text == "point 1 of the curve data is not finite"),
            "{fault:?}"
        );
    }
}
