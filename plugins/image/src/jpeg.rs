//! Whether a JPEG file is whole. Its decoder fills what is missing with grey, as viewers do; an import must not.

const START_OF_SCAN: u8 = 0xDA;
const END_OF_IMAGE: u8 = 0xD9;

/// Whether the markers of `bytes` lead to an end-of-image marker (ITU-T T.81, annex B).
pub fn is_whole(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    loop {
        // To the next marker: 0xFF, any number of fill bytes 0xFF, and its code.
        let Some(start) = rest.iter().position(|&byte| byte == 0xFF) else { return false };
        let Some(fill) = rest[start..].iter().position(|&byte| byte != 0xFF) else { return false };
        let (code, behind) = (rest[start + fill], &rest[start + fill + 1..]);
        rest = match code {
            END_OF_IMAGE => return true,
            // Stuffed data, temporary, restart and start-of-image: nothing belongs to them.
            0x00 | 0x01 | 0xD0..=0xD8 => behind,
            _ => {
                let Some(length) = behind.first_chunk().map(|length| usize::from(u16::from_be_bytes(*length))) else {
                    return false;
                };
                let Some(next) = behind.get(length..) else { return false };
                if code == START_OF_SCAN { entropy_coded(next) } else { next }
            }
        };
    }
}

/// What is behind the data of a scan: the first marker that is neither stuffing nor a restart.
fn entropy_coded(data: &[u8]) -> &[u8] {
    let ends = |pair: &[u8]| pair[0] == 0xFF && !matches!(pair[1], 0x00 | 0xD0..=0xD7 | 0xFF);
    data.windows(2).position(ends).map_or(&[], |end| &data[end..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jpeg_that_is_cut_anywhere_is_not_whole() {
        let photo =
            std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/images/photo.jpg")).unwrap();
        assert!(is_whole(&photo));
        assert!(is_whole(&[photo.as_slice(), b"something behind it"].concat()));
        for length in 0..photo.len() {
            assert!(!is_whole(&photo[..length]), "cut to {length} of {}", photo.len());
        }
    }
}
