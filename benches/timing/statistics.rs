//! Two samples of times beside each other, without a thought of how they are distributed.

/// How far from half the AUC may be at 2000 a class.
const BOUND: f64 = 0.035;
/// How far apart the percentiles may be, in milliseconds.
const APART: f64 = 1.0;
/// The percentiles that are looked at: tails tell too.
pub const PERCENTILES: [usize; 3] = [10, 50, 90];

/// How a class compares with nobody's.
#[derive(Clone, Copy, Debug)]
pub struct Comparison {
    /// The chance that a time of the class is longer than one of nobody's, plus half of the chance that both are alike
    /// (Mann and Whitney).
    pub auc: f64,
    /// The median of nobody's, in milliseconds.
    pub median: f64,
    /// How much longer the class takes at each of [`PERCENTILES`], in milliseconds.
    pub later: [f64; 3],
}

impl Comparison {
    /// Whether nothing is told.
    pub fn passes(&self) -> bool {
        (self.auc - 0.5).abs() <= BOUND && self.later.iter().all(|later| later.abs() <= APART)
    }
}

/// Compares the times of a class with nobody's.
pub fn compare(mut nobody: Vec<f64>, mut class: Vec<f64>) -> Comparison {
    nobody.sort_by(f64::total_cmp);
    class.sort_by(f64::total_cmp);
    let later = PERCENTILES.map(|p| percentile(&class, p) - percentile(&nobody, p));
    Comparison { auc: auc(&nobody, &class), median: percentile(&nobody, 50), later }
}

/// Of sorted times.
fn percentile(times: &[f64], p: usize) -> f64 {
    let last = times.len().saturating_sub(1);
    times.get((last * p + 50) / 100).copied().unwrap_or_default()
}

/// Of sorted times: each of the class is set among nobody's.
fn auc(nobody: &[f64], class: &[f64]) -> f64 {
    let beats = |time: &f64| {
        let (less, not_more) =
            (nobody.partition_point(|other| other < time), nobody.partition_point(|other| other <= time));
        (less + not_more) as f64 / 2.0
    };
    class.iter().map(beats).sum::<f64>() / (nobody.len() * class.len()).max(1) as f64
}

/// Refuses to run where this file counts wrongly; a bench has no tests of its own.
///
/// # Panics
/// Then.
pub fn check() {
    let times = |from: u32| -> Vec<f64> { (from..from + 100).map(f64::from).collect() };
    let of = |from| compare(times(0), times(from));
    assert!((of(0).auc - 0.5).abs() < 1e-9 && of(0).passes(), "alike");
    assert!((of(100).auc - 1.0).abs() < 1e-9 && !of(100).passes(), "always later");
    assert!((of(10).auc - 0.595).abs() < 1e-9 && of(10).later == [10.0; 3], "later by a tenth");
    let tail: Vec<f64> =
        (0..100u32).map(|n| if n < 85 { f64::from(n) } else { f64::from(n) + 2.0 }).collect();
    assert!(!compare(times(0), tail).passes(), "a tail tells");
}
