use super::*;
use crate::testing::day;
use proptest::prelude::*;

#[track_caller]
fn check(text: &str, then: Result<&str, IdNumberFlaw>) {
    let read = IdNumber::parse(text);
    assert_eq!(read.as_ref().map(IdNumber::as_str).map_err(|flaw| *flaw), then);
}

#[test]
fn known_numbers_are_sound() {
    for number in [
        "11010519491231002X",
        "440524188001010014",
        "362524194203150114",
        "361002199003070028",
        "361023200002290018",
        "361030195501010033",
    ] {
        check(number, Ok(number));
    }
}

#[test]
fn a_lower_case_x_and_blanks_around_are_accepted() {
    check(" 11010519491231002x ", Ok("11010519491231002X"));
}

#[test]
fn a_number_with_a_wrong_check_character_birth_date_or_shape_is_doubtful() {
    check("110105194912310021", Err(IdNumberFlaw::CheckCharacter));
    check("361023200102290018", Err(IdNumberFlaw::BirthDate));
    check("36102320000229001", Err(IdNumberFlaw::Length));
    check("3610232000022900A8", Err(IdNumberFlaw::Character));
    check("36102320000229001A", Err(IdNumberFlaw::Character));
    check("", Err(IdNumberFlaw::Length));
    check("三六一〇二三", Err(IdNumberFlaw::Character));
    assert_eq!(GivenNumber::of("E12345678"), GivenNumber::Doubtful(IdNumberFlaw::Length));
}

#[test]
fn an_old_number_of_fifteen_digits_is_the_same_person_as_its_longer_form() {
    check("110105491231002", Ok("110105491231002"));
    assert_eq!(IdNumber::parse("110105491231002").unwrap().in_18(), "11010519491231002X");
    assert_eq!(IdNumber::parse("11010519491231002X").unwrap().in_18(), "11010519491231002X");
}

#[test]
fn one_is_a_year_older_from_the_birthday_on() {
    let number = IdNumber::parse("362524194203150114").unwrap();
    assert_eq!(number.born_on(), day("1942-03-15"));
    assert_eq!(number.age_band(day("2022-03-14")), AgeBand::From60);
    assert_eq!(number.age_band(day("2022-03-15")), AgeBand::From80);
    let leapling = day("2000-02-29");
    assert_eq!(age_band(leapling, day("2014-02-28")), AgeBand::Under14);
    assert_eq!(age_band(leapling, day("2014-03-01")), AgeBand::From14);
    assert_eq!(age_band(leapling, day("2018-03-01")), AgeBand::From18);
}

#[test]
fn credit_codes_are_known_by_their_check_character() {
    for code in [
        "9144030071526726XG",
        "91330100799655058B",
        "11330800MB0R57773W",
        "11440232MB2D06811W",
        "11361023MB1A00001P",
        "11361002MB1A00002D",
        "11361003MB1A00003Y",
    ] {
        assert!(is_credit_code(code), "{code}");
    }
    for code in ["11361003MB1A00003X", "11361003MB1A0000", "1136100IMB1A00003Y", "", "抚州市南丰县"] {
        assert!(!is_credit_code(code), "{code}");
    }
}

#[test]
fn masks_show_no_more_than_agreed() {
    assert_eq!(mask_name("张三丰"), "张*");
    assert_eq!(mask_id_number("361023200002290018"), "361023********0018");
    assert_eq!(mask_phone("13812345678"), "138****5678");
    assert_eq!(mask_bank_card("6222020000001234"), "************1234");
    assert_eq!(mask_id_number("E1234567"), "********", "too short to hide anything in");
    assert_eq!(format!("{:?}", IdNumber::parse("361023200002290018").unwrap()), "IdNumber(…)");
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC*") {
        let _ = GivenNumber::of(&text);
        let masked = mask_id_number(&text);
        prop_assert!(masked.chars().count() <= text.chars().count());
    }

    #[test]
    fn one_changed_digit_is_always_noticed(place in 0..17_usize, digit in 0..10_u8) {
        let mut number = b"361023200002290018".to_vec();
        prop_assume!(number[place] != b'0' + digit);
        number[place] = b'0' + digit;
        prop_assert!(IdNumber::parse(std::str::from_utf8(&number).unwrap()).is_err());
    }
}
