//! The modules of one crate: which file each is in, and which names it passes on.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::sources::{Source, is_for_tests, workspace};

/// The path of a module from the root of its crate.
pub(crate) type ModulePath = Vec<String>;

#[derive(Default)]
pub(crate) struct ModuleTree {
    pub(crate) modules: BTreeMap<ModulePath, Module>,
}

pub(crate) struct Module {
    pub(crate) file: PathBuf,
    pub(crate) items: Vec<syn::Item>,
    /// The names that it re-exports, and where each comes from, as it is written there.
    re_exports: BTreeMap<String, Vec<String>>,
}

impl ModuleTree {
    /// Reads a crate from its root on, without what is compiled for tests alone.
    pub(crate) fn read(root: &Path) -> Self {
        let mut tree = ModuleTree::default();
        tree.add_file(Vec::new(), root);
        tree
    }

    /// The file in which the item at `path` is defined, as seen from the module `from`. `None`: it is of another
    /// crate.
    pub(crate) fn file_of(&self, from: &ModulePath, path: &[String]) -> Option<&Path> {
        self.resolve(from, path, 0)
    }

    fn resolve(&self, from: &ModulePath, path: &[String], depth: usize) -> Option<&Path> {
        // Re-exports that lead to each other don't compile.
        assert!(depth < 32, "no end to the re-exports of {path:?}");
        let mut at = self.start(from, path.first()?)?;
        for (index, segment) in path.iter().enumerate() {
            match segment.as_str() {
                "crate" | "self" => continue,
                "super" if index == 0 => continue,
                "super" => {
                    at.pop();
                    continue;
                }
                _ => {}
            }
            let mut child = at.clone();
            child.push(segment.clone());
            if self.modules.contains_key(&child) {
                at = child;
                continue;
            }
            let module = self.modules.get(&at)?;
            let Some(origin) = module.re_exports.get(segment) else {
                return Some(&module.file);
            };
            let rest = path[index + 1..].iter().cloned();
            let path: Vec<String> = origin.iter().cloned().chain(rest).collect();
            return match self.resolve(&at, &path, depth + 1) {
                // It passes on an item of another crate.
                None => Some(&module.file),
                file => file,
            };
        }
        Some(&self.modules.get(&at)?.file)
    }

    /// The module in which the first segment of a path is looked for.
    fn start(&self, from: &ModulePath, first: &str) -> Option<ModulePath> {
        let mut parent = from.clone();
        match first {
            "crate" => Some(Vec::new()),
            "self" => Some(parent),
            "super" => {
                parent.pop();
                Some(parent)
            }
            name => {
                let module = self.modules.get(from)?;
                let mut child = from.clone();
                child.push(name.to_owned());
                let is_known =
                    self.modules.contains_key(&child) || module.re_exports.contains_key(name);
                is_known.then_some(parent)
            }
        }
    }

    fn add_file(&mut self, path: ModulePath, file: &Path) {
        let source = Source::read(file);
        let is_root = source.is_root_of_module();
        let folder = file.parent().unwrap_or(Path::new(""));
        let children = match is_root {
            true => folder.to_owned(),
            false => folder.join(file.file_stem().unwrap()),
        };
        self.add(path, file, &children, source.parse().items);
    }

    fn add(&mut self, path: ModulePath, file: &Path, children: &Path, items: Vec<syn::Item>) {
        let mut re_exports = BTreeMap::new();
        for item in &items {
            match item {
                syn::Item::Mod(module) if !is_for_tests(&module.attrs) => {
                    let name = module.ident.to_string();
                    let mut child = path.clone();
                    child.push(name.clone());
                    match &module.content {
                        Some((_, items)) => {
                            self.add(child, file, &children.join(&name), items.clone());
                        }
                        None => self.add_file(child, &file_of_module(children, &name)),
                    }
                }
                syn::Item::Use(item) if !matches!(item.vis, syn::Visibility::Inherited) => {
                    for (name, origin) in names_of(&item.tree) {
                        re_exports.insert(name, origin);
                    }
                }
                _ => {}
            }
        }
        let module = Module {
            file: file.to_owned(),
            items,
            re_exports,
        };
        self.modules.insert(path, module);
    }
}

fn file_of_module(children: &Path, name: &str) -> PathBuf {
    let file = children.join(format!("{name}.rs"));
    match workspace().join(&file).exists() {
        true => file,
        false => children.join(name).join("mod.rs"),
    }
}

/// The names that a `use` brings in, each with the path that it stands for. The name of a glob is `*`.
pub(crate) fn names_of(tree: &syn::UseTree) -> Vec<(String, Vec<String>)> {
    let mut names = Vec::new();
    add_names(tree, &mut Vec::new(), &mut names);
    names
}

fn add_names(tree: &syn::UseTree, path: &mut Vec<String>, names: &mut Vec<(String, Vec<String>)>) {
    let with = |path: &[String], last: &syn::Ident| {
        let last = last.to_string();
        let mut path = path.to_vec();
        if last != "self" {
            path.push(last);
        }
        path
    };
    match tree {
        syn::UseTree::Path(tree) => {
            path.push(tree.ident.to_string());
            add_names(&tree.tree, path, names);
            path.pop();
        }
        syn::UseTree::Name(name) => {
            let path = with(path, &name.ident);
            let name = path.last().cloned().unwrap_or_default();
            names.push((name, path));
        }
        syn::UseTree::Rename(name) => {
            names.push((name.rename.to_string(), with(path, &name.ident)));
        }
        syn::UseTree::Glob(_) => names.push(("*".to_owned(), path.clone())),
        syn::UseTree::Group(group) => {
            for tree in &group.items {
                add_names(tree, path, names);
            }
        }
    }
}
