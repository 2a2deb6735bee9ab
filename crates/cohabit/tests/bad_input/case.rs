//! One bad input: tried in a process of its own, refused in words, and without a trace.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use cohabit::{Keep, Options, SharedValue, Value};
use cohabit_os::mapping::File;

use crate::support::user::Pair;
use crate::support::{Census, Child, World, keeps_what_nobody_uses, raw};

const CASE: &str = "COHABIT_TEST_CASE";
/// The name of the object in all cases.
pub(crate) const NAME: &str = "rpm";

/// Runs the body of a test in a process of its own: this binary again, with this test only.
#[macro_export]
macro_rules! case {
    ($test:ident, $body:expr) => {
        $crate::case::run(module_path!(), stringify!($test), $body)
    };
}

pub(crate) fn run(module: &str, test: &str, body: fn(&Case)) {
    if std::env::var_os(CASE).is_some() {
        crate::support::sys::watchdog(crate::support::child::WATCHDOG_S);
        let case = Case { world: World::new() };
        // What is made once for a process is made here.
        drop(case.options().create(NAME, || Pair::of(0)).expect("an object"));
        body(&case);
        return;
    }
    let module = module.split_once("::").map_or("", |(_, inner)| inner);
    let name = format!("{module}::{test}");
    let mut command = Command::new(std::env::current_exe().expect("this binary"));
    command.args(["--exact", &name, "--nocapture", "--test-threads=1"]).env(CASE, "1");
    let output = command.stdin(Stdio::null()).output().expect("a child");
    let said = String::from_utf8_lossy(&output.stdout);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name}: {}\n{said}\n{told}", output.status);
    assert!(said.contains("1 passed"), "{name} did not run:\n{said}");
    let told = ["skipped:", "otherwise for the portable mechanism:", "otherwise on Windows:"];
    for line in said.lines().filter(|line| told.iter().any(|told| line.contains(told))) {
        println!("{line}");
    }
}

/// The place of one test.
pub(crate) struct Case {
    pub(crate) world: World,
}

impl Case {
    pub(crate) fn options(&self) -> Options<Value<Pair>> {
        SharedValue::<Pair>::options().scope(self.world.scope())
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.world.path(NAME)
    }

    /// A kept object that nobody uses; or, where none is kept, one that another process uses, which comes back.
    #[must_use]
    pub(crate) fn kept(&self) -> Option<Child> {
        let kept = self.options().keep(Keep::UntilReboot).create(NAME, || Pair::of(5));
        if !keeps_what_nobody_uses() {
            drop(kept.expect_err("it would not be kept"));
            let mut user = self.world.child("user");
            user.expect("create rpm", "ok");
            user.expect("set 5", "ok");
            return Some(user);
        }
        drop(kept.expect("an object"));
        None
    }

    /// Something of these bytes in the object's place, which is there as long as what is returned.
    #[must_use]
    pub(crate) fn put(&self, bytes: &[u8]) -> File {
        if !self.world.names().is_empty() {
            self.world.lose(NAME);
        }
        let file = File::unnamed(self.world.folder(), bytes.len() as u64, 0o600).expect("memory");
        file.write_at(bytes, 0).expect("its bytes");
        file.publish(&self.path()).expect("its name");
        file
    }

    /// The bytes of the object's file.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        raw::bytes(&self.path())
    }

    /// Writes over the object's file.
    pub(crate) fn patch(&self, at: u64, bytes: &[u8]) {
        raw::open(&self.path()).write_at(bytes, at).expect("a patch");
    }

    pub(crate) fn remove_file(&self) {
        self.world.lose(NAME);
    }

    /// An attempt that is refused: with this code, in these words, and without a trace.
    #[track_caller]
    pub(crate) fn refused<T>(
        &self,
        code: &str,
        words: &[&str],
        attempt: impl FnOnce() -> cohabit::Result<T>,
    ) -> cohabit::Error {
        let before = (self.world.names(), Census::now());
        let error = match attempt() {
            Ok(_) => panic!("expected {code}, and it worked"),
            Err(error) => error,
        };
        let after = (self.world.names(), Census::now());
        assert_eq!(error.code(), code, "{error}");
        assert_eq!(before, after, "something was left behind by: {error}");
        let text = error.to_string();
        assert!(text.contains(error.kind().cure()), "the cure is missing: {text}");
        assert!(text.ends_with(&format!("[{code}]")), "the code is missing: {text}");
        for word in words {
            assert!(text.contains(word), "{word:?} is missing: {text}");
        }
        error
    }

    /// The same by each verb that opens.
    #[track_caller]
    pub(crate) fn refused_by_all(&self, code: &str, words: &[&str]) {
        let name = format!("`{NAME}`");
        let mut words = words.to_vec();
        words.push(&name);
        self.refused(code, &words, || self.options().open(NAME));
        self.refused(code, &words, || self.options().open_or_create(NAME, || Pair::of(0)));
        self.refused(code, &words, || self.options().open_read_only(NAME));
    }

    /// Leaves the folder as it must be in the end.
    pub(crate) fn clear(&self) {
        for name in self.world.names() {
            let path = self.world.path(&name);
            #[cfg(unix)]
            crate::support::world::set_mode(self.world.folder(), 0o700);
            if path.is_dir() {
                fs::remove_dir(&path).expect("it goes");
            } else {
                self.world.lose(&name);
            }
        }
        self.world.tidy();
    }
}
