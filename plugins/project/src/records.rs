//! The records of an import: found by number, read line by line, never more of a line than is wanted.

use crate::model::Import;
use jackfield_plugin::{BlobReader, Failure, Store};
use serde::{Deserialize, Serialize};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};

/// What of a line a list needs, unless names are absurd.
const HEAD: usize = 64 << 10;

/// Reads the lines of an import from one of them on.
pub struct Records<'i> {
    import: &'i Import,
    reader: BufReader<BlobReader>,
    /// Number of the element whose line comes next.
    index: u64,
}

impl<'i> Records<'i> {
    /// `from` is the number of the first element to read.
    pub fn open(store: &Store, import: &'i Import, from: u64) -> Result<Self, Failure> {
        let mut records = Self { import, reader: BufReader::new(store.blob(&import.blob)?), index: 0 };
        let page = import.pages.partition_point(|page| page.0 <= from).checked_sub(1);
        if let Some((first, at)) = page.and_then(|page| import.pages.get(page).copied()) {
            records.reader.seek(SeekFrom::Start(at)).map_err(unreadable)?;
            records.index = first;
        }
        while records.index < from && records.skip()? {}
        Ok(records)
    }

    /// Reads the next line, but no more than `max` bytes, into `line`. `None`: there is none; false: it was cut.
    pub fn next(&mut self, max: usize, line: &mut Vec<u8>) -> Result<Option<bool>, Failure> {
        line.clear();
        self.reader.by_ref().take(max as u64).read_until(b'\n', line).map_err(unreadable)?;
        if line.is_empty() {
            return Ok(None);
        }
        let whole = line.pop_if(|byte| *byte == b'\n').is_some();
        if whole {
            self.index += 1;
        } else {
            self.skip()?;
        }
        Ok(Some(whole))
    }

    /// Passes over the rest of a line; false at the end. Behind a long line begins a page, so that it need not be read.
    fn skip(&mut self) -> Result<bool, Failure> {
        self.index += 1;
        if let Ok(page) = self.import.pages.binary_search_by_key(&self.index, |page| page.0) {
            let (_, at) = self.import.pages[page];
            self.reader.seek(SeekFrom::Start(at)).map_err(unreadable)?;
            return Ok(true);
        }
        Ok(self.reader.skip_until(b'\n').map_err(unreadable)? > 0)
    }

    /// Reads what tells the next element from others. `None`: there is none.
    pub fn head(&mut self, line: &mut Vec<u8>) -> Result<Option<Item>, Failure> {
        let index = self.index;
        let Some(whole) = self.next(HEAD, line)? else { return Ok(None) };
        let head = if whole {
            serde_json::from_slice(line).ok()
        } else {
            // Within a JSON text these bytes are no part of a string, where a quote has a backslash before it.
            let mark = b",\"geometry\":{".as_slice();
            let end = line.windows(mark.len()).position(|bytes| bytes == mark);
            end.and_then(|end| {
                line.truncate(end);
                line.push(b'}');
                serde_json::from_slice(line).ok()
            })
        };
        Ok(Some(Item { id: format!("{}/{index}", self.import.id), head }))
    }
}

/// An element in a list.
#[derive(Serialize)]
pub struct Item {
    id: String,
    /// Missing where even this is over-long.
    #[serde(flatten)]
    head: Option<Head>,
}

#[derive(Serialize, Deserialize)]
struct Head {
    /// The file's own id.
    #[serde(rename(deserialize = "id", serialize = "element"))]
    element: Option<u64>,
    name: Option<String>,
    group: String,
    r#type: String,
    state: Option<String>,
    actual: Option<u64>,
}

fn unreadable(error: std::io::Error) -> Failure {
    Failure::unavailable(format!("The records of an import could not be read: {error}."))
}
