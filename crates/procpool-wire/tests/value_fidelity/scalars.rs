//! Numbers, strings, options, units and tuples.

use crate::prelude::*;

#[test]
fn scalars() {
    carries("unit", ());
    carries("bool", true);
    carries("char", 'é');
    carries("char max", '\u{10ffff}');
    carries(
        "ints",
        (
            i8::MIN,
            i16::MIN,
            i32::MIN,
            i64::MIN,
            u8::MAX,
            u16::MAX,
            u32::MAX,
            u64::MAX,
            i64::MAX,
        ),
    );
    carries("i128", (i128::MIN, i128::MAX, -1i128, 1i128));
    carries("u128", (u128::MAX, 0u128, u64::MAX as u128 + 1));
}

#[test]
fn floats_to_the_bit() {
    carries(
        "f64",
        vec![
            Bits(0.1),
            Bits(-0.0),
            Bits(f64::MIN_POSITIVE / 2.0),
            Bits(f64::MAX),
        ],
    );
    carries(
        "f64 nan inf",
        vec![
            Bits(f64::NAN),
            Bits(f64::INFINITY),
            Bits(f64::from_bits(0x7ff0_0000_dead_beef)),
            Bits(f64::from_bits(0xfff8_0000_0000_0001)),
        ],
    );
    carries("f32", vec![Bits32(0.1), Bits32(-0.0), Bits32(f32::MAX)]);
    carries(
        "f32 nan inf",
        vec![
            Bits32(f32::NAN),
            Bits32(f32::NEG_INFINITY),
            Bits32(f32::from_bits(0x7f80_0001)),
        ],
    );
}

#[test]
fn strings() {
    carries("string", "x".repeat(100_000));
    carries("cow", Cow::<'static, str>::Borrowed("cow"));
    carries("box str", Box::<str>::from("b"));
}

#[test]
fn options() {
    carries("none", None::<u8>);
    carries("some none", Some(None::<u8>));
    carries("some unit", Some(()));
    carries("none unit", None::<()>);
    carries(
        "option^3",
        vec![None, Some(None), Some(Some(None)), Some(Some(Some(1u8)))],
    );
    carries("vec opt opt unit", vec![None, Some(None), Some(Some(()))]);
    carries("some unit struct", Some(Unit));
    carries("some newtype none", Some(Newtype(None::<u8>)));
    carries("newtype opt opt", Newtype(Some(None::<u8>)));
    carries(
        "result",
        vec![
            Ok::<Option<Option<u8>>, String>(Some(None)),
            Err("e".into()),
        ],
    );
}

#[test]
fn units_newtypes_tuples_arrays() {
    carries("unit struct", Unit);
    carries("newtype", Newtype(1u8));
    carries("newtype unit", Newtype(()));
    carries("tuple struct", Tuple2(1, "a".into()));
    carries("empty struct", Empty {});
    carries("vec of unit", vec![(); 5]);
    carries("1-tuple", (1u8,));
    carries("array", [1u16; 3]);
    carries("empty array", [0u16; 0]);
    carries("array of arrays", [[1u8; 2]; 3]);
}
