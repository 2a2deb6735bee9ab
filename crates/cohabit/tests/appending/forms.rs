//! The forms of the struct, and what a program does with one of them.
//!
//! ```text
//! create · open · open_or_create · keep · view        ok
//! get · view_get · part · boxed · into · pin          ok DEBUG
//! set N · try_set N · set_from N · set_part N · update N · hold N     ok VERSION
//! drop · leave
//! ```

use std::fmt::Debug;

use cohabit::{Appended, Keep, List, Part, Plain, SharedValue, SharedView, Text, Value, plain};

use crate::support::{Peer, line};

/// The name of the object.
pub(crate) const NAME: &str = "status";

/// A form of the struct, whose fields are made of a number.
pub(crate) trait Form: Plain + Debug {
    const RPM: Part<Self, u32>;
    fn of(number: u32) -> Self;
    fn fill(&mut self, number: u32);
}

macro_rules! forms {
    ($($(#[$attribute:meta])* $name:ident { $($(#[$inner:meta])* $field:ident: $ty:ty = $of:expr),* $(,)? })*) => {$(
        #[plain(appendable = 128)]
        $(#[$attribute])*
        #[derive(Debug, PartialEq)]
        pub(crate) struct $name { $($(#[$inner])* pub(crate) $field: $ty),* }

        impl Form for $name {
            const RPM: Part<Self, u32> = Self::RPM;

            fn of(number: u32) -> Self {
                Self { $($field: ($of)(number)),* }
            }

            fn fill(&mut self, number: u32) {
                $(self.$field = ($of)(number);)*
            }
        }
    )*};
}

fn byte(number: u32) -> u8 {
    number as u8
}

fn limit(number: u32) -> Appended<u32> {
    Appended::new(number)
}

fn name(number: u32) -> Text<8> {
    Text::truncated(&number.to_string())
}

fn history(number: u32) -> List<u16, 4> {
    List::try_from([number as u16, 2]).expect("room for four")
}

forms! {
    Old { rpm: u32 = u32::from, small: u8 = byte }
    // `odd` lies where the old struct has padding.
    New { rpm: u32 = u32::from, small: u8 = byte, odd: u8 = byte, torque: f64 = f64::from, limit: Appended<u32> = limit }
    Newest {
        rpm: u32 = u32::from,
        #[plain(was = "small")]
        tiny: u8 = byte,
        odd: u8 = byte,
        torque: f64 = f64::from,
        limit: Appended<u32> = limit,
        name: Text<8> = name,
        history: List<u16, 4> = history,
        sum: u128 = u128::from,
    }
}

/// A struct so large that `update` works on the heap.
#[plain(appendable = 65536)]
#[derive(PartialEq)]
pub(crate) struct LargeOld {
    rpm: u32,
    many: [u64; 4000],
}

#[plain(appendable = 65536)]
#[derive(PartialEq)]
pub(crate) struct LargeNew {
    rpm: u32,
    many: [u64; 4000],
    torque: f64,
}

impl Debug for LargeOld {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.rpm, self.many[3999])
    }
}

impl Debug for LargeNew {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} {}", self.rpm, self.many[3999], self.torque)
    }
}

impl Form for LargeOld {
    const RPM: Part<Self, u32> = Self::RPM;

    fn of(number: u32) -> Self {
        Self { rpm: number, many: [u64::from(number); 4000] }
    }

    fn fill(&mut self, number: u32) {
        *self = Self::of(number);
    }
}

impl Form for LargeNew {
    const RPM: Part<Self, u32> = Self::RPM;

    fn of(number: u32) -> Self {
        Self { rpm: number, many: [u64::from(number); 4000], torque: f64::from(number) }
    }

    fn fill(&mut self, number: u32) {
        *self = Self::of(number);
    }
}

struct Program<T: Form> {
    object: Option<SharedValue<T>>,
    view: Option<SharedView<Value<T>>>,
}

/// The role.
pub(crate) fn program<T: Form>(peer: &mut Peer) {
    let mut program = Program::<T> { object: None, view: None };
    loop {
        let said = peer.hear();
        let (verb, number) = said.split_once(' ').unwrap_or((&said, "0"));
        let number = number.parse().expect("a number");
        let answer = match verb {
            "leave" => return,
            "drop" => {
                (program.object, program.view) = (None, None);
                "ok".to_owned()
            }
            "hold" => program.hold(peer, number),
            _ => program.attach(verb, number).unwrap_or_else(|| program.act(verb, number)),
        };
        peer.say(answer);
    }
}

impl<T: Form> Program<T> {
    fn attach(&mut self, verb: &str, number: u32) -> Option<String> {
        let options = SharedValue::<T>::options();
        let object = match verb {
            "create" => options.create(NAME, || Box::new(T::of(number))),
            "keep" => options.keep(Keep::UntilReboot).create(NAME, || Box::new(T::of(number))),
            "open" => options.open(NAME),
            "open_or_create" => options.open_or_create(NAME, || Box::new(T::of(number))),
            "view" => {
                let view = options.open_read_only(NAME);
                return Some(line(view.map(|view| {
                    self.view = Some(view);
                    "view"
                })));
            }
            _ => return None,
        };
        Some(line(object.map(|object| {
            self.object = Some(object);
            "object"
        })))
    }

    fn act(&self, verb: &str, number: u32) -> String {
        if let Some(view) = self.view.as_ref().filter(|_| verb == "view_get") {
            return line(view.get().map(|value| format!("{value:?}")));
        }
        let object = self.object.as_ref().expect("an object");
        let said = |value: T| format!("{value:?}");
        match verb {
            "get" => line(object.get().map(said)),
            "boxed" => line(object.get_boxed().map(|value| said(*value))),
            "into" => {
                let mut value = T::of(0);
                line(object.get_into(&mut value).map(|_| said(value)))
            }
            "pin" => line(object.pin().and_then(|pinned| pinned.get_part(T::RPM))),
            "part" => line(object.get_part(T::RPM)),
            "set" => line(object.set(T::of(number))),
            "try_set" => line(object.try_set(T::of(number))),
            "set_from" => line(object.set_from(&T::of(number))),
            "set_part" => line(object.set_part(T::RPM, number)),
            "update" => line(object.update(|value| value.fill(number)).map(|()| "updated")),
            other => panic!("unknown verb {other}"),
        }
    }

    /// Stays inside an update until it hears a line.
    fn hold(&self, peer: &mut Peer, number: u32) -> String {
        let object = self.object.as_ref().expect("an object");
        line(object.update(|value| {
            value.fill(number);
            peer.say("holding");
            peer.hear();
            "updated"
        }))
    }
}
