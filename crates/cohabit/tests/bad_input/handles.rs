//! Descriptors that are no handles, or not of the sort that is needed.

#[cfg(unix)]
use std::fs::{File, OpenOptions};
use std::io::pipe;
#[cfg(unix)]
use std::os::{
    fd::BorrowedFd,
    unix::fs::{FileExt, OpenOptionsExt},
};

use cohabit::{SharedValue, SharedView, Value};
use cohabit_os::handle::{self, AsFd, OwnedFd};
use cohabit_os::mapping::{self, Access};

use crate::case;
use crate::case::{Case, NAME};
use crate::support::user::Pair;
use crate::support::{has_handles, raw, windows};
#[cfg(unix)]
use crate::support::{is_root, sys};

/// Refused by whoever would join and by whoever would only look.
#[track_caller]
fn refused_by_both(case: &Case, code: &str, words: &[&str], descriptor: impl AsFd) {
    let mut words = words.to_vec();
    words.push("`anonymous`");
    let descriptor = descriptor.as_fd();
    case.refused(code, &words, || SharedValue::<Pair>::from_fd(descriptor));
    case.refused(code, &words, || SharedView::<Value<Pair>>::from_fd(descriptor));
}

/// Memory of a test's own, with these bytes at its start, of a size that is fixed as an object's is.
fn sealed(bytes: &[u8], size: u64) -> OwnedFd {
    let memory = mapping::File::anonymous(size, 0o600).expect("memory");
    memory.write_at(bytes, 0).expect("bytes");
    handle::to_give(&memory, Access::ReadWrite).expect("a handle")
}

/// The bytes of an object without a name.
fn bytes() -> Vec<u8> {
    let object = SharedValue::<Pair>::anonymous(|| Pair::of(5)).expect("an object");
    let mut bytes = vec![0; usize::try_from(object.size()).expect("a size")];
    let file = handle::another(object.to_fd().expect("a handle").as_fd()).expect("the same");
    assert_eq!(file.read_at(&mut bytes, 0).expect("its bytes"), bytes.len());
    bytes
}

#[cfg(unix)] // A number may be anything there.
#[test]
fn bad_handle_closed() {
    case!(bad_handle_closed, |case| {
        if !has_handles() {
            return;
        }
        // SAFETY: the number is above any that this process may open, so it stands for nothing.
        let closed = unsafe { BorrowedFd::borrow_raw(i32::MAX) };
        refused_by_both(case, "bad-handle", &["the number of no open descriptor"], closed);
    });
}

#[cfg(unix)] // There is no such descriptor.
#[test]
fn bad_handle_path_only() {
    case!(bad_handle_path_only, |case| {
        if !has_handles() {
            return;
        }
        let path = "/proc/self/exe";
        let path_only = OpenOptions::new().read(true).custom_flags(sys::O_PATH).open(path);
        refused_by_both(case, "bad-handle", &["O_PATH"], path_only.expect("a path"));
    });
}

#[test]
fn bad_handle_pipe() {
    case!(bad_handle_pipe, |case| {
        if !has_handles() {
            return;
        }
        let (hear, tell) = pipe().expect("a pipe");
        let what = if windows() { "something else" } else { "a pipe, socket or device" };
        refused_by_both(case, "bad-handle", &[what], &hear);
        refused_by_both(case, "bad-handle", &[what], &tell);
        #[cfg(unix)]
        {
            let device = File::open("/dev/null").expect("a device");
            refused_by_both(case, "bad-handle", &["a pipe, socket or device"], device);
        }
    });
}

#[cfg(unix)] // What is no section is refused alike: see the pipes.
#[test]
fn bad_handle_directory() {
    case!(bad_handle_directory, |case| {
        if !has_handles() {
            return;
        }
        let folder = File::open(case.world.folder()).expect("a folder");
        refused_by_both(case, "bad-handle", &["a directory"], folder);
    });
}

#[test]
fn bad_handle_named() {
    case!(bad_handle_named, |case| {
        if !has_handles() {
            return;
        }
        let named = case.options().create(NAME, || Pair::of(1)).expect("an object");
        let file = handle::to_give(&raw::open(&case.path()), Access::ReadWrite).expect("its file");
        refused_by_both(case, "bad-handle", &["has a name", "open it by that name"], file);
        assert_eq!(named.get().expect("untouched"), Pair::of(1));
    });
}

#[cfg(unix)] // A section is as long as it is.
#[test]
fn bad_handle_not_sealed() {
    case!(bad_handle_not_sealed, |case| {
        if !has_handles() {
            return;
        }
        let memory = File::from(sys::memory());
        memory.write_all_at(&bytes(), 0).expect("bytes");
        refused_by_both(case, "bad-handle", &["whose size is not sealed"], &memory);
        // Where the machine has any: huge pages can be sealed too, and yet be gone.
        if let Some(huge) = sys::huge_memory() {
            let huge = File::from(huge);
            huge.set_len(2 << 20).expect("a size");
            sys::seal_size(&huge);
            refused_by_both(case, "bad-handle", &["huge pages"], &huge);
        }
    });
}

#[cfg(unix)] // Of a section there is no such handle.
#[test]
fn bad_handle_write_only() {
    case!(bad_handle_write_only, |case| {
        if !has_handles() {
            return;
        }
        let object = SharedValue::<Pair>::anonymous(|| Pair::of(1)).expect("an object");
        let handle = object.to_fd().expect("a handle");
        let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&handle));
        let writes = OpenOptions::new().write(true).open(path).expect("it opens");
        refused_by_both(case, "bad-handle", &["allows writing only"], writes);
    });
}

#[test]
fn bad_handle_no_object() {
    case!(bad_handle_no_object, |case| {
        if !has_handles() {
            return;
        }
        let good = bytes();
        let size = good.len() as u64;
        let mut other = good.clone();
        other[0] = b'X';
        let words = ["no object", "expected a segment that starts with COHABIT"];
        refused_by_both(case, "bad-handle", &words, sealed(&other, size));
        refused_by_both(case, "bad-handle", &words, sealed(b"", 0));
        refused_by_both(case, "bad-handle", &words, sealed(b"", 4096));
        let words = ["no object", "expected a header of 256 bytes, found 100"];
        refused_by_both(case, "bad-handle", &words, sealed(&good[..100], 100));
        let fits = sealed(&good, size);
        let ended =
            SharedValue::<Pair>::from_fd(&fits).expect_err("its bytes are of a dead object");
        assert_eq!(ended.code(), "ended");
    });
}

#[test]
fn bad_handle_wrong_size() {
    case!(bad_handle_wrong_size, |case| {
        if !has_handles() {
            return;
        }
        let good = bytes();
        let size = good.len() as u64;
        for wrong in [size - 1024, size + 1, size + 4096] {
            let expected = format!("expected {size} bytes, found {wrong}");
            let at_most = good.len().min(usize::try_from(wrong).expect("a size"));
            let memory = sealed(&good[..at_most], wrong);
            refused_by_both(case, "bad-handle", &[&expected], memory);
        }
    });
}

#[test]
fn bad_handle_lies() {
    case!(bad_handle_lies, |case| {
        if !has_handles() {
            return;
        }
        let good = bytes();
        let mut beside = good.clone();
        beside[12] |= 8;
        let memory = sealed(&beside, good.len() as u64);
        refused_by_both(case, "bad-handle", &["speaks of a file beside it"], memory);
        // Offsets and sizes of the header, each of which must be what the others make it.
        for at in [16, 56, 64, 72, 80, 88, 96, 104, 112] {
            let mut lying = good.clone();
            lying[at..at + 4].copy_from_slice(&0x7fff_fff0_u32.to_le_bytes());
            let memory = sealed(&lying, good.len() as u64);
            refused_by_both(case, "bad-handle", &["no object", "header"], memory);
        }
    });
}

/// A header and memory with a hole agree on a size that no machine has.
#[cfg(unix)] // A section has no holes.
#[test]
fn bad_handle_with_holes() {
    case!(bad_handle_with_holes, |case| {
        if !has_handles() {
            return;
        }
        let mut large = bytes();
        let object_at = u64::from_le_bytes(large[88..96].try_into().expect("8 bytes"));
        let object_size = 1 << 45;
        let segment_size = (object_at + object_size).next_multiple_of(4096);
        large[16..24].copy_from_slice(&u64::to_le_bytes(segment_size));
        large[96..104].copy_from_slice(&u64::to_le_bytes(object_size));
        let memory = File::from(sys::memory());
        memory.set_len(segment_size).expect("a size");
        memory.write_all_at(&large, 0).expect("bytes");
        sys::seal_size(&memory);
        refused_by_both(case, "bad-handle", &["memory that is not all there"], memory);
    });
}

#[test]
fn format_version_of_a_handle() {
    case!(format_version_of_a_handle, |case| {
        if !has_handles() {
            return;
        }
        let mut other = bytes();
        other[8] = 7;
        let memory = sealed(&other, other.len() as u64);
        refused_by_both(case, "format-version", &["expected format 0, found format 7"], memory);
    });
}

#[test]
fn type_mismatch_of_a_handle() {
    case!(type_mismatch_of_a_handle, |case| {
        if !has_handles() {
            return;
        }
        let other = SharedValue::<u16>::anonymous(|| 1).expect("an object");
        let handle = other.to_fd().expect("a handle");
        refused_by_both(case, "type-mismatch", &["another type"], handle);
        assert_eq!(other.users().expect("users").len(), 1);
    });
}

#[test]
fn read_only_handle() {
    case!(read_only_handle, |case| {
        if !has_handles() {
            return;
        }
        let object = SharedValue::<Pair>::anonymous(|| Pair::of(1)).expect("an object");
        let handle = object.to_read_only_fd().expect("a handle");
        let words = ["`anonymous`", "allows reading only"];
        case.refused("read-only-handle", &words, || SharedValue::<Pair>::from_fd(&handle));
    });
}

#[cfg(unix)] // No seal keeps writers out of a section.
#[test]
fn read_only_handle_for_ever() {
    case!(read_only_handle_for_ever, |case| {
        if !has_handles() {
            return;
        }
        let object = SharedValue::<Pair>::anonymous(|| Pair::of(1)).expect("an object");
        object.forbid_new_writers().expect("a seal");
        let handle = object.to_fd().expect("a handle");
        let words = ["`anonymous`", "closed to new writers for ever"];
        case.refused("read-only-handle", &words, || SharedValue::<Pair>::from_fd(&handle));
    });
}

#[test]
fn ended_before_it_arrived() {
    case!(ended_before_it_arrived, |case| {
        if !has_handles() {
            return;
        }
        let object = SharedValue::<Pair>::anonymous(|| Pair::of(1)).expect("an object");
        let handle = object.to_fd().expect("a handle");
        drop(object);
        refused_by_both(case, "ended", &["has left or was killed"], handle);
    });
}

#[cfg(unix)] // It becomes another user.
#[test]
fn permission_denied_by_another_user() {
    case!(permission_denied_by_another_user, |case| {
        if !has_handles() {
            return;
        }
        if !is_root() {
            return;
        }
        let object = SharedValue::<Pair>::anonymous(|| Pair::of(1)).expect("an object");
        let handle = object.to_fd().expect("a handle");
        let child = sys::forked(|| {
            sys::become_for_good(65_534, 65_534, &[]);
            let words = ["`anonymous`", "belongs to", "SharedView::from_fd"];
            case.refused("permission-denied", &words, || SharedValue::<Pair>::from_fd(&handle));
            0
        });
        assert_eq!(sys::code_of(child), 0);
    });
}

#[test]
fn unsupported_handle_of_a_name() {
    case!(unsupported_handle_of_a_name, |case| {
        let object = case.options().create(NAME, || Pair::of(1)).expect("an object");
        case.refused("unsupported", &["`rpm`", "opened by its name"], || object.to_fd());
    });
}

#[cfg(unix)] // It sets limits.
#[test]
fn no_descriptors_for_handles() {
    case!(no_descriptors_for_handles, |case| {
        if !has_handles() {
            return;
        }
        let object = SharedValue::<Pair>::anonymous(|| Pair::of(1)).expect("an object");
        let handle = object.to_fd().expect("a handle");
        let used = crate::support::Census::now().handles as u64 - 1;
        for spare in 0..3 {
            let before = crate::support::Census::now();
            let limit = sys::limit(sys::RLIMIT_NOFILE, used + spare);
            let outcomes = [
                SharedValue::<Pair>::anonymous(|| Pair::of(2)).map(drop),
                SharedView::<Value<Pair>>::from_fd(&handle).map(drop),
                object.to_fd().map(drop),
            ];
            sys::limit(sys::RLIMIT_NOFILE, limit);
            for error in outcomes.into_iter().filter_map(Result::err) {
                assert_eq!(error.code(), "no-descriptors", "{error}");
                assert!(error.to_string().contains("`anonymous`"), "{error}");
            }
            assert_eq!(crate::support::Census::now(), before, "with {spare} spare");
        }
        assert_eq!(object.get().expect("a value"), Pair::of(1));
        let _ = case;
    });
}
