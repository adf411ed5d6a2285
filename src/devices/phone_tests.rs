use super::*;

fn rules(region: &str) -> Rules {
    Rules {
        default_region: Some(region.into()),
        countries: vec!["US".into(), "pl".into()],
        ..Rules::default()
    }
}

fn key(text: &str, region: &str) -> String {
    Phone.canonical(text, &rules(region)).map_or_else(|f| format!("{text}: {f}"), |a| a.canonical)
}

#[test]
fn forty_spellings_are_one_number() {
    let spellings = [
        "+48600100267",
        "+48 600 100 267",
        "+48 600-100-267",
        "+48-600-100-267",
        "+48.600.100.267",
        "+48 (600) 100 267",
        "(+48) 600100267",
        "+48/600/100/267",
        "+ 48 600100267",
        " +48600100267 ",
        "+48\u{a0}600\u{a0}100\u{a0}267",
        "+48\u{202f}600\u{202f}100\u{202f}267",
        "+48\u{2003}600100267",
        "+48\u{2011}600\u{2011}100\u{2011}267",
        "+48–600–100–267",
        "+48—600100267",
        "+48\u{2212}600100267",
        "＋４８６００１００２６７",
        "+٤٨٦٠٠١٠٠٢٦٧",
        "+۴۸۶۰۰۱۰۰۲۶۷",
        "+४८६००१००२६७",
        "\u{202d}+48600100267\u{202c}",
        "\u{200e}+48 600 100 267",
        "\u{2066}+48600100267\u{2069}",
        "+48600\u{200b}100267",
        "+48\t600\t100\t267",
        "0048600100267",
        "00 48 600 100 267",
        "00-48-600-100-267",
        "(0048) 600100267",
        "００48600100267",
        "٠٠٤٨٦٠٠١٠٠٢٦٧",
        "48600100267",
        "48 600 100 267",
        "600100267",
        "600 100 267",
        "600-100-267",
        "600.100.267",
        "(600) 100-267",
        "６００ １００ ２６７",
        "٦٠٠١٠٠٢٦٧",
        "[600] 100~267",
        "\u{feff}+48600100267\r\n",
        "+৪৮ ৬০০ ১০০ ২৬৭",
        "+४८ ６００ ๑๐๐ ២៦៧",
    ];
    assert!(spellings.len() >= 40);
    for text in spellings {
        assert_eq!(key(text, "PL"), "+48600100267");
    }
    for text in &spellings[..32] {
        assert_eq!(key(text, ""), "+48600100267");
        assert_eq!(key(text, "US"), "+48600100267");
    }
}

#[test]
fn national_and_trunk_forms_follow_the_region() {
    for text in ["(202) 555-0123", "1-202-555-0123", "12025550123", "011 1 202 555 0123", "+1 202 555 0123"] {
        assert_eq!(key(text, "US"), "+12025550123");
    }
    for text in ["020 7946 0018", "+44 (0)20 7946 0018", "0044 20 7946 0018", "442079460018"] {
        assert_eq!(key(text, "GB"), "+442079460018");
    }
    assert_eq!(key("06 698 12345", "IT"), "+390669812345");
    assert_eq!(key("+39 06 698 12345", ""), "+390669812345");
}

#[test]
fn a_mobile_of_mexico_has_one_form() {
    for text in ["+52 1 55 1234 5678", "+52 55 1234 5678", "0052 1 55 1234 5678", "+5215512345678"] {
        for region in ["", "MX", "US", "PL"] {
            let read = key(text, region);
            // In the United States 00 dials nothing, and is read all the same.
            assert_eq!(read, "+525512345678", "{text} in {region}");
        }
    }
    assert_ne!(key("+54 9 11 2345 6789", ""), key("+54 11 2345 6789", ""));
    assert!(Phone.canonical("+52 1 55 1234 567", &rules("")).is_err());
}

#[test]
fn what_is_no_single_number_is_refused() {
    let code = |text: &str, region: &str| Phone.canonical(text, &rules(region)).expect_err(text).code;
    for text in [
        "+48600100267 ext. 5",
        "+48600100267x5",
        "+48600100267#5",
        "+48600100267;ext=5",
        "+48600100267,5",
        "+1 800 FLOWERS",
        "*100#",
        "+48600100267＃5 доб",
    ] {
        assert_eq!(code(text, "PL"), "extension");
    }
    for text in [
        "",
        "+",
        "()",
        "112",
        "+48",
        "+48600",
        "+4860010026712345",
        "+999123456789",
        "++48600100267",
        "+48+600100267",
        "+48600100267\0",
        "+48600100267🙂",
        "+48600100267 +48600100268",
        "+4860010026½",
        &"1".repeat(200),
    ] {
        assert_eq!(code(text, "PL"), "invalid", "{text:?}");
    }
    assert_eq!(code("600100267", ""), "country_needed");
}

#[test]
fn only_persons_numbers_of_listed_countries_are_texted() {
    let code = |e164: &str| sendable(e164, &rules("")).map_err(|f| f.code);
    for e164 in ["+12025550123", "+16502530000", "+48600100267", "+48221234567"] {
        assert_eq!(code(e164), Ok(()), "{e164}");
    }
    for e164 in ["+4915112345678", "+447400123456", "+12042345678", "+18762345678", "+79161234567"] {
        assert_eq!(code(e164), Err("country_not_served"), "{e164}");
    }
    for e164 in [
        "+19002345678",
        "+18002345678",
        "+18882345678",
        "+48701234567",
        "+48800123456",
        "+48801234567",
        "+447012345678",
        "+449012345678",
        "+80012345678",
        "+979123456789",
        "+870773111632",
        "+881612345678",
        "+883510001234567",
        "+8823421234",
        "+447640123456",
        "+15002345678",
        "+80812345678",
    ] {
        assert_eq!(code(e164), Err("not_texted"), "{e164}");
    }
    for e164 in ["112", "+48112", "12345", "", "+12025550123 ext 1 2 3 4 5 6 7 8 9"] {
        assert_eq!(code(e164), Err("invalid"), "{e164}");
    }
    let nowhere = sendable("+12025550123", &Rules::default());
    assert_eq!(nowhere.map_err(|f| f.code), Err("country_not_served"));
}

#[test]
fn a_mask_keeps_the_country_and_two_digits() {
    assert_eq!(Phone.mask("+48600100267"), "+48 ••• ••• •67");
    assert_eq!(Phone.mask("+12025550123"), "+1 ••• ••• ••23");
    assert_eq!(Phone.mask("+4733378901"), "+47 ••• ••• 01");
    assert_eq!(Phone.mask("none"), "•••");
}

#[test]
fn a_number_is_shown_as_the_operator_likes() {
    let shown = |mask| ["+48600100267", "+12025550123", "none"].map(|number| shown(number, mask));
    assert_eq!(shown(Mask::Country), ["+48 ••• ••• •67", "+1 ••• ••• ••23", "•••"]);
    assert_eq!(shown(Mask::Last), ["••• ••0 267", "(•••) •••-0123", "•••"]);
    assert_eq!(shown(Mask::Off), ["+48600100267", "+12025550123", "•••"]);
}

#[test]
fn a_country_is_refused_whatever_else_is_said() {
    let all = Rules { countries: vec!["*".into()], refused: vec!["CU".into()], ..Rules::default() };
    let code = |e164: &str| sendable(e164, &all).map_err(|fault| fault.code);
    assert_eq!(["+4915112345678", "+12042345678", "+12025550123"].map(code), [Ok(()); 3]);
    assert_eq!(code("+5351234567"), Err("country_not_served"));
    assert_eq!(["+19002345678", "+881612345678"].map(code), [Err("not_texted"); 2]);
}

#[test]
fn the_plan_tells_lines_apart_where_it_can() {
    let refused = |lines: &[LineType]| Rules { refused_lines: lines.to_vec(), ..rules("") };
    let only = refused(&[LineType::Landline, LineType::Voip]);
    let fault = sendable("+48221234567", &only).unwrap_err();
    assert_eq!(fault.code, "line_type_not_allowed");
    assert_eq!(fault.message, "Landline phone numbers are not allowed.");
    for mobile_or_unknown in ["+48600100267", "+12025550123"] {
        assert_eq!(sendable(mobile_or_unknown, &only), Ok(()));
    }
    let none = refused(&[LineType::Mobile]);
    assert!(sendable("+48221234567", &none).is_ok() && sendable("+48600100267", &none).is_err());
}

#[test]
fn a_landline_is_called() {
    assert_eq!(Phone.reached_by("+48221234567"), ["call"]);
    for other in ["+48600100267", "+12025550123", "none"] {
        assert_eq!(Phone.reached_by(other), Phone.channels(), "{other}");
    }
}

#[test]
fn regions_are_known_by_their_code() {
    assert!(known_region("US") && known_region("pl"));
    assert!(!known_region("XX") && !known_region("001") && !known_region(""));
}
