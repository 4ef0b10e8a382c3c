//! What strings are mostly made of: bytes that stand for themselves.

use wide::u8x16;

/// Where the part of a string ends that begins at `at` and stands for itself: at the next quote, escape or control
/// character, or at the end of the text. Strings are most of what comes, so they are walked in blocks.
pub(super) fn plain(bytes: &[u8], mut at: usize) -> usize {
    at = long(bytes, at, &mut u8x16::default());
    while let Some(block) = bytes[at..].first_chunk() {
        match ends(block) {
            0 => at += BLOCK,
            ends => return at + ends.trailing_zeros() as usize,
        }
    }
    let left = bytes.len() - at;
    let ends = match bytes.last_chunk() {
        // What is left, with what was before it pushed out.
        Some(block) => ends(block) >> (BLOCK - left),
        None => ends(&std::array::from_fn(|index| bytes.get(at + index).copied().unwrap_or(b' '))),
    };
    if ends == 0 { bytes.len() } else { at + ends.trailing_zeros() as usize }
}

const BLOCK: usize = 16;

/// Over blocks of four, as long as there is nothing in them that ends. What they are made of is added to `seen`.
pub(super) fn long(bytes: &[u8], mut at: usize, seen: &mut u8x16) -> usize {
    const LONG: usize = 4 * BLOCK;
    while let Some(long) = bytes[at..].first_chunk::<LONG>() {
        let (blocks, _) = long.as_chunks::<BLOCK>();
        let (is, mut low, mut escape, mut all) = (u8x16::splat, u8x16::MAX, u8x16::ZERO, *seen);
        for block in blocks {
            let block = u8x16::new(*block);
            all |= block;
            low = low.min(block ^ is(TURN));
            escape |= block.simd_eq(is(b'\\'));
        }
        if escape | low.min(is(b' ')).simd_eq(low) != u8x16::ZERO {
            break;
        }
        *seen = all;
        at += LONG;
    }
    at
}

/// A bit for each byte at which the plain part of a string ends; the lowest is that of the first.
fn ends(block: &[u8; BLOCK]) -> u32 {
    let (block, is) = (u8x16::new(*block), u8x16::splat);
    let turned = block ^ is(TURN);
    (turned.min(is(b' ')).simd_eq(turned) | block.simd_eq(is(b'\\'))).to_bitmask()
}

/// With this bit turned, the quote stands right behind the control characters, and one comparison finds both.
const TURN: u8 = b'"' ^ b' ';
