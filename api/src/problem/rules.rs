//! Rules of ratings, halls, items, organisations, rosters, calendar and policy, named and told in Chinese. Their English stands with
//! the rule; a case's rules carry both languages themselves.

use super::{Kind, Problem, Text};
use domain::appointment::AppointmentRejection;
use domain::calendar::CalendarRejection;
use domain::campaign::CampaignRejection;
use domain::catalogue::ItemRejection;
use domain::certificate::CertificateRejection;
use domain::checklist::ChecklistRejection;
use domain::inspection::InspectionRejection;
use domain::instrument::InstrumentRejection;
use domain::kin::KinRejection;
use domain::organisation::OrganisationRejection;
use domain::policy::PolicyRejection;
use domain::rating::RatingRejection;
use domain::roster::RosterRejection;
use domain::service_point::ServicePointRejection;
use domain::template::TemplateRejection;
use domain::ticket::TicketRejection;
use std::convert::Infallible;
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
    ("no-invitation", "现行规则没有邀评，或已邀评完毕"),
    ("no-such-organisation", "没有这个单位"),
    ("no-default-rating", "现行规则没有默认评价"),
    ("indicator-twice", "同一指标评价了两次"),
    ("indicator-unknown", "现行指标版本没有这一指标"),
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
    // 取号叫号.
    ("unknown-hall", "该日没有这个大厅"),
    ("another-day", "只能办理当日号票"),
    ("day-closed", "该日业务已结束"),
    ("hall-closed", "当前不在取号时间"),
    ("purpose-not-served", "本厅没有此类窗口"),
    ("unknown-item", "该日没有此事项"),
    ("item-not-taken-here", "本厅不受理此事项"),
    ("already-queueing", "本人已取号，尚在等候"),
    ("appointment-has-ticket", "该预约已取号"),
    ("numbers-exhausted", "当日号票已满"),
    ("no-such-window", "本厅没有这个窗口"),
    ("window-taken", "该窗口有他人在岗"),
    ("at-another-window", "您已在其他窗口在岗"),
    ("window-not-open", "窗口未开放，须先上岗"),
    ("not-your-window", "该窗口由他人叫号"),
    ("ticket-in-hand", "窗口还有未办完的号"),
    ("nobody-waiting", "没有等候的号"),
    ("unknown-ticket", "没有这张号票"),
    ("for-another-window", "该号在其他窗口等候"),
    ("already-called", "该号已叫"),
    ("not-called", "该号尚未叫"),
    ("already-serving", "该号正在办理"),
    ("called-too-few-times", "叫号次数不足，不可过号"),
    ("already-waiting", "该号已在排队"),
    ("ticket-over", "该号已办结或已弃号"),
    ("transfer-to-same", "该号已在此窗口等候"),
    ("too-many-cases", "一张号票关联的办件过多"),
    ("unknown-threshold", "现行规则没有这个阈值"),
    ("not-crossed", "尚未达到阈值"),
    ("still-crossed", "仍在阈值以上"),
    ("day-not-over", "该日业务尚未结束"),
    // 预约.
    ("no-such-slot", "没有这个预约时段"),
    ("slot-begun", "该时段已开始"),
    ("too-far-ahead", "超出可预约的日期"),
    ("slot-full", "该时段已约满"),
    ("booked-already", "本人当日已有预约"),
    ("item-without-appointment", "该事项不在预约服务清单"),
    ("item-without-after-hours", "该事项不在延时服务清单"),
    ("unknown-appointment", "没有这个预约"),
    ("already-kept", "该预约已履约"),
    ("appointment-was-missed", "该预约已爽约"),
    ("appointment-cancelled", "该预约已取消"),
    ("already-moved", "该预约已改约"),
    ("check-in-too-early", "尚未到签到时间"),
    ("check-in-too-late", "已过签到时间，请现场取号"),
    ("may-still-come", "仍在签到时间内"),
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
    ("phone-malformed", "电话号码有误"),
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
    // 服务点.
    ("not-a-service-point", "该单位不是中心或站点"),
    ("address-missing", "须有地址"),
    ("point-off-the-map", "坐标超出范围"),
    ("live-already", "已上线"),
    ("not-live", "尚未上线"),
    ("live-before-registration", "上线日期早于单位登记"),
    ("no-item-named", "须至少写明一个事项"),
    ("item-unknown", "没有这个事项"),
    ("item-of-other-level", "该事项不在本级收件"),
    ("enabled-before-live", "进驻日期早于上线"),
    ("item-not-enabled", "该事项未在此进驻"),
    ("disabled-before-enabled", "退出日期早于进驻"),
    ("not-a-township", "须由乡镇提交"),
    ("villages-out-of-range", "村（社区）数量超出范围"),
    ("village-elsewhere", "不是本乡镇的村（社区）"),
    ("village-twice", "村（社区）重复"),
    ("survey-source-missing", "须注明数据来源"),
    ("way-to-nowhere", "没有这个中心或站点"),
    ("way-twice", "同一去处重复"),
    ("way-too-long", "用时超出范围"),
    ("other-service-point", "内容与服务点不符"),
    // 赋权、委托.
    ("already-issued", "该文书已出具，变更须另行出具"),
    ("not-issued", "没有这份文书"),
    ("instrument-empty", "须写明受权（受托）组织和事项"),
    ("instrument-unpublished", "须写明公布载体和依据"),
    ("valid-before-publication", "生效不得早于公布"),
    ("instrument-ends-before-it-begins", "终止日期与有效期不符"),
    ("instrument-party-unknown", "该日没有这个单位"),
    ("instrument-item-unknown", "没有这个事项"),
    ("no-sub-delegation", "受权（受托）组织不得再转委托"),
    ("not-their-power", "该事项不属于本机关职权"),
    ("holder-outside-territory", "受权（受托）组织不在本机关辖区"),
    ("instrument-kind-mismatch", "该事项不以此种方式下放"),
    ("already-revoked", "文书或证照已撤销、变更或注销"),
    ("other-instrument", "内容与文书不符"),
    // 近亲属备案.
    ("kin-already-registered", "该办件已作近亲属备案，内容不同"),
    ("kin-not-registered", "该办件没有近亲属备案"),
    ("visit-to-come", "入户日期尚未到来"),
    ("visitors-out-of-range", "入户须二人以上，不得重复"),
    ("relative-visits", "申请人的近亲属须回避"),
    ("spot-visit-from-below", "抽查由县级以上进行"),
    // 考评.
    ("checklist-nameless", "考评表及各项须有名称"),
    ("parts-out-of-range", "考评项数量超出范围"),
    ("used-before-predecessor", "不得早于上一版本启用"),
    ("criterion-twice", "标准重复"),
    ("weights-do-not-sum-up", "各标准分值之和与总分不符"),
    ("parts-do-not-sum-up", "考评项分值之和与该标准不符"),
    ("part-twice", "考评项重复"),
    ("part-without-points", "考评项须有分值"),
    ("figure-without-source", "没有该指标的数据来源，不得凭空计分"),
    ("scale-reversed", "满分线须高于零分线，且不超过100%"),
    ("more-than-all-points", "无办件时的得分超过该项分值"),
    ("inspection-already-open", "该考评已开展"),
    ("inspection-not-open", "没有这次考评"),
    ("checklist-not-in-use", "当日没有启用该考评表"),
    ("not-a-centre", "该单位不是政务服务中心或便民服务中心"),
    ("inspects-own-hall", "不得考评本单位大厅"),
    ("inspected-in-the-future", "考评日期尚未到来"),
    ("period-out-of-range", "考评区间无效"),
    ("not-the-inspector", "只有考评人可填写"),
    ("part-unknown", "考评表没有这一项"),
    ("part-is-computed", "该项由系统计算，不由人填写"),
    ("more-points-than-the-part", "得分超过该项分值"),
    ("photo-missing", "该项须附照片"),
    ("photo-unknown", "没有该项的这张照片"),
    ("too-many-photos", "照片过多"),
    ("parts-missing", "考评表有缺项"),
    ("figure-not-drawn", "指标未取数"),
    ("already-scored", "该考评已评分"),
    ("campaign-already-open", "该评选已开展"),
    ("campaign-not-open", "没有这次评选"),
    ("campaign-nameless", "评选须有名称"),
    ("checklist-unknown", "没有这份考评表"),
    ("no-hall-to-choose", "每县至少可推荐一个大厅"),
    ("campaign-reversed", "评选起止日期颠倒"),
    ("outside-campaign", "不在推荐期内"),
    ("not-scored", "该考评尚未评分"),
    ("scored-by-other", "该大厅按其他考评表评分"),
    ("not-a-township-centre", "只推荐乡镇便民服务中心"),
    ("hall-of-other-county", "只能推荐本县大厅"),
    ("county-not-in-campaign", "本县不参加评选"),
    ("county-has-chosen", "本县推荐名额已满"),
    ("hall-not-chosen", "该大厅未被推荐"),
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
    ("indicator-not-named-once", "评价指标须各有编码"),
    ("indicators-without-new-version", "评价指标变更须另立版本"),
    ("invitation-without-time", "邀评次数和间隔天数不得为零"),
    ("card-twice", "同一情形只能记一次牌，且只有一种颜色"),
    ("slot-without-time", "时段和办理时间至少一分钟，时段不超过一日"),
    ("threshold-not-named-once", "排队阈值须各有名称"),
    ("threshold-without-measure", "排队阈值须有衡量标准"),
    ("certificate-kind-twice", "同一证照类型或同一事项的证照重复"),
    // 电子证照.
    ("not-on-record", "没有该证照"),
    ("not-for-this-role", "该角色无权办理此证照事务"),
    ("validity-reversed", "证照有效期颠倒"),
    ("day-to-come", "颁发或失效日期不得晚于今日"),
    ("trust-too-high", "该角色不能认定这样高的可信等级"),
    ("holder-differs", "该证照已登记在他人名下"),
    ("revoked-for-good", "已失效的证照不能恢复，须重新签发"),
    ("issued-elsewhere", "只能由颁发机构或其证照库作出"),
    ("no-original", "自行填报的内容没有原件可核对"),
    ("already-on-record", "证照已登记"),
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

impl From<TicketRejection> for Problem {
    fn from(rule: TicketRejection) -> Self {
        told(&rule)
    }
}

impl From<CertificateRejection> for Problem {
    fn from(rule: CertificateRejection) -> Self {
        told(&rule)
    }
}

impl From<AppointmentRejection> for Problem {
    fn from(rule: AppointmentRejection) -> Self {
        told(&rule)
    }
}

/// Some streams refuse nothing.
impl From<Infallible> for Problem {
    fn from(never: Infallible) -> Self {
        match never {}
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

impl From<ServicePointRejection> for Problem {
    fn from(rule: ServicePointRejection) -> Self {
        told(&rule)
    }
}

impl From<InstrumentRejection> for Problem {
    fn from(rule: InstrumentRejection) -> Self {
        told(&rule)
    }
}

impl From<KinRejection> for Problem {
    fn from(rule: KinRejection) -> Self {
        told(&rule)
    }
}

impl From<ChecklistRejection> for Problem {
    fn from(rule: ChecklistRejection) -> Self {
        told(&rule)
    }
}

impl From<InspectionRejection> for Problem {
    fn from(rule: InspectionRejection) -> Self {
        told(&rule)
    }
}

impl From<CampaignRejection> for Problem {
    fn from(rule: CampaignRejection) -> Self {
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
