//! From the attribute and the function to the tokens that replace them.
//!
//! The expansion of a test, with `#[procpool::test]` on `async fn name() -> R { body }`:
//!
//! ```text
//! #[::core::prelude::v1::test]
//! fn name() -> R {
//!     async fn name() -> R { body }
//!     ::procpool::__private::before_main!(::procpool::init); // only for a test
//!     ::procpool::init();
//!     let runtime = ::procpool::__private::tokio::runtime::Builder::new_current_thread()
//!         .enable_all().build().expect("..");
//!     runtime.block_on(name())
//! }
//! ```
//!
//! What is not the user's has spans of `Span::mixed_site`: no lint of the user's crate applies to
//! it, so the expansion needs no `#[allow]`, which a `forbid` would make an error. The same goes for
//! the `unsafe` attribute inside `before_main!`: it comes from a macro of another crate.

use crate::arguments::{Arguments, Flavor, Kind};
use crate::function::Function;
use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;
use syn::Error;

pub(crate) fn expand(kind: Kind, arguments: TokenStream, item: TokenStream) -> TokenStream {
    let function: Function = match syn::parse2(item.clone()) {
        Ok(function) => function,
        Err(error) => return [item, error.into_compile_error()].into_iter().collect(),
    };
    let (arguments, unusable_arguments) = match Arguments::parse(kind, arguments) {
        Ok(arguments) => (arguments, None),
        Err(error) => (Arguments::defaults(kind), Some(error)),
    };
    // An error does not take the function away: the rest of the program, and an editor's
    // completion inside the body, should see the function that was meant.
    let (function, unusable_function) = match function.check(kind) {
        Ok(()) => (runnable(kind, &arguments, &function), None),
        Err(error) => (checked_only(&function), Some(error)),
    };
    [unusable_arguments, unusable_function]
        .into_iter()
        .flatten()
        .map(Error::into_compile_error)
        .chain([function])
        .collect()
}

fn runnable(kind: Kind, arguments: &Arguments, function: &Function) -> TokenStream {
    let span = Span::mixed_site();
    let Function {
        attributes,
        visibility,
        signature,
        ..
    } = function;
    let syn::Signature {
        fn_token,
        ident,
        output,
        ..
    } = signature;
    let nested = function.nested();
    let procpool = &arguments.procpool;
    let runtime = runtime(arguments);
    let run = quote_spanned! {span=>
        #procpool::init();
        let runtime = #runtime;
    };
    match kind {
        Kind::Main => quote_spanned! {span=>
            #(#attributes)*
            #visibility #fn_token #ident() #output {
                #nested
                #run
                runtime.block_on(#ident())
            }
        },
        // Behind `dyn`, so that a file of tests has one `block_on` to compile for each result
        // type, not one for each test.
        Kind::Test => quote_spanned! {span=>
            #[::core::prelude::v1::test]
            #(#attributes)*
            #visibility #fn_token #ident() #output {
                #nested
                #procpool::__private::before_main!(#procpool::init);
                #run
                let body = ::core::pin::pin!(#ident());
                let body: ::core::pin::Pin<&mut dyn ::core::future::Future<Output = _>> = body;
                runtime.block_on(body)
            }
        },
    }
}

fn runtime(arguments: &Arguments) -> TokenStream {
    let span = Span::mixed_site();
    let procpool = &arguments.procpool;
    let builder = match arguments.flavor {
        Flavor::CurrentThread => quote_spanned!(span=> new_current_thread()),
        Flavor::MultiThread {
            worker_threads: None,
        } => quote_spanned!(span=> new_multi_thread()),
        Flavor::MultiThread {
            worker_threads: Some(count),
        } => {
            quote_spanned!(span=> new_multi_thread().worker_threads(#count))
        }
    };
    let start_paused = arguments.start_paused.map(
        |(paused, argument)| quote_spanned!(argument.resolved_at(span)=> .start_paused(#paused)),
    );
    quote_spanned! {span=>
        #procpool::__private::tokio::runtime::Builder::#builder
            .enable_all()
            #start_paused
            .build()
            .expect("failed to build the tokio runtime")
    }
}

/// A stand-in for a function that can't be run, in which the compiler still checks the body.
fn checked_only(function: &Function) -> TokenStream {
    let Function {
        attributes,
        visibility,
        signature,
        ..
    } = function;
    let syn::Signature {
        fn_token, ident, ..
    } = signature;
    let nested = function.nested();
    let documentation = attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("doc"));
    quote_spanned! {Span::mixed_site()=>
        #(#documentation)*
        #visibility #fn_token #ident() {
            #nested
        }
    }
}
