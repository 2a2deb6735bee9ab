//! A user's process: it obeys one line at a time, and answers `ok …` or `err CODE …`.
//!
//! ```text
//! become UID GID [GROUP…] · umask OCTAL
//! open|open_read_only|open_or_create|create|keep NAME ACCESS      ok created=true; held until `leave`
//! set N · get · hold · leave · drop
//! write|lock|remove|file|folder|fifo PATH · link|hard|rename PATH TO
//! ```

use crate::tools::Outcome;
use cohabit::{Access, Keep, Options, Scope, SharedValue, SharedView, Value};
use std::ffi::CString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

#[derive(Default)]
struct User {
    object: Option<SharedValue<u64>>,
    view: Option<SharedView<Value<u64>>>,
    /// Files whose locks are kept.
    locked: Vec<File>,
}

/// Obeys until nobody orders any more.
pub(super) fn run(words: &[String]) -> Outcome {
    if words != ["user"] {
        return Err(format!("no such child: {words:?}"));
    }
    let mut user = User::default();
    for line in io::stdin().lines().map_while(Result::ok) {
        let words: Vec<&str> = line.split(' ').collect();
        let answer = match user.obey(&words) {
            Ok(text) if text.is_empty() => "ok".to_owned(),
            Ok(text) => format!("ok {text}"),
            Err(text) => format!("err {text}"),
        };
        let mut out = io::stdout().lock();
        let told = writeln!(out, "{}", answer.replace('\n', " ")).and_then(|()| out.flush());
        told.map_err(|e| e.to_string())?;
    }
    Ok(())
}

fn by_code(error: cohabit::Error) -> String {
    format!("{} {error}", error.code())
}

impl User {
    fn obey(&mut self, words: &[&str]) -> Result<String, String> {
        match *words {
            ["become", uid, gid, ref groups @ ..] => become_user(uid, gid, groups),
            ["umask", mask] => {
                let mask = u32::from_str_radix(mask, 8).map_err(|e| e.to_string())?;
                // SAFETY: umask has no precondition.
                unsafe { libc::umask(mask) };
                Ok(String::new())
            }
            ["leave"] => {
                *self = Self::default();
                Ok(String::new())
            }
            ["set", number] => {
                let number = number.parse().map_err(|_| format!("no number: {number}"))?;
                let object = self.object.as_ref().ok_or("no object")?;
                object.set(number).map(|version| version.to_string()).map_err(by_code)
            }
            ["get"] => {
                let read = match (&self.object, &self.view) {
                    (Some(object), _) => object.get(),
                    (_, Some(view)) => view.get(),
                    _ => return Err("no object".to_owned()),
                };
                read.map(|number| number.to_string()).map_err(by_code)
            }
            ["hold"] => self.hold(),
            [
                verb @ ("open" | "open_read_only" | "open_or_create" | "create" | "keep"),
                name,
                spec,
            ] => self.attach(verb, name, spec),
            _ => self.meddle(words).map(|()| String::new()).map_err(|e| format!("{:?}", e.kind())),
        }
    }

    fn attach(&mut self, verb: &str, name: &str, spec: &str) -> Result<String, String> {
        let options: Options<Value<u64>> =
            SharedValue::<u64>::options().scope(Scope::Machine(access(spec)?));
        let opened = match verb {
            "open" => options.open(name),
            "create" => options.create(name, || 0),
            "keep" => options.keep(Keep::UntilReboot).create(name, || 0),
            "open_read_only" => {
                self.view = Some(options.open_read_only(name).map_err(by_code)?);
                return Ok("view".to_owned());
            }
            _ => options.open_or_create(name, || 0),
        };
        let object = opened.map_err(by_code)?;
        let created = object.created();
        self.object = Some(object);
        Ok(format!("created={created}"))
    }

    /// Answers from inside of an update, and never comes out of it.
    fn hold(&mut self) -> Result<String, String> {
        let object = self.object.as_ref().ok_or("no object")?;
        let held = object.update(|_| {
            let mut out = io::stdout().lock();
            // Whoever gave the order is there, or kills this process.
            let _ = writeln!(out, "ok inside").and_then(|()| out.flush());
            drop(out);
            loop {
                std::thread::park();
            }
        });
        held.map(|()| String::new()).map_err(by_code)
    }

    /// What a program does that does not use the library.
    fn meddle(&mut self, words: &[&str]) -> io::Result<()> {
        match *words {
            ["write", path] => OpenOptions::new().write(true).open(path).map(drop),
            ["lock", path] => {
                let file = File::open(path)?;
                lock_all_for_reading(&file)?;
                self.locked.push(file);
                Ok(())
            }
            ["remove", path] => fs::remove_file(path),
            ["file", path] => fs::write(path, b"no object"),
            // Open to others, whatever the umask is: it is to be looked into.
            ["folder", path] => fs::create_dir(path)
                .and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(0o755))),
            ["fifo", path] => make_fifo(Path::new(path)),
            ["link", path, to] => std::os::unix::fs::symlink(to, path),
            ["hard", path, to] => fs::hard_link(to, path),
            ["rename", path, to] => fs::rename(path, to),
            _ => Err(io::Error::other(format!("no such order: {words:?}"))),
        }
    }
}

/// An access in short: `owner`, or `everyone+r`, `group+w` and `trust:1001`, joined by commas.
fn access(spec: &str) -> Result<Access, String> {
    spec.split(',').try_fold(Access::owner(), |access, part| {
        Ok(match part {
            "owner" => access,
            "everyone+r" => access.and(Access::everyone().reads()),
            "everyone+w" => access.and(Access::everyone().writes()),
            "group+r" => access.and(Access::group(super::people::OPS).reads()),
            "group+w" => access.and(Access::group(super::people::OPS).writes()),
            other => {
                let uid = other.strip_prefix("trust:").and_then(|uid| uid.parse::<u32>().ok());
                access.trust_user(uid.ok_or_else(|| format!("no such access: {other}"))?)
            }
        })
    })
}

fn become_user(uid: &str, gid: &str, groups: &[&str]) -> Result<String, String> {
    let number = |text: &str| text.parse::<u32>().map_err(|_| format!("no id: {text}"));
    let (uid, gid) = (number(uid)?, number(gid)?);
    let groups = groups.iter().map(|group| number(group)).collect::<Result<Vec<_>, _>>()?;
    let refused = |what: &str| format!("{what}: {}", io::Error::last_os_error());
    // SAFETY: pointer and count are those of one vector.
    let set = unsafe { libc::setgroups(groups.len(), groups.as_ptr()) };
    // Root may keep the groups that it has, where a namespace lets nobody change them.
    if set != 0 && uid != 0 {
        return Err(refused("setgroups"));
    }
    // SAFETY: setresgid has no precondition.
    if unsafe { libc::setresgid(gid, gid, gid) } != 0 {
        return Err(refused("setresgid"));
    }
    // SAFETY: setresuid has no precondition.
    if unsafe { libc::setresuid(uid, uid, uid) } != 0 {
        return Err(refused("setresuid"));
    }
    Ok(String::new())
}

fn make_fifo(path: &Path) -> io::Result<()> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    // SAFETY: the path is a C string that lives for the call.
    match unsafe { libc::mkfifo(path.as_ptr(), 0o666) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Locks every byte for reading, which anybody can who may read.
fn lock_all_for_reading(file: &File) -> io::Result<()> {
    // SAFETY: zero is a valid value of this structure of integers.
    let mut range: libc::flock = unsafe { std::mem::zeroed() };
    range.l_type = libc::F_RDLCK as libc::c_short;
    // SAFETY: the descriptor is open as long as `file`, and the range lives for the call.
    match unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLK, &raw const range) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
