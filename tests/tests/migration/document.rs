//! The guide as its headings and fenced blocks.

use std::fs;
use std::ops::Range;
use std::path::PathBuf;

/// The heading of the functions and names that all rows use.
pub(crate) const PRELUDE: &str = "Names used in the lines";

/// A heading and the text under it.
#[derive(Debug)]
pub(crate) struct Section {
    pub(crate) title: String,
    pub(crate) blocks: Vec<Block>,
    /// The text between the blocks.
    pub(crate) prose: String,
}

#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) language: String,
    /// The words after the language, such as the oldest version that runs this.
    pub(crate) note: String,
    pub(crate) text: String,
    /// The range of the text in the lines of the guide.
    pub(crate) lines: Range<usize>,
}

impl Section {
    pub(crate) fn blocks_in(&self, language: &str) -> Vec<&Block> {
        let blocks = self.blocks.iter();
        blocks.filter(|block| block.language == language).collect()
    }
}

pub(crate) fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/migration.md")
}

pub(crate) fn text() -> String {
    fs::read_to_string(path()).expect("the guide")
}

/// Returns the sections of the guide, without the text before the first heading.
pub(crate) fn sections(text: &str) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    let mut open: Option<Block> = None;
    for (number, line) in text.lines().enumerate() {
        if let Some(block) = &mut open {
            if line.trim_end() != "```" {
                block.text.push_str(line);
                block.text.push('\n');
                continue;
            }
            block.lines.end = number;
            let section = sections.last_mut().expect("a block under a heading");
            section.blocks.extend(open.take());
        } else if let Some(info) = line.strip_prefix("```") {
            let (language, note) = info.split_once(' ').unwrap_or((info, ""));
            open = Some(Block {
                language: language.to_owned(),
                note: note.to_owned(),
                text: String::new(),
                lines: number + 1..number + 1,
            });
        } else if let Some(title) = line.strip_prefix("##") {
            let title = title.trim_start_matches('#').replace('`', "");
            sections.push(Section {
                title: title.trim().to_owned(),
                blocks: Vec::new(),
                prose: String::new(),
            });
        } else if let Some(section) = sections.last_mut() {
            section.prose.push_str(line);
            section.prose.push('\n');
        }
    }
    assert!(open.is_none(), "a block without an end: {open:?}");
    sections
}

/// Returns the anchor that GitHub gives a heading.
pub(crate) fn anchor(title: &str) -> String {
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, '-' | '_' | ' ');
    let title = title.to_lowercase();
    title
        .chars()
        .filter(kept)
        .collect::<String>()
        .replace(' ', "-")
}
