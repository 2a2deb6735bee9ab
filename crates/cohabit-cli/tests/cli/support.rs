//! What the tests share: a folder of their own, processes of `cohabit`, and types to share.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::beside::without_what_is_beside;

use cohabit::{Keep, Options, Scope, Shareable, Shared, SharedValue, Text, plain, text};

/// A folder for the objects of one test; it must be empty at the end.
pub(crate) struct Place {
    pub(crate) folder: PathBuf,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self::below(&std::env::temp_dir())
    }

    pub(crate) fn below(parent: &Path) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("cohabit-cli-{}-{number}", std::process::id());
        let folder = parent.join(name);
        make_private_folder(&folder);
        Self { folder }
    }

    pub(crate) fn scope(&self) -> Scope {
        Scope::Folder(self.folder.clone())
    }

    pub(crate) fn options<T: Shareable + ?Sized>(&self) -> Options<T> {
        Shared::<T>::options().scope(self.scope())
    }

    /// An object with the value of [`Data::sample`].
    pub(crate) fn sample(&self, name: &str) -> SharedValue<Data> {
        self.options().create(name, Data::sample).unwrap()
    }

    /// A command on the objects of this place.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = self.command_in_user_scope(args);
        command.arg("--folder").arg(&self.folder);
        command
    }

    /// The same on the user's own objects, whose root is this place.
    pub(crate) fn command_in_user_scope(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cohabit"));
        command.args(args).env("COHABIT_DIR", &self.folder);
        command
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        Ran::of(&mut self.command(args))
    }

    /// Bytes of an object's segment.
    pub(crate) fn size(&self, name: &str) -> u64 {
        cohabit_os::mapping::status_of(&self.folder.join(name)).unwrap().size
    }

    /// What is in the folder, but for what the portable mechanism has beside an object.
    pub(crate) fn files(&self) -> Vec<String> {
        let files = std::fs::read_dir(&self.folder).unwrap();
        let name = |file: std::io::Result<std::fs::DirEntry>| file.unwrap().file_name();
        let names = files.map(|file| name(file).into_string().unwrap()).collect();
        without_what_is_beside(&self.folder, names)
    }

    /// Whether the object is still listed, all of whose users were killed: as an orphan, but on Windows, where
    /// memory that nobody has is gone.
    #[track_caller]
    pub(crate) fn is_left_behind(&self, name: &str) -> bool {
        let listed = self.run(&["ls"]).out;
        let row = listed.lines().find(|line| line.starts_with(name));
        assert_eq!(row.is_some_and(|row| row.contains(" orphan ")), !windows(), "{listed}");
        assert_eq!(row.is_some(), !windows(), "{listed}");
        !windows()
    }

    /// A process that created `name`, set it to DESIGN's value and keeps it alive.
    pub(crate) fn keeper(&self, name: &str) -> Talker {
        let keeper = Talker::start(self.command(&["demo-process", "keep", name, "--time=1s"]));
        keeper.expecting("set")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.folder).unwrap();
    }
}

#[cfg(unix)]
fn make_private_folder(path: &Path) {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().mode(0o700).create(path).unwrap();
}

/// Who may use it is what its parent says, which is this user's own.
#[cfg(windows)]
fn make_private_folder(path: &Path) {
    std::fs::create_dir(path).unwrap();
}

/// Lets anybody write in a folder.
#[cfg(unix)]
pub(crate) fn open_to_all(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o777)).unwrap();
}

/// Whether this run is on Windows.
pub(crate) fn windows() -> bool {
    cohabit_os::mechanism() == cohabit_os::Mechanism::Windows
}

/// The keeping of objects that nobody uses; on a disk where memory that nobody has is gone.
pub(crate) fn kept() -> Keep {
    if windows() { Keep::OnDisk } else { Keep::UntilReboot }
}

/// The word for it.
pub(crate) fn kept_word() -> &'static str {
    if windows() { "on-disk" } else { "until-reboot" }
}

/// A process that ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    pub(crate) fn of(command: &mut Command) -> Self {
        let output = command.stdin(Stdio::null()).output().unwrap();
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The output of a process that said nothing else and succeeded.
    #[track_caller]
    pub(crate) fn fine(self) -> String {
        assert_eq!((self.code, self.err.as_str()), (Some(0), ""), "{}", self.out);
        self.out
    }

    /// The same of `who`, which on Windows cannot tell of observers, and says so.
    #[track_caller]
    pub(crate) fn fine_but_for_observers(self) -> String {
        if !windows() {
            return self.fine();
        }
        let warns = self.err.starts_with("warning: observers are not shown: ");
        assert!(warns && self.err.ends_with("[unsupported]\n"), "{}", self.err);
        Ran { err: String::new(), ..self }.fine()
    }

    /// The errors of a process that printed nothing and failed so.
    #[track_caller]
    pub(crate) fn failed(self, code: i32) -> String {
        assert_eq!((self.code, self.out.as_str()), (Some(code), ""), "{}", self.err);
        self.err
    }
}

/// A process that is talked to by lines; killed when dropped.
pub(crate) struct Talker {
    pub(crate) child: Child,
    pub(crate) stdin: Option<ChildStdin>,
    out: Option<BufReader<ChildStdout>>,
}

impl Talker {
    pub(crate) fn start(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stdin = child.stdin.take();
        let out = child.stdout.take().map(BufReader::new);
        Self { child, stdin, out }
    }

    /// Its next line; empty at its end.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.out.as_mut().unwrap().read_line(&mut line).unwrap();
        line.trim_end_matches('\n').to_owned()
    }

    pub(crate) fn expecting(mut self, line: &str) -> Self {
        assert_eq!(self.line(), line);
        self
    }

    /// Goes away as the reader of its output.
    pub(crate) fn stop_reading(&mut self) {
        self.out = None;
    }

    /// `kill -STOP`; returns once it is stopped.
    #[cfg(unix)]
    pub(crate) fn stop(&self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-STOP", &pid]).status().unwrap().success());
        let stat = || std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        while !stat().contains(") T ") {
            std::thread::yield_now();
        }
    }

    /// `kill -9`, and its end.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for its end: the exit code, the rest of its output, and its errors.
    pub(crate) fn end(mut self) -> Ran {
        drop(self.stdin.take());
        let mut out = String::new();
        self.out.as_mut().unwrap().read_to_string(&mut out).unwrap();
        let mut err = String::new();
        let mut pipe = self.child.stderr.take().unwrap();
        pipe.read_to_string(&mut err).unwrap();
        let code = self.child.wait().unwrap().code();
        Ran { code, out, err }
    }
}

impl Drop for Talker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One field of each sort.
#[plain]
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Data {
    pub(crate) x: i32,
    pub(crate) text: Text<8>,
    pub(crate) on: bool,
    pub(crate) tiny: i8,
    pub(crate) big: u64,
    pub(crate) ratio: f64,
    pub(crate) small: f32,
    pub(crate) list: [u16; 3],
    pub(crate) inner: [Inner; 2],
}

#[plain]
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Inner {
    pub(crate) a: u8,
    pub(crate) b: i64,
}

impl Data {
    pub(crate) fn sample() -> Self {
        Self {
            x: -5,
            text: text!("hello"),
            on: true,
            tiny: -128,
            big: u64::MAX,
            ratio: 0.1,
            small: 0.1,
            list: [1, 2, 3],
            inner: [Inner { a: 1, b: i64::MIN }, Inner { a: 2, b: 2 }],
        }
    }
}
