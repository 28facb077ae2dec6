//! The function below the attribute.

use crate::arguments::Kind;
use proc_macro2::{Group, Span, TokenStream};
use quote::quote_spanned;
use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned;
use syn::token::Brace;
use syn::{Attribute, Error, Meta, Result, Safety, Signature, Token, Visibility};

/// An `async fn`, its body unparsed: what is wrong in there is for the compiler to say, which
/// knows more about it and keeps going.
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
    /// All that forbids running this function, not only the first of it.
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
            let message =
                format!("second test attribute; `{attribute}` makes the function a test by itself");
            errors.push(Error::new_spanned(second, message));
        }

        errors.into_iter().reduce(with).map_or(Ok(()), Err)
    }

    /// The function itself, to stand inside the sync one that runs it. As a function, rather than
    /// an async block, it gets the compiler's ordinary messages about its return type.
    pub(crate) fn nested(&self) -> TokenStream {
        let mut signature = self.signature.clone();
        // Told to come from a macro, so that nobody is asked whether the function need be async.
        let written = signature
            .asyncness
            .map_or(signature.fn_token.span, |token| token.span);
        signature.asyncness = Some(Token![async](written.resolved_at(Span::mixed_site())));
        let body = &self.body;
        quote_spanned!(Span::mixed_site()=> #signature #body)
    }
}

/// `#[test]`, `#[tokio::test]`, `#[core::prelude::v1::test]` and their like.
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
