//! The tokens that replace the attribute and the function.
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
//! Generated tokens have the span `Span::mixed_site`, so no lint of the user's crate applies to them. The
//! expansion therefore needs no `#[allow]`, which would be an error after a `forbid`. The `unsafe`
//! attribute inside `before_main!` is allowed for the same reason: it comes from a macro of another crate.

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
    // After an error the function still exists, so that the rest of the program compiles and an editor's
    // completion works inside its body.
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
        // With `dyn`, a file of tests compiles one `block_on` for each result type and not one for each
        // test.
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

/// Returns a replacement for a function that can't be run; the compiler still checks its body.
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
