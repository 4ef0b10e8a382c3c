//! Measures the reader on a large file: `cargo run --release -p jackfield-plugin-elements --example million_points`.
//!
//! Makes a file of a million points in a temp folder, once as elements and once as one cloud, and prints the time of bare
//! XML events, the time of the records, and the most memory that was used (Linux). With `--json`: one line of JSON a shape.

#![forbid(unsafe_code)]
#![allow(missing_docs, unused_imports, dead_code)]

#[path = "../src/plugin/gxml/mod.rs"]
mod gxml;

use serde_json::json;
use std::error::Error;
use std::fs::File;
use std::io::{BufReader, BufWriter, Write, sink};
use std::path::Path;
use std::time::{Duration, Instant};

const POINTS: usize = 1_000_000;

fn main() -> Result<(), Box<dyn Error>> {
    let as_json = std::env::args().skip(1).any(|arg| arg == "--json");
    let path = std::env::temp_dir().join(format!("million-points-{}.gxml", std::process::id()));
    for (shape, make) in
        [("elements", elements as fn(&mut BufWriter<File>) -> std::io::Result<()>), ("one cloud", cloud)]
    {
        let mut out = BufWriter::new(File::create(&path)?);
        out.write_all(b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<gom>\n  <header>\n    <length_unit>mm</length_unit>\n  </header>\n  <measured>")?;
        make(&mut out)?;
        out.write_all(b"</measured>\n</gom>\n")?;
        drop(out);
        let bytes = std::fs::metadata(&path)?.len();
        let bare = best(|| events(&path))?;
        let records = best(|| {
            Ok(gxml::read(File::open(&path)?, sink(), |_| true).map(|_| ()).map_err(|fault| format!("{fault:?}"))?)
        })?;
        let ratio = records.as_secs_f64() / bare.as_secs_f64();
        if as_json {
            let line = json!({"shape": shape, "points": POINTS, "file_bytes": bytes, "bare_s": bare.as_secs_f64(),
                "records_s": records.as_secs_f64(), "ratio": ratio, "peak_rss_kib": peak()});
            println!("{line}");
        } else {
            println!("{POINTS} points as {shape}, {} MiB", bytes >> 20);
            println!("  bare events {bare:?}, records {records:?}: {ratio:.2} times as long");
        }
    }
    if let Some(memory) = peak().filter(|_| !as_json) {
        println!("most memory: {memory} KiB");
    }
    Ok(std::fs::remove_file(&path)?)
}

fn elements(out: &mut BufWriter<File>) -> std::io::Result<()> {
    for id in 0..POINTS {
        write!(
            out,
            "<point id=\"{id}\" name=\"Point {id}\">\n      <state>ok</state>\n      <geometry>\n        <pos x=\"{id}.068826\" y=\"719.713036\" z=\"-33.091103\"></pos>\n        <normal x=\"0.000000\" y=\"0.000000\" z=\"0.000000\"></normal>\n      </geometry>\n      <result></result>\n    </point>\n    "
        )?;
    }
    Ok(())
}

fn cloud(out: &mut BufWriter<File>) -> std::io::Result<()> {
    out.write_all(b"<point_cloud id=\"1\" name=\"cloud\">\n      <state>ok</state>\n      <geometry>\n")?;
    for id in 0..POINTS {
        write!(
            out,
            "        <point x=\"{id}.068826\" y=\"719.713036\" z=\"-33.091103\">\n          <normal x=\"0.000000\" y=\"0.000000\" z=\"0.000000\"></normal>\n        </point>\n"
        )?;
    }
    out.write_all(b"      </geometry>\n    </point_cloud>\n")
}

fn best(mut work: impl FnMut() -> Result<(), Box<dyn Error>>) -> Result<Duration, Box<dyn Error>> {
    let mut best = Duration::MAX;
    for _ in 0..3 {
        let start = Instant::now();
        work()?;
        best = best.min(start.elapsed());
    }
    Ok(best)
}

fn events(path: &Path) -> Result<(), Box<dyn Error>> {
    let mut reader = quick_xml::Reader::from_reader(BufReader::with_capacity(64 << 10, File::open(path)?));
    let mut buf = Vec::new();
    while !matches!(reader.read_event_into(&mut buf)?, quick_xml::events::Event::Eof) {
        buf.clear();
    }
    Ok(())
}

/// Peak resident memory of this process in KiB, as Linux tells it.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches("kB").trim_end().parse().ok()
}
