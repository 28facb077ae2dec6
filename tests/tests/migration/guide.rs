//! The guide has exactly the lines of the tests.

use std::collections::BTreeSet;
use std::{env, fs};

use crate::document::{self, anchor, sections};
use crate::regions::regions;

#[test]
fn the_rust_lines_of_the_guide_are_those_of_the_tests() {
    let mut text = document::text();
    if env::var_os("GUIDE").is_some_and(|mode| mode == "overwrite") {
        text = overwritten(&text);
        fs::write(document::path(), &text).expect("the guide can be written");
    }
    let sections = sections(&text);
    let mut regions = regions();
    for section in &sections {
        let here: Vec<&str> = section
            .blocks_in("rust")
            .iter()
            .map(|b| b.text.as_str())
            .collect();
        let tested = regions.remove(&section.title).unwrap_or_default();
        assert!(
            here == tested,
            "the Rust lines under '{}' are not those of its test; GUIDE=overwrite copies these:\n{}",
            section.title,
            tested.join("\n")
        );
    }
    let left: Vec<_> = regions.into_keys().collect();
    assert!(
        left.is_empty(),
        "tests without a row in the guide: {left:?}"
    );
}

/// Returns the guide with the lines of the tests instead of its own.
fn overwritten(text: &str) -> String {
    let regions = regions();
    let mut lines: Vec<&str> = text.lines().collect();
    for section in sections(text).iter().rev() {
        let tested = regions.get(&section.title).map_or(&[][..], Vec::as_slice);
        for (block, region) in section.blocks_in("rust").into_iter().zip(tested).rev() {
            lines.splice(block.lines.clone(), region.lines());
        }
    }
    lines.join("\n") + "\n"
}

#[test]
fn every_row_has_both_sides_and_names_the_difference() {
    for section in sections(&document::text()) {
        let (rust, python) = (section.blocks_in("rust"), section.blocks_in("python"));
        if section.blocks.is_empty() {
            continue;
        }
        let sides = (python.len(), rust.len());
        assert!(
            sides == (1, 1) || sides == (0, 2),
            "{}: {} blocks of Python and {} of Rust",
            section.title,
            python.len(),
            rust.len()
        );
        let words = section.prose.split_whitespace().count();
        assert!(words >= 8, "{}: what differs, and why?", section.title);
    }
}

#[test]
fn the_guide_names_each_row_once_and_its_links_lead_to_one() {
    let text = document::text();
    let sections = sections(&text);
    let mut anchors = BTreeSet::new();
    for section in &sections {
        assert!(
            anchors.insert(anchor(&section.title)),
            "{} twice",
            section.title
        );
    }
    let mut linked = BTreeSet::new();
    for link in text.split("](#").skip(1) {
        let target = link.split(')').next().unwrap_or_default();
        assert!(anchors.contains(target), "#{target} leads nowhere");
        linked.insert(target);
    }
    for section in sections.iter().filter(|section| !section.blocks.is_empty()) {
        let anchor = anchor(&section.title);
        assert!(
            linked.contains(anchor.as_str()),
            "{} is not in the table: #{anchor}",
            section.title
        );
    }
}
