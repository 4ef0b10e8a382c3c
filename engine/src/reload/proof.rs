//! Proof that a library file is complete, before it is loaded: a half-written one does not fail to load, it kills the
//! process (SIGBUS or SIGSEGV inside the loader). Linkers write the section headers last or nearly so; a file whose headers
//! all lie inside it and are not zero was written to its end.

use jackfield_plugin_api::ENTRY_V1;
use object::read::elf::{Dyn, FileHeader as _, ProgramHeader as _, SectionHeader as _};
use object::{
    Architecture, BinaryFormat, Endianness, FileFlags, Object, ObjectKind, ObjectSection, ObjectSegment, elf,
};

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
pub(crate) fn may_have_thread_locals(bytes: &[u8]) -> bool {
    object::File::parse(bytes).map_or(true, |file| has_thread_locals(&file))
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
