//! An object's type as Rust: what a program needs to open it, with the same fingerprint.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use cohabit::schema::{EnumNode, FieldNode, Node, Schema, StructNode};

use super::names::{Named, Types};

/// What no type of ours may be called: what is imported, and what Rust has without an import.
const RESERVED: [&str; 44] = [
    "Object",
    "Appended",
    "Text",
    "WideText",
    "List",
    "Value",
    "Frozen",
    "Loose",
    "Mutex",
    "RwLock",
    "OnceCell",
    "Barrier",
    "Condvar",
    "Event",
    "Once",
    "Semaphore",
    "Flag",
    "AtomicU8",
    "AtomicU16",
    "AtomicU32",
    "AtomicU64",
    "AtomicI8",
    "AtomicI16",
    "AtomicI32",
    "AtomicI64",
    "Self",
    "Clone",
    "Debug",
    "PartialEq",
    "u8",
    "u16",
    "u32",
    "u64",
    "u128",
    "i8",
    "i16",
    "i32",
    "i64",
    "i128",
    "f32",
    "f64",
    "bool",
    "char",
    "_",
];

/// Words that are only names behind `r#`.
const WORDS: [&str; 48] = [
    "as", "async", "await", "break", "const", "continue", "dyn", "else", "enum", "extern", "false",
    "fn", "for", "gen", "if", "impl", "in", "let", "loop", "match", "mod", "move", "mut", "pub",
    "ref", "return", "static", "struct", "trait", "true", "type", "unsafe", "use", "where",
    "while", "abstract", "become", "box", "do", "final", "macro", "override", "priv", "try",
    "typeof", "unsized", "virtual", "yield",
];

/// The module of an object.
///
/// # Errors
/// A field or variant whose name Rust cannot have.
pub(crate) fn module(name: &str, schema: &Schema) -> Result<String, String> {
    let types = Types::of(&schema.root, &[&RESERVED[..], &WORDS[..]].concat());
    let mut items = String::new();
    for (named, name) in types.iter() {
        match named {
            Named::Struct(node) if node.is_appended() => {}
            Named::Struct(node) => write_struct(&mut items, node, name, &types)?,
            Named::Enum(node) => write_enum(&mut items, node, name)?,
        }
    }
    let mut text = format!(
        "//! The type of the object `{name}`; `cohabit schema {name} --as rust` made it.\n\n"
    );
    let mut used = BTreeSet::new();
    imports(&schema.root, &mut used);
    for (path, names) in [("cohabit", false), ("std::sync::atomic", true)] {
        let of_path = used.iter().filter(|name| name.starts_with("Atomic") == names);
        let list: Vec<_> = of_path.copied().collect();
        match list.as_slice() {
            [] => {}
            // Writing to a String cannot fail, here and below.
            [one] => drop(writeln!(text, "use {path}::{one};")),
            list => text += &use_of(path, list),
        }
    }
    let _ = write!(text, "\n{items}/// `cohabit::Shared::<Object>::open({name:?})` opens it.\n");
    if schema.has_end {
        text += "///\n/// The type has an end (`LastOneOut`), which a schema does not tell: implement it.\n";
    }
    let _ = writeln!(text, "pub type Object = {};", type_of(&schema.root, &types));
    Ok(text)
}

/// The import of several names, as rustfmt breaks it into lines.
fn use_of(path: &str, names: &[&str]) -> String {
    const WIDTH: usize = 100;
    let line = format!("use {path}::{{{}}};\n", names.join(", "));
    if line.len() <= WIDTH {
        return line;
    }
    let (mut lines, mut line) = (String::new(), String::new());
    for name in names {
        if !line.is_empty() && "    ".len() + line.len() + name.len() + " ,".len() > WIDTH {
            lines += &format!("    {}\n", line.trim_end());
            line.clear();
        }
        line += &format!("{name}, ");
    }
    format!("use {path}::{{\n{lines}    {}\n}};\n", line.trim_end())
}

fn imports(node: &Node, used: &mut BTreeSet<&'static str>) {
    let (name, of): (_, Option<&Node>) = match node {
        Node::Text { .. } => ("Text", None),
        Node::WideText { .. } => ("WideText", None),
        Node::Flag => ("Flag", None),
        Node::Enum(_) => ("plain", None),
        Node::List { of, .. } => ("List", Some(&**of)),
        Node::Value { of, .. } => ("Value", Some(&**of)),
        Node::Frozen { of } => ("Frozen", Some(&**of)),
        Node::Loose { of } => ("Loose", Some(&**of)),
        Node::Mutex { of } => ("Mutex", Some(&**of)),
        Node::RwLock { of } => ("RwLock", Some(&**of)),
        Node::OnceCell { of } => ("OnceCell", Some(&**of)),
        Node::Array { of, .. } | Node::Tail { of } => return imports(of, used),
        Node::Struct(whole) if whole.is_appended() => ("Appended", Some(&whole.fields[1].node)),
        Node::Struct(whole) => {
            whole.fields.iter().for_each(|field| imports(&field.node, used));
            (if node.is_plain() { "plain" } else { "shareable" }, None)
        }
        Node::Atomic(_) | Node::Signal(_) => {
            let leaf = node.type_name();
            let known = RESERVED.iter().find(|name| **name == leaf);
            return used.extend(known.copied());
        }
        _ => return,
    };
    used.insert(name);
    if let Some(of) = of {
        imports(of, used);
    }
}

fn write_struct(
    text: &mut String,
    node: &StructNode,
    name: &str,
    types: &Types<'_>,
) -> Result<(), String> {
    let is_plain = node.fields.iter().all(|field| field.node.is_plain());
    let attribute = match (is_plain, node.appendable) {
        (false, _) => "#[shareable]\n#[derive(Debug)]".to_owned(),
        (true, true) => format!("#[plain(appendable = {})]\n#[derive(Clone, Debug)]", node.size),
        (true, false) => "#[plain]\n#[derive(Clone, Debug)]".to_owned(),
    };
    let _ = writeln!(text, "{attribute}\npub struct {name} {{");
    for FieldNode { name, was, node, .. } in &node.fields {
        if let Some(was) = was {
            let _ = writeln!(text, "    #[plain(was = {was:?})]");
        }
        let _ = writeln!(text, "    pub {}: {},", word(name)?, type_of(node, types));
    }
    *text += "}\n\n";
    Ok(())
}

fn write_enum(text: &mut String, node: &EnumNode, name: &str) -> Result<(), String> {
    let repr = node.repr.name();
    let _ =
        writeln!(text, "#[plain]\n#[derive(Clone, Copy, Debug, PartialEq, Eq)]\n#[repr({repr})]");
    let _ = writeln!(text, "pub enum {name} {{");
    for variant in &node.variants {
        let _ = writeln!(text, "    {} = {},", word(&variant.name)?, variant.value);
    }
    *text += "}\n\n";
    Ok(())
}

fn type_of(node: &Node, types: &Types<'_>) -> String {
    let of = |of: &Node| type_of(of, types);
    match node {
        Node::Struct(node) if node.is_appended() => {
            format!("Appended<{}>", of(&node.fields[1].node))
        }
        Node::Struct(_) | Node::Enum(_) => types.name_of(node).to_owned(),
        Node::List { of: item, len } => format!("List<{}, {len}>", of(item)),
        Node::Array { of: item, len } => format!("[{}; {len}]", of(item)),
        Node::Tail { of: item } => format!("[{}]", of(item)),
        Node::Value { of: inner, .. } => format!("Value<{}>", of(inner)),
        Node::Frozen { of: inner } => format!("Frozen<{}>", of(inner)),
        Node::Loose { of: inner } => format!("Loose<{}>", of(inner)),
        Node::Mutex { of: inner } => format!("Mutex<{}>", of(inner)),
        Node::RwLock { of: inner } => format!("RwLock<{}>", of(inner)),
        Node::OnceCell { of: inner } => format!("OnceCell<{}>", of(inner)),
        leaf => leaf.type_name(),
    }
}

/// A name as Rust writes it.
fn word(name: &str) -> Result<String, String> {
    let is_word = name.chars().all(|c| c == '_' || c.is_alphanumeric())
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && !matches!(name, "_" | "" | "self" | "Self" | "super" | "crate");
    match is_word {
        false => Err(format!("Rust cannot have a field or variant with the name {name:?}")),
        true if WORDS.contains(&name) => Ok(format!("r#{name}")),
        true => Ok(name.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::types;

    #[test]
    fn labels_that_rust_cannot_have_get_another_name() {
        let text = "a: type { x: char }, b: Text { x: u8 }, c: char { x: i8 }, d: \"_\" { x: i16 },
                    e: enum match { On }";
        let text = text.replace("\"_\" {", "struct \"_\" {");
        let text = text.replace("Text {", "struct Text {").replace("char {", "struct char {");
        let module = module("odd", &types::object(&text, "Whole").unwrap()).unwrap();
        let names: Vec<_> = module.lines().filter(|line| line.starts_with("pub ")).collect();
        assert_eq!(
            names,
            [
                "pub struct type2 {",
                "pub struct Text2 {",
                "pub struct char2 {",
                "pub struct _2 {",
                "pub enum match2 {",
                "pub struct Whole {",
                "pub type Object = Value<Whole>;"
            ]
        );
    }

    #[test]
    fn a_field_that_rust_cannot_have_is_refused() {
        let schema = types::object("\"two words\": u8", "Whole").unwrap();
        let refused = module("odd", &schema).unwrap_err();
        assert_eq!(refused, "Rust cannot have a field or variant with the name \"two words\"");
    }
}
