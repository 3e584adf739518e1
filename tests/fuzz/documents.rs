//! The city's other files: settings, service items, systems, people, grants. All but the settings are read as the gateway reads
//! them at a reload, beside the good files of the sample.

use std::fs;

use heyan::config::Config;
use heyan::directory::{Directory, load};
use heyan_policies::read_grants;
use tempfile::TempDir;

use super::harness::{Outcome, Shape, Target, files, run};
use super::{city, holds};

#[test]
fn settings() {
    let folder = std::path::Path::new("/nowhere");
    let check = |input: &[u8]| {
        let text = std::str::from_utf8(input).unwrap();
        match Config::parse(folder, text) {
            Ok(config) => {
                assert_eq!(Config::parse(folder, &format!("{text}\n#")), Ok(config.clone()));
                assert!(config.limits.deadline_default <= config.limits.deadline_max);
                assert!(config.listen.admin.is_none_or(|admin| admin.ip().is_loopback()), "metrics for everybody");
                let host = config.telemetry.otlp.as_deref().unwrap_or("http://");
                assert!(host.starts_with("http://") && !host.contains('@'), "a password in an address");
                Outcome::of((config.limits.in_flight, config.telemetry.otlp.is_some(), config.listen.admin.is_some()))
            }
            Err(problems) => holds::problems(&problems, "heyan.toml", text),
        }
    };
    let seeds = || files(&["gateway/sample"], "heyan.toml");
    run(&Target { name: "settings", shape: Shape::Text, bytes_max: 32 << 10, seeds, check: &check });
}

#[test]
fn items() {
    let file = File::new("items/food-circulation-licence.toml");
    let seeds = || files(&["gateway/items"], ".toml");
    run(&Target { name: "items", shape: Shape::Text, bytes_max: 32 << 10, seeds, check: &|input| file.check(input) });
}

#[test]
fn systems() {
    let file = File::beside_departments_alone("systems/systems.toml");
    let seeds = || files(&["gateway/sample/systems"], ".toml");
    run(&Target { name: "systems", shape: Shape::Text, bytes_max: 32 << 10, seeds, check: &|input| file.check(input) });
}

#[test]
fn people() {
    let file = File::beside_departments_alone("people/people.toml");
    let seeds = || files(&["gateway/sample/people"], ".toml");
    run(&Target { name: "people", shape: Shape::Text, bytes_max: 32 << 10, seeds, check: &|input| file.check(input) });
}

#[test]
fn grants() {
    let file = File::new("grants/grants.toml");
    let check = |input: &[u8]| {
        let text = std::str::from_utf8(input).unwrap();
        match read_grants(file.name, text) {
            Ok(grants) => {
                assert_eq!(read_grants(file.name, &format!("{text}\n#")).unwrap(), grants);
                for grant in &grants {
                    assert!(
                        grant.from() <= grant.until() && grant.result_types().count() > 0 && grant.items().count() > 0
                    );
                }
            }
            Err(problems) => drop(holds::problems(&problems, file.name, text)),
        }
        file.check(input)
    };
    let seeds = || files(&["gateway/sample/grants", "policies/tests"], "grants.toml");
    run(&Target { name: "grants", shape: Shape::Text, bytes_max: 32 << 10, seeds, check: &check });
}

/// One file of a city folder, in which all others are good.
struct File {
    city: TempDir,
    name: &'static str,
    good: Directory,
}

impl File {
    fn new(name: &'static str) -> Self {
        Self::beside(name, city::folder())
    }

    /// Beside departments that issue nothing, which are read sooner.
    fn beside_departments_alone(name: &'static str) -> Self {
        let city = city::folder();
        for other in ["items", "grants"] {
            fs::remove_dir_all(city.path().join(other)).unwrap();
        }
        for file in fs::read_dir(city.path().join("departments")).unwrap() {
            let file = file.unwrap().path();
            let text = fs::read_to_string(&file).unwrap();
            fs::write(&file, text.split("\n[sql]").next().unwrap()).unwrap();
        }
        Self::beside(name, city)
    }

    fn beside(name: &'static str, city: TempDir) -> Self {
        // Policies take the most time and are a target of their own.
        for file in fs::read_dir(city.path().join("policies")).unwrap() {
            fs::remove_file(file.unwrap().path()).unwrap();
        }
        let good = load(city.path(), None, city::now()).unwrap();
        assert!(good.problems.is_empty(), "{}", good.problems);
        Self { good: good.directory, city, name }
    }

    /// A file that is refused changes nothing; one that is accepted is in force as it is written.
    fn check(&self, input: &[u8]) -> Outcome {
        let text = std::str::from_utf8(input).unwrap();
        fs::write(self.city.path().join(self.name), text).unwrap();
        let loaded = load(self.city.path(), Some(&self.good), city::now()).expect("there is a good state to keep");
        let stale = loaded.directory.stale().iter().find(|stale| stale.file == self.name);
        let own = loaded.problems.iter().filter(|problem| problem.file == self.name).count();
        // Files are read in the order of their names, so that another one may be told that this one took what is its own.
        if own == 0 {
            assert!(stale.is_none(), "{} is stale without a problem", self.name);
            let again = load(self.city.path(), Some(&loaded.directory), city::now()).unwrap();
            assert_eq!(summary(&again.directory), summary(&loaded.directory), "is read in another way again");
            return Outcome::of(summary(&loaded.directory));
        }
        assert!(stale.is_some_and(|stale| stale.kept), "{} is refused and not kept as it was", self.name);
        if own == loaded.problems.iter().count() {
            assert_eq!(summary(&loaded.directory), summary(&self.good), "a file that is refused changes something");
        }
        holds::problems(&loaded.problems, self.name, text)
    }
}

/// Who may call, and what for.
fn summary(of: &Directory) -> Vec<String> {
    let members = of.members().map(|member| format!("{member:?}"));
    let items = of.items().map(|item| format!("{item:?}"));
    members.chain(items).collect()
}
