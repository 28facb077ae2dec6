//! The tests named in docs/faults.md exist.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failed test is a panic")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn workspace() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap().to_owned()
}

/// Returns each row of the page's tables with the tests in its last column.
fn rows(page: &str) -> impl Iterator<Item = (&str, Vec<&str>)> {
    let rows = page.lines().filter(|line| line.starts_with('|'));
    let rows = rows.filter(|line| !line.starts_with("|---") && !line.starts_with("| fault"));
    rows.map(|row| {
        let (_, last) = row.trim_end_matches([' ', '|']).rsplit_once('|').unwrap();
        (row, last.split('`').skip(1).step_by(2).collect())
    })
}

#[test]
fn every_row_of_the_fault_matrix_names_tests_that_exist() {
    let page = fs::read_to_string(workspace().join("docs/faults.md")).unwrap();
    let rows: Vec<_> = rows(&page).collect();
    assert!(rows.len() > 50, "{} rows", rows.len());
    for (row, tests) in &rows {
        assert!(!tests.is_empty(), "no test is named: {row}");
    }
    let named = rows.into_iter().flat_map(|(_, tests)| tests);
    let missing: Vec<_> = named.filter(|test| !is_there(test)).collect();
    assert!(missing.is_empty(), "there are no such tests: {missing:#?}");
}

#[test]
fn every_complaint_has_a_test() {
    let source = fs::read_to_string(source_of("complaints")).unwrap();
    let numbers: BTreeSet<u32> = source
        .lines()
        .filter_map(|line| {
            line.split_once("fn complaint_")?
                .1
                .split('_')
                .next()?
                .parse()
                .ok()
        })
        .collect();
    assert_eq!(numbers, (1..=22).collect());
}

/// Returns the source of `file`, a test of this package, or of `crate/file`, a test of that crate.
fn source_of(file: &str) -> PathBuf {
    let Some((package, file)) = file.split_once('/') else {
        return workspace()
            .join("tests/tests")
            .join(file)
            .with_extension("rs");
    };
    let tests = workspace().join("crates").join(package).join("tests");
    let mut directories = vec![tests];
    while let Some(directory) = directories.pop() {
        let source = directory.join(file).with_extension("rs");
        if source.exists() {
            return source;
        }
        for entry in fs::read_dir(directory).into_iter().flatten() {
            let path = entry.unwrap().path();
            directories.extend(path.is_dir().then_some(path));
        }
    }
    panic!("{package} has no tests in {file}.rs")
}

fn is_there(test: &str) -> bool {
    let (file, name) = test.split_once("::").expect(test);
    let path = source_of(file);
    let source =
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let Some((before, _)) = source.split_once(&format!("fn {name}()")) else {
        return false;
    };
    // The attributes of a function start after an empty line or the end of the function before it.
    let attributes = before
        .lines()
        .rev()
        .take_while(|line| !line.is_empty() && *line != "}");
    let has_attribute = attributes
        .into_iter()
        .any(|line| line.starts_with("#[") && (line.ends_with("test]") || line.contains("test(")));
    // A suite with its own harness has a list of names instead.
    has_attribute || source.contains(&format!("\"{name}\","))
}
