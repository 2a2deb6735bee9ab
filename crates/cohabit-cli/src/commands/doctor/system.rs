//! What the kernel does and systemd may do: liveness, unnamed files, RemoveIPC.

use std::path::Path;

use cohabit::Scope;
use cohabit_os::health::{self, Kernel, RemoveIpc};
use cohabit_os::mapping::File;
use cohabit_os::{Mechanism, accounts, liveness, mechanism, place, process};

use super::place::root_of;
use super::{Finding, Level};

pub(super) fn check(scope: &Scope) -> Vec<Finding> {
    let folder = trial_folder(scope);
    let mut findings = vec![
        kernel(&health::kernel(), File::unnamed(&folder, 4096, 0o600).map(drop)),
        liveness(liveness::anchors_work(Some(&folder))),
    ];
    if *scope == Scope::User && place::root() == Path::new("/dev/shm") {
        let uid = process::effective_uid();
        let user = accounts::user_name(uid);
        findings.push(remove_ipc(&health::removes_ipc(uid, user.as_deref())));
    }
    findings
}

/// Where the trials make their files: the objects' folder, or what will hold it.
fn trial_folder(scope: &Scope) -> std::path::PathBuf {
    cohabit::folder_of(scope).ok().flatten().unwrap_or_else(|| root_of(scope))
}

fn kernel(kernel: &Kernel, unnamed: Result<(), cohabit_os::Error>) -> Finding {
    let waits = match kernel.waits_on_many {
        Some(true) => "; futex_waitv is there",
        Some(false) => "; futex_waitv is missing, and not needed",
        None => "",
    };
    let text = format!("{}{waits}", kernel.release);
    match unnamed {
        Ok(()) => Finding::ok("kernel", format!("{text}; memory without a name works")),
        Err(error) => Finding::bad(
            "kernel",
            format!("{text}; no unnamed file could be made: {error}"),
        )
        .advise("Use a file system that has them (O_TMPFILE), such as tmpfs, and room for a page."),
    }
}

fn liveness(works: Result<bool, cohabit_os::Error>) -> Finding {
    match works {
        Ok(true) => Finding::ok("liveness", "the kernel tells who lives, by what ends with the process"),
        // By its nature, and not for want of anything.
        Ok(false) if mechanism() == Mechanism::Portable => Finding::ok("liveness", "lock files tell who lives, each locked through a descriptor")
            .advise("Do not close descriptors that are not yours: who does looks dead."),
        Ok(false) => Finding::warn("liveness", "a lock does not last as long as a map here, so each object keeps a descriptor")
            .advise("Do not close descriptors that are not yours; a forked child keeps its parent alive until it execs."),
        Err(error) => Finding::bad("liveness", format!("the kernel cannot be asked who lives: {error}"))
            .advise("A sandbox or file system without byte locks: use /dev/shm, or another sandbox."),
    }
}

fn remove_ipc(found: &RemoveIpc) -> Finding {
    let (level, text) = match found {
        RemoveIpc::NoSystemd => (Level::Ok, "systemd does not run here".to_owned()),
        RemoveIpc::Spared(why) => (Level::Ok, format!("systemd removes nothing: {why}")),
        RemoveIpc::No(file) => {
            (Level::Ok, format!("systemd removes nothing, as {} says", file.display()))
        }
        RemoveIpc::Yes(file) => {
            let by = match file {
                Some(file) => format!("as {} says", file.display()),
                None => "which is its default".to_owned(),
            };
            (Level::Warn, format!("systemd removes your objects when you log out, {by}"))
        }
    };
    let finding = Finding::new("remove-ipc", level, text);
    match found {
        RemoveIpc::Yes(_) => finding.advise(
            "`loginctl enable-linger`, or RemoveIPC=no in /etc/systemd/logind.conf; services of system \
             users are spared.",
        ),
        _ => finding,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remove_ipc_is_a_warning_where_it_hits() {
        assert_eq!(remove_ipc(&RemoveIpc::NoSystemd).level, Level::Ok);
        assert_eq!(remove_ipc(&RemoveIpc::Spared("x")).level, Level::Ok);
        assert_eq!(remove_ipc(&RemoveIpc::No("/a".into())).level, Level::Ok);
        let found = remove_ipc(&RemoveIpc::Yes(None));
        assert_eq!(found.level, Level::Warn);
        assert!(found.advice.unwrap().contains("enable-linger"));
    }

    #[test]
    fn what_the_kernel_refuses_is_bad() {
        let refused = || cohabit_os::Error::unsupported("try");
        assert_eq!(liveness(Ok(true)).level, Level::Ok);
        let kept = if mechanism() == Mechanism::Portable { Level::Ok } else { Level::Warn };
        assert_eq!(liveness(Ok(false)).level, kept);
        assert_eq!(liveness(Err(refused())).level, Level::Bad);
        let release = || Kernel { release: "5.10".into(), waits_on_many: None };
        assert_eq!(kernel(&release(), Ok(())).level, Level::Ok);
        assert_eq!(kernel(&release(), Err(refused())).level, Level::Bad);
    }
}
