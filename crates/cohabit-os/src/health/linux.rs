//! Linux: statfs(2), getrlimit(2), proc(5), logind.conf(5), and the marks that containers leave.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use rustix::process::{Resource, getrlimit};

use super::{Filesystem, Kernel, Limits, Medium, RemoveIpc};
use crate::error::{Error, Result};

/// Magic numbers of statfs(2), the names that mount(8) has for them, and where the bytes are.
const FILESYSTEMS: [(u32, &str, Medium); 27] = [
    (0x0102_1994, "tmpfs", Medium::Memory),
    (0x8584_58f6, "ramfs", Medium::Memory),
    (0x9584_58f6, "hugetlbfs", Medium::Memory),
    (0x0000_ef53, "ext4", Medium::Disk),
    (0x9123_683e, "btrfs", Medium::Disk),
    (0x5846_5342, "xfs", Medium::Disk),
    (0xf2f5_2010, "f2fs", Medium::Disk),
    (0x2fc1_2fc1, "zfs", Medium::Disk),
    (0xca45_1a4e, "bcachefs", Medium::Disk),
    (0x0000_4d44, "vfat", Medium::Disk),
    (0x794c_7630, "overlay", Medium::Disk),
    (0x0000_6969, "nfs", Medium::Network),
    (0xff53_4d42, "cifs", Medium::Network),
    (0xfe53_4d42, "smb2", Medium::Network),
    (0x0102_1997, "9p", Medium::Network),
    (0x6573_5546, "fuse", Medium::Network),
    (0x00c3_6400, "ceph", Medium::Network),
    (0x0bd0_0bd0, "lustre", Medium::Network),
    (0x4750_4653, "gpfs", Medium::Network),
    (0x5346_414f, "afs", Medium::Network),
    (0x6b41_4653, "afs", Medium::Network),
    (0x0000_517b, "smbfs", Medium::Network),
    (0x7375_7245, "coda", Medium::Network),
    (0x0000_564c, "ncpfs", Medium::Network),
    (0x0116_1970, "gfs2", Medium::Network),
    (0x7461_636f, "ocfs2", Medium::Network),
    (0x786f_4256, "vboxsf", Medium::Network),
];

pub(super) fn filesystem(folder: &Path) -> Result<Filesystem> {
    let found = rustix::fs::statfs(folder).map_err(|errno| Error::new("statfs", errno.into()))?;
    // The field's width differs between targets; the numbers have 32 bits.
    let magic = found.f_type as u32;
    let known = FILESYSTEMS.iter().find(|(number, ..)| *number == magic);
    Ok(match known {
        Some((_, name, medium)) => Filesystem { name: (*name).to_owned(), medium: *medium },
        None => Filesystem { name: format!("filesystem {magic:#x}"), medium: Medium::Disk },
    })
}

pub(super) fn limits() -> Limits {
    let soft = |resource| getrlimit(resource).current;
    let maps = fs::read_to_string("/proc/sys/vm/max_map_count");
    Limits {
        descriptors: soft(Resource::Nofile),
        file_size: soft(Resource::Fsize),
        address_space: soft(Resource::As),
        maps: maps.ok().and_then(|text| text.trim().parse().ok()),
    }
}

pub(super) fn container(root: &Path) -> Option<String> {
    let marks = [(".dockerenv", "docker"), ("run/.containerenv", "podman")];
    if let Some((_, name)) = marks.iter().find(|(mark, _)| root.join(mark).exists()) {
        return Some((*name).to_owned());
    }
    // systemd, where it runs in a container, says in which.
    let said = fs::read_to_string(root.join("run/systemd/container"));
    if let Some(name) = said.ok().map(|text| text.trim().to_owned()).filter(|name| !name.is_empty())
    {
        return Some(name);
    }
    // With cgroups of version 1, the path names the engine.
    let groups = fs::read_to_string(root.join("proc/1/cgroup")).unwrap_or_default();
    let engines = ["docker", "kubepods", "containerd", "libpod", "lxc"];
    engines.iter().find(|engine| groups.contains(**engine)).map(|name| (*name).to_owned())
}

pub(super) fn removes_ipc(root: &Path, uid: u32, user: Option<&str>) -> RemoveIpc {
    // sd_booted(3).
    if !root.join("run/systemd/system").is_dir() {
        return RemoveIpc::NoSystemd;
    }
    if uid == 0 {
        return RemoveIpc::Spared("root is spared");
    }
    if uid <= last_system_uid(root) {
        return RemoveIpc::Spared("system users are spared");
    }
    if user.is_some_and(|user| root.join("var/lib/systemd/linger").join(user).exists()) {
        return RemoveIpc::Spared("the user lingers");
    }
    let mut verdict = RemoveIpc::Yes(None);
    for file in logind_files(root) {
        match fs::read_to_string(&file).ok().and_then(|text| remove_ipc_in(&text)) {
            Some(true) => verdict = RemoveIpc::Yes(Some(file)),
            Some(false) => verdict = RemoveIpc::No(file),
            None => {}
        }
    }
    verdict
}

pub(super) fn kernel() -> Kernel {
    let release = rustix::system::uname().release().to_string_lossy().into_owned();
    // SAFETY: with a null list of no entries the call reads and writes nothing: it is refused with
    // EINVAL, or with ENOSYS where it is not known.
    let answer = unsafe {
        libc::syscall(
            libc::SYS_futex_waitv,
            std::ptr::null::<u8>(),
            0,
            0,
            std::ptr::null::<u8>(),
            0,
        )
    };
    let refused = std::io::Error::last_os_error().raw_os_error();
    let waits_on_many = answer == 0 || refused == Some(libc::EINVAL);
    Kernel { release, waits_on_many: Some(waits_on_many) }
}

/// The last uid of users that are no persons: login.defs(5), else what systemd is built with.
fn last_system_uid(root: &Path) -> u32 {
    let text = fs::read_to_string(root.join("etc/login.defs")).unwrap_or_default();
    let value = |line: &str| line.trim().strip_prefix("SYS_UID_MAX")?.trim().parse().ok();
    text.lines().find_map(value).unwrap_or(999)
}

/// The configuration of logind in the order in which it is read: what comes later counts.
fn logind_files(root: &Path) -> Vec<PathBuf> {
    // The first folder that has the main file, or a drop-in of the same name, wins over the others.
    let folders = ["etc/systemd", "run/systemd", "usr/local/lib/systemd", "usr/lib/systemd"];
    let main = folders.map(|folder| root.join(folder).join("logind.conf"));
    let mut files: Vec<_> = main.into_iter().find(|file| file.is_file()).into_iter().collect();
    let mut drop_ins: BTreeMap<OsString, PathBuf> = BTreeMap::new();
    for folder in folders {
        let entries = fs::read_dir(root.join(folder).join("logind.conf.d"));
        for entry in entries.into_iter().flatten().flatten() {
            if Path::new(&entry.file_name()).extension().is_some_and(|end| end == "conf") {
                drop_ins.entry(entry.file_name()).or_insert_with(|| entry.path());
            }
        }
    }
    files.extend(drop_ins.into_values());
    files
}

/// What a file says of RemoveIPC, if it does; the last line counts. systemd.syntax(7).
fn remove_ipc_in(text: &str) -> Option<bool> {
    let mut in_login = false;
    let mut said = None;
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            in_login = line == "[Login]";
        } else if in_login
            && let Some((key, value)) = line.split_once('=')
            && key.trim() == "RemoveIPC"
        {
            let value = value.trim().to_ascii_lowercase();
            said = match value.as_str() {
                "1" | "yes" | "y" | "true" | "t" | "on" => Some(true),
                "0" | "no" | "n" | "false" | "f" | "off" => Some(false),
                // An empty value restores the default, and another one is ignored.
                "" => None,
                _ => said,
            };
        }
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tree of files to stand for `/`; removed when dropped.
    struct Root(PathBuf);

    impl Root {
        fn new(name: &str, files: &[(&str, &str)]) -> Root {
            let path = std::env::temp_dir().join(format!("cohabit-{name}-{}", std::process::id()));
            fs::create_dir_all(&path).unwrap();
            for (file, text) in files {
                let file = path.join(file);
                fs::create_dir_all(file.parent().unwrap()).unwrap();
                fs::write(file, text).unwrap();
            }
            Root(path)
        }
    }

    impl Drop for Root {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn drop_ins_win_over_the_main_file_and_etc_over_the_others() {
        let root = Root::new(
            "drop-ins",
            &[
                ("run/systemd/system/x", ""),
                ("etc/systemd/logind.conf", "[Login]\n#RemoveIPC=no\nRemoveIPC=no\n"),
                ("usr/lib/systemd/logind.conf", "[Login]\nRemoveIPC=yes\n"),
                ("usr/lib/systemd/logind.conf.d/50-a.conf", "[Login]\nRemoveIPC = yes\n"),
                ("etc/systemd/logind.conf.d/50-a.conf", "[Other]\nRemoveIPC=yes\n"),
            ],
        );
        let main = root.0.join("etc/systemd/logind.conf");
        assert_eq!(removes_ipc(&root.0, 1000, None), RemoveIpc::No(main));
        let last = root.0.join("run/systemd/logind.conf.d/60-b.conf");
        fs::create_dir_all(last.parent().unwrap()).unwrap();
        fs::write(&last, "[Login]\nRemoveIPC=on\n").unwrap();
        assert_eq!(removes_ipc(&root.0, 1000, None), RemoveIpc::Yes(Some(last)));
    }

    #[test]
    fn who_is_spared_and_what_is_the_default() {
        let root = Root::new(
            "spared",
            &[
                ("run/systemd/system/x", ""),
                ("etc/login.defs", "# SYS_UID_MAX 5\nSYS_UID_MAX\t\t 499\n"),
                ("var/lib/systemd/linger/ada", ""),
            ],
        );
        let of = |uid, user| removes_ipc(&root.0, uid, user);
        assert_eq!(of(0, Some("root")), RemoveIpc::Spared("root is spared"));
        assert_eq!(of(499, None), RemoveIpc::Spared("system users are spared"));
        assert_eq!(of(1000, Some("ada")), RemoveIpc::Spared("the user lingers"));
        assert_eq!(of(500, Some("bob")), RemoveIpc::Yes(None));
        let none = Root::new("no-systemd", &[]);
        assert_eq!(removes_ipc(&none.0, 1000, None), RemoveIpc::NoSystemd);
    }

    #[test]
    fn a_value_is_what_systemd_takes_for_one() {
        let said = |line: &str| remove_ipc_in(&format!("[Login]\n{line}\n"));
        assert_eq!(said("RemoveIPC=TRUE"), Some(true));
        assert_eq!(said("RemoveIPC=0"), Some(false));
        assert_eq!(said("RemoveIPC=no\nRemoveIPC="), None);
        assert_eq!(said("RemoveIPC=no\nRemoveIPC=perhaps"), Some(false));
        assert_eq!(remove_ipc_in("RemoveIPC=no\n"), None);
    }

    #[test]
    fn containers_are_known_by_their_marks() {
        let found = |files: &[(&str, &str)], name: &str| container(&Root::new(name, files).0);
        assert_eq!(found(&[], "bare"), None);
        assert_eq!(found(&[(".dockerenv", "")], "docker").as_deref(), Some("docker"));
        assert_eq!(found(&[("run/.containerenv", "")], "podman").as_deref(), Some("podman"));
        let nspawn = [("run/systemd/container", "systemd-nspawn\n")];
        assert_eq!(found(&nspawn, "nspawn").as_deref(), Some("systemd-nspawn"));
        let groups = [("proc/1/cgroup", "4:memory:/kubepods/burstable/x\n")];
        assert_eq!(found(&groups, "kube").as_deref(), Some("kubepods"));
    }

    #[test]
    fn this_machine_can_be_looked_at() {
        let found = filesystem(Path::new("/proc")).unwrap();
        assert_eq!(found, Filesystem { name: "filesystem 0x9fa0".into(), medium: Medium::Disk });
        assert!(!kernel().release.is_empty());
        assert!(limits().maps.is_some_and(|maps| maps > 0));
    }
}
