//! In which order servers are tried: priorities and weights (RFC 2782).

use crate::io::resolver::Srv;

/// Draws a number from 0 to the one given, which it may be.
pub(super) type Draw<'a> = &'a mut (dyn FnMut(u32) -> u32 + Send);

/// Returns whether the domain says that it has no such service.
pub(super) fn is_unavailable(records: &[Srv]) -> bool {
    //= https://www.rfc-editor.org/rfc/rfc2782
    //# If there is precisely one SRV RR, and its Target is "."
    //# (the root domain), abort.
    // More of them mean the same.
    !records.is_empty() && records.iter().all(|record| is_root(&record.target))
}

/// Returns the records in the order in which they are tried. One that has no target, or no port, is none.
pub(super) fn in_order(records: &[Srv], draw: Draw<'_>) -> Vec<Srv> {
    let usable = |record: &&Srv| !is_root(&record.target) && record.port != 0;
    let mut waiting: Vec<&Srv> = records.iter().filter(usable).take(MOST_RECORDS).collect();
    //= https://www.rfc-editor.org/rfc/rfc2782
    //# To select a target to be contacted next, arrange all SRV RRs
    //# (that have not been ordered yet) in any order, except that all
    //# those with weight 0 are placed at the beginning of the list.
    waiting.sort_by_key(|record| (record.priority, record.weight != 0));
    let mut ordered = Vec::with_capacity(waiting.len());
    while let Some(first) = waiting.first() {
        let priority = first.priority;
        let equals = waiting.iter().take_while(|record| record.priority == priority);
        let sum = equals.clone().map(|record| u32::from(record.weight)).sum();
        //= https://www.rfc-editor.org/rfc/rfc2782
        //# Then choose a
        //# uniform random number between 0 and the sum computed
        //# (inclusive), and select the RR whose running sum value is the
        //# first in the selected order which is greater than or equal to
        //# the random number selected.
        let drawn = draw(sum).min(sum);
        let mut running = 0;
        let chosen = equals.map(|record| u32::from(record.weight)).position(|weight| {
            running += weight;
            running >= drawn
        });
        ordered.push(waiting.remove(chosen.unwrap_or(0)).clone());
    }
    ordered
}

fn is_root(target: &str) -> bool {
    target.trim_end_matches('.').is_empty()
}

/// Records of one name that are looked at: more than any provider lists, and few enough to be sorted at no cost.
const MOST_RECORDS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn srv(priority: u16, weight: u16, target: &str) -> Srv {
        Srv { priority, weight, port: 5060, target: target.to_owned() }
    }

    /// A generator of numbers that a seed repeats (xorshift).
    fn seeded(mut state: u64) -> impl FnMut(u32) -> u32 + Send {
        move |most| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            u32::try_from((state >> 16) % (u64::from(most) + 1)).unwrap()
        }
    }

    fn targets(records: &[Srv], mut draw: impl FnMut(u32) -> u32 + Send) -> Vec<String> {
        in_order(records, &mut draw).into_iter().map(|record| record.target).collect()
    }

    #[test]
    fn the_lowest_priority_is_tried_first_whatever_the_weights() {
        //= https://www.rfc-editor.org/rfc/rfc2782
        //= type=test
        //# A client MUST attempt to
        //# contact the target host with the lowest-numbered priority it can
        //# reach
        let records = [srv(20, 65535, "c"), srv(10, 0, "b"), srv(0, 1, "a")];
        for seed in 1..100 {
            assert_eq!(targets(&records, seeded(seed)), ["a", "b", "c"], "seed {seed}");
        }
    }

    #[test]
    fn the_running_sum_that_reaches_the_number_drawn_selects() {
        let records = [srv(0, 1, "one"), srv(0, 3, "three"), srv(0, 0, "zero")];
        let first = |drawn| targets(&records, move |_| drawn).remove(0);
        let found: Vec<String> = (0..=5).map(first).collect();
        assert_eq!(found, ["zero", "one", "three", "three", "three", "three"]);
    }

    #[test]
    fn each_target_is_first_as_often_as_its_weight_says() {
        //= https://www.rfc-editor.org/rfc/rfc2782
        //= type=test
        //# Larger
        //# weights SHOULD be given a proportionately higher probability of
        //# being selected.
        let records = [srv(0, 10, "a"), srv(0, 30, "b"), srv(0, 60, "c")];
        let (mut draw, rounds) = (seeded(7), 20_000_u32);
        let mut first = std::collections::BTreeMap::<String, u32>::new();
        for _ in 0..rounds {
            *first.entry(targets(&records, &mut draw).remove(0)).or_default() += 1;
        }
        for record in records {
            // Out of 101 numbers that can be drawn, the first in the list has one more.
            let (share, weight) = (first[&record.target] * 100 / rounds, u32::from(record.weight));
            assert!(share.abs_diff(weight) <= 2, "{record}: {share} % (seed 7)");
        }
    }

    #[test]
    fn one_without_weight_is_seldom_first_and_never_left_out() {
        let records = [srv(0, 0, "spare"), srv(0, 100, "main")];
        let (mut draw, mut spare) = (seeded(3), 0);
        for _ in 0..10_000 {
            let order = targets(&records, &mut draw);
            assert_eq!(order.len(), 2);
            spare += u32::from(order[0] == "spare");
        }
        assert!((20..300).contains(&spare), "{spare} of 10000 (seed 3)");
    }

    #[test]
    fn a_service_without_a_target_is_not_available() {
        assert!(is_unavailable(&[srv(0, 0, ".")]) && is_unavailable(&[srv(0, 0, "")]));
        assert!(!is_unavailable(&[]) && !is_unavailable(&[srv(0, 0, "."), srv(0, 0, "a")]));
        assert_eq!(targets(&[srv(0, 0, "."), srv(0, 0, "a")], |_| 0), ["a"]);
    }

    #[test]
    fn any_answer_is_put_in_order_and_a_long_one_cut() {
        let many: Vec<Srv> = (0..1000).map(|n| srv(n % 3, n * 65, &format!("t{n}"))).collect();
        assert_eq!(in_order(&many, &mut seeded(1)).len(), MOST_RECORDS);
        let heavy: Vec<Srv> = (0..64).map(|n| srv(0, 65535, &format!("t{n}"))).collect();
        assert_eq!(in_order(&heavy, &mut |most| most).len(), 64);
        assert!(in_order(&[Srv { port: 0, ..srv(0, 0, "a") }], &mut |_| 0).is_empty());
    }
}
