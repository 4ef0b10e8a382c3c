//! Makes the images in `tests/fixtures/images`: `cargo run -p jackfield-plugin-image --example make_fixtures`, from the
//! root of the repository.

#![forbid(unsafe_code)]

use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};
use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = Path::new("tests/fixtures/images");
    let gradient = RgbImage::from_fn(64, 48, |x, y| Rgb([(x * 4) as u8, (y * 5) as u8, 128]));
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, 80).encode_image(&gradient)?;
    // The segment with the EXIF data goes behind the two bytes that begin a JPEG.
    let exif = exif();
    let mut photo = jpeg[..2].to_vec();
    photo.extend([0xff, 0xe1]);
    photo.extend(u16::try_from(exif.len() + 2)?.to_be_bytes());
    photo.extend(&exif);
    photo.extend(&jpeg[2..]);
    std::fs::write(folder.join("photo.jpg"), photo)?;
    RgbaImage::from_fn(40, 30, |x, y| Rgba([(x * 6) as u8, (y * 8) as u8, 0, (x * 6) as u8]))
        .save(folder.join("alpha.png"))?;
    let gray = DynamicImage::from(RgbImage::from_fn(32, 24, |x, _| Rgb([(x * 8) as u8; 3])));
    gray.to_luma16().save(folder.join("gray16.tif"))?;
    gray.to_rgb8().save_with_format(folder.join("small.bmp"), ImageFormat::Bmp)?;
    gradient.save_with_format(folder.join("small.webp"), ImageFormat::WebP)?;
    Ok(())
}

/// "Exif", two zero bytes, and a TIFF structure, little endian: one directory, which points to the EXIF directory.
fn exif() -> Vec<u8> {
    let (make, model, date) =
        (b"Jackfield\0".as_slice(), b"Test Camera\0".as_slice(), b"2024:01:02 03:04:05\0".as_slice());
    // Values that do not fit into 4 bytes lie behind the directories.
    let first_len = 2 + 4 * 12 + 4;
    let second_len = 2 + 5 * 12 + 4;
    let data = 8 + first_len + second_len;
    let mut values: Vec<u8> = Vec::new();
    let mut place = |bytes: &[u8]| {
        let at = data + values.len();
        values.extend(bytes);
        at as u32
    };
    let rational = |numerator: u32, denominator: u32| [numerator.to_le_bytes(), denominator.to_le_bytes()].concat();
    let first = [
        (0x010f_u16, 2_u16, make.len() as u32, place(make)),
        (0x0110, 2, model.len() as u32, place(model)),
        (0x0112, 3, 1, 6),
        (0x8769, 4, 1, (8 + first_len) as u32),
    ];
    let second = [
        (0x829a, 5, 1, place(&rational(1, 125))),
        (0x829d, 5, 1, place(&rational(28, 10))),
        (0x8827, 3, 1, 200),
        (0x9003, 2, date.len() as u32, place(date)),
        (0x920a, 5, 1, place(&rational(500, 10))),
    ];
    let mut out = b"Exif\0\0II*\0\x08\0\0\0".to_vec();
    for entries in [first.as_slice(), second.as_slice()] {
        out.extend((entries.len() as u16).to_le_bytes());
        for (tag, kind, count, value) in entries {
            out.extend(tag.to_le_bytes());
            out.extend(kind.to_le_bytes());
            out.extend(count.to_le_bytes());
            out.extend(value.to_le_bytes());
        }
        out.extend([0; 4]);
    }
    out.extend(values);
    out
}
