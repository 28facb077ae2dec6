//! Which file of a crate takes names from which.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use syn::visit::Visit;

use crate::module_tree::{ModulePath, ModuleTree, names_of};
use crate::sources::is_for_tests;

pub(crate) struct Imports {
    /// For each file: the files that it takes names from, and those names.
    files: BTreeMap<PathBuf, BTreeMap<PathBuf, BTreeSet<String>>>,
}

impl Imports {
    /// Of the crate with this root. A re-export is no import, and neither is the declaration of a module.
    pub(crate) fn of_crate(root: &Path) -> Self {
        let tree = ModuleTree::read(root);
        let mut imports = Imports {
            files: BTreeMap::new(),
        };
        for (path, module) in &tree.modules {
            let mut finder = Paths::default();
            for item in &module.items {
                finder.visit_item(item);
            }
            for found in finder.paths {
                imports.add(&tree, path, &module.file, &found);
            }
        }
        imports
    }

    fn add(&mut self, tree: &ModuleTree, from: &ModulePath, file: &Path, path: &[String]) {
        let Some(target) = tree.file_of(from, path).filter(|&target| target != file) else {
            return;
        };
        let targets = self.files.entry(file.to_owned()).or_default();
        let names = targets.entry(target.to_owned()).or_default();
        names.insert(path.last().cloned().unwrap_or_default());
    }

    /// The groups of files in which each leads to each other.
    pub(crate) fn cycles(&self) -> Vec<Vec<PathBuf>> {
        let reached: BTreeMap<&Path, BTreeSet<&Path>> = self
            .files
            .keys()
            .map(|file| (file.as_path(), self.reached_from(file)))
            .collect();
        let mut cycles = BTreeSet::new();
        for (&file, targets) in reached
            .iter()
            .filter(|(file, targets)| targets.contains(*file))
        {
            let leads_back = |target: &&Path| {
                let back = reached.get(*target);
                back.is_some_and(|back| back.contains(file))
            };
            let cycle = targets.iter().copied().filter(leads_back);
            cycles.insert(cycle.map(Path::to_owned).collect::<Vec<_>>());
        }
        cycles.into_iter().collect()
    }

    fn reached_from<'a>(&'a self, file: &'a Path) -> BTreeSet<&'a Path> {
        let mut reached = BTreeSet::new();
        let mut open = vec![file];
        while let Some(file) = open.pop() {
            let targets = self.files.get(file).into_iter().flatten();
            open.extend(
                targets
                    .map(|(target, _)| target.as_path())
                    .filter(|&target| reached.insert(target)),
            );
        }
        reached
    }

    /// Which names tie the files of a cycle.
    pub(crate) fn describe(&self, cycle: &[PathBuf]) -> String {
        let mut lines = Vec::new();
        for file in cycle {
            for (target, names) in self.files.get(file).into_iter().flatten() {
                if cycle.contains(target) {
                    let names: Vec<&str> = names.iter().map(String::as_str).collect();
                    let (file, target) = (file.display(), target.display());
                    lines.push(format!("  {file} -> {target}: {}", names.join(", ")));
                }
            }
        }
        lines.push(String::new());
        lines.join("\n")
    }
}

/// The paths that a module's own items name.
#[derive(Default)]
struct Paths {
    paths: Vec<Vec<String>>,
}

impl<'ast> Visit<'ast> for Paths {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        match item {
            // It is a module of its own.
            syn::Item::Mod(_) => {}
            syn::Item::Use(item) if !matches!(item.vis, syn::Visibility::Inherited) => {}
            syn::Item::Use(item) => {
                let names = names_of(&item.tree);
                self.paths.extend(names.into_iter().map(|(_, path)| path));
            }
            syn::Item::Fn(function) if is_for_tests(&function.attrs) => {}
            syn::Item::Impl(item) if is_for_tests(&item.attrs) => {}
            _ => syn::visit::visit_item(self, item),
        }
    }

    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments = path.segments.iter();
        self.paths
            .push(segments.map(|segment| segment.ident.to_string()).collect());
        syn::visit::visit_path(self, path);
    }
}
