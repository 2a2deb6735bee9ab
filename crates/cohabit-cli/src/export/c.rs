//! An object's type as C11: what a C program must know to read and write the same bytes.
//!
//! Every offset and size is asserted, so that a compiler with other rules refuses the header instead of
//! reading something else. Scalars of 8 bytes are aligned to 8 also where C would have 4.

use std::fmt::Write as _;

use cohabit::schema::{EnumNode, Node, Scalar, Schema, StructNode};

use super::names::{Named, Taken, Types, identifier};

/// Words that no field or type may be called.
const WORDS: [&str; 47] = [
    "auto",
    "break",
    "case",
    "char",
    "const",
    "continue",
    "default",
    "do",
    "double",
    "else",
    "enum",
    "extern",
    "float",
    "for",
    "goto",
    "if",
    "inline",
    "int",
    "long",
    "register",
    "restrict",
    "return",
    "short",
    "signed",
    "sizeof",
    "static",
    "struct",
    "switch",
    "typedef",
    "union",
    "unsigned",
    "void",
    "volatile",
    "while",
    "bool",
    "true",
    "false",
    "alignas",
    "alignof",
    "offsetof",
    "uint8_t",
    "uint16_t",
    "uint32_t",
    "uint64_t",
    "cohabit_u128",
    "cohabit_i128",
    "cohabit_object",
];

/// The header of an object.
pub(crate) fn header(name: &str, schema: &Schema) -> String {
    let types = Types::of(&schema.root, &WORDS);
    let guard = format!("COHABIT_{}_H", identifier(name).to_uppercase());
    let mut text = format!(
        "/* The type of the object `{name}`; `cohabit schema {name} --as c` made it. C11. */\n\
         #ifndef {guard}\n#define {guard}\n\n#include <stddef.h>\n#include <stdint.h>\n\n"
    );
    if has_wide_integer(&schema.root) {
        text += "/* 128 bits, the low half first. */\n\
                 typedef struct { _Alignas(16) uint64_t low; uint64_t high; } cohabit_u128;\n\
                 typedef struct { _Alignas(16) uint64_t low; int64_t high; } cohabit_i128;\n\n";
    }
    for (named, name) in types.iter() {
        match named {
            Named::Struct(node) => write_struct(&mut text, node, name, &types),
            Named::Enum(node) => write_enum(&mut text, node, name),
        }
    }
    write_object(&mut text, schema, &types);
    text + "#endif\n"
}

/// What the object is: a type of its own, or a cell around one.
fn write_object(text: &mut String, schema: &Schema, types: &Types<'_>) {
    let of = match &schema.root {
        Node::Value { copies, stride, of } => {
            if *copies == 0 {
                *text += "/* The object is a Value of so many of these as its header says. */\n";
            } else {
                // Writing to a String cannot fail, here and below.
                let _ = writeln!(
                    text,
                    "/* The object is a Value: {copies} copies of this, one every {stride} bytes. Use \
                     it through cohabit's\n   functions; FORMAT.md says how they do it. */"
                );
            }
            of
        }
        root => root,
    };
    let of = match of {
        Node::Tail { of } => of,
        whole => whole,
    };
    let _ = writeln!(text, "typedef {};\n", declared(of, "cohabit_object", types));
    if !of.has_tail() {
        let size = of.size();
        let _ = writeln!(text, "_Static_assert(sizeof(cohabit_object) == {size}, \"size\");\n");
    }
}

fn write_enum(text: &mut String, node: &EnumNode, name: &str) {
    let _ = writeln!(text, "typedef {} {name};", integer(node.repr));
    let mut taken = Taken::default();
    for variant in &node.variants {
        let constant = taken.unique(&identifier(&variant.name));
        let value = literal(node.repr, variant.value);
        let _ = writeln!(text, "#define {name}_{constant} (({name}){value})");
    }
    text.push('\n');
}

/// A number as a constant of C that has its value on every target.
fn literal(repr: Scalar, value: i128) -> String {
    match repr {
        Scalar::U64 => format!("UINT64_C({value})"),
        // C has no negative literals, and the least number has no positive one.
        Scalar::I64 if value == i128::from(i64::MIN) => format!("(-INT64_C({}) - 1)", i64::MAX),
        Scalar::I64 => format!("INT64_C({value})"),
        Scalar::I32 if value == i128::from(i32::MIN) => format!("(-{} - 1)", i32::MAX),
        Scalar::U32 => format!("UINT32_C({value})"),
        _ => format!("({value})"),
    }
}

fn write_struct(text: &mut String, node: &StructNode, name: &str, types: &Types<'_>) {
    let _ = writeln!(text, "typedef struct {name} {{");
    let mut taken = Taken::of(&WORDS);
    let mut asserts = String::new();
    let mut end = 0;
    for (index, field) in node.fields.iter().enumerate() {
        let called = taken.unique(&identifier(&field.name));
        // The first field may have to carry the alignment of the whole.
        let align = if index == 0 { node.align } else { field.node.align() };
        let align = if align >= 8 { format!("_Alignas({align}) ") } else { String::new() };
        let _ = write!(text, "    {align}{};", declared(&field.node, &called, types));
        let remark = remark(&field.node, (called != field.name).then_some(field.name.as_str()));
        let _ = writeln!(text, "{remark}");
        let at = field.at;
        let _ =
            writeln!(asserts, "_Static_assert(offsetof({name}, {called}) == {at}, \"{called}\");");
        end = field.at + field.node.size();
    }
    if node.appendable && end < node.size {
        let room = taken.unique("room");
        let _ = writeln!(
            text,
            "    uint8_t {room}[{}]; /* for fields of newer programs */",
            node.size - end
        );
    }
    let _ = writeln!(text, "}} {name};");
    // With a flexible array, sizeof may leave out what pads the elements: the offsets say enough.
    if !node.fields.last().is_some_and(|field| field.node.has_tail()) {
        let _ = writeln!(text, "_Static_assert(sizeof({name}) == {}, \"size\");", node.size);
    }
    let _ = writeln!(text, "{asserts}");
}

/// The declaration of something called `name`.
fn declared(node: &Node, name: &str, types: &Types<'_>) -> String {
    match node {
        Node::Scalar(scalar) => format!("{} {name}", scalar_type(*scalar)),
        Node::Text { len } => format!("char {name}[{len}]"),
        Node::WideText { len } => format!("uint16_t {name}[{len}]"),
        Node::Enum(_) | Node::Struct(_) => format!("{} {name}", types.name_of(node)),
        Node::Array { of, len } => declared(of, &format!("{name}[{len}]"), types),
        Node::Tail { of } => declared(of, &format!("{name}[]"), types),
        Node::List { of, len } => {
            let items = declared(of, &format!("items[{len}]"), types);
            let align =
                if of.align() >= 8 { format!("_Alignas({}) ", of.align()) } else { String::new() };
            format!("struct {{ uint32_t len; {align}{items}; }} {name}")
        }
        Node::Atomic(scalar) => format!("_Atomic({}) {name}", integer(*scalar)),
        Node::Flag => format!("_Atomic(uint8_t) {name}"),
        Node::Value { copies, of, .. } => {
            let appended = match &**of {
                Node::Struct(node) if node.appendable => {
                    format!(" uint64_t appended[{}];", cohabit::APPENDED_MAX)
                }
                _ => String::new(),
            };
            format!(
                "struct {{ _Alignas(64) uint64_t lock; uint64_t commit; uint64_t pins[6]; struct {{ \
                 _Alignas(64) uint64_t stamp; uint8_t value[{}]; }} copies[{copies}];{appended} }} {name}",
                of.size()
            )
        }
        Node::Mutex { of } => {
            let (align, inner) = (node.align(), declared(of, "value", types));
            format!(
                "struct {{ _Alignas({align}) uint64_t lock; _Alignas({align}) {inner}; }} {name}"
            )
        }
        Node::RwLock { of } => {
            let (align, inner) = (node.align(), declared(of, "value", types));
            format!(
                "struct {{ _Alignas({align}) uint64_t lock; uint64_t readers[31]; _Alignas({align}) {inner}; }} \
                 {name}"
            )
        }
        Node::Frozen { of } | Node::Loose { of } => whole_words(of, node.size(), name, types),
        Node::OnceCell { of } => {
            let inner = whole_words(of, node.size() - 8, "once", types);
            format!("struct {{ _Alignas(8) uint64_t word; {inner}; }} {name}")
        }
        Node::Signal(_) => {
            format!("struct {{ _Alignas(8) uint64_t words[{}]; }} {name}", node.size() / 8)
        }
        // A node that this version does not know comes out of no schema.
        _ => format!("uint8_t {name}[{}]", node.size()),
    }
}

/// Plain data in whole words, aligned to 8, also where they by themselves would be aligned to more.
fn whole_words(of: &Node, size: u64, name: &str, types: &Types<'_>) -> String {
    if of.align() > 8 {
        return format!("struct {{ _Alignas(8) uint8_t bytes[{size}]; }} {name}");
    }
    let inner = declared(of, "value", types);
    format!("union {{ {inner}; _Alignas(8) uint8_t bytes[{size}]; }} {name}")
}

fn scalar_type(scalar: Scalar) -> &'static str {
    match scalar {
        Scalar::F32 => "float",
        Scalar::F64 => "double",
        Scalar::Bool => "uint8_t",
        Scalar::Char => "uint32_t",
        Scalar::U128 => "cohabit_u128",
        Scalar::I128 => "cohabit_i128",
        integer_ => integer(integer_),
    }
}

fn integer(scalar: Scalar) -> &'static str {
    match scalar {
        Scalar::U8 => "uint8_t",
        Scalar::U16 => "uint16_t",
        Scalar::U32 => "uint32_t",
        Scalar::I8 => "int8_t",
        Scalar::I16 => "int16_t",
        Scalar::I32 => "int32_t",
        Scalar::I64 => "int64_t",
        _ => "uint64_t",
    }
}

/// What C's type does not say.
fn remark(node: &Node, name: Option<&str>) -> String {
    let what = match innermost(node) {
        Node::Scalar(Scalar::Bool) => "0 or 1".to_owned(),
        Node::Scalar(Scalar::Char) => "a Unicode scalar value".to_owned(),
        Node::Text { .. } => "UTF-8, up to the first NUL".to_owned(),
        Node::WideText { .. } => "UTF-16, up to the first 0".to_owned(),
        Node::Flag => "a flag: true unless it is 0".to_owned(),
        cell @ (Node::Value { .. }
        | Node::Frozen { .. }
        | Node::Loose { .. }
        | Node::Mutex { .. }
        | Node::RwLock { .. }
        | Node::OnceCell { .. }
        | Node::Signal(_)) => in_comment(&cell.type_name()),
        _ => String::new(),
    };
    let name = name.map(|name| format!("the field {}", in_comment(&format!("{name:?}"))));
    let parts: Vec<_> =
        name.into_iter().chain(Some(what)).filter(|part| !part.is_empty()).collect();
    if parts.is_empty() { String::new() } else { format!(" /* {} */", parts.join(": ")) }
}

/// The elements of arrays, or the thing itself.
fn innermost(node: &Node) -> &Node {
    match node {
        Node::Array { of, .. } | Node::Tail { of } => innermost(of),
        other => other,
    }
}

/// A peer's text, so that no comment ends in it.
fn in_comment(text: &str) -> String {
    text.replace("*/", "* /").replace("/*", "/ *")
}

fn has_wide_integer(node: &Node) -> bool {
    match node {
        Node::Scalar(scalar) => matches!(scalar, Scalar::U128 | Scalar::I128),
        Node::Struct(node) => node.fields.iter().any(|field| has_wide_integer(&field.node)),
        Node::List { of, .. }
        | Node::Array { of, .. }
        | Node::Tail { of }
        | Node::Value { of, .. }
        | Node::Frozen { of }
        | Node::Loose { of }
        | Node::Mutex { of }
        | Node::RwLock { of }
        | Node::OnceCell { of } => has_wide_integer(of),
        _ => false,
    }
}

// Compilers for C are where Unix is.
#[cfg(all(test, unix))]
mod tests {
    use std::path::Path;
    use std::process::Command;

    use super::*;
    use crate::grammar::types;

    /// Every kind, in places where compilers differ: 8-byte scalars behind bytes, 128 bits, lists of
    /// both, arrays of arrays, names that C cannot have.
    const PLAIN: &str = "
        a: u8, b: u64, c: [f64; 3], d: u8, e: i128, f: char, g: bool,
        text: Text<7>, texts: [Text<3>; 2], wide: WideText<5>,
        mode: enum Mode: i64 { Off = -9223372036854775808, On = 9223372036854775807, \"a b\" = 0 },
        small: enum Small { A, B = 200 }, huge: enum Huge: u64 { Max = 18446744073709551615 },
        list: List<u8, 3>, longs: List<u64, 2>, wides: List<u128, 2>, inner: List<Point { x: i16, y: f64 }, 4>,
        same: Point { x: i16, y: f64 }, other: Point { x: i16 },
        grid: [[i16; 3]; 2], int: u8, \"int\\\"*/\": u8, \"1st\": i64, tail: u8,
    ";

    const SHARED: &str = "
        hits: AtomicU64, small: AtomicU8, on: Flag, state: Value<{ x: i32, text: Text<256> }>,
        limits: Frozen<{ least: u8 }>, loose: Loose<[u128; 2]>, cells: [Value<u8>; 2], last: Flag,
        byte: AtomicU8, ready: Event, few: AtomicU8, all: Barrier, permits: Semaphore, fewer: AtomicU8, once: Once, small_once: OnceCell<[u8; 3]>,
        odd: AtomicU8, wide_once: OnceCell<{ n: u8, at: i128 }>, after_once: AtomicU8,
        small_log: Mutex<{ n: u8 }>, wide_log: Mutex<{ n: u8, at: i128 }>, after: AtomicU8,
        small_rw: RwLock<{ n: u8 }>, odd_rw: AtomicU8, wide_rw: RwLock<{ n: u8, at: i128 }>, after_rw: AtomicU8,
        grows: Value<appendable(48) struct Config { a: u8 }>, behind: AtomicU8,
        rest: [AtomicU16]
    ";

    fn schema(text: &str) -> Schema {
        types::object(text, "Whole").unwrap()
    }

    /// A program that prints what its compiler makes of each named type, and the same by the schema.
    fn program(header: &str, schema: &Schema) -> (String, String) {
        let types = Types::of(&schema.root, &WORDS);
        let (mut prints, mut expected) = (String::new(), String::new());
        for (named, name) in types.iter() {
            let Named::Struct(node) = named else { continue };
            let has_tail = node.fields.last().is_some_and(|field| field.node.has_tail());
            let mut taken = Taken::of(&WORDS);
            for field in &node.fields {
                let called = taken.unique(&identifier(&field.name));
                prints += &format!(
                    "    printf(\"{name}.{called} %zu\\n\", offsetof({name}, {called}));\n"
                );
                expected += &format!("{name}.{called} {}\n", field.at);
            }
            prints += &format!("    printf(\"align %zu\\n\", _Alignof({name}));\n");
            expected += &format!("align {}\n", node.align);
            if !has_tail {
                prints += &format!("    printf(\"{name} %zu\\n\", sizeof({name}));\n");
                expected += &format!("{name} {}\n", node.size);
            }
        }
        let main =
            format!("#include <stdio.h>\n{header}\nint main(void) {{\n{prints}    return 0;\n}}\n");
        (main, expected)
    }

    /// Compiles with every compiler that is there, and runs what comes out.
    fn compile_and_run(name: &str, text: &str) {
        let schema = schema(text);
        let (main, expected) = program(&header(name, &schema), &schema);
        let folder = std::env::temp_dir().join(format!("cohabit-c-{name}-{}", std::process::id()));
        std::fs::create_dir(&folder).unwrap();
        let source = folder.join("main.c");
        std::fs::write(&source, main).unwrap();
        // For 32 bits no C library is needed: the header's own assertions are what is asked.
        let alone = folder.join("alone.c");
        std::fs::write(&alone, header(name, &schema)).unwrap();
        let mut compiled = 0;
        for compiler in ["cc", "gcc", "clang"] {
            compiled += usize::from(one_compiler(compiler, &source, &folder, &expected));
        }
        std::fs::remove_dir_all(&folder).unwrap();
        assert!(compiled > 0, "no compiler is there, not even the one that linked this test");
    }

    fn one_compiler(compiler: &str, source: &Path, folder: &Path, expected: &str) -> bool {
        let binary = folder.join(compiler);
        let mut command = Command::new(compiler);
        command.args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-pedantic", "-o"]);
        let Ok(output) = command.arg(&binary).arg(source).output() else { return false };
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "{compiler}: {said}\n{}",
            std::fs::read_to_string(source).unwrap()
        );
        if cfg!(target_arch = "x86_64") {
            let mut narrow = Command::new(compiler);
            narrow.args(["-m32", "-ffreestanding", "-fsyntax-only", "-std=c11", "-Werror"]);
            let output = narrow.arg(folder.join("alone.c")).output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{compiler} -m32: {said}");
        }
        let printed = Command::new(&binary).output().unwrap().stdout;
        assert_eq!(String::from_utf8(printed).unwrap(), expected, "{compiler}");
        true
    }

    #[test]
    fn plain_types_have_the_same_offsets_in_c() {
        compile_and_run("plain", PLAIN);
        compile_and_run("appendable", "appendable(64) struct Config { a: u8, b: u64 }");
    }

    #[test]
    fn objects_with_cells_have_the_same_offsets_in_c() {
        compile_and_run("cells", SHARED);
    }

    #[test]
    fn what_is_no_struct_compiles_too() {
        for (name, text) in [
            ("number", "f64"),
            ("array", "[u64; 3]"),
            ("slice", "[{ x: u8 }]"),
            ("atomic", "AtomicI32"),
            ("atomics", "[AtomicU64]"),
            ("words", "WideText<9>"),
            ("list", "List<u64, 3>"),
            ("mode", "enum { Off, On }"),
        ] {
            compile_and_run(name, text);
        }
    }

    #[test]
    fn the_header_of_the_first_article() {
        let text = header("SharedDataName", &schema("x: i32, text: Text<256>"));
        assert_eq!(
            text,
            "/* The type of the object `SharedDataName`; `cohabit schema SharedDataName --as c` made it. C11. */
#ifndef COHABIT_SHAREDDATANAME_H
#define COHABIT_SHAREDDATANAME_H

#include <stddef.h>
#include <stdint.h>

typedef struct Whole {
    int32_t x;
    char text[256]; /* UTF-8, up to the first NUL */
} Whole;
_Static_assert(sizeof(Whole) == 260, \"size\");
_Static_assert(offsetof(Whole, x) == 0, \"x\");
_Static_assert(offsetof(Whole, text) == 4, \"text\");

/* The object is a Value: 16 copies of this, one every 320 bytes. Use it through cohabit's
   functions; FORMAT.md says how they do it. */
typedef Whole cohabit_object;

_Static_assert(sizeof(cohabit_object) == 260, \"size\");

#endif
"
        );
    }
}
