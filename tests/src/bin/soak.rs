//! What `cargo xtask soak` runs after the build: `soak run SWAPS [SECONDS]`, `soak latency` or `soak neighbour`.

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    use jackfield_tests::soak::run::{Plan, run};
    use jackfield_tests::soak::{latency, neighbour};
    use std::time::Duration;

    /// Swaps of what is kept: enough for a figure, well below the 1,024 keys of a process.
    const KEPT: u64 = 100;

    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |index: usize| args.get(index).and_then(|text| text.parse::<u64>().ok());
    let optimised = !cfg!(debug_assertions);
    let broken = match args.first().map(String::as_str) {
        Some("run") => {
            let (swaps, within) = (number(1).unwrap_or(10_000), number(2).map(Duration::from_secs));
            run(Plan { swaps, within, kept: KEPT, optimised }).map(|outcome| {
                println!("\n{}", outcome.tables());
                outcome.broken()
            })
        }
        Some("latency") => latency::run(optimised).map(|tables| {
            println!("{tables}");
            Vec::new()
        }),
        Some("neighbour") => neighbour::run(optimised).map(|(tables, faults)| {
            println!("{tables}\n{faults}");
            if faults.count() == 0 { Vec::new() } else { vec![faults.to_string()] }
        }),
        _ => Err("say run SWAPS [SECONDS], latency or neighbour".to_owned()),
    };
    let broken = broken.unwrap_or_else(|why| vec![why]);
    broken.iter().for_each(|what| eprintln!("broken: {what}"));
    if broken.is_empty() { std::process::ExitCode::SUCCESS } else { std::process::ExitCode::FAILURE }
}

#[cfg(not(target_os = "linux"))]
fn main() {
    panic!("the soak reads /proc: it runs on Linux");
}
