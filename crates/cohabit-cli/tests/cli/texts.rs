//! Every text that is parsed, when it is wrong: exit code 2, what was expected, and a caret.

use cohabit::{Text, Value};

use crate::support::{Data, Place};

/// What is typed, and what is said.
type Row = (&'static [&'static str], &'static str);

const ROWS: &[Row] = &[
    (&["show", "data.y"], "PLACEHOLDER"),
    (&["show", "data."], "PLACEHOLDER"),
    (&["show", "data..x"], "PLACEHOLDER"),
    (&["show", "data.x.z"], "PLACEHOLDER"),
    (&["show", "data.list[3]"], "PLACEHOLDER"),
    (&["show", "data.list[]"], "PLACEHOLDER"),
    (&["show", "data.list[-1]"], "PLACEHOLDER"),
    (&["show", "data.list[1"], "PLACEHOLDER"),
    (&["show", "data.list[1]x"], "PLACEHOLDER"),
    (&["show", "data[0]"], "PLACEHOLDER"),
    (&["show", "data.x[0]"], "PLACEHOLDER"),
    (&["show", "data.list[99999999999999999999]"], "PLACEHOLDER"),
    (&["show", "data.inner[1].c"], "PLACEHOLDER"),
    (&["show", "data.list.x"], "PLACEHOLDER"),
    (&["watch", "data.text.len"], "PLACEHOLDER"),
    (&["watch", "data.inner[2]"], "PLACEHOLDER"),
    (&["set", "data", "x"], "PLACEHOLDER"),
    (&["set", "data", "x=1", "y=2"], "PLACEHOLDER"),
    (&["set", "data", "list[3]=1"], "PLACEHOLDER"),
    (&["set", "data", "list[1=1"], "PLACEHOLDER"),
    (&["set", "data", "[0]=1"], "PLACEHOLDER"),
    (&["set", "data", "x y=1"], "PLACEHOLDER"),
    (&["set", "data", "inner[0].=1"], "PLACEHOLDER"),
    (&["set", "l", "7"], "PLACEHOLDER"),
    (&["set", "l", "[3]=1"], "PLACEHOLDER"),
    (&["set", "data", "7"], "PLACEHOLDER"),
    (&["set", "data", "x="], "PLACEHOLDER"),
    (&["set", "data", "x=12abc"], "PLACEHOLDER"),
    (&["set", "data", "x=2147483648"], "PLACEHOLDER"),
    (&["set", "data", "x=--5"], "PLACEHOLDER"),
    (&["set", "data", "x=-"], "PLACEHOLDER"),
    (&["set", "data", "x=0xfg"], "PLACEHOLDER"),
    (&["set", "data", "tiny=-129"], "PLACEHOLDER"),
    (&["set", "data", "big=-1"], "PLACEHOLDER"),
    (&["set", "data", "big=18446744073709551616"], "PLACEHOLDER"),
    (&["set", "data", "x=99999999999999999999999999999999999999999999"], "PLACEHOLDER"),
    (&["set", "data", "x=1.5"], "PLACEHOLDER"),
    (&["set", "data", "on=yes"], "PLACEHOLDER"),
    (&["set", "data", "on="], "PLACEHOLDER"),
    (&["set", "data", "ratio=fast"], "PLACEHOLDER"),
    (&["set", "data", "ratio=1e999"], "PLACEHOLDER"),
    (&["set", "data", "small=1e39"], "PLACEHOLDER"),
    (&["set", "data", "text=12345678"], "PLACEHOLDER"),
    (&["set", "data", "text=größer"], "PLACEHOLDER"),
    (&["set", "data", "list=[1,2]"], "PLACEHOLDER"),
    (&["set", "data", "list=[1,2,70000]"], "PLACEHOLDER"),
    (&["set", "data", "list=[1,2"], "PLACEHOLDER"),
    (&["set", "data", "list=1"], "PLACEHOLDER"),
    (&["set", "data", r#"inner[0]={"c":1}"#], "PLACEHOLDER"),
    (&["set", "data", r#"inner[1]={"b":"x"}"#], "PLACEHOLDER"),
    (&["set", "data", r#"{"x":}"#], "PLACEHOLDER"),
    (&["set", "data", r#"{"x":1.5}"#], "PLACEHOLDER"),
    (&["set", "data", r#"{"text":"a\u0000"}"#], "PLACEHOLDER"),
    (&["set", "data", r#"{"text":{"hex":"6"}}"#], "PLACEHOLDER"),
    (&["set", "data", r#"{"text":{"hex":"616161616161616161"}}"#], "PLACEHOLDER"),
    (&["set", "data", r#"{"on":1}"#], "PLACEHOLDER"),
    (&["set", "data", r#"{"ratio":"fast"}"#], "PLACEHOLDER"),
    (&["set", "data", "={"], "PLACEHOLDER"),
    (&["set", "data", r#"{"inner":[{"a":256},{}]}"#], "PLACEHOLDER"),
    (&["set", "n", "256"], "PLACEHOLDER"),
    (&["set", "n", "x=1"], "PLACEHOLDER"),
    (&["set", "n", ""], "PLACEHOLDER"),
    (&["set", "n", "1", "2"], "PLACEHOLDER"),
    (&["set", "f", "1e39"], "PLACEHOLDER"),
    (&["set", "t", "four"], "PLACEHOLDER"),
    (&["set", "t", "a", "b"], "PLACEHOLDER"),
    (&["set", "data", "x=1", "--timeout=5"], "PLACEHOLDER"),
    (&["set", "data", "x=1", "--timeout=s"], "PLACEHOLDER"),
    (&["set", "data", "x=1", "--timeout="], "PLACEHOLDER"),
    (&["set", "data", "x=1", "--timeout=5days"], "PLACEHOLDER"),
    (&["set", "data", "x=1", "--timeout=1.2.3s"], "PLACEHOLDER"),
    (&["set", "data", "x=1", "--timeout=9999999999999999h"], "PLACEHOLDER"),
    (&["watch", "data", "--timeout=soon"], "PLACEHOLDER"),
    (&["watch", "data", "--count=0"], "PLACEHOLDER"),
    (&["watch", "data", "--count=many"], "PLACEHOLDER"),
    (&["demo", "--time=1"], "PLACEHOLDER"),
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
        let err = place.run(args); eprintln!("ROW{:?}WOR", (args, &err.code, &err.out, &err.err)); let err = err.err; continue;
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
        ("Local\\a", "name-scope-prefix"),
        (&"x".repeat(201), "name-too-long"),
    ] {
        for args in [&["show", name][..], &["set", name, "1"], &["watch", name], &["rm", name]] {
            let err = place.run(args).failed(2);
            assert!(err.ends_with(&format!("[{code}]\n")), "{args:?}: {err}");
        }
    }
}
