//! Which records of an answer count: those of the name that was asked for, and of what its aliases lead to (RFC 1034 section
//! 3.6.2). Whoever fills an answer with records of other names says nothing of this one.

use hickory_resolver::proto::rr::rdata::CNAME;
use hickory_resolver::proto::rr::{Name, RData, Record};

/// Aliases in a row that are followed: domains have one or two, those of large providers four.
const MOST_ALIASES: usize = 16;

/// Returns the records of a name and of its aliases, in the order of the answer. Upper and lower case are the same.
pub(super) fn of_name<'r>(name: &Name, answers: &'r [Record]) -> Vec<&'r Record> {
    let mut owners = vec![name];
    while owners.len() <= MOST_ALIASES
        && let Some(next) = owners.last().and_then(|owner| alias(owner, answers))
        && !owners.iter().any(|owner| owner.eq_ignore_root(next))
    {
        owners.push(next);
    }
    let is_owned = |record: &&Record| owners.iter().any(|owner| owner.eq_ignore_root(&record.name));
    answers.iter().filter(is_owned).collect()
}

/// Returns what a name is an alias for.
fn alias<'r>(owner: &Name, answers: &'r [Record]) -> Option<&'r Name> {
    answers.iter().filter(|record| record.name.eq_ignore_root(owner)).find_map(|record| {
        let RData::CNAME(CNAME(target)) = &record.data else { return None };
        Some(target)
    })
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn name(text: &str) -> Name {
        Name::from_ascii(text).unwrap()
    }

    fn alias(owner: &str, target: &str) -> Record {
        Record::from_rdata(name(owner), 60, RData::CNAME(CNAME(name(target))))
    }

    fn address(owner: &str, last: u8) -> Record {
        Record::from_rdata(name(owner), 60, RData::A(Ipv4Addr::new(192, 0, 2, last).into()))
    }

    /// The last numbers of the addresses that an answer has for `pbx.example.com`.
    fn found(answers: &[Record]) -> Vec<u8> {
        let records = of_name(&name("pbx.example.com."), answers);
        records.iter().filter_map(|record| Some(record.data.ip_addr()?.to_canonical())).map(last).collect()
    }

    fn last(address: std::net::IpAddr) -> u8 {
        address.to_string().rsplit('.').next().unwrap().parse().unwrap()
    }

    #[test]
    fn a_record_of_another_name_is_none() {
        assert_eq!(found(&[address("pbx.other.com.", 66), address("PBX.example.com.", 1)]), [1]);
        assert!(found(&[address("pbx.other.com.", 66)]).is_empty());
    }

    #[test]
    fn aliases_lead_to_records_in_any_order_and_case() {
        let answers = [
            address("c.example.net.", 3),
            alias("B.example.net.", "c.example.net."),
            address("d.example.net.", 66),
            alias("pbx.example.com.", "b.example.NET."),
            alias("e.example.net.", "d.example.net."),
        ];
        assert_eq!(found(&answers), [3]);
    }

    #[test]
    fn aliases_that_lead_in_a_circle_or_ever_on_come_to_an_end() {
        let circle = [alias("pbx.example.com.", "a."), alias("a.", "pbx.example.com."), address("a.", 1)];
        assert_eq!(found(&circle), [1]);
        let mut chain = vec![alias("pbx.example.com.", "n0.")];
        chain.extend((0..1000).map(|n| alias(&format!("n{n}."), &format!("n{}.", n + 1))));
        chain.extend([address("n15.", 1), address("n16.", 66), address("n999.", 66)]);
        assert_eq!(found(&chain), [1]);
    }
}
