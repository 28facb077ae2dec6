//! The marked lines of the tests.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

const BEGIN: &str = "// guide: ";
const END: &str = "// guide: end";

/// Returns the marked lines under each heading, in their order; several regions of one heading are in one
/// file.
pub(crate) fn regions() -> BTreeMap<String, Vec<String>> {
    let mut regions: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/migration");
    for entry in fs::read_dir(folder).expect("the tests of the guide") {
        let path = entry.expect("a file").path();
        let source = fs::read_to_string(&path).expect("a source file");
        let mut open: Option<(&str, Vec<&str>)> = None;
        for line in source.lines() {
            let mark = line.trim_start();
            match &mut open {
                Some(_) if mark == END => {
                    let (title, lines) = open.take().expect("it is open");
                    regions
                        .entry(title.to_owned())
                        .or_default()
                        .push(outdented(&lines));
                }
                Some((title, _)) if mark.starts_with(BEGIN) => {
                    panic!("{}: {title} has no end", path.display())
                }
                Some((_, lines)) => lines.push(line),
                None if mark.starts_with(BEGIN) => {
                    open = Some((&mark[BEGIN.len()..], Vec::new()));
                }
                None => {}
            }
        }
        assert!(open.is_none(), "{}: no end of {open:?}", path.display());
    }
    regions
}

/// Returns the lines without their common indentation.
fn outdented(lines: &[&str]) -> String {
    let full = lines.iter().filter(|line| !line.is_empty());
    let edge = full
        .map(|line| line.len() - line.trim_start().len())
        .min()
        .unwrap_or(0);
    lines
        .iter()
        .map(|line| format!("{}\n", line.get(edge..).unwrap_or("")))
        .collect()
}
