//! The arguments of `#[procpool::main(..)]` and `#[procpool::test(..)]`.

use proc_macro2::{Span, TokenStream};
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Error, Expr, ExprLit, Lit, Meta, MetaNameValue, Path, Result, Token};

/// The macro that is expanded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Main,
    Test,
}

/// The arguments, checked against each other.
pub(crate) struct Arguments {
    pub(crate) flavor: Flavor,
    /// With the argument's span: without tokio's feature `test-util` the method does not exist, and the
    /// compiler's error then points to the argument.
    pub(crate) start_paused: Option<(bool, Span)>,
    /// The path of the crate procpool.
    pub(crate) procpool: Path,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flavor {
    CurrentThread,
    MultiThread { worker_threads: Option<usize> },
}

impl Kind {
    pub(crate) fn attribute(self) -> &'static str {
        match self {
            Kind::Main => "#[procpool::main]",
            Kind::Test => "#[procpool::test]",
        }
    }

    fn attribute_with(self, arguments: &str) -> String {
        self.attribute().replace(']', &format!("({arguments})]"))
    }
}

impl Arguments {
    /// The defaults, which are tokio's.
    pub(crate) fn defaults(kind: Kind) -> Self {
        Self {
            flavor: match kind {
                Kind::Main => Flavor::MultiThread {
                    worker_threads: None,
                },
                Kind::Test => Flavor::CurrentThread,
            },
            start_paused: None,
            procpool: syn::parse_quote!(::procpool),
        }
    }

    pub(crate) fn parse(kind: Kind, tokens: TokenStream) -> Result<Self> {
        let given = Given::parse.parse2(tokens)?;
        let defaults = Self::defaults(kind);
        let flavor = given.flavor(kind, defaults.flavor)?;
        Ok(Self {
            flavor,
            start_paused: given.start_paused(kind, flavor)?,
            procpool: given
                .procpool
                .map_or(defaults.procpool, |given| given.value),
        })
    }
}

/// The arguments as written, each with its span for error messages.
#[derive(Default)]
struct Given {
    flavor: Option<Argument<String>>,
    worker_threads: Option<Argument<usize>>,
    start_paused: Option<Argument<bool>>,
    procpool: Option<Argument<Path>>,
}

struct Argument<T> {
    written: MetaNameValue,
    value: T,
}

const KNOWN: &str = "expected one of `flavor`, `worker_threads`, `start_paused`, `crate`";

impl Parse for Given {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut given = Self::default();
        for written in Punctuated::<Meta, Token![,]>::parse_terminated(input)? {
            let Some(name) = written.path().get_ident().map(ToString::to_string) else {
                return Err(Error::new_spanned(
                    &written,
                    format!("unknown argument; {KNOWN}"),
                ));
            };
            if !["flavor", "worker_threads", "start_paused", "crate"].contains(&&*name) {
                let message = format!("unknown argument `{name}`; {KNOWN}");
                return Err(Error::new_spanned(&written, message));
            }
            let Meta::NameValue(written) = written else {
                let message = format!("`{name}` needs a value: `{name} = ..`");
                return Err(Error::new_spanned(&written, message));
            };
            match &*name {
                "flavor" => set(&mut given.flavor, written, flavor_name),
                "worker_threads" => set(&mut given.worker_threads, written, thread_count),
                "start_paused" => set(&mut given.start_paused, written, boolean),
                _ => set(&mut given.procpool, written, path),
            }?;
        }
        Ok(given)
    }
}

impl Given {
    fn flavor(&self, kind: Kind, default: Flavor) -> Result<Flavor> {
        let flavor = match &self.flavor {
            None => default,
            Some(flavor) => match &*flavor.value {
                "current_thread" => Flavor::CurrentThread,
                "multi_thread" => Flavor::MultiThread {
                    worker_threads: None,
                },
                other => {
                    let message = format!(
                        "no such runtime flavor: `{other}`; \
                         the flavors are `multi_thread` and `current_thread`"
                    );
                    return Err(Error::new_spanned(&flavor.written.value, message));
                }
            },
        };
        match (flavor, &self.worker_threads) {
            (flavor, None) => Ok(flavor),
            (Flavor::MultiThread { .. }, Some(threads)) => Ok(Flavor::MultiThread {
                worker_threads: Some(threads.value),
            }),
            (Flavor::CurrentThread, Some(threads)) => {
                let message = format!(
                    "`worker_threads` needs the `multi_thread` flavor; use `{}`",
                    kind.attribute_with("flavor = \"multi_thread\"")
                );
                Err(Error::new_spanned(&threads.written, message))
            }
        }
    }

    fn start_paused(&self, kind: Kind, flavor: Flavor) -> Result<Option<(bool, Span)>> {
        match (&self.start_paused, flavor) {
            (None, _) => Ok(None),
            (Some(paused), Flavor::CurrentThread) => {
                Ok(Some((paused.value, paused.written.span())))
            }
            (Some(paused), Flavor::MultiThread { .. }) => {
                let message = format!(
                    "`start_paused` needs the `current_thread` flavor; use `{}`",
                    kind.attribute_with("flavor = \"current_thread\"")
                );
                Err(Error::new_spanned(&paused.written, message))
            }
        }
    }
}

fn set<T>(
    slot: &mut Option<Argument<T>>,
    written: MetaNameValue,
    read: fn(&Expr) -> Result<T>,
) -> Result<()> {
    if slot.is_some() {
        let name = written.path.require_ident()?;
        return Err(Error::new_spanned(
            &written,
            format!("`{name}` is set more than once"),
        ));
    }
    let value = read(&written.value)?;
    *slot = Some(Argument { written, value });
    Ok(())
}

fn flavor_name(value: &Expr) -> Result<String> {
    match literal(value) {
        Some(Lit::Str(name)) => Ok(name.value()),
        _ => Err(Error::new(
            value.span(),
            "`flavor` is a string: \"multi_thread\" or \"current_thread\"",
        )),
    }
}

fn thread_count(value: &Expr) -> Result<usize> {
    match literal(value).map(|literal| match literal {
        Lit::Int(count) => count.base10_parse().ok(),
        _ => None,
    }) {
        Some(Some(count)) if count > 0 => Ok(count),
        _ => Err(Error::new(
            value.span(),
            "`worker_threads` is an integer literal above 0",
        )),
    }
}

fn boolean(value: &Expr) -> Result<bool> {
    match literal(value) {
        Some(Lit::Bool(flag)) => Ok(flag.value),
        _ => Err(Error::new(
            value.span(),
            "`start_paused` is `true` or `false`",
        )),
    }
}

fn path(value: &Expr) -> Result<Path> {
    let parsed = match literal(value) {
        Some(Lit::Str(path)) => path.parse().ok(),
        _ => None,
    };
    parsed.ok_or_else(|| Error::new(value.span(), "`crate` is a path in a string: \"procpool\""))
}

fn literal(value: &Expr) -> Option<&Lit> {
    match value {
        Expr::Lit(ExprLit { lit, .. }) => Some(lit),
        // `macro_rules` passes a literal on in an invisible group.
        Expr::Group(group) => literal(&group.expr),
        _ => None,
    }
}
