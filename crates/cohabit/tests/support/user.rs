//! The role `user`: does with one object what the test says, line by line.
//!
//! ```text
//! open NAME · create NAME · open_or_create NAME · view NAME     [keep=reboot|disk] [accept] [max=N] [timeout=MS]
//!     [log] [constructor=hold|fail|panic|own]                   ok created=true
//! open_wait NAME · await_view NAME                              [within=MS], else a minute
//! anonymous                                                     [keep=reboot] [max=N] [constructor=…]
//! give SOCKET · give_read_only SOCKET                           listening; then ok, once it was fetched
//! take SOCKET · take_view SOCKET                                [timeout=MS]; ok created=false
//! close_all · closed_to_writers                                 ok
//!     [machine=ACCESS], see `several`; and its words
//! thread                                                        ok, and another thread for good
//! drop · drop_view · leave · exit                               ok · ok · (end) · (end by exit)
//! get · read · version · view_get · view_read                   ok NUMBER · ok NUMBER@VERSION · …
//! set N · try_set N · set_timeout N MS                          ok VERSION
//! update · try_update · update_timeout MS                       ok NUMBER, which is one more
//! hold                                                          inside; then commit or panic
//! peek · view_peek · look MS · view_look MS: as get and wait, and a torn pair is none of our business
//! wait MS · view_wait MS, from the version seen last            ok NUMBER@VERSION
//! pin · pinned I · unpin I                                      ok NUMBER@VERSION
//! users · status                                                ok PID:guest …
//! ```

use std::time::Duration;

use cohabit::{Keep, Part, Pinned, Shared, SharedValue, SharedView, Value, Version, plain};

use super::child::Peer;
use super::handing::{self, Giver};
use super::{line, several, world};

/// A number and its complement, so that a torn pair is seen.
#[plain]
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Pair {
    pub(crate) number: u64,
    pub(crate) twin: u64,
}

impl Pair {
    pub(crate) fn of(number: u64) -> Pair {
        Pair { number, twin: !number }
    }

    /// The number, if the pair is whole.
    pub(crate) fn whole(self) -> u64 {
        assert_eq!(self.twin, !self.number, "a torn value");
        self.number
    }
}

struct User {
    object: Option<SharedValue<Pair>>,
    view: Option<SharedView<Value<Pair>>>,
    pins: Vec<Option<Pinned<'static, Pair>>>,
    /// The version that was read last.
    seen: Version,
}

/// The role.
pub(crate) fn user(peer: &mut Peer) {
    let mut user = User { object: None, view: None, pins: Vec::new(), seen: Version::NONE };
    loop {
        let said = peer.hear();
        let words: Vec<_> = said.split(' ').collect();
        let answer = match words[0] {
            "leave" => return,
            "exit" => {
                std::mem::forget(user);
                std::process::exit(0)
            }
            "open" | "create" | "open_or_create" | "view" => user.attach(peer, &words),
            "open_wait" | "await_view" => user.attach(peer, &words),
            "anonymous" | "take" | "take_view" => user.attach(peer, &words),
            "give" | "give_read_only" => user.give(peer, &words),
            #[cfg(unix)]
            "close_all" => {
                super::sys::close_from(3);
                "ok".to_owned()
            }
            "become" | "umask" | "list" | "collect" | "remove" | "remove_force" => {
                several::act(&words)
            }
            "thread" => {
                std::thread::spawn(std::thread::park);
                "ok".to_owned()
            }
            "drop" => {
                user.object = None;
                "ok".to_owned()
            }
            "drop_view" => {
                user.view = None;
                "ok".to_owned()
            }
            _ => user.act(peer, &words),
        };
        peer.say(answer);
    }
}

fn number(words: &[&str], index: usize) -> u64 {
    words[index].parse().expect("a number")
}

impl User {
    fn shown(&mut self, outcome: cohabit::Result<(Pair, Version)>) -> String {
        line(outcome.map(|(pair, version)| {
            self.seen = version;
            format!("{}@{version}", pair.whole())
        }))
    }

    fn attach(&mut self, peer: &Peer, words: &[&str]) -> String {
        let name = words.get(1).copied().unwrap_or("anonymous");
        let mut options = SharedValue::<Pair>::options();
        let mut constructor = "plain";
        let mut logs = false;
        let mut within = Duration::from_secs(60);
        for word in words.iter().skip(1) {
            match word.split_once('=') {
                Some(("keep", "disk")) => options = options.keep(Keep::OnDisk),
                Some(("keep", _)) => options = options.keep(Keep::UntilReboot),
                None if *word == "accept" => options = options.accept_unverified(),
                Some(("max", n)) => options = options.max_users(n.parse().expect("a number")),
                Some(("timeout", ms)) => {
                    let ms = ms.parse().expect("a number");
                    options = options.timeout(Duration::from_millis(ms));
                }
                Some(("within", limit)) => within = ms(limit.parse().expect("a number")),
                Some(("constructor", how)) => constructor = how,
                Some(("machine", spec)) => options = options.scope(several::scope(spec)),
                None if *word == "log" => logs = true,
                _ => {}
            }
        }
        if words[0].ends_with("view") {
            let view = match words[0] {
                "view" => options.open_read_only(name),
                "take_view" => SharedView::from_fd(handing::fetch(name)),
                _ => options.open_read_only_wait(name, within),
            };
            return line(view.map(|view| {
                self.view = Some(view);
                "view"
            }));
        }
        let build = || {
            if logs {
                world::log("constructor");
            }
            construct(peer, constructor, name)
        };
        let opened = match words[0] {
            "open" => options.open(name),
            "open_wait" => options.open_wait(name, within),
            "anonymous" => options.anonymous(build),
            "take" => options.from_fd(handing::fetch(name)),
            "create" => options.create(name, build),
            _ => options.open_or_create(name, build),
        };
        line(opened.map(|object| {
            let created = object.created();
            self.object = Some(object);
            format!("created={created}")
        }))
    }

    /// Hands the object to whoever connects first.
    fn give(&mut self, peer: &Peer, words: &[&str]) -> String {
        let giver = Giver::at(words[1]);
        peer.say("listening");
        let taker = giver.meet();
        let handle = match (&self.object, &self.view) {
            (Some(object), _) if words[0] == "give" => object.to_fd(),
            (Some(object), _) => object.to_read_only_fd(),
            (None, view) => view.as_ref().expect("a view").to_fd(),
        };
        drop(giver);
        line(handle.map(|handle| {
            taker.give(handle);
            "given"
        }))
    }

    fn act(&mut self, peer: &Peer, words: &[&str]) -> String {
        if let Some(rest) = words[0].strip_prefix("view_") {
            let view = self.view.clone().expect("a view");
            return match rest {
                "get" => line(view.get().map(Pair::whole)),
                "read" => self.shown(view.read()),
                "wait" => self.shown(view.wait_changed(self.seen, ms(number(words, 1)))),
                "peek" => line(view.get().map(|pair| pair.number)),
                "look" => line(view.wait_version(self.seen, ms(number(words, 1)))),
                "users" => line(view.users().map(|users| users.len())),
                "status" => line(view.status().map(|status| format!("{:?}", status.standing))),
                other => panic!("no such word: view_{other}"),
            };
        }
        let object = self.object.clone().expect("an object");
        match words[0] {
            "get" => line(object.get().map(Pair::whole)),
            "read" => self.shown(object.read()),
            "version" => line(object.version()),
            "set" => line(object.set(Pair::of(number(words, 1)))),
            "try_set" => line(object.try_set(Pair::of(number(words, 1)))),
            "set_timeout" => {
                line(object.set_timeout(Pair::of(number(words, 1)), ms(number(words, 2))))
            }
            "update" => line(object.update(one_more)),
            "try_update" => line(object.try_update(one_more)),
            "update_timeout" => line(object.update_timeout(one_more, ms(number(words, 1)))),
            "hold" => hold(peer, &object),
            "peek" => line(object.get().map(|pair| pair.number)),
            "look" => line(object.wait_version(self.seen, ms(number(words, 1)))),
            "wait" => self.shown(object.wait_changed(self.seen, ms(number(words, 1)))),
            "name" => object.name().to_owned(),
            "closed_to_writers" => line(object.forbid_new_writers().map(|()| "closed")),
            "users" => line(object.users().map(|users| {
                let users = users.iter().map(|user| format!("{}:{}", user.pid, user.guest));
                users.collect::<Vec<_>>().join(" ")
            })),
            "status" => line(object.status().map(|status| format!("{:?}", status.standing))),
            _ => self.act_on_pins(words),
        }
    }

    fn act_on_pins(&mut self, words: &[&str]) -> String {
        match words[0] {
            "pin" => {
                let object = self.object.as_ref().expect("an object");
                // Leaked: a pin borrows its handle, and this one is for the rest of the process.
                let object: &'static Shared<Value<Pair>> = Box::leak(Box::new(object.clone()));
                line(object.pin().map(|pin| {
                    let version = pin.version();
                    self.pins.push(Some(pin));
                    version
                }))
            }
            "pinned" => {
                let at = usize::try_from(number(words, 1)).expect("an index");
                let pin = self.pins[at].as_ref().expect("a pin");
                let part = |part: Part<Pair, u64>| pin.get_part(part).expect("a pinned part");
                let pair = Pair { number: part(Pair::NUMBER), twin: part(Pair::TWIN) };
                format!("ok {}@{}", pair.whole(), pin.version())
            }
            "unpin" => {
                let at = usize::try_from(number(words, 1)).expect("an index");
                self.pins[at] = None;
                "ok".to_owned()
            }
            other => panic!("no such word: {other}"),
        }
    }
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn one_more(pair: &mut Pair) -> u64 {
    *pair = Pair::of(pair.number.wrapping_add(1));
    pair.number
}

/// An update in which the process stays until it is told how to go on.
fn hold(peer: &Peer, object: &SharedValue<Pair>) -> String {
    let updated = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        object.update(|pair| {
            *pair = Pair { number: pair.number + 1, twin: 0 };
            peer.say("inside");
            let said = peer.hear();
            assert_ne!(said, "panic", "as the test asked");
            *pair = Pair::of(pair.number);
            pair.number
        })
    }));
    match updated {
        Ok(outcome) => line(outcome),
        Err(_) => "panicked".to_owned(),
    }
}

/// The constructor, in the way that the test asked for.
fn construct(peer: &Peer, how: &str, name: &str) -> Result<Pair, String> {
    match how {
        "hold" => {
            peer.say("building");
            match &peer.hear()[..] {
                "fail" => return Err("no fuel".to_owned()),
                "panic" => panic!("as the test asked"),
                _ => {}
            }
        }
        "fail" => return Err("no fuel".to_owned()),
        "own" => {
            let inner = SharedValue::<Pair>::open_or_create(name, || Pair::of(0));
            return Err(line(inner.map(|_| "opened")));
        }
        _ => {}
    }
    Ok(Pair::of(0))
}
