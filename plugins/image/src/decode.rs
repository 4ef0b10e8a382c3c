//! From bytes to pixels, within limits.

use crate::jpeg;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Longest side of a thumbnail, in pixels.
const THUMBNAIL: u32 = 256;
const FORMATS: [(ImageFormat, &str); 5] = [
    (ImageFormat::Jpeg, "jpeg"),
    (ImageFormat::Png, "png"),
    (ImageFormat::Tiff, "tiff"),
    (ImageFormat::Bmp, "bmp"),
    (ImageFormat::WebP, "webp"),
];

/// An image that was decoded.
pub struct Decoded {
    /// "jpeg", "png", "tiff", "bmp" or "webp".
    pub format: &'static str,
    /// As stored, in pixels.
    pub width: u32,
    pub height: u32,
    pixels: DynamicImage,
    orientation: Orientation,
}

/// Decodes an image of at most `pixels` pixels, the format told by its content. An error is a text for people.
pub fn decode(bytes: &[u8], pixels: u64) -> Result<Decoded, String> {
    // The decoders are not ours, and a panic of one says no more than that the file is bad.
    let decoded = catch_unwind(AssertUnwindSafe(|| decode_within(bytes, pixels)));
    decoded.unwrap_or_else(|_| Err("the image is broken: its decoder failed".into()))
}

fn decode_within(bytes: &[u8], pixels: u64) -> Result<Decoded, String> {
    let format = image::guess_format(bytes).ok();
    let known = FORMATS.into_iter().find(|(known, _)| Some(*known) == format);
    let (format, name) =
        known.ok_or("the content is no image of a known format, expected JPEG, PNG, TIFF, BMP or WebP")?;
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    // 8-bit RGBA of the largest image fits, 16-bit RGBA of half as many pixels.
    let memory = pixels.saturating_mul(4).saturating_add(16 << 20);
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(memory);
    reader.limits(limits.clone());
    let broken = |error| format!("the image is broken or too large: {error}");
    let mut decoder = reader.into_decoder().map_err(broken)?;
    let (width, height) = decoder.dimensions();
    if width == 0 || height == 0 {
        return Err(format!("the image has {width} x {height} pixels, expected at least one"));
    }
    if u64::from(width) * u64::from(height) > pixels {
        return Err(format!("the image has {width} x {height} pixels, the limit is {pixels} (image_pixels)"));
    }
    if decoder.total_bytes() > memory {
        return Err(format!(
            "the image takes {} bytes of memory, the limit is {memory} (image_pixels)",
            decoder.total_bytes()
        ));
    }
    // The pixels themselves come out of the same allowance.
    limits.reserve(decoder.total_bytes()).map_err(broken)?;
    decoder.set_limits(limits).map_err(broken)?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let pixels = DynamicImage::from_decoder(decoder).map_err(broken)?;
    if format == ImageFormat::Jpeg && !jpeg::is_whole(bytes) {
        return Err("the image is cut: the JPEG does not reach its end marker".into());
    }
    Ok(Decoded { format: name, width, height, pixels, orientation })
}

impl Decoded {
    /// The image upright and small: the bytes of a JPEG, or of a PNG where something is transparent.
    pub fn thumbnail(self) -> Result<Vec<u8>, String> {
        let mut small = self.pixels;
        if small.width() > THUMBNAIL || small.height() > THUMBNAIL {
            small = small.thumbnail(THUMBNAIL, THUMBNAIL);
        }
        small.apply_orientation(self.orientation);
        let mut out = Cursor::new(Vec::new());
        let written = if small.color().has_alpha() {
            small.into_rgba8().write_to(&mut out, ImageFormat::Png)
        } else {
            small.into_rgb8().write_to(&mut out, ImageFormat::Jpeg)
        };
        written.map(|()| out.into_inner()).map_err(|error| format!("no thumbnail could be made: {error}"))
    }
}
