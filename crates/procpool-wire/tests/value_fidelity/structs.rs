//! Structs whose fields are flattened, skipped or filled in.

use crate::prelude::*;

#[test]
fn flattened() {
    carries(
        "flat struct",
        Flat {
            before: 1,
            inner: Skips {
                a: None,
                b: 1,
                c: vec![],
                d: "d".into(),
                e: Some(None),
            },
            after: None,
        },
    );
    carries(
        "flat opt unit",
        Flat {
            before: 1,
            inner: Field { f: Some(()) },
            after: Some(1),
        },
    );
    carries(
        "flat opt opt",
        Flat {
            before: 1,
            inner: Field {
                f: vec![Some(None), None, Some(Some(1u8))],
            },
            after: Some(1),
        },
    );
    carries(
        "flat map",
        Flat {
            before: 1,
            inner: BTreeMap::from([("k".to_string(), Some(1u8)), ("l".into(), None)]),
            after: None,
        },
    );
    carries(
        "flat value map",
        Flat {
            before: 1,
            inner: Fb {
                rest: [(
                    "q".into(),
                    serde_json::json!({"a": [1, -2, 0.5, null, "x", {"b": {}}]}),
                )]
                .into(),
            },
            after: None,
        },
    );
    carries(
        "flat internal enum",
        Flat {
            before: 1,
            inner: internal_struct(),
            after: None,
        },
    );
    carries(
        "flat external enum",
        Flat {
            before: 1,
            inner: External::Struct { a: 1, b: None },
            after: Some(2),
        },
    );
    carries(
        "flat adjacent",
        Flat {
            before: 1,
            inner: Adjacent::Tup(1, "x".into()),
            after: None,
        },
    );
    carries(
        "flat untagged",
        Flat {
            before: 0,
            inner: U::B { zzz: Some(1u8) },
            after: None,
        },
    );
    carries(
        "flat option",
        vec![
            Flat {
                before: 1,
                inner: None::<Field<u8>>,
                after: None,
            },
            Flat {
                before: 1,
                inner: Some(Field { f: 1 }),
                after: None,
            },
        ],
    );
    carries(
        "flat ip",
        Flat {
            before: 1,
            inner: Field { f: ip() },
            after: None,
        },
    );
    carries(
        "flat bytes",
        Flat {
            before: 1,
            inner: Blob {
                b: vec![1, 255],
                o: None,
            },
            after: None,
        },
    );
    carries(
        "flat flat",
        Flat {
            before: 1,
            inner: Field {
                f: Flat {
                    before: 1,
                    inner: Empty {},
                    after: None,
                },
            },
            after: None,
        },
    );
    carries(
        "flat unit",
        Flat {
            before: 1,
            inner: (),
            after: None,
        },
    );
}

#[test]
fn skipped_and_defaulted_fields() {
    carries(
        "skips none",
        Skips {
            a: None,
            b: 1,
            c: vec![],
            d: "".into(),
            e: None,
        },
    );
    carries(
        "skips some",
        Skips {
            a: Some(1),
            b: 1,
            c: vec![1],
            d: "".into(),
            e: Some(None),
        },
    );
    carries(
        "variant skips",
        vec![
            VSkips::V {
                a: None,
                b: 1,
                z: None,
            },
            VSkips::V {
                a: Some(1),
                b: 1,
                z: Some(2),
            },
        ],
    );
    carries(
        "defaults",
        Defaults {
            x: 2,
            s: 7,
            y: None,
        },
    );
}
