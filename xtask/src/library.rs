//! libjackfield as it is installed: its files and links, and what tells pkg-config and CMake of it.

use crate::build::{Profile, compile};
use crate::layout::Piece;
use crate::{Outcome, cargo};
use std::env::consts;

/// The version of the workspace, which is xtask's own.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Its first number, which programs look for.
pub const MAJOR: &str = env!("CARGO_PKG_VERSION_MAJOR");
const MINOR: &str = env!("CARGO_PKG_VERSION_MINOR");

/// Where a layout has the library.
pub struct Place<'a> {
    /// What the top of the layout is called in the .pc file.
    pub prefix: &'a str,
    /// The folder of libraries, from the top of the layout.
    pub libdir: &'a str,
}

/// One that can be moved: pkg-config knows the place of the .pc file.
pub const MOVABLE: Place<'static> = Place { prefix: "${pcfiledir}/../..", libdir: "lib" };

/// Names of its files on this system.
struct Names {
    /// The shared library as cargo makes it, and from the top of the layout.
    shared: (String, String),
    /// The library to link in, likewise.
    archive: (&'static str, &'static str),
    /// What a Windows linker takes in the place of the shared library, likewise.
    import: Option<(&'static str, &'static str)>,
    /// Links to the shared library, in its folder: what a program looks for when it starts, and what a linker does.
    links: Vec<String>,
}

impl Names {
    fn new() -> Self {
        let made = format!("{}jackfield_embed{}", consts::DLL_PREFIX, consts::DLL_SUFFIX);
        let msvc = cfg!(target_env = "msvc");
        if cfg!(windows) {
            return Self {
                // The import library carries the name that it was made with.
                shared: (made.clone(), format!("bin/{made}")),
                archive: if msvc {
                    ("jackfield_embed.lib", "lib/jackfield_static.lib")
                } else {
                    ("libjackfield_embed.a", "lib/libjackfield_static.a")
                },
                import: Some(if msvc {
                    ("jackfield_embed.dll.lib", "lib/jackfield.lib")
                } else {
                    ("libjackfield_embed.dll.a", "lib/libjackfield.dll.a")
                }),
                links: Vec::new(),
            };
        }
        let name = |version: &str| match cfg!(target_os = "macos") {
            true => format!("libjackfield.{version}.dylib"),
            false => format!("libjackfield.so.{version}"),
        };
        Self {
            shared: (made, format!("lib/{}", name(VERSION))),
            archive: ("libjackfield_embed.a", "lib/libjackfield.a"),
            import: None,
            links: vec![name(MAJOR), format!("libjackfield{}", consts::DLL_SUFFIX)],
        }
    }
}

/// Compiles it, and gives all that is installed of it but the headers.
pub fn pieces(profile: Profile) -> Outcome<Vec<Piece>> {
    let mut command = cargo();
    // Without the crate type `lib`, which only tests link: theirs stays as they have built it.
    command.args(["rustc", "--package=jackfield-embed", "--lib", "--crate-type=cdylib,staticlib", profile.argument()]);
    let built = compile(&mut command, &["--print=native-static-libs"])?;
    let find = |name: &str| {
        let mut files = built.artifacts.iter().flat_map(|artifact| &artifact.filenames);
        let found = files.find(|file| file.file_name() == Some(name));
        found.ok_or_else(|| format!("cargo has built no {name} for libjackfield"))
    };
    let Names { shared, archive, import, links } = Names::new();
    let mut pieces = vec![Piece::executable(find(&shared.0)?, &shared.1), Piece::archive(find(archive.0)?, archive.1)];
    if let Some((from, to)) = import {
        pieces.push(Piece::archive(find(from)?, to));
    }
    let file = shared.1.trim_start_matches("lib/");
    pieces.extend(links.iter().map(|link| Piece::link(file, format!("lib/{link}"))));
    pieces.extend(descriptions(&built.native, &MOVABLE));
    Ok(pieces)
}

/// What pkg-config and CMake are told; `native` are the arguments that a program needs where the library is linked in.
pub fn descriptions(native: &str, place: &Place<'_>) -> Vec<Piece> {
    let Names { shared, archive, import, links } = Names::new();
    let here = |path: &str| path.replacen("lib/", &format!("{}/", place.libdir), 1);
    let found_by = match (import, links.first()) {
        (Some((_, to)), _) => format!("    IMPORTED_IMPLIB \"${{_jackfield_prefix}}/{}\"\n", here(to)),
        // As it calls itself: on macOS below the search path of the program.
        (None, Some(link)) if cfg!(target_os = "macos") => format!("    IMPORTED_SONAME @rpath/{link}\n"),
        (None, Some(link)) => format!("    IMPORTED_SONAME {link}\n"),
        (None, None) => String::new(),
    };
    let values = [
        ("@PREFIX@", place.prefix.to_owned()),
        ("@LIBDIR@", place.libdir.to_owned()),
        ("@VERSION@", VERSION.to_owned()),
        ("@NATIVE_LIST@", native.split_whitespace().collect::<Vec<_>>().join(";")),
        ("@NATIVE@", native.to_owned()),
        ("@SHARED@", here(&shared.1)),
        ("@FOUND_BY@\n", found_by),
        ("@STATIC@", here(archive.1)),
        ("@SERIES@", if MAJOR == "0" { format!("0.{MINOR}") } else { MAJOR.to_owned() }),
        ("@POINTER@", size_of::<usize>().to_string()),
        // From LIBDIR/cmake/Jackfield to the top.
        ("@UP@", vec![".."; place.libdir.split('/').count() + 2].join("/")),
    ];
    let templates = [
        ("pkgconfig/jackfield.pc", include_str!("../templates/install/jackfield.pc")),
        ("cmake/Jackfield/JackfieldConfig.cmake", include_str!("../templates/install/JackfieldConfig.cmake")),
        (
            "cmake/Jackfield/JackfieldConfigVersion.cmake",
            include_str!("../templates/install/JackfieldConfigVersion.cmake"),
        ),
    ];
    let fill =
        |template: &str| values.iter().fold(template.to_owned(), |text, (mark, value)| text.replace(mark, value));
    templates.map(|(to, text)| Piece::text(fill(text), format!("{}/{to}", place.libdir))).into()
}
