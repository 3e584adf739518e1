//! The figures, for people and for machines.

use serde_json::{Value, json};

use super::Failure;
use super::measure::{Case, Figures, Point, Rounds};

/// Prints a line for each case at each point, in Markdown.
pub(crate) fn table(points: &[(Point, Rounds)]) {
    println!(
        "| connections x in flight | case | calls/s | p50 ms | p99 ms | p99.9 ms | CPU µs/call | CPU, times the floor (rounds) | calls/s, of the floor | from cache | commit ms | entries of a commit |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|");
    for (point, rounds) in points {
        for (case, measured) in rounds {
            println!("| {point} | {} | {} |", case.as_str(), cells(*case, measured, rounds).join(" | "));
        }
    }
    let unsent: u64 = points.iter().flat_map(|(_, rounds)| rounds.values().flatten()).map(|round| round.unsent).sum();
    if unsent > 0 {
        println!("\n{unsent} calls were due while too many were in flight, and were not made.");
    }
}

fn cells(case: Case, measured: &[Figures], rounds: &Rounds) -> Vec<String> {
    let whole = Figures::whole(measured);
    let mut cells = vec![format!("{:.0}", whole.rate())];
    cells.extend([50.0, 99.0, 99.9].map(|percent| format!("{:.2}", whole.percentile(percent))));
    cells.push(format!("{:.1}", whole.cpu_each()));
    match rounds.get(&Case::Floor) {
        Some(floor) => {
            let each: Vec<f64> = measured.iter().zip(floor).map(|(a, b)| a.cpu_each() / b.cpu_each()).collect();
            let (least, most) = each.iter().fold((f64::MAX, 0_f64), |(least, most), &x| (least.min(x), most.max(x)));
            let floor = Figures::whole(floor);
            cells.push(format!("{:.2} ({least:.2}-{most:.2})", whole.cpu_each() / floor.cpu_each()));
            cells.push(format!("{:.0} %", 100.0 * whole.rate() / floor.rate()));
        }
        None => cells.extend(["-".into(), "-".into()]),
    }
    cells.push(match case {
        Case::Floor => "-".into(),
        _ => format!("{:.0} %", 100.0 * whole.from_cache as f64 / whole.calls as f64),
    });
    let commits =
        [whole.commits.each().map(|ms| format!("{ms:.2}")), whole.commits.batch().map(|of| format!("{of:.0}"))];
    cells.extend(commits.map(|cell| cell.unwrap_or_else(|| "-".into())));
    cells
}

/// Prints one object: the figures of each case at one point, and the ratios.
///
/// # Errors
/// [`Failure`] where a case was left out.
pub(crate) fn json(rounds: &Rounds) -> Result<(), Failure> {
    let measured = |case: Case| rounds.get(&case).map(|measured| Figures::whole(measured));
    let case = |case: Case| {
        measured(case).ok_or_else(|| Failure(format!("JSON needs every case; `{}` was left out", case.as_str())))
    };
    let (floor, cached, asked) = (case(Case::Floor)?, case(Case::Cached)?, case(Case::Asked)?);
    let (postgres, replicas) = (case(Case::Postgres)?, case(Case::Replicas)?);
    let unlogged = measured(Case::Unlogged);
    let added_p99 =
        |of: &Figures| unlogged.as_ref().map(|unlogged| rounded(of.percentile(99.0) - unlogged.percentile(99.0), 1e3));
    println!(
        "{}",
        json!({
            "floor": figures(&floor),
            "cached": figures(&cached),
            "asked": figures(&asked),
            "unlogged": unlogged.as_ref().map(figures),
            "postgres": figures(&postgres),
            "replicas": figures(&replicas),
            "added_p99_ms": { "asked": added_p99(&asked), "postgres": added_p99(&postgres) },
            "ratio": {
                "cached_cpu": rounded(cached.cpu_each() / floor.cpu_each(), 1e3),
                "asked_cpu": rounded(asked.cpu_each() / floor.cpu_each(), 1e3),
                "cached_rps": rounded(cached.rate() / floor.rate(), 1e3),
                "asked_rps": rounded(asked.rate() / floor.rate(), 1e3),
                "postgres_cpu": rounded(postgres.cpu_each() / floor.cpu_each(), 1e3),
                "postgres_rps": rounded(postgres.rate() / floor.rate(), 1e3),
                "replicas_of_postgres_rps": rounded(replicas.rate() / postgres.rate(), 1e3),
            },
        })
    );
    Ok(())
}

fn figures(of: &Figures) -> Value {
    json!({
        "rps": of.rate().round(),
        "p50_ms": of.percentile(50.0),
        "p99_ms": of.percentile(99.0),
        "cpu_us": rounded(of.cpu_each(), 1e1),
        "commit_ms": of.commits.each().map(|ms| rounded(ms, 1e3)),
        "commit_entries": of.commits.batch().map(|entries| rounded(entries, 1e1)),
    })
}

fn rounded(figure: f64, to: f64) -> f64 {
    (figure * to).round() / to
}
