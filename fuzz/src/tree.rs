//! A value of any shape, grown from bytes, that must come back equal.
//!
//! Grown by hand and not by the crate `arbitrary`, so that the bytes of a corpus mean the same value
//! to every build, and so that the ordinary tests need no further dependency.

use std::collections::BTreeMap;

use procpool_wire::value::{decode, encode};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use serde_json::Value;

use super::values::{Bits, External, Flat, Internal, Untagged};

/// Trees may be somewhat deeper than a value may be, since refusing them is part of the matter.
const DEPTH: usize = 150;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Tree {
    Leaf,
    Bool(bool),
    Unsigned(u128),
    Signed(i128),
    Float(Bits),
    Single(u32),
    Char(char),
    Text(String),
    /// A sequence that travels as bytes.
    Bytes(Vec<u8>),
    /// What is written as bytes.
    Raw(ByteBuf),
    Options(Option<Option<Option<u8>>>),
    UnitOption(Option<Option<()>>),
    /// A sequence that begins as bytes and may turn out not to be.
    Mixed(Vec<Width>),
    Pair(u8, Box<Tree>),
    List(Vec<Tree>),
    Map(BTreeMap<Vec<u8>, Tree>),
    Record {
        first: Option<Box<Tree>>,
        rest: Vec<Option<Tree>>,
    },
    External(External),
    Internal(Internal),
    Untagged(Untagged),
    Flat(Flat),
    Json(Value),
}

/// Told apart by their values, so that untagged is unambiguous.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Width {
    Narrow(u8),
    Wide(u32),
    Negative(i64),
    None(Option<()>),
}

/// The tree that these bytes mean, encoded and decoded.
///
/// # Panics
/// If it does not come back equal.
pub fn comes_back(bytes: &[u8]) {
    let tree = Seed(bytes).tree(DEPTH);
    let mut encoded = vec![0xee];
    if let Err(error) = encode(&tree, &mut encoded) {
        assert!(
            error.to_string().contains("deeper") && bytes.len() > 100,
            "{tree:?}: {error}"
        );
        assert_eq!(encoded, [0xee], "a part of what is refused is left");
        return;
    }
    let encoded = &encoded[1..];
    decode::<IgnoredAny>(encoded).expect("can be skipped");
    match decode::<Tree>(encoded) {
        Ok(back) => assert_eq!(back, tree, "through {encoded:02x?}"),
        Err(error) => panic!("{tree:?}: {error}, of {encoded:02x?}"),
    }
    for cut in [0, encoded.len() / 2, encoded.len() - 1] {
        assert!(
            decode::<Tree>(&encoded[..cut]).is_err(),
            "{tree:?} cut to {cut} bytes"
        );
    }
}

/// The bytes that have not been used yet; when none are left, zeroes.
struct Seed<'b>(&'b [u8]);

impl Seed<'_> {
    fn tree(&mut self, depth: usize) -> Tree {
        let Some(depth) = depth.checked_sub(1) else {
            return Tree::Leaf;
        };
        match self.byte() % 22 {
            0 => Tree::Leaf,
            1 => Tree::Bool(self.bool()),
            2 => Tree::Unsigned(self.wide()),
            3 => Tree::Signed(self.wide().cast_signed()),
            4 => Tree::Float(self.float()),
            5 => Tree::Single(self.wide() as u32),
            6 => Tree::Char(char::from_u32(self.wide() as u32).unwrap_or('é')),
            7 => Tree::Text(self.text()),
            8 => Tree::Bytes(self.bytes().to_vec()),
            9 => Tree::Raw(ByteBuf::from(self.bytes())),
            10 => Tree::Options(self.options()),
            11 => Tree::UnitOption(self.options().map(|some| some.map(|_| ()))),
            12 => Tree::Mixed(self.several(Self::width)),
            13 => Tree::Pair(self.byte(), Box::new(self.tree(depth))),
            14 => Tree::List(self.several(|seed| seed.tree(depth))),
            15 => Tree::Map(
                self.several(|seed| (seed.bytes().to_vec(), seed.tree(depth)))
                    .into_iter()
                    .collect(),
            ),
            16 => Tree::Record {
                first: self.bool().then(|| Box::new(self.tree(depth))),
                rest: self.several(|seed| seed.bool().then(|| seed.tree(depth))),
            },
            17 => Tree::External(self.external()),
            18 => Tree::Internal(self.internal()),
            19 => Tree::Untagged(self.untagged(depth)),
            20 => Tree::Flat(Flat {
                a: self.byte(),
                rest: self
                    .several(|seed| (format!("_{}", seed.text()), seed.json(depth)))
                    .into_iter()
                    .collect(),
            }),
            _ => Tree::Json(self.json(depth)),
        }
    }

    fn external(&mut self) -> External {
        match self.byte() % 4 {
            0 => External::Unit,
            1 => External::Newtype(self.bool().then(|| self.wide() as u32)),
            2 => External::Tuple(self.byte(), self.text()),
            _ => External::Struct {
                a: self.options().flatten(),
            },
        }
    }

    fn internal(&mut self) -> Internal {
        match self.byte() % 3 {
            0 => Internal::Unit,
            1 => Internal::Newtype(
                self.several(|seed| (format!("_{}", seed.text()), seed.byte()))
                    .into_iter()
                    .collect(),
            ),
            _ => Internal::Struct {
                a: self.options().flatten(),
                ip: match self.bool() {
                    true => (self.wide() as u32).to_le_bytes().into(),
                    false => self.wide().to_le_bytes().into(),
                },
            },
        }
    }

    fn untagged(&mut self, depth: usize) -> Untagged {
        match (self.byte() % 6, depth.checked_sub(1)) {
            (1, _) => Untagged::Number(self.float()),
            (2, _) => Untagged::Bytes(self.bytes().to_vec()),
            (3, _) => match self.text() {
                text if text == "Unit" => Untagged::External(External::Unit),
                text => Untagged::Text(text),
            },
            (4, _) => Untagged::External(self.external()),
            (5, Some(depth)) => Untagged::Map(
                self.several(|seed| (format!("_{}", seed.text()), seed.untagged(depth)))
                    .into_iter()
                    .collect(),
            ),
            _ => Untagged::Bool(self.bool()),
        }
    }

    fn json(&mut self, depth: usize) -> Value {
        match (self.byte() % 8, depth.checked_sub(1)) {
            (1, _) => self.bool().into(),
            (2, _) => (self.wide() as u64).into(),
            (3, _) => (self.wide() as i64).into(),
            (4, _) => self.float().0.into(),
            (5, _) => self.text().into(),
            (6, Some(depth)) => Value::Array(self.several(|seed| seed.json(depth))),
            (7, Some(depth)) => Value::Object(
                self.several(|seed| (seed.text(), seed.json(depth)))
                    .into_iter()
                    .collect(),
            ),
            _ => Value::Null,
        }
    }

    fn width(&mut self) -> Width {
        match self.byte() % 8 {
            5 => Width::Wide(self.wide() as u32 | 0x100),
            6 => Width::Negative(!(self.wide() as i64 & i64::MAX)),
            7 => Width::None(None),
            _ => Width::Narrow(self.byte()),
        }
    }

    fn options(&mut self) -> Option<Option<Option<u8>>> {
        match self.byte() % 4 {
            0 => None,
            1 => Some(None),
            2 => Some(Some(None)),
            _ => Some(Some(Some(self.byte()))),
        }
    }

    fn float(&mut self) -> Bits {
        Bits(f64::from_bits(self.wide() as u64))
    }

    /// Lossy, so that every character can come about.
    fn text(&mut self) -> String {
        String::from_utf8_lossy(self.bytes()).into_owned()
    }

    fn bytes(&mut self) -> &[u8] {
        let len = usize::from(self.byte()).min(self.0.len());
        let (bytes, rest) = self.0.split_at(len);
        self.0 = rest;
        bytes
    }

    /// Of any width, so that each width of the encoding is met.
    fn wide(&mut self) -> u128 {
        let mut wide = [0; 16];
        let len = usize::from(self.byte() % 17);
        wide[..len].fill_with(|| self.byte());
        u128::from_le_bytes(wide)
    }

    fn several<T>(&mut self, mut one: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.byte() % 9).map(|_| one(self)).collect()
    }

    fn bool(&mut self) -> bool {
        self.byte() % 2 == 1
    }

    fn byte(&mut self) -> u8 {
        match self.0.split_first() {
            Some((&byte, rest)) => {
                self.0 = rest;
                byte
            }
            None => 0,
        }
    }
}
