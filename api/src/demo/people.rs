//! Residents who do not exist: names, identity numbers with true check characters, phones, addresses.

use super::dice::Dice;
use chrono::{Days, NaiveDate};
use domain::identity;
use domain::ids::RegionCode;

const SURNAMES: [&str; 32] = [
    "王", "李", "张", "刘", "陈", "杨", "黄", "吴", "赵", "周", "徐", "孙", "马", "朱", "胡", "林", "郭", "何", "高",
    "罗", "饶", "曾", "邓", "许", "章", "谢", "邹", "揭", "艾", "乐", "傅", "聂",
];
const GIVEN: [&str; 36] = [
    "秀", "英", "华", "明", "芳", "军", "玉", "兰", "建", "国", "桂", "香", "志", "强", "丽", "敏", "文", "辉", "小",
    "红", "春", "梅", "金", "生", "永", "福", "水", "根", "细", "仔", "晓", "婷", "俊", "杰", "雨", "欣",
];

/// A resident, in clear: this never leaves the demo but through the vault.
#[derive(Clone)]
pub(super) struct Resident {
    pub(super) name: String,
    pub(super) id_number: String,
    pub(super) phone: String,
    pub(super) address: String,
    pub(super) bank_card: String,
    pub(super) born: NaiveDate,
    /// Where the household is registered: a township.
    pub(super) home: RegionCode,
}

/// Codes under which people of a county were registered before 2000; their numbers still begin with them.
const OLD_PREFIXES: [(&str, &str); 11] = [
    ("361002", "362502"),
    ("361003", "362531"),
    ("361021", "362522"),
    ("361022", "362523"),
    ("361023", "362524"),
    ("361024", "362525"),
    ("361025", "362526"),
    ("361026", "362527"),
    ("361027", "362528"),
    ("361028", "362529"),
    ("361030", "362532"),
];

/// Makes a resident of this township, of an age between these on this day.
pub(super) fn resident(
    dice: &mut Dice,
    home: &RegionCode,
    home_name: &str,
    today: NaiveDate,
    ages: (i64, i64),
) -> Resident {
    let days_old = dice.between(ages.0 * 365, ages.1 * 365 + 364).unsigned_abs();
    let born = today.checked_sub_days(Days::new(days_old)).unwrap_or(today);
    let name = name(dice);
    let id_number = id_number(dice, home, born);
    let tail = |dice: &mut Dice, digits: u32| {
        format!("{:0width$}", dice.between(0, 10_i64.pow(digits) - 1), width = digits as usize)
    };
    Resident {
        name,
        id_number,
        phone: format!("13{}", tail(dice, 9)),
        address: format!("{home_name}示例村{}组{}号", dice.between(1, 18), dice.between(1, 120)),
        bank_card: format!("621700{}", tail(dice, 13)),
        born,
        home: home.clone(),
    }
}

fn name(dice: &mut Dice) -> String {
    let mut name = (*dice.pick(&SURNAMES)).to_owned();
    name.push_str(dice.pick::<&str>(&GIVEN));
    if dice.chance(0.7) {
        name.push_str(dice.pick::<&str>(&GIVEN));
    }
    name
}

fn id_number(dice: &mut Dice, home: &RegionCode, born: NaiveDate) -> String {
    let county: String = home.as_str().chars().take(6).collect();
    let registered_before_2000 = born < NaiveDate::from_ymd_opt(2000, 1, 1).unwrap_or(born);
    let prefix = OLD_PREFIXES
        .iter()
        .find(|(now, _)| registered_before_2000 && *now == county)
        .map_or(county.as_str(), |(_, old)| old);
    let body = format!("{prefix}{}{:03}", born.format("%Y%m%d"), dice.between(1, 999));
    let check = identity::check_character(&body);
    format!("{body}{check}")
}
