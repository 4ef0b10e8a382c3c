//! Where the tokens of a text begin, found for 64 bytes at a time.

use super::END;
use super::escape::escape;
use super::plain::long;
use std::num::NonZeroU64;
use wide::u8x16;

const BLOCK: usize = 16;
/// Four blocks, a bit of a word for each of their bytes.
const WINDOW: usize = 2 * HALF;
const HALF: usize = 2 * BLOCK;

/// Behind each text, and far from where a sum would overflow.
const NOWHERE: usize = usize::MAX / 2;

/// What is known of a text at the beginning of a window.
pub(super) struct Windows<'a> {
    bytes: &'a [u8],
    /// Where the window begins.
    at: usize,
    /// All bits set inside a string.
    string: u64,
    /// How many bytes belong to an escape that began before.
    escape: usize,
    /// The lowest bit set behind a digit.
    digit: u64,
    /// Whether there was a backslash.
    escaped: bool,
    /// All bytes so far, one on top of the other.
    seen: u8x16,
    /// The bytes of the window that was handed out last, so that no token's place needs to be checked; [`END`] behind the text.
    window: [u8; WINDOW],
}

impl<'a> Windows<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        let window = [0; WINDOW];
        Self { bytes, at: 0, string: 0, escape: 0, digit: 0, escaped: false, seen: u8x16::ZERO, window }
    }

    /// Whether there was a backslash in what was handed out so far.
    pub fn escaped(&self) -> bool {
        self.escaped
    }

    /// Whether all bytes that were handed out or passed over so far are ASCII.
    pub fn ascii(&self) -> bool {
        self.seen.to_bitmask() == 0
    }

    /// The next window that has tokens: a bit for each, and where it begins. A token is each byte outside strings that is no
    /// white space, but of a row of digits only the first, and of a string only the quote behind it. Behind the last one there
    /// is one at the end of the text, again and again; far behind the text if it ends in a string, or if something stands in
    /// a string or between tokens that must not.
    #[inline(never)]
    pub fn next(&mut self) -> (NonZeroU64, usize) {
        loop {
            if self.string != 0 && self.escape == 0 {
                self.at = long(self.bytes, self.at, &mut self.seen);
            }
            let at = self.at;
            let left = self.bytes.len() - at;
            if left == 0 {
                return self.end(if self.string == 0 { at } else { NOWHERE });
            }
            // Not less than half a window is left for the last one.
            let size = if left > WINDOW && left < WINDOW + HALF { HALF } else { left.min(WINDOW) };
            let padded;
            let halves = match Halves::new(&self.bytes[at..at + size]) {
                Some(halves) => halves,
                None => {
                    padded = self.padded();
                    Halves::new(&padded).unwrap_or_default()
                }
            };
            match self.tokens(&halves, size).map(NonZeroU64::new) {
                Some(Some(tokens)) => return (tokens, at),
                Some(None) => {}
                None => {
                    // Nothing is looked at any more.
                    (self.at, self.string) = (self.bytes.len(), u64::MAX);
                    return self.end(NOWHERE);
                }
            }
        }
    }

    #[cold]
    fn end(&mut self, at: usize) -> (NonZeroU64, usize) {
        self.window[0] = END;
        (NonZeroU64::MIN, at)
    }

    #[inline(never)]
    fn padded(&self) -> [u8; HALF] {
        // As if more were to come: white space would cost a second look.
        let mut padded = [b'x'; HALF];
        let rest = &self.bytes[self.at..];
        padded[..rest.len()].copy_from_slice(rest);
        padded
    }

    #[inline(always)]
    fn tokens(&mut self, halves: &Halves, size: usize) -> Option<u64> {
        halves.store(&mut self.window);
        self.seen |= halves.first[0] | halves.first[1] | halves.last[0] | halves.last[1];
        let mut quotes = halves.mask(equal(b'"'));
        if self.escape > 0 || halves.any(equal(b'\\')) {
            quotes = self.escapes(quotes, halves.mask(equal(b'\\')), size)?;
        }
        let strings = odd(quotes) ^ self.string;
        let spaces = halves.mask(at_most(b' '));
        if spaces != 0 && !fine(halves, strings) {
            return None;
        }
        let digits = halves.mask(|block| at_most(9)(block - u8x16::splat(b'0')));
        let tokens = !(strings | spaces | digits & (digits << 1 | self.digit));
        self.at += size;
        self.string = (strings as i64 >> 63) as u64;
        self.digit = digits >> (size - 1) & 1;
        if size == WINDOW {
            return Some(tokens);
        }
        // Behind the last byte the end of the text is a token.
        self.window[size] = END;
        let end = usize::from(self.at == self.bytes.len());
        Some(tokens & u64::MAX >> (WINDOW - end - size))
    }

    /// A byte of the window that was handed out last.
    #[inline(always)]
    pub fn byte(&self, at: u32) -> u8 {
        self.window[at as usize % WINDOW]
    }

    /// Checks the escapes of a window, and leaves of its quotes those that belong to none.
    #[inline(never)]
    fn escapes(&mut self, quotes: u64, backslashes: u64, size: usize) -> Option<u64> {
        self.escaped = true;
        let mut rest = u64::MAX.checked_shl(self.escape as u32).unwrap_or(0);
        let mut left = quotes & rest;
        let (mut backslashes, mut end) = (backslashes & rest, self.escape);
        while backslashes != 0 {
            let begin = backslashes.trailing_zeros() as usize;
            end = escape(self.bytes, self.at + begin).ok()? - self.at;
            rest = u64::MAX.checked_shl(end as u32).unwrap_or(0);
            left &= rest | !(u64::MAX << begin);
            backslashes &= rest;
        }
        self.escape = end.saturating_sub(size);
        Some(left)
    }
}

/// The blocks of a window. Where it is no full one, the halves overlap, and say the same twice.
#[derive(Default)]
struct Halves {
    first: [u8x16; 2],
    last: [u8x16; 2],
    /// Where the second half begins.
    at: usize,
}

impl Halves {
    #[inline(always)]
    fn new(window: &[u8]) -> Option<Self> {
        let blocks = |half: &[u8; HALF]| {
            let (blocks, _) = half.as_chunks();
            [u8x16::new(blocks[0]), u8x16::new(blocks[1])]
        };
        let (first, last) = (window.first_chunk()?, window.last_chunk()?);
        Some(Self { first: blocks(first), last: blocks(last), at: window.len() - HALF })
    }

    #[inline(always)]
    fn store(&self, window: &mut [u8; WINDOW]) {
        window[..BLOCK].copy_from_slice(&self.first[0].to_array());
        window[BLOCK..HALF].copy_from_slice(&self.first[1].to_array());
        if let Some(half) = window[self.at..].first_chunk_mut::<HALF>() {
            half[..BLOCK].copy_from_slice(&self.last[0].to_array());
            half[BLOCK..].copy_from_slice(&self.last[1].to_array());
        }
    }

    /// A bit for each byte that `is` says yes to.
    #[inline(always)]
    fn mask(&self, is: impl Fn(u8x16) -> u8x16) -> u64 {
        let half = |half: [u8x16; 2]| u64::from(is(half[0]).to_bitmask() | is(half[1]).to_bitmask() << BLOCK);
        half(self.first) | half(self.last) << self.at
    }

    #[inline(always)]
    fn any(&self, is: impl Fn(u8x16) -> u8x16) -> bool {
        is(self.first[0]) | is(self.first[1]) | is(self.last[0]) | is(self.last[1]) != u8x16::ZERO
    }
}

#[inline(always)]
fn equal(byte: u8) -> impl Fn(u8x16) -> u8x16 {
    move |block| block.simd_eq(u8x16::splat(byte))
}

#[inline(always)]
fn at_most(byte: u8) -> impl Fn(u8x16) -> u8x16 {
    move |block| block.min(u8x16::splat(byte)).simd_eq(block)
}

/// Whether control characters stand only where white space may.
#[inline(always)]
fn fine(halves: &Halves, strings: u64) -> bool {
    let control = halves.mask(at_most(0x1F));
    control == 0
        || control & (strings | !halves.mask(|block| equal(b'\n')(block) | equal(b'\r')(block) | equal(b'\t')(block)))
            == 0
}

/// Sets each bit that has an odd number of set ones up to itself.
fn odd(mut bits: u64) -> u64 {
    for step in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << step;
    }
    bits
}
