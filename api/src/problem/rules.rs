//! Rules of ratings, items, organisations, rosters, calendar and policy, named and told in Chinese. Their English stands with
//! the rule; a case's rules carry both languages themselves.

use super::{Kind, Problem, Text};
use domain::calendar::CalendarRejection;
use domain::catalogue::ItemRejection;
use domain::organisation::OrganisationRejection;
use domain::policy::PolicyRejection;
use domain::rating::RatingRejection;
use domain::roster::RosterRejection;
use domain::template::TemplateRejection;
use std::fmt::{Debug, Display};

/// The rules by their names, in the order of their declaration.
#[rustfmt::skip]
const CHINESE: &[(&str, &str)] = &[
    // 好差评.
    ("already-rated", "该服务已评价，可修改评价"),
    ("not-rated", "尚未评价"),
    ("stage-not-reached", "尚未到可评价的环节"),
    ("not-theirs-to-rate", "只有申请人、代理人或持收件凭证评价码者可评价"),
    ("rates-own-work", "不得评价本人的服务"),
    ("real-name-without-rater", "实名评价须表明身份"),
    ("window-over", "评价期限已过"),
    ("window-open", "仍在评价期限内"),
    ("no-default-rating", "现行规则没有默认评价"),
    ("indicator-twice", "同一指标评价了两次"),
    ("ticket-malformed", "号票编号无效"),
    ("not-the-same-rater", "只有原评价人可修改评价"),
    ("not-adopted", "该评价不予采纳"),
    ("not-verified-so", "只有经核实为误评或恶意的评价可不予采纳"),
    ("no-order", "该评价没有差评工单"),
    ("order-closed", "工单已办结"),
    ("not-assigned", "工单尚未派发"),
    ("person-complained-about", "被评价人须回避"),
    ("assigned-to-somebody-else", "工单由他人承办"),
    ("already-verified", "工单已核实"),
    ("not-verified", "工单尚未核实"),
    ("nothing-to-rectify", "差评不属实，无须整改"),
    ("already-rectified", "工单已整改"),
    ("not-rectified", "须先整改再回复"),
    ("already-replied", "工单已回复"),
    ("not-replied", "须先回复再回访"),
    ("call-back-done", "无须再回访"),
    ("not-concerned", "只有被评价人可申诉"),
    ("already-appealed", "已申诉过"),
    ("no-appeal-pending", "没有待复核的申诉"),
    ("reviews-own-finding", "核实人不得复核"),
    ("verdict-contradicts-review", "申诉成立须改变认定，不成立则维持"),
    // 事项.
    ("version-not-next", "事项版本号须连续"),
    ("not-after-predecessor", "新版本须晚于上一版本生效"),
    ("overlaps-predecessor", "上一版本仍有效"),
    ("ends-before-it-begins", "截止日期早于开始日期"),
    ("withdrawn", "事项已取消"),
    ("not-published", "事项尚未公布"),
    ("promise-longer-than-law", "承诺时限不得长于法定时限"),
    ("nameless", "须有名称"),
    ("step-code-twice", "环节编码重复"),
    ("material-code-twice", "材料编码重复"),
    ("situation-twice", "办理情形重复"),
    ("material-without-situation", "材料所属的办理情形未列出"),
    ("required-always-and-sometimes", "必备材料不属于任何办理情形"),
    ("form-version-not-next", "电子表单有变化时版本号须加一"),
    ("procedure-twice", "特别程序重复"),
    ("legal-pause-without-basis", "暂停法定时限须有法律依据"),
    ("steps-longer-than-promise", "各环节时限之和超过承诺时限"),
    ("no-intake-level", "须至少有一级收件"),
    ("empty-limit", "时限不得为零"),
    // 单位.
    ("already-registered", "单位已登记"),
    ("not-registered", "单位未登记"),
    ("dissolved", "单位已撤销"),
    ("parent-unknown", "上级单位未登记"),
    ("parent-missing", "须有上级单位"),
    ("parent-of-wrong-kind", "上级单位的类型不符"),
    ("credit-code-invalid", "统一社会信用代码有误"),
    ("hours-reversed", "开放时间颠倒"),
    ("window-already-open", "窗口已存在"),
    ("window-unknown", "没有这个窗口"),
    ("window-nameless", "窗口须有名称和用途"),
    ("staff-unknown", "没有这名工作人员"),
    ("no-role", "任职须有角色"),
    ("role-not-appointed", "未任此角色"),
    ("still-has-others-under-it", "仍有下级单位"),
    ("other-organisation", "内容与单位不符"),
    // 值班.
    ("not-a-hall", "该单位不是大厅"),
    ("roster-already-posted", "本月值班表已公布，只能逐日调整"),
    ("roster-not-posted", "本月值班表尚未公布"),
    ("roster-empty", "值班表须至少有一人一日"),
    ("roster-too-long", "值班表条目过多"),
    ("roster-window-unknown", "该大厅没有这个窗口"),
    ("not-appointed-then", "该人员当日不在本大厅任职"),
    ("day-outside-month", "该月没有这一天"),
    ("day-of-other-month", "日期不在该月内"),
    ("hall-closed-then", "该大厅当日不开放"),
    ("day-is-past", "日期已过，值班表只排以后的日子"),
    ("on-duty-twice", "同一人同日重复值班"),
    ("not-on-duty", "该人员当日不在此窗口值班"),
    ("nobody-named", "须写明谁不来或谁来"),
    ("day-confirmed", "该日值班已确认"),
    ("not-over-yet", "该日尚未结束"),
    ("confirms-own-duty", "值班人员不得确认本人的值班"),
    // 日历.
    ("year-already-published", "该年日历已公布，只能调整"),
    ("year-out-of-range", "年份超出范围"),
    ("day-outside-year", "日期不在该年内"),
    ("workday-not-on-weekend", "调休上班日须为周末"),
    ("holiday-and-workday", "同一日既放假又上班"),
    ("day-twice", "日期重复"),
    ("nothing-amended", "没有调整内容"),
    ("year-not-published", "该年日历尚未公布"),
    ("notice-without-title", "须有通知的文号或标题"),
    // 规则.
    ("valid-before-predecessor", "不得早于上一版本生效"),
    ("scores-not-descending", "分值须由高到低"),
    ("percent-over-hundred", "比例不得超过100%"),
    ("no-rating-window", "评价期限至少一个工作日"),
    ("no-notice-window", "告知期限至少一个工作日"),
    ("order-step-without-time", "工单各步期限至少一个工作日"),
    ("standard-zero", "大厅标准不得为零"),
    ("template-before-predecessor", "模板不得早于上一版本生效"),
    ("template-empty", "模板不得为空"),
    ("template-too-long", "模板过长"),
    ("indicators-version-zero", "指标版本从1开始"),
];

/// The name of a rule, from that of its variant: `AlreadyRated` is `already-rated`.
fn name(rule: &impl Debug) -> String {
    let variant: String = format!("{rule:?}").chars().take_while(char::is_ascii_alphanumeric).collect();
    variant.chars().enumerate().fold(String::new(), |mut name, (place, letter)| {
        if letter.is_ascii_uppercase() && 0 < place {
            name.push('-');
        }
        name.push(letter.to_ascii_lowercase());
        name
    })
}

fn chinese(name: &str) -> Option<&'static str> {
    CHINESE.iter().find(|(known, _)| *known == name).map(|(_, zh)| *zh)
}

fn told(rule: &(impl Debug + Display)) -> Problem {
    let name = name(rule);
    let en = rule.to_string();
    let zh = chinese(&name).map_or_else(|| en.clone(), str::to_owned);
    Problem::new(Kind::Rule).detail(Text::new(zh, en)).rule(name)
}

impl From<RatingRejection> for Problem {
    fn from(rule: RatingRejection) -> Self {
        told(&rule)
    }
}

impl From<ItemRejection> for Problem {
    fn from(rule: ItemRejection) -> Self {
        told(&rule)
    }
}

impl From<OrganisationRejection> for Problem {
    fn from(rule: OrganisationRejection) -> Self {
        told(&rule)
    }
}

impl From<RosterRejection> for Problem {
    fn from(rule: RosterRejection) -> Self {
        told(&rule)
    }
}

impl From<CalendarRejection> for Problem {
    fn from(rule: CalendarRejection) -> Self {
        told(&rule)
    }
}

impl From<PolicyRejection> for Problem {
    fn from(rule: PolicyRejection) -> Self {
        told(&rule)
    }
}

impl From<TemplateRejection> for Problem {
    fn from(rule: TemplateRejection) -> Self {
        told(&rule)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::ids::OrganisationId;

    #[test]
    fn a_rule_is_named_by_its_variant() {
        let parent: OrganisationId = "361023".parse().unwrap();
        assert_eq!(name(&RatingRejection::AlreadyRated), "already-rated");
        assert_eq!(name(&OrganisationRejection::ParentUnknown(parent)), "parent-unknown");
        assert_eq!(name(&ItemRejection::VersionNotNext { expected: 2, stated: 3 }), "version-not-next");
    }

    #[test]
    fn names_are_in_the_table_once() {
        let mut names: Vec<_> = CHINESE.iter().map(|(name, _)| *name).collect();
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
    }
}
