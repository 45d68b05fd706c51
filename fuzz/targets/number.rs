//! A number: two regions, and what stands in a user part or a list.

use ringfence_policy::{Caller, CallerId, E164, Number, Pattern, Region, Unresolved, normalise};

use super::draw::Draw;

/// Whatever is written, it is read as one number for callers and lists, and reads back as itself.
pub fn run(bytes: &[u8]) {
    let mut draw = Draw::new(bytes);
    let regions: Vec<Region> = Region::all().collect();
    let [from, to] = [*draw.one_of(&regions), *draw.one_of(&regions)];
    let raw = String::from_utf8_lossy(draw.rest());

    let number = normalise(&raw, from);
    assert_eq!(normalise(&raw, from), number);
    match number {
        Ok(number @ Number::E164(digits)) => {
            let there = normalise(&number.to_string(), to);
            assert!(there == Ok(number) || is_emergency_behind_its_code(there, digits, to), "{there:?}");
            assert!((10_000..1_000_000_000_000_000).contains(&digits.as_u64()));
            let _ = (digits.country(), digits.line_kind(), digits.is_of(from), digits.is_abroad(to));
        }
        Ok(number @ Number::Internal(_)) if !raw.to_ascii_lowercase().contains("internal:") => {
            assert_eq!(normalise(&number.to_string(), from), Ok(number));
        }
        Ok(Number::Internal(_)) => {}
        Err(unresolved) => {
            let told = unresolved.to_string();
            assert!(!told.contains(char::is_control), "{told:?}");
        }
    }
    as_caller_and_on_a_list(&raw, from);
}

/// Tells whether a full number is an emergency number of a region behind its calling code, which it is only there.
fn is_emergency_behind_its_code(read: Result<Number, Unresolved>, full: E164, region: Region) -> bool {
    let Ok(Number::Internal(digits)) = read else { return false };
    region.is_emergency(digits) && full.to_string() == format!("+{}{digits}", region.calling_code())
}

fn as_caller_and_on_a_list(raw: &str, region: Region) {
    let caller = Caller::told(raw);
    let who = caller.identify(region);
    let pattern = Pattern::parse(raw, region);
    if let (Ok(Pattern::Exact(listed)), Some(number)) = (&pattern, who.number()) {
        assert_eq!(*listed, number);
    }
    // An entry has 256 characters at most; what parameters a caller has is nobody's business.
    // What means something of its own in an entry does so escaped as well.
    let escapes = [("%2f", "/"), ("%2a", "*"), ("%23", "#"), ("%2e", ".")];
    let read = escapes.iter().fold(raw.to_ascii_lowercase(), |raw, (escape, sign)| raw.replace(escape, sign));
    let is_only_a_number = !read.contains(['/', '*', '#']) && !read.contains("..") && raw.trim().len() <= 256;
    if let (CallerId::Number(number), true) = (who, is_only_a_number) {
        assert_eq!(pattern, Ok(Pattern::Exact(number)));
    }
    let _ = (who.kind().as_str(), who.to_string());
}
