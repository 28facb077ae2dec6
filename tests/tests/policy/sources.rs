//! The Rust files of the workspace.

use std::fs;
use std::path::{Path, PathBuf};

/// One file, with its path from the workspace's root.
pub(crate) struct Source {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

impl Source {
    /// Reads the file at a path from the workspace's root.
    pub(crate) fn read(path: &Path) -> Source {
        let text = fs::read_to_string(workspace().join(path)).unwrap();
        Source {
            path: path.to_owned(),
            text,
        }
    }

    pub(crate) fn parse(&self) -> syn::File {
        syn::parse_file(&self.text)
            .unwrap_or_else(|error| panic!("{}: {error}", self.path.display()))
    }

    /// Whether it is a `lib.rs` or a `mod.rs`.
    pub(crate) fn is_root_of_module(&self) -> bool {
        let name = self.path.file_name();
        name.is_some_and(|name| name == "lib.rs" || name == "mod.rs")
    }
}

/// All Rust files but those that pin the compiler's messages.
pub(crate) fn all() -> impl Iterator<Item = Source> {
    let mut paths = Vec::new();
    for folder in ["crates", "tests", "examples", "benches"] {
        collect(Path::new(folder), &mut paths);
    }
    assert!(paths.len() > 100, "the workspace was not found");
    paths.sort();
    paths.into_iter().map(|path| Source::read(&path))
}

/// The `lib.rs` of each crate of the workspace.
pub(crate) fn library_roots() -> impl Iterator<Item = PathBuf> {
    let crates = fs::read_dir(workspace().join("crates")).unwrap();
    let crates = crates.map(|entry| Path::new("crates").join(entry.unwrap().file_name()));
    let others = ["tests", "examples", "benches"].map(PathBuf::from);
    crates
        .chain(others)
        .map(|folder| folder.join("src/lib.rs"))
        .filter(|root| workspace().join(root).exists())
}

/// Whether an item is compiled for tests alone.
pub(crate) fn is_for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute
                .parse_args::<syn::Path>()
                .is_ok_and(|path| path.is_ident("test"))
    })
}

pub(crate) fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(workspace().join(folder)).unwrap() {
        let entry = entry.unwrap();
        let path = folder.join(entry.file_name());
        let name = entry.file_name();
        if entry.file_type().unwrap().is_dir() {
            if name != "target" && name != "ui" {
                collect(&path, paths);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
}
