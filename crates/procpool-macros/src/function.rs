//! The function that has the attribute.

use crate::arguments::Kind;
use proc_macro2::{Group, Span, TokenStream};
use quote::quote_spanned;
use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned;
use syn::token::Brace;
use syn::{Attribute, Error, Meta, Result, Safety, Signature, Token, Visibility};

/// An `async fn`. Its body is not parsed, since the compiler's own error messages about it are better.
pub(crate) struct Function {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) signature: Signature,
    body: Group,
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let attributes = input.call(Attribute::parse_outer)?;
        let visibility = input.parse()?;
        let signature = input.parse()?;
        if !input.peek(Brace) {
            return Err(input.error("expected the function's body in braces"));
        }
        Ok(Self {
            attributes,
            visibility,
            signature,
            body: input.parse()?,
        })
    }
}

impl Function {
    /// Returns all reasons why this function can't be run, not only the first.
    pub(crate) fn check(&self, kind: Kind) -> Result<()> {
        let attribute = kind.attribute();
        let signature = &self.signature;
        let mut errors = Vec::new();

        if signature.asyncness.is_none() {
            let message = "the `async` keyword is missing from the function declaration";
            errors.push(Error::new(signature.fn_token.span, message));
        }
        let subject = match kind {
            Kind::Main => "the main function",
            Kind::Test => "a test function",
        };
        if !signature.inputs.is_empty() {
            let message = format!("{subject} cannot accept arguments");
            errors.push(Error::new_spanned(&signature.inputs, message));
        }
        if !signature.generics.params.is_empty() {
            let message = format!("{subject} cannot have generic parameters");
            errors.push(Error::new_spanned(&signature.generics.params, message));
        }
        let qualifiers = [
            signature.constness.map(|token| token.span),
            match &signature.safety {
                Safety::Unsafe(token) => Some(token.span),
                _ => None,
            },
            signature.abi.as_ref().map(Spanned::span),
        ];
        for qualifier in qualifiers.into_iter().flatten() {
            let message = format!("`{attribute}` is for a plain `async fn`");
            errors.push(Error::new(qualifier, message));
        }
        if let (Kind::Test, Some(second)) = (
            kind,
            self.attributes.iter().find(|attribute| is_test(attribute)),
        ) {
            let message = format!(
                "second test attribute: remove it, since `{attribute}` makes the function a test by itself"
            );
            errors.push(Error::new_spanned(second, message));
        }

        errors.into_iter().reduce(with).map_or(Ok(()), Err)
    }

    /// Returns the function itself, as an item inside the sync function that runs it. For a function, unlike an
    /// async block, the compiler's messages about its return type are the ordinary ones.
    pub(crate) fn nested(&self) -> TokenStream {
        let mut signature = self.signature.clone();
        // The span is that of a macro, so that no lint says that the function need not be async.
        let written = signature
            .asyncness
            .map_or(signature.fn_token.span, |token| token.span);
        signature.asyncness = Some(Token![async](written.resolved_at(Span::mixed_site())));
        let body = &self.body;
        quote_spanned!(Span::mixed_site()=> #signature #body)
    }
}

/// Returns whether an attribute is `#[test]`, `#[tokio::test]`, `#[core::prelude::v1::test]` or similar.
fn is_test(attribute: &Attribute) -> bool {
    let path = match &attribute.meta {
        Meta::Path(path) => path,
        Meta::List(list) => &list.path,
        Meta::NameValue(_) => return false,
    };
    path.segments
        .last()
        .is_some_and(|segment| segment.ident == "test")
}

fn with(mut first: Error, second: Error) -> Error {
    first.combine(second);
    first
}
