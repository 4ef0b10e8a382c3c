//! Proof that a library file is complete, before it is loaded: a half-written one does not fail to load, it kills the
//! process (SIGBUS or SIGSEGV inside the loader). Linkers write the section headers last or nearly so; a file whose headers
//! all lie inside it and are not zero was written to its end.

use jackfield_plugin_api::ENTRY_V1;
use object::read::elf::{Dyn, FileHeader as _, ProgramHeader as _, SectionHeader as _};
use object::{
    Architecture, BinaryFormat, Endianness, FileFlags, Object, ObjectKind, ObjectSection, ObjectSegment, elf,
};
use std::path::Path;

/// What was found out about a complete library.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Proof {
    /// Whether threads that run its code may keep something of it: a TLS segment, or imports that register thread-locals.
    pub thread_locals: bool,
}

/// Symbols by which a library registers data with the threads that run it.
const THREAD_LOCAL_IMPORTS: [&str; 3] = ["pthread_key_create", "__cxa_thread_atexit", "__cxa_thread_atexit_impl"];

/// Checks the bytes of a plugin file. The error is a reason for the operator.
pub(crate) fn prove(bytes: &[u8]) -> Result<Proof, String> {
    let file = parse(bytes)?;
    let mut names = Vec::new();
    for export in file.exports().map_err(unreadable)? {
        let export = export.map_err(unreadable)?;
        let name = String::from_utf8_lossy(bare(export.name())).into_owned();
        // Mach-O puts an underscore before every C name.
        names.push(if is_macho(&file) { name.trim_start_matches('_').to_owned() } else { name });
    }
    if !names.iter().any(|name| name == ENTRY_V1) {
        return Err(foreign(&names));
    }
    Ok(Proof { thread_locals: has_thread_locals(&file) })
}

/// Whether a library that a plugin brought along may leave something in threads; unreadable ones may.
pub(crate) fn file_may_have_thread_locals(path: &Path) -> bool {
    let may = |bytes: Vec<u8>| object::File::parse(&*bytes).map_or(true, |file| has_thread_locals(&file));
    std::fs::read(path).map_or(true, may)
}

fn unreadable(error: object::Error) -> String {
    format!("its symbols cannot be read: {error}")
}

fn foreign(names: &[String]) -> String {
    let other = names.iter().find(|name| name.starts_with("jackfield_plugin_v"));
    match other {
        Some(other) => format!("it exports {other}, which is another major version; this host speaks {ENTRY_V1}"),
        None => format!("it does not export {ENTRY_V1}: not a Jackfield plugin"),
    }
}

fn parse(bytes: &[u8]) -> Result<object::File<'_>, String> {
    if bytes.is_empty() {
        return Err("it is empty".to_owned());
    }
    let file = object::File::parse(bytes).map_err(|error| format!("it is not a complete library: {error}"))?;
    if file.format() != BinaryFormat::native_object() {
        return Err(format!("it is {:?}, and this system loads {:?}", file.format(), BinaryFormat::native_object()));
    }
    if file.architecture() != native_architecture() {
        return Err(format!("it is for {:?}, and this process is {:?}", file.architecture(), native_architecture()));
    }
    complete(&file, bytes)?;
    // A position-independent executable is an ELF of the same type as a library: what tells them apart is below.
    if file.kind() != ObjectKind::Dynamic || is_program(bytes) {
        return Err("it is a program or an object file, not a shared library".to_owned());
    }
    Ok(file)
}

/// Everything that the headers speak of lies inside the file.
fn complete(file: &object::File<'_>, bytes: &[u8]) -> Result<(), String> {
    let length = bytes.len() as u64;
    let inside = |range: (u64, u64)| range.0.checked_add(range.1).is_some_and(|end| end <= length);
    for segment in file.segments() {
        if !inside(segment.file_range()) {
            return Err(format!("it is cut: a segment ends behind its {length} bytes"));
        }
    }
    for section in file.sections() {
        if section.file_range().is_some_and(|range| !inside(range)) {
            return Err(format!("it is cut: a section ends behind its {length} bytes"));
        }
    }
    if matches!(file.flags(), FileFlags::Elf { .. }) { complete_elf(bytes) } else { Ok(()) }
}

/// ELF: the section table is there, whole, and not zero (a file that was made at full size and filled later).
fn complete_elf(bytes: &[u8]) -> Result<(), String> {
    let broken = |error: object::Error| format!("it is not a complete ELF library: {error}");
    let header = elf::FileHeader64::<Endianness>::parse(bytes).map_err(broken)?;
    let endian = header.endian().map_err(broken)?;
    let sections = header.sections(endian, bytes).map_err(|error| format!("it is cut: {error}"))?;
    if sections.is_empty() {
        return Err(
            "it has no section headers (cut, or stripped of them): its completeness cannot be proved".to_owned()
        );
    }
    if sections.iter().skip(1).any(|section| section.sh_type(endian) == elf::SHT_NULL) {
        return Err("it is not written to its end: a section header is still zero".to_owned());
    }
    let segments = header.program_headers(endian, bytes).map_err(broken)?;
    let mut dynamic = false;
    for segment in segments {
        if let Some(entries) = segment.dynamic(endian, bytes).map_err(broken)? {
            dynamic = entries.iter().any(|entry| entry.d_tag(endian) == elf::DT_SYMTAB);
        }
    }
    if dynamic { Ok(()) } else { Err("it has no dynamic symbol table: not a shared library".to_owned()) }
}

/// ELF: linked as a program, though position-independent.
fn is_program(bytes: &[u8]) -> bool {
    let Ok(header) = elf::FileHeader64::<Endianness>::parse(bytes) else { return false };
    let Ok(endian) = header.endian() else { return false };
    let Ok(segments) = header.program_headers(endian, bytes) else { return false };
    segments.iter().any(|segment| match segment.dynamic(endian, bytes) {
        Ok(Some(entries)) => entries
            .iter()
            .any(|entry| entry.d_tag(endian) == elf::DT_FLAGS_1 && entry.d_val(endian) & elf::DF_1_PIE.0 != 0),
        _ => false,
    })
}

fn has_thread_locals(file: &object::File<'_>) -> bool {
    let segment = match file {
        object::File::Elf64(file) => {
            let endian = file.endian();
            file.elf_program_headers().iter().any(|segment| segment.p_type(endian) == elf::PT_TLS)
        }
        // Not looked into: a generation that runs INLINE is kept, which is always safe.
        _ => true,
    };
    let registers = |import: object::Result<object::Import<'_>>| {
        import.map_or(true, |import| THREAD_LOCAL_IMPORTS.iter().any(|name| bare(import.name()) == name.as_bytes()))
    };
    segment || file.imports().map_or(true, |mut imports| imports.any(registers))
}

fn bare(name: object::NameOrOrdinal<&[u8]>) -> &[u8] {
    match name {
        object::NameOrOrdinal::Name(name) => name,
        object::NameOrOrdinal::Ordinal(_) => &[],
    }
}

fn is_macho(file: &object::File<'_>) -> bool {
    file.format() == BinaryFormat::MachO
}

fn native_architecture() -> Architecture {
    if cfg!(target_arch = "aarch64") {
        Architecture::Aarch64
    } else if cfg!(target_arch = "riscv64") {
        Architecture::Riscv64
    } else {
        Architecture::X86_64
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "for tests only")]

    use super::*;
    use proptest::prelude::*;
    use std::sync::LazyLock;

    /// A small library from the system's C compiler.
    fn compile(source: &str, flags: &[&str]) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let (code, library) = (folder.path().join("a.c"), folder.path().join("a.so"));
        std::fs::write(&code, source).unwrap();
        let mut command = std::process::Command::new("cc");
        let status = command.args(flags).arg(&code).arg("-o").arg(&library).status().unwrap();
        assert!(status.success());
        std::fs::read(library).unwrap()
    }

    const ENTRY: &str = "int jackfield_plugin_v1(void) { return 0; }";
    static WHOLE: LazyLock<Vec<u8>> = LazyLock::new(|| compile(ENTRY, &["-shared", "-fPIC"]));

    #[test]
    fn a_library_is_proved_whole_and_refused_at_every_other_length() {
        assert_eq!(prove(&WHOLE), Ok(Proof { thread_locals: false }));
        for length in 0..WHOLE.len() {
            assert!(prove(&WHOLE[..length]).is_err(), "cut at {length} of {}", WHOLE.len());
        }
    }

    #[test]
    fn a_library_whose_end_is_still_zero_is_refused() {
        for zeros in [64, 65, 1000, 4096, WHOLE.len() / 2, WHOLE.len()] {
            let mut bytes = WHOLE.clone();
            let from = bytes.len() - zeros;
            bytes[from..].fill(0);
            assert!(prove(&bytes).is_err(), "{zeros} zeros at the end");
        }
    }

    #[test]
    fn thread_locals_are_found_in_segments_and_in_imports() {
        let with = |more: &str| prove(&compile(&format!("{more}\n{ENTRY}"), &["-shared", "-fPIC"])).unwrap();
        assert!(with("__thread int a; int b(void) { return a++; }").thread_locals);
        let key = "#include <pthread.h>\npthread_key_t k; int b(void) { return pthread_key_create(&k, 0); }";
        assert!(with(key).thread_locals);
        assert!(!with("#include <stdlib.h>\nvoid *b(void) { return malloc(1); }").thread_locals);
    }

    #[test]
    fn programs_and_object_files_are_none() {
        let program = format!("{ENTRY}\nint main(void) {{ return 0; }}");
        let reason = |flags: &[&str]| prove(&compile(&program, flags)).unwrap_err();
        assert!(reason(&["-pie", "-fPIE", "-rdynamic"]).contains("a program"));
        assert!(reason(&["-no-pie", "-rdynamic"]).contains("a program"));
        assert!(!reason(&["-c"]).is_empty());
    }

    proptest! {
        /// Whatever is in the file, there is an answer.
        #[test]
        fn changed_bytes_never_panic(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..40)) {
            let mut bytes = WHOLE.clone();
            for (at, value) in changes {
                let at = at.index(bytes.len());
                bytes[at] = value;
            }
            let _ = prove(&bytes);
        }

        /// The headers say what everything else means: they are changed most.
        #[test]
        fn changed_headers_never_panic(at in 0usize..1024, value: u8, again in 0usize..64, more: u8, cut: prop::sample::Index) {
            let mut bytes = WHOLE.clone();
            bytes[at] = value;
            bytes[again] = more;
            let _ = prove(&bytes);
            bytes.truncate(cut.index(bytes.len()));
            let _ = prove(&bytes);
        }
    }
}
