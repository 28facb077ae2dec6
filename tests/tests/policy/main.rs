//! Rules about the source code that no compiler checks. `CONTRIBUTING.md` lists them.
#![forbid(unsafe_code)]

mod imports;
mod module_tree;
mod sources;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use syn::spanned::Spanned;
use syn::visit::Visit;

use imports::Imports;
use sources::Source;

/// A longer file has a second noun in it.
const MOST_LINES_OF_A_FILE: usize = 500;

/// A folder with more files has a second room in it.
const MOST_FILES_OF_A_FOLDER: usize = 12;

/// The one crate that may use `unsafe`.
const UNSAFE_CRATE: &str = "crates/procpool-os";

#[test]
fn no_files_of_a_crate_import_each_other() {
    let mut cycles = Vec::new();
    for root in sources::library_roots() {
        let imports = Imports::of_crate(&root);
        cycles.extend(
            imports
                .cycles()
                .into_iter()
                .map(|cycle| imports.describe(&cycle)),
        );
    }
    assert!(cycles.is_empty(), "import cycles:\n{}", cycles.join("\n"));
}

#[test]
fn a_file_is_short() {
    let long = library_sources().filter_map(|source| {
        let lines = source.text.lines().count();
        (lines > MOST_LINES_OF_A_FILE).then(|| format!("{}: {lines} lines", source.path.display()))
    });
    refuse("longer than 500 lines", long);
}

#[test]
fn a_folder_has_few_files() {
    let mut folders = BTreeMap::<PathBuf, usize>::new();
    for source in library_sources() {
        let folder = source.path.parent().unwrap_or(Path::new(""));
        *folders.entry(folder.to_owned()).or_default() += 1;
    }
    let crowded = folders
        .into_iter()
        .filter(|&(_, files)| files > MOST_FILES_OF_A_FOLDER)
        .map(|(folder, files)| format!("{}: {files} files", folder.display()));
    refuse("folders of more than 12 files", crowded);
}

#[test]
fn crate_roots_and_mod_files_only_declare() {
    let crowded = library_sources()
        .filter(|source| source.is_root_of_module())
        .filter_map(|source| {
            let items = source.parse().items;
            let item = items.iter().find(|item| !declares(item))?;
            let line = item.span().start().line;
            Some(format!("{}:{line}", source.path.display()))
        });
    refuse("definitions in a lib.rs or mod.rs", crowded);
}

/// Procedural macros must be defined in the root of their crate.
fn declares(item: &syn::Item) -> bool {
    let is_exported_macro = |item: &syn::ItemFn| {
        let mut attributes = item.attrs.iter().map(|attribute| attribute.path());
        attributes.any(|path| path.is_ident("proc_macro_attribute"))
    };
    match item {
        syn::Item::Mod(module) => module.content.is_none() || sources::is_for_tests(&module.attrs),
        syn::Item::Use(_) | syn::Item::ExternCrate(_) | syn::Item::Macro(_) => true,
        syn::Item::Fn(function) => is_exported_macro(function),
        _ => false,
    }
}

#[test]
fn unsafe_code_is_in_one_crate() {
    let uses = sources::all()
        .filter(|source| !source.path.starts_with(UNSAFE_CRATE))
        .filter(|source| source.text.contains("unsafe") || source.text.contains("extern"))
        .flat_map(|source| {
            let mut finder = UnsafeCode::default();
            finder.visit_file(&source.parse());
            let path = source.path;
            let lines = finder.lines.into_iter();
            lines.map(move |line| format!("{}:{line}", path.display()))
        });
    refuse("unsafe code outside of crates/procpool-os", uses);
}

#[test]
fn other_crates_forbid_unsafe_code() {
    let forgetful = sources::library_roots()
        .filter(|root| !root.starts_with(UNSAFE_CRATE))
        .map(|root| Source::read(&root))
        .filter(|source| !source.text.contains("\n#![forbid(unsafe_code)]\n"))
        .map(|source| source.path.display().to_string());
    refuse("roots without #![forbid(unsafe_code)]", forgetful);
}

/// The lines that use `unsafe`.
#[derive(Default)]
struct UnsafeCode {
    lines: Vec<usize>,
}

impl UnsafeCode {
    fn note(&mut self, keyword: Option<&syn::token::Unsafe>) {
        self.lines
            .extend(keyword.map(|keyword| keyword.span.start().line));
    }
}

impl<'ast> Visit<'ast> for UnsafeCode {
    fn visit_expr_unsafe(&mut self, block: &'ast syn::ExprUnsafe) {
        self.note(Some(&block.unsafe_token));
        syn::visit::visit_expr_unsafe(self, block);
    }

    fn visit_signature(&mut self, signature: &'ast syn::Signature) {
        if let syn::Safety::Unsafe(keyword) = &signature.safety {
            self.note(Some(keyword));
        }
        syn::visit::visit_signature(self, signature);
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        self.note(item.unsafety.as_ref());
        syn::visit::visit_item_impl(self, item);
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        self.note(item.unsafety.as_ref());
        syn::visit::visit_item_trait(self, item);
    }

    fn visit_item_foreign_mod(&mut self, item: &'ast syn::ItemForeignMod) {
        self.lines.push(item.abi.extern_token.span.start().line);
        syn::visit::visit_item_foreign_mod(self, item);
    }

    fn visit_meta(&mut self, meta: &'ast syn::Meta) {
        if meta.path().is_ident("unsafe") {
            self.lines.push(meta.span().start().line);
        }
        syn::visit::visit_meta(self, meta);
    }
}

/// The sources of the library's crates, without their tests.
fn library_sources() -> impl Iterator<Item = Source> {
    sources::all().filter(|source| {
        let mut folders = source.path.components().map(|part| part.as_os_str());
        folders.next().is_some_and(|first| first == "crates")
            && folders.nth(1).is_some_and(|third| third == "src")
    })
}

/// Fails if anything was found that the rule forbids.
fn refuse(what: &str, found: impl Iterator<Item = String>) {
    let found: Vec<String> = found.collect();
    assert!(found.is_empty(), "{what}:\n{}", found.join("\n"));
}
