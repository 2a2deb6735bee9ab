//! `who`: users, observers, and the locks that they hold.

use serde_json::{Value as Json, json};

use crate::support::{Place, Talker};

fn who(place: &Place, args: &[&str]) -> Json {
    let all = [&["who", "data", "--json"], args].concat();
    serde_json::from_str(&place.run(&all).fine()).unwrap()
}

#[test]
fn users_observers_and_locks_are_listed() {
    let place = Place::new();
    let keeper = place.keeper("data");
    let mut watcher = Talker::start(place.command(&["watch", "data.x"]));
    assert_eq!(watcher.line(), "255");
    let command = place.command(&["demo-process", "hold", "data", "--time=1s"]);
    let mut holder = Talker::start(command);
    assert_eq!(holder.line(), "inside");
    let seen = who(&place, &["--for=20ms"]);
    let roles: Vec<_> =
        seen["processes"].as_array().unwrap().iter().map(|p| (&p["pid"], &p["role"])).collect();
    let pid = |talker: &Talker| json!(talker.child.id());
    assert_eq!(
        roles,
        [
            (&pid(&keeper), &json!("user")),
            (&pid(&holder), &json!("user")),
            (&pid(&watcher), &json!("observer")),
        ]
    );
    let [lock] = seen["locks"].as_array().unwrap().as_slice() else { panic!("{seen}") };
    assert_eq!((&lock["path"], &lock["pid"]), (&json!(""), &pid(&holder)));
    assert!(lock["at_least_ns"].as_u64().unwrap() >= 20_000_000, "{lock}");
    assert_eq!((&lock["awaited"], &lock["stopped"]), (&json!(false), &json!(false)));
    assert_eq!(lock["certain"], json!(true));
    let text = place.run(&["who", "data", "--for=1ms"]).fine();
    assert!(text.starts_with("  PID  ROLE") || text.contains("PID  ROLE"), "{text}");
    let sentence = text.lines().last().unwrap();
    let start = "lock of data: held for at least ";
    let end = format!(" ms by pid {} (", holder.child.id());
    assert!(sentence.starts_with(start) && sentence.contains(&end), "{sentence}");
    assert_eq!(holder.end().code, Some(0));
    assert_eq!(who(&place, &[])["locks"], json!([]));
    drop(keeper);
    watcher.kill();
}

#[test]
fn a_single_look_is_told_as_no_time() {
    let place = Place::new();
    let data = place.sample("data");
    let seen = data.update(|_| who(&place, &["--for=0s"])).unwrap();
    assert_eq!(seen["locks"][0]["at_least_ns"], json!(0));
    assert_eq!(seen["locks"][0]["pid"], json!(std::process::id()));
}

#[test]
fn names_and_times_that_are_none_are_refused() {
    let place = Place::new();
    place.run(&["who", "data"]).failed(3);
    place.run(&["who", "data", "--for=1"]).failed(2);
}

#[test]
fn what_a_process_calls_itself_steers_no_terminal() {
    let place = Place::new();
    let _data = place.sample("data");
    // A shell that waits, under a name with an escape in it, beside one that holds the object.
    let mut holder = std::process::Command::new(env!("CARGO_BIN_EXE_cohabit"));
    holder.args(["demo-process", "keep", "evil", "--time=1s", "--folder"]).arg(&place.folder);
    std::os::unix::process::CommandExt::arg0(&mut holder, "\u{1b}[2J\u{9b}31mcohabit");
    let mut holder = Talker::start(holder);
    assert_eq!(holder.line(), "set");
    let text = place.run(&["who", "evil"]).fine();
    let json = place.run(&["who", "evil", "--json"]).fine();
    for shown in [&text, &json] {
        assert!(!shown.contains(|c: char| c.is_control() && c != '\n'), "{shown:?}");
    }
    let json: Json = serde_json::from_str(&json).unwrap();
    assert!(
        json["processes"][0]["command"].as_str().unwrap().starts_with("\u{1b}[2J\u{9b}31mcohabit")
    );
    holder.kill();
}

#[test]
fn the_hold_of_a_mutex_is_told_as_what_was_seen() {
    let place = Place::new();
    let options = place.options::<cohabit::Mutex<u64>>();
    let mutex = options.create("log", || cohabit::Mutex::new(7)).unwrap();
    assert!(!place.run(&["who", "log", "--json"]).fine().contains("at_least_ns"));
    let guard = mutex.lock().unwrap();
    let text = place.run(&["who", "log", "--for=1ms"]).fine();
    let sentence = text.lines().last().unwrap();
    let start = "lock of log: held at every look for ";
    assert!(sentence.starts_with(start), "{sentence}");
    assert!(sentence.contains(&format!(" ms by pid {} (", std::process::id())), "{sentence}");
    drop(guard);
}

#[test]
fn each_reader_is_told_and_a_writer_as_what_it_is() {
    let place = Place::new();
    let options = place.options::<cohabit::RwLock<u64>>();
    let lock = options.create("table", || cohabit::RwLock::new(7)).unwrap();
    let reads = lock.read().unwrap();
    std::thread::scope(|scope| {
        let other = scope.spawn(|| {
            let _also_reads = lock.read().unwrap();
            let text = place.run(&["who", "table", "--for=1ms"]).fine();
            let start = "lock of table: held for reading at every look for ";
            assert_eq!(text.lines().filter(|line| line.starts_with(start)).count(), 2, "{text}");
        });
        other.join().unwrap();
    });
    drop(reads);
    let _writes = lock.write().unwrap();
    let who: Json = serde_json::from_str(&place.run(&["who", "table", "--json"]).fine()).unwrap();
    assert_eq!(who["locks"].as_array().unwrap().len(), 1, "{who}");
    let lock = &who["locks"][0];
    assert_eq!((&lock["pid"], &lock["shared"]), (&json!(std::process::id()), &json!(false)));
    let shown = place.run(&["show", "table"]);
    assert_eq!(shown.out, "7\n");
    assert!(shown.err.contains("without its lock"), "{shown:?}");
}
