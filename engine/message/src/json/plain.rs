//! What strings are mostly made of: bytes that stand for themselves.

use wide::u8x16;

/// Where the part of a string ends that begins at `at` and stands for itself: at the next quote, escape or control
/// character, or at the end of the text. Strings are most of what comes, so they are walked in blocks.
pub(super) fn plain(bytes: &[u8], mut at: usize) -> usize {
    const LONG: usize = 4 * BLOCK;
    while let Some(long) = bytes[at..].first_chunk::<LONG>() {
        let (blocks, _) = long.as_chunks();
        if blocks.iter().fold(u8x16::ZERO, |any, block| any | ending(block)) != u8x16::ZERO {
            break;
        }
        at += LONG;
    }
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

/// A bit for each byte at which the plain part of a string ends; the lowest is that of the first.
pub(super) fn ends(block: &[u8; BLOCK]) -> u32 {
    ending(block).to_bitmask()
}

fn ending(block: &[u8; BLOCK]) -> u8x16 {
    let (block, is) = (u8x16::new(*block), u8x16::splat);
    block.simd_eq(is(b'"')) | block.simd_eq(is(b'\\')) | block.min(is(0x1F)).simd_eq(block)
}
