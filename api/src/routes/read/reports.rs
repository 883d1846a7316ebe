//! 月报: each a rendering of a fold that is there already, as JSON and as a table for spreadsheets.

use super::statistics::{Scope, scope};
use crate::answer::Stamp;
use crate::answers::{self, Question};
use crate::auth::Caller;
use crate::node::Node;
use crate::problem::{Problem, Text};
use crate::query::{FromParameters, Parameters, Query, checked_period, invalid};
use crate::table::{Cell, Table};
use crate::views::{Kept, Standing, Views, When};
use actix_web::http::header::{CONTENT_DISPOSITION, HeaderValue};
use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, get};
use chrono::NaiveDate;
use domain::event::case::{Anomaly, ClosingKind};
use domain::event::evidence::DataShareOutcome;
use domain::ids::OrganisationId;
use domain::month::Month;
use domain::reference::Reference;
use domain::zone::day_of;
use projections::balance::{Balance, BalanceQuery, BalanceRow};
use projections::certificate_free::{CertificateFree, CertificateFreeDimension, CertificateFreeQuery};
use projections::coverage::{Coverage, PointsPage};
use projections::oversight::{AnomaliesQuery, AnomaliesRow, AnomalyDimension, Oversight};
use projections::processing_times::{
    Cohort, Dimension, ProcessingTimes, ProcessingTimesQuery, ProcessingTimesRow, RegionAs,
};
use projections::satisfaction::{Satisfaction, SatisfactionDimension, SatisfactionQuery, SatisfactionRow};
use projections::scope::{Attribution, Period, Source};
use projections::staffing::{Staffing, StaffingQuery};
use projections::tally::Rate;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Debug;

/// The reports there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Report {
    /// 收支平衡.
    Balance,
    /// 按时办结.
    OnTime,
    /// 好差评.
    Satisfaction,
    /// 社会救助窗口值班.
    Staffing,
    /// 覆盖.
    Coverage,
    /// 异常.
    Anomalies,
    /// 免证办.
    CertificateFree,
    /// 跨乡镇.
    CrossTownship,
}

impl Report {
    const ALL: [(&'static str, Self); 8] = [
        ("balance", Self::Balance),
        ("on-time", Self::OnTime),
        ("satisfaction", Self::Satisfaction),
        ("staffing", Self::Staffing),
        ("coverage", Self::Coverage),
        ("anomalies", Self::Anomalies),
        ("certificate-free", Self::CertificateFree),
        ("cross-township", Self::CrossTownship),
    ];

    fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, report)| *report == self).map_or("", |(name, _)| name)
    }

    fn named(name: &str) -> Result<Self, Problem> {
        let known = Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, report)| *report);
        known.ok_or_else(Problem::not_found)
    }
}

/// In which form a report is wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Format {
    #[default]
    Json,
    Csv,
}

/// The question behind `GET /reports/{name}`.
#[derive(Debug, Clone)]
struct ReportFilter {
    month: Month,
    organisation: Option<OrganisationId>,
    format: Format,
    bom: bool,
}

impl FromParameters for ReportFilter {
    fn take(parameters: &mut Parameters) -> Result<Self, Problem> {
        let required = || invalid("month", Text::new("必填，如 2022-02", "it is required, such as 2022-02"));
        let format = parameters.word("format")?.unwrap_or_default();
        let bom = parameters.number("bom", 0, 1)?;
        if bom.is_some() && format == Format::Json {
            return Err(invalid("bom", Text::new("只用于 format=csv", "it means nothing without format=csv")));
        }
        Ok(Self {
            month: parameters.one("month")?.ok_or_else(required)?,
            organisation: parameters.one("org")?,
            format,
            bom: bom == Some(1),
        })
    }
}

/// What a report is asked about.
#[derive(Debug)]
struct Asked {
    month: Month,
    period: Period,
    /// Absent for the whole city.
    within: Option<OrganisationId>,
    organisation: OrganisationId,
    /// The day by which lights are judged.
    day: NaiveDate,
}

/// A report as it goes out.
#[derive(Serialize)]
struct Told<'a> {
    report: &'a str,
    month: Month,
    organisation: &'a OrganisationId,
    #[serde(flatten)]
    table: &'a Table,
}

/// A monthly table 月报.
///
/// `balance` (收支平衡), `on-time` (按时办结, by township), `satisfaction` (好差评, by hall), `staffing` (社会救助窗口值班), `anomalies`
/// (异常, by hall and kind), `certificate-free` (免证办, by hall), `cross-township` (跨乡镇办理, by township: taken in for others, and
/// handled for others' residents) or `coverage` (覆盖, at the end of the month). Every figure is that of the statistics of the same
/// name. As CSV it is UTF-8 with CRLF; `bom=1` adds the mark that spreadsheets want; a text that a spreadsheet would take for a
/// formula gets an apostrophe in front.
#[utoipa::path(
    get, path = "/api/v1/reports/{name}", tag = "statistics", security(("token" = [])),
    params(
        ("name" = String, Path, description = "`balance`, `on-time`, `satisfaction`, `staffing`, `anomalies`, `certificate-free`, `cross-township` or `coverage`", example = "balance"),
        ("month" = String, Query, description = "The month", example = "2022-02"),
        ("org" = Option<String>, Query, description = "Only this organisation and those under it", example = "361023"),
        ("format" = Option<String>, Query, description = "`json` (default) or `csv`"),
        ("bom" = Option<u8>, Query, description = "1: the CSV begins with a byte order mark, for spreadsheets"),
        crate::openapi::WhenParameters,
    ),
    responses((status = 200, description = "Columns and rows; the last row is the total", content(
        (Object = "application/json", example = json!({
            "position": 612345, "as_of": "2022-03-01T09:00:00.000+08:00", "report": "on-time", "month": "2022-02", "organisation": "361023",
            "columns": [{"key": "organisation", "zh": "单位", "en": "organisation"}, {"key": "n", "zh": "办结数", "en": "ended"}],
            "rows": [["361023100", 412], ["合计", 412]]
        })),
        (String = "text/csv", example = "单位,名称,办结数\r\n361023100,琴城镇便民服务中心,412\r\n")
    )))
)]
#[get("/reports/{name}")]
pub(crate) async fn get_report(
    node: Data<Node>,
    caller: Caller,
    name: Path<String>,
    Query((filter, when)): Query<(ReportFilter, When)>,
) -> Result<HttpResponse, Problem> {
    let report = Report::named(&name)?;
    let views = &node.reads.views;
    let at = views.resolve(&when, &node.clock).await?;
    let asked = asked(views, &caller, &filter, &at, day_of(node.clock.now()))?;
    let wanted = Wanted { name: report.name(), asked, format: filter.format, bom: filter.bom };
    let seen = match report {
        Report::Balance => views.answer(&at, Monthly { wanted, table: balance }).await?,
        Report::OnTime => views.answer(&at, Monthly { wanted, table: on_time }).await?,
        Report::Satisfaction => views.answer(&at, Monthly { wanted, table: satisfaction }).await?,
        Report::Staffing => views.answer(&at, Monthly { wanted, table: staffing }).await?,
        Report::Anomalies => views.answer(&at, Monthly { wanted, table: anomalies }).await?,
        Report::CertificateFree => views.answer(&at, Monthly { wanted, table: certificate_free }).await?,
        Report::CrossTownship => views.answer(&at, Monthly { wanted, table: cross_township }).await?,
        Report::Coverage => views.answer(&at, Monthly { wanted, table: coverage }).await?,
    };
    let stamp = Stamp::new(&at, seen.position);
    Ok(match filter.format {
        Format::Json => stamp.written(&seen.value),
        Format::Csv => {
            let mut response = stamp.bytes("text/csv; charset=utf-8", seen.value, None);
            let file = format!("attachment; filename=\"{}-{}.csv\"", report.name(), filter.month);
            if let Ok(file) = HeaderValue::from_str(&file) {
                response.headers_mut().insert(CONTENT_DISPOSITION, file);
            }
            response
        }
    })
}

/// Makes a table of a view. It looks at nothing else.
type Tabling<V> = fn(&V, &Reference, &Asked) -> Table;

/// Which report, about what, in which form.
#[derive(Debug)]
struct Wanted {
    name: &'static str,
    asked: Asked,
    format: Format,
    bom: bool,
}

/// A report as a question.
#[derive(Debug)]
struct Monthly<V> {
    wanted: Wanted,
    table: Tabling<V>,
}

impl<V: Kept + Debug> Question for Monthly<V> {
    type View = V;
    type Answer = Table;

    fn answer(&self, view: &V, reference: &Reference, _: NaiveDate) -> Result<Table, Problem> {
        Ok((self.table)(view, reference, &self.wanted.asked))
    }

    fn written(&self, table: &Table) -> Result<Vec<u8>, Problem> {
        let Wanted { name: report, asked: Asked { month, organisation, .. }, format, bom } = &self.wanted;
        match format {
            Format::Json => answers::json(&Told { report, month: *month, organisation, table }),
            Format::Csv => Ok(table.csv(*bom).into()),
        }
    }
}

fn asked(
    views: &Views,
    caller: &Caller,
    filter: &ReportFilter,
    at: &Standing,
    today: NaiveDate,
) -> Result<Asked, Problem> {
    let month = filter.month;
    // A month that has not begun has no report; the running one has what there is of it.
    let tomorrow = today.succ_opt().unwrap_or(today);
    let (from, to) = (month.first_day(), month.first_day_after().min(tomorrow).max(month.first_day()));
    let period = checked_period("month", from, "month", to, today)?;
    let Scope { organisation, within } = scope(views, caller, filter.organisation.as_ref())?;
    Ok(Asked { month, period, within, organisation, day: at.day() })
}

/// Code and name of an organisation, or 合计.
fn named(organisation: Option<&str>, reference: &Reference) -> [Cell; 2] {
    let Some(code) = organisation else { return [Cell::text("合计"), Cell::Nothing] };
    let id: Option<OrganisationId> = code.parse().ok();
    let known = id.as_ref().and_then(|id| reference.organisations.get(id));
    [Cell::text(code), known.map_or(Cell::Nothing, |known| Cell::text(known.name_zh()))]
}

const PLACE: [(&str, &str, &str); 2] = [("organisation", "单位", "organisation"), ("name_zh", "名称", "name")];

/// Numerator, denominator and percent of a rate.
fn shares(rate: Rate) -> [Cell; 3] {
    [Cell::Whole(rate.numerator), Cell::Whole(rate.denominator), rate.rate.map_or(Cell::Nothing, Cell::percent)]
}

fn balance(view: &Balance, reference: &Reference, asked: &Asked) -> Table {
    let query = BalanceQuery {
        month: asked.month,
        organisation: asked.within.clone(),
        attribution: Attribution::Deciding,
        source: Source::Own,
    };
    let answer = view.answer(&query, &reference.organisations);
    let mut table = Table::new(PLACE);
    table.column("opening", "期初在办", "open at the beginning").column("submitted", "本期申请", "submitted");
    for kind in ClosingKind::ALL {
        let (key, zh) = closing(kind);
        table.column(key, zh, key);
    }
    table.column("closed", "本期办结合计", "closed").column("open", "期末在办", "open at the end");
    for row in answer.rows.iter().chain([&answer.total]) {
        let BalanceRow { organisation, opening, submitted, closings, closed, open } = row;
        let mut cells = named(organisation.as_ref().map(OrganisationId::as_str), reference).to_vec();
        cells.extend([*opening, *submitted].map(Cell::Whole));
        let of = |kind| Cell::Whole(closings.get(&kind).copied().unwrap_or(0));
        cells.extend(ClosingKind::ALL.map(of));
        cells.extend([*closed, *open].map(Cell::Whole));
        table.row(cells);
    }
    table
}

fn closing(kind: ClosingKind) -> (&'static str, &'static str) {
    match kind {
        ClosingKind::Granted => ("granted", "准予"),
        ClosingKind::Denied => ("denied", "不予"),
        ClosingKind::NotRequired => ("not_required", "无需申请"),
        ClosingKind::RefusedIntake => ("refused_intake", "不予受理"),
        ClosingKind::Withdrawn => ("withdrawn", "撤回"),
        ClosingKind::Returned => ("returned", "退件"),
        ClosingKind::SupplementLapsed => ("supplement_lapsed", "逾期未补正"),
        ClosingKind::Aborted => ("aborted", "终止"),
        ClosingKind::Merged => ("merged", "并案"),
    }
}

fn on_time(view: &ProcessingTimes, reference: &Reference, asked: &Asked) -> Table {
    let query = ProcessingTimesQuery {
        period: asked.period,
        cohort: Cohort::Finished,
        group_by: vec![Dimension::Township],
        item: None,
        organisation: asked.within.clone(),
        closing: None,
        attribution: Attribution::Deciding,
        region_as: RegionAs::Now,
        source: Source::Own,
    };
    let mut table = Table::new(PLACE);
    table
        .column("n", "办结数", "ended")
        .column("promised_on_time", "承诺期内办结", "finished by the promised date")
        .column("promised_with_limit", "有承诺期限", "with a promised date")
        .column("promised_rate", "按时办结率%", "on time, percent")
        .column("statutory_on_time", "法定期内办结", "by the statutory date")
        .column("statutory_with_limit", "有法定期限", "with a statutory date")
        .column("statutory_rate", "法定按时率%", "statutory, percent")
        .column("working_days_mean", "平均工作日", "working days, mean")
        .column("working_days_p90", "九成工作日", "working days, p90")
        .column("open_overdue", "在办超期", "open and overdue")
        .column("recorded_late", "后补录", "recorded later");
    // A question of cases by township asks nothing of steps, which is all that could be wrong with it.
    let Ok(answer) = view.answer(&query, reference, asked.day) else { return table };
    for row in answer.rows.iter().chain([&answer.total]) {
        let ProcessingTimesRow { key, n, on_time_promised, on_time_statutory, working_days, .. } = row;
        let mut cells = match key.get(&Dimension::Township) {
            // Decided by no township: by a county's bureau, or the city.
            Some(None) => vec![Cell::text("县级以上"), Cell::Nothing],
            Some(Some(code)) => named(Some(code), reference).to_vec(),
            None => named(None, reference).to_vec(),
        };
        cells.push(Cell::Whole(*n));
        cells.extend(shares(*on_time_promised));
        cells.extend(shares(*on_time_statutory));
        cells.push(working_days.mean.map_or(Cell::Nothing, Cell::real));
        cells.push(working_days.p90.map_or(Cell::Nothing, |days| Cell::Whole(i64::from(days))));
        cells.extend([row.open_overdue, row.recorded_late].map(Cell::Whole));
        table.row(cells);
    }
    table
}

fn satisfaction(view: &Satisfaction, reference: &Reference, asked: &Asked) -> Table {
    let query = SatisfactionQuery {
        period: asked.period,
        group_by: vec![SatisfactionDimension::Org],
        item: None,
        organisation: asked.within.clone(),
        source: Source::Own,
    };
    let answer = view.answer(&query, reference, asked.day);
    let mut table = Table::new(PLACE);
    table
        .column("services", "服务数", "services")
        .column("immature", "尚可评价", "may still be rated")
        .column("ratings", "采纳评价数", "adopted ratings")
        .column("not_adopted", "不予采纳", "not adopted");
    for (name, zh, en) in [
        ("good", "好评", "good"),
        ("active", "主动评价", "active"),
        ("rectified", "差评整改", "rectified"),
        ("in_time", "按时整改", "rectified in time"),
        ("called_back", "回访", "called back"),
    ] {
        table.rate(name, zh, en);
    }
    table.column("score", "满意度得分", "score");
    for row in answer.rows.iter().chain([&answer.total]) {
        let SatisfactionRow { key, services, immature, ratings, not_adopted, small_cell, .. } = row;
        let organisation = key.get(&SatisfactionDimension::Org).and_then(Option::as_deref);
        let mut cells = named(organisation, reference).to_vec();
        cells.extend([services.unwrap_or(0), immature.unwrap_or(0), *ratings, *not_adopted].map(Cell::Whole));
        // A handful of ratings tells who they are from: such a hall's opinions are in the total only.
        let hidden = *small_cell && organisation.is_some();
        let rates = [
            row.good_rate,
            row.active_rate.unwrap_or_default(),
            row.rectification_rate,
            row.rectification_in_time_rate,
            row.call_back_rate,
        ];
        cells.extend(
            rates.into_iter().flat_map(|rate| if hidden { [const { Cell::Nothing }; 3] } else { shares(rate) }),
        );
        cells.push(row.score.mean.filter(|_| !hidden).map_or(Cell::Nothing, Cell::real));
        table.row(cells);
    }
    table
}

fn staffing(view: &Staffing, reference: &Reference, asked: &Asked) -> Table {
    let query = StaffingQuery { period: asked.period, organisation: asked.organisation.clone() };
    let answer = view.answer(&query, reference);
    let mut table = Table::new(PLACE);
    table
        .column("open_days", "开放日", "open days")
        .column("proven", "在岗已确认", "proven")
        .column("planned", "已排班待确认", "planned")
        .column("gap_days", "缺岗日", "gaps");
    let halls = answer.halls.iter().map(|hall| (Some(hall.organisation.as_str()), hall.days));
    for (organisation, days) in halls.chain([(None, answer.total)]) {
        let mut cells = named(organisation, reference).to_vec();
        cells.extend([days.open_days, days.proven, days.planned, days.gap_days].map(|days| Cell::Whole(days.into())));
        table.row(cells);
    }
    table
}

fn anomalies(view: &Oversight, reference: &Reference, asked: &Asked) -> Table {
    let query = AnomaliesQuery {
        period: asked.period,
        group_by: vec![AnomalyDimension::Kind, AnomalyDimension::Org],
        kinds: Vec::new(),
        item: None,
        organisation: asked.within.clone(),
        person: None,
        source: Source::Own,
    };
    let answer = view.anomalies(&query, &reference.organisations);
    let mut table = Table::new(PLACE);
    table
        .column("kind", "类型编码", "kind")
        .column("kind_zh", "类型", "kind in Chinese")
        .column("marks", "标记数", "marks")
        .column("acts", "相关行为数", "acts on which it may stand")
        .column("share", "占比%", "percent")
        .column("hidden_working_days", "隐去工作日", "working days hidden");
    for AnomaliesRow { key, marks, share, hidden_working_days } in &answer.rows {
        let text = |dimension| key.get(&dimension).and_then(Option::as_deref);
        let mut cells = named(text(AnomalyDimension::Org), reference).to_vec();
        let kind = text(AnomalyDimension::Kind).unwrap_or_default();
        let label = serde_json::from_value::<Anomaly>(kind.into()).map(Anomaly::label_zh);
        cells.extend([Cell::text(kind), label.map_or(Cell::Nothing, Cell::text), Cell::Whole(*marks)]);
        cells.push(share.as_ref().map_or(Cell::Nothing, |share| Cell::Whole(share.denominator)));
        cells.push(share.as_ref().and_then(|share| share.rate).map_or(Cell::Nothing, Cell::percent));
        cells.push(hidden_working_days.map_or(Cell::Nothing, Cell::Whole));
        table.row(cells);
    }
    let mut total = named(None, reference).to_vec();
    total.extend([
        Cell::Nothing,
        Cell::Nothing,
        Cell::Whole(answer.total),
        Cell::Nothing,
        Cell::Nothing,
        Cell::Nothing,
    ]);
    table.row(total);
    table
}

fn certificate_free(view: &CertificateFree, reference: &Reference, asked: &Asked) -> Table {
    let query = CertificateFreeQuery {
        period: asked.period,
        group_by: vec![CertificateFreeDimension::Org],
        item: None,
        organisation: asked.within.clone(),
        source: Source::Own,
    };
    let answer = view.answer(&query, reference);
    let mut table = Table::new(PLACE);
    table
        .rate("certificate_free", "免证办", "of the certificate-free items, without a paper certificate")
        .rate("paperless", "全部事项无纸质证照", "of all items, without a paper certificate")
        .column("by_certificate", "以电子证照替代", "papers for which a certificate stood")
        .column("by_data_share", "以数据共享替代", "papers for which the city's data stood")
        .column("data_share_in_vain", "数据共享未果", "asked of the city's data in vain");
    for row in answer.rows.iter().chain([&answer.total]) {
        let organisation = row.key.get(&CertificateFreeDimension::Org).map(String::as_str);
        let mut cells = named(organisation, reference).to_vec();
        cells.extend([row.certificate_free_rate, row.paperless_rate].into_iter().flat_map(shares));
        let asked: i64 = row.by_data_share.values().sum();
        let confirmed = row.by_data_share.get(&DataShareOutcome::Confirmed).copied().unwrap_or(0);
        cells.extend([row.by_certificate, confirmed, asked - confirmed].map(Cell::Whole));
        table.row(cells);
    }
    table
}

fn cross_township(view: &ProcessingTimes, reference: &Reference, asked: &Asked) -> Table {
    let by = |attribution| ProcessingTimesQuery {
        period: asked.period,
        cohort: Cohort::Finished,
        group_by: vec![Dimension::Township],
        item: None,
        organisation: asked.within.clone(),
        closing: None,
        attribution,
        region_as: RegionAs::Now,
        source: Source::Own,
    };
    let mut table = Table::new(PLACE);
    table.rate("taken_in_for_others", "代收外乡镇", "taken in here for another township, of all taken in").rate(
        "handled_for_others",
        "办理外乡镇代收",
        "taken in elsewhere, of all handled here",
    );
    let told = |attribution| view.answer(&by(attribution), reference, asked.day);
    // A question of cases by township asks nothing of steps, which is all that could be wrong with it.
    let (Ok(taken_in), Ok(handled)) = (told(Attribution::Intake), told(Attribution::Handling)) else { return table };
    let mut townships: BTreeMap<Option<String>, (Rate, Rate)> = BTreeMap::new();
    let township = |row: &ProcessingTimesRow| row.key.get(&Dimension::Township).cloned().flatten();
    for row in &taken_in.rows {
        townships.entry(township(row)).or_default().0 = row.cross_township;
    }
    for row in &handled.rows {
        townships.entry(township(row)).or_default().1 = row.cross_township;
    }
    for (township, (taken_in, handled)) in townships {
        let mut cells = match &township {
            None => vec![Cell::text("县级以上"), Cell::Nothing],
            Some(code) => named(Some(code), reference).to_vec(),
        };
        cells.extend([taken_in, handled].into_iter().flat_map(shares));
        table.row(cells);
    }
    let mut total = named(None, reference).to_vec();
    total.extend([taken_in.total.cross_township, handled.total.cross_township].into_iter().flat_map(shares));
    table.row(total);
    table
}

fn coverage(view: &Coverage, reference: &Reference, asked: &Asked) -> Table {
    let last_day = asked.period.to.pred_opt().unwrap_or(asked.day).min(asked.day);
    let answer = view.answer(&asked.organisation, reference, last_day, &PointsPage::NONE);
    let mut table = Table::new(PLACE);
    table
        .column("centres_there", "中心数", "centres")
        .column("centres_live", "已上线中心", "centres live")
        .column("stations_there", "站点数", "stations")
        .column("stations_live", "已上线站点", "stations live");
    for row in answer.counties.iter().chain([&answer.total]) {
        let mut cells = named(row.organisation.as_ref().map(OrganisationId::as_str), reference).to_vec();
        let counts = [row.centres.there, row.centres.live, row.stations.there, row.stations.live];
        cells.extend(counts.map(|count| Cell::Whole(count.into())));
        table.row(cells);
    }
    table
}
