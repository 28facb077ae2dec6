//! The function that runs in the workers: it extracts from a page what the report shows.

use std::time::{Duration, Instant};

use scraper::{ElementRef, Html, Node, Selector};
use serde::{Deserialize, Serialize};

/// The facts about a page for the report.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Contents {
    pub(crate) title: String,
    pub(crate) links: usize,
    pub(crate) words: usize,
    /// The time that the worker took.
    pub(crate) time: Duration,
}

/// Parses a page: a plain function of its arguments.
pub(crate) fn parse(html: String) -> Contents {
    let started = Instant::now();
    let document = Html::parse_document(&html);
    let title: String = elements(&document, "title")
        .take(1)
        .flat_map(|t| t.text())
        .collect();
    let text: String = elements(&document, "body")
        .take(1)
        .map(text_below)
        .collect();
    Contents {
        title: title.split_whitespace().collect::<Vec<_>>().join(" "),
        links: elements(&document, "a[href]").count(),
        words: text.split_whitespace().count(),
        time: started.elapsed(),
    }
}

fn elements<'a>(document: &'a Html, selector: &str) -> impl Iterator<Item = ElementRef<'a>> {
    let selector = Selector::parse(selector).expect("the selectors here are valid");
    document.select(&selector).collect::<Vec<_>>().into_iter()
}

/// Returns the visible text.
///
/// It is recursive, as such functions usually are, and not prepared for pages with 50,000 nested elements.
fn text_below(element: ElementRef<'_>) -> String {
    if matches!(element.value().name(), "script" | "style") {
        return String::new();
    }
    let texts = element.children().map(|child| match child.value() {
        Node::Text(text) => text.to_string(),
        _ => ElementRef::wrap(child).map(text_below).unwrap_or_default(),
    });
    texts.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus;

    #[test]
    fn title_links_and_words_are_found() {
        let html = "<!DOCTYPE html><title>\n A  <b>title </title><body>Two words, <a href=x>a \
                    link</a>, <a name=y>no link</a><script>no words</script><style>none</style>";
        let contents = parse(html.to_owned());
        assert_eq!(contents.title, "A <b>title");
        assert_eq!(contents.links, 1);
        assert_eq!(
            contents.words,
            "Two words, a link , no link".split(' ').count()
        );
    }

    #[test]
    fn an_empty_page_has_nothing() {
        let contents = parse(String::new());
        assert_eq!(
            (contents.title.as_str(), contents.links, contents.words),
            ("", 0, 0)
        );
    }

    #[test]
    fn every_real_page_has_a_title_links_and_words() {
        for (name, html) in corpus::PAGES {
            let contents = parse(html.to_owned());
            assert!(!contents.title.is_empty(), "{name}");
            assert!(
                contents.links > 10 && contents.words > 100,
                "{name}: {contents:?}"
            );
        }
    }
}
