//! Which kind of number a number is, and of which country, by samples.
//!
//! The samples were drawn at random from the national plans, and what is said of them is what
//! libphonenumber says: the independent opinion against which the tables are held. Numbers that a
//! territory and its mainland may both have, such as mobile ones, are not among the samples.

use ringfence_policy::{Caller, E164, KindSet, Number, Region, normalise};

fn region(code: &str) -> Region {
    Region::parse(code).expect("a region")
}

fn number(written: &str) -> E164 {
    let number = normalise(written, region("CH"));
    let Ok(Number::E164(number)) = number else { unreachable!("{written} is {number:?}") };
    number
}

#[test]
fn what_a_plan_uses_a_number_for_is_told() {
    let mut wrong = Vec::new();
    for (code, samples) in KINDS {
        for sample in samples.split(", ") {
            let (kind, written) = sample.split_once(' ').unwrap();
            if number(written).line_kind().as_str() != kind {
                wrong.push(format!("{code} {sample} {}", number(written).line_kind()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_number_is_of_its_country_also_where_several_share_a_calling_code() {
    let mut wrong = Vec::new();
    for (code, samples) in COUNTRIES {
        for written in samples.split(' ') {
            if number(written).country() != Some(region(code)) {
                wrong.push(format!("{code} {written} {:?}", number(written).country()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_territory_has_no_numbers_of_its_mainland() {
    for (code, written) in [
        ("GB", "+441535123456"),
        ("GB", "+441536123456"),
        ("GB", "+441539123456"),
        ("GB", "+441530123456"),
        ("GB", "+441538123456"),
        ("GB", "+447700900123"),
        ("GB", "+447700123456"),
        ("JE", "+441534456789"),
        ("JE", "+447700312345"),
        ("JE", "+447700712345"),
        ("JE", "+447700812345"),
        ("JE", "+447797712345"),
    ] {
        assert_eq!(number(written).country(), Some(region(code)), "{written}");
    }
}

#[test]
fn every_region_has_a_number_of_its_calling_code() {
    for own in Region::all() {
        let digits = format!("{}5550123456", own.calling_code())[..11].parse().unwrap();
        let country = E164::new(digits).unwrap().country().map(Region::calling_code);
        assert!(country.is_none_or(|code| code == own.calling_code()), "{own}");
    }
}

#[test]
fn a_caller_is_of_all_its_kinds() {
    for (code, caller, kinds) in [
        ("CH", "079 123 45 67", "number, mobile"),
        ("CH", "044 255 45 67", "number"),
        ("CH", "0900 123 456", "number, premium"),
        ("CH", "0800 123 456", "number, tollfree"),
        ("CH", "+44 7911 223456", "number, mobile, international"),
        ("FR", "+919999999999", "number, mobile, international"),
        ("US", "+1 876 555 0123", "number, international"),
        ("US", "+1 416 555 0123", "number, international"),
        ("US", "787 555 0123", "number"),
        ("US", "800 555 0123", "number, tollfree"),
        ("CA", "1 800 555 0123", "number, tollfree"),
        ("GB", "01534 234567", "number"),
        ("RU", "+7 701 234 56 78", "number, mobile, international"),
        ("CH", "1002", "internal"),
        ("CH", "anonymous", "anonymous"),
        ("CH", "", "unavailable"),
        ("CH", "+4179123", "invalid"),
        ("CH", "alice", "name"),
        ("US", "5550177", "ambiguous"),
    ] {
        let who = Caller::from_header(caller, "pbx.example").identify(region(code));
        assert_eq!(KindSet::of(&who, region(code)).to_string(), kinds, "{caller} in {code}");
    }
}

#[rustfmt::skip]
const KINDS: &[(&str, &str)] = &[
    ("AR", "other +542320281590, mobile +5492202513186, tollfree +548009139099, premium +546073082462"),
    ("AT", "other +4327521993518, mobile +4364850937865, tollfree +43800975432319, premium +43931491186252, sharedcost +4382801895"),
    ("AU", "other +61727147104, mobile +61486752917, tollfree +611800423671, premium +611901684268, sharedcost +61135632"),
    ("BE", "other +3280333079, mobile +32464026859, tollfree +3280068907, premium +3290661760, sharedcost +3278791372"),
    ("BG", "other +3592901092, mobile +359996196245, tollfree +35980011777, premium +35990412154, sharedcost +35970028038"),
    ("BR", "other +553221485253, mobile +5577933633875, tollfree +55800047439, premium +559005513137, sharedcost +5540207511"),
    ("CA", "other +18199651676, other +13434029729, tollfree +18889288200, premium +19003633043"),
    ("CH", "other +41449548620, mobile +41768282880, tollfree +41800290222, premium +41901805888, sharedcost +41848803340"),
    ("CL", "other +56233148175, other +56674788783, tollfree +56800726167, sharedcost +5660013613412"),
    ("CN", "other +8652781672326, mobile +8619351505877, tollfree +86218008948113, premium +8616044024, sharedcost +864004628897"),
    ("CO", "other +576081614014, mobile +573333014141, tollfree +5718000586492, premium +5719004023448"),
    ("CY", "other +35723782450, mobile +35794088387, tollfree +35780071678, premium +35790933532, sharedcost +35780702014"),
    ("CZ", "other +420541684934, mobile +420706022470, tollfree +420800558530, premium +420976520561, sharedcost +420838338014"),
    ("DE", "other +4932690604431, mobile +4917524920868, tollfree +4980088909310, premium +491377167800, sharedcost +4918040718818"),
    ("DK", "other +4539914333, tollfree +4580544992, premium +4590707413"),
    ("EE", "other +3727577718, mobile +37281117187, tollfree +3728008319, premium +37240285298"),
    ("EG", "other +20153776020, mobile +201564265651, tollfree +208000556130, premium +209004516691"),
    ("ES", "other +34973911042, mobile +34973906853, tollfree +34900068831, premium +34803792470, sharedcost +34901765444"),
    ("FI", "other +358357612213, mobile +3585037576283, tollfree +3588001258, premium +358600354930"),
    ("FR", "other +33566450749, mobile +33748143667, tollfree +33803020679, premium +33813877313, sharedcost +33821718002"),
    ("GB", "other +441218014893, mobile +447500847453, tollfree +44800830640, premium +448734365370"),
    ("GR", "other +302674630481, mobile +306894337344, tollfree +308009792376, premium +309016030926, sharedcost +308016751125"),
    ("HK", "other +85229045572, mobile +85240936183, tollfree +852800546107, premium +85290063557063"),
    ("HR", "other +38523710431, mobile +38598459045, tollfree +38580409103, premium +38565646727"),
    ("HU", "other +3632293557, mobile +36306236107, tollfree +36680211491, premium +3690677232"),
    ("ID", "other +626193814449, mobile +6286443732332, tollfree +62177564388, premium +628091701073, sharedcost +628045043103"),
    ("IE", "other +353715827940, mobile +353822305520, tollfree +3531800409305, premium +3531570294130, sharedcost +3531890161682"),
    ("IL", "other +97222464460, mobile +972557653663, tollfree +9721255261, premium +97212129572, sharedcost +9721700008261"),
    ("IN", "other +917881428211, tollfree +910008009693729, premium +911861682651233, sharedcost +9118608051697"),
    ("IT", "other +390735665, mobile +394300977379, tollfree +39803761, premium +39087865178, sharedcost +39840158086"),
    ("JP", "other +81832913274, mobile +817045942594, tollfree +810088259498, premium +81990550326"),
    ("KE", "other +254645624180, mobile +254778486546, tollfree +254800655173, premium +254900348449"),
    ("KR", "other +8251132, mobile +821278502739, tollfree +8200308095418, premium +82607694923"),
    ("KZ", "other +77282027112, mobile +77630085997, tollfree +781082008062320, premium +78090983263"),
    ("LT", "other +37052928414, mobile +37067806671, tollfree +37080231430, premium +37090304868, sharedcost +37080843180"),
    ("LU", "other +3528052536, mobile +352679687780, tollfree +35280063943, premium +35290192200, sharedcost +35280119252"),
    ("LV", "other +37160020101, mobile +37129163331, tollfree +37180014712, premium +37190345564, sharedcost +37181544055"),
    ("MA", "other +212539690606, mobile +212684893194, tollfree +212802083400, premium +212897172795"),
    ("MX", "other +526723372117, other +523356616053, tollfree +528886882637, premium +529008990595, sharedcost +523007852774"),
    ("MY", "other +6042707383, mobile +60149923598, tollfree +601700353412, premium +601600362244"),
    ("NG", "other +2342064114367, mobile +2347027384702, tollfree +234800960369963"),
    ("NL", "other +31793176541, mobile +3197032467709, tollfree +318008250671, premium +31900832385"),
    ("NO", "other +4724780585, mobile +4793681950, tollfree +4780166001, premium +4782959413, sharedcost +4781076673"),
    ("NZ", "other +6424013783, mobile +64267482753, tollfree +648064627045, premium +645066769"),
    ("PH", "other +638822461952, mobile +639913144919, tollfree +6318003275236"),
    ("PK", "other +92453673817, mobile +923716327780, tollfree +9280072737, premium +9290025797"),
    ("PL", "other +488619250, mobile +48213687720, tollfree +48800625155, premium +48704465648, sharedcost +48801445765"),
    ("PT", "other +351263371535, mobile +351169368689, tollfree +351800410037, premium +351646930721, sharedcost +351808010524"),
    ("RO", "other +40312605, mobile +40702099079, tollfree +40800169671, premium +40900992768, sharedcost +40801173206"),
    ("RS", "other +38111211270, mobile +381679720521, tollfree +38180087740, premium +381780091"),
    ("RU", "other +74247905597, mobile +79300052676, tollfree +781089540995902, premium +78093666937"),
    ("SA", "other +966133446290, mobile +966534581887, tollfree +9668003349067, premium +966925490678, sharedcost +966920851369"),
    ("SE", "other +46952893333, mobile +46704599568, tollfree +462030751, premium +469991259, sharedcost +46775890103"),
    ("SG", "other +6569346179, mobile +6580553261, tollfree +6518000857719, premium +6519001145931"),
    ("SI", "other +38644253320, mobile +38651800487, tollfree +386801250, premium +3868939971"),
    ("SK", "other +4214517576, mobile +421909820730, tollfree +421800319527, premium +421900017553, sharedcost +421885253027"),
    ("TH", "other +6653246632, mobile +66952415771, tollfree +660018008387414, premium +661900564331"),
    ("TN", "other +21676042078, mobile +21640825606, tollfree +21680104922, premium +21688832391, sharedcost +21681104232"),
    ("TR", "other +904423018608, mobile +905247106724, tollfree +908009502599, premium +909008115356"),
    ("TW", "other +88623138882, mobile +886400010392, tollfree +886801480013, premium +8862029978"),
    ("UA", "other +380471512041, mobile +380771116289, tollfree +380800429762, premium +3809002699806"),
    ("US", "other +19839563569, other +18034360518, tollfree +18333638032, premium +19008700094"),
    ("VN", "other +842479141806, mobile +84121014521, tollfree +841800841798, premium +8419007182"),
    ("ZA", "other +27494318479, other +27124923857, tollfree +27809774035, premium +27865960523, sharedcost +27860857443"),
];

#[rustfmt::skip]
const COUNTRIES: &[(&str, &str)] = &[
    ("US", "+12033708675 +19837265523"),
    ("AG", "+12685627426 +12684646891"),
    ("AI", "+12644974991 +12647724545"),
    ("AS", "+16846775076 +16847708426"),
    ("BB", "+12467375593 +12465214004"),
    ("BM", "+14415608968 +14419275095"),
    ("BS", "+12426011658 +12426366767"),
    ("CA", "+17804551482 +13547284838"),
    ("DM", "+17672660991 +17676110048"),
    ("DO", "+18498190327 +18496936912"),
    ("GD", "+14733281287 +14735339523"),
    ("GU", "+16717344191 +16717270036"),
    ("JM", "+18766060093 +16582025074"),
    ("KN", "+18695677136 +18695576703"),
    ("KY", "+13452326204 +13456491586"),
    ("LC", "+17585711658 +17583843745"),
    ("MP", "+16705554052 +16705881348"),
    ("MS", "+16644133255 +16643944783"),
    ("PR", "+17879497958 +17878218184"),
    ("SX", "+17215959240 +17215813531"),
    ("TC", "+16492668431 +16494414264"),
    ("TT", "+18686622055 +18687086512"),
    ("VC", "+17844389306 +17844554260"),
    ("VG", "+12847749397 +12844680140"),
    ("VI", "+13402100535 +13403449348"),
    ("RU", "+73455878036 +79808423843"),
    ("KZ", "+77125961342 +77477330872"),
    ("IT", "+390522935186 +393463140573"),
    ("VA", "+39066980"),
    ("GB", "+44174428007 +447359176738"),
    ("GG", "+441481651494 +447781206245"),
    ("IM", "+441624230149 +447524535285"),
    ("JE", "+441534500196 +447829624991"),
    ("NO", "+4738227610 +4793500986"),
    ("SJ", "+4779410865"),
    ("AU", "+61791876826 +61479199657"),
    ("MA", "+212538589916 +212681817682"),
    ("EH", "+212528812590"),
    ("RE", "+262263156193 +262693210413"),
    ("YT", "+262269800951 +262709379103"),
    ("SH", "+29026637 +29051071"),
    ("TA", "+2908422"),
    ("FI", "+3589398470 +3584578700"),
    ("AX", "+3581829967"),
    ("GP", "+590598723257 +590709046550"),
    ("MF", "+590590506915"),
    ("CW", "+59995055055 +59996652230"),
    ("BQ", "+5997257942 +5997004498"),
];
