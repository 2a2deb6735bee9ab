//! What usually stands behind each kind of error, and what to do about each cause: the texts of
//! `cohabit explain`.
//!
//! They stand apart from the kinds, since a program needs the kinds, and a person the causes. The
//! match below has no rest: a kind without its causes does not compile.

use crate::error::ErrorKind;

/// One usual cause of an error, and what to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cause {
    /// What is the case, as the beginning of a sentence.
    pub what: &'static str,
    /// What to do about it, in one sentence.
    pub cure: &'static str,
}

/// Declares the causes of each kind, the most frequent first.
macro_rules! causes {
    ($($variant:ident: $($what:literal => $cure:literal),+;)*) => {
        impl ErrorKind {
            /// The usual causes, the most frequent first, each with what to do about it.
            pub const fn causes(self) -> &'static [Cause] {
                match self {
                    $(ErrorKind::$variant => &[$(Cause { what: $what, cure: $cure },)+],)*
                }
            }
        }
    };
}

causes! {
    NameEmpty:
        "the variable or argument that holds the name is empty" =>
            "Look where the name comes from: an unset variable, a missing argument.";
    NameTooLong:
        "the name holds a path, a command line or another long text" =>
            "Name the object by a short fixed part and a hash of the long one.";
    NameSlash:
        "a path was given as the name" =>
            "Split it: Scope::Folder for the folder (--folder on the command line), the last part as the name.",
        "a name from shm_open has a slash at its beginning" =>
            "Leave the slash out.";
    NameDot:
        "`.`, `..` or a hidden file's name was given" =>
            "Use a name that begins with a letter or digit.";
    NameSpace:
        "a title or another text for people serves as the name" =>
            "Replace the white space by dashes.",
        "a line end was read with the name" =>
            "Trim what was read.";
    NameNotAscii:
        "a text for people serves as the name" =>
            "Use an ASCII identifier as the name, and keep the text inside of the object.";
    NameCharacter:
        "a pattern, a URL or a Windows path serves as the name" =>
            "Replace the character, for instance by a dash.";
    NameReserved:
        "the name is one of Windows' devices: con, prn, aux, nul, com0 to com9, lpt0 to lpt9, alone or before a dot" =>
            "Add something in front of it: `my-nul`.",
        "the name ends with a dot, which Windows leaves out" =>
            "Leave it out yourself.";
    NameScopePrefix:
        "the name comes from a program for Windows" =>
            "Leave `Local\\` or `Global\\` out: what it said is said by the Scope.";

    NotFound:
        "the program that creates the object does not run yet" =>
            "Start it first, or open with open_or_create, so that the order does not matter.",
        "the programs look in different places: another user, another COHABIT_DIR or --folder, another container" =>
            "Compare what `cohabit doctor` prints as the place in both; containers share /dev/shm by --ipc.",
        "all users left or were killed, and the object was not kept" =>
            "That is its normal end; use Keep::UntilReboot for one that outlives its users.",
        "the name is misspelt" =>
            "`cohabit ls` lists the names there are.";
    AlreadyExists:
        "another copy of the program runs" =>
            "Use open_or_create where several may run; `cohabit who NAME` shows who has it.",
        "the object is kept from an earlier run" =>
            "Use open_or_create to go on with its value, or `cohabit rm NAME` to begin anew.";
    TypeMismatch:
        "a program was rebuilt after its struct was edited, while another one still runs with the old struct" =>
            "Restart the programs that are named as holders.",
        "a field was renamed" =>
            "Say #[plain(was = \"old\")] on it: then programs with either name go on together.",
        "a field was added at the end" =>
            "Fields can be added beside older programs if the struct was #[plain(appendable)] before.",
        "the object is kept, with the type that it had then" =>
            "`cohabit show NAME` prints its last value, `cohabit rm NAME` takes it away.",
        "two programs use one name for different things" =>
            "Give one of them another name.",
        "the two programs have a copy of the definition each" =>
            "Put it into one crate or header that both use; `cohabit schema NAME` prints the object's.";
    LengthMissing:
        "the type ends in a slice, and the creator did not say how long it is to be" =>
            "Call Options::len before create or open_or_create.";
    LengthMismatch:
        "two programs, or two runs, name different lengths for one object" =>
            "Let one place decide; open without a length to take the one that is there.",
        "the object is kept, with the length that it had then" =>
            "`cohabit rm NAME` takes it away with its value.";
    SchemaInvalid:
        "a program that makes objects by their schemas put a part where it cannot be" =>
            "Let StructNode::laid_out and Node::into_value compute offsets, sizes and copies.",
        "it took over the schema of a type with an end, which a program without the type cannot have" =>
            "Make the object in the program that has the type.";
    FormatVersion:
        "programs were built with different versions of cohabit" =>
            "Build all with one version.",
        "an object of an older version was kept" =>
            "Remove it with `cohabit rm --force NAME`; its value is lost.";
    MechanismMismatch:
        "one program runs with COHABIT_OS=portable, and the one that made the object without it" =>
            "Set it for all of them, or for none.",
        "an object of a run with COHABIT_OS was kept" =>
            "Remove it by a run with the same: `COHABIT_OS=portable cohabit rm NAME`.";
    NotAnObject:
        "another program has a file of this name in the folder" =>
            "Use another name, or a folder that is for objects only.";
    Truncated:
        "a program other than cohabit wrote or copied the file" =>
            "Remove it with `cohabit rm --force NAME`; let nothing else write in this folder.",
        "an on-disk object was cut by a crash of the machine or of the disk" =>
            "Remove it and create it anew.";
    Oversized:
        "a program other than cohabit appended to the file" =>
            "Remove it with `cohabit rm --force NAME`; let nothing else write in this folder.";
    HeaderInvalid:
        "a peer with a fault wrote over the header" =>
            "Find it with `cohabit who NAME`; it writes outside of its object.",
        "the file was restored from a copy that is not whole" =>
            "Remove it with `cohabit rm --force NAME`, and create it anew.";
    LockFileInvalid:
        "a program that tidies removed the file beside the object" =>
            "Spare names that begin with `cohabit.` or `.cohabit.` (systemd-tmpfiles, cron).",
        "the object's folder was copied from elsewhere" =>
            "Remove the copy: an object cannot be copied with its lock file.";

    SymbolicLink:
        "somebody put a link in the object's place, to make it appear elsewhere" =>
            "Use Scope::Folder with the real folder instead of a link.",
        "somebody tries to lead the program to another file" =>
            "See who owns the link with `ls -l`, and remove it.";
    Directory:
        "a folder of this name was made there by hand" =>
            "Use another name, or move the folder.";
    NotAFile:
        "a fifo, socket or device of this name was made there" =>
            "Use another name, or move it.";
    HardLink:
        "a backup or deduplication program linked the file" =>
            "Remove the other name, and keep such programs out of this folder.";
    OtherOwner:
        "the program ran as another user before, for instance with sudo" =>
            "Let the user that is named remove it, or run as that user.",
        "the programs run as different users" =>
            "Objects of Scope::User are one user's own: use Scope::Machine.",
        "a user of a Scope::Machine object came first who is not trusted" =>
            "Trust that user or its group by name: Access::trust_user, trust_group (--trust on the command line).",
        "somebody else took the name first" =>
            "Use a folder that only you may write.";
    AccountUnknown:
        "the name is misspelt, or the group was not made on this machine" =>
            "Look with `getent group NAME`, and make it with `groupadd NAME`.",
        "on Windows: the name is in another language there, or a number was given" =>
            "Look with `net localgroup`, or give the identifier, such as S-1-5-32-545 (`whoami /groups`).",
        "a container or static program does not see the machine's users" =>
            "Give the number instead of the name.";
    TwoGroups:
        "two groups were joined by `Access::and`" =>
            "Make a group that has the members of both.";
    FolderUnsafe:
        "the folder was made under a umask that lets the group write" =>
            "`chmod go-w FOLDER`; for the user's own folder `chmod 700`.",
        "the folder is one for everybody, such as /tmp" =>
            "Make a folder of your own in it with mode 700, and use that.",
        "a shared object had other rights before, and something strange lies in its folder" =>
            "Look at what lies there, and take the folder away: `rm -r /dev/shm/cohabit.NAME`.";
    FolderMissing:
        "the folder was not made yet" =>
            "Make it with mode 700 before the program starts.",
        "COHABIT_DIR or --folder is misspelt, or a relative path" =>
            "Give the absolute path of a folder that is there.";
    ReadOnlyFilesystem:
        "the container or service runs with a read-only file system" =>
            "Mount a tmpfs at /dev/shm (Docker: --tmpfs /dev/shm), or set COHABIT_DIR to a folder that can be written.";
    PermissionDenied:
        "the file or folder does not let this user in" =>
            "See `ls -ld` of the folder, and of the file in it.",
        "a security module or sandbox forbids it" =>
            "See the system's log (SELinux, AppArmor), or the sandbox's rules.",
        "the handle is of another user's object" =>
            "Look at it with SharedView::from_fd, or have it created with a Scope::Machine that lets this user write.";
    BadHandle:
        "the descriptor was closed before it was used, or another number arrived" =>
            "Keep what Shared::to_fd gave until the other process has it; see how the number gets there.",
        "the descriptor is of an object with a name" =>
            "Open the object by its name, or create it with Shared::anonymous.",
        "memory that another program made was handed over" =>
            "Have the sender create it with Shared::anonymous, which seals its size.";
    ReadOnlyHandle:
        "the sender gave what Shared::to_read_only_fd or SharedView::to_fd made" =>
            "Look at the object with SharedView::from_fd; if it is to be written here, ask for Shared::to_fd.",
        "the sender called forbid_new_writers, which nobody can undo" =>
            "Join before that is called, or look at the object with SharedView::from_fd.";

    NotOnDisk:
        "Keep::OnDisk was asked for with the default scope, whose folder is in memory" =>
            "Give a folder on a disk: Scope::Folder(path).",
        "the folder is on NFS, CIFS, FUSE or the like" =>
            "Use a disk of this machine: locks and shared maps do not work between machines.";
    Unverified:
        "the machine lost power, crashed or was reset" =>
            "Check the value with the program's own knowledge, with Options::accept_unverified.",
        "its users were killed, for instance when the machine was shut down" =>
            "Let them end cleanly at SIGTERM: the last one that leaves closes the object.";
    NoSpace:
        "the program runs in a container, where /dev/shm has 64 MB" =>
            "Start it with --shm-size=1g, or mount a larger tmpfs.",
        "a Value keeps 3 to 16 copies of its T" =>
            "`cohabit ls` shows what each object takes; split a T of which only parts change.",
        "other programs fill /dev/shm" =>
            "See `ls -lS /dev/shm`; `cohabit gc` takes away what killed processes left.";
    FileSizeLimit:
        "the shell or the service has a limit for file sizes" =>
            "`ulimit -f unlimited`, or LimitFSIZE=infinity in the service's unit.";
    NoDescriptors:
        "the program opens files or sockets without closing them" =>
            "See `ls -l /proc/PID/fd`.",
        "it uses many objects under a low limit" =>
            "Each object takes one descriptor: `ulimit -n 4096`, or LimitNOFILE= in the service's unit.";
    NoAddressSpace:
        "the process has a limit for its addresses" =>
            "`ulimit -v unlimited`, or LimitAS=infinity in the service's unit.",
        "it is a 32-bit process, and the object is large" =>
            "Use a 64-bit process, or split the object.",
        "it has more maps than vm.max_map_count allows" =>
            "Each object takes two: attach fewer, or raise it with sysctl.";
    SlotsFull:
        "more processes use the object than it was made for" =>
            "Create it with Options::max_users higher: the number is fixed at the creation.",
        "processes that only read are attached as users" =>
            "Let them use open_read_only: observers take no slot.",
        "a program starts processes and does not end them" =>
            "`cohabit who NAME` lists them.";

    ConstructorFailed:
        "what the constructor reads or opens is not there" =>
            "See the error's source, which is the constructor's own.";
    ConstructorReentered:
        "the constructor calls a function that opens the same name" =>
            "Build the first value from arguments, and open the object after it is there.";
    ConstructorIncomplete:
        "a filling constructor left a part zero whose type has no zero" =>
            "Put a value into each such part: the field is named.",
        "a Barrier was built in place or made by `cohabit new`, and nobody said for how many" =>
            "Call set_parties before the first wait.";

    Busy:
        "another writer is inside an update that takes long" =>
            "Do slow work before the update, and only store its result inside.",
        "the holder is stopped, by a debugger or by a signal" =>
            "`cohabit who NAME` shows it as stopped; let it go on with `kill -CONT PID`, or end it.",
        "another process is inside of a Once or OnceCell" =>
            "Its closure takes long, or it is stopped: `cohabit who NAME` shows who is at it.",
        "all permits of a Semaphore are held, or none was added yet" =>
            "`cohabit who NAME` shows who has them: wait for one to come back, or add one.",
        "48 threads have a seat at a Barrier, some of which are stopped and have not left it yet" =>
            "Let them go on with `kill -CONT PID`, or end them.",
        "try_ was used, or a short timeout" =>
            "Try again, or wait longer.",
        "all pins are taken" =>
            "Drop pins when they were read: they are for moments.";
    TimedOut:
        "somebody is missing at a Barrier, dead perhaps before it arrived" =>
            "`cohabit who NAME` shows who is there; start the one that is missing.",
        "nobody writes" =>
            "`cohabit watch NAME` shows changes, `cohabit who NAME` the users.",
        "the writer writes another object of the same name, elsewhere" =>
            "Compare the place that `cohabit doctor` prints in both.";
    Ended:
        "the last other user left, and this handle was read-only, which keeps nothing alive" =>
            "Open the name again when the program is back.",
        "somebody removed the object with `cohabit rm --force`" =>
            "Open the name again in all programs.";
    NameLost:
        "systemd removes a user's files from /dev/shm when the user logs out (RemoveIPC)" =>
            "`loginctl enable-linger USER`, or RemoveIPC=no in logind.conf; `cohabit doctor` looks.",
        "a script clears /dev/shm" =>
            "Let it spare cohabit's names.";
    Forked:
        "the program forked, and the child uses the parent's handle" =>
            "Open the name again in the child.",
        "a library or a daemon's start forks after the object was opened" =>
            "Open it after the last fork.";
    NotShared:
        "a cell was made in private memory, and used without being shared" =>
            "Hand it to Shared::open_or_create, and use the one in the Shared.";
    LivenessLost:
        "the program closes all descriptors, as daemons do at their start" =>
            "Open objects after that; what is open needs the descriptor to ask who lives.";
    LivenessHidden:
        "a program that may only read an object of Scope::Machine asks who uses it" =>
            "Run it as a user who may write the object; reading works without.";
    Corrupt:
        "a peer writes over memory that is not its own" =>
            "Find it with `cohabit who NAME`, and look for unsafe code or C in it.",
        "a peer was built with a modified cohabit" =>
            "Build all from the same source.";
    BadBits:
        "a program in another language wrote a number that the type does not have, such as 2 for a bool" =>
            "Let it write the values of the type only; `cohabit schema NAME` shows them.",
        "a peer writes over memory that is not its own" =>
            "Find it with `cohabit who NAME`.";
    OutOfRange:
        "an index is computed for another length than the object's" =>
            "Ask the object for its length: it is fixed when the object is created.";
    BadText:
        "the text is longer than its Text<N> has room for" =>
            "N - 1 bytes of UTF-8 fit: choose a larger N, or use Text::truncated.",
        "the text has a NUL in it, where a Text ends" =>
            "Cut it there, or keep bytes in an array of u8.";
    Frozen:
        "something that changes was declared as a Frozen" =>
            "Make it a Value, a Mutex or a Loose.",
        "two programs want a Barrier for different numbers of parties" =>
            "Agree on one number: it stays what it was first.",
        "a OnceCell is set by a second one, or a second time" =>
            "Use get_or_init, which gives what is there; or a Value for what changes.",
        "the fill comes after open_or_create_in_place, or in a program that only opened the object" =>
            "Fill it inside the closure that constructs the object.";
    ListFull:
        "the list has as many elements as its List<T, N> has room for" =>
            "Take some out first, or choose a larger N in all programs: it is part of the type.";
    OwnerDied:
        "a process was killed, or ended, while it held a guard" =>
            "What the mutex guards may be half done: bring it to a state that your program knows, then say mark_consistent.",
        "a guard was forgotten (mem::forget), and its process has left the object" =>
            "Let guards be dropped.";
    Poisoned:
        "a thread panicked while it held a guard" =>
            "Mend what it guards, then clear_poison; and mend the panic.";
    PeerDied:
        "a process was killed while it waited at a Barrier" =>
            "Start another one in its place, and let all wait again: the barrier begins a new round.";
    Deadlock:
        "a guard of the same mutex lives on in the thread, perhaps in a temporary value" =>
            "Drop it before: give it a block of its own.",
        "the closure of a Once or OnceCell calls the same one" =>
            "Compute there what is needed, and use it afterwards.",
        "the closure of an update calls set or update of the same cell" =>
            "Change what the closure is given instead.",
        "updates of different cells are nested too deeply" =>
            "Take values out first, and update one cell after the other.";
    Unsupported:
        "the system or the target cannot do it" =>
            "See the table of platforms in README.",
        "the handle is read-only" =>
            "Open the object for writing.",
        "a sandbox forbids a call of the kernel" =>
            "`cohabit doctor` tries what cohabit needs, and says what does not work.";
    System:
        "something outside of cohabit is wrong" =>
            "The text holds the step and the system's own words: look these up.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_is_the_beginning_of_a_sentence_and_every_cure_a_sentence() {
        for kind in ErrorKind::ALL {
            assert!(!kind.causes().is_empty(), "{}", kind.code());
            for Cause { what, cure } in kind.causes() {
                assert!(!what.ends_with(['.', ' ']), "{what}");
                assert!(cure.ends_with('.'), "{cure}");
            }
        }
    }

    #[test]
    fn a_kind_is_found_by_its_code() {
        for kind in ErrorKind::ALL {
            assert_eq!(ErrorKind::from_code(kind.code()), Some(*kind));
            assert!(kind.meaning().ends_with('.') && !kind.meaning().starts_with(' '));
        }
        assert_eq!(ErrorKind::from_code("nonsense"), None);
    }
}
