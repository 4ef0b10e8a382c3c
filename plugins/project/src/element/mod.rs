//! Records of elements, read for different ends: to list them, to give one whole, to make a row of each.

pub mod head;
pub mod row;
pub mod whole;

use std::cell::Cell;
use std::io::{self, Read};

/// A stream of JSON whose values are not all of a bearable size: fails when more than [`Meter::MOST`] bytes come by before
/// the meter is reset.
pub struct Metered<'m, R> {
    inner: R,
    meter: &'m Meter,
}

pub struct Meter(Cell<usize>);

impl Meter {
    const MOST: usize = 64 << 20;

    pub fn new() -> Self {
        Self(Cell::new(Self::MOST))
    }

    pub fn reset(&self) {
        self.0.set(Self::MOST);
    }

    pub fn stream<R: Read>(&self, inner: R) -> Metered<'_, R> {
        Metered { inner, meter: self }
    }
}

impl<R: Read> Read for Metered<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let left = self.meter.0.get();
        if left == 0 {
            let text = format!("one of its values is larger than {} MiB", Meter::MOST >> 20);
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, text));
        }
        let most = left.min(out.len());
        let len = self.inner.read(&mut out[..most])?;
        self.meter.0.set(left - len);
        Ok(len)
    }
}
