//! How written numbers are read, region by region.
//!
//! The numbers are of the ranges that regulators keep for fiction where they keep one, and made up
//! elsewhere.

use ringfence_policy::{E164, Number, Pattern, Region, Unresolved, normalise};

fn region(code: &str) -> Region {
    Region::parse(code).expect("a region")
}

fn read(raw: &str, code: &str) -> String {
    match normalise(raw, region(code)) {
        Ok(Number::E164(number)) => number.to_string(),
        Ok(Number::Internal(digits)) => format!("internal {digits}"),
        Err(Unresolved::Ambiguous(_)) => "ambiguous".to_owned(),
        Err(Unresolved::Invalid(_)) => "invalid".to_owned(),
        Err(Unresolved::NotANumber) => "not a number".to_owned(),
    }
}

#[track_caller]
fn all_read_as(code: &str, expected: &str, written: &[&str]) {
    for raw in written {
        assert_eq!(read(raw, code), expected, "{raw:?} in {code}");
    }
}

#[test]
fn a_swiss_number_is_the_same_in_every_form() {
    let forms = [
        "+41 79 123 45 67",
        "+41791234567",
        "0041 79 123 45 67",
        "079 123 45 67",
        "079/123.45.67",
        "+41 (0)79 123 45 67",
        "0041 (0) 79 123-45-67",
        "tel:+41-79-123-45-67",
        "tel:079-123-45-67;phone-context=+41",
        "sip:+41791234567@pbx.example;user=phone",
        "+41791234567;verstat=TN-Validation-Passed",
        "+41791234567;npdi;rn=+41980",
        "%2B41791234567",
    ];
    all_read_as("CH", "+41791234567", &forms);
}

//= https://www.rfc-editor.org/rfc/rfc3966#section-5.1.1
//= type=test
//# Visual separators
//# ('visual-separator') merely aid readability and are not used for URI
//# comparison or placing a call.
#[test]
fn a_number_of_north_america_is_the_same_in_every_form() {
    let forms = [
        "(312) 555-0177",
        "312-555-0177",
        "312.555.0177",
        "1 312 555 0177",
        "1-312-555-0177",
        "13125550177",
        "+1 312 555 0177",
        "+13125550177",
        "011 1 312 555 0177",
        "sip:+13125550177@x;user=phone",
        "tel:+1-312-555-0177",
        "tel:3125550177;phone-context=+1",
    ];
    all_read_as("US", "+13125550177", &forms);
    all_read_as("CA", "+13125550177", &forms);
}

/// Numbers as they are written at home, and what they are abroad.
const WITH_TRUNK_PREFIX: [(&str, &str, &str); 26] = [
    ("GB", "020 7946 0321", "+442079460321"),
    ("GB", "07700 900123", "+447700900123"),
    ("DE", "030 12345678", "+493012345678"),
    ("DE", "0151 12345678", "+4915112345678"),
    ("AT", "0664 1234567", "+436641234567"),
    ("FR", "06 12 34 56 78", "+33612345678"),
    ("NL", "06 12345678", "+31612345678"),
    ("BE", "0470 12 34 56", "+32470123456"),
    ("SE", "08-123 456 78", "+46812345678"),
    ("FI", "041 2345678", "+358412345678"),
    ("IE", "085 012 3456", "+353850123456"),
    ("TR", "0501 234 56 78", "+905012345678"),
    ("AU", "02 5550 1234", "+61255501234"),
    ("NZ", "021 123 4567", "+64211234567"),
    ("JP", "090-1234-5678", "+819012345678"),
    ("KR", "010-2000-0000", "+821020000000"),
    ("IL", "050-234-5678", "+972502345678"),
    ("ZA", "071 123 4567", "+27711234567"),
    ("UA", "050 123 4567", "+380501234567"),
    ("RU", "8 (912) 345-67-89", "+79123456789"),
    ("KZ", "8 (710) 009 9998", "+77100099998"),
    ("BY", "8 029 491-19-11", "+375294911911"),
    ("HU", "06 20 123 4567", "+36201234567"),
    ("HU", "06 1 234 5678", "+3612345678"),
    ("IN", "081234 56789", "+918123456789"),
    ("CN", "010 1234 5678", "+861012345678"),
];

#[test]
fn a_trunk_prefix_is_taken_off_where_there_is_one() {
    for (code, raw, expected) in WITH_TRUNK_PREFIX {
        assert_eq!(read(raw, code), expected, "{raw} in {code}");
    }
}

#[test]
fn a_national_number_is_complete_where_it_is_written_without_a_trunk_prefix() {
    let cases = [
        ("ES", "612 34 56 78", "+34612345678"),
        ("PT", "912 345 678", "+351912345678"),
        ("DK", "34 41 23 45", "+4534412345"),
        ("NO", "406 12 345", "+4740612345"),
        ("PL", "512 345 678", "+48512345678"),
        ("CZ", "601 123 456", "+420601123456"),
        ("GR", "691 234 5678", "+306912345678"),
        ("IS", "611 1234", "+3546111234"),
        ("LU", "628 123 456", "+352628123456"),
        ("LI", "660 234 567", "+423660234567"),
        ("HK", "5123 4567", "+85251234567"),
        ("SG", "8123 4567", "+6581234567"),
        ("MX", "200 123 4567", "+522001234567"),
        ("BR", "(11) 96123-4567", "+5511961234567"),
        ("IN", "81234 56789", "+918123456789"),
        ("CN", "131 2345 6789", "+8613123456789"),
        ("RU", "912 345-67-89", "+79123456789"),
        ("FO", "211234", "+298211234"),
    ];
    for (code, raw, expected) in cases {
        assert_eq!(read(raw, code), expected, "{raw} in {code}");
    }
}

#[test]
fn italy_keeps_its_zero() {
    all_read_as("IT", "+390612345678", &["06 1234 5678", "+39 06 1234 5678", "0039 06 1234 5678"]);
    all_read_as("IT", "+393331234567", &["333 123 4567", "+39 333 1234567", "393331234567"]);
    assert_ne!(read("+39 6 1234 5678", "CH"), "+390612345678");
}

#[test]
fn the_international_prefix_is_the_regions() {
    let cases = [
        ("CH", "0049 30 123456"),
        ("US", "011 49 30 123456"),
        ("RU", "8~10 49 30 123456"),
        ("RU", "810 49 30 123456"),
        ("AU", "0011 49 30 123456"),
        ("JP", "010 49 30 123456"),
        ("KE", "000 49 30 123456"),
        ("BR", "00 21 49 30 123456"),
        ("TH", "001 49 30 123456"),
        ("FI", "990 49 30 123456"),
    ];
    for (code, raw) in cases {
        assert_eq!(read(&raw.replace('~', ""), code), "+4930123456", "{raw} in {code}");
    }
    assert_ne!(read("0049 30 123456", "US"), "+4930123456");
}

#[test]
fn mexican_mobiles_are_the_same_with_and_without_the_old_1() {
    all_read_as("MX", "+525512345678", &["+52 1 55 1234 5678", "+52 55 1234 5678", "01 55 1234 5678"]);
}

#[test]
fn extensions_and_short_codes_are_internal() {
    for code in ["CH", "US", "DE", "IT", "ES", "NO"] {
        all_read_as(
            code,
            "internal 1002",
            &["1002", "10-02", " 1002 ", "sip:1002@pbx.example", "internal:1002"],
        );
    }
    assert_eq!(read("*97", "US"), "internal *97");
    assert_eq!(read("**610", "DE"), "internal **610");
    assert_eq!(read("#31#", "DE"), "internal #31#");
    assert_eq!(read("118218", "FR"), "internal 118218");
    assert_eq!(read("0100", "GB"), "internal 0100");
}

#[test]
fn an_internal_number_never_equals_a_full_one() {
    for code in ["CH", "US", "DE"] {
        let extension = normalise("1002", region(code)).unwrap();
        for full in ["+41791001002", "+11002555017", "+4910021002"] {
            assert_ne!(normalise(full, region(code)).unwrap(), extension);
        }
    }
}

#[test]
fn emergency_numbers_are_internal_whatever_they_look_like() {
    for region in Region::all() {
        for emergency in region.emergency_numbers().chain(["112", "911", "999"]) {
            let Ok(Number::Internal(digits)) = normalise(emergency, region) else {
                panic!("{emergency} in {region}");
            };
            assert!(region.is_emergency(digits), "{emergency} in {region}");
        }
    }
}

#[test]
fn an_emergency_number_is_itself_also_behind_a_plus_a_calling_code_or_an_international_prefix() {
    for (code, number, forms) in [
        ("DE", "112", &["+112", "+49112", "0049112", "+0049112", "+49 11-2", "tel:+49-112;npdi"][..]),
        ("SE", "112", &["+112", "+46112", "0046112", "%2B112", "sip:+112@pbx.example"]),
        ("US", "911", &["+911", "+1911", "0111911", "+01 11 911"]),
        ("AU", "000", &["+000", "+61000", "001161000"]),
        ("RU", "01", &["+01", "+701", "810701"]),
        ("TH", "1669", &["+1669", "+661669", "001661669"]),
        ("CH", "144", &["+144", "+41144", "0041144"]),
    ] {
        all_read_as(code, &format!("internal {number}"), forms);
    }
}

#[test]
fn what_a_numbering_plan_has_is_no_emergency_number() {
    assert_eq!(read("+49110", "CH"), "+49110", "an emergency number of another country");
    assert_eq!(read("+491101", "DE"), "+491101");
    assert_eq!(read("0041 112", "DE"), "+41112");
    assert_ne!(read("00112", "DE"), "internal 112", "an international prefix needs a calling code");
    assert_eq!(read("internal:49112", "DE"), "internal 49112");
    assert_eq!(read("+11911", "US"), "+11911");
}

#[test]
fn a_number_read_again_stays_what_it_is() {
    let prefixes = ["", "+", "00", "011", "0011", "+00"];
    for region in Region::all() {
        for emergency in region.emergency_numbers().chain(["112", "911", "999"]) {
            let with_code = format!("{}{emergency}", region.calling_code());
            for raw in
                prefixes.iter().flat_map(|start| [emergency, &with_code].map(|rest| format!("{start}{rest}")))
            {
                let Ok(once) = normalise(&raw, region) else { continue };
                assert_eq!(normalise(&once.to_string(), region), Ok(once), "{raw} in {region}");
            }
        }
    }
}

#[test]
fn a_lost_plus_is_restored_when_nothing_else_fits() {
    let cases = [
        ("CH", "41791234567", "+41791234567"),
        ("DE", "4915112345678", "+4915112345678"),
        ("DE", "493012345678", "+493012345678"),
        ("GB", "442079460321", "+442079460321"),
        ("FR", "33612345678", "+33612345678"),
        ("ES", "34612345678", "+34612345678"),
        ("US", "41791234567", "+41791234567"),
        ("CH", "4915112345678", "+4915112345678"),
        ("RU", "79123456789", "+79123456789"),
    ];
    for (code, raw, expected) in cases {
        assert_eq!(read(raw, code), expected, "{raw} in {code}");
    }
}

#[test]
fn a_lost_trunk_prefix_is_restored_when_nothing_else_fits() {
    assert_eq!(read("791234567", "CH"), "+41791234567");
    assert_eq!(read("2079460321", "GB"), "+442079460321");
    assert_eq!(read("612345678", "FR"), "+33612345678");
}

#[test]
fn what_has_two_readings_is_ambiguous_and_names_both() {
    let Err(Unresolved::Ambiguous(caller)) = normalise("49301234567", region("DE")) else {
        panic!("expected two readings");
    };
    let readings: Vec<String> = caller.readings().map(|number| number.to_string()).collect();
    assert_eq!(readings, ["+49301234567", "+4949301234567"]);
}

#[test]
fn a_number_without_its_area_code_is_ambiguous() {
    for (code, raw) in [
        ("US", "555-0177"),
        ("GB", "7946 0321"),
        ("DE", "1234567"),
        ("AU", "5550 1234"),
        ("CN", "6555 1234"),
        ("BR", "3123-4567"),
        ("BR", "96123-4567"),
        ("RU", "345-67-89"),
        ("MX", "1234 5678"),
    ] {
        assert_eq!(read(raw, code), "ambiguous", "{raw} in {code}");
    }
}

#[test]
fn a_number_of_no_plan_keeps_its_digits_and_tells_its_fault() {
    for raw in ["+41791234", "+999123456789", "+15551234", "+44123"] {
        let Ok(Number::E164(number)) = normalise(raw, region("CH")) else { panic!("{raw}") };
        assert_eq!(number.to_string(), raw);
        assert!(number.fault().is_some(), "{raw}");
    }
    assert_eq!(E164::new(41_791_234_567).and_then(E164::fault), None);
}

#[test]
fn an_area_code_and_an_exchange_of_north_america_begin_with_2_to_9_and_are_no_n11() {
    for raw in ["+12125550177", "+1 800 555 0177", "+1 345 949 2000"] {
        let Ok(Number::E164(number)) = normalise(raw, region("CH")) else { panic!("{raw}") };
        assert_eq!(number.fault(), None, "{raw}");
    }
    for raw in ["+12020550123", "+12021550123", "+19115550123", "+12124110123"] {
        let Ok(Number::E164(number)) = normalise(raw, region("US")) else { panic!("{raw}") };
        assert_eq!(number.to_string(), raw);
        let fault = number.fault().expect("a fault").to_string();
        assert!(fault.starts_with("area codes and exchanges in +1 "), "{raw}: {fault}");
    }
}

#[test]
fn foreign_digits_without_their_plus_are_no_number_of_north_america() {
    all_read_as("US", "+4930123456", &["+4930123456", "01149 30 123456"]);
    assert_ne!(read("4930123456", "US"), "+14930123456");
    assert_ne!(read("4915112345", "US"), "+14915112345");
}

#[test]
fn too_few_and_too_many_digits_are_invalid() {
    all_read_as("CH", "invalid", &["+", "+1", "+41", "0041", "+1234567890123456"].as_slice()[1..]);
    all_read_as("CH", "invalid", &["12345678901234567890", "123456789012345678901234567890", "079123456"]);
    assert_eq!(read("+", "CH"), "not a number");
}

#[test]
fn words_are_not_numbers() {
    let words = ["alice", "", "   ", "1-800-FLOWERS", "+41 79 123 45 6x", "41+79", "%zz", "%2"];
    all_read_as("CH", "not a number", &words);
}

#[test]
fn a_context_that_is_no_calling_code_changes_nothing() {
    all_read_as(
        "CH",
        "internal 7042",
        &["tel:7042;phone-context=example.com", "tel:7042;phone-context=+1-914-555"],
    );
    all_read_as(
        "CH",
        "+41791234567",
        &["tel:0791234567;phone-context=ims.example", "0791234567;phone-context="],
    );
}

//= https://www.rfc-editor.org/rfc/rfc3966#section-5.1.5
//= type=test
//# It does NOT indicate a prefix that turns the local number into a
//# global (E.164) number.
#[test]
fn a_context_that_is_a_calling_code_says_whose_digits_they_are() {
    all_read_as("CH", "+442079460321", &["tel:020-7946-0321;phone-context=+44"]);
}

#[test]
fn digits_of_other_scripts_and_marks_of_a_copied_number_are_read() {
    all_read_as("JP", "+819012345678", &["０９０−１２３４−５６７８", "＋８１（９０）１２３４５６７８"]);
    all_read_as("EG", "+201001234567", &["٠١٠٠١٢٣٤٥٦٧", "\u{202d}+20 100 123 4567\u{202c}"]);
    all_read_as("CH", "+41791234567", &["\u{feff}+41\u{a0}79\u{202f}123\u{2009}45\u{2011}67"]);
}

#[test]
fn what_nobody_sees_in_a_number_is_no_part_of_it() {
    let controls = ('\0'..='\u{1f}').chain('\u{7f}'..='\u{9f}');
    let ignorable = "\u{ad}\u{34f}\u{115f}\u{17b4}\u{180b}\u{200d}\u{2028}\u{2061}\u{206f}\u{3164}\u{fe0f}\u{ffa0}\u{fff9}\u{1bca0}\u{1d173}\u{e0041}";
    for unseen in controls.chain(ignorable.chars()) {
        let forms =
            ["X+41790000001", "+X41790000001", "+4179X0000001", "+41790000001X", "tel:X079 000 00 01X"];
        let written = forms.map(|form| form.replace('X', &unseen.to_string()));
        all_read_as("CH", "+41790000001", &written.each_ref().map(String::as_str));
    }
    all_read_as(
        "CH",
        "+41790000001",
        &["%00+41790000001", "+4179%010000001", "+41790000001%7f", "+41790000001%1F"],
    );
}

#[test]
fn what_follows_a_number_and_is_seen_leaves_it_unread() {
    all_read_as(
        "CH",
        "not a number",
        &["+41790000001p5", "+41790000001w", "+41790000001,5", "+41790000001\u{301}"],
    );
}

#[test]
fn a_plus_before_an_international_prefix_says_the_same_twice() {
    all_read_as(
        "CH",
        "+41791234567",
        &["+0041791234567", "++41791234567", "%2B%2B41791234567", "++0041 79 123 45 67"],
    );
    all_read_as("US", "+41791234567", &["+01141791234567", "+0041791234567", "++41791234567"]);
    assert_eq!(read("+01141791234567", "CH"), read("+0", "CH"), "nobody dials 011 in Switzerland");
    assert_eq!(read("+0791234567", "CH"), read("+0", "CH"), "a trunk prefix behind a + is no calling code");
}

#[test]
fn the_key_that_ends_dialling_is_no_part_of_a_number() {
    all_read_as(
        "CH",
        "+41791234567",
        &[
            "0791234567#",
            "+41791234567#",
            "0791234567%23",
            "0791234567#;phone-context=x",
            "0791234567;isub=12",
        ],
    );
    assert_eq!(read("1002#", "CH"), "internal 1002");
    assert_eq!(read("*21#", "CH"), "internal *21#");
    assert_eq!(read("internal:55#", "CH"), "internal 55#");
}

#[test]
fn a_number_of_any_length_is_written_with_all_its_digits() {
    let longest = 198_765_432_100_305_u64;
    let numbers = (0..15).map(|cut| longest / 10_u64.pow(cut)).chain((0..15).map(|zeros| 10_u64.pow(zeros)));
    for number in numbers.filter_map(|digits| Some((digits, E164::new(digits)?))) {
        assert_eq!(number.1.to_string(), format!("+{}", number.0));
    }
    assert_eq!(E164::new(longest).map(|number| number.to_string()), Some(format!("+{longest}")));
}

#[test]
fn a_trunk_prefix_left_in_is_taken_out_where_services_begin_like_it() {
    for (code, written, expected) in [
        ("JP", "+81 (0)90-1234-5678", "+819012345678"),
        ("JP", "+81 (0)3-1234-5678", "+81312345678"),
        ("KR", "+82 (0)10-1234-5678", "+821012345678"),
        ("ID", "+62 (0)812-3456-7890", "+6281234567890"),
        ("BY", "+375 (8)29 123 45 67", "+375291234567"),
        ("BY", "+375 (80)29 123 45 67", "+375291234567"),
        ("BY", "+375 (80)17 123 45 67", "+375171234567"),
        ("BY", "+375 800 123 4567", "+3758001234567"),
        ("BY", "+375 801 123 4567", "+3758011234567"),
        ("BY", "+375 820 1 123 4567", "+37582011234567"),
        ("JP", "+81 0077 123 4567", "+8100771234567"),
        ("KR", "+82 00 308 123 4567", "+82003081234567"),
        ("ID", "+62 007 803 123 4567", "+62007803 1234567"),
        ("RW", "+250 06 123 456", "+25006123456"),
    ] {
        assert_eq!(read(written, code), expected.replace(' ', ""), "{written} in {code}");
    }
}

#[test]
fn the_international_prefix_of_a_country_whose_services_begin_with_0_has_one_reading() {
    for (code, written, expected) in [
        ("IN", "00441212345678", "+441212345678"),
        ("IN", "00923012345678", "+923012345678"),
        ("BG", "0041791234567", "+41791234567"),
        ("BG", "00493012345", "+493012345"),
        ("KR", "001 44 121 234 5678", "+441212345678"),
        ("KR", "002 41 79 123 45 67", "+41791234567"),
        ("TH", "001 41 79 123 45 67", "+41791234567"),
        ("TH", "001 65 6123 4567", "+6561234567"),
        ("ID", "008 41 44 123 4567", "+41441234567"),
        ("JP", "010 44 121 234 5678", "+441212345678"),
    ] {
        assert_eq!(read(written, code), expected, "{written} in {code}");
    }
}

#[test]
fn emergency_numbers_of_five_digits_and_those_of_other_services_are_protected() {
    for (code, numbers) in [
        ("ZA", "10111 10177 112"),
        ("NA", "10111"),
        ("JP", "110 118 119"),
        ("ES", "061 062 091"),
        ("FR", "114 115 119 196"),
    ] {
        for number in numbers.split(' ') {
            let Ok(Number::Internal(digits)) = normalise(number, region(code)) else { panic!("{number}") };
            assert!(region(code).is_emergency(digits), "{number} in {code}");
        }
    }
    assert_eq!(read("+2710111", "ZA"), "internal 10111");
}

#[test]
fn what_follows_a_semicolon_is_a_parameter_or_leaves_the_number_unread() {
    for written in
        ["+493012345685; +493012345686", "+493012345685;030 12345686", "030 12345685;(030) 12345686"]
    {
        assert_eq!(read(written, "DE"), "not a number", "{written}");
    }
    all_read_as("DE", "+493012345685", &["+493012345685;isub=1", "+493012345685; ext=2", "+493012345685;"]);
}

#[test]
fn france_and_its_departments_overseas_dial_each_other_as_one() {
    for (code, written, expected) in [
        ("RE", "0262 12 34 56", "+262262123456"),
        ("RE", "01 23 45 67 89", "+33123456789"),
        ("RE", "06 12 34 56 78", "+33612345678"),
        ("RE", "0692 12 34 56", "+262692123456"),
        ("RE", "0590 12 34 56", "+590590123456"),
        ("YT", "0269 60 12 34", "+262269601234"),
        ("GP", "0696 12 34 56", "+596696123456"),
        ("GP", "05 56 12 34 56", "+33556123456"),
        ("MQ", "0596 12 34 56", "+596596123456"),
        ("GF", "0694 12 34 56", "+594694123456"),
        ("GF", "0800 123 456", "+594800123456"),
        ("RE", "+262 262 12 34 56", "+262262123456"),
        ("RE", "0709 20 12 34", "+262709201234"),
        ("YT", "0709 35 12 34", "+262709351234"),
        ("GP", "0709 00 12 34", "+590709001234"),
        ("GF", "0709 31 12 34", "+594709311234"),
        ("GF", "0709 11 12 34", "+596709111234"),
        ("RE", "07 81 23 45 67", "+33781234567"),
        ("RE", "09 48 12 34 56", "+33948123456"),
        ("GP", "09 70 12 34 56", "+33970123456"),
        ("RE", "0976 23 12 34", "+262976231234"),
        ("MQ", "0947 98 12 34", "+262947981234"),
        // A code that is stated is the one that is meant.
        ("CH", "+262 (0)6 12 34 56 78", "+262612345678"),
        ("RE", "+262 0690 95 47 17", "+262690954717"),
    ] {
        assert_eq!(read(written, code), expected, "{written} in {code}");
    }
    let abroad = |digits, code| E164::new(digits).unwrap().is_abroad(region(code));
    assert!(
        !abroad(33_123_456_789, "RE") && !abroad(262_692_123_456, "FR") && !abroad(596_696_123_456, "GP")
    );
    assert!(abroad(687_123_456, "FR") && abroad(41_441_234_567, "RE") && abroad(33_123_456_789, "BE"));
    for (code, written, expected) in [
        ("RE", "01*", "+331*"),
        ("RE", "0262*", "+262262*"),
        ("GP", "0696*", "+596696*"),
        ("RE", "08*", "+2628*"),
        ("RE", "0948*", "+33948*"),
        ("CF", "+2620640*", "+262640*"),
        ("CF", "+590048*", "+590048*"),
    ] {
        assert_eq!(
            Pattern::parse(written, region(code)).unwrap().to_string(),
            expected,
            "{written} in {code}"
        );
    }
    // Of too few digits none tells whose numbers begin so.
    for (code, written, one, other) in [
        ("RE", "06*", "+336*", "+2626*"),
        ("RE", "02*", "+332*", "+2622*"),
        ("GP", "02*", "+332*", "+2622*"),
        ("RE", "069*", "+3369*", "+26269*"),
        ("YT", "07*", "+337*", "+2627*"),
    ] {
        let told = Pattern::parse(written, region(code)).unwrap_err().to_string();
        assert!(told.contains(one) && told.contains(other), "{written} in {code}: {told}");
    }
}

#[test]
fn what_stands_between_a_trunk_prefix_and_the_number_is_no_part_of_it() {
    for (code, written, expected) in [
        ("AR", "011 15 4567-8901", "+5491145678901"),
        ("AR", "0351 15 412-3456", "+5493514123456"),
        ("AR", "02966 15 41-2345", "+5492966412345"),
        ("AR", "011 4567-8901", "+541145678901"),
        // An area begins with 2 or 3, and 00 is for calls abroad.
        ("AR", "00 1 415 555 2671", "+14155552671"),
        ("AR", "00 33 1 53 45 67 89", "+33153456789"),
        ("AR", "00 33 1 45 26 26 26", "+33145262626"),
        ("AR", "00 48 61 815 12 34", "+48618151234"),
        ("BR", "0 21 11 98765-4321", "+5511987654321"),
        ("BR", "015 11 3265-4321", "+551132654321"),
        ("BR", "011 98765-4321", "+5511987654321"),
        ("BR", "0800 123 4567", "+558001234567"),
    ] {
        assert_eq!(read(written, code), expected, "{written} in {code}");
    }
}
