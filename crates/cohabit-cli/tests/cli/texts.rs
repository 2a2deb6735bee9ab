//! Every text that is parsed, when it is wrong: exit code 2, what was expected, and a caret.

use cohabit::{Text, Value};

use crate::support::{Data, Place};

/// What is typed, and what is said.
type Row = (&'static [&'static str], &'static str);

#[rustfmt::skip]
const ROWS: &[Row] = &[
    (&["show", "data.y"],
"Data has no field `y`; there are: x, text, on, tiny, big, ratio, small, list, inner
  data.y
       ^"),
    (&["show", "data."],
"expected a field of Data: x, text, on, tiny, big, ratio, small, list, inner
  data.
       ^"),
    (&["show", "data..x"],
"expected a field of Data: x, text, on, tiny, big, ratio, small, list, inner
  data..x
       ^"),
    (&["show", "data.x.z"],
"i32 has no fields
  data.x.z
         ^"),
    (&["show", "data.list[3]"],
"the index is out of range: there are 3 elements, 0 to 2
  data.list[3]
            ^"),
    (&["show", "data.list[]"],
"expected an index from 0 to 2
  data.list[]
            ^"),
    (&["show", "data.list[-1]"],
"expected an index from 0 to 2
  data.list[-1]
            ^^"),
    (&["show", "data.list[1"],
"expected `]` after the index, found the end
  data.list[1
             ^"),
    (&["show", "data.list[1]x"],
"expected `.field` or `[index]`
  data.list[1]x
              ^"),
    (&["show", "data[0]"],
"the struct Data has no elements
  data[0]
       ^"),
    (&["show", "data.x[0]"],
"i32 has no elements
  data.x[0]
         ^"),
    (&["show", "data.list[99999999999999999999]"],
"the index is out of range: there are 3 elements, 0 to 2
  data.list[99999999999999999999]
            ^^^^^^^^^^^^^^^^^^^^"),
    (&["show", "data.inner[1].c"],
"Inner has no field `c`; there are: a, b
  data.inner[1].c
                ^"),
    (&["show", "data.list.x"],
"a list of 3 × u16 has no fields
  data.list.x
            ^"),
    (&["watch", "data.text.len"],
"text of at most 7 bytes has no fields
  data.text.len
            ^^^"),
    (&["watch", "data.inner[2]"],
"the index is out of range: there are 2 elements, 0 to 1
  data.inner[2]
             ^"),
    (&["set", "data", "x"],
"expected FIELD=VALUE, found no `=`; the fields of Data are: x, text, on, tiny, big, ratio, small, list, inner
  x
   ^"),
    (&["set", "data", "x=1", "y=2"],
"Data has no field `y`; there are: x, text, on, tiny, big, ratio, small, list, inner
  y=2
  ^"),
    (&["set", "data", "list[3]=1"],
"the index is out of range: there are 3 elements, 0 to 2
  list[3]=1
       ^"),
    (&["set", "data", "list[1=1"],
"expected `]` after the index, found the end
  list[1=1
        ^"),
    (&["set", "data", "[0]=1"],
"the struct Data has no elements
  [0]=1
   ^"),
    (&["set", "data", "x y=1"],
"Data has no field `x y`; there are: x, text, on, tiny, big, ratio, small, list, inner
  x y=1
  ^^^"),
    (&["set", "data", "inner[0].=1"],
"expected a field of Inner: a, b
  inner[0].=1
           ^"),
    (&["set", "l", "7"],
"expected FIELD=VALUE, found no `=`; it is a list of 3 × u8: [0]=VALUE, or JSON
  7
   ^"),
    (&["set", "l", "[3]=1"],
"the index is out of range: there are 3 elements, 0 to 2
  [3]=1
   ^"),
    (&["set", "data", "7"],
"expected FIELD=VALUE, found no `=`; the fields of Data are: x, text, on, tiny, big, ratio, small, list, inner
  7
   ^"),
    (&["set", "data", "x="],
"`x` is an i32, from -2147483648 to 2147483647: expected a value, found nothing
  x=
    ^"),
    (&["set", "data", "x=12abc"],
r#"`x` is an i32, from -2147483648 to 2147483647: expected digits, found "abc"
  x=12abc
      ^^^"#),
    (&["set", "data", "x=2147483648"],
"`x` is an i32, from -2147483648 to 2147483647: 2147483648 is out of range
  x=2147483648
    ^^^^^^^^^^"),
    (&["set", "data", "x=--5"],
r#"`x` is an i32, from -2147483648 to 2147483647: expected digits, found "-5"
  x=--5
     ^^"#),
    (&["set", "data", "x=-"],
"`x` is an i32, from -2147483648 to 2147483647: expected digits, found the end
  x=-
     ^"),
    (&["set", "data", "x=0xfg"],
r#"`x` is an i32, from -2147483648 to 2147483647: expected digits, found "g"
  x=0xfg
       ^"#),
    (&["set", "data", "tiny=-129"],
"`tiny` is an i8, from -128 to 127: -129 is out of range
  tiny=-129
       ^^^^"),
    (&["set", "data", "big=-1"],
"`big` is a u64, from 0 to 18446744073709551615: -1 is out of range
  big=-1
      ^^"),
    (&["set", "data", "big=18446744073709551616"],
"`big` is a u64, from 0 to 18446744073709551615: 18446744073709551616 is out of range
  big=18446744073709551616
      ^^^^^^^^^^^^^^^^^^^^"),
    (&["set", "data", "x=99999999999999999999999999999999999999999999"],
"`x` is an i32, from -2147483648 to 2147483647: 99999999999999999999999999999999999999999999 is out of range
  x=99999999999999999999999999999999999999999999
    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^"),
    (&["set", "data", "x=1.5"],
r#"`x` is an i32, from -2147483648 to 2147483647: expected digits, found ".5"
  x=1.5
     ^^"#),
    (&["set", "data", "on=yes"],
"`on` is a bool, true or false: it is neither
  on=yes
     ^^^"),
    (&["set", "data", "on="],
"`on` is a bool, true or false: expected a value, found nothing
  on=
     ^"),
    (&["set", "data", "ratio=fast"],
"`ratio` is an f64, from -1.7976931348623157e308 to 1.7976931348623157e308, or NaN, inf, -inf: it is no number
  ratio=fast
        ^^^^"),
    (&["set", "data", "ratio=1e999"],
"`ratio` is an f64, from -1.7976931348623157e308 to 1.7976931348623157e308, or NaN, inf, -inf: 1e999 is out of range
  ratio=1e999
        ^^^^^"),
    (&["set", "data", "small=1e39"],
"`small` is an f32, from -3.4028235e38 to 3.4028235e38, or NaN, inf, -inf: 1e39 is out of range
  small=1e39
        ^^^^"),
    (&["set", "data", "text=12345678"],
"`text` is text of at most 7 bytes: 8 bytes were given, 7 are available
  text=12345678
              ^"),
    (&["set", "data", "text=größer"],
"`text` is text of at most 7 bytes: 8 bytes were given, 7 are available
  text=größer
            ^"),
    (&["set", "data", "list=[1,2]"],
"`list` is a list of 3 × u16, written as JSON: found 2 elements
  list=[1,2]
       ^^^^^"),
    (&["set", "data", "list=[1,2,70000]"],
"`list[2]` is a u16, from 0 to 65535: 70000 is out of range
  list=[1,2,70000]
       ^^^^^^^^^^^"),
    (&["set", "data", "list=[1,2"],
"`list` is a list of 3 × u16, written as JSON: it is no JSON: EOF while parsing a list
  list=[1,2
           ^"),
    (&["set", "data", "list=1"],
"`list` is a list of 3 × u16, written as JSON: found 1
  list=1
       ^"),
    (&["set", "data", r#"inner[0]={"c":1}"#],
r#"`inner[0]` is the struct Inner, written as JSON: it has no field `c`; there are: a, b
  inner[0]={"c":1}
           ^^^^^^^"#),
    (&["set", "data", r#"inner[1]={"b":"x"}"#],
r#"`inner[1].b` is an i64, from -9223372036854775808 to 9223372036854775807: found "x"
  inner[1]={"b":"x"}
           ^^^^^^^^^"#),
    (&["set", "data", r#"{"x":}"#],
r#"`data` is the struct Data, written as JSON: it is no JSON: expected value
  {"x":}
       ^"#),
    (&["set", "data", r#"{"x":1.5}"#],
r#"`data.x` is an i32, from -2147483648 to 2147483647: expected digits, found ".5"
  {"x":1.5}
  ^^^^^^^^^"#),
    (&["set", "data", r#"{"text":"a\u0000"}"#],
r#"`data.text` is text of at most 7 bytes: there is a NUL at byte 1, where it would end
  {"text":"a\u0000"}
  ^^^^^^^^^^^^^^^^^^"#),
    (&["set", "data", r#"{"text":{"hex":"6"}}"#],
r#"`data.text` is text of at most 7 bytes: found an object
  {"text":{"hex":"6"}}
  ^^^^^^^^^^^^^^^^^^^^"#),
    (&["set", "data", r#"{"text":{"hex":"616161616161616161"}}"#],
r#"`data.text` is text of at most 7 bytes: 9 bytes were given
  {"text":{"hex":"616161616161616161"}}
  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^"#),
    (&["set", "data", r#"{"on":1}"#],
r#"`data.on` is a bool, true or false: found 1
  {"on":1}
  ^^^^^^^^"#),
    (&["set", "data", r#"{"ratio":"fast"}"#],
r#"`data.ratio` is an f64, from -1.7976931348623157e308 to 1.7976931348623157e308, or NaN, inf, -inf: found "fast"
  {"ratio":"fast"}
  ^^^^^^^^^^^^^^^^"#),
    (&["set", "data", "={"],
"`data` is the struct Data, written as JSON: it is no JSON: EOF while parsing an object
  ={
    ^"),
    (&["set", "data", r#"{"inner":[{"a":256},{}]}"#],
r#"`data.inner[0].a` is a u8, from 0 to 255: 256 is out of range
  {"inner":[{"a":256},{}]}
  ^^^^^^^^^^^^^^^^^^^^^^^^"#),
    (&["set", "n", "256"],
"`n` is a u8, from 0 to 255: 256 is out of range
  256
  ^^^"),
    (&["set", "n", "x=1"],
r#"`n` is a u8, from 0 to 255: expected digits, found "x=1"
  x=1
  ^^^"#),
    (&["set", "n", ""],
"`n` is a u8, from 0 to 255: expected a value, found nothing
  
  ^"),
    (&["set", "n", "1", "2"],
"expected FIELD=VALUE, found no `=`; it is u8, which takes one value
  1
   ^"),
    (&["set", "f", "1e39"],
"`f` is an f32, from -3.4028235e38 to 3.4028235e38, or NaN, inf, -inf: 1e39 is out of range
  1e39
  ^^^^"),
    (&["set", "t", "four"],
"`t` is text of at most 3 bytes: 4 bytes were given, 3 are available
  four
     ^"),
    (&["set", "t", "a", "b"],
"expected FIELD=VALUE, found no `=`; it is text of at most 3 bytes, which takes one value
  a
   ^"),
    (&["set", "data", "x=1", "--timeout=5"],
"expected a time such as 500ms, 1.5s, 2min or 1h: a unit is missing, one of us, ms, s, min, h
  5
   ^"),
    (&["set", "data", "x=1", "--timeout=s"],
"expected a time such as 500ms, 1.5s, 2min or 1h: a number is missing
  s
  ^"),
    (&["set", "data", "x=1", "--timeout="],
"expected a time such as 500ms, 1.5s, 2min or 1h: a number is missing
  
  ^"),
    (&["set", "data", "x=1", "--timeout=5days"],
"expected a time such as 500ms, 1.5s, 2min or 1h: `days` is no unit; there are us, ms, s, min, h
  5days
   ^^^^"),
    (&["set", "data", "x=1", "--timeout=1.2.3s"],
"expected a time such as 500ms, 1.5s, 2min or 1h: `1.2.3` is no number
  1.2.3s
  ^^^^^"),
    (&["set", "data", "x=1", "--timeout=9999999999999999h"],
"expected a time such as 500ms, 1.5s, 2min or 1h: that is too long
  9999999999999999h
  ^^^^^^^^^^^^^^^^^"),
    (&["watch", "data", "--timeout=soon"],
"expected a time such as 500ms, 1.5s, 2min or 1h: a number is missing
  soon
  ^"),
    (&["watch", "data", "--count=0"],
"expected a count from 1 to 18446744073709551615
  0
  ^"),
    (&["watch", "data", "--count=many"],
"expected a count from 1 to 18446744073709551615
  many
  ^^^^"),
    (&["demo", "--time=1"],
"expected a time such as 500ms, 1.5s, 2min or 1h: a unit is missing, one of us, ms, s, min, h
  1
   ^"),
];

#[test]
fn every_bad_text_is_refused_with_a_caret() {
    let place = Place::new();
    let data = place.sample("data");
    let _number = place.options::<Value<u8>>().create("n", || 0).unwrap();
    let _float = place.options::<Value<f32>>().create("f", || 0.0).unwrap();
    let _list = place.options::<Value<[u8; 3]>>().create("l", || [0; 3]).unwrap();
    let _text = place.options::<Value<Text<4>>>().create("t", Text::default).unwrap();
    for (args, said) in ROWS {
        let err = place.run(args).failed(2);
        assert!(err.contains(said), "{args:?}\nexpected {said}\nfound {err}");
        assert!(said.ends_with('^'), "{args:?}");
    }
    let (value, version) = data.read().unwrap();
    assert_eq!((value, version.number()), (Data::sample(), 1));
}

#[test]
fn a_bad_name_is_exit_code_2() {
    let place = Place::new();
    for (name, code) in [
        ("", "name-empty"),
        (".hidden", "name-dot"),
        ("a/b", "name-slash"),
        ("a b", "name-space"),
        ("\u{e4}", "name-not-ascii"),
        ("a*", "name-character"),
        ("Con.x", "name-reserved"),
        ("Local\\a", "name-scope-prefix"),
        (&"x".repeat(201), "name-too-long"),
    ] {
        for args in [&["show", name][..], &["set", name, "1"], &["watch", name], &["rm", name]] {
            let err = place.run(args).failed(2);
            assert!(err.ends_with(&format!("[{code}]\n")), "{args:?}: {err}");
        }
    }
}
