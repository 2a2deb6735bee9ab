//! What the kernel is asked for once: a user namespace, and settings that are put back.

use super::Report;
use crate::tools::Outcome;
use std::fs;
use std::process::Command;

/// Says to the program that runs in a namespace that it does.
const INSIDE: &str = "COHABIT_IN_NAMESPACE";

/// Runs this program again in a user namespace, where it is root, if it is not root here.
pub(super) fn in_a_namespace_if_needed() -> Option<Outcome> {
    // SAFETY: geteuid has no precondition.
    if unsafe { libc::geteuid() } == 0 {
        return None;
    }
    if std::env::var_os(INSIDE).is_some() {
        return Some(Err("is not root in its own user namespace".to_owned()));
    }
    // With the user's range of ids, if there is one (newuidmap, /etc/subuid); else as root alone.
    for map in [&["--map-root-user", "--map-auto"][..], &["--map-root-user"]] {
        let mut trial = Command::new("unshare");
        let can = trial.arg("--user").args(map).arg("true").output();
        if can.is_ok_and(|output| output.status.success()) {
            return Some(inside(map));
        }
    }
    println!("skipped: everything; the kernel gives no user namespace here, and this is not root");
    Some(Ok(()))
}

fn inside(map: &[&str]) -> Outcome {
    println!("as a plain user, in a user namespace (unshare --user {})", map.join(" "));
    let program = std::env::current_exe().map_err(|e| format!("this program: {e}"))?;
    let mut command = Command::new("unshare");
    command.arg("--user").args(map).arg(program).arg("test-permissions").env(INSIDE, "1");
    let status = command.status().map_err(|e| format!("unshare does not start: {e}"))?;
    if status.success() { Ok(()) } else { Err(format!("in the namespace: {status}")) }
}

/// A setting of the whole machine, put back when dropped.
struct Setting {
    path: String,
    before: String,
}

impl Setting {
    fn of(name: &str) -> Result<Self, String> {
        let path = format!("/proc/sys/fs/{name}");
        let before = fs::read_to_string(&path).map_err(|e| format!("{path}: {e}"))?;
        Ok(Self { path, before })
    }

    fn set(&self, value: &str) -> Result<(), String> {
        fs::write(&self.path, value).map_err(|e| e.to_string())
    }
}

impl Drop for Setting {
    fn drop(&mut self) {
        if fs::read_to_string(&self.path).is_ok_and(|now| now != self.before)
            && let Err(why) = self.set(&self.before)
        {
            eprintln!("{} could not be put back to {}: {why}", self.path, self.before.trim());
        }
    }
}

/// Runs `work` under each value of a setting that may be set, and under the one that there is.
pub(super) fn under_each(
    name: &str,
    values: &[&str],
    report: &mut Report,
    mut work: impl FnMut(&str, &mut Report) -> Outcome,
) -> Outcome {
    let setting = match Setting::of(name) {
        Ok(setting) => setting,
        Err(why) => {
            report.skip(format!("fs.{name}: {why}"));
            return work("unknown", report);
        }
    };
    for value in values {
        let is_so = setting.before.trim() == *value;
        match setting.set(value) {
            Err(why) if !is_so => {
                report.skip(format!("fs.{name} = {value}: it may not be set here: {why}"));
            }
            _ => work(value, report)?,
        }
    }
    Ok(())
}
