//! What is printed is read back as the same.

use cohabit::Signal;
use cohabit::schema::{EnumNode, FieldParts, Node, Scalar, Schema, StructNode, VariantNode};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::condition::{self, Condition, Path, Sign, Term, What};
use super::lexer::is_name;
use super::{print, types};
use crate::path::{Part, Start, walk};

fn scalar() -> impl Strategy<Value = Scalar> {
    let names = [
        "u8", "u16", "u32", "u64", "u128", "i8", "i16", "i32", "i64", "i128", "f32", "f64", "bool",
        "char",
    ];
    proptest::sample::select(names.to_vec()).prop_map(|name| Scalar::from_name(name).unwrap())
}

fn word() -> impl Strategy<Value = Scalar> {
    scalar().prop_filter("an integer", |scalar| scalar.fits_a_word())
}

/// Names of our own grammar and of others, and such that need quotes.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z_][a-z0-9_]{0,7}",
        proptest::sample::select(vec!["was", "struct", "enum", "u8", "Text", "appendable", "ä_1"])
            .prop_map(str::to_owned),
        "[ -~]{1,9}",
        "\\PC{1,5}",
    ]
}

fn enumeration() -> impl Strategy<Value = Node> {
    let variants = vec((name(), any::<i64>()), 1..5);
    (name(), word(), variants).prop_map(|(name, repr, found)| {
        let (least, most) = repr.word_range();
        let mut variants: Vec<VariantNode> = Vec::new();
        for (name, value) in found {
            let value = least + i128::from(value).rem_euclid(most - least + 1);
            if variants.iter().all(|other| other.name != name && other.value != value) {
                variants.push(VariantNode { name, value });
            }
        }
        Node::Enum(EnumNode { name, repr, variants })
    })
}

fn structure(node: impl Strategy<Value = Node>) -> impl Strategy<Value = Node> {
    let field = (name(), proptest::option::of(name()), node);
    (name(), vec(field, 1..5))
        .prop_map(|(label, found)| Node::Struct(StructNode::laid_out(label, distinct(found), None)))
}

/// Fields whose names are each their own, now and at first.
fn distinct(found: Vec<(String, Option<String>, Node)>) -> Vec<FieldParts> {
    let mut fields: Vec<FieldParts> = Vec::new();
    for (name, was, node) in found {
        let first = |field: &FieldParts| field.was.clone().unwrap_or_else(|| field.name.clone());
        let field = FieldParts { name, was, node };
        if fields.iter().all(|other| other.name != field.name && first(other) != first(&field)) {
            fields.push(field);
        }
    }
    fields
}

fn plain() -> impl Strategy<Value = Node> {
    let leaf = prop_oneof![
        scalar().prop_map(Node::Scalar),
        (1_u64..5000).prop_map(|len| Node::Text { len }),
        (1_u64..5000).prop_map(|len| Node::WideText { len }),
        enumeration(),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            (inner.clone(), 1_u64..100).prop_map(|(of, len)| Node::Array { of: Box::new(of), len }),
            (inner.clone(), 1_u64..100).prop_map(|(of, len)| Node::List { of: Box::new(of), len }),
            structure(inner),
        ]
    })
}

fn cell() -> impl Strategy<Value = Node> {
    let leaf = prop_oneof![
        Just(Node::Flag),
        word().prop_map(Node::Atomic),
        plain().prop_map(Node::into_value),
        plain().prop_map(|of| Node::Frozen { of: Box::new(of) }),
        plain().prop_map(|of| Node::Loose { of: Box::new(of) }),
        plain().prop_map(|of| Node::Mutex { of: Box::new(of) }),
        plain().prop_map(|of| Node::RwLock { of: Box::new(of) }),
        plain().prop_map(|of| Node::OnceCell { of: Box::new(of) }),
        select(Signal::ALL.map(|(signal, _)| Node::Signal(signal)).to_vec()),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            (inner.clone(), 1_u64..10).prop_map(|(of, len)| Node::Array { of: Box::new(of), len }),
            structure(inner),
        ]
    })
}

fn object() -> impl Strategy<Value = Node> {
    let tail = |of| Node::Tail { of: Box::new(of) };
    let appendable =
        (name(), vec((name(), Just(None), plain()), 1..4)).prop_map(|(label, found)| {
            let fields = distinct(found);
            let size: u64 = fields.iter().map(|field| field.node.size() + 16).sum();
            Node::Struct(StructNode::laid_out(label, fields, Some(size.next_multiple_of(16))))
        });
    prop_oneof![
        plain().prop_map(Node::into_value),
        appendable
            .prop_filter("a room is at most 1 GiB", |node| node.size() <= 1 << 30)
            .prop_map(Node::into_value),
        plain().prop_map(move |of| tail(of).into_value()),
        cell(),
        cell().prop_map(tail),
    ]
}

fn path() -> impl Strategy<Value = Path> {
    "[a-z_ä][a-z0-9_]{0,5}(\\.[a-z][a-z0-9_]{0,3}|\\[[0-9]{1,3}\\]){0,3}|\\[[0-9]\\]"
        .prop_map(|text| Path { text, span: 0..0 })
}

fn term() -> impl Strategy<Value = Term> {
    let what = prop_oneof![
        any::<i64>().prop_map(|number| What::Number(number.to_string())),
        any::<f32>()
            .prop_filter("a number", |number| number.is_finite())
            .prop_map(|number| { What::Number(format!("{number:?}")) }),
        Just(What::Number("-inf".to_owned())),
        "\\PC{0,8}".prop_map(What::Text),
        path()
            .prop_filter("a word", |path| !path.text.starts_with('['))
            .prop_map(|path| What::Word(path.text)),
    ];
    what.prop_map(|what| Term { what, span: 0..0 })
}

fn condition() -> impl Strategy<Value = Condition> {
    let signs =
        [Sign::Equal, Sign::NotEqual, Sign::Less, Sign::AtMost, Sign::Greater, Sign::AtLeast];
    let sign = proptest::sample::select(signs.to_vec());
    let leaf = prop_oneof![
        path().prop_map(Condition::Part),
        (proptest::option::of(path()), sign, term())
            .prop_map(|(path, sign, term)| Condition::Compare(path, sign, term)),
    ];
    leaf.prop_recursive(4, 16, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 2..4).prop_map(Condition::Any),
            vec(inner.clone(), 2..4).prop_map(Condition::All),
            inner.prop_map(|inner| Condition::Not(Box::new(inner))),
        ]
    })
}

/// Parts of an object with their paths, as far as their names can stand in one.
fn parts<'n>(part: Part<'n>, path: String, found: &mut Vec<(String, Part<'n>)>) {
    if found.len() > 50 {
        return;
    }
    found.push((path.clone(), part));
    match part.node {
        Node::Struct(node) => {
            for field in node.fields.iter().filter(|field| is_name(&field.name)) {
                let dot = if path.is_empty() { "" } else { "." };
                let path = format!("{path}{dot}{}", field.name);
                parts(part.inner(&field.node, field.at), path, found);
            }
        }
        Node::Array { of, len } => {
            for index in [0, len / 2, len - 1] {
                parts(part.inner(of, index * of.size()), format!("{path}[{index}]"), found);
            }
        }
        _ => {}
    }
}

proptest! {
    #[test]
    fn a_path_leads_to_its_part(root in object()) {
        let schema = Schema { root, has_end: false };
        let schema = schema.resolved(3).unwrap_or(schema);
        let mut found = Vec::new();
        parts(Part::whole(&schema), String::new(), &mut found);
        for (path, part) in found {
            let led = walk(Part::whole(&schema), &path, 0..path.len(), Start::Bare).expect("a part");
            prop_assert!(std::ptr::eq(led.node, part.node), "{}", path);
            prop_assert_eq!((led.at, led.cell), (part.at, part.cell), "{}", path);
        }
    }

    #[test]
    fn a_condition_comes_back_as_the_same(condition in condition()) {
        let text = condition.to_string();
        prop_assert_eq!(condition::parse(&text).expect("a condition"), condition, "{}", text);
    }

    #[test]
    fn a_type_comes_back_as_the_same(root in object()) {
        let schema = Schema { root, has_end: false }.checked().expect("a valid schema");
        let text = print::object(&schema).expect("a text");
        let back = types::object(&text, "other").expect("a type");
        prop_assert_eq!(&back, &schema, "{}", text);
        prop_assert_eq!(back.fingerprint(), schema.fingerprint());
        // In one line it is the same type.
        let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if !line.contains('"') {
            prop_assert_eq!(types::object(&line, "other").expect("a type"), schema);
        }
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,60}") {
        let _ = types::object(&text, "x");
        let _ = condition::parse(&text);
    }

    #[test]
    fn no_text_of_its_own_words_makes_the_parser_panic(
        words in vec(proptest::sample::select(vec![
            "struct", "enum", "{", "}", "[", "]", "<", ">", ",", ";", ":", "=", "-", "x", "u8", "i64",
            "List", "Value", "Text", "Flag", "AtomicU64", "appendable", "(", ")", "1", "0", "\"", "was",
            "!", "==", "&&", "||", "<=", ".", "99999999999999999999", "70368744177664",
        ]), 0..40)
    ) {
        let _ = types::object(&words.join(" "), "x");
        let _ = condition::parse(&words.join(" "));
    }
}
