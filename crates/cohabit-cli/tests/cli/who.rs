//! `who`: users, observers, and the locks that they hold.

use serde_json::{Value as Json, json};

use crate::support::{Place, Talker, windows};

fn who(place: &Place, args: &[&str]) -> Json {
    let all = [&["who", "data", "--json"], args].concat();
    serde_json::from_str(&place.run(&all).fine_but_for_observers()).unwrap()
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
    let [first, second, third] = [pid(&keeper), pid(&holder), pid(&watcher)];
    let [user, observer] = [json!("user"), json!("observer")];
    let all = [(&first, &user), (&second, &user), (&third, &observer)];
    let told = if windows() { &all[..2] } else { &all };
    assert_eq!(roles, told);
    let [lock] = seen["locks"].as_array().unwrap().as_slice() else { panic!("{seen}") };
    assert_eq!((&lock["path"], &lock["holders"][0]["pid"]), (&json!(""), &pid(&holder)));
    assert!(lock["at_least_ns"].as_u64().unwrap() >= 20_000_000, "{lock}");
    assert_eq!((&lock["awaited"], &lock["certain"]), (&json!(false), &json!(true)));
    assert_eq!(lock["cell"], json!("Value<MyData>"));
    let told = |member: &str| lock["holders"][0][member].as_str().unwrap().to_owned();
    assert_eq!([told("hold"), told("verdict"), told("state")], ["writes", "live", "running"]);
    let text = place.run(&["who", "data", "--for=1ms"]).fine_but_for_observers();
    assert!(text.starts_with("  PID  ROLE") || text.contains("PID  ROLE"), "{text}");
    let sentence = text.lines().last().unwrap();
    let start = format!("lock of data: being written by pid {} (", holder.child.id());
    assert!(sentence.starts_with(&start) && sentence.contains("); for at least "), "{sentence}");
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
    assert_eq!(seen["locks"][0]["holders"][0]["pid"], json!(std::process::id()));
}

#[test]
fn names_and_times_that_are_none_are_refused() {
    let place = Place::new();
    place.run(&["who", "data"]).failed(3);
    place.run(&["who", "data", "--for=1"]).failed(2);
}

#[test]
#[cfg(unix)]
fn what_a_process_calls_itself_steers_no_terminal() {
    let place = Place::new();
    let _data = place.sample("data");
    // A shell that waits, under a name with an escape in it, beside one that holds the object.
    let mut holder = std::process::Command::new(env!("CARGO_BIN_EXE_cohabit"));
    holder.args(["demo-process", "keep", "evil", "--time=1s", "--folder"]).arg(&place.folder);
    std::os::unix::process::CommandExt::arg0(&mut holder, "\u{1b}[2J\u{9b}31mcohabit");
    let mut holder = Talker::start(holder);
    assert_eq!(holder.line(), "set");
    let text = place.run(&["who", "evil"]).fine_but_for_observers();
    let json = place.run(&["who", "evil", "--json"]).fine_but_for_observers();
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
    assert!(!place.run(&["who", "log", "--json"]).fine_but_for_observers().contains("at_least_ns"));
    let guard = mutex.lock().unwrap();
    let text = place.run(&["who", "log", "--for=1ms"]).fine_but_for_observers();
    let sentence = text.lines().last().unwrap();
    let start = format!("lock of log: held by pid {} (", std::process::id());
    assert!(sentence.starts_with(&start), "{sentence}");
    assert!(
        sentence.contains("); so at every look for ") && sentence.ends_with(" ms"),
        "{sentence}"
    );
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
            let text = place.run(&["who", "table", "--for=1ms"]).fine_but_for_observers();
            let said = text.lines().last().unwrap();
            let reader = format!("held for reading by pid {} (", std::process::id());
            assert!(said.starts_with("lock of table: held for reading "), "{said}");
            assert_eq!(said.matches(&reader).count(), 2, "{said}");
        });
        other.join().unwrap();
    });
    drop(reads);
    let _writes = lock.write().unwrap();
    let who: Json =
        serde_json::from_str(&place.run(&["who", "table", "--json"]).fine_but_for_observers())
            .unwrap();
    assert_eq!(who["locks"].as_array().unwrap().len(), 1, "{who}");
    let lock = &who["locks"][0];
    let holder = &lock["holders"][0];
    assert_eq!((&holder["pid"], &holder["hold"]), (&json!(std::process::id()), &json!("owns")));
    let shown = place.run(&["show", "table"]);
    assert_eq!(shown.out, "7\n");
    assert!(shown.err.contains("without its lock"), "{shown:?}");
}

#[test]
#[cfg(unix)]
fn a_stopped_holder_and_what_a_dead_one_left_are_told() {
    let place = Place::new();
    let keeper = place.keeper("data");
    let holder = place.command(&["demo-process", "hold", "data", "--time=100s"]);
    let mut holder = Talker::start(holder).expecting("inside");
    holder.stop();
    let pid = holder.child.id();
    let text = place.run(&["who", "data", "--for=1ms"]).fine_but_for_observers();
    let sentence = text.lines().last().unwrap();
    assert!(sentence.contains("), which a signal stopped; for at least "), "{sentence}");
    let row = text.lines().find(|line| line.contains(&pid.to_string())).unwrap();
    assert!(row.contains(" stopped "), "{row}");
    let stopped = who(&place, &["--for=0s"]);
    assert_eq!(stopped["locks"][0]["holders"][0]["state"], json!("stopped"), "{stopped}");
    let report = place.run(&["doctor"]);
    let told = format!("\nwarn  holders      data: being written by pid {pid} (");
    assert!(report.out.contains(&told) && report.out.contains("kill -CONT"), "{}", report.out);
    assert!(report.out.contains("2 live, 1 of them stopped: pid "), "{}", report.out);
    holder.kill();
    let text = place.run(&["who", "data"]).fine_but_for_observers();
    let left = format!(
        "lock of data: left by pid {pid}, which is dead: whoever comes next takes it over\n"
    );
    assert!(text.ends_with(&left), "{text}");
    let dead = who(&place, &[]);
    let lock = &dead["locks"][0];
    assert_eq!(lock["holders"][0]["verdict"], json!("dead"), "{dead}");
    assert_eq!((&lock["holders"][0]["state"], &lock["at_least_ns"]), (&Json::Null, &Json::Null));
    // Of a value nothing is told: whoever writes next takes over, and all is well.
    place.run(&["set", "data", "x=1"]).fine();
    assert_eq!(who(&place, &[])["locks"], json!([]));
    drop(keeper);
}

#[test]
fn the_mark_of_a_panic_is_told_until_it_is_cleared() {
    let place = Place::new();
    let options = place.options::<cohabit::Mutex<u64>>();
    let mutex = options.create("log", || cohabit::Mutex::new(7)).unwrap();
    let panics = || {
        let _guard = mutex.lock().unwrap();
        std::panic::resume_unwind(Box::new("as the test asked"));
    };
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(panics)).unwrap_err();
    let text = place.run(&["who", "log"]).fine_but_for_observers();
    let said =
        "lock of log: nobody has it; a holder panicked inside, and nobody has cleared that since";
    assert_eq!(text.lines().last().unwrap(), said);
    let report = place.run(&["doctor"]).fine();
    let warned = "\nwarn  marks        log: nobody has it; a holder panicked inside, and ";
    assert!(report.contains(warned) && report.contains("clear_poison"), "{report}");
    mutex.clear_poison().unwrap();
    assert!(place.run(&["doctor"]).fine().contains("\nok    marks        no lock bears the mark "));
}
