//! "Did you mean": the known name that is nearest to a misspelt one.

/// Returns the candidate that is at most two edits (one for short names) away from `name`, for "did you
/// mean".
///
/// ```
/// use ringfence_policy::nearest;
///
/// assert_eq!(nearest("pasword", ["user", "password"]), Some("password"));
/// assert_eq!(nearest("secret", ["user", "password"]), None);
/// ```
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = if name.chars().count() <= 4 { 1 } else { 2 };
    candidates
        .into_iter()
        .filter(|candidate| !is_far(name, candidate, limit))
        .map(|candidate| (if is_swapped(name, candidate) { 1 } else { distance(name, candidate) }, candidate))
        .filter(|(edits, _)| *edits <= limit)
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, candidate)| candidate)
}

/// Returns whether the lengths alone say that it takes more edits: a file of thousands of lines asks for each of its keys.
fn is_far(name: &str, candidate: &str, limit: usize) -> bool {
    // A letter of other alphabets may become several when it is made small.
    name.is_ascii() && candidate.is_ascii() && name.len().min(64).abs_diff(candidate.len().min(64)) > limit
}

/// Returns whether two letters side by side were typed in the wrong order: one slip, not two.
fn is_swapped(name: &str, candidate: &str) -> bool {
    let letters = || name.chars().zip(candidate.chars()).take(64);
    let mut differing = letters().enumerate().filter(|(_, (one, other))| one != other);
    let (Some((first, (a, b))), Some((second, (c, d))), None) =
        (differing.next(), differing.next(), differing.next())
    else {
        return false;
    };
    name.len() == candidate.len() && name.len() <= 64 && second == first + 1 && (a, b) == (d, c)
}

/// Counts the letters to insert, delete or replace to make `b` of `a` (Levenshtein's distance),
/// looking at the first 64 letters only: a name that is longer is no near miss.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(64).flat_map(char::to_lowercase).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, letter) in a.chars().take(64).flat_map(char::to_lowercase).enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, other) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *other);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_misspelt_key_finds_its_neighbour() {
        let keys = ["caller", "caller_in", "caller_kind", "hours", "id"];
        assert_eq!(nearest("caler_in", keys), Some("caller_in"));
        assert_eq!(nearest("Hour", keys), Some("hours"));
        assert_eq!(nearest("ids", keys), Some("id"));
        assert_eq!(nearest("hmoe", ["work", "home"]), Some("home"));
        assert_eq!(nearest("hxex", ["home"]), None);
    }

    #[test]
    fn a_far_name_finds_nothing() {
        assert_eq!(nearest("transport", ["user", "port"]), None);
        assert_eq!(nearest("", ["user", "port"]), None);
        assert_eq!(nearest(&"x".repeat(100_000), ["user"]), None);
    }
}
