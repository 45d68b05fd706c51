//! Whatever comes as an answer of the DNS: what is fuzzed of which records count.

use std::collections::BTreeSet;

use hickory_resolver::proto::op::{Message, Query};
use hickory_resolver::proto::rr::{Name, RData};

use super::owners::of_name;

/// Asserts that records are those of the name that was asked for and of what its aliases lead to, and that those of the name
/// itself are all there.
pub(crate) fn of_an_answer(bytes: &[u8]) {
    let Ok(answer) = Message::from_vec(bytes) else { return };
    let first = answer.answers.first().map(|record| &record.name);
    let Some(name) = answer.queries.first().map(Query::name).or(first) else { return };
    let found = of_name(name, &answer.answers);
    let mut led_to = BTreeSet::from([name.to_lowercase()]);
    loop {
        let before = led_to.len();
        for record in &answer.answers {
            if let RData::CNAME(target) = &record.data
                && is_among(&led_to, &record.name)
            {
                led_to.insert(target.0.to_lowercase());
            }
        }
        if led_to.len() == before {
            break;
        }
    }
    assert!(found.iter().all(|record| is_among(&led_to, &record.name)), "a record of another name");
    let of_the_name = answer.answers.iter().filter(|record| record.name.eq_ignore_root(name));
    assert!(found.iter().filter(|record| record.name.eq_ignore_root(name)).count() == of_the_name.count());
}

fn is_among(names: &BTreeSet<Name>, name: &Name) -> bool {
    names.iter().any(|known| known.eq_ignore_root(name))
}
