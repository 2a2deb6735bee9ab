//! What a process may have at most.

use cohabit_os::health::{self, Limits};

use super::{Finding, Level, bytes};

pub(super) fn check() -> Vec<Finding> {
    judge(health::limits())
}

/// Two bounds: below the first it is bad, below the second a warning.
type Bounds = (u64, u64);

fn judge(limits: Limits) -> Vec<Finding> {
    let count = |count: u64| count.to_string();
    vec![
        limit("descriptors", limits.descriptors, (32, 256), count).advise_if_short(
            "Each object takes one: `ulimit -n 4096`, or LimitNOFILE= in the service's unit.",
        ),
        limit("file-size", limits.file_size, (64 << 10, 1 << 30), bytes).advise_if_short(
            "No object can be larger: `ulimit -f unlimited`, or LimitFSIZE=infinity.",
        ),
        limit("addresses", limits.address_space, (256 << 20, 4 << 30), bytes).advise_if_short(
            "All objects and the program must fit: `ulimit -v unlimited`, or LimitAS=infinity.",
        ),
        limit("maps", limits.maps, (256, 16384), count)
            .advise_if_short("Each object takes two: `sysctl vm.max_map_count=65530`."),
    ]
}

fn limit(
    check: &'static str,
    found: Option<u64>,
    (least, small): Bounds,
    text: impl Fn(u64) -> String,
) -> Finding {
    match found {
        None => Finding::ok(check, "no limit"),
        Some(found) if found < least => Finding::bad(check, format!("at most {}", text(found))),
        Some(found) if found < small => Finding::warn(check, format!("at most {}", text(found))),
        Some(found) => Finding::ok(check, format!("at most {}", text(found))),
    }
}

impl Finding {
    fn advise_if_short(self, advice: &str) -> Self {
        if self.level == Level::Ok { self } else { self.advise(advice) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_bad_below_the_first_bound_and_a_warning_below_the_second() {
        let levels = |count: Option<u64>| {
            let limits =
                Limits { descriptors: count, file_size: count, address_space: count, maps: count };
            judge(limits).iter().map(|finding| finding.level).collect::<Vec<_>>()
        };
        assert_eq!(levels(None), [Level::Ok; 4]);
        assert_eq!(levels(Some(5)), [Level::Bad; 4]);
        assert_eq!(levels(Some(u64::MAX)), [Level::Ok; 4]);
        assert_eq!(levels(Some(100 << 10)), [Level::Ok, Level::Warn, Level::Bad, Level::Ok]);
    }
}
