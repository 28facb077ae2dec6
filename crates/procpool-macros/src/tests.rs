//! Tests of expansions, parsed as syntax. `tests/attributes.rs` compiles and runs some.

use crate::arguments::Kind;
use crate::expand::expand;
use proc_macro2::TokenStream;
use quote::quote;
use syn::ItemFn;

fn expanded(kind: Kind, arguments: &str, item: TokenStream) -> ItemFn {
    let tokens = expand(kind, arguments.parse().unwrap(), item);
    assert!(!tokens.to_string().contains("compile_error"), "{tokens}");
    syn::parse2(tokens).unwrap()
}

fn refused(kind: Kind, arguments: &str, item: TokenStream) -> String {
    let tokens = expand(kind, arguments.parse().unwrap(), item).to_string();
    assert!(tokens.contains("compile_error"), "not refused: {tokens}");
    tokens
}

/// Returns the tokens as text without spaces.
fn text(tokens: impl quote::ToTokens) -> String {
    tokens.to_token_stream().to_string().replace(' ', "")
}

fn empty_main() -> TokenStream {
    quote!(
        async fn main() {}
    )
}

#[test]
fn main_initialises_then_builds_then_blocks() {
    let function = expanded(
        Kind::Main,
        "",
        quote! {
            async fn main() -> Result<(), Error> { work().await }
        },
    );

    assert!(function.sig.asyncness.is_none());
    assert!(function.attrs.is_empty());
    let statements: Vec<String> = function.block.stmts.iter().map(text).collect();
    assert_eq!(
        statements,
        [
            "asyncfnmain()->Result<(),Error>{work().await}",
            "::procpool::init();",
            "letruntime=::procpool::__private::tokio::runtime::Builder::new_multi_thread()\
             .enable_all().build().expect(\"failedtobuildthetokioruntime\");",
            "runtime.block_on(main())",
        ]
    );
}

#[test]
fn test_registers_the_constructor_and_is_a_test() {
    let function = expanded(
        Kind::Test,
        "",
        quote! {
            /// What it shows.
            #[ignore = "slow"]
            #[should_panic(expected = "x")]
            async fn shows() { body }
        },
    );

    let attributes: Vec<String> = function.attrs.iter().map(text).collect();
    assert_eq!(
        attributes,
        [
            "#[::core::prelude::v1::test]",
            "#[doc=r\"Whatitshows.\"]",
            "#[ignore=\"slow\"]",
            "#[should_panic(expected=\"x\")]",
        ]
    );
    let statements: Vec<String> = function.block.stmts.iter().map(text).collect();
    assert_eq!(statements[0], "asyncfnshows(){body}");
    assert_eq!(
        statements[1],
        "::procpool::__private::before_main!(::procpool::init);"
    );
    assert_eq!(statements[2], "::procpool::init();");
    assert!(
        statements[3].contains("new_current_thread()"),
        "{}",
        statements[3]
    );
}

#[test]
fn an_expansion_has_no_unsafe_and_no_lint_level() {
    for kind in [Kind::Main, Kind::Test] {
        let expansion = text(expand(kind, TokenStream::new(), empty_main()));
        for word in ["unsafe", "allow", "expect(clippy", "link_section"] {
            assert!(!expansion.contains(word), "{word} in {expansion}");
        }
    }
}

#[test]
fn visibility_attributes_and_inner_attributes_stay() {
    let function = expanded(
        Kind::Main,
        "",
        quote! {
            #[cfg(unix)]
            pub(crate) async fn main() { #![allow(unused)] }
        },
    );

    assert_eq!(text(&function.vis), "pub(crate)");
    assert_eq!(text(&function.attrs[0]), "#[cfg(unix)]");
    assert_eq!(
        text(&function.block.stmts[0]),
        "asyncfnmain(){#![allow(unused)]}"
    );
}

#[test]
fn arguments_reach_the_builder() {
    for (kind, arguments, builder) in [
        (
            Kind::Main,
            "flavor = \"current_thread\"",
            "new_current_thread().enable_all().build()",
        ),
        (
            Kind::Main,
            "worker_threads = 3",
            "new_multi_thread().worker_threads(3usize)",
        ),
        (
            Kind::Test,
            "flavor = \"multi_thread\", worker_threads = 0x2,",
            "new_multi_thread().worker_threads(2usize).enable_all().build()",
        ),
        (
            Kind::Test,
            "start_paused = true",
            "enable_all().start_paused(true).build()",
        ),
        (
            Kind::Test,
            "start_paused = false",
            "enable_all().start_paused(false).build()",
        ),
        (
            Kind::Main,
            "start_paused = true, flavor = \"current_thread\"",
            "new_current_thread().enable_all().start_paused(true)",
        ),
    ] {
        let expansion = text(expanded(kind, arguments, empty_main()));
        assert!(expansion.contains(builder), "{arguments}: {expansion}");
    }
}

#[test]
fn a_renamed_procpool_is_used_throughout() {
    let expansion = text(expanded(Kind::Test, "crate = \"my::pool\"", empty_main()));

    assert!(expansion.contains("my::pool::__private::before_main!(my::pool::init);"));
    assert!(expansion.contains("my::pool::init();"));
    assert!(expansion.contains("my::pool::__private::tokio::"));
    assert!(!expansion.contains("::procpool"), "{expansion}");
}

#[test]
fn bad_arguments_are_refused_with_the_known_ones() {
    let known = "expected one of `flavor`, `worker_threads`, `start_paused`, `crate`";
    let name = "a path in a string";
    for (kind, arguments, message) in [
        (Kind::Main, "threads = 4", "unknown argument `threads`"),
        (Kind::Main, "threads = 4", known),
        (Kind::Main, "workers", "unknown argument `workers`"),
        (Kind::Main, "a::b = 1", known),
        (
            Kind::Main,
            "unhandled_panic = \"ignore\"",
            "unknown argument `unhandled_panic`",
        ),
        (Kind::Main, "flavor", "`flavor` needs a value"),
        (
            Kind::Main,
            "flavor = \"single_thread\"",
            "no such runtime flavor: `single_thread`",
        ),
        (Kind::Main, "flavor = 1", "`flavor` is a string"),
        (
            Kind::Main,
            "worker_threads = 0",
            "an integer literal above 0",
        ),
        (
            Kind::Main,
            "worker_threads = \"4\"",
            "an integer literal above 0",
        ),
        (
            Kind::Main,
            "worker_threads = N",
            "an integer literal above 0",
        ),
        (
            Kind::Main,
            "worker_threads = 1, worker_threads = 2",
            "set more than once",
        ),
        (
            Kind::Main,
            "start_paused = true",
            "`start_paused` needs the `current_thread` flavor",
        ),
        (Kind::Main, "start_paused = 1", "`true` or `false`"),
        (
            Kind::Test,
            "worker_threads = 2",
            "use `#[procpool::test(flavor = \\\"multi_thread\\\")]`",
        ),
        (Kind::Main, "crate = 3", name),
        (Kind::Main, "crate = \"not a path\"", name),
    ] {
        let expansion = refused(kind, arguments, empty_main());
        assert!(expansion.contains(message), "{arguments}: {expansion}");
        // The compiler checks the rest of the program as if there were no arguments.
        assert!(expansion.contains("block_on"), "{arguments}: {expansion}");
    }
}

#[test]
fn functions_that_cannot_run_are_refused() {
    let plain = "is for a plain `async fn`";
    let second = "second test attribute";
    for (kind, item, message) in [
        (Kind::Main, "fn main() {}", "the `async` keyword is missing"),
        (
            Kind::Main,
            "async fn main(x: u32) {}",
            "the main function cannot accept arguments",
        ),
        (
            Kind::Test,
            "async fn t(x: u32) {}",
            "a test function cannot accept arguments",
        ),
        (
            Kind::Main,
            "async fn main<T>() {}",
            "cannot have generic parameters",
        ),
        (Kind::Main, "async unsafe fn main() {}", plain),
        (Kind::Main, "async extern \"C\" fn main() {}", plain),
        (Kind::Test, "#[test] async fn t() {}", second),
        (Kind::Test, "#[tokio::test] async fn t() {}", second),
        (Kind::Test, "#[tokio::test(x)] async fn t() {}", second),
        (
            Kind::Test,
            "#[core::prelude::v1::test] async fn t() {}",
            second,
        ),
    ] {
        let expansion = refused(kind, "", item.parse().unwrap());
        assert!(expansion.contains(message), "{item}: {expansion}");
        assert!(!expansion.contains("block_on"), "{item}: {expansion}");
    }
}

#[test]
fn all_mistakes_are_reported_at_once() {
    let expansion = refused(
        Kind::Main,
        "threads = 4",
        quote!(
            fn main(x: u32) {}
        ),
    );

    assert_eq!(expansion.matches("compile_error").count(), 3, "{expansion}");
}

#[test]
fn an_item_that_is_no_function_is_kept_next_to_the_error() {
    let expansion = refused(
        Kind::Main,
        "",
        quote!(
            struct Main;
        ),
    );
    assert!(expansion.starts_with("struct Main ;"), "{expansion}");

    let expansion = refused(
        Kind::Main,
        "",
        quote!(
            async fn main();
        ),
    );
    assert!(
        expansion.contains("expected the function's body in braces"),
        "{expansion}"
    );
}
