//! Regions: the countries and territories whose dialling habits give a number its meaning.

use std::fmt;

use super::Digits;
use super::plan::Plan;
use crate::printable::printable;

/// A country or territory of ISO 3166-1, with the way numbers are written there.
///
/// ```
/// use ringfence_policy::Region;
///
/// let region = Region::parse("ch")?;
/// assert_eq!(region.as_str(), "CH");
/// assert_eq!(region.name(), "Switzerland");
/// assert_eq!(region.calling_code(), 41);
/// assert_eq!(
///     Region::parse("UK").unwrap_err().to_string(),
///     "expected a region such as `CH` or `US`, found `UK`; did you mean `GB` (United Kingdom)?"
/// );
/// # Ok::<(), ringfence_policy::UnknownRegion>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Region(u8);

/// What networks take for an emergency number everywhere.
const EVERYWHERE: [&str; 3] = ["112", "911", "999"];
/// No emergency number has more digits; a test looks at all of them.
pub(super) const LONGEST_EMERGENCY: usize = 4;

impl Region {
    /// Reads a two-letter code, in capitals or not.
    pub fn parse(code: &str) -> Result<Self, UnknownRegion> {
        let wanted = code.trim();
        Region::all()
            .find(|region| region.as_str().eq_ignore_ascii_case(wanted))
            .ok_or_else(|| UnknownRegion { found: printable(wanted).to_string(), near: near(wanted) })
    }

    /// Returns every region, in the order of the codes.
    pub fn all() -> impl Iterator<Item = Region> {
        (0..=u8::MAX).zip(&REGIONS).map(|(index, _)| Region(index))
    }

    /// Returns the two-letter code.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.row().code
    }

    /// Returns the English name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// Returns the calling code, the first digits of a number after its `+`.
    #[must_use]
    pub fn calling_code(self) -> u16 {
        self.row().calling_code
    }

    /// Returns the emergency numbers of the region.
    pub fn emergency_numbers(self) -> impl Iterator<Item = &'static str> {
        self.row().emergency.split_ascii_whitespace()
    }

    /// Returns whether digits are an emergency number: of the region, or one of 112, 911 and 999,
    /// which networks take everywhere.
    #[must_use]
    pub fn is_emergency(self, digits: Digits) -> bool {
        let numbers = || self.emergency_numbers().chain(EVERYWHERE).filter_map(Digits::parse);
        // Nearly no number is as short.
        digits.count() <= LONGEST_EMERGENCY && numbers().any(|number| number == digits)
    }

    /// Returns every number that is an emergency number here, each once.
    pub(crate) fn emergencies(self) -> impl Iterator<Item = Digits> {
        let everywhere = EVERYWHERE.into_iter();
        let elsewhere = everywhere.filter(move |number| self.emergency_numbers().all(|own| own != *number));
        self.emergency_numbers().chain(elsewhere).filter_map(Digits::parse)
    }

    pub(super) fn plan(self) -> &'static Plan {
        Plan::of(self.calling_code()).expect("a test finds the plan of every region")
    }

    fn row(self) -> &'static Row {
        &REGIONS[usize::from(self.0)]
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Region({})", self.as_str())
    }
}

impl std::str::FromStr for Region {
    type Err = UnknownRegion;

    fn from_str(code: &str) -> Result<Self, UnknownRegion> {
        Region::parse(code)
    }
}

/// A region code that is none, with those that look like it.
///
/// ```
/// use ringfence_policy::Region;
///
/// let error = Region::parse("Germany").unwrap_err();
/// assert_eq!(error.near()[0].as_str(), "DE");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownRegion {
    found: String,
    near: Vec<Region>,
}

impl UnknownRegion {
    /// Returns what was found instead of a region.
    #[must_use]
    pub fn found(&self) -> &str {
        &self.found
    }

    /// Returns the regions that may have been meant, the likeliest first.
    #[must_use]
    pub fn near(&self) -> &[Region] {
        &self.near
    }
}

impl fmt::Display for UnknownRegion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected a region such as `CH` or `US`, found `{}`", self.found)?;
        for (index, region) in self.near.iter().enumerate() {
            let joint = if index == 0 { "; did you mean" } else { " or" };
            write!(f, "{joint} `{region}` ({})", region.name())?;
        }
        if self.near.is_empty() { Ok(()) } else { f.write_str("?") }
    }
}

impl std::error::Error for UnknownRegion {}

/// Finds the regions that a code or a name may stand for.
fn near(wanted: &str) -> Vec<Region> {
    if let Some((_, code)) = ALSO_CALLED.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)) {
        return Region::all().filter(|region| region.as_str() == *code).collect();
    }
    let wanted = wanted.to_lowercase();
    let named = |region: &Region| wanted.len() > 3 && region.name().to_lowercase().contains(&wanted);
    let by_name: Vec<Region> = Region::all().filter(named).take(MOST_HINTS).collect();
    if !by_name.is_empty() || wanted.chars().count() != 2 {
        return by_name;
    }
    let swapped: String = wanted.chars().rev().collect();
    Region::all().filter(|region| region.as_str().eq_ignore_ascii_case(&swapped)).collect()
}

const MOST_HINTS: usize = 3;

/// Names people write that are not the code of ISO 3166-1.
const ALSO_CALLED: [(&str, &str); 11] = [
    ("UK", "GB"),
    ("England", "GB"),
    ("USA", "US"),
    ("America", "US"),
    ("EL", "GR"),
    ("Deutschland", "DE"),
    ("GER", "DE"),
    ("Schweiz", "CH"),
    ("SUI", "CH"),
    ("Oesterreich", "AT"),
    ("Holland", "NL"),
];

#[derive(Debug)]
struct Row {
    code: &'static str,
    name: &'static str,
    calling_code: u16,
    /// Separated by spaces.
    emergency: &'static str,
}

const fn row(code: &'static str, name: &'static str, calling_code: u16, emergency: &'static str) -> Row {
    Row { code, name, calling_code, emergency }
}

static REGIONS: [Row; 245] = [
    row("AC", "Ascension Island", 247, "911 999"),
    row("AD", "Andorra", 376, "110 112 116 118"),
    row("AE", "United Arab Emirates", 971, "112 997 998 999"),
    row("AF", "Afghanistan", 93, "100 102 119"),
    row("AG", "Antigua and Barbuda", 1, "911 999"),
    row("AI", "Anguilla", 1, "911"),
    row("AL", "Albania", 355, "112 127 128 129"),
    row("AM", "Armenia", 374, "101 102 103"),
    row("AO", "Angola", 244, "112 113 115"),
    row("AR", "Argentina", 54, "100 101 107 911"),
    row("AS", "American Samoa", 1, "911"),
    row("AT", "Austria", 43, "112 122 133 144"),
    row("AU", "Australia", 61, "000 106 112"),
    row("AW", "Aruba", 297, "100 911"),
    row("AX", "Åland Islands", 358, "112"),
    row("AZ", "Azerbaijan", 994, "101 102 103 112"),
    row("BA", "Bosnia and Herzegovina", 387, "122 123 124"),
    row("BB", "Barbados", 1, "211 311 511 911"),
    row("BD", "Bangladesh", 880, "100 101 102 199 999"),
    row("BE", "Belgium", 32, "100 101 112"),
    row("BF", "Burkina Faso", 226, "17 18"),
    row("BG", "Bulgaria", 359, "112 150 160 166"),
    row("BH", "Bahrain", 973, "199 999"),
    row("BI", "Burundi", 257, "112 113 117"),
    row("BJ", "Benin", 229, "112 114 116 117 118"),
    row("BL", "Saint Barthélemy", 590, "18"),
    row("BM", "Bermuda", 1, "911"),
    row("BN", "Brunei", 673, "991 993 995"),
    row("BO", "Bolivia", 591, "110 118 119"),
    row("BQ", "Bonaire, Sint Eustatius and Saba", 599, "112 911"),
    row("BR", "Brazil", 55, "112 128 190 192 193 911"),
    row("BS", "Bahamas", 1, "911 919"),
    row("BT", "Bhutan", 975, "110 112 113"),
    row("BW", "Botswana", 267, "111 112 911 997 998 999"),
    row("BY", "Belarus", 375, "101 102 103 112"),
    row("BZ", "Belize", 501, "90 911 990"),
    row("CA", "Canada", 1, "112 911"),
    row("CC", "Cocos Islands", 61, "000 112"),
    row("CD", "Congo (Kinshasa)", 243, "113 114 118 177 188"),
    row("CF", "Central African Republic", 236, "117 118 1220"),
    row("CG", "Congo (Brazzaville)", 242, "117 118"),
    row("CH", "Switzerland", 41, "112 117 118 144"),
    row("CI", "Côte d'Ivoire", 225, "110 111 170 180"),
    row("CK", "Cook Islands", 682, "996 998 999"),
    row("CL", "Chile", 56, "131 132 133 911"),
    row("CM", "Cameroon", 237, "13 17 113 117"),
    row("CN", "China", 86, "110 119 120"),
    row("CO", "Colombia", 57, "112 119 123 132 156"),
    row("CR", "Costa Rica", 506, "112 911"),
    row("CU", "Cuba", 53, "104 105 106"),
    row("CV", "Cape Verde", 238, "130 131 132"),
    row("CW", "Curaçao", 599, "112 911"),
    row("CX", "Christmas Island", 61, "000 112"),
    row("CY", "Cyprus", 357, "112 199"),
    row("CZ", "Czech Republic", 420, "112 150 155 156 158"),
    row("DE", "Germany", 49, "110 112"),
    row("DJ", "Djibouti", 253, "17 18"),
    row("DK", "Denmark", 45, "112 114"),
    row("DM", "Dominica", 1, "333 911 999"),
    row("DO", "Dominican Republic", 1, "112 911"),
    row("DZ", "Algeria", 213, "14 17 112"),
    row("EC", "Ecuador", 593, "101 102 112 911"),
    row("EE", "Estonia", 372, "110 112"),
    row("EG", "Egypt", 20, "122 123 180"),
    row("EH", "Western Sahara", 212, "15 19 177"),
    row("ER", "Eritrea", 291, "112 113 114 116"),
    row("ES", "Spain", 34, "085 088 112"),
    row("ET", "Ethiopia", 251, "91 92 93 911 939 991 997"),
    row("FI", "Finland", 358, "112"),
    row("FJ", "Fiji", 679, "911 917"),
    row("FK", "Falkland Islands", 500, "999"),
    row("FM", "Micronesia", 691, "911"),
    row("FO", "Faroe Islands", 298, "112 114"),
    row("FR", "France", 33, "15 17 18 112"),
    row("GA", "Gabon", 241, "18 1300 1730"),
    row("GB", "United Kingdom", 44, "112 999"),
    row("GD", "Grenada", 1, "911"),
    row("GE", "Georgia", 995, "011 022 033 111 112 113 122"),
    row("GF", "French Guiana", 594, "15 17 18"),
    row("GG", "Guernsey", 44, "112 999"),
    row("GH", "Ghana", 233, "191 192 193 999"),
    row("GI", "Gibraltar", 350, "112 190 199"),
    row("GL", "Greenland", 299, "112"),
    row("GM", "Gambia", 220, "16 17 18 116 117 118"),
    row("GN", "Guinea", 224, ""),
    row("GP", "Guadeloupe", 590, "15 17 18"),
    row("GQ", "Equatorial Guinea", 240, ""),
    row("GR", "Greece", 30, "100 112 166 199"),
    row("GT", "Guatemala", 502, "110 120 123"),
    row("GU", "Guam", 1, "911"),
    row("GW", "Guinea-Bissau", 245, "113 117 118"),
    row("GY", "Guyana", 592, "911 912 913"),
    row("HK", "Hong Kong", 852, "112 992 999"),
    row("HN", "Honduras", 504, "199"),
    row("HR", "Croatia", 385, "93 94 112 192 193 194"),
    row("HT", "Haiti", 509, "114 118"),
    row("HU", "Hungary", 36, "104 105 107 112"),
    row("ID", "Indonesia", 62, "110 112 113 118 119"),
    row("IE", "Ireland", 353, "112 999"),
    row("IL", "Israel", 972, "100 101 102 112"),
    row("IM", "Isle Of Man", 44, "999"),
    row("IN", "India", 91, "100 101 102 108 112"),
    row("IO", "British Indian Ocean Territory", 246, ""),
    row("IQ", "Iraq", 964, "100 104 115 122"),
    row("IR", "Iran", 98, "110 112 115 125 911"),
    row("IS", "Iceland", 354, "112"),
    row("IT", "Italy", 39, "112 113 115 118"),
    row("JE", "Jersey", 44, "112 999"),
    row("JM", "Jamaica", 1, "110 112 119 911"),
    row("JO", "Jordan", 962, "112 191 192 197 911"),
    row("JP", "Japan", 81, "110 119"),
    row("KE", "Kenya", 254, "112 114 999"),
    row("KG", "Kyrgyzstan", 996, "101 102 103"),
    row("KH", "Cambodia", 855, "117 118 119 666"),
    row("KI", "Kiribati", 686, "192 193 194 195 992 993 994"),
    row("KM", "Comoros", 269, "17 18"),
    row("KN", "Saint Kitts And Nevis", 1, "333 911 999"),
    row("KP", "North Korea", 850, "112 119 819"),
    row("KR", "South Korea", 82, "112 119"),
    row("KW", "Kuwait", 965, "112"),
    row("KY", "Cayman Islands", 1, "911"),
    row("KZ", "Kazakhstan", 7, "101 102 103 112"),
    row("LA", "Laos", 856, "190 191 195"),
    row("LB", "Lebanon", 961, "112 140 175 999"),
    row("LC", "Saint Lucia", 1, "911 999"),
    row("LI", "Liechtenstein", 423, "112 117 118 144"),
    row("LK", "Sri Lanka", 94, "110 112 116 118 119"),
    row("LR", "Liberia", 231, "355 911"),
    row("LS", "Lesotho", 266, "112 115 117"),
    row("LT", "Lithuania", 370, "01 02 03 101 102 103 112"),
    row("LU", "Luxembourg", 352, "112 113"),
    row("LV", "Latvia", 371, "01 02 03 110 112 113"),
    row("LY", "Libya", 218, "190 191 193"),
    row("MA", "Morocco", 212, "15 19 177"),
    row("MC", "Monaco", 377, "15 17 18 112"),
    row("MD", "Moldova", 373, "112 901 902 903"),
    row("ME", "Montenegro", 382, "112 122 123 124"),
    row("MF", "Saint Martin", 590, "15 17 18"),
    row("MG", "Madagascar", 261, "17 18 117 118"),
    row("MH", "Marshall Islands", 692, "911"),
    row("MK", "Macedonia", 389, "112 192 193 194"),
    row("ML", "Mali", 223, "15 17 18"),
    row("MM", "Myanmar", 95, "199"),
    row("MN", "Mongolia", 976, "100 101 102 103 105"),
    row("MO", "Macao", 853, "999"),
    row("MP", "Northern Mariana Islands", 1, "911"),
    row("MQ", "Martinique", 596, "15 17 18 112"),
    row("MR", "Mauritania", 222, "17 18"),
    row("MS", "Montserrat", 1, "911 999"),
    row("MT", "Malta", 356, "112"),
    row("MU", "Mauritius", 230, "114 115 995 999"),
    row("MV", "Maldives", 960, "102 118 119"),
    row("MW", "Malawi", 265, "199 997 998 999"),
    row("MX", "Mexico", 52, "060 065 066 068 080 911"),
    row("MY", "Malaysia", 60, "112 999"),
    row("MZ", "Mozambique", 258, "117 119 197 198"),
    row("NA", "Namibia", 264, ""),
    row("NC", "New Caledonia", 687, "15 16 17 18"),
    row("NE", "Niger", 227, "15 17 18 118"),
    row("NF", "Norfolk Island", 672, "911 955 977"),
    row("NG", "Nigeria", 234, "199"),
    row("NI", "Nicaragua", 505, "115 118 120 128"),
    row("NL", "Netherlands", 31, "112 911"),
    row("NO", "Norway", 47, "110 112 113"),
    row("NP", "Nepal", 977, "100 101 102 103 112"),
    row("NR", "Nauru", 674, "110 111 112"),
    row("NU", "Niue", 683, "999"),
    row("NZ", "New Zealand", 64, "111"),
    row("OM", "Oman", 968, "1444 9999"),
    row("PA", "Panama", 507, "911"),
    row("PE", "Peru", 51, "105 116 117"),
    row("PF", "French Polynesia", 689, "15 17 18"),
    row("PG", "Papua New Guinea", 675, "000 110 111"),
    row("PH", "Philippines", 63, "112 117 911"),
    row("PK", "Pakistan", 92, "15 16 112 115 1122"),
    row("PL", "Poland", 48, "112 997 998 999"),
    row("PM", "Saint Pierre And Miquelon", 508, "15 17 18"),
    row("PR", "Puerto Rico", 1, "911"),
    row("PS", "Palestine", 970, "100 101 102"),
    row("PT", "Portugal", 351, "112 115"),
    row("PW", "Palau", 680, "911"),
    row("PY", "Paraguay", 595, "128 911"),
    row("QA", "Qatar", 974, "999"),
    row("RE", "Reunion", 262, "15 17 18 112"),
    row("RO", "Romania", 40, "112"),
    row("RS", "Serbia", 381, "92 93 94 112"),
    row("RU", "Russia", 7, "01 02 03 101 102 103 112"),
    row("RW", "Rwanda", 250, "111 112"),
    row("SA", "Saudi Arabia", 966, "112 911 997 999"),
    row("SB", "Solomon Islands", 677, "999"),
    row("SC", "Seychelles", 248, "999"),
    row("SD", "Sudan", 249, "999"),
    row("SE", "Sweden", 46, "112"),
    row("SG", "Singapore", 65, "993 995 999"),
    row("SH", "Saint Helena", 290, "911 999"),
    row("SI", "Slovenia", 386, "112 113"),
    row("SJ", "Svalbard And Jan Mayen", 47, "110 112 113"),
    row("SK", "Slovakia", 421, "112 150 155 158"),
    row("SL", "Sierra Leone", 232, "019 999"),
    row("SM", "San Marino", 378, "113 115 118"),
    row("SN", "Senegal", 221, "17 18"),
    row("SO", "Somalia", 252, "555 888 999"),
    row("SR", "Suriname", 597, "115"),
    row("SS", "South Sudan", 211, "999"),
    row("ST", "Sao Tome And Principe", 239, "112"),
    row("SV", "El Salvador", 503, "911 913"),
    row("SX", "Sint Maarten", 1, "919"),
    row("SY", "Syria", 963, "110 112 113"),
    row("SZ", "Swaziland", 268, "999"),
    row("TA", "Tristan da Cunha", 290, ""),
    row("TC", "Turks And Caicos Islands", 1, "911 999"),
    row("TD", "Chad", 235, "17 18"),
    row("TG", "Togo", 228, "117 118 171 172 177"),
    row("TH", "Thailand", 66, "191 199 1669"),
    row("TJ", "Tajikistan", 992, "101 102 103 112"),
    row("TK", "Tokelau", 690, ""),
    row("TL", "Timor-Leste", 670, "112 115"),
    row("TM", "Turkmenistan", 993, "01 02 03"),
    row("TN", "Tunisia", 216, "190 197 198"),
    row("TO", "Tonga", 676, "911 922 933 999"),
    row("TR", "Turkey", 90, "110 112 155"),
    row("TT", "Trinidad and Tobago", 1, "990 999"),
    row("TV", "Tuvalu", 688, "911"),
    row("TW", "Taiwan", 886, "110 112 119"),
    row("TZ", "Tanzania", 255, "110 111 112 114 115 999"),
    row("UA", "Ukraine", 380, "101 102 103 112"),
    row("UG", "Uganda", 256, "999"),
    row("US", "United States", 1, "112 911"),
    row("UY", "Uruguay", 598, "128 911"),
    row("UZ", "Uzbekistan", 998, "01 02 03 001 002 003 050"),
    row("VA", "Vatican City", 39, "112 113 115 118"),
    row("VC", "Saint Vincent And The Grenadines", 1, "911 999"),
    row("VE", "Venezuela", 58, "112 171 911"),
    row("VG", "British Virgin Islands", 1, "911 999"),
    row("VI", "U.S. Virgin Islands", 1, "911"),
    row("VN", "Vietnam", 84, "113 114 115"),
    row("VU", "Vanuatu", 678, "112"),
    row("WF", "Wallis And Futuna", 681, "15 17 18"),
    row("WS", "Samoa", 685, "911 994 995 996 999"),
    row("XK", "Kosovo", 383, "112 192 193 194"),
    row("YE", "Yemen", 967, "191 194 195 199"),
    row("YT", "Mayotte", 262, "15 112"),
    row("ZA", "South Africa", 27, "112"),
    row("ZM", "Zambia", 260, "112 991 993 999"),
    row("ZW", "Zimbabwe", 263, "112 993 994 995 999"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_region_has_a_plan() {
        for region in Region::all() {
            assert!(Plan::of(region.calling_code()).is_some(), "{region}");
        }
        assert_eq!(Region::all().count(), REGIONS.len());
    }

    #[test]
    fn every_code_is_read_back() {
        for region in Region::all() {
            assert_eq!(Region::parse(region.as_str()), Ok(region));
            assert_eq!(region.as_str().to_lowercase().parse(), Ok(region));
        }
    }

    #[test]
    fn a_name_or_a_slip_is_answered_with_the_code() {
        for (written, meant) in [("Switzerland", "CH"), ("usa", "US"), ("ED", "DE"), ("swede", "SE")] {
            let error = Region::parse(written).unwrap_err();
            assert_eq!(error.near().first().map(|region| region.as_str()), Some(meant), "{written}");
        }
        assert_eq!(
            Region::parse("QQ").unwrap_err().to_string(),
            "expected a region such as `CH` or `US`, found `QQ`"
        );
    }
}
