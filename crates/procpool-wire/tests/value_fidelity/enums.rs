//! Enums in all four representations.

use crate::prelude::*;

#[test]
fn externally_tagged_enums() {
    carries("external enum", externals());
    carries("nested option enum", Some(Some(External::NewNested(None))));
    carries(
        "tree",
        Tree::Node(
            Box::new(Tree::Leaf),
            1,
            Box::new(Tree::Node(Box::new(Tree::Leaf), 2, Box::new(Tree::Leaf))),
        ),
    );
}

#[test]
fn internally_and_adjacently_tagged_enums() {
    carries("internal enum", internals());
    carries("internal struct", internal_struct());
    carries("internal nested opt", internal_nested());
    carries("adjacent enum", adjacents());
    carries(
        "adjacent nested opt",
        vec![
            Adjacent::Nested(None),
            Adjacent::Nested(Some(None)),
            Adjacent::Nested(Some(Some(()))),
        ],
    );
}

#[test]
fn untagged_enums() {
    carries(
        "untagged",
        vec![
            Untagged::Bool(true),
            Untagged::Int(u64::MAX),
            Untagged::Neg(-3),
            Untagged::Float(0.5),
            Untagged::Str("s".into()),
            Untagged::Seq(vec![Untagged::Int(1), Untagged::Int(2)]),
            Untagged::Map([("k".into(), Untagged::Seq(vec![]))].into()),
        ],
    );
    carries("untagged unit", vec![UUnit::Unit, UUnit::Int(1)]);
    carries(
        "untagged opt",
        vec![UOpt::Opt(None), UOpt::Opt(Some(1)), UOpt::S("x".into())],
    );
    carries(
        "untagged vec<u8>",
        vec![U::A(vec![1u8, 2, 3]), U::B { zzz: vec![] }],
    );
    carries(
        "untagged bytes",
        vec![
            U::A(serde_bytes::ByteBuf::from(vec![1, 200])),
            U::B {
                zzz: serde_bytes::ByteBuf::from(vec![]),
            },
        ],
    );
    carries(
        "untagged opt opt",
        vec![U::A(Some(None::<u8>)), U::A(None), U::B { zzz: Some(None) }],
    );
    carries(
        "untagged opt unit",
        vec![U::A(Some(())), U::A(None), U::B { zzz: Some(()) }],
    );
    carries("untagged ip", vec![U::A(ip()), U::B { zzz: ip() }]);
    carries(
        "untagged enum",
        externals()
            .into_iter()
            .map(|e| U::B { zzz: e })
            .collect::<Vec<_>>(),
    );
    carries(
        "untagged enum bare",
        externals().into_iter().map(U::A).collect::<Vec<_>>(),
    );
    carries("untagged char", U::A('é'));
    carries("untagged f32", U::A(Bits32(0.1)));
    carries("untagged tuple", U::A((1u8, "x".to_string(), None::<u8>)));
    carries("untagged newtype", U::A(Newtype(Some(1u8))));
    carries("untagged id", U::A(Id([1, 2, 3, 4])));
    carries("untagged unit struct", U::A(Unit));
    carries(
        "untagged int-key map",
        U::A(BTreeMap::from([(1u32, 2u8), (3, 4)])),
    );
    carries("untagged neg-key map", U::A(BTreeMap::from([(-1i64, 2u8)])));
    carries("untagged duration", U::A(Duration::new(1, 2)));
    carries(
        "untagged struct map",
        U::A(Field {
            f: Field { f: Some(Unit) },
        }),
    );
}
